package answer

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/secret"
)

// headerNote tells a model what the headers of an answer say and its body may
// not: where something new is, that there are more pages, and how many items.
func headerNote(t *catalogue.Tool, h http.Header) string {
	if len(h) == 0 {
		return ""
	}
	var lines []string
	if location := secret.BareURL(h.Get("Location")); location != "" {
		lines = append(lines, "Location: "+wire.Shorten(location, 300))
	}
	if total := h.Get("X-Total-Count"); total != "" {
		lines = append(lines, "In all: "+wire.Shorten(total, 20))
	}
	if next := nextLink(h["Link"]); next != "" {
		lines = append(lines, nextPage(t, next))
	}
	if after := h.Get("Retry-After"); after != "" {
		lines = append(lines, "Not ready yet: ask again after "+wire.Shorten(after, 40)+" (seconds, or a date).")
	}
	return strings.Join(lines, "\n")
}

// nextLink is the target of the link with the relation next (RFC 8288), or "".
func nextLink(values []string) string {
	for _, line := range values {
		for link := range strings.SplitSeq(line, "<") {
			target, params, ok := strings.Cut(link, ">")
			if params = strings.ToLower(params); ok && (strings.Contains(params, `rel="next"`) || strings.Contains(params, "rel=next")) {
				return target
			}
		}
	}
	return ""
}

// nextPage says how to get the page that a link leads to, in terms of the tool's
// own arguments; other parameters of a link may be credentials.
func nextPage(t *catalogue.Tool, link string) string {
	var words []string
	if u, err := url.Parse(link); err == nil {
		for name, values := range u.Query() {
			if i, ok := t.ByArg[name]; ok && (slices.Contains(t.Paging, t.Args[i].Listed) || slices.Contains(t.Narrowing, t.Args[i].Listed)) {
				words = append(words, "`"+t.Args[i].Listed+"`: "+wire.Shorten(strings.Join(values, ","), 200))
			}
		}
	}
	switch {
	case words == nil && len(t.Paging) > 0:
		return "There is a next page; for it, use " + strings.Join(t.Paging[:min(len(t.Paging), 3)], ", ") + "."
	case words == nil:
		return "There is a next page."
	}
	slices.Sort(words)
	return "Next page: call again with " + strings.Join(words, ", ") + "."
}

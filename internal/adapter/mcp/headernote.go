package mcp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/secret"
)

// headerNote tells a model what the headers of an answer say and its body may
// not: where something new is, that there are more pages, and how many items.
func headerNote(t *tool, h http.Header) string {
	if len(h) == 0 {
		return ""
	}
	var lines []string
	if location := secret.BareURL(h.Get("Location")); location != "" {
		lines = append(lines, "Location: "+cutText(location, 300))
	}
	if total := h.Get("X-Total-Count"); total != "" {
		lines = append(lines, "In all: "+cutText(total, 20))
	}
	if next := nextLink(h["Link"]); next != "" {
		lines = append(lines, nextPage(t, next))
	}
	if after := h.Get("Retry-After"); after != "" {
		lines = append(lines, "Not ready yet: ask again after "+cutText(after, 40)+" (seconds, or a date).")
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
func nextPage(t *tool, link string) string {
	var words []string
	if u, err := url.Parse(link); err == nil {
		for name, values := range u.Query() {
			if i, ok := t.byArg[name]; ok && (slices.Contains(t.paging, t.args[i].name) || slices.Contains(t.narrowing, t.args[i].name)) {
				words = append(words, "`"+t.args[i].name+"`: "+cutText(strings.Join(values, ","), 200))
			}
		}
	}
	switch {
	case words == nil && len(t.paging) > 0:
		return "There is a next page; for it, use " + strings.Join(t.paging[:min(len(t.paging), 3)], ", ") + "."
	case words == nil:
		return "There is a next page."
	}
	slices.Sort(words)
	return "Next page: call again with " + strings.Join(words, ", ") + "."
}

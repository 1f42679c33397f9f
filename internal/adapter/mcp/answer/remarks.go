package answer

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// remarks are what a model is told beside an answer.
type remarks struct {
	tool   *catalogue.Tool
	header http.Header
	given  []value.Value // the arguments of the call, by input
	hollow bool          // the API answered nothing of what the tool declares
	meter  *budget.Meter // of what is made of the answer
}

// note says why there is nothing, and what the headers of an answer say and its body
// may not: where something new is, that there are more pages, and how many items. Cut
// says that the answer does not show all that it had.
func (r *remarks) note(cut bool) string {
	h := r.header
	if len(h) == 0 && !r.hollow {
		return ""
	}
	var lines []string
	if r.hollow {
		lines = append(lines, "The API answered, but with nothing that this tool declares.")
	}
	if location := secret.BareURL(h.Get("Location")); location != "" {
		lines = append(lines, "Location: "+wire.Shorten(location, 300))
	}
	if total := h.Get("X-Total-Count"); total != "" {
		lines = append(lines, "In all: "+wire.Shorten(total, 20))
	}
	switch next := nextLink(h["Link"]); {
	case next == "":
	case cut:
		lines = append(lines, "There is a next page, which begins after what was cut here.")
	default:
		lines = append(lines, r.nextPage(next))
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
			if params = strings.ToLower(params); ok && (strings.Contains(params, `rel="next"`) ||
				strings.Contains(params, "rel=next")) {
				return target
			}
		}
	}
	return ""
}

// nextPage says how to get the page that a link leads to, in terms of the tool's
// own arguments; other parameters of a link may be credentials. It advises only what
// leads there: another page than that of this call, by all that the link says of it.
func (r *remarks) nextPage(link string) string {
	const plain = "There is a next page."
	u, err := url.Parse(link)
	if err != nil {
		return plain
	}
	t, moves, chosen := r.tool, false, false
	var words []string
	for name, values := range u.Query() {
		part := catalogue.PartOf(name)
		i, known := t.ByArg[name]
		if known {
			part = t.Args[i].Part
		}
		which := part == catalogue.Page || part == catalogue.Position
		chosen = chosen || which
		switch {
		case which && !known:
			return plain // as it is chosen by what the tool does not have
		case !known || part == catalogue.NoPart || t.Args[i].Secret:
			continue
		}
		text := strings.Join(values, ",")
		moves = moves || which && text != t.Given(r.given, i).Text()
		words = append(words, "`"+t.Args[i].Listed+"`: "+wire.Shorten(text, 200))
	}
	ways := slices.Concat(t.Choosers[catalogue.Page], t.Choosers[catalogue.Position])
	switch {
	case moves:
		slices.Sort(words)
		return "Next page: call again with " + strings.Join(words, ", ") + "."
	case !chosen && ways != nil:
		return "There is a next page; for it, use " + some(ways) + "."
	}
	return plain
}

// cut says how much of an answer there is and how to get the rest.
func (r *remarks) cut(all []missing) string {
	var b strings.Builder
	b.WriteString("Cut to fit: ")
	for i, m := range all {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more places", len(all)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		if m.path != "" {
			b.WriteString(firstRunes(m.path, 60) + " ")
		}
		fmt.Fprintf(&b, "shows %d of %d %s", m.shown, m.total, m.what)
	}
	b.WriteByte('.')
	advice := r.restOf(slices.DeleteFunc(slices.Clone(all), func(m missing) bool { return !m.isList() }))
	if filters := r.tool.Choosers[catalogue.Filter]; filters != nil {
		advice += " For less, use " + some(filters) + "."
	}
	if advice == "" {
		advice = " Ask for something narrower to see the rest."
	}
	return b.String() + advice
}

// restOf says how to get what was cut of lists. It advises only what loses nothing:
// the page after one that was cut begins after what was cut.
func (r *remarks) restOf(lists []missing) string {
	if len(lists) == 0 {
		return ""
	}
	shown := slices.MinFunc(lists, func(a, b missing) int { return a.shown - b.shown }).shown
	by := r.tool.Choosers
	pages, positions, sizes := by[catalogue.Page], by[catalogue.Position], by[catalogue.Size]
	ways := slices.Concat(pages, positions)
	switch {
	case ways == nil:
		return ""
	case positions != nil && len(lists) == 1 && r.asksForAtMost(lists[0].total-1):
		return "" // this is another list than the one that the call chooses a part of
	case positions != nil && len(lists) == 1 && shown > 0:
		return " For the rest, use " + some(positions) + "."
	case sizes != nil && shown > 0 && !r.asksForAtMost(shown):
		return fmt.Sprintf(" To see all, ask for at most %d at a time with %s, then go on with %s.", shown, sizes[0],
			some(ways))
	}
	return " What " + some(ways) + " leads to begins after what was cut."
}

// asksForAtMost reports whether the call asked for no more than so many items: then
// the API did not listen, or a longer list is not what it asked for.
func (r *remarks) asksForAtMost(most int) bool {
	for i := range r.tool.Args {
		if n, ok := r.tool.Given(r.given, i).Int64(); ok && r.tool.Args[i].Part == catalogue.Size && n <= int64(most) {
			return true
		}
	}
	return false
}

// some are the first few of names.
func some(names []string) string { return strings.Join(names[:min(len(names), 3)], ", ") }

package answer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/value"
)

// cutMember is the member that says, in a cut object, what is missing.
const cutMember = "_truncated"

// missing is one place where an answer was cut.
type missing struct {
	path         string // "" is the whole answer
	shown, total int
	what         string
}

const (
	items      = "items"
	members    = "members"
	characters = "characters"
)

// isList reports whether m is a list that a call may choose a part of, not one
// within its items.
func (m missing) isList() bool { return m.what == items && !strings.Contains(m.path, "[") }

// noteRoom is how many characters of an answer may say that it was cut.
const noteRoom = 500

// room is how many characters of an answer are left beside its notes.
func room(t *catalogue.Tool, notes int) int { return max(t.MaxChars-notes, t.MaxChars/2) }

// cut shortens v to the tool's limit less notes: arrays at the end of an item,
// long strings at the end of a character, never JSON in the middle. An object
// says so in a member of its own; for anything else what was cut has to be told
// beside it. The note is what there is to remark of an answer that is cut.
func cut(v value.Value, by remarks, notes int) (short value.Value, what, note string) {
	c := cutter{}
	v = c.fit(v, room(by.tool, notes), "")
	what, note = by.cut(c.missing), by.note(slices.ContainsFunc(c.missing, missing.isList))
	if v.Kind() != value.Object || !v.Get(cutMember).IsAbsent() {
		return v, what, note
	}
	marked := value.Map()
	for i := range v.Len() {
		marked.Add(v.Name(i), v.At(i))
	}
	marked.Add(cutMember, value.Of(what))
	return marked, "", note
}

type cutter struct{ missing []missing }

// fit returns v with at most budget characters of JSON, or with a few more where
// budget is smaller than smallest.
func (c *cutter) fit(v value.Value, budget int, path string) value.Value {
	if size(v, budget) <= budget {
		return v
	}
	switch v.Kind() {
	case value.Array:
		return c.array(v, budget, path)
	case value.Object:
		return c.object(v, budget, path)
	case value.String, value.Number: // of thousands of digits
		return c.text(v, budget, path)
	}
	return v
}

// smallest is the least budget for which cutting a part is better than leaving
// it out, in characters.
const smallest = 80

func (c *cutter) array(v value.Value, budget int, path string) value.Value {
	kept, left := value.List(), budget-2
	for i := range v.Len() {
		need := size(v.At(i), left) + 1
		if need > left {
			if i == 0 && left >= smallest {
				kept.Append(c.fit(v.At(0), left-1, path+"[0]"))
			}
			break
		}
		kept.Append(v.At(i))
		left -= need
	}
	if kept.Len() < v.Len() {
		c.missing = append(c.missing, missing{path, kept.Len(), v.Len(), items})
	}
	return kept
}

// object gives every member an equal share; what small ones leave, big ones get.
// Members whose share would be too small for anything are kept whole or not at all.
func (c *cutter) object(v value.Value, budget int, path string) value.Value {
	sizes := make([]int, v.Len())
	for i := range sizes {
		sizes[i] = size(v.At(i), budget) + utf8.RuneCountInString(v.Name(i)) + 4
	}
	share, left := 0, budget-2
	sorted := slices.Sorted(slices.Values(sizes))
	for i, s := range sorted {
		if share = left / (len(sorted) - i); s > share {
			break
		}
		left -= s
	}
	kept, left := value.Map(), budget-2
	for i := range v.Len() {
		item, need := v.At(i), sizes[i]
		around := utf8.RuneCountInString(v.Name(i)) + 4
		if room := share - around; need > share && room >= smallest {
			item = c.fit(item, room, strings.TrimPrefix(path+"."+v.Name(i), "."))
			need = size(item, room) + around
		}
		if need > left {
			continue
		}
		left -= need
		kept.Add(v.Name(i), item)
	}
	if kept.Len() < v.Len() {
		c.missing = append(c.missing, missing{path, kept.Len(), v.Len(), members})
	}
	return kept
}

func (c *cutter) text(v value.Value, budget int, path string) value.Value {
	text := v.Text()
	short := firstRunes(text, max(budget-3, 0))
	for size(value.Of(short), budget) > budget-1 { // what is escaped takes more
		short = firstRunes(short, utf8.RuneCountInString(short)*9/10)
	}
	c.missing = append(c.missing, missing{path, utf8.RuneCountInString(short), utf8.RuneCountInString(text),
		characters})
	return value.Of(short + "…")
}

// size is how many characters of JSON v is, or anything above limit.
func size(v value.Value, limit int) int {
	switch v.Kind() {
	case value.String:
		n := 2
		for _, r := range v.Text() {
			switch {
			case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t':
				n += 2
			case r < ' ':
				n += 6
			default:
				n++
			}
		}
		return n
	case value.Array, value.Object:
		n := 2
		for i := 0; i < v.Len() && n <= limit; i++ {
			if v.Kind() == value.Object {
				n += utf8.RuneCountInString(v.Name(i)) + 3
			}
			n += size(v.At(i), limit-n) + 1
		}
		return n
	}
	return len(v.Text())
}

func firstRunes(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

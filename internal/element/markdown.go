package element

import (
	"fmt"
	"slices"
	"strings"
)

// Table is the reference table of the element in Markdown, without what it has
// from its base; that of an element that is all variants has the keys of them.
func (e *Element) Table() string {
	var b strings.Builder
	if e.Select == "" || len(e.Fields) > 0 {
		b.WriteString("| key | value | meaning |\n|---|---|---|\n")
		rows(&b, "", slices.DeleteFunc(slices.Clone(e.Fields), func(f Field) bool {
			return e.Base != Document && slices.ContainsFunc(elements[e.Base].Fields,
				func(b Field) bool { return b.Key == f.Key && b.Doc == f.Doc })
		}))
		return b.String()
	}
	fmt.Fprintf(&b, "| `%s` | key | value | meaning |\n|---|---|---|---|\n", e.Select)
	common := e.common()
	rows(&b, "| every ", common)
	for i := 0; i < len(e.Variants); i++ {
		of := e.Variants[i].Of
		kinds := []string{e.Variants[i].Value}
		for ; i+1 < len(e.Variants) && e.Variants[i+1].Of == of; i++ {
			kinds = append(kinds, e.Variants[i+1].Value)
		}
		own := slices.DeleteFunc(slices.Clone(elements[of].Fields), func(f Field) bool {
			return f.Key == e.Select || slices.ContainsFunc(common, func(c Field) bool { return c.Key == f.Key })
		})
		rows(&b, "| "+code(kinds...)+" ", own)
	}
	return b.String()
}

// common are the fields that all variants share, without the one that selects.
func (e *Element) common() []Field {
	return slices.DeleteFunc(slices.Clone(elements[e.Variants[0].Of].Fields), func(f Field) bool {
		return f.Key == e.Select || slices.ContainsFunc(e.Variants, func(v Variant) bool {
			other := &elements[v.Of]
			i := other.Index(f.Key)
			return i < 0 || other.Fields[i].Doc != f.Doc
		})
	})
}

// rows writes a row for each field. Those that have no meaning share one.
func rows(b *strings.Builder, lead string, fields []Field) {
	var idle []string
	for i := range fields {
		f := &fields[i]
		if f.Kind == Block && f.Of == NoExtension {
			continue
		}
		if f.Doc == "" {
			idle = append(idle, f.Key)
			continue
		}
		key := code(f.Key)
		if len(f.Aliases) > 0 {
			key += " (also " + code(f.Aliases...) + ")"
		}
		fmt.Fprintf(b, "%s| %s | %s | %s |\n", lead, key, f.values(), f.meaning())
	}
	if len(idle) > 0 {
		fmt.Fprintf(b, "%s| %s | | read and without meaning |\n", lead, code(idle...))
	}
}

// Extensions is the table of Fairlead's own keys.
func Extensions() string {
	var b strings.Builder
	b.WriteString("| where | key | value | meaning |\n|---|---|---|---|\n")
	for id := NoExtension + 1; id <= lastExtension; id++ {
		rows(&b, "| "+strings.TrimPrefix(elements[id].Name, extensionOf)+" ", elements[id].Fields)
	}
	return b.String()
}

// extensionOf begins the names of the elements for Fairlead's own keys.
const extensionOf = "x-fairlead of "

// values is what the key may have as its value.
func (f *Field) values() string {
	if len(f.Values) > 0 {
		return code(f.Values...)
	}
	return f.Kind.String()
}

// meaning is the line of documentation with what there is to add.
func (f *Field) meaning() string {
	text := f.Doc
	if f.Default != "" {
		text += ". When absent: " + f.Default
	}
	if f.Protects {
		text += ". *Protects*"
	}
	if f.Unserved {
		text += ". *Not served yet*"
	}
	return text
}

func code(words ...string) string { return "`" + strings.Join(words, "`, `") + "`" }

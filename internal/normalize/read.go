package normalize

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// fields are the values of one element, by the keys of its table. A value of
// the wrong kind was reported and is not there.
type fields struct {
	r     *reader
	of    *element.Element
	from  *document.Node
	pairs []*document.Pair // by place in of.Fields
}

// read reads n as an element and reports what has no meaning in it.
func (r *reader) read(n *document.Node, id element.ID) fields { return r.readBelow(n, id, nil) }

// readBelow is read for a mapping that stands in an element of its own:
// further are keys that protect and have their place there.
func (r *reader) readBelow(n *document.Node, id element.ID, further []element.Safety) fields {
	e := element.Get(id)
	f := fields{r: r, of: e, from: n, pairs: make([]*document.Pair, len(e.Fields))}
	if !n.Is(value.Object) {
		return f
	}
	for i := range n.Pairs {
		p := &n.Pairs[i]
		at := e.Index(p.Key)
		if at < 0 {
			r.unknown(p, e, further)
			continue
		}
		field := &e.Fields[at]
		if !r.fits(p, e, field) {
			continue
		}
		if earlier := f.pairs[at]; earlier == nil || rank(field, p.Key) < rank(field, earlier.Key) {
			f.pairs[at] = p
		}
	}
	return f
}

// rank orders the spellings of a key: of several that are there the first counts.
func rank(f *element.Field, key string) int { return slices.Index(f.Names(), key) }

// fits reports whether the value of a key is of its kind. Nothing at all is
// fine, except where it would protect.
func (r *reader) fits(p *document.Pair, e *element.Element, f *element.Field) bool {
	n := p.Value
	if n.IsNull() {
		if f.MustSay() {
			r.unprotected(p.KeyAt, "Say what it is, or remove the key.", "“%s” of %s is empty", p.Key, e.Name)
		}
		return true
	}
	want, ok := r.wants(p.Key, n, f)
	if ok {
		return true
	}
	if r.misplaced(p, e, nil) {
		return false
	}
	got := kindPhrase(n.Kind)
	if f.Kind.IsWord() && n.IsScalar() && len(n.Text) < 40 {
		got = "“" + n.Text + "”"
	}
	if f.Protects {
		r.unprotected(n.At, "Write it as "+want+".", "%s of %s must be %s, not %s", p.Key, e.Name, want, got)
	} else {
		r.report(diag.WrongType, n.At, "Write it as "+want+".", "%s of %s must be %s, not %s; it is ignored", p.Key,
			e.Name, want, got)
	}
	return false
}

// wants is what the value of a key must be; ok reports whether it is.
func (r *reader) wants(key string, n *document.Node, f *element.Field) (want string, ok bool) {
	switch f.Kind {
	case element.Text:
		return "a text", n.IsScalar()
	case element.Choice:
		return strings.Join(f.Values, " or "), n.IsScalar() &&
			slices.ContainsFunc(f.Values, func(v string) bool { return strings.EqualFold(v, n.Text) })
	case element.Bool:
		_, ok := r.truth(key, n)
		return "true or false", ok
	case element.Number:
		_, err := strconv.ParseFloat(n.Str(), 64)
		return "a number", err == nil
	case element.Time, element.Rate, element.Share:
		_, want, ok := f.Kind.Amount(n.Str())
		return want, ok
	case element.Texts:
		for _, item := range n.Items {
			if !item.IsScalar() {
				if f.Protects {
					return "a list of texts", false
				}
				r.report(diag.WrongType, item.Range(), "Write it as a text.",
					"an entry of %s must be a text, not %s; it is ignored", key, kindPhrase(item.Kind))
			}
		}
		return "a list of texts", n.Kind != value.Object
	case element.Block, element.Map:
		return "a mapping", n.Kind == value.Object
	case element.List, element.Named, element.Shape:
		return "a list", !n.IsScalar()
	default:
		return "", true
	}
}

// unknown reports a key without a meaning. One that was probably meant to
// protect withholds what it would have protected.
func (r *reader) unknown(p *document.Pair, e *element.Element, further []element.Safety) {
	if e.Guarded {
		further = slices.Concat(further, element.ServerSafeties())
	}
	if s, ok := meantToProtect(p.Key, e, further); ok {
		hint := "Did you mean “" + s.Key + "”?"
		switch {
		case s.Below != "":
			hint = "Write it below " + s.Below + " of " + s.Of + ": " + s.Below + ": {" + s.Key + ": …}."
		case s.Of != e.Name:
			hint = "Write “" + s.Key + "” as a key of " + s.Of + "."
		}
		r.unprotected(p.KeyAt, hint, "“%s” has no meaning on %s, and looks as if it should protect", p.Key, e.Name)
		return
	}
	if e.Open || strings.HasPrefix(p.Key, "x-") && p.Key != "x-fairlead" || r.misplaced(p, e, further) {
		return
	}
	r.report(diag.UnknownKey, p.KeyAt,
		r.finder.Meant(p.Key, slices.Values(e.Keys()), "Remove it, or check its spelling."),
		"“%s” has no meaning on %s and is ignored", p.Key, e.Name)
}

// misplaced reports a key that protects where it stands in the mapping of p,
// which has no meaning, and withholds what it would have protected.
func (r *reader) misplaced(p *document.Pair, e *element.Element, further []element.Safety) bool {
	if !p.Value.Is(value.Object) {
		return false
	}
	for _, inner := range p.Value.Pairs {
		for _, s := range slices.Concat(e.Safeties(), further) {
			if s.Word == s.Key && s.Key == inner.Key && s.Below == "" {
				r.unprotected(inner.KeyAt, "Write “"+s.Key+"” as a key of "+s.Of+".",
					"“%s” protects nothing within “%s” of %s", s.Key, p.Key, e.Name)
				return true
			}
		}
	}
	return false
}

// meantToProtect finds the key that protects for which an unknown key was
// probably meant: at most two edits away, and no other key nearer. Those of the
// element itself go first.
func meantToProtect(key string, e *element.Element, further []element.Safety) (element.Safety, bool) {
	for _, safeties := range [][]element.Safety{e.Safeties(), further} {
		if s, edits := nearest(key, safeties); edits <= 2 {
			return s, !slices.ContainsFunc(e.Keys(), func(k string) bool { return diag.Edits(key, k, 2) < edits })
		}
	}
	return element.Safety{}, false
}

// nearest is the safety whose word has the fewest edits from key, and how many
// these are; short words are no more than one away.
func nearest(key string, safeties []element.Safety) (best element.Safety, least int) {
	least = 3
	for _, s := range safeties {
		if d := diag.Edits(key, s.Word, 2); d < least && (d < 2 || len(s.Word) > 4) {
			best, least = s, d
		}
	}
	return best, least
}

// unprotected reports a key that protects and cannot be read, and marks what it
// would protect: that is not served.
func (r *reader) unprotected(at diag.Range, hint, format string, args ...any) {
	r.report(diag.Unprotected, at, hint, format, args...)
	*r.unreadable = true
}

// guarding makes unprotected mark *flag until the function that it returns is called.
func (r *reader) guarding(flag *bool) func() {
	outer := r.unreadable
	r.unreadable = flag
	return func() { r.unreadable = outer }
}

// foreign reports a text that is written as other tools write variables. As a
// secret that callers must know it would protect nothing.
func (r *reader) foreign(n *document.Node, protects bool) {
	name, ok := template.Foreign(n.Str())
	if !ok {
		return
	}
	hint := "Write “{{" + name + "}}”, and bind it: binds: [{namespace: env, keys: {" + name + ": " + name + "}}]."
	if protects {
		r.unprotected(n.At, hint, "the text is taken as it stands: that is no variable here")
		return
	}
	r.report(diag.ForeignVariable, n.At, hint, "the text is sent as it stands: that is no variable here")
}

// words are what YAML 1.1 and authors call true and false.
var words = map[string]bool{"yes": true, "on": true, "y": true, "1": true, "true": true, "no": false, "off": false,
	"n": false, "0": false, "false": false}

// truth reads a boolean. A word for one is taken as what it means, with a note.
func (r *reader) truth(key string, n *document.Node) (truth, ok bool) {
	if n.Is(value.Bool) {
		return n.Bool()
	}
	truth, ok = words[strings.ToLower(n.Str())]
	if ok && !r.noted[n.At] {
		r.noted[n.At] = true
		r.report(diag.BooleanWord, n.At, "Write "+strconv.FormatBool(truth)+".",
			"“%s” of %s is no boolean, and is taken for %t", n.Text, key, truth)
	}
	return truth, ok
}

func (f fields) index(key string) int {
	for i := range f.of.Fields {
		if f.of.Fields[i].Key == key {
			return i
		}
	}
	panic("element: " + f.of.Name + " has no key " + key)
}

// node is the value of the key, nil when it is not there or cannot be read.
func (f fields) node(key string) *document.Node {
	if p := f.pairs[f.index(key)]; p != nil {
		return p.Value
	}
	return nil
}

func (f fields) text(key string) string { return f.node(key).Str() }

func (f fields) texts(key string) []string { return texts(f.node(key)) }

func (f fields) number(key string) int {
	n, _ := strconv.Atoi(f.text(key))
	return n
}

// truth is the boolean of the key, nil when it is not there.
func (f fields) truth(key string) *bool {
	n := f.node(key)
	if n.IsNull() {
		return nil
	}
	if truth, ok := f.r.truth(key, n); ok {
		return &truth
	}
	return nil
}

func (f fields) isTrue(key string) bool {
	truth := f.truth(key)
	return truth != nil && *truth
}

func (f fields) isFalse(key string) bool {
	truth := f.truth(key)
	return truth != nil && !*truth
}

// block reads the mapping of the key. Keys that protect and belong into f have
// no place in it, and are looked for.
func (f fields) block(key string) fields {
	field := f.of.Fields[f.index(key)]
	further := f.of.Safeties()
	for i := range further {
		if further[i].Below == key {
			further[i] = element.Safety{} // it has its place here
		}
	}
	further = slices.DeleteFunc(further, func(s element.Safety) bool { return s.Key == "" })
	if key == "x-fairlead" {
		further = append(further, element.ExtensionSafeties()...)
	}
	return f.r.readBelow(f.node(key), field.Of, further)
}

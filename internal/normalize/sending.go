package normalize

import (
	"maps"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/value"
)

// readProfiles reads the profiles of the document and of its capability, which go before.
func (r *reader) readProfiles(document, capability fields) {
	r.profiles = map[string]value.Value{}
	for _, own := range []fields{document, capability} {
		for _, e := range r.named(own.node("profiles"), "profile", false) {
			r.profiles[e.name] = r.read(e.node, element.ProfileExtension).settings(sends)
		}
	}
}

// sending is what an element says of how calls are sent, by key: its profile, and its
// own settings, which go before.
func (r *reader) sending(own fields) (levels []value.Value) {
	if name := own.text("profile"); name != "" {
		profile, known := r.profiles[name]
		if known {
			levels = append(levels, profile)
		} else {
			r.report(diag.ProfileUnknown, own.from.Where("profile"), r.finder.Meant(name, maps.Keys(r.profiles),
				"Declare it in x-fairlead of the document: profiles: {"+name+": {timeout: 10s}}."),
				"there is no profile “%s”; calls are sent without it", name)
		}
	}
	if said := own.settings(sends); said.Len() > 0 {
		levels = append(levels, said)
	}
	return levels
}

func sends(f *element.Field) bool { return f.Sends && f.Key != "profile" }

func always(*element.Field) bool { return true }

// settings is what f says by those keys. Times are nanoseconds, rates nanoseconds
// from one to the next, shares percent; what is switched off is null.
func (f fields) settings(count func(*element.Field) bool) value.Value {
	var all []value.Member
	for i, p := range f.pairs {
		if field := &f.of.Fields[i]; p != nil && count(field) {
			if v := f.setting(field, p.Value); !v.IsAbsent() {
				all = append(all, value.Member{Name: field.Key, Value: v})
			}
		}
	}
	return value.Members(all)
}

// setting is the value of one key; Absent when it says nothing.
func (f fields) setting(field *element.Field, n *document.Node) value.Value {
	switch {
	case n.IsNull():
		return value.Value{}
	case field.Kind == element.Bool:
		truth, _ := f.r.truth(field.Key, n)
		return value.Boolean(truth)
	case field.Kind == element.Mixed:
		return f.shorter(field, n)
	case field.Kind == element.Texts:
		list := value.List()
		for _, text := range texts(n) {
			list.Append(value.Of(text))
		}
		return list
	}
	if v, _, ok := field.Kind.Amount(n.Str()); ok {
		return v
	}
	return n.Value()
}

// shorter is the value of a key whose mapping may be written shorter: true and none
// for all of it, and a value for one of its keys.
func (f fields) shorter(field *element.Field, n *document.Node) value.Value {
	if !n.IsScalar() {
		if !n.Is(value.Object) {
			f.r.is(n, value.Object, field.Key)
			return value.Value{}
		}
		return f.r.read(n, field.Of).settings(always)
	}
	switch truth, isBool := n.Bool(); {
	case n.Text == "none" || isBool && !truth:
		return value.Nil()
	case isBool:
		return value.Map()
	}
	of := element.Get(field.Of)
	short := of.Field(of.Short)
	if want, ok := f.r.wants(field.Key, n, short); !ok {
		f.r.report(diag.WrongType, n.At, "Write it as "+want+".", "%s must be %s, not “%s”; it is ignored",
			field.Key, want, n.Text)
		return value.Value{}
	}
	return value.Members([]value.Member{{Name: of.Short, Value: f.setting(short, n)}})
}

// Package element describes what may stand in a capability document: each
// element of every version, each of its keys, as data. From this one table come
// the reading of documents, what is said of keys that have no meaning, the
// reference tables of docs/format.md, and the JSON Schema that editors use.
//
// To add a key, add one line to a table.
package element

import (
	"slices"
	"strings"
)

// Kind is what a value may be.
type Kind uint8

const (
	Text   Kind = iota // a string, or another scalar as it is written
	Choice             // a Text out of Values; any other is reported
	Bool               // true or false, and the words that YAML 1.1 reads so
	Number
	Texts // a list of texts, or one text
	Block // a mapping, described by Of
	List  // a list of Of
	Named // a mapping by name, or a list of elements with names, of Of
	Shape // one Of, which has a type; or Named
	Map   // a mapping whose keys are the author's own
	Mixed // any value; where it is a mapping, Of describes it
	Data  // any value
	Time  // how long, see Amount
	Rate  // how often
	Share // of all, in percent
)

// String is what messages and tables call the kind.
func (k Kind) String() string {
	return [...]string{"text", "text", "boolean", "number", "list of texts", "mapping", "list",
		"map by name, or list", "map by name, list, or one", "mapping", "mapping, or shorter", "any value",
		"time", "rate", "percentage"}[k]
}

// IsWord reports whether a value is one of few words or a quantity, which a message may quote.
func (k Kind) IsWord() bool {
	switch k {
	case Choice, Bool, Number, Time, Rate, Share:
		return true
	}
	return false
}

// Field is one key of an element.
type Field struct {
	Key     string
	Aliases []string // spellings of other versions and other tools, read as Key
	Kind    Kind
	Of      ID       // of Block, List, Named and Mixed
	Values  []string // the texts that have a meaning, if these are a closed set
	Default string   // what absence means
	// texts in lower case, the spellings of Values among them, and what reading makes of them
	Meanings map[string]string
	Protects bool     // a safety key: what cannot be read withholds what it would protect
	Sends    bool     // how calls are sent: upstream reads it, see upstream.NewPolicy
	Mistaken []string // words that authors use for a key that protects, far from its spelling
	Unserved bool     // part of the format, and not served yet
	Doc      string   // one line for docs/format.md and editors; "" when it is read and has no meaning
}

// Names are the key and its aliases.
func (f *Field) Names() []string { return append([]string{f.Key}, f.Aliases...) }

// Meaning is what reading makes of a text; ok is false when it has no meaning.
func (f *Field) Meaning(text string) (meaning string, ok bool) {
	meaning, ok = f.Meanings[strings.ToLower(text)]
	return meaning, ok
}

// MustSay reports whether the key protects and may not be left empty: a mapping
// of promises may, authentication may not.
func (f *Field) MustSay() bool {
	return f.Protects && (f.Kind != Block || f.Of == AuthIn || f.Of == AuthOut)
}

// Variant is an element that takes the place of another where the key Select of
// that one has the value, or one of its aliases.
type Variant struct {
	Value   string
	Of      ID
	Aliases []string
}

// Element is one kind of mapping.
type Element struct {
	Def      string // its name in the JSON Schema and in docs/format.md
	Name     string // with its article, as messages have it
	Fields   []Field
	Base     ID        // the element whose keys it has, too, in the documentation; Document is none
	Select   string    // the key whose value selects a variant
	Variants []Variant // the first is taken where Select is absent, if Implied
	Implied  bool
	Short    string // the key for which a value stands that is no mapping; "" where it stands for none
	Open     bool   // keys of the author's own are no news
	Guarded  bool   // it is served, or holds what is: authentication of a server, written here, would let everybody in
}

// Get returns the element of the ID.
func Get(id ID) *Element { return &elements[id] }

// All lists the IDs of all elements.
func All() []ID {
	all := make([]ID, 0, len(elements))
	for id := range elements {
		all = append(all, ID(id))
	}
	return all
}

// Variant returns the variant that the text selects; ok is false when it selects none.
func (e *Element) Variant(text string) (v Variant, ok bool) {
	if text == "" && e.Implied {
		return e.Variants[0], true
	}
	for _, v := range e.Variants {
		if strings.EqualFold(v.Value, text) ||
			slices.ContainsFunc(v.Aliases, func(s string) bool { return strings.EqualFold(s, text) }) {
			return v, true
		}
	}
	return Variant{}, false
}

// Index is the place in Fields of the field with the key or alias; -1 when
// there is none.
func (e *Element) Index(key string) int {
	for i := range e.Fields {
		if e.Fields[i].Key == key {
			return i
		}
	}
	for i := range e.Fields {
		if slices.Contains(e.Fields[i].Aliases, key) {
			return i
		}
	}
	return -1
}

// Field returns the field with the key or alias, which the element has.
func (e *Element) Field(key string) *Field { return &e.Fields[e.Index(key)] }

// Keys are the keys of the element, without aliases.
func (e *Element) Keys() []string {
	keys := make([]string, len(e.Fields))
	for i := range e.Fields {
		keys[i] = e.Fields[i].Key
	}
	return keys
}

// Safety is a word for a key that protects, and where that key has its place:
// in an element itself, or below one of its keys.
type Safety struct{ Word, Key, Of, Below string }

// Safeties are the keys that protect the element: its own, and those of the
// mappings below it. Words that are mistaken for one stand for it.
func (e *Element) Safeties() (all []Safety) {
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Protects {
			for _, name := range slices.Concat(f.Names(), f.Mistaken) {
				all = append(all, Safety{Word: name, Key: f.Key, Of: e.Name})
			}
		}
		if f.Kind != Block {
			continue
		}
		for j := range elements[f.Of].Fields {
			if inner := &elements[f.Of].Fields[j]; inner.Protects {
				all = append(all, Safety{inner.Key, inner.Key, e.Name, f.Key})
			}
		}
	}
	return all
}

// ServerSafeties are the words for authentication of a server, for where it is
// written on what the server guards.
func ServerSafeties() (all []Safety) {
	for _, word := range slices.Concat(authIn.Names(), authIn.Mistaken) {
		all = append(all, Safety{Word: word, Key: authIn.Key, Of: elements[Server].Name})
	}
	return all
}

// ExtensionSafeties are the keys that protect and have their place in some
// mapping of Fairlead's own keys.
func ExtensionSafeties() (all []Safety) {
	for id := NoExtension; id <= lastExtension; id++ {
		for i := range elements[id].Fields {
			if f := &elements[id].Fields[i]; f.Protects {
				all = append(all, Safety{f.Key, f.Key, strings.TrimPrefix(elements[id].Name, extensionOf),
					"x-fairlead"})
			}
		}
	}
	return all
}

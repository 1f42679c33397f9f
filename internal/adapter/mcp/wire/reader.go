package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

// Reader reads the values of a JSON text one after the other, in one pass. After
// the first syntax error its methods read nothing more. Byte slices alias the text.
type Reader struct {
	text  []byte
	src   bytes.Buffer
	dec   jsontext.Decoder
	fault error // the first syntax error
}

// readOptions: of members with equal names the last wins, as everywhere in Fairlead.
var readOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

func (r *Reader) reset(text []byte) {
	r.text, r.fault = text, nil
	r.src = *bytes.NewBuffer(text)
	r.dec.Reset(&r.src, readOptions...)
}

// Object calls each for every member of the object that comes next, which must
// read the value; it reports whether one came, and skips anything else.
func (r *Reader) Object(each func(name []byte)) bool {
	if r.fault != nil {
		return false
	}
	if r.dec.PeekKind() != '{' {
		r.Skip()
		return false
	}
	r.token()
	for r.fault == nil && r.dec.PeekKind() == '"' {
		each(r.Text())
	}
	r.token()
	return r.fault == nil
}

func (r *Reader) token() {
	if r.fault == nil {
		_, r.fault = r.dec.ReadToken()
	}
}

// Skip reads the next value and keeps nothing of it.
func (r *Reader) Skip() {
	if r.fault == nil {
		r.fault = r.dec.SkipValue()
	}
}

// Source returns the JSON text of the next value.
func (r *Reader) Source() []byte {
	if r.fault != nil {
		return nil
	}
	v, err := r.dec.ReadValue()
	if r.fault = err; err != nil {
		return nil
	}
	end := r.dec.InputOffset()
	return r.text[end-int64(len(v)) : end : end]
}

// Text returns the content of the next value if that is a string, else nil.
func (r *Reader) Text() []byte {
	s := r.Source()
	if len(s) < 2 || s[0] != '"' {
		return nil
	}
	if bytes.IndexByte(s, '\\') < 0 {
		return s[1 : len(s)-1]
	}
	s, _ = jsontext.AppendUnquote([]byte{}, s) // it was read as valid
	return s
}

// Key returns the JSON text of the next value if that is a string or a number,
// else nil.
func (r *Reader) Key() []byte {
	if kind := r.dec.PeekKind(); kind != '"' && kind != '0' {
		r.Skip()
		return nil
	}
	return r.Source()
}

// Value reads the next value. What most arguments are needs no parser.
func (r *Reader) Value() value.Value {
	if r.fault != nil {
		return value.Value{}
	}
	switch r.dec.PeekKind() {
	case '"':
		return value.Of(string(r.Text()))
	case '0':
		return value.Num(string(r.Source()))
	case 't', 'f':
		return value.Boolean(string(r.Source()) == "true")
	}
	v, err := value.Decoder{Decoder: &r.dec}.Value()
	r.fault = err
	return v
}

// Elicits reads the capabilities of a client and reports whether it can ask its
// user by a form, which an empty object elicitation means too, and whether it can open
// pages for them. Object is false when they are none.
func (r *Reader) Elicits() (elicits, opens, object bool) {
	object = r.Object(func(name []byte) {
		if string(name) != "elicitation" {
			r.Skip()
			return
		}
		modes, form := 0, false
		elicits = r.Object(func(mode []byte) {
			modes, form, opens = modes+1, form || string(mode) == "form", opens || string(mode) == "url"
			r.Skip()
		}) && (form || modes == 0)
	})
	return elicits, opens, object
}

// ClientName reads the clientInfo of a client and returns its name.
func (r *Reader) ClientName() (name []byte) {
	r.Object(func(member []byte) {
		if string(member) == "name" {
			name = r.Text()
		} else {
			r.Skip()
		}
	})
	return name
}

// Given is one member of arguments.
type Given struct {
	Name  []byte
	Value value.Value
}

// Arguments reads an object into given, whose memory it takes. It is not ok when
// something else came. No arguments are null, and some clients hand on the text that
// their model wrote.
func (r *Reader) Arguments(given []Given) (all []Given, ok bool) {
	all = given[:0]
	switch r.dec.PeekKind() {
	case '{':
		ok = r.Object(func(name []byte) { all = append(all, Given{name, r.Value()}) })
		return all, ok
	case 'n':
		r.Skip()
		return all, true
	case '"':
		v, err := value.Parse(r.Text())
		if err != nil || v.Kind() != value.Object {
			return all, false
		}
		for i := range v.Len() {
			all = append(all, Given{[]byte(v.Name(i)), v.At(i)})
		}
		return all, true
	}
	r.Skip()
	return all, false
}

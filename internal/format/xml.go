package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"github.com/fairlead/fairlead/internal/value"
)

const xsi = "http://www.w3.org/2001/XMLSchema-instance"

// decodeXML makes an object of the root's attributes and children, without the
// root's name. Names lose their prefixes; a name that occurs again makes an
// array; text beside attributes or children stands under the empty name; an
// element of only text is a string, an empty one "" and one with xsi:nil null.
// Nothing is inferred: every scalar is a string. DOCTYPE, and with it every
// entity but the five of XML itself, is refused.
func decodeXML(text []byte, left *allowance) (value.Value, error) {
	x := xmlReader{d: xml.NewDecoder(bytes.NewReader(text)), left: left}
	x.d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // Charset has seen to it
	var root value.Value
	for {
		token, err := x.next()
		if err == io.EOF && !root.IsAbsent() {
			return root, nil
		}
		if err != nil {
			if err == io.EOF {
				err = x.fail("there is no element")
			}
			return value.Value{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !root.IsAbsent() {
				return value.Value{}, x.fail("there is a second root element")
			}
			if root, err = x.element(t, 1); err != nil {
				return value.Value{}, err
			}
		case xml.CharData:
			if !blank(bytes.TrimPrefix(t, []byte(boms[0].mark))) {
				return value.Value{}, x.fail("there is text outside the root element")
			}
		}
	}
}

type xmlReader struct {
	d    *xml.Decoder
	left *allowance
}

func (x *xmlReader) fail(message string) error {
	return &Error{Offset: x.d.InputOffset(), Message: message}
}

// next returns the next token, its bytes valid until the one after it.
func (x *xmlReader) next() (xml.Token, error) {
	token, err := x.d.Token()
	if err == io.EOF {
		return nil, err
	}
	if err != nil {
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			err = errors.New(syntax.Msg)
		}
		return nil, foreign(x.d.InputOffset(), err)
	}
	if _, ok := token.(xml.Directive); ok {
		return nil, x.fail("a DOCTYPE is not accepted")
	}
	return token, nil
}

// element reads up to the end of the element that start begins.
func (x *xmlReader) element(start xml.StartElement, depth int) (value.Value, error) {
	if depth > MaxDepth {
		return value.Value{}, x.fail("nested deeper than 512 elements")
	}
	if err := x.left.take(1 + len(start.Attr)); err != nil {
		return value.Value{}, err
	}
	var e xmlElement
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns":
		case a.Name.Space == xsi && a.Name.Local == "nil":
			e.null = a.Value == "true" || a.Value == "1"
		default:
			e.put(a.Name.Local, value.Of(a.Value))
		}
	}
	for {
		token, err := x.next()
		if err != nil {
			if err == io.EOF {
				err = x.fail("the body ends within an element")
			}
			return value.Value{}, err
		}
		switch t := token.(type) {
		case xml.CharData:
			e.text = append(e.text, t...)
		case xml.StartElement:
			if err := e.flush(x.left); err != nil {
				return value.Value{}, err
			}
			child, err := x.element(t, depth+1)
			if err != nil {
				return value.Value{}, err
			}
			e.put(t.Name.Local, child)
		case xml.EndElement:
			return e.value(x.left)
		}
	}
}

// xmlElement is an element on its way to a value.
type xmlElement struct {
	object
	text []byte // since the last child
	null bool
}

// put adds a member; a name that is there already turns into, or grows, an array.
func (e *xmlElement) put(name string, v value.Value) {
	i := e.find(name)
	if i < 0 {
		e.add(name, v)
		return
	}
	if there := e.members[i].Value; there.Kind() == value.Array { // no element is an array by itself
		there.Append(v)
	} else {
		e.members[i].Value = value.List(there, v)
	}
}

// flush keeps the text before a child, unless it is only indentation.
func (e *xmlElement) flush(left *allowance) error {
	if len(e.text) == 0 || blank(e.text) {
		e.text = e.text[:0]
		return nil
	}
	e.put("", value.Of(string(e.text)))
	e.text = e.text[:0]
	return left.take(1)
}

func (e *xmlElement) value(left *allowance) (value.Value, error) {
	if e.null {
		return value.Nil(), nil
	}
	if len(e.members) == 0 {
		return value.Of(string(e.text)), nil
	}
	err := e.flush(left)
	return e.object.value(), err
}

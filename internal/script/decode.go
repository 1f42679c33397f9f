package script

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

// decode reads the result of a worker. A hostile script may answer with a
// million names in one object: unlike value.Parse, this takes a time that grows
// with the text only, and refuses a name that is there twice (lone surrogates
// all become U+FFFD).
func decode(text []byte) (value.Value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	v, err := decodeNext(d, 0)
	if err != nil {
		return value.Value{}, fmt.Errorf("read result: %w", err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return value.Value{}, fmt.Errorf("read result: text after the value")
	}
	return v, nil
}

func decodeNext(d *jsontext.Decoder, depth int) (value.Value, error) {
	if depth > value.MaxDepth {
		return value.Value{}, fmt.Errorf("nested deeper than %d", value.MaxDepth)
	}
	token, err := d.ReadToken()
	if err != nil {
		return value.Value{}, noEOF(err)
	}
	switch token.Kind() {
	case 'n':
		return value.Nil(), nil
	case 't', 'f':
		return value.Boolean(token.Bool()), nil
	case '"':
		return value.Of(token.String()), nil
	case '0':
		return value.Num(token.String()), nil
	case '[':
		list := value.List()
		for d.PeekKind() != ']' {
			item, err := decodeNext(d, depth+1)
			if err != nil {
				return value.Value{}, err
			}
			list.Append(item)
		}
		_, err := d.ReadToken()
		return list, err
	default: // '{'
		object := value.Map()
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return value.Value{}, noEOF(err)
			}
			key := name.String()
			item, err := decodeNext(d, depth+1)
			if err != nil {
				return value.Value{}, err
			}
			object.Add(key, item)
		}
		_, err := d.ReadToken()
		return object, err
	}
}

package answer

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// largeRaw is from how many bytes on an answer is made compact where it is: the
// library's way copies it twice.
const largeRaw = 256 << 10

var errBehind = errors.New("there is text behind the JSON")

// compact makes w.JSON of w.Raw. Where that is no JSON, it says so and leaves it.
func (w *Writer) compact() (err error) {
	if len(w.Raw) < largeRaw {
		w.JSON, err = jsontext.AppendFormat(w.JSON[:0], w.Raw, compactOptions...)
		return err
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(w.Raw), compactOptions...)
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return errors.Join(errBehind, err)
	}
	w.JSON, w.Raw = squeeze(w.Raw), w.JSON[:0]
	return nil
}

// squeeze takes the blanks out of JSON text, and changes it.
func squeeze(text []byte) []byte {
	out := text[:0]
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			end := pastString(text, i)
			out = append(out, text[i:end]...)
			i = end
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

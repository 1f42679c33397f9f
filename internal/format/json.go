package format

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

func decodeJSON(text []byte, left *allowance) (value.Value, error) {
	if tooManyJSON(text) {
		return value.Value{}, fail("%s", errTooMany)
	}
	// APIs cut texts in the middle of a character
	v, err := value.ParseWithin(left.meter, text, jsontext.AllowInvalidUTF8(true))
	if err == nil {
		return v, nil
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && syntax.Err != nil {
		return value.Value{}, foreign(syntax.ByteOffset, syntax.Err)
	}
	return value.Value{}, foreign(-1, err)
}

// tooManyJSON reports whether the text would make more than MaxValues values.
// Each value but the first is preceded by a comma or an opening bracket, so the
// fast count of those bytes settles nearly every body; a body above it is
// counted again without what stands in strings.
func tooManyJSON(text []byte) bool {
	if len(text) <= MaxValues {
		return false
	}
	fast := bytes.Count(text, []byte{','}) + bytes.Count(text, []byte{'['}) + bytes.Count(text, []byte{'{'})
	if fast < MaxValues {
		return false
	}
	n, quoted := 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n > MaxValues
}

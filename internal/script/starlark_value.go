package script

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// predeclared are the names that a script finds besides Starlark's own. sum and
// round are those of Python that the shaping of data keeps asking for.
func predeclared(context starlark.Value) starlark.StringDict {
	return starlark.StringDict{
		"context": context,
		"sum":     starlark.NewBuiltin("sum", sum),
		"round":   starlark.NewBuiltin("round", round),
	}
}

// sum adds the items of an iterable to start, as Python's does.
func sum(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value,
	error) {
	var items starlark.Iterable
	var total starlark.Value = starlark.MakeInt(0)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "iterable", &items, "start?", &total); err != nil {
		return nil, err
	}
	for item := range starlark.Elements(items) {
		var err error
		if total, err = starlark.Binary(syntax.PLUS, total, item); err != nil {
			return nil, fmt.Errorf("sum: %w", err)
		}
	}
	return total, nil
}

// round rounds half to even on the exact value, as Python's does: to an integer,
// or with ndigits to a float with so many decimal places.
func round(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value,
	error) {
	var number starlark.Value
	var digits starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "number", &number, "ndigits?", &digits); err != nil {
		return nil, err
	}
	places := 0
	if digits != starlark.None {
		var err error
		if places, err = starlark.AsInt32(digits); err != nil || places < 0 || places > 300 {
			return nil, fmt.Errorf("round: ndigits must be an integer from 0 to 300")
		}
	}
	switch n := number.(type) {
	case starlark.Int:
		return n, nil
	case starlark.Float:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(n), 'f', places, 64), 64)
		if digits == starlark.None {
			return starlark.NumberToInt(starlark.Float(f))
		}
		return starlark.Float(f), nil
	default:
		return nil, fmt.Errorf("round: got %s, want a number", number.Type())
	}
}

// decodeStarlark makes a Starlark value of a JSON text.
func decodeStarlark(text []byte) (starlark.Value, error) {
	d := starlarkReader{jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))}
	v, err := d.value()
	if err != nil {
		return nil, fmt.Errorf("read context: %w", err)
	}
	return v, nil
}

type starlarkReader struct{ in *jsontext.Decoder }

func (d starlarkReader) value() (starlark.Value, error) {
	token, err := d.in.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return starlark.None, nil
	case 't', 'f':
		return starlark.Bool(token.Bool()), nil
	case '"':
		return starlark.String(token.String()), nil
	case '0':
		return starlarkNumber(token.String()), nil
	case '[':
		var items []starlark.Value
		for d.in.PeekKind() != ']' {
			item, err := d.value()
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err := d.in.ReadToken()
		return starlark.NewList(items), err
	default: // '{'
		dict := new(starlark.Dict)
		for d.in.PeekKind() != '}' {
			token, err := d.in.ReadToken()
			if err != nil {
				return nil, err
			}
			name := starlark.String(token.String())
			item, err := d.value()
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(name, item); err != nil {
				return nil, err
			}
		}
		_, err := d.in.ReadToken()
		return dict, err
	}
}

func starlarkNumber(text string) starlark.Value {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return starlark.MakeInt64(i)
		}
		if i, ok := new(big.Int).SetString(text, 10); ok {
			return starlark.MakeBigInt(i)
		}
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is infinite, as for Python's json
	return starlark.Float(f)
}

type starlarkWriter struct{ out output }

// write appends v; the error is an *unfit.
func (w *starlarkWriter) write(v starlark.Value, depth int) error {
	switch v := v.(type) {
	case starlark.NoneType:
		return w.out.raw("null")
	case starlark.Bool:
		return w.out.raw(strconv.FormatBool(bool(v)))
	case starlark.Int:
		return w.out.raw(v.String())
	case starlark.Float:
		f := float64(v)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return &unfit{problem: "is " + v.String() + ", which JSON cannot hold"}
		}
		return w.out.raw(strconv.FormatFloat(f, 'g', -1, 64))
	case starlark.String:
		return w.out.quoted(string(v))
	case *starlark.Dict:
		return w.members(v, depth)
	case starlark.Iterable: // list, tuple, set, range
		return w.items(v, depth)
	default:
		return &unfit{problem: "is a " + v.Type() + ", which JSON cannot hold"}
	}
}

func (w *starlarkWriter) items(list starlark.Iterable, depth int) error {
	if err := w.out.open('[', depth); err != nil {
		return err
	}
	i := 0
	for item := range starlark.Elements(list) {
		if i > 0 {
			w.out.byte(',')
		}
		if err := w.write(item, depth+1); err != nil {
			return within("["+strconv.Itoa(i)+"]", err)
		}
		i++
	}
	w.out.byte(']')
	return nil
}

func (w *starlarkWriter) members(dict *starlark.Dict, depth int) error {
	if err := w.out.open('{', depth); err != nil {
		return err
	}
	first := true
	for key, item := range dict.Entries() {
		var name string
		switch key := key.(type) {
		case starlark.String:
			name = string(key)
		case starlark.Int: // as Python's json does
			name = key.String()
			if _, twice, _ := dict.Get(starlark.String(name)); twice {
				return &unfit{problem: "has the key " + name + " as a number and as text"}
			}
		default:
			return &unfit{problem: "has a key of type " + key.Type() + ", which JSON cannot hold"}
		}
		if !first {
			w.out.byte(',')
		}
		first = false
		if err := w.out.quoted(name); err != nil {
			return err
		}
		w.out.byte(':')
		if err := w.write(item, depth+1); err != nil {
			return within("."+name, err)
		}
	}
	w.out.byte('}')
	return nil
}

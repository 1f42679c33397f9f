package script

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"github.com/go-json-experiment/json/jsontext"
)

// maxSafe is JavaScript's Number.MAX_SAFE_INTEGER.
const maxSafe = 1<<53 - 1

// decodeJavaScript makes a JavaScript value of a JSON text.
func decodeJavaScript(vm *goja.Runtime, text []byte) (goja.Value, error) {
	d := jsReader{vm: vm, in: jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))}
	return d.value()
}

type jsReader struct {
	vm *goja.Runtime
	in *jsontext.Decoder
}

func (d *jsReader) value() (goja.Value, error) {
	token, err := d.in.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("read context: %w", err)
	}
	switch token.Kind() {
	case 'n':
		return goja.Null(), nil
	case 't', 'f':
		return d.vm.ToValue(token.Bool()), nil
	case '"':
		return d.vm.ToValue(token.String()), nil
	case '0':
		return d.number(token.String()), nil
	case '[':
		return d.array()
	default: // '{'
		return d.object()
	}
}

func (d *jsReader) number(text string) goja.Value {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil && -maxSafe <= i && i <= maxSafe {
			return d.vm.ToValue(i)
		}
		if i, ok := new(big.Int).SetString(text, 10); ok {
			return d.vm.ToValue(i)
		}
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is infinite, as for JSON.parse
	return d.vm.ToValue(f)
}

func (d *jsReader) array() (goja.Value, error) {
	var items []any
	for d.in.PeekKind() != ']' {
		item, err := d.value()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.in.ReadToken()
	return d.vm.NewArray(items...), err
}

func (d *jsReader) object() (goja.Value, error) {
	object := d.vm.NewObject()
	for d.in.PeekKind() != '}' {
		token, err := d.in.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("read context: %w", err)
		}
		name := token.String()
		item, err := d.value()
		if err != nil {
			return nil, err
		}
		// Set would change the prototype when the name is __proto__.
		err = object.DefineDataProperty(name, item, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		if err != nil {
			return nil, fmt.Errorf("read context: %w", err)
		}
	}
	_, err := d.in.ReadToken()
	return object, err
}

// opaque says what to write instead of an object whose content is not in its
// members, and of which JSON.stringify makes {} without a word; else "".
func opaque(o *goja.Object) string {
	switch o.ClassName() {
	case "RegExp":
		return "is a RegExp: use its source"
	case "Error":
		return "is an Error: use its message"
	}
	if o.ExportType() == promiseType {
		return "is a Promise: await it"
	}
	if _, ok := goja.AssertFunction(o.GetSymbol(goja.SymIterator)); ok {
		return "is a Map, a Set or another iterable: use Object.fromEntries or Array.from"
	}
	return ""
}

var (
	promiseType = reflect.TypeFor[*goja.Promise]()
	proxyType   = reflect.TypeFor[goja.Proxy]()
)

// encode writes v as JSON; nil for undefined.
func (w *jsWriter) encode(v goja.Value) ([]byte, *ScriptError) {
	if o, ok := v.(*goja.Object); ok && o.ExportType() == promiseType {
		if p, ok := o.Export().(*goja.Promise); ok {
			switch p.State() {
			case goja.PromiseStateFulfilled:
				v = p.Result()
			case goja.PromiseStateRejected:
				return nil, rejected(w.vm, p)
			}
		}
	}
	var err error
	// Getters, proxies and toJSON are the script's code and may throw.
	if thrown := try(w.vm, func() { err = w.write(v, 0) }); thrown != nil {
		return nil, exception(w.vm, thrown)
	}
	if err == nil {
		err = w.out.room(0)
	}
	switch err {
	case nil:
		return w.out.text, nil
	case errOmitted:
		return nil, nil
	default:
		return nil, &ScriptError{Message: clip(err.Error())}
	}
}

// errOmitted reports a value that JSON.stringify leaves out.
var errOmitted = errors.New("no JSON value")

type jsWriter struct {
	vm      *goja.Runtime
	isArray goja.Callable // Array.isArray
	out     output
}

// write appends v. The error is errOmitted, with nothing appended, or an *unfit.
func (w *jsWriter) write(v goja.Value, depth int) error {
	if v == nil || goja.IsUndefined(v) {
		return errOmitted
	}
	if goja.IsNull(v) {
		return w.out.raw("null")
	}
	switch v := v.(type) {
	case *goja.Symbol:
		return errOmitted
	case *goja.Object:
		return w.object(v, depth)
	}
	switch x := v.Export().(type) {
	case bool:
		return w.out.raw(strconv.FormatBool(x))
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return &unfit{problem: "is " + v.String() + ", which JSON cannot hold"}
		}
		return w.out.raw(v.String())
	case string:
		return w.out.quoted(x)
	default: // an integer or a BigInt
		return w.out.raw(v.String())
	}
}

func (w *jsWriter) object(o *goja.Object, depth int) error {
	if toJSON, ok := goja.AssertFunction(o.Get("toJSON")); ok {
		replaced, err := toJSON(o)
		if err != nil {
			panic(err) // try returns it
		}
		// The toJSON of what toJSON returns does not count.
		if o, ok = replaced.(*goja.Object); !ok {
			return w.write(replaced, depth)
		}
	}
	if _, ok := goja.AssertFunction(o); ok {
		return errOmitted
	}
	switch o.ClassName() {
	case "Array":
		return w.array(o, depth)
	case "String":
		return w.out.quoted(o.String())
	case "Number":
		return w.write(o.ToNumber(), depth)
	case "Boolean":
		return w.write(w.vm.ToValue(o.Export()), depth)
	case "RawJSON":
		return w.out.raw(o.Get("rawJSON").String())
	}
	if o.ExportType() == proxyType {
		if is, err := w.isArray(goja.Undefined(), o); err == nil && is.ToBoolean() {
			return w.array(o, depth)
		}
	}
	if problem := opaque(o); problem != "" {
		return &unfit{problem: problem}
	}
	return w.members(o, depth)
}

func (w *jsWriter) array(o *goja.Object, depth int) error {
	if err := w.out.open('[', depth); err != nil {
		return err
	}
	for i, n := int64(0), o.Get("length").ToInteger(); i < n; i++ {
		if i > 0 {
			w.out.byte(',')
		}
		index := strconv.FormatInt(i, 10)
		err := w.write(o.Get(index), depth+1)
		if err == errOmitted {
			err = w.out.raw("null")
		}
		if err != nil {
			return within("["+index+"]", err)
		}
	}
	w.out.byte(']')
	return nil
}

func (w *jsWriter) members(o *goja.Object, depth int) error {
	if err := w.out.open('{', depth); err != nil {
		return err
	}
	first := true
	names := o.Keys()
	for i, name := range names {
		mark := len(w.out.text)
		if !first {
			w.out.byte(',')
		}
		item := o.Get(name)
		if strings.Contains(name, "\ufffd") && (item == nil || slices.Contains(names[:i], name)) { // from a lone surrogate
			return &unfit{problem: "has a name that is not Unicode"}
		}
		err := w.out.quoted(name)
		if err == nil {
			w.out.byte(':')
			err = w.write(item, depth+1)
		}
		switch err {
		case nil:
			first = false
		case errOmitted:
			w.out.text = w.out.text[:mark]
		default:
			return within("."+name, err)
		}
	}
	w.out.byte('}')
	return nil
}

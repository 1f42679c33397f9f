package format

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// newAvro decodes one datum in the binary encoding of the schema's file, or an
// object container file, which brings its own schema, to the array of its
// records. Records and maps are objects in the order of the schema or the body,
// unions the bare value, bytes base64.
func newAvro(schema Schema) (decodeFunc, error) {
	var typ *avroType
	if schema.Text != "" {
		text, err := readSchema(schema.Files, schema.Text)
		if err != nil {
			return nil, err
		}
		if typ, err = compileAvro(text); err != nil {
			return nil, fail("read schema %s: %v", schema.Text, err)
		}
	}
	return func(body []byte, left *allowance) (value.Value, error) {
		if bytes.HasPrefix(body, []byte(containerMagic)) {
			return decodeContainer(body, left)
		}
		if typ == nil {
			return value.Value{}, fail("the answer is not a container file, so outputSchema must name its schema")
		}
		r := avroReader{body: body, left: left}
		v, err := r.value(typ, 1)
		if err == nil && r.at < len(body) {
			err = r.fail("there are bytes after the record; the schema may not be the one it was written by")
		}
		return v, err
	}, nil
}

// avroReader reads the binary encoding (Avro 1.12, "Binary encoding") itself
// instead of through the library, which would lose the order of fields and
// allocate what hostile lengths ask for.
type avroReader struct {
	body []byte
	at   int
	left *allowance
}

func (r *avroReader) fail(message string) error { return &Error{Offset: int64(r.at), Message: message} }

func (r *avroReader) value(t *avroType, depth int) (value.Value, error) {
	if depth > MaxDepth {
		return value.Value{}, r.fail("nested deeper than 512 levels")
	}
	if err := r.left.take(1); err != nil {
		return value.Value{}, err
	}
	switch t.base {
	case "null":
		return value.Nil(), nil
	case "boolean":
		b, err := r.take(1)
		return value.Boolean(err == nil && b[0] != 0), err
	case "int", "long":
		n, err := r.long()
		return logicalLong(t, n), err
	case "float":
		b, err := r.take(4)
		if err != nil {
			return value.Value{}, err
		}
		return float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case "double":
		b, err := r.take(8)
		if err != nil {
			return value.Value{}, err
		}
		return float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case "string":
		s, err := r.text()
		return value.Of(s), err
	case "bytes":
		b, err := r.counted()
		if err != nil {
			return value.Value{}, err
		}
		return r.logicalBytes(t, b)
	case "fixed":
		b, err := r.take(int64(t.size))
		if err != nil {
			return value.Value{}, err
		}
		return r.logicalBytes(t, b)
	case "enum":
		i, err := r.index(len(t.symbols))
		if err != nil {
			return value.Value{}, err
		}
		return value.Of(t.symbols[i]), nil
	case "union":
		i, err := r.index(len(t.of))
		if err != nil {
			return value.Value{}, err
		}
		return r.value(t.of[i], depth+1)
	case "array":
		return r.array(t.of[0], depth)
	case "map":
		return r.object(t.of[0], depth)
	default:
		return r.record(t, depth)
	}
}

func (r *avroReader) record(t *avroType, depth int) (value.Value, error) {
	members := make([]value.Member, len(t.fields))
	for i, f := range t.fields {
		v, err := r.value(f.typ, depth+1)
		if err != nil {
			return value.Value{}, err
		}
		members[i] = value.Member{Name: f.name, Value: v}
	}
	return value.Members(members), nil
}

func (r *avroReader) array(item *avroType, depth int) (value.Value, error) {
	var items []value.Value
	err := r.blocks(func() error {
		v, err := r.value(item, depth+1)
		items = append(items, v)
		return err
	})
	return value.Items(items), err
}

func (r *avroReader) object(item *avroType, depth int) (value.Value, error) {
	var o object
	err := r.blocks(func() error {
		name, err := r.text()
		if err != nil {
			return err
		}
		v, err := r.value(item, depth+1)
		o.set(name, v)
		return err
	})
	return o.value(), err
}

// blocks reads the blocks of an array or a map, whose items each reads.
func (r *avroReader) blocks(item func() error) error {
	for {
		n, err := r.long()
		if n == 0 || err != nil {
			return err
		}
		if n < 0 { // then the block's length in bytes follows
			if n = -n; n < 0 {
				return r.fail("a block has an impossible length")
			}
			if _, err := r.long(); err != nil {
				return err
			}
		}
		for ; n > 0; n-- {
			if err := item(); err != nil {
				return err
			}
		}
	}
}

// take returns the next n bytes.
func (r *avroReader) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(r.body)-r.at) {
		return nil, r.fail("the body ends within a value; the schema may not be the one it was written by")
	}
	b := r.body[r.at : r.at+int(n)]
	r.at += int(n)
	return b, nil
}

// counted returns bytes that their length precedes.
func (r *avroReader) counted() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

func (r *avroReader) text() (string, error) {
	b, err := r.counted()
	if err == nil && !utf8.Valid(b) {
		err = r.fail("a string is not UTF-8")
	}
	return string(b), err
}

func (r *avroReader) long() (int64, error) {
	n, size := binary.Varint(r.body[r.at:]) // Avro's zig-zag variable-length coding
	if size <= 0 {
		return 0, r.fail("the body ends within a number; the schema may not be the one it was written by")
	}
	r.at += size
	return n, nil
}

// index reads the position of an enum symbol or a union branch.
func (r *avroReader) index(n int) (int, error) {
	i, err := r.long()
	if err == nil && (i < 0 || i >= int64(n)) {
		err = r.fail("a choice is out of range; the schema may not be the one it was written by")
	}
	return int(i), err
}

// float is f as a JSON number; what JSON has no number for is a string, as in
// the JSON mapping of protobuf.
func float(f float64, bits int) value.Value {
	switch {
	case math.IsNaN(f):
		return value.Of("NaN")
	case math.IsInf(f, 1):
		return value.Of("Infinity")
	case math.IsInf(f, -1):
		return value.Of("-Infinity")
	}
	return value.Num(strconv.FormatFloat(f, 'g', -1, bits))
}

func base64Value(b []byte) value.Value { return value.Of(base64.StdEncoding.EncodeToString(b)) }

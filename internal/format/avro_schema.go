package format

import (
	"strings"

	"github.com/twmb/avro"
)

// avroType is a schema made ready for reading: names are resolved.
type avroType struct {
	base    string // "record", "long", …: a type of the Avro 1.12 specification
	logical string
	scale   int // of a decimal
	size    int // of a fixed
	symbols []string
	fields  []avroField
	of      []*avroType // branches of a union; the one item type of an array or map
}

type avroField struct {
	name string
	typ  *avroType
}

// maxScale is how many decimals a decimal may have: the digits are written out.
const maxScale = 1000

// compileAvro checks a schema and resolves it.
func compileAvro(schema string) (*avroType, error) {
	s, err := avro.Parse(schema)
	if err != nil {
		return nil, err
	}
	c := avroCompiler{named: map[string]*avroType{}}
	return c.compile(s.Root(), "")
}

type avroCompiler struct{ named map[string]*avroType }

func (c avroCompiler) compile(n *avro.SchemaNode, namespace string) (*avroType, error) {
	t := &avroType{base: n.Type, logical: n.LogicalType, scale: n.Scale, size: n.Size, symbols: n.Symbols}
	if t.scale > maxScale || t.scale < 0 {
		return nil, fail("a decimal of scale %d is not accepted", t.scale)
	}
	add := func(n *avro.SchemaNode) error {
		inner, err := c.compile(n, namespace)
		t.of = append(t.of, inner)
		return err
	}
	switch n.Type {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return t, nil
	case "array":
		return t, add(n.Items)
	case "map":
		return t, add(n.Values)
	case "union":
		for i := range n.Branches {
			if err := add(&n.Branches[i]); err != nil {
				return nil, err
			}
		}
		return t, nil
	case "record", "error", "enum", "fixed":
		name := fullName(n.Name, n.Namespace)
		c.named[name] = t
		namespace = name[:max(strings.LastIndexByte(name, '.'), 0)]
		for i := range n.Fields {
			inner, err := c.compile(&n.Fields[i].Type, namespace)
			if err != nil {
				return nil, err
			}
			t.fields = append(t.fields, avroField{n.Fields[i].Name, inner})
		}
		return t, nil
	}
	for _, name := range []string{fullName(n.Type, namespace), n.Type} {
		if named := c.named[name]; named != nil {
			return named, nil
		}
	}
	return nil, fail("the schema does not define the type %s", quote(n.Type))
}

// fullName is a name in its namespace, unless it says one itself.
func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

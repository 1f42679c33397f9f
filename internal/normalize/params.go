package normalize

import (
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

var paramKeys = []string{"name", "in", "type", "description", "required", "value", "template", "const", "default", "enum", "pattern", "items", "properties", "values",
	"maxLength", "precision", "scale", "selector", "contentEncoding", "contentCompression", "contentMediaType", "display", "label", "title", "example", "examples", "format", "field", "mapping", "secret"}

// paramTypes maps spellings of types to JSON Schema's.
var paramTypes = map[string]string{
	"string": "string", "str": "string", "text": "string", "date": "string", "datetime": "string", "date-time": "string", "uuid": "string", "file": "string", "binary": "string",
	"integer": "integer", "int": "integer", "int32": "integer", "int64": "integer", "long": "integer", "number": "number", "float": "number", "double": "number", "decimal": "number",
	"boolean": "boolean", "bool": "boolean", "array": "array", "list": "array", "object": "object", "map": "object",
}

func (r *reader) params(n *document.Node) (params []*model.Param) {
	for _, e := range r.namedParams(n) {
		params = append(params, r.param(e))
	}
	return params
}

// namedParams is named, except that one name may stand in several places (in:
// query and in: header), and a map may give a bare type.
func (r *reader) namedParams(n *document.Node) (entries []entry) {
	if n.Is(value.Array) {
		for i, item := range n.Items {
			m := r.is(item, value.Object, "an input parameter")
			if m == nil {
				continue
			}
			name := m.Get("name").Str()
			if name == "" {
				name = "parameter-" + strconv.Itoa(i+1)
				r.report(diag.MissingName, m.At, "Add a name.", "the input parameter has no name; it is called “%s”", name)
			}
			entries = append(entries, entry{name, m.Where("name"), m})
		}
		return entries
	}
	if n.Is(value.Object) {
		for _, p := range n.Pairs {
			item := p.Value
			if item.IsScalar() {
				item = &document.Node{Kind: value.Object, At: p.KeyAt, Pairs: []document.Pair{{Key: "type", KeyAt: p.KeyAt, Value: item}}}
			}
			if item.IsNull() {
				item = &document.Node{Kind: value.Object, At: p.KeyAt}
			}
			entries = append(entries, entry{p.Key, p.KeyAt, withName(item, p)})
		}
		return entries
	}
	r.is(n, value.Array, "inputParameters")
	return nil
}

// withName is item, a member of a map by name, with its key as its name, so that
// whoever speaks of its name finds the place of it.
func withName(item *document.Node, p document.Pair) *document.Node {
	if !item.Is(value.Object) || item.Get("name") != nil {
		return item
	}
	named := *item
	named.Pairs = append([]document.Pair{{Key: "name", KeyAt: p.KeyAt, Value: &document.Node{Kind: value.String, Text: p.Key, At: p.KeyAt}}}, item.Pairs...)
	return &named
}

func (r *reader) param(e entry) *model.Param {
	n := e.node
	r.keys(n, "an input parameter", paramKeys...)
	in := strings.ToLower(n.Get("in").Str())
	if in == "env" {
		in = "environment"
	}
	p := &model.Param{
		Node: n, Name: e.name, In: in, Type: r.paramType(n.Get("type")), Description: n.Get("description").Str(), Pattern: n.Get("pattern").Str(),
		Default: n.Get("default"), Style: n.Get("x-fairlead").Get("style").Str(),
	}
	ext := n.Get("x-fairlead")
	p.Secret, _ = ext.Get("secret").Bool()
	p.Header = ext.Get("header").Str()
	p.KeepSlashes = ext.Get("slashes").Str() == "keep"
	p.Titles = texts(ext.Get("titles"))
	if names := ext.Get("enumNames"); names != nil {
		p.Titles, p.EnumNames = texts(names), true
	}
	if v, _ := n.First("value", "template", "const"); !v.IsNull() {
		p.Value = v
	}
	required := n.Get("required")
	p.Required = boolean(required)
	if enum := n.Get("enum"); enum.Is(value.Array) {
		p.Enum = enum.Items
	}
	p.MaxLength, _ = strconv.Atoi(n.Get("maxLength").Str())
	if items := n.Get("items"); items != nil {
		if items.Is(value.Array) && len(items.Items) > 0 {
			items = items.Items[0]
		}
		if items.IsScalar() {
			p.Items = &model.Param{Node: items, Type: r.paramType(items)}
		} else if items.Is(value.Object) {
			p.Items = r.param(entry{"", items.At, items})
		}
	}
	must := map[string]bool{}
	if required.Is(value.Array) {
		for _, name := range texts(required) {
			must[name] = true
		}
	}
	if props := n.Get("properties"); !props.IsNull() {
		for _, pe := range r.namedParams(props) {
			child := r.param(pe)
			if must[child.Name] && child.Required == nil {
				yes := true
				child.Required = &yes
			}
			p.Properties = append(p.Properties, child)
		}
	}
	return p
}

func (r *reader) paramType(n *document.Node) string {
	if n.IsNull() {
		return ""
	}
	if n.Is(value.Array) { // ["string", "null"]
		for _, item := range n.Items {
			if item.Str() != "null" {
				n = item
				break
			}
		}
	}
	t, ok := paramTypes[strings.ToLower(n.Str())]
	if !ok && n.Str() != "" {
		r.report(diag.WrongType, n.At, "Use string, integer, number, boolean, array or object.", "the type “%s” is not known; any value is taken", n.Str())
	}
	return t
}

func (r *reader) outputs(n *document.Node) (outputs []*model.Output) {
	switch {
	case n.Is(value.Array):
		for _, item := range n.Items {
			if m := r.is(item, value.Object, "an output parameter"); m != nil {
				outputs = append(outputs, r.output(m.Get("name").Str(), m))
			}
		}
	case n.Is(value.Object):
		if n.Get("type").IsScalar() { // a single output without the list
			return []*model.Output{r.output("", n)}
		}
		return r.outputMap(n)
	default:
		r.is(n, value.Array, "outputParameters")
	}
	return outputs
}

func (r *reader) outputMap(n *document.Node) (outputs []*model.Output) {
	for _, p := range n.Pairs {
		if m := r.is(p.Value, value.Object, "the output parameter “"+p.Key+"”"); m != nil {
			outputs = append(outputs, r.output(p.Key, m))
		}
	}
	return outputs
}

var outputKeys = []string{"name", "in", "type", "mapping", "value", "const", "selector", "description", "items", "values", "properties", "required", "enum", "precision", "scale",
	"maxLength", "contentEncoding", "contentCompression", "contentMediaType", "path", "display", "label", "example", "examples", "format", "fullName", "role", "email"}

func (r *reader) output(name string, n *document.Node) *model.Output {
	r.keys(n, "an output parameter", outputKeys...)
	o := &model.Output{Node: n, Name: name, Type: strings.ToLower(n.Get("type").Str())}
	if t, ok := paramTypes[o.Type]; ok {
		o.Type = t
	}
	o.Secret, _ = n.Get("x-fairlead").Get("secret").Bool()
	mapping, _ := n.First("mapping", "path")
	o.Mapping = mapping.Str()
	v, _ := n.First("value", "const")
	switch {
	case v.IsNull():
	case o.Mapping == "" && v.Is(value.String) && isPath(v.Text) && n.Get("const") == nil:
		o.Mapping = v.Text
	default:
		o.Value = v
	}
	o.MaxLength, _ = strconv.Atoi(n.Get("maxLength").Str())
	if props := n.Get("properties"); props.Is(value.Object) {
		o.Properties = r.outputMap(props)
	} else if props.Is(value.Array) {
		o.Properties = r.outputs(props)
	}
	if items := n.Get("items"); items != nil {
		o.Items = r.outputItems(items)
	}
	if values := n.Get("values"); values.Is(value.Object) {
		o.Values = r.output("", values)
	}
	return o
}

// outputItems reads the items of an array output: one schema, a list with one
// schema, a list of named fields, or a map of named fields.
func (r *reader) outputItems(n *document.Node) *model.Output {
	switch {
	case n.Is(value.Array) && len(n.Items) == 1 && n.Items[0].Get("name") == nil:
		return r.output("", n.Items[0])
	case n.Is(value.Array):
		return &model.Output{Node: n, Type: "object", Properties: r.outputs(n)}
	case n.Is(value.Object) && (n.Get("type").IsScalar() || n.Get("mapping").IsScalar()):
		return r.output("", n)
	case n.Is(value.Object):
		return &model.Output{Node: n, Type: "object", Properties: r.outputMap(n)}
	default:
		return nil
	}
}

// isPath reports whether the value of an output is a JSONPath rather than a static text.
func isPath(s string) bool {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, "{{"); ok {
		s = strings.TrimSpace(inner)
	}
	return strings.HasPrefix(s, "$.") || s == "$" || strings.HasPrefix(s, "$[")
}

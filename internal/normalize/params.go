package normalize

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// paramTypes maps spellings of types to JSON Schema's.
var paramTypes = map[string]string{
	"string": "string", "str": "string", "text": "string", "date": "string", "datetime": "string",
	"date-time": "string", "uuid": "string", "file": "string", "binary": "string",
	"integer": "integer", "int": "integer", "int32": "integer", "int64": "integer", "long": "integer",
	"number": "number", "float": "number", "double": "number", "decimal": "number",
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
				r.report(diag.MissingName, m.At, "Add a name.", "the input parameter has no name; it is called “%s”",
					name)
			}
			entries = append(entries, entry{name, m.Where("name"), m})
		}
		return entries
	}
	if n.Is(value.Object) {
		for _, p := range n.Pairs {
			item := p.Value
			if item.IsScalar() {
				item = &document.Node{Kind: value.Object, At: p.KeyAt,
					Pairs: []document.Pair{{Key: "type", KeyAt: p.KeyAt, Value: item}}}
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
	named.Pairs = append([]document.Pair{{Key: "name", KeyAt: p.KeyAt,
		Value: &document.Node{Kind: value.String, Text: p.Key, At: p.KeyAt}}}, item.Pairs...)
	return &named
}

func (r *reader) param(e entry) *model.Param {
	f := r.read(e.node, element.Input)
	own := f.block("x-fairlead")
	p := &model.Param{
		Node: e.node, Name: e.name, In: r.paramPlace(f.node("in")), Type: r.paramType(f.node("type")),
		Description: f.text("description"), Pattern: f.text("pattern"),
		Default: f.node("default"), MaxLength: f.number("maxLength"), Style: own.text("style"),
		Header:      own.text("header"),
		Secret:      f.isTrue("secret") || own.isTrue("secret") || strings.EqualFold(f.text("format"), "password"),
		Titles:      own.texts("titles"),
		KeepSlashes: strings.EqualFold(own.text("slashes"), "keep"),
	}
	p.Binary = isBinary(f.node("type").Str(), f.text("format"), f.text("contentEncoding"))
	if p.In == "env" {
		p.In = "environment"
	}
	if names := own.texts("enumNames"); names != nil {
		p.Titles, p.EnumNames = names, true
	}
	if v := f.node("value"); !v.IsNull() {
		p.Value = v
		r.foreign(v, false)
	}
	if enum := f.node("enum"); enum.Is(value.Array) {
		p.Enum = enum.Items
	}
	if items := f.node("items"); items != nil {
		if items.Is(value.Array) && len(items.Items) > 0 {
			items = items.Items[0]
		}
		if items.IsScalar() {
			p.Items = &model.Param{Node: items, Type: r.paramType(items)}
		} else if items.Is(value.Object) {
			p.Items = r.param(entry{"", items.At, items})
		}
	}
	var must []string
	p.Required, must = r.required(f.node("required"))
	for _, pe := range r.namedParams(f.node("properties")) {
		child := r.param(pe)
		if child.Required == nil && slices.Contains(must, child.Name) {
			yes := true
			child.Required = &yes
		}
		p.Properties = append(p.Properties, child)
	}
	return p
}

// isBinary reports whether a type, a format or an encoding says that a text stands for
// bytes.
func isBinary(kind, format, encoding string) bool {
	return slices.Contains([]string{"file", "binary"}, strings.ToLower(kind)) ||
		slices.Contains([]string{"binary", "byte", "base64"}, strings.ToLower(format)) ||
		strings.EqualFold(encoding, "base64")
}

// required reads a boolean, or the list of an object's members that must be given.
func (r *reader) required(n *document.Node) (*bool, []string) {
	if n.IsNull() || n.Is(value.Array) {
		return nil, texts(n)
	}
	truth, ok := r.truth("required", n)
	if !ok {
		r.report(diag.WrongType, n.At, "Write it as true or false.", "required must be true or false; it is ignored")
		return nil, nil
	}
	return &truth, nil
}

// otherPlaces are spellings of other tools; the first two are the body, as a form.
var otherPlaces = []string{"form", "formdata", "env"}

// paramPlace reads where a parameter travels.
func (r *reader) paramPlace(n *document.Node) string {
	in, places := strings.ToLower(n.Str()), element.Get(element.Input).Field("in").Values
	if in != "" && !slices.Contains(places, in) && !slices.Contains(otherPlaces, in) {
		hint := "Use " + strings.Join(places, ", ") + "."
		if near, ok := diag.Near(in, places); ok {
			hint = "Did you mean “" + near + "”?"
		}
		r.report(diag.WrongType, n.At, hint, "no parameter travels in “%s”; it is read as if nothing were said",
			n.Str())
	}
	return in
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
		r.report(diag.WrongType, n.At, "Use string, integer, number, boolean, array or object.",
			"the type “%s” is not known; any value is taken", n.Str())
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

func (r *reader) output(name string, n *document.Node) *model.Output {
	f := r.read(n, element.Output)
	own := f.block("x-fairlead")
	o := &model.Output{
		Node: n, Name: name, Type: strings.ToLower(f.text("type")), Mapping: f.text("mapping"),
		MaxLength: f.number("maxLength"),
		Secret:    f.isTrue("secret") || own.isTrue("secret"),
	}
	if t, ok := paramTypes[o.Type]; ok {
		o.Type = t
	}
	v := f.node("value")
	switch {
	case v.IsNull():
	case o.Mapping == "" && v.Is(value.String) && isPath(v.Text) && n.Get("const") == nil:
		o.Mapping = v.Text
	default:
		o.Value = v
	}
	if props := f.node("properties"); props.Is(value.Object) {
		o.Properties = r.outputMap(props)
	} else if props.Is(value.Array) {
		o.Properties = r.outputs(props)
	}
	if items := f.node("items"); items != nil {
		o.Items = r.outputItems(items)
	}
	if values := f.node("values"); values.Is(value.Object) {
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

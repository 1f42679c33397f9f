package shape

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Compile compiles the outputs of a unit with a call. The identity is: no
// outputs; a first output, or a single named one, that maps the root and says
// nothing more of it. A path or template that cannot be read is a diagnostic,
// and its output finds nothing.
func Compile(outputs []*model.Output, diags *diag.List) *Program {
	return compile(outputs, compiler{diags: diags})
}

// CompileXML is Compile for answers in XML, of which an element that may occur
// again is no list when it does not: where an output is an array, it is one.
func CompileXML(outputs []*model.Output, diags *diag.List) *Program {
	return compile(outputs, compiler{diags: diags, xml: true})
}

func compile(outputs []*model.Output, c compiler) *Program {
	p := c.program(outputs)
	p.stream = len(p.outputs) > 0 && !slices.ContainsFunc(p.outputs, func(o *output) bool {
		o.stream.root = newLayout()
		return !o.streamable(o.stream.root, &o.stream.root.selection)
	})
	return p
}

// CompileOrchestrated compiles the outputs of a unit whose answer its mappings
// built. They declare the shape of that answer, so an output without a mapping
// is always the member of its own name, and what is no array or object although
// declared so stays as it is. Members that are not declared are left out.
func CompileOrchestrated(outputs []*model.Output, diags *diag.List) *Program {
	c := compiler{diags: diags, declared: true}
	return c.program(outputs)
}

type compiler struct {
	diags    *diag.List
	declared bool
	xml      bool
}

func (c *compiler) program(outputs []*model.Output) *Program {
	if len(outputs) == 0 {
		return &Program{}
	}
	named := !slices.ContainsFunc(outputs, func(m *model.Output) bool { return m.Name == "" })
	all := c.object(outputs, named)
	switch first := all.members[0]; {
	case first.isRoot() && (len(outputs) == 1 || first.kind == leaf && !named):
		return &Program{}
	case named:
		all.partial = true
		return &Program{outputs: []*output{all}}
	default:
		return &Program{outputs: all.members}
	}
}

// object compiles outputs as the members of one object. Where named, each can be
// a member of the base by its own name.
func (c *compiler) object(outputs []*model.Output, named bool) *output {
	o := &output{kind: object}
	for _, m := range outputs {
		own := ""
		if named {
			own = m.Name
		}
		o.names, o.members = append(o.names, m.Name), append(o.members, c.output(m, own))
	}
	return o
}

// output compiles m; own is the name of the member that it is by default, "" is
// the base itself.
func (c *compiler) output(m *model.Output, own string) *output {
	o := &output{}
	static := m.Value != nil && (m.Mapping == "" || m.Value != m.Node.Get("const"))
	switch {
	case static:
		c.static(o, m)
	case m.Items != nil || m.Type == "array":
		o.kind, o.lone = array, c.xml
		if m.Items != nil {
			o.item = c.output(m.Items, "")
		}
	case len(m.Properties) > 0:
		o = c.object(m.Properties, true)
	case m.Values != nil:
		o.kind, o.item = table, c.output(m.Values, "")
	}
	o.typ, o.maxLength, o.loose = m.Type, m.MaxLength, c.declared
	o.description = m.Node.Get("description").Str()
	switch {
	case o.kind == fixed:
		o.constant = o.convert(convertStatic(o.typ, o.constant))
	case static:
	case m.Mapping != "":
		c.mapping(o, m)
	case own != "" && (o.kind != object || c.declared || !addressed(m.Properties)):
		name := value.AppendString(nil, own) // as RFC 9535 quotes it, too
		c.path(o, "$["+string(name)+"]", jsonpath.Strict, m.Node)
	}
	return o
}

// addressed reports whether anything among the members says where it comes from.
func addressed(members []*model.Output) bool {
	return slices.ContainsFunc(members, func(m *model.Output) bool {
		return m.Mapping != "" || m.Value != nil || addressed(m.Properties)
	})
}

// static compiles a fixed value: a string is a template over the base.
func (c *compiler) static(o *output, m *model.Output) {
	o.kind, o.constant = fixed, m.Value.Value()
	if !m.Value.Is(value.String) {
		return
	}
	t, err := template.Compile(m.Value.Text, template.Double)
	var syntax *template.SyntaxError
	switch {
	case errors.As(err, &syntax):
		c.diags.Add(diag.BadTemplate, within(m.Value, syntax.Offset), "Correct the braces.",
			"the value “%s” cannot be read: %s", m.Value.Text, syntax.Message)
		o.kind = broken
	case t.IsLiteral():
		o.constant = value.Of(t.Literal())
	default:
		o.kind, o.template = text, t
	}
}

func (c *compiler) mapping(o *output, m *model.Output) {
	at, _ := m.Node.First("mapping", "path", "value") // which of them normalize read
	path := m.Mapping
	if list, ok := strings.CutSuffix(path, "[*]"); ok && o.lone && strings.TrimSpace(list) != "$" {
		path = list // whose items are the same, however many there are
	}
	notes := c.path(o, path, jsonpath.Lenient, at)
	if o.path == nil { // the root: "$." is this format's own spelling of it
		return
	}
	for _, n := range notes {
		hint := ""
		if n.Standard != "" {
			hint = "In RFC 9535: " + n.Standard
		}
		c.diags.Add(diag.LenientPath, within(at, n.Offset), hint, "%s", n.Message)
	}
}

// path sets the path of o, or makes o find nothing when expr is none.
func (c *compiler) path(o *output, expr string, d jsonpath.Dialect, at *document.Node) []jsonpath.Note {
	path, notes, err := jsonpath.Compile(expr, d)
	var syntax *jsonpath.SyntaxError
	switch {
	case errors.As(err, &syntax):
		c.diags.Add(diag.BadPath, within(at, syntax.Offset), "Correct the JSONPath.",
			"the mapping “%s” is not a JSONPath: %s", expr, syntax.Message)
		o.kind = broken
	case !path.IsRoot() && c.xml:
		o.path = path.Lone()
	case !path.IsRoot():
		o.path = path
	}
	return notes
}

// within is the place of the byte at offset of a string, or of the whole string
// where the way it is written does not tell.
func within(n *document.Node, offset int) diag.Range {
	at := n.Range()
	if n == nil || at.End.Line == 0 || offset > len(n.Text) {
		return at
	}
	quotes := at.End.Column - at.Start.Column - utf8.RuneCountInString(n.Text)
	at.Start.Column += quotes/2 + utf8.RuneCountInString(n.Text[:offset])
	at.End = diag.Pos{}
	return at
}

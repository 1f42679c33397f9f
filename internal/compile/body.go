package compile

import (
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// contentTypes are the media types of body kinds.
var contentTypes = map[string]string{
	"json": "application/json", "raw": "application/json", "text": "text/plain; charset=utf-8", "xml": "application/xml", "sparql": "application/sparql-query",
	"form": "application/x-www-form-urlencoded", "yaml": "application/yaml", "binary": "application/octet-stream",
}

// body compiles the entity: the operation's body block if it has one, else its
// body parameters, one as the whole entity or several as a JSON object.
func (c *call) body(r *upstream.Request, params []*model.Param) bool {
	if c.hasBlock() {
		return c.block(r, c.op.Body)
	}
	kind := "json"
	if c.op.Body != nil {
		kind = c.op.Body.Type
	}
	switch {
	case len(params) == 0:
		return true
	case len(params) == 1 && c.isEntity(params[0]):
		p := params[0]
		e, ok := c.value(p)
		if ok {
			r.Body = &upstream.Body{Kind: upstream.WholeBody, ContentType: contentTypes[kind], Whole: e, Required: p.Required != nil && *p.Required}
			if kind == "binary" {
				r.Body.Kind = upstream.BinaryBody
			}
		}
		return true
	}
	tree := upstream.Tree{Kind: value.Object}
	form := kind == "form" || params[0].In == "formdata" || params[0].In == "form"
	var parts []upstream.Part
	for _, p := range params {
		e, ok := c.value(p)
		if !ok {
			continue
		}
		leaf := upstream.Tree{Leaf: e}
		if p.Required != nil && *p.Required {
			leaf.Require = c.inputName(e, p.Name)
		}
		tree.Names, tree.Nodes = append(tree.Names, p.Name), append(tree.Nodes, leaf)
		parts = append(parts, upstream.Part{Name: expr.Literal(value.Of(p.Name)), Value: e})
	}
	switch {
	case kind == "multipart":
		r.Body = &upstream.Body{Kind: upstream.MultipartBody, Parts: parts}
	case form:
		r.Body = &upstream.Body{Kind: upstream.FormBody, ContentType: contentTypes["form"], Tree: tree}
	default:
		r.Body = &upstream.Body{Kind: upstream.TreeBody, ContentType: contentTypes[kind], Tree: tree}
	}
	return true
}

// escapes are the places that the texts of body kinds are.
var escapes = map[string]template.Escape{"raw": template.JSON, "json": template.JSON, "xml": template.XML, "sparql": template.SPARQL, "form": template.FormValue, "text": template.Raw, "yaml": template.YAML, "binary": template.Raw}

func (c *call) block(r *upstream.Request, b *model.Body) bool {
	lookup := func(name string, optional bool) expr.Expr { return c.variable(name, nil, b.Data.At, optional) }
	contentType := contentTypes[b.Type]
	switch {
	case b.Type == "multipart":
		return c.multipart(r, b, lookup)
	case b.Type == "binary" && b.Data.Is(value.String):
		e, ok := c.data(b.Data, lookup)
		r.Body = &upstream.Body{Kind: upstream.BinaryBody, ContentType: contentType, Whole: e}
		return ok
	case b.Data.IsScalar():
		return c.textBlock(r, b, contentType, lookup)
	case b.Data.Is(value.Object) || b.Data.Is(value.Array):
		tree, ok := c.tree(b.Data)
		if !ok {
			return false
		}
		r.Body = &upstream.Body{Kind: upstream.TreeBody, ContentType: contentType, Tree: tree}
		switch b.Type {
		case "form":
			r.Body.Kind = upstream.FormBody
		case "xml":
			r.Body.Kind = upstream.XMLBody
		case "sparql", "text", "binary":
			r.Body.ContentType = contentTypes["json"]
			if only := c.onlyText(b.Data); only != nil { // {query: "SELECT …"}
				return c.textBlock(r, &model.Body{Node: b.Node, Type: b.Type, Data: only}, contentType, lookup)
			}
		}
		return true
	}
	return true
}

// onlyText returns the one text of a mapping with a single member.
func (c *call) onlyText(n *document.Node) *document.Node {
	if n.Is(value.Object) && len(n.Pairs) == 1 && n.Pairs[0].Value.Is(value.String) {
		return n.Pairs[0].Value
	}
	return nil
}

func (c *call) textBlock(r *upstream.Request, b *model.Body, contentType string, lookup func(string, bool) expr.Expr) bool {
	text := b.Data.Text
	if b.Type == "raw" {
		contentType = rawContentType(text)
	}
	esc := escapes[b.Type]
	if b.Type == "raw" {
		esc = rawEscapes[contentType]
	}
	t, err := template.Compile(text, template.Double)
	if err == nil {
		err = t.Check(esc)
	}
	if err != nil {
		c.c.report(diag.BodyInvalid, b.Data.At, "Correct the body.", "the body cannot be built: %s", err)
		return false
	}
	if i, single := t.Single(); single && (esc == template.JSON || esc == template.YAML) {
		// The whole body is one placeholder: the value with its type is the entity.
		e := lookup(t.Vars()[i].Name, t.Vars()[i].Optional)
		r.Body = &upstream.Body{Kind: upstream.WholeBody, ContentType: contentType, Whole: e, Required: true}
		return true
	}
	e, ok := c.text(text, template.Double, b.Data.At, lookup)
	r.Body = &upstream.Body{Kind: upstream.TextBody, ContentType: contentType, Text: e, Escape: esc}
	return ok
}

// rawEscapes are the places that texts without a body type are.
var rawEscapes = map[string]template.Escape{"application/json": template.JSON, "application/xml": template.XML, "application/x-www-form-urlencoded": template.FormValue}

// rawContentType tells what a body written as plain text is.
func rawContentType(text string) string {
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "" || trimmed[0] == '{' || trimmed[0] == '[' || trimmed[0] == '"':
		return "application/json"
	case trimmed[0] == '<':
		return "application/xml"
	case strings.Contains(trimmed, "=") && !strings.ContainsAny(trimmed, " \n"):
		return "application/x-www-form-urlencoded"
	default:
		return "application/json"
	}
}

// tree compiles structured data leaf by leaf.
func (c *call) tree(n *document.Node) (upstream.Tree, bool) {
	t := upstream.Tree{}
	switch {
	case n.Is(value.Object):
		t.Kind = value.Object
		for _, p := range n.Pairs {
			child, ok := c.tree(p.Value)
			if !ok {
				return t, false
			}
			if p.Value.Is(value.String) {
				child.Leaf = c.sealed(child.Leaf, p.Key, p.Value, false)
			}
			t.Names, t.Nodes = append(t.Names, p.Key), append(t.Nodes, child)
		}
	case n.Is(value.Array):
		t.Kind = value.Array
		for _, item := range n.Items {
			child, ok := c.tree(item)
			if !ok {
				return t, false
			}
			t.Nodes = append(t.Nodes, child)
		}
	default:
		if n.Is(value.String) {
			if name, ok := c.reference(n.Text); ok {
				t.Leaf = c.input(name, c.templateHint(name, nil, false), n.At)
				return t, true
			}
		}
		e, ok := c.data(n, func(name string, optional bool) expr.Expr { return c.variable(name, nil, n.At, optional) })
		t.Leaf = e
		return t, ok
	}
	return t, true
}

func (c *call) multipart(r *upstream.Request, b *model.Body, lookup func(string, bool) expr.Expr) bool {
	r.Body = &upstream.Body{Kind: upstream.MultipartBody}
	field := func(n *document.Node, key string) expr.Expr {
		e, _ := c.data(n.Get(key), lookup)
		return e
	}
	switch {
	case b.Data.Is(value.Array):
		for _, item := range b.Data.Items {
			r.Body.Parts = append(r.Body.Parts, upstream.Part{Name: field(item, "name"), Value: field(item, "value"), Filename: field(item, "filename"), ContentType: field(item, "contentType")})
		}
	case b.Data.Is(value.Object):
		for _, p := range b.Data.Pairs {
			part := upstream.Part{Name: expr.Literal(value.Of(p.Key))}
			if p.Value.Is(value.Object) && p.Value.Get("value") != nil {
				part.Value, part.Filename, part.ContentType = field(p.Value, "value"), field(p.Value, "filename"), field(p.Value, "contentType")
			} else {
				tree, ok := c.tree(p.Value)
				if !ok {
					return false
				}
				part.Value = tree.Leaf
				if tree.Kind != value.Absent {
					part.Value = expr.Literal(p.Value.Value())
				}
			}
			r.Body.Parts = append(r.Body.Parts, part)
		}
	default:
		c.c.report(diag.BodyInvalid, b.Data.Range(), "List the parts: name, value, filename, contentType.", "a multipart body must be a list or mapping of parts")
		return false
	}
	return true
}

package compile

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// body compiles the entity: the operation's body block if it has one, else its
// body parameters, one as the whole entity or several as a JSON object.
func (c *call) body(r *upstream.Request, params []*model.Param) bool {
	if c.hasBlock() {
		return c.block(r, c.withoutKey(c.op.Body))
	}
	kind := c.bodyType()
	switch {
	case len(params) == 0:
		return c.passBody(r)
	case len(params) == 1 && c.isEntity(params[0]):
		return c.entity(r, params[0], kind)
	}
	if p := params[0]; len(params) == 1 && kind == "json" && p.In == "body" && !namesBody(p.Name) {
		c.compiler.reportOnce(diag.BodyParameter, p.Node.Where("name"),
			"Write a body block to say it otherwise: body: {type: json, data: \"{{"+p.Name+"}}\"} makes it the whole body.",
			"the only body parameter of %s is sent as the member “%s” of a JSON object", c.target(), p.Name)
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
		if kind == "multipart" && (p.Binary || namesFile(p.Name)) {
			c.isFile(e, p.Binary)
		}
		parts = append(parts, upstream.Part{Name: expr.Literal(value.Of(p.Name)), Value: e, Base64: p.Binary})
	}
	switch {
	case kind == "multipart":
		c.unit.ReadMultipart = true
		c.unit.PassMultipart = !slices.ContainsFunc(parts, func(p upstream.Part) bool { return !c.isGiven(p.Value) })
		r.Body = &upstream.Body{Kind: upstream.MultipartBody, Parts: parts}
	case form:
		r.Body = &upstream.Body{Kind: upstream.FormBody, ContentType: upstream.BodyTypes["form"].ContentType,
			Tree: tree}
	default:
		r.Body = &upstream.Body{Kind: upstream.TreeBody, ContentType: upstream.BodyTypes[kind].ContentType, Tree: tree}
	}
	return true
}

// entity compiles a body that is one parameter.
func (c *call) entity(r *upstream.Request, p *model.Param, kind string) bool {
	if !namesBody(p.Name) && kind == "json" {
		c.compiler.reportOnce(diag.BodyParameter, p.Node.Where("name"),
			"Write a body block to say it otherwise: body: {type: json, data: {"+p.Name+": \"{{"+p.Name+"}}\"}} makes it a member.",
			"the only body parameter of %s, “%s”, is sent as the whole body", c.target(), p.Name)
	}
	if c.isTextBody(p, kind) {
		lookup := func(name string, optional bool) expr.Expr { return c.variable(name, p, p.Value.At, optional) }
		return c.textBlock(r, &model.Body{Node: p.Node, Type: kind, Data: p.Value},
			upstream.BodyTypes[kind].ContentType, lookup)
	}
	e, ok := c.value(p)
	if !ok {
		return true
	}
	r.Body = &upstream.Body{Kind: upstream.WholeBody, ContentType: upstream.BodyTypes[kind].ContentType, Whole: e,
		Required: p.Required != nil && *p.Required}
	switch kind {
	case "json", "raw":
	case "binary":
		r.Body.Kind, r.Body.Base64 = upstream.BinaryBody, p.Binary
		c.isFile(e, p.Binary)
	default:
		r.Body.Plain = true
	}
	return true
}

// isTextBody reports whether the value of the parameter that is the body is a text of
// the body's kind, for which what callers give is escaped.
func (c *call) isTextBody(p *model.Param, kind string) bool {
	text := strings.TrimSpace(p.Value.Str())
	if !strings.Contains(text, "{{") || isSingle(p.Value) || kind == "binary" {
		return false
	}
	return kind != "json" && kind != "raw" || text[0] == '[' || text[0] == '{' && !strings.HasPrefix(text, "{{")
}

// passBody lets the caller's body pass where the operation of a plain call has none,
// although its method wants one.
func (c *call) passBody(r *upstream.Request) bool {
	plain := c.flowModel == nil && c.unit.Model != nil && c.unit.Model.Call != "" && !c.hasArgs
	if !plain || c.op.NoBody || c.op.Body != nil || len(c.declared) > 0 ||
		!slices.Contains([]string{"POST", "PUT", "PATCH"}, c.op.Method) {
		return true
	}
	name := "body"
	if slices.ContainsFunc(c.unit.Inputs, func(in *plan.Input) bool { return loose(in.Name, name) }) {
		name = "requestBody"
	}
	e := c.input(name, usage{origin: "operation", place: plan.InBody, entity: true, json: c.speaksJSON(), whole: true,
		feeds: "the body of " + c.target()}, c.at)
	kind := c.bodyType()
	r.Body = &upstream.Body{Kind: upstream.WholeBody, ContentType: upstream.BodyTypes[kind].ContentType, Whole: e,
		Plain: kind != "json"}
	if kind == "binary" {
		r.Body.Kind = upstream.BinaryBody
		c.isFile(e, false)
	}
	c.compiler.reportOnce(diag.BodyPassed, c.op.Node.Where("method"),
		"Declare its body, or parameters with in: body, to say what it holds; x-fairlead: {body: none} says that there is none.",
		"%s says nothing of a body; that of the caller passes as it comes", c.target())
	return true
}

// isGiven reports whether e is an input that a REST caller gives in the body.
func (c *call) isGiven(e expr.Expr) bool {
	slot, ok := e.InSlot()
	return ok && slices.ContainsFunc(c.unit.Inputs,
		func(in *plan.Input) bool { return in.Slot == slot && in.Place == plan.InBody })
}

// fileWords are what names of parameters that are files say.
var fileWords = []string{"file", "image", "photo", "picture", "attachment", "upload", "document", "audio", "video",
	"media", "avatar", "logo"}

func namesFile(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(fileWords,
		func(word string) bool { return strings.HasSuffix(name, word) || strings.HasSuffix(name, word+"s") })
}

// isFile says in the description of the input that e is how a file is given; binary
// says that it is one of bytes.
func (c *call) isFile(e expr.Expr, binary bool) {
	slot, ok := e.InSlot()
	if !ok {
		return
	}
	forms := "A file: text, or for bytes a data: URL such as data:image/png;base64,iVBOR…"
	if binary {
		forms = "A file: Base64, or a data: URL such as data:image/png;name=a.png;base64,iVBOR…"
	}
	for _, in := range c.unit.Inputs {
		if in.Slot == slot && !strings.Contains(in.Schema.Description, forms) {
			in.Schema.Description = strings.TrimSpace(in.Schema.Description + " " + forms)
		}
	}
}

func (c *call) block(r *upstream.Request, b *model.Body) bool {
	lookup := func(name string, optional bool) expr.Expr { return c.variable(name, nil, b.Data.At, optional) }
	of := upstream.BodyTypes[b.Type]
	switch {
	case of.Data == upstream.MultipartBody:
		return c.multipart(r, b, lookup)
	case b.Type == "binary" && b.Data.Is(value.String):
		e, ok := c.data(b.Data, lookup)
		binary := c.feedsBinary(b.Data)
		c.isFile(e, binary)
		r.Body = &upstream.Body{Kind: upstream.BinaryBody, ContentType: of.ContentType, Whole: e, Base64: binary}
		return ok
	case b.Data.IsScalar():
		return c.textBlock(r, b, of.ContentType, lookup)
	case b.Data.Is(value.Object) || b.Data.Is(value.Array):
		tree, ok := c.tree(b.Data)
		if !ok {
			return false
		}
		r.Body = &upstream.Body{Kind: of.Data, ContentType: of.ContentType, Tree: tree}
		if of.OnlyText {
			r.Body.ContentType = upstream.BodyTypes["json"].ContentType
			if only := c.onlyText(b.Data); only != nil { // {query: "SELECT …"}
				return c.textBlock(r, &model.Body{Node: b.Node, Type: b.Type, Data: only}, of.ContentType, lookup)
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

func (c *call) textBlock(r *upstream.Request, b *model.Body, contentType string,
	lookup func(string, bool) expr.Expr) bool {
	text := b.Data.Text
	if b.Type == "raw" {
		contentType = rawContentType(text)
	}
	esc := upstream.BodyTypes[b.Type].Escape
	if b.Type == "raw" {
		esc = rawEscapes[contentType]
	}
	t, err := template.Compile(text, template.Double)
	if err == nil {
		err = t.Check(esc)
	}
	if err != nil {
		c.compiler.report(diag.BodyInvalid, b.Data.At, "Correct the body.", "the body cannot be built: %s", err)
		return false
	}
	if i, single := t.Single(); single && (esc == template.JSON || esc == template.YAML) {
		// The whole body is one placeholder: the value with its type is the entity.
		e := lookup(t.Vars()[i].Name, t.Vars()[i].Optional)
		r.Body = &upstream.Body{Kind: upstream.WholeBody, ContentType: contentType, Whole: e, Required: true}
		return true
	}
	if i, single := t.Single(); single && b.Type == "text" {
		e := lookup(t.Vars()[i].Name, t.Vars()[i].Optional)
		r.Body = &upstream.Body{Kind: upstream.WholeBody, ContentType: contentType, Whole: e, Required: true,
			Plain: true}
		return true
	}
	e, ok := c.text(text, template.Double, b.Data.At, lookup)
	r.Body = &upstream.Body{Kind: upstream.TextBody, ContentType: contentType, Text: e, Escape: esc}
	return ok
}

// rawEscapes are the places that texts without a body type are.
var rawEscapes = map[string]template.Escape{"application/json": template.JSON, "application/xml": template.XML,
	"application/x-www-form-urlencoded": template.FormValue}

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
				t.Leaf = c.variable(name, nil, n.At, false)
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
	r.Body, c.unit.ReadMultipart = &upstream.Body{Kind: upstream.MultipartBody}, true
	field := func(n *document.Node, key string) expr.Expr {
		e, _ := c.data(n.Get(key), lookup)
		return e
	}
	add := func(name expr.Expr, n *document.Node) {
		part := upstream.Part{Name: name, Value: field(n, "value"), Filename: field(n, "filename"),
			ContentType: field(n, "contentType"), Base64: c.feedsBinary(n.Get("value"))}
		if part.Base64 || !part.Filename.IsZero() {
			c.isFile(part.Value, part.Base64)
		}
		r.Body.Parts = append(r.Body.Parts, part)
	}
	switch {
	case b.Data.Is(value.Array):
		for _, item := range b.Data.Items {
			add(field(item, "name"), item)
		}
	case b.Data.Is(value.Object):
		for _, p := range b.Data.Pairs {
			name := expr.Literal(value.Of(p.Key))
			if p.Value.Is(value.Object) && p.Value.Get("value") != nil {
				add(name, p.Value)
				continue
			}
			tree, ok := c.tree(p.Value)
			if !ok {
				return false
			}
			part := upstream.Part{Name: name, Value: tree.Leaf, Base64: c.feedsBinary(p.Value)}
			if tree.Kind != value.Absent {
				part.Value = expr.Literal(p.Value.Value())
			}
			if part.Base64 {
				c.isFile(part.Value, true)
			}
			r.Body.Parts = append(r.Body.Parts, part)
		}
	default:
		c.compiler.report(diag.BodyInvalid, b.Data.Range(), "List the parts: name, value, filename, contentType.",
			"a multipart body must be a list or mapping of parts")
		return false
	}
	return true
}

// feedsBinary reports whether a text is one variable, which a parameter of bytes feeds.
func (c *call) feedsBinary(n *document.Node) bool {
	if n == nil || !isSingle(n) {
		return false
	}
	t, err := template.Compile(n.Text, template.Double)
	if err != nil {
		return false
	}
	name := t.Vars()[0].Name
	if input, ok := c.reference(name); ok {
		name = input
	}
	return slices.ContainsFunc(c.params, func(p *model.Param) bool { return p.Binary && loose(p.Name, name) })
}

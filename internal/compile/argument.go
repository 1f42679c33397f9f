package compile

import (
	"mime"
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

// bindWith compiles one entry of the with block: a reference, a template or a literal.
func (c *call) bindWith(a *withEntry) {
	c.sensitive = looksLikeCredential(a.Key)
	defer func() { c.sensitive = false }()
	if name, ok := c.reference(a.Value.Text); ok {
		a.expr = c.input(name, c.feeding(a.Key, true), a.Value.At)
		return
	}
	if a.Value.Is(value.String) && !strings.Contains(a.Value.Text, "{{") {
		c.suspectLiteral(a)
	}
	whole := isSingle(a.Value)
	a.expr, _ = c.data(a.Value, func(name string, optional bool) expr.Expr {
		h := c.feeding(a.Key, whole)
		h.required = h.required || a.Value.Is(value.String) && !whole // a text around it
		return c.callerVariable(name, h, a.Value.At, optional)
	})
	p := c.feeding(a.Key, whole).param
	a.expr = c.sealed(a.expr, a.Key, a.Value, p != nil && p.Secret)
}

// isSingle reports whether a text is exactly one variable.
func isSingle(n *document.Node) bool {
	t, err := template.Compile(n.Str(), template.Double)
	if err != nil || !n.Is(value.String) {
		return false
	}
	_, single := t.Single()
	return single
}

// suspectLiteral warns of a literal that looks like a reference with an unknown prefix.
func (c *call) suspectLiteral(a *withEntry) {
	text := a.Value.Text
	if path, ok := strings.CutPrefix(text, "$."); ok && path != "" || c.declared[text] || text == a.Key {
		if !ok {
			path = text
		}
		c.compiler.report(diag.WithPrefix, a.Value.At, "Write “{{"+path+"}}” for the value.",
			"“%s” is sent as this text", text)
		return
	}
	prefix, rest, ok := strings.Cut(a.Value.Text, ".")
	if !ok || prefix == "" || rest == "" || !isWord(prefix) || !isWord(rest) || startsWithDigit(prefix) ||
		startsWithDigit(rest) {
		return
	}
	if _, isStep := c.steps[prefix]; isStep {
		c.compiler.report(diag.WithPrefix, a.Value.At, "Write “{{"+a.Value.Text+"}}” for the step's result.",
			"“%s” is sent as this text", a.Value.Text)
		return
	}
	hint := "If it is a reference, begin it with “" + c.namespace + ".”."
	if c.namespace == "" {
		hint = "If it is a reference, write “{{" + rest + "}}”."
	}
	c.compiler.report(diag.WithPrefix, a.Value.At, hint,
		"“%s” looks like a reference, but “%s” is no namespace here; it is sent as this text", a.Value.Text, prefix)
}

func startsWithDigit(s string) bool { return s[0] >= '0' && s[0] <= '9' }

func isWord(s string) bool {
	for _, c := range s {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// callerVariable gives a variable of a text that is evaluated for the caller (a
// with value): inputs, binds and earlier steps.
func (s *scope) callerVariable(name string, h usage, at diag.Range, optional bool) expr.Expr {
	if input, ok := s.reference(name); ok {
		return s.input(input, h, at)
	}
	if s.declared[name] {
		return s.input(name, h, at)
	}
	if e, ok := s.known(name, at); ok {
		return e
	}
	if s.brokenStep(name, at) {
		return expr.Expr{}
	}
	if optional {
		h.required = false
	}
	return s.input(name, h, at)
}

// known gives what a name means besides the caller's inputs: a bind, or a step's result.
func (s *scope) known(name string, at diag.Range) (expr.Expr, bool) {
	if e, ok := s.stepResult(name, at); ok {
		return e, true
	}
	if e, ok := s.bound(name); ok {
		return e, true
	}
	if head, rest, ok := strings.Cut(name, "."); ok && s.declared[head] {
		e := s.input(head, usage{origin: "template"}, diag.Range{})
		if slot, ok := e.InSlot(); ok {
			return expr.Slot(slot, strings.Split(rest, ".")...), true
		}
	}
	return expr.Expr{}, false
}

// feeding says what the with entry key feeds; whole says that an input is all of it.
func (c *call) feeding(key string, whole bool) usage {
	for _, exact := range []bool{true, false} {
		for _, i := range c.byName.like(key) {
			if p := c.params[i]; !exact || p.Name == key {
				h := c.hintFor(p, "with")
				h.whole = whole
				return h
			}
		}
	}
	h := usage{origin: "with", place: plan.InQuery, feeds: key + " of " + c.target()}
	if c.isPlaceholder(key) {
		h.required = true
	} else if c.op.Body != nil {
		h.place, h.required = plan.InBody, c.hasBlock() && c.bodyNeeds(key)
		h.any = whole && c.takesJSON(key)
	}
	return h
}

// takesJSON reports whether name is, in the body block, a whole JSON value of which
// nobody says the type: a member, an item, or a variable outside of strings.
func (c *call) takesJSON(name string) bool {
	return c.hasBlock() && upstream.BodyTypes[c.op.Body.Type].JSON && c.bodyUses(name).value
}

// isBare reports whether a variable stands outside of the strings of a JSON text.
func isBare(n *document.Node, name string) bool {
	t, err := template.Compile(n.Str(), template.Double)
	if err != nil {
		return false
	}
	i := slices.IndexFunc(t.Vars(), func(v template.Var) bool { return v.Name == name })
	return i >= 0 && t.BareVars()[i]
}

// bodyNeeds reports whether the body block cannot be built without a value for
// name: it stands in a text. Where it is all of a member, the member can be left out.
func (c *call) bodyNeeds(name string) bool { return c.bodyUses(name).needed }

// bodyUse is what the body block does with a variable.
type bodyUse struct {
	needed bool // it cannot be built without
	value  bool // it is a whole JSON value somewhere
}

func (c *call) bodyUses(name string) bodyUse {
	if c.bodyVars == nil {
		c.bodyVars = map[string]bodyUse{}
		c.collect(c.op.Body.Data, true)
	}
	return c.bodyVars[name]
}

// collect notes what the part n of the body block does with variables; whole is for
// the block itself.
func (c *call) collect(n *document.Node, whole bool) {
	for _, p := range n.Pairs {
		c.collect(p.Value, false)
	}
	for _, item := range n.Items {
		c.collect(item, false)
	}
	note := func(name string, use bodyUse) {
		before := c.bodyVars[name]
		c.bodyVars[name] = bodyUse{before.needed || use.needed, before.value || use.value}
	}
	if input, ok := c.reference(n.Str()); ok && n.Is(value.String) {
		note(input, bodyUse{value: true})
	}
	t, err := template.Compile(n.Str(), template.Double)
	if err != nil {
		return
	}
	_, single := t.Single()
	bare := t.BareVars()
	for i, v := range t.Vars() {
		use := bodyUse{needed: !v.Optional && (whole || !single), value: single || whole && bare[i]}
		note(v.Name, use)
		if input, isReference := c.reference(v.Name); isReference {
			note(input, use)
		}
	}
}

func (c *call) isPlaceholder(name string) bool { return c.placeholders.has(name) }

// hintFor says what an input that feeds p is like.
func (c *call) hintFor(p *model.Param, origin string) usage {
	h := usage{param: p, origin: origin, json: c.speaksJSON(), required: p.Required != nil && *p.Required ||
		p.In == "path" && !(isOptional(p) && !c.placeholders.has(p.Name)), feeds: describePlace(p.In) + p.Name +
		" of " + c.target()}
	switch p.In {
	case "header":
		h.place = plan.InHeader
	case "cookie":
		h.place = plan.InCookie
	case "body", "formdata", "form":
		h.place = plan.InBody
		h.entity = c.isEntity(p)
	default:
		h.place = plan.InQuery
	}
	return h
}

func describePlace(in string) string {
	switch in {
	case "query", "header", "cookie", "path", "body":
		return in + " "
	}
	return ""
}

// speaksJSON reports whether the body is JSON, whatever the answer is.
func (c *call) speaksJSON() bool {
	kind := c.bodyType()
	return kind == "json" || kind == "raw"
}

// isEntity reports whether p, alone, is the whole body: its name says so, or it is a
// text or object of which nobody says more. Everything else is a member of the body,
// under its name.
func (c *call) isEntity(p *model.Param) bool {
	return !c.hasBlock() && p.In == "body" && c.entities == 1 && c.isWhole(p)
}

func (c *call) isWhole(p *model.Param) bool {
	if kind := c.bodyType(); kind != "json" && kind != "raw" {
		return !upstream.BodyTypes[kind].Members
	}
	mayHold := p.Type == "object" || (p.Type == "" || p.Type == "string") && c.bodyKey() == ""
	return namesBody(p.Name) || p.Value == nil && p.Description == "" && mayHold
}

// bodyType is the type of the body; where no block says it, that of the fixed
// Content-Type, and "json" where nobody says it.
func (c *call) bodyType() string {
	if c.op.Body != nil {
		return c.op.Body.Type
	}
	for _, p := range c.params {
		if p.In == "header" && strings.EqualFold(p.Name, "Content-Type") {
			return typeOfMedia(p.Value.Str())
		}
	}
	return "json"
}

// typeOfMedia is the type of a body of a media type, "json" for what is none.
func typeOfMedia(text string) string {
	media, _, err := mime.ParseMediaType(text)
	kind, name, _ := strings.Cut(media, "/")
	switch {
	case err != nil, name == "", name == "json", strings.HasSuffix(name, "+json"):
		return "json"
	case name == "x-www-form-urlencoded":
		return "form"
	case media == "multipart/form-data":
		return "multipart"
	case name == "xml", strings.HasSuffix(name, "+xml"):
		return "xml"
	case name == "octet-stream", slices.Contains([]string{"image", "audio", "video"}, kind), name == "pdf",
		name == "zip", name == "gzip":
		return "binary"
	}
	return "text"
}

// namesBody reports whether a parameter's name says that it is the whole body.
func namesBody(name string) bool {
	switch canonical(name) {
	case "body", "payload", "data", "request", "requestbody":
		return true
	}
	return slices.ContainsFunc([]string{"Request", "Input", "Payload", "Body", "Dto", "Message"},
		func(end string) bool { return strings.HasSuffix(name, end) })
}

func (c *call) hasBlock() bool { return c.op.Body != nil && !c.op.Body.Data.IsNull() }

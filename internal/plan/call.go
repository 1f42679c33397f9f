package plan

import (
	"cmp"
	"net/textproto"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// call binds one consumed operation to a unit: every parameter, placeholder and
// variable of the operation gets an expression over the unit's frame
// (rules.md sections 2 to 4).
type call struct {
	*scope
	api     *model.Consume
	op      *model.Operation
	params  []*model.Param // adapter, resource and operation merged
	with    []*argument
	hasArgs bool       // the unit has a with block
	at      diag.Range // of the call
	values  map[*model.Param]expr.Expr
	open    map[*model.Param]bool // being evaluated, against templates that use each other
}

type argument struct {
	model.Argument
	expr expr.Expr
	used bool
}

// bindCall makes the call of a unit or step. ok is false when the call cannot
// work; that is reported.
func (s *scope) bindCall(target string, at diag.Range, with []model.Argument) (*Call, bool) {
	api, op := s.c.resolve(target, at)
	if op == nil {
		return nil, false
	}
	c := &call{scope: s, api: api, op: op, at: at, params: mergeParams(api, op), hasArgs: with != nil, values: map[*model.Param]expr.Expr{}, open: map[*model.Param]bool{}}
	for _, a := range with {
		c.with = append(c.with, &argument{Argument: a})
	}
	request, ok := c.request()
	if !ok {
		return nil, false
	}
	result := &Call{Request: request, Operation: op, MediaType: op.MediaType}
	return result, c.answer(result) && !s.c.failed
}

// mergeParams lists the input parameters of an operation: those of the API, the
// resource and the operation, the nearest wins by name and place.
func mergeParams(api *model.Consume, op *model.Operation) (merged []*model.Param) {
	for _, level := range [][]*model.Param{api.Inputs, op.Resource.Inputs, op.Inputs} {
		for _, p := range level {
			same := func(q *model.Param) bool {
				return q.In == p.In && (q.Name == p.Name || p.In == "header" && strings.EqualFold(q.Name, p.Name))
			}
			if i := slices.IndexFunc(merged, same); i >= 0 {
				merged[i] = p
			} else {
				merged = append(merged, p)
			}
		}
	}
	return merged
}

func (c *call) target() string { return c.api.Namespace + "." + c.op.Name }

func (c *call) request() (*upstream.Request, bool) {
	r := &upstream.Request{Target: c.target(), Method: c.op.Method}
	if !slices.Contains(methods, r.Method) {
		c.c.report(diag.BadMethod, c.op.Node.Where("method"), "Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.", "“%s” is not an HTTP method", r.Method)
		return nil, false
	}
	for _, a := range c.with {
		if !slices.ContainsFunc(c.params, func(p *model.Param) bool { return loose(p.Name, a.Key) && c.fromAuth(p) }) {
			c.argument(a)
		}
	}
	path, ok := c.path(r)
	if !ok {
		return nil, false
	}
	r.Path = path
	var inBody []*model.Param
	for _, p := range c.params {
		switch p.In {
		case "path", "environment":
		case "body", "formdata", "form":
			inBody = append(inBody, p)
		default:
			c.param(r, p)
		}
	}
	if !c.body(r, inBody) {
		return nil, false
	}
	base, ok := c.base(c.api, c.c.bases[c.api])
	if !ok {
		return nil, false
	}
	r.Base = base
	if c.api.Auth != nil && !c.op.NoAuth {
		if r.Auth, ok = c.auth(c.api.Auth); !ok {
			return nil, false
		}
	}
	c.unusedArguments()
	return r, true
}

// argument compiles one entry of the with block: a reference, a template or a literal.
func (c *call) argument(a *argument) {
	if !a.Value.Is(value.String) {
		a.expr = expr.Literal(a.Value.Value())
		return
	}
	if name, ok := c.reference(a.Value.Text); ok {
		a.expr = c.input(name, c.feeding(a.Key, name), a.Value.At)
		return
	}
	if !strings.Contains(a.Value.Text, "{{") {
		c.suspectLiteral(a)
	}
	a.expr, _ = c.data(a.Value, func(name string, optional bool) expr.Expr {
		return c.callerVariable(name, c.feeding(a.Key, name), a.Value.At, optional)
	})
}

// suspectLiteral warns of a literal that looks like a reference with an unknown prefix.
func (c *call) suspectLiteral(a *argument) {
	prefix, rest, ok := strings.Cut(a.Value.Text, ".")
	if !ok || prefix == "" || rest == "" || !isWord(prefix) || !isWord(rest) || startsWithDigit(prefix) || startsWithDigit(rest) {
		return
	}
	if _, isStep := c.steps[prefix]; isStep {
		c.c.report(diag.WithPrefix, a.Value.At, "Write “{{"+a.Value.Text+"}}” for the step's result.", "“%s” is sent as this text", a.Value.Text)
		return
	}
	hint := "If it is a reference, begin it with “" + c.own + ".”."
	if c.own == "" {
		hint = "If it is a reference, write “{{" + rest + "}}”."
	}
	c.c.report(diag.WithPrefix, a.Value.At, hint, "“%s” looks like a reference, but “%s” is no namespace here; it is sent as this text", a.Value.Text, prefix)
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
func (s *scope) callerVariable(name string, h hint, at diag.Range, optional bool) expr.Expr {
	if input, ok := s.reference(name); ok {
		return s.input(input, h, at)
	}
	if s.declared[name] {
		return s.input(name, h, at)
	}
	if e, ok := s.known(name); ok {
		return e
	}
	if s.brokenStep(name, at) {
		return expr.Expr{}
	}
	if optional {
		h.must = false
	}
	return s.input(name, h, at)
}

// known gives what a name means besides the caller's inputs: a bind, or a step's result.
func (s *scope) known(name string) (expr.Expr, bool) {
	if e, ok := s.stepResult(name); ok {
		return e, true
	}
	if e, ok := s.bound(name); ok {
		return e, true
	}
	if head, rest, ok := strings.Cut(name, "."); ok && s.declared[head] {
		e := s.input(head, hint{origin: "template"}, diag.Range{})
		if slot, ok := e.InSlot(); ok {
			return expr.Slot(slot, strings.Split(rest, ".")...), true
		}
	}
	return expr.Expr{}, false
}

// feeding says what the with entry key feeds, for an input that it refers to as name.
func (c *call) feeding(key, name string) hint {
	for _, exact := range []bool{true, false} {
		for _, p := range c.params {
			if p.Name == key || !exact && loose(p.Name, key) {
				return c.hintFor(p, "with")
			}
		}
	}
	h := hint{origin: "with", place: InQuery, feeds: key + " of " + c.target()}
	if c.isPlaceholder(key) {
		h.must = true
	} else if c.op.Body != nil {
		h.place = InBody
	}
	return h
}

func (c *call) isPlaceholder(name string) bool {
	t, err := template.Compile(c.op.FullPath(), template.SingleToo)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(t.Vars(), func(v template.Var) bool { return loose(v.Name, name) })
}

// hintFor says what an input that feeds p is like.
func (c *call) hintFor(p *model.Param, origin string) hint {
	h := hint{param: p, origin: origin, json: c.speaksJSON(), must: p.Required != nil && *p.Required || p.In == "path", feeds: describePlace(p.In) + p.Name + " of " + c.target()}
	switch p.In {
	case "header":
		h.place = InHeader
	case "cookie":
		h.place = InCookie
	case "body", "formdata", "form":
		h.place = InBody
		h.entity = c.isEntity(p)
	default:
		h.place = InQuery
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

func (c *call) speaksJSON() bool {
	kind, _ := format.ParseKind(c.op.RawFormat)
	return kind == format.JSON || c.op.RawFormat == ""
}

// isEntity reports whether p, alone, is the whole body.
func (c *call) isEntity(p *model.Param) bool {
	if c.hasBlock() {
		return false
	}
	n := 0
	for _, q := range c.params {
		if (q.In == "body" || q.In == "formdata" || q.In == "form") && q.Value == nil {
			n++
		}
	}
	return n == 1 && p.In == "body"
}

func (c *call) hasBlock() bool { return c.op.Body != nil && !c.op.Body.Data.IsNull() }

// value is the expression of a consumed parameter; ok is false when nothing feeds it.
func (c *call) value(p *model.Param) (e expr.Expr, ok bool) {
	if e, done := c.values[p]; done {
		return e, !e.IsZero()
	}
	if c.open[p] {
		return expr.Expr{}, false
	}
	c.open[p] = true
	e = c.findValue(p)
	delete(c.open, p)
	c.values[p] = e
	return e, !e.IsZero()
}

func (c *call) findValue(p *model.Param) expr.Expr {
	if p.Value != nil {
		if p.Value.Is(value.String) {
			if name, ok := c.reference(p.Value.Text); ok {
				return c.input(name, c.hintFor(p, "template"), p.Value.At)
			}
		}
		e, _ := c.data(p.Value, func(name string, optional bool) expr.Expr { return c.variable(name, p, p.Value.At, optional) })
		return e
	}
	if a := c.argumentFor(p.Name); a != nil {
		return a.expr
	}
	if p.In == "environment" {
		if e, ok := c.bound(p.Name); ok {
			return e
		}
		e, _ := c.bound("env." + p.Name)
		return e
	}
	h := c.hintFor(p, "operation")
	at := c.at
	switch {
	case c.declared[p.Name] || !c.hasArgs && !c.inFlow:
		return c.input(p.Name, h, at)
	case c.outerHas(p.Name):
		return c.input(p.Name, h, at)
	case c.inFlow && !c.hasArgs:
		return c.input(p.Name, h, at)
	}
	if i := c.findLoosely(p.Name); i >= 0 {
		return c.input(c.unit.Inputs[i].Name, h, at)
	}
	if h.must {
		c.inferred(p.Name)
		return c.input(p.Name, h, at)
	}
	if p.Default != nil {
		return expr.Literal(p.Default.Value())
	}
	return expr.Expr{}
}

func (s *scope) outerHas(name string) bool {
	_, ok := s.outer[name]
	return s.inFlow && ok
}

// findLoosely finds a declared input or exposed placeholder for a parameter
// that the with block leaves out.
func (c *call) findLoosely(name string) int {
	for i, in := range c.unit.Inputs {
		if (in.Origin == "declared" || in.Origin == "path") && loose(in.Name, name) {
			return i
		}
	}
	return -1
}

func (c *call) argumentFor(name string) *argument {
	for _, exact := range []bool{true, false} {
		for _, a := range c.with {
			if a.Key == name || !exact && loose(a.Key, name) {
				if a.Key != name && !a.used {
					c.c.report(diag.LooseName, a.Pair.KeyAt, "Spell both alike.", "“%s” is taken for “%s” of %s", a.Key, name, c.target())
				}
				a.used = true
				return a
			}
		}
	}
	return nil
}

// variable gives a variable of the consumed operation's own texts (path, fixed
// value, body): the with block, another parameter, the caller, a bind, a step;
// else it is asked of the caller. self is the parameter whose text it is, if any.
func (c *call) variable(name string, self *model.Param, at diag.Range, optional bool) expr.Expr {
	if a := c.argumentFor(name); a != nil {
		return a.expr
	}
	for _, exact := range []bool{true, false} {
		for _, p := range c.params {
			if p != self && !c.open[p] && (p.Name == name || !exact && loose(p.Name, name)) {
				if e, ok := c.value(p); ok {
					return e
				}
			}
		}
	}
	if input, ok := c.reference(name); ok {
		name = input
		if a := c.argumentFor(name); a != nil {
			return a.expr
		}
	}
	if c.declared[name] || c.outerHas(name) {
		return c.input(name, c.templateHint(name, self, optional), at)
	}
	if e, ok := c.known(name); ok {
		return e
	}
	if c.brokenStep(name, at) {
		return expr.Expr{}
	}
	h := c.templateHint(name, self, optional)
	if c.hasArgs && h.must && c.findLoosely(name) < 0 {
		c.inferred(name)
	}
	return c.input(name, h, at)
}

func (c *call) inferred(name string) {
	c.c.report(diag.InputInferred, c.at, "Add it to the with block to make that plain.", "the with block leaves out “%s”, which %s needs; the caller is asked for it", name, c.target())
}

func (c *call) templateHint(name string, self *model.Param, optional bool) hint {
	h := hint{origin: "template", place: InQuery, feeds: name + " of " + c.target()}
	switch {
	case self != nil:
		h = c.hintFor(self, "template")
		h.param, h.entity, h.must = nil, false, false
	case c.isPlaceholder(name):
		h.must = !optional
	default:
		h.place = InBody
		if c.op.Method == "GET" || c.op.Method == "HEAD" {
			h.place = InQuery
		}
	}
	return h
}

// path compiles the operation's path; a query that it holds is split off.
func (c *call) path(r *upstream.Request) (expr.Expr, bool) {
	at := c.op.Node.Where("path")
	if c.op.Path == "" {
		at = c.op.Resource.Node.Where("path")
	}
	text, fragment, _ := strings.Cut(c.op.FullPath(), "#")
	if fragment != "" {
		c.c.report(diag.PathCut, at, "Remove it: a fragment never travels.", "the fragment “#%s” is cut off the path", fragment)
	}
	text, query, _ := strings.Cut(text, "?")
	lookup := func(name string, optional bool) expr.Expr { return c.variable(name, nil, at, optional) }
	path, ok := c.text(c.appendParams(text, query), template.SingleToo, at, lookup)
	if !ok {
		return path, false
	}
	if query != "" {
		if r.Query, ok = c.text(query, template.SingleToo, at, lookup); !ok {
			return path, false
		}
	}
	return path, true
}

// appendParams adds the path parameters that the path has no placeholder for as
// segments at its end: the author said that they travel in the path, and
// without them the call would reach something else, perhaps a whole collection.
func (c *call) appendParams(path, query string) string {
	t, err := template.Compile(path+c.api.BaseURI+query, template.SingleToo)
	if err != nil {
		return path
	}
	for _, p := range c.params {
		if p.In != "path" || p.Required != nil && !*p.Required || slices.ContainsFunc(t.Vars(), func(v template.Var) bool { return loose(v.Name, p.Name) }) {
			continue
		}
		if p.Value != nil && c.usedInTexts(p.Name) {
			continue
		}
		path = strings.TrimRight(path, "/") + "/{{" + p.Name + "}}"
		c.c.reportOnce(diag.PathAppended, p.Node.Where("name"), "Put the placeholder where it belongs in the path.",
			"“%s” is a path parameter of %s, whose path has no placeholder for it; it is appended: %s", p.Name, c.target(), path)
	}
	return path
}

// usedInTexts reports whether a fixed parameter feeds another text, and so has a
// meaning besides its place: {{token}} of an authentication block or a body.
func (c *call) usedInTexts(name string) bool {
	uses := func(n *document.Node) bool { return n != nil && strings.Contains(n.Value().Text(), "{{"+name+"}}") }
	if c.api.Auth != nil && uses(c.api.Auth.Node) || c.op.Body != nil && uses(c.op.Body.Data) {
		return true
	}
	return slices.ContainsFunc(c.params, func(p *model.Param) bool { return uses(p.Value) })
}

// styles are the names of x-fairlead: {style: …}.
var styles = map[string]upstream.Style{"": upstream.Repeat, "form": upstream.Repeat, "repeat": upstream.Repeat, "comma": upstream.Comma, "csv": upstream.Comma,
	"space": upstream.Space, "pipe": upstream.Pipe, "json": upstream.JSON, "deep": upstream.Repeat}

// fromAuth reports whether p is the header or query parameter that the API's
// authentication fills: the configured credential is sent, nobody is asked for
// another.
func (c *call) fromAuth(p *model.Param) bool {
	a := c.api.Auth
	if a == nil || c.op.NoAuth {
		return false
	}
	place, name := "header", "Authorization"
	if a.Type == "apikey" {
		place, name = cmp.Or(strings.ToLower(a.Text("placement")), "header"), a.Text("key")
	}
	return p.In == place && (p.Name == name || p.In == "header" && strings.EqualFold(p.Name, name))
}

func (c *call) param(r *upstream.Request, p *model.Param) {
	if c.fromAuth(p) {
		if a := c.argumentFor(p.Name); a != nil || p.Value != nil || p.Required != nil && *p.Required {
			c.c.reportOnce(diag.HeaderFromAuth, p.Node.Where("name"), "Remove the parameter, or the authentication block.",
				"“%s” of %s comes from its authentication; the parameter is not used", p.Name, c.target())
		}
		return
	}
	e, ok := c.value(p)
	if !ok {
		return
	}
	out := upstream.Param{Name: p.Name, Value: e, Required: p.Required != nil && *p.Required, Style: styles[p.Style], From: c.inputName(e, p.Name)}
	switch p.In {
	case "header":
		out.Place, out.Name = upstream.InHeader, textproto.CanonicalMIMEHeaderKey(p.Name)
		if hopByHop[out.Name] {
			c.c.report(diag.WithUnused, p.Node.Where("name"), "Remove it.", "the header “%s” belongs to the connection and is not sent", p.Name)
			return
		}
	case "cookie":
		out.Place = upstream.InCookie
	default: // query, and what nobody said
		out.Place = upstream.InQuery
	}
	r.Params = append(r.Params, out)
}

// hopByHop are the headers that no document sets (RFC 9110 section 7.6.1).
var hopByHop = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Content-Length": true}

// inputName is the name of the input that e is, else fallback.
func (s *scope) inputName(e expr.Expr, fallback string) string {
	if slot, ok := e.InSlot(); ok {
		for _, in := range s.unit.Inputs {
			if in.Slot == slot {
				return in.Name
			}
		}
	}
	return fallback
}

func (c *call) unusedArguments() {
	for _, a := range c.with {
		if a.used {
			continue
		}
		hint := "Remove it, or declare a parameter of that name on the operation."
		var names []string
		for _, p := range c.params {
			names = append(names, p.Name)
		}
		if near, ok := diag.Near(a.Key, names); ok {
			hint = "Did you mean “" + near + "”?"
		}
		c.c.report(diag.WithUnused, a.Pair.KeyAt, hint, "“%s” names no parameter or placeholder of %s and is not sent", a.Key, c.target())
	}
}

// answer compiles how the operation's answer is read.
func (c *call) answer(out *Call) bool {
	kind, ok := format.ParseKind(c.op.RawFormat)
	if !ok {
		hint := "Use json, xml, yaml, csv, tsv, psv, html, markdown, avro, protobuf, text or binary."
		if near, found := diag.Near(c.op.RawFormat, format.Names()); found {
			hint = "Did you mean “" + near + "”?"
		}
		c.c.report(diag.FormatUnknown, c.op.Node.Where("outputRawFormat"), hint, "the format “%s” is not known; the answer is read as JSON", c.op.RawFormat)
		kind = format.JSON
	}
	out.Format = kind
	out.Request.Accept = format.Accept(kind)
	if kind == format.Binary {
		out.MaxBinary = c.c.binarySize(c.op.MaxBinarySize, c.op.Node)
		if out.MediaType != "" {
			out.Request.Accept = out.MediaType + ", */*;q=0.5"
		}
		return true
	}
	decoder, err := format.New(kind, format.Schema{Text: c.op.OutputSchema, Files: c.c.schemaFiles()})
	if err != nil {
		c.c.report(diag.FormatUnknown, c.op.Node.Where("outputSchema"), "Correct outputSchema, or put the file there.", "answers of %s cannot be decoded: %s", c.target(), err)
		c.c.failed = true
		return false
	}
	out.Decoder = decoder
	return true
}

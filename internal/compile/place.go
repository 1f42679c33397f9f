package compile

import (
	"cmp"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// pathAt is where the path of the operation stands, its own or its resource's.
func (c *call) pathAt() diag.Range {
	if c.op.Path == "" {
		return c.op.Resource.Node.Where("path")
	}
	return c.op.Node.Where("path")
}

// path compiles the operation's path; a query that it holds is split off.
func (c *call) path(r *upstream.Request) (expr.Expr, bool) {
	at := c.pathAt()
	text, fragment, _ := strings.Cut(c.op.FullPath(), "#")
	if fragment != "" {
		c.compiler.report(diag.PathCut, at, "Remove it: a fragment never travels.",
			"the fragment “#%s” is cut off the path", fragment)
	}
	text, _, _ = strings.Cut(text, "?")
	query := c.query
	path, ok := c.urlText(c.appendParams(text, query), at, template.AppendPathText)
	if !ok {
		return path, false
	}
	if query != "" {
		if r.Query, ok = c.urlText(query, at, template.AppendQueryText); !ok {
			return path, false
		}
	}
	return path, true
}

// urlText compiles a part of a URL, of which encode makes the literal text safe:
// a text that is no valid URL would switch off the encoding of its values, too.
func (c *call) urlText(source string, at diag.Range, encode func([]byte, string) []byte) (expr.Expr, bool) {
	t, ok := c.template(source, template.SingleToo, at)
	if !ok {
		return expr.Expr{}, false
	}
	lookup := func(name string, optional bool) expr.Expr { return c.variable(name, nil, at, optional) }
	return c.bindText(t.Path(encode, c.keepsSlashes), at, lookup)
}

// keepsSlashes reports whether the path parameter of that name may hold several
// segments: x-fairlead: {slashes: keep}.
func (c *call) keepsSlashes(name string) bool {
	return slices.ContainsFunc(c.byName.like(name),
		func(i int) bool { return c.params[i].KeepSlashes && c.params[i].In == "path" })
}

// mergeQuery takes what query parameters send out of the query that the path holds. A
// fixed value there is the parameter's default; where a text stands around a variable,
// the path goes first. at is the place of the path.
func (c *call) mergeQuery(query string, at diag.Range) string {
	if query == "" {
		return ""
	}
	params, byName := slices.Clone(c.params), map[string]int{}
	for i, p := range params {
		if p.In == "query" {
			byName[p.Name] = i
		}
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, text, _ := strings.Cut(pair, "=")
		i, have := byName[name]
		t, err := template.Compile(text, template.SingleToo)
		if !have && err == nil && t.IsLiteral() {
			if p := credentialOf(name, text, at); p != nil {
				params = append(params, p)
				continue
			}
		}
		if !have || err != nil || params[i] == nil {
			kept = append(kept, pair)
			continue
		}
		p := *params[i]
		_, single := t.Single()
		switch {
		case single && loose(t.Vars()[0].Name, name):
		case t.IsLiteral() && p.Value == nil && p.Default.IsNull():
			p.Default = &document.Node{Kind: value.String, Text: text, At: p.Node.At}
			params[i] = &p
		case t.IsLiteral():
		default:
			kept = append(kept, pair)
			params[i] = nil
		}
	}
	c.params = slices.DeleteFunc(params, func(p *model.Param) bool { return p == nil })
	return strings.Join(kept, "&")
}

// credentialOf is a parameter for a pair of a path's query that holds a credential,
// so that it is hidden as those of parameters are; nil for other pairs.
func credentialOf(name, text string, at diag.Range) *model.Param {
	name, errName := url.QueryUnescape(name)
	text, errText := url.QueryUnescape(text)
	if errName != nil || errText != nil || !looksLikeCredential(name) || !resemblesCredential(text) {
		return nil
	}
	n := &document.Node{Kind: value.String, Text: text, At: at}
	return &model.Param{Node: n, Name: name, In: "query", Value: n}
}

// formats are the file extensions of answers, before which a segment goes.
var formats = []string{".json", ".geojson", ".xml", ".csv", ".tsv", ".yaml", ".yml", ".txt", ".html", ".rss", ".atom",
	".pdf"}

// actions are the last segments of paths below which there is hardly anything.
var actions = []string{"search", "list", "query", "find", "all", "count", "batch", "bulk", "export", "import",
	"cancel", "send", "create", "update", "delete",
	"upload", "download", "validate", "login", "logout", "refresh", "execute", "run", "preview", "status"}

// appendParams adds the path parameters that the path has no placeholder for as
// segments at its end, before a file extension: the author said that they travel in
// the path, and without them the call would reach something else, perhaps a whole
// collection. An optional one is a segment when it is given.
func (c *call) appendParams(path, query string) string {
	t, err := template.Compile(path+c.api.BaseURI+query, template.SingleToo)
	if err != nil {
		return path
	}
	var placeholders index
	for i, v := range t.Vars() {
		placeholders.add(v.Name, i)
	}
	for _, p := range c.params {
		if p.In != "path" || placeholders.has(p.Name) || p.Value != nil && c.usedInTexts(p.Name) {
			continue
		}
		last := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
		segment := "/{{" + p.Name + "}}"
		plain := segment
		if isOptional(p) {
			segment = "{{#" + p.Name + "}}" + segment + "{{/" + p.Name + "}}"
		}
		if !c.compiler.spend(1+len(path)/64, p.Node.Range()) {
			return path
		}
		path = strings.TrimRight(path, "/")
		extension := ""
		if i := slices.IndexFunc(formats,
			func(end string) bool { return strings.HasSuffix(last, end) && last != end }); i >= 0 {
			extension = path[len(path)-len(formats[i]):]
		}
		path = strings.TrimSuffix(path, extension) + segment + extension
		hint := "Put the placeholder where it belongs in the path."
		if slices.Contains(actions, last) {
			hint = "“" + last + "” looks like an action, below which nothing stands: the parameter probably belongs before it, or in the query. " + hint
		}
		c.compiler.reportOnce(diag.PathAppended, p.Node.Where("name"), hint,
			"“%s” is a path parameter of %s, whose path has no placeholder for it; it is appended: %s", p.Name,
			c.target(), strings.Replace(path, segment, plain, 1))
	}
	return path
}

func isOptional(p *model.Param) bool { return p.Required != nil && !*p.Required }

// usedInTexts reports whether a fixed parameter feeds another text, and so has a
// meaning besides its place: {{token}} of an authentication block or a body.
func (c *call) usedInTexts(name string) bool {
	if c.texts == nil {
		c.texts = map[string]bool{}
		add := func(n *document.Node) {
			for _, found := range plainTag.FindAllStringSubmatch(n.Value().Text(), -1) {
				c.texts[found[1]] = true
			}
		}
		if c.api.Auth != nil {
			add(c.api.Auth.Node)
		}
		if c.op.Body != nil {
			add(c.op.Body.Data)
		}
		for _, p := range c.params {
			add(p.Value)
		}
	}
	return c.texts[name]
}

// plainTag is a variable that is written without blanks.
var plainTag = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// styles are the names of x-fairlead: {style: …}.
var styles = map[string]upstream.Style{"": upstream.Repeat, "form": upstream.Repeat, "repeat": upstream.Repeat,
	"comma": upstream.Comma, "csv": upstream.Comma,
	"space": upstream.Space, "pipe": upstream.Pipe, "json": upstream.JSON, "deep": upstream.Repeat}

// fromAuth reports whether p is the header, parameter or body member that the API's
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
	in := p.In
	if in == "formdata" || in == "form" {
		in = "body"
	}
	return in == place && (p.Name == name || in == "header" && strings.EqualFold(p.Name, name))
}

// replacedByAuth reports whether p is not used because authentication fills it, and
// says so.
func (c *call) replacedByAuth(p *model.Param) bool {
	if !c.fromAuth(p) {
		return false
	}
	a := c.argumentFor(p.Name)
	c.replaced = append(c.replaced, p.Name)
	if a != nil {
		c.replace(a)
	}
	if a != nil || p.Value != nil || p.Required != nil && *p.Required {
		c.compiler.reportOnce(diag.HeaderFromAuth, p.Node.Where("name"),
			"Remove the parameter, or the authentication block.",
			"“%s” of %s comes from its authentication; the parameter is not used", p.Name, c.target())
	}
	return true
}

// replace notes that what a with entry gives is not sent: a credential is.
func (c *call) replace(a *withEntry) {
	a.used = true
	if name, ok := c.reference(a.Value.Text); ok {
		c.replaced = append(c.replaced, name)
	}
}

func (c *call) param(r *upstream.Request, p *model.Param) {
	e, ok := c.value(p)
	if !ok {
		return
	}
	out := upstream.Param{Name: p.Name, Value: e, Required: p.Required != nil && *p.Required, Style: styles[p.Style],
		From: c.inputName(e, p.Name)}
	switch p.In {
	case "header":
		out.Place, out.Name = upstream.InHeader, textproto.CanonicalMIMEHeaderKey(p.Name)
		if hopByHop[out.Name] {
			c.compiler.report(diag.WithUnused, p.Node.Where("name"), "Remove it.",
				"the header “%s” belongs to the connection and is not sent", p.Name)
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
var hopByHop = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Content-Length": true}

// inputName is the name of the input that e is, else fallback.
func (s *scope) inputName(e expr.Expr, fallback string) string {
	if slot, ok := e.InSlot(); ok {
		s.inputIndex()
		if i, ok := s.slots[slot]; ok {
			return s.unit.Inputs[i].Name
		}
	}
	return fallback
}

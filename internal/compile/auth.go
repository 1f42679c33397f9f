package compile

import (
	"net/textproto"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// auth compiles outgoing authentication. Its texts read binds, parameters of
// the API with fixed values, and the environment; never the caller's inputs.
func (c *call) auth(a *model.Auth) (out upstream.Auth, ok bool) {
	before := c.inAuth
	c.inAuth = true
	defer func() { c.inAuth = before }()
	f := &authFields{call: c, auth: a}
	switch a.Type {
	case "basic":
		if a.Fields["username"].IsNull() && !a.Fields["token"].IsNull() {
			out = &upstream.Bearer{Scheme: "Basic", Token: f.required("token")}
			break
		}
		out = &upstream.Basic{Username: f.required("username"), Password: f.optional("password")}
	case "digest":
		out = &upstream.Digest{Username: f.required("username"), Password: f.required("password")}
	case "bearer":
		if a.Fields["token"].IsNull() {
			return c.headerMap(a)
		}
		out = f.bearer()
	case "apikey":
		return c.apiKey(a)
	case "headers":
		return c.headerMap(a)
	case "oauth2":
		out = f.oauth2()
	case model.TokenExchange:
		out = f.tokenExchange()
	case "oauth1":
		out = f.oauth1()
	case "hmac":
		out = &upstream.Veracode{ID: f.required("apiId"), Key: f.required("apiKey")}
	case customToken:
		return nil, true // its token is that of a session
	case "aws-sigv4":
		out = f.aws()
	default:
		c.unknownAuth(a)
		return nil, false
	}
	return out, !f.failed
}

func (c *call) apiKey(a *model.Auth) (upstream.Auth, bool) {
	if a.Fields["value"].IsNull() && (a.Fields["headers"] != nil || a.Fields["parameters"] != nil) {
		return c.headerMap(a)
	}
	key := upstream.Param{Name: a.Text("key"), Required: true, From: "the API key"}
	if key.Name == "" {
		c.compiler.report(diag.AuthIncomplete, a.Node.Range(), "Add key: the name of the header or query parameter.",
			"apikey authentication lacks “key”")
		return nil, false
	}
	v := a.Fields["value"]
	if v.IsNull() {
		c.compiler.report(diag.AuthIncomplete, a.Node.Range(), "Add value, for example value: \"{{API_KEY}}\".",
			"apikey authentication lacks “value”")
		return nil, false
	}
	switch placement := strings.ToLower(a.Text("placement")); placement {
	case "", "header":
		key.Place, key.Name = upstream.InHeader, textproto.CanonicalMIMEHeaderKey(key.Name)
	case "query":
		key.Place = upstream.InQuery
	case "cookie":
		key.Place = upstream.InCookie
	case "body":
		e, ok := c.credential("value", v)
		return &upstream.BodyKey{Name: key.Name, Value: e, ContentType: c.contentType()}, ok
	default:
		c.compiler.report(diag.AuthUnknown, a.Fields["placement"].Range(), "Use header, query, cookie or body.",
			"an API key cannot be placed in “%s”", placement)
		return nil, false
	}
	var ok bool
	key.Value, ok = c.credential("value", v)
	return upstream.Keys{key}, ok
}

// headerMap compiles {headers: {Name: value}}, and {parameters: {name: value}} for the query.
func (c *call) headerMap(a *model.Auth) (upstream.Auth, bool) {
	place, params := upstream.InHeader, a.Fields["headers"]
	if params == nil {
		place, params = upstream.InQuery, a.Fields["parameters"]
	}
	if !params.Is(value.Object) {
		c.compiler.report(diag.AuthIncomplete, a.Node.Range(),
			"Add what the type needs: a token, or headers: {Name: value}.", "%s authentication names no credential",
			a.Type)
		return nil, false
	}
	keys := make(upstream.Keys, 0, len(params.Pairs))
	for _, p := range params.Pairs {
		e, ok := c.credential(p.Key, p.Value)
		if !ok {
			return nil, false
		}
		name := p.Key
		if place == upstream.InHeader {
			name = textproto.CanonicalMIMEHeaderKey(name)
		}
		keys = append(keys, upstream.Param{Name: name, Place: place, Value: e, Required: true, From: p.Key})
	}
	return keys, true
}

// bringsScheme reports whether a token's text begins with an authentication
// scheme of its own: “Bearer {{X}}”, “Token {{X}}”.
func bringsScheme(text string) bool {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(text), " ")
	return ok && isWord(scheme) && strings.TrimSpace(rest) != ""
}

// public are the fields of authentication blocks, and headers beside them, that
// are no credentials.
var public = map[string]bool{
	"username": true, "clientId": true, "tokenEndpoint": true, "audience": true, "resource": true, "scope": true,
	"realm":       true,
	"consumerKey": true, "accessKeyId": true, "region": true, "service": true, "apiId": true,
	"Accept": true, "Accept-Language": true, "Content-Type": true, "User-Agent": true,
}

// credential compiles one text of an authentication block: the field of that
// name, or the header. A variable that nothing binds is read from the
// environment, and reported. A text without variables is a credential that the
// document holds, unless the field is public.
func (c *call) credential(field string, n *document.Node) (expr.Expr, bool) {
	e, ok := c.credentialText(n)
	if v, fixed := e.Constant(); fixed && ok && !public[field] && v.Text() != "" {
		c.compiler.writtenDown(n)
		return c.written(v.Text()), true
	}
	return e, ok
}

func (c *call) credentialText(n *document.Node) (expr.Expr, bool) {
	if n.Is(value.String) && strings.HasPrefix(n.Text, "$env.") {
		e, _ := c.bound("env." + strings.TrimPrefix(n.Text, "$env."))
		return e, true
	}
	if !n.Is(value.String) {
		return expr.Literal(value.Of(n.Str())), true
	}
	return c.text(n.Text, template.Double, n.At, func(name string, _ bool) expr.Expr {
		for _, p := range c.params {
			if p.Name == name && (p.Value != nil || p.In == "environment") {
				e, _ := c.value(p)
				return e
			}
		}
		if e, ok := c.bound(name); ok {
			return e
		}
		variable := name
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			variable = name[i+1:]
		}
		c.compiler.reportOnce(diag.BindUndeclared, n.At,
			"Declare it: binds: [{namespace: env, keys: {"+variable+": "+variable+"}}].",
			"“%s” is not declared in any bind; it is read from the environment variable %s", name, variable)
		return c.secretSlot([]secret.Ref{{Name: name, Key: variable, Grants: c.compiler.options.Grants}})
	})
}

// fixedParam is a parameter that no caller gives: a fixed value or the environment.
func (s *scope) fixedParam(p *model.Param) expr.Expr {
	if p.Value != nil {
		e, _ := s.data(p.Value, func(name string, _ bool) expr.Expr { e, _ := s.bound(name); return e })
		return e
	}
	if e, ok := s.bound(p.Name); ok {
		return e
	}
	e, _ := s.bound("env." + p.Name)
	return e
}

// reportOnce reports what every unit that uses the same element would repeat.
func (k *compiler) reportOnce(code *diag.Code, at diag.Range, hint, format string, args ...any) {
	if this := (placed{code.ID, at}); !k.reported[this] {
		k.reported[this] = true
		k.report(code, at, hint, format, args...)
	} else if code.Severity == diag.Error {
		k.failed = true
	}
}

// unknownAuth reports a type of authentication that Fairlead cannot do.
func (c *call) unknownAuth(a *model.Auth) {
	var known []string
	for _, v := range element.Get(element.AuthOut).Variants {
		known = append(known, v.Value)
	}
	hint := c.compiler.meant(a.Type, slices.Values(known),
		"Use one of "+strings.Join(known, ", ")+"; until then its operations are withheld.")
	c.compiler.reportOnce(diag.AuthUnknown, a.Node.Where("type"), hint,
		"authentication of type “%s” is not supported", a.Type)
	c.compiler.failed = true
}

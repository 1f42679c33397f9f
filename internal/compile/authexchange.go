package compile

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// authFields compiles the fields of one authentication block and remembers
// whether one could not be.
type authFields struct {
	call   *call
	auth   *model.Auth
	failed bool
}

// has reports whether a field is there. Fields have one name here, whatever
// their spelling in the document.
func (f *authFields) has(name string) bool { return !f.auth.Fields[name].IsNull() }

// required is a field that must be there.
func (f *authFields) required(name string) expr.Expr {
	if !f.has(name) {
		f.missing(name)
	}
	return f.optional(name)
}

// optional is a field that need not be there.
func (f *authFields) optional(name string) expr.Expr {
	n := f.auth.Fields[name]
	if n.IsNull() {
		return expr.Expr{}
	}
	field := name
	if field == "username" && f.auth.Text("password") == "" {
		field = "password" // some APIs take their keys so
	}
	e, ok := f.call.credential(field, n)
	f.failed = f.failed || !ok
	return e
}

func (f *authFields) missing(name string) {
	f.call.compiler.report(diag.AuthIncomplete, f.auth.Node.Range(), "Add "+name+".", "%s authentication lacks “%s”",
		f.auth.Type, name)
	f.failed = true
}

// bearer compiles a static token.
func (f *authFields) bearer() upstream.Auth {
	out := &upstream.Bearer{Scheme: "Bearer", Token: f.required("token")}
	if bringsScheme(f.auth.Fields["token"].Str()) {
		out.Scheme = ""
	}
	return out
}

// grantTypes maps spellings of grantType, without - and _, to whether they use
// a refresh token.
var grantTypes = map[string]bool{"clientcredentials": false, "refreshtoken": true}

// oauth2 compiles a client that gets tokens itself, or a static token when the
// block has one and names no token endpoint.
func (f *authFields) oauth2() upstream.Auth {
	if f.has("token") && !f.has("tokenEndpoint") {
		return f.bearer()
	}
	grant := f.auth.Fields["grantType"]
	refresh, known := grantTypes[canonical(grant.Str())]
	switch {
	case grant.IsNull():
		refresh = f.has("refreshToken")
	case !known:
		f.call.compiler.reportOnce(diag.AuthUnknown, grant.Range(), "Use client_credentials or refresh_token.",
			"the OAuth 2 grant “%s” is not supported", grant.Str())
		f.call.compiler.failed, f.failed = true, true
		return nil
	}
	o := &upstream.OAuth2{TokenEndpoint: f.required("tokenEndpoint"), ClientID: f.required("clientId"),
		Audience: f.optional("audience"), Resource: f.optional("resource"), Scope: f.scope()}
	if refresh {
		o.RefreshToken, o.ClientSecret = f.required("refreshToken"), f.optional("clientSecret")
	} else {
		o.ClientSecret = f.required("clientSecret")
	}
	f.plaintext(o.TokenEndpoint)
	return o
}

// tokenExchange compiles the exchange of a caller's token for one of the API (RFC 8693).
func (f *authFields) tokenExchange() upstream.Auth {
	s := f.call.scope
	slot := s.slot()
	s.unit.Subject = append(s.unit.Subject, slot)
	o := &upstream.OAuth2{TokenEndpoint: f.required("tokenEndpoint"), ClientID: f.required("clientId"),
		ClientSecret: f.optional("clientSecret"),
		Audience:     f.optional("audience"), Resource: f.optional("resource"), Scope: f.scope(),
		Subject: expr.Slot(slot)}
	f.plaintext(o.TokenEndpoint)
	return o
}

// scope is the scopes as one text: the field is a text or a list.
func (f *authFields) scope() expr.Expr {
	n := f.auth.Fields["scope"]
	if !n.Is(value.Array) {
		return f.optional("scope")
	}
	var names []string
	for _, item := range n.Items {
		names = append(names, item.Str())
	}
	e, ok := f.call.credential("scope", &document.Node{Kind: value.String, Text: strings.Join(names, " "), At: n.At})
	f.failed = f.failed || !ok
	return e
}

// plaintext reports a token endpoint that would get the client's secret unencrypted.
func (f *authFields) plaintext(endpoint expr.Expr) {
	v, ok := endpoint.Constant()
	if !ok {
		return
	}
	if u, err := upstream.ParseBase(v.Text()); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		f.call.compiler.reportOnce(diag.BaseURIPlaintext, f.auth.Fields["tokenEndpoint"].Range(), "Use https.",
			"the client's secret would travel unencrypted")
	}
}

// oauth1 compiles OAuth 1.0a. A signing key means RSA-SHA256, none HMAC-SHA1,
// unless signatureMethod says otherwise.
func (f *authFields) oauth1() upstream.Auth {
	key := f.signingKey()
	o := &upstream.OAuth1{Method: "HMAC-SHA1", ConsumerKey: f.required("consumerKey"),
		ConsumerSecret: f.optional("consumerSecret"),
		Token:          f.optional("token"), TokenSecret: f.optional("tokenSecret"), SigningKey: key,
		Realm: f.optional("realm")}
	if !key.IsZero() {
		o.Method = "RSA-SHA256"
	}
	if f.has("signatureMethod") {
		o.Method = strings.ToUpper(f.auth.Text("signatureMethod"))
	}
	rsa, known := upstream.OAuth1Methods[o.Method]
	switch {
	case !known:
		f.call.compiler.reportOnce(diag.AuthUnknown, f.auth.Node.Where("signatureMethod"),
			"Use HMAC-SHA1, HMAC-SHA256, RSA-SHA1 or RSA-SHA256.",
			"the OAuth 1 signature method “%s” is not supported", o.Method)
		f.call.compiler.failed, f.failed = true, true
	case rsa && key.IsZero():
		f.missing("signingKey")
	case !rsa && o.ConsumerSecret.IsZero():
		f.missing("consumerSecret")
	}
	return o
}

// signingKey is the key, or the content of the file beside the document that
// the field names.
func (f *authFields) signingKey() expr.Expr {
	n := f.auth.Fields["signingKey"]
	text, named, ok := f.call.pemFile(n, ".pem", ".key")
	switch {
	case !named:
		return f.optional("signingKey")
	case !ok:
		f.call.compiler.report(diag.AuthIncomplete, n.Range(), "Put the PEM file there, or bind the key as a secret.",
			"the signing key “%s” cannot be read", n.Text)
		f.failed = true
		return expr.Expr{}
	}
	return f.call.written(text)
}

// pemFile is the content of the file beside the document that n names, with one of the
// endings; named is false where n is no such name.
func (c *call) pemFile(n *document.Node, endings ...string) (text string, named, ok bool) {
	files := c.compiler.options.Files
	if n.IsNull() || files == nil || strings.ContainsAny(n.Text, "{$\n") ||
		!slices.ContainsFunc(endings, func(end string) bool { return strings.HasSuffix(n.Text, end) }) {
		return "", false, false
	}
	content, err := files.ReadFile(n.Text)
	return string(content), true, err == nil
}

// aws compiles AWS Signature Version 4.
func (f *authFields) aws() upstream.Auth {
	return &upstream.AWS{AccessKeyID: f.required("accessKeyId"), SecretAccessKey: f.required("secretAccessKey"),
		SessionToken: f.optional("sessionToken"), Region: f.required("region"), Service: f.required("service")}
}

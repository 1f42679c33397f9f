package upstream

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// AuthKind is a kind of outgoing authentication.
type AuthKind uint8

// The kinds. Those up to Map are complete when the request is built; the others
// need an exchange or a signature, which a Credential brings when it is sent.
const (
	Basic  AuthKind = iota
	Bearer          // also every other scheme that is a word and a text
	APIKey
	Map      // names and values of headers or query parameters
	Digest   // RFC 7616
	ByOAuth2 // RFC 6749: client credentials, refresh token
	ByOAuth1 // RFC 5849
	Veracode // VERACODE-HMAC-SHA-256
	ByAWS    // AWS Signature Version 4
)

// Auth is compiled authentication: what it says of the kind, with values over
// the frame of the unit that calls.
type Auth struct {
	Kind               AuthKind
	Username, Password expr.Expr // Basic, Digest; of Veracode the id and the key
	Token              expr.Expr // Bearer
	Scheme             string    // Bearer: what stands before the token; "" when the token brings it
	Name               string    // APIKey: name at its place
	Place              Place     // APIKey
	Value              expr.Expr // APIKey
	Params             []Param   // Map
	OAuth2             *OAuth2
	OAuth1             *OAuth1
	AWS                *AWS
}

// apply writes what is complete into the request and returns the query, and for
// the other kinds what completes the request later.
func (a *Auth) apply(req *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	switch a.Kind {
	case Basic:
		user, password := r.text(a.Username), r.text(a.Password)
		req.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	case Bearer:
		token := r.header("the token", a.Token)
		if a.Scheme != "" && !bringsScheme(token, a.Scheme) {
			token = a.Scheme + " " + token
		}
		req.Header["Authorization"] = []string{token}
	case APIKey:
		p := Param{Name: a.Name, Place: a.Place, Value: a.Value, Required: true, From: "the API key"}
		query, r.err = p.apply(req, query, f)
	case Map:
		for i := 0; i < len(a.Params) && r.err == nil; i++ {
			query, r.err = a.Params[i].apply(req, query, f)
		}
	case Digest:
		return query, &digestAuth{username: r.header("username", a.Username), password: r.text(a.Password)}, r.err
	case ByOAuth2:
		return query, a.OAuth2.read(&r), r.err
	case ByOAuth1:
		return query, &signed{a.OAuth1.read(&r)}, r.err
	case Veracode:
		return query, &signed{&veracode{id: r.header("apiId", a.Username), key: r.need("apiKey", a.Password)}}, r.err
	case ByAWS:
		return query, &signed{a.AWS.read(&r)}, r.err
	}
	return query, nil, r.err
}

// bringsScheme reports whether a secret holds the scheme that goes before it
// already: “Bearer abc”.
func bringsScheme(token, scheme string) bool {
	return len(token) > len(scheme) && token[len(scheme)] == ' ' && strings.EqualFold(token[:len(scheme)], scheme)
}

// reader evaluates the values of a credential and keeps the first error.
type reader struct {
	frame expr.Frame
	err   error
}

// text is the text of e, "" when it gives nothing.
func (r *reader) text(e expr.Expr) string {
	v, err := e.Eval(r.frame)
	if err != nil {
		r.fail(inputError(err))
	}
	if v.Kind() == value.Null {
		return ""
	}
	return v.Text()
}

// need is text that must not be empty.
func (r *reader) need(name string, e expr.Expr) string {
	text := r.text(e)
	if text == "" {
		r.fail(&CredentialError{Reason: name + " has no value"})
	}
	return text
}

// header is text that must not be empty and travels in a header as it is.
func (r *reader) header(name string, e expr.Expr) string {
	text := r.need(name, e)
	if err := template.CheckHeader(text); err != nil {
		r.fail(&CredentialError{Reason: name + " cannot be sent: " + err.Error()})
		return ""
	}
	return text
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

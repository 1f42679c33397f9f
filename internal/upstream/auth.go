package upstream

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Auth is compiled authentication of one kind, with values over the frame of the
// unit that calls. Each kind is a type.
type Auth interface {
	// apply writes what is complete into the request and returns the query. Kinds
	// that need an exchange or a signature also return what brings it when the
	// request is sent.
	apply(req *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error)
}

// Basic is RFC 7617.
type Basic struct{ Username, Password expr.Expr }

func (a *Basic) apply(req *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	user, password := r.text(a.Username), r.text(a.Password)
	req.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	return query, nil, r.err
}

// Bearer is RFC 6750, and every other scheme that is a word and a text.
type Bearer struct {
	Scheme string // what stands before the token; "" when the token brings it
	Token  expr.Expr
}

func (a *Bearer) apply(req *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	token := r.header("the token", a.Token)
	if a.Scheme != "" && !bringsScheme(token, a.Scheme) {
		token = a.Scheme + " " + token
	}
	req.Header["Authorization"] = []string{token}
	return query, nil, r.err
}

// Keys are credentials under names: headers, cookies, parameters of the query.
type Keys []Param

func (k Keys) apply(req *http.Request, query []byte, f expr.Frame) (_ []byte, _ authorizer, err error) {
	for i := 0; i < len(k) && err == nil; i++ {
		query, err = k[i].apply(req, query, f)
	}
	return query, nil, err
}

// QueryKeys are the names of the query that authentication fills.
func QueryKeys(a Auth) (names []string) {
	switch a := a.(type) {
	case Keys:
		for i := range a {
			if a[i].Place == InQuery {
				names = append(names, a[i].Name)
			}
		}
	}
	return names
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

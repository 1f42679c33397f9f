package upstream

import (
	"encoding/base64"
	"net/http"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// AuthKind is a kind of outgoing authentication.
type AuthKind uint8

// The kinds.
const (
	Basic AuthKind = iota
	Bearer
	APIKey
	Headers // a map of header names to values
)

// Auth is compiled authentication: what it says of the kind, with values over
// the frame of the unit that calls.
type Auth struct {
	Kind               AuthKind
	Username, Password expr.Expr
	Token              expr.Expr // Bearer
	Scheme             string    // Bearer: what stands before the token; "" when the token brings it
	Name               string    // APIKey: name at its place
	Place              Place     // APIKey
	Value              expr.Expr // APIKey
	Headers            []Param
}

func (a *Auth) apply(req *http.Request, query []byte, f expr.Frame) ([]byte, error) {
	switch a.Kind {
	case Basic:
		user, err := text(a.Username, f)
		if err != nil {
			return query, err
		}
		password, err := text(a.Password, f)
		if err != nil {
			return query, err
		}
		req.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	case Bearer:
		token, err := text(a.Token, f)
		if err != nil {
			return query, err
		}
		if err := template.CheckHeader(token); err != nil {
			return query, &InputError{Name: "the token", Reason: err.Error()}
		}
		if a.Scheme != "" {
			token = a.Scheme + " " + token
		}
		req.Header["Authorization"] = []string{token}
	case APIKey:
		p := Param{Name: a.Name, Place: a.Place, Value: a.Value, Required: true, From: "the API key"}
		return p.apply(req, query, f)
	case Headers:
		for i := range a.Headers {
			if _, err := a.Headers[i].apply(req, nil, f); err != nil {
				return query, err
			}
		}
	}
	return query, nil
}

func text(e expr.Expr, f expr.Frame) (string, error) {
	v, err := e.Eval(f)
	if err != nil {
		return "", inputError(err)
	}
	if v.Kind() == value.Absent {
		return "", nil
	}
	return v.Text(), nil
}

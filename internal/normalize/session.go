package normalize

import (
	"strings"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// session reads how callers sign in at a consumed API; nil when it does not say.
func (r *reader) session(own fields) *model.Session {
	n := own.node("session")
	if !n.Is(value.Object) {
		return r.oauth(own)
	}
	f := own.block("session")
	s := &model.Session{Node: n, Login: r.sessionCall(f, "login"), Refresh: r.sessionCall(f, "refresh"),
		Logout: r.sessionCall(f, "logout"), Service: r.with(f.node("service")), Replace: f.texts("replace"),
		Token: f.node("token"), Renews: f.node("renews"), Expires: f.node("expires"), Send: f.node("send"),
		Show: f.node("show"), Margin: f.text("margin")}
	if both := r.oauth(own); both != nil {
		s.OAuth = both.OAuth
	}
	if ask := f.node("ask"); ask.Is(value.Object) {
		for i := range ask.Pairs {
			s.Ask = append(s.Ask, r.sessionField(&ask.Pairs[i]))
		}
	}
	return s
}

// oauth reads at which authorization server people agree; nil when nothing says so.
func (r *reader) oauth(own fields) *model.Session {
	n := own.node("oauth")
	if !n.Is(value.Object) {
		return nil
	}
	f := own.block("oauth")
	return &model.Session{Node: n, Send: f.node("send"), Margin: f.text("margin"), OAuth: &model.OAuth{
		Issuer: f.node("issuer"), Authorization: f.node("authorizationEndpoint"), Token: f.node("tokenEndpoint"),
		Revocation: f.node("revocationEndpoint"), ClientID: f.node("clientId"), ClientSecret: f.node("clientSecret"),
		Resource: f.node("resource"), Auth: f.text("clientAuthentication"),
		Scopes:     strings.Fields(strings.Join(f.texts("scopes"), " ")),
		Parameters: r.with(f.node("parameters"))}}
}

func (r *reader) sessionCall(f fields, key string) *model.SessionCall {
	n := f.node(key)
	switch {
	case n.IsNull():
		return nil
	case n.IsScalar():
		return &model.SessionCall{Node: n, Call: n.Text}
	}
	inner := f.block(key)
	return &model.SessionCall{Node: n, Call: inner.text("call"), With: r.with(inner.node("with"))}
}

// sessionField reads one thing that is asked: its label, or a mapping.
func (r *reader) sessionField(p *document.Pair) *model.SessionField {
	field := &model.SessionField{Node: p.Value, Name: p.Key}
	if p.Value.IsScalar() && !p.Value.IsNull() {
		field.Label = p.Value.Text
		return field
	}
	f := r.read(p.Value, element.SessionField)
	field.Label, field.Hint = f.text("label"), f.text("hint")
	field.Secret, field.Required = f.truth("secret"), f.truth("required")
	return field
}

package compile

import (
	"slices"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// guardFields are the kinds of incoming authentication and the fields they need.
var guardFields = map[string][]string{
	"basic": {"username", "password"}, "digest": {"username", "password"}, "bearer": {"token"},
	"apikey": {"key", "value"},
	"oauth2": {"authorizationServerUri", "resource"},
}

// incomingSecrets are the fields that hold what callers must not learn.
var incomingSecrets = []string{"password", "token", "value", "clientSecret", "signIn.clientSecret"}

// guard compiles the incoming authentication of a server; ok is false when that
// cannot be done: then the server is withheld.
func (k *compiler) guard(e *model.Expose) (g *plan.Guard, ok bool) {
	if e.Type == "mcp" && e.Transport == "stdio" {
		return nil, true // whoever starts the process is in
	}
	g = k.incoming(e)
	return g, g.Kind != ""
}

func (k *compiler) incoming(e *model.Expose) *plan.Guard {
	g := &plan.Guard{Model: e.Auth, Kind: e.Auth.Type, Fields: map[string]expr.Expr{}}
	needs, ok := guardFields[e.Auth.Type]
	if !ok {
		k.report(diag.AuthUnknown, e.Auth.Node.Where("type"),
			"Use bearer, apikey, basic, digest or oauth2; until then the server is withheld.",
			"incoming authentication of type “%s” is not supported", e.Auth.Type)
		g.Kind = ""
		return g
	}
	u := &plan.Unit{}
	s := &scope{compiler: k, unit: u}
	for name, n := range e.Auth.Fields {
		if !n.Is(value.String) {
			g.Fields[name] = expr.Literal(n.Value())
			continue
		}
		field, ok := s.text(n.Text, template.Double, n.At, func(variable string, _ bool) expr.Expr {
			if bound, ok := s.bound(variable); ok {
				return bound
			}
			bound, _ := s.bound("env." + variable)
			k.reportOnce(diag.BindUndeclared, n.At, "Declare it in binds.",
				"“%s” is not declared in any bind; it is read from the environment", variable)
			return bound
		})
		if !ok {
			g.Kind = ""
		}
		if _, fixed := field.Constant(); fixed && ok && slices.Contains(incomingSecrets, name) && n.Text != "" {
			k.writtenDown(n)
		}
		g.Fields[name] = field
	}
	for _, field := range needs {
		if e.Auth.Fields[field].IsNull() {
			k.report(diag.AuthIncomplete, e.Auth.Node.Range(), "Add "+field+"; until then the server is withheld.",
				"%s authentication lacks “%s”", e.Auth.Type, field)
			g.Kind = ""
		}
	}
	if e.Auth.Type == "oauth2" && e.Auth.Fields["signIn.clientId"].IsNull() &&
		slices.ContainsFunc(k.plan.Sessions, (*plan.Session).ForPeople) {
		k.report(diag.SignInClient, e.Auth.Node.Range(),
			"Register Fairlead with the authorization server and add x-fairlead: {signIn: {clientId, clientSecret}}.",
			"people sign in at “%s”, but nobody knows as which client they log in to prove who they are",
			k.plan.Sessions[0].Namespace)
	}
	g.Secrets, g.Slots = u.Secrets, u.Slots
	return g
}

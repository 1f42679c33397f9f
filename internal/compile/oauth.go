package compile

import (
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
)

// oauth compiles a session that people make by agreeing at an authorization server.
func (c *sessionCompiler) oauth(m *model.OAuth) {
	if c.from.Login != nil {
		c.wrong(c.from.Node, "Keep the one by which people really sign in.",
			"“%s” has both a session and oauth", c.api.Namespace)
		return
	}
	c.made.At = c.whereabouts(c.api)
	s := c.made
	server := &plan.Unit{ID: c.api.Namespace + " authorization server", Kind: "session"}
	client := &plan.Unit{ID: c.api.Namespace + " client", Kind: "session"}
	proof := &plan.Unit{ID: c.api.Namespace + " client secret", Kind: "session"}
	texts, own, secrets := c.newScope(server), c.newScope(client), c.newScope(proof)
	o := &plan.OAuth{Server: server, Client: client, Proof: proof, Auth: m.Auth, Scopes: m.Scopes,
		Issuer: c.endpoint(texts, m.Issuer), Authorization: c.endpoint(texts, m.Authorization),
		Token: c.endpoint(texts, m.Token), Revocation: c.endpoint(texts, m.Revocation),
		ClientID: c.bind(own, m.ClientID), Resource: c.bind(own, m.Resource), ClientSecret: c.clientSecret(secrets, m)}
	switch {
	case m.ClientID.IsNull():
		c.wrong(c.from.Node, "Register Fairlead with the authorization server and add clientId.",
			"oauth of “%s” lacks “clientId”", c.api.Namespace)
	case m.Authorization.IsNull() != m.Token.IsNull(), m.Issuer.IsNull() && m.Token.IsNull():
		c.wrong(c.from.Node, "Add issuer, or authorizationEndpoint and tokenEndpoint.",
			"oauth of “%s” does not say at which authorization server", c.api.Namespace)
	}
	for _, scope := range m.Scopes {
		if !oauth.IsScope(scope) {
			c.wrong(c.from.Node.Get("scopes"), "Write each scope as an entry of a list.", "“%s” is no scope", scope)
		}
	}
	for _, p := range m.Parameters {
		if oauth.Reserved(p.Key) {
			c.wrong(p.Value, "Leave it out: Fairlead sets it.", "“%s” is a parameter of the protocol", p.Key)
		}
		o.Parameters = append(o.Parameters, plan.OAuthParameter{Name: p.Key, Value: c.bind(own, p.Value)})
	}
	s.Send, s.Margin = c.carrier(c.from.Send), c.duration(c.from.Node.Get("margin"))
	s.OAuth = o
	s.Definition = session.Digest("oauth", c.bases[c.api].text, string(c.from.Node.Value().AppendJSON(nil)))
}

// endpoint is an address of the authorization server. One that can be read now is
// checked now.
func (c *sessionCompiler) endpoint(s *scope, n *document.Node) expr.Expr {
	e := c.bind(s, n)
	if v, fixed := e.Constant(); fixed && !n.IsNull() {
		if _, err := oauth.SafeURL(v.Text()); err != nil {
			c.wrong(n, "Write an https address.", "“%s” is %s", v.Text(), err)
		}
	}
	return e
}

// bind is a text of what the document binds; it has no expression when n is not said.
func (c *sessionCompiler) bind(s *scope, n *document.Node) expr.Expr {
	if n.IsNull() {
		return expr.Expr{}
	}
	e, ok := s.data(n, func(name string, _ bool) expr.Expr {
		if e, ok := s.bound(name); ok {
			return e
		}
		e, _ := s.bound("env." + name)
		c.reportOnce(diag.BindUndeclared, n.Range(), "Declare it: binds: [{namespace: env, keys: {"+name+": "+name+
			"}}].",
			"“%s” is not declared in any bind; it is read from the environment", name)
		return e
	})
	if !ok {
		c.failed = true
	}
	return e
}

func (c *sessionCompiler) clientSecret(s *scope, m *model.OAuth) expr.Expr {
	s.inAuth = true
	e := c.bind(s, m.ClientSecret)
	if v, fixed := e.Constant(); fixed && !m.ClientSecret.IsNull() && v.Text() != "" {
		c.writtenDown(m.ClientSecret)
		return s.written(v.Text())
	}
	return e
}

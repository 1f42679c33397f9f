package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

// sessionPart is what an operation is to a session.
type sessionPart struct {
	session *plan.Session
	role    plan.Role
}

// sessions compiles how callers sign in at the consumed APIs. One that cannot work
// withholds what calls its API.
func (k *compiler) sessions() {
	for _, api := range k.model.Consumes {
		k.failed = false
		var made *plan.Session
		byToken := api.Auth != nil && api.Auth.Type == customToken
		switch {
		case api.Session != nil && !k.options.NoSessions:
			made = &plan.Session{Namespace: api.Namespace, Document: cmp.Or(k.options.Document, k.model.File),
				Capability: k.model.Name()}
			c := &sessionCompiler{compiler: k, api: api, from: api.Session, made: made}
			if c.compile(); byToken {
				c.wrong(api.Session.Node, "Give the account of the custom-token as service of the session.",
					"“%s” has both a session and a custom-token", api.Namespace)
			}
		case byToken && !api.Unreadable:
			made = (&tokenCompiler{k, api, api.Auth}).compile()
		default:
			continue
		}
		if k.failed || made == nil {
			k.unusable[api] = true
			continue
		}
		k.signed[api] = made
		k.plan.Sessions = append(k.plan.Sessions, made)
	}
	k.failed = false
}

type sessionCompiler struct {
	*compiler
	api   *model.Consume
	from  *model.Session
	made  *plan.Session
	at    *model.Consume // of the login operation
	login *model.Operation
	// parameters of the login operation that nobody is asked for, and callers may give
	extra []*model.Param
}

func (c *sessionCompiler) compile() {
	s, m := c.made, c.from
	if m.OAuth != nil {
		c.oauth(m.OAuth)
		return
	}
	if m.Login == nil || m.Login.Call == "" {
		c.wrong(m.Node, "Add login: the operation that makes a session.",
			"the session of “%s” does not say how to sign in",
			c.api.Namespace)
		return
	}
	if c.at, c.login = c.resolve(m.Login.Call, m.Login.Node.Range()); c.login == nil {
		return
	}
	c.plainLogin(c.at, c.login, m.Login.Node.Range())
	s.At = c.whereabouts(c.api)
	s.Answer = plan.SessionAnswer{Token: c.parts(m.Token), Renews: c.parts(m.Renews), Expires: c.expiries(m.Expires),
		Show: c.shown(m.Show)}
	if len(s.Answer.Token) == 0 && !c.failed {
		c.wrong(m.Node, "Add token, for example token: $.access_token.",
			"the session of “%s” does not say where the token stands in the answer", c.api.Namespace)
	}
	s.Send, s.Margin = c.carrier(m.Send), c.duration(m.Node.Get("margin"))
	if c.failed {
		return
	}
	c.fields()
	s.Login = c.unit("sign-in", m.Login, c.fieldParams(), c.matched())
	c.part(c.login, plan.LoginRole)
	if m.Service != nil {
		c.service()
	}
	own := []*model.Param{{Name: sessionToken, Secret: true}, {Name: sessionRenews, Secret: true}}
	if op := c.operation(m.Refresh); op != nil {
		s.Refresh = c.unit("renewal", m.Refresh, own, m.Refresh.With)
		c.part(op, plan.RefreshRole)
	}
	if op := c.operation(m.Logout); op != nil {
		s.Logout = c.unit("sign-out", m.Logout, own, m.Logout.With)
		c.part(op, plan.LogoutRole)
	}
	for _, name := range m.Replace {
		if op := c.operation(&model.SessionCall{Node: m.Node.Get("replace"), Call: name}); op != nil {
			c.part(op, plan.ReplaceRole)
		}
	}
	if !c.failed {
		s.Definition = c.definition()
	}
}

// The names under which the operations of a session get what it consists of.
const (
	sessionToken  = "session.token"
	sessionRenews = "session.renews"
)

// operation finds an operation that the session names; nil when there is none.
func (c *sessionCompiler) operation(call *model.SessionCall) *model.Operation {
	if call == nil {
		return nil
	}
	_, op := c.resolve(call.Call, call.Node.Range())
	return op
}

// part notes what an operation is to the session.
func (c *sessionCompiler) part(op *model.Operation, role plan.Role) {
	if _, taken := c.parted[op]; !taken {
		c.parted[op] = sessionPart{c.made, role}
	}
}

// definition is a digest of all that decides how the session is made and sent: one
// that was made otherwise is another session.
func (c *sessionCompiler) definition() [32]byte {
	texts := []string{c.bases[c.api].text, string(c.from.Node.Value().AppendJSON(nil))}
	calls := []*model.SessionCall{c.from.Login, c.from.Refresh, c.from.Logout}
	for _, name := range c.from.Replace {
		calls = append(calls, &model.SessionCall{Call: name})
	}
	seen := map[*model.Consume]bool{c.api: true}
	for _, call := range calls {
		if call == nil {
			continue
		}
		api, op := c.resolve(call.Call, diag.Range{})
		if op == nil || c.bases[api] == nil {
			continue
		}
		texts = append(texts, c.bases[api].text, op.Method, op.FullPath())
		if !seen[api] {
			seen[api] = true
			c.made.Others = append(c.made.Others, c.whereabouts(api))
		}
	}
	return session.Digest(texts...)
}

// whereabouts compiles where an API is.
func (k *compiler) whereabouts(api *model.Consume) plan.Whereabouts {
	at := plan.Whereabouts{Unit: &plan.Unit{ID: api.Namespace, Kind: "session"}}
	at.Base, _ = k.newScope(at.Unit).base(api, k.bases[api])
	return at
}

// ownUnit begins one of the units of a session's own.
func (k *compiler) ownUnit(api *model.Consume, name string) *scope {
	return k.newScope(&plan.Unit{ID: api.Namespace + " " + name, Kind: "session", Namespace: api.Namespace, Name: name})
}

// only makes the scope's unit one call. Who runs it decides with which token.
func (s *scope) only(target string, at diag.Range, with []model.Argument) bool {
	call, ok := s.bindCall(target, at, with)
	if !ok {
		return false
	}
	call.Session = nil
	s.unit.Steps = []*plan.Step{{Kind: plan.CallStep, Call: call, Result: -1}}
	hide(s.unit)
	return true
}

// unit compiles one of the session's own units: one call with what params give.
func (c *sessionCompiler) unit(name string, call *model.SessionCall, params []*model.Param,
	with []model.Argument) *plan.Unit {
	s := c.ownUnit(c.api, name)
	s.declare(params, nil, "", false)
	known := len(s.unit.Inputs)
	if !s.only(call.Call, call.Node.Range(), with) {
		c.failed = true
		return nil
	}
	s.unit.Signs = true
	for _, in := range s.unit.Inputs[known:] {
		if n := s.requirements[in.Name]; n != nil && n.required {
			c.wrong(call.Node, "Give it below with, or add it to ask.", "“%s” gets no %s", call.Call, in.Name)
		}
	}
	return s.unit
}

// service compiles the service account: every field gets what the document binds.
func (c *sessionCompiler) service() {
	s := c.ownUnit(c.api, "service sign-in")
	s.inAuth = true
	for _, a := range c.from.Service {
		e, ok := s.data(a.Value, func(name string, _ bool) expr.Expr {
			if e, ok := s.bound(name); ok {
				return e
			}
			c.wrong(a.Value, "Bind it: binds: [{namespace: env, keys: {"+name+": "+name+"}}].",
				"the service account reads “%s”, which nothing binds", name)
			return expr.Expr{}
		})
		if v, fixed := e.Constant(); fixed && ok && looksLikeCredential(a.Key) && v.Text() != "" {
			c.writtenDown(a.Value)
			e = s.written(v.Text())
		}
		s.outer[a.Key] = e
	}
	for _, f := range c.made.Fields {
		if _, given := s.outer[f.Name]; !given {
			if f.Required {
				c.wrong(c.from.Node.Get("service"), "Add it.", "the service account gives no %s", f.Name)
			}
			s.outer[f.Name] = expr.Literal(value.Value{})
		}
	}
	for _, p := range c.extra {
		s.outer[p.Name] = expr.Literal(value.Value{})
	}
	for name := range s.outer {
		s.declared[name] = true
	}
	s.inAuth = false
	if s.only(c.from.Login.Call, c.from.Login.Node.Range(), c.matched()) {
		c.made.Service = s.unit
	}
}

// fields settles what a person is asked: what the document says, else what the login
// operation takes.
func (c *sessionCompiler) fields() {
	asked := c.from.Ask
	takes := c.takes()
	if asked == nil {
		for _, p := range takes {
			asked = append(asked, &model.SessionField{Node: p.Node, Name: p.Name, Required: p.Required})
		}
	}
	if len(asked) == 0 && c.from.Service == nil {
		c.wrong(c.from.Node, "Add ask: {email: E-mail, password: {label: Password, secret: true}}.",
			"nobody knows what a person is to be asked to sign in at “%s”", c.api.Namespace)
	}
	for _, f := range asked {
		field := plan.SessionField{Name: f.Name, Label: cmp.Or(f.Label, label(f.Name)), Hint: f.Hint, Required: true,
			Secret: looksLikeCredential(f.Name)}
		if p := paramLike(takes, f.Name); p != nil {
			field.Secret = field.Secret || p.Secret
			field.Required = p.Required == nil || *p.Required
			field.Hint = cmp.Or(field.Hint, p.Description)
		}
		if f.Secret != nil {
			field.Secret = *f.Secret
		}
		if f.Required != nil {
			field.Required = *f.Required
		}
		c.made.Fields = append(c.made.Fields, field)
	}
}

// takes are the parameters of the login operation that somebody must give: members of
// a body in the place of the body.
func (c *sessionCompiler) takes() (all []*model.Param) {
	for _, p := range mergeParams(c.at, c.login) {
		switch {
		case p.Value != nil || p.In == "environment":
		case isBody(p) && len(p.Properties) > 0:
			all = append(all, p.Properties...)
		default:
			all = append(all, p)
		}
	}
	return all
}

func isBody(p *model.Param) bool { return p.In == "body" && namesBody(p.Name) }

func paramLike(params []*model.Param, name string) *model.Param {
	i := slices.IndexFunc(params, func(p *model.Param) bool { return loose(p.Name, name) })
	if i < 0 {
		return nil
	}
	return params[i]
}

// label makes a label of a name: organization_id is “Organization id”.
func label(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.':
			r = ' '
		case unicode.IsUpper(r) && i > 0:
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	text := b.String()
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// fieldParams are the inputs of a sign-in: the fields, and what callers may add.
func (c *sessionCompiler) fieldParams() (params []*model.Param) {
	for _, f := range c.made.Fields {
		params = append(params, &model.Param{Node: c.from.Node, Name: f.Name, Type: "string", Secret: f.Secret,
			Required: &f.Required})
	}
	no := false
	for _, p := range c.extra {
		own := *p
		own.Required = &no
		params = append(params, &own)
	}
	return params
}

// matched is the with block of the login: what the document says, else each field
// for the parameter of its name, and all others as members of the body.
func (c *sessionCompiler) matched() (with []model.Argument) {
	if c.from.Login.With != nil {
		return c.from.Login.With
	}
	params := mergeParams(c.at, c.login)
	give := func(key string, n *document.Node) {
		with = append(with, model.Argument{Key: key, Value: n, Pair: &document.Pair{Key: key, KeyAt: n.At, Value: n}})
	}
	text := func(name string) *document.Node {
		return &document.Node{Kind: value.String, Text: "{{" + name + "}}", At: c.from.Node.Range()}
	}
	body := &document.Node{Kind: value.Object, At: c.from.Node.Range()}
	covered := map[*model.Param]bool{}
	for _, f := range c.made.Fields {
		if p := paramLike(params, f.Name); p != nil && !isBody(p) {
			covered[p] = true
			give(p.Name, text(f.Name))
			continue
		}
		name := f.Name
		for _, p := range params {
			if member := paramLike(p.Properties, f.Name); isBody(p) && member != nil {
				name = member.Name
			}
		}
		body.Pairs = append(body.Pairs, document.Pair{Key: name, KeyAt: body.At, Value: text(f.Name)})
	}
	if i := slices.IndexFunc(params, isBody); i >= 0 && len(body.Pairs) > 0 {
		covered[params[i]] = true
		give(params[i].Name, body)
	} else {
		for _, p := range body.Pairs { // variables of the operation's texts
			give(p.Key, p.Value)
		}
	}
	c.extra = nil
	for _, p := range params {
		if !covered[p] && !isBody(p) && p.Value == nil && p.In != "environment" && p.In != "path" {
			c.extra = append(c.extra, p)
			give(p.Name, text(p.Name))
		}
	}
	return with
}

// wrong reports what keeps the session from working.
func (c *sessionCompiler) wrong(n *document.Node, hint, format string, args ...any) {
	c.reportOnce(diag.SessionInvalid, n.Range(), hint, "%s", fmt.Sprintf(format, args...))
	c.failed = true
}

// signs settles what a unit has to do with sessions: whether it needs one, and what
// it does to one. The tool that signs in takes nothing that a person is asked.
func (k *compiler) signs(u *plan.Unit) {
	for _, s := range u.Steps {
		u.Signs = u.Signs || s.Kind == plan.CallStep && s.Call.Session != nil
	}
	if len(u.Steps) != 1 || u.Steps[0].Kind != plan.CallStep || u.Steps[0].Result >= 0 {
		return
	}
	part, ok := k.parted[u.Steps[0].Call.Operation]
	if !ok {
		return
	}
	u.Session, u.Role = part.session, part.role
	if u.Kind == "operation" {
		return
	}
	u.Signs = true
	if u.Role == plan.RefreshRole || u.Role == plan.LogoutRole {
		u.Inputs = nil // the engine runs the session's own unit, which gets what the document gives it
	}
	if u.Role == plan.LoginRole {
		asked := len(part.session.Fields)
		u.Inputs = slices.DeleteFunc(u.Inputs, func(in *plan.Input) bool {
			return !slices.ContainsFunc(part.session.Login.Inputs[asked:], func(extra *plan.Input) bool {
				return loose(extra.Name, in.Name)
			})
		})
	}
	u.Result = statusSchema(part.session, u.Role)
	u.Output = nil
}

// statusSchema is what a tool answers that makes, renews, replaces or ends a session.
func statusSchema(s *plan.Session, role plan.Role) *schema.Schema {
	out := &schema.Schema{Type: "object", Properties: []schema.Property{
		{Name: "signed_in", Required: true, Schema: &schema.Schema{Type: "boolean"}}}}
	if role == plan.LogoutRole {
		return out
	}
	for _, p := range s.Answer.Show {
		out.Properties = append(out.Properties, schema.Property{Name: p.Name, Schema: &schema.Schema{Type: "string"}})
	}
	out.Properties = append(out.Properties, schema.Property{Name: "expires_at", Schema: &schema.Schema{Type: "string"}})
	return out
}

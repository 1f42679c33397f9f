package compile

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/route"
	"github.com/fairlead/fairlead/internal/shape"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// serverKinds compile what servers of a kind serve. Every kind has a guard.
var serverKinds = map[string]func(*compiler, *plan.Server){"rest": (*compiler).restServer, "mcp": (*compiler).mcpServer,
	"control": (*compiler).controlServer}

// served compiles the exposed servers.
func (k *compiler) served() {
	units := 0
	for _, e := range k.model.Exposes {
		serve := serverKinds[e.Type]
		if serve == nil {
			if _, known := element.Get(element.Server).Variant(e.Type); known {
				k.report(diag.NotServed, e.Node.Where("type"), "The rest of the document is served.",
					"%s servers are not served yet", e.Type)
			}
			continue
		}
		s := &plan.Server{Model: e, Type: e.Type, Namespace: e.Namespace}
		readable := true
		if e.Auth != nil {
			s.Auth, readable = k.guard(e)
		}
		k.namespace = s.Namespace
		k.closed = !readable || e.Unreadable || k.model.Unreadable
		serve(k, s)
		if s.Serves() {
			k.plan.Servers = append(k.plan.Servers, s)
		}
		units += s.Count()
	}
	if units == 0 {
		at := k.model.Node.Range()
		if n := k.model.Node.Get("capability").Get("exposes"); n != nil {
			at = n.At
		}
		hint := "Expose at least one REST operation or MCP tool."
		if len(k.plan.Withheld) > 0 {
			hint = "Correct what withholds its operations and tools."
		}
		k.report(diag.NothingServed, at, hint, "nothing of “%s” can be served", k.model.Name())
	}
}

func (k *compiler) restServer(s *plan.Server) {
	s.Bases = map[string]*url.URL{}
	for _, c := range k.model.Consumes {
		if u, err := upstream.ParseBase(c.BaseURI); err == nil {
			s.Bases[c.Namespace] = u
		}
	}
	table := route.Table[*plan.Unit]{}
	for _, r := range s.Model.Resources {
		pattern, err := route.Parse(r.Path)
		if err != nil {
			k.diags.Add(diag.BadRoute, r.Node.Where("path"), "Correct the path.",
				"the path “%s” cannot be served: %s", r.Path, err)
			for _, op := range r.Operations {
				k.plan.Withheld = append(k.plan.Withheld,
					&plan.Withheld{Kind: "operation", Name: op.Method + " " + r.Path, Namespace: s.Namespace})
			}
			continue
		}
		if pattern.Cut != "" {
			k.diags.Add(diag.PathCut, r.Node.Where("path"), "Declare query parameters as inputs.",
				"“%s” is cut off the path: a path ends where a query begins", pattern.Cut)
		}
		for _, op := range r.Operations {
			name := op.Method + " " + pattern.String()
			k.withhold("operation", name, func() bool {
				if r.Unreadable {
					return false
				}
				if !slices.Contains(methods, op.Method) {
					k.report(diag.BadMethod, op.Node.Where("method"),
						"Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.", "“%s” is not an HTTP method", op.Method)
					return false
				}
				u := &plan.Unit{ID: name, Kind: "operation", Namespace: s.Namespace,
					Name: cmp.Or(op.Name, r.Name, name), Title: op.Display, Description: op.Description,
					Tags: op.Tags, Model: &op.Unit}
				declared := slices.Concat(s.Model.Inputs, r.Inputs, op.Inputs)
				if !k.unit(u, unitContext{server: s.Model, inputs: declared, pathNames: pattern.Names(),
					method: op.Method, isREST: true}) {
					return false
				}
				if earlier, ok := table.Add(op.Method, pattern, u); !ok {
					k.diags.Add(diag.RouteConflict, op.Node.Where("method"),
						"Give one of them another path or method.", "%s is claimed already by “%s”; the first wins",
						name, (*earlier).Name)
					return false
				}
				for _, step := range u.Steps {
					if step.Call != nil && step.Call.MediaType == "" {
						step.Call.MediaType = op.BinaryMediaType
					}
				}
				s.Routes = append(s.Routes, &plan.Route{Method: op.Method, Path: pattern.String(), Unit: u})
				return true
			})
		}
		if r.Forward != nil {
			k.forward(s, r)
		}
	}
}

// controlServer serves no units. Whoever it cannot keep out is let in nowhere.
func (k *compiler) controlServer(s *plan.Server) {
	if !k.closed {
		s.Control = s.Model.Control
	}
}

// safeName is what a tool may be called so that every MCP client and model API accepts it.
var safeName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (k *compiler) mcpServer(s *plan.Server) {
	names := map[string]bool{}
	for _, t := range s.Model.Tools {
		name := t.Name
		if name == "" && t.Ref != "" {
			_, name, _ = strings.Cut(t.Ref, ".")
		}
		k.withhold("tool", cmp.Or(name, "unnamed"), func() bool {
			if name == "" {
				k.report(diag.MissingName, t.Node.Range(), "Add a name.", "the tool has no name and is not listed")
				return false
			}
			if names[name] { // explicit names are unique since they were read; this one is of its ref
				k.report(diag.DuplicateName, t.Node.Where("ref"), "Add a name.",
					"the tool “%s”, named by its ref, is declared twice; the first one counts", name)
				return false
			}
			if !safeName.MatchString(name) {
				k.diags.Add(diag.ToolName, t.Node.Where("name"),
					"Use letters, digits, _ and - only; calls by the document's own name work too.",
					"not every client accepts the tool name “%s”; it is listed under a similar one", name)
			}
			u := &plan.Unit{ID: s.Namespace + "." + name, Kind: "tool", Namespace: s.Namespace, Name: name,
				Title: t.Display, Description: t.Description, Tags: t.Tags, Model: &t.Unit, Hints: t.Hints}
			if !k.unit(u, unitContext{server: s.Model, inputs: slices.Concat(s.Model.Inputs, t.Inputs),
				required: true}) {
				return false
			}
			names[name] = true
			s.Tools = append(s.Tools, u)
			return true
		})
	}
	k.resources(s)
	k.prompts(s)
}

// unitContext is where a unit stands.
type unitContext struct {
	server    *model.Expose
	inputs    []*model.Param
	pathNames []string
	method    string
	isREST    bool
	required  bool // what a declared input without "required" is
}

// unit compiles what a unit runs: ref, call, steps or mock, in the order of
// precedence of its server type.
func (k *compiler) unit(u *plan.Unit, ctx unitContext) bool {
	if u.Model.Unreadable {
		return false
	}
	s := k.newScope(u)
	s.namespace, s.isREST = ctx.server.Namespace, ctx.isREST
	s.declare(ctx.inputs, ctx.pathNames, ctx.method, ctx.required)
	s.placeholders(ctx.pathNames)
	m := u.Model
	ok := false
	switch {
	case m.Ref != "":
		ok = s.ref(u, ctx)
	case m.Call != "" && (ctx.isREST || len(m.Steps) == 0):
		ok = s.callUnit(u, m)
	case len(m.Steps) > 0:
		ok = s.flow(u, m)
	default:
		ok = s.mock(u, m)
	}
	if !ok || k.failed {
		return false
	}
	s.finish()
	hide(u)
	k.signs(u)
	k.forModels(u)
	k.asks(u, s.asks)
	k.headers(u)
	if k.failed {
		return false
	}
	k.resolveHints(u)
	k.capBinary(u, ctx.server)
	return k.resolveCredentials(u, ctx.server, s.apis)
}

// capBinary gives the binary answers of a unit the cap of its server, unless
// their operations have their own.
func (k *compiler) capBinary(u *plan.Unit, server *model.Expose) {
	for _, s := range u.Steps {
		if s.Kind == plan.CallStep && s.Call.Format == format.Binary && s.Call.MaxBinary == 0 {
			s.Call.MaxBinary = k.binarySize(server.MaxBinarySize, server.Node)
		}
	}
}

// callUnit compiles a plain call.
func (s *scope) callUnit(u *plan.Unit, m *model.Unit) bool {
	c, ok := s.bindCall(m.Call, m.Node.Where("call"), m.With)
	if !ok {
		return false
	}
	u.Steps = []*plan.Step{{Kind: plan.CallStep, Call: c, Result: -1}}
	if u.Description == "" {
		u.Description = c.Operation.Description
	}
	s.compiler.outputs(u, m.Outputs)
	return true
}

func (s *scope) mock(u *plan.Unit, m *model.Unit) bool {
	if !hasValue(m.Outputs) {
		s.compiler.report(diag.NothingToRun, m.Node.Range(), "Add call, steps or ref, or outputs with fixed values.",
			"“%s” has no call, steps or ref, and no output with a value", u.Name)
		return false
	}
	if !s.compiler.spendOutputs(m.Outputs) {
		return false
	}
	mock := shape.CompileMock(m.Outputs, func(n *document.Node) (expr.Expr, bool) {
		if n.Is(value.String) {
			if name, ok := s.reference(n.Text); ok {
				return s.input(name, usage{origin: "template", place: plan.InQuery, feeds: "the answer"}, n.At), true
			}
		}
		return s.data(n, func(name string, optional bool) expr.Expr {
			return s.callerVariable(name, usage{origin: "template", place: plan.InQuery, required: true,
				feeds: "the answer"}, n.At, optional)
		})
	}, &s.compiler.diags)
	u.Steps = []*plan.Step{{Kind: plan.MockStep, Mock: mock, Result: s.slot()}}
	return !s.compiler.failed
}

func hasValue(outputs []*model.Output) bool {
	return slices.ContainsFunc(outputs, func(o *model.Output) bool {
		return o.Value != nil || hasValue(o.Properties) || o.Items != nil && hasValue([]*model.Output{o.Items})
	})
}

// resolveHints settles what a unit promises: what the document says, else what its
// flow's semantics say (set by ref), else what the HTTP methods of its calls say.
func (k *compiler) resolveHints(u *plan.Unit) {
	readOnly, destructive, idempotent, world := true, false, true, false
	write := ""
	for _, s := range u.Steps {
		if s.Kind != plan.CallStep {
			continue
		}
		world = true
		switch s.Call.Request.Method {
		case "GET", "HEAD", "OPTIONS":
		case "PUT", "DELETE":
			readOnly, destructive = false, true
			write = s.Call.Request.Method + " of " + s.Call.Request.Target
		case "PATCH":
			readOnly, destructive, idempotent = false, true, false
			write = s.Call.Request.Method + " of " + s.Call.Request.Target
		default:
			readOnly, idempotent = false, false
		}
	}
	set := func(p **bool, v bool) {
		if *p == nil {
			*p = &v
		}
	}
	if u.Writes = write != ""; u.Writes && u.Hints.ReadOnly != nil && *u.Hints.ReadOnly {
		at := u.Model.Node.Where("hints")
		if u.Model.Node.Get("hints") == nil {
			at = u.Model.Node.Where("ref")
		}
		k.diags.Add(diag.HintContradicts, at,
			"Correct the hints, or the semantics of the flow. --read-only leaves it out.",
			"“%s” is said to be read-only, and calls %s", u.Name, write)
	}
	set(&u.Hints.ReadOnly, readOnly)
	set(&u.Hints.Destructive, destructive && !*u.Hints.ReadOnly)
	set(&u.Hints.Idempotent, idempotent)
	set(&u.Hints.OpenWorld, world)
}

// canExchangeTokens reports whether the callers of a server have a token to exchange.
func canExchangeTokens(server *model.Expose) bool {
	return server.Transport != "stdio" && server.Auth != nil && server.Auth.Type == "oauth2"
}

// resolveCredentials decides whose credentials go upstream (semantics 4.7), and
// withholds a unit whose APIs lead nowhere.
func (k *compiler) resolveCredentials(u *plan.Unit, server *model.Expose, apis map[*model.Consume]bool) bool {
	reachable, bare, first := true, true, false
	for api := range apis {
		if k.bases[api].problem != "" {
			reachable = false
		}
		if a := api.Auth; a != nil && a.Type == model.TokenExchange && !canExchangeTokens(server) {
			k.reportOnce(diag.AuthUnknown, a.Node.Range(),
				"Give the server oauth2 authentication, or the API a credential of its own.",
				"the token of a caller of “%s” cannot be exchanged: only callers of HTTP servers with oauth2 authentication bring one", server.Namespace)
			reachable = false
		}
		bare = bare && api.Auth == nil
		first = first || api.CallerFirst
	}
	switch {
	case len(apis) != 1:
	case u.Kind == "operation":
		u.CallerAuthorization = server.Auth == nil && bare || first
	case u.Kind == "tool": // in the header that the operator names for it, if any
		u.CallerAuthorization = bare || first
	}
	return reachable
}

package suggest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Role is what an operation does with the session of its API.
type Role uint8

// The roles.
const (
	None    Role = iota
	Login        // its answer authorizes further calls
	Refresh      // renews what they are authorized with
	Replace      // answers another token in the place of the one in use
	Logout       // ends it
	OAuth        // it is the token endpoint of an authorization server
)

// input is one thing that an operation takes.
type input struct {
	name     string
	in       string // its place, "body" for members and variables of the body
	required *bool
	hint     string
}

// takes lists what somebody has to give for an operation: its parameters, in the place
// of objects their members, and the variables of its body block.
func takes(api *model.Consume, op *model.Operation) (all []input) {
	seen := map[string]bool{"": true}
	add := func(in input) {
		if name := plain(in.name); !seen[name] {
			seen[name] = true
			all = append(all, in)
		}
	}
	var leaves func(p *model.Param, in string)
	leaves = func(p *model.Param, in string) {
		if len(p.Properties) == 0 {
			add(input{p.Name, in, p.Required, p.Description})
		}
		for _, child := range p.Properties {
			leaves(child, in)
		}
	}
	for _, p := range slices.Concat(api.Inputs, op.Resource.Inputs, op.Inputs) {
		if p.Value == nil && p.In != "environment" && !isWholeBody(p) {
			leaves(p, p.In)
		}
	}
	if t, err := template.Compile(op.FullPath(), template.SingleToo); err == nil {
		for _, v := range t.Vars() {
			add(input{name: v.Name, in: "path"})
		}
	}
	if op.Body != nil {
		variables(op.Body.Data, func(name string) {
			for _, prefix := range []string{"tools.", "rest.", "input.", "inputs.", "params."} {
				name = strings.TrimPrefix(name, prefix)
			}
			if !strings.HasPrefix(name, "env.") && strings.ToUpper(name) != name { // a bind
				add(input{name: name, in: "body"})
			}
		})
	}
	return all
}

// isWholeBody reports whether a parameter is a body of which nobody says the members.
func isWholeBody(p *model.Param) bool {
	return p.In == "body" && len(p.Properties) == 0 && slices.Contains([]string{"body", "payload", "data", "request",
		"requestbody"}, plain(p.Name))
}

// variables gives found the variables of the texts below n.
func variables(n *document.Node, found func(name string)) {
	switch {
	case n.Is(value.Object):
		for _, p := range n.Pairs {
			variables(p.Value, found)
		}
	case n.Is(value.Array):
		for _, item := range n.Items {
			variables(item, found)
		}
	case n.Is(value.String):
		if t, err := template.Compile(n.Text, template.Double); err == nil {
			for _, v := range t.Vars() {
				found(v.Name)
			}
		}
	}
}

// obtains is how descriptions say that an operation answers a token.
var obtains = regexp.MustCompile(`(?i)\b(obtain|acquire|gets?|issues?|retrieve|request|generate|exchange)\b.*` +
	`\b(token|session)\b|gettoken`)

// others are words of operations that have to do with signing in, and do something else.
var others = []string{"register", "signup", "reset", "forgot", "verify", "verification", "introspect", "callback",
	"attempts", "device", "saml", "tokeninfo", "status", "revoke", "list", "policy", "policies", "template", "templates",
	"settings", "connections", "mtls", "methods", "method", "passwordless", "signinup", "registration", "delete", "update",
	"rotate", "roll", "batch", "introspection"}

// signIns are words that say that somebody signs in.
var signIns = []string{"login", "logon", "signin", "authenticate"}

// RoleOf is what an operation says that it does with sessions, by its names, method,
// path, description and inputs.
func RoleOf(api *model.Consume, op *model.Operation) Role {
	path := words(op.FullPath())
	name := words(op.Name)
	all := slices.Concat(name, path)
	inputs := takes(api, op)
	secret := slices.ContainsFunc(inputs, func(in input) bool { return IsSecret(in.name) && !isToken(in.name) })
	last := words(op.FullPath()[strings.LastIndexByte(op.FullPath(), '/')+1:])
	about := has(all, "login", "logon", "signin", "authenticate", "auth", "authentication", "session", "sessions", "token",
		"tokens", "loginapi")
	changes := op.Method == "POST" || op.Method == "PUT"
	switch {
	case has(all, "logout", "logoff", "signout", "signoff"):
		return Logout
	case follow(name, "api", "token") || follow(last, "api", "tokens") || follow(last, "api", "token"):
		return None
	case has(all, "introspect", "introspection", "revoke", "client"):
		return None
	case isOAuth(op, all, inputs):
		return OAuth
	case has(name, "refresh", "renew", "extend", "keepalive") && about ||
		has(last, "refresh", "renew", "extend") && about && op.Method != "DELETE":
		return Refresh
	case has(all, others...) || has(name, "create", "delete", "update") && !secret && has(all, "token", "tokens"):
		return None
	case changes && secret && (about && !has(name, "user", "users") || has(name, signIns...)):
		return Login
	case op.Method == "POST" && (has(name, signIns...) || has(last, signIns...)):
		return Login
	case op.Method == "POST" && obtains.MatchString(op.Description+" "+op.Name) &&
		has(last, "auth", "login", "logon", "token", "tokens", "authentication"):
		return Login
	case op.Method == "POST" && has(name, "new", "switch") && has(name, "session", "token") && len(inputs) == 0:
		return Replace
	case op.Method == "DELETE" && has(last, "session", "login"):
		return Logout
	}
	return None
}

// follow reports whether two words follow each other.
func follow(of []string, a, b string) bool {
	for i := range len(of) - 1 {
		if of[i] == a && of[i+1] == b {
			return true
		}
	}
	return false
}

// isToken reports whether a name is that of a token that was answered earlier.
func isToken(name string) bool { return strings.HasSuffix(plain(name), "token") }

func isOAuth(op *model.Operation, all []string, inputs []input) bool {
	if op.Method != "POST" || !has(all, "token", "access") {
		return false
	}
	path := strings.ToLower(op.FullPath())
	grants := slices.ContainsFunc(inputs, func(in input) bool { return plain(in.name) == "granttype" })
	return grants || strings.Contains(path, "oauth") || strings.Contains(path, "openid-connect") ||
		strings.Contains(path, "connect/token") || strings.Contains(strings.ToLower(op.Description), "oauth")
}

// operations are those of an API, in the order of the document.
func operations(api *model.Consume) (all []*model.Operation) {
	for _, r := range api.Resources {
		all = append(all, r.Operations...)
	}
	return all
}

// found is how people sign in at an API.
type found struct {
	api    *model.Consume
	login  *model.Operation
	rivals []*model.Operation // that might sign in, too
	of     map[Role][]*model.Operation
	apis   []*model.Consume // at the same origin, which the session serves, too
}

// find finds the logins of a document's APIs. Those for which a session is declared are
// left out.
func find(m *model.Capability) (all []*found, endpoints []*model.Operation) {
	for _, api := range m.Consumes {
		if api.Session != nil || api.Auth != nil && api.Auth.Type == "custom-token" {
			continue
		}
		f := &found{api: api, of: map[Role][]*model.Operation{}}
		for _, op := range operations(api) {
			role := RoleOf(api, op)
			f.of[role] = append(f.of[role], op)
		}
		endpoints = append(endpoints, f.of[OAuth]...)
		logins := slices.Clone(f.of[Login])
		if len(logins) == 0 || acquired(m, api) {
			continue
		}
		slices.SortStableFunc(logins, func(a, b *model.Operation) int { return sureness(api, b) - sureness(api, a) })
		f.login, f.rivals = logins[0], logins[1:]
		f.apis = []*model.Consume{api}
		for _, other := range m.Consumes {
			if other != api && origin(other) == origin(api) && origin(api) != "" && !signsIn(other) && other.Session == nil {
				f.apis = append(f.apis, other)
			}
		}
		all = append(all, f)
	}
	return all, endpoints
}

// acquired reports whether the API's login serves a custom token already.
func acquired(m *model.Capability, api *model.Consume) bool {
	return slices.ContainsFunc(m.Consumes, func(c *model.Consume) bool {
		return c.Auth != nil && c.Auth.Type == "custom-token" &&
			strings.HasPrefix(c.Auth.Fields["acquire"].Get("call").Str(), api.Namespace+".")
	})
}

func signsIn(api *model.Consume) bool {
	return slices.ContainsFunc(operations(api), func(op *model.Operation) bool { return RoleOf(api, op) == Login })
}

// origin is where an API is, as far as the text of its base URI says.
func origin(api *model.Consume) string {
	scheme, rest, ok := strings.Cut(api.BaseURI, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return strings.ToLower(scheme + "://" + host)
}

// sureness is how much says that an operation is the one to sign in with.
func sureness(api *model.Consume, op *model.Operation) (n int) {
	for _, in := range takes(api, op) {
		if IsSecret(in.name) {
			n += 4
			break
		}
	}
	if has(words(op.Name), signIns...) {
		n += 2
	}
	if has(words(op.FullPath()), signIns...) {
		n++
	}
	return n
}

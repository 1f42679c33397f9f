package compile

import (
	"cmp"
	"net/textproto"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/route"
	"github.com/fairlead/fairlead/internal/upstream"
)

// forward compiles a resource that passes its requests on to a consumed API:
// method, query and body as they come, and the headers that the document trusts.
func (k *compiler) forward(s *plan.Server, r *model.Resource) {
	name := "forward " + r.Path
	k.withhold("forward", name, func() bool {
		pattern, err := route.ParseForward(r.Path)
		if err != nil {
			k.report(diag.BadRoute, r.Node.Where("path"), "Correct the path.", "the path “%s” cannot be served: %s",
				r.Path, err)
			return false
		}
		at := r.Forward.Node.Where("targetNamespace")
		api := k.api(r.Forward.TargetNamespace)
		if r.Unreadable || api != nil && (api.Unreadable || k.unusable[api]) {
			return false
		}
		if api == nil {
			names := namesOf(k.model.Consumes, func(c *model.Consume) string { return c.Namespace })
			hint := k.meant(r.Forward.TargetNamespace, names, "Name a consumed namespace.")
			k.report(diag.CallUnresolved, at, hint, "“%s” names no consumed API", r.Forward.TargetNamespace)
			return false
		}
		u := &plan.Unit{ID: name, Kind: "forward", Namespace: s.Namespace, Name: cmp.Or(r.Name, name),
			Title: r.Display, Description: r.Description, Model: &model.Unit{Node: r.Node}}
		f, ok := k.forwarding(u, api, at)
		if !ok {
			return false
		}
		if s.Model.Auth != nil {
			f.Own = append(f.Own, "access_token") // RFC 6750 section 2.3
		}
		f.Rest = -1
		if names := pattern.Names(); len(names) > 0 {
			f.Rest = len(names) - 1
		}
		for _, h := range r.Forward.TrustedHeaders {
			name := textproto.CanonicalMIMEHeaderKey(h)
			if hopByHop[name] {
				continue
			}
			f.Headers = append(f.Headers, name)
			if looksLikeCredential(h) {
				f.Private = append(f.Private, name)
			}
		}
		if !k.resolveCredentials(u, s.Model, map[*model.Consume]bool{api: true}) {
			return false
		}
		u.CallerAuthorization = s.Model.Auth == nil && api.Auth == nil || api.CallerFirst
		s.Routes = append(s.Routes, &plan.Route{Path: pattern.String(), Unit: u, Forward: f})
		return true
	})
}

func (k *compiler) api(namespace string) *model.Consume {
	for _, c := range k.model.Consumes {
		if c.Namespace == namespace && namespace != "" {
			return c
		}
	}
	return nil
}

// forwarding binds the API's own parameters and authentication; what the caller
// brings is added when a request comes.
func (k *compiler) forwarding(u *plan.Unit, api *model.Consume, at diag.Range) (*plan.Forward, bool) {
	s := k.newScope(u)
	s.isREST = true
	op := &model.Operation{Node: api.Node, Resource: &model.ConsumedResource{Node: api.Node}, Name: "forward",
		Method: "GET"}
	c := &call{scope: s, api: api, op: op, at: at, params: mergeParams(api, op), hasArgs: true,
		values: map[*model.Param]expr.Expr{}, open: map[*model.Param]bool{}}
	request := &upstream.Request{Target: api.Namespace + ".forward", Policy: k.policy(api, op)}
	f := &plan.Forward{Unit: u, Request: request, Session: k.signed[api]}
	for _, r := range api.Resources {
		for _, op := range r.Operations {
			if part, ok := k.parted[op]; ok {
				f.Parts = append(f.Parts, plan.NewForwardPart(op.Method, op.FullPath(), part.role))
			}
		}
	}
	if u.Signs = f.Session != nil; u.Signs && f.Session.Send.Place == upstream.InQuery {
		f.Own = append(f.Own, f.Session.Send.Name)
	}
	for _, p := range c.params {
		if p.In == "header" || p.In == "query" || p.In == "cookie" {
			if p.Value != nil && !c.replacedByAuth(p) {
				c.param(request, p)
				if p.In == "query" {
					f.Own = append(f.Own, p.Name)
				}
			}
		}
	}
	var ok bool
	if request.Base, ok = s.base(api, k.bases[api]); !ok {
		return nil, false
	}
	if request.Connection, ok = c.connection(); !ok {
		return nil, false
	}
	if api.Auth != nil {
		if request.Auth, ok = c.auth(api.Auth); !ok {
			return nil, false
		}
	}
	f.Own = append(f.Own, upstream.QueryKeys(request.Auth)...)
	request.Body = &upstream.Body{Kind: upstream.WholeBody}
	hide(u)
	return f, true
}

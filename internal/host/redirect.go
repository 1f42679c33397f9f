package host

import (
	"context"
	"slices"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/oauth"
)

// Redirect is an address that an operator registers with an authorization server: it
// sends people back there.
type Redirect struct {
	For    string // what Fairlead is a client for
	Server string // host of the authorization server, or its issuer
	URL    string
}

// Redirects are those of the documents that are served now. What needs a variable
// that has no value is left out.
func (h *Host) Redirects(ctx context.Context) (all []Redirect) {
	h.mu.Lock()
	servers := slices.Clone(h.servers)
	h.mu.Unlock()
	if h.config.Sessions == nil {
		return nil
	}
	add := func(r Redirect) {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, s := range servers {
		g := s.current
		if !g.document.signsIn() {
			continue
		}
		base := schemes[g.listener.secure] + "://" + g.listener.hostPort(g.bind)
		if public := h.config.Front.Public; public != nil {
			base = public.String()
		}
		for _, of := range g.document.Plan.Sessions {
			if of.OAuth == nil {
				continue
			}
			if server, label, failure := h.config.Sessions.Engine.ConsentAt(ctx, of); failure == nil {
				add(Redirect{of.Namespace, server, base + connect.CallbackPath + label})
			}
		}
		if g.guard == nil || g.server.Auth.Kind != "oauth2" {
			continue
		}
		if issuer, _, err := g.guard.People(ctx); err == nil {
			add(Redirect{"the sign-in pages", issuer, base + connect.SignedInPath + oauth.Label(issuer, "", "")})
		}
	}
	return all
}

package mcp

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/plan"
)

// generation serves one plan over HTTP.
type generation struct {
	handler   *Handler
	catalogue *catalogue.Catalogue
}

// Prepare implements adapter.Server.
func (h *Handler) Prepare(p *plan.Plan, s *plan.Server) adapter.Generation {
	return &generation{h, catalogue.New(h.options(), p, s)}
}

// Handler implements adapter.Generation. Browsers ask for leave without a
// credential, and read a challenge only where their page is allowed to (CORS
// preflight, Fetch).
func (g *generation) Handler(guard func(http.Handler) http.Handler) http.Handler {
	inner := guard(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		g.handler.message(w, r, g.catalogue)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.handler.screen(w, r) {
			inner.ServeHTTP(w, r)
		}
	})
}

// Units implements adapter.Generation.
func (g *generation) Units() []string { return units(g.catalogue) }

// Begin implements adapter.Generation.
func (g *generation) Begin() {
	if old := g.handler.current.Swap(g.catalogue); old != nil {
		g.handler.hub.announce(g.catalogue.ChangesFrom(old))
	}
}

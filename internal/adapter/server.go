package adapter

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/route"
)

// Claim is a route of a server: the requests that one of its units takes.
type Claim struct {
	Unit    *plan.Unit
	Methods []string // without HEAD, which comes with GET
	Pattern *route.Pattern
}

// Server serves one server of a document over HTTP, one generation after the
// other.
type Server interface {
	// Prepare makes what serves s of p. Nothing that is served changes by it.
	Prepare(p *plan.Plan, s *plan.Server) Generation
	// Close ends what would last for ever, such as streams of events.
	Close()
}

// Generation is a server on one plan. It never changes.
type Generation interface {
	// Handler serves the generation behind guard. Checks of Host and Origin, and
	// what browsers ask before a request, come before the guard.
	Handler(guard func(http.Handler) http.Handler) http.Handler
	// Units names what is served, in document order.
	Units() []string
	// Begin is called once, when requests begin to reach the generation: clients
	// that listen for changes hear of them.
	Begin()
}

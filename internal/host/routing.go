package host

import (
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/route"
	"github.com/fairlead/fairlead/internal/value"
)

// routing leads the requests of one listener to the generations that serve them.
// It never changes: a reload makes another.
type routing struct {
	views map[exposure]*view // of servers that not everybody reaches
	open  *view              // of everybody
	alone bool               // they are a control server's, and nobody hears of its requests
}

// view is what callers who come in on one address reach.
type view struct {
	screen    adapter.Screen
	endpoints map[string]http.Handler // by path
	addresses []string                // of the endpoints, one for each server
	publish   []*guard.Guard          // what publishes metadata (RFC 9728)
	pages     http.Handler            // on which people sign in; nil where nobody does
	routes    route.Table[http.Handler]
	only      http.Handler // takes what no endpoint takes, because all servers are of one document; or nil
}

// ServeHTTP implements http.Handler.
func (t *routing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := t.open
	if t.views != nil {
		if one := t.views[exposureOf(r)]; one != nil {
			v = one
		}
	}
	v.find(r).ServeHTTP(w, r)
}

// find takes as many steps as the request's path asks for, however many servers
// there are.
func (v *view) find(r *http.Request) http.Handler {
	if h := v.endpoints[r.URL.Path]; h != nil {
		return h
	}
	if v.pages != nil && reserved(r.URL.Path) {
		return http.HandlerFunc(v.connect)
	}
	if strings.HasPrefix(r.URL.Path, "/.well-known/") {
		for _, g := range v.publish {
			if slices.Contains(g.MetadataPaths(), r.URL.Path) {
				return g.Metadata()
			}
		}
	}
	if v.only != nil {
		return v.only
	}
	method, path := r.Method, r.URL.EscapedPath()
	if asked := r.Header.Get("Access-Control-Request-Method"); asked != "" && method == http.MethodOptions {
		method = asked // the server of what a page wants to do answers the question whether it may
	}
	var room [8]string
	if h, _, ok := v.routes.Match(method, path, room[:0]); ok {
		return h
	}
	return http.HandlerFunc(v.unrouted)
}

// connect serves the pages on which people sign in, to the same hosts as the
// servers.
func (v *view) connect(w http.ResponseWriter, r *http.Request) {
	if !v.refusesHost(w, r) {
		v.pages.ServeHTTP(w, r)
	}
}

// unrouted answers what is meant for no server. Nothing of the request goes to
// any, so that no server's guard sees a credential for another.
func (v *view) unrouted(w http.ResponseWriter, r *http.Request) {
	if v.refusesHost(w, r) {
		return
	}
	if methods := v.routes.Methods(r.URL.EscapedPath()); len(methods) > 0 {
		if !slices.Contains(methods, http.MethodOptions) {
			methods = append(methods, http.MethodOptions)
			slices.Sort(methods)
		}
		allow := strings.Join(methods, ", ")
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		problem(w, r, http.StatusMethodNotAllowed, "the path does not take this method", "Use one of "+allow+".")
		return
	}
	v.noEndpoint(w, r)
}

// refusesHost answers a request whose Host is not served here.
func (v *view) refusesHost(w http.ResponseWriter, r *http.Request) bool {
	if v.screen.Host(r.Host) {
		return false
	}
	problem(w, r, http.StatusForbidden, "this Host is not served here", "The operator allows it with --allow-host.")
	return true
}

// noEndpoint says which servers there are.
func (v *view) noEndpoint(w http.ResponseWriter, r *http.Request) {
	if v.refusesHost(w, r) {
		return
	}
	detail := "Nothing is served at this path."
	if len(v.addresses) > 0 {
		detail = "Nothing is served at this path. The MCP servers here are at " + strings.Join(v.addresses, ", ") + "."
	}
	problem(w, r, http.StatusNotFound, "no such path", detail)
}

// failedAs are the kinds of what problem answers.
var failedAs = map[int]string{http.StatusForbidden: engine.Denied.String(), http.StatusNotFound: "not-found",
	http.StatusMethodNotAllowed: "method-not-allowed"}

// problem answers with a problem of RFC 9457.
func problem(w http.ResponseWriter, r *http.Request, status int, title, detail string) {
	event.ExchangeOf(r.Context()).Note(func(f *event.Facts) { f.Failed, f.Reason = failedAs[status], title })
	body := value.Map(value.Member{Name: "type", Value: value.Of("about:blank")},
		value.Member{Name: "title", Value: value.Of(title)},
		value.Member{Name: "status", Value: value.Int(int64(status))},
		value.Member{Name: "detail", Value: value.Of(detail)})
	if id := w.Header()[requestID]; len(id) == 1 {
		body.Add("requestId", value.Of(id[0]))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body.AppendJSON(nil))
}

// newRouting makes the routing of the generations of one listener, whose
// endpoints are at the addresses in e.
func (c *Config) newRouting(all []*generation, e *endpoints) *routing {
	t := &routing{alone: kinds[all[0].server.Type].alone}
	distinct := map[exposure]bool{}
	for _, g := range all {
		distinct[g.bind.exposure()] = true
	}
	if len(distinct) == 1 { // the socket itself keeps the others out
		t.open = c.newView(all, e)
		return t
	}
	seen := func(by exposure) (some []*generation) {
		for _, g := range all {
			if own := g.bind.exposure(); own == (exposure{}) || own == by {
				some = append(some, g)
			}
		}
		return some
	}
	t.open, t.views = c.newView(seen(exposure{}), e), map[exposure]*view{}
	for by := range distinct {
		if by != (exposure{}) {
			t.views[by] = c.newView(seen(by), e)
		}
	}
	return t
}

func (c *Config) newView(all []*generation, e *endpoints) *view {
	v := &view{endpoints: map[string]http.Handler{}, screen: adapter.Screen{AnyHost: true}, pages: c.pagesOf(all)}
	documents := map[*Document]bool{}
	var routed []*generation
	for _, g := range all {
		documents[g.document] = true
		if !g.screen.AnyHost {
			v.screen = g.screen
		}
		if g.guard != nil && g.server.Auth.Kind == "oauth2" {
			v.publish = append(v.publish, g.guard)
		}
		if kinds[g.server.Type].claims != nil {
			routed = append(routed, g)
			continue
		}
		v.addresses = append(v.addresses, e.address(g.id))
		for _, path := range e.paths[g.id] {
			v.endpoints[path] = g.handler
		}
	}
	if len(v.addresses) > 0 {
		for _, path := range e.unclear {
			v.endpoints[path] = http.HandlerFunc(v.noEndpoint)
		}
	}
	if len(documents) == 1 && len(routed) == 1 {
		v.only = routed[0].handler
		return v
	}
	for _, g := range routed {
		for _, c := range kinds[g.server.Type].claims(g.server) {
			for _, method := range c.Methods {
				v.routes.Add(method, c.Pattern, g.handler)
			}
		}
	}
	return v
}

package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
)

// Config says what is served and where.
type Config struct {
	Documents []*Document
	Invoker   adapter.Invoker
	Forwarder Forwarder // nil serves no forward resources
	Secrets   engine.Secrets
	Client    guard.HTTPDoer // for the errands of incoming OAuth; must not follow redirects
	Limits    Limits
	Pool      *budget.Pool // of the memory that all calls hold; nil has no limit
	Default   string       // namespace of the MCP server that answers on /mcp where several share a listener
	Listen    string       // host that every listener binds to, instead of what documents say
	AutoPorts bool         // take free ports instead of the declared ones
	ReadOnly  bool         // serve only what changes nothing
	TakeAny   bool         // updates take documents that withhold what was served
	Strict    bool         // REST servers refuse query parameters and members of bodies that are no inputs
	Origins   []string     // pages of these may send requests: scheme://host[:port]
	Hosts     []string     // names that servers answer to; without any, those on loopback to none and others to all
	Front     Front        // what stands between people and the listeners
	// LocalSessions makes whoever calls from this machine, over loopback and by no
	// proxy that says so, the local user, where a server lets everybody in.
	LocalSessions bool
	// SharedSessions makes all who know the token or key of a server one person.
	SharedSessions bool
	Sessions       *Sessions // nil keeps none
	MCP            MCPOptions
	Version        string
	Logger         *slog.Logger
	Events         *event.Stream // hears of requests that are refused; nil is nobody
	// Audit is told of each unit that is not read-only, before it runs; nil is not.
	Audit *observe.Audit

	// Process is what control servers show beside what the host knows itself.
	Process      control.Process
	Control      ControlAddress // of the process's own control server; the zero address is none
	ControlToken secret.String  // that changes take; empty lets nobody change anything
	// Reach asks an API at a URL for any answer; nil says that none can be reached.
	Reach func(ctx context.Context, url string) error
	// Gates lists what holds calls to APIs back; nil says of none.
	Gates func() []upstream.Gate
	// Missing names the variables without a value that units of documents need.
	Missing func([]*Document) []string
	// Stops hears, once the host is to end, what it waits for; nil is nobody.
	Stops func(Stop)
}

// Limits bound what callers may send and how long an end takes.
type Limits struct {
	Request int64         // bytes of a request body; 0 is 10 MiB
	Drain   time.Duration // for what runs when the end comes; 0 is 30 s
	// Linger is how long connections are taken once the end has come, so that those
	// who send requests hear of it before they are refused; 0 is a second, or as
	// long as somebody sends some.
	Linger time.Duration
}

// MCPOptions steer the MCP servers.
type MCPOptions struct {
	MaxChars           int
	ConfirmDestructive bool
	Allow, Deny        []string
	SearchAbove        int
	// signs what users have answered and confirmed; replicas share it, empty makes a random one
	StateKey         []byte
	CredentialHeader string // header in which MCP callers may bring the API's credential; "" takes none
}

// selection is which units are served, the same for all servers.
func (o MCPOptions) selection(readOnly bool) adapter.Selection {
	return adapter.Selection{ReadOnly: readOnly, Allow: o.Allow, Deny: o.Deny}
}

// Config is the configuration of an adapter for s with these options.
func (o MCPOptions) Config(p *plan.Plan, s *plan.Server, readOnly bool) mcp.Config {
	return mcp.Config{
		Plan: p, Server: s, MaxChars: o.MaxChars, ConfirmDestructive: o.ConfirmDestructive,
		Selection:   o.selection(readOnly),
		SearchAbove: o.SearchAbove, StateKey: o.StateKey,
	}
}

// Adapter is a server that accepts requests.
type Adapter struct {
	Capability string
	Type       string
	Namespace  string
	URL        string
	Units      []string // that it serves
	SignsIn    []string // of these, those that act for whoever has signed in at an API
	SignInPage string   // where that is, "" where nobody can
	Nobody     string   // why nobody can, a sentence for operators
	LeftOut    int      // units that the configuration leaves out
	Running    int64    // requests
	Network    bool     // other machines can connect to it
}

// Host serves documents until it is shut down.
type Host struct {
	config   Config
	namesKey []byte // of the hashes in the names of callers

	mu         sync.Mutex
	documents  []*Document // in force, or refused with what they were to replace
	servers    []*server   // in the order of the documents
	stopped    []declared  // that should be served and are not
	listeners  []*listener
	own        *ownControl // nil without Config.Control
	generation control.Generation
	serving    bool // Serve runs
	closed     bool
	stops      time.Time // the end has come, and this is when what still runs is cut off
	draining   sync.WaitGroup
	running    sync.WaitGroup
	failed     chan error                       // a listener that broke
	private    atomic.Pointer[[]netip.AddrPort] // addresses of control servers
	ending     atomic.Bool                      // the end has come
}

// server is one server, from the reload that brings it to the one that takes it
// away.
type server struct {
	adapter adapter.Server
	screen  adapter.Screen
	current *generation
	running atomic.Int64 // requests
}

// counted counts the requests that run.
func (s *server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.running.Add(1)
		defer s.running.Add(-1)
		next.ServeHTTP(w, r)
	})
}

// generation is what a server serves between two reloads: its plan and what
// protects it.
type generation struct {
	declared
	adapter  adapter.Generation
	guard    *guard.Guard // nil lets everybody in
	screen   adapter.Screen
	handler  http.Handler
	listener *listener
	since    int // the generation of the host that brought it
}

// Open binds every listener; nothing is accepted before Serve. What keeps a
// server from being served is among the problems and does not keep others. The
// error says that there is nothing to serve at all.
func Open(c Config) (h *Host, problems []error, err error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Audit != nil {
		a := &auditing{Invoker: c.Invoker, forwarder: c.Forwarder, audit: c.Audit, events: c.Events}
		c.Invoker = a
		if c.Forwarder != nil {
			c.Forwarder = a
		}
	}
	h = &Host{config: c, namesKey: newNamesKey(c.MCP.StateKey), failed: make(chan error, 1),
		generation: control.Generation{Since: time.Now()}}
	h.completeProcess()
	if c.Control != (ControlAddress{}) {
		if h.own, err = h.openControl(c.Control); err != nil {
			return nil, nil, err
		}
	}
	problems, _ = h.update(c.Documents)
	h.generation.Number = 1
	if len(h.servers) > 0 {
		return h, problems, nil
	}
	h.Close()
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	return nil, nil, errors.New("open servers: nothing to serve over HTTP; a document with stdio servers only runs under “fairlead mcp FILE”")
}

// Update serves other documents from now on. Everything new is made before
// anything old ends: each server goes from one plan and its authentication to the
// next in one step, or stays as it is, and requests that run finish on what they
// began with. Servers and listeners come and go. The problems say what could not
// be served.
//
// A document of which something was served that stands in the new text, and could
// not be served any more, is refused: its servers stay as they are, unless the
// configuration takes every document.
func (h *Host) Update(documents []*Document) (u Updated) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return Updated{Problems: []error{errors.New("update servers: they are closing")}, Refused: true}
	}
	u.Problems, u.Refused = h.update(documents)
	u.Changed = slices.ContainsFunc(h.servers, func(s *server) bool { return s.current.since == h.generation.Number+1 })
	if u.Changed || !u.Refused {
		h.generation.Number++
		h.generation.Reloads++
		h.generation.Since = time.Now()
	}
	if u.Refused {
		h.refused(u.Problems)
	}
	u.Generation = h.generation.Number
	return u
}

// Updated is what an update did.
type Updated struct {
	Generation int     // that serves now
	Changed    bool    // some server has a new plan
	Refused    bool    // some server keeps its old one
	Problems   []error // what could not be served
}

// drain is how long what runs may take once its listener ends.
func (h *Host) drain() time.Duration { return cmp.Or(h.config.Limits.Drain, 30*time.Second) }

// Refuse counts a reload that came to nothing before it came to an update.
func (h *Host) Refuse(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused([]error{why})
}

func (h *Host) refused(problems []error) {
	now := time.Now()
	h.generation.Refusals++
	h.generation.RefusedAt = &now
	h.generation.LastRefusal = errors.Join(problems...).Error()
}

func (h *Host) update(documents []*Document) (problems []error, refused bool) {
	old := map[serverID]*server{}
	for _, s := range h.servers {
		old[s.current.id] = s
	}
	next, problems, refused := h.guarded(documents, old)
	problems = append(problems, h.separate(next)...)
	next, crowded := apart(next, old)
	problems = append(problems, crowded...)
	sockets, failed := h.listen(next)
	problems = append(problems, failed...)

	var begin []*generation
	servers, byListener := []*server{}, map[*listener][]*generation{}
	h.stopped = nil
	for _, g := range next {
		l := sockets[g.id]
		was := h.moved(g, old)
		if l == nil && was != nil && slices.Contains(h.listeners, was.current.listener) { // its new address is taken
			kept := *was.current
			g, l, refused = &kept, kept.listener, true
		}
		if l == nil {
			h.stopped = append(h.stopped, g.declared)
			continue
		}
		s := old[g.id]
		if s == nil {
			s = &server{screen: h.screen(l, g.bind)}
			s.adapter = kinds[g.server.Type].open(&h.config, s.screen)
		}
		delete(old, g.id)
		if g.adapter == nil {
			g.adapter, g.screen = s.adapter.Prepare(g.document.Plan, g.server), s.screen
			g.handler = s.counted(g.adapter.Handler(func(next http.Handler) http.Handler { return g.wrap(h.naming(next)) }))
			if h.config.Events.Hears(event.Exchanges) {
				g.handler = g.noting(g.handler)
			}
			g.since = h.generation.Number + 1
			begin = append(begin, g)
		}
		s.current, g.listener = g, l
		servers, byListener[l] = append(servers, s), append(byListener[l], g)
	}
	h.servers, h.documents = servers, documents
	h.route(byListener)
	h.keepPrivate()
	for _, g := range begin {
		g.adapter.Begin()
	}
	for _, s := range old {
		s.adapter.Close()
	}
	return problems, refused
}

// moved is the server that g takes the place of at another address; nil when there
// is none.
func (h *Host) moved(g *generation, old map[serverID]*server) *server {
	for id, s := range old {
		if id.bind = g.id.bind; id == g.id && s.current.id != g.id {
			return s
		}
	}
	return nil
}

// guarded makes the guards of the generations to come. A server whose guard
// cannot be made, or of which a document still exposes something and nothing can
// work, keeps its generation, if it has one.
func (h *Host) guarded(documents []*Document, old map[serverID]*server) (next []*generation,
	problems []error, refused bool) {
	seen := map[serverID]bool{}
	keep := func(d declared, why error) {
		kept := *old[d.id].current
		kept.owner = d.owner
		next = append(next, &kept)
		refused = true
		problems = append(problems, fmt.Errorf("the old plan of “%s” of %s stays in force: %w", d.server.Namespace,
			d.document.Name, why))
	}
	var lost map[*Document]error
	if !h.config.TakeAny {
		lost = h.lost(documents)
	}
	for _, s := range h.servers {
		d := s.current.declared
		if i := slices.IndexFunc(documents, func(n *Document) bool { return n.Name == d.document.Name }); i >= 0 &&
			lost[documents[i]] != nil && !seen[d.id] {
			seen[d.id], d.owner = true, documents[i]
			keep(d, lost[documents[i]])
		}
	}
	for _, d := range h.config.declaredBy(documents) {
		if lost[d.document] != nil {
			continue
		}
		seen[d.id] = true
		g, err := h.guard(&d)
		switch {
		case err == nil:
			next = append(next, &generation{declared: d, guard: g})
		case old[d.id] != nil:
			keep(d, err)
		default:
			problems = append(problems, fmt.Errorf("“%s” of %s is not served: %w", d.server.Namespace,
				d.document.Name, err))
		}
	}
	for _, d := range h.config.exposedBy(documents) {
		if !seen[d.id] && old[d.id] != nil && lost[d.document] == nil {
			keep(d, errors.New("nothing of the new one can be served"))
		}
	}
	for _, d := range documents {
		for _, s := range h.servers {
			if c := s.current.declared; d.Plan == nil && c.id.document == d.Name && !seen[c.id] {
				c.owner = d
				keep(c, errors.New("the new one cannot be read"))
			}
		}
	}
	return next, problems, refused
}

// guard is the incoming authentication of a server, nil for none. Its secrets
// are read when a request needs them.
func (h *Host) guard(d *declared) (*guard.Guard, error) {
	compiled := d.server.Auth
	if compiled == nil {
		return nil, nil
	}
	return guard.New(guard.Config{
		Kind: compiled.Kind, MCP: d.server.Type == "mcp", Issuer: realmOf(d), Logger: h.config.Logger,
		Events: h.config.Events, Client: h.config.Client,
		Value: func(ctx context.Context, field string) (secret.String, error) {
			return compiled.Value(ctx, field, h.config.Secrets.Get)
		},
	})
}

func (g *generation) wrap(next http.Handler) http.Handler {
	if g.guard == nil {
		return next
	}
	return g.guard.Wrap(next)
}

// separate withholds what collides, if Collide has not done so.
func (h *Host) separate(next []*generation) (problems []error) {
	all := make([]declared, len(next))
	for i, g := range next {
		all[i] = g.declared
	}
	for d, found := range h.config.collisions(all, h.claims()) {
		found = slices.DeleteFunc(found, func(c collision) bool { return c.unit == nil }) // Collide has said it
		for _, c := range found {
			problems = append(problems, c.Diagnostic)
		}
		d.withhold(found)
	}
	return problems
}

// claims are the routes that are served.
func (h *Host) claims() map[claimKey]bool {
	serving := map[claimKey]bool{}
	for _, s := range h.servers {
		for _, c := range claimsOf(&s.current.declared) {
			serving[c.key()] = true
		}
	}
	return serving
}

// screen is from where a server takes requests: one that only this machine
// reaches takes none that name another.
func (h *Host) screen(l *listener, b bind) adapter.Screen {
	return h.config.screen(b.exposure().loopback || l.isLoopback())
}

func (c *Config) screen(private bool) adapter.Screen {
	s := adapter.Screen{AnyHost: !private && len(c.Hosts) == 0, Hosts: c.Hosts, Origins: c.Origins}
	if public := c.Front.Public; public != nil {
		s.Hosts = append(slices.Clone(s.Hosts), public.Host)
		s.Origins = append(slices.Clone(s.Origins), public.String())
	}
	return s
}

// Adapters lists the servers in the order of the documents.
func (h *Host) Adapters() []Adapter {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Adapter, len(h.servers))
	for i, s := range h.servers {
		g := s.current
		units := g.adapter.Units()
		all[i] = Adapter{Capability: g.document.Model.Name(), Type: g.server.Type, Namespace: g.server.Namespace,
			URL: g.url(), Units: units, LeftOut: g.server.Count() - len(units),
			Running: s.running.Load(), Network: !g.bind.exposure().loopback && !g.listener.isLoopback()}
		h.config.tellSignIns(&all[i], g)
	}
	return all
}

// origin is where a client on this machine finds the server's listener.
func (g *generation) origin() string {
	return schemes[g.listener.secure] + "://" + g.listener.hostPort(g.bind)
}

// url is where a client on this machine finds the server.
func (g *generation) url() string {
	base := g.origin()
	if kinds[g.server.Type].claims != nil {
		return base
	}
	return base + g.listener.endpoints.address(g.id)
}

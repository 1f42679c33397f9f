package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/plan"
)

// Config says what is served and where.
type Config struct {
	Documents []*Document
	Invoker   adapter.Invoker
	Forwarder Forwarder // nil serves no forward resources
	Secrets   engine.Secrets
	Client    guard.HTTPDoer // for the errands of incoming OAuth; must not follow redirects
	Limits    Limits
	Listen    string   // host that every listener binds to, instead of what documents say
	AutoPorts bool     // take free ports instead of the declared ones
	ReadOnly  bool     // serve only what changes nothing
	Origins   []string // pages of these may send requests: scheme://host[:port]
	Hosts     []string // names that servers answer to; without any, those on loopback to none and others to all
	MCP       MCPOptions
	Version   string
	Logger    *slog.Logger
}

// Limits bound what callers may send and how long a drain takes.
type Limits struct {
	Request int64         // bytes of a request body; 0 is 10 MiB
	Drain   time.Duration // 0 is 30 s
}

// MCPOptions steer the MCP servers.
type MCPOptions struct {
	MaxChars           int
	ConfirmDestructive bool
	Allow, Deny        []string
	SearchAbove        int
	StateKey           []byte // signs what users have answered and confirmed; replicas share it, empty makes a random one
	CredentialHeader   string // header in which MCP callers may bring the API's credential; "" takes none
}

// Config is the configuration of an adapter for s with these options.
func (o MCPOptions) Config(p *plan.Plan, s *plan.Server, readOnly bool) mcp.Config {
	return mcp.Config{
		Plan: p, Server: s, MaxChars: o.MaxChars, ReadOnly: readOnly, ConfirmDestructive: o.ConfirmDestructive, Allow: o.Allow, Deny: o.Deny,
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
	LeftOut    int      // units that the configuration leaves out
}

// Host serves documents until it is shut down.
type Host struct {
	config    Config
	listeners []*listener
	Conflicts diag.List // REST paths that several documents claim
}

// listener is one address with all servers on it.
type listener struct {
	address string // host:port as asked for
	net     net.Listener
	http    *http.Server
	mux     *mux
}

// Open binds every listener; nothing is accepted before Serve. On an error
// everything is closed again, and the error says which address is taken.
func Open(c Config) (*Host, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Host{config: c}
	for _, d := range c.Documents {
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if s.Model.Transport == "stdio" {
				continue
			}
			if err := h.add(d, s); err != nil {
				h.Close()
				return nil, err
			}
		}
	}
	if len(h.listeners) == 0 {
		return nil, errors.New("open servers: nothing to serve over HTTP; a document with stdio servers only runs under “fairlead mcp FILE”")
	}
	return h, nil
}

func (h *Host) add(d *Document, s *plan.Server) error {
	l, err := h.listener(h.address(s))
	if err != nil {
		return err
	}
	return l.mux.mount(h, d, s)
}

// address is where a server listens: loopback unless the document or --listen
// says otherwise.
func (h *Host) address(s *plan.Server) string {
	host := cmp.Or(h.config.Listen, s.Model.Address, "127.0.0.1")
	if host == "localhost" {
		host = "127.0.0.1"
	}
	port := s.Model.Port
	if h.config.AutoPorts {
		port = 0
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (h *Host) listener(address string) (*listener, error) {
	_, port, _ := net.SplitHostPort(address)
	for _, l := range h.listeners {
		if l.address == address && port != "0" {
			return l, nil
		}
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("open servers: %s is in use by another process; stop it, change the port in the document, or start with --ports auto", address)
		}
		return nil, fmt.Errorf("open servers: cannot listen on %s: %w", address, err)
	}
	l := &listener{address: address, net: ln, mux: &mux{loopback: ln.Addr().(*net.TCPAddr).IP.IsLoopback()}}
	l.http = &http.Server{
		Handler:           l.mux,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(h.config.Logger.Handler(), slog.LevelDebug),
	}
	h.listeners = append(h.listeners, l)
	return l, nil
}

// Adapters lists the servers in the order of the documents.
func (h *Host) Adapters() []Adapter {
	var all []Adapter
	for _, l := range h.listeners {
		base := "http://" + l.hostPort()
		for _, m := range l.mux.mounts {
			all = append(all, Adapter{Capability: m.document.Model.Name(), Type: m.server.Type, Namespace: m.server.Namespace, URL: base + l.mux.path(m), Units: m.units(), LeftOut: m.server.Count() - len(m.units())})
		}
	}
	return all
}

// hostPort is how a client on this machine reaches the listener.
func (l *listener) hostPort() string {
	addr := l.net.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// Serve accepts requests until ctx is done, then stops accepting, finishes what
// runs, and returns nil. An error is a listener that broke.
func (h *Host) Serve(ctx context.Context) error {
	failed := make(chan error, len(h.listeners))
	var running sync.WaitGroup
	for _, l := range h.listeners {
		running.Go(func() {
			if err := l.http.Serve(l.net); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", l.address, err)
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	h.drain()
	running.Wait()
	return err
}

func (h *Host) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(h.config.Limits.Drain, 30*time.Second))
	defer cancel()
	var wg sync.WaitGroup
	for _, l := range h.listeners {
		l.mux.close() // ends the streams that would last for ever
		wg.Go(func() {
			if l.http.Shutdown(ctx) != nil {
				l.http.Close()
			}
		})
	}
	wg.Wait()
}

// Close closes a host that was opened and never served.
func (h *Host) Close() {
	for _, l := range h.listeners {
		l.net.Close()
		l.mux.close()
	}
}

// Update serves other documents on the listeners that are open: the plan of
// each server is swapped for the one of the same document and namespace, and
// requests that run finish on the old one. Servers that come, go or move need a
// restart; their names are returned.
func (h *Host) Update(documents []*Document) (restart []string) {
	seen := map[*mount]bool{}
	for _, d := range documents {
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if m := h.mounted(d, s); m != nil {
				m.update(h, d, s)
				seen[m] = true
			} else if s.Model.Transport != "stdio" {
				restart = append(restart, d.Name+" "+s.Namespace)
			}
		}
	}
	for _, l := range h.listeners {
		for _, m := range l.mux.mounts {
			if !seen[m] {
				restart = append(restart, m.document.Name+" "+m.server.Namespace)
			}
		}
	}
	return restart
}

func (h *Host) mounted(d *Document, s *plan.Server) *mount {
	for _, l := range h.listeners {
		for _, m := range l.mux.mounts {
			if m.document.Name == d.Name && m.server.Type == s.Type && m.server.Namespace == s.Namespace && (h.config.AutoPorts || l.address == h.address(s)) {
				return m
			}
		}
	}
	return nil
}

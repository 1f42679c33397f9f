package host

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
)

// listener is one socket with all servers on it.
type listener struct {
	bind
	of        serverID // whose it alone is, when its port is a free one
	net       *patient
	ending    atomic.Bool  // it is to end
	late      atomic.Int64 // requests that came since
	http      *http.Server
	enter     func(*http.Request) *http.Request // notes how a request has come
	secure    bool                              // it speaks TLS
	routing   atomic.Pointer[routing]           // swapped on reload
	endpoints *endpoints
	events    *event.Stream    // hears of exchanges
	capture   *control.Capture // keeps requests when operators ask for them; nil never does
	accepts   bool
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.ending.Load() {
		l.late.Add(1)
		w.Header().Set("Connection", "close") // the caller's next request goes elsewhere
	}
	r = engine.AtDoor(l.enter(r))
	t := l.routing.Load()
	if !t.alone && l.events.Hears(event.Exchanges) {
		l.serveHeard(w, r)
		return
	}
	if event.GivenID(r.Header) != "" {
		w.Header()[requestID] = r.Header[requestID]
	}
	t.ServeHTTP(w, r)
}

func (l *listener) address() *net.TCPAddr { return l.net.Addr().(*net.TCPAddr) }

func (l *listener) isLoopback() bool { return l.address().IP.IsLoopback() }

// hostPort is how a client on this machine reaches a server that is bound to b.
func (l *listener) hostPort(b bind) string {
	host := b.ip()
	if !host.IsValid() {
		host = l.address().AddrPort().Addr()
	}
	text := host.String()
	if host.IsUnspecified() {
		text = "127.0.0.1"
	}
	return net.JoinHostPort(text, strconv.Itoa(l.address().Port))
}

// listen finds or opens the sockets of the generations to come.
func (h *Host) listen(next []*generation) (at map[serverID]*listener, problems []error) {
	at = map[serverID]*listener{}
	var ports []int
	byPort := map[int][]*generation{}
	for _, g := range next {
		if g.bind.port != 0 && byPort[g.bind.port] == nil {
			ports = append(ports, g.bind.port)
		}
		byPort[g.bind.port] = append(byPort[g.bind.port], g)
	}
	// The system could give a declared port for a free one, so these come last.
	for _, port := range ports {
		found, failed := h.listenPort(byPort[port])
		problems = append(problems, failed...)
		for _, g := range byPort[port] {
			if l := found[g.bind]; l != nil {
				at[g.id] = l
			}
		}
	}
	for _, g := range byPort[0] {
		l := h.find(func(l *listener) bool { return l.of == g.id })
		if l == nil {
			var err error
			if l, err = h.open(g.bind); err != nil {
				problems = append(problems, err)
				continue
			}
			l.of = g.id
		}
		at[g.id] = l
	}
	return at, problems
}

// listenPort finds or opens the sockets of one port, by the binds that use them.
func (h *Host) listenPort(all []*generation) (found map[bind]*listener, problems []error) {
	var binds []bind
	for _, g := range all {
		if !slices.Contains(binds, g.bind) {
			binds = append(binds, g.bind)
		}
	}
	found = map[bind]*listener{}
	socket := sockets(binds)
	for _, b := range binds {
		want := socket[b]
		l := h.find(func(l *listener) bool { return l.covers(want) })
		if l == nil {
			h.release(want)
			var err error
			l, err = h.open(want)
			if err != nil && want != b {
				l, err = h.open(b) // at least this address may be had
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
		}
		found[b] = l
	}
	return found, problems
}

func (h *Host) find(fits func(*listener) bool) *listener {
	if i := slices.IndexFunc(h.listeners, fits); i >= 0 {
		return h.listeners[i]
	}
	return nil
}

// release closes the sockets that one for want takes in, since both cannot be
// open: what runs on them goes on.
func (h *Host) release(want bind) {
	h.listeners = slices.DeleteFunc(h.listeners, func(l *listener) bool {
		if l.bind != want && want.covers(l.bind) {
			h.retire(l, h.drain())
			return true
		}
		return false
	})
}

func (h *Host) open(b bind) (*listener, error) {
	ln, err := net.Listen("tcp", b.String())
	if err != nil {
		return nil, h.taken(b, err)
	}
	front := &h.config.Front
	l := &listener{bind: b, net: newPatient(ln), events: h.config.Events, capture: h.config.Process.Capture,
		enter: func(r *http.Request) *http.Request { return front.enter(r, h.config.LocalSessions) }}
	l.http = &http.Server{
		Handler:           l,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		// adapters set deadlines of their own when they write; this ends theirs with the request
		WriteTimeout:   5 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(h.config.Logger.Handler(), slog.LevelDebug),
		ConnContext:    front.connected,
	}
	if l.secure = front.TLS != nil; l.secure {
		l.http.TLSConfig = front.TLS.config()
	}
	h.listeners = append(h.listeners, l)
	return l, nil
}

// taken says why an address cannot be had.
func (h *Host) taken(b bind, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("open servers: cannot listen on %s: %w", b, err)
	}
	for _, l := range h.listeners {
		if l.address().Port == b.port {
			return fmt.Errorf("open servers: %s is in use by this process, which listens on %s; change the port in one of the documents", b, l.address())
		}
	}
	return fmt.Errorf("open servers: %s is in use by another process; stop it, change the port in the document, or start with --ports auto", b)
}

// route leads the requests of every listener to its generations, lets new
// listeners accept, and closes those that have nothing to serve any more.
func (h *Host) route(next map[*listener][]*generation) {
	h.listeners = slices.DeleteFunc(h.listeners, func(l *listener) bool {
		all := next[l]
		if len(all) == 0 {
			h.retire(l, h.drain())
			return true
		}
		l.endpoints = h.config.endpoints(declarations(all), l.endpoints.owners())
		l.routing.Store(h.config.newRouting(all, l.endpoints))
		if h.serving && !l.accepts {
			h.accept(l)
		}
		return false
	})
}

func declarations(all []*generation) []*declared {
	list := make([]*declared, len(all))
	for i, g := range all {
		list[i] = &g.declared
	}
	return list
}

package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
)

// ControlAddress is where the control server of a process listens: on a Unix
// socket, or on a host and port.
type ControlAddress struct {
	Socket string // path; "" is none
	bind
}

// ParseControlAddress reads unix:PATH, HOST:PORT or PORT, which is of loopback.
func ParseControlAddress(text string) (a ControlAddress, err error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if path = strings.TrimPrefix(path, "//"); path == "" {
			return a, errors.New("want unix:PATH, HOST:PORT or a port")
		}
		return ControlAddress{Socket: path}, nil
	}
	host, number, err := net.SplitHostPort(text)
	if err != nil {
		host, number = "", text
	}
	port, err := strconv.Atoi(number)
	if err != nil || port < 0 || port > 65535 {
		return a, errors.New("want unix:PATH, HOST:PORT or a port")
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return a, fmt.Errorf("%q is no address of this machine; want unix:PATH, HOST:PORT or a port", host)
	}
	return ControlAddress{bind: bind{ip.Unmap().String(), port}}, nil
}

// String is the address as ParseControlAddress reads it.
func (a ControlAddress) String() string {
	switch {
	case a == ControlAddress{}:
		return ""
	case a.Socket != "":
		return "unix:" + a.Socket
	}
	return a.bind.String()
}

// ownControl is the control server of the process, which no document declares.
type ownControl struct {
	net    *patient
	http   *http.Server
	server *control.Server
	socket string // file
	secure bool   // it speaks TLS
}

func (h *Host) openControl(a ControlAddress) (*ownControl, error) {
	o := &ownControl{socket: a.Socket}
	ln, err := a.listen()
	if err != nil {
		return nil, fmt.Errorf("open control server: %w", err)
	}
	o.net = newPatient(ln)
	private := a.Socket != "" || a.exposure().loopback
	screen := h.config.screen(private)
	o.server = control.New(control.Config{Process: &h.config.Process, Screen: screen, Token: h.config.ControlToken,
		Logger: h.config.Logger})
	everything := o.server.Prepare(nil, &plan.Server{Type: "control", Control: control.Everything()})
	o.http = &http.Server{
		Handler:           everything.Handler(func(next http.Handler) http.Handler { return next }),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, WriteTimeout: 5 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(h.config.Logger.Handler(), slog.LevelDebug),
	}
	if tls := h.config.Front.TLS; tls != nil && !private { // this machine's own programs need none
		o.secure, o.http.TLSConfig = true, tls.config()
	}
	return o, nil
}

// listen opens the address. A socket is its owner's alone from the first moment
// on: it is made in a folder of theirs and then moved.
func (a ControlAddress) listen() (net.Listener, error) {
	if a.Socket == "" {
		return net.Listen("tcp", a.bind.String())
	}
	if conn, err := net.Dial("unix", a.Socket); err == nil {
		conn.Close()
		return nil, fmt.Errorf("%s is in use by another process", a.Socket)
	}
	if info, err := os.Lstat(a.Socket); err == nil && info.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("%s is there, and is no socket", a.Socket)
	}
	folder, err := os.MkdirTemp(filepath.Dir(a.Socket), ".f*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	err = os.Chmod(filepath.Join(folder, "s"), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(folder, "s"), a.Socket)
	}
	if err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

func (o *ownControl) accept(h *Host) {
	h.running.Go(func() { // it ends with the process, and takes nobody else along
		if o.secure {
			_ = o.http.ServeTLS(o.net, "", "")
		} else {
			_ = o.http.Serve(o.net)
		}
	})
}

// close ends the control server, which is the last thing that answers.
func (o *ownControl) close(served bool) {
	o.server.Close()
	if served {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if o.http.Shutdown(ctx) != nil {
			o.http.Close()
		}
	}
	o.net.Listener.Close()
	if o.socket != "" {
		os.Remove(o.socket)
	}
}

// Control is where the process's own control server is, for people and for
// --control; "" without one.
func (h *Host) Control() string {
	switch {
	case h.own == nil:
		return ""
	case h.own.socket != "":
		return "unix:" + h.own.socket
	}
	address := h.own.net.Addr().String()
	scheme := "" // which commands need not be told
	if h.own.secure {
		scheme = "https://"
	}
	at, err := netip.ParseAddrPort(address)
	switch {
	case err != nil || !at.Addr().IsUnspecified():
		return scheme + address
	case h.own.secure: // certificates are of names
		return fmt.Sprintf("%slocalhost:%d", scheme, at.Port())
	}
	return fmt.Sprintf("127.0.0.1:%d", at.Port())
}

// Generation says what reloads did.
func (h *Host) Generation() control.Generation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.generation
}

// TakesToken reports whether there is a control server of which somebody may need
// the token.
func (h *Host) TakesToken() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.servers {
		if c := s.current.server.Control; c != nil && s.current.guard == nil && (c.Reload || c.Scripting || c.Levels) {
			return true
		}
	}
	return h.own != nil && h.own.socket == ""
}

// keepPrivate notes where the control servers are.
func (h *Host) keepPrivate() {
	var all []netip.AddrPort
	add := func(l *patient) {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			all = append(all, netip.AddrPortFrom(a.AddrPort().Addr().Unmap().WithZone(""), a.AddrPort().Port()))
		}
	}
	for _, s := range h.servers {
		if kinds[s.current.server.Type].alone {
			add(s.current.listener.net)
		}
	}
	if h.own != nil {
		add(h.own.net)
	}
	h.private.Store(&all)
}

// IsControl reports whether connections to an address reach a control server of
// this process: no document may call it.
func (h *Host) IsControl(to netip.AddrPort) bool {
	all := h.private.Load()
	if all == nil {
		return false
	}
	ip := to.Addr().Unmap().WithZone("")
	for _, a := range *all {
		if a.Port() != to.Port() {
			continue
		}
		switch {
		case a.Addr() == ip, ip.IsUnspecified(), a.Addr().IsLoopback() && ip.IsLoopback(),
			a.Addr().IsUnspecified() && isOfMachine(ip):
			return true
		}
	}
	return false
}

// isOfMachine reports whether an address is one of this machine's.
func isOfMachine(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true // as far as anybody knows
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == ip {
				return true
			}
		}
	}
	return false
}

// completeProcess fills in what the host knows itself.
func (h *Host) completeProcess() {
	p := &h.config.Process
	p.Version = cmp.Or(p.Version, h.config.Version)
	if p.Began.IsZero() {
		p.Began = time.Now()
	}
	p.State, p.Secrets, p.Upstreams, p.Sessions = h.state, h.unreadable, h.reach, h.sessions
}

// mostFindings is how many findings of a document are shown.
const mostFindings = 50

func (h *Host) state() control.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := control.State{Generation: h.generation, Stopping: h.ending.Load(), Adapters: []control.Adapter{},
		Documents: []control.Document{}, Missing: []string{}}
	if out.Stopping {
		until := h.stops
		out.Until = &until
	}
	for _, s := range h.servers {
		g := s.current
		out.Adapters = append(out.Adapters, control.Adapter{Type: g.server.Type, Namespace: g.server.Namespace,
			Port: g.listener.address().Port, State: "started", URL: g.url(), Document: g.document.Name,
			Units: len(g.adapter.Units()), Running: s.running.Load()})
	}
	for _, d := range h.stopped {
		out.Adapters = append(out.Adapters, control.Adapter{Type: d.server.Type, Namespace: d.server.Namespace,
			Port: d.bind.port, State: "stopped", Document: d.document.Name})
	}
	for _, d := range h.documents {
		out.Documents = append(out.Documents, described(d))
	}
	out.Upstreams = h.apis()
	if h.config.Missing != nil {
		out.Missing = append(out.Missing, h.config.Missing(h.documents)...)
	}
	return out
}

// apis are the consumed APIs with what holds their calls back.
func (h *Host) apis() []control.API {
	all := []control.API{}
	var gates []upstream.Gate
	if h.config.Gates != nil {
		gates = h.config.Gates()
	}
	for _, d := range h.documents {
		if d.Plan == nil {
			continue
		}
		for _, u := range d.Plan.Upstreams {
			api := control.API{Document: d.Name, Namespace: u.Namespace, URL: u.URL, Withheld: u.Problem}
			for _, g := range gates {
				if name, _, _ := strings.Cut(g.Name, " "); name == u.Namespace || strings.HasPrefix(name, u.Namespace+".") {
					api.Gates = append(api.Gates, gateOf(g))
				}
			}
			all = append(all, api)
		}
	}
	return all
}

func gateOf(g upstream.Gate) control.Gate {
	one := control.Gate{Name: g.Name, Breaker: g.Breaker, Failed: g.Failed, Counted: g.Counted, Running: g.Running,
		Concurrent: g.Concurrent, Remaining: g.Remaining}
	if g.Every > 0 {
		one.PerSecond = float64(time.Second) / float64(g.Every)
	}
	if !g.Until.IsZero() {
		one.Until = &g.Until
	}
	if !g.Reset.IsZero() {
		one.Reset = &g.Reset
	}
	return one
}

// sessions counts those of people, which files or memory hold.
func (h *Host) sessions(ctx context.Context) (n int, ok bool) {
	if h.config.Sessions == nil || h.config.Sessions.Vault == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	list, unreadable, err := h.config.Sessions.Vault.List(ctx)
	return len(list) + unreadable, err == nil
}

func described(d *Document) control.Document {
	one := control.Document{Name: d.Name, Display: d.Name, Served: d.Served(), Withheld: d.Withheld(),
		Errors: d.Diags.Count(diag.Error), Warnings: d.Diags.Count(diag.Warning), Notes: d.Diags.Count(diag.Info)}
	if d.Model != nil {
		one.Display, one.SpecVersion = d.Model.Name(), d.Model.Version.String()
	}
	one.Findings = findings(d, mostFindings)
	return one
}

// findings are the errors and warnings of a document, as text.
func findings(d *Document, most int) (all []string) {
	for _, g := range d.Diags {
		if g.Severity > diag.Info && len(all) < most {
			all = append(all, g.Error())
		}
	}
	return all
}

// unreadable says of each server that lets nobody in which of its secrets is
// missing, or cannot be read where it is kept.
func (h *Host) unreadable(ctx context.Context) []string {
	return h.Closed(ctx, func(secret.Ref) bool { return true })
}

// Closed is what keeps servers from letting anybody in: their own secrets, as far as
// some are asked for, that are missing or cannot be read.
func (h *Host) Closed(ctx context.Context, some func(secret.Ref) bool) (problems []string) {
	h.mu.Lock()
	servers := make([]*generation, len(h.servers))
	for i, s := range h.servers {
		servers[i] = s.current
	}
	h.mu.Unlock()
	for _, g := range servers {
		if g.server.Auth == nil {
			continue
		}
		for _, slot := range g.server.Auth.Secrets {
			if !slices.ContainsFunc(slot.Refs, some) {
				continue
			}
			if _, err := secret.First(ctx, slot.Refs, h.config.Secrets.Get); err != nil {
				problems = append(problems, fmt.Sprintf("“%s” of %s lets nobody in: %s",
					cmp.Or(g.server.Namespace, g.server.Type), g.document.Name, err))
			}
		}
	}
	return problems
}

// reach asks every consumed API for any answer, all at once.
func (h *Host) reach(ctx context.Context) []control.Upstream {
	h.mu.Lock()
	all := []control.Upstream{}
	for _, d := range h.documents {
		if d.Plan == nil {
			continue
		}
		for _, u := range d.Plan.Upstreams {
			all = append(all, control.Upstream{Document: d.Name, Namespace: u.Namespace, URL: u.URL, Problem: u.Problem})
		}
	}
	h.mu.Unlock()
	var asking sync.WaitGroup
	places := make(chan struct{}, 16)
	for i := range all {
		u := &all[i]
		if u.Problem != "" || h.config.Reach == nil {
			u.Problem = cmp.Or(u.Problem, "it cannot be asked here")
			continue
		}
		asking.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			began := time.Now()
			if err := h.config.Reach(ctx, u.URL); err != nil {
				u.Problem = err.Error()
			} else {
				u.Reachable = true
			}
			u.Millis = float64(time.Since(began).Microseconds()) / 1000
		})
	}
	asking.Wait()
	return all
}

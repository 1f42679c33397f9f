package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Stop is what a host that ends waits for.
type Stop struct {
	Began   bool      // the first one
	Over    bool      // the last one: nothing is waited for any more
	Running []Adapter // servers on which requests run, with how many
	Until   time.Time // when what still runs is cut off
}

// Serve accepts requests until ctx is done, then stops accepting, finishes what
// runs, and returns nil. An error is a listener that broke.
func (h *Host) Serve(ctx context.Context) error {
	h.mu.Lock()
	h.serving = true
	for _, l := range h.listeners {
		h.accept(l)
	}
	if h.own != nil {
		h.own.accept(h)
	}
	h.mu.Unlock()
	var err error
	select {
	case <-ctx.Done():
	case err = <-h.failed:
	}
	h.stop()
	return err
}

// stop ends in order. Who asks for readiness hears of it first; then, for as long
// as it lingers, connections are taken and told that they end with their request;
// then none are, and streams are told to come back. Control servers answer until
// all that has ended.
func (h *Host) stop() {
	drain := h.drain()
	h.mu.Lock()
	h.stops = time.Now().Add(drain)
	h.ending.Store(true)
	for _, l := range h.listeners {
		l.ending.Store(true)
	}
	h.mu.Unlock()
	ended := h.tell()
	h.linger()
	h.mu.Lock()
	h.closed = true
	var last []*listener
	for _, s := range h.servers {
		if kinds[s.current.server.Type].alone {
			last = append(last, s.current.listener)
			continue
		}
		s.adapter.Close() // ends the streams that would last for ever
	}
	for _, l := range h.listeners {
		if !slices.Contains(last, l) {
			h.retire(l, drain)
		}
	}
	h.mu.Unlock()
	h.draining.Wait()
	ended()
	h.mu.Lock()
	for _, s := range h.servers {
		s.adapter.Close()
	}
	for _, l := range last {
		h.retire(l, time.Second)
	}
	if h.own != nil {
		h.own.close(true)
	}
	h.mu.Unlock()
	h.draining.Wait()
	h.running.Wait()
}

// silence is how long no request comes before nobody is taken to send one.
const silence = 100 * time.Millisecond

// mostLinger is how long a host lingers at most where nobody says otherwise.
const mostLinger = time.Second

// linger waits while requests still come.
func (h *Host) linger() {
	if h.config.Limits.Linger > 0 {
		time.Sleep(h.config.Limits.Linger)
		return
	}
	h.mu.Lock()
	all := slices.Clone(h.listeners)
	h.mu.Unlock()
	settle(silence, all...)
}

// settle waits until no request has come to listeners that end for so long.
func settle(quiet time.Duration, all ...*listener) {
	count := func() (n int64) {
		for _, l := range all {
			n += l.late.Load()
		}
		return n
	}
	began, last, seen := time.Now(), time.Now(), count()
	for time.Since(began) < mostLinger && time.Since(last) < quiet {
		time.Sleep(min(quiet, 10*time.Millisecond))
		if n := count(); n != seen {
			last, seen = time.Now(), n
		}
	}
}

// report is how often a host that ends says what it waits for.
const report = 5 * time.Second

// tell says what the host waits for, now, from time to time, and when ended is
// called, for the last time.
func (h *Host) tell() (ended func()) {
	say := h.config.Stops
	if say == nil {
		return func() {}
	}
	say(h.waits(Stop{Began: true}))
	done, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(report)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				say(h.waits(Stop{}))
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-told
		say(h.waits(Stop{Over: true}))
	}
}

func (h *Host) waits(s Stop) Stop {
	for _, a := range h.Adapters() {
		if a.Running > 0 && a.Type != "control" {
			s.Running = append(s.Running, a)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Until = h.stops
	return s
}

// accept lets a listener answer requests.
func (h *Host) accept(l *listener) {
	l.accepts = true
	h.running.Go(func() {
		serve := l.http.Serve
		if l.secure {
			serve = func(n net.Listener) error { return l.http.ServeTLS(n, "", "") }
		}
		if err := serve(l.net); !errors.Is(err, http.ErrServerClosed) && !l.net.closing.Load() {
			select {
			case h.failed <- fmt.Errorf("serve %s: %w", l.bind, err):
			default:
			}
		}
	})
}

// retire stops a listener from accepting at once, and ends it when what runs on
// it has finished, or the time of a drain is over. A server of net/http that shuts
// down drops requests that it has not read yet, so that has to wait until those who
// are connected have sent theirs.
func (h *Host) retire(l *listener, drain time.Duration) {
	if !h.serving {
		l.net.Listener.Close()
		return
	}
	l.ending.Store(true)
	l.net.Close()
	select {
	case <-l.net.closed:
	case <-time.After(10 * grace): // nobody accepts yet
		l.net.Listener.Close()
	}
	h.draining.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		settle(min(silence, cmp.Or(h.config.Limits.Linger, silence)), l)
		if l.http.Shutdown(ctx) != nil {
			l.http.Close()
		}
	})
}

// Close closes a host that was opened and never served.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, l := range h.listeners {
		l.net.Listener.Close()
	}
	for _, s := range h.servers {
		s.adapter.Close()
	}
	if h.own != nil {
		h.own.close(false)
	}
}

// patient is a listener that takes the connections that wait for it before it
// closes: callers whom the system has connected already are not cut off.
type patient struct {
	net.Listener
	closing atomic.Bool
	closed  chan struct{}
	once    sync.Once
}

func newPatient(l net.Listener) *patient { return &patient{Listener: l, closed: make(chan struct{})} }

// grace is how long a listener that closes takes connections.
const grace = 20 * time.Millisecond

func (p *patient) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil && p.closing.Load() {
		p.once.Do(func() {
			p.Listener.Close()
			close(p.closed)
		})
		return nil, net.ErrClosed
	}
	return conn, err
}

// Close makes Accept close the listener when nobody waits any more.
func (p *patient) Close() error {
	p.closing.Store(true)
	return p.Listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(grace))
}

package mcp

import (
	"slices"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

// hub tells listeners what changed.
type hub struct {
	mu        sync.Mutex
	listeners map[*listener]bool
	done      chan struct{} // closed when the server ends
	closed    bool
}

// listener is one subscriber. What it did not take yet is merged.
type listener struct {
	hub     *hub
	want    wire.Filter
	pending wire.Filter
	signal  chan struct{}
	// The handles of sign-in pages that a client of an older revision was asked to open,
	// and of those whose person has signed in.
	awaits   map[string]bool
	signedIn []string
}

func (l *listener) wake() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

func (h *hub) listen(want wire.Filter) *listener {
	l := &listener{hub: h, want: want, signal: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[*listener]bool{}
	}
	h.listeners[l] = true
	return l
}

// announce tells of a reload: the lists that changed, and all resources, for
// whose content nobody can vouch.
func (h *hub) announce(change wire.Filter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.pending.Tools = l.pending.Tools || l.want.Tools && change.Tools
		l.pending.Prompts = l.pending.Prompts || l.want.Prompts && change.Prompts
		l.pending.Resources = l.pending.Resources || l.want.Resources && change.Resources
		l.pending.URIs = slices.Clone(l.want.URIs)
		l.wake()
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
}

func (l *listener) stop() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.hub.listeners, l)
}

// take returns what changed since the last time.
func (l *listener) take() wire.Filter {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	f := l.pending
	l.pending = wire.Filter{}
	return f
}

// follow adds or removes a resource.
func (l *listener) follow(uri string, wanted bool) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.want.URIs = slices.DeleteFunc(slices.Clone(l.want.URIs), func(u string) bool { return u == uri })
	if wanted {
		l.want.URIs = append(l.want.URIs, uri)
	}
}

// keepAlive is how often an idle subscription stream shows that it lives.
const keepAlive = 25 * time.Second

// listen serves subscriptions/listen until the client cancels or the server
// ends; only then there is an answer.
func (r *request) listen(p *listenParams) *wire.Error {
	if r.sink == nil {
		return wire.Invalid("subscriptions/listen needs a message of its own")
	}
	want := wire.Filter{
		Tools:     p.want.Tools && r.view.Features[catalogue.ToolsFeature],
		Prompts:   p.want.Prompts && r.view.Features[catalogue.PromptsFeature],
		Resources: p.want.Resources && r.view.Features[catalogue.ResourcesFeature],
	}
	for _, uri := range p.want.URIs {
		if _, known := r.view.Resource(uri); known {
			want.URIs = append(want.URIs, uri)
		}
	}
	l := r.h.hub.listen(want)
	defer l.stop()
	meta := append(append([]byte(`{"`+wire.MetaSubscription+`":`), r.ID...), '}')
	ack := []byte(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":`)
	ack = append(append(ack, meta...), `,"notifications":`...)
	if !r.sink.Send(append(want.Value().AppendJSON(ack), "}}"...)) {
		r.silent = true
		return nil
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for alive := true; alive; {
		select {
		case <-l.signal:
			alive = l.take().Each(meta, r.sink.Send)
		case <-tick.C:
			alive = r.sink.Alive()
		case <-r.ctx.Done():
			alive = false
		case <-r.stdio.end():
			return r.endListen()
		case <-r.h.hub.done:
			return r.endListen()
		}
	}
	r.silent = true
	return nil
}

func (r *request) endListen() *wire.Error {
	r.Out = append(append(r.Out, `{"resultType":"complete","_meta":{"`+wire.MetaServer+`":`...), r.view.Info...)
	r.Out = append(append(append(r.Out, `,"`+wire.MetaSubscription+`":`...), r.ID...), "}}"...)
	return nil
}

// subscribe serves resources/subscribe of older revisions. On HTTP, where these
// have no stream to be told on, it only checks the resource.
func (r *request) subscribe(p *resourceParams) *wire.Error {
	if _, known := r.view.Resource(string(p.uri)); !known {
		return r.noResource(p.uri)
	}
	return r.follow(p.uri, true)
}

func (r *request) unsubscribe(p *resourceParams) *wire.Error { return r.follow(p.uri, false) }

func (r *request) follow(uri []byte, wanted bool) *wire.Error {
	if r.stdio != nil {
		r.stdio.changes.follow(string(uri), wanted)
	}
	return r.empty()
}

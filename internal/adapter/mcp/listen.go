package mcp

import (
	"slices"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// filter is what a subscriber wants to hear of, or what has changed.
type filter struct {
	tools, prompts, resources bool
	uris                      []string
}

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
	want    filter
	pending filter
	signal  chan struct{}
}

func (h *hub) listen(want filter) *listener {
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
func (h *hub) announce(change filter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.pending.tools = l.pending.tools || l.want.tools && change.tools
		l.pending.prompts = l.pending.prompts || l.want.prompts && change.prompts
		l.pending.resources = l.pending.resources || l.want.resources && change.resources
		l.pending.uris = slices.Clone(l.want.uris)
		select {
		case l.signal <- struct{}{}:
		default:
		}
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
func (l *listener) take() filter {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	f := l.pending
	l.pending = filter{}
	return f
}

// follow adds or removes a resource.
func (l *listener) follow(uri string, wanted bool) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.want.uris = slices.DeleteFunc(slices.Clone(l.want.uris), func(u string) bool { return u == uri })
	if wanted {
		l.want.uris = append(l.want.uris, uri)
	}
}

// each calls send with a notification for everything in f. Meta is the text of
// _meta, or nil.
func (f filter) each(meta []byte, send func([]byte) bool) bool {
	ok := true
	note := func(method, uri string) {
		m := append([]byte(`{"jsonrpc":"2.0","method":"notifications/`+method+`"`), `,"params":{`...)
		if meta != nil {
			m = append(append(m, `"_meta":`...), meta...)
		}
		if uri != "" {
			if meta != nil {
				m = append(m, ',')
			}
			m = value.AppendString(append(m, `"uri":`...), uri)
		}
		ok = ok && send(append(m, "}}"...))
	}
	for _, list := range []struct {
		changed bool
		method  string
	}{{f.tools, "tools/list_changed"}, {f.prompts, "prompts/list_changed"}, {f.resources, "resources/list_changed"}} {
		if list.changed {
			note(list.method, "")
		}
	}
	for _, uri := range f.uris {
		note("resources/updated", uri)
	}
	return ok
}

// keepAlive is how often an idle subscription stream shows that it lives.
const keepAlive = 25 * time.Second

// listen serves subscriptions/listen until the client cancels or the server
// ends; only then there is an answer.
func (r *request) listen() *rpcError {
	if r.sink == nil {
		return invalid("subscriptions/listen needs a message of its own")
	}
	want := filter{
		tools:     r.params.want.tools && r.view.features[toolsFeature],
		prompts:   r.params.want.prompts && r.view.features[promptsFeature],
		resources: r.params.want.resources && r.view.features[resourcesFeature],
	}
	for _, uri := range r.params.want.uris {
		if _, known := r.view.resource(uri); known {
			want.uris = append(want.uris, uri)
		}
	}
	l := r.h.hub.listen(want)
	defer l.stop()
	meta := append(append([]byte(`{"`+metaSubscription+`":`), r.id...), '}')
	ack := append(append([]byte(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":`), meta...), `,"notifications":`...)
	if !r.sink.send(append(want.value().AppendJSON(ack), "}}"...)) {
		r.silent = true
		return nil
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for alive := true; alive; {
		select {
		case <-l.signal:
			alive = l.take().each(meta, r.sink.send)
		case <-tick.C:
			alive = r.sink.alive()
		case <-r.ctx.Done():
			alive = false
		case <-r.session.end():
			return r.endListen()
		case <-r.h.hub.done:
			return r.endListen()
		}
	}
	r.silent = true
	return nil
}

func (r *request) endListen() *rpcError {
	r.out = append(append(r.out, `{"resultType":"complete","_meta":{"`+metaServer+`":`...), r.view.info...)
	r.out = append(append(append(r.out, `,"`+metaSubscription+`":`...), r.id...), "}}"...)
	return nil
}

// value is the filter as clients write it.
func (f filter) value() value.Value {
	v := value.Map()
	for _, list := range []struct {
		wanted bool
		name   string
	}{{f.tools, "toolsListChanged"}, {f.prompts, "promptsListChanged"}, {f.resources, "resourcesListChanged"}} {
		if list.wanted {
			v.Add(list.name, value.Boolean(true))
		}
	}
	if f.uris != nil {
		uris := value.List()
		for _, uri := range f.uris {
			uris.Append(value.Of(uri))
		}
		v.Add("resourceSubscriptions", uris)
	}
	return v
}

// subscribe serves resources/subscribe of older revisions. On HTTP, where these
// have no stream to be told on, it only checks the resource.
func (r *request) subscribe() *rpcError {
	if _, known := r.view.resource(string(r.params.uri)); !known {
		return r.noResource()
	}
	return r.follow(true)
}

func (r *request) unsubscribe() *rpcError { return r.follow(false) }

func (r *request) follow(wanted bool) *rpcError {
	if r.session != nil {
		r.session.changes.follow(string(r.params.uri), wanted)
	}
	return r.empty()
}

package mcp

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// Revisions before 2026-07-28 have requests that one message begins and another
// one continues: cancellation by notification, and questions to the user, which
// the server sends as requests of its own. Both must reach the process that
// serves the request; nothing else depends on where a message arrives.

// askingSession ends the session id of a client that can ask its user. It is all
// that is remembered of an initialize over HTTP, and the client remembers it:
// whoever makes up an id is asked itself.
const askingSession = ".asks"

// firstWithForms is the first revision in which servers ask users by forms.
const firstWithForms = "2025-06-18"

func newSessionID(asks bool) string {
	if asks {
		return rand.Text() + askingSession
	}
	return rand.Text()
}

// running are the requests that a notification can cancel, by client and id.
type running struct {
	mu sync.Mutex
	by map[string]context.CancelFunc
}

// begin makes a request's context; end it.
func (r *running) begin(ctx context.Context, key string) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]context.CancelFunc{}
	}
	r.by[key] = cancel
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.by, key)
		cancel()
	}
}

func (r *running) cancel(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.by[key]; cancel != nil {
		cancel()
	}
}

// waiting are the questions that users have not answered yet, by the id of the
// request that asked, which nobody else can guess.
type waiting struct {
	mu sync.Mutex
	by map[string]chan value.Value
}

func (w *waiting) open() (id string, answer <-chan value.Value) {
	id = rand.Text()
	c := make(chan value.Value, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[string]chan value.Value{}
	}
	w.by[id] = c
	return id, c
}

// deliver hands a client's response to whom it is for; false means that nobody
// waits for it.
func (w *waiting) deliver(m *message) bool {
	id := strings.Trim(string(m.id), `"`)
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.by[id]
	if delete(w.by, id); c != nil {
		c <- m.result
	}
	return c != nil
}

func (w *waiting) close(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.by, id)
}

// askNow shows the user a form and waits for what they say, which becomes the
// request's response to that question. Why is set when there is none.
func (r *request) askNow(f form) (why string) {
	id, answer := r.h.waiting.open()
	defer r.h.waiting.close(id)
	message := append([]byte(`{"jsonrpc":"2.0","id":"`+id+`"`), `,"method":"elicitation/create","params":{`...)
	if !r.sink.send(append(f.appendTo(message, r.version), "}}"...)) {
		r.silent = true
		return ""
	}
	var ended chan struct{}
	if r.session != nil {
		ended = r.session.ended
	}
	late := time.NewTimer(ticketTTL)
	defer late.Stop()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case said := <-answer:
			if said.Get("action").Text() == "" {
				return "The client could not ask the user. Nothing was sent."
			}
			r.params.responses = value.Map(value.Member{Name: f.name, Value: said})
			return ""
		case <-tick.C:
			r.sink.alive()
		case <-late.C:
			return "The user did not answer in time. Nothing was sent."
		case <-r.h.hub.done:
			return "The server ended before the user answered. Nothing was sent."
		case <-ended:
			return "The input ended before the user answered. Nothing was sent."
		case <-r.ctx.Done():
			r.silent = true
			return ""
		case <-r.gone:
			r.silent = true
			return ""
		}
	}
}

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

// running are the requests that a notification can cancel.
type running struct {
	mu sync.Mutex
	by map[runningKey]*context.CancelFunc
}

// runningKey names a request: only its own client may cancel it.
type runningKey struct{ principal, client, id string }

// begin gives r a context that a notification can cancel; end it.
func (r *request) begin() (end func()) {
	if r.running == nil {
		return func() {}
	}
	all, key := r.running, runningKey{r.principal(), r.client, string(r.id)}
	ctx, cancel := context.WithCancel(r.ctx)
	r.ctx = ctx
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.by == nil {
		all.by = map[runningKey]*context.CancelFunc{}
	}
	all.by[key] = &cancel
	return func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		if all.by[key] == &cancel { // and not that of a later request with the same id
			delete(all.by, key)
		}
		cancel()
	}
}

// notified serves a notification.
func (r *request) notified() {
	if string(r.method) != "notifications/cancelled" || r.running == nil {
		return
	}
	r.running.mu.Lock()
	defer r.running.mu.Unlock()
	if cancel := r.running.by[runningKey{r.principal(), r.client, string(r.params.requestID)}]; cancel != nil {
		(*cancel)()
	}
}

// waiting are the questions that users have not answered yet, by the id of the
// request that asked, which nobody else can guess.
type waiting struct {
	mu sync.Mutex
	by map[string]asker
}

// asker is who waits for an answer.
type asker struct {
	principal string
	answer    chan value.Value
}

func (w *waiting) open(principal string) (id string, answer <-chan value.Value) {
	id = rand.Text()
	a := asker{principal, make(chan value.Value, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[string]asker{}
	}
	w.by[id] = a
	return id, a.answer
}

// responded hands a client's response to whom it is for; false means that nobody
// waits for it.
func (r *request) responded() bool {
	w, id := &r.h.waiting, strings.Trim(string(r.id), `"`)
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.by[id]
	if !ok || a.principal != r.principal() {
		return false
	}
	delete(w.by, id)
	a.answer <- r.said
	return true
}

func (w *waiting) close(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.by, id)
}

// askNow shows the user a form and waits for what they say, which becomes the
// request's response to that question. Why is set when there is none.
func (r *request) askNow(f form) (why string) {
	id, answer := r.h.waiting.open(r.principal())
	defer r.h.waiting.close(id)
	message := append([]byte(`{"jsonrpc":"2.0","id":"`+id+`"`), `,"method":"elicitation/create","params":{`...)
	if !r.sink.send(append(f.appendTo(message, r.version), "}}"...)) {
		r.silent = true
		return ""
	}
	late := time.NewTimer(ticketTTL)
	defer late.Stop()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for why == "" {
		select {
		case said := <-answer:
			return r.answeredBy(f, said)
		case <-tick.C:
			r.sink.alive()
		case <-late.C:
			why = "The user did not answer in time. Nothing was sent."
		case <-r.h.hub.done:
			why = "The server ended before the user answered. Nothing was sent."
		case <-r.session.end():
			why = "The input ended before the user answered. Nothing was sent."
		case <-r.ctx.Done():
			why, r.silent = "The call was cancelled.", true
		case <-r.gone: // and nobody can be told
			r.silent = true
			return ""
		}
	}
	select {
	case said := <-answer: // it came at the same time
		return r.answeredBy(f, said)
	default:
	}
	r.sink.send([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"` + id + `"}}`))
	return why
}

// answeredBy takes what the client says of its user's answer.
func (r *request) answeredBy(f form, said value.Value) (why string) {
	if said.Get("action").Text() == "" {
		return "The client could not ask the user. Nothing was sent."
	}
	r.params.responses = value.Map(value.Member{Name: f.name, Value: said})
	return ""
}

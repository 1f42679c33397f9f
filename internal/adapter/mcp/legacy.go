package mcp

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

// Revisions before 2026-07-28 have requests that one message begins and another
// one continues: cancellation by notification, and questions to the user, which
// the server sends as requests of its own. Both must reach the process that
// serves the request; nothing else depends on where a message arrives.

// The ends of the session id of a client that can ask its user, and open pages for
// them. They are all that is remembered of an initialize over HTTP, and the client
// remembers it: whoever makes up an id is asked itself.
const (
	askingSession  = ".asks"
	openingSession = ".opens"
)

// The first revisions in which servers ask users by forms, and let them open pages.
const (
	firstWithForms = "2025-06-18"
	firstWithPages = "2025-11-25"
)

func newSessionID(asks, opens bool) string {
	id := rand.Text()
	if opens {
		id += openingSession
	}
	if asks {
		id += askingSession
	}
	return id
}

// abilities are what a session id says that its client can do.
func abilities(id string) (asks, opens bool) {
	id, asks = strings.CutSuffix(id, askingSession)
	return asks, strings.HasSuffix(id, openingSession)
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
	all, key := r.running, runningKey{r.principal(), r.client, string(r.ID)}
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
	if r.method.is(notification) {
		r.method.serve(r)
	}
}

// cancelled cancels the request that a client names.
func (r *request) cancelled(p *cancelledParams) *wire.Error {
	if r.running == nil {
		return nil
	}
	r.running.mu.Lock()
	defer r.running.mu.Unlock()
	if cancel := r.running.by[runningKey{r.principal(), r.client, string(p.id)}]; cancel != nil {
		(*cancel)()
	}
	return nil
}

// responded hands a client's response to whom it is for; false means that nobody
// waits for it.
func (r *request) responded() bool {
	return r.h.waiting.Hand(strings.Trim(string(r.ID), `"`), r.principal(), r.Said)
}

package mcp

import (
	"context"
	"errors"

	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

// SignIns are the pages on which people sign in at the APIs that calls need them at.
type SignIns interface {
	// Page is the address of a page for the caller behind ctx, and its handle. The
	// address says nothing of anybody and lets nobody in.
	Page(ctx context.Context, want *engine.SignIn, asked session.Asked) (address, handle string, err error)
	// Drop ends a page that its person did not want.
	Drop(ctx context.Context, handle string) error
}

// signInQuestion names the request for a sign-in among those for input.
const signInQuestion = "signin"

// seek turns the failure of a call whose caller has to sign in into the way to do
// that, as far as the client can show it: by an address that it opens for its user
// (elicitation by URL), else by the failure's text. It reports true when the answer of
// the request is written; problem may be that answer.
func (r *request) seek(failure *engine.Error, unit string, d *ask.Dialog) (done bool, problem *wire.Error) {
	if failure.SignIn == nil {
		return false, nil
	}
	if r.h.cfg.SignIns == nil {
		failure.Detail = "Sign-ins are not served here."
		return false, nil
	}
	asked := session.Asked{Capability: failure.SignIn.Session.Capability, Unit: unit, Client: r.clientName(),
		Given: failure.SignIn.Given}
	address, handle, err := r.h.cfg.SignIns.Page(r.ctx, failure.SignIn, asked)
	switch {
	case errors.Is(err, session.ErrTooMany):
		failure.Detail = "Too many sign-in pages were made in the last ten minutes. Try again later."
		return false, nil
	case err != nil:
		r.h.cfg.Logger.ErrorContext(r.ctx, "a sign-in page cannot be offered", "unit", unit, "error", err)
		failure.Detail = "No sign-in page can be offered now. Ask the operator to look at the log."
		return false, nil
	}
	message := "Sign in at " + failure.SignIn.Host + " for " + unit + "."
	switch {
	case r.modern() && r.Meta.Opens:
		r.requireSignIn(d, address, handle, message)
		return true, nil
	case !r.modern() && r.opens:
		if r.stdio != nil {
			r.stdio.await(handle)
		}
		data := append(value.AppendString([]byte(`{"elicitations":[{"mode":"url","elicitationId":`), handle), `,"url":`...)
		data = append(value.AppendString(data, address), `,"message":`...)
		data = append(value.AppendString(data, message), `}]}`...)
		return true, &wire.Error{Code: wire.CodeURLElicitation, Message: message, Data: data}
	}
	failure.Detail = "Ask the user to open this address in a browser and to sign in there, then make the same call again: " +
		address + " (good for ten minutes; do not ask for the password yourself)."
	return false, nil
}

// SignedIn tells the client on standard input and output, where it is of revision
// 2025-11-25 and was asked to open the page of the handle, that its user has signed
// in (notifications/elicitation/complete). Over HTTP such a client has no stream on
// which it could be told; it calls again when its user says so.
func (h *Handler) SignedIn(handle string) {
	h.hub.mu.Lock()
	defer h.hub.mu.Unlock()
	for l := range h.hub.listeners {
		if !l.awaits[handle] {
			continue
		}
		delete(l.awaits, handle)
		l.signedIn = append(l.signedIn, handle)
		l.wake()
	}
}

// await makes tell tell the client of a page's end.
func (s *stdio) await(handle string) {
	s.changes.hub.mu.Lock()
	defer s.changes.hub.mu.Unlock()
	if s.changes.awaits == nil || len(s.changes.awaits) >= maxAwaited {
		s.changes.awaits = map[string]bool{} // pages end by themselves
	}
	s.changes.awaits[handle] = true
}

// maxAwaited bounds the pages of whose end a client is told.
const maxAwaited = 100

// tellSignedIn sends what take has not: the pages whose people have signed in.
func (s *stdio) tellSignedIn() {
	s.changes.hub.mu.Lock()
	handles := s.changes.signedIn
	s.changes.signedIn = nil
	s.changes.hub.mu.Unlock()
	for _, handle := range handles {
		s.Send(append(value.AppendString([]byte(`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":`),
			handle), "}}"...))
	}
}

// clientName is the client's own word for itself.
func (r *request) clientName() string {
	if r.stdio != nil && !r.modern() {
		if name := r.stdio.client.Load(); name != nil {
			return *name
		}
	}
	return string(r.Meta.Client)
}

// requireSignIn writes a result that asks the user to open a page (2026-07-28,
// multi-round-trip requests). The state names the page, for this call only.
func (r *request) requireSignIn(d *ask.Dialog, address, handle, message string) {
	r.Out = append(append(append(r.Out, `{"resultType":"input_required","_meta":{"`+wire.MetaServer+`":`...),
		r.view.Info...),
		`},"inputRequests":{"`+signInQuestion+`":{"method":"elicitation/create","params":{"mode":"url","url":`...)
	r.Out = append(value.AppendString(r.Out, address), `,"message":`...)
	r.Out = append(value.AppendString(r.Out, message), `}}},"requestState":"`...)
	r.Out = append(append(r.Out, r.signer().Seal(signInQuestion, d, []byte(handle))...), `"}`...)
}

// signInDialog is what the state of a sign-in is bound to: the call.
func signInDialog(t *catalogue.Tool, values []value.Value) *ask.Dialog {
	return ask.NewDialog(t.Unit.ID+" "+t.Name, nil, values)
}

// signedIn takes what a client says of a sign-in that an earlier answer asked for. Who
// declined is told so, and reported as done; the call of everybody else goes on as
// if it were new, and finds out itself whether its caller is signed in.
func (r *request) signedIn(t *catalogue.Tool, values []value.Value, user *answers) (done bool) {
	if user.state == nil || !r.modern() {
		return false
	}
	handle, _, state := r.signer().Unseal(string(user.state), signInQuestion, signInDialog(t, values))
	if state != ask.Good && state != ask.Expired {
		return false
	}
	action := user.responses.Get(signInQuestion).Get("action").Text()
	user.state, user.responses = nil, value.Value{}
	if action != "decline" && action != "cancel" {
		return false
	}
	if state == ask.Good && r.h.cfg.SignIns != nil {
		if err := r.h.cfg.SignIns.Drop(r.ctx, string(handle)); err != nil {
			r.h.cfg.Logger.WarnContext(r.ctx, "a sign-in page cannot be dropped", "error", err)
		}
	}
	r.Fail("The user did not sign in. Nothing was sent.")
	return true
}

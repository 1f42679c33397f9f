package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// act is what a tool does that makes, renews, replaces or ends the caller's session.
// It answers what may be told of the session, never its token.
func (r *invocation) act(ctx context.Context) (*Result, *Error) {
	s, role := r.unit.Session, r.unit.Role
	h, failure := r.hold(ctx, s, false)
	if failure != nil {
		return nil, failure
	}
	switch {
	case role == plan.LoginRole && h == nil:
		failure = r.signInNeeded(ctx, s)
		if failure.SignIn != nil {
			failure.SignIn.Given = r.given()
		}
		return nil, failure
	case role == plan.LoginRole:
		return r.signedIn(ctx, h.now), nil
	case h == nil && role == plan.ReplaceRole && r.lacking == nil && r.unit.Steps[0].Call.Request.Auth != nil:
		return r.single(ctx, r.unit.Steps[0].Call) // on the configured credential, which stays as it is
	case h == nil:
		return nil, r.nothingTo(ctx, s)
	case role == plan.LogoutRole:
		return r.signOut(ctx, h)
	}
	next, err := r.vault.Replace(ctx, h.key, func(ctx context.Context, old *session.Session) (*session.Session, error) {
		r.sent.add(old.Token.Reveal())
		if role == plan.RefreshRole {
			next, failure := r.refreshed(ctx, s, old)
			if failure != nil {
				return nil, refused(failure)
			}
			return next, nil
		}
		call := r.unit.Steps[0].Call
		got, failure := r.reply(ctx, call, upstream.Own{Session: fixed(old.Token.Reveal()), Carrier: &s.Send})
		if failure != nil {
			return nil, over(failure)
		}
		next, failure := sessionOf(ctx, s, call.Request.Target, got, old)
		if failure != nil {
			return nil, failure
		}
		return next, nil
	})
	switch {
	case err == nil:
		return r.signedIn(ctx, next), nil
	case errors.Is(err, session.ErrRefused), errors.Is(err, session.ErrSignIn):
		return nil, r.signInNeeded(ctx, s) // the session is over
	}
	return nil, unreadable(err)
}

// nothingTo is the failure of a tool that acts on a session which is not there.
func (r *invocation) nothingTo(ctx context.Context, s *plan.Session) *Error {
	failure := r.signInNeeded(ctx, s)
	if failure.SignIn == nil {
		return failure
	}
	doing := map[plan.Role]string{plan.RefreshRole: "renew", plan.ReplaceRole: "replace", plan.LogoutRole: "end"}
	return &Error{Kind: Denied, Title: failure.Title + ", so there is nothing to " + doing[r.unit.Role],
		Detail: "Sign in first."}
}

// signOut tells the API and forgets the session, in this order, and in any case.
func (r *invocation) signOut(ctx context.Context, h *held) (*Result, *Error) {
	err := r.vault.End(ctx, h.key, func(ctx context.Context, now *session.Session) error {
		r.sent.add(now.Token.Reveal())
		if failure := r.SignOut(ctx, h.session, now); failure != nil {
			return failure
		}
		return nil
	})
	if untold, ok := errors.AsType[*session.Untold](err); ok {
		failure := unreadable(untold.Err)
		failure.Title = "the session is forgotten here, but the API was not told: " + failure.Title
		return nil, failure
	}
	if err != nil {
		return nil, unreadable(err)
	}
	return r.told(ctx, value.Map(value.Member{Name: "signed_in", Value: value.Boolean(false)})), nil
}

// signedIn is what a tool tells of a session.
func (r *invocation) signedIn(ctx context.Context, s *session.Session) *Result {
	r.kept.note(value.Of(s.Token.Reveal()), false) // whatever the document says may be told
	r.kept.note(value.Of(s.Refresh.Reveal()), false)
	v := value.Map(value.Member{Name: "signed_in", Value: value.Boolean(true)})
	for _, shown := range s.Shown {
		if shown.Name != "signed_in" {
			v.Set(shown.Name, value.Of(shown.Text))
		}
	}
	if !s.Expires.IsZero() {
		v.Set("expires_at", value.Of(s.Expires.UTC().Format(time.RFC3339)))
	}
	return r.told(ctx, v)
}

func (r *invocation) told(ctx context.Context, v value.Value) *Result {
	return (&Result{Status: http.StatusOK, Value: v, Limit: r.client.Limits().Response}).counting(r.meter(ctx))
}

// given is what the caller gave by name, as a JSON object; "" for nothing.
func (r *invocation) given() string {
	all := value.Map()
	for i, in := range r.unit.Inputs {
		if i < len(r.args.Values) && r.args.Values[i].Kind() > value.Null {
			all.Set(in.Name, value.Of(r.args.Values[i].Text()))
		}
	}
	if all.Len() == 0 {
		return ""
	}
	return string(all.AppendJSON(nil))
}

// part runs a unit that makes, renews, replaces or ends a session. REST is the
// transparent front of such operations: their callers get the API's own answer, and
// the caller's session, if it was sent in one, follows what the answer says.
func (r *invocation) part(ctx context.Context) (*Result, *Error) {
	call := r.unit.Steps[0].Call
	if r.unit.Kind != "operation" {
		return r.act(ctx)
	}
	if r.unit.Role == plan.LoginRole {
		return r.single(ctx, call)
	}
	h, failure := r.hold(ctx, r.unit.Session, false)
	if failure != nil {
		return nil, failure
	}
	if h == nil {
		return r.single(ctx, call)
	}
	if call.Session == nil { // it takes no token, and the caller gives what it takes
		return r.single(ctx, call)
	}
	r.with = h
	if r.unit.Role == plan.LogoutRole {
		return r.endBy(ctx, h, call)
	}
	var (
		result *Result
		shaped *Error
	)
	_, err := r.vault.Replace(ctx, h.key, func(ctx context.Context, old *session.Session) (*session.Session, error) {
		h.now, h.fixed = old, true
		resp, failure := r.send(ctx, call, r.args.Entity, false)
		if failure != nil {
			return nil, over(failure)
		}
		got, failure := r.whole(ctx, resp)
		if failure != nil {
			return nil, failure
		}
		next, failure := sessionOf(ctx, h.session, call.Request.Target, got, old)
		if failure != nil {
			return nil, failure
		}
		result, shaped = r.receive(ctx, call, resp) // the session is the new one in any case
		return next, nil
	})
	if err != nil {
		result.Close()
		return nil, unreadable(err)
	}
	return result, shaped
}

// endBy sends the call that ends the session, and forgets it in any case.
func (r *invocation) endBy(ctx context.Context, h *held, call *plan.Call) (result *Result, failure *Error) {
	err := r.vault.End(ctx, h.key, func(ctx context.Context, now *session.Session) error {
		h.now, h.fixed = now, true
		if result, failure = r.single(ctx, call); failure != nil || result.Raw == nil {
			return nil
		}
		var body []byte // whose time ends here
		if body, failure = result.Bytes(maxSessionAnswer); failure == nil {
			result.Raw, result.Length = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		return nil
	})
	switch {
	case failure != nil:
		return nil, failure
	case err != nil:
		result.Close()
		return nil, unreadable(err)
	case result == nil: // somebody else has ended it meanwhile
		return nil, r.signInNeeded(ctx, h.session)
	}
	return result, nil
}

// follow lets the session in which a call was sent be what the call has made of it: a
// step of a flow, or a request that is passed on.
func (r *invocation) follow(ctx context.Context, c *plan.Call, h *held, resp *http.Response,
	failure *Error) (*http.Response, *Error) {
	kept := context.WithoutCancel(ctx)
	switch {
	case c.Role == plan.LogoutRole:
		if failure == nil || errors.Is(over(failure), session.ErrRefused) {
			if err := r.vault.Delete(kept, h.key); err != nil {
				closeBody(resp)
				return nil, unreadable(err)
			}
		}
	case failure != nil || c.Role == plan.LoginRole:
	default:
		got, failure := r.whole(ctx, resp)
		if failure != nil {
			return nil, failure
		}
		if next, failure := sessionOf(ctx, h.session, c.Request.Target, got, h.now); failure == nil {
			if err := r.vault.Put(kept, h.key, next); err != nil {
				return nil, unreadable(err)
			}
			r.sent.add(next.Token.Reveal())
		}
	}
	return resp, failure
}

func closeBody(resp *http.Response) {
	if resp != nil {
		resp.Body.Close()
	}
}

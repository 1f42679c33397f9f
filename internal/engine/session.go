package engine

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// SignIn is what a call lacks that fails with the Kind SignInNeeded: its caller is to
// sign in at an API.
type SignIn struct {
	Session *plan.Session
	Key     session.Key
	Host    string // that gets what the person types
	Given   string // what the call gave for the sign-in itself, see session.Asked
}

// settled is how long an answer of 401 to a fresh session is not blamed on it: nobody
// is asked to sign in again and again by an operation that a session is not good for.
const settled = 30 * time.Second

// held is the session that one call is sent in (upstream.Held).
type held struct {
	run     *invocation
	session *plan.Session
	key     session.Key
	now     *session.Session
	fixed   bool // no other token is tried: the session itself is being changed
}

// Token implements upstream.Held.
func (h *held) Token() string { return h.now.Token.Reveal() }

// errSettled says that a refusal is not to be blamed on the session.
var errSettled = errors.New("the session is fresh, and not to blame")

// Rejected implements upstream.Held.
func (h *held) Rejected(ctx context.Context) (string, error) {
	if h.fixed {
		return "", nil
	}
	used := h.now
	h.run.sent.add(h.Token())
	next, err := h.run.vault.Rejected(ctx, h.key, used, h.afterRefusal())
	if err != nil {
		return "", err
	}
	if next.Token == used.Token {
		return "", nil
	}
	h.now = next
	return h.Token(), nil
}

// afterRefusal renews the session that an API has refused.
func (h *held) afterRefusal() session.Renew {
	renew := h.run.renewal(h.session, h.key)
	return func(ctx context.Context, old *session.Session) (*session.Session, error) {
		switch {
		case renew != nil && !h.run.forced.once(h.key), renew == nil && time.Since(old.Made) < settled:
			return nil, errSettled
		case renew == nil:
			return nil, session.ErrRefused
		}
		return renew(ctx, old)
	}
}

// forced are the sessions that were renewed because an API refused them, and when: a
// fresh one that is refused, too, is not to blame.
type forced struct {
	mu   sync.Mutex
	last map[session.Key]time.Time
}

// once notes that the session of the key is made anew, unless it was lately.
func (f *forced) once(key session.Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.last[key]) < settled {
		return false
	}
	if f.last == nil {
		f.last = map[session.Key]time.Time{}
	}
	if n := len(f.last); n >= 64 && n&(n-1) == 0 { // when their number has doubled
		maps.DeleteFunc(f.last, func(_ session.Key, at time.Time) bool { return now.Sub(at) >= settled })
	}
	f.last[key] = now
	return true
}

// sending is what a call is sent with in the place of the configured credential, in
// this order: the caller's own header where the document lets it pass, the caller's
// session, the service account's.
func (r *invocation) sending(ctx context.Context, c *plan.Call) (upstream.Own, *Error) {
	own := upstream.Own{Authorization: r.authorization}
	if c.Session == nil {
		if r.lacking != nil && c.Request.Auth != nil && !c.Operation.NoAuth && r.authorization == "" {
			return own, r.lacking
		}
		return own, nil
	}
	if r.authorization != "" {
		return own, nil
	}
	personal := c.Role == plan.RefreshRole || c.Role == plan.LogoutRole
	h := r.with
	if h == nil || h.session != c.Session {
		var failure *Error
		if h, failure = r.hold(ctx, c.Session, !personal); failure != nil || h == nil {
			return own, r.unsigned(ctx, c, failure)
		}
	}
	r.signed.Store(true)
	r.sent.add(h.now.Refresh.Reveal()) // an API may repeat what renews the session, too
	own.Session, own.Carrier = h, &c.Session.Send
	return own, nil
}

// unsigned is what keeps a call from being sent without a session; nil where the
// configured credential serves it. The operations that renew and end sessions are
// never sent with that.
func (r *invocation) unsigned(ctx context.Context, c *plan.Call, failure *Error) *Error {
	switch {
	case failure != nil:
		return failure
	case c.Request.Auth != nil && r.lacking == nil && c.Role != plan.RefreshRole && c.Role != plan.LogoutRole:
		return nil
	}
	return r.signInNeeded(ctx, c.Session)
}

// hold is the session of the caller, else, if service is set, that of the service
// account; nil without an error where there is neither.
func (r *invocation) hold(ctx context.Context, s *plan.Session, service bool) (*held, *Error) {
	key, failure := r.sessionKey(ctx, s)
	if failure != nil {
		if _, unset := errors.AsType[*secret.MissingError](failure); unset && s.OAuth != nil {
			return nil, nil // nobody can have signed in; who has to is told why
		}
		return nil, failure
	}
	h := &held{run: r, session: s, key: key}
	if key.Principal = r.args.Principal; s.ForPeople() && !key.Principal.IsNobody() {
		h.key = key
		now, err := r.vault.Use(ctx, key, r.renewal(s, key))
		if err == nil {
			h.now = now
			return h, nil
		}
		if !errors.Is(err, session.ErrSignIn) {
			return nil, unreadable(err)
		}
	}
	if s.Service == nil || !service {
		return nil, nil
	}
	h.key.Principal = session.Service()
	if h.key.Definition, failure = r.account(ctx, s.Service, h.key.Definition); failure != nil {
		return nil, failure
	}
	now, err := r.vault.Obtain(ctx, h.key, func(ctx context.Context) (*session.Session, error) {
		return r.acquire(ctx, s)
	}, r.renewal(s, h.key))
	if err != nil {
		return nil, r.noService(s, err)
	}
	h.now = now
	return h, nil
}

// account is a definition with the values by which a service account signs in: others
// are another account. A value that is not there is named, and nothing is sent.
func (e *Engine) account(ctx context.Context, u *plan.Unit, definition [32]byte) ([32]byte, *Error) {
	if len(u.Secrets) == 0 {
		return definition, nil
	}
	r := e.begin(ctx, u, &Args{})
	defer e.release(r)
	if failure := r.fill(ctx); failure != nil {
		return definition, failure
	}
	texts := []string{string(definition[:])}
	for _, slot := range u.Secrets {
		texts = append(texts, r.frame[slot.Slot].Text())
	}
	return session.Digest(texts...), nil
}

// acquire signs the service account in.
func (e *Engine) acquire(ctx context.Context, s *plan.Session) (*session.Session, error) {
	made, failure := e.made(ctx, s, s.Service, &Args{}, upstream.Own{}, nil)
	if failure != nil {
		return nil, refused(failure)
	}
	return made, nil
}

// noService is what a caller is told when the service account cannot sign in. Only
// the operator can do something about it.
func (r *invocation) noService(s *plan.Session, err error) *Error {
	if failure, ok := errors.AsType[*Error](err); ok && failure.Kind != Answered {
		return failure
	}
	title := "the service account of “" + s.Namespace + "” cannot sign in"
	retry := true
	if failure, ok := errors.AsType[*Error](err); ok {
		title += ": " + failure.Title
		retry = failure.Retry
	}
	return &Error{Kind: Unavailable, Title: title, Detail: "Ask the operator to correct it.", Retry: retry, cause: err}
}

func unreadable(err error) *Error {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure
	}
	return &Error{Kind: Unavailable, Title: "the sessions cannot be read now",
		Detail: "Ask the operator to look at the log.", Retry: true, cause: err}
}

// sessionKey is the key of the session without a principal: where its APIs are decides.
func (e *Engine) sessionKey(ctx context.Context, s *plan.Session) (session.Key, *Error) {
	if key, ok := s.FixedKey(); ok {
		return key, nil
	}
	origin, failure := e.origin(ctx, s.At)
	if failure != nil {
		return session.Key{}, failure
	}
	var others []string
	for _, o := range s.Others {
		other, failure := e.origin(ctx, o)
		if failure != nil {
			return session.Key{}, failure
		}
		others = append(others, other)
	}
	key := s.Key(origin, others...)
	if s.OAuth != nil {
		return e.atServer(ctx, key, s.OAuth)
	}
	return key, nil
}

// origin is where an API is, as its variables say now.
func (e *Engine) origin(ctx context.Context, at plan.Whereabouts) (string, *Error) {
	if at.Base.Fixed != nil {
		return plan.Origin(at.Base.Fixed), nil
	}
	r := e.begin(ctx, at.Unit, &Args{})
	defer e.release(r)
	if failure := r.fill(ctx); failure != nil {
		return "", failure
	}
	u, err := (&upstream.Request{Target: at.Unit.ID, Base: at.Base}).At(r.frame)
	if err != nil {
		return "", fail(ctx, at.Unit.ID, err)
	}
	return plan.Origin(u), nil
}

// SessionKey is the key under which the session of a principal stands.
func (e *Engine) SessionKey(ctx context.Context, s *plan.Session, who session.Principal) (session.Key, *Error) {
	key, failure := e.sessionKey(ctx, s)
	key.Principal = who
	return key, failure
}

// signInNeeded says that the caller has to sign in, or why that cannot be.
func (r *invocation) signInNeeded(ctx context.Context, s *plan.Session) *Error {
	key, failure := r.SessionKey(ctx, s, r.args.Principal)
	if failure != nil {
		return failure
	}
	host := hostOf(key.Origin)
	if key.Principal.IsNobody() || !s.ForPeople() {
		if r.lacking != nil {
			lacking := *r.lacking
			lacking.Detail = strings.TrimSpace(lacking.Detail + " " + r.args.Nobody)
			return &lacking
		}
		return &Error{Kind: Unavailable, Title: "nobody is signed in at " + host, Detail: r.args.Nobody,
			OwnCredential: r.unit.CallerAuthorization}
	}
	return &Error{Kind: SignInNeeded, Title: "nobody is signed in at " + host, Detail: "Sign in, then ask again.",
		OwnCredential: r.unit.CallerAuthorization, SignIn: &SignIn{Session: s, Key: key, Host: host}}
}

func hostOf(origin string) string {
	if u, err := url.Parse(origin); err == nil {
		return u.Host
	}
	return origin
}

// renewal renews sessions of the key; nil where they last until their end.
func (e *Engine) renewal(s *plan.Session, key session.Key) session.Renew {
	if s.OAuth != nil {
		return e.renewedTokens(s)
	}
	service := key.Principal == session.Service()
	if s.Refresh == nil && !service {
		return nil
	}
	return func(ctx context.Context, old *session.Session) (*session.Session, error) {
		if s.Refresh != nil {
			next, failure := e.refreshed(ctx, s, old)
			if failure == nil {
				return next, nil
			}
			if err := refused(failure); !service || !errors.Is(err, session.ErrRefused) {
				return nil, err
			}
		}
		return e.acquire(ctx, s)
	}
}

// refreshed asks the API for the session that follows old.
func (e *Engine) refreshed(ctx context.Context, s *plan.Session, old *session.Session) (*session.Session, *Error) {
	return e.made(ctx, s, s.Refresh, ownArgs(s.Refresh, old), carrying(s, s.Refresh, old), old)
}

// carrying is the token of a session for one of the session's own units, unless its
// operation takes none.
func carrying(s *plan.Session, u *plan.Unit, now *session.Session) upstream.Own {
	if u.Steps[0].Call.Operation.NoAuth {
		return upstream.Own{}
	}
	return upstream.Own{Session: fixed(now.Token.Reveal()), Carrier: &s.Send}
}

// fixed is a token that no other takes the place of (upstream.Held).
type fixed string

func (f fixed) Token() string                            { return string(f) }
func (f fixed) Rejected(context.Context) (string, error) { return "", nil }

// ownArgs are what a session consists of, for its own units.
func ownArgs(u *plan.Unit, now *session.Session) *Args {
	values := make([]value.Value, len(u.Inputs))
	for i, in := range u.Inputs {
		switch in.Name {
		case "session.token":
			values[i] = value.Of(now.Token.Reveal())
		case "session.renews":
			values[i] = value.Of(now.Refresh.Reveal())
		}
	}
	return &Args{Values: values}
}

// refused marks the answers by which an API says no for good.
func refused(failure *Error) error {
	if failure.Kind == Answered {
		switch failure.Status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
			http.StatusGone, http.StatusUnprocessableEntity:
			return errors.Join(session.ErrRefused, failure)
		}
	}
	return failure
}

// over marks the answer by which an API says that a session has ended, to an operation
// that it may refuse for other reasons, too.
func over(failure *Error) error {
	if failure.Kind == Answered && failure.Status == http.StatusUnauthorized {
		return refused(failure)
	}
	return failure
}

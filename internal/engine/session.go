package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/template"
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
	origin, failure := e.origin(ctx, s.Namespace, s.At, s.Where)
	if failure != nil {
		return session.Key{}, failure
	}
	var others []string
	for _, o := range s.Others {
		other, failure := e.origin(ctx, o.Where.ID, o.At, o.Where)
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
func (e *Engine) origin(ctx context.Context, api string, at upstream.Base, where *plan.Unit) (string, *Error) {
	if at.Fixed != nil {
		return plan.Origin(at.Fixed), nil
	}
	r := e.begin(ctx, where, &Args{})
	defer e.release(r)
	if failure := r.fill(ctx); failure != nil {
		return "", failure
	}
	u, err := (&upstream.Request{Target: api, Base: at}).At(r.frame)
	if err != nil {
		return "", fail(ctx, api, err)
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
			lacking.Detail = joinSentences(lacking.Detail, r.args.Nobody)
			return &lacking
		}
		return &Error{Kind: Unavailable, Title: "nobody is signed in at " + host, Detail: r.args.Nobody,
			OwnCredential: r.unit.CallerAuthorization}
	}
	return &Error{Kind: SignInNeeded, Title: "nobody is signed in at " + host, Detail: "Sign in, then ask again.",
		OwnCredential: r.unit.CallerAuthorization, SignIn: &SignIn{Session: s, Key: key, Host: host}}
}

func joinSentences(a, b string) string { return strings.TrimSpace(a + " " + b) }

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

// SignIn signs a person in with what they typed, by the names of the session's fields.
// given is what the call gave that asked for it, see session.Asked.
func (e *Engine) SignIn(ctx context.Context, s *plan.Session, typed map[string]string,
	given string) (*session.Session, *Error) {
	beside, _ := value.Parse([]byte(given))
	values := make([]value.Value, len(s.Login.Inputs))
	for i, in := range s.Login.Inputs {
		if i < len(s.Fields) {
			if text := typed[in.Name]; text != "" {
				values[i] = value.Of(text)
			}
		} else if v := beside.Get(in.Name); v.Kind() == value.String {
			values[i] = v
		}
	}
	var missing []string
	for i, f := range s.Fields {
		if f.Required && values[i].IsAbsent() {
			missing = append(missing, f.Name)
		}
	}
	if missing != nil {
		return nil, missingInputs(missing)
	}
	return e.made(ctx, s, s.Login, &Args{Values: values}, upstream.Own{}, nil)
}

// SignOut tells the API that a session ends; nil where it needs not be told.
func (e *Engine) SignOut(ctx context.Context, s *plan.Session, now *session.Session) *Error {
	if s.OAuth != nil {
		return e.revoke(ctx, s, now)
	}
	if s.Logout == nil {
		return nil
	}
	_, failure := e.ask(ctx, s.Logout, ownArgs(s.Logout, now), carrying(s, s.Logout, now))
	if failure != nil && failure.Kind == Answered && failure.Status == http.StatusUnauthorized {
		return nil // it has ended already
	}
	return failure
}

// maxSessionAnswer bounds the answer of an operation that makes a session, in bytes.
const maxSessionAnswer = 4 << 20

// reply is an answer of an operation of a session.
type reply struct {
	header http.Header
	body   []byte
}

// ask runs one of a session's own units.
func (e *Engine) ask(ctx context.Context, u *plan.Unit, args *Args, own upstream.Own) (reply, *Error) {
	r := e.begin(ctx, u, args)
	defer e.release(r)
	failure := r.fill(ctx)
	var got reply
	if failure == nil {
		got, failure = r.reply(ctx, u.Steps[0].Call, own)
	}
	if failure != nil {
		r.conceal(failure)
	}
	r.ended(ctx, &Result{Status: http.StatusOK}, failure)
	return got, failure
}

// reply sends a call and reads its whole answer.
func (r *invocation) reply(ctx context.Context, c *plan.Call, own upstream.Own) (reply, *Error) {
	if own == (upstream.Own{}) {
		var failure *Error
		if own, failure = r.sending(ctx, c); failure != nil {
			return reply{}, failure
		}
	}
	resp, failure := r.sendWith(ctx, c, nil, own, false)
	if failure != nil {
		return reply{}, failure
	}
	raw := &Result{Raw: resp.Body, Length: resp.ContentLength, meter: r.meter(ctx)}
	body, failure := raw.Bytes(maxSessionAnswer)
	if failure != nil {
		return reply{}, failure
	}
	return reply{resp.Header, body}, nil
}

// made runs a unit and makes a session of its answer. old is the one that it follows.
func (e *Engine) made(ctx context.Context, s *plan.Session, u *plan.Unit, args *Args, own upstream.Own,
	old *session.Session) (*session.Session, *Error) {
	got, failure := e.ask(ctx, u, args, own)
	if failure != nil {
		return nil, failure
	}
	return sessionOf(ctx, s, u.Steps[0].Call.Request.Target, got, old)
}

// sessionOf is the session that an answer holds. old, if any, gives what the answer
// leaves out: what renews it, and what may be told.
func sessionOf(ctx context.Context, s *plan.Session, target string, got reply,
	old *session.Session) (*session.Session, *Error) {
	m := budget.NewMeter(ctx, nil)
	body, err := value.ParseWithin(m, got.body)
	if err != nil && budget.Of(err) {
		return nil, Spent(err)
	}
	a := &s.Answer
	token := got.first(m, body, a.Token)
	if token == "" || template.CheckHeader(token) != nil {
		return nil, Unreadable(target+" answered no token", "The document says otherwise where it stands.")
	}
	now := time.Now()
	made := &session.Session{Token: secret.New(token), Refresh: secret.New(got.first(m, body, a.Renews)), Made: now,
		Expires: got.expires(m, body, a.Expires, now), Margin: s.Margin}
	for _, part := range a.Show {
		v, _ := part.Path.First(m, body)
		secret := v.Text() == token || v.Text() == made.Refresh.Reveal()
		if v.Kind() > value.Null && v.Kind() < value.Array && !secret {
			made.Shown = append(made.Shown, session.Shown{Name: part.Name, Text: v.Text()})
		}
	}
	if old != nil {
		if made.Refresh.IsEmpty() && len(a.Renews) > 0 {
			made.Refresh = old.Refresh
		}
		for _, shown := range old.Shown {
			if !slices.ContainsFunc(made.Shown, func(o session.Shown) bool { return o.Name == shown.Name }) {
				made.Shown = append(made.Shown, shown)
			}
		}
	}
	if err := m.Err(); err != nil {
		return nil, Spent(err)
	}
	return made, nil
}

// first is the text at the first of the places that has one.
func (g *reply) first(m *budget.Meter, body value.Value, parts []plan.AnswerPart) string {
	for _, part := range parts {
		text := ""
		switch {
		case part.Header != "":
			text = g.header.Get(part.Header)
		case part.Cookie != "":
			for _, c := range (&http.Response{Header: g.header}).Cookies() {
				if c.Name == part.Cookie {
					text = c.Value
				}
			}
		default:
			if v, _ := part.Path.First(m, body); v.Kind() == value.String || v.Kind() == value.Number {
				text = v.Text()
			}
		}
		if text != "" {
			return text
		}
	}
	return ""
}

// expires is the end that the first of the places gives; zero when none does.
func (g *reply) expires(m *budget.Meter, body value.Value, from []plan.Expiry, now time.Time) time.Time {
	for _, e := range from {
		switch {
		case e.Life > 0:
			return now.Add(e.Life)
		case e.In != nil:
			v, _ := e.In.First(m, body)
			if s, err := strconv.ParseFloat(v.Text(), 64); err == nil && s > 0 && s < 1e9 {
				return now.Add(time.Duration(s * float64(time.Second)))
			}
		default:
			if v, _ := e.At.First(m, body); v.Kind() > value.Null {
				if at, ok := parseTime(v.Text()); ok {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// parseTime reads a time: RFC 3339, of HTTP, or seconds or milliseconds since 1970.
func parseTime(text string) (time.Time, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		const milliseconds = 1e11 // as seconds, it is the year 5138
		switch {
		case n >= milliseconds && n < 1e15:
			return time.UnixMilli(int64(n)), true
		case n > 0 && n < milliseconds:
			return time.Unix(int64(n), 0), true
		}
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", http.TimeFormat} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

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
		got, failure := r.reply(ctx, r.unit.Steps[0].Call, upstream.Own{Session: fixed(old.Token.Reveal()), Carrier: &s.Send})
		if failure == nil {
			next, failure := sessionOf(ctx, s, r.unit.Steps[0].Call.Request.Target, got, old)
			if failure == nil {
				return next, nil
			}
			return nil, failure
		}
		if failure.Kind == Answered && failure.Status == http.StatusUnauthorized {
			return nil, refused(failure)
		}
		return nil, failure
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
			if failure.Kind == Answered && failure.Status == http.StatusUnauthorized {
				return nil, refused(failure)
			}
			return nil, failure
		}
		raw := &Result{Raw: resp.Body, Length: resp.ContentLength, meter: r.meter(ctx)}
		body, failure := raw.Bytes(maxSessionAnswer)
		if failure != nil {
			return nil, failure
		}
		next, failure := sessionOf(ctx, h.session, call.Request.Target, reply{resp.Header, body}, old)
		if failure != nil {
			return nil, failure
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
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
		if failure == nil || failure.Kind == Answered && failure.Status == http.StatusUnauthorized {
			if err := r.vault.Delete(kept, h.key); err != nil {
				closeBody(resp)
				return nil, unreadable(err)
			}
		}
	case failure != nil || c.Role == plan.LoginRole:
	default:
		raw := &Result{Raw: resp.Body, Length: resp.ContentLength, meter: r.meter(ctx)}
		body, failure := raw.Bytes(maxSessionAnswer)
		if failure != nil {
			return nil, failure
		}
		if next, failure := sessionOf(ctx, h.session, c.Request.Target, reply{resp.Header, body}, h.now); failure == nil {
			if err := r.vault.Put(kept, h.key, next); err != nil {
				return nil, unreadable(err)
			}
			r.sent.add(next.Token.Reveal())
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return resp, failure
}

func closeBody(resp *http.Response) {
	if resp != nil {
		resp.Body.Close()
	}
}

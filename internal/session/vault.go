package session

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
)

// Vault keeps sessions sealed in a Store and renews them, one renewal at a time
// for each session however many calls and replicas wait for it. A store that
// cannot be reached is an error; ErrSignIn is said of nobody whom it does not know.
type Vault struct {
	box *box

	mu     sync.Mutex
	failed map[Key]failure // of Obtain
}

// failure is why a session could not be had lately.
type failure struct {
	err   error
	until time.Time
}

// NewVault makes a Vault. log may be nil.
func NewVault(store Store, sealer *Sealer, log *slog.Logger) *Vault {
	return OpenVault(func(context.Context) (Store, *Sealer, error) { return store, sealer, nil }, log)
}

// OpenVault makes a Vault that opens its store when it is first used. What fails
// is tried again by the next use. log may be nil.
func OpenVault(open Open, log *slog.Logger) *Vault {
	return &Vault{box: newBox(open, log), failed: map[Key]failure{}}
}

// NewMemoryVault makes a Vault that forgets everything with the process. log may be nil.
func NewMemoryVault(log *slog.Logger) *Vault {
	key := make([]byte, MinKey)
	rand.Read(key)              // never fails (crypto/rand)
	sealer, _ := NewSealer(key) // the key is long enough
	return NewVault(NewMemory(), sealer, log)
}

// NameLocal tells the local user of this process from those of others who share the
// store. Call it before the first use.
func (v *Vault) NameLocal(name string) { v.box.local = name }

// Open opens the store if it is not open yet.
func (v *Vault) Open(ctx context.Context) error {
	_, _, err := v.box.opened(ctx)
	return err
}

// Close closes the store; nothing can be used afterwards.
func (v *Vault) Close() error { return v.box.close() }

// ErrSignIn says that nobody is signed in, or no longer.
var ErrSignIn = errors.New("nobody is signed in")

// ErrRefused is what a Renew returns when the API refuses to renew: the session
// is over.
var ErrRefused = errors.New("the API refuses to renew the session")

// Renew makes the next session of one that ends. It returns ErrRefused, wrapped
// or not, when the API says no; any other error is one that may pass. It runs
// under the session's lock, so it stores nothing itself, and for a minute at most,
// even if its caller leaves.
type Renew func(ctx context.Context, old *Session) (*Session, error)

// idle is how long a session without an end of its own is kept when nobody uses it.
const idle = 30 * 24 * time.Hour

// record is a session as it is sealed. Its key is with it for the list that an
// operator who has the sealing key may see.
type record struct {
	Key     Key       `json:"key"`
	Token   string    `json:"token"`
	Refresh string    `json:"refresh,omitzero"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires,omitzero"`
	Margin  int64     `json:"margin,omitzero"` // nanoseconds
	Shown   []Shown   `json:"shown,omitzero"`
}

func (r *record) session() *Session {
	return &Session{
		Token: secret.New(r.Token), Refresh: secret.New(r.Refresh), Made: r.Made, Expires: r.Expires,
		Margin: time.Duration(r.Margin), Shown: r.Shown,
	}
}

func (v *Vault) read(ctx context.Context, key Key) (*Session, found, error) {
	var r record
	at, err := v.box.read(ctx, ofSession, v.box.name(key), &r, "document", key.Document, "api", key.API)
	switch {
	case errors.Is(err, ErrNone):
		return nil, at, ErrSignIn
	case err != nil:
		return nil, at, err
	}
	return r.session(), at, nil
}

func (v *Vault) write(ctx context.Context, key Key, s *Session) error {
	end := v.box.now().Add(idle)
	if s.Refresh.IsEmpty() && !s.Expires.IsZero() {
		end = s.Expires
	}
	name := v.box.name(key)
	key.Principal = v.box.whose(key.Principal)
	return v.box.write(ctx, ofSession, name, end, record{
		Key: key, Token: s.Token.Reveal(), Refresh: s.Refresh.Reveal(), Made: s.Made, Expires: s.Expires,
		Margin: int64(s.Margin), Shown: s.Shown,
	})
}

// Get is the session as it stands, or ErrSignIn. It renews nothing and waits for nobody.
func (v *Vault) Get(ctx context.Context, key Key) (*Session, error) {
	s, _, err := v.read(ctx, key)
	return s, err
}

// Put stores a session in place of the one that stands. It waits for a renewal
// that runs, whose outcome would take the place of s.
func (v *Vault) Put(ctx context.Context, key Key, s *Session) error {
	release, err := v.box.lock(ctx, v.box.name(key))
	if err != nil {
		return err
	}
	defer release()
	return v.write(ctx, key, s)
}

// Delete forgets a session. It waits for a renewal that runs, whose outcome would
// stand in the session's place.
func (v *Vault) Delete(ctx context.Context, key Key) error {
	release, err := v.box.lock(ctx, v.box.name(key))
	if err != nil {
		return err
	}
	defer release()
	return v.box.remove(ctx, v.box.name(key))
}

// Untold is why End did not tell the API: the session is forgotten, but the API does
// not know.
type Untold struct{ Err error }

func (u *Untold) Error() string { return u.Err.Error() }

// Unwrap is for package errors.
func (u *Untold) Unwrap() error { return u.Err }

// End ends a session: it waits for a renewal that runs, tells the API of the session
// that stands then, and forgets it in any case. tell may be nil, is not called where
// nobody is signed in, and runs to its end even if the caller leaves; its error is
// returned as *Untold. All other errors say that the session may still stand.
func (v *Vault) End(ctx context.Context, key Key, tell func(context.Context, *Session) error) error {
	release, err := v.box.lock(ctx, v.box.name(key))
	if err != nil {
		return err
	}
	defer release()
	s, _, unread := v.read(ctx, key)
	ctx, cancel := untilDone(ctx)
	defer cancel()
	var untold error
	switch {
	case unread == nil && tell != nil:
		if err := tell(ctx, s); err != nil {
			untold = &Untold{err}
		}
	case unread != nil && !errors.Is(unread, ErrSignIn):
		untold = &Untold{unread}
	}
	if err := v.box.remove(context.WithoutCancel(ctx), v.box.name(key)); err != nil {
		return err
	}
	return untold
}

// maxExchange is how long the API may take to make, renew or end a session.
const maxExchange = time.Minute

// untilDone is the context of what the API is asked under a session's lock. Its
// outcome is kept even if the caller leaves: an API that has replaced a token accepts
// the old one no longer.
func untilDone(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), maxExchange)
}

// Use is the session that a call may be sent with. One that is due is renewed
// first, by one caller while the others wait. renew may be nil: then a session
// lasts until its end.
func (v *Vault) Use(ctx context.Context, key Key, renew Renew) (*Session, error) {
	s, at, err := v.read(ctx, key)
	if err != nil {
		return nil, err
	}
	now := v.box.now()
	due := s.Over(now) || renew != nil && s.Due(now)
	if !due && !v.worn(at) {
		return s, nil
	}
	next, err := v.renewed(ctx, key, renew, func(s *Session) bool {
		now := v.box.now()
		return s.Over(now) || renew != nil && s.Due(now)
	})
	if err != nil && !due {
		v.box.log.WarnContext(ctx, "a session cannot be stored again", "document", key.Document, "api", key.API,
			"error", err)
		return s, nil
	}
	return next, err
}

// worn reports whether an entry that is used should be stored again: under the
// key in force, or for its idle limit.
func (v *Vault) worn(at found) bool {
	return at.older || at.end.Sub(at.stored) >= idle && v.box.now().Sub(at.stored) > idle/10
}

// Rejected is the session to try after the API has answered 401 to the token of
// used: another one that stands by now, else a renewed one. It is ErrSignIn when
// there is none.
func (v *Vault) Rejected(ctx context.Context, key Key, used *Session, renew Renew) (*Session, error) {
	return v.renewed(ctx, key, renew, func(s *Session) bool { return s.Token == used.Token })
}

// renewed renews the session of key if it is still stale once nobody else is at it.
func (v *Vault) renewed(ctx context.Context, key Key, renew Renew, stale func(*Session) bool) (*Session, error) {
	release, err := v.box.lock(ctx, v.box.name(key))
	if err != nil {
		return nil, err
	}
	defer release()
	s, at, err := v.read(ctx, key)
	if err != nil {
		return nil, err
	}
	if !stale(s) {
		if v.worn(at) {
			err = v.write(ctx, key, s)
		}
		return s, err
	}
	if renew == nil {
		return v.over(ctx, key, s)
	}
	// A process that died between the API's answer and the storing below leaves the
	// old token: it is tried here once, and the API's refusal asks for a new sign-in.
	asking, cancel := untilDone(ctx)
	next, err := renew(asking, s)
	cancel()
	ctx = context.WithoutCancel(ctx) // the store must hear of the outcome
	switch {
	case errors.Is(err, ErrRefused):
		v.box.log.InfoContext(ctx, "the API refuses to renew a session, which is forgotten", "document", key.Document,
			"api", key.API)
		return v.over(ctx, key, s)
	case err != nil:
		if s.Over(v.box.now()) {
			return nil, err
		}
		return s, nil // it still serves, and the next call tries again
	}
	if err := v.write(ctx, key, next); err != nil { // before it is used
		return nil, err
	}
	return next, nil
}

// over forgets a session that has ended. A lock that ended by itself may have let
// somebody else store another one, which is the session then.
func (v *Vault) over(ctx context.Context, key Key, ended *Session) (*Session, error) {
	if now, _, err := v.read(ctx, key); err != nil || now.Token != ended.Token {
		return now, err
	}
	if err := v.box.remove(ctx, v.box.name(key)); err != nil {
		return nil, err
	}
	return nil, ErrSignIn
}

// Replace makes another session in the place of the one that stands, while nobody else
// is at it. It is ErrSignIn when there is none. When next returns ErrRefused the
// session is forgotten; any other error leaves it as it is.
func (v *Vault) Replace(ctx context.Context, key Key, next Renew) (*Session, error) {
	release, err := v.box.lock(ctx, v.box.name(key))
	if err != nil {
		return nil, err
	}
	defer release()
	s, _, err := v.read(ctx, key)
	if err != nil {
		return nil, err
	}
	asking, cancel := untilDone(ctx)
	made, err := next(asking, s)
	cancel()
	ctx = context.WithoutCancel(ctx) // the store must hear of the outcome
	switch {
	case errors.Is(err, ErrRefused):
		_, gone := v.over(ctx, key, s)
		return nil, errors.Join(err, gone)
	case err != nil:
		return nil, err
	}
	if err := v.write(ctx, key, made); err != nil {
		return nil, err
	}
	return made, nil
}

// retryPause is how long a refusal of Obtain stands: an account is not locked by
// calls that try a wrong password again and again.
const retryPause = 30 * time.Second

// Obtain is Use for a session that needs no person: where there is none, make makes
// it, one at a time. It returns ErrRefused, wrapped or not, when the API says no.
func (v *Vault) Obtain(ctx context.Context, key Key, make func(context.Context) (*Session, error),
	renew Renew) (*Session, error) {
	s, err := v.Use(ctx, key, renew)
	if !errors.Is(err, ErrSignIn) {
		return s, err
	}
	release, err := v.box.lock(ctx, v.box.name(key))
	if err != nil {
		return nil, err
	}
	defer release()
	if s, _, err := v.read(ctx, key); err == nil && !s.Over(v.box.now()) || err != nil && !errors.Is(err, ErrSignIn) {
		return s, err
	}
	if err := v.refusedLately(key); err != nil {
		return nil, err
	}
	asking, cancel := untilDone(ctx)
	s, err = make(asking)
	cancel()
	ctx = context.WithoutCancel(ctx)
	v.note(key, err)
	if err != nil {
		return nil, err
	}
	if err := v.write(ctx, key, s); err != nil {
		return nil, err
	}
	return s, nil
}

// refusedLately is the refusal of Obtain that still stands, or nil.
func (v *Vault) refusedLately(key Key) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if last, ok := v.failed[key]; ok && v.box.now().Before(last.until) {
		return last.err
	}
	return nil
}

// note keeps the outcome of Obtain if it is a refusal.
func (v *Vault) note(key Key, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.box.now()
	maps.DeleteFunc(v.failed, func(_ Key, f failure) bool { return !now.Before(f.until) })
	delete(v.failed, key)
	if errors.Is(err, ErrRefused) {
		v.failed[key] = failure{err, v.box.now().Add(retryPause)}
	}
}

package session

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Vault keeps sessions sealed in a Store and renews them, one renewal at a time
// for each session however many calls and replicas wait for it.
type Vault struct {
	store  Store
	sealer *Sealer
	log    *slog.Logger
	now    func() time.Time
}

// NewVault makes a Vault. log may be nil.
func NewVault(store Store, sealer *Sealer, log *slog.Logger) *Vault {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Vault{store: store, sealer: sealer, log: log, now: time.Now}
}

// ErrSignIn says that nobody is signed in, or no longer.
var ErrSignIn = errors.New("nobody is signed in")

// ErrRefused is what a Renew returns when the API refuses to renew: the session
// is over.
var ErrRefused = errors.New("the API refuses to renew the session")

// Renew makes the next session of one that ends. It returns ErrRefused, wrapped
// or not, when the API says no; any other error is one that may pass.
type Renew func(ctx context.Context, old *Session) (*Session, error)

// idle is how long a session without an end is kept when nobody stores it again.
const idle = 30 * 24 * time.Hour

// Get is the session as it stands, or ErrSignIn. It renews nothing.
func (v *Vault) Get(ctx context.Context, key Key) (*Session, error) {
	for i, id := range v.sealer.ids(key) {
		sealed, err := v.store.Get(ctx, id)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s, err := v.sealer.open(id, sealed)
		if err != nil {
			v.log.WarnContext(ctx, "a stored session is not readable and counts as not there", "document", key.Document, "api", key.API, "error", err)
			continue
		}
		if i > 0 { // under an older key: move it under the one in force
			if err := v.Put(ctx, key, s); err != nil {
				return nil, err
			}
			_ = v.store.Delete(ctx, id)
		}
		return s, nil
	}
	return nil, ErrSignIn
}

// Put stores a session in place of the one that stands.
func (v *Vault) Put(ctx context.Context, key Key, s *Session) error {
	id := v.sealer.ids(key)[0]
	sealed, err := v.sealer.seal(id, s)
	if err != nil {
		return err
	}
	end := v.now().Add(idle)
	if s.Refresh.IsEmpty() && !s.Expires.IsZero() {
		end = s.Expires
	}
	return v.store.Put(ctx, id, sealed, end)
}

// Delete forgets a session under every key that it may stand under.
func (v *Vault) Delete(ctx context.Context, key Key) error {
	var failed error
	for _, id := range v.sealer.ids(key) {
		failed = errors.Join(failed, v.store.Delete(ctx, id))
	}
	return failed
}

// Use is the session that a call may be sent with. One that is due is renewed
// first, by one caller while the others wait. renew may be nil: then a session
// lasts until its end.
func (v *Vault) Use(ctx context.Context, key Key, renew Renew) (*Session, error) {
	s, err := v.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if !s.Due(v.now()) || renew == nil && !s.Over(v.now()) {
		return s, nil
	}
	return v.renewed(ctx, key, renew, func(s *Session) bool { return s.Due(v.now()) })
}

// Rejected is the session to try after the API has answered 401 to the token of
// used: another one that stands by now, else a renewed one. It is ErrSignIn when
// there is none.
func (v *Vault) Rejected(ctx context.Context, key Key, used *Session, renew Renew) (*Session, error) {
	return v.renewed(ctx, key, renew, func(s *Session) bool { return s.Token == used.Token })
}

// renewed renews the session of key if it is still stale once nobody else is at it.
func (v *Vault) renewed(ctx context.Context, key Key, renew Renew, stale func(*Session) bool) (*Session, error) {
	release, err := v.store.Lock(ctx, v.sealer.ids(key)[0])
	if err != nil {
		return nil, err
	}
	defer release()
	s, err := v.Get(ctx, key)
	if err != nil || !stale(s) {
		return s, err
	}
	if renew == nil {
		return nil, v.over(ctx, key)
	}
	// A process that died between the API's answer and Put below leaves the old
	// token: it is tried here once, and the API's refusal asks for a new sign-in.
	next, err := renew(ctx, s)
	// From here on the store must hear of the outcome, even if the caller has left.
	ctx = context.WithoutCancel(ctx)
	switch {
	case errors.Is(err, ErrRefused):
		v.log.InfoContext(ctx, "the API refuses to renew a session, which is forgotten", "document", key.Document, "api", key.API)
		return nil, v.over(ctx, key)
	case err != nil:
		if s.Over(v.now()) {
			return nil, err
		}
		return s, nil // it still serves, and the next call tries again
	}
	if err := v.Put(ctx, key, next); err != nil { // before it is used
		return nil, err
	}
	return next, nil
}

func (v *Vault) over(ctx context.Context, key Key) error {
	if err := v.Delete(ctx, key); err != nil {
		return err
	}
	return ErrSignIn
}

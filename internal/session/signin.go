package session

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// A SignIn is the request that a principal signs in at an API: what the page
// behind its handle shows, and for whom. A handle is no authentication: whoever
// opens the page proves to be the principal before anything is shown.
type SignIn struct {
	Handle   string // 26 random characters, for the page's address
	Key      Key
	Asked    Asked
	Ends     time.Time
	attempts int
}

// Asked says what brought a person to the page.
type Asked struct {
	Capability string // the document's display name
	Unit       string // the tool that asked; "" when the person came alone
	Client     string // the MCP client's own word for itself, which nobody has checked; may be empty
}

// Limits of sign-ins.
const (
	SignInLife  = 10 * time.Minute // of a handle
	MaxAttempts = 5                // at one handle, and of one principal at one API within SignInLife
	maxSignIns  = 10_000           // that wait at once, of all principals
	maxWaiting  = 20               // that wait at once for one principal
)

// Errors of sign-ins.
var (
	ErrNoHandle = errors.New("this page has ended or never was")
	ErrTooMany  = errors.New("too many sign-ins wait already")
	ErrGuessing = errors.New("too many attempts failed")
)

// SignIns are the sign-ins of one process that wait for their people. It is safe
// for concurrent use.
type SignIns struct {
	mu      sync.Mutex
	waiting map[string]*SignIn      // by handle
	asked   map[Key]string          // the handle that waits for a key
	own     map[Principal]int       // how many wait for a principal
	failed  map[[2]string]*failures // by principal and API
	swept   time.Time
	now     func() time.Time
}

type failures struct {
	count int
	since time.Time
}

// NewSignIns makes an empty set.
func NewSignIns() *SignIns {
	return &SignIns{
		waiting: map[string]*SignIn{}, asked: map[Key]string{}, own: map[Principal]int{},
		failed: map[[2]string]*failures{}, now: time.Now,
	}
}

// Ask is the sign-in that waits for the key, or a new one. It is ErrTooMany when
// the principal, or the process, has too many.
func (s *SignIns) Ask(key Key, asked Asked) (SignIn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	if w := s.waiting[s.asked[key]]; w != nil {
		w.Asked = asked
		return *w, nil
	}
	if s.own[key.Principal] >= maxWaiting || len(s.waiting) >= maxSignIns {
		return SignIn{}, ErrTooMany
	}
	w := &SignIn{Handle: rand.Text(), Key: key, Asked: asked, Ends: s.now().Add(SignInLife)}
	s.waiting[w.Handle], s.asked[key] = w, w.Handle
	s.own[key.Principal]++
	return *w, nil
}

// drop forgets a handle; mu is held.
func (s *SignIns) drop(handle string) {
	w := s.waiting[handle]
	if w == nil {
		return
	}
	delete(s.waiting, handle)
	delete(s.asked, w.Key)
	if s.own[w.Key.Principal]--; s.own[w.Key.Principal] == 0 {
		delete(s.own, w.Key.Principal)
	}
}

// Find is the sign-in of a handle for the principal. It is ErrNoHandle for
// another principal, too: a handle of somebody else is unknown.
func (s *SignIns) Find(handle string, by Principal) (SignIn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.find(handle, by)
	if err != nil {
		return SignIn{}, err
	}
	return *w, nil
}

func (s *SignIns) find(handle string, by Principal) (*SignIn, error) {
	w := s.waiting[handle]
	if w == nil || w.Key.Principal != by || by.IsNobody() || !s.now().Before(w.Ends) {
		return nil, ErrNoHandle
	}
	return w, nil
}

// Attempt counts an attempt to sign in before it is sent to the API. After the
// last one the handle is gone; ErrGuessing says that the principal must wait.
func (s *SignIns) Attempt(handle string, by Principal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.find(handle, by)
	if err != nil {
		return err
	}
	f := s.failed[guessing(w.Key)]
	if f == nil || s.now().Sub(f.since) >= SignInLife {
		f = &failures{since: s.now()}
		s.failed[guessing(w.Key)] = f
	}
	if f.count++; f.count > MaxAttempts {
		s.drop(handle)
		return ErrGuessing
	}
	if w.attempts++; w.attempts >= MaxAttempts {
		s.drop(handle)
	}
	return nil
}

func guessing(key Key) [2]string {
	return [2]string{key.Principal.Issuer + "\x00" + key.Principal.Subject, key.Origin}
}

// Done consumes a handle after the API has accepted, and forgives the attempts.
func (s *SignIns) Done(handle string, key Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(handle)
	delete(s.failed, guessing(key))
}

// sweepPause is between two looks for what has ended.
const sweepPause = time.Second

// sweep drops what has ended; mu is held.
func (s *SignIns) sweep() {
	now := s.now()
	if now.Sub(s.swept) < sweepPause {
		return
	}
	s.swept = now
	for handle, w := range s.waiting {
		if !now.Before(w.Ends) {
			s.drop(handle)
		}
	}
	for key, f := range s.failed {
		if now.Sub(f.since) >= SignInLife {
			delete(s.failed, key)
		}
	}
}

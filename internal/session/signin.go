package session

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
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
	Attempts int // so far
	// Away is under which state the person is away to agree at an authorization server;
	// "" while they are not.
	Away string
}

// Asked says what brought a person to the page.
type Asked struct {
	Capability string // the document's display name
	Unit       string // the tool that asked; "" when the person came alone
	Client     string // the MCP client's own word for itself, which nobody has checked; may be empty
	// Given is what the call gave beside what the person is asked, texts by name as a
	// JSON object, "" for nothing. It is no secret.
	Given string
}

// Limits of sign-ins.
const (
	SignInLife  = 10 * time.Minute // of a handle
	MaxAttempts = 5                // at one handle, and of one principal at one API within SignInLife
	maxSignIns  = 10_000           // that one process has made and that wait, of all principals
	maxWaiting  = 20               // that wait at once for one principal
	maxMade     = 100              // of one principal within SignInLife
	maxBack     = 20               // attempts taken back of one principal at one API within SignInLife
	maxAsked    = 200              // bytes of each text of Asked
	maxGiven    = 2000             // bytes of what a call gave; more is left out
)

// Errors of sign-ins.
var (
	ErrNoHandle = errors.New("this page has ended or never was")
	ErrTooMany  = errors.New("too many sign-in pages were made in the last ten minutes")
	ErrGuessing = errors.New("too many attempts failed")
)

// SignIns are the sign-ins that wait for their people. They stand in the store of
// the sessions, one sealed entry for each principal, so that a page which one
// replica has announced opens at every other, and attempts count at all of them
// together. It is safe for concurrent use. Errors that are none of the above are
// those of the store.
type SignIns struct {
	box *box

	mu   sync.Mutex
	made map[string]time.Time // the ends of those that this process made, by handle
}

// NewSignIns keeps sign-ins beside the sessions of v.
func NewSignIns(v *Vault) *SignIns {
	return &SignIns{box: v.box, made: map[string]time.Time{}}
}

// desk is what waits for one principal, as it is sealed.
type desk struct {
	Waiting []SignIn         `json:"waiting,omitzero"`
	Failed  map[string]tally `json:"failed,omitzero"` // attempts that were not accepted, by the API's origin
	Made    tally            `json:"made,omitzero"`   // sign-ins
}

// tally counts what happens within SignInLife.
type tally struct {
	Count int       `json:"count"`
	Back  int       `json:"back,omitzero"` // how many were taken back
	Since time.Time `json:"since"`
}

func (t tally) ended(now time.Time) bool { return now.Sub(t.Since) >= SignInLife }

func (s *SignIns) name(p Principal) []byte { return deskName(s.box.whose(p)) }

func deskName(p Principal) []byte {
	sum := Digest("sign-ins", p.Issuer, p.Subject)
	return sum[:]
}

// read is what waits for p now.
func (s *SignIns) read(ctx context.Context, p Principal) (*desk, error) {
	d := &desk{}
	if _, err := s.box.read(ctx, ofSignIns, s.name(p), d); err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	now := s.box.now()
	d.Waiting = slices.DeleteFunc(d.Waiting, func(w SignIn) bool {
		return w.Key.Principal != p || !now.Before(w.Ends)
	})
	maps.DeleteFunc(d.Failed, func(_ string, f tally) bool { return f.ended(now) })
	if d.Made.ended(now) {
		d.Made = tally{Since: now}
	}
	return d, nil
}

// change lets edit change what waits for p, alone among all replicas, and stores
// it even where edit returns an error.
func (s *SignIns) change(ctx context.Context, p Principal, edit func(*desk) error) error {
	release, err := s.box.lock(ctx, s.name(p))
	if err != nil {
		return err
	}
	defer release()
	d, err := s.read(ctx, p)
	if err != nil {
		return err
	}
	outcome := edit(d)
	if len(d.Waiting) == 0 && len(d.Failed) == 0 && d.Made.Count == 0 {
		err = s.box.remove(ctx, s.name(p))
	} else {
		err = s.box.write(ctx, ofSignIns, s.name(p), s.box.now().Add(SignInLife), d)
	}
	if err != nil {
		return err
	}
	return outcome
}

// spent reports whether the last attempt was made: the page is closed, unless that
// attempt is taken back.
func (in *SignIn) spent() bool { return in.Attempts >= MaxAttempts }

func (d *desk) of(key Key) int {
	return slices.IndexFunc(d.Waiting, func(w SignIn) bool { return w.Key == key && !w.spent() })
}

func (d *desk) at(handle string) int {
	return slices.IndexFunc(d.Waiting, func(w SignIn) bool { return w.Handle == handle && !w.spent() })
}

// drop closes the page of a handle for good, and returns it if it was there.
func (d *desk) drop(handle string) (in SignIn, ok bool) {
	i := slices.IndexFunc(d.Waiting, func(w SignIn) bool { return w.Handle == handle })
	if i < 0 {
		return SignIn{}, false
	}
	in = d.Waiting[i]
	d.Waiting = slices.Delete(d.Waiting, i, i+1)
	return in, true
}

// Ask is the sign-in that waits for the key, or a new one. It is ErrTooMany when
// the principal, or the process, has too many.
func (s *SignIns) Ask(ctx context.Context, key Key, asked Asked) (SignIn, error) {
	asked = asked.cut()
	d, err := s.read(ctx, key.Principal)
	if err != nil {
		return SignIn{}, err
	}
	if i := d.of(key); i >= 0 && d.Waiting[i].Asked == asked {
		return d.Waiting[i], nil
	}
	var in SignIn
	err = s.change(ctx, key.Principal, func(d *desk) error {
		i := d.of(key)
		switch {
		case i >= 0:
			d.Waiting[i].Asked = asked
		case len(d.Waiting) >= maxWaiting || d.Made.Count >= maxMade:
			return ErrTooMany
		default:
			made := SignIn{Handle: rand.Text(), Key: key, Asked: asked, Ends: s.box.now().Add(SignInLife)}
			if !s.admit(made) {
				return ErrTooMany
			}
			i = len(d.Waiting)
			d.Waiting = append(d.Waiting, made)
			d.Made.Count++
		}
		in = d.Waiting[i]
		return nil
	})
	if err != nil { // it was made, perhaps, but is not stored
		s.leave(in.Handle)
		return SignIn{}, err
	}
	return in, nil
}

// cut bounds what a client may let be stored.
func (a Asked) cut() Asked {
	short := func(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxAsked)], "") }
	given := a.Given
	if len(given) > maxGiven {
		given = ""
	}
	return Asked{short(a.Capability), short(a.Unit), short(a.Client), given}
}

// admit counts one more sign-in of this process, unless too many wait. One that was
// closed at another replica counts until its end.
func (s *SignIns) admit(in SignIn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.made) >= maxSignIns {
		now := s.box.now()
		maps.DeleteFunc(s.made, func(_ string, ends time.Time) bool { return !now.Before(ends) })
	}
	if len(s.made) >= maxSignIns {
		return false
	}
	s.made[in.Handle] = in.Ends
	return true
}

// leave counts a sign-in no longer.
func (s *SignIns) leave(handle string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, handle)
}

// Find is the sign-in of a handle for the principal. It is ErrNoHandle for
// another principal, too: a handle of somebody else is unknown.
func (s *SignIns) Find(ctx context.Context, handle string, by Principal) (SignIn, error) {
	if by.IsNobody() {
		return SignIn{}, ErrNoHandle
	}
	d, err := s.read(ctx, by)
	if err != nil {
		return SignIn{}, err
	}
	i := d.at(handle)
	if i < 0 {
		return SignIn{}, ErrNoHandle
	}
	return d.Waiting[i], nil
}

// Attempt counts an attempt to sign in before it is sent to the API. After the
// last one the handle is gone, unless it is taken back; ErrGuessing says that the principal must wait.
func (s *SignIns) Attempt(ctx context.Context, handle string, by Principal) error {
	if _, err := s.Find(ctx, handle, by); err != nil {
		return err
	}
	return s.change(ctx, by, func(d *desk) error {
		i := d.at(handle)
		if i < 0 {
			return ErrNoHandle
		}
		origin := d.Waiting[i].Key.Origin
		f, ok := d.Failed[origin]
		if !ok {
			f.Since = s.box.now()
		}
		f.Count++
		if d.Failed == nil {
			d.Failed = map[string]tally{}
		}
		d.Failed[origin] = f
		d.Waiting[i].Attempts++
		if f.Count > MaxAttempts {
			d.drop(handle)
			s.leave(handle)
			return ErrGuessing
		}
		return nil
	})
}

// TakeBack takes an attempt back that the API has not judged, as when it could not be
// reached, and opens the page again if that attempt has closed it. An API may answer
// a wrong password with what looks like a fault of its own: so only some are taken back.
func (s *SignIns) TakeBack(ctx context.Context, handle string, key Key) error {
	return s.change(ctx, key.Principal, func(d *desk) error {
		f := d.Failed[key.Origin]
		if f.Count == 0 || f.Back >= maxBack {
			return nil
		}
		f.Count--
		f.Back++
		d.Failed[key.Origin] = f
		for i := range d.Waiting {
			if w := &d.Waiting[i]; w.Handle == handle && w.Attempts > 0 {
				w.Attempts--
			}
		}
		return nil
	})
}

// Leave notes that a person leaves to agree at an authorization server, under a state
// that is theirs alone. Who left before under another state does not come back.
func (s *SignIns) Leave(ctx context.Context, handle string, by Principal, state string) error {
	return s.move(ctx, handle, by, func(in *SignIn) error {
		in.Away = state
		return nil
	})
}

// Return notes that a person comes back under a state, which serves once: ErrNoHandle
// is said of all others.
func (s *SignIns) Return(ctx context.Context, handle string, by Principal, state string) error {
	return s.move(ctx, handle, by, func(in *SignIn) error {
		if state == "" || in.Away != state {
			return ErrNoHandle
		}
		in.Away = ""
		return nil
	})
}

func (s *SignIns) move(ctx context.Context, handle string, by Principal, how func(*SignIn) error) error {
	if _, err := s.Find(ctx, handle, by); err != nil {
		return err
	}
	return s.change(ctx, by, func(d *desk) error {
		i := d.at(handle)
		if i < 0 {
			return ErrNoHandle
		}
		return how(&d.Waiting[i])
	})
}

// Done consumes a handle after the API has accepted. The accepted attempt counts
// no longer; those that failed before it do, else an account of one's own would
// buy attempts at somebody else's.
func (s *SignIns) Done(ctx context.Context, handle string, key Key) error {
	s.leave(handle)
	return s.change(ctx, key.Principal, func(d *desk) error {
		in, ok := d.drop(handle)
		attempted := !ok || in.Attempts > 0
		if f, ok := d.Failed[key.Origin]; ok && attempted {
			if f.Count--; f.Count > 0 || f.Back > 0 {
				d.Failed[key.Origin] = f
			} else {
				delete(d.Failed, key.Origin)
			}
		}
		return nil
	})
}

package session

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// replicas are the sign-ins of two processes that share the store.
func replicas(t *testing.T, store Store) (here, there *SignIns) {
	t.Helper()
	return NewSignIns(NewVault(store, sealer(t, master), nil)), NewSignIns(NewVault(store, sealer(t, master), nil))
}

// TestSignIns_openAtEveryReplica: a page that one replica announces opens at
// another, for its principal alone, and is gone at both after it is done.
func TestSignIns_openAtEveryReplica(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			here, there := replicas(t, store)
			mine, err := here.Ask(ctx, key("alice"), Asked{Capability: "Koyeb", Unit: "login-user"})
			if err != nil {
				t.Fatal(err)
			}
			again, err := there.Ask(ctx, key("alice"), Asked{Unit: "new-session"})
			if err != nil || again.Handle != mine.Handle || again.Asked.Unit != "new-session" {
				t.Errorf("asking again makes %+v, %v", again, err)
			}
			for _, other := range []Principal{{"https://issuer.example", "bob"}, {"https://evil.example", "alice"},
				{}} {
				if _, err := there.Find(ctx, mine.Handle, other); !errors.Is(err, ErrNoHandle) {
					t.Errorf("%+v finds it: %v", other, err)
				}
				if err := there.Attempt(ctx, mine.Handle, other); !errors.Is(err, ErrNoHandle) {
					t.Errorf("%+v tries it: %v", other, err)
				}
			}
			got, err := there.Find(ctx, mine.Handle, key("alice").Principal)
			if err != nil || got.Key != key("alice") || got.Asked.Unit != "new-session" || got.Attempts != 0 {
				t.Errorf("its own principal finds %+v, %v", got, err)
			}
			if err := there.Done(ctx, mine.Handle, mine.Key); err != nil {
				t.Error(err)
			}
			if _, err := here.Find(ctx, mine.Handle, key("alice").Principal); !errors.Is(err, ErrNoHandle) {
				t.Errorf("after it is done: %v", err)
			}
		})
	}
}

// TestSignIns_attemptsEnd: attempts count at all replicas together, also when they
// are made at once.
func TestSignIns_attemptsEnd(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			here, there := replicas(t, store)
			who := key("alice").Principal
			w, err := here.Ask(ctx, key("alice"), Asked{})
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			var taken atomic.Int32
			for i := range 20 {
				all.Go(func() {
					s := []*SignIns{here, there}[i%2]
					switch err := s.Attempt(ctx, w.Handle, who); {
					case err == nil:
						taken.Add(1)
					case !errors.Is(err, ErrNoHandle):
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := taken.Load(); n != MaxAttempts {
				t.Errorf("%d attempts were taken", n)
			}
			if w, err = there.Ask(ctx, key("alice"), Asked{}); err != nil {
				t.Fatal(err)
			}
			if err := here.Attempt(ctx, w.Handle, who); !errors.Is(err, ErrGuessing) {
				t.Errorf("a new handle gives new attempts: %v", err)
			}
			if w, err = here.Ask(ctx, key("bob"), Asked{}); err != nil {
				t.Fatal(err)
			}
			if err := here.Attempt(ctx, w.Handle, key("bob").Principal); err != nil {
				t.Errorf("another person suffers from it: %v", err)
			}
		})
	}
}

// TestSignIns_ownAccountBuysNoAttempts: whoever guesses another's password and
// signs in with an account of their own in between guesses no more often.
func TestSignIns_ownAccountBuysNoAttempts(t *testing.T) {
	ctx := t.Context()
	s, _ := replicas(t, NewMemory())
	who, guesses := key("alice").Principal, 0
	for range 10 * MaxAttempts {
		w, err := s.Ask(ctx, key("alice"), Asked{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Attempt(ctx, w.Handle, who) == nil {
			guesses++
		}
		if s.Attempt(ctx, w.Handle, who) == nil { // with the right password
			if err := s.Done(ctx, w.Handle, w.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
	if guesses > MaxAttempts {
		t.Errorf("%d guesses", guesses)
	}
}

// TestSignIns_whoLeftComesBackOnce: a state serves its own person, once, at any
// replica, until they leave again; and a sign-in that no password was tried at
// forgives nothing of those that were.
func TestSignIns_whoLeftComesBackOnce(t *testing.T) {
	ctx := t.Context()
	here, there := replicas(t, NewMemory())
	who := key("alice").Principal
	w, err := here.Ask(ctx, key("alice"), Asked{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, state string, by Principal) {
		t.Helper()
		if err := there.Return(ctx, w.Handle, by, state); !errors.Is(err, ErrNoHandle) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("who never left", "", who)
	if err := here.Leave(ctx, w.Handle, Principal{"https://issuer.example", "bob"}, "bob's"); !errors.Is(err,
		ErrNoHandle) {
		t.Errorf("somebody else leaves: %v", err)
	}
	for _, state := range []string{"first", "second"} {
		if err := here.Leave(ctx, w.Handle, who, state); err != nil {
			t.Fatal(err)
		}
	}
	refused("the first of two", "first", who)
	refused("somebody else", "second", Principal{"https://issuer.example", "bob"})
	if err := there.Return(ctx, w.Handle, who, "second"); err != nil {
		t.Fatal(err)
	}
	refused("once more", "second", who)
	refused("without a state", "", who)

	other := key("alice")
	other.Document = "another document at the same API"
	tried, err := here.Ask(ctx, other, Asked{})
	if err != nil {
		t.Fatal(err)
	}
	for range MaxAttempts {
		if err := here.Attempt(ctx, tried.Handle, who); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.Done(ctx, w.Handle, w.Key); err != nil {
		t.Fatal(err)
	}
	if tried, err = here.Ask(ctx, other, Asked{}); err != nil {
		t.Fatal(err)
	}
	if err := here.Attempt(ctx, tried.Handle, who); !errors.Is(err, ErrGuessing) {
		t.Errorf("a sign-in without a password buys an attempt: %v", err)
	}
}

func TestSignIns_endAndAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), NewMemory()
		s, _ := replicas(t, store)
		w, _ := s.Ask(ctx, key("alice"), Asked{})
		time.Sleep(SignInLife)
		if _, err := s.Find(ctx, w.Handle, key("alice").Principal); !errors.Is(err, ErrNoHandle) {
			t.Errorf("after its life: %v", err)
		}
		for i := range 1000 { // an agent that asks for a thousand handles gets a few
			k := key("alice")
			k.API = fmt.Sprint("api-", i)
			if _, err := s.Ask(ctx, k, Asked{}); i < maxWaiting && err != nil || i >= maxWaiting &&
				!errors.Is(err, ErrTooMany) {
				t.Fatalf("handle %d: %v", i, err)
			}
		}
		if _, err := s.Ask(ctx, key("bob"), Asked{}); err != nil {
			t.Errorf("another person suffers from it: %v", err)
		}
		time.Sleep(SignInLife)
		w, err := s.Ask(ctx, key("alice"), Asked{})
		if d, _ := s.read(ctx, w.Key.Principal); err != nil || len(d.Waiting) != 1 {
			t.Errorf("what has ended is kept: %d handles, %v", len(d.Waiting), err)
		}
		for i := range 2 * maxSignIns { // a thousand people ask for what they may
			_, err := s.Ask(ctx, key(fmt.Sprint(i)), Asked{})
			if full := errors.Is(err, ErrTooMany); err != nil && !full || full != (i >= maxSignIns-1) {
				t.Fatalf("person %d: %v", i, err)
			}
		}
	})
}

// TestSignIns_areSealed: what stands in the store tells nothing, and a handle that
// was put into another's entry is unknown.
func TestSignIns_areSealed(t *testing.T) {
	ctx, store := t.Context(), NewMemory()
	s, _ := replicas(t, store)
	w, err := s.Ask(ctx, key("alice"), Asked{Client: "a client"})
	if err != nil {
		t.Fatal(err)
	}
	ids := sealer(t, master)
	from, to := ids.ids(deskName(key("alice").Principal))[0], ids.ids(deskName(key("bob").Principal))[0]
	sealed, err := store.Get(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{w.Handle, "alice", "a client", "koyeb"} {
		if bytes.Contains(sealed, []byte(text)) {
			t.Errorf("%q can be read as it stands", text)
		}
	}
	if err := store.Put(ctx, to, sealed, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(ctx, w.Handle, key("bob").Principal); !errors.Is(err, ErrNoHandle) {
		t.Errorf("a moved entry is read: %v", err)
	}
}

// TestSignIns_onePersonLocksOutNobodyElse: a person who has page after page made and
// closed gets no more after a while, at any replica; all others do.
func TestSignIns_onePersonLocksOutNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		here, there := replicas(t, NewMemory())
		for i := range 2 * maxMade {
			s := []*SignIns{here, there}[i%2]
			w, err := s.Ask(ctx, key("alice"), Asked{})
			if full := errors.Is(err, ErrTooMany); err != nil && !full || full != (i >= maxMade) {
				t.Fatalf("page %d: %v", i, err)
			}
			if err == nil {
				if err := s.Done(ctx, w.Handle, w.Key); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range maxSignIns + 1 { // what is closed makes place
			w, err := here.Ask(ctx, key(fmt.Sprint(i)), Asked{})
			if err != nil {
				t.Fatalf("person %d: %v", i, err)
			}
			if err := here.Done(ctx, w.Handle, w.Key); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(SignInLife)
		if _, err := here.Ask(ctx, key("alice"), Asked{}); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

// TestSignIns_takesBack: an attempt that was not judged does not count, and opens the
// page that it had closed; but not without end, and not a page that is done.
func TestSignIns_takesBack(t *testing.T) {
	ctx := t.Context()
	here, there := replicas(t, NewMemory())
	who := key("alice").Principal
	w, err := here.Ask(ctx, key("alice"), Asked{})
	if err != nil {
		t.Fatal(err)
	}
	attempt := func() {
		t.Helper()
		if err := here.Attempt(ctx, w.Handle, who); err != nil {
			t.Fatal(err)
		}
	}
	for range MaxAttempts {
		attempt()
	}
	if _, err := there.Find(ctx, w.Handle, who); !errors.Is(err, ErrNoHandle) {
		t.Errorf("after the last attempt: %v", err)
	}
	for range maxBack {
		if err := there.TakeBack(ctx, w.Handle, w.Key); err != nil {
			t.Fatal(err)
		}
		attempt()
	}
	if err := there.TakeBack(ctx, w.Handle, w.Key); err != nil {
		t.Fatal(err)
	}
	if err := here.Attempt(ctx, w.Handle, who); !errors.Is(err, ErrNoHandle) {
		t.Errorf("attempts are taken back without end: %v", err)
	}
	w, err = here.Ask(ctx, key("bob"), Asked{})
	if err != nil {
		t.Fatal(err)
	}
	who = key("bob").Principal
	attempt()
	attempt()
	if err := here.Done(ctx, w.Handle, w.Key); err != nil {
		t.Fatal(err)
	}
	if err := here.TakeBack(ctx, w.Handle, w.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Find(ctx, w.Handle, who); !errors.Is(err, ErrNoHandle) {
		t.Errorf("a page that is done opens again: %v", err)
	}
}

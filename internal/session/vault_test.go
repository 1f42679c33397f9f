package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
)

// TestVault_renewalsUndoNothing: what a person does while a renewal runs stands after
// it: a new sign-in is not replaced by the old session's next token, and a session
// that was ended does not come back.
func TestVault_renewalsUndoNothing(t *testing.T) {
	cases := []struct {
		name    string
		meant   func(context.Context, *Vault) error
		renewed error
		left    string // the token that stands in the end
	}{
		{"sign-in", func(ctx context.Context, v *Vault) error {
			return v.Put(ctx, key("alice"), session("another", time.Hour))
		}, nil, "another"},
		{"sign-in, and the API refuses", func(ctx context.Context, v *Vault) error {
			return v.Put(ctx, key("alice"), session("another", time.Hour))
		}, ErrRefused, "another"},
		{"sign-out that the API is told of", func(ctx context.Context, v *Vault) error {
			return v.End(ctx, key("alice"), func(_ context.Context, s *Session) error {
				if s.Token.Reveal() != "next" {
					return errors.New("the API is told of " + s.Token.Reveal())
				}
				return nil
			})
		}, nil, ""},
		{"sign-out", func(ctx context.Context, v *Vault) error { return v.Delete(ctx, key("alice")) }, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := NewVault(NewMemory(), sealer(t, master), nil)
				old := session("old", time.Hour)
				if err := v.Put(t.Context(), key("alice"), old); err != nil {
					t.Fatal(err)
				}
				asks, answer := make(chan bool), make(chan bool)
				done := make(chan error, 2)
				go func() {
					_, _ = v.Rejected(t.Context(), key("alice"), old,
						func(context.Context, *Session) (*Session, error) {
							close(asks)
							<-answer
							return session("next", time.Hour), c.renewed
						})
					done <- nil
				}()
				<-asks
				go func() { done <- c.meant(t.Context(), v) }()
				synctest.Wait() // it waits for the renewal
				close(answer)
				for range 2 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				got, err := v.Get(t.Context(), key("alice"))
				if c.left == "" && !errors.Is(err, ErrSignIn) || c.left != "" &&
					(err != nil || got.Token.Reveal() != c.left) {
					t.Errorf("left %v, %v", got, err)
				}
			})
		})
	}
}

// TestVault_lockThatEnded: a process whose lock ended while it renewed forgets nothing
// that another has stored meanwhile.
func TestVault_lockThatEnded(t *testing.T) {
	v := NewVault(lockless{NewMemory()}, sealer(t, master), nil)
	old := session("old", time.Hour)
	if err := v.Put(t.Context(), key("alice"), old); err != nil {
		t.Fatal(err)
	}
	got, err := v.Rejected(t.Context(), key("alice"), old, func(context.Context, *Session) (*Session, error) {
		_ = v.Put(t.Context(), key("alice"), session("another", time.Hour))
		return nil, ErrRefused
	})
	if err != nil || got.Token.Reveal() != "another" {
		t.Errorf("got %v, %v", got, err)
	}
}

// lockless is a store whose locks end at once.
type lockless struct{ *Memory }

func (lockless) Lock(context.Context, string) (func(), error) { return func() {}, nil }

// TestVault_lastsWhileUsed: a session without an end is kept as long as it is used,
// and a month longer.
func TestVault_lastsWhileUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := NewVault(NewMemory(), sealer(t, master), nil)
		if err := v.Put(t.Context(), key("alice"), &Session{Token: secret.New("token"), Made: time.Now()}); err != nil {
			t.Fatal(err)
		}
		for range 12 {
			time.Sleep(idle - 24*time.Hour)
			if _, err := v.Use(t.Context(), key("alice"), nil); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(idle)
		if s, err := v.Use(t.Context(), key("alice"), nil); !errors.Is(err, ErrSignIn) {
			t.Errorf("unused for a month: %v, %v", s, err)
		}
	})
}

// TestVault_staleEntries: an entry that a store keeps beyond its end, or that somebody
// puts back, counts as not there, and the log says so.
func TestVault_staleEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store, s := NewMemory(), sealer(t, master)
		v := NewVault(store, s, slog.New(slog.NewTextHandler(&log, nil)))
		if err := v.Put(t.Context(), key("alice"), session("token", time.Hour)); err != nil {
			t.Fatal(err)
		}
		id := s.ids(key("alice").bytes())[0]
		sealed, err := store.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := store.Put(t.Context(), id, sealed, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got, err := v.Get(t.Context(), key("alice")); !errors.Is(err, ErrSignIn) ||
			!strings.Contains(log.String(), "beyond its end") {
			t.Errorf("got %v, %v; the log says %s", got, err, log.String())
		}
	})
}

// TestOpenVault: a store that cannot be opened is an error for all who ask, and is
// tried again.
func TestOpenVault(t *testing.T) {
	away, tries := errors.New("away"), 0
	v := OpenVault(func(context.Context) (Store, *Sealer, error) {
		if tries++; tries < 3 {
			return nil, nil, away
		}
		return NewMemory(), sealer(t, master), nil
	}, nil)
	for range 2 {
		if _, err := v.Get(t.Context(), key("alice")); !errors.Is(err, away) || errors.Is(err, ErrSignIn) {
			t.Errorf("while it is away: %v", err)
		}
	}
	for range 2 {
		if _, err := v.Get(t.Context(), key("alice")); !errors.Is(err, ErrSignIn) || tries != 3 {
			t.Errorf("when it is back: %v after %d tries", err, tries)
		}
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if _, err := v.Get(t.Context(), key("alice")); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestVault_list: whoever has the key sees whose sessions stand in the store, and no
// tokens; nobody else sees anything, and sign-ins are no sessions.
func TestVault_list(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			v := NewVault(store, sealer(t, older), nil)
			for _, who := range []string{"bob", "alice"} {
				if err := v.Put(t.Context(), key(who), session("token of "+who, time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := NewSignIns(v).Ask(t.Context(), key("alice"), Asked{}); err != nil {
				t.Fatal(err)
			}
			for what, masters := range map[string][][]byte{"its key": {older}, "a changed key": {master, older}} {
				list, unreadable, err := NewVault(store, sealer(t, masters...), nil).List(t.Context())
				if err != nil || unreadable != 0 || len(list) != 2 || list[0].Key != key("alice") ||
					list[1].Key != key("bob") ||
					list[0].ID == list[1].ID || list[0].Shown[0].Text != "u-1" {
					t.Errorf("with %s: %+v, %d unreadable, %v", what, list, unreadable, err)
				}
			}
			if list, unreadable, err := NewVault(store, sealer(t, master), nil).List(t.Context()); err != nil ||
				len(list) != 0 || unreadable != 2 {
				t.Errorf("with another key: %+v, %d unreadable, %v", list, unreadable, err)
			}
		})
	}
}

// TestVault_localUsersAreApart: the local users of two machines that share a store are
// two people, to sessions and sign-ins.
func TestVault_localUsersAreApart(t *testing.T) {
	store, local := NewMemory(), key("")
	local.Principal = Local()
	at := func(name string) (*Vault, *SignIns) {
		v := NewVault(store, sealer(t, master), nil)
		v.NameLocal(name)
		return v, NewSignIns(v)
	}
	alice, hers := at("alice@desk")
	bob, his := at("bob@desk")
	again, _ := at("alice@desk")
	if err := alice.Put(t.Context(), local, session("token of alice", time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s, err := bob.Use(t.Context(), local, nil); !errors.Is(err, ErrSignIn) {
		t.Errorf("bob acts as alice: %v, %v", s, err)
	}
	if s, err := again.Use(t.Context(), local, nil); err != nil || s.Token.Reveal() != "token of alice" {
		t.Errorf("another process of alice gets %v, %v", s, err)
	}
	in, err := hers.Ask(t.Context(), local, Asked{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := his.Find(t.Context(), in.Handle, Local()); !errors.Is(err, ErrNoHandle) {
		t.Errorf("bob finds the page of alice: %v", err)
	}
	if _, err := hers.Find(t.Context(), in.Handle, Local()); err != nil {
		t.Errorf("alice does not find her page: %v", err)
	}
	list, _, err := bob.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Key.Principal.Subject != "alice@desk" {
		t.Fatalf("listed %+v, %v", list, err)
	}
	if err := bob.Delete(t.Context(), list[0].Key); err != nil {
		t.Fatal(err)
	}
	if s, err := alice.Get(t.Context(), local); !errors.Is(err, ErrSignIn) {
		t.Errorf("revoked: %v, %v", s, err)
	}
}

// TestVault_callersMayLeave: what the API has answered is kept even if the caller who
// asked has left: the old token may be worth nothing any more.
func TestVault_callersMayLeave(t *testing.T) {
	cases := map[string]func(ctx context.Context, v *Vault, old *Session, ask Renew) error{
		"renewed": func(ctx context.Context, v *Vault, old *Session, ask Renew) error {
			_, err := v.Rejected(ctx, key("alice"), old, ask)
			return err
		},
		"replaced": func(ctx context.Context, v *Vault, _ *Session, ask Renew) error {
			_, err := v.Replace(ctx, key("alice"), ask)
			return err
		},
		"made": func(ctx context.Context, v *Vault, _ *Session, ask Renew) error {
			if err := v.Delete(ctx, key("alice")); err != nil {
				return err
			}
			_, err := v.Obtain(ctx, key("alice"),
				func(ctx context.Context) (*Session, error) { return ask(ctx, nil) }, nil)
			return err
		},
	}
	for name, do := range cases {
		t.Run(name, func(t *testing.T) {
			v := NewVault(NewMemory(), sealer(t, master), nil)
			old := session("old", time.Hour)
			if err := v.Put(t.Context(), key("alice"), old); err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithCancel(t.Context())
			err := do(ctx, v, old, func(ctx context.Context, _ *Session) (*Session, error) {
				leave()
				if _, ok := ctx.Deadline(); !ok {
					t.Error("the API may take for ever")
				}
				return session("next", time.Hour), ctx.Err()
			})
			if err != nil {
				t.Error(err)
			}
			if s, err := v.Get(t.Context(), key("alice")); err != nil || s.Token.Reveal() != "next" {
				t.Errorf("kept %v, %v", s, err)
			}
		})
	}
}

// TestVault_endForgetsInAnyCase: the API that cannot be told keeps nobody signed in
// here, nor does a caller who leaves.
func TestVault_endForgetsInAnyCase(t *testing.T) {
	v := NewVault(NewMemory(), sealer(t, master), nil)
	if err := v.Put(t.Context(), key("alice"), session("token", time.Hour)); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	away, told := errors.New("away"), 0
	tell := func(ctx context.Context, s *Session) error {
		leave()
		if told++; ctx.Err() != nil || s.Token.Reveal() != "token" {
			t.Errorf("told of %v: %v", s, ctx.Err())
		}
		return away
	}
	var untold *Untold
	if err := v.End(ctx, key("alice"), tell); !errors.As(err, &untold) || !errors.Is(err, away) {
		t.Errorf("untold: %v", err)
	}
	if s, err := v.Get(t.Context(), key("alice")); !errors.Is(err, ErrSignIn) {
		t.Errorf("left %v, %v", s, err)
	}
	if err := v.End(t.Context(), key("alice"), tell); err != nil || told != 1 {
		t.Errorf("nobody there: %v, told %d times", err, told)
	}
	_ = v.Close()
	if err := v.End(t.Context(), key("alice"), tell); !errors.Is(err, errClosed) || errors.As(err, &untold) {
		t.Errorf("closed: %v", err)
	}
}

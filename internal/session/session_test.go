package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/testkit/redis"
)

var (
	master = bytes.Repeat([]byte{7}, MinKey)
	older  = bytes.Repeat([]byte{8}, MinKey)
)

func key(subject string) Key {
	return Key{
		Principal: Principal{"https://issuer.example", subject}, Document: "koyeb-sessions.yaml", API: "koyeb-sessions",
		Origin: "https://app.koyeb.com:443", Definition: Digest("definition"),
	}
}

func sealer(t *testing.T, masters ...[]byte) *Sealer {
	t.Helper()
	s, err := NewSealer(masters...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func session(token string, life time.Duration) *Session {
	now := time.Now()
	return &Session{Token: secret.New(token), Made: now, Expires: now.Add(life), Shown: []Shown{{"user", "u-1"}}}
}

// stores are the stores of this package; every one must behave alike.
func stores(t *testing.T) map[string]Store {
	files, err := NewFiles(filepath.Join(t.TempDir(), "sessions"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	all := map[string]Store{"memory": NewMemory(), "files": files}
	if redis.Installed() {
		all["redis"] = openRedis(t, "redis://"+redis.Start(t).Addr)
	} else {
		t.Log("without redis, as redis-server is not installed")
	}
	return all
}

func openRedis(t *testing.T, address string) *Redis {
	t.Helper()
	r, err := OpenRedis(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestVault_keepsSessionsApart(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			v := NewVault(store, sealer(t, master), nil)
			mine := key("alice")
			if err := v.Put(t.Context(), mine, session("token-of-alice", time.Hour)); err != nil {
				t.Fatal(err)
			}
			got, err := v.Get(t.Context(), mine)
			if err != nil || got.Token.Reveal() != "token-of-alice" || got.Shown[0] != (Shown{"user", "u-1"}) {
				t.Fatalf("got %+v, %v", got, err)
			}
			for what, change := range map[string]func(*Key){
				"another person":     func(k *Key) { k.Principal.Subject = "bob" },
				"another issuer":     func(k *Key) { k.Principal.Issuer = "https://evil.example" },
				"another document":   func(k *Key) { k.Document = "other.yaml" },
				"another API":        func(k *Key) { k.API = "other" },
				"another origin":     func(k *Key) { k.Origin = "https://evil.example:443" },
				"another definition": func(k *Key) { k.Definition = Digest("edited") },
			} {
				other := mine
				change(&other)
				if _, err := v.Get(t.Context(), other); !errors.Is(err, ErrSignIn) {
					t.Errorf("%s finds the session: %v", what, err)
				}
			}
			if err := v.Delete(t.Context(), mine); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Get(t.Context(), mine); !errors.Is(err, ErrSignIn) {
				t.Errorf("after Delete: %v", err)
			}
		})
	}
}

func TestDigest_countsBoundaries(t *testing.T) {
	if Digest("ab", "c") == Digest("a", "bc") || Digest("a") == Digest("a", "") {
		t.Error("texts run into each other")
	}
}

// TestSealer_readsNothingThatWasMovedOrChanged: an entry counts only under its own
// name, whole, and under a key that is known (credentials.md vector 14).
func TestSealer_readsNothingThatWasMovedOrChanged(t *testing.T) {
	store := NewMemory()
	var log bytes.Buffer
	s := sealer(t, master)
	v := NewVault(store, s, slog.New(slog.NewTextHandler(&log, nil)))
	if err := v.Put(t.Context(), key("alice"), session("token-of-alice", time.Hour)); err != nil {
		t.Fatal(err)
	}
	alice, bob := s.ids(key("alice").bytes())[0], s.ids(key("bob").bytes())[0]
	sealed, err := store.Get(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("token-of-alice")) || strings.Contains(alice, "alice") {
		t.Error("the entry can be read as it stands")
	}
	entries := map[string][]byte{"moved": sealed, "empty": nil, "short": sealed[:headerLength-1],
		"foreign":         append([]byte{sealVersion, byte(ofSession), 1, 2, 3, 4}, sealed[6:]...),
		"of another kind": append([]byte{sealVersion, byte(ofSignIns)}, sealed[2:]...)}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		entries[fmt.Sprintf("byte %d changed", i)] = changed
	}
	for what, entry := range entries {
		id, k := alice, key("alice")
		if what == "moved" {
			id, k = bob, key("bob")
		}
		if err := store.Put(t.Context(), id, entry, time.Time{}); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		if got, err := v.Get(t.Context(), k); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		if !strings.Contains(log.String(), "not readable") {
			t.Errorf("%s: the log says nothing", what)
		}
	}
}

// TestSealer_changesKeys: entries of an older key are read, and move under the key in
// force (credentials.md vector 15).
func TestSealer_changesKeys(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			if err := NewVault(store, sealer(t, older), nil).Put(t.Context(), key("alice"),
				session("token", time.Hour)); err != nil {
				t.Fatal(err)
			}
			both := NewVault(store, sealer(t, master, older), nil)
			if got, err := both.Get(t.Context(), key("alice")); err != nil || got.Token.Reveal() != "token" {
				t.Fatalf("got %v, %v", got, err)
			}
			if _, err := both.Use(t.Context(), key("alice"), nil); err != nil {
				t.Fatal(err)
			}
			if _, err := NewVault(store, sealer(t, master), nil).Get(t.Context(), key("alice")); err != nil {
				t.Errorf("the entry did not move under the new key: %v", err)
			}
			if _, err := NewVault(store, sealer(t, older), nil).Get(t.Context(), key("alice")); !errors.Is(err,
				ErrSignIn) {
				t.Errorf("the entry still stands under the old key: %v", err)
			}
		})
	}
	if _, err := NewSealer(master[:MinKey-1]); err == nil {
		t.Error("a short key is taken")
	}
	if _, err := NewSealer(); err == nil {
		t.Error("no key is taken")
	}
}

// TestVault_renewsOnce: 100 calls of two processes at the end of a session make one
// renewal (credentials.md vector 16).
func TestVault_renewsOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sessions")
	memory := NewMemory()
	open := map[string]func() Store{"memory": func() Store { return memory }, "files": func() Store {
		files, err := NewFiles(folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { files.Close() })
		return files
	}}
	if redis.Installed() {
		server := redis.Start(t)
		open["redis"] = func() Store { return openRedis(t, "redis://"+server.Addr) }
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			replicas := []*Vault{NewVault(open(), sealer(t, master), nil), NewVault(open(), sealer(t, master), nil)}
			old := session("old", time.Nanosecond) // its end has come; what renews it lasts
			old.Refresh = secret.New("refresh")
			if err := replicas[0].Put(t.Context(), key("alice"), old); err != nil {
				t.Fatal(err)
			}
			var renewals atomic.Int32
			renew := func(context.Context, *Session) (*Session, error) {
				renewals.Add(1)
				next := session("new", time.Hour)
				next.Refresh = secret.New("refresh")
				return next, nil
			}
			var all sync.WaitGroup
			for i := range 100 {
				all.Go(func() {
					s, err := replicas[i%2].Use(t.Context(), key("alice"), renew)
					if err != nil || s.Token.Reveal() != "new" {
						t.Errorf("got %v, %v", s, err)
					}
				})
			}
			all.Wait()
			if n := renewals.Load(); n != 1 {
				t.Errorf("renewed %d times", n)
			}
		})
	}
}

func TestVault_renewals(t *testing.T) {
	passes := errors.New("the API cannot be reached")
	renewing := func(token string, err error) Renew {
		return func(context.Context, *Session) (*Session, error) {
			if err != nil {
				return nil, err
			}
			return session(token, time.Hour), nil
		}
	}
	cases := []struct {
		name  string
		old   *Session
		after time.Duration // since the session was made
		renew Renew
		want  string // the token that a call gets
		err   error
		left  string // the token that is stored afterwards
	}{
		{"fresh", session("old", time.Hour), 0, renewing("new", nil), "old", nil, "old"},
		{"in its last minute", session("old", time.Hour), 59*time.Minute + 30*time.Second, renewing("new", nil),
			"new", nil, "new"},
		{"in its last tenth", session("old", time.Minute), 55 * time.Second, renewing("new", nil), "new", nil, "new"},
		{"due, and the API is away", session("old", time.Hour), 59*time.Minute + 30*time.Second, renewing("", passes),
			"old", nil, "old"},
		{"due, and the API refuses", session("old", time.Hour), 59*time.Minute + 30*time.Second,
			renewing("", fmt.Errorf("renew: %w", ErrRefused)), "", ErrSignIn, ""},
		{"due, and nothing renews it", session("old", time.Hour), 59*time.Minute + 30*time.Second, nil, "old", nil,
			"old"},
		{"over, and nothing renews it", session("old", time.Hour), time.Hour, nil, "", ErrSignIn, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := NewMemory()
			v := NewVault(store, sealer(t, master), nil)
			if err := v.Put(t.Context(), key("alice"), c.old); err != nil {
				t.Fatal(err)
			}
			now := c.old.Made.Add(c.after)
			v.box.now, store.now = func() time.Time { return now }, func() time.Time { return now }
			got, err := v.Use(t.Context(), key("alice"), c.renew)
			if !errors.Is(err, c.err) || err == nil && got.Token.Reveal() != c.want {
				t.Errorf("got %v, %v", got, err)
			}
			left, err := v.Get(t.Context(), key("alice"))
			if c.left == "" && !errors.Is(err, ErrSignIn) || c.left != "" &&
				(err != nil || left.Token.Reveal() != c.left) {
				t.Errorf("left %v, %v", left, err)
			}
		})
	}
}

// TestVault_rejected: after a 401 the session is renewed once, and a token that
// another call has renewed meanwhile is taken instead.
func TestVault_rejected(t *testing.T) {
	v := NewVault(NewMemory(), sealer(t, master), nil)
	used := session("old", time.Hour)
	if err := v.Put(t.Context(), key("alice"), used); err != nil {
		t.Fatal(err)
	}
	renewals := 0
	renew := func(context.Context, *Session) (*Session, error) {
		renewals++
		return session("new", time.Hour), nil
	}
	for range 2 {
		got, err := v.Rejected(t.Context(), key("alice"), used, renew)
		if err != nil || got.Token.Reveal() != "new" {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if renewals != 1 {
		t.Errorf("renewed %d times", renewals)
	}
	if _, err := v.Rejected(t.Context(), key("alice"), session("new", time.Hour), nil); !errors.Is(err, ErrSignIn) {
		t.Errorf("without renewal: %v", err)
	}
}

// TestVault_storesEvenIfTheCallerLeaves: a rotated token is not lost with the call
// that renewed it.
func TestVault_storesEvenIfTheCallerLeaves(t *testing.T) {
	v := NewVault(failsWhenCanceled{NewMemory()}, sealer(t, master), nil)
	if err := v.Put(t.Context(), key("alice"), session("old", time.Hour)); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	_, _ = v.Rejected(ctx, key("alice"), session("old", time.Hour), func(context.Context, *Session) (*Session, error) {
		leave()
		return session("new", time.Hour), nil
	})
	if got, err := v.Get(t.Context(), key("alice")); err != nil || got.Token.Reveal() != "new" {
		t.Errorf("got %v, %v", got, err)
	}
}

type failsWhenCanceled struct{ *Memory }

func (s failsWhenCanceled) Put(ctx context.Context, id string, sealed []byte, end time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Memory.Put(ctx, id, sealed, end)
}

func TestLock_ofOneNameOnly(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			release, err := store.Lock(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			other, err := store.Lock(t.Context(), "b")
			if err != nil {
				t.Fatal(err)
			}
			other()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := store.Lock(ctx, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("a second holder: %v", err)
			}
			release()
			if again, err := store.Lock(t.Context(), "a"); err != nil {
				t.Error(err)
			} else {
				again()
			}
		})
	}
}

func TestFiles_areTheOwnersAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sessions")
	files, err := NewFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := files.Put(t.Context(), "entry", []byte("sealed"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(folder, "entry.session"))
	if err != nil || readableByOthers(info) {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if open, err := NewFiles(folder); err == nil && readableByOthersIsKnown() {
		open.Close()
		t.Error("a folder that others may read is taken")
	}
}

func readableByOthersIsKnown() bool {
	info, err := os.Stat(os.TempDir())
	return err == nil && readableByOthers(info)
}

// TestFiles_storeWhatTheyRead: an entry that would not be read is not stored.
func TestFiles_storeWhatTheyRead(t *testing.T) {
	files, err := NewFiles(filepath.Join(t.TempDir(), "sessions"))
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for size, fits := range map[int]bool{maxEntry - 8: true, maxEntry - 7: false} {
		id := fmt.Sprint(size)
		if err := files.Put(t.Context(), id, make([]byte, size), time.Time{}); fits != (err == nil) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if text, err := files.Get(t.Context(), id); fits != (err == nil) || fits && len(text) != size {
			t.Errorf("of %d bytes, %d are read: %v", size, len(text), err)
		}
	}
}

func TestFiles_sweep(t *testing.T) {
	files, err := NewFiles(filepath.Join(t.TempDir(), "sessions"))
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	now := time.Now()
	for id, end := range map[string]time.Time{"ended": now.Add(-time.Second), "lasting": now.Add(time.Hour),
		"endless": {}} {
		if err := files.Put(t.Context(), id, []byte("sealed"), end); err != nil {
			t.Fatal(err)
		}
		release, err := files.Lock(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	held, err := files.Lock(t.Context(), "held")
	if err != nil {
		t.Fatal(err)
	}
	defer held()
	// An entry that is being stored anew just now has ended and stays, and so does what
	// somebody writes; what a killed process was writing goes.
	if err := files.Put(t.Context(), "held", []byte("sealed"), now.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"young" + newSuffix: 0, "old" + newSuffix: 2 * abandoned} {
		path := filepath.Join(files.root.Name(), name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := files.Sweep(t.Context()); left != 3 || err != nil {
		t.Errorf("left %d, %v", left, err)
	}
	names, err := os.ReadDir(files.root.Name())
	if err != nil || len(names) != 5 {
		t.Errorf("the folder holds %v, %v", names, err)
	}
}

package secret

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fetcher is a provider made of a function.
type fetcher func(ctx context.Context, location *url.URL, key string) (String, error)

func (f fetcher) Fetch(ctx context.Context, location *url.URL, key string) (String, error) {
	return f(ctx, location, key)
}

func storeOf(p fetcher) *Store { return NewStore(Config{Providers: map[string]Provider{"stub": p}}) }

var ref = Ref{Name: "TOKEN", Key: "token", Location: "stub://place"}

func mustGet(t *testing.T, s *Store, r Ref) string {
	t.Helper()
	got, err := s.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got.Reveal()
}

func getError(t *testing.T, s *Store, r Ref) error {
	t.Helper()
	_, err := s.Get(t.Context(), r)
	if err == nil {
		t.Fatalf("%+v: no error", r)
	}
	return err
}

func TestStore_fetchesWhenNeededAndAnewAfterTheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := storeOf(func(context.Context, *url.URL, string) (String, error) {
			calls++
			return New("v" + strconv.Itoa(calls)), nil
		})
		if calls != 0 {
			t.Fatal("fetched before it was needed")
		}
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{0, "v1"}, {0, "v1"}, {5*time.Minute - 1, "v1"}, {1, "v2"}, {time.Minute, "v2"}, {time.Hour, "v3"}} {
			time.Sleep(step.wait)
			if got := mustGet(t, s, ref); got != step.want {
				t.Fatalf("after %v: got %s, want %s", step.wait, got, step.want)
			}
		}
	})
}

func TestStore_Refresh_fetchesAnew(t *testing.T) {
	calls := 0
	s := storeOf(func(context.Context, *url.URL, string) (String, error) {
		calls++
		return New("v" + strconv.Itoa(calls)), nil
	})
	mustGet(t, s, ref)
	if got := mustGet(t, s, ref); got != "v1" {
		t.Errorf("before: %s", got)
	}
	s.Refresh()
	for range 2 {
		if got := mustGet(t, s, ref); got != "v2" {
			t.Errorf("after: %s", got)
		}
	}
}

func TestStore_servesTheOlderValueWhenARefreshFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, broken := 0, false
		s := storeOf(func(context.Context, *url.URL, string) (String, error) {
			calls++
			if broken {
				return String{}, errors.New("place is down")
			}
			return New("v" + strconv.Itoa(calls)), nil
		})
		mustGet(t, s, ref)
		if err := s.RefreshError(ref); err != nil {
			t.Fatal(err)
		}
		broken = true
		time.Sleep(defaultTTL)
		for range 3 {
			if got := mustGet(t, s, ref); got != "v1" {
				t.Fatalf("got %s", got)
			}
		}
		if calls != 2 {
			t.Errorf("%d fetches: a failing place is asked again too soon", calls)
		}
		want := `fetch secret TOKEN from the key "token" of stub://place: place is down`
		if err := s.RefreshError(ref); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		broken = false
		time.Sleep(retryPause)
		if got := mustGet(t, s, ref); got != "v3" {
			t.Errorf("after recovery: got %s", got)
		}
		if err := s.RefreshError(ref); err != nil {
			t.Errorf("after recovery: %v", err)
		}
	})
}

func TestStore_doesNotWaitLongForARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		s := storeOf(func(ctx context.Context, _ *url.URL, _ string) (String, error) {
			if !slow {
				return New("old"), nil
			}
			time.Sleep(5 * time.Second)
			return New("new"), nil
		})
		mustGet(t, s, ref)
		slow = true
		time.Sleep(defaultTTL)
		for i, most := range []time.Duration{patience, 0, 0} {
			start := time.Now()
			if got := mustGet(t, s, ref); got != "old" || time.Since(start) > most {
				t.Errorf("call %d: got %s after %v", i, got, time.Since(start))
			}
		}
		time.Sleep(5 * time.Second)
		if got := mustGet(t, s, ref); got != "new" {
			t.Errorf("after the refresh: got %s", got)
		}
	})
}

func TestStore_givesUpOnAPlaceThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storeOf(func(ctx context.Context, _ *url.URL, _ string) (String, error) {
			<-ctx.Done()
			return String{}, ctx.Err()
		})
		start := time.Now()
		if err := getError(t, s, ref); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != fetchTimeout {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestStore_sharesOneFetchAmongConcurrentCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		s := storeOf(func(context.Context, *url.URL, string) (String, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return New("v"), nil
		})
		impatient, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := s.Get(impatient, ref); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled caller: %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			group.Go(func() { mustGet(t, s, ref) })
		}
		synctest.Wait()
		cancel() // takes nobody else along
		group.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d fetches", calls.Load())
		}
	})
}

func TestStore_keepsPlacesAndKeysApart(t *testing.T) {
	s := storeOf(func(_ context.Context, location *url.URL, key string) (String, error) {
		return New(location.Host + "/" + key), nil
	})
	for _, r := range []Ref{{Key: "a", Location: "stub://one"}, {Key: "b", Location: "stub://one"},
		{Key: "a", Location: "stub://two"}} {
		if got, want := mustGet(t, s, r), strings.TrimPrefix(r.Location, "stub://")+"/"+r.Key; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestStore_knowsTheValuesThatItHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := storeOf(func(_ context.Context, _ *url.URL, key string) (String, error) {
			calls++
			return New(key + strings.Repeat("*", calls)), nil
		})
		known := func() (texts []string) {
			for _, k := range s.Known() {
				texts = append(texts, k.Reveal())
			}
			return texts
		}
		if got := known(); got != nil {
			t.Errorf("before any Get: %v", got)
		}
		mustGet(t, s, Ref{Key: "a", Location: "stub://p"})
		mustGet(t, s, Ref{Key: "b", Location: "stub://p"})
		mustGet(t, s, Ref{Key: "b", Location: "stub://p"})
		if got := known(); !slices.Equal(got, []string{"b**", "a*"}) {
			t.Errorf("got %v", got)
		}
		time.Sleep(defaultTTL)
		mustGet(t, s, Ref{Key: "a", Location: "stub://p"})
		if got := known(); !slices.Equal(got, []string{"a***", "b**", "a*"}) {
			t.Errorf("after a change: %v", got)
		}
	})
}

func TestStore_errorsSayWhatToDo(t *testing.T) {
	environment := map[string]string{"EMPTY": ""}
	getenv := func(name string) (string, bool) { text, ok := environment[name]; return text, ok }
	s := NewStore(Config{Getenv: getenv, Providers: Defaults(System{Getenv: getenv}, nil)})
	for name, c := range map[string]struct {
		ref  Ref
		want string
	}{
		"environment": {Ref{Name: "TOKEN", Key: "API_TOKEN", Location: ""},
			"secret TOKEN has no value: set the environment variable API_TOKEN"},
		"env scheme": {Ref{Name: "TOKEN", Key: "API_TOKEN", Location: "env://"},
			"secret TOKEN has no value: set the environment variable API_TOKEN"},
		"github": {Ref{Name: "TOKEN", Key: "API_TOKEN", Location: "github-secrets://acme/app"},
			"secret TOKEN has no value: set the environment variable API_TOKEN, from the GitHub secret in the workflow's env"},
		"empty": {Ref{Name: "TOKEN", Key: "EMPTY", Location: ""},
			"secret TOKEN has no value: set the environment variable EMPTY (it is empty)"},
		"without a name": {Ref{Name: "", Key: "API_TOKEN", Location: ""},
			"secret API_TOKEN has no value: set the environment variable API_TOKEN"},
		"unknown scheme":   {Ref{Name: "T", Key: "k", Location: "aws-sm://eu/app"}, `fetch secret T from the key "k" of aws-sm://eu/app: no provider for aws-sm:// (there are env, github-secrets, k8s, k8s-secret, vault)`},
		"not a URL":        {Ref{Name: "T", Key: "k", Location: "vault://u:hunter2@[/app"}, `fetch secret T from the key "k" of its location: the location is not a URL`},
		"credentials":      {Ref{Name: "T", Key: "k", Location: "aws-sm://u:hunter2@eu/app?token=hunter2#hunter2"}, `fetch secret T from the key "k" of aws-sm://eu/app: no provider for aws-sm:// (there are env, github-secrets, k8s, k8s-secret, vault)`},
		"no server":        {Ref{Name: "T", Key: "k", Location: "vault://secret/app"}, `fetch secret T from the key "k" of vault://secret/app: vault: no login: set VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE`},
		"not in a cluster": {Ref{Name: "T", Key: "k", Location: "k8s://ns/app"}, `fetch secret T from the key "k" of k8s://ns/app: kubernetes: not in a cluster: KUBERNETES_SERVICE_HOST is not set`},
	} {
		if err := getError(t, s, c.ref); err.Error() != c.want {
			t.Errorf("%s: got\n%s, want\n%s", name, err, c.want)
		}
	}
}

func TestStore_readsTheEnvironmentByItself(t *testing.T) {
	t.Setenv("FAIRLEAD_TEST_SECRET", "v")
	if got := mustGet(t, NewStore(Config{}), Ref{Key: "FAIRLEAD_TEST_SECRET"}); got != "v" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkStore_Get(b *testing.B) {
	s := storeOf(func(context.Context, *url.URL, string) (String, error) { return New("v"), nil })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Get(b.Context(), ref); err != nil {
			b.Fatal(err)
		}
	}
}

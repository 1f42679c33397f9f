package session

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/testkit/leak"
	"github.com/fairlead/fairlead/internal/testkit/redis"
)

// asProcess names what a test binary does instead of running tests, when it is
// started as another process that shares a store.
const asProcess = "FAIRLEAD_TEST_PROCESS"

func TestMain(m *testing.M) {
	if does := os.Getenv(asProcess); does != "" {
		if err := process(does, os.Args[1:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(leak.Main(m))
}

// start starts a process; its first argument is what it does.
func start(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args[1:]...)
	cmd.Env, cmd.Stderr = append(os.Environ(), asProcess+"="+args[0]), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

func process(does string, args []string) error {
	ctx := context.Background()
	if does == "key" {
		files, err := NewFiles(args[0])
		if err != nil {
			return err
		}
		defer files.Close()
		key, said, err := files.Key(ctx, nil)
		fmt.Printf("%s %t\n", hex.EncodeToString(key), said != "")
		return err
	}
	store, err := openShared(args[0])
	if err != nil {
		return err
	}
	sealer, err := NewSealer(master)
	if err != nil {
		return err
	}
	v, api := NewVault(store, sealer, nil), refresher(args[1])
	defer v.Close()
	switch does {
	case "use": // fifty calls at the end of a session
		var all sync.WaitGroup
		failed := make(chan error, 50)
		for range 50 {
			all.Go(func() {
				s, err := v.Use(ctx, key("alice"), api)
				if err == nil && s.Token.Reveal() != "token-1" {
					err = errors.New("it uses " + s.Token.Reveal())
				}
				failed <- err
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			if err != nil {
				return err
			}
		}
	case "hang": // it renews, and is killed before it stores
		_, err = v.Use(ctx, key("alice"), func(ctx context.Context, old *Session) (*Session, error) {
			_, err := api(ctx, old)
			fmt.Println("renewed", err)
			select {} // until the kill
		})
	}
	return err
}

// openShared opens a store by a folder or an address.
func openShared(where string) (Store, error) {
	if !IsRedis(where) {
		return NewFiles(where)
	}
	r, err := OpenRedis(where)
	if err == nil {
		r.life = 500 * time.Millisecond
	}
	return r, err
}

// refresher renews at the API of that address.
func refresher(address string) Renew {
	return func(ctx context.Context, old *Session) (*Session, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(old.Refresh.Reveal()))
		if err != nil {
			return nil, err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode == http.StatusForbidden {
			err = ErrRefused
		}
		if err != nil {
			return nil, err
		}
		next := session("token-"+string(text), time.Hour)
		next.Refresh = secret.New("refresh-" + string(text))
		return next, nil
	}
}

// rotating is an API that takes each refresh token once.
type rotating struct {
	*httptest.Server
	mu       sync.Mutex
	made     int
	presents []string // the tokens that were presented, in order
}

func newRotating(t *testing.T) *rotating {
	api := &rotating{}
	api.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		api.mu.Lock()
		defer api.mu.Unlock()
		api.presents = append(api.presents, string(text))
		if string(text) != fmt.Sprint("refresh-", api.made) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		api.made++
		fmt.Fprint(w, api.made)
	}))
	t.Cleanup(api.Close)
	return api
}

// shared are stores that processes share, by name.
func shared(t *testing.T) map[string]string {
	all := map[string]string{"files": filepath.Join(t.TempDir(), "sessions")}
	if redis.Installed() {
		all["redis"] = "redis://" + redis.Start(t).Addr
	} else {
		t.Log("without redis, as redis-server is not installed")
	}
	return all
}

// ended is a vault in the store with a session that has ended and can be renewed.
func ended(t *testing.T, where string) *Vault {
	t.Helper()
	store, err := openShared(where)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVault(store, sealer(t, master), nil)
	t.Cleanup(func() { v.Close() })
	old := session("token-0", time.Nanosecond)
	old.Refresh = secret.New("refresh-0")
	if err := v.Put(t.Context(), key("alice"), old); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVault_processesRenewOnce: a hundred calls of two processes that share a store
// renew a session once (credentials.md vector 16).
func TestVault_processesRenewOnce(t *testing.T) {
	for name, where := range shared(t) {
		t.Run(name, func(t *testing.T) {
			api := newRotating(t)
			v := ended(t, where)
			one, oneSays := start(t, "use", where, api.URL)
			two, twoSays := start(t, "use", where, api.URL)
			for _, p := range []struct {
				cmd  *exec.Cmd
				says *bufio.Reader
			}{{one, oneSays}, {two, twoSays}} {
				said, _ := io.ReadAll(p.says)
				if err := p.cmd.Wait(); err != nil {
					t.Errorf("%v: %s", err, said)
				}
			}
			if len(api.presents) != 1 {
				t.Errorf("the API was asked with %v", api.presents)
			}
			if s, err := v.Get(t.Context(), key("alice")); err != nil || s.Token.Reveal() != "token-1" {
				t.Errorf("left %v, %v", s, err)
			}
		})
	}
}

// TestVault_killedBeforeStoring: after a process was killed between the API's
// answer and its storing, the old token is tried once, then sign-in is asked.
func TestVault_killedBeforeStoring(t *testing.T) {
	for name, where := range shared(t) {
		t.Run(name, func(t *testing.T) {
			api := newRotating(t)
			v := ended(t, where)
			killed, says := start(t, "hang", where, api.URL)
			if line, err := says.ReadString('\n'); err != nil || line != "renewed <nil>\n" {
				t.Fatalf("it says %q, %v", line, err)
			}
			if err := killed.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = killed.Wait()
			for range 3 {
				if s, err := v.Use(t.Context(), key("alice"), refresher(api.URL)); !errors.Is(err, ErrSignIn) {
					t.Errorf("got %v, %v", s, err)
				}
			}
			if got := strings.Join(api.presents, " "); got != "refresh-0 refresh-0" {
				t.Errorf("the API was asked with %s", got)
			}
		})
	}
}

// TestFiles_processesMakeOneKey: processes that start at once agree on the key, and
// one of them says where it is.
func TestFiles_processesMakeOneKey(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sessions")
	var says []*bufio.Reader
	var all []*exec.Cmd
	for range 8 {
		cmd, out := start(t, "key", folder)
		all, says = append(all, cmd), append(says, out)
	}
	keys, said := map[string]bool{}, 0
	for i, out := range says {
		line, err := out.ReadString('\n')
		if err := errors.Join(err, all[i].Wait()); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		text, told, _ := strings.Cut(strings.TrimSpace(line), " ")
		keys[text] = true
		if told == "true" {
			said++
		}
	}
	if len(keys) != 1 || said != 1 {
		t.Errorf("%d keys, said %d times", len(keys), said)
	}
}

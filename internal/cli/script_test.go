package cli_test

import (
	"context"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/testkit"
)

var update = flag.Bool("update", false, "write the expected output of scripts anew")

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "internal-worker" { // the process of a script step is this binary again
		os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	noUser()
	testscript.Main(m, map[string]func(){
		"fairlead": func() {
			os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// noUser keeps tests away from the sessions and the keyring of whoever runs them.
func noUser() {
	if os.Getenv("FAIRLEAD_TEST_STATE") != "" {
		return // this binary as a command of a script, whose folder goes with the test
	}
	nowhere := filepath.Join(os.TempDir(), "fairlead-test-state")
	for _, name := range []string{"XDG_STATE_HOME", "XDG_RUNTIME_DIR", "FAIRLEAD_TEST_STATE"} {
		os.Setenv(name, nowhere)
	}
	os.Unsetenv("DBUS_SESSION_BUS_ADDRESS")
}

// TestScripts runs the command line as people type it: every file of testdata
// is a script with its documents and the output that it expects.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			up := testkit.NewUpstream(t, echo)
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Defer(func() { taken.Close() })
			_, port, _ := net.SplitHostPort(taken.Addr().String())
			env.Setenv("UPSTREAM", up.URL)
			env.Setenv("TAKEN_PORT", port)
			env.Setenv("NO_COLOR", "1")
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".state"))
			env.Setenv("FAIRLEAD_TEST_STATE", "the script's own")
			return nil
		},
	})
}

// echo answers with what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/account/login" {
		_, _ = w.Write([]byte(`{"token":{"id":"t"}}`))
		return
	}
	if r.URL.Path == "/broken" {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"message":"no such thing"}`))
		return
	}
	_, _ = w.Write([]byte(`{"method":"` + r.Method + `","uri":"` + r.URL.RequestURI() + `"}`))
}

func TestRun_endsWithItsContext(t *testing.T) { // semantics 6.7
	ctx, cancel := context.WithCancel(t.Context())
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	done := make(chan int, 1)
	go func() {
		done <- cli.Run(ctx, []string{"serve", "--sandbox", "--ports", "auto", "--json"},
			cli.Streams{In: os.Stdin, Out: in, Err: os.Stderr})
	}()
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit %d after %s", code, line[:n])
	}
}

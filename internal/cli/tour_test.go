package cli_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// typed is a command of the README and what stands below it; … in that is
// anything.
type typed struct {
	command, prints string
}

// tour reads the console blocks of the README.
func tour(t *testing.T) (all []typed) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for _, part := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, prints, _ := strings.Cut(part, "\n")
			all = append(all, typed{command, strings.TrimRight(prints, "\n")})
		}
	}
	if len(all) < 10 {
		t.Fatalf("the README has %d commands", len(all))
	}
	return all
}

// record is a line of the log, which stands where standard error is no terminal.
var record = regexp.MustCompile(`(?m)^time=\d.*\n`)

// fits reports whether a command printed what the README says.
func fits(prints, got string) bool {
	got = record.ReplaceAllString(got, "")
	pattern := strings.ReplaceAll(regexp.QuoteMeta(prints), "…", ".*?")
	return regexp.MustCompile(`(?s)^` + pattern + `\n*$`).MatchString(strings.TrimRight(got, "\n") + "\n")
}

// The files that the README names are there.
func TestReadme_namesFilesThatAreThere(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:examples|docs|capabilities|\.ci)/[\w./-]*\w`).FindAllString(string(text), -1)
	if len(named) < 10 {
		t.Fatalf("the README names %v", named)
	}
	for _, name := range named {
		if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
			t.Errorf("the README names %s, which is not there", name)
		}
	}
}

// A reader types the README line by line in a fresh clone. serve runs on while
// the rest is typed; everything else ends.
func TestReadme_canBeTyped(t *testing.T) {
	if os.Getenv("FAIRLEAD_TOUR") == "" {
		t.Skip("it takes the ports that the README names: bash .ci/tour")
	}
	clone := t.TempDir()
	run := func(command string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), "bash", "-c", "exec "+command)
		c.Dir = clone
		c.Env = append(os.Environ(), "PATH="+clone+":"+os.Getenv("PATH"), "NO_COLOR=1")
		return c
	}
	if err := os.CopyFS(filepath.Join(clone, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(clone, "fairlead"),
		"../../cmd/fairlead").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, line := range tour(t) {
		if strings.HasPrefix(line.command, "fairlead serve") {
			server := run(line.command)
			var printed shared
			server.Stdout, server.Stderr = &printed, &printed
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Wait() }()
			defer func() { _ = server.Process.Signal(syscall.SIGTERM) }()
			if !printed.within(t.Context(), func(text string) bool { return fits(line.prints, text) }) {
				t.Fatalf("$ %s\ngot  %s\nwant %s", line.command, printed.text(), line.prints)
			}
			continue
		}
		out, _ := run(line.command).CombinedOutput() // check exits with 1 where there is an error
		if !fits(line.prints, string(out)) {
			t.Errorf("$ %s\ngot  %s\nwant %s", line.command, out, line.prints)
		}
	}
}

// shared is what a process that runs has printed so far.
type shared struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *shared) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// within waits until what was printed is ok.
func (s *shared) within(ctx context.Context, ok func(string) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for !ok(s.text()) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return true
}

package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Conversation is a running program that reads and writes lines of JSON: one of
// ../clients/programs, which hold a session with a server.
type Conversation struct {
	t      *testing.T
	name   string
	in     io.WriteCloser
	lines  *bufio.Scanner
	cmd    *exec.Cmd
	hung   *time.Timer
	stderr *record
	said   *record // all of it
}

// Converse starts a program with more environment variables. It ends with the test.
func Converse(t *testing.T, env []string, command ...string) *Conversation {
	t.Helper()
	c := &Conversation{t: t, name: strings.Join(command, " "), stderr: &record{}, said: &record{},
		cmd: exec.Command(command[0], command[1:]...)}
	c.cmd.Env = append(Environment(), env...)
	c.cmd.Stderr = c.stderr
	c.cmd.WaitDelay = 5 * time.Second
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.in, c.lines = in, bufio.NewScanner(io.TeeReader(out, c.said))
	c.lines.Buffer(nil, 16<<20)
	c.hung = time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	t.Cleanup(c.end)
	return c
}

func (c *Conversation) end() {
	c.in.Close()
	for c.lines.Scan() {
		c.t.Errorf("%s said more than it was asked: %s", c.name, c.lines.Text())
	}
	err := c.cmd.Wait()
	c.hung.Stop()
	CheckRace(c.t, c.stderr.String())
	if err != nil || c.t.Failed() {
		c.t.Errorf("%s ended: %v\nstdout:\n%s\nstderr:\n%s", c.name, err, c.said, c.stderr)
	}
}

// Say writes a line.
func (c *Conversation) Say(v any) {
	c.t.Helper()
	if err := json.NewEncoder(c.in).Encode(v); err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
}

// Hear reads a line into v.
func (c *Conversation) Hear(v any) {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("%s says nothing more: %v", c.name, c.lines.Err())
	}
	if err := json.Unmarshal(c.lines.Bytes(), v); err != nil {
		c.t.Fatalf("%s says %s: %v", c.name, c.lines.Bytes(), err)
	}
}

// Said is all that the program has said so far, its errors and log among it.
func (c *Conversation) Said() string { return c.said.String() + c.stderr.String() }

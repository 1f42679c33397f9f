package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fairlead/fairlead/internal/cli"
)

// screen is a terminal and what stands on it.
type screen struct {
	keys, tty *os.File
	mu        sync.Mutex
	seen      bytes.Buffer
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	keys := os.NewFile(uintptr(fd), "keys")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{keys: keys, tty: tty}
	read := make(chan struct{})
	go func() {
		defer close(read)
		text := make([]byte, 1024)
		for {
			n, err := keys.Read(text)
			s.mu.Lock()
			s.seen.Write(text[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { tty.Close(); keys.Close(); <-read })
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// shows waits until a text stands on the screen.
func (s *screen) shows(t *testing.T, text string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(s.text(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%q never stands on the screen:\n%s", text, s.text())
}

// echoes reports whether the terminal shows what is typed.
func (s *screen) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func (s *screen) hides(t *testing.T) {
	t.Helper()
	for range 1000 {
		if !s.echoes(t) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the terminal shows what is typed")
}

func (s *screen) types(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(s.keys, text); err != nil {
		t.Fatal(err)
	}
}

// login runs the command on the screen.
func (s *screen) login(ctx context.Context, d *desk) <-chan int {
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, []string{"login", d.file}, cli.Streams{In: s.tty, Out: s.tty, Err: s.tty})
	}()
	return code
}

// TestLogin_hidesPasswords: a person types into a terminal, which shows the e-mail
// address and not the password.
func TestLogin_hidesPasswords(t *testing.T) {
	d, s := newDesk(t), newScreen(t)
	code := s.login(t.Context(), d)
	s.shows(t, "E-mail: ")
	s.types(t, "\n") // it is needed
	s.shows(t, "It is needed.")
	s.types(t, "alice@example.com\n")
	s.shows(t, "That of the CRM.")
	s.shows(t, "Password: ")
	s.hides(t)
	s.types(t, canaryPassword+"\n")
	s.shows(t, "Team (may be left out): ")
	s.types(t, "\n")
	if got := <-code; got != 0 {
		t.Fatalf("exit code %d:\n%s", got, s.text())
	}
	s.shows(t, "Signed in at")
	if !strings.Contains(s.text(), "alice@example.com") || strings.Contains(s.text(), canaryPassword) ||
		strings.Contains(s.text(), canaryToken) {
		t.Errorf("the screen shows:\n%s", s.text())
	}
	if !s.echoes(t) {
		t.Error("the terminal hides what is typed afterwards")
	}
	if out := d.does("", "call", d.file, "me"); !strings.Contains(out, "Alice") {
		t.Errorf("call: %s", out)
	}
}

// TestLogin_interrupted: Ctrl-C at the password leaves a terminal that shows what is typed.
func TestLogin_interrupted(t *testing.T) {
	d, s := newDesk(t), newScreen(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	code := s.login(ctx, d)
	s.shows(t, "E-mail: ")
	s.types(t, "alice@example.com\n")
	s.shows(t, "Password: ")
	s.hides(t)
	interrupt()
	if got := <-code; got != 1 {
		t.Errorf("exit code %d", got)
	}
	if !s.echoes(t) {
		t.Error("the terminal hides what is typed afterwards")
	}
	s.types(t, "\n") // ends the read that was left
}

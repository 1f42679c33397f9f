//go:build unix

package session

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestFiles_waitForNoPipe: a pipe in the place of an entry, or of the key, is none; nobody
// waits for its writer, and the next sign-in takes its place.
func TestFiles_waitForNoPipe(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sessions")
	files, err := NewFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for _, name := range []string{"entry" + suffix, keyFile} {
		if err := syscall.Mkfifo(filepath.Join(folder, name), 0o600); err != nil {
			t.Skip("no pipes here: ", err)
		}
	}
	read := make(chan error, 1)
	go func() {
		if _, err := files.readKeyFile(); err == nil {
			t.Error("a pipe is read as a key")
		}
		_, err := files.Get(t.Context(), "entry")
		read <- err
	}()
	select {
	case err := <-read:
		if !errors.Is(err, ErrNone) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the pipe")
	}
	if err := files.Put(t.Context(), "entry", []byte("sealed"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if text, err := files.Get(t.Context(), "entry"); err != nil || string(text) != "sealed" {
		t.Errorf("%q, %v", text, err)
	}
}

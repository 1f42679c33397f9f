package session

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ring is a keyring of a test.
type ring struct {
	secrets map[string]string
	err     error
}

func (r *ring) Get(name string) (string, error) {
	if r.err != nil {
		return "", r.err
	}
	if s, ok := r.secrets[name]; ok {
		return s, nil
	}
	return "", ErrNone
}

func (r *ring) Set(name, secret string) error {
	if r.err == nil {
		r.secrets[name] = secret
	}
	return r.err
}

func newFiles(t *testing.T, folder string) *Files {
	t.Helper()
	files, err := NewFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return files
}

func TestFiles_keyInTheKeyring(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sessions")
	r := &ring{secrets: map[string]string{}}
	key, said, err := newFiles(t, folder).Key(t.Context(), r)
	if err != nil || len(key) != MinKey || said != "" {
		t.Fatalf("got %d bytes, said %q, %v", len(key), said, err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "key"))
	if err != nil || strings.Contains(string(text), hex.EncodeToString(key)) {
		t.Errorf("the file holds the key: %q, %v", text, err)
	}
	if again, _, err := newFiles(t, folder).Key(t.Context(), r); err != nil || !bytes.Equal(again, key) {
		t.Errorf("the next process gets another key: %v", err)
	}
	other, _, err := newFiles(t, filepath.Join(t.TempDir(), "other")).Key(t.Context(), r)
	if err != nil || bytes.Equal(other, key) {
		t.Errorf("another folder gets the same key, %v", err)
	}
	// A keyring that is away now is no reason for another key: it would part those
	// who share the folder.
	for what, away := range map[string]Keyring{"none": nil, "locked": &ring{err: errors.New("locked")},
		"emptied": &ring{}} {
		if key, _, err := newFiles(t, folder).Key(t.Context(), away); err == nil ||
			!strings.Contains(err.Error(), "keyring") {
			t.Errorf("%s: got %x, %v", what, key, err)
		}
	}
	if again, _, err := newFiles(t, folder).Key(t.Context(), r); err != nil || !bytes.Equal(again, key) {
		t.Errorf("the key is another one afterwards: %v", err)
	}
}

func TestFiles_keyBesideTheEntries(t *testing.T) {
	for what, r := range map[string]Keyring{"none": nil, "failing": &ring{err: errors.New("no service")}} {
		t.Run(what, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "sessions")
			key, said, err := newFiles(t, folder).Key(t.Context(), r)
			if err != nil || !strings.Contains(said, "protects copies of the sessions alone") {
				t.Fatalf("said %q, %v", said, err)
			}
			info, err := os.Stat(filepath.Join(folder, "key"))
			if err != nil || readableByOthers(info) {
				t.Errorf("the key's mode is %v, %v", info.Mode(), err)
			}
			again, said, err := newFiles(t, folder).Key(t.Context(), &ring{secrets: map[string]string{}})
			if err != nil || !bytes.Equal(again, key) || said != "" {
				t.Errorf("the next process gets another key, said %q, %v", said, err)
			}
		})
	}
}

// TestFiles_damagedKeys: a key that cannot be read is never replaced silently.
func TestFiles_damagedKeys(t *testing.T) {
	for _, text := range []string{"", "short", hex.EncodeToString(master[1:]), strings.Repeat("x", 5000)} {
		folder := filepath.Join(t.TempDir(), "sessions")
		files := newFiles(t, folder)
		path := filepath.Join(folder, "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, _, err := files.Key(t.Context(), nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%.10q: got %x, %v", text, key, err)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%.10q was replaced", text)
		}
	}
}

func TestUserFolder(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	if got, err := UserFolder(); err != nil || got != filepath.Join(state, "fairlead", "sessions") {
		t.Errorf("got %s, %v", got, err)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	if got, err := UserFolder(); err != nil || !filepath.IsAbs(got) || strings.Contains(got, "relative") {
		t.Errorf("got %s, %v", got, err)
	}
}

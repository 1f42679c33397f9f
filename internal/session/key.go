package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// Keyring is where a system keeps secrets of the user who is logged in.
type Keyring interface {
	// Get is the secret of a name, or ErrNone.
	Get(name string) (string, error)
	Set(name, secret string) error
}

// SystemKeyring is the keyring of this system: Keychain, Credential Manager or the
// Secret Service on D-Bus; nil where there is none.
func SystemKeyring() Keyring {
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" && !hasBus() {
		return nil // asking would start a bus of its own where it can
	}
	return systemKeyring{}
}

// hasBus reports whether there is a D-Bus of the user's login.
func hasBus() bool {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	folder := os.Getenv("XDG_RUNTIME_DIR")
	if folder == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(folder, "bus"))
	return err == nil
}

type systemKeyring struct{}

// keyringService is what the keyring lists Fairlead's entries under.
const keyringService = "fairlead"

// keyringTime is how long a keyring may take: it may ask its user to unlock it.
const keyringTime = time.Minute

func (systemKeyring) Get(name string) (string, error) {
	return inTime(func() (string, error) {
		secret, err := keyring.Get(keyringService, name)
		if errors.Is(err, keyring.ErrNotFound) {
			err = ErrNone
		}
		return secret, err
	})
}

func (systemKeyring) Set(name, secret string) error {
	_, err := inTime(func() (string, error) { return "", keyring.Set(keyringService, name, secret) })
	return err
}

// inTime is what ask returns, or an error when that takes too long.
func inTime(ask func() (string, error)) (string, error) {
	type answer struct {
		secret string
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		secret, err := ask()
		got <- answer{secret, err}
	}()
	select {
	case a := <-got:
		return a.secret, a.err
	case <-time.After(keyringTime):
		return "", fmt.Errorf("it has not answered within %s", keyringTime)
	}
}

const (
	keyFile    = "key"
	keyInRing  = "keyring " // before the name of the key there
	maxKeyFile = 1 << 10    // bytes
)

// Key is the key that seals the entries of this folder. It is made when there is
// none yet, also where several processes start at once: in ring, else in the file
// “key” beside the entries, which protects copies of the entries alone. ring may be
// nil. said is what an operator should hear once, about a key that was made now.
func (f *Files) Key(ctx context.Context, ring Keyring) (key []byte, said string, err error) {
	release, err := f.Lock(ctx, keyFile)
	if err != nil {
		return nil, "", err
	}
	defer release()
	path := filepath.Join(f.root.Name(), keyFile)
	text, err := f.readKeyFile()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.makeKey(ring, path)
	case err != nil:
		return nil, "", fmt.Errorf("read the key of sessions: %w", err)
	}
	if name, ok := strings.CutPrefix(text, keyInRing); ok {
		if text, err = fromRing(ring, name); err != nil {
			return nil, "", fmt.Errorf("the key of the sessions in %s is in the system's keyring: %w; "+
				"work where that keyring is open, use another folder, or remove %s to begin anew", f.root.Name(), err,
				path)
		}
	}
	if key, err = hex.DecodeString(text); err != nil || len(key) < MinKey {
		return nil, "", fmt.Errorf("%s holds no key of sessions; remove it to begin anew", path)
	}
	return key, "", nil
}

func (f *Files) readKeyFile() (string, error) {
	// to open a pipe waits for its writer
	if info, err := f.root.Stat(keyFile); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file; remove it to begin anew", filepath.Join(f.root.Name(), keyFile))
	}
	file, err := f.root.Open(keyFile)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return "", err
	} else if readableByOthers(info) {
		return "", fmt.Errorf("%s can be read by other users of this machine; make a new one by removing it",
			filepath.Join(f.root.Name(), keyFile))
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	return strings.TrimSpace(string(text)), err
}

func fromRing(ring Keyring, name string) (string, error) {
	if ring == nil {
		return "", errors.New("this process reaches none")
	}
	text, err := ring.Get(name)
	if errors.Is(err, ErrNone) {
		return "", errors.New("it is not there any more")
	}
	return text, err
}

// makeKey makes the folder's key; the caller has the lock.
func (f *Files) makeKey(ring Keyring, path string) (key []byte, said string, err error) {
	key = make([]byte, MinKey)
	rand.Read(key) // never fails (crypto/rand)
	text, why := hex.EncodeToString(key), "there is no system keyring"
	if ring != nil {
		name := "sessions " + rand.Text()
		err := ring.Set(name, text)
		if err == nil {
			var back string
			if back, err = ring.Get(name); err == nil && back != text {
				err = errors.New("it gives back something else than it got")
			}
		}
		if err == nil {
			return key, "", f.write(keyFile, []byte(keyInRing+name+"\n"))
		}
		why = fmt.Sprintf("the system's keyring does not take it (%v)", err)
	}
	if err := f.write(keyFile, []byte(text+"\n")); err != nil {
		return nil, "", err
	}
	return key, fmt.Sprintf("the key of the sessions in %s is in the file %s, as %s: whoever can read that file can read them; "+
		"the key protects copies of the sessions alone", f.root.Name(), path, why), nil
}

// UserFolder is where the sessions of this user are: below $XDG_STATE_HOME, else in
// the place that the system has for it.
func UserFolder() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // XDG Base Directory Specification: others are ignored
		var err error
		switch runtime.GOOS {
		case "windows":
			state, err = os.UserCacheDir() // %LocalAppData%
		case "darwin", "ios":
			state, err = os.UserConfigDir() // ~/Library/Application Support
		default:
			if state, err = os.UserHomeDir(); err == nil {
				state = filepath.Join(state, ".local", "state")
			}
		}
		if err != nil {
			return "", fmt.Errorf("find the folder of sessions: %w", err)
		}
	}
	return filepath.Join(state, "fairlead", "sessions"), nil
}

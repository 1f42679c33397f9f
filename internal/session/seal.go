package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// MinKey is the least length of a master key, in bytes.
const MinKey = 32

// Sealer seals entries under the first of its keys and opens what any of them
// has sealed. It is safe for concurrent use.
type Sealer struct{ keys []sealingKey }

// sealingKey is one master key: what it is known by, what ids are made with and
// what entries are sealed with.
type sealingKey struct {
	id    [4]byte
	index []byte
	aead  cipher.AEAD
}

// NewSealer makes a Sealer of master keys, the one in force first and others that
// are still read after it. Each has MinKey bytes at least.
func NewSealer(masters ...[]byte) (*Sealer, error) {
	if len(masters) == 0 {
		return nil, errors.New("seal sessions: no key")
	}
	s := &Sealer{}
	for _, master := range masters {
		if len(master) < MinKey {
			return nil, fmt.Errorf("seal sessions: a key has %d bytes, want at least %d", len(master), MinKey)
		}
		derive := func(purpose string) []byte {
			key, err := hkdf.Key(sha256.New, master, nil, "fairlead session "+purpose, 32)
			if err != nil {
				panic(err) // 32 bytes can always be derived (RFC 5869, section 2.3)
			}
			return key
		}
		block, err := aes.NewCipher(derive("seal"))
		if err != nil {
			return nil, fmt.Errorf("seal sessions: %w", err)
		}
		// Random nonces are safe for 2^32 messages under one key (NIST SP 800-38D,
		// section 8.3), far more than sessions are stored before a key is changed.
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("seal sessions: %w", err)
		}
		s.keys = append(s.keys, sealingKey{id: [4]byte(derive("id")), index: derive("index"), aead: aead})
	}
	return s, nil
}

// ids are the names under which an entry may stand, the one in force first. They
// say nothing about whom or what they are for.
func (s *Sealer) ids(of []byte) []string {
	ids := make([]string, len(s.keys))
	for i, k := range s.keys {
		mac := hmac.New(sha256.New, k.index)
		mac.Write(of)
		ids[i] = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return ids
}

// kind is what an entry holds. It is authenticated: no entry passes for one of
// another kind.
type kind byte

const (
	ofSession kind = 1 + iota
	ofSignIns
)

// The header of an entry: version, kind, key, when it was stored, when it ends.
// It is not secret; together with the id it is authenticated.
const (
	sealVersion  = 1
	headerLength = 1 + 1 + 4 + 8 + 8
)

var (
	// errForeign is an entry that this Sealer did not seal, or not under this name.
	errForeign = errors.New("it was not sealed here, or was moved or changed")
	// errStale is an entry that was kept beyond its end.
	errStale = errors.New("it was kept beyond its end")
)

// stamp is when an entry was stored and when it ends, to the second.
type stamp struct{ stored, end time.Time }

// seal closes content for the name id.
func (s *Sealer) seal(what kind, id string, when stamp, content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("seal a session: %w", err)
	}
	k := &s.keys[0]
	h := make([]byte, 0, headerLength+len(text)+k.aead.Overhead())
	h = append(h, sealVersion, byte(what))
	h = append(h, k.id[:]...)
	h = binary.BigEndian.AppendUint64(h, uint64(when.stored.Unix()))
	h = binary.BigEndian.AppendUint64(h, uint64(when.end.Unix()))
	return k.aead.Seal(h, nil, text, append([]byte(id), h...)), nil
}

// open reads what was sealed for the name id into content. It is errForeign for
// anything else, and errStale from the entry's end on.
func (s *Sealer) open(what kind, id string, sealed []byte, now time.Time, content any) (stamp, error) {
	if len(sealed) < headerLength || sealed[0] != sealVersion || sealed[1] != byte(what) {
		return stamp{}, errForeign
	}
	h, closed := sealed[:headerLength], sealed[headerLength:]
	for i := range s.keys {
		k := &s.keys[i]
		if string(h[2:6]) != string(k.id[:]) {
			continue
		}
		text, err := k.aead.Open(nil, nil, closed, append([]byte(id), h...))
		if err != nil || json.Unmarshal(text, content) != nil {
			return stamp{}, errForeign
		}
		seconds := func(at int) time.Time { return time.Unix(int64(binary.BigEndian.Uint64(h[at:])), 0) }
		when := stamp{stored: seconds(6), end: seconds(14)}
		if !now.Before(when.end) {
			return when, errStale
		}
		return when, nil
	}
	return stamp{}, errForeign
}

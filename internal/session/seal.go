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

	"github.com/fairlead/fairlead/internal/secret"
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

// NewSealer makes a Sealer of master keys, the one in force first and older ones
// after it. Each has MinKey bytes at least.
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

// ids are the names under which an entry may stand: the first is the one in
// force. They say nothing about whom or what the key names.
func (s *Sealer) ids(key Key) []string {
	ids := make([]string, len(s.keys))
	for i, k := range s.keys {
		mac := hmac.New(sha256.New, k.index)
		mac.Write(key.bytes())
		ids[i] = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return ids
}

// The header of an entry: version, key, when it was made, when it ends. It is
// not secret; together with the id it is authenticated.
const (
	sealVersion  = 1
	headerLength = 1 + 4 + 8 + 8
)

// errForeign is an entry that this Sealer did not seal, or not under this name.
var errForeign = errors.New("the entry was not sealed here, or was moved or changed")

func header(k *sealingKey, s *Session) []byte {
	h := make([]byte, 0, headerLength)
	h = append(h, sealVersion)
	h = append(h, k.id[:]...)
	h = binary.BigEndian.AppendUint64(h, uint64(s.Made.Unix()))
	end := int64(0)
	if !s.Expires.IsZero() {
		end = s.Expires.Unix()
	}
	return binary.BigEndian.AppendUint64(h, uint64(end))
}

// content is what is sealed.
type content struct {
	Token   string    `json:"token"`
	Refresh string    `json:"refresh,omitzero"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires,omitzero"`
	Shown   []Shown   `json:"shown,omitzero"`
}

// seal closes s for the name id.
func (s *Sealer) seal(id string, session *Session) ([]byte, error) {
	text, err := json.Marshal(content{
		Token: session.Token.Reveal(), Refresh: session.Refresh.Reveal(), Made: session.Made, Expires: session.Expires,
		Shown: session.Shown,
	})
	if err != nil {
		return nil, fmt.Errorf("seal a session: %w", err)
	}
	k := &s.keys[0]
	h := header(k, session)
	return k.aead.Seal(h, nil, text, append([]byte(id), h...)), nil
}

// open is the session that was sealed for the name id, else errForeign.
func (s *Sealer) open(id string, sealed []byte) (*Session, error) {
	if len(sealed) < headerLength || sealed[0] != sealVersion {
		return nil, errForeign
	}
	h, closed := sealed[:headerLength], sealed[headerLength:]
	for i := range s.keys {
		k := &s.keys[i]
		if string(h[1:5]) != string(k.id[:]) {
			continue
		}
		text, err := k.aead.Open(nil, nil, closed, append([]byte(id), h...))
		if err != nil {
			return nil, errForeign
		}
		var c content
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, errForeign
		}
		return &Session{
			Token: secret.New(c.Token), Refresh: secret.New(c.Refresh), Made: c.Made, Expires: c.Expires,
			Shown: c.Shown,
		}, nil
	}
	return nil, errForeign
}

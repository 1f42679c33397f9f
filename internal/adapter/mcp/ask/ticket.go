package ask

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"sync"
	"time"
)

// TTL is how long a signature is good, and how long a question waits for
// its answer.
const TTL = 5 * time.Minute

// ticketState says what a signed text of a client is worth.
type ticketState uint8

const (
	forged ticketState = iota // or made for other arguments, another unit or caller
	Expired
	Good
)

// nonceSize is how many random bytes make a ticket unlike any other.
const nonceSize = 8

// Signer signs what a client keeps for later.
type Signer struct {
	Key       []byte
	Reach     string // what the signature is good for: a document and the APIs it calls
	Principal string // whom it is bound to
}

// Seal signs a payload: the time it ends, a nonce, the payload, and an HMAC of
// these, the purpose, the caller, and what d is about.
func (s Signer) Seal(purpose string, d *Dialog, payload []byte) string {
	ticket := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(TTL).Unix()))
	ticket = append(ticket, make([]byte, nonceSize)...)
	rand.Read(ticket[8:]) // never fails (crypto/rand)
	ticket = append(ticket, payload...)
	return base64.RawURLEncoding.EncodeToString(append(ticket, s.mac(purpose, d, ticket)...))
}

func (s Signer) mac(purpose string, d *Dialog, ticket []byte) []byte {
	mac := hmac.New(sha256.New, s.Key)
	for _, part := range []string{string(ticket), purpose, s.Reach, d.subject, s.Principal, d.given} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// Unseal returns the payload of a ticket that Seal made for the same purpose,
// caller and d, and the ticket's name, which does not depend on how its text is
// spelt.
func (s Signer) Unseal(ticket, purpose string, d *Dialog) (payload []byte, name string, state ticketState) {
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(raw) < 8+nonceSize+sha256.Size {
		return nil, "", forged
	}
	raw, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(sum, s.mac(purpose, d, raw)) {
		return nil, "", forged
	}
	if uint64(time.Now().Unix()) > binary.BigEndian.Uint64(raw) {
		return nil, "", Expired
	}
	return raw[8+nonceSize:], string(sum), Good
}

// Spent are the confirmations that were used, by name, until they expire.
type Spent struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Once reports whether a ticket is used for the first time in this process.
func (s *Spent) Once(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if _, used := s.until[name]; used {
		return false
	}
	maps.DeleteFunc(s.until, func(_ string, end time.Time) bool { return now.After(end) })
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	s.until[name] = now.Add(TTL)
	return true
}

package mcp

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

// ticketTTL is how long a signature is good, and how long a question waits for
// its answer.
const ticketTTL = 5 * time.Minute

// ticketState says what a signed text of a client is worth.
type ticketState uint8

const (
	forged ticketState = iota // or made for other arguments, another unit or caller
	expired
	good
)

// nonceSize is how many random bytes make a ticket unlike any other.
const nonceSize = 8

// seal signs a payload: the time it ends, a nonce, the payload, and an HMAC of
// these, the purpose, the caller, and what d is about.
func (r *request) seal(purpose string, d *dialog, payload []byte) string {
	ticket := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(ticketTTL).Unix()))
	ticket = append(ticket, make([]byte, nonceSize)...)
	rand.Read(ticket[8:]) // never fails (crypto/rand)
	ticket = append(ticket, payload...)
	return base64.RawURLEncoding.EncodeToString(append(ticket, r.mac(purpose, d, ticket)...))
}

func (r *request) mac(purpose string, d *dialog, ticket []byte) []byte {
	mac := hmac.New(sha256.New, r.h.cfg.StateKey)
	for _, part := range []string{string(ticket), purpose, r.view.reach, d.subject, r.principal(), d.given} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// unseal returns the payload of a ticket that seal made for the same purpose,
// caller and d, and the ticket's name, which does not depend on how its text is
// spelt.
func (r *request) unseal(ticket, purpose string, d *dialog) (payload []byte, name string, state ticketState) {
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(raw) < 8+nonceSize+sha256.Size {
		return nil, "", forged
	}
	raw, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(sum, r.mac(purpose, d, raw)) {
		return nil, "", forged
	}
	if uint64(time.Now().Unix()) > binary.BigEndian.Uint64(raw) {
		return nil, "", expired
	}
	return raw[8+nonceSize:], string(sum), good
}

// spent are the confirmations that were used, by name, until they expire.
type spent struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// once reports whether a ticket is used for the first time in this process.
func (s *spent) once(name string) bool {
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
	s.until[name] = now.Add(ticketTTL)
	return true
}

// principal names whom a ticket is bound to.
func (r *request) principal() string {
	if r.h.cfg.Principal != nil {
		if name := r.h.cfg.Principal(r.ctx); name != "" {
			return name
		}
	}
	return r.caller
}

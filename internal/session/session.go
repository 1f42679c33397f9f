// Package session keeps what people and service accounts are signed in with at
// consumed APIs. A session belongs to a principal (who calls), a document and an
// API at its origin (what is called). It is kept sealed and is never shown; what
// may be told of it stands in Shown.
//
// The package knows neither documents nor HTTP: whoever signs in or renews is a
// function that it is given.
package session

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
)

// Principal is who calls: the issuer of the identity and its subject there. The
// zero Principal is nobody in person, who can hold no session.
type Principal struct{ Issuer, Subject string }

// Local is the person before a terminal or behind a stdio client.
func Local() Principal { return Principal{Issuer: "local", Subject: "user"} }

// Service is the service account of a document, which acts where no person has signed in.
func Service() Principal { return Principal{Issuer: "service", Subject: "account"} }

// IsNobody reports whether p is no person.
func (p Principal) IsNobody() bool { return p == Principal{} }

// Key names a session. Every part is compared exactly: a session never follows
// an API to another origin, nor a definition that was edited.
type Key struct {
	Principal  Principal
	Document   string            // the document's name
	API        string            // the namespace of the consumed API
	Origin     string            // scheme://host:port of where the API is
	Definition [sha256.Size]byte // of how the session is made and sent; see Digest
}

// Digest is the definition of a Key: a digest of all texts, each of which counts
// with its boundaries.
func Digest(texts ...string) [sha256.Size]byte {
	h := sha256.New()
	var size [8]byte
	for _, text := range texts {
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		h.Write(size[:])
		h.Write([]byte(text))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// bytes is the key without ambiguity, for the MAC that makes its id.
func (k Key) bytes() []byte {
	sum := Digest(k.Principal.Issuer, k.Principal.Subject, k.Document, k.API, k.Origin,
		hex.EncodeToString(k.Definition[:]))
	return sum[:]
}

// Session is what a principal is signed in with.
type Session struct {
	Token   secret.String // what authorizes calls
	Refresh secret.String // what renews it, where that is something else
	Expires time.Time     // zero when the API does not say
	Made    time.Time
	Margin  time.Duration // before its end, when it is renewed; 0 is the rule of all sessions
	Shown   []Shown       // what may be told, in the document's order
}

// Shown is one fact about a session that its owner and their agents may see.
type Shown struct{ Name, Text string }

// margin is how long before its end a session is renewed: the last tenth of its
// life, one minute at most, unless the document says otherwise; that is no more than
// half of its life.
func (s *Session) margin() time.Duration {
	life := s.Expires.Sub(s.Made)
	if s.Margin > 0 {
		return min(s.Margin, life/2)
	}
	return min(life/10, time.Minute)
}

// Due reports whether the session should be renewed before it is used at now.
func (s *Session) Due(now time.Time) bool {
	return !s.Expires.IsZero() && now.After(s.Expires.Add(-s.margin()))
}

// Over reports whether the session has ended at now.
func (s *Session) Over(now time.Time) bool {
	return !s.Expires.IsZero() && !now.Before(s.Expires)
}

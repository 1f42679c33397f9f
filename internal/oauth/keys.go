package oauth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/value"
)

// RenewPause is how often a key that is not known may make us look for new ones.
const RenewPause = 30 * time.Second

// minRSA is the size in bits of the smallest RSA key that is used (RFC 7518 section 3.3).
const minRSA = 2048

// Faults of a signed token.
var (
	ErrForm      = errors.New("not a JWT with a signature of an accepted algorithm")
	ErrKey       = errors.New("signed with a key that the authorization server does not publish")
	ErrAlgorithm = errors.New("signed with an algorithm that is not that of its key")
	ErrSignature = errors.New("the signature is wrong")
)

// algorithms are the signatures that a token may have at all. None of them is
// symmetric, so no public key can be taken for a shared secret.
var algorithms = slices.Concat(rsaAlgorithms, []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA})

var rsaAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}

// KeySet is the signing keys of an authorization server.
type KeySet struct {
	keys []key
	text []byte // as fetched
}

// key is a public key and the algorithms that it may be used with.
type key struct {
	id         string
	public     any
	algorithms []jose.SignatureAlgorithm
}

// FetchKeys fetches a JWKS (RFC 7517). Where nothing changed it returns the old
// set itself, which may be nil. Keys that are not for signatures, of unknown types
// or too weak are left out.
func FetchKeys(ctx context.Context, client Doer, at string, old *KeySet) (*KeySet, error) {
	if at == "" {
		return nil, errors.New("the metadata of the authorization server has no jwks_uri")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	status, answer, text, err := Fetch(client, req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", Where(req.URL), status)
	}
	if old != nil && bytes.Equal(old.text, text) {
		return old, nil
	}
	set := &KeySet{text: text}
	list := answer.Get("keys")
	for i := range list.Len() {
		if k, ok := parseKey(list.At(i)); ok {
			set.keys = append(set.keys, k)
		}
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("%s has no key for signatures", Where(req.URL))
	}
	return set, nil
}

// A Signed is a token whose signature is not verified yet.
type Signed struct {
	jws    *jose.JSONWebSignature
	header jose.Header
}

// ParseSigned reads a JWT, else ErrForm.
func ParseSigned(token string) (Signed, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return Signed{}, ErrForm
	}
	return Signed{jws, jws.Signatures[0].Protected}, nil
}

// Type is the token's own word for its type, in lower case and without
// “application/”; "" when it does not say.
func (t Signed) Type() string {
	typ, _ := t.header.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}

// Verify returns the signed payload. The error is ErrKey when another set of keys
// may do better.
func (s *KeySet) Verify(t Signed) ([]byte, error) {
	keys, known := s.find(t.header.KeyID, jose.SignatureAlgorithm(t.header.Algorithm))
	switch {
	case !known:
		return nil, ErrKey
	case len(keys) == 0 && t.header.KeyID != "":
		return nil, ErrAlgorithm
	}
	for _, k := range keys {
		if payload, err := t.jws.Verify(k.public); err == nil {
			return payload, nil
		}
	}
	if t.header.KeyID == "" {
		return nil, ErrKey
	}
	return nil, ErrSignature
}

// parseKey reads one JWK; false when it is of no use to us.
func parseKey(v value.Value) (key, bool) {
	var jwk jose.JSONWebKey
	if v.Kind() != value.Object || jwk.UnmarshalJSON(v.AppendJSON(nil)) != nil {
		return key{}, false
	}
	jwk = jwk.Public()
	if !jwk.Valid() || jwk.Use != "" && jwk.Use != "sig" {
		return key{}, false
	}
	k := key{id: jwk.KeyID, public: jwk.Key, algorithms: suited(jwk.Key)}
	if pinned := jose.SignatureAlgorithm(jwk.Algorithm); pinned != "" {
		if !slices.Contains(k.algorithms, pinned) {
			return key{}, false
		}
		k.algorithms = []jose.SignatureAlgorithm{pinned}
	}
	return k, len(k.algorithms) > 0
}

// suited are the algorithms that a key can be used with.
func suited(public any) []jose.SignatureAlgorithm {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() >= minRSA {
			return rsaAlgorithms
		}
	case *ecdsa.PublicKey:
		switch public.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	case ed25519.PublicKey:
		return []jose.SignatureAlgorithm{jose.EdDSA}
	}
	return nil
}

// find returns the keys that may have made a signature, and whether the id is
// known. Without an id it is every key that the algorithm suits.
func (s *KeySet) find(id string, alg jose.SignatureAlgorithm) (keys []key, known bool) {
	for _, k := range s.keys {
		if id != "" && k.id != id {
			continue
		}
		known = true
		if slices.Contains(k.algorithms, alg) {
			keys = append(keys, k)
		}
	}
	return keys, known
}

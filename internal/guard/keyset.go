package guard

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
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/value"
)

const (
	// renewPause is how often a key that is not known makes us look for new ones.
	renewPause = 30 * time.Second
	// minRSA is the size in bits of the smallest RSA key that is used (RFC 7518 section 3.3).
	minRSA = 2048
)

// algorithms are the signatures that a token may have at all. None of them is
// symmetric, so no public key can be taken for a shared secret.
var algorithms = slices.Concat(rsaAlgorithms, []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA})

var rsaAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}

// keySet is the signing keys of an authorization server.
type keySet struct {
	keys []key
	text []byte // as fetched
}

// key is a public key and the algorithms that it may be used with.
type key struct {
	id         string
	public     any
	algorithms []jose.SignatureAlgorithm
}

// fetchKeys fetches the JWKS (RFC 7517). Where nothing changed it returns the
// old set itself. Keys that are not for signatures, of unknown types or too weak
// are left out.
func (v *verifier) fetchKeys(ctx context.Context, old *keySet) (*keySet, error) {
	set, err := v.askKeys(ctx)
	if err != nil {
		v.complain(ctx, "the keys of the authorization server cannot be had: "+err.Error())
		return nil, err
	}
	if old != nil && bytes.Equal(old.text, set.text) {
		return old, nil
	}
	return set, nil
}

func (v *verifier) askKeys(ctx context.Context) (*keySet, error) {
	server, err := v.server.get(ctx)
	if err != nil {
		return nil, err
	}
	if server.jwks == "" {
		return nil, errors.New("the metadata of the authorization server has no jwks_uri")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.jwks, nil)
	if err != nil {
		return nil, err
	}
	status, answer, text, err := fetch(v.cfg.Client, req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", where(req.URL), status)
	}
	set := &keySet{text: text}
	list := answer.Get("keys")
	for i := range list.Len() {
		if k, ok := parseKey(list.At(i)); ok {
			set.keys = append(set.keys, k)
		}
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("%s has no key for signatures", where(req.URL))
	}
	return set, nil
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
func (s *keySet) find(id string, alg jose.SignatureAlgorithm) (keys []key, known bool) {
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

package authserver

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Keys are made once for all tests of a process, by name: rsa, rsa2, p256, p384,
// p521, ed.
var Keys = sync.OnceValue(func() map[string]crypto.Signer {
	keys := map[string]crypto.Signer{}
	for _, name := range []string{"rsa", "rsa2"} {
		keys[name], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(),
		"p521": elliptic.P521()} {
		keys[name], _ = ecdsa.GenerateKey(curve, rand.Reader)
	}
	_, keys["ed"], _ = ed25519.GenerateKey(rand.Reader)
	return keys
})

// Sign makes a JWT of claims with the named key. "kid" is the name unless header
// says otherwise.
func Sign(t testing.TB, name string, alg jose.SignatureAlgorithm, header map[jose.HeaderKey]any, claims any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("at+jwt")
	key := jose.JSONWebKey{Key: Keys()[name], KeyID: name}
	for n, v := range header {
		if n == "kid" {
			key.KeyID = v.(string)
			continue
		}
		o = o.WithHeader(n, v)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return SignText(t, signer, text)
}

// SignText makes a JWS of any text.
func SignText(t testing.TB, signer jose.Signer, text []byte) string {
	t.Helper()
	jws, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

package upstream

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/expr"
)

// Veracode is VERACODE-HMAC-SHA-256: the ID and the key of an API credential.
type Veracode struct{ ID, Key expr.Expr }

func (a *Veracode) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	return query, &signed{&veracode{id: r.header("apiId", a.ID), key: r.need("apiKey", a.Key)}}, r.err
}

// veracode signs as Veracode's APIs want it (VERACODE-HMAC-SHA-256, request
// version 1): the key is hashed with a nonce, the time and the version in turn,
// and the result signs id, host, path with query, and method. The body is not signed.
type veracode struct{ id, key string }

func (*veracode) scheme() string { return "VERACODE-HMAC-SHA-256" }

func (v *veracode) sign(_ *Client, req *http.Request, _ []byte, at time.Time) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	return v.authorize(req, nonce[:], strconv.FormatInt(at.UnixMilli(), 10))
}

func (v *veracode) authorize(req *http.Request, nonce []byte, timestamp string) error {
	id := afterRegion(v.id)
	key, err := hex.DecodeString(afterRegion(v.key))
	if err != nil {
		return &CredentialError{Reason: "apiKey is not a Veracode API key, which is hexadecimal"}
	}
	host := cmp.Or(req.Host, req.URL.Host)
	text := "id=" + strings.ToLower(id) + "&host=" + strings.ToLower(host) + "&url=" + req.URL.RequestURI() +
		"&method=" + req.Method
	signature := key
	for _, part := range []string{string(nonce), timestamp, "vcode_request_version_1", text} {
		signature = hmacSHA256(signature, part)
	}
	req.Header["Authorization"] = []string{v.scheme() + " id=" + id + ",ts=" + timestamp + ",nonce=" +
		hex.EncodeToString(nonce) + ",sig=" + hex.EncodeToString(signature)}
	return nil
}

// afterRegion drops the prefix that names the region of newer ids and keys: vera01ei-….
func afterRegion(s string) string { return s[strings.LastIndexByte(s, '-')+1:] }

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

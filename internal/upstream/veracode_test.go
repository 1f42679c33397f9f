package upstream

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The server computes the signature as Veracode describes it: four HMACs in a chain.
func TestVeracode_signsHostPathQueryAndMethod(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 8)
	header := regexp.MustCompile(`^VERACODE-HMAC-SHA-256 id=(\w+),ts=(\d{13}),nonce=([0-9a-f]{32}),sig=([0-9a-f]{64})$`)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		m := header.FindStringSubmatch(r.Header.Get("Authorization"))
		if m == nil {
			t.Errorf("header %q", r.Header.Get("Authorization"))
			return
		}
		sum := func(key []byte, text string) []byte {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(text))
			return h.Sum(nil)
		}
		raw, _ := hex.DecodeString(key)
		nonce, _ := hex.DecodeString(m[3])
		want := sum(sum(sum(sum(raw, string(nonce)), m[2]), "vcode_request_version_1"),
			"id=3ddaeeb1&host="+r.Host+"&url="+r.RequestURI+"&method="+r.Method)
		if hex.EncodeToString(want) != m[4] {
			t.Errorf("wrong signature for %s %s", r.Method, r.RequestURI)
		}
	})
	for _, prefix := range []string{"", "vera01ei-"} {
		auth := &Veracode{ID: lit(prefix + "3ddaeeb1"), Key: lit(strings.Replace(prefix, "ei-", "es-", 1) + key)}
		r := to(t, s.URL, "GET", "/appsec/v1/applications", auth)
		r.Query = lit("size=100&name=a+b")
		mustSend(t, newClient(t), r, nil)
	}
}

func TestVeracode_refusesAKeyThatIsNotHexadecimal(t *testing.T) {
	_, _, err := send(t, newClient(t),
		to(t, "http://127.0.0.1:1", "GET", "/", &Veracode{ID: lit("id"), Key: lit("canary")}), nil)
	if e, ok := err.(*CredentialError); !ok || strings.Contains(e.Error(), "canary") {
		t.Errorf("error %v", err)
	}
}

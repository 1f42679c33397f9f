package connect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Cookies keep small things in a person's browser, sealed: nobody reads or
// changes them there, and what is kept under one name is nothing under another.
// Over HTTPS their names begin with __Host-, so that no other host of the domain
// can set them (RFC 6265bis section 4.1.3.2). All are HttpOnly and SameSite=Lax.
type Cookies struct{ aead cipher.AEAD }

// NewCookies seals with a key that is derived from key; replicas share it. An
// empty key makes a random one.
func NewCookies(key []byte) (*Cookies, error) {
	if len(key) == 0 {
		key = make([]byte, 32)
		rand.Read(key) // never fails (crypto/rand)
	}
	own, err := hkdf.Key(sha256.New, key, nil, "fairlead connect cookies", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Cookies{aead}, err
}

// kept is what a cookie holds.
type kept struct {
	Ends  int64 `json:"e"` // seconds since 1970
	Value any   `json:"v"`
}

// What the names begin with.
const (
	cookiePrefix = "fairlead-"
	hostPrefix   = "__Host-" // over HTTPS
)

func cookieName(name string, secure bool) string {
	if secure {
		return hostPrefix + cookiePrefix + name
	}
	return cookiePrefix + name
}

// Put keeps v, as JSON, for so long. secure says that the request has come over
// HTTPS.
func (c *Cookies) Put(w http.ResponseWriter, name string, secure bool, v any, life time.Duration) error {
	text, err := json.Marshal(kept{time.Now().Add(life).Unix(), v})
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(name, secure), Path: "/", Secure: secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second),
		Value: base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, text, []byte(cookieName(name, secure))))})
	return nil
}

// Get reads into v, a pointer, what is kept; it reports whether there is something.
func (c *Cookies) Get(r *http.Request, name string, secure bool, v any) bool {
	for _, cookie := range r.CookiesNamed(cookieName(name, secure)) {
		sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
		if err != nil {
			continue
		}
		text, err := c.aead.Open(nil, nil, sealed, []byte(cookieName(name, secure)))
		if err != nil {
			continue
		}
		k := kept{Value: v}
		if json.Unmarshal(text, &k) == nil && time.Now().Unix() < k.Ends {
			return true
		}
	}
	return false
}

// Drop forgets what is kept.
func (c *Cookies) Drop(w http.ResponseWriter, name string, secure bool) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(name, secure), Path: "/", Secure: secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// Strip takes the cookies of these pages out of a request that is not for them.
// Browsers send them to every path and port of the host, and whoever got one could
// show it here.
func Strip(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, cookiePrefix) }) {
		return
	}
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if own := strings.TrimPrefix(pair, hostPrefix); pair != "" && !strings.HasPrefix(own, cookiePrefix) {
				kept = append(kept, pair)
			}
		}
	}
	if kept == nil {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = []string{strings.Join(kept, "; ")}
}

package upstream

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// digestServer checks digests as RFC 7616 section 3.4 says, in words of its own.
type digestServer struct {
	*httptest.Server
	algorithm, qop string
	newHash        func() hash.Hash
	perNonce       int // how many requests a nonce serves

	mu         sync.Mutex
	nonces     map[string]map[string]bool // counts seen, by nonce
	challenges int
	bodies     []string
}

const digestUser, digestPassword = "Mufasa", "Circle of Life"

func newDigestServer(t *testing.T, algorithm, qop string, newHash func() hash.Hash) *digestServer {
	s := &digestServer{algorithm: algorithm, qop: qop, newHash: newHash, perNonce: 1000,
		nonces: map[string]map[string]bool{}}
	s.Server = serve(t, s.handle)
	return s
}

var digestParam = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^",]+))`)

func (s *digestServer) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	p := map[string]string{}
	for _, m := range digestParam.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
		p[m[1]] = m[2] + m[3]
	}
	seen, known := s.nonces[p["nonce"]]
	stale := known && len(seen) >= s.perNonce
	if !known || stale || seen[p["nc"]] || p["uri"] != r.RequestURI || p["username"] != digestUser ||
		p["response"] != s.response(p, r.Method, body) {
		s.challenges++
		nonce := fmt.Sprintf("nonce-%d", s.challenges)
		s.nonces[nonce] = map[string]bool{}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="http-auth@example.org", qop="%s", algorithm=%s, nonce="%s", opaque="FQhe", stale=%t`, s.qop, s.algorithm, nonce, stale))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	seen[p["nc"]] = true
	s.bodies = append(s.bodies, string(body))
	fmt.Fprint(w, "welcome")
}

func (s *digestServer) response(p map[string]string, method string, body []byte) string {
	h := func(parts ...string) string {
		sum := s.newHash()
		_, _ = io.WriteString(sum, strings.Join(parts, ":"))
		return fmt.Sprintf("%x", sum.Sum(nil))
	}
	a2 := h(method, p["uri"])
	if p["qop"] == "auth-int" {
		a2 = h(method, p["uri"], h(string(body)))
	}
	a1 := h(digestUser, p["realm"], digestPassword)
	if p["qop"] == "" {
		return h(a1, p["nonce"], a2)
	}
	return h(a1, p["nonce"], p["nc"], p["cnonce"], p["qop"], a2)
}

func digestAs(password string) Auth {
	return &Digest{Username: lit(digestUser), Password: lit(password)}
}

// The example of RFC 7616 section 3.9.1, which the server of these tests must accept.
func TestDigestServer_agreesWithTheRFC(t *testing.T) {
	for algorithm, c := range map[string]struct {
		hash func() hash.Hash
		want string
	}{
		"MD5":     {md5.New, "8ca523f5e9506fed4657c9700eebdbec"},
		"SHA-256": {sha256.New, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	} {
		s := &digestServer{newHash: c.hash}
		got := s.response(map[string]string{"realm": "http-auth@example.org", "uri": "/dir/index.html", "qop": "auth",
			"nc":     "00000001",
			"nonce":  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			"cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"}, "GET", nil)
		if got != c.want {
			t.Errorf("%s: %s, want %s", algorithm, got, c.want)
		}
	}
}

func TestDigest_answersTheChallengeOnceAndTheNextCallsBeforehand(t *testing.T) {
	for _, c := range []struct {
		name, algorithm, qop string
		hash                 func() hash.Hash
	}{
		{"MD5", "MD5", "auth", md5.New},
		{"SHA-256", "SHA-256", "auth", sha256.New},
		{"auth-int", "SHA-256", "auth-int", sha256.New},
		{"both qops", "SHA-256", "auth,auth-int", sha256.New},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := newDigestServer(t, c.algorithm, c.qop, c.hash), newClient(t)
			for range 3 {
				mustSend(t, client, to(t, s.URL, "GET", "/dir/index.html", digestAs(digestPassword)), nil)
			}
			mustSend(t, client, to(t, s.URL, "POST", "/other?a=b%20c", digestAs(digestPassword)), nil)
			if s.challenges != 1 {
				t.Errorf("%d challenges, want 1", s.challenges)
			}
		})
	}
}

func TestDigest_sendsABodyAgainThatCanBeReadOnce(t *testing.T) {
	s, client := newDigestServer(t, "SHA-256", "auth-int", sha256.New), newClient(t)
	r := to(t, s.URL, "POST", "/things", digestAs(digestPassword))
	r.Body = &Body{Kind: WholeBody}
	mustSend(t, client, r, &Entity{Body: io.MultiReader(strings.NewReader("once "), strings.NewReader("only")),
		Length: -1, ContentType: "text/plain"})
	if len(s.bodies) != 1 || s.bodies[0] != "once only" {
		t.Errorf("bodies %q", s.bodies)
	}
}

func TestDigest_refusesABodyThatIsTooLargeToKeep(t *testing.T) {
	client := NewClient(Limits{Request: 4})
	defer client.Close()
	r := to(t, "http://127.0.0.1:1", "POST", "/", digestAs(digestPassword))
	r.Body = &Body{Kind: WholeBody}
	_, _, err := send(t, client, r, &Entity{Body: io.MultiReader(strings.NewReader("12345")), Length: -1})
	if _, ok := err.(*InputError); !ok {
		t.Errorf("error %v", err)
	}
}

func TestDigest_takesANewNonceWhenTheOldIsStale(t *testing.T) {
	s, client := newDigestServer(t, "MD5", "auth", md5.New), newClient(t)
	s.perNonce = 2
	for range 5 {
		mustSend(t, client, to(t, s.URL, "GET", "/", digestAs(digestPassword)), nil)
	}
	if s.challenges != 3 {
		t.Errorf("%d challenges, want 3", s.challenges)
	}
}

func TestDigest_countsTheNonceAcrossConcurrentCalls(t *testing.T) {
	s, client := newDigestServer(t, "SHA-256", "auth", sha256.New), newClient(t)
	mustSend(t, client, to(t, s.URL, "GET", "/", digestAs(digestPassword)), nil)
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if status, _, err := send(t, client, to(t, s.URL, "GET", "/", digestAs(digestPassword)),
				nil); err != nil || status != 200 {
				t.Errorf("status %d, error %v", status, err)
			}
		})
	}
	calls.Wait()
	if s.challenges != 1 {
		t.Errorf("%d challenges, want 1", s.challenges)
	}
}

func TestDigest_givesUpAfterOneWrongAnswer(t *testing.T) {
	s, client := newDigestServer(t, "MD5", "auth", md5.New), newClient(t)
	status, _, err := send(t, client, to(t, s.URL, "GET", "/", digestAs("wrong")), nil)
	if err != nil || status != http.StatusUnauthorized || s.challenges != 2 {
		t.Errorf("status %d, error %v, %d challenges", status, err, s.challenges)
	}
}

func TestDigest_doesNotFallBackToBasic(t *testing.T) {
	var seen []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	status, _, err := send(t, newClient(t), to(t, s.URL, "GET", "/", digestAs(digestPassword)), nil)
	if err != nil || status != 401 || len(seen) != 1 || seen[0] != "" {
		t.Errorf("status %d, error %v, sent %q", status, err, seen)
	}
}

func TestDigest_keepsOneUsersChallengeFromAnother(t *testing.T) {
	s, client := newDigestServer(t, "MD5", "auth", md5.New), newClient(t)
	mustSend(t, client, to(t, s.URL, "GET", "/", digestAs(digestPassword)), nil)
	if status, _, _ := send(t, client, to(t, s.URL, "GET", "/", digestAs("other")),
		nil); status != http.StatusUnauthorized {
		t.Errorf("status %d for a wrong password", status)
	}
	mustSend(t, client, to(t, s.URL, "GET", "/", digestAs(digestPassword)), nil)
}

func TestDigest_survivesWhatAServerMayChallengeWith(t *testing.T) {
	for name, header := range map[string]string{
		"nothing":           "Digest",
		"no value":          "Digest realm",
		"open string":       `Digest realm="x`,
		"unknown algorithm": `Digest realm="x", nonce="n", algorithm=ROT13, qop="auth"`,
		"a line end":        `Digest realm="x\` + "\t" + `y", nonce="n\"q", qop="auth"`,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", header)
				w.WriteHeader(http.StatusUnauthorized)
			})
			status, _, err := send(t, newClient(t), to(t, s.URL, "GET", "/", digestAs(digestPassword)), nil)
			if err == nil && status != 401 {
				t.Errorf("status %d", status)
			}
			if err != nil && strings.Contains(err.Error(), digestPassword) {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
}

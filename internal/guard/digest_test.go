package guard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/icholy/digest"
)

const answered = "/a?b=c"

func digestPlace(t *testing.T, c *clock) *place {
	return newPlace(t, Config{Kind: "digest", Value: fields{"username": `a"d\a`, "password": "s3cret"}.value, Clock: c.Now})
}

// challengeOf asks for a challenge; algorithm "" is the first.
func challengeOf(t testing.TB, p *place, algorithm string) *client.Challenge {
	t.Helper()
	for _, line := range p.get(answered).Header()["Www-Authenticate"] {
		c, err := client.ParseChallenge(line)
		if err == nil && (algorithm == "" || c.Algorithm == algorithm) {
			return c
		}
	}
	return &client.Challenge{}
}

// answerDigest is the credential for GET / of a client that knows the password.
func answerDigest(t testing.TB, p *place, user, password string) string {
	c, err := client.Digest(challengeOf(t, p, ""),
		client.Options{Method: "GET", URI: "/", Username: user, Password: password, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c.String()
}

func answer(t *testing.T, c *client.Challenge, o client.Options) string {
	t.Helper()
	if o.Method == "" {
		o.Method = "GET"
	}
	if o.URI == "" {
		o.URI = answered
	}
	if o.Username == "" {
		o.Username = `a"d\a`
	}
	if o.Password == "" {
		o.Password = "s3cret"
	}
	credentials, err := client.Digest(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return credentials.String()
}

func TestDigest_offersSHA256AndMD5(t *testing.T) {
	p := digestPlace(t, newClock())
	lines := p.get("/").Header()["Www-Authenticate"]
	if len(lines) != 2 || !strings.Contains(lines[0], "algorithm=SHA-256") ||
		!strings.Contains(lines[1], "algorithm=MD5") || strings.Contains(lines[0], "stale") {
		t.Errorf("%q", lines)
	}
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		w := p.get(answered, "Authorization", answer(t, challengeOf(t, p, algorithm), client.Options{Count: 1}))
		if w.Code != 200 {
			t.Errorf("%s: %d %s", algorithm, w.Code, w.Body)
		}
		if id, _ := From(p.seen.Context()); id.Subject != `a"d\a` || p.seen.Header.Get("Authorization") != "" {
			t.Errorf("%v %v", id, p.seen.Header)
		}
	}
	without := challengeOf(t, p, "MD5")
	without.Algorithm = "" // which is MD5
	if w := p.get(answered, "Authorization", answer(t, without, client.Options{Count: 1})); w.Code != 200 {
		t.Errorf("no algorithm: %d %s", w.Code, w.Body)
	}
}

func TestDigest_worksForAClientOverHTTP(t *testing.T) {
	p := digestPlace(t, newClock())
	server := httptest.NewServer(p.handler)
	defer server.Close()
	transport := &client.Transport{Username: `a"d\a`, Password: "s3cret", Transport: server.Client().Transport}
	for range 3 {
		resp, err := (&http.Client{Transport: transport}).Get(server.URL + "/p?q=1")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

func TestDigest_refuses(t *testing.T) {
	for name, c := range map[string]struct {
		options client.Options
		edit    []string
		status  int
		stale   bool
	}{
		"a wrong password":         {client.Options{Password: "x"}, nil, 401, false},
		"a wrong user":             {client.Options{Username: "bob"}, nil, 401, false},
		"another method":           {client.Options{Method: "POST"}, nil, 401, false},
		"another path":             {client.Options{URI: "/b"}, nil, 400, false},
		"another realm":            {client.Options{}, []string{`realm="fairlead"`, `realm="x"`}, 401, false},
		"a nonce that is not ours": {client.Options{}, []string{`nonce="`, `nonce="A`}, 401, false},
		"another count":            {client.Options{}, []string{"nc=00000001", "nc=00000002"}, 401, false},
		"a count that is short":    {client.Options{}, []string{"nc=00000001", "nc=1"}, 400, false},
		"no count":                 {client.Options{}, []string{"nc=00000001, ", ""}, 400, false},
		"an unknown algorithm":     {client.Options{}, []string{"SHA-256", "SHA-256-sess"}, 400, false},
		"auth-int":                 {client.Options{}, []string{"qop=auth", "qop=auth-int"}, 400, false},
		"no qop":                   {client.Options{}, []string{"qop=auth, ", ""}, 400, false},
		"a name twice":             {client.Options{}, []string{"qop=auth", "qop=auth, QOP=auth"}, 400, false},
		"what does not parse":      {client.Options{}, []string{"qop=auth", "qop auth"}, 400, false},
		"a hashed user":            {client.Options{}, []string{`username="a\"d\\a"`, `username="488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec"`}, 401, false},
	} {
		p := digestPlace(t, newClock())
		c.options.Count = 1
		credential := answer(t, challengeOf(t, p, ""), c.options)
		if c.edit != nil {
			if !strings.Contains(credential, c.edit[0]) {
				t.Fatalf("%s: no %s in %s", name, c.edit[0], credential)
			}
			credential = strings.Replace(credential, c.edit[0], c.edit[1], 1)
		}
		w := p.get(answered, "Authorization", credential)
		if w.Code != c.status || p.seen != nil {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if strings.Contains(w.Header().Get("WWW-Authenticate"), "stale=true") != c.stale {
			t.Errorf("%s: %s", name, w.Header())
		}
	}
}

func TestDigest_understandsAnEncodedUser(t *testing.T) {
	p := newPlace(t, Config{Kind: "digest", Value: fields{"username": "Jäsøn", "password": "s3cret"}.value})
	credential := answer(t, challengeOf(t, p, ""), client.Options{Username: "Jäsøn", Count: 1})
	credential = strings.Replace(credential, `username="Jäsøn"`, "username*=UTF-8''J%C3%A4s%C3%B8n", 1)
	if w := p.get(answered, "Authorization", credential); w.Code != 200 {
		t.Errorf("%d %s of %s", w.Code, w.Body, credential)
	}
}

func TestDigest_takesAnAnswerOnce(t *testing.T) {
	p := digestPlace(t, newClock())
	c := challengeOf(t, p, "")
	for _, step := range []struct {
		count int
		want  int
	}{{1, 200}, {1, 401}, {2, 200}, {100, 200}, {99, 200}, {37, 200}, {36, 401}, {2, 401}, {99, 401}, {100, 401},
		{101, 200}} {
		w := p.get(answered, "Authorization", answer(t, c, client.Options{Count: step.count, Cnonce: "c"}))
		if w.Code != step.want {
			t.Errorf("count %d: %d", step.count, w.Code)
		}
		if w.Code == 401 && !strings.Contains(w.Header().Get("WWW-Authenticate"), "stale=true") {
			t.Errorf("count %d: %s", step.count, w.Header())
		}
	}
}

func TestDigest_letsOneOfManyReplaysPass(t *testing.T) {
	p := digestPlace(t, newClock())
	credential := answer(t, challengeOf(t, p, ""), client.Options{Count: 1})
	var group sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 16 {
		group.Go(func() {
			if p.get(answered, "Authorization", credential).Code == 200 {
				mu.Lock()
				defer mu.Unlock()
				passed++
			}
		})
	}
	group.Wait()
	if passed != 1 {
		t.Errorf("%d passed", passed)
	}
}

func TestDigest_calledStaleWhenTheNonceIsOldOrAnotherProcess(t *testing.T) {
	clock := newClock()
	p, other := digestPlace(t, clock), digestPlace(t, clock)
	old := challengeOf(t, p, "")
	clock.pass(nonceLife)
	if w := p.get(answered, "Authorization", answer(t, old, client.Options{Count: 1})); w.Code != 200 {
		t.Errorf("at the end of its life: %d", w.Code)
	}
	clock.pass(time.Second)
	for name, c := range map[string]*client.Challenge{"old": old, "of another process": challengeOf(t, other, "")} {
		w := p.get(answered, "Authorization", answer(t, c, client.Options{Count: 2}))
		if w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), "stale=true") {
			t.Errorf("%s: %d %s", name, w.Code, w.Header())
		}
		if w := p.get(answered, "Authorization",
			answer(t, c, client.Options{Count: 2,
				Password: "x"})); strings.Contains(w.Header().Get("WWW-Authenticate"), "stale") {
			t.Errorf("%s: stale although the password is wrong", name)
		}
	}
}

func TestNonces_stayBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNonces(time.Now)
		first := n.issue()
		if !n.use(first, 1) {
			t.Error("the first is refused")
		}
		for range 2 * maxNonces {
			time.Sleep(time.Microsecond)
			if last := n.issue(); !n.use(last, 1) || n.use(last, 1) {
				t.Fatal("a new one is refused, or taken twice")
			}
		}
		if len(n.used) > maxNonces {
			t.Errorf("%d are kept", len(n.used))
		}
		if n.use(first, 1) || n.use(first, 2) {
			t.Error("what was forgotten is taken again")
		}
		time.Sleep(2 * nonceLife)
		for range maxNonces {
			n.use(n.issue(), 1)
		}
		if len(n.used) > maxNonces {
			t.Errorf("%d are kept", len(n.used))
		}
	})
}

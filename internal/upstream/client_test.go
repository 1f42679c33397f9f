package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestClient_followsRedirectsOnTheSameHostOnly(t *testing.T) { // semantics 4.8
	var leaked []string
	thief := serve(t, func(_ http.ResponseWriter, r *http.Request) { leaked = append(leaked, wire(r)) })
	var location string
	status := http.StatusTemporaryRedirect
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
			return
		}
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	})
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, c := range []struct {
		name, method, location string
		status                 int // with which the call ends
	}{
		{"a path", "GET", "/end", 200},
		{"the same host", "GET", s.URL + "/end", 200},
		{"another port", "GET", thief.URL + "/end", 307},
		{"another name", "GET", "http://localhost" + port + "/end", 307},
		{"another scheme", "GET", strings.Replace(s.URL, "http:", "https:", 1) + "/end", 307},
		{"no scheme", "GET", strings.TrimPrefix(thief.URL, "http:"), 307},
		{"a user", "GET", "http://x@" + strings.TrimPrefix(thief.URL, "http://"), 307},
		{"no URL", "GET", "http://[", 307},
		{"a loop", "GET", "/again", 307},
		{"a POST, to be repeated", "POST", "/end", 200},
		{"a POST, elsewhere", "POST", thief.URL + "/end", 307},
		{"a POST, done", "POST", "/end", 302},
		{"a DELETE, done", "DELETE", "/end", 303},
	} {
		t.Run(c.name, func(t *testing.T) {
			location, status = c.location, http.StatusTemporaryRedirect
			if c.status >= 300 {
				status = c.status
			}
			for _, auth := range []Auth{plainAuth[2].auth, digestAs(canary)} {
				got, body, err := send(t, newClient(t), to(t, s.URL, c.method, "/start", auth), nil)
				if err != nil || got != c.status || got == 200 && auth == plainAuth[2].auth &&
					body != "Bearer "+canary {
					t.Errorf("status %d, %q, error %v, want %d", got, body, err, c.status)
				}
			}
		})
	}
	if len(leaked) > 0 {
		t.Errorf("another host got %q", leaked)
	}
}

// TestClient_repeatsABodyAfterARedirect: semantics 4.8.
func TestClient_repeatsABodyAfterARedirect(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			w.Header().Set("Location", "/end")
			w.WriteHeader(http.StatusPermanentRedirect)
			return
		}
		_, _ = io.WriteString(w, r.Method+" ")
		_, _ = io.Copy(w, r.Body)
	})
	for name, c := range map[string]struct {
		entity *Entity
		status int
		body   string
	}{
		"small":        {&Entity{Body: strings.NewReader("once more"), Length: 9}, 200, "PUT once more"},
		"of no length": {&Entity{Body: strings.NewReader("once"), Length: -1}, 308, ""},
		"larger than is held": {&Entity{Body: strings.NewReader(strings.Repeat("x", maxHeld+1)), Length: maxHeld + 1},
			308, ""},
	} {
		r := to(t, s.URL, "PUT", "/start", nil)
		r.Body = &Body{Kind: WholeBody}
		if status, body, err := send(t, newClient(t), r, c.entity); status != c.status || body != c.body || err != nil {
			t.Errorf("%s: %d %q %v", name, status, body, err)
		}
	}
}

func TestClient_refusesAnAnswerWhoseHeaderIsTooLarge(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 40 {
			w.Header().Add("X-Large", strings.Repeat("x", 32<<10))
		}
	})
	if status, _, err := send(t, newClient(t), to(t, s.URL, "GET", "/", nil), nil); err == nil {
		t.Errorf("status %d", status)
	}
}

func TestClient_endsACallWhoseTimeIsOver(t *testing.T) { // semantics 4.9
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	c := NewClient(Limits{Call: 20 * time.Millisecond})
	defer c.Close()
	if _, _, err := send(t, c, to(t, s.URL, "GET", "/", nil), nil); err == nil ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestClient_keepsNoCookies(t *testing.T) { // semantics 4.8
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Cookie"] != nil {
			t.Errorf("cookie %q", r.Header["Cookie"])
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
	})
	c := newClient(t)
	for range 2 {
		mustSend(t, c, to(t, s.URL, "GET", "/", nil), nil)
	}
}

func TestClient_saysWhoCalls(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.UserAgent()) })
	c := New(Config{Agent: "Fairlead/1.2.3"})
	defer c.Close()
	r := to(t, s.URL, "GET", "/", nil)
	if got := mustSend(t, c, r, nil); got != "Fairlead/1.2.3" {
		t.Errorf("User-Agent %q", got)
	}
	r.Params = []Param{{Name: "User-Agent", Place: InHeader, Value: lit("theirs")}}
	if got := mustSend(t, c, r, nil); got != "theirs" {
		t.Errorf("User-Agent %q, want that of the document", got)
	}
}

func TestClient_keepsConnectionsBelowTheLimitOfDescriptors(t *testing.T) {
	transport, _ := newTransport(new(Egress), way{})
	if n := transport.MaxIdleConnsPerHost; n > maxIdle || n > maxFiles()/2 || n < 64 && maxFiles() >= 256 {
		t.Errorf("%d idle connections to one host, of %d descriptors", n, maxFiles())
	}
}

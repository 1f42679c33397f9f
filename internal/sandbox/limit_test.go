package sandbox

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"
)

func TestRateLimit_isKoyebsByDefault(t *testing.T) {
	r := start(t, Config{})
	h := r.call("GET", "/", "", "").header
	got := [3]string{h.Get("x-ratelimit-limit"), h.Get("x-ratelimit-remaining"), h.Get("x-ratelimit-reset")}
	if want := [3]string{"400, 400;w=60", "399", "60"}; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRateLimit_refusesUntilTheWindowEnds(t *testing.T) {
	steps := []struct {
		wait             time.Duration
		status           int
		remaining, reset string
	}{
		{0, 200, "2", "60"},
		{10 * time.Second, 200, "1", "50"},
		{500 * time.Millisecond, 200, "0", "50"},
		{0, 429, "0", "50"},
		{49*time.Second + 499*time.Millisecond, 429, "0", "1"},
		{time.Millisecond, 200, "2", "60"},
		{time.Hour, 200, "2", "60"},
	}
	r := start(t, Config{RateLimit: 3})
	for i, step := range steps {
		r.clock.pass(step.wait)
		g := r.call("GET", "/v1/account/login_method?email=demo@fairlead.example", "", "")
		h := g.header
		if g.status != step.status || h.Get("x-ratelimit-limit") != "3, 3;w=60" ||
			h.Get("x-ratelimit-remaining") != step.remaining || h.Get("x-ratelimit-reset") != step.reset ||
			h.Get("Retry-After") != "" {
			t.Errorf("step %d: got %d %v, want %+v", i, g.status, h, step)
		}
		if g.status == 429 && g.body != `{"status":429,"code":"rate_limit_error","message":"too many requests, wait for the seconds in x-ratelimit-reset"}` {
			t.Errorf("step %d: %s", i, g.body)
		}
	}
	if r.Requests() != len(steps) {
		t.Errorf("counted %d requests, want %d", r.Requests(), len(steps))
	}
}

func TestRateLimit_isPerAddress(t *testing.T) {
	s := New(Config{RateLimit: 1})
	for _, row := range []struct {
		address string
		status  int
	}{
		{"192.0.2.1:1000", 200},
		{"192.0.2.1:2000", 429}, // another port is the same client
		{"192.0.2.2:1000", 200},
		{"[2001:db8::1]:1000", 200},
		{"@", 200}, // a Unix socket has no port
		{"@", 429},
	} {
		req, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		req.RemoteAddr = row.address
		s.ServeHTTP(w, req)
		if w.Code != row.status {
			t.Errorf("%s: %d, want %d", row.address, w.Code, row.status)
		}
	}
}

func TestRateLimit_countsBoundedlyManyAddresses(t *testing.T) {
	s := New(Config{})
	for i := range 2 * maxClients {
		s.admit(fmt.Sprintf("client-%d", i))
	}
	if len(s.windows.slots) != maxClients {
		t.Errorf("%d addresses", len(s.windows.slots))
	}
	if s.windows.get(fmt.Sprintf("client-%d", 2*maxClients-1), time.Now()) == nil {
		t.Error("the last address was forgotten")
	}
}

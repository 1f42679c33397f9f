package upstream

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/value"
)

// said is what a level says, as JSON.
func said(t *testing.T, name string, settings ...string) Level {
	l := Level{Name: name}
	for _, text := range settings {
		v, err := value.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		l.Said = append(l.Said, v)
	}
	return l
}

func TestNewPolicy_theNearestLevelWins(t *testing.T) { // semantics 4.11
	got := NewPolicy("d.yaml",
		said(t, "api", `{"timeout":{"connect":1,"total":2},"retry":{"times":5},"breaker":{},"http2":true}`,
			`{"retry":{"backoff":7},"limit":{"rate":10,"concurrent":3}}`),
		said(t, "api /x", `{"timeout":{"total":3},"breaker":null}`),
		said(t, "api.op", `{"limit":{"wait":9},"retry":{"on":["500"]}}`))
	want := Policy{HTTP2: true, APIScope: "d.yaml\x00api", Timeout: Timeout{Connect: 1, Total: 3},
		Retry: &Retry{Scope: "d.yaml\x00api.op", Times: 5, Backoff: 7, MaxBackoff: 5 * time.Second, On: []int{500},
			Budget: 20},
		Breaker: &Breaker{Scope: "d.yaml\x00api /x", Name: "api /x"},
		Limit:   &Limit{Scope: "d.yaml\x00api.op", Every: 10, Burst: 1, Concurrent: 3, Wait: 9, Learn: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = NewPolicy("d.yaml", said(t, "api", `{"retry":null}`), said(t, "api.op", `{"retry":{"times":1}}`))
	if got.Retry.Times != 1 || got.Breaker != nil || got.Limit != nil {
		t.Errorf("%+v", got)
	}
}

// TestRetry_waits: longer each time, shortened at random, and as long as the API asks.
func TestRetry_waits(t *testing.T) {
	r := &Retry{Times: 9, Backoff: time.Second, MaxBackoff: 10 * time.Second, On: []int{503}}
	answer := func(after string) *http.Response {
		return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {after}}}
	}
	for _, c := range []struct {
		sent        int
		resp        *http.Response
		err         error
		least, most time.Duration // 0 is never
	}{
		{0, answer(""), nil, 500 * time.Millisecond, time.Second},
		{2, answer(""), nil, 2 * time.Second, 4 * time.Second},
		{60, answer("x"), nil, 5 * time.Second, 10 * time.Second},
		{0, answer("7"), nil, 7 * time.Second, 7 * time.Second},
		{0, answer("11"), nil, 0, 0},
		{0, answer(time.Now().Add(8 * time.Second).UTC().Format(http.TimeFormat)), nil, 6 * time.Second, 8 * time.Second},
		{0, answer("99999999999999999999"), nil, 500 * time.Millisecond, time.Second},
		{0, &http.Response{StatusCode: 500}, nil, 0, 0},
		{0, nil, http.ErrServerClosed, 500 * time.Millisecond, time.Second},
		{0, nil, &InputError{}, 0, 0},
		{0, nil, &HeldError{}, 0, 0},
		{0, nil, &TimeoutError{}, 0, 0},
		{0, nil, ErrGuardedAddress, 0, 0},
	} {
		after, ok := r.wait(c.sent, c.resp, c.err)
		if ok != (c.most > 0) || after < c.least || after > c.most {
			t.Errorf("sent %d, %v, %v: %s %t, want %s to %s", c.sent, c.resp, c.err, after, ok, c.least, c.most)
		}
	}
}

func TestRetryBudget_isAPartOfAllCalls(t *testing.T) {
	b := newRetryBudget(20)
	spent := 0
	for range 1000 {
		b.earn()
		if b.spend() {
			spent++
		}
	}
	if spent < 200 || spent > 200+retryReserve {
		t.Errorf("%d of 1000 calls were sent again", spent)
	}
}

func TestBreaker_states(t *testing.T) {
	now := time.Unix(1e9, 0)
	b := &breaker{settings: Breaker{Failures: 50, Calls: 4, Window: 10 * time.Second, Open: 5 * time.Second}}
	at := func(seconds float64) time.Time { return now.Add(time.Duration(seconds * float64(time.Second))) }
	attempt := func(seconds float64, failed bool) (changed bool) {
		t.Helper()
		_, probe, ok := b.enter(at(seconds))
		if !ok {
			t.Fatalf("held back at %v", seconds)
		}
		return b.leave(at(seconds), failed, probe)
	}
	for i, failed := range []bool{false, false, true} {
		if attempt(float64(i), failed) {
			t.Error("too few calls, or failures, opened it")
		}
	}
	if !attempt(3, true) || b.event().State != event.Open {
		t.Error("half of four calls did not open it")
	}
	if after, _, ok := b.enter(at(4)); ok || after != 4*time.Second {
		t.Errorf("an open one let a call through, or for %s", after)
	}
	if b.leave(at(4), true, false) {
		t.Error("a call that began before counts")
	}
	_, probe, ok := b.enter(at(8))
	if !probe || !ok || b.event().State != event.HalfOpen {
		t.Error("no probe passes")
	}
	if _, _, ok := b.enter(at(8.5)); ok {
		t.Error("two probes pass at a time")
	}
	if !b.leave(at(9), true, true) || b.event().State != event.Open {
		t.Error("a probe that fails does not open it again")
	}
	if !attempt(14, false) || b.event().State != event.Closed {
		t.Error("a probe that succeeds does not close it")
	}
	for i := range 20 { // failures that are further apart than the window
		if attempt(20+float64(6*i), true) {
			t.Fatal("failures count longer than the window")
		}
	}
}

func TestLimiter_rate(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := newLimiter(Limit{Every: time.Second, Burst: 2, Wait: 1500 * time.Millisecond})
	for i, want := range []time.Duration{0, 0, time.Second} {
		if after, ok := l.reserve(now, l.settings.Wait); after != want || !ok {
			t.Errorf("%d waits %s, %t, want %s", i, after, ok, want)
		}
	}
	if after, ok := l.reserve(now, l.settings.Wait); ok || after != 2*time.Second {
		t.Errorf("the fourth waits %s, %t", after, ok)
	}
	if after, ok := l.reserve(now.Add(10*time.Second), l.settings.Wait); after != 0 || !ok {
		t.Errorf("later ones wait %s, %t", after, ok)
	}
}

// TestLimiter_learns what APIs say, in every form.
func TestLimiter_learns(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		status int
		header map[string]string
		pass   int           // how many calls
		after  time.Duration // then
	}{
		{200, map[string]string{"Ratelimit": `"default";r=2;t=30`}, 2, 30 * time.Second},
		{200, map[string]string{"Ratelimit": `"day";r=500;t=3600, "burst";r=1;t=5`}, 1, 5 * time.Second},
		{200, map[string]string{"Ratelimit": `limit=100, remaining=0, reset=50`}, 0, 50 * time.Second},
		{200, map[string]string{"Ratelimit-Remaining": "0", "Ratelimit-Reset": "9"}, 0, 9 * time.Second},
		{200, map[string]string{"X-Ratelimit-Remaining": "1", "X-Ratelimit-Reset": "1700000020"}, 1, 20 * time.Second},
		{200, map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1700000020000"}, 0, 20 * time.Second},
		{200, map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1700000020",
			"X-Ratelimit-Reset-After": "1.5"}, 0, 1500 * time.Millisecond},
		{200, map[string]string{"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1700000007"}, 0, 7 * time.Second},
		{429, map[string]string{"Retry-After": "12"}, 0, 12 * time.Second},
		{503, map[string]string{"Retry-After": "99999999"}, 0, longestReset},
		{200, map[string]string{"Retry-After": "12"}, 9, 0},
		{200, map[string]string{"X-Ratelimit-Remaining": "0"}, 9, 0},
		{200, map[string]string{"X-Ratelimit-Remaining": "few", "X-Ratelimit-Reset": "NaN"}, 9, 0},
		{200, map[string]string{"Ratelimit": ";;=r,t="}, 9, 0},
		{200, map[string]string{"X-Ratelimit-Remaining": "-1", "X-Ratelimit-Reset": "1e300"}, 9, 0},
	} {
		l := newLimiter(Limit{Learn: true, Burst: 1})
		resp := &http.Response{StatusCode: c.status, Header: http.Header{}}
		for name, text := range c.header {
			resp.Header.Set(name, text)
		}
		l.learn(resp, now)
		passed, after := 0, time.Duration(0)
		for range 9 {
			var ok bool
			if after, ok = l.reserve(now, 0); ok {
				passed++
			}
		}
		if passed != c.pass || after != c.after {
			t.Errorf("%d %v: %d pass, and then one waits %s; want %d and %s", c.status, c.header, passed, after, c.pass,
				c.after)
		}
		if after, ok := l.reserve(now.Add(c.after), 0); !ok {
			t.Errorf("%v: the limit never ends: %s", c.header, after)
		}
	}
}

// TestConcurrent_attemptsWaitForATurn: and one that waits too long is held back.
func TestConcurrent_attemptsWaitForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t)
		c.transport = roundTripper(answerEmptyObject)
		r := to(t, "http://api.test", "GET", "/", nil)
		r.Policy = Policy{Limit: &Limit{Concurrent: 1, Burst: 1, Wait: time.Second}}
		open := func() (*http.Response, error) {
			out, err := r.Outbound(nil, nil, Own{})
			if err != nil {
				t.Fatal(err)
			}
			return c.Send(t.Context(), out)
		}
		first, err := open()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := open(); err == nil || time.Since(began) != time.Second {
			t.Errorf("a second one at a time: %v after %s", err, time.Since(began))
		}
		time.AfterFunc(500*time.Millisecond, func() { first.Body.Close() })
		began = time.Now()
		second, err := open()
		if err != nil || time.Since(began) != 500*time.Millisecond {
			t.Fatalf("%v after %s", err, time.Since(began))
		}
		second.Body.Close()
		second.Body.Close() // twice is once
		if third, err := open(); err != nil {
			t.Error(err)
		} else {
			third.Body.Close()
		}
	})
}

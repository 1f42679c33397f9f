package host_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

// sent is a document whose API, resource and operations say how calls are sent.
const sent = `
ikanos: 1.0.0-beta5
info: {display: Sent}
x-fairlead:
  profiles:
    patient: {retry: {times: 3, backoff: 1ms, on: [503]}}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: "https://api.example.invalid"
    x-fairlead: {profile: patient}
    resources:
    - path: /x
      operations:
      - {name: get, method: GET}
      - {name: once, method: GET, x-fairlead: {retry: none}}
      - {name: twice, method: GET, x-fairlead: {retry: 1}}
      - {name: post, method: POST}
      - {name: keyed, method: POST, inputParameters: [{name: Idempotency-Key, in: header, value: k1}]}
      - {name: short, method: GET, x-fairlead: {timeout: 50ms}}
      - {name: quick, method: GET, x-fairlead: {timeout: {firstByte: 20ms}, retry: none}}
      - {name: idle, method: GET, x-fairlead: {timeout: {idle: 20ms}}}
    - path: /broken
      x-fairlead: {retry: none, breaker: {calls: 3, open: 1h}}
      operations: [{name: broken, method: GET}, {name: too, method: GET}]
    - path: /limited
      x-fairlead: {retry: none, limit: {rate: 1/h, burst: 2, wait: 1ms}}
      operations: [{name: limited, method: GET}]
    - path: /learns
      x-fairlead: {retry: none, limit: {wait: 1ms}}
      operations: [{name: learns, method: GET}]
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: /get, operations: [{method: GET, call: api.get}]}
    - {path: /once, operations: [{method: GET, call: api.once}]}
    - {path: /twice, operations: [{method: GET, call: api.twice}]}
    - {path: /post, operations: [{method: POST, call: api.post}]}
    - {path: /keyed, operations: [{method: POST, call: api.keyed}]}
    - {path: /short, operations: [{method: GET, call: api.short}]}
    - {path: /quick, operations: [{method: GET, call: api.quick}]}
    - {path: /idle, operations: [{method: GET, call: api.idle}]}
    - {path: /broken, operations: [{method: GET, call: api.broken}]}
    - {path: /too, operations: [{method: GET, call: api.too}]}
    - {path: /limited, operations: [{method: GET, call: api.limited}]}
    - {path: /learns, operations: [{method: GET, call: api.learns}]}
    - {path: "/forward/{path}", forward: {targetNamespace: api}}
`

// hearing keeps the events of kinds.
func hearing(kinds event.Kind) (*event.Listener, func() []event.Event) {
	var mu sync.Mutex
	var heard []event.Event
	hear := func(_ context.Context, e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, e)
	}
	return &event.Listener{Kinds: kinds, Hear: hear}, func() []event.Event {
		mu.Lock()
		defer mu.Unlock()
		return heard
	}
}

// TestSending_isAsTheNearestLevelSays: how often an API that answers 503 is asked.
func TestSending_isAsTheNearestLevelSays(t *testing.T) { // semantics 4.11
	var asked atomic.Int32
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	listener, heard := hearing(event.Retries)
	s := testkit.Serve(t, sent, testkit.Options{Upstream: api.URL, Listen: listener})
	for _, c := range []struct {
		method, path string
		asked, heard int
	}{
		{"GET", "/get", 4, 3},
		{"GET", "/once", 1, 0},
		{"GET", "/twice", 2, 1},
		{"POST", "/post", 1, 0},  // may do twice what it does
		{"POST", "/keyed", 4, 3}, // the document's key says that it is the same
		{"GET", "/forward/x", 4, 3},
		{"POST", "/forward/x", 1, 0},
	} {
		asked.Store(0)
		before := len(heard())
		status, _, _ := testkit.Do(t, c.method, s.REST+c.path, "", "Idempotency-Key", "the-callers")
		if n := int(asked.Load()); n != c.asked || status != http.StatusServiceUnavailable ||
			len(heard())-before != c.heard {
			t.Errorf("%s %s: status %d, asked %d times, want %d; %d retries", c.method, c.path, status, n, c.asked,
				len(heard())-before)
		}
	}
	first, ok := heard()[0].(event.Retry)
	if !ok || first.Target != "api.get" || first.Status != 503 || first.Number != 1 || first.Call == nil ||
		first.After <= 0 {
		t.Errorf("heard %+v", first)
	}
}

// TestSending_afterALostConnection: a call that got no answer is sent again.
func TestSending_afterALostConnection(t *testing.T) {
	var asked atomic.Int32
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "{}")
	})
	s := testkit.Serve(t, sent, testkit.Options{Upstream: api.URL})
	if status, _, body := testkit.Do(t, "GET", s.REST+"/get", ""); status != 200 || body != "{}" || asked.Load() != 3 {
		t.Errorf("%d %s, asked %d times", status, body, asked.Load())
	}
}

// TestSending_heedsRetryAfter: one that is too far away is the caller's.
func TestSending_heedsRetryAfter(t *testing.T) {
	var asked atomic.Int32
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s := testkit.Serve(t, sent, testkit.Options{Upstream: api.URL})
	status, header, _ := testkit.Do(t, "GET", s.REST+"/get", "")
	if status != 503 || asked.Load() != 1 || header.Get("Retry-After") != "3600" {
		t.Errorf("%d %v, asked %d times", status, header, asked.Load())
	}
}

func TestSending_leavesAnAPIAloneThatFails(t *testing.T) { // semantics 4.11
	var asked atomic.Int32
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	})
	listener, heard := hearing(event.Breakers | event.Waits)
	s := testkit.Serve(t, sent, testkit.Options{Upstream: api.URL, Listen: listener})
	for range 3 {
		testkit.Do(t, "GET", s.REST+"/broken", "")
	}
	for _, path := range []string{"/broken", "/too"} { // which share the resource's
		status, header, body := testkit.Do(t, "GET", s.REST+path, "")
		if status != 503 || header.Get("Retry-After") != "3600" || !strings.Contains(body, "held-back") {
			t.Errorf("%s: %d %v %s", path, status, header, body)
		}
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
	testkit.Do(t, "GET", s.REST+"/once", "") // has none
	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times", n)
	}
	events := heard()
	if len(events) != 3 {
		t.Fatalf("heard %v", events)
	}
	if opened := events[0].(event.Breaker); opened.State != event.Open || opened.Name != "api /broken" {
		t.Errorf("heard %+v", opened)
	}
	if held := events[1].(event.Wait); !held.Held || held.For != "breaker" {
		t.Errorf("heard %+v", held)
	}
}

func TestSending_asksNoMoreThanItMay(t *testing.T) { // semantics 4.11
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/learns" {
			w.Header().Set("RateLimit-Remaining", "0")
			w.Header().Set("RateLimit-Reset", "60")
		}
		_, _ = io.WriteString(w, "{}")
	})
	s := testkit.Serve(t, sent, testkit.Options{Upstream: api.URL})
	for _, c := range []struct {
		path  string
		asked int
		after string
	}{{"/limited", 2, "3600"}, {"/learns", 1, "60"}} {
		passed := 0
		for range 4 {
			status, header, body := testkit.Do(t, "GET", s.REST+c.path, "")
			if status == 200 {
				passed++
			} else if header.Get("Retry-After") != c.after || !strings.Contains(body, "held-back") {
				t.Errorf("%s: %d %v %s", c.path, status, header, body)
			}
		}
		if n := len(api.Requests()); passed != c.asked || n != c.asked {
			t.Errorf("%s: %d of 4 passed, asked %d times", c.path, passed, n)
		}
	}
}

// TestSending_processDefaults: what documents leave out is as the process has it.
func TestSending_processDefaults(t *testing.T) {
	var asked atomic.Int32
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	retry := upstream.UsualRetry(2)
	retry.Backoff = time.Millisecond
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: api.URL,
		Client: upstream.Config{Retry: retry, Breaker: upstream.UsualBreaker()}})
	for range 3 {
		testkit.Do(t, "GET", s.REST+"/raw", "")
	}
	testkit.Do(t, "POST", s.REST+"/raw", "")
	if n := asked.Load(); n != 10 { // of which all fail
		t.Errorf("asked %d times", n)
	}
	if status, _, body := testkit.Do(t, "GET", s.REST+"/raw", ""); status != 503 || asked.Load() != 10 {
		t.Errorf("%d %s, asked %d times", status, body, asked.Load())
	}
}

// TestSending_timeouts: each is an answer of its own, 504, but for an answer that began.
func TestSending_timeouts(t *testing.T) { // semantics 4.9
	release := make(chan struct{})
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Begin") != "" {
			_, _ = io.WriteString(w, "[")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	s := testkit.Serve(t, sent, testkit.Options{Upstream: api.URL})
	for _, path := range []string{"/short", "/quick"} {
		if status, _, body := testkit.Do(t, "GET", s.REST+path, ""); status != 504 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestSending_longStreams: an answer that is passed on lasts as long as something comes
// of it, whatever a whole call may take.
func TestSending_longStreams(t *testing.T) { // semantics 4.9
	const pieces = 8
	var mu sync.Mutex
	ended := map[string]bool{}
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range pieces {
			if _, err := fmt.Fprintf(w, "data: %d\n\n", i); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond) // less than idle; together more than a call
		}
		mu.Lock()
		defer mu.Unlock()
		ended[r.URL.Path] = true
	})
	limits := upstream.Limits{Call: 60 * time.Millisecond, Idle: 5 * time.Second}
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: api.URL, Limits: limits})
	for _, path := range []string{"/raw", "/file", "/forward/x"} {
		if status, _, body := testkit.Do(t, "GET", s.REST+path, ""); status != 200 ||
			strings.Count(body, "data") != pieces {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _, body := testkit.Do(t, "GET", s.REST+"/shaped", ""); status != 504 { // is read whole
		t.Errorf("/shaped: %d %s", status, body)
	}
}

const connected = `
ikanos: 1.0.0-beta5
info: {display: Connected}
binds: [{namespace: env, keys: {PROXY: PROXY, CERT: CERT, KEY: KEY}}]
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: "http://api.example.invalid"
    x-fairlead: {proxy: "{{PROXY}}"}
    resources: [{path: /x, operations: [{name: get, method: GET}]}]
  - type: http
    namespace: direct
    baseUri: "http://api.example.invalid"
    x-fairlead: {proxy: none, tls: {ca: ca.pem, cert: "{{CERT}}", key: "{{KEY}}"}}
    resources: [{path: /y, operations: [{name: get, method: GET}]}]
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: /x, operations: [{method: GET, call: api.get}]}
    - {path: /y, operations: [{method: GET, call: direct.get}]}
    - {path: "/forward/{path}", forward: {targetNamespace: api}}
`

// TestConnection_isAsTheDocumentSays: and its secrets stand in no answer and no line.
func TestConnection_isAsTheDocumentSays(t *testing.T) {
	proxy := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"asked":"`+r.URL.Host+`"}`)
	})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := testkit.Serve(t, connected, testkit.Options{Dir: dir, Log: &log, Env: map[string]string{
		"PROXY": strings.Replace(proxy.URL, "http://", "http://me:canary-5678@", 1), "CERT": "canary-cert",
		"KEY": "canary-key"}})
	for _, path := range []string{"/x", "/forward/x"} {
		if status, _, body := testkit.Do(t, "GET", s.REST+path, ""); status != 200 || body != `{"asked":"api.example.invalid"}` {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	status, _, body := testkit.Do(t, "GET", s.REST+"/y", "")
	if status != 503 || !strings.Contains(body, "the CA holds no certificate") {
		t.Errorf("%d %s", status, body)
	}
	proxy.Close()
	status, _, more := testkit.Do(t, "GET", s.REST+"/x", "")
	if status != 502 {
		t.Errorf("%d %s", status, more)
	}
	if text := body + more + log.String(); strings.Contains(text, "canary") {
		t.Errorf("a secret stands in %s", text)
	}
}

// TestEgress_isAnAnswerForTheOperator: a document reaches what it names, as far as the
// operator lets it.
func TestEgress_isAnAnswerForTheOperator(t *testing.T) { // semantics 4.13
	api := testkit.NewUpstream(t, nil)
	loopback, err := upstream.ParseEgressRule("loopback")
	if err != nil {
		t.Fatal(err)
	}
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: api.URL,
		Client: upstream.Config{Egress: upstream.Egress{Deny: []upstream.EgressRule{loopback}}}})
	for _, path := range []string{"/raw", "/shaped", "/flow", "/forward/x"} {
		if status, _, body := testkit.Do(t, "GET", s.REST+path, ""); status != 503 ||
			!strings.Contains(body, "may not be reached from here") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if body := testkit.CallTool(t, s.MCP, "raw", ""); !strings.Contains(body, "may not be reached from here") {
		t.Errorf("%s", body)
	}
	if n := len(api.Requests()); n > 0 {
		t.Errorf("asked %d times", n)
	}
}

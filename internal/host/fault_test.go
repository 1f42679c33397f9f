package host_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

// rawAPI is an API that is no HTTP server: for each request on a connection it does
// what the path says.
type rawAPI struct {
	net.Listener
	wg     sync.WaitGroup
	faults map[string]func(net.Conn)
	gone   chan struct{} // closed when the test ends
}

func newRawAPI(t *testing.T, faults map[string]func(net.Conn)) *rawAPI {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &rawAPI{Listener: l, faults: faults, gone: make(chan struct{})}
	a.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			a.wg.Go(func() { a.serve(c) })
		}
	})
	t.Cleanup(func() {
		close(a.gone)
		l.Close()
		a.wg.Wait()
	})
	return a
}

func (a *rawAPI) serve(c net.Conn) {
	defer c.Close()
	stop := make(chan struct{})
	defer close(stop)
	a.wg.Go(func() {
		select {
		case <-a.gone:
			c.Close()
		case <-stop:
		}
	})
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		fault := a.faults[strings.TrimPrefix(req.URL.Path, "/")]
		if fault == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		fault(c)
	}
}

// reset closes a connection with RST.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// says writes a text.
func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

// says what, and then ends the connection.
func ends(text string, by func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		says(text)(c)
		by(c)
	}
}

func closes(c net.Conn) { c.Close() }

// pieces writes text again and again, until nobody takes it.
func pieces(head, text string, apart time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, head)
		for err == nil {
			_, err = io.WriteString(c, text)
			time.Sleep(apart)
		}
	}
}

// trickles answers for six seconds.
func trickles(c net.Conn) {
	const all = 60
	_, err := io.WriteString(c, sizedAs(all, ""))
	for i := 0; i < all && err == nil; i++ {
		_, err = io.WriteString(c, " ")
		time.Sleep(100 * time.Millisecond)
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

const (
	answerHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	chunkedTE  = "Transfer-Encoding: chunked\r\n\r\n"
)

func sizedAs(n int, body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", answerHead, n, body)
}

func encoded(coding, body string) string {
	return fmt.Sprintf("%sContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", answerHead, coding, len(body), body)
}

// outcome is what a caller gets: a status, or brokenOff: that the answer broke off after
// its beginning. Whoever wants that takes 502, too: none of it may have come before.
// Of noAnswer, it is chance which limit is reached first.
type outcome int

const (
	brokenOff outcome = 1
	noAnswer  outcome = 2
)

func (want outcome) is(got outcome) bool {
	return got == want || want == brokenOff && got == 502 || want == noAnswer && (got == 502 || got == 504)
}

// faults are what APIs do, and what callers get of it where the answer passes as it
// comes, and where it is read.
var faults = []struct {
	name         string
	does         func(net.Conn)
	passed, read outcome
}{
	{"fine", says(sizedAs(9, `{"a":"b"}`)), 200, 200},
	{"reset", reset, 502, 502},
	{"closed", closes, 502, 502},
	{"reset-in-header", ends("HTTP/1.1 200 OK\r\nContent-Ty", reset), 502, 502},
	{"reset-after-header", ends(sizedAs(9, ""), reset), 502, 502},
	{"reset-in-body", ends(sizedAs(9, `{"a":`), reset), 502, 502},
	{"closed-in-body", ends(sizedAs(9, `{"a":`), closes), 502, 502},
	{"reset-in-chunks", ends(answerHead+chunkedTE+"5\r\n{\"a\":\r\n", reset), brokenOff, 502},
	{"closed-in-chunks", ends(answerHead+chunkedTE+"5\r\n{\"a\":\r\n", closes), brokenOff, 502},
	{"reset-before-chunks", ends(answerHead+chunkedTE, reset), 502, 502},
	{"length-too-long", ends(sizedAs(100, `{"a":"b"}`), closes), 502, 502},
	{"length-too-short", ends(sizedAs(5, `{"a":"b"}`), closes), 200, 502}, // what is said to be all is passed on
	{"length-far-too-long", ends(sizedAs(1<<40, `{`), closes), 502, 502},
	{"length-negative", ends(strings.Replace(sizedAs(9, "{}"), " 9\r", " -9\r", 1), closes), 502, 502},
	{"lengths-that-differ", ends(answerHead+"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}", closes), 502, 502},
	{"chunk-of-no-size", ends(answerHead+chunkedTE+"zz\r\n{}\r\n", closes), 502, 502},
	{"chunk-too-large", ends(answerHead+chunkedTE+"ffffffffffffffffff\r\n{}\r\n", closes), 502, 502},
	{"chunk-without-end", ends(answerHead+chunkedTE+"2\r\n{}xx0\r\n\r\n", closes), brokenOff, 502},
	{"no-http", ends("SSH-2.0-OpenSSH_9.9\r\n", closes), 502, 502},
	{"status-of-no-number", ends("HTTP/1.1 2xx OK\r\n\r\n", closes), 502, 502},
	{"header-of-no-name", ends("HTTP/1.1 200 OK\r\n: x\r\n\r\n", closes), 502, 502},
	{"header-too-large", ends("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2<<20)+"\r\n\r\n", closes), 502, 502},
	{"headers-without-end", pieces("HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1<<12)+"\r\n", 0), 502, 502},
	{"switches-protocols", ends("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		closes),
		502, 502},
	{"informs", says(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 3) + sizedAs(9, `{"a":"b"}`)), 200, 200},
	{"informs-without-end", pieces("", "HTTP/1.1 103 Early Hints\r\n\r\n", 0), noAnswer, noAnswer},
	{"silent", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }, 504, 504},
	{"silent-in-header", ends("HTTP/1.1 200 OK\r\n", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), 504, 504},
	{"silent-in-body", ends(sizedAs(9, `{"a":`), func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), 502, 504},
	{"silent-in-chunks", ends(answerHead+chunkedTE+"5\r\n{\"a\":\r\n",
		func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }),
		brokenOff, 504},
	{"trickle", trickles, 200, 504}, // longer than a call, and never idle
	{"endless", pieces(answerHead+"\r\n", strings.Repeat(" ", 1<<16), 0), brokenOff, 502},
	{"endless-chunks", pieces(answerHead+chunkedTE, "1000\r\n"+strings.Repeat(" ", 1<<12)+"\r\n", 0), brokenOff, 502},
	{"zeros", ends(encoded("gzip", zipped(strings.Repeat("0", 64<<20))), closes), brokenOff, 502},
	{"http-1.0", ends("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":\"b\"}", closes), 200, 200},
	{"zipped", says(encoded("gzip", zipped(`{"a":"b"}`))), 200, 200},
	{"zipped-twice", says(encoded("gzip, gzip", zipped(zipped(`{"a":"b"}`)))), 200, 200},
	{"zipped-five-times", says(encoded("gzip, gzip, gzip, gzip, gzip", "x")), 502, 502},
	{"zipped-in-name-only", says(encoded("gzip", `{"a":"b"}`)), 502, 502},
	{"zipped-and-cut", says(encoded("gzip", zipped(`{"a":"b"}`)[:15])), 502, 502},
	{"zipped-with-more-behind", says(encoded("gzip", zipped(`{"a":"b"}`)+"garbage")), brokenOff, 502},
	{"brotli-in-name-only", says(encoded("br", `{"a":"b"}`)), 502, 502},
	{"zstd-in-name-only", says(encoded("zstd", `{"a":"b"}`)), 502, 502},
	{"of-unknown-coding", says(encoded("snappy", `{"a":"b"}`)), 502, 502},
}

// TestFaults_areAnswers: whatever an API does, its caller gets an answer that says so,
// or one that does not look whole; and the next call is fine.
func TestFaults_areAnswers(t *testing.T) { // semantics 5.2
	does := map[string]func(net.Conn){}
	for _, f := range faults {
		does[f.name] = f.does
	}
	api := newRawAPI(t, does)
	var doc strings.Builder
	doc.WriteString(`
ikanos: 1.0.0-beta5
info: {display: Faults}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: "http://api.example.invalid"
    resources: [{path: "/{fault}", operations: [{name: get, method: GET, inputParameters: [{name: fault, in: path}]}, {name: post, method: POST, inputParameters: [{name: fault, in: path}]}]}]
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: "/raw/{fault}", operations: [{method: GET, call: api.get}, {method: POST, call: api.post}]}
    - {path: "/shaped/{fault}", operations: [{method: GET, call: api.get, outputParameters: [{name: a, type: string, mapping: $.a}]}]}
    - {path: "/flow/{fault}", operations: [{method: GET, inputParameters: [{name: fault, in: path}], steps: [{name: one, type: call, call: api.get, with: {fault: "{{fault}}"}}]}]}
    - {path: "/forward/{path}", forward: {targetNamespace: api}}
  - type: mcp
    namespace: tools
    port: 0
    tools:
    - {name: raw, description: x, call: api.get}
    - {name: shaped, description: x, call: api.get, outputParameters: [{name: a, type: string, mapping: $.a}]}
`)
	s := testkit.Serve(t, doc.String(),
		testkit.Options{Upstream: "http://" + api.Addr().String(), Limits: upstream.Limits{
			Header: time.Second, Call: 4 * time.Second, Idle: time.Second, Response: 1 << 20}})
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup // the slow ones wait together
			for way, want := range map[string]outcome{"/raw/": f.passed, "/forward/": f.passed, "/shaped/": f.read,
				"/flow/": f.read} {
				wg.Go(func() {
					if got, body := get(t, s.REST+way+f.name); !want.is(got) {
						t.Errorf("%s: %d %.200s, want %d", way, got, body, want)
					}
				})
			}
			for _, tool := range []string{"raw", "shaped"} {
				wg.Go(func() {
					body := testkit.CallTool(t, s.MCP, tool, `{"fault":"`+f.name+`"}`)
					if failed := strings.Contains(body, `"isError":true`); failed != (f.read != 200) {
						t.Errorf("the tool %s answered %.300s", tool, body)
					}
				})
			}
			wg.Wait()
			if got, body := get(t, s.REST+"/raw/fine"); got != 200 || body != `{"a":"b"}` {
				t.Errorf("afterwards: %d %s", got, body)
			}
		})
	}
}

// get is what a caller gets.
func get(t *testing.T, url string) (outcome, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return brokenOff, string(body)
	}
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d is no problem: %s", url, resp.StatusCode, body)
	}
	return outcome(resp.StatusCode), string(body)
}

// TestFaults_connectionsClosedUnderThePool: an API that closes each connection after
// its answer without a word; no caller hears of it.
func TestFaults_connectionsClosedUnderThePool(t *testing.T) {
	api := newRawAPI(t, map[string]func(net.Conn){"x": ends(sizedAs(9, `{"a":"b"}`), closes)})
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: "http://" + api.Addr().String()})
	for i := range 50 {
		if got, body := get(t, s.REST+"/raw"); got != 200 {
			t.Fatalf("call %d: %d %s", i, got, body)
		}
	}
}

// TestFaults_callersWhoLeave in each phase: what was asked of the API for them ends, and
// others are served.
func TestFaults_callersWhoLeave(t *testing.T) {
	const wait = 10 * time.Second
	asked, left := make(chan struct{}, 1), make(chan struct{}, 1)
	api := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, "{}")
			return
		}
		if r.URL.Path == "/stream" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		asked <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: api.URL})
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"raw","arguments":{}}}`
	post := func(path, body string, length int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
			"Accept: application/json, text/event-stream\r\nContent-Length: %d\r\n\r\n%s", path, length, body)
	}
	mcp := s.MCP[strings.LastIndexByte(s.MCP, '/'):]
	for _, c := range []struct {
		name, url, text string
		until           chan struct{} // when they leave; nil is at once
	}{
		{"at once", s.REST, "", nil},
		{"in the header", s.REST, "GET /raw HTTP/1.1\r\nHo", nil},
		{"in the body", s.REST, post("/raw", "{", 100), nil},
		{"before the answer", s.REST, "GET /raw HTTP/1.1\r\nHost: localhost\r\n\r\n", asked},
		{"in the answer", s.REST, "GET /forward/stream HTTP/1.1\r\nHost: localhost\r\n\r\n", asked},
		{"before a mapped answer", s.REST, "GET /shaped HTTP/1.1\r\nHost: localhost\r\n\r\n", asked},
		{"in a flow", s.REST, "GET /flow HTTP/1.1\r\nHost: localhost\r\n\r\n", asked},
		{"in a message", s.MCP, post(mcp, call[:20], len(call)), nil},
		{"before a tool's answer", s.MCP, post(mcp, call, len(call)), asked},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := strings.TrimPrefix(c.url, "http://")
			host, _, _ = strings.Cut(host, "/")
			for _, leave := range []func(net.Conn){reset, closes} {
				conn, err := net.Dial("tcp", host)
				if err != nil {
					t.Fatal(err)
				}
				says(c.text)(conn)
				if c.until != nil {
					receive(t, c.until, wait, "the API was not asked")
				}
				leave(conn)
				if c.until != nil {
					receive(t, left, wait, "the API's call did not end")
				}
				if got, body := postRaw(t, s.REST+"/raw"); got != 200 {
					t.Errorf("afterwards: %d %s", got, body)
				}
			}
		})
	}
}

func receive(t *testing.T, from chan struct{}, most time.Duration, otherwise string) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(most):
		t.Fatal(otherwise)
	}
}

func postRaw(t *testing.T, url string) (int, string) {
	status, _, body := testkit.Do(t, http.MethodPost, url, "")
	return status, body
}

// TestFaults_refused: nothing listens.
func TestFaults_refused(t *testing.T) {
	gone := testkit.NewUpstream(t, nil)
	gone.Close()
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: gone.URL})
	for _, path := range []string{"/raw", "/shaped", "/flow", "/forward/x"} {
		if got, body := get(t, s.REST+path); got != 502 || !strings.Contains(body, "It refuses connections.") {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
}

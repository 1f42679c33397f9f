package host_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

const big = `naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: https://api.test
    resources:
    - path: /list
      operations:
      - {name: list, method: GET}
      - {name: shaped, method: GET, outputParameters: [{type: array, mapping: "$[0:]"}]}
      - {name: put, method: POST, body: {type: json, data: {items: "{{items}}"}}, inputParameters: [{name: items, in: body, type: array}]}
  exposes:
  - type: rest
    namespace: big-rest
    port: 8080
    resources:
    - {path: /shaped, operations: [{method: GET, name: shaped, call: api.list, outputParameters: [{type: array, mapping: "$[0:]"}]}]}
    - {path: /endless, operations: [{method: GET, name: endless, call: api.list, outputParameters: [{name: a, type: array, mapping: "$..*..*..*..*"}]}]}
    - path: /put
      operations: [{method: POST, name: put, call: api.put, inputParameters: [{name: items, in: body, type: array}], with: {items: "{{items}}"}}]
  - type: mcp
    namespace: big-mcp
    port: 8081
    tools:
    - {name: list, description: Lists., call: api.list}
    - {name: shaped, description: Lists., call: api.list, outputParameters: [{type: array, mapping: "$[0:]"}]}
`

// zeros is the list of n zeros, which makes the largest tree for its length.
func zeros(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]" }

func listing(t *testing.T, text string) *testkit.Upstream {
	return testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	})
}

const callTool = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":{}}}`

// Whatever is called how often at once: everybody gets an answer or is told to come
// again, and no more is held than the limit.
func TestServe_holdsNoMoreMemoryThanItsLimit(t *testing.T) {
	const limit = 24 << 20
	pool := budget.NewPool(limit)
	s := testkit.Serve(t, big, testkit.Options{Upstream: listing(t, zeros(300_000)).URL, Pool: pool,
		Limits: upstream.Limits{Request: 4 << 20}})
	body := `{"items":` + zeros(300_000) + `}`
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	count := func(what string, status int, header http.Header, answer string) {
		mu.Lock()
		defer mu.Unlock()
		busy := status == http.StatusServiceUnavailable && header.Get("Retry-After") != "" ||
			strings.Contains(answer, "too much is going on here")
		switch {
		case busy:
			got[what+" busy"]++
		case status == http.StatusOK && len(answer) > 0:
			got[what+" ok"]++
		default:
			t.Errorf("%s: %d %.300s", what, status, answer)
		}
	}
	for range 8 {
		all.Go(func() {
			status, header, answer := testkit.Do(t, "GET", s.REST+"/shaped", "")
			count("shaped", status, header, answer)
		})
		all.Go(func() {
			status, header, answer := testkit.Do(t, "POST", s.REST+"/put", body, "Content-Type", "application/json")
			count("put", status, header, answer)
		})
		for _, tool := range []string{"list", "shaped"} {
			all.Go(func() {
				status, header, answer := testkit.Do(t, "POST", s.MCP, fmt.Sprintf(callTool, tool), "Content-Type",
					"application/json")
				count("tool "+tool, status, header, answer)
			})
		}
	}
	all.Wait()
	now, most := pool.Held()
	for range 1000 { // a caller may have all of an answer before its call has ended
		if now == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
		now, most = pool.Held()
	}
	if now != 0 || most > limit || most < limit/4 {
		t.Errorf("holds %d, at most %d of %d", now, most, limit)
	}
	for _, what := range []string{"shaped", "put", "tool list", "tool shaped"} {
		if n := got[what+" ok"] + got[what+" busy"]; n != 8 {
			t.Errorf("%s: %d answers of 8", what, n)
		}
	}
	for what, call := range map[string]func() (int, http.Header, string){
		"REST": func() (int, http.Header, string) { return testkit.Do(t, "GET", s.REST+"/shaped", "") },
		"MCP": func() (int, http.Header, string) {
			return testkit.Do(t, "POST", s.MCP, fmt.Sprintf(callTool, "shaped"), "Content-Type", "application/json")
		},
		"a body": func() (int, http.Header, string) {
			return testkit.Do(t, "POST", s.REST+"/put", body, "Content-Type", "application/json")
		},
	} {
		if status, _, answer := call(); status != http.StatusOK || strings.Contains(answer, "going on") {
			t.Errorf("%s alone: %d %.200s", what, status, answer)
		}
	}
}

// Callers who do not read hold memory, but not more than there is: the others are
// told to come again.
func TestServe_isNotFilledByCallersWhoDoNotRead(t *testing.T) {
	const limit, callers = 24 << 20, 12
	pool := budget.NewPool(limit)
	text := `["` + strings.Repeat("x", 2<<20) + `"]`
	s := testkit.Serve(t, big, testkit.Options{Upstream: listing(t, text).URL, Pool: pool})
	host, _ := url.Parse(s.REST)
	var all sync.WaitGroup
	for range callers {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		all.Go(func() {
			fmt.Fprintf(conn, "GET %s/shaped HTTP/1.1\r\nHost: %s\r\n\r\n", host.Path, host.Host)
			line := make([]byte, len("HTTP/1.1 200"))
			if _, err := io.ReadFull(conn, line); err != nil || string(line) != "HTTP/1.1 200" &&
				string(line) != "HTTP/1.1 503" {
				t.Errorf("got %q %v", line, err)
			}
		})
	}
	all.Wait()
	if _, most := pool.Held(); most > limit {
		t.Errorf("held %d of %d", most, limit)
	}
}

func TestServe_endsMappingsThatNeverEnd(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 60) + "1" + strings.Repeat(`,2,3,"x"]}`, 60)
	s := testkit.Serve(t, big, testkit.Options{Upstream: listing(t, deep).URL})
	status, _, answer := testkit.Do(t, "GET", s.REST+"/endless", "")
	if status != http.StatusBadGateway || !strings.Contains(answer, "too much work") ||
		!strings.Contains(answer, "Ask for less") {
		t.Errorf("got %d %.300s", status, answer)
	}
}

package host_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/testkit"
)

const observed = `
ikanos: 1.0.0-beta5
info: {display: Books}
binds: [{namespace: env, keys: {PASSWORD: PASSWORD, KEY: KEY}}]
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: http://127.0.0.1:1
    resources:
      books: {path: /books, operations: {list: {method: GET}, add: {method: POST, inputParameters: {title: {in: body}}}}}
      book: {path: "/books/{id}", operations: {get: {method: GET, inputParameters: {id: {in: path}}}, remove: {method: DELETE, inputParameters: {id: {in: path}}}}}
  - type: http
    namespace: keyed
    baseUri: http://127.0.0.1:1
    authentication: {type: bearer, token: "{{KEY}}"}
    resources: {x: {path: /x, operations: {get: {method: GET}}}}
  exposes:
  - type: rest
    namespace: shelf
    port: 0
    authentication: {type: basic, username: ann, password: "{{PASSWORD}}"}
    resources:
      book: {path: "/books/{id}", operations: {get: {method: GET, call: api.get, inputParameters: {id: {in: path, type: integer}}}, remove: {method: DELETE, call: api.remove}}}
      x: {path: /x, operations: {get: {method: GET, call: keyed.get}}}
      all: {path: "/all/{path}", forward: {targetNamespace: api}}
  - type: mcp
    namespace: shelves
    port: 0
    tools:
      get: {description: A book., call: api.get}
      remove: {description: Away., call: api.remove}
      two: {description: Both., inputParameters: {id: {type: string}}, steps: {a: {type: call, call: api.get, with: {id: shelves.id}}, b: {type: call, call: api.list}}}
`

// lines is where lines are written that a test reads.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}

func (l lines) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-l:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("no line is written")
		return ""
	}
}

const ann = "Basic YW5uOnBhc3N3b3Jk"

func serveObserved(t *testing.T, how testkit.Options, listeners ...event.Listener) (*testkit.Served,
	*testkit.Upstream) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/books/404":
			http.Error(w, `{"error":"no such book"}`, http.StatusNotFound)
		case "/books/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		default:
			_, _ = io.WriteString(w, `{"title":"T"}`)
		}
	})
	how.Upstream, how.Env = up.URL, map[string]string{"PASSWORD": "password"}
	if how.Events == nil {
		how.Events = event.To(listeners...)
	}
	return testkit.Serve(t, observed, how), up
}

// fields are those of a text line, whose times are left out.
func fields(t *testing.T, line string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)`).FindAllStringSubmatch(line, -1) {
		all[m[1]] = strings.Trim(m[2], `"`)
	}
	return all
}

func TestAccess_hasALineForEachCall(t *testing.T) {
	written := make(lines, 10)
	s, _ := serveObserved(t, testkit.Options{}, observe.Access(written, observe.Text))
	call := func(id, method string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + id + `}`
	}
	for _, tt := range []struct {
		name, method, url, body string
		header                  []string
		status                  int
		want                    string // words of the line, "-key" for those it must not have
	}{
		{"an operation", "GET", s.REST + "/books/1?token=t0p", "", []string{"Authorization", ann}, 200,
			`principal=basic:ann transport=http capability=Books server=shelf adapter=rest unit="GET /books/{id}" status=200 received=0 sent=13 api=api.get api_status=200 api_received=13 attempts=1 -path -failed -reason`},
		{"an API error", "GET", s.REST + "/books/404", "", []string{"Authorization", ann}, 404,
			`unit="GET /books/{id}" status=404 api_status=404 failed=upstream-status reason="api.get answered 404 Not Found"`},
		{"bad input", "GET", s.REST + "/books/x", "", []string{"Authorization", ann}, 400,
			`unit="GET /books/{id}" status=400 failed=bad-input reason="the request does not fit the operation" -api -attempts`},
		{"an answer that breaks off", "GET", s.REST + "/all/books/cut", "", []string{"Authorization", ann}, 502,
			`status=502 api_status=200 failed=unreachable reason="the answer of the API broke off"`},
		{"no such path", "GET", s.REST + "/nothing?key=t0p", "", []string{"Authorization", ann}, 404,
			`principal=basic:ann server=shelf method=GET path=/nothing status=404 failed=not-found reason="no such path" -unit`},
		{"no such method", "PUT", s.REST + "/x", "", []string{"Authorization", ann}, 405,
			`method=PUT path=/x status=405 failed=method-not-allowed`},
		{"a refusal", "GET", s.REST + "/x", "", []string{"Authorization", "Basic bm9ib2R5Om5v"}, 401,
			`status=401 failed=unauthenticated capability=Books -principal -unit`},
		{"a credential that is missing", "GET", s.REST + "/x", "", []string{"Authorization", ann}, 503,
			`unit="GET /x" status=503 failed=unavailable reason="the credential KEY is not set"`},
		{"a tool", "POST", s.MCP, call(`{"name":"get","arguments":{"id":"1"}}`, "tools/call"), nil, 200,
			`adapter=mcp server=shelves rpc=tools/call unit=shelves.get status=200 api=api.get attempts=1 -principal -failed`},
		{"a tool that fails", "POST", s.MCP, call(`{"name":"get","arguments":{"id":"404"}}`, "tools/call"),
			[]string{"Authorization", "Bearer t0p"}, 200,
			`rpc=tools/call unit=shelves.get status=200 api_status=404 failed=upstream-status principal=own:#*`},
		{"two steps", "POST", s.MCP, call(`{"name":"two","arguments":{"id":"1"}}`, "tools/call"), nil, 200,
			`unit=shelves.two attempts=2 api_received=26`},
		{"arguments that are missing", "POST", s.MCP, call(`{"name":"get","arguments":{}}`, "tools/call"), nil, 200,
			`rpc=tools/call name=get status=200 failed=not-run`},
		{"no such tool", "POST", s.MCP, call(`{"name":"nix","arguments":{}}`, "tools/call"), nil, 200,
			`rpc=tools/call status=200 failed=-32602 -name`},
		{"no such method of MCP", "POST", s.MCP, call(`{}`, "nix"), nil, 200, `rpc=other failed=-32601`},
		{"a list", "POST", s.MCP, call(`{}`, "tools/list"), nil, 200, `rpc=tools/list status=200 -unit -api`},
		{"no JSON", "POST", s.MCP, "{", nil, 400, `adapter=mcp status=400 failed=-32700`},
		{"another method of HTTP", "PUT", s.MCP, "{}", nil, 405, `adapter=mcp method=PUT status=405 failed=bad-request`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header, body := testkit.Do(t, tt.method, tt.url, tt.body, append(tt.header, "X-Request-Id", "id-1",
				"Content-Type", "application/json")...)
			line := written.next(t)
			if status != tt.status || header.Get("X-Request-Id") != "id-1" {
				t.Errorf("%d %v %s", status, header, body)
			}
			got := fields(t, line)
			if got["id"] != "id-1" || got["time"] == "" || got["ms"] == "" || strings.Contains(line, "t0p") {
				t.Error(line)
			}
			for key, want := range fields(t, tt.want) {
				if want, rest := strings.CutSuffix(want, "*"); got[key] != want &&
					!(rest && strings.HasPrefix(got[key], want)) {
					t.Errorf("%s is %q, want %q, in %s", key, got[key], want, line)
				}
			}
			for _, m := range regexp.MustCompile(` -([a-z]+)`).FindAllStringSubmatch(tt.want, -1) {
				if _, there := got[m[1]]; there {
					t.Errorf("%s stands in %s", m[1], line)
				}
			}
			if got["failed"] != "" && got["failed"] != "upstream-status" && !strings.Contains(body, `"requestId":"id-1"`) &&
				!strings.Contains(body, `"dev.fairlead/requestId":"id-1"`) && got["failed"] != "bad-request" {
				t.Errorf("the answer does not name its request: %s", body)
			}
		})
	}
}

// TestAccess_hasALineForEachMessageOfABatch: each knows who called, and the request.
func TestAccess_hasALineForEachMessageOfABatch(t *testing.T) {
	written := make(lines, 10)
	s, _ := serveObserved(t, testkit.Options{}, observe.Access(written, observe.JSON))
	testkit.Do(t, "POST", s.MCP, `[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","arguments":{"id":"1"}}},`+
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}]`, "Content-Type", "application/json", "X-Request-Id", "id-1",
		"Authorization", "Bearer mine")
	rpc := map[string]bool{}
	for range 3 {
		var line struct {
			ID, Principal, Server, RPC string
			Status                     int
		}
		text := written.next(t)
		if err := json.Unmarshal([]byte(text), &line, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err, text)
		}
		if rpc[line.RPC] = true; line.ID != "id-1" || !strings.HasPrefix(line.Principal, "own:#") ||
			line.Server != "shelves" || line.Status != 200 {
			t.Error(text)
		}
	}
	if len(rpc) != 3 || !rpc["tools/call"] || !rpc["tools/list"] || !rpc[""] {
		t.Errorf("lines for %v", rpc)
	}
}

// TestRequestID_isGivenBackWithoutALog: a caller finds its own name again, although
// nobody hears of its request.
func TestRequestID_isGivenBackWithoutALog(t *testing.T) {
	s, _ := serveObserved(t, testkit.Options{})
	for id, want := range map[string]string{"id-1": "id-1", "id 1": "", "": ""} {
		_, header, body := testkit.Do(t, "GET", s.REST+"/nothing", "", "X-Request-Id", id, "Authorization", ann)
		if header.Get("X-Request-Id") != want || want != "" && !strings.Contains(body, `"requestId":"`+want+`"`) {
			t.Errorf("%q: %v %s", id, header, body)
		}
	}
}

// TestAudit_tellsWhatChangesSomething: before and after, with the names of what was given.
func TestAudit_tellsWhatChangesSomething(t *testing.T) {
	written := make(lines, 10)
	audit := observe.NewAudit(written, nil)
	defer audit.Close()
	s, _ := serveObserved(t, testkit.Options{Audit: audit}, audit.Listener())
	header := []string{"Authorization", ann, "X-Request-Id", "id-1", "Content-Type", "application/json"}
	for _, tt := range []struct{ method, url, body, want string }{
		{"DELETE", s.REST + "/books/t0p", "", `"principal":"basic:ann","capability":"Books","server":"shelf",` +
			`"adapter":"rest","unit":"DELETE /books/{id}","arguments":["id"],"outcome":"done","status":200`},
		{"DELETE", s.REST + "/books/404", "", `"unit":"DELETE /books/{id}","arguments":["id"],"outcome":"failed",` +
			`"status":404,"failed":"upstream-status"`},
		{"POST", s.REST + "/all/books?x=t0p&a=", "t0p", `"arguments":["a","x","body"],"outcome":"done","status":200`},
		{"POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"remove","arguments":{"id":"t0p"}}}`,
			`"adapter":"mcp","unit":"shelves.remove","arguments":["id"],"outcome":"done","status":200`},
	} {
		testkit.Do(t, tt.method, tt.url, tt.body, header...)
		begun, ended := written.next(t), written.next(t)
		both := begun + ended
		before, after, _ := strings.Cut(tt.want, `,"outcome"`)
		if !strings.Contains(begun, `"audit":"begun","id":"id-1"`) || !strings.Contains(begun, before) ||
			strings.Contains(begun, "outcome") || !strings.Contains(ended, `"audit":"ended","id":"id-1"`) ||
			!strings.Contains(ended, before) || !strings.Contains(ended, `,"outcome"`+after) ||
			strings.Contains(both, "t0p") || strings.Contains(both, "404\"") {
			t.Errorf("%s %s:\n%s%s", tt.method, tt.url, begun, ended)
		}
	}
	testkit.Do(t, "GET", s.REST+"/books/1", "", header...)
	testkit.Do(t, "GET", s.REST+"/all/books", "", header...)
	testkit.Do(t, "DELETE", s.REST+"/books/1", "", "Authorization", "Basic bm9ib2R5Om5v")
	if len(written) > 0 {
		t.Errorf("what changes nothing is audited: %s", <-written)
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestAudit_thatCannotBeWrittenKeepsAllFromChanging: nothing is sent, and the log says why.
func TestAudit_thatCannotBeWrittenKeepsAllFromChanging(t *testing.T) {
	audit := observe.NewAudit(fullDisk{}, nil)
	defer audit.Close()
	problems := make(lines, 10)
	log := observe.LogOptions{}.Logger(problems)
	s, up := serveObserved(t, testkit.Options{Audit: audit}, audit.Listener(), observe.Log(log))
	status, _, body := testkit.Do(t, "DELETE", s.REST+"/books/1", "", "Authorization", ann)
	if status != 503 || len(up.Requests()) > 0 || strings.Contains(body, "space") {
		t.Errorf("%d %s, %d sent", status, body, len(up.Requests()))
	}
	if line := problems.next(t); !strings.Contains(line, "no space left") || !strings.Contains(line, "request=") {
		t.Error(line)
	}
	status, _, body = testkit.Do(t, "POST", s.MCP,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"remove","arguments":{"id":"1"}}}`,
		"Content-Type", "application/json")
	if status != 200 || !strings.Contains(body, `"isError":true`) || len(up.Requests()) > 0 {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := testkit.Do(t, "GET", s.REST+"/books/1", "", "Authorization", ann); status != 200 {
		t.Errorf("what changes nothing: %d", status)
	}
}

// TestProblems_nameTheirRequestAndCause: whatever a caller is told to ask the operator
// about stands in the log, with the ID that the caller has.
func TestProblems_nameTheirRequestAndCause(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			_, _ = io.WriteString(w, `[`+strings.Repeat(`{"a":"b"},`, 100_000)+`{}]`)
			return
		}
		w.Header().Set("Content-Length", "100000") // and ends before
	})
	problems := make(lines, 100)
	events := event.To(observe.Log(observe.LogOptions{Level: slog.LevelWarn}.Logger(problems)),
		observe.Access(io.Discard, observe.Text))
	s := testkit.Serve(t, `
ikanos: 1.0.0-beta5
info: {display: Problems}
binds: [{namespace: env, keys: {KEY: KEY}}]
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "`+up.URL+`", resources: {big: {path: /big, operations: {big: {method: GET}}}, cut: {path: /cut, operations: {cut: {method: GET}}}}}
  - {type: http, namespace: gone, baseUri: "http://127.0.0.1:1", resources: {x: {path: /x, operations: {gone: {method: GET}}}}}
  - {type: http, namespace: keyed, baseUri: "`+up.URL+`", authentication: {type: bearer, token: "{{KEY}}"}, resources: {x: {path: /x, operations: {keyed: {method: GET}}}}}
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources:
      big: {path: /big, operations: {big: {method: GET, call: api.big, outputParameters: [{type: array, mapping: "$.", items: {type: object, properties: {a: {type: string, mapping: $.a}}}}]}}}
      cut: {path: /cut, operations: {cut: {method: GET, call: api.cut}}}
      gone: {path: /gone, operations: {gone: {method: GET, call: gone.gone}}}
      keyed: {path: /keyed, operations: {keyed: {method: GET, call: keyed.keyed}}}
  - type: mcp
    namespace: m
    port: 0
    tools: {gone: {description: Gone., call: gone.gone}}
`, testkit.Options{Events: events, LogTo: observe.LogOptions{}.Logger(problems), Pool: budget.NewPool(1 << 20)})
	for _, tt := range []struct{ method, url, body, logged string }{
		{"GET", s.REST + "/keyed", "", "environment variable KEY"},
		{"GET", s.REST + "/gone", "", "connection refused"},
		{"GET", s.REST + "/big", "", "level=WARN"},
		{"GET", s.REST + "/cut", "", "broke off"},
		{"POST", s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"gone"}}`, "connection refused"},
	} {
		status, _, body := testkit.Do(t, tt.method, tt.url, tt.body, "X-Request-Id", "id-1", "Content-Type",
			"application/json")
		if status < 400 && !strings.Contains(body, "isError") && !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s", tt.url, status, body)
			continue
		}
		if line := problems.next(t); !strings.Contains(line, tt.logged) || !strings.Contains(line, "request=id-1") {
			t.Errorf("%s: %s\nis told of by %s", tt.url, body, line)
		}
	}
}

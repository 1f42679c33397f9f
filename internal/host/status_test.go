package host_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/value"
)

const statuses = `
ikanos: 1.0.0-beta5
info: {display: Statuses}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "https://api.example.invalid", resources: [{path: /x, operations: [{name: get, method: GET}, {name: post, method: POST}, {name: file, method: GET, outputRawFormat: binary}]}]}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: /raw, operations: [{method: GET, call: api.get}, {method: POST, call: api.post}]}
    - {path: /shaped, operations: [{method: GET, call: api.get, outputParameters: [{name: a, type: string, mapping: $.a}]}]}
    - {path: /file, operations: [{method: GET, call: api.file}]}
    - {path: /flow, operations: [{method: GET, steps: [{name: one, type: call, call: api.get}]}]}
    - {path: "/forward/{path}", forward: {targetNamespace: api}}
  - type: mcp
    namespace: tools
    port: 0
    tools:
    - {name: raw, description: x, call: api.get}
    - {name: post, description: x, call: api.post}
    - {name: shaped, description: x, call: api.get, outputParameters: [{name: a, type: string, mapping: $.a}]}
    - {name: file, description: x, call: api.file}
    - {name: flow, description: x, steps: [{name: one, type: call, call: api.get}]}
`

// statusCases are answers that have no body, only say where another is, or are not
// what they are called.
var statusCases = []struct {
	name   string
	status int
	body   string
	header []string
}{
	{"200, empty", 200, "", nil},
	{"200, JSON called a page", 200, `{"a":"b"}`, []string{"Content-Type", "text/html; charset=utf-8"}},
	{"200, text called a page", 200, `OK`, []string{"Content-Type", "text/html; charset=utf-8"}},
	{"200, a page", 200, "<p>hi", []string{"Content-Type", "text/html"}},
	{"200, a foreign encoding", 200, "bytes",
		[]string{"Content-Type", "application/json", "Content-Encoding", "compress"}},
	{"404, a foreign encoding", 404, "bytes",
		[]string{"Content-Type", "application/json", "Content-Encoding", "compress"}},
	{"201", 201, `{"a":"b"}`, []string{"Content-Type", "application/json"}},
	{"202, empty", 202, "", nil},
	{"204", 204, "", nil},
	{"205", 205, "", nil},
	{"300", 300, `{"a":"b"}`, []string{"Content-Type", "application/json"}},
	{"302", 302, "there", []string{"Location", "https://other.example/y", "Content-Type", "text/plain"}},
	{"304", 304, "", []string{"Etag", "x"}},
}

// TestStatuses is what each way through the process makes of them.
func TestStatuses(t *testing.T) { // issue 9, C20
	up := testkit.NewUpstream(t, nil)
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: up.URL})
	var got strings.Builder
	for _, c := range statusCases {
		up.Set(func(w http.ResponseWriter, _ *http.Request) { say(w, c.status, "", c.body, c.header...) })
		fmt.Fprintf(&got, "# %s\n", c.name)
		for _, path := range []string{"GET /raw", "POST /raw", "GET /shaped", "GET /file", "GET /flow",
			"GET /forward/x"} {
			method, path, _ := strings.Cut(path, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, s.REST+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Error(err)
			}
			if resp.Header.Get("Content-Type") != "" && resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %s %s may be taken for another type", c.name, method, path)
			}
			line := fmt.Sprintln(method, path, "→", resp.StatusCode, resp.Header.Get("Content-Type"),
				resp.Header.Get("Content-Security-Policy"), resp.Header.Get("Location"), string(body))
			got.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
		}
		for _, tool := range []string{"raw", "post", "shaped", "file", "flow"} {
			result, err := value.Parse([]byte(testkit.CallTool(t, s.MCP, tool, "")))
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString("tool " + tool + " → " + string(result.Get("result").AppendJSON(nil)) + "\n")
		}
	}
	const file = "testdata/statuses.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("want (-), got (+), see “go test ./internal/host -run TestStatuses -update”:\n%s", diff)
	}
}

func TestAnswer_ofSwitchedProtocolsIsNotPassedOn(t *testing.T) { // issue 9, A8
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes")
	})
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: up.URL})
	for _, path := range []string{"/raw", "/shaped", "/file", "/flow", "/forward/x"} {
		status, _, body := testkit.Do(t, "GET", s.REST+path, "")
		if status != 502 || !strings.Contains(body, "101") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if got := testkit.CallTool(t, s.MCP, "raw", ""); !strings.Contains(got, `"isError":true`) {
		t.Error(got)
	}
}

func TestForward_passesAForeignEncodingToWhoTakesIt(t *testing.T) { // issue 9, C20
	up := testkit.NewUpstream(t, testkit.Answer("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Encoding: compress\n\nbytes"))
	s := testkit.Serve(t, statuses, testkit.Options{Upstream: up.URL})
	for accepted, want := range map[string]int{"gzip, Compress;q=0.5": 200, "compress;q=0.0, gzip": 502, "gzip": 502} {
		status, header, body := testkit.Do(t, "GET", s.REST+"/forward/x", "", "Accept-Encoding", accepted)
		if status != want || status == 200 && (body != "bytes" || header.Get("Content-Encoding") != "compress") {
			t.Errorf("%s: %d %v %s", accepted, status, header, body)
		}
	}
}

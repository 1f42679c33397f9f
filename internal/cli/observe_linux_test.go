package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/testkit"
)

const seen = `
ikanos: 1.0.0-beta5
info: {display: Books}
binds: [{namespace: env, keys: {THERE: THERE, MISSING: MISSING}}]
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: UPSTREAM
    resources: {book: {path: "/books/{id}", operations: {get: {method: GET, inputParameters: {id: {in: path}}}, remove: {method: DELETE, inputParameters: {id: {in: path}}}}}}
  - {type: http, namespace: keyed, baseUri: UPSTREAM, authentication: {type: bearer, token: "{{THERE}}"}, resources: {x: {path: /x, operations: {x: {method: GET}}}}}
  - {type: http, namespace: locked, baseUri: UPSTREAM, authentication: {type: bearer, token: "{{MISSING}}"}, resources: {x: {path: /x, operations: {x: {method: GET}}}}}
  exposes:
  - type: rest
    namespace: shelf
    port: 0
    resources:
      book: {path: "/books/{id}", operations: {get: {method: GET, call: api.get}, remove: {method: DELETE, call: api.remove}}}
      keyed: {path: /keyed, operations: {x: {method: GET, call: keyed.x}}}
      locked: {path: /locked, operations: {x: {method: GET, call: locked.x}}}
`

// spawned is a fairlead that serves.
type spawned struct {
	*exec.Cmd
	url string
	out *bufio.Reader
}

// startServe starts fairlead serve in a process of its own, which has ended when the
// test does.
func startServe(t *testing.T, stderr io.Writer, env []string, args ...string) *spawned {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &spawned{Cmd: exec.Command(program)}
	p.Args = append([]string{"fairlead", "serve", "--json", "--ports", "auto"}, args...)
	p.Env, p.Stderr = append(os.Environ(), env...), stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill() // it has ended, unless the test failed
		http.DefaultClient.CloseIdleConnections()
	})
	p.out = bufio.NewReader(out)
	line, err := p.out.ReadBytes('\n')
	var ready struct{ Adapters []struct{ URL string } }
	if err != nil || json.Unmarshal(line, &ready) != nil || len(ready.Adapters) == 0 {
		t.Fatalf("not ready: %v %s", err, line)
	}
	p.url = ready.Adapters[0].URL
	return p
}

func (p *spawned) stop(t *testing.T) {
	t.Helper()
	_ = p.Process.Signal(syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, p.out) // Wait closes it
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func writeSeen(t *testing.T, more string) string {
	t.Helper()
	up := testkit.NewUpstream(t, nil)
	document := filepath.Join(t.TempDir(), "books.yaml")
	if err := os.WriteFile(document, []byte(strings.ReplaceAll(seen, "UPSTREAM", up.URL)+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return document
}

// records are the JSON objects of lines; a line that is none fails the test.
func records(t *testing.T, text []byte) (all []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var one map[string]any
		if err := json.Unmarshal(line, &one); err != nil {
			t.Errorf("no record: %s", line)
			continue
		}
		all = append(all, one)
	}
	return all
}

// until waits for a file to have so many lines.
func until(t *testing.T, file string, lines int) []byte {
	t.Helper()
	var text []byte
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, _ = os.ReadFile(file); bytes.Count(text, []byte("\n")) >= lines {
			return text
		}
	}
	t.Fatalf("%s holds\n%s", file, text)
	return nil
}

// TestServe_writesWhatOperatorsRead: a record at the start, one for each call, two for
// each change; files are opened anew on SIGHUP.
func TestServe_writesWhatOperatorsRead(t *testing.T) {
	document, folder := writeSeen(t, ""), t.TempDir()
	access, audit := filepath.Join(folder, "access.jsonl"), filepath.Join(folder, "audit.jsonl")
	var log bytes.Buffer
	p := startServe(t, &log, []string{"THERE=t0p-s3cret"}, document, "--log-format", "json", "--access-log", "json",
		"--access-log-file", access, "--audit", audit)
	do := func(method, path string) {
		request, err := http.NewRequest(method, p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	do("GET", "/books/1")
	do("DELETE", "/books/1")
	do("GET", "/keyed")
	do("GET", "/locked")
	do("GET", "/nothing/t0p-s3cret")
	first := records(t, until(t, access, 5))
	for i, want := range []string{"GET /books/{id} 200", "DELETE /books/{id} 200", "GET /keyed 200", "GET /locked 503",
		"<nil> 404"} {
		if got := fmt.Sprint(first[i]["unit"], " ", first[i]["status"]); got != want {
			t.Errorf("call %d is %s", i, got)
		}
	}
	if path := fmt.Sprint(first[4]["path"]); path != "/nothing/***" {
		t.Errorf("a secret that a caller knows is written: %s", path)
	}
	if info, err := os.Stat(access); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	for _, file := range []string{access, audit} {
		if err := os.Rename(file, file+".1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, access, 0)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(audit); err == nil {
			break
		}
	}
	do("DELETE", "/books/2")
	until(t, access, 1)
	p.stop(t)
	for file, want := range map[string]int{audit + ".1": 2, audit: 2} {
		text, err := os.ReadFile(file)
		if all := records(t, text); err != nil || len(all) != want || all[0]["audit"] != "begun" ||
			all[1]["outcome"] != "done" || all[0]["id"] != all[1]["id"] {
			t.Errorf("%s holds %v, %s", file, err, text)
		}
	}
	all := records(t, log.Bytes())
	start := -1
	for i, one := range all {
		if one["msg"] == "started" {
			start = i
		}
	}
	if start < 0 {
		t.Fatalf("no record of the start in\n%s", &log)
	}
	if one := all[start]; fmt.Sprint(one["credentials"]) != "[THERE]" || fmt.Sprint(one["missing"]) != "[MISSING]" ||
		fmt.Sprint(one["listeners"]) != "[rest "+p.url+"]" || one["units"] != 4.0 || one["version"] == "" {
		t.Errorf("the start says %v", one)
	}
	if !strings.Contains(log.String(), "MISSING") || strings.Contains(log.String(), "t0p-s3cret") {
		t.Errorf("the log is\n%s", &log)
	}
}

// TestServe_startsAlthoughNobodyReadsItsLog: findings by the thousand keep it from nothing.
func TestServe_startsAlthoughNobodyReadsItsLog(t *testing.T) {
	more := ""
	for i := range 300 {
		more += fmt.Sprintf("unknown-key-%d: 1\n", i)
	}
	document := writeSeen(t, more)
	reader, log, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer log.Close()
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, log.Fd(), 1031, 4096) // F_SETPIPE_SZ: it holds little
	p := startServe(t, log, nil, document)
	response, err := http.Get(p.url + "/books/1")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
	p.stop(t)
}

// TestServe_sendsTelemetry: spans come to a collector, and APIs are told of the trace.
func TestServe_sendsTelemetry(t *testing.T) {
	var mu sync.Mutex
	bodies, told := map[string]string{}, ""
	collector := testkit.NewUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies[r.URL.Path] += string(text)
	})
	document := writeSeen(t, "")
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	up := testkit.NewUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		told = r.Header.Get("X-B3-Traceid") + " " + r.Header.Get("X-B3-Spanid")
	})
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "    baseUri: ") {
			lines[i] = "    baseUri: " + up.URL
		}
	}
	if err := os.WriteFile(document, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startServe(t, io.Discard, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_PROPAGATORS=b3multi",
		"OTEL_SERVICE_NAME=library"}, document, "--access-log", "off")
	request, err := http.NewRequest("GET", p.url+"/books/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	const trace = "0af7651916cd43dd8448eb211c80319c"
	request.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	p.stop(t) // which sends what waits
	mu.Lock()
	defer mu.Unlock()
	id, span, _ := strings.Cut(told, " ")
	if id != trace || !strings.Contains(bodies["/v1/traces"], `"spanId":"`+span+`"`) ||
		!strings.Contains(bodies["/v1/traces"], `"name":"GET /books/{id}"`) ||
		!strings.Contains(bodies["/v1/traces"], `"stringValue":"library"`) ||
		!strings.Contains(bodies["/v1/metrics"], `"http.route"`) {
		t.Errorf("the API was told %s, the collector\n%v", told, bodies)
	}
}

// TestMCP_onStdioIsSeenWhereAsked: lines for messages go to a file, what changes
// something is audited, and a failure names its request.
func TestMCP_onStdioIsSeenWhereAsked(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/books/404" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	folder := t.TempDir()
	document, access, audit := filepath.Join(folder, "books.yaml"), filepath.Join(folder, "access"),
		filepath.Join(folder, "audit")
	text := `
ikanos: 1.0.0-beta5
info: {display: Books}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: ` + up.URL + `
    resources: {book: {path: "/books/{id}", operations: {get: {method: GET, inputParameters: {id: {in: path}}}, remove: {method: DELETE, inputParameters: {id: {in: path}}}}}}
  exposes:
  - {type: mcp, namespace: shelf, transport: stdio, tools: {get: {description: Get., call: api.get}, remove: {description: Remove., call: api.remove}}}
`
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	message := func(id int, method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", id, method, params)
	}
	in := message(1, "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}`) +
		message(2, "tools/list", `{}`) +
		message(3, "tools/call", `{"name":"get","arguments":{"id":"404"}}`) +
		message(4, "tools/call", `{"name":"remove","arguments":{"id":"t0p"}}`) + "{\n"
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), []string{"mcp", document, "--access-log", "json", "--access-log-file", access,
		"--audit", audit},
		cli.Streams{In: strings.NewReader(in), Out: &out, Err: &errs})
	if code != 0 || strings.Contains(errs.String(), "tools/call") {
		t.Errorf("exit %d, it says %s", code, &errs)
	}
	seen := map[string]map[string]any{}
	lines, err := os.ReadFile(access)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range records(t, lines) {
		if one["transport"] != "stdio" || one["capability"] != "Books" || one["server"] != "shelf" ||
			one["adapter"] != "mcp" {
			t.Errorf("a line is %v", one)
		}
		seen[fmt.Sprint(one["rpc"], " ", one["unit"])] = one
	}
	failed := seen["tools/call shelf.get"]
	if len(seen) != 5 || failed["failed"] != "upstream-status" || failed["api_status"] != 404.0 ||
		seen["<nil> <nil>"]["failed"] != "-32700" || seen["tools/list <nil>"]["status"] != 200.0 {
		t.Errorf("the lines are\n%s", lines)
	}
	if want := fmt.Sprintf(`"dev.fairlead/requestId":"%s"`, failed["id"]); !strings.Contains(out.String(), want) {
		t.Errorf("no %s in\n%s", want, &out)
	}
	deeds, err := os.ReadFile(audit)
	if all := records(t, deeds); err != nil || len(all) != 2 || all[1]["outcome"] != "done" ||
		all[1]["unit"] != "shelf.remove" ||
		bytes.Contains(deeds, []byte("t0p")) {
		t.Errorf("%v, the audit is\n%s", err, deeds)
	}
	if code := cli.Run(t.Context(), []string{"mcp", document, "--audit", "-"},
		cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 1 {
		t.Errorf("an audit amid MCP: exit %d", code)
	}
}

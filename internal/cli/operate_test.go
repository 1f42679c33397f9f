package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/testkit"
)

// process is “fairlead serve” in this process, until the test ends.
type process struct {
	t       *testing.T
	dir     string
	control string // its address
	stop    context.CancelFunc
	done    chan int
	out     shared
}

// shortDir is a folder whose path leaves room for that of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serving serves document as a.yaml of a folder, with a control server on a socket.
func serving(t *testing.T, document string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, dir: shortDir(t), done: make(chan int, 1)}
	p.control = "unix:" + filepath.Join(p.dir, "s")
	p.write("a.yaml", document)
	ctx, stop := context.WithCancel(t.Context())
	p.stop = stop
	args := append([]string{"serve", p.dir, "--ports", "auto", "--stop-delay", "1ms", "--control", p.control}, flags...)
	go func() { p.done <- cli.Run(ctx, args, cli.Streams{In: strings.NewReader(""), Out: &p.out, Err: &p.out}) }()
	t.Cleanup(func() {
		stop()
		<-p.done
	})
	if !p.out.within(t.Context(), func(text string) bool { return strings.Contains(text, "Ctrl-C.") }) {
		t.Fatalf("nothing serves: %s", p.out.text())
	}
	return p
}

func (p *process) write(name, text string) { put(p.t, filepath.Join(p.dir, name), text) }

// ask runs a command that asks the process.
func (p *process) ask(args ...string) (int, string) {
	return command(p.t, append(args, "--control", p.control)...)
}

func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	return code, out.String()
}

// url is where a server of the process is.
func (p *process) url(kind string) string {
	p.t.Helper()
	_, text := p.ask("status", "-o", "json")
	var status struct{ Adapters []struct{ Type, URL string } }
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		p.t.Fatal(err, text)
	}
	for _, a := range status.Adapters {
		if a.Type == kind {
			return a.URL
		}
	}
	return ""
}

const thing = `
ikanos: 1.0.0-beta5
info: {display: Things}
binds: [{namespace: secrets, location: "file:///./secrets.env", keys: {KEY: KEY}}]
capability:
  consumes: [{type: http, namespace: api, baseUri: UPSTREAM, authentication: {type: bearer, token: "{{KEY}}"}, resources: {r: {path: /r, operations: {get: {method: GET}}}}}]
  exposes:
  - type: rest
    namespace: r
    port: 1
    resources: [{path: /a, operations: [{method: GET, call: api.get}]}, {path: /b, operations: [{method: GET, call: api.get}]}]
`

func TestServe_isSeenAndSteered(t *testing.T) {
	tokens := make(chan string, 100)
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		tokens <- r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"a": 1}`))
	})
	document := strings.ReplaceAll(thing, "UPSTREAM", up.URL)
	p := serving(t, document)
	p.write("secrets.env", "KEY=first-secret-1")
	if code, text := p.ask("health", "--upstreams"); code != 0 ||
		!strings.Contains(text, "UP (1/1 adapters started)") ||
		!strings.Contains(text, "api answers") {
		t.Errorf("health: %d %s", code, text)
	}
	<-tokens // of that question
	get := func(path string) int {
		status, _, _ := testkit.Do(t, "GET", p.url("rest")+path, "")
		return status
	}
	if status := get("/a"); status != 200 {
		t.Errorf("/a: %d", status)
	}
	if token := <-tokens; token != "Bearer first-secret-1" {
		t.Errorf("the API got %s", token)
	}
	if code, text := p.ask("status"); code != 0 || !strings.Contains(text, "Things: UP") ||
		!strings.Contains(text, "Generation: 1") {
		t.Errorf("status: %d %s", code, text)
	}
	if code, text := p.ask("metrics", "--filter", "http_server_request_duration_seconds_count"); code != 0 ||
		!strings.Contains(text, `fairlead_server="r"`) {
		t.Errorf("metrics: %d %s", code, text)
	}
	code, text := p.ask("traces")
	if code != 0 || !strings.Contains(text, "GET") {
		t.Errorf("traces: %d %s", code, text)
	}
	if id := strings.Fields(text); len(id) > 1 {
		if code, text := p.ask("traces", id[1]); code != 0 || !strings.Contains(text, "    GET") {
			t.Errorf("a trace: %d %s", code, text)
		}
	}
	if code, text := p.ask("traces", "nowhere"); code != 1 || !strings.Contains(text, "Trace not found: nowhere") {
		t.Errorf("a trace that is not there: %d %s", code, text)
	}
	if code, text := p.ask("scripting", "--set", "timeout=500"); code != 0 || !strings.Contains(text, "500 ms") {
		t.Errorf("scripting: %d %s", code, text)
	}
	if code, text := p.ask("scripting", "--set", "timeout=5000"); code != 1 ||
		!strings.Contains(text, "from 1 to 500") {
		t.Errorf("scripting: %d %s", code, text)
	}
	if code, text := p.ask("logs", "--set-level", "debug"); code != 0 ||
		!strings.Contains(text, "writes debug and above") {
		t.Errorf("logs: %d %s", code, text)
	}
	if status := get("/a"); status != 200 {
		t.Errorf("/a: %d", status)
	}
	<-tokens
	if code, text := p.ask("logs", "--level", "debug"); code != 0 || !strings.Contains(text, "API called unit=") ||
		strings.Contains(text, "first-secret-1") {
		t.Errorf("logs: %d %s", code, text)
	}
	if code, text := p.ask("logs", "nobody"); code != 1 || !strings.Contains(text, "there is no such logger") {
		t.Errorf("logs: %d %s", code, text)
	}
	// Secrets are renewed, although the documents are refused.
	p.write("secrets.env", "KEY=second-secret-2")
	p.write("a.yaml", strings.Replace(document, "{path: /b, operations: [{method: GET, call: api.get}]}",
		"{path: /b, operations: [{method: GET, call: api.gone}]}", 1))
	if code, text := p.ask("reload"); code != 1 || !strings.Contains(text, "could not serve GET /b any more") ||
		!strings.Contains(text, "generation 1") {
		t.Errorf("reload: %d %s", code, text)
	}
	if status := get("/b"); status != 200 {
		t.Errorf("/b after a reload that was refused: %d", status)
	}
	if token := <-tokens; token != "Bearer second-secret-2" {
		t.Errorf("the API got %s", token)
	}
	if code, text := p.ask("status"); code != 0 || !strings.Contains(text, "0 reloads, 1 refused") ||
		!strings.Contains(text, "refused: ") {
		t.Errorf("status: %d %s", code, text)
	}
	if _, text := p.ask("metrics"); !strings.Contains(text, "fairlead_generation 1\n") ||
		!strings.Contains(text, "fairlead_reloads_refused_total 1\n") {
		t.Errorf("metrics after a reload that was refused: %s", text)
	}
	// A server more, and an operation less, without a restart.
	p.write("a.yaml", strings.Replace(document, ", {path: /b, operations: [{method: GET, call: api.get}]}]",
		"]\n  - {type: mcp, namespace: m, port: 2, tools: {one: {description: One., call: api.get}}}", 1))
	if code, text := p.ask("reload"); code != 0 || !strings.Contains(text, "reloaded: 1 document, generation 2") {
		t.Errorf("reload: %d %s", code, text)
	}
	if status := get("/b"); status != 404 {
		t.Errorf("/b after it was taken out: %d", status)
	}
	if p.url("mcp") == "" {
		t.Error("the new server is not there")
	}
	p.write("a.yaml", "a: [")
	if code, text := p.ask("reload", "-o", "json"); code != 1 || !strings.Contains(text, `"outcome": "refused"`) {
		t.Errorf("reload of what is no document: %d %s", code, text)
	}
	p.stop()
	if code := <-p.done; code != 0 {
		t.Errorf("exit %d", code)
	}
	p.done <- 0
	if text := p.out.text(); !strings.Contains(text, "stopped; nothing was cut off") {
		t.Errorf("at the end: %s", text)
	}
	if code, text := p.ask("health"); code != 1 || !strings.Contains(text, "no control server answers at unix:") {
		t.Errorf("health of a process that has ended: %d %s", code, text)
	}
}

// --watch reads again what has changed.
func TestServe_watchesItsFiles(t *testing.T) {
	p := serving(t, strings.ReplaceAll(thing, "UPSTREAM", "http://127.0.0.1:9"), "--watch")
	p.write("b.yaml", strings.NewReplacer("UPSTREAM", "http://127.0.0.1:9", "namespace: r", "namespace: other", "/a",
		"/c",
		"/b", "/d").Replace(thing))
	if !p.out.within(t.Context(), func(text string) bool { return strings.Contains(text, "reloaded 2 documents") }) {
		t.Errorf("a document more: %s", p.out.text())
	}
}

// --strict holds for what a reload brings.
func TestServe_strictRefusesReloadsWithFindings(t *testing.T) {
	document := strings.ReplaceAll(thing, "UPSTREAM", "http://127.0.0.1:9")
	p := serving(t, document, "--strict")
	p.write("a.yaml", strings.Replace(document, "info: {display", "capabilities: {}\ninfo: {display", 1))
	if code, text := p.ask("reload"); code != 1 || !strings.Contains(text, "--strict") {
		t.Errorf("%d %s", code, text)
	}
}

func TestServe_takesItsControlTokenFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put(t, file, "short")
	if code, text := command(t, "serve", "--sandbox", "--control-token-file", file); code != 1 ||
		!strings.Contains(text, "want at least 16") {
		t.Errorf("a short token: %d %s", code, text)
	}
	put(t, file, "0123456789abcdef\n")
	document := strings.ReplaceAll(thing, "UPSTREAM", "http://127.0.0.1:9") +
		"  - {type: control, port: 2, management: {info: true, reload: true}}\n"
	p := serving(t, document, "--control-token-file", file)
	at := p.url("control")
	if code, text := command(t, "reload", "--control", at); code != 1 || !strings.Contains(text, "control token") {
		t.Errorf("without the token: %d %s", code, text)
	}
	if code, text := command(t, "reload", "--control", at, "--control-token-file", file); code != 0 {
		t.Errorf("with the token: %d %s", code, text)
	}
	if strings.Contains(p.out.text(), "0123456789abcdef") {
		t.Error("the token is printed")
	}
}

// The command line goes before variables, these before the file, that before what
// is so by default.
func TestConfig_saysWhatIsInForceAndFromWhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fairlead.yaml")
	put(t, file, "call-timeout: 10s\nheader-timeout: 11s\nconnect-timeout: 3s\nread-only: true\nallow-host: [a, b]\nnamespace: of-mcp\n")
	t.Setenv("FAIRLEAD_CALL_TIMEOUT", "20s")
	t.Setenv("FAIRLEAD_HEADER_TIMEOUT", "21s")
	t.Setenv("FAIRLEAD_OVERLAY", "x.yaml,y.yaml")
	t.Setenv("FAIRLEAD_UPSTREAM", "https://me:secret@api.test")
	t.Setenv("FAIRLEAD_READONLY", "true")
	code, text := command(t, "config", "--config", file, "--call-timeout", "30s")
	if code != 0 {
		t.Fatalf("%d %s", code, text)
	}
	for _, want := range []string{"call-timeout 30s flag --call-timeout",
		"header-timeout 21s environment FAIRLEAD_HEADER_TIMEOUT", "connect-timeout 3s file " + file + ":3:18",
		"read-only true file " + file + ":4:12", "allow-host a,b file " + file + ":5:13",
		"overlay x.yaml,y.yaml environment FAIRLEAD_OVERLAY", "max-response 32MiB default",
		"upstream https://***@api.test environment FAIRLEAD_UPSTREAM",
		"the variable FAIRLEAD_READONLY sets nothing; did you mean FAIRLEAD_READ_ONLY?"} {
		found := false
		for line := range strings.Lines(text) {
			found = found || strings.Contains(strings.Join(strings.Fields(line), " "), want)
		}
		if !found {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Errorf("a password is printed: %s", text)
	}
}

// What cannot be read sets nothing and starts nothing: it may have been to protect.
func TestConfig_refusesWhatItDoesNotKnow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fairlead.yaml")
	for text, want := range map[string]string{
		"raed-only: true":        "fairlead.yaml:1:1: there is no setting “raed-only”; did you mean “read-only”?",
		"read-only: yes please":  `read-only "yes please": strconv.ParseBool`,
		"call-timeout: 5":        "want a time such as 500ms",
		"allow-host: {a: b}":     "must be a value or a list of values",
		"- read-only":            "want keys that are named as flags are",
		"a: [":                   "fairlead.yaml:2:1: error: not valid YAML",
		"config: other.yaml":     "there is no setting “config”",
		"read-only:\n  - [true]": "must be a value or a list of values",
	} {
		put(t, file, text)
		if code, got := command(t, "config", "--config", file); code == 0 || !strings.Contains(got, want) {
			t.Errorf("%q: %d %s, want %s", text, code, got, want)
		}
	}
	if code, got := command(t, "serve", "--config", filepath.Join(t.TempDir(), "none.yaml")); code == 0 {
		t.Errorf("a file that is not there: %s", got)
	}
	t.Setenv("FAIRLEAD_READ_ONLY", "perhaps")
	if code, got := command(t, "config"); code == 0 || !strings.Contains(got, "FAIRLEAD_READ_ONLY") {
		t.Errorf("a variable that means nothing: %d %s", code, got)
	}
}

// A file that lies in a served folder sets no flags.
func TestConfig_isReadOnlyWhereItIsNamed(t *testing.T) {
	p := serving(t, strings.ReplaceAll(thing, "UPSTREAM", "http://127.0.0.1:9"))
	p.write("fairlead.yaml", "read-only: true\n")
	if code, text := p.ask("reload"); code != 0 {
		t.Errorf("%d %s", code, text)
	}
	client := http.Client{Timeout: 10 * time.Second}
	if resp, err := client.Get(p.url("rest") + "/a"); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
}

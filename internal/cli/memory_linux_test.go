//go:build !race

package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// size of the answers, in bytes.
const size = 10_000_000

// fixture is an answer of 10 MB in a format.
func fixture(kind string) []byte {
	var b bytes.Buffer
	row := map[string]string{
		"json": `{"id":%d,"name":"A thing of some name","kind":"tool","price":%d.5,"tags":["a","b"],"note":"which is as long as notes are"},`,
		"csv":  "%d,A thing of some name,tool,%d.5,which is as long as notes are\n",
		"xml":  "<thing id=\"%d\"><name>A thing of some name</name><kind>tool</kind><price>%d.5</price><note>which is as long as notes are</note></thing>\n",
	}[kind]
	head, end := map[string]string{"json": "[", "csv": "id,name,kind,price,note\n", "xml": "<things>"}[kind],
		map[string]string{"json": "{}]", "csv": "", "xml": "</things>"}[kind]
	b.WriteString(head)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, row, i, i%97)
	}
	b.WriteString(end)
	return b.Bytes()
}

const largeThings = `
ikanos: 1.0.0-beta5
info: {display: Large}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: "https://api.example.invalid"
    resources:
    - {path: /json, operations: [{name: json, method: GET}]}
    - {path: /csv, operations: [{name: csv, method: GET, outputRawFormat: csv}]}
    - {path: /xml, operations: [{name: xml, method: GET, outputRawFormat: xml}]}
  exposes:
  - type: rest
    namespace: front
    port: 0
    resources:
    - {path: /json, operations: [{method: GET, call: api.json}]}
    - {path: /json-names, operations: [{method: GET, call: api.json, outputParameters: [{type: array, mapping: $, items: {type: object, properties: {name: {type: string}}}}]}]}
    - {path: /json-all, operations: [{method: GET, call: api.json, outputParameters: [{name: all, type: array, mapping: $}]}]}
    - {path: /csv, operations: [{method: GET, call: api.csv}]}
    - {path: /csv-names, operations: [{method: GET, call: api.csv, outputParameters: [{type: array, mapping: $, items: {type: object, properties: {name: {type: string}}}}]}]}
    - {path: /xml, operations: [{method: GET, call: api.xml}]}
  - type: mcp
    namespace: tools
    port: 0
    tools:
    - {name: json, description: x, call: api.json}
    - {name: csv, description: x, call: api.csv}
    - {name: xml, description: x, call: api.xml}
`

// TestServe_holdsLargeAnswersInFewTimesTheirSize, and gives the memory back.
func TestServe_holdsLargeAnswersInFewTimesTheirSize(t *testing.T) {
	if testing.Short() {
		t.Skip("answers of 10 MB")
	}
	large, small := map[string][]byte{}, map[string][]byte{"/json": []byte("[{}]"), "/csv": []byte("name\na\n"),
		"/xml": []byte("<a/>")}
	for _, kind := range []string{"json", "csv", "xml"} {
		large["/"+kind] = fixture(kind)
	}
	var answer atomic.Pointer[map[string][]byte]
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", map[string]string{"/json": "application/json", "/csv": "text/csv",
			"/xml": "application/xml"}[r.URL.Path])
		_, _ = w.Write((*answer.Load())[r.URL.Path])
	}))
	defer api.Close()
	document := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(document, []byte(largeThings), 0o600); err != nil {
		t.Fatal(err)
	}
	ways := []string{"/json", "/json-names", "/json-all", "/csv", "/csv-names", "/xml", "tool json", "tool csv",
		"tool xml"}
	for i, way := range ways {
		p := serveLarge(t, document, api.URL)
		answer.Store(&small)
		p.ask(t, way) // so that rest holds the program
		rest := resident(t, p.pid)
		idle := 0
		if i == len(ways)-1 {
			idle = settled(t, p.pid)
		}
		answer.Store(&large)
		least := 0.0
		for range 3 { // the collector is late where other programs have the processors
			resetPeak(t, p.pid)
			p.ask(t, way)
			if times := float64(peak(t, p.pid)-rest) / size; least == 0 || times < least {
				least = times
			}
		}
		t.Logf("%s: %.1f times", way, least)
		if least > mostTimes {
			t.Errorf("%s holds %.1f times the size of the answer", way, least)
		}
		if idle > 0 {
			after := settled(t, p.pid)
			t.Logf("%d bytes are held before, %d after", idle, after)
			if after > idle*6/5+slack {
				t.Errorf("after the load %d bytes are held, before %d", after, idle)
			}
		}
		p.stop()
	}
}

// largeServer is a process that serves largeThings.
type largeServer struct {
	urls map[string]string // by type of server
	pid  int
	stop func()
}

func serveLarge(t *testing.T, document, api string) *largeServer {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Args = []string{"fairlead", "serve", document, "--ports", "auto", "--json", "--upstream", api,
		"--access-log", "off"}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p := &largeServer{urls: map[string]string{}, pid: server.Process.Pid, stop: sync.OnceFunc(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	})}
	t.Cleanup(p.stop)
	var ready struct{ Adapters []struct{ Type, URL string } }
	if line, err := bufio.NewReader(out).ReadBytes('\n'); err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("not ready: %v %s", err, line)
	}
	for _, a := range ready.Adapters {
		p.urls[a.Type] = a.URL
	}
	return p
}

func (p *largeServer) ask(t *testing.T, way string) {
	t.Helper()
	var resp *http.Response
	var err error
	if tool, ok := strings.CutPrefix(way, "tool "); ok {
		resp, err = http.Post(p.urls["mcp"], "application/json", strings.NewReader(
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":{}}}`))
	} else {
		resp, err = http.Get(p.urls["rest"] + way)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
		t.Errorf("%s: %d, %v", way, resp.StatusCode, err)
	}
}

// mostTimes is how many times the size of an answer may be held: five times, and what
// garbage the collector leaves meanwhile.
const mostTimes = 6.6

// slack is what the runtime keeps of a heap that was large, to manage it, in bytes.
const slack = 8 << 20

// settled is what a process has in memory that is no file, when it has been idle for a
// while: the least of twelve seconds, in bytes.
func settled(t *testing.T, pid int) int {
	t.Helper()
	least := status(t, pid, "RssAnon:")
	for range 24 {
		time.Sleep(500 * time.Millisecond)
		least = min(least, status(t, pid, "RssAnon:"))
	}
	return least
}

func resetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Skip(err)
	}
}

// peak is the most that a process had in memory, in bytes.
func peak(t *testing.T, pid int) int { return status(t, pid, "VmHWM:") }

// status is a number of bytes of proc(5), status.
func status(t *testing.T, pid int, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), name)
	var kilobytes int
	if _, err := fmt.Sscan(line, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

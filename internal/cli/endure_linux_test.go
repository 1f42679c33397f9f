package cli_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit"
)

const endured = `
ikanos: 1.0.0-beta5
info: {display: Endured}
capability:
  consumes: [{type: http, namespace: api, baseUri: UPSTREAM, resources: {r: {path: /r, operations: {get: {method: GET}, post: {method: POST}}}}}]
  aggregates: [{namespace: g, functions: [{name: f, description: F., steps: [{name: s, type: script, file: s.js}], mappings: [{targetName: n, value: $.s.n}]}]}]
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources:
    - {path: /plain, operations: [{method: GET, call: api.get}, {method: POST, call: api.post}]}
    - {path: /script, operations: [{method: GET, ref: g.f}]}
`

// 200 requests a second meet everything that operators do to a process: SIGHUP and
// kill -9 of the workers of scripts, again and again, and SIGTERM in the end. Every
// request that was accepted is answered. FAIRLEAD_ENDURE=1m makes it last longer
// (test/operate/endure).
func TestServe_losesNothingThatWasAccepted(t *testing.T) { // semantics 6.5
	lasts := 2 * time.Second
	if text := os.Getenv("FAIRLEAD_ENDURE"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		t.Skip("200 requests a second for some seconds")
	}
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"n":1}`)
	})
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.yaml"), strings.Replace(endured, "UPSTREAM", up.URL, 1))
	put(t, filepath.Join(dir, "s.js"), "let n = 0; for (let i = 0; i < 1000; i++) n++; result = {n: n}")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Args = []string{"fairlead", "serve", filepath.Join(dir, "a.yaml"), "--json", "--access-log", "off"}
	var said shared
	server.Stderr = &said
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill() }() // it has ended, unless the test failed
	var ready struct{ Adapters []struct{ URL string } }
	if line, err := bufio.NewReader(out).ReadBytes('\n'); err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("not ready: %v %s", err, line)
	}

	var calls sync.WaitGroup
	var answered, refused, killed atomic.Int64
	var mu sync.Mutex
	lost := []string{}
	lose := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		lost = append(lost, fmt.Sprintf(format, args...))
	}
	kept := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	defer kept.CloseIdleConnections()
	requests := []struct {
		client       *http.Client
		method, path string
	}{{kept, "POST", "/plain"}, {fresh, "GET", "/plain"}, {kept, "GET", "/script"}, {fresh, "POST", "/plain"},
		{kept, "POST", "/plain"}}
	call := func(n int) {
		one := requests[n%len(requests)]
		req, err := http.NewRequest(one.method, ready.Adapters[0].URL+one.path, nil)
		if err != nil {
			lose("%v", err)
			return
		}
		if one.method == "POST" { // which the client does not repeat by itself
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := one.client.Do(req)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			refused.Add(1) // it was not accepted
			return
		case err != nil:
			lose("%s %s: %v", one.method, one.path, err)
			return
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.Contains(string(text), `"n":1`) {
			lose("%s %s: %d %s %v", one.method, one.path, resp.StatusCode, text, err)
			return
		}
		answered.Add(1)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second / 200)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				calls.Go(func() { call(n) })
			case <-stop:
				return
			}
		}
	}()
	for began := time.Now(); time.Since(began) < lasts; {
		time.Sleep(200 * time.Millisecond)
		if err := server.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for _, pid := range children(server.Process.Pid) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed.Add(1)
			}
			break // the script that ran there is run once more, and may run on another worker
		}
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = server.Wait()
	time.Sleep(50 * time.Millisecond) // some come too late
	close(stop)
	<-ended
	calls.Wait()
	t.Logf("%d answered, %d refused after the end, %d workers killed", answered.Load(), refused.Load(), killed.Load())
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	for i, text := range lost {
		if i == 10 {
			t.Errorf("… and %d more", len(lost)-i)
			break
		}
		t.Errorf("lost: %s", text)
	}
	if answered.Load() < 100 || refused.Load() == 0 || killed.Load() == 0 {
		t.Error("nothing was tried")
	}
	if text := said.text(); !strings.Contains(text, "told to end") || !strings.Contains(text, "nothing was cut off") ||
		!strings.Contains(text, "reloaded 1 document") {
		t.Errorf("it said %s", text)
	}
}

// children are the processes whose parent is pid (proc(5)).
func children(pid int) (all []int) {
	entries, _ := os.ReadDir("/proc") // none, if there is no proc
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			all = append(all, child)
		}
	}
	return all
}

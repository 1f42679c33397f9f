package host_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
)

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

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// leave makes a socket on which nobody listens.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

const two = `
ikanos: 1.0.0-beta5
capability:
  consumes: [{type: http, namespace: api, baseUri: "http://x.invalid", resources: {r: {path: /r, operations: {get: {method: GET}}}}}]
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources: [{path: /a, operations: [{method: GET, call: api.get}]}, {path: /b, operations: [{method: GET, call: api.get}]}]
  - {type: mcp, namespace: m, port: 0, tools: {one: {description: One., call: api.get}}}
`

func compiled(name, text string) *host.Document {
	return host.Compile(host.Source{File: host.File{Name: name, Text: []byte(text)}}, compile.Options{})
}

// A document that would withhold what is served and still stands in its text is
// refused as a whole; taking something out of the text is no fault.
func TestUpdate_refusesWhatWithholdsWhatIsServed(t *testing.T) { // semantics 6.8
	open := func(takeAny bool) *host.Host {
		h, problems, err := host.Open(host.Config{Documents: []*host.Document{compiled("a.yaml", two)}, AutoPorts: true,
			TakeAny: takeAny})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		t.Cleanup(h.Close)
		return h
	}
	units := func(h *host.Host) string {
		var all []string
		for _, a := range h.Adapters() {
			all = append(all, a.Units...)
		}
		return strings.Join(all, ", ")
	}
	broken := strings.Replace(two, "path: /b, operations: [{method: GET, call: api.get}]",
		"path: /b, operations: [{method: GET, call: api.gone}]", 1)
	h := open(false)
	if u := h.Update([]*host.Document{compiled("a.yaml", broken)}); !u.Refused || u.Changed || u.Generation != 1 ||
		!strings.Contains(errors.Join(u.Problems...).Error(), "GET /b") {
		t.Errorf("a unit would be withheld: %+v", u)
	}
	if got := units(h); got != "GET /a, GET /b, one" {
		t.Errorf("after the refusal: %s", got)
	}
	without := strings.Replace(two, ", {path: /b, operations: [{method: GET, call: api.get}]}", "", 1)
	if u := h.Update([]*host.Document{compiled("a.yaml", without)}); u.Refused || !u.Changed || u.Generation != 2 {
		t.Errorf("a unit is taken out: %+v", u)
	}
	if got := units(h); got != "GET /a, one" {
		t.Errorf("after it was taken out: %s", got)
	}
	if u := h.Update([]*host.Document{compiled("a.yaml", broken)}); u.Refused {
		t.Errorf("what is withheld was not served: %+v", u)
	}
	h = open(true)
	if u := h.Update([]*host.Document{compiled("a.yaml", broken)}); u.Refused || units(h) != "GET /a, one" {
		t.Errorf("every document is taken: %+v %s", u, units(h))
	}
	// The server of a tool that cannot work keeps what it has, and so does the document.
	h = open(false)
	lost := strings.Replace(two, "description: One., call: api.get", "description: One., call: api.gone", 1)
	if u := h.Update([]*host.Document{compiled("a.yaml",
		strings.Replace(lost, "path: /a", "path: /c", 1))}); !u.Refused ||
		units(h) != "GET /a, GET /b, one" {
		t.Errorf("a tool would be withheld: %+v %s", u, units(h))
	}
}

// The files of a document are those that it is made of: when one changes, it does.
func TestFiles_areAllThatADocumentIsMadeOf(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), `
ikanos: 1.0.0-beta5
binds: [{namespace: f, location: "file:///./secrets.yaml", keys: {KEY: key}}]
capability:
  consumes: [{type: http, namespace: api, baseUri: "http://x.invalid", authentication: {type: bearer, token: "{{KEY}}"}, resources: {r: {path: /r, operations: {get: {method: GET}}}}}]
  aggregates: [{namespace: g, functions: [{name: f, description: F., steps: [{name: s, type: script, file: s.js}]}]}]
  exposes: [{type: mcp, namespace: m, port: 0, tools: {one: {description: One., call: api.get}, two: {ref: g.f}}}]
`)
	write(t, filepath.Join(dir, "s.js"), "result = 1")
	src, err := host.Read(filepath.Join(dir, "a.yaml"), host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(host.Files([]*host.Document{host.Compile(src, compile.Options{})}), "\n")
	for _, want := range []string{"a.yaml", "a.overlay.yaml", "s.js", "secrets.yaml"} {
		if !strings.Contains(got, filepath.Join(dir, want)) {
			t.Errorf("%s is not among\n%s", want, got)
		}
	}
}

// Watch sees what editors and Kubernetes do to files, once each.
func TestWatch_seesChanges(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	// As a ConfigMap is mounted: file → ..data/file, ..data → ..one
	for _, name := range []string{"..one", "..two"} {
		if err := os.Mkdir(path(name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path(name+"/a.yaml"), "same")
	}
	link := func(to, name string) {
		if err := os.Symlink(to, path(name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..one", "..data")
	link("..data/a.yaml", "a.yaml")
	write(t, path("b.yaml"), "1")
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		changes, files := 0, []string{path("a.yaml"), path("b.yaml")}
		w := host.Watch{Files: func() []string {
			mu.Lock()
			defer mu.Unlock()
			return files
		}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(t.Context(), func() {
				mu.Lock()
				defer mu.Unlock()
				changes++
			})
		}()
		expect := func(what string, want int) {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if changes != want {
				t.Errorf("%s: %d changes, want %d", what, changes, want)
			}
			changes = 0
		}
		expect("nothing", 0)
		write(t, path("b.yaml"), "12")
		expect("another text", 1)
		write(t, path("b.new"), "134")
		if err := os.Rename(path("b.new"), path("b.yaml")); err != nil {
			t.Fatal(err)
		}
		expect("another file in its place", 1)
		link("..two", "..new")
		if err := os.Rename(path("..new"), path("..data")); err != nil {
			t.Fatal(err)
		}
		expect("a ConfigMap is swapped", 1)
		if err := os.Remove(path("b.yaml")); err != nil {
			t.Fatal(err)
		}
		expect("a file is gone", 1)
		mu.Lock()
		files = append(files, path("c.yaml"))
		mu.Unlock()
		expect("a file more to look at", 1)
		for range 5 { // as a slow copy does
			write(t, path("c.yaml"), strings.Repeat("x", int(time.Now().UnixNano()%1000)))
			time.Sleep(100 * time.Millisecond)
		}
		expect("written in pieces", 1)
	})
}

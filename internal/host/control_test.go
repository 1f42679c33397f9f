package host_test

import (
	"context"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/upstream"
)

const controlled = `
ikanos: 1.0.0-beta5
info: {display: Controlled}
binds: [{namespace: env, keys: {GUARD: GUARD}}]
capability:
  consumes: [{type: http, namespace: api, baseUri: "http://127.0.0.1:1", resources: {r: {path: /r, operations: {get: {method: GET}}}}}]
  exposes:
  - {type: rest, namespace: r, port: 1, authentication: {type: bearer, token: "{{GUARD}}"}, resources: {r: {path: /r, operations: [{method: GET, call: api.get}]}}}
  - {type: control, port: 2, management: {info: true, reload: true}}
`

// controlURL is where the control server of a served document is.
func controlURL(t *testing.T, s *testkit.Served) string {
	t.Helper()
	for _, a := range s.Host.Adapters() {
		if a.Type == "control" {
			return a.URL
		}
	}
	t.Fatal("there is no control server")
	return ""
}

func TestControl_ofADocument(t *testing.T) {
	s := testkit.Serve(t, controlled, testkit.Options{Env: map[string]string{"GUARD": ""}})
	at := controlURL(t, s)
	if status, _, body := testkit.Do(t, "GET", at+"/health/ready", ""); status != 503 ||
		!strings.Contains(body, "GUARD") {
		t.Errorf("a guard lacks its secret: %d %s", status, body)
	}
	if status, _, body := testkit.Do(t, "GET", at+"/status", ""); status != 200 ||
		!strings.Contains(body, `"display": "Controlled"`) || !strings.Contains(body, `"namespace": "r"`) {
		t.Errorf("%d %s", status, body)
	}
	req, _ := http.NewRequest("GET", at+"/health/live", nil)
	req.Host = "evil.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != 403 {
		t.Errorf("a page that rebinds its name: %d", resp.StatusCode)
	}
	if status, _, _ := testkit.Do(t, "GET", at+"/logs", ""); status != 404 {
		t.Errorf("/logs, which is off: %d", status)
	}
}

// What protects a control server and cannot be read lets nobody in.
func TestControl_isNotServedUnprotected(t *testing.T) {
	text := strings.Replace(controlled, "{type: control,", "{type: control, authentication: {type: saml},", 1)
	d := host.Compile(host.Source{File: host.File{Name: "a.yaml", Text: []byte(text)}}, compile.Options{})
	for _, s := range d.Plan.Servers {
		if s.Type == "control" {
			t.Error("it is served")
		}
	}
}

// No document calls the control server of its process, by whatever name: a token
// that the operator never gave it must not be needed to find out.
func TestControl_isNoAPI(t *testing.T) { // semantics 6.9
	var h atomic.Pointer[host.Host]
	client := upstream.New(upstream.Config{Egress: upstream.Egress{Own: func(to netip.AddrPort) bool {
		return h.Load() != nil && h.Load().IsControl(to)
	}}})
	defer client.Close()
	e := engine.New(client, nil, nil, nil)
	serve := func(target string) (url string) {
		text := strings.NewReplacer("http://127.0.0.1:1", target, `authentication: {type: bearer, token: "{{GUARD}}"}, `,
			"").Replace(controlled)
		d := host.Compile(host.Source{File: host.File{Name: "a.yaml", Text: []byte(text)}}, compile.Options{})
		opened, problems, err := host.Open(host.Config{Documents: []*host.Document{d}, Invoker: e, AutoPorts: true,
			Limits: host.Limits{Linger: time.Millisecond}})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- opened.Serve(ctx) }()
		t.Cleanup(func() { stop(); <-done })
		if h.Load() == nil {
			h.Store(opened)
		}
		return opened.Adapters()[0].URL
	}
	serve("http://127.0.0.1:1")
	var control string
	for _, a := range h.Load().Adapters() {
		if a.Type == "control" {
			control = a.URL
		}
	}
	if status, _, _ := testkit.Do(t, "GET", control+"/health/live", ""); status != 200 {
		t.Fatalf("the control server answers %d", status)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(control, "http://"), ":")
	for _, name := range []string{"127.0.0.1", "localhost", "0.0.0.0"} {
		if status, _, body := testkit.Do(t, "GET", serve("http://"+name+":"+port)+"/r",
			""); status != http.StatusBadGateway &&
			status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestParseControlAddress(t *testing.T) {
	for text, want := range map[string]string{"9901": "127.0.0.1:9901", ":9901": "127.0.0.1:9901",
		"localhost:1": "127.0.0.1:1",
		"0.0.0.0:1":   "0.0.0.0:1", "[::1]:5": "[::1]:5", "unix:/a/b": "unix:/a/b", "unix:///a/b": "unix:/a/b",
		"unix:": "", "x:1": "", "99999": "", "": "", "1.2.3.4": "", "-1": ""} {
		got, err := host.ParseControlAddress(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q: %s %v, want %q", text, got, err, want)
		}
	}
}

// A socket is its owner's alone, one that a process left behind is taken over, and
// what is no socket stays.
func TestControl_onASocket(t *testing.T) {
	d := host.Compile(host.Source{File: host.File{Name: "a.yaml", Text: []byte(controlled)}}, compile.Options{})
	path := filepath.Join(shortDir(t), "s")
	address, err := host.ParseControlAddress("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	open := func() (*host.Host, error) {
		h, _, err := host.Open(host.Config{Documents: []*host.Document{d}, AutoPorts: true, Control: address})
		return h, err
	}
	h, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if info := stat(t, path); info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %s", info.Mode())
	}
	if again, err := open(); err == nil {
		again.Close()
		t.Error("two processes share a socket")
	}
	h.Close()
	if exists(path) {
		t.Error("the socket is left behind")
	}
	leave(t, path)
	if h, err = open(); err != nil {
		t.Fatalf("a socket that nobody listens on: %v", err)
	}
	h.Close()
	write(t, path, "mine")
	if h, err = open(); err == nil {
		h.Close()
		t.Error("a file was replaced")
	}
}

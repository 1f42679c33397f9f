package testkit

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
)

// Options say how a document is served in a test.
type Options struct {
	Upstream string            // URL that every consumed API is pointed at; "" leaves them
	Env      map[string]string // environment variables of the document
	Overlay  string            // overlay text
	Dir      string            // the document's folder
	Plan     compile.Options
	MCP      host.MCPOptions
	ReadOnly bool
	Strict   bool // refuse what is no input
	Limits   upstream.Limits
	Pool     *budget.Pool // of the memory of all calls, nil for no limit
	Scripts  engine.Scripts
	Log      io.Writer          // debug log, nil for none
	LogTo    *slog.Logger       // the log, in place of that
	Client   upstream.Config    // besides Limits
	Listen   *event.Listener    // nil for none
	Events   *event.Stream      // hears what happens, in place of these two
	Audit    *observe.Audit     // is told of what changes something
	Vault    *session.Vault     // nil keeps sessions in memory
	StateKey []byte             // that replicas share; nil is a random one
	Config   func(*host.Config) // changes what the host is opened with; nil changes nothing
}

// Served is a document that accepts requests.
type Served struct {
	Document *host.Document
	REST     string // URL of the first REST server, "" when there is none
	MCP      string // URL of the first MCP server
	Engine   *engine.Engine
	Secrets  *secret.Store
	Host     *host.Host
	Vault    *session.Vault
}

// Serve serves a document on free ports until the test ends.
func Serve(t testing.TB, text string, o Options) *Served {
	t.Helper()
	src := host.Source{File: host.File{Name: "test.yaml", Text: []byte(text)}, Folder: document.NewFolder(o.Dir)}
	if o.Overlay != "" {
		src.Overlays = []host.File{{Name: "test.overlay.yaml", Text: []byte(o.Overlay)}}
	}
	return ServeSource(t, src, o)
}

// ServeSource is Serve for a source that was read already.
func ServeSource(t testing.TB, src host.Source, o Options) *Served {
	t.Helper()
	po := o.Plan
	if o.Upstream != "" {
		u, err := url.Parse(o.Upstream)
		if err != nil {
			t.Fatal(err)
		}
		po.Upstream = map[string]*url.URL{"": u}
	}
	d := host.Compile(src, po)
	if d.Served() == 0 {
		t.Fatalf("nothing is served: %v", d.Diags)
	}
	getenv := func(name string) (string, bool) { v, ok := o.Env[name]; return v, ok }
	s := &Served{Document: d, Secrets: host.NewSecrets(getenv)}
	var log *slog.Logger
	if o.Log != nil {
		log = slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if o.LogTo != nil {
		log = o.LogTo
	}
	o.Client.Limits = o.Limits
	client := upstream.New(o.Client)
	var listeners []event.Listener
	if log != nil {
		listeners = append(listeners, observe.Log(log))
	}
	if o.Listen != nil {
		listeners = append(listeners, *o.Listen)
	}
	events := o.Events
	if events == nil && listeners != nil {
		events = event.To(listeners...)
	}
	s.Engine = engine.New(client, s.Secrets, o.Scripts, events)
	errands := client.Errands()
	cookies, err := connect.NewCookies(o.StateKey)
	if err != nil {
		t.Fatal(err)
	}
	if s.Vault = o.Vault; s.Vault == nil {
		s.Vault = session.NewMemoryVault(log)
	}
	s.Engine.KeepSessions(s.Vault)
	c := host.Config{Documents: []*host.Document{d}, Invoker: s.Engine, Forwarder: s.Engine,
		Secrets: s.Secrets, Client: errands, AutoPorts: true, MCP: o.MCP, ReadOnly: o.ReadOnly, Strict: o.Strict,
		Pool: o.Pool, Version: "test", Logger: log, Events: events, Audit: o.Audit,
		Limits: host.Limits{Linger: time.Millisecond}, Sessions: &host.Sessions{Vault: s.Vault,
			SignIns: session.NewSignIns(s.Vault), Engine: s.Engine, Cookies: cookies}}
	if o.Config != nil {
		o.Config(&c)
	}
	h, problems, err := host.Open(c)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	s.Host = h
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		client.Close()
		errands.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	for _, a := range h.Adapters() {
		switch {
		case a.Type == "rest" && s.REST == "":
			s.REST = a.URL
		case a.Type == "mcp" && s.MCP == "":
			s.MCP = a.URL
		}
	}
	return s
}

// Do sends a request to a served document and returns status, header and body.
func Do(t testing.TB, method, url, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// CallTool calls a tool as a client of 2025-06-18 and returns the result.
func CallTool(t testing.TB, endpoint, tool, arguments string) string {
	t.Helper()
	if arguments == "" {
		arguments = "{}"
	}
	_, _, body := Do(t, http.MethodPost, endpoint, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`,
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version",
		"2025-06-18")
	return body
}

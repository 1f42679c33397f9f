package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/value"
)

const eventful = `
ikanos: 1.0.0-beta5
info: {display: Events}
binds:
- {namespace: env, keys: {KEY: KEY}}
- {namespace: sealed, location: "file:///nowhere/secrets.yaml", keys: {SEALED: SEALED}}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: http://127.0.0.1:1
    resources: {x: {path: /x, operations: {get: {method: GET}, put: {method: PUT}}}, gone: {path: /gone, operations: {gone: {method: GET}}}}
  - type: http
    namespace: keyed
    baseUri: http://127.0.0.1:1
    authentication: {type: bearer, token: "{{env.KEY}}"}
    resources: {x: {path: /x, operations: {get: {method: GET}}}, no: {path: /no, operations: {no: {method: GET}}}}
  - type: http
    namespace: locked
    baseUri: http://127.0.0.1:1
    authentication: {type: bearer, token: "{{sealed.SEALED}}"}
    resources: {x: {path: /x, operations: {get: {method: GET}}}}
  - type: http
    namespace: first
    baseUri: http://127.0.0.1:1
    x-fairlead: {authorization: caller-first}
    authentication: {type: bearer, token: "{{env.KEY}}"}
    resources: {x: {path: /x, operations: {get: {method: GET}}}}
  exposes:
  - type: rest
    namespace: r
    port: 0
    resources:
      x: {path: /x, operations: {get: {method: GET, call: api.get}}}
      gone: {path: /gone, operations: {gone: {method: GET, call: api.gone}}}
      keyed: {path: /keyed, operations: {get: {method: GET, call: keyed.get}}}
      no: {path: /no, operations: {get: {method: GET, call: keyed.no}}}
      locked: {path: /locked, operations: {get: {method: GET, call: locked.get}}}
      first: {path: /first, operations: {get: {method: GET, call: first.get}}}
  - type: mcp
    namespace: m
    port: 0
    tools:
      both: {description: Both., steps: {a: {type: call, call: api.get}, b: {type: call, call: api.get}}}
`

// ear is a listener that keeps what it hears.
type ear struct {
	mu    sync.Mutex
	heard []event.Event
}

func (h *ear) listener() event.Listener {
	return event.Listener{Kinds: ^event.Kind(0), Hear: func(_ context.Context, e event.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.heard = append(h.heard, e)
	}}
}

func unitOf(t *testing.T, s *testkit.Served, id string) *plan.Unit {
	t.Helper()
	for _, server := range s.Document.Plan.Servers {
		for _, r := range server.Routes {
			if r.Unit.ID == id {
				return r.Unit
			}
		}
		for _, u := range server.Tools {
			if u.ID == id {
				return u
			}
		}
	}
	t.Fatalf("no unit %s", id)
	return nil
}

func TestInvoke_tellsWhatHappens(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	})
	s := testkit.Serve(t, eventful, testkit.Options{Upstream: up.URL})
	for id, want := range map[string][]string{
		"GET /x": {"began", "step  api.get 1", "attempt api.get 200", "ended 200"},
		"m.both": {"attempt api.get 200", "attempt api.get 200", "began", "ended 204", "step a api.get 2",
			"step b api.get 2"},
		"GET /gone": {"began", "step  api.gone 1 failed", "attempt api.gone 410", "ended 410"},
	} {
		h := &ear{}
		u := unitOf(t, s, id)
		result, failure := s.Engine.Invoke(event.Listen(t.Context(), h.listener()), u,
			engine.Args{Values: make([]value.Value, len(u.Inputs)), Trace: http.Header{"Traceparent": {"00-1"}}})
		if failure == nil {
			_, _ = result.Bytes(100)
		}
		var got []string
		for _, e := range h.heard {
			var call *event.Call
			switch e := e.(type) {
			case event.UnitBegan:
				call, got = e.Call, append(got, "began")
			case event.UnitEnded:
				call, got = e.Call, append(got, fmt.Sprint("ended ", e.Status))
			case event.Attempt:
				call, got = e.Call, append(got, fmt.Sprint("attempt ", e.Target, " ", e.Status))
			case event.StepEnded:
				text := fmt.Sprint("step ", e.Name, " ", e.Doing, " ", e.Total)
				if e.Err != nil {
					text += " failed"
				}
				call, got = e.Call, append(got, text)
			default:
				t.Errorf("heard %T", e)
			}
			if call == nil || call.Unit != u.ID || call.Type != u.Kind {
				t.Errorf("%s: an event of the call %+v", id, call)
			}
		}
		if first := h.heard[0]; first.Kind() != event.Units {
			t.Errorf("%s begins with %T", id, first)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: heard\n%s", id, strings.Join(got, "\n"))
		}
	}
}

// TestProblems_haveTheirCauseInTheLog: whatever a caller is told to ask the
// operator about stands in the log, by the names of file and key.
func TestProblems_haveTheirCauseInTheLog(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter,
		r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})
	secrets := filepath.Join(t.TempDir(), "secrets.yaml")
	text := strings.ReplaceAll(eventful, "/nowhere/secrets.yaml", secrets)
	for name, c := range map[string]struct {
		path   string
		env    map[string]string
		file   string // text of the secrets file; "" is none
		told   string
		own    string   // Authorization of the caller
		logged []string // of the line that says it; nil: there is none
	}{
		"not set": {path: "/keyed", told: "set KEY", logged: []string{"KEY", "environment variable KEY"}},
		"no file": {path: "/locked", told: "operator", logged: []string{"SEALED", "secrets.yaml"}},
		"no such key": {path: "/locked", file: "OTHER: 1\n", told: "operator",
			logged: []string{"SEALED", "secrets.yaml"}},
		"not to be read": {path: "/locked", file: "\t- {", told: "operator",
			logged: []string{"SEALED", "secrets.yaml"}},
		"refused": {path: "/no", env: map[string]string{"KEY": "canary-77"},
			logged: []string{"keyed.no answered 401", "credential that is configured"}},
		"refused a caller": {path: "/x"}, // of an API without authentication
		"refused theirs":   {path: "/first", own: "Bearer theirs", env: map[string]string{"KEY": "canary-77"}},
		"refused ours beside": {path: "/first", env: map[string]string{"KEY": "canary-77"},
			logged: []string{"first.get answered 401"}},
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(secrets)
			if c.file != "" {
				if err := os.WriteFile(secrets, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			s := testkit.Serve(t, text, testkit.Options{Upstream: up.URL, Env: c.env, Log: &log,
				Dir: filepath.Dir(secrets)})
			status, _, body := testkit.Do(t, "GET", s.REST+c.path, "", "Authorization", c.own)
			if status < 400 || !strings.Contains(body, c.told) {
				t.Errorf("%d %s", status, body)
			}
			line := ""
			for l := range strings.Lines(log.String()) {
				if strings.Contains(l, "level=ERROR") {
					line += l
				}
			}
			if c.logged == nil && line != "" {
				t.Errorf("the operator hears what is not theirs to see to: %s", line)
			}
			for _, want := range c.logged {
				if !strings.Contains(line, want) {
					t.Errorf("no %q in\n%s\nof\n%s", want, line, &log)
				}
			}
		})
	}
}

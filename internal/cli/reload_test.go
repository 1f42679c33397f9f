package cli

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
)

// A reload is an event, and what its documents hold is masked like that of those before.
func TestReload_isHeardAndMasked(t *testing.T) {
	withToken := func(token string) *host.Document {
		text := fmt.Sprintf(`
capability:
  consumes:
    - {namespace: api, type: http, baseUri: "https://api.test", authentication: {type: bearer, token: %s}, resources: [{name: r, path: /r, operations: [{name: get, method: GET}]}]}
  exposes:
    - {type: rest, port: 0, namespace: x, resources: [{path: /r, operations: [{method: GET, call: api.get}]}]}
`, token)
		return host.Compile(host.Source{File: host.File{Name: "a.yaml", Text: []byte(text)}}, compile.Options{})
	}
	var heard []event.Event
	m := &machine{secrets: host.NewSecrets(func(string) (string, bool) { return "", false })}
	m.events = event.To(event.Listener{Kinds: event.Reloads,
		Hear: func(_ context.Context, e event.Event) { heard = append(heard, e) }})
	m.mask([]*host.Document{withToken("firstToken123")})
	m.mask([]*host.Document{withToken("secondToken123")})
	var known []string
	for _, s := range m.known() {
		known = append(known, s.Reveal())
	}
	if fmt.Sprint(known) != "[firstToken123 secondToken123]" {
		t.Errorf("the log masks %v", known)
	}
	none := func() ([]host.Found, error) { return nil, io.ErrUnexpectedEOF }
	m.out.lines = observe.NewQueue(io.Discard, nil)
	m.stderr = m.out.lines
	defer m.out.lines.Close()
	again := &reloader{m: m, s: Streams{Err: io.Discard}, r: &running{}, list: none}
	if done := again.reload(t.Context()); done.Outcome != "refused" {
		t.Errorf("the reload is %s", done.Outcome)
	}
	if len(heard) != 1 || heard[0].(event.Reload).Err == nil {
		t.Errorf("heard %v", heard)
	}
}

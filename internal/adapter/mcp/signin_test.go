package mcp_test

import (
	"context"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
)

// desk gives every caller the same page.
type desk struct{ dropped []string }

func (*desk) Page(context.Context, *engine.SignIn, session.Asked) (address, handle string, err error) {
	return "http://127.0.0.1:1/connect/HANDLE", "HANDLE", nil
}

func (d *desk) Drop(_ context.Context, handle string) error {
	d.dropped = append(d.dropped, handle)
	return nil
}

// TestSignedIn_tellsTheClientThatWasAsked: notifications/elicitation/complete of
// 2025-11-25, for pages that the client was asked to open, once.
func TestSignedIn_tellsTheClientThatWasAsked(t *testing.T) {
	for capability, want := range map[string][]string{
		`{"form":{},"url":{}}`: {`"error":{"code":-32042`, `"elicitationId":"HANDLE"`},
		`{}`:                   {`"isError":true`, `http://127.0.0.1:1/connect/HANDLE`},
	} {
		cfg := fixture()
		cfg.SignIns = &desk{}
		cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			return nil, &engine.Error{Kind: engine.SignInNeeded, Title: "nobody is signed in",
				SignIn: &engine.SignIn{Session: &plan.Session{}, Host: "a.example"}}
		}}
		h := mcp.New(cfg)
		c := newStdio(t, h)
		c.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":` + capability + `}}}`)
		c.expect(`"id":0`)
		h.SignedIn("HANDLE") // which nobody was asked to open yet
		c.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities"}}`)
		c.expect(want...)
		h.SignedIn("OTHER")
		h.SignedIn("HANDLE")
		h.SignedIn("HANDLE")
		if capability != "{}" {
			c.expect(`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"HANDLE"}}`)
		}
		c.send(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
		c.expect(`{"jsonrpc":"2.0","id":2,"result":{}}`)
		c.in.Close()
		<-c.ended
		h.Close()
	}
}

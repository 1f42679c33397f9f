package mcp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
)

// called is a request of a revision before 2026-07-28 for a tool that takes an hour.
func called(ctx context.Context, wait time.Duration, ended *error) *httptest.ResponseRecorder {
	c := fixture()
	c.Invoker.(invoker)["list cities!"] = func(ctx context.Context, _ engine.Args) (*engine.Result, *engine.Error) {
		select {
		case <-time.After(wait):
			return raw("[]"), nil
		case <-ctx.Done():
			*ended = ctx.Err()
			return nil, &engine.Error{Kind: engine.Canceled}
		}
	}
	h := mcp.New(c)
	defer h.Close()
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list cities!","arguments":{},"_meta":{"progressToken":1}}}`
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/mcp", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestProgress_keepsTheStreamOpen: proxies close what is silent for a minute.
func TestProgress_keepsTheStreamOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended error
		w := called(t.Context(), time.Minute, &ended)
		if got := strings.Count(w.Body.String(), ": alive"); got != 2 || !strings.Contains(w.Body.String(), `"id":1`) {
			t.Errorf("%d signs of life in a minute\n%s", got, w.Body)
		}
	})
}

// TestCall_endsWhenItsCallerHasLeft: of the older revisions, too, nobody can ask for the answer later.
func TestCall_endsWhenItsCallerHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		var ended error
		start := time.Now()
		called(ctx, time.Hour, &ended)
		if ended == nil || time.Since(start) > 2*time.Second {
			t.Errorf("the call went on for %s: %v", time.Since(start), ended)
		}
	})
}

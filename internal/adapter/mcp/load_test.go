package mcp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
)

// perCall is the most memory that a call may hold while its API is slow: stack,
// request, buffers. It is generous; a call holds a tenth of it.
const perCall = 64 << 10

// held is what the process holds, in bytes.
func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func TestToolsCall_holdsLittleMemoryWhileAPIsAreSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 calls at once")
	}
	const calls = 10_000
	var arrived, done sync.WaitGroup
	arrived.Add(calls)
	gate := make(chan struct{})
	cfg := fixture()
	cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
		arrived.Done()
		<-gate
		return raw(`["Paris"]`), nil
	}}
	h := mcp.New(cfg)
	defer h.Close()
	before := held()
	for range calls {
		done.Go(func() {
			r := httptest.NewRequest("POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities","arguments":{"limit":5},`+modernMeta+`}}`))
			r.Host = "127.0.0.1"
			for name, text := range modern("tools/call", "list_cities") {
				r.Header.Set(name, text)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Paris") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	arrived.Wait()
	each := (held() - before) / calls
	close(gate)
	done.Wait()
	t.Logf("%d bytes a call", each)
	if each > perCall {
		t.Errorf("a call holds %d bytes, want at most %d", each, perCall)
	}
}

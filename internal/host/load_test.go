package host_test

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

// perCall is the most memory that a call may hold while its API is slow, over
// real sockets. Four ends of two connections are in this process, with the
// buffers and stacks of net/http; two of them are the test's own.
const perCall = 192 << 10

// held is what the process holds, in bytes.
func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// The adapter's own test has ten times as many, without sockets.
func TestMCP_holdsLittleMemoryWhileAPIsAreSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("1,000 calls at once")
	}
	const calls = 1000
	var arrived, done sync.WaitGroup
	arrived.Add(calls)
	gate := make(chan struct{})
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		<-gate
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	s := testkit.Serve(t, strings.ReplaceAll(orders, "authentication: AUTH", ""), testkit.Options{Upstream: up.URL})
	before := held()
	for range calls {
		done.Go(func() {
			if got := testkit.CallTool(t, s.MCP, "get-order", `{"id":"1"}`); !strings.Contains(got, `"structuredContent":{"ok":true}`) {
				t.Error(got)
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

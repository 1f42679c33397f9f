package host_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/value"
)

// BenchmarkInvoke is one unit without a protocol around it: the frame, the
// request, the loopback, the answer. Its body is a reader that can be read again, as
// adapters make one of small bodies.
func BenchmarkInvoke(b *testing.B) {
	up := testkit.NewUpstream(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(tokenReply))
	})
	src, err := host.Read("", host.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	s := testkit.ServeSource(b, src, testkit.Options{Upstream: up.URL})
	u := s.Document.Plan.Units()[0]
	loginBytes := []byte(loginBody)
	b.ReportAllocs()
	for b.Loop() {
		args := engine.Args{Values: make([]value.Value, len(u.Inputs)),
			Entity: &engine.Entity{Body: bytes.NewReader(loginBytes), Length: int64(len(loginBody)),
				ContentType: "application/json"}}
		result, failure := s.Engine.Invoke(b.Context(), u, args)
		if failure != nil {
			b.Fatal(failure)
		}
		if _, failure := result.Bytes(1 << 20); failure != nil {
			b.Fatal(failure)
		}
		up.Requests() // or the recorder grows
	}
}

// BenchmarkCompile is a document from its text to its plan.
func BenchmarkCompile(b *testing.B) {
	src, err := host.Read("", host.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := host.Compile(src, compile.Options{}); d.Served() != 8 {
			b.Fatal(d.Diags)
		}
	}
}

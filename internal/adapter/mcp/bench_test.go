package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
)

// discard is an http.ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func benchmarkHandler(b *testing.B, h http.Handler, headers map[string]string, body string) {
	b.Helper()
	b.ReportAllocs()
	w := &discard{header: http.Header{}}
	reader := bytes.NewReader([]byte(body))
	req, err := http.NewRequest("POST", "http://localhost/mcp", reader)
	if err != nil {
		b.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	req.Host = "localhost"
	for b.Loop() {
		reader.Reset([]byte(body))
		req.Body = io.NopCloser(reader)
		clear(w.header)
		h.ServeHTTP(w, req)
	}
	if w.status != http.StatusOK {
		b.Fatal(w.status)
	}
}

const upstreamBody = `{"id":"5b1c3b2a-8f0e-4a52-9f2f-0b1f4b8c6e7d","city":"Paris","temp":21.5,"humidity":64,"wind":{"speed":12.2,"deg":240},"list":[{"day":"mon","max":24,"min":15},{"day":"tue","max":23,"min":14}],"source":"station \"12\""}`

func benchConfig() mcp.Config {
	cfg := fixture()
	cfg.Server.Tools[0].Result = nil
	cfg.Invoker = invoker{"get_weather": func(context.Context, engine.Args) (*engine.Result,
		*engine.Error) {
		return raw(upstreamBody), nil
	}}
	return cfg
}

func BenchmarkToolsCall_legacy(b *testing.B) {
	benchmarkHandler(b, mcp.New(benchConfig()), legacy, `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Paris"}}}`)
}

func BenchmarkToolsCall_modern(b *testing.B) {
	benchmarkHandler(b, mcp.New(benchConfig()), modern("tools/call", "get_weather"), `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Paris"},`+modernMeta+`}}`)
}

// BenchmarkToolsCall_bare is the same call by a handler as one writes it by
// hand, to compare with.
func BenchmarkToolsCall_bare(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Name      string            `json:"name"`
				Arguments map[string]string `json:"arguments"`
			} `json:"params"`
		}
		if json.NewDecoder(r.Body).Decode(&m) != nil || m.Method != "tools/call" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body, err := io.ReadAll(raw(upstreamBody).Raw)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		type content struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": map[string]any{
			"content": []content{{"text", string(body)}}, "structuredContent": json.RawMessage(body)}})
	})
	benchmarkHandler(b, h, legacy, `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Paris"}}}`)
}

func BenchmarkToolsList_thousand(b *testing.B) {
	cfg := benchConfig()
	one := *cfg.Server.Tools[0]
	cfg.Server.Tools = nil
	for i := range 1000 {
		u := one
		u.Name = fmt.Sprintf("tool_%d", i)
		cfg.Server.Tools = append(cfg.Server.Tools, &u)
	}
	benchmarkHandler(b, mcp.New(cfg), modern("tools/list", ""), `{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{`+modernMeta+`}}`)
}

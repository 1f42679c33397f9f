package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// TestMain checks that the tests leave no goroutine behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code) // fuzzing leaves a goroutine of its own
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	for wait := 0; runtime.NumGoroutine() > before && wait < 100; wait++ {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); code == 0 && n > before {
		buf := make([]byte, 1<<16)
		os.Stderr.Write(buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// invoker is an engine: by unit name, what it answers.
type invoker map[string]func(ctx context.Context, args engine.Args) (*engine.Result, *engine.Error)

func (i invoker) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	return i[u.Name](ctx, args)
}

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

func text() *schema.Schema { return &schema.Schema{Type: "string"} }

// fixture is a server with one of everything, and an engine for it.
func fixture() mcp.Config {
	weather := &plan.Unit{ID: "tiny.get_weather", Kind: "tool", Namespace: "tiny", Name: "get_weather",
		Title: "Weather", Description: "The weather of a city.", Tags: []string{"read"},
		Model: &model.Unit{Call: "weather.get"},
		Hints: model.Hints{ReadOnly: yes(), Destructive: no(), Idempotent: yes(), OpenWorld: yes()},
		Inputs: []*plan.Input{
			{Name: "city", Required: true, Schema: &schema.Schema{Type: "string", Description: "Name of the city."}},
			{Name: "units", Schema: &schema.Schema{Type: "string",
				Enum: []value.Value{value.Of("metric"), value.Of("imperial")}, Default: value.Of("metric")}},
			{Name: "version", Place: plan.InPlan},
			{Name: "max days", Schema: &schema.Schema{Type: "integer"}},
		},
		Result: &schema.Schema{Type: "object",
			Properties: []schema.Property{{Name: "city", Schema: text()},
				{Name: "temp", Schema: &schema.Schema{Type: "number"}}}}}
	list := &plan.Unit{ID: "tiny.list cities!", Kind: "tool", Namespace: "tiny", Name: "list cities!",
		Description: "All cities.", Model: &model.Unit{Call: "geo.list"},
		Hints:  model.Hints{ReadOnly: yes()},
		Inputs: []*plan.Input{{Name: "limit", Schema: &schema.Schema{Type: "integer"}}}}
	remove := &plan.Unit{ID: "tiny.delete_city", Kind: "tool", Namespace: "tiny", Name: "delete_city",
		Title: "Delete a city", Tags: []string{"write"},
		Model: &model.Unit{Call: "geo.delete"}, Confirm: true,
		Hints: model.Hints{ReadOnly: no(), Destructive: yes(), Idempotent: yes()},
		Inputs: []*plan.Input{{Name: "id", Required: true, Schema: &schema.Schema{Type: "integer"}},
			{Name: "key", Secret: true, Schema: text()}}}
	city := &plan.Unit{ID: "tiny.city", Kind: "resource", Namespace: "tiny", Name: "city",
		Hints: model.Hints{ReadOnly: yes()},
		Inputs: []*plan.Input{{Name: "id", Required: true,
			Schema: &schema.Schema{Type: "string",
				Enum: []value.Value{value.Of("paris"), value.Of("new york"), value.Of("prague")}}}}}
	about := &plan.Unit{ID: "tiny.about", Kind: "resource", Namespace: "tiny", Name: "about",
		Hints: model.Hints{ReadOnly: yes()}}
	files := fstest.MapFS{
		"guide.md":        {Data: []byte("# Guide\n")},
		"img/a dot.png":   {Data: []byte("\x89PNG\r\n\x1a\n")},
		"img/.hidden.txt": {Data: []byte("no")},
		".git/config":     {Data: []byte("no")},
		"prompt.txt":      {Data: []byte("Say {{name}} and {{other}} in {{ name }} {{.")},
	}
	ask, _ := template.Compile("Weather in {{city}}? {{unknown}}", template.Double)
	embed, _ := template.Compile("{{uri}}", template.Double)
	server := &plan.Server{
		Model: &model.Expose{Type: "mcp", Namespace: "tiny", Description: "Weather for agents.", TTL: 60000,
			CacheScope: "public"}, Type: "mcp", Namespace: "tiny",
		Tools: []*plan.Unit{weather, list, remove},
		Resources: []*plan.Resource{
			{Name: "docs", Title: "Docs", URI: "docs://weather", Files: files, Model: &model.MCPResource{}},
			{Name: "about", Title: "About", URI: "tiny://about", Unit: about, MimeType: "text/plain",
				Model: &model.MCPResource{Unit: model.Unit{Description: "Who we are."}}},
			{Name: "city", Title: "City", URI: "tiny://city/{id}/data", Unit: city, Model: &model.MCPResource{}},
		},
		Prompts: []*plan.Prompt{
			{Name: "ask", Title: "Ask", Model: &model.Prompt{Description: "Ask about a city."},
				Arguments: []plan.Argument{{Name: "city", Required: true, Enum: []string{"Paris", "Prague", "Rome"}}},
				Messages:  []plan.Message{{Role: "user", Text: ask}}},
			{Name: "embed", Arguments: []plan.Argument{{Name: "uri"}}, Messages: []plan.Message{{Text: embed}}},
			{Name: "filed", Arguments: []plan.Argument{{Name: "name", Required: true}}, Files: files,
				File: "prompt.txt"},
		},
	}
	engineOf := invoker{
		"get_weather": func(_ context.Context, args engine.Args) (*engine.Result, *engine.Error) {
			switch args.Values[0].Text() {
			case "Atlantis":
				return nil, &engine.Error{Kind: engine.Answered, Status: 404, Title: "the API answered 404 Not Found", Body: []byte(`{ "message": "no such city" }`), ContentType: "application/json"}
			case "Limbo":
				return nil, &engine.Error{Kind: engine.Answered, Status: 429,
					Title: "the API answered 429 Too Many Requests", Header: http.Header{"Retry-After": {"7"}},
					Retry: true}
			}
			return &engine.Result{Status: 200,
				Value: value.Map(value.Member{Name: "city", Value: args.Values[0]},
					value.Member{Name: "temp", Value: value.Num("21.50")})}, nil
		},
		"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			return raw(`[ "Paris", "Rome" ]`), nil
		},
		"delete_city": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			return &engine.Result{Status: 204}, nil
		},
		"about": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			return &engine.Result{Value: value.Of("We are tiny.")}, nil
		},
		"city": func(_ context.Context, args engine.Args) (*engine.Result, *engine.Error) {
			return raw(`{"id":"` + args.Values[0].Text() + `"}`), nil
		},
	}
	return mcp.Config{Plan: &plan.Plan{Capability: &model.Capability{Info: model.Info{Version: "1.2.0",
		Display: "Tiny Weather"}}}, Server: server, Invoker: engineOf, Version: "9.9",
		StateKey: []byte("a key for tests")}
}

func raw(body string) *engine.Result {
	return &engine.Result{Status: 200, ContentType: "application/json", Raw: io.NopCloser(strings.NewReader(body)),
		Length: int64(len(body))}
}

func binary(contentType, body string) *engine.Result {
	r := raw(body)
	r.ContentType, r.Binary = contentType, true
	return r
}

// serve starts a server and returns its URL.
func serve(t testing.TB, cfg mcp.Config) (url string, h *mcp.Handler) {
	t.Helper()
	h = mcp.New(cfg)
	s := httptest.NewServer(h)
	t.Cleanup(func() { h.Close(); s.Close() })
	return s.URL, h
}

// listed are the names of the tools as listed.
func listed(h *mcp.Handler) (names []string) {
	for _, tool := range h.Listed() {
		names = append(names, tool.Name)
	}
	return names
}

var legacy = map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
	"MCP-Protocol-Version": "2025-11-25"}

// modern returns the headers of a 2026-07-28 request.
func modern(method, name string) map[string]string {
	h := maps.Clone(legacy)
	h["MCP-Protocol-Version"], h["Mcp-Method"] = "2026-07-28", method
	if name != "" {
		h["Mcp-Name"] = name
	}
	return h
}

const (
	modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
	askingMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}`
)

// post sends body and returns the answer's status and body.
func post(t testing.TB, url string, headers map[string]string, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	if host := headers["Host"]; host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// call calls a tool as a legacy client and returns the result.
func call(t testing.TB, url, tool, arguments string) result {
	t.Helper()
	_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`)
	return parse(t, body)
}

type result struct {
	ResultType    string
	RequestState  string
	InputRequests json.RawMessage
	Content       []struct {
		Type, Text, Data, MimeType string
		Resource                   struct{ URI, MimeType, Blob, Text string }
	}
	StructuredContent json.RawMessage
	IsError           bool
	Error             *struct {
		Code    int
		Message string
	}
}

func (r result) text() string {
	var all []string
	for _, c := range r.Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

func parse(t testing.TB, body string) (r result) {
	t.Helper()
	var m struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if m.Error != nil {
		r.Error = &struct {
			Code    int
			Message string
		}{}
		_ = json.Unmarshal(m.Error, r.Error)
		return r
	}
	if err := json.Unmarshal(m.Result, &r); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return r
}

func indent(body string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(body), "", "  ") != nil {
		return body
	}
	return b.String()
}

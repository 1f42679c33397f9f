package mcp_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
)

// with returns headers changed by pairs of name and value; "" removes one.
func with(headers map[string]string, pairs ...string) map[string]string {
	changed := map[string]string{}
	for k, v := range headers {
		changed[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		delete(changed, pairs[i])
		if pairs[i+1] != "" {
			changed[pairs[i]] = pairs[i+1]
		}
	}
	return changed
}

// The rows of mcp.md §1.2 and §1.4.
func TestServeHTTP_refuses(t *testing.T) {
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	modernCall := `{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Paris"},` + modernMeta + `}}`
	list := func(meta string) string {
		return `{"jsonrpc":"2.0","id":"q","method":"tools/list","params":{` + meta + `}}`
	}
	old := strings.ReplaceAll(modernMeta, "2026-07-28", "2099-01-01")
	tests := []struct {
		name    string
		headers map[string]string
		body    string
		status  int
		code    int
		id      string
	}{
		{"no JSON", legacy, `{"jsonrpc":`, 400, -32700, "null"},
		{"text after JSON", legacy, ping + "x", 400, -32700, "null"},
		{"bad UTF-8", legacy, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", 400, -32700, "null"},
		{"empty body", legacy, "", 400, -32700, "null"},
		{"no object", legacy, `7`, 400, -32600, "null"},
		{"no version of JSON-RPC", legacy, `{"id":1,"method":"ping"}`, 400, -32600, "1"},
		{"no method", legacy, `{"jsonrpc":"2.0","id":1}`, 400, -32600, "1"},
		{"null id", legacy, `{"jsonrpc":"2.0","id":null,"method":"ping"}`, 400, -32600, "null"},
		{"object as id", legacy, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, 400, -32600, "null"},
		{"params before id", legacy, `{"params":[],"jsonrpc":"2.0","method":"ping","id":12345678901234567890}`, 200, -32602, "12345678901234567890"},
		{"unknown method", legacy, `{"jsonrpc":"2.0","id":1.50,"method":"nope"}`, 200, -32601, "1.50"},
		{"unknown method, modern", modern("nope", ""), `{"jsonrpc":"2.0","id":"q","method":"nope","params":{` + modernMeta + `}}`, 404, -32601, `"q"`},
		{"removed method", modern("ping", ""), `{"jsonrpc":"2.0","id":"q","method":"ping","params":{` + modernMeta + `}}`, 404, -32601, `"q"`},
		{"initialize, modern", modern("initialize", ""), `{"jsonrpc":"2.0","id":"q","method":"initialize","params":{` + modernMeta + `}}`, 404, -32601, `"q"`},
		{"modern method, legacy", legacy, `{"jsonrpc":"2.0","id":1,"method":"server/discover"}`, 200, -32601, "1"},
		{"unknown version", with(modern("tools/list", ""), "MCP-Protocol-Version", "2099-01-01"), list(old), 400, -32022, `"q"`},
		{"unknown version in the header only", with(legacy, "MCP-Protocol-Version", "v9"), ping, 400, -32022, "1"},
		{"header and _meta differ", modern("tools/list", ""), list(old), 400, -32020, `"q"`},
		{"no version header", with(modern("tools/list", ""), "MCP-Protocol-Version", ""), list(modernMeta), 400, -32020, `"q"`},
		{"no _meta", modern("tools/list", ""), list(""), 400, -32602, `"q"`},
		{"no _meta, no header", with(legacy, "MCP-Protocol-Version", ""), `{"jsonrpc":"2.0","id":1,"method":"server/discover"}`, 400, -32602, "1"},
		{"no client capabilities", modern("tools/list", ""), list(`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`), 400, -32602, `"q"`},
		{"no Mcp-Method", with(modern("tools/list", ""), "Mcp-Method", ""), list(modernMeta), 400, -32020, `"q"`},
		{"other Mcp-Method", modern("TOOLS/LIST", ""), list(modernMeta), 400, -32020, `"q"`},
		{"params are a list, modern", modern("tools/list", ""), `{"jsonrpc":"2.0","id":"q","method":"tools/list","params":[1]}`, 400, -32602, `"q"`},
		{"params of a notification are a list", legacy, `{"jsonrpc":"2.0","method":"notifications/initialized","params":[1]}`, 400, -32602, "null"},
		{"encoded Mcp-Method", modern("=?base64?dG9vbHMvbGlzdA==?=", ""), list(modernMeta), 400, -32020, `"q"`},
		{"no Mcp-Name", modern("tools/call", ""), modernCall, 400, -32020, `"q"`},
		{"other Mcp-Name", modern("tools/call", "nope"), modernCall, 400, -32020, `"q"`},
		{"bad base64 in Mcp-Name", modern("tools/call", "=?base64?!?="), modernCall, 400, -32020, `"q"`},
		{"unknown tool", legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}`, 200, -32602, "1"},
		{"no tool name", legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, 200, -32602, "1"},
		{"arguments are no object", legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":[1]}}`, 200, -32602, "1"},
		{"bad cursor", legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}`, 200, -32602, "1"},
		{"unknown prompt", legacy, `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"x"}}`, 200, -32602, "1"},
		{"resource not found, modern", modern("resources/read", "x://y"), `{"jsonrpc":"2.0","id":"q","method":"resources/read","params":{"uri":"x://y",` + modernMeta + `}}`, 400, -32602, `"q"`},
		{"resource not found", legacy, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x://y"}}`, 200, -32002, "1"},
		{"bad Origin", with(legacy, "Origin", "https://evil.example"), ping, 403, -32600, "null"},
		{"Origin null", with(legacy, "Origin", "null"), ping, 403, -32600, "null"},
		{"bad Host", with(legacy, "Host", "evil.example"), ping, 403, -32600, "null"},
		{"rebound Host with its Origin", with(legacy, "Host", "evil.example", "Origin", "http://evil.example"), ping,
			403, -32600, "null"},
		{"other Content-Type", with(legacy, "Content-Type", "text/plain"), ping, 415, -32600, "null"},
		{"no Content-Type", with(legacy, "Content-Type", ""), ping, 415, -32600, "null"},
		{"compressed", with(legacy, "Content-Encoding", "gzip"), ping, 415, -32600, "null"},
		{"other Accept", with(legacy, "Accept", "text/html"), ping, 406, -32600, "null"},
		{"too large", legacy, strings.Repeat(" ", 4<<20) + ping, 413, -32600, "null"},
	}
	url, _ := serve(t, fixture())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := post(t, url, tt.headers, tt.body)
			var got struct {
				ID    json.RawMessage
				Error struct {
					Code    int
					Message string
					Data    struct{ Supported []string }
				}
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%v: %q", err, body)
			}
			if res.StatusCode != tt.status || got.Error.Code != tt.code || string(got.ID) != tt.id {
				t.Errorf("%d %s, want status %d, code %d, id %s", res.StatusCode, body, tt.status, tt.code, tt.id)
			}
			if tt.code == -32022 && len(got.Error.Data.Supported) != 5 {
				t.Errorf("no versions in %s", body)
			}
		})
	}
}

// A tool with arguments that clients of 2026-07-28 repeat as headers (SEP-2243).
func TestServeHTTP_checksParamHeaders(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools = []*plan.Unit{{ID: "tiny.get_weather", Name: "get_weather", Inputs: []*plan.Input{
		{Name: "the region", Schema: &schema.Schema{Type: "string", MCPHeader: "Region"}},
		{Name: "count", Schema: &schema.Schema{Type: "integer", MCPHeader: "Count"}}}}}
	cfg.Invoker = invoker{"get_weather": func(context.Context, engine.Args) (*engine.Result, *engine.Error) { return raw(`{}`), nil }}
	url, h := serve(t, cfg)
	if entry := string(h.Listed()[0].Entry); !strings.Contains(entry, `"the_region":{"type":"string","x-mcp-header":"Region"}`) {
		t.Error(entry)
	}
	for _, tt := range []struct {
		name, arguments string
		headers         []string
		accepted        bool
	}{
		{"repeated", `{"the_region":"eu","count":5}`, []string{"Mcp-Param-Region", "eu", "Mcp-Param-Count", "5"}, true},
		{"under the document's name", `{"the region":"eu"}`, []string{"Mcp-Param-Region", "eu"}, true},
		{"in base64", `{"the_region":"Zürich"}`, []string{"Mcp-Param-Region", "=?base64?WsO8cmljaA==?="}, true},
		{"a number in another spelling", `{"count":5.0}`, []string{"Mcp-Param-Count", "5"}, true},
		{"not given", `{}`, nil, true},
		{"given as null", `{"the_region":null}`, nil, true},
		{"half an encoding is text", `{"the_region":"=?base64?eu"}`, []string{"Mcp-Param-Region", "=?base64?eu"}, true},
		{"left out", `{"the_region":"eu"}`, nil, false},
		{"of nothing", `{}`, []string{"Mcp-Param-Region", "eu"}, false},
		{"another text", `{"the_region":"eu"}`, []string{"Mcp-Param-Region", "us"}, false},
		{"bad base64", `{"the_region":"eu"}`, []string{"Mcp-Param-Region", "=?base64?ZXU?="}, false},
		{"not ASCII", `{"the_region":"Zürich"}`, []string{"Mcp-Param-Region", "Zürich"}, false},
		{"another number that floats cannot tell", `{"count":9007199254740993}`, []string{"Mcp-Param-Count", "9007199254740992"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := post(t, url, with(modern("tools/call", "get_weather"), tt.headers...), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":`+tt.arguments+`,`+modernMeta+`}}`)
			if (res.StatusCode == 200) != tt.accepted || !tt.accepted && !strings.Contains(body, `"code":-32020`) {
				t.Errorf("%d %s", res.StatusCode, body)
			}
		})
	}
	if res := call(t, url, "get_weather", `{"the_region":"eu"}`); res.IsError {
		t.Error("older clients repeat nothing:", res.text())
	}
}

func TestServeHTTP_refusesOtherMethods(t *testing.T) {
	url, _ := serve(t, fixture())
	for _, method := range []string{"GET", "DELETE", "PUT", "OPTIONS"} {
		req, _ := http.NewRequest(method, url, nil)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 405 || res.Header.Get("Allow") != "POST" || !json.Valid(body) {
			t.Errorf("%s: %d, Allow %q, %s", method, res.StatusCode, res.Header.Get("Allow"), body)
		}
	}
}

func TestServeHTTP_accepts(t *testing.T) {
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	cfg := fixture()
	cfg.Screen = adapter.Screen{Hosts: []string{"mcp.example"}, Origins: []string{"https://app.example"}}
	url, _ := serve(t, cfg)
	for name, headers := range map[string]map[string]string{
		"no version":           with(legacy, "MCP-Protocol-Version", ""),
		"no Accept":            with(legacy, "Accept", ""),
		"any Accept":           with(legacy, "Accept", "*/*"),
		"charset":              with(legacy, "Content-Type", "Application/JSON; charset=utf-8"),
		"session id, ignored":  with(legacy, "Mcp-Session-Id", "abc"),
		"own Origin":           with(legacy, "Origin", url),
		"configured Host":      with(legacy, "Host", "mcp.example:8443"),
		"localhost":            with(legacy, "Host", "LocalHost:1"),
		"IPv6 loopback":        with(legacy, "Host", "[::1]:1"),
		"configured Origin":    with(legacy, "Origin", "https://app.example"),
		"_meta without effect": legacy,
	} {
		if res, body := post(t, url, headers, ping); res.StatusCode != 200 || body != `{"jsonrpc":"2.0","id":1,"result":{}}` {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	for name, body := range map[string]string{
		"params null":        `{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`,
		"params null, first": `{"params":null,"jsonrpc":"2.0","id":1,"method":"ping"}`,
		"a byte order mark":  "\uFEFF" + ping,
		"a mark and blanks":  "\uFEFF\r\n" + ping,
	} {
		if res, got := post(t, url, legacy, body); res.StatusCode != 200 || got != `{"jsonrpc":"2.0","id":1,"result":{}}` {
			t.Errorf("%s: %d %s", name, res.StatusCode, got)
		}
	}
	if _, got := post(t, url, with(legacy, "MCP-Protocol-Version", "2025-03-26"), "\uFEFF["+ping+"]"); got != `[{"jsonrpc":"2.0","id":1,"result":{}}]` {
		t.Errorf("a batch with a mark: %s", got)
	}
	for _, cursor := range []string{`""`, `null`} {
		if _, got := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":`+cursor+`}}`); !strings.Contains(got, `"result":{"tools":[`) {
			t.Errorf("cursor %s: %s", cursor, got)
		}
	}
	if _, got := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}`); !strings.Contains(got, `"result":{"tools":[`) {
		t.Errorf("a list with params null: %s", got)
	}
	req, _ := http.NewRequest("OPTIONS", url, nil)
	req.Header.Set("Origin", "https://app.example")
	req.Header.Set("Access-Control-Request-Method", "POST")
	req.Header.Set("Access-Control-Request-Headers", "mcp-method,mcp-param-region")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		res.Header.Get("Access-Control-Allow-Headers") != "mcp-method,mcp-param-region" {
		t.Errorf("preflight: %d %v", res.StatusCode, res.Header)
	}
}

func TestServeHTTP_servesNothingUndeclared(t *testing.T) {
	cfg := fixture()
	cfg.Server.Resources, cfg.Server.Prompts = nil, nil
	url, _ := serve(t, cfg)
	for _, method := range []string{"prompts/list", "resources/list", "resources/templates/list",
		"completion/complete", "resources/subscribe"} {
		if _, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"`+method+`"}`); !strings.Contains(body, "-32601") {
			t.Errorf("%s: %s", method, body)
		}
	}
	_, body := post(t, url, modern("server/discover", ""), `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{`+modernMeta+`}}`)
	if !strings.Contains(body, `"capabilities":{"tools":{"listChanged":true}}`) {
		t.Error(body)
	}
}

// A broken connection cancels a call: nobody can read its answer any more.
func TestServeHTTP_disconnect(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers map[string]string
		meta    string
	}{{"modern", modern("tools/call", "get_weather"), "," + modernMeta}, {"legacy", legacy, ""}} {
		t.Run(tt.name, func(t *testing.T) {
			started, left, ended := make(chan bool), make(chan bool), make(chan error, 1)
			cfg := fixture()
			cfg.Invoker = invoker{"get_weather": func(ctx context.Context, _ engine.Args) (*engine.Result,
				*engine.Error) {
				close(started)
				<-left
				<-ctx.Done()
				ended <- ctx.Err()
				return nil, &engine.Error{Kind: engine.Canceled}
			}}
			url, _ := serve(t, cfg)
			ctx, cancel := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"x"}`+tt.meta+`}}`))
			for k, v := range tt.headers {
				req.Header.Set(k, v)
			}
			failed := make(chan error)
			go func() {
				res, err := http.DefaultClient.Do(req)
				if err == nil {
					res.Body.Close()
				}
				failed <- err
			}()
			<-started
			cancel()
			<-failed
			close(left)
			if err := <-ended; err == nil {
				t.Errorf("the call's context: %v", err)
			}
		})
	}
}

// FuzzServeHTTP checks that whatever comes gets a JSON-RPC answer.
func FuzzServeHTTP(f *testing.F) {
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{}]`, `{"jsonrpc":"2.0","method":"notifications/x"}`,
		`{"jsonrpc":"2.0","id":"a\"\u0041","method":"tools\/call","params":{"name":"get_weather","arguments":{"city":"Atlantis","max days":"1e2"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_city","arguments":"{\"id\":1}","requestState":"x","inputResponses":{"confirm":{"action":"accept","content":{"confirm":true}}},` + askingMeta + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["tiny://about"]},` + modernMeta + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"docs://weather/%2e%2e/x"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"refund","arguments":{"order":"x"},"inputResponses":{"why":{"action":"accept","content":{"the_reason":"late"}}},` + askingMeta + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{}}}}}`,
		`{"jsonrpc":"2.0","id":"x","result":{"action":"accept","content":{}}}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
		`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"ask"},"argument":{"name":"city","value":"P"}}}`,
	} {
		for _, version := range []string{"", "2025-11-25", "2026-07-28"} {
			f.Add(version, body)
		}
	}
	cfg, asking := fixture(), refunds()
	cfg.Server.Tools = append(cfg.Server.Tools, asking.Server.Tools...)
	maps.Copy(cfg.Invoker.(invoker), asking.Invoker.(invoker))
	h := mcp.New(cfg)
	h.Close() // so that subscriptions and questions end at once
	f.Fuzz(func(t *testing.T, version, body string) {
		req := httptest.NewRequest("POST", "http://localhost/mcp", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Mcp-Session-Id", "x.asks")
		if version != "" {
			req.Header["Mcp-Protocol-Version"] = []string{version}
		}
		var sent struct {
			Method string
			Params struct{ Name, URI string }
		}
		if json.Unmarshal([]byte(body), &sent) == nil {
			req.Header["Mcp-Method"], req.Header["Mcp-Name"] = []string{sent.Method},
				[]string{sent.Params.Name + sent.Params.URI}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		answer := w.Body.Bytes()
		switch {
		case w.Code == http.StatusAccepted:
			if len(answer) > 0 {
				t.Fatalf("202 with %q", answer)
			}
		case w.Header().Get("Content-Type") == "text/event-stream":
			for line := range strings.Lines(string(answer)) {
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					checkMessage(t, []byte(data))
				}
			}
		case len(answer) > 0 && answer[0] == '[':
			var all []json.RawMessage
			if err := json.Unmarshal(answer, &all); err != nil {
				t.Fatal(err)
			}
			for _, one := range all {
				checkMessage(t, one)
			}
		default:
			checkMessage(t, answer)
		}
	})
}

func checkMessage(t *testing.T, message []byte) {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(message, &m); err != nil {
		t.Fatalf("%v: %q", err, message)
	}
	parts := 0
	for _, name := range []string{"result", "error", "method"} {
		if m[name] != nil {
			parts++
		}
	}
	if string(m["jsonrpc"]) != `"2.0"` || parts != 1 || m["method"] == nil && m["id"] == nil {
		t.Fatalf("no JSON-RPC message: %q", message)
	}
}

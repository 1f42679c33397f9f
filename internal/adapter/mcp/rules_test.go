package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/model"
)

// Rules of docs/mcp.md that no other test holds.

// user is the context key of who a test's guard let in.
type user struct{}

// guarded is a server whose guard takes the caller's word for who they are.
func guarded(t *testing.T, cfg mcp.Config) (url string) {
	cfg.Principal = func(ctx context.Context) string {
		name, _ := ctx.Value(user{}).(string)
		return name
	}
	h := mcp.New(cfg)
	t.Cleanup(h.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), user{}, r.Header.Get("X-User"))))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestConfirm_isBoundToThePrincipal(t *testing.T) {
	url := guarded(t, fixture())
	remove := func(name, credential, more string) string {
		_, body := post(t, url, with(legacy, "X-User", name, "Authorization", credential),
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_city","arguments":{"id":7`+more+`}}}`)
		return parse(t, body).text()
	}
	token := func() string {
		_, token, _ := strings.Cut(remove("ann", "Bearer 1", ""), "`confirm_token`: \"")
		token, _, _ = strings.Cut(token, `"`)
		return `,"confirm_token":"` + token + `"`
	}
	given := token()
	if got := remove("bob", "Bearer 1", given); !strings.Contains(got, "not for this call") {
		t.Errorf("another user: %s", got)
	}
	if got := remove("ann", "Bearer 2", given); got != "Done: 204 No Content" {
		t.Errorf("a renewed token: %s", got)
	}
}

func TestAsk_takesAnswersOfTheSameCallerOnly(t *testing.T) {
	url := guarded(t, refunds())
	headers := with(connect(t, url, "2025-11-25", `{"elicitation":{}}`), "X-User", "ann")
	next, _ := open(t, url, headers, refundOne)
	id, _ := asked(t, next())
	answer := `{"jsonrpc":"2.0","id":"` + id + `","result":{"action":"decline"}}`
	if res, body := post(t, url, with(headers, "X-User", "bob"), answer); res.StatusCode != http.StatusBadRequest ||
		!strings.Contains(body, "no question with this id") {
		t.Errorf("another user: %d %s", res.StatusCode, body)
	}
	if res, body := post(t, url, headers, answer); res.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if got := next(); !strings.Contains(got, "The user did not answer") {
		t.Error(got)
	}
}

func TestServeHTTP_takesABatchOf100(t *testing.T) {
	url, _ := serve(t, fixture())
	batch := func(n int) string {
		_, body := post(t, url, with(legacy, "MCP-Protocol-Version", "2025-03-26"), "["+strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"ping"},`, n-1)+`{"jsonrpc":"2.0","id":1,"method":"ping"}]`)
		return body
	}
	if got := batch(100); strings.Count(got, `"result":{}`) != 100 {
		t.Error(got)
	}
	if got := batch(101); !strings.Contains(got, `"code":-32600`) || !strings.Contains(got, "more than 100 messages") {
		t.Error(got)
	}
}

func TestComplete_offersAtMost100(t *testing.T) {
	cfg := fixture()
	values := &cfg.Server.Prompts[0].Arguments[0].Enum
	*values = []string{"other"}
	for i := range 150 {
		*values = append(*values, fmt.Sprintf("City %03d", i))
	}
	url, _ := serve(t, cfg)
	_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"ask"},"argument":{"name":"city","value":"city"}}}`)
	if strings.Count(body, "City ") != 100 || !strings.Contains(body, `"City 099"],"total":150,"hasMore":true`) {
		t.Error(body)
	}
}

func TestToolsList_takesItsOwnCursorsOnly(t *testing.T) {
	list := func(size int, cursor string) string {
		cfg := fixture()
		cfg.Page = size
		url, _ := serve(t, cfg)
		_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"`+cursor+`"}}`)
		return body
	}
	_, cursor, _ := strings.Cut(list(1, ""), `"nextCursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	if got := list(1, cursor); !strings.Contains(got, `"name":"list_cities"`) || strings.Contains(got, `"name":"get_weather"`) {
		t.Errorf("a replica: %s", got)
	}
	for name, got := range map[string]string{"pages of another size": list(2, cursor), "no cursor": list(1, "x!"),
		"that of another list": list(1, "cHJvbXB0czox")} {
		if !strings.Contains(got, `"code":-32602`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestResourcesRead_isPrivateWhereTheAnswerIsTheCallers(t *testing.T) {
	read := func(own bool) string {
		cfg := fixture()
		cfg.Server.Resources[1].Unit.CallerAuthorization = own
		url, _ := serve(t, cfg)
		_, body := post(t, url, modern("resources/read", "tiny://about"), `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"tiny://about",`+modernMeta+`}}`)
		return body
	}
	if got := read(false); !strings.Contains(got, `"ttlMs":60000,"cacheScope":"public"`) {
		t.Error(got)
	}
	if got := read(true); !strings.Contains(got, `"ttlMs":0,"cacheScope":"private"`) {
		t.Error(got)
	}
}

func TestResources_ofAFolderHaveLimits(t *testing.T) {
	cfg := fixture()
	files := fstest.MapFS{"a/large.txt": {Data: make([]byte, 10<<20+1)},
		"a/largest.txt": {Data: make([]byte, 10<<20)}, "a/.env": {Data: []byte("SECRET=1")},
		".git/config": {Data: []byte("x")}}
	for i := range 10_001 {
		files[fmt.Sprintf("b/%05d.txt", i)] = &fstest.MapFile{}
	}
	cfg.Server.Resources[0].Files, cfg.Page = files, 20_000
	url, _ := serve(t, cfg)
	read := func(path string) string {
		_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"docs://weather/`+path+`"}}`)
		return body
	}
	if got := read("a/large.txt"); !strings.Contains(got, "larger than 10 MiB") {
		t.Errorf("%.200s", got)
	}
	if got := read("a/largest.txt"); !strings.Contains(got, `"contents":[`) {
		t.Errorf("%.200s", got)
	}
	for _, hidden := range []string{"a/.env", ".git/config", "a/%2Eenv", "a/../a/.env", "a%2F.env"} {
		if got := read(hidden); !strings.Contains(got, "Resource not found") {
			t.Errorf("%s: %.200s", hidden, got)
		}
	}
	_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"resources/list"}`)
	if n := strings.Count(body, `"uri":"docs://`); n != 10_000 || strings.Contains(body, ".env") {
		t.Errorf("%d files", n)
	}
}

func TestToolsCall_saysWhenAWriteMayHaveTakenEffect(t *testing.T) {
	const advice = "It may have taken effect. Look before you call again."
	for name, tt := range map[string]struct {
		err   engine.Error
		hints model.Hints
		want  bool
	}{
		"a write whose answer nobody can read": {engine.Error{Kind: engine.BadAnswer, Title: "x", Unclear: true},
			model.Hints{ReadOnly: no()}, true},
		"a write that timed out": {engine.Error{Kind: engine.BadAnswer, Title: "x", Retry: true},
			model.Hints{ReadOnly: no()}, true},
		"one that may be repeated": {engine.Error{Kind: engine.BadAnswer, Title: "x", Unclear: true},
			model.Hints{ReadOnly: no(), Idempotent: yes()}, false},
		"a read": {engine.Error{Kind: engine.BadAnswer, Title: "x", Unclear: true},
			model.Hints{ReadOnly: yes()}, false},
		"what the API never took": {engine.Error{Kind: engine.Unavailable, Title: "x", Retry: true},
			model.Hints{ReadOnly: no()}, false},
	} {
		cfg := fixture()
		cfg.Server.Tools[1].Hints = tt.hints
		cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result,
			*engine.Error) {
			return nil, &tt.err
		}}
		url, _ := serve(t, cfg)
		if got := call(t, url, "list_cities", `{}`).text(); strings.Contains(got, advice) != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestPromptsGet_cutsNoFile(t *testing.T) {
	for size, whole := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		cfg := fixture()
		cfg.Server.Prompts[2].Files = fstest.MapFS{"prompt.txt": {Data: []byte(strings.Repeat("x", size))}}
		url, _ := serve(t, cfg)
		_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"filed","arguments":{"name":"n"}}}`)
		if strings.Count(body, "x") >= size != whole || strings.Contains(body, "The prompt cannot be read") == whole {
			t.Errorf("%d bytes: %.100s", size, body)
		}
	}
}

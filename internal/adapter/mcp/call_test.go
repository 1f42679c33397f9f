package mcp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

func TestToolsCall_convertsArguments(t *testing.T) {
	var got engine.Args
	cfg := fixture()
	cfg.Invoker = invoker{"get_weather": func(_ context.Context, args engine.Args) (*engine.Result, *engine.Error) {
		got = args
		return raw(`{}`), nil
	}}
	url, _ := serve(t, cfg)
	for name, arguments := range map[string]string{
		"by listed name":         `{"city":"Ulm","max_days":3,"units":null}`,
		"by the document's name": `{"max days":"3","city":"Ulm"}`,
		"as text":                `"{\"city\":\"Ulm\",\"max_days\":3}"`,
		"given twice":            `{"city":"Rome","city":"Ulm","max_days":"3"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got = engine.Args{}
			if res := call(t, url, "get_weather", arguments); res.IsError || res.Error != nil {
				t.Fatal(res)
			}
			want := []string{"Ulm", "", "", "3"}
			var texts []string
			for _, v := range got.Values {
				texts = append(texts, v.Text())
			}
			if diff := cmp.Diff(want, texts); diff != "" || got.Values[3].Kind() != value.Number {
				t.Error(diff)
			}
		})
	}
	t.Run("trace context", func(t *testing.T) {
		post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"x"},"_meta":{"traceparent":"00-a-b-01","tracestate":"c=d","baggage":"secret"}}}`)
		if diff := cmp.Diff(http.Header{"Traceparent": {"00-a-b-01"}, "Tracestate": {"c=d"}},
			got.Trace); diff != "" || got.Authorization != "" {
			t.Error(diff)
		}
	})
}

func TestToolsCall_takesListedNamesWithinObjects(t *testing.T) {
	var got value.Value
	cfg := fixture()
	cfg.Server.Tools[0].Inputs = []*plan.Input{{Name: "filter", Schema: odd()}}
	cfg.Invoker = invoker{"get_weather": func(_ context.Context, args engine.Args) (*engine.Result, *engine.Error) {
		got = args.Values[0]
		return raw(`{}`), nil
	}}
	url, _ := serve(t, cfg)
	for name, arguments := range map[string]string{
		"by listed name":          `{"filter":{"top":"5","sort_by":[{"field":"a","other":1}]}}`,
		"as JSON text":            `{"filter":"{\"top\":5,\"sort_by\":[{\"field\":\"a\",\"other\":1}]}"}`,
		"one for a list, as text": `{"filter":{"top":5,"sort_by":"{\"field\":\"a\",\"other\":1}"}}`,
		"lists as JSON text":      `{"filter":{"top":5,"sort_by":"[{\"field\":\"a\",\"other\":1}]"}}`,
		"by the document's name":  `{"filter":{"$top":5,"sort by":[{"@field":"a","other":1}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if res := call(t, url, "get_weather", arguments); res.IsError || got.Text() != `{"$top":5,"sort by":[{"@field":"a","other":1}]}` {
				t.Error(res.text(), got.Text())
			}
		})
	}
	for arguments, want := range map[string]string{`{"top":5}`: "`top` is not known; it belongs in `filter`", `{"filter":{"sort_by":[],"top":"x"}}`: "`filter.top` must be an integer", `{"filter":{}}`: "`filter.sort_by` is required", `{"filter":{"sort_by":[],"x":1}}`: "allowed: top, sort_by"} {
		if res := call(t, url, "get_weather", arguments); !strings.Contains(res.text(), want) {
			t.Errorf("%s: %s", arguments, res.text())
		}
	}
}

func TestToolsCall_namesEverythingMissingAtOnce(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools[0].Inputs[3].Required = true
	url, _ := serve(t, cfg)
	if text := call(t, url, "get_weather", `{}`).text(); !strings.Contains(text, "`city`, `max_days` are required") {
		t.Error(text)
	}
	if text := call(t, url, "get_weather", `{"city":[1]}`).text(); !strings.Contains(text, "`city` must be a string, not array") || !strings.Contains(text, "`max_days` is required") {
		t.Error(text)
	}
	if text := call(t, url, "list_cities", `{"nope":1}`).text(); !strings.Contains(text, "`nope` is not known") || !strings.Contains(text, "Allowed: `limit` (integer).") {
		t.Error(text)
	}
}

func TestToolsCall_namesEverythingWrongWithinAnObject(t *testing.T) {
	cfg := fixture()
	kind := &schema.Schema{Type: "string", Enum: []value.Value{value.Of("home"), value.Of("work")}}
	cfg.Server.Tools[0].Inputs = []*plan.Input{{Name: "addr",
		Schema: &schema.Schema{Type: "object", Properties: []schema.Property{
			{Name: "city", Schema: &schema.Schema{Type: "string", MaxLength: 3}},
			{Name: "n", Schema: &schema.Schema{Type: "integer"}}, {Name: "kind", Schema: kind, Required: true}}}},
		{Name: "list", Schema: &schema.Schema{Type: "array", Items: &schema.Schema{Type: "integer"}}}}
	url, _ := serve(t, cfg)
	got := call(t, url, "get_weather", `{"addr":{"city":"Ulmer","n":"a"},"list":["x",2,"y"]}`).text()
	for _, want := range []string{"`addr.city` must have at most 3", "`addr.n` must be an integer", "`addr.kind` is required: one of home, work", "`list[0]` must be", "`list[2]` must be"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func TestToolsCall_doesNotRepeatSecrets(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools[2].Inputs[1].Schema = &schema.Schema{Type: "integer"}
	url, _ := serve(t, cfg)
	if text := call(t, url, "delete_city", `{"id":1,"key":"hunter2"}`).text(); strings.Contains(text, "hunter2") || !strings.Contains(text, "`key` must be an integer") {
		t.Error(text)
	}
}

func TestToolsCall_results(t *testing.T) {
	png := base64.StdEncoding.EncodeToString([]byte("\x89PNG"))
	tests := []struct {
		name       string
		answer     *engine.Result
		content    string // first block as type:text or type:mime:data
		structured string // for legacy clients
		modern     string // for modern ones, where it is different
	}{
		{"object, raw", raw(" {\"b\" : 1.10,\n\"a\":\"\\u00e9\"} "), `text:{"b":1.10,"a":"\u00e9"}`, `{"b":1.10,"a":"\u00e9"}`, ""},
		{"object, shaped", &engine.Result{Value: value.Map(value.Member{Name: "a", Value: value.Num("9007199254740991")})}, `text:{"a":9007199254740991}`, `{"a":9007199254740991}`, ""},
		{"array", raw(`[1, 2]`), "text:[1,2]", "", "[1,2]"},
		{"number", raw(`7`), "text:7", "", "7"},
		{"string", raw(`"a\"b"`), `text:a"b`, "", `"a\"b"`},
		{"shaped string", &engine.Result{Value: value.Of("hello")}, "text:hello", "", `"hello"`},
		{"no JSON", raw("a,b\n1,2\n"), "text:a,b\n1,2\n", "", ""},
		{"bad UTF-8", raw("caf\xe9"), "text:caf\uFFFD", "", ""},
		{"nothing", &engine.Result{Status: 204}, "text:Done: 204 No Content", "", ""},
		{"empty", raw(""), "text:Done: 200 OK", "", ""},
		{"image", binary("image/png; a=b", "\x89PNG"), "image:image/png:" + png, "", ""},
		{"audio", binary("audio/wav", "\x89PNG"), "audio:audio/wav:" + png, "", ""},
		{"other bytes", binary("application/pdf", "\x89PNG"), "resource:application/pdf:" + png, "", ""},
	}
	for _, tt := range tests {
		for _, era := range []string{"legacy", "modern"} {
			t.Run(tt.name+", "+era, func(t *testing.T) {
				cfg := fixture()
				answer := *tt.answer
				if answer.Raw != nil { // a reader is good for one era
					body, _ := tt.answer.Bytes(1 << 20)
					tt.answer.Raw = raw(string(body)).Raw
					answer.Raw = raw(string(body)).Raw
				}
				cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result,
					*engine.Error) {
					return &answer, nil
				}}
				url, _ := serve(t, cfg)
				headers, meta, want := legacy, "", tt.structured
				if era == "modern" {
					headers, meta = modern("tools/call", "list_cities"), ","+modernMeta
					if tt.modern != "" {
						want = tt.modern
					}
				}
				_, body := post(t, url, headers, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities"`+meta+`}}`)
				res := parse(t, body)
				c := res.Content[0]
				got := c.Type + ":" + c.Text
				switch c.Type {
				case "image", "audio":
					got = c.Type + ":" + c.MimeType + ":" + c.Data
				case "resource":
					got = c.Type + ":" + c.Resource.MimeType + ":" + c.Resource.Blob
				}
				if got != tt.content || string(res.StructuredContent) != want || res.IsError {
					t.Errorf("got %q, structured %s", got, res.StructuredContent)
				}
			})
		}
	}
}

// What a tool promises in its output schema is kept whatever the API answers.
func TestToolsCall_conformsToItsOutputSchema(t *testing.T) {
	for _, tt := range []struct{ name, body, structured, note string }{
		{"as promised", `{"city":"Ulm","temp":1.50,"more":[null]}`, `{"city":"Ulm","temp":1.50,"more":[null]}`, ""},
		{"null", `{"city":"Ulm","temp":null,"more":null,"days":[{"max":null,"min":2}]}`, `{"city":"Ulm","more":null,"days":[{"min":2}]}`, ""},
		{"null in a list", `{"city":"Ulm","days":[null]}`, `{"city":"Ulm"}`, "Not of the declared type, so only in the text: `days`."},
		{"other type within", `{"city":"Ulm","days":[{"max":"hot","min":2},{"min":1}]}`, `{"city":"Ulm","days":[{"min":2},{"min":1}]}`, "Not of the declared type, so only in the text: `days[].max`."},
		{"other type in a list", `{"city":"Ulm","days":["hot",{"min":1}]}`, `{"city":"Ulm"}`, "Not of the declared type, so only in the text: `days[]`."},
		{"null among scalars", `{"city":"Ulm","tags":["a",null,"c"]}`, `{"city":"Ulm","tags":["a",null,"c"]}`, ""},
		{"other type", `{"city":"Ulm","temp":"mild"}`, `{"city":"Ulm"}`, "Not of the declared type, so only in the text: `temp`."},
		{"no object", `[1]`, `{"value":[1]}`, ""},
		{"string", `"x"`, `{"value":"x"}`, ""},
		{"no JSON", `x`, `{"value":"x"}`, ""},
		{"nothing", ``, `{}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			day := &schema.Schema{Type: "object",
				Properties: []schema.Property{{Name: "max", Schema: &schema.Schema{Type: "integer"}},
					{Name: "min", Schema: &schema.Schema{Type: "integer"}}}}
			cfg.Server.Tools[0].Result.Properties = append(cfg.Server.Tools[0].Result.Properties,
				schema.Property{Name: "days", Schema: &schema.Schema{Type: "array", Items: day}},
				schema.Property{Name: "tags", Schema: &schema.Schema{Type: "array", Items: text()}})
			cfg.Invoker = invoker{"get_weather": func(context.Context, engine.Args) (*engine.Result,
				*engine.Error) {
				return raw(tt.body), nil
			}}
			url, _ := serve(t, cfg)
			res := call(t, url, "get_weather", `{"city":"Ulm"}`)
			note := ""
			if len(res.Content) > 1 {
				note = res.Content[1].Text
			}
			if string(res.StructuredContent) != tt.structured || note != tt.note {
				t.Errorf("structured %s, note %q", res.StructuredContent, note)
			}
		})
	}
}

func TestToolsCall_explainsFailures(t *testing.T) { // semantics 5.5
	for _, tt := range []struct {
		name string
		err  *engine.Error
		want string
	}{
		{"upstream's words and fields", &engine.Error{Kind: engine.Answered, Status: 422, Title: "the API refused", Body: []byte(`{"message":"bad", "fields":["x"]}`)},
			"list_cities failed: the API refused (HTTP 422 Unprocessable Entity): bad\nAnswer of the API: {\"message\":\"bad\",\"fields\":[\"x\"]}\nThe same call will fail again."},
		{"a page", &engine.Error{Kind: engine.Answered, Status: 502, Title: "the API answered 502 Bad Gateway",
			ContentType: "text/html", Body: []byte("<html>"), Retry: true},
			"list_cities failed: the API answered 502 Bad Gateway\nThe same call may succeed later."},
		{"a step", &engine.Error{Kind: engine.TimedOut, Status: 504, Step: "find", Title: "no answer in 30 s",
			Detail: "Try again.", Retry: true},
			"list_cities failed: step find: no answer in 30 s\nTry again.\nThe same call may succeed later."},
		{"an input", &engine.Error{Kind: engine.BadInput, Status: 400, Title: "an input is missing",
			Fields: []engine.Field{{Name: "limit", Problem: "is required"}}},
			"list_cities failed: an input is missing\n- `limit` is required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result,
				*engine.Error) {
				return nil, tt.err
			}}
			url, _ := serve(t, cfg)
			if res := call(t, url, "list_cities", `{}`); res.text() != tt.want || !res.IsError {
				t.Errorf("got %q", res.text())
			}
		})
	}
}

func TestToolsCall_cutsLongAnswers(t *testing.T) {
	var rows []string
	for i := range 431 {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"text":"%s"}`, i, strings.Repeat("é", 100)))
	}
	list := "[" + strings.Join(rows, ",") + "]"
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf(`"key%d":{"a":%d}`, i, i)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"array in an object", `{"total":431,"items":` + list + `,"next":"abc"}`, "items shows 20 of 431 items. Ask for something narrower to see the rest."},
		{"array", list, "shows 20 of 431 items. Ask for something narrower to see the rest."},
		{"long string", `{"log":"` + strings.Repeat("x\\n", 10000) + `","ok":true}`, "log shows"},
		{"many members", `{` + strings.Join(many, ",") + `}`, "of 5000 members"},
		{"one huge item", `[{"blob":"` + strings.Repeat("x", 20000) + `"}]`, "[0].blob shows"},
		{"no JSON", strings.Repeat("a line of text\n", 1000), "of 15000 characters"},
		{"nested deeply", strings.Repeat(`{"a":[`, 40) + `"` + strings.Repeat("x", 9000) + `"` + strings.Repeat(`]}`, 40), "of 9000 characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			cfg.Server.Tools[1].Model.MaxChars = 3000
			cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result,
				*engine.Error) {
				return raw(tt.body), nil
			}}
			url, _ := serve(t, cfg)
			res := call(t, url, "list_cities", `{}`)
			first := res.Content[0].Text
			if n := utf8.RuneCountInString(first); n > 3200 || n < 1500 {
				t.Errorf("%d characters", n)
			}
			if tt.name != "no JSON" && !json.Valid([]byte(first)) {
				t.Errorf("no JSON: %s", first)
			}
			if !strings.Contains(res.text(), tt.want) {
				t.Errorf("no %q in %s", tt.want, res.text()[max(0, len(res.text())-300):])
			}
			if res.StructuredContent != nil && string(res.StructuredContent) != first {
				t.Errorf("structured is not the text: %s", res.StructuredContent)
			}
		})
	}
}

func TestToolsList_pages(t *testing.T) {
	cfg := fixture()
	cfg.Page = 2
	url, _ := serve(t, cfg)
	var names []string
	cursor := ""
	for pages := 1; ; pages++ {
		_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{`+cursor+`}}`)
		var m struct {
			Result struct {
				Tools      []struct{ Name string }
				NextCursor string
			}
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		for _, tool := range m.Result.Tools {
			names = append(names, tool.Name)
		}
		if m.Result.NextCursor == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		cursor = `"cursor":"` + m.Result.NextCursor + `"`
	}
	if diff := cmp.Diff([]string{"get_weather", "list_cities", "delete_city"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestToolsList_hasAThousandOnAPage(t *testing.T) {
	for n, more := range map[int]bool{1000: false, 1001: true} {
		cfg := fixture()
		cfg.Server.Tools = nil
		for i := range n {
			cfg.Server.Tools = append(cfg.Server.Tools,
				&plan.Unit{ID: fmt.Sprint("tiny.t", i), Name: fmt.Sprint("t", i)})
		}
		url, _ := serve(t, cfg)
		if _, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); strings.Contains(body, "nextCursor") != more {
			t.Errorf("%d tools: more is not %v", n, more)
		}
	}
}

func TestTools_haveNamesThatEveryClientAccepts(t *testing.T) { // semantics 6.4
	long := strings.Repeat("long-", 20)
	cfg := fixture()
	cfg.Server.Tools = nil
	for _, name := range []string{"a.b", "a_b", "a b", "", "été", "!", long, long + "er", "a_b", "2fa-status",
		"3d models", "--dry-run", "_1"} {
		cfg.Server.Tools = append(cfg.Server.Tools, &plan.Unit{Name: name, Hints: model.Hints{}})
	}
	_, h := serve(t, cfg)
	want := []string{"a_b_2", "a_b", "a_b_3", "tool", "t", "tool_2", listed(h)[6], listed(h)[7], "a_b_4",
		"_2fa-status", "_3d_models", "dry-run", "_1"}
	if diff := cmp.Diff(want, listed(h)); diff != "" {
		t.Error(diff)
	}
	if a, b := listed(h)[6], listed(h)[7]; a == b || len(a) != 64 || len(b) != 64 {
		t.Error(a, b)
	}
}

func TestConfig_filtersTools(t *testing.T) {
	for _, tt := range []struct {
		name        string
		readOnly    bool
		allow, deny []string
		want        []string
	}{
		{"all", false, nil, nil, []string{"get_weather", "list_cities", "delete_city"}},
		{"read-only", true, nil, nil, []string{"get_weather", "list_cities"}},
		{"allowed by pattern", false, []string{"*_c*"}, nil, []string{"list_cities", "delete_city"}},
		{"allowed by the document's name", false, []string{"list cities!"}, nil, []string{"list_cities"}},
		{"denied by tag", false, nil, []string{"tag:write"}, []string{"get_weather", "list_cities"}},
		{"deny wins", false, []string{"tag:read", "tag:write"}, []string{"hint:destructive"}, []string{"get_weather"}},
		{"idempotent", false, []string{"hint:idempotent"}, nil, []string{"get_weather", "delete_city"}},
		{"read-only wins", true, []string{"delete_city"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			cfg.ReadOnly, cfg.Allow, cfg.Deny = tt.readOnly, tt.allow, tt.deny
			url, h := serve(t, cfg)
			if diff := cmp.Diff(tt.want, listed(h)); diff != "" {
				t.Error(diff)
			}
			if res := call(t, url, "delete_city", `{}`); (res.Error != nil) == slices.Contains(tt.want, "delete_city") {
				t.Error("delete_city:", res)
			}
		})
	}
}

func TestConfig_patternsMatchNamesWithSlashes(t *testing.T) {
	for _, pattern := range []string{"*", "admin*", "admin/*", "*users"} {
		cfg := fixture()
		cfg.Server.Tools = []*plan.Unit{{Name: "admin/users"}}
		cfg.Server.Resources = []*plan.Resource{{Model: &model.MCPResource{}, Name: "admin/users", URI: "x://a",
			Unit: &plan.Unit{Name: "admin/users", Model: &model.Unit{}}}}
		cfg.Deny = []string{pattern}
		url, h := serve(t, cfg)
		if names := listed(h); len(names) > 0 {
			t.Errorf("%s lets through the tools %q", pattern, names)
		}
		if _, body := post(t, url, map[string]string{"Content-Type": "application/json", "Accept": "application/json"}, `{"jsonrpc":"2.0","id":1,"method":"resources/list"}`); strings.Contains(body, "admin") || !strings.Contains(body, "resources") {
			t.Errorf("%s: %s", pattern, body)
		}
	}
}

// What is denied is gone whatever it is, also where it runs nothing; what is allowed
// speaks of calls only.
func TestConfig_deniesFilesAndPromptsToo(t *testing.T) {
	for name, tt := range map[string]struct {
		allow, deny []string
		resources   bool
		prompts     bool
	}{
		"everything":    {nil, []string{"*"}, false, false},
		"by name":       {nil, []string{"docs", "FILED"}, false, false},
		"by tag":        {nil, []string{"tag:internal"}, false, true},
		"hints":         {nil, []string{"hint:open-world"}, true, true},
		"what is named": {[]string{"get_weather"}, nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := fixture()
			cfg.Server.Resources[0].Model.Tags = []string{"internal"}
			cfg.Allow, cfg.Deny = tt.allow, tt.deny
			url, _ := serve(t, cfg)
			ask := func(method, params string) string {
				_, body := post(t, url, map[string]string{"Content-Type": "application/json", "Accept": "application/json"}, `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`)
				return body
			}
			list, prompts := ask("resources/list", "{}"), ask("prompts/list", "{}")
			if strings.Contains(list, "docs://") != tt.resources || strings.Contains(prompts, `"filed"`) != tt.prompts {
				t.Errorf("%s\n%s", list, prompts)
			}
			if got := ask("prompts/get", `{"name":"filed","arguments":{"name":"x"}}`); strings.Contains(got, `"messages"`) != tt.prompts {
				t.Error(got)
			}
			if got := ask("resources/read", `{"uri":"docs://weather/guide.md"}`); strings.Contains(got, `"contents"`) != tt.resources {
				t.Error(got)
			}
		})
	}
}

func TestCheckPattern_refusesWhatMatchesNothing(t *testing.T) {
	for pattern, want := range map[string]string{
		"delete_*": "", "list cities!": "", "tag:write": "", "hint:read-only": "", "hint:openWorld": "", "[a-c]*": "",
		"": "is empty", "hint:destructve": `no hint "destructve"`, "tags:write": "begins neither with", "del[": "a bracket is not closed",
	} {
		got := ""
		if err := adapter.CheckPattern(pattern); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

func TestUpdate_tellsOfToolsThatAreSearched(t *testing.T) {
	cfg := fixture()
	cfg.SearchAbove = 2
	h := mcp.New(cfg)
	defer h.Close()
	c := newStdio(t, h)
	c.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`)
	c.receive()
	server := *cfg.Server
	tool := *server.Tools[0]
	tool.Description = "Another description."
	server.Tools = append([]*plan.Unit{&tool}, server.Tools[1:]...)
	h.Update(cfg.Plan, &server)
	c.expect("notifications/tools/list_changed")
	c.in.Close()
	c.lines.Scan() // of the folder of resources
	<-c.ended
}

func TestServeHTTP_showsToolSets(t *testing.T) {
	url, _ := serve(t, fixture())
	for query, want := range map[string]string{
		"?tags=read": "get_weather", "?tags=read,write": "get_weather delete_city",
		"?namespace=geo": "list_cities delete_city", "?namespace=geo&tags=write": "delete_city",
		"?tags=read&namespace=": "", "?tags=&namespace=geo": "",
		"?tags=nope": "", "?other=1": "get_weather list_cities delete_city",
		"?namespace=tiny": "get_weather list_cities delete_city",
	} {
		_, body := post(t, url+query, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		var m struct {
			Result struct{ Tools []struct{ Name string } }
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range m.Result.Tools {
			names = append(names, tool.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	if res, body := post(t, url+"?tags=a;b", legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); res.StatusCode != 400 {
		t.Error("a query that cannot be read shows", body)
	}
}

func TestSearchTools_standForLargeCatalogues(t *testing.T) {
	cfg := fixture()
	cfg.SearchAbove = 2
	url, h := serve(t, cfg)
	if diff := cmp.Diff([]string{"search_tools", "describe_tool", "call_read_tool", "call_write_tool"},
		listed(h)); diff != "" {
		t.Fatal(diff)
	}
	for _, tt := range []struct{ tool, arguments, want string }{
		{"search_tools", `{"query":"a city's weather"}`, `"name":"get_weather"`},
		{"search_tools", `{"query":"zzz"}`, `{"tools":[],"found":0,"hint":"No tool has any of these words.`},
		{"describe_tool", `{"name":"get_wether"}`, "Did you mean get_weather?"},
		{"search_tools", `{}`, "`query` is required"},
		{"describe_tool", `{"name":"get_weather"}`, `"inputSchema":{"type":"object"`},
		{"describe_tool", `{"name":"nope"}`, "There is no tool \"nope\""},
		{"call_read_tool", `{"name":"get_weather","arguments":{"city":"Paris"}}`, `{"city":"Paris","temp":21.50}`},
		{"call_read_tool", `{"name":"get_weather","arguments":{}}`, "`city` is required"},
		{"call_read_tool", `{"name":"delete_city","arguments":{"id":1}}`, "Call it with call_write_tool"},
		{"call_write_tool", `{"name":"delete_city","arguments":{"id":1}}`, "confirm_token"},
		{"get_weather", `{"city":"Paris"}`, `{"city":"Paris","temp":21.50}`},
	} {
		if text := call(t, url, tt.tool, tt.arguments).text(); !strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %s", tt.tool, tt.arguments, text)
		}
	}
}

func TestSearchTools_putsTheBestFirst(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools = nil
	for _, line := range []string{"list-instances: Lists the servers of a project.",
		"create-instance: Creates a virtual server.", "delete-instance: Deletes a server.",
		"list-regions: Lists regions.",
		"update-dnssec-settings: Turns DNSSEC on or off.",
		"list-invitations: Lists invitations that are waiting for an answer.",
		"getBillingHistory: What was paid, by month.", "create-backup: Saves a database."} {
		name, description, _ := strings.Cut(line, ": ")
		cfg.Server.Tools = append(cfg.Server.Tools,
			&plan.Unit{ID: "tiny." + name, Name: name, Description: description,
				Inputs: []*plan.Input{{Name: "zone", Schema: text()}}})
	}
	cfg.SearchAbove = 2
	url, _ := serve(t, cfg)
	for query, want := range map[string]string{
		"turn on DNSSEC": "update-dnssec-settings", "which regions are available": "list-regions",
		"how do I add a new server?": "create-instance",
		"remove the server":          "delete-instance", "show me all servers": "list-instances",
		"billing history": "getBillingHistory", "back up databases": "create-backup",
	} {
		var found struct {
			Tools []struct {
				Name      string
				Arguments []string
			}
		}
		if err := json.Unmarshal([]byte(call(t, url, "search_tools", `{"query":"`+query+`"}`).text()), &found); err != nil {
			t.Fatal(err)
		}
		if len(found.Tools) == 0 || found.Tools[0].Name != want ||
			!slices.Equal(found.Tools[0].Arguments, []string{"zone"}) {
			t.Errorf("%s: %+v, want %s", query, found.Tools, want)
		}
	}
}

func TestToolsCall_mapsPartsToContent(t *testing.T) {
	answer := "--x\r\nContent-Type: text/plain\r\n\r\nTwo things:\r\n" +
		"--x\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n" +
		"--x\r\nContent-Type: application/json\r\nContent-Location: test://mixed\r\n\r\n{\"a\":1}\r\n--x--\r\n"
	cfg := fixture()
	cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
		return binary("multipart/mixed; boundary=x", answer), nil
	}}
	url, _ := serve(t, cfg)
	_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities"}}`)
	want := `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Two things:"},{"type":"image","data":"iVBORw==","mimeType":"image/png"},` +
		`{"type":"resource","resource":{"uri":"test://mixed","mimeType":"application/json","text":"{\"a\":1}"}}]}}`
	if body != want {
		t.Error(body)
	}
	answer = answer[:60]
	if res := call(t, url, "list_cities", `{}`); !res.IsError {
		t.Error(res.text())
	}
}

func TestPromptsGet_embedsResources(t *testing.T) {
	url, _ := serve(t, fixture())
	for uri, want := range map[string]string{
		"tiny://about":                   `{"type":"resource","resource":{"uri":"tiny://about","mimeType":"text/plain","text":"We are tiny."}}`,
		"docs://weather/img/a%20dot.png": `{"type":"image","data":"iVBORw0KGgo=","mimeType":"image/png"}`,
		"tiny://about it":                `{"type":"text","text":"tiny://about it"}`,
	} {
		_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"embed","arguments":{"uri":"`+uri+`"}}}`)
		if !strings.Contains(body, `{"role":"user","content":`+want+`}`) {
			t.Error(body)
		}
	}
}

func TestResourcesRead_sendsFilesUpToTenMiB(t *testing.T) {
	cfg := fixture()
	cfg.Server.Resources[0].Files = fstest.MapFS{"fits.md": {Data: make([]byte, 10<<20)},
		"large.md": {Data: make([]byte, 10<<20+1)}}
	url, _ := serve(t, cfg)
	for name, want := range map[string]string{"fits.md": `"contents":[`, "large.md": `"code":-32603`} {
		if _, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"docs://weather/`+name+`"}}`); !strings.Contains(body, want) {
			t.Errorf("%s: %.300s", name, body)
		}
	}
}

// Programs in JavaScript round what a float64 does not hold, so such numbers stand
// in the text only, which says so.
func TestToolsCall_keepsNumbersThatClientsRoundOutOfStructuredContent(t *testing.T) {
	promised := &schema.Schema{Type: "object",
		Properties: []schema.Property{{Name: "id", Schema: &schema.Schema{Type: "integer"}},
			{Name: "ids", Schema: &schema.Schema{Type: "array", Items: &schema.Schema{Type: "integer"}}},
			{Name: "name", Schema: text()}}}
	for name, tt := range map[string]struct {
		answer     string
		output     *schema.Schema
		structured string
		modern     string // where it is different
		note       string
	}{
		"without a promise": {`{"id":9007199254740993,"big":1e400,"name":"n","at":[{"id":12345678901234567890,"n":1}]}`, nil, `{"name":"n","at":[{"n":1}]}`, "", "`id`, `big`, `at[].id`"},
		"as promised":       {`{"id":9007199254740993,"ids":[1,9007199254740993],"name":"n","more":0.12345678901234567890}`, promised, `{"name":"n"}`, "", "`id`, `ids[]`, `more`"},
		"of another type":   {`{"id":"9007199254740993","name":9007199254740993}`, promised, `{}`, "", "`id`, `name`"},
		"a list":            {`[9007199254740993]`, nil, "", "", ""},
		"a list of objects": {`[{"id":9007199254740993,"n":1}]`, nil, "", `[{"n":1}]`, "`[].id`"},
		"a number":          {`9007199254740993`, nil, "", "", ""},
		"a promised list":   {`[{"id":9007199254740993,"n":1}]`, &schema.Schema{Type: "array", Items: &schema.Schema{Type: "object"}}, `{"items":[{"n":1}]}`, "", "`items[].id`"},
		"in a text":         {`{"id":"9007199254740993"}`, nil, `{"id":"9007199254740993"}`, "", ""},
	} {
		for _, modernEra := range []bool{false, true} {
			cfg := fixture()
			cfg.Server.Tools[1].Result = tt.output
			cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result,
				*engine.Error) {
				return raw(tt.answer), nil
			}}
			url, _ := serve(t, cfg)
			headers, meta, want := legacy, "", tt.structured
			if modernEra {
				headers, meta, want = modern("tools/call", "list_cities"), ","+modernMeta, tt.structured+tt.modern
			}
			_, body := post(t, url, headers, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities"`+meta+`}}`)
			res := parse(t, body)
			if got := string(res.StructuredContent); got != want || res.IsError {
				t.Errorf("%s: structured content %s, want %s", name, got, want)
			}
			// where there is no structured content, nothing is missing there
			told := want == "" && !modernEra || strings.Contains(res.text(), tt.note)
			if res.Content[0].Text != tt.answer || !told {
				t.Errorf("%s: got %s, want the answer and %s", name, res.text(), tt.note)
			}
		}
	}
}

package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
)

func TestToolsCall_advisesAfterAnErrorOfTheAPI(t *testing.T) {
	answered := func(status int, body string, header ...string) *engine.Error {
		e := &engine.Error{Kind: engine.Answered, Status: status, Title: fmt.Sprintf("api.x answered %d", status),
			Body: []byte(body), Header: http.Header{}, Retry: status == 429 || status >= 500}
		for i := 0; i < len(header); i += 2 {
			e.Header.Set(header[i], header[i+1])
		}
		return e
	}
	long := `{"errors":[` + strings.TrimSuffix(strings.Repeat(`{"field":"x","msg":"`+strings.Repeat("y", 50)+`"},`, 500), ",") + `]}`
	for _, tt := range []struct {
		name     string
		tool     string
		err      *engine.Error
		want, no string
	}{
		{"rate limit of GitHub", "list_cities", answered(403, `{"message":"API rate limit exceeded"}`, "X-Ratelimit-Remaining", "0"), "The limit of calls is used up. Try again later.", "fail again"},
		{"rate limit with a wait", "list_cities", answered(429, ``, "Ratelimit-Reset", "30"), "Try again after 30 seconds.", ""},
		{"a wait as a date", "list_cities", answered(503, ``, "Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)), "Try again after 1 seconds.", ""},
		{"a read that failed", "list_cities", answered(502, ``), "The same call may succeed later.", "taken effect"},
		{"an idempotent write that failed", "delete_city", answered(502, ``), "The same call may succeed later.", "taken effect"},
		{"a write that failed", "add_city", answered(502, ``), "It may have taken effect. Look before you call again.", "succeed later"},
		{"no credential", "list_cities", answered(401, `{"message":"bad key"}`), "did not take the credential", ""},
		{"a conflict", "list_cities", answered(409, `{"message":"changed"}`), "Read the current state first.", ""},
		{"XML", "list_cities", answered(404, `<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>`), "answered 404: The key does not exist.", ""},
		{"SOAP", "list_cities", answered(400, `<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>Client</faultcode><faultstring>Invalid account</faultstring></s:Fault></s:Body></s:Envelope>`), "answered 400: Invalid account", ""},
		{"JSON:API", "list_cities", answered(422, `{"errors":[{"status":"422","detail":"name is taken"}]}`), "answered 422: name is taken", ""},
		{"FastAPI", "list_cities", answered(422, `{"detail":[{"loc":["body","x"],"msg":"field required"}]}`), "answered 422: field required", ""},
		{"Salesforce", "list_cities", answered(400, `[{"message":"No such column","errorCode":"X"}]`), "answered 400: No such column", ""},
		{"a trace as text", "list_cities", answered(500, "boom\n\tat com.x.A.b(A.java:7)\nCaused by: y\n"),
			"answered 500: boom\nCaused by: y", "A.java"},
		{"a trace of Python", "list_cities", answered(500, `{"message":"Traceback (most recent call last):\n  File \"/srv/x.py\", line 3, in f\n    g()\nValueError: no"}`), "ValueError: no", "x.py"},
		{"a stack trace", "list_cities", answered(500, `{"message":"boom","code":"E1","stack":"at secret.go:1"}`), `{"message":"boom","code":"E1"}`, "secret.go"},
		{"many fields", "list_cities", answered(422, long), "(shortened)", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			cfg.Server.Tools = append(cfg.Server.Tools, &plan.Unit{ID: "tiny.add_city", Name: "add_city"})
			cfg.Server.Tools[2].Confirm = false
			failing := func(context.Context, engine.Args) (*engine.Result, *engine.Error) { return nil, tt.err }
			cfg.Invoker = invoker{"list cities!": failing, "delete_city": failing, "add_city": failing}
			url, _ := serve(t, cfg)
			arguments := map[bool]string{true: `{"id":1}`, false: `{}`}[tt.tool == "delete_city"]
			res := call(t, url, tt.tool, arguments)
			if !res.IsError || !strings.Contains(res.text(), tt.want) || tt.no != "" &&
				strings.Contains(res.text(), tt.no) || len(res.text()) > 5000 {
				t.Errorf("got %s", res.text())
			}
			if _, body, ok := strings.Cut(res.text(), "Answer of the API: "); ok && tt.name == "many fields" {
				if body, _, _ = strings.Cut(body, " (shortened)"); !json.Valid([]byte(body)) {
					t.Errorf("no JSON: %s", body)
				}
			}
		})
	}
}

func TestToolsCall_tellsWhatHeadersSay(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		status int
		header http.Header
		body   string
		want   string
		failed bool
	}{
		{"something new", "POST", 201, http.Header{"Location": {"https://me:pw@api.example/orders/77?key=secret#x"}}, ``, "text:Done: 201 Created\nLocation: https://api.example/orders/77", false},
		{"a next page", "GET", 200, http.Header{"Link": {`<https://api.example/x?limit=5&api_key=secret>; rel="next", <https://api.example/x>; rel="last"`}}, `[1]`, "text:[1] text:There is a next page.", false},
		{"a next page that no argument asks for", "GET", 200, http.Header{"Link": {`<https://api.example/x?token=secret>; rel=next`}, "X-Total-Count": {"431"}}, `[1]`, "text:[1] text:In all: 431\nThere is a next page.", false},
		{"not ready", "GET", 202, http.Header{"Retry-After": {"5"}}, `{}`, "text:{} text:Not ready yet: ask again after 5 (seconds, or a date).", false},
		{"elsewhere", "GET", 302, http.Header{"Location": {"https://blob.example/log?sig=secret"}}, ``, "the API answered 302 Found and points elsewhere: https://blob.example/log\n", true},
		{"what was written", "POST", 303, http.Header{"Location": {"/orders/7"}}, ``, "text:Done: 303 See Other\nLocation: /orders/7", false},
		{"a write to another place", "POST", 307, http.Header{"Location": {"https://other.example/orders"}}, ``, "points elsewhere: https://other.example/orders\n", true},
		{"a write that moved", "PUT", 301, http.Header{"Location": {"https://api.example/orders"}}, ``, "points elsewhere: https://api.example/orders\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
				res := &engine.Result{Method: tt.method, Status: tt.status, Header: tt.header}
				if tt.body != "" {
					res = raw(tt.body)
					res.Status, res.Header = tt.status, tt.header
				}
				return res, nil
			}}
			url, _ := serve(t, cfg)
			res := call(t, url, "list_cities", `{}`)
			var got []string
			for _, c := range res.Content {
				got = append(got, c.Type+":"+c.Text)
			}
			if all := strings.Join(got, " "); !strings.Contains(all, tt.want) || res.IsError != tt.failed ||
				strings.Contains(all, "secret") {
				t.Errorf("got %s", all)
			}
		})
	}
}

func TestToolsCall_refusesMoreBytesThanTheDocumentAllows(t *testing.T) {
	for size, failed := range map[int]bool{4: false, 5: true} {
		cfg := fixture()
		cfg.Server.Tools[1].Steps = []*plan.Step{{Call: &plan.Call{MaxBinary: 4}}}
		cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			res := binary("application/octet-stream", strings.Repeat("\x00", size))
			res.Binary = failed // what an API does not declare is limited, too
			return res, nil
		}}
		url, _ := serve(t, cfg)
		if res := call(t, url, "list_cities", `{}`); res.IsError != failed {
			t.Errorf("%d bytes: %s", size, res.text())
		}
	}
}

func TestToolsCall_sendsBytesAsModelsTakeThem(t *testing.T) {
	for _, tt := range []struct {
		name     string
		result   *engine.Result
		kind     string
		mimeType string
		text     bool // an embedded resource as text
	}{
		{"a picture", binary("image/png", "\x89PNG"), "image", "image/png", false},
		{"a picture that nobody declared",
			func() *engine.Result { r := binary("image/png", "\x89PNG"); r.Binary = false; return r }(), "image",
			"image/png", false},
		{"a picture that no model takes", binary("image/tiff", "II*\x00"), "resource", "image/tiff", false},
		{"a drawing", binary("image/svg+xml", "<svg/>"), "resource", "image/svg+xml", true},
		{"a table", binary("text/csv", "a,b"), "resource", "text/csv", true},
		{"text that is none", binary("text/csv", "a,\xff"), "resource", "text/csv", false},
		{"a document", binary("application/pdf", "%PDF"), "resource", "application/pdf", false},
		{"JSON that calls itself bytes", func() *engine.Result { r := raw(`{"a":1}`); r.ContentType = "application/octet-stream"; return r }(), "text", "", false},
		{"an archive", func() *engine.Result { r := raw("a.txt\x00\x00"); r.ContentType = "application/octet-stream"; return r }(), "resource", "application/octet-stream", false},
		{"JSON with half a character", raw(`{"a":"\ud800"}`), "text", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fixture()
			cfg.Invoker = invoker{"list cities!": func(context.Context, engine.Args) (*engine.Result,
				*engine.Error) {
				return tt.result, nil
			}}
			url, _ := serve(t, cfg)
			res := call(t, url, "list_cities", `{}`)
			c := res.Content[0]
			if c.Type != tt.kind || c.MimeType+c.Resource.MimeType != tt.mimeType ||
				(c.Resource.Text != "") != tt.text {
				t.Errorf("%+v", c)
			}
		})
	}
}

// withArguments is a server whose list_cities takes the arguments and answers so.
func withArguments(t *testing.T, answer func() *engine.Result, names ...string) (url string) {
	cfg := fixture()
	cfg.MaxChars = 3000
	list := cfg.Server.Tools[1]
	list.Inputs = nil
	for _, name := range names {
		list.Inputs = append(list.Inputs, &plan.Input{Name: name, Schema: &schema.Schema{Input: true}})
	}
	cfg.Invoker = invoker{list.Name: func(context.Context, engine.Args) (*engine.Result,
		*engine.Error) {
		return answer(), nil
	}}
	url, _ = serve(t, cfg)
	return url
}

// What is advised leads to the next page, and nowhere else.
func TestToolsCall_advisesOnlyWhatLeadsToTheNextPage(t *testing.T) {
	for _, tt := range []struct {
		name, arguments, given, link, want string
	}{
		{"a page number", "page limit", `{"limit":5}`, "?page=2&limit=5", "Next page: call again with `limit`: 5, `page`: 2."},
		{"a cursor", "cursor", `{}`, "?cursor=abc%3D", "Next page: call again with `cursor`: abc=."},
		{"an offset", "offset q", `{"offset":10,"q":"x"}`, "?offset=20&q=x", "Next page: call again with `offset`: 20, `q`: x."},
		{"the page of this call", "page", `{"page":2}`, "?page=2", "There is a next page."},
		{"a size only", "limit", `{"limit":5}`, "?limit=5&after=x", "There is a next page."},
		{"a size, and a page that no argument chooses", "limit page", `{"page":1}`, "?limit=5&page=2&cursor=x", "There is a next page."},
		{"by something nobody knows", "page", `{}`, "?t=abc", "There is a next page; for it, use page."},
		{"by nothing", "limit", `{}`, "?limit=5", "There is a next page."},
	} {
		url := withArguments(t, func() *engine.Result {
			res := raw(`[1]`)
			res.Header = http.Header{"Link": {"<https://api.example/x" + tt.link + `>; rel="next"`}}
			return res
		}, strings.Fields(tt.arguments)...)
		if got := call(t, url, "list_cities", tt.given).Content[1].Text; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What is advised of a list that was cut skips nothing of it.
func TestToolsCall_advisesNothingThatSkipsWhatWasCut(t *testing.T) {
	const asks = "Cut to fit: shows 22 of 100 items. To see all, ask for at most 22 at a time with limit, then go on with page."
	row := `{"text":"` + strings.Repeat("x", 100) + `"}`
	list := "[" + strings.Repeat(row+",", 99) + row + "]"
	for _, tt := range []struct {
		name, arguments, given, body, want string
	}{
		{"a smaller page first", "limit page", `{}`, list, " at a time with limit, then go on with page."},
		{"a cursor in the answer", "per_page cursor q", `{}`, `{"next_cursor":"x","rows":` + list + `}`,
			" at a time with per_page, then go on with cursor. For less, use q."},
		{"a size that the API ignores", "limit page", `{"limit":10}`, list, "items. What page leads to begins after what was cut."},
		{"a cursor without a size", "cursor", `{}`, list, "items. What cursor leads to begins after what was cut."},
		{"an offset", "limit offset", `{}`, list, "items. For the rest, use offset."},
		{"a list beside the one that was asked for", "limit offset", `{"limit":10}`, `{"rows":[1,2],"facets":` + list + `}`, "items. Ask for something narrower to see the rest."},
		{"an offset and a size", "limit offset", `{"limit":500}`, list, "items. For the rest, use offset."},
		{"two lists", "limit offset", `{}`, `{"a":` + list + `,"b":` + list + `}`, "at a time with limit, then go on with offset."},
		{"a size only", "limit", `{}`, list, "items. Ask for something narrower to see the rest."},
		{"a list within an item", "offset limit", `{}`, `[{"rows":` + list + `}]`, "items. Ask for something narrower to see the rest."},
		{"a text", "offset limit page", `{}`, strings.Repeat("a,b\n", 2000), "characters. Ask for something narrower to see the rest."},
		{"a text in JSON", "offset limit filter", `{}`, `{"log":"` + strings.Repeat("x ", 4000) + `"}`, "characters. For less, use filter."},
	} {
		for _, linked := range []bool{false, true} {
			url := withArguments(t, func() *engine.Result {
				res := raw(tt.body)
				if linked {
					res.Header = http.Header{"Link": {`<https://api.example/x?page=2&offset=100&cursor=x>; rel="next"`}}
				}
				return res
			}, strings.Fields(tt.arguments)...)
			got := call(t, url, "list_cities", tt.given).text()
			if tt.name == "a smaller page first" && !linked && !strings.HasSuffix(got, asks) {
				t.Errorf("got %s", got)
			}
			if !strings.Contains(got, tt.want) || strings.Contains(got, "call again with") {
				t.Errorf("%s: got %s, want %s", tt.name, got[max(0, len(got)-300):], tt.want)
			}
		}
	}
}

package rest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// closing remembers that it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestHandler_writesWhatTheUnitAnswers(t *testing.T) {
	header := http.Header{"Etag": {`"1"`}, "Link": {"a", "b"}}
	tests := map[string]struct {
		result        *engine.Result
		status        int
		contentType   string
		length, body  string
		withoutHeader bool
	}{
		"raw": {result: raw(201, "application/json", `{"a":1.10}`), status: 201, contentType: "application/json", length: "10", body: `{"a":1.10}`},
		"raw, unknown length": {result: &engine.Result{Status: 200, ContentType: "text/csv", Length: -1,
			Raw: io.NopCloser(strings.NewReader("a,b"))}, status: 200, contentType: "text/csv", body: "a,b"},
		"raw, no type": {result: raw(200, "", "<html>"), status: 200, length: "6", body: "<html>"},
		"raw, empty": {result: raw(200, "text/plain", ""), status: 200, contentType: "text/plain",
			length: "0"},
		"raw, large": {result: raw(200, "text/plain", strings.Repeat("x", 100_000)), status: 200,
			contentType: "text/plain", length: "100000", body: strings.Repeat("x", 100_000)},
		"value":             {result: &engine.Result{Status: 202, Value: value.Map(value.Member{Name: "b", Value: value.Num("1.10")}, value.Member{Name: "a", Value: value.Nil()})}, status: 202, contentType: "application/json", length: "19", body: `{"b":1.10,"a":null}`},
		"value, no status":  {result: &engine.Result{Value: value.Nil()}, status: 200, contentType: "application/json", length: "4", body: `null`},
		"nothing":           {result: &engine.Result{Status: 200}, status: 200},
		"no content":        {result: raw(204, "application/json", "x"), status: 204},
		"no content, value": {result: &engine.Result{Status: 204, Value: value.Of("x")}, status: 204},
		"not modified":      {result: raw(304, "application/json", "x"), status: 304},
		"redirect of upstream": {result: raw(302, "text/plain", "x"), status: 302, contentType: "text/plain",
			length: "1", body: "x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.result.Header = header
			body := &closing{}
			if tt.result.Raw != nil {
				body.Reader, tt.result.Raw = tt.result.Raw, body
			}
			server := serve(t, koyeb(answering(tt.result, nil)))
			resp, err := http.DefaultTransport.RoundTrip(httptestRequest(t, "GET", server.URL+"/v1/apps", nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || string(got) != tt.body || resp.StatusCode != tt.status ||
				resp.Header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q %.100q, %v", resp.StatusCode, resp.Header.Get("Content-Type"), got, err)
			}
			if tt.length != "" && resp.Header.Get("Content-Length") != tt.length {
				t.Errorf("length is %q", resp.Header.Get("Content-Length"))
			}
			if resp.Header.Get("Etag") != `"1"` || len(resp.Header["Link"]) != 2 {
				t.Errorf("headers are %v", resp.Header)
			}
			if tt.result.Raw != nil && !body.closed {
				t.Error("the answer is not closed")
			}
		})
	}
}

func httptestRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHandler_passesPiecesOnAsTheyCome(t *testing.T) {
	for _, contentType := range []string{"text/event-stream", "application/x-ndjson"} {
		t.Run(contentType, func(t *testing.T) {
			source, sink := io.Pipe()
			server := serve(t, koyeb(answering(&engine.Result{ContentType: contentType, Length: -1, Raw: source}, nil)))
			write := func(text string) { _, _ = io.WriteString(sink, text) }
			if contentType != "text/event-stream" { // of events the header comes at once
				go write("one\n")
			}
			resp, err := http.DefaultTransport.RoundTrip(httptestRequest(t, "GET", server.URL+"/v1/apps", nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if contentType == "text/event-stream" {
				go write("one\n")
			}
			lines := bufio.NewReader(resp.Body)
			for _, want := range []string{"one\n", "two\n"} {
				if got, err := lines.ReadString('\n'); got != want {
					t.Fatalf("got %q, %v", got, err)
				}
				if want == "one\n" {
					go func() { write("two\n"); sink.Close() }()
				}
			}
			if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
				t.Errorf("got %q, %v", rest, err)
			}
		})
	}
}

func TestHandler_neverEndsABrokenAnswerAsComplete(t *testing.T) {
	fails := func(text string) io.ReadCloser {
		return io.NopCloser(io.MultiReader(strings.NewReader(text), errorReader{}))
	}
	tests := map[string]*engine.Result{
		"unknown length": {ContentType: "text/plain", Length: -1, Raw: fails("some")},
		"known length":   {ContentType: "text/plain", Length: 100, Raw: fails("some")},
		"ends too early": {ContentType: "text/plain", Length: 100, Raw: io.NopCloser(strings.NewReader("some"))},
		"too long":       {ContentType: "text/plain", Length: 2, Raw: io.NopCloser(strings.NewReader("some"))},
		"events":         {ContentType: "text/event-stream", Length: -1, Raw: fails("")},
	}
	for name, result := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, koyeb(answering(result, nil)))
			resp, err := http.DefaultTransport.RoundTrip(httptestRequest(t, "GET", server.URL+"/v1/apps", nil))
			if err != nil {
				return // not even a header: as good
			}
			defer resp.Body.Close()
			if text, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode == 200 {
				t.Errorf("complete answer %q", text)
			}
		})
	}
}

func TestHandler_saysThatAShortAnswerBrokeOff(t *testing.T) { // issue 9, C20
	for name, length := range map[string]int64{"short": 100, "as long as is held": held} {
		result := raw(200, "application/json", `{"a":1`)
		result.Length = length
		server := serve(t, koyeb(answering(result, nil)))
		resp, err := http.DefaultTransport.RoundTrip(httptestRequest(t, "GET", server.URL+"/v1/apps", nil))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 502 || resp.Header.Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(string(text), "broke off") {
			t.Errorf("%s: %d %s, %v", name, resp.StatusCode, text, err)
		}
	}
}

// errorReader is a connection that was reset.
type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errors.New("connection reset by 10.0.0.1") }

func TestHandler_answersWithAProblemWhenNothingWasSentYet(t *testing.T) {
	var log bytes.Buffer
	result := &engine.Result{Header: http.Header{"Etag": {"1"}}, ContentType: "text/plain", Length: 5,
		Raw: io.NopCloser(errorReader{})}
	h := New(Config{Server: &plan.Server{Routes: []*plan.Route{operationOf("GET", "/x")}},
		Invoker: answering(result, nil), Logger: logTo(&log)})
	w := do(h, "GET", "/x", "")
	if p := problemOf(t, w); w.Code != 502 || p.Get("type").Text() != "https://fairlead.dev/problems/unreachable" ||
		w.Header().Get("Etag") != "" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	if strings.Contains(w.Body.String()+log.String(), "10.0.0.1") || !strings.Contains(log.String(), "broke off") {
		t.Error(log.String())
	}
}

func TestHandler_passesUpstreamErrorsAsTheyCame(t *testing.T) { // semantics 5.5
	failed := &engine.Error{Kind: engine.Answered, Status: 429, Title: "x", ContentType: "application/vnd.koyeb+json", Body: []byte(`{"code":"rate_limit_error" }`),
		Header: http.Header{"Retry-After": {"7"}, "Www-Authenticate": {"Bearer"}, "X-Ratelimit-Reset": {"7"}}}
	w := do(koyeb(answering(nil, failed)), "GET", "/v1/apps", "")
	if w.Code != 429 || w.Body.String() != `{"code":"rate_limit_error" }` || w.Header().Get("Content-Type") != "application/vnd.koyeb+json" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	for name := range failed.Header {
		if w.Header().Get(name) == "" {
			t.Errorf("%s is lost", name)
		}
	}
	empty := do(koyeb(answering(nil, &engine.Error{Kind: engine.Answered, Status: 401})), "GET", "/v1/apps", "")
	if empty.Code != 401 || empty.Body.Len() > 0 || empty.Header().Get("Content-Type") != "" {
		t.Errorf("empty gives %d %v %s", empty.Code, empty.Header(), empty.Body)
	}
	head := do(koyeb(answering(nil, failed)), "HEAD", "/v1/apps", "")
	if head.Code != 429 || head.Body.Len() > 0 || head.Header().Get("Content-Length") != "28" {
		t.Errorf("HEAD gives %d %v %s", head.Code, head.Header(), head.Body)
	}
}

func TestHandler_turnsEngineErrorsIntoProblems(t *testing.T) { // semantics 5.5
	tests := map[string]struct {
		err    *engine.Error
		status int
		body   string
		retry  string
	}{
		"all there is": {&engine.Error{Kind: engine.Unavailable, Status: 503, Title: "the credential K is not set",
			Detail: "Set it.", Step: "login", Retry: true, Header: http.Header{"Retry-After": {"3"}, "X-Other": {"1"}}},
			503, `{"type":"https://fairlead.dev/problems/unavailable","title":"the credential K is not set","status":503,"detail":"Set it.","step":"login"}`, "3"},
		"inputs": {&engine.Error{Kind: engine.BadInput, Title: "input is missing",
			Fields: []engine.Field{{Name: "id", Problem: "is required"}, {Name: "other", Problem: "is odd"}}},
			400, `{"type":"https://fairlead.dev/problems/bad-input","title":"input is missing","status":400,"errors":[{"name":"id","in":"path","detail":"is required"},{"name":"other","detail":"is odd"}]}`, ""},
		"timeout":     {&engine.Error{Kind: engine.TimedOut, Title: "no answer"}, 504, `{"type":"https://fairlead.dev/problems/timeout","title":"no answer","status":504}`, ""},
		"unreachable": {&engine.Error{Kind: engine.Unreachable, Title: "no answer"}, 502, `{"type":"https://fairlead.dev/problems/unreachable","title":"no answer","status":502}`, ""},
		"not to be retried": {&engine.Error{Kind: engine.BadAnswer, Title: "a page",
			Header: http.Header{"Retry-After": {"3"}}}, 502,
			`{"type":"https://fairlead.dev/problems/bad-answer","title":"a page","status":502}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := do(koyeb(answering(nil, tt.err)), "GET", "/v1/apps/7", "")
			problemOf(t, w)
			if w.Code != tt.status || w.Body.String() != tt.body || w.Header().Get("Retry-After") != tt.retry ||
				w.Header().Get("X-Other") != "" {
				t.Errorf("got %d %v\n%s\nwant\n%s", w.Code, w.Header(), w.Body, tt.body)
			}
		})
	}
}

func TestHandler_writesNothingForACallerWhoIsGone(t *testing.T) {
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("got %v", v)
		}
	}()
	w := do(koyeb(answering(nil, &engine.Error{Kind: engine.Canceled, Status: 499, Title: "canceled"})), "GET",
		"/v1/apps", "")
	t.Errorf("wrote %d %s", w.Code, w.Body)
}

func TestHandler_handsOnTheCallersContext(t *testing.T) {
	type mark struct{}
	var got any
	inv := &invoker{run: func(ctx context.Context, _ *plan.Unit, _ engine.Args) (*engine.Result, *engine.Error) {
		got = ctx.Value(mark{})
		return &engine.Result{}, nil
	}}
	r := httptest.NewRequest("GET", "/v1/apps", nil)
	koyeb(inv).ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), mark{}, 1)))
	if got != 1 {
		t.Errorf("got %v", got)
	}
}

// later panics when it is read a second time.
type later struct{ read bool }

func (l *later) Read(p []byte) (int, error) {
	if l.read {
		panic("in the middle")
	}
	l.read = true
	return copy(p, "some"), nil
}

func TestHandler_endsTheConnectionOnAPanicInTheMiddle(t *testing.T) {
	server := serve(t, koyeb(answering(&engine.Result{ContentType: "text/plain", Length: -1,
		Raw: io.NopCloser(&later{})}, nil)))
	resp, err := http.DefaultTransport.RoundTrip(httptestRequest(t, "GET", server.URL+"/v1/apps", nil))
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("complete answer %q", text)
	}
}

func TestRewriteLinks_keepsWhatLeadsSomewhere(t *testing.T) {
	rewrite := func(target string) string { return strings.TrimPrefix(target, "x") }
	for in, want := range map[string]string{
		`<xa>; rel=next, <x>; rel="a, b", <c>;title="<,>"`: `<a>; rel=next, <c>;title="<,>"`,
		`<a>,<b>`: `<a>, <b>`, ``: ``, `no link`: ``, `<open`: ``, `<a>; t="open, <b>`: `<a>; t="open, <b>`,
	} {
		if got := rewriteLinks(in, rewrite); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzRewriteLinks(f *testing.F) {
	f.Add(`<a>; rel="next, last", <b>`)
	f.Fuzz(func(t *testing.T, text string) {
		once := rewriteLinks(text, func(target string) string { return target })
		if twice := rewriteLinks(once, func(target string) string { return target }); twice != once {
			t.Errorf("%q, then %q", once, twice)
		}
		if got := rewriteLinks(text, func(string) string { return "" }); got != "" {
			t.Errorf("%q stays", got)
		}
	})
}

// What may run scripts in a browser is none of this server's own pages, however its
// type is spelt.
func TestIsPage(t *testing.T) {
	for contentType, want := range map[string]bool{"text/html": true, "TEXT/HTML; charset=utf-8": true,
		"image/svg+xml": true, "Image/SVG+XML": true,
		"text/xml": true, "application/xml; charset=utf-8": true, "application/xhtml+xml": true,
		"application/json, text/html": true, "text/plain;x=1 , Image/SVG+xml;y": true, "text/xsl": true,
		"multipart/x-mixed-replace; boundary=x": true, "application/json": false, "text/plain": false,
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": false, "": false} {
		if got := isPage(contentType); got != want {
			t.Errorf("%s: %t", contentType, got)
		}
	}
}

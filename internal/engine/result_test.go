package engine

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("reset") }

func TestBytes(t *testing.T) {
	for name, test := range map[string]struct {
		result Result
		want   string
		kind   Kind
		fails  bool
	}{
		"a value": {Result{Value: value.Map(value.Member{Name: "a", Value: value.Int(1)})}, `{"a":1}`, 0, false},
		"nothing": {Result{}, "", 0, false},
		"a stream of known length": {Result{Raw: &body{Reader: strings.NewReader("0123456789")}, Length: 10},
			"0123456789", 0, false},
		"a stream of unknown length": {Result{Raw: &body{Reader: strings.NewReader("0123456789")}, Length: -1},
			"0123456789", 0, false},
		"a length above the limit": {Result{Raw: &body{Reader: strings.NewReader("")}, Length: 11}, "", TooLarge,
			true},
		"a stream that passes a limit": {Result{Raw: &body{Reader: strings.NewReader("01234567890")}, Length: -1}, "",
			TooLarge, true},
		"a stream that breaks off": {Result{Raw: &body{Reader: broken{}}, Length: -1}, "", Unreachable, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, failure := test.result.Bytes(10)
			if (failure != nil) != test.fails || failure != nil && failure.Kind != test.kind ||
				string(got) != test.want {
				t.Errorf("got %q, %v", got, failure)
			}
			if b, ok := test.result.Raw.(*body); ok && !b.closed {
				t.Error("the stream stays open")
			}
		})
	}
}

func TestMessage_readsWhatAPIsSay(t *testing.T) {
	for in, want := range map[string]string{
		`{"message":"a"}`: "a", `{"error":{"message":"b"}}`: "b", `{"error":"c"}`: "c", `{"error":"x","error_description":"d"}`: "d",
		`{"title":"e","status":4}`: "e", `{"errors":[{"message":"f"}]}`: "f", `{"errors":["g"]}`: "g", `plain words`: "plain words",
		`{"errorCode":"E1","errorSummary":"i","errorCauses":[{"errorSummary":"x"}]}`: "i", // Okta
		`{"errorMessages":["j"],"errors":{}}`:                                        "j", // Jira
		`{"errorMessages":[],"errors":{"summary":"k"}}`:                              "summary: k",
		`{"errors":{"name":["is taken"]}}`:                                           "name: is taken", // Rails
		`{"errors":[{"status":"422","code":"x","detail":"l"}]}`:                      "l",              // JSON:API
		`{"fault":{"faultstring":"m","detail":{"errorcode":"x"}}}`:                   "m",              // Apigee
		`{"fault":"n"}`: "n",
		`{"error_summary":"o/..","error":{".tag":"x"}}`:                  "o/..", // Dropbox
		`{"status_code":34,"status_message":"p"}`:                        "p",    // TMDB
		`{"Message":"q","ExceptionMessage":"r"}`:                         "q",    // ASP.NET
		`{"error":{"errors":[{"reason":"x"}],"code":404,"message":"s"}}`: "s",    // Google
		`{"messages":[{"message":"t"}]}`:                                 "t",
		`{"ErrorCode":1,"ErrorMessage":"u"}`:                             "u",
		`{"detail":[{"loc":["body"],"msg":"v"}]}`:                        "v", // FastAPI
		`{"Fault":{"Error":[{"Message":"w","Detail":"x"}]}}`:             "w", // Intuit
		`{"errors":[],"data":null,"message":"y"}`:                        "y",
		`<html>`: "", `{"a":1}`: "", ``: "", `{"message":{"nested":1},"detail":"h"}`: "h",
	} {
		if got := (&Error{Body: []byte(in)}).Message(); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestError_namesStepAndFields(t *testing.T) {
	e := &Error{Title: "inputs are missing", Step: "find",
		Fields: []Field{{"id", "is required"}, {"name", "is required"}}}
	if got := e.Error(); got != "step find: inputs are missing: id is required; name is required" {
		t.Errorf("got %s", got)
	}
}

func TestPass_keepsWhatMeansSomethingToACaller(t *testing.T) {
	h := http.Header{"Location": {"/x"}, "Set-Cookie": {"a"}, "X-Ratelimit-Limit": {"1"}, "Ratelimit-Policy": {"2"},
		"Server": {"s"}, "Etag": {"e"}}
	got := pass(h)
	if len(got) != 4 || got.Get("Location") != "/x" || got.Get("Etag") != "e" {
		t.Errorf("got %v", got)
	}
	if got := passError(http.Header{"Www-Authenticate": {"Bearer"}, "Etag": {"e"}}); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestSample_fitsItsSchema(t *testing.T) {
	for _, s := range []*schema.Schema{
		{Type: "string"}, {Type: "integer"}, {Type: "boolean"}, {Type: "number"},
		{Type: "array", Items: &schema.Schema{Type: "integer"}}, {},
		{Type: "string", Enum: []value.Value{value.Of("x")}}, {Type: "integer", Default: value.Int(3)},
		{Type: "object", Properties: []schema.Property{{Name: "a", Schema: &schema.Schema{Type: "boolean"},
			Required: true}, {Name: "b", Schema: &schema.Schema{}}}},
	} {
		if _, problem := s.Convert(Sample("name", s)); problem != nil {
			t.Errorf("%+v: %v", s, problem)
		}
	}
}

func TestAnswered_isUTF8(t *testing.T) {
	c := &plan.Call{Request: &upstream.Request{Target: "api.get"}}
	for contentType, tt := range map[string]struct{ body, want, kind string }{
		"application/json; charset=utf-16le": {"{\x00}\x00", "{}", "application/json; charset=utf-8"},
		"text/plain; charset=iso-8859-1":     {"refus\xe9", "refusé", "text/plain; charset=utf-8"},
		"text/html; charset=iso-8859-1":      {"refusé", "refusé", "text/html; charset=iso-8859-1"},
		"text/plain":                         {"refus\xe9", "refus\xe9", "text/plain"},
		"image/png":                          {"\x89PNG", "\x89PNG", "image/png"},
	} {
		e := (&invocation{args: &Args{}}).answered(t.Context(), c,
			&http.Response{StatusCode: 400, Request: &http.Request{},
				Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(tt.body))})
		if string(e.Body) != tt.want || e.ContentType != tt.kind {
			t.Errorf("%s: %q, %s", contentType, e.Body, e.ContentType)
		}
	}
}

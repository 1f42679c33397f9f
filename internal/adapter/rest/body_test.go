package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// unknownLength sends a body without Content-Length.
func unknownLength(h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/x", io.MultiReader(body)))
	return w
}

func login(inv *invoker, change ...func(*plan.Input)) *Handler {
	return handlerOf(inv, operationOf("POST", "/x", input("body", plan.AsBody, "string", change...)))
}

func TestHandler_passesTheBodyAsItCame(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 10_000)
	tests := map[string]struct {
		body       string
		chunked    bool
		replayable bool
		length     int64
	}{
		"small":               {`{"email":"a" } `, false, true, 15},
		"of unknown length":   {`{"email":"a" } `, true, true, 15},
		"largest kept":        {large[:replayable], false, true, replayable},
		"largest kept, chunk": {large[:replayable], true, true, replayable},
		"large":               {large, false, false, 160_000},
		"large, chunked":      {large, true, false, -1},
		"one past, chunked":   {large[:replayable+1], true, false, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inv := &invoker{}
			var w *httptest.ResponseRecorder
			if tt.chunked {
				w = unknownLength(login(inv, required), strings.NewReader(tt.body))
			} else {
				w = do(login(inv, required), "POST", "/x", tt.body, "Content-Type: text/x-odd; a=b")
			}
			if w.Code != 200 || inv.body != tt.body || !inv.args.Values[0].IsAbsent() {
				t.Fatalf("got %d, %d bytes", w.Code, len(inv.body))
			}
			e := inv.args.Entity
			if _, ok := e.Body.(*bytes.Reader); ok != tt.replayable || e.Length != tt.length {
				t.Errorf("body is %T of length %d", e.Body, e.Length)
			}
			if !tt.chunked && e.ContentType != "text/x-odd; a=b" {
				t.Errorf("type is %q", e.ContentType)
			}
		})
	}
}

func TestHandler_streamsLargeBodies(t *testing.T) {
	source, sink := io.Pipe()
	inv := &invoker{run: func(_ context.Context, _ *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
		first := make([]byte, replayable+1)
		_, err := io.ReadFull(args.Entity.Body, first)
		if err != nil {
			return nil, &engine.Error{Kind: engine.Internal, Title: err.Error()}
		}
		go func() { // only now is there more
			_, _ = sink.Write([]byte("the end"))
			sink.Close()
		}()
		rest, _ := io.ReadAll(args.Entity.Body)
		return &engine.Result{Value: value.Of(string(rest))}, nil
	}}
	go func() { _, _ = sink.Write(make([]byte, replayable+1)) }()
	if w := unknownLength(login(inv), source); w.Body.String() != `"the end"` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestHandler_takesAnEmptyBodyForNone(t *testing.T) {
	for name, chunked := range map[string]bool{"known length": false, "unknown length": true} {
		t.Run(name, func(t *testing.T) {
			send := func(h http.Handler) *httptest.ResponseRecorder {
				if chunked {
					return unknownLength(h, strings.NewReader(""))
				}
				return do(h, "POST", "/x", "", "Content-Type: application/json")
			}
			inv := &invoker{}
			w := send(login(inv, required))
			if got := string(problemOf(t, w).Get("errors").AppendJSON(nil)); w.Code != 400 || got != `[{"name":"body","in":"body","detail":"is required: send it as the request body"}]` {
				t.Errorf("required gives %d %s", w.Code, got)
			}
			if w := send(login(inv)); w.Code != 200 || inv.args.Entity != nil {
				t.Errorf("optional gives %d, %v", w.Code, inv.args.Entity)
			}
			if w := send(login(inv, fallback(value.Of("d")))); w.Code != 200 || inv.args.Values[0].Text() != "d" {
				t.Errorf("default gives %d, %v", w.Code, inv.args.Values)
			}
		})
	}
}

func TestHandler_readsTheBodyOnceForMembersAndWhole(t *testing.T) {
	tests := map[string]struct {
		contentType, body, member string
		status                    int
	}{
		"JSON":            {"application/json", `{"a": "1"}`, "1", 200},
		"form":            {"application/x-www-form-urlencoded", `a=1`, "1", 200},
		"another type":    {"text/xml", `<a/>`, "", 200},
		"malformed":       {"application/json", `{"a"`, "", 400},
		"JSON, no object": {"application/json", `[1]`, "", 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inv := &invoker{}
			h := handlerOf(inv, operationOf("POST", "/x", input("all", plan.AsBody, "", required),
				input("a", plan.InBody, "string")))
			w := do(h, "POST", "/x", tt.body, "Content-Type: "+tt.contentType)
			if w.Code != tt.status {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if tt.status == 200 && (inv.body != tt.body || inv.args.Values[1].Text() != tt.member ||
				inv.args.Entity.ContentType != tt.contentType) {
				t.Errorf("got %q, %q", inv.body, inv.args.Values[1].Text())
			}
		})
	}
}

func TestHandler_refusesBodiesThatHaveNoMembers(t *testing.T) {
	tests := map[string]struct {
		body, header string
		status       int
		says         string
	}{
		"malformed":        {`{"a": 1,, }`, "", 400, `body is not valid JSON: invalid character`},
		"names the byte":   {`{"a":}`, "", 400, `missing value after object name within \"/a\" after byte 5`},
		"cut off":          {`{"a":1`, "", 400, `unexpected EOF after byte 6`},
		"text behind":      {`{"a":1} x`, "", 400, `text after the value at byte 7`},
		"only blanks":      {` `, "", 400, `body is not valid JSON: no value`},
		"array":            {`[1]`, "", 400, `must be a JSON object, not array`},
		"scalar":           {`1`, "", 400, `must be a JSON object, not number`},
		"form with braces": {`{a`, "Content-Type: application/x-www-form-urlencoded", 400, `not valid JSON`},
		"multipart":        {`--x`, "Content-Type: multipart/form-data; boundary=x", 415, `the body is of type multipart/form-data`},
		"text":             {`{}`, "Content-Type: text/plain", 415, `Send application/json`},
		"compressed":       {`{}`, "Content-Encoding: gzip", 415, `encoded with gzip`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := handlerOf(&invoker{}, operationOf("POST", "/x", input("a", plan.InBody, "integer", required)))
			w := do(h, "POST", "/x", tt.body, tt.header)
			problem := problemOf(t, w)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if n := problem.Get("errors").Len(); n > 1 {
				t.Errorf("%d errors for one", n)
			}
		})
	}
}

func TestHandler_reportsAMalformedBodyBesideOtherErrors(t *testing.T) {
	h := handlerOf(&invoker{}, operationOf("POST", "/x", input("q", plan.InQuery, "", required),
		input("a", plan.InBody, "", required), input("b", plan.InBody, "", required)))
	p := problemOf(t, do(h, "POST", "/x", `{`))
	if errors := p.Get("errors"); errors.Len() != 2 || errors.At(0).Get("name").Text() != "body" ||
		errors.At(1).Get("name").Text() != "q" {
		t.Error(p.Indent())
	}
}

func TestHandler_limitsRequestBodies(t *testing.T) {
	whole, member := input("body", plan.AsBody, "string"), input("m", plan.InBody, "")
	large := `{"m":"` + strings.Repeat("x", 200_000) + `"}`
	for name, in := range map[string]*plan.Input{"whole": whole, "member": member} {
		for _, chunked := range []bool{false, true} {
			for _, limit := range []int64{10, 100_000} {
				h := New(Config{Invoker: &invoker{}, MaxRequest: limit,
					Server: &plan.Server{Routes: []*plan.Route{operationOf("POST", "/x", in)}}})
				var w *httptest.ResponseRecorder
				if chunked {
					w = unknownLength(h, strings.NewReader(large))
				} else {
					w = do(h, "POST", "/x", large)
				}
				if p := problemOf(t, w); w.Code != 413 ||
					p.Get("type").Text() != "https://fairlead.dev/problems/too-large" {
					t.Errorf("%s, chunked %v, limit %d: got %d %s", name, chunked, limit, w.Code, w.Body)
				}
			}
		}
	}
	h := New(Config{Invoker: &invoker{}, MaxRequest: int64(len(large)),
		Server: &plan.Server{Routes: []*plan.Route{operationOf("POST", "/x", member)}}})
	if w := unknownLength(h, strings.NewReader(large)); w.Code != 200 {
		t.Errorf("at the limit: got %d %s", w.Code, w.Body)
	}
}

func TestHandler_ignoresBodiesThatNobodyNeeds(t *testing.T) {
	inv := &invoker{}
	h := New(Config{Invoker: inv, MaxRequest: 3,
		Server: &plan.Server{Routes: []*plan.Route{operationOf("POST", "/x")}}})
	if w := do(h, "POST", "/x", "{ not read", "Content-Type: text/odd"); w.Code != 200 || inv.args.Entity != nil {
		t.Errorf("got %d", w.Code)
	}
}

// broken fails in the middle.
type broken struct{}

func (broken) Read(p []byte) (int, error) { return copy(p, "{"), io.ErrUnexpectedEOF }

func TestHandler_answersBodiesThatBreakOff(t *testing.T) {
	for name, in := range map[string]*plan.Input{"whole": input("body", plan.AsBody, ""),
		"member": input("m", plan.InBody, "")} {
		if w := unknownLength(handlerOf(&invoker{}, operationOf("POST", "/x", in)), broken{}); w.Code != 400 ||
			!strings.Contains(w.Body.String(), "broke off") {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}

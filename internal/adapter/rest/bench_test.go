package rest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
)

const (
	benchRequest = `{"email":"someone@example.com","password":"correct horse battery staple"}`
	benchAnswer  = `{"token":{"id":"0f6d2c3e","user_id":"9b1c","organization_id":"77aa","expires_at":"2026-11-24T10:00:00Z"}}`
)

// sink is a writer that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

func loginRequest() *http.Request {
	return &http.Request{
		Method: "POST", URL: &url.URL{Path: "/v1/v1/account/login"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(benchRequest)), RemoteAddr: "127.0.0.1:1",
		Header: http.Header{"Content-Type": {"application/json"}, "Seon-Fp": {"abc"}, "Authorization": {"Bearer t"},
			"User-Agent": {"curl"}, "Accept": {"*/*"}},
	}
}

type upstreamAnswer struct{ header http.Header }

func (u upstreamAnswer) Invoke(_ context.Context, _ *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	_, _ = io.Copy(io.Discard, args.Entity.Body)
	return &engine.Result{Status: 200, Header: u.header, ContentType: "application/json",
		Raw: io.NopCloser(bytes.NewReader([]byte(benchAnswer))), Length: int64(len(benchAnswer))}, nil
}

func (u upstreamAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	header := u.header.Clone()
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(benchAnswer))),
		ContentLength: int64(len(benchAnswer)), Request: r}, nil
}

func benchmark(b *testing.B, h http.Handler) {
	w := &sink{header: http.Header{}}
	body := bytes.NewReader([]byte(benchRequest))
	r := loginRequest()
	b.ReportAllocs()
	for b.Loop() {
		body.Reset([]byte(benchRequest))
		r.Body = io.NopCloser(body)
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

// buffers spare the proxy what they spare the handler.
type buffers struct{ kept []byte }

func (b *buffers) Get() []byte {
	if b.kept == nil {
		b.kept = make([]byte, copySize)
	}
	return b.kept
}

func (b *buffers) Put([]byte) {}

// BenchmarkHandler is one call with the whole body passing both ways; the
// upstream costs nothing. BenchmarkReverseProxy is the same work.
func BenchmarkHandler(b *testing.B) {
	benchmark(b, New(Config{Invoker: upstreamAnswer{http.Header{"Etag": {"1"}}},
		Server: &plan.Server{Routes: []*plan.Route{
			operationOf("POST", "/v1/v1/account/login", input("body", plan.AsBody, "string", required),
				input("seon-fp", plan.InHeader, "string", key("Seon-Fp"))),
		}}}))
}

func BenchmarkReverseProxy(b *testing.B) {
	target, _ := url.Parse("http://127.0.0.1:1")
	benchmark(b, &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:  upstreamAnswer{http.Header{"Etag": {"1"}}},
		BufferPool: &buffers{},
		ErrorLog:   slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	})
}

// BenchmarkHandler_inputs takes inputs from the path, the query and a JSON body.
func BenchmarkHandler_inputs(b *testing.B) {
	h := handlerOf(answering(&engine.Result{Status: 204}, nil), operationOf("POST", "/v1/{x}/account/login",
		input("x", plan.InPath, "string", required), input("limit", plan.InQuery, "integer"),
		input("q", plan.InQuery, "string"),
		input("email", plan.InBody, "string", required), input("password", plan.InBody, "string", required)))
	w := &sink{header: http.Header{}}
	body := bytes.NewReader([]byte(benchRequest))
	r := loginRequest()
	r.URL.RawQuery = "limit=20&q=apps+and+more&unknown=1"
	b.ReportAllocs()
	for b.Loop() {
		body.Reset([]byte(benchRequest))
		r.Body = io.NopCloser(body)
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

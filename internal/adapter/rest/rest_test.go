package rest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/testkit/leak"
	"github.com/fairlead/fairlead/internal/value"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// invoker runs units with a function and keeps what they were given.
type invoker struct {
	run  func(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error)
	unit *plan.Unit
	args engine.Args
	body string // of the entity
}

func (f *invoker) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	f.unit, f.args = u, args
	f.args.Values = slices.Clone(args.Values) // the handler uses its own again
	if f.run != nil {
		return f.run(ctx, u, args)
	}
	if args.Entity != nil {
		text, err := io.ReadAll(args.Entity.Body)
		if err != nil {
			return nil, &engine.Error{Kind: engine.Unreachable, Title: "cannot send"}
		}
		f.body = string(text)
	}
	return &engine.Result{Status: http.StatusOK, Value: value.Of("done")}, nil
}

// answering always gives the same.
func answering(result *engine.Result, err *engine.Error) *invoker {
	return &invoker{run: func(context.Context, *plan.Unit, engine.Args) (*engine.Result,
		*engine.Error) {
		return result, err
	}}
}

func raw(status int, contentType, text string) *engine.Result {
	return &engine.Result{Status: status, ContentType: contentType, Raw: io.NopCloser(strings.NewReader(text)),
		Length: int64(len(text))}
}

func input(name string, place plan.Place, kind string, change ...func(*plan.Input)) *plan.Input {
	in := &plan.Input{Name: name, Key: name, Place: place, Schema: &schema.Schema{Type: kind}}
	for _, c := range change {
		c(in)
	}
	return in
}

func required(in *plan.Input) { in.Required = true }

func key(name string) func(*plan.Input) { return func(in *plan.Input) { in.Key = name } }

func fallback(v value.Value) func(*plan.Input) { return func(in *plan.Input) { in.Schema.Default = v } }

func operationOf(method, path string, inputs ...*plan.Input) *plan.Route {
	return &plan.Route{Method: method, Path: path,
		Unit: &plan.Unit{ID: method + " " + path, Kind: "operation", Inputs: inputs}}
}

func handlerOf(inv *invoker, routes ...*plan.Route) *Handler {
	return New(Config{Server: &plan.Server{Routes: routes}, Invoker: inv})
}

// do sends a request through a handler without a network.
func do(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, target, reader)
	for _, line := range headers {
		name, text, _ := strings.Cut(line, ": ")
		req.Header.Add(name, text)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// problemOf checks that an answer is a problem and returns it.
func problemOf(t *testing.T, w *httptest.ResponseRecorder) value.Value {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("status %d of type %q: %s", w.Code, got, w.Body)
	}
	v, err := value.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if v.Get("status").Text() != fmt.Sprint(w.Code) || v.Get("title").Text() == "" {
		t.Errorf("status %d with the problem %s", w.Code, v.Indent())
	}
	return v
}

// serve runs a handler on a socket of its own.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func logTo(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

package mcp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
)

// stdio is a client on pipes.
type stdio struct {
	t     *testing.T
	in    *io.PipeWriter
	lines *bufio.Scanner
	stop  context.CancelFunc
	ended chan error
}

func newStdio(t *testing.T, h *mcp.Handler) *stdio {
	inReader, in := io.Pipe()
	out, outWriter := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	c := &stdio{t: t, in: in, lines: bufio.NewScanner(out), stop: stop, ended: make(chan error, 1)}
	c.lines.Buffer(nil, 1<<20)
	go func() {
		c.ended <- h.ServeStdio(ctx, inReader, outWriter)
		outWriter.Close()
	}()
	return c
}

func (c *stdio) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *stdio) receive() string {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatal("no more lines", c.lines.Err())
	}
	if !json.Valid(c.lines.Bytes()) {
		c.t.Fatalf("no JSON: %q", c.lines.Text())
	}
	return c.lines.Text()
}

func (c *stdio) expect(parts ...string) {
	c.t.Helper()
	line := c.receive()
	for _, part := range parts {
		if !strings.Contains(line, part) {
			c.t.Errorf("no %s in %s", part, line)
		}
	}
}

func TestServeStdio_speaksBothEras(t *testing.T) {
	h := mcp.New(fixture())
	defer h.Close()
	c := newStdio(t, h)
	for _, tt := range []struct{ line, want string }{
		{"\uFEFF" + `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + modernMeta + `}}`, `"resultType":"complete"`},
		{`{"jsonrpc":"2.0","id":2,"method":"server/discover"}`, `"code":-32602`},
		{`{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`, `"protocolVersion":"2025-06-18","capabilities":{"completions":{},"prompts":{"listChanged":true}`},
		{`{"jsonrpc":"2.0","id":4,"method":"tools/list"}`, `"result":{"tools":[`},
		{`not JSON`, `"id":null,"error":{"code":-32700`},
		{``, ``},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, ``},
		{`{"jsonrpc":"2.0","id":5,"result":{}}`, ``},
		{`[{"jsonrpc":"2.0","id":6,"method":"ping"}]`, `"code":-32600`},
		{`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Ulm"}}}`, `"id":7,"result":{"content":[{"type":"text","text":"{\"city\":\"Ulm\"`},
		{`{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Ulm"},` + modernMeta + `}}`, `"id":8,"result":{"resultType":"complete"`},
		{`{"jsonrpc":"2.0","id":"9","method":"ping"` + strings.Repeat(" ", 4<<20) + `}`, `"code":-32700`},
		{`{"jsonrpc":"2.0","id":"10","method":"ping"}`, `{"jsonrpc":"2.0","id":"10","result":{}}`},
	} {
		c.send(tt.line)
		if tt.want != "" {
			c.expect(tt.want)
		}
	}
	c.in.Close()
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

func TestServeStdio_batchesBeforeInitialize(t *testing.T) {
	h := mcp.New(fixture())
	defer h.Close()
	c := newStdio(t, h)
	c.send(`[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]`)
	c.expect(`[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}]`)
	c.in.Close()
	<-c.ended
}

// slow is a fixture whose get_weather waits until the city's channel is closed.
func slow() (cfg mcp.Config, release map[string]chan bool, started chan string) {
	cfg = fixture()
	release = map[string]chan bool{"a": make(chan bool), "b": make(chan bool)}
	started = make(chan string, 2)
	cfg.Invoker = invoker{"get_weather": func(ctx context.Context, args engine.Args) (*engine.Result, *engine.Error) {
		city := args.Values[0].Text()
		started <- city
		select {
		case <-release[city]:
			return raw(`{"city":"` + city + `"}`), nil
		case <-ctx.Done():
			return nil, &engine.Error{Kind: engine.Canceled}
		}
	}}
	return cfg, release, started
}

const slowCall = `{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":%q}}}`

func TestServeStdio_runsCallsAtOnce(t *testing.T) {
	cfg, release, started := slow()
	h := mcp.New(cfg)
	defer h.Close()
	c := newStdio(t, h)
	c.send(fmt.Sprintf(slowCall, "1", "a"))
	c.send(fmt.Sprintf(slowCall, "2", "b"))
	<-started
	<-started
	c.send(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	c.expect(`"id":3`)
	close(release["b"])
	c.expect(`"id":"2"`)
	c.in.Close() // what runs is still answered
	close(release["a"])
	c.expect(`"id":"1"`)
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

func TestServeStdio_runsAtMost256Calls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int64
		release := make(chan bool)
		cfg := fixture()
		cfg.Invoker = invoker{"get_weather": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			running.Add(1)
			<-release
			return raw(`{}`), nil
		}}
		h := mcp.New(cfg)
		defer h.Close()
		c := newStdio(t, h)
		for i := range 300 {
			c.send(fmt.Sprintf(slowCall, fmt.Sprint(i), "Ulm"))
		}
		synctest.Wait()
		if n := running.Load(); n != 256 {
			t.Errorf("%d calls run", n)
		}
		close(release)
		for range 300 {
			c.receive()
		}
		c.in.Close()
		if err := <-c.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestServeStdio_cancelsBatches(t *testing.T) {
	cfg, _, started := slow()
	h := mcp.New(cfg)
	defer h.Close()
	c := newStdio(t, h)
	c.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}`)
	c.receive()
	c.send("[" + fmt.Sprintf(slowCall, "1", "a") + `,{"jsonrpc":"2.0","id":2,"method":"ping"}]`)
	<-started
	c.send(`[{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}]`)
	c.expect(`[{"jsonrpc":"2.0","id":2,"result":{}}]`)
	c.in.Close()
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

func TestServeStdio_cancels(t *testing.T) {
	cfg, _, started := slow()
	h := mcp.New(cfg)
	defer h.Close()
	c := newStdio(t, h)
	c.send(fmt.Sprintf(slowCall, "1", "a"))
	<-started
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nope"}}`)
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}`)
	c.in.Close()
	if err := <-c.ended; err != nil { // it would wait for the call
		t.Error(err)
	}
	if c.lines.Scan() {
		t.Errorf("a cancelled call answered %s", c.lines.Text())
	}
}

func TestServeStdio_endsWithItsContext(t *testing.T) {
	cfg, release, started := slow()
	for name, tt := range map[string]struct {
		drain   time.Duration
		answers int
	}{"what runs is answered": {time.Hour, 1}, "what takes too long is cancelled": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			cfg.Drain = tt.drain
			h := mcp.New(cfg)
			defer h.Close()
			ctx, cancel := context.WithCancel(t.Context())
			in, w := io.Pipe()
			defer w.Close()
			ended := make(chan error)
			var out bytes.Buffer
			go func() { ended <- h.ServeStdio(ctx, in, &out) }()
			fmt.Fprintf(w, slowCall+"\n", "1", "a")
			<-started
			cancel()
			if tt.answers > 0 {
				release["a"] <- true
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if n := strings.Count(out.String(), "\n"); n != tt.answers {
				t.Errorf("%d answers: %s", n, out.String())
			}
		})
	}
}

func TestServeStdio_endsThoughNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mcp.New(fixture())
		defer h.Close()
		c := newStdio(t, h)
		c.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities"}}`)
		synctest.Wait()
		start := time.Now()
		c.stop()
		if err := <-c.ended; err != nil || time.Since(start) != 31*time.Second {
			t.Error(err, time.Since(start))
		}
		c.in.Close()
	})
}

func TestUpdate_tellsLegacyClientsOnStdio(t *testing.T) {
	cfg := fixture()
	h := mcp.New(cfg)
	defer h.Close()
	c := newStdio(t, h)
	c.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`)
	c.expect(`"subscribe":true`)
	c.send(`{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"tiny://about"}}`)
	c.expect(`"id":2,"result":{}`)
	server := *cfg.Server
	server.Tools = server.Tools[:2]
	h.Update(cfg.Plan, &server)
	c.expect(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}`)
	c.expect(`{"jsonrpc":"2.0","method":"notifications/resources/list_changed","params":{}}`) // of a folder nobody knows
	c.expect(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"tiny://about"}}`)
	c.in.Close()
	<-c.ended
}

func TestSubscriptionsListen_onStdio(t *testing.T) {
	cfg := fixture()
	h := mcp.New(cfg)
	defer h.Close()
	c := newStdio(t, h)
	c.send(`{"jsonrpc":"2.0","id":"s","method":"subscriptions/listen","params":{"notifications":{"promptsListChanged":true},` + modernMeta + `}}`)
	c.expect(`"method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"},"notifications":{"promptsListChanged":true}}`)
	server := *cfg.Server
	server.Prompts, server.Tools = server.Prompts[:1], server.Tools[:1]
	h.Update(cfg.Plan, &server)
	c.expect(`{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"}}}`)
	c.in.Close()
	c.expect(`"id":"s","result":{"resultType":"complete"`, `"io.modelcontextprotocol/subscriptionId":"s"`)
	<-c.ended
}

// events reads an SSE answer.
func events(t *testing.T, body io.Reader) func() string {
	lines := bufio.NewScanner(body)
	return func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
}

func TestSubscriptionsListen_onHTTP(t *testing.T) {
	cfg := fixture()
	url, h := serve(t, cfg)
	req, _ := http.NewRequest("POST", url, strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["tiny://about","x://unknown"]},`+modernMeta+`}}`))
	for k, v := range with(modern("subscriptions/listen", ""), "Accept", "application/json") {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Accel-Buffering") != "no" {
		t.Error(res.Header)
	}
	next := events(t, res.Body)
	const id = `"_meta":{"io.modelcontextprotocol/subscriptionId":7}`
	if got := next(); got != `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{`+id+`,"notifications":{"toolsListChanged":true,"resourceSubscriptions":["tiny://about"]}}}` {
		t.Error(got)
	}
	server := *cfg.Server
	server.Tools, server.Prompts = server.Tools[:1], nil
	h.Update(cfg.Plan, &server)
	if got := next(); got != `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{`+id+`}}` {
		t.Error(got)
	}
	if got := next(); got != `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{`+id+`,"uri":"tiny://about"}}` {
		t.Error(got)
	}
	if diff := cmp.Diff([]string{"get_weather"}, listed(h)); diff != "" {
		t.Error(diff)
	}
	h.Close()
	if got := next(); !strings.HasPrefix(got, `{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","_meta":{`) || next() != "" {
		t.Error(got)
	}
}

func TestSubscriptionsListen_endsWithTheClient(t *testing.T) {
	url, _ := serve(t, fixture())
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{},`+modernMeta+`}}`))
	for k, v := range modern("subscriptions/listen", "") {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	events(t, res.Body)()
	cancel() // the server's Close in serve waits for its handlers
	res.Body.Close()
}

func TestProgress_passesTheStepsOn(t *testing.T) {
	cfg := fixture()
	cfg.Invoker = invoker{"list cities!": func(ctx context.Context, _ engine.Args) (*engine.Result, *engine.Error) {
		report := mcp.Progress(ctx)
		report(1, 3, "find")
		report(1, 3, "find again")
		report(2, 3, "")
		return raw(`[]`), nil
	}}
	url, _ := serve(t, cfg)
	_, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_cities","_meta":{"progressToken":7}}}`)
	next := events(t, strings.NewReader(body))
	for _, want := range []string{`"progress":0,"total":1`, `"progress":1,"total":3,"message":"find"`, `"progress":2,"total":3`, `"progress":3,"total":3`, `"result"`} {
		if got := next(); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if mcp.Progress(t.Context()) != nil {
		t.Error("progress that nobody asked for")
	}
}

// form is a modern client that can ask its user.
func form(t *testing.T, url, arguments, more string) result {
	_, body := post(t, url, modern("tools/call", "delete_city"), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_city","arguments":`+arguments+more+`,`+askingMeta+`}}`)
	return parse(t, body)
}

func TestConfirm_asksTheUser(t *testing.T) {
	calls := 0
	cfg := fixture()
	cfg.Invoker = invoker{"delete_city": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
		calls++
		return &engine.Result{Status: 204}, nil
	}}
	url, _ := serve(t, cfg)
	asked := form(t, url, `{"id":7,"key":"hunter2"}`, "")
	if asked.ResultType != "input_required" || asked.RequestState == "" || calls != 0 {
		t.Fatalf("%+v, %d calls", asked, calls)
	}
	answer := func(response string) string {
		return `,"requestState":"` + asked.RequestState + `","inputResponses":{"confirm":` + response + `,"other":{}}`
	}
	for _, tt := range []struct {
		name, arguments, more string
		want                  string
		calls                 int
	}{
		{"other arguments", `{"id":8,"key":"hunter2"}`, answer(`{"action":"accept","content":{"confirm":true}}`), "requestState", 0},
		{"forged", `{"id":7,"key":"hunter2"}`, strings.Replace(answer(`{"action":"accept","content":{"confirm":true}}`), `State":"A`, `State":"B`, 1), "requestState", 0},
		{"declined", `{"id":7,"key":"hunter2"}`, answer(`{"action":"decline"}`), "did not confirm", 0},
		{"not confirmed", `{"id":7,"key":"hunter2"}`, answer(`{"action":"accept","content":{"confirm":false}}`), "did not confirm", 0},
		{"no response", `{"id":7,"key":"hunter2"}`, `,"requestState":"` + asked.RequestState + `"`, "input_required", 0},
		{"accepted without looking", `{"id":7,"key":"hunter2"}`, answer(`{"action":"accept"}`), "Done", 1},
		{"used again", `{"id":7,"key":"hunter2"}`, answer(`{"action":"accept"}`), "input_required", 0},
		{"accepted", `{"key":"hunter2","id":"7"}`, answer(`{"action":"accept","content":{"confirm":true,"more":1}}`), "Done", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls = 0
			if tt.name == "accepted" {
				again := form(t, url, `{"id":7,"key":"hunter2"}`, "")
				tt.more = strings.Replace(tt.more, asked.RequestState, again.RequestState, 1)
			}
			res := form(t, url, tt.arguments, tt.more)
			got := res.text() + res.ResultType
			if res.Error != nil {
				got = res.Error.Message
			}
			if !strings.Contains(got, tt.want) || calls != tt.calls {
				t.Errorf("%s, %d calls", got, calls)
			}
		})
	}
}

func TestConfirm_takesTwoStepsWithoutAForm(t *testing.T) {
	url, _ := serve(t, fixture())
	first := call(t, url, "delete_city", `{"id":7,"key":"hunter2"}`)
	_, token, _ := strings.Cut(first.text(), "`confirm_token`: \"")
	token, _, _ = strings.Cut(token, `"`)
	if !first.IsError || token == "" || strings.Contains(first.text(), "hunter2") {
		t.Fatal(first.text())
	}
	if res := call(t, url, "delete_city", `{"id":8,"key":"hunter2","confirm_token":"`+token+`"}`); !strings.Contains(res.text(), "not for this call") {
		t.Error(res.text())
	}
	if res := call(t, url, "delete_city", `{"id":7,"key":"hunter2","confirm_token":"`+token+`"}`); res.IsError || res.text() != "Done: 204 No Content" {
		t.Error(res.text())
	}
	if res := call(t, url, "delete_city", `{"id":7,"key":"hunter2","confirm_token":"`+token+`"}`); !res.IsError || !strings.Contains(res.text(), "was used already") {
		t.Error(res.text())
	}
}

func TestConfirm_hidesNoArgument(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools[2].Inputs = []*plan.Input{{Name: "note", Schema: text()}, {Name: "to", Schema: text()}}
	url, _ := serve(t, cfg)
	if res := call(t, url, "delete_city", `{"note":"`+strings.Repeat("x", 5000)+`","to":"attacker"}`); !strings.Contains(res.text(), `to = "attacker"`) || len(res.text()) > 1000 {
		t.Error(res.text())
	}
}

func TestConfirm_expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mcp.New(fixture())
		defer h.Close()
		line := func(token string) result {
			var out strings.Builder
			in := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_city","arguments":{"id":7,"confirm_token":"` + token + `"}}}`
			if err := h.ServeStdio(t.Context(), strings.NewReader(in), &out); err != nil {
				t.Fatal(err)
			}
			return parse(t, out.String())
		}
		_, token, _ := strings.Cut(line("").text(), "`confirm_token`: \"")
		token, _, _ = strings.Cut(token, `"`)
		time.Sleep(6 * time.Minute)
		if res := line(token); !strings.Contains(res.text(), "has expired") {
			t.Error(res.text())
		}
	})
}

func TestConfirmDestructive_asksForAllOfThem(t *testing.T) {
	cfg := fixture()
	cfg.Server.Tools[2].Confirm = false
	cfg.Server.Tools = append(cfg.Server.Tools, &plan.Unit{Name: "unknown"})
	url, _ := serve(t, cfg)
	if res := call(t, url, "delete_city", `{"id":7}`); res.IsError {
		t.Error(res.text())
	}
	cfg.ConfirmDestructive = true
	url, _ = serve(t, cfg)
	for _, tool := range []string{"delete_city", "unknown"} {
		if res := call(t, url, tool, `{}`); tool == "unknown" && !strings.Contains(res.text(), "confirm_token") || !res.IsError {
			t.Error(res.text())
		}
	}
	if res := call(t, url, "get_weather", `{"city":"x"}`); res.IsError {
		t.Error(res.text())
	}
	cfg.Server.Resources[1].Unit.Hints = cfg.Server.Tools[2].Hints
	url, _ = serve(t, cfg)
	if _, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"tiny://about"}}`); !strings.Contains(body, "the user has to confirm") {
		t.Error("a destructive resource:", body)
	}
	if _, body := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"embed","arguments":{"uri":"tiny://about"}}}`); strings.Contains(body, "We are tiny") {
		t.Error("a destructive resource, embedded:", body)
	}
}

// A client that does not read its answers is not read from: what waits is bounded,
// and nothing is lost once it reads again.
func TestServeStdio_readsNoMoreFromAClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 3000
		release := make(chan bool)
		cfg := fixture()
		cfg.Invoker = invoker{"get_weather": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			<-release
			return raw(`{}`), nil
		}}
		h := mcp.New(cfg)
		defer h.Close()
		c := newStdio(t, h)
		var taken atomic.Int64
		go func() {
			for i := range calls {
				if _, err := fmt.Fprintf(c.in, slowCall+"\n", fmt.Sprint(i), "Ulm"); err != nil {
					return
				}
				taken.Add(1)
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n < 1024 || n > 2000 {
			t.Errorf("%d of %d requests were taken from a client that reads nothing", n, calls)
		}
		close(release)
		refused := 0
		for range calls {
			if strings.Contains(c.receive(), "Too many requests at once") {
				refused++
			}
		}
		if refused == 0 || refused == calls {
			t.Errorf("%d of %d requests were refused", refused, calls)
		}
		c.in.Close()
		if err := <-c.ended; err != nil {
			t.Error(err)
		}
	})
}

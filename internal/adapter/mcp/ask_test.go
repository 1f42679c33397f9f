package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// refunds is a server with a tool that asks for a reason and then for a note,
// and with a prompt and a resource that ask as well. The tool answers with what
// it was given.
func refunds() mcp.Config {
	cfg := fixture()
	question := func(name, message string, vars []int, inputs ...int) *plan.Question {
		text, err := template.Compile(message, template.Double)
		if err != nil {
			panic(err)
		}
		return &plan.Question{Name: name, Message: text, Inputs: inputs, Vars: vars}
	}
	reason := &schema.Schema{Type: "string", Description: "Why.",
		Enum: []value.Value{value.Of("broken"), value.Of("late")}, Titles: []string{"It broke", "It came late"}}
	tags := &schema.Schema{Type: "array",
		Items: &schema.Schema{Type: "string", Enum: []value.Value{value.Of("a"), value.Of("b")}}}
	cfg.Server.Tools = []*plan.Unit{
		{ID: "tiny.refund", Kind: "tool", Name: "refund", Inputs: []*plan.Input{
			{Name: "order", Required: true, Schema: text()}, {Name: "the reason", Required: true, Schema: reason},
			{Name: "days", Schema: &schema.Schema{Type: "integer"}},
			{Name: "note", Schema: &schema.Schema{Type: "string", MaxLength: 20}}},
			Ask: []*plan.Question{question("why", "Why is {{order}} refunded?", []int{0}, 1, 2),
				question("more", "What about “{{the reason}}”?", []int{1}, 3)}},
		{ID: "tiny.tag", Kind: "tool", Name: "tag",
			Inputs: []*plan.Input{{Name: "tags", Required: true, Schema: tags}},
			Ask:    []*plan.Question{question("which", "Which?", nil, 0)}},
	}
	echo := func(_ context.Context, args engine.Args) (*engine.Result, *engine.Error) {
		return &engine.Result{Status: 200, Value: value.List(args.Values...)}, nil
	}
	cfg.Invoker = invoker{"refund": echo, "tag": echo,
		"about": func(context.Context, engine.Args) (*engine.Result, *engine.Error) {
			return &engine.Result{Value: value.Of("We are tiny.")}, nil
		}}
	cfg.Server.Prompts[0].Ask = []*plan.Question{question("place", "Which city?", nil, 0)}
	cfg.Server.Resources[1].Unit.Confirm = true
	return cfg
}

// modernCall is a tools/call of a client that can ask its user.
func modernCall(t *testing.T, url, tool, params string) result {
	t.Helper()
	_, body := post(t, url, modern("tools/call", tool), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`",`+params+`,`+askingMeta+`}}`)
	return parse(t, body)
}

// outcomeOf is what a result says, in one line.
func outcomeOf(r result) string {
	if r.Error != nil {
		return r.Error.Message
	}
	if r.ResultType == "input_required" {
		return "asks " + string(r.InputRequests)
	}
	return r.text()
}

func TestAsk_putsWhatIsMissingToTheUser(t *testing.T) {
	url, _ := serve(t, refunds())
	first := modernCall(t, url, "refund", `"arguments":{"order":"o-1"}`)
	want := `{"why":{"method":"elicitation/create","params":{"mode":"form","message":"Why is o-1 refunded?","requestedSchema":{"type":"object","properties":{` +
		`"the_reason":{"type":"string","description":"Why.","oneOf":[{"const":"broken","title":"It broke"},{"const":"late","title":"It came late"}]},"days":{"type":"integer"}},"required":["the_reason"]}}}}`
	if diff := cmp.Diff(want, string(first.InputRequests)); diff != "" || first.RequestState == "" {
		t.Fatal(diff)
	}
	answer := `"arguments":{"order":"o-1"},"inputResponses":{"why":{"action":"accept","content":{"the_reason":"late","days":"3"}},"other":{"action":"accept"}}`
	second := modernCall(t, url, "refund", answer+`,"requestState":"`+first.RequestState+`"`)
	if got := outcomeOf(second); !strings.HasPrefix(got, `asks {"more":`) || !strings.Contains(got, "What about “late”?") || !strings.Contains(got, `"note":{"type":"string","maxLength":20}`) {
		t.Fatal(got)
	}
	// The first answer is in the state; the last one need not say anything.
	for content, want := range map[string]string{`{"note":"sorry"}`: `["o-1","late",3,"sorry"]`, `{}`: `["o-1","late",3,null]`} {
		third := modernCall(t, url, "refund", `"arguments":{"order":"o-1"},"inputResponses":{"more":{"action":"accept","content":`+content+`}},"requestState":"`+second.RequestState+`"`)
		if got := outcomeOf(third); got != want {
			t.Errorf("%s: %s, want %s", content, got, want)
		}
	}
	for _, tt := range []struct{ name, params, want string }{
		{"given in part", `"arguments":{"order":"o-1","days":4}`, `"days":{"type":"integer","default":4}`},
		{"given by the caller", `"arguments":{"order":"o-1","the_reason":"late","days":1,"note":"x"}`, `["o-1","late",1,"x"]`},
		{"an answer without a state", answer, `asks {"more":`},
		{"both answers at once", strings.Replace(answer, `"other"`, `"more"`, 1), `["o-1","late",3,null]`},
		{"an answer that does not fit", strings.Replace(answer, "late", "tired", 1), `Please correct: the_reason must be one of broken, late, not the string \"tired\".\nWhy is o-1 refunded?`},
		{"an answer that lacks something", `"arguments":{"order":"o-1"},"inputResponses":{"why":{"action":"accept","content":{"days":3}}}`, "Please correct: the_reason is required"},
		{"no answer", `"arguments":{"order":"o-1"},"inputResponses":{"why":7}`, `asks {"why":`},
		{"no answers", `"arguments":{"order":"o-1"},"inputResponses":null`, `asks {"why":`},
		{"a user who declines", `"arguments":{"order":"o-1"},"inputResponses":{"why":{"action":"decline"}}`, "The user did not answer: Why is o-1 refunded?"},
		{"a user who closes the form", `"arguments":{"order":"o-1"},"inputResponses":{"why":{"action":"cancel"}}`, "The user did not answer"},
		{"the state of other arguments", `"arguments":{"order":"o-2"},"requestState":"` + first.RequestState + `"`, "requestState is not of this request"},
		{"a changed state", `"arguments":{"order":"o-1"},"requestState":"` + first.RequestState + `x"`, "requestState is not of this request"},
		{"an argument that does not fit", `"arguments":{"order":"o-1","days":"soon"}`, "`days` must be an integer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcomeOf(modernCall(t, url, "refund", tt.params)); !strings.Contains(got, tt.want) {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A question that names what an earlier one asked for is put though that was left
// blank.
func TestAsk_putsWhatDependsOnABlank(t *testing.T) {
	cfg := refunds()
	cfg.Server.Tools[0].Ask[1].Vars = []int{2} // days, which need not be answered
	url, _ := serve(t, cfg)
	got := outcomeOf(modernCall(t, url, "refund", `"arguments":{"order":"o-1"},"inputResponses":{"why":{"action":"accept","content":{"the_reason":"late"}}}`))
	if !strings.HasPrefix(got, `asks {"more":`) {
		t.Error(got)
	}
}

func TestAsk_confirmsLast(t *testing.T) {
	cfg := refunds()
	cfg.Server.Tools[0].Confirm = true
	url, _ := serve(t, cfg)
	given := `"arguments":{"order":"o-1","the_reason":"late","days":1}`
	early := modernCall(t, url, "refund", given+`,"inputResponses":{"more":{"action":"accept","content":{"note":"x"}},"confirm":{"action":"accept","content":{"confirm":true}}}`)
	if got := outcomeOf(early); !strings.Contains(got, `Run refund with order = \"o-1\", the_reason = \"late\", days = 1, note = \"x\"?`) {
		t.Fatal(got)
	}
	late := modernCall(t, url, "refund", given+`,"inputResponses":{"confirm":{"action":"accept","content":{"confirm":true}}},"requestState":"`+early.RequestState+`"`)
	if got := outcomeOf(late); got != `["o-1","late",1,"x"]` {
		t.Error(got)
	}
	// Who answers the question cannot say at once that they go ahead.
	first := modernCall(t, url, "refund", given)
	both := modernCall(t, url, "refund", given+`,"inputResponses":{"more":{"action":"accept"},"confirm":{"action":"accept"}},"requestState":"`+first.RequestState+`"`)
	if got := outcomeOf(both); !strings.HasPrefix(got, `asks {"confirm":`) {
		t.Error(got)
	}
}

func TestAsk_goesOnAtAnyReplica(t *testing.T) {
	cfg := refunds()
	given := `"arguments":{"order":"o-1"}`
	url, _ := serve(t, cfg)
	first := modernCall(t, url, "refund", given+`,"inputResponses":{"why":{"action":"accept","content":{"the_reason":"late"}}}`)
	more := given + `,"inputResponses":{"more":{"action":"accept"}},"requestState":"` + first.RequestState + `"`
	replica, _ := serve(t, cfg)
	if got := outcomeOf(modernCall(t, replica, "refund", more)); got != `["o-1","late",null,null]` {
		t.Error(got)
	}
	for name, change := range map[string]func(){
		"another API": func() {
			cfg.Plan.Upstreams = []plan.Upstream{{Namespace: "geo",
				URL: "https://other.test"}}
		},
		"another document": func() { cfg.Plan.Capability.Info.Display = "Other" },
		"another key":      func() { cfg.StateKey = nil },
	} {
		cfg = refunds()
		change()
		stranger, _ := serve(t, cfg)
		if got := outcomeOf(modernCall(t, stranger, "refund", more)); !strings.Contains(got,
			"requestState is not of this request") {
			t.Error(name, got)
		}
	}
}

func TestAsk_tellsClientsThatCannot(t *testing.T) {
	url, _ := serve(t, refunds())
	res := call(t, url, "refund", `{"order":"o-1"}`)
	if want := "- `the_reason` is required; ask the user: Why is o-1 refunded?"; !res.IsError || !strings.Contains(res.text(), want) {
		t.Errorf("%s, want %s", res.text(), want)
	}
	if res := call(t, url, "refund", `{"order":"o-1","the_reason":"late"}`); res.text() != `["o-1","late",null,null]` {
		t.Error(res.text())
	}
	_, body := post(t, url, modern("tools/call", "refund"), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"refund","arguments":{"order":"o-1"},"capabilities":{"elicitation":{}},`+modernMeta+`}}`)
	if !strings.Contains(body, "is required; ask the user") {
		t.Error("a capability outside _meta counts:", body)
	}
	_, body = post(t, url, modern("prompts/get", "ask"), `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"ask",`+modernMeta+`}}`)
	if !strings.Contains(body, "-32602") || !strings.Contains(body, "the prompt needs the arguments city") {
		t.Error(body)
	}
	// Nothing that a question asks for is required of the caller.
	_, body = post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if !strings.Contains(body, `"required":["order"]`) || !strings.Contains(body, "Why. One of broken (It broke), late (It came late).") {
		t.Error(body)
	}
	_, body = post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`)
	if !strings.Contains(body, `{"name":"city","required":false}`) {
		t.Error(body)
	}
}

func TestAsk_servesPromptsAndResources(t *testing.T) {
	url, _ := serve(t, refunds())
	get := func(method, name, params, meta string) string {
		_, body := post(t, url, modern(method, name), `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+params+meta+`}}`)
		return body
	}
	prompt := get("prompts/get", "ask", `"name":"ask",`, askingMeta)
	if !strings.Contains(prompt, `"message":"Which city?"`) || !strings.Contains(prompt, `"enum":["Paris","Prague","Rome"]`) {
		t.Error(prompt)
	}
	if got := get("prompts/get", "ask", `"name":"ask","inputResponses":{"place":{"action":"accept","content":{"city":"Rome"}}},`, askingMeta); !strings.Contains(got, "Weather in Rome?") {
		t.Error(got)
	}
	if got := get("prompts/get", "ask", `"name":"ask","inputResponses":{"place":{"action":"decline"}},`, askingMeta); !strings.Contains(got, "The user did not answer") || !strings.Contains(got, "-32602") {
		t.Error(got)
	}
	// A resource that needs a confirmation is not sent with a prompt instead.
	if got := get("prompts/get", "embed", `"name":"embed","arguments":{"uri":"tiny://about"},`, askingMeta); !strings.Contains(got, `"type":"text","text":"tiny://about"`) {
		t.Error(got)
	}
	read := get("resources/read", "tiny://about", `"uri":"tiny://about",`, askingMeta)
	if !strings.Contains(read, `Read About (tiny://about)?`) {
		t.Fatal(read)
	}
	state := parse(t, read).RequestState
	confirmed := `"uri":"tiny://about","requestState":"` + state + `","inputResponses":{"confirm":{"action":"accept"}},`
	if got := get("resources/read", "tiny://about", confirmed, askingMeta); !strings.Contains(got, "We are tiny.") || !strings.Contains(got, `"ttlMs":0,"cacheScope":"private"`) {
		t.Error(got)
	}
	if got := get("resources/read", "tiny://about", confirmed, askingMeta); !strings.Contains(got, "input_required") {
		t.Error("one confirmation, two reads:", got)
	}
	if got := get("resources/read", "tiny://about", strings.Replace(confirmed, state, state+"x", 1),
		askingMeta); !strings.Contains(got, "requestState is not of this request") {
		t.Error(got)
	}
	res, got := post(t, url, modern("resources/read", "tiny://about"), `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"tiny://about",`+modernMeta+`}}`)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(got, `"code":-32021`) || !strings.Contains(got, `"data":{"requiredCapabilities":{"elicitation":{"form":{}}}}`) {
		t.Error(res.StatusCode, got)
	}
	if _, got := post(t, url, legacy, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"tiny://about"}}`); !strings.Contains(got, `"code":-32602`) {
		t.Error(got)
	}
}

// connect initializes a client of a revision and returns the headers that it
// sends from then on.
func connect(t *testing.T, url, version, capabilities string) map[string]string {
	t.Helper()
	res, _ := post(t, url, with(legacy, "MCP-Protocol-Version", ""), `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"`+version+`","capabilities":`+capabilities+`}}`)
	session := res.Header.Get("Mcp-Session-Id")
	if session == "" {
		t.Fatal("no session id")
	}
	return with(legacy, "MCP-Protocol-Version", version, "Mcp-Session-Id", session)
}

// open sends a request and returns its events, and what ends it.
func open(t *testing.T, url string, headers map[string]string, body string) (next func() string,
	leave context.CancelFunc) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	req, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return events(t, res.Body), leave
}

// asked reads a question of the server: its id and its parameters.
func asked(t *testing.T, message string) (id, params string) {
	t.Helper()
	var m struct {
		ID, Method string
		Params     json.RawMessage
	}
	if err := json.Unmarshal([]byte(message), &m); err != nil || m.Method != "elicitation/create" || m.ID == "" {
		t.Fatalf("no question: %s", message)
	}
	return m.ID, string(m.Params)
}

// withdrawn is what a client is told of a question that nobody waits for any more.
func withdrawn(id string) string {
	return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"` + id + `"}}`
}

const refundOne = `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"refund","arguments":{"order":"o-1"}}}`

func TestAsk_asksClientsOfOlderRevisions(t *testing.T) {
	url, _ := serve(t, refunds())
	headers := connect(t, url, "2025-06-18", `{"elicitation":{}}`)
	next, _ := open(t, url, headers, refundOne)
	reply := func(id, result string) {
		t.Helper()
		if res, body := post(t, url, headers, `{"jsonrpc":"2.0","id":"`+id+`",`+result+`}`); res.StatusCode != http.StatusAccepted || body != "" {
			t.Fatal(res.StatusCode, body)
		}
	}
	id, params := asked(t, next())
	if !strings.Contains(params, `"message":"Why is o-1 refunded?"`) || !strings.Contains(params, `"enum":["broken","late"],"enumNames":["It broke","It came late"]`) || strings.Contains(params, `"mode"`) {
		t.Error(params)
	}
	reply(id, `"result":{"action":"accept","content":{"the_reason":"tired"}}`)
	again, params := asked(t, next())
	if !strings.Contains(params, "Please correct") || again == id {
		t.Error(params)
	}
	reply(again, `"result":{"action":"accept","content":{"the_reason":"late"}}`)
	id, _ = asked(t, next())
	reply(id, `"result":{"action":"accept","content":{"note":"sorry"}}`)
	if got := next(); !strings.Contains(got, `"id":5,"result":{"content":[{"type":"text","text":"[\"o-1\",\"late\",null,\"sorry\"]"}]`) || next() != "" {
		t.Error(got)
	}
	if res, body := post(t, url, headers, `{"jsonrpc":"2.0","id":"`+id+`","result":{"action":"accept"}}`); res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "no question with this id waits here") {
		t.Error(res.StatusCode, body)
	}
	for result, want := range map[string]string{
		`"result":{"action":"decline"}`:                   "The user did not answer: Why is o-1 refunded?",
		`"error":{"code":-32601,"message":"no such ..."}`: "The client could not ask the user",
		`"result":{}`: "The client could not ask the user",
	} {
		next, _ := open(t, url, headers, refundOne)
		id, _ := asked(t, next())
		reply(id, result)
		if got := next(); !strings.Contains(got, want) || !strings.Contains(got, `"isError":true`) {
			t.Errorf("%s: %s", result, got)
		}
	}
}

func TestAsk_asksOnlyWhoSaidTheyCan(t *testing.T) {
	url, _ := serve(t, refunds())
	for _, tt := range []struct {
		name, version, capabilities, tool, want string
		change                                  []string
	}{
		{"no capability", "2025-11-25", `{}`, refundOne, "is required; ask the user", nil},
		{"URLs only", "2025-11-25", `{"elicitation":{"url":{}}}`, refundOne, "is required; ask the user", nil},
		{"a revision without forms", "2025-03-26", `{"elicitation":{}}`, refundOne, "is required; ask the user", nil},
		{"no event streams", "2025-11-25", `{"elicitation":{}}`, refundOne, "is required; ask the user", []string{"Accept", "application/json"}},
		{"no session id", "2025-11-25", `{"elicitation":{}}`, refundOne, "is required; ask the user", []string{"Mcp-Session-Id", ""}},
		{"lists before they were in forms", "2025-06-18", `{"elicitation":{}}`, `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"tag"}}`, "`tags` is required; ask the user: Which?", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := connect(t, url, tt.version, tt.capabilities)
			if _, body := post(t, url, with(headers, tt.change...), tt.tool); !strings.Contains(body, tt.want) {
				t.Error(body)
			}
		})
	}
	headers := connect(t, url, "2025-11-25", `{"elicitation":{"form":{}}}`)
	next, _ := open(t, url, headers, `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"tag"}}`)
	if _, params := asked(t, next()); !strings.Contains(params, `"tags":{"type":"array","items":{"type":"string","enum":["a","b"]}}`) {
		t.Error(params)
	}
}

func TestAsk_endsWithTheRequest(t *testing.T) {
	url, h := serve(t, refunds())
	headers := connect(t, url, "2025-11-25", `{"elicitation":{}}`)
	next, _ := open(t, url, headers, refundOne)
	id, _ := asked(t, next())
	if res, _ := post(t, url, headers, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}`); res.StatusCode != http.StatusAccepted {
		t.Error(res.Status)
	}
	if got := next(); got != withdrawn(id) || next() != "" {
		t.Error("answer to a cancelled request", got)
	}
	next, leave := open(t, url, headers, refundOne)
	asked(t, next())
	leave() // the server's Close in serve waits for its handlers
	next, _ = open(t, url, headers, refundOne)
	id, _ = asked(t, next())
	h.Close()
	if got := next(); got != withdrawn(id) {
		t.Error(got)
	}
	if got := next(); !strings.Contains(got, "The server ended before the user answered") {
		t.Error(got)
	}
}

func TestAsk_waitsFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mcp.New(refunds())
		defer h.Close()
		c := newStdio(t, h)
		c.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}}}}`)
		c.receive()
		c.send(refundOne)
		id, _ := asked(t, c.receive())
		start := time.Now()
		c.expect(withdrawn(id))
		if got := c.receive(); !strings.Contains(got, "The user did not answer in time") ||
			time.Since(start) != 5*time.Minute {
			t.Error(got, time.Since(start))
		}
		c.in.Close()
		<-c.ended
	})
}

func TestAsk_onStdio(t *testing.T) {
	h := mcp.New(refunds())
	defer h.Close()
	c := newStdio(t, h)
	c.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}}}}`)
	c.receive()
	c.send(refundOne)
	id, _ := asked(t, c.receive())
	c.send(`{"jsonrpc":"2.0","id":"` + id + `","result":{"action":"accept","content":{"the_reason":"late"}}}`)
	id, _ = asked(t, c.receive())
	c.send(`{"jsonrpc":"2.0","id":"` + id + `","result":{"action":"accept"}}`)
	c.expect(`"id":5`, `late`)
	c.send(`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"refund","arguments":{"order":"o-1"}}}`)
	id, _ = asked(t, c.receive())
	c.in.Close()
	c.expect(withdrawn(id))
	c.expect(`"id":6`, "The input ended before the user answered")
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

func TestConfirm_asksClientsOfOlderRevisions(t *testing.T) {
	url, _ := serve(t, fixture())
	headers := connect(t, url, "2025-11-25", `{"elicitation":{}}`)
	for answer, want := range map[string]string{`{"action":"accept","content":{"confirm":true}}`: "Done: 204", `{"action":"accept","content":{"confirm":false}}`: "did not confirm", `{"action":"decline"}`: "did not confirm"} {
		next, _ := open(t, url, headers, `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"delete_city","arguments":{"id":7},"inputResponses":{"confirm":{"action":"accept"}}}}`)
		id, params := asked(t, next())
		if !strings.Contains(params, "Run delete_city (Delete a city)") {
			t.Error(params)
		}
		post(t, url, headers, `{"jsonrpc":"2.0","id":"`+id+`","result":`+answer+`}`)
		if got := next(); !strings.Contains(got, want) {
			t.Errorf("%s: %s", answer, got)
		}
	}
}

func TestCancelled_stopsACallOverHTTP(t *testing.T) {
	started, stopped := make(chan bool, 1), make(chan bool, 1)
	cfg := fixture()
	cfg.Invoker = invoker{"list cities!": func(ctx context.Context, _ engine.Args) (*engine.Result, *engine.Error) {
		started <- true
		<-ctx.Done()
		stopped <- true
		return nil, &engine.Error{Kind: engine.Canceled}
	}}
	url, _ := serve(t, cfg)
	headers, other := connect(t, url, "2025-11-25", `{}`), connect(t, url, "2025-11-25", `{}`)
	done := make(chan string)
	go func() {
		res, body := post(t, url, headers, `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"list_cities"}}`)
		done <- res.Header.Get("Content-Type") + body
	}()
	<-started
	const cancelled = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}`
	post(t, url, other, cancelled)
	post(t, url, legacy, cancelled)
	select {
	case <-stopped:
		t.Fatal("cancelled by somebody else")
	default:
	}
	post(t, url, headers, cancelled)
	<-stopped
	if got := <-done; got != "text/event-stream" {
		t.Error(got)
	}
}

package clients

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/harness"
)

// A session is one connection of a client library: test/clients/README.md says
// what its program reads and writes.
type opened struct {
	ProtocolVersion string
	ServerInfo      struct{ Name string }
	Error           *failure
}

type answer struct {
	Result json.RawMessage
	Error  *failure
}

type failure struct {
	Code    json.RawMessage
	Message string
}

type step struct {
	Method string         `json:"method"`
	Params map[string]any `json:"params,omitempty"`
}

type toolList struct {
	Tools []struct {
		Name, Description string
		InputSchema       struct {
			Type       string
			Properties map[string]struct{ Type string }
			Required   []string
		}
		Annotations struct {
			ReadOnlyHint, IdempotentHint bool
			DestructiveHint              *bool
		}
	}
}

type toolResult struct {
	Content []struct{ Type, Text string }
	IsError bool
}

func (r toolResult) text() string {
	var all []string
	for _, c := range r.Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

// libraries are the client libraries, and the eras that each can speak.
var libraries = []struct {
	name    string
	command func(*testing.T) []string
	eras    []string
}{
	{"TypeScript SDK v1", func(t *testing.T) []string {
		return harness.Program(t, "sdk-v1.mjs",
			"@modelcontextprotocol/sdk")
	}, []string{"legacy"}},
	{"TypeScript SDK v2", func(t *testing.T) []string {
		return harness.Program(t, "sdk-v2.mjs",
			"@modelcontextprotocol/client")
	}, []string{"legacy", "auto", "modern"}},
	{"Go SDK", harness.GoSDK, []string{"legacy", "auto", "modern"}},
}

// negotiated is the revision that a client of an era ends up with.
var negotiated = map[string]string{"legacy": "2025-11-25", "auto": "2026-07-28", "modern": "2026-07-28"}

func TestLibraries_holdASession(t *testing.T) {
	for _, l := range libraries {
		for _, era := range l.eras {
			t.Run(l.name+"/"+era+"/HTTP", func(t *testing.T) {
				t.Parallel()
				session := append(l.command(t), era)
				s := harness.Serve(t, "--sandbox")
				if s.Sandbox.Email != harness.Demo().Email || s.Sandbox.Password != harness.Demo().Password {
					t.Errorf("the ready line says %+v of the sandbox, want %+v", s.Sandbox, harness.Demo())
				}
				checkSession(t, negotiated[era], append(session, s.Adapter(t, "mcp")))
			})
			t.Run(l.name+"/"+era+"/stdio", func(t *testing.T) {
				t.Parallel()
				session := append(l.command(t), era, "stdio")
				checkSession(t, negotiated[era], append(session, harness.Stdio(t)...))
			})
		}
	}
}

func TestMCPRemote_bridgesASession(t *testing.T) {
	for _, era := range []string{"legacy", "auto"} {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			session := append(harness.Program(t, "sdk-v2.mjs", "@modelcontextprotocol/client"), era, "stdio")
			session = append(session, harness.Script(t, "mcp-remote", "dist", "proxy.js")...)
			s := harness.Serve(t, "--sandbox")
			// Whatever the outer client asks for, the bridge decides on the revision.
			checkSession(t, "", append(session, s.Adapter(t, "mcp"), "--allow-http"))
		})
	}
}

// A user behind each client answers two forms, the second of which names what the
// first one asked.
func TestLibraries_askTheirUser(t *testing.T) {
	t.Setenv("FAIRLEAD_TEST_ANSWERS", `{"name":"Alice","color":"blue"}`)
	document := filepath.Join(fixtures, "conformance.yaml")
	check := func(t *testing.T, command []string) {
		t.Helper()
		_, answers := converse(t, command,
			[]step{{"tools/call", map[string]any{"name": "test_input_required_result_multi_round",
				"arguments": map[string]any{}}}})
		var result toolResult
		answers[0].decode(t, &result)
		if result.IsError || !strings.Contains(result.text(), "Alice likes blue.") {
			t.Errorf("got %s", answers[0].Result)
		}
	}
	for _, l := range libraries {
		for _, era := range l.eras {
			t.Run(l.name+"/"+era+"/HTTP", func(t *testing.T) { // no t.Parallel beside t.Setenv
				s := harness.Serve(t, document, "--upstream", nowhere)
				check(t, append(l.command(t), era, s.Adapter(t, "mcp")))
			})
			t.Run(l.name+"/"+era+"/stdio", func(t *testing.T) {
				check(t, append(l.command(t), era, "stdio", harness.Fairlead(t), "mcp", document, "--upstream",
					nowhere))
			})
		}
	}
}

// nowhere is an API that no tool of these tests calls.
const nowhere = "http://127.0.0.1:9"

func login(password string) step {
	return step{"tools/call", map[string]any{"name": "login-user",
		"arguments": map[string]any{"body": map[string]any{"email": harness.Demo().Email, "password": password}}}}
}

// signInPage is where a user is led who has to sign in.
var signInPage = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/connect/[A-Z2-7]{26}`)

// checkSession lets a client list the seed document's tools and call them without a
// session; ../sessions holds one. version may be "" for any.
func checkSession(t *testing.T, version string, command []string) {
	t.Helper()
	steps := []step{
		{Method: "tools/list"},
		login(harness.Demo().Password),
		{"tools/call", map[string]any{"name": "login-user", "arguments": map[string]any{}}},
		{"tools/call", map[string]any{"name": "refresh-token", "arguments": map[string]any{}}},
		{"tools/call", map[string]any{"name": "no-such-tool", "arguments": map[string]any{}}},
	}
	first, answers := converse(t, command, steps)
	if version != "" && first.ProtocolVersion != version {
		t.Errorf("negotiated %q, want %q", first.ProtocolVersion, version)
	}

	var tools toolList
	answers[0].decode(t, &tools)
	want := []string{"login-user", "logout-user", "refresh-token", "new-session"}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		if tool.InputSchema.Type != "object" {
			t.Errorf("the input schema of %s is of type %q", tool.Name, tool.InputSchema.Type)
		}
		if destructive := tool.Annotations.DestructiveHint; tool.Name == "logout-user" &&
			(destructive == nil || !*destructive || !tool.Annotations.IdempotentHint) {
			t.Errorf("logout-user has the annotations %+v, want destructive and idempotent", tool.Annotations)
		}
		if _, asked := tool.InputSchema.Properties["body"]; tool.Name == "login-user" &&
			(asked || tool.InputSchema.Required != nil) {
			t.Errorf("login-user takes %+v, want no password", tool.InputSchema)
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("tools are %q, want %q", names, want)
	}

	var refused toolResult
	answers[1].decode(t, &refused)
	if !refused.IsError || !strings.Contains(refused.text(), "`body` is not known") || strings.Contains(refused.text(), harness.Demo().Password) {
		t.Errorf("login-user with a password answered %s, want isError and that it takes none", answers[1].Result)
	}
	var led toolResult
	answers[2].decode(t, &led)
	if !led.IsError || !signInPage.MatchString(led.text()) {
		t.Errorf("login-user answered %s, want isError and the address of a page", answers[2].Result)
	}
	var nothing toolResult
	answers[3].decode(t, &nothing)
	if !nothing.IsError || !strings.Contains(nothing.text(), "nothing to renew") {
		t.Errorf("refresh-token answered %s, want isError and why", answers[3].Result)
	}
	if e := answers[4].Error; e == nil || string(e.Code) != "-32602" || !strings.Contains(e.Message, "no-such-tool") {
		t.Errorf("a tool that does not exist answered %s %+v, want the error -32602 with its name", answers[4].Result,
			e)
	}
}

// converse runs a session's program with steps, and returns what it printed.
func converse(t *testing.T, command []string, steps []step) (opened, []answer) {
	t.Helper()
	var in strings.Builder
	for _, s := range steps {
		if err := json.NewEncoder(&in).Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	out := harness.Execute(t, in.String(), command...)
	lines := strings.Split(strings.TrimSpace(out.Stdout), "\n")
	var first opened
	answers := make([]answer, len(steps))
	err := json.Unmarshal([]byte(lines[0]), &first)
	if err == nil && len(lines) == len(steps)+1 {
		for i, line := range lines[1:] {
			if err = json.Unmarshal([]byte(line), &answers[i]); err != nil {
				break
			}
		}
	}
	if out.Code != 0 || err != nil || len(lines) != len(steps)+1 || first.Error != nil {
		t.Fatalf("%s did not answer %d steps: %v\n%s", strings.Join(command, " "), len(steps), err, out)
	}
	return first, answers
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if a.Error != nil {
		t.Errorf("got the error %s %s, want a result", a.Error.Code, a.Error.Message)
		return
	}
	if err := json.Unmarshal(a.Result, v); err != nil {
		t.Errorf("decode %s: %v", a.Result, err)
	}
}

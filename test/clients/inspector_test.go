package clients

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/harness"
)

// inspector returns the command line of the official Inspector.
func inspector(t *testing.T, args ...string) []string {
	command := harness.Script(t, "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
	return append(append(command, "--cli"), args...)
}

// inspectorToolError is the Inspector's exit code for a result with isError. A
// finding of --strict would be 6.
const inspectorToolError = 5

// inspected is what the Inspector prints.
type inspected struct {
	Result         json.RawMessage
	SchemaFindings []struct { // of --strict, warnings too
		ToolName string
		Findings []struct{ Rule, Severity, Schema, Path, Issue string }
	}
}

// inspect runs one method through the Inspector.
func inspect(t *testing.T, wantCode int, target []string, flags ...string) inspected {
	t.Helper()
	out := harness.Execute(t, "", append(append(inspector(t, target...), "--format", "json", "-q"), flags...)...)
	var printed inspected
	if err := json.Unmarshal([]byte(out.Stdout), &printed); out.Code != wantCode || err != nil ||
		printed.Result == nil {
		t.Fatalf("the Inspector did not end with the code %d and a result: %v\n%s", wantCode, err, out)
	}
	return printed
}

// untyped is the warning about a value of which the document does not say the type.
const untyped = "untyped-schema"

// listStrictly lists the tools and lints their schemas. It tolerates warnings
// of one rule, or of none.
func listStrictly(t *testing.T, tolerated string, target ...string) toolList {
	t.Helper()
	printed := inspect(t, 0, target, "--method", "tools/list", "--strict")
	for _, tool := range printed.SchemaFindings {
		for _, f := range tool.Findings {
			if f.Rule != tolerated {
				t.Errorf("the Inspector finds fault with the tool %s: %s %s at %s.%s: %s", tool.ToolName, f.Severity,
					f.Rule, f.Schema, f.Path, f.Issue)
			}
		}
	}
	var tools toolList
	decode(t, printed.Result, &tools)
	return tools
}

func TestInspector_listsAndCalls(t *testing.T) {
	for _, era := range []string{"legacy", "auto", "modern"} {
		t.Run(era+"/HTTP", func(t *testing.T) {
			t.Parallel()
			inspector(t) // skips where it is not installed
			checkInspector(t, []string{harness.Serve(t, "--sandbox").Adapter(t, "mcp"), "--transport", "http",
				"--protocol-era", era})
		})
		t.Run(era+"/stdio", func(t *testing.T) {
			t.Parallel()
			checkInspector(t, append([]string{"--protocol-era", era}, harness.Stdio(t)...))
		})
	}
}

func checkInspector(t *testing.T, target []string) {
	t.Helper()
	tools := listStrictly(t, "", target...)
	if len(tools.Tools) != 4 {
		t.Errorf("the Inspector lists %d tools, want 4", len(tools.Tools))
	}
	for tool, want := range map[string]string{"login-user": "/connect/", "refresh-token": "nothing to renew"} {
		var result toolResult
		decode(t, inspect(t, inspectorToolError, target, "--method", "tools/call", "--tool-name", tool, "--tool-args-json",
			"{}").Result, &result)
		if !strings.Contains(result.text(), want) {
			t.Errorf("%s answered %q, want %s in it", tool, result.text(), want)
		}
	}
}

func decode(t *testing.T, raw json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("decode %s: %v", raw, err)
	}
}

func TestInspector_findsNothingInTheConformanceFixtures(t *testing.T) {
	t.Parallel()
	inspector(t)
	s := harness.Serve(t, filepath.Join(fixtures, "conformance.yaml"), "--upstream", "http://127.0.0.1:9")
	listStrictly(t, untyped, s.Adapter(t, "mcp"), "--transport", "http")
}

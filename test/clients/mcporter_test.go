package clients

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/harness"
)

func TestMCPorter_listsAndCalls(t *testing.T) {
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		mcporter := harness.Script(t, "mcporter", "dist", "cli.js")
		checkMCPorter(t, mcporter, []string{"--http-url", harness.Serve(t, "--sandbox").Adapter(t, "mcp"), "--allow-http",
			"--name", "koyeb"})
	})
	t.Run("stdio", func(t *testing.T) {
		t.Parallel()
		mcporter := harness.Script(t, "mcporter", "dist", "cli.js")
		target := []string{"--name", "koyeb", "--stdio", harness.Stdio(t)[0]}
		for _, arg := range harness.Stdio(t)[1:] {
			target = append(target, "--stdio-arg", arg)
		}
		checkMCPorter(t, mcporter, target)
	})
}

func checkMCPorter(t *testing.T, mcporter, target []string) {
	t.Helper()
	out := harness.Execute(t, "", append(append(mcporter, "list", "--json"), target...)...)
	var list struct {
		Status string
		Tools  []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out.Stdout), &list); err != nil || list.Status != "ok" || len(list.Tools) != 4 {
		t.Fatalf("mcporter list did not list 4 tools: %v\n%s", err, out)
	}
	for tool, want := range map[string]string{"login-user": "/connect/", "refresh-token": "nothing to renew"} {
		call := append(append([]string{}, mcporter...), "call", tool, "--args", "{}", "--output", "json")
		if out := harness.Execute(t, "", append(call, target...)...); out.Code != 1 || !strings.Contains(out.Stdout, want) {
			t.Errorf("%s did not end with the code 1 and %s:\n%s", tool, want, out)
		}
	}
}

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
	for _, c := range []struct {
		password string
		code     int
		want     string
	}{{harness.Demo().Password, 0, `"token"`}, {"wrong", 1, "401"}} {
		body, err := json.Marshal(map[string]any{"body": map[string]any{"email": harness.Demo().Email, "password": c.password}})
		if err != nil {
			t.Fatal(err)
		}
		call := append(append([]string{}, mcporter...), "call", "login-user", "--args", string(body), "--output",
			"json")
		if out := harness.Execute(t, "", append(call, target...)...); out.Code != c.code ||
			!strings.Contains(out.Stdout, c.want) {
			t.Errorf("login with the password %q did not end with the code %d and %s:\n%s", c.password, c.code,
				c.want, out)
		}
	}
}

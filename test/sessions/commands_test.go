package sessions

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit/chromium"
	"github.com/fairlead/fairlead/test/harness"
)

// command is a client that is a program which runs once for each call.
type command struct {
	base    []string // the program and its first arguments
	printed *strings.Builder
}

// run ends the test when the exit code is none of the codes.
func (c command) run(t *testing.T, codes []int, args ...string) []byte {
	t.Helper()
	out := harness.Execute(t, "", append(append([]string{}, c.base...), args...)...)
	c.printed.WriteString(out.Stdout + out.Stderr)
	if !slices.Contains(codes, out.Code) {
		t.Fatalf("%q: %s", args, out)
	}
	return []byte(out.Stdout)
}

func (c command) said() string { return c.printed.String() }

// inspector is the official Inspector's command line, which has no user to ask.
type inspector struct {
	command
	target []string
}

func (i inspector) method(t *testing.T, codes []int, args ...string) json.RawMessage {
	t.Helper()
	var printed struct{ Result json.RawMessage }
	decode(t, i.run(t, codes, append(append(slices.Clone(i.target), "--format", "json", "-q"), args...)...), &printed)
	return printed.Result
}

func (i inspector) list(t *testing.T) []byte {
	t.Helper()
	return i.method(t, []int{0}, "--method", "tools/list")
}

func (i inspector) call(t *testing.T, tool string, _ func(string)) (r result) {
	t.Helper()
	const toolError = 5
	decode(t, i.method(t, []int{0, toolError}, "--method", "tools/call", "--tool-name", tool, "--tool-args-json",
		"{}"), &r)
	return r
}

// mcpdo is the Inspector's client that keeps a connection, and shows its user pages.
type mcpdo struct{ command }

func (m mcpdo) list(t *testing.T) []byte {
	t.Helper()
	return m.run(t, []int{0}, "tools/list")
}

func (m mcpdo) call(t *testing.T, tool string, open func(string)) result {
	t.Helper()
	for {
		var printed struct {
			result
			ElicitationPending struct{ ElicitationID, Mode, URL string }
		}
		decode(t, m.run(t, []int{0, 1, 5}, "tools/call", tool), &printed)
		asked := printed.ElicitationPending
		if asked.URL == "" {
			return printed.result
		}
		open(asked.URL)
		// Where the server says itself that the sign-in is complete, there is nothing to answer any more.
		m.run(t, []int{0, 1, 2, 3, 4, 5, 6}, "elicitation/respond", asked.ElicitationID, "--done")
	}
}

// mcporter calls tools of a server that it reaches by its arguments.
type mcporter struct {
	command
	name, prefix string
	target       []string
}

func (m mcporter) list(t *testing.T) []byte {
	t.Helper()
	return m.run(t, []int{0}, append([]string{"list", m.name, "--schema", "--json"}, m.target...)...)
}

func (m mcporter) call(t *testing.T, tool string, _ func(string)) (r result) {
	t.Helper()
	text := m.run(t, []int{0, 1}, append([]string{"call", m.prefix + tool, "--args", "{}", "--output", "json"},
		m.target...)...)
	decode(t, text, &r)
	if r.Content == nil { // of a result that is structured it prints nothing else
		decode(t, text, &r.StructuredContent)
	}
	return r
}

func TestInspector_holdsTheSession(t *testing.T) {
	browser := chromium.Start(t)
	t.Run("CLI/modern/address/HTTP", func(t *testing.T) {
		t.Parallel()
		base := append(harness.Script(t, "@modelcontextprotocol", "inspector", "clients", "launcher", "build",
			"index.js"), "--cli")
		k, w := newKoyeb(t), &wire{}
		s := serve(t, k)
		i := inspector{command{base: base, printed: &strings.Builder{}},
			[]string{proxy(t, s.Adapter(t, "mcp"), w), "--transport", "http", "--protocol-era", "modern"}}
		hold(t, i, k, browser, false)
		k.check(t, map[string]string{"the messages": w.String(), "what the client prints": i.said(),
			"the server's log": s.Log()})
	})
	for _, era := range []string{"legacy", "modern"} {
		t.Run("mcpdo/"+era+"/elicitation/HTTP", func(t *testing.T) {
			t.Parallel()
			k, w := newKoyeb(t), &wire{}
			s := serve(t, k)
			address := proxy(t, s.Adapter(t, "mcp"), w)
			m := connect(t, era)
			m.run(t, []int{0}, "connect", "--era", era, "--transport", "http", address)
			hold(t, m, k, browser, true)
			k.check(t, map[string]string{"the messages": w.String(), "what the client prints": m.said(),
				"the server's log": s.Log()})
		})
		t.Run("mcpdo/"+era+"/elicitation/stdio", func(t *testing.T) {
			t.Parallel()
			k := newKoyeb(t)
			file, server := stdio(t, k)
			m := connect(t, era)
			m.run(t, []int{0}, append([]string{"connect", "--era", era, "--"}, server...)...)
			hold(t, m, k, browser, true)
			k.check(t, map[string]string{"the messages": read(t, file), "what the client prints": m.said()})
		})
	}
}

// connect is a mcpdo with a daemon of its own, which ends with the test.
func connect(t *testing.T, name string) mcpdo {
	t.Helper()
	folder, err := os.MkdirTemp("", "mcpdo-") // with a short name, for the socket in it
	if err != nil {
		t.Fatal(err)
	}
	// The programs get their environment from harness, so env sets this one's.
	base := append([]string{"env", "MCP_INSPECTOR_SECRET_STORE=memory", "MCP_INSPECTOR_DAEMON_DIR=" + folder,
		"MCP_INSPECTOR_DAEMON_TOKEN=" + strings.Repeat("d", 43)},
		harness.Script(t, "@modelcontextprotocol", "inspector", "clients", "mcpdo", "build", "mcp-bin.js")...)
	m := mcpdo{command{base: append(base, "--format", "json", "--connection", name), printed: &strings.Builder{}}}
	t.Cleanup(func() {
		m.run(t, []int{0}, "daemon", "stop")
		os.RemoveAll(folder)
	})
	return m
}

func TestMCPorter_holdsTheSession(t *testing.T) {
	browser := chromium.Start(t)
	t.Run("address/HTTP", func(t *testing.T) {
		t.Parallel()
		base := harness.Script(t, "mcporter", "dist", "cli.js")
		k, w := newKoyeb(t), &wire{}
		s := serve(t, k)
		m := mcporter{command: command{base: base, printed: &strings.Builder{}},
			target: []string{"--http-url", proxy(t, s.Adapter(t, "mcp"), w), "--allow-http", "--name", "koyeb"}}
		hold(t, m, k, browser, false)
		k.check(t, map[string]string{"the messages": w.String(), "what the client prints": m.said(),
			"the server's log": s.Log()})
	})
	t.Run("address/stdio", func(t *testing.T) { // by its daemon, which keeps the server running
		t.Parallel()
		base := harness.Script(t, "mcporter", "dist", "cli.js")
		k := newKoyeb(t)
		file, server := stdio(t, k)
		config := filepath.Join(t.TempDir(), "mcporter.json")
		text, err := json.Marshal(map[string]any{"imports": []string{}, "mcpServers": map[string]any{
			"koyeb": map[string]any{"command": server[0], "args": server[1:], "lifecycle": "keep-alive"}}})
		if err == nil {
			err = os.WriteFile(config, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		m := mcporter{command: command{base: append(base, "--config", config), printed: &strings.Builder{}},
			name:   "koyeb",
			prefix: "koyeb."}
		t.Cleanup(func() { m.run(t, []int{0}, "daemon", "stop") })
		hold(t, m, k, browser, false)
		k.check(t, map[string]string{"the messages": read(t, file), "what the client prints": m.said()})
	})
}

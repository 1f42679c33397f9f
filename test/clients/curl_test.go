package clients

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/harness"
)

// curl runs curl and returns the status and the body of the answer.
func curl(t *testing.T, args ...string) (status, body string) {
	t.Helper()
	program, err := exec.LookPath("curl")
	if err != nil {
		harness.Missing(t, "there is no curl")
	}
	out := harness.Execute(t, "", append([]string{program, "--silent", "--show-error", "--noproxy", "*", "--write-out",
		"\n%{http_code}"}, args...)...)
	if out.Code != 0 {
		t.Fatalf("curl failed: %s", out)
	}
	end := strings.LastIndexByte(out.Stdout, '\n')
	return out.Stdout[end+1:], out.Stdout[:end]
}

const asJSON = "Content-Type: application/json"

func TestCurl_logsInAndOutOverREST(t *testing.T) {
	t.Parallel()
	s := harness.Serve(t, "--sandbox")
	base := s.Adapter(t, "rest") + "/v1/v1/account"
	credentials, err := json.Marshal(map[string]string{"email": s.Sandbox.Email, "password": s.Sandbox.Password})
	if err != nil {
		t.Fatal(err)
	}
	status, body := curl(t, base+"/login", "-H", asJSON, "-d", string(credentials))
	var login struct{ Token struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &login); status != "200" || err != nil || login.Token.ID == "" {
		t.Fatalf("login answered %s %s, want 200 and a token", status, body)
	}
	bearer := "Authorization: Bearer " + login.Token.ID
	for _, c := range []struct {
		name, path, want string
		args             []string
	}{
		{"wrong password", "/login", "401", []string{"-H", asJSON, "-d", `{"email":"` + s.Sandbox.Email + `","password":"wrong"}`}},
		{"no body", "/login", "400", []string{"-X", "POST"}},
		{"wrong method", "/login", "405", nil},
		{"unknown path", "/nothing", "404", nil},
		{"logout", "/logout", "200", []string{"-X", "DELETE", "-H", bearer}},
		{"logout again", "/logout", "401", []string{"-X", "DELETE", "-H", bearer}},
	} {
		if status, body := curl(t, append(c.args, base+c.path)...); status != c.want {
			t.Errorf("%s: answered %s %s, want %s", c.name, status, body, c.want)
		}
	}
}

func TestCurl_speaksMCP(t *testing.T) {
	t.Parallel()
	endpoint := harness.Serve(t, "--sandbox").Adapter(t, "mcp")
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	modern := []string{"-H", "MCP-Protocol-Version: 2026-07-28", "-H"}
	for _, c := range []struct {
		name, status, want string
		args               []string
		body               string
	}{
		{"initialize", "200", `"protocolVersion":"2025-06-18"`, nil,
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}`},
		{"initialized", "202", "", nil, `{"jsonrpc":"2.0","method":"notifications/initialized"}`},
		{"tools/list of 2025-06-18", "200", `"login-user"`, []string{"-H", "MCP-Protocol-Version: 2025-06-18"}, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`},
		{"server/discover", "200", `"supportedVersions"`, append(modern, "Mcp-Method: server/discover"), `{"jsonrpc":"2.0","id":3,"method":"server/discover","params":{` + meta + `}}`},
		{"tools/list of 2026-07-28", "200", `"resultType":"complete"`, append(modern, "Mcp-Method: tools/list"), `{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{` + meta + `}}`},
		{"another method in the header", "400", `-32020`, append(modern, "Mcp-Method: tools/call"), `{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{` + meta + `}}`},
		{"another site's page", "403", `"error"`, []string{"-H", "Origin: https://evil.example"}, `{"jsonrpc":"2.0","id":6,"method":"tools/list"}`},
		{"no JSON", "400", `-32700`, nil, `{`},
	} {
		args := append([]string{endpoint, "-H", asJSON, "-H", "Accept: application/json, text/event-stream", "-d",
			c.body}, c.args...)
		if status, body := curl(t, args...); status != c.status || !strings.Contains(body, c.want) || c.want == "" &&
			body != "" {
			t.Errorf("%s: answered %s %s, want %s and %s", c.name, status, body, c.status, c.want)
		}
	}
	if status, _ := curl(t, endpoint); status != "405" {
		t.Errorf("GET answered %s, want 405", status)
	}
}

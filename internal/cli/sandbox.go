package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/sandbox"
	"github.com/fairlead/fairlead/internal/value"
)

// koyebHost is the host that the sandbox stands in for.
const koyebHost = "app.koyeb.com"

// koyebVariables are the names of Koyeb's credential. Under --sandbox they hold
// nothing but the sandbox's own token, so that a real one never gets there.
var koyebVariables = []string{"KOYEB_API_KEY", "KOYEB_API_TOKEN", "KOYEB_TOKEN"}

// sandboxed is a sandbox that listens on a free port of the loopback interface.
type sandboxed struct {
	*sandbox.Sandbox
	server *http.Server
	base   *url.URL
}

func openSandbox() (*sandboxed, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	s := &sandboxed{Sandbox: sandbox.New(sandbox.Config{}), base: &url.URL{Scheme: "http", Host: ln.Addr().String()}}
	s.server = &http.Server{Handler: s.Sandbox}
	go s.server.Serve(ln)
	return s, nil
}

func (s *sandboxed) close() { s.server.Close() }

func (s *sandboxed) hosts() map[string]*url.URL { return map[string]*url.URL{koyebHost: s.base} }

func (s *sandboxed) getenv(name string) (string, bool) {
	text, set := os.LookupEnv(name)
	if slices.Contains(koyebVariables, name) && text != s.APIToken() {
		return "", false
	}
	return text, set
}

func (s *sandboxed) standsInFor(d *host.Document) bool {
	return d.Model != nil && slices.ContainsFunc(d.Model.Consumes, func(c *model.Consume) bool {
		u, err := url.Parse(c.BaseURI)
		return err == nil && u.Hostname() == koyebHost
	})
}

func (s *sandboxed) json() value.Value {
	demo := s.Accounts()[0]
	return value.Map(value.Member{Name: "url", Value: value.Of(s.base.String())},
		value.Member{Name: "email", Value: value.Of(demo.Email)},
		value.Member{Name: "password", Value: value.Of(demo.Password)})
}

// print shows what to type next.
func (s *sandboxed) print(w io.Writer, adapters []host.Adapter) {
	demo := s.Accounts()[0]
	fmt.Fprintf(w, "\nSandbox: Koyeb's account API answers from inside this process (%s); nothing leaves the machine.\n", s.base)
	fmt.Fprintf(w, "  email     %s\n  password  %s\n", demo.Email, demo.Password)
	for _, a := range adapters {
		if a.Type == "rest" && slices.Contains(a.Units, "POST /v1/v1/account/login") {
			fmt.Fprintf(w, `
Log in:
  curl -s %[1]s/v1/v1/account/login -H 'Content-Type: application/json' -d '{"email":"%[2]s","password":"%[3]s"}'
Log in and out again:
  TOKEN=$(curl -s %[1]s/v1/v1/account/login -H 'Content-Type: application/json' -d '{"email":"%[2]s","password":"%[3]s"}' | sed 's/.*"id":"\([^"]*\)".*/\1/'); curl -s -X DELETE %[1]s/v1/v1/account/logout -H "Authorization: Bearer $TOKEN"
`, a.URL, demo.Email, demo.Password)
		}
	}
	for _, a := range adapters {
		if a.Type == "mcp" {
			fmt.Fprintf(w, "Configure an MCP client, and let your agent call login-user; it names the page on which you sign in as above:\n  {\"mcpServers\":{\"%s\":{\"type\":\"http\",\"url\":\"%s\"}}}\n", a.Namespace, a.URL)
		}
	}
	fmt.Fprintln(w, "\nOther addresses of the sandbox, all with the same password:")
	for _, account := range s.Accounts()[1:] {
		fmt.Fprintf(w, "  %-34s %s\n", account.Email, account.Note)
	}
}

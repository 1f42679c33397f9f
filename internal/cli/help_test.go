//go:build unix

// These tests type their lines into a shell.

package cli_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/testkit"
)

// help is what “fairlead COMMAND --help” prints.
func help(t *testing.T, command ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := cli.Run(t.Context(), append(command, "--help"),
		cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}); code != 0 {
		t.Fatalf("%v --help: exit %d\n%s", command, code, &out)
	}
	return out.String()
}

// helped is the help of every command by its name, "" for that of all.
func helped(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"": help(t)}
	_, list, _ := strings.Cut(all[""], "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		if name := strings.Fields(line)[0]; name != "help" && name != "completion" {
			all[name] = help(t, name)
		}
	}
	if len(all) < 10 {
		t.Fatalf("found the help of %d commands", len(all))
	}
	return all
}

// examples are the commands that a help shows, without their comments.
func examples(text string) (all []string) {
	_, block, ok := strings.Cut(text, "\nExamples:\n")
	if !ok {
		return nil
	}
	block, _, _ = strings.Cut(block, "\n\n")
	for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
		line, _, _ = strings.Cut(line, " # ")
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

func TestHelp_fitsATerminal(t *testing.T) {
	for name, text := range helped(t) {
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%s --help has a line of %d characters: %s", name, n, line)
			}
		}
	}
}

// What help shows can be typed: after “fairlead new”, every example runs as it is
// printed. Only the API is another, for no test leaves the machine.
func TestHelp_examplesRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	up := testkit.NewUpstream(t, echo)
	elsewhere := regexp.MustCompile(`fairlead (?:call|serve|mcp) (?:\S+\.yaml|\.)`)
	// these ask a process that runs, which is there when they are typed
	remote := regexp.MustCompile(`^fairlead (?:health|status|metrics|traces|logs|scripting|reload)\b`)
	for command, text := range helped(t) {
		lines := examples(text)
		if len(lines) == 0 {
			t.Errorf("%s --help shows no example", command)
		}
		for _, line := range lines {
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				login := strings.HasPrefix(line, "fairlead login")
				if login && !strings.Contains(line, "--service") {
					t.Skip("it asks in a terminal: TestLogin_hidesPasswords")
				}
				dir := t.TempDir()
				const account = `{"email":"me@example.com","password":"not-a-real-password"}`
				if err := os.WriteFile(filepath.Join(dir, "account.json"), []byte(account), 0o600); err != nil {
					t.Fatal(err)
				}
				bin := filepath.Join(dir, ".bin")
				if err := os.Mkdir(bin, 0o755); err != nil {
					t.Fatal(err)
				}
				// testscript runs this binary as the command that it is called.
				if err := os.Symlink(self, filepath.Join(bin, "fairlead")); err != nil {
					t.Fatal(err)
				}
				typed := line
				if !strings.Contains(line, "--sandbox") && !strings.Contains(line, "--upstream") {
					typed = elsewhere.ReplaceAllString(line, "${0} --upstream "+up.URL)
				}
				if login {
					typed += " --upstream " + up.URL
				}
				if strings.Contains(line, "fairlead serve") && !strings.Contains(line, "--ports") {
					typed += " --ports auto" // another test may have those that are declared
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				control := ""
				if remote.MatchString(line) {
					short, err := os.MkdirTemp("", "f") // the path of a socket has little room
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { os.RemoveAll(short) })
					control = "unix:" + filepath.Join(short, "s")
				}
				run := func(command string) (*exec.Cmd, *shared) {
					c, printed := exec.CommandContext(ctx, "bash", "-c", command), &shared{}
					c.Dir, c.Stdout, c.Stderr = dir, printed, printed
					c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "NO_COLOR=1",
						"XDG_STATE_HOME="+filepath.Join(dir, ".state"), "FAIRLEAD_CONTROL="+control)
					c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
					return c, printed
				}
				if remote.MatchString(line) {
					server, printed := run("exec fairlead serve --sandbox --ports auto")
					if err := server.Start(); err != nil {
						t.Fatal(err)
					}
					defer func() {
						_ = syscall.Kill(-server.Process.Pid, syscall.SIGTERM)
						_ = server.Wait()
					}()
					if !printed.within(ctx, func(text string) bool { return strings.Contains(text, "Ctrl-C.") }) {
						t.Fatalf("nothing serves: %s", printed.text())
					}
				}
				if line != "fairlead new" {
					if c, printed := run("fairlead new"); c.Run() != nil {
						t.Fatalf("fairlead new: %s", printed.text())
					}
				}
				c, printed := run(typed)
				if !strings.Contains(line, "fairlead serve") {
					if err := c.Run(); err != nil {
						t.Errorf("$ %s\n%s%v", typed, printed.text(), err)
					}
					return
				}
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				ready := printed.within(ctx, func(text string) bool {
					return strings.Contains(text, "Ctrl-C.") || strings.Contains(text, `"event":"ready"`)
				})
				_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
				err := c.Wait()
				if !ready {
					t.Errorf("$ %s\n%s%v", typed, printed.text(), err)
				}
			})
		}
	}
}

// A command line that is wrong is told what is wrong with it and what is right.
func TestUsage_saysWhatIsMissing(t *testing.T) {
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for line, want := range map[string]string{
		"call":                                 "FILE and UNIT is missing: fairlead call FILE UNIT [name=value]... [flags]",
		"call koyeb-sessions.yaml":             "UNIT is missing",
		"check":                                "FILE or DIR is missing",
		"explain":                              "FILE is missing",
		"inspect a.yaml b.yaml":                "“b.yaml” is one argument too many: fairlead inspect [FILE|-]",
		"serve --call-timeout 10":              "want a time such as 500ms, 30s or 2m",
		"serve --call-timeout -5s":             "want a time such as 500ms, 30s or 2m",
		"serve --max-chars -1":                 "want a number above 0",
		"serve --search-above 0":               "want a number above 0",
		"serve --max-memory 2GB":               "want a size such as 2GiB",
		"serve --allow-origin app.example.com": "want scheme://host[:port] as browsers send it",
		"serve --allow-origin https://a.b/":    "want scheme://host[:port] as browsers send it",
		"serve --default koyeb":                "--default: no document has the MCP server “koyeb”; there is koyeb-sessions-mcp",
		"serve --upstream koyeb-session=" +
			up.URL: "--upstream: no document has the consumed API “koyeb-session”; did you mean “koyeb-sessions”?",
		"explain koyeb-sessions.yaml --upstream x=" +
			up.URL: "--upstream: no document has the consumed API “x”; there is koyeb-sessions",
		"mcp --namespace x": "--namespace: no document has the MCP server “x”; there is koyeb-sessions-mcp",
	} {
		var out bytes.Buffer
		code := cli.Run(t.Context(), strings.Fields(line), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
		if code == 0 || !strings.Contains(out.String(), want) {
			t.Errorf("fairlead %s: exit %d, %s; want %s", line, code, &out, want)
		}
	}
}

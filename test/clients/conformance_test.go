package clients

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fairlead/fairlead/test/conformance/upstream"
	"github.com/fairlead/fairlead/test/harness"
)

// fixtures is the folder of the documents and baselines.
const fixtures = "../conformance"

// TestConformance runs the official suite. A scenario that fails and is not in
// the baseline fails the test, and so does one of the baseline that passes.
func TestConformance(t *testing.T) {
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			suite := harness.Script(t, "@modelcontextprotocol", "conformance", "dist", "index.js")
			d := newDocument(t)
			api := httptest.NewServer(upstream.New(d.change))
			t.Cleanup(api.Close)
			s := harness.Serve(t, d.file, "--upstream", api.URL)
			d.server = s.Process
			results := t.TempDir()
			out := harness.Execute(t, "", append(suite, "server", "--url", s.Adapter(t, "mcp"), "--requirements", revision,
				"--expected-failures", filepath.Join(fixtures, "baseline-"+revision+".yaml"), "-o", results)...)
			if out.Code != 0 {
				t.Errorf("the suite ended with the code %d%s\nIts checks that did not succeed:\n%s", out.Code,
					out.Stderr, checks(t, results))
			}
			t.Log("\n" + summary(out.Stdout))
		})
	}
}

// document is a copy of the fixtures that changes while it is served.
type document struct {
	t      *testing.T
	file   string
	server *os.Process
	mu     sync.Mutex
	times  int
}

func newDocument(t *testing.T) *document {
	t.Helper()
	d := &document{t: t, file: filepath.Join(t.TempDir(), "conformance.yaml")}
	d.write("")
	return d
}

// change writes the document anew, with another description among its tools or
// prompts, and lets the server read it.
func (d *document) change(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times++
	d.write(what)
	if err := d.server.Signal(syscall.SIGHUP); err != nil {
		d.t.Errorf("ask for a reload: %v", err)
	}
}

func (d *document) write(what string) {
	text, err := os.ReadFile(filepath.Join(fixtures, "conformance.yaml"))
	if err != nil {
		d.t.Error(err)
		return
	}
	original := map[string]string{"tools": ", 0 times so far", "prompts": ", changed 0 times"}[what]
	changed := strings.Replace(string(text), original, strings.Replace(original, "0", strconv.Itoa(d.times), 1), 1)
	if err := os.WriteFile(d.file, []byte(changed), 0o600); err != nil {
		d.t.Error(err)
	}
}

// checks lists what did not succeed, from the files that the suite leaves.
func checks(t *testing.T, results string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(results, "*", "checks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []struct{ ID, Status, ErrorMessage string }
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.Status == "FAILURE" || c.Status == "WARNING" {
				fmt.Fprintf(&b, "%s %s:%s: %s\n", c.Status, filepath.Base(filepath.Dir(file)), c.ID, c.ErrorMessage)
			}
		}
	}
	return b.String()
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// summary is the end of the suite's report: the scenarios and the totals.
func summary(report string) string {
	report = colour.ReplaceAllString(report, "")
	if at := strings.LastIndex(report, "=== SUMMARY ==="); at >= 0 {
		return report[at:]
	}
	return report
}

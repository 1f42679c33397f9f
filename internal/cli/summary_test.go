package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/cli"
)

// misspelt is a document of which one tool works and one does not.
const misspelt = `ikanos: 1.0.0-beta5
info: {display: Number %d}
capability:
  consumes:
  - {type: http, namespace: up, baseUri: "https://up.example", resources: {r: {path: /r, operations: {read: {method: GET}}}}}
  exposes:
  - {type: mcp, namespace: m%d, port: 0, tools: {good: {description: d., call: up.read}, bad: {description: d., call: up.raed}}}
`

// folder has n documents.
func folder(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("d%04d.yaml", i)), fmt.Appendf(nil, misspelt, i, i),
			0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func TestCheck_sumsUpManyDocuments(t *testing.T) {
	dir := folder(t, 300)
	code, out, _ := run(t, "check", dir)
	if code != 1 || len(out) > 4<<10 {
		t.Errorf("exit %d and %d bytes", code, len(out))
	}
	for _, want := range []string{
		"300 documents: 300 units served, 300 withheld; 300 errors, 0 warnings, 0 notes",
		"   300  error    call-unresolved, in 300 documents",
		filepath.Join(dir, "d0000.yaml") + ": 1 withheld, 1 error",
		"… and 290 more documents with errors",
		"--all for every finding",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if _, all, _ := run(t, "check", "--all", dir); strings.Count(all, "Did you mean “up.read”?") != 300 {
		t.Error("--all does not print every finding")
	}
	if _, lines, _ := run(t, "check", "-o", "json", dir); strings.Count(lines, "\n") != 300 {
		t.Error("-o json does not print every document")
	}
	if _, few, _ := run(t, "check", folder(t, 20)); strings.Count(few, "Did you mean “up.read”?") != 20 {
		t.Error("the findings of few documents are not printed")
	}
}

func TestServe_sumsUpManyDocuments(t *testing.T) {
	dir := folder(t, 300)
	code, _, errs := run(t, "serve", "--strict", dir)
	if code != 1 || len(errs) > 4<<10 || !strings.Contains(errs, "call-unresolved, in 300 documents") ||
		!strings.Contains(errs, "300 findings") {
		t.Errorf("exit %d and %d bytes\n%.4000s", code, len(errs), errs)
	}
}

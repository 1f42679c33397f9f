package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
)

const filed = `
ikanos: 1.0.0-beta5
info: {display: Filed}
binds:
- {namespace: here, location: "file:///./here.yaml", keys: {HERE: HERE, OTHER: OTHER}}
- {namespace: gone, location: "file:///./gone.yaml", keys: {GONE: GONE, LOST: LOST}}
capability:
  consumes:
  - {type: http, namespace: a, baseUri: "http://127.0.0.1:1", authentication: {type: bearer, token: "{{here.OTHER}}"}, resources: {x: {path: /x, operations: {get: {method: GET}}}}}
  - {type: http, namespace: b, baseUri: "http://127.0.0.1:1", authentication: {type: basic, username: "{{gone.GONE}}", password: "{{gone.LOST}}"}, resources: {x: {path: /x, operations: {get: {method: GET}}}}}
  exposes:
  - {type: rest, namespace: r, port: 0, resources: {x: {path: /x, operations: {a: {method: GET, call: a.get}, b: {method: PUT, call: b.get}}}}}
`

// TestUnreadFiles_namesEachOnce: a file that is there is not named, whatever it lacks.
func TestUnreadFiles_namesEachOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "here.yaml"), []byte("HERE: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := testkit.Serve(t, filed, testkit.Options{Dir: dir})
	problems := host.UnreadFiles(t.Context(), s.Secrets, []*host.Document{s.Document})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "GONE") ||
		!strings.Contains(problems[0].Error(), "gone.yaml") || !strings.Contains(problems[0].Error(), "no such file") {
		t.Errorf("got %v", problems)
	}
}

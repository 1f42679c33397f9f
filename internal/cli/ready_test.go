package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/cli"
)

// A secret that callers must bring and that is not set lets nobody in: the start
// says so, not the first caller's complaint.
func TestServe_saysAtTheStartWhoIsLetIn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "guarded.yaml")
	if err := os.WriteFile(file, []byte(`ikanos: 1.0.0-beta5
info: {display: Guarded}
binds:
  - {namespace: env, keys: {FAIRLEAD_TEST_CALLER: FAIRLEAD_TEST_CALLER}}
capability:
  exposes:
    - type: rest
      namespace: pings
      authentication: {type: bearer, token: "{{FAIRLEAD_TEST_CALLER}}"}
      resources: {ping: {path: /ping, operations: {ping: {method: GET, outputParameters: {pong: {type: string, value: pong}}}}}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "FAIRLEAD_TEST_CALLER is not set: pings will let nobody in. Set it and start again."
	for value, said := range map[string]bool{"": true, "secret-of-callers": false} {
		if value == "" {
			t.Setenv("FAIRLEAD_TEST_CALLER", "x") // put back at the end
			os.Unsetenv("FAIRLEAD_TEST_CALLER")
		} else {
			t.Setenv("FAIRLEAD_TEST_CALLER", value)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		var printed shared
		done := make(chan int, 1)
		go func() {
			done <- cli.Run(ctx, []string{"serve", file, "--ports", "auto"},
				cli.Streams{In: strings.NewReader(""), Out: &out, Err: &printed})
		}()
		ready := printed.within(ctx, func(text string) bool { return strings.Contains(text, "Ctrl-C.") })
		cancel()
		if code := <-done; code != 0 || !ready || strings.Contains(printed.text(), want) != said {
			t.Errorf("with the value %q: exit %d, %s", value, code, printed.text())
		}
	}
}

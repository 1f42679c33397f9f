package cli_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const failing = `
naftiko: 1.0.0-alpha2
info: {label: Failing, description: Every call is a line in the log.}
capability:
  consumes:
  - {type: http, namespace: api, baseUri: "http://127.0.0.1:1", authentication: {type: bearer, token: "{{UNSET_TOKEN}}"}, resources: [{path: /x, operations: [{name: get, method: GET}]}]}
  exposes:
  - {type: rest, namespace: r, port: 8080, resources: [{path: /x, operations: [{method: GET, call: api.get}]}]}
`

// TestServe_outlivesThoseWhoReadIt: neither a log reader that has gone nor a full
// disk ends the process or a call.
func TestServe_outlivesThoseWhoReadIt(t *testing.T) {
	document := filepath.Join(t.TempDir(), "failing.yaml")
	if err := os.WriteFile(document, []byte(failing), 0o600); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for name, gone := range map[string]bool{"the reader has gone": true, "the disk is full": false} {
		t.Run(name, func(t *testing.T) {
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			server := exec.Command(program)
			server.Args = []string{"fairlead", "serve", document, "--ports", "auto", "--json", "--log-level", "debug"}
			log := full
			var reader *os.File
			if gone {
				if reader, log, err = os.Pipe(); err != nil {
					t.Fatal(err)
				}
			}
			server.Stderr = log
			out, err := server.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			var ready struct{ Adapters []struct{ URL string } }
			if line, err := lines.ReadBytes('\n'); err != nil || json.Unmarshal(line, &ready) != nil || len(ready.Adapters) != 1 {
				t.Fatalf("not ready: %v %s", err, line)
			}
			if gone {
				log.Close()
				reader.Close()
			}
			for range 3 {
				resp, err := http.Get(ready.Adapters[0].URL + "/x")
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
			_ = server.Process.Signal(syscall.SIGTERM)
			if err := server.Wait(); err != nil {
				t.Error(err)
			}
			http.DefaultClient.CloseIdleConnections()
		})
	}
}

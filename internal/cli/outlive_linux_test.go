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
  - {type: http, namespace: gone, baseUri: "http://127.0.0.1:1", resources: [{path: /y, operations: [{name: get, method: GET}]}]}
  exposes:
  - {type: rest, namespace: r, port: 8080, resources: [{path: /x, operations: [{method: GET, call: api.get}]}, {path: /y, operations: [{method: GET, call: gone.get}]}]}
`

// TestServe_outlivesThoseWhoReadIt: neither a log reader that has gone or does not
// read nor a full disk ends the process or a call.
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
	for name, reads := range map[string]string{"the reader has gone": "gone", "the reader does not read": "stuck",
		"the disk is full": ""} {
		t.Run(name, func(t *testing.T) {
			gone := reads == "gone"
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			server := exec.Command(program)
			server.Args = []string{"fairlead", "serve", document, "--ports", "auto", "--json", "--log-level", "debug"}
			log := full
			var reader *os.File
			if reads != "" {
				if reader, log, err = os.Pipe(); err != nil {
					t.Fatal(err)
				}
				_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, log.Fd(), 1031, 4096) // F_SETPIPE_SZ: it holds little
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
			if line, err := lines.ReadBytes('\n'); err != nil || json.Unmarshal(line, &ready) != nil ||
				len(ready.Adapters) != 1 {
				t.Fatalf("not ready: %v %s", err, line)
			}
			requests, path, status := 3, "/x", http.StatusServiceUnavailable
			if reads == "stuck" {
				defer log.Close()
				defer reader.Close()
				requests, path, status = 1000, "/y", http.StatusBadGateway // more lines than the pipe holds
			}
			if gone {
				log.Close()
				reader.Close()
			}
			for range requests {
				resp, err := http.Get(ready.Adapters[0].URL + path)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != status {
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

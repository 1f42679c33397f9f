package cli_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit"
)

// Ctrl-C lets what runs finish, a second one ends the process at once.
func TestServe_endsAtOnceAtTheSecondSignal(t *testing.T) { // semantics 6.5
	called, release := make(chan struct{}), make(chan struct{})
	up := testkit.NewUpstream(t, func(http.ResponseWriter, *http.Request) {
		close(called)
		<-release
	})
	defer close(release)
	document := filepath.Join(t.TempDir(), "slow.yaml")
	text := "ikanos: 1.0.0-beta5\ninfo: {display: Slow}\ncapability:\n  consumes:\n  - {type: http, namespace: up, baseUri: " + up.URL +
		", resources: {r: {path: /r, operations: {o: {method: GET}}}}}\n  exposes:\n  - {type: rest, namespace: r, port: 0, resources: {r: {path: /r, operations: [{method: GET, call: up.o}]}}}\n"
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Args = []string{"fairlead", "serve", "--json", document}
	var errs bytes.Buffer
	server.Stderr = &errs
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill() }() // it has ended, unless the test failed
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://[0-9.:]+`).FindString(string(line[:n]))
	answered := make(chan error, 1)
	go func() {
		response, err := http.Get(url + "/r")
		if err == nil {
			response.Body.Close()
		}
		answered <- err
	}()
	<-called
	for range 2 {
		if err := server.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // two signals that wait together count as one
	}
	if err := server.Wait(); err == nil {
		t.Error("it ended as if nothing had been cut off")
	}
	if status, ok := server.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signaled() ||
		status.ExitStatus() != 1 {
		t.Errorf("it ended with %v", server.ProcessState)
	}
	if !bytes.Contains(errs.Bytes(), []byte("ended at once by a second signal")) {
		t.Errorf("it said %s", errs.String())
	}
	<-answered
}

//go:build !race

// With the race detector memory says nothing of the program.

package cli_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// residentPerCall is the most resident memory that the process may need for a call
// whose API has not answered yet, in bytes: connection, stacks, buffers, an HTTP/2
// stream, and the collector's headroom. Some 60 KiB were measured.
const residentPerCall = 96 << 10

// Ten thousand clients call at once, each on a connection of its own, and the API
// answers none before all of them have arrived.
func TestServe_holdsTenThousandSlowCalls(t *testing.T) { // semantics 4.10
	const calls = 10_000
	if testing.Short() {
		t.Skip("10,000 calls at once")
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < calls+1000 {
		t.Skipf("needs %d open files; raise the limit with ulimit -n", calls+1000)
	}
	var arrived sync.WaitGroup
	arrived.Add(calls)
	gate := make(chan struct{})
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		<-gate
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	api.EnableHTTP2 = true
	// of connections that were opened and not needed
	api.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	api.StartTLS()
	defer api.Close()

	dir := t.TempDir()
	document, authority := filepath.Join(dir, "shop.yaml"), filepath.Join(dir, "authority.pem")
	for file, text := range map[string][]byte{document: []byte(slowShop),
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Args = []string{"fairlead", "serve", document, "--ports", "auto", "--json", "--http2", "--upstream",
		api.URL, "--connect-timeout", "1m", "--header-timeout", "10m", "--call-timeout", "10m"}
	server.Env = append(os.Environ(), "SSL_CERT_FILE="+authority)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			t.Error(err)
		}
	}()
	var ready struct{ Adapters []struct{ URL string } }
	if line, err := bufio.NewReader(out).ReadBytes('\n'); err != nil || json.Unmarshal(line, &ready) != nil ||
		len(ready.Adapters) != 1 {
		t.Fatalf("not ready: %v %s", err, line)
	}
	url := ready.Adapters[0].URL
	before := resident(t, server.Process.Pid)
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/mcp")
	const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get-order","arguments":{"id":"1"}}}`
	request := fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body)
	connections := make([]net.Conn, calls)
	for i := range connections {
		if connections[i], err = net.Dial("tcp", host); err != nil {
			t.Fatal(err)
		}
		defer connections[i].Close()
		if _, err := io.WriteString(connections[i], request); err != nil {
			t.Fatal(err)
		}
	}
	all := make(chan struct{})
	go func() {
		arrived.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(4 * time.Minute):
		close(gate)
		t.Fatalf("not all calls reached the API; the first answers: %s", firstAnswers(connections))
	}
	each := (resident(t, server.Process.Pid) - before) / calls
	close(gate)
	t.Logf("%d bytes a call", each)
	if each > residentPerCall {
		t.Errorf("a call needs %d bytes, want at most %d", each, residentPerCall)
	}
	for _, c := range connections {
		answer, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(answer), `"structuredContent":{"ok":true}`) {
			t.Fatalf("%v: %s", err, answer)
		}
	}
}

// firstAnswers are up to three answers that came before they should.
func firstAnswers(connections []net.Conn) (texts []string) {
	for _, c := range connections {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if answer, _ := io.ReadAll(c); len(answer) > 0 && !strings.Contains(string(answer), `{"ok":true}`) {
			if texts = append(texts, string(answer)); len(texts) == 3 {
				break
			}
		}
	}
	return texts
}

// resident is what a process has in memory, in bytes (proc(5)).
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var size, pages int
	if err == nil {
		_, err = fmt.Sscan(string(text), &size, &pages)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

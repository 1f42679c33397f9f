package cli_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const slowShop = `
ikanos: 1.0.0-beta5
info: {display: Slow shop}
capability:
  consumes:
  - {type: http, namespace: shop, baseUri: "https://shop.example.invalid", resources: {order: {path: "/orders/{{id}}", operations: {get: {method: GET}}}}}
  exposes:
  - {type: mcp, namespace: orders, tools: {get-order: {description: Gets an order., call: shop.get}}}
`

// A client on stdio is told of a reload, and SIGTERM ends the process in order.
func TestMCP_obeysSignals(t *testing.T) {
	document := filepath.Join(t.TempDir(), "shop.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(slowShop)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program)
	server.Args = []string{"fairlead", "mcp", document}
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill() }() // it has ended, unless the test failed
	lines := bufio.NewScanner(out)
	expect := func(part string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), part) {
			t.Fatalf("got %s %v, want %s", lines.Text(), lines.Err(), part)
		}
	}
	_, _ = io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`+"\n")
	expect(`"listChanged":true`)
	write(strings.Replace(slowShop, "Gets an order.", "Gets one order.", 1))
	if err := server.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	expect("notifications/tools/list_changed")
	_, _ = io.WriteString(in, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`+"\n")
	expect("Gets one order.")
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() {
		t.Errorf("more on standard output: %s", lines.Text())
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}

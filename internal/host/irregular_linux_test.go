package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
)

// TestCompile_opensNoPipes: opening a pipe would wait for whoever writes to it.
func TestCompile_opensNoPipes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"s.js", "s.proto", "s.avsc", "up.yaml", "p.md"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := head + `capability:
  consumes:
  - {from: up.yaml, import: up}
  - type: http
    namespace: api
    baseUri: http://127.0.0.1:1
    resources:
      r:
        path: /r
        operations:
          p: {method: GET, outputRawFormat: protobuf, outputSchema: s.proto}
          a: {method: GET, outputRawFormat: avro, outputSchema: s.avsc}
          o: {method: GET}
  exposes:
  - type: mcp
    namespace: m
    port: 9090
    prompts:
      p: {location: p.md}
    tools:
      script: {steps: {s: {type: script, file: s.js}}}
      protobuf: {call: api.p}
      avro: {call: api.a}
      imported: {call: up.o}
      good: {call: api.o}
`
	name := filepath.Join(dir, "capability.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := host.Read(name, host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := host.Compile(src, compile.Options{})
	if len(d.Plan.Servers) != 1 || len(d.Plan.Servers[0].Tools) != 1 || d.Plan.Servers[0].Tools[0].Name != "good" {
		t.Errorf("not only the tool that reads no pipe is served: %v", d.Diags)
	}
	if n := strings.Count(fmt.Sprint(d.Diags), "no regular file"); n < 3 {
		t.Errorf("%d findings say why: %v", n, d.Diags)
	}
}

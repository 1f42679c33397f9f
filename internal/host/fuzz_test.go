package host_test

import (
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
)

// FuzzCompile feeds texts through everything between a file and a plan: nothing
// panics, and what serves nothing says why.
func FuzzCompile(f *testing.F) {
	src, err := host.Read("", host.ReadOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(src.Text, src.Overlays[0].Text)
	for _, text := range []string{
		forwarding, second, "capability: {consumes: [1], exposes: {a: b}}", "naftiko: {x: 1}",
		"ikanos: 1.0.0-beta5\ncapability:\n  aggregates: [{namespace: a, flows: {f: {steps: {s: {index: s}}}}}]\n  exposes: [{type: mcp, tools: [{ref: a.f}, {name: x, steps: [{call: s.x}], mappings: [{target: a.b, value: $.s[0]}]}]}]",
		"ikanos: 0.4\ncapability:\n  consumes: [{namespace: n, baseUri: 'http://h/{a}', resources: [{path: '/{{b}}?q={c}#d', operations: [{name: o, method: post, body: {type: multipart, data: [{name: x, value: '{{y}}'}]}}]}]}]\n  exposes: [{type: api, port: x, resources: [{path: '/{b}.{c}', operations: [{method: POST, call: n.o, with: {b: rest.b, y: '{{', z: [1]}}]}]}]",
	} {
		f.Add([]byte(text), []byte("overlay: 1.0.0\nactions: [{target: $.capability, update: {exposes: []}}]"))
	}
	f.Fuzz(func(t *testing.T, text, overlay []byte) {
		d := host.Compile(host.Source{File: host.File{Name: "f.yaml", Text: text},
			Overlays: []host.File{{Name: "o.yaml", Text: overlay}}}, compile.Options{})
		if d.Served() == 0 && d.Diags.Count(diag.Error) == 0 {
			t.Fatalf("nothing is served and nothing is said: %v", d.Diags)
		}
	})
}

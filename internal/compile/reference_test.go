package compile_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/normalize"
)

// A word that is an alias for the caller's inputs is none where another server
// has it as its namespace; with $this. before it, it is the caller's input even
// by the namespace of another server.
func TestCapability_tellsReferencesFromTexts(t *testing.T) {
	const source = `
ikanos: 1.0.0-beta5
capability:
  consumes:
    - type: http
      namespace: shop
      baseUri: https://shop.example
      resources: {orders: {path: /orders, operations: {list: {method: GET, inputParameters: {q: {in: query}}}}}}
  exposes:
    - type: mcp
      namespace: own
      tools:
        list: {description: Lists., call: shop.list, with: {q: %s}}
    - type: rest
      namespace: %s
      port: 8080
      resources: {orders: {path: /orders, operations: {list: {method: GET, call: shop.list}}}}
`
	for _, tt := range []struct {
		with, sibling string
		inputs        []string
	}{
		{"own.x", "other", []string{"x"}},
		{"tools.x", "other", []string{"x"}},
		{"rest.x", "other", []string{"x"}},
		{"rest.x", "rest", nil}, // the sibling's namespace
		{"$this.own.x", "other", []string{"x"}},
		{"$this.other.x", "other", []string{"x"}},
		{"$this.rest.x", "rest", []string{"x"}},
		{"$this.nobody.x", "other", nil},
		{"other.x", "other", nil},
		{"request.x.y-z", "other", []string{"x.y-z"}},
	} {
		t.Run(tt.with+" beside "+tt.sibling, func(t *testing.T) {
			root, diags := document.Parse("capability.yaml", fmt.Appendf(nil, source, tt.with, tt.sibling))
			if root == nil {
				t.Fatal(diags)
			}
			model, _ := normalize.Capability("capability.yaml", root, nil)
			plan, _ := compile.Capability(model, compile.Options{})
			var inputs []string
			for _, in := range plan.Servers[0].Tools[0].Inputs {
				inputs = append(inputs, in.Name)
			}
			if !slices.Equal(inputs, tt.inputs) {
				t.Errorf("inputs %q, want %q", inputs, tt.inputs)
			}
		})
	}
}

package overlay

import (
	"math"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/document"
)

func TestApply(t *testing.T) {
	const doc = "a: {b: 1, list: [x, {n: 1}]}\nc: [{k: p, v: 1}, {k: q, v: 2}]\n"
	for name, test := range map[string]struct{ actions, want, code string }{
		"merges an object":                   {`[{target: $.a, update: {b: 2, d: {e: 3}}}]`, `{"a":{"b":2,"list":["x",{"n":1}],"d":{"e":3}},"c":[{"k":"p","v":1},{"k":"q","v":2}]}`, ""},
		"appends to an array":                {`[{target: $.a.list, update: y}]`, `{"a":{"b":1,"list":["x",{"n":1},"y"]},"c":[{"k":"p","v":1},{"k":"q","v":2}]}`, ""},
		"appends items inside a merge":       {`[{target: $.a, update: {list: [z]}}]`, `{"a":{"b":1,"list":["x",{"n":1},"z"]},"c":[{"k":"p","v":1},{"k":"q","v":2}]}`, ""},
		"changes every match":                {`[{target: "$.c[?@.k]", update: {v: 9}}]`, `{"a":{"b":1,"list":["x",{"n":1}]},"c":[{"k":"p","v":9},{"k":"q","v":9}]}`, ""},
		"finds by filter":                    {`[{target: "$.c[?@.k == 'q']", update: {v: 9}}]`, `{"a":{"b":1,"list":["x",{"n":1}]},"c":[{"k":"p","v":1},{"k":"q","v":9}]}`, ""},
		"removes members and items":          {`[{target: $.a, remove: true}, {target: "$.c[*]", remove: true}]`, `{"c":[]}`, ""},
		"removes some items":                 {`[{target: "$.c[?@.v < 2]", remove: true}]`, `{"a":{"b":1,"list":["x",{"n":1}]},"c":[{"k":"q","v":2}]}`, ""},
		"replaces a scalar by an object":     {`[{target: $.a.b, update: {x: 1}}]`, `{"a":{"b":{"x":1},"list":["x",{"n":1}]},"c":[{"k":"p","v":1},{"k":"q","v":2}]}`, ""},
		"sees what the action before did":    {`[{target: $, update: {new: {}}}, {target: $.new, update: {x: 1}}]`, `{"a":{"b":1,"list":["x",{"n":1}]},"c":[{"k":"p","v":1},{"k":"q","v":2}],"new":{"x":1}}`, ""},
		"reports a target that hits nothing": {`[{target: $.nope, update: {x: 1}}]`, "", "overlay-no-match"},
		"reports a target it cannot read":    {`[{target: "$.a[", update: {x: 1}}]`, "", "bad-overlay"},
		"reports an action without effect":   {`[{target: $.a}]`, "", "bad-overlay"},
	} {
		t.Run(name, func(t *testing.T) {
			root, _ := document.Parse("d.yaml", []byte(doc))
			over, _ := document.Parse("o.yaml",
				[]byte("overlay: 1.0.0\ninfo: {title: t, version: v}\nactions: "+test.actions))
			before := root.Value().Text()
			diags := Apply(root, over)
			if test.code != "" {
				if len(diags) != 1 || diags[0].Code != test.code || diags[0].Range.File != "o.yaml" ||
					diags[0].Range.Start.Line != 3 {
					t.Fatalf("got %v", diags)
				}
				if root.Value().Text() != before {
					t.Error("the document changed")
				}
				return
			}
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			if got := root.Value().Text(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestApply_refusesOtherFiles(t *testing.T) {
	root, _ := document.Parse("d.yaml", []byte("a: 1"))
	for _, src := range []string{"openapi: 3.1.0", "overlay: 1.0.0", "overlay: 2.0.0\nactions: []"} {
		over, _ := document.Parse("o.yaml", []byte(src))
		if diags := Apply(root, over); len(diags) != 1 || diags[0].Code != "bad-overlay" {
			t.Errorf("%s: got %v", src, diags)
		}
	}
}

// What grows with every action ends at the limit of a document, however short
// the overlay is.
func TestApply_staysWithinTheLimitsOfADocument(t *testing.T) {
	for name, action := range map[string]string{
		"lists that double":    "- {target: '$..[*]', update: [[1], [1]]}\n",
		"mappings that double": "- {target: '$..*', update: {a: {b: 1}, c: {d: [1]}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			root, _ := document.Parse("d.yaml", []byte("a: [[1], [1], {b: 1}]"))
			over, _ := document.Parse("o.yaml", []byte("overlay: 1.0.0\nactions:\n"+strings.Repeat(action, 40)))
			diags := Apply(root, over)
			if n := root.Size(math.MaxInt); n > 2*document.MaxNodes {
				t.Errorf("the document has %d values", n)
			}
			last := diags[len(diags)-1]
			if last.Code != "document-limit" && last.Code != "bad-overlay" || last.Hint == "" {
				t.Errorf("got %v", last)
			}
		})
	}
}

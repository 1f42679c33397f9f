package corpus

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/host"
)

// resolved is the JSON Schema of documents.
func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	s := &jsonschema.Schema{}
	if err := json.Unmarshal([]byte(element.Schema().Text()), s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// instance is a document as a validator wants it, nil when it cannot be parsed.
func instance(t *testing.T, name, text string) (v any) {
	t.Helper()
	root, _ := document.Parse(name, []byte(text))
	if root == nil {
		return nil
	}
	if err := json.Unmarshal([]byte(root.Value().Text()), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// What check accepts is valid by the schema that editors have.
// FAIRLEAD_CORPUS=all takes every document instead of a sample.
func TestSchema_takesWhatCheckAccepts(t *testing.T) {
	s, valid := resolved(t), 0
	var paths []string
	for i, path := range Paths(t) {
		if i%7 == 0 || os.Getenv("FAIRLEAD_CORPUS") == "all" {
			paths = append(paths, path)
		}
	}
	for i, d := range Compile(paths, nil) {
		if slices.ContainsFunc(d.Diags, func(g diag.Diagnostic) bool { return g.Severity == diag.Error }) {
			continue
		}
		src, err := host.Read(paths[i], host.ReadOptions{NoOverlay: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(instance(t, src.Name, string(src.Text))); err != nil {
			t.Errorf("%s: %s", d.Name, err)
			continue
		}
		valid++
	}
	if t.Logf("%d documents", valid); valid < 100 {
		t.Errorf("only %d documents were valid", valid)
	}
}

func TestSchema_refusesWhatCannotBe(t *testing.T) {
	s := resolved(t)
	for text, want := range map[string]bool{
		"info: {display: X}": false, // no section
		"[]":                 false,
		"capability: []":     false,
		"ikanos: 1.0.0-beta5\ncapability: {exposes: [{type: rest, port: 1}]}":                                                                   true,
		"capability: {exposes: [{type: mcp, tools: {t: {hints: {readOnly: yes}}}}]}":                                                            true,
		"capability: {exposes: [{type: mcp, tools: {t: {hints: {readOnly: sometimes}}}}]}":                                                      false,
		"capability: {exposes: [{type: mcp, tools: [{name: t, hints: none}]}]}":                                                                 false,
		"capability: {exposes: [{type: mcp, authentication: [bearer]}]}":                                                                        false,
		"capability: {exposes: [{type: rest, resources: {r: {operations: {o: {x-fairlead: {confirm: 3}}}}}}]}":                                  false,
		"capability: {consumes: [{type: http, resources: [{operations: [{body: {type: json}, inputParameters: {id: string}}]}]}]}":              true,
		"capability: {consumes: [{resources: [{operations: [{x-fairlead: []}]}]}]}":                                                             false,
		"capability: {aggregates: [{flows: {f: {steps: [{type: lookup, index: {}}]}}}]}":                                                        false,
		"capability: {consumes: [{type: mcp, endpoint: https://x.example, tools: {t: {inputParameters: {a: {type: string, required: off}}}}}]}": true,
	} {
		err := s.Validate(instance(t, "x.yaml", text))
		if got := err == nil; got != want {
			t.Errorf("%s: valid is %t, want %t: %v", strings.TrimSpace(text), got, want, err)
		}
	}
}

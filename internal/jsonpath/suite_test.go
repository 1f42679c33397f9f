package jsonpath

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

// suiteCase is one case of jsonpath-compliance-test-suite. A case whose order is
// not determined has several results, with the paths that belong to each.
type suiteCase struct {
	Name         string
	Selector     string
	Invalid      bool `json:"invalid_selector"`
	Document     value.Value
	Result       []value.Value
	ResultPaths  []string        `json:"result_paths"`
	Results      [][]value.Value `json:"results"`
	ResultsPaths [][]string      `json:"results_paths"`
}

func readSuite(tb testing.TB) []suiteCase {
	text, err := os.ReadFile("../../../shared/suites/jsonpath-cts.json")
	if errors.Is(err, os.ErrNotExist) {
		tb.Skip("the compliance suite is not beside the repository")
	}
	var suite struct{ Tests []suiteCase }
	if err == nil {
		err = json.Unmarshal(text, &suite)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return suite.Tests
}

func TestStrict_passesTheComplianceSuite(t *testing.T) { // semantics 5.4
	for _, c := range readSuite(t) {
		t.Run(c.Name, func(t *testing.T) {
			path, notes, err := Compile(c.Selector, Strict)
			if c.Invalid {
				var syntax *SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("Compile(%q) gives %v, want a syntax error", c.Selector, err)
				}
				if syntax.Offset < 0 || syntax.Offset > len(c.Selector) {
					t.Errorf("the error is at %d, outside the expression", syntax.Offset)
				}
				return
			}
			if err != nil {
				t.Fatalf("Compile(%q): %v", c.Selector, err)
			}
			if len(notes) > 0 {
				t.Errorf("Compile(%q) notes %v", c.Selector, notes)
			}
			c.check(t, path)
			again := mustCompile(t, path.String(), Strict)
			c.check(t, again)
		})
	}
}

func TestLenient_keepsTheMeaningOfStrictExpressions(t *testing.T) {
	for _, c := range readSuite(t) {
		if c.Invalid {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			path, notes, err := Compile(c.Selector, Lenient)
			if err != nil {
				t.Fatalf("Compile(%q): %v", c.Selector, err)
			}
			if len(notes) > 0 {
				t.Errorf("Compile(%q) notes %v", c.Selector, notes)
			}
			c.check(t, path)
		})
	}
}

// check compares what the path selects, by value and by place.
func (c suiteCase) check(t *testing.T, path *Path) {
	t.Helper()
	results, paths := c.Results, c.ResultsPaths
	if results == nil {
		results, paths = [][]value.Value{c.Result}, [][]string{c.ResultPaths}
	}
	nodes := path.Select(nil, c.Document)
	var places []string
	for _, place := range path.Locate(nil, c.Document) {
		places = append(places, place.String())
	}
	for i := range results {
		if slices.EqualFunc(nodes, results[i], value.Equal) && slices.Equal(places, paths[i]) {
			checkOthers(t, path, c.Document, nodes)
			return
		}
	}
	t.Errorf("%q selects %v at %v, want one of %v at %v", c.Selector, nodes, places, results, paths)
}

// checkOthers compares the other ways to ask with the nodes that Select gave.
func checkOthers(t *testing.T, path *Path, root value.Value, nodes []value.Value) {
	t.Helper()
	first, ok := path.First(nil, root)
	if ok != (len(nodes) > 0) || ok && !value.Equal(first, nodes[0]) {
		t.Errorf("%s: First gives %v, Select gives %v", path, first, nodes)
	}
	want := value.List(nodes...)
	if path.Definite() {
		if want = first; len(nodes) > 1 {
			t.Errorf("%s is definite and selects %v", path, nodes)
		}
	}
	if got := path.Eval(nil, root); !value.Equal(got, want) {
		t.Errorf("%s: Eval gives %v, want %v", path, got, want)
	}
}

func mustCompile(tb testing.TB, expr string, d Dialect) *Path {
	tb.Helper()
	path, _, err := Compile(expr, d)
	if err != nil {
		tb.Fatalf("Compile(%q): %v", expr, err)
	}
	return path
}

func mustParse(tb testing.TB, text string) value.Value {
	tb.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

package jsonpath

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

var samples = []string{
	sample,
	`[1, 2.5, "a", "b", null, true, {"a": [1, 2, 3], "b": {"a": "x"}}, [[], {}, ""]]`,
	`{"a": {"b": [{"a": 1, "b": "ab"}, {"a": 2}, 7]}, "b": -1, "0": [0]}`,
	`"text"`,
}

// No expression panics, and a path means the same when its spelling is compiled.
func FuzzCompile(f *testing.F) {
	for _, c := range lenientForms {
		f.Add(c.expr)
	}
	for _, seed := range []string{"$..[?length(@.a) >= 2 && !(@.b < 'x' || @)]", "$[::-1]['a', 0]", "$[?@ =~ /\\d\\//im]", `$["\uD834\uDD1E"]`, "$[?search(@, $.a)]"} {
		f.Add(seed)
	}
	if text, err := os.ReadFile("../../../shared/suites/jsonpath-cts.json"); err == nil && len(text) > 0 {
		for _, c := range readSuite(f) {
			f.Add(c.Selector)
		}
	}
	var roots []value.Value
	for _, text := range samples {
		roots = append(roots, mustParse(f, text))
	}
	f.Fuzz(func(t *testing.T, expr string) {
		strict, _, err := Compile(expr, Strict)
		lenient, notes, errLenient := Compile(expr, Lenient)
		for _, err := range []error{err, errLenient} {
			var syntax *SyntaxError
			if err != nil && (!errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(expr)) {
				t.Fatalf("%q: %v", expr, err)
			}
		}
		if strict != nil {
			if errLenient != nil || lenient.String() != strict.String() {
				t.Fatalf("%q is %s when strict, %s when lenient: %v", expr, strict, lenient, errLenient)
			}
			checkAgain(t, strict, Strict, roots)
		}
		if lenient == nil {
			return
		}
		checkAgain(t, lenient, Lenient, roots)
		for _, n := range notes {
			if n.Offset < 0 || n.Offset > len(expr) || n.Message == "" {
				t.Errorf("%q is noted %+v", expr, n)
			}
			if n.Standard != "" {
				mustCompile(t, n.Standard, Strict)
			}
		}
	})
}

func checkAgain(t *testing.T, path *Path, d Dialect, roots []value.Value) {
	t.Helper()
	spelling := path.String()
	if len(spelling) > MaxLength {
		return
	}
	again := mustCompile(t, spelling, d)
	if again.String() != spelling || again.Definite() != path.Definite() {
		t.Fatalf("%s compiles to %s", path, again)
	}
	if len(path.query.segments) > 8 {
		return // many descendants or unions in a row select too much
	}
	for _, root := range roots {
		nodes := path.Select(nil, root)
		if !slices.EqualFunc(nodes, again.Select(nil, root), value.Equal) {
			t.Fatalf("%s and its spelling differ", path)
		}
		checkOthers(t, path, root, nodes)
		places := path.Locate(nil, root)
		if path.query.tail == nil && len(places) != len(nodes) {
			t.Fatalf("%s has %d nodes, %d places", path, len(nodes), len(places))
		}
		for i, place := range places {
			if v, ok := mustCompile(t, place.String(), Strict).First(nil, root); !ok || !value.Equal(v, nodes[i]) {
				t.Fatalf("%s selects %v at %s, where %v is", path, nodes[i], place, v)
			}
		}
	}
}

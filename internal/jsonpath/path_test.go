package jsonpath

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func TestCompile_refusesWhatIsTooLarge(t *testing.T) {
	nested := func(n int) string { return "$" + strings.Repeat("[?@", n) + strings.Repeat("]", n) }
	groups := func(n int) string { return "$[?" + strings.Repeat("(", n) + "@" + strings.Repeat(")", n) + "]" }
	calls := func(n int) string {
		return "$[?" + strings.Repeat("length(", n) + "@" + strings.Repeat(")", n) + " == 1]"
	}
	for _, c := range []struct {
		name, expr string
		ok         bool
	}{
		{"4096 bytes", "$." + strings.Repeat("a", MaxLength-2), true},
		{"4097 bytes", "$." + strings.Repeat("a", MaxLength-1), false},
		{"64 filters", nested(64), true},
		{"65 filters", nested(65), false},
		{"63 groups in a filter", groups(63), true},
		{"64 groups in a filter", groups(64), false},
		{"63 calls in a filter", calls(63), true},
		{"64 calls in a filter", calls(64), false},
		{"invalid UTF-8", "$.\xff", false},
		{"a replacement character", "$.\uFFFD", true},
	} {
		for _, d := range []Dialect{Strict, Lenient} {
			if _, _, err := Compile(c.expr, d); (err == nil) != c.ok {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

func TestSyntaxError_namesTheByte(t *testing.T) {
	_, _, err := Compile("$.☺[x]", Strict)
	if err == nil || err.Error() != `parse path: expected a quoted name, an index, a slice, "*" or "?", found 'x' at byte 6` {
		t.Error(err)
	}
}

func TestPath_knowsItsForm(t *testing.T) {
	for _, c := range []struct {
		expr           string
		root, definite bool
		steps          []Step
		plain          bool
	}{
		{"$", true, true, nil, true},
		{"$.", true, true, nil, true},
		{"$.a['b'][-1]", false, true, []Step{{Name: "a"}, {Name: "b"}, {Index: -1, IsIndex: true}}, true},
		{"$.a[*].b", false, false, []Step{{Name: "a"}, {Wildcard: true}, {Name: "b"}}, true},
		{"$['a','b']", false, false, nil, false},
		{"$[0:1]", false, false, nil, false},
		{"$[?@]", false, false, nil, false},
		{"$..a", false, false, nil, false},
		{"$.a.length()", false, true, nil, false},
		{"$.length()", false, true, nil, false},
		{"$..a.sum()", false, true, nil, false},
	} {
		path := mustCompile(t, c.expr, Lenient)
		steps, ok := path.Segments()
		if path.IsRoot() != c.root || path.Definite() != c.definite || ok != c.plain || !slices.Equal(steps, c.steps) {
			t.Errorf("%s: root %t, definite %t, steps %v %t", path, path.IsRoot(), path.Definite(), steps, ok)
		}
	}
}

func TestEval_tellsAbsentFromNull(t *testing.T) {
	root := mustParse(t, `{"a": null, "b": []}`)
	for expr, want := range map[string]value.Kind{
		"$.a": value.Null, "$.c": value.Absent, "$.a.b": value.Absent, "$.b[0]": value.Absent,
		"$.c[*]": value.Array, "$..c": value.Array, "$.c.sum()": value.Absent,
	} {
		if got := mustCompile(t, expr, Lenient).Eval(nil, root); got.Kind() != want {
			t.Errorf("%s gives %s, want %s", expr, got.Kind(), want)
		}
	}
}

func TestEval_keepsOrderAndNumberText(t *testing.T) {
	root := mustParse(t, `{"z": {"id": 12345678901234567890}, "a": {"id": 1.10}, "m": {"id": 1e2}}`)
	if got := mustCompile(t, "$.*.id", Strict).Eval(nil, root).Text(); got != "[12345678901234567890,1.10,1e2]" {
		t.Error(got)
	}
}

func TestFilter_comparesLargeIntegersExactly(t *testing.T) {
	root := mustParse(t, `[9007199254740993, 9007199254740992, 9223372036854775808, -9007199254740993]`)
	for expr, want := range map[string]string{
		"$[?@ == 9007199254740993]":   "[9007199254740993]",
		"$[?@ > 9007199254740992]":    "[9007199254740993,9223372036854775808]",
		"$[?@ < -9007199254740992]":   "[-9007199254740993]",
		"$[?@ >= 9223372036854775e3]": "[9223372036854775808]",
	} {
		if got := mustCompile(t, expr, Strict).Eval(nil, root).Text(); got != want {
			t.Errorf("%s gives %s, want %s", expr, got, want)
		}
	}
}

func TestLocate_givesNormalizedPaths(t *testing.T) {
	root := value.Map(value.Member{Name: "it's \\ \b\t\n\f\r\x0b\x1f é",
		Value: value.List(value.Nil(), value.Boolean(true))})
	got := mustCompile(t, "$.*[-1]", Strict).Locate(nil, root)
	if want := `$['it\'s \\ \b\t\n\f\r\u000b\u001f é'][1]`; len(got) != 1 || got[0].String() != want {
		t.Fatalf("%v, want %s", got, want)
	}
	if v, ok := mustCompile(t, got[0].String(), Strict).First(nil, root); !ok || !v.True() {
		t.Errorf("the normalized path selects %v", v)
	}
	if got := mustCompile(t, "$.length()", Lenient).Locate(nil, root); got != nil {
		t.Errorf("the result of a function is at %v", got)
	}
	if got := mustCompile(t, "$", Strict).Locate(nil, root); len(got) != 1 || got[0].String() != "$" {
		t.Errorf("the root is at %v", got)
	}
}

func TestDescendants_areVisitedAtAnyDepth(t *testing.T) {
	const depth = 200_000
	root := value.Of("x")
	for range depth {
		root = value.List(root)
	}
	if got := len(mustCompile(t, "$..[0]", Strict).Select(nil, root)); got != depth {
		t.Errorf("selects %d nodes, want %d", got, depth)
	}
	if v, ok := mustCompile(t, "$..[?@ == 'x']", Strict).First(nil, root); !ok || v.Text() != "x" {
		t.Errorf("First gives %v, %t", v, ok)
	}
}

func TestPath_isUsedByManyAtOnce(t *testing.T) {
	root := mustParse(t, `{"items": [{"s": "ab", "p": "a."}, {"s": "cd", "p": "c."}, {"s": "ef", "p": "x"}]}`)
	path := mustCompile(t, "$.items[?match(@.s, @.p)].s", Strict)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				if got := path.Eval(nil, root).Text(); got != `["ab","cd"]` {
					t.Error(got)
				}
			}
		})
	}
	group.Wait()
}

func TestFirst_ofDefinitePathsAllocatesNothing(t *testing.T) {
	root := mustParse(t, `{"a": {"b": [{"c": 1}]}}`)
	path := mustCompile(t, "$.a.b[-1].c", Strict)
	if n := testing.AllocsPerRun(100, func() { path.First(nil, root); path.Eval(nil, root) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

package jsonpath

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// hostile are paths and answers that would take hours and exhaust memory.
func hostile(t *testing.T) map[string]struct {
	expr string
	root value.Value
} {
	nest := strings.Repeat(`{"a":[`, 60) + "1" + strings.Repeat(`,2,3,"x"]}`, 60)
	list := "[" + strings.TrimSuffix(strings.Repeat(`{"v":1,"w":[1,2,3]},`, 3000), ",") + "]"
	word := `{"t":"` + strings.Repeat("a", 20_000) + `","list":[` + strings.TrimSuffix(strings.Repeat(`1,`, 2000), ",") + `]}`
	wide := &strings.Builder{}
	for i := range 30_000 {
		fmt.Fprintf(wide, `,"n%d":1`, i)
	}
	members := `{"o":{"x":1` + wide.String() + `},"list":[` + strings.TrimSuffix(strings.Repeat(`1,`, 50_000), ",") + `]}`
	return map[string]struct {
		expr string
		root value.Value
	}{
		"descendants of descendants": {"$..*..*..*..*..*", mustParse(t, nest)},
		"counted filters":            {"$[?count($..[?count($..v) > 1]) > 1]", mustParse(t, list)},
		"filters in filters":         {"$[?$[?$[?@.v == 2]]]", mustParse(t, list)},
		"a heavy pattern":            {"$.list[?search($.t, '(a?){300}(a|b|c|ab){100}$')]", mustParse(t, word)},
		"a heavy slash pattern":      {"$.list[?$.t =~ /(a?){300}(?:a|b|ab){100}x/i]", mustParse(t, word)},
		"a wide object":              {"$.list[?$.o.n29999 == 2]", mustParse(t, members)},
		"deep comparison":            {"$[?$[?$ == @]]", mustParse(t, list)},
		"values":                     {"$[?value($..zz) == 1]", mustParse(t, list)},
	}
}

func TestPath_stopsWhenTheBudgetIsUsedUp(t *testing.T) {
	for name, h := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			path, _, err := Compile(h.expr, Lenient)
			if err != nil {
				t.Fatal(err)
			}
			m := budget.NewMeter(t.Context(), nil)
			m.Steps(budget.MaxSteps - 1<<20) // which other outputs took
			path.Eval(m, h.root)
			if !errors.Is(m.Err(), budget.ErrSteps) {
				t.Errorf("got %v", m.Err())
			}
			ctx, cancel := context.WithCancel(t.Context())
			m = budget.NewMeter(ctx, nil)
			time.AfterFunc(time.Millisecond, cancel)
			for m.Err() == nil {
				path.Eval(m, h.root)
			}
			if !errors.Is(m.Err(), context.Canceled) && !errors.Is(m.Err(), budget.ErrSteps) {
				t.Errorf("got %v after the caller left", m.Err())
			}
		})
	}
}

func TestPath_holdsWhatItFinds(t *testing.T) {
	root := mustParse(t, "["+strings.TrimSuffix(strings.Repeat("[[1]],", 20_000), ",")+"]")
	path := mustCompile(t, "$..*", Strict)
	m := budget.NewMeter(t.Context(), budget.NewCall(budget.NewPool(1<<20)))
	if path.Eval(m, root); !errors.Is(m.Err(), budget.ErrLarge) {
		t.Errorf("got %v", m.Err())
	}
	if n := mustCompile(t, "$[?count($..*) == 60000]", Strict).Select(nil,
		mustParse(t, "[["+strings.TrimSuffix(strings.Repeat("1,", 59_999), ",")+"]]")); len(n) != 1 {
		t.Errorf("found %d", len(n))
	}
}

func TestCompile_refusesPatternsThatRepeatTooMuch(t *testing.T) {
	for _, expr := range []string{
		"$[?@ =~ /(((a{100}){100}){100})/i]", "$[?@ =~ /(([a-z]{1,50}){1,20}){1,10}/i]",
	} {
		if _, _, err := Compile(expr, Lenient); err == nil {
			t.Errorf("%s is taken", expr)
		}
	}
	for _, expr := range []string{"$[?@ =~ /[a-z]{1,255}(-[0-9a-f]{4}){3}/i]", `$[?match(@, '[\\p{L}]{1,255}')]`} {
		if _, notes, err := Compile(expr, Lenient); err != nil || strings.Contains(fmt.Sprint(notes), "never") {
			t.Errorf("%s: %v %v", expr, err, notes)
		}
	}
}

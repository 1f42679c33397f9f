package shape

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/budget"
)

// A document may map one answer hundreds of times; what that costs is counted.
func TestProgram_stopsWhenTheBudgetIsUsedUp(t *testing.T) {
	src := "[" + strings.TrimSuffix(strings.Repeat(`{"a":[1,2,{"b":"some text"}]},`, 2000), ",") + "]"
	for _, mapping := range []string{"$[0:]", "$[*].a", "$[*].a[*].b", "$..*", "$[?count($..*) > 1]"} {
		var list strings.Builder
		for i := range 100 {
			fmt.Fprintf(&list, `{name: x%d, type: array, mapping: "%s"}, `, i, mapping)
		}
		p := program(t, "["+list.String()+"]")
		m := budget.NewMeter(t.Context(), nil)
		m.Steps(budget.MaxSteps - 50_000)
		if _, _, err := p.Stream(m, nil, []byte(src)); !errors.Is(err, budget.ErrSteps) {
			t.Errorf("%s: Stream got %v", mapping, err)
		}
		m = budget.NewMeter(t.Context(), budget.NewCall(budget.NewPool(1<<20)))
		if _, _, err := p.Stream(m, nil, []byte(src)); !budget.Of(err) {
			t.Errorf("%s: Stream got %v with little memory", mapping, err)
		}
		m = budget.NewMeter(t.Context(), nil)
		m.Steps(budget.MaxSteps - 50)
		if p.Apply(m, parse(t, src)); !errors.Is(m.Err(), budget.ErrSteps) {
			t.Errorf("%s: Apply got %v", mapping, m.Err())
		}
	}
}

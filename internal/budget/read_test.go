package budget_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fairlead/fairlead/internal/budget"
)

func TestReadAll(t *testing.T) {
	text := strings.Repeat("0123456789", 50_000)
	for _, length := range []int64{-1, int64(len(text)), 10} {
		p := budget.NewPool(1 << 22)
		call := budget.NewCall(p)
		m := budget.NewMeter(t.Context(), call)
		got, err := budget.ReadAll(m, []byte("x"), iotest.HalfReader(strings.NewReader(text)), length, 1<<20)
		if err != nil || string(got) != "x"+text {
			t.Errorf("length %d: got %d bytes, %v", length, len(got), err)
		}
		if call.Holds() < int64(len(text)) || call.Holds() > 3*int64(len(text)) {
			t.Errorf("length %d: the call holds %d bytes for %d", length, call.Holds(), len(text))
		}
		if call.End(); call.Holds() != 0 {
			t.Error("an ended call holds something")
		}
	}
	if _, err := budget.ReadAll(nil, nil, strings.NewReader(text), -1, 1000); !errors.Is(err, budget.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	m := budget.NewMeter(t.Context(), budget.NewCall(budget.NewPool(100<<10)))
	if _, err := budget.ReadAll(m, nil, bytes.NewReader([]byte(text)), -1, 1<<20); !budget.Of(err) {
		t.Errorf("got %v with little memory", err)
	}
	if got, err := budget.ReadAll(nil, nil, iotest.ErrReader(errors.New("broke off")), -1, 10); err == nil ||
		len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
	if n := testing.AllocsPerRun(10,
		func() { _, _ = budget.ReadAll(nil, make([]byte, 0, 512), strings.NewReader("{}"), 2, 100) }); n > 2 {
		t.Errorf("%v allocations for a small body", n)
	}
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestGCTrace_countsWhatWasAllocatedBetweenCollections(t *testing.T) {
	var g gcTrace
	// Pieces as a pipe may cut them.
	for _, piece := range []string{
		"gc 1 @0.012s 2%: 0.02+0.5+0.01 ms clock, 0.1+0.1/0.4/0+0.03 ms cpu, 4->5->1 MB, 5 MB goal, 0 MB stacks, 0 MB globals, 2 P\nlisten",
		"ing\ngc 2 @0.020s 2%: 0.02+0.5+0.01 ms clock, 0.1+0.1/0.4/0+0.03 ms cpu, 4->4->2 MB, 5 MB goal, 0 MB st",
		"acks, 0 MB globals, 2 P (forced)\ncut off",
	} {
		fmt.Fprint(&g, piece)
	}
	if got, want := g.allocated(), int64(5+3)<<20; got != want {
		t.Errorf("allocated %d, want %d", got, want)
	}
	if g.cycles() != 2 {
		t.Errorf("%d collections, want 2", g.cycles())
	}
	if got := g.other(); got != "listening\ncut off" {
		t.Errorf("other text is %q", got)
	}
}

func TestNewResult_takesRatiosWithinRounds(t *testing.T) {
	round := func(cpu time.Duration) sample {
		return sample{cpu: cpu, requests: 10, allocated: 1000,
			latencies: []time.Duration{time.Millisecond, 2 * time.Millisecond}}
	}
	// The machine is twice as slow in the second round: the ratio stays.
	r := newResult(&target{name: "a", base: "b"}, []sample{round(30), round(60), round(33)},
		[]sample{round(20), round(40), round(20)})
	if r.Ratio.Median != 1.5 || r.Ratio.Max != 1.65 || r.CPU.Median != 0.033 || r.Allocated != 100 || r.P50 != 2 {
		t.Errorf("result is %+v, ratio %+v", r, *r.Ratio)
	}
	if alone := newResult(&target{name: "a"}, []sample{round(30)}, nil); alone.Ratio != nil {
		t.Errorf("a case without base has ratio %+v", *alone.Ratio)
	}
}

func TestNewSpread_takesTheMiddleOfAnEvenNumber(t *testing.T) {
	if got := newSpread([]float64{4, 1, 3, 2}); got != (spread{2.5, 1, 4}) {
		t.Errorf("spread is %+v", got)
	}
}

func TestReport_saysWhichAimsAreReached(t *testing.T) {
	r := report{
		Results: []result{
			{Name: restProxy, Base: restProxy, CPU: spread{Median: 60}},
			{Name: restFairlead, Base: restProxy, CPU: spread{Median: 70}, Ratio: &spread{Median: 1.2}},
		},
		Start: &startRow{First: spread{Median: 12}},
	}
	r.reach()
	var out strings.Builder
	r.print(&out)
	for _, want := range []string{"1.20", "not reached |", "12.00"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

package cli

import (
	"math"
	"runtime/debug"
	"testing"
)

// With a heap that may grow fivefold between collections, what all calls may hold
// would not fit into the machine.
func TestTuneGC_staysWithinTheMachine(t *testing.T) {
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	t.Setenv("GOGC", "100")
	tuneGC()
	if got := debug.SetMemoryLimit(-1); got == math.MaxInt64 {
		t.Error("the process has no memory limit")
	}
	t.Setenv("GOMEMLIMIT", "off")
	debug.SetMemoryLimit(math.MaxInt64)
	if tuneGC(); debug.SetMemoryLimit(-1) != math.MaxInt64 {
		t.Error("the operator's own limit does not stay")
	}
}

func TestPercentFor_leavesLittleGarbageBesideLargeAnswers(t *testing.T) {
	for live, want := range map[uint64]int{0: gcPercent, 1 << 20: gcPercent, 16 << 20: 100, 1 << 30: leastPercent} {
		if got := percentFor(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
}

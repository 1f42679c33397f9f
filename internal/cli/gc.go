package cli

import (
	"os"
	"runtime/debug"

	"github.com/fairlead/fairlead/internal/budget"
)

// gcPercent is the heap growth between collections, chosen by measurement
// (bench/README.md): a tenth less CPU per request and half the tail latency of
// Go's default for 12 to 16 MB more under load.
const gcPercent = 400

// tuneGC sets it unless the operator did (GOGC). Near the end of the memory that
// there is (GOMEMLIMIT), the heap is collected in time instead: what calls hold may
// be half of it.
func tuneGC() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	limitHeap(budget.Available() / 8 * 7)
}

// limitHeap makes the heap stay below limit, unless the operator did (GOMEMLIMIT).
func limitHeap(limit int64) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(limit)
	}
}

package cli

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
)

// gcPercent is the heap growth between collections of a small heap, chosen by
// measurement (bench/README.md): a tenth less CPU per request and half the tail latency
// of Go's default for 12 to 16 MB more under load.
const gcPercent = 400

// Of a heap that holds more, garbage may take headroom, in bytes, or leastPercent of
// what it holds if that is more: five times a large answer would be too much.
const (
	headroom     = 16 << 20
	leastPercent = 50
)

// tuneGC sets how much garbage there may be unless the operator did (GOGC). Near the
// end of the memory that there is (GOMEMLIMIT), the heap is collected in time instead:
// what calls hold may be half of it.
func tuneGC() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
		(&collected{percent: gcPercent}).watch()
	}
	limitHeap(budget.Available() / 8 * 7)
}

// limitHeap makes the heap stay below limit, unless the operator did (GOMEMLIMIT).
func limitHeap(limit int64) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(limit)
	}
}

// collected is garbage: its finalizer runs after each collection.
type collected struct {
	percent int
	_       [24]byte // the runtime puts smaller ones together, and finalizes them when it likes
}

func (c *collected) watch() { runtime.SetFinalizer(c, (*collected).adapt) }

// adapt sets the percentage for what the heap holds now.
func (c *collected) adapt() {
	if wanted := percentFor(read("/gc/heap/live:bytes")); wanted*10 < c.percent*9 || wanted*9 > c.percent*10 {
		c.percent = wanted
		debug.SetGCPercent(wanted)
	}
	c.watch()
}

func percentFor(live uint64) int {
	return int(min(gcPercent, max(leastPercent, headroom*100/max(live, 1))))
}

func read(metric string) uint64 {
	sample := []metrics.Sample{{Name: metric}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// Memory is given back to the system after a load: looked at every lookEvery, when less
// than idleBytes were allocated since, and more than a twentieth was kept beside what
// was there after the last time.
const (
	lookEvery = 5 * time.Second
	idleBytes = 4 << 20
)

// giveBack gives memory back until ctx ends.
func giveBack(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var allocated, rest uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		before := allocated
		allocated = read("/gc/heap/allocs:bytes")
		if allocated-before > idleBytes || taken() <= rest+rest/20 {
			continue
		}
		runtime.GC() // what pools keep is garbage after two
		debug.FreeOSMemory()
		rest, allocated = taken(), read("/gc/heap/allocs:bytes")
	}
}

// taken is what the process has of the system's memory, in bytes, as the runtime knows it.
func taken() uint64 {
	return read("/memory/classes/total:bytes") - read("/memory/classes/heap/released:bytes")
}

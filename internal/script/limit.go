package script

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// exitMemory is the exit status of a worker that found itself over its limit.
const exitMemory = 86

// Limit makes the current process end when it uses more than bytes of memory
// beyond what it has now; zero or less sets no limit. It cannot be undone.
//
// On Linux the kernel refuses address space beyond the limit and some slack
// (RLIMIT_AS), and the Go runtime ends the process. The process can then write
// no files and dump no core either. Elsewhere a goroutine watches the memory
// every few milliseconds and exits: a fast script may overshoot meanwhile.
// On all systems the garbage collector works harder near the limit, one
// goroutine's stack may have half of it, and two processors at most are used.
func Limit(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	runtime.GOMAXPROCS(min(2, runtime.GOMAXPROCS(0)))
	debug.SetMemoryLimit(int64(mapped()) + bytes/4*3)
	debug.SetMaxStack(int(min(bytes/2, 1<<30)))
	if err := limit(bytes); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	return nil
}

// watch ends the process when it has mapped more than bytes of memory.
func watch(bytes uint64) {
	for range time.Tick(5 * time.Millisecond) {
		if mapped() > bytes {
			os.Exit(exitMemory)
		}
	}
}

// mapped is how much memory the Go runtime has from the system and uses.
func mapped() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// heapInUse is how much memory objects take, dead ones that are not swept included.
func heapInUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

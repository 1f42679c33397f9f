package guard

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain fails when a goroutine outlives the tests. (A fuzzing run leaves one
// of the testing package's own.)
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code)
	}
	for wait := time.Millisecond; code == 0 && runtime.NumGoroutine() > before; wait *= 2 {
		if wait > time.Second {
			fmt.Fprintln(os.Stderr, "goroutines left behind:")
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
		time.Sleep(wait)
	}
	os.Exit(code)
}

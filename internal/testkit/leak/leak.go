// Package leak fails tests that leave goroutines behind.
package leak

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package and fails when they leave goroutines behind.
// Use it as the package's TestMain: os.Exit(leak.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if code != 0 || flag.Lookup("test.fuzz").Value.String() != "" { // fuzzing has goroutines of its own
		return code
	}
	if left := Left(); left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		return 1
	}
	return 0
}

// Left returns the stacks of goroutines that are still there after a grace in
// which closed connections notice.
func Left() (stacks string) {
	for range 200 {
		if stacks = others(); stacks == "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return stacks
}

// others is the stacks of all goroutines but the one that asks and the one that
// waits for signals.
func others() string {
	buf := make([]byte, 1<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	return strings.Join(slices.DeleteFunc(all, func(stack string) bool {
		return strings.Contains(stack, "leak.others(") || strings.Contains(stack, "os/signal.loop(")
	}), "\n\n")
}

// Package leak fails tests that leave goroutines behind.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package and fails when they leave goroutines behind.
// Use it as the package's TestMain: os.Exit(leak.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	if code != 0 {
		return code
	}
	if left := leaked(); left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		return 1
	}
	return 0
}

// leaked returns the stacks of goroutines of ours that are still there after a
// grace in which connections close.
func leaked() string {
	for range 100 {
		if ours() == "" {
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ours()
}

func ours() string {
	buf := make([]byte, 1<<20)
	var left []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "fairlead/internal/") && !strings.Contains(stack, "leak.ours") && !strings.Contains(stack, "testing.(*F)") && !strings.Contains(stack, "testing.runFuzz") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

//go:build unix

package host_test

import (
	"syscall"
	"time"
)

// spentTime is the processor time of the process, which does not depend on what else the machine does.
func spentTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

package main

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The process clock is the sum that getrusage reports, only finer.
func TestCPUTime_agreesWithGetrusage(t *testing.T) {
	usage := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := usage()
	for sum := 0; usage() < before+50*time.Millisecond; sum++ {
	}
	low := usage()
	got, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	high := usage()
	const tick = 10 * time.Millisecond // getrusage may lag by one on some kernels
	if got < low-tick || got > high+tick {
		t.Errorf("CPU time is %v, getrusage says %v to %v", got, low, high)
	}
}

func TestCPUTime_refusesAProcessThatIsNot(t *testing.T) {
	if _, err := cpuTime(1 << 28); err == nil {
		t.Error("no error")
	}
}

func TestMemoryOf_readsThisProcess(t *testing.T) {
	m, err := memoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.Resident < 1<<20 || m.Peak < m.Anonymous || m.Anonymous == 0 {
		t.Errorf("memory is %+v", m)
	}
}

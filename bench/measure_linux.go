package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time, user and system, that all threads of a process have
// used so far, those that have ended too. It reads the process's POSIX CPU clock
// (clock_getcpuclockid(3)), which counts nanoseconds as the scheduler does;
// utime and stime of /proc/PID/stat are the same sum in ticks of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED of the kernel, for the whole process
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|schedulerClock, &t); err != nil {
		return 0, fmt.Errorf("read CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// memoryOf is the memory of a process.
func memoryOf(pid int) (memoryUse, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memoryUse{}, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return memoryUse{Resident: kilobytes(data, "VmRSS"), Anonymous: kilobytes(data, "RssAnon"),
		Peak: kilobytes(data, "VmHWM")}, nil
}

// kilobytes is the value in bytes of a line "name: N kB" of a /proc file.
func kilobytes(data []byte, name string) int64 {
	value, _, _ := strings.Cut(field(data, name), " ")
	n, _ := strconv.ParseInt(value, 10, 64) // 0 when the kernel does not say
	return n << 10
}

// field is the text after the colon of the first line of a /proc file that
// starts with name.
func field(data []byte, name string) string {
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// machine describes this machine as far as the kernel tells.
func machine() machineInfo {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	memory, _ := os.ReadFile("/proc/meminfo")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return machineInfo{
		CPU: field(cpu, "model name"), Cores: runtime.NumCPU(), Memory: kilobytes(memory, "MemTotal"),
		Kernel: "Linux " + strings.TrimSpace(string(kernel)), Go: runtime.Version() + " " + runtime.GOARCH,
	}
}

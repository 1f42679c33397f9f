package script

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// limit sets the limits of the kernel. Without /proc the heap is watched instead.
func limit(bytes int64) error {
	if data, err := dataSize(); err != nil {
		go watch(mapped() + uint64(bytes))
	} else if err := limitTo(syscall.RLIMIT_DATA, data+uint64(bytes)); err != nil {
		return err
	}
	return errors.Join(limitTo(syscall.RLIMIT_CORE, 0), limitTo(syscall.RLIMIT_FSIZE, 0))
}

func limitTo(what int, most uint64) error {
	return syscall.Setrlimit(what, &syscall.Rlimit{Cur: most, Max: most})
}

// dataSize is what RLIMIT_DATA counts: the private memory that can be written to.
func dataSize() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmData:"); ok {
			kilobytes, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(size), "kB")), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmData")
}

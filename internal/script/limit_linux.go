package script

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// slack is the address space that a limit grants beyond the memory: Go takes it
// 64 MiB at a time for the heap, and some more for its tables and threads.
const slack = 64 << 20

// limit sets the limits of the kernel. Without /proc the heap is watched instead.
//
// RLIMIT_AS counts the gigabytes that Go has reserved from the start, so they
// are added. RLIMIT_DATA, which does not count them, is no help: as the kernel
// does not check it when reserved memory is put to use, the heap outgrows it and
// the runtime crashes at the next small thing it needs.
func limit(bytes int64) error {
	if size, err := addressSpace(); err != nil {
		go watch(mapped() + uint64(bytes))
	} else if err := limitTo(syscall.RLIMIT_AS, size+uint64(bytes)+slack); err != nil {
		return err
	}
	return errors.Join(limitTo(syscall.RLIMIT_CORE, 0), limitTo(syscall.RLIMIT_FSIZE, 0))
}

func limitTo(what int, most uint64) error {
	return syscall.Setrlimit(what, &syscall.Rlimit{Cur: most, Max: most})
}

// addressSpace is how many bytes of it the process has.
func addressSpace() (uint64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseUint(pages, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return n * uint64(os.Getpagesize()), nil
}

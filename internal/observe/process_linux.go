package observe

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// system adds what the operating system knows of the process.
func (m *Metrics) system() {
	m.Observe("process.resident_memory", "By", "Memory that the process holds.", false, nil, func() []Sample {
		text, err := os.ReadFile("/proc/self/statm")
		fields := bytes.Fields(text)
		if err != nil || len(fields) < 2 {
			return nil
		}
		pages, err := strconv.ParseFloat(string(fields[1]), 64)
		if err != nil {
			return nil
		}
		return []Sample{{Value: pages * float64(os.Getpagesize())}}
	})
	m.Observe("process.cpu", "s", "Processor time that the process has used.", true, nil, func() []Sample {
		var used syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
			return nil
		}
		return []Sample{{Value: float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9}}
	})
	m.Observe("process.open_fds", "", "File descriptors that are open.", false, nil, func() []Sample {
		dir, err := os.Open("/proc/self/fd")
		if err != nil {
			return nil
		}
		defer dir.Close()
		names, err := dir.Readdirnames(-1)
		if err != nil {
			return nil
		}
		return []Sample{{Value: float64(len(names) - 1)}} // without that of the folder
	})
	m.Observe("process.max_fds", "", "File descriptors that may be open.", false, nil, func() []Sample {
		var limit syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
			return nil
		}
		return []Sample{{Value: float64(limit.Cur)}}
	})
}

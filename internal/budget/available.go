package budget

import (
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// least is the fewest bytes that Available returns, unknown what it returns where
// nobody says how many there are.
const (
	least   = 128 << 20
	unknown = 2 << 30
)

// Available is how many bytes of memory the process may use: the least of
// GOMEMLIMIT, the limits of its control groups, and what the machine has.
func Available() int64 {
	most := debug.SetMemoryLimit(-1) // which changes nothing
	for _, file := range groupFiles(readFile("/proc/self/cgroup")) {
		if n, err := strconv.ParseInt(strings.TrimSpace(readFile(file)), 10, 64); err == nil && n > 0 {
			most = min(most, n)
		}
	}
	most = min(most, memoryTotal(readFile("/proc/meminfo")))
	if most == math.MaxInt64 {
		return unknown
	}
	return max(most, least)
}

// readFile is what a file of the system holds; "" where there is none.
func readFile(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}

// groupFiles are the files with the memory limits of the control groups that
// /proc/self/cgroup names, and of those around them (cgroups(7)).
func groupFiles(groups string) (files []string) {
	for line := range strings.Lines(groups) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		root, name := "/sys/fs/cgroup", "memory.max"
		switch {
		case !ok:
			continue
		case controllers == "memory":
			root, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case controllers != "":
			continue
		}
		for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
			files = append(files, path.Join(root, dir, name))
			if dir == "/" {
				break
			}
		}
	}
	return files
}

// memoryTotal is the memory that /proc/meminfo tells of.
func memoryTotal(info string) int64 {
	for line := range strings.Lines(info) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kilobytes << 10
			}
		}
	}
	return math.MaxInt64
}

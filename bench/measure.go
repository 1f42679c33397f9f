package main

import (
	"bytes"
	"regexp"
	"strconv"
	"sync"
)

// memoryUse is what the kernel says of a process, in bytes: what is resident
// now, the part of it that is no file (heap and stacks, not the program's
// text), and the most that was ever resident.
type memoryUse struct {
	Resident, Anonymous, Peak int64
}

// machineInfo is where the numbers were taken.
type machineInfo struct {
	CPU    string
	Cores  int
	Memory int64 // bytes
	Kernel string
	Go     string
}

// gcTrace is the standard error of a process under GODEBUG=gctrace=1. The
// runtime prints there, for every collection, the heap before, after and what
// of it lives; the difference of one's after and its predecessor's live heap is
// what was allocated between them, to a MiB.
type gcTrace struct {
	mu     sync.Mutex
	line   []byte
	text   []byte // what is not trace
	live   int64  // after the last collection, MiB
	total  int64  // allocated so far, MiB
	number int
}

var collection = regexp.MustCompile(`^gc \d+ @.* (\d+)->(\d+)->(\d+) MB,`)

// Write takes what the process prints.
func (g *gcTrace) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.line = append(g.line, p...)
	for {
		line, rest, ok := bytes.Cut(g.line, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		g.take(line)
		g.line = rest
	}
}

func (g *gcTrace) take(line []byte) {
	m := collection.FindSubmatch(line)
	if m == nil {
		if len(g.text) < 4<<10 {
			g.text = append(append(g.text, line...), '\n')
		}
		return
	}
	after, _ := strconv.ParseInt(string(m[2]), 10, 64) // digits
	live, _ := strconv.ParseInt(string(m[3]), 10, 64)
	g.total += after - g.live
	g.live = live
	g.number++
}

// allocated is how many bytes the process had allocated at its last collection.
func (g *gcTrace) allocated() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total << 20
}

// cycles is how many collections there were.
func (g *gcTrace) cycles() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.number
}

// other is what the process said beside the trace.
func (g *gcTrace) other() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(g.text) + string(g.line)
}

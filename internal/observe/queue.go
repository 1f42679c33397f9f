package observe

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	// mostLines is how many lines wait for a reader of the log.
	mostLines = 1024
	// patience is how long the log waits for a reader that has not kept up.
	patience = time.Second
)

// Queue writes lines in the background, so that a reader of the log who does not
// read (a terminal that is stopped, a collector that hangs) keeps nobody waiting:
// what does not fit is left out, and counted where the log goes on. Close it.
type Queue struct {
	w       io.Writer
	lines   chan []byte
	stalled atomic.Bool // nobody read a line for as long as patience
	lost    atomic.Int64
	stop    chan struct{}
	done    chan struct{}
}

// NewQueue begins to write lines to w.
func NewQueue(w io.Writer) *Queue {
	q := &Queue{w: w, lines: make(chan []byte, mostLines), stop: make(chan struct{}), done: make(chan struct{})}
	go q.run()
	return q
}

// Write takes one line; it never fails.
func (q *Queue) Write(line []byte) (int, error) {
	own := bytes.Clone(line)
	select {
	case q.lines <- own:
		return len(line), nil
	default:
	}
	if !q.stalled.Load() {
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case q.lines <- own:
			return len(line), nil
		case <-late.C:
			q.stalled.Store(true)
		}
	}
	q.lost.Add(1)
	return len(line), nil
}

func (q *Queue) run() {
	defer close(q.done)
	for {
		select {
		case line := <-q.lines:
			q.write(line)
			continue
		default:
		}
		select { // nothing waits
		case line := <-q.lines:
			q.write(line)
		case <-q.stop:
			return
		}
	}
}

func (q *Queue) write(line []byte) {
	_, _ = q.w.Write(line) // a full disk stops nobody
	q.stalled.Store(false)
	if n := q.lost.Swap(0); n > 0 {
		_, _ = fmt.Fprintf(q.w, "fairlead: %d lines of the log are left out here: nobody read it\n", n)
	}
}

// Close writes what waits, unless nobody reads it. Nobody may write afterwards.
func (q *Queue) Close() {
	close(q.stop)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-q.done:
	case <-late.C:
	}
}

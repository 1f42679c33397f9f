package observe

import (
	"bytes"
	"fmt"
	"io"
	"sync"
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
	mask    *Mask
	lines   chan []byte
	stalled atomic.Bool  // nobody read a line for as long as patience
	lost    atomic.Int64 // lines that were left out, and not said yet
	total   atomic.Int64 // and those that were
	stop    chan struct{}
	done    chan struct{}
}

// NewQueue begins to write lines to w, through mask.
func NewQueue(w io.Writer, mask *Mask) *Queue {
	q := &Queue{w: w, mask: mask, lines: make(chan []byte, mostLines), stop: make(chan struct{}),
		done: make(chan struct{})}
	go q.run()
	return q
}

// Write takes one line or several; it never fails.
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
	q.lost.Add(int64(bytes.Count(line, []byte{'\n'})))
	return len(line), nil
}

// mostAtOnce is how many bytes are written with one call, unless one line is longer.
const mostAtOnce = 64 << 10

func (q *Queue) run() {
	defer close(q.done)
	var piece []byte
	for {
		piece = piece[:0]
		select { // what waits goes first
		case line := <-q.lines:
			piece = append(piece, line...)
		default:
			select {
			case line := <-q.lines:
				piece = append(piece, line...)
			case <-q.stop:
				return
			}
		}
		for more := true; more && len(piece) < mostAtOnce; {
			select {
			case line := <-q.lines:
				piece = append(piece, line...)
			default:
				more = false
			}
		}
		q.write(piece)
	}
}

func (q *Queue) write(piece []byte) {
	_, _ = q.w.Write(q.mask.Bytes(piece)) // a full disk stops nobody
	q.stalled.Store(false)
	if n := q.lost.Swap(0); n > 0 {
		q.total.Add(n)
		_, _ = fmt.Fprintf(q.w, "fairlead: %d lines of the log are left out here: nobody read it\n", n)
	}
}

// Lost is how many lines were left out so far.
func (q *Queue) Lost() int64 { return q.total.Load() + q.lost.Load() }

// Unwrap is where the lines go.
func (q *Queue) Unwrap() io.Writer { return q.w }

// Batch collects lines for a queue and hands them on together, a moment later: a line
// by itself costs more than all that it tells of. Lines of calls go through it, those
// of the log do not.
type Batch struct {
	queue *Queue
	mu    sync.Mutex
	text  []byte
	late  *time.Timer // hands on what there is; nil when nothing waits
}

const (
	// moment is how long lines wait for others.
	moment = 50 * time.Millisecond
	// batchSize is how many bytes are not kept waiting.
	batchSize = 32 << 10
)

// NewBatch collects lines for q.
func NewBatch(q *Queue) *Batch { return &Batch{queue: q} }

// Write takes one line; it never fails.
func (b *Batch) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, line...)
	switch {
	case len(b.text) >= batchSize:
		b.flush()
	case b.late == nil:
		b.late = time.AfterFunc(moment, b.Flush)
	}
	return len(line), nil
}

// Flush hands on what there is. That of nil does nothing.
func (b *Batch) Flush() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

func (b *Batch) flush() {
	if b.late != nil {
		b.late.Stop()
		b.late = nil
	}
	if len(b.text) > 0 {
		_, _ = b.queue.Write(b.text) // a queue never fails
		b.text = b.text[:0]
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

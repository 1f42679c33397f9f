package observe

import (
	"bytes"
	"context"
)

// Lines keeps the last records of the log, as JSON objects in which no secret stands.
type Lines struct{ ring ring[[]byte] }

// NewLines keeps so many records.
func NewLines(size int) *Lines {
	l := &Lines{}
	l.ring.size = size
	return l
}

// Write takes a record; it never fails.
func (l *Lines) Write(line []byte) (int, error) {
	l.ring.add(bytes.Clone(bytes.TrimRight(line, "\n")))
	return len(line), nil
}

// Records returns the records that are kept, the newest first. They must not be
// changed.
func (l *Lines) Records() [][]byte { return l.ring.all() }

// Follow hands each new record to hear, until ctx ends or hear returns false. Who is
// slow misses some.
func (l *Lines) Follow(ctx context.Context, hear func([]byte) bool) {
	written, stop := l.ring.follow()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case line := <-written:
			if !hear(line) {
				return
			}
		}
	}
}

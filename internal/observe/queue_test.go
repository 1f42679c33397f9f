package observe_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/internal/observe"
)

func TestQueue_writesAllThatIsRead(t *testing.T) {
	var got bytes.Buffer
	q := observe.NewQueue(&got, nil)
	want := ""
	for i := range 5000 {
		line := fmt.Sprintf("line %d\n", i)
		want += line
		if n, err := io.WriteString(q, line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	q.Close()
	if got.String() != want {
		t.Errorf("got %d bytes of %d", got.Len(), len(want))
	}
}

// stuck is a log that nobody reads until it is released.
type stuck struct {
	released chan struct{}
	bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.released
	return s.Buffer.Write(p)
}

func TestQueue_keepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{released: make(chan struct{})}
		q := observe.NewQueue(w, nil)
		const lines = 5000
		_, _ = io.WriteString(q, "line\n")
		synctest.Wait() // the first line is stuck: the queue takes no more than it holds
		for range lines - 1 {
			_, _ = io.WriteString(q, "line\n")
		}
		close(w.released)
		q.Close()
		text := w.String()
		kept, lost := strings.Count(text, "line\n"), 0
		if i := strings.Index(text, "fairlead: "); i < 0 {
			t.Error("nothing says that lines are left out")
		} else if _, err := fmt.Sscanf(text[i:], "fairlead: %d lines", &lost); err != nil {
			t.Error(err)
		}
		if kept == 0 || kept+lost != lines {
			t.Errorf("%d lines are kept and %d left out, of %d", kept, lost, lines)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{released: make(chan struct{})}
		q := observe.NewQueue(w, nil)
		_, _ = io.WriteString(q, "line\n")
		q.Close() // although it is not written
		close(w.released)
	})
}

// counted counts the lines that are written, while others ask how many.
type counted struct{ lines atomic.Int64 }

func (c *counted) Write(p []byte) (int, error) {
	c.lines.Add(int64(bytes.Count(p, []byte("\n"))))
	return len(p), nil
}

// TestBatch_handsOnAllThatItTook: a moment later, at once when it is much, and at the end.
func TestBatch_handsOnAllThatItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got counted
		q := observe.NewQueue(&got, nil)
		b := observe.NewBatch(q)
		lines := func(n int) {
			for range n {
				_, _ = io.WriteString(b, "a line of a call\n")
			}
		}
		lines(3)
		if synctest.Wait(); got.lines.Load() > 0 {
			t.Error("few lines are written at once")
		}
		time.Sleep(time.Second)
		if synctest.Wait(); got.lines.Load() != 3 {
			t.Errorf("got %d lines", got.lines.Load())
		}
		lines(5000)
		if synctest.Wait(); got.lines.Load() < 3000 {
			t.Errorf("of many lines %d are written at once", got.lines.Load())
		}
		b.Flush()
		q.Close()
		if got.lines.Load() != 5003 {
			t.Errorf("%d lines at the end", got.lines.Load())
		}
		var none *observe.Batch
		none.Flush()
	})
}

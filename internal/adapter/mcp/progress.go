package mcp

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// progressFunc is what Progress returns.
type progressFunc func(done, total float64, message string)

type progressKey struct{}

func withProgress(ctx context.Context, report progressFunc) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// Progress returns what an Invoker reports its steps to: done of total, and a
// word for people. It may be called by several goroutines; what does not
// increase is dropped, and so is what comes after the answer. It is nil when the
// client did not ask for progress.
func Progress(ctx context.Context) func(done, total float64, message string) {
	report, _ := ctx.Value(progressKey{}).(progressFunc)
	return report
}

// progress sends notifications/progress for one request.
type progress struct {
	r      *request
	token  []byte
	mu     sync.Mutex
	begun  bool
	last   float64
	total  float64
	closed bool
	idle   *time.Timer // shows that the stream lives
}

// begin reports the start, and keeps the stream open for as long as the call runs.
func (p *progress) begin() {
	p.report(0, 1, "")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = time.AfterFunc(keepAlive, p.alive)
}

func (p *progress) alive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && p.r.sink.Alive() {
		p.idle.Reset(keepAlive)
	}
}

func (p *progress) report(done, total float64, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.begun && done <= p.last || math.IsNaN(done) || math.IsInf(done, 0) || math.IsInf(total, 0) {
		return
	}
	p.begun, p.last, p.total = true, done, total
	m := append([]byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":`), p.token...)
	m = value.Float(done).AppendJSON(append(m, `,"progress":`...))
	if total > 0 {
		m = value.Float(total).AppendJSON(append(m, `,"total":`...))
	}
	if message != "" {
		m = value.AppendString(append(m, `,"message":`...), message)
	}
	p.r.sink.Send(append(m, "}}"...))
}

// finish reports that everything is done, unless the request was cancelled.
func (p *progress) finish() {
	if !p.r.silent && p.r.ctx.Err() == nil {
		p.report(max(p.total, 1), max(p.total, 1), "")
	}
	p.mu.Lock()
	p.closed = true
	p.idle.Stop()
	p.mu.Unlock()
}

package mcp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/budget"
)

// maxRunning is how many requests of a stdio client run at once; more wait.
const maxRunning = 256

// maxPending is how many requests of a stdio client run or wait.
const maxPending = 4 * maxRunning

// stdio is one client on standard input and output.
type stdio struct {
	h       *Handler
	ctx     context.Context
	version atomic.Pointer[string] // that initialize agreed on
	asks    atomic.Bool            // so did the client say: it can ask its user
	opens   atomic.Bool            // likewise: it can open pages for its user
	client  atomic.Pointer[string] // its own word for itself
	changes *listener              // what a legacy client is told of
	ended   chan struct{}          // closed when no more is read

	write sync.Mutex
	out   io.Writer
	lost  bool // out takes no more

	slots     chan struct{}
	pending   atomic.Int64 // jobs that run or wait for a slot
	running   running      // by the source of the id
	mu        sync.Mutex
	jobs      sync.WaitGroup
	finishing bool
}

// ServeStdio serves one client: a message on each line of in, answers on lines
// of out, whole and in the order they are done. At the end of in, and when ctx
// ends, it takes no more and returns when what runs has been answered; when ctx
// has ended it waits at most Config.Drain for that, and then cancels. It is the
// caller's matter to unblock a read of in, or a write of out that nobody reads.
func (h *Handler) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	stop := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &stdio{h: h, ctx: ctx, out: out, ended: make(chan struct{}), slots: make(chan struct{}, maxRunning),
		changes: h.hub.listen(wire.Filter{Tools: true, Prompts: true, Resources: true})}
	defer s.changes.stop()
	go s.tell()

	read := make(chan error, 1)
	go func() { read <- s.readLines(in) }()
	var err error
	select {
	case err = <-read:
	case <-stop.Done():
	}
	finished := s.finish()
	select {
	case <-finished:
	case <-stop.Done():
		for _, grace := range []time.Duration{h.cfg.Drain, time.Second} { // the second after cancelling
			late := time.NewTimer(grace)
			select {
			case <-finished:
			case <-late.C:
			}
			late.Stop()
			cancel()
		}
	}
	cancel()
	return err
}

// finish takes no more requests. What it returns is closed when those that run
// are answered.
func (s *stdio) finish() <-chan struct{} {
	s.mu.Lock()
	s.finishing = true
	s.mu.Unlock()
	close(s.ended)
	finished := make(chan struct{})
	go func() {
		s.jobs.Wait()
		close(finished)
	}()
	return finished
}

// end is closed when no more is read; over HTTP, where s is nil, it never is.
func (s *stdio) end() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.ended
}

// admit counts one more job, if that are not too many.
func (s *stdio) admit() bool {
	if s.pending.Add(1) <= maxPending {
		return true
	}
	s.pending.Add(-1)
	return false
}

// job runs do beside the others; not when the session is about to end.
func (s *stdio) job(do func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.finishing {
		s.jobs.Go(do)
	}
	return !s.finishing
}

// tell passes changes on to a client that initialized; a modern one subscribes.
func (s *stdio) tell() {
	for {
		select {
		case <-s.changes.signal:
			if change := s.changes.take(); s.version.Load() != nil {
				change.Each(nil, s.Send)
			}
			s.tellSignedIn()
		case <-s.ctx.Done():
			return
		}
	}
}

// readLines starts what each line asks for.
func (s *stdio) readLines(in io.Reader) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for s.ctx.Err() == nil {
		x := s.h.newExchange()
		var tooLong bool
		var err error
		x.Body, tooLong, err = wire.ReadLine(lines, x.Body[:0])
		x.Body = wire.WithoutMark(x.Body)
		switch line := bytes.TrimSpace(x.Body); {
		case tooLong:
			s.Send((&wire.Error{Code: wire.CodeParse, Message: "Parse error: the line is too long"}).AppendTo(nil, nil))
			x.release()
		case len(line) == 0:
			x.release()
		case !s.affords(x):
			s.Send((&wire.Error{Code: wire.CodeParse,
				Message: "Parse error: the line is too long for the memory that there is"}).AppendTo(nil, nil))
			x.release()
		case line[0] == '[':
			s.batch(x)
		default:
			s.message(x)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return s.ctx.Err()
}

// affords takes the memory for what is read of a line. While other calls hold it,
// nothing more is read from the client; false means that it will never be there.
func (s *stdio) affords(x *exchange) bool {
	for {
		err := x.call.Hold(s.ctx, (1+treeSize)*int64(len(x.Body)))
		if !errors.Is(err, budget.ErrFull) {
			return !errors.Is(err, budget.ErrLarge)
		}
	}
}

func (s *stdio) spoken() string {
	if v := s.version.Load(); v != nil {
		return *v
	}
	return ""
}

func (s *stdio) message(x *exchange) {
	req := &request{exchange: x, ctx: s.ctx, h: s.h, stdio: s, sink: s, view: s.h.current.Load().All,
		asks: s.asks.Load(), opens: s.opens.Load(), running: &s.running}
	problem := x.read()
	if problem == nil {
		req.version, problem = x.VersionOf(nil, s.spoken(), x.method.is(modern) && !x.method.is(legacy))
	}
	switch {
	case x.Reply:
		if problem == nil {
			req.responded()
		}
		x.release()
	case problem != nil && (x.ID != nil || x.Method == nil || problem.Code == wire.CodeParse):
		end := req.hear(overStdio)
		req.failed(problem)
		x.Out = problem.AppendTo(x.Out[:0], x.ID)
		s.Send(x.Out)
		end()
		x.release()
	case problem != nil || x.ID == nil:
		req.notified()
		x.release()
	case x.method.is(slow):
		s.start(req)
	default:
		s.answer(req)
	}
}

// answer answers a request before the next message is read.
func (s *stdio) answer(req *request) {
	defer req.release()
	s.mu.Lock()
	finishing := s.finishing
	if !finishing {
		s.jobs.Add(1) // so that an end waits until the line is written
	}
	s.mu.Unlock()
	if finishing {
		return
	}
	defer s.jobs.Done()
	defer req.hear(overStdio)()
	if req.answer(); !req.silent {
		s.Send(req.Out)
	}
}

// crowd answers a message that comes while too many are being served. It waits
// for the client to read, and nothing more is read from the client until it does.
func (s *stdio) crowd(x *exchange) {
	s.Send((&wire.Error{Code: wire.CodeInternal,
		Message: "Too many requests at once: read the answers first"}).AppendTo(x.Out[:0], x.ID))
	x.release()
}

// start runs a request beside the others, until it is cancelled.
func (s *stdio) start(req *request) {
	if !s.admit() {
		s.crowd(req.exchange)
		return
	}
	end := req.begin()
	started := s.job(func() {
		defer s.pending.Add(-1)
		defer end()
		if !req.method.is(stream) { // a subscription takes no slot
			s.slots <- struct{}{}
			defer func() { <-s.slots }()
		}
		heard := req.hear(overStdio)
		err := req.answer()
		if !req.silent && (req.ctx.Err() == nil || err == nil && req.method.is(stream)) {
			s.Send(req.Out)
		}
		heard()
		req.release()
	})
	if !started {
		s.pending.Add(-1)
		end()
	}
}

func (s *stdio) batch(x *exchange) {
	if v := s.spoken(); v != "" && v != wire.WithBatches {
		s.Send(wire.Invalid("batches are of revision "+wire.WithBatches+" only").AppendTo(nil, nil))
		x.release()
		return
	}
	if !s.admit() {
		s.crowd(x)
		return
	}
	s.job(func() {
		defer s.pending.Add(-1)
		defer x.release()
		view := s.h.current.Load().All
		out, problem := wire.Batch(bytes.TrimSpace(x.Body), func(message []byte) []byte {
			return s.h.serveBatched(request{exchange: s.h.newExchange(), ctx: s.ctx, h: s.h, view: view,
				version: wire.WithBatches, stdio: s, running: &s.running}, message)
		})
		switch {
		case problem != nil:
			s.Send(problem.AppendTo(nil, nil))
		case out != nil:
			s.Send(out)
		}
	})
}

// Send writes one line.
func (s *stdio) Send(message []byte) bool {
	s.write.Lock()
	defer s.write.Unlock()
	if s.lost {
		return false
	}
	line := append(message, '\n')
	if _, err := s.out.Write(line); err != nil {
		s.lost = true
	}
	return !s.lost
}

func (s *stdio) Alive() bool { return true }

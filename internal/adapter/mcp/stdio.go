package mcp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// maxRunning is how many requests of a stdio client run at once; more wait.
const maxRunning = 256

// session is one client on stdio.
type session struct {
	h       *Handler
	ctx     context.Context
	version atomic.Pointer[string] // that initialize agreed on
	asks    atomic.Bool            // so did the client say: it can ask its user
	changes *listener              // what a legacy client is told of
	ended   chan struct{}          // closed at the end of input

	write sync.Mutex
	out   io.Writer
	lost  bool // out takes no more

	slots   chan struct{}
	jobs    sync.WaitGroup
	running running // by the source of the id
}

// ServeStdio serves one client: a message on each line of in, answers on lines
// of out, whole and in the order they are done. It returns at the end of in,
// when what runs has been answered, or soon after ctx ends, having cancelled
// what runs. It is the caller's matter to unblock a read of in then.
func (h *Handler) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{h: h, ctx: ctx, out: out, ended: make(chan struct{}), slots: make(chan struct{}, maxRunning),
		changes: h.hub.listen(filter{tools: true, prompts: true, resources: true})}
	defer s.changes.stop()
	told := make(chan struct{})
	go func() { defer close(told); s.tell() }()

	read := make(chan error, 1)
	go func() { read <- s.readLines(in) }()
	var err error
	select {
	case err = <-read:
		close(s.ended)
	case <-ctx.Done():
		err = ctx.Err()
		cancel()
	}
	s.jobs.Wait()
	cancel()
	<-told
	return err
}

// tell passes changes on to a client that initialized; a modern one subscribes.
func (s *session) tell() {
	for {
		select {
		case <-s.changes.signal:
			if change := s.changes.take(); s.version.Load() != nil {
				change.each(nil, s.send)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// readLines starts what each line asks for.
func (s *session) readLines(in io.Reader) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for s.ctx.Err() == nil {
		x := newExchange()
		var tooLong bool
		var err error
		x.body, tooLong, err = readLine(lines, x.body[:0])
		switch line := bytes.TrimSpace(x.body); {
		case tooLong:
			s.send((&rpcError{code: codeParse, message: "Parse error: the line is too long"}).appendTo(nil, nil))
			x.release()
		case len(line) == 0:
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

// readLine appends a line to buf. Of one longer than maxRequest it keeps nothing.
func readLine(r *bufio.Reader, buf []byte) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(buf)+len(part) > maxRequest {
			tooLong, buf = true, buf[:0]
		}
		if !tooLong {
			buf = append(buf, part...)
		}
		if err != bufio.ErrBufferFull {
			return buf, tooLong, err
		}
	}
}

func (s *session) spoken() string {
	if v := s.version.Load(); v != nil {
		return *v
	}
	return ""
}

func (s *session) message(x *exchange) {
	req := &request{exchange: x, ctx: s.ctx, h: s.h, session: s, sink: s, view: s.h.current.Load().all, asks: s.asks.Load()}
	problem := x.read()
	if problem == nil {
		req.version, problem = x.versionOf(nil, s.spoken())
	}
	m := methods[string(x.method)]
	switch {
	case problem != nil && (x.id != nil || x.method == nil || problem.code == codeParse):
		s.send(problem.appendTo(x.out[:0], x.id))
		x.release()
	case problem != nil || x.id == nil || x.reply:
		if string(x.method) == "notifications/cancelled" {
			s.running.cancel(string(x.params.requestID))
		}
		if problem == nil && x.reply {
			s.h.waiting.deliver(&x.message)
		}
		x.release()
	case m != nil && m.slow:
		s.start(req, m)
	default:
		s.answer(req, m)
	}
}

func (s *session) answer(req *request, m *method) {
	if req.answer(m); !req.silent {
		s.send(req.out)
	}
	req.release()
}

// start runs a request beside the others, until it is cancelled.
func (s *session) start(req *request, m *method) {
	ctx, end := s.running.begin(s.ctx, string(req.id))
	s.jobs.Go(func() {
		defer end()
		if m.feature != noFeature { // a subscription takes no slot
			s.slots <- struct{}{}
			defer func() { <-s.slots }()
		}
		req.ctx = ctx
		err := req.answer(m)
		if !req.silent && (ctx.Err() == nil || err == nil && m.feature == noFeature) {
			s.send(req.out)
		}
		req.release()
	})
}

func (s *session) batch(x *exchange) {
	if v := s.spoken(); v != "" && v != batchVersion {
		s.send(invalid("batches are of revision "+batchVersion+" only").appendTo(nil, nil))
		x.release()
		return
	}
	s.jobs.Go(func() {
		defer x.release()
		view := s.h.current.Load().all
		out, problem := batch(bytes.TrimSpace(x.body), func(one *exchange) {
			s.h.serveBatched(request{exchange: one, ctx: s.ctx, h: s.h, view: view, version: batchVersion, session: s})
		})
		switch {
		case problem != nil:
			s.send(problem.appendTo(nil, nil))
		case out != nil:
			s.send(out)
		}
	})
}

// send writes one line.
func (s *session) send(message []byte) bool {
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

func (s *session) alive() bool { return true }

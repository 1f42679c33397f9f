package script

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// Config says how a Pool runs scripts. Zero fields have the defaults named.
type Config struct {
	// Command starts a worker: a program that calls Work with its standard input
	// and output, and its arguments. It gets no environment. Required.
	Command []string
	// Workers is how many scripts may run at once: 2. As many more may run beside
	// them that have had their turn, so there are at most twice as many processes.
	Workers int
	// Turn is how long a script runs before others go first: 1 s. See Pool.
	Turn time.Duration
	// Timeout is how long a script may run: 60 s. Waiting for a worker does not count.
	Timeout time.Duration
	// MemoryBytes is how much memory a script may use, its context, result and
	// garbage included: 256 MiB.
	MemoryBytes int64
	// StatementLimit is how many statements a Starlark script may execute, counted
	// as twenty instructions each: 100 000. JavaScript has no such limit.
	StatementLimit int
	// OutputBytes is how long a result may be, as JSON: 8 MiB.
	OutputBytes int
	// Idle is how long a worker waits for its next script before it ends: 1 min.
	Idle time.Duration
}

func (c Config) withDefaults() Config {
	c.Workers = positive(c.Workers, 2)
	c.Turn = positive(c.Turn, time.Second)
	c.Timeout = positive(c.Timeout, time.Minute)
	c.MemoryBytes = positive(c.MemoryBytes, 256<<20)
	c.StatementLimit = positive(c.StatementLimit, 100_000)
	c.OutputBytes = positive(c.OutputBytes, 8<<20)
	c.Idle = positive(c.Idle, time.Minute)
	return c
}

func positive[N ~int | ~int64](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}

// Pool runs scripts in worker processes, which it starts when they are needed.
// It is safe for concurrent use.
//
// A script that does not end keeps nobody else from running. One that has run for
// its turn moves to a second lane, with as many places, and makes room; so does
// every run of it that follows, until one ends in time. Where the second lane is
// full and somebody waits, the script is ended as one that took too long.
type Pool struct {
	cfg  Config
	fast lane
	slow lane
	bounds

	mu      sync.Mutex
	long    map[*Program]bool // what ran longer than a turn when it last ran
	closed  bool
	closing chan struct{}  // closed with closed
	workers []*worker      // all that live
	idle    []*worker      // those that run nothing, the last used last
	ended   sync.WaitGroup // of processes
}

// NewPool returns a pool that has no processes yet. Close it.
func NewPool(cfg Config) *Pool {
	cfg = cfg.withDefaults()
	p := &Pool{cfg: cfg, fast: newLane(cfg.Workers), slow: newLane(cfg.Workers), long: map[*Program]bool{},
		closing: make(chan struct{})}
	p.limits.Store(&Limits{Timeout: cfg.Timeout, Statements: cfg.StatementLimit})
	return p
}

var errClosed = errors.New("run script: the pool is closed")

// Check compiles a program in a worker, without running it, and returns a
// *SyntaxError when it does not compile. Other errors are those of Run.
func (p *Pool) Check(ctx context.Context, program *Program) error {
	_, err := p.do(ctx, program, task{Compile: true, Language: program.Language, Sources: program.sources()},
		value.Nil())
	return err
}

// Run runs a program with contextValue, an object, as its variable context, and
// returns what it left in result; Absent when it left nothing. Nothing that a
// script does outlives its run.
//
// The error is a *SyntaxError or *ScriptError when the script itself is wrong, a
// *TimeoutError, *MemoryError or *CrashError when its process ended, the cause
// of ctx when that ended first (the script is killed), or says that no process
// could be started. Only a *CrashError, and the failure to start, are no fault
// of the script. A script whose process ended before it answered is run once
// more: scripts have no effects but their answers.
//
// What Tighten forbids is a *RefusedError.
func (p *Pool) Run(ctx context.Context, program *Program, contextValue value.Value) (value.Value, error) {
	began, limits := time.Now(), p.limits.Load()
	if err := limits.refuses(program.Language); err != nil {
		return value.Value{}, err
	}
	v, err := p.do(ctx, program, task{
		Language: program.Language, Sources: program.sources(),
		Statements: limits.statements(program, p.cfg), Output: p.cfg.OutputBytes,
	}, contextValue)
	p.ran(began, err)
	return v, err
}

// do has a task done by a worker, and once more by another when the first one died.
func (p *Pool) do(ctx context.Context, program *Program, t task, contextValue value.Value) (value.Value, error) {
	frames, err := request(t, contextValue)
	if err != nil {
		return value.Value{}, fmt.Errorf("run script: %w", err)
	}
	s, err := p.stay(ctx, program)
	if err != nil {
		return value.Value{}, err
	}
	defer s.leave()
	most := min(p.cfg.Timeout, p.limits.Load().Timeout)
	late := &TimeoutError{After: most}
	running, cancel := context.WithTimeoutCause(ctx, most, late)
	defer cancel()
	running, end := context.WithCancelCause(running)
	defer end(nil)
	defer s.watch(end)()

	v, err := p.try(running, frames)
	if _, crashed := err.(*CrashError); crashed {
		v, err = p.try(running, frames)
	}
	return v, err
}

// try has a task done by a worker, which is killed when running ends.
func (p *Pool) try(running context.Context, frames []byte) (value.Value, error) {
	w, err := p.take()
	if err != nil {
		return value.Value{}, err
	}
	stop := context.AfterFunc(running, w.kill)

	result, err := w.run(frames, p.cfg.OutputBytes)
	killed := !stop()
	if !killed && (err == nil || ofScript(err)) {
		p.release(w)
		return result, err
	}
	if killed {
		w.kill() // the other call of kill may not have come to it yet
		<-w.exited
		cause := context.Cause(running)
		if _, late := cause.(*TimeoutError); late {
			return value.Value{}, cause
		}
		return value.Value{}, fmt.Errorf("run script: %w", cause)
	}
	select {
	case <-p.closing:
		<-w.exited
		return value.Value{}, errClosed
	default:
		return value.Value{}, w.cause(err, p.cfg.MemoryBytes)
	}
}

// ofScript tells whether err came from the script, not from its process.
func ofScript(err error) bool {
	switch err.(type) {
	case *SyntaxError, *ScriptError:
		return true
	default:
		return false
	}
}

// Close kills all workers, fails the runs that wait or go on, and returns when
// no process is left. It may be called more than once.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	for _, w := range p.workers {
		w.kill()
	}
	for _, w := range p.idle {
		w.retire.Stop()
	}
	p.mu.Unlock()
	p.ended.Wait()
}

// take returns the worker that idles for the shortest time, or a new one.
func (p *Pool) take() (*worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		last := len(p.idle) - 1
		w := p.idle[last]
		p.idle = p.idle[:last]
		if w.retire.Stop() && w.alive() {
			return w, nil
		}
		w.kill()
	}
	if p.closed {
		return nil, errClosed
	}
	w, err := startWorker(p.cfg.Command, p.cfg.MemoryBytes, p.forget)
	if err != nil {
		return nil, fmt.Errorf("start script worker: %w", err)
	}
	p.ended.Add(1)
	p.workers = append(p.workers, w)
	return w, nil
}

// release lets w wait for its next script, for a while.
func (p *Pool) release(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return // and w is killed
	}
	w.retire = time.AfterFunc(p.cfg.Idle, w.kill)
	p.idle = append(p.idle, w)
}

// forget is told of each worker that has ended.
func (p *Pool) forget(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	same := func(other *worker) bool { return other == w }
	p.workers = slices.DeleteFunc(p.workers, same)
	p.idle = slices.DeleteFunc(p.idle, same)
	p.ended.Done()
}

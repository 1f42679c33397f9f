package script

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// lane is where scripts run, so many at once.
type lane struct {
	slots   chan struct{}
	waiting *atomic.Int64
}

func newLane(places int) lane {
	return lane{slots: make(chan struct{}, places), waiting: new(atomic.Int64)}
}

// enter takes a place, for which it waits until one of the channels is closed.
func (l lane) enter(done, closing <-chan struct{}) bool {
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	select {
	case l.slots <- struct{}{}:
		return true
	case <-done:
	case <-closing:
	}
	return false
}

// tryEnter takes a place if there is one.
func (l lane) tryEnter() bool {
	select {
	case l.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l lane) leave() { <-l.slots }

// stay is the time that a script spends in the lanes.
type stay struct {
	pool    *Pool
	program *Program
	lane    lane
	begun   time.Time
}

// stay waits for a place in the lane where the program belongs. Leave it.
func (p *Pool) stay(ctx context.Context, program *Program) (*stay, error) {
	s := &stay{pool: p, program: program, lane: p.fast}
	p.mu.Lock()
	if p.long[program] {
		s.lane = p.slow
	}
	p.mu.Unlock()
	entered := s.lane.enter(ctx.Done(), p.closing)
	switch {
	case ctx.Err() != nil:
		if entered { // both were possible
			s.lane.leave()
		}
		return nil, fmt.Errorf("run script: %w", context.Cause(ctx))
	case !entered:
		return nil, errClosed
	}
	s.begun = time.Now()
	return s, nil
}

// leave gives the place back and remembers how long the script ran.
func (s *stay) leave() {
	s.lane.leave()
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(s.begun) <= p.cfg.Turn {
		delete(p.long, s.program)
	}
}

// watch moves the script to the second lane when its turn is over, or ends it
// where that lane is full and somebody waits. The function that it returns stops that.
func (s *stay) watch(end context.CancelCauseFunc) (stop func()) {
	if s.lane == s.pool.slow {
		return func() {}
	}
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		turn := time.NewTicker(s.pool.cfg.Turn)
		defer turn.Stop()
		for {
			select {
			case <-over:
				return
			case <-turn.C:
			}
			s.pool.remember(s.program)
			if s.pool.slow.tryEnter() {
				s.lane.leave()
				s.lane = s.pool.slow
				return
			}
			if s.lane.waiting.Load() > 0 {
				end(&TimeoutError{After: time.Since(s.begun).Round(time.Millisecond), Crowded: true})
				return
			}
		}
	}()
	return func() { close(over); <-stopped }
}

// mostLong is how many programs a pool remembers as long ones.
const mostLong = 1000

// remember notes that a program runs longer than a turn.
func (p *Pool) remember(program *Program) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.long) >= mostLong { // programs that were replaced are never forgotten otherwise
		clear(p.long)
	}
	p.long[program] = true
}

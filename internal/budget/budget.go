// Package budget bounds what a call may cost: the bytes that all calls of a
// process hold together, and the steps that the decoding, the mappings and the
// templates of one call take.
package budget

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// MaxSteps is how many steps one call may take. A step is the visit of a value,
// or work that takes about as long: some 20 ns.
const MaxSteps = 32 << 20

// Errors of a call that is over its budget.
var (
	ErrSteps = errors.New("it takes too many steps")
	ErrFull  = errors.New("other calls hold the memory that it needs")
	ErrLarge = errors.New("it needs more memory than all calls may hold together")
)

// Of reports whether err says that a budget is used up.
func Of(err error) bool {
	return errors.Is(err, ErrSteps) || errors.Is(err, ErrFull) || errors.Is(err, ErrLarge)
}

// wait is how long a call that holds nothing waits for memory.
const wait = 2 * time.Second

// Pool is the memory that the calls of a process may hold together, for bodies,
// answers and what is made of them. The nil Pool has no limit.
type Pool struct {
	limit int64
	mu    sync.Mutex
	held  int64
	most  int64
	freed chan struct{} // closed when bytes are given back; nil when nobody waits
}

// NewPool makes a pool of limit bytes.
func NewPool(limit int64) *Pool { return &Pool{limit: limit} }

// Held returns how many bytes are held now, and how many were at most.
func (p *Pool) Held() (now, most int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held, p.most
}

// take adds n bytes. If they are not there, it returns what is closed when some
// may be.
func (p *Pool) take(n int64) (ok bool, freed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held+n <= p.limit {
		p.held += n
		p.most = max(p.most, p.held)
		return true, nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return false, p.freed
}

func (p *Pool) free(n int64) {
	if n <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held -= n
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// Call is what one call has used. The zero Call has no pool. The nil Call has no
// limit of bytes; the goroutines of a call may share a Call.
type Call struct {
	pool  *Pool
	held  atomic.Int64
	steps atomic.Int64
}

// NewCall begins a call. End it.
func NewCall(p *Pool) *Call {
	c := &Call{}
	c.Begin(p)
	return c
}

// Begin makes c a call that holds nothing.
func (c *Call) Begin(p *Pool) {
	c.pool = p
	c.held.Store(0)
	c.steps.Store(0)
}

// End gives back all that the call holds. It may be called twice.
func (c *Call) End() {
	if c != nil && c.pool != nil {
		c.pool.free(c.held.Swap(0))
	}
}

// Hold takes n more bytes. A call that holds nothing yet waits a short time for
// them; one that holds some fails at once, so that no two calls wait for each
// other.
func (c *Call) Hold(ctx context.Context, n int64) error {
	if c == nil || c.pool == nil || n <= 0 {
		return nil
	}
	ok, freed := c.pool.take(n)
	if !ok && n+c.held.Load() > c.pool.limit {
		return ErrLarge
	}
	if !ok && c.held.Load() == 0 {
		late := time.NewTimer(wait)
		defer late.Stop()
		for !ok {
			select {
			case <-freed:
				ok, freed = c.pool.take(n)
			case <-late.C:
				return ErrFull
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if !ok {
		return ErrFull
	}
	c.held.Add(n)
	return nil
}

// Free gives back n bytes that the call holds.
func (c *Call) Free(n int64) {
	if c == nil || c.pool == nil || n <= 0 {
		return
	}
	c.held.Add(-n)
	c.pool.free(n)
}

// Holds is how many bytes the call holds.
func (c *Call) Holds() int64 {
	if c == nil {
		return 0
	}
	return c.held.Load()
}

// often is how many steps are taken between two looks at the call and the clock.
const often = 4096

// Meter counts what one goroutine of a call does. After its first error it stays
// failed: whoever works stops when Steps or Hold is false, and says why by Err.
// The nil Meter counts nothing and never fails.
type Meter struct {
	ctx   context.Context
	call  *Call
	until time.Time // zero: as long as ctx
	left  int       // steps until the next look
	used  int64
	err   error
}

// NewMeter counts the work of a call until ctx ends; call may be nil.
func NewMeter(ctx context.Context, call *Call) *Meter { return &Meter{ctx: ctx, call: call} }

// Until returns m, which fails at that time, too, with context.DeadlineExceeded.
func (m *Meter) Until(end time.Time) *Meter {
	m.until = end
	return m
}

// Step is Steps(1).
func (m *Meter) Step() bool {
	if m == nil {
		return true
	}
	if m.left--; m.left >= 0 {
		return true
	}
	return m.look(1)
}

// Steps counts n steps before they are taken; false means not to take them.
func (m *Meter) Steps(n int) bool {
	if m == nil {
		return true
	}
	if m.left -= n; m.left >= 0 {
		return true
	}
	return m.look(n)
}

func (m *Meter) look(n int) bool {
	if m.err != nil {
		m.left = 0
		return false
	}
	took := int64(often - m.left) // what was granted, even to a meter that is new, and what goes beyond it
	m.left = often
	m.used += took
	total := m.used
	if m.call != nil {
		total = m.call.steps.Add(took)
	}
	switch {
	case m.ctx.Err() != nil:
		return m.fail(m.ctx.Err())
	case !m.until.IsZero() && time.Now().After(m.until):
		return m.fail(context.DeadlineExceeded)
	case total > MaxSteps:
		return m.fail(ErrSteps)
	}
	return true
}

// Hold takes n bytes for the call.
func (m *Meter) Hold(n int64) bool {
	if m == nil || m.err == nil && m.call == nil {
		return true
	}
	if m.err != nil {
		return false
	}
	if err := m.call.Hold(m.ctx, n); err != nil {
		return m.fail(err)
	}
	return true
}

// Free gives back n bytes that were held.
func (m *Meter) Free(n int64) {
	if m != nil {
		m.call.Free(n)
	}
}

func (m *Meter) fail(err error) bool {
	m.err, m.left = err, 0
	return false
}

// Err is why the work was stopped: one of the errors of this package, or that of
// the context; nil when it was not.
func (m *Meter) Err() error {
	if m == nil {
		return nil
	}
	return m.err
}

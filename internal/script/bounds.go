package script

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are what every script may do at most, whatever its document says.
type Limits struct {
	Off        bool          // none runs
	Timeout    time.Duration // of one run
	Statements int           // of one Starlark run
	Languages  []string      // that run, as documents write them; nil is all
}

// Stats count the runs of a pool.
type Stats struct {
	Runs, Errors int64
	Took         time.Duration // of all of them
	Last         time.Time     // the last one began; the zero Time when there was none
}

// bounds are the limits and counts of a pool.
type bounds struct {
	limits atomic.Pointer[Limits]

	counting sync.Mutex
	stats    Stats
}

// Limits returns the limits in force.
func (b *bounds) Limits() Limits { return *b.limits.Load() }

// Tighten sets other limits, from the next run on. It changes nothing and returns
// an error when any of them is wider than it was: who may steer a process must not
// be able to let scripts do more than its operator started it with.
func (b *bounds) Tighten(to Limits) error {
	for {
		now := b.limits.Load()
		switch {
		case now.Off && !to.Off:
			return errors.New("scripts are off; only a restart lets them run again")
		case to.Timeout < time.Millisecond || to.Timeout > now.Timeout:
			return fmt.Errorf("timeout must be from 1 to %d ms, which is in force", now.Timeout.Milliseconds())
		case to.Statements < 1 || to.Statements > now.Statements:
			return fmt.Errorf("statementLimit must be from 1 to %d, which is in force", now.Statements)
		}
		for _, name := range to.Languages {
			if canonical[name] == "" && name != "groovy" {
				return fmt.Errorf("there is no language %q; use javascript or python", name)
			}
			if !now.allows(canonical[name]) {
				return fmt.Errorf("the language %q is not allowed; only a restart allows it again", name)
			}
		}
		if now.Languages != nil && to.Languages == nil {
			return errors.New("allowedLanguages can only become fewer")
		}
		to.Languages = slices.Clone(to.Languages)
		if b.limits.CompareAndSwap(now, &to) {
			return nil
		}
	}
}

// Stats returns the counts.
func (b *bounds) Stats() Stats {
	b.counting.Lock()
	defer b.counting.Unlock()
	return b.stats
}

func (b *bounds) ran(began time.Time, err error) {
	b.counting.Lock()
	defer b.counting.Unlock()
	b.stats.Runs++
	if err != nil {
		b.stats.Errors++
	}
	b.stats.Took += time.Since(began)
	b.stats.Last = began
}

func (l *Limits) allows(language string) bool {
	return l.Languages == nil ||
		slices.ContainsFunc(l.Languages, func(name string) bool { return canonical[name] == language })
}

func (l *Limits) refuses(language string) error {
	switch {
	case l.Off:
		return &RefusedError{"scripts are switched off by the operator"}
	case !l.allows(language):
		return &RefusedError{"scripts in " + language + " are switched off by the operator"}
	}
	return nil
}

// statements is how many a program may execute: as its document says, else the
// pool's default, and no more than what the limits were tightened to.
func (l *Limits) statements(p *Program, c Config) int {
	most := positive(p.Statements, c.StatementLimit)
	if l.Statements < c.StatementLimit {
		most = min(most, l.Statements)
	}
	return most
}

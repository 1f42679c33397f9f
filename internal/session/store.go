package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// ErrNone says that nothing is kept under a name.
var ErrNone = errors.New("no such entry")

// Store keeps sealed entries by name. It is safe for concurrent use. Names are
// 43 characters of the URL-safe base64 alphabet.
type Store interface {
	// Get returns the entry, or ErrNone.
	Get(ctx context.Context, id string) ([]byte, error)
	// Put keeps the entry until its end; the zero time is no end.
	Put(ctx context.Context, id string, sealed []byte, end time.Time) error
	// Delete forgets the entry, if there is one.
	Delete(ctx context.Context, id string) error
	// IDs lists the names of all entries, ended ones perhaps among them.
	IDs(ctx context.Context) ([]string, error)
	// Lock waits until nobody else holds the name's lock. The lock ends with
	// release, and by itself when its holder is gone.
	Lock(ctx context.Context, id string) (release func(), err error)
}

// Memory keeps entries for as long as the process runs.
type Memory struct {
	mu      sync.Mutex
	entries map[string]kept
	locks   locks
	now     func() time.Time
}

type kept struct {
	sealed []byte
	end    time.Time
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{entries: map[string]kept{}, now: time.Now}
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, id string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[id]
	if !ok || m.ended(e) {
		return nil, ErrNone
	}
	return e.sealed, nil
}

// Put implements Store. What has ended is dropped when the number of entries
// has doubled since it was last looked for.
func (m *Memory) Put(_ context.Context, id string, sealed []byte, end time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[id] = kept{sealed, end}
	if n := len(m.entries); n >= 64 && n&(n-1) == 0 {
		for id, e := range m.entries {
			if m.ended(e) {
				delete(m.entries, id)
			}
		}
	}
	return nil
}

func (m *Memory) ended(e kept) bool { return !e.end.IsZero() && !m.now().Before(e.end) }

// Delete implements Store.
func (m *Memory) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, id)
	return nil
}

// IDs implements Store.
func (m *Memory) IDs(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.entries)), nil
}

// Lock implements Store.
func (m *Memory) Lock(ctx context.Context, id string) (func(), error) { return m.locks.lock(ctx, id) }

// locks are locks by name within one process.
type locks struct {
	mu   sync.Mutex
	held map[string]*turn
}

// turn is one name's lock: a channel that holds one token while it is free.
type turn struct {
	free chan struct{}
	uses int // holders and waiters
}

func (l *locks) lock(ctx context.Context, id string) (func(), error) {
	l.mu.Lock()
	t := l.held[id]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		if l.held == nil {
			l.held = map[string]*turn{}
		}
		l.held[id] = t
	}
	t.uses++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.uses--; t.uses == 0 {
			delete(l.held, id)
		}
	}
	select {
	case <-t.free:
		return sync.OnceFunc(func() { t.free <- struct{}{}; leave() }), nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}

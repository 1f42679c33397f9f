package observe

import (
	"slices"
	"sync"
)

// ring keeps the last things of a kind, and hands new ones to who follows.
type ring[T any] struct {
	mu        sync.Mutex
	size      int
	kept      []T // in the order in which they came, from next on when it is full
	next      int
	followers map[*follower[T]]bool
}

type follower[T any] struct {
	to   chan T
	lost int // that did not fit
}

// mostWaiting is how many things wait for one who follows.
const mostWaiting = 256

func (r *ring[T]) add(one T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.size <= 0:
	case len(r.kept) < r.size:
		r.kept = append(r.kept, one)
	default:
		r.kept[r.next] = one
		r.next = (r.next + 1) % r.size
	}
	for f := range r.followers {
		select {
		case f.to <- one:
		default:
			f.lost++
		}
	}
}

// all returns what is kept, the newest first.
func (r *ring[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.inOrder()
	slices.Reverse(list)
	return list
}

func (r *ring[T]) inOrder() []T {
	return append(slices.Clone(r.kept[r.next:]), r.kept[:r.next]...)
}

// resize keeps so many from now on.
func (r *ring[T]) resize(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.inOrder()
	r.size, r.next, r.kept = size, 0, list[max(0, len(list)-size):]
}

// follow hands what is added from now on to a channel, until stop is called. Who
// does not read it in time misses some.
func (r *ring[T]) follow() (new <-chan T, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.followers == nil {
		r.followers = map[*follower[T]]bool{}
	}
	f := &follower[T]{to: make(chan T, mostWaiting)}
	r.followers[f] = true
	return f.to, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.followers, f)
	}
}

// count is how many are kept, of how many at most.
func (r *ring[T]) count() (used, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept), r.size
}

package upstream

import (
	"maps"
	"slices"
	"sync"
)

// alike is what can tell whether another one has the same settings.
type alike[V any] interface{ like(V) bool }

// scoped is what calls share, by scope: there are as many as documents have settings.
// The zero scoped is ready to use.
type scoped[V alike[V]] struct {
	mu sync.Mutex
	by map[string]V
}

// get is what the scope has, or made if it has none that is like it: the document
// was changed.
func (k *scoped[V]) get(scope string, made func() V) V {
	fresh := made()
	k.mu.Lock()
	defer k.mu.Unlock()
	if v, ok := k.by[scope]; ok && v.like(fresh) {
		return v
	}
	if k.by == nil {
		k.by = map[string]V{}
	}
	k.by[scope] = fresh
	return fresh
}

// all are those that there are.
func (k *scoped[V]) all() []V {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Values(k.by))
}

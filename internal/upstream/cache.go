package upstream

import "sync"

// cacheSize bounds each cache. A document has a handful of credentials; more
// come only from values that change with every call.
const cacheSize = 1024

// cache keeps up to cacheSize values; when it is full, any one gives way. The
// zero cache is ready to use, by several goroutines.
type cache[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]V
}

// get returns the value of k, which absent makes when there is none. A nil
// absent makes nothing: the zero V is returned.
func (c *cache[K, V]) get(k K, absent func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.values[k]
	if !ok && absent != nil {
		v = absent()
		c.put(k, v)
	}
	return v
}

// each does something with each value.
func (c *cache[K, V]) each(do func(V)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.values {
		do(v)
	}
}

func (c *cache[K, V]) set(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(k, v)
}

func (c *cache[K, V]) put(k K, v V) {
	if c.values == nil {
		c.values = map[K]V{}
	}
	for old := range c.values {
		if len(c.values) < cacheSize {
			break
		}
		delete(c.values, old)
	}
	c.values[k] = v
}

func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.values, k)
}

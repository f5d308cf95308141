// Package cache keeps what was read from the database in memory, bounded, and without keeping what changed while it was read.
package cache

import "sync"

// Cache holds up to twice half values: the recently used in one half, those before them in another, which is forgotten when the first is
// full. Values are shared: nobody changes them. Safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu         sync.Mutex
	half       int
	young, old map[K]V
	drops      uint64 // how often something was dropped
}

// New returns an empty cache.
func New[K comparable, V any](half int) *Cache[K, V] {
	return &Cache[K, V]{half: half, young: map[K]V{}}
}

// Get returns the value of a key. Without one, mark is what to give to Put once it has been read.
func (c *Cache[K, V]) Get(k K) (v V, ok bool, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok = c.young[k]; !ok {
		if v, ok = c.old[k]; ok {
			c.add(k, v)
		}
	}
	return v, ok, c.drops
}

// Put keeps a value that was read after Get returned mark, unless something was dropped since: it may be out of date.
func (c *Cache[K, V]) Put(k K, v V, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops == mark {
		c.add(k, v)
	}
}

func (c *Cache[K, V]) add(k K, v V) {
	if len(c.young) >= c.half {
		c.young, c.old = make(map[K]V, c.half), c.young
	}
	c.young[k] = v
}

// Drop forgets the value of a key.
func (c *Cache[K, V]) Drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	delete(c.young, k)
	delete(c.old, k)
}

package follow

import (
	"container/list"
	"sync"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// maxTies bounds what the cache holds, counted in ties of all snapshots together; each snapshot counts for some more. A tie takes about 60
// bytes.
const (
	maxTies      = 400_000
	tiesOfNobody = 16
)

// cache keeps snapshots: when there are too many, those that were not asked for longest go.
type cache struct {
	mu    sync.Mutex
	of    map[id.ID]*list.Element // of *kept
	order *list.List              // the one asked for last in front
	ties  int
	max   int
	drops map[id.ID]uint64 // how often a viewer's was dropped while somebody read it
	reads map[id.ID]int    // how many read it just now
}

// kept is a snapshot in the cache.
type kept struct {
	rel  *social.Relations
	ties int
}

func newCache(ties int) *cache {
	return &cache{of: map[id.ID]*list.Element{}, order: list.New(), max: ties, drops: map[id.ID]uint64{}, reads: map[id.ID]int{}}
}

// get returns a snapshot, or nil; then the caller reads it and calls put, always.
func (c *cache) get(viewer id.ID) (rel *social.Relations, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.of[viewer]; e != nil {
		c.order.MoveToFront(e)
		return e.Value.(*kept).rel, 0
	}
	c.reads[viewer]++
	return nil, c.drops[viewer]
}

// put keeps a snapshot that was read after get returned mark; nil where reading failed. What was dropped meanwhile is not kept: it may be out
// of date.
func (c *cache) put(viewer id.ID, rel *social.Relations, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := c.drops[viewer] == mark
	if c.reads[viewer]--; c.reads[viewer] <= 0 {
		delete(c.reads, viewer)
		delete(c.drops, viewer)
	}
	if rel == nil || !fresh || c.of[viewer] != nil {
		return
	}
	k := &kept{rel: rel, ties: tiesOfNobody + len(rel.Follows) + len(rel.Requested) + len(rel.Blocks) + len(rel.BlockedBy) + len(rel.Mutes) + len(rel.Tags) +
		len(rel.Groups) + len(rel.Exclusive)}
	c.of[viewer] = c.order.PushFront(k)
	for c.ties += k.ties; c.ties > c.max && c.order.Len() > 1; {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(e *list.Element) {
	k := e.Value.(*kept)
	c.order.Remove(e)
	delete(c.of, k.rel.Viewer)
	c.ties -= k.ties
}

// drop forgets a viewer's snapshot.
func (c *cache) drop(viewer id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reads[viewer] > 0 {
		c.drops[viewer]++
	}
	if e := c.of[viewer]; e != nil {
		c.remove(e)
	}
}

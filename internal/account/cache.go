package account

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// digest is the SHA-256 of a token, under which the database and the cache know it.
type digest [sha256.Size]byte

func digestOf(token string) digest { return sha256.Sum256([]byte(token)) }

// entry is a session that was read, and when.
type entry struct {
	session Session
	actor   access.Actor
	lang    string
	tz      string
	leaving bool // the person has asked for the deletion of the account
	readAt  time.Time
}

// cacheHalf is how many sessions each half of the cache holds.
const cacheHalf = 10_000

// cache keeps sessions in memory: the recently used in young, those before them in old, which is forgotten when young is full.
type cache struct {
	mu         sync.Mutex
	young, old map[digest]entry
	drops      uint64 // how often something was dropped
}

func newCache() *cache { return &cache{young: map[digest]entry{}} }

// get returns the session of a digest.
func (c *cache) get(d digest) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.young[d]
	if !ok {
		if e, ok = c.old[d]; ok {
			c.add(d, e)
		}
	}
	return e, ok
}

// begin returns a mark to give to put: what is read after begin and before a drop may be out of date, and put leaves it out.
func (c *cache) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

// put keeps a session that was read after begin returned mark.
func (c *cache) put(d digest, e entry, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops == mark {
		c.add(d, e)
	}
}

func (c *cache) add(d digest, e entry) {
	if len(c.young) >= cacheHalf {
		c.young, c.old = map[digest]entry{}, c.young
	}
	c.young[d] = e
}

// drop forgets all sessions of an account.
func (c *cache) drop(account id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for _, half := range []map[digest]entry{c.young, c.old} {
		for d, e := range half {
			if e.actor.ID == account {
				delete(half, d)
			}
		}
	}
}

package profile

import (
	"sync"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// The cache has shards, so that a change of one profile hinders few others; each holds two halves of so many profiles.
const (
	shards    = 64
	shardHalf = 128
)

// entry is a profile as it was read: how others see it, how it stands, and what its posts are by default. Nobody changes it.
type entry struct {
	account  *social.Account
	standing social.Standing
	defaults social.Defaults
}

// cache keeps profiles in memory.
type cache [shards]shard

// shard keeps some profiles: the recently used in young, those before them in old, which is forgotten when young is full.
type shard struct {
	mu         sync.RWMutex
	young, old map[id.ID]*entry
	drops      uint64 // how often something was dropped
}

func (c *cache) of(i id.ID) *shard { return &c[uint64(i)*0x9E3779B97F4A7C15>>58] }

// get returns a profile, nil where it is not known. mark is for put.
func (c *cache) get(i id.ID) (e *entry, mark uint64) {
	s := c.of(i)
	s.mu.RLock()
	e, mark = s.young[i], s.drops
	aged := e == nil && s.old[i] != nil
	s.mu.RUnlock()
	if aged {
		s.mu.Lock()
		if e = s.old[i]; e != nil {
			s.add(i, e)
		}
		s.mu.Unlock()
	}
	return e, mark
}

// put keeps what was read after get returned mark, unless something was dropped since: then it may be out of date.
func (c *cache) put(i id.ID, e *entry, mark uint64) {
	s := c.of(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drops == mark {
		s.add(i, e)
	}
}

func (s *shard) add(i id.ID, e *entry) {
	if s.young == nil || len(s.young) >= shardHalf {
		s.young, s.old = make(map[id.ID]*entry, shardHalf), s.young
	}
	s.young[i] = e
}

// drop forgets a profile.
func (c *cache) drop(i id.ID) {
	s := c.of(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops++
	delete(s.young, i)
	delete(s.old, i)
}

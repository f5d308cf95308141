package cart

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// changedTopic is where nodes tell each other whose cart has changed.
const changedTopic = "cart.changed"

// A count is read anew after a minute, should the message of another node be lost; and nobody needs more of them in memory than this.
const (
	countFor  = time.Minute
	maxCounts = 20_000
)

// counts remembers how much is in the carts of those who were here lately: every page shows it.
type counts struct {
	mu  sync.Mutex
	m   map[string]counted
	gen uint64 // grows when anything is dropped: what was read before then must not be remembered
}

type counted struct {
	n  int
	at time.Time
}

func (c *counts) get(key string, now time.Time) (n int, ok bool, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[key]
	return e.n, ok && now.Sub(e.at) < countFor && !now.Before(e.at), c.gen
}

func (c *counts) put(key string, n int, now time.Time, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen != c.gen {
		return
	}
	if len(c.m) >= maxCounts {
		clear(c.m)
	}
	c.m[key] = counted{n, now}
}

func (c *counts) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	delete(c.m, key)
}

// Count returns how many portions are in the cart of an account, or of the guest with the cookie. It is nearly always answered from memory,
// and with 0 where the database can't tell.
func (s *Service) Count(ctx context.Context, account id.ID, guest string) int {
	key := OwnerOf(account, guest).key()
	if key == "" {
		return 0
	}
	now := s.now()
	n, ok, gen := s.counts.get(key, now)
	if ok {
		return n
	}
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		n, err = portionsOf(ctx, tx, key)
		return err
	})
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		slog.WarnContext(ctx, "cart: not counted", "err", err)
		return 0
	}
	s.counts.put(key, n, now, gen)
	return n
}

// changed has every node count a cart anew.
func (s *Service) changed(key string) {
	s.counts.drop(key)
	if err := s.bus.Publish(changedTopic, []byte(key)); err != nil {
		slog.Warn("cart: other nodes were not told of a change", "err", err) // they count anew within the minute
	}
}

package promo

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// world is every promotion at one moment, never changed.
type world struct {
	codes map[string]*Promotion  // by code, ended ones included
	auto  map[id.ID][]*Promotion // by restaurant, 0: the whole town; active and without a code
}

// cache holds the present world. The zero cache is empty.
type cache struct {
	now  atomic.Pointer[world]
	gen  atomic.Int64 // grows whenever a promotion may have changed
	load sync.Mutex   // held by the one who reads
}

// stale has the world read anew by the next who asks.
func (c *cache) stale() {
	c.gen.Add(1)
	c.now.Store(nil)
}

// world returns the present world, read from the database where it may have changed.
func (s *Service) world(ctx context.Context) (*world, error) {
	if w := s.cache.now.Load(); w != nil {
		return w, nil
	}
	s.cache.load.Lock()
	defer s.cache.load.Unlock()
	if w := s.cache.now.Load(); w != nil {
		return w, nil
	}
	gen := s.cache.gen.Load()
	var list []*Promotion
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = all(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	w := &world{codes: map[string]*Promotion{}, auto: map[id.ID][]*Promotion{}}
	for _, p := range list {
		if err := p.compile(); err != nil {
			slog.ErrorContext(ctx, "promotion left out: its times can't be read", "promotion", p.ID, "err", err)
			continue
		}
		switch {
		case p.Code != "":
			w.codes[p.Code] = p
		case p.State == Active:
			w.auto[p.Restaurant] = append(w.auto[p.Restaurant], p)
		}
	}
	s.cache.now.Store(w)
	if s.cache.gen.Load() != gen { // something changed while this was read
		s.cache.now.Store(nil)
	}
	return w, nil
}

package restaurant

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// world is every restaurant at one moment, never changed.
type world struct {
	byID   map[id.ID]*Compiled
	bySlug map[string]*Compiled
	list   []*Compiled // in the order of their ids
}

// cache holds the present world. Readers take no lock.
type cache struct {
	now atomic.Pointer[world]
	mu  sync.Mutex // held while the next world is made
}

// put replaces one restaurant, unless a newer version is there already.
func (c *cache) put(fresh *Compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.now.Load()
	if old == nil {
		return // nothing is loaded yet: the first reader loads everything
	}
	before := old.byID[fresh.ID]
	if before != nil && before.Version >= fresh.Version {
		return
	}
	list := slices.Clone(old.list)
	if before == nil {
		list = append(list, fresh)
	}
	for i := range list {
		if list[i].ID == fresh.ID {
			list[i] = fresh
		}
	}
	if before != nil {
		fresh.counts.Store(before.counts.Load())
	}
	c.now.Store(newWorld(list))
}

func newWorld(list []*Compiled) *world {
	w := &world{byID: make(map[id.ID]*Compiled, len(list)), bySlug: make(map[string]*Compiled, len(list)), list: list}
	slices.SortFunc(w.list, func(a, b *Compiled) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	for _, c := range list {
		w.byID[c.ID], w.bySlug[c.Slug] = c, c
	}
	return w
}

// Load reads every restaurant. Call it before serving, so that the first visitor does not wait.
func (s *Service) Load(ctx context.Context) error {
	_, err := s.world(ctx)
	return err
}

// world returns the present world, read from the database the first time.
func (s *Service) world(ctx context.Context) (*world, error) {
	if w := s.cache.now.Load(); w != nil {
		return w, nil
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if w := s.cache.now.Load(); w != nil {
		return w, nil
	}
	var rows []row
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = all(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]*Compiled, 0, len(rows))
	for _, r := range rows {
		c, err := Compile(r.id, r.slug, r.version, r.since, r.settings)
		if err != nil {
			// One restaurant that can't be read must not close all others.
			slog.ErrorContext(ctx, "restaurant left out", "slug", r.slug, "error", err)
			continue
		}
		list = append(list, c)
	}
	w := newWorld(list)
	s.cache.now.Store(w)
	return w, nil
}

// refresh reads one restaurant again.
func (s *Service) refresh(ctx context.Context, rid id.ID) error {
	var r row
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = byID(ctx, tx, rid)
		return err
	})
	if err != nil {
		return err
	}
	c, err := Compile(r.id, r.slug, r.version, r.since, r.settings)
	if err != nil {
		return err
	}
	s.cache.put(c)
	return nil
}

// Get returns a restaurant by its id, or NotFound. It may be one that customers do not see.
func (s *Service) Get(ctx context.Context, rid id.ID) (*Compiled, error) {
	w, err := s.world(ctx)
	if err != nil {
		return nil, err
	}
	if c := w.byID[rid]; c != nil {
		return c, nil
	}
	// Another node may have made it a moment ago.
	err = s.refresh(ctx, rid)
	if errors.Is(err, db.ErrNoRow) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	return s.cache.now.Load().byID[rid], nil
}

// GetBySlug returns a restaurant by the name in its address, or NotFound.
func (s *Service) GetBySlug(ctx context.Context, slug string) (*Compiled, error) {
	w, err := s.world(ctx)
	if err != nil {
		return nil, err
	}
	if c := w.bySlug[slug]; c != nil {
		return c, nil
	}
	return nil, errMissing
}

var errMissing = errs.New(errs.NotFound, "There is no such restaurant.")

package review

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// figures are the stars of all restaurants, in memory: lists show them for each. A town has some hundred restaurants, so they are read anew
// as a whole when any has changed.
type figures struct {
	gen atomic.Int64
	now atomic.Pointer[figured]
}

type figured struct {
	gen int64
	by  map[id.ID]delivery.Rating
}

// forget has the figures read anew by the next who asks.
func (f *figures) forget() { f.gen.Add(1) }

// Rating returns a restaurant's stars; the zero Rating where nobody has reviewed it.
func (s *Service) Rating(ctx context.Context, restaurant id.ID) (delivery.Rating, error) {
	gen := s.figures.gen.Load() // before the reading: what changes meanwhile must count as not seen
	if now := s.figures.now.Load(); now != nil && now.gen == gen {
		return now.by[restaurant], nil
	}
	fresh := &figured{gen: gen, by: map[id.ID]delivery.Rating{}}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := allFigures(ctx, tx)
		for _, f := range list {
			fresh.by[f.thing] = f.rating
		}
		return err
	})
	if err != nil {
		return delivery.Rating{}, fmt.Errorf("review: read the figures: %w", err)
	}
	s.figures.now.Store(fresh)
	return fresh.by[restaurant], nil
}

// DishRatings returns the stars of those dishes of a restaurant that have some.
func (s *Service) DishRatings(ctx context.Context, restaurant id.ID) (map[id.ID]delivery.Rating, error) {
	out := map[id.ID]delivery.Rating{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := figuresOf(ctx, tx, restaurant)
		for _, f := range list {
			if f.thing != restaurant && f.rating.Count > 0 {
				out[f.thing] = f.rating
			}
		}
		return err
	})
	return out, err
}

package review

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// figures are the stars of all restaurants and dishes, in memory: lists and menus show them. A town has some hundred restaurants and some
// thousand dishes that were reviewed, so they are read anew as a whole when any has changed.
type figures struct {
	gen atomic.Int64
	now atomic.Pointer[figured]
}

type figured struct {
	gen    int64
	by     map[id.ID]delivery.Rating           // of restaurants
	dishes map[id.ID]map[id.ID]delivery.Rating // by restaurant
}

// forget has the figures read anew by the next who asks.
func (f *figures) forget() { f.gen.Add(1) }

// Rating returns a restaurant's stars; the zero Rating where nobody has reviewed it.
func (s *Service) Rating(ctx context.Context, restaurant id.ID) (delivery.Rating, error) {
	f, err := s.figured(ctx)
	if err != nil {
		return delivery.Rating{}, err
	}
	return f.by[restaurant], nil
}

// DishRatings returns the stars of those dishes of a restaurant that have some. Nobody changes the map.
func (s *Service) DishRatings(ctx context.Context, restaurant id.ID) (map[id.ID]delivery.Rating, error) {
	f, err := s.figured(ctx)
	if err != nil {
		return nil, err
	}
	return f.dishes[restaurant], nil
}

// figured returns the figures as they are.
func (s *Service) figured(ctx context.Context) (*figured, error) {
	gen := s.figures.gen.Load() // before the reading: what changes meanwhile must count as not seen
	if now := s.figures.now.Load(); now != nil && now.gen == gen {
		return now, nil
	}
	fresh := &figured{gen: gen, by: map[id.ID]delivery.Rating{}, dishes: map[id.ID]map[id.ID]delivery.Rating{}}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := allFigures(ctx, tx)
		for _, f := range list {
			switch {
			case f.thing == f.restaurant:
				fresh.by[f.thing] = f.rating
			case f.rating.Count > 0:
				if fresh.dishes[f.restaurant] == nil {
					fresh.dishes[f.restaurant] = map[id.ID]delivery.Rating{}
				}
				fresh.dishes[f.restaurant][f.thing] = f.rating
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("review: read the figures: %w", err)
	}
	s.figures.now.Store(fresh)
	return fresh, nil
}

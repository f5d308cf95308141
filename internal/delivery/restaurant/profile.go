package restaurant

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Profile returns what a restaurant tells everybody about itself, or a NotFound error.
func (s *Service) Profile(ctx context.Context, rid id.ID) (*delivery.Profile, error) {
	c, err := s.Get(ctx, rid)
	if err != nil {
		return nil, err
	}
	p := &delivery.Profile{
		Card: c.Card, Active: c.Settings.Active, Phone: c.Settings.Phone, Delivers: c.Settings.Delivers, PicksUp: c.Settings.PicksUp,
		Hours: c.courier.sched.Regular(), Pickup: c.pickup.sched.Regular(),
	}
	today := hours.DateOf(s.now(), c.loc)
	for _, d := range c.courier.opt.Special {
		if d.Date.Compare(today) >= 0 {
			p.Special = append(p.Special, d)
		}
	}
	return p, nil
}

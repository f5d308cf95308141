package promo

import (
	"slices"

	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// React keeps this node's promotions fresh.
func (s *Service) React(log *events.Log) {
	kind := delivery.PromotionChanged{}.EventKind()
	log.Watch(func(list []events.Event) {
		if slices.ContainsFunc(list, func(e events.Event) bool { return e.Kind == kind }) {
			s.cache.stale()
		}
	})
}

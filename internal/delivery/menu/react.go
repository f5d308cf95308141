package menu

import (
	"encoding/json"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// React registers what menus do when others speak: cards in memory follow the event log, and open pages hear of changed cards.
func (s *Service) React(log *events.Log, hub *realtime.Hub, _ *jobs.Queue) {
	log.Watch(s.watch)
	hub.Route(delivery.MenuChanged{}.EventKind(), func(e events.Event) []string {
		var c delivery.MenuChanged
		if json.Unmarshal(e.Data, &c) != nil {
			return nil
		}
		return []string{"shop:" + c.Restaurant.String(), "restaurant:" + c.Restaurant.String()}
	})
}

// watch keeps the cache in step with what happens on all nodes.
func (s *Service) watch(list []events.Event) {
	for i := range list {
		switch list[i].Kind {
		case "menu.changed":
			var c delivery.MenuChanged
			if json.Unmarshal(list[i].Data, &c) == nil {
				s.cache.heard(c)
			}
		case "order." + delivery.OrderPlaced, "order." + delivery.OrderCancelled, "order." + delivery.OrderRestored:
			var o struct {
				Restaurant id.ID `json:"restaurant"`
			}
			if json.Unmarshal(list[i].Data, &o) == nil {
				s.cache.stockMoved(o.Restaurant)
			}
		}
	}
}

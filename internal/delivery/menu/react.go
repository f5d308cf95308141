package menu

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// keepDeleted is how long what was deleted can come back.
const keepDeleted = 30 * 24 * time.Hour

// React registers what menus do when others speak: cards in memory follow the event log, open pages hear of changed cards, and what was
// deleted long ago is purged every night.
func (s *Service) React(log *events.Log, hub *realtime.Hub, q *jobs.Queue) {
	log.Watch(s.watch)
	hub.Route(delivery.MenuChanged{}.EventKind(), func(e events.Event) []string {
		var c delivery.MenuChanged
		if json.Unmarshal(e.Data, &c) != nil {
			return nil
		}
		return []string{"shop:" + c.Restaurant.String(), "restaurant:" + c.Restaurant.String()}
	})
	q.Handle("menu.purge", func(ctx context.Context, _ jobs.Job) error { return s.Purge(ctx) })
	q.Schedule("menu-purge", "17 4 * * *", "UTC", "menu.purge", nil)
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

// Purge removes for good what was deleted more than a month ago.
func (s *Service) Purge(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error { return purge(ctx, tx, s.now().Add(-keepDeleted)) })
	if err != nil {
		return fmt.Errorf("menu: purge: %w", err)
	}
	return nil
}

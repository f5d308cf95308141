package restaurant

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// React keeps this node's restaurants fresh, tells those who watch, and clears capacity windows that are long over.
func (s *Service) React(log *events.Log, hub *realtime.Hub, q *jobs.Queue) {
	log.Watch(s.hear)
	hub.Route("restaurant.changed", func(e events.Event) []string {
		_, rid, _ := strings.Cut(e.Subject, ":")
		return []string{"restaurant:" + rid, "shop:" + rid, "dispatch"}
	})
	hub.Allow("restaurant", func(ctx context.Context, topic string) error {
		_, text, _ := strings.Cut(topic, ":")
		rid, err := id.Parse(text)
		if err != nil {
			return errMissing
		}
		actor := access.From(ctx)
		if actor.Has(access.RoleDispatcher) {
			return nil
		}
		return access.Can(actor, "restaurant.work", access.Thing{Kind: "restaurant", ID: rid})
	})
	hub.Allow("shop", func(context.Context, string) error { return nil })
	q.Handle("restaurant.sweep", func(ctx context.Context, _ jobs.Job) error {
		return s.db.Write(ctx, func(tx *db.Tx) error {
			_, err := sweep(ctx, tx, s.now().Add(-48*time.Hour))
			return err
		})
	})
	q.Schedule("restaurant.sweep", "17 4 * * *", s.opt.Zone, "restaurant.sweep", struct{}{})
}

// hear reads restaurants again that were changed, on whichever node.
func (s *Service) hear(list []events.Event) {
	fresh := map[id.ID]int64{}
	for _, e := range list {
		var p delivery.RestaurantChanged
		if e.Kind == p.EventKind() && json.Unmarshal(e.Data, &p) == nil {
			fresh[p.Restaurant] = p.Version
		}
	}
	for rid, version := range fresh {
		w := s.cache.now.Load()
		if w == nil {
			return // nothing is loaded yet: the first reader loads everything
		}
		if c := w.byID[rid]; c != nil && c.Version >= version {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if err := s.refresh(ctx, rid); err != nil {
			slog.Error("restaurant not refreshed", "restaurant", rid, "error", err)
		}
		cancel()
	}
}

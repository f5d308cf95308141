package courier

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// React says who hears of duties and positions, and forgets what this node remembers of couriers who left on another.
func (s *Service) React(log *events.Log, hub *realtime.Hub, _ *jobs.Queue) {
	kind := delivery.CourierDuty{}.EventKind()
	hub.Route(kind, func(e events.Event) []string { return []string{"dispatch", e.Subject} })
	hub.Allow("courier", mayListen)
	log.Watch(func(list []events.Event) {
		for _, e := range list {
			var p delivery.CourierDuty
			if e.Kind == kind && json.Unmarshal(e.Data, &p) == nil {
				s.forget(p.Courier)
			}
		}
	})
}

// mayListen returns nil for the courier whose topic it is, and for dispatchers and admins.
func mayListen(ctx context.Context, topic string) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	_, text, _ := strings.Cut(topic, ":")
	courier, err := id.Parse(text)
	if err != nil {
		return errs.New(errs.NotFound, "There is no such courier.")
	}
	if actor.ID == courier && actor.Has(access.RoleCourier) {
		return nil
	}
	return access.Can(actor, "dispatch.board", access.Thing{Kind: "courier", ID: courier, Courier: courier})
}

package account

import (
	"context"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// React has this node forget sessions that changed on any node, and has the queue sweep out those that have run out every night.
func (s *Service) React(log *events.Log, q *jobs.Queue) {
	log.Watch(s.forget)
	q.Handle("account.sweep", func(ctx context.Context, _ jobs.Job) error {
		return s.db.Write(ctx, func(tx *db.Tx) error {
			if _, err := s.store.sweep(ctx, tx, s.now()); err != nil {
				return err
			}
			if err := s.store.sweepRoles(ctx, tx, s.now()); err != nil {
				return err
			}
			return s.store.sweepTickets(ctx, tx, throttleWindow, s.now())
		})
	})
	q.Schedule("account.sweep", "17 4 * * *", "UTC", "account.sweep", nil)
}

// forget drops the sessions of accounts that events speak of.
func (s *Service) forget(list []events.Event) {
	for _, e := range list {
		switch e.Kind {
		case contract.KindChanged, contract.KindSessionEnded, contract.KindSessionRenewed, contract.KindErased:
		default:
			continue
		}
		if account, err := id.Parse(strings.TrimPrefix(e.Subject, "account:")); err == nil {
			s.cache.drop(account)
		}
	}
}

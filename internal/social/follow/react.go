package follow

import (
	"context"
	"encoding/json"

	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// React has this node forget relations that changed on any node, takes in files, and clears every night what has ended.
func (s *Service) React(log *events.Log, q *jobs.Queue) {
	q.Handle(importKind, s.runImport)
	q.Handle("follow.sweep", func(ctx context.Context, _ jobs.Job) error {
		return s.db.Write(ctx, func(tx *db.Tx) error {
			if _, err := sweepImports(ctx, tx, s.now().Add(-keepImports)); err != nil {
				return err
			}
			_, err := sweepMutes(ctx, tx, s.now())
			return err
		})
	})
	q.Schedule("follow.sweep", "37 4 * * *", "UTC", "follow.sweep", nil)
	log.Watch(func(list []events.Event) {
		for _, e := range list {
			var f social.Followed
			if e.Kind != social.KindFollowed || json.Unmarshal(e.Data, &f) != nil {
				continue
			}
			s.cache.drop(f.From)
			if f.Tie == social.TieBlock {
				s.cache.drop(f.To)
			}
		}
	})
}

package follow

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
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
			if err := s.unlinkArchives(ctx, tx, 0, s.now().Add(-keepImports)); err != nil {
				return err
			}
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

// unlinkArchives deletes the archives of a profile's imports, or, for 0, of all that were brought before a time.
func (s *Service) unlinkArchives(ctx context.Context, tx *db.Tx, profile id.ID, before time.Time) error {
	paths, err := archives(ctx, tx, profile, before)
	if err != nil || len(paths) == 0 {
		return err
	}
	return s.opt.Unlink(ctx, tx, paths)
}

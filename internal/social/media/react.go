package media

import (
	"context"

	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// React has the queue delete every hour what no status has taken.
func (s *Service) React(q *jobs.Queue) {
	q.Handle("media.sweep", func(ctx context.Context, _ jobs.Job) error { return s.Sweep(ctx) })
	q.Schedule("media.sweep", "23 * * * *", "UTC", "media.sweep", nil)
}

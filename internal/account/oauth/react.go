package oauth

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// keepCodes is how long a code is remembered after its time, so that whoever comes with it again is known for who they are.
const keepCodes = 24 * time.Hour

// React has the queue sweep out every night the apps that nobody let in, and old codes.
func (s *Service) React(q *jobs.Queue) {
	q.Handle("oauth.sweep", func(ctx context.Context, _ jobs.Job) error { return s.Sweep(ctx) })
	q.Schedule("oauth.sweep", "41 4 * * *", "UTC", "oauth.sweep", nil)
}

// Sweep removes apps that registered a month ago and were never given a token, and codes that ran out a day ago.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.store.sweep(ctx, tx, now.Add(-sweepAfter), now.Add(-keepCodes)) })
}

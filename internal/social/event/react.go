package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// about is what a job of an event is about.
type about struct {
	Event  id.ID `json:"event"`
	Before int64 `json:"before,omitempty"` // minutes before the beginning
	Starts int64 `json:"starts,omitempty"` // the beginning when the job was made, µs
}

// React has events go with their statuses, and reminds people.
func (s *Service) React() {
	s.Log.Subscribe("event", []string{social.KindDeleted}, s.deleted)
	s.Jobs.Handle("event.remind", s.reminding)
}

// deleted removes the event whose status was deleted.
func (s *Service) deleted(ctx context.Context, tx *db.Tx, e events.Event) error {
	var d social.Deleted
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return fmt.Errorf("event: read event %d: %w", e.Seq, err)
	}
	if d.BoostOf != 0 {
		return nil
	}
	list, err := byStatus(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	for i := range list {
		if err := s.end(ctx, tx, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

// end removes an event, and tells those who wanted to come if it was to be.
func (s *Service) end(ctx context.Context, tx *db.Tx, r *row) error {
	if !r.Cancelled && r.Ends.After(s.Now()) {
		if err := s.tellAll(ctx, tx, r.Account, r, social.NoticeEventOff, Coming, Maybe, Waiting); err != nil {
			return err
		}
	}
	return remove(ctx, tx, r.ID)
}

// remind has people reminded a day and an hour before, where that is still ahead.
func (s *Service) remind(ctx context.Context, tx *db.Tx, r *row) error {
	for _, before := range []int64{remindDay, remindNow} {
		at := r.Starts.Add(-time.Duration(before) * time.Minute)
		if !at.After(s.Now()) {
			continue
		}
		if _, err := s.Jobs.Enqueue(ctx, tx, "event.remind", about{r.ID, before, r.Starts.UnixMicro()}, jobs.Opts{RunAt: at}); err != nil {
			return err
		}
	}
	return nil
}

// reminding reminds those who come, once: the event remembers which reminder was the last.
func (s *Service) reminding(ctx context.Context, j jobs.Job) error {
	var a about
	if err := json.Unmarshal(j.Args, &a); err != nil {
		return jobs.Discard(err)
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(ctx, tx, a.Event)
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.Cancelled || r.Starts.UnixMicro() != a.Starts || r.reminded != 0 && r.reminded <= a.Before {
			return nil
		}
		r.reminded = a.Before
		if err := update(ctx, tx, &r, r.changed); err != nil {
			return err
		}
		return s.tellAll(ctx, tx, 0, &r, social.NoticeEventSoon, Coming, Maybe)
	})
}

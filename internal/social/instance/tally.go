package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	account "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Week is what happened in a week.
type Week struct {
	Statuses      int64
	Logins        int64 // people who were here
	Registrations int64
}

// Figures are how large and how lively the town is.
type Figures struct {
	Users, ActiveMonth, ActiveHalfYear int64
	Statuses                           int64    // without boosts
	Weeks                              [12]Week // the running one first
	Monday                             time.Time
}

const (
	page     = 2000 // events that are counted at once
	month    = 30 * 24 * time.Hour
	halfYear = 180 * 24 * time.Hour
	week     = 7 * 24 * time.Hour
)

// monday returns when the week of t began, by UTC.
func monday(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// Count counts what has happened since it was counted last: from the log of events, for that alone knows what is gone again.
func (s *Service) Count(ctx context.Context) error {
	t, err := s.tally(ctx)
	if err != nil {
		return err
	}
	for {
		list, err := s.Log.Since(ctx, t.cursor, page)
		if err != nil {
			return fmt.Errorf("instance: read events: %w", err)
		}
		if len(list) == 0 {
			return s.countSeen(ctx, t.seenAt)
		}
		var users, statuses int64
		byWeek := map[time.Time]Week{}
		for _, e := range list {
			at := monday(e.At)
			w := byWeek[at]
			switch e.Kind {
			case account.KindCreated:
				users++
				w.Registrations++
			case account.KindErased:
				users--
			case social.KindPosted, social.KindDeleted:
				var h struct {
					BoostOf id.ID `json:"boost_of"`
				}
				if err := json.Unmarshal(e.Data, &h); err != nil || h.BoostOf != 0 {
					continue
				}
				if e.Kind == social.KindDeleted {
					statuses--
					continue
				}
				statuses++
				w.Statuses++
			default:
				continue
			}
			byWeek[at] = w
		}
		to, done := list[len(list)-1].Seq, false
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			ok, err := moveTally(ctx, tx, t.cursor, to, users, statuses)
			if done = !ok; err != nil || done {
				return err
			}
			for at, w := range byWeek {
				if err := addWeek(ctx, tx, at, w); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || done { // another node counts
			return err
		}
		t.cursor = to
	}
}

func (s *Service) tally(ctx context.Context) (t tally, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		t, err = loadTally(ctx, tx)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		if err = s.DB.Write(ctx, func(tx *db.Tx) error { return beginTally(ctx, tx) }); err == nil {
			t.seenAt = time.UnixMicro(0).UTC()
		}
	}
	return t, err
}

// countSeen notes who was here since. The accounts know that to the hour.
func (s *Service) countSeen(ctx context.Context, since time.Time) error {
	now := s.Now().UTC().Truncate(time.Microsecond)
	if now.Sub(since) < time.Minute || s.Seen == nil {
		return nil
	}
	list, err := s.Seen(ctx, since.Add(-time.Minute)) // what was noted while it was read last
	if err != nil {
		return err
	}
	for first := true; len(list) > 0 || first; first = false {
		part := list[:min(len(list), 500)]
		list = list[len(part):]
		others := false
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			if first {
				ok, err := moveSeen(ctx, tx, since, now)
				if others = !ok; err != nil || others {
					return err
				}
			}
			var w Week
			for _, who := range part {
				fresh, err := see(ctx, tx, who, now, monday(now))
				if err != nil {
					return err
				}
				if fresh {
					w.Logins++
				}
			}
			if w.Logins == 0 {
				return nil
			}
			return addWeek(ctx, tx, monday(now), w)
		})
		if err != nil || others {
			return err
		}
	}
	return nil
}

// Figures returns what has been counted.
func (s *Service) Figures(ctx context.Context) (f Figures, err error) {
	now := s.Now()
	f.Monday = monday(now)
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		t, err := loadTally(ctx, tx)
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return err
		}
		f.Users, f.Statuses = max(0, t.users), max(0, t.statuses)
		if f.ActiveMonth, err = seenSince(ctx, tx, now.Add(-month)); err != nil {
			return err
		}
		if f.ActiveHalfYear, err = seenSince(ctx, tx, now.Add(-halfYear)); err != nil {
			return err
		}
		byWeek, err := weeks(ctx, tx, f.Monday.Add(-11*week))
		for i := range f.Weeks {
			f.Weeks[i] = byWeek[f.Monday.Add(-time.Duration(i)*week).UnixMicro()]
		}
		return err
	})
	if err != nil {
		return f, fmt.Errorf("instance: read figures: %w", err)
	}
	return f, nil
}

// React has the queue count every hour, so that the weeks are whole also where nobody asks.
func (s *Service) React(q *jobs.Queue) {
	q.Handle("instance.count", func(ctx context.Context, _ jobs.Job) error {
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return forgetBefore(ctx, tx, s.Now().Add(-halfYear)) }); err != nil {
			return err
		}
		return s.Count(ctx)
	})
	q.Schedule("instance.count", "7 * * * *", "UTC", "instance.count", nil)
}

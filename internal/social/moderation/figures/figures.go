// Package figures is how a town is doing, as its moderators see it: who is here, who is new and stays, what is written and reported. It counts
// what the event log tells, in stretches and when somebody asks or an hour has gone by, so that posting costs nothing more.
package figures

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Schema holds the tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Deps are what a Service needs.
type Deps struct {
	DB  *db.DB
	Log *events.Log
	Now clock.Func
	// Seen returns the accounts that were here since a time, also those that only read.
	Seen func(ctx context.Context, since time.Time) ([]id.ID, error)
	// Reports returns how many reports were filed, or dealt with, on each day, by days since 1970.
	Reports func(ctx context.Context, resolved bool, from, to time.Time) (map[int64]int64, error)
	// Files returns how many bytes pictures and films take.
	Files   func(ctx context.Context) (int64, error)
	Host    func() string // the name of this server
	Version string        // of this server
}

// Service counts. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

const countJob = "figures.count"

// React has the queue count every hour.
func (s *Service) React(q *jobs.Queue) {
	q.Handle(countJob, func(ctx context.Context, _ jobs.Job) error { return s.Count(ctx) })
	q.Schedule(countJob, "@every 1h", "", countJob, nil)
}

// day is the length of one.
const day = 24 * time.Hour

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

func timeOf(d int64) time.Time { return time.Unix(d*86400, 0).UTC() }

func monthOf(d int64) int64 {
	t := timeOf(d)
	return int64(t.Year())*12 + int64(t.Month()) - 1
}

// stretch is how many events are counted in one transaction.
const stretch = 2000

// use is a hashtag that somebody used on a day.
type use struct {
	tag     string
	day     int64
	account id.ID
	lang    string
}

// here is somebody on a day.
type here struct {
	day     int64
	account id.ID
}

// tally is what a stretch of the log adds.
type tally struct {
	days   map[string]map[int64]int64
	active map[here]bool
	joined map[id.ID]int64
	tags   map[use]int64
}

func (t *tally) add(what string, d int64) {
	if t.days[what] == nil {
		t.days[what] = map[int64]int64{}
	}
	t.days[what][d]++
}

// take counts one event.
func (t *tally) take(e *events.Event) {
	d := dayOf(e.At)
	switch e.Kind {
	case account.KindCreated:
		var c account.Created
		if json.Unmarshal(e.Data, &c) == nil {
			t.add("new_users", d)
			t.joined[c.Account] = d
			t.active[here{d, c.Account}] = true
		}
		return
	case social.KindPosted:
		var p social.Posted
		if json.Unmarshal(e.Data, &p) != nil {
			break
		}
		if p.BoostOf != 0 || p.ReplyTo != 0 {
			t.add("interactions", d)
		}
		if p.BoostOf == 0 {
			t.add("statuses", d)
		}
		for _, tag := range p.Tags {
			t.tags[use{tag, d, p.Account, p.Lang}]++
		}
	case social.KindMarked:
		var m social.Marked
		if json.Unmarshal(e.Data, &m) == nil && m.Mark == social.Favourite && !m.Gone {
			t.add("interactions", d)
		}
	}
	if e.Actor != 0 {
		t.active[here{d, e.Actor}] = true
	}
}

// Count counts what has happened since it was counted last.
func (s *Service) Count(ctx context.Context) error {
	for {
		var from int64
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			from, err = cursor(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		list, err := s.Log.Since(ctx, from, stretch)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return s.see(ctx)
		}
		t := &tally{days: map[string]map[int64]int64{}, active: map[here]bool{}, joined: map[id.ID]int64{}, tags: map[use]int64{}}
		for i := range list {
			t.take(&list[i])
		}
		if err := s.DB.Write(ctx, func(tx *db.Tx) error {
			ours, err := move(ctx, tx, from, list[len(list)-1].Seq)
			if err != nil || !ours {
				return err
			}
			return t.store(ctx, tx)
		}); err != nil {
			return err
		}
	}
}

func (t *tally) store(ctx context.Context, tx *db.Tx) error {
	for what, days := range t.days {
		for d, n := range days {
			if err := addDay(ctx, tx, d, what, n); err != nil {
				return err
			}
		}
	}
	for h := range t.active {
		if err := addActive(ctx, tx, h.day, h.account); err != nil {
			return err
		}
	}
	for who, d := range t.joined {
		if err := addJoined(ctx, tx, d, who); err != nil {
			return err
		}
	}
	for u, n := range t.tags {
		if err := addTag(ctx, tx, u, n); err != nil {
			return err
		}
	}
	return nil
}

// see counts those who are here today, also if they only read.
func (s *Service) see(ctx context.Context) error {
	today := dayOf(s.Now())
	seen, err := s.Seen(ctx, timeOf(today))
	if err != nil || len(seen) == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, who := range seen {
			if err := addActive(ctx, tx, today, who); err != nil {
				return err
			}
		}
		return nil
	})
}

// kept is how long it is known who was here on which day.
const kept = 400 * day

// Personal says what figures hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "figures",
		Tables: []personal.Table{
			{Name: "figures_cursor", Plain: "id seq"},
			{Name: "figures_day", Plain: "day what n"},
			{Name: "figures_active", Link: "account", Plain: "day month"},
			{Name: "figures_joined", Link: "account", Plain: "day month"},
			{Name: "figures_tag", Link: "account", Plain: "tag day lang uses"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Figures of the town"),
				What:  i18n.T(ctx, "On which days you were here, since when, and which hashtags you used on which day."),
				Why:   i18n.T(ctx, "So that those who run the town see how many people are here, and how many stay."),
				Kept:  i18n.T(ctx, "%s, as numbers that lead to nobody once you leave.", personal.Span(ctx, kept)),
			}
		},
		Rules: []personal.Rule{{Name: "figures", Keep: func() time.Duration { return kept }, Sweep: func(ctx context.Context, before time.Time) error {
			return personal.Batches(ctx, s.DB, 500, func(tx *db.Tx) (int64, error) { return sweep(ctx, tx, before, 500) })
		}}},
	}
}

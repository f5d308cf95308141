package event

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// eraseBatch is how many rows one transaction erases, and exportMost how many a copy holds.
const (
	eraseBatch = 50
	exportMost = 10_000
)

// Personal says what events hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "events",
		Tables: []personal.Table{
			{
				Name: "social_event", Personal: "title place lat lon", Link: "account",
				Plain: "id status public starts_at ends_at tz capacity coming maybe waiting cancelled reminded rev created_at changed_at",
			},
			{Name: "social_answer", Link: "account", Personal: "answer", Plain: "event at"},
			{Name: "social_calendar", Link: "account", Plain: "gen"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Events in town"),
				What:  i18n.T(ctx, "Events that you hold, and to which events you have said that you come, maybe come or don't."),
				Why:   i18n.T(ctx, "So that others find them, that whoever holds one knows how many come, and that you are reminded."),
				Kept:  i18n.T(ctx, "Until you delete them, or your account."),
			}
		},
		Count:  personal.Counting(s.DB, countOf),
		Export: s.export,
		Erase:  s.erase,
	}
}

type exported struct {
	Held    []exportedEvent  `json:"held"`
	Answers []exportedAnswer `json:"answers"`
}

type exportedEvent struct {
	ID     id.ID     `json:"id"`
	Title  string    `json:"title"`
	Starts time.Time `json:"starts_at"`
	Ends   time.Time `json:"ends_at"`
	Place  string    `json:"place"`
}

type exportedAnswer struct {
	Event  id.ID     `json:"event"`
	Title  string    `json:"title"`
	Answer Answer    `json:"answer"`
	At     time.Time `json:"at"`
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	var out exported
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		held, err := heldBy(ctx, tx, account, exportMost)
		if err != nil {
			return err
		}
		for _, r := range held {
			out.Held = append(out.Held, exportedEvent{r.ID, r.Title, r.Starts, r.Ends, r.Place})
		}
		said, err := repliesOf(ctx, tx, account, exportMost)
		if err != nil {
			return err
		}
		for _, p := range said {
			r, err := byID(ctx, tx, p.event)
			if err != nil {
				return err
			}
			out.Answers = append(out.Answers, exportedAnswer{p.event, r.Title, p.answer, p.at})
		}
		return nil
	})
	if err != nil || len(out.Held)+len(out.Answers) == 0 {
		return err
	}
	return to.JSON("events.json", i18n.T(ctx, "Events that you hold, and to which you come"), out)
}

// erase removes somebody's events and answers; whoever waited for their place moves up.
func (s *Service) erase(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
	held, err := heldBy(ctx, tx, account, eraseBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	for i := range held {
		if err := s.end(ctx, tx, &held[i]); err != nil {
			return personal.Erased{}, err
		}
	}
	said, err := repliesOf(ctx, tx, account, eraseBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	for _, p := range said {
		r, err := lock(ctx, tx, p.event)
		if err != nil {
			return personal.Erased{}, err
		}
		if err := s.put(ctx, tx, &r, account, p.answer, Unspoken); err != nil {
			return personal.Erased{}, err
		}
		if r.Cancelled || !r.Ends.After(s.Now()) {
			continue
		}
		if err := s.moveUp(ctx, tx, &r); err != nil {
			return personal.Erased{}, err
		}
	}
	return personal.Erased{More: len(held) == eraseBatch || len(said) == eraseBatch}, forgetCalendar(ctx, tx, account)
}

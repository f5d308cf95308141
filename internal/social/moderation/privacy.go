package moderation

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// keepClosed is how long reports that were dealt with are kept, and strikes that hold no more.
const keepClosed = 2 * 365 * 24 * time.Hour

// Personal says what moderation holds of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "moderation",
		Tables: []personal.Table{
			{Name: "moderation_report", Personal: "comment", Link: "target by_account assigned resolved_by", Plain: "id category rules statuses forward resolved_at created_at updated_at"},
			{Name: "moderation_strike", Personal: "text appeal", Link: "profile by_account undone_by decided_by", Plain: "id action report statuses at undone_at appealed_at decided_at accepted"},
			{Name: "moderation_note", Personal: "text", Link: "profile by_account", Plain: "id report at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Moderation"),
				What:  i18n.T(ctx, "Reports that you made, those about you, what moderators did about them, and your appeals."),
				Why:   i18n.T(ctx, "So that people are safe here, and you can answer."),
				Kept:  i18n.T(ctx, "Two years after it was dealt with, or until you leave: then what is about you goes, and what you reported stays without your name and your words."),
			}
		},
		Count:  personal.Counting(s.DB, countOf),
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, eraseOf(ctx, tx, account)
		},
		Rules: []personal.Rule{{Name: "moderation", Keep: func() time.Duration { return keepClosed }, Sweep: func(ctx context.Context, before time.Time) error {
			return personal.Batches(ctx, s.DB, 200, func(tx *db.Tx) (int64, error) { return sweep(ctx, tx, before, 200) })
		}}},
	}
}

type exportedReport struct {
	ID        id.ID     `json:"id"`
	Account   id.ID     `json:"account"`
	Category  Category  `json:"category"`
	Comment   string    `json:"comment"`
	Statuses  []id.ID   `json:"statuses"`
	CreatedAt time.Time `json:"created_at"`
	Resolved  bool      `json:"resolved"`
}

type exportedStrike struct {
	ID         id.ID     `json:"id"`
	Action     Action    `json:"action"`
	Text       string    `json:"text"`
	Statuses   []id.ID   `json:"statuses"`
	At         time.Time `json:"at"`
	UndoneAt   time.Time `json:"undone_at,omitzero"`
	Appeal     string    `json:"appeal,omitempty"`
	AppealedAt time.Time `json:"appealed_at,omitzero"`
	Accepted   bool      `json:"accepted,omitzero"`
}

// export writes what somebody reported and what was done to them. Reports about them stay with the moderators: they would name who reported.
func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	mine, err := s.Reports(ctx, ReportFilter{By: account}, 10_000)
	if err != nil {
		return err
	}
	if len(mine) > 0 {
		out := make([]exportedReport, len(mine))
		for i, r := range mine {
			out[i] = exportedReport{r.ID, r.Target, r.Category, r.Comment, r.Statuses, r.CreatedAt, !r.Open()}
		}
		if err := to.JSON("reports.json", i18n.T(ctx, "Reports that you made"), out); err != nil {
			return err
		}
	}
	strikes, err := s.Strikes(ctx, account)
	if err != nil || len(strikes) == 0 {
		return err
	}
	out := make([]exportedStrike, len(strikes))
	for i, k := range strikes {
		out[i] = exportedStrike{k.ID, k.Action, k.Text, k.Statuses, k.At, k.UndoneAt, k.Appeal, k.AppealedAt, k.Accepted}
	}
	return to.JSON("strikes.json", i18n.T(ctx, "What moderators did to your account, and your appeals"), out)
}

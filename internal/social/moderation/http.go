package moderation

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Entity is a report as whoever made it sees it (docs.joinmastodon.org/entities/Report).
type Entity struct {
	ID            id.ID           `json:"id"`
	ActionTaken   bool            `json:"action_taken"`
	ActionTakenAt social.Time     `json:"action_taken_at"`
	Category      Category        `json:"category"`
	Comment       string          `json:"comment"`
	Forwarded     bool            `json:"forwarded"`
	CreatedAt     social.Time     `json:"created_at"`
	StatusIDs     []id.ID         `json:"status_ids"`
	RuleIDs       []string        `json:"rule_ids"`
	TargetAccount *social.Account `json:"target_account"`
}

// Warning is a strike as its owner's apps see it (docs.joinmastodon.org/entities/AccountWarning).
type Warning struct {
	ID        id.ID           `json:"id"`
	Action    Action          `json:"action"`
	Text      string          `json:"text"`
	StatusIDs []id.ID         `json:"status_ids"`
	Target    *social.Account `json:"target_account"`
	Appeal    *WarningAppeal  `json:"appeal"`
	CreatedAt social.Time     `json:"created_at"`
}

// WarningAppeal is what was said against a strike.
type WarningAppeal struct {
	Text  string `json:"text"`
	State string `json:"state"` // pending, approved, rejected
}

// Routes registers docs.joinmastodon.org/methods/reports.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "POST /api/v1/reports", httpx.May("report.write"), func(r *mastodon.Request) (any, error) {
		var in struct {
			Account  id.ID    `json:"account_id"`
			Statuses []id.ID  `json:"status_ids"`
			Comment  string   `json:"comment"`
			Forward  bool     `json:"forward"`
			Category string   `json:"category"`
			Rules    []string `json:"rule_ids"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		if in.Account == 0 {
			return nil, errs.InvalidField("account_id", "Say which account you report.")
		}
		rep, err := s.File(r.Context(), Filing{Target: in.Account, Statuses: in.Statuses, Comment: in.Comment, Forward: in.Forward, Category: Category(in.Category), Rules: in.Rules})
		if err != nil {
			return nil, err
		}
		return s.Entity(r.Context(), rep)
	})
}

// Entity returns a report as whoever made it sees it.
func (s *Service) Entity(ctx context.Context, r *Report) (*Entity, error) {
	as, err := s.Profiles.Entities(ctx, []id.ID{r.Target})
	if err != nil {
		return nil, err
	}
	e := &Entity{
		ID: r.ID, ActionTaken: !r.Open(), ActionTakenAt: social.Time{Time: r.ResolvedAt}, Category: r.Category, Comment: r.Comment, Forwarded: false,
		CreatedAt: social.Time{Time: r.CreatedAt}, StatusIDs: r.Statuses, RuleIDs: r.Rules, TargetAccount: as[r.Target],
	}
	if e.StatusIDs == nil {
		e.StatusIDs = []id.ID{}
	}
	if e.RuleIDs == nil {
		e.RuleIDs = []string{}
	}
	return e, nil
}

// ReportOf returns what the notification of a report shows; nil for one that is gone.
func (s *Service) ReportOf(ctx context.Context, report id.ID) (any, error) {
	r, err := s.Report(ctx, report)
	if errs.Is(err, errs.NotFound) {
		return nil, nil //nolint:nilnil // the notification goes without
	}
	if err != nil {
		return nil, err
	}
	return s.Entity(ctx, r)
}

// WarningOf returns what the notification of a strike shows; nil for one that is gone.
func (s *Service) WarningOf(ctx context.Context, strike id.ID) (any, error) {
	k, err := s.Strike(ctx, strike)
	if errs.Is(err, errs.NotFound) {
		return nil, nil //nolint:nilnil // the notification goes without
	}
	if err != nil {
		return nil, err
	}
	as, err := s.Profiles.Entities(ctx, []id.ID{k.Profile})
	if err != nil {
		return nil, err
	}
	w := &Warning{ID: k.ID, Action: k.Action, Text: k.Text, StatusIDs: k.Statuses, Target: as[k.Profile], CreatedAt: social.Time{Time: k.At}}
	if !k.AppealedAt.IsZero() {
		w.Appeal = &WarningAppeal{Text: k.Appeal, State: "pending"}
		if !k.Waits() {
			if w.Appeal.State = "rejected"; k.Accepted {
				w.Appeal.State = "approved"
			}
		}
	}
	return w, nil
}

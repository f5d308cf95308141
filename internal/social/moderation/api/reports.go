package api

import (
	"context"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/moderation"
)

// Report is a report as moderators see it (docs.joinmastodon.org/entities/Admin_Report).
type Report struct {
	ID            id.ID               `json:"id"`
	ActionTaken   bool                `json:"action_taken"`
	ActionTakenAt social.Time         `json:"action_taken_at"`
	Category      moderation.Category `json:"category"`
	Comment       string              `json:"comment"`
	Forwarded     bool                `json:"forwarded"`
	CreatedAt     social.Time         `json:"created_at"`
	UpdatedAt     social.Time         `json:"updated_at"`
	Account       *Account            `json:"account"` // who reported; null where they left
	Target        *Account            `json:"target_account"`
	Assigned      *Account            `json:"assigned_account"`
	ActedBy       *Account            `json:"action_taken_by_account"`
	Statuses      []*social.Status    `json:"statuses"`
	Rules         []Rule              `json:"rules"`
}

// Reports returns reports as moderators see them.
func (s *Service) Reports(ctx context.Context, list []*moderation.Report) ([]*Report, error) {
	var who, what []id.ID
	for _, r := range list {
		who = append(who, r.By, r.Target, r.Assigned, r.ResolvedBy)
		what = append(what, r.Statuses...)
	}
	as, err := s.Accounts(ctx, who)
	if err != nil {
		return nil, err
	}
	shown, err := s.Mod.Statuses.Exhibit(ctx, what)
	if err != nil {
		return nil, err
	}
	rules := s.Rules()
	out := make([]*Report, len(list))
	for i, r := range list {
		e := &Report{
			ID: r.ID, ActionTaken: !r.Open(), ActionTakenAt: social.Time{Time: r.ResolvedAt}, Category: r.Category, Comment: r.Comment,
			CreatedAt: social.Time{Time: r.CreatedAt}, UpdatedAt: social.Time{Time: r.UpdatedAt}, Account: as[r.By], Target: as[r.Target],
			Assigned: as[r.Assigned], ActedBy: as[r.ResolvedBy], Statuses: []*social.Status{}, Rules: []Rule{},
		}
		for _, st := range shown {
			if slices.Contains(r.Statuses, st.ID) {
				e.Statuses = append(e.Statuses, st)
			}
		}
		for _, rule := range rules {
			if slices.Contains(r.Rules, rule.ID) {
				e.Rules = append(e.Rules, rule)
			}
		}
		out[i] = e
	}
	return out, nil
}

func (s *Service) report(ctx context.Context, r *moderation.Report) (*Report, error) {
	out, err := s.Reports(ctx, []*moderation.Report{r})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func (s *Service) reportRoutes(rt *httpx.Router) {
	see, do := httpx.May("moderation.read_reports"), httpx.May("moderation.write_reports")
	mastodon.Handle(rt, "GET /api/v1/admin/reports", see, s.handleReports)
	one := func(pattern string, g httpx.Guard, fn func(r *mastodon.Request, report id.ID) (*moderation.Report, error)) {
		mastodon.Handle(rt, pattern, g, func(r *mastodon.Request) (any, error) {
			n, err := r.ID("id")
			if err != nil {
				return nil, err
			}
			rep, err := fn(r, n)
			if err != nil {
				return nil, err
			}
			return s.report(r.Context(), rep)
		})
	}
	const base = "/api/v1/admin/reports/{id}"
	one("GET "+base, see, func(r *mastodon.Request, n id.ID) (*moderation.Report, error) { return s.Mod.Report(r.Context(), n) })
	one("PUT "+base, do, s.handleUpdate)
	one("POST "+base+"/assign_to_self", do, func(r *mastodon.Request, n id.ID) (*moderation.Report, error) {
		return s.Mod.Assign(r.Context(), n, true)
	})
	one("POST "+base+"/unassign", do, func(r *mastodon.Request, n id.ID) (*moderation.Report, error) {
		return s.Mod.Assign(r.Context(), n, false)
	})
	one("POST "+base+"/resolve", do, func(r *mastodon.Request, n id.ID) (*moderation.Report, error) { return s.Mod.Resolve(r.Context(), n) })
	one("POST "+base+"/reopen", do, func(r *mastodon.Request, n id.ID) (*moderation.Report, error) { return s.Mod.Reopen(r.Context(), n) })
}

func (s *Service) handleUpdate(r *mastodon.Request, n id.ID) (*moderation.Report, error) {
	var in struct {
		Category string   `json:"category"`
		Rules    []string `json:"rule_ids"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if r.Has("rule_ids") && in.Rules == nil {
		in.Rules = []string{}
	}
	return s.Mod.Update(r.Context(), n, moderation.Category(in.Category), in.Rules)
}

func (s *Service) handleReports(r *mastodon.Request) (any, error) {
	var in struct {
		Resolved bool   `json:"resolved"`
		By       id.ID  `json:"account_id"`
		Target   id.ID  `json:"target_account_id"`
		Domain   string `json:"by_target_domain"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	p, err := r.Page(100, 200)
	if err != nil {
		return nil, err
	}
	if in.Domain != "" {
		return []*Report{}, nil // everybody is of this server
	}
	f := moderation.ReportFilter{Resolved: &in.Resolved, By: in.By, Target: in.Target}
	f.Below, f.Above, f.Up = bounds(p)
	list, err := s.Mod.Reports(r.Context(), f, p.Limit)
	if err != nil {
		return nil, err
	}
	out, err := s.Reports(r.Context(), list)
	if err != nil {
		return nil, err
	}
	return paged(r, p, out, func(e *Report) id.ID { return e.ID }), nil
}

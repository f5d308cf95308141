package moderation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// Profiles is whom reports are about; profile.Service is one.
type Profiles interface {
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	Standings(ctx context.Context, ids []id.ID) (map[id.ID]social.Standing, error)
	Hold(ctx context.Context, tx *db.Tx, ids ...id.ID) (map[id.ID]social.Standing, error)
	Moderate(ctx context.Context, tx *db.Tx, profile id.ID, limited, guarded, suspend bool) error
	MayActAs(actor access.Actor, profile id.ID) bool
}

// Statuses is what reports are about; status.Service is one.
type Statuses interface {
	MayRead(ctx context.Context, reader, status id.ID) error
	Exhibit(ctx context.Context, ids []id.ID) ([]*social.Status, error)
	TakeAway(ctx context.Context, tx *db.Tx, by, status id.ID) (bool, error)
	SetSensitive(ctx context.Context, tx *db.Tx, by, status id.ID, yes bool) (bool, error)
}

// Post sends letters in the caller's transaction.
type Post interface {
	On() bool
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Deps are what a Service needs.
type Deps struct {
	DB       *db.DB
	Log      *events.Log
	IDs      clockedIDs
	Now      clock.Func
	Accounts *account.Service
	Profiles Profiles
	Statuses Statuses
	Mail     Post
	Audit    func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	URL      func() string
	// Owners returns the accounts of those who answer for a restaurant or a group.
	Owners func(ctx context.Context, profile id.ID, kind social.Kind) ([]id.ID, error)
}

// clockedIDs makes ids; id.Source is one.
type clockedIDs interface{ Next() id.ID }

// Service keeps order. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

// Filing is a report to be made.
type Filing struct {
	Target   id.ID
	Statuses []id.ID
	Comment  string
	Category Category // empty: violation where rules are named, else other
	Rules    []string // ids of the town's rules
	Forward  bool
}

// File stores somebody's report of an account and returns it. A report of the same account by the same person that is open and less than a day
// old is added to. It returns a NotFound error for an account or a status that the actor can't see, and Invalid errors for what is no report:
// of oneself, with statuses of somebody else, with a comment that is too long.
func (s *Service) File(ctx context.Context, in Filing) (*Report, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, actor, &in); err != nil {
		return nil, err
	}
	var out *Report
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		held, err := s.Profiles.Hold(ctx, tx, in.Target)
		if err != nil {
			return err
		}
		if _, there := held[in.Target]; !there {
			return errGone
		}
		now := s.Now().UTC().Truncate(time.Microsecond)
		old, err := openReportBy(ctx, tx, actor.ID, in.Target, now.Add(-mergeFor))
		if err == nil {
			old.add(in)
			old.UpdatedAt, out = now, old
			return updateReport(ctx, tx, old)
		}
		if !errors.Is(err, db.ErrNoRow) {
			return err
		}
		out = &Report{
			ID: s.IDs.Next(), Target: in.Target, By: actor.ID, Category: in.Category, Comment: in.Comment, Rules: in.Rules, Statuses: in.Statuses,
			Forward: in.Forward, CreatedAt: now, UpdatedAt: now,
		}
		if err := insertReport(ctx, tx, out); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, now, actor.ID, social.Reported{Report: out.ID, By: actor.ID, Target: out.Target})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// add takes what somebody reports again into their report.
func (r *Report) add(in Filing) {
	for _, n := range in.Statuses {
		if !slices.Contains(r.Statuses, n) && len(r.Statuses) < MaxStatuses {
			r.Statuses = append(r.Statuses, n)
		}
	}
	for _, n := range in.Rules {
		if !slices.Contains(r.Rules, n) && len(r.Rules) < MaxRules {
			r.Rules = append(r.Rules, n)
		}
	}
	if in.Comment != "" && !strings.Contains(r.Comment, in.Comment) {
		r.Comment = strings.TrimSpace(r.Comment + "\n\n" + in.Comment)
		if words := []rune(r.Comment); len(words) > 4*MaxComment {
			r.Comment = string(words[:4*MaxComment])
		}
	}
	if in.Category != Other {
		r.Category = in.Category
	}
	r.Forward = r.Forward || in.Forward
}

// check cleans what was filed.
func (s *Service) check(ctx context.Context, actor access.Actor, in *Filing) (err error) {
	if in.Comment, err = clean("comment", in.Comment, MaxComment); err != nil {
		return err
	}
	slices.Sort(in.Statuses)
	in.Statuses = slices.Compact(in.Statuses)
	slices.Sort(in.Rules)
	in.Rules = slices.Compact(in.Rules)
	switch {
	case in.Category == "" && len(in.Rules) > 0:
		in.Category = Violation
	case in.Category == "":
		in.Category = Other
	case !in.Category.known():
		return errs.InvalidField("category", "A report is about spam, legal, violation or other.")
	}
	if in.Category != Violation {
		in.Rules = nil
	}
	switch {
	case len(in.Statuses) > MaxStatuses:
		return errs.InvalidField("status_ids", "Report at most %d posts at once.", MaxStatuses)
	case len(in.Rules) > MaxRules || slices.ContainsFunc(in.Rules, func(r string) bool { return r == "" || len(r) > 40 || strings.ContainsAny(r, " \n\t") }):
		return errs.InvalidField("rule_ids", "These are no rules of the town.")
	case in.Target == actor.ID:
		return errs.InvalidField("account_id", "This is you.")
	}
	found, err := s.Profiles.Entities(ctx, []id.ID{in.Target})
	if err != nil {
		return err
	}
	if found[in.Target] == nil {
		return errGone
	}
	return s.checkStatuses(ctx, actor, in)
}

func (s *Service) checkStatuses(ctx context.Context, actor access.Actor, in *Filing) error {
	if len(in.Statuses) == 0 {
		return nil
	}
	for _, n := range in.Statuses {
		if err := s.Statuses.MayRead(ctx, actor.ID, n); err != nil {
			return err
		}
	}
	return s.ofProfile(ctx, in.Target, in.Statuses)
}

// ofProfile returns an error for statuses that are not all of a profile.
func (s *Service) ofProfile(ctx context.Context, profile id.ID, statuses []id.ID) error {
	shown, err := s.Statuses.Exhibit(ctx, statuses)
	if err != nil {
		return err
	}
	if len(shown) < len(statuses) {
		return errGone
	}
	for _, st := range shown {
		if st.Account.ID != profile {
			return errs.InvalidField("status_ids", "These posts are not all of this account.")
		}
	}
	return nil
}

// ReportFilter chooses reports. Below and Above are exclusive bounds of ids, 0 for none; with Up the oldest above Above are meant.
type ReportFilter struct {
	Resolved *bool
	Target   id.ID
	By       id.ID
	Assigned id.ID
	Below    id.ID
	Above    id.ID
	Up       bool
}

// Reports returns reports, the newest first; with f.Up the oldest first.
func (s *Service) Reports(ctx context.Context, f ReportFilter, limit int) (out []*Report, err error) {
	if f.Below == 0 {
		f.Below = 1<<63 - 1
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = listReports(ctx, tx, f, limit)
		return err
	})
	return out, err
}

// Report returns one report, or a NotFound error.
func (s *Service) Report(ctx context.Context, report id.ID) (r *Report, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = reportOf(ctx, tx, report)
		return err
	})
	return r, err
}

// Counts is how much there is to do.
type Counts struct{ Open, Mine, Resolved, Appeals int }

// Counts returns how many reports and appeals wait, and how many reports of them a moderator has taken on.
func (s *Service) Counts(ctx context.Context, moderator id.ID) (c Counts, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		c, err = countReports(ctx, tx, moderator)
		return err
	})
	return c, err
}

// PerDay returns how many reports were filed, or dealt with, on each day between two times, by days since 1970 (UTC).
func (s *Service) PerDay(ctx context.Context, resolved bool, from, to time.Time) (out map[int64]int64, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = countBetween(ctx, tx, resolved, from, to)
		return err
	})
	return out, err
}

// onReport changes a report in a transaction, and notes it.
func (s *Service) onReport(ctx context.Context, report id.ID, verb string, fn func(tx *db.Tx, r *Report, actor access.Actor, now time.Time) error) (*Report, error) {
	actor := access.From(ctx)
	if err := access.Could(actor, "moderation.write_reports"); err != nil {
		return nil, err
	}
	var out *Report
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := reportOf(ctx, tx, report)
		if err != nil {
			return err
		}
		if err := fn(tx, r, actor, s.Now().UTC()); err != nil {
			return err
		}
		if out, err = reportOf(ctx, tx, report); err != nil {
			return err
		}
		return s.Audit(ctx, tx, "report."+verb, audit.Thing("report", report), map[string]any{"account": r.Target.String()})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Update changes what a report is about: its category, and with Violation its rules (nil: as they are).
func (s *Service) Update(ctx context.Context, report id.ID, c Category, rules []string) (*Report, error) {
	if c != "" && !c.known() {
		return nil, errs.InvalidField("category", "A report is about spam, legal, violation or other.")
	}
	return s.onReport(ctx, report, "update", func(tx *db.Tx, r *Report, _ access.Actor, now time.Time) error {
		if c != "" {
			r.Category = c
		}
		if rules != nil && len(rules) <= MaxRules {
			r.Rules = rules
		}
		if r.Category != Violation {
			r.Rules = nil
		}
		r.UpdatedAt = now
		return updateReport(ctx, tx, r)
	})
}

// Assign has the actor look after a report, or with false nobody.
func (s *Service) Assign(ctx context.Context, report id.ID, yes bool) (*Report, error) {
	verb := "unassign"
	if yes {
		verb = "assign"
	}
	return s.onReport(ctx, report, verb, func(tx *db.Tx, _ *Report, actor access.Actor, now time.Time) error {
		if !yes {
			actor.ID = 0
		}
		return assign(ctx, tx, report, actor.ID, now)
	})
}

// Resolve closes a report without doing anything. It returns a Conflict error for one that is closed.
func (s *Service) Resolve(ctx context.Context, report id.ID) (*Report, error) {
	return s.onReport(ctx, report, "resolve", func(tx *db.Tx, _ *Report, actor access.Actor, now time.Time) error {
		ok, err := resolve(ctx, tx, report, actor.ID, now)
		if err == nil && !ok {
			err = errResolved
		}
		return err
	})
}

// Reopen takes up a report again. It returns a Conflict error for one that is open.
func (s *Service) Reopen(ctx context.Context, report id.ID) (*Report, error) {
	return s.onReport(ctx, report, "reopen", func(tx *db.Tx, _ *Report, _ access.Actor, now time.Time) error {
		ok, err := reopen(ctx, tx, report, now)
		if err == nil && !ok {
			err = errDone
		}
		return err
	})
}

// AddNote stores what the actor wrote to the other moderators about a profile, or about a report on it (0: none).
func (s *Service) AddNote(ctx context.Context, profile, report id.ID, text string) error {
	actor := access.From(ctx)
	if err := access.Could(actor, "moderation.write_reports"); err != nil {
		return err
	}
	text, err := clean("note", text, MaxText)
	if err != nil {
		return err
	}
	if text == "" {
		return errs.InvalidField("note", "Write something first.")
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if report != 0 {
			r, err := reportOf(ctx, tx, report)
			if err != nil {
				return err
			}
			profile = r.Target
		}
		n := Note{ID: s.IDs.Next(), Profile: profile, Report: report, By: actor.ID, Text: text, At: s.Now()}
		if err := insertNote(ctx, tx, n); err != nil {
			return err
		}
		return s.Audit(ctx, tx, "moderation.note", audit.Thing("account", profile), nil)
	})
}

// RemoveNote deletes a note, or returns a NotFound error.
func (s *Service) RemoveNote(ctx context.Context, note id.ID) error {
	if err := access.Could(access.From(ctx), "moderation.write_reports"); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := deleteNote(ctx, tx, note)
		if err == nil && !ok {
			err = errGone
		}
		return err
	})
}

// Notes returns what moderators wrote about a profile and the reports on it, the newest first.
func (s *Service) Notes(ctx context.Context, profile id.ID) (out []Note, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = notesOn(ctx, tx, profile, 200)
		return err
	})
	return out, err
}

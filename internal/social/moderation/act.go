package moderation

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Deed is what a moderator wants to do.
type Deed struct {
	Action   Action
	Target   id.ID
	Report   id.ID   // what it answers; 0: none
	Statuses []id.ID // for Delete and Mark; none: those of the report
	Text     string  // to the owner
	Quiet    bool    // no letter
}

// Act does what a moderator decided about a profile, and returns the strike. With a report that one is closed, and where the profile itself is
// acted on all that are open on it. It returns a Conflict error where that is so already, Forbidden where the actor may not deal with the
// profile, and Invalid errors for what makes no sense.
func (s *Service) Act(ctx context.Context, in Deed) (*Strike, error) {
	actor := access.From(ctx)
	if err := access.Could(actor, "moderation.write_accounts"); err != nil {
		return nil, err
	}
	if !in.Action.Known() {
		return nil, errs.InvalidField("type", "There is no action %q.", string(in.Action))
	}
	var err error
	if in.Text, err = clean("text", in.Text, MaxText); err != nil {
		return nil, err
	}
	kind, err := s.mayDeal(ctx, actor, in.Target)
	if err != nil {
		return nil, err
	}
	if in.Action == Disable && kind != social.Person {
		return nil, errs.InvalidField("type", "Only people sign in.")
	}
	if err := s.subjects(ctx, &in); err != nil {
		return nil, err
	}
	letter, err := s.letterFor(ctx, in.Target, kind)
	if err != nil {
		return nil, err
	}
	k := &Strike{Profile: in.Target, Action: in.Action, Text: in.Text, Report: in.Report, Statuses: in.Statuses, By: actor.ID}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		held, err := s.Profiles.Hold(ctx, tx, in.Target)
		if err != nil {
			return err
		}
		st, there := held[in.Target]
		if !there {
			return errGone
		}
		now := s.Now().UTC().Truncate(time.Microsecond)
		k.ID, k.At, k.Statuses = s.IDs.Next(), now, in.Statuses
		if in.Report != 0 {
			if err := s.close(ctx, tx, in, actor.ID, now); err != nil {
				return err
			}
		}
		if in.Action.lasting() {
			if err := s.turn(ctx, tx, st, in.Action, true, in.Text); err != nil {
				return err
			}
		}
		if in.Action.ofStatuses() {
			if k.Statuses, err = s.strike(ctx, tx, actor.ID, in); err != nil {
				return err
			}
		}
		if err := insertStrike(ctx, tx, k); err != nil {
			return err
		}
		if err := s.Audit(ctx, tx, "moderation."+string(in.Action), audit.Thing("account", in.Target), detailOf(k)); err != nil {
			return err
		}
		if err := s.Log.Append(ctx, tx, now, actor.ID, social.Moderated{Profile: in.Target, Strike: k.ID, Action: told(in.Action)}); err != nil || in.Quiet {
			return err
		}
		return s.write(ctx, tx, letter, func(ctx context.Context) text { return s.strikeText(ctx, k) }, k)
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// told returns an action as the event has it.
func told(a Action) string {
	if a == Warn {
		return "warn"
	}
	return string(a)
}

func detailOf(k *Strike) map[string]any {
	d := map[string]any{"strike": k.ID.String()}
	if k.Report != 0 {
		d["report"] = k.Report.String()
	}
	if len(k.Statuses) > 0 {
		d["statuses"] = len(k.Statuses)
	}
	return d
}

// mayDeal returns what a profile is where the actor may deal with it as a moderator, else why not.
func (s *Service) mayDeal(ctx context.Context, actor access.Actor, target id.ID) (social.Kind, error) {
	found, err := s.Profiles.Standings(ctx, []id.ID{target})
	if err != nil {
		return "", err
	}
	st, there := found[target]
	if !there {
		return "", errGone
	}
	if st.Kind != social.Person {
		if actor.WorksAt(target) {
			return "", errSelf
		}
		return st.Kind, nil
	}
	if target == actor.ID {
		return "", errSelf
	}
	who, err := s.Accounts.Get(ctx, target)
	if err != nil {
		return "", err
	}
	other := access.Actor{ID: who.ID, Roles: who.Roles}.At(s.Now())
	if other.Has(access.RoleAdmin) || other.Has(access.RoleModerator) && !actor.Has(access.RoleAdmin) {
		return "", errAbove
	}
	return st.Kind, nil
}

// subjects finds the statuses that a deed is about.
func (s *Service) subjects(ctx context.Context, in *Deed) error {
	if in.Report != 0 {
		r, err := s.Report(ctx, in.Report)
		if err != nil {
			return err
		}
		if r.Target != in.Target {
			return errs.InvalidField("report_id", "This report is about another account.")
		}
		if len(in.Statuses) == 0 {
			in.Statuses = r.Statuses
			return nil
		}
	}
	if !in.Action.ofStatuses() && in.Report == 0 {
		in.Statuses = nil
		return nil
	}
	if in.Action.ofStatuses() && len(in.Statuses) == 0 {
		return errs.InvalidField("status_ids", "Choose the posts that it is about.")
	}
	if len(in.Statuses) > MaxStatuses {
		return errs.InvalidField("status_ids", "Choose at most %d posts at once.", MaxStatuses)
	}
	return s.ofProfile(ctx, in.Target, in.Statuses)
}

// close closes the report that a deed answers, and where the profile itself is acted on all that are open on it.
func (s *Service) close(ctx context.Context, tx *db.Tx, in Deed, by id.ID, now time.Time) error {
	ok, err := resolve(ctx, tx, in.Report, by, now)
	if err != nil {
		return err
	}
	if !ok {
		return errResolved
	}
	if in.Action.lasting() {
		return resolveAll(ctx, tx, in.Target, by, now)
	}
	return nil
}

// turn makes an action hold for a profile, or no more. It returns a Conflict error where it is so already.
func (s *Service) turn(ctx context.Context, tx *db.Tx, st social.Standing, a Action, yes bool, why string) error {
	person := st.Kind == social.Person
	var turned bool
	var err error
	limited, guarded, suspended := st.Limited, st.Guarded, st.Suspended
	switch {
	case a == Suspend && person:
		turned, err = s.Accounts.SetSuspended(ctx, tx, st.ID, yes, why)
	case a == Disable:
		turned, err = s.Accounts.SetFrozen(ctx, tx, st.ID, yes)
	case a == Suspend:
		turned, suspended = suspended != yes, yes
	case a == Silence:
		turned, limited = limited != yes, yes
	case a == Sensitive:
		turned, guarded = guarded != yes, yes
	}
	if err != nil {
		return err
	}
	if !turned {
		return errDone
	}
	if a == Disable || a == Suspend && person {
		return nil
	}
	return s.Profiles.Moderate(ctx, tx, st.ID, limited, guarded, suspended && !person)
}

// strike deletes or marks statuses, and returns those of them that changed by it; a Conflict error where none did.
func (s *Service) strike(ctx context.Context, tx *db.Tx, by id.ID, in Deed) ([]id.ID, error) {
	done := []id.ID{}
	for _, n := range in.Statuses {
		var ok bool
		var err error
		if in.Action == Delete {
			ok, err = s.Statuses.TakeAway(ctx, tx, by, n)
		} else {
			ok, err = s.Statuses.SetSensitive(ctx, tx, by, n, true)
		}
		if err != nil {
			return nil, err
		}
		if ok {
			done = append(done, n)
		}
	}
	if len(done) == 0 {
		return nil, errDone
	}
	return done, nil
}

// Undo takes a lasting action on a profile back. It returns a Conflict error where it does not hold.
func (s *Service) Undo(ctx context.Context, target id.ID, a Action) error {
	actor := access.From(ctx)
	if err := access.Could(actor, "moderation.write_accounts"); err != nil {
		return err
	}
	if !a.lasting() {
		return errs.InvalidField("type", "There is no action %q.", string(a))
	}
	kind, err := s.mayDeal(ctx, actor, target)
	if err != nil {
		return err
	}
	letter, err := s.letterFor(ctx, target, kind)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		held, err := s.Profiles.Hold(ctx, tx, target)
		if err != nil {
			return err
		}
		st, there := held[target]
		if !there {
			return errGone
		}
		now := s.Now().UTC()
		if err := s.turn(ctx, tx, st, a, false, ""); err != nil {
			return err
		}
		if _, err := undoStrikes(ctx, tx, 0, target, a, actor.ID, now); err != nil {
			return err
		}
		if err := s.undone(ctx, tx, actor.ID, target, a, 0, now); err != nil {
			return err
		}
		return s.write(ctx, tx, letter, func(ctx context.Context) text { return undoText(ctx, a) }, nil)
	})
}

// undone notes that something was taken back.
func (s *Service) undone(ctx context.Context, tx *db.Tx, by, profile id.ID, a Action, strike id.ID, now time.Time) error {
	detail := map[string]any{"action": string(a)}
	if strike != 0 {
		detail["strike"] = strike.String()
	}
	if err := s.Audit(ctx, tx, "moderation.undo", audit.Thing("account", profile), detail); err != nil {
		return err
	}
	return s.Log.Append(ctx, tx, now, by, social.Moderated{Profile: profile, Strike: strike, Action: "undo"})
}

// takeBack undoes what a strike did, in the caller's transaction, which holds the profile. Deleted statuses stay so.
func (s *Service) takeBack(ctx context.Context, tx *db.Tx, st social.Standing, k *Strike, by id.ID, now time.Time) error {
	ok, err := undoStrikes(ctx, tx, k.ID, k.Profile, k.Action, by, now)
	if err != nil {
		return err
	}
	if !ok {
		return errDone
	}
	if k.Action == Mark {
		for _, n := range k.Statuses {
			if _, err := s.Statuses.SetSensitive(ctx, tx, by, n, false); err != nil {
				return err
			}
		}
	}
	if k.Action.lasting() {
		if err := s.turn(ctx, tx, st, k.Action, false, ""); err != nil && !errs.Is(err, errs.Conflict) {
			return err // a conflict: it held no more
		}
	}
	return s.undone(ctx, tx, by, k.Profile, k.Action, k.ID, now)
}

// UndoStrike takes back what one strike did. Deleted statuses stay deleted. It returns a Conflict error where that was done before.
func (s *Service) UndoStrike(ctx context.Context, strike id.ID) error {
	return s.onStrike(ctx, strike, func(tx *db.Tx, st social.Standing, k *Strike, actor access.Actor, now time.Time) (func(context.Context) text, error) {
		return func(ctx context.Context) text { return undoText(ctx, k.Action) }, s.takeBack(ctx, tx, st, k, actor.ID, now)
	})
}

// onStrike has a moderator change a strike, in a transaction that holds the profile; fn returns the letter to its owner.
func (s *Service) onStrike(ctx context.Context, strike id.ID, fn func(tx *db.Tx, st social.Standing, k *Strike, actor access.Actor, now time.Time) (func(context.Context) text, error)) error {
	actor := access.From(ctx)
	if err := access.Could(actor, "moderation.write_accounts"); err != nil {
		return err
	}
	k, err := s.Strike(ctx, strike)
	if err != nil {
		return err
	}
	kind, err := s.mayDeal(ctx, actor, k.Profile)
	if err != nil {
		return err
	}
	letter, err := s.letterFor(ctx, k.Profile, kind)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		held, err := s.Profiles.Hold(ctx, tx, k.Profile)
		if err != nil {
			return err
		}
		st, there := held[k.Profile]
		if !there {
			return errGone
		}
		says, err := fn(tx, st, k, actor, s.Now().UTC())
		if err != nil {
			return err
		}
		return s.write(ctx, tx, letter, says, nil)
	})
}

// Strike returns one strike for moderators, or a NotFound error.
func (s *Service) Strike(ctx context.Context, strike id.ID) (k *Strike, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		k, err = strikeOf(ctx, tx, strike)
		return err
	})
	return k, err
}

// Strikes returns the newest strikes of a profile.
func (s *Service) Strikes(ctx context.Context, profile id.ID) (out []*Strike, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = strikesOf(ctx, tx, profile, 200)
		return err
	})
	return out, err
}

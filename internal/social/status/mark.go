package status

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

var (
	errPins     = errs.New(errs.Invalid, "Validation failed: You have already pinned the maximum number of posts")
	errNotOwn   = errs.New(errs.Invalid, "Validation failed: Someone else's post cannot be pinned")
	errPinWhat  = errs.New(errs.Invalid, "Validation failed: This post cannot be pinned")
	errNoBoost  = errs.New(errs.Forbidden, "This can't be boosted: it is not for everybody.")
	errTooOften = errs.New(errs.Invalid, "Validation failed: this was edited too often; post it anew")
)

// Mark sets or takes back a mark of the actor's: favourite, bookmark, pin (their own statuses on their profile) or mute (no notifications of
// the conversation). Doing it twice changes nothing. It returns a NotFound error where the actor may not read the status.
func (s *Service) Mark(ctx context.Context, actor access.Actor, status id.ID, kind social.Mark, on bool) error {
	if err := signedIn(actor); err != nil {
		return err
	}
	r, _, err := s.proper(ctx, actor, status)
	if err != nil {
		return err
	}
	by := actor.ID
	if kind == social.Pin && on {
		if !s.Profiles.MayActAs(actor, r.Account) {
			return errNotOwn
		}
		if r.Visibility == social.Direct {
			return errPinWhat
		}
	}
	if kind == social.Pin && s.Profiles.MayActAs(actor, r.Account) {
		by = r.Account // the pins of a restaurant are its own, whoever works there
	}
	target := r.ID
	if kind == social.MuteTalk {
		target = r.Thread
	}
	told := social.Marked{Status: target, Author: r.Account, By: by, Mark: kind, Gone: !on}
	changed := false
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		changed, err = s.mark(ctx, tx, by, kind, target, on)
		if err != nil || !changed {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), actor.ID, told)
	})
	if err != nil || !changed {
		return err
	}
	s.tell(ctx, told)
	return nil
}

// mark stores or deletes a mark, and reports whether that changed anything.
func (s *Service) mark(ctx context.Context, tx *db.Tx, by id.ID, kind social.Mark, target id.ID, on bool) (bool, error) {
	if !on {
		there, err := dropMark(ctx, tx, by, kind, target)
		if err == nil && there && kind == social.Favourite {
			_, err = bump(ctx, tx, countFavourites, target, -1)
		}
		return there, err
	}
	if kind == social.Pin {
		// Makes another pin at the same time wait: so there are never too many.
		if err := s.Profiles.Counts(ctx, tx, by, 0, 0, 0, time.Time{}); err != nil {
			return false, err
		}
		if n, err := countMarks(ctx, tx, by, kind, target); err != nil || n >= MaxPins {
			return false, cmp.Or(err, error(errPins))
		}
	}
	fresh, err := addMark(ctx, tx, mark{s.IDs.Next(), by, kind, target, ""})
	if err != nil || !fresh {
		return false, err
	}
	n := 0
	if kind == social.Favourite {
		n = 1
	}
	there, err := bump(ctx, tx, countFavourites, target, n)
	if err == nil && !there && kind != social.MuteTalk { // of a conversation whose first status is gone the rest remains
		err = errGone
	}
	return true, err
}

// Boost boosts a status as the actor and returns the id of the boost: the same one when it is boosted again. It returns NotFound where the
// actor may not read it, and Forbidden where it is not for passing on.
func (s *Service) Boost(ctx context.Context, actor access.Actor, status id.ID, visibility social.Visibility) (id.ID, error) {
	if err := signedIn(actor); err != nil {
		return 0, err
	}
	r, rel, err := s.proper(ctx, actor, status)
	if err != nil {
		return 0, err
	}
	as, ok := boostAs(rel, &r.Head, visibility)
	if !ok {
		return 0, errNoBoost
	}
	h := social.Head{ID: s.IDs.Next(), Account: actor.ID, Visibility: as, BoostOf: r.ID, BoostFrom: r.Account, At: s.Now().UTC()}
	boost := id.ID(0)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		boost = h.ID
		fresh, err := addMark(ctx, tx, mark{h.ID, actor.ID, markBoost, r.ID, ""})
		if err != nil {
			return err
		}
		if !fresh {
			old, err := findMark(ctx, tx, actor.ID, markBoost, r.ID)
			if err != nil {
				return err
			}
			boost = old.id
			return nil
		}
		there, err := bump(ctx, tx, countBoosts, r.ID, 1)
		if err != nil {
			return err
		}
		if !there {
			return errGone
		}
		if err := insert(ctx, tx, &row{Head: h, writtenBy: actor.ID}, 0); err != nil {
			return err
		}
		if err := s.Profiles.Counts(ctx, tx, actor.ID, 1, 0, 0, h.At); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, h.At, actor.ID, social.Posted{Head: h})
	})
	if err != nil {
		return 0, err
	}
	if boost == h.ID {
		s.tell(ctx, social.Posted{Head: h})
	}
	return boost, nil
}

// Unboost takes the actor's boost of a status back; where there is none nothing happens. It may be named by the boost's own id, too.
func (s *Service) Unboost(ctx context.Context, actor access.Actor, status id.ID) error {
	if err := signedIn(actor); err != nil {
		return err
	}
	hs, err := s.Heads(ctx, []id.ID{status})
	if err != nil {
		return err
	}
	if len(hs) == 1 && hs[0].BoostOf != 0 {
		status = hs[0].BoostOf
	}
	return s.takeBack(ctx, actor.ID, actor.ID, status)
}

// takeBack deletes an account's boost of a status, if there is one.
func (s *Service) takeBack(ctx context.Context, by, account, status id.ID) error {
	var told events.Payload
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		told = nil
		m, err := findMark(ctx, tx, account, markBoost, status)
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		if err != nil {
			return err
		}
		hs, err := headsOf(ctx, tx, []id.ID{m.id})
		if err != nil {
			return err
		}
		if there, err := s.unboost(ctx, tx, hs[m.id]); err != nil || !there {
			return err
		}
		if _, err := bump(ctx, tx, countBoosts, status, -1); err != nil {
			return err
		}
		told = social.Deleted{Head: hs[m.id]}
		return s.Log.Append(ctx, tx, s.Now(), by, told)
	})
	if err == nil && told != nil {
		s.tell(ctx, told)
	}
	return err
}

// unboost deletes a boost, and reports whether it was there.
func (s *Service) unboost(ctx context.Context, tx *db.Tx, h social.Head) (bool, error) {
	there, err := remove(ctx, tx, h.ID)
	if err != nil || !there {
		return false, err
	}
	if _, err := dropMark(ctx, tx, h.Account, markBoost, h.BoostOf); err != nil {
		return false, err
	}
	return true, s.Profiles.Counts(ctx, tx, h.Account, -1, 0, 0, time.Time{})
}

// Span is a part of a list by hidden ids: those below Max and above Min, 0 for no bound; with Up the lowest above Min. The result is newest
// first in any case.
type Span struct {
	Max, Min id.ID
	Up       bool
	Limit    int
}

// Ref is an entry of a list by hidden ids: pages are named by ID, what is listed is Of.
type Ref struct {
	ID id.ID
	Of id.ID
}

// Boosted is a boost where marks are listed; it is a status of its own.
const Boosted social.Mark = "boost"

// Who returns who has marked a status (social.Favourite) or boosted it (Boosted), newest first, as accounts.
func (s *Service) Who(ctx context.Context, actor access.Actor, status id.ID, kind social.Mark, span Span) (out []Ref, err error) {
	r, _, err := s.proper(ctx, actor, status)
	if err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		ms, err := markedOn(ctx, tx, r.ID, kind, span.Min, below(span.Max), span.Up, span.Limit)
		out = refs(ms, span.Up, func(m mark) id.ID { return m.account })
		return err
	})
	return out, err
}

func refs(ms []mark, up bool, of func(mark) id.ID) []Ref {
	out := make([]Ref, len(ms))
	for i, m := range ms {
		at := i
		if up {
			at = len(ms) - 1 - i
		}
		out[at] = Ref{m.id, of(m)}
	}
	return out
}

// Boosters returns who has boosted a status, the newest first, at most a thousand.
func (s *Service) Boosters(ctx context.Context, status id.ID) (out []id.ID, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		ms, err := markedOn(ctx, tx, status, markBoost, 0, Newest, false, maxMarks)
		for _, m := range ms {
			out = append(out, m.account)
		}
		return err
	})
	return out, err
}

// Muted reports whether a reader wants no notifications of the conversation that a status is part of.
func (s *Service) Muted(ctx context.Context, reader id.ID, h *social.Head) (bool, error) {
	r, err := s.readers.of(ctx, s.DB, reader)
	if err != nil {
		return false, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.marks[h.Thread]&bitMute != 0, nil
}

// Marked returns what an account has marked, by the marks' ids: those above and below the given ones (0: no bound), the newest first, even
// where with up the lowest above are meant.
func (s *Service) Marked(ctx context.Context, account id.ID, kind social.Mark, above, below id.ID, up bool, limit int) (out []social.MarkedStatus, err error) {
	if below == 0 {
		below = Newest
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		ms, err := markedBy(ctx, tx, account, kind, above, below, up, limit)
		for _, m := range ms {
			out = append(out, social.MarkedStatus{Mark: m.id, Status: m.status})
		}
		return err
	})
	if up {
		slices.Reverse(out)
	}
	return out, err
}

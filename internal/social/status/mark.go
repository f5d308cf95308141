package status

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
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

// pollJob is the kind of the job that ends a poll.
const pollJob = "poll.end"

type pollArgs struct {
	Poll id.ID `json:"poll"`
}

func pollKey(p id.ID) string { return pollJob + ":" + p.String() }

// openPoll stores a poll and has it end in time.
func (s *Service) openPoll(ctx context.Context, tx *db.Tx, p *poll) error {
	if err := insertPoll(ctx, tx, p); err != nil {
		return err
	}
	return s.timePoll(ctx, tx, p)
}

// timePoll has a poll end when it says.
func (s *Service) timePoll(ctx context.Context, tx *db.Tx, p *poll) error {
	if err := s.Jobs.CancelUnique(ctx, tx, pollKey(p.id)); err != nil {
		return err
	}
	_, err := s.Jobs.Enqueue(ctx, tx, pollJob, pollArgs{p.id}, jobs.Opts{RunAt: micros(p.expiresAt), Unique: pollKey(p.id)})
	return err
}

// maxTold is how many voters hear that a poll is over.
const maxTold = 1000

// endPollJob ends a poll and tells everybody. A poll that was given more time has another job.
func (s *Service) endPollJob(ctx context.Context, j jobs.Job) error {
	var args pollArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return jobs.Discard(err)
	}
	var told events.Payload
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		told = nil
		now := s.Now()
		ended, err := endPoll(ctx, tx, args.Poll, now.UnixMicro())
		if err != nil || !ended {
			return err
		}
		p, err := pollOf(ctx, tx, args.Poll)
		if err != nil {
			return err
		}
		who, err := voters(ctx, tx, p.status, maxTold)
		if err != nil {
			return err
		}
		e := social.PollEnded{Status: p.status, Poll: p.id, Author: p.account, Voters: who}
		told = e
		return s.Log.Append(ctx, tx, now, 0, e)
	})
	if err == nil && told != nil {
		s.tell(ctx, told)
	}
	return err
}

// Poll returns a poll as the API shows it to the actor, or a NotFound error.
func (s *Service) Poll(ctx context.Context, actor access.Actor, n id.ID) (json.RawMessage, error) {
	p, r, err := s.pollFor(ctx, actor, n)
	if err != nil {
		return nil, err
	}
	one, err := s.one(ctx, actor, r.ID)
	if err != nil {
		return nil, err
	}
	var out struct {
		Poll json.RawMessage `json:"poll"`
	}
	if err := json.Unmarshal(one, &out); err != nil {
		return nil, fmt.Errorf("status: decode poll %s: %w", p.id, err)
	}
	return out.Poll, nil
}

// pollFor returns a poll whose status the actor may read.
func (s *Service) pollFor(ctx context.Context, actor access.Actor, n id.ID) (p *poll, r *row, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		p, err = pollOf(ctx, tx, n)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	r, _, err = s.readable(ctx, actor, p.status)
	return p, r, err
}

var (
	errVoted     = errs.New(errs.Invalid, "Validation failed: You have already voted on this poll")
	errPollEnded = errs.New(errs.Invalid, "Validation failed: The poll has already ended")
	errOwnPoll   = errs.New(errs.Invalid, "Validation failed: You can't vote in your own poll")
	errChoices   = errs.New(errs.Invalid, "Validation failed: The chosen vote option does not exist")
)

// Vote votes in a poll, once for ever: choices are numbers of options from 0, one of them unless the poll takes several. It returns an Invalid
// error where the actor has voted before, or the poll is over.
func (s *Service) Vote(ctx context.Context, actor access.Actor, n id.ID, choices []int) error {
	if err := signedIn(actor); err != nil {
		return err
	}
	p, r, err := s.pollFor(ctx, actor, n)
	if err != nil {
		return err
	}
	choices = slices.Clone(choices)
	slices.Sort(choices)
	choices = slices.Compact(choices)
	switch {
	case r.Account == actor.ID:
		return errOwnPoll
	case len(choices) == 0 || choices[0] < 0 || choices[len(choices)-1] >= len(p.choices) || len(choices) > 1 && !p.multiple:
		return errChoices
	}
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = strconv.Itoa(c)
	}
	told := social.Voted{Status: r.ID, Poll: p.id, By: actor.ID}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Now()
		// The poll's row first: it is the lock of those who vote at the same time, and of an edit that resets it.
		open, err := countVoter(ctx, tx, p.id, now.UnixMicro(), 1, len(choices))
		if err != nil {
			return err
		}
		if !open {
			return errPollEnded
		}
		fresh, err := addMark(ctx, tx, mark{s.IDs.Next(), actor.ID, markVote, r.ID, strings.Join(words, " ")})
		if err != nil {
			return err
		}
		if !fresh {
			return errVoted
		}
		for _, c := range choices {
			if err := countVote(ctx, tx, p.id, c, 1); err != nil {
				return err
			}
		}
		return s.Log.Append(ctx, tx, now, actor.ID, told)
	})
	if err != nil {
		return err
	}
	s.tell(ctx, told)
	return nil
}

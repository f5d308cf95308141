package status

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

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

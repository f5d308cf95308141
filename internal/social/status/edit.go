package status

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// mine returns a status' row where the actor may change it: their own, or that of a profile they act as. Another's is NotFound.
func (s *Service) mine(ctx context.Context, actor access.Actor, status id.ID) (*row, *social.Relations, error) {
	if err := signedIn(actor); err != nil {
		return nil, nil, err
	}
	r, rel, err := s.readable(ctx, actor, status)
	if err == nil && r.Account != actor.ID && !s.Profiles.MayActAs(actor, r.Account) {
		err = errGone
	}
	return r, rel, err
}

// Edit changes a status. What it was is kept and can be read by whoever may read it. A poll whose options or kind change loses its votes.
func (s *Service) Edit(ctx context.Context, actor access.Actor, status id.ID, in Edit) error {
	store, err := s.PrepareEdit(ctx, actor, status, in)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return store(ctx, tx) })
}

// PrepareEdit checks what Edit is to change, and returns what stores it in the caller's transaction.
func (s *Service) PrepareEdit(ctx context.Context, actor access.Actor, status id.ID, in Edit) (store func(ctx context.Context, tx *db.Tx) error, err error) {
	r, _, err := s.mine(ctx, actor, status)
	if err != nil {
		return nil, err
	}
	if r.BoostOf != 0 {
		return nil, errGone
	}
	text, err := read(in.Text, in.Spoiler, s.opt.MaxLength())
	if err != nil {
		return nil, err
	}
	again := Draft{Media: in.Media, Poll: in.Poll, Lang: in.Lang, Quotes: in.Quotes, Kind: r.extraKind, QuoteOf: r.QuoteOf}
	if err := again.check(text); err != nil {
		return nil, err
	}
	fresh := *r
	fresh.spoiler, fresh.source, fresh.Lang, fresh.sensitive = text.spoiler, text.source, or(again.Lang, r.Lang), in.Sensitive || text.spoiler != ""
	if in.Quotes != "" && r.quotePolicy != in.Quotes && (r.Visibility != social.Followers && r.Visibility != social.Direct) {
		fresh.quotePolicy = in.Quotes
	}
	if err := s.render(ctx, &fresh, text.found); err != nil {
		return nil, err
	}
	fresh.Head.Media = len(in.Media) > 0
	return func(ctx context.Context, tx *db.Tx) error {
		now := s.Now().UTC().Truncate(time.Microsecond)
		next := fresh
		next.editedAt = now.UnixMicro()
		if there, err := lock(ctx, tx, status); err != nil || !there {
			if err == nil {
				err = errGone
			}
			return err
		}
		was, err := s.keep(ctx, tx, status)
		if err != nil {
			return err
		}
		next.poll = was.poll // another edit may have been quicker
		if err := s.editPoll(ctx, tx, &next, in.Poll, now); err != nil {
			return err
		}
		if err := s.editMedia(ctx, tx, actor.ID, was, in); err != nil {
			return err
		}
		if err := update(ctx, tx, &next, len(in.Media)); err != nil {
			return err
		}
		if err := unlink(ctx, tx, status); err != nil {
			return err
		}
		if err := link(ctx, tx, &next.Head, text.found.Links); err != nil {
			return err
		}
		if err := s.wantCard(ctx, tx, &next, text.found.Links); err != nil {
			return err
		}
		return s.say(ctx, tx, actor.ID, social.Edited{Head: next.Head})
	}, nil
}

// keep stores what a status is now as one of its versions, and returns it.
func (s *Service) keep(ctx context.Context, tx *db.Tx, status id.ID) (*row, error) {
	was, err := rowOf(ctx, tx, status)
	if err != nil {
		return nil, err
	}
	media, err := s.Media.Of(ctx, tx, []id.ID{status})
	if err != nil {
		return nil, err
	}
	v := version{at: was.editedAt, sensitive: was.sensitive, spoiler: was.spoiler, source: was.source, content: was.content, media: "[]", poll: "[]"}
	if v.at == 0 {
		v.at = was.At.UnixMicro()
	}
	if list := media[status]; len(list) > 0 {
		b, err := json.Marshal(list)
		if err != nil {
			return nil, fmt.Errorf("status: encode attachments: %w", err)
		}
		v.media = string(b)
	}
	if was.poll != 0 {
		p, err := pollOf(ctx, tx, was.poll)
		if err != nil {
			return nil, err
		}
		b, err := json.Marshal(p.titles())
		if err != nil {
			return nil, fmt.Errorf("status: encode a poll: %w", err)
		}
		v.poll = string(b)
	}
	return was, keepVersion(ctx, tx, status, v)
}

// editPoll makes a status' poll what it is to be.
func (s *Service) editPoll(ctx context.Context, tx *db.Tx, r *row, in *NewPoll, now time.Time) error {
	var old *poll
	if r.poll != 0 {
		var err error
		if old, err = pollOf(ctx, tx, r.poll); err != nil {
			return err
		}
	}
	if in != nil && old != nil && slices.Equal(in.Options, old.titles()) && in.Multiple == old.multiple {
		next := in.stored(old.id, r.ID, r.Account, now)
		if err := setPoll(ctx, tx, next); err != nil {
			return err
		}
		return s.timePoll(ctx, tx, next)
	}
	if old != nil {
		if err := dropPoll(ctx, tx, old.id, r.ID); err != nil {
			return err
		}
		if err := s.Jobs.CancelUnique(ctx, tx, pollKey(old.id)); err != nil {
			return err
		}
		r.poll = 0
	}
	if in == nil {
		return nil
	}
	r.poll = s.IDs.Next()
	return s.openPoll(ctx, tx, in.stored(r.poll, r.ID, r.Account, now))
}

// editMedia makes a status' attachments what they are to be.
func (s *Service) editMedia(ctx context.Context, tx *db.Tx, by id.ID, r *row, in Edit) error {
	if r.Media || len(in.Media) > 0 {
		if err := s.Media.Attach(ctx, tx, by, r.ID, in.Media); err != nil {
			return err
		}
	}
	for _, d := range in.Details {
		if !slices.Contains(in.Media, d.ID) {
			return errs.InvalidField("media_attributes", "Validation failed: this file is not attached")
		}
		if err := s.Media.Update(ctx, tx, by, d.ID, d.Description, d.Focus); err != nil {
			return err
		}
	}
	return nil
}

// Source is a status as it was typed.
type Source struct {
	ID      id.ID  `json:"id"`
	Text    string `json:"text"`
	Spoiler string `json:"spoiler_text"`
}

// Source returns what was typed, to those who may change it.
func (s *Service) Source(ctx context.Context, actor access.Actor, status id.ID) (Source, error) {
	r, _, err := s.mine(ctx, actor, status)
	if err != nil {
		return Source{}, err
	}
	return Source{r.ID, r.source, r.spoiler}, nil
}

// Delete deletes a status with all boosts of it. media says whether its files go, too; else they can be posted anew for a while. Besides its
// author a moderator may, who is told nothing of what they could not read.
func (s *Service) Delete(ctx context.Context, actor access.Actor, status id.ID, media bool) error {
	r, _, err := s.mine(ctx, actor, status)
	if errs.Is(err, errs.NotFound) && actor.SignedIn() && access.Could(actor, moderate) == nil {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			r, err = rowOf(ctx, tx, status)
			return err
		})
	}
	if err != nil {
		return err
	}
	if r.BoostOf != 0 {
		return s.takeBack(ctx, actor.ID, r.Account, r.BoostOf)
	}
	return s.delete(ctx, actor.ID, r, media)
}

// TakeDown deletes a status that was written in a group, or returns a NotFound error. Whether by may do that the group has decided.
func (s *Service) TakeDown(ctx context.Context, group, status, by id.ID) error {
	var r *row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = rowOf(ctx, tx, status)
		return err
	})
	if err == nil && (group == 0 || r.Group != group) {
		err = errGone
	}
	if err != nil {
		return err
	}
	return s.delete(ctx, by, r, true)
}

func (s *Service) delete(ctx context.Context, by id.ID, r *row, media bool) error {
	var told events.Payload
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		told = nil
		there, err := s.erase(ctx, tx, r.ID, media)
		if err != nil {
			return err
		}
		if !there {
			return errGone
		}
		told = social.Deleted{Head: r.Head}
		return s.Log.Append(ctx, tx, s.Now(), by, told)
	})
	if err != nil {
		return err
	}
	s.tell(ctx, told)
	return nil
}

// TakeAway deletes a status with its files, or takes a boost back, by a moderator's word, in the caller's transaction. It reports whether it
// was there.
func (s *Service) TakeAway(ctx context.Context, tx *db.Tx, by, status id.ID) (bool, error) {
	r, err := rowOf(ctx, tx, status)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var there bool
	if r.BoostOf != 0 {
		if there, err = s.unboost(ctx, tx, r.Head); err == nil && there {
			_, err = bump(ctx, tx, countBoosts, r.BoostOf, -1)
		}
	} else {
		there, err = s.erase(ctx, tx, r.ID, true)
	}
	if err != nil || !there {
		return false, err
	}
	return true, s.say(ctx, tx, by, social.Deleted{Head: r.Head})
}

// SetSensitive marks a status as sensitive by a moderator's word, or takes that back, in the caller's transaction. It reports whether it was
// otherwise before.
func (s *Service) SetSensitive(ctx context.Context, tx *db.Tx, by, status id.ID, yes bool) (bool, error) {
	turned, err := setSensitive(ctx, tx, status, yes)
	if err != nil || !turned {
		return false, err
	}
	r, err := rowOf(ctx, tx, status)
	if err != nil {
		return false, err
	}
	return true, s.say(ctx, tx, by, social.Edited{Head: r.Head, Silent: true})
}

// say appends an event, of which this node hears once it is committed.
func (s *Service) say(ctx context.Context, tx *db.Tx, by id.ID, p events.Payload) error {
	tx.AfterCommit(func() { s.tell(ctx, p) })
	return s.Log.Append(ctx, tx, s.Now(), by, p)
}

// moderate is the verb of those who may delete others' statuses.
const moderate = "moderation.write_reports"

// sweepJob is the kind of the job that deletes the boosts of a status that is gone.
const sweepJob = "status.sweep"

type sweepArgs struct {
	Status id.ID `json:"status"`
}

// erase deletes a status that is no boost, and reports whether it was there.
func (s *Service) erase(ctx context.Context, tx *db.Tx, status id.ID, media bool) (bool, error) {
	if there, err := lock(ctx, tx, status); err != nil || !there {
		return false, err
	}
	r, err := rowOf(ctx, tx, status) // as it is now: its quote may have been revoked
	if err != nil {
		return false, err
	}
	if _, err := remove(ctx, tx, status); err != nil {
		return false, err
	}
	if r.poll != 0 {
		if err := s.Jobs.CancelUnique(ctx, tx, pollKey(r.poll)); err != nil {
			return false, err
		}
	}
	if r.Media {
		let := s.Media.Detach
		if media {
			let = s.Media.Delete
		}
		if err := let(ctx, tx, r.ID); err != nil {
			return false, err
		}
	}
	for _, c := range []struct {
		of id.ID
		c  counter
	}{{r.ReplyTo, countReplies}, {r.QuoteOf, countQuotes}} {
		if c.of == 0 || c.c == countQuotes && r.quoteState != quoteAccepted {
			continue
		}
		if _, err := bump(ctx, tx, c.c, c.of, -1); err != nil {
			return false, err
		}
	}
	if r.Visibility != social.Direct {
		if err := s.Profiles.Counts(ctx, tx, r.Account, -1, 0, 0, time.Time{}); err != nil {
			return false, err
		}
	}
	_, err = s.Jobs.Enqueue(ctx, tx, sweepJob, sweepArgs{r.ID}, jobs.Opts{Unique: sweepJob + ":" + r.ID.String()})
	return true, err
}

// sweepBatch is how many boosts one transaction deletes.
const sweepBatch = 100

// sweepJob deletes the boosts of a status that is gone. Nobody is shown them in the meantime.
func (s *Service) sweepJob(ctx context.Context, j jobs.Job) error {
	var args sweepArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return jobs.Discard(err)
	}
	for {
		var told []events.Payload
		n := 0
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			told = nil
			hs, err := boostsOf(ctx, tx, args.Status, sweepBatch)
			n = len(hs)
			for _, h := range hs {
				if err != nil {
					return err
				}
				if _, err = s.unboost(ctx, tx, h); err == nil {
					told = append(told, social.Deleted{Head: h})
					err = s.Log.Append(ctx, tx, s.Now(), 0, social.Deleted{Head: h})
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		s.tell(ctx, told...)
		if n < sweepBatch {
			return nil
		}
	}
}

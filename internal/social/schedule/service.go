package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// kindPost is the job that posts a status whose time has come.
const kindPost = "schedule.post"

// Posts is who posts.
type Posts interface {
	// PostLater posts a document for an account, once for a key. It returns an Invalid, Forbidden or NotFound error for what can't be posted,
	// also later. lang is the account's language.
	PostLater(ctx context.Context, account id.ID, doc json.RawMessage, key string) error
	// LangOf returns the account's language.
	LangOf(ctx context.Context, account id.ID) string
}

// Files are what statuses carry.
type Files interface {
	// Get returns a file of its owner's, or a NotFound error.
	Get(ctx context.Context, owner, attachment id.ID) (*social.Attachment, error)
	// Hold keeps files that no status carries until some time.
	Hold(ctx context.Context, tx *db.Tx, owner id.ID, ids []id.ID, until time.Time) error
}

// Service keeps what is posted later. Safe for concurrent use.
type Service struct {
	db    *db.DB
	jobs  *jobs.Queue
	ids   *id.Source
	now   clock.Func
	posts Posts
	files Files
}

// New returns a Service.
func New(d *db.DB, q *jobs.Queue, ids *id.Source, now clock.Func, posts Posts, files Files) *Service {
	return &Service{d, q, ids, now, posts, files}
}

// React registers the slice's jobs.
func (s *Service) React() { s.jobs.Handle(kindPost, s.handlePost) }

type postArgs struct {
	Status id.ID `json:"status"`
}

func unique(status id.ID) string { return kindPost + ":" + status.String() }

// Put keeps a status until its time. It returns an Invalid error for a time that is too near or too far, for more than somebody may have
// waiting, and for files that are not theirs.
func (s *Service) Put(ctx context.Context, account id.ID, e Entry) (Scheduled, error) {
	return s.put(ctx, account, e, 0)
}

// Replace has another status wait in place of one that does already. It returns the errors of Put, and a NotFound error for one of others, or
// one that was posted meanwhile.
func (s *Service) Replace(ctx context.Context, account, status id.ID, e Entry) (Scheduled, error) {
	return s.put(ctx, account, e, status)
}

func (s *Service) put(ctx context.Context, account id.ID, e Entry, instead id.ID) (Scheduled, error) {
	if err := due(e.At, s.now()); err != nil {
		return Scheduled{}, err
	}
	w := row{id: s.ids.Next(), account: account, at: e.At.UTC().Truncate(time.Millisecond), doc: string(e.Doc), params: string(e.Params), media: e.Media}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if instead != 0 {
			if err := s.drop(ctx, tx, account, instead); err != nil {
				return err
			}
		}
		day := w.at.Truncate(24 * time.Hour)
		all, thatDay, err := waiting(ctx, tx, account, day, day.Add(24*time.Hour))
		switch {
		case err != nil:
			return err
		case all >= MaxWaiting:
			return errs.InvalidField("scheduled_at", "Validation failed: %d posts wait already", MaxWaiting)
		case thatDay >= MaxADay:
			return errs.InvalidField("scheduled_at", "Validation failed: %d posts wait for that day already", MaxADay)
		}
		if err := s.files.Hold(ctx, tx, account, w.media, w.at); err != nil {
			return err
		}
		if err := insert(ctx, tx, w); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, w)
	})
	if err != nil {
		return Scheduled{}, err
	}
	return s.full(ctx, w)
}

func (s *Service) enqueue(ctx context.Context, tx *db.Tx, w row) error {
	_, err := s.jobs.Enqueue(ctx, tx, kindPost, postArgs{w.id}, jobs.Opts{RunAt: w.at, Unique: unique(w.id)})
	return err
}

// full returns a status with its files. Those that are gone are left out.
func (s *Service) full(ctx context.Context, w row) (Scheduled, error) {
	out := w.shown()
	var err error
	out.Media, err = s.attachments(ctx, w.account, w.media)
	return out, err
}

func (s *Service) attachments(ctx context.Context, account id.ID, ids []id.ID) ([]social.Attachment, error) {
	out := []social.Attachment{}
	for _, n := range ids {
		a, err := s.files.Get(ctx, account, n)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, *a)
	}
	return out, nil
}

// Get returns one of somebody's waiting statuses, or a NotFound error.
func (s *Service) Get(ctx context.Context, account, status id.ID) (Scheduled, error) {
	w, err := s.own(ctx, account, status)
	if err != nil {
		return Scheduled{}, err
	}
	return s.full(ctx, w)
}

func (s *Service) own(ctx context.Context, account, status id.ID) (w row, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		w, err = get(ctx, tx, status)
		return err
	})
	if errors.Is(err, db.ErrNoRow) || err == nil && w.account != account {
		return row{}, errNone
	}
	return w, err
}

// List returns a page of somebody's waiting statuses, those written last first.
func (s *Service) List(ctx context.Context, account id.ID, p mastodon.Page) ([]Scheduled, error) {
	var rows []row
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = list(ctx, tx, account, p.MaxID, max(p.SinceID, p.MinID), p.MinID != 0, p.Limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.MinID != 0 {
		slices.Reverse(rows)
	}
	out := make([]Scheduled, len(rows))
	for i, w := range rows {
		if out[i], err = s.full(ctx, w); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Move has a status posted at another time. It returns the errors of Put, and a NotFound error for one of others.
func (s *Service) Move(ctx context.Context, account, status id.ID, at time.Time) (Scheduled, error) {
	if err := due(at, s.now()); err != nil {
		return Scheduled{}, err
	}
	at = at.UTC().Truncate(time.Millisecond)
	w, err := s.own(ctx, account, status)
	if err != nil {
		return Scheduled{}, err
	}
	w.at, w.failed = at, ""
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if n, err := move(ctx, tx, status, account, at); err != nil || n == 0 {
			return errors.Join(err, gone(n))
		}
		if err := s.files.Hold(ctx, tx, account, w.media, at); err != nil && !errs.Is(err, errs.Invalid) {
			return err // files that are gone are said when it is posted
		}
		if err := s.jobs.CancelUnique(ctx, tx, unique(status)); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, w)
	})
	if err != nil {
		return Scheduled{}, err
	}
	return s.full(ctx, w)
}

func gone(n int64) error {
	if n == 0 {
		return errNone
	}
	return nil
}

// Delete has a status never posted. It returns a NotFound error for one of others, and for one that was posted already.
func (s *Service) Delete(ctx context.Context, account, status id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.drop(ctx, tx, account, status) })
}

func (s *Service) drop(ctx context.Context, tx *db.Tx, account, status id.ID) error {
	n, err := remove(ctx, tx, status, account)
	if err != nil || n == 0 {
		return errors.Join(err, gone(n))
	}
	return s.jobs.CancelUnique(ctx, tx, unique(status))
}

// handlePost posts a status whose time has come.
func (s *Service) handlePost(ctx context.Context, j jobs.Job) error {
	var in postArgs
	if err := json.Unmarshal(j.Args, &in); err != nil {
		return jobs.Discard(err)
	}
	var w row
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		w, err = get(ctx, tx, in.Status)
		return err
	})
	switch {
	case errors.Is(err, db.ErrNoRow):
		return nil // deleted, or posted by a job before this
	case err != nil:
		return err
	case w.at.After(s.now()):
		return nil // moved: another job will
	}
	err = s.posts.PostLater(ctx, w.account, json.RawMessage(w.doc), kindPost+"-"+w.id.String())
	if forGood(err) {
		why := i18n.Error(i18n.With(ctx, s.posts.LangOf(ctx, w.account)), err)
		return s.db.Write(ctx, func(tx *db.Tx) error { return fail(ctx, tx, w.id, why) })
	}
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := remove(ctx, tx, w.id, 0)
		return err
	})
}

// forGood reports whether trying again would end in the same error.
func forGood(err error) bool {
	return errs.Is(err, errs.Invalid) || errs.Is(err, errs.Forbidden) || errs.Is(err, errs.NotFound) || errs.Is(err, errs.Unauthenticated)
}

package review

import (
	"context"
	"errors"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// own returns the actor's review, or NotFound.
func (s *Service) own(ctx context.Context, review id.ID) (access.Actor, row, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, row{}, err
	}
	r, err := s.stored(ctx, review)
	if err == nil && r.Account != actor.ID {
		err = errMissing
	}
	return actor, r, err
}

func (s *Service) stored(ctx context.Context, review id.ID) (r row, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = byID(ctx, tx, review)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		err = errMissing
	}
	return r, err
}

// change runs fn with a review that nobody else changes meanwhile, stores it, moves the figures and tells.
func (s *Service) change(ctx context.Context, by, review id.ID, what string, fn func(tx *db.Tx, r *row) error) (r row, err error) {
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if r, err = lock(ctx, tx, review); err != nil {
			if errors.Is(err, db.ErrNoRow) {
				return errMissing
			}
			return err
		}
		old := r
		if err := fn(tx, &r); err != nil {
			return err
		}
		if err := update(ctx, tx, &r); err != nil {
			return err
		}
		if err := s.recount(ctx, tx, by, &old, &r, what); err != nil || r.Status == 0 || s.Posts == nil {
			return err
		}
		return s.Posts.Redraw(ctx, tx, r.Status)
	})
	return r, err
}

// Edit changes the actor's review, its post with it. Errors: NotFound; Invalid.
func (s *Service) Edit(ctx context.Context, review id.ID, in Input) (*Review, error) {
	actor, before, err := s.own(ctx, review)
	if err != nil {
		return nil, err
	}
	if len(in.Media) > 0 || in.Visibility != "" && in.Visibility != before.Visibility {
		return nil, errs.InvalidField("body.media_ids", "Photos and who may read it stay as they are. Delete the review and write another.")
	}
	p, err := s.Orders.Bought(ctx, before.Order)
	if err != nil {
		return nil, err
	}
	next, post := before, nothing
	if err := in.apply(&next.Review, p.Lines); err != nil {
		return nil, err
	}
	if s.Posts != nil && next.Status != 0 && next.Text != before.Text {
		if post, err = s.Posts.Rewrite(ctx, actor, next.Status, next.Text); errs.Is(err, errs.NotFound) {
			post, err = nothing, nil // the post is gone, and its review about to go
		}
		if err != nil {
			return nil, fmt.Errorf("review: change the post: %w", err)
		}
	}
	_, err = s.change(ctx, actor.ID, review, "edited", func(tx *db.Tx, r *row) error {
		if r.Account != actor.ID {
			return errMissing
		}
		r.Edited = s.Now().UTC()
		if err := in.apply(&r.Review, p.Lines); err != nil {
			return err
		}
		return post(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, review)
}

// Delete deletes the actor's review and its post. Errors: NotFound.
func (s *Service) Delete(ctx context.Context, review id.ID) error {
	actor, r, err := s.own(ctx, review)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.removeIn(ctx, tx, actor.ID, review); err != nil || s.Posts == nil || r.Status == 0 {
			return err
		}
		_, err := s.Posts.TakeAway(ctx, tx, actor.ID, r.Status)
		return err
	})
}

// Answer has the restaurant answer a review, or with an empty text takes its answer back: for those who work there. Where the review is a
// post, so is the answer, by the restaurant's account. Errors: NotFound; Forbidden.
func (s *Service) Answer(ctx context.Context, review id.ID, text string) (*Review, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.stored(ctx, review)
	if err != nil {
		return nil, err
	}
	if r.Hidden && !actor.WorksAt(r.Restaurant) {
		return nil, errMissing
	}
	if !actor.WorksAt(r.Restaurant) {
		return nil, errs.New(errs.Forbidden, "That is for those who work at the restaurant.")
	}
	shop, err := s.Shops.Shop(ctx, r.Restaurant)
	if err != nil {
		return nil, err
	}
	text = lines(text, MaxAnswer)
	old, fresh, post := r.answerStatus, id.ID(0), nothing
	if text != "" && s.Posts != nil && r.Status != 0 {
		fresh, post, err = s.Posts.Prepare(ctx, actor, social.Note{As: r.Restaurant, Text: text, Visibility: r.Visibility, ReplyTo: r.Status})
		if err != nil {
			return nil, err
		}
	}
	_, err = s.change(ctx, actor.ID, review, "answered", func(tx *db.Tx, r *row) error {
		if r.answerStatus != old {
			return errs.New(errs.Conflict, "Somebody else has answered just now.").WithCode("changed")
		}
		if err := post(ctx, tx); err != nil {
			return err
		}
		if old != 0 {
			if _, err := s.Posts.TakeAway(ctx, tx, actor.ID, old); err != nil {
				return err
			}
		}
		first := r.Answer == "" && text != ""
		r.Answer, r.answerStatus, r.answeredBy, r.Answered = text, fresh, actor.ID, s.Now().UTC()
		if text == "" {
			r.answeredBy, r.Answered = 0, moment(0)
		}
		if !first || fresh != 0 { // the post itself tells
			return nil
		}
		return s.Log.Append(ctx, tx, s.Now(), actor.ID, social.Notice{
			To: []id.ID{r.Account}, Type: social.NoticeReviewAnswer, From: r.Restaurant, Thing: r.ID, Title: shop.Name, URL: PathOf(shop.Slug),
		})
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, review)
}

// Hide keeps a review from everybody but its author, or shows it again, for moderators. While it is hidden it does not count. Errors:
// NotFound; Forbidden.
func (s *Service) Hide(ctx context.Context, review id.ID, hidden bool) (*Review, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := access.Can(actor, "moderation.write", access.Thing{Kind: "review", ID: review}); err != nil {
		return nil, err
	}
	if _, err = s.change(ctx, actor.ID, review, hiddenWord(hidden), func(_ *db.Tx, r *row) error {
		r.hide(byModerator, hidden)
		return nil
	}); err != nil {
		return nil, err
	}
	return s.Get(ctx, review)
}

func hiddenWord(hidden bool) string {
	if hidden {
		return "hidden"
	}
	return "shown"
}

// PathOf returns the path of the page with a restaurant's reviews.
func PathOf(slug string) string { return "/r/" + slug + "/reviews" }

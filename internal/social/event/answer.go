package event

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Answer says whether the actor comes; Unspoken takes back what they said. Who wants to come to what is full waits, which the Event's Answer
// says. Errors: NotFound; Conflict (codes "cancelled", "over"); Invalid.
func (s *Service) Answer(ctx context.Context, event id.ID, want Answer) (*Event, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]Answer{Coming, Maybe, No, Unspoken}, want) {
		return nil, errs.InvalidField("body.answer", "Answer coming, maybe or no.")
	}
	e, err := s.Get(ctx, event)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(ctx, tx, event)
		if errors.Is(err, db.ErrNoRow) {
			return errMissing
		}
		if err != nil {
			return err
		}
		if want != No && want != Unspoken {
			if r.Cancelled {
				return errOff
			}
			if !r.Ends.After(s.Now()) {
				return errs.New(errs.Conflict, "This event is over.").WithCode("over")
			}
		}
		before, err := answerOf(ctx, tx, event, actor.ID)
		if err != nil {
			return err
		}
		after := r.settle(before, want)
		e.Answer = after
		if after == before {
			return nil
		}
		if err := s.put(ctx, tx, &r, actor.ID, before, after); err != nil {
			return err
		}
		if err := s.moveUp(ctx, tx, &r); err != nil {
			return err
		}
		e.Coming, e.Maybe, e.Waiting = r.Coming, r.Maybe, r.Waiting
		return s.Posts.Redraw(ctx, tx, r.Status)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// put stores an answer of an event that is locked, and counts it.
func (s *Service) put(ctx context.Context, tx *db.Tx, r *row, account id.ID, before, after Answer) error {
	c, m, w := count(before, after)
	ok, err := move(ctx, tx, r.ID, c, m, w)
	if err != nil {
		return err
	}
	if !ok {
		return errs.New(errs.Conflict, "It is full.").WithCode("full")
	}
	r.Coming, r.Maybe, r.Waiting = r.Coming+c, r.Maybe+m, r.Waiting+w
	return setAnswer(ctx, tx, r.ID, account, after, s.Now())
}

// moveUp lets those who have waited longest come while there is room.
func (s *Service) moveUp(ctx context.Context, tx *db.Tx, r *row) error {
	for r.Waiting > 0 && !r.full() {
		account, err := next(ctx, tx, r.ID)
		if err != nil || account == 0 {
			return err
		}
		if err := s.put(ctx, tx, r, account, Waiting, Coming); err != nil {
			return err
		}
		if err := s.notice(ctx, tx, r, social.NoticeEventPlace, account); err != nil {
			return err
		}
	}
	return nil
}

// Guest is somebody who has answered.
type Guest struct {
	ID     id.ID     `json:"id"`
	Handle string    `json:"handle"`
	Name   string    `json:"name"`
	Avatar string    `json:"avatar"`
	URL    string    `json:"url"`
	Answer Answer    `json:"answer" enum:"coming,maybe,no,waiting"`
	Since  time.Time `json:"since"`
}

// Guests returns a page of those who gave an answer to an event that the actor may see. Strangers don't see who comes; who said no or waits
// is for whose event it is. Errors: NotFound; Unauthenticated; Forbidden.
func (s *Service) Guests(ctx context.Context, event id.ID, a Answer, cursor string, limit int) (page.Page[Guest], error) {
	out := page.Page[Guest]{Items: []Guest{}}
	after, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	if _, err := access.Require(ctx); err != nil {
		return out, err
	}
	e, err := s.Get(ctx, event)
	if err != nil {
		return out, err
	}
	if (a == No || a == Waiting) && !e.Mine {
		return out, errNotMine
	}
	limit = page.Limit(limit)
	var list []reply
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = replies(ctx, tx, event, a, after, limit+1)
		return err
	})
	if err != nil {
		return out, err
	}
	cut := page.Cut(list, limit, func(r reply) id.ID { return r.account })
	ids := make([]id.ID, len(cut.Items))
	for i, r := range cut.Items {
		ids[i] = r.account
	}
	faces, err := s.Faces.Entities(ctx, ids)
	if err != nil {
		return out, err
	}
	out.Next = cut.Next
	for _, r := range cut.Items {
		if f := faces[r.account]; f != nil {
			out.Items = append(out.Items, Guest{r.account, f.Acct, cmpOr(f.DisplayName, f.Acct), f.Avatar, f.URL, r.answer, r.at})
		}
	}
	return out, nil
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

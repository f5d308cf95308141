package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// asked is what a job that invites to a review is about.
type asked struct {
	Order id.ID `json:"order"`
}

// textMoved is what a job is about that takes over a review's text from its post.
type textMoved struct {
	Review id.ID `json:"review"`
}

// React has figures follow the event log, customers be asked how it was, and reviews follow what becomes of their posts.
func (s *Service) React() {
	s.Log.Watch(func(list []events.Event) {
		for i := range list {
			if list[i].Kind == (delivery.ReviewChanged{}).EventKind() {
				s.figures.forget()
				return
			}
		}
	})
	s.Log.Subscribe("review", []string{"order." + delivery.OrderDelivered, social.KindDeleted, social.KindEdited, social.KindModerated}, s.heard)
	s.Jobs.Handle("review.ask", s.ask)
	s.Jobs.Handle("review.text", s.takeText)
}

func (s *Service) heard(ctx context.Context, tx *db.Tx, e events.Event) error {
	read := func(p any) error {
		if err := json.Unmarshal(e.Data, p); err != nil {
			return fmt.Errorf("review: read event %d: %w", e.Seq, err)
		}
		return nil
	}
	switch e.Kind {
	case social.KindDeleted:
		var d social.Deleted
		if err := read(&d); err != nil || d.BoostOf != 0 {
			return err
		}
		return s.unposted(ctx, tx, d.ID)
	case social.KindEdited:
		var d social.Edited
		if err := read(&d); err != nil || d.Silent {
			return err
		}
		rows, err := list(ctx, tx, ofStatus, d.ID, 0, 1)
		if err != nil || len(rows) == 0 {
			return err
		}
		_, err = s.Jobs.Enqueue(ctx, tx, "review.text", textMoved{rows[0].ID}, jobs.Opts{})
		return err
	case social.KindModerated:
		var m social.Moderated
		if err := read(&m); err != nil || m.Action != "suspend" && m.Action != "undo" {
			return err
		}
		return s.suspended(ctx, tx, m.Profile, m.Action == "suspend")
	}
	var o delivery.Order
	if err := read(&o); err != nil {
		return err
	}
	_, err := s.Jobs.Enqueue(ctx, tx, "review.ask", asked{o.Order}, jobs.Opts{RunAt: e.At.Add(s.opt.Ask), Unique: "review.ask:" + o.Order.String()})
	return err
}

// unposted removes the review, or the answer, whose post was deleted.
func (s *Service) unposted(ctx context.Context, tx *db.Tx, status id.ID) error {
	rows, err := list(ctx, tx, ofStatus, status, 0, 1)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.removeIn(ctx, tx, 0, r.ID); err != nil {
			return err
		}
	}
	rows, err = list(ctx, tx, ofAnswer, status, 0, 1)
	if err != nil || len(rows) == 0 {
		return err
	}
	r, err := lock(ctx, tx, rows[0].ID)
	if err != nil || r.answerStatus != status {
		return err
	}
	r.Answer, r.answerStatus, r.answeredBy, r.Answered = "", 0, 0, moment(0)
	return update(ctx, tx, &r)
}

// suspendedMost is how many reviews of somebody who was suspended are hidden at most: nobody writes more.
const suspendedMost = 2000

// suspended hides everything that a suspended account has reviewed, or shows it again.
func (s *Service) suspended(ctx context.Context, tx *db.Tx, account id.ID, hide bool) error {
	rows, err := list(ctx, tx, ofAuthor, account, 0, suspendedMost)
	if err != nil {
		return err
	}
	for i := range rows {
		r, err := lock(ctx, tx, rows[i].ID)
		if errors.Is(err, db.ErrNoRow) || err == nil && r.hiddenBy&bySuspension != 0 == hide {
			continue
		}
		if err != nil {
			return err
		}
		old := r
		r.hide(bySuspension, hide)
		if err := update(ctx, tx, &r); err != nil {
			return err
		}
		if err := s.recount(ctx, tx, 0, &old, &r, hiddenWord(hide)); err != nil {
			return err
		}
	}
	return nil
}

// ask invites the customer of an order that has arrived to review it, unless they have.
func (s *Service) ask(ctx context.Context, j jobs.Job) error {
	var a asked
	if err := json.Unmarshal(j.Args, &a); err != nil {
		return jobs.Discard(err)
	}
	p, err := s.Orders.Bought(ctx, a.Order)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	shop, err := s.Shops.Shop(ctx, p.Restaurant)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := byOrder(ctx, tx, a.Order); !errors.Is(err, db.ErrNoRow) {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), 0, social.Notice{
			To: []id.ID{p.Customer}, Type: social.NoticeReviewDue, From: p.Restaurant, Thing: p.Order, Title: shop.Name, URL: "/orders/" + p.Code + "/review",
		})
	})
}

// takeText takes over a review's text from its post, which its author has edited with some app.
func (s *Service) takeText(ctx context.Context, j jobs.Job) error {
	var m textMoved
	if err := json.Unmarshal(j.Args, &m); err != nil {
		return jobs.Discard(err)
	}
	r, err := s.stored(ctx, m.Review)
	if errs.Is(err, errs.NotFound) || err == nil && (r.Status == 0 || s.Posts == nil) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := s.Posts.Text(ctx, r.Status)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if text = lines(text, MaxText); err != nil || text == r.Text {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(ctx, tx, m.Review)
		if err != nil {
			return err
		}
		old := r
		r.Text, r.Edited = text, s.Now().UTC()
		if err := update(ctx, tx, &r); err != nil {
			return err
		}
		return s.recount(ctx, tx, r.Account, &old, &r, "edited")
	})
}

// Package finance is the money of restaurants: the deals with the town as admins set them, and what owners read of what was sold, what went
// off it, and what the town owes them.
package finance

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Books are the town's books. delivery/ledger keeps them.
type Books interface {
	// Sums returns what the entries of an owner's accounts come to between two times, by kind and word. A zero time is no bound.
	Sums(ctx context.Context, tx *db.Tx, owner id.ID, currency string, from, to time.Time) ([]delivery.BookSum, error)
}

// Service shows and sets the money of restaurants. Safe for concurrent use.
type Service struct {
	db          *db.DB
	now         clock.Func
	restaurants *restaurant.Service
	books       Books

	// Connect has the page of money lead owners to their own account at the payment service.
	Connect bool
}

// New returns a Service.
func New(d *db.DB, now clock.Func, r *restaurant.Service, b Books) *Service {
	return &Service{db: d, now: now, restaurants: r, books: b}
}

// Figures are what happened to a restaurant's money in a time, tax included. What it gets is above 0, what goes off below.
type Figures struct {
	From       time.Time    `json:"from"`
	To         time.Time    `json:"to"`
	Sold       money.Amount `json:"sold" doc:"Food, and delivery fees where they are the restaurant's, before discounts; what was cancelled is taken off."`
	Discounts  money.Amount `json:"discounts" doc:"That the restaurant bears."`
	Refunds    money.Amount `json:"refunds" doc:"Less what others made good."`
	Commission money.Amount `json:"commission"`
	CardFees   money.Amount `json:"card_fees"`
	Tips       money.Amount `json:"tips"`
	Earned     money.Amount `json:"earned" doc:"All of that together."`
}

// quiet reports whether nothing moved.
func (f Figures) quiet() bool {
	return f.Sold == 0 && f.Discounts == 0 && f.Refunds == 0 && f.Commission == 0 && f.CardFees == 0 && f.Tips == 0 && f.Earned == 0
}

// count adds what entries come to.
func (f *Figures) count(sums []delivery.BookSum) {
	for _, x := range sums {
		if x.Kind != delivery.BookRestaurant && x.Kind != delivery.BookTax {
			continue
		}
		switch a := -x.Amount; x.What {
		case "paid", "sent", "pulled", "payout":
			continue // money that moved: nothing earned
		case "discount":
			f.Discounts += a
			f.Earned += a
		case "refund", "compensation":
			f.Refunds += a
			f.Earned += a
		case "commission":
			f.Commission += a
			f.Earned += a
		case "card_fee":
			f.CardFees += a
			f.Earned += a
		case "tip":
			f.Tips += a
			f.Earned += a
		default: // sale, option, tax, fee, fee_tax, and unsale, which takes all of them back
			f.Sold += a
			f.Earned += a
		}
	}
}

// Standing is how a restaurant and the town stand now.
type Standing struct {
	Owed money.Amount `json:"owed" doc:"What the town owes the restaurant, the tax in it included; below 0: the restaurant owes the town."`
	Cash money.Amount `json:"cash" doc:"What customers paid at the counter: the restaurant has it already."`
	Due  money.Amount `json:"due" doc:"What is left of the first after the second: to be paid out."`
}

func standing(sums []delivery.BookSum) (out Standing) {
	for _, x := range sums {
		switch x.Kind {
		case delivery.BookRestaurant, delivery.BookTax:
			out.Owed -= x.Amount
		case delivery.BookCash:
			out.Cash += x.Amount
		}
	}
	out.Due = out.Owed - out.Cash
	return out
}

// read returns how a restaurant and the town stand, and the figures of times.
func (s *Service) read(ctx context.Context, c *restaurant.Compiled, list []Figures) (st Standing, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		sums, err := s.books.Sums(ctx, tx, c.ID, c.Settings.Currency, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		st = standing(sums)
		for i := range list {
			if sums, err = s.books.Sums(ctx, tx, c.ID, c.Settings.Currency, list[i].From, list[i].To); err != nil {
				return err
			}
			list[i].count(sums)
		}
		return nil
	})
	return st, err
}

// How far back the page of a restaurant's money looks.
const (
	days  = 14
	weeks = 12
)

// periods returns the days before and with now, or the weeks, newest last.
func periods(now time.Time, loc *time.Location, byWeek bool) []Figures {
	y, m, d := now.In(loc).Date()
	start, step, n := time.Date(y, m, d, 0, 0, 0, 0, loc), 1, days
	if byWeek {
		start, step, n = start.AddDate(0, 0, -(int(start.Weekday())+6)%7), 7, weeks
	}
	out := make([]Figures, n)
	for i := range out {
		from := start.AddDate(0, 0, -step*(n-1-i))
		out[i] = Figures{From: from, To: from.AddDate(0, 0, step)}
	}
	return out
}

// total returns figures together.
func total(list []Figures) (t Figures) {
	for _, f := range list {
		t.Sold += f.Sold
		t.Discounts += f.Discounts
		t.Refunds += f.Refunds
		t.Commission += f.Commission
		t.CardFees += f.CardFees
		t.Tips += f.Tips
		t.Earned += f.Earned
	}
	if len(list) > 0 {
		t.From, t.To = list[0].From, list[len(list)-1].To
	}
	return t
}

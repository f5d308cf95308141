package courier

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Earnings are what a courier earned in a time.
type Earnings struct {
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	Currency string       `json:"currency"`
	Orders   int          `json:"orders"`
	DistM    float64      `json:"distance_m" doc:"From counters to doors, as the crow flies."`
	Pay      money.Amount `json:"pay" doc:"For orders and kilometres."`
	Tips     money.Amount `json:"tips"`
	Floor    money.Amount `json:"floor" doc:"Added so that an hour brings what it brings at least."`
	Other    money.Amount `json:"other" doc:"Orders that were taken back, and what you had to answer for: less than 0."`
	Total    money.Amount `json:"total"`
}

// any reports whether anything was done or earned.
func (e Earnings) any() bool {
	return e.Orders != 0 || e.Pay != 0 || e.Tips != 0 || e.Floor != 0 || e.Other != 0 || e.Total != 0
}

// Standing is what the town owes a courier now, and what they hold of its cash.
type Standing struct {
	Owed money.Amount `json:"owed" doc:"Earned and not paid out yet."`
	Cash money.Amount `json:"cash" doc:"Cash of customers, to be handed in."`
}

// maxEarnings is the longest time that is summed up at once.
const maxEarnings = 92 * 24 * time.Hour

// count adds what an account's entries come to.
func (e *Earnings) count(sums []delivery.BookSum) {
	for _, x := range sums {
		if x.Kind != delivery.BookCourier || x.What == wordOut {
			continue
		}
		switch x.What {
		case wordPay:
			e.Pay -= x.Amount
		case wordTip:
			e.Tips -= x.Amount
		case wordFloor:
			e.Floor -= x.Amount
		default:
			e.Other -= x.Amount
		}
		e.Total -= x.Amount
	}
}

func standing(sums []delivery.BookSum) (out Standing) {
	for _, x := range sums {
		switch x.Kind {
		case delivery.BookCourier:
			out.Owed -= x.Amount
		case delivery.BookCash:
			out.Cash += x.Amount
		}
	}
	return out
}

// Earned returns what the acting courier earned from from on and before to. It returns an Invalid error for a time that is none, or too long.
func (s *Service) Earned(ctx context.Context, from, to time.Time) (*Earnings, error) {
	actor, err := me(ctx)
	if err != nil {
		return nil, err
	}
	if !to.After(from) || to.Sub(from) > maxEarnings {
		return nil, errs.InvalidField("to", "Choose an end after the beginning, at most 92 days later.")
	}
	list, err := s.earned(ctx, actor.ID, []Earnings{{From: from, To: to}})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// earned fills in what a courier earned in each of several times, which lie within one.
func (s *Service) earned(ctx context.Context, courier id.ID, list []Earnings) ([]Earnings, error) {
	first, last := list[0].From, list[0].To
	for i := range list {
		if list[i].From.Before(first) {
			first = list[i].From
		}
		if list[i].To.After(last) {
			last = list[i].To
		}
	}
	rides, err := s.money.Rides(ctx, courier, first, last)
	if err != nil {
		return nil, fmt.Errorf("courier: list rides of %s: %w", courier, err)
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		for i := range list {
			e := &list[i]
			e.Currency = s.money.Currency
			sums, err := s.money.Books.Sums(ctx, tx, courier, e.Currency, e.From, e.To)
			if err != nil {
				return err
			}
			e.count(sums)
		}
		return nil
	})
	for _, r := range rides {
		for i := range list {
			if !r.At.Before(list[i].From) && r.At.Before(list[i].To) {
				list[i].Orders++
				list[i].DistM += r.DistM
			}
		}
	}
	return list, err
}

// standing returns how a courier and the town stand now.
func (s *Service) standing(ctx context.Context, courier id.ID) (out Standing, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		sums, err := s.money.Books.Sums(ctx, tx, courier, s.money.Currency, time.Time{}, time.Time{})
		out = standing(sums)
		return err
	})
	return out, err
}

type earningsInput struct {
	From time.Time `query:"from" doc:"Left out: the beginning of this week."`
	To   time.Time `query:"to" doc:"Left out: now."`
}

type earningsOutput struct {
	Body struct {
		Earnings
		Standing
		Shifts []Shift `json:"shifts" doc:"That began in that time, newest first, at most 200."`
	}
}

func (s *Service) restEarnings(ctx context.Context, in *earningsInput) (*earningsOutput, error) {
	actor, err := me(ctx)
	if err != nil {
		return nil, err
	}
	if in.To.IsZero() {
		in.To = s.now().Add(time.Microsecond)
	}
	if in.From.IsZero() {
		in.From = weekOf(in.To, s.money.Zone)
	}
	e, err := s.Earned(ctx, in.From, in.To)
	if err != nil {
		return nil, err
	}
	out := &earningsOutput{}
	out.Body.Earnings = *e
	if out.Body.Standing, err = s.standing(ctx, actor.ID); err != nil {
		return nil, err
	}
	out.Body.Shifts, err = s.shifts(ctx, actor.ID, in.From, in.To)
	return out, err
}

func (s *Service) shifts(ctx context.Context, courier id.ID, from, to time.Time) (list []Shift, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = shifts(ctx, tx, courier, from, to)
		return err
	})
	if list == nil {
		list = []Shift{}
	}
	return list, err
}

// dayOf returns the midnight with which the day of t begins in a time zone, weekOf that of its Monday.
func dayOf(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc)
}

func weekOf(t time.Time, loc *time.Location) time.Time {
	day := dayOf(t, loc)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// earlierWeeks is how many weeks before this one the page lists.
const earlierWeeks = 8

type earningsView struct {
	today, week Earnings
	weeks       []Earnings // before this one, newest first
	standing    Standing
	shifts      []Shift // of this week
	pay         delivery.CourierPay
	loc         *time.Location
}

func (s *Service) earningsPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	actor, err := me(ctx)
	if err != nil {
		return err
	}
	loc := s.money.Zone
	now := s.now()
	day, week := dayOf(now, loc), weekOf(now, loc)
	list := []Earnings{{From: day, To: day.AddDate(0, 0, 1)}, {From: week, To: week.AddDate(0, 0, 7)}}
	for i := range earlierWeeks {
		list = append(list, Earnings{From: week.AddDate(0, 0, -7*(i+1)), To: week.AddDate(0, 0, -7*i)})
	}
	if list, err = s.earned(ctx, actor.ID, list); err != nil {
		return err
	}
	v := &earningsView{today: list[0], week: list[1], weeks: list[2:], pay: s.money.Pay(), loc: loc}
	if v.standing, err = s.standing(ctx, actor.ID); err != nil {
		return err
	}
	if v.shifts, err = s.shifts(ctx, actor.ID, week, list[1].To); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, earningsPage(v))
}

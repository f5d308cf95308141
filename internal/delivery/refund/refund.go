// Package refund gives customers back what they paid, whole or in parts, while their order stands: for so many of a line, for an amount, or for
// all that is left. Each refund says why, who bears it and which way the money goes: to the card, in cash, or to the customer's credit.
//
// What was paid is counted once for an order, and refunds are taken from it by a conditional update: never more goes back than came in. The
// books hear of a refund when it is granted, and of the money when it went. A card's provider that refuses gives the refund back to the order.
package refund

import (
	"slices"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// The ways money goes back.
const (
	ToCard   = "card"
	ToCash   = "cash"
	ToCredit = "credit"
)

// The states of a refund.
const (
	Pending = "pending"
	Done    = "done"
	Failed  = "failed"
)

// Reason is why something is given back.
type Reason struct {
	Code string
	Text string // English, for people
}

// Reasons are all reasons, in the order in which pages offer them.
var Reasons = []Reason{
	{"MISSING", i18n.Key("Something was missing")},
	{"WRONG", i18n.Key("Something else was in the bag")},
	{"QUALITY", i18n.Key("It was not good")},
	{"DAMAGED", i18n.Key("It was damaged on the way")},
	{"LATE", i18n.Key("It came too late")},
	{"NOT_DELIVERED", i18n.Key("It never came")},
	{"GOODWILL", i18n.Key("As a kindness")},
	{"OTHER", i18n.Key("Another reason")},
}

// reasonText returns a reason in English words.
func reasonText(code string) string {
	for _, r := range Reasons {
		if r.Code == code {
			return r.Text
		}
	}
	return code
}

// Line is so many of a line of an order.
type Line struct {
	Line int `json:"line" minimum:"0" maximum:"200" doc:"Which line of the order, from 0."`
	Qty  int `json:"qty" minimum:"1" maximum:"1000"`
}

// Wish is what somebody wants to give back.
type Wish struct {
	Lines  []Line       `json:"lines,omitempty" maxItems:"60" doc:"So many of these lines; with amount left out."`
	Amount money.Amount `json:"amount,omitempty" minimum:"0" doc:"Minor units. With neither lines nor amount, all that is left goes back."`
	Reason string       `json:"reason" maxLength:"40" doc:"MISSING, WRONG, QUALITY, DAMAGED, LATE, NOT_DELIVERED, GOODWILL or OTHER."`
	Liable string       `json:"liable" enum:"restaurant,courier,platform" doc:"Who bears it. A restaurant's owner: restaurant."`
	Note   string       `json:"note,omitempty" maxLength:"300" doc:"For the customer."`
	To     string       `json:"to,omitempty" enum:"card,cash,credit" doc:"Left out: the way it was paid."`
}

// Refund is something that was given back, or is about to be.
type Refund struct {
	ID         id.ID                 `json:"id"`
	Order      id.ID                 `json:"order"`
	Amount     money.Amount          `json:"amount"`
	Currency   string                `json:"currency"`
	To         string                `json:"to" enum:"card,cash,credit"`
	State      string                `json:"state" enum:"pending,done,failed"`
	Reason     string                `json:"reason"`
	ReasonText string                `json:"reason_text"`
	Liable     delivery.Party        `json:"liable,omitempty" doc:"Not shown to the customer."`
	Note       string                `json:"note,omitempty"`
	Why        string                `json:"why,omitempty" doc:"Why the card's provider refused; not shown to the customer."`
	Lines      []delivery.RefundLine `json:"lines"`
	Taxes      []delivery.TaxLine    `json:"taxes" doc:"The tax in it, by rate."`
	By         id.ID                 `json:"by,omitzero" doc:"Who granted it; not shown to the customer."`
	At         time.Time             `json:"at"`

	restaurant id.ID
}

// compute returns how much a wish is worth, given what of the order was given back before: by lines what the customer truly paid for them, their
// share of the discounts taken off; and the tax in it. left is what could still be given back. It returns an Invalid error for what the order does
// not have, and a Conflict error (code "too_much") for more than is left.
func compute(s *delivery.Sale, w *Wish, before []Refund, left money.Amount) (money.Amount, []delivery.RefundLine, []delivery.TaxLine, error) {
	tooMuch := errs.New(errs.Conflict, "There is not so much left to give back: at most %s.", money.Format(max(left, 0), s.Currency)).WithCode("too_much")
	if len(w.Lines) > 0 {
		amount, lines, taxes, err := byLine(s, w.Lines, before)
		if err == nil && amount > left {
			err = tooMuch
		}
		return amount, lines, taxes, err
	}
	amount := w.Amount
	if amount == 0 {
		amount = left
	}
	if amount <= 0 || amount > left {
		return 0, nil, nil, tooMuch
	}
	return amount, []delivery.RefundLine{}, taxOf(s, amount, before), nil
}

func byLine(s *delivery.Sale, wanted []Line, before []Refund) (sum money.Amount, lines []delivery.RefundLine, taxes []delivery.TaxLine, err error) {
	off := offFood(s)
	given := map[int]int{}
	for _, r := range before {
		for _, l := range r.Lines {
			given[l.Line] += l.Qty
		}
	}
	for i, w := range wanted {
		path := "lines[" + strconv.Itoa(i) + "]"
		if w.Line < 0 || w.Line >= len(s.Lines) {
			return 0, nil, nil, errs.InvalidField(path+".line", "That is not part of this order.")
		}
		l, had := s.Lines[w.Line], given[w.Line]
		if w.Qty < 1 || had+w.Qty > l.Qty {
			return 0, nil, nil, errs.InvalidField(path+".qty", "Of this there are only %d left to give back.", l.Qty-had)
		}
		paid := l.Total - off[w.Line]
		// Of three for 10.00, the first is 3.33 and the last 3.34: together they are what was paid.
		amount := money.MulDiv(paid, int64(had+w.Qty), int64(l.Qty)) - money.MulDiv(paid, int64(had), int64(l.Qty))
		given[w.Line] += w.Qty
		lines = append(lines, delivery.RefundLine{Line: w.Line, Qty: w.Qty, Amount: amount})
		taxes = addTax(taxes, delivery.TaxLine{Rate: l.Rate, Gross: amount, Tax: money.TaxIncluded(amount, l.Rate)})
		sum += amount
	}
	if sum <= 0 {
		return 0, nil, nil, errs.InvalidField("lines", "Nothing was paid for that.")
	}
	return sum, lines, taxes, nil
}

// offFood returns how much of the discounts falls on each line.
func offFood(s *delivery.Sale) []money.Amount {
	var off money.Amount
	weights := make([]int64, len(s.Lines))
	for i, l := range s.Lines {
		weights[i] = l.Total
	}
	for _, d := range s.Discounts {
		if !d.OffFee() {
			off += d.Amount
		}
	}
	return money.Split(min(off, s.Subtotal), weights)
}

// taxOf returns the tax in an amount that is not for any line: it is spread over what is left of food, fee and tip.
func taxOf(s *delivery.Sale, amount money.Amount, before []Refund) []delivery.TaxLine {
	left := slices.Clone(s.Taxes)
	weights := make([]int64, len(left)+1)
	for i := range left {
		for _, r := range before {
			for _, t := range r.Taxes {
				if t.Rate == left[i].Rate {
					left[i].Gross, left[i].Tax = max(0, left[i].Gross-t.Gross), max(0, left[i].Tax-t.Tax)
				}
			}
		}
		weights[i] = left[i].Gross
	}
	weights[len(left)] = s.Tip
	if amount <= 0 || slices.Max(weights) == 0 {
		return []delivery.TaxLine{}
	}
	out := []delivery.TaxLine{}
	for i, gross := range money.Split(amount, weights)[:len(left)] {
		tax := min(money.TaxIncluded(gross, left[i].Rate), left[i].Tax)
		if gross == left[i].Gross {
			tax = left[i].Tax
		}
		if gross > 0 {
			out = append(out, delivery.TaxLine{Rate: left[i].Rate, Gross: gross, Tax: tax})
		}
	}
	return out
}

func addTax(taxes []delivery.TaxLine, t delivery.TaxLine) []delivery.TaxLine {
	for i := range taxes {
		if taxes[i].Rate == t.Rate {
			taxes[i].Gross += t.Gross
			taxes[i].Tax = money.TaxIncluded(taxes[i].Gross, t.Rate)
			return taxes
		}
	}
	return append(taxes, t)
}

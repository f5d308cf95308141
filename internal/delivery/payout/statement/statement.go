// Package statement says for each week or month what each restaurant and courier earned: every line is a sum of entries in the town's books, and the
// lines lead from what was owed before to what is owed after.
package statement

import (
	"cmp"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// The kinds of payees.
const (
	Restaurant = "restaurant"
	Courier    = "courier"
)

// Statement is what a payee earned in a period, as issued. Amounts above zero are the payee's, below zero the town's.
type Statement struct {
	ID       id.ID        `json:"id"`
	Number   string       `json:"number"`
	Kind     string       `json:"kind" enum:"restaurant,courier"`
	Owner    id.ID        `json:"owner"`
	Name     string       `json:"name"`
	Town     string       `json:"town"`
	Currency string       `json:"currency"`
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to" doc:"The first moment after the period."`
	Issued   time.Time    `json:"issued_at"`
	Zone     string       `json:"time_zone"`
	Orders   int          `json:"orders" doc:"How many orders the lines are about."`
	Opening  money.Amount `json:"opening" doc:"What was owed after the statement before."`
	Late     money.Amount `json:"late" doc:"What was entered later for times before this period."`
	Lines    []Line       `json:"lines"`
	Closing  money.Amount `json:"closing" doc:"What is owed after the period: opening, late and all lines."`
	Cash     money.Amount `json:"cash" doc:"Of couriers: cash that they hold after the period and owe the town."`
}

// Line is the sum of all entries of a kind.
type Line struct {
	Book   delivery.BookKind `json:"account" doc:"restaurant, tax, courier or cash"`
	What   string            `json:"what" doc:"sale, option, discount, tax, fee, tip, commission, pay, refund, compensation, card_fee, sent, payout and so on"`
	Rate   int               `json:"rate,omitempty" doc:"Of tax, in basis points."`
	Count  int               `json:"count" doc:"How many entries."`
	Amount money.Amount      `json:"amount"`
}

// payee is who a statement is for.
type payee struct {
	kind     string
	owner    id.ID
	currency string
}

// counts reports whether what stands on an account is part of what a payee is owed. A restaurant's cash at its counter is set off; a courier
// hands theirs in.
func (p payee) counts(b delivery.Book) bool {
	if b.Owner != p.owner || b.Currency != p.currency {
		return false
	}
	if p.kind == Courier {
		return b.Kind == delivery.BookCourier
	}
	return b.Kind == delivery.BookRestaurant || b.Kind == delivery.BookTax || b.Kind == delivery.BookCash
}

// owed returns what a payee is owed by what stands on accounts.
func (p payee) owed(accounts []delivery.BookAccount) (sum money.Amount) {
	for _, a := range accounts {
		if p.counts(a.Book) {
			sum -= a.Balance
		}
	}
	return sum
}

// cash returns the cash that a courier holds.
func (p payee) cash(accounts []delivery.BookAccount) (sum money.Amount) {
	for _, a := range accounts {
		if p.kind == Courier && a.Book == (delivery.Book{Kind: delivery.BookCash, Owner: p.owner, Currency: p.currency}) {
			sum += a.Balance
		}
	}
	return sum
}

// payees returns whom accounts belong to: an owner with food or tax is a restaurant.
func payees(accounts []delivery.Book) []payee {
	shops := map[id.ID]bool{}
	for _, b := range accounts {
		if b.Kind == delivery.BookRestaurant || b.Kind == delivery.BookTax {
			shops[b.Owner] = true
		}
	}
	seen := map[payee]bool{}
	var out []payee
	for _, b := range accounts {
		p := payee{Courier, b.Owner, b.Currency}
		if shops[b.Owner] {
			p.kind = Restaurant
		}
		switch b.Kind {
		case delivery.BookRestaurant, delivery.BookTax, delivery.BookCourier, delivery.BookCash:
			if b.Owner != 0 && !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// tally sums entries up.
type tally struct {
	payee
	lines  map[Line]*Line
	orders map[id.ID]bool
}

func (t *tally) add(l delivery.BookLine) {
	if !t.counts(l.Book) {
		return
	}
	key := Line{Book: l.Book.Kind, What: l.What, Rate: l.Book.Rate}
	if t.lines[key] == nil {
		t.lines[key] = &Line{Book: key.Book, What: key.What, Rate: key.Rate}
	}
	t.lines[key].Count++
	t.lines[key].Amount -= l.Amount
	if l.Order != 0 {
		t.orders[l.Order] = true
	}
}

func (t *tally) list() []Line {
	out := []Line{}
	for _, l := range t.lines {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Book, b.Book), cmp.Compare(a.What, b.What), cmp.Compare(a.Rate, b.Rate))
	})
	return out
}

// Month is the length of a period that ends with the month; any other ends on Sundays.
const Month = "month"

// begun returns when the week (on Monday) or month began in which a time lies, in a time zone.
func begun(t time.Time, length string, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	if length == Month {
		return time.Date(y, m, 1, 0, 0, 0, 0, loc)
	}
	return time.Date(y, m, d-(int(t.In(loc).Weekday())+6)%7, 0, 0, 0, 0, loc)
}

// following returns the period that comes after all those that ended at last (zero: there was none): where its length has changed it is
// shorter, so that nothing is left out and nothing counted twice.
func following(last, now time.Time, length string, loc *time.Location) (from, to time.Time) {
	if last.IsZero() {
		to = begun(now, length, loc)
		return begun(to.Add(-time.Hour), length, loc), to
	}
	from = last.In(loc)
	to = begun(from, length, loc)
	if length == Month {
		return from, to.AddDate(0, 1, 0)
	}
	return from, to.AddDate(0, 0, 7)
}

// Package ledger keeps the town's books: double entry, append only, in whole minor units. Whatever moves money posts it here, in the
// transaction of what caused it, and nothing is ever changed or taken out: what was wrong is posted the other way round.
//
// An account's balance is the sum of its entries. Above zero (a debit) the house has something or is owed it; below (a credit) it owes it or
// has earned it. The entries of a posting sum to zero in each currency, so all accounts together always do. docs/adr/0011-ledger.md says
// which movement is booked how; the functions in this file are that page as code. They are pure: what they return depends on nothing but
// their arguments, so that Verify can compute a second time what stands in the books.
//
// What a restaurant is owed is its account (food net of tax) and its tax accounts together: it is the restaurant that pays the tax office.
package ledger

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// The kinds of postings of an order.
const (
	credited = "credit" // paid from the customer's credit
	sold     = "sale"
	earned   = "earned"
	unsold   = "unsale"
	refunded = "refund"
	paid     = "paid"
	paidBack = "paid_back"

	// Those of a share in a group order.
	shareIn   = "share"
	shareBack = "share_back"
)

// claims reports whether a kind of posting says who is owed what, and not that money moved. Cancelling an order takes back its claims; what
// moved has moved.
func claims(kind string) bool {
	switch kind {
	case credited, sold, earned, unsold, refunded:
		return true
	}
	return false
}

// entries collects entries of one currency and leaves out those of nothing.
type entries struct {
	currency string
	list     []delivery.Entry
}

func (e *entries) add(b delivery.Book, amount money.Amount, what string) {
	if amount == 0 {
		return
	}
	b.Currency = e.currency
	e.list = append(e.list, delivery.Entry{Book: b, Amount: amount, What: what})
}

func customer(s *delivery.Sale) delivery.Book {
	return delivery.Book{Kind: delivery.BookCustomer, Owner: s.Customer}
}

func restaurant(s *delivery.Sale) delivery.Book {
	return delivery.Book{Kind: delivery.BookRestaurant, Owner: s.Restaurant}
}

func wallet(s *delivery.Sale) delivery.Book {
	return delivery.Book{Kind: delivery.BookWallet, Owner: s.Customer}
}

func courierOf(account id.ID) delivery.Book {
	return delivery.Book{Kind: delivery.BookCourier, Owner: account}
}

func platform(sub string) delivery.Book { return delivery.Book{Kind: delivery.BookPlatform, Sub: sub} }

func provider(name string) delivery.Book {
	return delivery.Book{Kind: delivery.BookProvider, Sub: name}
}

func tax(owner id.ID, rate int) delivery.Book {
	return delivery.Book{Kind: delivery.BookTax, Owner: owner, Rate: rate}
}

// tips is where tips wait for a courier.
var tips = delivery.Book{Kind: delivery.BookTips}

// shares is a sale taken apart.
type shares struct {
	food      money.Amount // what food and drinks cost, tax included, less what the restaurant takes off
	foodOff   money.Amount // what the restaurant takes off the food
	fee       money.Amount // what bringing it costs, tax included, less what the restaurant takes off
	feeOff    money.Amount // what the restaurant takes off the fee
	promoted  money.Amount // what the town takes off
	foodTaxes []delivery.TaxLine
	foodTax   money.Amount // their sum
	feeTax    money.Amount
}

// feeToRestaurant reports whether the restaurant gets the delivery fee. An order from before there were deals has none: the town does.
func feeToRestaurant(s *delivery.Sale) bool { return s.Deal.FeeTo == delivery.PartyRestaurant }

// takeApart returns what of a sale is whose. It returns an error where the sale's own figures don't agree.
func takeApart(s *delivery.Sale) (shares, error) {
	var p shares
	for _, d := range s.Discounts {
		switch {
		case d.Amount < 0:
			return shares{}, fmt.Errorf("ledger: order %d has a discount of %d", s.Order, d.Amount)
		case d.Bearer != delivery.PartyRestaurant:
			p.promoted += d.Amount
		case d.OffFee():
			p.feeOff += d.Amount
		default:
			p.foodOff += d.Amount
		}
	}
	p.food, p.fee = s.Subtotal-p.foodOff, s.Fee-p.feeOff
	var gross money.Amount
	for _, t := range s.Taxes {
		gross += t.Gross
		if t.Rate == s.FeeRate && p.fee > 0 {
			// Food and fee at one rate were taxed in one sum: each gets its share of it, so that no cent is lost.
			fee := min(p.fee, t.Gross)
			parts := money.Split(t.Tax, []int64{t.Gross - fee, fee})
			p.feeTax += parts[1]
			t.Tax = parts[0]
		}
		if t.Tax != 0 {
			p.foodTaxes = append(p.foodTaxes, t)
			p.foodTax += t.Tax
		}
	}
	switch {
	case p.food < 0 || p.fee < 0 || s.Tip < 0 || s.Credit < 0 || s.Credit > s.Total:
		return shares{}, fmt.Errorf("ledger: order %d has a part of less than nothing", s.Order)
	case len(s.Taxes) > 0 && gross != p.food+p.fee:
		return shares{}, fmt.Errorf("ledger: order %d is taxed on %d and costs %d", s.Order, gross, p.food+p.fee)
	case s.Total != p.food+p.fee+s.Tip-p.promoted:
		return shares{}, fmt.Errorf("ledger: order %d has a total of %d and parts of %d", s.Order, s.Total, p.food+p.fee+s.Tip-p.promoted)
	}
	return p, nil
}

// sell returns the entries of what was bought.
func sell(s *delivery.Sale) ([]delivery.Entry, error) {
	p, err := takeApart(s)
	if err != nil {
		return nil, err
	}
	e := entries{currency: s.Currency, list: make([]delivery.Entry, 0, 12)}
	e.add(customer(s), s.Total, "sale")
	// The restaurant's share is net of tax; dishes and options split it by what they cost.
	var options money.Amount
	for _, l := range s.Lines {
		options += l.Extra * int64(l.Qty)
	}
	net := money.Split(p.food-p.foodTax+p.foodOff, []int64{max(0, s.Subtotal-options), max(0, options)})
	e.add(restaurant(s), -net[0], "sale")
	e.add(restaurant(s), -net[1], "option")
	e.add(restaurant(s), p.foodOff, "discount")
	for _, t := range p.foodTaxes {
		e.add(tax(s.Restaurant, t.Rate), -t.Tax, "tax")
	}
	if feeToRestaurant(s) {
		e.add(restaurant(s), -(p.fee - p.feeTax), "fee")
		e.add(tax(s.Restaurant, s.FeeRate), -p.feeTax, "fee_tax")
	} else {
		e.add(platform(delivery.SubFees), -(p.fee - p.feeTax), "fee")
		e.add(tax(0, s.FeeRate), -p.feeTax, "fee_tax")
		// What a restaurant takes off a fee that is not its own, it pays to the town.
		e.add(restaurant(s), p.feeOff, "discount")
		e.add(platform(delivery.SubFees), -p.feeOff, "discount")
	}
	e.add(tips, -s.Tip, "tip")
	for _, d := range s.Discounts {
		if d.Bearer != delivery.PartyRestaurant {
			e.add(platform(delivery.SubPromotions), d.Amount, "discount")
		}
	}
	return e.list, nil
}

// spend returns the entries of what of an order is paid from its customer's credit.
func spend(s *delivery.Sale) []delivery.Entry {
	e := entries{currency: s.Currency}
	e.add(wallet(s), s.Credit, "credit")
	e.add(customer(s), -s.Credit, "credit")
	return e.list
}

// commission returns what the town takes of a sale: a share of the food less what the restaurant took off it, and the flat part.
func commission(s *delivery.Sale) money.Amount {
	food := s.Subtotal
	for _, d := range s.Discounts {
		if d.Bearer == delivery.PartyRestaurant && !d.OffFee() {
			food -= d.Amount
		}
	}
	return money.MulDiv(food, int64(s.Deal.Commission), 10_000) + s.Deal.CommissionFlat
}

// payFor returns what the town pays a courier for an order.
func payFor(s *delivery.Sale, pay delivery.CourierPay) money.Amount {
	if s.Mode != delivery.ByCourier {
		return 0
	}
	return pay.PerOrder + money.MulDiv(pay.PerKm, int64(math.Round(s.DistM)), 1000)
}

// earn returns the entries of who earns what by an order that is delivered: the town its commission, the courier, where there is one, pay
// and tip. A tip that no courier brought is the restaurant's.
func earn(s *delivery.Sale, courier id.ID, pay money.Amount) []delivery.Entry {
	e := entries{currency: s.Currency, list: make([]delivery.Entry, 0, 6)}
	c := commission(s)
	e.add(restaurant(s), c, "commission")
	e.add(platform(delivery.SubCommission), -c, "commission")
	e.add(tips, s.Tip, "tip")
	if courier == 0 {
		e.add(restaurant(s), -s.Tip, "tip")
		return e.list
	}
	e.add(courierOf(courier), -s.Tip, "tip")
	e.add(platform(delivery.SubCourierPay), pay, "pay")
	e.add(courierOf(courier), -pay, "pay")
	return e.list
}

// owed returns what is left to be paid of an order that was cancelled: to the restaurant what it would have got, by whoever has to answer
// for it, where that is somebody else and the food was cooked. For a customer who changed their mind the town pays. A restaurant that would
// have got less than nothing, since its commission is more than the food, pays nothing.
func owed(s *delivery.Sale, answers delivery.Party, courier id.ID, cooked bool) ([]delivery.Entry, error) {
	if !cooked || answers == delivery.PartyRestaurant {
		return nil, nil
	}
	p, err := takeApart(s)
	if err != nil {
		return nil, err
	}
	lost := p.food - p.foodTax - commission(s)
	if feeToRestaurant(s) {
		lost += p.fee - p.feeTax
	} else {
		lost -= p.feeOff
	}
	lost = max(0, lost)
	e := entries{currency: s.Currency}
	e.add(liable(answers, courier), lost, "compensation")
	e.add(restaurant(s), -lost, "compensation")
	return e.list, nil
}

// liable returns the account of one who bears what a restaurant does not. A courier whom nobody knows can't: the town does.
func liable(p delivery.Party, courier id.ID) delivery.Book {
	if p == delivery.PartyCourier && courier != 0 {
		return courierOf(courier)
	}
	return platform(delivery.SubRefunds)
}

// take returns the entries of money that came in.
func take(s *delivery.Sale, m *delivery.Taken) []delivery.Entry {
	e := entries{currency: m.Currency, list: make([]delivery.Entry, 0, 6)}
	if m.Method == delivery.PayOnDelivery {
		e.add(cash(s, m.By), m.Amount, "paid")
		e.add(customer(s), -m.Amount, "paid")
		return e.list
	}
	e.add(provider(m.Provider), m.Amount, "paid")
	e.add(customer(s), -m.Amount, "paid")
	bears := platform(delivery.SubCardFees)
	if s.Deal.CardFee == delivery.PartyRestaurant {
		bears = restaurant(s)
	}
	e.add(bears, m.Fee, "card_fee")
	e.add(provider(m.Provider), -m.Fee, "card_fee")
	e.add(restaurant(s), m.Sent, "sent")
	e.add(provider(m.Provider), -m.Sent, "sent")
	return e.list
}

// takeShare returns the entries of a share that was paid by card into a group order's pot. The town bears what the card costs: whose the sale
// will be is not known before there is one.
func takeShare(m *delivery.Taken) []delivery.Entry {
	e := entries{currency: m.Currency, list: make([]delivery.Entry, 0, 4)}
	e.add(provider(m.Provider), m.Amount, "paid")
	e.add(delivery.Book{Kind: delivery.BookPot, Owner: m.Group}, -m.Amount, "paid")
	e.add(platform(delivery.SubCardFees), m.Fee, "card_fee")
	e.add(provider(m.Provider), -m.Fee, "card_fee")
	return e.list
}

// giveShareBack returns the entries of a share that went back to its card.
func giveShareBack(m *delivery.Returned) []delivery.Entry {
	e := entries{currency: m.Currency, list: make([]delivery.Entry, 0, 2)}
	e.add(delivery.Book{Kind: delivery.BookPot, Owner: m.Group}, m.Amount, "paid_back")
	e.add(provider(m.Provider), -m.Amount, "paid_back")
	return e.list
}

// cash returns in whose hands an order's cash is: at a counter the restaurant's, at a door the courier's.
func cash(s *delivery.Sale, by id.ID) delivery.Book {
	if s.Mode == delivery.Pickup {
		by = s.Restaurant
	}
	return delivery.Book{Kind: delivery.BookCash, Owner: by}
}

// giveBack returns the entries of money that went back to a customer.
func giveBack(s *delivery.Sale, m *delivery.Returned) []delivery.Entry {
	e := entries{currency: m.Currency, list: make([]delivery.Entry, 0, 4)}
	e.add(customer(s), m.Amount, "paid_back")
	switch m.Method {
	case delivery.PayOnDelivery:
		e.add(cash(s, m.By), -m.Amount, "paid_back")
	case delivery.PayByCredit:
		e.add(wallet(s), -m.Amount, "paid_back")
	default:
		e.add(provider(m.Provider), -m.Amount, "paid_back")
		e.add(provider(m.Provider), m.Pulled, "pulled")
		e.add(restaurant(s), -m.Pulled, "pulled")
	}
	return e.list
}

// refund returns the entries of a part of the price that is given up. The sale is undone by as much, tax included; where somebody else than
// the restaurant bears it, they make good what the restaurant loses by that, which is the net amount.
func refund(s *delivery.Sale, r *delivery.Refund, courier id.ID) ([]delivery.Entry, error) {
	p, err := takeApart(s)
	if err != nil {
		return nil, err
	}
	if r.Amount <= 0 || r.Currency != s.Currency {
		return nil, errs.InvalidField("amount", "Give back more than nothing, in the order's currency.")
	}
	e := entries{currency: s.Currency, list: make([]delivery.Entry, 0, 6)}
	net := r.Amount
	for _, t := range r.Taxes {
		if t.Tax < 0 || t.Tax > net {
			return nil, fmt.Errorf("ledger: refund %d of %d has tax of %d at %d", r.ID, r.Amount, t.Tax, t.Rate)
		}
		net -= t.Tax
		food, fee := t.Tax, money.Amount(0)
		if len(r.Lines) == 0 && t.Rate == s.FeeRate && !feeToRestaurant(s) {
			parts := money.Split(t.Tax, []int64{taxAt(p.foodTaxes, t.Rate), p.feeTax})
			food, fee = parts[0], parts[1]
		}
		e.add(tax(s.Restaurant, t.Rate), food, "refund")
		e.add(tax(0, t.Rate), fee, "refund")
	}
	e.add(restaurant(s), net, "refund")
	e.add(customer(s), -r.Amount, "refund")
	if r.Liable != delivery.PartyRestaurant {
		e.add(liable(r.Liable, courier), net, "compensation")
		e.add(restaurant(s), -net, "compensation")
	}
	return e.list, nil
}

func taxAt(taxes []delivery.TaxLine, rate int) (sum money.Amount) {
	for _, t := range taxes {
		if t.Rate == rate {
			sum += t.Tax
		}
	}
	return sum
}

// lessThan returns target less what stands, account by account: what has to be posted so that target stands.
func lessThan(target, stands []delivery.Entry) []delivery.Entry {
	sums := map[delivery.Book]money.Amount{}
	for _, e := range target {
		sums[e.Book] += e.Amount
	}
	for _, e := range stands {
		sums[e.Book] -= e.Amount
	}
	out := make([]delivery.Entry, 0, len(sums))
	for b, amount := range sums {
		if amount != 0 {
			out = append(out, delivery.Entry{Book: b, Amount: amount, What: unsold})
		}
	}
	slices.SortFunc(out, func(a, b delivery.Entry) int { return compareBooks(a.Book, b.Book) })
	return out
}

func compareBooks(a, b delivery.Book) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Sub, b.Sub), cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Currency, b.Currency))
}

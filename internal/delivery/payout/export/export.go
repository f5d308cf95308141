// Package export writes the town's books for accountants: a row for each movement of an order and tax rate, as CSV or XLSX. What a column
// sums to is what the books say; the rows only take it apart.
package export

import (
	"context"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/sheet"
)

// Books are the town's. delivery/ledger keeps them.
type Books interface {
	Walk(ctx context.Context, tx *db.Tx, owner id.ID, from, to time.Time, fn func(delivery.BookLine) error) error
}

// Deps is what a Service works with.
type Deps struct {
	DB    *db.DB
	Now   clock.Func
	Books Books
	Zone  *time.Location
	// Bought returns an order as the books see it, or a NotFound error.
	Bought func(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Bought, error)
	// Receipt returns the number of an order's receipt, "" where it has none.
	Receipt func(ctx context.Context, tx *db.Tx, order id.ID) (string, error)
	// Restaurant returns what a restaurant is called.
	Restaurant func(ctx context.Context, restaurant id.ID) (string, error)
}

// Service exports the books. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

// Columns are the headings of the table. Amounts of what is given back are below zero. paid is what of a payment falls on the row's tax rate.
var Columns = []string{
	"date", "order", "receipt", "restaurant", "movement", "method", "provider", "rate", "net", "tax", "gross", "discount_restaurant", "discount_town",
	"fee", "tip", "commission", "courier_pay", "card_fee", "paid", "currency",
}

// Row is a row of the table, Rate -1 where it is about nothing that is taxed.
type Row struct {
	At                                         time.Time
	Order, Receipt, Restaurant                 string
	Movement, Method, Provider                 string
	Rate                                       int
	Net, Tax, OffRestaurant, OffTown, Fee, Tip money.Amount
	Commission, CourierPay, CardFee, Paid      money.Amount
	Currency                                   string
}

// MaxSpan is how many days one export has at most.
const MaxSpan = 400

// Days reads the first and the last day of an export, such as "2026-11-01", and returns the first moment and that after the last. It returns
// an Invalid error for what is no day, for a last day before the first, and for more than MaxSpan days.
func (s *Service) Days(first, last string) (from, to time.Time, err error) {
	from, err = time.ParseInLocation("2006-01-02", first, s.Zone)
	if err != nil {
		return from, to, errs.InvalidField("from", "Give a day such as 2026-11-01.")
	}
	to, err = time.ParseInLocation("2006-01-02", last, s.Zone)
	if err != nil {
		return from, to, errs.InvalidField("to", "Give a day such as 2026-11-01.")
	}
	if to.Before(from) {
		return from, to, errs.InvalidField("to", "The last day is before the first.")
	}
	if to = to.AddDate(0, 0, 1); from.AddDate(0, 0, MaxSpan).Before(to) {
		return from, to, errs.InvalidField("to", "At most %d days at once.", MaxSpan)
	}
	return from, to, nil
}

// Write writes the table of a period, day by day, so that a year needs no more memory than its busiest day.
func (s *Service) Write(ctx context.Context, out sheet.Writer, from, to time.Time) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	if err := access.Can(actor, "admin.read", access.Thing{Kind: "export"}); err != nil {
		return err
	}
	head := make([]any, len(Columns))
	for i, c := range Columns {
		head[i] = c
	}
	if err := out.Row(head...); err != nil {
		return err
	}
	for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
		rows, err := s.day(ctx, day, day.AddDate(0, 0, 1))
		if err != nil {
			return err
		}
		for _, r := range rows {
			m := func(a money.Amount) sheet.Money { return sheet.Money{Amount: a, Currency: r.Currency} }
			rate := any("")
			if r.Rate >= 0 {
				rate = sheet.Money{Amount: int64(r.Rate), Currency: "EUR"} // two decimals: 7.00
			}
			if err := out.Row(r.At.In(s.Zone).Format("2006-01-02 15:04"), r.Order, r.Receipt, r.Restaurant, r.Movement, r.Method, r.Provider, rate,
				m(r.Net), m(r.Tax), m(r.Net+r.Tax), m(r.OffRestaurant), m(r.OffTown), m(r.Fee), m(r.Tip), m(r.Commission), m(r.CourierPay), m(r.CardFee),
				m(r.Paid), r.Currency); err != nil {
				return err
			}
		}
	}
	return out.Close()
}

// day returns the rows of a day.
func (s *Service) day(ctx context.Context, from, to time.Time) (rows []Row, err error) {
	names := map[id.ID]string{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		var all [][]delivery.BookLine
		err := s.Books.Walk(ctx, tx, 0, from, to, func(l delivery.BookLine) error {
			if n := len(all); n > 0 && all[n-1][0].Posting == l.Posting {
				all[n-1] = append(all[n-1], l)
				return nil
			}
			all = append(all, []delivery.BookLine{l})
			return nil
		})
		if err != nil {
			return err
		}
		for _, lines := range all {
			if lines[0].Order == 0 {
				if share := lines[0].Kind == "share" || lines[0].Kind == "share_back"; share && slices.ContainsFunc(lines, atProvider) {
					rows = append(rows, takeApart(lines, delivery.Sale{})...) // by card, for a group order: no sale yet
				}
				continue // payouts, cash handed in and gift codes are not of an order
			}
			b, err := s.Bought(ctx, tx, lines[0].Order)
			if err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			number, err := s.Receipt(ctx, tx, lines[0].Order)
			if err != nil {
				return err
			}
			names[b.Restaurant] = ""
			for _, r := range takeApart(lines, b.Sale) {
				r.Order, r.Receipt, r.Restaurant = b.Code, number, b.Restaurant.String()
				rows = append(rows, r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byID := map[string]string{}
	for shop := range names { // not in the transaction: names may take a read of their own
		name, err := s.Restaurant(ctx, shop)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		byID[shop.String()] = name
	}
	for i := range rows {
		rows[i].Restaurant = byID[rows[i].Restaurant]
	}
	return rows, nil
}

func atProvider(l delivery.BookLine) bool { return l.Book.Kind == delivery.BookProvider }

// takeApart returns the rows of one posting of an order: one for each tax rate, the first of which holds what is not of a rate.
func takeApart(lines []delivery.BookLine, sale delivery.Sale) []Row {
	first := Row{At: lines[0].At, Movement: lines[0].Kind, Rate: -1, Currency: lines[0].Book.Currency}
	var customer money.Amount
	taxes := map[int]money.Amount{}
	for _, l := range lines {
		switch b := l.Book; {
		case b.Kind == delivery.BookTax:
			taxes[b.Rate] -= l.Amount
		case l.What == "card_fee" && b.Kind != delivery.BookProvider:
			first.CardFee += l.Amount
		case b.Kind == delivery.BookCustomer && claim(l.Kind):
			customer += l.Amount
		case b.Kind == delivery.BookProvider && (l.What == "paid" || l.What == "paid_back"):
			first.Paid, first.Method, first.Provider = first.Paid+l.Amount, string(delivery.PayByCard), b.Sub
		case b.Kind == delivery.BookCash && (l.What == "paid" || l.What == "paid_back"):
			first.Paid, first.Method = first.Paid+l.Amount, string(delivery.PayOnDelivery)
		case b.Kind == delivery.BookWallet:
			first.Paid, first.Method = first.Paid+l.Amount, "credit"
		case b.Kind == delivery.BookTips && l.Kind == "sale":
			first.Tip -= l.Amount
		case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubPromotions:
			first.OffTown += l.Amount
		case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubCommission:
			first.Commission -= l.Amount
		case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubCourierPay:
			first.CourierPay += l.Amount
		case b.Kind == delivery.BookRestaurant && l.What == "discount":
			first.OffRestaurant += l.Amount
		}
		if l.What == "fee" || l.What == "fee_tax" {
			first.Fee -= l.Amount
		}
	}
	if first.Movement == "unsale" {
		first.Tip = -sale.Tip
	}
	var rates []int
	var weights, gross []int64
	for _, t := range sale.Taxes {
		rates, weights, gross = append(rates, t.Rate), append(weights, t.Gross-t.Tax), append(gross, t.Gross)
	}
	if first.Movement != "sale" { // what is given back falls on the rates whose tax is
		for i, r := range rates {
			if r > 0 {
				weights[i] = 0
				if t := taxes[r]; t != 0 {
					weights[i] = max(t, -t) * 10_000 / int64(r)
				}
			} else if len(taxes) > 0 {
				weights[i] = 0
			}
		}
	}
	for r := range taxes {
		if !slices.Contains(rates, r) {
			rates, weights, gross = append(rates, r), append(weights, 0), append(gross, 0)
		}
	}
	if len(rates) == 0 || customer == 0 && first.Paid == 0 && len(taxes) == 0 {
		return []Row{first}
	}
	var tax money.Amount
	for _, t := range taxes {
		tax += t
	}
	net := money.Amount(0)
	if customer != 0 || tax != 0 {
		net = customer + first.OffTown - tax - first.Tip
	}
	nets, paid := money.Split(net, weights), money.Split(first.Paid, append(slices.Clone(gross), sale.Tip))
	out := make([]Row, 0, len(rates)+1)
	for i, r := range rates {
		row := Row{At: first.At, Movement: first.Movement, Method: first.Method, Provider: first.Provider, Currency: first.Currency}
		if i == 0 {
			row = first
		}
		row.Rate, row.Net, row.Tax, row.Paid = r, nets[i], taxes[r], paid[i]
		if i == 0 || row.Net != 0 || row.Tax != 0 || row.Paid != 0 {
			out = append(out, row)
		}
	}
	if tip := paid[len(rates)]; tip != 0 { // the tip's share of a payment is not taxed
		out = append(out, Row{At: first.At, Movement: first.Movement, Method: first.Method, Provider: first.Provider, Rate: -1, Paid: tip, Currency: first.Currency})
	}
	return out
}

// claim reports whether a posting says what was bought or is given up, and not how it was paid.
func claim(kind string) bool { return kind == "sale" || kind == "unsale" || kind == "refund" }

package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// shelf holds a test's orders and what moved for them, as orders and payments know it.
type shelf struct {
	orders map[id.ID]*delivery.Bought
	moved  map[id.ID]*delivery.Moved
}

func (s *shelf) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	b := s.orders[order]
	if b == nil {
		return delivery.Bought{}, errs.New(errs.NotFound, "There is no such order here.")
	}
	return *b, nil
}

func (s *shelf) BoughtAfter(_ context.Context, _ *db.Tx, after id.ID, limit int) (out []delivery.Bought, _ error) {
	for key, b := range s.orders {
		if key > after {
			out = append(out, *b)
		}
	}
	slices.SortFunc(out, func(a, b delivery.Bought) int { return cmp.Compare(a.Order, b.Order) })
	return out[:min(len(out), limit)], nil
}

func (s *shelf) Moved(_ context.Context, _ *db.Tx, after, last id.ID) (out []delivery.Moved, _ error) {
	for key, m := range s.moved {
		if key > after && (last == 0 || key <= last) {
			out = append(out, *m)
		}
	}
	slices.SortFunc(out, func(a, b delivery.Moved) int { return cmp.Compare(a.Order, b.Order) })
	return out, nil
}

// noon is when everything happens.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newBooks(d *db.DB) (*Service, *shelf) {
	sh := &shelf{orders: map[id.ID]*delivery.Bought{}, moved: map[id.ID]*delivery.Moved{}}
	return New(d, id.NewSource(1), clock.NewManual(noon).Now, Options{
		Orders: sh, Payments: sh, Pay: func() delivery.CourierPay { return delivery.CourierPay{PerOrder: 300, PerKm: 100} },
	}), sh
}

// put places dinner as an order with a number.
func (s *shelf) put(order id.ID) *delivery.Bought {
	b := &delivery.Bought{Sale: dinner(), PlacedAt: noon}
	b.Order, b.Code = order, "K7Q-"+order.String()
	s.orders[order] = b
	return b
}

// write runs a step of a test in a transaction.
func write(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// clean fails the test where the books are not.
func clean(t testing.TB, s *Service) *Checked {
	t.Helper()
	c, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings {
		t.Errorf("%s: %s", f.Check, f.What)
	}
	return c
}

// holds compares the balance of an account in EUR.
func holds(t testing.TB, s *Service, b delivery.Book, want money.Amount) {
	t.Helper()
	b.Currency = "EUR"
	err := s.db.Read(t.Context(), func(tx *db.Tx) error {
		got, err := s.Balance(t.Context(), tx, b)
		if err == nil && got != want {
			t.Errorf("%s holds %d; want %d", name(b), got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// gift gives a customer credit.
func gift(account id.ID, ref string, amount money.Amount) delivery.Posting {
	return delivery.Posting{Ref: ref, What: "gift", At: noon, Entries: []delivery.Entry{
		{Book: delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubPromotions, Currency: "EUR"}, Amount: amount, What: "gift"},
		{Book: delivery.Book{Kind: delivery.BookWallet, Owner: account, Currency: "EUR"}, Amount: -amount, What: "gift"},
	}}
}

func TestPostRefusesWhatMustNotStand(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, _ := newBooks(d)
	bank, cash := delivery.Book{Kind: delivery.BookBank, Currency: "EUR"}, delivery.Book{Kind: delivery.BookCash, Owner: 1, Currency: "CHF"}
	for name, p := range map[string]delivery.Posting{
		"no ref":                       {What: "payout"},
		"no kind":                      {Ref: "a"},
		"one side only":                {Ref: "a", What: "payout", Entries: []delivery.Entry{{Book: bank, Amount: 1}}},
		"two currencies":               {Ref: "a", What: "payout", Entries: []delivery.Entry{{Book: bank, Amount: 1}, {Book: cash, Amount: -1}}},
		"no currency":                  {Ref: "a", What: "payout", Entries: []delivery.Entry{{Book: delivery.Book{Kind: delivery.BookBank}}}},
		"a kind of account of its own": {Ref: "a", What: "payout", Entries: []delivery.Entry{{Book: delivery.Book{Kind: "pocket", Currency: "EUR"}}}},
		"so much that sums overflow":   {Ref: "a", What: "payout", Entries: []delivery.Entry{{Book: bank, Amount: 1 << 62}, {Book: bank, Amount: -1 << 62}}},
	} {
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Post(t.Context(), tx, p) }); err == nil {
			t.Errorf("%s is in the books", name)
		}
	}
	if c := clean(t, s); c.Postings != 0 {
		t.Errorf("%d postings were left behind", c.Postings)
	}
}

func TestAPostingIsEnteredOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := newBooks(d)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Post(t.Context(), tx, gift(7, "gift:1", 500)) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		holds(t, s, delivery.Book{Kind: delivery.BookWallet, Owner: 7}, -500)
		for name, p := range map[string]delivery.Posting{"amount": gift(7, "gift:1", 501), "account": gift(8, "gift:1", 500)} {
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Post(t.Context(), tx, p) }); err == nil {
				t.Errorf("a posting with the same ref and another %s is taken for the same", name)
			}
		}
		if c := clean(t, s); c.Postings != 1 || c.Entries != 2 || c.Accounts != 2 || c.Debits["EUR"] != 500 {
			t.Errorf("the books hold %+v", c)
		}
	}, Schema)
}

func TestAHundredSpendTheSameCreditOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, sh := newBooks(d)
		for round := range 20 {
			account := id.ID(1000 + round)
			write(t, d, func(tx *db.Tx) error { return s.Post(t.Context(), tx, gift(account, "gift:"+account.String(), 1000)) })
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := 0
			for i := range 100 {
				wg.Go(func() {
					sale := dinner()
					sale.Order, sale.Customer, sale.Credit = id.ID(round*100+i+1), account, 600
					err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Spend(t.Context(), tx, sale, noon) })
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
						sh.orders[sale.Order] = &delivery.Bought{Sale: sale, PlacedAt: noon}
					case errs.CodeOf(err) != "changed":
						t.Error(err)
					}
				})
			}
			wg.Wait()
			has, err := s.Credit(t.Context(), account, "EUR")
			if err != nil {
				t.Fatal(err)
			}
			if won != 1 || has != 400 {
				t.Fatalf("round %d: %d spent 6.00 of 10.00 and %d is left", round, won, has)
			}
		}
		clean(t, s)
	}, Schema)
}

func TestAnOrdersLife(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, sh := newBooks(d)
		b := sh.put(1)
		b.Credit, b.Courier = 768, 9
		twice := func(fn func(*db.Tx) error) { // whatever runs twice is in the books once
			t.Helper()
			write(t, d, fn)
			write(t, d, fn)
			clean(t, s)
		}
		write(t, d, func(tx *db.Tx) error { return s.Post(ctx, tx, gift(7, "gift:1", 1000)) })
		twice(func(tx *db.Tx) error { return s.Spend(ctx, tx, b.Sale, noon) })
		b.Sold = true
		twice(func(tx *db.Tx) error { return s.Sell(ctx, tx, b.Sale, noon) })
		holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 3000)

		// Cancelled while it is cooked, for which the courier answers; then taken up again.
		b.Ended, b.Cooked, b.Answers = true, true, delivery.PartyCourier
		twice(func(tx *db.Tx) error { return s.Unsell(ctx, tx, 1, delivery.PartyCourier, true, noon) })
		holds(t, s, delivery.Book{Kind: delivery.BookCourier, Owner: 9}, 2647)
		holds(t, s, delivery.Book{Kind: delivery.BookRestaurant, Owner: 5}, -2647)
		holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 0)
		holds(t, s, delivery.Book{Kind: delivery.BookWallet, Owner: 7}, -1000)
		b.Ended, b.Cooked, b.Answers = false, false, ""
		twice(func(tx *db.Tx) error {
			return errors.Join(s.Unsell(ctx, tx, 1, delivery.PartyRestaurant, false, noon), s.Spend(ctx, tx, b.Sale, noon), s.Sell(ctx, tx, b.Sale, noon))
		})
		holds(t, s, delivery.Book{Kind: delivery.BookCourier, Owner: 9}, 0)
		holds(t, s, delivery.Book{Kind: delivery.BookWallet, Owner: 7}, -232)

		sh.moved[1] = &delivery.Moved{Order: 1, Taken: 3000}
		twice(func(tx *db.Tx) error {
			return s.Take(ctx, tx, delivery.Taken{Order: 1, Method: delivery.PayByCard, Provider: "sandbox", Amount: 3000, Currency: "EUR", Fee: 67, At: noon})
		})
		b.Earned = true
		twice(func(tx *db.Tx) error { return s.Earn(ctx, tx, 1, 9, noon) })
		holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 0)
		holds(t, s, delivery.Book{Kind: delivery.BookTips}, 0)
		holds(t, s, delivery.Book{Kind: delivery.BookCourier, Owner: 9}, -735)
		holds(t, s, delivery.Book{Kind: delivery.BookRestaurant, Owner: 5}, -2647)
		holds(t, s, delivery.Book{Kind: delivery.BookProvider, Sub: "sandbox"}, 2933)

		// The wine was missing: half of it goes back to the card and half becomes credit.
		twice(func(tx *db.Tx) error {
			return s.Refund(ctx, tx, delivery.Refund{
				ID: 3, Order: 1, Amount: 1190, Currency: "EUR", Lines: []delivery.RefundLine{{Line: 1, Qty: 1, Amount: 1190}},
				Taxes: []delivery.TaxLine{{Rate: 1900, Gross: 1190, Tax: 190}}, Liable: delivery.PartyPlatform, At: noon,
			})
		})
		holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, -1190)
		sh.moved[1].Returned = 595
		twice(func(tx *db.Tx) error {
			back := delivery.Returned{Order: 1, Refund: 3, Method: delivery.PayByCard, Provider: "sandbox", Amount: 595, Currency: "EUR", At: noon}
			credit := back
			credit.Ref, credit.Method = "paid_back:credit:3", delivery.PayByCredit
			return errors.Join(s.Return(ctx, tx, back), s.Return(ctx, tx, credit))
		})
		holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 0)
		holds(t, s, delivery.Book{Kind: delivery.BookWallet, Owner: 7}, -827)
		holds(t, s, delivery.Book{Kind: delivery.BookRestaurant, Owner: 5}, -2647)
		holds(t, s, delivery.Book{Kind: delivery.BookTax, Owner: 5, Rate: 1900}, 0)
	}, Schema)
}

func TestAnOrderFromBeforeTheBooksIsEnteredWhenItIsDelivered(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, sh := newBooks(d)
	old, open := sh.put(1), sh.put(2)
	old.PlacedAt, open.PlacedAt = noon.Add(-time.Hour), noon.Add(-time.Minute)
	old.Sold, old.Earned, open.Sold = true, true, true
	clean(t, s)
	open.Earned = true
	write(t, d, func(tx *db.Tx) error { return s.Earn(t.Context(), tx, 2, 9, noon) })
	if c := clean(t, s); c.Postings != 2 {
		t.Errorf("there are %d postings; want a sale and what was earned by it", c.Postings)
	}
	holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 3768)
}

func TestNothingIsLeftOfAnOrderThatNobodySaw(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, sh := newBooks(d)
	b := sh.put(1)
	b.Credit = 300
	write(t, d, func(tx *db.Tx) error {
		return errors.Join(s.Post(t.Context(), tx, gift(7, "gift:1", 300)), s.Spend(t.Context(), tx, b.Sale, noon))
	})
	clean(t, s)
	b.Ended, b.Answers = true, delivery.PartyCustomer
	write(t, d, func(tx *db.Tx) error { return s.Unsell(t.Context(), tx, 1, delivery.PartyCustomer, false, noon) })
	clean(t, s)
	holds(t, s, delivery.Book{Kind: delivery.BookWallet, Owner: 7}, -300)
	holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 0)
	write(t, d, func(tx *db.Tx) error { return s.Unsell(t.Context(), tx, 99, delivery.PartyCustomer, true, noon) }) // nothing to take back
	clean(t, s)
}

func TestVerifyFindsWhateverIsDamaged(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, sh := newBooks(d)
		for order := id.ID(1); order <= 3; order++ {
			b := sh.put(order)
			b.Sold, b.Earned, b.Credit = true, true, 768
			sh.moved[order] = &delivery.Moved{Order: order, Taken: 3000}
			write(t, d, func(tx *db.Tx) error {
				return errors.Join(
					s.Post(ctx, tx, gift(7, "gift:"+order.String(), 768)), s.Spend(ctx, tx, b.Sale, noon), s.Sell(ctx, tx, b.Sale, noon),
					s.Take(ctx, tx, delivery.Taken{Order: order, Method: delivery.PayOnDelivery, Amount: 3000, Currency: "EUR", By: 9, At: noon}),
					s.Earn(ctx, tx, order, 9, noon),
				)
			})
		}
		clean(t, s)
		const sale = `(SELECT id FROM ledger_posting WHERE ref = 'sale:2')`
		for name, c := range map[string]struct {
			damage []string
			knows  func() func() // changes what others know, and returns what changes it back
			want   []string
		}{
			"an amount": {[]string{`UPDATE ledger_entry SET amount = amount + 1 WHERE posting = ` + sale + ` AND line = 0`}, nil, []string{CheckOrder, CheckPosting, CheckTotal}},
			"two amounts that still sum to zero": {
				[]string{`UPDATE ledger_entry SET amount = amount + 1 WHERE posting = ` + sale + ` AND line = 0`, `UPDATE ledger_entry SET amount = amount - 1 WHERE posting = ` + sale + ` AND line = 1`},
				nil,
				[]string{CheckOrder},
			},
			"an entry that is gone":      {[]string{`DELETE FROM ledger_entry WHERE posting = ` + sale + ` AND line = 3`}, nil, []string{CheckOrder, CheckPosting, CheckTotal}},
			"all entries that are gone":  {[]string{`DELETE FROM ledger_entry WHERE posting = ` + sale}, nil, []string{CheckOrder, CheckPosting}},
			"a posting that is gone":     {[]string{`DELETE FROM ledger_posting WHERE ref = 'gift:1'`}, nil, []string{CheckReference, CheckWallet}},
			"an entry's time":            {[]string{`UPDATE ledger_entry SET at = at + 1 WHERE posting = ` + sale + ` AND line = 0`}, nil, []string{CheckPosting}},
			"an account that is gone":    {[]string{`DELETE FROM ledger_account WHERE kind = 'cash'`}, nil, []string{CheckPosting, CheckReference, CheckTotal}},
			"a wallet's balance":         {[]string{`UPDATE ledger_account SET balance = -1 WHERE kind = 'wallet'`}, nil, []string{CheckWallet}},
			"a sale under another order": {[]string{`UPDATE ledger_posting SET order_id = 3 WHERE ref = 'sale:2'`}, nil, []string{CheckOrder}},
			"a sale entered twice": {[]string{
				`INSERT INTO ledger_posting (id, ref, what, order_id, actor, at, note, lines) SELECT 1, 'again', what, order_id, actor, at, note, lines FROM ledger_posting WHERE ref = 'sale:2'`,
				`INSERT INTO ledger_entry (posting, line, account, at, amount, what) SELECT 1, line, account, at, amount, what FROM ledger_entry WHERE posting = ` + sale,
			}, nil, []string{CheckOrder}},
			"an order that nobody knows": {nil, func() func() {
				b := sh.orders[2]
				delete(sh.orders, 2)
				return func() { sh.orders[2] = b }
			}, []string{CheckReference}},
			"an order that is not in the books": {nil, func() func() {
				sh.put(4).Sold = true
				return func() { delete(sh.orders, 4) }
			}, []string{CheckOrder}},
			"an order that was cheaper": {nil, func() func() {
				sh.orders[2].Subtotal, sh.orders[2].Total, sh.orders[2].Taxes[1].Gross = 3329, 3767, 2139
				return func() { sh.orders[2].Sale = sh.orders[1].Sale; sh.orders[2].Order = 2 }
			}, []string{CheckOrder}},
			"an order that was not delivered": {nil, func() func() {
				sh.orders[2].Earned = false
				return func() { sh.orders[2].Earned = true }
			}, []string{CheckOrder}},
			"an order that was cancelled": {nil, func() func() {
				sh.orders[2].Ended = true
				return func() { sh.orders[2].Ended = false }
			}, []string{CheckOrder}},
			"a payment of less": {nil, func() func() {
				sh.moved[2].Taken--
				return func() { sh.moved[2].Taken++ }
			}, []string{CheckPayment}},
			"a payment that nobody made": {nil, func() func() {
				m := sh.moved[2]
				delete(sh.moved, 2)
				return func() { sh.moved[2] = m }
			}, []string{CheckPayment}},
			"a payment that is not in the books": {nil, func() func() {
				sh.moved[9] = &delivery.Moved{Order: 9, Taken: 1}
				return func() { delete(sh.moved, 9) }
			}, []string{CheckPayment}},
		} {
			t.Run(name, func(t *testing.T) {
				if c.knows != nil {
					defer c.knows()()
				}
				var got *Checked
				undo := errors.New("undo")
				err := d.Write(ctx, func(tx *db.Tx) (err error) {
					for _, q := range c.damage {
						if n, err := tx.Exec(ctx, q); err != nil || n == 0 {
							t.Fatalf("%s: %d rows, %v", q, n, err)
						}
					}
					if got, err = s.verify(ctx, tx); err != nil {
						return err
					}
					return undo
				})
				if !errors.Is(err, undo) {
					t.Fatal(err)
				}
				var found []string
				for _, f := range got.Findings {
					found = append(found, f.Check)
				}
				slices.Sort(found)
				if found = slices.Compact(found); !slices.Equal(found, c.want) {
					t.Errorf("found %v; want %v: %v", found, c.want, got.Findings)
				}
			})
		}
		clean(t, s)
	}, Schema)
}

func TestSumsAndBalancesOfAnOwnerByTime(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, sh := newBooks(d)
		for i := range 3 { // a sale an hour, of which the last is brought
			b := sh.put(id.ID(i + 1))
			at := noon.Add(time.Duration(i) * time.Hour)
			b.Sold, b.Earned = true, i == 2
			write(t, d, func(tx *db.Tx) error {
				if err := s.Sell(ctx, tx, b.Sale, at); err != nil || !b.Earned {
					return err
				}
				return s.Earn(ctx, tx, b.Order, 9, at)
			})
		}
		err := d.Read(ctx, func(tx *db.Tx) error {
			got, err := s.Sums(ctx, tx, 5, "EUR", noon.Add(time.Hour), noon.Add(2*time.Hour))
			slices.SortFunc(got, func(a, b delivery.BookSum) int { return cmp.Compare(a.What, b.What) })
			want := []delivery.BookSum{{Kind: "restaurant", What: "option", Amount: -126}, {Kind: "restaurant", What: "sale", Amount: -2874}, {Kind: "tax", What: "tax", Amount: -330}}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("Sums of an hour = %v, %v; want %v", got, err, want)
			}
			all, err := s.Balances(ctx, tx, 5, time.Time{})
			if err != nil {
				return err
			}
			var sum, before money.Amount
			for _, a := range all {
				sum += a.Balance
			}
			if sum != -3*3330+353 {
				t.Errorf("the restaurant's accounts hold %d", sum)
			}
			some, err := s.Balances(ctx, tx, 0, noon.Add(2*time.Hour))
			for _, a := range some {
				before += a.Balance
			}
			if err != nil || before != -2*3330 {
				t.Errorf("before the last sale they hold %d, %v", before, err)
			}
			n := 0
			var at time.Time
			err = s.Walk(ctx, tx, 5, noon.Add(time.Hour), time.Time{}, func(l delivery.BookLine) error {
				if n++; l.At.Before(at) || l.Book.Owner != 5 {
					t.Errorf("%v comes after %v", l, at)
				}
				at = l.At
				return nil
			})
			if n != 9 {
				t.Errorf("Walk gives %d entries; want 9", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}, Schema)
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func TestASaleThatIsNotEnteredSaysWhichFiguresDisagree(t *testing.T) {
	for want, change := range map[string]func(*delivery.Sale){
		"order 1 is taxed on 3569 and costs 3568":       func(s *delivery.Sale) { s.Taxes[0].Gross++ },
		"order 1 has a total of 3769 and parts of 3768": func(s *delivery.Sale) { s.Total++ },
		"order 1 has a total of 3769 and parts of 3268": func(s *delivery.Sale) {
			s.Total++
			s.Discounts = []delivery.Discount{{Amount: 500, Bearer: delivery.PartyPlatform}}
		},
		"order 1 has a discount of -2":                  func(s *delivery.Sale) { s.Discounts = []delivery.Discount{{Amount: -2}} },
		"order 1 has a part of less than nothing":       func(s *delivery.Sale) { s.Tip = -1 },
		"order 1 is taxed on 3568 and costs 3330":       func(s *delivery.Sale) { s.Fee = 0 },
		"order 1 has a total of 3768 and parts of 3767": func(s *delivery.Sale) { s.Tip-- },
		"order 1 is taxed on 3568 and costs 3238": func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Amount: 330, Bearer: delivery.PartyRestaurant}}
		},
		"order 1 has a total of 3330 and parts of 3768": func(s *delivery.Sale) { s.Total = 3330 },
		"order 1 is taxed on 3568 and costs 3567": func(s *delivery.Sale) {
			s.Discounts = []delivery.Discount{{Kind: delivery.DiscountFee, Amount: 1, Bearer: delivery.PartyRestaurant}}
		},
		"order 1 has a total of 3767 and parts of 3768":    func(s *delivery.Sale) { s.Total-- },
		"ledger: order 1 is taxed on 3566 and costs 3568":  func(s *delivery.Sale) { s.Taxes[1].Gross -= 2 },
		"ledger: order 1 has a part of less than nothing":  func(s *delivery.Sale) { s.Credit = 3769 },
		"ledger: order 1 has a total of 0 and parts of 10": func(s *delivery.Sale) { *s = delivery.Sale{Order: 1, Subtotal: 10} },
	} {
		s := dinner()
		change(&s)
		if _, err := takeApart(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("takeApart: %v; want %q", err, want)
		}
	}
	free := dinner()
	free.Credit = free.Total // all of it by credit
	if _, err := takeApart(&free); err != nil {
		t.Error(err)
	}
}

func TestARefundMayBeTaxAlone(t *testing.T) {
	s := dinner()
	got, err := refund(&s, &delivery.Refund{Amount: 5, Currency: "EUR", Liable: delivery.PartyRestaurant, Taxes: []delivery.TaxLine{{Rate: 700, Tax: 5}}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	books(t, got, `
		tax/5@700 5 refund
		customer/7 -5 refund`)
}

func TestPostingsHaveBounds(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := newBooks(d)
		bank := delivery.Book{Kind: delivery.BookBank, Currency: "EUR"}
		pair := func(ref string, amount money.Amount) delivery.Posting {
			return delivery.Posting{Ref: ref, What: "payout", At: noon, Entries: []delivery.Entry{
				{Book: bank, Amount: amount, What: "out"}, {Book: delivery.Book{Kind: delivery.BookCash, Owner: 9, Currency: "EUR"}, Amount: -amount, What: "out"},
			}}
		}
		many := func(ref string, n int) delivery.Posting { // n entries and one of nothing
			p := delivery.Posting{Ref: ref, What: "payout", At: noon, Entries: []delivery.Entry{{Book: bank, What: "nothing"}}}
			for i := range n {
				p.Entries = append(p.Entries, delivery.Entry{Book: delivery.Book{Kind: delivery.BookCourier, Owner: id.ID(1 + i%40), Currency: "EUR"}, Amount: money.Amount(i + 1), What: "out"})
			}
			p.Entries[n].Amount = -money.Amount(n * (n - 1) / 2)
			return p
		}
		for name, p := range map[string]delivery.Posting{
			"a ref of 200 letters": pair(strings.Repeat("r", 200), 1), "the largest entry": pair("large", maxEntry), "the least entry": pair("least", -maxEntry),
			"a thousand entries": many("many", maxEntries), "16 entries": many("sixteen", perInsert), "17 entries": many("seventeen", perInsert+1),
		} {
			for range 2 { // the second time it is the same
				if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Post(t.Context(), tx, p) }); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		for name, p := range map[string]delivery.Posting{
			"a ref of 201 letters": pair(strings.Repeat("r", 201), 1), "an entry too large": pair("a", maxEntry+1), "an entry too small": pair("a", -maxEntry-1),
			"a thousand and one": many("a", maxEntries+1), "a currency of four letters": {Ref: "a", What: "b", Entries: []delivery.Entry{{Book: delivery.Book{Kind: delivery.BookBank, Currency: "EURO"}}}},
		} {
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Post(t.Context(), tx, p) }); err == nil {
				t.Errorf("%s is in the books", name)
			}
		}
		if c := clean(t, s); c.Postings != 6 || c.Entries != 6+1000+16+17 || !c.Payments {
			t.Errorf("the books hold %+v", c)
		}
		for name, change := range map[string]func(*delivery.Posting){
			"kind": func(p *delivery.Posting) { p.What = "other" }, "order": func(p *delivery.Posting) { p.Order = 3 }, "word": func(p *delivery.Posting) { p.Entries[0].What = "in" },
			"fewer entries": func(p *delivery.Posting) { p.Entries = nil }, "last entries": func(p *delivery.Posting) { p.Entries[1].Book.Owner = 10 },
		} {
			p := pair("large", maxEntry)
			change(&p)
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Post(t.Context(), tx, p) }); err == nil {
				t.Errorf("the same ref with another %s is taken for the same", name)
			}
		}
	}, Schema)
}

func TestRememberedAccountsAreForgottenWhenThereAreTooMany(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, _ := newBooks(d)
	for i := range maxKnown - 1 {
		s.known[delivery.Book{Rate: i}] = 1
	}
	for i, want := range []int{maxKnown, 1, 2} {
		write(t, d, func(tx *db.Tx) error {
			_, err := s.account(t.Context(), tx, delivery.Book{Kind: delivery.BookCash, Owner: id.ID(100 + i), Currency: "EUR"})
			return err
		})
		if len(s.known) != want {
			t.Fatalf("after %d more, %d are remembered; want %d", i+1, len(s.known), want)
		}
	}
}

// refs returns the refs of an order's postings as they were entered.
func refs(t *testing.T, d *db.DB, order id.ID) (out []string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		out, err = db.All(t.Context(), tx, func(s db.Scanner) (ref string, err error) { return ref, s.Scan(&ref) }, `SELECT ref FROM ledger_posting WHERE order_id = $1 ORDER BY id`, int64(order))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnOrderThatIsCancelledAgainAndAgainHasARoundEachTime(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, sh := newBooks(d)
		b := sh.put(1)
		b.Credit = 100
		write(t, d, func(tx *db.Tx) error { return s.Post(ctx, tx, gift(7, "gift:1", 100)) })
		for range 3 {
			b.Sold, b.Ended, b.Answers = true, false, ""
			write(t, d, func(tx *db.Tx) error {
				if err := s.Spend(ctx, tx, b.Sale, noon); err != nil {
					return err
				}
				return s.Sell(ctx, tx, b.Sale, noon)
			})
			holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 3668)
			clean(t, s)
			b.Ended, b.Answers = true, delivery.PartyRestaurant
			write(t, d, func(tx *db.Tx) error { return s.Unsell(ctx, tx, 1, delivery.PartyRestaurant, false, noon) })
			holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 0)
			holds(t, s, delivery.Book{Kind: delivery.BookWallet, Owner: 7}, -100)
			clean(t, s)
		}
		want := []string{"credit:1", "sale:1", "unsale:1", "credit:1:1", "sale:1:1", "unsale:1:1", "credit:1:2", "sale:1:2", "unsale:1:2"}
		if diff := cmp.Diff(want, refs(t, d, 1)); diff != "" {
			t.Errorf("its postings (-want +got):\n%s", diff)
		}
		other := b.Sale
		other.Total, other.Tip = other.Total+1, other.Tip+1
		if err := d.Write(ctx, func(tx *db.Tx) error { return s.Unsell(ctx, tx, 99, delivery.PartyPlatform, true, noon) }); err != nil {
			t.Errorf("an order of which nothing is entered: %v", err)
		}
		second := sh.put(2)
		second.Sold = true
		write(t, d, func(tx *db.Tx) error { return s.Sell(ctx, tx, second.Sale, noon) })
		other.Order, other.Credit = 2, 0
		if err := d.Write(ctx, func(tx *db.Tx) error { return s.Sell(ctx, tx, other, noon) }); err == nil {
			t.Error("an order is sold twice, at two prices")
		}
	}, Schema)
}

func TestARefundThatCameToNothingIsTakenBackOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, sh := newBooks(d)
		b := sh.put(1)
		b.Sold = true
		sh.put(2)
		write(t, d, func(tx *db.Tx) error { return s.Sell(ctx, tx, b.Sale, noon) })
		r := delivery.Refund{ID: 3, Order: 1, Amount: 107, Currency: "EUR", Taxes: []delivery.TaxLine{{Rate: 700, Gross: 107, Tax: 7}}, Liable: delivery.PartyPlatform, At: noon}
		for range 2 {
			write(t, d, func(tx *db.Tx) error { return s.Refund(ctx, tx, r) })
		}
		holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 3768-107)
		holds(t, s, delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubRefunds}, 100)
		clean(t, s)
		for name, of := range map[string][2]id.ID{"another order's": {2, 3}, "one that is none": {1, 4}} {
			if err := d.Write(ctx, func(tx *db.Tx) error { return s.Unrefund(ctx, tx, of[0], of[1], noon) }); err == nil {
				t.Errorf("%s was taken back", name)
			}
		}
		for range 2 {
			write(t, d, func(tx *db.Tx) error { return s.Unrefund(ctx, tx, 1, 3, noon) })
			holds(t, s, delivery.Book{Kind: delivery.BookCustomer, Owner: 7}, 3768)
			holds(t, s, delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubRefunds}, 0)
			holds(t, s, delivery.Book{Kind: delivery.BookTax, Owner: 5, Rate: 700}, -140)
			clean(t, s)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			return s.Refund(ctx, tx, delivery.Refund{ID: 9, Order: 77, Amount: 1, Currency: "EUR"})
		}); !errs.Is(err, errs.NotFound) {
			t.Errorf("a refund of an order that is none: %v", err)
		}
	}, Schema)
}

func TestWhoHasCashAndWhatIsNotedOfThem(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, sh := newBooks(d)
		for i := range 4 { // 21, 22 and 23 take cash at doors, the restaurant at its counter; 23 hands all of it in
			b := sh.put(id.ID(i + 1))
			if b.Sold = true; i == 3 {
				b.Mode, b.Tip, b.Total, b.Fee, b.Taxes[0] = delivery.Pickup, 0, 3330, 0, delivery.TaxLine{Rate: 1900, Gross: 1190, Tax: 190}
			}
			write(t, d, func(tx *db.Tx) error {
				if err := s.Sell(ctx, tx, b.Sale, noon); err != nil {
					return err
				}
				return s.Take(ctx, tx, delivery.Taken{Order: b.Order, Method: delivery.PayOnDelivery, Amount: b.Total, Currency: "EUR", By: id.ID(21 + i), At: noon})
			})
			sh.moved[b.Order] = &delivery.Moved{Order: b.Order, Taken: b.Total}
		}
		write(t, d, func(tx *db.Tx) error {
			return s.Post(ctx, tx, delivery.Posting{Ref: "handin:1", What: "hand_in", By: 40, At: noon, Note: "Counted by Emil", Entries: []delivery.Entry{
				{Book: delivery.Book{Kind: delivery.BookBank, Currency: "EUR"}, Amount: 3768, What: "hand_in"},
				{Book: delivery.Book{Kind: delivery.BookCash, Owner: 23, Currency: "EUR"}, Amount: -3768, What: "hand_in"},
			}})
		})
		clean(t, s)
		err := d.Read(ctx, func(tx *db.Tx) error {
			for name, c := range map[string]struct {
				currency string
				after    id.ID
				limit    int
				want     []id.ID
			}{"all": {"EUR", 0, 9, []id.ID{21, 22}}, "a page": {"EUR", 0, 1, []id.ID{21}}, "the next": {"EUR", 21, 9, []id.ID{22}}, "francs": {"CHF", 0, 9, nil}} {
				list, err := s.Cash(ctx, tx, c.currency, c.after, c.limit)
				if err != nil {
					return err
				}
				var got []id.ID
				for _, a := range list {
					if got = append(got, a.Book.Owner); a.Balance != 3768 || a.Book.Kind != delivery.BookCash {
						t.Errorf("%s: %+v", name, a)
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: %v; want %v", name, got, c.want)
				}
			}
			n, err := countOf(ctx, tx, 23)
			if n != 2 {
				t.Errorf("%d entries stand about 23; want what came and what went", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		noted := func(want int) {
			t.Helper()
			var n int
			err := d.Read(ctx, func(tx *db.Tx) error {
				return tx.Row(ctx, `SELECT COUNT(*) FROM ledger_posting WHERE note <> ''`).Scan(&n)
			})
			if err != nil || n != want {
				t.Errorf("%d notes, %v; want %d", n, err, want)
			}
		}
		noted(1)
		write(t, d, func(tx *db.Tx) error { return dropNotes(ctx, tx, 22) }) // who has nothing to do with the note
		noted(1)
		write(t, d, func(tx *db.Tx) error { return dropNotes(ctx, tx, 23) })
		noted(0)
		clean(t, s)
	}, Schema)
}

func TestAnAccountIsReadPageByPage(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := newBooks(d)
		for i := range 7 { // two at a time
			p := gift(5, fmt.Sprint("gift:", i), money.Amount(i+1))
			p.At = noon.Add(time.Duration(i/2) * time.Minute)
			write(t, d, func(tx *db.Tx) error { return s.Post(t.Context(), tx, p) })
		}
		admin := access.With(t.Context(), access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleAdmin}}})
		list, err := s.Accounts(admin, delivery.BookWallet, 0, "", 10)
		if err != nil || len(list.Items) != 1 || list.Next != "" {
			t.Fatalf("Accounts = %+v, %v", list, err)
		}
		for _, size := range []int{1, 2, 3, 7, 8} {
			var got []money.Amount
			cursor, pages := "", 0
			for {
				st, err := s.Account(admin, list.Items[0].ID, time.Time{}, time.Time{}, cursor, size)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range st.Entries.Items {
					got = append(got, -l.Amount)
				}
				if pages++; pages > 8 {
					t.Fatal("the pages have no end")
				}
				if cursor = st.Entries.Next; cursor == "" {
					break
				}
			}
			if want := (7 + size - 1) / size; !slices.Equal(got, []money.Amount{7, 6, 5, 4, 3, 2, 1}) || pages != want {
				t.Errorf("by %d: %v on %d pages; want the newest first on %d", size, got, pages, want)
			}
		}
		var kinds []delivery.BookKind
		for cursor, n := "", 0; n < 3; n++ {
			p, err := s.Accounts(admin, "", 0, cursor, 1)
			if err != nil || len(p.Items) > 1 {
				t.Fatalf("%+v, %v", p, err)
			}
			for _, a := range p.Items {
				kinds = append(kinds, a.Book.Kind)
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if !slices.Equal(kinds, []delivery.BookKind{delivery.BookWallet, delivery.BookPlatform}) {
			t.Errorf("accounts one by one: %v", kinds)
		}
	}, Schema)
}

func TestFindingsSayInWordsWhatIsWrongAndAreCountedAll(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, sh := newBooks(d)
	const orders = verifyChunk + 150 // more than are held at once
	for order := id.ID(1); order <= orders; order++ {
		b := sh.put(order)
		b.PlacedAt = noon.Add(-time.Hour) // from before there were books
	}
	write(t, d, func(tx *db.Tx) error { return s.Post(t.Context(), tx, gift(7, "gift:1", 250)) })
	if c := clean(t, s); c.Orders != orders || c.Accounts != 2 || c.Postings != 1 || c.Entries != 2 {
		t.Errorf("%+v", c)
	}
	for order := id.ID(1); order <= orders; order++ {
		if order > orders-120 { // these are not from before, and not in the books
			sh.orders[order].PlacedAt, sh.orders[order].Sold = noon, true
		}
	}
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE ledger_account SET balance = -100 WHERE kind = 'wallet'`)
		return err
	})
	c, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, f := range c.Findings {
		listed[f.Check]++
	}
	if diff := cmp.Diff(map[string]int{CheckOrder: 120 * 7, CheckWallet: 1}, c.Found); diff != "" { // seven accounts each
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{CheckOrder: maxFindings, CheckWallet: 1}, listed); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if got := c.Findings[0].What; got != "wallet 7 is kept to hold 1.00 EUR, and its entries say 2.50 EUR" {
		t.Errorf("the wallet: %q", got)
	}
	if got, want := c.Findings[1].What, "K7Q-531: customer 7 lacks 37.68 EUR"; got != want {
		t.Errorf("the first order: %q; want %q", got, want)
	}
	for want, b := range map[string]delivery.Book{
		"platform fees": platform(delivery.SubFees), "tax 7 at 1900": tax(7, 1900), "tax at 0": tax(0, 0), "tips": tips, "provider stripe": provider("stripe"), "courier 9": courierOf(9),
	} {
		if got := name(b); got != want {
			t.Errorf("name(%+v) = %q; want %q", b, got, want)
		}
	}
}

func TestOfAnOrderThatNobodySawNothingIsWantedHoweverItEnded(t *testing.T) {
	b := &delivery.Bought{Sale: dinner(), Ended: true, Cooked: true, Answers: delivery.PartyPlatform}
	if wrong := compare(b, &story{}); len(wrong) != 0 {
		t.Errorf("it lacks %q", wrong)
	}
	if wrong := compare(b, &story{sales: 1}); len(wrong) != 2 {
		t.Errorf("one that was sold: %q", wrong)
	}
}

func TestWhatWasEarnedBeforeAnOrderWasTakenBackIsNotWantedAgain(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, sh := newBooks(d)
	b := sh.put(1)
	b.Sold, b.Deal, b.Tip, b.Total = true, delivery.Deal{}, 0, 3568
	for _, courier := range []id.ID{9, 0} { // the second time nobody brings it, and nobody earns anything
		b.Earned, b.Courier = true, courier
		write(t, d, func(tx *db.Tx) error {
			if err := s.Unsell(t.Context(), tx, 1, delivery.PartyRestaurant, false, noon); err != nil {
				return err
			}
			return s.Earn(t.Context(), tx, 1, courier, noon)
		})
		clean(t, s)
	}
	holds(t, s, delivery.Book{Kind: delivery.BookCourier, Owner: 9}, 0)
}

// pots is what group orders know of their pots.
type pots map[id.ID]money.Amount

func (p pots) Pots(context.Context, *db.Tx) (map[id.ID]money.Amount, error) {
	if p == nil {
		return nil, errors.New("they don't say")
	}
	out := map[id.ID]money.Amount{}
	for group, amount := range p {
		out[group] = amount
	}
	return out, nil
}

func TestASharedPotHoldsWhatWasPaidIn(t *testing.T) {
	in := delivery.Taken{Order: 3, Group: 9, Method: delivery.PayByCard, Provider: "stripe", Amount: 500, Fee: 12, Currency: "EUR", At: noon}
	out := delivery.Returned{Order: 3, Group: 9, Refund: 1, Method: delivery.PayByCard, Provider: "stripe", Amount: 200, Currency: "EUR", At: noon}
	books(t, takeShare(&in), `
		provider/stripe 500 paid
		pot/9 -500 paid
		platform/card_fees 12 card_fee
		provider/stripe -12 card_fee`)
	books(t, giveShareBack(&out), `
		pot/9 200 paid_back
		provider/stripe -200 paid_back`)
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := newBooks(d)
		for range 2 {
			write(t, d, func(tx *db.Tx) error { return s.Take(t.Context(), tx, in) })
			write(t, d, func(tx *db.Tx) error { return s.Return(t.Context(), tx, out) })
		}
		clean(t, s) // nobody to compare with
		s.opt.Pots = pots{9: 300, 10: 0}
		clean(t, s)
		for _, p := range []pots{{9: 299}, {9: 300, 10: 1}, {}} {
			s.opt.Pots = p
			if c, err := s.Verify(t.Context()); err != nil || c.Found[CheckPayment] != 1 {
				t.Errorf("%v: %+v, %v; want one finding", p, c.Findings, err)
			}
		}
		s.opt.Pots = pots(nil)
		if _, err := s.Verify(t.Context()); err == nil {
			t.Error("an error of who knows the pots is no error")
		}
		s.opt.Payments = nil
		clean(t, s)
	}, Schema)
}

package ledger

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// bookkeeping does to the books what could be done to them, in one transaction that is never committed.
type bookkeeping struct {
	*Service
	t      *testing.T
	failed *atomic.Bool
	rt     *rapid.T
	ctx    context.Context
	tx     *db.Tx
	shelf  *shelf
	last   id.ID
	orders []*life
	at     *life        // the order of the last step
	again  func() error // the last step, once more
}

// life is what the model knows of an order.
type life struct {
	*delivery.Bought
	taken, refunded, returned money.Amount
}

// customers are 1 to 3, restaurants 11 and 12, couriers 21 and 22.
const restaurants, couriers = 10, 20

// sale draws what somebody buys, with the tax that belongs to it.
func (k *bookkeeping) sale() delivery.Sale {
	rt := k.rt
	k.last++
	s := delivery.Sale{
		Order: k.last, Code: k.last.String(), Customer: id.ID(rapid.IntRange(1, 3).Draw(rt, "customer")), Restaurant: restaurants + id.ID(rapid.IntRange(1, 2).Draw(rt, "restaurant")),
		Mode: rapid.SampledFrom([]delivery.Mode{delivery.ByCourier, delivery.Pickup}).Draw(rt, "mode"), Currency: "EUR",
		FeeRate: rapid.SampledFrom([]int{0, 700, 1900}).Draw(rt, "fee rate"), Tip: rapid.Int64Range(0, 300).Draw(rt, "tip"),
		Deal: delivery.Deal{
			Commission: rapid.IntRange(0, 3000).Draw(rt, "commission"), CommissionFlat: rapid.Int64Range(0, 50).Draw(rt, "flat"),
			CardFee: rapid.SampledFrom([]delivery.Party{delivery.PartyRestaurant, delivery.PartyPlatform}).Draw(rt, "card fee"),
			FeeTo:   rapid.SampledFrom([]delivery.Party{delivery.PartyRestaurant, delivery.PartyPlatform}).Draw(rt, "fee to"),
		},
		DistM: rapid.Float64Range(0, 9000).Draw(rt, "distance"),
	}
	if s.Mode == delivery.ByCourier {
		s.Fee = rapid.Int64Range(0, 500).Draw(rt, "fee")
	}
	rates := []int{0, 700, 1900}
	gross := make([]int64, len(rates))
	for range rapid.IntRange(1, 3).Draw(rt, "lines") {
		r := rapid.IntRange(0, len(rates)-1).Draw(rt, "rate")
		l := delivery.QuoteLine{Qty: rapid.IntRange(1, 3).Draw(rt, "qty"), Unit: rapid.Int64Range(0, 2000).Draw(rt, "unit"), Rate: rates[r]}
		l.Extra = rapid.Int64Range(0, l.Unit).Draw(rt, "extra")
		l.Total = l.Unit * int64(l.Qty)
		gross[r] += l.Total
		s.Subtotal += l.Total
		s.Lines = append(s.Lines, l)
	}
	food, fee := s.Subtotal, s.Fee // what can still be taken off
	var foodOff, feeOff money.Amount
	for range rapid.IntRange(0, 2).Draw(rt, "discounts") {
		d := delivery.Discount{Kind: delivery.DiscountAmount, Bearer: rapid.SampledFrom([]delivery.Party{delivery.PartyRestaurant, delivery.PartyPlatform}).Draw(rt, "bearer")}
		from, off := &food, &foodOff
		if rapid.Bool().Draw(rt, "off the fee") {
			d.Kind, from, off = delivery.DiscountFee, &fee, &feeOff
		}
		d.Amount = rapid.Int64Range(0, *from).Draw(rt, "off")
		*from -= d.Amount
		s.Total -= d.Amount
		if d.Bearer == delivery.PartyRestaurant {
			*off += d.Amount
		}
		s.Discounts = append(s.Discounts, d)
	}
	s.Total += s.Subtotal + s.Fee + s.Tip
	for i, off := range money.Split(foodOff, gross) {
		gross[i] -= off
		sum := gross[i]
		if rates[i] == s.FeeRate {
			sum += s.Fee - feeOff
		}
		if sum != 0 {
			s.Taxes = append(s.Taxes, delivery.TaxLine{Rate: rates[i], Gross: sum, Tax: money.TaxIncluded(sum, rates[i])})
		}
	}
	return s
}

// try runs a step that may find less credit than it needs, and reports whether it did not.
func (k *bookkeeping) try(fn func() error) bool {
	k.exec(`SAVEPOINT step`)
	err := fn()
	if errs.CodeOf(err) == "changed" {
		k.exec(`ROLLBACK TO step`)
	}
	k.exec(`RELEASE step`)
	if err != nil && errs.CodeOf(err) != "changed" {
		k.fail(err)
	}
	return err == nil
}

func (k *bookkeeping) exec(query string) {
	if _, err := k.tx.Exec(k.ctx, query); err != nil {
		k.fail(err)
	}
}

// do makes a step that must succeed.
func (k *bookkeeping) do(fn func() error) {
	k.again = fn
	if err := fn(); err != nil {
		k.fail(err)
	}
}

// one draws an order for which a step is possible, or skips the step.
func (k *bookkeeping) one(can func(*life) bool) *life {
	var list []*life
	for _, o := range k.orders {
		if can(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		k.rt.Skip("no order for that")
	}
	k.at = rapid.SampledFrom(list).Draw(k.rt, "order")
	return k.at
}

func (k *bookkeeping) gift(*rapid.T) {
	k.last++
	k.do(func(p delivery.Posting) func() error {
		return func() error { return k.Post(k.ctx, k.tx, p) }
	}(gift(id.ID(rapid.IntRange(1, 3).Draw(k.rt, "to")), "gift:"+k.last.String(), rapid.Int64Range(1, 4000).Draw(k.rt, "amount"))))
}

func (k *bookkeeping) place(*rapid.T) {
	s := k.sale()
	if rapid.Bool().Draw(k.rt, "with credit") {
		s.Credit = rapid.Int64Range(0, s.Total).Draw(k.rt, "credit")
	}
	o := &life{Bought: &delivery.Bought{Sale: s, PlacedAt: noon}}
	if !k.try(func() error { return k.Spend(k.ctx, k.tx, s, noon) }) {
		return
	}
	k.shelf.orders[s.Order] = o.Bought
	k.orders, k.at = append(k.orders, o), o
}

func (k *bookkeeping) sell(*rapid.T) {
	o := k.one(func(o *life) bool { return !o.Sold && !o.Ended })
	o.Sold = true
	s := o.Sale
	k.do(func() error { return k.Sell(k.ctx, k.tx, s, noon) })
}

func (k *bookkeeping) take(*rapid.T) {
	o := k.one(func(o *life) bool { return o.Sold && !o.Ended && o.taken == 0 && o.Total > o.Credit })
	m := delivery.Taken{Order: o.Order, Method: delivery.PayOnDelivery, Amount: o.Total - o.Credit, Currency: "EUR", By: couriers + 1, At: noon}
	if rapid.Bool().Draw(k.rt, "by card") {
		m.Method, m.Provider, m.By = delivery.PayByCard, "sandbox", 0
		m.Fee, m.Sent = rapid.Int64Range(0, 30).Draw(k.rt, "card fee"), rapid.Int64Range(0, m.Amount).Draw(k.rt, "sent")
	}
	o.taken = m.Amount
	k.shelf.moved[o.Order] = &delivery.Moved{Order: o.Order, Taken: m.Amount}
	k.do(func() error { return k.Take(k.ctx, k.tx, m) })
}

func (k *bookkeeping) earn(*rapid.T) {
	o := k.one(func(o *life) bool { return o.Sold && !o.Ended && !o.Earned })
	o.Earned = true
	if o.Mode == delivery.ByCourier {
		o.Courier = rapid.SampledFrom([]id.ID{0, couriers + 1, couriers + 2}).Draw(k.rt, "courier")
	}
	order, courier := o.Order, o.Courier
	k.do(func() error { return k.Earn(k.ctx, k.tx, order, courier, noon) })
}

func (k *bookkeeping) refund(*rapid.T) {
	o := k.one(func(o *life) bool { return o.Sold && !o.Ended && o.taken > o.refunded })
	k.last++
	r := delivery.Refund{
		ID: k.last, Order: o.Order, Amount: rapid.Int64Range(1, o.taken-o.refunded).Draw(k.rt, "amount"), Currency: "EUR", At: noon,
		Liable: rapid.SampledFrom([]delivery.Party{delivery.PartyRestaurant, delivery.PartyPlatform, delivery.PartyCourier}).Draw(k.rt, "liable"),
	}
	weights := []int64{o.Tip}
	for _, t := range o.Taxes {
		weights = append(weights, t.Gross)
	}
	for i, part := range money.Split(r.Amount, weights)[1:] {
		r.Taxes = append(r.Taxes, delivery.TaxLine{Rate: o.Taxes[i].Rate, Gross: part, Tax: money.TaxIncluded(part, o.Taxes[i].Rate)})
	}
	o.refunded += r.Amount
	k.do(func() error { return k.Refund(k.ctx, k.tx, r) })
}

// giveBack returns money that is owed: to the card, in cash or as credit.
func (k *bookkeeping) giveBack(*rapid.T) {
	o := k.one(func(o *life) bool { return o.owed() > 0 })
	k.last++
	m := delivery.Returned{
		Order: o.Order, Refund: k.last, Amount: rapid.Int64Range(1, o.owed()).Draw(k.rt, "amount"), Currency: "EUR", By: couriers + 1, At: noon,
		Method: rapid.SampledFrom([]delivery.Method{delivery.PayByCard, delivery.PayOnDelivery, delivery.PayByCredit}).Draw(k.rt, "to"),
	}
	o.returned += m.Amount
	if m.Method == delivery.PayByCard {
		m.Provider = "sandbox"
		m.Pulled = rapid.Int64Range(0, m.Amount).Draw(k.rt, "pulled")
		k.shelf.moved[o.Order].Returned += m.Amount
	}
	k.do(func() error { return k.Return(k.ctx, k.tx, m) })
}

// owed is what the customer of an order has to get back.
func (o *life) owed() money.Amount {
	if o.Ended {
		return o.taken - o.returned
	}
	return o.refunded - o.returned
}

func (k *bookkeeping) cancel(*rapid.T) {
	o := k.one(func(o *life) bool { return !o.Ended && !o.Earned })
	o.Ended = true
	o.Answers = rapid.SampledFrom([]delivery.Party{delivery.PartyRestaurant, delivery.PartyPlatform, delivery.PartyCourier, delivery.PartyCustomer}).Draw(k.rt, "answers")
	o.Cooked = o.Sold && rapid.Bool().Draw(k.rt, "cooked")
	o.Courier = rapid.SampledFrom([]id.ID{0, couriers + 1}).Draw(k.rt, "courier")
	order, answers, cooked := o.Order, o.Answers, o.Cooked
	k.do(func() error { return k.Unsell(k.ctx, k.tx, order, answers, cooked, noon) })
	if o.Cooked && o.Answers != delivery.PartyRestaurant {
		return
	}
	stands, _, err := claimed(k.ctx, k.tx, order)
	if left := lessThan(stands, nil); err != nil || len(left) > 0 {
		k.rt.Fatalf("of a cancelled order is left, besides money that moved: %v\n%s", err, written(left))
	}
}

// restore takes up what was cancelled, or what was paid for all the same, unless money was given back for it.
func (k *bookkeeping) restore(*rapid.T) {
	o := k.one(func(o *life) bool { return (o.Ended || o.Earned) && o.Sold && o.refunded == 0 && o.returned == 0 })
	s := o.Sale
	ok := k.try(func() error {
		return errors.Join(k.Unsell(k.ctx, k.tx, s.Order, delivery.PartyRestaurant, false, noon), k.Spend(k.ctx, k.tx, s, noon))
	})
	if !ok {
		return
	}
	o.Ended, o.Earned, o.Cooked, o.Answers, o.Courier = false, false, false, "", 0
	k.do(func() error { return k.Sell(k.ctx, k.tx, s, noon) })
}

// payOut pays a restaurant or courier what they are owed.
func (k *bookkeeping) payOut(*rapid.T) {
	k.last++
	owner := rapid.SampledFrom([]id.ID{restaurants + 1, restaurants + 2, couriers + 1, couriers + 2}).Draw(k.rt, "payee")
	list, err := k.Balances(k.ctx, k.tx, owner, time.Time{})
	if err != nil {
		k.fail(err)
	}
	p := delivery.Posting{Ref: "payout:" + k.last.String(), What: "payout", At: noon}
	var sum money.Amount
	for _, a := range list {
		p.Entries = append(p.Entries, delivery.Entry{Book: a.Book, Amount: -a.Balance, What: "payout"})
		sum += a.Balance
	}
	p.Entries = append(p.Entries, delivery.Entry{Book: delivery.Book{Kind: delivery.BookBank, Currency: "EUR"}, Amount: sum, What: "payout"})
	k.do(func() error { return k.Post(k.ctx, k.tx, p) })
}

func (k *bookkeeping) repeat(*rapid.T) {
	if k.again == nil {
		k.rt.Skip("nothing was done yet")
	}
	if err := k.again(); err != nil {
		k.rt.Fatalf("done once more: %v", err)
	}
}

// fail ends a walk. The first error is logged at once: rapid tells of the last one only, which is another where a database was slow.
func (k *bookkeeping) fail(err error) {
	if !k.failed.Swap(true) {
		k.t.Logf("a walk ends: %v (%v)", err, errors.Unwrap(err))
	}
	k.rt.Fatal(err)
}

// query returns the one number that a statement gives.
func (k *bookkeeping) query(query string, args ...any) (sum int64) {
	if err := k.tx.Row(k.ctx, query, args...).Scan(&sum); err != nil {
		k.fail(err)
	}
	return sum
}

// look checks after each step what must always hold: of everything together, and of the order that the step was about.
func (k *bookkeeping) look(*rapid.T) {
	if sum := k.query(`SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger_entry`); sum != 0 {
		k.rt.Fatalf("everything sums to %d", sum)
	}
	if k.at != nil {
		k.check(k.at)
	}
}

// check compares what the books hold of an order with what the model knows of it.
func (k *bookkeeping) check(o *life) {
	want := o.returned - o.taken - o.Credit - o.refunded
	if o.Sold {
		want += o.Total
	}
	if o.Ended {
		want = o.returned - o.taken
	}
	if got := k.query(`SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_posting p JOIN ledger_entry e ON e.posting = p.id JOIN ledger_account a ON a.id = e.account
		WHERE p.order_id = $1 AND a.kind = 'customer'`, int64(o.Order)); got != want {
		k.rt.Fatalf("the customer of order %d owes %d; want %d", o.Order, got, want)
	}
	if !o.Sold || o.Ended || o.refunded > 0 {
		return
	}
	for _, t := range o.Taxes {
		if got := k.query(`SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_posting p JOIN ledger_entry e ON e.posting = p.id JOIN ledger_account a ON a.id = e.account
			WHERE p.order_id = $1 AND a.kind = 'tax' AND a.rate = $2`, int64(o.Order), t.Rate); got != -t.Tax {
			k.rt.Fatalf("order %d has tax of %d at %d in the books and %d in its snapshot", o.Order, -got, t.Rate, t.Tax)
		}
	}
}

// audit checks at the end of a walk all orders, and all that Verify does.
func (k *bookkeeping) audit() {
	for _, o := range k.orders {
		k.check(o)
	}
	c, err := k.verify(k.ctx, k.tx)
	if err != nil {
		k.fail(err)
	}
	for _, f := range c.Findings {
		k.rt.Errorf("%s: %s", f.Check, f.What)
	}
}

// errTriedAgain says that PostgreSQL wants a walk from its beginning, which would draw other numbers: it is given up, not wrong.
var errTriedAgain = errors.New("the database wants the transaction once more")

// patient returns a PostgreSQL database that waits for a walk, however long it draws: by itself it ends a transaction in which nothing was asked
// for ten seconds, which a busy machine takes now and then.
func patient(t *testing.T) *db.DB {
	u, err := url.Parse(dbtest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("idle_in_transaction_session_timeout", "0")
	q.Set("statement_timeout", "0")
	u.RawQuery = q.Encode()
	d, err := db.Open(t.Context(), db.Options{URL: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), Schema); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTheBooksHoldWhateverHappens walks through what can be done, at random: more of it with -rapid.checks and -rapid.steps.
func TestTheBooksHoldWhateverHappens(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { walk(t, dbtest.SQLite(t, Schema)) })
	t.Run("postgres", func(t *testing.T) { walk(t, patient(t)) })
}

func walk(t *testing.T, d *db.DB) {
	undo := errors.New("undo")
	var failed atomic.Bool
	rapid.Check(t, func(rt *rapid.T) {
		s, sh := newBooks(d)
		tries := 0
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if tries++; tries > 1 {
				return errTriedAgain
			}
			k := &bookkeeping{Service: s, t: t, failed: &failed, rt: rt, ctx: t.Context(), tx: tx, shelf: sh}
			rt.Repeat(map[string]func(*rapid.T){
				"": k.look, "gift": k.gift, "place": k.place, "sell": k.sell, "take": k.take, "earn": k.earn, "refund": k.refund, "give back": k.giveBack,
				"cancel": k.cancel, "restore": k.restore, "pay out": k.payOut, "repeat": k.repeat,
			})
			k.audit()
			return undo
		})
		if !errors.Is(err, undo) {
			rt.Fatal(err)
		}
	})
}

package refund

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

var schemas = []fs.FS{Schema, payment.Schema, ledger.Schema, idem.Schema, events.Schema, jobs.Schema}

var (
	desk  = access.Actor{ID: 40, Name: "Emil", Roles: []access.Grant{{Role: access.RoleDispatcher}}}
	owner = access.Actor{ID: 20, Name: "Carla", Roles: []access.Grant{{Role: access.RoleOwner, Place: 7}}}
	staff = access.Actor{ID: 21, Name: "Cem", Roles: []access.Grant{{Role: access.RoleStaff, Place: 7}}}
	anna  = access.Actor{ID: 10, Name: "Anna"}
)

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

// town is refunds with real payments, sandbox and books, over orders of its own: each is 2 × 7.00 at 7 %, 3 × 10.00 in all at 19 %, 2.00 delivery at 19 %
// and 1.00 tip, less 4.40 that the restaurant takes off.
type town struct {
	*Service
	d      *db.DB
	pay    *payment.Service
	books  *ledger.Service
	mu     sync.Mutex
	orders map[id.ID]delivery.Bought
	marks  []string
}

func (tw *town) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	b, ok := tw.orders[order]
	if !ok {
		return b, errNotFound
	}
	return b, nil
}

func (tw *town) BoughtAfter(context.Context, *db.Tx, id.ID, int) ([]delivery.Bought, error) {
	return nil, nil
}

func (tw *town) Thing(_ context.Context, ref string) (access.Thing, error) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	for order, b := range tw.orders {
		if ref == b.Code || ref == order.String() {
			return thing(order, &b), nil
		}
	}
	return access.Thing{}, errNotFound
}

func (tw *town) Remark(_ context.Context, tx *db.Tx, order, by id.ID, what, reason, note string) error {
	tx.AfterCommit(func() {
		tw.mu.Lock()
		defer tw.mu.Unlock()
		tw.marks = append(tw.marks, what+" "+reason)
	})
	return nil
}

func newTown(d *db.DB) *town {
	tw := &town{d: d, orders: map[id.ID]delivery.Bought{}}
	bus, ids := events.NewLocal(), id.NewSource(1)
	now := clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)).Now
	log := events.New(d, bus)
	tw.books = ledger.New(d, ids, now, ledger.Options{Orders: tw})
	tw.pay = payment.New(payment.Deps{
		DB: d, IDs: ids, Now: now, Log: log, Jobs: jobs.New(d, bus, now, ids, jobs.Options{}), Books: tw.books,
		Providers: []payment.Named{{Name: payment.SandboxName, Provider: payment.NewSandbox(d)}},
	}, payment.Options{Refunded: func(ctx context.Context, tx *db.Tx, refund id.ID, why string) error {
		return tw.Answered(ctx, tx, refund, why)
	}})
	tw.Service = New(Deps{DB: d, IDs: ids, Now: now, Log: log, Orders: tw, Payments: tw.pay, Books: tw.books})
	return tw
}

func (tw *town) write(t testing.TB, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := tw.d.Write(t.Context(), func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// order makes an order that is sold, paid and delivered.
func (tw *town) order(t testing.TB, order id.ID, method delivery.Method) {
	t.Helper()
	b := delivery.Bought{Sale: delivery.Sale{
		Order: order, Code: "K7Q-2PM", Customer: anna.ID, Restaurant: 7, Mode: delivery.ByCourier, Currency: "EUR",
		Lines:    []delivery.QuoteLine{{Name: "Dal", Qty: 2, Unit: 700, Total: 1400, Rate: 700}, {Name: "Beer", Qty: 3, Unit: 1000, Total: 3000, Rate: 1900}},
		Subtotal: 4400, Fee: 200, FeeRate: 1900, Tip: 100,
		Discounts: []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 440, Bearer: delivery.PartyRestaurant}},
		Taxes:     []delivery.TaxLine{{Rate: 700, Gross: 1260, Tax: 82}, {Rate: 1900, Gross: 2900, Tax: 463}},
		Total:     4260,
	}, Courier: 30, Sold: true, Earned: true}
	tw.mu.Lock()
	tw.orders[order] = b
	tw.mu.Unlock()
	tw.write(t, func(ctx context.Context, tx *db.Tx) error {
		if err := tw.books.Sell(ctx, tx, b.Sale, tw.Now()); err != nil {
			return err
		}
		c := delivery.Charge{Order: order, Method: method, Amount: 4260, Currency: "EUR", Token: "tok_ok", Customer: anna.ID, Restaurant: 7}
		if method == delivery.PayOnDelivery {
			return tw.pay.Collect(ctx, tx, c, 30, tw.Now())
		}
		if err := tw.pay.Open(ctx, tx, c); err != nil {
			return err
		}
		return tw.pay.Aim(ctx, tx, order, delivery.AimCapture)
	})
	tw.settle(t, order)
}

func (tw *town) settle(t testing.TB, order id.ID) {
	t.Helper()
	if err := tw.pay.Settle(t.Context(), order, nil); err != nil {
		t.Fatal(err)
	}
}

func (tw *town) balance(t testing.TB, b delivery.Book) (sum money.Amount) {
	t.Helper()
	b.Currency = "EUR"
	err := tw.d.Read(t.Context(), func(tx *db.Tx) (err error) {
		sum, err = tw.books.Balance(t.Context(), tx, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

var customer = delivery.Book{Kind: delivery.BookCustomer, Owner: anna.ID}

func TestALineGoesBackAsItWasPaidWithItsTax(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.order(t, 1, delivery.PayByCard)
		w := Wish{Lines: []Line{{Line: 1, Qty: 1}}, Reason: "MISSING", Liable: "restaurant", Note: "Sorry!"}
		r, err := tw.Grant(as(desk), 1, "k1", w)
		if err != nil {
			t.Fatal(err)
		}
		// 30.00 less 3.00 of the 4.40 off is 27.00 for three; one is 9.00, of which 1.44 is tax.
		want := []delivery.TaxLine{{Rate: 1900, Gross: 900, Tax: 144}}
		if diff := cmp.Diff(want, r.Taxes); r.Amount != 900 || r.State != Pending || r.To != ToCard || diff != "" {
			t.Fatalf("%+v, taxes (-want +got):\n%s", r, diff)
		}
		again, err := tw.Grant(as(desk), 1, "k1", w)
		if err != nil || again.ID != r.ID {
			t.Fatalf("again: %+v, %v", again, err)
		}
		if b := tw.balance(t, customer); b != -900 {
			t.Fatalf("the customer is owed %d; want 900", -b)
		}
		tw.settle(t, 1)
		sheet, err := tw.List(as(anna), 1)
		if err != nil || len(sheet.Refunds) != 1 || sheet.Refunds[0].State != Done || sheet.Left != 3360 || sheet.MayGrant || sheet.Refunds[0].Liable != "" || sheet.Refunds[0].By != 0 {
			t.Fatalf("her sheet: %+v, %v", sheet, err)
		}
		if b := tw.balance(t, customer); b != 0 {
			t.Fatalf("the customer's account has %d left", b)
		}
		for name, w := range map[string]Wish{
			"three of which one went back": {Lines: []Line{{Line: 1, Qty: 3}}, Reason: "MISSING", Liable: "restaurant"},
			"a line that is none":          {Lines: []Line{{Line: 2, Qty: 1}}, Reason: "MISSING", Liable: "restaurant"},
			"twice two of two":             {Lines: []Line{{Line: 0, Qty: 2}, {Line: 0, Qty: 1}}, Reason: "MISSING", Liable: "restaurant"},
			"no such reason":               {Reason: "BECAUSE", Liable: "restaurant"},
			"nobody bears it":              {Reason: "LATE"},
			"lines and an amount":          {Lines: []Line{{Line: 0, Qty: 1}}, Amount: 5, Reason: "LATE", Liable: "platform"},
		} {
			if _, err := tw.Grant(as(desk), 1, name, w); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := tw.Grant(as(desk), 1, "much", Wish{Amount: 3361, Reason: "LATE", Liable: "platform"}); errs.CodeOf(err) != "too_much" {
			t.Errorf("a cent too much: %v", err)
		}
		rest, err := tw.Grant(as(desk), 1, "rest", Wish{Reason: "LATE", Liable: "platform"})
		if err != nil || rest.Amount != 3360 {
			t.Fatalf("all that is left: %+v, %v", rest, err)
		}
		tw.settle(t, 1)
		var gross, tax money.Amount
		for _, x := range append(rest.Taxes, r.Taxes...) {
			gross, tax = gross+x.Gross, tax+x.Tax
		}
		if gross != 4160 || tax != 545 {
			t.Fatalf("all went back, but the tax of %d in %d; want 545 in 4160", tax, gross)
		}
		if b := tw.balance(t, delivery.Book{Kind: delivery.BookTax, Owner: 7, Rate: 1900}) + tw.balance(t, delivery.Book{Kind: delivery.BookTax, Rate: 1900}); b != 0 {
			t.Fatalf("tax at 19 %% is %d", b)
		}
		err = tw.d.Read(t.Context(), func(tx *db.Tx) error {
			p, err := tw.pay.Of(t.Context(), tx, 1)
			if err == nil && p.State != delivery.PaymentRefunded {
				t.Errorf("the payment is %s", p.State)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}, schemas...)
}

func TestWhoMayGiveBackWhatAndHow(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.order(t, 1, delivery.PayOnDelivery)
		w := Wish{Amount: 100, Reason: "LATE", Liable: "restaurant"}
		if _, err := tw.Grant(as(owner), 1, "a", w); err != nil {
			t.Errorf("an owner: %v", err)
		}
		if b := tw.balance(t, delivery.Book{Kind: delivery.BookCash, Owner: owner.ID}); b != -100 {
			t.Errorf("cash that the owner gave: %d", b)
		}
		w.Liable = "platform"
		if _, err := tw.Grant(as(owner), 1, "b", w); !errs.Is(err, errs.Forbidden) {
			t.Errorf("an owner lets the town bear it: %v", err)
		}
		w.To = ToCard
		if _, err := tw.Grant(as(desk), 1, "c", w); !errs.Is(err, errs.Invalid) {
			t.Errorf("to a card that paid nothing: %v", err)
		}
		w.To = ToCredit
		r, err := tw.Grant(as(desk), 1, "d", w)
		if err != nil || r.State != Done {
			t.Fatalf("as credit: %+v, %v", r, err)
		}
		if has, err := tw.books.Credit(t.Context(), anna.ID, "EUR"); err != nil || has != 100 {
			t.Errorf("credit is %d, %v", has, err)
		}
		if b := tw.balance(t, customer); b != 0 {
			t.Errorf("the customer's account has %d left", b)
		}
		for name, a := range map[string]access.Actor{"staff": staff, "the customer": anna} {
			if _, err := tw.Grant(as(a), 1, "e", w); err == nil {
				t.Errorf("%s grants a refund", name)
			}
		}
		if _, err := tw.List(as(access.Actor{ID: 99}), 1); err == nil {
			t.Error("a stranger reads the refunds")
		}
		cancelled := tw.orders[1]
		cancelled.Earned, cancelled.Ended = false, true
		tw.orders[1] = cancelled
		if _, err := tw.Grant(as(desk), 1, "f", w); errs.CodeOf(err) != "cancelled" {
			t.Errorf("of a cancelled order: %v", err)
		}
	}, schemas...)
}

func TestAHundredRefundsAtOnceGiveBackNoMoreThanWasPaid(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 2
	}
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		for round := range rounds {
			order := id.ID(round + 1)
			tw.order(t, order, delivery.PayByCard)
			var mu sync.Mutex
			granted := 0
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					_, err := tw.Grant(as(desk), order, fmt.Sprint(round, "-", i), Wish{Amount: 400, Reason: "LATE", Liable: "platform"})
					if err != nil && errs.CodeOf(err) != "too_much" {
						t.Errorf("refund %d: %v", i, err)
					}
					if err == nil {
						mu.Lock()
						granted++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			tw.settle(t, order)
			var back int64
			err := tw.d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.Row(t.Context(), `SELECT refunded FROM sandbox_charge WHERE order_id = $1`, int64(order)).Scan(&back)
			})
			if err != nil {
				t.Fatal(err)
			}
			if granted != 10 || back != 4000 {
				t.Fatalf("%d were granted and %d went back; want 10 and 4000", granted, back)
			}
		}
		if b := tw.balance(t, customer); b != 0 {
			t.Fatalf("the customer's account has %d left", b)
		}
	}, schemas...)
}

// refuses is a provider that refuses every refund.
type refuses struct{ payment.Provider }

func (refuses) Refund(context.Context, string, string, money.Amount) (payment.Refunded, error) {
	return payment.Refunded{}, &payment.Refusal{Code: "disputed", Detail: "The customer has disputed it."}
}

func TestARefundThatTheProviderRefusesLeavesTheOrderAsItWas(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.pay.Providers[0].Provider = refuses{payment.NewSandbox(d)}
		tw.order(t, 1, delivery.PayByCard)
		before := tw.balance(t, delivery.Book{Kind: delivery.BookRestaurant, Owner: 7})
		if _, err := tw.Grant(as(desk), 1, "k", Wish{Reason: "LATE", Liable: "restaurant"}); err != nil {
			t.Fatal(err)
		}
		tw.settle(t, 1)
		sheet, err := tw.List(as(desk), 1)
		if err != nil || sheet.Left != 4260 || sheet.Refunds[0].State != Failed || sheet.Refunds[0].Why != "disputed" {
			t.Fatalf("%+v, %v", sheet, err)
		}
		if b := tw.balance(t, customer); b != 0 {
			t.Fatalf("the customer is owed %d", -b)
		}
		if b := tw.balance(t, delivery.Book{Kind: delivery.BookRestaurant, Owner: 7}); b != before {
			t.Fatalf("the restaurant has %d; want %d as before", b, before)
		}
		if diff := cmp.Diff([]string{"refunded LATE", "refund_failed disputed"}, tw.marks); diff != "" {
			t.Fatalf("the order's story (-want +got):\n%s", diff)
		}
		if list, err := tw.pay.Incidents(t.Context()); err != nil || len(list) != 1 || list[0].Kind != "refund_refused" {
			t.Fatalf("incidents %+v, %v", list, err)
		}
		cash, err := tw.Grant(as(desk), 1, "cash", Wish{Reason: "LATE", Liable: "restaurant", To: ToCash})
		if err != nil || cash.State != Done || cash.Amount != 4260 {
			t.Fatalf("in cash instead: %+v, %v", cash, err)
		}
	}, schemas...)
}

func TestRefundsAreExplainedInGerman(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, schemas...))
	tw.order(t, 1, delivery.PayByCard)
	de := i18n.With(as(desk), "de")
	_, err := tw.Grant(de, 1, "k", Wish{Lines: []Line{{Line: 0, Qty: 3}}, Reason: "LATE", Liable: "restaurant"})
	if got := i18n.Error(de, err); got != "Davon sind nur noch 2 zu erstatten." {
		t.Errorf("too many: %q", got)
	}
}

package stripe

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/tests/fakestripe"
)

// The people and the restaurant of these tests.
const (
	ada       = id.ID(71)
	ben       = id.ID(72)
	owner     = id.ID(73)
	trattoria = id.ID(5)
)

// town is a server's payments with a Stripe of their own: real payments, real books, a real socket.
type town struct {
	*Service
	fake *fakestripe.Server
	pay  *payment.Service
	book *ledger.Service
	d    *db.DB
	jobs *jobs.Queue
	wall *clock.Manual

	mu    sync.Mutex
	sales map[id.ID]delivery.Sale
	fresh error
	keep  money.Amount
}

// Bought is what the books ask of orders.
func (w *town) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return delivery.Bought{Sale: w.sales[order], Sold: true}, nil
}

func (w *town) BoughtAfter(context.Context, *db.Tx, id.ID, int) ([]delivery.Bought, error) {
	return nil, nil
}

// Due is what the pay page asks of orders.
func (w *town) Due(ctx context.Context, code string) (Due, error) {
	order, err := id.Parse(code)
	if err != nil {
		return Due{}, err
	}
	sale := w.sales[order]
	if access.From(ctx).ID != sale.Customer {
		return Due{}, errs.New(errs.NotFound, "There is no such order.")
	}
	p, err := w.of(ctx, order)
	return Due{Order: order, Code: code, Back: "/orders/" + code, Amount: p.Amount, Currency: p.Currency, Payment: p, Waits: p.State == delivery.PaymentAction}, err
}

func (w *town) Code(_ context.Context, order id.ID) (string, error) {
	return "K7Q-" + order.String(), nil
}

func (w *town) Confirm(ctx context.Context, order id.ID) error { return w.pay.Settle(ctx, order, nil) }

// Shop is what restaurants are asked.
func (w *town) Shop(_ context.Context, r id.ID) (*delivery.Shop, error) {
	return &delivery.Shop{ID: r, Slug: "trattoria", Name: "Trattoria", Currency: "EUR"}, nil
}

func (w *town) ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error) {
	if slug != "trattoria" {
		return nil, errs.New(errs.NotFound, "There is no such restaurant.")
	}
	return w.Shop(ctx, trattoria)
}

func (w *town) of(ctx context.Context, order id.ID) (p delivery.Payment, err error) {
	err = w.d.Read(ctx, func(tx *db.Tx) error {
		p, err = w.pay.Of(ctx, tx, order)
		return err
	})
	return p, err
}

func newTown(t *testing.T, d *db.DB, change func(*Options)) *town {
	t.Helper()
	fake, err := fakestripe.Start(3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	start := time.Now().Truncate(time.Second)
	w := &town{fake: fake, d: d, wall: clock.NewManual(start), sales: map[id.ID]delivery.Sale{}}
	now := clock.NewManual(start).Now
	ids, bus := id.NewSource(1), events.NewLocal()
	w.jobs = jobs.New(d, bus, now, ids, jobs.Options{Poll: 20 * time.Millisecond})
	o := Options{SecretKey: fakestripe.SecretKey, PublishableKey: fakestripe.PublishableKey, WebhookSecrets: []string{"whsec_next", fakestripe.WebhookSecret}, URL: fake.URL, Script: fake.URL + "/v3/", Country: "DE"}
	if change != nil {
		change(&o)
	}
	w.Service = New(Deps{
		DB: d, Now: now, Wall: w.wall.Now, Jobs: w.jobs, Shops: w, Address: func() string { return "https://eat.example.org" },
		Share: func(context.Context, id.ID) (money.Amount, error) { return w.keep, nil },
		Fresh: func(context.Context) error { return w.fresh },
	}, o)
	w.book = ledger.New(d, ids, now, ledger.Options{Orders: w})
	w.pay = payment.New(payment.Deps{
		DB: d, IDs: ids, Now: now, Log: events.New(d, bus), Jobs: w.jobs, Books: w.book, Providers: []payment.Named{{Name: Name, Provider: w.Service}},
	}, payment.Options{})
	w.Link(Links{Payments: w.pay, Books: w.book, Orders: w})
	w.pay.React(w.jobs)
	w.React(w.jobs)
	return w
}

// run is a test on both databases.
func run(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Run(t, test, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema)
}

func refusal(err error) (*payment.Refusal, bool) { return errors.AsType[*payment.Refusal](err) }

// as returns the context of a request of somebody's.
func as(t *testing.T, who id.ID) context.Context {
	t.Helper()
	a := access.Actor{ID: who, Handle: "somebody"}
	if who == owner {
		a.Roles = []access.Grant{{Role: access.RoleOwner, Place: trattoria}}
	}
	return access.With(t.Context(), a)
}

// order stores an order over 19.90 to be paid with a card, and asks once for its money.
func (w *town) order(t *testing.T, order id.ID, card string, save bool) error {
	t.Helper()
	ctx := t.Context()
	w.mu.Lock()
	w.sales[order] = delivery.Sale{Order: order, Customer: ada, Restaurant: trattoria, Currency: "EUR", Subtotal: 1990, Total: 1990}
	w.mu.Unlock()
	err := w.d.Write(ctx, func(tx *db.Tx) error {
		return w.pay.Open(ctx, tx, delivery.Charge{Order: order, Method: delivery.PayByCard, Amount: 1990, Currency: "EUR", Token: card, Customer: ada, Restaurant: trattoria, Save: save})
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.pay.Settle(ctx, order, nil)
}

// aim has a payment go somewhere, until it is there.
func (w *town) aim(t *testing.T, order id.ID, aim delivery.PaymentAim) {
	t.Helper()
	ctx := t.Context()
	if err := w.d.Write(ctx, func(tx *db.Tx) error { return w.pay.Aim(ctx, tx, order, aim) }); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := w.pay.Settle(ctx, order, nil); err == nil {
			return
		} else if errs.CodeOf(err) != "payment_unclear" {
			t.Fatal(err)
		}
	}
	t.Fatalf("order %d does not get to %s", order, aim)
}

func (w *town) state(t *testing.T, order id.ID) delivery.Payment {
	t.Helper()
	p, err := w.of(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *town) balance(t *testing.T, b delivery.Book) (n money.Amount) {
	t.Helper()
	b.Currency = "EUR"
	err := w.d.Read(t.Context(), func(tx *db.Tx) (err error) {
		n, err = w.book.Balance(t.Context(), tx, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var atStripe = delivery.Book{Kind: delivery.BookProvider, Sub: Name}

func TestACardIsHeldTakenAndGivenBackOnceWhateverGetsLost(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, nil)
		w.fake.SetFaults(fakestripe.Faults{Drop: 0.25, Fail: 0.1, Busy: 0.05, Delay: 3 * time.Millisecond})
		for n := range id.ID(12) {
			order := n + 100
			err := w.order(t, order, "pm_card_visa", false)
			for i := 0; err != nil && i < 100; i++ {
				if errs.CodeOf(err) != "payment_unclear" {
					t.Fatal(err)
				}
				err = w.pay.Settle(t.Context(), order, nil)
			}
			if got := w.state(t, order); got.State != delivery.PaymentAuthorised || got.Ref == "" {
				t.Fatalf("order %d is %s", order, got.State)
			}
			w.aim(t, order, delivery.AimCapture)
			if n%3 == 0 {
				w.aim(t, order, delivery.AimRelease)
			}
		}
		if err := w.fake.Verify(); err != nil {
			t.Error(err)
		}
		if n := len(w.fake.Intents()); n != 12 {
			t.Errorf("%d intents for 12 orders", n)
		}
		// 12 times 19.90 less 55 each, four of them given back whole.
		if got, want := w.balance(t, atStripe), money.Amount(8*1990-12*55); got != want {
			t.Errorf("the books have %d at Stripe; want %d", got, want)
		}
	})
}

func TestDeclinesSayWhy(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), nil)
	order := id.ID(200)
	for card, want := range map[string]string{
		"pm_card_chargeDeclined": "declined", "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds", "pm_card_visa_chargeDeclinedLostCard": "declined",
		"pm_card_chargeDeclinedExpiredCard": "expired", "pm_card_chargeDeclinedAuthenticationRequired": "authentication_failed", "pm_nobody": "unknown_card",
	} {
		order++
		if err := w.order(t, order, card, false); err != nil {
			t.Errorf("%s: %v", card, err)
		}
		if got := w.state(t, order); got.State != delivery.PaymentFailed || got.Decline != want {
			t.Errorf("%s: %s, %q; want %q", card, got.State, got.Decline, want)
		}
	}
}

func TestABankAsksItsCustomer(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, nil)
		if err := w.order(t, 300, "pm_card_authenticationRequired", false); err != nil {
			t.Fatal(err)
		}
		p := w.state(t, 300)
		if p.State != delivery.PaymentAction || !strings.Contains(p.Action.URL, "/3ds/") || !strings.Contains(p.Action.Client, "_secret_") {
			t.Fatalf("%s, %+v", p.State, p.Action)
		}
		// No to the bank: the order waits, another card may be tried.
		if !w.fake.Authenticate(p.Ref, false) {
			t.Fatal("nothing was asked")
		}
		if err := w.pay.Settle(t.Context(), 300, nil); err != nil {
			t.Fatal(err)
		}
		if p = w.state(t, 300); p.State != delivery.PaymentAction || !strings.HasSuffix(p.Action.URL, "/pay/300") {
			t.Fatalf("after a no: %s, %q", p.State, p.Action.URL)
		}
		// A card typed later, as on the pay page.
		if err := w.order(t, 301, NewCard, false); err != nil {
			t.Fatal(err)
		}
		if p = w.state(t, 301); p.State != delivery.PaymentAction || !strings.HasSuffix(p.Action.URL, "/pay/301") {
			t.Fatalf("a new card: %s, %q", p.State, p.Action.URL)
		}
		confirm(t, w.fake, p.Ref, p.Action.Client, "pm_card_visa")
		if err := w.pay.Settle(t.Context(), 301, nil); err != nil {
			t.Fatal(err)
		}
		if p = w.state(t, 301); p.State != delivery.PaymentAuthorised {
			t.Errorf("after paying: %s", p.State)
		}
	})
}

// confirm is what the pay page's script does at Stripe: it knows the publishable key and the client secret.
func confirm(t *testing.T, fake *fakestripe.Server, ref, secret, card string) {
	t.Helper()
	body := "key=" + fakestripe.PublishableKey + "&client_secret=" + secret + "&payment_method=" + card
	resp, err := http.Post(fake.URL+"/v1/payment_intents/"+ref+"/confirm", "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("confirm: %d", resp.StatusCode)
	}
}

func TestAHoldThatHasRunOutIsARefusal(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), nil)
	if err := w.order(t, 400, "pm_card_visa", false); err != nil {
		t.Fatal(err)
	}
	w.fake.Expire(w.state(t, 400).Ref)
	w.aim(t, 400, delivery.AimCapture)
	if p := w.state(t, 400); p.State != delivery.PaymentCaptureFailed || p.Decline != "hold_expired" {
		t.Errorf("%s, %q", p.State, p.Decline)
	}
	list, err := w.pay.Incidents(t.Context())
	if err != nil || len(list) != 1 || list[0].Order != 400 {
		t.Errorf("incidents %v, %v", list, err)
	}
}

func TestNothingSecretIsInErrors(t *testing.T) {
	d := dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema)
	w := newTown(t, d, func(o *Options) { o.SecretKey = "sk_test_of_somebody_else" })
	_, err := w.Authorise(t.Context(), "k", payment.Card{Order: 1, Token: "pm_card_visa", Amount: 100, Currency: "EUR"})
	if err == nil || strings.Contains(err.Error(), "sk_") {
		t.Errorf("%v", err)
	}
	if _, refused := refusal(err); refused {
		t.Error("a wrong key is taken for an answer: the order would be declined")
	}
	w = newTown(t, d, nil)
	if err := w.order(t, 410, "pm_card_visa", false); err != nil {
		t.Fatal(err)
	}
	_, err = w.Authorise(t.Context(), "k2", payment.Card{Order: 2, Ref: w.state(t, 410).Ref, Amount: 100, Currency: "EUR"})
	if no, refused := refusal(err); !refused || no.Code != "amount_differs" {
		t.Errorf("an intent of another order: %v", err)
	}
	if strings.Contains(err.Error(), "_secret_") {
		t.Errorf("a client secret in %v", err)
	}
}

func TestAServerThatIsAwayIsNoAnswer(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), func(o *Options) { o.URL = gone.URL })
	if err := w.order(t, 420, "pm_card_visa", false); errs.CodeOf(err) != "payment_unclear" {
		t.Errorf("%v", err)
	}
	if p := w.state(t, 420); p.State != delivery.PaymentNew {
		t.Errorf("the payment is %s", p.State)
	}
}

package payment

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// flaky is a provider whose answers get lost, before or after it has done what was asked.
type flaky struct {
	Provider
	lose func() (before, after bool)
}

var errLost = errors.New("the line is dead")

func (f *flaky) call(fn func() error) error {
	before, after := f.lose()
	if before {
		return errLost
	}
	if err := fn(); err != nil {
		return err
	}
	if after {
		return errLost
	}
	return nil
}

func (f *flaky) Authorise(ctx context.Context, key string, c Card) (a Authorisation, err error) {
	err = f.call(func() (err error) { a, err = f.Provider.Authorise(ctx, key, c); return err })
	return a, err
}

func (f *flaky) Capture(ctx context.Context, key, ref string, amount money.Amount) (c Captured, err error) {
	err = f.call(func() (err error) { c, err = f.Provider.Capture(ctx, key, ref, amount); return err })
	return c, err
}

func (f *flaky) Void(ctx context.Context, key, ref string) error {
	return f.call(func() error { return f.Provider.Void(ctx, key, ref) })
}

func (f *flaky) Refund(ctx context.Context, key, ref string, amount money.Amount) (r Refunded, err error) {
	err = f.call(func() (err error) { r, err = f.Provider.Refund(ctx, key, ref, amount); return err })
	return r, err
}

// books returns what the sandbox holds and has taken, less what it gave back, over all charges.
func books(t testing.TB, d *db.DB) (held, taken int64) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT CAST(COALESCE(SUM(CASE WHEN state = 'held' THEN amount ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(captured - refunded), 0) AS BIGINT) FROM sandbox_charge`).Scan(&held, &taken)
	})
	if err != nil {
		t.Fatal(err)
	}
	return held, taken
}

// bought is what the ledger asks of orders: each costs what is charged for it.
type bought struct{}

func (bought) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	return delivery.Bought{Sale: delivery.Sale{Order: order, Customer: 5, Restaurant: 7, Mode: delivery.ByCourier, Currency: "EUR", Subtotal: 500, Total: 500}}, nil
}

func (bought) BoughtAfter(context.Context, *db.Tx, id.ID, int) ([]delivery.Bought, error) {
	return nil, nil
}

var schemas = []fs.FS{Schema, events.Schema, jobs.Schema, ledger.Schema}

// ids makes all ids of these tests: two sources would make the same within a millisecond.
var ids = id.NewSource(1)

func newService(t testing.TB, d *db.DB, p Provider) *Service {
	bus := events.NewLocal()
	now := clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)).Now
	return New(Deps{
		DB: d, IDs: ids, Now: now, Log: events.New(d, bus), Jobs: jobs.New(d, bus, now, ids, jobs.Options{}),
		Books: ledger.New(d, ids, now, ledger.Options{Orders: bought{}}), Providers: []Named{{SandboxName, p}},
	}, Options{})
}

// TestMoneyEndsAtItsAimWhateverGetsLostOnTheWay walks a payment through aims, refunds, banks that ask, refusals and lost answers. At every step
// no more is given back than was taken, and nothing is taken twice; at its end it is where it was to go, and the books say so.
func TestMoneyEndsAtItsAimWhateverGetsLostOnTheWay(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		// The model looks for charges by order, which the sandbox never does: with many walks (-rapid.checks) that must not take ever longer.
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `CREATE INDEX test_charge_order ON sandbox_charge (order_id)`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var order, part id.ID
		part = 1_000_000
		rapid.Check(t, func(rt *rapid.T) {
			sandbox := NewSandbox(d)
			p := &flaky{Provider: sandbox, lose: func() (bool, bool) {
				return rapid.Bool().Draw(rt, "lost before"), rapid.Bool().Draw(rt, "lost after")
			}}
			s := newService(t, d, p)
			became := map[id.ID]string{}
			s.opt.Refunded = func(_ context.Context, tx *db.Tx, refund id.ID, why string) error {
				tx.AfterCommit(func() {
					if _, twice := became[refund]; twice {
						t.Errorf("refund %d is answered twice", refund)
					}
					became[refund] = why
				})
				return nil
			}
			order++
			settle := func(done func(context.Context, *db.Tx, delivery.Payment) error) {
				if err := s.Settle(ctx, order, done); err != nil && errs.CodeOf(err) != "payment_unclear" {
					rt.Fatal(err)
				}
			}
			token := rapid.SampledFrom([]string{"tok_ok", "tok_ok", "tok_3ds", "tok_3ds_fail", "tok_capture_fail", "tok_declined", "tok_timeout"}).Draw(rt, "token")
			err := d.Write(ctx, func(tx *db.Tx) error {
				return s.Open(ctx, tx, delivery.Charge{Order: order, Method: delivery.PayByCard, Amount: 500, Currency: "EUR", Token: token, Customer: 5, Restaurant: 7})
			})
			if err != nil {
				rt.Fatal(err)
			}
			aim := delivery.AimHold
			var granted money.Amount
			for range rapid.IntRange(1, 8).Draw(rt, "turns") {
				switch rapid.IntRange(0, 4).Draw(rt, "what") {
				case 0:
					aim = rapid.SampledFrom([]delivery.PaymentAim{delivery.AimHold, delivery.AimCapture, delivery.AimRelease}).Draw(rt, "aim")
					if err := d.Write(ctx, func(tx *db.Tx) error { return s.Aim(ctx, tx, order, aim) }); err != nil {
						rt.Fatal(err)
					}
				case 1:
					part++
					amount := money.Amount(rapid.IntRange(1, 600).Draw(rt, "part"))
					err := d.Write(ctx, func(tx *db.Tx) error { return s.Refund(ctx, tx, order, part, amount) })
					if err == nil {
						granted += amount
					} else if errs.CodeOf(err) != "too_much" {
						rt.Fatal(err)
					}
				case 2:
					for _, ref := range refs(t, d, order) {
						if _, err := sandbox.Decide(ctx, ref, rapid.Bool().Draw(rt, "confirmed")); err != nil {
							rt.Fatal(err)
						}
					}
				default:
					settle(nil)
				}
				if captures, taken, back := calls(t, d, order); captures > 1 || back > taken || granted > 500 {
					rt.Fatalf("captured %d times, %d taken and %d given back, %d granted", captures, taken, back, granted)
				}
			}
			p.lose = func() (bool, bool) { return false, false }
			var end delivery.Payment
			for range 2 { // the first answer about tok_timeout gets lost even now
				settle(func(_ context.Context, _ *db.Tx, p delivery.Payment) error { end = p; return nil })
			}
			held, taken := standing(t, d, order)
			var want [2]int64
			switch end.State {
			case delivery.PaymentAuthorised, delivery.PaymentCaptureFailed:
				want = [2]int64{500, 0}
			case delivery.PaymentCaptured, delivery.PaymentPartiallyRefunded:
				want = [2]int64{0, 500 - end.Refunded}
			}
			if want != [2]int64{held, taken} || end.Refunding != 0 {
				rt.Fatalf("the payment is %s, but %d are held and %d taken, %d on their way", end.State, held, taken, end.Refunding)
			}
			if aim == delivery.AimRelease && held+taken != 0 {
				rt.Fatalf("the aim is to release, but %d are held and %d taken", held, taken)
			}
			if aim == delivery.AimCapture && end.State == delivery.PaymentAuthorised {
				rt.Fatalf("the aim is to capture, but the payment is %s", end.State)
			}
			if in := atProvider(t, d, order); in != taken {
				rt.Fatalf("the books have %d at the provider, the provider has %d", in, taken)
			}
		})
	}, schemas...)
}

// refs returns the charges of an order.
func refs(t testing.TB, d *db.DB, order id.ID) (out []string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		out, err = db.All(t.Context(), tx, func(s db.Scanner) (ref string, err error) { return ref, s.Scan(&ref) }, `SELECT ref FROM sandbox_charge WHERE order_id = $1`, int64(order))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// calls returns how often an order was captured, how much of it the sandbox has taken, and how much it gave back.
func calls(t testing.TB, d *db.DB, order id.ID) (captures, taken, back int64) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT CAST(COALESCE(SUM(CASE WHEN captured > 0 THEN 1 ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(captured), 0) AS BIGINT),
			CAST(COALESCE(SUM(refunded), 0) AS BIGINT) FROM sandbox_charge WHERE order_id = $1`, int64(order)).Scan(&captures, &taken, &back)
	})
	if err != nil {
		t.Fatal(err)
	}
	return captures, taken, back
}

// standing returns what the sandbox holds and has taken for an order, less what it gave back.
func standing(t testing.TB, d *db.DB, order id.ID) (held, taken int64) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT CAST(COALESCE(SUM(CASE WHEN state = 'held' THEN amount ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(captured - refunded), 0) AS BIGINT) FROM sandbox_charge WHERE order_id = $1`, int64(order)).Scan(&held, &taken)
	})
	if err != nil {
		t.Fatal(err)
	}
	return held, taken
}

// atProvider returns what the books have at the provider for an order, before its fee.
func atProvider(t testing.TB, d *db.DB, order id.ID) (sum int64) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_posting p JOIN ledger_entry e ON e.posting = p.id JOIN ledger_account a ON a.id = e.account
			WHERE p.order_id = $1 AND a.kind = 'provider' AND e.what <> 'card_fee'`, int64(order)).Scan(&sum)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestManySettlersChargeOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s := newService(t, d, NewSandbox(d))
		err := d.Write(ctx, func(tx *db.Tx) error {
			if err := s.Open(ctx, tx, delivery.Charge{Order: 1, Method: delivery.PayByCard, Amount: 700, Currency: "EUR", Token: "tok_ok"}); err != nil {
				return err
			}
			return s.Aim(ctx, tx, 1, delivery.AimCapture)
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 8)
		for range cap(ended) {
			go func() { ended <- s.Settle(ctx, 1, nil) }()
		}
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if held, taken := books(t, d); held != 0 || taken != 700 {
			t.Fatalf("%d are held and %d taken", held, taken)
		}
	}, schemas...)
}

func TestNoWalkOfStepsLeavesTheMachine(t *testing.T) {
	after := map[step]delivery.PaymentState{
		authorise: delivery.PaymentAuthorised, look: delivery.PaymentAuthorised, capture: delivery.PaymentCaptured, void: delivery.PaymentVoided,
		release: delivery.PaymentRefunded, renew: delivery.PaymentNew,
	}
	for s := range follow {
		for _, aim := range []delivery.PaymentAim{delivery.AimHold, delivery.AimCapture, delivery.AimRelease} {
			steps := 0
			for at := s; ; steps++ {
				todo := plan(at, aim, 1)
				if todo == nothing {
					break
				}
				if !CanFollow(at, after[todo]) {
					t.Errorf("to %s what is %s leads to %s", todo, at, after[todo])
				}
				if at = after[todo]; steps > maxSteps {
					t.Fatalf("from %s to %s there is no end", s, aim)
				}
			}
		}
	}
}

func TestTheSandboxRefusesWhatABankWould(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, ctx := NewSandbox(d), t.Context()
	a, err := s.Authorise(ctx, "a1", Card{Token: "tok_ok", Amount: 100, Currency: "EUR"})
	if err != nil || a.Ref == "" {
		t.Fatalf("Authorise = %v, %v", a, err)
	}
	if _, err := s.Authorise(ctx, "a1", Card{Token: "tok_ok", Amount: 200, Currency: "EUR"}); err == nil {
		t.Error("a key serves for two amounts")
	}
	refuse := func(name string, err error) {
		if err == nil {
			t.Errorf("the sandbox allows %s", name)
		}
	}
	capture := func(key string, amount money.Amount) error {
		_, err := s.Capture(ctx, key, a.Ref, amount)
		return err
	}
	refund := func(key string, amount money.Amount) error {
		_, err := s.Refund(ctx, key, a.Ref, amount)
		return err
	}
	refuse("to capture more than is held", capture("c1", 101))
	refuse("to refund what was not taken", refund("r1", 1))
	for range 2 {
		if err := capture("c2", 100); err != nil {
			t.Fatal(err)
		}
	}
	refuse("to capture twice", capture("c3", 100))
	refuse("to void what was taken", s.Void(ctx, "v1", a.Ref))
	if err := refund("r2", 60); err != nil {
		t.Fatal(err)
	}
	refuse("to refund more than was taken", refund("r3", 41))
	refuse("an unknown charge", s.Void(ctx, "v2", "ch_none"))
}

func TestCustomersAreToldInGermanThatTheirBankIsSilent(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	s := newService(t, d, &flaky{Provider: NewSandbox(d), lose: func() (bool, bool) { return true, false }})
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		return s.Open(t.Context(), tx, delivery.Charge{Order: 1, Method: delivery.PayByCard, Amount: 500, Currency: "EUR", Token: "tok_ok"})
	})
	if err != nil {
		t.Fatal(err)
	}
	de := i18n.With(t.Context(), "de")
	if got := i18n.Error(de, s.Settle(de, 1, nil)); got != "Die Bank hat noch nicht geantwortet. Wir fragen weiter nach." {
		t.Errorf("a bank that does not answer: %q", got)
	}
	if got := i18n.Error(de, s.Settle(de, 2, nil)); got != "Zu dieser Bestellung gibt es keine Zahlung." {
		t.Errorf("an order without a payment: %q", got)
	}
}

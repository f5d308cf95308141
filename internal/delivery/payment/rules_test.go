package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// bank is a provider that answers as it is told, and writes down what it was asked.
type bank struct {
	t      *testing.T
	d      *db.DB
	asked  []string // "capture stoa:1:1:capture 500 asking=capture": what, under which key, how much, and what was written down before
	cards  []Card
	auth   func() (Authorisation, error)
	take   error
	void   error
	refund error
}

func (b *bank) note(what, key string, amount money.Amount) {
	asking := ""
	var order int64
	if _, err := fmt.Sscanf(key, "stoa:%d:", &order); err != nil {
		b.t.Errorf("the key %q names no order", key)
	}
	err := b.d.Read(b.t.Context(), func(tx *db.Tx) error {
		return tx.Row(b.t.Context(), `SELECT asking FROM payment WHERE order_id = $1`, order).Scan(&asking)
	})
	if err != nil {
		b.t.Error(err)
	}
	b.asked = append(b.asked, fmt.Sprintf("%s %s %d asking=%s", what, key, amount, asking))
}

func (b *bank) Authorise(_ context.Context, key string, c Card) (Authorisation, error) {
	b.note("authorise", key, c.Amount)
	b.cards = append(b.cards, c)
	if b.auth != nil {
		return b.auth()
	}
	return Authorisation{Ref: "ch_1"}, nil
}

func (b *bank) Capture(_ context.Context, key, _ string, amount money.Amount) (Captured, error) {
	b.note("capture", key, amount)
	return Captured{Fee: 32, Sent: 100}, b.take
}

func (b *bank) Void(_ context.Context, key, _ string) error {
	b.note("void", key, 0)
	return b.void
}

func (b *bank) Refund(_ context.Context, key, _ string, amount money.Amount) (Refunded, error) {
	b.note("refund", key, amount)
	return Refunded{Pulled: 7}, b.refund
}

// counter is payments at a bank that is told what to answer, with a clock that stands still until it is moved.
type counter struct {
	*Service
	t    *testing.T
	bank *bank
	wall *clock.Manual
	told []string // what Refunded heard
}

func newCounter(t *testing.T, d *db.DB) *counter {
	c := &counter{t: t, bank: &bank{t: t, d: d}, wall: clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC))}
	c.Service = newService(t, d, c.bank)
	c.Service.Now = c.wall.Now
	c.opt.Refunded = func(_ context.Context, _ *db.Tx, refund id.ID, why string) error {
		c.told = append(c.told, fmt.Sprintf("%d %s", refund, why))
		return nil
	}
	return c
}

func (c *counter) write(fn func(ctx context.Context, tx *db.Tx) error) {
	c.t.Helper()
	if err := c.DB.Write(c.t.Context(), func(tx *db.Tx) error { return fn(c.t.Context(), tx) }); err != nil {
		c.t.Fatal(err)
	}
}

// open has a card charged with 5.00 for an order, and aims.
func (c *counter) open(order id.ID, aim delivery.PaymentAim) {
	c.t.Helper()
	c.write(func(ctx context.Context, tx *db.Tx) error {
		return c.Open(ctx, tx, delivery.Charge{Order: order, Method: delivery.PayByCard, Amount: 500, Currency: "EUR", Token: "tok_ok", Customer: 5, Restaurant: 7})
	})
	c.aim(order, aim)
}

func (c *counter) aim(order id.ID, aim delivery.PaymentAim) {
	c.t.Helper()
	c.write(func(ctx context.Context, tx *db.Tx) error { return c.Aim(ctx, tx, order, aim) })
}

func (c *counter) settle(order id.ID) {
	c.t.Helper()
	if err := c.Settle(c.t.Context(), order, nil); err != nil {
		c.t.Fatal(err)
	}
}

// at returns an order's payment as stored.
func (c *counter) at(order id.ID) (r row) {
	c.t.Helper()
	err := c.DB.Read(c.t.Context(), func(tx *db.Tx) (err error) {
		r, err = find(c.t.Context(), tx, order)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *counter) number(query string) (n int) {
	c.t.Helper()
	if err := c.DB.Read(c.t.Context(), func(tx *db.Tx) error { return tx.Row(c.t.Context(), query).Scan(&n) }); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *counter) jobs() int { return c.number(`SELECT COUNT(*) FROM job`) }

// changes returns the states that people heard of, in their order: "new>authorised".
func (c *counter) changes() (out []string) {
	c.t.Helper()
	err := c.DB.Read(c.t.Context(), func(tx *db.Tx) error {
		list, err := db.All(c.t.Context(), tx, func(s db.Scanner) (data string, err error) { return data, s.Scan(&data) }, `SELECT data FROM event ORDER BY seq`)
		for _, data := range list {
			var e delivery.PaymentChanged
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return err
			}
			out = append(out, string(e.From)+">"+string(e.State))
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *counter) wasAsked(want ...string) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.bank.asked); diff != "" {
		c.t.Errorf("the bank was asked (-want +got):\n%s", diff)
	}
	c.bank.asked = nil
}

// reports returns the open incidents, oldest first: "capture_refused hold_expired: …".
func (c *counter) reports() (out []string) {
	c.t.Helper()
	list, err := c.Incidents(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i].Kind+" "+list[i].Detail)
	}
	return out
}

func lines(s ...string) []string { return s }

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestPlanSaysOfEachStateWhatBringsItNearer is the machine as a table: what is left could still be given back.
func TestPlanSaysOfEachStateWhatBringsItNearer(t *testing.T) {
	for state, want := range map[delivery.PaymentState][3]step{ // to hold, to capture, to release
		delivery.PaymentNew:               {authorise, authorise, authorise},
		delivery.PaymentAction:            {look, look, void},
		delivery.PaymentAuthorised:        {nothing, capture, void},
		delivery.PaymentCaptured:          {nothing, nothing, release},
		delivery.PaymentPartiallyRefunded: {nothing, nothing, release},
		delivery.PaymentRefundFailed:      {nothing, nothing, nothing},
		delivery.PaymentCaptureFailed:     {nothing, nothing, void},
		delivery.PaymentVoided:            {renew, renew, nothing},
		delivery.PaymentFailed:            {nothing, nothing, nothing},
		delivery.PaymentRefunded:          {nothing, nothing, nothing},
	} {
		for i, aim := range []delivery.PaymentAim{delivery.AimHold, delivery.AimCapture, delivery.AimRelease} {
			if got := plan(state, aim, 1); got != want[i] {
				t.Errorf("plan(%s, %s) = %q; want %q", state, aim, got, want[i])
			}
			for asking := range map[step]bool{capture: true, void: true} {
				r := row{Payment: delivery.Payment{State: state, Aim: aim}, asking: asking}
				if got := r.next(); got != asking {
					t.Errorf("what is asked already is heard first: %s, %s: next() = %q; want %q", state, aim, got, asking)
				}
				if r.waits() || r.settled() {
					t.Errorf("%s, %s while %s is asked: nothing more is to be done", state, aim, asking)
				}
			}
		}
		if got := plan(state, delivery.AimRelease, 0); want[2] == release && got != nothing {
			t.Errorf("plan(%s) with nothing left = %q", state, got)
		}
	}
	waiting := row{Payment: delivery.Payment{State: delivery.PaymentAction, Aim: delivery.AimCapture}}
	if !waiting.waits() || !waiting.settled() {
		t.Error("a payment of which the bank asks its customer does not wait for them")
	}
	if waiting.Refunding = 1; waiting.settled() {
		t.Error("a payment of which something is on its way back is settled")
	}
}

func TestACardThatIsChargedAndGivenBackInParts(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		c.open(1, delivery.AimHold) // which it is already: no job for that
		equal(t, "jobs", c.jobs(), 0)
		c.settle(1)
		c.settle(1) // changes nothing and asks nobody
		c.wasAsked("authorise stoa:1:1:authorise 500 asking=")
		equal(t, "card", c.bank.cards, []Card{{Order: 1, Customer: 5, Restaurant: 7, Token: "tok_ok", Amount: 500, Currency: "EUR"}})

		tooMuch := func(refund id.ID, amount money.Amount) {
			t.Helper()
			err := d.Write(ctx, func(tx *db.Tx) error { return c.Refund(ctx, tx, 1, refund, amount) })
			if errs.CodeOf(err) != "too_much" {
				t.Errorf("to give back %d: %v", amount, err)
			}
		}
		tooMuch(90, 1) // nothing was taken yet
		c.aim(1, delivery.AimCapture)
		c.aim(1, delivery.AimCapture)
		equal(t, "jobs", c.jobs(), 1)
		c.settle(1)
		c.wasAsked("capture stoa:1:1:capture 500 asking=capture")
		if r := c.at(1); r.State != delivery.PaymentCaptured || r.fee != 32 || r.sent != 100 || r.asking != nothing {
			t.Fatalf("after the capture: %+v", r)
		}

		tooMuch(90, 501)
		tooMuch(90, 0)
		tooMuch(90, -1)
		part := func(refund id.ID, amount money.Amount) {
			t.Helper()
			c.write(func(ctx context.Context, tx *db.Tx) error { return c.Refund(ctx, tx, 1, refund, amount) })
		}
		part(11, 200)
		part(12, 100)
		equal(t, "jobs", c.jobs(), 3)
		tooMuch(90, 201)
		if r := c.at(1); r.Refunding != 300 || r.Refunded != 0 || r.Left() != 200 {
			t.Fatalf("two parts are on their way: %+v", r)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { return c.Refund(ctx, tx, 1, 12, 1) }); err == nil {
			t.Error("one name serves for two refunds")
		}
		calls := 0
		err := c.Settle(ctx, 1, func(_ context.Context, _ *db.Tx, p delivery.Payment) error {
			if calls++; p.Refunding != 0 || p.Refunded != 300 || p.State != delivery.PaymentPartiallyRefunded {
				t.Errorf("done is called with %+v", p)
			}
			return nil
		})
		if err != nil || calls != 1 {
			t.Fatalf("done was called %d times: %v", calls, err)
		}
		c.wasAsked("refund stoa:1:refund:11 200 asking=", "refund stoa:1:refund:12 100 asking=")
		equal(t, "what refunds heard", c.told, lines("11 ", "12 "))

		// The order is cancelled: the rest goes back, of which no refund hears.
		c.aim(1, delivery.AimRelease)
		tooMuch(90, 1)
		c.settle(1)
		if r := c.at(1); r.State != delivery.PaymentRefunded || r.Refunded != 500 || r.Refunding != 0 || r.Left() != 0 {
			t.Fatalf("at the end: %+v", r)
		}
		if len(c.bank.asked) != 1 || !strings.HasSuffix(c.bank.asked[0], " 200 asking=") {
			t.Errorf("for the rest the bank was asked %q", c.bank.asked)
		}
		equal(t, "what refunds heard", len(c.told), 2)
		equal(t, "changes", c.changes(), lines("new>authorised", "authorised>captured", "captured>refunded_partially", "refunded_partially>refunded_partially", "refunded_partially>refunded"))
		equal(t, "incidents", c.reports(), []string(nil))
		equal(t, "what the books have at the bank", atProvider(t, d, 1), int64(500-100-500+7*3)) // taken, sent on, given back, pulled
	}, schemas...)
}

func TestWhatABankRefusesEndsInAStateAndAnIncident(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		no := func(code string) error { return &Refusal{Code: code, Detail: "We are sorry."} }

		c.bank.auth = func() (Authorisation, error) { return Authorisation{}, no("frozen") }
		c.open(1, delivery.AimCapture)
		c.settle(1)
		if r := c.at(1); r.State != delivery.PaymentFailed || r.Decline != "frozen" {
			t.Errorf("a refused card: %+v", r)
		}
		c.bank.auth = func() (Authorisation, error) { return Authorisation{Ref: "ch_2", Decline: "expired"}, nil }
		c.open(2, delivery.AimCapture)
		c.settle(2)
		if r := c.at(2); r.State != delivery.PaymentFailed || r.Decline != "expired" || r.Ref != "ch_2" {
			t.Errorf("a declined card: %+v", r)
		}
		c.bank.auth = nil

		c.bank.take = no("hold_expired")
		c.open(3, delivery.AimCapture)
		c.settle(3)
		if r := c.at(3); r.State != delivery.PaymentCaptureFailed || r.Decline != "hold_expired" || r.fee != 0 || r.sent != 0 {
			t.Errorf("a capture that is refused: %+v", r)
		}
		c.bank.take = nil
		c.bank.void = no("")
		c.aim(3, delivery.AimRelease)
		c.settle(3)
		if r := c.at(3); r.State != delivery.PaymentVoided {
			t.Errorf("to let go of nothing: %+v", r)
		}
		c.bank.void = no("gone")
		c.open(4, delivery.AimRelease)
		c.settle(4)
		c.bank.void = nil

		c.open(5, delivery.AimCapture)
		c.settle(5)
		c.bank.refund = no("disputed")
		c.write(func(ctx context.Context, tx *db.Tx) error { return c.Refund(ctx, tx, 5, 51, 200) })
		c.settle(5)
		if r := c.at(5); r.State != delivery.PaymentCaptured || r.Refunded != 0 || r.Refunding != 0 || r.Left() != 500 || r.Decline != "" {
			t.Errorf("a part that is refused is not as if it had not been asked for: %+v", r)
		}
		c.bank.refund = no("")
		c.write(func(ctx context.Context, tx *db.Tx) error { return c.Refund(ctx, tx, 5, 52, 200) })
		c.settle(5)
		equal(t, "what refunds heard", c.told, lines("51 disputed", "52 refused"))
		if err := c.Again(ctx, 5); errs.CodeOf(err) != "wrong_state" {
			t.Errorf("to ask again where nothing was refused: %v", err)
		}
		c.aim(5, delivery.AimRelease)
		c.settle(5)
		if r := c.at(5); r.State != delivery.PaymentRefundFailed || r.Decline != "refused" || r.Refunding != 0 || r.Left() != 500 {
			t.Errorf("a release that is refused: %+v", r)
		}
		before := c.jobs()
		if err := c.Again(ctx, 5); err != nil {
			t.Fatal(err)
		}
		if r := c.at(5); r.State != delivery.PaymentCaptured || r.Decline != "" || c.jobs() != before+1 {
			t.Errorf("asked again: %+v, %d jobs more", r, c.jobs()-before)
		}
		if err := c.Again(ctx, 5); !errs.Is(err, errs.Conflict) {
			t.Errorf("to ask again at once: %v", err)
		}
		c.bank.refund = nil
		c.settle(5)
		if r := c.at(5); r.State != delivery.PaymentRefunded || r.Refunded != 500 {
			t.Errorf("given back at last: %+v", r)
		}
		equal(t, "what refunds heard", len(c.told), 2)
		equal(t, "changes", c.changes(), lines(
			"new>failed", "new>failed", "new>authorised", "authorised>capture_failed", "capture_failed>voided", "new>authorised", "authorised>voided", "new>authorised",
			"authorised>captured", "captured>captured", "captured>captured", "captured>refund_failed", "captured>refunded",
		))
		equal(t, "incidents", c.reports(), lines(
			"authorise_refused frozen: We are sorry.", "capture_refused hold_expired: We are sorry.", "void_refused void_refused: We are sorry.",
			"void_refused gone: We are sorry.", "refund_refused disputed: We are sorry.", "refund_refused refused: We are sorry.", "refund_refused refused: We are sorry.",
		))
	}, schemas...)
}

func TestABankThatAsksItsCustomerIsAskedOnceEachTime(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c := newCounter(t, d)
	c.bank.auth = func() (Authorisation, error) {
		return Authorisation{Ref: "ch_3ds", Action: &delivery.CardAction{URL: "/bank", Client: "secret"}}, nil
	}
	c.open(1, delivery.AimCapture)
	c.settle(1)
	if r := c.at(1); r.State != delivery.PaymentAction || r.Action.URL != "/bank" || r.Action.Client != "secret" || r.Ref != "ch_3ds" {
		t.Fatalf("%+v", r)
	}
	c.wasAsked("authorise stoa:1:1:authorise 500 asking=")
	c.settle(1)
	c.settle(1)
	c.wasAsked("authorise stoa:1:1:look 500 asking=", "authorise stoa:1:1:look 500 asking=")
	if last := c.bank.cards[len(c.bank.cards)-1]; last.Ref != "ch_3ds" {
		t.Errorf("the bank is asked about %q", last.Ref)
	}
	if first := c.bank.cards[0]; first.Ref != "" {
		t.Errorf("the first question names %q", first.Ref)
	}
	equal(t, "changes", c.changes(), lines("new>action_required"))
	c.bank.auth = nil // the customer has said so
	c.settle(1)
	if r := c.at(1); r.State != delivery.PaymentCaptured || r.Action != (delivery.CardAction{}) {
		t.Errorf("%+v", r)
	}
	c.wasAsked("authorise stoa:1:1:look 500 asking=", "capture stoa:1:1:capture 500 asking=capture")

	// Given up while the bank still waits.
	c.bank.auth = func() (Authorisation, error) {
		return Authorisation{Ref: "ch_4", Action: &delivery.CardAction{URL: "/bank"}}, nil
	}
	c.open(2, delivery.AimHold)
	c.settle(2)
	c.aim(2, delivery.AimRelease)
	c.settle(2)
	if r := c.at(2); r.State != delivery.PaymentVoided || r.Action != (delivery.CardAction{}) {
		t.Errorf("given up: %+v", r)
	}
	c.wasAsked("authorise stoa:2:1:authorise 500 asking=", "void stoa:2:1:void 0 asking=void")
	// An order that is taken up again is authorised again, under a key of its own.
	c.bank.auth = nil
	c.aim(2, delivery.AimHold)
	c.settle(2)
	if r := c.at(2); r.State != delivery.PaymentAuthorised || r.attempt != 2 || r.Ref != "ch_1" || r.Decline != "" {
		t.Errorf("taken up again: %+v", r)
	}
	c.wasAsked("authorise stoa:2:2:authorise 500 asking=")
}

func TestAnAnswerThatIsLostIsAskedForUnderTheSameKeyBeforeAnythingElse(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c, ctx := newCounter(t, d), t.Context()
	c.open(1, delivery.AimCapture)
	c.bank.take = errLost
	for range 2 {
		if err := c.Settle(ctx, 1, nil); errs.CodeOf(err) != "payment_unclear" || !errs.Is(err, errs.Unavailable) {
			t.Fatalf("Settle = %v", err)
		}
	}
	c.aim(1, delivery.AimRelease) // cancelled meanwhile
	c.bank.take = nil
	c.settle(1)
	if len(c.bank.asked) != 5 || !strings.HasPrefix(c.bank.asked[4], "refund ") || !strings.HasSuffix(c.bank.asked[4], " 500 asking=") {
		t.Fatalf("%q", c.bank.asked)
	}
	c.bank.asked = c.bank.asked[:4]
	again := "capture stoa:1:1:capture 500 asking=capture"
	c.wasAsked("authorise stoa:1:1:authorise 500 asking=", again, again, again)
	if r := c.at(1); r.State != delivery.PaymentRefunded {
		t.Errorf("%+v", r)
	}
	c.bank.refund = errLost
	c.open(2, delivery.AimCapture)
	c.settle(2)
	c.write(func(ctx context.Context, tx *db.Tx) error { return c.Refund(ctx, tx, 2, 21, 50) })
	if err := c.Settle(ctx, 2, nil); errs.CodeOf(err) != "payment_unclear" {
		t.Errorf("a refund without an answer: %v", err)
	}
	if r := c.at(2); r.Refunding != 50 || len(c.told) != 0 {
		t.Errorf("a refund without an answer: %+v, %q", r, c.told)
	}
	c.Providers[0].Name = "another"
	if err := c.Settle(ctx, 2, nil); errs.CodeOf(err) != "payment_unclear" {
		t.Errorf("a provider that the server knows no more: %v", err)
	}
	c.Providers[0].Name = SandboxName
	c.bank.refund = nil
	c.settle(2)
	equal(t, "what refunds heard", c.told, lines("21 "))
}

func TestWhoeverIsTooLateChangesNothing(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c, ctx := newCounter(t, d), t.Context()
	c.open(1, delivery.AimCapture)
	stale := c.at(1)
	c.settle(1)
	c.bank.asked = nil

	// The aim was another when it was read: nobody is asked.
	c.open(2, delivery.AimHold)
	c.settle(2)
	c.aim(2, delivery.AimCapture)
	read := c.at(2)
	c.aim(2, delivery.AimRelease)
	c.bank.asked = nil
	if settled, err := c.step(ctx, read, capture, nil); settled || err != nil {
		t.Errorf("step = %v, %v", settled, err)
	}
	c.wasAsked()
	equal(t, "asking", c.at(2).asking, nothing)
	if settled, err := c.step(ctx, c.at(2), void, nil); !settled || err != nil { // one that is not too late is done at once
		t.Errorf("step = %v, %v", settled, err)
	}
	c.wasAsked("void stoa:2:1:void 0 asking=void")

	// The answer to an old question comes twice: it is stored and told once.
	told := len(c.changes())
	if settled, err := c.step(ctx, stale, authorise, nil); !settled || err != nil {
		t.Errorf("step = %v, %v", settled, err)
	}
	equal(t, "state", c.at(1).State, delivery.PaymentCaptured)
	equal(t, "changes", len(c.changes()), told)
	c.write(func(ctx context.Context, tx *db.Tx) error {
		to := stale
		to.State = delivery.PaymentRefunded
		if _, err := c.store(ctx, tx, stale, to, authorise, nil); err == nil {
			t.Error("what is new becomes refunded")
		}
		return nil
	})
	// What is to be given back was given back by another.
	c.aim(1, delivery.AimRelease)
	read = c.at(1)
	c.settle(1)
	c.bank.asked = nil
	if _, err := c.step(ctx, read, release, nil); err != nil {
		t.Error(err)
	}
	equal(t, "refunds", c.number(`SELECT COUNT(*) FROM payment_refund WHERE order_id = 1`), 1)
	got, err := c.giveBack(ctx, c.at(1), giving{id: id.ID(c.number(`SELECT id FROM payment_refund WHERE order_id = 1`)), order: 1, amount: 500}, nil)
	if !got || err != nil || c.at(1).Refunded != 500 {
		t.Errorf("answered twice: %v, %v, %+v", got, err, c.at(1))
	}
	if err := c.Settle(ctx, 99, nil); !errs.Is(err, errs.NotFound) {
		t.Errorf("an order without a payment: %v", err)
	}
}

func TestDoneIsPartOfTheTransactionThatStoresTheResult(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c, ctx := newCounter(t, d), t.Context()
	c.open(1, delivery.AimCapture)
	var seen []delivery.PaymentState
	fails := errors.New("the order can't be confirmed")
	done := func(_ context.Context, _ *db.Tx, p delivery.Payment) error {
		seen = append(seen, p.State)
		return fails
	}
	if err := c.Settle(ctx, 1, done); !errors.Is(err, fails) {
		t.Fatalf("Settle = %v", err)
	}
	if r := c.at(1); r.State != delivery.PaymentAuthorised || r.asking != capture {
		t.Fatalf("what was rolled back: %+v", r)
	}
	fails = nil
	if err := c.Settle(ctx, 1, done); err != nil {
		t.Fatal(err)
	}
	equal(t, "done saw", seen, []delivery.PaymentState{delivery.PaymentCaptured, delivery.PaymentCaptured})
	if err := c.Settle(ctx, 1, done); err != nil || len(seen) != 3 {
		t.Errorf("settled already: done is called all the same, for who was not there: %v, %d", err, len(seen))
	}
	again := "capture stoa:1:1:capture 500 asking=capture"
	c.wasAsked("authorise stoa:1:1:authorise 500 asking=", again, again)
	// And for what is given back.
	fails = errors.New("not now")
	c.aim(1, delivery.AimRelease)
	if err := c.Settle(ctx, 1, done); !errors.Is(err, fails) {
		t.Fatalf("Settle = %v", err)
	}
	if r := c.at(1); r.Refunded != 0 || r.Refunding != 500 {
		t.Errorf("what was rolled back: %+v", r)
	}
}

func TestMoneyTakenAtTheDoorIsWrittenDownOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		charge := delivery.Charge{Order: 1, Method: delivery.PayOnDelivery, Amount: 500, Currency: "EUR", Customer: 5, Restaurant: 7}
		for range 2 {
			c.write(func(ctx context.Context, tx *db.Tx) error { return c.Collect(ctx, tx, charge, 30, c.Now()) })
			equal(t, "changes", c.changes(), lines("new>captured"))
		}
		if r := c.at(1); r.State != delivery.PaymentCaptured || r.Amount != 500 || r.Method != delivery.PayOnDelivery {
			t.Errorf("%+v", r)
		}
		equal(t, "postings", c.number(`SELECT COUNT(*) FROM ledger_posting`), 1)
		// It is no card: it has no aim, and nothing of it goes back by a bank.
		c.aim(1, delivery.AimRelease)
		equal(t, "jobs", c.jobs(), 0)
		if err := d.Write(ctx, func(tx *db.Tx) error { return c.Refund(ctx, tx, 1, 11, 100) }); errs.CodeOf(err) != "too_much" {
			t.Errorf("cash goes back to a card: %v", err)
		}
		c.aim(77, delivery.AimCapture)
		equal(t, "jobs", c.jobs(), 0)
	}, schemas...)
}

func TestHintsAskAboutChargesThatAreKnown(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c, ctx := newCounter(t, d), t.Context()
	c.open(1, delivery.AimHold)
	for _, ref := range []string{"", "ch_1"} { // not known yet
		if err := c.Hint(ctx, SandboxName, ref); !errs.Is(err, errs.NotFound) {
			t.Errorf("a hint about %q: %v", ref, err)
		}
	}
	c.settle(1)
	if p, err := c.ByRef(ctx, SandboxName, "ch_1"); err != nil || p.Order != 1 {
		t.Errorf("ByRef = %+v, %v", p, err)
	}
	if _, err := c.ByRef(ctx, "another", "ch_1"); !errs.Is(err, errs.NotFound) {
		t.Errorf("another provider's: %v", err)
	}
	if err := c.Hint(ctx, SandboxName, "ch_1"); err != nil || c.jobs() != 1 {
		t.Errorf("Hint: %v, %d jobs", err, c.jobs())
	}
	err := d.Read(ctx, func(tx *db.Tx) error {
		if _, err := c.Of(ctx, tx, 2); !errs.Is(err, errs.NotFound) {
			t.Errorf("Of an order without a payment: %v", err)
		}
		p, err := c.Of(ctx, tx, 1)
		if p.State != delivery.PaymentAuthorised {
			t.Errorf("Of = %+v", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsUnclearIsAskedAboutAfterTwoMinutes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		orders := func() (out []string) {
			t.Helper()
			list, err := c.Unclear(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range list {
				out = append(out, fmt.Sprintf("%d %s %s %d %s", u.Order, u.State, u.Asked, u.Amount, u.Why))
			}
			return out
		}
		c.open(1, delivery.AimHold) // never asked for
		c.open(2, delivery.AimCapture)
		c.bank.take = errLost
		_ = c.Settle(ctx, 2, nil) // unclear
		c.bank.take = nil
		c.open(3, delivery.AimCapture)
		c.settle(3)
		c.write(func(ctx context.Context, tx *db.Tx) error { return c.Refund(ctx, tx, 3, 31, 150) })
		c.bank.take = &Refusal{Code: "hold_expired"}
		c.open(4, delivery.AimCapture)
		c.settle(4) // refused: people have to look, at once
		c.bank.take = nil
		c.open(5, delivery.AimCapture)
		c.settle(5) // clear

		c.opt.Settle = func(_ context.Context, order id.ID) error { return fmt.Errorf("asked about order %d", order) }
		none := func(when string) {
			t.Helper()
			if err := c.Reconcile(ctx); err != nil {
				t.Errorf("%s: %v", when, err)
			}
			g, err := c.Gauge(ctx)
			equal(t, when, g, map[string]float64{"unclear": 0, "refused": 1, "incidents": 1})
			if err != nil {
				t.Error(err)
			}
		}
		none("at once")
		c.wall.Advance(2 * time.Minute)
		none("after two minutes")
		equal(t, "after two minutes", orders(), lines("4 capture_failed  500 hold_expired"))
		c.wall.Advance(time.Microsecond)
		all := lines("1 new authorise 500 ", "2 authorised capture 500 ", "3 captured refund 150 ", "4 capture_failed  500 hold_expired")
		equal(t, "after more than two minutes", orders(), all)
		g, err := c.Gauge(ctx)
		equal(t, "gauge", g, map[string]float64{"unclear": 3, "refused": 1, "incidents": 1})
		if err != nil {
			t.Fatal(err)
		}

		// What stays unclear is no error, what is wrong is; both leave the others be.
		var asked []id.ID
		c.opt.Settle = func(ctx context.Context, order id.ID) error {
			asked = append(asked, order)
			switch order {
			case 1:
				return unclear(errLost)
			case 2:
				return errors.New("wrong")
			}
			return c.Settle(ctx, order, nil)
		}
		if err := c.Reconcile(ctx); err == nil || !strings.Contains(err.Error(), "reconcile order 2: wrong") || strings.Contains(err.Error(), "order 1") {
			t.Errorf("Reconcile = %v", err)
		}
		equal(t, "asked about", asked, []id.ID{1, 2, 3})
		equal(t, "then", orders(), append(all[:2:2], all[3]))
		c.opt.Settle = func(ctx context.Context, order id.ID) error { return c.Settle(ctx, order, nil) }
		if err := c.Reconcile(ctx); err != nil {
			t.Error(err)
		}
		equal(t, "at last", orders(), all[3:])
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := c.Reconcile(gone); err == nil {
			t.Error("Reconcile goes on after its end")
		}
	}, schemas...)
}

func TestReconcileEndsWithItsContext(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c := newCounter(t, d)
	c.open(1, delivery.AimHold)
	c.open(2, delivery.AimHold)
	c.wall.Advance(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	c.opt.Settle = func(context.Context, id.ID) error { n++; cancel(); return nil }
	if err := c.Reconcile(ctx); !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("Reconcile = %v after %d", err, n)
	}
}

func TestAnIncidentIsSeenToOnceAndNoted(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		for i := range 2 {
			c.write(func(ctx context.Context, tx *db.Tx) error {
				return c.Report(ctx, tx, Incident{Order: id.ID(i + 1), Provider: "sandbox", Ref: "ch", Kind: "mode_differs", Detail: "odd"})
			})
		}
		list, err := c.Incidents(ctx)
		if err != nil || len(list) != 2 || list[0].Order != 2 || list[1].Order != 1 || list[1].At != c.Now() {
			t.Fatalf("Incidents = %+v, %v; want the newest first", list, err)
		}
		if err := c.CloseIncident(ctx, list[1].ID, 40); err != nil {
			t.Errorf("without an audit: %v", err)
		}
		if err := c.CloseIncident(ctx, list[1].ID, 40); !errs.Is(err, errs.NotFound) {
			t.Errorf("seen to twice: %v", err)
		}
		var noted []string
		c.opt.Audit = func(_ context.Context, _ *db.Tx, verb, thing string, _ map[string]any) error {
			noted = append(noted, verb+" "+thing)
			return nil
		}
		if err := c.CloseIncident(ctx, 12345, 40); !errs.Is(err, errs.NotFound) || len(noted) != 0 {
			t.Errorf("one that is none: %v, noted %q", err, noted)
		}
		if err := c.CloseIncident(ctx, list[0].ID, 40); err != nil {
			t.Error(err)
		}
		equal(t, "noted", noted, lines("payment.incident incident:"+list[0].ID.String()))
		if left, err := c.Incidents(ctx); err != nil || len(left) != 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}, schemas...)
}

func TestJobsSettleAndGiveUpWhatTheyCantRead(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c, ctx := newCounter(t, d), t.Context()
	heard := make(chan id.ID, 1)
	c.opt.Settle = func(_ context.Context, order id.ID) error { heard <- order; return nil }
	c.React(c.Jobs)
	c.open(1, delivery.AimCapture)
	c.write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := c.Jobs.Enqueue(ctx, tx, settleKind, "no order", jobs.Opts{}); err != nil {
			return err
		}
		_, err := c.Jobs.Enqueue(ctx, tx, hintKind, settleArgs{7}, jobs.Opts{})
		return err
	})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Jobs.Run(running) }()
	defer func() { stop(); <-ended }()
	if order := <-heard; order != 7 {
		t.Errorf("a hint about order 7 asks about %d", order)
	}
	const settled = `SELECT COUNT(*) FROM payment WHERE order_id = 1 AND state = 'captured'`
	const dropped = `SELECT COUNT(*) FROM job WHERE state = 'discarded' AND attempt = 1`
	for ends := time.Now().Add(20 * time.Second); c.number(settled) != 1 || c.number(dropped) != 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(ends) {
			t.Fatalf("after 20 s: %d settled, %d given up", c.number(settled), c.number(dropped))
		}
	}
}

func TestMovedIsWhatCameInAndWentBackBetweenTwoOrders(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		for order := id.ID(1); order <= 3; order++ {
			c.open(order, delivery.AimCapture)
			c.settle(order)
		}
		c.open(4, delivery.AimHold) // held, not taken
		c.settle(4)
		c.write(func(ctx context.Context, tx *db.Tx) error {
			if err := c.Refund(ctx, tx, 2, 21, 120); err != nil {
				return err
			}
			return c.Collect(ctx, tx, delivery.Charge{Order: 5, Method: delivery.PayOnDelivery, Amount: 900, Currency: "EUR"}, 30, c.Now())
		})
		c.settle(2)
		for name, b := range map[string]struct {
			after, last id.ID
			want        []delivery.Moved
		}{
			"all":        {0, 0, []delivery.Moved{{Order: 1, Taken: 500}, {Order: 2, Taken: 500, Returned: 120}, {Order: 3, Taken: 500}, {Order: 5, Taken: 900}}},
			"some":       {1, 2, []delivery.Moved{{Order: 2, Taken: 500, Returned: 120}}},
			"the others": {3, 0, []delivery.Moved{{Order: 5, Taken: 900}}},
		} {
			err := d.Read(ctx, func(tx *db.Tx) error {
				got, err := c.Moved(ctx, tx, b.after, b.last)
				equal(t, name, got, b.want)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}, schemas...)
}

func TestACardIsKeptOnlyWhereItsHolderWantsIt(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c := newCounter(t, d)
	for order, save := range map[id.ID]bool{1: true, 2: false} {
		c.write(func(ctx context.Context, tx *db.Tx) error {
			return c.Open(ctx, tx, delivery.Charge{Order: order, Method: delivery.PayByCard, Amount: 1, Currency: "EUR", Token: "tok_ok", Save: save})
		})
		c.settle(order)
		if got := c.bank.cards[len(c.bank.cards)-1].Save; got != save {
			t.Errorf("Save = %v; want %v", got, save)
		}
	}
}

func TestTheSandboxTakesItsFeeAndNeverMoreThanThereIs(t *testing.T) {
	for amount, want := range map[money.Amount]money.Amount{0: 0, 1: 1, 25: 25, 26: 25, 35: 25, 36: 26, 107: 26, 108: 27, 1000: 39, 3768: 78} {
		if got := sandboxFee(amount); got != want {
			t.Errorf("sandboxFee(%d) = %d; want %d", amount, got, want)
		}
	}
}

func TestTheSandboxStandsForABankThatAsks(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	s, ctx := NewSandbox(d), t.Context()
	ask := func(key, token string) string {
		t.Helper()
		a, err := s.Authorise(ctx, key, Card{Order: 8, Token: token, Amount: 100, Currency: "EUR"})
		if err != nil || a.Action == nil || a.Action.URL != "/sandbox/3ds/"+a.Ref || a.Decline != "" {
			t.Fatalf("%s: %+v, %v", token, a, err)
		}
		return a.Ref
	}
	decide := func(ref string, confirm bool) {
		t.Helper()
		if order, err := s.Decide(ctx, ref, confirm); err != nil || order != 8 {
			t.Fatalf("Decide = %d, %v", order, err)
		}
	}
	stands := func(ref, decline string, asks bool) {
		t.Helper()
		a, err := s.Authorise(ctx, "look", Card{Ref: ref})
		if err != nil || a.Ref != ref || a.Decline != decline || (a.Action != nil) != asks {
			t.Errorf("it stands %+v, %v; want %q, asks: %v", a, err, decline, asks)
		}
	}
	yes := ask("a", "tok_3ds")
	stands(yes, "", true)
	if _, err := s.Capture(ctx, "c0", yes, 100); err == nil {
		t.Error("what nobody agreed to was taken")
	}
	decide(yes, true)
	decide(yes, false) // too late
	stands(yes, "", false)
	no := ask("b", "tok_3ds")
	decide(no, false)
	decide(no, true)
	stands(no, "authentication_failed", false)
	never := ask("c", "tok_3ds_fail")
	decide(never, true)
	stands(never, "authentication_failed", false)
	if err := s.Void(ctx, "v", yes); err != nil {
		t.Fatal(err)
	}
	stands(yes, "canceled", false)
	if _, err := s.Authorise(ctx, "look", Card{Ref: "ch_none"}); !errors.Is(err, db.ErrNoRow) {
		t.Errorf("a charge that is none: %v", err)
	}
	if _, err := s.Decide(ctx, "ch_none", true); !errors.Is(err, db.ErrNoRow) {
		t.Errorf("to decide about a charge that is none: %v", err)
	}
	for token, want := range map[string]string{
		"tok_ok": "", "tok_declined": "declined", "tok_insufficient_funds": "insufficient_funds", "tok_expired": "expired", "pm_card_visa": "unknown_card",
	} {
		if a, err := s.Authorise(ctx, "d:"+token, Card{Token: token, Amount: 100, Currency: "EUR"}); err != nil || a.Decline != want || a.Action != nil {
			t.Errorf("%s: %+v, %v; want the decline %q", token, a, err, want)
		}
	}
	if _, err := s.Authorise(ctx, "d:tok_ok", Card{Token: "tok_ok", Amount: 100, Currency: "CHF"}); err == nil {
		t.Error("a key serves for two currencies")
	}
	slow := Card{Token: "tok_timeout", Amount: 100, Currency: "EUR"}
	if _, err := s.Authorise(ctx, "slow", slow); !errors.Is(err, errNoAnswer) {
		t.Errorf("the first answer: %v", err)
	}
	if a, err := s.Authorise(ctx, "slow", slow); err != nil || a.Decline != "" {
		t.Errorf("the second: %+v, %v", a, err)
	}
	// Given back to the last cent, and not one more or less than nothing.
	a, err := s.Authorise(ctx, "r", Card{Token: "tok_ok", Amount: 100, Currency: "EUR"})
	if err == nil {
		_, err = s.Capture(ctx, "rc", a.Ref, 100)
	}
	if err == nil {
		_, err = s.Refund(ctx, "r1", a.Ref, 60)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, amount := range []money.Amount{0, -1, 41} {
		if _, err := s.Refund(ctx, fmt.Sprint("no", i), a.Ref, amount); err == nil {
			t.Errorf("%d more went back of 40", amount)
		}
	}
	for range 2 { // once
		if _, err := s.Refund(ctx, "r2", a.Ref, 40); err != nil {
			t.Errorf("the last 40: %v", err)
		}
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		c, err := findCharge(ctx, tx, a.Ref)
		if err != nil || c.refunded != 100 || c.captured != 100 {
			t.Errorf("%+v, %v", c, err)
		}
		before := c
		before.refunded = 60 // as it was a moment ago
		return changeCharge(ctx, tx, before, c)
	})
	if err == nil {
		t.Error("two change a charge at the same time")
	}
}

func TestWithoutAnythingElseAPaymentAloneIsSettled(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	c := newCounter(t, d)
	c.open(1, delivery.AimCapture)
	if err := c.opt.Settle(t.Context(), 1); err != nil || c.at(1).State != delivery.PaymentCaptured {
		t.Errorf("%v, %+v", err, c.at(1))
	}
	n := 0
	s := New(c.Deps, Options{Settle: func(context.Context, id.ID) error { n++; return nil }})
	if err := s.opt.Settle(t.Context(), 1); err != nil || n != 1 {
		t.Errorf("what an order settles with is not asked: %v, %d", err, n)
	}
}

func TestSharesAreWhatGroupOrdersHavePaidInAndNotGotBack(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		c, ctx := newCounter(t, d), t.Context()
		for share := id.ID(1); share <= 3; share++ {
			c.write(func(ctx context.Context, tx *db.Tx) error {
				return c.Open(ctx, tx, delivery.Charge{Order: share, Group: 8 + share/3, Method: delivery.PayByCard, Amount: 500, Currency: "EUR", Token: "tok_ok", Customer: 5})
			})
			c.settle(share)
		}
		c.write(func(ctx context.Context, tx *db.Tx) error { return c.Refund(ctx, tx, 2, 21, 120) })
		c.settle(2)
		c.open(4, delivery.AimCapture) // of an order
		c.settle(4)
		err := d.Read(ctx, func(tx *db.Tx) error {
			got, err := c.Shares(ctx, tx)
			equal(t, "shares", got, map[id.ID]money.Amount{8: 880, 9: 500})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}, schemas...)
}

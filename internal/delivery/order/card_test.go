package order

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// byCard is an order for one pizza, to be collected, paid by a card.
func (tw *town) byCard(token string) delivery.PlaceRequest {
	in := tw.wanted(delivery.Pickup, 1)
	in.Method, in.Card = delivery.PayByCard, token
	return in
}

// money returns what the sandbox holds and has taken for an order, less what it gave back.
func (tw *town) money(t *testing.T, order id.ID) (held, taken int64) {
	t.Helper()
	err := tw.d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT CAST(COALESCE(SUM(CASE WHEN state = 'held' THEN amount ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(captured - refunded), 0) AS BIGINT) FROM sandbox_charge WHERE auth_key LIKE $1`, "stoa:"+order.String()+":%").Scan(&held, &taken)
	})
	if err != nil {
		t.Fatal(err)
	}
	return held, taken
}

func (tw *town) wantMoney(t *testing.T, order id.ID, held, taken int64) {
	t.Helper()
	if h, k := tw.money(t, order); h != held || k != taken {
		t.Fatalf("held %d, taken %d; want %d and %d", h, k, held, taken)
	}
}

// settleNow does what the jobs of payments would.
func (tw *town) settleNow(t *testing.T, order id.ID) {
	t.Helper()
	if err := tw.pay.Settle(t.Context(), order, nil); err != nil {
		t.Fatal(err)
	}
}

func TestACardIsHeldThenTakenThenGivenBack(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.byCard("tok_ok"))
		tw.wantMoney(t, p.Order, 1600, 0)
		if v := tw.see(t, cook, p.Order); v.Payment != delivery.PaymentAuthorised || v.Due != 0 || v.Awaiting {
			t.Fatalf("placed: %+v", v)
		}
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		tw.settleNow(t, p.Order)
		tw.wantMoney(t, p.Order, 0, 1600)
		must[*View](t)(tw.Cancel(as(cook), p.Order, Why{Reason: "CLOSING"}))
		tw.settleNow(t, p.Order)
		tw.settleNow(t, p.Order) // a job that runs twice gives nothing back twice
		tw.wantMoney(t, p.Order, 0, 0)
		if v := tw.see(t, anna, p.Order); v.Payment != delivery.PaymentRefunded {
			t.Fatalf("payment is %s", v.Payment)
		}
		if _, err := tw.Restore(as(cook), p.Order); errs.CodeOf(err) != "refunded" {
			t.Fatalf("Restore of a refunded order = %v", err)
		}
	})
}

func TestADeclinedCardLeavesNothingBehind(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		tw.stock(t, pizza, 1)
		for _, token := range []string{"tok_declined", "tok_insufficient_funds", "tok_expired", "tok_of_nobody"} {
			for range 2 { // the second is a replay
				_, err := tw.Place(as(anna), token, tw.byCard(token))
				e, ok := errors.AsType[*errs.Error](err)
				if !ok || e.Kind != errs.Invalid || e.Code != "card_declined" || len(e.Fields) != 1 || e.Fields[0].Path != "card" {
					t.Fatalf("%s: %#v; want card_declined", token, err)
				}
			}
		}
		if n := tw.left(t, pizza); n != 1 {
			t.Fatalf("%d portions are left", n)
		}
		k := must[*Kitchen](t)(tw.Kitchen(as(cook), "luigi"))
		if len(k.Open)+len(k.Ended) != 0 {
			t.Fatalf("the kitchen sees %v and %v", k.Open, k.Ended)
		}
		mine, err := tw.ListMine(as(anna), "CANCELLED", "", 10)
		if err != nil || len(mine.Items) != 4 {
			t.Fatalf("Anna has %d cancelled orders, %v", len(mine.Items), err)
		}
		o := mine.Items[0]
		if diff := cmp.Diff([]string{"payment.changed", "order.cancelled"}, tw.told(t, o.ID)); diff != "" || o.Reason != PaymentDeclined {
			t.Fatalf("%s, events (-want +got):\n%s", o.Reason, diff)
		}
		if _, err := tw.Get(as(cook), o.ID); !errs.Is(err, errs.NotFound) {
			t.Fatalf("the kitchen sees a declined order: %v", err)
		}
		if _, err := tw.Restore(as(desk), o.ID); errs.CodeOf(err) != "too_late" {
			t.Fatalf("Restore of a declined order = %v", err)
		}
	})
}

func TestAnUnclearAnswerIsAskedForAgain(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p, err := tw.Place(as(anna), "k", tw.byCard("tok_timeout"))
		if err != nil || !p.Pending {
			t.Fatalf("Place = %v, %v; want it pending", p, err)
		}
		if again, err := tw.Place(as(anna), "k", tw.byCard("tok_timeout")); err != nil || !again.Pending || again.Order != p.Order {
			t.Fatalf("Place again = %v, %v", again, err)
		}
		if len(tw.told(t, p.Order)) != 0 {
			t.Fatalf("told too early: %v", tw.told(t, p.Order))
		}
		if _, err := tw.Get(as(cook), p.Order); !errs.Is(err, errs.NotFound) {
			t.Fatalf("the kitchen sees an unpaid order: %v", err)
		}
		if _, err := tw.Confirm(as(chief), p.Order, nil); errs.CodeOf(err) != "wrong_state" {
			t.Fatalf("an unpaid order is confirmed: %v", err)
		}
		tw.work(t)
		tw.clock.Advance(2*time.Minute + time.Second)
		tw.await(t, "order.settle completed")
		if diff := cmp.Diff([]string{"payment.changed", "order.placed"}, tw.told(t, p.Order)); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		tw.wantMoney(t, p.Order, 1600, 0) // once
		v := tw.see(t, cook, p.Order)
		if v.State != delivery.Created || v.ConfirmBy.Before(tw.clock.Now().Add(9*time.Minute)) {
			t.Fatalf("the kitchen has until %s at %s", v.ConfirmBy, tw.clock.Now())
		}
	})
}

func TestACustomerWhoCancelsWhileTheBankThinksPaysNothing(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p, err := tw.Place(as(anna), "k", tw.byCard("tok_timeout"))
		if err != nil {
			t.Fatal(err)
		}
		must[*View](t)(tw.Cancel(as(anna), p.Order, Why{}))
		if err := tw.Settle(t.Context(), p.Order); err != nil {
			t.Fatal(err)
		}
		tw.wantMoney(t, p.Order, 0, 0)
		if v := tw.see(t, anna, p.Order); v.State != delivery.Cancelled || v.Payment != delivery.PaymentVoided {
			t.Fatalf("%s, payment %s", v.State, v.Payment)
		}
	})
}

func TestAHoldThatWasLetGoIsTakenAgainToRestore(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.byCard("tok_ok"))
		must[*View](t)(tw.Refuse(as(cook), p.Order, Why{Reason: "RUSH_HOUR"}))
		tw.settleNow(t, p.Order)
		tw.wantMoney(t, p.Order, 0, 0)
		v := must[*View](t)(tw.Restore(as(cook), p.Order))
		if v.State != delivery.Created || v.Payment != delivery.PaymentAuthorised {
			t.Fatalf("restored: %s, payment %s", v.State, v.Payment)
		}
		tw.wantMoney(t, p.Order, 1600, 0)
		// Where the food is gone by now the money is let go again.
		tw.stock(t, pizza, 1)
		must[*View](t)(tw.Cancel(as(cook), p.Order, Why{Reason: "RUSH_HOUR"}))
		tw.settleNow(t, p.Order)
		tw.stock(t, pizza, 0)
		if _, err := tw.Restore(as(cook), p.Order); errs.CodeOf(err) != "sold_out" {
			t.Fatalf("Restore = %v; want sold_out", err)
		}
		tw.settleNow(t, p.Order)
		tw.wantMoney(t, p.Order, 0, 0)
	})
}

func TestWhoDoesNotComePaysAllTheSame(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.byCard("tok_ok"))
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		if _, err := tw.Cancel(as(cook), p.Order, Why{Reason: "NO_SHOW"}); !errs.Is(err, errs.Invalid) {
			t.Fatalf("NO_SHOW before it is ready: %v", err)
		}
		must[*View](t)(tw.MarkReady(as(cook), p.Order))
		must[*View](t)(tw.Cancel(as(cook), p.Order, Why{Reason: "NO_SHOW"}))
		tw.settleNow(t, p.Order)
		tw.wantMoney(t, p.Order, 0, 1600)
		if err := tw.Settle(context.Background(), p.Order); err != nil {
			t.Fatal(err)
		}
		tw.wantMoney(t, p.Order, 0, 1600)
	})
}

// ref returns what the sandbox calls an order's charge.
func (tw *town) ref(t *testing.T, order id.ID) (ref string) {
	t.Helper()
	err := tw.d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT ref FROM sandbox_charge WHERE order_id = $1`, int64(order)).Scan(&ref)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestABankThatAsksItsCustomerHoldsTheOrderBack(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		for _, c := range []struct {
			token   string
			confirm bool
			want    delivery.State
			pays    delivery.PaymentState
		}{
			{"tok_3ds", true, delivery.Created, delivery.PaymentAuthorised},
			{"tok_3ds", false, delivery.Cancelled, delivery.PaymentFailed},
			{"tok_3ds_fail", true, delivery.Cancelled, delivery.PaymentFailed},
		} {
			p, err := tw.Place(as(anna), id.Code(12), tw.byCard(c.token))
			if err != nil || !p.Pending || p.Action == nil || p.Action.URL == "" {
				t.Fatalf("%s: Place = %+v, %v; want an action", c.token, p, err)
			}
			if v := tw.see(t, anna, p.Order); v.Action == nil || *v.Action != *p.Action || !v.Awaiting || v.Payment != delivery.PaymentAction {
				t.Fatalf("its customer sees %+v", v)
			}
			if v := tw.see(t, desk, p.Order); v.Action != nil {
				t.Fatalf("a dispatcher sees what the bank wants: %+v", v.Action)
			}
			if _, err := tw.Get(as(cook), p.Order); !errs.Is(err, errs.NotFound) {
				t.Fatalf("the kitchen sees it: %v", err)
			}
			if v := must[*View](t)(tw.CheckPayment(as(anna), p.Order)); !v.Awaiting {
				t.Fatalf("asked too early, the order is %s", v.State)
			}
			if _, err := tw.CheckPayment(as(bert), p.Order); !errs.Is(err, errs.NotFound) {
				t.Fatalf("another customer asks about it: %v", err)
			}
			if _, err := payment.NewSandbox(tw.d).Decide(t.Context(), tw.ref(t, p.Order), c.confirm); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if v := must[*View](t)(tw.CheckPayment(as(anna), p.Order)); v.State != c.want || v.Payment != c.pays || v.Action != nil || v.Awaiting {
					t.Fatalf("%s, confirmed %v: %s, payment %s, action %v", c.token, c.confirm, v.State, v.Payment, v.Action)
				}
			}
		}
	})
}

func TestACustomerWhoNeverComesBackFromTheirBankPaysNothing(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p, err := tw.Place(as(anna), "k", tw.byCard("tok_3ds"))
		if err != nil {
			t.Fatal(err)
		}
		tw.work(t)
		tw.clock.Advance(3 * time.Minute)
		tw.await(t, "order.settle completed")
		if v := tw.see(t, anna, p.Order); !v.Awaiting {
			t.Fatalf("after 3 minutes the order is %s", v.State)
		}
		tw.clock.Advance(13 * time.Minute)
		tw.await(t, "payment.settle completed")
		if v := tw.see(t, anna, p.Order); v.State != delivery.Cancelled || v.Reason != PaymentDeclined || v.Payment != delivery.PaymentVoided {
			t.Fatalf("%s, %s, payment %s", v.State, v.Reason, v.Payment)
		}
		// Who confirms now is not charged.
		if _, err := payment.NewSandbox(tw.d).Decide(t.Context(), tw.ref(t, p.Order), true); err != nil {
			t.Fatal(err)
		}
		tw.wantMoney(t, p.Order, 0, 0)
	})
}

func TestCardsAreChargedLateWhereTheTownSaysSo(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		tw.opt.CaptureLate = func() bool { return true }
		p := tw.place(t, tw.byCard("tok_ok"))
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		must[*View](t)(tw.MarkReady(as(cook), p.Order))
		tw.settleNow(t, p.Order)
		tw.wantMoney(t, p.Order, 1600, 0)
		must[*View](t)(tw.Collect(as(cook), p.Order, tw.see(t, anna, p.Order).PickupCode))
		tw.settleNow(t, p.Order)
		tw.wantMoney(t, p.Order, 0, 1600)

		bad := tw.place(t, tw.byCard("tok_capture_fail"))
		must[*View](t)(tw.Confirm(as(cook), bad.Order, nil))
		must[*View](t)(tw.MarkReady(as(cook), bad.Order))
		must[*View](t)(tw.Collect(as(cook), bad.Order, tw.see(t, anna, bad.Order).PickupCode))
		tw.settleNow(t, bad.Order)
		tw.settleNow(t, bad.Order)
		if v := tw.see(t, chief, bad.Order); v.Payment != delivery.PaymentCaptureFailed {
			t.Fatalf("payment %s", v.Payment)
		}
		list, err := tw.pay.Incidents(t.Context())
		if err != nil || len(list) != 1 || list[0].Kind != "capture_refused" || list[0].Order != bad.Order {
			t.Fatalf("incidents %+v, %v", list, err)
		}
		open, err := tw.pay.Unclear(t.Context())
		if err != nil || len(open) != 1 || open[0].Order != bad.Order || open[0].Why != "hold_expired" {
			t.Fatalf("unclear %+v, %v", open, err)
		}
		if err := tw.pay.CloseIncident(t.Context(), list[0].ID, chief.ID); err != nil {
			t.Fatal(err)
		}
		if err := tw.pay.CloseIncident(t.Context(), list[0].ID, chief.ID); !errs.Is(err, errs.NotFound) {
			t.Fatalf("closed twice: %v", err)
		}
	})
}

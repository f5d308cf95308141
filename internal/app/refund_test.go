package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/cart"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/refund"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// paid waits until an order's payment is in a state.
func (p *place) paid(t *testing.T, o id.ID, state delivery.PaymentState) {
	t.Helper()
	until(t, "the payment is "+string(state), func() bool {
		var got delivery.Payment
		err := p.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
			got, err = p.Payments.Of(t.Context(), tx, o)
			return err
		})
		return err == nil && got.State == state && got.Refunding == 0
	})
}

// verified fails where the books and what they are made of disagree.
func (p *place) verified(t *testing.T) {
	t.Helper()
	c, err := p.Ledger.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Findings) > 0 {
		t.Errorf("the books do not agree: %+v", c.Findings)
	}
}

// toGo has somebody order two dishes to fetch them, and the kitchen cook them.
func (p *place) toGo(t *testing.T, c canary, key string) *delivery.Placed {
	t.Helper()
	req := delivery.QuoteRequest{Restaurant: p.shop, Mode: delivery.Pickup, Lines: []delivery.LineRequest{{Item: p.dish, Qty: 2}}}
	q, err := cart.NewQuoter(p.Restaurants, p.Menus, p.Promotions, p.clock.Now, time.Minute).Quote(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	placed, err := p.Orders.Place(as(c.Actor), key, delivery.PlaceRequest{
		QuoteRequest: req, Fingerprint: q.Fingerprint, Method: delivery.PayByCard, Card: "tok_ok", Name: "Anna", Phone: c.phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.announced(t, placed.Order)
	for _, fn := range []func(context.Context, id.ID) (*order.View, error){
		func(ctx context.Context, o id.ID) (*order.View, error) { return p.Orders.Confirm(ctx, o, nil) }, p.Orders.Prepare, p.Orders.MarkReady,
	} {
		if _, err := fn(as(p.admin), placed.Order); err != nil {
			t.Fatal(err)
		}
	}
	return placed
}

func (p *place) announced(t *testing.T, o id.ID) {
	t.Helper()
	until(t, "the kitchen sees the order", func() bool {
		v, err := p.Orders.Get(as(p.admin), o)
		return err == nil && !v.Awaiting
	})
}

func TestADeliveredOrderIsRefundedByLineAndItsCustomerSeesIt(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna, courier := p.canary(t, "anna"), p.canary(t, "carl", access.Grant{Role: access.RoleCourier})
		o := p.order(t, anna, "k1")
		p.bring(t, o.Order, courier)
		p.paid(t, o.Order, delivery.PaymentCaptured)
		customer := p.enter(t, anna.Actor)
		if got := customer.ask("GET", "/orders/"+o.Code, "").Body.String(); strings.Contains(got, "Given back") || strings.Contains(got, "/refunds") {
			t.Error("the customer's page speaks of refunds before there are any")
		}
		if got := p.enter(t, p.admin).ask("GET", "/orders/"+o.Code, "").Body.String(); !strings.Contains(got, "/orders/"+o.Code+"/refunds") {
			t.Error("the town does not find the way to refunds on the order's page")
		}
		r, err := p.Refunds.Grant(as(p.admin), o.Order, "r1", refund.Wish{Lines: []refund.Line{{Line: 0, Qty: 1}}, Reason: "MISSING", Liable: "restaurant", Note: "Sorry!"})
		if err != nil || r.Amount != 1050 {
			t.Fatalf("the refund: %+v, %v", r, err)
		}
		p.paid(t, o.Order, delivery.PaymentPartiallyRefunded)
		for path, want := range map[string]string{
			"/orders/" + o.Code: "Given back", "/orders/" + o.Code + "/refunds": "Something was missing", "/orders/" + o.Order.String() + "/refunds": "Something was missing",
			"/api/stoa/v1/orders/" + o.Code + "/refunds": `"amount":1050`,
		} {
			if w := customer.ask("GET", path, ""); w.Code != 200 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "borne by") {
				t.Errorf("%s for the customer = %d without %q, or with who bears it", path, w.Code, want)
			}
		}
		until(t, "the customer is told", func() bool {
			feed, _, err := p.Notices.Feed(t.Context(), anna.ID, nil, 0, 10)
			return err == nil && len(feed) > 0 && strings.HasPrefix(feed[0].Text, "You get €10.50 back") && feed[0].URL == "/orders/"+o.Code
		})
		p.verified(t)
	})
}

func TestWhoDoesNotFetchTheirFoodPaysForIt(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		o := p.toGo(t, p.canary(t, "anna"), "k1")
		if _, err := p.Orders.Cancel(as(p.admin), o.Order, order.Why{Reason: "NO_SHOW"}); err != nil {
			t.Fatal(err)
		}
		p.paid(t, o.Order, delivery.PaymentCaptured)
		p.verified(t)
		err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
			b, err := p.Orders.Bought(t.Context(), tx, o.Order)
			if err == nil && (!b.Sold || !b.Earned || b.Ended) {
				t.Errorf("the sale does not stand: %+v", b)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestACancelledOrderReturnsOnlyWhatWasNotReturned(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		o := p.toGo(t, p.canary(t, "anna"), "k1")
		p.paid(t, o.Order, delivery.PaymentCaptured)
		if _, err := p.Refunds.Grant(as(p.admin), o.Order, "r1", refund.Wish{Amount: 500, Reason: "LATE", Liable: "restaurant"}); err != nil {
			t.Fatal(err)
		}
		p.paid(t, o.Order, delivery.PaymentPartiallyRefunded)
		if _, err := p.Orders.Cancel(as(p.admin), o.Order, order.Why{Reason: "OTHER", Note: "The oven broke"}); err != nil {
			t.Fatal(err)
		}
		p.paid(t, o.Order, delivery.PaymentRefunded)
		p.verified(t)
		if _, err := p.Orders.Restore(as(p.admin), o.Order); errs.KindOf(err) != errs.Conflict {
			t.Errorf("an order that was refunded is restored: %v", err)
		}
		err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
			got, err := p.Payments.Of(t.Context(), tx, o.Order)
			if err == nil && got.Refunded != got.Amount {
				t.Errorf("%d of %d went back", got.Refunded, got.Amount)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p.verified(t)
	})
}

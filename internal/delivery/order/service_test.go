package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

func TestADinnerGoesItsWayAndTellsEachStepOnce(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.ByCourier, 2))
		minutes := 30
		for range 2 { // every command comes twice, as from a phone with a bad net
			must[*View](t)(tw.Confirm(as(cook), p.Order, &minutes))
		}
		for range 2 {
			must[*View](t)(tw.Prepare(as(cook), p.Order))
		}
		for range 2 {
			must[*View](t)(tw.MarkReady(as(cook), p.Order))
		}
		code := tw.see(t, anna, p.Order).HandoverCode
		now := tw.clock.Now()
		for _, step := range []func(ctx context.Context, tx *db.Tx) error{
			func(ctx context.Context, tx *db.Tx) error { return tw.SetCourier(ctx, tx, p.Order, courier, now) },
			func(ctx context.Context, tx *db.Tx) error { return tw.PickUp(ctx, tx, p.Order, courier, now) },
			func(ctx context.Context, tx *db.Tx) error {
				return tw.Heading(ctx, tx, p.Order, courier, now.Add(9*time.Minute), now)
			},
			func(ctx context.Context, tx *db.Tx) error { return tw.Arrived(ctx, tx, p.Order, courier, now) },
			func(ctx context.Context, tx *db.Tx) error {
				return tw.HandOver(ctx, tx, p.Order, courier, delivery.Proof{Code: code}, now)
			},
		} {
			for range 2 {
				if err := tw.ride(step); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := []string{"order.placed", "order.confirmed", "order.preparing", "order.ready", "order.assigned", "order.picked_up", "order.heading", "order.arrived", "order.delivered", "payment.changed"}
		if diff := cmp.Diff(want, tw.told(t, p.Order)); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		v := tw.see(t, anna, p.Order)
		if v.State != delivery.Delivered || v.Due != 0 || v.Payment != delivery.PaymentCaptured || v.CourierName != "Dora" || v.Flagged {
			t.Fatalf("delivered: %+v", v)
		}
		tw.work(t)
		tw.clock.Advance(3 * time.Hour)
		tw.await(t, "order.conclude completed")
		if v := tw.see(t, anna, p.Order); v.State != delivery.Concluded {
			t.Fatalf("three hours later the order is %s", v.State)
		}
	})
}

func TestAnswersAndBriefsCarryWhatTheirReadersNeed(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.ByCourier, 2))
		briefs, err := tw.OpenBriefs(as(desk))
		if err != nil || len(briefs) != 1 {
			t.Fatalf("OpenBriefs = %v, %v; want one", briefs, err)
		}
		if b := briefs[0]; b.Summary != "2 × Dish 100" || b.Due != 2850 || b.HandoverCode == "" || b.To.Street != "Elm 3" || b.Code != p.Code {
			t.Fatalf("brief: %+v", b)
		}
		mine := tw.see(t, anna, p.Order)
		if mine.HandoverCode == "" || mine.PickupCode != "" || mine.Token == "" {
			t.Fatalf("the customer sees %+v", mine)
		}
		kitchen := tw.see(t, cook, p.Order)
		if kitchen.Phone == "" || kitchen.HandoverCode != "" || kitchen.Token != "" {
			t.Fatalf("the kitchen sees %+v", kitchen)
		}
		guest := must[*View](t)(tw.Track(context.Background(), p.Token))
		if guest.Phone != "" || guest.Name != "" || guest.To != nil || guest.HandoverCode != "" || guest.Token != "" || len(guest.Lines) != 1 {
			t.Fatalf("a guest sees %+v", guest)
		}
		if byCode := must[*View](t)(tw.ByCode(as(anna), strings.ToLower(p.Code))); byCode.ID != p.Order {
			t.Fatal("the code leads to another order")
		}
		for name, a := range map[string]access.Actor{"another customer": bert, "another courier": rider, "another kitchen": {ID: 21, Roles: []access.Grant{{Role: access.RoleStaff, Place: 8}}}} {
			if _, err := tw.Get(as(a), p.Order); !errs.Is(err, errs.NotFound) {
				t.Errorf("%s gets %v; want not found", name, err)
			}
		}
		if _, err := tw.Track(context.Background(), p.Token[:len(p.Token)-1]+"~"); !errs.Is(err, errs.NotFound) {
			t.Errorf("a wrong token gives %v", err)
		}
		must[*View](t)(tw.Cancel(as(anna), p.Order, Why{}))
		if v := tw.see(t, cook, p.Order); v.Phone != "" || v.To != nil || v.Reason != "CUSTOMER" || v.Liable != LiableCustomer {
			t.Errorf("the kitchen still sees %+v", v)
		}
		if briefs, _ := tw.OpenBriefs(as(desk)); len(briefs) != 0 {
			t.Errorf("a cancelled order is still on the board: %v", briefs)
		}
	})
}

func TestAQuoteThatChangedIsShownAndNotOrdered(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		in := tw.wanted(delivery.ByCourier, 1)
		tw.mu.Lock()
		tw.price = 1300
		tw.mu.Unlock()
		_, err := tw.Place(as(anna), "k1", in)
		w, ok := errors.AsType[*httpx.With](err)
		if errs.CodeOf(err) != "quote_changed" || !ok || w.Body.(*delivery.Quote).Total != 1650 {
			t.Fatalf("Place = %v; want quote_changed with the new quote", err)
		}
		// The customer agrees; the same key serves, since nothing was done under it.
		in.Fingerprint = "1650"
		if p, err := tw.Place(as(anna), "k1", in); err != nil || p.Replay {
			t.Fatalf("Place after agreeing = %v, %v", p, err)
		}
		tw.mu.Lock()
		tw.problems = []delivery.Problem{{Code: "closed", Message: "Closed."}, {Code: "sold_out", Path: "lines[0]", Message: "Sold out."}}
		tw.mu.Unlock()
		_, err = tw.Place(as(anna), "k2", in)
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || e.Kind != errs.Invalid || e.Code != "closed" || len(e.Fields) != 2 || e.Fields[1].Path != "lines[0]" {
			t.Fatalf("Place with problems = %#v", err)
		}
		// What was answered once is answered again, whatever stands in the way now.
		if p, err := tw.Place(as(anna), "k1", in); err != nil || !p.Replay {
			t.Fatalf("Place again = %v, %v; want a replay", p, err)
		}
		in.Tip = 200
		if _, err := tw.Place(as(anna), "k1", in); errs.CodeOf(err) != "idempotency_mismatch" {
			t.Fatalf("another order under the same key gives %v", err)
		}
	})
}

func TestTenTapsMakeOneOrder(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	both(t, func(t *testing.T, tw *town) {
		in := tw.wanted(delivery.Pickup, 1)
		for round := range rounds {
			tw.stock(t, pizza, 1) // the first tap takes the last one; the others get its answer all the same
			got := make([]*delivery.Placed, 10)
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() {
					p, err := tw.Place(as(anna), fmt.Sprint("tap", round), in)
					if err != nil {
						t.Errorf("round %d, tap %d: %v", round, i, err)
						return
					}
					got[i] = p
				})
			}
			wg.Wait()
			fresh := 0
			for _, p := range got {
				if p == nil || p.Order != got[0].Order || string(p.Body) != string(got[0].Body) {
					t.Fatalf("round %d: %v differs from %v", round, p, got[0])
				}
				if !p.Replay {
					fresh++
				}
			}
			if mine := must[int](t)(count(tw, anna)); mine != round+1 || fresh != 1 {
				t.Fatalf("round %d: %d orders, of which %d taps say that they made one", round, mine, fresh)
			}
		}
	})
}

func count(tw *town, a access.Actor) (int, error) {
	p, err := tw.ListMine(as(a), "", "", 100)
	return len(p.Items), err
}

func TestOneOfAHundredGetsTheLastPortion(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	both(t, func(t *testing.T, tw *town) {
		in := tw.wanted(delivery.Pickup, 1)
		for round := range rounds {
			tw.stock(t, pizza, 1)
			var mu sync.Mutex
			won, lost := 0, 0
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					_, err := tw.Place(as(access.Actor{ID: id.ID(1000 + i), Name: "Racer"}), fmt.Sprint("race", round), in)
					mu.Lock()
					defer mu.Unlock()
					switch errs.CodeOf(err) {
					case "":
						if err == nil {
							won++
						} else {
							t.Errorf("round %d: %v", round, err)
						}
					case "sold_out":
						lost++
					default:
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wg.Wait()
			if won != 1 || lost != 99 || tw.left(t, pizza) != 0 {
				t.Fatalf("round %d: %d got it, %d did not, %d are left", round, won, lost, tw.left(t, pizza))
			}
		}
	})
}

func TestNobodyAnswersAndTheOrderIsRefused(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		tw.stock(t, pizza, 5)
		tw.work(t)
		late, answered := tw.place(t, tw.wanted(delivery.Pickup, 2)), tw.place(t, tw.wanted(delivery.Pickup, 1))
		must[*View](t)(tw.Confirm(as(cook), answered.Order, nil))
		tw.clock.Advance(5*time.Minute + time.Second)
		tw.await(t, "order.due completed")
		if v := tw.see(t, anna, late.Order); v.State != delivery.Created {
			t.Fatalf("after five minutes it is %s", v.State)
		}
		tw.clock.Advance(5 * time.Minute)
		tw.await(t, "order.refuse completed")
		v := tw.see(t, cook, late.Order)
		if v.State != delivery.Cancelled || v.Reason != NotConfirmed || v.Liable != LiableRestaurant {
			t.Fatalf("after ten minutes: %s, %s, %s", v.State, v.Reason, v.Liable)
		}
		if diff := cmp.Diff([]string{"order.placed", "order.due", "order.cancelled"}, tw.told(t, late.Order)); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"order.placed", "order.confirmed"}, tw.told(t, answered.Order)); diff != "" {
			t.Fatalf("events of the answered one (-want +got):\n%s", diff)
		}
		if n := tw.left(t, pizza); n != 4 {
			t.Fatalf("%d portions are left; want 4", n)
		}
	})
}

func TestAnOrderCancelledByMistakeComesBackOnlyWholeAndInTime(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		tw.stock(t, pizza, 2)
		p := tw.place(t, tw.wanted(delivery.Pickup, 2))
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		must[*View](t)(tw.Cancel(as(cook), p.Order, Why{Reason: "CLOSING"}))
		other := tw.place(t, tw.wanted(delivery.Pickup, 1))
		if _, err := tw.Restore(as(cook), p.Order); errs.CodeOf(err) != "sold_out" {
			t.Fatalf("Restore = %v; want sold_out", err)
		}
		if v := tw.see(t, cook, p.Order); v.State != delivery.Cancelled || tw.left(t, pizza) != 1 {
			t.Fatalf("a refused Restore left %s and %d portions", v.State, tw.left(t, pizza))
		}
		must[*View](t)(tw.Cancel(as(anna), other.Order, Why{}))
		if _, err := tw.Restore(as(anna), p.Order); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a customer restores: %v", err)
		}
		for range 2 {
			if v := must[*View](t)(tw.Restore(as(cook), p.Order)); v.State != delivery.Confirmed || v.Reason != "" || tw.left(t, pizza) != 0 {
				t.Fatalf("restored: %s %q, %d portions left", v.State, v.Reason, tw.left(t, pizza))
			}
		}
		must[*View](t)(tw.Cancel(as(desk), p.Order, Why{Reason: "OTHER"}))
		tw.clock.Advance(11 * time.Minute)
		if _, err := tw.Restore(as(cook), p.Order); errs.CodeOf(err) != "too_late" {
			t.Fatalf("Restore after eleven minutes = %v", err)
		}
	})
}

func TestRefusingForSoldOutFoodSellsItOut(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.Pickup, 1))
		for name, why := range map[string]Why{
			"a dish of another order": {Reason: "SOLD_OUT", Items: []id.ID{cola}},
			"another reason":          {Reason: "CLOSING", Items: []id.ID{pizza}},
			"no such reason":          {Reason: "BORED"},
			"a reason of the house":   {Reason: NotConfirmed},
			"no reason":               {},
		} {
			if _, err := tw.Refuse(as(cook), p.Order, why); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v; want invalid", name, err)
			}
		}
		must[*View](t)(tw.Refuse(as(cook), p.Order, Why{Reason: "SOLD_OUT", Items: []id.ID{pizza}}))
		if !slices.Equal(tw.soldOut, []id.ID{pizza}) {
			t.Fatalf("sold out: %v", tw.soldOut)
		}
	})
}

func TestDelayMovesTimesAndNotTheState(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.Pickup, 1))
		before := tw.see(t, anna, p.Order)
		ready := before.ReadyAt.Add(15 * time.Minute)
		for range 2 {
			v := must[*View](t)(tw.Delay(as(cook), p.Order, Later{ReadyAt: ready}))
			if !v.ReadyAt.Equal(ready) || !v.Until.Equal(before.Until.Add(15*time.Minute)) || v.State != before.State {
				t.Fatalf("delayed: %s %s %s", v.State, v.ReadyAt, v.Until)
			}
		}
		if diff := cmp.Diff([]string{"order.placed", "order.delayed"}, tw.told(t, p.Order)); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		for name, later := range map[string]Later{"nothing": {}, "both": {ReadyAt: ready, Minutes: 5}, "a day": {Minutes: 24 * 60}, "the past": {ReadyAt: tw.clock.Now().Add(-time.Minute)}} {
			if _, err := tw.Delay(as(cook), p.Order, later); !errs.Is(err, errs.Invalid) {
				t.Errorf("delay by %s: %v; want invalid", name, err)
			}
		}
		if _, err := tw.Delay(as(anna), p.Order, Later{Minutes: 5}); !errs.Is(err, errs.Forbidden) {
			t.Errorf("a customer delays: %v", err)
		}
	})
}

func TestFoodIsGivenForTheRightCodeOnly(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.Pickup, 1))
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		must[*View](t)(tw.MarkReady(as(cook), p.Order))
		right := tw.see(t, anna, p.Order).PickupCode
		wrong := "0000"
		if right == wrong {
			wrong = "1111"
		}
		for range maxCodes {
			if _, err := tw.Collect(as(cook), p.Order, wrong); errs.CodeOf(err) != "wrong_code" {
				t.Fatalf("Collect = %v; want wrong_code", err)
			}
		}
		if _, err := tw.Collect(as(cook), p.Order, right); !errs.Is(err, errs.TooMany) {
			t.Fatalf("after ten wrong codes: %v; want too many", err)
		}
		tw.forgetTries(p.Order)
		if v := must[*View](t)(tw.Collect(as(cook), p.Order, right)); v.State != delivery.Delivered || v.Payment != delivery.PaymentCaptured {
			t.Fatalf("collected: %+v", v)
		}
		if _, err := tw.Collect(as(cook), p.Order, "anything"); err != nil {
			t.Fatalf("Collect again = %v; want nothing to happen", err)
		}
	})
}

func TestACourierWithoutNetReportsLaterWithTrueTimes(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.ByCourier, 1))
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		must[*View](t)(tw.MarkReady(as(cook), p.Order))
		start := tw.clock.Now()
		tw.clock.Advance(40 * time.Minute)
		err := tw.ride(func(ctx context.Context, tx *db.Tx) error {
			return tw.PickUp(ctx, tx, p.Order, courier, start.Add(time.Minute))
		})
		if errs.CodeOf(err) != "not_yours" {
			t.Fatalf("PickUp of another's order = %v", err)
		}
		err = tw.ride(func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(
				tw.SetCourier(ctx, tx, p.Order, courier, start), tw.PickUp(ctx, tx, p.Order, courier, start.Add(time.Minute)),
				tw.HandOver(ctx, tx, p.Order, courier, delivery.Proof{Photo: "/media/x.jpg"}, start.Add(20*time.Minute)))
		})
		if err != nil {
			t.Fatal(err)
		}
		v := tw.see(t, anna, p.Order)
		if !v.Flagged || v.Proof == "" || !v.MovedAt.Equal(start.Add(20*time.Minute)) {
			t.Fatalf("handed over: flagged %v, proof %q, at %s", v.Flagged, v.Proof, v.MovedAt)
		}
	})
}

func TestAFailedHandOverSaysWhoIsLiable(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.ByCourier, 1))
		must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
		must[*View](t)(tw.MarkReady(as(cook), p.Order))
		now := tw.clock.Now()
		err := tw.ride(func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(tw.SetCourier(ctx, tx, p.Order, courier, now), tw.PickUp(ctx, tx, p.Order, courier, now))
		})
		if err != nil {
			t.Fatal(err)
		}
		fail := func(reason string) error {
			return tw.ride(func(ctx context.Context, tx *db.Tx) error {
				return tw.FailHandOver(ctx, tx, p.Order, courier, reason, "Rang twice.", now)
			})
		}
		if err := fail("CLOSING"); !errs.Is(err, errs.Invalid) {
			t.Fatalf("FailHandOver for a restaurant's reason = %v", err)
		}
		if err := fail("DAMAGED"); err != nil {
			t.Fatal(err)
		}
		if v := tw.see(t, desk, p.Order); v.State != delivery.Cancelled || v.Liable != LiableCourier {
			t.Fatalf("failed: %s, %s", v.State, v.Liable)
		}
		told := tw.told(t, p.Order)
		if diff := cmp.Diff([]string{"order.failed", "order.cancelled"}, told[len(told)-2:]); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAutoAcceptedOrdersAreConfirmedAtOnce(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		tw.auto = true
		p := tw.place(t, tw.wanted(delivery.Pickup, 1))
		if v := tw.see(t, anna, p.Order); v.State != delivery.Confirmed {
			t.Fatalf("it is %s", v.State)
		}
		if diff := cmp.Diff([]string{"order.placed", "order.confirmed"}, tw.told(t, p.Order)); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
	})
}

// TestNoWalkOfCommandsBreaksAnOrder sends any command of anybody to an order and compares it with the pure machine.
func TestNoWalkOfCommandsBreaksAnOrder(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		rapid.Check(t, func(rt *rapid.T) {
			mode := rapid.SampledFrom(modes).Draw(rt, "mode")
			p := tw.place(t, tw.wanted(mode, rapid.IntRange(1, 9).Draw(rt, "qty")))
			var first row
			read := func() (r row) {
				if err := tw.d.Read(context.Background(), func(tx *db.Tx) (err error) { r, err = load(context.Background(), tx, p.Order); return err }); err != nil {
					rt.Fatal(err)
				}
				return r
			}
			first = read()
			events := len(tw.told(t, p.Order))
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				before := read()
				verb := rapid.SampledFrom([]Verb{Confirm, Refuse, Prepare, Finish, PickUp, HandOver, Collect, Cancel, Fail, Restore}).Draw(rt, "verb")
				actor := rapid.SampledFrom([]access.Actor{anna, cook, rider, desk, chief, bert}).Draw(rt, "actor")
				err := tw.command(verb, actor, before)
				after := read()
				if err == nil && after.state != before.state && !slices.Contains(legal[before.state], after.state) {
					rt.Fatalf("%s by %s led from %s to %s", verb, actor.Name, before.state, after.state)
				}
				if err != nil && (after.state != before.state || errs.KindOf(err) == errs.Internal) {
					rt.Fatalf("%s by %s: %v, and it is %s after %s", verb, actor.Name, err, after.state, before.state)
				}
				if after.snapshot != first.snapshot || after.total != first.total || after.total < 0 {
					rt.Fatalf("%s changed what was bought", verb)
				}
				now := len(tw.told(t, p.Order))
				if (now > events) != (after.state != before.state || after.courier != before.courier) {
					rt.Fatalf("%s by %s from %s to %s told %d events", verb, actor.Name, before.state, after.state, now-events)
				}
				events = now
			}
		})
	})
}

// command sends a verb as the person's screen would.
func (tw *town) command(verb Verb, a access.Actor, r row) error {
	ctx, now := as(a), tw.clock.Now()
	var err error
	switch verb {
	case Confirm:
		_, err = tw.Confirm(ctx, r.id, nil)
	case Refuse:
		_, err = tw.Refuse(ctx, r.id, Why{Reason: "OTHER"})
	case Prepare:
		_, err = tw.Prepare(ctx, r.id)
	case Finish:
		_, err = tw.MarkReady(ctx, r.id)
	case Collect:
		_, err = tw.Collect(ctx, r.id, r.pickupCode)
	case Cancel:
		_, err = tw.Cancel(ctx, r.id, Why{Reason: "CUSTOMER"})
	case Restore:
		_, err = tw.Restore(ctx, r.id)
	default:
		err = tw.d.Write(ctx, func(tx *db.Tx) error {
			switch verb {
			case PickUp:
				if err := tw.SetCourier(ctx, tx, r.id, courier, now); err != nil {
					return err
				}
				return tw.PickUp(ctx, tx, r.id, courier, now)
			case Fail:
				return tw.FailHandOver(ctx, tx, r.id, courier, "LOST", "", now)
			}
			return tw.HandOver(ctx, tx, r.id, courier, delivery.Proof{Code: r.handoverCode}, now)
		})
	}
	return err
}

func TestARefusalThatComesEarlyWaitsForItsTime(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		p := tw.place(t, tw.wanted(delivery.Pickup, 1))
		if err := tw.refuseLate(t.Context(), p.Order); err == nil {
			t.Error("the job is done before its time: nobody would refuse the order")
		}
		if v := tw.see(t, cook, p.Order); v.State != delivery.Created {
			t.Fatalf("the order is %s", v.State)
		}
		tw.clock.Advance(11 * time.Minute)
		if err := tw.refuseLate(t.Context(), p.Order); err != nil {
			t.Fatal(err)
		}
		if v := tw.see(t, cook, p.Order); v.State != delivery.Cancelled || v.Reason != NotConfirmed {
			t.Errorf("the order is %s, %q", v.State, v.Reason)
		}
	})
}

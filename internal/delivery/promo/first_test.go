package promo

import (
	"testing"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// TestOneOrderOfTwentyIsTheFirst places orders of one person at once, each with another promotion for a first order.
func TestOneOrderOfTwentyIsTheFirst(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		first := func(p Promotion, code string) *Promotion {
			p.Code = code
			return tw.make(t, p)
		}
		everywhere := percent(10, Rules{First: FirstHere, Bearer: delivery.PartyPlatform})
		everywhere.Restaurant = 0
		ever := first(percent(10, Rules{First: FirstEver}), "EVER")
		made := []*Promotion{ever, first(percent(10, Rules{First: FirstEver}), "EVER2"), first(percent(10, Rules{First: FirstHere}), "HERE"), first(everywhere, "THERE")}
		use := func(order, account, restaurant id.ID, list ...*Promotion) error {
			var off []delivery.Discount
			for _, p := range list {
				off = append(off, delivery.Discount{Promotion: p.ID, Amount: 100})
			}
			return d.Write(t.Context(), func(tx *db.Tx) error { return tw.Use(t.Context(), tx, order, account, restaurant, off) })
		}
		next := id.ID(0)
		for round := range 20 {
			account := id.ID(100 + round)
			base := next
			next += 100
			won := id.ID(0)
			n := race(20, func(i int) error {
				order := base + id.ID(i) + 1
				err := use(order, account, pizzeria, made[i%4])
				if err == nil {
					won = order // of the one alone that gets here
				}
				return err
			}, func(err error) {
				if errs.CodeOf(err) != "promotion_used_up" {
					t.Errorf("round %d: %v", round, err)
				}
			})
			if n != 1 {
				t.Fatalf("round %d: %d orders are the first", round, n)
			}
			// What failed has left nothing behind: cancelled, the first lets another one be it, with whichever promotion.
			cancel := func() {
				if err := d.Write(t.Context(), func(tx *db.Tx) error { return tw.GiveBack(t.Context(), tx, won) }); err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			if err := use(base+50, account, pizzeria, made[round%4]); err != nil {
				t.Fatalf("round %d: after the first was cancelled: %v", round, err)
			}
			cancel() // takes nothing from another order
			if err := use(won, account, pizzeria, made[(round+1)%4]); errs.CodeOf(err) != "promotion_used_up" {
				t.Fatalf("round %d: taken up again, it is the first, too: %v", round, err)
			}
		}
		// One order may have two of them, and be asked for twice; another at another restaurant is the first there, but not in town.
		for range 2 {
			if err := use(next+1, 5, pizzeria, made...); err != nil {
				t.Fatalf("two of one order: %v", err)
			}
		}
		if err := use(next+2, 5, sushi, made[1]); errs.CodeOf(err) != "promotion_used_up" {
			t.Errorf("a second first order in town: %v", err)
		}
		if err := use(next+3, 6, pizzeria, made[3]); err != nil {
			t.Errorf("another person: %v", err)
		}
		if err := use(next+4, 6, sushi, ever); err != nil {
			t.Errorf("at once their first in town, at another restaurant: %v", err)
		}
		if got, err := tw.Get(asAdmin(t), ever.ID); err != nil || got.Used == 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}, Schema, events.Schema)
}

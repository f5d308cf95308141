package restaurant

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/restaurant/price"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestOnlyAdminsChangeADeal(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := setup(t, d)
		town := Free()
		f.opt.Deal = func() Agreement { return town }
		f.opt.Audit = audit.New(d, id.NewSource(2), f.clock.Now)
		c := f.make(t, "Luigi", nil)
		owner := access.With(t.Context(), access.Actor{ID: 5, Roles: []access.Grant{{Role: access.RoleOwner, Place: c.ID}}})
		deals := func() map[delivery.Mode]delivery.Deal {
			shop, err := f.Shop(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return shop.Deals
		}
		if d := cmp.Diff(town.deals(), deals()); d != "" {
			t.Fatalf("without a deal of its own (-want +got):\n%s", d)
		}
		town.Delivery.Commission = 500
		if d := cmp.Diff(town.deals(), deals()); d != "" {
			t.Fatalf("after the town changed its deal (-want +got):\n%s", d)
		}

		own := Free()
		own.Delivery.Commission, own.Pickup.CommissionFlat, own.Delivery.FeeTo = 1250, 50, delivery.PartyRestaurant
		if _, err := f.SetDeal(owner, c.ID, &own); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("an owner's SetDeal = %v; want forbidden", err)
		}
		after, err := f.SetDeal(f.admin, c.ID, &own)
		if err != nil || after.Version != c.Version+1 {
			t.Fatalf("SetDeal: version %d, %v", after.Version, err)
		}
		if d := cmp.Diff(own.deals(), deals()); d != "" {
			t.Fatalf("own deal (-want +got):\n%s", d)
		}
		if _, err := f.Update(owner, c.ID, "profile", func(s *Settings) error { s.Name, s.Deal = "Luigi II", nil; return nil }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(own.deals(), deals()); d != "" {
			t.Fatalf("after an owner's change (-want +got):\n%s", d)
		}
		for _, wrong := range []Agreement{{}, {Delivery: delivery.Deal{Commission: 100_01, CardFee: "platform", FeeTo: "platform"}, Pickup: own.Pickup}} {
			if _, err := f.SetDeal(f.admin, c.ID, &wrong); !errs.Is(err, errs.Invalid) {
				t.Errorf("SetDeal(%+v) = %v; want invalid", wrong, err)
			}
		}
		if _, err := f.SetDeal(f.admin, c.ID, nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(town.deals(), deals()); d != "" {
			t.Fatalf("back to the town's (-want +got):\n%s", d)
		}
		book, err := f.opt.Audit.List(f.admin, audit.Filter{Verb: "restaurant.deal"}, "", 10)
		if err != nil || len(book.Items) != 2 {
			t.Fatalf("audit log has %d entries, %v; want 2", len(book.Items), err)
		}
	}, Schema, events.Schema, audit.Schema)
}

func TestAnOwnersPatchOfTheDealIsRefused(t *testing.T) {
	f := setup(t, dbtest.SQLite(t, Schema, events.Schema))
	c := f.make(t, "Luigi", nil)
	own := Free()
	own.Delivery.Commission = 1000
	if _, err := f.SetDeal(f.admin, c.ID, &own); err != nil {
		t.Fatal(err)
	}
	before, err := f.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	owner := access.With(t.Context(), access.Actor{ID: 5, Roles: []access.Grant{{Role: access.RoleOwner, Place: c.ID}}})
	status, body := f.server(t)(owner, "PATCH", "/api/stoa/v1/restaurants/luigi", `{"name":"Cheap","deal":{"delivery":{"commission":0}}}`)
	if status != 422 || !strings.Contains(body, `"path":"body.deal"`) {
		t.Fatalf("PATCH with a deal = %d %s; want 422 about the deal", status, body)
	}
	after, err := f.Get(t.Context(), c.ID)
	if err != nil || after.Version != before.Version || after.Settings.Name != "Luigi" || *after.Settings.Deal != own {
		t.Fatalf("changed to %+v, %v", after.Settings, err)
	}
}

// aside is in the first zone and less than a kilometre away, farther in the second.
var aside, farther = geo.Move(kitchenAt, 90, 950), geo.Move(kitchenAt, 90, 4000)

func at(s string) *time.Time {
	t := berlin(s)
	return &t
}

func TestTermsAreOfThePriceRules(t *testing.T) {
	c := compiled(t, func(s *Settings) {
		s.Prices = []price.FeeRule{{From: 6000}, {Zone: "Near", Fee: 100, PerKm: 50}, {Hours: "Tu 19:00-20:00", Fee: 300}}
	})
	for name, x := range map[string]struct {
		ask Ask
		fee int64
	}{
		"near, a kilometre":          {Ask{To: &aside, Food: 2000}, 150},
		"near, dear enough":          {Ask{To: &aside, Food: 6000}, 0},
		"near, no zone's free_from":  {Ask{To: &aside, Food: 4500}, 150},
		"far, the zone's fee":        {Ask{To: &farther, Food: 3000}, 490},
		"far, at half past seven":    {Ask{To: &farther, Food: 3000, At: at("2026-12-01 19:30")}, 300},
		"far, at half past eight":    {Ask{To: &farther, Food: 3000, At: at("2026-12-01 20:30")}, 490},
		"far, a wednesday at 19:30":  {Ask{To: &farther, Food: 3000, At: at("2026-12-02 19:30")}, 490},
		"collected, nothing is paid": {Ask{Mode: delivery.Pickup, Food: 3000}, 0},
	} {
		if x.ask.Mode == "" {
			x.ask.Mode = delivery.ByCourier
		}
		if got := c.Terms(tuesday, x.ask, nil); got.Fee != x.fee || len(got.Problems) > 0 {
			t.Errorf("%s: fee %d, %v; want %d", name, got.Fee, got.Problems, x.fee)
		}
	}
	l, ok := c.Listing(tuesday, delivery.NearQuery{Mode: delivery.ByCourier, To: &aside})
	if !ok || l.Fee != 150 || l.Free != 6000 {
		t.Errorf("listed with fee %d and free from %d; want 150 and 6000", l.Fee, l.Free)
	}
}

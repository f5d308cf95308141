package restaurant

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/delivery/restaurant/price"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"pgregory.net/rapid"
)

func TestSettingsPagesSaveAndSayWhatIsWrong(t *testing.T) {
	f := setup(t, dbtest.SQLite(t, Schema, events.Schema))
	c := f.make(t, "Luigi", nil)
	send := f.server(t)
	as := func(role access.Role) context.Context {
		return access.With(t.Context(), access.Actor{ID: 9, Roles: []access.Grant{{Role: role, Place: c.ID}}})
	}
	owner, staff := as(access.RoleOwner), as(access.RoleStaff)
	const p = "/restaurant/luigi"
	profile := url.Values{"name": {"Luigi"}, "street": {"Ring 2"}, "lat": {"52.5"}, "lon": {"13.4"}, "price": {"3"}, "time_zone": {"Europe/Berlin"}, "active": {"on"}, "cuisines": {"Italian, Pizza"}}
	kitchen := url.Values{
		"up_to": {"20", "", ""}, "minutes": {"12", "25", ""}, "rush_minutes": {"24", "", ""}, "minimum": {"12,50"}, "delivers": {"on"}, "picks_up": {"on"},
		"cap_orders": {"4"}, "cap_minutes": {"15"}, "slot_minutes": {"15"}, "days_ahead": {"2"}, "tax_food": {"7"}, "tax_drink": {"19"}, "tax_alcohol": {"19"}, "fee_tax": {"19"},
	}
	bad := url.Values{}
	for k, v := range kitchen {
		bad[k] = v
	}
	bad["minimum"] = []string{"a lot"}
	prices := func(do, upTo, fee, perKm string) url.Values {
		return url.Values{"up_to": {upTo, ""}, "zone": {"", ""}, "from": {"", ""}, "hours": {"", ""}, "fee": {fee, ""}, "per_km": {perKm, ""}, "do": {do}}
	}
	triangle := `{"type":"Polygon","coordinates":[[[13.3,52.4],[13.5,52.4],[13.4,52.6],[13.3,52.4]]]}`
	for _, x := range []struct {
		name               string
		ctx                context.Context
		method, path, form string
		status             int
		want               string
	}{
		{"a guest", t.Context(), "GET", p + "/settings", "", 401, "sign in"},
		{"profile", owner, "GET", p + "/settings", "", 200, "Until tomorrow"},
		{"an owner sees the deal", owner, "GET", p + "/settings", "", 200, "Your deal with the town"},
		{"save profile", owner, "POST", p + "/settings", profile.Encode(), 303, ""},
		{"staff may not", staff, "POST", p + "/settings", profile.Encode(), 403, ""},
		{"saved profile", owner, "GET", p + "/settings?saved=1", "", 200, "Italian, Pizza"},
		{"nameless", owner, "POST", p + "/settings", "street=Ring+2", 422, "Give the restaurant a name."},
		{"hours", owner, "GET", p + "/settings/hours", "", 200, "11:30–22:00"},
		{"preview", owner, "GET", p + "/settings/hours/preview?hours=Mo-Su+10:00-12:00", "", 200, "10:00–12:00"},
		{"preview of nonsense", owner, "GET", p + "/settings/hours/preview?hours=Mo-Xx", "", 200, "Column 4"},
		{"save hours", owner, "POST", p + "/settings/hours", "hours=Tu-Su+17:00-23:00&holidays=2026-12-25", 303, ""},
		{"nonsense hours", owner, "POST", p + "/settings/hours", "hours=Mo-Xx", 422, "Column 4"},
		{"closure", staff, "POST", p + "/settings/closures", "to=2026-12-01T20:00&reason=Oven", 303, ""},
		{"closure next month", staff, "POST", p + "/settings/closures", "to=2027-01-01T20:00", 403, ""},
		{"closure without end", owner, "POST", p + "/settings/closures", "to=", 422, "Choose a day and time."},
		{"special day", owner, "POST", p + "/settings/special", "date=2026-12-24&spans=11:00-14:00&reason=Eve", 303, ""},
		{"nonsense special day", owner, "POST", p + "/settings/special", "date=2026-12-24&spans=noon", 422, "is not a time"},
		{"both are listed", owner, "GET", p + "/settings/hours", "", 200, "2026-12-24"},
		{"no special day", owner, "POST", p + "/settings/special/2026-12-24/delete", "", 303, ""},
		{"zones", owner, "GET", p + "/settings/zones", "", 200, "Around the corner"},
		{"new zone page", owner, "GET", p + "/settings/zones/new", "", 200, "Save zone"},
		{"draw a zone", owner, "POST", p + "/settings/zones/new", url.Values{"name": {"Old town"}, "fee": {"1.90"}, "area": {triangle}, "place": {"1"}}.Encode(), 303, ""},
		{"it comes first", owner, "GET", p + "/settings/zones", "", 200, "1. Old town"},
		{"zone without money", owner, "POST", p + "/settings/zones/1", "radius_m=900&fee=much", 422, "Write an amount such as 2.50."},
		{"zone without area", owner, "POST", p + "/settings/zones/1", "fee=1", 422, "Draw an area or give a radius."},
		{"zone too wide", owner, "POST", p + "/settings/zones/2", "radius_m=9000000&fee=1&place=2", 422, "Choose a radius"},
		{"no such zone", owner, "GET", p + "/settings/zones/9", "", 404, ""},
		{"delete a zone", owner, "POST", p + "/settings/zones/1/delete", "", 303, ""},
		{"prices", owner, "GET", p + "/settings/prices", "", 200, "As far as"},
		{"staff may not price", staff, "POST", p + "/settings/prices", prices("save", "3", "2.50", "0.50").Encode(), 403, ""},
		{"one more rule is not saved", owner, "POST", p + "/settings/prices", prices("add", "3", "2.50", "").Encode(), 200, "Not saved yet."},
		{"save prices", owner, "POST", p + "/settings/prices", prices("save", "3", "2,50", "0.50").Encode(), 303, ""},
		{"saved prices", owner, "GET", p + "/settings/prices", "", 200, `value="0.50"`},
		{"prices without sense", owner, "POST", p + "/settings/prices", prices("save", "far", "much", "").Encode(), 422, "Choose a distance of at most 50 km."},
		{"kitchen", owner, "GET", p + "/settings/kitchen", "", 200, "In rush"},
		{"save kitchen", owner, "POST", p + "/settings/kitchen", kitchen.Encode(), 303, ""},
		{"kitchen without sense", owner, "POST", p + "/settings/kitchen", bad.Encode(), 422, "Write an amount such as 2.50."},
		{"pause", staff, "POST", p + "/pause", "minutes=30", 303, ""},
		{"paused", staff, "GET", p + "/strip", "", 200, "Take orders again"},
		{"rush", staff, "POST", p + "/rush", "minutes=60&extra=10", 303, ""},
		{"in rush", staff, "GET", p + "/strip", "", 200, "10 minutes more"},
	} {
		t.Run(x.name, func(t *testing.T) {
			status, body := send(x.ctx, x.method, x.path, x.form)
			if status != x.status || !strings.Contains(body, x.want) {
				t.Fatalf("%s %s = %d %s; want %d with %q", x.method, x.path, status, body, x.status, x.want)
			}
		})
	}
	got, err := f.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	s := got.Settings
	if len(s.Prices) != 1 || s.Prices[0] != (price.FeeRule{UpToM: 3000, Fee: 250, PerKm: 50}) {
		t.Fatalf("stored prices %+v", s.Prices)
	}
	if s.Minimum != 1250 || len(s.Prep) != 2 || s.Prep[0] != (PrepRule{2000, 12, 24}) || s.Prep[1] != (PrepRule{0, 25, 50}) || s.Tax["food"] != 700 || s.CapOrders != 4 {
		t.Fatalf("stored %+v", s)
	}
}

func TestAmountsSurviveTheForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		want := rapid.Int64Range(0, 9_999_999).Draw(t, "amount")
		if got, err := ParseMoney(MoneyText(want, cur), cur); err != nil || got != want {
			t.Fatalf("%d %s became %d, %v", want, cur, got, err)
		}
	})
}

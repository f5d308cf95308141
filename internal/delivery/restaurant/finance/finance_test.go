package finance

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// now is a Tuesday noon in Berlin.
var now = time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)

type fixture struct {
	*Service
	d                   *db.DB
	books               *ledger.Service
	c                   *restaurant.Compiled
	admin, owner, staff context.Context
}

func setup(t *testing.T, d *db.DB) *fixture {
	t.Helper()
	ids, clk := id.NewSource(1), clock.NewManual(now)
	rs := restaurant.New(d, events.New(d, events.NewLocal()), ids, clk.Now, nil, restaurant.Options{Audit: audit.New(d, ids, clk.Now)})
	books := ledger.New(d, ids, clk.Now, ledger.Options{})
	f := &fixture{Service: New(d, clk.Now, rs, books), d: d, books: books}
	f.admin = access.With(t.Context(), access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleAdmin}}})
	set := rs.Defaults()
	set.Name, set.Street, set.Point = "Luigi", "Ring 1", geo.Point{Lat: 52.5, Lon: 13.4}
	var err error
	if f.c, err = rs.Create(f.admin, restaurant.NewRestaurant{Settings: set}); err != nil {
		t.Fatal(err)
	}
	as := func(role access.Role) context.Context {
		return access.With(t.Context(), access.Actor{ID: 9, Roles: []access.Grant{{Role: role, Place: f.c.ID}}})
	}
	f.owner, f.staff = as(access.RoleOwner), as(access.RoleStaff)
	return f
}

func (f *fixture) send(ctx context.Context, method, path, body string) (int, string) {
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, s string) { http.Error(w, s, status) })
	f.Routes(rt)
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestDealsAreSetByAdminsAndReadByOwners(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := setup(t, d)
		const rest, page = "/api/stoa/v1/restaurants/luigi/deal", "/admin/restaurants/luigi"
		form := func(commission, flat string) string {
			return url.Values{"commission": {commission}, "flat": {flat}, "pickup_commission": {"5"}, "pickup_flat": {""}, "card_fee": {"restaurant"}, "fee_to": {"platform"}}.Encode()
		}
		deal := `{"delivery":{"commission":%s,"commission_flat":0,"card_fee":"platform","fee_to":"platform"},"pickup":{"commission":0,"commission_flat":0,"card_fee":"platform","fee_to":"platform"}}`
		for _, x := range []struct {
			name               string
			ctx                context.Context
			method, path, body string
			status             int
			want               string
		}{
			{"the town's at first", f.owner, "GET", rest, "", 200, `"own":false`},
			{"not for staff", f.staff, "GET", rest, "", 403, ""},
			{"not for guests", t.Context(), "GET", rest, "", 401, ""},
			{"an owner may not", f.owner, "PUT", rest, strings.Replace(deal, "%s", "0", 1), 403, ""},
			{"an owner may not by form", f.owner, "POST", page, form("0", ""), 403, ""},
			{"an owner may not drop it", f.owner, "DELETE", rest, "", 403, ""},
			{"list", f.admin, "GET", "/admin/restaurants", "", 200, "Luigi"},
			{"admin", f.admin, "PUT", rest, strings.Replace(deal, "%s", "1250", 1), 200, `"own":true`},
			{"too much", f.admin, "PUT", rest, strings.Replace(deal, "%s", "10001", 1), 422, "commission"},
			{"of no party", f.admin, "PUT", rest, strings.Replace(deal, `"card_fee":"platform"`, `"card_fee":"courier"`, 1), 422, ""},
			{"owner reads it", f.owner, "GET", rest, "", 200, `"commission":1250`},
			{"form", f.admin, "GET", page, "", 200, `value="12.5"`},
			{"save the form", f.admin, "POST", page, form("9,5", "0.50"), 303, ""},
			{"listed", f.admin, "GET", "/admin/restaurants", "", 200, "9.5\u00a0% + €0.50"},
			{"nonsense", f.admin, "POST", page, form("a lot", "much"), 422, "Write a percentage such as 7 or 19."},
			{"the town's again", f.admin, "POST", page + "/town", "", 303, ""},
			{"which owners see", f.owner, "GET", rest, "", 200, `"own":false`},
			{"none", f.admin, "GET", "/admin/restaurants/nobody", "", 404, ""},
		} {
			if status, body := f.send(x.ctx, x.method, x.path, x.body); status != x.status || !strings.Contains(body, x.want) {
				t.Errorf("%s: %s %s = %d %s; want %d with %q", x.name, x.method, x.path, status, body, x.status, x.want)
			}
		}
	}, restaurant.Schema, events.Schema, audit.Schema, ledger.Schema)
}

func TestFiguresAreThoseOfTheBooks(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := setup(t, d)
		// What the books enter for 30.00 of food at 7 % with 3.00 off by the restaurant, 10 % commission, a card's fee of 0.80, and 5.35 given
		// back; then an order of 10.00 that is paid at the counter, a week before.
		post := func(ref string, at time.Time, list ...delivery.Entry) {
			t.Helper()
			sum := int64(0)
			for i := range list {
				list[i].Book.Currency = "EUR"
				sum += list[i].Amount
			}
			list = append(list, delivery.Entry{Book: delivery.Book{Kind: delivery.BookCustomer, Owner: 77, Currency: "EUR"}, Amount: -sum, What: "sale"})
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				return f.books.Post(t.Context(), tx, delivery.Posting{Ref: ref, What: "sale", At: at, Entries: list})
			}); err != nil {
				t.Fatal(err)
			}
		}
		own := delivery.Book{Kind: delivery.BookRestaurant, Owner: f.c.ID}
		tax := delivery.Book{Kind: delivery.BookTax, Owner: f.c.ID, Rate: 700}
		cash := delivery.Book{Kind: delivery.BookCash, Owner: f.c.ID}
		e := func(b delivery.Book, amount int64, what string) delivery.Entry {
			return delivery.Entry{Book: b, Amount: amount, What: what}
		}
		post("a", now.Add(-time.Hour), e(own, -2823, "sale"), e(own, 300, "discount"), e(tax, -177, "tax"))
		post("b", now.Add(-time.Hour), e(own, 270, "commission"), e(own, 80, "card_fee"))
		post("c", now, e(own, 500, "refund"), e(tax, 35, "refund"))
		post("d", now.AddDate(0, 0, -7), e(own, -935, "sale"), e(tax, -65, "tax"), e(cash, 1000, "paid"))
		post("e", now.AddDate(0, 0, -7), e(own, 500, "payout"))

		list := periods(now, f.c.Shop.Loc, false)
		st, err := f.read(t.Context(), f.c, list)
		if err != nil {
			t.Fatal(err)
		}
		// Owed: 28.23 + 1.77 - 3.00 - 2.70 - 0.80 - 5.35 + 10.00 - 5.00 = 23.15, of which 10.00 are in the till.
		if want := (Standing{Owed: 2315, Cash: 1000, Due: 1315}); st != want {
			t.Errorf("standing = %+v; want %+v", st, want)
		}
		today := list[len(list)-1]
		want := Figures{From: today.From, To: today.To, Sold: 3000, Discounts: -300, Refunds: -535, Commission: -270, CardFees: -80, Earned: 1815}
		if d := cmp.Diff(want, today); d != "" {
			t.Errorf("today (-want +got):\n%s", d)
		}
		if got := list[len(list)-8]; got.Sold != 1000 || got.Earned != 1000 {
			t.Errorf("a week ago: %+v; want 10.00 sold", got)
		}
		byWeek := periods(now, f.c.Shop.Loc, true)
		if _, err := f.read(t.Context(), f.c, byWeek); err != nil {
			t.Fatal(err)
		}
		if sum, daily := total(byWeek), total(list); sum.Earned != 2815 || daily.Earned != 2815 {
			t.Errorf("earned %d by week and %d by day; want 2815", sum.Earned, daily.Earned)
		}
		const page = "/restaurant/luigi/money"
		for _, x := range []struct {
			ctx    context.Context
			path   string
			status int
			want   string
		}{
			{f.owner, page, 200, "€13.15"},
			{f.owner, page + "?by=week", 200, "€28.15"},
			{i18n.With(f.owner, "de"), page, 200, "Die Stadt schuldet dir"},
			{f.owner, "/api/stoa/v1/restaurants/luigi/money", 200, `"due":1315`},
			{f.staff, page, 403, ""},
			{f.staff, "/api/stoa/v1/restaurants/luigi/money", 403, ""},
			{t.Context(), page, 401, ""},
		} {
			if status, body := f.send(x.ctx, "GET", x.path, ""); status != x.status || !strings.Contains(body, x.want) {
				t.Errorf("GET %s = %d %s; want %d with %q", x.path, status, body, x.status, x.want)
			}
		}
	}, restaurant.Schema, events.Schema, audit.Schema, ledger.Schema)
}

func TestPeriodsFollowTheRestaurantsClock(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// The clocks change on 25 October 2026: that day has 25 hours, and no time is in two periods or in none.
	for _, byWeek := range []bool{false, true} {
		list := periods(time.Date(2026, 10, 27, 23, 30, 0, 0, time.UTC), loc, byWeek)
		for i := 1; i < len(list); i++ {
			if !list[i].From.Equal(list[i-1].To) || list[i].From.Hour() != 0 {
				t.Errorf("%v follows %v", list[i].From, list[i-1].To)
			}
		}
		if last := list[len(list)-1]; last.To.Before(time.Date(2026, 10, 28, 1, 0, 0, 0, loc)) {
			t.Errorf("the last period ends at %v", last.To)
		}
	}
}

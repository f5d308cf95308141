package statement

import (
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

const (
	shop  id.ID = 7
	rider id.ID = 30
)

var (
	monday = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	next   = monday.AddDate(0, 0, 7)
)

type town struct {
	*Service
	length string
	books  *ledger.Service
	d      *db.DB
}

func newTown(d *db.DB) *town {
	now := clock.NewManual(next.Add(5 * time.Hour))
	ids := id.NewSource(1)
	books := ledger.New(d, ids, now.Now, ledger.Options{Pay: func() delivery.CourierPay { return delivery.CourierPay{PerOrder: 400, PerKm: 100} }, Orders: none{}})
	tw := &town{books: books, d: d, length: "week"}
	tw.Service = New(Deps{
		DB: d, IDs: ids, Now: now.Now, Books: books, Zone: time.UTC, Town: func() string { return "Agora" }, Length: func() string { return tw.length },
		Name: func(_ context.Context, kind string, _ id.ID) (string, string, error) { return "The " + kind, kind, nil },
	})
	return tw
}

// none stands for orders, which nobody asks for here but by their sales.
type none struct{}

var sales = map[id.ID]delivery.Sale{}

func (none) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	s, ok := sales[order]
	if !ok {
		return delivery.Bought{}, errs.New(errs.NotFound, "none")
	}
	return delivery.Bought{Sale: s, Courier: rider}, nil
}

func (none) BoughtAfter(context.Context, *db.Tx, id.ID, int) ([]delivery.Bought, error) {
	return nil, nil
}

// sale has 21.40 of food at 7 % and 11.90 of wine at 19 %, 2.38 for bringing it at 19 %, and a tip of 2.00.
func sale(order id.ID) delivery.Sale {
	s := delivery.Sale{
		Order: order, Code: "X", Customer: 10, Restaurant: shop, Mode: delivery.ByCourier, Currency: "EUR",
		Lines:    []delivery.QuoteLine{{Qty: 2, Unit: 1070, Total: 2140, Rate: 700}, {Qty: 1, Unit: 1190, Total: 1190, Rate: 1900}},
		Taxes:    []delivery.TaxLine{{Rate: 700, Gross: 2140, Tax: 140}, {Rate: 1900, Gross: 1428, Tax: 228}},
		Subtotal: 3330, Fee: 238, FeeRate: 1900, Tip: 200, Total: 3768, DistM: 1500,
		Deal: delivery.Deal{Commission: 1000, CardFee: delivery.PartyRestaurant, FeeTo: delivery.PartyPlatform},
	}
	sales[order] = s
	return s
}

// dinner enters an order that was delivered and paid by card at a time.
func (tw *town) dinner(t *testing.T, order id.ID, at time.Time) {
	t.Helper()
	tw.write(t, func(ctx context.Context, tx *db.Tx) error {
		if err := tw.books.Sell(ctx, tx, sale(order), at); err != nil {
			return err
		}
		if err := tw.books.Earn(ctx, tx, order, rider, at); err != nil {
			return err
		}
		return tw.books.Take(ctx, tx, delivery.Taken{Order: order, Method: delivery.PayByCard, Provider: "sandbox", Amount: 3768, Currency: "EUR", Fee: 78, At: at})
	})
}

func (tw *town) write(t *testing.T, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := tw.d.Write(t.Context(), func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func as(who id.ID, roles ...access.Grant) context.Context {
	return access.With(context.Background(), access.Actor{ID: who, Roles: roles})
}

var owner = as(20, access.Grant{Role: access.RoleOwner, Place: shop})

func TestStatementsLeadFromWhatWasOwedToWhatIsOwed(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.dinner(t, 1, monday.Add(-time.Hour)) // the week before
		tw.dinner(t, 2, monday)
		tw.dinner(t, 3, next.Add(-time.Second))
		tw.dinner(t, 4, next) // the week after
		tw.write(t, func(ctx context.Context, tx *db.Tx) error {
			return tw.books.Refund(ctx, tx, delivery.Refund{
				ID: 99, Order: 2, Amount: 1070, Currency: "EUR", Lines: []delivery.RefundLine{{Line: 0, Qty: 1, Amount: 1070}},
				Taxes: []delivery.TaxLine{{Rate: 700, Gross: 1070, Tax: 70}}, Liable: delivery.PartyRestaurant, At: monday.Add(time.Hour),
			})
		})
		for _, from := range []time.Time{monday.AddDate(0, 0, -7), monday} {
			for range 2 { // a second time changes nothing
				if err := tw.Issue(t.Context(), from, from.AddDate(0, 0, 7)); err != nil {
					t.Fatal(err)
				}
			}
		}
		list, err := tw.List(owner, Restaurant, shop, 0, 10)
		if err != nil || len(list) != 2 {
			t.Fatalf("%d statements, %v", len(list), err)
		}
		// By hand: 33.30 of food, less 3.33 commission and 0.78 for the card.
		const each = 3330 - 333 - 78
		if list[1].Closing != each || list[0].Opening != each || list[0].Late != 0 || list[0].Closing != 3*each-1070 || list[0].Orders != 2 {
			t.Errorf("owed %d, then %d + %d to %d", list[1].Closing, list[0].Opening, list[0].Late, list[0].Closing)
		}
		rides, err := tw.List(as(rider), Courier, rider, 0, 10)
		if err != nil || len(rides) != 2 || rides[0].Closing != 3*(400+150+200) {
			t.Errorf("the courier's: %+v, %v", rides, err)
		}
		for _, s := range append(list, rides...) {
			sum := s.Opening + s.Late
			for _, l := range s.Lines {
				sum += l.Amount
			}
			if sum != s.Closing {
				t.Errorf("%s leads to %d and not to %d", s.Number, sum, s.Closing)
			}
			var stands money.Amount
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				accounts, err := tw.books.Balances(t.Context(), tx, s.Owner, s.To)
				for _, a := range accounts {
					stands -= a.Balance
				}
				return err
			})
			if err != nil || stands != s.Closing {
				t.Errorf("%s ends at %d; the books say %d, %v", s.Number, s.Closing, stands, err)
			}
		}
	}, Schema, ledger.Schema)
}

func TestWhatIsEnteredLateStandsInTheNextStatement(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, ledger.Schema))
	tw.dinner(t, 1, monday.Add(time.Hour))
	if err := tw.Issue(t.Context(), monday, next); err != nil {
		t.Fatal(err)
	}
	tw.dinner(t, 2, next.Add(-time.Hour)) // a phone that was without a net
	if err := tw.Issue(t.Context(), next, next.AddDate(0, 0, 7)); err != nil {
		t.Fatal(err)
	}
	list, err := tw.List(owner, Restaurant, shop, 0, 10)
	if err != nil || len(list) != 2 || list[0].Late != 3330-333-78 || list[0].Closing != 2*list[1].Closing {
		t.Fatalf("%+v, %v", list, err)
	}
}

func TestOthersDoNotSeeAStatement(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, ledger.Schema))
	tw.dinner(t, 1, monday)
	if err := tw.Issue(t.Context(), monday, next); err != nil {
		t.Fatal(err)
	}
	list, err := tw.List(owner, Restaurant, shop, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{"a courier": as(rider, access.Grant{Role: access.RoleCourier}), "another owner": as(21, access.Grant{Role: access.RoleOwner, Place: 8})} {
		if _, err := tw.Get(ctx, list[0].ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s gets %v", name, err)
		}
	}
	if _, err := tw.List(owner, "", 0, 0, 10); err == nil {
		t.Error("an owner lists everybody's")
	}
	b, err := CSV(list[0])
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || rows[len(rows)-1][5] != "closing" || rows[len(rows)-1][8] != "29.19" {
		t.Errorf("CSV: %v, %v", rows, err)
	}
	if pdf, err := PDF(t.Context(), list[0]); err != nil || len(pdf) < 1000 {
		t.Errorf("PDF: %d bytes, %v", len(pdf), err)
	}
}

func TestAnotherLengthLeavesNoGapAndNoOverlap(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		day := func(m time.Month, n int) time.Time { return time.Date(2026, m, n, 0, 0, 0, 0, time.UTC) }
		manual := clock.NewManual(day(11, 2))
		for order, at := id.ID(1), day(11, 3).Add(12*time.Hour); at.Before(day(12, 28)); order, at = order+1, at.AddDate(0, 0, 1) {
			tw.dinner(t, order, at)
		}
		for ; manual.Now().Before(day(12, 29)); manual.Advance(24 * time.Hour) {
			switch { // the admin changes the setting in the middle of a week, and of a month
			case manual.Now().Equal(day(11, 18)):
				tw.length = "month"
			case manual.Now().Equal(day(12, 10)):
				tw.length = "week"
			}
			for range 2 { // done twice changes nothing
				if err := tw.Due(t.Context(), manual.Now().Add(5*time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		list, err := tw.List(owner, Restaurant, shop, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(list)
		var got []string
		orders := 0
		for i, s := range list {
			got = append(got, s.From.Format("01-02")+" "+s.To.Format("01-02"))
			if i > 0 && (!s.From.Equal(list[i-1].To) || s.Opening != list[i-1].Closing || s.Late != 0) {
				t.Errorf("%s begins %s with %d (late %d) after %s with %d", s.Number, s.From, s.Opening, s.Late, list[i-1].To, list[i-1].Closing)
			}
			orders += s.Orders
		}
		want := []string{"11-02 11-09", "11-09 11-16", "11-16 12-01", "12-01 12-07", "12-07 12-14", "12-14 12-21", "12-21 12-28"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("periods (-want +got):\n%s", diff)
		}
		if orders != 55 {
			t.Errorf("the statements are about %d orders; want 55, each once", orders)
		}
	}, Schema, ledger.Schema)
}

func TestAPeriodThatBrokeOffIsBroughtToItsEndAsItWas(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, ledger.Schema))
	tw.dinner(t, 1, monday)
	name := tw.Name
	tw.Name = func(ctx context.Context, kind string, owner id.ID) (string, string, error) {
		if kind == Courier {
			return "", "", errs.New(errs.Unavailable, "the server is killed")
		}
		return name(ctx, kind, owner)
	}
	if err := tw.Due(t.Context(), next.Add(5*time.Hour)); err == nil {
		t.Fatal("nothing broke")
	}
	tw.Name, tw.length = name, "month"
	if err := tw.Due(t.Context(), next.Add(29*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for kind, of := range map[string]id.ID{Restaurant: shop, Courier: rider} {
		list, err := tw.List(as(1, access.Grant{Role: access.RoleAdmin}), kind, of, 0, 10)
		if err != nil || len(list) != 1 || !list[0].From.Equal(monday) || !list[0].To.Equal(next) {
			t.Errorf("of the %s: %+v, %v", kind, list, err)
		}
	}
}

func TestTheFirstPeriodIsTheOneBefore(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	for length, want := range map[string][2]string{
		"week":  {"2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00"}, // in which the clocks went back: it has an hour more
		"month": {"2026-09-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"},
	} {
		from, to := following(time.Time{}, time.Date(2026, 10, 26, 4, 0, 0, 0, time.UTC), length, berlin)
		if from.Format(time.RFC3339) != want[0] || to.Format(time.RFC3339) != want[1] {
			t.Errorf("%s: %s to %s", length, from, to)
		}
	}
}

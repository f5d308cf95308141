package courier

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

func TestTheFloorIsWhatIsMissing(t *testing.T) {
	for name, x := range map[string]struct {
		hourly money.Amount
		length time.Duration
		earned money.Amount
		want   money.Amount
	}{
		"two hours, nothing earned":      {1400, 2 * time.Hour, 0, 2800},
		"two hours, some earned":         {1400, 2 * time.Hour, 1850, 950},
		"more earned than that":          {1400, 2 * time.Hour, 2801, 0},
		"a cent short":                   {1400, 2 * time.Hour, 2799, 1},
		"25 minutes: 583.33":             {1400, 25 * time.Minute, 0, 583},
		"no floor":                       {0, 8 * time.Hour, 0, 0},
		"never ended: sixteen hours":     {1000, 60 * time.Hour, 0, 16000},
		"no time":                        {1000, 0, 0, 0},
		"a courier had to answer for it": {1000, time.Hour, -500, 1500},
	} {
		if got := floorFor(x.hourly, x.length, x.earned); got != x.want {
			t.Errorf("%s: floorFor = %d; want %d", name, got, x.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		hourly, earned := rapid.Int64Range(0, 1_000_000).Draw(t, "hourly"), rapid.Int64Range(0, 1_000_000).Draw(t, "earned")
		length := time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "length"))
		longer := length + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		a, b := floorFor(hourly, length, earned), floorFor(hourly, longer, earned)
		if a < 0 || b < a {
			t.Fatalf("%v brings %d, %v brings %d", length, a, longer, b)
		}
	})
}

// shiftsOf returns all shifts of Anna's.
func (f *fixture) shiftsOf(t *testing.T) (list []Shift) {
	t.Helper()
	if err := f.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		list, err = allShifts(t.Context(), tx, 5)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// bring enters pay and tip of an order at the clock's time, as the ledger does.
func (f *fixture) bring(t *testing.T, order id.ID, pay, tip money.Amount) {
	t.Helper()
	book := func(k delivery.BookKind, sub string, owner id.ID) delivery.Book {
		return delivery.Book{Kind: k, Sub: sub, Owner: owner, Currency: "EUR"}
	}
	err := f.db.Write(t.Context(), func(tx *db.Tx) error {
		return f.books.Post(t.Context(), tx, delivery.Posting{Ref: "earned:" + order.String(), What: "earned", Order: order, At: f.clock.Now(), Entries: []delivery.Entry{
			{Book: book(delivery.BookPlatform, delivery.SubCourierPay, 0), Amount: pay, What: "pay"},
			{Book: book(delivery.BookCourier, "", 5), Amount: -pay, What: "pay"},
			{Book: book(delivery.BookTips, "", 0), Amount: tip, What: "tip"},
			{Book: book(delivery.BookCourier, "", 5), Amount: -tip, What: "tip"},
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	f.rides = append(f.rides, delivery.Ride{Order: order, At: f.clock.Now(), DistM: 1500})
}

// server answers requests of somebody, pages in English.
func (f *fixture) server(t *testing.T) func(ctx context.Context, method, path, body string) (int, string) {
	t.Helper()
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
	f.Routes(rt)
	return func(ctx context.Context, method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
}

func (f *fixture) end(t *testing.T, at time.Time) {
	t.Helper()
	if err := f.SetDuty(f.anna, false, at); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) balance(t *testing.T) (sum money.Amount) {
	t.Helper()
	if err := f.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		sum, err = f.books.Balance(t.Context(), tx, delivery.Book{Kind: delivery.BookCourier, Owner: 5, Currency: "EUR"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return -sum
}

func TestGoingOffDutyPostsTheFloorOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.pay = delivery.CourierPay{PerOrder: 300, PerKm: 100, HourlyFloor: 1400}
		f.begin(t)
		f.clock.Advance(30 * time.Minute)
		f.bring(t, 71, 450, 200)
		f.clock.Advance(90 * time.Minute)
		f.end(t, time.Time{})
		f.end(t, time.Time{}) // tapped twice
		// 2 h × 14.00 = 28.00, of which 4.50 were earned; the tip of 2.00 does not count.
		if got, want := f.balance(t), money.Amount(2350+450+200); got != want {
			t.Fatalf("earned %d; want %d", got, want)
		}
		list := f.shiftsOf(t)
		if len(list) != 1 || list[0].Floor != 2350 || list[0].Ended.Sub(list[0].Began) != 2*time.Hour {
			t.Fatalf("shifts = %+v", list)
		}

		f.clock.Advance(time.Hour) // off duty: not paid
		f.begin(t)
		f.clock.Advance(time.Hour)
		f.bring(t, 72, 1500, 0)
		f.end(t, time.Time{})
		if got := f.shiftsOf(t); len(got) != 2 || got[1].Floor != 0 {
			t.Fatalf("a shift that brought more than the floor: %+v", got)
		}
	})
}

func TestWhatAPhoneSaysOfThePastIsNotPaidByTheHour(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.pay = delivery.CourierPay{HourlyFloor: 1000}
		if err := f.SetDuty(f.anna, true, f.clock.Now().Add(-20*time.Hour)); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Hour)
		f.end(t, f.clock.Now().Add(-30*time.Minute)) // heard late
		if list := f.shiftsOf(t); len(list) != 1 || list[0].Floor != 500 {
			t.Fatalf("shifts = %+v; want one with half an hour's floor", list)
		}
		f.begin(t)
		f.end(t, f.clock.Now().Add(-time.Hour)) // ended before the server heard of its begin
		if list := f.shiftsOf(t); len(list) != 2 || list[1].Floor != 0 {
			t.Fatalf("shifts = %+v; want an empty one, too", list)
		}
	})
}

func TestEarningsAreThoseOfTheBooks(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.pay = delivery.CourierPay{HourlyFloor: 1400}
		from := f.clock.Now()
		f.begin(t)
		f.clock.Advance(time.Hour)
		f.bring(t, 71, 450, 200)
		f.end(t, time.Time{})
		e, err := f.Earned(f.anna, from, f.clock.Now().Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if e.Orders != 1 || e.DistM != 1500 || e.Pay != 450 || e.Tips != 200 || e.Floor != 950 || e.Other != 0 || e.Total != 1600 || e.Currency != "EUR" {
			t.Fatalf("earned %+v", e)
		}
		if before, err := f.Earned(f.anna, from.Add(-time.Hour), from); err != nil || before.Total != 0 || before.Orders != 0 {
			t.Fatalf("before: %+v, %v", before, err)
		}
		if _, err := f.Earned(f.anna, from, from); !errs.Is(err, errs.Invalid) {
			t.Fatalf("no time at all: %v; want invalid", err)
		}
		if _, err := f.Earned(f.anna, from, from.Add(93*24*time.Hour)); !errs.Is(err, errs.Invalid) {
			t.Fatalf("too long: %v; want invalid", err)
		}
		send := f.server(t)
		for _, x := range []struct {
			ctx    context.Context
			path   string
			status int
			want   string
		}{
			{f.anna, "/courier/earnings", 200, "€16.00"},
			{f.anna, "/courier/earnings", 200, "1.5"},
			{f.anna, "/api/stoa/v1/courier/earnings", 200, `"floor":950`},
			{f.anna, "/api/stoa/v1/courier/earnings", 200, `"owed":1600`},
			{f.anna, "/api/stoa/v1/courier/earnings?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z", 422, "Choose an end after the beginning"},
			{t.Context(), "/courier/earnings", 401, ""},
		} {
			if status, body := send(x.ctx, "GET", x.path, ""); status != x.status || !strings.Contains(body, x.want) {
				t.Errorf("GET %s = %d %s; want %d with %q", x.path, status, body, x.status, x.want)
			}
		}
	})
}

func TestManyTapsEndAShiftOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.pay = delivery.CourierPay{HourlyFloor: 1000}
		const rounds, taps = 20, 20
		for range rounds {
			f.begin(t)
			f.clock.Advance(time.Hour)
			var wg sync.WaitGroup
			for range taps {
				wg.Go(func() {
					if err := f.SetDuty(f.anna, false, time.Time{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if got := f.balance(t); got != rounds*1000 {
			t.Fatalf("%d shifts of an hour brought %d", rounds, got)
		}
		if list := f.shiftsOf(t); len(list) != rounds {
			t.Fatalf("%d shifts; want %d", len(list), rounds)
		}
	})
}

package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/sheet"
)

type shelf map[id.ID]delivery.Sale

func (s shelf) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	sale, ok := s[order]
	if !ok {
		return delivery.Bought{}, errs.New(errs.NotFound, "none")
	}
	return delivery.Bought{Sale: sale, Courier: 30}, nil
}

func (s shelf) BoughtAfter(context.Context, *db.Tx, id.ID, int) ([]delivery.Bought, error) {
	return nil, nil
}

// sale has food at 7 %, wine and fee at 19 %, discounts of both bearers, a tip, and credit.
func sale(order id.ID) delivery.Sale {
	return delivery.Sale{
		Order: order, Code: "K7Q-2PM", Customer: 10, Restaurant: 7, Mode: delivery.ByCourier, Currency: "EUR",
		Lines:    []delivery.QuoteLine{{Qty: 2, Unit: 1070, Total: 2140, Rate: 700}, {Qty: 1, Unit: 1190, Total: 1190, Rate: 1900}},
		Taxes:    []delivery.TaxLine{{Rate: 700, Gross: 2040, Tax: 133}, {Rate: 1900, Gross: 1428, Tax: 228}},
		Subtotal: 3330, Fee: 238, FeeRate: 1900, Tip: 200,
		Discounts: []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 100, Bearer: delivery.PartyRestaurant}, {Kind: delivery.DiscountAmount, Amount: 50, Bearer: delivery.PartyPlatform}},
		Total:     3618, DistM: 1500, Deal: delivery.Deal{Commission: 1000, CardFee: delivery.PartyPlatform, FeeTo: delivery.PartyPlatform},
	}
}

var admin = access.With(context.Background(), access.Actor{ID: 50, Roles: []access.Grant{{Role: access.RoleAdmin}}})

func TestTheColumnsSumToWhatTheBooksSay(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		day := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		now := clock.NewManual(day)
		orders := shelf{}
		books := ledger.New(d, id.NewSource(1), now.Now, ledger.Options{Orders: orders, Pay: func() delivery.CourierPay { return delivery.CourierPay{PerOrder: 400} }})
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			ctx := t.Context()
			for order := id.ID(1); order <= 6; order++ {
				orders[order] = sale(order)
				at := day.Add(time.Duration(order) * 7 * time.Hour) // over several days
				if err := books.Sell(ctx, tx, orders[order], at); err != nil {
					return err
				}
				if order == 6 { // cancelled before it was paid
					return books.Unsell(ctx, tx, order, delivery.PartyRestaurant, false, at.Add(time.Minute))
				}
				if err := books.Earn(ctx, tx, order, 30, at); err != nil {
					return err
				}
				m := delivery.Taken{Order: order, Method: delivery.PayByCard, Provider: "sandbox", Amount: 3618, Currency: "EUR", Fee: 75, At: at}
				if order%2 == 0 {
					m.Method, m.Provider, m.Fee, m.By = delivery.PayOnDelivery, "", 0, 30
				}
				if err := books.Take(ctx, tx, m); err != nil {
					return err
				}
				if order > 1 {
					continue
				}
				if err := books.Refund(ctx, tx, delivery.Refund{
					ID: 99, Order: 1, Amount: 1000, Currency: "EUR", Taxes: []delivery.TaxLine{{Rate: 700, Gross: 588, Tax: 38}, {Rate: 1900, Gross: 412, Tax: 66}},
					Liable: delivery.PartyRestaurant, At: at.Add(time.Hour),
				}); err != nil {
					return err
				}
				if err := books.Return(ctx, tx, delivery.Returned{Order: 1, Refund: 99, Method: delivery.PayByCard, Provider: "sandbox", Amount: 1000, Currency: "EUR", At: at.Add(time.Hour)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s := New(Deps{
			DB: d, Now: now.Now, Books: books, Zone: time.UTC, Bought: orders.Bought,
			Receipt:    func(context.Context, *db.Tx, id.ID) (string, error) { return "NONNA-2026-000001", nil },
			Restaurant: func(context.Context, id.ID) (string, error) { return "=cmd|'/C calc'!A0", nil },
		})
		from, to, err := s.Days("2026-11-01", "2026-11-30")
		if err != nil {
			t.Fatal(err)
		}
		var c, x bytes.Buffer
		xw, err := sheet.XLSX(&x, "Accounting")
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []sheet.Writer{sheet.CSV(&c), xw} {
			if err := s.Write(admin, w, from, to); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := csv.NewReader(&c).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(&x)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cells, err := f.GetRows("Accounting")
		if err != nil || len(cells) != len(rows) {
			t.Fatalf("%d rows in XLSX, %d in CSV, %v", len(cells), len(rows), err)
		}
		sums := map[string]money.Amount{}
		taxAt := map[string]money.Amount{}
		for i, row := range rows[1:] {
			if row[3][0] != '\'' || cells[i+1][3] != row[3] {
				t.Fatalf("a restaurant's name stands as %q and %q", row[3], cells[i+1][3])
			}
			for k, name := range Columns {
				if k < 8 || name == "currency" {
					continue
				}
				units, err := strconv.ParseFloat(row[k], 64)
				if err != nil || cells[i+1][k] != row[k] {
					t.Fatalf("%s is %q and %q: %v", name, row[k], cells[i+1][k], err)
				}
				amount, err := strconv.ParseInt(strings.Replace(row[k], ".", "", 1), 10, 64)
				if err != nil {
					t.Fatal(err, units)
				}
				sums[name] += amount
				if name == "tax" {
					taxAt[row[7]] += amount
				}
			}
		}
		books2 := map[string]money.Amount{}
		err = d.Read(t.Context(), func(tx *db.Tx) error {
			return books.Walk(t.Context(), tx, 0, from, to, func(l delivery.BookLine) error {
				switch b := l.Book; {
				case b.Kind == delivery.BookTax:
					books2["tax"] -= l.Amount
					books2["tax "+strconv.Itoa(b.Rate/100)+".00"] -= l.Amount
				case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubCommission:
					books2["commission"] -= l.Amount
				case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubCourierPay:
					books2["courier_pay"] += l.Amount
				case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubCardFees:
					books2["card_fee"] += l.Amount
				case b.Kind == delivery.BookPlatform && b.Sub == delivery.SubPromotions:
					books2["discount_town"] += l.Amount
				case (b.Kind == delivery.BookProvider || b.Kind == delivery.BookCash) && (l.What == "paid" || l.What == "paid_back"):
					books2["paid"] += l.Amount
				case b.Kind == delivery.BookCustomer && claim(l.Kind):
					books2["claims"] += l.Amount
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tax", "commission", "courier_pay", "card_fee", "discount_town", "paid"} {
			if sums[name] != books2[name] || sums[name] == 0 {
				t.Errorf("%s sums to %d; the books say %d", name, sums[name], books2[name])
			}
		}
		for rate, sum := range taxAt {
			if sum != books2["tax "+rate] {
				t.Errorf("tax at %q sums to %d; the books say %d", rate, sum, books2["tax "+rate])
			}
		}
		if sums["gross"] != sums["net"]+sums["tax"] || sums["gross"]+sums["tip"]-sums["discount_town"] != books2["claims"] {
			t.Errorf("gross %d, tip %d, town's discounts %d; customers owe %d", sums["gross"], sums["tip"], sums["discount_town"], books2["claims"])
		}
		if sums["tip"] != 5*200 || sums["fee"] != 6*238 {
			t.Errorf("tips %d, fees %d", sums["tip"], sums["fee"])
		}
	}, ledger.Schema)
}

func TestOnlyAdminsExport(t *testing.T) {
	s := New(Deps{Zone: time.UTC})
	owner := access.With(context.Background(), access.Actor{ID: 20, Roles: []access.Grant{{Role: access.RoleOwner, Place: 7}}})
	if err := s.Write(owner, sheet.CSV(&bytes.Buffer{}), time.Time{}, time.Time{}); err == nil {
		t.Error("an owner exports the town's books")
	}
	for _, days := range [][2]string{{"", ""}, {"2026-11-02", "2026-11-01"}, {"2024-01-01", "2026-11-01"}, {"2026-13-01", "2026-13-02"}} {
		if _, _, err := s.Days(days[0], days[1]); !errs.Is(err, errs.Invalid) {
			t.Errorf("%v gives %v", days, err)
		}
	}
}

package invoice

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ledongthuc/pdf"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

var schemas = []fs.FS{Schema, events.Schema, jobs.Schema, mail.Schema}

const (
	anna id.ID = 10
	shop id.ID = 7
)

// town is a Service over orders that a test makes up.
type town struct {
	*Service
	clock *clock.Manual

	mu      sync.Mutex
	orders  map[id.ID]Purchase
	refunds map[id.ID][]delivery.Refund
	letters []mail.Letter
	lang    string
}

func newTown(d *db.DB) *town {
	tw := &town{clock: clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)), orders: map[id.ID]Purchase{}, refunds: map[id.ID][]delivery.Refund{}}
	ids, bus := id.NewSource(1), events.NewLocal()
	tw.Service = New(Deps{
		DB: d, Log: events.New(d, bus), Jobs: jobs.New(d, bus, tw.clock.Now, ids, jobs.Options{}), IDs: ids, Now: tw.clock.Now, Orders: tw, People: tw, Post: tw,
		Town: func() string { return "Agora" }, URL: func() string { return "https://stoa.example" },
	})
	return tw
}

func (tw *town) Purchase(_ context.Context, order id.ID) (Purchase, error) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	p, ok := tw.orders[order]
	if !ok {
		return p, errs.New(errs.NotFound, "none")
	}
	return p, nil
}

func (tw *town) Refunds(_ context.Context, order id.ID) ([]delivery.Refund, error) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	return tw.refunds[order], nil
}

func (tw *town) Seller(context.Context, id.ID) (Seller, error) {
	return Seller{ID: shop, Slug: "nonna", Name: "Nonna", Legal: "Nonna GmbH", Street: "Elm 3", City: "Agora", TaxID: "DE123456789", Zone: "Europe/Berlin"}, nil
}

func (tw *town) Thing(_ context.Context, order string) (access.Thing, error) {
	n, err := id.Parse(order)
	return access.Thing{Kind: "order", ID: n, Owner: anna, Restaurant: shop}, err
}

func (tw *town) Get(_ context.Context, who id.ID) (account.Account, error) {
	return account.Account{ID: who, Name: "Anna", Email: "anna@example.org", Lang: tw.lang, State: account.Active}, nil
}

func (tw *town) On() bool { return true }

func (tw *town) Send(_ context.Context, _ *db.Tx, l mail.Letter) error {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.letters = append(tw.letters, l)
	return nil
}

// dinner is 2 × 10.70 of food at 7 %, 11.90 of wine at 19 %, 2.38 for bringing it at 19 %, 1.00 off by the restaurant (food), 0.50 off by
// the town, and a tip of 2.00; 5.00 of it from credit.
func dinner(order id.ID) Purchase {
	return Purchase{
		Sale: delivery.Sale{
			Order: order, Code: "K7Q-2PM", Customer: anna, Restaurant: shop, Mode: delivery.ByCourier, Currency: "EUR",
			Lines: []delivery.QuoteLine{
				{Name: "Dal", Qty: 2, Unit: 1070, Total: 2140, Rate: 700, Options: []delivery.QuoteOption{{Name: "Naan", Qty: 2}}},
				{Name: "Wine", Qty: 1, Unit: 1190, Total: 1190, Rate: 1900},
			},
			Taxes:    []delivery.TaxLine{{Rate: 700, Gross: 2040, Tax: 133}, {Rate: 1900, Gross: 1428, Tax: 228}},
			Subtotal: 3330, Fee: 238, FeeRate: 1900, Tip: 200,
			Discounts: []delivery.Discount{{Label: "10 % off", Kind: delivery.DiscountAmount, Amount: 100, Bearer: delivery.PartyRestaurant}, {Label: "Welcome", Kind: delivery.DiscountAmount, Amount: 50, Bearer: delivery.PartyPlatform}},
			Total:     3618, Credit: 500,
		},
		Buyer: "Anna Alt", Method: delivery.PayByCard, Placed: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC), Delivered: time.Date(2026, 11, 22, 17, 40, 0, 0, time.UTC),
		Owed: true, Paid: true,
	}
}

func (tw *town) settle(t *testing.T, order id.ID) {
	t.Helper()
	for range 2 { // whatever is done twice changes nothing
		if err := tw.Settle(t.Context(), order); err != nil {
			t.Fatal(err)
		}
	}
}

func as(who id.ID, roles ...access.Grant) context.Context {
	return access.With(context.Background(), access.Actor{ID: who, Roles: roles})
}

func numbers(list []Document) []string {
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s %d", d.Number, d.Total))
	}
	return out
}

func TestAnOrderGetsItsDocumentsOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		p := dinner(1)
		p.Paid = false
		tw.orders[1] = p
		tw.settle(t, 1)
		if _, err := tw.Of(as(anna), "1"); errs.CodeOf(err) != "no_receipt" {
			t.Fatalf("an order that is not paid for has %v", err)
		}
		p.Paid = true
		tw.orders[1] = p
		tw.settle(t, 1)
		tw.refunds[1] = []delivery.Refund{{
			ID: 99, Order: 1, Amount: 1070, Currency: "EUR", Lines: []delivery.RefundLine{{Line: 0, Qty: 1, Amount: 1070}},
			Taxes: []delivery.TaxLine{{Rate: 700, Gross: 1070, Tax: 70}}, Reason: "COLD",
		}}
		tw.settle(t, 1)
		p.Owed = false
		tw.orders[1] = p
		tw.settle(t, 1)
		p.Owed = true
		tw.orders[1] = p
		tw.settle(t, 1)
		list, err := tw.Of(as(anna), "1")
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"NONNA-2026-000001 3618", "NONNA-2026-C000001 -1070", "NONNA-2026-C000002 -2548", "NONNA-2026-000002 3618"}
		if diff := cmp.Diff(want, numbers(list)); diff != "" {
			t.Fatalf("documents (-want +got):\n%s", diff)
		}
		for _, n := range list[1:3] {
			if n.Of != "NONNA-2026-000001" {
				t.Errorf("%s is of %q", n.Number, n.Of)
			}
		}
		if rest := []Tax{{700, -907, -63, -970}, {1900, -1200, -228, -1428}}; !slices.Equal(list[2].Taxes, rest) {
			t.Errorf("the rest taken back is taxed %v; want %v", list[2].Taxes, rest)
		}
		if len(tw.letters) != 3 || !strings.Contains(tw.letters[0].Action.URL, "/orders/K7Q-2PM/receipt") {
			t.Errorf("%d letters: %+v", len(tw.letters), tw.letters)
		}
	}, schemas...)
}

func TestWhoMayReadReceipts(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, schemas...))
	tw.orders[1] = dinner(1)
	tw.settle(t, 1)
	for name, c := range map[string]struct {
		ctx  context.Context
		want errs.Kind
	}{
		"a stranger":      {as(11), errs.NotFound},
		"another's owner": {as(12, access.Grant{Role: access.RoleOwner, Place: 8}), errs.NotFound},
		"a courier":       {as(13, access.Grant{Role: access.RoleCourier}), errs.NotFound},
		"nobody":          {context.Background(), errs.Unauthenticated},
	} {
		if _, err := tw.Of(c.ctx, "1"); !errs.Is(err, c.want) {
			t.Errorf("%s gets %v", name, err)
		}
	}
	for name, ctx := range map[string]context.Context{
		"the buyer": as(anna), "the owner": as(20, access.Grant{Role: access.RoleOwner, Place: shop}), "an admin": as(30, access.Grant{Role: access.RoleAdmin}),
	} {
		if _, err := tw.Of(ctx, "1"); err != nil {
			t.Errorf("%s gets %v", name, err)
		}
	}
}

func TestNumbersHaveNoGapAndNoTwin(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		const rounds, at = 20, 100
		tw := newTown(d)
		for order := id.ID(1); order <= rounds*at; order++ {
			tw.orders[order] = dinner(order)
		}
		for round := range rounds {
			var wg sync.WaitGroup
			for i := range at {
				// Each order twice: one of the two finds that the other was first, and gives its number back.
				order := id.ID(round*at + i/2*2 + 1)
				wg.Go(func() {
					if err := tw.Settle(t.Context(), order); err != nil && !db.IsUnique(err) {
						t.Errorf("order %d: %v", order, err)
					}
				})
			}
			wg.Wait()
		}
		var n, first, last int64
		var low, high string
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			if err := tx.Row(t.Context(), `SELECT COUNT(*), COUNT(DISTINCT number), MIN(number), MAX(number) FROM invoice`).Scan(&n, &first, &low, &high); err != nil {
				return err
			}
			return tx.Row(t.Context(), `SELECT last FROM invoice_series`).Scan(&last)
		})
		if err != nil {
			t.Fatal(err)
		}
		if n != rounds*at/2 || first != n || last != n || low != "NONNA-2026-000001" || high != fmt.Sprintf("NONNA-2026-%06d", n) {
			t.Fatalf("%d documents with %d numbers from %s to %s; the series is at %d", n, first, low, high, last)
		}
	}, schemas...)
}

func TestTheYearIsThatOfTheRestaurant(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, schemas...))
	tw.clock.Advance(time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC).Sub(tw.clock.Now())) // in Berlin it is the new year
	tw.orders[1] = dinner(1)
	tw.settle(t, 1)
	list, err := tw.Of(as(anna), "1")
	if err != nil || list[0].Number != "NONNA-2027-000001" {
		t.Fatalf("%v, %v", numbers(list), err)
	}
}

func TestAReceiptAddsUp(t *testing.T) {
	d := receipt(dinner(1), Seller{})
	var gross, paid, town int64
	for _, x := range d.Taxes {
		gross += x.Gross
		if x.Net+x.Tax != x.Gross {
			t.Errorf("%+v", x)
		}
	}
	for _, p := range d.Paid {
		paid += p.Amount
	}
	for _, x := range d.Discounts {
		if x.Bearer == delivery.PartyPlatform {
			town += x.Amount
		}
	}
	if paid != d.Total || gross+d.Tip != d.Total+town {
		t.Fatalf("paid %d and taxed %d of %d", paid, gross, d.Total)
	}
}

// words returns the text of a PDF, each kind of space a plain one.
func words(t *testing.T, b []byte) string {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(plain); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "\u00a0", " ")
}

func TestThePDFSaysWhatTheReceiptSays(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"Receipt", "NONNA-2026-000001", "Nonna GmbH", "DE123456789", "For Anna Alt", "Dal", "2 × Naan", "€21.40", "€33.30", "€36.18", "7 %", "€19.07", "€1.33", "€12.00", "€2.28", "€14.28", "With credit", "€5.00", "By card", "€31.18", "Tip (not taxed)", "22 Nov 2026 18:40", "Welcome (paid by Agora)"},
		"de": {"Beleg", "Für Anna Alt", "36,18 €", "21,40 €", "Trinkgeld", "Mit Karte", "22.11.2026 18:40"},
	} {
		t.Run(lang, func(t *testing.T) {
			tw := newTown(dbtest.SQLite(t, schemas...))
			tw.lang = lang
			tw.orders[1] = dinner(1)
			tw.settle(t, 1)
			list, err := tw.Of(as(anna), "1")
			if err != nil {
				t.Fatal(err)
			}
			b, err := Draw(list[0])
			if err != nil {
				t.Fatal(err)
			}
			again, err := Draw(list[0])
			if err != nil || words(t, b) != words(t, again) {
				t.Errorf("drawn again it looks different: %v", err)
			}
			text := words(t, b)
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("it lacks %q", w)
				}
			}
			if len(b) > 60_000 {
				t.Errorf("it has %d bytes", len(b))
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}

func TestWhoWantsNoLettersGetsNone(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, schemas...))
	if err := tw.SetLetters(as(anna), false); err != nil {
		t.Fatal(err)
	}
	tw.orders[1] = dinner(1)
	tw.settle(t, 1)
	if len(tw.letters) != 0 {
		t.Fatalf("letters: %+v", tw.letters)
	}
}

func TestABuyerIsForgottenAndTheSaleStays(t *testing.T) {
	d := dbtest.SQLite(t, schemas...)
	tw := newTown(d)
	tw.orders[1] = dinner(1)
	tw.settle(t, 1)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tw.Personal(func() time.Duration { return 0 }).Erase(t.Context(), tx, anna)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := tw.Of(as(anna), "1")
	if err != nil || list[0].Buyer != "" || list[0].Total != 3618 {
		t.Fatalf("%+v, %v", list, err)
	}
	var raw string
	err = d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT data FROM invoice`).Scan(&raw) })
	if err != nil || strings.Contains(raw, "Anna") {
		t.Fatalf("the stored data still says %s, %v", raw, err)
	}
}

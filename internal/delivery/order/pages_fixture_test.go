package order

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// evening is a town with pages: one trattoria whose card has long names, set menus and customers with much to say.
type evening struct {
	*town
	router *httpx.Router
	paused time.Time
	rush   time.Time
	lang   string // of the next request; empty: English
}

var (
	mozart    = access.Actor{ID: 21, Name: "Mo", Roles: []access.Grant{{Role: access.RoleStaff, Place: shopID + 1}}}
	vienna, _ = time.LoadLocation("Europe/Vienna")
)

func newEvening(t testing.TB) *evening {
	t.Helper()
	d := &evening{town: newTown(t, dbtest.SQLite(t, schemas...))}
	d.Quoter, d.Shops = cardQuoter{d.town}, viennese{d.town}
	d.router = httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	d.Pages(d.router, PageDeps{
		Where: func(context.Context, id.ID) (delivery.Position, bool, error) {
			return delivery.Position{Courier: courier, Lat: 48.2075, Lon: 16.371}, true, nil
		},
		AtCounter: func(_ context.Context, orders []id.ID) (map[id.ID]time.Time, error) {
			return map[id.ID]time.Time{orders[0]: d.clock.Now().Add(4 * time.Minute)}, nil
		},
		Pace: func(context.Context, id.ID) (paused, rush time.Time, err error) { return d.paused, d.rush, nil },
	})
	return d
}

// viennese are two restaurants in Vienna.
type viennese struct{ *town }

func (v viennese) Shop(_ context.Context, restaurant id.ID) (*delivery.Shop, error) {
	s := &delivery.Shop{
		ID: shopID, Version: 1, Slug: "luigi", Name: "Da Nonna", Phone: "+43 1 234567", Street: "Marktgasse 12", City: "Vienna", Currency: "EUR",
		Point: geo.Point{Lat: 48.2082, Lon: 16.3738}, Loc: vienna, AutoAccept: v.auto, Delivers: true, PicksUp: true,
	}
	switch restaurant {
	case shopID:
		return s, nil
	case shopID + 1:
		s.ID, s.Slug, s.Name = shopID+1, "mozart", "Mozart"
		return s, nil
	}
	return nil, errs.New(errs.NotFound, "There is no such restaurant.")
}

func (v viennese) ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error) {
	switch slug {
	case "luigi":
		return v.Shop(ctx, shopID)
	case "mozart":
		return v.Shop(ctx, shopID+1)
	}
	return nil, errs.New(errs.NotFound, "There is no such restaurant.")
}

// dishOf is what the trattoria sells, by the item's number.
var dishOf = map[id.ID]delivery.QuoteLine{
	100: {Name: "Margherita", Unit: 950},
	101: {Name: "Tagliatelle al ragù della nonna con funghi", Unit: 1490, Options: []delivery.QuoteOption{
		{Group: "Pasta", Name: "Gluten-free tagliatelle", Qty: 1, Price: 150},
		{Group: "On top", Name: "Parmigiano reggiano", Qty: 2, Price: 300},
		{Group: "On top", Name: "Chilli oil", Qty: 1},
		{Group: "On top", Name: "Fresh black truffle from Umbria", Qty: 1, Price: 600},
		{Group: "Cutlery", Name: "None", Qty: 1},
	}},
	102: {Name: "Menu for two", Unit: 3900, Options: []delivery.QuoteOption{
		{Group: "Starter", Name: "Vitello tonnato", Qty: 1},
		{Group: "Starter", Name: "Insalata mista", Qty: 1},
		{Group: "Main", Name: "Diavola", Qty: 1},
		{Group: "Main", Name: "Quattro formaggi", Qty: 1},
		{Group: "Dessert", Name: "Tiramisù", Qty: 2},
	}},
	103: {Name: "Tiramisù", Unit: 590},
	104: {Name: "Acqua frizzante 0.75 l", Unit: 450},
}

// cardQuoter prices what is on that card.
type cardQuoter struct{ *town }

func (c cardQuoter) Quote(_ context.Context, req delivery.QuoteRequest) (*delivery.Quote, error) {
	now := c.clock.Now()
	q := &delivery.Quote{
		Restaurant: req.Restaurant, Mode: req.Mode, Currency: "EUR", ASAP: req.At == nil, Fee: 290, Tip: req.Tip, DistM: 1200, ShopVersion: c.version, MenuVersion: c.version,
		ReadyAt: now.Add(22 * time.Minute), From: now.Add(35 * time.Minute), To: now.Add(45 * time.Minute), Fingerprint: "f",
	}
	if req.Mode == delivery.Pickup {
		q.Fee, q.From, q.To = 0, q.ReadyAt, q.ReadyAt.Add(10*time.Minute)
	}
	if req.At != nil {
		by := req.At.Sub(q.From)
		q.ReadyAt, q.From, q.To = q.ReadyAt.Add(by), q.From.Add(by), q.To.Add(by)
	}
	for _, l := range req.Lines {
		line := dishOf[l.Item]
		line.Item, line.Qty, line.Note, line.Tax, line.Rate = l.Item, l.Qty, l.Note, "food", 1000
		line.Total = line.Unit * int64(l.Qty)
		q.Lines = append(q.Lines, line)
		q.Subtotal += line.Total
	}
	q.Total = q.Subtotal + q.Fee + q.Tip
	q.Taxes = []delivery.TaxLine{{Rate: 1000, Gross: q.Subtotal, Tax: q.Subtotal / 11}}
	if q.Fee > 0 {
		q.Taxes = append(q.Taxes, delivery.TaxLine{Rate: 2000, Gross: q.Fee, Tax: q.Fee / 6})
	}
	return q, nil
}

func (cardQuoter) Unchanged(fingerprint string, q *delivery.Quote) bool {
	return fingerprint == q.Fingerprint
}

// supper is what Anna orders.
func supper(mode delivery.Mode, note string, lines ...delivery.LineRequest) delivery.PlaceRequest {
	in := delivery.PlaceRequest{
		QuoteRequest: delivery.QuoteRequest{Restaurant: shopID, Mode: mode, Lines: lines, Tip: 200, Note: note},
		Fingerprint:  "f", Method: delivery.PayOnDelivery, Name: "Anna Weber", Phone: "+43 660 1234567",
	}
	if mode == delivery.ByCourier {
		in.To = &delivery.Address{
			Point: geo.Point{Lat: 48.2061, Lon: 16.3702}, Street: "Lindengasse 4", City: "Vienna", Detail: "3rd floor, bell Weber", Notes: "The gate code is 47*11", Name: "Anna Weber", Phone: "+43 660 1234567",
		}
	}
	return in
}

// move does something to an order as its courier does it.
func (d *evening) ridden(t testing.TB, fns ...func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	for _, fn := range fns {
		if err := d.ride(fn); err != nil {
			t.Fatal(err)
		}
	}
}

// ask sends a request as somebody and returns the answer. Requests with a form are POST; fragment says that htmx asks.
func (d *evening) ask(a access.Actor, path string, form url.Values, fragment bool) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if fragment {
		r.Header.Set("HX-Request", "true")
	}
	lang := cmp.Or(d.lang, "en")
	ctx := ui.WithChrome(i18n.With(r.Context(), lang), ui.Chrome{TownName: "Lindenau", Now: d.clock.Now(), Lang: lang})
	if a.SignedIn() {
		ctx = access.With(ctx, a)
	}
	w := httptest.NewRecorder()
	d.router.ServeHTTP(w, r.WithContext(ctx))
	return w
}

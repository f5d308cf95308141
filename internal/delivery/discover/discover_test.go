package discover

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

var (
	now      = time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)
	doorstep = geo.Point{Lat: 52.5, Lon: 13.4}
)

// street is a fixed list of restaurants: what restaurant.Service computes is tested there.
type street []delivery.Listing

func (l street) Near(_ context.Context, q delivery.NearQuery, buf []delivery.Listing) ([]delivery.Listing, error) {
	return append(buf, l...), nil
}

type menus map[id.ID]*delivery.Menu

func (m menus) Menu(_ context.Context, rid id.ID) (*delivery.Menu, error) {
	if menu := m[rid]; menu != nil {
		return menu, nil
	}
	return nil, errs.New(errs.NotFound, "There is no such menu.")
}

func listing(i int, name string, change func(*delivery.Listing)) delivery.Listing {
	l := delivery.Listing{
		Card: &delivery.Card{
			ID: id.ID(i), Slug: strings.ToLower(name), Name: name, Cuisines: []string{"Italian"}, Price: 2, Point: doorstep, Currency: "EUR", Loc: time.UTC,
			Since: now.AddDate(-1, 0, 0), Folded: strings.ToLower(name) + " italian",
		},
		Open: true, Fee: 250, Minimum: 1500, MinIn: 25, MaxIn: 40, DistM: float64(1000 + i), Closes: now.Add(3 * time.Hour),
	}
	if change != nil {
		change(&l)
	}
	return l
}

var town = street{
	listing(1, "Luigi", nil),
	listing(2, "Mario", func(l *delivery.Listing) { l.Fee, l.DistM, l.Card.Price = 0, 3000, 4 }),
	listing(3, "Shut", func(l *delivery.Listing) { l.Open, l.MinIn, l.MaxIn, l.OpensAt = false, 0, 0, now.Add(time.Hour) }),
	listing(4, "Paused", func(l *delivery.Listing) { l.Open, l.Paused, l.OpensAt = false, true, now.Add(2*time.Hour) }),
	listing(5, "Ganesha", func(l *delivery.Listing) {
		l.MinIn, l.Card.Cuisines, l.Card.Folded, l.Card.Since = 15, []string{"Indian"}, "ganesha indian", now.AddDate(0, 0, -3)
		l.Closes = now.Add(20 * time.Minute)
	}),
}

var cards = menus{
	1: {Version: 1, Sections: []*delivery.Section{{Items: []*delivery.Item{{Name: "Pizza Crème"}, {Name: "Secret pizza", Hidden: true}, {Name: "Salad", Diets: []string{"vegan"}}}}}},
	5: {Version: 1, Sections: []*delivery.Section{{Items: []*delivery.Item{{Name: "Dal Makhani", Diets: []string{"vegan", "halal"}}, {Name: "Butter chicken"}}}}},
}

func setup(t testing.TB, d *db.DB) *Service {
	return New(d, id.NewSource(1), func() time.Time { return now }, town, cards, Options{Geocoder: oneStreet{}, Rating: func(_ context.Context, restaurant id.ID) (delivery.Rating, error) {
		if restaurant == 5 {
			return delivery.Rating{Count: 12, Mean: 4.6}, nil
		}
		return delivery.Rating{}, nil
	}})
}

type oneStreet struct{}

func (oneStreet) Search(_ context.Context, q string, _ *geo.Point, _ int) ([]Place, error) {
	return []Place{{Label: q + " 1", Street: q + " 1", Point: doorstep}}, nil
}

func (oneStreet) Reverse(_ context.Context, p geo.Point) (Place, error) {
	return Place{Label: "Ring 1", Street: "Ring 1", Point: p}, nil
}

func names(r *Result) string {
	var out []string
	for _, it := range r.Items {
		out = append(out, it.Card.Name)
	}
	return strings.Join(out, " ")
}

func TestFindOrdersAndFilters(t *testing.T) {
	s := setup(t, nil)
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"recommended":      {Query{}, "Ganesha Luigi Mario Paused Shut"},
		"by fee":           {Query{Sort: ByFee}, "Mario Ganesha Luigi Paused Shut"},
		"by distance":      {Query{Sort: ByDistance}, "Luigi Ganesha Mario Paused Shut"},
		"open only":        {Query{OpenOnly: true}, "Ganesha Luigi Mario"},
		"cuisine":          {Query{Cuisine: []string{"indian"}}, "Ganesha"},
		"cheap":            {Query{Price: 2, OpenOnly: true}, "Ganesha Luigi"},
		"by name":          {Query{Text: "LUIGI"}, "Luigi"},
		"by cuisine":       {Query{Text: "italian", OpenOnly: true}, "Luigi Mario"},
		"by dish":          {Query{Text: "creme pizza"}, "Luigi"},
		"hidden dish":      {Query{Text: "secret"}, ""},
		"diet":             {Query{Diet: []string{"vegan"}}, "Ganesha Luigi"},
		"two diets":        {Query{Diet: []string{"vegan", "halal"}}, "Ganesha"},
		"dish of the diet": {Query{Diet: []string{"vegan"}, Text: "chicken"}, ""},
		"nothing":          {Query{Text: "sushi"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.q.To, c.q.Mode = &doorstep, delivery.ByCourier
			r, err := s.Find(t.Context(), c.q)
			if err != nil || names(r) != c.want || r.Serving != 5 {
				t.Fatalf("Find = %q of %d, %v; want %q of 5", names(r), r.Serving, err, c.want)
			}
		})
	}
}

func TestFoundItemsSayWhatIsSpecial(t *testing.T) {
	r, err := setup(t, nil).Find(t.Context(), Query{To: &doorstep, Text: "dal"})
	if err != nil || len(r.Items) != 1 {
		t.Fatalf("Find = %v, %v", r, err)
	}
	it := r.Items[0]
	if it.Rating.Mean != 4.6 || !strings.Contains(string(appendReply(nil, r)), `"stars":4.6,"reviews":12`) {
		t.Errorf("its stars are %+v", it.Rating)
	}
	if !it.New || !it.ClosesSoon || !cmp.Equal(it.Dishes, []string{"Dal Makhani"}) {
		t.Fatalf("new %v, closes soon %v, dishes %v", it.New, it.ClosesSoon, it.Dishes)
	}
}

func TestSearchSeesAChangedMenu(t *testing.T) {
	m := menus{1: cards[1]}
	s := New(nil, id.NewSource(1), func() time.Time { return now }, town, m, Options{})
	find := func() string {
		r, err := s.Find(t.Context(), Query{To: &doorstep, Text: "gnocchi"})
		if err != nil {
			t.Fatal(err)
		}
		return names(r)
	}
	if got := find(); got != "" {
		t.Fatalf("found %q before it was on the card", got)
	}
	m[1] = &delivery.Menu{Version: 2, Sections: []*delivery.Section{{Items: []*delivery.Item{{Name: "Gnocchi"}}}}}
	if got := find(); got != "Luigi" {
		t.Fatalf("found %q; want Luigi", got)
	}
}

func TestPagesHoldEveryRestaurantOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all street
		for i := range rapid.IntRange(0, 60).Draw(t, "n") {
			all = append(all, listing(i+1, fmt.Sprintf("R%d", i), func(l *delivery.Listing) {
				l.Open = rapid.Bool().Draw(t, "open")
				l.MinIn = rapid.IntRange(1, 4).Draw(t, "in") * 5
			}))
		}
		s := New(nil, id.NewSource(1), func() time.Time { return now }, all, menus{}, Options{})
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		order := rapid.SampledFrom([]Sort{Recommended, ByFee, ByDistance}).Draw(t, "sort")
		seen := map[id.ID]bool{}
		for cursor := ""; ; {
			r, err := s.Find(context.Background(), Query{To: &doorstep, Sort: order, Cursor: cursor, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range r.Items {
				if seen[it.Card.ID] {
					t.Fatalf("%d twice", it.Card.ID)
				}
				seen[it.Card.ID] = true
			}
			if cursor = r.Next; cursor == "" {
				break
			}
		}
		if len(seen) != len(all) {
			t.Fatalf("%d of %d", len(seen), len(all))
		}
	})
}

func TestHandWrittenJSONIsWhatItsTypeDocuments(t *testing.T) {
	s := setup(t, nil)
	r, err := s.Find(t.Context(), Query{To: &doorstep, Limit: 4, Text: "a", Mode: delivery.ByCourier})
	if err != nil {
		t.Fatal(err)
	}
	got := appendReply(nil, r)
	var reply ListReply
	dec := json.NewDecoder(strings.NewReader(string(got)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&reply); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	again, err := json.Marshal(reply)
	if err != nil || string(again) != string(got) {
		t.Fatalf("wrote\n%s\nencoding/json writes\n%s", got, again)
	}
}

func asPerson(ctx context.Context, n id.ID) context.Context {
	return access.With(ctx, access.Actor{ID: n})
}

func TestAddressBookIsItsOwnersAlone(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		anna, bert := asPerson(t.Context(), 1), asPerson(t.Context(), 2)
		a, err := s.AddAddress(anna, Saved{Address: delivery.Address{Street: " Ring 1 ", Point: doorstep}})
		if err != nil || !a.Default || a.Label != "Ring 1" {
			t.Fatalf("AddAddress = %+v, %v", a, err)
		}
		b, err := s.AddAddress(anna, Saved{Label: "Work", Default: true, Address: delivery.Address{Street: "Ring 2", Point: doorstep}})
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Addresses(anna)
		if err != nil || len(list) != 2 || list[0].Default || !list[1].Default {
			t.Fatalf("Addresses = %+v, %v; want the second as default", list, err)
		}
		for name, err := range map[string]error{
			"read":   func() error { _, err := s.Address(bert, a.ID); return err }(),
			"change": func() error { _, err := s.ChangeAddress(bert, a.ID, func(a *Saved) { a.Label = "Mine" }); return err }(),
			"delete": s.DeleteAddress(bert, a.ID),
		} {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%s another's = %v; want not found", name, err)
			}
		}
		if err := s.DeleteAddress(anna, b.ID); err != nil {
			t.Fatal(err)
		}
		if list, _ := s.Addresses(anna); len(list) != 1 {
			t.Fatalf("%d addresses after a deletion; want 1", len(list))
		}
		if err := s.RestoreAddress(anna, b.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ChangeAddress(anna, b.ID, func(a *Saved) { a.Street = "" }); !errs.Is(err, errs.Invalid) {
			t.Fatalf("address without a street = %v; want invalid", err)
		}
		for i := 2; i < MaxAddresses; i++ {
			if _, err := s.AddAddress(anna, Saved{Address: delivery.Address{Street: fmt.Sprint("Ring ", i), Point: doorstep}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.AddAddress(anna, Saved{Address: delivery.Address{Street: "One more", Point: doorstep}}); errs.CodeOf(err) != "address_book_full" {
			t.Fatalf("address %d = %v; want address_book_full", MaxAddresses+1, err)
		}
	}, Schema)
}

func router(s *Service) *httpx.Router {
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, r *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	s.Routes(rt)
	return rt
}

func TestRESTAnswers(t *testing.T) {
	s := setup(t, dbtest.SQLite(t, Schema))
	rt := router(s)
	const p = httpx.Prefix
	for name, c := range map[string]struct {
		person             id.ID
		method, path, body string
		status             int
		want               string
	}{
		"near me":            {0, "GET", p + "/restaurants?lat=52.5&lon=13.4&limit=2", "", 200, `"total":5,"next":"`},
		"nowhere":            {0, "GET", p + "/restaurants", "", 422, `"path":"query.lat"`},
		"pickup anywhere":    {0, "GET", p + "/restaurants?mode=pickup", "", 200, `"total":5`},
		"north of the pole":  {0, "GET", p + "/restaurants?lat=91&lon=13.4", "", 422, `"path":"query.lat"`},
		"nonsense time":      {0, "GET", p + "/restaurants?lat=52.5&lon=13.4&at=dinner", "", 422, `"path":"query.at"`},
		"broken cursor":      {0, "GET", p + "/restaurants?lat=52.5&lon=13.4&cursor=x", "", 422, `"path":"query.cursor"`},
		"no such sort":       {0, "GET", p + "/restaurants?lat=52.5&lon=13.4&sort=best", "", 422, `"path":"query.sort"`},
		"search":             {0, "GET", p + "/restaurants?lat=52.5&lon=13.4&q=dal&cuisine=indian&open=true&diet=vegan", "", 200, `"dishes":["Dal Makhani"]`},
		"book of a guest":    {0, "GET", p + "/addresses", "", 401, "sign in"},
		"empty book":         {1, "GET", p + "/addresses", "", 200, `{"items":[]}`},
		"save":               {2, "POST", p + "/addresses", `{"street":"Ring 1","point":{"lat":52.5,"lon":13.4},"label":"Home"}`, 201, `"label":"Home"`},
		"save without place": {2, "POST", p + "/addresses", `{"street":"Ring 1","point":{"lat":0,"lon":0}}`, 422, `"path":"body.point"`},
		"change nothing's":   {2, "PATCH", p + "/addresses/5", `{"label":"Home"}`, 404, "not in your book"},
		"nonsense id":        {2, "DELETE", p + "/addresses/x", "", 422, `"path":"path.id"`},
		"geocode":            {0, "GET", p + "/geocode?q=Ring", "", 200, `"label":"Ring 1"`},
		"geocode nothing":    {0, "GET", p + "/geocode", "", 422, `"path":"query.q"`},
		"reverse":            {0, "GET", p + "/geocode/reverse?lat=52.5&lon=13.4", "", 200, `"street":"Ring 1"`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if c.person != 0 {
				ctx = asPerson(ctx, c.person)
			}
			r := httptest.NewRequestWithContext(ctx, c.method, c.path, strings.NewReader(c.body))
			if c.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Fatalf("%s %s = %d %s; want %d with %s", c.method, c.path, w.Code, w.Body, c.status, c.want)
			}
		})
	}
}

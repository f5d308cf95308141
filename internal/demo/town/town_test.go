package town

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// arkadia is the town that most tests walk through; a Town is immutable.
var arkadia = Generate(1)

func TestTheSameSeedGivesTheSameTown(t *testing.T) {
	again := Generate(1)
	if !bytes.Equal(arkadia.GeoJSON(), again.GeoJSON()) {
		t.Error("two maps of one seed differ")
	}
	for name, pair := range map[string][2]any{
		"restaurants": {arkadia.Restaurants, again.Restaurants},
		"neighbours":  {arkadia.Neighbours, again.Neighbours},
		"couriers":    {arkadia.Couriers, again.Couriers},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s of one seed differ: %s", name, diff)
		}
	}
	if bytes.Equal(arkadia.GeoJSON(), Generate(2).GeoJSON()) {
		t.Error("two seeds give the same map")
	}
}

func TestAnySeedGivesATown(t *testing.T) {
	for _, seed := range []int64{0, 2, 3, 42, -7, math.MaxInt64} {
		w := Generate(seed)
		houses := 0
		for _, b := range w.plan.blocks {
			houses += len(b.houses)
		}
		if len(w.Streets) < 250 || houses < 2200 || len(w.Restaurants) < 40 {
			t.Errorf("Generate(%d): %d streets, %d houses, %d restaurants", seed, len(w.Streets), houses, len(w.Restaurants))
		}
		for _, re := range w.Restaurants {
			if re.Address.Label == "" {
				t.Errorf("Generate(%d): %s found no door", seed, re.Name)
			}
		}
	}
}

func TestTheMapIsClosedAndSmall(t *testing.T) {
	raw := arkadia.GeoJSON()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(raw)
	z.Close()
	if len(raw) > 1_200_000 || packed.Len() > 250_000 {
		t.Errorf("map of %d bytes, %d packed; want at most 1.2 MB and 250 kB", len(raw), packed.Len())
	}
	var doc struct {
		Features []struct {
			Properties struct{ Kind, Name, Class string }
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, f := range doc.Features {
		seen[f.Properties.Kind]++
		var polygons [][][][2]float64
		switch f.Geometry.Type {
		case "Polygon":
			polygons = make([][][][2]float64, 1)
			if err := json.Unmarshal(f.Geometry.Coordinates, &polygons[0]); err != nil {
				t.Fatal(err)
			}
		case "MultiPolygon":
			if err := json.Unmarshal(f.Geometry.Coordinates, &polygons); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range polygons {
			for _, g := range p {
				if len(g) < 4 || g[0] != g[len(g)-1] {
					t.Fatalf("%s %q: ring of %d points is not closed", f.Properties.Kind, f.Properties.Name, len(g))
				}
			}
		}
	}
	for _, kind := range []string{"street", "path", "water", "park", "building", "square", "rail", "label"} {
		if seen[kind] == 0 {
			t.Errorf("the map has no %s", kind)
		}
	}
}

func TestEveryRestaurantReachesEveryHome(t *testing.T) {
	// The graph is one piece, so that a way from each restaurant and a way to each home are a way between any two.
	for i, re := range arkadia.Restaurants {
		for k := i; k < len(arkadia.Neighbours); k += 10 {
			home := arkadia.Neighbours[k].Home
			path, metres := arkadia.Route(re.Address.Point, home.Point)
			direct := plane(path[0]).dist(plane(path[len(path)-1]))
			if math.IsInf(metres, 0) || metres < direct*0.99 || metres > 4*direct+900 {
				t.Errorf("Route(%s, %s) = %.0f m for %.0f m as the crow flies", re.Name, home.Label, metres, direct)
			}
		}
	}
	for _, p := range arkadia.Neighbours {
		if _, metres := arkadia.Route(arkadia.Center, p.Home.Point); math.IsInf(metres, 0) {
			t.Errorf("no way to %s", p.Home.Label)
		}
	}
}

func TestStreetNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range arkadia.Streets {
		if s.Kind == "street" && seen[s.Name] {
			t.Errorf("%s exists twice", s.Name)
		}
		seen[s.Name] = true
	}
}

func TestAddressesAreFoundBothWays(t *testing.T) {
	for _, p := range arkadia.Neighbours {
		found := arkadia.Geocode(p.Home.Label, 1)
		if len(found) != 1 || found[0] != p.Home {
			t.Errorf("Geocode(%q) = %v; want %v", p.Home.Label, found, p.Home)
		}
		back := arkadia.Reverse(p.Home.Point)
		if back.Street != p.Home.Street || abs(back.Number-p.Home.Number) > 4 {
			t.Errorf("Reverse(%s) = %s", p.Home.Label, back.Label)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestGeocodeForgivesSpelling(t *testing.T) {
	for query, want := range map[string]string{
		"linden 4": "Lindenallee 4", "LINDENALL": "Lindenallee", "Bruckenstr. 7": "Brückenstraße 7", "brueckenstrasse 7": "Brückenstraße 7",
		"hbf": "", "marktpl": "Marktplatz", "stadtp": "Stadtpark", "  ": "", "12": "", "Hauptbahnhof": "Hauptbahnhof",
	} {
		got := ""
		if found := arkadia.Geocode(query, 3); len(found) > 0 {
			got = found[0].Label
		}
		if got != want {
			t.Errorf("Geocode(%q) = %q; want %q", query, got, want)
		}
	}
}

var plain = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func TestMenusAreSensible(t *testing.T) {
	slugs, cuisines := map[string]bool{}, map[string]bool{}
	for _, re := range arkadia.Restaurants {
		if slugs[re.Slug] || !plain.MatchString(re.Slug) {
			t.Errorf("slug %q", re.Slug)
		}
		slugs[re.Slug] = true
		for _, c := range re.Cuisines {
			cuisines[c] = true
		}
		if n := countItems(re.Menu); n < 12 || n > 40 || len(re.Menu) < 3 {
			t.Errorf("%s: %d items in %d sections", re.Name, n, len(re.Menu))
		}
		if re.Hours == "" || re.Blurb == "" || re.MinOrder < 0 || len(re.Zones) == 0 || len(re.Prep) == 0 {
			t.Errorf("%s is incomplete", re.Name)
		}
		items := map[string]bool{}
		for _, s := range re.Menu {
			for _, it := range s.Items {
				if items[it.Slug] || !plain.MatchString(it.Slug) {
					t.Errorf("%s: slug %q", re.Name, it.Slug)
				}
				items[it.Slug] = true
				checkItem(t, re.Name, it)
			}
		}
	}
	if len(cuisines) < 18 {
		t.Errorf("%d cuisines; want 18 or more", len(cuisines))
	}
}

func checkItem(t *testing.T, where string, it Item) {
	t.Helper()
	if price(it, nil) <= 0 || it.Name == "" || it.Description == "" || strings.ContainsAny(it.Name+it.Description, "{}|") {
		t.Errorf("%s: %+v", where, it)
	}
	for _, a := range it.Allergens {
		if !slices.Contains(allergenOrder, a) {
			t.Errorf("%s, %s: allergen %q", where, it.Name, a)
		}
		if slices.Contains(it.Diets, "vegan") && slices.Contains([]string{"milk", "eggs", "fish", "crustaceans", "molluscs"}, a) {
			t.Errorf("%s, %s: vegan with %s", where, it.Name, a)
		}
	}
	for _, g := range it.Options {
		if g.Min < 0 || g.Max < g.Min || g.Max > len(g.Options) || !slices.Contains([]string{"SUM", "MAX", "AVG"}, g.Rule) {
			t.Errorf("%s, %s: group %+v", where, it.Name, g)
		}
	}
}

// The knowledge of ingredients decides what people with an allergy are told: these are read off the dishes by hand.
func TestAllergensFollowFromIngredients(t *testing.T) {
	book := readCookbook()
	want := map[string]struct{ allergens, diets string }{
		"Margherita":                  {"gluten milk", "vegetarian halal"},
		"Marinara":                    {"gluten", "vegan vegetarian halal lactose_free"},
		"Carbonara":                   {"gluten eggs milk", ""},
		"Salmon nigiri":               {"fish", "gluten_free lactose_free"},
		"Peanut stew":                 {"peanuts", "vegan vegetarian halal gluten_free lactose_free"},
		"Galette complète":            {"eggs milk", "gluten_free"},
		"Massaman with beef":          {"peanuts", "gluten_free lactose_free"},
		"Onion soup":                  {"gluten milk celery", ""},
		"Gomen":                       {"gluten", "vegan vegetarian halal lactose_free"},
		"Porridge with apple":         {"gluten", "vegan vegetarian halal lactose_free"},
		"Mussels in white wine":       {"celery sulphites molluscs", "gluten_free lactose_free"},
		"Pad thai with tofu":          {"eggs fish peanuts soy", "gluten_free lactose_free"},
		"Lobiani":                     {"gluten", "vegan vegetarian halal lactose_free"},
		"Vegan burrito":               {"gluten", "vegan vegetarian halal lactose_free"},
		"Tofu and mushroom dumplings": {"gluten soy", "vegan vegetarian halal lactose_free"},
	}
	for _, menu := range book.menus {
		for _, s := range menu {
			for _, it := range s.Items {
				w, ok := want[it.Name]
				if !ok {
					continue
				}
				delete(want, it.Name)
				if a, d := strings.Join(it.Allergens, " "), strings.Join(it.Diets, " "); a != w.allergens || d != w.diets {
					t.Errorf("%s: %q, %q; want %q, %q", it.Name, a, d, w.allergens, w.diets)
				}
			}
		}
	}
	for name := range want {
		t.Errorf("no dish %q", name)
	}
}

func TestMostKitchensAreOpenWhenPeopleEat(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(2026, 11, 19, 12, 30, 0, 0, arkadia.Location), time.Date(2026, 11, 19, 19, 0, 0, 0, arkadia.Location),
		time.Date(2026, 11, 21, 12, 30, 0, 0, arkadia.Location), time.Date(2026, 11, 21, 19, 0, 0, 0, arkadia.Location),
	} {
		open := 0
		for _, re := range arkadia.Restaurants {
			if openAt(re.Hours, at) {
				open++
			}
		}
		if share := float64(open) / float64(len(arkadia.Restaurants)); share < 0.78 {
			t.Errorf("%s: %.0f %% open; want 78", at.Format("Mon 15:04"), 100*share)
		}
	}
}

func TestOpenAtKnowsNightsAndDaysOff(t *testing.T) {
	day := func(d, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, time.UTC) } // the 20th is a Friday
	for _, c := range []struct {
		hours string
		at    time.Time
		want  bool
	}{
		{"Fr-Sa 17:00-01:00", day(21, 0, 30), true},
		{"Fr-Sa 17:00-01:00", day(22, 0, 30), true},
		{"Fr-Sa 17:00-01:00", day(20, 0, 30), false},
		{"We-Mo 11:30-14:30,17:30-22:30; Tu off", day(17, 12, 0), false},
		{"We-Mo 11:30-14:30,17:30-22:30; Tu off", day(18, 15, 0), false},
		{"We-Mo 11:30-14:30,17:30-22:30; Tu off", day(23, 18, 0), true},
		{"Mo-Th 10:30-24:00", day(19, 23, 59), true},
		{"Su-Th 11:00-14:00", day(18, 12, 0), true},
	} {
		if got := openAt(c.hours, c.at); got != c.want {
			t.Errorf("openAt(%q, %s) = %v", c.hours, c.at.Format("Mon 15:04"), got)
		}
	}
}

func TestHandlesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	all := append(slices.Clone(arkadia.Neighbours), arkadia.Dispatchers...)
	all = append(all, arkadia.Admin)
	for _, c := range arkadia.Couriers {
		all = append(all, c.Person)
	}
	for _, re := range arkadia.Restaurants {
		all = append(all, re.Owner)
	}
	for _, p := range all {
		if seen[p.Handle] || !plain.MatchString(p.Handle) {
			t.Errorf("handle %q of %s", p.Handle, p.Name)
		}
		seen[p.Handle] = true
	}
	if len(arkadia.Neighbours) != 300 || len(arkadia.Couriers) != 25 {
		t.Errorf("%d neighbours, %d couriers", len(arkadia.Neighbours), len(arkadia.Couriers))
	}
}

func TestWishesCanBeOrdered(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	granted := 0
	for n := range 600 {
		at := time.Date(2026, 11, 16, 9, 0, 0, 0, arkadia.Location).Add(time.Duration(n) * 17 * time.Minute)
		w, ok := arkadia.NextOrder(r, at)
		if !ok {
			continue
		}
		granted++
		p, re := arkadia.Neighbours[w.Neighbour], arkadia.Restaurants[w.Restaurant]
		when := at
		if !w.Slot.IsZero() {
			when = w.Slot
		}
		if !openAt(re.Hours, when) {
			t.Errorf("%s wants %s at %s, closed", p.Handle, re.Name, when)
		}
		for _, l := range w.Lines {
			s := re.Menu[l.Section]
			it := s.Items[l.Item]
			if l.Qty < 1 || len(l.Options) != len(it.Options) || s.Hours != "" && !openAt(s.Hours, when) {
				t.Errorf("%s at %s: line %+v", re.Name, when, l)
			}
			for g, chosen := range l.Options {
				if len(chosen) < it.Options[g].Min || len(chosen) > it.Options[g].Max {
					t.Errorf("%s, %s: %d options of %s", re.Name, it.Name, len(chosen), it.Options[g].Name)
				}
			}
			if p.Taste.Diet != "" && it.Tax == "food" && !slices.Contains(it.Diets, p.Taste.Diet) {
				t.Errorf("%s is %s and orders %s", p.Handle, p.Taste.Diet, it.Name)
			}
		}
	}
	if granted < 400 {
		t.Errorf("%d of 600 wishes", granted)
	}
}

func BenchmarkRoute(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		arkadia.Route(arkadia.Restaurants[r.IntN(42)].Address.Point, arkadia.Neighbours[r.IntN(300)].Home.Point)
	}
}

func BenchmarkGeocode(b *testing.B) {
	for b.Loop() {
		arkadia.Geocode("linden 4", 8)
	}
}

func BenchmarkNearest(b *testing.B) {
	for b.Loop() {
		arkadia.Nearest(arkadia.Neighbours[7].Home.Point)
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Generate(1)
	}
}

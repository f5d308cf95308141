// Package town invents the demo town: its streets and river, its restaurants with menus and pictures, and the people who
// order, cook and ride there. Everything follows from one seed: the same seed gives the same town to the byte. The
// package reads and writes nothing; the demo carries what it makes into the real services.
//
// A Town is immutable after Generate and safe for concurrent use.
package town

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/demo/town/draw"
)

// Language-neutral facts of the demo town.
const (
	Name     = "Arkadia"
	TimeZone = "Europe/Berlin"
	Currency = "EUR"
)

// LatLon is a point on earth in degrees (WGS 84).
type LatLon = geo.Point

// Town is one generated town. Slices are in a fixed order; an index into one is a stable name for a given seed.
type Town struct {
	Seed                 int64
	Name                 string
	TimeZone             string         // IANA name
	Location             *time.Location // of TimeZone; a fixed UTC+1 on a machine without zone data
	Currency             string         // ISO 4217
	Center               LatLon         // the market square
	SouthWest, NorthEast LatLon         // what a map should show at first

	Streets     []Street
	Landmarks   []Place // squares, parks, the station, the harbour …
	Restaurants []Restaurant
	Neighbours  []Person
	Couriers    []Courier
	Dispatchers []Person
	Admin       Person

	plan  *plan
	graph *graph
	index *gazetteer
}

// Street is one named street with its line from the first house number to the last.
type Street struct {
	Name    string
	Kind    string // "street" or "path"
	Class   string // "main" or "minor"
	Line    []LatLon
	LengthM float64
	Numbers int // the highest house number
}

// Place is a point with a name: an address, a street or a landmark.
type Place struct {
	Label  string // what a person reads: "Lindenallee 4", "Stadtpark"
	Kind   string // "address", "street" or "landmark"
	Street string // empty for landmarks off the street
	Number int    // 0 when there is none
	Point  LatLon
}

// Restaurant is everything a restaurant of the town needs to be set up. Money is in minor units of Currency.
type Restaurant struct {
	Name     string
	Slug     string // unique, [a-z0-9-]
	Cuisines []string
	Blurb    string // two sentences
	Address  Place
	Phone    string
	// PriceLevel is 1 (cheap), 2 or 3 (dear).
	PriceLevel int
	Hours      string // OSM opening_hours syntax, in the town's time zone
	Prep       []PrepRule
	MinOrder   int64
	Zones      []Zone // nearest first; empty when the place does not deliver
	Pickup     bool
	Delivery   bool
	AutoAccept bool
	// CapOrders orders are accepted per CapMinutes; both are 0 where there is no cap.
	CapOrders, CapMinutes int
	Menu                  []Section
	Owner                 Person
	Cover                 Drawing
}

// PrepRule says how long the kitchen needs: Minutes for orders up to and including UpTo minor units; UpTo 0 means any.
// Rules are sorted, the one for any order comes last.
type PrepRule struct {
	UpTo    int64
	Minutes int
}

// Zone is an area a restaurant delivers to: a circle of RadiusM metres around it, or, when Polygon is set, that closed ring
// (first point = last point). The first zone of a restaurant that holds the address counts.
type Zone struct {
	Name     string
	RadiusM  float64
	Polygon  []LatLon
	Fee      int64
	MinOrder int64
}

// Section is a part of a menu. Hours is empty for what is always offered, else OSM syntax ("Mo-Fr 11:30-14:30").
type Section struct {
	Name  string
	Hours string
	Items []Item
}

// Item is one dish or drink.
type Item struct {
	Name        string
	Slug        string // unique within the restaurant
	Description string
	Price       int64
	Tax         string   // "food", "drink" or "alcohol"
	Allergens   []string // EU 14: gluten crustaceans eggs fish peanuts soy milk nuts celery mustard sesame sulphites lupin molluscs
	Diets       []string // vegan vegetarian halal gluten_free lactose_free
	Options     []OptionGroup
	Stock       int // portions a day; 0 means not counted
	Picture     Drawing
}

// OptionGroup asks for between Min and Max of its options. Rule says how their prices add up: "SUM", "MAX" or "AVG".
type OptionGroup struct {
	Name    string
	Min     int
	Max     int
	Rule    string
	Options []Option
}

// Option is one choice and what it adds to the price.
type Option struct {
	Name  string
	Price int64
}

// Drawing names a picture: the same Drawing always gives the same SVG.
type Drawing struct {
	Seed    string
	Kind    string   // see draw.Kinds; "front-…" for shop fronts
	Palette []string // ingredient colours, "#rrggbb", the main one first
}

// SVG draws the picture.
func (d Drawing) SVG() []byte { return draw.Picture(d.Seed, d.Kind, d.Palette) }

// Person is somebody with an account.
type Person struct {
	Name     string
	Handle   string // unique in the town, [a-z0-9]
	Language string // "de", "en", "fr", "es", "tr" …
	Home     Place
	Note     string // for the courier: doorbell and floor
	Phone    string
	Taste    Taste // of neighbours; zero for staff
}

// Taste is what a neighbour likes and how they order.
type Taste struct {
	Cuisines    []Liking // every cuisine of the town once
	Diet        string   // "", "vegetarian", "vegan", "halal", "gluten_free" or "lactose_free"
	Budget      int64    // what a meal for one may cost before it feels dear
	Hours       [24]float64
	Appetite    float64 // portions an order, 1 to 4
	Tip         int     // per cent, 0 for those who never do
	PerWeek     float64 // orders a week
	Adventurous float64 // 0 orders the usual, 1 always something new
	Pickup      float64 // how often they fetch it themselves
}

// Liking is the weight of one cuisine: 1 is indifferent, 0 never.
type Liking struct {
	Cuisine string
	Weight  float64
}

// Courier is somebody who rides.
type Courier struct {
	Person
	Vehicle string  // "bike", "cargo_bike", "e_bike" or "on_foot"
	SpeedMS float64 // metres a second on a street
	Shift   string  // when they usually work, OSM opening_hours syntax
	Accepts float64 // how often an offer is taken, 0 to 1
}

// Wish is what a neighbour has decided to order.
type Wish struct {
	Neighbour   int // index in Town.Neighbours
	Restaurant  int // index in Town.Restaurants
	Lines       []WishLine
	Pickup      bool
	Slot        time.Time // zero: as soon as possible
	KitchenNote string
	CourierNote string
	Tip         int64
}

// WishLine is one line of a Wish. Options[g] lists the chosen options of the item's g-th group.
type WishLine struct {
	Section, Item int
	Options       [][]int
	Qty           int
}

// source returns random numbers that depend on the town's seed and a purpose only, so that one part of the town can change
// without moving the others.
func source(seed int64, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
}

const riverName = "Alda"

// Generate invents the town of a seed. It takes well under a second and always succeeds.
func Generate(seed int64) *Town {
	location, err := time.LoadLocation(TimeZone)
	if err != nil {
		location = time.FixedZone("CET", 3600)
	}
	p := newPlan(seed)
	p.build(source(seed, "buildings"))
	t := &Town{Seed: seed, Name: Name, TimeZone: TimeZone, Location: location, Currency: Currency, Center: xy{}.latLon(), plan: p}
	t.SouthWest, t.NorthEast = xy{-1450, -1180}.latLon(), xy{1450, 1180}.latLon()
	t.graph, p.roads = newGraph(p.roads)
	var lines [][]xy
	for _, r := range p.roads {
		l := lineLength(r.line)
		s := Street{Name: r.name, Kind: r.kind, Class: r.class, LengthM: l, Numbers: 2 * max(1, int(l/numberM))}
		for _, q := range r.line {
			s.Line = append(s.Line, q.latLon())
		}
		t.Streets, lines = append(t.Streets, s), append(lines, r.line)
	}
	t.Landmarks = p.landmarks()
	t.index = newGazetteer(t.Streets, lines, t.Landmarks)
	people := newRegistry()
	t.settle(source(seed, "restaurants"), people)
	t.populate(source(seed, "people"), people)
	return t
}

// landmarks are the places that people name when they say where they are.
func (p *plan) landmarks() []Place {
	at := func(label string, q xy) Place { return Place{Label: label, Kind: "landmark", Point: q.latLon()} }
	out := []Place{at("Marktplatz", xy{})}
	for _, s := range sites {
		if s.name != "" {
			out = append(out, at(s.name, s.at))
		}
	}
	middle := func(x float64) xy { return lerp(xy{x, heightAt(p.quayN, x)}, xy{x, heightAt(p.quayS, x)}, 0.5) }
	return append(out, at("Hauptbahnhof", xy{-70, heightAt(p.railS, -60) - 24}), at("Alte Brücke", middle(polar(400, p.radial[4](400)).x)),
		at(riverName, middle(-1100)), at(riverName+" Hafenbecken", middle(980)))
}

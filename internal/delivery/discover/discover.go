// Package discover is the way from an address to a restaurant: where the customer is, which restaurants bring food there now or at a chosen
// time, and search over restaurants and their dishes. It also keeps the addresses that people save.
//
// Everything that is asked often is computed in memory from what restaurant and menu hold there; only saved addresses are stored here.
package discover

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Limits.
const (
	MaxAddresses = 20 // saved by one person
	MaxQuery     = 80 // characters of a search
	maxDishes    = 3  // matched dishes shown of one restaurant
	newFor       = 30 * 24 * time.Hour
	closesSoon   = 45 * time.Minute
)

// Sort is the order of a list. Open restaurants always come before paused and closed ones.
type Sort string

// The orders.
const (
	Recommended Sort = "recommended" // soon and close
	ByFee       Sort = "fee"
	ByDistance  Sort = "distance"
)

// Query is what somebody looks for.
type Query struct {
	To       *geo.Point // nil: no place known; then only pickup can be listed
	At       *time.Time // nil: now
	Mode     delivery.Mode
	Text     string   // words in names of restaurants, cuisines and dishes
	Cuisine  []string // any of these
	Diet     []string // dishes that suit all of these: codes such as "vegan"
	OpenOnly bool
	Price    int // highest price level, 0: any
	Sort     Sort
	Cursor   string
	Limit    int
}

// Item is a restaurant found.
type Item struct {
	delivery.Listing
	New        bool     // joined the town lately
	ClosesSoon bool     // within the hour
	Dishes     []string // whose names were searched for
	Rating     delivery.Rating
	Offers     []delivery.Offer // what it promises everybody now

	entry *entry
	key   key
}

// key is an item's place in the order: a total order, so that a list can be read on after it.
type key struct {
	Rank  int     `json:"r"` // 0 open, 1 paused, 2 closed
	Dish  int     `json:"d"` // 0 named by the words of a search, 1 not
	Value float64 `json:"v"`
	ID    id.ID   `json:"i"`
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.Rank, o.Rank), cmp.Compare(k.Dish, o.Dish), cmp.Compare(k.Value, o.Value), cmp.Compare(k.ID, o.ID))
}

// keyOf returns where a listing stands in the order. Who is called by its name comes before who merely has such a dish.
func keyOf(l *delivery.Listing, sort Sort, named bool) key {
	k := key{ID: l.Card.ID}
	if !named {
		k.Dish = 1
	}
	switch {
	case l.Open:
	case l.Paused:
		k.Rank = 1
	default:
		k.Rank = 2
	}
	switch {
	case k.Rank > 0 && l.OpensAt.IsZero():
		k.Value = math.MaxInt64
	case k.Rank > 0:
		k.Value = float64(l.OpensAt.Unix())
	case sort == ByFee:
		k.Value = float64(l.Fee)*1000 + float64(l.MinIn)
	case sort == ByDistance:
		k.Value = math.Round(l.DistM)
	default:
		// A kilometre weighs as much as four minutes: food that rode less arrives warmer.
		k.Value = float64(l.MinIn) + math.Round(l.DistM/250)
	}
	return k
}

// entry is what is searched and shown of one restaurant: one version of it, never changed.
type entry struct {
	card     *delivery.Card
	menu     int64  // version of the menu, -1: not read
	static   []byte // the members of its JSON object that never vary, without braces
	cuisines []string
	dishes   []dish
}

// dish is one visible dish, ready for search.
type dish struct {
	name   string
	folded string
	diets  []string
}

// newEntry reads a card, and a menu where that is not nil.
func newEntry(card *delivery.Card, menu *delivery.Menu) *entry {
	e := &entry{card: card, menu: -1, static: staticJSON(card)}
	for _, c := range card.Cuisines {
		e.cuisines = append(e.cuisines, text.Fold(c))
	}
	if menu == nil {
		return e
	}
	e.menu = menu.Version
	for _, s := range menu.Sections {
		for _, it := range s.Items {
			if !it.Hidden {
				e.dishes = append(e.dishes, dish{it.Name, text.Fold(it.Name), it.Diets})
			}
		}
	}
	return e
}

// filter is a Query's words and chips, folded once.
type filter struct {
	words    []string
	cuisines []string
	diets    []string
	openOnly bool
	price    int
}

func newFilter(q *Query) filter {
	f := filter{words: strings.Fields(text.Fold(q.Text)), openOnly: q.OpenOnly, price: q.Price}
	for _, d := range q.Diet {
		if d != "" { // what a form sends for "any diet"
			f.diets = append(f.diets, d)
		}
	}
	for _, c := range q.Cuisine {
		if c != "" {
			f.cuisines = append(f.cuisines, text.Fold(c))
		}
	}
	return f
}

// needsMenu reports whether dishes have to be looked at.
func (f *filter) needsMenu() bool { return len(f.words) > 0 || len(f.diets) > 0 }

// named reports whether the words are in the name of a restaurant or its cuisines.
func (f *filter) named(l *delivery.Listing) bool {
	return len(f.words) > 0 && containsAll(l.Card.Folded, f.words)
}

// match reports whether a restaurant is looked for, and which of its dishes are named by the words.
func (f *filter) match(l *delivery.Listing, e *entry) (dishes []string, ok bool) {
	if f.openOnly && !l.Open || f.price > 0 && l.Card.Price > f.price {
		return nil, false
	}
	if len(f.cuisines) > 0 && !slices.ContainsFunc(f.cuisines, func(c string) bool { return slices.Contains(e.cuisines, c) }) {
		return nil, false
	}
	if !f.needsMenu() {
		return nil, true
	}
	named := f.named(l)
	suits := len(f.diets) == 0
	for i := range e.dishes {
		d := &e.dishes[i]
		if slices.ContainsFunc(f.diets, func(x string) bool { return !slices.Contains(d.diets, x) }) {
			continue
		}
		suits = true
		if len(f.words) > 0 && len(dishes) < maxDishes && containsAll(d.folded, f.words) {
			dishes = append(dishes, d.name)
		}
	}
	return dishes, suits && (len(f.words) == 0 || named || len(dishes) > 0)
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// Count is a word with how many restaurants it stands for.
type Count struct {
	Word string `json:"word"`
	N    int    `json:"n"`
}

// cuisinesOf counts cuisines, the most frequent first.
func cuisinesOf(items []Item) []Count {
	n := map[string]int{}
	for i := range items {
		for _, c := range items[i].Card.Cuisines {
			n[c]++
		}
	}
	out := make([]Count, 0, len(n))
	for c, k := range n {
		out = append(out, Count{c, k})
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(b.N-a.N, strings.Compare(a.Word, b.Word)) })
	return out
}

// Place is a spot with a name, as a geocoder knows it or a person chose it.
type Place struct {
	Label  string    `json:"label"`
	Street string    `json:"street,omitempty" doc:"Street and house number, where it is an address."`
	City   string    `json:"city,omitempty"`
	Kind   string    `json:"kind,omitempty" doc:"address, street or place."`
	Point  geo.Point `json:"point"`
}

// Saved is an address that somebody saved.
type Saved struct {
	ID      id.ID  `json:"id"`
	Label   string `json:"label" doc:"Such as Home."`
	Default bool   `json:"default" doc:"Used where nothing else was chosen."`
	delivery.Address
}

// normalise cleans an address and returns an Invalid error that names every wrong field.
func (a *Saved) normalise() error {
	var wrong []errs.Field
	a.Street, a.City = text.Clean(a.Street, 120), text.Clean(a.City, 80)
	a.Detail, a.Notes = text.Clean(a.Detail, 120), text.Clean(a.Notes, 300)
	a.Name, a.Phone = text.Clean(a.Name, 80), text.Clean(a.Phone, 40)
	if a.Label = text.Clean(a.Label, 40); a.Label == "" {
		a.Label = a.Street
	}
	if a.Street == "" {
		wrong = append(wrong, errs.Field{Path: "street", Message: "Give the street and house number."})
	}
	if !a.Point.Valid() || a.Point.IsZero() {
		wrong = append(wrong, errs.Field{Path: "point", Message: "Set the pin on the map."})
	}
	return errs.InvalidFields(wrong)
}

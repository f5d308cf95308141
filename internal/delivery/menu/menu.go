// Package menu is a restaurant's card: menus by daypart, their sections and items, option groups, what is sold out, and how much is left.
//
// A card is read far more often than it changes. Each node keeps the newest version of every card that was asked for in memory, ready
// compiled for quotes and ready encoded for the API, and drops it when the event menu.changed says so. Every change takes the card's
// version row, so changes of one card are one after another, and an order that was quoted on an older version is told by CheckMenu.
//
// Stock is apart: a counted item or option has a row of its own that orders take from by conditional updates. That changes no version; the
// numbers in memory follow within a second and only advise. Nothing is sold that the row did not have.
package menu

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
)

// Limits of one restaurant's card.
const (
	MaxItems       = 5000
	MaxMenus       = 20
	MaxSections    = 200
	MaxGroups      = 500
	MaxItemGroups  = 20
	MaxOptions     = 100
	MaxPick        = 40 // options of one group in one line, as the cart takes them
	MaxPrice       = money.Amount(10_000_000)
	MaxStock       = 1_000_000
	maxName        = 120
	maxDescription = 600
)

// Taxes are the tax categories. The restaurant says which rate each has.
var Taxes = []string{"food", "drink", "alcohol"}

// Allergens are the fourteen of Regulation (EU) 1169/2011, annex II.
var Allergens = []string{
	"gluten", "crustaceans", "eggs", "fish", "peanuts", "soy", "milk", "nuts", "celery", "mustard", "sesame", "sulphites", "lupin", "molluscs",
}

// Diets are schema.org's RestrictedDiet in snake case.
var Diets = []string{
	"diabetic", "gluten_free", "halal", "hindu", "kosher", "low_calorie", "low_fat", "low_lactose", "low_salt", "vegan", "vegetarian",
}

// Rules are how the prices of a group's chosen options add up.
var Rules = []string{"SUM", "MAX", "AVG"}

// Card is everything a restaurant has on its menus, in the order in which it is shown. Shared between goroutines, never changed.
type Card struct {
	Restaurant id.ID
	Version    int64
	Menus      []*Menu
	Groups     []*Group
	Stock      map[id.ID]int64 // portions left by item or option; absent: not counted
}

// Menu is a part of the card with hours of its own.
type Menu struct {
	ID       id.ID
	Name     string
	Hours    string // OSM opening_hours in the restaurant's zone; empty: whenever it is open
	Sections []*Section
	schedule *hours.Schedule
}

// Section is a heading with its items. Its hours, where it has any, stand in for its menu's.
type Section struct {
	ID       id.ID
	Menu     id.ID
	Name     string
	Note     string
	Hours    string
	Items    []*Item
	schedule *hours.Schedule
}

// Item is a dish or drink as its restaurant sees it.
type Item struct {
	ID          id.ID
	Section     id.ID
	Name        string
	Description string
	Price       money.Amount // including tax
	Tax         string       // one of Taxes
	Photo       string       // URL path, or empty
	Allergens   []string
	Diets       []string
	Groups      []id.ID
	Hidden      bool
	OutUntil    time.Time // sold out until then; zero: not sold out
	position    int64     // among those of its section; they ascend, with gaps
}

// Group is a choice of between Min and Max of its options.
type Group struct {
	ID      id.ID
	Name    string
	Min     int
	Max     int
	Rule    string
	Options []*Option
}

// Option is one thing to choose.
type Option struct {
	ID       id.ID
	Group    id.ID
	Name     string
	Price    money.Amount // added to the item's
	OutUntil time.Time
}

// items returns all items of the card in order.
func (c *Card) items() []*Item {
	var all []*Item
	for _, m := range c.Menus {
		all = append(all, m.items()...)
	}
	return all
}

func (m *Menu) items() []*Item {
	var all []*Item
	for _, s := range m.Sections {
		all = append(all, s.Items...)
	}
	return all
}

// Item returns an item of the card, or nil.
func (c *Card) Item(item id.ID) *Item {
	for _, it := range c.items() {
		if it.ID == item {
			return it
		}
	}
	return nil
}

// Section returns a section of the card, or nil.
func (c *Card) Section(section id.ID) *Section {
	for _, m := range c.Menus {
		for _, s := range m.Sections {
			if s.ID == section {
				return s
			}
		}
	}
	return nil
}

// Menu returns a menu of the card, or nil.
func (c *Card) Menu(menu id.ID) *Menu {
	for _, m := range c.Menus {
		if m.ID == menu {
			return m
		}
	}
	return nil
}

// Group returns an option group of the card, or nil.
func (c *Card) Group(group id.ID) *Group {
	for _, g := range c.Groups {
		if g.ID == group {
			return g
		}
	}
	return nil
}

// MenuInput is a menu as it is to be.
type MenuInput struct {
	Name  string
	Hours string // OSM opening_hours, or empty
}

// SectionInput is a section as it is to be.
type SectionInput struct {
	Menu  id.ID // 0: the first menu, which is made where there is none
	Name  string
	Note  string
	Hours string
}

// ItemInput is an item as it is to be.
type ItemInput struct {
	Section     id.ID
	Name        string
	Description string
	Price       money.Amount
	Tax         string // empty: "food"
	Photo       string
	Allergens   []string
	Diets       []string
	Hidden      bool
	Groups      []id.ID
	Stock       *int64 // portions left; nil: as it is, for a new item not counted; -1: not counted
}

// ItemPatch is what is to be different about an item; nil stays as it is.
type ItemPatch struct {
	Section     *id.ID
	Name        *string
	Description *string
	Price       *money.Amount
	Tax         *string
	Photo       *string
	Allergens   *[]string
	Diets       *[]string
	Hidden      *bool
	Groups      *[]id.ID
	Stock       *int64
}

// GroupInput is an option group as it is to be: all of its options in their order.
type GroupInput struct {
	Name    string
	Min     int
	Max     int
	Rule    string // empty: "SUM"
	Options []OptionInput
}

// OptionInput is one option of a group. ID 0 makes a new one; known ones that are left out are deleted.
type OptionInput struct {
	ID    id.ID
	Name  string
	Price money.Amount
	Stock *int64 // portions left; nil: as it is; -1: not counted
}

func (in *MenuInput) check() error {
	var c checker
	c.name("name", &in.Name)
	c.hours("hours", &in.Hours)
	return c.err()
}

func (in *SectionInput) check() error {
	var c checker
	c.name("name", &in.Name)
	c.text("note", &in.Note, maxDescription)
	c.hours("hours", &in.Hours)
	return c.err()
}

func (in *ItemInput) check() error {
	var c checker
	c.name("name", &in.Name)
	c.text("description", &in.Description, maxDescription)
	c.price("price", in.Price)
	c.oneOf("tax", &in.Tax, "food", Taxes)
	c.photo("photo", in.Photo)
	c.words("allergens", &in.Allergens, Allergens)
	c.words("diets", &in.Diets, Diets)
	c.count("stock", in.Stock)
	if len(in.Groups) > MaxItemGroups {
		c.add("groups", "At most %d option groups for one dish.", MaxItemGroups)
	}
	return c.err()
}

func (in *GroupInput) check() error {
	var c checker
	c.name("name", &in.Name)
	c.oneOf("rule", &in.Rule, "SUM", Rules)
	c.bounds(in.Min, in.Max, len(in.Options))
	for i := range in.Options {
		path := fmt.Sprintf("options[%d]", i)
		c.name(path+".name", &in.Options[i].Name)
		c.price(path+".price", in.Options[i].Price)
		c.count(path+".stock", in.Options[i].Stock)
	}
	return c.err()
}

// bounds checks how many options may be chosen of n.
func (c *checker) bounds(lo, hi, n int) {
	if lo < 0 || lo > MaxPick {
		c.add("min", "Between 0 and %d.", MaxPick)
	}
	if hi < 1 || hi > MaxPick || hi < lo {
		c.add("max", "Between 1 and %d, and not below the least.", MaxPick)
	}
	if n == 0 || n > MaxOptions {
		c.add("options", "Between 1 and %d options.", MaxOptions)
	}
}

// count checks a number of portions, or -1 for not counted.
func (c *checker) count(path string, n *int64) {
	if n != nil && *n != -1 {
		c.stock(path, n)
	}
}

// checker collects what is wrong with an input.
type checker struct{ wrong []errs.Field }

func (c *checker) add(path, format string, args ...any) {
	c.wrong = append(c.wrong, errs.FieldOf(path, format, args...))
}

func (c *checker) err() error { return errs.InvalidFields(c.wrong) }

// name cleans a name that must be there.
func (c *checker) name(path string, s *string) {
	c.text(path, s, maxName)
	if *s == "" {
		c.add(path, "Give it a name.")
	}
}

// text cleans a text that may be empty.
func (c *checker) text(path string, s *string, most int) {
	*s = text.Clean(*s, most+1)
	if utf8.RuneCountInString(*s) > most {
		c.add(path, "Write at most %d characters.", most)
	}
}

// hours normalises OSM opening hours, which may be empty.
func (c *checker) hours(path string, s *string) {
	*s = strings.TrimSpace(*s)
	if *s == "" {
		return
	}
	sched, err := hours.Parse(*s)
	if err != nil {
		c.add(path, "These are no opening hours such as Mo-Fr 11:30-14:30: %s.", strings.TrimPrefix(err.Error(), "opening hours: "))
		return
	}
	*s = sched.String()
}

func (c *checker) price(path string, p money.Amount) {
	if p < 0 || p > MaxPrice {
		c.add(path, "A price is between 0 and %d.00.", MaxPrice/100)
	}
}

func (c *checker) stock(path string, n *int64) {
	if n != nil && (*n < 0 || *n > MaxStock) {
		c.add(path, "Count between 0 and 1,000,000 portions.")
	}
}

func (c *checker) oneOf(path string, s *string, otherwise string, known []string) {
	if *s == "" {
		*s = otherwise
	}
	if !slices.Contains(known, *s) {
		c.add(path, "Choose one of %s.", strings.Join(known, ", "))
	}
}

// words checks a list against the known words and puts it in their order, each once. Other common names are understood.
func (c *checker) words(path string, list *[]string, known []string) {
	out := []string{}
	for _, w := range *list {
		w = word(w)
		if !slices.Contains(known, w) {
			c.add(path, "%q is not known. Use %s.", text.Clean(w, 30), strings.Join(known, ", "))
			continue
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return slices.Index(known, a) - slices.Index(known, b) })
	*list = out
}

// otherWords are names that files and people use for the same thing.
var otherWords = map[string]string{
	"soya": "soy", "soybeans": "soy", "egg": "eggs", "peanut": "peanuts", "nut": "nuts", "tree_nuts": "nuts", "wheat": "gluten", "dairy": "milk",
	"lactose": "milk", "sulfites": "sulphites", "sulphur_dioxide": "sulphites", "shellfish": "crustaceans", "mollusks": "molluscs",
	"lactose_free": "low_lactose", "veg": "vegetarian", "veggie": "vegetarian", "gf": "gluten_free",
}

func word(s string) string {
	s = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
	if w := otherWords[s]; w != "" {
		return w
	}
	return s
}

// photoPath reports whether s may stand as a picture's address: a path on this server.
func (c *checker) photo(path, s string) {
	if s == "" {
		return
	}
	if len(s) > 200 || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\"'<> ?#\r\n\t") {
		c.add(path, "Upload the picture and give its path, such as /media/….")
	}
}

// upper returns s with its first letter in upper case.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

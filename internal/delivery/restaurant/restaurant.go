// Package restaurant is everything a restaurant says about itself: profile, opening hours, closures, delivery zones, how long the kitchen
// takes and how much it can take on; and, computed from those, the terms on which it serves one place at one time.
//
// Settings are what an owner edits; they are stored as one document under a version. Compiled is the same ready for computing: it never
// changes, so all requests of a node share it, and its Terms are a pure function of the settings, the time and the request.
package restaurant

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/delivery/restaurant/price"
)

// Limits of one restaurant's settings.
const (
	MaxZones     = 50
	MaxClosures  = 100
	MaxSpecial   = 100
	MaxHours     = 500 // bytes of an opening_hours text
	MaxPrepRules = 10
	MaxPrep      = 240 // minutes
	MaxDaysAhead = 14
	MaxRadiusM   = 50_000
	MaxDrawing   = 256 << 10 // bytes of GeoJSON over all zones
)

// Settings are what a restaurant says about itself. Times of day are in its time zone, money is in minor units of its currency.
type Settings struct {
	Name     string    `json:"name" maxLength:"80"`
	Blurb    string    `json:"blurb" maxLength:"300" doc:"A sentence for customers."`
	Cuisines []string  `json:"cuisines" maxItems:"8"`
	Phone    string    `json:"phone" maxLength:"40"`
	Street   string    `json:"street" maxLength:"120"`
	City     string    `json:"city" maxLength:"80"`
	Point    geo.Point `json:"point"`
	Legal    string    `json:"legal_name,omitempty" maxLength:"120" doc:"Who sells, as receipts name them; empty: the name."`
	TaxID    string    `json:"tax_id,omitempty" maxLength:"40" doc:"The tax number that receipts show."`
	Photo    string    `json:"photo" maxLength:"200" doc:"URL path of its picture."`
	Price    int       `json:"price" doc:"1 (cheap) to 4."`
	Currency string    `json:"currency" doc:"ISO 4217."`
	Zone     string    `json:"time_zone" doc:"IANA name, such as Europe/Berlin."`
	Active   bool      `json:"active" doc:"Whether customers see it at all."`

	Hours    string     `json:"hours" maxLength:"500" doc:"When it takes orders for delivery, in OSM opening_hours syntax."`
	Pickup   string     `json:"pickup_hours" maxLength:"500" doc:"The same for pickup where that differs; else empty."`
	Closures []Closure  `json:"closures"`
	Special  []Special  `json:"special_days"`
	Holidays []HoliDate `json:"holidays" doc:"Dates that PH in the hours means."`

	PausedUntil time.Time `json:"paused_until,omitzero" doc:"No orders until then; ends by itself."`
	RushUntil   time.Time `json:"rush_until,omitzero" doc:"Longer preparation until then; ends by itself."`
	RushExtra   int       `json:"rush_extra,omitempty" doc:"Minutes added in rush; 0: the rush times of the rules."`

	Prep     []PrepRule      `json:"prep" doc:"How long the kitchen takes by value of the food, ascending, the last without a limit."`
	Minimum  money.Amount    `json:"minimum" doc:"Smallest value of food that is delivered."`
	Zones    []Zone          `json:"zones" doc:"Where it delivers; the first that holds the address counts."`
	Prices   []price.FeeRule `json:"price_rules" required:"false" doc:"What a delivery costs; the first that holds counts, the fee of its zone where none does."`
	Delivers bool            `json:"delivers"`
	PicksUp  bool            `json:"picks_up"`

	CapOrders   int            `json:"cap_orders" doc:"Largest number of orders for one window of time; 0: no limit."`
	CapMinutes  int            `json:"cap_minutes" doc:"Length of that window."`
	AutoAccept  bool           `json:"auto_accept" doc:"Orders are confirmed without anybody looking."`
	SlotMinutes int            `json:"slot_minutes" doc:"Length of the times offered for ordering ahead."`
	DaysAhead   int            `json:"days_ahead" doc:"How many days ahead can be ordered; 0: only today."`
	Tax         map[string]int `json:"tax" doc:"Tax category to rate in basis points."`
	FeeTax      int            `json:"fee_tax" doc:"Rate on the delivery fee in basis points."`

	Deal *Agreement `json:"deal,omitempty" doc:"What it has agreed on with the town, where that is its own; admins change it."`
}

// HoliDate is a public holiday.
type HoliDate = hours.Date

// Closure is a time at which the restaurant is closed whatever its hours say; Reason is shown to customers.
type Closure struct {
	ID     id.ID     `json:"id"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason" maxLength:"120"`
}

// Special replaces the hours of one date; without Spans the restaurant stays closed.
type Special struct {
	Date   hours.Date        `json:"date"`
	Spans  []hours.ClockSpan `json:"spans" required:"false" maxItems:"6" doc:"Such as 11:00-15:00; none: closed."`
	Reason string            `json:"reason,omitempty" maxLength:"120"`
}

// PrepRule is how long the kitchen takes for an order up to a value.
type PrepRule struct {
	UpTo money.Amount `json:"up_to,omitempty" doc:"Value of food up to which the rule holds; 0: any."`
	Min  int          `json:"minutes"`
	Rush int          `json:"rush_minutes"`
}

// Zone is a place to which the restaurant delivers: within Radius metres of it, or in Area.
type Zone struct {
	Name     string          `json:"name,omitempty" maxLength:"60"`
	RadiusM  float64         `json:"radius_m,omitempty" doc:"Metres around the restaurant; 0 where area is given."`
	Area     json.RawMessage `json:"area,omitempty" doc:"GeoJSON Polygon or MultiPolygon."`
	Fee      money.Amount    `json:"fee"`
	Minimum  money.Amount    `json:"minimum,omitempty" doc:"Smallest value of food here; the restaurant's own where that is more."`
	FreeFrom money.Amount    `json:"free_from,omitempty" doc:"Value of food from which there is no fee; 0: never."`
}

// DefaultPrep returns the preparation times that a restaurant starts with.
func DefaultPrep() []PrepRule {
	return []PrepRule{{UpTo: 1999, Min: 10, Rush: 20}, {UpTo: 5000, Min: 15, Rush: 30}, {Min: 30, Rush: 45}}
}

// Defaults returns settings in which only name and place are missing.
func Defaults(currency, zone string) Settings {
	return Settings{
		Price: 2, Currency: currency, Zone: zone, Active: true, Hours: "Mo-Su 11:30-22:00", Prep: DefaultPrep(),
		Zones: []Zone{{Name: "Around the corner", RadiusM: 3000, Fee: 250}}, Delivers: true, PicksUp: true, SlotMinutes: 15, DaysAhead: 3,
		CapMinutes: 15, Tax: map[string]int{"food": 700, "drink": 1900, "alcohol": 1900}, FeeTax: 1900,
	}
}

// checker collects what is wrong.
type checker []errs.Field

func (c *checker) add(path, format string, args ...any) {
	if len(*c) < 20 { // nobody reads more at once
		*c = append(*c, errs.FieldOf(path, format, args...))
	}
}

func (c *checker) between(path string, v, lo, hi int) {
	if v < lo || v > hi {
		c.add(path, "Choose between %d and %d.", lo, hi)
	}
}

func (c *checker) amount(path string, v money.Amount) {
	if v < 0 || v > 100_000_00 {
		c.add(path, "Choose an amount between 0 and 100,000.")
	}
}

// Normalise cleans texts, puts lists in order and drops closures and special days that ended more than 30 days before now. It returns an
// Invalid error that names every wrong field.
func (s *Settings) Normalise(now time.Time) error {
	var c checker
	s.profile(&c)
	s.calendar(&c, now)
	s.kitchen(&c)
	s.zones(&c)
	s.prices(&c)
	if s.Deal != nil {
		s.Deal.check(&c)
	}
	return errs.InvalidFields(c)
}

func (s *Settings) profile(c *checker) {
	s.Name, s.Blurb = text.Clean(s.Name, 80), text.Clean(s.Blurb, 300)
	s.Legal, s.TaxID = text.Clean(s.Legal, 120), text.Clean(s.TaxID, 40)
	s.Phone, s.Street, s.City = text.Clean(s.Phone, 40), text.Clean(s.Street, 120), text.Clean(s.City, 80)
	if s.Name == "" {
		c.add("name", "Give the restaurant a name.")
	}
	if s.Phone != "" && !strings.ContainsAny(s.Phone, "0123456789") {
		c.add("phone", "Give the number to call, such as +49 30 123456.")
	}
	if s.Street == "" {
		c.add("street", "Give the street and house number.")
	}
	if !s.Point.Valid() || s.Point.IsZero() {
		c.add("point", "Set the pin on the map.")
	}
	if len(s.Cuisines) > 8 {
		c.add("cuisines", "Name at most 8 cuisines.")
		s.Cuisines = s.Cuisines[:8]
	}
	kept := []string{}
	for _, name := range s.Cuisines {
		if name = text.Clean(name, 40); name != "" && !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	s.Cuisines = kept
	if s.Photo != "" && (len(s.Photo) > 200 || !strings.HasPrefix(s.Photo, "/") || strings.HasPrefix(s.Photo, "//") || strings.ContainsAny(s.Photo, "\\\"'<> ")) {
		c.add("photo", "Upload the picture and give its path, such as /media/….")
	}
	c.between("price", s.Price, 1, 4)
	if len(s.Currency) != 3 || strings.Trim(s.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		c.add("currency", "Give a currency code such as EUR.")
	}
	if _, err := loadZone(s.Zone); err != nil {
		c.add("time_zone", "%.40q is not a time zone; give one such as Europe/Berlin.", s.Zone)
	}
	for name, rate := range s.Tax {
		if name == "" || len(name) > 20 || rate < 0 || rate > 10_000 {
			c.add("tax", "A tax rate is between 0 and 10,000 basis points.")
		}
	}
	if len(s.Tax) > 10 {
		c.add("tax", "Name at most 10 tax categories.")
	}
	c.between("fee_tax", s.FeeTax, 0, 10_000)
}

// loadZone refuses "" and "Local", which time.LoadLocation reads as UTC and as the server's own zone.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > 60 {
		return nil, errors.New("restaurant: no time zone")
	}
	return time.LoadLocation(name)
}

// parseHours returns the schedule, or the sentence that says what is wrong with it and at which column.
func parseHours(s string) (hours.Schedule, i18n.Phrase) {
	if len(s) > MaxHours {
		return hours.Schedule{}, i18n.Phrase{Format: i18n.Key("Write at most %d characters."), Args: []any{MaxHours}}
	}
	var sched hours.Schedule
	err := sched.UnmarshalText([]byte(strings.TrimSpace(s)))
	if err == nil {
		return sched, i18n.Phrase{}
	}
	if bad, ok := errors.AsType[*hours.ParseError](err); ok {
		return sched, i18n.Phrase{Format: i18n.Key("Column %d: %s."), Args: []any{bad.Column, bad.Reason}}
	}
	return sched, i18n.Phrase{Format: i18n.Key("These hours can't be read.")}
}

func (s *Settings) calendar(c *checker, now time.Time) {
	for _, f := range []struct {
		path string
		text *string
	}{{"hours", &s.Hours}, {"pickup_hours", &s.Pickup}} {
		*f.text = strings.TrimSpace(*f.text)
		if _, wrong := parseHours(*f.text); wrong.Format != "" {
			c.add(f.path, wrong.Format, wrong.Args...)
		}
	}
	const keep = 30 * 24 * time.Hour
	s.Closures = slices.DeleteFunc(s.Closures, func(x Closure) bool { return x.To.Before(now.Add(-keep)) })
	slices.SortFunc(s.Closures, func(a, b Closure) int { return a.From.Compare(b.From) })
	for i := range s.Closures {
		x := &s.Closures[i]
		x.Reason = text.Clean(x.Reason, 120)
		path := fmt.Sprintf("closures[%d]", i)
		if !x.To.After(x.From) {
			c.add(path+".to", "The closure must end after it begins.")
		}
		if x.To.Sub(x.From) > 366*24*time.Hour || x.From.After(now.AddDate(2, 0, 0)) {
			c.add(path+".to", "A closure lasts at most a year and begins within two.")
		}
	}
	if len(s.Closures) > MaxClosures {
		c.add("closures", "At most %d closures at a time.", MaxClosures)
	}
	s.specialDays(c, now)
}

func (s *Settings) specialDays(c *checker, now time.Time) {
	oldest := hours.DateOf(now.AddDate(0, 0, -30), time.UTC)
	s.Special = slices.DeleteFunc(s.Special, func(x Special) bool { return x.Date.Compare(oldest) < 0 })
	slices.SortStableFunc(s.Special, func(a, b Special) int { return a.Date.Compare(b.Date) })
	for i := range s.Special {
		x := &s.Special[i]
		x.Reason = text.Clean(x.Reason, 120)
		path := fmt.Sprintf("special_days[%d]", i)
		if i > 0 && s.Special[i-1].Date == x.Date {
			c.add(path+".date", "%s is there twice.", x.Date)
		}
		if len(x.Spans) > 6 {
			c.add(path+".spans", "At most 6 times a day.")
		}
		for j, span := range x.Spans {
			if !span.Valid() {
				c.add(fmt.Sprintf("%s.spans[%d]", path, j), "Write a time such as 11:00-15:00.")
			}
		}
	}
	if len(s.Special) > MaxSpecial || len(s.Holidays) > 200 {
		c.add("special_days", "At most %d special days and 200 holidays at a time.", MaxSpecial)
	}
}

func (s *Settings) kitchen(c *checker) {
	if len(s.Prep) == 0 {
		s.Prep = DefaultPrep()
	}
	if len(s.Prep) > MaxPrepRules {
		c.add("prep", "At most %d rules.", MaxPrepRules)
	}
	for i, r := range s.Prep {
		path := fmt.Sprintf("prep[%d]", i)
		c.between(path+".minutes", r.Min, 1, MaxPrep)
		c.between(path+".rush_minutes", r.Rush, 1, MaxPrep)
		last := i == len(s.Prep)-1
		switch {
		case last && r.UpTo != 0:
			c.add(path+".up_to", "The last rule holds for any value: leave its limit out.")
		case !last && (r.UpTo <= 0 || i > 0 && r.UpTo <= s.Prep[i-1].UpTo):
			c.add(path+".up_to", "Give a limit above that of the rule before.")
		}
	}
	c.between("rush_extra", s.RushExtra, 0, MaxPrep)
	c.amount("minimum", s.Minimum)
	c.between("cap_orders", s.CapOrders, 0, 1000)
	if s.CapOrders > 0 && !slices.Contains([]int{5, 10, 15, 20, 30, 60}, s.CapMinutes) {
		c.add("cap_minutes", "Choose 5, 10, 15, 20, 30 or 60 minutes.")
	}
	if !slices.Contains([]int{5, 10, 15, 20, 30, 60}, s.SlotMinutes) {
		c.add("slot_minutes", "Choose 5, 10, 15, 20, 30 or 60 minutes.")
	}
	c.between("days_ahead", s.DaysAhead, 0, MaxDaysAhead)
}

func (s *Settings) zones(c *checker) {
	if len(s.Zones) > MaxZones {
		c.add("zones", "At most %d zones.", MaxZones)
		return
	}
	drawn := 0
	for i := range s.Zones {
		z := &s.Zones[i]
		if drawn += len(z.Area); drawn > MaxDrawing {
			c.add(fmt.Sprintf("zones[%d].area", i), "The zones have too many corners. Draw them simpler.")
			return
		}
		z.Name = text.Clean(z.Name, 60)
		path := fmt.Sprintf("zones[%d]", i)
		c.amount(path+".fee", z.Fee)
		c.amount(path+".minimum", z.Minimum)
		c.amount(path+".free_from", z.FreeFrom)
		hasArea := len(z.Area) > 0 && string(z.Area) != "null"
		switch {
		case !hasArea && z.RadiusM == 0:
			c.add(path+".area", "Draw an area or give a radius.")
		case hasArea && z.RadiusM != 0:
			c.add(path+".radius_m", "Give an area or a radius, not both.")
		case !hasArea:
			if !(z.RadiusM >= 50 && z.RadiusM <= MaxRadiusM) {
				c.add(path+".radius_m", "Choose a radius between 50 m and %d km.", MaxRadiusM/1000)
			}
			z.Area = nil
		default:
			if _, err := geo.ParseArea(z.Area); err != nil {
				bad, ok := errors.AsType[*geo.AreaError](err)
				if !ok {
					c.add(path+".area", "This area can't be read.")
					continue
				}
				c.add(strings.TrimSuffix(path+".area."+bad.Path, "."), "%s.", capitalise(bad.Reason))
			}
		}
	}
}

func (s *Settings) prices(c *checker) {
	zones := map[string]bool{}
	for _, z := range s.Zones {
		zones[z.Name] = true
	}
	*c = append(*c, price.Check(s.Prices, zones, "price_rules")...)
}

func capitalise(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

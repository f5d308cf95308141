package restaurant

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/delivery/restaurant/price"
)

// What the settings forms send, and how it becomes Settings. A form's fields are named after the paths that Normalise complains about, so
// that a complaint lands at its field.

type profileForm struct {
	Name     string  `form:"name"`
	Blurb    string  `form:"blurb"`
	Cuisines string  `form:"cuisines"`
	Phone    string  `form:"phone"`
	Legal    string  `form:"legal_name"`
	TaxID    string  `form:"tax_id"`
	Street   string  `form:"street"`
	City     string  `form:"city"`
	Lat      float64 `form:"lat"`
	Lon      float64 `form:"lon"`
	Photo    string  `form:"photo"`
	Price    int     `form:"price"`
	Zone     string  `form:"time_zone"`
	Active   bool    `form:"active"`
}

func (f profileForm) apply(s *Settings) error {
	s.Legal, s.TaxID = f.Legal, f.TaxID
	s.Name, s.Blurb, s.Phone, s.Street, s.City, s.Photo = f.Name, f.Blurb, f.Phone, f.Street, f.City, f.Photo
	s.Cuisines = strings.Split(f.Cuisines, ",")
	s.Point, s.Price, s.Zone, s.Active = geo.Point{Lat: f.Lat, Lon: f.Lon}, f.Price, f.Zone, f.Active
	return nil
}

type hoursForm struct {
	Hours    string `form:"hours"`
	Pickup   string `form:"pickup_hours"`
	Holidays string `form:"holidays"`
}

func (f hoursForm) apply(s *Settings) error {
	s.Hours, s.Pickup, s.Holidays = f.Hours, f.Pickup, nil
	for _, w := range strings.Fields(strings.ReplaceAll(f.Holidays, ",", " ")) {
		d, err := hours.ParseDate(w)
		if err != nil {
			return errs.InvalidField("holidays", "%.20q is not a date such as 2026-12-25.", w)
		}
		s.Holidays = append(s.Holidays, d)
	}
	return nil
}

type specialForm struct {
	Date   string `form:"date"`
	Spans  string `form:"spans"`
	Reason string `form:"reason"`
}

// special returns the day that the form describes.
func (f specialForm) special() (Special, error) {
	d, err := hours.ParseDate(strings.TrimSpace(f.Date))
	if err != nil {
		return Special{}, errs.InvalidField("date", "Choose a day.")
	}
	out := Special{Date: d, Reason: f.Reason, Spans: []hours.ClockSpan{}}
	for _, w := range strings.Split(f.Spans, ",") {
		if w = strings.TrimSpace(w); w == "" {
			continue
		}
		var span hours.ClockSpan
		if err := span.UnmarshalText([]byte(w)); err != nil {
			return out, errs.InvalidField("spans", "%.20q is not a time such as 11:00-15:00.", w)
		}
		out.Spans = append(out.Spans, span)
	}
	return out, nil
}

type closureForm struct {
	From   string `form:"from"`
	To     string `form:"to"`
	Reason string `form:"reason"`
}

// closure reads the times on the restaurant's clock.
func (f closureForm) closure(loc *time.Location, now time.Time) (Closure, error) {
	x := Closure{From: now, Reason: f.Reason}
	var err error
	if f.From != "" {
		if x.From, err = time.ParseInLocation("2006-01-02T15:04", f.From, loc); err != nil {
			return x, errs.InvalidField("from", "Choose a day and time.")
		}
	}
	if x.To, err = time.ParseInLocation("2006-01-02T15:04", f.To, loc); err != nil {
		return x, errs.InvalidField("to", "Choose a day and time.")
	}
	return x, nil
}

type zoneForm struct {
	Name     string `form:"name"`
	Radius   string `form:"radius_m"`
	Area     string `form:"area"`
	Fee      string `form:"fee"`
	Minimum  string `form:"minimum"`
	FreeFrom string `form:"free_from"`
	Place    int    `form:"place"` // in the order, from 1
}

// zone returns the zone that the form describes; fields of errors are the form's own.
func (f zoneForm) zone(currency string) (Zone, error) {
	z := Zone{Name: text.Clean(f.Name, 60)}
	var c checker
	amount := func(path, s string) money.Amount {
		a, err := ParseMoney(s, currency)
		if err != nil {
			c.add(path, writeAmount, MoneyText(250, currency))
		}
		return a
	}
	z.Fee, z.Minimum, z.FreeFrom = amount("fee", f.Fee), amount("minimum", f.Minimum), amount("free_from", f.FreeFrom)
	if s := strings.TrimSpace(f.Radius); s != "" && f.Area == "" {
		metres, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
		if err != nil {
			c.add("radius_m", "Write the radius in metres.")
		}
		z.RadiusM = metres
	}
	if f.Area != "" {
		if !json.Valid([]byte(f.Area)) {
			c.add("area", "This drawing can't be read. Draw it again.")
		}
		z.Area = json.RawMessage(f.Area)
	}
	return z, errs.InvalidFields(c)
}

// priceForm is the rows of the rules of prices, and what to do with them: "save", or "add", "up:2", "down:2", "remove:2" before that.
type priceForm struct {
	UpTo  []string `form:"up_to"` // kilometres
	Zone  []string `form:"zone"`
	From  []string `form:"from"`
	Hours []string `form:"hours"`
	Fee   []string `form:"fee"`
	PerKm []string `form:"per_km"`
	Do    string   `form:"do"`
}

// rules returns the rules that the form describes, as far as they can be read; rows without a fee are no rules, unless they say more.
func (f priceForm) rules(currency string) ([]price.FeeRule, error) {
	var c checker
	out := []price.FeeRule{}
	for i := range f.Fee {
		if i >= len(f.UpTo) || i >= len(f.Zone) || i >= len(f.From) || i >= len(f.Hours) || i >= len(f.PerKm) {
			break
		}
		path := fmt.Sprintf("price_rules[%d].", len(out))
		amount := func(field, s string) money.Amount {
			a, err := ParseMoney(s, currency)
			if err != nil {
				c.add(path+field, writeAmount, MoneyText(250, currency))
			}
			return a
		}
		r := price.FeeRule{Zone: f.Zone[i], Hours: strings.TrimSpace(f.Hours[i])}
		if s := strings.TrimSpace(f.UpTo[i]); s != "" {
			km, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
			if err != nil || !(km > 0 && km <= price.MaxM/1000) {
				c.add(path+"up_to_m", "Choose a distance of at most %d km.", price.MaxM/1000)
			} else {
				r.UpToM = int(km*1000 + 0.5)
			}
		}
		r.From, r.Fee, r.PerKm = amount("from", f.From[i]), amount("fee", f.Fee[i]), amount("per_km", f.PerKm[i])
		if strings.TrimSpace(f.Fee[i]+f.From[i]+f.PerKm[i]+f.UpTo[i]) == "" && r == (price.FeeRule{}) {
			continue
		}
		out = append(out, r)
	}
	return out, errs.InvalidFields(c)
}

// arranged returns rules after what a button of the form does to them.
func arranged(rules []price.FeeRule, do string) []price.FeeRule {
	verb, place, _ := strings.Cut(do, ":")
	i, err := strconv.Atoi(place)
	if err != nil || i < 0 || i >= len(rules) {
		return rules
	}
	switch {
	case verb == "remove":
		return slices.Delete(rules, i, i+1)
	case verb == "up" && i > 0:
		rules[i-1], rules[i] = rules[i], rules[i-1]
	case verb == "down" && i+1 < len(rules):
		rules[i], rules[i+1] = rules[i+1], rules[i]
	}
	return rules
}

// kmText writes metres as an input shows kilometres; 0 is empty.
func kmText(m int) string {
	if m == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(m)/1000, 'f', -1, 64)
}

type kitchenForm struct {
	UpTo        []string `form:"up_to"`
	Min         []string `form:"minutes"`
	Rush        []string `form:"rush_minutes"`
	Minimum     string   `form:"minimum"`
	Delivers    bool     `form:"delivers"`
	PicksUp     bool     `form:"picks_up"`
	AutoAccept  bool     `form:"auto_accept"`
	CapOrders   int      `form:"cap_orders"`
	CapMinutes  int      `form:"cap_minutes"`
	SlotMinutes int      `form:"slot_minutes"`
	DaysAhead   int      `form:"days_ahead"`
	TaxFood     string   `form:"tax_food"`
	TaxDrink    string   `form:"tax_drink"`
	TaxAlcohol  string   `form:"tax_alcohol"`
	FeeTax      string   `form:"fee_tax"`
}

func (f kitchenForm) apply(s *Settings) error {
	var c checker
	s.Prep = f.rules(s.Currency, &c)
	var err error
	if s.Minimum, err = ParseMoney(f.Minimum, s.Currency); err != nil {
		c.add("minimum", writeAmount, MoneyText(250, s.Currency))
	}
	s.Delivers, s.PicksUp, s.AutoAccept = f.Delivers, f.PicksUp, f.AutoAccept
	s.CapOrders, s.CapMinutes, s.SlotMinutes, s.DaysAhead = f.CapOrders, f.CapMinutes, f.SlotMinutes, f.DaysAhead
	tax := map[string]int{}
	for name, rate := range s.Tax {
		tax[name] = rate
	}
	for _, x := range []struct{ path, name, text string }{{"tax_food", "food", f.TaxFood}, {"tax_drink", "drink", f.TaxDrink}, {"tax_alcohol", "alcohol", f.TaxAlcohol}} {
		tax[x.name] = percent(&c, x.path, x.text)
	}
	s.Tax, s.FeeTax = tax, percent(&c, "fee_tax", f.FeeTax)
	return errs.InvalidFields(c)
}

// rules reads the rows of preparation times that were filled in; the limit of the last is left out.
func (f kitchenForm) rules(currency string, c *checker) []PrepRule {
	var out []PrepRule
	for i := range f.Min {
		if strings.TrimSpace(f.Min[i]) == "" || i >= len(f.Rush) || i >= len(f.UpTo) {
			continue
		}
		path := fmt.Sprintf("prep[%d]", len(out))
		var r PrepRule
		var err error
		if r.Min, err = strconv.Atoi(strings.TrimSpace(f.Min[i])); err != nil {
			c.add(path+".minutes", "Write whole minutes.")
		}
		if r.Rush, err = strconv.Atoi(strings.TrimSpace(f.Rush[i])); err != nil {
			r.Rush = 2 * r.Min
		}
		if r.UpTo, err = ParseMoney(f.UpTo[i], currency); err != nil {
			c.add(path+".up_to", writeAmount, MoneyText(250, currency))
		}
		out = append(out, r)
	}
	if len(out) > 0 {
		out[len(out)-1].UpTo = 0
	}
	return out
}

// percent reads "7" or "19,5" as basis points.
func percent(c *checker, path, s string) int {
	rate, ok := ParsePercent(s)
	if !ok {
		c.add(path, "Write a percentage such as 7 or 19.")
	}
	return rate
}

// ParsePercent reads "7" or "19,5" as basis points; false for anything else.
func ParsePercent(s string) (int, bool) {
	v, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(s), ",", ".", 1), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return 0, false
	}
	return int(v*100 + 0.5), true
}

// PercentText writes basis points as an input shows a percentage.
func PercentText(rate int) string { return strconv.FormatFloat(float64(rate)/100, 'f', -1, 64) }

// writeAmount is what is said to who writes something else.
var writeAmount = i18n.Key("Write an amount such as %s.")

// ParseMoney reads "2.50", "2,5" or "3" as an amount of a currency; empty is 0. It returns an error for anything else.
func ParseMoney(s, currency string) (money.Amount, error) {
	s = strings.Replace(strings.TrimSpace(s), ",", ".", 1)
	if s == "" {
		return 0, nil
	}
	whole, fraction, _ := strings.Cut(s, ".")
	dec := money.Decimals(currency)
	if len(whole) > 7 || len(fraction) > dec || strings.Trim(whole+fraction, "0123456789") != "" || whole+fraction == "" {
		return 0, fmt.Errorf("restaurant: %.20q is no amount", s)
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", dec-len(fraction)), 10, 64)
	return n, err
}

// MoneyText writes an amount as an input shows it; 0 is empty.
func MoneyText(a money.Amount, currency string) string {
	if a == 0 {
		return ""
	}
	dec := money.Decimals(currency)
	digits := strconv.FormatInt(a, 10)
	for len(digits) <= dec {
		digits = "0" + digits
	}
	if dec == 0 {
		return digits
	}
	return digits[:len(digits)-dec] + "." + digits[len(digits)-dec:]
}

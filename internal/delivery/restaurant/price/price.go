// Package price holds the rules by which a restaurant prices a delivery: by distance, zone, value of the food and time. They are asked in
// their order and the first that holds counts.
package price

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/money"
)

// Limits of one restaurant's rules.
const (
	MaxRules  = 20
	MaxM      = 50_000 // metres
	MaxHours  = 200    // bytes of an opening_hours text
	maxAmount = 100_000_00
)

// FeeRule says what a delivery costs when all of its conditions hold. Conditions left out hold always.
type FeeRule struct {
	UpToM int          `json:"up_to_m,omitempty" doc:"Metres to the door, as the crow flies, up to which it holds; 0: any."`
	Zone  string       `json:"zone,omitempty" maxLength:"60" doc:"Name of the delivery zone in which it holds; empty: any."`
	From  money.Amount `json:"from,omitempty" doc:"Value of food from which it holds; 0: any."`
	Hours string       `json:"hours,omitempty" maxLength:"200" doc:"When it holds, in OSM opening_hours syntax; empty: always."`
	Fee   money.Amount `json:"fee" doc:"What it costs."`
	PerKm money.Amount `json:"per_km,omitempty" doc:"Added for each kilometre begun."`
}

// Check returns what is wrong with rules for a restaurant with those zones, field by field below path ("price_rules").
func Check(rules []FeeRule, zones map[string]bool, path string) (wrong []errs.Field) {
	add := func(i int, field, format string, args ...any) {
		wrong = append(wrong, errs.FieldOf(fmt.Sprintf("%s[%d].%s", path, i, field), format, args...))
	}
	if len(rules) > MaxRules {
		return []errs.Field{errs.FieldOf(path, "At most %d rules.", MaxRules)}
	}
	for i, r := range rules {
		if r.UpToM < 0 || r.UpToM > MaxM {
			add(i, "up_to_m", i18n.Key("Choose a distance of at most %d km."), MaxM/1000)
		}
		if r.Zone != "" && !zones[r.Zone] {
			add(i, "zone", i18n.Key("There is no zone of that name."))
		}
		for _, x := range []struct {
			field string
			v     money.Amount
		}{{"from", r.From}, {"fee", r.Fee}, {"per_km", r.PerKm}} {
			if x.v < 0 || x.v > maxAmount {
				add(i, x.field, i18n.Key("Choose an amount between 0 and 100,000."))
			}
		}
		if _, err := parse(r.Hours); err != nil {
			add(i, "hours", i18n.Key("Write times such as Mo-Fr 18:00-22:00."))
		}
	}
	return wrong
}

func parse(text string) (*hours.Schedule, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil //nolint:nilnil // no condition is a condition, too
	}
	if len(text) > MaxHours {
		return nil, fmt.Errorf("price: hours of %d bytes", len(text))
	}
	var s hours.Schedule
	if err := s.UnmarshalText([]byte(strings.TrimSpace(text))); err != nil {
		return nil, fmt.Errorf("price: hours: %w", err)
	}
	return &s, nil
}

// Rules are rules ready for computing. They never change and may be shared.
type Rules struct {
	list []rule
	opt  hours.Options
}

type rule struct {
	FeeRule
	when *hours.Schedule
}

// Compile makes rules that Check has accepted ready. opt says in which zone and on which holidays their hours are.
func Compile(list []FeeRule, opt hours.Options) (Rules, error) {
	out := Rules{opt: hours.Options{Loc: opt.Loc, Holiday: opt.Holiday}} // closures and special days are not of the price
	for _, r := range list {
		when, err := parse(r.Hours)
		if err != nil {
			return Rules{}, err
		}
		out.list = append(out.list, rule{r, when})
	}
	return out, nil
}

// Ask is a delivery to be priced.
type Ask struct {
	DistM float64
	Zone  string
	Food  money.Amount
	At    time.Time // when it is to be brought, or now
}

// Fee returns what the first rule that holds says, and false where none does.
func (r *Rules) Fee(a Ask) (money.Amount, bool) {
	for i := range r.list {
		x := &r.list[i]
		if x.UpToM > 0 && a.DistM > float64(x.UpToM) || x.Zone != "" && x.Zone != a.Zone || a.Food < x.From || x.when != nil && !x.when.OpenAt(a.At, r.opt) {
			continue
		}
		return x.Fee + x.PerKm*kmBegun(a.DistM), true
	}
	return 0, false
}

func kmBegun(distM float64) int64 {
	if !(distM > 0) { // written so that NaN is none
		return 0
	}
	return (int64(math.Ceil(min(distM, 10*MaxM))) + 999) / 1000
}

// Values returns the values of food from which on a rule holds: where the price of a delivery can fall.
func (r *Rules) Values() (out []money.Amount) {
	for i := range r.list {
		if v := r.list[i].From; v > 0 {
			out = append(out, v)
		}
	}
	return out
}

// None reports whether there are no rules.
func (r *Rules) None() bool { return len(r.list) == 0 }

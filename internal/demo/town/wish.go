package town

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Demand returns how many orders an hour the town places at a moment, on average: peaks at lunch and dinner, more from
// Friday to Sunday, hardly anything at night.
func (t *Town) Demand(at time.Time) float64 {
	at = at.In(t.Location)
	hour := float64(at.Hour()) + float64(at.Minute())/60
	if hour < 4 {
		hour += 24 // the small hours belong to the evening before
		at = at.AddDate(0, 0, -1)
	}
	bump := func(mid, width float64) float64 { return math.Exp(-(hour - mid) * (hour - mid) / (2 * width * width)) }
	perHour := 0.4 + 5*bump(8.8, 0.9) + 30*bump(12.6, 0.85) + 7*bump(15.5, 1.3) + 44*bump(19.2, 1.35) + 7*bump(22.3, 1.3)
	switch at.Weekday() {
	case time.Friday:
		perHour *= 1.25
	case time.Saturday:
		perHour *= 1.35
	case time.Sunday:
		perHour *= 1.2
	case time.Monday:
		perHour *= 0.85
	}
	return perHour
}

// NextOrder returns what some neighbour wants to order at a moment: somebody who is hungry then, from a restaurant that is
// open, delivers to them and cooks what they eat. It is not ok when nobody finds anything, as in the middle of the night.
// How long to wait before the next one is the caller's business: see Demand.
func (t *Town) NextOrder(r *rand.Rand, at time.Time) (w Wish, ok bool) {
	at = at.In(t.Location)
	for range 12 {
		who := t.hungry(r, at)
		if w, ok := t.WishOf(r, who, at); ok {
			return w, true
		}
	}
	return Wish{}, false
}

// hungry draws a neighbour by their habits at this hour.
func (t *Town) hungry(r *rand.Rand, at time.Time) int {
	h, total := at.Hour(), 0.0
	for i := range t.Neighbours {
		total += t.Neighbours[i].Taste.Hours[h]*t.Neighbours[i].Taste.PerWeek + 0.001
	}
	x := r.Float64() * total
	for i := range t.Neighbours {
		if x -= t.Neighbours[i].Taste.Hours[h]*t.Neighbours[i].Taste.PerWeek + 0.001; x < 0 {
			return i
		}
	}
	return len(t.Neighbours) - 1
}

// WishOf returns what one neighbour would order at a moment; it is not ok when they find nothing.
func (t *Town) WishOf(r *rand.Rand, neighbour int, at time.Time) (w Wish, ok bool) {
	at = at.In(t.Location)
	p := &t.Neighbours[neighbour]
	w = Wish{Neighbour: neighbour, Pickup: r.Float64() < p.Taste.Pickup}
	if r.Float64() < 0.07 {
		w.Slot = at.Truncate(15 * time.Minute).Add(time.Duration(4+r.IntN(8)) * 15 * time.Minute)
	}
	when := at
	if !w.Slot.IsZero() {
		when = w.Slot
	}
	w.Restaurant, ok = t.choose(r, p, when, w.Pickup)
	if !ok {
		return Wish{}, false
	}
	re := &t.Restaurants[w.Restaurant]
	subtotal := t.fill(r, &w, re, p, when)
	if len(w.Lines) == 0 || subtotal < re.minimum(p.Home.Point, w.Pickup) {
		return Wish{}, false
	}
	t.talk(r, &w)
	if p.Taste.Tip > 0 && (!w.Pickup || r.Float64() < 0.3) {
		w.Tip = (subtotal*int64(p.Taste.Tip)/100 + 25) / 50 * 50
	}
	return w, true
}

// choose draws a restaurant: liked cuisines first, fair prices and short ways preferred.
func (t *Town) choose(r *rand.Rand, p *Person, when time.Time, pickup bool) (int, bool) {
	weights, total := make([]float64, len(t.Restaurants)), 0.0
	for i := range t.Restaurants {
		re := &t.Restaurants[i]
		distM := plane(p.Home.Point).dist(plane(re.Address.Point))
		if !openAt(re.Hours, when) || !openAt(re.Hours, when.Add(25*time.Minute)) || pickup && distM > 1400 {
			continue
		}
		if _, reaches := re.zone(p.Home.Point); !pickup && !reaches {
			continue
		}
		liking := 0.0
		for _, c := range re.Cuisines {
			for _, l := range p.Taste.Cuisines {
				if l.Cuisine == c {
					liking = max(liking, l.Weight)
				}
			}
		}
		dear := math.Exp(-max(0, float64(re.PriceLevel)*700-float64(p.Taste.Budget)) / 500)
		w := math.Pow(liking, 2-p.Taste.Adventurous) * dear * math.Exp(-distM/1500)
		weights[i], total = w, total+w
	}
	if total == 0 {
		return 0, false
	}
	x := r.Float64() * total
	for i, w := range weights {
		if x -= w; x < 0 {
			return i, true
		}
	}
	return 0, false
}

// zone returns the first delivery zone that holds a point.
func (re *Restaurant) zone(p LatLon) (Zone, bool) {
	at := plane(p)
	for _, z := range re.Zones {
		if len(z.Polygon) > 0 {
			var g ring
			for _, q := range z.Polygon {
				g = append(g, plane(q))
			}
			if g.contains(at) {
				return z, true
			}
		} else if at.dist(plane(re.Address.Point)) < z.RadiusM*0.995 {
			return z, true
		}
	}
	return Zone{}, false
}

func (re *Restaurant) minimum(home LatLon, pickup bool) int64 {
	if pickup {
		return 0
	}
	z, _ := re.zone(home)
	return max(re.MinOrder, z.MinOrder)
}

// candidate is a dish that a neighbour might order, with how much they want it.
type candidate struct {
	section, item int
	weight        float64
}

// fill puts dishes into the wish until everybody at the table has one and the minimum is met; it returns their price.
func (t *Town) fill(r *rand.Rand, w *Wish, re *Restaurant, p *Person, when time.Time) int64 {
	var dishes, extras []candidate
	for s, sec := range re.Menu {
		if sec.Hours != "" && !openAt(sec.Hours, when) {
			continue
		}
		for i, it := range sec.Items {
			if p.Taste.Diet != "" && it.Tax != "alcohol" && it.Tax != "drink" && !slices.Contains(it.Diets, p.Taste.Diet) || p.Taste.Diet == "halal" && it.Tax == "alcohol" {
				continue
			}
			full := price(it, nil)
			c := candidate{s, i, math.Exp(-math.Abs(float64(full-p.Taste.Budget)) / 500)}
			if it.Tax == "food" && full >= 650 {
				dishes = append(dishes, c)
			} else {
				c.weight = 1
				extras = append(extras, c)
			}
		}
	}
	if len(dishes) == 0 {
		dishes = extras
	}
	if len(dishes) == 0 {
		return 0
	}
	total, portions := int64(0), max(1, int(p.Taste.Appetite+r.Float64()*0.9))
	least := re.minimum(p.Home.Point, w.Pickup)
	add := func(from []candidate) {
		c := prefer(r, from, p.Handle, p.Taste.Adventurous)
		it := re.Menu[c.section].Items[c.item]
		total += w.add(WishLine{Section: c.section, Item: c.item, Qty: 1, Options: options(r, it, p.Taste.Diet)}, it)
	}
	for range portions {
		add(dishes)
		if len(extras) > 0 && r.Float64() < 0.45 {
			add(extras)
		}
	}
	for range 5 {
		if total >= least {
			break
		}
		if len(extras) > 0 && r.Float64() < 0.6 {
			add(extras)
		} else {
			add(dishes)
		}
	}
	return total
}

// prefer picks a dish; creatures of habit come back to the few that they have always had.
func prefer(r *rand.Rand, from []candidate, handle string, adventurous float64) candidate {
	habit := source(int64(len(from)), handle)
	total := 0.0
	weights := make([]float64, len(from))
	for i, c := range from {
		usual := habit.ExpFloat64()
		weights[i] = c.weight * math.Pow(usual+0.05, 2*(1-adventurous))
		total += weights[i]
	}
	x := r.Float64() * total
	for i := range from {
		if x -= weights[i]; x < 0 {
			return from[i]
		}
	}
	return from[len(from)-1]
}

// add puts a line into the wish, on top of an equal one if there is one, and returns its price.
func (w *Wish) add(l WishLine, it Item) int64 {
	for i := range w.Lines {
		o := &w.Lines[i]
		if o.Section == l.Section && o.Item == l.Item && slices.EqualFunc(o.Options, l.Options, slices.Equal[[]int]) {
			o.Qty++
			return price(it, l.Options)
		}
	}
	w.Lines = append(w.Lines, l)
	return price(it, l.Options)
}

// options chooses within what each group asks for and what the diet allows.
func options(r *rand.Rand, it Item, diet string) [][]int {
	var out [][]int
	for _, g := range it.Options {
		n := g.Min
		for n < g.Max && r.Float64() < 0.3 {
			n++
		}
		var chosen []int
		for _, o := range r.Perm(len(g.Options)) {
			if suits(g.Options[o].Name, diet) {
				chosen = append(chosen, o)
			}
		}
		for o := 0; len(chosen) < g.Min; o++ { // something must be chosen, and nothing suits
			if !slices.Contains(chosen, o) {
				chosen = append(chosen, o)
			}
		}
		chosen = chosen[:min(n, len(chosen))]
		if g.Min == 1 && g.Max == 1 && r.Float64() < 0.5 && suits(g.Options[0].Name, diet) {
			chosen = []int{0} // most people take the first
		}
		slices.Sort(chosen)
		out = append(out, chosen)
	}
	return out
}

// suits reports whether somebody on a diet takes an option, by the ingredients in its name.
func suits(option, diet string) bool {
	for _, f := range know(option) {
		switch {
		case diet == "vegan" && f.nature != 'p', diet == "vegetarian" && (f.nature == 'f' || f.nature == 'x'), diet == "halal" && f.nature == 'x',
			diet == "lactose_free" && strings.Contains(f.allergens, "M") && !strings.HasPrefix(option, "Lactose"),
			diet == "gluten_free" && strings.Contains(f.allergens, "G") && !strings.HasPrefix(option, "Gluten"):
			return false
		}
	}
	return true
}

// price is what one portion costs with the options chosen; with nil it is the least it can cost.
func price(it Item, chosen [][]int) int64 {
	total := it.Price
	for i, g := range it.Options {
		var prices []int64
		if chosen != nil {
			for _, o := range chosen[i] {
				prices = append(prices, g.Options[o].Price)
			}
		} else {
			for _, o := range g.Options {
				prices = append(prices, o.Price)
			}
			slices.Sort(prices)
			prices = prices[:g.Min]
		}
		total += combine(g.Rule, prices)
	}
	return total
}

func combine(rule string, prices []int64) int64 {
	sum, most := int64(0), int64(0)
	for _, p := range prices {
		sum, most = sum+p, max(most, p)
	}
	switch {
	case rule == "MAX":
		return most
	case rule == "AVG" && len(prices) > 0:
		return sum / int64(len(prices))
	}
	return sum
}

// talk adds what people write.
func (t *Town) talk(r *rand.Rand, w *Wish) {
	if r.Float64() < 0.12 {
		w.KitchenNote = pick(r, []string{
			"No onions, please.", "Extra napkins would be lovely.", "Not too much salt, please.", "It is for a birthday!", "Sauce on the side, please.",
			"Please cut it into small pieces for the children.", "As last time, it was perfect.", "Without cutlery, thank you.", "A little more garlic is fine.",
		})
	}
	if !w.Pickup && r.Float64() < 0.15 {
		w.CourierNote = pick(r, []string{
			"The bell is broken, please call.", "Please do not ring, the baby sleeps.", "I will come down.", "Leave it on the bench by the door, please.",
			"Second courtyard on the left.", "Beware of the goose. She is friendly.", "The light in the stairs is out, mind the step.",
		})
	}
}

var weekdays = []string{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"}

// openAt understands the part of OSM opening_hours that the town's own data uses: rules of days and times; later rules
// replace earlier ones for their days, times past midnight belong to the day on which they began, and "off" closes a day.
func openAt(hours string, at time.Time) bool {
	minute := at.Hour()*60 + at.Minute()
	for _, span := range spansOf(hours, at.Weekday()) {
		if minute >= span[0] && minute < span[1] {
			return true
		}
	}
	for _, span := range spansOf(hours, (at.Weekday()+6)%7) {
		if minute+1440 < span[1] {
			return true
		}
	}
	return false
}

// spansOf lists a weekday's opening times in minutes after midnight; the second may be beyond 1440.
func spansOf(hours string, day time.Weekday) [][2]int {
	var out [][2]int
	for rule := range strings.SplitSeq(hours, ";") {
		days, times, _ := strings.Cut(strings.TrimSpace(rule), " ")
		if !onDay(days, day) {
			continue
		}
		out = nil
		for span := range strings.SplitSeq(times, ",") {
			if from, to, ok := strings.Cut(strings.TrimSpace(span), "-"); ok {
				a, b := minutes(from), minutes(to)
				if b <= a {
					b += 1440
				}
				out = append(out, [2]int{a, b})
			}
		}
	}
	return out
}

func onDay(days string, day time.Weekday) bool {
	for part := range strings.SplitSeq(days, ",") {
		from, to, _ := strings.Cut(part, "-")
		a := slices.Index(weekdays, from)
		b := a
		if to != "" {
			b = slices.Index(weekdays, to)
		}
		if (int(day)-a+7)%7 <= (b-a+7)%7 {
			return true
		}
	}
	return false
}

func minutes(clock string) int {
	h, m, _ := strings.Cut(clock, ":")
	hour, _ := strconv.Atoi(h)
	minute, _ := strconv.Atoi(m)
	return hour*60 + minute
}

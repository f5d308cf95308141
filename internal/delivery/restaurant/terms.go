package restaurant

import (
	"fmt"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// What a ride takes: handing over at the counter, streets that are longer than the crow flies, a bicycle in traffic, stairs.
const (
	handover    = 3 * time.Minute
	atDoor      = 3 * time.Minute
	detour      = 1.3
	speedMPerS  = 4.5
	promiseStep = 5 * time.Minute
	slack       = 10 * time.Minute // how much later than expected the promise ends, at least
)

// longestPrep stands for a value of food that is not known: the rule that takes longest counts.
const longestPrep money.Amount = -1

// Ask is what somebody wants to know of a restaurant. At nil: as soon as possible. Food 0: not known yet.
type Ask struct {
	Mode delivery.Mode
	To   *geo.Point
	At   *time.Time
	Food money.Amount
}

// Taken returns how many orders a capacity window has; nil stands for none anywhere.
type Taken func(window time.Time) int

// Terms computes what the restaurant offers at now. It reports every reason against the order as a problem, but for a value of food below
// the minimum, which is for whoever knows the cart to say. It never moves a wanted time.
func (c *Compiled) Terms(now time.Time, a Ask, taken Taken) delivery.Terms {
	var t delivery.Terms
	travel, ok := c.reach(now, a, &t)
	if !ok {
		return t
	}
	if a.At != nil {
		c.wantedTerms(now, a, travel, taken, &t)
	} else {
		c.soonTerms(now, a, travel, taken, &t)
	}
	return t
}

// reach fills in what depends on the place, the value and the time and returns the way from the kitchen to the customer.
func (c *Compiled) reach(now time.Time, a Ask, t *delivery.Terms) (travel time.Duration, ok bool) {
	s := &c.Settings
	if !s.Active {
		t.Problems = []delivery.Problem{delivery.NewProblem("closed", "", "This restaurant takes no orders at present.")}
		return 0, false
	}
	if a.Mode == delivery.Pickup {
		if !s.PicksUp {
			t.Problems = []delivery.Problem{delivery.NewProblem("no_pickup", "mode", "Nothing can be collected here.")}
			return 0, false
		}
		return 0, true
	}
	switch {
	case !s.Delivers:
		t.Problems = []delivery.Problem{delivery.NewProblem("no_delivery", "mode", "This restaurant does not deliver.")}
		return 0, false
	case a.To == nil || !a.To.Valid():
		t.Problems = []delivery.Problem{delivery.NewProblem("address_missing", "to", "Say where it should go.")}
		return 0, false
	}
	t.DistM = geo.FastDistanceM(s.Point, *a.To)
	z := c.zoneFor(*a.To, t.DistM)
	if z == nil {
		t.Problems = []delivery.Problem{delivery.NewProblem("outside_zone", "to.point", "This restaurant does not deliver to that address.")}
		return 0, false
	}
	if a.At != nil {
		now = *a.At
	}
	t.Minimum, t.Fee = z.minimum, c.fee(z, t.DistM, a.Food, now)
	return ride(t.DistM), true
}

// ride is the time from the kitchen's counter into the customer's hands.
func ride(distM float64) time.Duration {
	return handover + time.Duration(distM*detour/speedMPerS*float64(time.Second)) + atDoor
}

// soonTerms is for "as soon as possible".
func (c *Compiled) soonTerms(now time.Time, a Ask, travel time.Duration, taken Taken, t *delivery.Terms) {
	s, side := &c.Settings, c.side(a.Mode)
	present := side.at(now)
	t.Prep = c.prep(now, a.Food)
	switch {
	case !present.open:
		t.OpensAt = c.opensAt(side, present)
		t.Problems = append(t.Problems, c.closed(now, t.OpensAt))
		return
	case s.PausedUntil.After(now):
		t.OpensAt = side.nextOpen(s.PausedUntil)
		t.Problems = append(t.Problems, delivery.NewProblem("paused", "at", "The kitchen takes no new orders until %s.", c.clockAt(now, t.OpensAt)))
		return
	}
	t.ReadyAt = now.Add(t.Prep)
	if s.CapOrders > 0 {
		ready, ok := c.room(t.ReadyAt, taken)
		// The kitchen still cooks what it took before closing, but is not kept there for a queue.
		if !ok || !present.last && ready.After(present.to.Add(t.Prep)) {
			t.Problems = append(t.Problems, delivery.NewProblem("slot_full", "at", "The kitchen has as many orders as it can cook for now."))
			return
		}
		t.ReadyAt, t.Cap = ready, capKey(c.window(ready))
	}
	t.From, t.To = promise(t.ReadyAt, travel)
}

// opensAt returns when orders are taken after a closed stretch, zero where that is not known. A pause can outlast it.
func (c *Compiled) opensAt(side *side, closed *stretch) time.Time {
	switch {
	case closed.last:
		return time.Time{}
	case c.Settings.PausedUntil.After(closed.to):
		return side.nextOpen(c.Settings.PausedUntil)
	}
	return closed.to
}

// wantedTerms is for a time that the customer chose.
func (c *Compiled) wantedTerms(now time.Time, a Ask, travel time.Duration, taken Taken, t *delivery.Terms) {
	at := *a.At
	ready, prep, why := c.wanted(now, c.side(a.Mode), at, travel, a.Food)
	t.Prep = prep
	if why != "" {
		if opens := c.side(a.Mode).nextOpen(now); opens.After(now) {
			t.OpensAt = opens
		}
		t.Problems = append(t.Problems, delivery.Problem{Code: "slot_gone", Path: "at", Message: why})
		return
	}
	if c.Settings.CapOrders > 0 {
		w := c.window(ready)
		if taken != nil && taken(w) >= c.Settings.CapOrders {
			t.Problems = append(t.Problems, delivery.NewProblem("slot_full", "at", "The kitchen is full at that time. Choose another."))
			return
		}
		t.Cap = capKey(w)
	}
	t.ReadyAt, t.From, t.To = ready, at, at.Add(c.slot())
}

// wanted returns when the kitchen must be ready for the slot that starts at at, and how long it takes; why is a sentence where that slot
// does not exist, or no longer.
func (c *Compiled) wanted(now time.Time, side *side, at time.Time, travel time.Duration, food money.Amount) (ready time.Time, prep time.Duration, why string) {
	ready = at.Add(-travel)
	prep = c.prep(ready.Add(-c.normalPrep(food)), food)
	begin := ready.Add(-prep)
	switch {
	case begin.Before(now):
		return ready, prep, i18n.Key("It is too late for that time. Choose a later one.")
	case at.Second() != 0 || at.Nanosecond() != 0 || !c.aligned(at):
		return ready, prep, i18n.Key("There is no such time to choose. Pick one from the list.")
	case daysBetween(now, at, c.loc) > c.Settings.DaysAhead:
		return ready, prep, i18n.Key("That is further ahead than this restaurant takes orders.")
	case begin.Before(c.Settings.PausedUntil):
		return ready, prep, i18n.Key("The kitchen takes no orders for that time. Choose a later one.")
	case !side.openFor(begin, ready):
		return ready, prep, i18n.Key("The kitchen is closed at that time. Choose another.")
	}
	return ready, prep, ""
}

// openFor reports whether the kitchen works all the time from begin to ready.
func (s *side) openFor(begin, ready time.Time) bool {
	if !s.sched.OpenAt(begin, s.opt) {
		return false
	}
	change, _, ok := s.sched.NextChange(begin, s.opt)
	return !ok || !change.Before(ready)
}

// SlotState is a slot and whether the kitchen is full at that time.
type SlotState struct {
	delivery.Slot
	Full bool `json:"full"`
}

// Slots returns the times that can be chosen between from and to, with those at which the kitchen is full marked. They hold for an order of
// any value: the longest preparation counts. It returns none where the place can't be served at all.
func (c *Compiled) Slots(now time.Time, a Ask, from, to time.Time, taken Taken) []SlotState {
	var t delivery.Terms
	travel, ok := c.reach(now, a, &t)
	if !ok {
		return []SlotState{}
	}
	out := []SlotState{}
	side := c.side(a.Mode)
	if from.Before(now) {
		from = now
	}
	if end := now.AddDate(0, 0, c.Settings.DaysAhead+1); to.After(end) {
		to = end
	}
	for _, span := range side.sched.Spans(from, to, side.opt) {
		for at := c.alignUp(span.From); !at.After(span.To.Add(travel)); at = c.alignUp(at.Add(c.slot())) {
			ready, _, why := c.wanted(now, side, at, travel, longestPrep)
			if why != "" || !ready.Before(span.To) && !ready.Equal(span.To) {
				continue
			}
			full := c.Settings.CapOrders > 0 && taken != nil && taken(c.window(ready)) >= c.Settings.CapOrders
			out = append(out, SlotState{delivery.Slot{From: at, To: at.Add(c.slot())}, full})
		}
	}
	return out
}

func (c *Compiled) slot() time.Duration { return time.Duration(c.Settings.SlotMinutes) * time.Minute }

// aligned reports whether a slot starts at t: on the wall clock of the restaurant, so that people read round times in every zone.
func (c *Compiled) aligned(t time.Time) bool {
	h, m, _ := t.In(c.loc).Clock()
	return (h*60+m)%c.Settings.SlotMinutes == 0
}

// alignUp returns the first slot start at or after t.
func (c *Compiled) alignUp(t time.Time) time.Time {
	up := t.Truncate(time.Minute)
	if up.Before(t) {
		up = up.Add(time.Minute)
	}
	// Again after each step: a change of clocks in between can shift the grid.
	for range 4 {
		h, m, _ := up.In(c.loc).Clock()
		rest := (h*60 + m) % c.Settings.SlotMinutes
		if rest == 0 {
			break
		}
		up = up.Add(time.Duration(c.Settings.SlotMinutes-rest) * time.Minute)
	}
	return up
}

// daysBetween counts midnights in loc.
func daysBetween(a, b time.Time, loc *time.Location) int {
	y, m, d := a.In(loc).Date()
	y2, m2, d2 := b.In(loc).Date()
	return int(time.Date(y2, m2, d2, 0, 0, 0, 0, time.UTC).Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
}

// rule returns the minutes for a value of food, normal and in rush.
func (c *Compiled) rule(food money.Amount) (normal, rush int) {
	for _, r := range c.Settings.Prep {
		if food == longestPrep {
			normal, rush = max(normal, r.Min), max(rush, r.Rush)
			continue
		}
		normal, rush = r.Min, r.Rush
		if r.UpTo == 0 || food <= r.UpTo {
			break
		}
	}
	if c.Settings.RushExtra > 0 {
		rush = normal + c.Settings.RushExtra
	}
	return normal, rush
}

func (c *Compiled) normalPrep(food money.Amount) time.Duration {
	normal, _ := c.rule(food)
	return time.Duration(normal) * time.Minute
}

// prep returns how long the kitchen takes for food that it begins at begin.
func (c *Compiled) prep(begin time.Time, food money.Amount) time.Duration {
	normal, rush := c.rule(food)
	if begin.Before(c.Settings.RushUntil) {
		return time.Duration(rush) * time.Minute
	}
	return time.Duration(normal) * time.Minute
}

// window returns the start of the capacity window that t lies in.
func (c *Compiled) window(t time.Time) time.Time {
	return t.Truncate(time.Duration(c.Settings.CapMinutes) * time.Minute)
}

// room returns ready, or the start of the first later window that is not full; false where none is within a day.
func (c *Compiled) room(ready time.Time, taken Taken) (time.Time, bool) {
	if taken == nil {
		return ready, true
	}
	w := c.window(ready)
	for end := ready.Add(24 * time.Hour); w.Before(end); w = w.Add(time.Duration(c.Settings.CapMinutes) * time.Minute) {
		if taken(w) < c.Settings.CapOrders {
			if w.After(ready) {
				return w, true
			}
			return ready, true
		}
	}
	return time.Time{}, false
}

// capKey names a capacity window, parseCap reads the name.
func capKey(w time.Time) string { return strconv.FormatInt(w.Unix(), 10) }

func parseCap(s string) (int64, error) {
	w, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("restaurant: capacity window %q: %w", s, err)
	}
	return w, nil
}

// promise returns between which times the food is in the customer's hands: rounded to five minutes, ten to fifteen wide.
func promise(ready time.Time, travel time.Duration) (from, to time.Time) {
	if travel == 0 { // collected: not before it is ready
		from = ready.Add(promiseStep - 1).Truncate(promiseStep)
		return from, from.Add(slack)
	}
	from = ready.Add(travel).Truncate(promiseStep)
	return from, from.Add(slack + promiseStep)
}

// Listing returns what a list shows of the restaurant, and whether it serves the place at all in that mode.
func (c *Compiled) Listing(now time.Time, q delivery.NearQuery) (delivery.Listing, bool) {
	s := &c.Settings
	l := delivery.Listing{Card: c.Card}
	var travel time.Duration
	food := money.Amount(0)
	if q.To != nil {
		l.DistM = geo.FastDistanceM(s.Point, *q.To)
	}
	switch q.Mode {
	case "":
	case delivery.Pickup:
		if !s.PicksUp {
			return l, false
		}
	default:
		if !s.Delivers || q.To == nil {
			return l, false
		}
		z := c.zoneFor(*q.To, l.DistM)
		if z == nil {
			return l, false
		}
		at := now
		if q.At != nil {
			at = *q.At
		}
		l.Fee, l.Free, l.Minimum, food = c.fee(z, l.DistM, z.minimum, at), c.freeFrom(z, l.DistM, at), z.minimum, z.minimum
		travel = ride(l.DistM)
	}
	if q.At != nil {
		c.listLater(now, *q.At, travel, food, c.side(q.Mode), &l)
	} else {
		c.listNow(now, travel, food, c.side(q.Mode), &l)
	}
	return l, true
}

func (c *Compiled) listNow(now time.Time, travel time.Duration, food money.Amount, side *side, l *delivery.Listing) {
	s := &c.Settings
	present := side.at(now)
	switch {
	case !present.open:
		l.OpensAt = c.opensAt(side, present)
		return
	case s.PausedUntil.After(now):
		l.Paused, l.OpensAt = true, side.nextOpen(s.PausedUntil)
		return
	}
	ready := now.Add(c.prep(now, food))
	if s.CapOrders > 0 {
		if counts := c.counts.Load(); counts != nil {
			if moved, ok := c.room(ready, func(w time.Time) int { return (*counts)[w.Unix()] }); ok {
				ready = moved
			}
		}
	}
	l.Open, l.Rush = true, s.RushUntil.After(now)
	if !present.last {
		l.Closes = present.to
	}
	const step = int(promiseStep / time.Minute)
	wait := int(ready.Add(travel).Sub(now) / time.Minute)
	l.MinIn = wait / step * step
	l.MaxIn = l.MinIn + int((slack+promiseStep)/time.Minute)
}

// listLater answers for a time ahead, which need not be the start of a slot: people ask for "about seven".
func (c *Compiled) listLater(now, at time.Time, travel time.Duration, food money.Amount, side *side, l *delivery.Listing) {
	ready := at.Add(-travel)
	begin := ready.Add(-c.prep(ready.Add(-c.normalPrep(food)), food))
	switch {
	case begin.Before(now) || begin.Before(c.Settings.PausedUntil) || daysBetween(now, at, c.loc) > c.Settings.DaysAhead || !side.openFor(begin, ready):
		l.OpensAt = side.nextOpen(at)
		if l.OpensAt.Equal(at) {
			l.OpensAt = time.Time{}
		}
		return
	}
	l.Open = true
	l.MinIn = int(at.Sub(now) / time.Minute)
	l.MaxIn = l.MinIn + c.Settings.SlotMinutes
}

// clockAt is a time as the restaurant's clock shows it, with the day where that is not today.
func (c *Compiled) clockAt(now, t time.Time) i18n.Phrase {
	if t.IsZero() {
		return i18n.P("further notice")
	}
	t = t.In(c.loc)
	clock := t.Format("15:04")
	switch days := daysBetween(now, t, c.loc); {
	case days == 0:
		return i18n.P("%s", clock)
	case days < 7:
		return i18n.P("%s %s", i18n.Weekday(t.Weekday()), clock)
	}
	return i18n.P("%d %s %s", t.Day(), i18n.Month(t.Month()), clock)
}

func (c *Compiled) closed(now, opens time.Time) delivery.Problem {
	reason := ""
	for _, x := range c.Settings.Closures {
		if !now.Before(x.From) && now.Before(x.To) && x.Reason != "" {
			reason = " (" + x.Reason + ")"
		}
	}
	if opens.IsZero() {
		return delivery.NewProblem("closed", "at", "The restaurant is closed%s.", reason)
	}
	return delivery.NewProblem("closed", "at", "The restaurant is closed%s and opens %s.", reason, c.clockAt(now, opens))
}

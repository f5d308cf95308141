package dispatch

import (
	"math"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Pace is how fast the town rides and how long things take. Zero values stand for the defaults named.
type Pace struct {
	Kmh       float64       // of an ordinary bicycle through the town; 15
	Lead      time.Duration // how long before the food is ready a courier is looked for; 12 min
	AtCounter time.Duration // from arriving at the restaurant to leaving with the food; 2 min
	AtDoor    time.Duration // from arriving at the house to handing over; 2 min
}

func (p Pace) withDefaults() Pace {
	if !(p.Kmh > 0) {
		p.Kmh = 15
	}
	for _, d := range []struct {
		at  *time.Duration
		def time.Duration
	}{{&p.Lead, 12 * time.Minute}, {&p.AtCounter, 2 * time.Minute}, {&p.AtDoor, 2 * time.Minute}} {
		if *d.at <= 0 {
			*d.at = d.def
		}
	}
	return p
}

// detour is how much longer streets are than the crow's way.
const detour = 1.3

// factor is how fast a vehicle is against a bicycle.
var factor = map[delivery.Vehicle]float64{delivery.Bike: 1, delivery.CargoBike: 0.85, delivery.EBike: 1.25, delivery.OnFoot: 0.34, delivery.Car: 1.6}

// Ride returns how long a vehicle ("": a bicycle) takes for a distance in metres as the crow flies.
func (p Pace) Ride(distM float64, v delivery.Vehicle) time.Duration {
	f, ok := factor[v]
	if !ok {
		f = 1
	}
	return time.Duration(distM * detour / (p.Kmh * f / 3.6) * float64(time.Second)).Round(time.Second)
}

// fresh is how old the position of a courier may be who is to be offered something.
const fresh = 10 * time.Minute

// Nearest returns the courier nearest to a point among those who may be asked: their position is known and fresh, and they are not in
// skip. Who is as near (to 50 m) as another but has waited longer goes first; idle tells since when they have had nothing to do, which
// otherwise is since their duty began. It returns false where there is nobody.
func Nearest(couriers []delivery.Courier, idle map[id.ID]time.Time, skip []id.ID, from geo.Point, now time.Time) (delivery.Courier, bool) {
	var best delivery.Courier
	found, bestM, bestSince := false, math.Inf(1), time.Time{}
	for _, c := range couriers {
		if c.Point.IsZero() || now.Sub(c.PosAt) > fresh || slices.Contains(skip, c.ID) {
			continue
		}
		distM := math.Round(geo.FastDistanceM(c.Point, from)/50) * 50
		since := c.Since
		if t := idle[c.ID]; t.After(since) {
			since = t
		}
		if distM < bestM || distM == bestM && since.Before(bestSince) {
			best, found, bestM, bestSince = c, true, distM, since
		}
	}
	return best, found
}

// toCounter returns when a trip's courier will be at the restaurant, false where their place is not known.
func (p Pace) toCounter(t *Trip, c *delivery.Courier, now time.Time) (time.Time, bool) {
	if t.Pickup.State == Arrived {
		return now, true
	}
	if c.Point.IsZero() {
		return time.Time{}, false
	}
	return now.Add(p.Ride(geo.DistanceM(c.Point, t.Pickup.Point), c.Vehicle)), true
}

// ETA returns when the trip's order is expected at the door. c is its courier, nil where nobody has it yet or their place is not known; it
// takes neither traffic nor the courier's other stops into account.
func (p Pace) ETA(t *Trip, c *delivery.Courier, now time.Time) time.Time {
	var v delivery.Vehicle
	if c != nil {
		v = c.Vehicle
	}
	from := func(rest geo.Point) geo.Point {
		if c == nil || c.Point.IsZero() {
			return rest
		}
		return c.Point
	}
	last := p.Ride(geo.DistanceM(t.Pickup.Point, t.Dropoff.Point), v)
	switch {
	case t.Dropoff.State == Done:
		return t.Dropoff.Ended.At
	case t.Dropoff.State == Arrived:
		return now.Add(p.AtDoor)
	case t.Pickup.State == Done:
		return now.Add(p.Ride(geo.DistanceM(from(t.Pickup.Point), t.Dropoff.Point), v) + p.AtDoor)
	}
	at := now
	switch {
	case t.Pickup.State == Arrived:
	case t.Courier != 0:
		at = at.Add(p.Ride(geo.DistanceM(from(t.Pickup.Point), t.Pickup.Point), v))
	default:
		at = at.Add(p.Ride(1000, v)) // somebody has to be found and to come
	}
	if at.Before(t.ReadyAt) {
		at = t.ReadyAt
	}
	return at.Add(p.AtCounter + last + p.AtDoor)
}

// Lateness is how an order stands against its promise.
type Lateness string

// The degrees of lateness.
const (
	OnTime Lateness = "on_time"
	AtRisk Lateness = "at_risk" // expected after the promise
	Late   Lateness = "late"    // the promise is broken
)

// LatenessOf compares what is expected with what was promised.
func LatenessOf(eta, promiseTo, now time.Time) Lateness {
	switch {
	case now.After(promiseTo):
		return Late
	case eta.After(promiseTo):
		return AtRisk
	}
	return OnTime
}

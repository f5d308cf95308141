// Package courier knows which couriers are on duty, what they ride and where they are.
//
// A position is worth something for a moment and nobody's business afterwards: the newest one is kept while its courier is on duty, none
// is logged, and it is shown to dispatchers, to the courier, and to the customer whom the courier is heading to at that moment.
package courier

import (
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// State is a courier as they see themselves.
type State struct {
	Courier id.ID            `json:"courier"`
	Name    string           `json:"name"`
	Vehicle delivery.Vehicle `json:"vehicle"`
	OnDuty  bool             `json:"on_duty"`
	Since   time.Time        `json:"since,omitzero" doc:"On duty since."`
	Point   geo.Point        `json:"point" doc:"Zero where not known."`
	Heading float64          `json:"heading,omitempty" doc:"Degrees clockwise from north."`
	PosAt   time.Time        `json:"position_at,omitzero" doc:"When they were there."`
}

// Fix is where a courier was at a time.
type Fix struct {
	Point   geo.Point
	Heading float64 // degrees clockwise from north
	At      time.Time
}

// How far the clock of a phone may be off, and how old what it queued may be.
const (
	maxAhead = 2 * time.Minute
	maxAge   = 24 * time.Hour
)

// checkFix returns an Invalid error where a fix can't be.
func checkFix(f Fix, now time.Time) error {
	switch {
	case !f.Point.Valid() || f.Point.IsZero():
		return errs.InvalidField("lat", "Give a latitude between -90 and 90 and a longitude between -180 and 180.")
	case !(f.Heading >= 0 && f.Heading <= 360):
		return errs.InvalidField("heading", "Give degrees clockwise from north, 0 to 360.")
	}
	return checkAt(f.At, now)
}

// checkAt returns an Invalid error for a time that no honest phone sends.
func checkAt(at, now time.Time) error {
	if at.After(now.Add(maxAhead)) {
		return errs.InvalidField("at", "This time lies in the future. Check the clock of your phone.")
	}
	if at.Before(now.Add(-maxAge)) {
		return errs.InvalidField("at", "This is more than a day ago.")
	}
	return nil
}

// checkVehicle returns an Invalid error for a vehicle that is none of delivery.Vehicles.
func checkVehicle(v delivery.Vehicle) error {
	if slices.Contains(delivery.Vehicles, v) {
		return nil
	}
	return errs.InvalidField("vehicle", "Choose one of bike, cargo_bike, e_bike, on_foot and car.")
}

// newest returns the fix with the latest time, the last of equals.
func newest(fixes []Fix) Fix {
	best := fixes[0]
	for _, f := range fixes[1:] {
		if !f.At.Before(best.At) {
			best = f
		}
	}
	return best
}

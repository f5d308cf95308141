package delivery

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
)

// Vehicle is what a courier rides.
type Vehicle string

// The vehicles.
const (
	Bike      Vehicle = "bike"
	CargoBike Vehicle = "cargo_bike"
	EBike     Vehicle = "e_bike"
	OnFoot    Vehicle = "on_foot"
	Car       Vehicle = "car"
)

// Vehicles are all vehicles.
var Vehicles = []Vehicle{Bike, CargoBike, EBike, OnFoot, Car}

// Courier is a courier on duty.
type Courier struct {
	ID      id.ID     `json:"id"`
	Name    string    `json:"name"`
	Vehicle Vehicle   `json:"vehicle"`
	Since   time.Time `json:"since" doc:"On duty since."`
	Point   geo.Point `json:"point" doc:"Zero where not known."`
	Heading float64   `json:"heading,omitempty" doc:"Degrees clockwise from north."`
	PosAt   time.Time `json:"position_at,omitzero" doc:"When they were there."`
}

package courier

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the REST operations and the form of the duty switch. The courier's page itself belongs to delivery/dispatch.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Couriers"}, DefaultStatus: status}
	}
	httpx.Operation(rt, op("GET", "/courier", "get-courier", "How you stand as a courier: on duty or not, vehicle, place", 200), httpx.May("courier.work"), s.restState)
	httpx.Operation(rt, op("POST", "/courier/duty", "set-courier-duty", "Go on or off duty", 200), httpx.May("courier.work"), s.restDuty)
	httpx.Operation(rt, op("POST", "/courier/position", "set-courier-position", "Say where you are", 204), httpx.May("courier.work"), s.restPosition)
	httpx.Operation(rt, op("GET", "/courier/earnings", "get-courier-earnings", "What you earned, what the town owes you, and the cash you hold", 200), httpx.May("courier.work"), s.restEarnings)
	rt.Page("GET /courier/earnings", httpx.May("courier.work"), s.earningsPage)
	rt.Page("POST /courier/duty", httpx.May("courier.work"), s.formDuty)
}

type stateOutput struct{ Body State }

func (s *Service) restState(ctx context.Context, _ *struct{}) (*stateOutput, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	st, err := s.State(ctx, actor.ID)
	return &stateOutput{st}, err
}

type dutyInput struct {
	Body struct {
		On      bool             `json:"on"`
		Vehicle delivery.Vehicle `json:"vehicle,omitempty" enum:"bike,cargo_bike,e_bike,on_foot,car"`
		At      time.Time        `json:"at,omitempty" doc:"When it truly began or ended; left out: now."`
	}
}

func (s *Service) restDuty(ctx context.Context, in *dutyInput) (*stateOutput, error) {
	if err := s.duty(ctx, in.Body.On, in.Body.Vehicle, in.Body.At); err != nil {
		return nil, err
	}
	return s.restState(ctx, nil)
}

// duty changes vehicle, where one is given, and duty.
func (s *Service) duty(ctx context.Context, on bool, v delivery.Vehicle, at time.Time) error {
	if v != "" {
		if err := s.Ride(ctx, v); err != nil {
			return err
		}
	}
	return s.SetDuty(ctx, on, at)
}

// PlaceView is where a courier was at a time, as phones send it.
type PlaceView struct {
	Lat     float64   `json:"lat" minimum:"-90" maximum:"90"`
	Lon     float64   `json:"lon" minimum:"-180" maximum:"180"`
	At      time.Time `json:"at" doc:"When you were there."`
	Heading float64   `json:"heading,omitempty" minimum:"0" maximum:"360" doc:"Degrees clockwise from north."`
}

func (p PlaceView) fix() Fix {
	return Fix{Point: geo.Point{Lat: p.Lat, Lon: p.Lon}, Heading: p.Heading, At: p.At}
}

type positionInput struct {
	Body struct {
		Lat       *float64    `json:"lat,omitempty" minimum:"-90" maximum:"90"`
		Lon       *float64    `json:"lon,omitempty" minimum:"-180" maximum:"180"`
		At        time.Time   `json:"at,omitempty" doc:"When you were there; left out: now."`
		Heading   float64     `json:"heading,omitempty" minimum:"0" maximum:"360" doc:"Degrees clockwise from north."`
		Positions []PlaceView `json:"positions,omitempty" maxItems:"100" doc:"Instead of one: those that waited for a connection."`
	}
}

func (s *Service) restPosition(ctx context.Context, in *positionInput) (*struct{}, error) {
	b := in.Body
	fixes := make([]Fix, 0, len(b.Positions)+1)
	for i, p := range b.Positions {
		if err := checkFix(p.fix(), s.now()); err != nil {
			return nil, errs.InvalidField("positions["+strconv.Itoa(i)+"]", "%s", httpx.Sentence(ctx, err))
		}
		fixes = append(fixes, p.fix())
	}
	if b.Lat != nil && b.Lon != nil {
		if b.At.IsZero() {
			b.At = s.now()
		}
		fixes = append(fixes, PlaceView{Lat: *b.Lat, Lon: *b.Lon, At: b.At, Heading: b.Heading}.fix())
	}
	if len(fixes) == 0 {
		return nil, errs.InvalidField("lat", "Give lat and lon, or a list of positions.")
	}
	return nil, s.Positions(ctx, fixes)
}

// formDuty is the switch on the courier's page.
func (s *Service) formDuty(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		On      bool             `form:"on"`
		Vehicle delivery.Vehicle `form:"vehicle"`
		At      string           `form:"at"` // from the queue of a phone
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	var at time.Time
	if in.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, in.At); err != nil {
			return errs.InvalidField("at", "Give a time such as 2026-12-01T19:05:00Z.")
		}
	}
	if err := s.duty(r.Context(), in.On, in.Vehicle, at); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/courier")
}

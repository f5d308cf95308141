package restaurant

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/restaurant/price"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the REST operations and the settings pages.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Restaurants"}, DefaultStatus: status}
	}
	const one = "/restaurants/{slug}"
	httpx.Operation(rt, op("GET", one, "get-restaurant", "A restaurant: profile, hours, zones, open or not", 200), httpx.Anyone, s.restGet)
	httpx.Operation(rt, op("POST", "/restaurants", "create-restaurant", "Make a restaurant (admin)", 201), httpx.May("admin.restaurants"), s.restCreate)
	httpx.Operation(rt, op("PATCH", one, "change-restaurant", "Change some of a restaurant's settings", 200), httpx.May("restaurant.manage"), s.restPatch)
	httpx.Operation(rt, op("PUT", one+"/hours", "set-restaurant-hours", "Replace hours, special days and holidays", 200), httpx.May("restaurant.manage"), s.restHours)
	httpx.Operation(rt, op("PUT", one+"/zones", "set-restaurant-zones", "Replace the delivery zones", 200), httpx.May("restaurant.manage"), s.restZones)
	httpx.Operation(rt, op("POST", one+"/pause", "pause-restaurant", "Take no orders for a while, or again", 200), httpx.May("restaurant.work"), s.restPause)
	httpx.Operation(rt, op("POST", one+"/rush", "rush-restaurant", "Cook slower for a while, or as usual again", 200), httpx.May("restaurant.work"), s.restRush)
	httpx.Operation(rt, op("POST", one+"/closures", "add-restaurant-closure", "Close for a time", 201), httpx.May("restaurant.work"), s.restAddClosure)
	httpx.Operation(rt, op("DELETE", one+"/closures/{id}", "delete-restaurant-closure", "Take a closure back", 200), httpx.May("restaurant.work"), s.restRemoveClosure)
	httpx.Operation(rt, op("GET", one+"/slots", "list-restaurant-slots", "Times that can be ordered for", 200), httpx.Anyone, s.restSlots)
	s.pages(rt)
}

// View is a restaurant as the REST API shows it.
type View struct {
	ID         id.ID           `json:"id"`
	Slug       string          `json:"slug"`
	Version    int64           `json:"version" doc:"Grows with every change."`
	Name       string          `json:"name"`
	Blurb      string          `json:"blurb"`
	Cuisines   []string        `json:"cuisines"`
	Phone      string          `json:"phone"`
	Street     string          `json:"street"`
	City       string          `json:"city"`
	Point      geo.Point       `json:"point"`
	Photo      string          `json:"photo,omitempty"`
	Price      int             `json:"price"`
	Currency   string          `json:"currency"`
	Zone       string          `json:"time_zone"`
	Delivers   bool            `json:"delivers"`
	PicksUp    bool            `json:"picks_up"`
	Open       bool            `json:"open" doc:"Takes orders for delivery (or, without delivery, for pickup) now."`
	NextChange *time.Time      `json:"next_change,omitempty" doc:"When it opens or closes next."`
	Paused     *time.Time      `json:"paused_until,omitempty"`
	Rush       *time.Time      `json:"rush_until,omitempty"`
	Hours      HoursView       `json:"hours"`
	Pickup     HoursView       `json:"pickup_hours"`
	Closures   []Closure       `json:"closures" doc:"Those not over yet."`
	Special    []Special       `json:"special_days"`
	Zones      json.RawMessage `json:"zones" doc:"GeoJSON FeatureCollection with name, fee, minimum and free_from of each zone."`
	Settings   *Settings       `json:"settings,omitempty" doc:"Everything that can be set; for who works there."`
}

// HoursView is an ordinary week, Monday first.
type HoursView struct {
	Text string    `json:"text" doc:"OSM opening_hours syntax."`
	Week []DayView `json:"week"`
}

// DayView is a day of the week in data and in words.
type DayView struct {
	Day   string            `json:"day" doc:"Monday to Sunday."`
	Spans []hours.ClockSpan `json:"spans"`
	Text  string            `json:"text" doc:"Such as 11:30–14:00, 17:00–23:00, or closed."`
}

// weekOf returns the ordinary week of a schedule.
func weekOf(sched hours.Schedule) []DayView {
	regular := sched.Regular()
	out := make([]DayView, 0, 7)
	for i := range 7 {
		day := time.Weekday((i + 1) % 7)
		spans := regular[day]
		if spans == nil {
			spans = []hours.ClockSpan{}
		}
		out = append(out, DayView{Day: day.String(), Spans: spans, Text: spansText(spans)})
	}
	return out
}

// spansText returns "11:30–14:00, 17:00–23:00", or "closed".
func spansText(spans []hours.ClockSpan) string {
	if len(spans) == 0 {
		return "closed"
	}
	words := make([]string, len(spans))
	for i, c := range spans {
		words[i] = strings.Replace(c.String(), "-", "–", 1)
	}
	return strings.Join(words, ", ")
}

// spansWords says times as people read them.
func spansWords(ctx context.Context, spans []hours.ClockSpan) string {
	if len(spans) == 0 {
		return i18n.T(ctx, "closed")
	}
	return spansText(spans)
}

// view returns the restaurant at now; settings only for who works there.
func (c *Compiled) view(now time.Time, full bool) *View {
	s := &c.Settings
	v := &View{
		ID: c.ID, Slug: c.Slug, Version: c.Version, Name: s.Name, Blurb: s.Blurb, Cuisines: s.Cuisines, Phone: s.Phone, Street: s.Street,
		City: s.City, Point: s.Point, Photo: s.Photo, Price: s.Price, Currency: s.Currency, Zone: s.Zone, Delivers: s.Delivers, PicksUp: s.PicksUp,
		Hours:  HoursView{s.Hours, weekOf(c.courier.sched)},
		Pickup: HoursView{c.pickup.sched.String(), weekOf(c.pickup.sched)}, Closures: []Closure{}, Special: []Special{}, Zones: c.ZonesGeoJSON(),
	}
	open, change := c.OpenNow(now)
	v.Open = open
	v.NextChange = moment(change)
	if s.PausedUntil.After(now) {
		v.Paused = moment(s.PausedUntil)
	}
	if s.RushUntil.After(now) {
		v.Rush = moment(s.RushUntil)
	}
	for _, x := range s.Closures {
		if x.To.After(now) {
			v.Closures = append(v.Closures, x)
		}
	}
	today := hours.DateOf(now, c.loc)
	for _, x := range s.Special {
		if x.Date.Compare(today) >= 0 {
			v.Special = append(v.Special, x)
		}
	}
	if full {
		own := *s
		own.Deal = nil // who cooks there need not know it: GET …/deal is for owners
		v.Settings = &own
	}
	return v
}

// OpenNow reports whether the restaurant takes orders at now (for delivery, or for pickup where it does not deliver), and when that
// changes by its hours or its pause, zero where that is not known.
func (c *Compiled) OpenNow(now time.Time) (open bool, change time.Time) {
	mode := delivery.ByCourier
	if !c.Settings.Delivers {
		mode = delivery.Pickup
	}
	present := c.side(mode).at(now)
	if !present.last {
		change = present.to
	}
	if c.Settings.PausedUntil.After(now) {
		return false, c.side(mode).nextOpen(c.Settings.PausedUntil)
	}
	return present.open && c.Settings.Active, change
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// AddressedBySlug is the path of everything about one restaurant. Exported, as are the other parts of inputs here, because huma does not see
// into embedded structs that are not.
type AddressedBySlug struct {
	Slug string `path:"slug" maxLength:"60"`
}

type viewOutput struct {
	Body *View
}

func (s *Service) reply(ctx context.Context, c *Compiled, err error) (*viewOutput, error) {
	if err != nil {
		return nil, err
	}
	full := access.Can(access.From(ctx), "restaurant.work", access.Thing{Kind: "restaurant", ID: c.ID}) == nil
	return &viewOutput{c.view(s.now(), full)}, nil
}

func (s *Service) restGet(ctx context.Context, in *AddressedBySlug) (*viewOutput, error) {
	c, err := s.visible(ctx, in.Slug)
	return s.reply(ctx, c, err)
}

// visible is GetBySlug for somebody who may not know restaurants that are not shown.
func (s *Service) visible(ctx context.Context, slug string) (*Compiled, error) {
	c, err := s.GetBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	if !c.Settings.Active && access.Can(access.From(ctx), "restaurant.work", access.Thing{Kind: "restaurant", ID: c.ID}) != nil {
		return nil, errMissing
	}
	return c, nil
}

// Patch is what can be changed of the settings; what is left out stays as it is.
type Patch struct {
	Name        *string          `json:"name,omitempty" maxLength:"80"`
	Blurb       *string          `json:"blurb,omitempty" maxLength:"300"`
	Cuisines    *[]string        `json:"cuisines,omitempty" maxItems:"8"`
	Phone       *string          `json:"phone,omitempty" maxLength:"40"`
	Legal       *string          `json:"legal_name,omitempty" maxLength:"120"`
	TaxID       *string          `json:"tax_id,omitempty" maxLength:"40"`
	Street      *string          `json:"street,omitempty" maxLength:"120"`
	City        *string          `json:"city,omitempty" maxLength:"80"`
	Point       *geo.Point       `json:"point,omitempty"`
	Photo       *string          `json:"photo,omitempty" maxLength:"200"`
	Price       *int             `json:"price,omitempty" minimum:"1" maximum:"4"`
	Zone        *string          `json:"time_zone,omitempty" maxLength:"60"`
	Active      *bool            `json:"active,omitempty"`
	Hours       *string          `json:"hours,omitempty" maxLength:"500"`
	Pickup      *string          `json:"pickup_hours,omitempty" maxLength:"500"`
	Special     *[]Special       `json:"special_days,omitempty" maxItems:"100"`
	Holidays    *[]HoliDate      `json:"holidays,omitempty" maxItems:"200"`
	Prep        *[]PrepRule      `json:"prep,omitempty" maxItems:"10"`
	Minimum     *money.Amount    `json:"minimum,omitempty"`
	Zones       *[]Zone          `json:"zones,omitempty" maxItems:"50"`
	Prices      *[]price.FeeRule `json:"price_rules,omitempty" maxItems:"20"`
	Delivers    *bool            `json:"delivers,omitempty"`
	PicksUp     *bool            `json:"picks_up,omitempty"`
	CapOrders   *int             `json:"cap_orders,omitempty"`
	CapMinutes  *int             `json:"cap_minutes,omitempty"`
	AutoAccept  *bool            `json:"auto_accept,omitempty"`
	SlotMinutes *int             `json:"slot_minutes,omitempty"`
	DaysAhead   *int             `json:"days_ahead,omitempty"`
	Tax         map[string]int   `json:"tax,omitempty"`
	FeeTax      *int             `json:"fee_tax,omitempty"`
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

func (p *Patch) apply(s *Settings) {
	set(&s.Name, p.Name)
	set(&s.Blurb, p.Blurb)
	set(&s.Cuisines, p.Cuisines)
	set(&s.Phone, p.Phone)
	set(&s.Legal, p.Legal)
	set(&s.TaxID, p.TaxID)
	set(&s.Street, p.Street)
	set(&s.City, p.City)
	set(&s.Point, p.Point)
	set(&s.Photo, p.Photo)
	set(&s.Price, p.Price)
	set(&s.Zone, p.Zone)
	set(&s.Active, p.Active)
	set(&s.Hours, p.Hours)
	set(&s.Pickup, p.Pickup)
	set(&s.Special, p.Special)
	set(&s.Holidays, p.Holidays)
	set(&s.Prep, p.Prep)
	set(&s.Minimum, p.Minimum)
	set(&s.Zones, p.Zones)
	set(&s.Prices, p.Prices)
	set(&s.Delivers, p.Delivers)
	set(&s.PicksUp, p.PicksUp)
	set(&s.CapOrders, p.CapOrders)
	set(&s.CapMinutes, p.CapMinutes)
	set(&s.AutoAccept, p.AutoAccept)
	set(&s.SlotMinutes, p.SlotMinutes)
	set(&s.DaysAhead, p.DaysAhead)
	set(&s.FeeTax, p.FeeTax)
	if p.Tax != nil {
		s.Tax = p.Tax
	}
}

type createInput struct {
	Body struct {
		Patch
		Slug     string `json:"slug,omitempty" maxLength:"60"`
		Currency string `json:"currency,omitempty" maxLength:"3"`
		Owner    id.ID  `json:"owner,omitempty" doc:"Account that may manage it."`
	}
}

func (s *Service) restCreate(ctx context.Context, in *createInput) (*viewOutput, error) {
	set := s.Defaults()
	in.Body.apply(&set)
	if in.Body.Currency != "" {
		set.Currency = in.Body.Currency
	}
	c, err := s.Create(ctx, NewRestaurant{Slug: in.Body.Slug, Settings: set, Owner: in.Body.Owner})
	return s.reply(ctx, c, err)
}

type patchInput struct {
	AddressedBySlug
	Body Patch
}

func (s *Service) restPatch(ctx context.Context, in *patchInput) (*viewOutput, error) {
	return s.restUpdate(ctx, in.Slug, "profile", in.Body.apply)
}

func (s *Service) restUpdate(ctx context.Context, slug, what string, fn func(*Settings)) (*viewOutput, error) {
	c, err := s.GetBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	c, err = s.Update(ctx, c.ID, what, func(set *Settings) error { fn(set); return nil })
	return s.reply(ctx, c, err)
}

type hoursInput struct {
	AddressedBySlug
	Body struct {
		Hours    string     `json:"hours" maxLength:"500" doc:"OSM opening_hours syntax, such as Mo-Fr 11:30-14:00,17:00-23:00; PH off."`
		Pickup   string     `json:"pickup_hours,omitempty" maxLength:"500" doc:"Where pickup differs."`
		Special  []Special  `json:"special_days,omitempty" maxItems:"100"`
		Holidays []HoliDate `json:"holidays,omitempty" maxItems:"200"`
	}
}

func (s *Service) restHours(ctx context.Context, in *hoursInput) (*viewOutput, error) {
	return s.restUpdate(ctx, in.Slug, "hours", func(set *Settings) {
		set.Hours, set.Pickup, set.Special, set.Holidays = in.Body.Hours, in.Body.Pickup, in.Body.Special, in.Body.Holidays
	})
}

type zonesInput struct {
	AddressedBySlug
	Body struct {
		Zones []Zone `json:"zones" maxItems:"50" doc:"The first that holds the address counts."`
	}
}

func (s *Service) restZones(ctx context.Context, in *zonesInput) (*viewOutput, error) {
	return s.restUpdate(ctx, in.Slug, "zones", func(set *Settings) { set.Zones = in.Body.Zones })
}

// Lasting is how long a pause or a rush lasts.
type Lasting struct {
	Minutes  int        `json:"minutes,omitempty" minimum:"0" maximum:"2880" doc:"From now; 0 and nothing else given: end it."`
	Tomorrow bool       `json:"until_tomorrow,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
}

// end returns when it is over.
func (p Lasting) end(c *Compiled, now time.Time) time.Time {
	switch {
	case p.Until != nil:
		return *p.Until
	case p.Tomorrow:
		return c.Tomorrow(now)
	}
	return now.Add(time.Duration(p.Minutes) * time.Minute)
}

type pauseInput struct {
	AddressedBySlug
	Body Lasting
}

func (s *Service) restPause(ctx context.Context, in *pauseInput) (*viewOutput, error) {
	c, err := s.GetBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	c, err = s.SetPause(ctx, c.ID, in.Body.end(c, s.now()))
	return s.reply(ctx, c, err)
}

type rushInput struct {
	AddressedBySlug
	Body struct {
		Lasting
		Extra int `json:"extra_minutes,omitempty" minimum:"0" maximum:"240" doc:"Added to the preparation; 0: the rush times of the rules."`
	}
}

func (s *Service) restRush(ctx context.Context, in *rushInput) (*viewOutput, error) {
	c, err := s.GetBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	c, err = s.SetRush(ctx, c.ID, in.Body.end(c, s.now()), in.Body.Extra)
	return s.reply(ctx, c, err)
}

type closureInput struct {
	AddressedBySlug
	Body struct {
		From   *time.Time `json:"from,omitempty" doc:"Left out: now."`
		To     time.Time  `json:"to"`
		Reason string     `json:"reason,omitempty" maxLength:"120" doc:"Shown to customers."`
	}
}

func (s *Service) restAddClosure(ctx context.Context, in *closureInput) (*viewOutput, error) {
	c, err := s.GetBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	from := s.now()
	set(&from, in.Body.From)
	c, err = s.AddClosure(ctx, c.ID, Closure{From: from, To: in.Body.To, Reason: in.Body.Reason})
	return s.reply(ctx, c, err)
}

type removeClosureInput struct {
	AddressedBySlug
	ID string `path:"id" maxLength:"20"`
}

func (s *Service) restRemoveClosure(ctx context.Context, in *removeClosureInput) (*viewOutput, error) {
	c, err := s.GetBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	closure, err := id.Parse(in.ID)
	if err != nil {
		return nil, errs.InvalidField("path.id", "This is not the id of a closure.")
	}
	c, err = s.RemoveClosure(ctx, c.ID, closure)
	return s.reply(ctx, c, err)
}

type slotsInput struct {
	AddressedBySlug
	Mode delivery.Mode `query:"mode" enum:"delivery,pickup" default:"delivery"`
	Lat  float64       `query:"lat" minimum:"-90" maximum:"90" doc:"Where it should go; needed for delivery."`
	Lon  float64       `query:"lon" minimum:"-180" maximum:"180"`
	From time.Time     `query:"from" doc:"Left out: now."`
	Days int           `query:"days" minimum:"0" maximum:"15" doc:"Left out: as far as the restaurant takes orders."`
}

type slotsOutput struct {
	Body struct {
		Slots []SlotState `json:"slots"`
	}
}

func (s *Service) restSlots(ctx context.Context, in *slotsInput) (*slotsOutput, error) {
	c, err := s.visible(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	var to *geo.Point
	if p := (geo.Point{Lat: in.Lat, Lon: in.Lon}); !p.IsZero() {
		to = &p
	}
	if in.From.IsZero() {
		in.From = s.now()
	}
	if in.Days == 0 {
		in.Days = MaxDaysAhead + 1
	}
	out := &slotsOutput{}
	out.Body.Slots, err = s.slotStates(ctx, c.ID, in.Mode, to, in.From, in.Days)
	return out, err
}

package restaurant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/restaurant/price"
)

// Compiled is one version of a restaurant, ready for computing. It may be shared; nobody changes it or what it points to.
type Compiled struct {
	ID       id.ID
	Slug     string
	Version  int64
	Since    time.Time
	Settings Settings
	Shop     *delivery.Shop
	Card     *delivery.Card

	loc     *time.Location
	courier side
	pickup  side
	zones   []zone
	prices  price.Rules
	// counts is what was last read of the capacity windows, for lists, which need not be exact to the order.
	counts atomic.Pointer[map[int64]int]
	// onTownDeal is Shop with the town's deal as it was last, for a restaurant without one of its own.
	onTownDeal atomic.Pointer[delivery.Shop]
}

// side is when orders of one mode are taken.
type side struct {
	sched hours.Schedule
	opt   hours.Options
	// present is the stretch around the time asked for last: between two changes of the hours the answer is always the same.
	present atomic.Pointer[stretch]
}

// stretch is a time during which the restaurant stays open or stays closed. last: nothing is known to change after it.
type stretch struct {
	from, to time.Time
	open     bool
	last     bool
}

// zone is a Zone ready for computing. bounds spares most points the polygon.
type zone struct {
	name     string
	area     geo.Area
	radiusM  float64
	fee      money.Amount
	minimum  money.Amount
	freeFrom money.Amount
}

// Compile makes settings that Normalise has accepted ready for computing. It returns an error for others.
func Compile(rid id.ID, slug string, version int64, since time.Time, s Settings) (*Compiled, error) {
	loc, err := loadZone(s.Zone)
	if err != nil {
		return nil, fmt.Errorf("restaurant: compile %s: %w", slug, err)
	}
	c := &Compiled{ID: rid, Slug: slug, Version: version, Since: since, Settings: s, loc: loc}
	opt := hours.Options{Loc: loc}
	for _, x := range s.Closures {
		opt.Closures = append(opt.Closures, hours.Span{From: x.From, To: x.To})
	}
	for _, x := range s.Special {
		opt.Special = append(opt.Special, hours.Day{Date: x.Date, Spans: x.Spans})
	}
	if len(s.Holidays) > 0 {
		days := make(map[hours.Date]bool, len(s.Holidays))
		for _, d := range s.Holidays {
			days[d] = true
		}
		opt.Holiday = func(d hours.Date) bool { return days[d] }
	}
	sched, wrong := parseHours(s.Hours)
	if wrong.Format != "" {
		return nil, fmt.Errorf("restaurant: compile hours of %s: %s", slug, wrong)
	}
	c.courier.sched, c.courier.opt = sched, opt
	c.pickup.sched, c.pickup.opt = sched, opt
	if s.Pickup != "" {
		if c.pickup.sched, wrong = parseHours(s.Pickup); wrong.Format != "" {
			return nil, fmt.Errorf("restaurant: compile pickup hours of %s: %s", slug, wrong)
		}
	}
	for _, z := range s.Zones {
		cz := zone{name: z.Name, radiusM: z.RadiusM, fee: z.Fee, minimum: max(z.Minimum, s.Minimum), freeFrom: z.FreeFrom}
		if len(z.Area) > 0 {
			if cz.area, err = geo.ParseArea(z.Area); err != nil {
				return nil, fmt.Errorf("restaurant: compile zone of %s: %w", slug, err)
			}
		}
		c.zones = append(c.zones, cz)
	}
	if c.prices, err = price.Compile(s.Prices, opt); err != nil {
		return nil, fmt.Errorf("restaurant: compile prices of %s: %w", slug, err)
	}
	c.Shop = &delivery.Shop{
		ID: rid, Version: version, Slug: slug, Name: s.Name, Phone: s.Phone, Street: s.Street, City: s.City, Point: s.Point,
		Currency: s.Currency, Loc: loc, AutoAccept: s.AutoAccept, Delivers: s.Delivers, PicksUp: s.PicksUp, Tax: s.Tax, FeeTax: s.FeeTax,
	}
	if s.Deal != nil {
		c.Shop.Deals = s.Deal.deals()
	}
	c.Card = &delivery.Card{
		ID: rid, Slug: slug, Name: s.Name, Blurb: s.Blurb, Cuisines: s.Cuisines, Photo: s.Photo, Price: s.Price, Street: s.Street,
		City: s.City, Point: s.Point, Currency: s.Currency, Loc: loc, Since: since,
		Folded: text.Fold(s.Name + " " + strings.Join(s.Cuisines, " ")),
	}
	return c, nil
}

// side returns the hours of a mode.
func (c *Compiled) side(m delivery.Mode) *side {
	if m == delivery.Pickup {
		return &c.pickup
	}
	return &c.courier
}

// at returns the stretch around t.
func (s *side) at(t time.Time) *stretch {
	if p := s.present.Load(); p != nil && !t.Before(p.from) && t.Before(p.to) {
		return p
	}
	p := &stretch{from: t, open: s.sched.OpenAt(t, s.opt)}
	var ok bool
	if p.to, _, ok = s.sched.NextChange(t, s.opt); !ok {
		p.to, p.last = t.Add(24*time.Hour), true
	}
	s.present.Store(p)
	return p
}

// nextOpen returns t when open at t, else when it opens next, zero where that is not known.
func (s *side) nextOpen(t time.Time) time.Time {
	at, _ := s.sched.NextOpen(t, s.opt)
	return at
}

// zoneFor returns the first zone that holds p, which is distM metres away, or nil.
func (c *Compiled) zoneFor(p geo.Point, distM float64) *zone {
	for i := range c.zones {
		z := &c.zones[i]
		if z.radiusM > 0 && distM <= z.radiusM || z.radiusM == 0 && z.area.Contains(p) {
			return z
		}
	}
	return nil
}

// feeFor returns what bringing an order of this value costs.
func (z *zone) feeFor(food money.Amount) money.Amount {
	if z.freeFrom > 0 && food >= z.freeFrom {
		return 0
	}
	return z.fee
}

// fee returns what bringing an order of this value into the zone costs at a time: by the first rule that holds, else the zone's.
func (c *Compiled) fee(z *zone, distM float64, food money.Amount, at time.Time) money.Amount {
	if fee, ok := c.prices.Fee(price.Ask{DistM: distM, Zone: z.name, Food: food, At: at}); ok {
		return fee
	}
	return z.feeFor(food)
}

// freeFrom returns the least value of food, of those at which prices change, from which there is no fee; 0: none.
func (c *Compiled) freeFrom(z *zone, distM float64, at time.Time) money.Amount {
	if c.prices.None() {
		return z.freeFrom
	}
	values := c.prices.Values()
	if z.freeFrom > 0 {
		values = append(values, z.freeFrom)
	}
	slices.Sort(values)
	for _, v := range values {
		if c.fee(z, distM, v, at) == 0 {
			return v
		}
	}
	return 0
}

// ZonesGeoJSON returns the delivery zones as a FeatureCollection, circles drawn as polygons.
func (c *Compiled) ZonesGeoJSON() json.RawMessage {
	type feature struct {
		Type       string   `json:"type"`
		Properties any      `json:"properties"`
		Geometry   geo.Area `json:"geometry"`
	}
	list := []feature{}
	for i, z := range c.zones {
		area := z.area
		if z.radiusM > 0 {
			var err error
			if area, err = geo.Circle(c.Settings.Point, z.radiusM); err != nil {
				continue // around a pole: nothing that could be drawn
			}
		}
		list = append(list, feature{"Feature", map[string]any{
			"name": c.Settings.Zones[i].Name, "fee": z.fee, "minimum": z.minimum, "free_from": z.freeFrom, "radius_m": z.radiusM,
		}, area})
	}
	b, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": list})
	if err != nil {
		return json.RawMessage(`{"type":"FeatureCollection","features":[]}`) // plain values: they always encode
	}
	return b
}

// Profile returns what a restaurant tells everybody about itself, or a NotFound error.
func (s *Service) Profile(ctx context.Context, rid id.ID) (*delivery.Profile, error) {
	c, err := s.Get(ctx, rid)
	if err != nil {
		return nil, err
	}
	p := &delivery.Profile{
		Card: c.Card, Active: c.Settings.Active, Phone: c.Settings.Phone, Delivers: c.Settings.Delivers, PicksUp: c.Settings.PicksUp,
		Hours: c.courier.sched.Regular(), Pickup: c.pickup.sched.Regular(),
	}
	today := hours.DateOf(s.now(), c.loc)
	for _, d := range c.courier.opt.Special {
		if d.Date.Compare(today) >= 0 {
			p.Special = append(p.Special, d)
		}
	}
	return p, nil
}

package dispatch

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// workView is a courier's work as their page shows it.
type workView struct {
	*Work
	zone    *time.Location
	current []TaskView // the stops of the order at hand
	next    []TaskView // all others
}

func newWorkView(w *Work, zone *time.Location) *workView {
	v := &workView{Work: w, zone: zone}
	for i, t := range w.Tasks {
		if i == 0 || w.Tasks[0].Stop == Pickup && t.Order == w.Tasks[0].Order {
			v.current = append(v.current, t)
		} else {
			v.next = append(v.next, t)
		}
	}
	return v
}

// steps returns the buttons of a stop in the order in which they are pressed.
func steps(t TaskView) []Action {
	all := []Action{Start, Arrive, Complete}
	return all[max(t.State.rank(), 0):]
}

// with returns the other pickups that can be taken along.
func with(v *workView, t TaskView) []TaskView {
	var out []TaskView
	for _, o := range v.Tasks {
		if slices.Contains(t.With, o.ID) {
			out = append(out, o)
		}
	}
	return out
}

func taskPath(t TaskView, a Action) string {
	return "/courier/tasks/" + t.ID.String() + "/" + string(a)
}

func stopWord(ctx context.Context, s Stop) string {
	if s == Pickup {
		return i18n.T(ctx, "Pick up")
	}
	return i18n.T(ctx, "Bring")
}

func stopIcon(s Stop) string {
	if s == Pickup {
		return "utensils"
	}
	return "house"
}

// stopTime is when a stop is due.
func stopTime(t TaskView) time.Time {
	if t.Stop == Pickup {
		return t.ReadyAt
	}
	return t.PromiseTo
}

func stepWord(ctx context.Context, s Stop, a Action) string {
	switch {
	case a == Start && s == Pickup:
		return i18n.T(ctx, "Head to restaurant")
	case a == Start:
		return i18n.T(ctx, "Head to customer")
	case a == Arrive:
		return i18n.T(ctx, "I'm here")
	case s == Pickup:
		return i18n.T(ctx, "Picked up")
	}
	return i18n.T(ctx, "Delivered")
}

func stepIcon(a Action) string {
	switch a {
	case Start:
		return "navigation"
	case Arrive:
		return "map-pin-check"
	}
	return "check"
}

func failWord(ctx context.Context, s Stop) string {
	if s == Pickup {
		return i18n.T(ctx, "Give the order back")
	}
	return i18n.T(ctx, "Could not hand it over")
}

func reasonOptions(ctx context.Context, s Stop) []ui.Option {
	list := DropoffReasons
	if s == Pickup {
		list = PickupReasons
	}
	out := make([]ui.Option, len(list))
	for i, r := range list {
		out[i] = ui.Option{Value: r.Code, Label: i18n.T(ctx, r.Text)}
	}
	return out
}

func ordersWord(ctx context.Context, n int) string {
	return i18n.N(ctx, n, "%d order", "%d orders")
}

func vehicleWord(ctx context.Context, v delivery.Vehicle) string {
	switch v {
	case delivery.CargoBike:
		return i18n.T(ctx, "Cargo bike")
	case delivery.EBike:
		return i18n.T(ctx, "E-bike")
	case delivery.OnFoot:
		return i18n.T(ctx, "On foot")
	case delivery.Car:
		return i18n.T(ctx, "Car")
	}
	return i18n.T(ctx, "Bicycle")
}

func address(t TaskView) string {
	if t.City == "" {
		return t.Street
	}
	return t.Street + ", " + t.City
}

// geoLink opens the phone's own map.
func geoLink(t TaskView) string {
	return "geo:" + t.Point.String() + "?q=" + t.Point.String() + "(" + url.QueryEscape(t.Place) + ")"
}

// osmLink leads to directions on the web.
func osmLink(v *workView, t TaskView) string {
	from := ""
	if !v.Point.IsZero() {
		from = v.Point.String()
	}
	return "https://www.openstreetmap.org/directions?engine=fossgis_osrm_bike&route=" + url.QueryEscape(from+";"+t.Point.String())
}

func telLink(phone string) string {
	return "tel:" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

func offerMap(ctx context.Context, v *workView, o OfferView) ui.MapProps {
	m := ui.MapProps{
		ID: "map-offer-" + o.Order.String(), Label: i18n.T(ctx, "The way from %s to %s.", o.Place, o.ToStreet), Lat: o.Point.Lat, Lon: o.Point.Lon, Fit: true,
		Markers: []ui.Marker{
			{ID: "restaurant", Lat: o.Point.Lat, Lon: o.Point.Lon, Kind: "restaurant", Label: o.Place},
			{ID: "home", Lat: o.To.Lat, Lon: o.To.Lon, Kind: "home", Label: o.ToStreet},
		},
		Route:  [][2]float64{{o.Point.Lat, o.Point.Lon}, {o.To.Lat, o.To.Lon}},
		Topics: "courier:" + v.Courier.String(),
	}
	if !v.Point.IsZero() {
		m.Markers = append(m.Markers, ui.Marker{ID: "courier-" + v.Courier.String(), Lat: v.Point.Lat, Lon: v.Point.Lon, Kind: "courier", Label: i18n.T(ctx, "You")})
		m.Route = append([][2]float64{{v.Point.Lat, v.Point.Lon}}, m.Route...)
	}
	return m
}

// boardEvents are what a board refreshes by; positions move on the map alone.
const boardEvents = "task.changed courier.duty restaurant.changed order.placed order.confirmed order.ready order.delayed order.picked_up " +
	"order.delivered order.cancelled order.restored"

// boardView is a board as the page shows it.
type boardView struct {
	*Board
	filter Filter
	zone   *time.Location
	byName []BoardCourier
}

func newBoardView(b *Board, f Filter, zone *time.Location) *boardView {
	v := &boardView{Board: b, filter: f, zone: zone, byName: slices.Clone(b.Couriers)}
	slices.SortFunc(v.byName, func(x, y BoardCourier) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID)) })
	return v
}

// query keeps the filter over requests: "?only=late", or "".
func (v *boardView) query() string {
	q := url.Values{}
	if v.filter.Only != "" {
		q.Set("only", v.filter.Only)
	}
	if v.filter.Query != "" {
		q.Set("q", v.filter.Query)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (v *boardView) chips(ctx context.Context) []ui.Tab {
	var out []ui.Tab
	for _, c := range [][2]string{{"", i18n.T(ctx, "All")}, {"unassigned", i18n.T(ctx, "Unassigned")}, {"late", i18n.T(ctx, "Late or at risk")}, {"rush", i18n.T(ctx, "In rush")}, {"failed", i18n.T(ctx, "Failed")}} {
		href := "/dispatch"
		if c[0] != "" {
			href += "?only=" + c[0]
		}
		out = append(out, ui.Tab{Href: href, Label: c[1], Active: v.filter.Only == c[0]})
	}
	return out
}

// townMap shows each restaurant and home of the board's orders once, and who rides between them.
func (v *boardView) townMap(ctx context.Context) ui.MapProps {
	m := ui.MapProps{ID: "town", Label: i18n.T(ctx, "Restaurants, homes and couriers of the orders on this board."), Fit: true, Tall: true, Topics: "dispatch", Markers: []ui.Marker{}}
	seen := map[string]bool{}
	add := func(k ui.Marker, p geo.Point) {
		if p.IsZero() || seen[k.ID] {
			return
		}
		seen[k.ID] = true
		k.Lat, k.Lon = p.Lat, p.Lon
		m.Markers = append(m.Markers, k)
		m.Lat, m.Lon = p.Lat, p.Lon
	}
	for _, o := range v.Orders {
		add(ui.Marker{ID: "restaurant-" + o.Restaurant.String(), Kind: "restaurant", Label: o.Place}, o.Point)
		add(ui.Marker{ID: "home-" + o.Order.String(), Kind: "home", Label: o.Code + ", " + o.Street, Href: "#o-" + o.Order.String()}, o.To)
	}
	for _, k := range v.Kitchens {
		add(ui.Marker{ID: "restaurant-" + k.Restaurant.String(), Kind: "restaurant", Label: k.Name}, k.Point)
	}
	for _, c := range v.Couriers {
		add(ui.Marker{ID: "courier-" + c.ID.String(), Kind: "courier", Label: c.Name}, c.Point)
	}
	return m
}

// movable reports whether a dispatcher may give the order to somebody else.
func (o *BoardOrder) movable() bool {
	return (o.State == Unassigned || o.State == Offered || o.State == Assigned) && o.Pickup != Done
}

func (o *BoardOrder) path(what string) string {
	return "/dispatch/orders/" + o.Order.String() + "/" + what
}

// class colours a ticket by how bad things are.
func (o *BoardOrder) class() string {
	switch {
	case o.State == TripFailed || o.Lateness == Late:
		return "ticket-late"
	case o.Lateness == AtRisk:
		return "ticket-new"
	}
	return ""
}

// word says where an order stands, for dispatchers.
func (o *BoardOrder) word(ctx context.Context) string {
	switch {
	case o.State == TripFailed:
		return i18n.T(ctx, "Not handed over")
	case o.State == "":
		return i18n.T(ctx, "Not confirmed")
	case o.Dropoff == Arrived:
		return i18n.T(ctx, "At the door")
	case o.Dropoff == Doing:
		return i18n.T(ctx, "To the customer")
	case o.Pickup == Done:
		return i18n.T(ctx, "Picked up")
	case o.Pickup == Arrived:
		return i18n.T(ctx, "At the counter")
	case o.Pickup == Doing:
		return i18n.T(ctx, "To the restaurant")
	case o.State == Assigned:
		return i18n.T(ctx, "Assigned")
	case o.State == Offered:
		return i18n.T(ctx, "Offered")
	case o.early:
		return i18n.T(ctx, "Later")
	}
	return i18n.T(ctx, "Unassigned")
}

func (o *BoardOrder) tone() ui.Tone {
	switch {
	case o.State == TripFailed:
		return ui.Bad
	case o.State == Unassigned && !o.early:
		return ui.Hot
	case o.State == Assigned:
		return ui.Good
	}
	return ui.Neutral
}

// label is a courier in a select: with what they have to do already.
func (c *BoardCourier) label(ctx context.Context) string {
	if c.Load == 0 {
		return i18n.T(ctx, "%s (free)", c.Name)
	}
	return c.Name + " (" + ordersWord(ctx, c.Load) + ")"
}

func stopLabel(s BoardStop) string {
	if s.Stop == Pickup {
		return s.Place
	}
	return s.Street
}

func stateWord(ctx context.Context, s TaskState) string {
	if s == Arrived {
		return i18n.T(ctx, "there")
	}
	return i18n.T(ctx, "on the way")
}

func lateTone(l Lateness) ui.Tone {
	switch l {
	case Late:
		return ui.Bad
	case AtRisk:
		return ui.Warn
	}
	return ui.News
}

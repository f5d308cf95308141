package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Work is what a courier has to do, and has done today.
type Work struct {
	Courier  id.ID            `json:"courier"`
	OnDuty   bool             `json:"on_duty"`
	Vehicle  delivery.Vehicle `json:"vehicle,omitempty"`
	Since    time.Time        `json:"since,omitzero" doc:"On duty since."`
	Point    geo.Point        `json:"point" doc:"Where the town last saw you; zero where not known."`
	Offers   []OfferView      `json:"offers"`
	Tasks    []TaskView       `json:"tasks" doc:"In the order in which to do them."`
	Done     []DoneView       `json:"done" doc:"Today's, newest first."`
	Tips     money.Amount     `json:"tips" doc:"Today's."`
	Cash     money.Amount     `json:"cash" doc:"Collected at doors today."`
	Currency string           `json:"currency,omitempty"`
}

// OfferView is an order that a courier may take.
type OfferView struct {
	Order     id.ID        `json:"order"`
	Code      string       `json:"code"`
	Until     time.Time    `json:"until" doc:"Then it goes on to somebody else."`
	Place     string       `json:"place"`
	Street    string       `json:"street"`
	Point     geo.Point    `json:"point"`
	ToStreet  string       `json:"to_street"`
	To        geo.Point    `json:"to"`
	AwayM     float64      `json:"away_m" doc:"Metres from you to the restaurant as the crow flies, 0 where your place is not known."`
	RideM     float64      `json:"ride_m" doc:"From there to the customer."`
	ReadyAt   time.Time    `json:"ready_at"`
	PromiseTo time.Time    `json:"promise_to"`
	Tip       money.Amount `json:"tip"`
	Due       money.Amount `json:"due" doc:"To be collected at the door."`
	Currency  string       `json:"currency"`
}

// TaskView is a stop as its courier sees it.
type TaskView struct {
	ID         id.ID        `json:"id"`
	Order      id.ID        `json:"order"`
	Code       string       `json:"code"`
	Stop       Stop         `json:"stop"`
	State      TaskState    `json:"state"`
	Actions    []Action     `json:"actions" doc:"What can be done next, the usual one first."`
	Restaurant id.ID        `json:"restaurant"`
	Place      string       `json:"place" doc:"The restaurant, or whom to ask for."`
	Street     string       `json:"street"`
	City       string       `json:"city,omitempty"`
	Detail     string       `json:"detail,omitempty" doc:"Floor, door, bell."`
	Notes      string       `json:"notes,omitempty" doc:"From the customer, for you."`
	Phone      string       `json:"phone,omitempty"`
	Point      geo.Point    `json:"point" doc:"Where to navigate to."`
	Ready      bool         `json:"ready" doc:"The kitchen has it ready."`
	ReadyAt    time.Time    `json:"ready_at"`
	PromiseTo  time.Time    `json:"promise_to"`
	Items      int          `json:"items"`
	Summary    string       `json:"summary"`
	Method     string       `json:"method"`
	Due        money.Amount `json:"due" doc:"To be collected at the door; 0 when paid."`
	Tip        money.Amount `json:"tip"`
	Currency   string       `json:"currency"`
	Photo      string       `json:"photo,omitempty"`
	With       []id.ID      `json:"with,omitempty" doc:"Further pickups at the same restaurant, which can be completed together."`
}

// DoneView is a trip that a courier has ended today.
type DoneView struct {
	Order    id.ID        `json:"order"`
	Code     string       `json:"code"`
	Street   string       `json:"street"`
	At       time.Time    `json:"at"`
	Failed   string       `json:"failed,omitempty" doc:"Why it could not be handed over."`
	Tip      money.Amount `json:"tip"`
	Cash     money.Amount `json:"cash"`
	Currency string       `json:"currency"`
}

// Tasks returns the acting courier's work: offers, stops in order, and what they have done today.
func (s *Service) Tasks(ctx context.Context) (*Work, error) {
	courier, err := me(ctx)
	if err != nil {
		return nil, err
	}
	w := &Work{Courier: courier, Offers: []OfferView{}, Tasks: []TaskView{}, Done: []DoneView{}}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := s.courier(ctx, tx, courier)
		if err != nil {
			return err
		}
		if c != nil {
			w.OnDuty, w.Vehicle, w.Since, w.Point = true, c.Vehicle, c.Since, c.Point
		}
		offers, err := offersTo(ctx, tx, courier)
		if err != nil {
			return fmt.Errorf("dispatch: offers to %s: %w", courier, err)
		}
		for _, t := range offers {
			w.Offers = append(w.Offers, offerView(t, w.Point))
		}
		open, err := openTripsOf(ctx, tx, courier)
		if err != nil {
			return fmt.Errorf("dispatch: trips of %s: %w", courier, err)
		}
		for _, t := range open {
			b, err := s.Orders.Brief(ctx, tx, t.Order)
			if err != nil {
				return err
			}
			if err := s.addTasks(ctx, w, t, &b); err != nil {
				return err
			}
		}
		sortTasks(w.Tasks)
		return s.addDone(ctx, tx, w)
	})
	if err != nil {
		return nil, err
	}
	bundle(w.Tasks)
	return w, nil
}

func offerView(t *Trip, from geo.Point) OfferView {
	return OfferView{
		Order: t.Order, Code: t.Code, Until: t.OfferUntil, Place: t.Pickup.Place, Street: t.Pickup.Street, Point: t.Pickup.Point,
		ToStreet: t.Dropoff.Street, To: t.Dropoff.Point, AwayM: distM(from, t.Pickup.Point), RideM: distM(t.Pickup.Point, t.Dropoff.Point),
		ReadyAt: t.ReadyAt, PromiseTo: t.PromiseTo, Tip: t.Tip, Due: t.Due, Currency: t.Currency,
	}
}

// addTasks adds the open stops of a trip.
func (s *Service) addTasks(ctx context.Context, w *Work, t *Trip, b *delivery.Brief) error {
	shop, err := s.Shops.Shop(ctx, t.Restaurant)
	if err != nil {
		return err
	}
	ready := b.State == delivery.Ready || b.State == delivery.InDelivery
	for _, k := range []*Task{&t.Pickup, &t.Dropoff} {
		if k.State.rank() < 0 || k.State == Done {
			continue
		}
		v := TaskView{
			ID: k.ID, Order: t.Order, Code: t.Code, Stop: k.Stop, State: k.State, Restaurant: t.Restaurant, Place: k.Place, Street: k.Street,
			Point: k.Point, Ready: ready, ReadyAt: t.ReadyAt, PromiseTo: t.PromiseTo, Items: b.Items, Summary: b.Summary, Method: string(b.Method),
			Due: b.Due, Tip: b.Tip, Currency: b.Currency, Photo: k.Photo, Actions: nextActions(t, k),
		}
		if k.Stop == Pickup {
			v.Phone, v.City = shop.Phone, shop.City
		} else if b.To != nil {
			v.City, v.Detail, v.Notes, v.Phone = b.To.City, b.To.Detail, b.To.Notes, b.To.Phone
		}
		w.Tasks = append(w.Tasks, v)
	}
	return nil
}

// nextActions returns what a courier can do to a task, the usual one first.
func nextActions(t *Trip, k *Task) []Action {
	if k.Stop == Dropoff && t.Pickup.State != Done {
		return []Action{}
	}
	return append([]Action{Start, Arrive, Complete}[k.State.rank():], Fail)
}

// sortTasks puts stops in the order in which to do them: what is begun, then the pickups by when they are ready, then the doors by promise.
func sortTasks(list []TaskView) {
	key := func(v TaskView) (int, time.Time) {
		switch {
		case v.State != Todo:
			return 0, v.PromiseTo
		case v.Stop == Pickup:
			return 1, v.ReadyAt
		}
		return 2, v.PromiseTo
	}
	slices.SortStableFunc(list, func(a, b TaskView) int {
		x, at := key(a)
		y, bt := key(b)
		return cmp.Or(cmp.Compare(x, y), at.Compare(bt))
	})
}

// bundle tells each pickup which others are at the same restaurant and ready.
func bundle(list []TaskView) {
	for i := range list {
		v := &list[i]
		for _, o := range list {
			if v.Stop == Pickup && o.Stop == Pickup && o.ID != v.ID && o.Restaurant == v.Restaurant && o.Ready {
				v.With = append(v.With, o.ID)
			}
		}
	}
}

// addDone adds what the courier has ended since midnight in the town.
func (s *Service) addDone(ctx context.Context, tx *db.Tx, w *Work) error {
	now := s.Now().In(s.opt.Zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.opt.Zone)
	list, err := doneSince(ctx, tx, w.Courier, midnight)
	if err != nil {
		return fmt.Errorf("dispatch: done trips of %s: %w", w.Courier, err)
	}
	for _, t := range list {
		v := DoneView{Order: t.Order, Code: t.Code, Street: t.Dropoff.Street, At: t.ClosedAt, Currency: t.Currency}
		if t.State == TripFailed {
			v.Failed = i18n.T(ctx, cmp.Or(reasonText(t.Dropoff.Reason), i18n.Key("Not handed over")))
		} else {
			v.Tip, v.Cash = t.Tip, t.Due
			w.Tips += t.Tip
			w.Cash += t.Due
		}
		w.Currency = t.Currency
		w.Done = append(w.Done, v)
	}
	return nil
}

// Board is the whole town's work as dispatchers see it.
type Board struct {
	At       time.Time      `json:"at"`
	Orders   []BoardOrder   `json:"orders" doc:"Failed first, then by need: unassigned, late, at risk, by promise."`
	Couriers []BoardCourier `json:"couriers"`
	Kitchens []Kitchen      `json:"kitchens" doc:"Restaurants that are paused or in rush."`
}

// BoardOrder is an order to be brought.
type BoardOrder struct {
	Order       id.ID            `json:"order"`
	Code        string           `json:"code"`
	OrderState  delivery.State   `json:"order_state"`
	State       TripState        `json:"state" doc:"unassigned, offered, assigned, failed, or empty while the restaurant has not confirmed it."`
	Lateness    Lateness         `json:"lateness" enum:"on_time,at_risk,late"`
	ETA         time.Time        `json:"eta" doc:"When it is expected at the door."`
	ReadyAt     time.Time        `json:"ready_at"`
	PromiseFrom time.Time        `json:"promise_from"`
	PromiseTo   time.Time        `json:"promise_to"`
	AssignAt    time.Time        `json:"assign_at,omitzero" doc:"From when a courier is looked for."`
	Restaurant  id.ID            `json:"restaurant"`
	Place       string           `json:"place"`
	Point       geo.Point        `json:"point"`
	Rush        bool             `json:"rush" doc:"The kitchen is in rush mode."`
	Street      string           `json:"street"`
	To          geo.Point        `json:"to"`
	Customer    string           `json:"customer"`
	Items       int              `json:"items"`
	Summary     string           `json:"summary"`
	Due         money.Amount     `json:"due"`
	Currency    string           `json:"currency"`
	Courier     id.ID            `json:"courier,omitzero"`
	CourierName string           `json:"courier_name,omitempty"`
	OfferedTo   string           `json:"offered_to,omitempty"`
	OfferUntil  time.Time        `json:"offer_until,omitzero"`
	Pickup      TaskState        `json:"pickup,omitempty"`
	Dropoff     TaskState        `json:"dropoff,omitempty"`
	Reason      string           `json:"reason,omitempty" doc:"Why it failed, at the door or at the counter before."`
	Note        string           `json:"note,omitempty"`
	address     delivery.Address // for the search
	early       bool             // it is not yet time to look for a courier
}

// BoardCourier is a courier on duty with their stops.
type BoardCourier struct {
	delivery.Courier
	Load  int         `json:"load" doc:"How many orders they have."`
	Stops []BoardStop `json:"stops" doc:"In the order in which to do them."`
}

// BoardStop is one stop of a courier.
type BoardStop struct {
	Order   id.ID     `json:"order"`
	Code    string    `json:"code"`
	Stop    Stop      `json:"stop"`
	State   TaskState `json:"state"`
	Place   string    `json:"place"`
	Street  string    `json:"street"`
	Planned time.Time `json:"planned_at"`
	Late    Lateness  `json:"lateness"`
}

// Kitchen is a restaurant that does not work as usual.
type Kitchen struct {
	Restaurant id.ID     `json:"restaurant"`
	Slug       string    `json:"slug"`
	Name       string    `json:"name"`
	Point      geo.Point `json:"point"`
	Paused     bool      `json:"paused"`
	Rush       bool      `json:"rush"`
}

// Filter chooses orders of a board. The zero Filter chooses all.
type Filter struct {
	Only  string // "", "late" (and at risk), "unassigned", "rush" or "failed"
	Query string // part of a code, a name or a street
}

// failedShown is how long a failed hand-over stays on the board.
const failedShown = 12 * time.Hour

// Board returns the orders to be brought, the couriers on duty and the kitchens that are not as usual. It returns a Forbidden error for who
// is no dispatcher and an Invalid error for an unknown filter.
func (s *Service) Board(ctx context.Context, f Filter) (*Board, error) {
	if err := dispatcher(ctx, "dispatch.board"); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "late", "unassigned", "rush", "failed"}, f.Only) {
		return nil, errs.InvalidField("only", "Choose one of late, unassigned, rush and failed.")
	}
	briefs, err := s.Orders.OpenBriefs(ctx)
	if err != nil {
		return nil, fmt.Errorf("dispatch: open orders: %w", err)
	}
	kitchens, err := s.Shops.Near(ctx, delivery.NearQuery{}, nil)
	if err != nil {
		return nil, fmt.Errorf("dispatch: kitchens: %w", err)
	}
	var open, failed []*Trip
	var couriers []delivery.Courier
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if open, err = openTrips(ctx, tx); err != nil {
			return err
		}
		if failed, err = failedSince(ctx, tx, s.Now().Add(-failedShown)); err != nil {
			return err
		}
		for _, t := range failed {
			b, err := s.Orders.Brief(ctx, tx, t.Order)
			if err != nil {
				return err
			}
			briefs = append(briefs, b)
		}
		couriers, err = s.Couriers.OnDuty(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dispatch: board: %w", err)
	}
	b := s.assemble(ctx, briefs, append(open, failed...), couriers, kitchens)
	b.filter(f)
	return b, nil
}

// assemble puts a board together out of what was read.
func (s *Service) assemble(ctx context.Context, briefs []delivery.Brief, trips []*Trip, couriers []delivery.Courier, kitchens []delivery.Listing) *Board {
	now := s.Now()
	b := &Board{At: now, Orders: []BoardOrder{}, Couriers: make([]BoardCourier, len(couriers)), Kitchens: []Kitchen{}}
	shops := map[id.ID]delivery.Listing{}
	for _, l := range kitchens {
		shops[l.Card.ID] = l
		if l.Paused || l.Rush {
			b.Kitchens = append(b.Kitchens, Kitchen{l.Card.ID, l.Card.Slug, l.Card.Name, l.Card.Point, l.Paused, l.Rush})
		}
	}
	slices.SortFunc(b.Kitchens, func(x, y Kitchen) int { return cmp.Compare(x.Name, y.Name) })
	at := map[id.ID]*BoardCourier{}
	for i, c := range couriers {
		b.Couriers[i] = BoardCourier{Courier: c, Stops: []BoardStop{}}
		at[c.ID] = &b.Couriers[i]
	}
	byOrder := map[id.ID]*Trip{}
	for _, t := range trips {
		byOrder[t.Order] = t
	}
	for i := range briefs {
		br := &briefs[i]
		t := byOrder[br.ID]
		if br.Mode != delivery.ByCourier || br.To == nil || t == nil && br.State != delivery.Created {
			continue
		}
		l := shops[br.Restaurant]
		o := s.boardOrder(ctx, br, t, at, l.Rush, now)
		if t == nil && l.Card != nil {
			o.Place, o.Point = l.Card.Name, l.Card.Point
		}
		b.Orders = append(b.Orders, o)
		if c := at[o.Courier]; c != nil && t.State == Assigned {
			c.Load++
			c.addStops(t, o.Lateness)
		}
	}
	slices.SortStableFunc(b.Orders, func(x, y BoardOrder) int {
		return cmp.Or(cmp.Compare(x.need(), y.need()), x.PromiseTo.Compare(y.PromiseTo))
	})
	for i := range b.Couriers {
		b.Couriers[i].sortStops()
	}
	slices.SortStableFunc(b.Couriers, func(x, y BoardCourier) int { return cmp.Or(cmp.Compare(x.Load, y.Load), cmp.Compare(x.Name, y.Name)) })
	return b
}

// boardOrder shows one order; t is nil while the restaurant has not confirmed it.
func (s *Service) boardOrder(ctx context.Context, br *delivery.Brief, t *Trip, at map[id.ID]*BoardCourier, rush bool, now time.Time) BoardOrder {
	o := BoardOrder{
		Order: br.ID, Code: br.Code, OrderState: br.State, ReadyAt: br.ReadyAt, PromiseFrom: br.PromiseFrom, PromiseTo: br.PromiseTo,
		Restaurant: br.Restaurant, Rush: rush, Street: br.To.Street, To: br.To.Point, Customer: br.CustomerName, Items: br.Items,
		Summary: br.Summary, Due: br.Due, Currency: br.Currency, ETA: br.PromiseTo, address: *br.To,
	}
	if t != nil {
		o.State, o.AssignAt, o.Place, o.Point = t.State, t.AssignAt, t.Pickup.Place, t.Pickup.Point
		o.Courier, o.OfferUntil, o.Pickup, o.Dropoff = t.Courier, t.OfferUntil, t.Pickup.State, t.Dropoff.State
		o.Reason, o.Note = i18n.T(ctx, reasonText(cmp.Or(t.Dropoff.Reason, t.Pickup.Reason))), cmp.Or(t.Dropoff.Note, t.Pickup.Note)
		if c := at[t.OfferedTo]; c != nil {
			o.OfferedTo = c.Name
		}
		var courier *delivery.Courier
		if c := at[t.Courier]; c != nil {
			o.CourierName, courier = c.Name, &c.Courier
		}
		o.ETA = s.pace().ETA(t, courier, now)
		o.early = t.AssignAt.After(now)
	}
	o.Lateness = LatenessOf(o.ETA, o.PromiseTo, now)
	return o
}

// need orders a board: what failed, what nobody has though it is time, then what is late.
func (o *BoardOrder) need() int {
	switch {
	case o.State == TripFailed:
		return 0
	case o.State == Unassigned && o.Lateness != OnTime:
		return 1
	case o.State == Unassigned && !o.early:
		return 2
	case o.Lateness == Late:
		return 3
	case o.Lateness == AtRisk:
		return 4
	}
	return 5
}

func (c *BoardCourier) addStops(t *Trip, late Lateness) {
	for _, k := range []*Task{&t.Pickup, &t.Dropoff} {
		if k.State != Done {
			c.Stops = append(c.Stops, BoardStop{t.Order, t.Code, k.Stop, k.State, k.Place, k.Street, k.Planned, late})
		}
	}
}

func (c *BoardCourier) sortStops() {
	key := func(v BoardStop) int {
		switch {
		case v.State != Todo:
			return 0
		case v.Stop == Pickup:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(c.Stops, func(a, b BoardStop) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), a.Planned.Compare(b.Planned))
	})
}

// filter leaves the orders that f chooses.
func (b *Board) filter(f Filter) {
	query := text.Fold(strings.TrimSpace(f.Query))
	code := strings.ReplaceAll(query, "-", "")
	b.Orders = slices.DeleteFunc(b.Orders, func(o BoardOrder) bool {
		switch f.Only {
		case "late":
			if o.Lateness == OnTime {
				return true
			}
		case "unassigned":
			if o.State != Unassigned && o.State != Offered {
				return true
			}
		case "rush":
			if !o.Rush {
				return true
			}
		case "failed":
			if o.State != TripFailed {
				return true
			}
		}
		if query == "" {
			return false
		}
		hay := text.Fold(o.Place + " " + o.Customer + " " + o.address.Street + " " + o.CourierName)
		return !strings.Contains(hay, query) && !strings.Contains(text.Fold(strings.ReplaceAll(o.Code, "-", "")), code)
	})
}

// AtCounter returns when the couriers of orders will be at their restaurants, by their newest positions: only of orders that somebody has
// been given and not picked up yet.
func (s *Service) AtCounter(ctx context.Context, orders []id.ID) (map[id.ID]time.Time, error) {
	out := make(map[id.ID]time.Time, len(orders))
	now := s.Now()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		couriers, err := s.Couriers.OnDuty(ctx, tx)
		if err != nil {
			return err
		}
		for _, order := range orders {
			t, err := byOrder(ctx, tx, order)
			if errs.Is(err, errs.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			i := slices.IndexFunc(couriers, func(c delivery.Courier) bool { return c.ID == t.Courier })
			if i < 0 || t.Pickup.State == Done {
				continue
			}
			if at, ok := s.pace().toCounter(t, &couriers[i], now); ok {
				out[order] = at
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dispatch: when couriers are at the counter: %w", err)
	}
	return out, nil
}

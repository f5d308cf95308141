package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Orders is what dispatch asks of orders. delivery/order answers; the moves happen in dispatch's own transactions.
type Orders interface {
	// Brief returns an order, or a NotFound error.
	Brief(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Brief, error)
	// OpenBriefs returns every order that is not finished.
	OpenBriefs(ctx context.Context) ([]delivery.Brief, error)
	// SetCourier says who carries an order; 0: nobody any more.
	SetCourier(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error
	// PickUp, Heading, Arrived, HandOver and FailHandOver are an order's way with its courier.
	PickUp(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error
	Heading(ctx context.Context, tx *db.Tx, order, courier id.ID, eta, at time.Time) error
	Arrived(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error
	HandOver(ctx context.Context, tx *db.Tx, order, courier id.ID, proof delivery.Proof, at time.Time) error
	FailHandOver(ctx context.Context, tx *db.Tx, order, courier id.ID, reason, note string, at time.Time) error
}

// Restorer takes up a cancelled order where it stood, in a transaction of its own, for the acting person.
type Restorer func(ctx context.Context, order id.ID) error

// Couriers knows who is on duty and where. delivery/courier answers.
type Couriers interface {
	OnDuty(ctx context.Context, tx *db.Tx) ([]delivery.Courier, error)
}

// Shops knows the restaurants. delivery/restaurant answers, from memory.
type Shops interface {
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	Near(ctx context.Context, q delivery.NearQuery, buf []delivery.Listing) ([]delivery.Listing, error)
}

// Photos keeps pictures.
type Photos interface {
	// Put stores a picture and returns the URL path under which it is served. It returns an Invalid error for what is no picture.
	Put(ctx context.Context, r io.Reader) (path string, err error)
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB       *db.DB
	IDs      *id.Source
	Now      clock.Func
	Log      *events.Log
	Jobs     *jobs.Queue
	Orders   Orders
	Restore  Restorer
	Couriers Couriers
	Shops    Shops
	Photos   Photos
}

// Options are the town's rules. Zero values stand for the defaults named.
type Options struct {
	OfferFor time.Duration  // how long a courier may think about an offer; 45 s
	Pace     Pace           // how fast the town rides
	Zone     *time.Location // the town's, for "today"; UTC

	// Live, where not nil, is asked each time for what OfferFor and Pace say otherwise.
	Live func() (offerFor time.Duration, p Pace)
}

// Service keeps the trips. Safe for concurrent use.
type Service struct {
	Deps
	opt Options

	mu     sync.RWMutex
	headed map[id.ID][]id.ID // courier → orders whose customers they are on the way to
}

// New returns a Service. Call React once, and Load before serving.
func New(d Deps, o Options) *Service {
	if o.OfferFor <= 0 {
		o.OfferFor = 45 * time.Second
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	o.Pace = o.Pace.withDefaults()
	return &Service{Deps: d, opt: o, headed: map[id.ID][]id.ID{}}
}

// offerFor returns how long a courier may think about an offer now.
func (s *Service) offerFor() time.Duration {
	if s.opt.Live != nil {
		d, _ := s.opt.Live()
		return d
	}
	return s.opt.OfferFor
}

// pace returns how fast the town rides now.
func (s *Service) pace() Pace {
	if s.opt.Live != nil {
		_, p := s.opt.Live()
		return p.withDefaults()
	}
	return s.opt.Pace
}

// How far the clock of a phone may be off, and how long it may have been without a net.
const (
	maxAhead = 2 * time.Minute
	maxAge   = 24 * time.Hour
)

// moment returns when something happened that a phone says was at a time (zero: now). It returns an Invalid error for an impossible time.
func (s *Service) moment(at time.Time) (Moment, error) {
	now := s.Now().UTC().Truncate(time.Microsecond)
	at = at.UTC().Truncate(time.Microsecond)
	switch {
	case at.IsZero():
		at = now
	case at.After(now.Add(maxAhead)):
		return Moment{}, errs.InvalidField("at", "This time lies in the future. Check the clock of your phone.")
	case at.Before(now.Add(-maxAge)):
		return Moment{}, errs.InvalidField("at", "This is more than a day ago.")
	case at.After(now):
		at = now
	}
	return Moment{At: at, Heard: now}, nil
}

// me returns the acting courier, or the error for whoever else it is.
func me(ctx context.Context) (id.ID, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return 0, err
	}
	return actor.ID, access.Can(actor, "courier.work", access.Thing{Kind: "courier", ID: actor.ID, Courier: actor.ID})
}

// dispatcher returns nil for who may do verb to the whole town's trips.
func dispatcher(ctx context.Context, verb string) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	return access.Can(actor, verb, access.Thing{Kind: "dispatch"})
}

// change changes one trip: fn changes it and returns whether it did, with whatever else belongs to that; then it is stored and told.
func (s *Service) change(ctx context.Context, tx *db.Tx, order id.ID, fn func(t *Trip) (bool, error)) error {
	t, err := lock(ctx, tx, order)
	if err != nil {
		return err
	}
	before := *t
	moved, err := fn(t)
	if err != nil || !moved {
		return err
	}
	if err := saveTrip(ctx, tx, t, &before); err != nil {
		return fmt.Errorf("dispatch: store trip %s: %w", order, err)
	}
	return s.tell(ctx, tx, t, &before)
}

// What a task.changed event says of an offer, beside the states of tasks.
const (
	stateOffered   = "OFFERED"
	stateWithdrawn = "WITHDRAWN"
)

// tell appends what is different now for couriers and dispatchers.
func (s *Service) tell(ctx context.Context, tx *db.Tx, t, before *Trip) error {
	now, actor := s.Now(), access.From(ctx).ID
	base := delivery.TaskChanged{Task: t.Pickup.ID, Order: t.Order, Stop: string(Pickup), At: now}
	var out []delivery.TaskChanged
	if was := before.OfferedTo; was != 0 && was != t.OfferedTo && was != t.Courier {
		e := base
		e.Before, e.State = was, stateWithdrawn
		out = append(out, e)
	}
	if t.OfferedTo != 0 && t.OfferedTo != before.OfferedTo {
		e := base
		e.Courier, e.State = t.OfferedTo, stateOffered
		out = append(out, e)
	}
	for _, k := range [][2]*Task{{&t.Pickup, &before.Pickup}, {&t.Dropoff, &before.Dropoff}} {
		is, was := k[0], k[1]
		if is.State == was.State && is.Courier == was.Courier && (is.Planned.Equal(was.Planned) || is.Courier == 0) {
			continue
		}
		e := delivery.TaskChanged{Task: is.ID, Order: t.Order, Courier: is.Courier, Stop: string(is.Stop), State: string(is.State), Reason: is.Reason, At: now}
		if was.Courier != is.Courier {
			e.Before = was.Courier
		}
		if !is.Ended.At.IsZero() && is.Ended != was.Ended {
			e.At = is.Ended.At
		}
		out = append(out, e)
	}
	for _, e := range out {
		if err := s.Log.Append(ctx, tx, now, actor, e); err != nil {
			return fmt.Errorf("dispatch: tell of trip %s: %w", t.Order, err)
		}
	}
	return nil
}

// Accept takes the order that is offered to the acting courier. Accepting again is a success. It returns a Conflict error (code
// "offer_gone") where the offer has gone to somebody else, and NotFound where it never was theirs.
func (s *Service) Accept(ctx context.Context, order id.ID) error {
	courier, err := me(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return hidden(errNoOffer, s.change(ctx, tx, order, func(t *Trip) (bool, error) {
			moved, err := t.Accept(courier)
			if err != nil || !moved {
				return false, err
			}
			return true, s.Orders.SetCourier(ctx, tx, order, courier, s.Now())
		}))
	})
}

// Decline sends the order that is offered to the acting courier on to the next. Declining again is a success. It returns NotFound where
// it never was offered to them, and a Conflict error where they have accepted it.
func (s *Service) Decline(ctx context.Context, order id.ID) error {
	courier, err := me(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return hidden(errNoOffer, s.change(ctx, tx, order, func(t *Trip) (bool, error) {
			moved, err := t.Decline(courier)
			if err != nil || !moved {
				return false, err
			}
			return true, s.wake(ctx, tx)
		}))
	})
}

// hidden gives an unknown order the same answer as another's offer.
func hidden(as error, err error) error {
	if errors.Is(err, errNoTrip) {
		return as
	}
	return err
}

// Did is what a courier did to a task.
type Did struct {
	At     time.Time      // when it truly was; zero: now
	Proof  delivery.Proof // with Complete of a dropoff
	Also   []id.ID        // with Complete of a pickup: further pickups at the same restaurant, all or none
	Reason string         // with Fail: one of Reasons
	Note   string         // with Fail
}

// Do does an action of the acting courier to a task and moves its order along in the same transaction:
//
//	start     the courier is on the way; to the customer, who sees them from now on
//	arrive    they are there
//	complete  they have the food (Conflict "not_ready" while the kitchen has not finished it), or have handed it over, shown by code or photo
//	fail      they could not: a pickup goes to another courier, a dropoff ends the order until a dispatcher sends it out again
//
// Doing what was done is a success. It returns NotFound for another's task, a Conflict error "task_moved" for one that was taken away or
// cancelled meanwhile and "pickup_first" for a dropoff without its food, Invalid errors for impossible times, reasons and proofs.
func (s *Service) Do(ctx context.Context, task id.ID, a Action, d Did) error {
	courier, err := me(ctx)
	if err != nil {
		return err
	}
	m, err := s.moment(d.At)
	if err != nil {
		return err
	}
	d.Note, d.Proof.Note = text.Clean(d.Note, 300), text.Clean(d.Proof.Note, 300)
	if a != Complete || len(d.Also) == 0 {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := s.do(ctx, tx, courier, task, a, d, m)
			return err
		})
	}
	if len(d.Also) > 20 {
		return errs.InvalidField("tasks", "Name at most 20 tasks.")
	}
	all := append(slices.Clone(d.Also), task)
	slices.Sort(all) // whoever takes several trips takes them in one order
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		var shop id.ID
		for _, one := range slices.Compact(slices.Clone(all)) {
			t, err := s.do(ctx, tx, courier, one, a, d, m)
			if err != nil {
				return err
			}
			if t.Pickup.ID != one || shop != 0 && t.Restaurant != shop {
				return errs.InvalidField("tasks", "Only pickups at one restaurant can be completed together.")
			}
			shop = t.Restaurant
		}
		return nil
	})
}

// do does one action in a transaction and returns the trip.
func (s *Service) do(ctx context.Context, tx *db.Tx, courier, task id.ID, a Action, d Did, m Moment) (*Trip, error) {
	order, err := orderOf(ctx, tx, task)
	if err != nil {
		return nil, err
	}
	var trip *Trip
	err = s.change(ctx, tx, order, func(t *Trip) (bool, error) {
		trip = t
		k := t.task(task)
		moved, err := t.Act(courier, k, a, m)
		if err != nil || !moved {
			return false, err
		}
		if a == Fail {
			k.Reason, k.Note = d.Reason, d.Note
		}
		if k.Stop == Pickup {
			return true, s.pickup(ctx, tx, t, a)
		}
		return true, s.dropoff(ctx, tx, t, a, d, m)
	})
	return trip, err
}

// pickup carries out what an action to the pickup means for the order.
func (s *Service) pickup(ctx context.Context, tx *db.Tx, t *Trip, a Action) error {
	switch a {
	case Complete:
		b, err := s.Orders.Brief(ctx, tx, t.Order)
		if err != nil {
			return err
		}
		if b.State == delivery.Confirmed || b.State == delivery.Preparing {
			return errs.New(errs.Conflict, "The kitchen has not marked %s as ready yet. Ask them to, then try again.", t.Code).WithCode("not_ready")
		}
		return taken(s.Orders.PickUp(ctx, tx, t.Order, t.Courier, t.Pickup.Ended.At))
	case Fail:
		if !known(PickupReasons, t.Pickup.Reason) {
			return errs.InvalidField("reason", "Give one of these reasons: %s.", codes(PickupReasons))
		}
		t.Release()
		if err := s.Orders.SetCourier(ctx, tx, t.Order, 0, s.Now()); err != nil {
			return taken(err)
		}
		return s.search(ctx, tx, t)
	}
	return nil
}

// dropoff carries out what an action to the dropoff means for the order.
func (s *Service) dropoff(ctx context.Context, tx *db.Tx, t *Trip, a Action, d Did, m Moment) error {
	k := &t.Dropoff
	switch a {
	case Start:
		c, err := s.courier(ctx, tx, t.Courier)
		if err != nil {
			return err
		}
		return taken(s.Orders.Heading(ctx, tx, t.Order, t.Courier, s.pace().ETA(t, c, m.At), k.Started.At))
	case Arrive:
		return taken(s.Orders.Arrived(ctx, tx, t.Order, t.Courier, k.Arrived.At))
	case Complete:
		d.Proof.Code = strings.TrimSpace(d.Proof.Code)
		if d.Proof.Photo != "" && d.Proof.Photo != k.Photo {
			return errs.InvalidField("photo", "Upload the photo for this task first.")
		}
		if err := s.Orders.HandOver(ctx, tx, t.Order, t.Courier, d.Proof, k.Ended.At); err != nil {
			return taken(err)
		}
	case Fail:
		if !known(DropoffReasons, k.Reason) {
			return errs.InvalidField("reason", "Give one of these reasons: %s.", codes(DropoffReasons))
		}
		if err := s.Orders.FailHandOver(ctx, tx, t.Order, t.Courier, k.Reason, k.Note, k.Ended.At); err != nil {
			return taken(err)
		}
	}
	return s.wake(ctx, tx)
}

// taken has an order that went another way read as a task that did: a phone drops such actions from its queue.
func taken(err error) error {
	switch errs.CodeOf(err) {
	case "wrong_state", "not_yours":
		e := errs.New(errs.Conflict, "This order has moved on.").WithCode("task_moved").WithCause(err)
		if was := errs.As(err); was != nil {
			e.Message, e.Format, e.Args = was.Message, was.Format, was.Args
		}
		return e
	}
	return err
}

// courier returns a courier on duty, or nil.
func (s *Service) courier(ctx context.Context, tx *db.Tx, courier id.ID) (*delivery.Courier, error) {
	list, err := s.Couriers.OnDuty(ctx, tx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(c delivery.Courier) bool { return c.ID == courier }); i >= 0 {
		return &list[i], nil
	}
	return nil, nil
}

// Photo stores a photo taken at a task's door and returns its URL path, which completes the dropoff as proof. It returns NotFound for
// another's task.
func (s *Service) Photo(ctx context.Context, task id.ID, r io.Reader) (string, error) {
	courier, err := me(ctx)
	if err != nil {
		return "", err
	}
	var order id.ID
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if order, err = orderOf(ctx, tx, task); err != nil {
			return err
		}
		t, err := byOrder(ctx, tx, order)
		if err == nil && t.task(task).Courier != courier {
			err = errNoTask
		}
		return err
	})
	if err != nil {
		return "", err
	}
	path, err := s.Photos.Put(ctx, r)
	if err != nil {
		return "", err
	}
	return path, s.DB.Write(ctx, func(tx *db.Tx) error {
		return s.change(ctx, tx, order, func(t *Trip) (bool, error) {
			k := t.task(task)
			if k.Courier != courier {
				return false, errMoved
			}
			k.Photo = path
			return true, nil
		})
	})
}

// Assign gives an order to a courier on duty by a dispatcher's hand, whatever was before; 0 takes it back and the search begins anew. To
// say it twice is a success. It returns NotFound for an order that needs no courier, a Conflict error once the food is on the road or the
// trip is over, and an Invalid error for a courier who is not on duty.
func (s *Service) Assign(ctx context.Context, order, courier id.ID) error {
	if err := dispatcher(ctx, "dispatch.assign"); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if courier != 0 {
			c, err := s.courier(ctx, tx, courier)
			if err != nil {
				return err
			}
			if c == nil {
				return errs.InvalidField("courier", "This courier is not on duty.")
			}
		}
		return s.change(ctx, tx, order, func(t *Trip) (bool, error) {
			was := t.Courier
			moved, err := t.Assign(courier)
			if err != nil || !moved {
				return false, err
			}
			if err := s.Orders.SetCourier(ctx, tx, order, courier, s.Now()); err != nil {
				return false, err
			}
			if courier == 0 {
				t.Declined = []id.ID{was}
				if err := s.search(ctx, tx, t); err != nil {
					return false, err
				}
			}
			return true, s.wake(ctx, tx)
		})
	})
}

// Retry sends an order out again that could not be handed over, with the courier who has it. It returns what restoring the order returns,
// and a Conflict error for an order whose hand-over did not fail.
func (s *Service) Retry(ctx context.Context, order id.ID) error {
	if err := dispatcher(ctx, "dispatch.assign"); err != nil {
		return err
	}
	if err := s.failed(ctx, order); err != nil {
		return err
	}
	// The trip follows by the order's event, as it does when the restaurant restores an order.
	return s.Restore(ctx, order)
}

// Dismiss leaves an order cancelled whose hand-over failed, so that the board does not show it any more.
func (s *Service) Dismiss(ctx context.Context, order id.ID) error {
	if err := dispatcher(ctx, "dispatch.assign"); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return s.change(ctx, tx, order, func(t *Trip) (bool, error) {
			switch t.State {
			case TripFailed:
				t.State = TripCancelled
				t.Dropoff.State = Cancelled
				return true, nil
			case TripCancelled:
				return false, nil
			}
			return false, errNotFailed
		})
	})
}

var errNotFailed = errs.New(errs.Conflict, "The hand-over of this order did not fail.").WithCode("wrong_state")

// failed returns nil for an order whose hand-over failed and about which nothing was decided.
func (s *Service) failed(ctx context.Context, order id.ID) error {
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		t, err := byOrder(ctx, tx, order)
		if err == nil && t.State != TripFailed {
			err = errNotFailed
		}
		return err
	})
}

// Heading returns the orders whose customers a courier is on the way to, from memory.
func (s *Service) Heading(courier id.ID) []id.ID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.headed[courier]
}

// OpenTasks returns how many orders a courier still has to carry.
func (s *Service) OpenTasks(ctx context.Context, tx *db.Tx, courier id.ID) (int, error) {
	n, err := countOpen(ctx, tx, courier)
	if err != nil {
		return 0, fmt.Errorf("dispatch: count tasks of %s: %w", courier, err)
	}
	return n, nil
}

// Reason is why a courier could not do something.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// PickupReasons are why food was not picked up; the order goes to another courier.
var PickupReasons = []Reason{
	{"CLOSED_STORE", i18n.Key("The restaurant is closed")},
	{"LATE", i18n.Key("The food takes too long")},
	{"ITEM_MISSING", i18n.Key("Something is missing")},
	{"BREAKDOWN", i18n.Key("Breakdown or accident")},
	{"WEATHER", i18n.Key("The weather is too bad")},
	{"OTHER", i18n.Key("Another reason")},
}

// DropoffReasons are why food was not handed over: those for which an order may be ended by its courier.
var DropoffReasons = []Reason{
	{"NOT_AT_HOME", i18n.Key("Nobody opened")},
	{"WRONG_ADDRESS", i18n.Key("The address is wrong")},
	{"REFUSED", i18n.Key("The customer did not want it")},
	{"ITEM_MISSING", i18n.Key("Something is missing")},
	{"DAMAGED", i18n.Key("It was damaged on the way")},
	{"LOST", i18n.Key("It was lost")},
	{"BREAKDOWN", i18n.Key("Breakdown or accident")},
	{"OTHER", i18n.Key("Another reason")},
}

func known(list []Reason, code string) bool {
	return slices.ContainsFunc(list, func(r Reason) bool { return r.Code == code })
}

func codes(list []Reason) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.Code
	}
	return strings.Join(out, ", ")
}

// reasonText returns a reason's words for people, in English, or "".
func reasonText(code string) string {
	for _, r := range append(slices.Clone(PickupReasons), DropoffReasons...) {
		if r.Code == code {
			return r.Text
		}
	}
	return ""
}

// distM is the way between two points, 0 where either is not known.
func distM(a, b geo.Point) float64 {
	if a.IsZero() || b.IsZero() {
		return 0
	}
	return geo.DistanceM(a, b)
}

// Carried returns the orders that a courier handed over from from on and before to, without their distances. It does not ask who wants to
// know.
func (s *Service) Carried(ctx context.Context, tx *db.Tx, courier id.ID, from, to time.Time) ([]delivery.Ride, error) {
	list, err := ridesOf(ctx, tx, courier, from, to)
	if err != nil {
		return nil, fmt.Errorf("dispatch: list what %s carried: %w", courier, err)
	}
	return list, nil
}

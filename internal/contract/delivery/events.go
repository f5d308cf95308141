package delivery

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// What happens to an order. The event's kind is "order." and one of these.
const (
	OrderPlaced    = "placed" // paid for or to be paid on delivery: the kitchen may see it
	OrderDue       = "due"    // nobody has confirmed it and the refusal is near
	OrderConfirmed = "confirmed"
	OrderPreparing = "preparing"
	OrderReady     = "ready"
	OrderAssigned  = "assigned"  // a courier has it, or (Courier 0) nobody any more
	OrderPickedUp  = "picked_up" // IN_DELIVERY
	OrderHeading   = "heading"   // the courier heads to this customer: from now on the map shows them
	OrderArrived   = "arrived"   // the courier is at the door
	OrderDelivered = "delivered"
	OrderConcluded = "concluded"
	OrderCancelled = "cancelled"
	OrderRestored  = "restored"
	OrderDelayed   = "delayed" // times moved, state did not
	OrderFailed    = "failed"  // the courier could not hand it over
)

// Order is the payload of every "order.…" event: the order as it stands after what happened.
type Order struct {
	What        string    `json:"what"`
	Order       id.ID     `json:"order"`
	Code        string    `json:"code"`
	Restaurant  id.ID     `json:"restaurant"`
	Customer    id.ID     `json:"customer"`
	Courier     id.ID     `json:"courier"`
	Mode        Mode      `json:"mode"`
	State       State     `json:"state"`
	From        State     `json:"from,omitempty"` // the state before, where it changed
	ReadyAt     time.Time `json:"ready_at"`
	PromiseFrom time.Time `json:"promise_from"`
	PromiseTo   time.Time `json:"promise_to"`
	Reason      string    `json:"reason,omitempty"`
	Note        string    `json:"note,omitempty"`
	At          time.Time `json:"at"` // when it truly happened, which is earlier than the event where a courier was offline
}

// EventKind returns "order.placed" and so on.
func (o Order) EventKind() string { return "order." + o.What }

// EventSubject returns "order:ID".
func (o Order) EventSubject() string { return "order:" + o.Order.String() }

// OrderKinds lists every kind of order event.
func OrderKinds() []string {
	what := []string{
		OrderPlaced, OrderDue, OrderConfirmed, OrderPreparing, OrderReady, OrderAssigned, OrderPickedUp, OrderHeading, OrderArrived,
		OrderDelivered, OrderConcluded, OrderCancelled, OrderRestored, OrderDelayed, OrderFailed,
	}
	for i := range what {
		what[i] = "order." + what[i]
	}
	return what
}

// RestaurantChanged says that a restaurant's profile, hours, zones, pause or limits are different now.
type RestaurantChanged struct {
	Restaurant id.ID  `json:"restaurant"`
	Version    int64  `json:"version"`
	What       string `json:"what"` // "profile", "hours", "zones", "pause", "rush", "limits", "deal", "created"
}

// EventKind returns "restaurant.changed".
func (RestaurantChanged) EventKind() string { return "restaurant.changed" }

// EventSubject returns "restaurant:ID".
func (e RestaurantChanged) EventSubject() string { return "restaurant:" + e.Restaurant.String() }

// MenuChanged says that a restaurant's card, or what is sold out on it, is different now.
type MenuChanged struct {
	Restaurant id.ID  `json:"restaurant"`
	Version    int64  `json:"version"`
	What       string `json:"what"` // "card", "stock", "import"
}

// EventKind returns "menu.changed".
func (MenuChanged) EventKind() string { return "menu.changed" }

// EventSubject returns "menu:RESTAURANT".
func (e MenuChanged) EventSubject() string { return "menu:" + e.Restaurant.String() }

// CourierDuty says that a courier went on or off duty.
type CourierDuty struct {
	Courier id.ID `json:"courier"`
	On      bool  `json:"on"`
}

// EventKind returns "courier.duty".
func (CourierDuty) EventKind() string { return "courier.duty" }

// EventSubject returns "courier:ID".
func (e CourierDuty) EventSubject() string { return "courier:" + e.Courier.String() }

// TaskChanged says that a courier's work is different: a task was offered, assigned, started, arrived, done, failed, withdrawn or put back.
type TaskChanged struct {
	Task    id.ID     `json:"task"`
	Order   id.ID     `json:"order"`
	Courier id.ID     `json:"courier"`
	Before  id.ID     `json:"before,omitempty"` // the courier who had it, where it moved
	Stop    string    `json:"stop"`             // "pickup" or "dropoff"
	State   string    `json:"state"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// EventKind returns "task.changed".
func (TaskChanged) EventKind() string { return "task.changed" }

// EventSubject returns "order:ID": a task's story is part of its order's.
func (e TaskChanged) EventSubject() string { return "order:" + e.Order.String() }

// Position is where a courier is. It is sent to those who watch and not kept in the event log.
type Position struct {
	Courier id.ID     `json:"courier"`
	Lat     float64   `json:"lat"`
	Lon     float64   `json:"lon"`
	At      time.Time `json:"at"`
}

// ReviewChanged says that an order has been reviewed, or that a review was changed, hidden or taken back. Figures are of the restaurant
// after that.
type ReviewChanged struct {
	Review     id.ID  `json:"review"`
	Order      id.ID  `json:"order"`
	Restaurant id.ID  `json:"restaurant"`
	Account    id.ID  `json:"account"`
	Status     id.ID  `json:"status"` // the review as a post
	What       string `json:"what"`   // "added", "edited", "answered", "hidden", "shown", "removed"
	Stars      int    `json:"stars"`
}

// EventKind returns "review.changed".
func (ReviewChanged) EventKind() string { return "review.changed" }

// EventSubject returns "review:ID".
func (e ReviewChanged) EventSubject() string { return "review:" + e.Review.String() }

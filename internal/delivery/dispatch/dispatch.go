// Package dispatch brings orders and couriers together: it offers each order to the nearest free courier, keeps the two stops of its trip,
// and shows dispatchers the whole town.
//
// A trip is one order's way from counter to door; its tasks are the pickup and the dropoff. The rules are pure functions over a Trip in
// this file: a dropoff never begins before its pickup is done, a trip has one courier, and what a phone says twice counts once. Service
// carries them out, each in one transaction with the order's own move.
package dispatch

import (
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
)

// TripState is where a trip stands.
type TripState string

// The states of a trip. The first three are open: somebody still has to do something.
const (
	Unassigned    TripState = "unassigned"
	Offered       TripState = "offered"
	Assigned      TripState = "assigned"
	TripDone      TripState = "done"
	TripFailed    TripState = "failed"
	TripCancelled TripState = "cancelled"
)

// TaskState is where a task stands.
type TaskState string

// The states of a task, in the order in which it goes through the first four.
const (
	Todo      TaskState = "TODO"
	Doing     TaskState = "DOING" // the courier is on the way
	Arrived   TaskState = "ARRIVED"
	Done      TaskState = "DONE"
	Failed    TaskState = "FAILED"
	Cancelled TaskState = "CANCELLED"
)

// rank returns how far a task has come; -1 for one that ended otherwise.
func (s TaskState) rank() int {
	return slices.Index([]TaskState{Todo, Doing, Arrived, Done}, s)
}

// Stop is which end of a trip a task is.
type Stop string

// The stops.
const (
	Pickup  Stop = "pickup"
	Dropoff Stop = "dropoff"
)

// Action is what a courier does to a task.
type Action string

// The actions.
const (
	Start    Action = "start"
	Arrive   Action = "arrive"
	Complete Action = "complete"
	Fail     Action = "fail"
)

// target returns the state that an action leads to.
func (a Action) target() TaskState {
	switch a {
	case Start:
		return Doing
	case Arrive:
		return Arrived
	case Complete:
		return Done
	}
	return Failed
}

// Moment is when something happened: truly, by the phone of the courier, and when the server heard of it. Zero: it has not.
type Moment struct {
	At    time.Time
	Heard time.Time
}

// Task is one stop of a trip.
type Task struct {
	ID      id.ID
	Stop    Stop
	State   TaskState
	Courier id.ID // 0: nobody yet
	Point   geo.Point
	Place   string // the restaurant's or the customer's name
	Street  string
	Planned time.Time
	Started Moment
	Arrived Moment
	Ended   Moment // done, failed or cancelled
	Reason  string // why it failed
	Note    string
	Photo   string // URL path of a photo taken at the door
}

// Trip is an order's way from counter to door.
type Trip struct {
	Order      id.ID
	Code       string
	Restaurant id.ID
	State      TripState
	Courier    id.ID // who carries it, or did; 0: nobody
	OfferedTo  id.ID
	OfferUntil time.Time
	Declined   []id.ID // couriers who did not want it; forgotten when that is everybody
	Known      []id.ID // couriers who ever had it or were offered it
	FailedBy   id.ID   // the courier who last could not pick it up
	ReadyAt    time.Time
	PromiseTo  time.Time
	AssignAt   time.Time // from when a courier is looked for
	Tip        money.Amount
	Due        money.Amount // collected at the door
	Currency   string
	ClosedAt   time.Time
	Pickup     Task
	Dropoff    Task
}

// Open reports whether somebody still has to do something for the trip.
func (t *Trip) Open() bool {
	return t.State == Unassigned || t.State == Offered || t.State == Assigned
}

// task returns the trip's task with an id, or nil.
func (t *Trip) task(task id.ID) *Task {
	switch task {
	case t.Pickup.ID:
		return &t.Pickup
	case t.Dropoff.ID:
		return &t.Dropoff
	}
	return nil
}

// The answers to couriers who come too late, or ask for what is not theirs.
var (
	errNoTask  = errs.New(errs.NotFound, "There is no such task for you.")
	errNoOffer = errs.New(errs.NotFound, "There is no such offer for you.")
	errNoTrip  = errs.New(errs.NotFound, "There is no such order to be delivered.")
	errMoved   = errs.New(errs.Conflict, "This order is not yours any more.").WithCode("task_moved")
	errStopped = errs.New(errs.Conflict, "This order was cancelled.").WithCode("task_moved")
	errGone    = errs.New(errs.Conflict, "This offer has gone to somebody else.").WithCode("offer_gone")
	errClosed  = errs.New(errs.Conflict, "This order needs no courier any more.").WithCode("trip_closed")
	errCarried = errs.New(errs.Conflict, "The food is on the road already: only its courier can bring it.").WithCode("picked_up")
	errEarly   = errs.New(errs.Conflict, "Pick the order up first.").WithCode("pickup_first")
)

func (t *Trip) know(courier id.ID) {
	if courier != 0 && !slices.Contains(t.Known, courier) {
		t.Known = append(t.Known, courier)
	}
}

// give makes courier the trip's own; 0 takes it from whoever has it. Both tasks begin anew.
func (t *Trip) give(courier id.ID) {
	t.State, t.OfferedTo, t.OfferUntil, t.Courier = Assigned, 0, time.Time{}, courier
	if courier == 0 {
		t.State = Unassigned
	}
	t.know(courier)
	for _, k := range []*Task{&t.Pickup, &t.Dropoff} {
		if k.State != Done {
			k.reset()
		}
		k.Courier = courier
	}
}

func (k *Task) reset() {
	k.State, k.Started, k.Arrived, k.Ended, k.Reason, k.Note = Todo, Moment{}, Moment{}, Moment{}, "", ""
}

// Offer offers an unassigned trip to a courier until a time.
func (t *Trip) Offer(courier id.ID, until time.Time) error {
	if t.State != Unassigned {
		return errClosed
	}
	t.State, t.OfferedTo, t.OfferUntil = Offered, courier, until
	t.know(courier)
	return nil
}

// Withdraw takes an offer back; the courier it went to is not asked again soon.
func (t *Trip) Withdraw() {
	if t.State == Offered {
		t.Declined = append(t.Declined, t.OfferedTo)
		t.State, t.OfferedTo, t.OfferUntil = Unassigned, 0, time.Time{}
	}
}

// Accept gives a trip to the courier it is offered to; an offer holds until it has gone on, even when its time is up. It reports whether
// that is news. It returns a Conflict error (code "offer_gone") for a courier who is too late and NotFound for one never asked.
func (t *Trip) Accept(by id.ID) (bool, error) {
	switch {
	case t.State == Offered && t.OfferedTo == by:
		t.give(by)
		return true, nil
	case t.Courier == by && (t.State == Assigned || t.State == TripDone):
		return false, nil
	case slices.Contains(t.Known, by):
		return false, errGone
	}
	return false, errNoOffer
}

// Decline sends an offer on. It reports whether that is news: an offer that went on by itself is declined already. It returns a Conflict
// error for a courier who has accepted and NotFound for one never asked.
func (t *Trip) Decline(by id.ID) (bool, error) {
	switch {
	case t.State == Offered && t.OfferedTo == by:
		t.Withdraw()
		return true, nil
	case t.State == Assigned && t.Courier == by:
		return false, errs.New(errs.Conflict, "You have taken this order already. Ask your dispatcher to give it to somebody else.").WithCode("accepted")
	case slices.Contains(t.Known, by):
		return false, nil
	}
	return false, errNoOffer
}

// Assign gives an open trip to a courier whatever was before, 0: to nobody, which begins the search anew. It reports whether that is news.
// It returns a Conflict error once the food is on the road, and for a trip that is over.
func (t *Trip) Assign(courier id.ID) (bool, error) {
	switch {
	case !t.Open():
		return false, errClosed
	case t.Courier == courier && (t.State == Assigned || courier == 0 && t.State == Unassigned):
		return false, nil
	case t.Pickup.State == Done:
		return false, errCarried
	}
	t.give(courier)
	if courier == 0 {
		t.Declined = nil
	}
	return true, nil
}

// Act does an action of a courier to one of the trip's tasks. It reports whether that is news: what a phone says twice, or late, after a
// later step, is no mistake. A step that was left out is taken as done at the same time. It returns NotFound for a courier who never had
// the task, and Conflict errors: "task_moved" for one who has it no more, "pickup_first" for a dropoff before its pickup.
func (t *Trip) Act(by id.ID, task *Task, a Action, m Moment) (bool, error) {
	if task.Courier != by {
		switch {
		case a == Fail && task.Stop == Pickup && t.FailedBy == by:
			return false, nil
		case slices.Contains(t.Known, by):
			return false, errMoved
		}
		return false, errNoTask
	}
	to := a.target()
	if task.State == to || to.rank() >= 0 && task.State.rank() >= to.rank() {
		return false, nil
	}
	switch {
	case t.State == TripCancelled || task.State == Cancelled:
		return false, errStopped
	case t.State != Assigned || task.State == Done || task.State == Failed:
		return false, errMoved
	case task.Stop == Dropoff && t.Pickup.State != Done:
		return false, errEarly
	}
	t.step(task, to, m)
	return true, nil
}

// step takes a task to a state.
func (t *Trip) step(task *Task, to TaskState, m Moment) {
	// Phones tell when it was, but a trip is told in order.
	before := []time.Time{task.Started.At, task.Arrived.At}
	if task.Stop == Dropoff {
		before = append(before, t.Pickup.Ended.At)
	}
	for _, b := range before {
		if m.At.Before(b) {
			m.At = b
		}
	}
	if to != Failed && task.Started.At.IsZero() {
		task.Started = m
	}
	if (to == Arrived || to == Done) && task.Arrived.At.IsZero() {
		task.Arrived = m
	}
	task.State = to
	switch to {
	case Done:
		task.Ended = m
		if task.Stop == Dropoff {
			t.State, t.ClosedAt = TripDone, m.At
		}
	case Failed:
		task.Ended = m
		if task.Stop == Pickup {
			t.FailedBy = task.Courier
		} else {
			t.State, t.ClosedAt = TripFailed, m.At
		}
	}
}

// Release sends a trip whose pickup failed to another courier.
func (t *Trip) Release() {
	by, reason, note := t.Courier, t.Pickup.Reason, t.Pickup.Note
	t.give(0)
	t.Pickup.Reason, t.Pickup.Note = reason, note
	t.Declined = append(t.Declined, by)
}

// Cancel ends an open trip; it reports whether it was open.
func (t *Trip) Cancel(m Moment) bool {
	if !t.Open() {
		return false
	}
	t.State, t.OfferedTo, t.OfferUntil, t.ClosedAt = TripCancelled, 0, time.Time{}, m.At
	for _, k := range []*Task{&t.Pickup, &t.Dropoff} {
		if k.State != Done {
			k.State, k.Ended = Cancelled, m
		}
	}
	return true
}

// Restore opens a trip that was cancelled or failed; it reports whether it was. It goes on where it stood: courier is who is to carry it
// (0: somebody has to be found), and a pickup that was done stays done.
func (t *Trip) Restore(courier id.ID) bool {
	if t.State != TripCancelled && t.State != TripFailed {
		return false
	}
	t.ClosedAt, t.Declined = time.Time{}, nil
	if courier == 0 {
		// Without a courier who has the food nobody has picked it up.
		t.Pickup.reset()
	}
	t.give(courier)
	return true
}

// Finish ends an open trip as delivered, by somebody else's word than its courier's; it reports whether it was open.
func (t *Trip) Finish(m Moment) bool {
	if !t.Open() {
		return false
	}
	t.PickedUp(m)
	t.OfferedTo, t.OfferUntil = 0, time.Time{}
	t.step(&t.Dropoff, Done, m)
	return true
}

// PickedUp marks an open trip's pickup as done by somebody else's word; it reports whether that is news.
func (t *Trip) PickedUp(m Moment) bool {
	if !t.Open() || t.Pickup.State == Done {
		return false
	}
	t.step(&t.Pickup, Done, m)
	return true
}

// Heads reports whether the courier is on the way to the customer or at their door.
func (t *Trip) Heads() bool {
	return t.State == Assigned && (t.Dropoff.State == Doing || t.Dropoff.State == Arrived)
}

// Retime moves the trip's times along with its order's.
func (t *Trip) Retime(ready, promiseTo time.Time, o Pace) {
	t.ReadyAt, t.PromiseTo = ready, promiseTo
	t.AssignAt = ready.Add(-o.Lead)
	t.Pickup.Planned = ready
	t.Dropoff.Planned = ready.Add(o.AtCounter + o.Ride(geo.DistanceM(t.Pickup.Point, t.Dropoff.Point), ""))
}

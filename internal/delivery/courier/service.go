package courier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// Work is what a courier's duty asks of their tasks. delivery/dispatch answers.
type Work interface {
	// Heading returns the orders whose customers a courier is on the way to, from memory.
	Heading(courier id.ID) []id.ID
	// OpenTasks returns how many orders a courier still has to carry.
	OpenTasks(ctx context.Context, tx *db.Tx, courier id.ID) (int, error)
}

// Service keeps who is on duty and where they are. Safe for concurrent use.
type Service struct {
	db    *db.DB
	log   *events.Log
	hub   *realtime.Hub
	now   clock.Func
	work  Work
	money Money

	mu    sync.Mutex
	marks map[id.ID]mark
}

// mark is what this node remembers of a courier's positions, so that most of them cost no write.
type mark struct {
	at      time.Time // true time of the newest one heard
	written time.Time // when one was last stored
}

// writeEvery is the shortest time between two writes of one courier's position.
const writeEvery = time.Second

// New returns a Service.
func New(d *db.DB, log *events.Log, hub *realtime.Hub, now clock.Func, work Work, m Money) *Service {
	return &Service{db: d, log: log, hub: hub, now: now, work: work, money: m, marks: map[id.ID]mark{}}
}

// me returns the acting courier, or the error for whoever else it is.
func me(ctx context.Context) (access.Actor, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, err
	}
	return actor, access.Can(actor, "courier.work", access.Thing{Kind: "courier", ID: actor.ID, Courier: actor.ID})
}

// SetDuty takes the acting courier on or off duty, at the time at (zero: now). Being where one wants to be already is no error. It returns
// a Conflict error (code "open_tasks") for a courier who wants to go while they have orders to carry, and Invalid for an impossible time.
func (s *Service) SetDuty(ctx context.Context, on bool, at time.Time) error {
	actor, err := me(ctx)
	if err != nil {
		return err
	}
	courier, now := actor.ID, s.now()
	if at.IsZero() {
		at = now
	}
	if err := checkAt(at, now); err != nil {
		return err
	}
	defer s.forget(courier)
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := register(ctx, tx, courier, actor.Name); err != nil {
			return fmt.Errorf("courier: register %s: %w", courier, err)
		}
		change := func() (bool, error) { return s.leave(ctx, tx, courier, at, now) }
		if on {
			change = func() (bool, error) { return s.enter(ctx, tx, courier, at, now) }
		}
		moved, err := change()
		if err != nil || !moved {
			return err
		}
		return s.log.Append(ctx, tx, now, courier, delivery.CourierDuty{Courier: courier, On: on})
	})
}

// enter begins a duty and its shift; false where it had begun already.
func (s *Service) enter(ctx context.Context, tx *db.Tx, courier id.ID, at, now time.Time) (bool, error) {
	begun, err := goOn(ctx, tx, courier, at)
	if err != nil || !begun {
		return false, err
	}
	return true, s.beginShift(ctx, tx, courier, now)
}

// leave ends a duty and its shift, unless there is something left to carry.
func (s *Service) leave(ctx context.Context, tx *db.Tx, courier id.ID, at, now time.Time) (bool, error) {
	n, err := s.work.OpenTasks(ctx, tx, courier)
	if err != nil {
		return false, err
	}
	if n > 0 {
		e := errs.New(errs.Conflict, "You still have an order to deliver. Finish first, or ask your dispatcher to give it to somebody else.")
		if n > 1 {
			e = errs.New(errs.Conflict, "You still have %d orders to deliver. Finish first, or ask your dispatcher to give them to somebody else.", n)
		}
		return false, e.WithCode("open_tasks")
	}
	left, err := goOff(ctx, tx, courier)
	if err != nil {
		return false, fmt.Errorf("courier: end duty of %s: %w", courier, err)
	}
	if !left {
		return false, nil
	}
	return true, s.endShift(ctx, tx, courier, at, now)
}

// Ride says what the acting courier rides from now on. It returns an Invalid error for an unknown vehicle.
func (s *Service) Ride(ctx context.Context, v delivery.Vehicle) error {
	actor, err := me(ctx)
	if err != nil {
		return err
	}
	if err := checkVehicle(v); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := register(ctx, tx, actor.ID, actor.Name); err != nil {
			return fmt.Errorf("courier: register %s: %w", actor.ID, err)
		}
		return setVehicle(ctx, tx, actor.ID, v)
	})
}

// Position says where the acting courier was at a time; see Positions.
func (s *Service) Position(ctx context.Context, point geo.Point, at time.Time) error {
	return s.Positions(ctx, []Fix{{Point: point, At: at}})
}

// Positions says where the acting courier was; only the newest counts, and nothing happens where a newer one is known or the courier is off
// duty. It is shown to those who may see it at once and stored at most once a second. It returns an Invalid error where a position can't be.
func (s *Service) Positions(ctx context.Context, fixes []Fix) error {
	actor, err := me(ctx)
	if err != nil {
		return err
	}
	courier := actor.ID
	if len(fixes) == 0 {
		return errs.InvalidField("positions", "Give at least one position.")
	}
	now := s.now()
	for _, f := range fixes {
		if err := checkFix(f, now); err != nil {
			return err
		}
	}
	f := newest(fixes)
	if f.At.After(now) {
		f.At = now // a clock that is a little ahead must not shut out what comes next
	}
	store, fresh := s.note(courier, f.At, now)
	if !fresh {
		return nil
	}
	if store {
		stored := false
		err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
			stored, err = setPosition(ctx, tx, courier, f)
			return err
		})
		if err != nil {
			return fmt.Errorf("courier: store position of %s: %w", courier, err)
		}
		if !stored {
			s.forget(courier)
			return nil
		}
	}
	return s.show(courier, f)
}

// note remembers a position and reports whether it is to be stored and whether it is news at all.
func (s *Service) note(courier id.ID, at, now time.Time) (store, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.marks[courier]
	if !at.After(m.at) {
		return false, false
	}
	m.at = at
	if store = now.Sub(m.written) >= writeEvery; store {
		m.written = now
	}
	s.marks[courier] = m
	return store, true
}

// forget makes the next position of a courier be looked at by the database.
func (s *Service) forget(courier id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.marks, courier)
}

// show sends a position to those who may see it.
func (s *Service) show(courier id.ID, f Fix) error {
	p := delivery.Position{Courier: courier, Lat: f.Point.Lat, Lon: f.Point.Lon, At: f.At}
	topics := []string{"dispatch", "courier:" + courier.String()}
	for _, order := range s.work.Heading(courier) {
		topics = append(topics, "order:"+order.String())
	}
	for _, topic := range topics {
		if err := s.hub.Send(topic, "courier.position", p); err != nil {
			return fmt.Errorf("courier: show position on %s: %w", topic, err)
		}
	}
	return nil
}

// State returns how a courier stands: themselves, or whoever a dispatcher asks about. A courier who was never on duty is off duty, on a bike.
func (s *Service) State(ctx context.Context, courier id.ID) (State, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return State{}, err
	}
	verb := "dispatch.board"
	if actor.ID == courier {
		verb = "courier.work"
	}
	if err := access.Can(actor, verb, access.Thing{Kind: "courier", ID: courier, Courier: courier}); err != nil {
		return State{}, err
	}
	var st State
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		st, err = load(ctx, tx, courier)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return State{Courier: courier, Vehicle: delivery.Bike}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("courier: load %s: %w", courier, err)
	}
	return st, nil
}

// OnDuty returns the couriers on duty, with the names that they had when their duty began. It does not ask who wants to know.
func (s *Service) OnDuty(ctx context.Context, tx *db.Tx) ([]delivery.Courier, error) {
	states, err := loadOnDuty(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("courier: list on duty: %w", err)
	}
	out := make([]delivery.Courier, len(states))
	for i, st := range states {
		out[i] = delivery.Courier{ID: st.Courier, Name: st.Name, Vehicle: st.Vehicle, Since: st.Since, Point: st.Point, Heading: st.Heading, PosAt: st.PosAt}
	}
	return out, nil
}

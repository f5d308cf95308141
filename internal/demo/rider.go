package demo

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/courier"
	"github.com/stoa-town/stoa/internal/delivery/dispatch"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/access"
)

const (
	enoughRiders = 18              // so many are on duty by day, whatever their habits
	showEvery    = time.Second     // a rider's phone tells where it is, in real time
	askEvery     = 6 * time.Second // it asks for its tasks unasked, in real time
)

// rider is a courier as the simulation moves them. Only the loop and its acts touch it, never two at a time.
type rider struct {
	d      *Demo
	index  int
	actor  access.Actor
	person *town.Courier
	rand   *rand.Rand

	work   *dispatch.Work // nil: not read yet
	wanted bool           // on duty, by their shift
	asked  time.Time      // real
	news   bool           // the work may have changed

	at    geo.Point
	leg   *leg
	goal  id.ID               // the task that the leg leads to, 0: nowhere in particular
	shown time.Time           // real
	till  time.Time           // does nothing before
	tried map[id.ID]bool      // orders whose door did not open
	since map[id.ID]time.Time // when a task was arrived at, or an offer seen
}

// leg is a ride along streets that began at a time.
type leg struct {
	path  []town.LatLon
	distM []float64 // of each point from the start
	began time.Time
	ms    float64 // metres a second
}

func newRider(d *Demo, i int) *rider {
	p := &d.town.Couriers[i]
	return &rider{
		d: d, index: i, actor: d.world.couriers[i], person: p, rand: rand.New(rand.NewPCG(uint64(d.town.Seed), uint64(i))), news: true,
		at: p.Home.Point, tried: map[id.ID]bool{}, since: map[id.ID]time.Time{},
	}
}

// newLeg returns the way from a to b along the streets, and over the pavement to the doors.
func (d *Demo) newLeg(from, to geo.Point, ms float64, began time.Time) *leg {
	path, _ := d.town.Route(from, to)
	l := &leg{path: append(append([]town.LatLon{from}, path...), to), began: began, ms: ms}
	l.distM = make([]float64, len(l.path))
	for i := 1; i < len(l.path); i++ {
		l.distM[i] = l.distM[i-1] + geo.FastDistanceM(l.path[i-1], l.path[i])
	}
	return l
}

// where returns the point and the direction at a time, and whether the leg is over.
func (l *leg) where(now time.Time) (p geo.Point, heading float64, over bool) {
	m := now.Sub(l.began).Seconds() * l.ms
	n := len(l.path)
	if m >= l.distM[n-1] {
		return l.path[n-1], geo.Bearing(l.path[max(0, n-2)], l.path[n-1]), true
	}
	i, _ := slices.BinarySearch(l.distM, m)
	i = max(i, 1)
	a, b := l.path[i-1], l.path[i]
	f := (m - l.distM[i-1]) / max(l.distM[i]-l.distM[i-1], 0.01)
	return geo.Point{Lat: a.Lat + (b.Lat-a.Lat)*f, Lon: a.Lon + (b.Lon-a.Lon)*f}, geo.Bearing(a, b), false
}

// ride lets couriers come and go, answer offers, ride and hand over.
func (s *stage) ride(now time.Time) {
	s.mu.Lock()
	stirs := s.stirs
	s.stirs = map[id.ID]bool{}
	s.mu.Unlock()
	s.shifts(now)
	for _, r := range s.riders {
		if stirs[r.actor.ID] {
			r.news = true
		}
		if r.news || time.Since(r.asked) > askEvery+time.Duration(r.index)*50*time.Millisecond {
			// The tasks of a courier whom a visitor plays are read to move the bicycle, nothing else.
			s.act(r.actor, "look", r.look)
			continue
		}
		if r.work == nil {
			continue
		}
		r.move(now)
		s.mu.Lock()
		s.seen[r.actor.ID] = seenRider{r.at, r.work.OnDuty, len(r.work.Tasks) + len(r.work.Offers)}
		s.mu.Unlock()
		if r.work.OnDuty && time.Since(r.shown) >= showEvery {
			r.shown = time.Now()
			fix := courier.Fix{Point: r.at, At: now}
			if r.leg != nil {
				_, fix.Heading, _ = r.leg.where(now)
			}
			s.act(r.actor, "position", func(ctx context.Context) error { return s.show(ctx, r.actor, fix) })
		}
		switch {
		case s.guard.played(r.actor.ID):
			r.follow(now)
		case r.work.OnDuty != r.wanted && (r.wanted || len(r.work.Tasks) == 0):
			want := r.wanted
			s.act(r.actor, "duty", func(ctx context.Context) error {
				r.news = true
				return s.Couriers.SetDuty(ctx, want, time.Time{})
			})
		case r.work.OnDuty && !now.Before(r.till):
			s.step(r, now)
		}
	}
}

// show says where a courier is, to those who may know and to the demo's own map.
func (d *Demo) show(ctx context.Context, a access.Actor, f courier.Fix) error {
	if err := d.Couriers.Positions(ctx, []courier.Fix{f}); err != nil {
		return err
	}
	return d.Hub.Send("demo:map", "courier.position", shownPosition{
		Position: delivery.Position{Courier: a.ID, Lat: f.Point.Lat, Lon: f.Point.Lon, At: f.At}, Name: a.Name,
	})
}

type shownPosition struct {
	delivery.Position
	Name string `json:"name"`
}

// shifts decides who is to be on duty: whoever has their shift, and as many others as are needed.
func (s *stage) shifts(now time.Time) {
	if asleep(now, s.town.Location) {
		for _, r := range s.riders {
			r.wanted = false
		}
		return
	}
	n := 0
	for _, r := range s.riders {
		if r.wanted = s.shift[r.index].OpenAt(now, hours.Options{Loc: s.town.Location}); r.wanted {
			n++
		}
	}
	for _, r := range s.riders {
		if n >= enoughRiders {
			return
		}
		if !r.wanted {
			r.wanted = true
			n++
		}
	}
}

// look reads the courier's work.
func (r *rider) look(ctx context.Context) error {
	r.news, r.asked = false, time.Now()
	w, err := r.d.Dispatch.Tasks(ctx)
	if err != nil {
		return err
	}
	if r.work == nil && !w.Point.IsZero() {
		r.at = w.Point // the demo was started again
	}
	if r.work = w; !w.OnDuty {
		r.leg, r.goal = nil, 0
	}
	return nil
}

// move takes the courier to where they are by now.
func (r *rider) move(now time.Time) {
	if r.leg == nil {
		return
	}
	var over bool
	if r.at, _, over = r.leg.where(now); over {
		r.leg = nil
	}
}

// head begins a ride to a task.
func (r *rider) head(now time.Time, t *dispatch.TaskView) {
	if r.goal != t.ID {
		r.leg, r.goal = r.d.newLeg(r.at, t.Point, r.person.SpeedMS, now), t.ID
	}
}

// current returns the stop to go on with, nil where there is none.
func (r *rider) current() *dispatch.TaskView {
	for i := range r.work.Tasks {
		if t := &r.work.Tasks[i]; len(t.Actions) > 0 {
			return t
		}
	}
	return nil
}

// follow moves the bicycle of a courier whom a visitor plays: it rides where the visitor says they are going.
func (r *rider) follow(now time.Time) {
	switch t := r.current(); {
	case t == nil:
		r.leg, r.goal = nil, 0
	case t.State == dispatch.Doing:
		r.head(now, t)
	}
}

// step does the next thing that a courier on duty has to do.
func (s *stage) step(r *rider, now time.Time) {
	if s.answer(r, now) {
		return
	}
	t := r.current()
	if t == nil {
		s.stroll(r, now)
		return
	}
	if _, ok := r.since[t.ID]; !ok && t.State == dispatch.Arrived {
		r.since[t.ID] = now
	}
	switch {
	case t.State == dispatch.Todo:
		r.head(now, t)
		s.do(r, t, dispatch.Start, dispatch.Did{})
	case t.State == dispatch.Doing:
		if r.head(now, t); r.leg == nil {
			s.do(r, t, dispatch.Arrive, dispatch.Did{})
		}
	case t.Stop == dispatch.Dropoff:
		s.handOver(r, t, now)
	case now.Sub(r.since[t.ID]) > 40*time.Second:
		if s.stands(t) {
			s.do(r, t, dispatch.Complete, dispatch.Did{})
		}
	}
}

// stands reports whether the food is on the counter.
func (s *stage) stands(t *dispatch.TaskView) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[t.Order]
	return t.Ready || o != nil && o.state == delivery.Ready
}

// do has a courier do an action to a task.
func (s *stage) do(r *rider, t *dispatch.TaskView, a dispatch.Action, did dispatch.Did) {
	s.act(r.actor, string(t.Stop)+" "+string(a), func(ctx context.Context) error {
		r.news = true
		err := s.Dispatch.Do(ctx, t.ID, a, did)
		if err != nil {
			r.till = s.clock.Now().Add(time.Duration(s.clock.Speed()) * time.Second)
		} else if a == dispatch.Complete || a == dispatch.Fail {
			delete(r.since, t.ID)
		}
		return err
	})
}

// answer takes or declines an offer; it reports whether there was one.
func (s *stage) answer(r *rider, now time.Time) bool {
	if len(r.work.Offers) == 0 {
		return false
	}
	o := r.work.Offers[0].Order
	first, ok := r.since[o]
	if !ok {
		r.since[o] = now
		return false
	}
	if now.Sub(first) < time.Duration(5+r.rand.IntN(20))*time.Second {
		return false
	}
	delete(r.since, o)
	accept := r.rand.Float64() < r.person.Accepts
	what := "accept"
	if !accept {
		what = "decline"
	}
	s.act(r.actor, what, func(ctx context.Context) error {
		r.news = true
		if accept {
			return s.Dispatch.Accept(ctx, o)
		}
		return s.Dispatch.Decline(ctx, o)
	})
	return true
}

// handOver rings, waits, and hands the food over to whoever tells the code; sometimes nobody opens.
func (s *stage) handOver(r *rider, t *dispatch.TaskView, now time.Time) {
	s.mu.Lock()
	customer := id.ID(0)
	if o := s.orders[t.Order]; o != nil {
		customer = o.customer
	}
	s.mu.Unlock()
	m, waited := s.tempersOf(t.Order), now.Sub(r.since[t.ID])
	if _, ok := s.world.byNeighbour[customer]; ok && m.absent && !r.tried[t.Order] && !s.guard.played(customer) {
		if waited > 4*time.Minute {
			r.tried[t.Order] = true
			s.do(r, t, dispatch.Fail, dispatch.Did{Reason: "NOT_AT_HOME", Note: "Rang twice."})
		}
		return
	}
	if waited < m.handed || customer == 0 {
		return
	}
	s.act(r.actor, "hand over", func(ctx context.Context) error {
		r.news = true
		said, err := s.Orders.Get(as(ctx, access.Actor{ID: customer}), t.Order) // the customer tells their code at the door
		if err == nil {
			err = s.Dispatch.Do(ctx, t.ID, dispatch.Complete, dispatch.Did{Proof: delivery.Proof{Code: said.HandoverCode}})
		}
		if err != nil {
			r.till = s.clock.Now().Add(time.Duration(s.clock.Speed()) * 2 * time.Second)
			return err
		}
		delete(r.since, t.ID)
		return nil
	})
}

// stroll lets a courier with nothing to do ride to where the next order may come from.
func (s *stage) stroll(r *rider, now time.Time) {
	if r.leg != nil {
		return
	}
	r.goal = 0
	shop := s.town.Restaurants[r.rand.IntN(len(s.town.Restaurants))].Address.Point
	if d := geo.FastDistanceM(r.at, shop); d > 900 && r.rand.Float64() < 0.8 {
		r.till = now.Add(20 * time.Second) // too far for a stroll: they think again
		return
	}
	r.leg = r.d.newLeg(r.at, shop, r.person.SpeedMS*0.7, now)
	r.till = now.Add(time.Duration(2+r.rand.IntN(6)) * time.Minute)
}

// Package friends is the social life of the demo town: its people post, answer, follow, favourite and boost, hold events and meet in groups;
// its restaurants post the dish of the day; and who has eaten says how it was. All of it goes through the same services as real requests
// do, each with the rights of the person who acts.
//
// Seed writes a week of history, Acts says what is due while the town runs. Conversations in memory are what people go on talking about;
// they are lost at a restart, and new ones begin.
package friends

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/review"
	"github.com/stoa-town/stoa/internal/demo/talk"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/group"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/status"
)

// Services are the parts of the server that the town's people use among friends.
type Services struct {
	Statuses *status.Service
	Follow   *follow.Service
	Profiles *profile.Service
	Media    *media.Service
	Groups   *group.Service
	Events   *event.Service
	Reviews  *review.Service
	Menus    *menu.Service
}

// Shop is a restaurant that posts, and who runs it.
type Shop struct {
	ID    id.ID
	Owner access.Actor
}

// People are the accounts of the town; indexes are those of town.Town's slices.
type People struct {
	Neighbours []access.Actor
	Shops      []Shop
}

// circleSize is how many neighbours post; the others read.
const circleSize = 60

// Life is the town's social life. Safe for concurrent use.
type Life struct {
	Services
	town   *town.Town
	people People
	now    clock.Func
	talk   *talk.Talk
	played func(account id.ID) bool // a visitor acts for them: leave them alone

	mu       sync.Mutex
	rand     *rand.Rand
	threads  []*thread // what people talk about lately, the newest last
	byStatus map[id.ID]*thread
	circle   []int // who posts, by index
	clubs    []*club
	dates    []date         // events that people may come to
	plates   []plate        // orders of which somebody will say how it was
	specials map[int]string // the day on which a restaurant posted its dish of the day
	looked   time.Time
	photos   int // how many more pictures may be painted; history has few, for painting takes time
}

// thread is a conversation on the server.
type thread struct {
	status  id.ID
	author  access.Actor
	as      id.ID // the profile it was posted as; 0: the author's own
	th      *talk.Thread
	at      time.Time
	last    id.ID        // the newest answer
	lastBy  access.Actor // and who gave it
	answers int
	club    *club
}

// club is a group of the town.
type club struct {
	id      id.ID
	handle  string
	members []int // neighbours
	topic   string
	closed  bool
}

// date is an event to come to.
type date struct {
	id     id.ID
	starts time.Time
	club   *club
}

// plate is an order that has arrived.
type plate struct {
	order    id.ID
	customer id.ID
	shop     id.ID
	due      time.Time
}

// New returns the life of a town whose clock is now. played reports whether a visitor plays somebody.
func New(s Services, t *town.Town, p People, now clock.Func, played func(account id.ID) bool) (*Life, error) {
	words := map[string][]string{}
	for _, st := range t.Streets {
		if st.Kind == "street" {
			words["street"] = append(words["street"], st.Name)
		}
	}
	for _, l := range t.Landmarks {
		words["place"] = append(words["place"], l.Label)
	}
	for _, r := range t.Restaurants {
		words["restaurant"] = append(words["restaurant"], r.Name)
		for _, sec := range r.Menu {
			for _, it := range sec.Items {
				if it.Tax == "food" {
					words["dish"] = append(words["dish"], it.Name)
				}
			}
		}
	}
	for _, n := range t.Neighbours {
		words["neighbour"] = append(words["neighbour"], firstName(n.Name))
	}
	for n := range 60 {
		words["number"] = append(words["number"], fmt.Sprint(n+1))
	}
	k, err := talk.New(words)
	if err != nil {
		return nil, err
	}
	l := &Life{
		Services: s, town: t, people: p, now: now, talk: k, played: played, rand: rand.New(rand.NewPCG(uint64(t.Seed), 7)),
		byStatus: map[id.ID]*thread{}, specials: map[int]string{}, looked: now(), photos: 1 << 30,
	}
	l.circle = l.rand.Perm(len(p.Neighbours))[:min(circleSize, len(p.Neighbours))]
	return l, nil
}

func firstName(name string) string {
	for i, c := range name {
		if c == ' ' {
			return name[:i]
		}
	}
	return name
}

// langs returns the languages in which somebody posts here.
func (l *Life) langs(neighbour int) []string {
	if l.town.Neighbours[neighbour].Language == "de" {
		return []string{"de", "en"}
	}
	return []string{"en"}
}

// someone returns a random neighbour of the circle who is not played by a visitor and not among those. Called with mu held.
func (l *Life) someone(except ...id.ID) (int, bool) {
	for range 20 {
		i := l.circle[l.rand.IntN(len(l.circle))]
		if a := l.people.Neighbours[i]; !l.played(a.ID) && !slices.Contains(except, a.ID) {
			return i, true
		}
	}
	return 0, false
}

// keptThreads is how many conversations people remember.
const keptThreads = 60

// remember keeps a conversation, so that others answer. Called with mu held.
func (l *Life) remember(t *thread) {
	l.threads = append(l.threads, t)
	l.byStatus[t.status] = t
	for len(l.threads) > keptThreads {
		delete(l.byStatus, l.threads[0].status)
		l.threads = l.threads[1:]
	}
}

// Heard takes in what happens: visitors who post are answered, and whoever has eaten says how it was.
func (l *Life) Heard(list []events.Event) {
	for _, e := range list {
		switch e.Kind {
		case "order." + delivery.OrderDelivered:
			var o delivery.Order
			if json.Unmarshal(e.Data, &o) == nil && l.now().Sub(e.At) < 6*time.Hour {
				l.mu.Lock()
				if l.rand.Float64() < 0.4 && len(l.plates) < 200 {
					l.plates = append(l.plates, plate{o.Order, o.Customer, o.Restaurant, e.At.Add(time.Duration(20+l.rand.IntN(90)) * time.Minute)})
				}
				l.mu.Unlock()
			}
		case social.KindPosted:
			var p social.Posted
			if json.Unmarshal(e.Data, &p) == nil {
				l.posted(p.Head)
			}
		}
	}
}

// posted lets neighbours meet what a visitor has posted for all.
func (l *Life) posted(h social.Head) {
	if h.BoostOf != 0 || h.ReplyTo != 0 || h.Visibility != social.Public && h.Visibility != social.Town || !l.played(h.Account) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byStatus[h.ID] == nil {
		l.remember(&thread{status: h.ID, author: access.Actor{ID: h.Account}, th: l.talk.On(l.rand, "visitor", "en", nil), at: h.At})
	}
}

// Act is one thing that somebody does.
type Act struct {
	Who  access.Actor
	What string
	Do   func(ctx context.Context) error
}

// How often things happen while the town is awake, in an hour of its clock.
const (
	postsPerHour   = 7
	answersPerHour = 12
	likesPerHour   = 40
	boostsPerHour  = 3
	comesPerHour   = 3
)

// Acts returns what is due now, at most a few things at once. It is called in a loop; what it returns may be done at the same time.
func (l *Life) Acts() []Act {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	hours := min(now.Sub(l.looked).Hours(), 0.5)
	l.looked = now
	local := now.In(l.town.Location)
	if h := local.Hour(); h < 6 || h >= 23 || hours <= 0 {
		return nil
	}
	var out []Act
	add := func(a Act, ok bool) {
		if ok {
			out = append(out, a)
		}
	}
	chance := func(perHour float64) bool { return l.rand.Float64() < perHour*hours }
	if chance(postsPerHour) {
		add(l.post(local))
	}
	if chance(answersPerHour) {
		add(l.answer())
	}
	if chance(likesPerHour) {
		add(l.like())
	}
	if chance(boostsPerHour) {
		add(l.boost())
	}
	if chance(comesPerHour) {
		add(l.come(now))
	}
	if h := local.Hour(); h >= 10 && h < 18 && chance(4) {
		add(l.special(local))
	}
	for i := range l.plates {
		if p := l.plates[i]; !now.Before(p.due) {
			l.plates = slices.Delete(l.plates, i, i+1)
			add(l.verdict(p))
			break
		}
	}
	return out
}

// refused reports what is no fault: what was there a moment ago is gone, or somebody does not want it.
func refused(err error) error {
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Forbidden) || errs.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

package friends

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/group"
	"github.com/stoa-town/stoa/internal/social/profile"
)

// What a week of history holds each day.
const (
	days        = 7
	dayPosts    = 11
	dayAnswers  = 26
	dayLikes    = 45
	dayBoosts   = 4
	daySpecials = 4
	dayPhotos   = 2
)

// History is how long before the town opens its people began to post.
const History = days * 24 * time.Hour

// atOnce is how many write at the same time: they share commits.
const atOnce = 20

// founding is a group that the town has.
type founding struct {
	handle, name, about, rules, topic, how string
	closed                                 bool
	members                                int
}

func (l *Life) foundings() []founding {
	street := l.talkStreet()
	return []founding{
		{"neighbours_" + slugOf(street), street, "Everybody who lives on " + street + ": bins, lamps, summer dinner.", "Be kind. No adverts.", "group", "open", false, 22},
		{"choir", "Choir of " + l.town.Name, "We sing on Thursdays at half past seven in the old school. No exam, there are biscuits.", "What is said among us stays among us.", "rehearsal", "ask", true, 16},
		{"books", "Book circle", "A book a month, and what we think of it.", "No spoilers before the date.", "book", "ask", false, 12},
		{"slow_riders", "Slow riders", "Cycling with stops for cake.", "Nobody is left behind.", "ride", "open", false, 14},
	}
}

// talkStreet returns the street that has a group: the one where most people of the circle live.
func (l *Life) talkStreet() string {
	count, best := map[string]int{}, ""
	for _, i := range l.circle {
		s := l.town.Neighbours[i].Home.Street
		if count[s]++; s != "" && (best == "" || count[s] > count[best] || count[s] == count[best] && s < best) {
			best = s
		}
	}
	return best
}

// slugOf returns a street as a part of a handle.
func slugOf(street string) string { return strings.ReplaceAll(text.Slug(street, 18), "-", "_") }

// Buy has a neighbour buy something at a moment and fetch it, and returns the order. It is not ok where nobody was hungry.
type Buy func(ctx context.Context, at time.Time) (order, customer, shop id.ID, ok bool, err error)

// Seed writes a week of history that ends at end. set turns the town's clock; it only goes forward.
func (l *Life) Seed(ctx context.Context, end time.Time, set func(time.Time), buy Buy) error {
	begin := end.Add(-History)
	set(begin)
	if err := l.introduce(ctx); err != nil {
		return err
	}
	for _, f := range l.foundings() {
		if err := l.found(ctx, f); err != nil {
			return fmt.Errorf("friends: found %s: %w", f.handle, err)
		}
	}
	for day := range days {
		morning := time.Date(begin.Year(), begin.Month(), begin.Day()+day+1, 7, 30, 0, 0, l.town.Location)
		if err := l.day(ctx, morning, end, set, buy); err != nil {
			return err
		}
		if day == 2 {
			if err := l.announce(ctx, end); err != nil {
				return err
			}
		}
	}
	set(end)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked, l.photos = end, 1<<30
	return nil
}

// Find takes up the groups and events of a town that has a history already.
func (l *Life) Find(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.foundings() {
		g, err := l.Groups.Get(ctx, f.handle)
		if errs.Is(err, errs.NotFound) {
			continue // somebody has ended it
		}
		if err != nil {
			return fmt.Errorf("friends: find %s: %w", f.handle, err)
		}
		c := &club{id: g.ID, handle: g.Handle, topic: f.topic, closed: g.Closed}
		for i, n := range l.people.Neighbours {
			if r, err := l.Groups.Get(access.With(ctx, n), f.handle); err == nil && r.Role.In() {
				c.members = append(c.members, i)
			}
		}
		if len(c.members) > 1 {
			l.clubs = append(l.clubs, c)
		}
	}
	p, err := l.Events.List(ctx, event.Filter{}, "", 20)
	if err != nil {
		return fmt.Errorf("friends: find the events: %w", err)
	}
	for _, e := range p.Items {
		l.dates = append(l.dates, date{id: e.ID, starts: e.Starts})
	}
	return nil
}

// introduce writes everybody's line about themselves and has them follow each other.
func (l *Life) introduce(ctx context.Context) error {
	type tie struct{ from, to id.ID }
	var ties []tie
	for i, n := range l.people.Neighbours {
		many := 5
		if slices.Contains(l.circle, i) {
			many = 11
		}
		for range many {
			if o := l.people.Neighbours[l.circle[l.rand.IntN(len(l.circle))]]; o.ID != n.ID {
				ties = append(ties, tie{n.ID, o.ID})
			}
		}
		for range 2 {
			ties = append(ties, tie{n.ID, l.people.Shops[l.rand.IntN(len(l.people.Shops))].ID})
		}
	}
	var bios []string
	for range l.circle {
		bios = append(bios, l.talk.On(l.rand, "bio", "en", nil).Text)
	}
	err := together(len(l.circle), func(i int) error {
		return l.Profiles.Update(ctx, l.people.Neighbours[l.circle[i]].ID, profile.Change{Note: &bios[i]})
	})
	if err != nil {
		return err
	}
	if err := together(len(l.people.Shops), func(i int) error {
		blurb := l.town.Restaurants[i].Blurb
		return l.Profiles.Update(ctx, l.people.Shops[i].ID, profile.Change{Note: &blurb})
	}); err != nil {
		return err
	}
	return together(len(ties), func(i int) error {
		return refused(l.Follow.Follow(ctx, ties[i].from, ties[i].to, follow.How{}))
	})
}

// found makes a group, and has people join.
func (l *Life) found(ctx context.Context, f founding) error {
	order := l.rand.Perm(len(l.circle))[:min(f.members, len(l.circle))]
	c := &club{handle: f.handle, topic: f.topic, closed: f.closed}
	for _, i := range order {
		c.members = append(c.members, l.circle[i])
	}
	owner := access.With(ctx, l.people.Neighbours[c.members[0]])
	g, err := l.Groups.Create(owner, group.Input{Handle: f.handle, Name: &f.name, About: &f.about, Rules: &f.rules, Joining: &f.how, Closed: f.closed})
	if err != nil {
		return err
	}
	c.id = g.ID
	for _, i := range c.members[1:] {
		n := l.people.Neighbours[i]
		if _, err := l.Groups.Join(access.With(ctx, n), f.handle); err != nil {
			return err
		}
		if f.how == "ask" {
			if _, err := l.Groups.SetRole(owner, f.handle, n.ID, group.Member); err != nil {
				return err
			}
		}
	}
	if len(c.members) > 1 {
		if _, err := l.Groups.SetRole(owner, f.handle, l.people.Neighbours[c.members[1]].ID, group.Moderator); err != nil {
			return err
		}
	}
	l.clubs = append(l.clubs, c)
	return nil
}

// day writes one day, moment by moment; what comes after end is left out.
func (l *Life) day(ctx context.Context, morning, end time.Time, set func(time.Time), buy Buy) error {
	type moment struct {
		at   time.Time
		what string
	}
	var list []moment
	add := func(what string, n int, from, span time.Duration) {
		for range n {
			list = append(list, moment{morning.Add(from + time.Duration(l.rand.Int64N(int64(span)))), what})
		}
	}
	add("post", dayPosts, 0, 14*time.Hour)
	add("answer", dayAnswers, time.Hour, 14*time.Hour)
	add("special", daySpecials, 150*time.Minute, 3*time.Hour)
	add("eat", 2, 4*time.Hour, 2*time.Hour)
	add("eat", 4, 10*time.Hour, 3*time.Hour)
	l.photos = dayPhotos
	slices.SortFunc(list, func(a, b moment) int { return a.at.Compare(b.at) })
	for _, m := range list {
		if !m.at.Before(end) {
			break
		}
		set(m.at)
		var act Act
		ok := false
		l.mu.Lock()
		switch m.what {
		case "post":
			act, ok = l.post(m.at)
		case "answer":
			act, ok = l.answer()
		case "special":
			act, ok = l.special(m.at)
		}
		l.mu.Unlock()
		if m.what == "eat" {
			if err := l.dine(ctx, m.at, buy); err != nil {
				return err
			}
		}
		if !ok {
			continue
		}
		if err := act.Do(ctx); err != nil {
			return fmt.Errorf("friends: %s of %s: %w", act.What, act.Who.Handle, err)
		}
	}
	return l.evening(ctx)
}

// dine has somebody eat and, now and then, say how it was.
func (l *Life) dine(ctx context.Context, at time.Time, buy Buy) error {
	order, customer, shop, ok, err := buy(ctx, at)
	if err != nil || !ok || l.rand.Float64() < 0.2 {
		return err
	}
	l.mu.Lock()
	act, ok := l.verdict(plate{order: order, customer: customer, shop: shop})
	l.mu.Unlock()
	if !ok {
		return nil
	}
	return act.Do(ctx)
}

// evening lets people look through what the day has brought.
func (l *Life) evening(ctx context.Context) error {
	var acts []Act
	l.mu.Lock()
	for range dayLikes {
		if a, ok := l.like(); ok {
			acts = append(acts, a)
		}
	}
	for range dayBoosts {
		if a, ok := l.boost(); ok {
			acts = append(acts, a)
		}
	}
	for range 12 {
		if a, ok := l.come(l.now()); ok {
			acts = append(acts, a)
		}
	}
	l.mu.Unlock()
	return together(len(acts), func(i int) error { return acts[i].Do(ctx) })
}

// announce posts the events that the town looks forward to.
func (l *Life) announce(ctx context.Context, end time.Time) error {
	at := func(day, hour, minute int) time.Time {
		d := end.In(l.town.Location)
		return time.Date(d.Year(), d.Month(), d.Day()+day, hour, minute, 0, 0, l.town.Location)
	}
	market := l.town.Center
	if len(l.town.Landmarks) > 0 {
		market = l.town.Landmarks[0].Point
	}
	street, choir := l.clubs[0], l.clubs[1]
	for _, e := range []struct {
		by       *club
		title    string
		text     string
		place    string
		point    geo.Point
		starts   time.Time
		lasts    time.Duration
		capacity int64
		inGroup  bool
	}{
		{street, "Long table on " + l.talkStreet(), "One table, the whole street. Everybody brings a dish and a chair; lanterns are there. If it rains we sit in the school.", l.talkStreet(), l.town.Neighbours[street.members[0]].Home.Point, at(1, 18, 0), 4 * time.Hour, 0, true},
		{choir, "Concert of the choir", "Fauré, Estonian songs, and one that you all know. Free, with a hat at the door. #choir", l.placeName(), l.town.Center, at(8, 19, 30), 2 * time.Hour, 60, false},
		{l.clubs[3], "Slow ride to the lake", "Flat, along the river, two stops for cake. Children and cargo bikes welcome. #cycling", l.town.Landmarks[len(l.town.Landmarks)-1].Label, market, at(2, 10, 30), 5 * time.Hour, 0, false},
		{street, "Repair evening", "Bring what is broken: lamps, radios, trousers, bicycles. We have tools and tea, and twelve places. #repair", "Old school", market, at(4, 18, 30), 3 * time.Hour, 12, false},
		{street, "Flea market", "Books, lamps, records, toys. Tables are free, just come early. #fleamarket", l.town.Landmarks[0].Label, market, at(9, 9, 0), 6 * time.Hour, 0, false},
	} {
		who := l.people.Neighbours[e.by.members[l.rand.IntN(len(e.by.members))]]
		ends := e.starts.Add(e.lasts)
		d := event.Draft{Text: e.text, Lang: "en", Visibility: social.Public, Input: event.Input{
			Title: &e.title, Starts: &e.starts, Ends: &ends, Place: &e.place, Point: &e.point, Capacity: &e.capacity,
		}}
		dt := date{starts: e.starts}
		if e.inGroup {
			d.Group, d.Visibility, dt.club = e.by.id, social.Group, e.by
		}
		made, err := l.Events.Create(access.With(ctx, who), d)
		if err != nil {
			return fmt.Errorf("friends: hold %q: %w", e.title, err)
		}
		dt.id = made.ID
		l.dates = append(l.dates, dt)
	}
	return nil
}

func (l *Life) placeName() string {
	for _, p := range l.town.Landmarks {
		if p.Label != l.town.Landmarks[0].Label {
			return p.Label
		}
	}
	return l.town.Name
}

// together calls fn with 0 to n-1, some at the same time, and returns all errors.
func together(n int, fn func(i int) error) error {
	var work sync.WaitGroup
	out := make([]error, n)
	room := make(chan struct{}, atOnce)
	for i := range n {
		room <- struct{}{}
		work.Go(func() {
			defer func() { <-room }()
			out[i] = fn(i)
		})
	}
	work.Wait()
	return errors.Join(out...)
}

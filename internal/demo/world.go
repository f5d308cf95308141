package demo

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/demo/friends"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// world says which account and which restaurant of the server stands for whom of the town. Indexes are those of town.Town's slices.
type world struct {
	shops       []shop
	neighbours  []access.Actor
	couriers    []access.Actor
	dispatchers []access.Actor
	admin       access.Actor

	byShop      map[id.ID]int
	byNeighbour map[id.ID]int
	byCourier   map[id.ID]int
}

// shop is a restaurant with the person who runs its kitchen.
type shop struct {
	id    id.ID
	owner access.Actor
}

// load finds everybody of the town in the database.
func (d *Demo) load(ctx context.Context) error {
	w := &world{byShop: map[id.ID]int{}, byNeighbour: map[id.ID]int{}, byCourier: map[id.ID]int{}}
	actor := func(p town.Person) (access.Actor, error) {
		a, err := d.Accounts.Find(ctx, p.Handle)
		if err != nil {
			return access.Actor{}, fmt.Errorf("demo: find %s: %w", p.Handle, err)
		}
		return access.Actor{ID: a.ID, Handle: a.Handle, Name: a.Name, Roles: a.Roles}, nil
	}
	for i, r := range d.town.Restaurants {
		c, err := d.Restaurants.GetBySlug(ctx, r.Slug)
		if err != nil {
			return fmt.Errorf("demo: find %s: %w", r.Slug, err)
		}
		owner, err := actor(r.Owner)
		if err != nil {
			return err
		}
		w.shops = append(w.shops, shop{c.ID, owner})
		w.byShop[c.ID] = i
	}
	for i, p := range d.town.Neighbours {
		a, err := actor(p)
		if err != nil {
			return err
		}
		w.neighbours = append(w.neighbours, a)
		w.byNeighbour[a.ID] = i
	}
	for i, p := range d.town.Couriers {
		a, err := actor(p.Person)
		if err != nil {
			return err
		}
		w.couriers = append(w.couriers, a)
		w.byCourier[a.ID] = i
	}
	for _, p := range d.town.Dispatchers {
		a, err := actor(p)
		if err != nil {
			return err
		}
		w.dispatchers = append(w.dispatchers, a)
	}
	a, err := actor(d.town.Admin)
	if err != nil {
		return err
	}
	w.admin = a
	d.world = w
	people := friends.People{Neighbours: w.neighbours}
	for _, s := range w.shops {
		people.Shops = append(people.Shops, friends.Shop{ID: s.id, Owner: s.owner})
	}
	d.life, err = friends.New(d.Friends, d.town, people, d.clock.Now, d.guard.played)
	return err
}

// as returns a context in which somebody of the town acts.
func as(ctx context.Context, a access.Actor) context.Context { return access.With(ctx, a) }

// lines returns a wish as the restaurant's card knows it. It is not ok where something is not on the card any more.
func (d *Demo) lines(m *delivery.Menu, w town.Wish) (out []delivery.LineRequest, ok bool) {
	card := d.town.Restaurants[w.Restaurant].Menu
	for _, l := range w.Lines {
		want := card[l.Section].Items[l.Item]
		item := itemOf(m, card[l.Section].Name, want.Name)
		if item == nil {
			return nil, false
		}
		line := delivery.LineRequest{Item: item.ID, Qty: l.Qty}
		for g, chosen := range l.Options {
			for _, o := range chosen {
				c := optionOf(item, want.Options[g].Name, want.Options[g].Options[o].Name)
				if c == nil {
					return nil, false
				}
				line.Options = append(line.Options, delivery.Choice{Option: c.ID, Qty: 1})
			}
		}
		out = append(out, line)
	}
	return out, len(out) > 0
}

func itemOf(m *delivery.Menu, section, name string) *delivery.Item {
	for _, s := range m.Sections {
		if s.Name != section {
			continue
		}
		for _, it := range s.Items {
			if it.Name == name {
				return it
			}
		}
	}
	return nil
}

func optionOf(it *delivery.Item, group, name string) *delivery.Option {
	for _, g := range it.Groups {
		if g.Name != group {
			continue
		}
		for _, o := range g.Options {
			if o.Name == name {
				return o
			}
		}
	}
	return nil
}

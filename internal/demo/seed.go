package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/demo/friends"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// atOnce is how much is done at the same time: concurrent transactions share commits.
const atOnce = 20

// Settle moves the town in where the database is empty, and finds its people again where they live there already: then the clock goes on from
// the newest event. It must be called before the server runs.
func (d *Demo) Settle(ctx context.Context) error {
	all, err := d.Restaurants.All(ctx)
	if err != nil {
		return fmt.Errorf("demo: look for the town: %w", err)
	}
	if len(all) > 0 {
		if err := d.goOn(ctx); err != nil {
			return err
		}
		if err := d.load(ctx); err != nil {
			return err
		}
		return d.life.Find(ctx)
	}
	opening := d.clock.Now()
	d.clock.turn(opening.Add(-friends.History - time.Hour))
	if err := d.seed(ctx); err != nil {
		return err
	}
	if err := d.load(ctx); err != nil {
		return err
	}
	return d.life.Seed(ctx, opening, d.clock.turn, d.dine(rand.New(rand.NewPCG(uint64(d.town.Seed), 11))))
}

// dine returns how people of the town bought dinner before it opened: they fetched it themselves.
func (d *Demo) dine(r *rand.Rand) friends.Buy {
	return func(ctx context.Context, at time.Time) (placed, customer, shop id.ID, ok bool, err error) {
		w, ok := d.town.NextOrder(r, at)
		if !ok || !d.town.Restaurants[w.Restaurant].Pickup {
			return 0, 0, 0, false, nil
		}
		p, sh := &d.town.Neighbours[w.Neighbour], d.world.shops[w.Restaurant]
		guest, cook := as(ctx, d.world.neighbours[w.Neighbour]), as(ctx, sh.owner)
		m, err := d.Menus.Menu(ctx, sh.id)
		if err != nil {
			return 0, 0, 0, false, err
		}
		lines, ok := d.lines(m, w)
		if !ok {
			return 0, 0, 0, false, nil
		}
		req := delivery.QuoteRequest{Restaurant: sh.id, Mode: delivery.Pickup, Lines: lines}
		q, err := d.Quotes.Quote(guest, req)
		if err != nil || len(q.Problems) > 0 {
			return 0, 0, 0, false, err
		}
		o, err := d.Orders.Place(guest, id.Secret(), delivery.PlaceRequest{
			QuoteRequest: req, Fingerprint: q.Fingerprint, Method: delivery.PayOnDelivery, Name: p.Name, Phone: p.Phone,
		})
		if err != nil {
			return 0, 0, 0, false, err
		}
		v, err := d.Orders.Get(guest, o.Order)
		if err == nil && v.State == delivery.Created {
			_, err = d.Orders.Confirm(cook, o.Order, nil)
		}
		if err == nil {
			_, err = d.Orders.MarkReady(cook, o.Order)
		}
		if err == nil {
			_, err = d.Orders.Collect(cook, o.Order, v.PickupCode)
		}
		return o.Order, d.world.neighbours[w.Neighbour].ID, sh.id, err == nil, err
	}
}

// goOn sets the clock to where the town's story stands.
func (d *Demo) goOn(ctx context.Context) error {
	if _, err := d.Accounts.Find(ctx, d.town.Admin.Handle); errs.Is(err, errs.NotFound) {
		return errs.New(errs.Conflict, "There is another town in this database. The demo needs one of its own: give it a new folder with --data.")
	} else if err != nil {
		return fmt.Errorf("demo: look for the people: %w", err)
	}
	head, err := d.Events.Head(ctx)
	if err != nil {
		return fmt.Errorf("demo: find the newest event: %w", err)
	}
	// Events are numbered in order and dated by the clock, but neighbours in the log may differ by a moment.
	newest, err := d.Events.Since(ctx, max(0, head-50), 50)
	if err != nil {
		return fmt.Errorf("demo: read the newest events: %w", err)
	}
	if len(newest) == 0 {
		return nil
	}
	latest := newest[0].At
	for _, e := range newest {
		if e.At.After(latest) {
			latest = e.At
		}
	}
	d.clock.Set(latest)
	return nil
}

// seed makes everybody's account, every restaurant and every card.
func (d *Demo) seed(ctx context.Context) error {
	t := d.town
	people := []account.Person{d.person(t.Admin, access.RoleAdmin)}
	for _, p := range t.Dispatchers {
		people = append(people, d.person(p, access.RoleDispatcher))
	}
	for _, c := range t.Couriers {
		people = append(people, d.person(c.Person, access.RoleCourier))
	}
	for _, r := range t.Restaurants {
		people = append(people, d.person(r.Owner))
	}
	owners := len(people) - len(t.Restaurants)
	for _, p := range t.Neighbours {
		people = append(people, d.person(p))
	}
	ids, err := d.Accounts.Add(ctx, people...)
	if err != nil {
		return fmt.Errorf("demo: add the people: %w", err)
	}
	admin := access.Actor{ID: ids[0], Handle: t.Admin.Handle, Name: t.Admin.Name, Roles: []access.Grant{{Role: access.RoleAdmin}}}
	ctx = as(ctx, admin)
	err = together(len(t.Restaurants), func(i int) error {
		r := &t.Restaurants[i]
		if err := d.open(ctx, admin, r, ids[owners+i]); err != nil {
			return fmt.Errorf("demo: open %s: %w", r.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.offers(ctx); err != nil {
		return err
	}
	return together(len(t.Couriers), func(i int) error {
		c := &t.Couriers[i]
		actor := access.Actor{ID: ids[1+len(t.Dispatchers)+i], Handle: c.Handle, Name: c.Name, Roles: []access.Grant{{Role: access.RoleCourier}}}
		return d.Couriers.Ride(as(ctx, actor), delivery.Vehicle(c.Vehicle))
	})
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

func (d *Demo) person(p town.Person, roles ...access.Role) account.Person {
	out := account.Person{Handle: p.Handle, Name: p.Name, Email: p.Handle + "@arkadia.example", Lang: "en", TZ: d.town.TimeZone}
	for _, r := range roles {
		out.Roles = append(out.Roles, access.Grant{Role: r})
	}
	return out
}

// open makes a restaurant with its card.
func (d *Demo) open(ctx context.Context, admin access.Actor, r *town.Restaurant, owner id.ID) error {
	s, err := d.settings(r)
	if err != nil {
		return err
	}
	made, err := d.Restaurants.Create(ctx, restaurant.NewRestaurant{Slug: r.Slug, Settings: s, Owner: owner})
	if err != nil {
		return err
	}
	_, err = d.Menus.ImportDocument(ctx, admin, made.ID, d.card(r), menu.ImportOptions{})
	return err
}

func (d *Demo) settings(r *town.Restaurant) (restaurant.Settings, error) {
	s := d.Restaurants.Defaults()
	s.Name, s.Blurb, s.Cuisines, s.Phone, s.Street, s.City, s.Point = r.Name, r.Blurb, r.Cuisines, r.Phone, r.Address.Label, d.town.Name, r.Address.Point
	s.Price, s.Hours, s.Minimum, s.Delivers, s.PicksUp, s.AutoAccept = r.PriceLevel, r.Hours, r.MinOrder, r.Delivery, r.Pickup, r.AutoAccept
	s.Currency, s.Zone = d.town.Currency, d.town.TimeZone
	s.Photo = d.coverPath(r)
	if r.CapOrders > 0 {
		s.CapOrders, s.CapMinutes = r.CapOrders, r.CapMinutes
	}
	s.Prep = nil
	for _, p := range r.Prep {
		s.Prep = append(s.Prep, restaurant.PrepRule{UpTo: p.UpTo, Min: p.Minutes, Rush: p.Minutes * 8 / 5})
	}
	s.Zones = nil
	for _, z := range r.Zones {
		to := restaurant.Zone{Name: z.Name, RadiusM: z.RadiusM, Fee: z.Fee, Minimum: z.MinOrder}
		if len(z.Polygon) > 0 {
			area, err := polygon(z.Polygon)
			if err != nil {
				return s, err
			}
			to.RadiusM, to.Area = 0, area
		}
		s.Zones = append(s.Zones, to)
	}
	return s, nil
}

// polygon writes a closed ring as GeoJSON.
func polygon(ring []town.LatLon) (json.RawMessage, error) {
	points := make([][2]float64, len(ring))
	for i, p := range ring {
		points[i] = [2]float64{p.Lon, p.Lat}
	}
	return json.Marshal(map[string]any{"type": "Polygon", "coordinates": [][][2]float64{points}})
}

// card writes a restaurant's menu as a file of menu.Service.
func (d *Demo) card(r *town.Restaurant) menu.Document {
	m := menu.DocMenu{Name: menu.DefaultName}
	for _, s := range r.Menu {
		section := menu.DocSection{Name: s.Name, Hours: s.Hours}
		for _, it := range s.Items {
			item := menu.DocItem{
				Name: it.Name, Description: it.Description, Price: it.Price, Tax: it.Tax, Photo: d.dishPath(r, it.Slug),
				Allergens: it.Allergens, Diets: it.Diets,
			}
			if it.Stock > 0 {
				n := int64(it.Stock)
				item.Stock = &n
			}
			for _, g := range it.Options {
				group := menu.DocGroup{Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule}
				for _, o := range g.Options {
					group.Options = append(group.Options, menu.DocOption{Name: o.Name, Price: o.Price})
				}
				item.Groups = append(item.Groups, group)
			}
			section.Items = append(section.Items, item)
		}
		m.Sections = append(m.Sections, section)
	}
	return menu.Document{Menus: []menu.DocMenu{m}}
}

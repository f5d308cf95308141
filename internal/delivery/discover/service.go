package discover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Restaurants lists who serves a place; restaurant.Service does. It appends to buf, in no order, those included that are closed.
type Restaurants interface {
	Near(ctx context.Context, q delivery.NearQuery, buf []delivery.Listing) ([]delivery.Listing, error)
}

// Menus returns a restaurant's menu from memory; menu.Service does.
type Menus interface {
	Menu(ctx context.Context, restaurant id.ID) (*delivery.Menu, error)
}

// Geocoder finds places by name and names by place. Search returns at most limit places, best first, those near near before others where
// that is not nil. Reverse returns a NotFound error where it knows no name.
type Geocoder interface {
	Search(ctx context.Context, q string, near *geo.Point, limit int) ([]Place, error)
	Reverse(ctx context.Context, p geo.Point) (Place, error)
}

// Options are the town's own.
type Options struct {
	Geocoder Geocoder  // nil: addresses are set by pin alone
	Center   geo.Point // where maps begin
	City     string
	HTTPS    bool           // people reach the server by https: the cookie of their place is then Secure
	Loc      *time.Location // the town's time zone; nil: that of the restaurants listed
	// Rating returns what verified reviews say of a restaurant; nil: lists show none.
	Rating func(ctx context.Context, restaurant id.ID) (delivery.Rating, error)
	// Offers returns what a restaurant promises everybody now, in the reader's language; nil: lists show none.
	Offers func(ctx context.Context, restaurant id.ID) ([]delivery.Offer, error)
}

// Service finds restaurants and keeps addresses.
type Service struct {
	db          *db.DB
	ids         *id.Source
	now         clock.Func
	restaurants Restaurants
	menus       Menus
	opt         Options

	entries sync.Map  // id.ID → *entry
	bufs    sync.Pool // *[]delivery.Listing
}

// New returns the Service.
func New(d *db.DB, ids *id.Source, now clock.Func, restaurants Restaurants, menus Menus, opt Options) *Service {
	s := &Service{db: d, ids: ids, now: now, restaurants: restaurants, menus: menus, opt: opt}
	s.bufs.New = func() any { return new([]delivery.Listing) }
	return s
}

// Result is one page of restaurants.
type Result struct {
	Items    []Item
	Total    int     // on all pages
	Next     string  // cursor, empty at the end
	Serving  int     // how many serve the place at all, before the filters
	Cuisines []Count // of those, for the filters; only where Find was asked for them
}

// Find returns the restaurants that serve the place, in order, one page of them. It returns an Invalid error for a malformed query.
func (s *Service) Find(ctx context.Context, q Query) (*Result, error) {
	return s.find(ctx, q, true)
}

func (s *Service) find(ctx context.Context, q Query, facets bool) (*Result, error) {
	if len([]rune(q.Text)) > MaxQuery {
		return nil, errs.InvalidField("query.q", "Search for at most %d characters.", MaxQuery)
	}
	if q.Mode != delivery.Pickup && q.To == nil {
		return nil, errs.InvalidField("query.lat", "Say where it should go: lat and lon.")
	}
	after, hasCursor, err := page.Decode[key](q.Cursor)
	if err != nil {
		return nil, errs.InvalidField("query.cursor", "This page link is broken. Start again from the first page.")
	}
	buf := s.bufs.Get().(*[]delivery.Listing)
	defer s.bufs.Put(buf)
	list, err := s.restaurants.Near(ctx, delivery.NearQuery{Mode: q.Mode, To: q.To, At: q.At}, (*buf)[:0])
	if err != nil {
		return nil, fmt.Errorf("discover: list restaurants: %w", err)
	}
	*buf = list
	f := newFilter(&q)
	items := make([]Item, 0, len(list))
	r := &Result{Serving: len(list)}
	if facets {
		all := make([]Item, len(list))
		for i := range list {
			all[i].Listing = list[i]
		}
		r.Cuisines = cuisinesOf(all)
	}
	for i := range list {
		e, err := s.entry(ctx, list[i].Card, f.needsMenu())
		if err != nil {
			return nil, err
		}
		dishes, ok := f.match(&list[i], e)
		if ok {
			items = append(items, Item{Listing: list[i], Dishes: dishes, entry: e, key: keyOf(&list[i], q.Sort, f.named(&list[i]))})
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return a.key.compare(b.key) })
	s.cut(r, items, after, hasCursor, q.Limit)
	s.markNew(r, list)
	if s.opt.Offers != nil {
		for i := range r.Items {
			if r.Items[i].Offers, err = s.opt.Offers(ctx, r.Items[i].Card.ID); err != nil {
				return nil, fmt.Errorf("discover: offers of %s: %w", r.Items[i].Card.Slug, err)
			}
		}
	}
	if s.opt.Rating == nil {
		return r, nil
	}
	for i := range r.Items {
		if r.Items[i].Rating, err = s.opt.Rating(ctx, r.Items[i].Card.ID); err != nil {
			return nil, fmt.Errorf("discover: stars of %s: %w", r.Items[i].Card.Slug, err)
		}
	}
	return r, nil
}

// cut leaves one page in r.
func (s *Service) cut(r *Result, items []Item, after key, hasCursor bool, limit int) {
	r.Total = len(items)
	if hasCursor {
		items = items[sort.Search(len(items), func(i int) bool { return items[i].key.compare(after) > 0 }):]
	}
	if n := page.Limit(limit); len(items) > n {
		r.Next = page.Encode(items[n-1].key)
		items = items[:n]
	}
	now := s.now()
	for i := range items {
		it := &items[i]
		it.ClosesSoon = it.Open && !it.Closes.IsZero() && it.Closes.Sub(now) < closesSoon
	}
	r.Items = items
}

// markNew tells who joined lately, unless most of them did: in a town that has just opened it would say nothing.
func (s *Service) markNew(r *Result, all []delivery.Listing) {
	now, n := s.now(), 0
	for i := range all {
		if now.Sub(all[i].Card.Since) < newFor {
			n++
		}
	}
	for i := range r.Items {
		r.Items[i].New = 2*n <= len(all) && now.Sub(r.Items[i].Card.Since) < newFor
	}
}

// entry returns what is searched of a restaurant, made anew where its card or menu has changed.
func (s *Service) entry(ctx context.Context, card *delivery.Card, needsMenu bool) (*entry, error) {
	var have *entry
	if v, ok := s.entries.Load(card.ID); ok {
		have = v.(*entry)
	}
	if !needsMenu && have != nil && have.card == card {
		return have, nil
	}
	var menu *delivery.Menu
	if needsMenu {
		var err error
		if menu, err = s.menus.Menu(ctx, card.ID); err != nil && !errs.Is(err, errs.NotFound) {
			return nil, fmt.Errorf("discover: menu of %s: %w", card.Slug, err)
		}
		if have != nil && have.card == card && menu != nil && have.menu == menu.Version {
			return have, nil
		}
	}
	fresh := newEntry(card, menu)
	s.entries.Store(card.ID, fresh)
	return fresh, nil
}

// Search returns places whose names match q, none where the town has no geocoder.
func (s *Service) Search(ctx context.Context, q string, near *geo.Point, limit int) ([]Place, error) {
	q = text.Clean(q, MaxQuery)
	if s.opt.Geocoder == nil || q == "" {
		return []Place{}, nil
	}
	found, err := s.opt.Geocoder.Search(ctx, q, near, limit)
	if err != nil {
		return nil, fmt.Errorf("discover: geocode: %w", err)
	}
	return append([]Place{}, found...), nil
}

// Reverse returns the address at a point. It returns NotFound where none is known.
func (s *Service) Reverse(ctx context.Context, p geo.Point) (Place, error) {
	if !p.Valid() {
		return Place{}, errs.InvalidField("query.lat", "Latitude is between -90 and 90, longitude between -180 and 180.")
	}
	if s.opt.Geocoder == nil {
		return Place{}, errs.New(errs.NotFound, "No address is known here.")
	}
	return s.opt.Geocoder.Reverse(ctx, p)
}

// mine returns the actor who may do verb with their own account.
func mine(ctx context.Context, verb string) (access.Actor, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, err
	}
	return actor, access.Can(actor, verb, access.Thing{Kind: "account", ID: actor.ID})
}

// Addresses returns the actor's saved addresses, the oldest first. It returns an Unauthenticated error for guests.
func (s *Service) Addresses(ctx context.Context) (list []Saved, err error) {
	actor, err := mine(ctx, "address.read")
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err = addresses(ctx, tx, actor.ID)
		return err
	})
	return list, err
}

// Address returns one of the actor's addresses, or NotFound.
func (s *Service) Address(ctx context.Context, aid id.ID) (a Saved, err error) {
	actor, err := mine(ctx, "address.read")
	if err != nil {
		return a, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		a, err = address(ctx, tx, actor.ID, aid)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return a, errNoAddress
	}
	return a, err
}

var errNoAddress = errs.New(errs.NotFound, "This address is not in your book.")

// AddAddress saves an address; the first becomes the default. Errors: Invalid with field paths; Conflict where MaxAddresses are saved.
func (s *Service) AddAddress(ctx context.Context, a Saved) (Saved, error) {
	actor, err := mine(ctx, "address.manage")
	if err != nil {
		return a, err
	}
	if err := a.normalise(); err != nil {
		return a, err
	}
	a.ID = s.ids.Next()
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		have, err := addresses(ctx, tx, actor.ID)
		if err != nil {
			return err
		}
		if len(have) >= MaxAddresses {
			return errs.New(errs.Conflict, "You have saved %d addresses. Delete one first.", MaxAddresses).WithCode("address_book_full")
		}
		a.Default = a.Default || len(have) == 0
		if err := insertAddress(ctx, tx, actor.ID, a, s.now()); err != nil || !a.Default {
			return err
		}
		return onlyDefault(ctx, tx, actor.ID, a.ID)
	})
	return a, err
}

// ChangeAddress has fn alter one of the actor's addresses. Errors: NotFound; Invalid with field paths.
func (s *Service) ChangeAddress(ctx context.Context, aid id.ID, fn func(*Saved)) (a Saved, err error) {
	actor, err := mine(ctx, "address.manage")
	if err != nil {
		return a, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if a, err = address(ctx, tx, actor.ID, aid); err != nil {
			return err
		}
		fn(&a)
		a.ID = aid
		if err := a.normalise(); err != nil {
			return err
		}
		ok, err := updateAddress(ctx, tx, actor.ID, a, s.now())
		if err != nil {
			return err
		}
		if !ok {
			return errNoAddress
		}
		if a.Default {
			return onlyDefault(ctx, tx, actor.ID, aid)
		}
		return nil
	})
	if errors.Is(err, db.ErrNoRow) {
		return a, errNoAddress
	}
	return a, err
}

// undoFor is how long a deleted address can be had back.
const undoFor = time.Hour

// DeleteAddress deletes one of the actor's addresses, or NotFound. For an hour RestoreAddress brings it back; then it is gone.
func (s *Service) DeleteAddress(ctx context.Context, aid id.ID) error { return s.mark(ctx, aid, false) }

// RestoreAddress takes DeleteAddress back. It returns NotFound where there is nothing to bring back.
func (s *Service) RestoreAddress(ctx context.Context, aid id.ID) error { return s.mark(ctx, aid, true) }

func (s *Service) mark(ctx context.Context, aid id.ID, restore bool) error {
	actor, err := mine(ctx, "address.manage")
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		if err := forget(ctx, tx, actor.ID, now.Add(-undoFor)); err != nil {
			return err
		}
		ok, err := markDeleted(ctx, tx, actor.ID, aid, restore, now)
		if err == nil && !ok {
			return errNoAddress
		}
		return err
	})
}

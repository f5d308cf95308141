package restaurant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Granter gives people roles; account.Service is one.
type Granter interface {
	Grant(ctx context.Context, account id.ID, g access.Grant) error
}

// Options are the town's own.
type Options struct {
	Currency string // ISO 4217; "EUR" where empty
	Zone     string // IANA; "Europe/Berlin" where empty
	// Deal returns the agreement of restaurants that have none of their own; nil: Free.
	Deal func() Agreement
	// Audit, where not nil, is told of changed deals.
	Audit *audit.Audit
	// OnSave, where not nil, runs in the transaction that makes or changes a restaurant.
	OnSave func(ctx context.Context, tx *db.Tx, rid id.ID, slug string, set Settings) error
}

// Service runs the use cases of restaurants.
type Service struct {
	db     *db.DB
	log    *events.Log
	ids    *id.Source
	now    clock.Func
	grants Granter
	opt    Options
	cache  cache
}

// New returns the Service. Call React once, and Load before serving.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, grants Granter, opt Options) *Service {
	if opt.Currency == "" {
		opt.Currency = "EUR"
	}
	if opt.Zone == "" {
		opt.Zone = "Europe/Berlin"
	}
	if opt.Deal == nil {
		opt.Deal = Free
	}
	return &Service{db: d, log: log, ids: ids, now: now, grants: grants, opt: opt}
}

// Defaults returns the settings that a new restaurant of this town starts with.
func (s *Service) Defaults() Settings { return Defaults(s.opt.Currency, s.opt.Zone) }

// All returns every restaurant, those included that customers do not see, in the order in which they joined.
func (s *Service) All(ctx context.Context) ([]*Compiled, error) {
	w, err := s.world(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(w.list), nil
}

// Shop returns a restaurant as those see it who sell and cook for it, or NotFound.
func (s *Service) Shop(ctx context.Context, rid id.ID) (*delivery.Shop, error) {
	c, err := s.Get(ctx, rid)
	if err != nil {
		return nil, err
	}
	return s.shop(c), nil
}

// ShopBySlug is Shop for the name in its address.
func (s *Service) ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error) {
	c, err := s.GetBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	return s.shop(c), nil
}

// Terms returns what the restaurant offers for one mode, place, time (nil: as soon as possible) and value of food. What stands against the
// order is among the terms' problems; the error is NotFound for a restaurant that is not there.
func (s *Service) Terms(ctx context.Context, rid id.ID, mode delivery.Mode, to *geo.Point, at *time.Time, food money.Amount) (delivery.Terms, error) {
	c, err := s.Get(ctx, rid)
	if err != nil {
		return delivery.Terms{}, err
	}
	taken, err := s.taken(ctx, c)
	if err != nil {
		return delivery.Terms{}, err
	}
	return c.Terms(s.now(), Ask{Mode: mode, To: to, At: at, Food: food}, taken), nil
}

// taken reads how full the kitchen is; nothing is read for one without a limit.
func (s *Service) taken(ctx context.Context, c *Compiled) (Taken, error) {
	if c.Settings.CapOrders == 0 {
		return nil, nil
	}
	var m map[int64]int
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		m, err = counts(ctx, tx, c.ID, s.now().Add(-time.Hour))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("restaurant: read capacity of %s: %w", c.Slug, err)
	}
	c.counts.Store(&m)
	return func(w time.Time) int { return m[w.Unix()] }, nil
}

// Slots returns the times that can still be chosen on days days from from on (at most 15), for an order of any value. It returns NotFound
// for a restaurant that is not there, and none for a place that it does not serve.
func (s *Service) Slots(ctx context.Context, rid id.ID, mode delivery.Mode, to *geo.Point, from time.Time, days int) ([]delivery.Slot, error) {
	states, err := s.slotStates(ctx, rid, mode, to, from, days)
	if err != nil {
		return nil, err
	}
	out := make([]delivery.Slot, 0, len(states))
	for _, st := range states {
		if !st.Full {
			out = append(out, st.Slot)
		}
	}
	return out, nil
}

// slotStates is Slots with the full ones, marked.
func (s *Service) slotStates(ctx context.Context, rid id.ID, mode delivery.Mode, to *geo.Point, from time.Time, days int) ([]SlotState, error) {
	c, err := s.Get(ctx, rid)
	if err != nil {
		return nil, err
	}
	taken, err := s.taken(ctx, c)
	if err != nil {
		return nil, err
	}
	until := from.AddDate(0, 0, min(max(days, 1), MaxDaysAhead+1))
	return c.Slots(s.now(), Ask{Mode: mode, To: to}, from, until, taken), nil
}

// Near returns every restaurant that serves the place in that mode, open or not, in no order, appended to buf.
func (s *Service) Near(ctx context.Context, q delivery.NearQuery, buf []delivery.Listing) ([]delivery.Listing, error) {
	w, err := s.world(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	for _, c := range w.list {
		if !c.Settings.Active {
			continue
		}
		if l, ok := c.Listing(now, q); ok {
			buf = append(buf, l)
		}
	}
	return buf, nil
}

// CheckShop returns a Conflict error with code "changed" where the restaurant is no longer at that version.
func (s *Service) CheckShop(ctx context.Context, tx *db.Tx, rid id.ID, version int64) error {
	v, err := holdVersion(ctx, tx, rid)
	if errors.Is(err, db.ErrNoRow) {
		return errMissing
	}
	if err != nil {
		return fmt.Errorf("restaurant: check version: %w", err)
	}
	if v != version {
		// The news is still on its way here: who quotes again must not get the old terms again.
		if r, err := byID(ctx, tx, rid); err == nil {
			if c, err := Compile(r.id, r.slug, r.version, r.since, r.settings); err == nil {
				s.cache.put(c)
			}
		}
		return errChanged
	}
	return nil
}

var (
	errChanged = errs.New(errs.Conflict, "The restaurant has just changed its terms. Look at the new ones.").WithCode("changed")
	errFull    = errs.New(errs.Conflict, "The kitchen has just become full for that time. Choose another.").WithCode("slot_full")
)

// TakeSlot counts an order in the capacity window that Terms named; empty: there is none. It returns a Conflict error with code
// "slot_full" where the window is full.
func (s *Service) TakeSlot(ctx context.Context, tx *db.Tx, rid id.ID, capacity string) error {
	if capacity == "" {
		return nil
	}
	window, err := parseCap(capacity)
	if err != nil {
		return err
	}
	c, err := s.Get(ctx, rid)
	if err != nil {
		return err
	}
	if c.Settings.CapOrders == 0 {
		return nil
	}
	ok, err := take(ctx, tx, rid, window, c.Settings.CapOrders)
	if err != nil {
		return fmt.Errorf("restaurant: take a slot of %s: %w", c.Slug, err)
	}
	if !ok {
		return errFull
	}
	return nil
}

// GiveSlot takes back what TakeSlot counted.
func (s *Service) GiveSlot(ctx context.Context, tx *db.Tx, rid id.ID, capacity string) error {
	if capacity == "" {
		return nil
	}
	window, err := parseCap(capacity)
	if err != nil {
		return err
	}
	if err := give(ctx, tx, rid, window); err != nil {
		return fmt.Errorf("restaurant: give a slot back: %w", err)
	}
	return nil
}

// NewRestaurant is a restaurant to be made.
type NewRestaurant struct {
	Slug     string // a-z, 0-9 and hyphens; made from the name where empty
	Settings Settings
	Owner    id.ID     // account that may manage it, 0: nobody yet
	Since    time.Time // when it joined the town; zero: now
}

// Create makes a restaurant. Only admins may. Errors: Invalid with field paths; Conflict where the slug is taken.
func (s *Service) Create(ctx context.Context, in NewRestaurant) (*Compiled, error) {
	actor := access.From(ctx)
	if err := access.Can(actor, "admin.restaurants", access.Thing{Kind: "admin"}); err != nil {
		return nil, err
	}
	now := s.now()
	if err := in.Settings.Normalise(now); err != nil {
		return nil, err
	}
	if in.Slug == "" {
		in.Slug = text.Slug(in.Settings.Name, 50)
	}
	if in.Slug == "" || text.Slug(in.Slug, 60) != in.Slug {
		return nil, errs.InvalidField("slug", "Use small letters, digits and single hyphens, such as trattoria-da-luigi.")
	}
	if in.Since.IsZero() || in.Since.After(now) {
		in.Since = now
	}
	r := row{id: s.ids.Next(), slug: in.Slug, version: 1, since: in.Since, settings: in.Settings}
	for i := range r.settings.Closures {
		r.settings.Closures[i].ID = s.ids.Next()
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if err := insert(ctx, tx, r); err != nil {
			return err
		}
		if err := s.saved(ctx, tx, r); err != nil {
			return err
		}
		return s.log.Append(ctx, tx, now, actor.ID, delivery.RestaurantChanged{Restaurant: r.id, Version: 1, What: "created"})
	})
	if db.IsUnique(err) {
		return nil, errs.New(errs.Conflict, "There is a restaurant at that address already.").WithCode("slug_taken")
	}
	if err != nil {
		return nil, fmt.Errorf("restaurant: create %s: %w", r.slug, err)
	}
	if in.Owner != 0 && s.grants != nil {
		if err := s.grants.Grant(ctx, in.Owner, access.Grant{Role: access.RoleOwner, Place: r.id}); err != nil {
			return nil, err
		}
	}
	if err := s.refresh(ctx, r.id); err != nil {
		return nil, err
	}
	return s.Get(ctx, r.id)
}

// saved tells of a restaurant that was stored.
func (s *Service) saved(ctx context.Context, tx *db.Tx, r row) error {
	if s.opt.OnSave == nil {
		return nil
	}
	return s.opt.OnSave(ctx, tx, r.id, r.slug, r.settings)
}

// change has fn alter the settings of a restaurant for an actor who may do verb there, stores them under the next version and tells what
// changed. Two changes at once: the second sees the first.
func (s *Service) change(ctx context.Context, rid id.ID, verb, what string, fn func(*Settings, time.Time) error) (*Compiled, error) {
	actor := access.From(ctx)
	if _, err := s.Get(ctx, rid); err != nil {
		return nil, err
	}
	if err := access.Can(actor, verb, access.Thing{Kind: "restaurant", ID: rid}); err != nil {
		return nil, err
	}
	for range 5 {
		done := false
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			now := s.now()
			r, err := byID(ctx, tx, rid)
			if err != nil {
				return err
			}
			if err := fn(&r.settings, now); err != nil {
				return err
			}
			if err := r.settings.Normalise(now); err != nil {
				return err
			}
			if done, err = update(ctx, tx, r, now); err != nil || !done {
				return err
			}
			if err := s.saved(ctx, tx, r); err != nil {
				return err
			}
			if what == "deal" {
				if err := s.note(ctx, tx, r); err != nil {
					return err
				}
			}
			return s.log.Append(ctx, tx, now, actor.ID, delivery.RestaurantChanged{Restaurant: rid, Version: r.version + 1, What: what})
		})
		if _, ok := errors.AsType[*errs.Error](err); ok {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("restaurant: change %s of %d: %w", what, rid, err)
		}
		if !done {
			continue // somebody else was quicker: once more on top of that
		}
		if err := s.refresh(ctx, rid); err != nil {
			return nil, err
		}
		return s.Get(ctx, rid)
	}
	return nil, errs.New(errs.Conflict, "Somebody else is changing this restaurant. Try again.")
}

// Update has fn alter any of the settings but those with methods of their own (pause, rush, closures, deal). what is "profile", "hours", "zones"
// or "limits". It needs "restaurant.manage". Errors: NotFound, Forbidden, Invalid with the settings' field paths.
func (s *Service) Update(ctx context.Context, rid id.ID, what string, fn func(*Settings) error) (*Compiled, error) {
	return s.change(ctx, rid, "restaurant.manage", what, func(set *Settings, _ time.Time) error {
		deal := set.Deal // is not the restaurant's to change
		err := fn(set)
		set.Deal = deal
		return err
	})
}

// MaxPause is the longest pause or rush that can be set; after it the restaurant is back by itself.
const MaxPause = 48 * time.Hour

// SetPause has the restaurant take no orders until until, at most MaxPause from now; a time that is over ends the pause.
func (s *Service) SetPause(ctx context.Context, rid id.ID, until time.Time) (*Compiled, error) {
	return s.change(ctx, rid, "restaurant.work", "pause", func(set *Settings, now time.Time) error {
		if until.After(now.Add(MaxPause)) {
			return errs.InvalidField("until", "A pause lasts at most two days. For longer, enter a closure.")
		}
		set.PausedUntil = ended(until, now)
		return nil
	})
}

// SetRush has the kitchen take longer until until: extra minutes more, or what its rules say where extra is 0.
func (s *Service) SetRush(ctx context.Context, rid id.ID, until time.Time, extra int) (*Compiled, error) {
	return s.change(ctx, rid, "restaurant.work", "rush", func(set *Settings, now time.Time) error {
		if until.After(now.Add(MaxPause)) {
			return errs.InvalidField("until", "Rush lasts at most two days.")
		}
		set.RushUntil, set.RushExtra = ended(until, now), extra
		return nil
	})
}

// ended returns until, or the zero time where it is over.
func ended(until, now time.Time) time.Time {
	if !until.After(now) {
		return time.Time{}
	}
	return until.UTC()
}

// Tomorrow returns the start of the restaurant's next calendar day: the end of a pause "until tomorrow".
func (c *Compiled) Tomorrow(now time.Time) time.Time {
	return hours.DateOf(now, c.loc).AddDays(1).Start(c.loc)
}

// AddClosure closes the restaurant from x.From to x.To. Staff may do it for up to a day from now, managers for any time.
func (s *Service) AddClosure(ctx context.Context, rid id.ID, x Closure) (*Compiled, error) {
	x.ID = s.ids.Next()
	return s.change(ctx, rid, x.verb(s.now()), "hours", func(set *Settings, now time.Time) error {
		if !x.To.After(x.From) || !x.To.After(now) {
			return errs.InvalidField("to", "The closure must end after it begins, and after now.")
		}
		if x.To.Sub(x.From) > 366*24*time.Hour || x.From.After(now.AddDate(2, 0, 0)) {
			return errs.InvalidField("to", "A closure lasts at most a year and begins within two.")
		}
		set.Closures = append(set.Closures, Closure{ID: x.ID, From: x.From.UTC(), To: x.To.UTC(), Reason: x.Reason})
		return nil
	})
}

// verb is what changing a closure takes: staff decide about the next day, managers about holidays.
func (x Closure) verb(now time.Time) string {
	if x.To.Before(now.Add(24 * time.Hour)) {
		return "restaurant.work"
	}
	return "restaurant.manage"
}

// RemoveClosure takes a closure back, which staff may do with those that end within a day. It returns NotFound where there is none with that
// id.
func (s *Service) RemoveClosure(ctx context.Context, rid, closure id.ID) (*Compiled, error) {
	return s.change(ctx, rid, "restaurant.work", "hours", func(set *Settings, now time.Time) error {
		i := slices.IndexFunc(set.Closures, func(x Closure) bool { return x.ID == closure })
		if i < 0 {
			return errs.New(errs.NotFound, "This closure is not there any more.")
		}
		if err := access.Can(access.From(ctx), set.Closures[i].verb(now), access.Thing{Kind: "restaurant", ID: rid}); err != nil {
			return err
		}
		set.Closures = slices.Delete(set.Closures, i, i+1)
		return nil
	})
}

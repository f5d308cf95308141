package promo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Shops is what promotions ask of restaurants. delivery/restaurant answers.
type Shops interface {
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error)
}

// Menus is what promotions ask of menus. delivery/menu answers.
type Menus interface {
	Menu(ctx context.Context, restaurant id.ID) (*delivery.Menu, error)
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB    *db.DB
	IDs   *id.Source
	Now   clock.Func
	Log   *events.Log
	Shops Shops
	Menus Menus
}

// Options are what a Service can do without.
type Options struct {
	Currency string // the town's
	// Ordered reports whether an account has ordered from a restaurant (0: from any) what was not cancelled. Nil: nobody has.
	Ordered func(ctx context.Context, account, restaurant id.ID) (bool, error)
	// Audit notes a deed in its transaction. Nil: deeds are not noted.
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
}

// Service keeps promotions. Safe for concurrent use.
type Service struct {
	db    *db.DB
	ids   *id.Source
	now   clock.Func
	log   *events.Log
	shops Shops
	menus Menus
	opt   Options
	cache cache
}

// New returns a Service.
func New(d Deps, o Options) *Service {
	return &Service{db: d.DB, ids: d.IDs, now: d.Now, log: d.Log, shops: d.Shops, menus: d.Menus, opt: o}
}

var (
	errMissing = errs.New(errs.NotFound, "There is no such promotion.")
	errTown    = errs.New(errs.Forbidden, "The town bears this promotion: only an admin can change it.")
	errTaken   = errs.New(errs.Conflict, "This code is taken. Choose another one.").WithCode("code_taken")
)

// admin reports whether the actor may do everything with promotions.
func admin(ctx context.Context) bool {
	return access.Can(access.From(ctx), "admin.promotions", access.Thing{}) == nil
}

// owned returns an error where the actor may not set promotions of a restaurant.
func owned(ctx context.Context, restaurant id.ID) error {
	if admin(ctx) {
		return nil
	}
	if restaurant == 0 {
		return errs.New(errs.Forbidden, "Only an admin sets promotions of the whole town.")
	}
	return access.Can(access.From(ctx), "restaurant.manage", access.Thing{Kind: "restaurant", ID: restaurant})
}

// writable returns an error where the actor may not make or change a promotion: owners do what their own restaurant bears, admins all.
func writable(ctx context.Context, p *Promotion) error {
	if err := owned(ctx, p.Restaurant); err != nil {
		return err
	}
	if p.Bearer != delivery.PartyRestaurant && !admin(ctx) {
		return errTown
	}
	return nil
}

// currency sets the currency of a promotion's amounts. It returns NotFound for an unknown restaurant.
func (s *Service) currency(ctx context.Context, p *Promotion) error {
	p.Currency = cmp.Or(s.opt.Currency, "EUR")
	if p.Restaurant == 0 {
		return nil
	}
	shop, err := s.shops.Shop(ctx, p.Restaurant)
	if err != nil {
		return err
	}
	p.Currency = shop.Currency
	return nil
}

// Create makes a promotion. Errors: Invalid with fields; Conflict (code "code_taken"); Forbidden or NotFound for another's restaurant and for
// what the town bears.
func (s *Service) Create(ctx context.Context, p Promotion) (*Promotion, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	p.ID, p.Used, p.rev, p.CreatedBy = s.ids.Next(), 0, 0, actor.ID
	p.CreatedAt = s.now().UTC()
	p.ChangedAt = p.CreatedAt
	if p.State != Paused {
		p.State = Active
	}
	if err := writable(ctx, &p); err != nil {
		return nil, err
	}
	if err := s.currency(ctx, &p); err != nil {
		return nil, err
	}
	if err := p.tidy(s.now()); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := insert(ctx, tx, &p); err != nil {
			return err
		}
		return s.changed(ctx, tx, actor.ID, "promotion.create", &p)
	})
	if db.IsUnique(err) {
		return nil, errTaken.WithCause(err)
	}
	p.rev = 1
	return &p, err
}

// changed notes what somebody did to a promotion, and tells all nodes.
func (s *Service) changed(ctx context.Context, tx *db.Tx, by id.ID, verb string, p *Promotion) error {
	if s.opt.Audit != nil {
		if err := s.opt.Audit(ctx, tx, verb, "promotion:"+p.ID.String(), map[string]any{"state": p.State, "code": p.Code}); err != nil {
			return err
		}
	}
	return s.told(ctx, tx, by, p)
}

// told tells all nodes that a promotion is another now.
func (s *Service) told(ctx context.Context, tx *db.Tx, by id.ID, p *Promotion) error {
	tx.AfterCommit(s.cache.stale)
	return s.log.Append(ctx, tx, s.now(), by, delivery.PromotionChanged{Promotion: p.ID, Restaurant: p.Restaurant})
}

// Get returns a promotion that the actor may look after, or NotFound.
func (s *Service) Get(ctx context.Context, promotion id.ID) (*Promotion, error) {
	var p *Promotion
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = byID(ctx, tx, promotion)
		return err
	})
	if errors.Is(err, db.ErrNoRow) || err == nil && owned(ctx, p.Restaurant) != nil {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	return p, p.compile()
}

// Change has fn alter a promotion. Restaurant, id and uses stay as they are. Errors as of Create; Conflict where it has ended (code
// "ended") or was changed by somebody else meanwhile (code "changed_meanwhile").
func (s *Service) Change(ctx context.Context, promotion id.ID, fn func(*Promotion)) (*Promotion, error) {
	p, err := s.Get(ctx, promotion)
	if err != nil {
		return nil, err
	}
	if err := writable(ctx, p); err != nil {
		return nil, err
	}
	if p.State == Ended {
		return nil, errs.New(errs.Conflict, "This promotion has ended. Make a new one.").WithCode("ended")
	}
	old := *p
	fn(p)
	p.ID, p.Restaurant, p.Used, p.Currency, p.rev = old.ID, old.Restaurant, old.Used, old.Currency, old.rev
	if !slices.Contains([]State{Active, Paused, Ended}, p.State) {
		return nil, errs.InvalidField("state", "A promotion is active, paused or ended.")
	}
	if err := writable(ctx, p); err != nil {
		return nil, err
	}
	if err := p.tidy(s.now()); err != nil {
		return nil, err
	}
	p.ChangedAt = s.now().UTC()
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := update(ctx, tx, p)
		if err != nil {
			return err
		}
		if !ok {
			return errs.New(errs.Conflict, "Somebody has changed this promotion meanwhile. Look again.").WithCode("changed_meanwhile")
		}
		return s.changed(ctx, tx, access.From(ctx).ID, "promotion.change", p)
	})
	if db.IsUnique(err) {
		return nil, errTaken.WithCause(err)
	}
	p.rev++
	return p, err
}

// SetState pauses a promotion, takes it up again or ends it for good.
func (s *Service) SetState(ctx context.Context, promotion id.ID, state State) (*Promotion, error) {
	return s.Change(ctx, promotion, func(p *Promotion) { p.State = state })
}

// List returns a page of a restaurant's promotions, or, with 0, of all, newest first, as far as the actor looks after them.
func (s *Service) List(ctx context.Context, restaurant id.ID, cursor string, limit int) (page.Page[*Promotion], error) {
	out := page.Page[*Promotion]{Items: []*Promotion{}}
	if err := owned(ctx, restaurant); err != nil {
		return out, err
	}
	from, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	var rows []*Promotion
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if restaurant == 0 {
			rows, err = list(ctx, tx, from, limit+1)
		} else {
			rows, err = listOf(ctx, tx, restaurant, from, limit+1)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	return page.Cut(rows, limit, func(p *Promotion) id.ID { return p.ID }), nil
}

// Uses returns a page of the orders that have or had a promotion, newest first.
func (s *Service) Uses(ctx context.Context, promotion id.ID, cursor string, limit int) (page.Page[Use], error) {
	out := page.Page[Use]{Items: []Use{}}
	if _, err := s.Get(ctx, promotion); err != nil {
		return out, err
	}
	from, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	var rows []Use
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = uses(ctx, tx, promotion, from, limit+1)
		return err
	})
	if err != nil {
		return out, err
	}
	return page.Cut(rows, limit, func(u Use) id.ID { return u.Order }), nil
}

// Use counts that an order of an account at a restaurant has discounts, or returns a Conflict error (code "promotion_used_up"). An order that
// has them already is counted once. Of orders that are placed at once one alone has what is for a first order, whichever promotions those are.
func (s *Service) Use(ctx context.Context, tx *db.Tx, order, account, restaurant id.ID, discounts []delivery.Discount) error {
	ever, here := false, false
	// In one order, so that two orders that have two promotions in common don't wait for each other.
	list := slices.SortedFunc(slices.Values(discounts), func(a, b delivery.Discount) int { return cmp.Compare(a.Promotion, b.Promotion) })
	for _, d := range list {
		first, ok, err := note(ctx, tx, Use{Promotion: d.Promotion, Order: order, Account: account, Amount: d.Amount, At: s.now()})
		if err != nil {
			return fmt.Errorf("promo: note a use of %s: %w", d.Promotion, err)
		}
		if !ok {
			continue
		}
		ok, full, err := take(ctx, tx, d.Promotion, !first)
		if err != nil {
			return fmt.Errorf("promo: use %s: %w", d.Promotion, err)
		}
		if !ok {
			return errUsedUp
		}
		p, err := byID(ctx, tx, d.Promotion)
		if err != nil {
			return err
		}
		if most := p.each(); most > 0 {
			if ok, err = takeOf(ctx, tx, d.Promotion, account, most); err != nil {
				return err
			}
			if !ok {
				return errUsedUp
			}
		}
		ever, here = ever || p.First == FirstEver, here || p.First != ""
		if full {
			if err := s.told(ctx, tx, account, p); err != nil {
				return err
			}
		}
	}
	var first []id.ID
	if ever {
		first = append(first, 0)
	}
	if here { // what is their first order in town is their first there, too
		first = append(first, restaurant)
	}
	for _, r := range first {
		ok, err := takeFirst(ctx, tx, account, r, order)
		if err != nil {
			return fmt.Errorf("promo: use what is for a first order: %w", err)
		}
		if !ok {
			return errUsedUp
		}
	}
	return nil
}

// GiveBack takes back what an order used, once.
func (s *Service) GiveBack(ctx context.Context, tx *db.Tx, order id.ID) error {
	list, err := usedBy(ctx, tx, order)
	if err != nil {
		return err
	}
	for _, u := range list {
		ok, err := back(ctx, tx, u.Promotion, order)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		p, err := byID(ctx, tx, u.Promotion)
		if err != nil {
			return err
		}
		if err := giveOf(ctx, tx, u.Promotion, u.Account); err != nil {
			return fmt.Errorf("promo: give %s back: %w", u.Promotion, err)
		}
		if p.Most > 0 && p.Used >= p.Most { // it can be had again
			if err := s.told(ctx, tx, u.Account, p); err != nil {
				return err
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return giveFirst(ctx, tx, order)
}

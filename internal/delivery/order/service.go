package order

import (
	"context"
	"embed"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// Schema holds the tables orders and order_history.
//
//go:embed schema/*.sql
var Schema embed.FS

// Quoter prices what somebody wants. delivery/cart has one.
type Quoter interface {
	// Quote returns prices, promise and problems as they are now.
	Quote(ctx context.Context, req delivery.QuoteRequest) (*delivery.Quote, error)
	// Unchanged reports whether q is what somebody agreed to by the fingerprint of an earlier quote.
	Unchanged(fingerprint string, q *delivery.Quote) bool
}

// Shops is what orders ask of restaurants. delivery/restaurant answers.
type Shops interface {
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error)
	// CheckShop returns a Conflict error (code "changed") where the restaurant has another version by now.
	CheckShop(ctx context.Context, tx *db.Tx, restaurant id.ID, version int64) error
	// TakeSlot counts an order in a capacity window, or returns a Conflict error (code "slot_full"). GiveSlot takes that back.
	TakeSlot(ctx context.Context, tx *db.Tx, restaurant id.ID, capacity string) error
	GiveSlot(ctx context.Context, tx *db.Tx, restaurant id.ID, capacity string) error
}

// Stock is what orders ask of menus. delivery/menu answers.
type Stock interface {
	// CheckMenu returns a Conflict error (code "changed") where the card has another version by now.
	CheckMenu(ctx context.Context, tx *db.Tx, restaurant id.ID, version int64) error
	// Take takes portions from what is counted, or returns a Conflict error (code "sold_out"). Give puts them back.
	Take(ctx context.Context, tx *db.Tx, restaurant id.ID, portions []delivery.Portion) error
	Give(ctx context.Context, tx *db.Tx, restaurant id.ID, portions []delivery.Portion) error
}

// Payments takes the money. delivery/payment does.
type Payments interface {
	// Open writes down that a card is to be charged.
	Open(ctx context.Context, tx *db.Tx, c delivery.Charge) error
	// Collect records money taken at the door.
	Collect(ctx context.Context, tx *db.Tx, c delivery.Charge, by id.ID, at time.Time) error
	// Aim says where an order's payment is to end up; nothing happens to an order without one.
	Aim(ctx context.Context, tx *db.Tx, order id.ID, aim delivery.PaymentAim) error
	// Of returns an order's payment, or a NotFound error.
	Of(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Payment, error)
	// Settle brings the payment to its aim, outside any transaction, and calls done in the one that stores the result.
	Settle(ctx context.Context, order id.ID, done func(context.Context, *db.Tx, delivery.Payment) error) error
}

// People knows the names of accounts.
type People interface {
	Name(ctx context.Context, account id.ID) (string, error)
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB       *db.DB
	IDs      *id.Source
	Now      clock.Func
	Log      *events.Log
	Hub      *realtime.Hub
	Jobs     *jobs.Queue
	Quoter   Quoter
	Shops    Shops
	Stock    Stock
	Payments Payments
	People   People

	Books      Books
	Promotions Promotions
	Pots       Pots
}

// Options are the town's rules. Zero values stand for the defaults named.
type Options struct {
	WarnAfter     time.Duration // an unanswered order is called to mind; 5 min
	RefuseAfter   time.Duration // and refused; 10 min
	RestoreWithin time.Duration // a cancelled order can be taken up again; 10 min
	ConcludeAfter time.Duration // a delivered order is concluded; 2 h
	SettleAfter   time.Duration // an order whose card payment got stuck is looked at; 2 min
	PayWithin     time.Duration // an order whose customer has not confirmed the payment at their bank is cancelled; 15 min

	// Patience, where not nil, is asked each time for what WarnAfter, RefuseAfter and RestoreWithin say otherwise.
	Patience func() Patience
	// CaptureLate, where not nil, reports whether cards are charged when food is delivered, and not when it is confirmed.
	CaptureLate func() bool
	// Refunded, where not nil, reports whether something of an order's price was given back: it can't be taken up again then.
	Refunded func(ctx context.Context, tx *db.Tx, order id.ID) (bool, error)
	// SellOut, where not nil, marks items of a restaurant as sold out, when an order is refused for that reason.
	SellOut func(ctx context.Context, tx *db.Tx, restaurant id.ID, items []id.ID) error
}

// Patience is how long the town waits.
type Patience struct {
	WarnAfter, RefuseAfter, RestoreWithin, PayWithin time.Duration
}

// patience returns how long the town waits now.
func (s *Service) patience() Patience {
	if s.opt.Patience != nil {
		return s.opt.Patience()
	}
	return Patience{s.opt.WarnAfter, s.opt.RefuseAfter, s.opt.RestoreWithin, s.opt.PayWithin}
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.WarnAfter, 5*time.Minute)
	def(&o.RefuseAfter, 10*time.Minute)
	def(&o.RestoreWithin, 10*time.Minute)
	def(&o.ConcludeAfter, 2*time.Hour)
	def(&o.SettleAfter, 2*time.Minute)
	def(&o.PayWithin, 15*time.Minute)
	return o
}

// Service keeps the orders. Safe for concurrent use.
type Service struct {
	Deps
	opt Options

	mu       sync.Mutex
	tries    map[id.ID]int  // wrong codes per order, on this node
	charging map[id.ID]bool // orders whose first request is being worked on, on this node
}

// New returns a Service.
func New(d Deps, o Options) *Service {
	return &Service{Deps: d, opt: o.withDefaults(), tries: map[id.ID]int{}, charging: map[id.ID]bool{}}
}

// whoIs returns the parts that an actor plays towards an order.
func whoIs(a access.Actor, r *row) Who {
	var w Who
	if !a.SignedIn() {
		return 0
	}
	if a.ID == r.account {
		w |= Customer
	}
	if a.WorksAt(r.restaurant) {
		w |= Restaurant
	}
	if r.courier != 0 && a.ID == r.courier {
		w |= Courier
	}
	if a.Has(access.RoleDispatcher) {
		w |= Dispatcher
	}
	if a.Has(access.RoleAdmin) {
		w |= Admin
	}
	return w
}

// permit returns who the actor is towards an order, if they may do verb to it; else what access.Can says. An order whose card was not
// authorised exists for its customer and the town only.
func permit(a access.Actor, r *row, verb string) (Who, error) {
	if err := access.Can(a, verb, access.Thing{Kind: "order", ID: r.id, Owner: r.account, Restaurant: r.restaurant, Courier: r.courier}); err != nil {
		return 0, err
	}
	w := whoIs(a, r)
	if !r.announced && w&(Customer|Dispatcher|Admin) == 0 {
		return 0, errNotFound
	}
	return w, nil
}

// Get returns an order as the actor may see it. It returns a NotFound error for an order that is not theirs to see.
func (s *Service) Get(ctx context.Context, order id.ID) (*View, error) {
	return s.get(ctx, func(tx *db.Tx) (row, error) { return load(ctx, tx, order) })
}

// ByCode returns the order with a public code, as typed or as shown, as the actor may see it.
func (s *Service) ByCode(ctx context.Context, code string) (*View, error) {
	return s.get(ctx, func(tx *db.Tx) (row, error) { return loadByCode(ctx, tx, ReadCode(code)) })
}

// Thing returns what policies ask about the order with an id or public code, or a NotFound error. It does not ask who wants to know: what it
// returns is for deciding, not for showing.
func (s *Service) Thing(ctx context.Context, ref string) (t access.Thing, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := loadByCode(ctx, tx, ReadCode(ref))
		if order, bad := id.Parse(ref); errs.Is(err, errs.NotFound) && bad == nil {
			r, err = load(ctx, tx, order)
		}
		t = access.Thing{Kind: "order", ID: r.id, Owner: r.account, Restaurant: r.restaurant, Courier: r.courier}
		return err
	})
	return t, err
}

// Ordered reports whether an account has an order of a restaurant, or, with 0, of any, that was not cancelled.
func (s *Service) Ordered(ctx context.Context, account, restaurant id.ID) (yes bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		yes, err = ordered(ctx, tx, account, restaurant)
		return err
	})
	return yes, err
}

func (s *Service) get(ctx context.Context, find func(*db.Tx) (row, error)) (*View, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	var v *View
	var courier id.ID
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := find(tx)
		if err != nil {
			return err
		}
		who, err := permit(actor, &r, "order.read")
		if err != nil {
			return err
		}
		courier = r.courier
		v, err = s.whole(ctx, tx, &r, who)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.named(ctx, v, courier)
}

// Track returns an order as anybody sees it who holds its tracking link: where it stands and what it is, without address and codes. It
// returns a NotFound error for a token that opens nothing.
func (s *Service) Track(ctx context.Context, token string) (*View, error) {
	code, secret, ok := splitToken(token)
	if !ok {
		return nil, errNotFound
	}
	var v *View
	var courier id.ID
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := loadByCode(ctx, tx, code)
		if err != nil {
			return err
		}
		if !sameSecret(secret, r.secret) {
			return errNotFound
		}
		courier = r.courier
		v, err = s.whole(ctx, tx, &r, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.named(ctx, v, courier)
}

// ListMine returns a page of the actor's orders, newest first. filter is "" for all, "open", or a state.
func (s *Service) ListMine(ctx context.Context, filter, cursor string, limit int) (page.Page[*View], error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return page.Page[*View]{}, err
	}
	if err := access.Can(actor, "order.read", access.Thing{Kind: "order", Owner: actor.ID}); err != nil {
		return page.Page[*View]{}, err
	}
	return s.list(ctx, listOfAccount, listOfAccountOpen, listOfAccountState, filter, actor.ID, cursor, limit, Customer)
}

// ListKitchen returns a page of a restaurant's orders, newest first, for those who work there and the town. filter is "" for all, "open",
// or a state.
func (s *Service) ListKitchen(ctx context.Context, slug, filter, cursor string, limit int) (page.Page[*View], error) {
	shop, who, err := s.kitchen(ctx, slug)
	if err != nil {
		return page.Page[*View]{}, err
	}
	return s.list(ctx, listOfKitchen, listOfKitchenOpen, listOfKitchenState, filter, shop.ID, cursor, limit, who)
}

// Kitchen is what a kitchen screen shows.
type Kitchen struct {
	Shop  *delivery.Shop
	Open  []*View // oldest first
	Ended []*View // what was delivered, collected or cancelled lately, newest first
}

// endedShown is how long a kitchen still sees what is done, and endedMost how many.
const (
	endedShown = 2 * time.Hour
	endedMost  = 30
)

// Kitchen returns what a restaurant has to cook and has done lately, for those who work there and the town.
func (s *Service) Kitchen(ctx context.Context, slug string) (*Kitchen, error) {
	shop, who, err := s.kitchen(ctx, slug)
	if err != nil {
		return nil, err
	}
	k := &Kitchen{Shop: shop}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		open, err := kitchenRows(ctx, tx, shop.ID)
		if err != nil {
			return err
		}
		ended, err := endedRows(ctx, tx, shop.ID, s.Now().Add(-endedShown), endedMost)
		if err != nil {
			return err
		}
		if k.Open, err = s.views(ctx, open, who); err != nil {
			return err
		}
		k.Ended, err = s.views(ctx, ended, who)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// kitchen returns the restaurant with a slug and what the actor is to it.
func (s *Service) kitchen(ctx context.Context, slug string) (*delivery.Shop, Who, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, 0, err
	}
	shop, err := s.Shops.ShopBySlug(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	if err := access.Can(actor, "order.read", access.Thing{Kind: "order", Restaurant: shop.ID}); err != nil {
		return nil, 0, err
	}
	return shop, whoIs(actor, &row{restaurant: shop.ID}), nil
}

func (s *Service) list(ctx context.Context, all, open, inState, filter string, of id.ID, cursor string, limit int, who Who) (page.Page[*View], error) {
	below, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return page.Page[*View]{}, err
	}
	limit = page.Limit(limit)
	var rows []row
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = list(ctx, tx, all, open, inState, filter, of, below, limit+1)
		return err
	})
	if err != nil {
		return page.Page[*View]{}, err
	}
	views, err := s.views(ctx, rows, who)
	if err != nil {
		return page.Page[*View]{}, err
	}
	return page.Cut(views, limit, func(v *View) id.ID { return v.ID }), nil
}

package cart

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Schema holds the slice's table.
//
//go:embed schema/*.sql
var Schema embed.FS

// Restaurants is what the pages ask of restaurants, beside what the Quoter does.
type Restaurants interface {
	Shops
	// ShopBySlug returns the newest version of a restaurant by its name in addresses, or a NotFound error.
	ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error)
	// Profile returns what a restaurant tells everybody about itself, or a NotFound error.
	Profile(ctx context.Context, restaurant id.ID) (*delivery.Profile, error)
	// Slots returns the times that can be chosen on days days from from on.
	Slots(ctx context.Context, restaurant id.ID, mode delivery.Mode, to *geo.Point, from time.Time, days int) ([]delivery.Slot, error)
}

// Orders places orders; order.Service does.
type Orders interface {
	// Place places an order once for each key. See order.Service for its errors.
	Place(ctx context.Context, key string, in delivery.PlaceRequest) (*delivery.Placed, error)
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB          *db.DB
	Bus         events.Bus
	Now         clock.Func
	Quoter      *Quoter
	Restaurants Restaurants
	Menus       Menus
	Orders      Orders
}

// Options are what a Service can do without.
type Options struct {
	// HTTPS is whether people reach the server by https: the guest's cookie is then Secure.
	HTTPS bool
	// Addresses returns the actor's saved addresses, offered at the checkout.
	Addresses func(ctx context.Context) ([]delivery.SavedAddress, error)
	// Bought returns what the actor ordered once, by the order's code, to be put into the cart again; a NotFound error for others' orders.
	Bought func(ctx context.Context, code string) (restaurant id.ID, lines []delivery.LineRequest, err error)
	// Credit returns how much the actor can spend in a currency.
	Credit func(ctx context.Context, currency string) (int64, error)
	// Rating returns what verified reviews say of a restaurant.
	Rating func(ctx context.Context, restaurant id.ID) (delivery.Rating, error)
	// Dishes returns what they say of those of its dishes that were reviewed.
	Dishes func(ctx context.Context, restaurant id.ID) (map[id.ID]delivery.Rating, error)
	// Pot returns the group order for which the actor collects shares at a restaurant, and what is in its pot; "" where there is none.
	Pot func(ctx context.Context, restaurant id.ID) (group string, sum int64, err error)
	// Cards returns the cards that the actor can pay with; nil: the sandbox's test cards.
	Cards func(ctx context.Context) ([]ui.Option, error)
}

// Service keeps the carts and shows the pages from a restaurant to an order. Safe for concurrent use.
type Service struct {
	*Quoter
	db          *db.DB
	bus         events.Bus
	restaurants Restaurants
	orders      Orders
	opt         Options
	counts      counts
}

// New returns a Service.
func New(d Deps, o Options) *Service {
	return &Service{Quoter: d.Quoter, db: d.DB, bus: d.Bus, restaurants: d.Restaurants, orders: d.Orders, opt: o, counts: counts{m: map[string]counted{}}}
}

// Get returns an owner's cart; an empty one where they have none.
func (s *Service) Get(ctx context.Context, o Owner) (c Cart, err error) {
	if o.key() == "" {
		return Cart{}, nil
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, err := load(ctx, tx, o)
		c = r.cart
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return Cart{}, nil
	}
	return c, err
}

// maxTries bounds how often a change starts again because another one was faster.
const maxTries = 8

// change has fn alter an owner's cart and stores it. Two changes at once: the second sees the first.
func (s *Service) change(ctx context.Context, o Owner, fn func(*Cart) error) (Cart, error) {
	if o.key() == "" {
		return Cart{}, errs.New(errs.Invalid, "This cart belongs to nobody: allow cookies, or sign in.").WithCode("no_owner")
	}
	for range maxTries {
		var c Cart
		done := false
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			r, err := load(ctx, tx, o)
			if err != nil && !errors.Is(err, db.ErrNoRow) {
				return err
			}
			c = r.cart
			if err := fn(&c); err != nil {
				return err
			}
			c.UpdatedAt = s.now().UTC()
			if done, err = save(ctx, tx, o, r.rev, &c); err != nil {
				return err
			}
			tx.AfterCommit(func() { s.changed(o.key()) })
			return nil
		})
		switch {
		case err == nil && done:
			return c, nil
		case err == nil, db.IsUnique(err):
			continue // somebody else was quicker: once more on top of that
		}
		return Cart{}, err
	}
	return Cart{}, errs.New(errs.Conflict, "This cart is being changed elsewhere at the same time. Try again.").WithCode("changed_meanwhile")
}

// Add puts a dish into the cart. A cart of another restaurant is put aside for it, which Undo takes back. mode is how the customer looks at
// the restaurant. Errors: NotFound for an unknown restaurant; Invalid with field paths, also where the cart is full.
func (s *Service) Add(ctx context.Context, o Owner, restaurant id.ID, mode delivery.Mode, l delivery.LineRequest) (Cart, error) {
	return s.AddAll(ctx, o, restaurant, mode, []delivery.LineRequest{l})
}

// AddAll is Add for several dishes: all or none.
func (s *Service) AddAll(ctx context.Context, o Owner, restaurant id.ID, mode delivery.Mode, lines []delivery.LineRequest) (Cart, error) {
	shop, err := s.shops.Shop(ctx, restaurant)
	if err != nil {
		return Cart{}, err
	}
	return s.change(ctx, o, func(c *Cart) error {
		c.aside = nil
		if c.Restaurant != restaurant {
			c.restart(restaurant, modeOf(shop))
		}
		if mode == delivery.ByCourier || mode == delivery.Pickup {
			c.Mode = mode
		}
		for i := range lines {
			if err := c.add(lines[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// modeOf returns how food of a restaurant usually reaches people.
func modeOf(shop *delivery.Shop) delivery.Mode {
	if !shop.Delivers && shop.PicksUp {
		return delivery.Pickup
	}
	return delivery.ByCourier
}

// SetQty sets how many there shall be of a line; 0 takes it out. It returns NotFound where the line is gone, and Invalid on qty.
func (s *Service) SetQty(ctx context.Context, o Owner, n, qty int) (Cart, error) {
	return s.change(ctx, o, func(c *Cart) error {
		l, err := c.line(n)
		switch {
		case err != nil:
			return err
		case qty == 0:
			return c.remove(n)
		case qty < 0 || qty > MaxQty:
			return errQty("qty")
		}
		c.aside = nil
		l.Qty = qty
		return nil
	})
}

// SetLine replaces quantity, options and note of a line; its dish stays. Errors as for SetQty.
func (s *Service) SetLine(ctx context.Context, o Owner, n int, to delivery.LineRequest) (Cart, error) {
	return s.change(ctx, o, func(c *Cart) error {
		l, err := c.line(n)
		if err != nil {
			return err
		}
		to.Item = l.Item
		if err := tidyLine(&to, ""); err != nil {
			return err
		}
		c.aside = nil
		l.LineRequest = to
		return nil
	})
}

// Remove takes a line out of the cart; Undo brings it back. It returns NotFound where it is gone already.
func (s *Service) Remove(ctx context.Context, o Owner, n int) (Cart, error) {
	return s.change(ctx, o, func(c *Cart) error { return c.remove(n) })
}

// Clear takes everything out of the cart; Undo brings it back.
func (s *Service) Clear(ctx context.Context, o Owner) (Cart, error) {
	return s.change(ctx, o, func(c *Cart) error {
		if !c.Empty() {
			c.putAside()
		}
		c.Lines = nil
		return nil
	})
}

// Undo brings back what the last step threw out of the cart. It returns a Conflict error where there is nothing to bring back.
func (s *Service) Undo(ctx context.Context, o Owner) (Cart, error) {
	return s.change(ctx, o, func(c *Cart) error {
		if c.aside == nil {
			return errs.New(errs.Conflict, "There is nothing to bring back.").WithCode("nothing_to_undo")
		}
		before := *c.aside
		before.Last = max(before.Last, c.Last)
		*c = before
		return nil
	})
}

// Put replaces the whole cart. Errors: NotFound for an unknown restaurant; Invalid with field paths.
func (s *Service) Put(ctx context.Context, o Owner, q delivery.QuoteRequest) (Cart, error) {
	if err := check(&q); err != nil {
		return Cart{}, err
	}
	if _, err := s.shops.Shop(ctx, q.Restaurant); err != nil {
		return Cart{}, err
	}
	if len(q.Lines) > MaxLines {
		return Cart{}, errs.InvalidField("lines", "An order has at most %d lines.", MaxLines)
	}
	q.Lines = slices.Clone(q.Lines)
	for i := range q.Lines {
		if err := tidyLine(&q.Lines[i], fmt.Sprintf("lines[%d].", i)); err != nil {
			return Cart{}, err
		}
	}
	return s.change(ctx, o, func(c *Cart) error {
		if !c.Empty() {
			c.putAside()
		}
		fresh := Cart{Restaurant: q.Restaurant, Mode: q.Mode, At: q.At, To: q.To, Tip: q.Tip, Note: q.Note, Code: q.Code, Method: c.Method, Credit: c.Credit, Last: c.Last, aside: c.aside}
		for _, l := range q.Lines {
			fresh.Last++
			fresh.Lines = append(fresh.Lines, Line{N: fresh.Last, LineRequest: l})
		}
		*c = fresh
		return nil
	})
}

// Details is what the checkout asks for beside the dishes.
type Details struct {
	Mode   delivery.Mode
	At     *time.Time
	To     *delivery.Address
	Tip    int64 // minor units
	Note   string
	Method delivery.Method
	Credit bool // pay with one's credit as far as it goes
}

// SetCode notes the code of a promotion, or, with "", takes it out. Whether it holds is for the quote to say.
func (s *Service) SetCode(ctx context.Context, o Owner, code string) (Cart, error) {
	return s.change(ctx, o, func(c *Cart) error {
		c.Code = text.Clean(code, 40)
		return nil
	})
}

// SetDetails stores what somebody filled in at the checkout. Errors: Invalid with field paths.
func (s *Service) SetDetails(ctx context.Context, o Owner, d Details) (Cart, error) {
	probe := delivery.QuoteRequest{Mode: d.Mode, To: d.To, Tip: d.Tip, Note: d.Note}
	if err := check(&probe); err != nil {
		return Cart{}, err
	}
	return s.change(ctx, o, func(c *Cart) error {
		if c.Mode != d.Mode {
			d.At = nil // the other mode has times of its own
		}
		c.Mode, c.At, c.Tip, c.Note, c.Method, c.Credit = d.Mode, d.At, d.Tip, probe.Note, d.Method, d.Credit
		if probe.To != nil {
			c.To = probe.To
		}
		return nil
	})
}

// SetMode changes between delivery and pickup. A chosen time is dropped, for the other mode has its own.
func (s *Service) SetMode(ctx context.Context, o Owner, mode delivery.Mode) (Cart, error) {
	if mode != delivery.ByCourier && mode != delivery.Pickup {
		return Cart{}, errs.InvalidField("mode", "Choose delivery or pickup.")
	}
	return s.change(ctx, o, func(c *Cart) error {
		if c.Mode != mode {
			c.Mode, c.At = mode, nil
		}
		return nil
	})
}

// Filled is what came of ordering something again.
type Filled struct {
	Cart    Cart
	Missing int // lines whose dish is no longer on the menu
}

// Fill puts what somebody bought once into their cart again, as far as the menu still has it. Options that are gone are left out; the cart
// then says what to choose anew. It returns a NotFound error where nothing of it is left.
func (s *Service) Fill(ctx context.Context, account, restaurant id.ID, lines []delivery.LineRequest) (Filled, error) {
	menu, err := s.menus.Menu(ctx, restaurant)
	if err != nil {
		return Filled{}, err
	}
	var f Filled
	var left []delivery.LineRequest
	for _, l := range lines {
		it := menu.Items[l.Item]
		if it == nil || it.Hidden {
			f.Missing++
			continue
		}
		l.Options = slices.DeleteFunc(slices.Clone(l.Options), func(c delivery.Choice) bool { return !offers(it, c.Option) })
		left = append(left, l)
	}
	if len(left) == 0 {
		return f, errs.New(errs.NotFound, "Nothing of that order is on the menu any more.").WithCode("nothing_left")
	}
	f.Cart, err = s.AddAll(ctx, OwnerOf(account, ""), restaurant, "", left)
	return f, err
}

// offers reports whether a dish can be had with an option.
func offers(it *delivery.Item, option id.ID) bool {
	return slices.ContainsFunc(it.Groups, func(g *delivery.OptionGroup) bool {
		return slices.ContainsFunc(g.Options, func(o *delivery.Option) bool { return o.ID == option })
	})
}

// Adopt moves a guest's cart to the account they signed in to, within the transaction of that. It wins over the account's own where that is
// empty or older, else it is dropped: either way the guest has none afterwards.
func (s *Service) Adopt(ctx context.Context, tx *db.Tx, account id.ID, guest string) error {
	from, to := OwnerOf(0, guest), OwnerOf(account, "")
	if from.key() == "" || to.key() == "" {
		return nil
	}
	theirs, err := load(ctx, tx, from)
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	own, err := load(ctx, tx, to)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	if err := remove(ctx, tx, from); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		s.changed(from.key())
		s.changed(to.key())
	})
	if theirs.cart.Empty() || !own.cart.Empty() && own.cart.UpdatedAt.After(theirs.cart.UpdatedAt) {
		return nil
	}
	if !own.cart.Empty() {
		own.cart.aside = nil
		theirs.cart.aside = &own.cart
	}
	ok, err := save(ctx, tx, to, own.rev, &theirs.cart)
	if err == nil && !ok {
		err = errs.New(errs.Conflict, "Your cart is being changed elsewhere at the same time. Try again.").WithCode("changed_meanwhile")
	}
	return err
}

// ordered empties the cart that has become an order. What was put in since stays.
func (s *Service) ordered(ctx context.Context, tx *db.Tx, account, restaurant id.ID, at time.Time) error {
	o := OwnerOf(account, "")
	had, err := removeOrdered(ctx, tx, o, restaurant, at)
	if err == nil && had {
		tx.AfterCommit(func() { s.changed(o.key()) })
	}
	return err
}

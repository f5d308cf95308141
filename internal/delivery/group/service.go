package group

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/platform/realtime"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Cart is what somebody has chosen for themselves.
type Cart struct {
	Restaurant id.ID
	Lines      []delivery.LineRequest
}

// Carts is where people choose dishes, each in their own. delivery/cart keeps them.
type Carts interface {
	// Cart returns the cart of an account, or of the guest with a cookie.
	Cart(ctx context.Context, account id.ID, guest string) (Cart, error)
	// Empty takes everything out of it.
	Empty(ctx context.Context, account id.ID, guest string) error
	// Fill makes an account's cart what all have chosen.
	Fill(ctx context.Context, account id.ID, c Cart) error
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB    *db.DB
	IDs   *id.Source
	Now   clock.Func
	Hub   *realtime.Hub
	Carts Carts
	Shop  func(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	// Quote prices what somebody wants.
	Quote func(ctx context.Context, req delivery.QuoteRequest) (*delivery.Quote, error)
	// Where returns where a browser has dinner brought, nil where that is not known.
	Where func(r *http.Request) *geo.Point
	// Bill returns what an order came to and where it stands.
	Bill     func(ctx context.Context, order id.ID) (Bill, error)
	Payments Payments
	Books    Books
	Jobs     *jobs.Queue
	// Cards returns the cards that the actor can pay with, and Credit what they have to spend in a currency.
	Cards  func(ctx context.Context) ([]ui.Option, error)
	Credit func(ctx context.Context, currency string) (money.Amount, error)
	// HTTPS is whether people reach the server by https: cookies of guests are then Secure.
	HTTPS bool
}

// Service keeps group orders. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

var (
	errMissing = errs.New(errs.NotFound, "There is no such group order.")
	errHost    = errs.New(errs.Forbidden, "Only who opened the group order does that.")
	errShut    = errs.New(errs.Conflict, "This group order takes no dishes any more.").WithCode("group_closed")
)

// Who is who asks: an account, or a guest with a cookie.
type Who struct {
	Account id.ID
	Name    string
	Guest   string
}

// person returns who that is as stored, "" for nobody.
func (w Who) person() string {
	switch {
	case w.Account != 0:
		return "a" + w.Account.String()
	case w.Guest != "":
		return "g" + digest(w.Guest)
	}
	return ""
}

// Create opens a group order of the actor's at a restaurant. deadline is until when dishes are added, the zero time for as long as its host
// likes. Errors: NotFound for an unknown restaurant; Invalid for a deadline that is over or more than two days away.
func (s *Service) Create(ctx context.Context, restaurant id.ID, deadline time.Time) (*Group, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.Shop(ctx, restaurant); err != nil {
		return nil, err
	}
	now := s.Now()
	if !deadline.IsZero() && (!deadline.After(now) || deadline.After(now.Add(48*time.Hour))) {
		return nil, errs.InvalidField("deadline", "Choose a time within the next two days.")
	}
	g := Group{ID: s.IDs.Next(), Token: id.Secret()[:22], Restaurant: restaurant, Deadline: deadline.UTC().Truncate(time.Second), host: actor.ID}
	if deadline.IsZero() {
		g.Deadline = time.Time{}
	}
	me := Who{Account: actor.ID, Name: actor.Name}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := insert(ctx, tx, &g, now); err != nil {
			return err
		}
		return join(ctx, tx, &Member{ID: s.IDs.Next(), person: me.person(), account: actor.ID, Name: text.Clean(actor.Name, maxName)}, g.ID)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, g.Token, me)
}

// Get returns a group order to who holds its link, with everything priced as it is now.
func (s *Service) Get(ctx context.Context, token string, who Who) (*Group, error) {
	var g Group
	var all []stored
	var paid []shareNow
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if g, err = byToken(ctx, tx, token); err != nil {
			return err
		}
		if g.Members, err = members(ctx, tx, g.ID); err != nil {
			return err
		}
		if all, err = lines(ctx, tx, g.ID); err != nil {
			return err
		}
		paid, err = s.sharesNow(ctx, tx, g.ID)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	shop, err := s.Shop(ctx, g.Restaurant)
	if err != nil {
		return nil, err
	}
	g.Currency, g.Mine = shop.Currency, who.Account != 0 && who.Account == g.host
	for _, l := range all {
		i := slices.IndexFunc(g.Members, func(m Member) bool { return m.ID == l.member })
		line := Line{ID: l.id, LineRequest: l.line}
		if err := s.price(ctx, &g, &line); err != nil {
			return nil, err
		}
		g.Members[i].Lines = append(g.Members[i].Lines, line)
		g.Members[i].Food += line.Total
		g.Food += line.Total
	}
	for i := range g.Members {
		m := &g.Members[i]
		m.Host = m.account != 0 && m.account == g.host
		if m.person == who.person() {
			g.Me = m.ID
		}
	}
	g.show(paid, who)
	if g.Order != 0 {
		return &g, s.settle(ctx, &g, paid)
	}
	return &g, nil
}

// openFor returns the token of the newest open group order at a restaurant in which somebody takes part, "" where there is none.
func (s *Service) openFor(ctx context.Context, who Who, restaurant id.ID) (token string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		token, err = openToken(ctx, tx, who.person(), restaurant)
		if errors.Is(err, db.ErrNoRow) {
			err = nil
		}
		return err
	})
	return token, err
}

// price says what a line costs now.
func (s *Service) price(ctx context.Context, g *Group, l *Line) error {
	q, err := s.Quote(ctx, delivery.QuoteRequest{Restaurant: g.Restaurant, Mode: delivery.Pickup, Lines: []delivery.LineRequest{l.LineRequest}})
	if err != nil {
		return err
	}
	l.Gone = len(q.Lines) == 0
	for _, p := range q.Problems {
		l.Gone = l.Gone || strings.HasPrefix(p.Path, "lines[0]")
	}
	if len(q.Lines) > 0 {
		l.Name, l.Total = q.Lines[0].Name, q.Lines[0].Total
	}
	return nil
}

// settle says what each pays of the order. What somebody has paid into the pot is theirs; the host bears the difference.
func (s *Service) settle(ctx context.Context, g *Group, paid []shareNow) error {
	b, err := s.Bill(ctx, g.Order)
	if err != nil {
		return err
	}
	g.OrderState, g.Total = string(b.State), b.Total
	food := make([]money.Amount, len(g.Members))
	for i := range g.Members {
		food[i] = g.Members[i].Food
	}
	for i, share := range shares(food, b) {
		g.Members[i].Share = share
	}
	for _, p := range paid {
		i := slices.IndexFunc(g.Members, func(m Member) bool { return m.ID == p.member })
		if i > 0 && p.order == g.Order {
			g.Members[0].Share += g.Members[i].Share - p.amount
			g.Members[i].Share = p.amount
		}
	}
	return nil
}

// change has fn alter a group order, and tells who looks at it.
func (s *Service) change(ctx context.Context, token string, fn func(tx *db.Tx, g *Group) error) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		g, err := lock(ctx, tx, token)
		if errors.Is(err, db.ErrNoRow) {
			return errMissing
		}
		if err != nil {
			return err
		}
		return fn(tx, &g)
	})
	if err == nil {
		s.tell(token)
	}
	return err
}

func topic(token string) string { return "group-order:" + digest(token)[:24] }

func (s *Service) tell(token string) {
	if err := s.Hub.Send(topic(token), "group.changed", struct{}{}); err != nil {
		slog.Warn("group: those who look were not told", "err", err) // they see it when they load the page again
	}
}

// Join has somebody take part under a name. Errors: NotFound; Invalid; Conflict where the group order takes nobody any more.
func (s *Service) Join(ctx context.Context, token string, who Who) error {
	who.Name = text.Clean(who.Name, maxName)
	if who.Name == "" {
		return errs.InvalidField("name", "Say your name, so that the others know who is hungry.")
	}
	if who.person() == "" {
		return errs.New(errs.Invalid, "Allow cookies, or sign in.").WithCode("no_owner")
	}
	return s.change(ctx, token, func(tx *db.Tx, g *Group) error {
		if !g.takes(s.Now()) {
			return errShut
		}
		list, err := members(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(list, func(m Member) bool { return m.person == who.person() })
		if len(list) >= MaxMembers && !known {
			return errs.New(errs.Conflict, "At most %d people order together.", MaxMembers)
		}
		return join(ctx, tx, &Member{ID: s.IDs.Next(), person: who.person(), account: who.Account, Name: who.Name}, g.ID)
	})
}

// AddCart adds what somebody has in their own cart, and empties that. Errors: as Join; Invalid for an empty cart, or one of another
// restaurant; Forbidden for who does not take part.
func (s *Service) AddCart(ctx context.Context, token string, who Who) error {
	c, err := s.Carts.Cart(ctx, who.Account, who.Guest)
	if err != nil {
		return err
	}
	if len(c.Lines) == 0 {
		return errs.New(errs.Invalid, "Your cart is empty: choose dishes first.").WithCode("empty")
	}
	if err := s.Add(ctx, token, who, c); err != nil {
		return err
	}
	return s.Carts.Empty(ctx, who.Account, who.Guest)
}

// Add adds dishes of somebody who takes part. Errors as of AddCart.
func (s *Service) Add(ctx context.Context, token string, who Who, c Cart) error {
	return s.change(ctx, token, func(tx *db.Tx, g *Group) error {
		switch {
		case !g.takes(s.Now()):
			return errShut
		case c.Restaurant != g.Restaurant:
			return errs.New(errs.Invalid, "Your cart is of another restaurant.").WithCode("other_restaurant")
		}
		me, err := s.me(ctx, tx, g, who)
		if err != nil {
			return err
		}
		have, err := lines(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		if len(have)+len(c.Lines) > MaxLines {
			return errs.InvalidField("lines", "An order has at most %d lines.", MaxLines)
		}
		for _, l := range c.Lines {
			if err := insertLine(ctx, tx, s.IDs.Next(), g.ID, me, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// me returns somebody's membership, or a Forbidden error.
func (s *Service) me(ctx context.Context, tx *db.Tx, g *Group, who Who) (id.ID, error) {
	list, err := members(ctx, tx, g.ID)
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		if p := who.person(); p != "" && m.person == p {
			return m.ID, nil
		}
	}
	return 0, errs.New(errs.Forbidden, "Join the group order first.")
}

// Remove takes a line out: one's own, or, for the host, anybody's.
func (s *Service) Remove(ctx context.Context, token string, who Who, line id.ID) error {
	return s.change(ctx, token, func(tx *db.Tx, g *Group) error {
		if g.State != Open {
			return errShut
		}
		member := id.ID(0)
		if who.Account == 0 || who.Account != g.host {
			var err error
			if member, err = s.me(ctx, tx, g, who); err != nil {
				return err
			}
		}
		ok, err := removeLine(ctx, tx, g.ID, line, member)
		if err == nil && !ok {
			err = errs.New(errs.NotFound, "This dish is gone already, or is not yours.")
		}
		return err
	})
}

// asHost is change for the host alone.
func (s *Service) asHost(ctx context.Context, token string, fn func(tx *db.Tx, g *Group) error) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	return s.change(ctx, token, func(tx *db.Tx, g *Group) error {
		if actor.ID != g.host {
			return errHost
		}
		return fn(tx, g)
	})
}

// move moves a group order of the actor's from one of some states to another. Errors: Forbidden; Conflict.
func (s *Service) move(ctx context.Context, token, to string, from ...string) error {
	return s.asHost(ctx, token, func(tx *db.Tx, g *Group) error {
		if !slices.Contains(from, g.State) {
			return errs.New(errs.Conflict, "The group order is not at that point.").WithCode("group_state")
		}
		return s.reopen(ctx, tx, g, to)
	})
}

// Reopen lets dishes be added again to what is locked. Shares that were paid go back.
func (s *Service) Reopen(ctx context.Context, token string) error {
	return s.move(ctx, token, Open, Locked)
}

// Close gives a group order up. Shares that were paid go back.
func (s *Service) Close(ctx context.Context, token string) error {
	return s.move(ctx, token, Closed, Open, Locked)
}

// Checkout locks a group order of the actor's and puts everything into their cart, each dish with the name of who eats it. Errors: Forbidden;
// Conflict; Invalid where nobody has chosen anything.
func (s *Service) Checkout(ctx context.Context, token string) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	var c Cart
	err = s.asHost(ctx, token, func(tx *db.Tx, g *Group) error {
		if g.State != Open && g.State != Locked {
			return errShut
		}
		people, err := members(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		all, err := lines(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errs.New(errs.Invalid, "Nobody has chosen anything yet.").WithCode("empty")
		}
		c.Restaurant = g.Restaurant
		for _, l := range all {
			for _, m := range people {
				if m.ID == l.member {
					l.line.Note = text.Clean(strings.TrimSuffix(m.Name+": "+l.line.Note, ": "), 200)
				}
			}
			c.Lines = append(c.Lines, l.line)
		}
		_, err = setState(ctx, tx, g.ID, g.State, Locked)
		return err
	})
	if err != nil {
		return err
	}
	return s.Carts.Fill(ctx, actor.ID, c)
}

// SetPaid ticks that the host has a member's share back.
func (s *Service) SetPaid(ctx context.Context, token string, member id.ID, paid bool) error {
	return s.asHost(ctx, token, func(tx *db.Tx, g *Group) error {
		ok, err := setPaid(ctx, tx, g.ID, member, paid)
		if err == nil && !ok {
			err = errMissing
		}
		return err
	})
}

// React notes which order a group order has become, tells those who look how that goes and who has paid their share, and has shares go back
// that wait for too long.
func (s *Service) React(log *events.Log) {
	s.work(s.Jobs)
	paid := delivery.PaymentChanged{}.EventKind()
	log.Subscribe("group order", append(delivery.OrderKinds(), paid), func(ctx context.Context, tx *db.Tx, e events.Event) error {
		if e.Kind == paid {
			return s.heardPayment(ctx, tx, e)
		}
		var o delivery.Order
		if err := json.Unmarshal(e.Data, &o); err != nil {
			return fmt.Errorf("group: decode %s: %w", e.Kind, err)
		}
		find := tokensOf
		if o.What == delivery.OrderPlaced {
			find = func(ctx context.Context, tx *db.Tx, order id.ID) ([]string, error) {
				return ordered(ctx, tx, o.Customer, o.Restaurant, order)
			}
		}
		tokens, err := find(ctx, tx, o.Order)
		for _, t := range tokens {
			tx.AfterCommit(func() { go s.tell(t) }) // not in the writer: the bus may be slow
		}
		return err
	})
}

// keep is how long a group order is kept.
const keep = 90 * 24 * time.Hour

// Personal says what group orders hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "group orders",
		Tables: []personal.Table{
			{Name: "group_order", Link: "host", Plain: "id token restaurant state deadline order_id created_at collecting extra collect_at"},
			{Name: "group_member", Personal: "person name", Link: "account", Plain: "id group_id paid"},
			{Name: "group_share", Link: "account", Plain: "id group_id member amount currency method order_id back"},
			{Name: "group_line", Personal: "doc", Plain: "id group_id member"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Group orders"),
				What:  i18n.T(ctx, "The name under which you ordered together with others, and what you chose."),
				Why:   i18n.T(ctx, "So that everybody gets theirs and knows their share."),
				Kept:  i18n.T(ctx, "%s after it was opened.", personal.Span(ctx, keep)),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			list, err := s.mine(ctx, account)
			return len(list), err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			list, err := s.mine(ctx, account)
			if err != nil || len(list) == 0 {
				return err
			}
			var out []*Group
			for _, g := range list {
				whole, err := s.Get(ctx, g.Token, Who{Account: account})
				if err != nil {
					return err
				}
				own := slices.DeleteFunc(whole.Members, func(m Member) bool { return m.account != account })
				whole.Members = own
				out = append(out, whole)
			}
			return to.JSON("group-orders.json", i18n.T(ctx, "Your part of group orders"), out)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, forget(ctx, tx, account)
		},
		Rules: []personal.Rule{{Name: "group orders", Keep: func() time.Duration { return keep }, Sweep: func(ctx context.Context, before time.Time) error {
			return personal.Batches(ctx, s.DB, 100, func(tx *db.Tx) (int64, error) { return sweep(ctx, tx, before, 100) })
		}}},
	}
}

func (s *Service) mine(ctx context.Context, account id.ID) (list []Group, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = mine(ctx, tx, account)
		return err
	})
	return list, err
}

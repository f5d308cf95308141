package cart

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Shops is what the cart asks of restaurants.
type Shops interface {
	// Shop returns the newest version of a restaurant, or a NotFound error.
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	// Terms returns what a restaurant offers for a mode, place, time (nil: as soon as possible) and value of food.
	Terms(ctx context.Context, restaurant id.ID, mode delivery.Mode, to *geo.Point, at *time.Time, food money.Amount) (delivery.Terms, error)
}

// Menus is what the cart asks of menus.
type Menus interface {
	// Menu returns the newest version of a restaurant's card.
	Menu(ctx context.Context, restaurant id.ID) (*delivery.Menu, error)
}

// Quoter prices what people want.
type Quoter struct {
	shops Shops
	menus Menus
	now   clock.Func
}

// NewQuoter returns a Quoter over the given restaurants and menus.
func NewQuoter(shops Shops, menus Menus, now clock.Func) *Quoter {
	return &Quoter{shops: shops, menus: menus, now: now}
}

// Quote computes prices, taxes, fee, minimum and promise of what somebody wants, and lists whatever stands in the way as problems. It reads
// snapshots in memory only. It returns a NotFound error for an unknown restaurant and an Invalid error for a request that means nothing.
func (s *Quoter) Quote(ctx context.Context, req delivery.QuoteRequest) (*delivery.Quote, error) {
	if err := check(&req); err != nil {
		return nil, err
	}
	shop, err := s.shops.Shop(ctx, req.Restaurant)
	if err != nil {
		return nil, err
	}
	menu, err := s.menus.Menu(ctx, req.Restaurant)
	if err != nil {
		return nil, err
	}
	now := s.now()
	p := &pricer{shop: shop, menu: menu, now: now, serve: now, wanted: map[id.ID]int64{}}
	if req.At != nil {
		p.serve = *req.At
	}
	lines := p.lines(req.Lines)
	var to *geo.Point
	if req.Mode == delivery.ByCourier && req.To != nil {
		to = &req.To.Point
	}
	terms, err := s.shops.Terms(ctx, shop.ID, req.Mode, to, req.At, sum(lines))
	if err != nil {
		return nil, err
	}
	if req.Mode == delivery.ByCourier && to == nil && !slices.ContainsFunc(terms.Problems, func(p delivery.Problem) bool { return p.Path == "to" }) {
		p.problem("address_missing", "to", "Say where it should be brought.")
	}
	return compute(shop, menu, &req, terms, lines, p.problems), nil
}

// Unchanged reports whether a quote still is what somebody agreed to by the fingerprint of an earlier one.
func (s *Quoter) Unchanged(fingerprint string, q *delivery.Quote) bool {
	return unchanged(fingerprint, q)
}

// check refuses what no menu could make sense of, and cleans the texts.
func check(req *delivery.QuoteRequest) error {
	var wrong []errs.Field
	bad := func(path, msg string) { wrong = append(wrong, errs.Field{Path: path, Message: msg}) }
	if req.Mode != delivery.ByCourier && req.Mode != delivery.Pickup {
		bad("mode", "Choose delivery or pickup.")
	}
	if req.Tip < 0 || req.Tip > MaxTip {
		bad("tip", "A tip is between nothing and "+strings.TrimSpace(money.Format(MaxTip, ""))+".")
	}
	req.Note = text.Clean(req.Note, 300)
	if slices.ContainsFunc(req.Lines, func(l delivery.LineRequest) bool { return l.Note != "" }) {
		req.Lines = slices.Clone(req.Lines) // the caller's stay as they are
	}
	for i := range req.Lines {
		if req.Lines[i].Note != "" {
			req.Lines[i].Note = text.Clean(req.Lines[i].Note, 200)
		}
	}
	if req.To != nil {
		to := *req.To
		to.Street, to.City, to.Detail = text.Clean(to.Street, 120), text.Clean(to.City, 80), text.Clean(to.Detail, 120)
		to.Notes, to.Name, to.Phone = text.Clean(to.Notes, 300), text.Clean(to.Name, 80), text.Clean(to.Phone, 40)
		req.To = &to
		if !to.Point.Valid() {
			bad("to.point", "This is no place on earth: latitude is between -90 and 90, longitude between -180 and 180.")
		}
	}
	return errs.InvalidFields(wrong)
}

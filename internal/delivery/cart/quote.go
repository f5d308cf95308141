package cart

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Limits of one order.
const (
	MaxQty   = 99     // of one line; more is nearly always a slip of the finger
	MaxLines = 60     // of one order
	MaxTip   = 500_00 // minor units
)

// compute prices what somebody wants from one version of a restaurant and its menu. terms says what the restaurant offers for a value of
// food. It never fails: whatever is wrong is a problem of the quote.
func compute(shop *delivery.Shop, menu *delivery.Menu, req *delivery.QuoteRequest, terms delivery.Terms, lines []delivery.QuoteLine, problems []delivery.Problem) *delivery.Quote {
	q := &delivery.Quote{
		Restaurant: shop.ID, Mode: req.Mode, Currency: shop.Currency, Lines: lines, FeeRate: shop.FeeTax, Tip: req.Tip, Discounts: []delivery.Discount{}, Minimum: terms.Minimum,
		Problems: append(problems, terms.Problems...), ASAP: req.At == nil,
		ReadyAt: terms.ReadyAt, From: terms.From, To: terms.To, DistM: terms.DistM, Cap: terms.Cap,
		ShopVersion: shop.Version, MenuVersion: menu.Version,
	}
	q.Subtotal = sum(lines)
	if req.Mode == delivery.ByCourier {
		q.Fee = terms.Fee
	}
	q.Total = q.Subtotal + q.Fee + q.Tip
	if short := terms.Minimum - q.Subtotal; short > 0 && len(lines) > 0 {
		q.Problems = append(q.Problems, delivery.NewProblem("too_small", "lines",
			"%s takes orders from %s. Add %s more.", shop.Name, money.Format(terms.Minimum, shop.Currency), money.Format(short, shop.Currency)))
	}
	if q.Problems == nil {
		q.Problems = []delivery.Problem{}
	}
	return q
}

// discount takes what promotions take off from a quote: never more than the food and the fee are worth, never anything of the tip.
func discount(q *delivery.Quote, list []delivery.Discount) {
	food, fee := q.Subtotal, q.Fee
	for _, d := range list {
		rest := &food
		if d.OffFee() {
			rest = &fee
		}
		if d.Amount = min(d.Amount, *rest); d.Amount <= 0 {
			continue
		}
		*rest -= d.Amount
		q.Total -= d.Amount
		q.Discounts = append(q.Discounts, d)
	}
}

// finish computes what follows from lines, fee and discounts.
func finish(q *delivery.Quote, at *time.Time) {
	q.Taxes = taxes(q, q.FeeRate)
	q.Fingerprint = fingerprint(q, at)
}

func sum(lines []delivery.QuoteLine) money.Amount {
	var s money.Amount
	for _, l := range lines {
		s += l.Total
	}
	return s
}

// taxes returns the tax contained in a quote by rate, highest rate first. A discount that the restaurant bears is split over the rates of
// the food by what is taxed at each. Tax is taken from the sum of what is taxed at a rate, not line by
// line, so that rounding cannot add up.
func taxes(q *delivery.Quote, feeRate int) []delivery.TaxLine {
	out := []delivery.TaxLine{}
	add := func(rate int, gross money.Amount) {
		if gross == 0 {
			return
		}
		for i := range out {
			if out[i].Rate == rate {
				out[i].Gross += gross
				return
			}
		}
		out = append(out, delivery.TaxLine{Rate: rate, Gross: gross})
	}
	for _, l := range q.Lines {
		add(l.Rate, l.Total)
	}
	food, fee := borneByRestaurant(q.Discounts)
	if food > 0 {
		weights := make([]int64, len(out))
		for i := range out {
			weights[i] = out[i].Gross
		}
		for i, part := range money.Split(food, weights) {
			out[i].Gross -= part
		}
	}
	add(feeRate, q.Fee-fee)
	out = slices.DeleteFunc(out, func(t delivery.TaxLine) bool { return t.Gross == 0 })
	for i := range out {
		out[i].Tax = money.TaxIncluded(out[i].Gross, out[i].Rate)
	}
	slices.SortFunc(out, func(a, b delivery.TaxLine) int { return b.Rate - a.Rate })
	return out
}

// borneByRestaurant returns what a restaurant gives up of its food and of the fee: that is never taxed. What the town bears is, for the
// restaurant gets it all the same.
func borneByRestaurant(list []delivery.Discount) (food, fee money.Amount) {
	for _, d := range list {
		switch {
		case d.Bearer != delivery.PartyRestaurant:
		case d.OffFee():
			fee += d.Amount
		default:
			food += d.Amount
		}
	}
	return food, fee
}

// fingerprint condenses what a customer agreed to: every price and the fee as a hash, and the wanted slot or the promised end.
func fingerprint(q *delivery.Quote, at *time.Time) string {
	h := sha256.New()
	var b [8]byte
	word := func(v int64) {
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		h.Write(b[:]) // a hash never fails
	}
	word(int64(q.Restaurant))
	for _, l := range q.Lines {
		word(int64(l.Item))
		word(int64(l.Qty))
		word(l.Unit)
		for _, o := range l.Options {
			word(int64(o.Option))
			word(int64(o.Qty))
		}
	}
	word(q.Subtotal)
	word(q.Fee)
	for _, d := range q.Discounts {
		word(int64(d.Promotion))
		word(d.Amount)
	}
	word(q.Tip)
	word(q.Total)
	promise := "a" + strconv.FormatInt(q.To.Unix(), 36)
	if at != nil {
		promise = "s" + strconv.FormatInt(at.Unix(), 36)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]) + "." + promise
}

// unchanged reports whether q still is what the customer agreed to by fingerprint: the same prices and the same slot, or, as soon as
// possible, a promise that is not much later. An earlier promise needs no question.
func unchanged(agreed string, q *delivery.Quote, slack time.Duration) bool {
	if agreed == q.Fingerprint {
		return true
	}
	oldHash, oldPromise, ok1 := strings.Cut(agreed, ".a")
	newHash, _, ok2 := strings.Cut(q.Fingerprint, ".a")
	if !ok1 || !ok2 || oldHash != newHash {
		return false
	}
	to, err := strconv.ParseInt(oldPromise, 36, 64)
	return err == nil && !q.To.After(time.Unix(to, 0).Add(slack))
}

// pricer prices lines against one version of a menu at one moment.
type pricer struct {
	shop     *delivery.Shop
	menu     *delivery.Menu
	now      time.Time
	serve    time.Time // when it is wanted; what is served at that time counts
	problems []delivery.Problem
	wanted   map[id.ID]int64 // pieces of each item and option whose stock is counted
}

func (p *pricer) problem(code, path, format string, args ...any) {
	p.problems = append(p.problems, delivery.NewProblem(code, path, format, args...))
}

// lines prices all lines. A line that can't be had still shows its price where it has one, beside its problem.
func (p *pricer) lines(req []delivery.LineRequest) []delivery.QuoteLine {
	out := make([]delivery.QuoteLine, 0, len(req))
	switch {
	case len(req) == 0:
		p.problem("empty", "lines", "The cart is empty.")
	case len(req) > MaxLines:
		p.problem("too_many", "lines", "An order has at most %d lines.", MaxLines)
		return out
	}
	for i := range req {
		path := "lines[" + strconv.Itoa(i) + "]"
		if l, ok := p.line(&req[i], path); ok {
			out = append(out, l)
		}
	}
	return out
}

func (p *pricer) line(r *delivery.LineRequest, path string) (delivery.QuoteLine, bool) {
	it := p.menu.Items[r.Item]
	if it == nil {
		p.problem("unknown_item", path+".item", "This dish is no longer on the menu.")
		return delivery.QuoteLine{}, false
	}
	if r.Qty < 1 || r.Qty > MaxQty {
		p.problem("bad_quantity", path+".qty", "Order between 1 and %d of each dish.", MaxQty)
		return delivery.QuoteLine{}, false
	}
	p.available(it, int64(r.Qty), path)
	rate, ok := p.shop.Tax[it.Tax]
	if !ok {
		rate = p.shop.Tax["food"]
	}
	l := delivery.QuoteLine{Item: it.ID, Name: it.Name, Qty: r.Qty, Tax: it.Tax, Rate: rate, Note: r.Note}
	l.Extra, l.Options = p.options(it, r, path+".options")
	l.Unit = it.Price + l.Extra
	l.Total = l.Unit * int64(r.Qty)
	return l, true
}

func (p *pricer) available(it *delivery.Item, qty int64, path string) {
	switch {
	case it.Hidden:
		p.problem("unavailable", path+".item", "%s is not on the menu at the moment.", it.Name)
	case it.OutUntil.After(p.now):
		p.problem("sold_out", path+".item", "%s is sold out.", it.Name)
	case it.Section != nil && it.Section.Hours != nil && !it.Section.Hours.OpenAt(p.serve, hours.Options{Loc: p.shop.Loc}):
		p.problem("unavailable", path+".item", "%s is served with “%s” only, not at the chosen time.", it.Name, it.Section.Name)
	case it.Stock >= 0:
		p.wanted[it.ID] += qty
		if p.wanted[it.ID] > it.Stock {
			p.short(it.Name, it.Stock, path+".qty")
		}
	}
}

func (p *pricer) short(name string, left int64, path string) {
	if left <= 0 {
		p.problem("sold_out", path, "%s is sold out.", name)
		return
	}
	p.problem("sold_out", path, "Only %d of %s left.", left, name)
}

// options checks the choices of a line against the item's groups and returns what they add to one piece.
func (p *pricer) options(it *delivery.Item, r *delivery.LineRequest, path string) (money.Amount, []delivery.QuoteOption) {
	chosen := make(map[id.ID]int, len(r.Options))
	for i, c := range r.Options {
		n := max(c.Qty, 1)
		if c.Qty < 0 || n > 20 {
			p.problem("bad_options", path+"["+strconv.Itoa(i)+"].qty", "Take an option between 1 and 20 times.")
			n = 1
		}
		chosen[c.Option] += n
	}
	var add money.Amount
	var out []delivery.QuoteOption
	known := 0
	for _, g := range it.Groups {
		var picked []delivery.QuoteOption
		count := 0
		for _, o := range g.Options {
			n := chosen[o.ID]
			if n == 0 {
				continue
			}
			known++
			count += n
			picked = append(picked, delivery.QuoteOption{Option: o.ID, Group: g.Name, Name: o.Name, Qty: n, Price: o.Price})
			p.optionAvailable(o, int64(n)*int64(r.Qty), path)
		}
		switch {
		case count < g.Min && g.Min == g.Max:
			p.problem("bad_options", path, "Choose %d of “%s” for %s.", g.Min, g.Name, it.Name)
		case count < g.Min:
			p.problem("bad_options", path, "Choose at least %d of “%s” for %s.", g.Min, g.Name, it.Name)
		case count > g.Max:
			p.problem("bad_options", path, "Choose at most %d of “%s” for %s.", g.Max, g.Name, it.Name)
		}
		add += groupPrice(g.Rule, picked)
		out = append(out, picked...)
	}
	if known < len(chosen) {
		p.problem("bad_options", path, "An option chosen for %s is no longer offered.", it.Name)
	}
	return add, out
}

func (p *pricer) optionAvailable(o *delivery.Option, n int64, path string) {
	if o.OutUntil.After(p.now) {
		p.problem("sold_out", path, "%s is sold out.", o.Name)
		return
	}
	if o.Stock >= 0 {
		p.wanted[o.ID] += n
		if p.wanted[o.ID] > o.Stock {
			p.short(o.Name, o.Stock, path)
		}
	}
}

// groupPrice returns what the options picked of one group add to the price of one piece: their sum, the dearest (MAX, as half-and-half
// pizzas are sold), or their mean rounded half up (AVG).
func groupPrice(rule string, picked []delivery.QuoteOption) money.Amount {
	var total, dearest money.Amount
	n := int64(0)
	for _, o := range picked {
		total += o.Price * int64(o.Qty)
		dearest = max(dearest, o.Price)
		n += int64(o.Qty)
	}
	switch {
	case n == 0:
		return 0
	case rule == "MAX":
		return dearest
	case rule == "AVG":
		return money.MulDiv(total, 1, n)
	}
	return total
}

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

// Offers is what the cart asks of promotions. delivery/promo answers.
type Offers interface {
	// Discounts returns what promotions take off a bill of the actor's, and what is wrong with the code.
	Discounts(ctx context.Context, b *delivery.Bill) ([]delivery.Discount, []delivery.Problem, error)
	// Current returns what a restaurant promises everybody now.
	Current(ctx context.Context, shop *delivery.Shop) ([]delivery.Offer, error)
}

// Quoter prices what people want.
type Quoter struct {
	shops  Shops
	menus  Menus
	offers Offers
	now    clock.Func
	slack  time.Duration
}

// NewQuoter returns a Quoter over the given restaurants, menus and promotions (nil: there are none). Somebody who agreed to a promise is
// asked again when food would come more than slack later.
func NewQuoter(shops Shops, menus Menus, offers Offers, now clock.Func, slack time.Duration) *Quoter {
	return &Quoter{shops: shops, menus: menus, offers: offers, now: now, slack: slack}
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
	q := compute(shop, menu, &req, terms, lines, p.problems)
	if s.offers != nil {
		bill := delivery.Bill{
			Shop: shop, Menu: menu, Mode: req.Mode, Lines: lines, Subtotal: q.Subtotal, Fee: q.Fee, FeeKnown: to != nil, Code: req.Code, Now: now,
		}
		off, wrong, err := s.offers.Discounts(ctx, &bill)
		if err != nil {
			return nil, err
		}
		discount(q, off)
		q.Problems = append(q.Problems, wrong...)
	}
	finish(q, req.At)
	return q, nil
}

// Unchanged reports whether a quote still is what somebody agreed to by the fingerprint of an earlier one.
func (s *Quoter) Unchanged(fingerprint string, q *delivery.Quote) bool {
	return unchanged(fingerprint, q, s.slack)
}

// check refuses what no menu could make sense of, and cleans the texts.
func check(req *delivery.QuoteRequest) error {
	var wrong []errs.Field
	bad := func(f errs.Field) { wrong = append(wrong, f) }
	if req.Mode != delivery.ByCourier && req.Mode != delivery.Pickup {
		bad(errs.FieldOf("mode", "Choose delivery or pickup."))
	}
	if req.Tip < 0 || req.Tip > MaxTip {
		bad(errs.FieldOf("tip", "A tip is between nothing and %s.", strings.TrimSpace(money.Format(MaxTip, ""))))
	}
	req.Note, req.Code = text.Clean(req.Note, 300), text.Clean(req.Code, 40)
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
			bad(errs.FieldOf("to.point", "This is no place on earth: latitude is between -90 and 90, longitude between -180 and 180."))
		}
	}
	return errs.InvalidFields(wrong)
}

package promo

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// codePath is where a quote's request names a code.
const codePath = "code"

// Discounts returns what promotions take off a bill of the actor's, and what is wrong with the code. Where nobody is signed in, it is taken
// to be their first order.
func (s *Service) Discounts(ctx context.Context, b *delivery.Bill) ([]delivery.Discount, []delivery.Problem, error) {
	w, err := s.world(ctx)
	if err != nil {
		return nil, nil, err
	}
	local, town := w.auto[b.Shop.ID], w.auto[0]
	if b.Code == "" && len(local)+len(town) == 0 || len(b.Lines) == 0 {
		return nil, nil, nil
	}
	account := access.From(ctx).ID
	var problems []delivery.Problem
	var code *Promotion
	if b.Code != "" {
		p := w.codes[ReadCode(b.Code)]
		problem, err := s.wrong(ctx, b, p, account)
		switch {
		case err != nil:
			return nil, nil, err
		case problem != nil:
			problems = append(problems, *problem)
		default:
			code = p
		}
	}
	var auto []*Promotion
	for _, list := range [2][]*Promotion{local, town} {
		for _, p := range list {
			if p.off(b) == 0 {
				continue
			}
			problem, err := s.wrong(ctx, b, p, account)
			if err != nil {
				return nil, nil, err
			}
			if problem == nil {
				auto = append(auto, p)
			}
		}
	}
	var out []delivery.Discount
	for _, t := range choose(b, code, auto) {
		d := delivery.Discount{Promotion: t.p.ID, Label: t.p.label(ctx, b.Menu), Code: t.p.Code, Kind: t.p.Kind, Amount: t.off, Bearer: t.p.Bearer}
		if t.p.Kind == delivery.DiscountItem {
			d.Item = t.p.Items[0]
		}
		out = append(out, d)
	}
	return out, problems, nil
}

// wrong returns why a promotion does not hold for a bill, or nil.
func (s *Service) wrong(ctx context.Context, b *delivery.Bill, p *Promotion, account id.ID) (*delivery.Problem, error) {
	if problem := stands(b, p); problem != nil || !p.counted() {
		return problem, nil
	}
	why, err := s.spent(ctx, p, b.Shop.ID, account)
	if err != nil || why == "" {
		return nil, err
	}
	if why == "promo_first_order" {
		if p.First == FirstHere {
			return ptr(delivery.NewProblem(why, codePath, "This code is for a first order at %s. Take it out to order without it.", b.Shop.Name)), nil
		}
		return ptr(delivery.NewProblem(why, codePath, "This code is for a first order in town. Take it out to order without it.")), nil
	}
	return ptr(delivery.NewProblem(why, codePath, "This code has been used up. Take it out to order without it.")), nil
}

func ptr(p delivery.Problem) *delivery.Problem { return &p }

// stands returns why a promotion does not hold for a bill, by what is known of both; nil where it does.
func stands(b *delivery.Bill, p *Promotion) *delivery.Problem {
	switch {
	case p == nil:
		return ptr(delivery.NewProblem("promo_unknown", codePath, "There is no such code. Check how it is written, or take it out."))
	case p.Restaurant != 0 && p.Restaurant != b.Shop.ID, p.Currency != b.Shop.Currency:
		return ptr(delivery.NewProblem("promo_other_restaurant", codePath, "This code is for another restaurant. Take it out to order here."))
	case p.State == Ended, !p.Until.IsZero() && !b.Now.Before(p.Until):
		return ptr(delivery.NewProblem("promo_expired", codePath, "This code is over. Take it out to order without it."))
	case p.State == Paused:
		return ptr(delivery.NewProblem("promo_later", codePath, "This code can't be used for the moment. Take it out to order now."))
	case b.Now.Before(p.From):
		return ptr(delivery.NewProblem("promo_later", codePath, "This code holds from %s on.", p.From.In(b.Shop.Loc).Format("2006-01-02 15:04")))
	case p.schedule != nil && !p.schedule.OpenAt(b.Now, hours.Options{Loc: b.Shop.Loc}):
		return ptr(delivery.NewProblem("promo_later", codePath, "This code holds at these times: %s. Take it out to order now.", p.Hours))
	case b.Subtotal < p.Minimum:
		return ptr(delivery.NewProblem("promo_minimum", codePath, "This code holds from %s of food. Add %s more, or take it out.",
			money.Format(p.Minimum, b.Shop.Currency), money.Format(p.Minimum-b.Subtotal, b.Shop.Currency)))
	}
	if p.Kind == delivery.DiscountFee {
		switch {
		case b.Mode != delivery.ByCourier:
			return ptr(delivery.NewProblem("promo_nothing", codePath, "This code is for deliveries. Take it out to collect the food."))
		case b.FeeKnown && b.Fee == 0:
			return ptr(delivery.NewProblem("promo_nothing", codePath, "Delivery costs nothing as it is. Take the code out and keep it."))
		}
		return nil
	}
	if food, _ := p.base(b); food == 0 {
		return ptr(delivery.NewProblem("promo_nothing", codePath, "This code is for other dishes. Add one of them, or take it out."))
	}
	return nil
}

// spent returns why an account can't have a promotion that counts its uses: "promo_used_up", "promo_first_order", or "" where it can.
func (s *Service) spent(ctx context.Context, p *Promotion, restaurant, account id.ID) (why string, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		used, mine, err := usesOf(ctx, tx, p.ID, account)
		if errors.Is(err, db.ErrNoRow) {
			why = "promo_used_up"
			return nil
		}
		if err != nil {
			return err
		}
		switch most := p.each(); {
		case p.Most > 0 && used >= p.Most:
			why = "promo_used_up"
		case account != 0 && most > 0 && mine >= most && p.First == "":
			why = "promo_used_up"
		case account != 0 && most > 0 && mine >= most:
			why = "promo_first_order"
		}
		return nil
	})
	if err != nil || why != "" || p.First == "" || account == 0 || s.opt.Ordered == nil {
		return why, err
	}
	if p.First == FirstEver {
		restaurant = 0
	}
	before, err := s.opt.Ordered(ctx, account, restaurant)
	if before {
		why = "promo_first_order"
	}
	return why, err
}

// Current returns what a restaurant's offers promise everybody now, those that need no code: its own first, then the town's.
func (s *Service) Current(ctx context.Context, shop *delivery.Shop) ([]delivery.Offer, error) {
	w, err := s.world(ctx)
	if err != nil {
		return nil, err
	}
	local, town := w.auto[shop.ID], w.auto[0]
	if len(local)+len(town) == 0 {
		return nil, nil
	}
	menu, err := s.menus.Menu(ctx, shop.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var out []delivery.Offer
	for _, list := range [2][]*Promotion{local, town} {
		for _, p := range list {
			if p.holds(now, shop) {
				out = append(out, delivery.Offer{Promotion: p.ID, Label: p.promise(ctx, menu), Kind: p.Kind, Minimum: p.Minimum, Until: p.Until})
			}
		}
	}
	return out, nil
}

// holds reports whether somebody could have a promotion at a restaurant now.
func (p *Promotion) holds(now time.Time, shop *delivery.Shop) bool {
	return p.State == Active && p.Currency == shop.Currency && !now.Before(p.From) && (p.Until.IsZero() || now.Before(p.Until)) &&
		(p.Most == 0 || p.Used < p.Most) && (p.schedule == nil || p.schedule.OpenAt(now, hours.Options{Loc: shop.Loc}))
}

// errUsedUp is what an order gets whose promotion somebody else was quicker to use.
var errUsedUp = errs.New(errs.Conflict, "This promotion has just been used up. Look at the price again, and order if you still like it.").WithCode("promotion_used_up")

package order

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Books keeps the accounts, in the transactions of what causes an entry. delivery/ledger does.
type Books interface {
	// Credit returns how much an account has to spend in a currency.
	Credit(ctx context.Context, account id.ID, currency string) (money.Amount, error)
	// Spend takes an order's credit from its customer's, or returns a Conflict error (code "changed") where there is less by now.
	Spend(ctx context.Context, tx *db.Tx, sale delivery.Sale, at time.Time) error
	// Sell enters what was bought.
	Sell(ctx context.Context, tx *db.Tx, sale delivery.Sale, at time.Time) error
	// Earn enters who earns what, now that an order is delivered or paid for all the same; courier 0: nobody brought it.
	Earn(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error
	// Unsell takes all of that back that was entered. Where food was cooked that somebody else than the restaurant has to answer for, they
	// pay it to the restaurant.
	Unsell(ctx context.Context, tx *db.Tx, order id.ID, answers delivery.Party, cooked bool, at time.Time) error
}

// Promotions counts the uses of promotions. delivery/promo does.
type Promotions interface {
	// Use counts that an order of an account at a restaurant has discounts, or returns a Conflict error (code "promotion_used_up").
	Use(ctx context.Context, tx *db.Tx, order, account, restaurant id.ID, discounts []delivery.Discount) error
	// GiveBack takes back what an order used, once.
	GiveBack(ctx context.Context, tx *db.Tx, order id.ID) error
}

// Pots hold what others have paid into a customer's group order. delivery/group keeps them.
type Pots interface {
	// Pot returns what is in one, or an Invalid error on field "group" for what is no group order of the customer's at the restaurant.
	Pot(ctx context.Context, group string, customer, restaurant id.ID) (money.Amount, error)
	// Pour makes it the customer's credit, or returns a Conflict error (code "changed") where it is another amount by now.
	Pour(ctx context.Context, tx *db.Tx, p delivery.Pot, at time.Time) error
	// Unpour takes it from their credit again, once.
	Unpour(ctx context.Context, tx *db.Tx, order, customer id.ID, at time.Time) error
}

// sale is an order as the books see it.
func sale(r *row, b *Snapshot) delivery.Sale {
	return delivery.Sale{
		Order: r.id, Code: ShowCode(r.code), Customer: r.account, Restaurant: r.restaurant, Mode: r.mode, Currency: r.currency,
		Lines: b.Lines, Taxes: b.Taxes, Subtotal: b.Subtotal, Fee: b.Fee, FeeRate: b.FeeRate, Tip: b.Tip, Discounts: b.Discounts,
		Total: b.Total, Credit: b.Credit, Deal: b.Deal, DistM: b.DistM,
	}
}

// credit returns how much of an order is paid with credit, and how much of that others have paid in.
func (s *Service) credit(ctx context.Context, account id.ID, in *delivery.PlaceRequest, q *delivery.Quote) (credit, pot money.Amount, err error) {
	if in.Group != "" {
		if pot, err = s.Pots.Pot(ctx, in.Group, account, in.Restaurant); err != nil {
			return 0, 0, err
		}
		if pot > q.Total {
			return 0, 0, errs.New(errs.Conflict, "The others have paid in more than this costs. Open the group order again: they get it back.").WithCode("pot_too_large")
		}
	}
	if in.Credit {
		if credit, err = s.Books.Credit(ctx, account, q.Currency); err != nil {
			return 0, 0, err
		}
	}
	return max(0, min(credit+pot, q.Total)), pot, nil
}

// claim takes what an order uses besides food: promotions and credit.
func (s *Service) claim(ctx context.Context, tx *db.Tx, r *row, b *Snapshot, at time.Time) error {
	if len(b.Discounts) > 0 {
		if err := s.Promotions.Use(ctx, tx, r.id, r.account, r.restaurant, b.Discounts); err != nil {
			return err
		}
	}
	if b.Pot > 0 {
		p := delivery.Pot{Group: b.Group, Order: r.id, Customer: r.account, Restaurant: r.restaurant, Amount: b.Pot, Currency: r.currency}
		if err := s.Pots.Pour(ctx, tx, p, at); err != nil {
			return err
		}
	}
	if b.Credit > 0 {
		return s.Books.Spend(ctx, tx, sale(r, b), at)
	}
	return nil
}

// sell enters an order that the restaurant gets to see.
func (s *Service) sell(ctx context.Context, tx *db.Tx, r *row, b *Snapshot, at time.Time) error {
	return s.Books.Sell(ctx, tx, sale(r, b), at)
}

// unclaim gives back what claim took and takes back what sell entered.
func (s *Service) unclaim(ctx context.Context, tx *db.Tx, old, next *row) error {
	if err := s.Promotions.GiveBack(ctx, tx, next.id); err != nil {
		return err
	}
	if err := s.Books.Unsell(ctx, tx, next.id, delivery.Party(next.liable), cooked(old.state), next.movedAt); err != nil || next.credit == 0 {
		return err
	}
	b, err := next.bought()
	if err != nil || b.Pot == 0 {
		return err
	}
	return s.Pots.Unpour(ctx, tx, next.id, next.account, next.movedAt)
}

// resell enters an order anew that is taken up again.
func (s *Service) resell(ctx context.Context, tx *db.Tx, old, next *row) error {
	b, err := next.bought()
	if err != nil {
		return err
	}
	if Reasoned(old.reason).Keep { // its sale still stands, and what was earned by it
		if err := s.Promotions.GiveBack(ctx, tx, next.id); err != nil {
			return err
		}
	}
	if err := s.Books.Unsell(ctx, tx, next.id, delivery.PartyRestaurant, false, next.movedAt); err != nil {
		return err
	}
	if b.Pot > 0 && Reasoned(old.reason).Keep { // the shares are spent on this order already, and its credit has just come back
		b.Pot = 0
	}
	if err := s.claim(ctx, tx, next, b, next.movedAt); err != nil {
		return err
	}
	return s.sell(ctx, tx, next, b, next.movedAt)
}

// Bought returns an order as the books see it, or a NotFound error.
func (s *Service) Bought(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Bought, error) {
	r, err := load(ctx, tx, order)
	if err != nil {
		return delivery.Bought{}, err
	}
	return r.forBooks()
}

// BoughtAfter returns orders with ids above after as the books see them, in their order, at most limit.
func (s *Service) BoughtAfter(ctx context.Context, tx *db.Tx, after id.ID, limit int) ([]delivery.Bought, error) {
	rows, err := rowsAfter(ctx, tx, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]delivery.Bought, len(rows))
	for i := range rows {
		if out[i], err = rows[i].forBooks(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Remark writes something that others did for an order into its story, as done by somebody.
func (s *Service) Remark(ctx context.Context, tx *db.Tx, order, by id.ID, what, reason, note string) error {
	r, err := load(ctx, tx, order)
	if err != nil {
		return err
	}
	return addStep(ctx, tx, s.IDs.Next(), order, by, Step{At: stored(s.Now()), What: what, State: r.state, Reason: reason, Note: note})
}

func (r *row) forBooks() (delivery.Bought, error) {
	b, err := r.bought()
	if err != nil {
		return delivery.Bought{}, err
	}
	cancelled, keep := r.state == delivery.Cancelled, Reasoned(r.reason).Keep
	return delivery.Bought{
		Sale: sale(r, b), Courier: r.courier, PlacedAt: r.placedAt, Sold: r.announced,
		Earned: r.state == delivery.Delivered || r.state == delivery.Concluded || cancelled && keep,
		Ended:  cancelled && !keep, Answers: delivery.Party(r.liable), Cooked: cooked(r.before),
	}, nil
}

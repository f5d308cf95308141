// Package ledger keeps the town's books: double entry, append only, in whole minor units. Whatever moves money posts it here, in the
// transaction of what caused it.
package ledger

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Service keeps the books. Safe for concurrent use.
type Service struct {
	db  *db.DB
	ids *id.Source
	now clock.Func
	opt Options
}

// Options are the town's rules.
type Options struct {
	// Pay says what couriers earn now; nil: nothing.
	Pay func() delivery.CourierPay
}

// New returns a Service.
func New(d *db.DB, ids *id.Source, now clock.Func, o Options) *Service {
	return &Service{db: d, ids: ids, now: now, opt: o}
}

// Post enters a movement of money. A posting whose Ref is in the books already changes nothing where it is the same, and is an error where
// it is another. It returns an error where the entries do not sum to zero.
func (s *Service) Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error { return nil }

// Balance returns the sum of an account's entries: a debit above zero, a credit below.
func (s *Service) Balance(ctx context.Context, tx *db.Tx, b delivery.Book) (money.Amount, error) {
	return 0, nil
}

// Credit returns how much an account has to spend in a currency.
func (s *Service) Credit(ctx context.Context, account id.ID, currency string) (money.Amount, error) {
	return 0, nil
}

// Spend takes an order's credit from its customer's, or returns a Conflict error (code "changed") where there is less by now.
func (s *Service) Spend(ctx context.Context, tx *db.Tx, sale delivery.Sale, at time.Time) error {
	return nil
}

// Sell enters what was bought.
func (s *Service) Sell(ctx context.Context, tx *db.Tx, sale delivery.Sale, at time.Time) error {
	return nil
}

// Earn enters who earns what, now that an order is delivered or paid for all the same; courier 0: nobody brought it.
func (s *Service) Earn(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error {
	return nil
}

// Unsell takes all of that back that was entered of an order. Where food was cooked that somebody else than the restaurant has to answer
// for, they pay it to the restaurant.
func (s *Service) Unsell(ctx context.Context, tx *db.Tx, order id.ID, answers delivery.Party, cooked bool, at time.Time) error {
	return nil
}

// Take enters money that came in for an order.
func (s *Service) Take(ctx context.Context, tx *db.Tx, m delivery.Taken) error { return nil }

// Return enters money that went back to a customer.
func (s *Service) Return(ctx context.Context, tx *db.Tx, m delivery.Returned) error { return nil }

// Refund enters that a part of an order's price is given up, and who bears it.
func (s *Service) Refund(ctx context.Context, tx *db.Tx, r delivery.Refund) error { return nil }

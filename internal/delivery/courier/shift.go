package courier

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Books are the town's books. delivery/ledger keeps them.
type Books interface {
	// Sums returns what the entries of an owner's accounts come to between two times, by kind and word.
	Sums(ctx context.Context, tx *db.Tx, owner id.ID, currency string, from, to time.Time) ([]delivery.BookSum, error)
	// Post enters a movement of money, once for each ref.
	Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error
}

// Money is what couriers' pay needs.
type Money struct {
	IDs      *id.Source
	Books    Books
	Pay      func() delivery.CourierPay
	Currency string // ISO 4217
	Zone     *time.Location
	// Rides returns the orders that a courier brought between two times.
	Rides func(ctx context.Context, courier id.ID, from, to time.Time) ([]delivery.Ride, error)
}

// Shift is one time on duty.
type Shift struct {
	ID    id.ID        `json:"id"`
	Began time.Time    `json:"began"`
	Ended time.Time    `json:"ended,omitzero" doc:"Left out: it lasts."`
	Floor money.Amount `json:"floor" doc:"What was added at its end, so that its hours bring what an hour brings at least."`
}

// maxShift is the longest time of a shift that is paid: a longer one was not ended for want of a tap.
const maxShift = 16 * time.Hour

// floorFor returns what is missing to what an hour brings at least, in a shift of that length in which that much was earned.
func floorFor(hourly money.Amount, length time.Duration, earned money.Amount) money.Amount {
	length = min(max(length, 0), maxShift)
	return max(0, money.MulDiv(hourly, int64(length/time.Second), 3600)-earned)
}

// wordPay is the word of entries for what an order brings a courier, wordFloor that of those for what was missing.
const (
	wordPay   = "pay"
	wordTip   = "tip"
	wordFloor = "floor"
	wordOut   = "payout"
)

// beginShift notes that a duty has begun, as of when the server hears of it: what a phone says of the past is not paid by the hour.
func (s *Service) beginShift(ctx context.Context, tx *db.Tx, courier id.ID, now time.Time) error {
	if err := openShift(ctx, tx, s.money.IDs.Next(), courier, s.money.Currency, now); err != nil {
		return fmt.Errorf("courier: begin a shift of %s: %w", courier, err)
	}
	return nil
}

// endShift notes that a duty ended at at, and enters what its hours are short of.
func (s *Service) endShift(ctx context.Context, tx *db.Tx, courier id.ID, at, now time.Time) error {
	sh, found, err := presentShift(ctx, tx, courier)
	if err != nil || !found {
		return err // a duty from before there were shifts
	}
	sh.Ended = now
	if at.Before(now) { // the phone was offline for a while
		sh.Ended = at
	}
	if sh.Ended.Before(sh.Began) {
		sh.Ended = sh.Began
	}
	if hourly := s.money.Pay().HourlyFloor; hourly > 0 {
		sums, err := s.money.Books.Sums(ctx, tx, courier, s.money.Currency, sh.Began, now.Add(time.Microsecond))
		if err != nil {
			return err
		}
		earned := money.Amount(0)
		for _, x := range sums {
			if x.Kind == delivery.BookCourier && x.What == wordPay {
				earned -= x.Amount
			}
		}
		sh.Floor = floorFor(hourly, sh.Ended.Sub(sh.Began), earned)
	}
	if closed, err := closeShift(ctx, tx, sh); err != nil || !closed {
		return err
	}
	if sh.Floor == 0 {
		return nil
	}
	cur := s.money.Currency
	return s.money.Books.Post(ctx, tx, delivery.Posting{
		Ref: "floor:" + sh.ID.String(), What: wordFloor, At: sh.Ended, Entries: []delivery.Entry{
			{Book: delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubCourierPay, Currency: cur}, Amount: sh.Floor, What: wordFloor},
			{Book: delivery.Book{Kind: delivery.BookCourier, Owner: courier, Currency: cur}, Amount: -sh.Floor, What: wordFloor},
		},
	})
}

// Package payment takes an order's money: from a card through a Provider, or at the door.
//
// A payment has a state, where it is, and an aim, where it is to end up. Orders set the aim in their own transactions; Settle, called at once
// or by a job, asks the provider until the two agree. So whatever crosses on the way (an order cancelled while its card is being captured)
// ends right: what was captured and is to be released is refunded. Each call of a provider carries a key made of what is stored before
// it, so that an answer which got lost is asked for again and never paid twice. No provider is called inside a transaction.
package payment

import (
	"context"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Provider is a card acquirer. Every call may be repeated with the same key and then answers as it did the first time. An error means
// that the outcome is not known: the call is repeated until there is an answer.
type Provider interface {
	// Authorise holds an amount on a card.
	Authorise(ctx context.Context, key string, c Card) (Authorisation, error)
	// Capture takes the whole amount held under ref.
	Capture(ctx context.Context, key, ref string, amount money.Amount) error
	// Void lets go of what is held under ref.
	Void(ctx context.Context, key, ref string) error
	// Refund gives back amount of what was captured under ref.
	Refund(ctx context.Context, key, ref string, amount money.Amount) error
}

// Card is what to hold on which card.
type Card struct {
	Order    id.ID
	Token    string // the provider's name for the card
	Amount   money.Amount
	Currency string
}

// Authorisation is an acquirer's answer: a reference for later calls, or why the card was declined.
type Authorisation struct {
	Ref     string
	Decline string // such as "insufficient_funds"; empty: authorised
}

// follow is the machine: which states may follow which.
var follow = map[delivery.PaymentState][]delivery.PaymentState{
	delivery.PaymentNew:               {delivery.PaymentAuthorised, delivery.PaymentFailed, delivery.PaymentCaptured},
	delivery.PaymentAuthorised:        {delivery.PaymentCaptured, delivery.PaymentVoided},
	delivery.PaymentCaptured:          {delivery.PaymentRefunded, delivery.PaymentPartiallyRefunded},
	delivery.PaymentPartiallyRefunded: {delivery.PaymentRefunded, delivery.PaymentPartiallyRefunded},
	delivery.PaymentVoided:            {delivery.PaymentNew}, // an order restored: authorised again, under new keys
	delivery.PaymentFailed:            {},
	delivery.PaymentRefunded:          {},
}

// CanFollow reports whether a payment may go from one state to another.
func CanFollow(from, to delivery.PaymentState) bool { return slices.Contains(follow[from], to) }

// step is what to ask a provider next.
type step string

const (
	nothing   step = ""
	authorise step = "authorise"
	capture   step = "capture"
	void      step = "void"
	refund    step = "refund"
	renew     step = "renew" // begin a new attempt; asks nobody
)

// next returns what to do about a payment: first to hear the answer to what was asked, whatever the aim is by now.
func (r row) next() step {
	if r.asking != nothing {
		return r.asking
	}
	return plan(r.State, r.Aim)
}

// plan returns what brings a card payment nearer to its aim; nothing where it is there or can't get there any more.
func plan(s delivery.PaymentState, aim delivery.PaymentAim) step {
	switch {
	case s == delivery.PaymentNew:
		// Also to release: an authorisation may have been asked for and its answer lost. Asking again with the same key tells.
		return authorise
	case s == delivery.PaymentAuthorised && aim == delivery.AimCapture:
		return capture
	case s == delivery.PaymentAuthorised && aim == delivery.AimRelease:
		return void
	case (s == delivery.PaymentCaptured || s == delivery.PaymentPartiallyRefunded) && aim == delivery.AimRelease:
		return refund
	case s == delivery.PaymentVoided && aim != delivery.AimRelease:
		return renew
	}
	return nothing
}

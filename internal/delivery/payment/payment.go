// Package payment takes an order's money: from a card through a Provider, or at the door.
//
// A payment has a state, where it is, and an aim, where it is to end up. Orders set the aim in their own transactions; Settle, called at once
// or by a job, asks the provider until the two agree. So whatever crosses on the way (an order cancelled while its card is being captured)
// ends right: what was captured and is to be released is refunded. Each call of a provider carries a key made of what is stored before
// it, so that an answer which got lost is asked for again and never paid twice. No provider is called inside a transaction. What a provider
// refuses for good ends in a state and an Incident that people see.
//
// The books hear of money in the transaction that stores it: Take what came in, Return what went back.
package payment

import (
	"context"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Provider is a card acquirer. Every call may be repeated with the same key and then answers as it did the first time. A Refusal is an
// answer; any other error means that the outcome is not known: the call is repeated until there is an answer.
type Provider interface {
	// Authorise holds an amount on a card. Where c.Ref is set it asks how that charge stands now, and changes nothing.
	Authorise(ctx context.Context, key string, c Card) (Authorisation, error)
	// Capture takes the whole amount held under ref.
	Capture(ctx context.Context, key, ref string, amount money.Amount) (Captured, error)
	// Void lets go of what is held under ref, or still waits for the customer. What was let go already is no error.
	Void(ctx context.Context, key, ref string) error
	// Refund gives back amount of what was captured under ref.
	Refund(ctx context.Context, key, ref string, amount money.Amount) (Refunded, error)
}

// Card is what to hold on which card. What a restaurant's own account gets of it is the provider's affair.
type Card struct {
	Order      id.ID
	Customer   id.ID
	Restaurant id.ID
	Token      string // the provider's name for the card
	Ref        string // the provider's name for the charge, where it is known
	Amount     money.Amount
	Currency   string
	Save       bool // keep the card for the customer's next order
}

// Authorisation is an acquirer's answer: a reference for later calls, or why the card was declined, or what its holder has to do first.
type Authorisation struct {
	Ref     string
	Decline string               // such as "insufficient_funds"; empty: authorised, unless there is an Action
	Action  *delivery.CardAction // the bank asks its customer
}

// Captured is what came of a capture.
type Captured struct {
	Fee  money.Amount // what the provider took of the amount; 0 where not known
	Sent money.Amount // of the amount, sent on to the restaurant's own account at the provider
}

// Refunded is what came of a refund.
type Refunded struct {
	Pulled money.Amount // of the amount, taken back from the restaurant's own account at the provider
}

// Refusal is a provider's definite no: the hold has expired, the charge is disputed. To ask again gives the same answer.
type Refusal struct {
	Code   string // such as "hold_expired", as short as a decline's
	Detail string // for the operator, in the provider's words; nothing secret
}

func (r *Refusal) Error() string { return "payment: the provider refuses: " + r.Code + ": " + r.Detail }

// follow is the machine: which states may follow which.
var follow = map[delivery.PaymentState][]delivery.PaymentState{
	delivery.PaymentNew:               {delivery.PaymentAuthorised, delivery.PaymentAction, delivery.PaymentFailed, delivery.PaymentCaptured},
	delivery.PaymentAction:            {delivery.PaymentAction, delivery.PaymentAuthorised, delivery.PaymentFailed, delivery.PaymentVoided},
	delivery.PaymentAuthorised:        {delivery.PaymentCaptured, delivery.PaymentVoided, delivery.PaymentCaptureFailed},
	delivery.PaymentCaptured:          {delivery.PaymentRefunded, delivery.PaymentPartiallyRefunded, delivery.PaymentRefundFailed},
	delivery.PaymentPartiallyRefunded: {delivery.PaymentRefunded, delivery.PaymentPartiallyRefunded, delivery.PaymentRefundFailed},
	delivery.PaymentRefundFailed:      {delivery.PaymentCaptured, delivery.PaymentPartiallyRefunded, delivery.PaymentRefunded}, // asked again
	delivery.PaymentCaptureFailed:     {delivery.PaymentVoided},
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
	look      step = "look" // ask how it stands; changes nothing there
	capture   step = "capture"
	void      step = "void"
	release   step = "release" // write down that the rest is to be refunded; asks nobody
	renew     step = "renew"   // begin a new attempt; asks nobody
)

// next returns what to do about a payment: first to hear the answer to what was asked, whatever the aim is by now.
func (r row) next() step {
	if r.asking != nothing {
		return r.asking
	}
	return plan(r.State, r.Aim, r.Left())
}

// plan returns what brings a card payment nearer to its aim, with left being what could still be given back; nothing where it is there or
// can't get there any more.
func plan(s delivery.PaymentState, aim delivery.PaymentAim, left money.Amount) step {
	switch {
	case s == delivery.PaymentNew:
		// Also to release: an authorisation may have been asked for and its answer lost. Asking again with the same key tells.
		return authorise
	case s == delivery.PaymentAction && aim != delivery.AimRelease:
		return look
	case s == delivery.PaymentAuthorised && aim == delivery.AimCapture:
		return capture
	case (s == delivery.PaymentAuthorised || s == delivery.PaymentAction || s == delivery.PaymentCaptureFailed) && aim == delivery.AimRelease:
		return void
	case (s == delivery.PaymentCaptured || s == delivery.PaymentPartiallyRefunded) && aim == delivery.AimRelease && left > 0:
		return release
	case s == delivery.PaymentVoided && aim != delivery.AimRelease:
		return renew
	}
	return nothing
}

// waits reports whether only the card's holder can bring a payment further.
func (r row) waits() bool {
	return r.State == delivery.PaymentAction && r.asking == nothing && r.Aim != delivery.AimRelease
}

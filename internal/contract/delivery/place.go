package delivery

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
)

// PlaceRequest is an order as a customer places it: what they want, the quote they agreed to, and how they pay.
type PlaceRequest struct {
	QuoteRequest
	Fingerprint string `json:"fingerprint" minLength:"1" maxLength:"128" doc:"Of the quote that the customer saw and agreed to."`
	Method      Method `json:"method" enum:"on_delivery,card"`
	Card        string `json:"card,omitempty" maxLength:"64" doc:"The card's token, needed to pay by card. The sandbox knows tok_ok, tok_declined, tok_insufficient_funds, tok_expired, tok_timeout, tok_3ds, tok_3ds_fail and tok_capture_fail. Never a card number."`
	SaveCard    bool   `json:"save_card,omitempty" doc:"Keep the card for next time."`
	Credit      bool   `json:"credit,omitempty" doc:"Pay with one's credit as far as it goes."`
	Group       string `json:"group,omitempty" maxLength:"43" doc:"The group order that this is, where the others have paid their shares in: those pay first."`
	Name        string `json:"name,omitempty" maxLength:"80" doc:"Whom to ask for; left out: the address's name, or the account's."`
	Phone       string `json:"phone,omitempty" maxLength:"40" doc:"Where to call; left out: the address's phone."`
}

// Placed is the answer to a placed order.
type Placed struct {
	Order   id.ID
	Code    string      // as people read it: "K7Q-2PM"
	Token   string      // of the tracking link
	Pending bool        // the card's answer is not known yet; the kitchen sees the order when it is
	Action  *CardAction // what the customer's bank wants of them first
	Replay  bool        // the answer was given before, to the same Idempotency-Key
	Body    []byte      // the order as JSON, exactly as it was first answered
}

// PaymentState is where a payment stands.
type PaymentState string

// The states of a payment. Which may follow which is in delivery/payment.
const (
	PaymentNew               PaymentState = "new"             // written down, nobody asked yet, or the answer is not known
	PaymentAction            PaymentState = "action_required" // the bank wants to hear from its customer first (3-D Secure)
	PaymentAuthorised        PaymentState = "authorised"      // the amount is held on the card
	PaymentCaptured          PaymentState = "captured"        // the amount is ours: taken from the card, or collected at the door
	PaymentVoided            PaymentState = "voided"          // the hold was let go
	PaymentFailed            PaymentState = "failed"          // declined
	PaymentRefunded          PaymentState = "refunded"
	PaymentPartiallyRefunded PaymentState = "refunded_partially"
	PaymentCaptureFailed     PaymentState = "capture_failed" // the provider refuses to take what was held: somebody has to look
	PaymentRefundFailed      PaymentState = "refund_failed"  // the provider refuses to give back what is to be released: somebody has to look
)

// PaymentAim is where a payment is to end up, whatever stands between.
type PaymentAim string

// The aims. To release is to void a hold, or to refund what was captured.
const (
	AimHold    PaymentAim = "hold"
	AimCapture PaymentAim = "capture"
	AimRelease PaymentAim = "release"
)

// Charge is what an order costs and who pays it how.
type Charge struct {
	Order    id.ID
	Method   Method
	Amount   money.Amount
	Currency string
	Token    string // the card's, for PayByCard

	Customer   id.ID
	Restaurant id.ID
	Group      id.ID // the group order into whose pot a share goes, which Order names then; 0: an order is paid
	Save       bool  // the customer wants the card kept for next time
}

// CardAction is what a customer has to do before their bank lets a card be charged.
type CardAction struct {
	Client string `json:"client,omitempty" doc:"What the provider's script needs to go on."`
	URL    string `json:"url,omitempty" doc:"Where the customer goes without a script."`
}

// Payment is the payment of an order, or of a share in a group order, as it stands.
type Payment struct {
	Order     id.ID // or the share
	Group     id.ID // the share's group order; 0: of an order
	Method    Method
	State     PaymentState
	Aim       PaymentAim
	Amount    money.Amount
	Refunded  money.Amount
	Refunding money.Amount // on its way back; the provider has not answered yet
	Currency  string
	Decline   string // why a card was declined, such as "insufficient_funds", or why the provider refuses what was asked
	Provider  string // of a card, such as "sandbox"
	Ref       string // the provider's name for the charge; empty until it is known
	Action    CardAction
}

// Left returns what of a payment could still be given back.
func (p Payment) Left() money.Amount {
	switch p.State {
	case PaymentCaptured, PaymentPartiallyRefunded, PaymentRefundFailed:
		return p.Amount - p.Refunded - p.Refunding
	}
	return 0
}

// PaymentChanged says that money was held, taken, let go or given back.
type PaymentChanged struct {
	Order    id.ID        `json:"order"`           // or the share
	Group    id.ID        `json:"group,omitempty"` // the share's group order; 0: of an order
	Method   Method       `json:"method"`
	State    PaymentState `json:"state"`
	From     PaymentState `json:"from"`
	Amount   money.Amount `json:"amount"`
	Currency string       `json:"currency"`
	By       id.ID        `json:"by,omitempty"` // who collected it, where it was paid at the door
	At       time.Time    `json:"at"`
}

// EventKind returns "payment.changed".
func (PaymentChanged) EventKind() string { return "payment.changed" }

// EventSubject returns "order:ID": a payment's story is part of its order's.
func (e PaymentChanged) EventSubject() string { return "order:" + e.Order.String() }

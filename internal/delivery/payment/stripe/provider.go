package stripe

import (
	"context"
	"strconv"
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db"
)

var _ payment.Provider = (*Service)(nil)

// charge is what is asked of Stripe for an order, and never changes.
type charge struct {
	key         string
	order       id.ID
	customer    string
	destination string
	fee         money.Amount
	amount      money.Amount
	currency    string
	live        bool
	page        string // where the customer's bank sends them back to
	ref         string
}

// Authorise holds an amount on a card, or tells how the intent c.Ref stands. With the token NewCard the intent waits for a card that its
// customer types on the pay page.
func (s *Service) Authorise(ctx context.Context, key string, c payment.Card) (payment.Authorisation, error) {
	if s.client == nil {
		return payment.Authorisation{}, off()
	}
	if c.Ref != "" {
		return s.look(ctx, c)
	}
	ch, err := s.prepare(ctx, key, c)
	if err != nil {
		return payment.Authorisation{}, err
	}
	p := &api.PaymentIntentCreateParams{
		Amount: api.Int64(c.Amount), Currency: api.String(strings.ToLower(c.Currency)), CaptureMethod: api.String("manual"),
		PaymentMethodTypes: api.StringSlice([]string{"card"}),
		Metadata:           map[string]string{"order": c.Order.String(), "key": key},
	}
	if ch.customer != "" {
		p.Customer = api.String(ch.customer)
		if c.Save {
			p.SetupFutureUsage = api.String("on_session")
		}
	}
	if ch.destination != "" {
		p.TransferData = &api.PaymentIntentCreateTransferDataParams{Destination: api.String(ch.destination)}
		p.ApplicationFeeAmount = api.Int64(ch.fee)
	}
	if c.Token != NewCard {
		p.PaymentMethod, p.Confirm, p.ReturnURL = api.String(c.Token), api.Bool(true), api.String(ch.page)
	}
	p.SetIdempotencyKey(key)
	in, err := s.client.V1PaymentIntents.Create(ctx, p)
	if f := failed("authorise", err); f != nil {
		return s.notAuthorised(ctx, ch, f)
	}
	if err := s.found(ctx, key, in.ID); err != nil {
		return payment.Authorisation{}, err
	}
	return s.standing(in, c)
}

// payPage returns the address at which an order is paid.
func (s *Service) payPage(order id.ID) string { return s.Address() + "/pay/" + order.String() }

// prepare writes down what is to be asked under a key, and returns it as it was first written.
func (s *Service) prepare(ctx context.Context, key string, c payment.Card) (charge, error) {
	ch := charge{key: key, order: c.Order, amount: c.Amount, currency: c.Currency, live: s.opt.Live, page: s.payPage(c.Order)}
	old, known, err := s.readCharge(ctx, func(ctx context.Context, tx *db.Tx) (charge, error) { return chargeByKey(ctx, tx, key) })
	if err != nil || known {
		return old, err
	}
	if c.Customer != 0 {
		if ch.customer, err = s.customer(ctx, c.Customer); err != nil {
			return ch, err
		}
	}
	if s.opt.Connect && c.Restaurant != 0 {
		acct, err := s.Account(ctx, c.Restaurant)
		if err != nil {
			return ch, err
		}
		if acct.Ready {
			if ch.fee, err = s.Share(ctx, c.Order); err != nil {
				return ch, err
			}
			ch.destination, ch.fee = acct.ID, min(max(ch.fee, 0), c.Amount)
		}
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := addCharge(ctx, tx, ch, s.Now()); err != nil {
			return err
		}
		ch, err = chargeByKey(ctx, tx, key)
		return err
	})
	return ch, err
}

// readCharge reads a charge and reports whether there is one.
func (s *Service) readCharge(ctx context.Context, read func(context.Context, *db.Tx) (charge, error)) (ch charge, known bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		ch, err = read(ctx, tx)
		return err
	})
	if isMissing(err) {
		return charge{}, false, nil
	}
	return ch, err == nil, err
}

// found notes which intent came of a key.
func (s *Service) found(ctx context.Context, key, ref string) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error { return setRef(ctx, tx, key, ref) })
}

// notAuthorised says what an error means: the bank's no, Stripe's no, or nothing that is certain.
func (s *Service) notAuthorised(ctx context.Context, ch charge, f *failure) (payment.Authorisation, error) {
	switch {
	case !f.definite():
		return payment.Authorisation{}, f
	case f.kind == string(api.ErrorTypeCard):
		if f.ref != "" {
			if err := s.found(ctx, ch.key, f.ref); err != nil {
				return payment.Authorisation{}, err
			}
		}
		return payment.Authorisation{Ref: f.ref, Decline: decline(f.code, f.why)}, nil
	case f.param == "customer":
		// Somebody deleted it at Stripe: the next order makes a new one.
		return payment.Authorisation{Decline: "unknown_card"}, s.DB.Write(ctx, func(tx *db.Tx) error { return dropCustomer(ctx, tx, ch.customer) })
	case f.param == "payment_method":
		return payment.Authorisation{Decline: "unknown_card"}, nil
	}
	return payment.Authorisation{}, f.refusal("")
}

// decline returns why a card was declined, as payments say it.
func decline(code, why string) string {
	switch {
	case why == "insufficient_funds":
		return "insufficient_funds"
	case code == "expired_card", why == "expired_card":
		return "expired"
	case code == "authentication_required", code == "payment_intent_authentication_failure", why == "authentication_required":
		return "authentication_failed"
	}
	return "declined" // why exactly is between people and their bank: stolen, lost and fraudulent are not to be told apart
}

// look asks how an intent stands, and checks that it is ours.
func (s *Service) look(ctx context.Context, c payment.Card) (payment.Authorisation, error) {
	in, err := s.client.V1PaymentIntents.Retrieve(ctx, c.Ref, nil)
	if f := failed("look", err); f != nil {
		if f.definite() {
			return payment.Authorisation{}, f.refusal("unknown_charge")
		}
		return payment.Authorisation{}, f
	}
	return s.standing(in, c)
}

// standing says how an intent stands. One that does not agree with the payment is a refusal.
func (s *Service) standing(in *api.PaymentIntent, c payment.Card) (payment.Authorisation, error) {
	a := payment.Authorisation{Ref: in.ID}
	switch {
	case in.Amount != c.Amount || !strings.EqualFold(string(in.Currency), c.Currency):
		return a, &payment.Refusal{Code: "amount_differs", Detail: "The intent " + in.ID + " is over " + strconv.FormatInt(in.Amount, 10) + " " + string(in.Currency)}
	case in.Metadata["order"] != c.Order.String():
		return a, &payment.Refusal{Code: "order_differs", Detail: "The intent " + in.ID + " is of another order"}
	case in.Livemode != s.opt.Live:
		return a, &payment.Refusal{Code: "mode_differs", Detail: "The intent " + in.ID + " was made with keys of the other kind"}
	}
	switch in.Status {
	case api.PaymentIntentStatusRequiresCapture, api.PaymentIntentStatusSucceeded:
	case api.PaymentIntentStatusRequiresAction, api.PaymentIntentStatusRequiresPaymentMethod, api.PaymentIntentStatusRequiresConfirmation:
		// What failed at the bank can be tried again, with this card or another: the order waits, the dishes are held.
		a.Action = &delivery.CardAction{Client: in.ClientSecret, URL: s.payPage(c.Order)}
		if in.NextAction != nil && in.NextAction.RedirectToURL != nil {
			a.Action.URL = in.NextAction.RedirectToURL.URL
		}
	case api.PaymentIntentStatusCanceled:
		a.Decline = "cancelled"
	default: // processing: the bank is at it
		return a, &failure{what: "look", kind: "status", code: string(in.Status)}
	}
	return a, nil
}

// Capture takes what is held, and tells what Stripe took of it and what went to the restaurant's own account.
func (s *Service) Capture(ctx context.Context, key, ref string, amount money.Amount) (payment.Captured, error) {
	if s.client == nil {
		return payment.Captured{}, off()
	}
	p := &api.PaymentIntentCaptureParams{AmountToCapture: api.Int64(amount)}
	p.AddExpand(moveOfCharge)
	p.SetIdempotencyKey(key)
	in, err := s.client.V1PaymentIntents.Capture(ctx, ref, p)
	f := failed("capture", err)
	if f != nil && f.code == string(api.ErrorCodePaymentIntentUnexpectedState) {
		// It was captured before under a key that Stripe has forgotten, or is gone.
		q := &api.PaymentIntentRetrieveParams{}
		q.AddExpand(moveOfCharge)
		in, err = s.client.V1PaymentIntents.Retrieve(ctx, ref, q)
		if again := failed("look after capture", err); again != nil {
			return payment.Captured{}, again
		}
		switch in.Status {
		case api.PaymentIntentStatusSucceeded:
			f = nil
		case api.PaymentIntentStatusCanceled:
			return payment.Captured{}, f.refusal("hold_expired")
		default:
			return payment.Captured{}, f.refusal("not_held")
		}
	}
	switch {
	case f != nil && f.definite():
		return payment.Captured{}, f.refusal("")
	case f != nil:
		return payment.Captured{}, f
	case in.AmountReceived != amount:
		return payment.Captured{}, &payment.Refusal{Code: "amount_differs", Detail: "Stripe has captured " + strconv.FormatInt(in.AmountReceived, 10)}
	}
	var out payment.Captured
	if in.LatestCharge != nil && in.LatestCharge.BalanceTransaction != nil {
		out.Fee = in.LatestCharge.BalanceTransaction.Fee
	}
	if in.TransferData != nil && in.TransferData.Destination != nil {
		out.Sent = amount - in.ApplicationFeeAmount
	}
	return out, nil
}

// moveOfCharge is what of an intent is asked for beside it: where Stripe says what it took.
const moveOfCharge = "latest_charge.balance_transaction"

// Void lets go of what is held, or of an intent that waits for its customer.
func (s *Service) Void(ctx context.Context, key, ref string) error {
	if s.client == nil {
		return off()
	}
	p := &api.PaymentIntentCancelParams{CancellationReason: api.String("abandoned")}
	p.SetIdempotencyKey(key)
	_, err := s.client.V1PaymentIntents.Cancel(ctx, ref, p)
	f := failed("void", err)
	if f == nil {
		return nil
	}
	if f.code == string(api.ErrorCodePaymentIntentUnexpectedState) {
		in, err := s.client.V1PaymentIntents.Retrieve(ctx, ref, nil)
		if again := failed("look after void", err); again != nil {
			return again
		}
		if in.Status == api.PaymentIntentStatusCanceled {
			return nil
		}
		return f.refusal("captured")
	}
	if f.definite() {
		return f.refusal("")
	}
	return f
}

// Refund gives money back. Where the restaurant's own account got its share, that is pulled back; with the whole amount the town's share
// goes back to that account, too.
func (s *Service) Refund(ctx context.Context, key, ref string, amount money.Amount) (payment.Refunded, error) {
	if s.client == nil {
		return payment.Refunded{}, off()
	}
	ch, _, err := s.readCharge(ctx, func(ctx context.Context, tx *db.Tx) (charge, error) { return chargeByRef(ctx, tx, ref) })
	if err != nil {
		return payment.Refunded{}, err
	}
	out := payment.Refunded{}
	whole := amount == ch.amount
	if ch.destination != "" {
		out.Pulled = amount
		if whole {
			out.Pulled = amount - ch.fee
		}
	}
	done, err := s.refundedBefore(ctx, ref, key)
	if err != nil || done {
		return out, err
	}
	p := &api.RefundCreateParams{PaymentIntent: api.String(ref), Amount: api.Int64(amount), Metadata: map[string]string{"key": key}}
	if ch.destination != "" {
		p.ReverseTransfer, p.RefundApplicationFee = api.Bool(true), api.Bool(whole)
	}
	p.SetIdempotencyKey(key)
	r, err := s.client.V1Refunds.Create(ctx, p)
	if f := failed("refund", err); f != nil {
		switch {
		case f.code == string(api.ErrorCodeChargeDisputed):
			return payment.Refunded{}, f.refusal("disputed")
		case f.definite():
			return payment.Refunded{}, f.refusal("")
		}
		return payment.Refunded{}, f
	}
	if r.Status == api.RefundStatusFailed || r.Status == api.RefundStatusCanceled {
		return payment.Refunded{}, &payment.Refusal{Code: "refund_failed", Detail: string(r.FailureReason)}
	}
	return out, nil
}

// refundedBefore reports whether a refund was made under a key already. Stripe forgets keys after a day or so, the refund's metadata never.
func (s *Service) refundedBefore(ctx context.Context, ref, key string) (bool, error) {
	for r, err := range s.client.V1Refunds.List(ctx, &api.RefundListParams{PaymentIntent: api.String(ref)}).All(ctx) {
		if f := failed("list refunds", err); f != nil {
			if f.definite() {
				return false, f.refusal("")
			}
			return false, f
		}
		if r.Metadata["key"] == key && r.Status != api.RefundStatusFailed && r.Status != api.RefundStatusCanceled {
			return true, nil
		}
	}
	return false, nil
}

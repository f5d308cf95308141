package stripe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Limits of a webhook.
const (
	maxWebhook   = 64 << 10        // bytes
	maxSignature = 2 << 10         // bytes of the header
	maxAge       = 5 * time.Minute // of its signature, and how far it may be ahead
	keepEvents   = 30 * 24 * time.Hour
)

// errForged tells nobody what was wrong: whoever made the signature knows.
var errForged = errs.New(errs.Invalid, "This was not signed by whom it should be, or too long ago.").WithCode("bad_signature")

// signed returns an error where a body was not signed lately with one of our secrets. The header is "t=…,v1=…,v1=…": the HMAC-SHA-256 of
// time, dot and body (docs.stripe.com/webhooks#verify-manually).
func (s *Service) signed(header string, body []byte) error {
	if len(header) > maxSignature {
		return errForged
	}
	stamp := ""
	var given [][]byte
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "t":
			stamp = v
		case "v1":
			if mac, err := hex.DecodeString(v); err == nil {
				given = append(given, mac)
			}
		}
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errForged
	}
	if age := s.Wall().Sub(time.Unix(at, 0)); age > maxAge || age < -maxAge {
		return errForged
	}
	ok := false
	for _, secret := range s.opt.WebhookSecrets {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%s.", stamp)
		mac.Write(body)
		want := mac.Sum(nil)
		for _, got := range given {
			ok = hmac.Equal(want, got) || ok
		}
	}
	if !ok {
		return errForged
	}
	return nil
}

// event is what a webhook says, as far as it is looked at.
type event struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Account  string `json:"account"`
	Livemode bool   `json:"livemode"`
	Data     struct {
		Object object `json:"object"`
	} `json:"data"`
}

// object is what an event is about: an intent, a charge, a refund, a dispute or an account.
type object struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Amount   int64             `json:"amount"`
	Captured int64             `json:"amount_captured"`
	Received int64             `json:"amount_received"`
	Currency string            `json:"currency"`
	Livemode *bool             `json:"livemode"`
	Intent   string            `json:"payment_intent"`
	Status   string            `json:"status"`
	Metadata map[string]string `json:"metadata"`
	Transfer *struct {
		Destination string `json:"destination"`
	} `json:"transfer_data"`
}

// webhook takes what Stripe sends. An answer below 300 says that it is on disk, or known, or nothing of ours; Stripe sends others again.
func (s *Service) webhook(w http.ResponseWriter, r *http.Request) error {
	if s.client == nil {
		return off()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		return errs.New(errs.TooLarge, "This is too long for a webhook.").WithCause(err)
	}
	if err := s.signed(r.Header.Get("Stripe-Signature"), body); err != nil {
		return err
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.ID == "" || len(e.ID) > 255 {
		return errs.New(errs.Invalid, "This is no event.").WithCode("bad_event")
	}
	if err := s.hear(r.Context(), e); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// hear notes an event, once, and has Stripe asked about what it is about, or reports what does not agree.
func (s *Service) hear(ctx context.Context, e event) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		fresh, err := addEvent(ctx, tx, e.ID, e.Type, s.Now())
		if err != nil || !fresh {
			return err
		}
		o := e.Data.Object
		if e.Livemode != s.opt.Live || o.Livemode != nil && *o.Livemode != s.opt.Live {
			// Stripe sends test events to live endpoints, too; they say nothing about what is real.
			return s.Payments.Report(ctx, tx, incident(0, o, "mode_differs", "Event "+e.ID+" is of the other kind of keys"))
		}
		switch o.Object {
		case "payment_intent", "charge", "refund", "dispute":
			return s.hearOfMoney(ctx, tx, e)
		case "account":
			_, err := accountByID(ctx, tx, o.ID)
			if isMissing(err) || err == nil && e.Account != "" && e.Account != o.ID {
				return nil
			}
			if err == nil {
				err = s.later(ctx, tx, accountKind, o.ID)
			}
			return err
		}
		return nil
	})
}

// intent returns the intent that an object belongs to.
func (o object) intent() string {
	if o.Object == "payment_intent" {
		return o.ID
	}
	return o.Intent
}

func incident(order id.ID, o object, kind, detail string) payment.Incident {
	return payment.Incident{Order: order, Provider: Name, Ref: o.intent(), Kind: kind, Detail: detail}
}

// hearOfMoney compares what an event says with what was asked for. It never changes a payment: it has Stripe asked.
func (s *Service) hearOfMoney(ctx context.Context, tx *db.Tx, e event) error {
	o := e.Data.Object
	ref := o.intent()
	if ref == "" {
		return nil
	}
	ch, err := chargeByRef(ctx, tx, ref)
	if isMissing(err) {
		// Perhaps the answer that names the intent was lost: by our key in it, it is found. Else it is somebody else's of the same account.
		if ch, err = chargeByKey(ctx, tx, o.Metadata["key"]); isMissing(err) || err == nil && ch.ref != "" {
			return nil
		}
	}
	if err != nil {
		return err
	}
	if kind, detail := ch.differs(e); kind != "" {
		return s.Payments.Report(ctx, tx, incident(ch.order, o, kind, detail))
	}
	switch {
	case o.Object == "dispute":
		return s.later(ctx, tx, disputeKind, o.ID)
	case e.Type == "refund.failed":
		return s.Payments.Report(ctx, tx, incident(ch.order, o, "refund_failed", "Refund "+o.ID+" did not reach the customer's bank"))
	case ch.ref == "": // its key is asked for again by whoever lost the answer
		return nil
	}
	return s.later(ctx, tx, hintKind, ref)
}

// differs says what of an event does not agree with what was asked for; "" where nothing does.
func (c charge) differs(e event) (kind, detail string) {
	o := e.Data.Object
	switch {
	case e.Account != "":
		return "account_differs", "Event " + e.ID + " comes from account " + e.Account
	case o.Currency != "" && !strings.EqualFold(o.Currency, c.currency):
		return "currency_differs", "Event " + e.ID + " says " + o.Currency
	case c.live != e.Livemode:
		return "mode_differs", "Event " + e.ID + " is of the other kind of keys"
	case o.Transfer != nil && o.Transfer.Destination != c.destination:
		return "account_differs", "Event " + e.ID + " sends money to " + o.Transfer.Destination
	}
	switch o.Object {
	case "payment_intent", "charge":
		taken := max(o.Received, o.Captured)
		if o.Amount != c.amount || taken != 0 && taken != c.amount {
			return "amount_differs", fmt.Sprintf("Event %s says %d, %d of it taken; %d was asked for", e.ID, o.Amount, taken, c.amount)
		}
		if o.Metadata["order"] != c.order.String() {
			return "order_differs", "Event " + e.ID + " names another order"
		}
	default:
		if o.Amount > c.amount {
			return "amount_differs", fmt.Sprintf("Event %s says %d of a charge of %d", e.ID, o.Amount, c.amount)
		}
	}
	return "", ""
}

// later has a job done about something at Stripe.
func (s *Service) later(ctx context.Context, tx *db.Tx, kind, ref string) error {
	_, err := s.Jobs.Enqueue(ctx, tx, kind, refArgs{ref}, jobs.Opts{})
	return err
}

package fakestripe

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Refund is a refund.
type Refund struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Amount   int64             `json:"amount"`
	Charge   string            `json:"charge"`
	Created  int64             `json:"created"`
	Currency string            `json:"currency"`
	Intent   string            `json:"payment_intent"`
	Reason   string            `json:"reason,omitempty"`
	Status   string            `json:"status"`
	Reversal any               `json:"transfer_reversal"` // an id, or the reversal where it was asked for
	Metadata map[string]string `json:"metadata"`

	reversal *Reversal
}

// Reversal is a transfer_reversal.
type Reversal struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Transfer string `json:"transfer"`
}

// Dispute is a dispute.
type Dispute struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Amount   int64             `json:"amount"`
	Charge   string            `json:"charge"`
	Created  int64             `json:"created"`
	Currency string            `json:"currency"`
	Intent   string            `json:"payment_intent"`
	Livemode bool              `json:"livemode"`
	Metadata map[string]string `json:"metadata"`
	Reason   string            `json:"reason"`
	Status   string            `json:"status"`
	Evidence struct {
		DueBy int64 `json:"due_by"`
	} `json:"evidence_details"`
}

func (s *Server) refundRoute(method, ref string, f url.Values) (any, *failure) {
	if ref != "" {
		return found(s.refunds, "refund", ref)
	}
	if method == http.MethodGet {
		out := []Refund{}
		for _, r := range s.refunds {
			if r.Intent == f.Get("payment_intent") {
				out = append(out, *r)
			}
		}
		return list("/v1/refunds", out), nil
	}
	in := s.intents[f.Get("payment_intent")]
	if in == nil {
		return nil, missing("payment_intent", f.Get("payment_intent"))
	}
	c := s.charges[in.charge]
	if c == nil || !c.IsCaptured {
		return nil, invalid("charge_not_captured", "", "This PaymentIntent has no captured charge to refund.")
	}
	left, amount := c.Captured-c.Refunded, c.Captured-c.Refunded
	if v := f.Get("amount"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 {
			return nil, invalid("parameter_invalid_integer", "amount", "Invalid positive integer.")
		}
		amount = n
	}
	switch {
	case c.Disputed:
		bad := invalid("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", c.ID)
		bad.Charge = c.ID
		return nil, bad
	case left == 0:
		return nil, invalid("charge_already_refunded", "", "Charge %s has already been refunded.", c.ID)
	case amount > left:
		return nil, invalid("", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount, left)
	case f.Get("reverse_transfer") == "true" && c.Transfer == "":
		return nil, invalid("", "reverse_transfer", "Cannot reverse transfer on charge %s: it has no transfer.", c.ID)
	}
	r := &Refund{
		ID: s.id("re"), Object: "refund", Amount: amount, Charge: c.ID, Created: s.now().Unix(), Currency: c.Currency, Intent: in.ID, Reason: f.Get("reason"),
		Status: "succeeded", Metadata: metadata(f),
	}
	if f.Get("reverse_transfer") == "true" {
		r.reversal = &Reversal{ID: s.id("trr"), Object: "transfer_reversal", Amount: amount, Currency: c.Currency, Transfer: c.Transfer}
		r.Reversal = r.reversal.ID
		s.move("transfer_refund", r.reversal.ID, c.Currency, amount, 0)
	}
	if f.Get("refund_application_fee") == "true" && c.ApplicationFee > 0 {
		part := c.ApplicationFee * amount / c.Captured
		if amount == left {
			part = c.ApplicationFee - c.returned
		}
		c.returned += part
		s.move("application_fee_refund", c.ID, c.Currency, -part, 0)
	}
	c.Refunded += amount
	c.AllRefunded = c.Refunded == c.Captured
	s.refunds[r.ID] = r
	s.move("refund", r.ID, c.Currency, -amount, 0)
	s.tell("charge.refunded", c)
	s.tell("refund.created", r)
	out := *r
	if expands(f, "transfer_reversal") && r.reversal != nil {
		out.Reversal = r.reversal
	}
	return out, nil
}

// Dispute has a customer's bank take a charge back, and returns the dispute's id; "" where nothing was captured.
func (s *Server) Dispute(intent string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intents[intent]
	if in == nil || in.Status != "succeeded" {
		return ""
	}
	c := s.charges[in.charge]
	c.Disputed = true
	d := &Dispute{
		ID: s.id("dp"), Object: "dispute", Amount: c.Captured, Charge: c.ID, Created: s.now().Unix(), Currency: c.Currency, Intent: in.ID,
		Livemode: s.Live, Metadata: map[string]string{}, Reason: "product_not_received", Status: "needs_response",
	}
	d.Evidence.DueBy = s.now().Add(7 * 24 * time.Hour).Unix()
	s.disputes[d.ID] = d
	s.move("adjustment", d.ID, d.Currency, -d.Amount, 1500)
	s.tell("charge.dispute.created", d)
	return d.ID
}

// Settle ends a dispute.
func (s *Server) Settle(dispute string, won bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.disputes[dispute]
	if d == nil {
		return
	}
	d.Status = "lost"
	if won {
		d.Status = "won"
		s.charges[d.Charge].Disputed = false
		s.move("adjustment", d.ID, d.Currency, d.Amount, 0)
	}
	s.tell("charge.dispute.closed", d)
}

// Refunded returns how much of an intent was given back.
func (s *Server) Refunded(intent string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intents[intent]
	if in == nil || s.charges[in.charge] == nil {
		return 0
	}
	return s.charges[in.charge].Refunded
}

// Verify returns what is wrong with the books: an intent captured twice, more given back than was taken, two captures for one order.
func (s *Server) Verify() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var bad []error
	taken := map[string]string{}
	for ref, n := range s.captures {
		in := s.intents[ref]
		if n != 1 {
			bad = append(bad, fmt.Errorf("intent %s was captured %d times", ref, n))
		}
		c := s.charges[in.charge]
		if c.Refunded == c.Captured {
			continue // an order taken up again is paid again
		}
		order := in.Metadata["order"]
		if other := taken[order]; other != "" && order != "" {
			bad = append(bad, fmt.Errorf("order %s was paid by %s and by %s", order, other, ref))
		}
		taken[order] = ref
	}
	back := map[string]int64{}
	for _, r := range s.refunds {
		back[r.Charge] += r.Amount
	}
	for ref, c := range s.charges {
		if back[ref] != c.Refunded || c.Refunded > c.Captured || c.Captured > c.Amount {
			bad = append(bad, fmt.Errorf("charge %s of %d: %d captured, %d refunded by %d", ref, c.Amount, c.Captured, c.Refunded, back[ref]))
		}
	}
	return errors.Join(bad...)
}

package fakestripe

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Customer is a customer.
type Customer struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Email    string            `json:"email,omitempty"`
	Name     string            `json:"name,omitempty"`
	Created  int64             `json:"created"`
	Livemode bool              `json:"livemode"`
	Metadata map[string]string `json:"metadata"`
}

// Card is a payment_method.
type Card struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Type     string            `json:"type"`
	Card     CardFace          `json:"card"`
	Created  int64             `json:"created"`
	Customer string            `json:"customer,omitempty"`
	Livemode bool              `json:"livemode"`
	Metadata map[string]string `json:"metadata"`

	decline, declineCode string
	challenge            bool
}

// CardFace is what a card shows of itself.
type CardFace struct {
	Brand    string `json:"brand"`
	Last4    string `json:"last4"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	Funding  string `json:"funding"`
	Country  string `json:"country"`
}

// Setup is a setup_intent.
type Setup struct {
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	ClientSecret  string            `json:"client_secret"`
	Customer      string            `json:"customer,omitempty"`
	PaymentMethod string            `json:"payment_method,omitempty"`
	Status        string            `json:"status"`
	Usage         string            `json:"usage"`
	Livemode      bool              `json:"livemode"`
	Metadata      map[string]string `json:"metadata"`
}

// testCard is how one of Stripe's test cards behaves.
type testCard struct {
	brand, last4         string
	declineCode, decline string // code and decline_code
	challenge            bool
}

// testCards are those that Stripe names pm_card_…; each use of such a name makes a new payment method.
var testCards = map[string]testCard{
	"pm_card_visa":                                 {brand: "visa", last4: "4242"},
	"pm_card_mastercard":                           {brand: "mastercard", last4: "4444"},
	"pm_card_chargeDeclined":                       {brand: "visa", last4: "0002", declineCode: "card_declined", decline: "generic_decline"},
	"pm_card_visa_chargeDeclinedInsufficientFunds": {brand: "visa", last4: "9995", declineCode: "card_declined", decline: "insufficient_funds"},
	"pm_card_visa_chargeDeclinedLostCard":          {brand: "visa", last4: "9987", declineCode: "card_declined", decline: "lost_card"},
	"pm_card_chargeDeclinedExpiredCard":            {brand: "visa", last4: "0069", declineCode: "expired_card", decline: "expired_card"},
	"pm_card_authenticationRequired":               {brand: "visa", last4: "3184", challenge: true},
	"pm_card_threeDSecure2Required":                {brand: "visa", last4: "3220", challenge: true},
	"pm_card_authenticationRequiredOnSetup":        {brand: "visa", last4: "3155", challenge: true},
	"pm_card_chargeDeclinedAuthenticationRequired": {brand: "visa", last4: "3178", declineCode: "authentication_required", decline: "authentication_required"},
	"pm_card_visa_chargeDeclinedProcessingError":   {brand: "visa", last4: "0119", declineCode: "processing_error", decline: "processing_error"},
	"pm_card_chargeDeclinedIncorrectCvc":           {brand: "visa", last4: "0127", declineCode: "incorrect_cvc", decline: "incorrect_cvc"},
}

// numbers are the numbers of Stripe's test cards that can be typed on the stand-in for its form.
var numbers = map[string]string{
	"4242424242424242": "pm_card_visa", "4000000000000002": "pm_card_chargeDeclined",
	"4000000000009995": "pm_card_visa_chargeDeclinedInsufficientFunds", "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
	"4000002760003184": "pm_card_authenticationRequired", "5555555555554444": "pm_card_mastercard",
}

// card returns a payment method by its id, or a new one by the name of a test card.
func (s *Server) card(ref string) (*Card, *failure) {
	if c := s.cards[ref]; c != nil {
		return c, nil
	}
	t, ok := testCards[ref]
	if !ok {
		bad := missing("PaymentMethod", ref)
		bad.status, bad.Param = http.StatusBadRequest, "payment_method"
		return nil, bad
	}
	c := &Card{
		ID: s.id("pm"), Object: "payment_method", Type: "card", Created: s.now().Unix(), Livemode: s.Live, Metadata: map[string]string{},
		Card:    CardFace{Brand: t.brand, Last4: t.last4, ExpMonth: 12, ExpYear: s.now().Year() + 2, Funding: "credit", Country: "DE"},
		decline: t.decline, declineCode: t.declineCode, challenge: t.challenge,
	}
	s.cards[c.ID] = c
	return c, nil
}

func compare(a, b string) int {
	_, x, _ := strings.Cut(a, "_fake")
	_, y, _ := strings.Cut(b, "_fake")
	return cmp.Compare(x, y)
}

// of returns the cards of a customer, the newest first.
func (s *Server) of(customer string) []Card {
	out := []Card{}
	for _, c := range s.cards {
		if c.Customer == customer && customer != "" {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b Card) int { return compare(b.ID, a.ID) })
	return out
}

func (s *Server) peopleRoute(method, kind, ref, verb string, f url.Values) (any, *failure) {
	switch {
	case kind == "customers" && ref == "" && method == http.MethodPost:
		c := &Customer{ID: s.id("cus"), Object: "customer", Email: f.Get("email"), Name: f.Get("name"), Created: s.now().Unix(), Livemode: s.Live, Metadata: metadata(f)}
		s.people[c.ID] = c
		return c, nil
	case kind == "customers":
		return s.customer(method, ref, verb)
	case kind == "setup_intents" && ref == "" && method == http.MethodPost:
		si := &Setup{ID: s.id("seti"), Object: "setup_intent", Customer: f.Get("customer"), Status: "requires_payment_method", Usage: "off_session", Livemode: s.Live, Metadata: metadata(f)}
		si.ClientSecret = si.ID + "_secret_x"
		s.setups[si.ID] = si
		return si, nil
	case kind == "setup_intents":
		return s.setup(ref, verb, f)
	case ref == "" && method == http.MethodGet:
		return list("/v1/payment_methods", s.of(f.Get("customer"))), nil
	case ref == "":
		return nil, invalid("parameter_missing", "type", "Missing required param: type.")
	}
	c, bad := s.card(ref)
	if bad != nil {
		return nil, missing("PaymentMethod", ref)
	}
	switch verb {
	case "attach":
		if s.people[f.Get("customer")] == nil {
			return nil, missing("customer", f.Get("customer"))
		}
		if c.Customer != "" && c.Customer != f.Get("customer") {
			return nil, invalid("", "", "The payment method you provided has already been attached to a customer.")
		}
		c.Customer = f.Get("customer")
	case "detach":
		if c.Customer == "" {
			return nil, invalid("", "", "The payment method you provided is not attached to a customer so detachment is impossible.")
		}
		c.Customer = ""
	}
	return c, nil
}

func (s *Server) customer(method, ref, verb string) (any, *failure) {
	c := s.people[ref]
	switch {
	case c == nil:
		return nil, missing("customer", ref)
	case verb == "payment_methods":
		return list("/v1/customers/"+ref+"/payment_methods", s.of(ref)), nil
	case method == http.MethodDelete:
		delete(s.people, ref)
		for _, card := range s.cards {
			if card.Customer == ref {
				card.Customer = ""
			}
		}
		return map[string]any{"id": ref, "object": "customer", "deleted": true}, nil
	}
	return c, nil
}

func (s *Server) setup(ref, verb string, f url.Values) (any, *failure) {
	si := s.setups[ref]
	if si == nil {
		return nil, missing("setupintent", ref)
	}
	if verb == "confirm" {
		c, bad := s.card(f.Get("payment_method"))
		if bad != nil {
			return nil, bad
		}
		si.PaymentMethod, si.Status, c.Customer = c.ID, "succeeded", si.Customer
	}
	return si, nil
}

// Customers returns how many customers there are.
func (s *Server) Customers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.people)
}

// CardsOf returns a customer's cards, the newest first.
func (s *Server) CardsOf(customer string) []Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(customer)
}

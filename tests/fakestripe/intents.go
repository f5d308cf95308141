package fakestripe

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Intent is a payment_intent.
type Intent struct {
	ID             string            `json:"id"`
	Object         string            `json:"object"`
	Amount         int64             `json:"amount"`
	Capturable     int64             `json:"amount_capturable"`
	Received       int64             `json:"amount_received"`
	ApplicationFee int64             `json:"application_fee_amount,omitempty"`
	CanceledAt     int64             `json:"canceled_at,omitempty"`
	CancelReason   string            `json:"cancellation_reason,omitempty"`
	CaptureMethod  string            `json:"capture_method"`
	ClientSecret   string            `json:"client_secret"`
	Created        int64             `json:"created"`
	Currency       string            `json:"currency"`
	Customer       string            `json:"customer,omitempty"`
	LastError      *failure          `json:"last_payment_error"`
	LatestCharge   any               `json:"latest_charge"` // an id, or the charge where it was asked for
	Livemode       bool              `json:"livemode"`
	Metadata       map[string]string `json:"metadata"`
	NextAction     *Action           `json:"next_action"`
	PaymentMethod  string            `json:"payment_method,omitempty"`
	MethodTypes    []string          `json:"payment_method_types"`
	ReceiptEmail   string            `json:"receipt_email,omitempty"`
	FutureUsage    string            `json:"setup_future_usage,omitempty"`
	Status         string            `json:"status"`
	TransferData   *Destination      `json:"transfer_data,omitempty"`

	charge    string
	returnURL string
}

// Action is what a customer has to do still.
type Action struct {
	Type     string   `json:"type"` // redirect_to_url
	Redirect Redirect `json:"redirect_to_url"`
}

// Redirect is where they do it.
type Redirect struct {
	URL       string `json:"url"`
	ReturnURL string `json:"return_url"`
}

// Destination is the connected account that gets the money.
type Destination struct {
	Account string `json:"destination"`
}

// Charge is a charge.
type Charge struct {
	ID             string            `json:"id"`
	Object         string            `json:"object"`
	Amount         int64             `json:"amount"`
	Captured       int64             `json:"amount_captured"`
	Refunded       int64             `json:"amount_refunded"`
	ApplicationFee int64             `json:"application_fee_amount,omitempty"`
	Balance        any               `json:"balance_transaction"` // an id, or the transaction where it was asked for
	IsCaptured     bool              `json:"captured"`
	Created        int64             `json:"created"`
	Currency       string            `json:"currency"`
	Customer       string            `json:"customer,omitempty"`
	Disputed       bool              `json:"disputed"`
	Livemode       bool              `json:"livemode"`
	Metadata       map[string]string `json:"metadata"`
	Paid           bool              `json:"paid"`
	Intent         string            `json:"payment_intent"`
	PaymentMethod  string            `json:"payment_method"`
	AllRefunded    bool              `json:"refunded"`
	Status         string            `json:"status"`
	Transfer       string            `json:"transfer,omitempty"`
	TransferData   *Destination      `json:"transfer_data,omitempty"`

	move     string
	returned int64 // of the application fee
}

// Balance is a balance_transaction.
type Balance struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Fee      int64  `json:"fee"`
	Net      int64  `json:"net"`
	Source   string `json:"source"`
	Status   string `json:"status"`
	Type     string `json:"type"`
}

// fee is what the fake takes of a charge: 1.5 % and 25.
func fee(amount int64) int64 { return (amount*150+5000)/10000 + 25 }

func (s *Server) move(kind, source, currency string, amount, fee int64) string {
	b := &Balance{ID: s.id("txn"), Object: "balance_transaction", Amount: amount, Currency: currency, Fee: fee, Net: amount - fee, Source: source, Status: "available", Type: kind}
	s.moves[b.ID] = b
	return b.ID
}

func (s *Server) intentRoute(method, ref, verb string, f url.Values) (any, *failure) {
	if ref == "" {
		if method != http.MethodPost {
			return list("/v1/payment_intents", []Intent{}), nil
		}
		return s.shown(f, s.createIntent)
	}
	in := s.intents[ref]
	if in == nil {
		return nil, missing("payment_intent", ref)
	}
	return s.shown(f, func(f url.Values) (*Intent, *failure) {
		switch {
		case method == http.MethodGet:
			return in, nil
		case verb == "":
			return in, s.changeIntent(in, f)
		case verb == "confirm":
			return in, s.confirm(in, f)
		case verb == "capture":
			return in, s.capture(in, f)
		case verb == "cancel":
			return in, s.cancel(in, f.Get("cancellation_reason"))
		}
		return nil, missing("payment_intent action", verb)
	})
}

// shown does something and returns the intent as it is then, with what was to be expanded.
func (s *Server) shown(f url.Values, do func(url.Values) (*Intent, *failure)) (any, *failure) {
	in, bad := do(f)
	if bad != nil {
		return nil, bad
	}
	out := *in
	if in.charge != "" {
		out.LatestCharge = in.charge
		if c := s.charges[in.charge]; expands(f, "latest_charge") && c != nil {
			cc := *c
			cc.Balance = nil
			if c.move != "" {
				cc.Balance = c.move
				if expands(f, "latest_charge.balance_transaction") {
					cc.Balance = s.moves[c.move]
				}
			}
			out.LatestCharge = cc
		}
	}
	return out, nil
}

func (s *Server) createIntent(f url.Values) (*Intent, *failure) {
	amount, err := strconv.ParseInt(f.Get("amount"), 10, 64)
	if err != nil || amount < 1 {
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	}
	if f.Get("currency") == "" {
		return nil, invalid("parameter_missing", "currency", "Missing required param: currency.")
	}
	in := &Intent{
		ID: s.id("pi"), Object: "payment_intent", Amount: amount, CaptureMethod: "automatic", Created: s.now().Unix(), Currency: f.Get("currency"),
		Livemode: s.Live, Metadata: metadata(f), MethodTypes: []string{"card"}, Status: "requires_payment_method", Customer: f.Get("customer"),
		FutureUsage: f.Get("setup_future_usage"), ReceiptEmail: f.Get("receipt_email"),
	}
	in.ClientSecret = in.ID + "_secret_" + strconv.FormatUint(s.rnd.Uint64(), 36)
	if m := f.Get("capture_method"); m != "" {
		in.CaptureMethod = m
	}
	if in.Customer != "" && s.people[in.Customer] == nil {
		return nil, missing("customer", in.Customer)
	}
	if to := f.Get("transfer_data[destination]"); to != "" {
		acct := s.accounts[to]
		if acct == nil || !acct.ChargesEnabled {
			return nil, invalid("account_invalid", "transfer_data[destination]", "Your destination account needs to have at least one of the following capabilities enabled: transfers.")
		}
		in.TransferData = &Destination{to}
		in.ApplicationFee, _ = strconv.ParseInt(f.Get("application_fee_amount"), 10, 64)
		if in.ApplicationFee > amount {
			return nil, invalid("", "application_fee_amount", "The application fee cannot exceed the amount.")
		}
	} else if f.Get("application_fee_amount") != "" {
		return nil, invalid("", "application_fee_amount", "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment or destination payment.")
	}
	s.intents[in.ID] = in
	s.tell("payment_intent.created", in)
	if f.Get("confirm") == "true" {
		return in, s.confirm(in, f)
	}
	return in, nil
}

func (s *Server) changeIntent(in *Intent, f url.Values) *failure {
	if !slices.Contains([]string{"requires_payment_method", "requires_confirmation", "requires_action"}, in.Status) {
		return s.unexpected(in, "updated")
	}
	if f.Has("setup_future_usage") {
		in.FutureUsage = f.Get("setup_future_usage")
	}
	return nil
}

// unexpected is what Stripe says where an intent's status allows no such thing.
func (s *Server) unexpected(in *Intent, what string) *failure {
	bad := invalid("payment_intent_unexpected_state", "", "This PaymentIntent could not be %s because it has a status of %s.", what, in.Status)
	show := *in
	bad.Intent = &show
	return bad
}

func (s *Server) confirm(in *Intent, f url.Values) *failure {
	if in.Status != "requires_payment_method" && in.Status != "requires_confirmation" && in.Status != "requires_action" {
		return s.unexpected(in, "confirmed")
	}
	if u := f.Get("return_url"); u != "" {
		in.returnURL = u
	}
	if u := f.Get("setup_future_usage"); u != "" {
		in.FutureUsage = u
	}
	method := f.Get("payment_method")
	if method == "" {
		method = in.PaymentMethod
	}
	if method == "" {
		return invalid("parameter_missing", "payment_method", "You cannot confirm this PaymentIntent because it's missing a payment method.")
	}
	card, bad := s.card(method)
	if bad != nil {
		return bad
	}
	if card.Customer != "" && card.Customer != in.Customer {
		return invalid("", "payment_method", "The payment method %s belongs to a different customer.", method)
	}
	in.PaymentMethod, in.LastError, in.NextAction = card.ID, nil, nil
	switch {
	case card.decline != "":
		return s.declineIntent(in, card.declineCode, card.decline)
	case card.challenge:
		in.Status = "requires_action"
		in.NextAction = &Action{Type: "redirect_to_url", Redirect: Redirect{URL: s.URL + "/3ds/" + in.ID, ReturnURL: in.returnURL}}
		s.tell("payment_intent.requires_action", in)
		return nil
	}
	s.authorise(in)
	return nil
}

// declineIntent notes that the bank said no.
func (s *Server) declineIntent(in *Intent, code, why string) *failure {
	bad := &failure{status: http.StatusPaymentRequired, Type: "card_error", Code: code, Why: why, Msg: "Your card was declined."}
	in.Status, in.PaymentMethod, in.NextAction = "requires_payment_method", "", nil
	last := *bad
	in.LastError = &last
	s.tell("payment_intent.payment_failed", in)
	show := *in
	bad.Intent = &show
	return bad
}

// authorise holds the money, and takes it at once where that was agreed.
func (s *Server) authorise(in *Intent) {
	card := s.cards[in.PaymentMethod]
	c := &Charge{
		ID: s.id("ch"), Object: "charge", Amount: in.Amount, ApplicationFee: in.ApplicationFee, Created: s.now().Unix(), Currency: in.Currency, Customer: in.Customer,
		Livemode: s.Live, Metadata: in.Metadata, Paid: true, Intent: in.ID, PaymentMethod: in.PaymentMethod, Status: "succeeded", TransferData: in.TransferData,
	}
	s.charges[c.ID] = c
	in.charge, in.LatestCharge, in.NextAction, in.LastError = c.ID, c.ID, nil, nil
	if in.FutureUsage != "" && in.Customer != "" && card.Customer == "" {
		card.Customer = in.Customer
		s.tell("payment_method.attached", card)
	}
	in.Status, in.Capturable = "requires_capture", in.Amount
	if in.CaptureMethod == "manual" {
		s.tell("payment_intent.amount_capturable_updated", in)
		return
	}
	s.take(in, in.Amount)
}

func (s *Server) capture(in *Intent, f url.Values) *failure {
	if in.Status != "requires_capture" {
		return s.unexpected(in, "captured")
	}
	amount := in.Amount
	if v := f.Get("amount_to_capture"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 || n > in.Amount {
			return invalid("amount_too_large", "amount_to_capture", "The amount to capture must not be more than was authorised.")
		}
		amount = n
	}
	s.take(in, amount)
	return nil
}

func (s *Server) take(in *Intent, amount int64) {
	c := s.charges[in.charge]
	c.Captured, c.IsCaptured = amount, true
	c.move = s.move("charge", c.ID, c.Currency, amount, fee(amount))
	c.Balance = c.move
	if in.TransferData != nil {
		c.Transfer = s.id("tr")
		s.move("transfer", c.Transfer, c.Currency, in.ApplicationFee-amount, 0)
	}
	in.Status, in.Received, in.Capturable = "succeeded", amount, 0
	s.captures[in.ID]++
	s.tell("payment_intent.succeeded", in)
	s.tell("charge.captured", c)
}

func (s *Server) cancel(in *Intent, why string) *failure {
	if in.Status == "succeeded" || in.Status == "canceled" {
		return s.unexpected(in, "canceled")
	}
	in.Status, in.Capturable, in.CanceledAt, in.CancelReason, in.NextAction = "canceled", 0, s.now().Unix(), why, nil
	s.tell("payment_intent.canceled", in)
	return nil
}

// Intent returns an intent as it is, and whether there is one.
func (s *Server) Intent(ref string) (Intent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intents[ref]
	if in == nil {
		return Intent{}, false
	}
	return *in, true
}

// Intents returns every intent, the oldest first.
func (s *Server) Intents() []Intent {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Intent, 0, len(s.intents))
	for _, in := range s.intents {
		out = append(out, *in)
	}
	slices.SortFunc(out, func(a, b Intent) int { return compare(a.ID, b.ID) })
	return out
}

// Captures returns how often an intent's money was taken.
func (s *Server) Captures(ref string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.captures[ref]
}

// Authenticate is the customer's answer to their bank: whether it is they who pay.
func (s *Server) Authenticate(ref string, yes bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intents[ref]
	if in == nil || in.Status != "requires_action" {
		return false
	}
	if yes {
		s.authorise(in)
	} else {
		s.declineIntent(in, "payment_intent_authentication_failure", "")
	}
	return true
}

// Expire lets a hold run out, as Stripe does after a week.
func (s *Server) Expire(ref string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in := s.intents[ref]; in != nil {
		s.cancel(in, "automatic")
	}
}

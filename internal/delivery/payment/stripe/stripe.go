// Package stripe charges cards through Stripe: it is a payment.Provider, keeps customers' cards and restaurants' own accounts there, and
// takes webhooks.
//
// What is asked is written down first (stripe_charge), so that a question asked again under its key is the same question. Webhooks are hints:
// what they say is compared with ours, and then Stripe's API is asked; what does not agree is an incident and changes nothing. Without a
// secret key the package does nothing: its pages say so. It follows Stripe's API of version 2026-03-25.dahlia (docs.stripe.com/api).
package stripe

import (
	"context"
	"embed"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Schema holds what is kept of customers, accounts, charges and events at Stripe.
//
//go:embed schema/*.sql
var Schema embed.FS

// Name is what the provider is called in the books.
const Name = "stripe"

// NewCard is the token of a card that its holder types on the pay page, after the order is placed.
const NewCard = "new"

// Payments are told what Stripe says. delivery/payment keeps them.
type Payments interface {
	// Hint has Stripe asked about a charge at once.
	Hint(ctx context.Context, provider, ref string) error
	// Report notes what does not agree.
	Report(ctx context.Context, tx *db.Tx, i payment.Incident) error
}

// Books keep the accounts. delivery/ledger does.
type Books interface {
	Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error
}

// Orders are what is paid for.
type Orders interface {
	// Due returns what the acting customer has to pay for an order, by its code or id, or for a share, by its id; or a NotFound error for
	// another's.
	Due(ctx context.Context, code string) (Due, error)
	// Confirm has it looked at how the payment of an order stands, now that its customer says that they have done their part.
	Confirm(ctx context.Context, order id.ID) error
	// Code returns what people call an order, "" where it is known no more or is a share in one.
	Code(ctx context.Context, order id.ID) (string, error)
}

// Due is what is to be paid for an order, or for a share in a group order.
type Due struct {
	Order    id.ID
	Code     string // of the address of the pay page
	Share    bool   // it is a share
	Back     string // the page to go back to
	Amount   money.Amount
	Currency string
	Waits    bool // the order waits for its payment still
	Payment  delivery.Payment
}

// Shops know the restaurants.
type Shops interface {
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error)
}

// Options are the account at Stripe.
type Options struct {
	SecretKey      string // empty: cards are not charged through Stripe
	PublishableKey string
	WebhookSecrets []string
	URL            string // of the API; empty: Stripe's own
	Script         string // of the pay page; empty: Stripe's own
	Connect        bool
	Country        string // of restaurants' accounts, two letters
	Live           bool   // the keys move real money
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB    *db.DB
	Now   clock.Func // the town's clock
	Wall  clock.Func // the real one, by which signatures grow old
	Jobs  *jobs.Queue
	Shops Shops
	// Address returns the address that people reach the server at, without a slash at its end.
	Address func() string
	// Share returns what of an order's amount stays with the town, where the rest goes to its restaurant's own account.
	Share func(ctx context.Context, order id.ID) (money.Amount, error)
	// Fresh returns an error with the code "reauthenticate" where the acting person has not proven lately who they are.
	Fresh func(ctx context.Context) error
}

// Links are the parts that are built after this one.
type Links struct {
	Payments Payments
	Books    Books
	Orders   Orders
}

// Service speaks with Stripe. Safe for concurrent use.
type Service struct {
	Deps
	Links
	opt    Options
	client *api.Client // nil: no key is set
}

// callTimeout is how long one request to Stripe may take, and retries how often one that got no answer is sent again under its key. Both
// together stay below what a customer waits for.
const (
	callTimeout = 7 * time.Second
	retries     = 1
)

// New returns a Service. Link must be called before it is used.
func New(d Deps, o Options) *Service {
	s := &Service{Deps: d, opt: o}
	if s.Wall == nil {
		s.Wall = time.Now
	}
	if s.opt.Script == "" {
		s.opt.Script = "https://js.stripe.com/v3/"
	}
	if o.SecretKey == "" {
		return s
	}
	cfg := &api.BackendConfig{
		HTTPClient: &http.Client{
			Timeout: callTimeout,
			// Stripe's API does not send anybody elsewhere, and the key must not follow.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			// No proxy of the environment: what passes here is money.
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
				TLSHandshakeTimeout: 3 * time.Second, ResponseHeaderTimeout: callTimeout, MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			},
		},
		LeveledLogger: &api.LeveledLogger{Level: api.LevelNull}, MaxNetworkRetries: api.Int64(retries), EnableTelemetry: api.Bool(false),
	}
	if o.URL != "" {
		cfg.URL = api.String(o.URL)
	}
	s.client = api.NewClient(o.SecretKey, api.WithBackends(api.NewBackendsWithConfig(cfg)))
	return s
}

// Link gives a Service the parts that are built after it.
func (s *Service) Link(l Links) { s.Links = l }

// On reports whether cards are charged through Stripe.
func (s *Service) On() bool { return s.client != nil }

// off is the answer where they are not.
func off() error {
	return errs.New(errs.NotFound, "This town takes no cards through Stripe.").WithCode("stripe_off")
}

// failure is an error of Stripe's without what nobody should read: client secrets, parts of keys.
type failure struct {
	what   string
	status int
	kind   string
	code   string
	why    string // why the bank declined
	param  string // what of the question was wrong
	ref    string // of the intent that it is about
	msg    string
	cause  error // of the network; nil where Stripe answered
}

func (f *failure) Error() string {
	if f.cause != nil {
		return "stripe: " + f.what + ": " + f.cause.Error()
	}
	return "stripe: " + f.what + ": " + strings.TrimSpace(f.kind+" "+f.code+" "+f.why)
}

func (f *failure) Unwrap() error { return f.cause }

// failed returns what is known of an error of the client, nil for nil.
func failed(what string, err error) *failure {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		return &failure{what: what, cause: err}
	}
	f := &failure{what: what, status: e.HTTPStatusCode, kind: string(e.Type), code: string(e.Code), why: string(e.DeclineCode), param: e.Param, msg: e.Msg}
	if e.PaymentIntent != nil {
		f.ref = e.PaymentIntent.ID
	}
	if f.status == http.StatusUnauthorized || f.status == http.StatusForbidden {
		f.msg = "" // it repeats parts of the key
	}
	return f
}

// definite reports whether Stripe has said no and will say so again: not that it was busy, broken, or asked with a key that is not (yet)
// right, which an operator can mend.
func (f *failure) definite() bool {
	switch {
	case f.cause != nil, f.status >= 500, f.status == http.StatusTooManyRequests, f.status == http.StatusConflict,
		f.status == http.StatusUnauthorized, f.status == http.StatusForbidden, f.kind == "idempotency_error", f.code == "lock_timeout":
		return false
	}
	return f.status >= 400
}

// refusal is a definite no as payments know it.
func (f *failure) refusal(code string) *payment.Refusal {
	if f.code != "" && code == "" {
		code = f.code
	}
	if code == "" {
		code = "refused"
	}
	return &payment.Refusal{Code: code, Detail: f.msg}
}

package order

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// View is an order as one person may see it. Times are UTC; restaurant.time_zone says how to show them.
type View struct {
	ID         id.ID          `json:"id"`
	Code       string         `json:"code" doc:"What people call it: K7Q-2PM."`
	State      delivery.State `json:"state"`
	Mode       delivery.Mode  `json:"mode"`
	Restaurant Seller         `json:"restaurant"`

	Lines     []delivery.QuoteLine  `json:"lines"`
	Taxes     []delivery.TaxLine    `json:"taxes"`
	Subtotal  money.Amount          `json:"subtotal"`
	Fee       money.Amount          `json:"fee"`
	Tip       money.Amount          `json:"tip"`
	Discounts []delivery.Discount   `json:"discounts"`
	Total     money.Amount          `json:"total"`
	Credit    money.Amount          `json:"credit" doc:"Of the total, paid from the customer's credit."`
	Pot       money.Amount          `json:"pot,omitempty" doc:"Of that credit, what others have paid in for a group order."`
	Currency  string                `json:"currency"`
	Method    delivery.Method       `json:"method"`
	Due       money.Amount          `json:"due" doc:"To be paid at the door or the counter; 0 once it is."`
	Payment   delivery.PaymentState `json:"payment,omitempty" doc:"Only in replies about one order."`
	Action    *delivery.CardAction  `json:"action,omitempty" doc:"What the customer's bank wants of them before the card can be charged; shown to the customer only."`
	Awaiting  bool                  `json:"awaiting_payment" doc:"The card's answer is not known yet; the restaurant does not see the order."`

	Note  string            `json:"note,omitempty"`
	To    *delivery.Address `json:"to,omitempty"`
	Name  string            `json:"customer_name,omitempty"`
	Phone string            `json:"customer_phone,omitempty" doc:"For restaurant and courier only while the order is open."`

	PlacedAt     time.Time `json:"placed_at"`
	ConfirmBy    time.Time `json:"confirm_by" doc:"The order is refused when nobody has confirmed it until then."`
	ReadyAt      time.Time `json:"ready_at"`
	From         time.Time `json:"from" doc:"The promise: at the door, or to be collected, between from and to."`
	Until        time.Time `json:"until"`
	ASAP         bool      `json:"asap"`
	MovedAt      time.Time `json:"moved_at" doc:"When it came into this state."`
	RestoreUntil time.Time `json:"restore_until,omitzero" doc:"Until when a cancelled order can be restored."`

	Courier     id.ID     `json:"courier,omitzero"`
	CourierName string    `json:"courier_name,omitempty" doc:"Only in replies about one order."`
	HeadingAt   time.Time `json:"heading_at,omitzero" doc:"Since when the courier heads to this customer."`
	ArrivedAt   time.Time `json:"arrived_at,omitzero"`
	ETA         time.Time `json:"eta,omitzero"`

	Reason     string `json:"reason,omitempty" doc:"Why it was cancelled."`
	ReasonText string `json:"reason_text,omitempty"`
	ReasonNote string `json:"reason_note,omitempty"`
	Liable     Party  `json:"liable,omitempty" doc:"Who bears the cost; only for restaurant and town."`
	Flagged    bool   `json:"flagged,omitempty" doc:"Handed over without the customer's code."`
	Proof      string `json:"proof,omitempty" doc:"URL path of the photo that shows how it was handed over."`

	PickupCode   string `json:"pickup_code,omitempty" doc:"Four digits that the customer tells at the counter."`
	HandoverCode string `json:"handover_code,omitempty" doc:"Four digits that the customer tells the courier."`
	Token        string `json:"token,omitempty" doc:"Of the tracking link /t/{token}, to be shared with whom one likes."`

	Can     []Verb `json:"can" doc:"What the viewer may do now."`
	History []Step `json:"history,omitempty" doc:"Only in replies about one order."`
}

// Items returns how many dishes were bought.
func (v *View) Items() int { return (&Snapshot{Lines: v.Lines}).Items() }

// view returns what who may see of an order.
func (s *Service) view(ctx context.Context, r *row, b *Snapshot, who Who) *View {
	v := &View{
		ID: r.id, Code: ShowCode(r.code), State: r.state, Mode: r.mode, Restaurant: b.Seller, Lines: b.Lines, Taxes: b.Taxes,
		Subtotal: b.Subtotal, Fee: b.Fee, Tip: b.Tip, Discounts: append([]delivery.Discount{}, b.Discounts...), Total: b.Total, Credit: b.Credit, Pot: b.Pot, Currency: r.currency, Method: r.method,
		Awaiting: !r.announced && r.state == delivery.Created, PlacedAt: r.placedAt, ConfirmBy: r.confirmBy, ReadyAt: r.readyAt,
		From: r.promiseFrom, Until: r.promiseTo, ASAP: b.ASAP, MovedAt: r.movedAt, ETA: r.eta, HeadingAt: r.headingAt, ArrivedAt: r.arrivedAt,
		Reason: r.reason, ReasonText: i18n.T(ctx, Reasoned(r.reason).Text), Can: s.can(r, who),
	}
	if Open(r.state) {
		v.Due = r.due()
	}
	if who == 0 { // a tracking link
		if r.state == delivery.InDelivery && !r.headingAt.IsZero() {
			v.Courier = r.courier // whose positions the link's stream tells from now on
		}
		return v
	}
	v.Note, v.Name, v.ReasonNote, v.Courier, v.Flagged, v.Proof = b.Note, b.Name, r.note, r.courier, r.flagged, r.proof
	town := who&(Dispatcher|Admin) != 0
	if who&Customer != 0 || town || Open(r.state) {
		v.To, v.Phone = b.To, b.Phone
	} else if who&Courier != 0 {
		v.Name = ""
	}
	if town || who&Restaurant != 0 {
		v.Liable = Party(r.liable)
	}
	if town || who&Restaurant != 0 {
		v.RestoreUntil = s.restoreUntil(r)
	}
	if who&Customer != 0 {
		v.Token = r.code + r.secret
		if r.mode == delivery.Pickup {
			v.PickupCode = r.pickupCode
		} else {
			v.HandoverCode = r.handoverCode
		}
	}
	return v
}

// restoreUntil returns until when a cancelled order can be restored; zero where it can't.
func (s *Service) restoreUntil(r *row) time.Time {
	if r.state != delivery.Cancelled || !r.announced || r.reason == PaymentDeclined {
		return time.Time{}
	}
	return r.movedAt.Add(s.patience().RestoreWithin)
}

// can returns what who may do to an order now.
func (s *Service) can(r *row, who Who) []Verb {
	out := []Verb{}
	for _, v := range Allowed(r.standing(), who) {
		switch {
		case v == Restore && s.Now().After(s.restoreUntil(r)):
		case !r.announced && v != Cancel:
		case v == Fail || v == PickUp || v == HandOver: // done to tasks, not to orders
		default:
			out = append(out, v)
		}
	}
	if r.announced && CanDelay(r.state, who) {
		out = append(out, Delay)
	}
	return out
}

// views returns a list of orders as who may see them.
func (s *Service) views(ctx context.Context, rows []row, who Who) ([]*View, error) {
	out := make([]*View, len(rows))
	for i := range rows {
		b, err := rows[i].bought()
		if err != nil {
			return nil, err
		}
		out[i] = s.view(ctx, &rows[i], b, who)
	}
	return out, nil
}

// whole returns one order with its story and its payment.
func (s *Service) whole(ctx context.Context, tx *db.Tx, r *row, who Who) (*View, error) {
	b, err := r.bought()
	if err != nil {
		return nil, err
	}
	v := s.view(ctx, r, b, who)
	if v.History, err = steps(ctx, tx, r.id); err != nil {
		return nil, err
	}
	if who == 0 {
		for i := range v.History {
			v.History[i].Note = ""
		}
	}
	p, err := s.Payments.Of(ctx, tx, r.id)
	switch {
	case err == nil:
		v.Payment = p.State
		if p.State == delivery.PaymentAction && who&Customer != 0 && v.Awaiting {
			v.Action = &p.Action
		}
	case !errs.Is(err, errs.NotFound):
		return nil, err
	}
	return v, nil
}

// named returns a view with its courier's name. Not to be called in a transaction: names may take a read of their own.
func (s *Service) named(ctx context.Context, v *View, courier id.ID) (*View, error) {
	if courier == 0 {
		return v, nil
	}
	name, err := s.People.Name(ctx, courier)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	v.CourierName = name
	return v, nil
}

// brief returns an order as those need it who carry it.
func brief(r *row) (delivery.Brief, error) {
	b, err := r.bought()
	if err != nil {
		return delivery.Brief{}, err
	}
	return delivery.Brief{
		ID: r.id, Code: ShowCode(r.code), Restaurant: r.restaurant, Customer: r.account, Courier: r.courier, Mode: r.mode, State: r.state,
		To: b.To, CustomerName: b.Name, Items: b.Items(), Summary: b.Summary(), Note: b.Note, Method: r.method, Due: r.due(), Tip: b.Tip,
		Currency: r.currency, PlacedAt: r.placedAt, ReadyAt: r.readyAt, PromiseFrom: r.promiseFrom, PromiseTo: r.promiseTo,
		HandoverCode: r.handoverCode,
	}, nil
}

// secretLength is how many characters of base64url a tracking token has behind the order's code: 132 bits.
const secretLength = 22

// splitToken takes a tracking token apart. It begins with the order's code, which has an index already, so that the secret needs none.
func splitToken(token string) (code, secret string, ok bool) {
	if len(token) != codeLength+secretLength || strings.Trim(token[:codeLength], "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return "", "", false
	}
	return token[:codeLength], token[codeLength:], true
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

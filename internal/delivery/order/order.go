// Package order is an order from the moment it is placed until it is concluded: what was bought, at which price, where it stands, and who
// may move it where.
//
// The machine is data (the table below) and pure functions over it. Service carries it out: every move is one transaction with a
// conditional update, its event and its jobs. What was bought is a snapshot that no move changes.
package order

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Verb is what somebody does to an order.
type Verb string

// The verbs that move an order from state to state.
const (
	Confirm  Verb = "confirm"
	Refuse   Verb = "refuse"
	Prepare  Verb = "prepare"
	Finish   Verb = "ready"
	PickUp   Verb = "pickup"  // the courier takes it from the counter
	HandOver Verb = "deliver" // the courier gives it to the customer
	Collect  Verb = "collect" // the customer collects it at the counter
	Cancel   Verb = "cancel"
	Fail     Verb = "fail" // the courier could not hand it over
	Restore  Verb = "restore"
	Conclude Verb = "conclude"
)

// Delay moves an order's times and not its state: see CanDelay.
const Delay Verb = "delay"

// Verbs are all verbs.
var Verbs = []Verb{Confirm, Refuse, Prepare, Finish, PickUp, HandOver, Collect, Cancel, Fail, Restore, Conclude}

// Who is a set of parts that people play towards one order.
type Who uint8

// The parts.
const (
	Customer Who = 1 << iota
	Restaurant
	Courier
	Dispatcher
	Admin
	System
)

// rule lets some people take an order from one state to another.
type rule struct {
	verb     Verb
	from, to delivery.State
	who      Who
	mode     delivery.Mode // empty: both
}

// machine is Open Delivery's, with who may do what. A restaurant never delivers what a courier carries, a courier never says that food is
// ready, and a customer can't cancel any more once it is being cooked.
var machine = []rule{
	{Confirm, delivery.Created, delivery.Confirmed, Restaurant | Admin | System, ""},
	{Refuse, delivery.Created, delivery.Cancelled, Restaurant | Admin | System, ""},
	{Prepare, delivery.Confirmed, delivery.Preparing, Restaurant | Admin, ""},
	{Finish, delivery.Confirmed, delivery.Ready, Restaurant | Admin, ""},
	{Finish, delivery.Preparing, delivery.Ready, Restaurant | Admin, ""},
	{PickUp, delivery.Ready, delivery.InDelivery, Courier | Dispatcher, delivery.ByCourier},
	{HandOver, delivery.InDelivery, delivery.Delivered, Courier | Dispatcher, delivery.ByCourier},
	{Collect, delivery.Ready, delivery.Delivered, Restaurant, delivery.Pickup},
	{Cancel, delivery.Created, delivery.Cancelled, Customer | Restaurant | Dispatcher | Admin | System, ""},
	{Cancel, delivery.Confirmed, delivery.Cancelled, Customer | Restaurant | Dispatcher | Admin | System, ""},
	{Cancel, delivery.Preparing, delivery.Cancelled, Restaurant | Dispatcher | Admin, ""},
	{Cancel, delivery.Ready, delivery.Cancelled, Restaurant | Dispatcher | Admin, ""},
	{Cancel, delivery.InDelivery, delivery.Cancelled, Dispatcher | Admin, delivery.ByCourier},
	{Fail, delivery.InDelivery, delivery.Cancelled, Courier | Dispatcher, delivery.ByCourier},
	{Restore, delivery.Cancelled, delivery.Created, Restaurant | Dispatcher | Admin, ""},
	{Restore, delivery.Cancelled, delivery.Confirmed, Restaurant | Dispatcher | Admin, ""},
	{Restore, delivery.Cancelled, delivery.Preparing, Restaurant | Dispatcher | Admin, ""},
	{Restore, delivery.Cancelled, delivery.Ready, Restaurant | Dispatcher | Admin, ""},
	{Restore, delivery.Cancelled, delivery.InDelivery, Restaurant | Dispatcher | Admin, delivery.ByCourier},
	{Conclude, delivery.Delivered, delivery.Concluded, System, ""},
}

// Standing is all of an order that the machine looks at.
type Standing struct {
	State  delivery.State
	Before delivery.State // the state before it was cancelled; empty: never was
	Mode   delivery.Mode
}

// Move returns the state to which who takes an order by verb. It returns a Forbidden error where the verb is possible but not for who, and
// else a Conflict error (code "wrong_state") that says how the order stands.
func Move(s Standing, verb Verb, who Who) (delivery.State, error) {
	possible := false
	for _, r := range machine {
		if r.verb != verb || r.from != s.State || r.mode != "" && r.mode != s.Mode || verb == Restore && r.to != s.Before {
			continue
		}
		if r.who&who != 0 {
			return r.to, nil
		}
		possible = true
	}
	if possible {
		return "", errs.New(errs.Forbidden, "You may not do that while the order is %s.", Phrase(s.State))
	}
	return "", errs.New(errs.Conflict, "That can't be done: the order is %s.", Phrase(s.State)).WithCode("wrong_state")
}

// CanMove reports whether who may do verb now.
func CanMove(s Standing, verb Verb, who Who) bool {
	_, err := Move(s, verb, who)
	return err == nil
}

// Allowed returns the verbs that who may do now, in the order of Verbs; empty and not nil where there are none.
func Allowed(s Standing, who Who) []Verb {
	out := []Verb{}
	for _, v := range Verbs {
		if CanMove(s, v, who) {
			out = append(out, v)
		}
	}
	return out
}

// Applied reports whether an order stands where verb would take it, so that a command that comes twice is no mistake.
func Applied(s Standing, verb Verb) bool {
	switch verb {
	case Restore:
		return s.Before != "" && s.State == s.Before
	case HandOver, Collect:
		if s.State == delivery.Concluded {
			return true // a courier's phone may have been without a net for hours
		}
	}
	return slices.ContainsFunc(machine, func(r rule) bool {
		return r.verb == verb && r.to == s.State && (r.mode == "" || r.mode == s.Mode)
	})
}

// CanDelay reports whether who may move the times of an order in this state: until it has left the kitchen.
func CanDelay(s delivery.State, who Who) bool {
	return Open(s) && s != delivery.InDelivery && who&(Restaurant|Dispatcher|Admin) != 0
}

// Open reports whether somebody still has to do something for an order in this state.
func Open(s delivery.State) bool {
	switch s {
	case delivery.Created, delivery.Confirmed, delivery.Preparing, delivery.Ready, delivery.InDelivery:
		return true
	}
	return false
}

// cooked reports whether the kitchen has begun: what it took from stock is then gone, whatever becomes of the order.
func cooked(s delivery.State) bool {
	return s == delivery.Preparing || s == delivery.Ready || s == delivery.InDelivery
}

// Phrase returns a state in words, in English, to stand after "the order is".
func Phrase(s delivery.State) string {
	switch s {
	case delivery.Created:
		return i18n.Key("waiting for the restaurant")
	case delivery.Confirmed:
		return i18n.Key("confirmed")
	case delivery.Preparing:
		return i18n.Key("being prepared")
	case delivery.Ready:
		return i18n.Key("ready")
	case delivery.InDelivery:
		return i18n.Key("on its way")
	case delivery.Delivered:
		return i18n.Key("delivered")
	case delivery.Concluded:
		return i18n.Key("concluded")
	case delivery.Cancelled:
		return i18n.Key("cancelled")
	}
	return i18n.Key("in an unknown state")
}

// Party is who bears the cost of an order that came to nothing.
type Party = delivery.Party

// The parties. LiableActor stands for whoever did it.
const (
	LiableRestaurant = delivery.PartyRestaurant
	LiablePlatform   = delivery.PartyPlatform
	LiableCustomer   = delivery.PartyCustomer
	LiableCourier    = delivery.PartyCourier
	liableActor      = Party("")
)

// Reason is why an order was refused, cancelled or could not be handed over.
type Reason struct {
	Code   string
	Text   string // for people
	Verbs  []Verb // which verbs may give it
	Who    Who    // who may give it
	Liable Party
	Keep   bool // the customer pays all the same: nobody else can be blamed and the food is cooked
}

// Reasons are all reasons, in the order in which pages offer them.
var Reasons = []Reason{
	{"SOLD_OUT", i18n.Key("Something is sold out"), []Verb{Refuse, Cancel}, Restaurant | Dispatcher | Admin, LiableRestaurant, false},
	{"RUSH_HOUR", i18n.Key("Too busy just now"), []Verb{Refuse, Cancel}, Restaurant | Dispatcher | Admin, LiableRestaurant, false},
	{"CLOSING", i18n.Key("Closing"), []Verb{Refuse, Cancel}, Restaurant | Dispatcher | Admin, LiableRestaurant, false},
	{"CUSTOMER", i18n.Key("The customer changed their mind"), []Verb{Cancel}, Customer | Restaurant | Dispatcher | Admin, LiableCustomer, false},
	{"NO_SHOW", i18n.Key("The customer did not come"), []Verb{Cancel}, Restaurant | Dispatcher | Admin, LiableCustomer, true},
	{"NO_COURIER", i18n.Key("No courier to bring it"), []Verb{Refuse, Cancel}, Restaurant | Dispatcher | Admin, LiablePlatform, false},
	{"NOT_AT_HOME", i18n.Key("Nobody opened"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiableCustomer, true},
	{"WRONG_ADDRESS", i18n.Key("The address is wrong"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiableCustomer, true},
	{"REFUSED", i18n.Key("The customer did not want it"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiableCustomer, true},
	{"ITEM_MISSING", i18n.Key("Something is missing"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiableRestaurant, false},
	{"DAMAGED", i18n.Key("It was damaged on the way"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiableCourier, false},
	{"LOST", i18n.Key("It was lost"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiableCourier, false},
	{"BREAKDOWN", i18n.Key("Breakdown or accident"), []Verb{Fail, Cancel}, Courier | Dispatcher | Admin, LiablePlatform, false},
	{"OTHER", i18n.Key("Another reason"), []Verb{Refuse, Cancel, Fail}, Restaurant | Courier | Dispatcher | Admin, liableActor, false},
	{NotConfirmed, i18n.Key("The restaurant did not answer"), []Verb{Refuse}, System, LiableRestaurant, false},
	{PaymentDeclined, i18n.Key("The card was declined"), []Verb{Cancel}, System, LiableCustomer, false},
}

// The reasons that only the house itself gives.
const (
	NotConfirmed    = "NOT_CONFIRMED"
	PaymentDeclined = "PAYMENT_DECLINED"
)

// ReasonsFor returns the reasons that who may give for verb, in the order of Reasons.
func ReasonsFor(verb Verb, who Who) []Reason {
	var out []Reason
	for _, r := range Reasons {
		if slices.Contains(r.Verbs, verb) && r.Who&who != 0 {
			out = append(out, r)
		}
	}
	return out
}

// FindReason returns the reason with this code as who gives it for verb, its liable party filled in. It returns an Invalid error on field
// "reason" where who may not give it for that. NO_SHOW is for pickup orders that are ready.
func FindReason(code string, s Standing, verb Verb, who Who) (Reason, error) {
	var codes []string
	for _, r := range ReasonsFor(verb, who) {
		if r.Code == "NO_SHOW" && (s.Mode != delivery.Pickup || s.State != delivery.Ready) {
			continue
		}
		if r.Code == code {
			if r.Liable == liableActor {
				r.Liable = partyOf(who)
			}
			return r, nil
		}
		codes = append(codes, r.Code)
	}
	return Reason{}, errs.InvalidField("reason", "Give one of these reasons: %s.", strings.Join(codes, ", "))
}

// Reasoned returns the reason with a code; the zero Reason where there is none.
func Reasoned(code string) Reason {
	for _, r := range Reasons {
		if r.Code == code {
			return r
		}
	}
	return Reason{}
}

// partyOf returns who bears what somebody did without another's fault.
func partyOf(who Who) Party {
	switch {
	case who&Restaurant != 0:
		return LiableRestaurant
	case who&Courier != 0:
		return LiableCourier
	case who&(Dispatcher|Admin|System) != 0:
		return LiablePlatform
	}
	return LiableCustomer
}

// Snapshot is what was bought, from whom, for whom and at which price, as it was when the order was placed. Nothing changes it.
type Snapshot struct {
	Seller    Seller               `json:"restaurant"`
	Lines     []delivery.QuoteLine `json:"lines"`
	Taxes     []delivery.TaxLine   `json:"taxes"`
	Subtotal  money.Amount         `json:"subtotal"`
	Fee       money.Amount         `json:"fee"`
	FeeRate   int                  `json:"fee_rate"` // tax on the fee in basis points
	Tip       money.Amount         `json:"tip"`
	Discounts []delivery.Discount  `json:"discounts,omitempty"`
	Total     money.Amount         `json:"total"`
	Credit    money.Amount         `json:"credit,omitempty"` // of the total, paid from the customer's credit
	Pot       money.Amount         `json:"pot,omitempty"`    // of that credit, what others have paid in for this order
	Group     string               `json:"group,omitempty"`  // the group order where they did
	Currency  string               `json:"currency"`
	Deal      delivery.Deal        `json:"deal"`
	To        *delivery.Address    `json:"to,omitempty"`
	Name      string               `json:"name"` // of the customer
	Phone     string               `json:"phone,omitempty"`
	Note      string               `json:"note,omitempty"`
	ASAP      bool                 `json:"asap"`
	DistM     float64              `json:"distance_m"`
}

// Seller is the restaurant as it was called and where it was when the order was placed.
type Seller struct {
	ID     id.ID     `json:"id"`
	Slug   string    `json:"slug"`
	Name   string    `json:"name"`
	Phone  string    `json:"phone,omitempty"`
	Street string    `json:"street"`
	City   string    `json:"city"`
	Point  geo.Point `json:"point"`
	Zone   string    `json:"time_zone"` // IANA name
}

// Items returns how many dishes were bought.
func (s *Snapshot) Items() int {
	n := 0
	for _, l := range s.Lines {
		n += l.Qty
	}
	return n
}

// Summary returns what was bought in one line: "2 × Dal, 1 × Naan".
func (s *Snapshot) Summary() string {
	var b strings.Builder
	for i, l := range s.Lines {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(l.Qty))
		b.WriteString(" × ")
		b.WriteString(l.Name)
	}
	return b.String()
}

// portions returns what the order takes from stock.
func (s *Snapshot) portions() []delivery.Portion {
	out := make([]delivery.Portion, len(s.Lines))
	for i, l := range s.Lines {
		out[i] = delivery.Portion{Item: l.Item, Qty: l.Qty, Path: "lines[" + strconv.Itoa(i) + "]"}
		for _, o := range l.Options {
			out[i].Options = append(out[i].Options, delivery.Choice{Option: o.Option, Qty: o.Qty})
		}
	}
	return out
}

// confirmBy returns until when the restaurant has to answer. What is ordered ahead, perhaps at night, has time until it has to be cooked.
func confirmBy(placed, ready time.Time, asap bool, within time.Duration) time.Time {
	by := placed.Add(within)
	if late := ready.Add(-cookAhead); !asap && late.After(by) {
		return late
	}
	return by
}

// cookAhead is how long before it is to be ready an order that was made ahead must be answered.
const cookAhead = 15 * time.Minute

// ShowCode returns a code as people read it: "K7Q2PM" is "K7Q-2PM".
func ShowCode(code string) string {
	if len(code) != codeLength {
		return code
	}
	return code[:codeLength/2] + "-" + code[codeLength/2:]
}

// ReadCode returns the stored form of a code that somebody typed: without the hyphen, in capitals, misread letters put right.
func ReadCode(s string) string {
	return strings.NewReplacer("-", "", " ", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(s))
}

// codeLength is how many characters a public code has: 30 bits, drawn anew when taken.
const codeLength = 6

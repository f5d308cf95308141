// Package delivery holds what the delivery slices say to each other and to the rest of the house: value types and event payloads, no
// behaviour. A slice that needs another's work declares a small interface in these types; internal/app fills it in.
package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
)

// Mode is how food reaches the customer.
type Mode string

// The modes.
const (
	ByCourier Mode = "delivery"
	Pickup    Mode = "pickup"
)

// State is where an order stands (Open Delivery's machine).
type State string

// The states. The machine that moves between them, and who may, is in delivery/order.
const (
	Created    State = "CREATED"
	Confirmed  State = "CONFIRMED"
	Preparing  State = "PREPARING"
	Ready      State = "READY"
	InDelivery State = "IN_DELIVERY"
	Delivered  State = "DELIVERED"
	Concluded  State = "CONCLUDED"
	Cancelled  State = "CANCELLED"
)

// Method is how an order is paid.
type Method string

// The methods.
const (
	PayOnDelivery Method = "on_delivery" // cash or card at the door, or at the counter for pickup
	PayByCard     Method = "card"
	PayByCredit   Method = "credit" // all of it from the customer's credit; nobody chooses that, it comes about
)

// Address is where a delivery goes. Street and City are for people; Point is what is computed with.
type Address struct {
	Point  geo.Point `json:"point"`
	Street string    `json:"street" maxLength:"120" doc:"Street and house number."`
	City   string    `json:"city,omitempty" maxLength:"80"`
	Detail string    `json:"detail,omitempty" maxLength:"120" doc:"Floor, door, bell."`
	Notes  string    `json:"notes,omitempty" maxLength:"300" doc:"For the courier."`
	Name   string    `json:"name,omitempty" maxLength:"80" doc:"Whom to ask for."`
	Phone  string    `json:"phone,omitempty" maxLength:"40"`
}

// Shop is a restaurant as those see it who sell, cook or carry for it: one version of it, shared between goroutines, never changed.
type Shop struct {
	ID         id.ID
	Version    int64 // grows with every change
	Slug       string
	Name       string
	Phone      string
	Street     string
	City       string
	Point      geo.Point
	Currency   string // ISO 4217
	Loc        *time.Location
	AutoAccept bool
	Delivers   bool           // couriers of the town may be sent
	PicksUp    bool           // customers may collect
	Tax        map[string]int // tax category → rate in basis points, for food sold here
	FeeTax     int            // rate in basis points on the delivery fee
	Deals      map[Mode]Deal  // what it has agreed on with the town
}

// Terms is what a restaurant offers for one mode, place, time and value of food.
type Terms struct {
	Problems []Problem     // why it can't be; empty when it can
	Fee      money.Amount  // for bringing it; 0 for pickup
	Minimum  money.Amount  // of food, before fee and tip
	Prep     time.Duration // the kitchen's time for an order of this value, now
	ReadyAt  time.Time     // when the kitchen will have it ready
	From, To time.Time     // the promise: when it is at the door, or can be collected
	OpensAt  time.Time     // when the restaurant next takes such an order, zero when it does now or that is not known
	DistM    float64       // metres to the door as the crow flies, 0 for pickup
	Cap      string        // names the capacity window that the order would count in; empty: no cap
}

// Slot is a time at which an order can be had.
type Slot struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Problem is one reason why an order can't be placed as asked, or a warning that changed something.
type Problem struct {
	Code    string `json:"code" doc:"closed, paused, outside_zone, no_delivery, no_pickup, too_small, sold_out, unavailable, bad_options, slot_gone, slot_full, empty, unknown_item, address_missing"`
	Path    string `json:"path,omitempty" doc:"Which input, such as lines[2].options."`
	Message string `json:"message"`
	Format  string `json:"-"` // what Message was made of, where it has values in it, so that it can be said in another language
	Args    []any  `json:"-"`
}

// NewProblem returns a Problem with a formatted sentence.
func NewProblem(code, path, format string, args ...any) Problem {
	if len(args) == 0 {
		return Problem{Code: code, Path: path, Message: format}
	}
	return Problem{Code: code, Path: path, Message: fmt.Sprintf(format, args...), Format: format, Args: args}
}

// In says the problem in the language of ctx.
func (p Problem) In(ctx context.Context) string { return i18n.Say(ctx, p.Message, p.Format, p.Args) }

// Menu is a restaurant's whole card: one version of it, shared between goroutines, never changed.
type Menu struct {
	Restaurant id.ID
	Version    int64
	Sections   []*Section
	Items      map[id.ID]*Item
}

// Section is a heading of the card with its items, in the order in which they are shown.
type Section struct {
	ID    id.ID
	Name  string
	Note  string
	Hours *hours.Schedule // when it can be ordered; nil: whenever the restaurant is open
	Items []*Item
}

// Item is a dish or drink.
type Item struct {
	ID          id.ID
	Section     *Section
	Name        string
	Description string
	Price       money.Amount // including tax
	Tax         string       // tax category: "food", "drink", "alcohol"
	Photo       string       // URL path, or empty
	Allergens   []string     // EU 14 codes
	Diets       []string     // such as "vegan"
	Hidden      bool         // taken off the card
	OutUntil    time.Time    // sold out until then; zero: not sold out
	Stock       int64        // portions left, -1: not counted
	Groups      []*OptionGroup
}

// OptionGroup is a choice to be made with an item: between Min and Max of its options, priced by Rule.
type OptionGroup struct {
	ID      id.ID
	Name    string
	Min     int
	Max     int
	Rule    string // "SUM", "MAX" (half-and-half pizza) or "AVG" of the chosen options' prices
	Options []*Option
}

// Option is one thing to choose.
type Option struct {
	ID       id.ID
	Name     string
	Price    money.Amount // added to the item's
	OutUntil time.Time
	Stock    int64 // -1: not counted
}

// Forever marks what is sold out until somebody says otherwise.
var Forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// LineRequest is a dish that somebody wants.
type LineRequest struct {
	Item    id.ID    `json:"item"`
	Qty     int      `json:"qty" minimum:"1" maximum:"99"`
	Options []Choice `json:"options,omitempty" maxItems:"40"`
	Note    string   `json:"note,omitempty" maxLength:"200" doc:"For the kitchen."`
}

// Choice is an option taken Qty times (1 when left out).
type Choice struct {
	Option id.ID `json:"option"`
	Qty    int   `json:"qty,omitempty" minimum:"0" maximum:"20"`
}

// QuoteRequest is what somebody wants to order. Prices are never part of it.
type QuoteRequest struct {
	Restaurant id.ID         `json:"restaurant"`
	Mode       Mode          `json:"mode" enum:"delivery,pickup"`
	To         *Address      `json:"to,omitempty" doc:"Needed for delivery."`
	At         *time.Time    `json:"at,omitempty" doc:"Start of the wanted slot; left out: as soon as possible."`
	Lines      []LineRequest `json:"lines" maxItems:"60"`
	Tip        money.Amount  `json:"tip,omitempty" minimum:"0" maximum:"50000"`
	Note       string        `json:"note,omitempty" maxLength:"300" doc:"For the kitchen."`
	Code       string        `json:"code,omitempty" maxLength:"40" doc:"Of a promotion."`
}

// QuoteLine is a line with its price.
type QuoteLine struct {
	Item    id.ID         `json:"item"`
	Name    string        `json:"name"`
	Qty     int           `json:"qty"`
	Unit    money.Amount  `json:"unit" doc:"Price of one with its options, tax included."`
	Extra   money.Amount  `json:"extra,omitempty" doc:"How much of the unit price is for options."`
	Total   money.Amount  `json:"total"`
	Tax     string        `json:"tax_category"`
	Rate    int           `json:"tax_rate" doc:"Basis points: 1900 is 19 %."`
	Options []QuoteOption `json:"options,omitempty"`
	Note    string        `json:"note,omitempty"`
}

// QuoteOption is a chosen option with its price.
type QuoteOption struct {
	Option id.ID        `json:"option"`
	Group  string       `json:"group"`
	Name   string       `json:"name"`
	Qty    int          `json:"qty"`
	Price  money.Amount `json:"price"`
}

// TaxLine is the tax contained in what is taxed at one rate.
type TaxLine struct {
	Rate  int          `json:"rate" doc:"Basis points."`
	Gross money.Amount `json:"gross"`
	Tax   money.Amount `json:"tax"`
}

// Quote is what an order would cost and when it would come, all computed here.
type Quote struct {
	Restaurant  id.ID        `json:"restaurant"`
	Mode        Mode         `json:"mode"`
	Currency    string       `json:"currency"`
	Lines       []QuoteLine  `json:"lines"`
	Subtotal    money.Amount `json:"subtotal"`
	Fee         money.Amount `json:"fee"`
	FeeRate     int          `json:"-"` // tax on the fee in basis points
	Tip         money.Amount `json:"tip"`
	Discounts   []Discount   `json:"discounts" doc:"What promotions take off."`
	Total       money.Amount `json:"total" doc:"To be paid: subtotal, fee and tip less discounts."`
	Minimum     money.Amount `json:"minimum"`
	Taxes       []TaxLine    `json:"taxes" doc:"Contained in the total; the tip is not taxed."`
	Problems    []Problem    `json:"problems" doc:"Empty when the order can be placed."`
	ASAP        bool         `json:"asap"`
	ReadyAt     time.Time    `json:"ready_at"`
	From        time.Time    `json:"from" doc:"The promise: at the door, or to be collected, between from and to."`
	To          time.Time    `json:"to"`
	DistM       float64      `json:"distance_m"`
	Cap         string       `json:"-"`
	ShopVersion int64        `json:"-"`
	MenuVersion int64        `json:"-"`
	Fingerprint string       `json:"fingerprint" doc:"Send it with the order: when prices, fee or promise have changed since, the order is not placed and the new quote is shown."`
}

// Portion is what a line takes from stock.
type Portion struct {
	Item    id.ID
	Qty     int
	Options []Choice
	Path    string // of the line in the request, for errors
}

// Brief is an order as those need it who carry it or plan for it.
type Brief struct {
	ID           id.ID        `json:"id"`
	Code         string       `json:"code"`
	Restaurant   id.ID        `json:"restaurant"`
	Customer     id.ID        `json:"customer"`
	Courier      id.ID        `json:"courier"` // 0: none
	Mode         Mode         `json:"mode"`
	State        State        `json:"state"`
	To           *Address     `json:"to,omitempty"`
	CustomerName string       `json:"customer_name"`
	Items        int          `json:"items"`   // how many dishes
	Summary      string       `json:"summary"` // "2 × Dal, 1 × Naan"
	Note         string       `json:"note,omitempty"`
	Method       Method       `json:"method"`
	Due          money.Amount `json:"due"` // to be collected at the door; 0 when paid
	Tip          money.Amount `json:"tip"`
	Currency     string       `json:"currency"`
	PlacedAt     time.Time    `json:"placed_at"`
	ReadyAt      time.Time    `json:"ready_at"`
	PromiseFrom  time.Time    `json:"promise_from"`
	PromiseTo    time.Time    `json:"promise_to"`
	HandoverCode string       `json:"-"` // four digits that the customer tells the courier
}

// Proof is how a courier shows that an order was handed over.
type Proof struct {
	Code  string `json:"code,omitempty" maxLength:"12" doc:"The customer's four digits."`
	Photo string `json:"photo,omitempty" maxLength:"200" doc:"URL path of an uploaded photo, where nobody could give the code."`
	Note  string `json:"note,omitempty" maxLength:"300"`
}

package delivery

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
)

// Party is who gets, bears or owes money of an order.
type Party string

// The parties.
const (
	PartyCustomer   Party = "customer"
	PartyRestaurant Party = "restaurant"
	PartyCourier    Party = "courier"
	PartyPlatform   Party = "platform" // the town
)

// Deal is what a restaurant and the town have agreed on, as it holds for one order. It is part of what was bought and never changes
// afterwards.
type Deal struct {
	Commission     int          `json:"commission" minimum:"0" maximum:"10000"`        // basis points of the food's value, tax included, less what the restaurant itself took off
	CommissionFlat money.Amount `json:"commission_flat" minimum:"0" maximum:"1000000"` // for each order, added to that
	CardFee        Party        `json:"card_fee" enum:"restaurant,platform"`           // who bears what the card's provider takes: PartyRestaurant or PartyPlatform
	FeeTo          Party        `json:"fee_to" enum:"restaurant,platform"`             // whose the delivery fee is: PartyPlatform or PartyRestaurant
}

// CourierPay is what the town pays a courier. A tip is theirs on top of it, whole.
type CourierPay struct {
	PerOrder    money.Amount `json:"per_order"`
	PerKm       money.Amount `json:"per_km"`       // of the distance as the crow flies from counter to door
	HourlyFloor money.Amount `json:"hourly_floor"` // what an hour on duty brings at least; 0: no floor
}

// The kinds of discounts.
const (
	DiscountPercent = "percent"  // of the food
	DiscountAmount  = "amount"   // off the food
	DiscountFee     = "delivery" // off the delivery fee
	DiscountItem    = "item"     // one of a dish for nothing
)

// Discount is what a promotion takes off an order.
type Discount struct {
	Promotion id.ID        `json:"promotion"`
	Label     string       `json:"label" doc:"As customers read it: 10 % off pizza."`
	Code      string       `json:"code,omitempty" doc:"The code that was given; empty: it applies by itself."`
	Kind      string       `json:"kind" enum:"percent,amount,delivery,item"`
	Amount    money.Amount `json:"amount" doc:"What it takes off, more than 0."`
	Item      id.ID        `json:"item,omitzero" doc:"The dish that is free."`
	Bearer    Party        `json:"bearer" doc:"Who bears it: restaurant or platform."`
}

// OffFee reports whether a discount is of the delivery fee and not of the food.
func (d Discount) OffFee() bool { return d.Kind == DiscountFee }

// Sale is an order as the books see it: what was bought and on which terms.
type Sale struct {
	Order      id.ID
	Code       string
	Customer   id.ID
	Restaurant id.ID
	Mode       Mode
	Currency   string
	Lines      []QuoteLine
	Taxes      []TaxLine // of food and fee, after the discounts that the restaurant bears
	Subtotal   money.Amount
	Fee        money.Amount
	FeeRate    int // tax on the fee in basis points
	Tip        money.Amount
	Discounts  []Discount
	Total      money.Amount // to be paid: subtotal + fee + tip less discounts
	Credit     money.Amount // of that, paid from the customer's credit
	Deal       Deal
	DistM      float64
}

// BookKind is a kind of account in the ledger.
type BookKind string

// The kinds. An account's balance is the sum of its entries: more than zero is a debit (the house has it, or is owed it), less than zero a
// credit (the house owes it, or has earned it).
const (
	BookCustomer   BookKind = "customer"   // what a customer owes for orders, or is to get back; owner: account
	BookRestaurant BookKind = "restaurant" // what the house owes a restaurant; owner: restaurant
	BookCourier    BookKind = "courier"    // what the house owes a courier; owner: account
	BookCash       BookKind = "cash"       // cash in somebody's hands: a courier's, or a counter's; owner: account or restaurant
	BookTips       BookKind = "tips"       // tips of orders that no courier has brought yet; no owner
	BookPlatform   BookKind = "platform"   // the town's earnings and expenses; sub: one of the Sub… below
	BookProvider   BookKind = "provider"   // money at a card provider; sub: its name
	BookBank       BookKind = "bank"       // money that has left for, or come from, bank accounts
	BookTax        BookKind = "tax"        // tax contained in what was sold; owner: the restaurant, or 0 for the town; rate: basis points
	BookWallet     BookKind = "wallet"     // credit of a customer; owner: account
	BookGift       BookKind = "gift"       // gift codes that nobody has redeemed
	BookPot        BookKind = "pot"        // shares that were paid into a group order; owner: the group order
)

// What the town earns and spends: the subs of BookPlatform.
const (
	SubFees        = "fees"        // delivery fees
	SubCommission  = "commission"  // from restaurants
	SubPromotions  = "promotions"  // discounts that the town bears, credit that it gives
	SubCourierPay  = "courier_pay" // what couriers get besides tips
	SubCardFees    = "card_fees"   // what card providers take
	SubRefunds     = "refunds"     // refunds that the town bears
	SubDifferences = "differences" // cash that was handed in short or over, written off
	SubTips        = "tips"        // tips of orders that no courier brought: kept for the couriers
)

// Book names an account of the ledger.
type Book struct {
	Kind     BookKind `json:"kind"`
	Owner    id.ID    `json:"owner,omitzero"`
	Sub      string   `json:"sub,omitempty"`
	Rate     int      `json:"rate,omitempty"`
	Currency string   `json:"currency"`
}

// Entry is one line of a posting: a debit above zero, a credit below.
type Entry struct {
	Book   Book         `json:"book"`
	Amount money.Amount `json:"amount"`
	What   string       `json:"what"` // such as "sale", "option", "tax", "fee", "tip", "discount", "commission", "refund"
}

// Posting is one movement of money. Its entries sum to zero in each currency.
type Posting struct {
	Ref     string    // names the movement once and for all, such as "capture:123": posted twice, it is in the books once
	What    string    // "sale", "unsale", "earned", "paid", "paid_back", "refund", "cash_in", "payout", …
	Order   id.ID     // 0: not of an order
	By      id.ID     // who did it; 0: the house
	At      time.Time // when it truly happened
	Note    string
	Entries []Entry
}

// Taken is money that came in for an order: from a card, or at the door.
type Taken struct {
	Ref      string // names this money once and for all, such as "capture:123:1"; empty: there is only one for its order
	Order    id.ID
	Group    id.ID // the group order into whose pot it went: Order is a share in it then
	Method   Method
	Provider string // of a card, such as "sandbox" or "stripe"
	Amount   money.Amount
	Currency string
	Fee      money.Amount // what the provider took of it; 0 where not known
	Sent     money.Amount // of it, sent on to the restaurant's own account at the provider
	By       id.ID        // who collected it at the door or the counter; at a counter it is the restaurant that has the cash then
	At       time.Time
}

// Returned is money that went back to a customer for an order.
type Returned struct {
	Ref      string // names this money once and for all; empty: there is only one for its order and Refund
	Order    id.ID
	Group    id.ID // as in Taken
	Refund   id.ID // 0: everything, since the order was cancelled
	Method   Method
	Provider string
	Amount   money.Amount
	Currency string
	Pulled   money.Amount // of it, taken back from the restaurant's own account at the provider
	By       id.ID        // who gave it back in cash; at a counter the restaurant did
	At       time.Time
}

// Refund is a part of an order's price that a customer gets back while the order stands.
type Refund struct {
	ID       id.ID
	Order    id.ID
	Amount   money.Amount
	Currency string
	Lines    []RefundLine // what of the order it is for; empty: an amount without a line
	Taxes    []TaxLine    // the share of tax in it, by rate
	Liable   Party        // who bears it: PartyRestaurant, PartyCourier or PartyPlatform
	Reason   string
	By       id.ID
	At       time.Time
}

// RefundChanged says that something of an order's price was given back, is about to be, or was refused by the card's provider.
type RefundChanged struct {
	Refund     id.ID        `json:"refund"`
	Order      id.ID        `json:"order"`
	Code       string       `json:"code"` // of the order, as people read it
	Restaurant id.ID        `json:"restaurant"`
	Customer   id.ID        `json:"customer"`
	Amount     money.Amount `json:"amount"`
	Currency   string       `json:"currency"`
	To         string       `json:"to"`    // "card", "cash", "credit"
	State      string       `json:"state"` // "pending", "done", "failed"
	Reason     string       `json:"reason"`
	Liable     Party        `json:"-"` // not for everybody who follows the order
	At         time.Time    `json:"at"`
}

// EventKind returns "refund.changed".
func (RefundChanged) EventKind() string { return "refund.changed" }

// EventSubject returns "order:ID": a refund's story is part of its order's.
func (e RefundChanged) EventSubject() string { return "order:" + e.Order.String() }

// Pot is what others have paid into a group order that becomes an order.
type Pot struct {
	Group                string // its token
	Order                id.ID
	Customer, Restaurant id.ID
	Amount               money.Amount
	Currency             string
}

// RefundLine is so many of a line of an order.
type RefundLine struct {
	Line   int          `json:"line" doc:"Which line of the order, from 0."`
	Qty    int          `json:"qty" minimum:"1"`
	Amount money.Amount `json:"amount" doc:"What is given back for it."`
}

// Bought is an order as those look at it who check the books: its sale, and what became of it.
type Bought struct {
	Sale
	Courier  id.ID     // who brings or brought it; 0: nobody
	PlacedAt time.Time // when it was placed
	Sold     bool      // its restaurant got to see it
	Earned   bool      // it was delivered, or is paid for all the same
	Ended    bool      // it was cancelled and nobody has to pay for it
	Answers  Party     // of one that ended: who has to answer for that
	Cooked   bool      // of one that ended: the kitchen had begun
}

// Moved is what a customer's money for one order did, as those know who moved it.
type Moved struct {
	Order    id.ID
	Taken    money.Amount // from cards and in cash
	Returned money.Amount // to cards
}

// BookLine is an entry as it stands in the books.
type BookLine struct {
	Posting id.ID        `json:"posting"`
	Line    int          `json:"line" doc:"Which entry of the posting, from 0."`
	Ref     string       `json:"ref" doc:"Names the movement."`
	Kind    string       `json:"kind" doc:"Of the posting: sale, earned, paid, refund, payout and so on."`
	What    string       `json:"what" doc:"Of the entry: sale, option, tax, fee, tip, discount, commission and so on."`
	Order   id.ID        `json:"order,omitzero"`
	By      id.ID        `json:"-"` // who did it; 0: the house
	At      time.Time    `json:"at"`
	Note    string       `json:"note,omitempty"`
	Amount  money.Amount `json:"amount" doc:"A debit above zero, a credit below."`
	Account id.ID        `json:"account"`
	Book    Book         `json:"book"`
}

// BookAccount is an account of the ledger with what stands on it.
type BookAccount struct {
	ID      id.ID        `json:"id"`
	Book    Book         `json:"book"`
	Balance money.Amount `json:"balance" doc:"Above zero the house has it or is owed it, below it owes it or has earned it."`
}

// BookSum is what the entries of one word in one kind of account come to.
type BookSum struct {
	Kind   BookKind
	Sub    string
	What   string
	Amount money.Amount // debits above zero, credits below
}

// Ride is an order that a courier brought.
type Ride struct {
	Order id.ID
	At    time.Time // when it was handed over
	DistM float64   // from counter to door, as the crow flies
}

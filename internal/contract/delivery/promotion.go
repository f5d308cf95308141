package delivery

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
)

// Bill is what somebody wants to order before promotions take anything off.
type Bill struct {
	Shop     *Shop
	Menu     *Menu
	Mode     Mode
	Lines    []QuoteLine
	Subtotal money.Amount
	Fee      money.Amount
	FeeKnown bool   // false: nobody has said yet where it goes
	Code     string // as typed; empty: none
	Now      time.Time
}

// Offer is what a restaurant's promotion promises everybody, as lists and its page show it.
type Offer struct {
	Promotion id.ID        `json:"promotion"`
	Label     string       `json:"label" doc:"As customers read it: free delivery from 20.00 EUR."`
	Kind      string       `json:"kind" enum:"percent,amount,delivery,item"`
	Minimum   money.Amount `json:"minimum,omitempty" doc:"Of food."`
	Until     time.Time    `json:"until,omitzero"`
}

// PromotionChanged says that a promotion is another now, or ends.
type PromotionChanged struct {
	Promotion  id.ID `json:"promotion"`
	Restaurant id.ID `json:"restaurant"` // 0: of the whole town
}

// EventKind returns "promotion.changed".
func (PromotionChanged) EventKind() string { return "promotion.changed" }

// EventSubject returns "promotion:ID".
func (e PromotionChanged) EventSubject() string { return "promotion:" + e.Promotion.String() }

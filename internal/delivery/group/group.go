// Package group is an order that several people fill together: one opens it and passes a link on, the others add what they chose in their own
// carts. Who has what is priced as everything is, and each person's share is worked out: their own dishes, and of fee and tip the same for
// everybody.
//
// The host pays for all, and ticks who has paid them back. Or everybody pays their own share by card or credit before the order is placed:
// the shares lie in a pot of the books (share.go), become the host's credit in the transaction that places the order, and go back whence
// they came when the order is cancelled or never placed. The host pays what is left.
package group

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// The states of a group order.
const (
	Open    = "open"
	Locked  = "locked"  // its host is paying
	Ordered = "ordered" // its order is placed
	Closed  = "closed"  // its host has given it up
)

// Bounds.
const (
	MaxMembers = 30
	MaxLines   = 60 // of one order
	maxName    = 40
)

// Group is a group order as somebody who holds its link sees it.
type Group struct {
	ID         id.ID        `json:"id"`
	Token      string       `json:"token" doc:"Of its link, /g/{token}."`
	Restaurant id.ID        `json:"restaurant"`
	State      string       `json:"state" enum:"open,locked,ordered,closed"`
	Deadline   time.Time    `json:"deadline,omitzero"`
	Order      id.ID        `json:"order,omitzero"`
	OrderState string       `json:"order_state,omitempty"`
	Currency   string       `json:"currency"`
	Members    []Member     `json:"members"`
	Food       money.Amount `json:"food"`
	Total      money.Amount `json:"total,omitempty" doc:"Of the order, once it is placed."`
	Collecting bool         `json:"collecting,omitempty" doc:"Everybody pays their own share now."`
	Extra      money.Amount `json:"extra,omitempty" doc:"Of fee and tip, what the shares hold together."`
	Pot        money.Amount `json:"pot,omitempty" doc:"What of the shares is paid and waits for the order."`
	BackAt     time.Time    `json:"back_at,omitzero" doc:"When the shares go back, should nothing be ordered until then."`
	Mine       bool         `json:"mine" doc:"The viewer is its host."`
	Me         id.ID        `json:"me,omitzero" doc:"The viewer among the members; absent: not among them yet."`

	host id.ID
}

// Member is somebody who takes part.
type Member struct {
	ID    id.ID        `json:"id"`
	Name  string       `json:"name"`
	Host  bool         `json:"host,omitempty"`
	Lines []Line       `json:"lines"`
	Food  money.Amount `json:"food"`
	Share money.Amount `json:"share,omitempty" doc:"Of the order's total, once it is placed: their dishes, and of fee and tip as much as everybody."`
	Paid  bool         `json:"paid,omitempty" doc:"The host has it back, or it was paid before the order was placed."`

	State  string               `json:"share_state,omitempty" enum:"due,waiting,paid,declined,returned" doc:"Where a share stands that is to be paid before the order is placed."`
	Action *delivery.CardAction `json:"action,omitempty" doc:"What the viewer's bank wants of them."`

	person  string
	account id.ID
	payment id.ID // of their share
}

// Line is a dish of a member's.
type Line struct {
	ID id.ID `json:"id"`
	delivery.LineRequest
	Name  string       `json:"name"`
	Total money.Amount `json:"total"`
	Gone  bool         `json:"gone,omitempty" doc:"It can't be had as it was chosen."`
}

// takes reports whether dishes can be added at now.
func (g *Group) takes(now time.Time) bool {
	return g.State == Open && (g.Deadline.IsZero() || now.Before(g.Deadline))
}

// Bill is what the order came to.
type Bill struct {
	State delivery.State
	Fee   money.Amount
	Tip   money.Amount
	Off   money.Amount // discounts
	Total money.Amount
}

// shares splits a bill: each pays for their own food less their part of the discounts, and the same of fee and tip. What the food on the bill
// costs more or less than that of all (the host may change the cart before paying) is the host's, the first. The shares sum to the total.
func shares(food []money.Amount, b Bill) []money.Amount {
	if len(food) == 0 {
		return nil
	}
	out := money.Split(b.Fee+b.Tip, ones(food))
	var sum money.Amount
	off := money.Split(b.Off, food)
	for i := range out {
		out[i] += food[i] - off[i]
		sum += out[i]
	}
	out[0] += b.Total - sum
	return out
}

// ones weighs everybody who has food the same; nobody has: the first.
func ones(food []money.Amount) []int64 {
	w := make([]int64, len(food))
	for i := range food {
		if food[i] > 0 {
			w[i] = 1
		}
	}
	return w
}

// digest returns what is stored of a guest's cookie.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Package cart is the way from a restaurant's page to an order: the page itself with its menu, what somebody has put into their cart, what
// that costs, and the checkout.
//
// A cart holds ids and quantities and never a price. Whatever is shown or ordered is priced by the Quoter, on versions of restaurant and
// menu that are kept in memory, so the same cart always costs what the card says now. Each person has one cart, of one restaurant; a
// guest's is known by a cookie and moves to their account when they sign in. Nothing is asked twice: what a step throws out of the cart is
// put aside, and one undo brings it back.
package cart

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Keep is how long a guest's cookie lasts, and how long a cart is kept that nobody touches where the settings say nothing else.
const Keep = 30 * 24 * time.Hour

// Owner is whose a cart is: an account's or a guest's. The zero Owner is nobody, whose cart is always empty.
type Owner struct {
	account id.ID
	guest   string // SHA-256 of the cookie in hex
}

// guestLen is how long id.Secret's tokens are.
const guestLen = 43

// OwnerOf returns the account's Owner, or, without an account, that of the guest with the cookie.
func OwnerOf(account id.ID, guest string) Owner {
	switch {
	case account != 0:
		return Owner{account: account}
	case len(guest) == guestLen:
		sum := sha256.Sum256([]byte(guest))
		return Owner{guest: hex.EncodeToString(sum[:])}
	}
	return Owner{}
}

// key returns the owner as stored, "" for nobody.
func (o Owner) key() string {
	switch {
	case o.account != 0:
		return "a" + o.account.String()
	case o.guest != "":
		return "g" + o.guest
	}
	return ""
}

// Line is a dish in a cart. N is its number, which it keeps while others come and go.
type Line struct {
	N int `json:"n"`
	delivery.LineRequest
}

// Cart is what somebody is about to order. The zero Cart is empty.
type Cart struct {
	Restaurant id.ID             `json:"restaurant"`
	Mode       delivery.Mode     `json:"mode"`
	At         *time.Time        `json:"at,omitempty"` // start of the wanted slot; nil: as soon as possible
	To         *delivery.Address `json:"to,omitempty"`
	Lines      []Line            `json:"lines"`
	Tip        money.Amount      `json:"tip,omitempty"`
	Note       string            `json:"note,omitempty"` // for the kitchen
	Method     delivery.Method   `json:"method,omitempty"`
	Code       string            `json:"code,omitempty"`   // of a promotion, as typed
	Credit     bool              `json:"credit,omitempty"` // pay with one's credit as far as it goes
	Last       int               `json:"last"`             // the number given last
	UpdatedAt  time.Time         `json:"-"`

	aside *Cart // what the last step threw out
}

// Portions returns how many dishes are in the cart.
func (c *Cart) Portions() int {
	n := 0
	for i := range c.Lines {
		n += c.Lines[i].Qty
	}
	return n
}

// Empty reports whether there is nothing in the cart.
func (c *Cart) Empty() bool { return len(c.Lines) == 0 }

// Request returns what is to be quoted.
func (c *Cart) Request() delivery.QuoteRequest {
	q := delivery.QuoteRequest{Restaurant: c.Restaurant, Mode: c.Mode, At: c.At, Tip: c.Tip, Note: c.Note, Code: c.Code, Lines: make([]delivery.LineRequest, len(c.Lines))}
	if c.Mode == delivery.ByCourier {
		q.To = c.To
	}
	for i := range c.Lines {
		q.Lines[i] = c.Lines[i].LineRequest
	}
	return q
}

var errNoLine = errs.New(errs.NotFound, "This dish is not in the cart any more.")

// line returns the line with a number, or a NotFound error.
func (c *Cart) line(n int) (*Line, error) {
	i := slices.IndexFunc(c.Lines, func(l Line) bool { return l.N == n })
	if i < 0 {
		return nil, errNoLine
	}
	return &c.Lines[i], nil
}

// add puts a line into the cart, onto one of the same dish with the same options and note where there is one.
func (c *Cart) add(l delivery.LineRequest) error {
	if err := tidyLine(&l, ""); err != nil {
		return err
	}
	for i := range c.Lines {
		have := &c.Lines[i]
		if have.Item == l.Item && have.Note == l.Note && slices.Equal(have.Options, l.Options) {
			if have.Qty+l.Qty > MaxQty {
				return errQty("qty")
			}
			have.Qty += l.Qty
			return nil
		}
	}
	if len(c.Lines) >= MaxLines {
		return errs.InvalidField("lines", "An order has at most %d lines.", MaxLines)
	}
	c.Last++
	c.Lines = append(c.Lines, Line{N: c.Last, LineRequest: l})
	return nil
}

// remove takes a line out and puts the cart as it was aside.
func (c *Cart) remove(n int) error {
	if _, err := c.line(n); err != nil {
		return err
	}
	c.putAside()
	c.Lines = slices.DeleteFunc(slices.Clone(c.Lines), func(l Line) bool { return l.N == n })
	return nil
}

// putAside keeps the cart as it is for undo.
func (c *Cart) putAside() {
	before := *c
	before.aside, before.Lines = nil, slices.Clone(c.Lines)
	c.aside = &before
}

// restart empties the cart for another restaurant. Where there was something in it, that is put aside. The address stays, the time and the
// note do not.
func (c *Cart) restart(restaurant id.ID, mode delivery.Mode) {
	fresh := Cart{Restaurant: restaurant, Mode: mode, To: c.To, Method: c.Method, Credit: c.Credit, Last: c.Last}
	if !c.Empty() {
		c.putAside()
		fresh.aside = c.aside
	}
	*c = fresh
}

func errQty(path string) error {
	return errs.InvalidField(path, "Order between 1 and %d of each dish.", MaxQty)
}

// tidyLine brings a line into the form in which equal ones are equal, or returns an Invalid error on fields below path.
func tidyLine(l *delivery.LineRequest, path string) error {
	if l.Item == 0 {
		return errs.InvalidField(path+"item", "Say which dish.")
	}
	if l.Qty < 1 || l.Qty > MaxQty {
		return errQty(path + "qty")
	}
	if len(l.Options) > maxChoices {
		return errs.InvalidField(path+"options", "Choose at most %d options.", maxChoices)
	}
	l.Note = text.Clean(l.Note, 200)
	var out []delivery.Choice
	for _, o := range l.Options {
		if o.Qty < 0 || o.Qty > 20 {
			return errs.InvalidField(path+"options", "Take an option between 1 and 20 times.")
		}
		o.Qty = max(o.Qty, 1)
		if i := slices.IndexFunc(out, func(x delivery.Choice) bool { return x.Option == o.Option }); i >= 0 {
			out[i].Qty = min(out[i].Qty+o.Qty, 20)
			continue
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b delivery.Choice) int { return cmp.Compare(a.Option, b.Option) })
	l.Options = out
	return nil
}

// maxChoices is how many options one line can have.
const maxChoices = 40

// Package wallet is what customers have to spend: credit that admins give, and gift codes.
//
// All of it stands in the town's books: credit is what the house owes a customer, a gift code what it owes whoever redeems it. The tables
// here know only which codes there are, by digests: a code is shown once, and has 80 bits, so that nobody guesses one.
package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Bounds.
const (
	MaxAmount  = 1_000_00 // minor units, of one grant or code
	MaxCodes   = 1000     // of one batch
	maxReason  = 200
	codeLength = 16 // of Crockford's base32: 80 bits
)

// Credit is what a customer has to spend.
type Credit struct {
	Balance  money.Amount `json:"balance"`
	Currency string       `json:"currency"`
	History  []Move       `json:"history" doc:"The newest 100 movements, newest first."`
}

// Move is one movement of a customer's credit.
type Move struct {
	At     time.Time    `json:"at"`
	What   string       `json:"what" doc:"granted, redeemed, spent, returned or other."`
	Amount money.Amount `json:"amount" doc:"Above zero: more credit."`
	Note   string       `json:"note,omitempty"`
	Order  id.ID        `json:"order,omitzero"`
}

// Grant is credit that an admin gives somebody.
type Grant struct {
	Account id.ID        `json:"account"`
	Amount  money.Amount `json:"amount" minimum:"1"`
	Reason  string       `json:"reason" minLength:"1" maxLength:"200" doc:"The person reads it."`
}

// Batch is a batch of gift codes.
type Batch struct {
	ID        id.ID        `json:"id"`
	Amount    money.Amount `json:"amount" doc:"Of each code."`
	Currency  string       `json:"currency"`
	Count     int64        `json:"count"`
	Note      string       `json:"note,omitempty"`
	ExpiresAt time.Time    `json:"expires_at,omitzero"`
	CreatedAt time.Time    `json:"created_at"`
	CreatedBy id.ID        `json:"-"`
	Redeemed  int64        `json:"redeemed"`
	Expired   int64        `json:"expired"`
	Codes     []string     `json:"codes,omitempty" doc:"Only in the first answer to the one who made them."`
}

// NewBatch is a batch to be made.
type NewBatch struct {
	Amount    money.Amount `json:"amount" minimum:"1"`
	Count     int64        `json:"count" minimum:"1" maximum:"1000"`
	Note      string       `json:"note,omitempty" maxLength:"200"`
	ExpiresAt time.Time    `json:"expires_at,omitzero"`
}

func (g *Grant) tidy(currency string) error {
	var wrong []errs.Field
	if g.Reason = text.Clean(g.Reason, maxReason); g.Reason == "" {
		wrong = append(wrong, errs.FieldOf("reason", "Say why: the person reads it."))
	}
	if g.Amount < 1 || g.Amount > MaxAmount {
		wrong = append(wrong, errs.FieldOf("amount", "Give an amount up to %s.", money.Format(MaxAmount, currency)))
	}
	return errs.InvalidFields(wrong)
}

func (b *NewBatch) tidy(now time.Time, currency string) error {
	var wrong []errs.Field
	b.Note = text.Clean(b.Note, maxReason)
	if b.Amount < 1 || b.Amount > MaxAmount {
		wrong = append(wrong, errs.FieldOf("amount", "Give an amount up to %s.", money.Format(MaxAmount, currency)))
	}
	if b.Count < 1 || b.Count > MaxCodes {
		wrong = append(wrong, errs.FieldOf("count", "Make 1 to %d codes at a time.", MaxCodes))
	}
	if b.ExpiresAt = b.ExpiresAt.UTC().Truncate(time.Second); !b.ExpiresAt.IsZero() && !b.ExpiresAt.After(now) {
		wrong = append(wrong, errs.FieldOf("expires_at", "Choose a day to come."))
	}
	return errs.InvalidFields(wrong)
}

// show returns a code as people read it: in four groups of four.
func show(code string) string {
	return code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:]
}

// digest returns what is stored of a code, however it was typed: letters that look like digits are those digits.
func digest(typed string) string {
	code := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			r += 'A' - 'a'
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
		default:
			return -1
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, typed)
	sum := sha256.Sum256([]byte("gift " + code))
	return hex.EncodeToString(sum[:])
}

func walletOf(account id.ID, currency string) delivery.Book {
	return delivery.Book{Kind: delivery.BookWallet, Owner: account, Currency: currency}
}

func gifts(currency string) delivery.Book {
	return delivery.Book{Kind: delivery.BookGift, Currency: currency}
}

func promotions(currency string) delivery.Book {
	return delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubPromotions, Currency: currency}
}

// moved returns a posting of an amount from one account of the books to another.
func moved(ref, what string, by id.ID, at time.Time, note string, from, to delivery.Book, amount money.Amount) delivery.Posting {
	return delivery.Posting{Ref: ref, What: what, By: by, At: at, Note: note, Entries: []delivery.Entry{{Book: from, Amount: amount, What: what}, {Book: to, Amount: -amount, What: what}}}
}

// The kinds of postings.
const (
	granted  = "credit_granted"
	made     = "gift_made"
	redeemed = "gift_redeemed"
	expired  = "gift_expired"
)

// moveOf returns a line of the books as its customer reads it.
func moveOf(l delivery.BookLine) Move {
	m := Move{At: l.At, Amount: -l.Amount, Order: l.Order, What: "other"}
	switch {
	case l.Kind == granted:
		m.What, m.Note = "granted", l.Note
	case l.Kind == redeemed:
		m.What = "redeemed"
	case l.Order != 0 && l.Amount > 0:
		m.What = "spent"
	case l.Order != 0:
		m.What = "returned"
	}
	return m
}

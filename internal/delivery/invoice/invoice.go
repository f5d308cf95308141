// Package invoice is the documents about what was sold: a receipt for each order that was delivered and paid for, and a credit note for
// what of it was given back. Each has a number without gaps in its series, and says for ever what it said when it was issued.
//
// What an order still lacks is found by one pure function (plan); Service carries it out, as often as anybody likes.
package invoice

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// The kinds of documents.
const (
	Receipt    = "receipt"
	CreditNote = "credit_note"
)

// Document is a receipt or a credit note as it was issued. The amounts of a credit note are below zero.
type Document struct {
	ID        id.ID         `json:"id"`
	Kind      string        `json:"kind" enum:"receipt,credit_note"`
	Number    string        `json:"number" doc:"Without gaps in its series: NONNA-2026-000123."`
	Of        string        `json:"of,omitempty" doc:"The number of the receipt that a credit note takes back."`
	Order     id.ID         `json:"order_id"`
	Code      string        `json:"code" doc:"The order, as people call it."`
	Mode      delivery.Mode `json:"mode"`
	Issued    time.Time     `json:"issued_at"`
	Ordered   time.Time     `json:"ordered_at"`
	Delivered time.Time     `json:"delivered_at"`
	Zone      string        `json:"time_zone"`
	Lang      string        `json:"language"`
	Seller    Seller        `json:"seller"`
	Town      string        `json:"town"`
	Buyer     string        `json:"buyer,omitempty"`
	Reason    string        `json:"reason,omitempty" doc:"Why something was given back."`
	Currency  string        `json:"currency"`
	Lines     []Line        `json:"lines"`
	Discounts []Discount    `json:"discounts"`
	Subtotal  money.Amount  `json:"subtotal"`
	Fee       money.Amount  `json:"fee"`
	FeeRate   int           `json:"fee_rate" doc:"Basis points."`
	FeeByTown bool          `json:"fee_by_town" doc:"The town brings it, not the restaurant."`
	Tip       money.Amount  `json:"tip" doc:"Not taxed."`
	Total     money.Amount  `json:"total"`
	Taxes     []Tax         `json:"taxes"`
	Paid      []Paid        `json:"paid"`
}

// Seller is the restaurant as documents name it.
type Seller struct {
	ID     id.ID  `json:"id"`
	Slug   string `json:"slug"`
	Name   string `json:"name"`
	Legal  string `json:"legal_name,omitempty"`
	Street string `json:"street"`
	City   string `json:"city"`
	Phone  string `json:"phone,omitempty"`
	TaxID  string `json:"tax_id,omitempty"`
	Zone   string `json:"-"`
}

// Line is a dish on a document.
type Line struct {
	Name    string       `json:"name"`
	Options []string     `json:"options,omitempty"`
	Qty     int          `json:"qty"`
	Unit    money.Amount `json:"unit" doc:"Of one with its options, tax included."`
	Total   money.Amount `json:"total"`
	Rate    int          `json:"tax_rate" doc:"Basis points."`
}

// Discount is what a promotion took off.
type Discount struct {
	Label  string         `json:"label"`
	Amount money.Amount   `json:"amount"`
	Bearer delivery.Party `json:"bearer"`
}

// Tax is what is taxed at one rate.
type Tax struct {
	Rate  int          `json:"rate" doc:"Basis points."`
	Net   money.Amount `json:"net"`
	Tax   money.Amount `json:"tax"`
	Gross money.Amount `json:"gross"`
}

// Paid is how much was paid in which way: "card", "cash" or "credit".
type Paid struct {
	How    string       `json:"how"`
	Amount money.Amount `json:"amount"`
}

// Purchase is an order as its documents need it.
type Purchase struct {
	delivery.Sale
	Buyer     string
	Method    delivery.Method
	Placed    time.Time
	Delivered time.Time
	Owed      bool // it is to be paid for: delivered, or not taken and cooked
	Paid      bool
}

// receipt returns the receipt for an order, without a number.
func receipt(p Purchase, from Seller) Document {
	d := Document{
		Kind: Receipt, Order: p.Order, Code: p.Code, Mode: p.Mode, Ordered: p.Placed, Delivered: p.Delivered, Zone: from.Zone, Seller: from, Buyer: p.Buyer,
		Currency: p.Currency, Lines: []Line{}, Discounts: []Discount{}, Subtotal: p.Subtotal, Fee: p.Fee, FeeRate: p.FeeRate,
		FeeByTown: p.Deal.FeeTo != delivery.PartyRestaurant, Tip: p.Tip, Total: p.Total, Taxes: []Tax{}, Paid: []Paid{},
	}
	for _, l := range p.Lines {
		line := Line{Name: l.Name, Qty: l.Qty, Unit: l.Unit, Total: l.Total, Rate: l.Rate}
		for _, o := range l.Options {
			name := o.Name
			if o.Qty > 1 {
				name = strconv.Itoa(o.Qty) + " × " + name
			}
			line.Options = append(line.Options, name)
		}
		d.Lines = append(d.Lines, line)
	}
	for _, x := range p.Discounts {
		d.Discounts = append(d.Discounts, Discount{x.Label, x.Amount, x.Bearer})
	}
	for _, t := range p.Taxes {
		d.Taxes = append(d.Taxes, Tax{t.Rate, t.Gross - t.Tax, t.Tax, t.Gross})
	}
	if p.Credit > 0 {
		d.Paid = append(d.Paid, Paid{"credit", p.Credit})
	}
	if rest := p.Total - p.Credit; rest > 0 {
		how := "cash"
		if p.Method == delivery.PayByCard {
			how = "card"
		}
		d.Paid = append(d.Paid, Paid{how, rest})
	}
	return d
}

// note returns a credit note of a receipt that says nothing yet of what was given back.
func note(of Document) Document {
	d := of
	d.Kind, d.Of, d.ID, d.Number, d.Reason = CreditNote, of.Number, 0, "", ""
	d.Lines, d.Discounts, d.Taxes, d.Paid = []Line{}, []Discount{}, []Tax{}, []Paid{}
	d.Subtotal, d.Fee, d.Tip, d.Total = 0, 0, 0, 0
	return d
}

// refunded returns the credit note for a refund, without a number.
func refunded(of Document, r delivery.Refund) Document {
	d := note(of)
	d.Total, d.Reason = -r.Amount, r.Reason
	for _, l := range r.Lines {
		if l.Line < 0 || l.Line >= len(of.Lines) {
			continue
		}
		was := of.Lines[l.Line]
		d.Lines = append(d.Lines, Line{Name: was.Name, Options: was.Options, Qty: l.Qty, Unit: was.Unit, Total: -l.Amount, Rate: was.Rate})
	}
	for _, t := range r.Taxes {
		d.Taxes = append(d.Taxes, Tax{t.Rate, t.Tax - t.Gross, -t.Tax, -t.Gross})
	}
	return d
}

// void returns the credit note for all of a receipt that earlier notes have not taken back, without a number.
func void(of Document, earlier []Document) Document {
	d := note(of)
	d.Total = -of.Total
	for _, t := range of.Taxes {
		d.Taxes = append(d.Taxes, Tax{t.Rate, -t.Net, -t.Tax, -t.Gross})
	}
	for _, e := range earlier {
		d.Total -= e.Total
		for _, t := range e.Taxes {
			for i := range d.Taxes {
				if d.Taxes[i].Rate == t.Rate {
					d.Taxes[i].Net, d.Taxes[i].Tax, d.Taxes[i].Gross = d.Taxes[i].Net-t.Net, d.Taxes[i].Tax-t.Tax, d.Taxes[i].Gross-t.Gross
				}
			}
		}
	}
	return d
}

// issued is a document with what of its order it is about.
type issued struct {
	Document
	ref string
}

// plan returns the documents that an order still lacks, in the order in which they are to be issued. done are its documents, oldest first;
// refunds those that were paid back.
func plan(done []issued, p Purchase, from Seller, refunds []delivery.Refund) []issued {
	var out []issued
	all := append([]issued{}, done...)
	add := func(d Document, ref string) {
		all = append(all, issued{d, ref})
		out = append(out, issued{d, ref})
	}
	round, open := standing(all)
	switch {
	case p.Owed && p.Paid && open == nil:
		round++
		add(receipt(p, from), "sale:"+strconv.Itoa(round))
		_, open = standing(all)
	case !p.Owed && open != nil:
		add(void(open.Document, notesOf(all, round)), "void:"+strconv.Itoa(round))
		return out
	}
	if open == nil {
		return out
	}
	of := open.Document
	for _, r := range refunds {
		ref := "refund:" + r.ID.String()
		if !has(all, ref) {
			add(refunded(of, r), ref)
		}
	}
	return out
}

// standing returns how many receipts an order has had, and the one that was not taken back whole, nil where there is none.
func standing(all []issued) (round int, open *issued) {
	for i := range all {
		switch {
		case strings.HasPrefix(all[i].ref, "sale:"):
			round++
			open = &all[i]
		case strings.HasPrefix(all[i].ref, "void:"):
			open = nil
		}
	}
	return round, open
}

// notesOf returns the credit notes since the last receipt.
func notesOf(all []issued, round int) []Document {
	var out []Document
	seen := false
	for _, d := range all {
		seen = seen || d.ref == "sale:"+strconv.Itoa(round)
		if seen && d.Kind == CreditNote {
			out = append(out, d.Document)
		}
	}
	return out
}

func has(all []issued, ref string) bool {
	for _, d := range all {
		if d.ref == ref {
			return true
		}
	}
	return false
}

// number returns the n-th number of a series.
func number(slug, kind string, year int, n int64) string {
	mark := ""
	if kind == CreditNote {
		mark = "C"
	}
	return fmt.Sprintf("%s-%d-%s%06d", strings.ToUpper(slug), year, mark, n)
}

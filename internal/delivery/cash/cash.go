// Package cash is the cash of the town that couriers carry: what customers paid them at doors, and what of it they handed in.
//
// What a courier has is what the books say, never a figure of its own. Whoever takes it in counts it; what is missing or too much either
// stays with the courier or is written off. Each hand-in is one row and one posting, whose ref is the row's id.
package cash

import (
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// What becomes of a difference.
const (
	Keep     = "keep"      // the courier still has it, or gets it back
	WriteOff = "write_off" // the town bears it, or keeps it
)

// Wish is what somebody counted.
type Wish struct {
	Expected money.Amount `json:"expected" doc:"What the courier had when you looked, in minor units: if it has changed since, nothing is entered."`
	Counted  money.Amount `json:"counted" doc:"What was handed in, in minor units. Below 0 where the courier had given out money of their own and got it back."`
	Choice   string       `json:"choice,omitempty" enum:"keep,write_off" doc:"Of a difference. keep, as left out: the courier still has it. write_off: the town bears it."`
	Note     string       `json:"note,omitempty" maxLength:"300" doc:"The courier reads it, too."`
}

// HandIn is cash that was handed in.
type HandIn struct {
	ID         id.ID        `json:"id"`
	Courier    id.ID        `json:"courier"`
	Name       string       `json:"name" doc:"Of the courier; empty where the account is gone."`
	Currency   string       `json:"currency"`
	Expected   money.Amount `json:"expected" doc:"What the books said that the courier had."`
	Counted    money.Amount `json:"counted"`
	Difference money.Amount `json:"difference" doc:"Counted less expected: below 0 something was missing."`
	Choice     string       `json:"choice" enum:"keep,write_off" doc:"What became of the difference."`
	By         id.ID        `json:"by" doc:"Who counted it."`
	At         time.Time    `json:"at"`
	Note       string       `json:"note,omitempty"`
}

// Purse is the cash that somebody carries.
type Purse struct {
	Courier  id.ID        `json:"courier"`
	Name     string       `json:"name" doc:"Empty where the account is gone."`
	Amount   money.Amount `json:"amount" doc:"In minor units. Below 0 they gave out money of their own."`
	Currency string       `json:"currency"`
	Over     bool         `json:"over" doc:"Whether it is as much as couriers are asked to hand in."`
}

// Sheet is a page of those who carry cash.
type Sheet struct {
	page.Page[Purse]
	Limit money.Amount `json:"limit" doc:"From which amount on couriers are asked to hand it in; 0: never."`
}

// Mine is the cash that a courier carries, and what they handed in.
type Mine struct {
	Purse
	Limit   money.Amount      `json:"limit" doc:"From which amount on you are asked to hand it in; 0: never."`
	History page.Page[HandIn] `json:"history"`
}

// check returns an Invalid error for what can't have been counted, or a Conflict error (code "changed", "nothing") where there is something
// else to count than has, which is what the courier has.
func check(w *Wish, has money.Amount, currency string) error {
	switch {
	case w.Expected != has:
		return errs.New(errs.Conflict, "What the courier has changed meanwhile: it is %s now. Count again.", money.Format(has, currency)).WithCode("changed")
	case has == 0:
		return errs.New(errs.Conflict, "There is no cash to hand in.").WithCode("nothing")
	case w.Counted > money.Max:
		return errs.InvalidField("counted", "That is more than anybody can carry.")
	case has > 0 && w.Counted < 0:
		return errs.InvalidField("counted", "Nobody hands in less than nothing.")
	case has < 0 && (w.Counted > 0 || w.Counted < has):
		return errs.InvalidField("counted", "The town owes the courier: give a number between %s and 0.", money.Format(has, currency))
	case w.Counted == 0 && w.Choice == Keep:
		return errs.InvalidField("counted", "Say how much it was.")
	}
	return nil
}

// posting returns what a hand-in enters in the books.
func posting(h *HandIn) delivery.Posting {
	purse := delivery.Book{Kind: delivery.BookCash, Owner: h.Courier, Currency: h.Currency}
	p := delivery.Posting{Ref: "cash_in:" + h.ID.String(), What: "cash_in", By: h.By, At: h.At, Note: h.Note, Entries: []delivery.Entry{
		{Book: delivery.Book{Kind: delivery.BookBank, Currency: h.Currency}, Amount: h.Counted, What: "cash_in"},
		{Book: purse, Amount: -h.Counted, What: "cash_in"},
	}}
	if h.Choice == WriteOff {
		p.Entries = append(p.Entries,
			delivery.Entry{Book: delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubDifferences, Currency: h.Currency}, Amount: -h.Difference, What: "difference"},
			delivery.Entry{Book: purse, Amount: h.Difference, What: "difference"})
	}
	return p
}

// readAmount reads an amount as money.Parse does, but for one below zero as well.
func readAmount(s, currency string) (money.Amount, bool) {
	s, below := strings.CutPrefix(strings.TrimSpace(s), "-")
	n, ok := money.Parse(s, currency)
	if below {
		n = -n
	}
	return n, ok
}

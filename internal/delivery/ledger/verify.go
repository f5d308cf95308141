package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// The checks of Verify.
const (
	CheckPosting   = "posting"   // a posting that does not sum to zero, or whose entries are not all there
	CheckTotal     = "total"     // everything in a currency
	CheckReference = "reference" // entries without a posting or account, postings of an order that there is not
	CheckWallet    = "wallet"    // what wallets are kept to hold, against their entries; wallets below nothing
	CheckOrder     = "order"     // an order's entries, computed anew from what was bought
	CheckPayment   = "payment"   // the money of an order, against its payments
)

// Checks are all checks, in the order in which they are made.
var Checks = []string{CheckPosting, CheckTotal, CheckReference, CheckWallet, CheckOrder, CheckPayment}

// Finding is something in the books that must not be.
type Finding struct {
	Check string
	What  string // in words, in English
}

// maxFindings is how many findings of one check are listed.
const maxFindings = 100

// Checked is what a run of Verify looked at and found.
type Checked struct {
	Accounts, Postings, Entries, Orders int
	Payments                            bool                    // they were compared, too
	Debits                              map[string]money.Amount // the sum of all debits, by currency
	Found                               map[string]int          // how many findings of each check
	Findings                            []Finding               // at most 100 of each
}

func (c *Checked) found(check, format string, args ...any) {
	c.Found[check]++
	if c.Found[check] <= maxFindings {
		c.Findings = append(c.Findings, Finding{Check: check, What: fmt.Sprintf(format, args...)})
	}
}

// verifyChunk is how many orders are held in memory at once.
const verifyChunk = 500

// Verify reads the books as they are at one moment, and computes them a second time from what they are about: the sum of every posting and
// of everything, that nothing is missing or without its counterpart, what wallets hold, each order's entries from its snapshot, and, where
// Options.Payments is set, each order's money from its payments. What a courier was paid for an order depends on the rule of that day, which
// nobody keeps: of that it checks that both sides are there. It holds the accounts and some hundred orders in memory, however long the books.
func (s *Service) Verify(ctx context.Context) (c *Checked, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		c, err = s.verify(ctx, tx)
		return err
	})
	return c, err
}

func (s *Service) verify(ctx context.Context, tx *db.Tx) (*Checked, error) {
	c := &Checked{Debits: map[string]money.Amount{}, Found: map[string]int{}, Payments: s.opt.Payments != nil}
	accounts, err := allAccounts(ctx, tx)
	if err != nil {
		return nil, err
	}
	c.Accounts = len(accounts)
	if err := c.postings(ctx, tx, accounts); err != nil {
		return nil, err
	}
	lost, err := lostEntries(ctx, tx, maxFindings)
	if err != nil {
		return nil, err
	}
	for _, posting := range lost {
		c.found(CheckReference, "there are entries of posting %d, but there is no such posting", posting)
	}
	if err := s.verifyPots(ctx, tx, c, accounts); err != nil {
		return nil, err
	}
	return c, s.verifyOrders(ctx, tx, c)
}

// verifyPots compares what is in the pots of group orders with the shares that were paid.
func (s *Service) verifyPots(ctx context.Context, tx *db.Tx, c *Checked, accounts map[id.ID]*total) error {
	if s.opt.Payments == nil || s.opt.Pots == nil {
		return nil
	}
	want, err := s.opt.Pots.Pots(ctx, tx)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(accounts)) {
		if a := accounts[key]; a.book.Kind == delivery.BookPot {
			want[a.book.Owner] += a.sum
		}
	}
	for _, group := range slices.Sorted(maps.Keys(want)) {
		if want[group] != 0 {
			c.found(CheckPayment, "group order %d: its pot in the books differs by %d from the shares that were paid and not spent", group, want[group])
		}
	}
	return nil
}

// total is an account and what Verify sums up for it.
type total struct {
	book delivery.Book
	kept money.Amount
	sum  money.Amount
}

// postings goes through all entries once.
func (c *Checked) postings(ctx context.Context, tx *db.Tx, accounts map[id.ID]*total) error {
	sums, all := map[string]money.Amount{}, map[string]money.Amount{}
	var now head
	seen := 0
	end := func() {
		if now.id == 0 {
			return
		}
		c.Postings++
		for _, currency := range slices.Sorted(maps.Keys(sums)) {
			if sums[currency] != 0 {
				c.found(CheckPosting, "%s sums to %s", now.ref, money.Format(sums[currency], currency))
			}
		}
		if seen != now.lines {
			c.found(CheckPosting, "%s has %d entries and should have %d", now.ref, seen, now.lines)
		}
		clear(sums)
		seen = 0
	}
	err := eachEntry(ctx, tx, func(h head, e *rawEntry) {
		if h.id != now.id {
			end()
			now = h
		}
		if e == nil {
			return
		}
		c.Entries++
		seen++
		if e.at != h.at {
			c.found(CheckPosting, "%s: an entry has another time than it", h.ref)
		}
		a := accounts[e.account]
		if a == nil {
			c.found(CheckReference, "%s has an entry of account %d, but there is no such account", h.ref, e.account)
			return
		}
		a.sum += e.amount
		sums[a.book.Currency] += e.amount
		all[a.book.Currency] += e.amount
		c.Debits[a.book.Currency] += max(0, e.amount)
	})
	if err != nil {
		return err
	}
	end()
	for _, currency := range slices.Sorted(maps.Keys(all)) {
		if all[currency] != 0 {
			c.found(CheckTotal, "all accounts together hold %s and should hold nothing", money.Format(all[currency], currency))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(accounts)) {
		a := accounts[key]
		if a.book.Kind != delivery.BookWallet {
			continue
		}
		if a.kept != a.sum {
			c.found(CheckWallet, "%s is kept to hold %s, and its entries say %s", name(a.book), money.Format(-a.kept, a.book.Currency), money.Format(-a.sum, a.book.Currency))
		}
		if a.sum > 0 {
			c.found(CheckWallet, "%s is overdrawn by %s", name(a.book), money.Format(a.sum, a.book.Currency))
		}
	}
	return nil
}

// name returns an account in words for findings, such as "platform fees" or "tax 7 at 1900".
func name(b delivery.Book) string {
	parts := []string{string(b.Kind)}
	if b.Owner != 0 {
		parts = append(parts, b.Owner.String())
	}
	if b.Sub != "" {
		parts = append(parts, b.Sub)
	}
	if b.Kind == delivery.BookTax {
		parts = append(parts, fmt.Sprintf("at %d", b.Rate))
	}
	return strings.Join(parts, " ")
}

// verifyOrders compares the entries of every order with what they ought to be.
func (s *Service) verifyOrders(ctx context.Context, tx *db.Tx, c *Checked) error {
	began, err := firstAt(ctx, tx)
	if err != nil {
		return err
	}
	for after := id.ID(0); ; {
		list, err := s.opt.Orders.BoughtAfter(ctx, tx, after, verifyChunk)
		if err != nil {
			return err
		}
		last := id.ID(0) // no end: whatever is in the books after the last order is of none
		if len(list) == verifyChunk {
			last = list[len(list)-1].Order
		}
		stories, err := storiesOf(ctx, tx, after, last)
		if err != nil {
			return err
		}
		if err := s.verifyMoved(ctx, tx, c, stories, after, last); err != nil {
			return err
		}
		for i := range list {
			b := &list[i]
			c.Orders++
			st := stories[b.Order]
			delete(stories, b.Order)
			if st == nil {
				st = &story{}
			}
			if b.PlacedAt.Before(began) && st.sales == 0 {
				continue // from before there were books
			}
			for _, what := range compare(b, st) {
				c.found(CheckOrder, "%s: %s", b.Code, what)
			}
		}
		for _, order := range slices.Sorted(maps.Keys(stories)) {
			c.found(CheckReference, "there are postings of order %d, but there is no such order", order)
		}
		if last == 0 {
			return nil
		}
		after = last
	}
}

// verifyMoved compares what the books say that moved for orders above after, up to last, with what those say who moved it.
func (s *Service) verifyMoved(ctx context.Context, tx *db.Tx, c *Checked, stories map[id.ID]*story, after, last id.ID) error {
	if s.opt.Payments == nil {
		return nil
	}
	moved, err := s.opt.Payments.Moved(ctx, tx, after, last)
	if err != nil {
		return err
	}
	differs := func(order id.ID, in, at delivery.Moved) {
		if in.Taken != at.Taken || in.Returned != at.Returned {
			c.found(CheckPayment, "order %d: the books say that %d came in and %d went back, its payments %d and %d", order, in.Taken, in.Returned, at.Taken, at.Returned)
		}
	}
	paid := map[id.ID]bool{}
	for _, m := range moved {
		paid[m.Order] = true
		var in delivery.Moved
		if st := stories[m.Order]; st != nil {
			in = st.moved
		}
		differs(m.Order, in, m)
	}
	for _, order := range slices.Sorted(maps.Keys(stories)) {
		if !paid[order] {
			differs(order, stories[order].moved, delivery.Moved{})
		}
	}
	return nil
}

// story is what the books hold of an order.
type story struct {
	claims  []delivery.Entry // all that say who is owed what
	refunds []delivery.Entry // those of what was given up in parts since it was last taken back
	earned  []delivery.Entry // those of who earned what since it was last taken back
	sales   int              // how often it was sold
	moved   delivery.Moved
}

// add takes in an entry of a posting of a kind.
func (st *story) add(kind string, first bool, e delivery.Entry) {
	if claims(kind) {
		st.claims = append(st.claims, e)
	}
	switch kind {
	case sold:
		if first {
			st.sales++
		}
	case unsold:
		st.refunds, st.earned = nil, nil
	case refunded:
		st.refunds = append(st.refunds, e)
	case earned:
		if first {
			st.earned = nil
		}
		st.earned = append(st.earned, e)
	case paid:
		if e.Book.Kind == delivery.BookCustomer {
			st.moved.Taken -= e.Amount
		}
	case paidBack:
		if e.Book.Kind == delivery.BookProvider && e.What == paidBack {
			st.moved.Returned -= e.Amount
		}
	}
}

// courier returns whom entries name as courier, else the one given.
func courier(list []delivery.Entry, or id.ID) id.ID {
	for _, e := range list {
		if e.Book.Kind == delivery.BookCourier {
			return e.Book.Owner
		}
	}
	return or
}

// compare returns what is wrong with an order's entries, in words.
func compare(b *delivery.Bought, st *story) (wrong []string) {
	var want []delivery.Entry
	add := func(list []delivery.Entry, err error) {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		want = append(want, list...)
	}
	switch {
	case b.Ended && st.sales > 0:
		add(owed(&b.Sale, b.Answers, courier(lessThan(st.claims, nil), b.Courier), b.Cooked))
	case b.Ended: // before its restaurant saw it: nothing is left of it
	default:
		add(spend(&b.Sale), nil)
		if b.Sold {
			add(sell(&b.Sale))
		}
		if b.Earned {
			var pay money.Amount
			for _, e := range st.earned {
				if e.Book.Kind == delivery.BookPlatform && e.Book.Sub == delivery.SubCourierPay {
					pay += e.Amount
				}
			}
			add(earn(&b.Sale, courier(st.earned, b.Courier), pay), nil)
		}
		want = append(want, st.refunds...)
	}
	for _, e := range lessThan(want, st.claims) {
		wrong = append(wrong, fmt.Sprintf("%s lacks %s", name(e.Book), money.Format(e.Amount, e.Book.Currency)))
	}
	return wrong
}

// forever is later than anything.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

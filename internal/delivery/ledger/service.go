package ledger

import (
	"context"
	"embed"
	"fmt"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables of the books.
//
//go:embed schema/*.sql
var Schema embed.FS

// Orders is what the books ask of orders. delivery/order answers.
type Orders interface {
	// Bought returns an order as it stands in tx, or a NotFound error.
	Bought(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Bought, error)
	// BoughtAfter returns orders with ids above after, in their order, at most limit.
	BoughtAfter(ctx context.Context, tx *db.Tx, after id.ID, limit int) ([]delivery.Bought, error)
}

// Payments is what Verify asks of payments.
type Payments interface {
	// Moved returns what came in and went back for orders with ids above after, up to last (0: all), of which anything did.
	Moved(ctx context.Context, tx *db.Tx, after, last id.ID) ([]delivery.Moved, error)
}

// Pots is what Verify asks of group orders.
type Pots interface {
	// Pots returns what ought to be in each group order's pot, as those know who moved it.
	Pots(ctx context.Context, tx *db.Tx) (map[id.ID]money.Amount, error)
}

// Options are what the books ask of others and the town's rules.
type Options struct {
	Orders   Orders
	Payments Payments // nil: Verify does not look at them
	Pots     Pots     // goes with Payments
	// Pay says what couriers earn now; nil: nothing.
	Pay func() delivery.CourierPay

	// What the pages need besides.

	Zone *time.Location // the town's; nil: UTC
	// Name returns what the account or restaurant with an id is called, "" where it is not known any more.
	Name func(ctx context.Context, owner id.ID) string
	// Unclear lists what is unclear at providers; nil: the page has no such list.
	Unclear func(ctx context.Context) ([]Unclear, error)
	// Ask asks an order's provider at once about what is unclear, or once more for what it refused. It goes with Unclear.
	Ask func(ctx context.Context, order id.ID) error
	// Incidents lists what does not agree about payments and nobody has seen to, newest first; Close says that the actor has. They go with
	// Unclear.
	Incidents func(ctx context.Context) ([]Incident, error)
	Close     func(ctx context.Context, incident id.ID) error
}

// Service keeps the books. Safe for concurrent use.
type Service struct {
	db  *db.DB
	ids *id.Source
	now clock.Func
	opt Options

	mu    sync.RWMutex
	known map[delivery.Book]id.ID // accounts that are on disk
}

// New returns a Service.
func New(d *db.DB, ids *id.Source, now clock.Func, o Options) *Service {
	return &Service{db: d, ids: ids, now: now, opt: o, known: map[delivery.Book]id.ID{}}
}

// Post enters a movement of money. A posting whose Ref is in the books already changes nothing where it is the same, and is an error where
// it is another. It returns an error where the entries do not sum to zero in each currency, and a Conflict error (code "changed") where
// they take more from a wallet than there is.
func (s *Service) Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error {
	if err := check(&p); err != nil {
		return err
	}
	fresh, err := s.post(ctx, tx, &p)
	if err != nil || fresh {
		return err
	}
	return same(ctx, tx, &p)
}

// post enters a posting and reports whether its ref was not in the books.
func (s *Service) post(ctx context.Context, tx *db.Tx, p *delivery.Posting) (fresh bool, err error) {
	key := s.ids.Next()
	if fresh, err = insertPosting(ctx, tx, key, p); err != nil || !fresh {
		return false, err
	}
	accounts := make([]id.ID, len(p.Entries))
	for i := range p.Entries {
		if accounts[i], err = s.account(ctx, tx, p.Entries[i].Book); err != nil {
			return false, err
		}
	}
	if err := insertEntries(ctx, tx, key, p, accounts); err != nil {
		return false, err
	}
	for i, e := range p.Entries {
		if e.Book.Kind != delivery.BookWallet {
			continue
		}
		ok, err := moveBalance(ctx, tx, accounts[i], e.Amount)
		if err != nil {
			return false, err
		}
		if !ok {
			return false, errs.New(errs.Conflict, "There is less credit than that by now.").WithCode("changed")
		}
	}
	return true, nil
}

// check refuses a posting that must not stand in any books, and leaves out entries of nothing.
func check(p *delivery.Posting) error {
	if p.Ref == "" || len(p.Ref) > 200 || p.What == "" {
		return fmt.Errorf("ledger: a posting needs a ref and a kind: %q %q", p.Ref, p.What)
	}
	kept := make([]delivery.Entry, 0, len(p.Entries))
	sums := map[string]money.Amount{}
	for _, e := range p.Entries {
		switch {
		case len(e.Book.Currency) != 3:
			return fmt.Errorf("ledger: posting %s: an entry has the currency %q", p.Ref, e.Book.Currency)
		case e.Amount > maxEntry || e.Amount < -maxEntry:
			return fmt.Errorf("ledger: posting %s: an entry of %d", p.Ref, e.Amount)
		case !kinds[e.Book.Kind]:
			return fmt.Errorf("ledger: posting %s: there are no accounts of kind %q", p.Ref, e.Book.Kind)
		}
		sums[e.Book.Currency] += e.Amount
		if e.Amount != 0 {
			kept = append(kept, e)
		}
	}
	for currency, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("ledger: posting %s sums to %s and not to zero", p.Ref, money.Format(sum, currency))
		}
	}
	if len(kept) > maxEntries {
		return fmt.Errorf("ledger: posting %s has %d entries; %d is the most", p.Ref, len(kept), maxEntries)
	}
	p.Entries = kept
	return nil
}

// maxEntry is the largest entry, and maxEntries how many a posting has at most: their sum stays far within 63 bits.
const (
	maxEntry   = 1000 * money.Max
	maxEntries = 1000
)

// kinds are all kinds of accounts.
var kinds = map[delivery.BookKind]bool{
	delivery.BookCustomer: true, delivery.BookRestaurant: true, delivery.BookCourier: true, delivery.BookCash: true, delivery.BookTips: true,
	delivery.BookPlatform: true, delivery.BookProvider: true, delivery.BookBank: true, delivery.BookTax: true, delivery.BookWallet: true,
	delivery.BookGift: true, delivery.BookPot: true,
}

// same returns an error where the posting that has p's ref is not p.
func same(ctx context.Context, tx *db.Tx, p *delivery.Posting) error {
	what, order, lines, err := postingByRef(ctx, tx, p.Ref)
	if err != nil {
		return err
	}
	equal := what == p.What && order == p.Order && len(lines) == len(p.Entries)
	for i := 0; equal && i < len(lines); i++ {
		equal = lines[i] == p.Entries[i]
	}
	if !equal {
		return fmt.Errorf("ledger: another posting has the ref %s", p.Ref)
	}
	return nil
}

// maxKnown bounds the accounts that are remembered. A town has fewer; one that has more looks some up again.
const maxKnown = 200_000

// account returns the id of an account, which it opens where there is none.
func (s *Service) account(ctx context.Context, tx *db.Tx, b delivery.Book) (id.ID, error) {
	s.mu.RLock()
	key, ok := s.known[b]
	s.mu.RUnlock()
	if ok {
		return key, nil
	}
	key, err := openAccount(ctx, tx, s.ids.Next(), b)
	if err != nil {
		return 0, err
	}
	tx.AfterCommit(func() { // not before: a rollback would take the account with it
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.known) >= maxKnown {
			clear(s.known)
		}
		s.known[b] = key
	})
	return key, nil
}

// Balance returns the sum of an account's entries: a debit above zero, a credit below.
func (s *Service) Balance(ctx context.Context, tx *db.Tx, b delivery.Book) (money.Amount, error) {
	return balance(ctx, tx, b)
}

// Credit returns how much an account has to spend in a currency.
func (s *Service) Credit(ctx context.Context, account id.ID, currency string) (has money.Amount, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		has, err = kept(ctx, tx, delivery.Book{Kind: delivery.BookWallet, Owner: account, Currency: currency})
		return err
	})
	return -has, err
}

// Spend takes an order's credit from its customer's, or returns a Conflict error (code "changed") where there is less by now.
func (s *Service) Spend(ctx context.Context, tx *db.Tx, sale delivery.Sale, at time.Time) error {
	return s.ofRound(ctx, tx, delivery.Posting{Ref: "credit:" + sale.Order.String(), What: credited, Order: sale.Order, At: at, Entries: spend(&sale)})
}

// Sell enters what was bought. To do it again changes nothing.
func (s *Service) Sell(ctx context.Context, tx *db.Tx, sale delivery.Sale, at time.Time) error {
	list, err := sell(&sale)
	if err != nil {
		return err
	}
	return s.ofRound(ctx, tx, delivery.Posting{Ref: "sale:" + sale.Order.String(), What: sold, Order: sale.Order, At: at, Entries: list})
}

// ofRound enters a posting of which an order has one, or one more each time it was cancelled and taken up again. Most orders never are: only
// one whose ref is taken is looked at.
func (s *Service) ofRound(ctx context.Context, tx *db.Tx, p delivery.Posting) error {
	if err := check(&p); err != nil {
		return err
	}
	fresh, err := s.post(ctx, tx, &p)
	if err != nil || fresh {
		return err
	}
	n, err := unsales(ctx, tx, p.Order)
	if err != nil {
		return err
	}
	if p.Ref = round(p.Ref, n); n == 0 {
		return same(ctx, tx, &p)
	}
	return s.Post(ctx, tx, p)
}

// round returns the ref of a posting in an order's round n.
func round(ref string, n int) string {
	if n == 0 {
		return ref
	}
	return fmt.Sprintf("%s:%d", ref, n)
}

// Earn enters who earns what, now that an order is delivered or paid for all the same; courier 0: nobody brought it. An order from before
// there were books is entered first. To do it again changes nothing, whatever couriers are paid by then.
func (s *Service) Earn(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error {
	if err := lock(ctx, tx, order); err != nil {
		return err
	}
	b, err := s.opt.Orders.Bought(ctx, tx, order)
	if err != nil {
		return err
	}
	n, err := unsales(ctx, tx, order)
	if err != nil {
		return err
	}
	ref := round("earned:"+order.String(), n)
	if done, err := hasRef(ctx, tx, ref); err != nil || done {
		return err
	}
	if err := s.Sell(ctx, tx, b.Sale, at); err != nil {
		return err
	}
	var pay money.Amount
	if s.opt.Pay != nil {
		pay = payFor(&b.Sale, s.opt.Pay())
	}
	return s.Post(ctx, tx, delivery.Posting{Ref: ref, What: earned, Order: order, At: at, Entries: earn(&b.Sale, courier, pay)})
}

// Unsell takes all of that back that was entered of an order, but not the money that moved. Where food was cooked that somebody else than
// the restaurant has to answer for, they pay it to the restaurant. To do it again changes nothing.
func (s *Service) Unsell(ctx context.Context, tx *db.Tx, order id.ID, answers delivery.Party, cooked bool, at time.Time) error {
	if err := lock(ctx, tx, order); err != nil {
		return err
	}
	stands, n, err := claimed(ctx, tx, order)
	if err != nil || len(stands) == 0 {
		return err
	}
	var target []delivery.Entry
	if cooked {
		b, err := s.opt.Orders.Bought(ctx, tx, order)
		if err != nil {
			return err
		}
		if target, err = owed(&b.Sale, answers, b.Courier, cooked); err != nil {
			return err
		}
	}
	change := lessThan(target, stands)
	if len(change) == 0 {
		return nil
	}
	return s.Post(ctx, tx, delivery.Posting{Ref: round("unsale:"+order.String(), n), What: unsold, Order: order, At: at, Entries: change})
}

// Take enters money that came in for an order, or for a share in a group order.
func (s *Service) Take(ctx context.Context, tx *db.Tx, m delivery.Taken) error {
	if m.Group != 0 {
		return s.Post(ctx, tx, delivery.Posting{Ref: "share:" + m.Order.String(), What: shareIn, At: m.At, Entries: takeShare(&m)})
	}
	b, err := s.opt.Orders.Bought(ctx, tx, m.Order)
	if err != nil {
		return err
	}
	if m.Ref == "" {
		m.Ref = "paid:" + m.Order.String()
	}
	return s.Post(ctx, tx, delivery.Posting{Ref: m.Ref, What: paid, Order: m.Order, By: m.By, At: m.At, Entries: take(&b.Sale, &m)})
}

// Return enters money that went back to a customer.
func (s *Service) Return(ctx context.Context, tx *db.Tx, m delivery.Returned) error {
	if m.Group != 0 {
		return s.Post(ctx, tx, delivery.Posting{Ref: fmt.Sprintf("share_back:%d:%d", m.Order, m.Refund), What: shareBack, At: m.At, Entries: giveShareBack(&m)})
	}
	b, err := s.opt.Orders.Bought(ctx, tx, m.Order)
	if err != nil {
		return err
	}
	if m.Ref == "" {
		m.Ref = fmt.Sprintf("paid_back:%d:%d", m.Order, m.Refund)
	}
	return s.Post(ctx, tx, delivery.Posting{Ref: m.Ref, What: paidBack, Order: m.Order, By: m.By, At: m.At, Entries: giveBack(&b.Sale, &m)})
}

// Refund enters that a part of an order's price is given up, and who bears it.
func (s *Service) Refund(ctx context.Context, tx *db.Tx, r delivery.Refund) error {
	if err := lock(ctx, tx, r.Order); err != nil {
		return err
	}
	b, err := s.opt.Orders.Bought(ctx, tx, r.Order)
	if err != nil {
		return err
	}
	list, err := refund(&b.Sale, &r, b.Courier)
	if err != nil {
		return err
	}
	return s.Post(ctx, tx, delivery.Posting{Ref: "refund:" + r.ID.String(), What: refunded, Order: r.Order, By: r.By, At: r.At, Note: r.Reason, Entries: list})
}

// Unrefund takes back a refund that came to nothing, since the card's provider refused it. To do it again changes nothing.
func (s *Service) Unrefund(ctx context.Context, tx *db.Tx, order, refund id.ID, at time.Time) error {
	if err := lock(ctx, tx, order); err != nil {
		return err
	}
	_, of, list, err := postingByRef(ctx, tx, "refund:"+refund.String())
	if err != nil {
		return err
	}
	if of != order {
		return fmt.Errorf("ledger: refund %d is not of order %d", refund, order)
	}
	for i := range list {
		list[i].Amount = -list[i].Amount
	}
	return s.Post(ctx, tx, delivery.Posting{Ref: "unrefund:" + refund.String(), What: refunded, Order: order, At: at, Entries: list})
}

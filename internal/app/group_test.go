package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/cart"
	"github.com/stoa-town/stoa/internal/delivery/group"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/wallet"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// table is a group order of Anna, who opened it, and others with a dish of 10.50 each.
type table struct {
	*place
	token  string
	anna   access.Actor
	others []access.Actor
}

func (p *place) table(t *testing.T, others ...string) *table {
	t.Helper()
	tb := &table{place: p, anna: p.person(t, "anna", "Anna")}
	g, err := p.GroupOrders.Create(as(tb.anna), p.shop, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	tb.token = g.Token
	for _, name := range others {
		tb.others = append(tb.others, p.person(t, name, name))
	}
	for _, a := range append([]access.Actor{tb.anna}, tb.others...) {
		who := group.Who{Account: a.ID, Name: a.Name}
		if err := p.GroupOrders.Join(as(a), tb.token, who); err != nil {
			t.Fatal(err)
		}
		if err := p.GroupOrders.Add(as(a), tb.token, who, group.Cart{Restaurant: p.shop, Lines: []delivery.LineRequest{{Item: p.dish, Qty: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	return tb
}

// see returns the group order as somebody sees it.
func (tb *table) see(t *testing.T, a access.Actor) *group.Group {
	t.Helper()
	g, err := tb.GroupOrders.Get(t.Context(), tb.token, group.Who{Account: a.ID})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// place has Anna order for all, to be fetched, and pay what is left with a card.
func (tb *table) place1(t *testing.T, key, card string) (*delivery.Placed, error) {
	t.Helper()
	if err := tb.GroupOrders.Checkout(as(tb.anna), tb.token); err != nil {
		t.Fatal(err)
	}
	req := delivery.QuoteRequest{Restaurant: tb.shop, Mode: delivery.Pickup, Lines: []delivery.LineRequest{{Item: tb.dish, Qty: 1 + len(tb.others)}}}
	q, err := cart.NewQuoter(tb.Restaurants, tb.Menus, tb.Promotions, tb.clock.Now, time.Minute).Quote(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return tb.Orders.Place(as(tb.anna), key, delivery.PlaceRequest{QuoteRequest: req, Fingerprint: q.Fingerprint, Method: delivery.PayByCard, Card: card, Group: tb.token, Name: "Anna", Phone: "1"})
}

func (tb *table) pay(a access.Actor, p group.Pay) error {
	return tb.GroupOrders.PayShare(as(a), tb.token, p)
}

// has fails where somebody's credit is not what it should be.
func (tb *table) has(t *testing.T, a access.Actor, want money.Amount) {
	t.Helper()
	if got, err := tb.Ledger.Credit(t.Context(), a.ID, "EUR"); err != nil || got != want {
		t.Errorf("%s has a credit of %d, %v; want %d", a.Handle, got, err, want)
	}
}

// pot fails where the books hold another sum for the group order.
func (tb *table) pot(t *testing.T, want money.Amount) {
	t.Helper()
	g := tb.see(t, tb.anna)
	var got money.Amount
	if err := tb.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
		got, err = tb.Ledger.Balance(t.Context(), tx, delivery.Book{Kind: delivery.BookPot, Owner: g.ID, Currency: "EUR"})
		return err
	}); err != nil || -got != want {
		t.Errorf("the pot holds %d, %v; want %d", -got, err, want)
	}
}

func (tb *table) give(t *testing.T, a access.Actor, amount money.Amount) {
	t.Helper()
	if _, err := tb.Wallet.Give(as(tb.admin), "give-"+a.Handle, wallet.Grant{Account: a.ID, Amount: amount, Reason: "gift"}); err != nil {
		t.Fatal(err)
	}
}

func byCard(card string) group.Pay { return group.Pay{Method: delivery.PayByCard, Card: card} }

var byCredit = group.Pay{Method: delivery.PayByCredit}

func TestEverybodyPaysTheirOwnShareAndGetsItBackWhenTheOrderIsCancelled(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		tb := p.table(t, "bruno", "carla", "dora")
		bruno, carla, dora := tb.others[0], tb.others[1], tb.others[2]
		tb.give(t, bruno, 2000)
		if err := tb.pay(bruno, byCredit); errs.CodeOf(err) != "group_state" {
			t.Errorf("a share before they are collected: %v; want group_state", err)
		}
		if err := tb.GroupOrders.Collect(as(bruno), tb.token, 0); !errs.Is(err, errs.Forbidden) {
			t.Errorf("somebody else collects: %v; want forbidden", err)
		}
		if err := tb.GroupOrders.Collect(as(tb.anna), tb.token, 203); err != nil {
			t.Fatal(err)
		}
		// 2.03 in four parts: 51, 51, 51, 50 (the first cents go to the first).
		g := tb.see(t, bruno)
		if g.Members[1].Share != 1101 || g.Members[3].Share != 1100 || g.Members[1].State != group.ShareDue || g.Members[0].State != "" {
			t.Fatalf("what is to be paid: %+v", g.Members)
		}
		for _, try := range []struct {
			what string
			who  access.Actor
			pay  group.Pay
			code string
		}{
			{"the host", tb.anna, byCard("tok_ok"), ""},
			{"a stranger", p.admin, byCard("tok_ok"), ""},
			{"no card", carla, byCard(""), "-"},
			{"at the door", carla, group.Pay{Method: delivery.PayOnDelivery}, "-"},
			{"a declined card", carla, byCard("tok_declined"), "card_declined"},
			{"no credit", carla, byCredit, "too_little_credit"},
		} {
			err := tb.pay(try.who, try.pay)
			kind := errs.Invalid
			if try.code == "" {
				kind = errs.Forbidden
			}
			if !errs.Is(err, kind) || errs.CodeOf(err) != strings.Trim(try.code, "-") {
				t.Errorf("%s: %v", try.what, err)
			}
		}
		tb.pot(t, 0)
		for _, ok := range []error{tb.pay(bruno, byCredit), tb.pay(bruno, byCredit), tb.pay(bruno, byCard("tok_ok")), tb.pay(carla, byCard("tok_ok")), tb.pay(carla, byCard("tok_ok"))} {
			if ok != nil {
				t.Fatal(ok)
			}
		}
		tb.has(t, bruno, 2000-1101)
		tb.pot(t, 1101+1101)
		if g := tb.see(t, bruno); g.Pot != 2202 || g.Members[2].State != group.SharePaid || g.Members[3].State != group.ShareDue {
			t.Fatalf("after two have paid: %+v", g)
		}
		p.verified(t)

		// The host's own card is declined: the shares wait for another try. Dora pays hers meanwhile.
		if _, err := tb.place1(t, "k1", "tok_declined"); errs.CodeOf(err) != "card_declined" {
			t.Fatalf("the host's card: %v; want card_declined", err)
		}
		tb.pot(t, 2202)
		tb.has(t, tb.anna, 0)
		if err := tb.pay(dora, byCard("tok_3ds")); err != nil {
			t.Fatal(err)
		}
		g = tb.see(t, dora)
		if m := g.Members[3]; m.State != group.ShareWaiting || m.Action == nil || m.Action.URL == "" {
			t.Fatalf("Dora's bank asks nothing: %+v", m)
		}
		if m := tb.see(t, bruno).Members[3]; m.Action != nil {
			t.Error("what Dora's bank asks is shown to others")
		}
		placed, err := tb.place1(t, "k2", "tok_ok")
		if err != nil {
			t.Fatal(err)
		}
		p.announced(t, placed.Order)
		v, err := p.Orders.Get(as(tb.anna), placed.Order)
		if err != nil || v.Total != 4200 || v.Pot != 2202 || v.Credit != 2202 || v.Due != 0 {
			t.Fatalf("the order: total %d, pot %d, credit %d, due %d, %v", v.Total, v.Pot, v.Credit, v.Due, err)
		}
		p.paid(t, placed.Order, delivery.PaymentAuthorised)
		tb.pot(t, 0)
		tb.has(t, tb.anna, 0)
		until(t, "the group order is ordered", func() bool { return tb.see(t, tb.anna).State == group.Ordered })
		g = tb.see(t, tb.anna)
		if !g.Members[1].Paid || g.Members[1].Share != 1101 || g.Members[0].Share+g.Members[1].Share+g.Members[2].Share+g.Members[3].Share != 4200 {
			t.Fatalf("who pays what of the order: %+v", g.Members)
		}
		p.verified(t)

		// Cancelled: everybody gets theirs, the way it came. Dora's was never in it.
		if _, err := p.Orders.Cancel(as(p.admin), placed.Order, order.Why{Reason: "OTHER"}); err != nil {
			t.Fatal(err)
		}
		p.paid(t, placed.Order, delivery.PaymentVoided)
		until(t, "the pot is empty", func() bool {
			var sum money.Amount
			err := p.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
				sum, err = p.Ledger.Balance(t.Context(), tx, delivery.Book{Kind: delivery.BookPot, Owner: g.ID, Currency: "EUR"})
				return err
			})
			return err == nil && sum == 0
		})
		tb.has(t, bruno, 2000)
		tb.has(t, tb.anna, 0)
		if g := tb.see(t, tb.anna); g.Members[1].State != group.ShareReturned || g.Members[1].Paid || g.Members[2].State != group.ShareReturned {
			t.Errorf("after the order was cancelled: %+v", g.Members)
		}
		if _, err := p.Orders.Restore(as(p.admin), placed.Order); errs.CodeOf(err) != "pot_gone" {
			t.Errorf("taken up again without the shares: %v; want pot_gone", err)
		}
		p.verified(t)
	})
}

func TestSharesGoBackWhenNothingIsOrdered(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		tb := p.table(t, "bruno", "carla")
		bruno, carla := tb.others[0], tb.others[1]
		tb.give(t, bruno, 1050)
		for round, end := range []func(){
			func() {
				if err := tb.GroupOrders.Reopen(as(tb.anna), tb.token); err != nil {
					t.Fatal(err)
				}
			},
			func() { p.clock.Advance(group.CollectFor + 10*time.Minute) },
			func() {
				if err := tb.GroupOrders.Close(as(tb.anna), tb.token); err != nil {
					t.Fatal(err)
				}
			},
		} {
			if err := tb.GroupOrders.Collect(as(tb.anna), tb.token, 0); err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{tb.pay(bruno, byCredit), tb.pay(carla, byCard("tok_ok"))} {
				if err != nil {
					t.Fatal(err)
				}
			}
			tb.has(t, bruno, 0)
			tb.pot(t, 2100)
			end()
			until(t, fmt.Sprintf("round %d: the shares are back", round), func() bool {
				g := tb.see(t, tb.anna)
				return g.State != group.Locked && !g.Collecting
			})
			tb.has(t, bruno, 1050)
			until(t, "the card has its money", func() bool {
				var sums map[id.ID]money.Amount
				err := p.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
					sums, err = p.Payments.Shares(t.Context(), tx)
					return err
				})
				return err == nil && sums[tb.see(t, tb.anna).ID] == 0
			})
			tb.pot(t, 0)
			p.verified(t)
		}
		if err := tb.pay(bruno, byCredit); errs.CodeOf(err) != "group_state" {
			t.Errorf("a share of what was given up: %v; want group_state", err)
		}
	})
}

func TestWhatOthersPaidIsNeverSpentTwiceNorLost(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		names := make([]string, 12)
		for i := range names {
			names[i] = fmt.Sprintf("guest%d", i)
		}
		tb := p.table(t, names...)
		for _, a := range tb.others[:6] {
			tb.give(t, a, 3000)
		}
		if err := tb.GroupOrders.Collect(as(tb.anna), tb.token, 0); err != nil {
			t.Fatal(err)
		}
		// Everybody pays five times at once, and the host orders three times with different keys meanwhile.
		var wg sync.WaitGroup
		for i, a := range tb.others {
			for range 5 {
				wg.Go(func() {
					how := byCard("tok_ok")
					if i < 6 {
						how = byCredit
					}
					if err := tb.pay(a, how); err != nil && errs.CodeOf(err) != "group_state" && !errs.Is(err, errs.Forbidden) {
						t.Errorf("%s pays: %v", a.Handle, err)
					}
				})
			}
		}
		placed := make(chan *delivery.Placed, 3)
		for i := range 3 {
			wg.Go(func() {
				if o, err := tb.place1(t, fmt.Sprintf("key-%d", i), "tok_ok"); err == nil {
					placed <- o
				} else if errs.Is(err, errs.Internal) {
					t.Errorf("the host orders: %v", err)
				}
			})
		}
		wg.Wait()
		close(placed)
		var spent money.Amount
		for o := range placed {
			v, err := p.Orders.Get(as(tb.anna), o.Order)
			if err != nil {
				t.Fatal(err)
			}
			spent += v.Pot
		}
		var left money.Amount
		if err := p.DB.Read(t.Context(), func(tx *db.Tx) error {
			sums, err := p.GroupOrders.Pots(t.Context(), tx)
			left = sums[tb.see(t, tb.anna).ID]
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var paid money.Amount
		for i, a := range tb.others {
			credit, err := p.Ledger.Credit(context.Background(), a.ID, "EUR")
			if err != nil {
				t.Fatal(err)
			}
			if i < 6 && credit != 3000 && credit != 1950 {
				t.Errorf("%s has %d left of 3000: paid more than once", a.Handle, credit)
			}
			if i < 6 {
				paid += 3000 - credit
			}
		}
		if spent+left < paid {
			t.Errorf("%d was paid from credit, %d spent and %d is left", paid, spent, left)
		}
		p.verified(t)
	})
}

func TestTheBooksNoticeAPotThatIsNotWhatWasPaid(t *testing.T) {
	p := newPlace(t, "")
	tb := p.table(t, "bruno", "carla")
	tb.give(t, tb.others[0], 1050)
	if err := tb.GroupOrders.Collect(as(tb.anna), tb.token, 0); err != nil {
		t.Fatal(err)
	}
	for i, how := range []group.Pay{byCredit, byCard("tok_ok")} {
		if err := tb.pay(tb.others[i], how); err != nil {
			t.Fatal(err)
		}
	}
	p.verified(t)
	for _, damage := range []string{
		`UPDATE group_share SET amount = amount + 1 WHERE method = 'credit'`,
		`UPDATE payment SET amount = amount - 2 WHERE group_id <> 0`,
		`DELETE FROM group_share WHERE method = 'credit'`,
	} {
		if err := p.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), damage)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		c, err := p.Ledger.Verify(t.Context())
		if err != nil || c.Found[ledger.CheckPayment] != 1 || len(c.Findings) != 1 {
			t.Errorf("after %s: %+v, %v", damage, c, err)
		}
	}
}

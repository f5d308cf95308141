package wallet

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/idem"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type town struct {
	*Service
	clock *clock.Manual
	books *ledger.Service
	mu    sync.Mutex
	tries map[string]int
}

func newTown(d *db.DB) *town {
	t := &town{clock: clock.NewManual(noon), tries: map[string]int{}}
	ids := id.NewSource(1)
	t.books = ledger.New(d, ids, t.clock.Now, ledger.Options{})
	t.Service = New(Deps{
		DB: d, IDs: ids, Now: t.clock.Now, Books: t.books, Currency: "EUR",
		Try: func(_ context.Context, key string, most int) error {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.tries[key]++; t.tries[key] > most {
				return errs.New(errs.TooMany, "Too many tries.")
			}
			return nil
		},
		Name: func(_ context.Context, account id.ID) (string, error) {
			if account == 404 {
				return "", errs.New(errs.NotFound, "There is no such account.")
			}
			return "Anna", nil
		},
		Audit: func(context.Context, *db.Tx, string, string, map[string]any) error { return nil },
	})
	return t
}

func as(t testing.TB, account id.ID) context.Context {
	return access.With(t.Context(), access.Actor{ID: account})
}

func asAdmin(t testing.TB) context.Context {
	return access.With(t.Context(), access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleAdmin}}})
}

func (tw *town) balance(t testing.TB, b delivery.Book) (sum money.Amount) {
	t.Helper()
	err := tw.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
		sum, err = tw.books.Balance(t.Context(), tx, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestAGiftCodeIsRedeemedOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		for round := range 20 {
			b, err := tw.MakeGifts(asAdmin(t), id.Secret(), NewBatch{Amount: 2500, Count: 1})
			if err != nil || len(b.Codes) != 1 {
				t.Fatalf("MakeGifts = %+v, %v", b, err)
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := 0
			for i := range 100 {
				wg.Go(func() {
					_, err := tw.Redeem(as(t, id.ID(1000*(round+1)+i)), b.Codes[0])
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
					case errs.CodeOf(err) != "gift_used":
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wg.Wait()
			if won != 1 {
				t.Fatalf("round %d: redeemed by %d", round, won)
			}
		}
		if open, given := tw.balance(t, gifts("EUR")), tw.balance(t, promotions("EUR")); open != 0 || given != 20*2500 {
			t.Fatalf("the books: %d not redeemed, %d given; want 0 and %d", open, given, 20*2500)
		}
	}, Schema, ledger.Schema, idem.Schema)
}

func TestCreditIsGivenOnceForEachKeyAndShown(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		give := Grant{Account: 5, Amount: 1200, Reason: " a cold  dinner "}
		for range 3 {
			if _, err := tw.Give(asAdmin(t), "k1", give); err != nil {
				t.Fatalf("Give: %v", err)
			}
		}
		b, err := tw.MakeGifts(asAdmin(t), "k2", NewBatch{Amount: 500, Count: 2, Note: "fair"})
		if err != nil {
			t.Fatal(err)
		}
		again, err := tw.MakeGifts(asAdmin(t), "k2", NewBatch{Amount: 500, Count: 2, Note: "fair"})
		if err != nil || again.ID != b.ID || len(again.Codes) != 0 {
			t.Fatalf("the same key again: %+v, %v; want the batch without its codes", again, err)
		}
		typed := strings.ToLower(strings.ReplaceAll(b.Codes[0], "-", " "))
		c, err := tw.Redeem(as(t, 5), typed)
		if err != nil || c.Balance != 1700 || c.Currency != "EUR" || len(c.History) != 2 {
			t.Fatalf("Redeem = %+v, %v", c, err)
		}
		if m := c.History[0]; m.What != "redeemed" || m.Amount != 500 {
			t.Errorf("newest: %+v", m)
		}
		if m := c.History[1]; m.What != "granted" || m.Amount != 1200 || m.Note != "a cold dinner" {
			t.Errorf("oldest: %+v", m)
		}
		if other, err := tw.Mine(as(t, 6)); err != nil || other.Balance != 0 || len(other.History) != 0 {
			t.Errorf("another's: %+v, %v", other, err)
		}
	}, Schema, ledger.Schema, idem.Schema)
}

func TestOnlyAdminsGiveCreditAndMakeCodes(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, ledger.Schema, idem.Schema))
	if _, err := tw.Give(as(t, 5), "k", Grant{Account: 5, Amount: 100, Reason: "me"}); !errs.Is(err, errs.Forbidden) {
		t.Errorf("Give by a customer: %v; want forbidden", err)
	}
	if _, err := tw.MakeGifts(as(t, 5), "k", NewBatch{Amount: 100, Count: 1}); !errs.Is(err, errs.Forbidden) {
		t.Errorf("MakeGifts by a customer: %v; want forbidden", err)
	}
	if err := tw.EndGifts(as(t, 5), 1); !errs.Is(err, errs.Forbidden) {
		t.Errorf("EndGifts by a customer: %v; want forbidden", err)
	}
	for name, g := range map[string]Grant{"nothing": {Account: 5, Reason: "x"}, "a debt": {Account: 5, Amount: -1, Reason: "x"}, "too much": {Account: 5, Amount: MaxAmount + 1, Reason: "x"}, "no reason": {Account: 5, Amount: 1, Reason: " "}} {
		if _, err := tw.Give(asAdmin(t), "k", g); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v; want invalid", name, err)
		}
	}
	if _, err := tw.Give(asAdmin(t), "k", Grant{Account: 404, Amount: 1, Reason: "x"}); !errs.Is(err, errs.NotFound) {
		t.Errorf("to nobody: %v; want not found", err)
	}
}

func TestCodesThatAreOverAreWorthNothingAndLeaveTheBooks(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		b, err := tw.MakeGifts(asAdmin(t), "k", NewBatch{Amount: 300, Count: 150, ExpiresAt: noon.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Redeem(as(t, 5), b.Codes[0]); err != nil {
			t.Fatal(err)
		}
		if err := tw.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if open := tw.balance(t, gifts("EUR")); open != -149*300 {
			t.Fatalf("before their time %d stand in the books; want %d", open, -149*300)
		}
		tw.clock.Advance(time.Hour)
		if _, err := tw.Redeem(as(t, 5), b.Codes[1]); errs.CodeOf(err) != "gift_expired" {
			t.Fatalf("an old code: %v; want gift_expired", err)
		}
		for range 2 {
			if err := tw.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if open, given := tw.balance(t, gifts("EUR")), tw.balance(t, promotions("EUR")); open != 0 || given != 300 {
			t.Fatalf("the books: %d open, %d given; want 0 and 300", open, given)
		}
		list, err := tw.Gifts(asAdmin(t), "", 0)
		if err != nil || len(list.Items) != 1 || list.Items[0].Redeemed != 1 || list.Items[0].Expired != 149 {
			t.Fatalf("Gifts = %+v, %v", list.Items, err)
		}
	}, Schema, ledger.Schema, idem.Schema)
}

func TestWhoGuessesCodesIsStopped(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, ledger.Schema, idem.Schema))
	for range maxTries {
		if _, err := tw.Redeem(as(t, 5), id.Code(codeLength)); errs.CodeOf(err) != "gift_unknown" {
			t.Fatalf("a guess: %v", err)
		}
	}
	if _, err := tw.Redeem(as(t, 5), id.Code(codeLength)); !errs.Is(err, errs.TooMany) {
		t.Fatalf("one more: %v; want too many", err)
	}
}

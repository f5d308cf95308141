package payout

import (
	"bytes"
	"context"
	"encoding/xml"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

const (
	shop  id.ID = 7
	rider id.ID = 30
	chief id.ID = 50
)

var ibans = []string{"DE89370400440532013000", "GB82WEST12345698765432", "NL91ABNA0417164300", "FR1420041010050500013M02606", "NO9386011117947"}

func TestIBANs(t *testing.T) {
	for _, s := range ibans {
		if !validIBAN(s) {
			t.Errorf("%s is refused", s)
		}
	}
	for _, s := range []string{"", "DE", "DE88370400440532013000", "DE8937040044053201300", "DE89370400440532013001", "89DE370400440532013000", "DE8937040044053201300Ü", "XX00" + strings.Repeat("0", 40)} {
		if validIBAN(s) {
			t.Errorf("%s is taken", s)
		}
	}
}

func TestADraftSetsCashOffAndLeavesOutWhoIsOwedLess(t *testing.T) {
	book := func(kind delivery.BookKind, owner id.ID, rate int, balance money.Amount) delivery.BookAccount {
		return delivery.BookAccount{Book: delivery.Book{Kind: kind, Owner: owner, Rate: rate, Currency: "EUR"}, Balance: balance}
	}
	got := draft([]delivery.BookAccount{
		book(delivery.BookRestaurant, 7, 0, -10_000), book(delivery.BookTax, 7, 700, -700), book(delivery.BookTax, 7, 1900, -300), book(delivery.BookCash, 7, 0, 2_500),
		book(delivery.BookRestaurant, 8, 0, -900), book(delivery.BookTax, 8, 700, -99),
		book(delivery.BookRestaurant, 9, 0, 1_000), book(delivery.BookTax, 9, 700, -1_000), // paid by its card provider
		book(delivery.BookCourier, 30, 0, -5_000), book(delivery.BookCash, 30, 0, 1_800),
		book(delivery.BookCourier, 31, 0, -5_000), book(delivery.BookCash, 31, 0, 9_000),
		book(delivery.BookCourier, 32, 0, -5_000), book(delivery.BookCash, 32, 0, -300), // gave change of their own
		book(delivery.BookCash, 33, 0, 700),
	}, 1_000)
	want := map[id.ID][2]money.Amount{7: {8_500, 2_500}, 30: {3_200, 1_800}, 32: {5_000, 0}}
	if len(got) != len(want) {
		t.Errorf("%d payees: %+v", len(got), got)
	}
	for _, it := range got {
		if w := want[it.Owner]; it.Amount != w[0] || it.Cash != w[1] {
			t.Errorf("%d gets %d less %d of cash; want %v", it.Owner, it.Amount, it.Cash, w)
		}
		var sum money.Amount
		for _, e := range posting(1, it, 0, time.Now(), false).Entries {
			sum += e.Amount
		}
		if sum != 0 {
			t.Errorf("the posting for %d sums to %d", it.Owner, sum)
		}
	}
}

// books is a ledger at its simplest: what it is told, with refs once. The real one is tested against payouts in internal/app.
type books struct {
	mu   sync.Mutex
	refs map[string]bool
	sums map[delivery.Book]money.Amount
}

func (b *books) Post(_ context.Context, tx *db.Tx, p delivery.Posting) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refs[p.Ref] {
		return nil
	}
	tx.AfterCommit(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.refs[p.Ref] = true
		for _, e := range p.Entries {
			b.sums[e.Book] += e.Amount
		}
	})
	return nil
}

func (b *books) Balances(_ context.Context, _ *db.Tx, owner id.ID, _ time.Time) ([]delivery.BookAccount, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []delivery.BookAccount
	for book, sum := range b.sums {
		if sum != 0 && book.Owner != 0 && (owner == 0 || book.Owner == owner) {
			out = append(out, delivery.BookAccount{Book: book, Balance: sum})
		}
	}
	return out, nil
}

type town struct {
	*Service
	books   *books
	fresh   bool
	mu      sync.Mutex
	letters []mail.Letter
}

func newTown(t *testing.T, d *db.DB) *town {
	t.Helper()
	box, err := secrets.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tw := &town{fresh: true, books: &books{refs: map[string]bool{}, sums: map[delivery.Book]money.Amount{
		{Kind: delivery.BookRestaurant, Owner: shop, Currency: "EUR"}:     -10_000,
		{Kind: delivery.BookTax, Owner: shop, Rate: 700, Currency: "EUR"}: -700,
		{Kind: delivery.BookCourier, Owner: rider, Currency: "EUR"}:       -5_000,
	}}}
	now := clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	tw.Service = New(Deps{
		DB: d, IDs: id.NewSource(1), Now: now.Now, Books: tw.books, Payees: tw, Box: box, Post: tw, Audit: tw, URL: func() string { return "https://stoa.example" }, Zone: time.UTC,
		Fresh: func(context.Context) error {
			if tw.fresh {
				return nil
			}
			return errs.New(errs.Forbidden, "no").WithCode("reauthenticate")
		},
	})
	return tw
}

func (tw *town) Name(_ context.Context, kind string, _ id.ID) (string, error) {
	return "=" + kind + " & Söhne", nil
}

func (tw *town) People(context.Context, string, id.ID) ([]account.Account, error) {
	return []account.Account{{Name: "Dora", Email: "dora@example.org"}}, nil
}

func (tw *town) Send(_ context.Context, _ *db.Tx, l mail.Letter) error {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.letters = append(tw.letters, l)
	return nil
}

func (tw *town) Write(context.Context, *db.Tx, string, string, map[string]any) error { return nil }

func as(who id.ID, roles ...access.Grant) context.Context {
	return access.With(context.Background(), access.Actor{ID: who, Roles: roles})
}

var admin = as(chief, access.Grant{Role: access.RoleAdmin})

func (tw *town) accounts(t *testing.T) {
	t.Helper()
	for _, b := range []struct {
		kind  string
		owner id.ID
		iban  string
	}{{Restaurant, shop, ibans[0]}, {Courier, rider, ibans[2]}, {Town, 0, ibans[3]}} {
		if err := tw.SetBank(admin, b.kind, b.owner, Bank{Holder: "Söhne & Co", IBAN: b.iban}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARunIsPaidOnceHoweverManyApproveIt(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(t, d)
		tw.accounts(t)
		var drafts, approvals atomic.Int32
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := tw.MakeDraft(admin, 1_000, ""); err == nil {
					drafts.Add(1)
				} else if errs.CodeOf(err) != "draft_exists" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		runs, err := tw.Runs(admin, 0, 10)
		if err != nil || drafts.Load() != 1 || len(runs) != 1 {
			t.Fatalf("%d drafts, %v, %v", drafts.Load(), runs, err)
		}
		run := runs[0].ID
		for range 10 {
			wg.Go(func() {
				if _, err := tw.Approve(admin, run); err == nil {
					approvals.Add(1)
				} else if errs.CodeOf(err) != "not_a_draft" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if approvals.Load() != 1 {
			t.Fatalf("%d approvals", approvals.Load())
		}
		r, err := tw.Run(admin, run)
		if err != nil || r.State != Approved || r.Total("EUR") != 15_700 || len(r.Items) != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		if bank := tw.books.sums[delivery.Book{Kind: delivery.BookBank, Currency: "EUR"}]; bank != -15_700 {
			t.Fatalf("%d left for banks", bank)
		}
		for b, sum := range tw.books.sums {
			if b.Owner != 0 && sum != 0 {
				t.Errorf("%v stands at %d", b, sum)
			}
		}
		payee := Payee{Courier, rider, "EUR"}
		for range 2 {
			if err := tw.Fail(admin, run, payee, "unknown account"); err != nil {
				t.Fatal(err)
			}
		}
		if owed := tw.books.sums[delivery.Book{Kind: delivery.BookCourier, Owner: rider, Currency: "EUR"}]; owed != -5_000 {
			t.Fatalf("after it came back the courier is owed %d", owed)
		}
	}, Schema)
}

func TestWhoCannotBePaidIsStillOwed(t *testing.T) {
	tw := newTown(t, dbtest.SQLite(t, Schema))
	if err := tw.SetBank(admin, Restaurant, shop, Bank{Holder: "S", IBAN: ibans[0]}); err != nil {
		t.Fatal(err)
	}
	r, err := tw.MakeDraft(admin, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	tw.books.sums[delivery.Book{Kind: delivery.BookRestaurant, Owner: shop, Currency: "EUR"}] += 1 // a refund in between
	if r, err = tw.Approve(admin, r.ID); err != nil {
		t.Fatal(err)
	}
	for _, it := range r.Items {
		if want := map[string]string{Restaurant: Short, Courier: NoBank}[it.Kind]; it.State != want {
			t.Errorf("the %s is %s; want %s", it.Kind, it.State, want)
		}
	}
	if r.Total("EUR") != 0 || len(tw.books.refs) != 0 {
		t.Errorf("sent %d, posted %v", r.Total("EUR"), tw.books.refs)
	}
	next, err := tw.MakeDraft(admin, 0, "")
	if err != nil || next.Total("EUR") != 15_699 {
		t.Fatalf("the next draft has %d, %v", next.Total("EUR"), err)
	}
	if err := tw.Exclude(admin, next.ID, Payee{Courier, rider, "EUR"}, true, "on holiday"); err != nil {
		t.Fatal(err)
	}
	if next, err = tw.Run(admin, next.ID); err != nil || next.Total("EUR") != 10_699 {
		t.Fatalf("without the courier it is %d, %v", next.Total("EUR"), err)
	}
}

func TestTheBanksFileHoldsEachTransfer(t *testing.T) {
	tw := newTown(t, dbtest.SQLite(t, Schema))
	tw.accounts(t)
	r, err := tw.MakeDraft(admin, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	if r, err = tw.Approve(admin, r.ID); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tw.SEPA(admin, &b, r.ID); err != nil {
		t.Fatal(err)
	}
	var d painDocument
	if err := xml.Unmarshal(b.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	p := d.Payment
	if d.Header.Count != 2 || d.Header.Sum != "157.00" || p.Sum != "157.00" || p.IBAN != ibans[3] || p.Date != "2026-11-23" || p.From.Name != "Soehne + Co" {
		t.Errorf("%+v", d)
	}
	got := map[string]string{}
	for _, x := range p.Each {
		got[x.IBAN] = x.Amount.Currency + " " + x.Amount.Value
	}
	if got[ibans[0]] != "EUR 107.00" || got[ibans[2]] != "EUR 50.00" {
		t.Errorf("transfers: %v\n%s", got, b.String())
	}
	b.Reset()
	if err := tw.CSV(admin, &b, r.ID); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, "'=restaurant & Söhne,107.00,EUR") || !strings.Contains(s, ibans[2]) {
		t.Errorf("CSV:\n%s", s)
	}
}

func TestBankAccountsAreSealedAndChangedWithCare(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	tw := newTown(t, d)
	good := Bank{Holder: "Dora", IBAN: "nl91 abna 0417 1643 00"}
	tw.fresh = false
	if err := tw.SetBank(as(rider), Courier, rider, good); errs.CodeOf(err) != "reauthenticate" {
		t.Fatalf("without showing who they are: %v", err)
	}
	tw.fresh = true
	if err := tw.SetBank(as(rider), Courier, rider, Bank{Holder: "Dora", IBAN: "NL92ABNA0417164300"}); !errs.Is(err, errs.Invalid) {
		t.Fatalf("wrong check digits: %v", err)
	}
	if err := tw.SetBank(as(31), Courier, rider, good); !errs.Is(err, errs.NotFound) {
		t.Fatalf("another courier: %v", err)
	}
	if err := tw.SetBank(as(rider), Courier, rider, good); err != nil {
		t.Fatal(err)
	}
	if len(tw.letters) != 1 || !strings.Contains(tw.letters[0].Lines[0], "4300") || strings.Contains(tw.letters[0].Lines[0], "ABNA") {
		t.Errorf("letters: %+v", tw.letters)
	}
	var sealed []byte
	err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT sealed FROM payout_bank`).Scan(&sealed) })
	if err != nil || bytes.Contains(sealed, []byte("ABNA")) || bytes.Contains(sealed, []byte("Dora")) {
		t.Errorf("stored: %q, %v", sealed, err)
	}
	if b, known, err := tw.BankOf(as(rider), Courier, rider); err != nil || !known || b.IBAN != "•••• 4300" || b.Holder != "Dora" {
		t.Errorf("shown: %+v, %v, %v", b, known, err)
	}
}

package payout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/secrets"
	"github.com/stoa-town/stoa/internal/platform/sheet"
)

// Books are the town's. delivery/ledger keeps them.
type Books interface {
	Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error
	// Balances returns what stands on the accounts of an owner (0: of all restaurants and couriers), before a time (zero: now).
	Balances(ctx context.Context, tx *db.Tx, owner id.ID, before time.Time) ([]delivery.BookAccount, error)
}

// Payees knows who is paid.
type Payees interface {
	// Name returns what a payee is called.
	Name(ctx context.Context, kind string, owner id.ID) (string, error)
	// People returns whom to write to about a payee's bank account.
	People(ctx context.Context, kind string, owner id.ID) ([]account.Account, error)
}

// Post sends letters in the caller's transaction.
type Post interface {
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Book is the audit log.
type Book interface {
	Write(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
}

// Deps is what a Service works with.
type Deps struct {
	DB     *db.DB
	IDs    *id.Source
	Now    clock.Func
	Books  Books
	Payees Payees
	Box    *secrets.Box
	Post   Post
	Audit  Book
	URL    func() string
	Zone   *time.Location
	// Currency is the town's: in which the page of runs reads the minimum.
	Currency string
	// Slug returns the restaurant with a short name, or a NotFound error.
	Slug func(ctx context.Context, slug string) (id.ID, error)
	// Fresh returns an error unless the person has shown lately that it is them.
	Fresh func(ctx context.Context) error
}

// Service pays restaurants and couriers. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

var (
	errNoRun   = errs.New(errs.NotFound, "There is no such payout run.")
	errNoDraft = errs.New(errs.Conflict, "This run is not a draft any more.").WithCode("not_a_draft")
	errTwo     = errs.New(errs.Conflict, "There is a draft already. Approve or discard it first.").WithCode("draft_exists")
)

// MakeDraft makes the draft of a run of everybody who is owed at least a minimum. It returns a Conflict error (code "draft_exists") where
// there is one already.
func (s *Service) MakeDraft(ctx context.Context, least money.Amount, note string) (Run, error) {
	actor, err := s.admin(ctx)
	if err != nil {
		return Run{}, err
	}
	if least < 0 || least > money.Max {
		return Run{}, errs.InvalidField("minimum", "Give an amount of at least 0.")
	}
	var accounts []delivery.BookAccount
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		accounts, err = s.Books.Balances(ctx, tx, 0, time.Time{})
		return err
	})
	if err != nil {
		return Run{}, err
	}
	list := draft(accounts, least)
	for i := range list {
		if list[i].Name, err = s.Payees.Name(ctx, list[i].Kind, list[i].Owner); err != nil && !errs.Is(err, errs.NotFound) {
			return Run{}, err
		}
	}
	r := Run{ID: s.IDs.Next(), State: Draft, Minimum: least, Note: text.Clean(note, 200), Made: s.Now().UTC(), MadeBy: actor.ID}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		for _, it := range list {
			if err := insertItem(ctx, tx, r.ID, it); err != nil {
				return err
			}
		}
		return s.Audit.Write(ctx, tx, "payout.draft", "payout:"+r.ID.String(), map[string]any{"payees": len(list), "minimum": least})
	})
	if db.IsUnique(err) {
		return Run{}, errTwo.WithCause(err)
	}
	if err != nil {
		return Run{}, err
	}
	return s.Run(ctx, r.ID)
}

// admin returns the actor, who must be one that may pay.
func (s *Service) admin(ctx context.Context) (access.Actor, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, err
	}
	return actor, access.Can(actor, "admin.payouts", access.Thing{Kind: "payout"})
}

// Run returns a run with its items, or a NotFound error.
func (s *Service) Run(ctx context.Context, run id.ID) (r Run, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if r, err = runByID(ctx, tx, run); err != nil {
			return err
		}
		for i := range r.Items {
			b, err := bankOf(ctx, tx, r.Items[i].Kind, r.Items[i].Owner)
			if err == nil {
				r.Items[i].Tail = b.tail
			} else if !errors.Is(err, db.ErrNoRow) {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, db.ErrNoRow) {
		return Run{}, errNoRun
	}
	return r, err
}

// Runs returns runs with ids below one (0: the newest), newest first, without their items.
func (s *Service) Runs(ctx context.Context, below id.ID, limit int) (list []Run, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = runsBelow(ctx, tx, below, limit)
		return err
	})
	return list, err
}

// Exclude leaves a payee out of a draft, or takes them in again, with a note. It returns a Conflict error where the run is no draft.
func (s *Service) Exclude(ctx context.Context, run id.ID, p Payee, out bool, note string) error {
	if _, err := s.admin(ctx); err != nil {
		return err
	}
	from, to := Waiting, Excluded
	if !out {
		from, to = Excluded, Waiting
	}
	note = text.Clean(note, 200)
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := runByID(ctx, tx, run)
		if errors.Is(err, db.ErrNoRow) {
			return errNoRun
		}
		if err != nil {
			return err
		}
		if r.State != Draft {
			return errNoDraft
		}
		done, err := moveItem(ctx, tx, run, Item{Payee: p, State: to, Note: note}, from, s.Now())
		if err != nil {
			return err
		}
		if done {
			return s.Audit.Write(ctx, tx, "payout.exclude", "payout:"+run.String(), map[string]any{"payee": p.String(), "out": out})
		}
		return errs.New(errs.Conflict, "Somebody else has changed this payee just now.").WithCode("changed")
	})
}

// Discard gives a draft up.
func (s *Service) Discard(ctx context.Context, run id.ID) error {
	actor, err := s.admin(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := moveRun(ctx, tx, run, Draft, Discarded, actor.ID, s.Now())
		if err != nil {
			return err
		}
		if !ok {
			return errNoDraft
		}
		return s.Audit.Write(ctx, tx, "payout.discard", "payout:"+run.String(), nil)
	})
}

// Approve sends a draft: each payee's money leaves in the books, and stands in the file for the bank. Whoever has no bank account, or is owed
// less by now, is left out and is owed it still. It returns a Forbidden error (code "reauthenticate") where the admin has not shown lately
// that it is them, and a Conflict error (code "not_a_draft") where somebody else was first.
func (s *Service) Approve(ctx context.Context, run id.ID) (Run, error) {
	actor, err := s.admin(ctx)
	if err != nil {
		return Run{}, err
	}
	if err := s.Fresh(ctx); err != nil {
		return Run{}, err
	}
	now := s.Now().UTC()
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := moveRun(ctx, tx, run, Draft, Approved, actor.ID, now)
		if err != nil {
			return err
		}
		if !ok {
			return errNoDraft
		}
		r, err := runByID(ctx, tx, run)
		if err != nil {
			return err
		}
		for _, it := range r.Items {
			if it.State != Waiting {
				continue
			}
			if err := s.send(ctx, tx, r.ID, it, actor.ID, now); err != nil {
				return err
			}
		}
		return s.Audit.Write(ctx, tx, "payout.approve", "payout:"+run.String(), nil)
	})
	if err != nil {
		return Run{}, err
	}
	return s.Run(ctx, run)
}

// send pays one payee.
func (s *Service) send(ctx context.Context, tx *db.Tx, run id.ID, it Item, by id.ID, at time.Time) error {
	it.State = Sent
	b, err := bankOf(ctx, tx, it.Kind, it.Owner)
	if errors.Is(err, db.ErrNoRow) {
		it.State = NoBank
	} else if err != nil {
		return err
	}
	accounts, err := s.Books.Balances(ctx, tx, it.Owner, time.Time{})
	if err != nil {
		return err
	}
	var owed money.Amount
	for _, now := range draft(accounts, 0) {
		if now.Payee == it.Payee {
			owed = now.Amount
		}
	}
	if it.State == Sent && owed < it.Amount {
		it.State = Short
	}
	if it.State == Sent {
		it.sealed = b.sealed
		if err := s.Books.Post(ctx, tx, posting(run, it, by, at, false)); err != nil {
			return err
		}
	}
	_, err = moveItem(ctx, tx, run, it, Waiting, at)
	return err
}

// Fail notes that the bank sent a payee's money back: it is owed again. Doing it twice changes nothing.
func (s *Service) Fail(ctx context.Context, run id.ID, p Payee, note string) error {
	actor, err := s.admin(ctx)
	if err != nil {
		return err
	}
	if err := s.Fresh(ctx); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := runByID(ctx, tx, run)
		if errors.Is(err, db.ErrNoRow) {
			return errNoRun
		}
		if err != nil {
			return err
		}
		for _, it := range r.Items {
			if it.Payee != p {
				continue
			}
			it.State, it.Note = Failed, text.Clean(note, 200)
			ok, err := moveItem(ctx, tx, run, it, Sent, s.Now())
			if err != nil || !ok {
				return err
			}
			if err := s.Books.Post(ctx, tx, posting(run, it, actor.ID, s.Now().UTC(), true)); err != nil {
				return err
			}
			return s.Audit.Write(ctx, tx, "payout.fail", "payout:"+run.String(), map[string]any{"payee": p.String(), "amount": it.Amount})
		}
		return errs.New(errs.NotFound, "This run has no such payee.")
	})
}

// transfers returns what of an approved run was sent, with the accounts that it went to.
func (s *Service) transfers(r Run) ([]transfer, error) {
	var out []transfer
	for _, it := range r.Items {
		if it.State != Sent || len(it.sealed) == 0 {
			continue
		}
		b, err := s.unseal(it.sealed)
		if err != nil {
			return nil, err
		}
		out = append(out, transfer{it, b})
	}
	return out, nil
}

// SEPA writes the file for the bank of an approved run: its transfers in euros. It returns a Conflict error where the town has not said from
// which account it pays (code "no_bank") or nothing was sent in euros.
func (s *Service) SEPA(ctx context.Context, w io.Writer, run id.ID) error {
	if _, err := s.admin(ctx); err != nil {
		return err
	}
	r, err := s.Run(ctx, run)
	if err != nil {
		return err
	}
	all, err := s.transfers(r)
	if err != nil {
		return err
	}
	var euros []transfer
	for _, t := range all {
		if t.Currency == "EUR" {
			euros = append(euros, t)
		}
	}
	if len(euros) == 0 {
		return errs.New(errs.Conflict, "Nothing of this run was sent in euros.").WithCode("empty")
	}
	var from Bank
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		b, err := bankOf(ctx, tx, Town, 0)
		if err != nil {
			return err
		}
		from, err = s.unseal(b.sealed)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return errs.New(errs.Conflict, "Say first from which bank account the town pays.").WithCode("no_bank")
	}
	if err != nil {
		return err
	}
	return sepa(w, r, from, euros, r.Approved, r.Approved.In(s.Zone))
}

// CSV writes a run as a table, for banks that take no SEPA file and for the town's own books.
func (s *Service) CSV(ctx context.Context, w io.Writer, run id.ID) error {
	if _, err := s.admin(ctx); err != nil {
		return err
	}
	r, err := s.Run(ctx, run)
	if err != nil {
		return err
	}
	sent, err := s.transfers(r)
	if err != nil {
		return err
	}
	ibans := map[Payee]Bank{}
	for _, t := range sent {
		ibans[t.Payee] = t.Bank
	}
	out := sheet.CSV(w)
	if err := out.Row("run", "kind", "payee", "name", "amount", "currency", "cash", "state", "holder", "iban", "bic", "note"); err != nil {
		return err
	}
	for _, it := range r.Items {
		b := ibans[it.Payee]
		if err := out.Row(r.ID.String(), it.Kind, it.Owner.String(), it.Name, sheet.Money{Amount: it.Amount, Currency: it.Currency}, it.Currency,
			sheet.Money{Amount: it.Cash, Currency: it.Currency}, it.State, b.Holder, b.IBAN, b.BIC, it.Note); err != nil {
			return err
		}
	}
	return out.Close()
}

// sealPurpose is what bank accounts are sealed for.
const sealPurpose = "payout: bank account"

func (s *Service) unseal(sealed []byte) (b Bank, err error) {
	plain, err := s.Box.Open(sealPurpose, sealed)
	if err != nil {
		return b, fmt.Errorf("payout: open a bank account: %w", err)
	}
	return b, json.Unmarshal(plain, &b)
}

// allowed returns the actor where they may see and change a payee's bank account.
func (s *Service) allowed(ctx context.Context, kind string, owner id.ID) (access.Actor, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, err
	}
	switch kind {
	case Restaurant:
		return actor, access.Can(actor, "bank.manage", access.Thing{Kind: "bank", ID: owner, Restaurant: owner})
	case Courier:
		return actor, access.Can(actor, "bank.manage", access.Thing{Kind: "bank", ID: owner, Owner: owner})
	}
	return s.admin(ctx)
}

// BankOf returns a payee's bank account with all of its IBAN but the last four characters hidden, false where there is none.
func (s *Service) BankOf(ctx context.Context, kind string, owner id.ID) (b Bank, known bool, err error) {
	if _, err := s.allowed(ctx, kind, owner); err != nil {
		return b, false, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		row, err := bankOf(ctx, tx, kind, owner)
		if err != nil {
			return err
		}
		b, err = s.unseal(row.sealed)
		b.IBAN = "•••• " + row.tail
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return Bank{}, false, nil
	}
	return b, err == nil, err
}

// SetBank says where a payee's money goes, and tells those who ran the old account. It returns an Invalid error for an account that can't be
// one, and a Forbidden error (code "reauthenticate") where the person has not shown lately that it is them.
func (s *Service) SetBank(ctx context.Context, kind string, owner id.ID, b Bank) error {
	actor, err := s.allowed(ctx, kind, owner)
	if err != nil {
		return err
	}
	if err := s.Fresh(ctx); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	plain, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("payout: encode a bank account: %w", err)
	}
	sealed, err := s.Box.Seal(sealPurpose, plain)
	if err != nil {
		return err
	}
	var people []account.Account
	if kind != Town {
		if people, err = s.Payees.People(ctx, kind, owner); err != nil {
			return err
		}
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := putBank(ctx, tx, kind, owner, stored{sealed, b.Tail(), s.Now()}, actor.ID); err != nil {
			return err
		}
		for _, a := range people {
			if a.Email == "" {
				continue
			}
			if err := s.Post.Send(ctx, tx, s.bankLetter(i18n.With(ctx, a.Lang), a, kind, b)); err != nil {
				return err
			}
		}
		return s.Audit.Write(ctx, tx, "payout.bank", kind+":"+owner.String(), map[string]any{"ends": b.Tail()})
	})
}

func (s *Service) bankLetter(ctx context.Context, a account.Account, kind string, b Bank) mail.Letter {
	path := "/courier/bank"
	if kind == Restaurant {
		path = "/restaurant"
	}
	return mail.Letter{
		Kind: "payout.bank", To: a.Email, Name: a.Name, Lang: i18n.Lang(ctx), Subject: i18n.T(ctx, "Your payouts go to another bank account"),
		Lines:  []string{i18n.T(ctx, "From now on what you earn is sent to the account of %s that ends in %s.", b.Holder, b.Tail())},
		Action: &mail.Action{Label: i18n.T(ctx, "Look at it"), URL: s.URL() + path},
		After:  []string{i18n.T(ctx, "If this was not you, tell the town at once, and change your password.")},
	}
}

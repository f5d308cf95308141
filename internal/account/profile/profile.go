// Package profile is the pages of one's own account: who one is, how it is protected, and where one is signed in.
package profile

import (
	"context"
	"net/url"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// How long the link to a new address lasts, and the one back to the old.
const (
	MoveFor = time.Hour
	UndoFor = 7 * 24 * time.Hour

	kindMove = "email"
	kindUndo = "email-undo"
	maxMoves = 5 // letters to new addresses in 15 minutes
)

// Post sends letters in the caller's transaction.
type Post interface {
	On() bool
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Link is an entry of the page Security that leads to a page of another package.
type Link struct {
	Href, Icon string
	// Words returns what the entry is called and what it is for, in the language of ctx.
	Words func(ctx context.Context) (label, hint string)
}

// Options are what a Service can do without.
type Options struct {
	// URL returns the address that links in letters begin with.
	URL func() string
	// Security are the other ways to protect an account: passkeys, a second step, connected sign-ins.
	Security []Link
}

// Service shows people their account. Safe for concurrent use.
type Service struct {
	db     *db.DB
	people *account.Service
	post   Post
	opt    Options
}

// New returns a Service.
func New(d *db.DB, people *account.Service, post Post, opt Options) *Service {
	return &Service{d, people, post, opt}
}

func (s *Service) link(path, ticket string) string {
	return s.opt.URL() + path + "?ticket=" + url.QueryEscape(ticket)
}

// askMove sends a letter to the address that somebody wants to move their account to: with the link that does it, or, where the address has
// an account already, a warning. The asker can't tell which. It returns an Invalid error for what is no address.
func (s *Service) askMove(ctx context.Context, who id.ID, address string) error {
	address, ok := text.Email(address)
	if !ok {
		return errs.InvalidField("email", "Write an e-mail address like anna@example.org.")
	}
	a, err := s.people.Get(ctx, who)
	if err != nil {
		return err
	}
	if address == a.Email {
		return errs.InvalidField("email", "This is your address already.")
	}
	if err := s.people.Try(ctx, "move "+who.String(), maxMoves); err != nil {
		return err
	}
	_, err = s.people.Find(ctx, address)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	taken := err == nil
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindMove, Account: who, Email: address, Data: a.Email}, MoveFor)
		if err != nil {
			return err
		}
		if taken {
			return s.post.Send(ctx, tx, s.takenLetter(ctx, a, address))
		}
		return s.post.Send(ctx, tx, s.moveLetter(ctx, a, address, s.link("/account/email/move", ticket)))
	})
}

var errTaken = errs.New(errs.Conflict, "This address has an account already.")

// move gives the account the address whose mailbox holds the ticket, and sends the old one a letter by which it comes back.
func (s *Service) move(ctx context.Context, ticket string) (address string, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		t, err := s.people.Take(ctx, tx, kindMove, ticket)
		if err != nil {
			return err
		}
		address = t.Email
		if err := s.people.SetEmail(ctx, tx, t.Account, t.Data, t.Email); err != nil {
			return err
		}
		// Links that were sent to the old mailbox end here, but for the ways back.
		for _, kind := range []string{"signin", "reset", kindMove} {
			if err := s.people.DropTickets(ctx, tx, t.Account, kind); err != nil {
				return err
			}
		}
		undo, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindUndo, Account: t.Account, Email: t.Data, Data: t.Email}, UndoFor)
		if err != nil {
			return err
		}
		a := account.Account{ID: t.Account, Email: t.Data}
		return s.post.Send(ctx, tx, s.undoLetter(ctx, a, t.Email, s.link("/account/email/undo", undo)))
	})
	if db.IsUnique(err) {
		return "", errTaken
	}
	return address, err
}

// undo moves the account back to the address whose mailbox holds the ticket and ends everything that whoever moved it had: it was somebody
// else. The owner then asks for a new password.
func (s *Service) undo(ctx context.Context, ticket string) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		t, err := s.people.Take(ctx, tx, kindUndo, ticket)
		if err != nil {
			return err
		}
		if err := s.people.SetEmail(ctx, tx, t.Account, t.Data, t.Email); err != nil {
			return err
		}
		return s.people.Estrange(ctx, tx, t.Account)
	})
	if db.IsUnique(err) {
		return errTaken
	}
	return err
}

// peek returns the ticket of a kind, and leaves it.
func (s *Service) peek(ctx context.Context, kind, ticket string) (t account.Ticket, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		t, err = s.people.Peek(ctx, tx, kind, ticket)
		return err
	})
	return t, err
}

// Package signin is how people come in: by password, by a link in a letter, by the ways that other packages add, and again when they forgot
// their password or a device was not theirs.
//
// No answer tells whether an account exists: who asks for a letter gets the same page as soon, whoever the address belongs to. A link works
// once, for 15 minutes. It is bound to the browser that asked for it: in another one the person has to say that they asked.
package signin

import (
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// How long links last, and how many letters one may ask for.
const (
	LinkFor    = 15 * time.Minute
	NotMeFor   = 7 * 24 * time.Hour
	maxLetters = 10 // from an address in 15 minutes
)

// The kinds of tickets.
const (
	kindLink    = "signin"
	kindReset   = "reset"
	kindConfirm = "confirm"
	kindNotMe   = "notme"
	kindNothing = "nothing" // opens nothing: made where there is nobody to write to, to take as long
)

// Post sends letters in the caller's transaction.
type Post interface {
	On() bool
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Options are what a Service can do without.
type Options struct {
	// URL returns the address that links in letters begin with.
	URL func() string
	// Mailbox is the page that shows letters where none leave the server; empty: they do.
	Mailbox string
	// Ways are buttons of other ways to sign in, below the form; Proofs those of the page that asks who somebody is once more. Each is
	// given the path to go on to.
	Ways, Proofs []func(next string) templ.Component
	// Shut returns what somebody reads who has the right password of an account that may not sign in: why, and how to answer. Nil where
	// there is nothing to say.
	Shut func(ctx context.Context, account id.ID) (templ.Component, error)
}

// Service lets people in. Safe for concurrent use.
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

// link returns the address of a page of this server with a ticket.
func (s *Service) link(path, ticket, next string) string {
	out := s.opt.URL() + path + "?ticket=" + url.QueryEscape(ticket)
	if next != "" && next != "/" {
		out += "&next=" + url.QueryEscape(next)
	}
	return out
}

// ask sends the account with a login a letter with a link of a kind. It returns a TooMany error where an address asks for too many, and
// nil whether there is such an account or not.
func (s *Service) ask(ctx context.Context, kind, login, next string, v account.Visit) error {
	if err := s.people.Try(ctx, "letters "+v.IP, maxLetters); err != nil {
		return err
	}
	a, err := s.people.Find(ctx, login)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	address, known := a.Email, err == nil
	if !known {
		address, _ = text.Email(login)
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if !known {
			kind = kindNothing
		}
		ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kind, Account: a.ID, Email: address, Browser: v.Browser}, LinkFor)
		switch {
		case err != nil:
			return err
		case !known && address == "":
			return nil
		case !known:
			return s.post.Send(ctx, tx, s.unknownLetter(ctx, address))
		case kind == kindReset:
			return s.post.Send(ctx, tx, s.resetLetter(ctx, a, s.link("/sign-in/reset", ticket, "")))
		}
		return s.post.Send(ctx, tx, s.linkLetter(ctx, a, s.link("/sign-in/link", ticket, next)))
	})
}

// SendLink sends somebody a sign-in link that they did not ask for themselves: an admin did. It opens in any browser, after a question.
func (s *Service) SendLink(ctx context.Context, a account.Account) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindLink, Account: a.ID, Email: a.Email}, LinkFor)
		if err != nil {
			return err
		}
		return s.post.Send(ctx, tx, s.linkLetter(ctx, a, s.link("/sign-in/link", ticket, "")))
	})
}

// peek returns the ticket of a kind and whose it is, and leaves it.
func (s *Service) peek(ctx context.Context, kind, ticket string) (t account.Ticket, a account.Account, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		t, err = s.people.Peek(ctx, tx, kind, ticket)
		return err
	})
	if err != nil {
		return t, a, err
	}
	a, err = s.people.Get(ctx, t.Account)
	return t, a, err
}

// byLink signs in who holds the link of a letter.
func (s *Service) byLink(ctx context.Context, ticket string, v account.Visit) (out account.SignedIn, err error) {
	t, err := s.take(ctx, kindLink, ticket)
	if err != nil {
		return out, err
	}
	return s.people.Enter(ctx, t.Account, account.ByEmail, v)
}

func (s *Service) take(ctx context.Context, kind, ticket string) (t account.Ticket, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		t, err = s.people.Take(ctx, tx, kind, ticket)
		return err
	})
	return t, err
}

// reset gives who holds the link of a letter another password, signs everybody out who was in, and them in. It returns an Invalid error,
// and leaves the link, for a password that is none.
func (s *Service) reset(ctx context.Context, ticket, password string, v account.Visit) (out account.SignedIn, err error) {
	_, a, err := s.peek(ctx, kindReset, ticket)
	if err != nil {
		return out, err
	}
	if msg := account.CheckPassword(password, a.Email, a.Handle, a.Name); msg != "" {
		return out, errs.InvalidField("password", "%s", msg)
	}
	hash, err := s.people.Hash(ctx, password)
	if err != nil {
		return out, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := s.people.Take(ctx, tx, kindReset, ticket); err != nil {
			return err
		}
		return s.people.ResetPassword(ctx, tx, a.ID, hash)
	})
	if err != nil {
		return out, err
	}
	return s.people.Enter(ctx, a.ID, account.ByEmail, v)
}

// notMe ends everything of an account that somebody else was in, and sends its owner the link to another password.
func (s *Service) notMe(ctx context.Context, ticket string) error {
	t, a, err := s.peek(ctx, kindNotMe, ticket)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := s.people.Take(ctx, tx, kindNotMe, ticket); err != nil {
			return err
		}
		if err := s.people.Estrange(ctx, tx, t.Account); err != nil {
			return err
		}
		fresh, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindReset, Account: a.ID, Email: a.Email}, LinkFor)
		if err != nil {
			return err
		}
		return s.post.Send(ctx, tx, s.resetLetter(ctx, a, s.link("/sign-in/reset", fresh, "")))
	})
}

// NewDevice writes to somebody whose account was entered from a browser or app that it was never seen in: it fits account.Options.
func (s *Service) NewDevice(ctx context.Context, tx *db.Tx, a account.Account, session account.Session) error {
	if !s.post.On() {
		return nil
	}
	ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindNotMe, Account: a.ID, Email: a.Email}, NotMeFor)
	if err != nil {
		return err
	}
	return s.post.Send(ctx, tx, s.deviceLetter(ctx, a, session, s.link("/sign-in/not-me", ticket, "")))
}

// confirmByLetter sends the person the link that shows that it is them, in this session alone.
func (s *Service) confirmByLetter(ctx context.Context, who id.ID, session id.ID, next string) error {
	a, err := s.people.Get(ctx, who)
	if err != nil {
		return err
	}
	if err := s.people.Try(ctx, "letters "+who.String(), maxLetters); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindConfirm, Account: who, Email: a.Email, Data: session.String()}, LinkFor)
		if err != nil {
			return err
		}
		return s.post.Send(ctx, tx, s.confirmLetter(ctx, a, s.link("/account/confirm/link", ticket, next)))
	})
}

// confirmed notes that the holder of a letter's link, signed in with session, has shown that it is them.
func (s *Service) confirmed(ctx context.Context, ticket string, session account.Session) error {
	t, err := s.take(ctx, kindConfirm, ticket)
	if err != nil {
		return err
	}
	if t.Account != session.Account || t.Data != session.ID.String() {
		return errs.New(errs.Forbidden, "This link was asked for in another browser. Open it there.")
	}
	return s.people.Confirmed(ctx, session.ID)
}

// Package signup is how somebody becomes one of the town: on their own, with an admin's word, or with an invitation.
//
// Where the server sends letters, the address comes first: its owner gets a letter, and the link in it leads to the form that makes the
// account. Everybody who asks gets the same answer as soon; only the letter says whether there is an account already. Without letters
// the account is made at once, and nobody has confirmed its address.
package signup

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// Mode says who may become one of the town.
type Mode string

// The modes: everybody; whom an admin says yes to; who has an invitation. An invitation spares the admin's yes.
const (
	Open     Mode = "open"
	Approval Mode = "approval"
	ByInvite Mode = "invite"
)

const (
	// LinkFor is how long the link of a letter lasts. It opens nothing that exists, so it has time until tomorrow.
	LinkFor = 24 * time.Hour

	kindSignUp = "signup"
	kindKnown  = "signin" // of package signin: who has an account is led into it
	knownFor   = 15 * time.Minute
	maxLetters = 10  // from an address in 15 minutes
	maxAbout   = 500 // characters of what people write to the admins
)

// Post sends letters in the caller's transaction.
type Post interface {
	On() bool
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Options are what a Service goes by. The functions are asked each time: an admin may change the settings.
type Options struct {
	Mode   func() Mode
	ByMail func() bool   // whether an address is confirmed by letter first
	Rules  func() string // of the town; empty: none
	URL    func() string // that links in letters begin with
	// Mailbox is the page that shows letters where none leave the server; empty: they do.
	Mailbox string
	// Screen says whether somebody may sign up with an e-mail address from an IP address, and whether an admin has to say yes first whatever
	// the mode is; its error is for the person. nil: everybody may.
	Screen func(ctx context.Context, email, ip string) (wait bool, err error)
}

// Service lets people join. Safe for concurrent use.
type Service struct {
	db     *db.DB
	ids    *id.Source
	now    clock.Func
	people *account.Service
	post   Post
	opt    Options
	store  store
}

// New returns a Service.
func New(d *db.DB, ids *id.Source, now clock.Func, people *account.Service, post Post, opt Options) *Service {
	return &Service{db: d, ids: ids, now: now, people: people, post: post, opt: opt}
}

// Request is what somebody writes to join.
type Request struct {
	account.SignUp
	Invite string // code of an invitation
	About  string // for the admins, where they decide
	Agreed bool   // to the rules
}

// begun is what the ticket of a letter keeps of the first step.
type begun struct {
	Invite string `json:"invite,omitempty"`
	Next   string `json:"next,omitempty"`
	Name   string `json:"name,omitempty"`
	Handle string `json:"handle,omitempty"`
}

// Ask is the first step where letters are sent: it writes to the address, whoever it belongs to. It returns an Invalid error for what is no
// address or no invitation, and TooMany where one place asks for too many.
func (s *Service) Ask(ctx context.Context, in Request, next string, v account.Visit) error {
	address, ok := text.Email(in.Email)
	if !ok {
		return errs.InvalidField("email", "Write an e-mail address like anna@example.org.")
	}
	if err := s.people.Try(ctx, "letters "+v.IP, maxLetters); err != nil {
		return err
	}
	if _, err := s.screen(ctx, address, v); err != nil { // before it is looked who has the address: the answer does not depend on that
		return err
	}
	if err := s.invited(ctx, in.Invite, v); err != nil {
		return err
	}
	a, err := s.people.Find(ctx, address)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	known := err == nil
	keep, err := json.Marshal(begun{
		Invite: normCode(in.Invite), Next: next, Name: text.Clean(in.Name, account.MaxName), Handle: text.Clean(in.Handle, 31),
	})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if known {
			ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindKnown, Account: a.ID, Email: address, Browser: v.Browser}, knownFor)
			if err != nil {
				return err
			}
			return s.post.Send(ctx, tx, s.knownLetter(ctx, a, s.link("/sign-in/link", ticket)))
		}
		ticket, err := s.people.Issue(ctx, tx, account.Ticket{Kind: kindSignUp, Email: address, Data: string(keep)}, LinkFor)
		if err != nil {
			return err
		}
		return s.post.Send(ctx, tx, s.welcomeLetter(ctx, address, s.link("/sign-up/finish", ticket)))
	})
}

func (s *Service) link(path, ticket string) string {
	return s.opt.URL() + path + "?ticket=" + url.QueryEscape(ticket)
}

var errInvite = errs.InvalidField("invite", "This invitation is not valid, or was used already.")

// invited returns an Invalid error where an invitation is needed, or given, that is none. Wrong codes are counted.
func (s *Service) invited(ctx context.Context, code string, v account.Visit) error {
	code = normCode(code)
	if code == "" {
		if s.opt.Mode() == ByInvite {
			return errs.InvalidField("invite", "You need an invitation to join this town. Ask somebody who lives in it.")
		}
		return nil
	}
	var good bool
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		good, err = s.store.inviteGood(ctx, tx, code, s.now())
		return err
	})
	if err != nil || good {
		return err
	}
	if err := s.people.Try(ctx, "invite "+v.IP, maxLetters); err != nil {
		return err
	}
	return errInvite
}

// opened returns what the first step left, by the ticket of its letter.
func (s *Service) opened(ctx context.Context, ticket string) (address string, b begun, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		t, err := s.people.Peek(ctx, tx, kindSignUp, ticket)
		if err != nil {
			return err
		}
		address = t.Email
		return json.Unmarshal([]byte(t.Data), &b)
	})
	return address, b, err
}

// Finish is the second step, for who holds the ticket of a letter: it makes the account, and signs it in unless it has to wait. It returns an
// Invalid error with every fault of the input, and NotFound for a ticket that was used or is too old.
func (s *Service) Finish(ctx context.Context, ticket string, in Request, v account.Visit) (account.SignedIn, error) {
	address, b, err := s.opened(ctx, ticket)
	if err != nil {
		return account.SignedIn{}, err
	}
	in.Email, in.Invite, in.Without = address, b.Invite, true
	return s.join(ctx, in, v, func(tx *db.Tx, _ account.Account) error {
		_, err := s.people.Take(ctx, tx, kindSignUp, ticket)
		return err
	})
}

// Join makes an account at once, without a letter, as Finish does.
func (s *Service) Join(ctx context.Context, in Request, v account.Visit) (account.SignedIn, error) {
	if err := s.invited(ctx, in.Invite, v); err != nil {
		return account.SignedIn{}, err
	}
	return s.join(ctx, in, v, func(*db.Tx, account.Account) error { return nil })
}

// screen asks Options.Screen.
func (s *Service) screen(ctx context.Context, email string, v account.Visit) (wait bool, err error) {
	if s.opt.Screen == nil {
		return false, nil
	}
	return s.opt.Screen(ctx, email, v.IP)
}

// join makes the account of somebody who may have one; first runs in its transaction.
func (s *Service) join(ctx context.Context, in Request, v account.Visit, first func(*db.Tx, account.Account) error) (account.SignedIn, error) {
	state, invite := account.Active, normCode(in.Invite)
	wait, err := s.screen(ctx, in.Email, v)
	if err != nil {
		return account.SignedIn{}, err
	}
	if wait || s.opt.Mode() == Approval && invite == "" {
		state = account.Pending
	}
	about := text.Clean(in.About, maxAbout+1)
	switch {
	case s.opt.Rules() != "" && !in.Agreed:
		return account.SignedIn{}, errs.InvalidField("agreed", "Read the rules of the town, and say that you keep to them.")
	case len([]rune(about)) > maxAbout:
		return account.SignedIn{}, errs.InvalidField("about", "Write at most %d characters.", maxAbout)
	}
	in.Lang = cmp.Or(in.Lang, i18n.Lang(ctx))
	return s.people.Join(ctx, in.SignUp, state, v, func(tx *db.Tx, a account.Account) error {
		if err := first(tx, a); err != nil {
			return err
		}
		if invite != "" {
			ok, err := s.store.useInvite(ctx, tx, invite, s.now())
			if err != nil {
				return err
			}
			if !ok {
				return errInvite
			}
		}
		if state == account.Pending {
			return s.store.wait(ctx, tx, a.ID, about, s.now())
		}
		return nil
	})
}

// normCode returns the code of an invitation in the form that is compared: people write it in either case, with spaces or without hyphens.
func normCode(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return -1
	}, code)
}

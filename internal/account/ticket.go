package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Ticket is what a secret stands for that does one thing once: the link in a letter, the time between the two steps of a sign-in.
type Ticket struct {
	Kind    string // what it is for; one for something else does not fit
	Account id.ID  // whose; 0 where there is none yet
	Email   string // the address that it was sent to
	Data    string // what the kind needs besides
	Browser string // the secret of the browser that it belongs to; empty: any. Not kept: see Fits.

	browser digest
	bound   bool
}

// Fits reports whether the ticket belongs to the browser with a secret (Visit.Browser), or to none.
func (t Ticket) Fits(browser string) bool {
	d := digestOf(browser)
	return !t.bound || subtle.ConstantTimeCompare(t.browser[:], d[:]) == 1
}

var errTicket = errs.New(errs.NotFound, "This link was used already, or is too old. Ask for a new one.").WithCode("link_over")

// Issue stores a ticket and returns its secret, which is kept nowhere.
func (s *Service) Issue(ctx context.Context, tx *db.Tx, t Ticket, lasts time.Duration) (string, error) {
	token, now := id.Secret(), s.now().UTC()
	return token, s.store.insertTicket(ctx, tx, digestOf(token), t, now, now.Add(lasts))
}

// Peek returns the ticket of a kind with a secret, and leaves it. It returns a NotFound error for one that was used or is too old.
func (s *Service) Peek(ctx context.Context, tx *db.Tx, kind, token string) (Ticket, error) {
	t, err := s.store.ticket(ctx, tx, digestOf(token), kind, s.now())
	if errors.Is(err, db.ErrNoRow) {
		return Ticket{}, errTicket
	}
	return t, err
}

// Take is Peek, and uses the ticket up.
func (s *Service) Take(ctx context.Context, tx *db.Tx, kind, token string) (Ticket, error) {
	t, err := s.store.takeTicket(ctx, tx, digestOf(token), kind, s.now())
	if errors.Is(err, db.ErrNoRow) {
		return Ticket{}, errTicket
	}
	return t, err
}

// DropTickets removes the account's tickets of a kind; of all kinds where kind is empty.
func (s *Service) DropTickets(ctx context.Context, tx *db.Tx, account id.ID, kind string) error {
	return s.store.dropTickets(ctx, tx, account, kind)
}

// TokenSpec is a token to make for an app.
type TokenSpec struct {
	Account   id.ID
	App       id.ID     // the OAuth application that holds it; 0: a personal token
	Name      string    // what its owner knows it by
	Scopes    []string  // what it may do; never nil: that would be everything
	ExpiresAt time.Time // zero: until it is revoked
}

// NewToken makes a token in the caller's transaction and returns it, which is kept nowhere, with its session. It returns an Invalid error
// for a token without scopes and NotFound for an account that does not exist.
func (s *Service) NewToken(ctx context.Context, tx *db.Tx, spec TokenSpec) (string, Session, error) {
	scopes := normScopes(spec.Scopes)
	if len(scopes) == 0 {
		return "", Session{}, errs.InvalidField("scopes", "Say what the token may do: read, write, or both.")
	}
	if _, err := s.store.name(ctx, tx, spec.Account); err != nil {
		return "", Session{}, err
	}
	token, now := id.Secret(), s.now().UTC()
	session := Session{
		ID: s.ids.Next(), Account: spec.Account, App: spec.App, Kind: KindToken, Device: text.Clean(spec.Name, maxDevice), Scopes: scopes,
		CreatedAt: now, SeenAt: now, ExpiresAt: spec.ExpiresAt,
	}
	if err := s.store.insertSession(ctx, tx, digestOf(token), session); err != nil {
		return "", Session{}, err
	}
	return token, session, s.note(ctx, tx, spec.Account, "token.create", map[string]any{"session": session.ID, "app": spec.App, "scopes": scopes})
}

// EndApp ends the tokens that an OAuth application holds for the account, on all nodes, and closes their streams. None is no error.
func (s *Service) EndApp(ctx context.Context, account, app id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.endApp(ctx, tx, account, app); err != nil {
			return err
		}
		if err := s.note(ctx, tx, account, "app.revoke", map[string]any{"app": app}); err != nil {
			return err
		}
		return s.announce(ctx, tx, account, contract.SessionEnded{Account: account})
	})
}

package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Proof is how somebody has proven who they are.
type Proof string

// The proofs. A passkey is two things at once, the device and its owner: it needs no second step.
const (
	ByPassword Proof = "password"
	ByPasskey  Proof = "passkey"
	ByEmail    Proof = "email"
	ByOIDC     Proof = "oidc"
)

const (
	// pendingFor is how long the second step of a sign-in may take.
	pendingFor = 10 * time.Minute
	// FreshFor is how long after a proof the person may do what needs one: change the password, make a token.
	FreshFor = 5 * time.Minute

	kindPending = "second"
	maxCodes    = 5 // wrong codes in one sign-in
)

// SignedIn is the outcome of a sign-in. Token is the secret to show from now on; it is kept nowhere. Where a second step is needed first,
// Token is empty and Pending is what to show with it.
type SignedIn struct {
	Token   string
	Pending string
	Browser string // the secret by which the browser is known from now on; empty for apps
	Session Session
	Account Account
}

// Enter begins a session of an account whose owner has given proof of themselves, or asks for the second step where Options.SecondStep
// wants one and the proof was no passkey. It returns a Forbidden error for an account that may not sign in ("suspended", "pending") and
// NotFound for none.
func (s *Service) Enter(ctx context.Context, account id.ID, proof Proof, v Visit) (SignedIn, error) {
	var out SignedIn
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		out, err = s.enter(ctx, tx, account, proof, v)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// enter is Enter in the caller's transaction.
func (s *Service) enter(ctx context.Context, tx *db.Tx, account id.ID, proof Proof, v Visit) (SignedIn, error) {
	a, err := s.store.get(ctx, tx, account)
	if err != nil {
		return SignedIn{}, err
	}
	if err := a.mayEnter(); err != nil {
		return SignedIn{Account: a}, err
	}
	if proof != ByPasskey && s.opt.SecondStep != nil {
		needed, err := s.opt.SecondStep(ctx, tx, account)
		if err != nil {
			return SignedIn{}, err
		}
		if needed {
			token, err := s.Issue(ctx, tx, Ticket{Kind: kindPending, Account: account, Data: string(proof), Browser: v.Browser}, pendingFor)
			return SignedIn{Pending: token, Account: a}, err
		}
	}
	return s.begin(ctx, tx, a, proof, v)
}

// mayEnter returns a Forbidden error for an account that may not sign in.
func (a Account) mayEnter() error {
	switch a.State {
	case Active, Leaving:
		if a.Frozen {
			return errs.New(errs.Forbidden, "The moderators have closed this account for now. Who signs in on the page of the town reads why, and can answer.").WithCode("frozen")
		}
		return nil
	case Pending:
		return errs.New(errs.Forbidden, "Your account waits for a word from the people who run this town. You get a letter as soon as they have decided.").WithCode("pending")
	}
	return errs.New(errs.Forbidden, "This account is suspended. Ask the people who run this town.").WithCode("suspended")
}

// begin begins a session of a person in tx: a new token always, the old one ends, and the guest's cart moves in.
func (s *Service) begin(ctx context.Context, tx *db.Tx, a Account, proof Proof, v Visit) (SignedIn, error) {
	if v.Old != "" {
		if err := s.endToken(ctx, tx, v.Old); err != nil {
			return SignedIn{}, err
		}
	}
	now := s.now().UTC()
	out := SignedIn{Token: id.Secret(), Account: a, Browser: v.Browser}
	out.Session = Session{
		ID: s.ids.Next(), Account: a.ID, Kind: KindSession, Device: text.Clean(v.Device, maxDevice), IP: v.IP,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(SessionMax), AuthAt: now,
	}
	if err := s.store.insertSession(ctx, tx, digestOf(out.Token), out.Session); err != nil {
		return SignedIn{}, err
	}
	if err := s.meet(ctx, tx, a, out.Session, v); err != nil {
		return SignedIn{}, err
	}
	if s.opt.OnSignIn != nil && v.Guest != "" {
		if err := s.opt.OnSignIn(ctx, tx, a.ID, v.Guest); err != nil {
			return SignedIn{}, fmt.Errorf("account: hand over the guest's things: %w", err)
		}
	}
	return out, s.note(ctx, tx, a.ID, "account.sign_in", map[string]any{"proof": string(proof), "session": out.Session.ID})
}

// meet makes a browser or app known to the account, and tells of a new one.
func (s *Service) meet(ctx context.Context, tx *db.Tx, a Account, session Session, v Visit) error {
	known := v.Browser
	if known == "" {
		known = "app\x00" + session.Device + "\x00" + v.IP // no cookie can hold this
	}
	isNew, err := s.store.meet(ctx, tx, a.ID, known, session.CreatedAt)
	if err != nil || !isNew || s.opt.OnNewDevice == nil {
		return err
	}
	return s.opt.OnNewDevice(ctx, tx, a, session)
}

// note writes to the audit log, where there is one.
func (s *Service) note(ctx context.Context, tx *db.Tx, account id.ID, verb string, detail map[string]any) error {
	if s.opt.Audit == nil {
		return nil
	}
	return s.opt.Audit(ctx, tx, verb, "account:"+account.String(), detail)
}

var errPending = errs.New(errs.Unauthenticated, "This sign-in took too long, or too many codes were wrong. Begin again.").WithCode("pending_over")

// Pending returns whose sign-in waits for its second step, or an Unauthenticated error once it waits no more.
func (s *Service) Pending(ctx context.Context, token string) (Account, error) {
	var a Account
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		t, err := s.Peek(ctx, tx, kindPending, token)
		if err != nil {
			return err
		}
		a, err = s.store.get(ctx, tx, t.Account)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return Account{}, errPending
	}
	return a, err
}

// TryCode is Pending for whoever is about to check a code: it counts the try first, and returns an Unauthenticated error once five were
// wrong in this sign-in, TooMany once ten were for this account in 15 minutes.
func (s *Service) TryCode(ctx context.Context, token string) (Account, error) {
	a, err := s.Pending(ctx, token)
	if err != nil {
		return Account{}, err
	}
	if err := s.Try(ctx, codeKey(a.ID), maxPerAccount); err != nil {
		return Account{}, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error { return s.store.tryTicket(ctx, tx, digestOf(token), maxCodes) })
	if errs.Is(err, errs.NotFound) {
		return Account{}, errPending
	}
	return a, err
}

func codeKey(account id.ID) string { return "code " + account.String() }

// Complete begins the session that waited for its second step, which the caller has checked after TryCode. It works once, and returns an
// Unauthenticated error after that.
func (s *Service) Complete(ctx context.Context, token string, v Visit) (SignedIn, error) {
	var out SignedIn
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		t, err := s.Take(ctx, tx, kindPending, token)
		if errs.Is(err, errs.NotFound) {
			return errPending
		}
		if err != nil {
			return err
		}
		a, err := s.store.get(ctx, tx, t.Account)
		if err != nil {
			return err
		}
		if err := a.mayEnter(); err != nil {
			return err
		}
		if err := s.store.right(ctx, tx, codeKey(a.ID)); err != nil {
			return err
		}
		out, err = s.begin(ctx, tx, a, Proof(t.Data), v)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// Finish answers a sign-in by page: it gives the browser its cookies and sends it to next, or to the second step first.
func (s *Service) Finish(w http.ResponseWriter, r *http.Request, in SignedIn, next string) error {
	next = httpx.LocalPath(next)
	if in.Browser != "" {
		s.setBrowser(w, in.Browser)
	}
	if in.Pending != "" {
		http.SetCookie(w, s.cookieOf("stoa_pending", in.Pending, int(pendingFor.Seconds())))
		return httpx.Redirect(w, r, "/sign-in/second?next="+url.QueryEscape(next))
	}
	if _, err := r.Cookie(s.nameOf("stoa_pending")); err == nil {
		http.SetCookie(w, s.cookieOf("stoa_pending", "", -1))
	}
	s.SetCookie(w, in.Token)
	return httpx.Redirect(w, r, next)
}

// PendingFrom returns the token of the sign-in whose second step a browser is at, "" for none.
func (s *Service) PendingFrom(r *http.Request) string {
	if c, err := r.Cookie(s.nameOf("stoa_pending")); err == nil {
		return c.Value
	}
	return ""
}

var errFresh = errs.New(errs.Forbidden, "Please show once more that it is you.").WithCode("reauthenticate")

// Fresh returns nil where the person has proven who they are within FreshFor in this session, else a Forbidden error with the code
// "reauthenticate": the page /account/confirm helps. A token is never fresh.
func Fresh(ctx context.Context) error {
	if q, _ := ctx.Value(contextKey{}).(*request); q == nil || !q.entry.session.fresh(q.at) {
		return errFresh
	}
	return nil
}

// Fresh is the function of this name, for those who have an interface.
func (s *Service) Fresh(ctx context.Context) error { return Fresh(ctx) }

// Confirmed notes that the person has just proven anew in this session who they are. It returns a NotFound error for a session that ended.
func (s *Service) Confirmed(ctx context.Context, session id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		account, err := s.store.confirm(ctx, tx, session, s.now())
		if errors.Is(err, db.ErrNoRow) {
			return errs.New(errs.NotFound, "This session has ended already.")
		}
		if err != nil {
			return err
		}
		if err := s.note(ctx, tx, account, "account.confirm", map[string]any{"session": session}); err != nil {
			return err
		}
		return s.announceQuietly(ctx, tx, account)
	})
}

// Self returns the actor, who may do verb to their own account, or why not.
func Self(ctx context.Context, verb string) (access.Actor, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return access.Actor{}, err
	}
	return actor, access.Can(actor, verb, access.Thing{Kind: "account", ID: actor.ID})
}

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

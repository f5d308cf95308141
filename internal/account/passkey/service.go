package passkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Deps are what a Service works with.
type Deps struct {
	DB     *db.DB
	IDs    *id.Source
	Now    clock.Func
	People *account.Service
	Tell   *notice.Teller
}

// Options are what a Service is told.
type Options struct {
	// URL is the address that people reach the server at, without a path; empty: it is not set, and passkeys work on this machine alone.
	URL string
	// HTTPS is whether people reach the server by https.
	HTTPS bool
	// Town is the name that the browser shows.
	Town string
	// OtherWay reports whether the account's owner can sign in without any passkey. Without it nobody can.
	OtherWay func(ctx context.Context, tx *db.Tx, account id.ID) (bool, error)
}

// Service keeps people's passkeys. Safe for concurrent use.
type Service struct {
	Deps
	opt   Options
	store store
}

// New returns a Service.
func New(d Deps, opt Options) *Service { return &Service{Deps: d, opt: opt} }

// purpose is what a challenge is for.
type purpose string

const (
	toAdd     purpose = "add"
	toSignIn  purpose = "sign in"
	toConfirm purpose = "confirm"

	ticketKind = "passkey"
)

// Offer is the first half of a ceremony: what the browser gives its keys, and the ticket to come back with.
type Offer struct {
	Ticket  string `json:"ticket"`
	Options any    `json:"options"`
}

// Answer is the second half: the ticket, and what the browser's key said, as JSON.
type Answer struct {
	Ticket     string
	Credential string
}

// ceremony is what the server keeps between the two halves.
type ceremony struct {
	Purpose purpose              `json:"purpose"`
	Session id.ID                `json:"session"` // of a person who is signed in
	Data    webauthn.SessionData `json:"data"`
}

var (
	errNoParty = errs.New(errs.Invalid, "Passkeys work at an address with a name, such as https://food.example.org; browsers refuse them elsewhere.").WithCode("passkeys_unavailable")
	errOver    = errs.New(errs.Invalid, "This took too long, or was sent twice. Please try again.").WithCode("passkey_over")
	errUnknown = errs.New(errs.Unauthenticated, "This server does not know that passkey. It may have been removed: sign in another way.").WithCode("unknown_passkey")
	errRefused = errs.New(errs.Unauthenticated, "This passkey was not accepted. Try again, or sign in another way.").WithCode("passkey_refused")
	errCloned  = errs.New(errs.Unauthenticated, "This passkey's counter went backwards, as happens when a key was copied. It signs nobody in any more: sign in another way, then remove it.").WithCode("passkey_cloned")
)

// library returns the library set up for a party.
func (s *Service) library(p party) (*webauthn.WebAuthn, error) {
	yes := true
	w, err := webauthn.New(&webauthn.Config{
		RPID: p.id, RPDisplayName: s.opt.Town, RPOrigins: []string{p.origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &yes, UserVerification: protocol.VerificationRequired,
		},
		// Password managers answer with more than they were asked for; nothing here depends on it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: set up for %s: %w", p.origin, err)
	}
	return w, nil
}

// keep stores what a ceremony needs in its second half and returns the ticket for it.
func (s *Service) keep(ctx context.Context, c ceremony, who id.ID, browser string) (string, error) {
	blob, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("passkey: keep a challenge: %w", err)
	}
	var ticket string
	err = s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		ticket, err = s.People.Issue(ctx, tx, account.Ticket{Kind: ticketKind, Account: who, Data: string(blob), Browser: browser}, challengeFor)
		return err
	})
	return ticket, err
}

// take uses a ticket up, whether or not it fits, and returns what was kept with it.
func (s *Service) take(ctx context.Context, ticket string, p purpose, session id.ID, browser string) (ceremony, error) {
	var t account.Ticket
	err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		t, err = s.People.Take(ctx, tx, ticketKind, ticket)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return ceremony{}, errOver
	}
	if err != nil {
		return ceremony{}, err
	}
	var c ceremony
	if err := json.Unmarshal([]byte(t.Data), &c); err != nil {
		return ceremony{}, fmt.Errorf("passkey: read a challenge: %w", err)
	}
	if c.Purpose != p || c.Session != session || !t.Fits(browser) {
		return ceremony{}, errOver
	}
	return c, nil
}

// List returns the account's passkeys, oldest first.
func (s *Service) List(ctx context.Context, who id.ID) (out []Passkey, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.list(ctx, tx, who)
		return err
	})
	return out, err
}

// Count returns how many passkeys sign the account's owner in.
func (s *Service) Count(ctx context.Context, tx *db.Tx, who id.ID) (int, error) {
	return s.store.count(ctx, tx, who)
}

// owner returns an account with its keys.
func (s *Service) owner(ctx context.Context, who id.ID) (owner, error) {
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return owner{}, err
	}
	keys, err := s.List(ctx, who)
	return owner{a, keys}, err
}

// beginAdd offers to make a key for who, but not on a device that holds one for them already.
func (s *Service) beginAdd(ctx context.Context, p party, who, session id.ID) (Offer, error) {
	o, err := s.owner(ctx, who)
	if err != nil {
		return Offer{}, err
	}
	if len(o.keys) >= MaxPasskeys {
		return Offer{}, errTooMany()
	}
	lib, err := s.library(p)
	if err != nil {
		return Offer{}, err
	}
	creation, data, err := lib.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return Offer{}, fmt.Errorf("passkey: begin to add: %w", err)
	}
	ticket, err := s.keep(ctx, ceremony{Purpose: toAdd, Session: session, Data: *data}, who, "")
	return Offer{ticket, creation.Response}, err
}

func errTooMany() error {
	return errs.New(errs.Conflict, "You have %d passkeys, which is as many as we keep. Remove one first.", MaxPasskeys).WithCode("too_many_passkeys")
}

// finishAdd stores the key that the browser has made, under a name that its owner can change.
func (s *Service) finishAdd(ctx context.Context, p party, who, session id.ID, in Answer) (Passkey, error) {
	c, err := s.take(ctx, in.Ticket, toAdd, session, "")
	if err != nil {
		return Passkey{}, err
	}
	o, err := s.owner(ctx, who)
	if err != nil {
		return Passkey{}, err
	}
	lib, err := s.library(p)
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(in.Credential))
	if err != nil {
		return Passkey{}, errBadAnswer(err)
	}
	cred, err := lib.CreateCredential(o, c.Data, parsed)
	if err != nil {
		return Passkey{}, errBadAnswer(err)
	}
	key := newKey(s.IDs.Next(), who, cred)
	key.Name, key.CreatedAt = nameOf(ctx, key, o.keys), s.Now().UTC()
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := s.store.lock(ctx, tx, who)
		if err != nil {
			return err
		}
		if n >= MaxPasskeys {
			return errTooMany()
		}
		if err := s.store.insert(ctx, tx, key); err != nil {
			return err
		}
		return s.Tell.Tell(ctx, tx, o.account, added(key.Name))
	})
	if db.IsUnique(err) {
		return Passkey{}, errs.New(errs.Conflict, "This passkey is known already.")
	}
	return key, err
}

func newKey(key, who id.ID, cred *webauthn.Credential) Passkey {
	words := make([]string, 0, len(cred.Transport))
	for _, t := range cred.Transport {
		words = append(words, string(t))
	}
	return Passkey{
		ID: key, Account: who, Synced: cred.Flags.BackupState, credential: cred.ID, public: cred.PublicKey, aaguid: cred.Authenticator.AAGUID,
		transports: strings.Join(words, " "), signs: cred.Authenticator.SignCount, eligible: cred.Flags.BackupEligible,
	}
}

// errBadAnswer is what a person hears of an answer that the library refused; why is for the log.
func errBadAnswer(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" {
		err = fmt.Errorf("%w: %s", err, e.DevInfo)
	}
	return errRefused.WithCause(err)
}

// beginSignIn offers to sign in whoever holds a key of this server.
func (s *Service) beginSignIn(ctx context.Context, p party, browser string) (Offer, error) {
	lib, err := s.library(p)
	if err != nil {
		return Offer{}, err
	}
	assertion, data, err := lib.BeginDiscoverableLogin()
	if err != nil {
		return Offer{}, fmt.Errorf("passkey: begin to sign in: %w", err)
	}
	ticket, err := s.keep(ctx, ceremony{Purpose: toSignIn, Data: *data}, 0, browser)
	return Offer{ticket, assertion.Response}, err
}

// finishSignIn begins the session of the key's owner. It returns an Unauthenticated error for a key that is unknown, was copied, or signed
// something else.
func (s *Service) finishSignIn(ctx context.Context, p party, in Answer, v account.Visit) (account.SignedIn, error) {
	c, err := s.take(ctx, in.Ticket, toSignIn, 0, v.Browser)
	if err != nil {
		return account.SignedIn{}, err
	}
	key, err := s.check(ctx, p, in, func(lib *webauthn.WebAuthn, o owner, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
		_, cred, err := lib.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return o, nil }, c.Data, parsed)
		return cred, err
	})
	if err != nil {
		return account.SignedIn{}, err
	}
	return s.People.Enter(ctx, key.Account, account.ByPasskey, v)
}

// beginConfirm offers to prove anew who one is, with one of one's own keys.
func (s *Service) beginConfirm(ctx context.Context, p party, who, session id.ID) (Offer, error) {
	o, err := s.owner(ctx, who)
	if err != nil {
		return Offer{}, err
	}
	if len(o.keys) == 0 {
		return Offer{}, errNoKey
	}
	lib, err := s.library(p)
	if err != nil {
		return Offer{}, err
	}
	assertion, data, err := lib.BeginLogin(o)
	if err != nil {
		return Offer{}, fmt.Errorf("passkey: begin to confirm: %w", err)
	}
	ticket, err := s.keep(ctx, ceremony{Purpose: toConfirm, Session: session, Data: *data}, who, "")
	return Offer{ticket, assertion.Response}, err
}

// finishConfirm notes in the session that its owner was here just now.
func (s *Service) finishConfirm(ctx context.Context, p party, who, session id.ID, in Answer) error {
	c, err := s.take(ctx, in.Ticket, toConfirm, session, "")
	if err != nil {
		return err
	}
	_, err = s.check(ctx, p, in, func(lib *webauthn.WebAuthn, o owner, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
		if o.account.ID != who {
			return nil, errors.New("the key belongs to somebody else")
		}
		return lib.ValidateLogin(o, c.Data, parsed)
	})
	if err != nil {
		return err
	}
	return s.People.Confirmed(ctx, session)
}

// validate has the library look at an assertion of one of the owner's keys.
type validate func(lib *webauthn.WebAuthn, o owner, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error)

// check finds the key that answered, has it validated, and notes its use. A counter that went backwards ends the key.
func (s *Service) check(ctx context.Context, p party, in Answer, ok validate) (Passkey, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(in.Credential))
	if err != nil {
		return Passkey{}, errBadAnswer(err)
	}
	var key Passkey
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		key, err = s.store.byCredential(ctx, tx, parsed.RawID)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return Passkey{}, errUnknown
	}
	if err != nil {
		return Passkey{}, err
	}
	o, err := s.owner(ctx, key.Account)
	if err != nil {
		return Passkey{}, err
	}
	lib, err := s.library(p)
	if err != nil {
		return Passkey{}, err
	}
	cred, err := ok(lib, o, parsed)
	switch {
	case err != nil:
		return Passkey{}, errBadAnswer(err)
	case !key.ClonedAt.IsZero():
		return Passkey{}, errCloned
	case cred.Authenticator.CloneWarning:
		return Passkey{}, s.copied(ctx, o.account, key)
	}
	key.signs, key.Synced = cred.Authenticator.SignCount, cred.Flags.BackupState
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		moved, err := s.store.used(ctx, tx, key, s.Now())
		if err == nil && !moved {
			return errRefused
		}
		return err
	})
	return key, err
}

// copied ends a key whose counter went backwards, tells its owner, and returns the error that says so.
func (s *Service) copied(ctx context.Context, a account.Account, key Passkey) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.cloned(ctx, tx, key.ID, s.Now()); err != nil {
			return err
		}
		return s.Tell.Tell(ctx, tx, a, cloned(key.Name))
	})
	if err != nil {
		return err
	}
	return errCloned
}

// Rename gives one of the account's keys another name. It returns an Invalid error for no name and NotFound for no such key.
func (s *Service) Rename(ctx context.Context, who, key id.ID, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.store.rename(ctx, tx, who, key, name) })
}

// Remove takes one of the account's keys away. It returns a Conflict error for the last way in, and NotFound for no such key.
func (s *Service) Remove(ctx context.Context, who, key id.ID) error {
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := s.store.lock(ctx, tx, who); err != nil {
			return err
		}
		name, err := s.store.remove(ctx, tx, who, key)
		if err != nil {
			return err
		}
		left, err := s.store.count(ctx, tx, who)
		if err != nil {
			return err
		}
		if left == 0 {
			other, err := s.otherWay(ctx, tx, who)
			if err != nil {
				return err
			}
			if !other {
				return errs.New(errs.Conflict, "This passkey is your only way in. Set a password or add another passkey first.").WithCode("last_way_in")
			}
		}
		return s.Tell.Tell(ctx, tx, a, removed(name))
	})
}

// Estrange takes the keys away, in the caller's transaction, that somebody may have added who was in the account shortly.
func (s *Service) Estrange(ctx context.Context, tx *db.Tx, who id.ID) error {
	n, err := s.store.removeSince(ctx, tx, who, s.Now().Add(-notice.Recent))
	if err != nil || n == 0 {
		return err
	}
	return s.Tell.Note(ctx, tx, who, "passkey.estrange", map[string]any{"removed": n})
}

func (s *Service) otherWay(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) {
	if s.opt.OtherWay == nil {
		return false, nil
	}
	return s.opt.OtherWay(ctx, tx, who)
}

package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Door is package signup, as far as this one knows it: who may become one of the town, and how.
type Door interface {
	// Introduced makes an account for somebody whom a provider has introduced; also runs in the transaction that makes it. SignedIn has no
	// token where the account has to wait.
	Introduced(ctx context.Context, in signup.Request, v account.Visit, also func(tx *db.Tx, a account.Account) error) (account.SignedIn, error)
	// Ask has an address confirmed by letter first.
	Ask(ctx context.Context, in signup.Request, next string, v account.Visit) error
	// Terms are what the form for a new account asks for.
	Terms() signup.Terms
}

// Deps are what a Service works with.
type Deps struct {
	DB     *db.DB
	IDs    *id.Source
	Now    clock.Func
	Clock  clock.Func // the real time, which providers keep: not that of a town whose clock runs faster
	People *account.Service
	Tell   *notice.Teller
	Door   Door
	Client *http.Client // the guarded one
	Log    *slog.Logger
}

// Options are what a Service is told.
type Options struct {
	Providers []Provider
	// URL returns the address that people reach the server at.
	URL func() string
	// OtherWay reports whether the account's owner can sign in without any provider. Without it nobody can.
	OtherWay func(ctx context.Context, tx *db.Tx, account id.ID) (bool, error)
}

// Service lets people in by others' word. Safe for concurrent use.
type Service struct {
	Deps
	opt   Options
	store store

	mu    sync.Mutex
	known map[string]source // by issuer
}

// New returns a Service.
func New(d Deps, opt Options) *Service {
	return &Service{Deps: d, opt: opt, known: map[string]source{}}
}

// The kinds of tickets.
const (
	kindFlow = "oidc"
	kindJoin = "oidc-join"
)

// flow is what the server keeps while somebody is at a provider.
type flow struct {
	Issuer   string `json:"issuer"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
	Session  id.ID  `json:"session"` // of a person who connects; 0: somebody signs in
}

// joining is what the server keeps while somebody fills in the form for a new account.
type joining struct {
	Person person `json:"person"`
	Next   string `json:"next"`
}

var (
	errOver    = errs.New(errs.Invalid, "This took too long, or was sent twice. Please begin again.").WithCode("oidc_over")
	errUnknown = errs.New(errs.NotFound, "There is no such way to sign in here.")
	errTaken   = errs.New(errs.Conflict, "This sign-in is connected with another account here.").WithCode("oidc_taken")
)

// errRefused is what people hear of an answer that does not hold; why is for the log.
func errRefused(why error) error {
	return errs.New(errs.Unauthenticated, "The answer of the other service was not accepted. Please begin again.").WithCode("oidc_refused").WithCause(why)
}

// provider returns the provider with a slug, or a NotFound error.
func (s *Service) provider(slug string) (Provider, error) {
	for _, p := range s.opt.Providers {
		if p.Slug() == slug {
			return p, nil
		}
	}
	return Provider{}, errUnknown
}

// named returns what people call an issuer.
func (s *Service) named(issuer string) string {
	for _, p := range s.opt.Providers {
		if p.Issuer == issuer {
			return p.Name
		}
	}
	return issuer
}

// begin returns the address at p to send the browser to, for somebody who signs in, or who connects in a session of theirs.
func (s *Service) begin(ctx context.Context, p Provider, who, session id.ID, next, browser string) (string, error) {
	src, err := s.source(ctx, p)
	if err != nil {
		return "", err
	}
	f := flow{Issuer: p.Issuer, Nonce: id.Secret(), Verifier: newVerifier(), Next: next, Session: session}
	state, err := s.issue(ctx, kindFlow, who, f, browser, flowFor)
	if err != nil {
		return "", err
	}
	conf, err := src.config(s.callback(p))
	if err != nil {
		return "", err
	}
	return src.address(conf, state, f), nil
}

// callback returns the address to which p sends people back.
func (s *Service) callback(p Provider) string {
	return s.opt.URL() + "/sign-in/with/" + p.Slug() + "/callback"
}

func (s *Service) issue(ctx context.Context, kind string, who id.ID, data any, browser string, lasts time.Duration) (string, error) {
	blob, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("oidc: keep a %s: %w", kind, err)
	}
	var ticket string
	err = s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		ticket, err = s.People.Issue(ctx, tx, account.Ticket{Kind: kind, Account: who, Data: string(blob), Browser: browser}, lasts)
		return err
	})
	return ticket, err
}

// read returns what was kept with a ticket of the browser's, by Peek or Take of package account.
func read(ctx context.Context, tx *db.Tx, get func(context.Context, *db.Tx, string, string) (account.Ticket, error), kind, ticket, browser string, data any) (account.Ticket, error) {
	t, err := get(ctx, tx, kind, ticket)
	if errs.Is(err, errs.NotFound) {
		return account.Ticket{}, errOver
	}
	if err != nil {
		return account.Ticket{}, err
	}
	if !t.Fits(browser) {
		return account.Ticket{}, errOver
	}
	if err := json.Unmarshal([]byte(t.Data), data); err != nil {
		return account.Ticket{}, fmt.Errorf("oidc: read a %s: %w", kind, err)
	}
	return t, nil
}

// answer is what a provider sends the browser back with.
type answer struct{ State, Code, Issuer, Error string }

// came is who has come back from a provider, and for what.
type came struct {
	flow    flow
	person  person
	account id.ID // who connects
}

// finish takes the answer of p in the browser that was sent there. The state is used up whatever the answer is.
func (s *Service) finish(ctx context.Context, p Provider, in answer, browser string) (came, error) {
	var f flow
	var t account.Ticket
	var bad error
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		t, bad = read(ctx, tx, s.People.Take, kindFlow, in.State, browser, &f)
		if errs.Is(bad, errs.Internal) {
			return bad
		}
		return nil // used up also where it does not fit
	})
	if err != nil || bad != nil {
		return came{}, first(err, bad)
	}
	// The answer of one provider to the question that was put to another: the mix-up attack.
	if f.Issuer != p.Issuer {
		return came{}, errRefused(fmt.Errorf("asked %s, answered by %s", f.Issuer, p.Issuer))
	}
	if in.Error != "" {
		return came{flow: f}, errs.New(errs.Invalid, "%s did not let you in. Please begin again, or sign in another way.", p.Name).WithCode("oidc_denied").WithCause(fmt.Errorf("oidc: %.80q", in.Error))
	}
	src, err := s.source(ctx, p)
	if err != nil {
		return came{}, err
	}
	who, err := s.introduced(ctx, src, f, in)
	return came{flow: f, person: who, account: t.Account}, err
}

func first(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// enter begins the session of whoever a provider has introduced, or returns a NotFound error where nobody here is known by that.
func (s *Service) enter(ctx context.Context, who person, v account.Visit) (account.SignedIn, error) {
	var i Identity
	err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if i, err = s.store.find(ctx, tx, who.Issuer, who.Subject); err != nil {
			return err
		}
		return s.store.used(ctx, tx, i.ID, who.Email, who.Name, s.Now())
	})
	if err != nil {
		return account.SignedIn{}, err
	}
	return s.People.Enter(ctx, i.Account, account.ByOIDC, v)
}

// connect lets an account be entered as who. It returns a Conflict error where another account is.
func (s *Service) connect(ctx context.Context, account id.ID, who person) error {
	a, err := s.People.Get(ctx, account)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if i, err := s.store.find(ctx, tx, who.Issuer, who.Subject); err == nil && i.Account == account {
			return s.store.used(ctx, tx, i.ID, who.Email, who.Name, s.Now())
		}
		return s.add(ctx, tx, a, who)
	})
	if db.IsUnique(err) {
		return errTaken
	}
	return err
}

// add stores a connection in tx and tells the account's owner.
func (s *Service) add(ctx context.Context, tx *db.Tx, a account.Account, who person) error {
	i := Identity{ID: s.IDs.Next(), Account: a.ID, Issuer: who.Issuer, Subject: who.Subject, Email: who.Email, Name: who.Name, CreatedAt: s.Now().UTC()}
	if err := s.store.insert(ctx, tx, i); err != nil {
		return err
	}
	return s.Tell.Tell(ctx, tx, a, connected(s.named(who.Issuer)))
}

// List returns the account's connections, oldest first.
func (s *Service) List(ctx context.Context, who id.ID) (out []Identity, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.list(ctx, tx, who)
		return err
	})
	return out, err
}

// Count returns by how many providers that the settings still name the account's owner can sign in.
func (s *Service) Count(ctx context.Context, tx *db.Tx, who id.ID) (int, error) {
	list, err := s.store.list(ctx, tx, who)
	n := 0
	for _, i := range list {
		for _, p := range s.opt.Providers {
			if p.Issuer == i.Issuer {
				n++
				break
			}
		}
	}
	return n, err
}

// Remove takes one of the account's connections away. It returns a Conflict error for the last way in, and NotFound for no such one.
func (s *Service) Remove(ctx context.Context, who, identity id.ID) error {
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.lock(ctx, tx, who); err != nil {
			return err
		}
		issuer, err := s.store.remove(ctx, tx, who, identity)
		if err != nil {
			return err
		}
		left, err := s.Count(ctx, tx, who)
		if err != nil {
			return err
		}
		if left == 0 {
			other := false
			if s.opt.OtherWay != nil {
				if other, err = s.opt.OtherWay(ctx, tx, who); err != nil {
					return err
				}
			}
			if !other {
				return errs.New(errs.Conflict, "This is your only way in. Set a password or add a passkey first.").WithCode("last_way_in")
			}
		}
		return s.Tell.Tell(ctx, tx, a, disconnected(s.named(issuer)))
	})
}

// Estrange takes the connections away, in the caller's transaction, that somebody may have made who was in the account shortly.
func (s *Service) Estrange(ctx context.Context, tx *db.Tx, who id.ID) error {
	n, err := s.store.removeSince(ctx, tx, who, s.Now().Add(-notice.Recent))
	if err != nil || n == 0 {
		return err
	}
	return s.Tell.Note(ctx, tx, who, "identity.estrange", map[string]any{"removed": n})
}

// invite keeps who was introduced until they have filled in the form for a new account, and returns the ticket for it.
func (s *Service) invite(ctx context.Context, who person, next, browser string) (string, error) {
	return s.issue(ctx, kindJoin, 0, joining{who, next}, browser, joinFor)
}

// invited returns who a ticket of the browser's is for.
func (s *Service) invited(ctx context.Context, ticket, browser string) (j joining, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		_, err = read(ctx, tx, s.People.Peek, kindJoin, ticket, browser, &j)
		return err
	})
	return j, err
}

// join makes the account of somebody who was introduced, together with the connection or not at all. Where nobody has proven the address and
// the town wants it confirmed, it sends the letter instead and returns false: the connection is made when its reader comes back.
func (s *Service) join(ctx context.Context, ticket string, in signup.Request, v account.Visit) (out account.SignedIn, made bool, err error) {
	j, err := s.invited(ctx, ticket, v.Browser)
	if err != nil {
		return account.SignedIn{}, false, err
	}
	in.Without, in.Password = true, ""
	switch {
	case j.Person.Verified:
		in.Email = j.Person.Email // what was proven, not what was typed
	case s.Door.Terms().ByMail:
		return account.SignedIn{}, false, s.Door.Ask(ctx, in, connectPath(ticket), v)
	}
	out, err = s.Door.Introduced(ctx, in, v, func(tx *db.Tx, a account.Account) error {
		if _, err := s.People.Take(ctx, tx, kindJoin, ticket); err != nil {
			return errOver
		}
		return s.add(ctx, tx, a, j.Person)
	})
	if db.IsUnique(err) {
		err = errTaken
	}
	return out, err == nil, err
}

// connectPath is where somebody who was introduced connects that with the account they are signed in to.
func connectPath(ticket string) string {
	return "/account/connected/join?ticket=" + url.QueryEscape(ticket)
}

// accept connects who was introduced by a ticket of the browser's with an account.
func (s *Service) accept(ctx context.Context, ticket, browser string, who id.ID) (joining, error) {
	var j joining
	err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		_, err = read(ctx, tx, s.People.Take, kindJoin, ticket, browser, &j)
		return err
	})
	if err != nil {
		return joining{}, err
	}
	return j, s.connect(ctx, who, j.Person)
}

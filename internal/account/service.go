package account

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Options are what a Service can do without.
type Options struct {
	// HTTPS is whether people reach the server by https: cookies are then Secure and bound to the host.
	HTTPS bool
	// Demo allows StepInto. Never set it where real people live.
	Demo bool
	// Hashers is how many passwords are hashed at once, each in 19 MiB; 0 is one for each core, between 2 and 4.
	Hashers int
	// OnSignIn runs in the transaction of every sign-in and sign-up of a browser that was a guest, with the guest's token.
	OnSignIn func(ctx context.Context, tx *db.Tx, account id.ID, guest string) error
	// Place returns the restaurant with a slug, or a NotFound error. Without it no role at a restaurant can be written as text.
	Place func(ctx context.Context, slug string) (id.ID, error)
	// OnNewDevice runs in the transaction of a sign-in from a browser or app that the account was never seen in, but for its first.
	OnNewDevice func(ctx context.Context, tx *db.Tx, a Account, session Session) error
	// OnEstrange runs in the transaction that locks strangers out of an account: it takes away what they may have added to come back by.
	OnEstrange func(ctx context.Context, tx *db.Tx, account id.ID) error
	// SecondStep reports whether an account asks for a second step after a password, a letter or another's word.
	SecondStep func(ctx context.Context, tx *db.Tx, account id.ID) (bool, error)
	// Audit notes what was done to an account, in the transaction that did it.
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	// App returns the app that holds a token for itself, which stands for no account; a NotFound error where none does.
	App func(ctx context.Context, token string) (access.Actor, error)
	// Gone reports whether a handle was that of somebody who left, or is that of something else than an account: nobody new may have it.
	Gone func(ctx context.Context, tx *db.Tx, handle string) (bool, error)
	// OnCreate runs in the transaction that makes an account. A db.IsUnique error says that the handle is somebody else's.
	OnCreate func(ctx context.Context, tx *db.Tx, a Account) error
	// OnChange runs in the transaction that changes an account's name, state or roles; one that was erased has no name.
	OnChange func(ctx context.Context, tx *db.Tx, a Account) error
	// Fail answers a request whose token is refused, or whose session can't be read. Without it the answer is a bare status.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Service is what can be done with accounts. Safe for concurrent use.
type Service struct {
	db     *db.DB
	log    *events.Log
	ids    *id.Source
	now    clock.Func
	opt    Options
	store  store
	hasher *hasher
	cache  *cache
}

// How long a node believes what it read of a session when no event says otherwise, and how often a session's last use is written.
const (
	rereadAfter = 30 * time.Second
	touchEvery  = time.Hour
)

// New returns a Service. React must be called before it serves, or changes made on other nodes take rereadAfter to arrive.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, opt Options) *Service {
	if opt.Hashers == 0 {
		opt.Hashers = min(max(runtime.GOMAXPROCS(0), 2), 4)
	}
	return &Service{
		db: d, log: log, ids: ids, now: now, opt: opt, store: store{now},
		hasher: newHasher(opt.Hashers, fullCost()), cache: newCache(),
	}
}

// Create makes an account whose address nobody has confirmed and signs it in. It returns an Invalid error with every fault of the input, also
// where the e-mail address or the handle belongs to somebody, and TooMany where an address asks for too many that do.
func (s *Service) Create(ctx context.Context, in SignUp, v Visit) (SignedIn, error) {
	return s.Join(ctx, in, Active, v, nil)
}

// Join is Create for an account in a state; also runs in its transaction. One that is Pending is not signed in: SignedIn has no token then.
func (s *Service) Join(ctx context.Context, in SignUp, state State, v Visit, also func(tx *db.Tx, a Account) error) (SignedIn, error) {
	if err := s.full(ctx, addressKey(v.IP), maxPerIP); err != nil {
		return SignedIn{}, err
	}
	in, err := in.clean(false)
	if err != nil {
		return SignedIn{}, err
	}
	hash, err := s.Hash(ctx, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	_, err = s.insert(ctx, in, state, hash, func(tx *db.Tx, a Account) (err error) {
		if also != nil {
			if err := also(tx, a); err != nil {
				return err
			}
		}
		if state == Pending {
			out = SignedIn{Account: a}
			return nil
		}
		out, err = s.begin(ctx, tx, a, ByPassword, v)
		return err
	})
	if errs.Is(err, errs.Invalid) {
		// Who tries many addresses learns which have an account.
		if over := s.Try(ctx, addressKey(v.IP), maxPerIP); over != nil {
			return SignedIn{}, over
		}
	}
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// Hash returns what is stored of a password, "" for "". It waits for its turn and returns ctx's error when that ends first.
func (s *Service) Hash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	return s.hasher.hash(ctx, password)
}

// HandleFree returns "" where somebody new can have the handle, else what is wrong with it.
func (s *Service) HandleFree(ctx context.Context, handle string) (string, error) {
	handle = normHandle(handle)
	if msg := checkHandle(handle, false); msg != "" {
		return msg, nil
	}
	var taken bool
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if _, taken, err = s.store.taken(ctx, tx, "", handle); err == nil && !taken {
			taken, err = s.gone(ctx, tx, handle)
		}
		return err
	})
	if err != nil || !taken {
		return "", err
	}
	return handleTaken, nil
}

// gone reports whether a handle was that of somebody who left.
func (s *Service) gone(ctx context.Context, tx *db.Tx, handle string) (bool, error) {
	if s.opt.Gone == nil {
		return false, nil
	}
	return s.opt.Gone(ctx, tx, handle)
}

// errGone ends a transaction that would have given somebody the handle of a person who left.
var errGone = errors.New("account: the handle was somebody's who left")

// insert stores a new account and runs also in its transaction. An empty handle is made from the name, with a number where that is taken.
func (s *Service) insert(ctx context.Context, in SignUp, state State, hash string, also func(*db.Tx, Account) error) (Account, error) {
	now := s.now().UTC()
	a := Account{ID: s.ids.Next(), Handle: in.Handle, Name: in.Name, Email: in.Email, Lang: in.Lang, TZ: in.TZ, State: state, CreatedAt: now}
	if a.Handle == "" {
		a.Handle = handleFrom(a.Name)
	}
	base := a.Handle
	for {
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			if gone, err := s.gone(ctx, tx, a.Handle); err != nil || gone {
				return cmp.Or(err, errGone)
			}
			if err := s.create(ctx, tx, a, hash); err != nil {
				return err
			}
			if err := s.log.Append(ctx, tx, now, a.ID, contract.Created{Account: a.ID, Handle: a.Handle, Name: a.Name}); err != nil {
				return err
			}
			return also(tx, a)
		})
		if errors.Is(err, errGone) && in.Handle != "" {
			return Account{}, errs.InvalidField("handle", handleTaken)
		}
		if errors.Is(err, errGone) {
			a.Handle = base + id.Digits(4)
			continue
		}
		if !db.IsUnique(err) {
			return a, err
		}
		var emailIs, handleIs bool
		if err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			if emailIs, handleIs, err = s.store.taken(ctx, tx, a.Email, a.Handle); err == nil && !handleIs {
				handleIs, err = s.gone(ctx, tx, a.Handle)
			}
			return err
		}); err != nil {
			return Account{}, err
		}
		var wrong []errs.Field
		if emailIs {
			wrong = append(wrong, errs.Field{Path: "email", Message: i18n.Key("This address has an account already. Sign in instead.")})
		}
		if handleIs && in.Handle != "" {
			wrong = append(wrong, errs.Field{Path: "handle", Message: handleTaken})
		}
		switch {
		case len(wrong) > 0:
			return Account{}, errs.InvalidFields(wrong)
		case !handleIs:
			return Account{}, fmt.Errorf("account: insert %d: %w", a.ID, err)
		}
		// 4 digits: a number at random meets nobody's even where a thousand share a name.
		a.Handle = base + id.Digits(4)
	}
}

// create stores an account, with what others keep of it.
func (s *Service) create(ctx context.Context, tx *db.Tx, a Account, hash string) error {
	if err := s.store.insert(ctx, tx, a, hash); err != nil || s.opt.OnCreate == nil {
		return err
	}
	return s.opt.OnCreate(ctx, tx, a)
}

var errWrong = errs.New(errs.Unauthenticated, "E-mail, handle or password is not right.").WithCode("wrong_password")

// SignIn checks a password and begins a session. login is an e-mail address or a handle. It returns an Unauthenticated error that is the
// same, and takes as long, for a wrong password and for nobody's login; TooMany after too many of those; Forbidden for a suspended
// account with the right password, which then is in what it returns; ctx's error where too many others wait.
func (s *Service) SignIn(ctx context.Context, login, password string, v Visit) (SignedIn, error) {
	login, known := normLogin(login)
	var a Account
	var hash string
	var met bool
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		var err error
		if !known {
			return nil
		}
		if a, err = s.store.find(ctx, tx, login); err != nil {
			return err
		}
		if met, err = s.store.knows(ctx, tx, a.ID, v.Browser); err != nil {
			return err
		}
		hash, err = s.store.passwordHash(ctx, tx, a.ID)
		return err
	})
	if err != nil && !errs.Is(err, errs.NotFound) {
		return SignedIn{}, err
	}
	if len(password) > MaxPassword {
		password, hash = "", "" // it is nobody's, and hashing all of it is work
	}
	limits := signInLimits(login, a.ID, met, v)
	ok, err := s.checkLimited(ctx, hash, password, limits)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok {
		// Noted for nobody as well, to take as long; never what was typed, which may be a password in the wrong field.
		if err := s.db.Write(ctx, func(tx *db.Tx) error { return s.note(ctx, tx, a.ID, "account.sign_in_failed", nil) }); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, errWrong
	}
	var out SignedIn
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		// Read again: the password may have changed while this one waited for its turn.
		still, err := s.store.passwordHash(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if still != hash {
			return errWrong
		}
		out, err = s.enter(ctx, tx, a.ID, ByPassword, v)
		return err
	})
	if errs.Is(err, errs.Forbidden) {
		return SignedIn{Account: out.Account}, err
	}
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// signInLimits are what wrong passwords for a login are counted under. A browser in which the account has signed in before has a count of
// its own, so that strangers who guess never lock its owner out. Everybody else is counted by address, by login, and by account: the last
// in silence, or who has filled it by the handle would learn with the second login whether an e-mail address is of the same person.
func signInLimits(login string, account id.ID, met bool, v Visit) []limit {
	if met {
		d := digestOf(v.Browser)
		return []limit{{key: "device " + account.String() + " " + hex.EncodeToString(d[:8]), max: maxPerAccount}}
	}
	key := accountKey(account)
	if account == 0 {
		key = "nobody " + login // takes as long
	}
	return []limit{{key: addressKey(v.IP), max: maxPerIP}, {key: "login " + login, max: maxPerAccount}, {key: key, max: maxPerAccount, silent: true}}
}

// checkLimited checks a password where the limits allow one more try. Tries are counted before they are looked at, or many at once would
// all be; one that is right, or was never looked at, is taken back.
func (s *Service) checkLimited(ctx context.Context, hash, password string, limits []limit) (bool, error) {
	allowed, err := s.tries(ctx, limits...)
	if err != nil {
		return false, err
	}
	if !allowed {
		hash = "" // takes as long, and never fits
	}
	ok, err := s.hasher.check(ctx, hash, password)
	if ok || err != nil {
		err = errors.Join(err, s.undo(ctx, limits...))
	}
	return ok, err
}

// SignOut ends the session with the token, on all nodes. One that has ended already is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.endToken(ctx, tx, token) })
}

func (s *Service) endToken(ctx context.Context, tx *db.Tx, token string) error {
	account, session, err := s.store.endToken(ctx, tx, digestOf(token))
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.announce(ctx, tx, account, contract.SessionEnded{Account: account, Session: session})
}

// announce appends an event about an account, and has this node forget its sessions at once: the person's next request may come before
// the event does.
func (s *Service) announce(ctx context.Context, tx *db.Tx, account id.ID, p events.Payload) error {
	if _, changed := p.(contract.Changed); changed && s.opt.OnChange != nil {
		a, err := s.store.get(ctx, tx, account)
		if err != nil {
			return err
		}
		if err := s.opt.OnChange(ctx, tx, a); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.cache.drop(account) })
	return s.log.Append(ctx, tx, s.now(), access.From(ctx).ID, p)
}

// announceQuietly has every node forget what it knows of an account's sessions, and leaves those.
func (s *Service) announceQuietly(ctx context.Context, tx *db.Tx, account id.ID) error {
	tx.AfterCommit(func() { s.cache.drop(account) })
	return s.log.Append(ctx, tx, s.now(), access.From(ctx).ID, contract.SessionRenewed{Account: account})
}

// SignOutEverywhere ends all of the account's sessions but keep (0: that too), on all nodes. Tokens that an operator made stay.
func (s *Service) SignOutEverywhere(ctx context.Context, account, keep id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.endAll(ctx, tx, account, keep, false); err != nil {
			return err
		}
		if err := s.note(ctx, tx, account, "account.sign_out", map[string]any{"session": "all"}); err != nil {
			return err
		}
		return s.announce(ctx, tx, account, contract.SessionEnded{Account: account})
	})
}

// EndSession ends one session or token of the account, or returns a NotFound error.
func (s *Service) EndSession(ctx context.Context, account, session id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.end(ctx, tx, account, session); err != nil {
			return err
		}
		if err := s.note(ctx, tx, account, "account.sign_out", map[string]any{"session": session}); err != nil {
			return err
		}
		return s.announce(ctx, tx, account, contract.SessionEnded{Account: account, Session: session})
	})
}

// Sessions returns the account's sessions and tokens that can still be used, newest first.
func (s *Service) Sessions(ctx context.Context, account id.ID) (out []Session, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.sessions(ctx, tx, account, s.now())
		return err
	})
	return out, err
}

// SeenSince returns the accounts whose sessions or tokens were used since a time, to the hour.
func (s *Service) SeenSince(ctx context.Context, since time.Time) (out []id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.seenSince(ctx, tx, since)
		return err
	})
	return out, err
}

// Update changes the profile of the account and returns it. It returns an Invalid error with every fault of the input.
func (s *Service) Update(ctx context.Context, account id.ID, p Profile) (Account, error) {
	var out Account
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		a, err := s.store.get(ctx, tx, account)
		if err != nil {
			return err
		}
		if out, err = p.apply(a); err != nil {
			return err
		}
		if err := s.store.update(ctx, tx, out, s.now()); err != nil {
			return err
		}
		return s.announce(ctx, tx, account, contract.Changed{Account: account})
	})
	return out, err
}

// Rename gives the account another name in the caller's transaction. It returns an Invalid error for what is none, and NotFound for an account
// that is not there.
func (s *Service) Rename(ctx context.Context, tx *db.Tx, account id.ID, name string) error {
	a, err := s.store.get(ctx, tx, account)
	if err != nil {
		return err
	}
	if a, err = (Profile{Name: &name}).apply(a); err != nil {
		return err
	}
	if err := s.store.update(ctx, tx, a, s.now()); err != nil {
		return err
	}
	return s.announce(ctx, tx, account, contract.Changed{Account: account})
}

// ChangePassword replaces the password and ends all sessions but keep, and all tokens. It returns an Invalid error where the old one is
// wrong or the new one is none, and TooMany after too many wrong ones.
func (s *Service) ChangePassword(ctx context.Context, account, keep id.ID, old, password string) error {
	a, err := s.Get(ctx, account)
	if err != nil {
		return err
	}
	if msg := CheckPassword(password, a.Email, a.Handle, a.Name); msg != "" {
		return errs.InvalidField("password", "%s", msg)
	}
	hash, err := s.knowsPassword(ctx, account, "old", old)
	if err != nil {
		return err
	}
	fresh, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.setPassword(ctx, tx, account, hash, fresh, s.now()); err != nil {
			return err
		}
		if err := s.note(ctx, tx, account, "account.password", nil); err != nil {
			return err
		}
		return s.EndAll(ctx, tx, account, keep)
	})
}

// ConfirmPassword is Confirmed for who knows the password: it returns an Invalid error for a wrong one, and TooMany after too many.
func (s *Service) ConfirmPassword(ctx context.Context, account, session id.ID, password string) error {
	if _, err := s.knowsPassword(ctx, account, "password", password); err != nil {
		return err
	}
	return s.Confirmed(ctx, session)
}

// knowsPassword returns the hash that the password of somebody signed in fits, or an Invalid error at a field.
func (s *Service) knowsPassword(ctx context.Context, account id.ID, field, password string) (string, error) {
	var hash string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		hash, err = s.store.passwordHash(ctx, tx, account)
		return err
	})
	if err != nil {
		return "", err
	}
	if len(password) > MaxPassword {
		password = ""
	}
	ok, err := s.checkLimited(ctx, hash, password, []limit{{key: "change " + account.String(), max: maxPerAccount}})
	if err == nil && !ok {
		err = errs.InvalidField(field, "This is not your present password.")
	}
	return hash, err
}

// HasPassword reports whether the account's owner can sign in with a password.
func (s *Service) HasPassword(ctx context.Context, tx *db.Tx, account id.ID) (bool, error) {
	hash, err := s.store.passwordHash(ctx, tx, account)
	return hash != "", err
}

// ResetPassword gives the account another password, whose owner has proven who they are without the old one, in the caller's transaction:
// hash is of Hash. All sessions and tokens end, and every browser is a stranger.
func (s *Service) ResetPassword(ctx context.Context, tx *db.Tx, account id.ID, hash string) error {
	old, err := s.store.passwordHash(ctx, tx, account)
	if err != nil {
		return err
	}
	if err := s.store.setPassword(ctx, tx, account, old, hash, s.now()); err != nil {
		return err
	}
	if err := s.note(ctx, tx, account, "account.password_reset", nil); err != nil {
		return err
	}
	return s.Estrange(ctx, tx, account)
}

// Estrange ends all sessions and tokens of an account, voids all of its links and makes every browser a stranger to it.
func (s *Service) Estrange(ctx context.Context, tx *db.Tx, account id.ID) error {
	if err := s.store.dropTickets(ctx, tx, account, ""); err != nil {
		return err
	}
	if err := s.store.forgetDevices(ctx, tx, account); err != nil {
		return err
	}
	if s.opt.OnEstrange != nil {
		if err := s.opt.OnEstrange(ctx, tx, account); err != nil {
			return err
		}
	}
	return s.EndAll(ctx, tx, account, 0)
}

// EndAll ends all sessions and tokens of the account but keep, on all nodes, in the caller's transaction.
func (s *Service) EndAll(ctx context.Context, tx *db.Tx, account, keep id.ID) error {
	if err := s.store.endAll(ctx, tx, account, keep, true); err != nil {
		return err
	}
	return s.announce(ctx, tx, account, contract.SessionEnded{Account: account})
}

// SetEmail moves the account from one address to another, in the caller's transaction, which fails with a db.IsUnique error where somebody
// has that. It returns a Conflict error where the account is no longer at from.
func (s *Service) SetEmail(ctx context.Context, tx *db.Tx, account id.ID, from, to string) error {
	if err := s.store.setEmail(ctx, tx, account, from, to, s.now()); err != nil {
		return err
	}
	if err := s.note(ctx, tx, account, "account.email", nil); err != nil {
		return err
	}
	return s.announce(ctx, tx, account, contract.Changed{Account: account})
}

// Decide ends the wait of a Pending account, in the caller's transaction: it may be used from now on, or is erased. It returns a Conflict
// error for one that does not wait.
func (s *Service) Decide(ctx context.Context, tx *db.Tx, account id.ID, yes bool) error {
	ok, err := s.store.setStage(ctx, tx, account, Pending, stageHere, s.now())
	if err != nil {
		return err
	}
	if !ok {
		return errs.New(errs.Conflict, "This was decided already.")
	}
	if err := s.note(ctx, tx, account, "account.decide", map[string]any{"approved": yes}); err != nil {
		return err
	}
	if !yes {
		return s.Erase(ctx, tx, account)
	}
	return s.announce(ctx, tx, account, contract.Changed{Account: account})
}

// Get returns an account with its roles, or a NotFound error.
func (s *Service) Get(ctx context.Context, account id.ID) (out Account, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.get(ctx, tx, account)
		return err
	})
	return out, err
}

// Find returns the account with an e-mail address or handle, or a NotFound error.
func (s *Service) Find(ctx context.Context, login string) (out Account, err error) {
	login, known := normLogin(login)
	if !known {
		return Account{}, errUnknown
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.find(ctx, tx, login)
		return err
	})
	return out, err
}

// normLogin returns an e-mail address or handle in the form in which it is stored, and whether it can be one at all.
func normLogin(login string) (string, bool) {
	if email, ok := text.Email(login); ok {
		return email, true
	}
	login = strings.ToLower(strings.TrimPrefix(text.Clean(login, 80), "@"))
	return login, text.Handle(login)
}

// Name returns the name of an account as others see it, or a NotFound error.
func (s *Service) Name(ctx context.Context, account id.ID) (out string, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.name(ctx, tx, account)
		return err
	})
	return out, err
}

// Holders returns who has a role, at a restaurant for owner and staff, by handle and without their other roles.
func (s *Service) Holders(ctx context.Context, g access.Grant) (out []Account, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.holders(ctx, tx, g)
		return err
	})
	return out, err
}

// normScopes returns the scopes sorted, each once; never nil, since nil would be everything.
func normScopes(scopes []string) []string {
	out := append([]string{}, scopes...)
	slices.Sort(out)
	return slices.Compact(out)
}

package account

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// This file is what operators, the command line and other slices do to accounts. Nothing here asks who does it: callers have checked, with
// access.Can or by having the data folder.

// WithRole is an account that an operator makes.
type WithRole struct {
	Name     string // shown to others; makes the handle too where it is one ("anna")
	Email    string
	Password string   // empty: one is made
	Roles    []string // "admin", "courier", "dispatcher", "moderator", "owner:SLUG", "staff:SLUG"
	Handle   string   // empty: see Name
	Lang     string   // empty: "en"
	// Also, where not nil, runs in the transaction that makes the account: where it fails, there is none.
	Also func(ctx context.Context, tx *db.Tx, a Account) error
}

// CreateWithRole makes an account with roles and returns it with its password. It returns an Invalid error with every fault of the input.
func (s *Service) CreateWithRole(ctx context.Context, in WithRole) (Account, string, error) {
	grants := make([]access.Grant, 0, len(in.Roles))
	for _, r := range in.Roles {
		g, err := s.ParseGrant(ctx, r)
		if err != nil {
			return Account{}, "", err
		}
		grants = append(grants, g)
	}
	up := SignUp{Name: in.Name, Email: in.Email, Password: in.Password, Handle: in.Handle, Lang: in.Lang}
	if in.Handle == "" && text.Handle(in.Name) {
		up.Handle = in.Name
	}
	if up.Password == "" {
		up.Password = strings.ToLower(id.Code(5) + "-" + id.Code(5) + "-" + id.Code(5))
	}
	up, err := up.clean(true)
	if err != nil {
		return Account{}, "", err
	}
	hash, err := s.hasher.hash(ctx, up.Password)
	if err != nil {
		return Account{}, "", err
	}
	a, err := s.insert(ctx, up, Active, hash, func(tx *db.Tx, a Account) error {
		for _, g := range grants {
			if err := s.store.grant(ctx, tx, a.ID, g, a.CreatedAt); err != nil {
				return err
			}
		}
		if err := s.note(ctx, tx, a.ID, "account.create", map[string]any{"handle": a.Handle, "roles": strings.Join(in.Roles, " ")}); err != nil || in.Also == nil {
			return err
		}
		return in.Also(ctx, tx, a)
	})
	a.Roles = grants
	return a, up.Password, err
}

// Person is somebody to add without a password: they cannot sign in with one.
type Person struct {
	Handle string
	Name   string
	Email  string
	Lang   string // empty: "en"
	TZ     string
	Roles  []access.Grant
}

// Add stores people in one transaction and returns their ids in the same order. It returns an Invalid error for the first one with a fault,
// a Conflict error where a handle or address is taken, and adds nobody then.
func (s *Service) Add(ctx context.Context, people ...Person) ([]id.ID, error) {
	now := s.now().UTC()
	accounts, out := make([]Account, len(people)), make([]id.ID, len(people))
	for i, p := range people {
		up, err := SignUp{Name: p.Name, Email: p.Email, Handle: p.Handle, Lang: p.Lang, TZ: p.TZ, Password: id.Secret()}.clean(true)
		if err != nil {
			return nil, err
		}
		for _, g := range p.Roles {
			if err := checkGrant(g); err != nil {
				return nil, err
			}
		}
		out[i] = s.ids.Next()
		accounts[i] = Account{ID: out[i], Handle: up.Handle, Name: up.Name, Email: up.Email, Lang: up.Lang, TZ: up.TZ, State: Active, CreatedAt: now, Roles: p.Roles}
		if up.Handle == "" {
			accounts[i].Handle = handleFrom(up.Name)
		}
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		for _, a := range accounts {
			if err := s.create(ctx, tx, a, ""); err != nil {
				if db.IsUnique(err) {
					return errs.New(errs.Conflict, "The handle %s or the address %s is taken.", a.Handle, a.Email).WithCause(err)
				}
				return err
			}
			for _, g := range a.Roles {
				if err := s.store.grant(ctx, tx, a.ID, g, now); err != nil {
					return err
				}
			}
			if err := s.log.Append(ctx, tx, now, access.From(ctx).ID, contract.Created{Account: a.ID, Handle: a.Handle, Name: a.Name}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ParseGrant reads a role as people write it: "courier", "staff:luigi", "courier for 8h", "staff:luigi for 3d". It returns an Invalid error
// for what is none, and NotFound for a restaurant that is not there.
func (s *Service) ParseGrant(ctx context.Context, text string) (access.Grant, error) {
	what, span, timed := strings.Cut(strings.TrimSpace(text), " for ")
	role, slug, at := strings.Cut(strings.TrimSpace(what), ":")
	g := access.Grant{Role: access.Role(role)}
	if timed {
		d, err := ParseSpan(span)
		if err != nil {
			return access.Grant{}, err
		}
		g.Until = s.now().Add(d).UTC()
	}
	if at && g.Role.OfPlace() && s.opt.Place != nil {
		place, err := s.opt.Place(ctx, slug)
		if err != nil {
			return access.Grant{}, err
		}
		g.Place = place
	} else if at {
		return access.Grant{}, errs.InvalidField("role", "The role %q is not one at a restaurant.", role)
	}
	return g, checkGrant(g)
}

// Grant gives the account a role, until g.Until where that is set; it holds from the next request on, on all nodes. A role that is there
// already gets the new end, but one without an end keeps none. It returns an Invalid error for a role that does not
// exist and NotFound for an account that does not.
func (s *Service) Grant(ctx context.Context, account id.ID, g access.Grant) error {
	if err := checkGrant(g); err != nil {
		return err
	}
	if g.Over(s.now()) {
		return errs.InvalidField("until", "A role ends after now.")
	}
	return s.change(ctx, account, "account.grant", roleDetail(g), func(tx *db.Tx) error { return s.store.grant(ctx, tx, account, g, s.now()) })
}

// Revoke takes a role from the account, from the next request on. A role it does not have is no error. It returns a Conflict error for the
// last admin: a town without one could be taken over.
func (s *Service) Revoke(ctx context.Context, account id.ID, g access.Grant) error {
	return s.change(ctx, account, "account.revoke", roleDetail(g), func(tx *db.Tx) error {
		if g.Role == access.RoleAdmin {
			if err := s.notLast(ctx, tx, account); err != nil {
				return err
			}
		}
		return s.store.revoke(ctx, tx, account, g)
	})
}

// roleDetail is a role as the audit log has it.
func roleDetail(g access.Grant) map[string]any {
	out := map[string]any{"role": string(g.Role)}
	if g.Place != 0 {
		out["restaurant"] = g.Place.String()
	}
	if !g.Until.IsZero() {
		out["until"] = g.Until.Format(time.RFC3339)
	}
	return out
}

// Suspend signs the account out everywhere, its tokens included, until it is made Active again. It returns a Conflict error for the last
// admin.
func (s *Service) Suspend(ctx context.Context, account id.ID) error {
	return s.SuspendFor(ctx, account, "")
}

// SuspendFor does what Suspend does and notes why.
func (s *Service) SuspendFor(ctx context.Context, account id.ID, reason string) error {
	return s.change(ctx, account, "account.suspend", map[string]any{"reason": reason}, func(tx *db.Tx) error {
		if err := s.notLast(ctx, tx, account); err != nil {
			return err
		}
		return s.store.setState(ctx, tx, account, Suspended, s.now())
	})
}

// Reinstate makes a suspended account Active.
func (s *Service) Reinstate(ctx context.Context, account id.ID) error {
	return s.change(ctx, account, "account.reinstate", nil, func(tx *db.Tx) error { return s.store.setState(ctx, tx, account, Active, s.now()) })
}

// SetSuspended is SuspendFor, or Reinstate, in the caller's transaction. It reports whether the account was otherwise before; where it was
// not, nothing happens.
func (s *Service) SetSuspended(ctx context.Context, tx *db.Tx, account id.ID, yes bool, reason string) (bool, error) {
	from, to, verb := Suspended, Active, "account.reinstate"
	var detail map[string]any
	if yes {
		from, to, verb, detail = Active, Suspended, "account.suspend", map[string]any{"reason": reason}
		if err := s.notLast(ctx, tx, account); err != nil {
			return false, err
		}
	}
	turned, err := s.store.turnState(ctx, tx, account, from, to, s.now())
	return s.turned(ctx, tx, account, turned, err, verb, detail)
}

// SetFrozen keeps an account's owner out while others still see what they wrote: no session or token is good, and none begins, until it is
// taken back. It reports whether the account was otherwise before; where it was not, nothing happens. It returns a Conflict error for the
// last admin.
func (s *Service) SetFrozen(ctx context.Context, tx *db.Tx, account id.ID, yes bool) (bool, error) {
	verb := "account.thaw"
	if yes {
		verb = "account.freeze"
		if err := s.notLast(ctx, tx, account); err != nil {
			return false, err
		}
	}
	turned, err := s.store.setFrozen(ctx, tx, account, yes, s.now())
	return s.turned(ctx, tx, account, turned, err, verb, nil)
}

// turned notes what became of an account and tells everybody, where it was otherwise before.
func (s *Service) turned(ctx context.Context, tx *db.Tx, account id.ID, turned bool, err error, verb string, detail map[string]any) (bool, error) {
	if err != nil || !turned {
		return false, err
	}
	if err := s.note(ctx, tx, account, verb, detail); err != nil {
		return false, err
	}
	return true, s.announce(ctx, tx, account, contract.Changed{Account: account})
}

// notLast returns a Conflict error where the account is the last admin who can sign in.
func (s *Service) notLast(ctx context.Context, tx *db.Tx, account id.ID) error {
	last, err := s.store.lastAdmin(ctx, tx, account)
	if err == nil && last {
		return errs.New(errs.Conflict, "This is the last admin of the town. Make somebody else an admin first.")
	}
	return err
}

// HasAdmin reports whether anybody is an admin, suspended ones included.
func (s *Service) HasAdmin(ctx context.Context) (yes bool, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		yes, err = s.store.hasAdmin(ctx, tx)
		return err
	})
	return yes, err
}

// change runs fn on an account that exists, notes it and tells everybody.
func (s *Service) change(ctx context.Context, account id.ID, verb string, detail map[string]any, fn func(*db.Tx) error) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := s.store.name(ctx, tx, account); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		if err := s.note(ctx, tx, account, verb, detail); err != nil {
			return err
		}
		return s.announce(ctx, tx, account, contract.Changed{Account: account})
	})
}

// CreateToken makes a token for an app and returns it: it is shown this once. scopes are words such as "read" and "write". The token lasts
// until EndSession.
func (s *Service) CreateToken(ctx context.Context, account id.ID, name string, scopes []string) (string, error) {
	scopes = normScopes(scopes)
	for _, sc := range scopes {
		if sc == "" || strings.ContainsFunc(sc, func(r rune) bool { return (r < 'a' || r > 'z') && r != ':' && r != '_' }) {
			return "", errs.InvalidField("scopes", "%q is not a scope.", sc)
		}
	}
	var token string
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		token, _, err = s.NewToken(ctx, tx, TokenSpec{Account: account, Name: name, Scopes: scopes})
		return err
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// StepInto begins a session of anybody without a password and returns its token: visitors of the demo town step into roles. It returns a
// Forbidden error unless Options.Demo is set.
func (s *Service) StepInto(ctx context.Context, account id.ID) (string, error) {
	if !s.opt.Demo {
		return "", errs.New(errs.Forbidden, "Only the demo town lets you step into others.")
	}
	var out SignedIn
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		a, err := s.store.get(ctx, tx, account)
		if err != nil {
			return err
		}
		out, err = s.begin(ctx, tx, a, ByPassword, Visit{Device: "demo"})
		return err
	})
	return out.Token, err
}

// SetState makes the account Leaving where its owner asked for its deletion, and Active where they stay after all, in the caller's
// transaction. It returns a Conflict error for an account that is neither, and an Invalid error for any other state.
func (s *Service) SetState(ctx context.Context, tx *db.Tx, account id.ID, to State) error {
	from, stage := stageHere, to
	switch to {
	case Leaving:
		if err := s.notLast(ctx, tx, account); err != nil {
			return err
		}
	case Active:
		from, stage = Leaving, stageHere
	default:
		return errs.InvalidField("state", "An account can leave, or stay.")
	}
	ok, err := s.store.setStage(ctx, tx, account, from, stage, s.now())
	if err != nil {
		return err
	}
	if !ok {
		return errs.New(errs.Conflict, "This was decided already.")
	}
	return s.announce(ctx, tx, account, contract.Changed{Account: account})
}

// Erase takes everything personal from an account for good, in the caller's transaction: name, handle, address, password, roles, sessions,
// tokens and devices. The row stays, so that orders still point at somebody. It returns a NotFound error for an account that is not there.
func (s *Service) Erase(ctx context.Context, tx *db.Tx, account id.ID) error {
	if err := s.store.erase(ctx, tx, account, s.now()); err != nil {
		return err
	}
	if err := s.log.Append(ctx, tx, s.now(), access.From(ctx).ID, contract.Erased{Account: account}); err != nil {
		return err
	}
	return s.announce(ctx, tx, account, contract.Changed{Account: account})
}

// maxSpan is the longest time that a role can be given for: a longer one is given for good.
const maxSpan = 5 * 366 * 24 * time.Hour

// ParseSpan reads a length of time as people write it: "8h", "90m", "3d", "2w". It returns an Invalid error for what is none, or longer than
// five years.
func ParseSpan(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	d, err := time.ParseDuration(text)
	for unit, long := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			var n int
			n, err = strconv.Atoi(digits)
			n = min(n, int(maxSpan/long)+1)
			d = time.Duration(n) * long
		}
	}
	if err != nil || d < time.Second || d > maxSpan {
		return 0, errs.InvalidField("for", "Write how long as 8h, 90m, 3d or 2w: at least a second, at most five years.")
	}
	return d, nil
}

package totp

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

// Deps are what a Service works with.
type Deps struct {
	DB     *db.DB
	Clock  clock.Func // the real time, which phones keep: not that of a town whose clock runs faster
	People *account.Service
	Tell   *notice.Teller
	Box    *secrets.Box
}

// Options are what a Service is told.
type Options struct {
	Town string // the name that authenticator apps show
}

// Service keeps the second steps of accounts. Safe for concurrent use.
type Service struct {
	Deps
	opt   Options
	store store
}

// New returns a Service.
func New(d Deps, opt Options) *Service { return &Service{Deps: d, opt: opt} }

// maxSetUp is how many codes may be wrong while it is set up, in 15 minutes.
const maxSetUp = 10

var (
	errCode = errs.InvalidField("code", "This code is not right, or was used already. Wait for the next one.")
	errWord = errs.InvalidField("recovery", "This is none of your recovery codes, or it was used already.")
)

// purpose binds a sealed secret to its account: it opens for no other.
func purpose(who id.ID) string { return "totp " + who.String() }

func recoveryPurpose(who id.ID) string { return "totp recovery " + who.String() }

// Needed reports whether an account asks for the second step.
func (s *Service) Needed(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) {
	return s.store.on(ctx, tx, who)
}

// State is how an account's second step stands.
type State struct {
	On   bool
	Left int // recovery codes that are good
}

// State returns how the account's second step stands.
func (s *Service) State(ctx context.Context, who id.ID) (st State, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if st.On, err = s.store.on(ctx, tx, who); err != nil || !st.On {
			return err
		}
		st.Left, err = s.store.left(ctx, tx, who)
		return err
	})
	return st, err
}

// Start makes a secret that does not count yet, in place of another such one. It returns a Conflict error where one counts.
func (s *Service) Start(ctx context.Context, who id.ID) error {
	sealed, err := s.Box.Seal(purpose(who), newSecret())
	if err != nil {
		return fmt.Errorf("totp: seal a secret: %w", err)
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.store.start(ctx, tx, who, sealed, s.Clock()) })
}

// secret returns an account's secret in the clear.
func (s *Service) secret(ctx context.Context, who id.ID) ([]byte, row, error) {
	var r row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = s.store.get(ctx, tx, who)
		return err
	})
	if err != nil {
		return nil, row{}, err
	}
	secret, err := s.Box.Open(purpose(who), r.sealed)
	if err != nil {
		return nil, row{}, fmt.Errorf("totp: open the secret of %d: %w", who, err)
	}
	return secret, r, nil
}

// fresh returns the secret of an account for whom it does not count yet, or a NotFound error.
func (s *Service) fresh(ctx context.Context, who id.ID) ([]byte, row, error) {
	secret, r, err := s.secret(ctx, who)
	if err == nil && r.confirmed {
		return nil, row{}, errOff
	}
	return secret, r, err
}

// Confirm makes the secret count after a first right code and returns the recovery codes, which are kept nowhere. It returns an Invalid
// error for a wrong code and TooMany after many.
func (s *Service) Confirm(ctx context.Context, who id.ID, typed string) ([]string, error) {
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	secret, r, err := s.fresh(ctx, who)
	if err != nil {
		return nil, err
	}
	if err := s.People.Try(ctx, "totp "+who.String(), maxSetUp); err != nil {
		return nil, err
	}
	step, ok := match(secret, tidy(typed), s.Clock())
	if !ok {
		return nil, errCode
	}
	if err := s.People.Right(ctx, "totp "+who.String()); err != nil {
		return nil, err
	}
	codes, macs := s.newCodes(who)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.confirm(ctx, tx, who, r, step, s.Clock()); err != nil {
			return err
		}
		if err := s.store.recovery(ctx, tx, who, macs); err != nil {
			return err
		}
		return s.Tell.Tell(ctx, tx, a, turnedOn())
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// newCodes returns recovery codes and what is kept of them.
func (s *Service) newCodes(who id.ID) (codes, macs []string) {
	codes = newRecovery()
	for _, c := range codes {
		plain, _ := normal(c)
		macs = append(macs, s.Box.Sign(recoveryPurpose(who), plain))
	}
	return codes, macs
}

// Renew replaces the recovery codes and returns the new ones. It returns a NotFound error where the second step is off.
func (s *Service) Renew(ctx context.Context, who id.ID) ([]string, error) {
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	codes, macs := s.newCodes(who)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		on, err := s.store.on(ctx, tx, who)
		if err != nil {
			return err
		}
		if !on {
			return errOff
		}
		if err := s.store.recovery(ctx, tx, who, macs); err != nil {
			return err
		}
		return s.Tell.Tell(ctx, tx, a, renewed())
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// Off takes the second step away, or returns a NotFound error.
func (s *Service) Off(ctx context.Context, who id.ID) error {
	a, err := s.People.Get(ctx, who)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.store.remove(ctx, tx, who); err != nil {
			return err
		}
		return s.Tell.Tell(ctx, tx, a, turnedOff())
	})
}

// Enter takes the code of the sign-in that waits under a token and begins its session. It returns an Invalid error for a wrong code,
// TooMany after ten in 15 minutes, and Unauthenticated after five in one sign-in, or when that waits no more.
func (s *Service) Enter(ctx context.Context, pending, typed string, v account.Visit) (account.SignedIn, error) {
	a, err := s.People.TryCode(ctx, pending)
	if err != nil {
		return account.SignedIn{}, err
	}
	secret, r, err := s.secret(ctx, a.ID)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return account.SignedIn{}, err
	}
	// Turned off on another device meanwhile: the proof that waits was enough then, but begin again.
	if err != nil || !r.confirmed {
		return account.SignedIn{}, errOff
	}
	step, ok := match(secret, tidy(typed), s.Clock())
	if ok {
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			ok, err = s.store.accept(ctx, tx, a.ID, step)
			return err
		})
		if err != nil {
			return account.SignedIn{}, err
		}
	}
	if !ok {
		return account.SignedIn{}, s.wrong(ctx, a.ID, errCode)
	}
	return s.People.Complete(ctx, pending, v)
}

// wrong writes a wrong code down and returns what to say.
func (s *Service) wrong(ctx context.Context, who id.ID, say error) error {
	if err := s.DB.Write(ctx, func(tx *db.Tx) error { return s.Tell.Note(ctx, tx, who, "two_step.wrong", nil) }); err != nil {
		return err
	}
	return say
}

// Recover is Enter with a recovery code, which is used up. It has no count of wrong ones: nobody guesses 60 bits, and so whoever has
// found out the password can't keep the owner out by typing wrong codes.
func (s *Service) Recover(ctx context.Context, pending, typed string, v account.Visit) (account.SignedIn, error) {
	a, err := s.People.Pending(ctx, pending)
	if err != nil {
		return account.SignedIn{}, err
	}
	plain, ok := normal(typed)
	if !ok {
		return account.SignedIn{}, errWord
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		unused, err := s.store.unused(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		for n, mac := range unused {
			if !s.Box.Check(recoveryPurpose(a.ID), plain, mac) {
				continue
			}
			used, err := s.store.use(ctx, tx, a.ID, n, s.Clock())
			if err != nil {
				return err
			}
			if used {
				return s.Tell.Tell(ctx, tx, a, recovered(len(unused)-1))
			}
		}
		return errWord
	})
	if err != nil {
		return account.SignedIn{}, err
	}
	return s.People.Complete(ctx, pending, v)
}

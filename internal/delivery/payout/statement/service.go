package statement

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Books are the town's. delivery/ledger keeps them.
type Books interface {
	// Walk calls fn for each entry on an owner's accounts (0: on all) from a time on and before another.
	Walk(ctx context.Context, tx *db.Tx, owner id.ID, from, to time.Time, fn func(delivery.BookLine) error) error
	// Balances returns what stands on the accounts of an owner (0: of all restaurants and couriers) before a time.
	Balances(ctx context.Context, tx *db.Tx, owner id.ID, before time.Time) ([]delivery.BookAccount, error)
}

// Deps is what a Service works with.
type Deps struct {
	DB    *db.DB
	IDs   *id.Source
	Now   clock.Func
	Books Books
	Zone  *time.Location
	Town  func() string
	// Length returns how long a period is just now: "week" or "month".
	Length func() string
	// Name returns what a payee is called, and a short name for numbers.
	Name func(ctx context.Context, kind string, owner id.ID) (name, short string, err error)
	// Slug returns the restaurant with a short name, or a NotFound error.
	Slug func(ctx context.Context, slug string) (id.ID, error)
}

// Service keeps the statements. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

const jobKind = "payout.statements"

// React has statements be issued in the morning after a period, when couriers' phones have told what happened in its last night.
func (s *Service) React(q *jobs.Queue) {
	q.Handle(jobKind, func(ctx context.Context, j jobs.Job) error { return s.Due(ctx, j.Due) })
	q.Schedule(jobKind, "0 5 * * *", s.Zone.String(), jobKind, struct{}{})
}

// Due issues the statements of all periods that have ended by a time: one after the other, each beginning where the one before ended, as long
// as Length says at that moment. What was begun and broke off is brought to its end first.
func (s *Service) Due(ctx context.Context, now time.Time) error {
	for {
		var from, to time.Time
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			last, open, err := newestPeriod(ctx, tx)
			if err != nil {
				return err
			}
			if from, to = open, last; !open.IsZero() {
				return nil
			}
			if from, to = following(last, now, s.Length(), s.Zone); to.After(now) {
				return nil
			}
			return beginPeriod(ctx, tx, from, to)
		})
		if err != nil || to.After(now) {
			return err
		}
		if err := s.Issue(ctx, from, to); err != nil {
			return err
		}
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return endPeriod(ctx, tx, to) }); err != nil {
			return err
		}
	}
}

// Issue issues the statements of a period for everybody on whose accounts something moved or stands. A payee who has one for it already keeps
// that.
func (s *Service) Issue(ctx context.Context, from, to time.Time) error {
	seen := map[delivery.Book]bool{}
	var accounts []delivery.Book
	note := func(b delivery.Book) {
		if !seen[b] {
			seen[b] = true
			accounts = append(accounts, b)
		}
	}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		standing, err := s.Books.Balances(ctx, tx, 0, to)
		if err != nil {
			return err
		}
		for _, a := range standing {
			note(a.Book)
		}
		return s.Books.Walk(ctx, tx, 0, from, to, func(l delivery.BookLine) error {
			note(l.Book)
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, p := range payees(accounts) {
		if err := s.issue(ctx, p, from, to); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) issue(ctx context.Context, p payee, from, to time.Time) error {
	name, short, err := s.Name(ctx, p.kind, p.owner)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	out := Statement{
		Kind: p.kind, Owner: p.owner, Name: name, Town: s.Town(), Currency: p.currency, From: from.UTC(), To: to.UTC(), Issued: s.Now().UTC().Truncate(time.Microsecond), Zone: s.Zone.String(),
		Number: "S-" + strings.ToUpper(short) + "-" + to.In(s.Zone).AddDate(0, 0, -1).Format("20060102"),
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		before, err := s.Books.Balances(ctx, tx, p.owner, from)
		if err != nil {
			return err
		}
		after, err := s.Books.Balances(ctx, tx, p.owner, to)
		if err != nil {
			return err
		}
		t := &tally{payee: p, lines: map[Line]*Line{}, orders: map[id.ID]bool{}}
		err = s.Books.Walk(ctx, tx, p.owner, from, to, func(l delivery.BookLine) error {
			t.add(l)
			return nil
		})
		if err != nil {
			return err
		}
		if out.Opening, err = closing(ctx, tx, p); err != nil {
			return err
		}
		out.ID, out.Late, out.Lines, out.Orders = s.IDs.Next(), p.owed(before)-out.Opening, t.list(), len(t.orders)
		out.Closing, out.Cash = p.owed(after), p.cash(after)
		_, err = insert(ctx, tx, out)
		return err
	})
}

var errNone = errs.New(errs.NotFound, "There is no such statement.")

func can(ctx context.Context, kind string, owner id.ID) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	thing := access.Thing{Kind: "statement", ID: owner, Owner: owner}
	if kind == Restaurant {
		thing = access.Thing{Kind: "statement", ID: owner, Restaurant: owner}
	}
	return access.Can(actor, "statement.read", thing)
}

// Get returns a statement that the actor may see, or a NotFound error.
func (s *Service) Get(ctx context.Context, n id.ID) (out Statement, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = byID(ctx, tx, n)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return out, errNone
	}
	if err != nil {
		return out, err
	}
	if err := can(ctx, out.Kind, out.Owner); err != nil {
		return Statement{}, err
	}
	err = s.named(ctx, &out)
	return out, err
}

// named puts the name of a courier into their statement. Who left has none.
func (s *Service) named(ctx context.Context, of *Statement) (err error) {
	if of.Kind != Courier {
		return nil // a restaurant's is as it was then
	}
	if of.Name, _, err = s.Name(ctx, Courier, of.Owner); errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// List returns a payee's statements with ids below one (0: the newest), newest first; those of all payees where kind is empty, for admins.
func (s *Service) List(ctx context.Context, kind string, owner, below id.ID, limit int) (out []Statement, err error) {
	if err := can(ctx, kind, owner); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = list(ctx, tx, kind, owner, below, limit)
		return err
	})
	for i := range out {
		err = errors.Join(err, s.named(ctx, &out[i]))
	}
	return out, err
}

// most is how many statements a person's copy has at most: a century of weeks.
const most = 5200

// Personal says what statements hold of people: what couriers earned.
func (s *Service) Personal() personal.Part {
	own := func(ctx context.Context, account id.ID) (out []Statement, err error) {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			out, err = list(ctx, tx, Courier, account, 0, most)
			return err
		})
		return out, err
	}
	return personal.Part{
		Name: "statements",
		Tables: []personal.Table{
			{Name: "payout_statement", Link: "owner", Plain: "id kind currency number from_at to_at closing name data"},
			{Name: "payout_statement_run", Plain: "to_at from_at done"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Statements"),
				What:  i18n.T(ctx, "If you are a courier: what you earned each week or month."),
				Why:   i18n.T(ctx, "So that you and the town can look it up."),
				Kept:  i18n.T(ctx, "The town has to keep what it paid. When you delete your account, your name goes."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			list, err := own(ctx, account)
			return len(list), err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			list, err := own(ctx, account)
			if err != nil || len(list) == 0 {
				return err
			}
			return to.JSON("statements.json", i18n.T(ctx, "Your statements"), list)
		},
		Erase: func(context.Context, *db.Tx, id.ID) (personal.Erased, error) {
			return personal.Erased{}, nil
		},
	}
}

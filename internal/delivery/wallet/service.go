package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Books is what credit asks of the town's books. delivery/ledger keeps them.
type Books interface {
	// Post enters a movement of money, once for each Ref.
	Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error
	// Credit returns how much an account has to spend in a currency.
	Credit(ctx context.Context, account id.ID, currency string) (money.Amount, error)
	// Walk gives fn all entries of an owner's accounts, oldest first.
	Walk(ctx context.Context, tx *db.Tx, owner id.ID, from, to time.Time, fn func(delivery.BookLine) error) error
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB    *db.DB
	IDs   *id.Source
	Now   clock.Func
	Books Books
	// Try counts a try of a key, and returns a TooMany error where there were max within minutes.
	Try func(ctx context.Context, key string, max int) error
	// Find returns the account with a handle or e-mail address, or a NotFound error. Name returns what an account is called.
	Find func(ctx context.Context, login string) (id.ID, error)
	Name func(ctx context.Context, account id.ID) (string, error)
	// Audit notes a deed in its transaction.
	Audit    func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	Currency string // the town's
}

// Service keeps credit and gift codes. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

// React has codes expire.
func (s *Service) React(q *jobs.Queue) {
	q.Handle("gift.expire", func(ctx context.Context, _ jobs.Job) error { return s.Expire(ctx) })
	q.Schedule("gift.expire", "23 * * * *", "UTC", "gift.expire", struct{}{})
}

// maxTries is how many codes one account may try in 15 minutes.
const maxTries = 20

// historyShown is how many movements a customer is shown.
const historyShown = 100

// Mine returns the actor's credit with its newest movements.
func (s *Service) Mine(ctx context.Context) (*Credit, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	return s.of(ctx, actor.ID, historyShown)
}

// of returns an account's credit with at most limit movements, newest first; 0: all.
func (s *Service) of(ctx context.Context, account id.ID, limit int) (*Credit, error) {
	c := &Credit{Currency: s.Currency, History: []Move{}}
	var err error
	if c.Balance, err = s.Books.Credit(ctx, account, s.Currency); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		return s.Books.Walk(ctx, tx, account, time.Time{}, time.Time{}, func(l delivery.BookLine) error {
			if l.Book.Kind == delivery.BookWallet && l.Book.Currency == s.Currency {
				c.History = append(c.History, moveOf(l))
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(c.History)
	if limit > 0 && len(c.History) > limit {
		c.History = c.History[:limit]
	}
	return c, nil
}

// admin returns the actor if they may give credit.
func admin(ctx context.Context) (access.Actor, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, err
	}
	return actor, access.Can(actor, "admin.credit", access.Thing{})
}

// once does something once for each key of the actor's, and returns what came of it the first time.
func once[T any](ctx context.Context, s *Service, actor id.ID, route, key string, in any, do func(tx *db.Tx) (T, error)) (out T, err error) {
	req, err := idem.New(actor, route, key, in)
	if err != nil {
		return out, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if out, err = do(tx); err != nil {
			return err
		}
		reply, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("wallet: encode an answer: %w", err)
		}
		return req.Save(ctx, tx, reply, s.Now())
	})
	if !errors.Is(err, idem.ErrTaken) {
		return out, err
	}
	var first T
	reply, _, err := req.Replay(ctx, s.DB)
	if err == nil {
		err = json.Unmarshal(reply, &first)
	}
	return first, err
}

// Give gives somebody credit that the town bears, once for each key. Errors: Forbidden; NotFound for nobody's account; Invalid with fields.
func (s *Service) Give(ctx context.Context, key string, g Grant) (Grant, error) {
	actor, err := admin(ctx)
	if err != nil {
		return Grant{}, err
	}
	if err := g.tidy(s.Currency); err != nil {
		return Grant{}, err
	}
	if _, err := s.Name(ctx, g.Account); err != nil {
		return Grant{}, err
	}
	return once(ctx, s, actor.ID, "credit.give", key, g, func(tx *db.Tx) (Grant, error) {
		ref := "credit_grant:" + s.IDs.Next().String()
		if err := s.Books.Post(ctx, tx, moved(ref, granted, actor.ID, s.Now(), g.Reason, promotions(s.Currency), walletOf(g.Account, s.Currency), g.Amount)); err != nil {
			return g, err
		}
		return g, s.Audit(ctx, tx, "credit.give", "account:"+g.Account.String(), map[string]any{"amount": money.Format(g.Amount, s.Currency), "reason": g.Reason})
	})
}

// MakeGifts makes a batch of codes, once for each key. The codes are in the first answer only: what is stored are their digests.
func (s *Service) MakeGifts(ctx context.Context, key string, in NewBatch) (*Batch, error) {
	actor, err := admin(ctx)
	if err != nil {
		return nil, err
	}
	if err := in.tidy(s.Now(), s.Currency); err != nil {
		return nil, err
	}
	codes, digests := make([]string, in.Count), make([]string, in.Count)
	for i := range codes {
		codes[i] = show(id.Code(codeLength))
		digests[i] = digest(codes[i])
	}
	fresh := s.IDs.Next()
	b, err := once(ctx, s, actor.ID, "gifts.make", key, in, func(tx *db.Tx) (Batch, error) {
		b := Batch{
			ID: fresh, Amount: in.Amount, Currency: s.Currency, Count: in.Count, Note: in.Note, ExpiresAt: in.ExpiresAt,
			CreatedAt: s.Now().UTC().Truncate(time.Microsecond), CreatedBy: actor.ID,
		}
		if err := insertBatch(ctx, tx, &b); err != nil {
			return b, err
		}
		if err := insertCodes(ctx, tx, b.ID, digests); err != nil {
			return b, err
		}
		if err := s.Books.Post(ctx, tx, moved("gift_batch:"+b.ID.String(), made, actor.ID, b.CreatedAt, b.Note, promotions(b.Currency), gifts(b.Currency), b.Amount*b.Count)); err != nil {
			return b, err
		}
		return b, s.Audit(ctx, tx, "gift.make", "gift:"+b.ID.String(), map[string]any{"amount": money.Format(b.Amount, b.Currency), "count": b.Count})
	})
	if err != nil {
		return nil, err
	}
	if b.ID == fresh {
		b.Codes = codes
	}
	return &b, nil
}

// Gifts returns a page of the batches, newest first.
func (s *Service) Gifts(ctx context.Context, cursor string, limit int) (page.Page[Batch], error) {
	out := page.Page[Batch]{Items: []Batch{}}
	if _, err := admin(ctx); err != nil {
		return out, err
	}
	below, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	var rows []Batch
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = batches(ctx, tx, below, limit+1)
		return err
	})
	if err != nil {
		return out, err
	}
	return page.Cut(rows, limit, func(b Batch) id.ID { return b.ID }), nil
}

// EndGifts has the codes of a batch end that nobody has redeemed.
func (s *Service) EndGifts(ctx context.Context, batch id.ID) error {
	if _, err := admin(ctx); err != nil {
		return err
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := endBatch(ctx, tx, batch, s.Now())
		if err != nil {
			return err
		}
		if !ok {
			return errs.New(errs.NotFound, "There are no such codes, or they are over already.")
		}
		return s.Audit(ctx, tx, "gift.end", "gift:"+batch.String(), nil)
	})
	if err != nil {
		return err
	}
	return s.Expire(ctx)
}

var (
	errUnknown = errs.New(errs.NotFound, "There is no such gift code. Check how it is written.").WithCode("gift_unknown")
	errUsed    = errs.New(errs.Conflict, "This gift code has been redeemed already.").WithCode("gift_used")
	errOver    = errs.New(errs.Conflict, "This gift code is over.").WithCode("gift_expired")
)

// Redeem adds what a gift code is worth to the actor's credit. Errors: NotFound (code "gift_unknown"); Conflict (codes "gift_used",
// "gift_expired"); TooMany for who guesses.
func (s *Service) Redeem(ctx context.Context, code string) (*Credit, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Try(ctx, "gift "+actor.ID.String(), maxTries); err != nil {
		return nil, err
	}
	d := digest(code)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := redeem(ctx, tx, d, actor.ID, s.Now())
		if err != nil {
			return err
		}
		if !ok {
			return whyNot(ctx, tx, d)
		}
		b, err := batchOf(ctx, tx, d)
		if err != nil {
			return err
		}
		return s.Books.Post(ctx, tx, moved("gift_redeemed:"+d, redeemed, actor.ID, s.Now(), "", gifts(b.Currency), walletOf(actor.ID, b.Currency), b.Amount))
	})
	if err != nil {
		return nil, err
	}
	return s.of(ctx, actor.ID, historyShown)
}

// whyNot returns why a code can't be redeemed.
func whyNot(ctx context.Context, tx *db.Tx, digest string) error {
	switch state, err := stateOf(ctx, tx, digest); {
	case errors.Is(err, db.ErrNoRow):
		return errUnknown
	case err != nil:
		return err
	case state == "redeemed":
		return errUsed
	}
	return errOver
}

// expireBatch is how many codes one transaction lets expire.
const expireBatch = 100

// Expire takes what codes are worth back into the town's books that nobody redeemed in time.
func (s *Service) Expire(ctx context.Context) error {
	for {
		n := 0
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			now := s.Now()
			list, err := over(ctx, tx, now, expireBatch)
			if err != nil {
				return err
			}
			n = len(list)
			for _, d := range list {
				ok, err := expire(ctx, tx, d, now)
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				b, err := batchOf(ctx, tx, d)
				if err != nil {
					return err
				}
				if err := s.Books.Post(ctx, tx, moved("gift_expired:"+d, expired, 0, now, "", gifts(b.Currency), promotions(b.Currency), b.Amount)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < expireBatch {
			return err
		}
	}
}

package stripe

import (
	"context"
	"encoding/json"
	"errors"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// The kinds of jobs. Each asks Stripe about one thing.
const (
	hintKind    = "stripe.hint"    // an intent
	disputeKind = "stripe.dispute" // a dispute
	accountKind = "stripe.account" // a restaurant's account
	forgetKind  = "stripe.forget"  // a customer, who is to be deleted
	cleanKind   = "stripe.clean"   // forgets events that nobody sends again
)

type refArgs struct {
	Ref string `json:"ref"`
}

// React registers the jobs.
func (s *Service) React(q *jobs.Queue) {
	for kind, fn := range map[string]func(context.Context, string) error{
		hintKind: s.hint, disputeKind: s.dispute, accountKind: s.hearOfAccount, forgetKind: s.forget,
	} {
		q.Handle(kind, func(ctx context.Context, j jobs.Job) error {
			var a refArgs
			if err := json.Unmarshal(j.Args, &a); err != nil {
				return jobs.Discard(err)
			}
			if s.client == nil {
				return jobs.Discard(errors.New("stripe: no key is set any more"))
			}
			return fn(ctx, a.Ref)
		})
	}
	q.Handle(cleanKind, func(ctx context.Context, _ jobs.Job) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return forgetEvents(ctx, tx, s.Now().Add(-keepEvents)) })
	})
	q.Schedule("stripe events", "@every 24h", "UTC", cleanKind, nil)
}

// hint passes on that there is news of an intent. A payment that knows of none yet asks by itself.
func (s *Service) hint(ctx context.Context, ref string) error {
	if err := s.Payments.Hint(ctx, Name, ref); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return nil
}

func (s *Service) hearOfAccount(ctx context.Context, ref string) error {
	var a Account
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		a, err = accountByID(ctx, tx, ref)
		return err
	})
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.refresh(ctx, a)
	return err
}

// forget deletes a customer at Stripe, and with them their cards.
func (s *Service) forget(ctx context.Context, customer string) error {
	_, err := s.client.V1Customers.Delete(ctx, customer, nil)
	if f := failed("delete a customer", err); f != nil && f.code != string(api.ErrorCodeResourceMissing) {
		return f
	}
	return nil
}

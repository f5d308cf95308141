package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// The kinds of jobs.
const (
	settleKind    = "payment.settle"    // brings a payment to its aim
	hintKind      = "payment.hint"      // asks now, since a provider has news
	reconcileKind = "payment.reconcile" // asks about everything that is unclear
)

type settleArgs struct {
	Order id.ID `json:"order"`
}

// React registers the jobs: those that settle payments whose aim has changed or that a provider has news of, and every minute one that asks
// about all that is unclear, for as long as it is.
func (s *Service) React(q *jobs.Queue) {
	for kind, fn := range map[string]func(context.Context, id.ID) error{
		settleKind: func(ctx context.Context, order id.ID) error { return s.Settle(ctx, order, nil) },
		hintKind:   s.opt.Settle,
	} {
		q.Handle(kind, func(ctx context.Context, j jobs.Job) error {
			var a settleArgs
			if err := json.Unmarshal(j.Args, &a); err != nil {
				return jobs.Discard(err)
			}
			return fn(ctx, a.Order)
		})
	}
	q.Handle(reconcileKind, func(ctx context.Context, _ jobs.Job) error { return s.Reconcile(ctx) })
	q.Schedule("payments", "@every 60s", "UTC", reconcileKind, nil)
}

// unclearAfter is how long a provider may owe an answer before it is asked again.
const unclearAfter = 2 * time.Minute

// reconcileMost bounds one round; what is left comes with the next.
const reconcileMost = 200

// Reconcile asks providers about every payment and refund that is unclear for longer than two minutes. It returns no error for those that stay
// so: they are asked for again in the next round, for ever, and are listed by Unclear.
func (s *Service) Reconcile(ctx context.Context) error {
	list, err := s.unclear(ctx, s.Now().Add(-unclearAfter), reconcileMost)
	if err != nil {
		return err
	}
	var wrong error
	for _, u := range list {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.opt.Settle(ctx, u.Order); err != nil && errs.CodeOf(err) != "payment_unclear" {
			wrong = errors.Join(wrong, fmt.Errorf("payment: reconcile order %d: %w", u.Order, err))
		}
	}
	return wrong
}

// Hint says that a provider may have news of a charge: it is asked about it at once. A charge that nobody knows here is a NotFound error.
func (s *Service) Hint(ctx context.Context, provider, ref string) error {
	p, err := s.ByRef(ctx, provider, ref)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := s.Jobs.Enqueue(ctx, tx, hintKind, settleArgs{p.Order}, jobs.Opts{})
		return err
	})
}

// Unclear is a payment or refund of which a provider's last word is not known, or which it refuses to bring to its end.
type Unclear struct {
	Order    id.ID                 `json:"order" doc:"Or the share in a group order."`
	Group    id.ID                 `json:"group,omitzero" doc:"The share's group order."`
	State    delivery.PaymentState `json:"state"`
	Asked    string                `json:"asked" doc:"What the provider was asked: authorise, look, capture, void, refund; empty: it has refused, and people have to look."`
	Amount   money.Amount          `json:"amount"`
	Currency string                `json:"currency"`
	Provider string                `json:"provider"`
	Ref      string                `json:"ref,omitempty"`
	Why      string                `json:"why,omitempty" doc:"In the provider's words, where it has refused."`
	Since    time.Time             `json:"since"`
}

// unclearShown is how many Unclear lists.
const unclearShown = 200

// Unclear lists what is unclear at providers for longer than two minutes, and what they have refused, oldest first.
func (s *Service) Unclear(ctx context.Context) ([]Unclear, error) {
	open, err := s.unclear(ctx, s.Now().Add(-unclearAfter), unclearShown)
	if err != nil {
		return nil, err
	}
	var no []row
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		no, err = refusedRows(ctx, tx, unclearShown)
		return err
	})
	for _, r := range no {
		open = append(open, Unclear{Order: r.Order, Group: r.Group, State: r.State, Amount: r.Amount, Currency: r.Currency, Provider: r.Provider, Ref: r.Ref, Why: r.Decline, Since: r.since})
	}
	return open, err
}

func (s *Service) unclear(ctx context.Context, before time.Time, most int) (out []Unclear, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := unclearRows(ctx, tx, before, most)
		if err != nil {
			return err
		}
		for _, r := range rows {
			u := Unclear{Order: r.Order, Group: r.Group, State: r.State, Asked: string(r.next()), Amount: r.Amount, Currency: r.Currency, Provider: r.Provider, Ref: r.Ref, Since: r.since}
			if r.Refunding > 0 && r.asking == nothing {
				u.Asked, u.Amount = "refund", r.Refunding
			}
			out = append(out, u)
		}
		return nil
	})
	return out, err
}

// Gauge returns how much is unclear and how much was refused, and how many incidents are open, for the metrics.
func (s *Service) Gauge(ctx context.Context) (out map[string]float64, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = gauge(ctx, tx, s.Now().Add(-unclearAfter))
		return err
	})
	return out, err
}

// Incident is something about a payment that does not agree: a provider refuses what it was asked, or says what can't be.
type Incident struct {
	ID       id.ID     `json:"id"`
	Order    id.ID     `json:"order,omitzero"`
	Provider string    `json:"provider"`
	Ref      string    `json:"ref,omitempty"`
	Kind     string    `json:"kind" doc:"capture_refused, refund_refused, void_refused, authorise_refused, or what a provider's event says that disagrees."`
	Detail   string    `json:"detail"`
	At       time.Time `json:"at"`
}

// Report writes an incident down. It changes no payment.
func (s *Service) Report(ctx context.Context, tx *db.Tx, i Incident) error {
	i.ID, i.At = s.IDs.Next(), s.Now()
	return addIncident(ctx, tx, i)
}

// incidentsShown is how many Incidents lists.
const incidentsShown = 100

// Incidents lists those that nobody has closed, newest first.
func (s *Service) Incidents(ctx context.Context) (out []Incident, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = openIncidents(ctx, tx, incidentsShown)
		return err
	})
	return out, err
}

// CloseIncident says that by has seen to an incident. It returns a NotFound error for one that is not open.
func (s *Service) CloseIncident(ctx context.Context, incident, by id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := closeIncident(ctx, tx, incident, by, s.Now())
		if err == nil && !ok {
			err = errs.New(errs.NotFound, "There is no such incident, or somebody has seen to it already.")
		}
		if err != nil || s.opt.Audit == nil {
			return err
		}
		return s.opt.Audit(ctx, tx, "payment.incident", "incident:"+incident.String(), nil)
	})
}

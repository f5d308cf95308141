package moderation

import (
	"context"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Tickets open one strike to somebody who can't sign in any more, and nothing else: that of the link in the letter about it, and that of the
// page that refuses to sign them in.
const (
	ticketKind = "strike"
	shutKind   = "strike.shut"
	shutFor    = 30 * time.Minute
)

// Shut returns the strike that keeps an account's owner from signing in, and a ticket that opens it for half an hour; an earlier one opens
// nothing then. It returns a NotFound error where no moderator keeps them out.
func (s *Service) Shut(ctx context.Context, owner id.ID) (k *Strike, ticket string, err error) {
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		list, err := strikesOf(ctx, tx, owner, 200)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(k *Strike) bool { return (k.Action == Suspend || k.Action == Disable) && k.UndoneAt.IsZero() })
		if i < 0 {
			return errGone
		}
		k = list[i]
		if err := s.Accounts.DropTickets(ctx, tx, owner, shutKind); err != nil {
			return err
		}
		ticket, err = s.Accounts.Issue(ctx, tx, account.Ticket{Kind: shutKind, Account: owner, Data: k.ID.String()}, shutFor)
		return err
	})
	return k, ticket, err
}

// Own returns a strike for its owner: somebody who may act as its profile, or who has a ticket for it. It returns a NotFound error
// for everybody else.
func (s *Service) Own(ctx context.Context, strike id.ID, ticket string) (*Strike, error) {
	k, err := s.Strike(ctx, strike)
	if err != nil {
		return nil, err
	}
	if actor := access.From(ctx); actor.SignedIn() && s.Profiles.MayActAs(actor, k.Profile) {
		return k, nil
	}
	if ticket == "" {
		return nil, errGone
	}
	var t account.Ticket
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		t, err = s.Accounts.Peek(ctx, tx, ticketKind, ticket)
		if errs.Is(err, errs.NotFound) {
			t, err = s.Accounts.Peek(ctx, tx, shutKind, ticket)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if t.Account != k.Profile || t.Data != strike.String() {
		return nil, errGone
	}
	return k, nil
}

// Appeal stores what a strike's owner says against it. It works once, and returns a Conflict error after that, when the strike was taken back,
// and after AppealFor; see Own for who may.
func (s *Service) Appeal(ctx context.Context, strike id.ID, ticket, words string) error {
	words, err := clean("appeal", words, MaxAppeal)
	if err != nil {
		return err
	}
	if words == "" {
		return errs.InvalidField("appeal", "Say why the moderators were wrong.")
	}
	k, err := s.Own(ctx, strike, ticket)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := appealStrike(ctx, tx, strike, words, s.Now())
		if err != nil {
			return err
		}
		if !ok {
			return errs.New(errs.Conflict, "This can't be appealed against, or no longer: one appeals once, within 20 days, while it holds.")
		}
		return s.Audit(ctx, tx, "moderation.appeal", audit.Thing("account", k.Profile), map[string]any{"strike": strike.String()})
	})
}

// Appeals returns the strikes whose appeals wait for a moderator, the first to be made in front, or those that were decided last.
func (s *Service) Appeals(ctx context.Context, waiting bool) (out []*Strike, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = appeals(ctx, tx, waiting, 100)
		return err
	})
	return out, err
}

// Decide ends an appeal: a yes takes back what the strike did. It returns a Conflict error where another moderator has decided.
func (s *Service) Decide(ctx context.Context, strike id.ID, yes bool) error {
	return s.onStrike(ctx, strike, func(tx *db.Tx, st social.Standing, k *Strike, actor access.Actor, now time.Time) (func(context.Context) text, error) {
		ok, err := decideAppeal(ctx, tx, strike, actor.ID, yes, now)
		if err == nil && !ok {
			err = errDone
		}
		if err != nil {
			return nil, err
		}
		verb := "moderation.appeal_no"
		if yes {
			verb = "moderation.appeal_yes"
			if err := s.takeBack(ctx, tx, st, k, actor.ID, now); err != nil && !errs.Is(err, errs.Conflict) {
				return nil, err // a conflict: it was taken back before
			}
		}
		says := func(ctx context.Context) text { return appealText(ctx, k.Action, yes) }
		return says, s.Audit(ctx, tx, verb, audit.Thing("account", k.Profile), map[string]any{"strike": strike.String()})
	})
}

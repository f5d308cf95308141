package signup

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// This file is what admins and the command line do. Nothing here asks who does it: callers have checked.

// Waiting is somebody who waits for an admin's word.
type Waiting struct {
	Account account.Account
	About   string // what they wrote to the admins
	AskedAt time.Time
}

// maxQueue is how many are shown at once, who waited longest first.
const maxQueue = 200

// Queue returns who waits, the first to ask first: at most 200, and how many there are in all.
func (s *Service) Queue(ctx context.Context) (list []Waiting, all int, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		if list, err = s.store.waiting(ctx, tx, maxQueue); err != nil {
			return err
		}
		all, err = s.store.countWaiting(ctx, tx)
		return err
	})
	return list, all, err
}

// Approve lets somebody in who waits, and writes to them. It returns a Conflict error where that was decided already.
func (s *Service) Approve(ctx context.Context, who id.ID) error { return s.decide(ctx, who, true, "") }

// Reject turns somebody away who waits, writes to them, with a reason where one is given, and forgets them. It returns a Conflict error
// where that was decided already.
func (s *Service) Reject(ctx context.Context, who id.ID, reason string) error {
	return s.decide(ctx, who, false, text.Clean(reason, maxAbout))
}

func (s *Service) decide(ctx context.Context, who id.ID, yes bool, reason string) error {
	a, err := s.people.Get(ctx, who)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.people.Decide(ctx, tx, who, yes); err != nil {
			return err
		}
		if err := s.store.unwait(ctx, tx, who); err != nil || !s.post.On() {
			return err
		}
		if yes {
			return s.post.Send(ctx, tx, s.yesLetter(ctx, a))
		}
		return s.post.Send(ctx, tx, s.noLetter(ctx, a, reason))
	})
}

// Invite is an invitation, without its code.
type Invite struct {
	ID        id.ID
	Mark      string // how the code begins, to know it by
	Note      string
	Uses      int // that are left
	By        id.ID
	MadeAt    time.Time
	ExpiresAt time.Time
}

// InviteSpec is an invitation to make.
type InviteSpec struct {
	Uses int           // how many may join with it; 0: 1
	For  time.Duration // how long it lasts; 0: 7 days
	Note string        // whom it is for
}

// The bounds of an invitation.
const (
	maxUses   = 1000
	maxFor    = 365 * 24 * time.Hour
	inviteFor = 7 * 24 * time.Hour
)

// Invite makes an invitation and returns its code, which is shown this once, and itself.
func (s *Service) Invite(ctx context.Context, spec InviteSpec) (string, Invite, error) {
	if spec.Uses == 0 {
		spec.Uses = 1
	}
	if spec.For == 0 {
		spec.For = inviteFor
	}
	switch {
	case spec.Uses < 1 || spec.Uses > maxUses:
		return "", Invite{}, errs.InvalidField("uses", "An invitation is for 1 to %d people.", maxUses)
	case spec.For < time.Hour || spec.For > maxFor:
		return "", Invite{}, errs.InvalidField("for", "An invitation lasts an hour at least and a year at most.")
	}
	code, now := id.Code(5)+"-"+id.Code(5)+"-"+id.Code(5), s.now().UTC()
	v := Invite{
		ID: s.ids.Next(), Mark: code[:5], Note: text.Clean(spec.Note, 120), Uses: spec.Uses, By: access.From(ctx).ID, MadeAt: now, ExpiresAt: now.Add(spec.For),
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error { return s.store.insertInvite(ctx, tx, normCode(code), v) })
	return code, v, err
}

// InviteLink returns the address that somebody with the code of an invitation opens.
func (s *Service) InviteLink(code string) string { return s.opt.URL() + "/sign-up?invite=" + code }

// Invites returns the invitations that can still be used, the newest first, at most 200.
func (s *Service) Invites(ctx context.Context) (list []Invite, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err = s.store.invites(ctx, tx, s.now(), maxQueue)
		return err
	})
	return list, err
}

// Uninvite takes an invitation back. One that is gone already is no error.
func (s *Service) Uninvite(ctx context.Context, invite id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.store.dropInvite(ctx, tx, invite) })
}

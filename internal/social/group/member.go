package group

import (
	"context"
	"errors"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func fold(name string) string { return text.Fold(name) }

// become makes somebody something to a group that is locked, counts members, and tells.
func (s *Service) become(ctx context.Context, tx *db.Tx, by, account id.ID, g *Group, from, to Role) error {
	if from == to {
		return nil
	}
	step := int64(0)
	if from.In() {
		step--
	}
	if to.In() {
		step++
	}
	if step != 0 {
		ok, err := addMembers(ctx, tx, g.ID, step, s.opt.MaxMembers)
		if err != nil {
			return err
		}
		if !ok {
			return errs.New(errs.Conflict, "This group is full.").WithCode("group_full")
		}
	}
	if err := setRole(ctx, tx, g.ID, account, to, by, s.now()); err != nil {
		return err
	}
	if from.In() == to.In() {
		return nil
	}
	return s.tell(ctx, tx, by, account, g.ID, !to.In())
}

// notice asks that somebody be told.
func (s *Service) notice(ctx context.Context, tx *db.Tx, kind string, from id.ID, g *Group, to ...id.ID) error {
	if len(to) == 0 {
		return nil
	}
	return s.log.Append(ctx, tx, s.now(), from, social.Notice{To: to, Type: kind, From: from, Thing: g.ID, Title: g.Name, URL: g.URL})
}

// moderators returns up to a hundred of those who moderate a group.
func moderators(ctx context.Context, tx *db.Tx, group id.ID) ([]id.ID, error) {
	list, err := people(ctx, tx, group, []Role{Owner, Moderator}, 0, 100)
	out := make([]id.ID, len(list))
	for i, t := range list {
		out[i] = t.account
	}
	return out, err
}

// Join makes the actor a member where that is possible at once, else one who has asked; the Group's Role says which. Errors: NotFound;
// Forbidden (codes "barred", "invitation_needed"); Conflict (code "group_full").
func (s *Service) Join(ctx context.Context, handle string) (*Group, error) {
	return s.change(ctx, handle, func(tx *db.Tx, actor id.ID, g *Group) error {
		to, err := admit(g.Role, g.Joining)
		if err != nil {
			return err
		}
		if to == Asked && g.Role != Asked {
			mods, err := moderators(ctx, tx, g.ID)
			if err != nil {
				return err
			}
			if err := s.notice(ctx, tx, social.NoticeGroupRequest, actor, g, mods...); err != nil {
				return err
			}
		}
		if err := s.become(ctx, tx, actor, actor, g, g.Role, to); err != nil {
			return err
		}
		g.Role = to
		return nil
	})
}

// Leave ends the actor's membership, their request or their invitation. The last owner must hand the group on first, unless nobody else is
// in it: then it ends. Errors: NotFound; Conflict (code "last_owner").
func (s *Service) Leave(ctx context.Context, handle string) error {
	_, err := s.change(ctx, handle, func(tx *db.Tx, actor id.ID, g *Group) error {
		if g.Role == Stranger || g.Role == Barred {
			return nil
		}
		if g.Role == Owner {
			owners, err := countRole(ctx, tx, g.ID, Owner)
			if err != nil {
				return err
			}
			if owners == 1 && g.Members > 1 {
				return errs.New(errs.Conflict, "You are the only owner. Make somebody else one first.").WithCode("last_owner")
			}
			if owners == 1 {
				if err := s.end(ctx, tx, g.ID); err != nil {
					return err
				}
			}
		}
		return s.become(ctx, tx, actor, actor, g, g.Role, Stranger)
	})
	return err
}

// Invite lets the person with a handle join. Everybody in an open group may invite, in others those who moderate it. Errors: NotFound;
// Forbidden; Conflict (codes "member_already", "too_many_invitations").
func (s *Service) Invite(ctx context.Context, handle, whom string) (*Group, error) {
	if _, err := access.Require(ctx); err != nil {
		return nil, err
	}
	account, err := s.profiles.Resolve(ctx, whom)
	if errs.Is(err, errs.NotFound) {
		return nil, errs.InvalidField("body.account", "There is nobody called that here.")
	}
	if err != nil {
		return nil, err
	}
	return s.change(ctx, handle, func(tx *db.Tx, actor id.ID, g *Group) error {
		if !g.Role.Moderates() && !(g.Role.In() && g.Joining == Freely) {
			return errMayNot
		}
		role, err := roleOf(ctx, tx, g.ID, account)
		switch {
		case err != nil:
			return err
		case role.In():
			return errs.New(errs.Conflict, "They are in the group already.").WithCode("member_already")
		case role == Invited:
			return nil
		case role == Asked && g.Role.Moderates():
			return s.welcome(ctx, tx, actor, account, g, role)
		case role == Barred && !g.Role.Moderates():
			return errs.New(errs.Forbidden, "They have been removed from this group.").WithCode("barred")
		}
		if n, err := countRole(ctx, tx, g.ID, Invited); err != nil {
			return err
		} else if n >= s.opt.MaxInvites {
			return errs.New(errs.Conflict, "%d invitations are open. Wait until some are answered.", n).WithCode("too_many_invitations")
		}
		if err := s.notice(ctx, tx, social.NoticeGroupInvite, actor, g, account); err != nil {
			return err
		}
		return s.become(ctx, tx, actor, account, g, role, Invited)
	})
}

func (s *Service) welcome(ctx context.Context, tx *db.Tx, by, account id.ID, g *Group, from Role) error {
	if err := s.notice(ctx, tx, social.NoticeGroupJoined, g.ID, g, account); err != nil {
		return err
	}
	return s.become(ctx, tx, by, account, g, from, Member)
}

// SetRole lets somebody in who has asked, makes them a moderator or owner or takes that away, removes them (Stranger: a request is declined,
// an invitation taken back) or bars them. Moderators deal with those who have no say in the group, owners with everybody. Errors:
// NotFound; Forbidden; Conflict (code "last_owner"); Invalid.
func (s *Service) SetRole(ctx context.Context, handle string, account id.ID, to Role) (*Group, error) {
	return s.change(ctx, handle, func(tx *db.Tx, actor id.ID, g *Group) error {
		from, err := roleOf(ctx, tx, g.ID, account)
		if err != nil {
			return err
		}
		if !g.Role.Moderates() {
			return errMayNot
		}
		if from == Stranger && to != Barred {
			return errNobody
		}
		if to == Asked || to == Invited || from == Invited && to.In() || from == Barred && to.In() {
			return errs.InvalidField("body.role", "Nobody joins but by their own wish.")
		}
		if g.Role != Owner && (from.Moderates() || to.Moderates()) {
			return errs.New(errs.Forbidden, "That is for the group's owners.")
		}
		if account == actor && to.In() && g.Role == Owner && to != Owner || from == Owner && to != Owner {
			owners, err := countRole(ctx, tx, g.ID, Owner)
			if err != nil {
				return err
			}
			if owners == 1 {
				return errs.New(errs.Conflict, "A group needs an owner. Make somebody else one first.").WithCode("last_owner")
			}
		}
		if from == Asked && to.In() {
			if err := s.notice(ctx, tx, social.NoticeGroupJoined, g.ID, g, account); err != nil {
				return err
			}
		}
		if err := s.become(ctx, tx, actor, account, g, from, to); err != nil {
			return err
		}
		if account == actor {
			g.Role = to
		}
		return nil
	})
}

// RemovePost takes a status out of a group, for those who moderate it. Errors: NotFound; Forbidden.
func (s *Service) RemovePost(ctx context.Context, handle string, status id.ID) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	g, err := s.Get(ctx, handle)
	if err != nil {
		return err
	}
	if !g.Role.Moderates() {
		return errMayNot
	}
	return s.posts.TakeDown(ctx, g.ID, status, actor.ID)
}

// Groups returns the ids of the groups that an account is a member of. social/follow keeps them among its relations.
func (s *Service) Groups(ctx context.Context, account id.ID) (out []id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = groupsOf(ctx, tx, account)
		return err
	})
	return out, err
}

// Owners returns up to a hundred of the owners of a group.
func (s *Service) Owners(ctx context.Context, group id.ID) (out []id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err := people(ctx, tx, group, []Role{Owner}, 0, 100)
		for _, t := range list {
			out = append(out, t.account)
		}
		return err
	})
	return out, err
}

// Moderates reports whether an account keeps order in a group, and may so act for it.
func (s *Service) Moderates(ctx context.Context, account, group id.ID) (yes bool, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, err := roleOf(ctx, tx, group, account)
		yes = r.Moderates()
		return err
	})
	return yes, err
}

// MayPost reports whether the group in which an account wants to write is closed. Errors: NotFound where there is no such group for them;
// Forbidden (code "not_a_member") where they are no member.
func (s *Service) MayPost(ctx context.Context, account, group id.ID) (closed bool, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		g, err := byID(ctx, tx, group)
		if errors.Is(err, db.ErrNoRow) {
			return errMissing
		}
		if err != nil {
			return err
		}
		closed = g.Closed
		r, err := roleOf(ctx, tx, group, account)
		switch {
		case err != nil || r.In():
			return err
		case g.Joining == ByInvite:
			return errMissing
		}
		return errs.New(errs.Forbidden, "Join the group first.").WithCode("not_a_member")
	})
	return closed, err
}

// GroupCards returns groups as statuses show them; those that have ended are left out.
func (s *Service) GroupCards(ctx context.Context, groups []id.ID) (map[id.ID]*social.GroupCard, error) {
	out := make(map[id.ID]*social.GroupCard, len(groups))
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		for _, n := range groups {
			g, err := byID(ctx, tx, n)
			if errors.Is(err, db.ErrNoRow) {
				continue
			}
			if err != nil {
				return err
			}
			card := g.card()
			out[n] = &card
		}
		return nil
	})
	return out, err
}

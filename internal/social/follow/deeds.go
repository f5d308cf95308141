package follow

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// This file is what one profile does to another. Who calls it has checked that the actor may act as me.

// hold returns how both profiles stand, whom nobody else changes ties of until tx ends. It returns a NotFound error where one is not there.
func (s *Service) hold(ctx context.Context, tx *db.Tx, me, other id.ID) (mine, theirs social.Standing, err error) {
	found, err := s.profiles.Hold(ctx, tx, me, other)
	if err != nil {
		return mine, theirs, err
	}
	mine, ok := found[me]
	theirs, too := found[other]
	if !ok || !too {
		return mine, theirs, errUnknown
	}
	return mine, theirs, nil
}

// Follow has me follow other, or ask to where they are locked; who follows already changes how. It returns a NotFound error for somebody who
// is not there, and Forbidden for oneself and where one of the two blocks the other.
func (s *Service) Follow(ctx context.Context, me, other id.ID, how How) error {
	if me == other {
		return errSelf
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, theirs, err := s.hold(ctx, tx, me, other)
		if err != nil {
			return err
		}
		if !theirs.Here() {
			return errUnknown
		}
		t, err := between(ctx, tx, me, other)
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return err
		}
		known := err == nil
		if !known {
			t = tie{ID: s.ids.Next(), Other: other, Pending: theirs.Locked, Follow: social.Follow{Boosts: true}}
		}
		if t.Follow, err = how.apply(t.Follow); err != nil {
			return err
		}
		if known {
			if err := updateTie(ctx, tx, me, other, t.Follow); err != nil {
				return err
			}
			return s.announce(ctx, tx, social.Followed{From: me, To: other, Tie: social.TieHow})
		}
		if err := s.mayFollow(ctx, tx, me, other); err != nil {
			return err
		}
		if err := insertTie(ctx, tx, me, t, s.now()); err != nil {
			return err
		}
		if t.Pending {
			return s.announce(ctx, tx, social.Followed{From: me, To: other, Tie: social.TieRequest})
		}
		return s.began(ctx, tx, me, other, false)
	})
}

// mayFollow returns why not.
func (s *Service) mayFollow(ctx context.Context, tx *db.Tx, me, other id.ID) error {
	for _, pair := range [][2]id.ID{{me, other}, {other, me}} {
		blocked, err := blocks(ctx, tx, pair[0], pair[1])
		if err != nil {
			return err
		}
		if blocked {
			return errBlocked
		}
	}
	n, err := countTies(ctx, tx, me)
	if err == nil && n >= MaxFollows {
		return errTooMany
	}
	return err
}

// began counts a follow that is new, and tells of it.
func (s *Service) began(ctx context.Context, tx *db.Tx, from, to id.ID, asked bool) error {
	if err := s.count(ctx, tx, from, to, 1); err != nil {
		return err
	}
	return s.announce(ctx, tx, social.Followed{From: from, To: to, Tie: social.TieFollow, Was: asked})
}

// count adds to whom from follows and who follows to; both are held.
func (s *Service) count(ctx context.Context, tx *db.Tx, from, to id.ID, by int) error {
	if err := s.profiles.Counts(ctx, tx, from, 0, 0, by, time.Time{}); err != nil {
		return err
	}
	return s.profiles.Counts(ctx, tx, to, 0, by, 0, time.Time{})
}

// Unfollow ends what Follow began, or takes the request back. Where there is neither it changes nothing.
func (s *Service) Unfollow(ctx context.Context, me, other id.ID) error { return s.part(ctx, me, other) }

// RemoveFollower ends that other follows me, or has asked to.
func (s *Service) RemoveFollower(ctx context.Context, me, other id.ID) error {
	return s.part(ctx, other, me)
}

func (s *Service) part(ctx context.Context, from, to id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, from, to); err != nil {
			return err
		}
		return s.end(ctx, tx, from, to)
	})
}

// end removes the tie from one to another, both of whom are held, where there is one.
func (s *Service) end(ctx context.Context, tx *db.Tx, from, to id.ID) error {
	pending, err := deleteTie(ctx, tx, from, to)
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	if pending {
		return s.announce(ctx, tx, social.Followed{From: from, To: to, Tie: social.TieRequest, Gone: true})
	}
	if err := s.count(ctx, tx, from, to, -1); err != nil {
		return err
	}
	return s.announce(ctx, tx, social.Followed{From: from, To: to, Tie: social.TieFollow, Gone: true})
}

// Authorize says yes to other's request to follow me. It returns a NotFound error where there is none.
func (s *Service) Authorize(ctx context.Context, me, other id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		ok, err := accept(ctx, tx, other, me, s.ids.Next(), s.now())
		if err != nil {
			return err
		}
		if !ok {
			return errUnknown
		}
		return s.began(ctx, tx, other, me, true)
	})
}

// AuthorizeAll says yes to everybody who has asked to follow me, in the caller's transaction: the profile is locked no more.
func (s *Service) AuthorizeAll(ctx context.Context, tx *db.Tx, me id.ID) error {
	asking, err := requests(ctx, tx, me, 1000)
	if err != nil || len(asking) == 0 {
		return err
	}
	if _, err := s.profiles.Hold(ctx, tx, append(asking, me)...); err != nil {
		return err
	}
	for _, other := range asking {
		ok, err := accept(ctx, tx, other, me, s.ids.Next(), s.now())
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := s.began(ctx, tx, other, me, true); err != nil {
			return err
		}
	}
	return nil
}

// Reject says no to other's request. It returns a NotFound error where there is none.
func (s *Service) Reject(ctx context.Context, me, other id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		ok, err := deleteRequest(ctx, tx, other, me)
		if err != nil {
			return err
		}
		if !ok {
			return errUnknown
		}
		return s.announce(ctx, tx, social.Followed{From: other, To: me, Tie: social.TieRequest, Gone: true})
	})
}

// Block has me block other: neither follows, asks or recommends the other any more. It returns a NotFound error for somebody who is not there,
// and Forbidden for oneself.
func (s *Service) Block(ctx context.Context, me, other id.ID) error {
	if me == other {
		return errSelf
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		fresh, err := insertBlock(ctx, tx, me, other, s.ids.Next(), s.now())
		if err != nil || !fresh {
			return err
		}
		for _, pair := range [][2]id.ID{{me, other}, {other, me}} {
			if err := s.end(ctx, tx, pair[0], pair[1]); err != nil {
				return err
			}
			if err := deleteEndorsement(ctx, tx, pair[0], pair[1]); err != nil {
				return err
			}
		}
		return s.announce(ctx, tx, social.Followed{From: me, To: other, Tie: social.TieBlock})
	})
}

// Unblock ends a block. Where there is none it changes nothing.
func (s *Service) Unblock(ctx context.Context, me, other id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := deleteBlock(ctx, tx, me, other)
		if err != nil || !ok {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, To: other, Tie: social.TieBlock, Gone: true})
	})
}

// Mute has me mute other: until lasts from now has passed, or for good where it is 0. A second mute replaces the first. It returns a NotFound
// error for somebody who is not there, Forbidden for oneself, and Invalid for a time that is none.
func (s *Service) Mute(ctx context.Context, me, other id.ID, notifications bool, lasts time.Duration) error {
	switch {
	case me == other:
		return errSelf
	case lasts < 0 || lasts > MaxMute:
		return errs.InvalidField("duration", "Mute for seconds of at most ten years, or 0 for good.")
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		m := social.Mute{Notifications: notifications}
		if lasts > 0 {
			m.Until = s.now().Add(lasts).UTC()
		}
		if err := upsertMute(ctx, tx, me, other, s.ids.Next(), m, s.now()); err != nil {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, To: other, Tie: social.TieMute})
	})
}

// Unmute ends a mute. Where there is none it changes nothing.
func (s *Service) Unmute(ctx context.Context, me, other id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := deleteMute(ctx, tx, me, other)
		if err != nil || !ok {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, To: other, Tie: social.TieMute, Gone: true})
	})
}

// Note stores what me notes about other, which nobody else reads; an empty text removes it. It returns an Invalid error for one that is too long.
func (s *Service) Note(ctx context.Context, me, other id.ID, text string) error {
	text, err := checkNote(text)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		return setNote(ctx, tx, me, other, text, s.now())
	})
}

// Endorse has me recommend other, whom I follow; it returns an Invalid error where I don't.
func (s *Service) Endorse(ctx context.Context, me, other id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		t, err := between(ctx, tx, me, other)
		if errors.Is(err, db.ErrNoRow) || err == nil && t.Pending {
			return errs.InvalidField("id", "Validation failed: you recommend profiles that you follow.")
		}
		if err != nil {
			return err
		}
		return insertEndorsement(ctx, tx, me, other, s.ids.Next(), s.now())
	})
}

// Unendorse takes a recommendation back.
func (s *Service) Unendorse(ctx context.Context, me, other id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if _, _, err := s.hold(ctx, tx, me, other); err != nil {
			return err
		}
		return deleteEndorsement(ctx, tx, me, other)
	})
}

// FollowTag has me follow a hashtag, given in the form in which tags are compared and as it is shown.
func (s *Service) FollowTag(ctx context.Context, me id.ID, name, shown string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := countOf(ctx, tx, "social_tag_follow", me)
		if err != nil {
			return err
		}
		if n >= MaxTags {
			return errs.InvalidField("name", "You follow as many hashtags as one can: %d.", MaxTags)
		}
		fresh, err := followTag(ctx, tx, me, s.ids.Next(), name, shown, s.now())
		if err != nil || !fresh {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, Tag: name, Tie: social.TieTag})
	})
}

// UnfollowTag ends that.
func (s *Service) UnfollowTag(ctx context.Context, me id.ID, name string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := unfollowTag(ctx, tx, me, name)
		if err != nil || !ok {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, Tag: name, Tie: social.TieTag, Gone: true})
	})
}

// BlockDomain has me hear nothing from a server. It returns an Invalid error for what is no name of one.
func (s *Service) BlockDomain(ctx context.Context, me id.ID, domain string) error {
	domain, err := Domain(domain)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := countOf(ctx, tx, "social_domain_block", me)
		if err != nil {
			return err
		}
		if n >= MaxDomains {
			return errs.InvalidField("domain", "You block as many servers as one can: %d.", MaxDomains)
		}
		fresh, err := blockDomain(ctx, tx, me, s.ids.Next(), domain, s.now())
		if err != nil || !fresh {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, Tie: social.TieDomain})
	})
}

// UnblockDomain ends that.
func (s *Service) UnblockDomain(ctx context.Context, me id.ID, domain string) error {
	domain, err := Domain(domain)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		ok, err := unblockDomain(ctx, tx, me, domain)
		if err != nil || !ok {
			return err
		}
		return s.announce(ctx, tx, social.Followed{From: me, Tie: social.TieDomain, Gone: true})
	})
}

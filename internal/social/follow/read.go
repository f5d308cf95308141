package follow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Circle is a set of profiles around one.
type Circle string

// The circles. Requests, Blocked and Muted are one's own to see.
const (
	Followers Circle = "followers"
	Following Circle = "following"
	Requests  Circle = "requests"
	Asked     Circle = "asked" // whom one has asked
	Blocked   Circle = "blocked"
	Muted     Circle = "muted"
	Endorsed  Circle = "endorsed"
)

// Place is a profile in a list, and the id by which the list is paged.
type Place struct {
	ID      id.ID
	Profile id.ID
	Until   time.Time // for Muted: when that ends; zero: not by itself
}

// Relationships returns what is between a viewer and each of the profiles, in their order; those that are not there are left out.
func (s *Service) Relationships(ctx context.Context, viewer id.ID, profiles []id.ID) ([]social.Relationship, error) {
	out := make([]social.Relationship, 0, len(profiles))
	if len(profiles) == 0 {
		return out, nil
	}
	standings, err := s.profiles.Standings(ctx, profiles)
	if err != nil {
		return nil, err
	}
	rel, err := s.Relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	var more others
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		more, err = othersOf(ctx, tx, viewer, profiles)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("follow: read relationships of %s: %w", viewer, err)
	}
	for _, other := range profiles {
		if _, there := standings[other]; there {
			out = append(out, relationship(rel, other, more, s.now()))
		}
	}
	return out, nil
}

// Relationship is Relationships for one profile; it returns a NotFound error where it is not there.
func (s *Service) Relationship(ctx context.Context, viewer, other id.ID) (social.Relationship, error) {
	list, err := s.Relationships(ctx, viewer, []id.ID{other})
	if err == nil && len(list) == 0 {
		err = errUnknown
	}
	if err != nil {
		return social.Relationship{}, err
	}
	return list[0], nil
}

func relationship(rel *social.Relations, other id.ID, more others, now time.Time) social.Relationship {
	f, follows := rel.Follows[other]
	out := social.Relationship{
		ID: other, Following: follows, ShowingReblogs: follows && f.Boosts, Notifying: follows && f.Notify, Languages: []string{},
		FollowedBy: more.follows[other], RequestedBy: more.asks[other], Requested: rel.Requested[other],
		Blocking: rel.Blocks[other], BlockedBy: rel.BlockedBy[other], Endorsed: more.endorsed[other], Note: more.notes[other],
	}
	if len(f.Langs) > 0 {
		out.Languages = slices.Clone(f.Langs)
	}
	if m := rel.Mutes[other]; rel.Muted(other, now) {
		out.Muting, out.MutingNotifications = true, m.Notifications
		out.MutingExpiresAt.Time = m.Until
	}
	return out
}

// List returns a page of a circle around a profile as a viewer may see it, newest first. What the profile keeps to itself, and who is not to be
// met, is left out; next and prev are the ids of the pages after and before, 0 where there is none.
func (s *Service) List(ctx context.Context, viewer, of id.ID, circle Circle, p mastodon.Page) (out []Place, next, prev id.ID, err error) {
	rel, err := s.Relations(ctx, viewer)
	if err != nil {
		return nil, 0, 0, err
	}
	if viewer != of {
		standings, err := s.profiles.Standings(ctx, []id.ID{of})
		if err != nil {
			return nil, 0, 0, err
		}
		st, there := standings[of]
		switch {
		case !there || st.Hidden:
			return nil, 0, 0, errUnknown
		case st.Suspended || rel.BlockedBy[of] || st.Secretive && circle != Endorsed || circle != Followers && circle != Following && circle != Endorsed:
			return nil, 0, 0, nil
		}
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = places(ctx, tx, circle, of, p, s.now())
		return err
	})
	if err != nil {
		return nil, 0, 0, fmt.Errorf("follow: list the %s of %s: %w", circle, of, err)
	}
	if len(out) > 0 {
		prev = out[0].ID
		if len(out) == p.Limit {
			next = out[len(out)-1].ID
		}
	}
	out = slices.DeleteFunc(out, func(pl Place) bool {
		return circle != Blocked && pl.Profile != viewer && (rel.BlockedBy[pl.Profile] || viewer != of && rel.Blocks[pl.Profile])
	})
	return out, next, prev, nil
}

// Accounts returns a page of a circle as profiles; see List.
func (s *Service) Accounts(ctx context.Context, viewer, of id.ID, circle Circle, p mastodon.Page) (out []*social.Account, next, prev id.ID, err error) {
	list, next, prev, err := s.List(ctx, viewer, of, circle, p)
	if err != nil {
		return nil, 0, 0, err
	}
	out, err = s.shown(ctx, profilesOf(list))
	return out, next, prev, err
}

func profilesOf(list []Place) []id.ID {
	out := make([]id.ID, len(list))
	for i, p := range list {
		out[i] = p.Profile
	}
	return out
}

// shown returns profiles in the order of ids; those that are hidden or suspended are left out.
func (s *Service) shown(ctx context.Context, ids []id.ID) ([]*social.Account, error) {
	found, err := s.profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*social.Account, 0, len(ids))
	for _, i := range ids {
		if a := found[i]; a != nil && !a.Suspended {
			out = append(out, a)
		}
	}
	return out, nil
}

// Around is List for pages: the part of a circle before a place (0: the newest), and where the next part begins, 0 at the end.
func (s *Service) Around(ctx context.Context, viewer, of id.ID, circle Circle, before id.ID, limit int) (ids []id.ID, older id.ID, err error) {
	list, older, _, err := s.List(ctx, viewer, of, circle, mastodon.Page{MaxID: before, Limit: limit})
	return profilesOf(list), older, err
}

// Requested returns how many have asked to follow a profile and wait for its word.
func (s *Service) Requested(ctx context.Context, of id.ID) (n int, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		n, err = countRequests(ctx, tx, of)
		return err
	})
	return n, err
}

// maxFamiliar is how many familiar followers are told.
const maxFamiliar = 20

// Familiar returns whom the viewer follows among the followers of each profile, some twenty of each. Profiles that keep to themselves whom they
// follow, or who follows them, are left out.
func (s *Service) Familiar(ctx context.Context, viewer id.ID, profiles []id.ID) (map[id.ID][]id.ID, error) {
	out := make(map[id.ID][]id.ID, len(profiles))
	standings, err := s.profiles.Standings(ctx, profiles)
	if err != nil {
		return nil, err
	}
	rel, err := s.Relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	var all []id.ID
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		for _, other := range profiles {
			if st := standings[other]; !st.Here() || st.Secretive || rel.BlockedBy[other] {
				continue
			}
			list, err := familiar(ctx, tx, viewer, other, maxFamiliar)
			if err != nil {
				return err
			}
			out[other], all = list, append(all, list...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("follow: read familiar followers: %w", err)
	}
	if standings, err = s.profiles.Standings(ctx, all); err != nil {
		return nil, err
	}
	for other := range out {
		out[other] = slices.DeleteFunc(out[other], func(i id.ID) bool { return !standings[i].Here() || standings[i].Secretive })
	}
	return out, nil
}

// Tag is a hashtag that somebody follows.
type Tag struct {
	ID    id.ID // the place in the list
	Name  string
	Shown string
}

// Tags returns a page of the hashtags that a profile follows, newest first, and the ids of the pages after and before.
func (s *Service) Tags(ctx context.Context, of id.ID, p mastodon.Page) (out []Tag, next, prev id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = tags(ctx, tx, of, p)
		return err
	})
	if err == nil && len(out) > 0 {
		if prev = out[0].ID; len(out) == p.Limit {
			next = out[len(out)-1].ID
		}
	}
	return out, next, prev, err
}

// Domains returns a page of the servers that a profile blocks, newest first, and the ids of the pages after and before.
func (s *Service) Domains(ctx context.Context, of id.ID, p mastodon.Page) (out []string, next, prev id.ID, err error) {
	var list []Tag
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err = domains(ctx, tx, of, p)
		return err
	})
	out = []string{}
	for _, d := range list {
		out = append(out, d.Name)
	}
	if err == nil && len(list) > 0 {
		if prev = list[0].ID; len(list) == p.Limit {
			next = list[len(list)-1].ID
		}
	}
	return out, next, prev, err
}

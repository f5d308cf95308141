package follow

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Profiles are who ties are between; profile.Service is one.
type Profiles interface {
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	Standings(ctx context.Context, ids []id.ID) (map[id.ID]social.Standing, error)
	// Hold returns how profiles stand and makes others who hold one of them wait.
	Hold(ctx context.Context, tx *db.Tx, ids ...id.ID) (map[id.ID]social.Standing, error)
	Counts(ctx context.Context, tx *db.Tx, profile id.ID, statuses, followers, following int, lastStatus time.Time) error
	ActAs(ctx context.Context, actor access.Actor, handle string) (id.ID, error)
}

// Options are what a Service can do without.
type Options struct {
	// Groups returns the groups that a profile is a member of.
	Groups func(ctx context.Context, tx *db.Tx, viewer id.ID) ([]id.ID, error)
	// Exclusive returns the profiles in a viewer's exclusive lists.
	Exclusive func(ctx context.Context, tx *db.Tx, viewer id.ID) ([]id.ID, error)
}

// Service is what can be done with ties. Safe for concurrent use.
type Service struct {
	db       *db.DB
	log      *events.Log
	ids      *id.Source
	now      clock.Func
	profiles Profiles
	opt      Options
	cache    *cache
}

// New returns a Service. React must be called before it serves.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, profiles Profiles, opt Options) *Service {
	return &Service{db: d, log: log, ids: ids, now: now, profiles: profiles, opt: opt, cache: newCache(maxTies)}
}

var stranger = &social.Relations{}

// Relations returns what a viewer's eyes depend on, 0 for a stranger's. It is a snapshot, shared, and nobody changes it: what this node changed
// is in it at once, what others did as soon as their event arrives.
func (s *Service) Relations(ctx context.Context, viewer id.ID) (*social.Relations, error) {
	if viewer == 0 {
		return stranger, nil
	}
	rel, mark := s.cache.get(viewer)
	if rel != nil {
		return rel, nil
	}
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if rel, err = relations(ctx, tx, viewer, s.now()); err != nil {
			return err
		}
		for _, more := range []struct {
			of func(context.Context, *db.Tx, id.ID) ([]id.ID, error)
			to map[id.ID]bool
		}{{s.opt.Groups, rel.Groups}, {s.opt.Exclusive, rel.Exclusive}} {
			if more.of == nil {
				continue
			}
			list, err := more.of(ctx, tx, viewer)
			if err != nil {
				return err
			}
			for _, i := range list {
				more.to[i] = true
			}
		}
		return nil
	})
	if err != nil {
		s.cache.put(viewer, nil, mark)
		return nil, fmt.Errorf("follow: read the relations of %s: %w", viewer, err)
	}
	s.cache.put(viewer, rel, mark)
	return rel, nil
}

// Forget has this node read a viewer's relations again: for those who store what Options tell of, after their commit.
func (s *Service) Forget(viewer id.ID) { s.cache.drop(viewer) }

// Followers returns who follows a profile, in the order of their ids, from above after on, at most limit.
func (s *Service) Followers(ctx context.Context, of, after id.ID, limit int) (out []id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = followers(ctx, tx, of, after, limit)
		return err
	})
	return out, err
}

// FollowerCount returns how many follow a profile.
func (s *Service) FollowerCount(ctx context.Context, of id.ID) (n int64, err error) {
	found, err := s.profiles.Entities(ctx, []id.ID{of})
	if err != nil {
		return 0, err
	}
	if a := found[of]; a != nil {
		return a.Followers, nil
	}
	return 0, errUnknown
}

// announce tells everybody that relations of from have changed, those of to as well where it is a block, and has this node read them again
// at once.
func (s *Service) announce(ctx context.Context, tx *db.Tx, f social.Followed) error {
	tx.AfterCommit(func() {
		s.cache.drop(f.From)
		if f.Tie == social.TieBlock {
			s.cache.drop(f.To)
		}
	})
	return s.log.Append(ctx, tx, s.now(), access.From(ctx).ID, f)
}

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
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/jobs"
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

// Options are what a Service is told of its server. URL, Tag, Resolve and Jobs are needed.
type Options struct {
	// URL returns the address that people reach the server by, without a slash at the end.
	URL func() string
	// Tag returns a hashtag in the form in which tags are compared, and as it is shown; both empty for what is none.
	Tag func(text string) (name, shown string)
	// Resolve returns who is meant by an address such as "anna@town.example", or a NotFound error.
	Resolve func(ctx context.Context, acct string) (id.ID, error)
	Jobs    *jobs.Queue
	// Lists and Bookmarks are what files of those are written from and taken into; nil: there are none.
	Lists     Lists
	Bookmarks Bookmarks
	// Posts are what archives are taken into, by way of Files, which Unlink deletes; nil: no archive is taken.
	Posts  Posts
	Files  *files.Dir
	Unlink func(ctx context.Context, tx *db.Tx, paths []string) error
	// History returns how a hashtag was used in the last days, as Mastodon's API shows it.
	History func(ctx context.Context, tag string) (any, error)
	// Groups returns the groups that a profile is a member of.
	Groups func(ctx context.Context, viewer id.ID) ([]id.ID, error)
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
	rel, err := s.readRelations(ctx, viewer)
	if err != nil {
		rel = nil
	}
	s.cache.put(viewer, rel, mark)
	if err != nil {
		return nil, fmt.Errorf("follow: read the relations of %s: %w", viewer, err)
	}
	return rel, nil
}

func (s *Service) readRelations(ctx context.Context, viewer id.ID) (rel *social.Relations, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if rel, err = relations(ctx, tx, viewer, s.now()); err != nil || s.opt.Exclusive == nil {
			return err
		}
		list, err := s.opt.Exclusive(ctx, tx, viewer)
		for _, i := range list {
			rel.Exclusive[i] = true
		}
		return err
	})
	if err != nil || s.opt.Groups == nil {
		return rel, err
	}
	list, err := s.opt.Groups(ctx, viewer)
	for _, i := range list {
		rel.Groups[i] = true
	}
	return rel, err
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

// Notifying is Followers for those alone who want to be told of each of its posts.
func (s *Service) Notifying(ctx context.Context, of, after id.ID, limit int) (out []id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = notifying(ctx, tx, of, after, limit)
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

package profile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

const day = 24 * time.Hour

// Options are what a Service is told of its server. Moderates, Gone, Unlocked and Emojis may be nil.
type Options struct {
	// URL returns the address that people reach the server by, without a slash at the end.
	URL func() string
	// Moderates reports whether an account moderates a group: then it may act as the group.
	Moderates func(account, group id.ID) bool
	// Gone reports whether a handle was that of somebody who left: no restaurant and no group may have it.
	Gone func(ctx context.Context, tx *db.Tx, handle string) (bool, error)
	// Rename gives a person's account another name, in the transaction that changes their profile.
	Rename func(ctx context.Context, tx *db.Tx, account id.ID, name string) error
	// Files keeps pictures that people send.
	Files Pictures
	// Unlink has pictures deleted that nothing refers to any more.
	Unlink func(ctx context.Context, tx *db.Tx, paths []string) error
	// Jobs and Fetch look whether pages that profiles name link back.
	Jobs  *jobs.Queue
	Fetch *fetch.Client
	// Emojis returns those of the town's own emoji that have one of the names; nil: there are none.
	Emojis func(ctx context.Context, names []string) ([]social.Emoji, error)
	// Relations returns a viewer's relations.
	Relations func(ctx context.Context, viewer id.ID) (*social.Relations, error)
	// Requests returns how many wait to follow a profile.
	Requests func(ctx context.Context, profile id.ID) (int, error)
	// Unlocked runs in the transaction after which a profile is no longer locked: who waits to follow it need wait no longer.
	Unlocked func(ctx context.Context, tx *db.Tx, profile id.ID) error
	// Uses returns the hashtags that somebody has used lately for everybody to see, the most used first.
	Uses func(ctx context.Context, profile id.ID) ([]TagUse, error)
}

// Service is what can be done with profiles. Safe for concurrent use.
type Service struct {
	db    *db.DB
	log   *events.Log
	ids   *id.Source
	now   clock.Func
	opt   Options
	cache *cache
	drawn *gallery
	began time.Time // of this program: drawn pictures are no older
}

// New returns a Service. Call React once, and Load before serving.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, opt Options) *Service {
	return &Service{db: d, log: log, ids: ids, now: now, opt: opt, cache: &cache{}, drawn: newGallery(), began: now()}
}

// Entities returns the profiles with ids as everybody sees them, by id. Those that are not there, or hidden, are left out; suspended ones are
// there without what they say. They are shared and nobody changes them. Counters are those of a moment ago at most.
func (s *Service) Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	found, err := s.entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]*social.Account, len(found))
	for i, e := range found {
		if !e.standing().Hidden {
			out[i] = e.account
		}
	}
	return out, nil
}

// Entity returns one profile as everybody sees it, or a NotFound error.
func (s *Service) Entity(ctx context.Context, profile id.ID) (*social.Account, error) {
	e, err := s.entry(ctx, profile)
	if err != nil {
		return nil, err
	}
	if e.standing().Hidden {
		return nil, errUnknown
	}
	return e.account, nil
}

// Standings returns how profiles stand, by id, hidden and suspended ones included; those that are not there are left out.
func (s *Service) Standings(ctx context.Context, ids []id.ID) (map[id.ID]social.Standing, error) {
	found, err := s.entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]social.Standing, len(found))
	for i, e := range found {
		out[i] = e.standing()
	}
	return out, nil
}

// Apart returns how those stand who are not simply there for everybody: hidden, suspended or silenced.
func (s *Service) Apart(ctx context.Context) (out map[id.ID]social.Standing, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = apart(ctx, tx)
		return err
	})
	return out, err
}

// Hold returns how profiles stand, by id, and keeps everybody else who Holds one of them waiting until tx ends: what is decided by it is
// decided once. Those that are not there are left out. Call it before Counts of the same profiles, with all ids at once.
func (s *Service) Hold(ctx context.Context, tx *db.Tx, ids ...id.ID) (map[id.ID]social.Standing, error) {
	rows, err := hold(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("profile: hold: %w", err)
	}
	out := make(map[id.ID]social.Standing, len(rows))
	for _, r := range rows {
		out[r.ID] = r.standing()
	}
	return out, nil
}

// Defaults returns what a profile's new posts are by default, or a NotFound error.
func (s *Service) Defaults(ctx context.Context, profile id.ID) (social.Defaults, error) {
	e, err := s.entry(ctx, profile)
	if err != nil {
		return social.Defaults{}, err
	}
	out := e.row.Defaults
	out.Sensitive = out.Sensitive || e.Guarded
	return out, nil
}

// Resolve returns who is meant by "anna", "@anna" or "anna@this.host", in either case, or a NotFound error.
func (s *Service) Resolve(ctx context.Context, acct string) (id.ID, error) {
	handle, host, far := strings.Cut(strings.TrimPrefix(strings.TrimSpace(acct), "@"), "@")
	handle = strings.ToLower(handle)
	if far && !strings.EqualFold(host, s.host()) || !text.Handle(handle) {
		return 0, errUnknown
	}
	var found map[string]id.ID
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = named(ctx, tx, []string{handle})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("profile: resolve: %w", err)
	}
	if profile, ok := found[handle]; ok {
		return profile, nil
	}
	return 0, errUnknown
}

// ResolveAll returns the ids of those among handles, in lower case, who are here, by handle.
func (s *Service) ResolveAll(ctx context.Context, handles []string) (found map[string]id.ID, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		found, err = named(ctx, tx, handles)
		return err
	})
	return found, err
}

// host returns the name of this server, with its port where it has one.
func (s *Service) host() string {
	u, err := url.Parse(s.opt.URL())
	if err != nil {
		return ""
	}
	return u.Host
}

// MayActAs reports whether the actor may speak as a profile: their own, that of a restaurant they work at, or of a group they moderate.
func (s *Service) MayActAs(actor access.Actor, profile id.ID) bool {
	switch {
	case !actor.SignedIn() || profile == 0:
		return false
	case actor.ID == profile || actor.WorksAt(profile):
		return true
	}
	return s.opt.Moderates != nil && s.opt.Moderates(actor.ID, profile)
}

// ActAs returns the profile as which the actor wants to act: the one with a handle, or their own where that is empty. It returns a NotFound
// error for a handle of nobody, and Forbidden for one that the actor may not speak for.
func (s *Service) ActAs(ctx context.Context, actor access.Actor, handle string) (id.ID, error) {
	if handle == "" {
		return actor.ID, nil
	}
	profile, err := s.resolveHidden(ctx, actor, handle)
	if err != nil {
		return 0, err
	}
	if !s.MayActAs(actor, profile) {
		return 0, errs.New(errs.Forbidden, "You may not act as this profile.")
	}
	return profile, nil
}

// resolveHidden is Resolve that also finds a restaurant which customers don't see, for those who work there.
func (s *Service) resolveHidden(ctx context.Context, actor access.Actor, handle string) (id.ID, error) {
	profile, err := s.Resolve(ctx, handle)
	if err == nil || !errs.Is(err, errs.NotFound) {
		return profile, err
	}
	own, readErr := s.entries(ctx, actor.Places())
	if readErr != nil {
		return 0, readErr
	}
	for i, e := range own {
		if e.Handle == strings.ToLower(strings.TrimPrefix(handle, "@")) {
			return i, nil
		}
	}
	return 0, err
}

// Counts adds to the counters of a profile within tx, and notes when it posted last (the zero time: leave that). A profile that is not there
// is no error: it may have been erased. Who counts for two profiles in one transaction does so in the order of their ids, or Holds them first.
func (s *Service) Counts(ctx context.Context, tx *db.Tx, profile id.ID, statuses, followers, following int, lastStatus time.Time) error {
	if err := count(ctx, tx, profile, statuses, followers, following, lastStatus); err != nil {
		return fmt.Errorf("profile: count for %s: %w", profile, err)
	}
	tx.AfterCommit(func() { s.cache.drop(profile) })
	return nil
}

// entry returns one profile, or a NotFound error.
func (s *Service) entry(ctx context.Context, profile id.ID) (*entry, error) {
	if e, _ := s.cache.get(profile); e != nil {
		return e, nil
	}
	found, err := s.entries(ctx, []id.ID{profile})
	if err != nil {
		return nil, err
	}
	if e := found[profile]; e != nil {
		return e, nil
	}
	return nil, errUnknown
}

// readAtOnce is how many profiles one statement reads.
const readAtOnce = 512

// entries returns profiles from memory or else from the database.
func (s *Service) entries(ctx context.Context, ids []id.ID) (map[id.ID]*entry, error) {
	found := make(map[id.ID]*entry, len(ids))
	var missing []id.ID
	var marks map[id.ID]uint64
	for _, i := range ids {
		if found[i] != nil {
			continue
		}
		e, mark := s.cache.get(i)
		if e != nil {
			found[i] = e
			continue
		}
		if marks == nil {
			marks = map[id.ID]uint64{}
		}
		if _, twice := marks[i]; !twice {
			missing, marks[i] = append(missing, i), mark
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	rows, read, err := s.read(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("profile: read %d profiles: %w", len(missing), err)
	}
	for _, r := range rows {
		e := read.entry(r)
		found[r.ID] = e
		s.cache.put(r.ID, e, marks[r.ID])
	}
	return found, nil
}

// read returns the profiles with ids as they are stored, and what renders them.
func (s *Service) read(ctx context.Context, ids []id.ID) (rows []row, out renderer, err error) {
	out.base = s.opt.URL()
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		for rest := ids; len(rest) > 0; rest = rest[min(len(rest), readAtOnce):] {
			some, err := list(ctx, tx, rest[:min(len(rest), readAtOnce)])
			if err != nil {
				return err
			}
			rows = append(rows, some...)
		}
		var handles []string
		for _, r := range rows {
			handles = append(handles, mentions(r.Note)...)
			for _, f := range r.Fields {
				handles = append(handles, mentions(f.Value)...)
			}
		}
		out.known, err = named(ctx, tx, handles)
		return err
	})
	if err != nil || s.opt.Emojis == nil {
		return rows, out, err
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.shortcodes()...)
	}
	if len(names) == 0 {
		return rows, out, nil
	}
	found, err := s.opt.Emojis(ctx, names)
	out.emojis = make(map[string]social.Emoji, len(found))
	for _, e := range found {
		out.emojis[e.Shortcode] = e
	}
	return rows, out, err
}

// row reads a profile, or returns a NotFound error.
func (s *Service) row(ctx context.Context, profile id.ID) (r row, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, err = get(ctx, tx, profile)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return row{}, errUnknown
	}
	return r, err
}

// announce tells everybody that a profile is no longer what it was, and has this node read it again at once.
func (s *Service) announce(ctx context.Context, tx *db.Tx, profile id.ID) error {
	tx.AfterCommit(func() { s.cache.drop(profile) })
	return s.log.Append(ctx, tx, s.now(), access.From(ctx).ID, social.ProfileChanged{Profile: profile})
}

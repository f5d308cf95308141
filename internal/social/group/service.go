package group

import (
	"context"
	"errors"
	"strings"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Profiles is what groups ask of profiles.
type Profiles interface {
	// AddGroup makes the profile of a group; nobody finds a hidden one. It returns an error for the person where the handle is taken.
	AddGroup(ctx context.Context, tx *db.Tx, g social.GroupCard, hidden bool) error
	// ChangeGroup takes over a group's name, and whether it is hidden.
	ChangeGroup(ctx context.Context, tx *db.Tx, g social.GroupCard, hidden bool) error
	// RemoveGroup takes the profile of a group that was deleted away.
	RemoveGroup(ctx context.Context, tx *db.Tx, group id.ID) error
	// Resolve returns whom a handle such as "anna" or "@anna" means, or a NotFound error.
	Resolve(ctx context.Context, handle string) (id.ID, error)
	// Entities returns accounts as everybody sees them; those that are gone are left out.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
}

// Posts takes statuses out of groups.
type Posts interface {
	// TakeDown deletes a status that was written in the group, or returns a NotFound error. Whether by may do that the group has decided.
	TakeDown(ctx context.Context, group, status, by id.ID) error
}

// Options are the bounds. Zero values stand for those named.
type Options struct {
	MaxOwned   int64 // groups that one person owns; 20
	MaxMembers int64 // of one group; 20,000
	MaxInvites int64 // that are open at the same time in one group; 500
	// Changed, where not nil, hears at once whose groups have changed, before the event is read: what they read next shows it.
	Changed func(account id.ID)
}

func (o Options) withDefaults() Options {
	def := func(n *int64, v int64) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&o.MaxOwned, 20)
	def(&o.MaxMembers, 20_000)
	def(&o.MaxInvites, 500)
	return o
}

// Service keeps the groups. Safe for concurrent use.
type Service struct {
	db       *db.DB
	log      *events.Log
	ids      *id.Source
	now      clock.Func
	profiles Profiles
	posts    Posts
	opt      Options
}

// New returns a Service.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, profiles Profiles, posts Posts, opt Options) *Service {
	return &Service{db: d, log: log, ids: ids, now: now, profiles: profiles, posts: posts, opt: opt.withDefaults()}
}

var (
	errMissing = errs.New(errs.NotFound, "There is no such group.")
	errNobody  = errs.New(errs.NotFound, "There is nobody of that name in the group.")
	errMayNot  = errs.New(errs.Forbidden, "That is for those who moderate the group.")
)

// Create makes a group whose only owner is the actor. Errors: Invalid with field paths; Conflict (codes "handle_taken", "too_many_groups").
func (s *Service) Create(ctx context.Context, in Input) (*Group, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	g := Group{
		ID: s.ids.Next(), Handle: strings.ToLower(strings.TrimPrefix(strings.TrimSpace(in.Handle), "@")), Closed: in.Closed, Joining: ByAsking,
		Members: 1, Created: s.now(), Role: Owner,
	}
	g.URL = PathOf(g.Handle)
	if err := in.apply(&g); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if n, err := owned(ctx, tx, actor.ID); err != nil {
			return err
		} else if n >= s.opt.MaxOwned {
			return errs.New(errs.Conflict, "You own %d groups already. Hand one to somebody else first.", n).WithCode("too_many_groups")
		}
		if err := s.profiles.AddGroup(ctx, tx, g.card(), g.Joining == ByInvite); err != nil {
			return err
		}
		if err := insert(ctx, tx, &g, actor.ID); err != nil {
			if db.IsUnique(err) {
				return errs.New(errs.Conflict, "This handle is taken.").WithCode("handle_taken").WithCause(err)
			}
			return err
		}
		if err := setRole(ctx, tx, g.ID, actor.ID, Owner, actor.ID, g.Created); err != nil {
			return err
		}
		return s.tell(ctx, tx, actor.ID, actor.ID, g.ID, false)
	})
	if err != nil {
		return nil, err
	}
	return &g, nil
}

func (g *Group) card() social.GroupCard {
	return social.GroupCard{ID: g.ID, Handle: g.Handle, Name: g.Name, Closed: g.Closed, URL: g.URL}
}

// tell says that somebody's groups have changed.
func (s *Service) tell(ctx context.Context, tx *db.Tx, by, account, group id.ID, gone bool) error {
	if s.opt.Changed != nil {
		tx.AfterCommit(func() { s.opt.Changed(account) })
	}
	return s.log.Append(ctx, tx, s.now(), by, social.Followed{From: account, To: group, Tie: social.TieGroup, Gone: gone})
}

// find returns the group with a handle as somebody sees it. Groups by invitation are there for those they know.
func find(ctx context.Context, tx *db.Tx, handle string, reader id.ID) (Group, error) {
	g, err := byHandle(ctx, tx, strings.TrimPrefix(handle, "@"))
	if errors.Is(err, db.ErrNoRow) {
		return g, errMissing
	}
	if err != nil {
		return g, err
	}
	if g.Role, err = roleOf(ctx, tx, g.ID, reader); err != nil {
		return g, err
	}
	if g.Joining == ByInvite && !g.Role.In() && g.Role != Invited && g.Role != Asked {
		return g, errMissing
	}
	if g.Role.Moderates() {
		g.Asking, err = countRole(ctx, tx, g.ID, Asked)
	}
	return g, err
}

// Get returns the group with a handle, or NotFound.
func (s *Service) Get(ctx context.Context, handle string) (*Group, error) {
	var g Group
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		g, err = find(ctx, tx, handle, access.From(ctx).ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// maxSearch is how much of a search counts, in characters.
const maxSearch = 80

// List returns a page of groups by name: those whose name or handle has q in it, or with mine those the actor is something to.
func (s *Service) List(ctx context.Context, q string, mine bool, cursor string, limit int) (page.Page[Group], error) {
	after, _, err := page.Decode[named](cursor)
	if err != nil {
		return page.Page[Group]{}, err
	}
	reader := access.From(ctx).ID
	if mine {
		if _, err := access.Require(ctx); err != nil {
			return page.Page[Group]{}, err
		}
	}
	limit, q, after.Folded = page.Limit(limit), text.Clean(q, maxSearch), text.Clean(after.Folded, maxSearch)
	var list []Group
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if mine {
			list, err = ofAccount(ctx, tx, reader, after, limit+1)
			return err
		}
		if list, err = listed(ctx, tx, q, after, limit+1); err != nil {
			return err
		}
		for i := range list {
			if list[i].Role, err = roleOf(ctx, tx, list[i].ID, reader); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return page.Page[Group]{}, err
	}
	return page.Cut(list, limit, func(g Group) named { return named{fold(g.Name), g.ID} }), nil
}

// People returns a page of a group's members, or of those who have asked, are invited or barred, for whom that concerns: the members of
// a closed group are for its members, the others for those who moderate.
func (s *Service) People(ctx context.Context, handle string, which Role, cursor string, limit int) (page.Page[Person], error) {
	after, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return page.Page[Person]{}, err
	}
	limit = page.Limit(limit)
	var ties []tie
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		g, err := find(ctx, tx, handle, access.From(ctx).ID)
		if err != nil {
			return err
		}
		roles := []Role{which}
		switch {
		case which == Member:
			roles = []Role{Owner, Moderator, Member}
			if g.Closed && !g.Role.In() {
				return errs.New(errs.Forbidden, "Who is in a closed group, only its members see.")
			}
		case !g.Role.Moderates():
			return errMayNot
		}
		ties, err = people(ctx, tx, g.ID, roles, after, limit+1)
		return err
	})
	if err != nil {
		return page.Page[Person]{}, err
	}
	cut := page.Cut(ties, limit, func(t tie) id.ID { return t.account })
	list, err := s.persons(ctx, cut.Items)
	return page.Page[Person]{Items: list, Next: cut.Next}, err
}

func (s *Service) persons(ctx context.Context, ties []tie) ([]Person, error) {
	ids := make([]id.ID, len(ties))
	for i, t := range ties {
		ids[i] = t.account
	}
	accounts, err := s.profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := []Person{}
	for _, t := range ties {
		a := accounts[t.account]
		if a == nil {
			continue
		}
		name := a.DisplayName
		if name == "" {
			name = a.Username
		}
		out = append(out, Person{ID: t.account, Handle: a.Acct, Name: name, Avatar: a.Avatar, URL: a.URL, Role: t.role, Since: t.at})
	}
	return out, nil
}

// change runs fn with a group as the actor sees it; changes of one group come one after another.
func (s *Service) change(ctx context.Context, handle string, fn func(tx *db.Tx, actor id.ID, g *Group) error) (*Group, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	var g Group
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if g, err = find(ctx, tx, handle, actor.ID); err != nil {
			return err
		}
		if ok, err := lock(ctx, tx, g.ID); err != nil {
			return err
		} else if !ok {
			return errMissing
		}
		if g, err = find(ctx, tx, handle, actor.ID); err != nil { // again: it was somebody else's until now
			return err
		}
		if err := fn(tx, actor.ID, &g); err != nil {
			return err
		}
		fresh, err := byID(ctx, tx, g.ID)
		if errors.Is(err, db.ErrNoRow) {
			return nil // it was deleted
		}
		g.Members = fresh.Members
		return err
	})
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// Update changes what a group says about itself. Errors: NotFound; Forbidden for all but owners; Invalid.
func (s *Service) Update(ctx context.Context, handle string, in Input) (*Group, error) {
	return s.change(ctx, handle, func(tx *db.Tx, _ id.ID, g *Group) error {
		if g.Role != Owner {
			return errs.New(errs.Forbidden, "That is for the group's owners.")
		}
		if in.Handle != "" && in.Handle != g.Handle {
			return errs.InvalidField("body.handle", "A group keeps its handle: others know it by that.")
		}
		if in.Closed && !g.Closed {
			return errs.InvalidField("body.closed", "Whether a group is closed never changes. Make another group.")
		}
		if err := in.apply(g); err != nil {
			return err
		}
		if err := s.profiles.ChangeGroup(ctx, tx, g.card(), g.Joining == ByInvite); err != nil {
			return err
		}
		return update(ctx, tx, g)
	})
}

// Delete ends a group. Its statuses stay those of their authors; those of a closed group nobody else can read any more. Errors: NotFound;
// Forbidden for all but owners.
func (s *Service) Delete(ctx context.Context, handle string) error {
	g, err := s.change(ctx, handle, func(tx *db.Tx, _ id.ID, g *Group) error {
		if g.Role != Owner {
			return errs.New(errs.Forbidden, "That is for the group's owners.")
		}
		return s.end(ctx, tx, g.ID)
	})
	if err != nil {
		return err
	}
	return s.disperse(ctx, access.From(ctx).ID, g.ID)
}

func (s *Service) end(ctx context.Context, tx *db.Tx, group id.ID) error {
	if err := s.profiles.RemoveGroup(ctx, tx, group); err != nil {
		return err
	}
	return remove(ctx, tx, group, s.now())
}

// disperseBatch is how many members of a group that has ended one transaction lets go.
const disperseBatch = 500

// disperse takes everybody out of a group that has ended.
func (s *Service) disperse(ctx context.Context, by, group id.ID) error {
	for {
		n := 0
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			n = 0
			for _, roles := range [][]Role{{Owner, Moderator, Member}, {Asked, Invited, Barred}} {
				list, err := people(ctx, tx, group, roles, 0, disperseBatch)
				if err != nil {
					return err
				}
				for _, t := range list {
					if err := setRole(ctx, tx, group, t.account, Stranger, by, s.now()); err != nil {
						return err
					}
					if t.role.In() {
						if err := s.tell(ctx, tx, by, t.account, group, true); err != nil {
							return err
						}
					}
				}
				n = max(n, len(list))
			}
			return nil
		})
		if err != nil || n < disperseBatch {
			return err
		}
	}
}

// Package discover says whom somebody might follow, and lists who wants to be found.
//
// Suggestions are computed when they are asked for: those whom the reader's follows follow, who is followed by many, who has posted
// lately and who is new. Only accounts that want to be found are among them, and nobody whom the reader follows, blocks, mutes or has dismissed.
package discover

import (
	"cmp"
	"context"
	"embed"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// MaxSuggestions is the most that are suggested at once, MaxDirectory the length of a page of the directory.
const (
	MaxSuggestions = 80
	MaxDirectory   = 80
)

const (
	freshFor   = 5 * time.Minute // suggestions of one reader
	keepAtMost = 1000            // readers whose suggestions are kept
	candidates = 200             // of each source
)

// Profiles are who may be suggested.
type Profiles interface {
	// Entities returns accounts as everybody sees them; those that are not there are left out.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	// Directory returns accounts that want to be found: those that posted last first, or with fresh those that are new.
	Directory(ctx context.Context, fresh bool, offset, limit int) ([]id.ID, error)
}

// Graph is who follows whom.
type Graph interface {
	// Relations returns what a reader may see.
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
	// SecondDegree returns whom those follow whom the account follows, with how many of them do, most first.
	SecondDegree(ctx context.Context, account id.ID, limit int) (map[id.ID]int, error)
}

// Service finds people. Safe for concurrent use.
type Service struct {
	db       *db.DB
	now      clock.Func
	profiles Profiles
	graph    Graph

	mu   sync.Mutex
	kept map[id.ID]kept
}

// kept are suggestions made before.
type kept struct {
	at   time.Time
	list []scored
}

// scored is an account with how well it suits.
type scored struct {
	id      id.ID
	score   float64
	friends int // whom the reader follows, and who follow it
	sources []string
}

// New returns a Service.
func New(d *db.DB, now clock.Func, profiles Profiles, graph Graph) *Service {
	return &Service{db: d, now: now, profiles: profiles, graph: graph, kept: map[id.ID]kept{}}
}

// Suggestion is somebody to follow, and why (docs.joinmastodon.org/entities/Suggestion).
type Suggestion struct {
	Source  string          `json:"source"`  // the older word: past_interactions or global
	Sources []string        `json:"sources"` // friends_of_friends, most_followed, most_interactions, featured
	Account *social.Account `json:"account"`
}

// Suggest returns whom the viewer might follow, best first.
func (s *Service) Suggest(ctx context.Context, viewer id.ID, limit int) ([]Suggestion, error) {
	list, err := s.scored(ctx, viewer)
	if err != nil {
		return nil, err
	}
	rel, err := s.graph.Relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	no, err := s.dismissed(ctx, viewer)
	if err != nil {
		return nil, err
	}
	var ids []id.ID
	var good []scored
	for _, c := range list {
		if len(good) < limit && !no[c.id] && !known(rel, c.id) {
			good, ids = append(good, c), append(ids, c.id)
		}
	}
	found, err := s.profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := []Suggestion{}
	for _, c := range good {
		if a := found[c.id]; a != nil && open(a) {
			source := "global"
			if c.friends > 0 {
				source = "past_interactions"
			}
			out = append(out, Suggestion{source, c.sources, a})
		}
	}
	return out, nil
}

// known reports whether the reader has made up their mind about an account.
func known(rel *social.Relations, account id.ID) bool {
	_, follows := rel.Follows[account]
	_, mutes := rel.Mutes[account]
	return follows || mutes || account == rel.Viewer || rel.Requested[account] || rel.Blocks[account] || rel.BlockedBy[account]
}

func open(a *social.Account) bool { return a.Discoverable && !a.Suspended && !a.Limited && !a.Group }

// scored returns everybody who suits a reader, best first, made anew every few minutes.
func (s *Service) scored(ctx context.Context, viewer id.ID) ([]scored, error) {
	s.mu.Lock()
	k, ok := s.kept[viewer]
	s.mu.Unlock()
	if ok && s.now().Sub(k.at) < freshFor {
		return k.list, nil
	}
	friends, err := s.graph.SecondDegree(ctx, viewer, candidates)
	if err != nil {
		return nil, err
	}
	ids := make([]id.ID, 0, len(friends)+2*candidates)
	for n := range friends {
		ids = append(ids, n)
	}
	for _, fresh := range []bool{false, true} {
		more, err := s.profiles.Directory(ctx, fresh, 0, candidates)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	found, err := s.profiles.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var list []scored
	for _, n := range ids {
		if a := found[n]; a != nil && open(a) && n != viewer {
			list = append(list, score(a, friends[n], now))
		}
	}
	slices.SortFunc(list, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id)) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= keepAtMost {
		clear(s.kept)
	}
	s.kept[viewer] = kept{now, list}
	return list, nil
}

// score says how well an account suits a reader of whose follows so many follow it: common friends count most, then how many follow it
// at all, whether it has posted within two weeks, and whether it is a restaurant of the town.
func score(a *social.Account, friends int, now time.Time) scored {
	c := scored{id: a.ID, friends: friends, score: 3*math.Log2(1+float64(friends)) + math.Log2(1+float64(a.Followers))}
	if friends > 0 {
		c.sources = append(c.sources, "friends_of_friends")
	}
	if a.Followers > 0 {
		c.sources = append(c.sources, "most_followed")
	}
	if a.LastStatusAt != nil {
		if day, err := time.Parse(time.DateOnly, *a.LastStatusAt); err == nil && now.Sub(day) < 15*24*time.Hour {
			c.score += 2
			c.sources = append(c.sources, "most_interactions")
		}
	}
	if a.Stoa != nil && a.Stoa.Kind == string(social.Restaurant) {
		c.score++
		c.sources = append(c.sources, "featured")
	}
	if len(c.sources) == 0 {
		c.sources = []string{"most_interactions"}
	}
	return c
}

// Dismiss has an account never suggested again to the viewer.
func (s *Service) Dismiss(ctx context.Context, viewer, target id.ID) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return dismiss(ctx, tx, viewer, target, s.now()) })
}

func (s *Service) dismissed(ctx context.Context, viewer id.ID) (no map[id.ID]bool, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		no, err = dismissed(ctx, tx, viewer)
		return err
	})
	return no, err
}

// Directory returns accounts that want to be found.
func (s *Service) Directory(ctx context.Context, fresh bool, offset, limit int) ([]*social.Account, error) {
	ids, err := s.profiles.Directory(ctx, fresh, offset, limit)
	if err != nil {
		return nil, err
	}
	found, err := s.profiles.Entities(ctx, ids)
	out := []*social.Account{}
	for _, n := range ids {
		if a := found[n]; a != nil && open(a) {
			out = append(out, a)
		}
	}
	return out, err
}

// Routes registers docs.joinmastodon.org/methods/suggestions and methods/directory.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "GET /api/v2/suggestions", httpx.May("profile.read"), func(r *mastodon.Request) (any, error) {
		p, err := r.Page(40, MaxSuggestions)
		if err != nil {
			return nil, err
		}
		return s.Suggest(r.Context(), r.Actor().ID, p.Limit)
	})
	mastodon.Handle(rt, "GET /api/v1/suggestions", httpx.May("profile.read"), func(r *mastodon.Request) (any, error) {
		p, err := r.Page(40, MaxSuggestions)
		if err != nil {
			return nil, err
		}
		list, err := s.Suggest(r.Context(), r.Actor().ID, p.Limit)
		out := make([]*social.Account, len(list))
		for i, x := range list {
			out[i] = x.Account
		}
		return out, err
	})
	mastodon.Handle(rt, "DELETE /api/v1/suggestions/{id}", httpx.May("profile.write"), func(r *mastodon.Request) (any, error) {
		target, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		return nil, s.Dismiss(r.Context(), r.Actor().ID, target)
	})
	mastodon.Handle(rt, "GET /api/v1/directory", httpx.Anyone, func(r *mastodon.Request) (any, error) {
		var in struct {
			Order  string `json:"order"`
			Offset int    `json:"offset"`
			Local  bool   `json:"local"` // everybody is, so far
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		p, err := r.Page(40, MaxDirectory)
		switch {
		case err != nil:
			return nil, err
		case in.Offset < 0 || in.Offset > 5000:
			return nil, errs.InvalidField("offset", "The offset is a number from 0 to 5,000.")
		case in.Order != "" && in.Order != "active" && in.Order != "new":
			return nil, errs.InvalidField("order", "The order is active or new.")
		}
		return s.Directory(r.Context(), in.Order == "new", in.Offset, p.Limit)
	})
}

// Personal says that whom somebody has dismissed is stored.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name:   "suggestions",
		Tables: []personal.Table{{Name: "social_dismissed", Link: "account target", Plain: "at"}},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, forget(ctx, tx, account)
		},
	}
}

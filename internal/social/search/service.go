// Package search finds statuses, people, hashtags, restaurants and dishes by words.
//
// Statuses are indexed by a subscription to the event log, in the database's own full-text search. Somebody finds what they wrote, what
// mentions them, what they have kept (favoured, bookmarked, boosted), and public statuses of those who allow it in their profile; in every
// case only what they may read. Everything is folded first, so that "Café" is found by "cafe".
package search

import (
	"context"
	"embed"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// MaxLimit is the most that one list of results holds.
const MaxLimit = 40

// How the index is looked through for what a reader may find: so many at a time, and no more than so many in all.
const (
	chunk     = 200
	maxChunks = 10
)

// Statuses are what is searched.
type Statuses interface {
	// Heads returns the heads of those that are there.
	Heads(ctx context.Context, ids []id.ID) ([]social.Head, error)
	// JSON returns those that the reader may read, as Mastodon's API shows them.
	JSON(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]json.RawMessage, error)
	// Searchable returns what a status says, all of it, and words for what it has: media, poll, link, reply, sensitive, event, review, dish. ok
	// is false for one that is gone.
	Searchable(ctx context.Context, tx *db.Tx, status id.ID) (text string, about []string, ok bool, err error)
}

// People are found by the slice that keeps them.
type People interface {
	// Find returns accounts by a part of their names, best first.
	Find(ctx context.Context, viewer id.ID, q string, following bool, offset, limit int) ([]*social.Account, error)
	// Resolve returns the account with a handle, or a NotFound error.
	Resolve(ctx context.Context, acct string) (id.ID, error)
	// Indexable returns which of some accounts allow that strangers find their public statuses.
	Indexable(ctx context.Context, ids []id.ID) (map[id.ID]bool, error)
}

// Relations are what a reader may see.
type Relations interface {
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
}

// Food finds restaurants and dishes; nil where the town has none.
type Food interface {
	Find(ctx context.Context, q string, limit int) ([]social.ShopCard, []social.DishCard, error)
}

// Deps are what a Service needs.
type Deps struct {
	DB       *db.DB
	Statuses Statuses
	People   People
	Graph    Relations
	Food     Food
	Zone     *time.Location // of days in before: and after:
	URL      func() string
}

// Service searches. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

// Page is which part of the statuses found is asked for.
type Page struct {
	Below, Over id.ID // both exclusive; 0: none
	Offset      int
	Limit       int
	From        id.ID // only of this author; 0: any
}

// Statuses returns the ids of statuses that a reader finds, newest first. Strangers find nothing: what public posts say is read, not searched,
// without an account.
func (s *Service) FindStatuses(ctx context.Context, viewer id.ID, typed string, p Page) ([]id.ID, error) {
	q := parse(typed, s.Zone)
	if viewer == 0 || q.empty() || !q.positive() && len(q.terms) > 0 {
		return nil, nil
	}
	rel, err := s.Graph.Relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	b := bounds{account: p.From, below: p.Below, over: p.Over, limit: chunk}
	switch q.from {
	case "":
	case "me":
		b.account = viewer
	default:
		if b.account, err = s.People.Resolve(ctx, q.from); errs.Is(err, errs.NotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	if q.in == "library" {
		b.keeper = viewer
	}
	var out []id.ID
	for range maxChunks {
		var hits []hit
		var kept map[id.ID]bool
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if hits, err = find(ctx, tx, q, b); err != nil {
				return err
			}
			kept, err = keptOf(ctx, tx, viewer, hits)
			return err
		})
		if err != nil {
			return nil, err
		}
		found, err := s.allowed(ctx, rel, hits, kept, q.in == "public")
		if err != nil {
			return nil, err
		}
		if out = append(out, found...); len(out) >= p.Offset+p.Limit || len(hits) < chunk {
			break
		}
		b.below = hits[len(hits)-1].status
	}
	out = out[min(p.Offset, len(out)):]
	return out[:min(p.Limit, len(out))], nil
}

// allowed returns those hits that the reader may find.
func (s *Service) allowed(ctx context.Context, rel *social.Relations, hits []hit, kept map[id.ID]bool, public bool) ([]id.ID, error) {
	ids, authors := make([]id.ID, len(hits)), make([]id.ID, 0, len(hits))
	for i, h := range hits {
		ids[i] = h.status
		authors = append(authors, h.account)
	}
	slices.Sort(authors)
	open, err := s.People.Indexable(ctx, slices.Compact(authors))
	if err != nil {
		return nil, err
	}
	heads, err := s.Deps.Statuses.Heads(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for i := range heads {
		h := &heads[i]
		if !rel.MayRead(h) || rel.Blocks[h.Account] {
			continue
		}
		everybodys := open[h.Account] && (h.Visibility == social.Public || h.Visibility == social.Town || h.Visibility == social.Group)
		mine := h.Account == rel.Viewer || kept[h.ID] || slices.Contains(h.Mentions, rel.Viewer)
		if everybodys || mine && !public {
			out = append(out, h.ID)
		}
	}
	return out, nil
}

// Tag is a hashtag found (docs.joinmastodon.org/entities/Tag).
type Tag struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	History []any  `json:"history"`
	Uses    int64  `json:"-"`
}

// FindTags returns hashtags that begin with what was typed, the most used first.
func (s *Service) FindTags(ctx context.Context, typed string, offset, limit int) ([]Tag, error) {
	prefix := text.Fold(strings.TrimLeft(text.Clean(typed, MaxQuery), "#"))
	if prefix == "" || strings.ContainsAny(prefix, " \t") {
		return []Tag{}, nil
	}
	var rows []tag
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = tagsLike(ctx, tx, prefix, offset, limit)
		return err
	})
	out := make([]Tag, len(rows))
	for i, r := range rows {
		out[i] = Tag{Name: r.name, URL: s.URL() + "/tags/" + r.name, History: []any{}, Uses: r.uses}
	}
	return out, err
}

// FindFood returns restaurants and dishes by words.
func (s *Service) FindFood(ctx context.Context, typed string, limit int) (shops []social.ShopCard, dishes []social.DishCard, err error) {
	if s.Food != nil && len(Words(typed)) > 0 {
		shops, dishes, err = s.Food.Find(ctx, typed, limit)
	}
	if shops == nil {
		shops = []social.ShopCard{}
	}
	if dishes == nil {
		dishes = []social.DishCard{}
	}
	return shops, dishes, err
}

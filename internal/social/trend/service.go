package trend

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// StatusesOf are the statuses that may trend.
type StatusesOf interface {
	// LinkOf returns the page that a status links to, "" where it links to none or is gone.
	LinkOf(ctx context.Context, tx *db.Tx, status id.ID) (string, error)
	// Heads returns the heads of those that are there.
	Heads(ctx context.Context, ids []id.ID) ([]social.Head, error)
	// JSON returns those that the reader may read, as Mastodon's API shows them.
	JSON(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]json.RawMessage, error)
}

// Deps are what a Service needs.
type Deps struct {
	DB       *db.DB
	Now      clock.Func
	Statuses StatusesOf
	// Relations returns what a reader may see.
	Relations func(ctx context.Context, viewer id.ID) (*social.Relations, error)
	// Cards returns the cards of those pages that have one.
	Cards func(ctx context.Context, tx *db.Tx, links []string) (map[string]*social.Card, error)
	// Discoverable returns which of some accounts want to be found.
	Discoverable func(ctx context.Context, ids []id.ID) (map[id.ID]bool, error)
	// Review reports whether only what moderators have allowed may trend.
	Review func() bool
	// Audit notes what a moderator did, in the transaction that does it.
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	URL   func() string
}

// Service computes trends. Safe for concurrent use.
type Service struct {
	Deps

	mu   sync.Mutex
	last map[Kind]ranking
}

// ranking is what trended at a time, best first, whether reviewed or not.
type ranking struct {
	at    time.Time
	uses  []*use
	posts []*post
}

// New returns a Service.
func New(d Deps) *Service { return &Service{Deps: d, last: map[Kind]ranking{}} }

// React counts what happens.
func (s *Service) React(log *events.Log) {
	log.Subscribe("trend", []string{social.KindPosted, social.KindDeleted, social.KindMarked}, s.handle)
}

func (s *Service) handle(ctx context.Context, tx *db.Tx, e events.Event) error {
	if e.Kind == social.KindMarked {
		var m social.Marked
		if err := json.Unmarshal(e.Data, &m); err != nil {
			return fmt.Errorf("trend: read a mark: %w", err)
		}
		if m.Mark != social.Favourite {
			return nil
		}
		return addPoints(ctx, tx, m.Status, m.By, sign(m.Gone), 0, 0)
	}
	var h social.Head
	if err := json.Unmarshal(e.Data, &h); err != nil {
		return fmt.Errorf("trend: read a status' event: %w", err)
	}
	gone := e.Kind == social.KindDeleted
	switch {
	case h.BoostOf != 0:
		return addPoints(ctx, tx, h.BoostOf, h.Account, 0, sign(gone), 0)
	case gone:
		if err := removeStatus(ctx, tx, h.ID); err != nil {
			return err
		}
	case h.Visibility == social.Public && !h.Hidden:
		if err := s.count(ctx, tx, &h); err != nil {
			return err
		}
	}
	if h.ReplyTo != 0 && h.Visibility == social.Public {
		return addPoints(ctx, tx, h.ReplyTo, h.Account, 0, 0, sign(gone))
	}
	return nil
}

func sign(gone bool) int {
	if gone {
		return -1
	}
	return 1
}

func (s *Service) count(ctx context.Context, tx *db.Tx, h *social.Head) error {
	for _, tag := range h.Tags {
		if err := addUse(ctx, tx, Tags, tag, h.Account, h.At); err != nil {
			return err
		}
	}
	link, err := s.Statuses.LinkOf(ctx, tx, h.ID)
	if err != nil {
		return err
	}
	if link != "" {
		if err := addUse(ctx, tx, Links, link, h.Account, h.At); err != nil {
			return err
		}
	}
	return addStatus(ctx, tx, h.ID, h.Account, h.At)
}

// ranked returns what trends of a kind, at most a minute old.
func (s *Service) ranked(ctx context.Context, kind Kind) (ranking, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if r, ok := s.last[kind]; ok && now.Sub(r.at) < freshFor {
		return r, nil
	}
	r := ranking{at: now}
	var said map[string]bool
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if said, err = reviews(ctx, tx, kind); err != nil {
			return err
		}
		if kind == Statuses {
			r.posts, err = posts(ctx, tx, now.Add(-statusAge))
			return err
		}
		r.uses, err = usesOf(ctx, tx, kind, "", dayOf(now))
		return err
	})
	if err != nil {
		return r, err
	}
	r.uses = slices.DeleteFunc(r.uses, func(u *use) bool { return u.score(now) == 0 })
	slices.SortStableFunc(r.uses, func(a, b *use) int {
		return cmp.Or(cmp.Compare(b.score(now), a.score(now)), cmp.Compare(a.name, b.name))
	})
	for _, u := range r.uses {
		u.allowed, u.reviewed = said[u.name]
		u.reviewed = u.reviewed || hasKey(said, u.name)
	}
	slices.SortStableFunc(r.posts, func(a, b *post) int { return cmp.Compare(b.score(now), a.score(now)) })
	s.last[kind] = r
	return r, nil
}

func hasKey(m map[string]bool, k string) bool {
	_, ok := m[k]
	return ok
}

// shown reports whether something may trend, by what moderators said of it.
func (s *Service) shown(allowed, reviewed bool) bool {
	if reviewed {
		return allowed
	}
	return !s.Review()
}

// cut returns a part of a list.
func cut[T any](list []T, offset, limit int) []T {
	offset = min(offset, len(list))
	return list[offset:min(offset+limit, len(list))]
}

// Tag is a trending hashtag (docs.joinmastodon.org/entities/Tag and Admin_Trends_Tag).
type Tag struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	URL            string `json:"url"`
	History        []Day  `json:"history"`
	Trendable      *bool  `json:"trendable,omitempty"`
	Usable         *bool  `json:"usable,omitempty"`
	RequiresReview *bool  `json:"requires_review,omitempty"`
}

// Link is a trending page (docs.joinmastodon.org/entities/PreviewCard).
type Link struct {
	social.Card
	ID             string `json:"id,omitempty"`
	History        []Day  `json:"history"`
	RequiresReview *bool  `json:"requires_review,omitempty"`
}

// TagTrends returns the hashtags that trend, best first. With all, those that wait for review or were refused are among them, and each says
// how it stands.
func (s *Service) TagTrends(ctx context.Context, all bool, offset, limit int) ([]Tag, error) {
	uses, err := s.uses(ctx, Tags, all, offset, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Tag, len(uses))
	for i, u := range uses {
		out[i] = Tag{ID: u.name, Name: u.name, URL: s.URL() + "/tags/" + u.name, History: u.days(s.Now())}
		if all {
			usable, may, waits := true, s.shown(u.allowed, u.reviewed), !u.reviewed
			out[i].Usable, out[i].Trendable, out[i].RequiresReview = &usable, &may, &waits
		}
	}
	return out, nil
}

// uses returns tags or links that trend.
func (s *Service) uses(ctx context.Context, kind Kind, all bool, offset, limit int) ([]*use, error) {
	r, err := s.ranked(ctx, kind)
	if err != nil {
		return nil, err
	}
	var out []*use
	for _, u := range r.uses {
		if all || s.shown(u.allowed, u.reviewed) {
			out = append(out, u)
		}
	}
	return cut(out, offset, limit), nil
}

// days returns the last days as Mastodon's API shows them, today first.
func (u *use) days(now time.Time) []Day {
	out := make([]Day, history)
	for i := range out {
		out[i] = Day{strconv.FormatInt((dayOf(now)-int64(i))*86400, 10), strconv.FormatInt(u.uses[i], 10), strconv.FormatInt(u.people[i], 10)}
	}
	return out
}

// History returns how a hashtag was used in the last days, today first.
func (s *Service) History(ctx context.Context, tag string) ([]Day, error) {
	u := &use{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := usesOf(ctx, tx, Tags, tag, dayOf(s.Now()))
		if len(list) > 0 {
			u = list[0]
		}
		return err
	})
	return u.days(s.Now()), err
}

// LinkTrends returns the pages that trend, best first; see TagTrends. Pages without a card are left out.
func (s *Service) LinkTrends(ctx context.Context, all bool, offset, limit int) ([]Link, error) {
	uses, err := s.uses(ctx, Links, all, 0, candidates)
	if err != nil {
		return nil, err
	}
	links := make([]string, len(uses))
	for i, u := range uses {
		links[i] = u.name
	}
	var cards map[string]*social.Card
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		cards, err = s.Cards(ctx, tx, links)
		return err
	}); err != nil {
		return nil, err
	}
	out := []Link{}
	for _, u := range uses {
		c := cards[u.name]
		if c == nil {
			continue
		}
		l := Link{Card: *c, History: u.days(s.Now())}
		if all {
			waits := !u.reviewed
			l.ID, l.RequiresReview = u.name, &waits
		}
		out = append(out, l)
	}
	return cut(out, offset, limit), nil
}

// StatusTrends returns the statuses that trend, best first: at most one of each author. With all, those that wait for review or were refused
// are among them.
func (s *Service) StatusTrends(ctx context.Context, all bool, offset, limit int) ([]id.ID, error) {
	list, err := s.statusReviews(ctx)
	out := make([]id.ID, 0, len(list))
	for _, r := range list {
		if all || r.Shown {
			out = append(out, r.Status)
		}
	}
	return cut(out, offset, limit), err
}

// StatusReview is a status that trends, and how it stands: Waits is that no moderator has said yes or no.
type StatusReview struct {
	Status       id.ID
	Shown, Waits bool
}

// StatusReviews returns the statuses that trend, best first, those that wait for review or were refused among them.
func (s *Service) StatusReviews(ctx context.Context, limit int) ([]StatusReview, error) {
	list, err := s.statusReviews(ctx)
	return cut(list, 0, limit), err
}

func (s *Service) statusReviews(ctx context.Context) ([]StatusReview, error) {
	r, err := s.ranked(ctx, Statuses)
	if err != nil {
		return nil, err
	}
	authors := make([]id.ID, len(r.posts))
	for i, p := range r.posts {
		authors[i] = p.account
	}
	slices.Sort(authors)
	open, err := s.Discoverable(ctx, slices.Compact(authors))
	if err != nil {
		return nil, err
	}
	var said map[string]bool
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		said, err = reviews(ctx, tx, Statuses)
		return err
	}); err != nil {
		return nil, err
	}
	seen, out := map[id.ID]bool{}, []StatusReview{}
	for _, p := range r.posts {
		allowed, reviewed := said[p.status.String()]
		if seen[p.account] || !open[p.account] {
			continue
		}
		shown := s.shown(allowed, reviewed)
		// One that is hidden does not keep another of its author's from everybody.
		seen[p.account] = shown
		out = append(out, StatusReview{p.status, shown, !reviewed})
	}
	return out, nil
}

// Decide notes whether something may trend: a folded tag, a URL, or the id of a status.
func (s *Service) Decide(ctx context.Context, kind Kind, name string, allowed bool) error {
	if name == "" || len(name) > 2000 {
		return errs.New(errs.NotFound, "Record not found")
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := review(ctx, tx, kind, name, allowed, access.From(ctx).ID, s.Now()); err != nil {
			return err
		}
		return s.Audit(ctx, tx, "trend.review", string(kind)+":"+name, map[string]any{"allowed": allowed})
	})
	s.mu.Lock()
	delete(s.last, kind)
	s.mu.Unlock()
	return err
}

// Sweep forgets figures of before a time.
func (s *Service) Sweep(ctx context.Context, before time.Time) error {
	const batch = 1000
	return personal.Batches(ctx, s.DB, batch, func(tx *db.Tx) (int64, error) { return sweep(ctx, tx, before, batch) })
}

// Personal says that trends hold who used what on the last days, to count people and not words.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "trends",
		Tables: []personal.Table{
			{Name: "trend_use", Link: "account", Plain: "kind name day uses last_at"},
			{Name: "trend_status", Link: "account", Plain: "status at favourites boosts replies"},
			{Name: "trend_review", Link: "by_account", Plain: "kind name allowed at"},
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, erase(ctx, tx, account)
		},
		Rules: []personal.Rule{{Name: "trends", Keep: func() time.Duration { return keepDays * 24 * time.Hour }, Sweep: s.Sweep}},
	}
}

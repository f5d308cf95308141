// Package timeline puts statuses into the lists in which people read them: home, the town's, hashtags, lists, groups, what an account posted,
// favourites and bookmarks (docs.joinmastodon.org/methods/timelines).
//
// Nothing is delivered when somebody posts. Each node keeps the heads of the newest statuses in memory, in the order of their ids (log.go),
// and a reader's home is what their relations let through: found when it is asked for, and kept as a list of ids that later reads only
// add to (feed.go). So a post costs the same with five followers and with fifty thousand, whoever follows somebody sees at once what they
// have posted, and nothing has to be rebuilt in the database. What is older than memory is read by its indices (read.go). See
// docs/adr/0010-timelines.md.
package timeline

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Statuses is what timelines ask of statuses.
type Statuses interface {
	// Heads returns heads in the order asked; what is not there is left out.
	Heads(ctx context.Context, ids []id.ID) ([]social.Head, error)
	// Ranges returns the heads of stretches, each in the order asked for.
	Ranges(ctx context.Context, rs []social.Range) ([]social.Stretch, error)
	// Marked returns what an account has marked, newest first, even where with up the lowest above are meant.
	Marked(ctx context.Context, account id.ID, kind social.Mark, above, below id.ID, up bool, limit int) ([]social.MarkedStatus, error)
	// Append appends the statuses that the reader may read to dst, with commas between, and returns how many they are.
	Append(ctx context.Context, dst []byte, rel *social.Relations, ids []id.ID, where string) ([]byte, int, error)
}

// Graph knows what readers' eyes depend on.
type Graph interface {
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
}

// Lists are the lists in which people sort whom they follow.
type Lists interface {
	// List returns one of the owner's lists with its members, or a NotFound error.
	List(ctx context.Context, owner, list id.ID) (*social.List, error)
}

// Profiles says how profiles stand.
type Profiles interface {
	// Standings returns how profiles stand; those that are not there are left out.
	Standings(ctx context.Context, ids []id.ID) (map[id.ID]social.Standing, error)
}

// Deps are what a Service needs of others.
type Deps struct {
	Now      clock.Func
	Statuses Statuses
	Graph    Graph
	Lists    Lists
	Profiles Profiles
}

// Options change a Service's defaults.
type Options struct {
	Heads int // kept in memory; 0: 200,000, some 25 MB
	Items int // ids of all readers' timelines kept in memory; 0: 1,000,000, 16 MB
}

// Service reads timelines. Safe for concurrent use.
type Service struct {
	Deps
	log   *log
	feeds *feeds

	mu    sync.Mutex
	stale map[id.ID]bool // authors whose standing may have changed
	wake  chan struct{}
}

// New returns a Service that knows no status yet: see Run.
func New(d Deps, opt Options) *Service {
	if opt.Heads == 0 {
		opt.Heads = 200_000
	}
	if opt.Items == 0 {
		opt.Items = 1_000_000
	}
	return &Service{Deps: d, log: newLog(opt.Heads), feeds: newFeeds(opt.Items), stale: map[id.ID]bool{}, wake: make(chan struct{}, 1)}
}

// Feed says which timeline is meant.
type Feed struct {
	Kind  Kind
	Of    id.ID  // the list, the group, the account
	Tag   string // folded, without '#'
	Page  string // of Link, as markup.Page says it
	Any   []string
	All   []string
	None  []string
	Media bool // only statuses with attachments
	Local bool // of Everybody: with what is for the town alone, for those who are signed in

	Nothing bool // what other servers wrote: nothing, so far

	// Of Account only.
	NoReplies bool
	NoBoosts  bool
	Pinned    bool
}

// Kind is a kind of timelines.
type Kind string

// The kinds.
const (
	Home       Kind = "home"
	Everybody  Kind = "public"
	Tag        Kind = "tag"
	List       Kind = "list"
	Group      Kind = "group"
	Link       Kind = "link"
	Account    Kind = "account"
	Favourites Kind = "favourites"
	Bookmarks  Kind = "bookmarks"
)

// where is the context whose filters hold in a timeline.
func (f Feed) where() string {
	switch f.Kind {
	case Home, List:
		return "home"
	case Everybody, Tag, Group, Link:
		return "public"
	case Account:
		return "account"
	}
	return ""
}

// Result is a page of a timeline, newest first. Next is where the next page begins (max_id) and Prev where the one before it does (min_id), 0
// where there is none.
type Result struct {
	IDs  []id.ID
	Next id.ID
	Prev id.ID
}

var errNone = errs.New(errs.NotFound, "Record not found")

// source is what one read of a timeline goes by.
type source struct {
	feed   *feed                     // what is kept of it; nil: nothing is
	rel    *social.Relations         // of the reader
	memory bool                      // the log is worth scanning: most of it is met there
	ranges func() []social.Range     // where its statuses stand in the database
	keep   func(h *social.Head) bool // whether it shows a status
	thin   bool                      // the same status boosted by several is shown once
	failed error                     // of keep
}

// source returns where a timeline comes from, or a NotFound error.
func (s *Service) source(ctx context.Context, rel *social.Relations, f Feed) (*source, error) {
	now := s.Now()
	switch f.Kind {
	case Home:
		src := &source{rel: rel, memory: true, thin: true, keep: func(h *social.Head) bool { return rel.AtHome(h, now) }}
		src.feed = s.feeds.get(feedKey{Home, rel.Viewer, false, false}, rel, nil)
		src.ranges = func() []social.Range { return homeRanges(rel) }
		return src, nil
	case List:
		l, err := s.Lists.List(ctx, rel.Viewer, f.Of)
		if err != nil {
			return nil, err
		}
		src := &source{rel: rel, memory: true, thin: true, keep: func(h *social.Head) bool { return l.Shows(rel, h, now) }}
		src.feed = s.feeds.get(feedKey{List, l.ID, false, false}, rel, l)
		src.ranges = func() []social.Range { return listRanges(l) }
		return src, nil
	case Everybody:
		// What is kept is the same for all readers; each then leaves out what they don't want to meet.
		src := &source{memory: true, ranges: fixed(social.Range{}), keep: func(h *social.Head) bool { return everybody(f, h) && rel.Meets(h, now) }}
		src.feed = s.feeds.get(feedKey{Everybody, 0, f.Local, f.Media}, nil, nil)
		return src, nil
	case Tag:
		return tagSource(rel, f, now), nil
	case Group:
		return &source{ranges: fixed(social.Range{Group: f.Of}), keep: func(h *social.Head) bool {
			return h.Group == f.Of && (!f.Media || h.Media) && rel.Meets(h, now)
		}}, nil
	case Link:
		return s.linkSource(ctx, rel, f, now), nil
	case Account:
		return s.accountSource(ctx, rel, f, now)
	}
	return nil, errNone
}

func fixed(rs ...social.Range) func() []social.Range {
	return func() []social.Range { return rs }
}

// listRanges returns where a list's timeline stands in the database.
func listRanges(l *social.List) []social.Range {
	if len(l.Members) > maxRanges {
		return []social.Range{{Worth: func(h *social.Head) bool { return l.Members[h.Account] }}}
	}
	out := []social.Range{}
	for m := range l.Members {
		out = append(out, social.Range{Account: m})
	}
	return out
}

// homeRanges returns where a home timeline stands in the database.
func homeRanges(rel *social.Relations) []social.Range {
	if len(rel.Follows)+len(rel.Tags)+len(rel.Groups) > maxRanges {
		return []social.Range{{Worth: rel.Near}} // looking through everything meets enough
	}
	out := []social.Range{{Account: rel.Viewer}}
	for a := range rel.Follows {
		out = append(out, social.Range{Account: a})
	}
	for t := range rel.Tags {
		out = append(out, social.Range{Tag: t})
	}
	for g := range rel.Groups {
		out = append(out, social.Range{Group: g})
	}
	return out
}

// everybody reports whether a status stands in a public timeline for somebody.
func everybody(f Feed, h *social.Head) bool {
	return h.InPublic() && (f.Local || h.Visibility == social.Public) && (!f.Media || h.Media)
}

func tagSource(rel *social.Relations, f Feed, now time.Time) *source {
	var ranges []social.Range
	for _, t := range append([]string{f.Tag}, f.Any...) {
		if t != "" {
			ranges = append(ranges, social.Range{Tag: t})
		}
	}
	src := &source{ranges: fixed(ranges...)}
	src.keep = func(h *social.Head) bool {
		has := func(t string) bool { return slices.Contains(h.Tags, t) }
		return (h.Visibility == social.Public || h.Visibility == social.Town) && (!f.Media || h.Media) && h.BoostOf == 0 &&
			!slices.ContainsFunc(f.None, has) && !slices.ContainsFunc(f.All, func(t string) bool { return !has(t) }) && rel.Meets(h, now)
	}
	return src
}

// linkSource gives what people have written about a page, those who may be shown to others who don't look for them.
func (s *Service) linkSource(ctx context.Context, rel *social.Relations, f Feed, now time.Time) *source {
	src := &source{ranges: fixed(social.Range{Page: f.Page})}
	src.keep = func(h *social.Head) bool {
		if h.Visibility != social.Public || !rel.Meets(h, now) {
			return false
		}
		known, err := s.Profiles.Standings(ctx, []id.ID{h.Account})
		if err != nil {
			src.failed = err
		}
		return known[h.Account].Findable
	}
	return src
}

func (s *Service) accountSource(ctx context.Context, rel *social.Relations, f Feed, now time.Time) (*source, error) {
	known, err := s.Profiles.Standings(ctx, []id.ID{f.Of})
	if err != nil {
		return nil, err
	}
	who, ok := known[f.Of]
	if !ok || who.Hidden && f.Of != rel.Viewer {
		return nil, errNone
	}
	ranges := []social.Range{{Account: f.Of}}
	if who.Kind == social.OfGroup {
		ranges = append(ranges, social.Range{Group: f.Of})
	}
	if who.Suspended || rel.BlockedBy[f.Of] {
		ranges = nil
	}
	src := &source{ranges: fixed(ranges...)}
	src.keep = func(h *social.Head) bool {
		switch {
		case f.NoBoosts && h.BoostOf != 0, f.NoReplies && h.ReplyTo != 0 && h.ReplyFrom != h.Account, f.Media && !h.Media, f.Tag != "" && !slices.Contains(h.Tags, f.Tag):
			return false
		case h.BoostOf != 0 && (rel.Blocks[h.BoostFrom] || rel.BlockedBy[h.BoostFrom] || rel.Muted(h.BoostFrom, now)):
			return false
		}
		return rel.MayRead(h)
	}
	return src, nil
}

// Read returns a page of a timeline for a reader, or a NotFound error where there is no such timeline for them.
func (s *Service) Read(ctx context.Context, rel *social.Relations, f Feed, p mastodon.Page) (Result, error) {
	switch {
	case f.Nothing:
		return Result{}, nil
	case f.Kind == Favourites:
		return s.marked(ctx, rel.Viewer, social.Favourite, p)
	case f.Kind == Bookmarks:
		return s.marked(ctx, rel.Viewer, social.Bookmark, p)
	case f.Kind == Account && f.Pinned:
		if _, err := s.source(ctx, rel, f); err != nil || rel.BlockedBy[f.Of] {
			return Result{}, err
		}
		return s.marked(ctx, f.Of, social.Pin, p)
	}
	src, err := s.source(ctx, rel, f)
	if err != nil {
		return Result{}, err
	}
	got, more, err := s.page(ctx, src, p)
	if err = cmp.Or(err, src.failed); err != nil || len(got) == 0 {
		return Result{}, err
	}
	out := Result{IDs: make([]id.ID, len(got)), Prev: got[0].id}
	for i, it := range got {
		out.IDs[i] = it.id
	}
	if more {
		out.Next = got[len(got)-1].id
	}
	return out, nil
}

// marked returns a page of what an account has marked; the pages go by the marks.
func (s *Service) marked(ctx context.Context, account id.ID, kind social.Mark, p mastodon.Page) (Result, error) {
	up := p.MinID != 0
	list, err := s.Statuses.Marked(ctx, account, kind, max(p.SinceID, p.MinID), p.MaxID, up, p.Limit)
	if err != nil || len(list) == 0 {
		return Result{}, err
	}
	out := Result{Prev: list[0].Mark}
	for _, m := range list {
		out.IDs = append(out.IDs, m.Status)
	}
	if len(list) == p.Limit || up {
		out.Next = list[len(list)-1].Mark
	}
	return out, nil
}

// JSON appends a page of a timeline as the API shows it to dst. Where filters and what the reader may not read leave gaps, older statuses fill
// them, so that a page is short only at the end.
func (s *Service) JSON(ctx context.Context, dst []byte, rel *social.Relations, f Feed, p mastodon.Page) (body []byte, r Result, err error) {
	r, err = s.Read(ctx, rel, f, p)
	if err != nil {
		return nil, r, err
	}
	dst = append(dst, '[')
	body = dst
	n := 0
	if len(r.IDs) > 0 {
		if body, n, err = s.Statuses.Append(ctx, body, rel, r.IDs, f.where()); err != nil {
			return nil, r, err
		}
	}
	more := r
	for tries := 0; n < p.Limit && more.Next != 0 && p.MinID == 0 && tries < 5; tries++ {
		rest := p
		rest.MaxID, rest.Limit = more.Next, p.Limit-n
		if more, err = s.Read(ctx, rel, f, rest); err != nil {
			return nil, r, err
		}
		r.Next = more.Next
		if len(more.IDs) == 0 {
			break
		}
		at := len(body)
		if n > 0 {
			body = append(body, ',')
		}
		var added int
		if body, added, err = s.Statuses.Append(ctx, body, rel, more.IDs, f.where()); err != nil {
			return nil, r, err
		}
		if added == 0 {
			body = body[:at]
		}
		n += added
	}
	return append(body, ']'), r, nil
}

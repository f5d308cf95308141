package timeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// book is a town's statuses without a database: the rules and the paging are tested here, the statements in social/status, both together in
// tests/social.
type book struct {
	heads     []social.Head // descending
	hidden    map[id.ID]bool
	suspended map[id.ID]bool
	asked     int // heads that were read
}

func (b *book) add(h social.Head) {
	i, found := slices.BinarySearchFunc(b.heads, h.ID, func(o social.Head, n id.ID) int { return int(n - o.ID) })
	if found {
		b.heads[i] = h
		return
	}
	b.heads = slices.Insert(b.heads, i, h)
}

func (b *book) drop(n id.ID) {
	b.heads = slices.DeleteFunc(b.heads, func(h social.Head) bool { return h.ID == n })
}

// present is what is there of statuses now.
func (b *book) present(hs []social.Head) []social.Head {
	out := []social.Head{}
	for _, h := range hs {
		if !b.suspended[h.Account] {
			h.Hidden = b.hidden[h.Account]
			out = append(out, h)
		}
	}
	return out
}

func (b *book) Heads(_ context.Context, ids []id.ID) ([]social.Head, error) {
	out := []social.Head{}
	for _, n := range ids {
		if i := slices.IndexFunc(b.heads, func(h social.Head) bool { return h.ID == n }); i >= 0 {
			out = append(out, b.heads[i])
		}
	}
	return b.present(out), nil
}

func (b *book) Ranges(_ context.Context, rs []social.Range) ([]social.Stretch, error) {
	out := make([]social.Stretch, len(rs))
	for i, r := range rs {
		var got []social.Head
		looked, last := 0, id.ID(0)
		at := func(n id.ID) int { // where the first status stands that is not above n
			i, _ := slices.BinarySearchFunc(b.heads, n, func(o social.Head, n id.ID) int { return int(n - o.ID) })
			return i
		}
		from, step := 0, 1
		if r.Below != 0 {
			from = at(r.Below - 1)
		}
		if r.Up {
			from, step = at(r.Above)-1, -1
		}
		for ; from >= 0 && from < len(b.heads) && looked < r.Limit && (r.Worth == nil || r.Enough == 0 || len(got) < r.Enough); from += step {
			if h := b.heads[from]; h.ID > r.Above && (r.Below == 0 || h.ID < r.Below) && (r.Account == 0 || h.Account == r.Account) &&
				(r.Group == 0 || h.Group == r.Group) && (r.Tag == "" || slices.Contains(h.Tags, r.Tag)) {
				if looked, last = looked+1, h.ID; r.Worth == nil || r.Worth(&social.Head{ID: h.ID, Account: h.Account, Group: h.Group, Tags: h.Tags}) {
					got = append(got, h)
				}
			}
		}
		b.asked += looked
		out[i].More, out[i].Last, out[i].Looked = looked == r.Limit || r.Worth != nil && len(got) == r.Enough, last, looked
		out[i].Heads = b.present(got)
	}
	return out, nil
}

func (b *book) Marked(context.Context, id.ID, social.Mark, id.ID, id.ID, bool, int) ([]social.MarkedStatus, error) {
	return nil, nil
}

// Append leaves out statuses whose id ends in 9, as if they were filtered.
func (b *book) Append(_ context.Context, dst []byte, _ *social.Relations, ids []id.ID, _ string) ([]byte, int, error) {
	n := 0
	for _, s := range ids {
		if s%10 == 9 {
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(s), 10)
		n++
	}
	return dst, n, nil
}

func (b *book) Standings(_ context.Context, ids []id.ID) (map[id.ID]social.Standing, error) {
	out := map[id.ID]social.Standing{}
	for _, n := range ids {
		out[n] = social.Standing{ID: n, Suspended: b.suspended[n]}
	}
	return out, nil
}

func (b *book) List(_ context.Context, owner, list id.ID) (*social.List, error) {
	if list == 5 {
		return choir, nil
	}
	return nil, errNone
}

var choir = &social.List{ID: 5, Owner: 1, Replies: "list", Members: map[id.ID]bool{2: true, 3: true}}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func serviceOf(b *book, heads int) *Service {
	return New(Deps{Now: func() time.Time { return noon }, Statuses: b, Lists: b, Profiles: b}, Options{Heads: heads})
}

// load fills the log as Run does.
func load(t testing.TB, s *Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for {
		s.log.mu.RLock()
		loaded := s.log.loaded
		s.log.mu.RUnlock()
		if loaded {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// some returns a status of one of twenty authors: answers, boosts, tags, a group, mentions.
func some(r *rand.Rand, n id.ID, before []social.Head) social.Head {
	h := social.Head{ID: n, Account: id.ID(1 + r.IntN(20)), Visibility: []social.Visibility{social.Public, social.Public, social.Public, social.Unlisted, social.Followers, social.Direct, social.Town, social.Group}[r.IntN(8)], Lang: []string{"", "de", "en"}[r.IntN(3)], Media: r.IntN(3) == 0}
	if r.IntN(4) == 0 {
		h.Tags = []string{[]string{"soup", "bread"}[r.IntN(2)]}
	}
	if r.IntN(5) == 0 {
		h.Mentions = []id.ID{id.ID(1 + r.IntN(20))}
	}
	if h.Visibility == social.Group {
		h.Group, h.Closed = id.ID(900+r.IntN(2)), r.IntN(2) == 0
	}
	if len(before) > 0 {
		o := before[r.IntN(min(len(before), 60))]
		switch {
		case r.IntN(5) == 0 && o.BoostOf == 0 && (o.Visibility == social.Public || o.Visibility == social.Unlisted):
			h = social.Head{ID: n, Account: h.Account, Visibility: social.Public, BoostOf: o.ID, BoostFrom: o.Account}
		case r.IntN(4) == 0:
			h.ReplyTo, h.ReplyFrom = o.ID, o.Account
		}
	}
	return h
}

var readers = map[string]*social.Relations{
	"many": {
		Viewer: 1, Follows: map[id.ID]social.Follow{2: {Boosts: true}, 3: {}, 4: {Boosts: true, Langs: []string{"de"}}, 5: {Boosts: true}, 6: {Boosts: true}}, Blocks: map[id.ID]bool{7: true},
		BlockedBy: map[id.ID]bool{8: true}, Mutes: map[id.ID]social.Mute{9: {}, 10: {Until: noon.Add(-time.Hour)}}, Tags: map[string]bool{"soup": true}, Groups: map[id.ID]bool{900: true}, Exclusive: map[id.ID]bool{6: true},
	},
	"one":      {Viewer: 12, Follows: map[id.ID]social.Follow{13: {Boosts: true}}},
	"nobody":   {Viewer: 14},
	"stranger": {},
}

var kinds = []Feed{
	{Kind: Home},
	{Kind: Everybody},
	{Kind: Everybody, Local: true},
	{Kind: Everybody, Local: true, Media: true},
	{Kind: Tag, Tag: "soup"},
	{Kind: Tag, Tag: "soup", Any: []string{"bread"}},
	{Kind: Tag, Tag: "soup", None: []string{"bread"}, Media: true},
	{Kind: List, Of: 5},
	{Kind: Group, Of: 900},
	{Kind: Account, Of: 2},
	{Kind: Account, Of: 3, NoBoosts: true, NoReplies: true, Media: true},
}

// expect is what a timeline must be: every status there is, looked at one by one.
func expect(t testing.TB, s *Service, b *book, rel *social.Relations, f Feed) (out []id.ID) {
	t.Helper()
	src, err := s.source(t.Context(), rel, f)
	if err != nil {
		t.Fatal(err)
	}
	var items []item
	for _, h := range b.present(b.heads) {
		tagged := f.Kind != Tag || slices.Contains(h.Tags, f.Tag) || slices.ContainsFunc(f.Any, func(x string) bool { return slices.Contains(h.Tags, x) })
		if (f.Kind != Account || h.Account == f.Of) && tagged && src.keep(&h) {
			items = append(items, itemOf(&h))
		}
	}
	if src.thin {
		items = thin(items, len(items))
	}
	for _, it := range items {
		out = append(out, it.id)
	}
	return out
}

// read pages through a timeline from its newest to its oldest.
func read(t testing.TB, s *Service, rel *social.Relations, f Feed, limit int) (out []id.ID) {
	t.Helper()
	for p := (mastodon.Page{Limit: limit}); ; {
		got, err := s.Read(t.Context(), rel, f, p)
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, got.IDs...); got.Next == 0 {
			return out
		}
		p.MaxID = got.Next
	}
}

// readUp pages through it from its oldest to its newest.
func readUp(t testing.TB, s *Service, rel *social.Relations, f Feed, limit int) (out []id.ID) {
	t.Helper()
	for p := (mastodon.Page{Limit: limit, MinID: 1}); ; {
		got, err := s.Read(t.Context(), rel, f, p)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.IDs) == 0 {
			return out
		}
		out, p.MinID = append(slices.Clone(got.IDs), out...), got.Prev
	}
}

// Whatever is in memory and whatever is only in the database, whatever came late, was changed or deleted: the pages of each timeline put
// together are what a look at every single status gives, in both directions.
func TestPagesAreWhatEveryStatusLookedAtGives(t *testing.T) {
	for _, heads := range []int{100_000, 500, 64} {
		t.Run(fmt.Sprint(heads), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(heads)))
			b := &book{hidden: map[id.ID]bool{15: true}, suspended: map[id.ID]bool{16: true}}
			next := id.ID(10)
			post := func() social.Head {
				next += id.ID(2 + 2*r.IntN(4)) // even; odd ones come late
				h := some(r, next, b.heads)
				b.add(h)
				return h
			}
			for range 700 {
				post()
			}
			s := serviceOf(b, heads)
			check := func(when string) {
				t.Helper()
				for name, rel := range readers {
					for _, f := range kinds {
						if f.Kind == List && rel.Viewer != 1 || f.Kind == Home && rel.Viewer == 0 {
							continue
						}
						want := expect(t, s, b, rel, f)
						if d := cmp.Diff(want, read(t, s, rel, f, 1+r.IntN(40))); d != "" {
							t.Fatalf("%s, %s, %+v (-want +got):\n%s", when, name, f, d)
						}
						if d := cmp.Diff(want, readUp(t, s, rel, f, 1+r.IntN(40))); d != "" {
							t.Fatalf("%s, %s, %+v upwards (-want +got):\n%s", when, name, f, d)
						}
					}
				}
			}
			check("before anything is loaded")
			load(t, s)
			check("loaded")
			for round := range 2 {
				for range 150 {
					h := post()
					switch r.IntN(6) {
					case 0: // it came late from another node, behind others
						h.ID--
						b.drop(h.ID + 1)
						b.add(h)
						s.Heard(t.Context(), social.Posted{Head: post()})
						s.Heard(t.Context(), social.Posted{Head: h})
					case 1: // deleted, told twice, and the news of the post comes last
						b.drop(h.ID)
						s.Heard(t.Context(), social.Deleted{Head: h})
						s.Heard(t.Context(), social.Posted{Head: h})
						s.Heard(t.Context(), social.Deleted{Head: h})
					case 2: // edited: it has another hashtag now
						s.Heard(t.Context(), social.Posted{Head: h})
						h.Tags = []string{"soup", "bread"}
						b.add(h)
						s.Heard(t.Context(), social.Edited{Head: h})
						s.Heard(t.Context(), social.Posted{Head: h})
					case 3: // an older one is deleted
						old := b.heads[r.IntN(300)]
						b.drop(old.ID)
						s.Heard(t.Context(), social.Posted{Head: h})
						s.Heard(t.Context(), social.Deleted{Head: old})
					default:
						s.Heard(t.Context(), social.Posted{Head: h})
					}
				}
				for i, h := range b.heads { // the events carry what the author was then
					b.heads[i].Hidden = h.Hidden
				}
				s.doubt(15)
				if err := s.restate(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.doubt(16)
				if err := s.restate(t.Context()); err != nil {
					t.Fatal(err)
				}
				check(fmt.Sprint("round ", round))
			}
			delete(b.suspended, 16)
			b.suspended[2], b.hidden[3] = true, true
			for a := id.ID(1); a <= 20; a++ {
				s.Heard(t.Context(), social.Moderated{Profile: a})
			}
			if err := s.restate(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.feeds = newFeeds(1 << 20) // what is older than the log is not told to feeds: the rendering leaves it out
			check("moderated")
		})
	}
}

func TestANewRelationIsSeenAtOnce(t *testing.T) {
	b := &book{}
	for n := id.ID(1); n <= 100; n++ {
		b.add(social.Head{ID: n, Account: 1 + n%10, Visibility: social.Public})
	}
	s := serviceOf(b, 1000)
	load(t, s)
	before := &social.Relations{Viewer: 99}
	if got := read(t, s, before, Feed{Kind: Home}, 20); len(got) != 0 {
		t.Errorf("who follows nobody reads %v", got)
	}
	after := &social.Relations{Viewer: 99, Follows: map[id.ID]social.Follow{3: {Boosts: true}}}
	if got := read(t, s, after, Feed{Kind: Home}, 20); len(got) != 10 {
		t.Errorf("after following one of ten: %d statuses; want 10", len(got))
	}
	if got := read(t, s, before, Feed{Kind: Home}, 20); len(got) != 0 {
		t.Errorf("after unfollowing: %v", got)
	}
}

func TestPagesAreCutAtBothEnds(t *testing.T) {
	b := &book{}
	for n := id.ID(10); n <= 1000; n += 10 {
		b.add(social.Head{ID: n, Account: 2, Visibility: social.Public})
	}
	s := serviceOf(b, 1000)
	load(t, s)
	rel := &social.Relations{Viewer: 1, Follows: map[id.ID]social.Follow{2: {Boosts: true}}}
	for _, c := range []struct {
		p    mastodon.Page
		want Result
	}{
		{mastodon.Page{Limit: 3}, Result{IDs: []id.ID{1000, 990, 980}, Next: 980, Prev: 1000}},
		{mastodon.Page{Limit: 3, MaxID: 980}, Result{IDs: []id.ID{970, 960, 950}, Next: 950, Prev: 970}},
		{mastodon.Page{Limit: 3, MaxID: 985}, Result{IDs: []id.ID{980, 970, 960}, Next: 960, Prev: 980}},
		{mastodon.Page{Limit: 3, SinceID: 500}, Result{IDs: []id.ID{1000, 990, 980}, Next: 980, Prev: 1000}},
		{mastodon.Page{Limit: 3, SinceID: 980}, Result{IDs: []id.ID{1000, 990}, Prev: 1000}},
		{mastodon.Page{Limit: 3, SinceID: 1000}, Result{}},
		{mastodon.Page{Limit: 3, MinID: 500}, Result{IDs: []id.ID{530, 520, 510}, Next: 510, Prev: 530}},
		{mastodon.Page{Limit: 3, MinID: 980}, Result{IDs: []id.ID{1000, 990}, Next: 990, Prev: 1000}},
		{mastodon.Page{Limit: 3, MinID: 1000}, Result{}},
		{mastodon.Page{Limit: 30, MinID: 500, MaxID: 530}, Result{IDs: []id.ID{520, 510}, Next: 510, Prev: 520}},
		{mastodon.Page{Limit: 3, MaxID: 40}, Result{IDs: []id.ID{30, 20, 10}, Prev: 30}},
		{mastodon.Page{Limit: 3, MaxID: 10}, Result{}},
	} {
		for _, f := range []Feed{{Kind: Home}, {Kind: Everybody}, {Kind: Account, Of: 2}} {
			got, err := s.Read(t.Context(), rel, f, c.p)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s %+v (-want +got):\n%s", f.Kind, c.p, d)
			}
		}
	}
}

func TestABoostOfWhatStandsNearIsLeftOut(t *testing.T) {
	b := &book{}
	rel := &social.Relations{Viewer: 1, Follows: map[id.ID]social.Follow{2: {Boosts: true}, 3: {Boosts: true}}}
	b.add(social.Head{ID: 10, Account: 2, Visibility: social.Public})
	b.add(social.Head{ID: 20, Account: 3, Visibility: social.Public, BoostOf: 10, BoostFrom: 2})
	b.add(social.Head{ID: 30, Account: 3, Visibility: social.Public, BoostOf: 5, BoostFrom: 9})
	b.add(social.Head{ID: 31, Account: 2, Visibility: social.Public, BoostOf: 5, BoostFrom: 9})
	for n := id.ID(100); n < 100+window; n++ {
		b.add(social.Head{ID: n, Account: 2, Visibility: social.Public})
	}
	b.add(social.Head{ID: 200, Account: 2, Visibility: social.Public, BoostOf: 10, BoostFrom: 2})
	s := serviceOf(b, 1000)
	load(t, s)
	got := read(t, s, rel, Feed{Kind: Home}, 7)
	if got[0] != 200 {
		t.Errorf("the boost of what stands far below is left out: %v", got[:3])
	}
	if tail := got[len(got)-2:]; !slices.Equal(tail, []id.ID{30, 10}) {
		t.Errorf("the oldest are %v; want 30 and 10", tail)
	}
}

func TestFilteredStatusesLeaveNoGaps(t *testing.T) {
	b := &book{}
	for n := id.ID(1); n <= 95; n++ {
		b.add(social.Head{ID: n, Account: 2, Visibility: social.Public})
	}
	s := serviceOf(b, 1000)
	load(t, s)
	rel := &social.Relations{Viewer: 1, Follows: map[id.ID]social.Follow{2: {}}}
	body, r, err := s.JSON(t.Context(), nil, rel, Feed{Kind: Home}, mastodon.Page{Limit: 12})
	if want := "[95,94,93,92,91,90,88,87,86,85,84,83]"; err != nil || string(body) != want || r.Next != 83 || r.Prev != 95 {
		t.Errorf("JSON = %s, %+v, %v; want %s", body, r, err, want)
	}
	body, r, err = s.JSON(t.Context(), nil, rel, Feed{Kind: Home}, mastodon.Page{Limit: 12, MaxID: 3})
	if err != nil || string(body) != "[2,1]" || r.Next != 0 {
		t.Errorf("the last page = %s, %+v, %v", body, r, err)
	}
	body, _, err = s.JSON(t.Context(), nil, rel, Feed{Kind: Home}, mastodon.Page{Limit: 12, MaxID: 1})
	if err != nil || string(body) != "[]" {
		t.Errorf("beyond it = %s, %v", body, err)
	}
}

// A reader with few statuses among many does not have the database searched for each page that they load.
func TestASparseHomeIsKept(t *testing.T) {
	b := &book{}
	for n := id.ID(1); n <= 3000; n++ {
		b.add(social.Head{ID: n, Account: 2 + id.ID(n%100), Visibility: social.Public})
	}
	s := serviceOf(b, 500)
	load(t, s)
	rel := &social.Relations{Viewer: 1, Follows: map[id.ID]social.Follow{7: {}}}
	first := read(t, s, rel, Feed{Kind: Home}, 20)
	if len(first) != 30 {
		t.Fatalf("%d statuses; want 30", len(first))
	}
	b.asked = 0
	if again := read(t, s, rel, Feed{Kind: Home}, 20); !slices.Equal(first, again) || b.asked > 0 {
		t.Errorf("the second time: %d statuses, %d heads read; want the same and none", len(again), b.asked)
	}
}

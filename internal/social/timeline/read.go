package timeline

import (
	"context"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

const (
	maxRanges = 200    // stretches read for one page; where there would be more, everything is read and looked through
	window    = 40     // a boost is left out where the same status stands among so many older ones
	spare     = 20     // boosts left out of one page, about
	maxLooked = 50_000 // statuses looked at in the database for one page
)

// page returns a page, newest first, and whether there is more below it.
func (s *Service) page(ctx context.Context, src *source, p mastodon.Page) (got []item, more bool, err error) {
	if p.MinID != 0 {
		got, err = s.pageUp(ctx, src, p)
		return got, true, err
	}
	top := newest
	if p.MaxID != 0 {
		top = p.MaxID
	}
	got, err = s.down(ctx, src, top, p.SinceID, p.Limit+1)
	if err != nil {
		return nil, false, err
	}
	if n := len(got); src.thin && n > p.Limit && slices.ContainsFunc(got, item.boost) {
		// Whether a boost is left out depends on what is below it, and others then take its place.
		rest, err := s.down(ctx, src, got[n-1].id, p.SinceID, window+spare)
		if err != nil {
			return nil, false, err
		}
		got = append(got, rest...)
	}
	if src.thin {
		got = thin(got, p.Limit+1)
	}
	if i := slices.IndexFunc(got, func(it item) bool { return it.id <= p.SinceID }); i >= 0 {
		got = got[:i]
	}
	more = len(got) > p.Limit
	return got[:min(len(got), p.Limit)], more, nil
}

// pageUp returns the page directly above an id.
func (s *Service) pageUp(ctx context.Context, src *source, p mastodon.Page) (got []item, err error) {
	if got, err = s.up(ctx, src, p.MinID, p.Limit+spare); err != nil {
		return nil, err
	}
	slices.Reverse(got)
	if src.thin && slices.ContainsFunc(got, item.boost) {
		older, err := s.down(ctx, src, p.MinID+1, 0, window)
		if err != nil {
			return nil, err
		}
		n := len(got)
		last := got[n-1].id
		got = thin(append(got, older...), n)
		got = slices.DeleteFunc(got, func(it item) bool { return it.id < last })
	}
	if p.MaxID != 0 {
		got = slices.DeleteFunc(got, func(it item) bool { return it.id >= p.MaxID })
	}
	return got[max(0, len(got)-p.Limit):], nil
}

// thin leaves out boosts of a status that stands, itself or boosted, among the next older ones. It returns at most n.
func thin(items []item, n int) []item {
	out := make([]item, 0, min(n, len(items)))
	for i, it := range items {
		if len(out) == n {
			break
		}
		again := it.boost() && slices.ContainsFunc(items[i+1:min(len(items), i+1+window)], func(o item) bool { return o.of == it.of })
		if !again {
			out = append(out, it)
		}
	}
	return out
}

// down returns up to n statuses of a timeline below top, newest first; fewer only where there are no more above bottom, or where maxLooked
// others had to be looked at. Some may be below bottom.
func (s *Service) down(ctx context.Context, src *source, top, bottom id.ID, n int) (got []item, err error) {
	now, from := s.Now(), top
	if src.feed != nil {
		var floor id.ID
		if got, floor = s.downFeed(src, now, top, n); floor < top {
			from = floor
		}
		if len(got) >= n || from <= bottom+1 {
			return got, nil
		}
	}
	kept, at := len(got), from
	if src.memory {
		got, at = s.downLog(src, from, n, got)
	}
	if len(got) < n && at > bottom+1 {
		got, at, err = s.downDB(ctx, src, at, bottom, n, got)
	}
	if src.thin && from < top && bottom == 0 && err == nil {
		src.feed.extend(src.rel, from, at, got[kept:])
	}
	return got, err
}

// downFeed is down for what is kept of the timeline. What is kept of public ones is for all readers: src.keep leaves out the rest.
func (s *Service) downFeed(src *source, now time.Time, top id.ID, n int) (got []item, floor id.ID) {
	if src.thin {
		return src.feed.down(s.log, now, top, n, make([]item, 0, n))
	}
	part := make([]item, 0, 2*n)
	for from := top; ; {
		if part, floor = src.feed.down(s.log, now, from, 2*n, part[:0]); len(part) == 0 {
			return got, max(floor, s.log.from()) // what the log has dropped was not looked at
		}
		var full bool
		if got, full = s.meet(src, part, n, got); full {
			return got, floor
		}
		from = part[len(part)-1].id
	}
}

// meet appends what the reader wants to meet of part until there are n.
func (s *Service) meet(src *source, part []item, n int, got []item) (all []item, full bool) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	for _, it := range part {
		if h, ok := s.log.getLocked(it.id); ok && src.keep(&h) {
			if got = append(got, it); len(got) == n {
				return got, true
			}
		}
	}
	return got, false
}

// downLog is down for what the log holds. It returns below which id the timeline goes on elsewhere.
func (s *Service) downLog(src *source, top id.ID, n int, got []item) (all []item, at id.ID) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	if at = min(top, s.log.floor); s.log.floor == newest {
		return got, top
	}
	s.log.down(top, func(e *entry) bool {
		if e.id < s.log.floor {
			return false
		}
		if h := s.log.head(e); src.keep(&h) {
			if got = append(got, itemOf(&h)); len(got) == n {
				at = e.id
				return false
			}
		}
		return true
	})
	return got, at
}

// downDB is down for the database.
func (s *Service) downDB(ctx context.Context, src *source, top, bottom id.ID, n int, got []item) (all []item, at id.ID, err error) {
	rs := src.ranges()
	size := perRange(n-len(got), rs)
	for looked := 0; looked < maxLooked && len(rs) > 0; size = min(2*size, 2000) {
		for i := range rs {
			rs[i].Below, rs[i].Above, rs[i].Limit, rs[i].Enough = top, bottom, size, n-len(got)
		}
		hs, cut, count, err := s.merged(ctx, rs)
		if err != nil {
			return nil, 0, err
		}
		looked += count
		for i := range hs {
			if src.keep(&hs[i]) {
				if got = append(got, itemOf(&hs[i])); len(got) == n {
					return got, hs[i].ID, nil
				}
			}
		}
		if top = cut; cut == 0 {
			break
		}
	}
	return got, top, nil
}

// perRange returns how many heads to read of each of several stretches for n statuses together.
func perRange(n int, rs []social.Range) int {
	switch {
	case len(rs) == 1 && rs[0].Worth != nil:
		return 20 * n
	case len(rs) == 1:
		return 4 * n // much of it may be nothing for this reader
	}
	return min(max(3*n/max(1, len(rs)), 4), max(n, 20))
}

// merged returns what stands in stretches that go down, newest first, each status once, and below which id they go on; 0: nowhere.
func (s *Service) merged(ctx context.Context, rs []social.Range) (hs []social.Head, cut id.ID, count int, err error) {
	found, err := s.Statuses.Ranges(ctx, rs)
	if err != nil {
		return nil, 0, 0, err
	}
	for _, f := range found {
		hs = append(hs, f.Heads...)
		if count += f.Looked + 1; f.More {
			cut = max(cut, f.Last) // the others may not have shown what they have below
		}
	}
	if len(found) > 1 {
		slices.SortFunc(hs, func(a, b social.Head) int { return int(min(max(b.ID-a.ID, -1), 1)) })
		hs = slices.CompactFunc(hs, func(a, b social.Head) bool { return a.ID == b.ID })
		hs = slices.DeleteFunc(hs, func(h social.Head) bool { return h.ID < cut })
	}
	return hs, cut, count, nil
}

// up returns up to n statuses of a timeline above bottom, oldest first.
func (s *Service) up(ctx context.Context, src *source, bottom id.ID, n int) (got []item, err error) {
	if src.feed != nil && src.thin {
		if got, known := src.feed.up(s.log, s.Now(), bottom, n); known {
			return got, nil
		}
	}
	if src.memory {
		if got, known := s.upLog(src, bottom, n); known {
			return got, nil
		}
	}
	return s.upDB(ctx, src, bottom, n)
}

func (s *Service) upLog(src *source, bottom id.ID, n int) (got []item, known bool) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	if s.log.floor == newest || bottom < s.log.floor-1 {
		return nil, false
	}
	s.log.up(bottom, func(e *entry) bool {
		if h := s.log.head(e); src.keep(&h) {
			got = append(got, itemOf(&h))
		}
		return len(got) < n
	})
	return got, true
}

func (s *Service) upDB(ctx context.Context, src *source, bottom id.ID, n int) (got []item, err error) {
	rs := src.ranges()
	size := perRange(n, rs)
	for looked := 0; looked < maxLooked && len(rs) > 0; size = min(2*size, 2000) {
		for i := range rs {
			rs[i].Above, rs[i].Up, rs[i].Limit, rs[i].Enough = bottom, true, size, n-len(got)
		}
		found, err := s.Statuses.Ranges(ctx, rs)
		if err != nil {
			return nil, err
		}
		var hs []social.Head
		cut, on := newest, false
		for _, f := range found {
			hs = append(hs, f.Heads...)
			if looked += f.Looked + 1; f.More {
				cut, on = min(cut, f.Last), true
			}
		}
		slices.SortFunc(hs, func(a, b social.Head) int { return int(min(max(a.ID-b.ID, -1), 1)) })
		hs = slices.CompactFunc(hs, func(a, b social.Head) bool { return a.ID == b.ID })
		for i := range hs {
			if hs[i].ID <= cut && src.keep(&hs[i]) {
				if got = append(got, itemOf(&hs[i])); len(got) == n {
					return got, nil
				}
			}
		}
		if !on {
			break
		}
		bottom = cut
	}
	return got, nil
}

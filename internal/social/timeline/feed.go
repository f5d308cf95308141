package timeline

import (
	"container/list"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

const (
	feedMost  = 800 // ids kept of one timeline
	feedFirst = 400 // ids looked for when it is built: most readers go no further
	feedOver  = 200 // ids above feedMost that wait to be cut
)

// item is a status in a timeline: its id, and the status that it boosts or else its own id.
type item struct{ id, of id.ID }

func (it item) boost() bool { return it.id != it.of }

func itemOf(h *social.Head) item {
	if h.BoostOf != 0 {
		return item{h.ID, h.BoostOf}
	}
	return item{h.ID, h.ID}
}

// feedKey names a timeline of which something is kept: a reader's home, a list, a public one.
type feedKey struct {
	kind  Kind
	of    id.ID
	local bool
	media bool
}

// feed is what is kept of a timeline: what stands in it from floor on, in ascending order. It follows the log by its changes, and is built
// anew when what it was built from, the reader's relations or the list, is another.
type feed struct {
	key feedKey

	mu    sync.Mutex
	rel   *social.Relations
	list  *social.List
	items []item
	floor id.ID
	at    int64 // how far it has followed the log
	built bool
}

// feeds keeps timelines up to a number of items of all together; those read longest ago go first.
type feeds struct {
	mu    sync.Mutex
	by    map[feedKey]*list.Element
	order *list.List // of *feed, the last read in front
	most  int        // timelines kept
}

func newFeeds(items int) *feeds {
	return &feeds{by: map[feedKey]*list.Element{}, order: list.New(), most: max(16, items/feedFirst)}
}

// get returns a timeline that was, or is to be, built from rel and l.
func (fs *feeds) get(k feedKey, rel *social.Relations, l *social.List) *feed {
	fs.mu.Lock()
	e := fs.by[k]
	if e != nil {
		fs.order.MoveToFront(e)
	} else {
		e = fs.order.PushFront(&feed{key: k})
		fs.by[k] = e
		for fs.order.Len() > fs.most {
			old := fs.order.Remove(fs.order.Back()).(*feed)
			delete(fs.by, old.key)
		}
	}
	fs.mu.Unlock()
	f := e.Value.(*feed)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rel != rel || f.list != l {
		f.rel, f.list, f.built, f.items = rel, l, false, nil
	}
	return f
}

// keeps reports whether the timeline holds a status.
func (f *feed) keeps(h *social.Head, now time.Time) bool {
	switch f.key.kind {
	case Home:
		return f.rel.AtHome(h, now)
	case List:
		return f.list.Shows(f.rel, h, now)
	}
	return everybody(Feed{Local: f.key.local, Media: f.key.media}, h)
}

// follow brings the timeline up to the log's end. The caller holds f.mu.
func (f *feed) follow(l *log, now time.Time) {
	if f.built && f.at == l.seq.Load() {
		return
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if f.built {
		at, whole := l.changes(f.at, func(n id.ID) { f.change(l, n, now) })
		if whole {
			f.at = at
			f.cut()
			return
		}
	}
	f.build(l, now)
}

// build looks through the log from its end. The caller holds l.mu, too.
func (f *feed) build(l *log, now time.Time) {
	f.items, f.floor, f.at, f.built = nil, l.floor, l.seq.Load(), l.floor != newest
	if !f.built {
		return // nothing is loaded yet
	}
	l.down(newest, func(e *entry) bool {
		if e.id < l.floor {
			return false
		}
		if h := l.head(e); f.keeps(&h, now) {
			f.items = append(f.items, itemOf(&h))
		}
		if len(f.items) == feedFirst {
			f.floor = e.id
			return false
		}
		return true
	})
	slices.Reverse(f.items)
}

// change takes a status in, or out, that has changed. The caller holds l.mu, too.
func (f *feed) change(l *log, n id.ID, now time.Time) {
	if n < f.floor || n < l.floor { // or the log has dropped it since
		return
	}
	at := sort.Search(len(f.items), func(i int) bool { return f.items[i].id >= n })
	is := at < len(f.items) && f.items[at].id == n
	h, there := l.getLocked(n)
	switch is2 := there && f.keeps(&h, now); {
	case is2 && !is:
		f.items = slices.Insert(f.items, at, itemOf(&h))
	case is && !is2:
		f.items = slices.Delete(f.items, at, at+1)
	}
}

// cut forgets the oldest where there are too many.
func (f *feed) cut() {
	if over := len(f.items) - feedMost; over > feedOver {
		f.items = slices.Clone(f.items[over:])
		f.floor = f.items[0].id
	}
}

// down appends what stands in the timeline below top, newest first, until there are n, and returns from where the timeline is known: what is
// older must be looked for elsewhere.
func (f *feed) down(l *log, now time.Time, top id.ID, n int, dst []item) (got []item, floor id.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.follow(l, now)
	i := len(f.items)
	if i > 0 && top <= f.items[i-1].id {
		i = sort.Search(i, func(i int) bool { return f.items[i].id >= top })
	}
	for i--; i >= 0 && len(dst) < n; i-- {
		dst = append(dst, f.items[i])
	}
	return dst, f.floor
}

// up is down in the other direction. It returns false where bottom is below what is known.
func (f *feed) up(l *log, now time.Time, bottom id.ID, n int) (got []item, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.follow(l, now)
	if bottom < f.floor-1 {
		return nil, false
	}
	i := sort.Search(len(f.items), func(i int) bool { return f.items[i].id > bottom })
	return slices.Clone(f.items[i:min(len(f.items), i+n)]), true
}

// extend adds what was found below the timeline's floor, newest first; to is the floor then. It does nothing where the timeline has moved on.
func (f *feed) extend(rel *social.Relations, from, to id.ID, older []item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.built || f.rel != rel || f.floor != from || len(f.items)+len(older) > feedMost {
		return
	}
	items := make([]item, 0, len(f.items)+len(older)+16)
	for _, it := range slices.Backward(older) {
		items = append(items, it)
	}
	f.items, f.floor = append(items, f.items...), to
}

package timeline

import (
	"math"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

const (
	journalMost = 8192
	newest      = id.ID(math.MaxInt64) // above every id
)

// log holds the heads of the newest statuses in the order of their ids: everything from floor on. Safe for concurrent use.
//
// It is cut into segments, so that older ones can be put before it and the oldest dropped without moving the others. What is deleted
// leaves a stone, lest news of it that comes late, or twice, bring it back.
type log struct {
	most    int // heads kept, about
	segment int // heads of a segment, about

	seq atomic.Int64 // changes so far

	mu       sync.RWMutex
	segments [][]entry // ascending, none empty
	size     int
	floor    id.ID    // the log holds every status from here on
	loaded   bool     // floor will not fall any more
	journal  []id.ID  // ring: which status the change seq%len was about; shorter than the log, so that what changed is still there
	langs    []string // by entry.lang
	langOf   map[string]uint16
	visOf    map[social.Visibility]uint8
}

// entry is a head in few bytes; more holds what most have not.
type entry struct {
	id, account, boostOf, boostFrom, replyTo, replyFrom, group id.ID

	more  *more
	lang  uint16
	vis   uint8
	flags uint8
}

type more struct {
	quoteOf, quoteFrom id.ID
	mentions           []id.ID
	tags               []string
}

const (
	flagClosed uint8 = 1 << iota
	flagMedia
	flagHidden
	flagGone // deleted: this is its stone
	flagAway // its author is suspended
)

const flagsAbsent = flagGone | flagAway

var visibilities = []social.Visibility{social.Public, social.Unlisted, social.Followers, social.Direct, social.Town, social.Group}

func newLog(most int) *log {
	l := &log{most: most, segment: max(16, most/48), floor: newest, journal: make([]id.ID, min(journalMost, max(16, most/2))), langs: []string{""}, langOf: map[string]uint16{"": 0}, visOf: map[social.Visibility]uint8{}}
	for i, v := range visibilities {
		l.visOf[v] = uint8(i)
	}
	return l
}

// head returns an entry's head, without the time.
func (l *log) head(e *entry) social.Head {
	h := social.Head{
		ID: e.id, Account: e.account, Visibility: visibilities[e.vis], BoostOf: e.boostOf, BoostFrom: e.boostFrom, ReplyTo: e.replyTo,
		ReplyFrom: e.replyFrom, Group: e.group, Closed: e.flags&flagClosed != 0, Media: e.flags&flagMedia != 0, Hidden: e.flags&flagHidden != 0,
		Lang: l.langs[e.lang],
	}
	if e.more != nil {
		h.QuoteOf, h.QuoteFrom, h.Mentions, h.Tags = e.more.quoteOf, e.more.quoteFrom, e.more.mentions, e.more.tags
	}
	return h
}

// entryOf is the opposite of head; the caller holds mu.
func (l *log) entryOf(h *social.Head) entry {
	e := entry{
		id: h.ID, account: h.Account, boostOf: h.BoostOf, boostFrom: h.BoostFrom, replyTo: h.ReplyTo, replyFrom: h.ReplyFrom, group: h.Group, vis: l.visOf[h.Visibility],
	}
	lang, known := l.langOf[h.Lang]
	if !known && len(l.langs) < math.MaxUint16 {
		lang = uint16(len(l.langs))
		l.langs, l.langOf[h.Lang] = append(l.langs, h.Lang), lang
	}
	e.lang = lang
	for i, set := range [...]bool{h.Closed, h.Media, h.Hidden} {
		if set {
			e.flags |= 1 << i
		}
	}
	if h.QuoteOf != 0 || len(h.Mentions)+len(h.Tags) > 0 {
		e.more = &more{h.QuoteOf, h.QuoteFrom, slices.Clip(h.Mentions), slices.Clip(h.Tags)}
	}
	return e
}

// find returns where a status stands, or would stand; the caller holds mu.
func (l *log) find(n id.ID) (segment, at int, found bool) {
	segment = sort.Search(len(l.segments), func(i int) bool { return l.segments[i][0].id > n }) - 1
	if segment < 0 {
		return 0, 0, false
	}
	s := l.segments[segment]
	at = sort.Search(len(s), func(i int) bool { return s[i].id >= n })
	return segment, at, at < len(s) && s[at].id == n
}

// get returns a status' head, and false where the log does not hold it.
func (l *log) get(n id.ID) (social.Head, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.getLocked(n)
}

func (l *log) getLocked(n id.ID) (social.Head, bool) {
	s, at, found := l.find(n)
	if !found || l.segments[s][at].flags&flagsAbsent != 0 {
		return social.Head{}, false
	}
	return l.head(&l.segments[s][at]), true
}

// from returns from where on the log holds every status.
func (l *log) from() id.ID {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.floor
}

// put adds a status, or takes what is said now for what was known of it. One that is gone stays gone.
func (l *log) put(h *social.Head, replace bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.ID < l.floor && l.loaded {
		return // older than what is kept
	}
	s, at, found := l.find(h.ID)
	switch {
	case !found:
		l.insert(s, at, l.entryOf(h))
		l.trim()
	case replace && l.segments[s][at].flags&flagGone == 0:
		l.segments[s][at] = l.entryOf(h)
	default:
		return
	}
	l.changed(h.ID)
}

// remove leaves a stone in the place of a status.
func (l *log) remove(n id.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < l.floor && l.loaded {
		return
	}
	s, at, found := l.find(n)
	switch stone := (entry{id: n, flags: flagGone}); {
	case !found:
		l.insert(s, at, stone)
	case l.segments[s][at].flags&flagGone == 0:
		l.segments[s][at] = stone
	default:
		return
	}
	l.changed(n)
}

// insert puts an entry where find said; the caller holds mu.
func (l *log) insert(s, at int, e entry) {
	l.size++
	last := len(l.segments) - 1
	if last < 0 || s == last && at == len(l.segments[last]) && at >= l.segment {
		l.segments = append(l.segments, append(make([]entry, 0, l.segment), e))
		return
	}
	l.segments[s] = slices.Insert(l.segments[s], at, e)
}

// trim drops the oldest segments when there is more than enough; the caller holds mu.
func (l *log) trim() {
	for len(l.segments) > 1 && l.size-len(l.segments[0]) >= l.most {
		l.size -= len(l.segments[0])
		l.segments[0] = nil
		l.segments = l.segments[1:]
		l.floor, l.loaded = l.segments[0][0].id, true
	}
}

// changed notes a change; the caller holds mu.
func (l *log) changed(n id.ID) {
	seq := l.seq.Load()
	l.journal[seq%int64(len(l.journal))] = n
	l.seq.Store(seq + 1)
}

// changes calls fn for each status that has changed since seq, and returns where the changes end now. It returns false where there were too
// many to tell. The caller holds mu.
func (l *log) changes(seq int64, fn func(id.ID)) (now int64, whole bool) {
	now = l.seq.Load()
	if now-seq > int64(len(l.journal)) {
		return now, false
	}
	for ; seq < now; seq++ {
		fn(l.journal[seq%int64(len(l.journal))])
	}
	return now, true
}

// before puts a chunk of older statuses, newest first, before what is there: all that there are from floor on. It returns false where enough is
// loaded.
func (l *log) before(chunk []social.Head, floor id.ID) (on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded {
		return false
	}
	front := make([]entry, 0, len(chunk))
	for i := range slices.Backward(chunk) {
		s, at, found := l.find(chunk[i].ID)
		switch {
		case found: // it was posted or deleted meanwhile
		case len(l.segments) == 0 || chunk[i].ID < l.segments[0][0].id:
			front = append(front, l.entryOf(&chunk[i]))
		default:
			l.insert(s, at, l.entryOf(&chunk[i]))
		}
	}
	if len(front) > 0 {
		l.segments = slices.Insert(l.segments, 0, front)
		l.size += len(front)
	}
	l.floor, l.loaded = floor, floor == 0 || l.size >= l.most
	return !l.loaded
}

// down calls fn with the statuses below top, newest first, until it returns false. The caller holds mu.
func (l *log) down(top id.ID, fn func(e *entry) bool) {
	s, at, _ := l.find(top)
	if len(l.segments) == 0 {
		return
	}
	for ; s >= 0; s-- {
		seg := l.segments[s]
		for at--; at >= 0; at-- {
			if seg[at].flags&flagsAbsent == 0 && !fn(&seg[at]) {
				return
			}
		}
		if s > 0 {
			at = len(l.segments[s-1])
		}
	}
}

// up calls fn with the statuses above bottom, oldest first, until it returns false. The caller holds mu.
func (l *log) up(bottom id.ID, fn func(e *entry) bool) {
	s, at, found := l.find(bottom)
	if found {
		at++
	}
	for ; s < len(l.segments); s, at = s+1, 0 {
		seg := l.segments[s]
		for ; at < len(seg); at++ {
			if seg[at].flags&flagsAbsent == 0 && !fn(&seg[at]) {
				return
			}
		}
	}
}

// by returns the statuses of an account, also those that are away.
func (l *log) by(account id.ID) (ids []id.ID) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, seg := range l.segments {
		for i := range seg {
			if seg[i].account == account {
				ids = append(ids, seg[i].id)
			}
		}
	}
	return ids
}

// leave has a status stand nowhere until it is put again.
func (l *log) leave(n id.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, at, found := l.find(n); found && l.segments[s][at].flags&flagsAbsent == 0 {
		l.segments[s][at].flags |= flagAway
		l.changed(n)
	}
}

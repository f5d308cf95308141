package status

import (
	"container/list"
	"context"
	"sync"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// lru keeps values up to a number of bytes; those used longest ago go first. What is built of an older state of the database than the last
// drop of its key is not taken in: get gives the key's generation before the database is read, and put compares it.
type lru[V any] struct {
	mu   sync.Mutex
	most int
	size int
	by   map[id.ID]*list.Element
	used *list.List   // front: last used
	gens [1024]uint32 // count drops, of many keys each
}

type kept[V any] struct {
	key  id.ID
	v    V
	size int
}

func newLRU[V any](most int) *lru[V] {
	return &lru[V]{most: most, by: map[id.ID]*list.Element{}, used: list.New()}
}

// gen is where the drops of a key are counted. Ids end in a sequence and begin with a time: in between is the node.
func (l *lru[V]) gen(key id.ID) *uint32 { return &l.gens[(key^key>>22)%1024] }

// get fills into with the values of keys and leaves those that are missing as they are; gens with their generations, where it is not nil.
func (l *lru[V]) get(keys []id.ID, into []V, gens []uint32) (missing int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, k := range keys {
		e := l.by[k]
		if e == nil {
			missing++
			if gens != nil {
				gens[i] = *l.gen(k)
			}
			continue
		}
		l.used.MoveToFront(e)
		into[i] = e.Value.(*kept[V]).v
	}
	return missing
}

// put takes in a value that was built since get gave the generation; it is not taken where the key was dropped since.
func (l *lru[V]) put(gen uint32, key id.ID, v V, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if gen != *l.gen(key) {
		return
	}
	if e := l.by[key]; e != nil {
		l.cut(e)
	}
	l.by[key] = l.used.PushFront(&kept[V]{key, v, size})
	for l.size += size; l.size > l.most && l.used.Len() > 1; {
		l.cut(l.used.Back())
	}
}

func (l *lru[V]) cut(e *list.Element) {
	k := l.used.Remove(e).(*kept[V])
	delete(l.by, k.key)
	l.size -= k.size
}

func (l *lru[V]) drop(keys ...id.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		*l.gen(k)++
		if e := l.by[k]; e != nil {
			l.cut(e)
		}
	}
}

// dropIf drops the keys whose values match.
func (l *lru[V]) dropIf(match func(V) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next *list.Element
	for e := l.used.Front(); e != nil; e = next {
		next = e.Next()
		if k := e.Value.(*kept[V]); match(k.v) {
			*l.gen(k.key)++
			l.cut(e)
		}
	}
}

// expire drops a key and returns the generation to put with.
func (l *lru[V]) expire(key id.ID) uint32 {
	l.drop(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.gen(key)
}

// cache is the statuses and authors kept in memory, as bytes.
type cache struct {
	statuses *lru[*entry]
	accounts *lru[*account]
}

// maxAccounts is how many bytes of authors are kept.
const maxAccounts = 16 << 20

func newCache(statuses int) *cache {
	return &cache{newLRU[*entry](statuses), newLRU[*account](maxAccounts)}
}

// clear forgets everything.
func (c *cache) clear() {
	c.statuses.dropIf(func(*entry) bool { return true })
	c.accounts.dropIf(func(*account) bool { return true })
}

func (c *cache) drop(ids ...id.ID)         { c.statuses.drop(ids...) }
func (c *cache) dropAccount(account id.ID) { c.accounts.drop(account) }

// bits are a reader's marks on one status.
type bits uint8

const (
	bitFavourite bits = 1 << iota
	bitBookmark
	bitPin
	bitMute
	bitBoost
	bitVote
)

func bitOf(m social.Mark) bits {
	switch m {
	case social.Favourite:
		return bitFavourite
	case social.Bookmark:
		return bitBookmark
	case social.Pin:
		return bitPin
	case social.MuteTalk:
		return bitMute
	case markBoost:
		return bitBoost
	case markVote:
		return bitVote
	}
	return 0
}

// maxMarks is how many of a reader's marks are kept: those on the newest statuses. Of older ones the database is asked.
const maxMarks = 1000

// maxReaders is how many readers' marks are kept, and maxKept how many marks of all of them, some thirty bytes each.
const (
	maxReaders = 5000
	maxKept    = 500_000
)

// reader is what one reader has marked.
type reader struct {
	once  sync.Once
	err   error
	mu    sync.RWMutex
	ready bool
	size  int   // marks when it was loaded
	floor id.ID // every mark on statuses from here on is in marks
	marks map[id.ID]bits
	votes map[id.ID]string // choices with a space between, by status
}

// readers are the readers whose marks are in memory.
type readers struct {
	mu   sync.Mutex
	by   map[id.ID]*reader
	size int // marks of all that are loaded
}

// of returns a reader, whose marks are loaded.
func (rs *readers) of(ctx context.Context, d *db.DB, account id.ID) (*reader, error) {
	rs.mu.Lock()
	r := rs.by[account]
	if r == nil {
		if rs.by == nil || len(rs.by) >= maxReaders {
			rs.by, rs.size = map[id.ID]*reader{}, 0 // a load is two short queries: nothing is worth a list of who came when
		}
		r = &reader{}
		rs.by[account] = r
	}
	rs.mu.Unlock()
	r.once.Do(func() {
		if r.err = r.load(context.WithoutCancel(ctx), d, account); r.err == nil {
			rs.weigh(account, r)
		}
	})
	if r.err != nil {
		rs.drop(account)
	}
	return r, r.err
}

// weigh counts the marks of a reader who was loaded, and forgets the others where there are too many.
func (rs *readers) weigh(account id.ID, r *reader) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.by[account] != r {
		return
	}
	if r.size = len(r.marks); rs.size+r.size > maxKept {
		rs.by, rs.size = map[id.ID]*reader{account: r}, 0
	}
	rs.size += r.size
}

func (r *reader) load(ctx context.Context, d *db.DB, account id.ID) error {
	var ms []mark
	var mutes []mark
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if ms, err = newestMarks(ctx, tx, account, maxMarks); err != nil {
			return err
		}
		// Conversations are muted as a whole: the mark is on their first status, which is older than what is read.
		mutes, err = markedBy(ctx, tx, account, social.MuteTalk, 0, Newest, false, maxMarks)
		return err
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks, r.votes = make(map[id.ID]bits, len(ms)), map[id.ID]string{}
	if len(ms) == maxMarks {
		r.floor = ms[len(ms)-1].status + 1 // of this one some may be missing
	}
	for _, m := range append(ms, mutes...) {
		r.marks[m.status] |= bitOf(m.kind)
		if m.kind == markVote {
			r.votes[m.status] = m.value
		}
	}
	r.ready = true
	return nil
}

// set hears that a reader has marked a status, or taken a mark back. Of two changes at once it may hear in the wrong order: so it does not
// take over what it hears, but has the marks loaded anew where they say otherwise.
func (rs *readers) set(account, status id.ID, bit bits, on bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.by[account]
	if r == nil {
		return
	}
	r.mu.RLock()
	same := r.ready && r.marks[status]&bit != 0 == on
	r.mu.RUnlock()
	if !same {
		rs.forget(account)
	}
}

// drop has a reader's marks loaded anew.
func (rs *readers) drop(account id.ID) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.forget(account)
}

// forget is drop for who holds the lock.
func (rs *readers) forget(account id.ID) {
	if r := rs.by[account]; r != nil {
		rs.size -= r.size
		delete(rs.by, account)
	}
}

// dropVoters has the marks of those loaded anew who have voted in a status' poll.
func (rs *readers) dropVoters(status id.ID) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for account, r := range rs.by {
		r.mu.RLock()
		_, voted := r.votes[status]
		gone := voted || !r.ready
		r.mu.RUnlock()
		if gone {
			rs.forget(account)
		}
	}
}

// own is a reader's marks of the statuses of one reply.
type own struct {
	marks map[id.ID]bits
	votes map[id.ID]string
	older *own // of statuses below floor
	floor id.ID
}

// marksFor returns what a reader has marked among ids. done must be called.
func (s *Service) marksFor(ctx context.Context, account id.ID, ids []id.ID) (o own, done func(), err error) {
	if account == 0 {
		return own{}, func() {}, nil
	}
	r, err := s.readers.of(ctx, s.DB, account)
	if err != nil {
		return own{}, nil, err
	}
	r.mu.RLock()
	o = own{marks: r.marks, votes: r.votes, floor: r.floor}
	var old []id.ID
	for _, n := range ids {
		if n < r.floor {
			old = append(old, n)
		}
	}
	if len(old) == 0 {
		return o, r.mu.RUnlock, nil
	}
	r.mu.RUnlock()
	var ms []mark
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		ms, err = marksOf(ctx, tx, account, old)
		return err
	})
	if err != nil {
		return own{}, nil, err
	}
	o.older = &own{marks: map[id.ID]bits{}, votes: map[id.ID]string{}}
	for _, m := range ms {
		o.older.marks[m.status] |= bitOf(m.kind)
		if m.kind == markVote {
			o.older.votes[m.status] = m.value
		}
	}
	r.mu.RLock()
	return o, r.mu.RUnlock, nil
}

// of returns the marks on a status.
func (o *own) of(status id.ID) bits {
	if o.older != nil && status < o.floor {
		return o.older.marks[status]
	}
	return o.marks[status]
}

// muted reports whether a conversation is muted: those are in memory whatever their age.
func (o *own) muted(thread id.ID) bool { return o.marks[thread]&bitMute != 0 }

func (o *own) vote(status id.ID) string {
	if o.older != nil && status < o.floor {
		return o.older.votes[status]
	}
	return o.votes[status]
}

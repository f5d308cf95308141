// Package events is the event log, Stoa's backbone: whatever happens is appended once, in the transaction that makes it happen, and
// everything that reacts reads it from there.
//
// A slice calls Append inside its db.Write, after the conditional update that takes the row in question. Durable reactions (a
// notification, a figure, a job) Subscribe: each event is handled once over all nodes, in the transaction that moves the subscription's
// cursor. What every node must hear for itself (caches, open streams) Watches. A node with Run reads new events as soon as one of its own
// transactions has committed or the bus brings news, and in any case every second on PostgreSQL and every tenth of one on SQLite, because
// the bus may lose messages and other processes (the command line) write too.
//
// # Order
//
// Events are read in the order of seq, none is skipped, and a cursor is one number. On SQLite that needs nothing: there is one writer. On
// PostgreSQL numbers are given before transactions commit, and these commit in any order, so a reader must not go past a number that may
// still turn into an event. Before its first number a transaction takes a shared advisory lock whose key holds the number given last, the
// floor: all its numbers are higher. A reader looks first at M, the number given last; then at the lowest floor of those that hold a lock;
// then, in a new snapshot, at the events up to the lower of the two, its bound. Whoever has a number up to M had its lock before the
// first look. If it still runs at the second look its floor is seen and keeps the bound below its numbers; if not, it has ended, and as
// PostgreSQL releases locks only after a commit can be seen, the third look sees it. Whoever locks after the second look gets numbers
// above M. Looks that are late or stale only lower the bound.
//
// Per subject this is the order of commits, if writers of one subject take a row lock before they append. The order of transaction ids
// would not be: a transaction gets its id at its first write to anything, which may be long before another that started later
// has appended to the same subject and committed. See docs/adr/0003-event-order.md.
package events

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables event and event_cursor.
//
//go:embed schema/*.sql
var Schema embed.FS

// Payload is what happened, as a JSON object for encoding/json. The types stand in internal/contract.
type Payload interface {
	EventKind() string    // such as "order.placed"
	EventSubject() string // whom or what it is about, such as "order:123"
}

// Event is a stored event.
type Event struct {
	Seq     int64
	Subject string
	Kind    string
	At      time.Time // when it happened by the clock of the service that appended it, in UTC; Seq orders, not At
	Actor   id.ID     // the account that did it; zero where nobody did
	Data    json.RawMessage
}

// Handler handles one event within tx. It may run more than once for an event as long as its transaction has not committed: it must have
// no effect but through tx.
type Handler func(ctx context.Context, tx *db.Tx, e Event) error

// Log is the event log of a database. Safe for concurrent use.
type Log struct {
	db   *db.DB
	bus  Bus
	self []byte // tells this Log's news from that of other nodes

	wake  chan struct{} // capacity 1: there may be new events
	dirty atomic.Bool   // some of them are this node's own, and the others do not know yet
	news  func()        // announce, made once so that Append need not

	mu       sync.Mutex
	begun    bool  // start is set
	start    int64 // where Watch functions and new subscriptions begin
	watchers []func([]Event)
	subs     []*subscription

	watched atomic.Int64 // every event up to here has been given to the Watch functions
	moved   chan struct{}
}

// New returns the event log in d. The schema must be migrated before Append or Run is called.
func New(d *db.DB, bus Bus) *Log {
	l := &Log{db: d, bus: bus, self: []byte(id.Code(16)), wake: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
	l.news = l.announce
	return l
}

// Append stores an event within tx. It is read by others once tx has committed, and never if it does not. Append after the statement
// that takes the row the event is about: only then is the order of a subject's events the order of its changes.
func (l *Log) Append(ctx context.Context, tx *db.Tx, at time.Time, actor id.ID, p Payload) error {
	subject, kind := p.EventSubject(), p.EventKind()
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("events: encode %s of %s: %w", kind, subject, err)
	}
	if subject == "" || kind == "" {
		return fmt.Errorf("events: a %T has kind %q and subject %q; neither may be empty", p, kind, subject)
	}
	if err := insert(ctx, tx, subject, kind, at, actor, data); err != nil {
		return err
	}
	tx.AfterCommit(l.news)
	return nil
}

// announce wakes the relay. It runs in SQLite's writer, so it does no more than that.
func (l *Log) announce() {
	l.dirty.Store(true)
	l.poke()
}

func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it has been told already and has not looked yet
	}
}

// Watch has fn called with all new events, in order and without a gap, on every node that calls it, one call at a time. It begins at the
// log's end when the first Watch or Subscribe is called. fn must be quick, and must not keep or change the slice. To be called before Run.
func (l *Log) Watch(fn func([]Event)) {
	_ = l.begin(context.Background()) // Run tries again and tells
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers = append(l.watchers, fn)
}

// Subscribe has fn handle each event of the given kinds (all where none is given), once over all nodes and in order, in the transaction
// that moves the cursor stored under name. When fn fails or panics, this subscription waits (1 s at first, a minute at most) and tries
// the same event again; the others go on. A name that is new to the database begins at the log's end when the first Watch or
// Subscribe is called. To be called before Run.
func (l *Log) Subscribe(name string, kinds []string, fn Handler) { l.subscribe(name, kinds, false, fn) }

// SubscribeFromStart is Subscribe, but a name that is new to the database begins with the first event ever.
func (l *Log) SubscribeFromStart(name string, kinds []string, fn Handler) {
	l.subscribe(name, kinds, true, fn)
}

func (l *Log) subscribe(name string, kinds []string, fromStart bool, fn Handler) {
	_ = l.begin(context.Background()) // Run tries again and tells
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = append(l.subs, newSubscription(l, name, kinds, fromStart, fn))
}

// begin notes where the log ends now, once. When the database cannot tell yet, Run asks again.
func (l *Log) begin(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	l.begun, l.start = true, head
	l.watched.Store(head)
	return nil
}

// Head returns the seq up to which every event can be read. Events after it may be stored already, behind a transaction that still runs.
func (l *Log) Head(ctx context.Context) (int64, error) {
	if l.db.Dialect() == db.SQLite {
		var head int64
		err := l.db.Read(ctx, func(tx *db.Tx) (err error) {
			head, err = newest(ctx, tx)
			return err
		})
		return head, err
	}
	var bound int64
	// Two looks at the present, in this order; what is read up to the bound is read in another transaction, whose snapshot is newer.
	err := l.db.Read(ctx, func(tx *db.Tx) (err error) {
		if bound, err = given(ctx, tx); err != nil {
			return err
		}
		floor, none, err := lowestFloor(ctx, tx)
		if err == nil && !none {
			bound = min(bound, floor)
		}
		return err
	})
	return bound, err
}

// Watched returns the seq up to which this node's Watch functions have been given every event.
func (l *Log) Watched() int64 { return l.watched.Load() }

// Since returns the events with a higher seq than after, in order, at most limit.
func (l *Log) Since(ctx context.Context, after int64, limit int) ([]Event, error) {
	return l.read(ctx, func(tx *db.Tx, bound int64) ([]Event, error) { return between(ctx, tx, after, bound, limit) })
}

// SinceOf returns the events of the given subjects with a higher seq than after, in order, at most limit.
func (l *Log) SinceOf(ctx context.Context, subjects []string, after int64, limit int) ([]Event, error) {
	return l.read(ctx, func(tx *db.Tx, bound int64) ([]Event, error) {
		var all []Event
		for _, s := range subjects {
			es, err := ofSubject(ctx, tx, s, after, bound, limit)
			if err != nil {
				return nil, err
			}
			all = append(all, es...)
		}
		slices.SortFunc(all, func(a, b Event) int { return int(a.Seq - b.Seq) })
		return all[:min(limit, len(all))], nil
	})
}

// read runs fn in a snapshot that holds every event up to bound.
func (l *Log) read(ctx context.Context, fn func(tx *db.Tx, bound int64) ([]Event, error)) (es []Event, err error) {
	bound := int64(math.MaxInt64) // SQLite: whatever can be seen is whole
	if l.db.Dialect() == db.Postgres {
		if bound, err = l.Head(ctx); err != nil {
			return nil, err
		}
	}
	err = l.db.Read(ctx, func(tx *db.Tx) (err error) {
		es, err = fn(tx, bound)
		return err
	})
	return es, err
}

// Lag returns how far each subscription, by its name, is behind the log's end, in numbers given (on PostgreSQL a few of them are no
// events). The Watch functions stand under "watch". When the database cannot be reached it goes by the end last seen.
func (l *Log) Lag(ctx context.Context) map[string]int64 {
	head, err := l.Head(ctx)
	if err != nil {
		slog.WarnContext(ctx, "events: cannot read the log's end", "err", err)
		head = l.watched.Load()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := map[string]int64{"watch": max(0, head-l.watched.Load())}
	for _, s := range l.subs {
		lag[s.name] = max(0, head-s.pos.Load())
	}
	return lag
}

package events

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db"
)

const (
	busTopic = "events"
	pollEach = time.Second          // without news, on PostgreSQL
	pollLite = time.Second / 10     // on SQLite, where the bus does not bring the command line's news; a look takes some 30 µs
	pace     = 2 * time.Millisecond // after a reading of at least busy events: under load one serves many commits, alone none waits
	busy     = 8
	pageSize = 500 // events in one reading
)

// Run reads new events and hands them on until ctx ends; then it returns nil once all handlers have returned. It returns an error where it
// cannot begin: the database cannot be reached, or two subscriptions have one name. To be called once.
func (l *Log) Run(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return fmt.Errorf("events: begin: %w", err)
	}
	l.mu.Lock()
	subs, watchers := l.subs, l.watchers
	l.mu.Unlock()
	names := map[string]bool{}
	for _, s := range subs {
		if names[s.name] {
			return fmt.Errorf("events: two subscriptions are called %q", s.name)
		}
		names[s.name] = true
		if err := s.load(ctx, l.start); err != nil {
			return fmt.Errorf("events: begin %s: %w", s.name, err)
		}
	}
	cancel, err := l.bus.Subscribe(busTopic, func(from []byte) {
		if !bytes.Equal(from, l.self) {
			l.poke()
		}
	})
	if err != nil {
		return err
	}
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, s := range subs {
		wg.Go(func() { s.run(ctx) })
	}
	l.relay(ctx, watchers, subs)
	return nil
}

// pollEach returns how often the log is read without news.
func (l *Log) pollEach() time.Duration {
	if l.db.Dialect() == db.SQLite {
		return pollLite
	}
	return pollEach
}

// Tell waits until the running nodes have had the time to read what this process has appended; it returns at once where that is nothing.
// It is for a process without Run, such as a command beside a server: when it has ended, the server shows what it did.
func (l *Log) Tell(ctx context.Context) {
	if !l.dirty.Swap(false) {
		return
	}
	if err := l.bus.Publish(busTopic, l.self); err != nil {
		slog.WarnContext(ctx, "events: cannot tell the running nodes", "err", err) // they look by themselves
	}
	wait(ctx, l.pollEach()+50*time.Millisecond)
}

// relay reads whenever there may be something new.
func (l *Log) relay(ctx context.Context, watchers []func([]Event), subs []*subscription) {
	poll := time.NewTicker(l.pollEach())
	defer poll.Stop()
	down := false
	for ctx.Err() == nil {
		if l.dirty.Swap(false) {
			if err := l.bus.Publish(busTopic, l.self); err != nil {
				slog.WarnContext(ctx, "events: cannot tell the other nodes", "err", err)
			}
		}
		n, err := l.advance(ctx, watchers, subs)
		if err != nil && ctx.Err() == nil && !down {
			slog.ErrorContext(ctx, "events: cannot read the log; trying again every second", "err", err)
		}
		down = err != nil
		if n >= busy && !wait(ctx, pace) {
			return
		}
		wake := l.wake
		if down {
			wake = nil // news does not help
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-poll.C:
		}
	}
}

// advance reads everything new and hands it to the watchers and subscriptions. It returns how many events there were.
func (l *Log) advance(ctx context.Context, watchers []func([]Event), subs []*subscription) (n int, err error) {
	bound := int64(math.MaxInt64)
	if l.db.Dialect() == db.Postgres {
		if bound, err = l.Head(ctx); err != nil {
			return 0, err
		}
		if bound <= l.watched.Load() {
			return 0, nil
		}
	}
	for {
		from := l.watched.Load()
		var es []Event
		err := l.db.Read(ctx, func(tx *db.Tx) (err error) {
			es, err = between(ctx, tx, from, bound, pageSize)
			return err
		})
		if err != nil {
			return n, err
		}
		n += len(es)
		to := bound // no more events up to here
		if len(es) == pageSize || bound == math.MaxInt64 {
			to = from
			if len(es) > 0 {
				to = es[len(es)-1].Seq
			}
		}
		if len(es) > 0 {
			for _, w := range watchers {
				guard(ctx, w, es)
			}
		}
		l.watched.Store(to)
		for _, s := range subs {
			s.tell(from, to, es)
		}
		l.signalMoved()
		if len(es) < pageSize {
			return n, nil
		}
	}
}

// guard keeps a watcher's panic from the others.
func guard(ctx context.Context, w func([]Event), es []Event) {
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "events: a watcher panicked", "panic", p, "seq", es[0].Seq, "events", len(es), "stack", string(debug.Stack()))
		}
	}()
	w(es)
}

func (l *Log) signalMoved() {
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

// wait returns true after d, or false once ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Settle waits until this process's Watch functions and subscriptions have handled everything that was committed before the call, and what
// their handlers appended in doing so. It is for tests; it needs Run. It returns ctx's error with the name of what it waited for.
func (l *Log) Settle(ctx context.Context) error {
	for last := int64(-1); ; {
		var target int64
		err := l.db.Read(ctx, func(tx *db.Tx) (err error) {
			target, err = newest(ctx, tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("events: settle: %w", err)
		}
		if target == last {
			return nil
		}
		last = target
		l.poke()
		for behind := l.behind(target); behind != ""; behind = l.behind(target) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("events: settle: %s has not come to event %d: %w", behind, target, ctx.Err())
			case <-l.moved:
			case <-time.After(50 * time.Millisecond): // two callers may share one signal
			}
		}
	}
}

// behind returns the name of one who has not come to target, or "".
func (l *Log) behind(target int64) string {
	if l.watched.Load() < target {
		return "the relay"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.subs {
		if s.pos.Load() < target {
			return "subscription " + s.name
		}
	}
	return ""
}

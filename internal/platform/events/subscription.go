package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db"
)

const (
	batchSize   = 64               // events in one transaction; on SQLite other writers wait for it
	saveEach    = 30 * time.Second // how often a cursor that only passed over foreign kinds is stored
	firstWait   = time.Second      // after a failure
	longestWait = time.Minute
	// subPace is between two batches that were not full: under load a batch serves several commits.
	subPace = 5 * time.Millisecond
)

// subscription is one durable reader. On every node one goroutine works for it; the stored cursor decides who handles an event.
type subscription struct {
	log       *Log
	name      string
	kinds     []string
	fromStart bool
	fn        Handler
	query     string // reads the events of its kinds
	wake      chan struct{}

	// stored is the cursor in the database as this node knows it; only the goroutine uses it.
	stored int64
	// pos is how far this node knows that there is nothing left to handle, at least stored. The relay moves it over events of other kinds,
	// which costs no transaction.
	pos atomic.Int64
}

func newSubscription(l *Log, name string, kinds []string, fromStart bool, fn Handler) *subscription {
	s := &subscription{log: l, name: name, kinds: slices.Clone(kinds), fromStart: fromStart, fn: fn, wake: make(chan struct{}, 1)}
	if len(kinds) > 0 {
		s.query = ofKinds(len(kinds))
	}
	return s
}

// load reads the cursor, which it makes when the name is new.
func (s *subscription) load(ctx context.Context, start int64) error {
	if s.fromStart {
		start = 0
	}
	err := s.log.db.Write(ctx, func(tx *db.Tx) error { return addCursor(ctx, tx, s.name, start) })
	if err != nil {
		return err
	}
	return s.reload(ctx)
}

// reload takes over what other nodes have done.
func (s *subscription) reload(ctx context.Context) error {
	err := s.log.db.Read(ctx, func(tx *db.Tx) (err error) {
		s.stored, err = cursor(ctx, tx, s.name)
		return err
	})
	if err == nil && s.stored > s.pos.Load() {
		s.pos.Store(s.stored)
	}
	return err
}

// tell is called by the relay with all events in (from, to].
func (s *subscription) tell(from, to int64, es []Event) {
	if !slices.ContainsFunc(es, s.wants) && s.pos.CompareAndSwap(from, to) {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscription) wants(e Event) bool {
	return len(s.kinds) == 0 || slices.Contains(s.kinds, e.Kind)
}

// run handles events until ctx ends.
func (s *subscription) run(ctx context.Context) {
	save := time.NewTicker(saveEach)
	defer save.Stop()
	for delay := firstWait; ctx.Err() == nil; {
		more, err := s.step(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			slog.ErrorContext(ctx, "events: subscription failed; trying again", "subscription", s.name, "in", delay, "err", err)
			if !wait(ctx, delay) {
				return
			}
			delay = min(2*delay, longestWait)
			continue
		}
		delay = firstWait
		if more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-save.C:
			s.save(ctx)
		}
	}
}

// step handles up to batchSize events. More says that there may be others.
func (s *subscription) step(ctx context.Context) (more bool, err error) {
	from, bound := s.pos.Load(), s.log.watched.Load()
	if from >= bound {
		return false, nil
	}
	var es []Event
	err = s.log.db.Read(ctx, func(tx *db.Tx) error {
		es, err = s.read(ctx, tx, from, bound)
		return err
	})
	if err != nil {
		return false, err
	}
	to := bound
	if len(es) == batchSize {
		to = es[batchSize-1].Seq
	}
	if len(es) == 0 {
		s.pos.CompareAndSwap(from, to)
		s.log.signalMoved()
		return true, nil
	}
	err = s.handle(ctx, es, to)
	if err != nil && !errors.Is(err, errMoved) && len(es) > 1 && ctx.Err() == nil {
		// One by one, so that those before the bad one are done.
		for _, e := range es {
			if err = s.handle(ctx, []Event{e}, e.Seq); err != nil {
				break
			}
		}
	}
	if errors.Is(err, errMoved) {
		err = s.reload(ctx)
	}
	s.log.signalMoved()
	if err == nil && len(es) < batchSize && !wait(ctx, subPace) {
		return false, nil
	}
	return err == nil, err
}

func (s *subscription) read(ctx context.Context, tx *db.Tx, from, bound int64) ([]Event, error) {
	if s.query == "" {
		return between(ctx, tx, from, bound, batchSize)
	}
	args := make([]any, 0, 3+len(s.kinds))
	args = append(args, from, bound, batchSize)
	for _, k := range s.kinds {
		args = append(args, k)
	}
	return db.All(ctx, tx, scan, s.query, args...)
}

// handle runs the handler on es and moves the cursor to to, in one transaction.
func (s *subscription) handle(ctx context.Context, es []Event, to int64) (err error) {
	var at Event // where it was when it panicked
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "events: a handler panicked", "subscription", s.name, "kind", at.Kind, "seq", at.Seq, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("events: %s panicked on %s, event %d: %v", s.name, at.Kind, at.Seq, p)
		}
	}()
	err = s.log.db.Write(ctx, func(tx *db.Tx) error {
		// First, so that another node with the same events waits here and finds the cursor moved.
		if err := moveCursor(ctx, tx, s.name, s.stored, to); err != nil {
			return err
		}
		for _, at = range es {
			if err := s.fn(ctx, tx, at); err != nil {
				return fmt.Errorf("%s, event %d: %w", at.Kind, at.Seq, err)
			}
		}
		return nil
	})
	if err == nil {
		s.stored = to
		s.pos.Store(to)
	}
	return err
}

// save stores a cursor that has only passed over foreign kinds, so that the next start need not read them again.
func (s *subscription) save(ctx context.Context) {
	to := s.pos.Load()
	if to <= s.stored {
		return
	}
	err := s.log.db.Write(ctx, func(tx *db.Tx) error { return moveCursor(ctx, tx, s.name, s.stored, to) })
	switch {
	case err == nil:
		s.stored = to
	case errors.Is(err, errMoved):
		err = s.reload(ctx)
	}
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "events: cannot store a cursor", "subscription", s.name, "err", err)
	}
}

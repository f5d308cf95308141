package filter

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/cache"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Readable is what filters ask of statuses.
type Readable interface {
	// MayRead returns nil where the reader may read a status, else a NotFound error.
	MayRead(ctx context.Context, reader, status id.ID) error
}

// Service is what can be done with filters. Safe for concurrent use.
type Service struct {
	db       *db.DB
	log      *events.Log
	ids      *id.Source
	now      clock.Func
	statuses Readable
	ready    *cache.Cache[id.ID, *matcher] // by reader; nil: they have none
}

// New returns a Service.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, statuses Readable) *Service {
	return &Service{db: d, log: log, ids: ids, now: now, statuses: statuses, ready: cache.New[id.ID, *matcher](10_000)}
}

// React has this node forget the filters that changed on any node.
func (s *Service) React(log *events.Log) {
	log.Watch(func(list []events.Event) {
		for _, e := range list {
			var c social.FiltersChanged
			if e.Kind == social.KindFiltersChanged && json.Unmarshal(e.Data, &c) == nil {
				s.ready.Drop(c.By)
			}
		}
	})
}

// For returns what matches the reader's filters, or nil for a reader who has none.
func (s *Service) For(ctx context.Context, reader id.ID) (social.Matcher, error) {
	if reader == 0 {
		return nil, nil //nolint:nilnil // none is what most readers have
	}
	m, ok, mark := s.ready.Get(reader)
	if !ok {
		list, err := s.List(ctx, reader)
		if err != nil {
			return nil, err
		}
		m = compile(list, s.now)
		s.ready.Put(reader, m, mark)
	}
	if m == nil {
		return nil, nil //nolint:nilnil // see above
	}
	return m, nil
}

// List returns the owner's filters, oldest first.
func (s *Service) List(ctx context.Context, owner id.ID) (list []Filter, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err = load(ctx, tx, owner, 0)
		return err
	})
	return list, err
}

// Get returns one of the owner's filters, or a NotFound error.
func (s *Service) Get(ctx context.Context, owner, filter id.ID) (f *Filter, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		f, err = get(ctx, tx, owner, filter)
		return err
	})
	return f, err
}

// Input is what may be changed about a filter at once: nil leaves as it is.
type Input struct {
	Title    *string
	Context  *[]string
	Action   *string
	Expires  *time.Time // zero: never
	Keywords []KeywordInput
}

// KeywordInput changes the keyword ID, or adds one where ID is 0. Gone deletes it.
type KeywordInput struct {
	ID    id.ID
	Word  *string
	Whole *bool
	Gone  bool
}

func (in Input) over(f *Filter) error {
	set(&f.Title, in.Title)
	set(&f.Context, in.Context)
	set(&f.Action, in.Action)
	if in.Expires != nil {
		f.Expires = social.Time{Time: *in.Expires}
	}
	return f.check()
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Add adds a filter and returns it.
func (s *Service) Add(ctx context.Context, owner id.ID, in Input) (*Filter, error) {
	f := &Filter{FilterHead: social.FilterHead{ID: s.ids.Next()}}
	if err := in.over(f); err != nil {
		return nil, err
	}
	return s.change(ctx, owner, f.ID, func(tx *db.Tx) error {
		n, err := count(ctx, tx, owner)
		if err != nil {
			return err
		}
		if n >= maxFilters {
			return errs.New(errs.Invalid, "Validation failed: you have %d filters already: delete one first.", maxFilters)
		}
		if err := put(ctx, tx, owner, f); err != nil {
			return err
		}
		return s.words(ctx, tx, f, in.Keywords)
	})
}

// Edit changes one of the owner's filters and returns it.
func (s *Service) Edit(ctx context.Context, owner, filter id.ID, in Input) (*Filter, error) {
	return s.change(ctx, owner, filter, func(tx *db.Tx) error {
		f, err := get(ctx, tx, owner, filter)
		if err != nil {
			return err
		}
		if err := in.over(f); err != nil {
			return err
		}
		if err := put(ctx, tx, owner, f); err != nil {
			return err
		}
		return s.words(ctx, tx, f, in.Keywords)
	})
}

// words adds, changes and deletes keywords of a filter.
func (s *Service) words(ctx context.Context, tx *db.Tx, f *Filter, list []KeywordInput) error {
	n := len(f.Keywords)
	for _, in := range list {
		k := Keyword{ID: in.ID}
		if in.ID == 0 {
			k.ID = s.ids.Next()
			if n++; n > maxKeywords {
				return errs.New(errs.Invalid, "Validation failed: a filter has at most %d keywords.", maxKeywords)
			}
		} else {
			known := false
			for _, old := range f.Keywords {
				if old.ID == in.ID {
					k, known = old, true
				}
			}
			if !known {
				return errNone
			}
		}
		if in.Gone {
			if err := removeKeyword(ctx, tx, f.ID, k.ID); err != nil {
				return err
			}
			continue
		}
		set(&k.Word, in.Word)
		set(&k.Whole, in.Whole)
		if err := k.check(); err != nil {
			return err
		}
		if err := putKeyword(ctx, tx, f.ID, k); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes one of the owner's filters.
func (s *Service) Remove(ctx context.Context, owner, filter id.ID) error {
	return s.write(ctx, owner, func(tx *db.Tx) error {
		if _, err := get(ctx, tx, owner, filter); err != nil {
			return err
		}
		return remove(ctx, tx, filter)
	})
}

// OfKeyword returns the owner's filter that has a keyword, or a NotFound error.
func (s *Service) OfKeyword(ctx context.Context, owner, keyword id.ID) (*Filter, error) {
	return s.of(ctx, owner, keyword, ofKeyword)
}

// OfSingle returns the owner's filter that has a single status, by the single's own id, or a NotFound error.
func (s *Service) OfSingle(ctx context.Context, owner, single id.ID) (*Filter, error) {
	return s.of(ctx, owner, single, ofSingle)
}

func (s *Service) of(ctx context.Context, owner, part id.ID, find func(context.Context, *db.Tx, id.ID, id.ID) (id.ID, error)) (f *Filter, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		filter, err := find(ctx, tx, owner, part)
		if err != nil {
			return err
		}
		f, err = get(ctx, tx, owner, filter)
		return err
	})
	return f, err
}

// AddStatus has a filter catch a status that the owner may read, and returns the filter.
func (s *Service) AddStatus(ctx context.Context, owner, filter, status id.ID) (*Filter, error) {
	if err := s.statuses.MayRead(ctx, owner, status); err != nil {
		return nil, err
	}
	return s.change(ctx, owner, filter, func(tx *db.Tx) error {
		f, err := get(ctx, tx, owner, filter)
		if err != nil {
			return err
		}
		if len(f.Statuses) >= maxStatuses {
			return errs.New(errs.Invalid, "Validation failed: a filter has at most %d statuses.", maxStatuses)
		}
		return putSingle(ctx, tx, filter, Single{ID: s.ids.Next(), Status: status})
	})
}

// RemoveStatus takes a single status out of a filter.
func (s *Service) RemoveStatus(ctx context.Context, owner, filter, single id.ID) error {
	return s.write(ctx, owner, func(tx *db.Tx) error { return removeSingle(ctx, tx, filter, single) })
}

// change runs fn, tells everybody, and returns the filter as it is then.
func (s *Service) change(ctx context.Context, owner, filter id.ID, fn func(tx *db.Tx) error) (f *Filter, err error) {
	return f, s.write(ctx, owner, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		f, err = get(ctx, tx, owner, filter)
		return err
	})
}

func (s *Service) write(ctx context.Context, owner id.ID, fn func(tx *db.Tx) error) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		// On this node at once, so that whoever made the change sees it; the others hear of it by the event.
		tx.AfterCommit(func() { s.ready.Drop(owner) })
		return s.log.Append(ctx, tx, s.now(), owner, social.FiltersChanged{By: owner})
	})
}

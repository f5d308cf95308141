package list

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stoa-town/stoa/internal/base/cache"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Accounts shows accounts.
type Accounts interface {
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
}

// Graph knows who follows whom.
type Graph interface {
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
	// Forget has this node read a viewer's relations again: whom exclusive lists keep out of home is among them.
	Forget(viewer id.ID)
}

// Service is what can be done with lists. Safe for concurrent use.
type Service struct {
	db       *db.DB
	log      *events.Log
	ids      *id.Source
	now      clock.Func
	accounts Accounts
	graph    Graph
	lists    *cache.Cache[id.ID, *social.List] // by the list's id
}

// New returns a Service.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, accounts Accounts, graph Graph) *Service {
	return &Service{db: d, log: log, ids: ids, now: now, accounts: accounts, graph: graph, lists: cache.New[id.ID, *social.List](2000)}
}

// React has this node forget lists that changed on any node, and takes accounts out of the lists of those who follow them no more.
func (s *Service) React(log *events.Log) {
	log.Watch(func(list []events.Event) {
		for _, e := range list {
			var f social.Followed
			if e.Kind == social.KindFollowed && json.Unmarshal(e.Data, &f) == nil && f.Tie == social.TieList {
				s.lists.Drop(f.To)
			}
		}
	})
	log.Subscribe("list", []string{social.KindFollowed}, func(ctx context.Context, tx *db.Tx, e events.Event) error {
		var f social.Followed
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		if f.Tie != social.TieFollow || !f.Gone {
			return nil
		}
		in, err := with(ctx, tx, f.From, f.To)
		if err != nil || len(in) == 0 {
			return err
		}
		if _, err := leaveAll(ctx, tx, f.From, f.To); err != nil {
			return err
		}
		for _, l := range in {
			if err := s.tell(ctx, tx, f.From, l.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell says that a list of the owner's has changed. Followed carries the list's id in To.
func (s *Service) tell(ctx context.Context, tx *db.Tx, owner, list id.ID) error {
	tx.AfterCommit(func() {
		s.lists.Drop(list)
		s.graph.Forget(owner)
	})
	return s.log.Append(ctx, tx, s.now(), owner, social.Followed{From: owner, To: list, Tie: social.TieList})
}

// Lists returns the owner's lists with their members, oldest first.
func (s *Service) Lists(ctx context.Context, owner id.ID) (out []*social.List, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		if out, err = of(ctx, tx, owner); err != nil || len(out) == 0 {
			return err
		}
		return fill(ctx, tx, owner, out)
	})
	return out, err
}

// With returns those of the owner's lists that an account is a member of, without their members.
func (s *Service) With(ctx context.Context, owner, account id.ID) (out []*social.List, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = with(ctx, tx, owner, account)
		return err
	})
	return out, err
}

// List returns one of the owner's lists with its members, or a NotFound error. It is shared: nobody changes it.
func (s *Service) List(ctx context.Context, owner, list id.ID) (*social.List, error) {
	l, ok, mark := s.lists.Get(list)
	if !ok {
		err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			if l, err = get(ctx, tx, owner, list); err != nil {
				return err
			}
			l.Members, err = members(ctx, tx, list)
			return err
		})
		if err != nil {
			return nil, err
		}
		s.lists.Put(list, l, mark)
	}
	if l.Owner != owner {
		return nil, errNone
	}
	return l, nil
}

// Add adds a list and returns it.
func (s *Service) Add(ctx context.Context, owner id.ID, in Input) (*social.List, error) {
	l := &social.List{ID: s.ids.Next(), Owner: owner, Replies: "list"}
	if err := in.over(l); err != nil {
		return nil, err
	}
	return l, s.db.Write(ctx, func(tx *db.Tx) error {
		all, err := of(ctx, tx, owner)
		if err != nil {
			return err
		}
		if len(all) >= maxLists {
			return errs.New(errs.Invalid, "Validation failed: you have %d lists already: delete one first.", maxLists)
		}
		if err := put(ctx, tx, l); err != nil {
			return err
		}
		return s.tell(ctx, tx, owner, l.ID)
	})
}

// Edit changes one of the owner's lists and returns it without its members.
func (s *Service) Edit(ctx context.Context, owner, list id.ID, in Input) (l *social.List, err error) {
	return l, s.change(ctx, owner, list, func(tx *db.Tx, old *social.List) error {
		l = old
		if err := in.over(l); err != nil {
			return err
		}
		return put(ctx, tx, l)
	})
}

// Remove deletes one of the owner's lists.
func (s *Service) Remove(ctx context.Context, owner, list id.ID) error {
	return s.change(ctx, owner, list, func(tx *db.Tx, _ *social.List) error { return remove(ctx, tx, list) })
}

func (s *Service) change(ctx context.Context, owner, list id.ID, fn func(tx *db.Tx, l *social.List) error) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		l, err := get(ctx, tx, owner, list)
		if err != nil {
			return err
		}
		if err := fn(tx, l); err != nil {
			return err
		}
		return s.tell(ctx, tx, owner, list)
	})
}

// AddMembers adds accounts that the owner follows; their own account may stand in a list, too. It returns a NotFound error for others, and
// an Invalid one for an account that is in the list already.
func (s *Service) AddMembers(ctx context.Context, owner, list id.ID, accounts []id.ID) error {
	rel, err := s.graph.Relations(ctx, owner)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if _, follows := rel.Follows[a]; !follows && a != owner {
			return errs.New(errs.NotFound, "You follow no such account.")
		}
	}
	return s.change(ctx, owner, list, func(tx *db.Tx, _ *social.List) error {
		have, err := members(ctx, tx, list)
		if err != nil {
			return err
		}
		if len(have)+len(accounts) > maxMembers {
			return errs.New(errs.Invalid, "Validation failed: a list has at most %d members.", maxMembers)
		}
		for _, a := range accounts {
			added, err := addMember(ctx, tx, list, a, s.ids.Next())
			if err != nil {
				return err
			}
			if !added {
				return errs.InvalidField("account_ids", "Validation failed: this account is in the list already.")
			}
		}
		return nil
	})
}

// RemoveMembers takes accounts out of a list; whoever is not in it is passed over.
func (s *Service) RemoveMembers(ctx context.Context, owner, list id.ID, accounts []id.ID) error {
	return s.change(ctx, owner, list, func(tx *db.Tx, _ *social.List) error {
		for _, a := range accounts {
			if err := removeMember(ctx, tx, list, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// Members returns a page of a list's members, those added last first, and the places before and after it; 0 where there is no more.
func (s *Service) Members(ctx context.Context, owner, list, maxPlace, minPlace, sincePlace id.ID, limit int) (out []*social.Account, next, prev id.ID, err error) {
	var rows []member
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if _, err = get(ctx, tx, owner, list); err != nil {
			return err
		}
		if minPlace != 0 {
			rows, err = above(ctx, tx, list, minPlace, limit)
		} else {
			rows, err = page(ctx, tx, list, maxPlace, sincePlace, limit)
		}
		return err
	})
	if err != nil {
		return nil, 0, 0, err
	}
	ids := make([]id.ID, len(rows))
	for i, m := range rows {
		ids[i] = m.account
	}
	known, err := s.accounts.Entities(ctx, ids)
	if err != nil {
		return nil, 0, 0, err
	}
	out = []*social.Account{}
	for _, a := range ids {
		if e := known[a]; e != nil {
			out = append(out, e)
		}
	}
	if len(rows) > 0 {
		prev = rows[0].place
	}
	if len(rows) == limit {
		next = rows[len(rows)-1].place
	}
	return slices.Clip(out), next, prev, nil
}

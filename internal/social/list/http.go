package list

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers /api/v1/lists.
func (s *Service) Routes(rt *httpx.Router) {
	read, write := httpx.May("list.read"), httpx.May("list.write")
	mastodon.Handle(rt, "GET /api/v1/lists", read, s.all)
	mastodon.Handle(rt, "POST /api/v1/lists", write, s.add)
	mastodon.Handle(rt, "GET /api/v1/lists/{id}", read, s.one)
	mastodon.Handle(rt, "PUT /api/v1/lists/{id}", write, s.edit)
	mastodon.Handle(rt, "DELETE /api/v1/lists/{id}", write, s.remove)
	mastodon.Handle(rt, "GET /api/v1/lists/{id}/accounts", read, s.members)
	mastodon.Handle(rt, "POST /api/v1/lists/{id}/accounts", write, s.addMembers)
	mastodon.Handle(rt, "DELETE /api/v1/lists/{id}/accounts", write, s.removeMembers)
	mastodon.Handle(rt, "GET /api/v1/accounts/{id}/lists", read, s.with)
}

func views(all []*social.List, err error) (any, error) {
	out := make([]view, len(all))
	for i, l := range all {
		out[i] = viewOf(l)
	}
	return out, err
}

func (s *Service) all(r *mastodon.Request) (any, error) {
	return views(s.Lists(r.Context(), r.Actor().ID))
}

func (s *Service) with(r *mastodon.Request) (any, error) {
	account, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return views(s.With(r.Context(), r.Actor().ID, account))
}

func (s *Service) one(r *mastodon.Request) (any, error) {
	list, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	l, err := s.List(r.Context(), r.Actor().ID, list)
	if err != nil {
		return nil, err
	}
	return viewOf(l), nil
}

func (s *Service) add(r *mastodon.Request) (any, error) {
	var in Input
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	l, err := s.Add(r.Context(), r.Actor().ID, in)
	if err != nil {
		return nil, err
	}
	return viewOf(l), nil
}

func (s *Service) edit(r *mastodon.Request) (any, error) {
	list, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var in Input
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	l, err := s.Edit(r.Context(), r.Actor().ID, list, in)
	if err != nil {
		return nil, err
	}
	return viewOf(l), nil
}

func (s *Service) remove(r *mastodon.Request) (any, error) {
	list, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return nil, s.Remove(r.Context(), r.Actor().ID, list)
}

func (s *Service) members(r *mastodon.Request) (any, error) {
	list, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	p, err := r.Page(40, 80)
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("limit") == "0" { // all of them
		p.Limit = maxMembers
	}
	out, next, prev, err := s.Members(r.Context(), r.Actor().ID, list, p.MaxID, p.MinID, p.SinceID, p.Limit)
	if err != nil {
		return nil, err
	}
	r.LinkBy("max_id", next, "since_id", prev)
	return out, nil
}

// which is the accounts that a request names.
type which struct {
	Accounts []id.ID `json:"account_ids"`
}

func (s *Service) addMembers(r *mastodon.Request) (any, error) {
	return s.move(r, s.AddMembers)
}

func (s *Service) removeMembers(r *mastodon.Request) (any, error) {
	return s.move(r, s.RemoveMembers)
}

func (s *Service) move(r *mastodon.Request, fn func(ctx context.Context, owner, list id.ID, accounts []id.ID) error) (any, error) {
	list, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var in which
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	return nil, fn(r.Context(), r.Actor().ID, list, in.Accounts)
}

package conversation

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// How many are given at once, and at most.
const (
	usualLimit = 20
	mostLimit  = 40
)

// Routes registers the API.
func (s *Service) Routes(rt *httpx.Router) {
	write := httpx.May("conversation.write")
	mastodon.Handle(rt, "GET /api/v1/conversations", httpx.May("status.read"), s.handleList)
	mastodon.Handle(rt, "POST /api/v1/conversations/{id}/read", write, s.handleMark(false))
	mastodon.Handle(rt, "POST /api/v1/conversations/{id}/unread", write, s.handleMark(true))
	mastodon.Handle(rt, "DELETE /api/v1/conversations/{id}", write, func(r *mastodon.Request) (any, error) {
		i, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		return nil, s.Remove(r.Context(), r.Actor().ID, i)
	})
}

func (s *Service) handleList(r *mastodon.Request) (any, error) {
	p, err := r.Page(usualLimit, mostLimit)
	if err != nil {
		return nil, err
	}
	low := p.SinceID
	if p.MinID != 0 {
		low = p.MinID
	}
	account := r.Actor().ID
	rows, err := s.list(r.Context(), account, low, p.MaxID, p.MinID != 0, p.Limit)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		r.Link(rows[len(rows)-1].last, rows[0].last)
	}
	return s.render(r.Context(), account, rows)
}

func (s *Service) handleMark(unread bool) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		i, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		if err := s.Mark(r.Context(), r.Actor().ID, i, unread); err != nil {
			return nil, err
		}
		return s.OneJSON(r.Context(), r.Actor().ID, i)
	}
}

// entity is Mastodon's Conversation.
type entity struct {
	ID       id.ID             `json:"id"`
	Unread   bool              `json:"unread"`
	Accounts []*social.Account `json:"accounts"`
	Last     json.RawMessage   `json:"last_status"`
}

// OneJSON returns a conversation of an account's as bytes of Mastodon's API, or a NotFound error.
func (s *Service) OneJSON(ctx context.Context, account, conversation id.ID) (json.RawMessage, error) {
	r, err := s.get(ctx, account, conversation)
	if err != nil {
		return nil, err
	}
	list, err := s.render(ctx, account, []row{r})
	if err != nil {
		return nil, err
	}
	return json.Marshal(list[0])
}

func (s *Service) render(ctx context.Context, account id.ID, rows []row) ([]entity, error) {
	rel, found, err := s.around(ctx, account, rows)
	if err != nil {
		return nil, err
	}
	last := make([]id.ID, len(rows))
	for i := range rows {
		last[i] = rows[i].last
	}
	statuses, err := s.Statuses.JSON(ctx, rel, last, "")
	if err != nil {
		return nil, err
	}
	out := make([]entity, len(rows))
	for i := range rows {
		out[i] = entity{ID: rows[i].id, Unread: rows[i].unread, Accounts: people(&rows[i], found)}
		head := []byte(`{"id":"` + rows[i].last.String() + `"`) // each status begins with its id
		for _, b := range statuses {
			if bytes.HasPrefix(b, head) {
				out[i].Last = b
			}
		}
	}
	return out, nil
}

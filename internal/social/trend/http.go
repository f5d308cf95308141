package trend

import (
	"encoding/json"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers docs.joinmastodon.org/methods/trends and methods/admin/trends.
func (s *Service) Routes(rt *httpx.Router) {
	open, see, decide := httpx.GuestOr("status.read"), httpx.May("moderation.read"), httpx.May("moderation.write")
	for _, path := range []string{"GET /api/v1/trends", "GET /api/v1/trends/tags"} {
		mastodon.Handle(rt, path, open, s.handleTags(false, 10, 20))
	}
	mastodon.Handle(rt, "GET /api/v1/trends/links", open, s.handleLinks(false, 10, 20))
	mastodon.Handle(rt, "GET /api/v1/trends/statuses", open, s.handleStatuses(false, 20, 40))
	mastodon.Handle(rt, "GET /api/v1/admin/trends/tags", see, s.handleTags(true, 40, 100))
	mastodon.Handle(rt, "GET /api/v1/admin/trends/links", see, s.handleLinks(true, 40, 100))
	mastodon.Handle(rt, "GET /api/v1/admin/trends/statuses", see, s.handleStatuses(true, 40, 100))
	for part, kind := range map[string]Kind{"tags": Tags, "links": Links, "statuses": Statuses} {
		mastodon.Handle(rt, "POST /api/v1/admin/trends/"+part+"/{id}/approve", decide, s.handleDecide(kind, true))
		mastodon.Handle(rt, "POST /api/v1/admin/trends/"+part+"/{id}/reject", decide, s.handleDecide(kind, false))
	}
}

// span reads offset and limit.
func span(r *mastodon.Request, def, most int) (offset, limit int, err error) {
	var in struct {
		Offset int `json:"offset"`
	}
	if err := r.Decode(&in); err != nil {
		return 0, 0, err
	}
	p, err := r.Page(def, most)
	if err == nil && (in.Offset < 0 || in.Offset > 5000) {
		err = errs.InvalidField("offset", "The offset is a number from 0 to 5,000.")
	}
	return in.Offset, p.Limit, err
}

func (s *Service) handleTags(all bool, def, most int) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		offset, limit, err := span(r, def, most)
		if err != nil {
			return nil, err
		}
		return s.TagTrends(r.Context(), all, offset, limit)
	}
}

func (s *Service) handleLinks(all bool, def, most int) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		offset, limit, err := span(r, def, most)
		if err != nil {
			return nil, err
		}
		return s.LinkTrends(r.Context(), all, offset, limit)
	}
}

func (s *Service) handleStatuses(all bool, def, most int) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		offset, limit, err := span(r, def, most)
		if err != nil {
			return nil, err
		}
		ids, err := s.StatusTrends(r.Context(), all, offset, limit)
		if err != nil {
			return nil, err
		}
		rel, err := s.Relations(r.Context(), r.Actor().ID)
		if err != nil {
			return nil, err
		}
		out, err := s.Statuses.JSON(r.Context(), rel, ids, "public")
		if out == nil {
			out = []json.RawMessage{}
		}
		return out, err
	}
}

func (s *Service) handleDecide(kind Kind, allowed bool) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		name, err := url.PathUnescape(r.PathValue("id"))
		if err != nil {
			return nil, errs.New(errs.NotFound, "Record not found")
		}
		if kind == Statuses {
			n, err := id.Parse(name)
			if err != nil {
				return nil, errs.New(errs.NotFound, "Record not found")
			}
			heads, err := s.Statuses.Heads(r.Context(), []id.ID{n})
			if err != nil || len(heads) == 0 {
				return nil, errs.New(errs.NotFound, "Record not found")
			}
		}
		return nil, s.Decide(r.Context(), kind, name, allowed)
	}
}

package api

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Tags are the town's hashtags as moderators see them; social/trend has them.
type Tags interface {
	// List returns those that trend, also what waits for a moderator or was refused.
	List(ctx context.Context, offset, limit int) ([]any, error)
	// Tag returns one by its folded name, or a NotFound error.
	Tag(ctx context.Context, name string) (any, error)
	// Allow says whether one may trend.
	Allow(ctx context.Context, name string, may bool) error
}

// tagRoutes registers docs.joinmastodon.org/methods/admin/tags. A tag's id is its name. What may be changed is whether it may trend.
func (s *Service) tagRoutes(rt *httpx.Router) {
	see, do := httpx.May("moderation.read"), httpx.May("moderation.write")
	mastodon.Handle(rt, "GET /api/v1/admin/tags", see, func(r *mastodon.Request) (any, error) {
		var in struct {
			Offset int `json:"offset"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		p, err := r.Page(100, 200)
		if err == nil && (in.Offset < 0 || in.Offset > 5000) {
			err = errs.InvalidField("offset", "The offset is a number from 0 to 5,000.")
		}
		if err != nil {
			return nil, err
		}
		return s.Tags.List(r.Context(), in.Offset, p.Limit)
	})
	mastodon.Handle(rt, "GET /api/v1/admin/tags/{id}", see, func(r *mastodon.Request) (any, error) {
		return s.Tags.Tag(r.Context(), r.PathValue("id"))
	})
	mastodon.Handle(rt, "PUT /api/v1/admin/tags/{id}", do, func(r *mastodon.Request) (any, error) {
		var in struct {
			Trendable bool `json:"trendable"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		if _, err := s.Tags.Tag(r.Context(), r.PathValue("id")); err != nil {
			return nil, err
		}
		if r.Has("trendable") {
			if err := s.Tags.Allow(r.Context(), r.PathValue("id"), in.Trendable); err != nil {
				return nil, err
			}
		}
		return s.Tags.Tag(r.Context(), r.PathValue("id"))
	})
}

package announcement

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers what apps read and send (docs.joinmastodon.org/methods/announcements), and what admins do.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "GET /api/v1/announcements", httpx.May("profile.self"), func(r *mastodon.Request) (any, error) {
		var in struct {
			Away bool `json:"with_dismissed"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		return s.For(r.Context(), r.Actor().ID, in.Away)
	})
	mastodon.Handle(rt, "POST /api/v1/announcements/{id}/dismiss", httpx.May("profile.write"), func(r *mastodon.Request) (any, error) {
		i, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		return nil, s.Dismiss(r.Context(), r.Actor().ID, i)
	})
	for method, on := range map[string]bool{"PUT": true, "DELETE": false} {
		mastodon.Handle(rt, method+" /api/v1/announcements/{id}/reactions/{name}", httpx.May("favourite.write"), func(r *mastodon.Request) (any, error) {
			i, err := r.ID("id")
			if err != nil {
				return nil, err
			}
			return nil, s.Give(r.Context(), r.Actor().ID, i, r.PathValue("name"), on)
		})
	}
	s.restRoutes(rt)
}

// input is what an admin sends.
type input struct {
	Text      string    `json:"text" minLength:"1" maxLength:"20000" doc:"What everybody is to know: plain text with links, mentions and hashtags."`
	StartsAt  time.Time `json:"starts_at,omitzero" doc:"When what it speaks of begins."`
	EndsAt    time.Time `json:"ends_at,omitzero" doc:"It is not shown after this."`
	AllDay    bool      `json:"all_day,omitzero" doc:"Only the dates count."`
	PublishAt time.Time `json:"publish_at,omitzero" doc:"It is not shown before this; left out: at once."`
}

// full is an announcement as admins see it.
type full struct {
	ID id.ID `json:"id"`
	input
	UpdatedAt time.Time `json:"updated_at"`
	Shown     bool      `json:"shown" doc:"Everybody sees it now."`
}

func (s *Service) full(a *Announcement) full {
	return full{a.ID, input{a.Text, a.StartsAt, a.EndsAt, a.AllDay, a.PublishAt}, a.UpdatedAt, a.Shown(s.Now())}
}

type oneReply struct{ Body full }

type listReply struct {
	Body struct {
		Items []full `json:"items"`
	}
}

type addInput struct{ Body input }

type oneInput struct {
	ID string `path:"id" maxLength:"20"`
}

type changeInput struct {
	ID   string `path:"id" maxLength:"20"`
	Body input
}

// parse returns the announcement that an address names, or a NotFound error.
func parse(name string) (id.ID, error) {
	n, err := id.Parse(name)
	if err != nil || n == 0 {
		return 0, errNone
	}
	return n, nil
}

func (s *Service) restRoutes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Announcements"}, DefaultStatus: status}
	}
	may := httpx.May("admin.announcements")
	httpx.Operation(rt, op("GET", "/announcements", "list-announcements", "All announcements, the newest first", http.StatusOK), may, func(ctx context.Context, _ *struct{}) (*listReply, error) {
		all, err := s.All(ctx)
		out := &listReply{}
		out.Body.Items = []full{}
		for i := range all {
			out.Body.Items = append(out.Body.Items, s.full(&all[i]))
		}
		return out, err
	})
	httpx.Operation(rt, op("POST", "/announcements", "add-announcement", "Tell everybody something", http.StatusCreated), may, func(ctx context.Context, in *addInput) (*oneReply, error) {
		return s.save(ctx, 0, in.Body)
	})
	httpx.Operation(rt, op("PUT", "/announcements/{id}", "change-announcement", "Change an announcement", http.StatusOK), may, func(ctx context.Context, in *changeInput) (*oneReply, error) {
		n, err := parse(in.ID)
		if err != nil {
			return nil, err
		}
		return s.save(ctx, n, in.Body)
	})
	httpx.Operation(rt, op("DELETE", "/announcements/{id}", "remove-announcement", "Take an announcement back", http.StatusNoContent), may, func(ctx context.Context, in *oneInput) (*struct{}, error) {
		n, err := parse(in.ID)
		if err != nil {
			return nil, err
		}
		return nil, s.Remove(ctx, access.From(ctx), n)
	})
}

func (s *Service) save(ctx context.Context, announcement id.ID, in input) (*oneReply, error) {
	a, err := s.Save(ctx, access.From(ctx), Announcement{
		ID: announcement, Text: in.Text, StartsAt: in.StartsAt, EndsAt: in.EndsAt, AllDay: in.AllDay, PublishAt: in.PublishAt,
	})
	if err != nil {
		return nil, err
	}
	return &oneReply{s.full(a)}, nil
}

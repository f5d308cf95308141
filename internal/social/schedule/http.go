package schedule

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers what waits (docs.joinmastodon.org/methods/scheduled_statuses), and drafts.
func (s *Service) Routes(rt *httpx.Router) {
	read, write := httpx.May("status.read"), httpx.May("status.write")
	mastodon.Handle(rt, "GET /api/v1/scheduled_statuses", read, s.handleList)
	mastodon.Handle(rt, "GET /api/v1/scheduled_statuses/{id}", read, s.handleGet)
	mastodon.Handle(rt, "PUT /api/v1/scheduled_statuses/{id}", write, s.handleMove)
	mastodon.Handle(rt, "DELETE /api/v1/scheduled_statuses/{id}", write, s.handleDelete)

	op := func(method, path, id, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"Drafts"}, DefaultStatus: status, Security: []map[string][]string{{"bearer": {}}}}
	}
	httpx.Operation(rt, op("GET", "/drafts", "list-drafts", "My drafts, those changed last first", 200), read, s.restDrafts)
	httpx.Operation(rt, op("POST", "/drafts", "add-draft", "Keep a post that is not finished", 201), write, s.restAdd)
	httpx.Operation(rt, op("PUT", "/drafts/{id}", "change-draft", "Change a draft", 200), write, s.restChange)
	httpx.Operation(rt, op("DELETE", "/drafts/{id}", "delete-draft", "Delete a draft", 204), write, s.restDelete)
}

func (s *Service) handleList(r *mastodon.Request) (any, error) {
	p, err := r.Page(20, 40)
	if err != nil {
		return nil, err
	}
	out, err := s.List(r.Context(), r.Actor().ID, p)
	if err == nil && len(out) > 0 {
		r.Link(out[len(out)-1].ID, out[0].ID)
	}
	return out, err
}

func (s *Service) handleGet(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Get(r.Context(), r.Actor().ID, which)
}

func (s *Service) handleMove(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		At time.Time `json:"scheduled_at"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	return s.Move(r.Context(), r.Actor().ID, which, in.At)
}

func (s *Service) handleDelete(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return nil, s.Delete(r.Context(), r.Actor().ID, which)
}

// draftBody is a draft as it is sent.
type draftBody struct {
	Doc   map[string]any `json:"draft" doc:"What stands in the form: any names and values, 64 KB at most."`
	Media []string       `json:"media_ids,omitempty" maxItems:"8" doc:"Files that belong to it; they are kept as long as the draft."`
}

func (b draftBody) media() ([]id.ID, error) {
	out := make([]id.ID, len(b.Media))
	for i, m := range b.Media {
		n, err := id.Parse(m)
		if err != nil {
			return nil, errs.InvalidField("body.media_ids", "There is no such file.")
		}
		out[i] = n
	}
	return out, nil
}

type draftsOutput struct {
	Body struct {
		Drafts []Draft `json:"drafts"`
	}
}

type draftOutput struct{ Body Draft }

func (s *Service) restDrafts(ctx context.Context, _ *struct{}) (*draftsOutput, error) {
	out := &draftsOutput{}
	var err error
	out.Body.Drafts, err = s.Drafts(ctx, access.From(ctx).ID)
	return out, err
}

func (s *Service) restAdd(ctx context.Context, in *struct{ Body draftBody }) (*draftOutput, error) {
	return s.putDraft(ctx, 0, in.Body)
}

type changeInput struct {
	ID   string `path:"id" maxLength:"20"`
	Body draftBody
}

func (s *Service) restChange(ctx context.Context, in *changeInput) (*draftOutput, error) {
	which, err := id.Parse(in.ID)
	if err != nil || which == 0 {
		return nil, errNone
	}
	return s.putDraft(ctx, which, in.Body)
}

func (s *Service) putDraft(ctx context.Context, which id.ID, b draftBody) (*draftOutput, error) {
	media, err := b.media()
	if err != nil {
		return nil, err
	}
	d, err := s.PutDraft(ctx, access.From(ctx).ID, which, b.Doc, media)
	return &draftOutput{d}, err
}

func (s *Service) restDelete(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"20"`
},
) (*struct{}, error) {
	which, err := id.Parse(in.ID)
	if err != nil {
		return nil, errNone
	}
	return nil, s.DeleteDraft(ctx, access.From(ctx).ID, which)
}

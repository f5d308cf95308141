package tell

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// lettersBody says how often somebody wants a letter.
type lettersBody struct {
	Body struct {
		Every string `json:"every" enum:"never,daily,weekly" doc:"How often a letter tells what was missed."`
	}
}

func (s *Service) restRoutes(rt *httpx.Router) {
	op := huma.Operation{Method: http.MethodGet, Path: "/notifications/letters", OperationID: "letters-get", Summary: "How often I get a letter about what I missed", Tags: []string{"Notifications"}}
	httpx.Operation(rt, op, httpx.May("notification.read"), func(ctx context.Context, _ *struct{}) (*lettersBody, error) {
		out := &lettersBody{}
		var err error
		out.Body.Every, err = s.Every(ctx, access.From(ctx).ID)
		return out, err
	})
	op = huma.Operation{Method: http.MethodPut, Path: "/notifications/letters", OperationID: "letters-set", Summary: "Choose how often", Tags: []string{"Notifications"}}
	httpx.Operation(rt, op, httpx.May("notification.write"), func(ctx context.Context, in *lettersBody) (*lettersBody, error) {
		return in, s.SetEvery(ctx, access.From(ctx).ID, in.Body.Every)
	})
}

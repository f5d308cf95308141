package stripe

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages, the webhook and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{
			Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Payments"}, DefaultStatus: status,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	httpx.Operation(rt, op("GET", "/me/cards", "list-cards", "Cards that I keep for the next order", 200), httpx.May("order.place"), s.restCards)
	httpx.Operation(rt, op("DELETE", "/me/cards/{card}", "delete-card", "Forget a card", 204), httpx.May("order.place"), s.restRemoveCard)
	httpx.Operation(rt, op("GET", "/restaurants/{slug}/payouts-account", "read-payouts-account", "How a restaurant's own account at the payment service stands", 200),
		httpx.May("restaurant.manage"), s.restAccount)
	httpx.Operation(rt, op("POST", "/restaurants/{slug}/payouts-account", "connect-payouts-account", "A link at which the owner tells the payment service what it wants to know", 200),
		httpx.May("restaurant.manage"), s.restConnect)
	httpx.Operation(rt, op("GET", "/disputes", "list-disputes", "Charges that customers' banks take back, newest first", 200), httpx.May("admin.read"), s.restDisputes)
	rt.Page("GET /admin/disputes", httpx.May("admin.read"), s.showDisputes)
	rt.Raw("POST /webhooks/stripe", httpx.Anyone, s.webhook)
	s.pages(rt)
}

type cardsOutput struct {
	Body struct {
		Items []Card `json:"items"`
	}
}

func (s *Service) restCards(ctx context.Context, _ *struct{}) (*cardsOutput, error) {
	out := &cardsOutput{}
	var err error
	out.Body.Items, err = s.Cards(ctx)
	return out, err
}

type cardInput struct {
	Card string `path:"card" maxLength:"64"`
}

func (s *Service) restRemoveCard(ctx context.Context, in *cardInput) (*struct{}, error) {
	return nil, s.RemoveCard(ctx, in.Card)
}

type slugInput struct {
	Slug string `path:"slug" maxLength:"80"`
}

// PayoutsAccount is how a restaurant's own account stands.
type PayoutsAccount struct {
	State string   `json:"state" enum:"none,incomplete,ready"`
	Due   []string `json:"due" doc:"What the payment service wants to know still, in its words."`
}

type accountOutput struct{ Body PayoutsAccount }

func (s *Service) restAccount(ctx context.Context, in *slugInput) (*accountOutput, error) {
	_, a, err := s.PayoutAccount(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	due := a.Due()
	if due == nil {
		due = []string{}
	}
	return &accountOutput{PayoutsAccount{a.State(), due}}, nil
}

type linkOutput struct {
	Body struct {
		URL string `json:"url" doc:"Good for a few minutes, once."`
	}
}

func (s *Service) restConnect(ctx context.Context, in *slugInput) (*linkOutput, error) {
	out := &linkOutput{}
	var err error
	out.Body.URL, err = s.Connect(ctx, in.Slug)
	return out, err
}

type disputesOutput struct {
	Body struct {
		Items []Dispute `json:"items"`
	}
}

func (s *Service) restDisputes(ctx context.Context, _ *struct{}) (*disputesOutput, error) {
	out := &disputesOutput{}
	var err error
	out.Body.Items, err = s.Disputes(ctx)
	return out, err
}

package review

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the reviews' part of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Reviews"}, DefaultStatus: status}
	}
	mine := func(o huma.Operation) huma.Operation {
		o.Security = []map[string][]string{{"bearer": {}}}
		return o
	}
	s.pages(rt)
	write := httpx.May("status.write")
	httpx.Operation(rt, op("GET", "/restaurants/{slug}/reviews", "list-reviews", "What customers say of a restaurant, newest first", 200), httpx.GuestOr("status.read"), s.restList)
	httpx.Operation(rt, op("GET", "/reviews/{id}", "read-review", "A review", 200), httpx.GuestOr("status.read"), s.restGet)
	httpx.Operation(rt, mine(op("GET", "/orders/{id}/review", "read-order-review", "My review of an order", 200)), httpx.May("order.read"), s.restOfOrder)
	httpx.Operation(rt, mine(op("POST", "/orders/{id}/review", "review-order", "Review an order that has arrived, once", 201)), write, s.restCreate)
	httpx.Operation(rt, mine(op("PATCH", "/reviews/{id}", "change-review", "Change my review", 200)), write, s.restEdit)
	httpx.Operation(rt, mine(op("DELETE", "/reviews/{id}", "delete-review", "Delete my review", 204)), write, s.restDelete)
	httpx.Operation(rt, mine(op("PUT", "/reviews/{id}/answer", "answer-review", "Answer a review as the restaurant", 200)), write, s.restAnswer)
	httpx.Operation(rt, mine(op("DELETE", "/reviews/{id}/answer", "delete-review-answer", "Take the restaurant's answer back", 200)), write, s.restUnanswer)
	httpx.Operation(rt, mine(op("PUT", "/reviews/{id}/hidden", "hide-review", "Keep a review from everybody, or show it again", 200)), httpx.May("moderation.write"), s.restHide)
}

// AddressedByID is the path of everything about one review or order. It is exported because huma fills no embedded struct that is not.
type AddressedByID struct {
	ID string `path:"id" maxLength:"20"`
}

func (a AddressedByID) parse() (id.ID, error) {
	n, err := id.Parse(a.ID)
	if err != nil {
		return 0, errs.InvalidField("path.id", "This is not an id.")
	}
	return n, nil
}

type reviewOutput struct{ Body *Review }

// on does something with the review or order that a path names.
func on[I interface{ parse() (id.ID, error) }](in I, fn func(n id.ID) (*Review, error)) (*reviewOutput, error) {
	n, err := in.parse()
	if err != nil {
		return nil, err
	}
	r, err := fn(n)
	if err != nil {
		return nil, err
	}
	return &reviewOutput{r}, nil
}

// Listed is a page of a restaurant's reviews with its stars.
type Listed struct {
	page.Page[Review]
	Rating delivery.Rating            `json:"rating"`
	Dishes map[string]delivery.Rating `json:"dishes" doc:"Of the restaurant's dishes, by their ids; only on the first page."`
}

type listInput struct {
	Slug   string `path:"slug" maxLength:"80"`
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type listOutput struct{ Body Listed }

func (s *Service) restList(ctx context.Context, in *listInput) (*listOutput, error) {
	shop, err := s.Shops.ShopBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	out := Listed{Dishes: map[string]delivery.Rating{}}
	if out.Page, err = s.List(ctx, shop.ID, in.Cursor, in.Limit); err != nil {
		return nil, err
	}
	if out.Rating, err = s.Rating(ctx, shop.ID); err != nil {
		return nil, err
	}
	if in.Cursor == "" {
		dishes, err := s.DishRatings(ctx, shop.ID)
		if err != nil {
			return nil, err
		}
		for item, r := range dishes {
			out.Dishes[item.String()] = r
		}
	}
	return &listOutput{out}, nil
}

func (s *Service) restGet(ctx context.Context, in *AddressedByID) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.Get(ctx, n) })
}

func (s *Service) restOfOrder(ctx context.Context, in *AddressedByID) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.OfOrder(ctx, n) })
}

type writeInput struct {
	AddressedByID
	Body Input
}

func (s *Service) restCreate(ctx context.Context, in *writeInput) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.Create(ctx, n, in.Body) })
}

func (s *Service) restEdit(ctx context.Context, in *writeInput) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.Edit(ctx, n, in.Body) })
}

func (s *Service) restDelete(ctx context.Context, in *AddressedByID) (*struct{}, error) {
	n, err := in.parse()
	if err != nil {
		return nil, err
	}
	return nil, s.Delete(ctx, n)
}

type answerInput struct {
	AddressedByID
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"1000"`
	}
}

func (s *Service) restAnswer(ctx context.Context, in *answerInput) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.Answer(ctx, n, in.Body.Text) })
}

func (s *Service) restUnanswer(ctx context.Context, in *AddressedByID) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.Answer(ctx, n, "") })
}

type hideInput struct {
	AddressedByID
	Body struct {
		Hidden bool `json:"hidden"`
	}
}

func (s *Service) restHide(ctx context.Context, in *hideInput) (*reviewOutput, error) {
	return on(*in, func(n id.ID) (*Review, error) { return s.Hide(ctx, n, in.Body.Hidden) })
}

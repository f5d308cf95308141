package promo

import (
	"context"
	"errors"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{
			Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Promotions"}, DefaultStatus: status,
			Security: []map[string][]string{{"bearer": {}}},
		}
	}
	s.pages(rt)
	owner := httpx.May("restaurant.manage")
	httpx.Operation(rt, op("GET", "/promotions", "list-promotions", "Promotions of a restaurant, or, for admins, all; newest first", 200), owner, s.restList)
	httpx.Operation(rt, op("POST", "/promotions", "create-promotion", "Make a promotion. Owners make what their own restaurant bears, admins any", 201), owner, s.restCreate)
	httpx.Operation(rt, op("GET", "/promotions/{id}", "read-promotion", "A promotion", 200), owner, s.restGet)
	httpx.Operation(rt, op("PATCH", "/promotions/{id}", "change-promotion", "Change, pause, take up again or end a promotion", 200), owner, s.restChange)
	httpx.Operation(rt, op("DELETE", "/promotions/{id}", "end-promotion", "End a promotion for good; orders keep what they have of it", 204), owner, s.restEnd)
	httpx.Operation(rt, op("GET", "/promotions/{id}/uses", "list-promotion-uses", "The orders that have or had a promotion, newest first", 200), owner, s.restUses)
}

// AddressedByID is the path of a promotion. It is exported because huma fills no embedded struct that is not.
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

type output struct{ Body *Promotion }

type listInput struct {
	Restaurant string `query:"restaurant" maxLength:"80" doc:"Its slug. Left out: all, for admins."`
	Cursor     string `query:"cursor" maxLength:"200"`
	Limit      int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type listOutput struct{ Body page.Page[*Promotion] }

func (s *Service) restList(ctx context.Context, in *listInput) (*listOutput, error) {
	var restaurant id.ID
	if in.Restaurant != "" {
		shop, err := s.shops.ShopBySlug(ctx, in.Restaurant)
		if err != nil {
			return nil, err
		}
		restaurant = shop.ID
	}
	list, err := s.List(ctx, restaurant, in.Cursor, in.Limit)
	return &listOutput{list}, err
}

// NewPromotion is a promotion that is made.
type NewPromotion struct {
	Restaurant id.ID  `json:"restaurant,omitempty" doc:"Left out: the whole town, for admins."`
	Code       string `json:"code,omitempty" maxLength:"40" doc:"Letters and digits; left out: it applies by itself."`
	Rules
	Most   int64 `json:"most,omitempty" minimum:"0" doc:"How many orders may have it; 0: any number."`
	Each   int64 `json:"each,omitempty" minimum:"0" doc:"How many orders of one person may; 0: any number."`
	Paused bool  `json:"paused,omitempty" doc:"It does not hold yet."`
}

type createInput struct{ Body NewPromotion }

func (s *Service) restCreate(ctx context.Context, in *createInput) (*output, error) {
	p := Promotion{Restaurant: in.Body.Restaurant, Code: in.Body.Code, Rules: in.Body.Rules, Most: in.Body.Most, Each: in.Body.Each}
	if in.Body.Paused {
		p.State = Paused
	}
	out, err := s.Create(ctx, p)
	return &output{out}, err
}

func (s *Service) restGet(ctx context.Context, in *AddressedByID) (*output, error) {
	n, err := in.parse()
	if err != nil {
		return nil, err
	}
	p, err := s.Get(ctx, n)
	return &output{p}, err
}

// Changes is what is to be another; what is left out stays.
type Changes struct {
	State *State  `json:"state,omitempty" enum:"active,paused,ended"`
	Code  *string `json:"code,omitempty" maxLength:"40"`
	Most  *int64  `json:"most,omitempty" minimum:"0"`
	Each  *int64  `json:"each,omitempty" minimum:"0"`
	Rules *Rules  `json:"rules,omitempty" doc:"Replaces all rules."`
}

type changeInput struct {
	AddressedByID
	Body Changes
}

func (s *Service) restChange(ctx context.Context, in *changeInput) (*output, error) {
	n, err := in.parse()
	if err != nil {
		return nil, err
	}
	p, err := s.Change(ctx, n, func(p *Promotion) {
		set(&p.State, in.Body.State)
		set(&p.Code, in.Body.Code)
		set(&p.Most, in.Body.Most)
		set(&p.Each, in.Body.Each)
		set(&p.Rules, in.Body.Rules)
	})
	return &output{p}, inRules(err)
}

// inRules has the fields of an Invalid error be found where the body of a change has them: the rules are a part of it.
func inRules(err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return err
	}
	out := *e
	out.Fields = slices.Clone(e.Fields)
	for i, f := range out.Fields {
		switch f.Path {
		case "state", "code", "most", "each", "path.id":
		default:
			out.Fields[i].Path = "rules." + f.Path
		}
	}
	return &out
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s *Service) restEnd(ctx context.Context, in *AddressedByID) (*struct{}, error) {
	n, err := in.parse()
	if err != nil {
		return nil, err
	}
	_, err = s.SetState(ctx, n, Ended)
	return nil, err
}

type usesInput struct {
	AddressedByID
	Cursor string `query:"cursor" maxLength:"200"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100" doc:"20 where left out."`
}

type usesOutput struct{ Body page.Page[Use] }

func (s *Service) restUses(ctx context.Context, in *usesInput) (*usesOutput, error) {
	n, err := in.parse()
	if err != nil {
		return nil, err
	}
	list, err := s.Uses(ctx, n, in.Cursor, in.Limit)
	return &usesOutput{list}, err
}

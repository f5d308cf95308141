package search

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Routes registers the search of Mastodon's apps (docs.joinmastodon.org/methods/search), and Stoa's own, which finds food as well.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "GET /api/v2/search", httpx.GuestOr("search.read"), s.handleSearch)
	mastodon.Handle(rt, "GET /api/v1/search", httpx.GuestOr("search.read"), s.handleSearch)
	httpx.Operation(rt, huma.Operation{
		Method: "GET", Path: "/suggestions", OperationID: "suggest", Tags: []string{"Search"}, Summary: "What somebody may mean who types: people, hashtags, restaurants and dishes",
	}, httpx.GuestOr("search.read"), s.restSuggest)
}

// results are what is found (docs.joinmastodon.org/entities/Search).
type results struct {
	Accounts []*social.Account `json:"accounts"`
	Statuses []json.RawMessage `json:"statuses"`
	Tags     []Tag             `json:"hashtags"`
}

func (s *Service) handleSearch(r *mastodon.Request) (any, error) {
	var in struct {
		Q         string `json:"q"`
		Type      string `json:"type"`
		Following bool   `json:"following"`
		Account   id.ID  `json:"account_id"`
		Resolve   bool   `json:"resolve"`
		Offset    int    `json:"offset"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	page, err := r.Page(20, MaxLimit)
	if err != nil {
		return nil, err
	}
	q, viewer := strings.TrimSpace(in.Q), r.Actor().ID
	switch {
	case q == "":
		return nil, errs.InvalidField("q", "Say what to search for.")
	case in.Type != "" && in.Type != "accounts" && in.Type != "statuses" && in.Type != "hashtags":
		return nil, errs.InvalidField("type", "The type is accounts, statuses or hashtags.")
	case in.Offset < 0 || in.Offset > 5000:
		return nil, errs.InvalidField("offset", "The offset is a number from 0 to 5,000.")
	case viewer == 0 && (in.Offset > 0 || in.Resolve):
		return nil, errs.New(errs.Unauthenticated, "Sign in to see more results.")
	}
	if in.Type == "" {
		in.Offset = 0 // it counts within one kind
	}
	ctx, out := r.Context(), results{[]*social.Account{}, []json.RawMessage{}, []Tag{}}
	if in.Type == "" || in.Type == "accounts" {
		if out.Accounts, err = s.accounts(ctx, viewer, q, in.Following, in.Offset, page.Limit); err != nil {
			return nil, err
		}
	}
	if in.Type == "" || in.Type == "statuses" {
		if out.Statuses, err = s.statuses(ctx, viewer, q, Page{Below: page.MaxID, Over: max(page.MinID, page.SinceID), Offset: in.Offset, Limit: page.Limit, From: in.Account}); err != nil {
			return nil, err
		}
	}
	if in.Type == "" || in.Type == "hashtags" {
		out.Tags, err = s.FindTags(ctx, q, in.Offset, page.Limit)
	}
	return out, err
}

// accounts returns people by name or handle, or the one whose address here was typed.
func (s *Service) accounts(ctx context.Context, viewer id.ID, q string, following bool, offset, limit int) ([]*social.Account, error) {
	if rest, ok := strings.CutPrefix(q, s.URL()+"/@"); ok && !strings.Contains(rest, "/") {
		q = rest
	}
	if strings.HasPrefix(q, "#") {
		return []*social.Account{}, nil
	}
	out, err := s.People.Find(ctx, viewer, strings.TrimPrefix(q, "@"), following, offset, limit)
	if out == nil {
		out = []*social.Account{}
	}
	return out, err
}

// statuses returns what is found as the reader sees it; the one whose address here was typed is found by whoever may read it.
func (s *Service) statuses(ctx context.Context, viewer id.ID, q string, p Page) ([]json.RawMessage, error) {
	ids, err := s.FindStatuses(ctx, viewer, q, p)
	if err != nil {
		return nil, err
	}
	if rest, ok := strings.CutPrefix(q, s.URL()+"/"); ok {
		if n, err := id.Parse(rest[strings.LastIndexByte(rest, '/')+1:]); err == nil {
			ids = []id.ID{n}
		}
	}
	rel, err := s.Graph.Relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	out, err := s.Deps.Statuses.JSON(ctx, rel, ids, "")
	if out == nil {
		out = []json.RawMessage{}
	}
	return out, err
}

type suggestOutput struct {
	Body struct {
		Accounts    []suggestedAccount `json:"accounts"`
		Tags        []suggestedTag     `json:"hashtags"`
		Restaurants []social.ShopCard  `json:"restaurants"`
		Dishes      []social.DishCard  `json:"dishes"`
	}
}

type suggestedAccount struct {
	ID     id.ID  `json:"id"`
	Acct   string `json:"acct"`
	Name   string `json:"name"`
	Avatar string `json:"avatar"`
}

type suggestedTag struct {
	Name string `json:"name"`
	Uses int64  `json:"uses"`
}

// suggested is how many of each kind are suggested.
const suggested = 5

func (s *Service) restSuggest(ctx context.Context, in *struct {
	Q string `query:"q" required:"true" minLength:"1" maxLength:"300" doc:"What was typed so far."`
},
) (*suggestOutput, error) {
	in.Q = text.Clean(in.Q, MaxQuery)
	people, err := s.accounts(ctx, access.From(ctx).ID, in.Q, false, 0, suggested)
	if err != nil {
		return nil, err
	}
	tags, err := s.FindTags(ctx, in.Q, 0, suggested)
	if err != nil {
		return nil, err
	}
	out := &suggestOutput{}
	if out.Body.Restaurants, out.Body.Dishes, err = s.FindFood(ctx, in.Q, suggested); err != nil {
		return nil, err
	}
	out.Body.Accounts, out.Body.Tags = make([]suggestedAccount, len(people)), make([]suggestedTag, len(tags))
	for i, p := range people {
		out.Body.Accounts[i] = suggestedAccount{p.ID, p.Acct, p.DisplayName, p.Avatar}
	}
	for i, t := range tags {
		out.Body.Tags[i] = suggestedTag{t.Name, t.Uses}
	}
	return out, nil
}

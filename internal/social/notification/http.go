package notification

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// How many are given at once, and at most.
const (
	usualLimit = 40
	mostLimit  = 80
)

// Routes registers the API.
func (s *Service) Routes(rt *httpx.Router) {
	read, write := httpx.May("notification.read"), httpx.May("notification.write")
	mastodon.Handle(rt, "GET /api/v1/notifications", read, s.handleList)
	mastodon.Handle(rt, "GET /api/v1/notifications/unread_count", read, s.handleUnread)
	mastodon.Handle(rt, "POST /api/v1/notifications/clear", write, func(r *mastodon.Request) (any, error) {
		return nil, s.Clear(r.Context(), r.Actor().ID)
	})
	mastodon.Handle(rt, "GET /api/v1/notifications/{id}", read, s.handleOne)
	mastodon.Handle(rt, "POST /api/v1/notifications/{id}/dismiss", write, byID(s.Dismiss))
	for _, v := range []string{"v1", "v2"} {
		mastodon.Handle(rt, "GET /api/"+v+"/notifications/policy", read, s.handlePolicy)
		mastodon.Handle(rt, "PUT /api/"+v+"/notifications/policy", write, s.handleSetPolicy)
		mastodon.Handle(rt, "PATCH /api/"+v+"/notifications/policy", write, s.handleSetPolicy)
	}
	mastodon.Handle(rt, "GET /api/v1/notifications/requests", read, s.handleRequests)
	mastodon.Handle(rt, "GET /api/v1/notifications/requests/merged", read, func(*mastodon.Request) (any, error) {
		return map[string]bool{"merged": true}, nil // to accept is to have merged
	})
	mastodon.Handle(rt, "GET /api/v1/notifications/requests/{id}", read, s.handleRequest)
	mastodon.Handle(rt, "POST /api/v1/notifications/requests/accept", write, byIDs(s.AcceptRequests))
	mastodon.Handle(rt, "POST /api/v1/notifications/requests/dismiss", write, byIDs(s.DismissRequests))
	mastodon.Handle(rt, "POST /api/v1/notifications/requests/{id}/accept", write, byPathID(s.AcceptRequests))
	mastodon.Handle(rt, "POST /api/v1/notifications/requests/{id}/dismiss", write, byPathID(s.DismissRequests))

	mastodon.Handle(rt, "GET /api/v2/notifications", read, s.handleGroups)
	mastodon.Handle(rt, "GET /api/v2/notifications/unread_count", read, s.handleUnreadGroups)
	mastodon.Handle(rt, "GET /api/v2/notifications/{key}", read, s.handleGroup)
	mastodon.Handle(rt, "GET /api/v2/notifications/{key}/accounts", read, s.handleGroupAccounts)
	mastodon.Handle(rt, "POST /api/v2/notifications/{key}/dismiss", write, func(r *mastodon.Request) (any, error) {
		return nil, s.DismissGroup(r.Context(), r.Actor().ID, r.PathValue("key"))
	})
}

// byID is the handler of a deed with one thing of the actor's, named in the path.
func byID(do func(ctx context.Context, account, thing id.ID) error) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		i, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		return nil, do(r.Context(), r.Actor().ID, i)
	}
}

func byPathID(do func(ctx context.Context, account id.ID, things ...id.ID) error) mastodon.Handler {
	return byID(func(ctx context.Context, account, one id.ID) error { return do(ctx, account, one) })
}

// byIDs is the handler of a deed with several things, named in the input.
func byIDs(do func(ctx context.Context, account id.ID, things ...id.ID) error) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		var in struct {
			ID []id.ID `json:"id"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		if len(in.ID) > mostLimit {
			return nil, errs.InvalidField("id", "Validation failed: name at most %d at once.", mostLimit)
		}
		return nil, do(r.Context(), r.Actor().ID, in.ID...)
	}
}

// queryOf reads what a request asks for. It reads the address alone: this is the way that apps come most often.
func queryOf(r *mastodon.Request, usual, most int) (Query, url.Values, error) {
	p, err := r.Page(usual, most)
	if err != nil {
		return Query{}, nil, err
	}
	q := Query{MaxID: p.MaxID, SinceID: p.SinceID, MinID: p.MinID, Limit: p.Limit}
	if r.URL.RawQuery == "" {
		return q, nil, nil
	}
	v := r.URL.Query()
	list := func(name string) []string { return append(v[name+"[]"], v[name]...) }
	q.Types, q.Exclude, q.Group = list("types"), list("exclude_types"), list("grouped_types")
	if text := v.Get("account_id"); text != "" {
		if q.From, err = id.Parse(text); err != nil {
			return q, v, errNone
		}
	}
	switch v.Get("include_filtered") {
	case "true", "True", "1", "on":
		q.Held = true
	}
	return q, v, nil
}

func (s *Service) handleList(r *mastodon.Request) (any, error) {
	q, _, err := queryOf(r, usualLimit, mostLimit)
	if err != nil {
		return nil, err
	}
	body, first, last, err := s.Append(r.Context(), r.Buffer(), r.Actor().ID, q)
	if err != nil {
		return nil, err
	}
	r.Link(last, first)
	return body, nil
}

func (s *Service) handleOne(r *mastodon.Request) (any, error) {
	i, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return s.OneJSON(r.Context(), r.Actor().ID, i)
}

// How many unread ones are counted.
const (
	usualCount = 100
	mostCount  = 1000
)

type countReply struct {
	Count int `json:"count"`
}

func (s *Service) handleUnread(r *mastodon.Request) (any, error) {
	q, _, err := queryOf(r, usualCount, mostCount)
	if err != nil {
		return nil, err
	}
	q.MaxID, q.MinID = 0, 0
	n, err := s.CountUnread(r.Context(), r.Actor().ID, q, q.Limit)
	return countReply{n}, err
}

func (s *Service) handleUnreadGroups(r *mastodon.Request) (any, error) {
	q, _, err := queryOf(r, usualCount, mostCount)
	if err != nil {
		return nil, err
	}
	q.MaxID, q.MinID = 0, 0
	n, err := s.UnreadGroups(r.Context(), r.Actor().ID, q, q.Limit)
	return countReply{n}, err
}

func (s *Service) handleGroups(r *mastodon.Request) (any, error) {
	q, v, err := queryOf(r, usualLimit, mostLimit)
	if err != nil {
		return nil, err
	}
	avatars := false
	switch how := v.Get("expand_accounts"); how {
	case "", "full":
	case "partial_avatars":
		avatars = true
	default:
		return nil, errs.InvalidField("expand_accounts", "Validation failed: expand_accounts is full or partial_avatars.")
	}
	rel, err := s.Graph.Relations(r.Context(), r.Actor().ID)
	if err != nil {
		return nil, err
	}
	list, first, last, err := s.groups(r.Context(), rel, &q)
	if err != nil {
		return nil, err
	}
	r.Link(last, first)
	return s.render(r.Context(), r.Buffer(), rel, list, avatars, true)
}

func (s *Service) handleGroup(r *mastodon.Request) (any, error) {
	rel, err := s.Graph.Relations(r.Context(), r.Actor().ID)
	if err != nil {
		return nil, err
	}
	g, _, err := s.oneGroup(r.Context(), rel.Viewer, r.PathValue("key"), maxScanned)
	if err != nil {
		return nil, err
	}
	return s.render(r.Context(), nil, rel, []*Group{g}, false, false)
}

func (s *Service) handleGroupAccounts(r *mastodon.Request) (any, error) {
	_, rows, err := s.oneGroup(r.Context(), r.Actor().ID, r.PathValue("key"), maxScanned)
	if err != nil {
		return nil, err
	}
	ids, seen := []id.ID{}, map[id.ID]bool{}
	for _, n := range rows {
		if !seen[n.From] {
			seen[n.From], ids = true, append(ids, n.From)
		}
	}
	found, err := s.accountJSON(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	out := []json.RawMessage{}
	for _, i := range ids {
		if b := found[i]; b != nil {
			out = append(out, b)
		}
	}
	return out, nil
}

// summary is what waits because of a policy.
type summary struct {
	Requests int `json:"pending_requests_count"`
	Held     int `json:"pending_notifications_count"`
}

// first is the policy as the first version of the API has it.
type first struct {
	NotFollowing    bool    `json:"filter_not_following"`
	NotFollowers    bool    `json:"filter_not_followers"`
	NewAccounts     bool    `json:"filter_new_accounts"`
	PrivateMentions bool    `json:"filter_private_mentions"`
	Summary         summary `json:"summary"`
}

func isFirst(r *mastodon.Request) bool { return r.URL.Path == "/api/v1/notifications/policy" }

func (s *Service) handlePolicy(r *mastodon.Request) (any, error) {
	p, requests, held, err := s.Policy(r.Context(), r.Actor().ID)
	if err != nil {
		return nil, err
	}
	sum := summary{requests, held}
	if isFirst(r) {
		return first{p.NotFollowing != Accept, p.NotFollowers != Accept, p.NewAccounts != Accept, p.PrivateMentions != Accept, sum}, nil
	}
	return struct {
		Policy
		Summary summary `json:"summary"`
	}{p, sum}, nil
}

func (s *Service) handleSetPolicy(r *mastodon.Request) (any, error) {
	account := r.Actor().ID
	p, err := s.policy(r.Context(), account)
	if err != nil {
		return nil, err
	}
	if isFirst(r) {
		var in struct {
			NotFollowing    *bool `json:"filter_not_following"`
			NotFollowers    *bool `json:"filter_not_followers"`
			NewAccounts     *bool `json:"filter_new_accounts"`
			PrivateMentions *bool `json:"filter_private_mentions"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		set(&p.NotFollowing, in.NotFollowing)
		set(&p.NotFollowers, in.NotFollowers)
		set(&p.NewAccounts, in.NewAccounts)
		set(&p.PrivateMentions, in.PrivateMentions)
	} else if err := r.Decode(&p); err != nil {
		return nil, err
	}
	if err := s.SetPolicy(r.Context(), account, p); err != nil {
		return nil, err
	}
	return s.handlePolicy(r)
}

func set(v *Verdict, hold *bool) {
	switch {
	case hold == nil:
	case *hold:
		*v = Filter
	default:
		*v = Accept
	}
}

func (s *Service) handleRequests(r *mastodon.Request) (any, error) {
	p, err := r.Page(usualLimit, mostLimit)
	if err != nil {
		return nil, err
	}
	low := p.SinceID
	if p.MinID != 0 {
		low = p.MinID
	}
	list, err := s.Requests(r.Context(), r.Actor().ID, low, p.MaxID, p.MinID != 0, p.Limit)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		r.Link(list[len(list)-1].ID, list[0].ID)
	}
	return s.renderRequests(r.Context(), r.Actor().ID, list)
}

func (s *Service) handleRequest(r *mastodon.Request) (any, error) {
	i, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	one, err := s.GetRequest(r.Context(), r.Actor().ID, i)
	if err != nil {
		return nil, err
	}
	list, err := s.renderRequests(r.Context(), r.Actor().ID, []Request{one})
	if err == nil && len(list) == 0 {
		err = errNone
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

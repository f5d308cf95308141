// Package api is how Mastodon's apps reach statuses (docs.joinmastodon.org/methods/statuses, /methods/polls).
//
// What Stoa adds to Mastodon's fields of a post: as (a handle: post for a restaurant or a group), local_only or visibility=town, group_id,
// reply_policy (everybody, followers, mentioned, nobody), and attach[kind] with attach[id] (a dish, restaurant, event or review).
package api

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/status"
)

// Later keeps statuses until their time.
type Later interface {
	// Later keeps a status and returns it as the API shows what waits. params is what its author's app has sent.
	Later(ctx context.Context, account id.ID, at time.Time, doc status.Draft, params json.RawMessage) (any, error)
}

// Faces are accounts and whom people speak for.
type Faces interface {
	// ActAs returns the profile with a handle, or an error where the actor may not speak for it.
	ActAs(ctx context.Context, actor access.Actor, handle string) (id.ID, error)
	// Entities returns accounts as everybody sees them.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
}

// API serves statuses.
type API struct {
	statuses  *status.Service
	relations status.Relations
	faces     Faces
	later     Later
}

// New returns an API.
func New(statuses *status.Service, relations status.Relations, faces Faces, later Later) *API {
	return &API{statuses, relations, faces, later}
}

// Routes registers the routes.
func (a *API) Routes(rt *httpx.Router) {
	read, write := httpx.GuestOr("status.read"), httpx.May("status.write")
	handle := func(pattern string, g httpx.Guard, h mastodon.Handler) { mastodon.Handle(rt, pattern, g, h) }
	handle("GET /api/v1/statuses", read, a.list)
	handle("GET /api/v1/statuses/{id}", read, a.get)
	handle("GET /api/v1/statuses/{id}/context", read, a.context)
	handle("GET /api/v1/statuses/{id}/history", read, a.history)
	handle("GET /api/v1/statuses/{id}/card", read, a.card)
	handle("GET /api/v1/statuses/{id}/favourited_by", read, a.who(social.Favourite))
	handle("GET /api/v1/statuses/{id}/reblogged_by", read, a.who(status.Boosted))
	handle("GET /api/v1/statuses/{id}/quotes", read, a.quotes)
	handle("GET /api/v1/statuses/{id}/source", httpx.May("status.read"), a.source)
	handle("POST /api/v1/statuses", write, a.post)
	handle("PUT /api/v1/statuses/{id}", write, a.edit)
	handle("DELETE /api/v1/statuses/{id}", write, a.delete)
	handle("PUT /api/v1/statuses/{id}/interaction_policy", write, a.policy)
	handle("POST /api/v1/statuses/{id}/quotes/{quoting}/revoke", write, a.revoke)
	handle("POST /api/v1/statuses/{id}/reblog", write, a.boost)
	handle("POST /api/v1/statuses/{id}/unreblog", write, a.unboost)
	for _, m := range []struct {
		word, verb string
		kind       social.Mark
	}{
		{"favourite", "favourite.write", social.Favourite},
		{"bookmark", "bookmark.write", social.Bookmark},
		{"pin", "profile.write", social.Pin},
		{"mute", "mute.write", social.MuteTalk},
	} {
		handle("POST /api/v1/statuses/{id}/"+m.word, httpx.May(m.verb), a.mark(m.kind, true))
		handle("POST /api/v1/statuses/{id}/un"+m.word, httpx.May(m.verb), a.mark(m.kind, false))
	}
	handle("GET /api/v1/polls/{id}", read, a.poll)
	handle("POST /api/v1/polls/{id}/votes", write, a.vote)
}

// MaxAtOnce is how many statuses are returned by their ids.
const MaxAtOnce = 40

func (a *API) list(r *mastodon.Request) (any, error) {
	var in struct {
		IDs []id.ID `json:"id"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.IDs) > MaxAtOnce {
		return nil, errs.InvalidField("id", "Validation failed: at most %d posts can be asked for at once", MaxAtOnce)
	}
	return a.these(r, in.IDs)
}

// these returns statuses as the reader sees them, as a list.
func (a *API) these(r *mastodon.Request, ids []id.ID) (any, error) {
	rel, err := a.relations.Relations(r.Context(), r.Actor().ID)
	if err != nil {
		return nil, err
	}
	out, _, err := a.statuses.Append(r.Context(), []byte("["), rel, ids, "")
	return append(out, ']'), err
}

// one returns what a handler is to do to the status in the path.
func (a *API) one(r *mastodon.Request, fn func(which id.ID) error) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	if err := fn(which); err != nil {
		return nil, err
	}
	return a.statuses.Get(r.Context(), r.Actor(), which)
}

func (a *API) get(r *mastodon.Request) (any, error) {
	return a.one(r, func(id.ID) error { return nil })
}

func (a *API) context(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	above, answers, err := a.statuses.Context(r.Context(), r.Actor(), which)
	if err != nil {
		return nil, err
	}
	rel, err := a.relations.Relations(r.Context(), r.Actor().ID)
	if err != nil {
		return nil, err
	}
	out, _, err := a.statuses.Append(r.Context(), []byte(`{"ancestors":[`), rel, above, "thread")
	if err != nil {
		return nil, err
	}
	out, _, err = a.statuses.Append(r.Context(), append(out, `],"descendants":[`...), rel, answers, "thread")
	return append(out, `]}`...), err
}

func (a *API) history(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return a.statuses.History(r.Context(), r.Actor(), which)
}

// card is Mastodon's old way to the preview that now stands in the status.
func (a *API) card(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	b, err := a.statuses.Get(r.Context(), r.Actor(), which)
	if err != nil {
		return nil, err
	}
	var out struct {
		Card json.RawMessage `json:"card"`
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, err
	}
	if string(out.Card) == "null" {
		return nil, nil
	}
	return out.Card, nil
}

// who lists accounts that marked or boosted a status. Pages go by hidden ids, by Link alone.
func (a *API) who(kind social.Mark) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		which, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		p, err := r.Page(40, 80)
		if err != nil {
			return nil, err
		}
		span := status.Span{Max: p.MaxID, Min: max(p.SinceID, p.MinID), Up: p.MinID != 0, Limit: p.Limit}
		refs, err := a.statuses.Who(r.Context(), r.Actor(), which, kind, span)
		if err != nil {
			return nil, err
		}
		ids := make([]id.ID, len(refs))
		for i := range refs {
			ids[i] = refs[i].Of
		}
		as, err := a.faces.Entities(r.Context(), ids)
		if err != nil {
			return nil, err
		}
		rel, err := a.relations.Relations(r.Context(), r.Actor().ID)
		if err != nil {
			return nil, err
		}
		out := []*social.Account{}
		for _, n := range ids {
			if e := as[n]; e != nil && !e.Suspended && !rel.Blocks[n] && !rel.BlockedBy[n] {
				out = append(out, e)
			}
		}
		if len(refs) > 0 {
			next := refs[len(refs)-1].ID
			if len(refs) < p.Limit && !span.Up {
				next = 0
			}
			r.Link(next, refs[0].ID)
		}
		return out, nil
	}
}

func (a *API) quotes(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	p, err := r.Page(20, 40)
	if err != nil {
		return nil, err
	}
	ids, next, err := a.statuses.QuotedBy(r.Context(), r.Actor(), which, p.MaxID, p.Limit)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		r.Link(next, ids[0])
	}
	return a.these(r, ids)
}

func (a *API) source(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return a.statuses.Source(r.Context(), r.Actor(), which)
}

func (a *API) poll(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	return a.statuses.Poll(r.Context(), r.Actor(), which)
}

func (a *API) vote(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		Choices []int `json:"choices"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if err := a.statuses.Vote(r.Context(), r.Actor(), which, in.Choices); err != nil {
		return nil, err
	}
	return a.statuses.Poll(r.Context(), r.Actor(), which)
}

func (a *API) mark(kind social.Mark, on bool) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		return a.one(r, func(which id.ID) error { return a.statuses.Mark(r.Context(), r.Actor(), which, kind, on) })
	}
}

func (a *API) boost(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		Visibility string `json:"visibility"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	v := social.Visibility(in.Visibility)
	if v != "" && !v.Known() {
		return nil, errs.InvalidField("visibility", "Validation failed: Visibility is not included in the list")
	}
	boost, err := a.statuses.Boost(r.Context(), r.Actor(), which, v)
	if err != nil {
		return nil, err
	}
	return a.statuses.Get(r.Context(), r.Actor(), boost)
}

// unboost returns the status that was boosted, also where the boost's own id is given.
func (a *API) unboost(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	if h, err := a.statuses.Head(r.Context(), which); err == nil && h.BoostOf != 0 {
		which = h.BoostOf
	}
	if err := a.statuses.Unboost(r.Context(), r.Actor(), which); err != nil {
		return nil, err
	}
	return a.statuses.Get(r.Context(), r.Actor(), which)
}

func (a *API) policy(r *mastodon.Request) (any, error) {
	var in struct {
		Quotes string `json:"quote_approval_policy"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	return a.one(r, func(which id.ID) error { return a.statuses.SetQuotePolicy(r.Context(), r.Actor(), which, in.Quotes) })
}

func (a *API) revoke(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	quoting, err := r.ID("quoting")
	if err != nil {
		return nil, err
	}
	if err := a.statuses.RevokeQuote(r.Context(), r.Actor(), which, quoting); err != nil {
		return nil, err
	}
	return a.statuses.Get(r.Context(), r.Actor(), quoting)
}

// delete returns the status as it was, with its text as it was typed, so that it can be written anew.
func (a *API) delete(r *mastodon.Request) (any, error) {
	which, err := r.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		Media bool `json:"delete_media"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	src, err := a.statuses.Source(r.Context(), r.Actor(), which)
	if err != nil {
		return nil, err
	}
	was, err := a.statuses.Get(r.Context(), r.Actor(), which)
	if err != nil {
		return nil, err
	}
	if err := a.statuses.Delete(r.Context(), r.Actor(), which, in.Media); err != nil {
		return nil, err
	}
	text, err := json.Marshal(src.Text)
	if err != nil {
		return nil, err
	}
	out := slices.Concat(was[:len(was)-1], []byte(`,"text":`))
	return append(append(out, text...), '}'), nil
}

// seconds returns a length of time that is sent in seconds.
func seconds(n int64) time.Duration {
	if n > int64(status.MaxExpiry/time.Second) {
		n = int64(status.MaxExpiry/time.Second) + 1 // too long in any case, and no overflow
	}
	return time.Duration(n) * time.Second
}

// at returns a point as Mastodon sends it, "x,y".
func at(s string) (*social.Focus, error) {
	var f social.Focus
	for i, c := range s {
		if c != ',' {
			continue
		}
		x, err1 := strconv.ParseFloat(s[:i], 64)
		y, err2 := strconv.ParseFloat(s[i+1:], 64)
		if err1 == nil && err2 == nil && x >= -1 && x <= 1 && y >= -1 && y <= 1 {
			f.X, f.Y = x, y
			return &f, nil
		}
	}
	return nil, errs.InvalidField("focus", "Validation failed: a focus is two numbers from -1 to 1, with a comma between")
}

package follow

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Limits of the lists.
const (
	perPage  = 40
	mostPage = 80
	mostIDs  = 200 // relationships asked for at once
)

// Routes registers the operations of Mastodon's API. All take the parameter as, the handle of the profile to act as: a restaurant that one works
// at, a group that one moderates; without it, oneself.
func (s *Service) Routes(rt *httpx.Router) {
	reads, writes, open := httpx.May("follow.read"), httpx.May("follow.write"), httpx.GuestOr("profile.read")
	deed := func(path string, g httpx.Guard, do func(r *mastodon.Request, me, other id.ID) error) {
		mastodon.Handle(rt, "POST /api/v1/accounts/{id}/"+path, g, s.deed(do))
	}
	deed("follow", writes, s.follow)
	deed("unfollow", writes, plain(s.Unfollow))
	deed("remove_from_followers", writes, plain(s.RemoveFollower))
	deed("block", httpx.May("block.write"), plain(s.Block))
	deed("unblock", httpx.May("block.write"), plain(s.Unblock))
	deed("mute", httpx.May("mute.write"), s.mute)
	deed("unmute", httpx.May("mute.write"), plain(s.Unmute))
	deed("note", httpx.May("profile.write"), s.note)
	for _, word := range []string{"pin", "endorse"} { // the one is the old name of the other
		deed(word, httpx.May("profile.write"), plain(s.Endorse))
		deed("un"+word, httpx.May("profile.write"), plain(s.Unendorse))
	}
	mastodon.Handle(rt, "POST /api/v1/follow_requests/{id}/authorize", writes, s.deed(plain(s.Authorize)))
	mastodon.Handle(rt, "POST /api/v1/follow_requests/{id}/reject", writes, s.deed(plain(s.Reject)))

	mastodon.Handle(rt, "GET /api/v1/accounts/relationships", reads, s.handleRelationships)
	mastodon.Handle(rt, "GET /api/v1/accounts/familiar_followers", reads, s.handleFamiliar)
	mastodon.Handle(rt, "GET /api/v1/accounts/{id}/followers", open, s.around(Followers))
	mastodon.Handle(rt, "GET /api/v1/accounts/{id}/following", open, s.around(Following))
	mastodon.Handle(rt, "GET /api/v1/accounts/{id}/endorsements", open, s.around(Endorsed))
	mastodon.Handle(rt, "GET /api/v1/endorsements", httpx.May("profile.read"), s.own(Endorsed))
	mastodon.Handle(rt, "GET /api/v1/follow_requests", reads, s.own(Requests))
	mastodon.Handle(rt, "GET /api/v1/blocks", httpx.May("block.read"), s.own(Blocked))
	mastodon.Handle(rt, "GET /api/v1/mutes", httpx.May("mute.read"), s.handleMutes)

	mastodon.Handle(rt, "GET /api/v1/domain_blocks", httpx.May("block.read"), s.handleDomains)
	mastodon.Handle(rt, "POST /api/v1/domain_blocks", httpx.May("block.write"), s.domain(s.BlockDomain))
	mastodon.Handle(rt, "DELETE /api/v1/domain_blocks", httpx.May("block.write"), s.domain(s.UnblockDomain))
	mastodon.Handle(rt, "GET /api/v1/followed_tags", reads, s.handleTags)
	mastodon.Handle(rt, "GET /api/v1/tags/{name}", open, s.handleTag)
	mastodon.Handle(rt, "POST /api/v1/tags/{name}/follow", writes, s.tagDeed(true))
	mastodon.Handle(rt, "POST /api/v1/tags/{name}/unfollow", writes, s.tagDeed(false))
	s.fileRoutes(rt)
}

// asInput is the handle of the profile to act as.
type asInput struct {
	As string `json:"as"`
}

// me returns the profile that a request acts as; 0 for a stranger.
func (s *Service) me(r *mastodon.Request) (id.ID, error) {
	actor := r.Actor()
	if !actor.SignedIn() {
		return 0, nil
	}
	var in asInput
	if err := r.Decode(&in); err != nil {
		return 0, err
	}
	return s.profiles.ActAs(r.Context(), actor, in.As)
}

// plain fits what needs no more input than who and whom.
func plain(do func(ctx context.Context, me, other id.ID) error) func(*mastodon.Request, id.ID, id.ID) error {
	return func(r *mastodon.Request, me, other id.ID) error { return do(r.Context(), me, other) }
}

// deed does something to the profile in the path and answers with the relationship after that.
func (s *Service) deed(do func(r *mastodon.Request, me, other id.ID) error) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		other, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		if err := do(r, me, other); err != nil {
			return nil, err
		}
		return s.Relationship(r.Context(), me, other)
	}
}

func (s *Service) follow(r *mastodon.Request, me, other id.ID) error {
	var in struct {
		Reblogs   *bool     `json:"reblogs"`
		Notify    *bool     `json:"notify"`
		Languages *[]string `json:"languages"`
	}
	if err := r.Decode(&in); err != nil {
		return err
	}
	return s.Follow(r.Context(), me, other, How{Boosts: in.Reblogs, Notify: in.Notify, Langs: in.Languages})
}

func (s *Service) mute(r *mastodon.Request, me, other id.ID) error {
	in := struct {
		Notifications bool `json:"notifications"`
		Duration      int  `json:"duration"`
	}{Notifications: true}
	if err := r.Decode(&in); err != nil {
		return err
	}
	if in.Duration < 0 || in.Duration > int(MaxMute/time.Second) {
		return errs.InvalidField("duration", "Mute for seconds of at most ten years, or 0 for good.")
	}
	return s.Mute(r.Context(), me, other, in.Notifications, time.Duration(in.Duration)*time.Second)
}

func (s *Service) note(r *mastodon.Request, me, other id.ID) error {
	var in struct {
		Comment string `json:"comment"`
	}
	if err := r.Decode(&in); err != nil {
		return err
	}
	return s.Note(r.Context(), me, other, in.Comment)
}

// ids returns the ids that a request asks for, by id[] or id, each once.
func ids(r *mastodon.Request) ([]id.ID, error) {
	var in struct {
		ID []string `json:"id"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	var out []id.ID
	for _, text := range in.ID {
		i, err := id.Parse(text)
		if err != nil || i == 0 || slices.Contains(out, i) {
			continue // ids of elsewhere: nobody has them
		}
		if out = append(out, i); len(out) > mostIDs {
			return nil, errs.InvalidField("id", "Ask for at most %d at once.", mostIDs)
		}
	}
	return out, nil
}

func (s *Service) handleRelationships(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	list, err := ids(r)
	if err != nil {
		return nil, err
	}
	return s.Relationships(r.Context(), me, list)
}

func (s *Service) handleFamiliar(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	list, err := ids(r)
	if err != nil {
		return nil, err
	}
	found, err := s.Familiar(r.Context(), me, list[:min(len(list), 40)])
	if err != nil {
		return nil, err
	}
	type familiar struct {
		ID       id.ID             `json:"id"`
		Accounts []*social.Account `json:"accounts"`
	}
	out := make([]familiar, 0, len(list))
	for _, i := range list {
		accounts, err := s.shown(r.Context(), found[i])
		if err != nil {
			return nil, err
		}
		out = append(out, familiar{i, accounts})
	}
	return out, nil
}

// around answers with a circle around the profile in the path.
func (s *Service) around(circle Circle) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		of, err := r.ID("id")
		if err != nil {
			return nil, err
		}
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		return s.circle(r, me, of, circle)
	}
}

// own answers with a circle around who asks.
func (s *Service) own(circle Circle) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		return s.circle(r, me, me, circle)
	}
}

func (s *Service) circle(r *mastodon.Request, me, of id.ID, circle Circle) (any, error) {
	p, err := r.Page(perPage, mostPage)
	if err != nil {
		return nil, err
	}
	out, next, prev, err := s.Accounts(r.Context(), me, of, circle, p)
	if err != nil {
		return nil, err
	}
	r.Link(next, prev)
	if out == nil {
		out = []*social.Account{}
	}
	return out, nil
}

// muted is an account with the end of its mute.
type muted struct {
	*social.Account
	Until social.Time `json:"mute_expires_at"`
}

func (s *Service) handleMutes(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	p, err := r.Page(perPage, mostPage)
	if err != nil {
		return nil, err
	}
	list, next, prev, err := s.List(r.Context(), me, me, Muted, p)
	if err != nil {
		return nil, err
	}
	found, err := s.profiles.Entities(r.Context(), profilesOf(list))
	if err != nil {
		return nil, err
	}
	r.Link(next, prev)
	out := []muted{}
	for _, pl := range list {
		if a := found[pl.Profile]; a != nil {
			out = append(out, muted{a, social.Time{Time: pl.Until}})
		}
	}
	return out, nil
}

func (s *Service) handleDomains(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	p, err := r.Page(100, 200)
	if err != nil {
		return nil, err
	}
	out, next, prev, err := s.Domains(r.Context(), me, p)
	if err != nil {
		return nil, err
	}
	r.Link(next, prev)
	return out, nil
}

func (s *Service) domain(do func(ctx context.Context, me id.ID, domain string) error) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		var in struct {
			Domain string `json:"domain"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		return nil, do(r.Context(), me, in.Domain)
	}
}

// tagReply is a hashtag as Mastodon's API shows it.
type tagReply struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	History   any    `json:"history"`
	Following *bool  `json:"following,omitempty"` // left out for strangers
}

func (s *Service) tag(r *mastodon.Request, me id.ID, name, shown string, following bool) (tagReply, error) {
	out := tagReply{ID: name, Name: shown, URL: s.opt.URL() + "/tags/" + url.PathEscape(name), History: []any{}}
	if me != 0 {
		out.Following = &following
	}
	if s.opt.History == nil {
		return out, nil
	}
	days, err := s.opt.History(r.Context(), name)
	if err != nil {
		return out, fmt.Errorf("follow: read the uses of a tag: %w", err)
	}
	out.History = days
	return out, nil
}

// tagOf returns the hashtag in the path, or a NotFound error for what is none.
func (s *Service) tagOf(r *mastodon.Request) (name, shown string, err error) {
	if name, shown = s.opt.Tag(r.PathValue("name")); name == "" {
		return "", "", errUnknown
	}
	return name, shown, nil
}

func (s *Service) handleTag(r *mastodon.Request) (any, error) {
	name, shown, err := s.tagOf(r)
	if err != nil {
		return nil, err
	}
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	rel, err := s.Relations(r.Context(), me)
	if err != nil {
		return nil, err
	}
	return s.tag(r, me, name, shown, rel.Tags[name])
}

func (s *Service) tagDeed(on bool) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		name, shown, err := s.tagOf(r)
		if err != nil {
			return nil, err
		}
		me, err := s.me(r)
		if err != nil {
			return nil, err
		}
		if on {
			err = s.FollowTag(r.Context(), me, name, shown)
		} else {
			err = s.UnfollowTag(r.Context(), me, name)
		}
		if err != nil {
			return nil, err
		}
		return s.tag(r, me, name, shown, on)
	}
}

func (s *Service) handleTags(r *mastodon.Request) (any, error) {
	me, err := s.me(r)
	if err != nil {
		return nil, err
	}
	p, err := r.Page(100, 200)
	if err != nil {
		return nil, err
	}
	list, next, prev, err := s.Tags(r.Context(), me, p)
	if err != nil {
		return nil, err
	}
	out := []tagReply{}
	for _, t := range list {
		shown, err := s.tag(r, me, t.Name, t.Shown, true)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	r.Link(next, prev)
	return out, nil
}

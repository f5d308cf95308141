package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/list"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/timeline"
	"github.com/stoa-town/stoa/internal/social/web"
	"github.com/stoa-town/stoa/internal/social/web/meet"
	"github.com/stoa-town/stoa/internal/social/web/own"
)

// pagesOfPeople builds the pages of the social network. It comes after every slice that they show.
func (a *App) pagesOfPeople() {
	a.Pages = web.New(web.Deps{
		Now: a.Now, URL: a.Address, Zone: a.zone, MaxText: a.Statuses.MaxLength, Hub: a.Hub, Log: a.Events, Profiles: a.Profile,
		Graph: webGraph{a.Follow}, Statuses: webStatuses{a.Statuses}, Posts: webPosts{a}, Feeds: webFeeds{a.Timelines},
		Parts: web.Parts{
			Lists: a.Lists, Notices: a.Notices, Talks: a.Talks, Search: webSearch{a}, Picks: webPicks{a, &extras{App: a}},
			Groups: webGroups{a.Town.Groups}, Happenings: webEvents{a}, Desk: webDesk{a}, Translator: webTranslator{a},
			Town: webTown{a}, Tags: a.Follow,
		},
	})
	a.Own = own.New(own.Deps{
		Frame: a.Pages.Frame, Now: a.Now, Profiles: a.Profile, Statuses: a.Pages, Lists: webLists{a.Lists, a.Follow}, Reports: webReports{a.Moderation}, Self: webSelf{a.Profile}, Filters: webFilters{a.Filters}, Strangers: webStrangers{a.Notices},
		Files: webFiles{a.Follow}, Waiting: webWaiting{a},
	})
	a.Meet = meet.New(meet.Deps{Frame: a.Pages.Frame, Groups: meetGroups{a.Town.Groups}, Events: meetEvents{a.Town.Events}})
	a.Pages.React()
	a.Also("pages of the social network", a.Pages.Run)
}

// human turns the addresses of profiles and posts that people see into those of routes.
func human(next http.Handler) http.Handler { return web.Paths(next) }

// webGraph is what pages ask of who follows whom.
type webGraph struct{ *follow.Service }

func (g webGraph) Around(ctx context.Context, viewer, whom id.ID, c web.Circle, before id.ID, limit int) ([]id.ID, id.ID, error) {
	return g.Service.Around(ctx, viewer, whom, follow.Circle(c), before, limit)
}

// Tie does one of the deeds of pages.
func (g webGraph) Tie(ctx context.Context, actor access.Actor, deed web.Deed, whom id.ID) error {
	me, yes, no := actor.ID, true, false
	switch deed {
	case web.Follow:
		return g.Follow(ctx, me, whom, follow.How{})
	case web.FollowQuiet:
		return g.Follow(ctx, me, whom, follow.How{Boosts: &no})
	case web.FollowBoosts:
		return g.Follow(ctx, me, whom, follow.How{Boosts: &yes})
	case web.Notify:
		return g.Follow(ctx, me, whom, follow.How{Notify: &yes})
	case web.NotifyNot:
		return g.Follow(ctx, me, whom, follow.How{Notify: &no})
	case web.Unfollow:
		return g.Unfollow(ctx, me, whom)
	case web.Mute:
		return g.Mute(ctx, me, whom, true, 0)
	case web.Unmute:
		return g.Unmute(ctx, me, whom)
	case web.Block:
		return g.Block(ctx, me, whom)
	case web.Unblock:
		return g.Unblock(ctx, me, whom)
	case web.Drop:
		return g.RemoveFollower(ctx, me, whom)
	case web.Accept:
		return g.Authorize(ctx, me, whom)
	case web.Reject:
		return g.Reject(ctx, me, whom)
	}
	return errs.New(errs.NotFound, "There is nothing at this address.")
}

// webStatuses is what pages ask of statuses.
type webStatuses struct{ *status.Service }

// Fans returns who has boosted or favourited a status.
func (s webStatuses) Fans(ctx context.Context, actor access.Actor, which id.ID, boosts bool, before id.ID, limit int) (ids []id.ID, older id.ID, err error) {
	kind := social.Favourite
	if boosts {
		kind = "boost"
	}
	list, err := s.Who(ctx, actor, which, kind, status.Span{Max: before, Limit: limit})
	for _, r := range list {
		ids = append(ids, r.Of)
	}
	if len(list) == limit {
		older = list[limit-1].ID
	}
	return ids, older, err
}

// Versions returns what a status was.
func (s webStatuses) Versions(ctx context.Context, actor access.Actor, which id.ID) ([]web.Version, error) {
	list, err := s.History(ctx, actor, which)
	out := make([]web.Version, len(list))
	for i, v := range list {
		out[i] = web.Version{At: v.CreatedAt.Time, Spoiler: v.Spoiler, Content: v.Content}
	}
	return out, err
}

// webPosts is how pages write.
type webPosts struct{ *App }

// draft returns what somebody has typed as statuses take it, having given its pictures their words.
func (p webPosts) draft(ctx context.Context, actor access.Actor, d web.Draft) (status.Draft, error) {
	in := status.Draft{
		As: d.As, Text: d.Text, Spoiler: d.Warning, Visibility: d.Visibility, Lang: d.Lang, ReplyTo: d.ReplyTo, QuoteOf: d.QuoteOf, Replies: d.Replies, Group: d.Group,
		Poll: pollOf(d), Kind: d.Kind, Thing: d.Thing, Key: d.Key,
	}
	if d.Sensitive {
		in.Sensitive = &d.Sensitive
	}
	for _, m := range d.Media {
		in.Media = append(in.Media, m.ID)
		if m.Alt == "" {
			continue
		}
		if _, err := p.Media.Change(ctx, actor.ID, m.ID, media.Change{Description: &m.Alt}); err != nil {
			return in, err
		}
	}
	return in, nil
}

// Post posts what somebody has typed.
func (p webPosts) Post(ctx context.Context, actor access.Actor, d web.Draft) (id.ID, error) {
	in, err := p.draft(ctx, actor, d)
	if err != nil {
		return 0, err
	}
	return p.Statuses.Post(ctx, actor, in)
}

// Later keeps a post until its time.
func (p webPosts) Later(ctx context.Context, actor access.Actor, d web.Draft, at time.Time) error {
	e, err := p.entry(ctx, actor, d, at)
	if err != nil {
		return err
	}
	_, err = p.App.Later.Put(ctx, actor.ID, e)
	return err
}

// entry returns what somebody has typed as it waits for its time.
func (p webPosts) entry(ctx context.Context, actor access.Actor, d web.Draft, at time.Time) (schedule.Entry, error) {
	in, err := p.draft(ctx, actor, d)
	if err != nil {
		return schedule.Entry{}, err
	}
	doc, err := json.Marshal(in)
	if err != nil {
		return schedule.Entry{}, fmt.Errorf("app: keep a post for later: %w", err)
	}
	params, err := json.Marshal(map[string]any{
		"text": d.Text, "spoiler_text": d.Warning, "visibility": d.Visibility.Wire(false), "language": d.Lang, "sensitive": d.Sensitive, "media_ids": append([]id.ID{}, in.Media...),
		"scheduled_at": nil, "idempotency": nil, "poll": nil, "in_reply_to_id": nil, "with_rate_limit": false,
	})
	return schedule.Entry{At: at, Doc: doc, Params: params, Media: in.Media}, err
}

func pollOf(d web.Draft) *status.NewPoll {
	if len(d.Options) == 0 {
		return nil
	}
	return &status.NewPoll{Options: d.Options, ExpiresIn: d.OpenFor, Multiple: d.Multiple}
}

// Edit changes a post.
func (p webPosts) Edit(ctx context.Context, actor access.Actor, which id.ID, d web.Draft) error {
	in := status.Edit{Text: d.Text, Spoiler: d.Warning, Sensitive: d.Sensitive, Lang: d.Lang, Poll: pollOf(d)}
	for _, m := range d.Media {
		in.Media = append(in.Media, m.ID)
		in.Details = append(in.Details, status.MediaEdit{ID: m.ID, Description: &m.Alt})
	}
	return p.Statuses.Edit(ctx, actor, which, in)
}

// Source returns a post as it was typed, with everything that it carries.
func (p webPosts) Source(ctx context.Context, actor access.Actor, which id.ID) (web.Draft, error) {
	typed, err := p.Statuses.Source(ctx, actor, which)
	if err != nil {
		return web.Draft{}, err
	}
	rel, err := p.Follow.Relations(ctx, actor.ID)
	if err != nil {
		return web.Draft{}, err
	}
	found, err := p.Statuses.Statuses(ctx, rel, []id.ID{which}, "")
	if err != nil {
		return web.Draft{}, err
	}
	if len(found) == 0 {
		return web.Draft{}, errs.New(errs.NotFound, "Record not found")
	}
	s := found[0]
	d := web.Draft{Text: typed.Text, Warning: typed.Spoiler, Sensitive: s.Sensitive, Visibility: social.Visibility(s.Visibility)}
	if s.Account.ID != actor.ID {
		d.As = s.Account.ID
	}
	if s.Language != nil {
		d.Lang = *s.Language
	}
	if s.InReplyToID != nil {
		d.ReplyTo = *s.InReplyToID
	}
	for _, m := range s.Media {
		alt := ""
		if m.Description != nil {
			alt = *m.Description
		}
		d.Media = append(d.Media, web.Medium{ID: m.ID, Alt: alt})
	}
	if s.Poll != nil {
		for _, o := range s.Poll.Options {
			d.Options = append(d.Options, o.Title)
		}
		d.Multiple, d.OpenFor = s.Poll.Multiple, s.Poll.ExpiresAt.Sub(s.CreatedAt)
	}
	if x := s.Stoa; x != nil {
		d.Visibility, d.Replies = x.Visibility, x.Replies
		if x.Group != nil {
			d.Group = x.Group.ID
		}
		switch {
		case x.Dish != nil:
			d.Kind, d.Thing = "dish", x.Dish.ID
		case x.Restaurant != nil:
			d.Kind, d.Thing = "restaurant", x.Restaurant.ID
		case x.Event != nil:
			d.Kind, d.Thing = "event", x.Event.ID
		}
	}
	return d, nil
}

// Delete deletes a post; its files stay for a while, for who writes it anew.
func (p webPosts) Delete(ctx context.Context, actor access.Actor, which id.ID) error {
	return p.Statuses.Delete(ctx, actor, which, false)
}

// Mark marks a status, or takes the mark back.
func (p webPosts) Mark(ctx context.Context, actor access.Actor, which id.ID, mark social.Mark, on bool) error {
	return p.Statuses.Mark(ctx, actor, which, mark, on)
}

// Boost boosts a status, or takes the boost back.
func (p webPosts) Boost(ctx context.Context, actor access.Actor, which id.ID, on bool) error {
	if !on {
		return p.Statuses.Unboost(ctx, actor, which)
	}
	_, err := p.Statuses.Boost(ctx, actor, which, "")
	return err
}

// Vote votes in a poll.
func (p webPosts) Vote(ctx context.Context, actor access.Actor, poll id.ID, choices []int) error {
	return p.Statuses.Vote(ctx, actor, poll, choices)
}

// webFeeds is how pages read timelines.
type webFeeds struct{ *timeline.Service }

// Feed returns a page of a timeline.
func (f webFeeds) Feed(ctx context.Context, rel *social.Relations, of web.Feed, before, since id.ID, limit int) ([]id.ID, id.ID, error) {
	in := timeline.Feed{Of: of.Of}
	switch of.Kind {
	case "home":
		in.Kind = timeline.Home
	case "town":
		in.Kind, in.Local = timeline.Everybody, rel.Viewer != 0
	case "profile":
		in.Kind = timeline.Account
		in.NoReplies, in.Media, in.Pinned = of.Part == "", of.Part == "media", of.Part == "pinned"
	case "tag":
		in.Kind, in.Tag = timeline.Tag, text.Fold(of.Tag)
	case "list":
		in.Kind = timeline.List
	case "group":
		in.Kind = timeline.Group
	case "bookmarks":
		in.Kind = timeline.Bookmarks
	case "favourites":
		in.Kind = timeline.Favourites
	}
	got, err := f.Read(ctx, rel, in, mastodon.Page{MaxID: before, SinceID: since, Limit: limit})
	return got.IDs, got.Next, err
}

// webLists is how pages keep lists.
type webLists struct {
	*list.Service
	graph *follow.Service
}

// Following returns whom somebody follows.
func (l webLists) Following(ctx context.Context, owner, before id.ID, limit int) ([]id.ID, id.ID, error) {
	return l.graph.Around(ctx, owner, owner, follow.Following, before, limit)
}

// All returns somebody's lists.
func (l webLists) All(ctx context.Context, owner id.ID) ([]*social.List, error) {
	return l.Lists(ctx, owner)
}

// Save makes a list, or changes one.
func (l webLists) Save(ctx context.Context, owner, which id.ID, title, replies string, exclusive bool) (id.ID, error) {
	in := list.Input{Title: &title, Replies: &replies, Exclusive: &exclusive}
	if which != 0 {
		_, err := l.Edit(ctx, owner, which, in)
		return which, err
	}
	made, err := l.Add(ctx, owner, in)
	if err != nil {
		return 0, err
	}
	return made.ID, nil
}

// Member puts somebody on a list, or takes them off.
func (l webLists) Member(ctx context.Context, owner, which, account id.ID, in bool) error {
	if in {
		return l.AddMembers(ctx, owner, which, []id.ID{account})
	}
	return l.RemoveMembers(ctx, owner, which, []id.ID{account})
}

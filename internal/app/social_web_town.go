package app

import (
	"bytes"
	"context"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/group"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/search"
	"github.com/stoa-town/stoa/internal/social/web"
	"github.com/stoa-town/stoa/internal/social/web/meet"
)

// webSearch is how pages find things.
type webSearch struct{ *App }

// Find returns what matches words; kind leaves out all but accounts, statuses, hashtags or food.
func (s webSearch) Find(ctx context.Context, rel *social.Relations, q, kind string, offset, limit int) (out web.Found, err error) {
	all := kind == ""
	if all || kind == "accounts" {
		people, err := faces(s).Find(ctx, rel.Viewer, q, false, offset, limit)
		if err != nil {
			return out, err
		}
		for _, p := range people {
			out.Accounts = append(out.Accounts, p.ID)
		}
	}
	if all || kind == "statuses" {
		if out.Statuses, err = s.Finder.FindStatuses(ctx, rel.Viewer, q, search.Page{Offset: offset, Limit: limit}); err != nil {
			return out, err
		}
	}
	if all || kind == "hashtags" {
		tags, err := s.Finder.FindTags(ctx, q, offset, limit)
		if err != nil {
			return out, err
		}
		for _, t := range tags {
			out.Tags = append(out.Tags, t.Name)
		}
	}
	if all || kind == "food" {
		shops, dishes, err := s.Finder.FindFood(ctx, q, limit)
		if err != nil {
			return out, err
		}
		for i := range shops {
			out.Shops = append(out.Shops, &shops[i])
		}
		for i := range dishes {
			out.Dishes = append(out.Dishes, &dishes[i])
		}
	}
	return out, nil
}

// webPicks finds what a post can show.
type webPicks struct {
	*App
	cards *extras
}

// Pick returns dishes and restaurants by the beginnings of words.
func (p webPicks) Pick(ctx context.Context, q string, limit int) ([]web.Pick, error) {
	shops, dishes, err := p.Finder.FindFood(ctx, q, limit)
	var out []web.Pick
	for i := range dishes {
		out = append(out, dishPick(&dishes[i]))
	}
	for i := range shops {
		out = append(out, shopPick(&shops[i]))
	}
	return out, err
}

func dishPick(d *social.DishCard) web.Pick {
	return web.Pick{Kind: "dish", ID: d.ID, Name: d.Name, Note: d.Restaurant.Name, Photo: d.Photo}
}

func shopPick(r *social.ShopCard) web.Pick {
	return web.Pick{Kind: "restaurant", ID: r.ID, Name: r.Name, Photo: r.Photo}
}

// Picked returns one thing.
func (p webPicks) Picked(ctx context.Context, kind string, thing id.ID) (web.Pick, error) {
	found, err := p.cards.Cards(ctx, kind, []id.ID{thing})
	if err != nil {
		return web.Pick{}, err
	}
	switch x := found[thing]; {
	case x == nil:
	case x.Dish != nil:
		return dishPick(x.Dish), nil
	case x.Restaurant != nil:
		return shopPick(x.Restaurant), nil
	case x.Event != nil:
		return web.Pick{Kind: "event", ID: x.Event.ID, Name: x.Event.Title, Note: x.Event.Place}, nil
	}
	return web.Pick{}, errs.New(errs.NotFound, "There is nothing of that kind to be shown.")
}

// webGroups is how pages deal with groups.
type webGroups struct{ *group.Service }

func groupOf(g *group.Group) web.Group {
	return web.Group{
		ID: g.ID, Handle: g.Handle, Name: g.Name, About: g.About, Rules: g.Rules, Closed: g.Closed, Joining: string(g.Joining), Members: g.Members, Asking: g.Asking, Role: string(g.Role),
	}
}

// List returns a page of groups.
func (g webGroups) List(ctx context.Context, q string, mine bool, cursor string, limit int) ([]web.Group, string, error) {
	got, err := g.Service.List(ctx, q, mine, cursor, limit)
	var out []web.Group
	for i := range got.Items {
		out = append(out, groupOf(&got.Items[i]))
	}
	return out, got.Next, err
}

// Get returns one group.
func (g webGroups) Get(ctx context.Context, handle string) (web.Group, error) {
	got, err := g.Service.Get(ctx, handle)
	if err != nil {
		return web.Group{}, err
	}
	return groupOf(got), nil
}

// Join has the actor join a group, or ask to.
func (g webGroups) Join(ctx context.Context, handle string) error {
	_, err := g.Service.Join(ctx, handle)
	return err
}

// webEvents is how pages deal with events.
type webEvents struct{ *App }

func eventOf(e *event.Event) web.Happening {
	return web.Happening{
		EventCard: social.EventCard{
			ID: e.ID, Title: e.Title, Starts: social.Time{Time: e.Starts}, Ends: social.Time{Time: e.Ends}, TZ: e.TZ, Place: e.Place, Coming: e.Coming, Called: e.Cancelled, URL: e.URL,
		},
		Status: e.Status, Handle: e.Handle, Name: e.Name, Maybe: e.Maybe, Waiting: e.Waiting, Capacity: e.Capacity, Answer: string(e.Answer), Mine: e.Mine, Calendar: e.Calendar,
	}
}

// List returns a page of events.
func (w webEvents) List(ctx context.Context, mine bool, cursor string, limit int) ([]web.Happening, string, error) {
	got, err := w.Town.Events.List(ctx, event.Filter{Mine: mine}, cursor, limit)
	var out []web.Happening
	for i := range got.Items {
		out = append(out, eventOf(&got.Items[i]))
	}
	return out, got.Next, err
}

// Get returns one event.
func (w webEvents) Get(ctx context.Context, which id.ID) (web.Happening, error) {
	got, err := w.Town.Events.Get(ctx, which)
	if err != nil {
		return web.Happening{}, err
	}
	return eventOf(got), nil
}

// Answer says whether the actor comes.
func (w webEvents) Answer(ctx context.Context, which id.ID, answer string) (web.Happening, error) {
	got, err := w.Town.Events.Answer(ctx, which, event.Answer(answer))
	if err != nil {
		return web.Happening{}, err
	}
	return eventOf(got), nil
}

// meetGroups is how those in a group keep it.
type meetGroups struct{ *group.Service }

// Get returns a group.
func (g meetGroups) Get(ctx context.Context, handle string) (meet.Group, error) {
	got, err := g.Service.Get(ctx, handle)
	if err != nil {
		return meet.Group{}, err
	}
	return meet.Group{Handle: got.Handle, Name: got.Name, About: got.About, Rules: got.Rules, Joining: string(got.Joining), Closed: got.Closed, Role: string(got.Role)}, nil
}

// Create makes a group.
func (g meetGroups) Create(ctx context.Context, in meet.Group) (string, error) {
	got, err := g.Service.Create(ctx, group.Input{Handle: in.Handle, Closed: in.Closed, Name: &in.Name, About: &in.About, Rules: &in.Rules, Joining: &in.Joining})
	if err != nil {
		return "", err
	}
	return got.Handle, nil
}

// Update changes a group.
func (g meetGroups) Update(ctx context.Context, in meet.Group) error {
	_, err := g.Service.Update(ctx, in.Handle, group.Input{Name: &in.Name, About: &in.About, Rules: &in.Rules, Joining: &in.Joining})
	return err
}

// People returns a page of those with a role.
func (g meetGroups) People(ctx context.Context, handle, role, cursor string, limit int) (out []meet.Member, next string, err error) {
	if role == "" {
		role = string(group.Member)
	}
	got, err := g.Service.People(ctx, handle, group.Role(role), cursor, limit)
	for _, m := range got.Items {
		out = append(out, meet.Member{ID: m.ID, Handle: m.Handle, Name: m.Name, Avatar: m.Avatar, Role: string(m.Role), Since: m.Since})
	}
	return out, got.Next, err
}

// SetRole makes somebody something in a group.
func (g meetGroups) SetRole(ctx context.Context, handle string, account id.ID, role string) error {
	_, err := g.Service.SetRole(ctx, handle, account, group.Role(role))
	return err
}

// Invite lets somebody join.
func (g meetGroups) Invite(ctx context.Context, handle, whom string) error {
	_, err := g.Service.Invite(ctx, handle, whom)
	return err
}

// meetEvents is how people hold events.
type meetEvents struct{ *event.Service }

// Get returns an event.
func (e meetEvents) Get(ctx context.Context, which id.ID) (meet.Event, error) {
	got, err := e.Service.Get(ctx, which)
	if err != nil {
		return meet.Event{}, err
	}
	return meet.Event{
		ID: got.ID, Status: got.Status, Title: got.Title, Place: got.Place, Starts: got.Starts, Ends: got.Ends, Capacity: got.Capacity, Visibility: got.Visibility,
		Mine: got.Mine, Cancelled: got.Cancelled, Coming: got.Coming, Maybe: got.Maybe, Waiting: got.Waiting,
	}, nil
}

func eventInput(in *meet.Event) event.Input {
	out := event.Input{Title: &in.Title, Starts: &in.Starts, Place: &in.Place, Capacity: &in.Capacity}
	if !in.Ends.IsZero() {
		out.Ends = &in.Ends
	}
	return out
}

// Create holds an event.
func (e meetEvents) Create(ctx context.Context, in meet.Event) (id.ID, error) {
	got, err := e.Service.Create(ctx, event.Draft{Input: eventInput(&in), Text: in.Text, Visibility: in.Visibility})
	if err != nil {
		return 0, err
	}
	return got.ID, nil
}

// Update changes an event.
func (e meetEvents) Update(ctx context.Context, in meet.Event) error {
	_, err := e.Service.Update(ctx, in.ID, eventInput(&in))
	return err
}

// Cancel says that an event does not take place.
func (e meetEvents) Cancel(ctx context.Context, which id.ID) error {
	_, err := e.Service.Cancel(ctx, which)
	return err
}

// Guests returns a page of those who gave an answer.
func (e meetEvents) Guests(ctx context.Context, which id.ID, answer, cursor string, limit int) (out []meet.Guest, next string, err error) {
	got, err := e.Service.Guests(ctx, which, event.Answer(answer), cursor, limit)
	for _, g := range got.Items {
		out = append(out, meet.Guest{Handle: g.Handle, Name: g.Name, Avatar: g.Avatar, Since: g.Since})
	}
	return out, got.Next, err
}

// Upload keeps a picture of somebody's until a status carries it.
func (p townPosts) Upload(ctx context.Context, actor access.Actor, picture []byte, alt string) (id.ID, error) {
	a, err := p.app.Media.Add(ctx, actor.ID, media.Upload{File: bytes.NewReader(picture), Size: int64(len(picture)), Description: alt})
	if err != nil {
		return 0, err
	}
	return a.ID, nil
}

package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/group"
	"github.com/stoa-town/stoa/internal/social/search"
	"github.com/stoa-town/stoa/internal/social/web"
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
		ID: g.ID, Handle: g.Handle, Name: g.Name, About: g.About, Rules: g.Rules, Closed: g.Closed, Joining: string(g.Joining), Members: g.Members, Role: string(g.Role),
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

// Create makes a group.
func (g webGroups) Create(ctx context.Context, in web.Group) (string, error) {
	got, err := g.Service.Create(ctx, group.Input{Handle: in.Handle, Closed: in.Closed, Name: &in.Name, About: &in.About, Rules: &in.Rules, Joining: &in.Joining})
	if err != nil {
		return "", err
	}
	return got.Handle, nil
}

// webEvents is how pages deal with events.
type webEvents struct{ *App }

func eventOf(e *event.Event) web.Happening {
	return web.Happening{
		EventCard: social.EventCard{
			ID: e.ID, Title: e.Title, Starts: social.Time{Time: e.Starts}, Ends: social.Time{Time: e.Ends}, TZ: e.TZ, Place: e.Place, Coming: e.Coming, Called: e.Cancelled, URL: e.URL,
		},
		Status: e.Status, Handle: e.Handle, Name: e.Name, Maybe: e.Maybe, Waiting: e.Waiting, Capacity: e.Capacity, Answer: string(e.Answer), Calendar: e.Calendar,
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

// Create holds an event.
func (w webEvents) Create(ctx context.Context, in web.NewHappening) (id.ID, error) {
	d := event.Draft{Input: event.Input{Title: &in.Title, Starts: &in.Starts, Place: &in.Place, Capacity: &in.Capacity}, Text: in.Text, Visibility: in.Visibility}
	if !in.Ends.IsZero() {
		d.Ends = &in.Ends
	}
	got, err := w.Town.Events.Create(ctx, d)
	if err != nil {
		return 0, err
	}
	return got.ID, nil
}

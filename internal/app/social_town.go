package app

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/review"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/group"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/status"
)

// Town is what dinner and friends have in common: groups, events, reviews, and cards of dishes and restaurants on statuses.
type Town struct {
	Groups  *group.Service
	Events  *event.Service
	Reviews *review.Service
}

// town builds groups, events and reviews. It comes after statuses, which they post.
func (a *App) town() {
	a.Town.Groups = group.New(a.DB, a.Events, a.IDs, a.Now, groupProfiles{a}, a.Statuses, group.Options{Changed: a.Follow.Forget})
	posts := townPosts{notes{a.Statuses}, a}
	a.Town.Events = event.New(event.Deps{
		DB: a.DB, Log: a.Events, Jobs: a.Jobs, IDs: a.IDs, Now: a.Now, Posts: posts, Readers: a.Follow, Faces: a.Profile, Signer: a.Secrets,
	}, event.Options{Town: a.Config.Town.Name, Zone: a.zone, Base: a.Address})
	a.Town.Reviews = review.New(review.Deps{
		DB: a.DB, Log: a.Events, Jobs: a.Jobs, IDs: a.IDs, Now: a.Now, Orders: purchases{a}, Shops: a.Restaurants, Posts: posts, Faces: a.Profile,
		Staff: a.staff,
	}, review.Options{})
	a.Town.Events.React()
	a.Town.Reviews.React()
}

func (a *App) townRoutes() {
	// Prices, what is sold out, and who is open: statuses that show it are drawn anew. After menus and restaurants have heard of it themselves.
	a.Events.Watch(func(list []events.Event) {
		for i := range list {
			switch list[i].Kind {
			case delivery.MenuChanged{}.EventKind(), delivery.RestaurantChanged{}.EventKind():
				a.Statuses.ForgetExtras()
				return
			}
		}
	})
	a.Town.Groups.Routes(a.Router)
	a.Town.Events.Routes(a.Router)
	a.Town.Reviews.Routes(a.Router)
}

// rating returns what verified reviews say of a restaurant.
func (a *App) rating(ctx context.Context, restaurant id.ID) (delivery.Rating, error) {
	return a.Town.Reviews.Rating(ctx, restaurant)
}

// dishRatings returns what verified reviews say of a restaurant's dishes.
func (a *App) dishRatings(ctx context.Context, restaurant id.ID) (map[id.ID]delivery.Rating, error) {
	return a.Town.Reviews.DishRatings(ctx, restaurant)
}

// groupsOf returns the groups that an account is a member of, for what readers see.
func (a *App) groupsOf(ctx context.Context, account id.ID) ([]id.ID, error) {
	return a.Town.Groups.Groups(ctx, account)
}

// moderates reports whether an account keeps order in a group, and so may speak for it.
func (a *App) moderates(account, group id.ID) bool {
	yes, err := a.Town.Groups.Moderates(context.Background(), account, group)
	return err == nil && yes // an error is as good as a no: nobody speaks for a group by a failure
}

// clubs is what statuses ask of groups.
type clubs struct{ *App }

func (c clubs) MayPost(ctx context.Context, profile, group id.ID) (bool, error) {
	if profile == group {
		cards, err := c.Town.Groups.GroupCards(ctx, []id.ID{group})
		return err == nil && cards[group] != nil && cards[group].Closed, err
	}
	return c.Town.Groups.MayPost(ctx, profile, group)
}

func (c clubs) GroupCards(ctx context.Context, groups []id.ID) (map[id.ID]*social.GroupCard, error) {
	return c.Town.Groups.GroupCards(ctx, groups)
}

// townPosts is how events and reviews deal with their statuses.
type townPosts struct {
	notes
	app *App
}

// Rewrite checks a new text of a status, and returns what stores it and nothing else.
func (p townPosts) Rewrite(ctx context.Context, actor access.Actor, which id.ID, text string) (func(ctx context.Context, tx *db.Tx) error, error) {
	rel, err := p.app.Follow.Relations(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	list, err := p.Statuses(ctx, rel, []id.ID{which}, "")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	st := list[0]
	in := status.Edit{Text: text, Spoiler: st.SpoilerText, Sensitive: st.Sensitive}
	if st.Language != nil {
		in.Lang = *st.Language
	}
	for _, m := range st.Media {
		in.Media = append(in.Media, m.ID)
	}
	return p.PrepareEdit(ctx, actor, which, in)
}

// Text returns what the author of a status typed.
func (p townPosts) Text(ctx context.Context, which id.ID) (string, error) {
	head, err := p.Head(ctx, which)
	if err != nil {
		return "", err
	}
	source, err := p.Source(ctx, access.Actor{ID: head.Account}, which)
	return source.Text, err
}

// Photos returns the attachments of statuses.
func (p townPosts) Photos(ctx context.Context, statuses []id.ID) (out map[id.ID][]social.Attachment, err error) {
	err = p.app.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = p.app.Media.Of(ctx, tx, statuses)
		return err
	})
	return out, err
}

// purchases tells what was bought.
type purchases struct{ *App }

func (p purchases) Bought(ctx context.Context, order id.ID) (review.Purchase, error) {
	var out review.Purchase
	err := p.DB.Read(ctx, func(tx *db.Tx) error {
		b, err := p.Orders.Brief(ctx, tx, order)
		out = review.Purchase{Order: b.ID, Code: b.Code, Customer: b.Customer, Restaurant: b.Restaurant, State: b.State, Placed: b.PlacedAt}
		return err
	})
	if err != nil {
		return out, err
	}
	v, err := p.Orders.Get(access.With(ctx, access.Actor{ID: out.Customer}), order)
	if err != nil {
		return out, err
	}
	for _, l := range v.Lines {
		out.Lines = append(out.Lines, review.Line{Item: l.Item, Name: l.Name})
	}
	return out, nil
}

func (p purchases) OrderOf(ctx context.Context, code string) (id.ID, error) {
	t, err := p.Orders.Thing(ctx, code)
	return t.ID, err
}

// extras are the cards of things on statuses, read live: restaurants and menus are in memory.
type extras struct {
	*App
	where sync.Map // id.ID of a dish → id.ID of its restaurant
}

var errNoThing = errs.New(errs.NotFound, "There is nothing of that kind to be shown.")

// Check returns why a profile may not show a thing, or nil.
func (x *extras) Check(ctx context.Context, profile id.ID, kind string, thing id.ID) error {
	may, err := false, error(nil)
	switch kind {
	case "dish", "restaurant":
		cards, err := x.Cards(ctx, kind, []id.ID{thing})
		if err == nil && cards[thing] == nil {
			err = errNoThing
		}
		return err
	case "review":
		may, err = x.Town.Reviews.MayCarry(ctx, profile, thing)
	}
	if err == nil && !may {
		err = errNoThing
	}
	return err
}

// Cards returns things of a kind; those that are gone are left out.
func (x *extras) Cards(ctx context.Context, kind string, things []id.ID) (map[id.ID]*social.Extra, error) {
	out := make(map[id.ID]*social.Extra, len(things))
	switch kind {
	case "dish":
		for _, n := range things {
			d, text, err := x.dish(ctx, n)
			if err != nil {
				return nil, err
			}
			if d != nil {
				title := d.Name + " · " + money.Format(d.Price, d.Currency)
				out[n] = &social.Extra{Dish: d, Preview: x.preview(d.Restaurant.URL+"/i/"+d.ID.String(), title, text, d.Photo, d.Restaurant.Name)}
			}
		}
	case "restaurant":
		for _, n := range things {
			c, text, err := x.shop(ctx, n)
			if err != nil {
				return nil, err
			}
			if c != nil {
				out[n] = &social.Extra{Restaurant: c, Preview: x.preview(c.URL, c.Name, text, c.Photo, c.Name)}
			}
		}
	case "event":
		cards, err := x.Town.Events.Cards(ctx, things)
		if err != nil {
			return nil, err
		}
		for n, c := range cards {
			out[n] = &social.Extra{Event: c, Preview: x.preview(c.URL, c.Title, x.when(ctx, c), "", "")}
		}
	case "review":
		cards, err := x.Town.Reviews.Cards(ctx, things, func(ctx context.Context, restaurant id.ID) (social.ShopCard, error) {
			c, _, err := x.shop(ctx, restaurant)
			if c == nil {
				c = &social.ShopCard{ID: restaurant}
			}
			return *c, err
		})
		if err != nil {
			return nil, err
		}
		for n, c := range cards {
			title := strings.Repeat("★", c.Stars) + strings.Repeat("☆", 5-c.Stars) + " " + c.Restaurant.Name
			var dishes []string
			for _, d := range c.Dishes {
				dishes = append(dishes, fmt.Sprintf("%s %d/5", d.Name, d.Stars))
			}
			out[n] = &social.Extra{Review: c, Preview: x.preview(review.PathOf(c.Restaurant.Slug), title, strings.Join(dishes, " · "), c.Restaurant.Photo, c.Restaurant.Name)}
		}
	}
	return out, nil
}

// when says when and where an event is, in its own time zone.
func (x *extras) when(ctx context.Context, c *social.EventCard) string {
	loc := x.zone
	if z, err := time.LoadLocation(c.TZ); err == nil {
		loc = z
	}
	lang := i18n.With(ctx, x.Config.Town.Lang)
	at := c.Starts.In(loc)
	out := i18n.Weekday(at.Weekday()).In(lang) + " " + at.Format("2.1.2006 15:04")
	if c.Place != "" {
		out += " · " + c.Place
	}
	if c.Called {
		out = i18n.T(lang, "Cancelled") + " · " + out
	}
	return out
}

// preview returns a thing of this server as a link preview.
func (x *extras) preview(path, title, text, photo, author string) *social.Card {
	base := x.Address()
	c := &social.Card{
		URL: base + path, Title: title, Description: text, Type: "link", AuthorName: author, ProviderName: x.Config.Town.Name, ProviderURL: base, Authors: []any{},
	}
	if photo != "" {
		image := photo
		if strings.HasPrefix(image, "/") {
			image = base + photo
		}
		c.Image, c.Width, c.Height, c.ImageAlt = &image, 800, 600, title
	}
	return c
}

// shop returns a restaurant that customers see and what it says of itself, or nil.
func (x *extras) shop(ctx context.Context, restaurant id.ID) (*social.ShopCard, string, error) {
	p, err := x.Restaurants.Profile(ctx, restaurant)
	if errs.Is(err, errs.NotFound) || err == nil && !p.Active {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	mode := delivery.Pickup
	if p.Delivers {
		mode = delivery.ByCourier
	}
	terms, err := x.Restaurants.Terms(ctx, restaurant, mode, nil, nil, 0)
	if err != nil {
		return nil, "", err
	}
	card := &social.ShopCard{ID: restaurant, Slug: p.Card.Slug, Name: p.Card.Name, Photo: p.Card.Photo, URL: "/r/" + p.Card.Slug, Open: true}
	for _, wrong := range terms.Problems {
		if wrong.Code == "closed" || wrong.Code == "paused" {
			card.Open = false
		}
	}
	return card, p.Card.Blurb, nil
}

// dish returns a dish that customers see and its description, or nil.
func (x *extras) dish(ctx context.Context, item id.ID) (*social.DishCard, string, error) {
	restaurant, it, err := x.find(ctx, item)
	if err != nil || it == nil || it.Hidden {
		return nil, "", err
	}
	shop, _, err := x.shop(ctx, restaurant)
	if err != nil || shop == nil {
		return nil, "", err
	}
	s, err := x.Restaurants.Shop(ctx, restaurant)
	if err != nil {
		return nil, "", err
	}
	now := x.Now()
	d := &social.DishCard{
		ID: item, Name: it.Name, Price: it.Price, Currency: s.Currency, Photo: it.Photo, Restaurant: *shop, Simple: true,
		Available: it.Stock != 0 && !it.OutUntil.After(now) && (it.Section == nil || it.Section.Hours == nil || it.Section.Hours.OpenAt(now, hours.Options{Loc: s.Loc})),
	}
	for _, g := range it.Groups {
		d.Simple = d.Simple && g.Min == 0
	}
	return d, cmp.Or(it.Description, shop.Name), nil
}

// find returns a dish with its restaurant, nil where no menu has it. Where a dish was found once is remembered.
func (x *extras) find(ctx context.Context, item id.ID) (id.ID, *delivery.Item, error) {
	look := func(restaurant id.ID) (*delivery.Item, error) {
		menu, err := x.Menus.Menu(ctx, restaurant)
		if errs.Is(err, errs.NotFound) {
			return nil, nil //nolint:nilnil // no menu: no dish
		}
		if err != nil {
			return nil, err
		}
		return menu.Items[item], nil
	}
	if r, ok := x.where.Load(item); ok {
		it, err := look(r.(id.ID))
		return r.(id.ID), it, err
	}
	all, err := x.Restaurants.All(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, r := range all {
		it, err := look(r.ID)
		if err != nil {
			return 0, nil, err
		}
		if it != nil {
			x.where.Store(item, r.ID)
			return r.ID, it, nil
		}
	}
	return 0, nil, nil
}

// groupProfiles makes and changes the profiles of groups.
type groupProfiles struct{ *App }

func (p groupProfiles) AddGroup(ctx context.Context, tx *db.Tx, g social.GroupCard, hidden bool) error {
	return p.Profile.AddGroup(ctx, tx, profile.NewGroup{ID: g.ID, Handle: g.Handle, Name: g.Name, Page: g.URL, Hidden: hidden})
}

func (p groupProfiles) ChangeGroup(ctx context.Context, tx *db.Tx, g social.GroupCard, hidden bool) error {
	return p.Profile.ChangeGroup(ctx, tx, g.ID, g.Name, hidden)
}

func (p groupProfiles) RemoveGroup(ctx context.Context, tx *db.Tx, group id.ID) error {
	return p.Profile.Remove(ctx, tx, group)
}

func (p groupProfiles) Resolve(ctx context.Context, handle string) (id.ID, error) {
	return p.Profile.Resolve(ctx, handle)
}

func (p groupProfiles) Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	return p.Profile.Entities(ctx, ids)
}

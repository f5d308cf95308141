package friends

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/review"
	"github.com/stoa-town/stoa/internal/demo/talk"
	"github.com/stoa-town/stoa/internal/demo/town/draw"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/status"
)

// post lets somebody begin a conversation: in the town, now and then in a group or about a dish. Called with mu held, as all here.
func (l *Life) post(local time.Time) (Act, bool) {
	if len(l.clubs) > 0 && l.rand.Float64() < 0.18 {
		return l.clubPost(l.clubs[l.rand.IntN(len(l.clubs))])
	}
	i, ok := l.someone()
	if !ok {
		return Act{}, false
	}
	if h := local.Hour(); l.rand.Float64() < 0.15 && (h >= 11 && h < 15 || h >= 17 && h < 22) {
		return l.dishPost(i)
	}
	th := l.talk.Begin(l.rand, local.Hour(), l.langs(i)...)
	if th == nil {
		return Act{}, false
	}
	return l.begin(l.people.Neighbours[i], th, status.Draft{}, nil), true
}

// begin posts the first words of a conversation, with a picture where its topic has one.
func (l *Life) begin(who access.Actor, th *talk.Thread, d status.Draft, c *club) Act {
	d.Text, d.Lang = th.Text, th.Topic.Lang
	if d.Visibility == "" {
		d.Visibility = social.Public
		if th.Topic.Name == "borrow" || th.Topic.Name == "give" || th.Topic.Name == "found" || l.rand.Float64() < 0.08 {
			d.Visibility = social.Town // what only neighbours need to know
		}
	}
	scene, seed := "", ""
	if th.Topic.Picture != "" && l.photos > 0 && l.rand.Float64() < 0.75 {
		l.photos--
		scene, seed = th.Topic.Picture, fmt.Sprint(l.rand.Uint64())
	}
	return Act{who, "post", func(ctx context.Context) error {
		if scene != "" {
			file, err := l.picture(ctx, who.ID, scene, seed)
			if err != nil {
				return err
			}
			d.Media = []id.ID{file}
		}
		st, err := l.Statuses.Post(ctx, who, d)
		if err != nil {
			return refused(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.remember(&thread{status: st, author: who, as: d.As, th: th, at: l.now(), club: c})
		return nil
	}}
}

// picture paints a view and uploads it for somebody.
func (l *Life) picture(ctx context.Context, owner id.ID, scene, seed string) (id.ID, error) {
	b, err := draw.Scene(seed, scene)
	if err != nil {
		return 0, fmt.Errorf("friends: paint %s: %w", scene, err)
	}
	a, err := l.Media.Add(ctx, owner, media.Upload{File: bytes.NewReader(b), Size: int64(len(b)), Description: draw.Scenes[scene]})
	if err != nil {
		return 0, err
	}
	return a.ID, nil
}

// clubPost lets a member of a group write to the others.
func (l *Life) clubPost(c *club) (Act, bool) {
	if len(c.members) == 0 {
		return Act{}, false
	}
	who := l.people.Neighbours[c.members[l.rand.IntN(len(c.members))]]
	th := l.talk.On(l.rand, c.topic, "en", nil)
	if th == nil || l.played(who.ID) {
		return Act{}, false
	}
	return l.begin(who, th, status.Draft{Visibility: social.Group, Group: c.id}, c), true
}

// dishPost lets somebody show a dish that they like.
func (l *Life) dishPost(neighbour int) (Act, bool) {
	shop := l.rand.IntN(len(l.people.Shops))
	who := l.people.Neighbours[neighbour]
	if l.played(who.ID) {
		return Act{}, false
	}
	return l.withDish(who, shop, "dish", status.Draft{Visibility: social.Public}), true
}

// withDish posts about a dish of a restaurant's menu, with its card.
func (l *Life) withDish(who access.Actor, shop int, topic string, d status.Draft) Act {
	pick := l.rand.Float64()
	return Act{who, topic, func(ctx context.Context) error {
		m, err := l.Menus.Menu(ctx, l.people.Shops[shop].ID)
		if err != nil {
			return err
		}
		var items []id.ID
		for _, sec := range m.Sections {
			for _, it := range sec.Items {
				if it.Tax == "food" && !it.Hidden && it.Stock != 0 {
					items = append(items, it.ID)
				}
			}
		}
		if len(items) == 0 {
			return nil
		}
		it := m.Items[items[int(pick*float64(len(items)))]]
		l.mu.Lock()
		th := l.talk.On(l.rand, topic, "en", map[string]string{"dish": it.Name, "restaurant": l.town.Restaurants[shop].Name})
		d.Kind, d.Thing = "dish", it.ID
		act := l.begin(who, th, d, nil)
		l.mu.Unlock()
		return act.Do(ctx)
	}}
}

// special lets a restaurant post its dish of the day.
func (l *Life) special(local time.Time) (Act, bool) {
	i := l.rand.IntN(len(l.people.Shops))
	shop, day := l.people.Shops[i], local.Format(time.DateOnly)
	if l.specials[i] == day || l.played(shop.Owner.ID) {
		return Act{}, false
	}
	l.specials[i] = day
	return l.withDish(shop.Owner, i, "special", status.Draft{As: shop.ID, Visibility: social.Public}), true
}

// lively returns a conversation that somebody may go on with: newer ones and those that are talked about are more likely.
func (l *Life) lively() *thread {
	if len(l.threads) == 0 {
		return nil
	}
	n := len(l.threads)
	return l.threads[n-1-int(float64(n)*l.rand.Float64()*l.rand.Float64())]
}

// answer lets somebody answer, or an author return to who has answered them.
func (l *Life) answer() (Act, bool) {
	t := l.lively()
	if t == nil || t.answers >= 6 || l.now().Sub(t.at) > 20*time.Hour {
		return Act{}, false
	}
	if t.last != 0 && t.lastBy.ID != t.author.ID && !l.played(t.author.ID) && t.author.Handle != "" && l.rand.Float64() < 0.45 {
		if text, ok := l.talk.Return(l.rand, t.th); ok {
			return l.say(t, t.author, t.as, t.last, text), true
		}
	}
	who, ok := l.answerer(t)
	if !ok {
		return Act{}, false
	}
	text, ok := l.talk.Answer(l.rand, t.th)
	if !ok {
		return Act{}, false
	}
	to := t.status
	return l.say(t, who, 0, to, text), true
}

// answerer returns who goes on with a conversation.
func (l *Life) answerer(t *thread) (access.Actor, bool) {
	if t.club != nil {
		i := t.club.members[l.rand.IntN(len(t.club.members))]
		who := l.people.Neighbours[i]
		return who, who.ID != t.author.ID && !l.played(who.ID)
	}
	for range 8 {
		i, ok := l.someone(t.author.ID, t.lastBy.ID)
		if !ok {
			return access.Actor{}, false
		}
		if t.th.Topic.Lang == "en" || l.town.Neighbours[i].Language == t.th.Topic.Lang {
			return l.people.Neighbours[i], true
		}
	}
	return access.Actor{}, false
}

// say answers a status.
func (l *Life) say(t *thread, who access.Actor, as, to id.ID, text string) Act {
	t.answers++
	return Act{who, "answer", func(ctx context.Context) error {
		d := status.Draft{As: as, Text: text, Lang: t.th.Topic.Lang, ReplyTo: to, Visibility: social.Public}
		if t.club != nil {
			d.Visibility, d.Group = social.Group, t.club.id
		}
		st, err := l.Statuses.Post(ctx, who, d)
		if err != nil {
			return refused(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		t.last, t.lastBy = st, who
		return nil
	}}
}

// like lets somebody favourite what they read.
func (l *Life) like() (Act, bool) {
	t := l.lively()
	if t == nil {
		return Act{}, false
	}
	who, ok := l.reader(t)
	if !ok {
		return Act{}, false
	}
	target := t.status
	if t.last != 0 && l.rand.Float64() < 0.3 {
		target = t.last
	}
	return Act{who, "favourite", func(ctx context.Context) error {
		return refused(l.Statuses.Mark(ctx, who, target, social.Favourite, true))
	}}, true
}

// reader returns somebody who reads a conversation, of the whole town where it is not a group's.
func (l *Life) reader(t *thread) (access.Actor, bool) {
	if t.club != nil {
		return l.answerer(t)
	}
	who := l.people.Neighbours[l.rand.IntN(len(l.people.Neighbours))]
	return who, who.ID != t.author.ID && !l.played(who.ID)
}

// boost lets somebody pass on what they like.
func (l *Life) boost() (Act, bool) {
	t := l.lively()
	if t == nil || t.club != nil {
		return Act{}, false
	}
	i, ok := l.someone(t.author.ID)
	if !ok {
		return Act{}, false
	}
	who, target := l.people.Neighbours[i], t.status
	return Act{who, "boost", func(ctx context.Context) error {
		_, err := l.Statuses.Boost(ctx, who, target, "")
		return refused(err)
	}}, true
}

// come lets somebody say whether they come to an event.
func (l *Life) come(now time.Time) (Act, bool) {
	if len(l.dates) == 0 {
		return Act{}, false
	}
	d := l.dates[l.rand.IntN(len(l.dates))]
	i := l.circle[l.rand.IntN(len(l.circle))]
	if d.club != nil {
		i = d.club.members[l.rand.IntN(len(d.club.members))]
	}
	who := l.people.Neighbours[i]
	if !d.starts.After(now) || l.played(who.ID) {
		return Act{}, false
	}
	answer := event.Coming
	if l.rand.Float64() < 0.25 {
		answer = event.Maybe
	}
	return Act{who, "come", func(ctx context.Context) error {
		_, err := l.Events.Answer(access.With(ctx, who), d.id, answer)
		return refused(err)
	}}, true
}

// verdict lets a customer say how an order was, and the restaurant answer.
func (l *Life) verdict(p plate) (Act, bool) {
	var who access.Actor
	for _, n := range l.people.Neighbours {
		if n.ID == p.customer {
			who = n
		}
	}
	shop := -1
	for i, s := range l.people.Shops {
		if s.ID == p.shop {
			shop = i
		}
	}
	if who.ID == 0 || shop < 0 || l.played(who.ID) {
		return Act{}, false
	}
	stars, luck := 5, l.rand.Float64()
	switch {
	case luck < 0.06:
		stars = 2
	case luck < 0.18:
		stars = 3
	case luck < 0.48:
		stars = 4
	}
	pick, quiet, answers := l.rand.Float64(), l.rand.Float64() < 0.2, l.rand.Float64() < 0.4
	return Act{who, "review", func(ctx context.Context) error {
		ctx = access.With(ctx, who)
		bought, err := l.Reviews.Orders.Bought(ctx, p.order)
		if err != nil {
			return refused(err)
		}
		m, err := l.Menus.Menu(ctx, p.shop)
		if err != nil {
			return refused(err)
		}
		eaten := slices.DeleteFunc(bought.Lines, func(b review.Line) bool { return m.Items[b.Item] == nil || m.Items[b.Item].Tax != "food" })
		if len(eaten) == 0 {
			return nil // only something to drink: not worth a word
		}
		line := eaten[int(pick*float64(len(eaten)))]
		l.mu.Lock()
		th := l.talk.On(l.rand, fmt.Sprintf("review%d", stars), "en", map[string]string{"dish": line.Name, "restaurant": l.town.Restaurants[shop].Name})
		thanks, ok := l.talk.Return(l.rand, th)
		l.mu.Unlock()
		in := review.Input{Stars: &stars, Text: &th.Text, Dishes: &[]review.Stars{{Item: line.Item, Stars: stars}}, Lang: "en"}
		if quiet {
			in.Visibility = social.Town
		}
		r, err := l.Reviews.Create(ctx, p.order, in)
		if err != nil {
			return refused(err)
		}
		owner := l.people.Shops[shop].Owner
		if !answers || !ok || l.played(owner.ID) {
			return nil
		}
		_, err = l.Reviews.Answer(access.With(ctx, owner), r.ID, thanks)
		if errs.Is(err, errs.Forbidden) {
			return nil // they have sold the place
		}
		return refused(err)
	}}, true
}

package web

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

// The topics that open pages listen to:
//
//	me:ID       one's own: what is new at home, how the counts of posts change whose author one follows, how much is unread
//	status:ID   the counts of a status, its answers, its end: for its page, also of strangers
//	town:all    that there is something new in the town, for who is signed in
//	town:open   the same for everybody
//
// Each node works this out for those who listen there, from the reader's relations: a post costs a look into memory for each of them, and
// nothing for the thousands who are not looking.
const (
	topicMe     = frame.Me
	topicStatus = "status"
	topicTown   = "town"
	townAll     = topicTown + ":all"
	townOpen    = topicTown + ":open"
)

var errNoTopic = errs.New(errs.NotFound, "There is nothing at this address.")

// gather is how long counts are gathered before they are told: a post that everybody likes at once is told once.
const gather = 250 * time.Millisecond

// live tells open pages what happens.
type live struct {
	*Pages
	news chan happened // what happened to statuses
	seen chan id.ID    // statuses whose counts have changed
	more chan id.ID    // who has a notification more
}

// happened is what became of a status: name is that of the event.
type happened struct {
	social.Head
	name string
}

// change is what happened to a status, as pages are told it.
type change struct {
	Status id.ID `json:"status"`
}

// counts are the figures below a status.
type counts struct {
	Status     id.ID `json:"status"`
	Replies    int64 `json:"replies"`
	Boosts     int64 `json:"boosts"`
	Favourites int64 `json:"favourites"`
}

func newLive(p *Pages) *live {
	return &live{Pages: p, news: make(chan happened, 1024), seen: make(chan id.ID, 4096), more: make(chan id.ID, 1024)}
}

// react has the hub know the topics and the log bring what happens.
func (l *live) react() {
	l.Hub.Allow(topicMe, func(ctx context.Context, topic string) error {
		if actor := access.From(ctx); !actor.SignedIn() || topic != topicMe+":"+actor.ID.String() {
			return errNoTopic
		}
		return nil
	})
	l.Hub.Allow(topicStatus, func(ctx context.Context, topic string) error {
		status, err := id.Parse(strings.TrimPrefix(topic, topicStatus+":"))
		if err != nil {
			return errNoTopic
		}
		rel, err := l.relations(ctx)
		if err != nil {
			return err
		}
		_, err = l.one(ctx, rel, status, "")
		return err
	})
	l.Hub.Allow(topicTown, func(ctx context.Context, topic string) error {
		if topic == townOpen || topic == townAll && access.From(ctx).SignedIn() {
			return nil
		}
		return errNoTopic
	})
	l.Log.Watch(l.hear)
}

// hear takes events from the log. It must be quick: what there is to look up, run looks up. Where nobody listens nothing is queued, and
// where more happens than can be told, pages miss a count until they are read anew.
func (l *live) hear(es []events.Event) {
	for _, e := range es {
		switch e.Kind {
		case social.KindPosted:
			var p social.Posted
			if json.Unmarshal(e.Data, &p) == nil {
				l.queue(p.Head, e.Kind)
				l.touch(p.BoostOf)
				l.touch(p.ReplyTo)
			}
		case social.KindEdited:
			var c social.Edited
			if json.Unmarshal(e.Data, &c) == nil && !c.Past {
				l.queue(c.Head, e.Kind)
			}
		case social.KindDeleted:
			var d social.Deleted
			if json.Unmarshal(e.Data, &d) == nil {
				l.queue(d.Head, "status.gone")
				l.touch(d.BoostOf)
				l.touch(d.ReplyTo)
			}
		case social.KindMarked:
			var m social.Marked
			if json.Unmarshal(e.Data, &m) == nil && m.Mark == social.Favourite {
				l.touch(m.Status)
			}
		case social.KindVoted:
			var v social.Voted
			if json.Unmarshal(e.Data, &v) == nil {
				l.tellPage(v.Status, "status.edited", change{v.Status})
			}
		case social.KindNotified:
			var n social.Notified
			if json.Unmarshal(e.Data, &n) == nil {
				l.told(n)
			}
		}
	}
}

func (l *live) queue(h social.Head, name string) {
	select {
	case l.news <- happened{h, name}:
	default:
	}
}

func (l *live) touch(status id.ID) {
	if status == 0 {
		return
	}
	select {
	case l.seen <- status:
	default:
	}
}

// tell tells a topic. What is told are plain types of ours, which always encode.
func (l *live) tell(topic, name string, data any) { _ = l.Hub.Tell(topic, name, data) }

func (l *live) tellMe(who id.ID, name string, data any) { l.tell(topicMe+":"+who.String(), name, data) }

func (l *live) tellPage(status id.ID, name string, data any) {
	l.tell(topicStatus+":"+status.String(), name, data)
}

// told has the pages of somebody say that there is a notification more. How many are unread is looked up only where one of them is open.
func (l *live) told(n social.Notified) {
	l.tellMe(n.To, "me.notified", n)
	select {
	case l.more <- n.To:
	default:
	}
}

// unread tells somebody's pages how much they have not seen yet.
func (l *live) unread(ctx context.Context, who id.ID) {
	if l.Notices == nil || !slices.Contains(l.online(), who) {
		return
	}
	if n, err := l.Notices.Unread(ctx, who); err == nil {
		l.tellMe(who, "me.unread", map[string]int{"n": n})
	}
}

// about tells that something about a status is no longer what it was, to those who may read it and may have it on their page.
func (l *live) about(ctx context.Context, h social.Head, name string) {
	l.tellPage(h.ID, name, change{h.ID})
	if h.ReplyTo != 0 {
		l.tellPage(h.ReplyTo, name, change{h.ID})
	}
	for _, who := range l.online() {
		rel, err := l.Graph.Relations(ctx, who)
		if err == nil && concerns(rel, &h) {
			l.tellMe(who, name, change{h.ID})
		}
	}
}

// concerns reports whether a status may well be on a page of the reader's.
func concerns(rel *social.Relations, h *social.Head) bool {
	_, follows := rel.Follows[h.Account]
	return (follows || h.Account == rel.Viewer || rel.Groups[h.Group]) && rel.MayRead(h)
}

// online returns who listens to their own topic on this node.
func (l *live) online() []id.ID {
	var out []id.ID
	for _, s := range l.Hub.Listening(topicMe) {
		if who, err := id.Parse(s); err == nil {
			out = append(out, who)
		}
	}
	return out
}

// run tells what hear has gathered.
func (l *live) run(ctx context.Context) error {
	tick := time.NewTicker(gather)
	defer tick.Stop()
	changed := map[id.ID]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case h := <-l.news:
			if h.name == social.KindPosted {
				l.posted(ctx, h.Head)
			} else {
				l.about(ctx, h.Head, h.name)
			}
		case status := <-l.seen:
			changed[status] = true
		case who := <-l.more:
			l.unread(ctx, who)
		case <-tick.C:
			if len(changed) > 0 {
				l.count(ctx, changed)
				clear(changed)
			}
		}
	}
}

// posted tells of a new status those at whose home it stands, and the page of what it answers.
func (l *live) posted(ctx context.Context, h social.Head) {
	now, told := l.Now(), change{h.ID}
	if h.ReplyTo != 0 {
		l.tellPage(h.ReplyTo, social.KindPosted, told)
	}
	for _, who := range l.online() {
		rel, err := l.Graph.Relations(ctx, who)
		if err == nil && h.Account != who && rel.AtHome(&h, now) {
			l.tellMe(who, social.KindPosted, told)
		}
	}
	if h.InPublic() && !h.Hidden {
		l.tell(townAll, social.KindPosted, told)
		if h.Visibility == social.Public {
			l.tell(townOpen, social.KindPosted, told)
		}
	}
}

// count tells the figures of statuses to their pages, and to those who may have them at home.
func (l *live) count(ctx context.Context, changed map[id.ID]bool) {
	ids := make([]id.ID, 0, len(changed))
	for s := range changed {
		ids = append(ids, s)
	}
	heads, err := l.Statuses.Heads(ctx, ids)
	if err != nil {
		return // the next change tells all of it
	}
	online := l.online()
	for _, h := range heads {
		// Its author may read it in any case.
		list, err := l.Statuses.Statuses(ctx, &social.Relations{Viewer: h.Account}, []id.ID{h.ID}, "")
		if err != nil || len(list) != 1 {
			continue
		}
		s := list[0]
		c := counts{Status: h.ID, Replies: s.Replies, Boosts: s.Boosts, Favourites: s.Favourites}
		l.tellPage(h.ID, "status.counts", c)
		for _, who := range online {
			if rel, err := l.Graph.Relations(ctx, who); err == nil && concerns(rel, &h) {
				l.tellMe(who, "status.counts", c)
			}
		}
	}
}

// relations returns the relations of who asks.
func (p *Pages) relations(ctx context.Context) (*social.Relations, error) {
	return p.Graph.Relations(ctx, access.From(ctx).ID)
}

// Readable returns a status as the actor of ctx sees it, or a NotFound error.
func (p *Pages) Readable(ctx context.Context, status id.ID) (*social.Status, error) {
	rel, err := p.relations(ctx)
	if err != nil {
		return nil, err
	}
	return p.one(ctx, rel, status, "")
}

var errNoStatus = errs.New(errs.NotFound, "This post is not there, or not for you to read.")

// one returns a status that the reader may read, or a NotFound error.
func (p *Pages) one(ctx context.Context, rel *social.Relations, status id.ID, where string) (*social.Status, error) {
	list, err := p.Statuses.Statuses(ctx, rel, []id.ID{status}, where)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errNoStatus
	}
	return list[0], nil
}

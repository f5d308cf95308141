package stream

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// push gives a message to a client, by the stream called name.
type push func(c *client, name string, m *message)

// relationsOf returns somebody's relations.
type relationsOf func(ctx context.Context, who id.ID) (*social.Relations, error)

// tell tells those of an audience of an event whom it concerns. A panic, and what can't be read, cost that event only.
func (h *Hub) tell(ctx context.Context, e *events.Event, to *audience, give push, of relationsOf) {
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "stream: telling of an event panicked", "kind", e.Kind, "seq", e.Seq, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	var err error
	switch e.Kind {
	case social.KindPosted:
		err = with(e, func(p social.Posted) error { return h.status(ctx, e, "update", &p.Head, to, give, of) })
	case social.KindEdited:
		err = with(e, func(p social.Edited) error {
			if p.Past {
				return nil // an archive brings thousands that belong far below what anybody looks at
			}
			return h.status(ctx, e, "status.update", &p.Head, to, give, of)
		})
	case social.KindDeleted:
		err = with(e, func(p social.Deleted) error { return h.status(ctx, e, "delete", &p.Head, to, give, of) })
	case social.KindFollowed:
		err = with(e, func(p social.Followed) error { h.forget(p.From, p.To); return nil })
	case social.KindModerated:
		err = with(e, func(p social.Moderated) error { h.forget(p.Profile); return nil })
	case social.KindFiltersChanged:
		err = with(e, func(p social.FiltersChanged) error {
			h.one(to, p.By, give, &message{seq: e.Seq, event: "filters_changed"}, nil, "user")
			return nil
		})
	case social.KindNotified, social.KindNoticesChanged, social.KindTalked, social.KindAnnouncementChanged:
		if h.Others != nil {
			err = h.others(ctx, e, to, give)
		}
	}
	if err != nil && ctx.Err() == nil && !errs.Is(err, errs.NotFound) {
		slog.ErrorContext(ctx, "stream: cannot tell of an event", "kind", e.Kind, "seq", e.Seq, "err", err)
	}
}

func with[P any](e *events.Event, fn func(P) error) error {
	var p P
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return err
	}
	return fn(p)
}

// forget has the relations of somebody who listens read anew.
func (h *Hub) forget(who ...id.ID) {
	for _, a := range who {
		delete(h.rels, a)
	}
}

// one gives a message to those of an account's clients that listen to one of the kinds, to each once, where may is nil or says so.
func (h *Hub) one(to *audience, who id.ID, give push, m *message, may func(c *client) bool, kinds ...string) {
	for _, t := range to.by[who] {
		if slices.Contains(kinds, t.t.kind) && (may == nil || may(t.c)) {
			give(t.c, t.t.name, m)
		}
	}
}

// others tells of what is no status.
func (h *Hub) others(ctx context.Context, e *events.Event, to *audience, give push) error {
	mayHear := func(c *client) bool { return c.notice }
	switch e.Kind {
	case social.KindNotified:
		return with(e, func(p social.Notified) error {
			if len(to.by[p.To]) == 0 {
				return nil
			}
			data, err := h.Others.Notification(ctx, p.To, p.Notification)
			if err == nil && data != nil {
				h.one(to, p.To, give, &message{seq: e.Seq, event: "notification", data: data}, mayHear, "user", "user:notification")
			}
			return err
		})
	case social.KindNoticesChanged:
		return with(e, func(p social.NoticesChanged) error {
			if p.What == "merged" {
				h.one(to, p.To, give, &message{seq: e.Seq, event: "notifications_merged", data: []byte("1")}, mayHear, "user", "user:notification")
			}
			return nil
		})
	case social.KindTalked:
		return with(e, func(p social.Talked) error {
			if !p.Fresh || len(to.by[p.To]) == 0 {
				return nil
			}
			data, err := h.Others.Conversation(ctx, p.To, p.Conversation)
			if err == nil && data != nil {
				h.one(to, p.To, give, &message{seq: e.Seq, event: "conversation", data: data}, nil, "direct")
			}
			return err
		})
	}
	return with(e, func(p social.AnnouncementChanged) error { return h.announce(ctx, e.Seq, p, to, give) })
}

func (h *Hub) announce(ctx context.Context, seq int64, p social.AnnouncementChanged, to *audience, give push) (err error) {
	m := &message{seq: seq, event: "announcement"}
	switch p.What {
	case "removed":
		m.event, m.data = "announcement.delete", []byte(p.Announcement.String())
	case "reaction":
		m.event = "announcement.reaction"
		m.data, err = json.Marshal(map[string]any{"name": p.Reaction, "count": p.Count, "announcement_id": p.Announcement})
	default:
		m.data, err = h.Others.Announcement(ctx, p.Announcement)
	}
	if err != nil || m.data == nil {
		return err
	}
	for who := range to.by {
		if who != 0 {
			h.one(to, who, give, m, nil, "user")
		}
	}
	return nil
}

// status tells of a status, of its change or its end, in every stream in which it stands for who listens.
func (h *Hub) status(ctx context.Context, e *events.Event, event string, head *social.Head, to *audience, give push, of relationsOf) (problem error) {
	r := &rendering{hub: h, event: event, head: head, seq: e.Seq, same: map[bool]*message{}}
	now := h.Now()
	for who, targets := range to.by {
		rel := &social.Relations{}
		if who != 0 {
			var err error
			if rel, err = of(ctx, who); err != nil {
				problem = errors.Join(problem, err)
				continue
			}
		}
		r.own = [2]*message{}
		for _, t := range targets {
			var shows bool
			switch {
			case t.t.public():
				shows = t.t.has(head) && rel.Meets(head, now)
			case t.t.kind == "user":
				shows = rel.AtHome(head, now)
			case t.t.kind == "list":
				l, err := h.Lists.List(ctx, who, t.t.list)
				shows = err == nil && l.Shows(rel, head, now)
			}
			if !shows {
				continue
			}
			m, err := r.of(ctx, rel, t.t.public())
			if err != nil {
				problem = errors.Join(problem, err)
			} else if m != nil {
				give(t.c, t.t.name, m)
			}
		}
	}
	return problem
}

// rendering is a status as those who are told of it see it.
type rendering struct {
	hub   *Hub
	event string
	head  *social.Head
	seq   int64
	same  map[bool]*message // for those who have nothing to do with it, who follow its author (may quote it) or don't; true under the key: follows
	gone  *message
	own   [2]*message // of the present reader: at home, in public
}

// of returns the message for a reader, or nil where they are not to see the status.
func (r *rendering) of(ctx context.Context, rel *social.Relations, public bool) (*message, error) {
	if r.event == "delete" {
		if r.gone == nil {
			r.gone = &message{seq: r.seq, event: r.event, data: []byte(r.head.ID.String())}
		}
		return r.gone, nil
	}
	where, at := "home", 0
	if public {
		where, at = "public", 1
	}
	_, follows := rel.Follows[r.head.Account]
	alike, err := r.alike(ctx, rel)
	if err != nil {
		return nil, err
	}
	if alike {
		if m, ok := r.same[follows]; ok {
			return m, nil
		}
	} else if m := r.own[at]; m != nil {
		return m, nil
	}
	list, err := r.hub.Statuses.JSON(ctx, rel, []id.ID{r.head.ID}, where)
	if err != nil {
		return nil, err
	}
	var m *message
	if len(list) == 1 {
		m = &message{seq: r.seq, event: r.event, data: list[0]}
	}
	if !alike {
		r.own[at] = m
	} else if m != nil {
		r.same[follows] = m
	}
	return m, nil
}

// alike reports whether the reader sees of a status what all others do of whom that is true: it is new and nobody's but its author's, and
// shows no other status, which they may have marked or not be allowed to read.
func (r *rendering) alike(ctx context.Context, rel *social.Relations) (bool, error) {
	h := r.head
	if rel.Viewer == 0 || r.event != "update" || h.BoostOf != 0 || h.QuoteOf != 0 || h.ReplyTo != 0 || h.Account == rel.Viewer || slices.Contains(h.Mentions, rel.Viewer) {
		return false, nil
	}
	m, err := r.hub.Filters.For(ctx, rel.Viewer)
	return m == nil, err
}

// kindOf returns the stream that a path below /api/v1/streaming/ names, or "".
func kindOf(path string, media bool) string {
	kind := strings.ReplaceAll(strings.Trim(path, "/"), "/", ":")
	if media && strings.HasPrefix(kind, "public") {
		kind += ":media"
	}
	if _, ok := kinds[kind]; !ok {
		return ""
	}
	return kind
}

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Notices are what somebody is told: of follows, answers, favourites.
type Notices interface {
	// Notices returns what is new, the newest first and of one kind about one post together. kind is "" for all, or mention, follow, favourite,
	// reblog and so on. older is where the next page begins, 0 at the end.
	Notices(ctx context.Context, to id.ID, kind string, before id.ID, limit int) (list []Notice, older id.ID, err error)
	// Unread returns how many there are since Read, at most 100.
	Unread(ctx context.Context, to id.ID) (int, error)
	// Read remembers that those up to upTo have been seen.
	Read(ctx context.Context, to, upTo id.ID) error
	Clear(ctx context.Context, to id.ID) error
}

// Notice is one line of notifications: what some did about one thing.
type Notice struct {
	ID     id.ID // of the newest of it
	Type   string
	From   []id.ID // the newest first
	Count  int
	Status id.ID // 0: about none
	Text   string
	URL    string // path that it leads to where there is no status; may be empty
	At     time.Time
	New    bool
}

// Talks are conversations with few.
type Talks interface {
	Talks(ctx context.Context, of id.ID, before id.ID, limit int) (list []Talk, older id.ID, err error)
}

// Talk is a conversation with few.
type Talk struct {
	ID     id.ID
	With   []id.ID
	Last   id.ID // status
	Unread bool
}

// shown is a notice as the page shows it.
type shown struct {
	Notice
	from   []*social.Account
	status *social.Status
}

// noticesPage is the page of notifications.
type noticesPage struct {
	kind  string
	list  []shown
	older string
}

func (p *Pages) readNotices(r *http.Request) (*noticesPage, error) {
	ctx, q := r.Context(), r.URL.Query()
	rel, err := p.relations(ctx)
	if err != nil {
		return nil, err
	}
	n := &noticesPage{kind: q.Get("kind")}
	before, _ := id.Parse(q.Get("before")) // what is no id is the beginning
	list, older, err := p.Notices.Notices(ctx, rel.Viewer, n.kind, before, pageSize)
	if err != nil {
		return nil, err
	}
	var who, what []id.ID
	for _, l := range list {
		who = append(who, l.From...)
		if l.Status != 0 {
			what = append(what, l.Status)
		}
	}
	people, err := p.Profiles.Entities(ctx, who)
	if err != nil {
		return nil, err
	}
	statuses, err := p.Statuses.Statuses(ctx, rel, what, "notifications")
	if err != nil {
		return nil, err
	}
	byID := make(map[id.ID]*social.Status, len(statuses))
	for _, s := range statuses {
		byID[s.ID] = s
	}
	for _, l := range list {
		s := shown{Notice: l, status: byID[l.Status]}
		for _, f := range l.From {
			if a := people[f]; a != nil {
				s.from = append(s.from, a)
			}
		}
		if l.Status != 0 && s.status == nil {
			continue // deleted, or hidden by a filter
		}
		n.list = append(n.list, s)
	}
	if older != 0 {
		path := "/notifications"
		if n.kind != "" {
			path = with(path, "kind", n.kind)
		}
		n.older = with(path, "before", older.String())
	}
	if before == 0 && n.kind == "" && len(list) > 0 {
		// Looked at is read; what came meanwhile is not.
		return n, p.Notices.Read(ctx, rel.Viewer, list[0].ID)
	}
	return n, nil
}

func (p *Pages) notifications(w http.ResponseWriter, r *http.Request) error {
	n, err := p.readNotices(r)
	if err != nil {
		return err
	}
	v := p.view(r)
	if ui.IsFragment(r) && r.URL.Query().Get("before") != "" {
		return httpx.Render(w, r, http.StatusOK, noticesList(v, n))
	}
	return httpx.Render(w, r, http.StatusOK, p.noticesWhole(v, n))
}

func (p *Pages) noticesLive(w http.ResponseWriter, r *http.Request) error {
	n, err := p.readNotices(r)
	if err != nil {
		return err
	}
	v := p.view(r)
	v.Back = "/notifications"
	return httpx.Render(w, r, http.StatusOK, noticesList(v, n))
}

func (p *Pages) clearNotices(w http.ResponseWriter, r *http.Request) error {
	if err := p.Notices.Clear(r.Context(), access.From(r.Context()).ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/notifications")
}

// talkShown is a conversation as the page shows it.
type talkShown struct {
	Talk
	with []*social.Account
	last *social.Status
}

func (p *Pages) conversations(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	list, older, err := p.Talks.Talks(ctx, rel.Viewer, before, pageSize)
	if err != nil {
		return err
	}
	var who, what []id.ID
	for _, t := range list {
		who = append(who, t.With...)
		what = append(what, t.Last)
	}
	people, err := p.Profiles.Entities(ctx, who)
	if err != nil {
		return err
	}
	statuses, err := p.Statuses.Statuses(ctx, rel, what, "")
	if err != nil {
		return err
	}
	byID := make(map[id.ID]*social.Status, len(statuses))
	for _, s := range statuses {
		byID[s.ID] = s
	}
	var out []talkShown
	for _, t := range list {
		s := talkShown{Talk: t, last: byID[t.Last]}
		if s.last == nil {
			continue
		}
		for _, a := range t.With {
			if people[a] != nil {
				s.with = append(s.with, people[a])
			}
		}
		out = append(out, s)
	}
	next := ""
	if older != 0 {
		next = with("/conversations", "before", older.String())
	}
	return httpx.Render(w, r, http.StatusOK, p.talksWhole(p.view(r), out, next))
}

// nameList says who did something: "Anna and 3 others".
func nameList(ctx context.Context, from []*social.Account, count int) string {
	switch {
	case len(from) == 0:
		return i18n.T(ctx, "Somebody")
	case count <= 1:
		return card.Name(from[0])
	case count == 2 && len(from) > 1:
		return i18n.T(ctx, "%s and %s", card.Name(from[0]), card.Name(from[1]))
	}
	return i18n.N(ctx, count-1, "%[2]s and %[1]d other", "%[2]s and %[1]d others", count-1, card.Name(from[0]))
}

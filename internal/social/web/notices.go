package web

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Notices are what somebody is told: of follows, answers, favourites.
type Notices interface {
	// Feed returns what is new, in the reader's language, the newest first and of one kind about one post together, and where the next page
	// begins, 0 at the end. kinds is nil for all.
	Feed(ctx context.Context, account id.ID, kinds []string, below id.ID, limit int) ([]social.Entry, id.ID, error)
	// Unread returns how many there are that have not been seen, at most 100.
	Unread(ctx context.Context, account id.ID) (int, error)
	// MarkRead remembers that those up to upTo have been seen.
	MarkRead(ctx context.Context, account, upTo id.ID) error
	Clear(ctx context.Context, account id.ID) error
}

// Talks are conversations with few.
type Talks interface {
	// Talks returns conversations, the newest first, and where the next page begins, 0 at the end.
	Page(ctx context.Context, account, below id.ID, limit int) ([]social.Conversation, id.ID, error)
	// Seen remembers that a conversation has been read.
	Seen(ctx context.Context, account, conversation id.ID) error
}

// noticesPage is the page of notifications.
type noticesPage struct {
	kind  string
	list  []social.Entry
	older string
}

// kindsOf returns the types of notifications that a tab shows, nil for all.
func kindsOf(kind string) []string {
	switch kind {
	case "mention":
		return []string{"mention", "quote"}
	case "follow":
		return []string{"follow", "follow_request"}
	case "favourite", "reblog", "poll":
		return []string{kind}
	}
	return nil
}

func (p *Pages) readNotices(r *http.Request) (*noticesPage, error) {
	ctx, q, who := r.Context(), r.URL.Query(), access.From(r.Context()).ID
	n := &noticesPage{kind: q.Get("kind")}
	before, _ := id.Parse(q.Get("before")) // what is no id is the beginning
	var older id.ID
	var err error
	if n.list, older, err = p.Notices.Feed(ctx, who, kindsOf(n.kind), before, pageSize); err != nil {
		return nil, err
	}
	if older != 0 {
		n.older = frame.With(n.path(), "before", older.String())
	}
	if before == 0 && n.kind == "" && len(n.list) > 0 && n.list[0].Unread {
		// Looked at is read; what came meanwhile is not.
		if err := p.Notices.MarkRead(ctx, who, n.list[0].ID); err != nil {
			return nil, err
		}
		p.live.unread(ctx, who)
	}
	return n, nil
}

// path returns the address of the page.
func (n *noticesPage) path() string {
	if n.kind == "" {
		return "/notifications"
	}
	return frame.With("/notifications", "kind", n.kind)
}

func (p *Pages) notifications(w http.ResponseWriter, r *http.Request) error {
	n, err := p.readNotices(r)
	if err != nil {
		return err
	}
	if c := ui.ChromeFrom(r.Context()); c.Bell != nil {
		// Counted before they were looked at.
		c.Bell = &ui.Link{Href: c.Bell.Href, Label: i18n.T(r.Context(), "Notifications"), Icon: c.Bell.Icon}
		r = r.WithContext(ui.WithChrome(r.Context(), c))
	}
	v := p.View(r)
	if httpx.IsFragment(r) && r.URL.Query().Get("before") != "" {
		return httpx.Render(w, r, http.StatusOK, noticesList(v, n))
	}
	return httpx.Render(w, r, http.StatusOK, p.noticesWhole(v, n))
}

func (p *Pages) noticesLive(w http.ResponseWriter, r *http.Request) error {
	n, err := p.readNotices(r)
	if err != nil {
		return err
	}
	v := p.View(r)
	v.Back = "/notifications"
	return httpx.Render(w, r, http.StatusOK, noticesList(v, n))
}

func (p *Pages) clearNotices(w http.ResponseWriter, r *http.Request) error {
	if err := p.Notices.Clear(r.Context(), access.From(r.Context()).ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/notifications")
}

func (p *Pages) conversations(w http.ResponseWriter, r *http.Request) error {
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	list, older, err := p.Talks.Page(r.Context(), access.From(r.Context()).ID, before, pageSize)
	if err != nil {
		return err
	}
	next := ""
	if older != 0 {
		next = frame.With("/conversations", "before", older.String())
	}
	return httpx.Render(w, r, http.StatusOK, p.talksWhole(p.View(r), list, next))
}

// withWhom says with whom a conversation is.
func withWhom(ctx context.Context, with []*social.Account) string {
	switch len(with) {
	case 0:
		return i18n.T(ctx, "Yourself")
	case 1:
		return card.Name(with[0])
	case 2:
		return i18n.T(ctx, "%s and %s", card.Name(with[0]), card.Name(with[1]))
	}
	n := len(with) - 1
	return i18n.N(ctx, n, "%[2]s and %[1]d other", "%[2]s and %[1]d others", n, card.Name(with[0]))
}

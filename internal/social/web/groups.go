package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Groups are where people write to those who share an interest. All of it is done as the actor of ctx.
type Groups interface {
	// List returns groups by name, those with q in it, or with mine one's own, and where to read on.
	List(ctx context.Context, q string, mine bool, cursor string, limit int) (list []Group, next string, err error)
	Get(ctx context.Context, handle string) (Group, error)
	Join(ctx context.Context, handle string) error
	Leave(ctx context.Context, handle string) error
}

// Group is a group as the reader sees it.
type Group struct {
	ID      id.ID
	Handle  string
	Name    string
	About   string
	Rules   string
	Closed  bool   // only members read it
	Joining string // open, ask, invite
	Members int64
	Asking  int64  // want to join, for those who moderate
	Role    string // owner, moderator, member, asked, invited, barred; empty for a stranger
}

// in reports whether the reader is a member.
func (g Group) in() bool { return g.Role == "owner" || g.Role == "moderator" || g.Role == "member" }

// moderated reports whether the reader keeps order in it.
func (g Group) moderated() bool { return g.Role == "owner" || g.Role == "moderator" }

// path returns the address of its page.
func (g Group) path() string { return "/groups/" + g.Handle }

func (p *Pages) groupRoutes(rt *httpx.Router) {
	rt.Page("GET /groups", httpx.GuestOr("status.read"), p.groups)
	rt.Page("GET /groups/{handle}", httpx.GuestOr("status.read"), p.group)
	rt.Page("POST /groups/{handle}/join", httpx.May("follow.write"), p.joinGroup)
	rt.Page("POST /groups/{handle}/leave", httpx.May("follow.write"), p.leaveGroup)
}

// groupsPage is the list of groups.
type groupsPage struct {
	q, next    string
	mine, list []Group
}

func (p *Pages) groups(w http.ResponseWriter, r *http.Request) (err error) {
	ctx, q := r.Context(), r.URL.Query()
	g := &groupsPage{q: text.Clean(q.Get("q"), 80)}
	if g.list, g.next, err = p.Groups.List(ctx, g.q, false, q.Get("cursor"), 30); err != nil {
		return err
	}
	if g.next != "" {
		g.next = "/groups?" + url.Values{"q": {g.q}, "cursor": {g.next}}.Encode()
	}
	if g.q == "" && q.Get("cursor") == "" && access.From(ctx).SignedIn() {
		if g.mine, _, err = p.Groups.List(ctx, "", true, "", 30); err != nil {
			return err
		}
	}
	return httpx.Render(w, r, http.StatusOK, p.groupsWhole(p.View(r), g))
}

func (p *Pages) group(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	g, err := p.Groups.Get(ctx, r.PathValue("handle"))
	if err != nil {
		return err
	}
	f := &feedPage{
		title: g.Name, kicker: i18n.T(ctx, "Group"), path: g.path(), where: "public", feed: Feed{Kind: "group", Of: g.ID}, noIndex: g.Closed,
		empty: ui.StateProps{Icon: "users", Title: i18n.T(ctx, "Nothing here yet"), Text: i18n.T(ctx, "Members write here to each other.")},
	}
	if g.Closed && !g.in() {
		f.empty.Text = i18n.T(ctx, "Only members read what is written here.")
	}
	v := p.View(r)
	f.actions = groupHead(v, g)
	if err := p.read(r, f); err != nil {
		return err
	}
	if g.in() {
		if f.write, err = p.composer(r, composeForm{Group: g.ID}); err != nil {
			return err
		}
	}
	return p.show(w, r, f)
}

func (p *Pages) joinGroup(w http.ResponseWriter, r *http.Request) error {
	if err := p.Groups.Join(r.Context(), r.PathValue("handle")); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/groups/"+r.PathValue("handle"))
}

func (p *Pages) leaveGroup(w http.ResponseWriter, r *http.Request) error {
	if err := p.Groups.Leave(r.Context(), r.PathValue("handle")); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/groups/"+r.PathValue("handle"))
}

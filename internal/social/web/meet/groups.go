package meet

import (
	"context"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Groups are kept by those in them. All of it is done as the actor of ctx.
type Groups interface {
	Get(ctx context.Context, handle string) (Group, error)
	// Create makes a group and returns its handle. Errors: Invalid with paths below body; Conflict.
	Create(ctx context.Context, g Group) (string, error)
	Update(ctx context.Context, g Group) error
	Delete(ctx context.Context, handle string) error
	// People returns a page of those with a role; "" is every member.
	People(ctx context.Context, handle, role, cursor string, limit int) (list []Member, next string, err error)
	// SetRole makes somebody member, moderator, owner or barred; "" removes them, or says no.
	SetRole(ctx context.Context, handle string, account id.ID, role string) error
	Invite(ctx context.Context, handle, whom string) error
	RemovePost(ctx context.Context, handle string, status id.ID) error
}

// Group is a group as the reader sees it.
type Group struct {
	Handle, Name, About, Rules string
	Joining                    string // open, ask, invite
	Closed                     bool
	Role                       string // the reader's
}

// moderated reports whether the reader keeps order in it.
func (g Group) moderated() bool { return g.Role == "owner" || g.Role == "moderator" }

// invites reports whether the reader may invite others.
func (g Group) invites() bool { return g.moderated() || g.Role == "member" && g.Joining == "open" }

func (g Group) path() string { return "/groups/" + g.Handle }

// Member is somebody in a list of a group.
type Member struct {
	ID                   id.ID
	Handle, Name, Avatar string
	Role                 string
	Since                time.Time
}

func (p *Pages) groupRoutes(rt *httpx.Router) {
	read, write := httpx.May("status.read"), httpx.May("status.write")
	rt.Page("GET /groups/new", write, p.newGroup)
	rt.Page("POST /groups", write, p.makeGroup)
	rt.Page("GET /groups/{handle}/edit", write, p.editGroup)
	rt.Page("POST /groups/{handle}/edit", write, p.changeGroup)
	rt.Page("POST /groups/{handle}/delete", write, p.endGroup)
	rt.Page("GET /groups/{handle}/people", read, p.people)
	rt.Page("POST /groups/{handle}/people/{id}", write, p.setRole)
	rt.Page("POST /groups/{handle}/invite", write, p.invite)
	rt.Page("POST /groups/{handle}/posts/{id}/remove", write, p.removePost)
}

type groupForm struct {
	Handle  string `form:"handle"`
	Name    string `form:"name"`
	About   string `form:"about"`
	Rules   string `form:"rules"`
	Joining string `form:"joining"`
	Closed  bool   `form:"closed"`
}

func (f groupForm) group() Group {
	return Group{Handle: f.Handle, Name: f.Name, About: f.About, Rules: f.Rules, Joining: f.Joining, Closed: f.Closed}
}

func (p *Pages) newGroup(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, p.groupEditor(p.View(r), Group{Joining: "open"}, false, nil))
}

func (p *Pages) makeGroup(w http.ResponseWriter, r *http.Request) error {
	var in groupForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	handle, err := p.Groups.Create(r.Context(), in.group())
	if mends(err) {
		return httpx.Render(w, r, httpx.StatusOf(err), p.groupEditor(p.View(r), in.group(), false, err))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/groups/"+handle)
}

func (p *Pages) editGroup(w http.ResponseWriter, r *http.Request) error {
	g, err := p.Groups.Get(r.Context(), r.PathValue("handle"))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, p.groupEditor(p.View(r), g, true, nil))
}

func (p *Pages) changeGroup(w http.ResponseWriter, r *http.Request) error {
	var in groupForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	g := in.group()
	g.Handle = r.PathValue("handle")
	err := p.Groups.Update(r.Context(), g)
	if mends(err) {
		return httpx.Render(w, r, httpx.StatusOf(err), p.groupEditor(p.View(r), g, true, err))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, g.path())
}

func (p *Pages) endGroup(w http.ResponseWriter, r *http.Request) error {
	if err := p.Groups.Delete(r.Context(), r.PathValue("handle")); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/groups")
}

// peoplePage is a list of those in a group, or around it.
type peoplePage struct {
	Group
	role   string
	list   []Member
	next   string
	typed  string // whom to invite
	wrong  error
	viewer id.ID
}

func (p *Pages) people(w http.ResponseWriter, r *http.Request) error {
	return p.showPeople(w, r, http.StatusOK, &peoplePage{role: r.URL.Query().Get("role")})
}

func (p *Pages) showPeople(w http.ResponseWriter, r *http.Request, status int, l *peoplePage) (err error) {
	ctx := r.Context()
	if l.Group, err = p.Groups.Get(ctx, r.PathValue("handle")); err != nil {
		return err
	}
	switch l.role {
	case "asked", "invited", "barred":
	default:
		l.role = ""
	}
	if l.list, l.next, err = p.Groups.People(ctx, l.Handle, l.role, r.URL.Query().Get("cursor"), 40); err != nil {
		return err
	}
	if l.next != "" {
		l.next = frame.With(l.tab(l.role), "cursor", l.next)
	}
	v := p.View(r)
	l.viewer = v.Viewer
	return httpx.Render(w, r, status, p.peopleWhole(v, l))
}

// tab returns the address of the list of those with a role.
func (l *peoplePage) tab(role string) string {
	if role == "" {
		return l.path() + "/people"
	}
	return l.path() + "/people?role=" + role
}

// moves are what the reader can make of somebody: each with the role and its words.
func (l *peoplePage) moves(ctx context.Context, m Member) (out [][2]string) {
	owner := l.Role == "owner"
	if !l.moderated() || m.ID == l.viewer || !owner && (m.Role == "owner" || m.Role == "moderator") {
		return nil
	}
	switch m.Role {
	case "asked":
		return [][2]string{{"member", i18n.T(ctx, "Let in")}, {"", i18n.T(ctx, "Decline")}}
	case "invited":
		return [][2]string{{"", i18n.T(ctx, "Take the invitation back")}}
	case "barred":
		return [][2]string{{"", i18n.T(ctx, "Bar no longer")}}
	case "member":
		if owner {
			out = append(out, [2]string{"moderator", i18n.T(ctx, "Make a moderator")})
		}
	case "moderator":
		out = append(out, [2]string{"owner", i18n.T(ctx, "Make an owner")}, [2]string{"member", i18n.T(ctx, "Moderator no longer")})
	case "owner":
		return [][2]string{{"moderator", i18n.T(ctx, "Owner no longer")}}
	}
	return append(out, [2]string{"", i18n.T(ctx, "Remove")}, [2]string{"barred", i18n.T(ctx, "Bar")})
}

func (p *Pages) setRole(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Role string `form:"role"`
		From string `form:"from"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	who, err := named(r)
	if err != nil {
		return err
	}
	handle := r.PathValue("handle")
	if err := p.Groups.SetRole(r.Context(), handle, who, in.Role); err != nil {
		return err
	}
	l := peoplePage{Group: Group{Handle: handle}}
	return httpx.Redirect(w, r, l.tab(in.From))
}

func (p *Pages) invite(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Whom string `form:"whom"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Whom = text.Clean(in.Whom, 200)
	err := p.Groups.Invite(r.Context(), r.PathValue("handle"), in.Whom)
	if err != nil {
		if httpx.StatusOf(err) >= http.StatusInternalServerError {
			return err
		}
		return p.showPeople(w, r, httpx.StatusOf(err), &peoplePage{typed: in.Whom, wrong: err})
	}
	return httpx.Redirect(w, r, "/groups/"+r.PathValue("handle")+"/people?role=invited")
}

func (p *Pages) removePost(w http.ResponseWriter, r *http.Request) error {
	which, err := named(r)
	if err != nil {
		return err
	}
	if err := p.Groups.RemovePost(r.Context(), r.PathValue("handle"), which); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/groups/"+r.PathValue("handle"))
	}
	return httpx.Render(w, r, http.StatusOK, removed(which))
}

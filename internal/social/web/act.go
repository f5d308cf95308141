package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// turn is a form that turns something on or off, and where it leads without script.
type turn struct {
	On   bool   `form:"on"`
	Back string `form:"back"`
}

// turned does something to the status of a request and answers with its buttons as they are then. said is what is told when it was turned
// on, "" for what shows by itself.
func (p *Pages) turned(w http.ResponseWriter, r *http.Request, what, said string, do func(context.Context, access.Actor, id.ID, bool) error) error {
	var in turn
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	status, err := statusID(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if err := do(ctx, access.From(ctx), status, in.On); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, back(in.Back))
	}
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	v := p.View(r)
	v.Back = back(in.Back)
	toast := ui.ToastProps{}
	if said != "" && in.On {
		toast = ui.ToastProps{Text: said, UndoHref: "/statuses/" + status.String() + "/" + what, Vals: `{"on":"0","back":"/home"}`}
	}
	return httpx.Render(w, r, http.StatusOK, templ.Join(actsAgain(v, s), frame.Toast(toast)))
}

// back returns where a form leads without script.
func back(path string) string {
	if path == "" {
		return "/home"
	}
	return httpx.LocalPath(path)
}

// statusID returns the id of the status that a path names.
func statusID(r *http.Request) (id.ID, error) {
	status, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errNoStatus
	}
	return status, nil
}

func (p *Pages) favourite(w http.ResponseWriter, r *http.Request) error {
	return p.turned(w, r, "favourite", "", p.marker(social.Favourite))
}

func (p *Pages) bookmark(w http.ResponseWriter, r *http.Request) error {
	return p.turned(w, r, "bookmark", i18n.T(r.Context(), "Kept in your bookmarks."), p.marker(social.Bookmark))
}

func (p *Pages) boost(w http.ResponseWriter, r *http.Request) error {
	return p.turned(w, r, "boost", i18n.T(r.Context(), "Boosted to your followers."), p.Posts.Boost)
}

func (p *Pages) marker(m social.Mark) func(context.Context, access.Actor, id.ID, bool) error {
	return func(ctx context.Context, actor access.Actor, status id.ID, on bool) error {
		return p.Posts.Mark(ctx, actor, status, m, on)
	}
}

func (p *Pages) pin(w http.ResponseWriter, r *http.Request) error {
	return p.done(w, r, func(on bool) string {
		if on {
			return i18n.T(r.Context(), "Pinned to your profile.")
		}
		return i18n.T(r.Context(), "No longer pinned.")
	}, p.marker(social.Pin))
}

func (p *Pages) muteTalk(w http.ResponseWriter, r *http.Request) error {
	return p.done(w, r, func(on bool) string {
		if on {
			return i18n.T(r.Context(), "You hear no more of this conversation.")
		}
		return i18n.T(r.Context(), "You hear of this conversation again.")
	}, p.marker(social.MuteTalk))
}

// done is turned for what stands in a menu: it says that it was done, and closes the menu.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, said func(on bool) string, do func(context.Context, access.Actor, id.ID, bool) error) error {
	var in turn
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	status, err := statusID(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), access.From(r.Context()), status, in.On); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, back(in.Back))
	}
	return httpx.Render(w, r, http.StatusOK, frame.Toast(ui.ToastProps{Text: said(in.On)}))
}

func (p *Pages) vote(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Choices []string `form:"choice"`
		Back    string   `form:"back"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	status, err := statusID(r)
	if err != nil {
		return err
	}
	var choices []int
	for _, c := range in.Choices {
		n, err := strconv.Atoi(c)
		if err != nil {
			return errs.InvalidField("choice", "Choose one of the answers.")
		}
		choices = append(choices, n)
	}
	if len(choices) == 0 {
		return errs.InvalidField("choice", "Choose one of the answers.")
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	if s.Poll == nil {
		return errNoStatus
	}
	if err := p.Posts.Vote(ctx, access.From(ctx), s.Poll.ID, choices); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, back(in.Back))
	}
	if s, err = p.one(ctx, rel, status, ""); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, card.Poll(p.View(r), s))
}

// remove deletes a status. What it said is put into a new draft where that is asked for.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Again bool   `form:"again"`
		Back  string `form:"back"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	status, err := statusID(r)
	if err != nil {
		return err
	}
	ctx, actor := r.Context(), access.From(r.Context())
	var d Draft
	if in.Again {
		if d, err = p.Posts.Source(ctx, actor, status); err != nil {
			return err
		}
	}
	if err := p.Posts.Delete(ctx, actor, status); err != nil {
		return err
	}
	if in.Again {
		c, err := p.composer(r, formOf(d))
		if err != nil {
			return err
		}
		c.first = true
		return httpx.Render(w, r, http.StatusOK, p.composeWhole(p.View(r), c))
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, back(in.Back))
	}
	return httpx.Render(w, r, http.StatusOK, templ.Join(gone(status), frame.Toast(ui.ToastProps{Text: i18n.T(ctx, "Deleted.")})))
}

// card answers with one status as it is now.
func (p *Pages) card(w http.ResponseWriter, r *http.Request) error {
	status, err := statusID(r)
	if err != nil {
		return err
	}
	rel, err := p.relations(r.Context())
	if err != nil {
		return err
	}
	s, err := p.one(r.Context(), rel, status, "")
	if err != nil {
		return err
	}
	v := p.View(r)
	v.Back = card.Link(s)
	v.Full, v.Thread = r.URL.Query().Get("full") != "", r.URL.Query().Get("thread") != ""
	return httpx.Render(w, r, http.StatusOK, card.Status(v, s))
}

// statusMenu is what can be done with a status besides what its buttons do.
func (p *Pages) statusMenu(w http.ResponseWriter, r *http.Request) error {
	status, err := statusID(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	if s.Reblog != nil {
		s = s.Reblog
	}
	m := menu{view: p.View(r), status: s, mine: rel.Viewer != 0 && s.Account.ID == rel.Viewer, url: p.URL() + card.Link(s)}
	if s.Stoa != nil && s.Stoa.Group != nil && p.Groups != nil && rel.Viewer != 0 {
		g, err := p.Groups.Get(ctx, s.Stoa.Group.Handle)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		if g.moderated() {
			m.group = g.Handle
		}
	}
	if rel.Viewer != 0 && !m.mine {
		tie, err := p.between(ctx, rel.Viewer, s.Account.ID)
		if err != nil {
			return err
		}
		m.tie = tie
	}
	return httpx.Render(w, r, http.StatusOK, p.Sheet(r, i18n.T(ctx, "Post by %s", card.Name(&s.Account)), card.Link(s), statusMenu(m)))
}

// menu is what a menu shows.
type menu struct {
	view   card.View
	status *social.Status
	mine   bool
	group  string // which the viewer moderates; empty: none
	tie    social.Relationship
	url    string
}

// between returns what is between a viewer and an account.
func (p *Pages) between(ctx context.Context, viewer, account id.ID) (social.Relationship, error) {
	list, err := p.Graph.Relationships(ctx, viewer, []id.ID{account})
	if err != nil {
		return social.Relationship{}, err
	}
	if len(list) == 0 {
		return social.Relationship{}, errNoProfile
	}
	return list[0], nil
}

func (p *Pages) boosts(w http.ResponseWriter, r *http.Request) error {
	return p.fansOf(w, r, true, i18n.T(r.Context(), "Boosted by"))
}

func (p *Pages) fans(w http.ResponseWriter, r *http.Request) error {
	return p.fansOf(w, r, false, i18n.T(r.Context(), "Favourite of"))
}

func (p *Pages) fansOf(w http.ResponseWriter, r *http.Request, boosts bool, title string) error {
	status, err := statusID(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	ids, older, err := p.Statuses.Fans(ctx, access.From(ctx), status, boosts, before, 40)
	if err != nil {
		return err
	}
	l, err := p.people(r, rel, ids)
	if err != nil {
		return err
	}
	l.empty = ui.StateProps{Icon: "users", Title: i18n.T(ctx, "Nobody yet")}
	if older != 0 {
		l.older = frame.With(ui.ChromeFrom(ctx).Path, "before", older.String())
	}
	return httpx.Render(w, r, http.StatusOK, p.Sheet(r, title, card.Link(s), peopleList(l)))
}

func (p *Pages) history(w http.ResponseWriter, r *http.Request) error {
	status, err := statusID(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	versions, err := p.Statuses.Versions(ctx, access.From(ctx), status)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, p.Sheet(r, i18n.T(ctx, "How it was before"), card.Link(s), historyList(p.View(r), versions)))
}

// Translator says posts in other languages.
type Translator interface {
	// On reports whether there is a service that translates.
	On() bool
	// Translate returns a status' warning and text, safe HTML, in a language, and who translated it. Errors: NotFound; Forbidden for what is
	// not public; Unavailable.
	Translate(ctx context.Context, viewer, status id.ID, lang string) (warning, content, provider string, err error)
}

// translation shows a status in the reader's language.
func (p *Pages) translation(w http.ResponseWriter, r *http.Request) error {
	status, err := statusID(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s, err := p.one(ctx, rel, status, "")
	if err != nil {
		return err
	}
	v := p.View(r)
	v.Into = i18n.Lang(ctx)
	warning, content, provider, err := p.Translator.Translate(ctx, rel.Viewer, status, v.Into)
	if err != nil {
		return err
	}
	body := card.Translated(v, s, warning, content, provider)
	if !ui.IsFragment(r) {
		body = p.Sheet(r, i18n.T(ctx, "Post by %s", card.Name(&s.Account)), card.Link(s), body)
	}
	return httpx.Render(w, r, http.StatusOK, body)
}

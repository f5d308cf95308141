package own

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Lists are the lists in which people sort whom they follow.
type Lists interface {
	// Following returns whom somebody follows, newest first, and where the next page begins, 0 at the end.
	Following(ctx context.Context, owner, before id.ID, limit int) (ids []id.ID, older id.ID, err error)
	All(ctx context.Context, owner id.ID) ([]*social.List, error)
	List(ctx context.Context, owner, list id.ID) (*social.List, error)
	Save(ctx context.Context, owner, list id.ID, title, replies string, exclusive bool) (id.ID, error) // list 0: a new one
	Remove(ctx context.Context, owner, list id.ID) error
	Member(ctx context.Context, owner, list, account id.ID, in bool) error
}

func (p *Pages) listRoutes(rt *httpx.Router) {
	rt.Page("GET /lists", httpx.May("list.read"), p.lists)
	rt.Page("POST /lists", httpx.May("list.write"), p.saveList)
	rt.Page("POST /lists/{id}", httpx.May("list.write"), p.saveList)
	rt.Page("POST /lists/{id}/delete", httpx.May("list.write"), p.removeList)
	rt.Page("GET /lists/{id}/people", httpx.May("list.read"), p.listPeople)
	rt.Page("POST /lists/{id}/people", httpx.May("list.write"), p.listMember)
}

func (p *Pages) lists(w http.ResponseWriter, r *http.Request) error {
	all, err := p.Lists.All(r.Context(), me(r))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, p.listsWhole(p.View(r), all))
}

// theList returns the list that a path names.
func (p *Pages) theList(r *http.Request) (*social.List, error) {
	of, err := named(r)
	if err != nil {
		return nil, err
	}
	return p.Lists.List(r.Context(), me(r), of)
}

type listForm struct {
	Title     string `form:"title"`
	Replies   string `form:"replies"`
	Exclusive bool   `form:"exclusive"`
}

func (p *Pages) saveList(w http.ResponseWriter, r *http.Request) error {
	in := listForm{Replies: "list"}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	var of id.ID
	if r.PathValue("id") != "" {
		l, err := p.theList(r)
		if err != nil {
			return err
		}
		of = l.ID
	}
	of, err := p.Lists.Save(r.Context(), me(r), of, text.Clean(in.Title, 100), in.Replies, in.Exclusive)
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/lists/"+of.String()+"/people")
}

func (p *Pages) removeList(w http.ResponseWriter, r *http.Request) error {
	l, err := p.theList(r)
	if err != nil {
		return err
	}
	if err := p.Lists.Remove(r.Context(), me(r), l.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/lists")
}

// listPeople shows whom one follows, with a box for each that is on the list.
func (p *Pages) listPeople(w http.ResponseWriter, r *http.Request) error {
	l, err := p.theList(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	ids, older, err := p.Lists.Following(ctx, me(r), before, 40)
	if err != nil {
		return err
	}
	found, err := p.Profiles.Entities(ctx, ids)
	if err != nil {
		return err
	}
	var list []*social.Account
	for _, i := range ids {
		if found[i] != nil {
			list = append(list, found[i])
		}
	}
	next := ""
	if older != 0 {
		next = frame.With("/lists/"+l.ID.String()+"/people", "before", older.String())
	}
	return httpx.Render(w, r, http.StatusOK, p.listPeopleWhole(p.View(r), l, list, next))
}

func (p *Pages) listMember(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Account id.ID `form:"account"`
		On      bool  `form:"on"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	l, err := p.theList(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if err := p.Lists.Member(ctx, me(r), l.ID, in.Account, in.On); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/lists/"+l.ID.String()+"/people")
	}
	a, err := p.Profiles.Entity(ctx, in.Account)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, listBox(l, a, in.On))
}

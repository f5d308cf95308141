package promo

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

func (s *Service) pages(rt *httpx.Router) {
	owner, admins := httpx.May("restaurant.manage"), httpx.May("admin.promotions")
	for _, at := range []struct {
		base string
		g    httpx.Guard
	}{{"/restaurant/{slug}/promotions", owner}, {"/admin/promotions", admins}} {
		rt.Page("GET "+at.base, at.g, s.in(s.showList))
		rt.Page("GET "+at.base+"/new", at.g, s.in(s.showForm))
		rt.Page("POST "+at.base, at.g, s.in(s.saveForm))
		rt.Page("POST "+at.base+"/sentence", at.g, s.in(s.showSentence))
		rt.Page("GET "+at.base+"/{id}", at.g, s.in(s.showForm))
		rt.Page("POST "+at.base+"/{id}", at.g, s.in(s.saveForm))
		rt.Page("POST "+at.base+"/{id}/state", at.g, s.in(s.saveState))
	}
}

// desk is where promotions are looked after: a restaurant's, or, without one, the town's.
type desk struct {
	Shop *delivery.Shop // nil: the whole town
	Menu *delivery.Menu
	Base string
	Now  time.Time
	Loc  *time.Location
}

func (d *desk) restaurant() id.ID {
	if d.Shop == nil {
		return 0
	}
	return d.Shop.ID
}

// in finds the desk of a request and keeps away who does not work there.
func (s *Service) in(h func(http.ResponseWriter, *http.Request, *desk) error) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		d := &desk{Base: "/admin/promotions", Now: s.now(), Loc: ui.ChromeFrom(ctx).Zone}
		if d.Loc == nil {
			d.Loc = time.UTC
		}
		if slug := r.PathValue("slug"); slug != "" {
			var err error
			if d.Shop, err = s.shops.ShopBySlug(ctx, slug); err != nil {
				return err
			}
			if d.Menu, err = s.menus.Menu(ctx, d.Shop.ID); err != nil {
				return err
			}
			d.Base, d.Loc = "/restaurant/"+slug+"/promotions", d.Shop.Loc
		}
		if err := owned(ctx, d.restaurant()); err != nil {
			return err
		}
		return h(w, r, d)
	}
}

// listView is what the list shows.
type listView struct {
	*desk
	List  page.Page[*Promotion]
	Names map[id.ID]string // of restaurants
	Saved bool
}

func (v *listView) next() string {
	if v.List.Next == "" {
		return ""
	}
	return v.Base + "?cursor=" + v.List.Next
}

func (s *Service) showList(w http.ResponseWriter, r *http.Request, d *desk) error {
	ctx := r.Context()
	v := &listView{desk: d, Names: map[id.ID]string{}, Saved: r.URL.Query().Get("saved") != ""}
	var err error
	if v.List, err = s.List(ctx, d.restaurant(), r.URL.Query().Get("cursor"), 50); err != nil {
		return err
	}
	for _, p := range v.List.Items {
		if p.Restaurant != 0 && v.Names[p.Restaurant] == "" {
			if shop, err := s.shops.Shop(ctx, p.Restaurant); err == nil {
				v.Names[p.Restaurant] = shop.Name
			}
		}
	}
	return httpx.Render(w, r, http.StatusOK, listPage(v))
}

// form is a promotion as it is typed: amounts as people write them, times as browsers do, in the desk's zone.
type form struct {
	Label   string   `form:"label"`
	Code    string   `form:"code"`
	Kind    string   `form:"kind"`
	Percent string   `form:"percent"`
	Amount  string   `form:"amount"`
	Cap     string   `form:"cap"`
	Minimum string   `form:"minimum"`
	From    string   `form:"from"`
	Until   string   `form:"until"`
	Hours   string   `form:"hours"`
	First   string   `form:"first"`
	Each    string   `form:"each"`
	Most    string   `form:"most"`
	Things  []string `form:"thing"` // "s" or "i" and an id
	Stacks  bool     `form:"stacks"`
	Bearer  string   `form:"bearer"`
}

// browserTime is how browsers write what is typed into datetime-local.
const browserTime = "2006-01-02T15:04"

// into puts what was typed into a promotion, or returns an Invalid error with the fields that can't be read.
func (f *form) into(p *Promotion, currency string, loc *time.Location) error {
	var wrong []errs.Field
	amount := func(path, s string) money.Amount {
		n, ok := money.Parse(cmp.Or(strings.TrimSpace(s), "0"), currency)
		if !ok {
			wrong = append(wrong, errs.FieldOf(path, "Write an amount such as 2.50."))
		}
		return n
	}
	number := func(path, s string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace("0"+strings.TrimSpace(s)), 10, 32)
		if err != nil {
			wrong = append(wrong, errs.FieldOf(path, "Give a number up to %d.", MaxUses))
		}
		return n
	}
	at := func(path, s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		t, err := time.ParseInLocation(browserTime, s, loc)
		if err != nil {
			wrong = append(wrong, errs.FieldOf(path, "Choose day and time."))
		}
		return t
	}
	p.Code, p.Most, p.Each = f.Code, number("most", f.Most), number("each", f.Each)
	p.Rules = Rules{
		Label: f.Label, Kind: f.Kind, Percent: int(number("percent", f.Percent)), Amount: amount("amount", f.Amount), Cap: amount("cap", f.Cap),
		Currency: currency, Bearer: delivery.Party(f.Bearer), Minimum: amount("minimum", f.Minimum), From: at("from", f.From), Until: at("until", f.Until),
		Hours: f.Hours, First: f.First, Stacks: f.Stacks,
	}
	for _, t := range f.Things {
		if n, err := id.Parse(strings.TrimLeft(t, "si")); err == nil && t[0] == 's' {
			p.Sections = append(p.Sections, n)
		} else if err == nil {
			p.Items = append(p.Items, n)
		}
	}
	return errs.InvalidFields(wrong)
}

// formOf returns a promotion as it would have been typed.
func formOf(p *Promotion, loc *time.Location) form {
	amount := func(a money.Amount) string {
		if a == 0 {
			return ""
		}
		return strings.TrimSuffix(money.Format(a, p.Currency), " "+p.Currency)
	}
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(loc).Format(browserTime)
	}
	f := form{
		Label: p.Label, Code: p.Code, Kind: p.Kind, Percent: number(int64(p.Percent)), Amount: amount(p.Amount), Cap: amount(p.Cap), Minimum: amount(p.Minimum),
		From: at(p.From), Until: at(p.Until), Hours: p.Hours, First: p.First, Each: number(p.Each), Most: number(p.Most), Stacks: p.Stacks, Bearer: string(p.Bearer),
	}
	for _, n := range p.Sections {
		f.Things = append(f.Things, "s"+n.String())
	}
	for _, n := range p.Items {
		f.Things = append(f.Things, "i"+n.String())
	}
	return f
}

// formView is what the form shows.
type formView struct {
	*desk
	P        *Promotion // nil: a new one
	Form     form
	Sentence string
	Suggest  string // a code that nobody guesses
	Admin    bool
	Err      error
}

func (v *formView) action() string {
	if v.P == nil {
		return v.Base
	}
	return v.Base + "/" + v.P.ID.String()
}

func (v *formView) has(thing string) bool { return slices.Contains(v.Form.Things, thing) }

// view returns the form of a request's promotion as it is stored; a new one's, where the path names none.
func (s *Service) view(r *http.Request, d *desk) (*formView, error) {
	v := &formView{desk: d, Admin: admin(r.Context()), Suggest: id.Code(10), Form: form{Kind: delivery.DiscountPercent, Bearer: string(delivery.PartyRestaurant)}}
	if d.Shop == nil {
		v.Form.Bearer = string(delivery.PartyPlatform)
	}
	if r.PathValue("id") == "" {
		return v, nil
	}
	n, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return nil, errMissing
	}
	if v.P, err = s.Get(r.Context(), n); err != nil {
		return nil, err
	}
	if v.P.Restaurant != d.restaurant() && d.Shop != nil {
		return nil, errMissing
	}
	v.Form, v.Sentence = formOf(v.P, d.Loc), v.P.sentence(r.Context(), d.Menu, d.Loc)
	return v, nil
}

func (s *Service) showForm(w http.ResponseWriter, r *http.Request, d *desk) error {
	v, err := s.view(r, d)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, formPage(v))
}

// read reads a form into a promotion of the desk.
func (s *Service) read(ctx context.Context, d *desk, f *form, p *Promotion) error {
	if err := s.currency(ctx, p); err != nil {
		return err
	}
	if f.Bearer == "" {
		f.Bearer = string(delivery.PartyRestaurant)
	}
	return f.into(p, p.Currency, d.Loc)
}

func (s *Service) saveForm(w http.ResponseWriter, r *http.Request, d *desk) error {
	v, err := s.view(r, d)
	if err != nil {
		return err
	}
	v.Form = form{}
	if err := httpx.DecodeForm(w, r, &v.Form); err != nil {
		return err
	}
	var typed Promotion
	typed.Restaurant = d.restaurant()
	if v.P != nil {
		typed.Restaurant = v.P.Restaurant
	}
	if err = s.read(r.Context(), d, &v.Form, &typed); err == nil {
		if v.P == nil {
			_, err = s.Create(r.Context(), typed)
		} else {
			_, err = s.Change(r.Context(), v.P.ID, func(p *Promotion) { p.Code, p.Most, p.Each, p.Rules = typed.Code, typed.Most, typed.Each, typed.Rules })
		}
	}
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Conflict) {
		v.Err = err
		return httpx.Render(w, r, httpx.StatusOf(err), formPage(v))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, d.Base+"?saved=1")
}

// showSentence says what the form would do, as it is filled in.
func (s *Service) showSentence(w http.ResponseWriter, r *http.Request, d *desk) error {
	var f form
	if err := httpx.DecodeForm(w, r, &f); err != nil {
		return err
	}
	p := Promotion{Restaurant: d.restaurant()}
	err := s.read(r.Context(), d, &f, &p)
	if err == nil {
		err = p.tidy(s.now())
	}
	if err != nil {
		return httpx.Render(w, r, http.StatusOK, sentenceBox("", err))
	}
	return httpx.Render(w, r, http.StatusOK, sentenceBox(p.sentence(r.Context(), d.Menu, d.Loc), nil))
}

func (s *Service) saveState(w http.ResponseWriter, r *http.Request, d *desk) error {
	var in struct {
		State string `form:"state"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	v, err := s.view(r, d)
	if err != nil {
		return err
	}
	if _, err := s.SetState(r.Context(), v.P.ID, State(in.State)); err != nil {
		return err
	}
	return httpx.Redirect(w, r, d.Base+"?saved=1")
}

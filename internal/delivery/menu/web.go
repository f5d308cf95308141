package menu

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// maxForm is the largest form with a file in it, in bytes.
const maxForm = files.MaxBytes + 1<<20

// visit is one request to a page of somebody who works at the restaurant.
type visit struct {
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context //nolint:containedctx // a visit lives as long as its request
	actor access.Actor
	v     *editor
}

func (s *Service) pageRoutes(rt *httpx.Router) {
	work, manage := httpx.May("restaurant.work"), httpx.May("menu.manage")
	on := func(pattern string, g httpx.Guard, fn func(*visit) error) {
		rt.Page(pattern, g, func(w http.ResponseWriter, r *http.Request) error {
			vi, err := s.visit(w, r)
			if err != nil {
				return err
			}
			return fn(vi)
		})
	}
	const base = "/restaurant/{slug}/menu"
	on("GET "+base, work, s.showCard)
	on("POST "+base+"/move", manage, s.postMove)
	on("POST "+base+"/delete", manage, s.postDelete)
	on("POST "+base+"/restore", manage, s.postRestore)
	on("POST "+base+"/availability/{id}", work, s.postAvailability)
	on("GET "+base+"/menus/{id}", work, s.showMenu)
	on("POST "+base+"/menus/{id}", manage, s.postMenu)
	on("GET "+base+"/sections/{id}", work, s.showSection)
	on("POST "+base+"/sections/{id}", manage, s.postSection)
	on("GET "+base+"/items/{id}", work, s.showItem)
	on("POST "+base+"/items/{id}", manage, s.postItem)
	on("POST "+base+"/items/{id}/price", manage, s.postPrice)
	on("POST "+base+"/items/{id}/copy", manage, s.postCopy)
	on("GET "+base+"/groups", work, s.showGroups)
	on("GET "+base+"/groups/{id}", work, s.showGroup)
	on("POST "+base+"/groups/{id}", manage, s.postGroup)
	on("GET "+base+"/import", work, s.showImport)
	on("POST "+base+"/import", manage, s.postImport)
	on("GET "+base+"/export", work, s.showExport)
	on("GET /kitchen/{slug}/menu", work, s.showSwitches)
	on("POST /kitchen/{slug}/menu/{id}", work, s.postSwitch)
}

// visit finds the restaurant and its card, and refuses whoever does not work there.
func (s *Service) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	actor, err := access.Require(r.Context())
	if err != nil {
		return nil, err
	}
	shop, err := s.shops.ShopBySlug(r.Context(), r.PathValue("slug"))
	if err != nil {
		return nil, err
	}
	card, err := s.Card(r.Context(), actor, shop.ID)
	if err != nil {
		return nil, err
	}
	return &visit{w: w, r: r, ctx: r.Context(), actor: actor, v: &editor{Shop: shop, Card: card, now: s.now()}}, nil
}

// id returns the id in the path, 0 for "new".
func (vi *visit) id() (id.ID, error) {
	p := vi.r.PathValue("id")
	if p == "new" {
		return 0, nil
	}
	k, err := id.Parse(p)
	if err != nil || k == 0 {
		return 0, errNoPart
	}
	return k, nil
}

// done answers a form that succeeded: htmx gets the card anew with a toast, others are sent back to it.
func (s *Service) done(vi *visit, toast, undo string) error {
	if !ui.IsFragment(vi.r) {
		path := vi.v.url("")
		if undo != "" {
			path += "?undo=" + url.QueryEscape(undo)
		}
		return httpx.Redirect(vi.w, vi.r, path)
	}
	card, err := s.Card(vi.ctx, vi.actor, vi.v.Shop.ID)
	if err != nil {
		return err
	}
	vi.v.Card = card
	return httpx.Render(vi.w, vi.r, http.StatusOK, cardRegion(vi.v, toast, undo))
}

func (s *Service) showCard(vi *visit) error {
	if ui.IsFragment(vi.r) {
		return httpx.Render(vi.w, vi.r, http.StatusOK, cardRegion(vi.v, "", ""))
	}
	undo := ""
	if _, _, err := what(vi.r.URL.Query().Get("undo")); err == nil {
		undo = vi.r.URL.Query().Get("undo")
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, editorPage(vi.v, undo))
}

// what reads "item:12".
func what(s string) (Part, id.ID, error) {
	part, thing, _ := strings.Cut(s, ":")
	k, err := id.Parse(thing)
	if err != nil || tables[Part(part)].name == "" {
		return "", 0, errNoPart
	}
	return Part(part), k, nil
}

type whatForm struct {
	What  string `form:"what"`
	To    id.ID  `form:"to"`
	Index string `form:"index"`
	Step  int    `form:"step"`
}

func (vi *visit) what() (whatForm, Part, id.ID, error) {
	var f whatForm
	if err := httpx.DecodeForm(vi.w, vi.r, &f); err != nil {
		return f, "", 0, err
	}
	part, thing, err := what(f.What)
	return f, part, thing, err
}

func (s *Service) postMove(vi *visit) error {
	f, part, thing, err := vi.what()
	if err != nil {
		return err
	}
	m := Move{To: f.To, Step: f.Step}
	if f.Index != "" {
		if m.Index, err = strconv.Atoi(f.Index); err != nil {
			return errs.InvalidField("index", "Write a whole number.")
		}
		m.Step = 0
	}
	if err := s.Reorder(vi.ctx, vi.actor, vi.v.Shop.ID, part, thing, m); err != nil {
		return err
	}
	return s.done(vi, "", "")
}

func (s *Service) postDelete(vi *visit) error {
	f, part, thing, err := vi.what()
	if err != nil {
		return err
	}
	if err := s.Delete(vi.ctx, vi.actor, vi.v.Shop.ID, part, thing); err != nil {
		return err
	}
	return s.done(vi, i18n.T(vi.ctx, "Deleted"), f.What)
}

func (s *Service) postRestore(vi *visit) error {
	_, part, thing, err := vi.what()
	if err != nil {
		return err
	}
	if err := s.Restore(vi.ctx, vi.actor, vi.v.Shop.ID, part, thing); err != nil {
		return err
	}
	if ui.IsFragment(vi.r) {
		vi.w.WriteHeader(http.StatusNoContent) // the card follows by its live region
		return nil
	}
	return s.done(vi, "", "")
}

type availabilityForm struct {
	Until string `form:"until"`
	Stock string `form:"stock"`
	Was   string `form:"was"`
}

func (s *Service) postAvailability(vi *visit) error {
	if err := s.switchForm(vi); err != nil {
		return err
	}
	return s.done(vi, "", "")
}

// switchForm carries out a form of the sold-out switch or the stock stepper.
func (s *Service) switchForm(vi *visit) error {
	thing, err := vi.id()
	if err != nil {
		return err
	}
	var f availabilityForm
	if err := httpx.DecodeForm(vi.w, vi.r, &f); err != nil {
		return err
	}
	var a Availability
	switch f.Until {
	case "":
	case "now":
		a.SoldOut = &time.Time{}
	case "today", "forever":
		until := soldOut(f.Until, s.now(), vi.v.Shop.Loc)
		a.SoldOut = &until
	default:
		return errs.InvalidField("until", "Choose now, today or forever.")
	}
	if a.Stock, err = portions("stock", f.Stock); err != nil {
		return err
	}
	if a.Was, err = portions("was", f.Was); err != nil {
		return err
	}
	if a.SoldOut == nil && a.Stock == nil {
		return errs.InvalidField("until", "Choose now, today or forever.")
	}
	return s.Set(vi.ctx, vi.actor, vi.v.Shop.ID, thing, a)
}

type menuForm struct {
	Name  string `form:"name"`
	Note  string `form:"note"`
	Hours string `form:"hours"`
	Menu  id.ID  `form:"menu"`
}

// again422 reports whether a form is to be shown once more: the person can mend what is wrong with it.
func again422(err error) bool { return errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) }

func (s *Service) showMenu(vi *visit) error {
	menu, err := vi.id()
	if err != nil {
		return err
	}
	var in MenuInput
	if menu != 0 {
		m := vi.v.Card.Menu(menu)
		if m == nil {
			return errNoPart
		}
		in = MenuInput{Name: m.Name, Hours: m.Hours}
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, menuPage(vi.v, "menus/"+vi.r.PathValue("id"), in, nil))
}

func (s *Service) postMenu(vi *visit) error {
	menu, err := vi.id()
	if err != nil {
		return err
	}
	var f menuForm
	if err := httpx.DecodeForm(vi.w, vi.r, &f); err != nil {
		return err
	}
	in := MenuInput{Name: f.Name, Hours: f.Hours}
	if _, err := s.SaveMenu(vi.ctx, vi.actor, vi.v.Shop.ID, menu, in); again422(err) {
		return httpx.Render(vi.w, vi.r, http.StatusUnprocessableEntity, menuPage(vi.v, "menus/"+vi.r.PathValue("id"), in, err))
	} else if err != nil {
		return err
	}
	return httpx.Redirect(vi.w, vi.r, vi.v.url(""))
}

func (s *Service) showSection(vi *visit) error {
	section, err := vi.id()
	if err != nil {
		return err
	}
	var in SectionInput
	if section != 0 {
		sec := vi.v.Card.Section(section)
		if sec == nil {
			return errNoPart
		}
		in = SectionInput{Menu: sec.Menu, Name: sec.Name, Note: sec.Note, Hours: sec.Hours}
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, sectionPage(vi.v, "sections/"+vi.r.PathValue("id"), in, nil))
}

func (s *Service) postSection(vi *visit) error {
	section, err := vi.id()
	if err != nil {
		return err
	}
	var f menuForm
	if err := httpx.DecodeForm(vi.w, vi.r, &f); err != nil {
		return err
	}
	in := SectionInput{Menu: f.Menu, Name: f.Name, Note: f.Note, Hours: f.Hours}
	if _, err := s.SaveSection(vi.ctx, vi.actor, vi.v.Shop.ID, section, in); again422(err) {
		return httpx.Render(vi.w, vi.r, http.StatusUnprocessableEntity, sectionPage(vi.v, "sections/"+vi.r.PathValue("id"), in, err))
	} else if err != nil {
		return err
	}
	return httpx.Redirect(vi.w, vi.r, vi.v.url(""))
}

func (s *Service) showItem(vi *visit) error {
	item, err := vi.id()
	if err != nil {
		return err
	}
	var f itemForm
	if item == 0 {
		if err := httpx.DecodeValues(vi.r.URL.Query(), &f); err != nil {
			return err
		}
	} else {
		it := vi.v.Card.Item(item)
		if it == nil {
			return errNoItem
		}
		f = itemForm{
			Section: it.Section, Name: it.Name, Description: it.Description, Price: vi.v.price(it.Price), Tax: it.Tax, Hidden: it.Hidden,
			Allergens: it.Allergens, Diets: it.Diets, Photo: it.Photo, Stock: number(vi.v.Card.left(item)),
		}
		for _, g := range it.Groups {
			f.Groups = append(f.Groups, g.String())
		}
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, itemPage(vi.v, "items/"+vi.r.PathValue("id"), f, nil))
}

func (s *Service) postItem(vi *visit) error {
	item, err := vi.id()
	if err != nil {
		return err
	}
	photo, err := vi.multipart("photo")
	if err != nil {
		return err
	}
	var f itemForm
	if err := httpx.DecodeValues(vi.r.Form, &f); err != nil {
		return err
	}
	if it := vi.v.Card.Item(item); it != nil && !f.DropPhoto {
		f.Photo = it.Photo
	}
	if err := s.saveItem(vi, item, &f, photo); again422(err) {
		return httpx.Render(vi.w, vi.r, http.StatusUnprocessableEntity, itemPage(vi.v, "items/"+vi.r.PathValue("id"), f, err))
	} else if err != nil {
		return err
	}
	return httpx.Redirect(vi.w, vi.r, vi.v.url("")+"#section-"+f.Section.String())
}

// saveItem stores what an item's form says.
func (s *Service) saveItem(vi *visit, item id.ID, f *itemForm, photo []byte) error {
	// Before any picture is decoded.
	if err := mayManage(vi.actor, vi.v.Shop.ID); err != nil {
		return err
	}
	price, wrong := parsePrice(f.Price, vi.v.decimals())
	if wrong.Format != "" {
		return errs.InvalidField("price", wrong.Format, wrong.Args...)
	}
	stock, err := portions("stock", f.Stock)
	if err != nil {
		return err
	}
	if stock == nil {
		none := int64(-1)
		stock = &none
	} else if item != 0 && number(vi.v.Card.left(item)) == f.Stock {
		stock = nil // as it was shown: orders may have moved it since
	}
	if len(photo) > 0 {
		p, err := s.photos.Put(vi.ctx, photo)
		if err != nil {
			return err
		}
		f.Photo = p.Path
	}
	groups := []id.ID{}
	for _, g := range f.Groups {
		k, err := id.Parse(g)
		if err != nil {
			return errs.InvalidField("groups", "There is no such option group.")
		}
		groups = append(groups, k)
	}
	if item == 0 {
		_, err := s.AddItem(vi.ctx, vi.actor, vi.v.Shop.ID, ItemInput{
			Section: f.Section, Name: f.Name, Description: f.Description, Price: price, Tax: f.Tax, Photo: f.Photo, Allergens: f.Allergens,
			Diets: f.Diets, Hidden: f.Hidden, Groups: groups, Stock: stock,
		})
		return err
	}
	return s.EditItem(vi.ctx, vi.actor, vi.v.Shop.ID, item, ItemPatch{
		Section: &f.Section, Name: &f.Name, Description: &f.Description, Price: &price, Tax: &f.Tax, Photo: &f.Photo, Allergens: &f.Allergens,
		Diets: &f.Diets, Hidden: &f.Hidden, Groups: &groups, Stock: stock,
	})
}

type priceForm struct {
	Price string `form:"price"`
}

func (s *Service) postPrice(vi *visit) error {
	item, err := vi.id()
	if err != nil {
		return err
	}
	var f priceForm
	if err := httpx.DecodeForm(vi.w, vi.r, &f); err != nil {
		return err
	}
	price, wrong := parsePrice(f.Price, vi.v.decimals())
	if wrong.Format != "" {
		return errs.InvalidField("price", wrong.Format, wrong.Args...)
	}
	if err := s.EditItem(vi.ctx, vi.actor, vi.v.Shop.ID, item, ItemPatch{Price: &price}); err != nil {
		return err
	}
	return s.done(vi, i18n.T(vi.ctx, "Price saved"), "")
}

func (s *Service) postCopy(vi *visit) error {
	item, err := vi.id()
	if err != nil {
		return err
	}
	if _, err := s.CopyItem(vi.ctx, vi.actor, vi.v.Shop.ID, item, 0); err != nil {
		return err
	}
	return s.done(vi, i18n.T(vi.ctx, "Copied"), "")
}

func (s *Service) showGroups(vi *visit) error {
	if ui.IsFragment(vi.r) {
		return httpx.Render(vi.w, vi.r, http.StatusOK, groupList(vi.v))
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, groupsPage(vi.v))
}

func (s *Service) showGroup(vi *visit) error {
	group, err := vi.id()
	if err != nil {
		return err
	}
	f := groupForm{Max: 1}
	if group != 0 {
		g := vi.v.Card.Group(group)
		if g == nil {
			return errNoPart
		}
		f = groupForm{Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule, id: g.ID.String(), known: true}
		for _, o := range g.Options {
			f.OptionIDs, f.OptionNames = append(f.OptionIDs, o.ID.String()), append(f.OptionNames, o.Name)
			f.OptionPrices, f.OptionStocks = append(f.OptionPrices, vi.v.price(o.Price)), append(f.OptionStocks, number(vi.v.Card.left(o.ID)))
		}
	}
	f.blank()
	return httpx.Render(vi.w, vi.r, http.StatusOK, groupPage(vi.v, "groups/"+vi.r.PathValue("id"), f, nil))
}

func (s *Service) postGroup(vi *visit) error {
	group, err := vi.id()
	if err != nil {
		return err
	}
	var f groupForm
	if err := httpx.DecodeForm(vi.w, vi.r, &f); err != nil {
		return err
	}
	f.id, f.known = group.String(), group != 0
	in, err := f.input(vi.v)
	if err == nil {
		_, err = s.SaveGroup(vi.ctx, vi.actor, vi.v.Shop.ID, group, in)
	}
	if again422(err) {
		return httpx.Render(vi.w, vi.r, http.StatusUnprocessableEntity, groupPage(vi.v, "groups/"+vi.r.PathValue("id"), f, err))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(vi.w, vi.r, vi.v.url("groups"))
}

func (s *Service) showImport(vi *visit) error {
	return httpx.Render(vi.w, vi.r, http.StatusOK, importPage(vi.v, nil, nil))
}

type importForm struct {
	Replace bool   `form:"replace"`
	Do      string `form:"do"`
}

func (s *Service) postImport(vi *visit) error {
	file, err := vi.multipart("file")
	if err != nil {
		return err
	}
	var f importForm
	if err := httpx.DecodeValues(vi.r.Form, &f); err != nil {
		return err
	}
	format := "csv"
	if head := bytes.TrimLeft(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")), " \r\n\t"); len(head) > 0 && head[0] == '{' {
		format = "json"
	}
	var shown *Report
	if len(file) == 0 {
		err = errs.InvalidField("file", "Choose a file first.")
	} else {
		rep, importErr := s.Import(vi.ctx, vi.actor, vi.v.Shop.ID, format, bytes.NewReader(file), ImportOptions{Replace: f.Replace, DryRun: f.Do != "import"})
		err = importErr
		if err == nil || len(rep.Problems) > 0 {
			shown = &rep
		}
	}
	status := http.StatusOK
	if err != nil {
		if !again422(err) {
			return err
		}
		status = http.StatusUnprocessableEntity
	}
	if ui.IsFragment(vi.r) {
		return httpx.Render(vi.w, vi.r, status, importReport(vi.v, shown, err))
	}
	return httpx.Render(vi.w, vi.r, status, importPage(vi.v, shown, err))
}

func (s *Service) showExport(vi *visit) error {
	format := or(vi.r.URL.Query().Get("format"), "csv")
	out, err := s.exported(vi.ctx, vi.v.Shop, format)
	if err != nil {
		return err
	}
	h := vi.w.Header()
	h.Set("Content-Type", out.ContentType)
	h.Set("Content-Disposition", out.Disposition)
	h.Set("Cache-Control", out.Cache)
	_, _ = vi.w.Write(out.Body) // the client may be gone: nobody to tell
	return nil
}

func (s *Service) showSwitches(vi *visit) error {
	q := text.Clean(vi.r.URL.Query().Get("q"), 60)
	if ui.IsFragment(vi.r) {
		return httpx.Render(vi.w, vi.r, http.StatusOK, SoldOutList(vi.v.Shop, vi.v.Card, vi.v.now, q))
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, kitchenPage(vi.v, q))
}

func (s *Service) postSwitch(vi *visit) error {
	q := text.Clean(vi.r.URL.Query().Get("q"), 60)
	if err := s.switchForm(vi); err != nil {
		return err
	}
	if !ui.IsFragment(vi.r) {
		return httpx.Redirect(vi.w, vi.r, kitchenURL(vi.v.Shop, "", q))
	}
	card, err := s.Card(vi.ctx, vi.actor, vi.v.Shop.ID)
	if err != nil {
		return err
	}
	return httpx.Render(vi.w, vi.r, http.StatusOK, SoldOutList(vi.v.Shop, card, s.now(), q))
}

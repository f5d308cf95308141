package cart

import (
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// lineForm is a dish that is put into the cart, or a change of one. Options are read by choices.
type lineForm struct {
	Restaurant id.ID  `form:"restaurant"`
	Item       id.ID  `form:"item"`
	Mode       string `form:"mode"`
	Qty        int    `form:"qty"`
	Note       string `form:"note"`
	Back       string `form:"back"` // where to go without script
}

// addLine puts a dish into the cart.
func (s *Service) addLine(w http.ResponseWriter, r *http.Request) error {
	in := lineForm{Qty: 1}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	shop, v, err := s.sheetOf(r, in.Restaurant, in.Item, in.Qty, in.Note)
	if err != nil {
		return err
	}
	v.Mode = delivery.Mode(in.Mode)
	if v.complain(r.Context()) {
		return s.sheetAgain(w, r, v)
	}
	before := ownerOf(r)
	c, err := s.Add(r.Context(), s.ownerFor(w, r), in.Restaurant, v.Mode, v.request())
	if err != nil {
		v.Err = err
		return s.sheetAgain(w, r, v)
	}
	toast := ui.ToastProps{}
	if c.aside != nil && before.key() != "" {
		toast = ui.ToastProps{Text: i18n.T(r.Context(), "New cart at %s. Your other one is put aside.", shop.Name), UndoHref: "/cart/undo"}
	}
	return s.answer(w, r, c, toast, httpx.LocalPath("/r/"+shop.Slug+"?mode="+string(c.Mode)))
}

// sheetOf reads a dish and what the form has chosen of it.
func (s *Service) sheetOf(r *http.Request, restaurant, item id.ID, qty int, note string) (*delivery.Shop, *sheet, error) {
	shop, err := s.shops.Shop(r.Context(), restaurant)
	if err != nil {
		return nil, nil, err
	}
	menu, err := s.menus.Menu(r.Context(), restaurant)
	if err != nil {
		return nil, nil, err
	}
	it := menu.Items[item]
	if it == nil || it.Hidden {
		return nil, nil, errNoDish
	}
	if qty < 1 || qty > MaxQty {
		return nil, nil, errQty("qty")
	}
	return shop, newSheet(r.Context(), shop, it, delivery.LineRequest{Item: item, Qty: qty, Note: note, Options: choices(r, it)}, s.now()), nil
}

// request returns the line that a sheet stands for.
func (s *sheet) request() delivery.LineRequest {
	l := delivery.LineRequest{Item: s.Item.ID, Qty: s.Qty, Note: s.Note}
	for _, g := range s.Groups {
		for _, o := range g.Options {
			if n := s.Chosen[o.ID]; n > 0 {
				l.Options = append(l.Options, delivery.Choice{Option: o.ID, Qty: n})
			}
		}
	}
	return l
}

// sheetAgain shows a dish whose form was refused, with what is wrong.
func (s *Service) sheetAgain(w http.ResponseWriter, r *http.Request, v *sheet) error {
	status := http.StatusUnprocessableEntity
	if v.Err != nil {
		if !errs.Is(v.Err, errs.Invalid) {
			return v.Err
		}
		status = httpx.StatusOf(v.Err)
	}
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, status, dishDialog(v))
	}
	return httpx.Render(w, r, status, dishAlone(v))
}

// changeLine sets the quantity of a line, or replaces its options too where the form comes from the dish's sheet.
func (s *Service) changeLine(w http.ResponseWriter, r *http.Request) error {
	in := lineForm{Qty: -1}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	n, err := lineNumber(r)
	if err != nil {
		return err
	}
	o := ownerOf(r)
	if in.Item == 0 {
		c, err := s.SetQty(r.Context(), o, n, in.Qty)
		if err != nil {
			return err
		}
		toast := ui.ToastProps{}
		if in.Qty == 0 {
			toast = ui.ToastProps{Text: i18n.T(r.Context(), "Taken out of your cart."), UndoHref: "/cart/undo"}
		}
		return s.answer(w, r, c, toast, backFrom(in.Back))
	}
	_, v, err := s.sheetOf(r, in.Restaurant, in.Item, in.Qty, in.Note)
	if err != nil {
		return err
	}
	v.N, v.Mode = n, delivery.Mode(in.Mode)
	if v.complain(r.Context()) {
		return s.sheetAgain(w, r, v)
	}
	c, err := s.SetLine(r.Context(), o, n, v.request())
	if err != nil {
		v.Err = err
		return s.sheetAgain(w, r, v)
	}
	return s.answer(w, r, c, ui.ToastProps{}, backFrom(in.Back))
}

// fixLine is changeLine from within the checkout, which it leads back to.
func (s *Service) fixLine(w http.ResponseWriter, r *http.Request) error {
	in := lineForm{Qty: -1}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	n, err := lineNumber(r)
	if err != nil {
		return err
	}
	if _, err := s.SetQty(r.Context(), ownerOf(r), n, in.Qty); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/checkout")
}

// backFrom returns where a form of the cart leads without script.
func backFrom(path string) string {
	if path == "" {
		return "/cart"
	}
	return httpx.LocalPath(path)
}

// answer tells a page that the cart is another now: the parts of it that any page can show, or a redirect without script.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, c Cart, toast ui.ToastProps, back string) error {
	if !httpx.IsFragment(r) {
		return httpx.Redirect(w, r, back)
	}
	b, err := s.basket(r.Context(), c, placeOf(r))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, templ.Join(cartParts(b), ui.CartUpdate(b.portions()), toastPart(toast)))
}

// cartMode changes between delivery and pickup.
func (s *Service) cartMode(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Mode string `form:"mode"`
		Back string `form:"back"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if _, err := s.SetMode(r.Context(), ownerOf(r), delivery.Mode(in.Mode)); err != nil {
		return err
	}
	return httpx.Redirect(w, r, backFrom(in.Back))
}

// undo brings back what the last step threw out. The page is loaded anew: any part of it may have shown the cart.
func (s *Service) undo(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.Undo(r.Context(), ownerOf(r)); err != nil {
		return err
	}
	if httpx.IsFragment(r) {
		w.Header().Set("HX-Refresh", "true")
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return httpx.Redirect(w, r, "/cart")
}

func (s *Service) clearCart(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.InvalidField("body", "This form could not be read.")
	}
	c, err := s.Clear(r.Context(), ownerOf(r))
	if err != nil {
		return err
	}
	return s.answer(w, r, c, ui.ToastProps{Text: i18n.T(r.Context(), "Your cart is empty."), UndoHref: "/cart/undo"}, "/cart")
}

// orderAgain puts what somebody bought once into their cart.
func (s *Service) orderAgain(w http.ResponseWriter, r *http.Request) error {
	actor, err := access.Require(r.Context())
	if err != nil {
		return err
	}
	if s.opt.Bought == nil {
		return errs.New(errs.NotFound, "There is no such order.")
	}
	restaurant, lines, err := s.opt.Bought(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	f, err := s.Fill(r.Context(), actor.ID, restaurant, lines)
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/cart?missing="+strconv.Itoa(f.Missing))
}

// cartView is what the page of the cart shows.
type cartView struct {
	Basket  *basket
	Missing int  // dishes of an order placed again that are gone
	CanUndo bool // something was put aside
}

func (s *Service) cartPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Get(r.Context(), ownerOf(r))
	if err != nil {
		return err
	}
	v := cartView{CanUndo: c.aside != nil}
	if v.Basket, err = s.basket(r.Context(), c, placeOf(r)); err != nil {
		return err
	}
	v.Missing, _ = strconv.Atoi(r.URL.Query().Get("missing")) // what is no number is none
	return httpx.Render(w, r, http.StatusOK, cartPage(v))
}

package cart

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// shopView is what a restaurant's page shows.
type shopView struct {
	Shop      *delivery.Shop
	Profile   *delivery.Profile
	Mode      delivery.Mode
	Place     *place
	Terms     delivery.Terms
	Filter    filter
	Diets     []named
	Avoid     []named // allergens that occur
	Sections  []section
	Basket    *basket // the visitor's cart of this restaurant; nil: empty
	Elsewhere string  // the restaurant that the visitor's cart is of, where that is another one
	Now       time.Time
	LD        string
	Offers    []delivery.Offer // what the restaurant promises everybody now
	Rating    delivery.Rating  // the zero one where nobody has reviewed
	Dishes    map[id.ID]delivery.Rating
}

// visible returns a restaurant by its name in addresses as customers may see it: one that is not shown is NotFound but for who works there.
func (s *Service) visible(ctx context.Context, slug string) (*delivery.Shop, *delivery.Profile, error) {
	shop, err := s.restaurants.ShopBySlug(ctx, slug)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.restaurants.Profile(ctx, shop.ID)
	if err != nil {
		return nil, nil, err
	}
	if !p.Active && !access.From(ctx).WorksAt(shop.ID) && !access.From(ctx).Has(access.RoleAdmin) {
		return nil, nil, errs.New(errs.NotFound, "There is no such restaurant.")
	}
	return shop, p, nil
}

// view collects what a restaurant's page shows to the visitor.
func (s *Service) view(r *http.Request, slug string, f filter) (*shopView, error) {
	ctx := r.Context()
	shop, p, err := s.visible(ctx, slug)
	if err != nil {
		return nil, err
	}
	menu, err := s.menus.Menu(ctx, shop.ID)
	if err != nil {
		return nil, err
	}
	f.ready()
	v := &shopView{Shop: shop, Profile: p, Place: placeOf(r), Filter: f, Now: s.now(), Mode: delivery.Mode(f.Mode)}
	if v.Mode != delivery.ByCourier && v.Mode != delivery.Pickup {
		v.Mode, v.Filter.Mode = "", ""
	}
	if s.opt.Rating != nil {
		if v.Rating, err = s.opt.Rating(ctx, shop.ID); err != nil {
			return nil, err
		}
	}
	if s.opt.Dishes != nil {
		if v.Dishes, err = s.opt.Dishes(ctx, shop.ID); err != nil {
			return nil, err
		}
	}
	if s.offers != nil {
		if v.Offers, err = s.offers.Current(ctx, shop); err != nil {
			return nil, err
		}
	}
	v.Diets = onMenu(menu, dietNames, func(it *delivery.Item) []string { return it.Diets })
	v.Avoid = onMenu(menu, allergenNames, func(it *delivery.Item) []string { return it.Allergens })
	v.Sections = sections(ctx, shop, menu, &v.Filter, v.Now)
	if err := s.viewCart(r, v); err != nil {
		return nil, err
	}
	if v.Mode == "" || !offersMode(shop, v.Mode) {
		v.Mode = modeOf(shop)
	}
	var to *geo.Point
	if v.Mode == delivery.ByCourier && v.Place != nil {
		to = &v.Place.point
	}
	food := int64(0)
	if v.Basket != nil {
		food = v.Basket.Quote.Subtotal
	}
	v.Terms, err = s.shops.Terms(ctx, shop.ID, v.Mode, to, nil, food)
	return v, err
}

// viewCart puts the visitor's cart into a view.
func (s *Service) viewCart(r *http.Request, v *shopView) error {
	c, err := s.Get(r.Context(), ownerOf(r))
	if err != nil || c.Empty() {
		return err
	}
	if c.Restaurant != v.Shop.ID {
		if there, err := s.shops.Shop(r.Context(), c.Restaurant); err == nil {
			v.Elsewhere = there.Name
		}
		return nil
	}
	if v.Place == nil && c.To != nil {
		v.Place = &place{point: c.To.Point, label: c.To.Street}
	}
	if v.Mode != "" && offersMode(v.Shop, v.Mode) {
		c.Mode = v.Mode // the page says how, and the next dish takes that over
	}
	v.Mode = c.Mode
	v.Basket, err = s.basket(r.Context(), c, v.Place)
	return err
}

// origin returns the address of the server as the visitor knows it.
func (s *Service) origin(r *http.Request) string {
	if s.opt.HTTPS {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Service) shopPage(w http.ResponseWriter, r *http.Request) error {
	var f filter
	if err := httpx.DecodeValues(r.URL.Query(), &f); err != nil {
		return err
	}
	v, err := s.view(r, r.PathValue("slug"), f)
	if err != nil {
		return err
	}
	// Not kept by others, for it shows the visitor's place and cart; the browser may show it again when it goes back.
	w.Header().Set("Cache-Control", "private, no-cache")
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, http.StatusOK, shopBody(v))
	}
	menu, err := s.menus.Menu(r.Context(), v.Shop.ID)
	if err != nil {
		return err
	}
	ld, err := RestaurantLD(s.origin(r), v.Shop, v.Profile, menu, v.Rating, hours.DateOf(v.Now, v.Shop.Loc))
	if err != nil {
		return err
	}
	v.LD = string(ld)
	return httpx.Render(w, r, http.StatusOK, shopPage(v))
}

// dishForm is what the dish's address says beside the choices.
type dishForm struct {
	Mode string `form:"mode"`
	Line int    `form:"line"`
	Qty  int    `form:"qty"`
	Note string `form:"note"`
	Part string `form:"part"` // "form": only the form, after a choice
}

// item returns a dish that customers see, with its restaurant.
func (s *Service) item(r *http.Request) (*delivery.Shop, *delivery.Item, error) {
	shop, _, err := s.visible(r.Context(), r.PathValue("slug"))
	if err != nil {
		return nil, nil, err
	}
	menu, err := s.menus.Menu(r.Context(), shop.ID)
	if err != nil {
		return nil, nil, err
	}
	n, err := id.Parse(r.PathValue("item"))
	if err != nil {
		return nil, nil, errNoDish
	}
	it := menu.Items[n]
	if it == nil || it.Hidden {
		return nil, nil, errNoDish
	}
	return shop, it, nil
}

var errNoDish = errs.New(errs.NotFound, "This dish is not on the menu any more.")

// choices reads which options of a dish a form has chosen.
func choices(r *http.Request, it *delivery.Item) []delivery.Choice {
	var out []delivery.Choice
	for _, g := range it.Groups {
		field := "g" + g.ID.String()
		for _, o := range g.Options {
			n := 0
			if kindOf(g) == "stepper" {
				n, _ = strconv.Atoi(r.Form.Get("q" + o.ID.String())) // what is no number is none
			} else {
				for _, v := range r.Form[field] {
					if v == o.ID.String() {
						n = 1
					}
				}
			}
			if n = min(max(n, 0), 20); n > 0 {
				out = append(out, delivery.Choice{Option: o.ID, Qty: n})
			}
		}
	}
	return out
}

func (s *Service) dishPage(w http.ResponseWriter, r *http.Request) error {
	shop, it, err := s.item(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errs.InvalidField("query", "This address can't be read.")
	}
	in := dishForm{Qty: 1}
	if err := httpx.DecodeValues(r.Form, &in); err != nil {
		return err
	}
	l := delivery.LineRequest{Item: it.ID, Qty: in.Qty, Note: in.Note, Options: choices(r, it)}
	if in.Line > 0 && in.Part == "" {
		c, err := s.Get(r.Context(), ownerOf(r))
		if err != nil {
			return err
		}
		if have, err := c.line(in.Line); err == nil && have.Item == it.ID {
			l = have.LineRequest
		} else {
			in.Line = 0 // it is gone: this will be a new one
		}
	}
	v := newSheet(r.Context(), shop, it, l, s.now())
	v.N, v.Mode = in.Line, delivery.Mode(in.Mode)
	switch {
	case in.Part == "form":
		return httpx.Render(w, r, http.StatusOK, dishBody(v))
	case httpx.IsFragment(r):
		return httpx.Render(w, r, http.StatusOK, dishDialog(v))
	}
	return httpx.Render(w, r, http.StatusOK, dishAlone(v))
}

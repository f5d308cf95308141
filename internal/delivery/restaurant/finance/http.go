package finance

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the REST operations and the pages.
func (s *Service) Routes(rt *httpx.Router) {
	op := func(method, path, name, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Restaurants"}, DefaultStatus: 200}
	}
	const deal = "/restaurants/{slug}/deal"
	admin, owner := httpx.May("admin.restaurants"), httpx.May("restaurant.manage")
	httpx.Operation(rt, op("GET", deal, "get-restaurant-deal", "What a restaurant has agreed on with the town"), owner, s.restGet)
	httpx.Operation(rt, op("PUT", deal, "set-restaurant-deal", "Give a restaurant a deal of its own (admin)"), admin, s.restPut)
	httpx.Operation(rt, op("DELETE", deal, "delete-restaurant-deal", "Give a restaurant the town's deal again (admin)"), admin, s.restDelete)
	httpx.Operation(rt, op("GET", "/restaurants/{slug}/money", "get-restaurant-money", "What a restaurant sold and what the town owes it"), owner, s.restMoney)
	rt.Page("GET /admin/restaurants", admin, s.listPage)
	rt.Page("GET /admin/restaurants/{slug}", admin, s.dealPage)
	rt.Page("POST /admin/restaurants/{slug}", admin, s.saveDeal)
	rt.Page("POST /admin/restaurants/{slug}/town", admin, s.dropDeal)
	rt.Page("GET /restaurant/{slug}/money", owner, s.moneyPage)
}

// managed returns a restaurant to one of its owners or an admin.
func (s *Service) managed(ctx context.Context, slug string) (*restaurant.Compiled, error) {
	c, err := s.restaurants.GetBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	return c, access.Can(access.From(ctx), "restaurant.manage", access.Thing{Kind: "restaurant", ID: c.ID})
}

type slugInput struct {
	Slug string `path:"slug" maxLength:"60"`
}

type dealOutput struct {
	Body struct {
		restaurant.Agreement
		Own bool `json:"own" doc:"It is the restaurant's own, not the town's."`
	}
}

func (s *Service) reply(c *restaurant.Compiled, err error) (*dealOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &dealOutput{}
	out.Body.Agreement, out.Body.Own = s.restaurants.DealOf(c)
	return out, nil
}

func (s *Service) restGet(ctx context.Context, in *slugInput) (*dealOutput, error) {
	return s.reply(s.managed(ctx, in.Slug))
}

type putInput struct {
	Slug string `path:"slug" maxLength:"60"`
	Body restaurant.Agreement
}

func (s *Service) restPut(ctx context.Context, in *putInput) (*dealOutput, error) {
	return s.reply(s.set(ctx, in.Slug, &in.Body))
}

func (s *Service) restDelete(ctx context.Context, in *slugInput) (*dealOutput, error) {
	return s.reply(s.set(ctx, in.Slug, nil))
}

func (s *Service) set(ctx context.Context, slug string, a *restaurant.Agreement) (*restaurant.Compiled, error) {
	c, err := s.restaurants.GetBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	return s.restaurants.SetDeal(ctx, c.ID, a)
}

type moneyInput struct {
	Slug string `path:"slug" maxLength:"60"`
	By   string `query:"by" enum:"day,week" default:"day" doc:"The last 14 days, or 12 weeks, with the present one."`
}

type moneyOutput struct {
	Body struct {
		Standing
		Currency string    `json:"currency"`
		Periods  []Figures `json:"periods"`
	}
}

func (s *Service) restMoney(ctx context.Context, in *moneyInput) (*moneyOutput, error) {
	c, err := s.managed(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	out := &moneyOutput{}
	out.Body.Currency, out.Body.Periods = c.Settings.Currency, periods(s.now(), c.Shop.Loc, in.By == "week")
	out.Body.Standing, err = s.read(ctx, c, out.Body.Periods)
	return out, err
}

// dealRow is a restaurant in the list of deals.
type dealRow struct {
	c    *restaurant.Compiled
	deal restaurant.Agreement
	own  bool
}

func (s *Service) listPage(w http.ResponseWriter, r *http.Request) error {
	list, err := s.restaurants.All(r.Context())
	if err != nil {
		return err
	}
	rows := make([]dealRow, len(list))
	for i, c := range list {
		rows[i].c = c
		rows[i].deal, rows[i].own = s.restaurants.DealOf(c)
	}
	slices.SortStableFunc(rows, func(a, b dealRow) int { return strings.Compare(a.c.Card.Folded, b.c.Card.Folded) })
	return httpx.Render(w, r, http.StatusOK, listView(rows))
}

// dealForm is the deal as admins type it. Who bears the fee for cards and whose the delivery fee is holds for both ways.
type dealForm struct {
	Commission  string `form:"commission"`
	Flat        string `form:"flat"`
	PickupShare string `form:"pickup_commission"`
	PickupFlat  string `form:"pickup_flat"`
	CardFee     string `form:"card_fee"`
	FeeTo       string `form:"fee_to"`
}

func formOf(a restaurant.Agreement, currency string) dealForm {
	return dealForm{
		restaurant.PercentText(a.Delivery.Commission), restaurant.MoneyText(a.Delivery.CommissionFlat, currency),
		restaurant.PercentText(a.Pickup.Commission), restaurant.MoneyText(a.Pickup.CommissionFlat, currency),
		string(a.Delivery.CardFee), string(a.Delivery.FeeTo),
	}
}

// agreement returns the deal that the form describes, or an Invalid error about its fields.
func (f dealForm) agreement(currency string) (a restaurant.Agreement, err error) {
	var wrong []errs.Field
	percent := func(path, s string) int {
		rate, ok := restaurant.ParsePercent(s)
		if !ok {
			wrong = append(wrong, errs.FieldOf(path, "Write a percentage such as 7 or 19."))
		}
		return rate
	}
	amount := func(path, s string) money.Amount {
		v, err := restaurant.ParseMoney(s, currency)
		if err != nil || v > 1_000_000 {
			wrong = append(wrong, errs.FieldOf(path, "Write an amount such as %s.", restaurant.MoneyText(250, currency)))
		}
		return v
	}
	party := func(path, s string) delivery.Party {
		if p := delivery.Party(s); p == delivery.PartyRestaurant || p == delivery.PartyPlatform {
			return p
		}
		wrong = append(wrong, errs.FieldOf(path, "Choose the restaurant or the town."))
		return ""
	}
	a.Delivery = delivery.Deal{Commission: percent("commission", f.Commission), CommissionFlat: amount("flat", f.Flat), CardFee: party("card_fee", f.CardFee), FeeTo: party("fee_to", f.FeeTo)}
	a.Pickup = a.Delivery
	a.Pickup.Commission, a.Pickup.CommissionFlat = percent("pickup_commission", f.PickupShare), amount("pickup_flat", f.PickupFlat)
	return a, errs.InvalidFields(wrong)
}

type dealView struct {
	c     *restaurant.Compiled
	in    dealForm
	own   bool
	saved bool
	err   error
}

func (s *Service) dealPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.restaurants.GetBySlug(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	a, own := s.restaurants.DealOf(c)
	return httpx.Render(w, r, http.StatusOK, dealPage(dealView{c: c, in: formOf(a, c.Settings.Currency), own: own, saved: r.URL.Query().Has("saved")}))
}

func (s *Service) saveDeal(w http.ResponseWriter, r *http.Request) error {
	c, err := s.restaurants.GetBySlug(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	var in dealForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	a, err := in.agreement(c.Settings.Currency)
	if err == nil {
		_, err = s.restaurants.SetDeal(r.Context(), c.ID, &a)
	}
	if errs.Is(err, errs.Invalid) {
		_, own := s.restaurants.DealOf(c)
		return httpx.Render(w, r, http.StatusUnprocessableEntity, dealPage(dealView{c: c, in: in, own: own, err: err}))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/restaurants/"+c.Slug+"?saved=1")
}

func (s *Service) dropDeal(w http.ResponseWriter, r *http.Request) error {
	c, err := s.set(r.Context(), r.PathValue("slug"), nil)
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/restaurants/"+c.Slug+"?saved=1")
}

type moneyView struct {
	c        *restaurant.Compiled
	connect  bool
	deal     restaurant.Agreement
	standing Standing
	list     []Figures // oldest first
	week     bool
	loc      *time.Location
}

func (s *Service) moneyPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.managed(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	v := &moneyView{c: c, connect: s.Connect, week: r.URL.Query().Get("by") == "week", loc: c.Shop.Loc}
	v.deal, _ = s.restaurants.DealOf(c)
	v.list = periods(s.now(), v.loc, v.week)
	if v.standing, err = s.read(r.Context(), c, v.list); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, moneyPage(v))
}

package order

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// PageDeps is what the pages ask of other slices. What is nil is left out of the pages.
type PageDeps struct {
	// Where returns where a courier was last seen, false where that is not known.
	Where func(ctx context.Context, courier id.ID) (delivery.Position, bool, error)
	// AtCounter returns when the couriers of orders will be at their restaurants, without those of whom that is not known.
	AtCounter func(ctx context.Context, orders []id.ID) (map[id.ID]time.Time, error)
	// Pace returns until when a restaurant takes no orders, and until when its kitchen takes longer; zero: it does not.
	Pace func(ctx context.Context, restaurant id.ID) (paused, rush time.Time, err error)
	// Refunds returns what the reader is shown of an order's refunds, nil where that is nothing.
	Refunds func(ctx context.Context, order id.ID) (templ.Component, error)
}

// pages serves what people see of orders.
type pages struct {
	*Service
	PageDeps
	bought snapshots
}

// Pages registers the pages of customers, of those who hold a tracking link, and of kitchens.
func (s *Service) Pages(rt *httpx.Router, d PageDeps) {
	p := &pages{Service: s, PageDeps: d}
	rt.Page("GET /orders", httpx.May("order.read"), p.mine)
	rt.Page("GET /orders/active", httpx.May("order.read"), p.active)
	rt.Page("GET /orders/{code}", httpx.May("order.read"), p.one)
	rt.Page("GET /orders/{code}/live", httpx.May("order.read"), p.oneLive)
	rt.Page("GET /orders/{code}/cancel", httpx.May("order.read"), p.askCancel)
	rt.Page("POST /orders/{code}/cancel", httpx.May("order.cancel"), p.cancel)
	rt.Page("GET /orders/{code}/paid", httpx.May("order.read"), p.paid)
	rt.Page("GET /t/{token}", httpx.Anyone, p.track)
	rt.Page("GET /t/{token}/live", httpx.Anyone, p.trackLive)
	rt.Raw("GET /t/{token}/events", httpx.Anyone, p.trackEvents)
	p.kitchenPages(rt)
}

// orderEvents are the names of the events that change what a page shows of an order.
var orderEvents = strings.Join(append(delivery.OrderKinds(), delivery.PaymentChanged{}.EventKind(), delivery.RefundChanged{}.EventKind()), " ")

// zone returns the time zone in which a restaurant's times are shown.
func (p *pages) zone(ctx context.Context, seller Seller) *time.Location {
	if shop, err := p.Shops.Shop(ctx, seller.ID); err == nil {
		return shop.Loc
	}
	if loc, err := time.LoadLocation(seller.Zone); err == nil { // the restaurant is gone; its orders are not
		return loc
	}
	return time.UTC
}

// listed is an order in the list of somebody's orders.
type listed struct {
	*View
	loc *time.Location
}

func (p *pages) listed(ctx context.Context, views []*View, keep func(*View) bool) []listed {
	var out []listed
	for _, v := range views {
		if keep(v) {
			out = append(out, listed{v, p.zone(ctx, v.Restaurant)})
		}
	}
	return out
}

// pastShown is how many orders a page of the list goes through.
const pastShown = 20

func (p *pages) mine(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	cursor := r.URL.Query().Get("cursor")
	all, err := p.ListMine(ctx, "", cursor, pastShown)
	if err != nil {
		return err
	}
	m := mineModel{first: cursor == ""}
	m.past = p.listed(ctx, all.Items, func(v *View) bool { return !Open(v.State) && !(m.first && p.fresh(v)) })
	if all.Next != "" {
		m.next = "/orders?cursor=" + all.Next
	}
	if m.first {
		if m.active, err = p.activeOrders(ctx, all.Items); err != nil {
			return err
		}
	}
	return httpx.Render(w, r, http.StatusOK, minePage(m))
}

func (p *pages) active(w http.ResponseWriter, r *http.Request) error {
	newest, err := p.ListMine(r.Context(), "", "", pastShown)
	if err != nil {
		return err
	}
	list, err := p.activeOrders(r.Context(), newest.Items)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, activeList(list))
}

// activeOrders returns the actor's orders that are not finished, with those among the newest that wait for a card, and behind them those
// that ended a moment ago, so that nobody has to look for the order that they have been following.
func (p *pages) activeOrders(ctx context.Context, newest []*View) ([]listed, error) {
	open, err := p.ListMine(ctx, "open", "", pastShown)
	if err != nil {
		return nil, err
	}
	list := p.listed(ctx, newest, func(v *View) bool { return v.Awaiting })
	list = append(list, p.listed(ctx, open.Items, func(*View) bool { return true })...)
	return append(list, p.listed(ctx, newest, p.fresh)...), nil
}

// fresh reports whether an order ended a moment ago.
func (p *pages) fresh(v *View) bool {
	return !Open(v.State) && p.Now().Sub(v.MovedAt) < 10*time.Minute
}

type mineModel struct {
	active, past []listed
	next         string
	first        bool
}

// one shows an order to its customer. Those who cook, carry or plan are led to the same page: it is what the customer sees.
func (p *pages) one(w http.ResponseWriter, r *http.Request) error {
	t, err := p.own(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, trackPage(t))
}

func (p *pages) oneLive(w http.ResponseWriter, r *http.Request) error {
	t, err := p.own(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, trackLive(t))
}

func (p *pages) own(r *http.Request) (*tracking, error) {
	v, err := p.ByCode(r.Context(), r.PathValue("code"))
	if err != nil {
		return nil, err
	}
	return p.tracking(r.Context(), v, "/orders/"+v.Code, false)
}

func (p *pages) track(w http.ResponseWriter, r *http.Request) error {
	t, err := p.shared(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, trackPage(t))
}

func (p *pages) trackLive(w http.ResponseWriter, r *http.Request) error {
	t, err := p.shared(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, trackLive(t))
}

func (p *pages) shared(r *http.Request) (*tracking, error) {
	token := r.PathValue("token")
	v, err := p.Track(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return p.tracking(r.Context(), v, "/t/"+token, true)
}

// trackEvents streams an order's events to whoever holds its tracking link.
func (p *pages) trackEvents(w http.ResponseWriter, r *http.Request) error {
	v, err := p.Track(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	return p.Hub.ServeAllowed(w, r, []string{"order:" + v.ID.String()})
}

// tracking is an order as the page of its customer shows it, or that of somebody who was given the link.
type tracking struct {
	*View
	base    string // address of the page
	guest   bool
	loc     *time.Location
	now     time.Time
	courier string // first name, "" while nobody carries it
	where   *delivery.Position
	moved   []moved
	refunds templ.Component // nil: none
}

// moved is a promise that was changed.
type moved struct {
	at, oldFrom, oldTo, from, to time.Time
	note                         string
}

func (p *pages) tracking(ctx context.Context, v *View, base string, guest bool) (*tracking, error) {
	t := &tracking{View: v, base: base, guest: guest, loc: p.zone(ctx, v.Restaurant), now: p.Now()}
	var err error
	if t.moved, err = p.promises(ctx, v.ID, guest); err != nil {
		return nil, err
	}
	if p.Refunds != nil && !guest {
		if t.refunds, err = p.Refunds(ctx, v.ID); err != nil {
			return nil, err
		}
	}
	if Open(v.State) {
		t.courier = firstName(v.CourierName)
	}
	if v.State != delivery.InDelivery || v.Courier == 0 {
		return t, nil
	}
	// Nobody sees where a courier is who has another customer to see first.
	if p.Where != nil && !v.HeadingAt.IsZero() {
		at, known, err := p.Where(ctx, v.Courier)
		if err != nil {
			return nil, err
		}
		if known {
			t.where = &at
		}
	}
	return t, nil
}

// promises returns how an order's promise was moved to later times, oldest first.
func (p *pages) promises(ctx context.Context, order id.ID, guest bool) ([]moved, error) {
	es, err := p.Log.SinceOf(ctx, []string{"order:" + order.String()}, 0, 200)
	if err != nil {
		return nil, err
	}
	var out []moved
	var last delivery.Order
	for _, e := range es {
		if !strings.HasPrefix(e.Kind, "order.") {
			continue
		}
		var o delivery.Order
		if err := json.Unmarshal(e.Data, &o); err != nil {
			continue // an event of an older program tells less; the page shows what is known
		}
		if !last.PromiseTo.IsZero() && o.PromiseTo.Sub(last.PromiseTo) >= time.Minute {
			m := moved{at: o.At, oldFrom: last.PromiseFrom, oldTo: last.PromiseTo, from: o.PromiseFrom, to: o.PromiseTo}
			if o.What == delivery.OrderDelayed && !guest {
				m.note = o.Note
			}
			out = append(out, m)
		}
		last = o
	}
	return out, nil
}

func (p *pages) askCancel(w http.ResponseWriter, r *http.Request) error {
	v, err := p.ByCode(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, sheet(r, i18n.T(r.Context(), "Cancel this order"), "/orders/"+v.Code, cancelForm(v, nil)))
}

func (p *pages) cancel(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Why  string `form:"why"`
		Note string `form:"note"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	v, err := p.ByCode(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	note := strings.Trim(in.Why+": "+strings.TrimSpace(in.Note), ": ")
	if _, err = p.Cancel(r.Context(), v.ID, Why{Reason: "CUSTOMER", Note: note}); err != nil {
		if !httpx.IsFragment(r) || !mendable(err) {
			return err
		}
		return httpx.Render(w, r, httpx.StatusOf(err), cancelForm(v, err))
	}
	return httpx.Redirect(w, r, "/orders/"+v.Code)
}

// paid is where a bank sends its customer back to, by the order's number or code: the bank is asked at once, and the order shown.
func (p *pages) paid(w http.ResponseWriter, r *http.Request) error {
	ctx, ref := r.Context(), r.PathValue("code")
	order, err := id.Parse(ref)
	if err != nil || len(ref) <= codeLength+1 {
		v, err := p.ByCode(ctx, ref)
		if err != nil {
			return err
		}
		order = v.ID
	}
	v, err := p.CheckPayment(ctx, order)
	if errs.CodeOf(err) == "payment_unclear" { // the page says so, and shows it when it is known
		v, err = p.Get(ctx, order)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/orders/"+v.Code)
}

// mendable reports whether an error is one that a person can do something about on the page where they are.
func mendable(err error) bool {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict, errs.Forbidden, errs.TooMany:
		return true
	}
	return false
}

// stepAt returns when something happened to an order last, zero where it did not.
func (v *View) stepAt(what string) time.Time {
	for _, st := range slices.Backward(v.History) {
		if st.What == what {
			return st.At
		}
	}
	return time.Time{}
}

// may reports whether the viewer may do verb now.
func (v *View) may(verb Verb) bool { return slices.Contains(v.Can, verb) }

// firstName returns what one calls somebody.
func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}

// times returns a promise in the time zone of the restaurant: "19:35–19:45".
func times(ctx context.Context, from, to time.Time, loc *time.Location) string {
	a, b := ui.ClockTime(ctx, from, loc), ui.ClockTime(ctx, to, loc)
	if a == b {
		return a
	}
	return a + "\u2060–\u2060" + b // which stay on one line
}

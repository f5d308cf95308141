package xss

import (
	"net/url"
	"strings"
)

// purse is what money is about.
type purse struct {
	promotion, run, group string
	buyer                 string // the customer's account
}

// writePurse writes the payload wherever money comes with words.
func (w *town) writePurse() {
	p := &w.purse
	var made struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	}
	if p.buyer == "" {
		w.customer.Want(w.t, 200, "GET", "/me", nil, &made)
		p.buyer = made.ID
	}
	// A group of its own for each payload: an order has so many lines at most.
	w.offer(w.customer, "POST", "/group-orders", "/group-orders", map[string]any{"restaurant": w.shop.ID}, &made)
	p.group = made.Token
	w.owner.Want(w.t, 200, "POST", "/group-orders/"+p.group+"/members", map[string]any{"name": "Meera"}, nil)
	rules := map[string]any{"kind": "amount", "amount": 100, "bearer": "restaurant", "label": hole}
	promotion := map[string]any{"restaurant": w.shop.ID, "paused": true}
	for k, v := range rules {
		promotion[k] = v
	}
	w.offer(w.owner, "POST", "/promotions", "/promotions", promotion, &made)
	p.promotion = made.ID
	w.offer(w.owner, "PATCH", "/promotions/{id}", "/promotions/"+p.promotion, map[string]any{"rules": rules}, nil)
	w.offer(w.admin, "POST", "/credit", "/credit", map[string]any{"account": p.buyer, "amount": 100, "reason": hole}, nil)
	w.offer(w.admin, "POST", "/gifts", "/gifts", map[string]any{"amount": 100, "count": 1, "note": hole}, nil)
	if p.run != "" {
		w.post("boss", "/admin/payouts/"+p.run+"/discard", url.Values{})
	}
	w.offer(w.admin, "POST", "/payouts", "/payouts", map[string]any{"note": hole}, &made)
	p.run = made.ID
	w.offer(w.customer, "POST", "/group-orders/{token}/members", "/group-orders/"+p.group+"/members", map[string]any{"name": hole}, nil)
	w.offer(w.customer, "POST", "/group-orders/{token}/lines", "/group-orders/"+p.group+"/lines", map[string]any{"lines": []any{map[string]any{"item": w.item, "qty": 1, "note": hole}}}, nil)
	w.offer(w.dispatcher, "POST", "/orders/{id}/refunds", "/orders/"+w.brought.ID+"/refunds", map[string]any{"amount": 1, "reason": "OTHER", "liable": "restaurant", "note": hole}, nil)
	var cash struct {
		Amount int64 `json:"amount"`
	}
	w.courier.Want(w.t, 200, "GET", "/courier/cash", nil, &cash)
	w.offer(w.dispatcher, "POST", "/dispatch/cash/{courier}/hand-in", "/dispatch/cash/"+w.rider+"/hand-in", map[string]any{"expected": cash.Amount, "counted": cash.Amount, "note": hole}, nil)
}

// aroundPurse returns the pages of money, by who looks at them now and then.
func (w *town) aroundPurse() map[string][]page {
	p, shop, q := w.purse, "/restaurant/"+w.shop.Slug, url.QueryEscape(w.payload)
	brought := strings.ReplaceAll(w.brought.Code, "-", "")
	return map[string][]page{
		"": {{"GET /g/{token}", "/g/" + p.group}},
		"otto": {
			{"GET /account/cards", "/account/cards"},
			{"GET /account/credit", "/account/credit"},
			{"GET /g/{token}", "/g/" + p.group},
			{"GET /orders/{code}/receipt", "/orders/" + brought + "/receipt"},
			{"GET /orders/{id}/refunds", "/orders/" + w.brought.ID + "/refunds"},
			{"GET /orders/{code}", "/orders/" + brought},
			{"GET /events/{id}/edit", "/events/" + w.event + "/edit"},
			{"GET /events/{id}/guests", "/events/" + w.event + "/guests"},
			{"GET /groups/{handle}/edit", "/groups/choir/edit"},
			{"GET /groups/{handle}/people", "/groups/choir/people"},
			{"GET /notifications/requests", "/notifications/requests"},
			{"GET /settings/archive", "/settings/archive"},
			{"GET /settings/carry", "/settings/carry"},
			{"GET /settings/notifications", "/settings/notifications"},
			{"GET /waiting", "/waiting"},
		},
		"meera": {
			{"GET /restaurant/{slug}/bank", shop + "/bank"},
			{"GET /restaurant/{slug}/money", shop + "/money"},
			{"GET /restaurant/{slug}/payouts-account", shop + "/payouts-account"},
			{"GET /restaurant/{slug}/promotions", shop + "/promotions"},
			{"GET /restaurant/{slug}/promotions/new", shop + "/promotions/new"},
			{"GET /restaurant/{slug}/promotions/{id}", shop + "/promotions/" + p.promotion},
			{"GET /restaurant/{slug}/settings/prices", shop + "/settings/prices"},
			{"GET /restaurant/{slug}/statements", shop + "/statements"},
		},
		"kofi": {
			{"GET /courier/bank", "/courier/bank"},
			{"GET /courier/cash", "/courier/cash"},
			{"GET /courier/earnings", "/courier/earnings"},
			{"GET /courier/statements", "/courier/statements"},
		},
		"dana": {
			{"GET /dispatch/cash", "/dispatch/cash"},
			{"GET /orders/{id}/refunds", "/orders/" + w.brought.ID + "/refunds"},
		},
		"boss": {
			{"GET /admin/bank", "/admin/bank"},
			{"GET /admin/credit", "/admin/credit"},
			{"GET /admin/disputes", "/admin/disputes"},
			{"GET /admin/export", "/admin/export?from=" + q},
			{"GET /admin/finance", "/admin/finance?q=" + q},
			{"GET /admin/payouts", "/admin/payouts"},
			{"GET /admin/payouts/{id}", "/admin/payouts/" + p.run},
			{"GET /admin/promotions", "/admin/promotions"},
			{"GET /admin/promotions/new", "/admin/promotions/new"},
			{"GET /admin/promotions/{id}", "/admin/promotions/" + p.promotion},
			{"GET /admin/restaurants", "/admin/restaurants"},
			{"GET /admin/restaurants/{slug}", "/admin/restaurants/" + w.shop.Slug},
			{"GET /admin/statements", "/admin/statements"},
		},
	}
}

package dinner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

func TestDinner(t *testing.T) {
	harness.Databases(t, func(t *testing.T, args ...string) {
		w := open(t, args...)
		e := w.evening(t, browser.Open(t), w.s, w.s)
		e.order()
		e.cook()
		e.fetch()
		e.bring()
	})
}

// TestDinnerOnTwoNodes has customer and courier on one node, kitchen and dispatcher on the other. On the way NATS falls silent: from then on
// the nodes hear of each other by looking.
func TestDinnerOnTwoNodes(t *testing.T) {
	db := harness.Postgres(t)
	bus, silence := harness.NATS(t)
	args := append(here(), "--database", db, "--nats", bus)
	a := harness.Start(t, "serve", args...)
	w := build(t, a)
	b := harness.Start(t, "serve", append(args, "--data", a.Data)...)
	e := w.evening(t, browser.Open(t), a, b)
	e.order()
	e.cook()
	silence()
	e.fetch()
	e.bring()
}

// evening is one dinner and all who have to do with it.
type evening struct {
	*town
	t                                    *testing.T
	customer, kitchen, rider, dispatcher *browser.Person
	code, total                          string
	browser                              *browser.Browser
	home                                 string // address of the node that those at home use
}

// evening opens a browser for each: those at home and on the road on one node, those who cook and plan on another, or the same.
func (w *town) evening(t *testing.T, b *browser.Browser, home, work *harness.Server) *evening {
	t.Helper()
	e := &evening{town: w, t: t, browser: b, home: home.URL}
	at := func(s *harness.Server, name, path string, size [2]int64) *browser.Person {
		p := b.Person(t, name, s.URL, size[0], size[1])
		p.SignIn(name+"@example.org", harness.Password)
		p.Go(path)
		p.MarkLoaded()
		return p
	}
	e.kitchen = at(work, "meera", "/kitchen/"+w.shop.Slug, tablet)
	e.kitchen.See("New orders ring here.")
	e.dispatcher = at(work, "dana", "/dispatch", desk)
	e.dispatcher.See("Nothing to bring")
	e.dispatcher.See("Nobody on duty")
	e.rider = at(home, "kofi", "/courier", phone)
	e.rider.Queueing()
	e.rider.ClickText("Go on duty")
	e.rider.See("Waiting for an order")
	e.ride(harness.HereLat-0.002, harness.HereLon)
	e.dispatcher.SeeIn("#col-couriers", "kofi")
	e.dispatcher.Await(`document.querySelectorAll("#col-map .marker-courier").length === 1`, "see the courier on the map")
	e.customer = neighbour(t, b, "Anna", home.URL)
	return e
}

// ride says where the courier is.
func (e *evening) ride(lat, lon float64) {
	e.t.Helper()
	e.courier.Want(e.t, 204, "POST", "/courier/position", map[string]any{"lat": lat, "lon": lon}, nil)
}

// order has the customer choose, pay by card, and watch.
func (e *evening) order() {
	e.t.Helper()
	c := e.customer
	fillCart(c)
	checkout(c)
	c.Click(`label:has(> input[name=tip][value="300"])`)
	c.SeeIn("#order", "24.70")
	c.Click(`input[name=method][value=card]`)
	c.SeeIn(".summary", "charged only once the kitchen confirms")
	e.total = c.Eval(`document.querySelector(".summary .total dd").innerText`)
	c.Settle()
	c.Click("#order")
	c.See("Taj Corner has the order")
	c.MarkLoaded()
	e.code = strings.TrimPrefix(c.Path(), "/orders/")
	if e.code == "" || strings.Contains(e.code, "/") {
		e.t.Fatalf("after ordering the customer is at %s", c.Path())
	}
	if got := c.Eval(`document.querySelector(".receipt .total dd").innerText`); got != e.total || !strings.Contains(got, "24.70") {
		e.t.Errorf("the receipt says %q, the checkout said %q; want 24.70", got, e.total)
	}
	c.SeeIn(".receipt", "Saffron rice, Raita")
	e.dispatcher.SeeIn("#col-orders", e.code)
}

func (e *evening) ticket() string { return "#t-" + e.code }

// cook has the kitchen take the order in hand; it rings there without anybody loading the page.
func (e *evening) cook() {
	e.t.Helper()
	k := e.kitchen
	k.SeeIn("#col-created", e.code)
	k.SeeIn(e.ticket(), "Lamb Rogan Josh")
	k.SeeIn(e.ticket(), "Saffron rice")
	k.Click(e.ticket() + ` button[name=shift][value="5"]`)
	k.SeeIn("#col-preparing", e.code)
	e.customer.See("Taj Corner has said yes")
	k.Click(e.ticket() + ` form[action$="/prepare"] button`)
	e.customer.See("Taj Corner is cooking")
	k.Click(e.ticket() + ` form[action$="/ready"] button`)
	k.SeeIn("#col-ready", e.code)
	e.customer.See("is ready")
	k.NotReloaded()
}

// couriers counts the couriers on the customer's map.
func (e *evening) couriers(n int, when string) {
	e.t.Helper()
	e.customer.Await(fmt.Sprintf(`!!document.querySelector("stoa-map .leaflet-container") && document.querySelectorAll("stoa-map .marker-courier").length === %d`, n), fmt.Sprintf("see %d couriers on the map %s", n, when))
}

// fetch has the courier take the offer and the food. The customer sees who comes, and nobody on the map yet.
func (e *evening) fetch() {
	e.t.Helper()
	r := e.rider
	r.See("New order")
	r.SeeIn(".task", "Lindenweg 7")
	r.ClickText("Accept")
	r.SeeIn(".task", "Taj Corner")
	e.customer.See("kofi comes to fetch it")
	e.dispatcher.SeeIn("#col-couriers", e.code)
	r.ClickText("Head to restaurant")
	r.ClickText("I'm here")
	e.ride(harness.HereLat, harness.HereLon)
	e.couriers(0, "before the food is on its way")
	r.ClickText("Picked up")
	r.See("Head to customer")
	e.customer.See("kofi has your")
	e.kitchen.SeeIn("#col-in_delivery", e.code)
	e.ride(harness.HereLat+0.0005, harness.HereLon+0.0005)
	e.couriers(0, "before the courier heads to the customer")
	r.NotReloaded()
}

// bring has the courier come to the door, where four digits are asked for.
func (e *evening) bring() {
	e.t.Helper()
	r, c := e.rider, e.customer
	r.ClickText("Head to customer")
	c.See("is on the way with your")
	e.ride(harness.HereLat+0.001, harness.HereLon+0.001)
	e.couriers(1, "on the way")
	where := `(() => { const r = document.querySelector("stoa-map .marker-courier").getBoundingClientRect(), m = document.querySelector("stoa-map .marker-home").getBoundingClientRect(); return String(Math.round(Math.hypot(r.x - m.x, r.y - m.y))) })()`
	before := c.Eval(where)
	e.ride(harness.HereLat+0.003, harness.HereLon+0.003)
	c.Await(fmt.Sprintf(`Number(%s) < %s - 10`, where, before), "see the courier come nearer")
	friend := e.browser.Person(e.t, "friend", e.home, phone[0], phone[1])
	friend.Go(c.Eval(`document.querySelector("[data-copy]").dataset.copy`))
	friend.See("is on the way with the")
	friend.Await(`document.querySelectorAll("stoa-map .marker-courier").length === 1`, "see the courier at once, by the link alone")
	if strings.Contains(friend.Eval(`document.body.innerText`), "Lindenweg") {
		e.t.Error("the link tells the address")
	}
	r.ClickText("I'm here")
	c.See("At the door")
	friend.See("At the door")
	code := strings.TrimSpace(c.Eval(`document.querySelector(".track-code .code").innerText`))
	wrong := "0000"
	if code == wrong {
		wrong = "1111"
	}
	r.Fill(`[data-stop]:not([hidden]) input[name=code]`, wrong)
	r.ClickText("Delivered")
	r.SeeIn("#toasts", "not this order's code")
	r.Fill(`[data-stop]:not([hidden]) input[name=code]`, code)
	r.ClickText("Delivered")
	c.See("Delivered at")
	c.See("Enjoy your")
	c.SeeIn(".receipt", "Paid by card")
	if got := c.Eval(`document.querySelector(".receipt .total dd").innerText`); got != e.total {
		e.t.Errorf("the receipt says %q at the end; want %q as at the checkout", got, e.total)
	}
	r.SeeIn("#done", "Lindenweg 7")
	e.dispatcher.SeeIn("#col-orders", "Nothing to bring")
	e.kitchen.SeeIn("#col-in_delivery", "Nobody is on the road.")
	for _, p := range []*browser.Person{c, e.kitchen, r, e.dispatcher} {
		p.NotReloaded()
	}
}

package dinner

import (
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// orders returns the restaurant's orders, newest first.
func (w *town) orders(t *testing.T) []harness.Order {
	t.Helper()
	var page struct {
		Items []harness.Order `json:"items"`
	}
	w.owner.Want(t, 200, "GET", "/restaurants/"+w.shop.Slug+"/orders?limit=100", nil, &page)
	return page.Items
}

// TestCheckout has one neighbour after the other come to the checkout of one town, where something goes wrong.
func TestCheckout(t *testing.T) {
	w, b := open(t), browser.Open(t)
	t.Run("two taps are one order", func(t *testing.T) {
		p := neighbour(t, b, "Anna", w.s.URL)
		fillCart(p)
		checkout(p)
		p.SeeIn("#order", "21.70")
		p.Settle()
		p.Tap("#order", 2)
		p.See("Taj Corner has the order")
		if n := len(w.orders(t)); n != 1 {
			t.Errorf("two taps made %d orders; want 1", n)
		}
	})
	t.Run("a declined card is said and the cart kept", func(t *testing.T) {
		p := neighbour(t, b, "Bela", w.s.URL)
		before := len(w.orders(t))
		fillCart(p)
		checkout(p)
		p.Click(`input[name=method][value=card]`)
		p.Click(`input[name=card][value=tok_declined]`)
		p.SeeIn(".summary", "charged only once the kitchen confirms")
		p.Settle()
		p.Click("#order")
		p.SeeIn(".summary [role=alert]", "declined")
		if n := len(w.orders(t)) - before; n != 0 {
			t.Errorf("the kitchen sees %d orders that are not paid for", n)
		}
		p.Go("/cart")
		p.SeeIn("#cart-side", "Lamb Rogan Josh")
		p.ClickText("Go to checkout")
		p.Click(`input[name=card][value=tok_ok]`)
		p.Settle()
		p.Click("#order")
		p.See("Taj Corner has the order")
	})
	t.Run("a price that changed is shown before anything is ordered", func(t *testing.T) {
		p := neighbour(t, b, "Cleo", w.s.URL)
		before := len(w.orders(t))
		fillCart(p)
		checkout(p)
		p.SeeIn("#order", "21.70")
		p.Settle()
		w.s.ImportMenu(t, w.shop, strings.Replace(card, ",12.50,", ",13.50,", 1))
		p.Click("#order")
		p.SeeIn(".summary [role=alert]", "Changed since you looked")
		p.SeeIn(".summary [role=alert]", "21.70")
		p.SeeIn(".summary [role=alert]", "22.70")
		p.SeeIn("#order", "22.70")
		if n := len(w.orders(t)) - before; n != 0 {
			t.Errorf("%d orders were placed at a price nobody had seen", n)
		}
		p.Click("#order")
		p.See("Taj Corner has the order")
		p.SeeIn(".receipt .total", "22.70")
	})
}

func TestSoldOutLive(t *testing.T) {
	w, b := open(t), browser.Open(t)
	p := neighbour(t, b, "Anna", w.s.URL)
	p.ClickText("Taj Corner")
	p.See("Dal Makhani")
	p.Await(`document.documentElement.dataset.stream === "on"`, "hear of news")
	p.MarkLoaded()
	k := w.person(t, b, "meera", tablet)
	k.Go("/kitchen/" + w.shop.Slug)
	k.ClickText("Sold out")
	k.SeeIn("dialog", "Dal Makhani")
	k.Click(`dialog button[title="Dal Makhani is sold out until tomorrow"]`)
	p.SeeIn("#d-"+w.items["Dal Makhani"], "Sold out")
	p.NotReloaded()
	// The last portion of another dish goes to somebody else.
	anna := w.s.SignUp(t)
	body, _ := anna.Quoted(t, harness.Wish(w.shop, "pickup", harness.Line{Item: w.items["Goan Fish Curry"], Qty: 1}))
	anna.Want(t, 201, "POST", "/orders", body, nil, "Idempotency-Key", "last-portion")
	p.SeeIn("#d-"+w.items["Goan Fish Curry"], "Sold out")
	p.NotReloaded()
}

func TestWithoutScript(t *testing.T) {
	w, b := open(t), browser.Open(t)
	w.s.Account(t, "otto")
	p := b.Person(t, "otto", w.s.URL, phone[0], phone[1])
	p.WithoutScript()
	p.SignIn("otto@example.org", harness.Password)
	p.Go("/place")
	p.ClickText("Deliver to this pin")
	p.See("Who cooks for you now")
	p.ClickText("Taj Corner")
	p.See("Curries as in Lucknow")
	p.ClickText("Lamb Rogan Josh")
	p.See("Slowly cooked")
	p.ClickText("Basmati")
	p.Click("#dish-form button.button-primary")
	p.SeeIn("#cart-bar", "12.50")
	p.Click(`button[aria-label="Add Garlic Naan"]`)
	p.SeeIn("#cart-bar", "15.70")
	p.Click("#cart-bar a")
	p.ClickText("Go to checkout")
	p.Fill(`input[name=street]`, "Lindenweg 7")
	p.Fill(`input[name=phone]`, "+49 30 9999")
	p.Click(`label:has(> input[name=tip][value="150"])`)
	p.ClickText("Work out the total again")
	p.SeeIn("#order", "19.70")
	p.Click("#order")
	p.See("Taj Corner has the order")
	p.SeeIn(".receipt .total", "19.70")
}

// TestDeadSpot has a courier press the buttons where there is no net. What was done arrives when there is one again, with the time at which
// it was done.
func TestDeadSpot(t *testing.T) {
	w, b := open(t), browser.Open(t)
	r := w.person(t, b, "kofi", phone)
	r.Go("/courier")
	r.Queueing()
	r.ClickText("Go on duty")
	r.See("Waiting for an order")
	w.courier.Want(t, 204, "POST", "/courier/position", map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}, nil)
	anna := w.s.SignUp(t)
	body, _ := anna.Quoted(t, harness.Wish(w.shop, "delivery", harness.Line{Item: w.items["Dal Makhani"], Qty: 1}))
	var o harness.Order
	anna.Want(t, 201, "POST", "/orders", body, &o, "Idempotency-Key", "dead-spot")
	for _, verb := range []string{"confirm", "prepare", "ready"} {
		w.owner.Want(t, 200, "POST", "/orders/"+o.ID+"/"+verb, map[string]any{}, nil)
	}
	r.See("New order")
	r.ClickText("Accept")
	r.ClickText("Head to restaurant")
	r.See("I'm here")
	r.Settle()
	r.MarkLoaded()
	r.Offline(true)
	r.ClickText("I'm here")
	r.See("1 action waiting")
	r.ClickText("Picked up")
	r.See("2 actions waiting")
	left := time.Now()
	r.See("Head to customer")
	anna.Want(t, 200, "GET", "/orders/"+o.ID, nil, &o)
	if o.State != "READY" {
		t.Fatalf("the order is %s while the courier has no net; want READY", o.State)
	}
	// Time has to pass, so that the true time differs from that of its arrival.
	r.Await(`(window.__from ??= Date.now()) < Date.now() - 2000`, "wait in the dead spot")
	r.Offline(false)
	r.Await(`![...document.querySelectorAll("[data-queue-count]")].some(e => !e.hidden)`, "see the queue empty")
	var seen struct {
		State   string    `json:"state"`
		MovedAt time.Time `json:"moved_at"`
	}
	anna.Want(t, 200, "GET", "/orders/"+o.ID, nil, &seen)
	if seen.State != "IN_DELIVERY" {
		t.Fatalf("the order is %s; want IN_DELIVERY", seen.State)
	}
	if seen.MovedAt.After(left) {
		t.Errorf("picked up at %s; the button was pressed before %s", seen.MovedAt, left)
	}
	r.NotReloaded()
}

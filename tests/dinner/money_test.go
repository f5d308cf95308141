package dinner

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ledongthuc/pdf"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/fakestripe"
	"github.com/stoa-town/stoa/tests/harness"
)

// TestTheMoneyOfADinner follows a dinner's money to its end: a code and a tip, a card, a receipt, a dish that is given back, and what the
// town sends to restaurant and courier.
func TestTheMoneyOfADinner(t *testing.T) {
	harness.Databases(t, func(t *testing.T, args ...string) {
		fake, err := fakestripe.Start(9)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		w := open(t, append([]string{
			"--set", "stripe.secret_key=" + fakestripe.SecretKey, "--set", "stripe.publishable_key=" + fakestripe.PublishableKey,
			"--set", "stripe.webhook_secret=" + fakestripe.WebhookSecret, "--set", "stripe.url=" + fake.URL, "--set", "stripe.script=" + fake.URL + "/v3/",
			"--set", "terms.commission=10", "--set", "pay.per_order=300",
		}, args...)...)
		fake.SetHooks(fakestripe.Hooks{URL: w.s.URL + "/webhooks/stripe", Copies: 2, Shuffle: true})
		w.owner.Want(t, 201, "POST", "/promotions", map[string]any{
			"restaurant": w.shop.ID, "code": "SPICE", "kind": "percent", "percent": 10, "bearer": "restaurant",
		}, nil)
		b := browser.Open(t)
		e := w.evening(t, b, w.s, w.s)
		e.orderByCode(fake)
		e.cook()
		e.fetch()
		e.bring()
		e.receipt("Receipt", "22.78", "Garlic Naan", "10 % off", "7 %", "17.28", "2.50", "3.00")
		e.giveBack()
		e.receipt("Credit note", "2.88", "Garlic Naan")
		e.payOut()
		for _, in := range fake.Intents() {
			if fake.Captures(in.ID) != 1 || fake.Refunded(in.ID) != 288 {
				t.Errorf("intent %s: captured %d times, %d given back", in.ID, fake.Captures(in.ID), fake.Refunded(in.ID))
			}
		}
		if err := fake.Verify(); err != nil {
			t.Error(err)
		}
		w.s.Admin(t, "verify")
	})
}

// orderByCode has the customer order with a code, a tip and a card that is typed.
func (e *evening) orderByCode(fake *fakestripe.Server) {
	e.t.Helper()
	c := e.customer
	fillCart(c)
	checkout(c)
	c.Fill("#f-promo", "spice")
	c.Click(`button[form=promo]`)
	c.See("The code is in the price.")
	c.Click(`label:has(> input[name=tip][value="300"])`)
	c.SeeIn("#order", "22.78")
	c.Click(`input[name=method][value=card]`)
	e.total = c.Eval(`document.querySelector(".summary .total dd").innerText`)
	c.Settle()
	c.Click("#order")
	c.Await(`!!document.getElementById("fake-card-number") && !document.querySelector("form[data-pay] button.button-primary").disabled`, "see the form for the card")
	c.Fill("#fake-card-number", "4242424242424242")
	c.Click("form[data-pay] button.button-primary")
	c.See("Taj Corner has the order")
	c.MarkLoaded()
	e.code = strings.TrimPrefix(c.Path(), "/orders/")
	if n := len(fake.Intents()); n != 1 {
		e.t.Errorf("%d intents for one order", n)
	}
	e.dispatcher.SeeIn("#col-orders", e.code)
}

// receipt has the customer open a document of the order, which says what is wanted.
func (e *evening) receipt(kind string, want ...string) {
	e.t.Helper()
	c := e.customer
	row := fmt.Sprintf(`[...document.querySelectorAll("main tr")].find(r => r.innerText.includes(%q))?.querySelector("a")?.getAttribute("href") ?? ""`, kind)
	var href string
	until(e.t, "the "+kind+" is made", func() bool {
		c.Go("/orders/" + e.code + "/receipt")
		href = c.Eval(row)
		return href != ""
	})
	text := words(e.t, c.Fetch(href))
	for _, s := range append(want, "Taj Corner") {
		if !strings.Contains(text, s) {
			e.t.Errorf("the %s lacks %q:\n%s", kind, s, text)
		}
	}
}

// words returns the text of a PDF.
func words(t *testing.T, b []byte) string {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
	plain, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\u00a0", " ")
}

// giveBack has the dispatcher give back the bread.
func (e *evening) giveBack() {
	e.t.Helper()
	var page struct {
		Items []struct{ ID string }
	}
	e.owner.Want(e.t, 200, "GET", "/restaurants/"+e.shop.Slug+"/orders", nil, &page)
	d := e.dispatcher
	d.Go("/orders/" + page.Items[0].ID + "/refunds")
	d.See("22.78")
	d.Fill(`input[aria-label="How many of Garlic Naan"]`, "1")
	d.Click(`form[action$="/refunds"] button`)
	d.SeeIn("#refunds-list", "2.88")
	d.SeeIn("#refunds-list", "19.90")
	e.customer.Go("/orders/" + e.code)
	e.customer.See("2.88")
}

// sure has somebody show that it is them, where they are asked to.
func sure(p *browser.Person, path string) {
	p.Go(path)
	if p.Path() == "/account/confirm" {
		p.Fill("main form[action='/account/confirm'] input[name=password]", harness.Password)
		p.Click("main form[action='/account/confirm'] button[type=submit]")
		p.Await(`location.pathname === "`+path+`" && document.readyState === "complete"`, "go on to "+path)
	}
}

// payOut has everybody say where their money goes, and the admin send it.
func (e *evening) payOut() {
	e.t.Helper()
	boss := e.browser.Person(e.t, "boss", e.home, desk[0], desk[1])
	boss.SignIn("boss@example.org", harness.Password)
	for p, path := range map[*browser.Person]string{boss: "/admin/bank", e.kitchen: "/restaurant/" + e.shop.Slug + "/bank", e.rider: "/courier/bank"} {
		sure(p, path)
		p.Fill("main input[name=holder]", p.Name)
		p.Fill("main input[name=iban]", "DE89 3704 0044 0532 0130 00")
		p.Click(`main form[action="` + path + `"] button`)
		p.See("Saved.")
	}
	boss.Go("/admin/payouts")
	boss.Fill("main input[name=minimum]", "0")
	boss.ClickText("Make a draft")
	boss.SeeIn("main table", "Taj Corner")
	boss.SeeIn("main table", "kofi")
	run := boss.Path()
	boss.ClickText("Approve and send")
	boss.SeeIn("main", "2 / 2")
	sent := string(boss.Fetch(run + "/sepa.xml"))
	amounts := regexp.MustCompile(`<InstdAmt Ccy="EUR">([0-9.]+)<`).FindAllStringSubmatch(sent, -1)
	if len(amounts) != 2 {
		e.t.Fatalf("the bank's file has %d payments:\n%s", len(amounts), sent)
	}
	boss.Go("/admin/audit")
	boss.SeeIn("main", "sent the payout")
	boss.SeeIn("main", "changed the bank account")
	// The food is 17.28 after the code; the town keeps 10 % of it, and the bread was given back. The courier has 3.00 and the tip.
	got := []string{amounts[0][1], amounts[1][1]}
	if !slices.Contains(got, "6.00") || !slices.Contains(got, "12.67") {
		e.t.Errorf("the bank is told to send %v; want 12.67 and 6.00", got)
	}
}

package dinner

import (
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/fakestripe"
)

// TestACardIsTypedDeclinedAndAnotherOneKept pays through a fake Stripe as people do: a card without money, then a good one on the same page,
// which is kept; with the next order a bank asks who pays.
func TestACardIsTypedDeclinedAndAnotherOneKept(t *testing.T) {
	fake, err := fakestripe.Start(5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := open(t, "--set", "stripe.secret_key="+fakestripe.SecretKey, "--set", "stripe.publishable_key="+fakestripe.PublishableKey,
		"--set", "stripe.webhook_secret="+fakestripe.WebhookSecret, "--set", "stripe.url="+fake.URL, "--set", "stripe.script="+fake.URL+"/v3/")
	fake.SetHooks(fakestripe.Hooks{URL: w.s.URL + "/webhooks/stripe", Copies: 2, Shuffle: true})
	c := neighbour(t, browser.Open(t), "Anna", w.s.URL)
	order := func() {
		fillCart(c)
		checkout(c)
		c.Click(`input[name=method][value=card]`)
	}
	number := func(digits string) {
		c.Await(`!!document.getElementById("fake-card-number") && !document.querySelector("form[data-pay] button.button-primary").disabled`, "see the form for the card")
		c.Fill("#fake-card-number", digits)
		c.Click("form[data-pay] button.button-primary")
	}
	order()
	c.Settle()
	c.Click("#order")
	c.See("Keep this card for next time")
	if p := c.Path(); !strings.HasPrefix(p, "/pay/") {
		t.Fatalf("after ordering the customer is at %s", p)
	}
	number("4000000000009995")
	c.See("Your card has not enough money for this order.")
	c.Click("input[name=keep]")
	number("4242424242424242")
	c.See("Taj Corner has the order")
	if n := len(fake.Intents()); n != 1 {
		t.Errorf("%d intents for one order", n)
	}

	c.Go("/account/cards")
	c.See("Visa •••• 4242")
	c.Go("/")
	order()
	c.SeeIn(".pay-card", "Visa •••• 4242")
	c.Click(`input[name=card][value=new]`)
	c.Settle()
	c.Click("#order")
	number("4000002760003184")
	c.See("Confirm")
	c.Click("button[value=no]")
	c.See("Your bank did not confirm that it is you.")
	number("4000002760003184")
	c.See("Refuse")
	c.Click("button[value=yes]")
	c.See("Taj Corner has the order")

	for _, in := range fake.Intents() {
		if in.Status != "requires_capture" {
			t.Errorf("intent %s is %s; want it held", in.ID, in.Status)
		}
	}
	if err := fake.Verify(); err != nil {
		t.Error(err)
	}
	if strings.Contains(w.s.Log(), fakestripe.SecretKey) || strings.Contains(w.s.Log(), "_secret_") {
		t.Error("a secret is in the log")
	}
}

// TestTwoPayTheirOwnShareOfADinner has one order together with another, who pays their share with a card of their own, by their bank's leave;
// then the first orders and pays the rest.
func TestTwoPayTheirOwnShareOfADinner(t *testing.T) {
	fake, err := fakestripe.Start(5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := open(t, "--set", "stripe.secret_key="+fakestripe.SecretKey, "--set", "stripe.publishable_key="+fakestripe.PublishableKey,
		"--set", "stripe.webhook_secret="+fakestripe.WebhookSecret, "--set", "stripe.url="+fake.URL, "--set", "stripe.script="+fake.URL+"/v3/")
	fake.SetHooks(fakestripe.Hooks{URL: w.s.URL + "/webhooks/stripe", Copies: 2, Shuffle: true})
	b := browser.Open(t)
	anna, ben := neighbour(t, b, "Anna", w.s.URL), neighbour(t, b, "Ben", w.s.URL)
	fillCart(anna)
	anna.Click("#cart-bar a")
	anna.ClickText("Order together with others")
	anna.See("Pass this page's address on")
	first := anna.Path()
	anna.Go("/cart")
	anna.ClickText("Order together with others")
	anna.See("Pass this page's address on")
	if p := anna.Path(); p != first {
		t.Errorf("asked again, a second group order %s is opened beside %s", p, first)
	}
	anna.ClickText("Add the 2 dishes of your cart")
	anna.SeeIn("#group", "19.20")
	link := anna.Path()

	fillCart(ben)
	ben.Go(link)
	ben.Click("form[action$='/join'] button")
	ben.ClickText("Add the 2 dishes of your cart")
	ben.Await(`document.documentElement.dataset.stream === "on"`, "hear of news")
	anna.SeeIn("#group", "38.40")
	if fee := anna.Eval(`document.querySelector("input[name=extra]").value`); fee != "2.50" {
		t.Errorf("to be shared are %q; want the fee", fee)
	}
	anna.Fill("input[name=extra]", "4.00")
	anna.ClickText("Lock it and collect the shares")
	anna.SeeIn("#group", "to be paid")

	ben.See("Your share: €21.20")
	ben.Settle()
	ben.Click("#share button.button-primary")
	pay := func(digits string) {
		ben.Await(`!!document.getElementById("fake-card-number") && !document.querySelector("form[data-pay] button.button-primary").disabled`, "see the form for the card")
		ben.Fill("#fake-card-number", digits)
		ben.Click("form[data-pay] button.button-primary")
	}
	ben.See("You get it back should the group order come to nothing.")
	pay("4000000000009995")
	ben.See("Your card has not enough money")
	pay("4000002760003184")
	ben.See("Refuse")
	ben.Click("button[value=yes]")
	ben.See("It is paid.")
	anna.SeeIn("#group", "€21.20 of €21.20 is paid")

	anna.ClickText("Order and pay the rest")
	anna.See("Paid by the others")
	anna.Fill(`input[name=street]`, "Lindenweg 7")
	anna.Fill(`input[name=phone]`, "+49 30 9999")
	anna.Click(`input[name=method][value=card]`)
	rest := anna.Eval(`[...document.querySelectorAll(".summary .total dd")].at(-1).innerText`)
	anna.Settle()
	anna.Click("#order")
	anna.Await(`!!document.getElementById("fake-card-number") && !document.querySelector("form[data-pay] button.button-primary").disabled`, "see the form for the card")
	anna.SeeIn("h1", rest)
	anna.Fill("#fake-card-number", "4242424242424242")
	anna.Click("form[data-pay] button.button-primary")
	anna.See("Taj Corner has the order")
	ben.SeeIn("#group", "Paid before the order.")
	anna.Go(link)
	if err := fake.Verify(); err != nil {
		t.Error(err)
	}
	w.s.Admin(t, "verify")
}

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

package stripe

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/tests/fakestripe"
)

// reply is what somebody is answered.
type reply struct {
	status int
	body   string
	header http.Header
}

// visit makes a request as somebody, who reads a language; a form where one is given.
func visit(t *testing.T, who, lang, address string, form url.Values) reply {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	must(t, err)
	req.Header.Set("X-Who", who)
	req.Header.Set("X-Lang", lang)
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return reply{resp.StatusCode, string(b), resp.Header}
}

func TestOnlyThePayPageLoadsStripesScript(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), func(o *Options) { o.Script = "" })
	at := w.listen(t)
	if err := w.order(t, 600, NewCard, false); err != nil {
		t.Fatal(err)
	}
	got := visit(t, "ada", "de", at+"/pay/600", nil)
	secret := w.state(t, 600).Action.Client
	for _, want := range []string{"https://js.stripe.com/v3/", fakestripe.PublishableKey, secret, "19,90", "Diese Karte fürs nächste Mal aufheben", `data-return="https://eat.example.org/pay/600"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the pay page lacks %q", want)
		}
	}
	csp := got.header.Get("Content-Security-Policy")
	for _, want := range []string{"script-src https://js.stripe.com", "frame-src https://js.stripe.com", "https://hooks.stripe.com", "connect-src 'self' https://api.stripe.com", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %q: %s", want, csp)
		}
	}
	if strings.Contains(csp, "require-trusted-types-for") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("policy %q, Cache-Control %q", csp, got.header.Get("Cache-Control"))
	}
	if cards := visit(t, "ada", "de", at+"/account/cards", nil); cards.status != http.StatusOK || strings.Contains(cards.header.Get("Content-Security-Policy")+cards.body, "js.stripe.com") {
		t.Errorf("the page of cards: %d, with Stripe's script", cards.status)
	}
	if other := visit(t, "ben", "en", at+"/pay/600", nil); other.status != http.StatusNotFound || strings.Contains(other.body, secret) {
		t.Errorf("another's order: %d", other.status)
	}
}

func TestWhoeverComesBackFromTheirBankIsAskedAbout(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), nil)
	at := w.listen(t)
	if err := w.order(t, 610, "pm_card_authenticationRequired", false); err != nil {
		t.Fatal(err)
	}
	p := w.state(t, 610)
	if first := visit(t, "ada", "en", at+"/pay/610", nil); !strings.Contains(first.body, p.Action.URL) {
		t.Error("the page does not lead to the bank")
	}
	// The address lies: nothing is paid.
	lie := visit(t, "ada", "en", at+"/pay/610?redirect_status=succeeded&payment_intent="+p.Ref, nil)
	if lie.status != http.StatusOK || w.state(t, 610).State != delivery.PaymentAction {
		t.Fatalf("%d, %s", lie.status, w.state(t, 610).State)
	}
	w.fake.Authenticate(p.Ref, false)
	no := visit(t, "ada", "de", at+"/pay/610?redirect_status=failed", nil)
	if !strings.Contains(no.body, "Deine Bank hat nicht bestätigt") || w.state(t, 610).State != delivery.PaymentAction {
		t.Errorf("after a no: %d, %s", no.status, w.state(t, 610).State)
	}
	confirm(t, w.fake, p.Ref, p.Action.Client, "pm_card_visa")
	yes := visit(t, "ada", "en", at+"/pay/610", url.Values{})
	if yes.status != http.StatusSeeOther || yes.header.Get("Location") != "/orders/610" || w.state(t, 610).State != delivery.PaymentAuthorised {
		t.Errorf("after another card: %d to %q, %s", yes.status, yes.header.Get("Location"), w.state(t, 610).State)
	}
}

func TestAnOwnerIsLedToStripeAndBack(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), func(o *Options) { o.Connect = true })
	at := w.listen(t)
	page := at + "/restaurant/trattoria/payouts-account"
	if got := visit(t, "owner", "de", page, nil); got.status != http.StatusOK || !strings.Contains(got.body, "Konto verbinden") || !strings.Contains(got.header.Get("Content-Security-Policy"), "form-action 'self' "+w.fake.URL) {
		t.Errorf("%d", got.status)
	}
	if got := visit(t, "ada", "en", page, nil); got.status != http.StatusForbidden && got.status != http.StatusNotFound {
		t.Errorf("a customer: %d", got.status)
	}
	to := visit(t, "owner", "en", page, url.Values{})
	if to.status != http.StatusSeeOther || !strings.HasPrefix(to.header.Get("Location"), w.fake.URL) {
		t.Fatalf("%d to %q", to.status, to.header.Get("Location"))
	}
	a, err := w.Account(t.Context(), trattoria)
	must(t, err)
	w.fake.Onboard(a.ID)
	if got := visit(t, "owner", "de", page, nil); !strings.Contains(got.body, "Dein Anteil geht auf dein Konto.") {
		t.Error("the page does not say that the account is ready")
	}
}

func TestWithoutAKeyNothingOfStripeIsThere(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), func(o *Options) { *o = Options{} })
	at := w.listen(t)
	for path, want := range map[string]int{"/account/cards": http.StatusOK, "/restaurant/trattoria/payouts-account": http.StatusOK, "/api/stoa/v1/me/cards": http.StatusOK} {
		if got := visit(t, "owner", "en", at+path, nil); got.status != want || strings.Contains(got.body, "Connect an account") {
			t.Errorf("%s: %d; want %d", path, got.status, want)
		}
	}
	if status := post(t, at+"/webhooks/stripe", []byte("{}"), ""); status != http.StatusNotFound {
		t.Errorf("a webhook: %d", status)
	}
}

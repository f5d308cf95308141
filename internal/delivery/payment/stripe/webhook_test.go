package stripe

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/tests/fakestripe"
)

// listen serves the town's routes on a socket, with its jobs running. Whoever sends a name in X-Who is that person.
func (w *town) listen(t *testing.T) string {
	t.Helper()
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(rw http.ResponseWriter, _ *http.Request, status int, sentence string) {
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, sentence)
	})
	w.Routes(rt)
	srv := httptest.NewServer(httpx.Harden(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		who := map[string]id.ID{"ada": ada, "ben": ben, "owner": owner, "chief": 9}[r.Header.Get("X-Who")]
		ctx := i18n.With(r.Context(), r.Header.Get("X-Lang"))
		if who != 0 {
			ctx = access.With(ctx, access.From(as(t, who)))
		}
		if who == 9 {
			ctx = access.With(ctx, access.Actor{ID: who, Roles: []access.Grant{{Role: access.RoleAdmin}}})
		}
		rt.ServeHTTP(rw, r.WithContext(ctx))
	}), httpx.HardenOptions{Timeout: 10 * time.Second, MaxBody: 1 << 20, Stream: func(*http.Request) bool { return false }}))
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = w.jobs.Run(ctx) })
	t.Cleanup(func() {
		srv.Close()
		stop()
		done.Wait()
	})
	return srv.URL
}

// until waits for something that jobs do.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for ends := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(ends) {
			t.Fatalf("after 20 s still not: %s", what)
		}
	}
}

func (w *town) count(t *testing.T, table string) (n int) {
	t.Helper()
	err := w.d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func post(t *testing.T, url string, body []byte, signature string) int {
	t.Helper()
	status, err := fakestripe.Post(t.Context(), url, body, signature)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func TestAWebhookIsAHintThatCountsOnce(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, nil)
		hook := w.listen(t) + "/webhooks/stripe"
		if err := w.order(t, 500, NewCard, false); err != nil {
			t.Fatal(err)
		}
		p := w.state(t, 500)
		confirm(t, w.fake, p.Ref, p.Action.Client, "pm_card_visa")
		e := w.fake.Events("payment_intent.amount_capturable_updated")[0]
		body := e.Body()
		sign := fakestripe.Sign(fakestripe.WebhookSecret, w.wall.Now(), body)
		for range 100 {
			if status := post(t, hook, body, sign); status != http.StatusNoContent {
				t.Fatalf("replayed: %d", status)
			}
		}
		until(t, "the order is paid", func() bool { return w.state(t, 500).State == delivery.PaymentAuthorised })
		if n := w.count(t, "stripe_event"); n != 1 {
			t.Errorf("%d events of one", n)
		}
		if n := w.fake.Asked("GET /v1/payment_intents/:id"); n > 3 {
			t.Errorf("Stripe was asked %d times because of one event", n)
		}
		// A secret that is being exchanged for another is good, too.
		next := w.fake.Events("payment_intent.created")[0].Body()
		if status := post(t, hook, next, fakestripe.Sign("whsec_next", w.wall.Now(), next)); status != http.StatusNoContent {
			t.Errorf("signed with the next secret: %d", status)
		}
	})
}

func TestForgedWebhooksAreTurnedAway(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), nil)
	hook := w.listen(t) + "/webhooks/stripe"
	if err := w.order(t, 510, NewCard, false); err != nil {
		t.Fatal(err)
	}
	body := w.fake.Events("payment_intent.created")[0].Body()
	now, good := w.wall.Now(), fakestripe.WebhookSecret
	signed := fakestripe.Sign(good, now, body)
	for i := range 100 {
		for what, header := range map[string]string{
			"another secret": fakestripe.Sign("whsec_guess", now.Add(time.Duration(-i)*time.Second), body),
			"too old":        fakestripe.Sign(good, now.Add(-301*time.Second-time.Duration(i)*time.Second), body),
			"ahead of time":  fakestripe.Sign(good, now.Add(301*time.Second), body),
			"another body":   fakestripe.Sign(good, now, append(body[:len(body):len(body)], ' ')),
			"another time":   strings.Replace(signed, "t=", "t=1", 1),
			"no time":        strings.SplitN(signed, ",", 2)[1],
			"none":           "",
			"the old scheme": strings.Replace(signed, "v1=", "v0=", 1),
			"long":           signed + strings.Repeat(",v1=00", 1000),
		} {
			if status := post(t, hook, body, header); status != http.StatusUnprocessableEntity {
				t.Fatalf("%s: %d", what, status)
			}
		}
	}
	long := []byte(`{"id":"evt_1","pad":"` + strings.Repeat("x", 64<<10) + `"}`)
	if status := post(t, hook, long, fakestripe.Sign(good, now, long)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", status)
	}
	if n := w.count(t, "stripe_event"); n != 0 {
		t.Errorf("%d events are stored", n)
	}
	if p := w.state(t, 510); p.State != delivery.PaymentAction {
		t.Errorf("the payment is %s", p.State)
	}
}

func TestWhatDoesNotAgreeMarksNothingPaid(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, nil)
		hook := w.listen(t) + "/webhooks/stripe"
		if err := w.order(t, 520, NewCard, false); err != nil {
			t.Fatal(err)
		}
		asked := w.fake.Asked("GET /v1/payment_intents/:id")
		about := func(change func(event, intent map[string]any)) []byte {
			var e, in map[string]any
			must(t, json.Unmarshal(w.fake.Events("payment_intent.created")[0].Body(), &e))
			in = e["data"].(map[string]any)["object"].(map[string]any)
			e["type"], in["status"], in["amount_received"] = "payment_intent.succeeded", "succeeded", in["amount"]
			change(e, in)
			b, err := json.Marshal(e)
			must(t, err)
			return b
		}
		for kind, body := range map[string][]byte{
			"one cent short": about(func(e, in map[string]any) { e["id"], in["amount"], in["amount_received"] = "evt_a", 1989, 1989 }),
			"one cent taken": about(func(e, in map[string]any) { e["id"], in["amount_received"] = "evt_b", 1989 }),
			"dollars":        about(func(e, in map[string]any) { e["id"], in["currency"] = "evt_c", "usd" }),
			"another order":  about(func(e, in map[string]any) { e["id"], in["metadata"] = "evt_d", map[string]string{"order": "521"} }),
			"live":           about(func(e, in map[string]any) { e["id"], e["livemode"], in["livemode"] = "evt_e", true, true }),
			"another's":      about(func(e, in map[string]any) { e["id"], e["account"] = "evt_f", "acct_thief" }),
			"to a thief": about(func(e, in map[string]any) {
				e["id"], in["transfer_data"] = "evt_g", map[string]string{"destination": "acct_thief"}
			}),
		} {
			if status := post(t, hook, body, fakestripe.Sign(fakestripe.WebhookSecret, w.wall.Now(), body)); status != http.StatusNoContent {
				t.Errorf("%s: %d", kind, status)
			}
		}
		list, err := w.pay.Incidents(t.Context())
		must(t, err)
		if len(list) != 7 {
			t.Errorf("%d incidents; want 7: %v", len(list), list)
		}
		if n := w.fake.Asked("GET /v1/payment_intents/:id"); n != asked {
			t.Errorf("Stripe was asked %d times because of what does not agree", n-asked)
		}
		// Even what agrees in everything marks nothing paid that Stripe itself does not call paid.
		lie := about(func(e, _ map[string]any) { e["id"] = "evt_lie" })
		if status := post(t, hook, lie, fakestripe.Sign(fakestripe.WebhookSecret, w.wall.Now(), lie)); status != http.StatusNoContent {
			t.Fatalf("%d", status)
		}
		until(t, "Stripe is asked", func() bool { return w.fake.Asked("GET /v1/payment_intents/:id") > asked })
		if p := w.state(t, 520); p.State != delivery.PaymentAction {
			t.Errorf("the payment is %s", p.State)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestADisputeIsBookedAndTakenBack(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, nil)
		at := w.listen(t)
		if got := visit(t, "chief", "en", at+"/admin/disputes", nil); !strings.Contains(got.body, "No disputes") {
			t.Errorf("with none the page of disputes says %d %s", got.status, got.body)
		}
		w.fake.SetHooks(fakestripe.Hooks{URL: at + "/webhooks/stripe", Copies: 2, Shuffle: true})
		if err := w.order(t, 530, "pm_card_visa", false); err != nil {
			t.Fatal(err)
		}
		w.aim(t, 530, delivery.AimCapture)
		before := w.balance(t, atStripe)
		dispute := w.fake.Dispute(w.state(t, 530).Ref)
		until(t, "the dispute is booked", func() bool { return w.balance(t, atStripe) == before-1990 })
		bears := delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubRefunds}
		if got := w.balance(t, bears); got != 1990 {
			t.Errorf("the town bears %d", got)
		}
		admin := access.With(t.Context(), access.Actor{ID: 9, Roles: []access.Grant{{Role: access.RoleAdmin}}})
		list, err := w.Disputes(admin)
		if err != nil || len(list) != 1 || list[0].Order != 530 || list[0].Status != "needs_response" {
			t.Errorf("%v, %v", list, err)
		}
		if due := w.Wall().Add(6 * 24 * time.Hour); len(list) == 1 && (list[0].Code != "K7Q-530" || list[0].Due.Before(due)) {
			t.Errorf("of order %q, due %s; want after %s", list[0].Code, list[0].Due, due)
		}
		page := visit(t, "chief", "de", at+"/admin/disputes", nil)
		for _, want := range []string{"/orders/K7Q-530", "19,90", "Antworte bei Stripe", "Es kam nie", "https://dashboard.stripe.com/test/disputes/" + dispute} {
			if page.status != 200 || !strings.Contains(page.body, want) {
				t.Errorf("the page of disputes (%d) lacks %q", page.status, want)
			}
		}
		if got := visit(t, "ada", "en", at+"/admin/disputes", nil); got.status != 403 && got.status != 404 {
			t.Errorf("customers see the page of disputes: %d", got.status)
		}
		if _, err := w.Disputes(as(t, ada)); err == nil {
			t.Error("customers see disputes")
		}
		w.fake.Settle(dispute, true)
		until(t, "it is won", func() bool { return w.balance(t, atStripe) == before && w.balance(t, bears) == 0 })
	})
}

func TestCardsAreKeptListedAndRemoved(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, nil)
		w.listen(t)
		if err := w.order(t, 540, "pm_card_visa", true); err != nil {
			t.Fatal(err)
		}
		cards, err := w.Cards(as(t, ada))
		if err != nil || len(cards) != 1 || cards[0].Last4 != "4242" || cards[0].Brand != "visa" {
			t.Fatalf("%v, %v", cards, err)
		}
		if err := w.order(t, 541, cards[0].ID, false); err != nil {
			t.Fatal(err)
		}
		if p := w.state(t, 541); p.State != delivery.PaymentAuthorised {
			t.Errorf("with the card that was kept: %s %s", p.State, p.Decline)
		}
		if w.fake.Customers() != 1 {
			t.Errorf("%d customers at Stripe for one person", w.fake.Customers())
		}
		if list, err := w.Cards(as(t, ben)); err != nil || len(list) != 0 {
			t.Errorf("another's cards: %v, %v", list, err)
		}
		if err := w.RemoveCard(as(t, ben), cards[0].ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("another removes it: %v", err)
		}
		must(t, w.RemoveCard(as(t, ada), cards[0].ID))
		if list, err := w.Cards(as(t, ada)); err != nil || len(list) != 0 {
			t.Errorf("after removing: %v, %v", list, err)
		}
		// Deleting the account deletes the customer at Stripe.
		part := w.Personal()
		for range 2 {
			must(t, d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := part.Erase(t.Context(), tx, ada)
				return err
			}))
		}
		until(t, "Stripe has forgotten her", func() bool { return w.fake.Customers() == 0 })
		if n, err := part.Count(t.Context(), ada); err != nil || n != 0 {
			t.Errorf("%d rows are left, %v", n, err)
		}
	})
}

func TestARestaurantConnectsItsAccountAndGetsItsShare(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d, func(o *Options) { o.Connect = true })
		hook := w.listen(t) + "/webhooks/stripe"
		w.fresh = errs.New(errs.Forbidden, "Please show once more that it is you.").WithCode("reauthenticate")
		if _, err := w.Connect(as(t, owner), "trattoria"); errs.CodeOf(err) != "reauthenticate" {
			t.Errorf("without a proof who it is: %v", err)
		}
		w.fresh = nil
		if _, err := w.Connect(as(t, ada), "trattoria"); err == nil {
			t.Error("a customer connects a restaurant's account")
		}
		link, err := w.Connect(as(t, owner), "trattoria")
		if err != nil || !strings.HasPrefix(link, w.fake.URL+"/onboard/") {
			t.Fatalf("%q, %v", link, err)
		}
		if _, err := w.Connect(as(t, owner), "trattoria"); err != nil {
			t.Fatal(err)
		}
		if n := w.fake.Asked("POST /v1/accounts"); n != 1 {
			t.Errorf("%d accounts were made", n)
		}
		_, a, err := w.PayoutAccount(as(t, owner), "trattoria")
		if err != nil || a.State() != "incomplete" || len(a.Due()) == 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		w.fake.SetHooks(fakestripe.Hooks{URL: hook, Copies: 2})
		if !w.fake.Onboard(a.ID) {
			t.Fatal("there is no such account at Stripe")
		}
		until(t, "the account is ready", func() bool {
			got, err := w.Account(t.Context(), trattoria)
			return err == nil && got.Ready
		})
		w.keep = 290
		if err := w.order(t, 550, "pm_card_visa", false); err != nil {
			t.Fatal(err)
		}
		w.aim(t, 550, delivery.AimCapture)
		in, _ := w.fake.Intent(w.state(t, 550).Ref)
		if in.TransferData == nil || in.TransferData.Account != a.ID || in.ApplicationFee != 290 {
			t.Errorf("the intent sends %+v and keeps %d", in.TransferData, in.ApplicationFee)
		}
		// 1990 came, 55 are Stripe's, 1700 went on.
		if got := w.balance(t, atStripe); got != 1990-55-1700 {
			t.Errorf("the books have %d at Stripe", got)
		}
		w.aim(t, 550, delivery.AimRelease)
		if got := w.balance(t, atStripe); got != -55 {
			t.Errorf("after giving it back the books have %d at Stripe; want what Stripe keeps", got)
		}
		must(t, w.fake.Verify())
	})
}

func TestShareIsWhatTheRestaurantIsNotOwed(t *testing.T) {
	deal := delivery.Deal{Commission: 1000, CommissionFlat: 50, FeeTo: delivery.PartyPlatform}
	for name, tt := range map[string]struct {
		sale delivery.Sale
		want money.Amount
	}{
		"fee and tip of a courier stay":  {delivery.Sale{Mode: delivery.ByCourier, Subtotal: 2000, Fee: 300, Tip: 200, Total: 2500, Deal: deal}, 750},
		"a tip at the counter goes":      {delivery.Sale{Mode: delivery.Pickup, Subtotal: 2000, Tip: 200, Total: 2200, Deal: deal}, 250},
		"a fee of the restaurant's goes": {delivery.Sale{Mode: delivery.ByCourier, Subtotal: 2000, Fee: 300, Total: 2300, Deal: delivery.Deal{FeeTo: delivery.PartyRestaurant}}, 0},
		"its discount is its":            {delivery.Sale{Mode: delivery.Pickup, Subtotal: 2000, Total: 1500, Deal: deal, Discounts: []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 500, Bearer: delivery.PartyRestaurant}}}, 200},
		"the town's discount is not":     {delivery.Sale{Mode: delivery.Pickup, Subtotal: 2000, Total: 1900, Deal: deal, Discounts: []delivery.Discount{{Kind: delivery.DiscountAmount, Amount: 100, Bearer: delivery.PartyPlatform}}}, 150},
		"no more than was charged":       {delivery.Sale{Mode: delivery.Pickup, Subtotal: 2000, Total: 2000, Credit: 1500, Deal: deal}, 0},
	} {
		if got := Share(tt.sale); got != tt.want {
			t.Errorf("%s: %d; want %d", name, got, tt.want)
		}
	}
}

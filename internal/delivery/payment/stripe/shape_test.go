package stripe

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/tests/fakestripe"
)

// TestQuestionsAndAnswersHaveTheShapeThatStripePublishes holds what the adapter asks, and what the fake answers, to Stripe's own OpenAPI
// document by way of stripe-mock, where one runs: STOA_TEST_STRIPE_MOCK=http://127.0.0.1:12111.
func TestQuestionsAndAnswersHaveTheShapeThatStripePublishes(t *testing.T) {
	mock := os.Getenv("STOA_TEST_STRIPE_MOCK")
	if mock == "" {
		t.Skip("no stripe-mock runs: go run github.com/stripe/stripe-mock@v0.203.0, and name it in STOA_TEST_STRIPE_MOCK")
	}
	w := newTown(t, dbtest.SQLite(t, events.Schema, jobs.Schema, payment.Schema, ledger.Schema, Schema), func(o *Options) { o.URL, o.Connect = mock, true })
	ctx := as(t, owner)
	asked := map[string]error{}
	_, asked["authorise"] = w.Authorise(ctx, "a", payment.Card{Order: 1, Customer: ada, Token: "pm_card_visa", Amount: 1990, Currency: "EUR", Save: true})
	_, asked["look"] = w.Authorise(ctx, "a", payment.Card{Order: 1, Ref: "pi_1", Amount: 1990, Currency: "EUR"})
	_, asked["capture"] = w.Capture(ctx, "c", "pi_1", 1990)
	asked["void"] = w.Void(ctx, "v", "pi_1")
	_, asked["refund"] = w.Refund(ctx, "r", "pi_1", 1990)
	_, asked["cards"] = w.Cards(as(t, ada))
	_, asked["connect"] = w.Connect(ctx, "trattoria")
	_, _, asked["account"] = w.PayoutAccount(ctx, "trattoria")
	asked["dispute"] = w.dispute(ctx, "dp_1")
	asked["forget"] = w.forget(ctx, "cus_1")
	_, err := w.client.V1PaymentIntents.Update(ctx, "pi_1", &api.PaymentIntentUpdateParams{SetupFutureUsage: api.String("on_session")})
	asked["keep"] = err
	_, err = w.client.V1PaymentIntents.Create(ctx, &api.PaymentIntentCreateParams{
		Amount: api.Int64(1), Currency: api.String("eur"), ApplicationFeeAmount: api.Int64(1),
		TransferData: &api.PaymentIntentCreateTransferDataParams{Destination: api.String("acct_1")},
	})
	asked["share"] = err
	for what, err := range asked {
		// The mock's answers are fixed and of another order and amount, which is a refusal of ours; a question that it does not understand is not.
		if f := failed(what, err); f != nil && f.status == http.StatusBadRequest {
			t.Errorf("%s: %s", what, f.msg)
		}
		if no, ok := refusal(err); ok && !strings.HasSuffix(no.Code, "_differs") {
			t.Errorf("%s: %s %s", what, no.Code, no.Detail)
		}
	}
	if err := asked["cards"]; err != nil {
		t.Errorf("cards: %v", err)
	}
	for path, form := range map[string]string{
		"/v1/payment_intents": "amount=1990&currency=eur&payment_method=pm_card_visa&confirm=true&capture_method=manual&return_url=http://127.0.0.1/",
		"/v1/customers":       "metadata[account]=1",
		"/v1/accounts":        "type=express&country=DE",
	} {
		theirs, ours := fields(t, mock, path, form), fields(t, w.fake.URL, path, form)
		for name := range maps.Keys(ours) {
			if _, ok := theirs[name]; !ok && !slices.Contains(optional, name) {
				t.Errorf("POST %s: the fake answers %q, which Stripe does not", path, name)
			}
		}
	}
}

// optional are fields that Stripe's document has and the mock's example leaves out.
var optional = []string{"transfer_data", "application_fee_amount", "canceled_at", "cancellation_reason", "receipt_email", "customer", "payment_method", "setup_future_usage"}

func fields(t *testing.T, at, path, form string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+path, bytes.NewBufferString(form))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+fakestripe.SecretKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	out := map[string]any{}
	must(t, json.Unmarshal(b, &out))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s%s: %s", at, path, b)
	}
	return out
}

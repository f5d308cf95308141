package fakestripe

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// do sends a form as Stripe's libraries do and returns the status and the answer.
func do(t *testing.T, s *Server, key, method, path, form string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+SecretKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s %s: %s", method, path, b)
	}
	return resp.StatusCode, out
}

const hold = "amount=1990&currency=eur&capture_method=manual&confirm=true&metadata[order]=7&payment_method="

func TestAKeyGivesTheSameAnswerAgainAndNoOther(t *testing.T) {
	s := start(t)
	_, first := do(t, s, "k1", "POST", "/v1/payment_intents", hold+"pm_card_visa")
	status, again := do(t, s, "k1", "POST", "/v1/payment_intents", hold+"pm_card_visa")
	if status != 200 || first["id"] != again["id"] || first["status"] != "requires_capture" || len(s.Intents()) != 1 {
		t.Errorf("repeated: %d %v, first %v", status, again["id"], first["id"])
	}
	status, other := do(t, s, "k1", "POST", "/v1/payment_intents", strings.Replace(hold, "1990", "1991", 1)+"pm_card_visa")
	if e, _ := other["error"].(map[string]any); status != 400 || e["type"] != "idempotency_error" {
		t.Errorf("another body under the same key: %d %v", status, other)
	}
	status, declined := do(t, s, "k2", "POST", "/v1/payment_intents", hold+"pm_card_visa_chargeDeclinedInsufficientFunds")
	if e, _ := declined["error"].(map[string]any); status != 402 || e["type"] != "card_error" || e["decline_code"] != "insufficient_funds" {
		t.Errorf("declined: %d %v", status, declined)
	}
}

func TestALostAnswerKeepsItsEffect(t *testing.T) {
	s := start(t)
	s.SetFaults(Faults{Drop: 1})
	if status, _ := do(t, s, "k", "POST", "/v1/payment_intents", hold+"pm_card_visa"); status != 0 {
		t.Fatalf("the answer came: %d", status)
	}
	s.SetFaults(Faults{})
	status, got := do(t, s, "k", "POST", "/v1/payment_intents", hold+"pm_card_visa")
	if status != 200 || len(s.Intents()) != 1 || got["id"] != s.Intents()[0].ID {
		t.Errorf("asked again: %d %v, %d intents", status, got["id"], len(s.Intents()))
	}
}

func TestMoneyIsTakenOnceAndGivenBackOnce(t *testing.T) {
	s := start(t)
	_, in := do(t, s, "", "POST", "/v1/payment_intents", hold+"pm_card_visa")
	ref := in["id"].(string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 20 {
		wg.Go(func() {
			if status, _ := do(t, s, "", "POST", "/v1/payment_intents/"+ref+"/capture", ""); status == 200 {
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if taken != 1 || s.Captures(ref) != 1 {
		t.Errorf("captured %d times by %d answers", s.Captures(ref), taken)
	}
	_, got := do(t, s, "", "GET", "/v1/payment_intents/"+ref+"?expand[0]=latest_charge.balance_transaction", "")
	if f := got["latest_charge"].(map[string]any)["balance_transaction"].(map[string]any)["fee"]; f != float64(55) {
		t.Errorf("fee %v; want 55: 1.5 %% of 1990, and 25", f)
	}
	for _, amount := range []string{"1000", "990", "1"} {
		do(t, s, "", "POST", "/v1/refunds", "payment_intent="+ref+"&amount="+amount)
	}
	if s.Refunded(ref) != 1990 {
		t.Errorf("%d given back of 1990", s.Refunded(ref))
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	s.captures[ref]++
	if s.Verify() == nil {
		t.Error("Verify does not see a second capture")
	}
}

func TestABankAsksAndARefusalLetsAnotherCardBeTried(t *testing.T) {
	s := start(t)
	_, in := do(t, s, "", "POST", "/v1/payment_intents", hold+"pm_card_authenticationRequired&return_url=http://127.0.0.1:1/back")
	ref := in["id"].(string)
	next := in["next_action"].(map[string]any)["redirect_to_url"].(map[string]any)["url"].(string)
	if in["status"] != "requires_action" {
		t.Fatalf("status %v", in["status"])
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.PostForm(next, url.Values{"answer": {"no"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if to := resp.Header.Get("Location"); !strings.Contains(to, "redirect_status=failed") {
		t.Errorf("sent back to %s", to)
	}
	if got, _ := s.Intent(ref); got.Status != "requires_payment_method" || got.LastError == nil {
		t.Errorf("after the refusal: %s", got.Status)
	}
	status, got := do(t, s, "", "POST", "/v1/payment_intents/"+ref+"/confirm", "payment_method=pm_card_visa")
	if status != 200 || got["status"] != "requires_capture" {
		t.Errorf("another card: %d %v", status, got["status"])
	}
}

func TestWebhooksComeTwiceAndSigned(t *testing.T) {
	s := start(t)
	var mu sync.Mutex
	seen := map[string]int{}
	done := make(chan struct{}, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stamp, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Stripe-Signature"), "t="), ",")
		at, _ := strconv.ParseInt(stamp, 10, 64)
		if r.Header.Get("Stripe-Signature") != Sign(WebhookSecret, time.Unix(at, 0), body) {
			t.Error("a webhook with another signature")
		}
		var e Event
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		mu.Lock()
		seen[e.ID]++
		mu.Unlock()
		done <- struct{}{}
	}))
	defer hook.Close()
	s.SetHooks(Hooks{URL: hook.URL, Copies: 2, Shuffle: true})
	do(t, s, "", "POST", "/v1/payment_intents", hold+"pm_card_visa") // created, amount_capturable_updated
	for range 4 {
		<-done
	}
	mu.Lock()
	defer mu.Unlock()
	for ref, n := range seen {
		if n != 2 {
			t.Errorf("event %s came %d times", ref, n)
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d events; want 2", len(seen))
	}
}

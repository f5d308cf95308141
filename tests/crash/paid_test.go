package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/fakestripe"
	"github.com/stoa-town/stoa/tests/harness"
)

// TestMoneyIsTakenOnceWhateverHappens cuts the power again and again while orders are paid by card through a provider that loses every tenth
// answer and sends its webhooks twice and in any order. Whoever is not answered sends the same request again.
func TestMoneyIsTakenOnceWhateverHappens(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: ends a server by force some dozens of times")
	}
	harness.Databases(t, func(t *testing.T, args ...string) {
		orders, kills := 1000, 50
		if len(args) > 0 { // with PostgreSQL there is little that differs: what is acknowledged is on its disk, not in our process
			orders, kills = 300, 15
		}
		paid(t, orders, kills, args)
	})
}

func paid(t *testing.T, orders, kills int, args []string) {
	const (
		customers = 20
		readyIn   = 3 * time.Second
	)
	bank, err := fakestripe.Start(7)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bank.Close)
	s := harness.Start(t, "serve", append([]string{
		"--set", "stripe.secret_key=" + fakestripe.SecretKey, "--set", "stripe.publishable_key=" + fakestripe.PublishableKey,
		"--set", "stripe.webhook_secret=" + fakestripe.WebhookSecret, "--set", "stripe.url=" + bank.URL,
	}, args...)...)
	admin := s.Account(t, "boss", "admin")
	shop := admin.Restaurant(t, "Taj", map[string]any{"auto_accept": true})
	s.ImportMenu(t, shop, "item,price\nDal,6.50\nNaan,2.95\n")
	items := admin.Items(t, shop)
	crowd := s.SignUps(t, customers)
	body, _ := crowd[0].Quoted(t, harness.Wish(shop, "pickup", harness.Line{Item: items["Dal"], Qty: 1}, harness.Line{Item: items["Naan"], Qty: 2}))
	body["method"], body["card"] = "card", "pm_card_visa"

	hooks := func() { bank.SetHooks(fakestripe.Hooks{URL: s.URL + "/webhooks/stripe", Copies: 2, Shuffle: true}) }
	hooks()
	bank.SetFaults(fakestripe.Faults{Drop: 0.1})

	var (
		power sync.RWMutex // held for reading by a request, for writing while the server starts again
		mu    sync.Mutex
		acked = map[string]string{} // key → order
		count atomic.Int64
		slow  time.Duration
		wg    sync.WaitGroup
		rnd   = rand.New(rand.NewPCG(1, uint64(orders))) //nolint:gosec // the moments of a test
	)
	for c := range crowd {
		wg.Go(func() {
			for i := range orders / customers {
				key := fmt.Sprintf("%d-%d", c, i)
				for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
					if time.Since(began) > 2*time.Minute {
						t.Errorf("order %s was not taken within two minutes", key)
						return
					}
					power.RLock()
					r, err := crowd[c].Try("POST", "/orders", body, "Idempotency-Key", key)
					power.RUnlock()
					if err != nil || r.Status == 409 || r.Status == 503 {
						continue // the server is gone, or still at it
					}
					var o harness.Order
					if err := json.Unmarshal(r.Body, &o); r.Status != 201 && r.Status != 202 || err != nil { // 202: the card's answer got lost, and is asked for
						t.Errorf("order %s = %d %s", key, r.Status, r.Body)
						return
					}
					mu.Lock()
					acked[key] = o.ID
					mu.Unlock()
					count.Add(1)
					break
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	killed := 0
	for ; killed < kills; killed++ {
		at := int64(orders * (killed + 1) / (kills + 2))
		for count.Load() < at && !isClosed(done) {
			time.Sleep(time.Millisecond)
		}
		if isClosed(done) {
			break
		}
		time.Sleep(time.Duration(rnd.IntN(20_000)) * time.Microsecond)
		s.Kill()
		power.Lock()
		if killed%10 == 9 {
			verify(t, s)
		}
		began := time.Now()
		s.Run(t)
		slow = max(slow, time.Since(began))
		hooks()
		power.Unlock()
	}
	<-done
	if t.Failed() {
		t.FailNow()
	}
	if killed < kills {
		t.Fatalf("the orders were placed after %d of %d kills", killed, kills)
	}
	if slow > readyIn {
		t.Errorf("ready %v after a restart; want at most %v", slow, readyIn)
	}
	bank.SetFaults(fakestripe.Faults{})

	// Each acknowledged order is there once, and its money was taken once.
	stored := map[string]int{}
	for _, c := range crowd {
		for _, o := range mine(t, c) {
			stored[o]++
		}
	}
	for key, id := range acked {
		if stored[id] != 1 {
			t.Errorf("order %s of %s was acknowledged and is there %d times", id, key, stored[id])
		}
	}
	if len(stored) != orders {
		t.Errorf("%d orders are there; want %d", len(stored), orders)
	}
	for began := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		open := 0
		for _, p := range bank.Intents() {
			if p.Status != "succeeded" {
				open++
			}
		}
		if open == 0 {
			break
		}
		if time.Since(began) > 4*time.Minute {
			t.Fatalf("%d payments are not captured four minutes later", open)
		}
	}
	taken := 0
	for _, p := range bank.Intents() {
		if n := bank.Captures(p.ID); n != 1 {
			t.Errorf("payment %s was captured %d times", p.ID, n)
		}
		taken++
	}
	if taken != orders {
		t.Errorf("%d payments for %d orders", taken, orders)
	}
	if err := bank.Verify(); err != nil {
		t.Errorf("the provider's books: %v", err)
	}
	s.Stop(t)
	verify(t, s)
	t.Logf("%d orders, %d kills, ready again within %v", orders, killed, slow)
}

// verify has the books proved.
func verify(t *testing.T, s *harness.Server) {
	t.Helper()
	if out := s.Admin(t, "verify"); strings.TrimSpace(out) == "" {
		t.Error("stoa verify says nothing")
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

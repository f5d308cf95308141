// Package crash cuts the power of a busy server.
package crash

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

func TestEveryAcknowledgedOrderSurvivesAKill(t *testing.T) {
	const (
		customers = 30
		each      = 10 // so 300 orders are wanted in all
		killAfter = 90 // acknowledged ones
		readyIn   = 3 * time.Second
	)
	harness.Databases(t, func(t *testing.T, args ...string) {
		s := harness.Start(t, "serve", args...)
		admin := s.Account(t, "boss", "admin")
		shop := admin.Restaurant(t, "Taj", nil)
		s.ImportMenu(t, shop, "item,price\nDal,6.50\nNaan,2.95\n")
		items := admin.Items(t, shop)
		crowd := s.SignUps(t, customers)
		body, _ := crowd[0].Quoted(t, harness.Wish(shop, "pickup", harness.Line{Item: items["Dal"], Qty: 1}, harness.Line{Item: items["Naan"], Qty: 2}))

		var mu sync.Mutex
		acked := map[string]string{} // key → order
		var count atomic.Int64
		killed := make(chan struct{})
		go func() {
			for count.Load() < killAfter {
				time.Sleep(time.Millisecond)
			}
			s.Kill()
			close(killed)
		}()
		var wg sync.WaitGroup
		for c := range crowd {
			wg.Go(func() {
				for i := range each {
					key := fmt.Sprintf("%d-%d", c, i)
					r, err := crowd[c].Try("POST", "/orders", body, "Idempotency-Key", key)
					if err != nil {
						return // the server is gone
					}
					var o harness.Order
					if err := json.Unmarshal(r.Body, &o); r.Status != 201 || err != nil {
						t.Errorf("order %s = %d %s", key, r.Status, r.Body)
						return
					}
					mu.Lock()
					acked[key] = o.ID
					mu.Unlock()
					count.Add(1)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
		<-killed
		if len(acked) >= customers*each {
			t.Fatalf("all %d orders were placed before the kill: nothing was interrupted", len(acked))
		}

		began := time.Now()
		s.Run(t)
		if took := time.Since(began); took > readyIn {
			t.Errorf("ready %v after the restart; want at most %v", took, readyIn)
		}
		stored := map[string]int{}
		for _, c := range crowd {
			for _, o := range mine(t, c.On(s)) {
				stored[o]++
			}
		}
		for key, id := range acked {
			if stored[id] != 1 {
				t.Errorf("order %s of %s was acknowledged and is there %d times", id, key, stored[id])
			}
		}
		t.Logf("%d acknowledged before the kill, %d stored", len(acked), len(stored))

		// Who was not answered sends the same request again: nothing is ordered twice.
		for c := range crowd {
			for i := range each {
				key := fmt.Sprintf("%d-%d", c, i)
				var o harness.Order
				crowd[c].Want(t, 201, "POST", "/orders", body, &o, "Idempotency-Key", key)
				if want := acked[key]; want != "" && o.ID != want {
					t.Errorf("the repeated request %s gave order %s; the first gave %s", key, o.ID, want)
				}
			}
			if n := len(mine(t, crowd[c])); n != each {
				t.Errorf("customer %d has %d orders; want %d", c, n, each)
			}
		}
	})
}

// mine returns the ids of a customer's orders.
func mine(t *testing.T, c *harness.Client) []string {
	var page struct {
		Items []harness.Order `json:"items"`
	}
	c.Want(t, 200, "GET", "/orders?limit=100", nil, &page)
	out := make([]string, len(page.Items))
	for i, o := range page.Items {
		out[i] = o.ID
	}
	return out
}

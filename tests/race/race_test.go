// Package race lets many people want the same thing at the same moment.
package race

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

const (
	people = 100
	rounds = 20
)

// together runs fn n times at once, released by one gate.
func together(n int, fn func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-gate
			fn(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

func TestOneOfAHundredGetsTheLastPortion(t *testing.T) {
	harness.Databases(t, func(t *testing.T, args ...string) {
		s := harness.Start(t, "serve", args...)
		admin := s.Account(t, "boss", "admin")
		shop := admin.Restaurant(t, "Taj", nil)
		var csv strings.Builder
		csv.WriteString("item,price,stock\nRice,2.00,\n")
		for r := range rounds {
			fmt.Fprintf(&csv, "Dish %d,9.90,1\n", r)
		}
		s.ImportMenu(t, shop, csv.String())
		items := admin.Items(t, shop)
		crowd := s.SignUps(t, people)
		for r := range rounds {
			wish := harness.Wish(shop, "pickup", harness.Line{Item: items["Rice"], Qty: 1}, harness.Line{Item: items[fmt.Sprintf("Dish %d", r)], Qty: 1})
			body, _ := crowd[0].Quoted(t, wish)
			var mu sync.Mutex
			got := map[int]int{}
			codes := map[string]int{}
			together(people, func(i int) {
				reply, err := crowd[i].Try("POST", "/orders", body, "Idempotency-Key", fmt.Sprintf("round-%d", r))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("round %d: %v", r, err)
					return
				}
				got[reply.Status]++
				if reply.Status != 201 {
					var p struct {
						Code string `json:"code"`
					}
					json.Unmarshal(reply.Body, &p)
					codes[p.Code]++
				}
			})
			if got[201] != 1 || got[409]+got[422] != people-1 {
				t.Fatalf("round %d: statuses %v; want one 201, the others 409 or 422 (codes %v)", r, got, codes)
			}
			if codes["sold_out"] != people-1 {
				t.Errorf("round %d: codes %v; want sold_out for all who were too late", r, codes)
			}
		}
		if n := orders(t, admin, shop); n != rounds {
			t.Errorf("the restaurant has %d orders; want %d", n, rounds)
		}
	})
}

// orders counts a restaurant's orders.
func orders(t *testing.T, admin *harness.Client, shop harness.Shop) int {
	n, cursor := 0, ""
	for {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		admin.Want(t, 200, "GET", "/restaurants/"+shop.Slug+"/orders?limit=100&cursor="+cursor, nil, &page)
		n += len(page.Items)
		if cursor = page.Next; cursor == "" {
			return n
		}
	}
}

func TestDoubleTappedOrderIsOneOrder(t *testing.T) {
	const taps = 10
	harness.Databases(t, func(t *testing.T, args ...string) {
		s := harness.Start(t, "serve", args...)
		admin := s.Account(t, "boss", "admin")
		shop := admin.Restaurant(t, "Taj", nil)
		s.ImportMenu(t, shop, "item,price\nDal,6.50\nNaan,2.95\n")
		items := admin.Items(t, shop)
		anna := s.SignUp(t)
		for _, method := range []string{"on_delivery", "card"} {
			body, _ := anna.Quoted(t, harness.Wish(shop, "delivery", harness.Line{Item: items["Dal"], Qty: 2}))
			body["method"] = method
			if method == "card" {
				body["card"] = "tok_ok"
			}
			before := orders(t, admin, shop)
			replies := make([]harness.Reply, taps)
			together(taps, func(i int) {
				// A tap that comes while the first is still being done is told so, and asks again as the page does.
				for range 50 {
					r, err := anna.Try("POST", "/orders", body, "Idempotency-Key", "tap-"+method)
					if err != nil {
						t.Errorf("tap %d: %v", i, err)
						return
					}
					if replies[i] = r; r.Status != 409 {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
			var first harness.Order
			for i, r := range replies {
				var o harness.Order
				if err := json.Unmarshal(r.Body, &o); err != nil || (r.Status != 201 && r.Status != 202) {
					t.Fatalf("%s, tap %d = %d %s (%v)", method, i, r.Status, r.Body, err)
				}
				if first.ID == "" {
					first = o
				}
				if o.ID != first.ID || o.Total != first.Total || o.ID == "" {
					t.Errorf("%s, tap %d has order %s of %d; tap 0 has %s of %d", method, i, o.ID, o.Total, first.ID, first.Total)
				}
			}
			if n := orders(t, admin, shop) - before; n != 1 {
				t.Errorf("%s: %d taps made %d orders; want 1", method, taps, n)
			}

			other := map[string]any{}
			for k, v := range body {
				other[k] = v
			}
			other["note"] = "And a spoon."
			r := anna.Do(t, "POST", "/orders", other, "Idempotency-Key", "tap-"+method)
			if r.Status != 422 {
				t.Errorf("%s: the same key with another body = %d %s; want 422", method, r.Status, r.Body)
			}
		}
	})
}

// Package stream listens to a running server as a phone does whose connection breaks.
package stream

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/tests/harness"
)

// message is one event of a stream.
type message struct{ id, kind string }

// listen opens a stream of an order and returns its messages, those without an id left out, and the function that breaks it.
func listen(t *testing.T, s *harness.Server, token, path, last string) (<-chan message, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		res.Body.Close()
		t.Fatalf("GET %s = %d", path, res.StatusCode)
	}
	out := make(chan message, 100)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var m message
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			switch key, v, _ := strings.Cut(lines.Text(), ": "); key {
			case "id":
				m.id = v
			case "event":
				m.kind = v
			case "":
				if m.kind == "hello" || m.id != "" && m.kind != "" {
					out <- m
				}
				m = message{}
			}
		}
	}()
	return out, cancel
}

// next returns the next message, which must come soon.
func next(t *testing.T, in <-chan message) message {
	t.Helper()
	select {
	case m, ok := <-in:
		if !ok {
			t.Fatal("the stream has ended")
		}
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("nothing comes")
	}
	return message{}
}

// kinds returns the kinds of the next n messages.
func kinds(t *testing.T, in <-chan message, n int) []string {
	t.Helper()
	out := make([]string, n)
	for i := range out {
		out[i] = next(t, in).kind
	}
	return out
}

// resume breaks a customer's stream in the middle of an order, has the kitchen go on at node b, and comes back there.
func resume(t *testing.T, a, b *harness.Server) {
	t.Helper()
	admin := a.Account(t, "boss", "admin")
	shop := admin.Restaurant(t, "Taj", nil)
	a.ImportMenu(t, shop, "item,price\nDal,6.50\n")
	anna := a.SignUp(t)
	wish, _ := anna.Quoted(t, harness.Wish(shop, "pickup", harness.Line{Item: admin.Items(t, shop)["Dal"], Qty: 1}))
	var o harness.Order
	anna.Want(t, 201, "POST", "/orders", wish, &o, "Idempotency-Key", "one")
	path := "/api/stoa/v1/orders/" + o.ID + "/events"
	live, hangUp := listen(t, a, anna.Token, path, "")
	if m := next(t, live); m.kind != "hello" {
		t.Fatalf("the stream begins with %q", m.kind)
	}
	kitchen := admin.On(b)
	kitchen.Want(t, 200, "POST", "/orders/"+o.ID+"/confirm", map[string]any{}, nil)
	seen := next(t, live)
	for seen.kind == "order.placed" { // it may come after the hello
		seen = next(t, live)
	}
	if seen.kind != "order.confirmed" {
		t.Fatalf("after confirming comes %q", seen.kind)
	}
	hangUp()
	kitchen.Want(t, 200, "POST", "/orders/"+o.ID+"/prepare", nil, nil)
	kitchen.Want(t, 200, "POST", "/orders/"+o.ID+"/delay", map[string]any{"minutes": 5}, nil)
	back, _ := listen(t, b, anna.Token, path, seen.id)
	missed := kinds(t, back, 2)
	kitchen.Want(t, 200, "POST", "/orders/"+o.ID+"/ready", nil, nil)
	if diff := cmp.Diff([]string{"order.preparing", "order.delayed", "order.ready"}, append(missed, kinds(t, back, 1)...)); diff != "" {
		t.Errorf("what comes after the break (-want +got):\n%s", diff)
	}

	// Another's order is not there to listen to, nor is it to nobody.
	for who, token := range map[string]string{"another customer": a.SignUp(t).Token, "nobody": ""} {
		want := map[bool]int{true: 404, false: 401}[token != ""]
		if r := a.As(token).Do(t, "GET", "/orders/"+o.ID+"/events", nil); r.Status != want {
			t.Errorf("the stream for %s = %d; want %d", who, r.Status, want)
		}
		if r := a.As(token).Do(t, "GET", "///live?topic=order:"+o.ID, nil, "Accept", "text/event-stream"); r.Status != want {
			t.Errorf("/live for %s = %d; want %d", who, r.Status, want)
		}
	}
}

func TestABrokenStreamGoesOnWhereItStood(t *testing.T) {
	s := harness.Start(t, "serve")
	resume(t, s, s)
}

func TestABrokenStreamGoesOnAtAnotherNode(t *testing.T) {
	bus, _ := harness.NATS(t)
	args := []string{"--database", harness.Postgres(t), "--nats", bus}
	a := harness.Start(t, "serve", args...)
	resume(t, a, harness.Start(t, "serve", args...))
}

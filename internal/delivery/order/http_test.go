package order

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// serve returns the REST API; the header X-As names who calls.
func (tw *town) serve() http.Handler {
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	tw.Routes(rt)
	who := map[string]access.Actor{"anna": anna, "bert": bert, "cook": cook, "rider": rider, "desk": desk, "chief": chief}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := who[r.Header.Get("X-As")]
		if n, err := id.Parse(r.Header.Get("X-As")); err == nil {
			a = access.Actor{ID: n, Name: "Somebody"}
		}
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), a)))
	})
}

// call sends a request and returns status and body.
func call(h http.Handler, as, method, path, key, body string) (int, string) {
	r := httptest.NewRequestWithContext(context.Background(), method, httpx.Prefix+path, strings.NewReader(body))
	r.Header.Set("X-As", as)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const dinner = `{"restaurant":"7","mode":"delivery","to":{"point":{"lat":52,"lon":13},"street":"Elm 3"},"lines":[{"item":"100","qty":1}],"fingerprint":"1500","method":"on_delivery"}`

func TestTheAPITakesAnOrderFromPlacedToCollected(t *testing.T) {
	both(t, func(t *testing.T, tw *town) {
		h := tw.serve()
		status, body := call(h, "anna", "POST", "/orders", "k1", strings.Replace(dinner, `"delivery"`, `"pickup"`, 1))
		if status != http.StatusCreated {
			t.Fatalf("POST /orders = %d %s", status, body)
		}
		var v View
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if _, again := call(h, "anna", "POST", "/orders", "k1", strings.Replace(dinner, `"delivery"`, `"pickup"`, 1)); again != body {
			t.Fatalf("the second answer differs:\n%s\n%s", again, body)
		}
		for _, step := range []struct{ verb, body string }{
			{"confirm", `{"minutes":25}`}, {"confirm", ""}, {"delay", `{"minutes":5}`}, {"prepare", ""}, {"ready", ""}, {"collect", fmt.Sprintf(`{"code":%q}`, v.PickupCode)},
		} {
			if status, body := call(h, "cook", "POST", "/orders/"+v.ID.String()+"/"+step.verb, "", step.body); status != http.StatusOK {
				t.Fatalf("%s = %d %s", step.verb, status, body)
			}
		}
		for path, as := range map[string]string{"/orders": "anna", "/orders?state=DELIVERED": "anna", "/restaurants/luigi/orders": "cook", "/restaurants/luigi/orders?state=DELIVERED": "cook", "/orders/" + v.ID.String(): "anna", "/track/" + v.Token: ""} {
			status, body := call(h, as, "GET", path, "", "")
			if status != http.StatusOK || !strings.Contains(body, `"state":"DELIVERED"`) {
				t.Errorf("GET %s = %d %s", path, status, body)
			}
		}
		if status, body := call(h, "cook", "GET", "/restaurants/luigi/orders?state=open", "", ""); status != http.StatusOK || !strings.Contains(body, `"items":[]`) {
			t.Errorf("open orders = %d %s", status, body)
		}
	})
}

func TestBadInputGivesAProblemThatNamesTheField(t *testing.T) {
	tw := newTown(t, dbtest.SQLite(t, schemas...))
	h := tw.serve()
	p := tw.place(t, tw.wanted(delivery.Pickup, 1))
	order := "/orders/" + p.Order.String()
	with := func(old, new string) string { return strings.Replace(dinner, old, new, 1) }
	for name, c := range map[string]struct {
		as, method, path, key, body string
		status                      int
		path2                       string // in errors
	}{
		"no key":                {"anna", "POST", "/orders", "", dinner, 422, "header.Idempotency-Key"},
		"a long key":            {"anna", "POST", "/orders", strings.Repeat("k", 256), dinner, 422, "header.Idempotency-Key"},
		"a key with a space":    {"anna", "POST", "/orders", "a b", dinner, 422, "header.Idempotency-Key"},
		"nobody":                {"", "POST", "/orders", "k", dinner, 401, ""},
		"no body":               {"anna", "POST", "/orders", "k", "", 422, "body"},
		"no JSON":               {"anna", "POST", "/orders", "k", "{", 422, "body"},
		"a list":                {"anna", "POST", "/orders", "k", "[]", 422, "body"},
		"no quantity":           {"anna", "POST", "/orders", "k", with(`"qty":1`, `"qty":0`), 422, "body.lines[0].qty"},
		"a negative quantity":   {"anna", "POST", "/orders", "k", with(`"qty":1`, `"qty":-3`), 422, "body.lines[0].qty"},
		"half a dish":           {"anna", "POST", "/orders", "k", with(`"qty":1`, `"qty":0.5`), 422, "body.lines[0].qty"},
		"a huge quantity":       {"anna", "POST", "/orders", "k", with(`"qty":1`, `"qty":1e309`), 422, "body"},
		"a negative tip":        {"anna", "POST", "/orders", "k", with(`"mode"`, `"tip":-100,"mode"`), 422, "body.tip"},
		"an unknown mode":       {"anna", "POST", "/orders", "k", with(`"delivery"`, `"drone"`), 422, "body.mode"},
		"an unknown method":     {"anna", "POST", "/orders", "k", with(`"on_delivery"`, `"barter"`), 422, "body.method"},
		"no fingerprint":        {"anna", "POST", "/orders", "k", with(`"fingerprint":"1500",`, ``), 422, "body.fingerprint"},
		"no card":               {"anna", "POST", "/orders", "k", with(`"on_delivery"`, `"card"`), 422, "body.card"},
		"a declined card":       {"anna", "POST", "/orders", "k9", with(`"on_delivery"`, `"card","card":"tok_declined"`), 422, "body.card"},
		"a price of one's own":  {"anna", "POST", "/orders", "k", with(`"mode"`, `"total":1,"mode"`), 422, "body.total"},
		"an unknown restaurant": {"anna", "POST", "/orders", "k", with(`"7"`, `"8"`), 404, ""},
		"an old quote":          {"anna", "POST", "/orders", "k", with(`"1500"`, `"1499"`), 409, ""},
		"an id in words":        {"anna", "GET", "/orders/pizza", "", "", 422, "path.id"},
		"an unknown id":         {"anna", "GET", "/orders/99", "", "", 404, ""},
		"a negative id":         {"anna", "GET", "/orders/-1", "", "", 422, "path.id"},
		"another's order":       {"bert", "GET", order, "", "", 404, ""},
		"another's stream":      {"bert", "GET", order + "/events", "", "", 404, ""},
		"a stream of words":     {"bert", "GET", "/orders/pizza/events", "", "", 422, "path.id"},
		"nobody's stream":       {"", "GET", order + "/events", "", "", 401, ""},
		"a broken cursor":       {"anna", "GET", "/orders?cursor=%21", "", "", 422, "query.cursor"},
		"an unknown state":      {"anna", "GET", "/orders?state=EATEN", "", "", 422, "query.state"},
		"too many":              {"anna", "GET", "/orders?limit=1000", "", "", 422, "query.limit"},
		"another's kitchen":     {"bert", "GET", "/restaurants/luigi/orders", "", "", 404, ""},
		"an unknown kitchen":    {"cook", "GET", "/restaurants/nobody/orders", "", "", 404, ""},
		"a wrong token":         {"", "GET", "/track/nothing", "", "", 404, ""},
		"a customer confirms":   {"anna", "POST", order + "/confirm", "", "", 403, ""},
		"a stranger confirms":   {"bert", "POST", order + "/confirm", "", "", 404, ""},
		"too far ahead":         {"cook", "POST", order + "/confirm", "", `{"minutes":1000}`, 422, "body.minutes"},
		"ready before cooking":  {"cook", "POST", order + "/ready", "", "", 409, ""},
		"refuse for no reason":  {"cook", "POST", order + "/refuse", "", `{}`, 422, "body.reason"},
		"a reason of no use":    {"cook", "POST", order + "/refuse", "", `{"reason":"BORED"}`, 422, "body.reason"},
		"a dish of another":     {"cook", "POST", order + "/refuse", "", `{"reason":"SOLD_OUT","items":["100","101"]}`, 422, "body.items[1]"},
		"cancel for no reason":  {"cook", "POST", order + "/cancel", "", "", 422, "body.reason"},
		"no delay":              {"cook", "POST", order + "/delay", "", `{}`, 422, "body.minutes"},
		"a delay in words":      {"cook", "POST", order + "/delay", "", `{"ready_at":"soon"}`, 422, "body.ready_at"},
		"restore what is well":  {"cook", "POST", order + "/restore", "", "", 409, ""},
		"collect too early":     {"cook", "POST", order + "/collect", "", `{"code":"1"}`, 409, ""},
		"collect without code":  {"cook", "POST", order + "/collect", "", `{}`, 422, "body.code"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := call(h, c.as, c.method, c.path, c.key, c.body)
			if status != c.status || c.path2 != "" && !strings.Contains(body, fmt.Sprintf(`"path":%q`, c.path2)) {
				t.Fatalf("%s %s = %d %s; want %d naming %q", c.method, c.path, status, body, c.status, c.path2)
			}
		})
	}
	if status, body := call(h, "anna", "POST", "/orders", "k", with(`"1500"`, `"1499"`)); !strings.Contains(body, `"code":"quote_changed"`) || !strings.Contains(body, `"fingerprint":"1500"`) {
		t.Errorf("an old quote gives %d %s; want the new one with it", status, body)
	}
}

// BenchmarkPlace places orders by many customers at once on SQLite, through the service and through the API, with quotes from memory.
func BenchmarkPlace(b *testing.B) {
	for _, way := range []string{"service", "http"} {
		b.Run(way, func(b *testing.B) {
			tw := newTown(b, dbtest.SQLite(b, schemas...))
			h := tw.serve()
			in := tw.wanted(delivery.ByCourier, 1)
			var n atomic.Int64
			b.SetParallelism(32) // 64 customers on two processors
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					if way == "service" {
						if _, err := tw.Place(as(access.Actor{ID: id.ID(1000 + i), Name: "Customer"}), "key", in); err != nil {
							b.Error(err)
						}
						continue
					}
					if status, body := call(h, fmt.Sprint(1000+i), "POST", "/orders", "key", dinner); status != http.StatusCreated {
						b.Error(status, body)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
		})
	}
}

func TestAStreamShowsWhatHappensToAnOrder(t *testing.T) {
	tw := newTown(t, dbtest.SQLite(t, schemas...))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tw.log.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	srv := httptest.NewServer(tw.serve())
	defer srv.Close()
	defer tw.hub.Close()
	p := tw.place(t, tw.wanted(delivery.Pickup, 1))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+httpx.Prefix+"/orders/"+p.Order.String()+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-As", "anna")
	r.Header.Set("Last-Event-ID", "0")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET events = %d", res.StatusCode)
	}
	must[*View](t)(tw.Confirm(as(cook), p.Order, nil))
	lines := bufio.NewScanner(res.Body)
	for _, want := range []string{"event: order.placed", "event: order.confirmed"} {
		for lines.Scan() && lines.Text() != want {
		}
		if lines.Text() != want {
			t.Fatalf("the stream ended without %q", want)
		}
	}
}

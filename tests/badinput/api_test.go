// Package badinput sends every operation and every page what nobody should send, as everybody. None may answer with a 5xx, and every
// refusal must say what is wrong. STOA_TEST_LONG=1 sends 1,000 inputs to each operation in place of 100.
package badinput

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

const (
	workers  = 8
	slowest  = time.Second
	mostEach = 160 // inputs of one operation, where its body has very many places; all with STOA_TEST_LONG
)

// longRun reports whether there is time for more.
func longRun() bool { return os.Getenv("STOA_TEST_LONG") != "" }

// world is a running server with something in it, and people of every role.
type world struct {
	s      *harness.Server
	shop   harness.Shop
	known  map[string]any
	people []*harness.Client
	roles  []string
	http   *http.Client
}

func newWorld(t *testing.T, args ...string) *world {
	s := harness.Start(t, "serve", append(args, "--set", "limits.conns_per_ip=1000")...)
	admin := s.Account(t, "boss", "admin")
	w := &world{s: s, http: &http.Client{
		Timeout:       20 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 2 * workers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	w.shop = admin.Restaurant(t, "Taj", nil)
	s.ImportMenu(t, w.shop, "item,price,stock,group,group_min,group_max,option,option_price\nDal,6.50,100,Spice,0,1,Hot,0.50\nNaan,2.95,,,,,,\n")
	items := admin.Items(t, w.shop)
	customer := s.SignUp(t)
	w.add("anonymous", s.As(""))
	w.add("customer", customer)
	for _, role := range []string{"courier", "dispatcher", "staff:" + w.shop.Slug, "owner:" + w.shop.Slug} {
		c := s.SignUp(t)
		c.Grant(t, role)
		w.add(role, c)
	}
	w.add("admin", admin)
	if len(args) > 0 && !longRun() { // who may do what is the same on PostgreSQL; what it refuses to store is not
		w.people, w.roles = w.people[len(w.people)-2:], w.roles[len(w.roles)-2:]
		w.add("customer", customer)
	}
	body, q := customer.Quoted(t, harness.Wish(w.shop, "delivery", harness.Line{Item: items["Dal"], Qty: 2}))
	var order harness.Order
	customer.Want(t, 201, "POST", "/orders", body, &order, "Idempotency-Key", "one")
	w.known = map[string]any{
		"slug": w.shop.Slug, "orders/id": order.ID, "restaurant": w.shop.ID, "item": items["Dal"], "order": order.ID, "fingerprint": q.Fingerprint,
		"lat": harness.HereLat, "lon": harness.HereLon, "items/id": items["Dal"], "mode": "pickup", "method": "on_delivery",
		"code": strings.ReplaceAll(order.Code, "-", ""), "time_zone": "Europe/Berlin", "currency": "EUR", "hours": "Mo-Su 10:00-22:00",
	}
	return w
}

func (w *world) add(role string, c *harness.Client) {
	w.people, w.roles = append(w.people, c), append(w.roles, role)
}

// answer is what came back.
type answer struct {
	status int
	kind   string
	body   []byte
	took   time.Duration
	err    error
}

func (w *world) send(in input, token string) answer {
	var body io.Reader
	if in.body != nil {
		body = strings.NewReader(string(in.body))
	}
	req, err := http.NewRequest(in.method, w.s.URL+in.path, body)
	if err != nil { // the path cannot be written as a URL
		return answer{status: -1}
	}
	for k, v := range in.header {
		if !validHeader(v) {
			return answer{status: -1}
		}
		req.Header.Set(k, v)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	began := time.Now()
	res, err := w.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, kind: res.Header.Get("Content-Type")}
	if a.kind != "text/event-stream" { // that one would not end
		a.body, a.err = io.ReadAll(res.Body)
	}
	a.took = time.Since(began)
	return a
}

func validHeader(v string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// fault returns what is wrong with an answer of the REST API, or "".
func fault(a answer) string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.status < 0, a.status < 400:
		return ""
	case a.status >= 500:
		return "a server error"
	case a.kind != "application/problem+json":
		return "an error of type " + a.kind
	}
	var p struct {
		Status int    `json:"status"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Path    string `json:"path"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		return "no JSON: " + err.Error()
	}
	if p.Status != a.status || p.Title == "" || p.Detail == "" {
		return "status, title or detail missing"
	}
	if a.status != 422 {
		return ""
	}
	for _, e := range p.Errors {
		if e.Path != "" && e.Message != "" {
			return ""
		}
	}
	return "422 without the path of what is wrong"
}

// report counts faults of a kind and shows the first few.
type report struct {
	mu     sync.Mutex
	counts map[string]int
	shown  map[string][]string
	sent   int
	slow   []slowOne
	status map[int]int
}

type slowOne struct {
	in    input
	token string
	took  time.Duration
}

func newReport() *report {
	return &report{counts: map[string]int{}, shown: map[string][]string{}, status: map[int]int{}}
}

func (r *report) note(kind string, in input, role string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent++
	r.status[a.status]++
	if kind == "" {
		return
	}
	r.counts[kind]++
	if len(r.shown[kind]) < 12 {
		r.shown[kind] = append(r.shown[kind], fmt.Sprintf("%s %.160s as %s, %s → %d %.300s", in.method, in.path, role, in.what, a.status, a.body))
	}
}

// fail fails the test with what was collected.
func (r *report) fail(t *testing.T, w *world) {
	t.Logf("%d requests, by status: %v", r.sent, r.status)
	for kind, n := range r.counts {
		t.Errorf("%d × %s:\n  %s", n, kind, strings.Join(r.shown[kind], "\n  "))
	}
	// On a busy machine any request may be late once: those that were are sent again, alone.
	for i, one := range r.slow {
		if i == 20 {
			break
		}
		best := one.took
		for range 3 {
			if a := w.send(one.in, one.token); a.took < best {
				best = a.took
			}
		}
		if best > slowest {
			t.Errorf("%s %.160s, %s took %v, and %v alone; want at most %v", one.in.method, one.in.path, one.in.what, one.took, best, slowest)
		}
	}
	for line := range strings.Lines(w.s.Log()) {
		if strings.Contains(line, "panic") || strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "level=ERROR") {
			t.Errorf("the server wrote: %.2000s", line)
			break
		}
	}
}

// all sends every input as each of the first n people.
func (w *world) all(r *report, inputs []input, n int, check func(answer) string) {
	work := make(chan input, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for in := range work {
				for i, c := range w.people[:n] {
					a := w.send(in, c.Token)
					r.note(check(a), in, w.roles[i], a)
					if a.took > slowest {
						r.mu.Lock()
						r.slow = append(r.slow, slowOne{in, c.Token, a.took})
						r.mu.Unlock()
					}
				}
			}
		})
	}
	for _, in := range inputs {
		work <- in
	}
	close(work)
	wg.Wait()
}

func TestNoOperationFailsOnBadInput(t *testing.T) {
	least := 100
	if longRun() {
		least = 1000
	}
	harness.Databases(t, func(t *testing.T, args ...string) {
		w := newWorld(t, args...)
		var doc document
		w.s.As("").Want(t, 200, "GET", "/openapi.json", nil, &doc)
		r := newReport()
		count := 0
		paths := slices.Sorted(maps.Keys(doc.Paths))
		last := slices.IndexFunc(paths, func(p string) bool { return strings.HasSuffix(p, "/session") })
		if last >= 0 { // signing out ends the tokens
			paths = append(slices.Delete(slices.Clone(paths), last, last+1), paths[last])
		}
		for _, path := range paths {
			for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
				op := doc.Paths[path][method]
				if op.ID == "" {
					continue
				}
				seed := rand.New(rand.NewPCG(1, uint64(count)))
				g := &generator{doc: &doc, known: w.known, rand: seed, method: strings.ToUpper(method), path: path, op: op}
				for part := range strings.SplitSeq(path, "/") { // one that is not described is not read, either
					if name := strings.Trim(part, "{}"); name != part && !strings.Contains(g.target(name, "filled"), "filled") {
						t.Errorf("%s %s does not describe {%s}", method, path, name)
					}
				}
				inputs := g.inputs(least)
				if !longRun() && len(inputs) > mostEach {
					seed.Shuffle(len(inputs), func(i, j int) { inputs[i], inputs[j] = inputs[j], inputs[i] })
					inputs = inputs[:mostEach]
				}
				n := len(w.people)
				if strings.HasSuffix(path, "/session") || strings.HasSuffix(path, "/accounts") { // hashing passwords is slow on purpose
					inputs, n = inputs[:min(len(inputs), least)], 2
				}
				w.all(r, inputs, n, fault)
				count++
			}
		}
		t.Logf("%d operations", count)
		r.fail(t, w)
	})
}

package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// Databases runs test once on each engine. args are to be given to Start: none for SQLite, --database for PostgreSQL, which is an empty
// database each time. Where there is no PostgreSQL its half is skipped, or failed under CI=true.
func Databases(t *testing.T, test func(t *testing.T, args ...string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t) })
	t.Run("postgres", func(t *testing.T) { test(t, "--database", dbtest.PostgresURL(t)) })
}

// Shared returns the path of a file of the data that lies beside the checkout and is no part of it, or skips the test.
func Shared(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			file := filepath.Join(d, "..", "shared", path)
			if _, err := os.Stat(file); err != nil {
				t.Skipf("skipped: this test reads %s, which lies beside the checkout and is not there", filepath.Join("../shared", path))
			}
			return file
		}
		if d == filepath.Dir(d) {
			t.Fatalf("no go.mod above %s", dir)
		}
	}
}

var people atomic.Int64

// SignUp makes an account over HTTP, as a neighbour does, and returns a client that acts for it.
func (s *Server) SignUp(t testing.TB) *Client {
	t.Helper()
	n := people.Add(1)
	var out struct {
		Token string `json:"token"`
	}
	s.As("").Want(t, 201, "POST", "/accounts", map[string]string{
		"name": fmt.Sprintf("Neighbour %d", n), "email": fmt.Sprintf("neighbour%d@example.org", n), "password": Password,
	}, &out)
	return s.As(out.Token)
}

// SignUps makes n accounts.
func (s *Server) SignUps(t testing.TB, n int) []*Client {
	t.Helper()
	out := make([]*Client, n)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	for i := range out {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			out[i] = s.SignUp(t)
		})
	}
	wg.Wait()
	return out
}

// Here is where the restaurants of Restaurant lie: they deliver within 3 km of it.
const (
	HereLat = 52.5206
	HereLon = 13.3862
)

// Shop is a restaurant made for a test.
type Shop struct {
	ID       string `json:"id"`
	Slug     string `json:"slug"`
	Currency string `json:"currency"`
}

// Restaurant makes a restaurant that is always open, delivers and lets collect, has no minimum and no tax of its own making; set changes
// any of that, by the names of POST /restaurants. The client must be an admin's.
func (c *Client) Restaurant(t testing.TB, name string, set map[string]any) Shop {
	t.Helper()
	body := map[string]any{
		"name": name, "street": "Marktplatz 1", "city": "Berlin", "point": map[string]any{"lat": HereLat, "lon": HereLon}, "phone": "+49 30 1",
		"hours": "Mo-Su 00:00-24:00", "time_zone": "Europe/Berlin", "cuisines": []string{"indian"}, "delivers": true, "picks_up": true,
		"zones": []map[string]any{{"name": "Near", "radius_m": 3000, "fee": 250}},
	}
	for k, v := range set {
		body[k] = v
	}
	var out Shop
	c.Want(t, 201, "POST", "/restaurants", body, &out)
	return out
}

// ImportMenu reads a card from CSV by the command line and returns what that prints.
func (s *Server) ImportMenu(t testing.TB, shop Shop, csv string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "menu.csv")
	if err := os.WriteFile(file, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.Admin(t, "import", "menu", file, "--restaurant", shop.Slug)
}

// Items returns the ids of a restaurant's dishes by name.
func (c *Client) Items(t testing.TB, shop Shop) map[string]string {
	t.Helper()
	var menu any
	c.Want(t, 200, "GET", "/restaurants/"+shop.Slug+"/menu", nil, &menu)
	out := map[string]string{}
	collect(menu, out)
	if len(out) == 0 {
		t.Fatalf("the menu of %s has no items: %v", shop.Slug, menu)
	}
	return out
}

// collect finds the dishes in a menu's JSON: whatever is in a list called items.
func collect(v any, out map[string]string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, out)
		}
	case map[string]any:
		items, _ := v["items"].([]any)
		for _, it := range items {
			if m, ok := it.(map[string]any); ok {
				name, _ := m["name"].(string)
				id, _ := m["id"].(string)
				out[name] = id
			}
		}
		for _, e := range v {
			collect(e, out)
		}
	}
}

// Line is a dish to be ordered.
type Line struct {
	Item string `json:"item"`
	Qty  int    `json:"qty"`
}

// Quote is what tests read of a quote.
type Quote struct {
	Subtotal    int64  `json:"subtotal"`
	Fee         int64  `json:"fee"`
	Total       int64  `json:"total"`
	Fingerprint string `json:"fingerprint"`
	Problems    []struct {
		Code    string `json:"code"`
		Path    string `json:"path"`
		Message string `json:"message"`
	} `json:"problems"`
}

// Order is what tests read of an order.
type Order struct {
	ID         string `json:"id"`
	Code       string `json:"code"`
	State      string `json:"state"`
	Mode       string `json:"mode"`
	Subtotal   int64  `json:"subtotal"`
	Fee        int64  `json:"fee"`
	Tip        int64  `json:"tip"`
	Total      int64  `json:"total"`
	Currency   string `json:"currency"`
	PickupCode string `json:"pickup_code"`
	Handover   string `json:"handover_code"`
	Lines      []struct {
		Item  string `json:"item"`
		Name  string `json:"name"`
		Qty   int    `json:"qty"`
		Unit  int64  `json:"unit"`
		Total int64  `json:"total"`
	} `json:"lines"`
}

// Wish returns the body of a quote: lines to be collected, or brought to a place some 700 m from Here.
func Wish(shop Shop, mode string, lines ...Line) map[string]any {
	body := map[string]any{"restaurant": shop.ID, "mode": mode, "lines": lines}
	if mode == "delivery" {
		body["to"] = map[string]any{
			"point": map[string]any{"lat": HereLat + 0.005, "lon": HereLon + 0.005}, "street": "Lindenweg 7", "name": "Anna", "phone": "+49 30 2",
		}
	}
	return body
}

// Quoted asks for a quote that must have no problems and returns the body that orders it, paid on delivery.
func (c *Client) Quoted(t testing.TB, wish map[string]any) (map[string]any, Quote) {
	t.Helper()
	var q Quote
	c.Want(t, 200, "POST", "/quotes", wish, &q)
	if len(q.Problems) > 0 {
		t.Fatalf("the quote has problems: %+v", q.Problems)
	}
	body := map[string]any{"fingerprint": q.Fingerprint, "method": "on_delivery"}
	for k, v := range wish {
		body[k] = v
	}
	return body, q
}

// Grant gives the client's account a role by the command line, and waits until the running server acts by it, which may take 2 s.
func (c *Client) Grant(t testing.TB, role string) {
	t.Helper()
	var me struct {
		Handle string `json:"handle"`
	}
	c.Want(t, 200, "GET", "/me", nil, &me)
	c.server.Admin(t, "admin", "role", "grant", role, "--account", me.Handle)
	kind, place, _ := strings.Cut(role, ":")
	probe := map[string]string{"courier": "/courier", "dispatcher": "/dispatch/board", "staff": "/restaurants/" + place + "/orders", "owner": "/restaurants/" + place + "/orders"}[kind]
	for range 200 {
		if probe == "" || c.Do(t, "GET", probe, nil).Status == 200 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("2 s after @%s was given the role %s the server still refuses", me.Handle, role)
}

// CLI runs the program once, in an empty folder and without settings from outside, and returns what it wrote and its exit code.
func CLI(t testing.TB, args ...string) (out, problems string, code int) {
	t.Helper()
	cmd := exec.Command(Binary(t), args...)
	cmd.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "STOA_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("stoa %s: %v", strings.Join(args, " "), err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

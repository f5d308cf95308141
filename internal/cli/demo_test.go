package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/demo"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// enough is how many dinners a town has to bring before a test believes that it lives, and patience how long it may take on a busy machine.
const (
	enough   = 15
	patience = 2 * time.Minute
)

func TestDemoTownLives(t *testing.T) {
	if testing.Short() {
		t.Skip("a town lives for a while")
	}
	t.Run("sqlite", func(t *testing.T) {
		data := t.TempDir()
		first := live(t, data, "")
		first.check(t)
		newest := first.app.Now()
		first.close(t)

		again := live(t, data, "")
		if now := again.app.Now(); now.Before(newest.Add(-time.Minute * 5)) {
			t.Errorf("started again at %v; want to go on after %v", now, newest)
		}
		for deadline := time.Now().Add(patience); again.demo.Figures().Open == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the orders that were open when the town ended are not taken up again")
			}
		}
		again.check(t)
		again.close(t)
	})
	t.Run("postgres", func(t *testing.T) {
		n := live(t, t.TempDir(), dbtest.PostgresURL(t))
		n.check(t)
		n.close(t)
	})
}

// liveTown is a demo that runs.
type liveTown struct {
	app  *app.App
	demo *demo.Demo
	base string
	log  *faultLog
	stop func()

	opened time.Time // by the town's clock
}

func live(t *testing.T, data, database string) *liveTown {
	t.Helper()
	cfg, err := config.Load(config.Overrides{"data": data, "database": database, "listen": "127.0.0.1:0"}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	n := &liveTown{log: &faultLog{}}
	began := time.Now()
	n.app, n.demo, err = demoCmd{Speed: 200}.build(t.Context(), cfg, slog.New(n.log))
	if err != nil {
		t.Fatal(err)
	}
	n.opened = n.app.Now()
	srv, err := n.app.Listen()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	n.app.Start(t.Context())
	n.base = n.app.BaseURL(srv.Addr())
	n.get(t, http.DefaultClient, "/demo", "Step into")
	t.Logf("the first page came %v after the start", time.Since(began).Round(time.Millisecond))
	n.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shut down: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := n.app.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

// check watches the town until enough dinners are served, and looks at all that it did.
func (n *liveTown) check(t *testing.T) {
	t.Helper()
	moved := n.positions(t)
	deadline := time.After(patience)
	for n.demo.Figures().Delivered < enough || moved.Load() < 30 {
		select {
		case <-deadline:
			t.Fatalf("after %v: %+v, %d positions", patience, n.demo.Figures(), moved.Load())
		case <-time.After(100 * time.Millisecond):
		}
	}
	n.stepIntoEveryRole(t)
	f := n.demo.Figures()
	t.Logf("%d placed, %d delivered, %d cancelled, %d open, the oldest %v; %d positions; refused: %v",
		f.Placed, f.Delivered, f.Cancelled, f.Open, f.Oldest.Round(time.Second), moved.Load(), f.Refusals)
	for _, err := range f.Faults {
		t.Errorf("a service failed: %v", err)
	}
	if f.Oldest > 3*time.Hour {
		t.Errorf("an order is stuck: %v old", f.Oldest)
	}
	if f.Cancelled > 2+f.Placed/5 {
		t.Errorf("%d of %d orders were cancelled", f.Cancelled, f.Placed)
	}
	n.checkHistories(t)
	n.checkFriends(t)
}

// checkFriends looks at what the town's people have posted: a past with pictures, dishes and reviews, and something of today.
func (n *liveTown) checkFriends(t *testing.T) {
	t.Helper()
	read := func(path string, into any) {
		t.Helper()
		reply, err := http.DefaultClient.Get(n.base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		if err := json.NewDecoder(reply.Body).Decode(into); err != nil || reply.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %s, %v", path, reply.Status, err)
		}
	}
	type post struct {
		ID      string
		Created time.Time                      `json:"created_at"`
		Media   []struct{ Description string } `json:"media_attachments"`
		Replies int                            `json:"replies_count"`
		Stoa    struct{ Dish, Review *struct{ ID string } }
	}
	var all []post
	for before := ""; len(all) < 300; {
		var some []post
		read("/api/v1/timelines/public?local=true&limit=40&max_id="+before, &some)
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
		before = some[len(some)-1].ID
	}
	pictures, dishes, reviews, answers := 0, 0, 0, 0
	for _, s := range all {
		for _, m := range s.Media {
			if m.Description == "" {
				t.Errorf("post %s has a picture without words", s.ID)
			}
			pictures++
		}
		answers += s.Replies
		if s.Stoa.Dish != nil {
			dishes++
		}
		if s.Stoa.Review != nil {
			reviews++
		}
	}
	if len(all) < 60 || pictures < 3 || dishes < 10 || reviews < 10 || answers < 30 {
		t.Errorf("the town has %d posts, %d pictures, %d dishes, %d reviews, %d answers", len(all), pictures, dishes, reviews, answers)
	}
	var events struct{ Items []struct{ Coming int } }
	read("/api/stoa/v1/events", &events)
	var groups struct{ Items []struct{ Members int } }
	read("/api/stoa/v1/groups", &groups)
	if len(events.Items) < 3 || events.Items[0].Coming == 0 || len(groups.Items) < 4 || groups.Items[0].Members < 5 {
		t.Errorf("events %+v, groups %+v", events, groups)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		var newest []post
		read("/api/v1/timelines/public?local=true&limit=1", &newest)
		if len(newest) > 0 && newest[0].Created.After(n.opened) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody has posted since the town opened at %v", n.opened)
		}
	}
}

func (n *liveTown) close(t *testing.T) {
	t.Helper()
	n.stop()
	for _, line := range n.log.lines() {
		t.Errorf("logged: %s", line)
	}
}

// positions counts what a stranger's page hears of couriers.
func (n *liveTown) positions(t *testing.T) *atomic.Int64 {
	t.Helper()
	var count atomic.Int64
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.base+"/live?topic=demo:map", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if reply.StatusCode != http.StatusOK {
		t.Fatalf("GET /live: %s", reply.Status)
	}
	go func() {
		defer reply.Body.Close()
		for lines := bufio.NewScanner(reply.Body); lines.Scan(); {
			if lines.Text() == "event: courier.position" || lines.Text() == "event:courier.position" {
				count.Add(1)
			}
		}
	}()
	return &count
}

func (n *liveTown) get(t *testing.T, c *http.Client, path, want string) {
	t.Helper()
	reply, err := c.Get(n.base + path)
	if err != nil {
		t.Fatal(err)
	}
	n.page(t, reply, path, want)
}

// page fails the test unless a reply is a page that holds want.
func (n *liveTown) page(t *testing.T, reply *http.Response, what, want string) {
	t.Helper()
	defer reply.Body.Close()
	var body strings.Builder
	if _, err := bufio.NewReader(reply.Body).WriteTo(&body); err != nil {
		t.Fatal(err)
	}
	if reply.StatusCode != http.StatusOK || !strings.Contains(body.String(), want) {
		t.Errorf("%s: %s at %s; want a page with %q", what, reply.Status, reply.Request.URL.Path, want)
	}
}

func (n *liveTown) stepIntoEveryRole(t *testing.T) {
	t.Helper()
	for role, want := range map[string]string{
		"neighbour": "/", "kitchen": "/kitchen/", "courier": "/courier", "dispatcher": "/dispatch", "owner": "/restaurant/", "admin": "/admin",
	} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar}
		reply, err := c.PostForm(n.base+"/demo/step", url.Values{"role": {role}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(reply.Request.URL.Path, want) {
			t.Errorf("step into %s: led to %s; want %s…", role, reply.Request.URL.Path, want)
		}
		n.page(t, reply, "step into "+role, "</html>")
		n.get(t, c, "/demo", "You are ")
	}
}

// checkHistories fails the test where an order went a way that the machine does not know.
func (n *liveTown) checkHistories(t *testing.T) {
	t.Helper()
	stood := map[id.ID]delivery.State{}
	before := map[id.ID]delivery.State{}
	moves := 0
	for after := int64(0); ; {
		list, err := n.app.Events.Since(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			after = e.Seq
			if !strings.HasPrefix(e.Kind, "order.") {
				continue
			}
			var p delivery.Order
			if err := json.Unmarshal(e.Data, &p); err != nil {
				t.Fatal(err)
			}
			if p.What == delivery.OrderPlaced {
				stood[p.Order] = p.State
				continue
			}
			if p.What == delivery.OrderFailed {
				continue // the same move as the cancellation that follows it
			}
			was, known := stood[p.Order]
			if !known || p.From == "" {
				continue // its card was declined, or nothing but times and people changed
			}
			if p.From != was || !legal(order.Standing{State: was, Before: before[p.Order], Mode: p.Mode}, p.State) {
				t.Errorf("order %s went from %s to %s by %s; it stood at %s", p.Code, p.From, p.State, p.What, was)
			}
			before[p.Order] = was
			stood[p.Order] = p.State
			moves++
		}
	}
	t.Logf("%d orders made %d moves", len(stood), moves)
}

func legal(s order.Standing, to delivery.State) bool {
	for _, v := range order.Verbs {
		for who := order.Customer; who <= order.System; who <<= 1 {
			if got, err := order.Move(s, v, who); err == nil && got == to {
				return true
			}
		}
	}
	return false
}

// faultLog keeps what is logged as an error.
type faultLog struct {
	mu   sync.Mutex
	kept []string
}

func (f *faultLog) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept
}

func (*faultLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (f *faultLog) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, line)
	return nil
}

func (f *faultLog) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f *faultLog) WithGroup(string) slog.Handler      { return f }

package realtime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// moved is the tests' payload: it is routed to order:N and restaurant:R.
type moved struct {
	Order      int `json:"order"`
	Restaurant int `json:"restaurant"`
	Step       int `json:"step"`
}

func (moved) EventKind() string      { return "order.moved" }
func (m moved) EventSubject() string { return fmt.Sprint("order:", m.Order) }

// node is a hub behind a real socket. The header X-Account says who asks.
type node struct {
	d      *db.DB
	log    *events.Log
	hub    *realtime.Hub
	server *httptest.Server
}

func start(t testing.TB, d *db.DB, bus events.Bus, opts ...realtime.Option) *node {
	t.Helper()
	n := &node{d: d, log: events.New(d, bus)}
	n.hub = realtime.New(n.log, bus, opts...)
	n.hub.Route("order.moved", func(e events.Event) []string {
		var m moved
		if err := json.Unmarshal(e.Data, &m); err != nil {
			t.Error(err)
		}
		return []string{fmt.Sprint("order:", m.Order), fmt.Sprint("restaurant:", m.Restaurant)}
	})
	n.hub.Subjects("order")
	for _, p := range []string{"order", "dispatch"} {
		n.hub.Allow(p, func(context.Context, string) error { return nil })
	}
	n.hub.Allow("restaurant", func(ctx context.Context, topic string) error {
		if access.From(ctx).ID == 13 {
			return errs.New(errs.Forbidden, "Not yours.")
		}
		return nil
	})
	n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account, _ := id.Parse(r.Header.Get("X-Account"))
		actor := access.Actor{ID: account}
		if ms, err := strconv.Atoi(r.URL.Query().Get("courier-ms")); err == nil {
			actor.Roles = []access.Grant{{Role: access.RoleCourier, Until: time.Now().Add(time.Duration(ms) * time.Millisecond)}}
		}
		r = r.WithContext(access.With(r.Context(), actor))
		if err := n.hub.Handle(w, r); err != nil {
			http.Error(w, err.Error(), map[errs.Kind]int{errs.Invalid: 422, errs.NotFound: 404, errs.Forbidden: 403, errs.TooMany: 429, errs.Unavailable: 503}[errs.KindOf(err)])
		}
	}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.log.Run(ctx) }()
	t.Cleanup(func() {
		n.hub.Close()
		n.server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) add(t testing.TB, ms ...moved) {
	t.Helper()
	err := n.d.Write(context.Background(), func(tx *db.Tx) error {
		for _, m := range ms {
			if err := n.log.Append(context.Background(), tx, time.UnixMicro(1), 0, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// message is one event of a stream.
type message struct{ id, event, data string }

// client reads a stream.
type client struct {
	body   *http.Response
	lines  *bufio.Scanner
	lastID string
}

func (n *node) dial(t testing.TB, query, last string, account id.ID) *client {
	t.Helper()
	c, status := n.try(t, query, last, account)
	if status != 200 {
		t.Fatalf("GET %s = %d; want 200", query, status)
	}
	return c
}

func (n *node) try(t testing.TB, query, last string, account id.ID) (*client, int) {
	t.Helper()
	r, err := http.NewRequest("GET", n.server.URL+"/live?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	r.Header.Set("X-Account", account.String())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	c := &client{body: res, lines: bufio.NewScanner(res.Body), lastID: last}
	c.lines.Buffer(nil, 1<<20)
	return c, res.StatusCode
}

// next returns the next message that a page would see, or false at the stream's end.
func (c *client) next() (m message, ok bool) {
	for c.lines.Scan() {
		field, value, _ := strings.Cut(c.lines.Text(), ": ")
		switch field {
		case "id":
			m.id, c.lastID = value, value
		case "event":
			m.event = value
		case "data":
			m.data += value
		case "":
			if m.data != "" {
				return m, true
			}
			m = message{}
		}
	}
	return m, false
}

func (c *client) want(t *testing.T, want ...message) {
	t.Helper()
	for _, w := range want {
		got, _ := c.next()
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(message{})); diff != "" {
			t.Fatalf("message (-want +got):\n%s", diff)
		}
	}
}

func msg(seq int, topic string, m moved) message {
	return message{fmt.Sprint(seq), "order.moved", fmt.Sprintf(`{"topic":%q,"order":%d,"restaurant":%d,"step":%d}`, topic, m.Order, m.Restaurant, m.Step)}
}

func TestStreamSaysHelloThenWhatHappensAndResumesWhereItStood(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, events.NewLocal())
		n.add(t, moved{1, 7, 0})
		settle(t, n)
		c := n.dial(t, "topic=order:1&topic=restaurant:7&topic=order:1", "", 0)
		for k, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := c.body.Header.Get(k); got != want {
				t.Errorf("%s: %s; want %s", k, got, want)
			}
		}
		c.want(t, message{"1", "hello", "{}"})
		n.add(t, moved{1, 7, 1}, moved{2, 8, 1}, moved{3, 7, 1})
		c.want(t, msg(2, "order:1", moved{1, 7, 1}), msg(4, "restaurant:7", moved{3, 7, 1})) // each once, though the first has two topics
		c.body.Body.Close()
		n.add(t, moved{1, 7, 2}, moved{2, 8, 2})
		settle(t, n)
		for _, query := range []string{"topic=restaurant:7", "topic=restaurant:7&last=4"} {
			last := "4"
			if strings.Contains(query, "last") {
				last = ""
			}
			c = n.dial(t, query, last, 0)
			c.want(t, msg(5, "restaurant:7", moved{1, 7, 2}))
		}
		n.add(t, moved{3, 7, 9})
		c.want(t, msg(7, "restaurant:7", moved{3, 7, 9}))
	}, events.Schema)
}

func settle(t testing.TB, n *node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := n.log.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// A client that is cut off again and again while events keep coming sees each exactly once and in order.
func TestReconnectingClientMissesNothingUnderContinuousAppends(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, events.NewLocal(), realtime.Heartbeat(3*time.Millisecond))
		const total = 1500
		for _, topic := range []string{"order:1", "restaurant:7"} {
			t.Run(topic, func(t *testing.T) {
				c := n.dial(t, "topic="+topic, "", 0)
				if m, _ := c.next(); m.event != "hello" {
					t.Fatalf("first message %+v; want hello", m)
				}
				var writers sync.WaitGroup
				writers.Go(func() {
					for i := range total {
						n.add(t, moved{1, 7, i}, moved{2, 8, i})
					}
				})
				defer writers.Wait()
				cuts := 0
				for want := 0; want < total; {
					for range 1 + want%37 {
						m, ok := c.next()
						if !ok {
							break // cut off as slow: comes back as a browser would
						}
						var got moved
						if err := json.Unmarshal([]byte(m.data), &got); err != nil || m.event != "order.moved" || got.Step != want {
							t.Fatalf("got %+v; want step %d", m, want)
						}
						if want++; want == total {
							break
						}
					}
					c.body.Body.Close()
					cuts++
					c = n.dial(t, "topic="+topic, c.lastID, 0)
				}
				t.Logf("%d reconnections, %d of them forced", cuts, n.hub.Dropped())
			})
		}
	}, events.Schema)
}

func TestTooMuchMissedGivesResyncUnlessTheIndexFindsIt(t *testing.T) {
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal())
	n.add(t, moved{1, 7, 0})
	for range 25 {
		n.add(t, make([]moved, 100)...)
	}
	n.add(t, moved{1, 7, 1})
	settle(t, n)
	n.dial(t, "topic=order:1", "1", 0).want(t, msg(2502, "order:1", moved{1, 7, 1}))
	c := n.dial(t, "topic=restaurant:7", "1", 0)
	c.want(t, message{"2502", "resync", "{}"})
	n.add(t, moved{1, 7, 2})
	c.want(t, msg(2503, "restaurant:7", moved{1, 7, 2}))
	// From before a backup was restored: a number that the log has not reached.
	c = n.dial(t, "topic=order:1", "999999", 0)
	c.want(t, message{"2503", "resync", "{}"})
	n.add(t, moved{1, 7, 3})
	c.want(t, msg(2504, "order:1", moved{1, 7, 3}))
}

func TestHeartbeatMovesAQuietClientsPosition(t *testing.T) {
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal(), realtime.Heartbeat(time.Millisecond))
	c := n.dial(t, "topic=restaurant:7", "", 0)
	c.want(t, message{"0", "hello", "{}"})
	n.add(t, moved{1, 8, 0}, moved{1, 8, 1})
	for c.lines.Scan() && c.lines.Text() != "id: 2" {
	}
	if err := c.lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestRefusalsComeBeforeTheFirstByte(t *testing.T) {
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal(), realtime.MaxStreams(30))
	many := strings.TrimPrefix(strings.Repeat("&topic=dispatch", 50), "&")
	distinct := ""
	for i := range 50 {
		distinct += fmt.Sprint("&topic=order:", i)
	}
	for name, c := range map[string]struct {
		query, last string
		account     id.ID
		want        int
	}{
		"no topic":            {"", "", 0, 422},
		"unknown topic":       {"topic=order:1&topic=secret:1", "", 0, 404},
		"the same 50 times":   {many, "", 0, 200},
		"50 topics":           {distinct, "", 0, 422},
		"49 topics":           {strings.Replace(distinct, "&topic=order:0", "", 1), "", 0, 200},
		"not allowed":         {"topic=restaurant:1", "", 13, 403},
		"allowed to another":  {"topic=restaurant:1", "", 14, 200},
		"no number":           {"topic=order:1", "abc", 0, 422},
		"negative":            {"topic=order:1", "-1", 0, 422},
		"far beyond an int64": {"topic=order:1", "99999999999999999999", 0, 422},
	} {
		if _, got := n.try(t, c.query, c.last, c.account); got != c.want {
			t.Errorf("%s: %d; want %d", name, got, c.want)
		}
	}
	for i := range 21 {
		if _, got := n.try(t, "topic=dispatch", "", 5); got != map[bool]int{true: 200, false: 429}[i < 20] {
			t.Errorf("stream %d of one account: %d", i+1, got)
		}
	}
	got := 0
	for i := range 31 {
		_, got = n.try(t, "topic=dispatch", "", id.ID(100+i))
	}
	if got != 503 {
		t.Errorf("a stream too many for the process: %d; want 503", got)
	}
}

func TestSentMessagesReachAllNodesWithoutAnID(t *testing.T) {
	d, bus := dbtest.SQLite(t, events.Schema), events.NewLocal()
	a, b := start(t, d, bus), start(t, d, bus)
	var cs []*client
	for _, n := range []*node{a, b} {
		c := n.dial(t, "topic=dispatch", "", 0)
		c.want(t, message{"0", "hello", "{}"})
		cs = append(cs, c)
	}
	for _, v := range []any{map[string]int{"lat": 1}, struct{}{}, []int{1, 2}} {
		if err := a.hub.Send("dispatch", "courier.position", v); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range cs {
		c.want(t, message{"", "courier.position", `{"topic":"dispatch","lat":1}`}, message{"", "courier.position", `{"topic":"dispatch"}`},
			message{"", "courier.position", `{"topic":"dispatch","value":[1,2]}`})
	}
}

func TestLostRightsEndStreamsOnAllNodes(t *testing.T) {
	d, bus := dbtest.SQLite(t, events.Schema), events.NewLocal()
	a, b := start(t, d, bus), start(t, d, bus)
	other := b.dial(t, "topic=dispatch", "", 6)
	other.want(t, message{"0", "hello", "{}"})
	for name, revoke := range map[string]func(){
		"dropped":       func() { a.hub.Drop(5) },
		"changed":       func() { a.append(t, account.Changed{Account: 5}) },
		"session ended": func() { a.append(t, account.SessionEnded{Account: 5}) },
	} {
		var cs []*client
		for _, n := range []*node{a, b} {
			c := n.dial(t, "topic=dispatch", "", 5)
			if m, _ := c.next(); m.event != "hello" {
				t.Fatal(m)
			}
			cs = append(cs, c)
		}
		revoke()
		for _, c := range cs {
			if m, ok := c.next(); ok {
				t.Errorf("%s: the stream goes on with %+v", name, m)
			}
		}
	}
	if err := a.hub.Send("dispatch", "still", struct{}{}); err != nil {
		t.Fatal(err)
	}
	other.want(t, message{"", "still", `{"topic":"dispatch"}`})
}

func TestAStreamEndsWithTheRoleOfItsActor(t *testing.T) {
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal())
	stays := n.dial(t, "topic=dispatch", "", 6)
	stays.want(t, message{"0", "hello", "{}"})
	began := time.Now()
	ends := n.dial(t, "topic=dispatch&courier-ms=300", "", 5)
	ends.want(t, message{"0", "hello", "{}"})
	if m, ok := ends.next(); ok {
		t.Errorf("the stream goes on with %+v", m)
	}
	if took := time.Since(began); took < 300*time.Millisecond || took > 5*time.Second {
		t.Errorf("the stream ended after %v; want it to end with the role, after 300 ms", took)
	}
	if err := n.hub.Send("dispatch", "still", struct{}{}); err != nil {
		t.Fatal(err)
	}
	stays.want(t, message{"", "still", `{"topic":"dispatch"}`})
}

func (n *node) append(t *testing.T, p events.Payload) {
	err := n.d.Write(t.Context(), func(tx *db.Tx) error { return n.log.Append(t.Context(), tx, time.UnixMicro(1), 0, p) })
	if err != nil {
		t.Error(err)
	}
}

// A client that reads nothing is cut off once its queue and the socket are full, and the others do not wait for it.
func TestSlowClientIsCutOffAndDelaysNobody(t *testing.T) {
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal())
	conn, err := net.Dial("tcp", n.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := errors.Join(conn.(*net.TCPConn).SetReadBuffer(4096), second(fmt.Fprint(conn, "GET /live?topic=dispatch HTTP/1.1\r\nHost: x\r\n\r\n"))); err != nil {
		t.Fatal(err)
	}
	quick := n.dial(t, "topic=dispatch", "", 0)
	quick.want(t, message{"0", "hello", "{}"})
	for n.hub.Streams() < 2 {
		time.Sleep(time.Millisecond)
	}
	big := strings.Repeat("x", 64<<10)
	var worst time.Duration
	for i := 0; n.hub.Dropped() == 0; i++ {
		if i == 2000 {
			t.Fatal("the slow client is still there after 2,000 messages of 64 KiB")
		}
		sent := time.Now()
		if err := n.hub.Send("dispatch", "big", map[string]any{"i": i, "x": big}); err != nil {
			t.Fatal(err)
		}
		if m, ok := quick.next(); !ok || !strings.Contains(m.data[:40], fmt.Sprintf(`"i":%d,`, i)) {
			t.Fatalf("the quick client got %.60s, %v; want message %d", m.data, ok, i)
		}
		worst = max(worst, time.Since(sent))
	}
	if n.hub.Streams() != 1 || worst > 2*time.Second {
		t.Fatalf("%d streams left, the quick client waited up to %v", n.hub.Streams(), worst)
	}
}

func second(_ int, err error) error { return err }

func TestCloseEndsStreamsWithAdviceAndRefusesNewOnes(t *testing.T) {
	d := dbtest.SQLite(t, events.Schema)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("", func(t *testing.T) {
		n := start(t, d, events.NewLocal())
		c := n.dial(t, "topic=dispatch", "", 0)
		c.want(t, message{"0", "hello", "{}"})
		n.hub.Close()
		var rest []string
		for c.lines.Scan() {
			rest = append(rest, c.lines.Text())
		}
		if diff := cmp.Diff([]string{"retry: 1000", ""}, rest); diff != "" {
			t.Errorf("after Close (-want +got):\n%s", diff)
		}
		if _, got := n.try(t, "topic=dispatch", "", 0); got != 503 {
			t.Errorf("a new stream: %d; want 503", got)
		}
		if n.hub.Streams() != 0 {
			t.Errorf("%d streams left", n.hub.Streams())
		}
		http.DefaultClient.CloseIdleConnections()
	})
	http.DefaultClient.CloseIdleConnections()
}

// TestStreamOutlivesTheServersReadTimeout: net/http ends a request's context when its read deadline passes.
func TestStreamOutlivesTheServersReadTimeout(t *testing.T) {
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal(), realtime.Heartbeat(20*time.Millisecond))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.hub.Handle(w, r) }))
	s.Config.ReadTimeout, s.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	s.Start()
	defer s.Close()
	defer n.hub.Close()
	res, err := http.Get(s.URL + "/live?topic=dispatch")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	beats := 0
	for lines := bufio.NewScanner(res.Body); beats < 20 && lines.Scan(); {
		if lines.Text() == ":" {
			beats++
		}
	}
	if beats < 20 {
		t.Fatalf("the stream ended after %d heartbeats of 20 ms", beats)
	}
}

package stream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/stream"
)

// town is what streams ask of others. Everybody from 100 on follows 2; 1 follows 2 and 3, mutes 4 and has a filter that hides "ball".
type town struct {
	mu       sync.Mutex
	texts    map[id.ID]string
	rendered atomic.Int64
}

func (tw *town) Relations(_ context.Context, viewer id.ID) (*social.Relations, error) {
	rel := &social.Relations{Viewer: viewer, Follows: map[id.ID]social.Follow{2: {Boosts: true}}}
	if viewer == 1 {
		rel.Follows[3], rel.Mutes = social.Follow{}, map[id.ID]social.Mute{4: {}}
	}
	return rel, nil
}

func (tw *town) JSON(_ context.Context, rel *social.Relations, ids []id.ID, where string) (out []json.RawMessage, err error) {
	tw.rendered.Add(1)
	tw.mu.Lock()
	defer tw.mu.Unlock()
	for _, n := range ids {
		if rel.Viewer == 1 && strings.Contains(tw.texts[n], "ball") && where == "home" {
			continue
		}
		b, err := json.Marshal(map[string]any{"id": n, "content": tw.texts[n]})
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (tw *town) List(_ context.Context, owner, list id.ID) (*social.List, error) {
	if owner != 1 || list != 5 {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	return &social.List{ID: 5, Owner: 1, Replies: "list", Members: map[id.ID]bool{3: true}}, nil
}

type filtering struct{}

func (filtering) Match(string, string, ...id.ID) ([]social.Filtered, bool) { return nil, false }

func (tw *town) For(_ context.Context, reader id.ID) (social.Matcher, error) {
	if reader == 1 {
		return filtering{}, nil
	}
	return nil, nil
}

func (tw *town) Notification(_ context.Context, account, n id.ID) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"id": n, "type": "mention", "to": account})
}

func (tw *town) Conversation(_ context.Context, _, n id.ID) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"id": n})
}

func (tw *town) Announcement(_ context.Context, n id.ID) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"id": n})
}

type server struct {
	*town
	t    testing.TB
	log  *events.Log
	d    *db.DB
	hub  *stream.Hub
	http *httptest.Server
	next id.ID
}

// serve has a hub behind a real server. The token "as-7" is 7's; "notes-7" may only read notifications.
func serve(t testing.TB, opt stream.Options) *server {
	d := dbtest.SQLite(t, events.Schema)
	s := &server{town: &town{texts: map[id.ID]string{}}, t: t, d: d, log: events.New(d, events.NewLocal()), next: 1000}
	s.hub = stream.New(stream.Deps{Now: time.Now, Log: s.log, Statuses: s.town, Graph: s.town, Lists: s.town, Filters: s.town, Others: s.town}, opt)
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
	s.hub.Routes(rt)
	s.http = httptest.NewServer(stream.Token(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor := access.Actor{}
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			kind, who, _ := strings.Cut(token, "-")
			n, err := id.Parse(who)
			if err != nil {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			actor.ID = n
			if kind == "notes" {
				actor.Scopes = []string{"read:notifications"}
			}
		}
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), actor)))
	})))
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for _, fn := range []func(context.Context) error{s.log.Run, s.hub.Run} {
		work.Go(func() {
			if err := fn(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		s.hub.Close()
		s.http.Close()
		cancel()
		work.Wait()
	})
	return s
}

func (s *server) append(list ...events.Payload) {
	s.t.Helper()
	err := s.d.Write(context.Background(), func(tx *db.Tx) error {
		for _, p := range list {
			if err := s.log.Append(context.Background(), tx, time.Now(), 0, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

func (s *server) post(h social.Head, text string) id.ID {
	s.t.Helper()
	s.mu.Lock()
	s.next++
	h.ID = s.next
	if h.Visibility == "" {
		h.Visibility = social.Public
	}
	s.texts[h.ID] = text
	s.mu.Unlock()
	s.append(social.Posted{Head: h})
	return h.ID
}

// socket connects and waits until the hub knows of it.
func (s *server) socket(query string, protocols ...string) *websocket.Conn {
	s.t.Helper()
	before := s.hub.Streams()
	c, _, err := websocket.Dial(s.t.Context(), strings.Replace(s.http.URL, "http", "ws", 1)+stream.Prefix+query, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		s.t.Fatalf("connect %s: %v", query, err)
	}
	if len(protocols) > 0 && c.Subprotocol() != protocols[0] {
		s.t.Errorf("protocol = %q; want %q back", c.Subprotocol(), protocols[0])
	}
	c.SetReadLimit(1 << 20)
	s.t.Cleanup(func() { c.CloseNow() })
	for s.hub.Streams() == before {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(5 * time.Millisecond)
	return c
}

type wire struct {
	Stream  []string `json:"stream"`
	Event   string   `json:"event"`
	Payload *string  `json:"payload"`
	Error   string   `json:"error"`
}

func (w wire) String() string {
	if w.Payload == nil {
		return fmt.Sprint(w.Stream, w.Event, " ", w.Error)
	}
	return fmt.Sprint(w.Stream, w.Event, " ", *w.Payload)
}

func next(t testing.TB, c *websocket.Conn) (w wire) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, b, err := c.Read(ctx)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := json.Unmarshal(b, &w); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return w
}

func want(t testing.TB, c *websocket.Conn, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if got := next(t, c).String(); got != l {
			t.Fatalf("got  %s\nwant %s", got, l)
		}
	}
}

func say(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
}

func TestOneSocketCarriesManyStreams(t *testing.T) {
	s := serve(t, stream.Options{})
	c := s.socket("?stream=user", "as-1")
	say(t, c, `{"type":"subscribe","stream":"hashtag","tag":"Soup"}`)
	say(t, c, `{"type":"subscribe","stream":"list","list":"5"}`)
	say(t, c, `not JSON`)
	a := s.post(social.Head{Account: 2}, "say \"hi\"\n\\ ü")
	s.post(social.Head{Account: 9}, "from a stranger")
	b := s.post(social.Head{Account: 9, Tags: []string{"soup"}}, "soup")
	s.post(social.Head{Account: 4, Tags: []string{"soup"}}, "muted")
	s.post(social.Head{Account: 2}, "a ball")
	e := s.post(social.Head{Account: 3, Visibility: social.Followers}, "for followers")
	s.append(social.Deleted{Head: social.Head{ID: a, Account: 2, Visibility: social.Public}})
	want(t, c,
		`[user]update {"content":"say \"hi\"\n\\ ü","id":"`+a.String()+`"}`,
		`[hashtag Soup]update {"content":"soup","id":"`+b.String()+`"}`,
		`[user]update {"content":"for followers","id":"`+e.String()+`"}`, `[list 5]update {"content":"for followers","id":"`+e.String()+`"}`,
		`[user]delete `+a.String(),
	)
	say(t, c, `{"type":"unsubscribe","stream":"hashtag","tag":"Soup"}`)
	say(t, c, `{"type":"subscribe","stream":"list","list":"6"}`)
	want(t, c, `[] Record not found`)
	say(t, c, `{"type":"subscribe","stream":"kitchen"}`)
	want(t, c, `[] Unknown stream type`)
	s.post(social.Head{Account: 9, Tags: []string{"soup"}}, "more soup")
	s.append(social.FiltersChanged{By: 1}, social.Notified{To: 1, Notification: 77}, social.Notified{To: 8, Notification: 78})
	s.append(social.NoticesChanged{To: 1, What: "merged"}, social.AnnouncementChanged{Announcement: 3, What: "published"}, social.AnnouncementChanged{Announcement: 3, What: "removed"})
	want(t, c, `[user]filters_changed `, `[user]notification {"id":"77","to":"1","type":"mention"}`, `[user]notifications_merged 1`, `[user]announcement {"id":"3"}`, `[user]announcement.delete 3`)
	// What an archive brings was never on anybody's screen: nothing is said of it.
	s.append(social.Edited{Head: social.Head{ID: a, Account: 2, Visibility: social.Public}, Silent: true, Past: true})
	s.append(social.Edited{Head: social.Head{ID: e, Account: 3, Visibility: social.Public}})
	if got := next(t, c); got.Event != "status.update" || !strings.Contains(got.String(), e.String()) {
		t.Errorf("after an edit: %s", got)
	}
}

func TestStrangersHearWhatIsPublic(t *testing.T) {
	s := serve(t, stream.Options{})
	local, media, known := s.socket("?stream=public:local"), s.socket("?stream=public:media"), s.socket("?stream=public:local&access_token=as-100")
	s.post(social.Head{Account: 2, Visibility: social.Unlisted}, "unlisted")
	s.post(social.Head{Account: 2, Visibility: social.Direct, Mentions: []id.ID{100}}, "direct")
	s.post(social.Head{Account: 2, Visibility: social.Followers}, "followers")
	tn := s.post(social.Head{Account: 2, Visibility: social.Town}, "town")
	s.post(social.Head{Account: 2, BoostOf: 5, BoostFrom: 6}, "boost")
	s.post(social.Head{Account: 2, ReplyTo: 5, ReplyFrom: 6}, "answer")
	s.post(social.Head{Account: 7, Hidden: true}, "silenced")
	p := s.post(social.Head{Account: 2}, "public")
	m := s.post(social.Head{Account: 2, Media: true}, "picture")
	line := func(stream string, n id.ID, text string) string {
		return fmt.Sprintf(`[%s]update {"content":%q,"id":"%s"}`, stream, text, n)
	}
	want(t, local, line("public:local", p, "public"), line("public:local", m, "picture"))
	want(t, known, line("public:local", tn, "town"), line("public:local", p, "public"), line("public:local", m, "picture"))
	want(t, media, line("public:media", m, "picture"))
}

func TestStreamsThatAreNotOnesOwnAreRefused(t *testing.T) {
	s := serve(t, stream.Options{})
	for _, c := range []struct {
		path, token string
		status      int
	}{
		{"/user", "", 401},
		{"/user", "broken", 401},
		{"/user/notification", "", 401},
		{"/list?list=5", "as-8", 404},
		{"/list", "as-1", 422},
		{"/hashtag", "", 422},
		{"/kitchen", "as-1", 404},
		{"", "as-1", 422},
		{"/user", "notes-1", 403},
		{"?stream=direct", "", 401},
	} {
		r, err := http.NewRequest("GET", s.http.URL+stream.Prefix+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("GET %s with %q = %d; want %d", c.path, c.token, res.StatusCode, c.status)
		}
	}
	if n := s.hub.Streams(); n != 0 {
		t.Errorf("%d streams are left of those that were refused", n)
	}
}

// events is a reader of server-sent events.
type sse struct {
	body  io.Closer
	lines *bufio.Scanner
	id    string
}

func (s *server) events(path, token, last string) *sse {
	s.t.Helper()
	before := s.hub.Streams()
	r, err := http.NewRequest("GET", s.http.URL+stream.Prefix+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("GET %s = %d %s", path, res.StatusCode, res.Header)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	for s.hub.Streams() == before {
		time.Sleep(time.Millisecond)
	}
	return &sse{body: res.Body, lines: bufio.NewScanner(res.Body)}
}

// next returns the next event and its data, or "" at the end.
func (e *sse) next() string {
	event := ""
	for e.lines.Scan() {
		name, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			event = value
		case "data":
			return event + " " + value
		case ":thump":
			return "thump"
		}
	}
	return ""
}

func TestEventsAreResumedWhereTheyEnded(t *testing.T) {
	s := serve(t, stream.Options{})
	c := s.events("/user", "as-1", "")
	a := s.post(social.Head{Account: 2}, "one")
	if got, want := c.next(), fmt.Sprintf(`update {"content":"one","id":"%s"}`, a); got != want {
		t.Fatalf("got %s; want %s", got, want)
	}
	c.body.Close()
	for s.hub.Streams() > 0 {
		time.Sleep(time.Millisecond)
	}
	two := s.post(social.Head{Account: 3}, "two")
	s.post(social.Head{Account: 9}, "from a stranger")
	s.append(social.Deleted{Head: social.Head{ID: a, Account: 2, Visibility: social.Public}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.log.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	c = s.events("/user", "as-1", c.id)
	three := s.post(social.Head{Account: 2}, "three")
	for _, want := range []string{fmt.Sprintf(`update {"content":"two","id":"%s"}`, two), "delete " + a.String(), fmt.Sprintf(`update {"content":"three","id":"%s"}`, three)} {
		if got := c.next(); got != want {
			t.Fatalf("got %s; want %s", got, want)
		}
	}
}

func TestEventsOfEachPath(t *testing.T) {
	s := serve(t, stream.Options{})
	paths := map[string]*sse{}
	for _, p := range []string{"/user", "/public", "/public/local", "/public?only_media=true", "/hashtag?tag=soup", "/hashtag/local?tag=soup", "/list?list=5"} {
		paths[p] = s.events(p, "as-1", "")
	}
	n := s.post(social.Head{Account: 3, Media: true, Tags: []string{"soup"}}, "soup")
	for p, c := range paths {
		if got, want := c.next(), fmt.Sprintf(`update {"content":"soup","id":"%s"}`, n); got != want {
			t.Errorf("%s: got %s; want %s", p, got, want)
		}
	}
	notes, direct := s.events("/user/notification", "notes-1", ""), s.events("/direct", "as-1", "")
	s.append(social.Notified{To: 1, Notification: 5}, social.Talked{To: 1, Conversation: 6, Fresh: true})
	if got := notes.next(); got != `notification {"id":"5","to":"1","type":"mention"}` {
		t.Error(got)
	}
	if got := direct.next(); got != `conversation {"id":"6"}` {
		t.Error(got)
	}
	res, err := http.Get(s.http.URL + stream.Prefix + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "OK" {
		t.Errorf("health = %s", b)
	}
}

func TestStreamsEndWithTheSession(t *testing.T) {
	s := serve(t, stream.Options{Beat: 20 * time.Millisecond})
	ws, events, other := s.socket("?stream=user&access_token=as-1"), s.events("/user", "as-1", ""), s.socket("?stream=user&access_token=as-100")
	if got := events.next(); got != "thump" {
		t.Errorf("a quiet stream says %q; want a sign of life", got)
	}
	s.append(account.SessionEnded{Account: 1})
	for got := events.next(); got != ""; got = events.next() {
		if got != "thump" {
			t.Errorf("got %s; want the end", got)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := ws.Read(ctx); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
		t.Errorf("the socket says %v; want its end", err)
	}
	n := s.post(social.Head{Account: 2}, "still here")
	want(t, other, fmt.Sprintf(`[user]update {"content":"still here","id":"%s"}`, n))
}

func TestWhoDoesNotKeepUpIsCutOff(t *testing.T) {
	s := serve(t, stream.Options{})
	s.socket("?stream=user&access_token=as-100") // reads nothing
	long := strings.Repeat("x", 60_000)
	for i := 0; i < 2000 && s.hub.Dropped() == 0; i++ {
		s.post(social.Head{Account: 2}, long)
	}
	if s.hub.Dropped() != 1 || s.hub.Streams() != 0 {
		t.Errorf("dropped %d, open %d; want 1 and 0", s.hub.Dropped(), s.hub.Streams())
	}
}

// Run with STOA_BENCH=1 for the full size.
func TestAPostReachesAllWhoAreOnline(t *testing.T) {
	online, rounds, limit := 200, 5, 2*time.Second
	if os.Getenv("STOA_BENCH") != "" {
		online, rounds, limit = 1000, 50, 150*time.Millisecond // the clients run in this process, too
	}
	s := serve(t, stream.Options{})
	var mu sync.Mutex
	var sent time.Time
	var took []time.Duration
	var arrived sync.WaitGroup
	for i := range online {
		c, _, err := websocket.Dial(t.Context(), strings.Replace(s.http.URL, "http", "ws", 1)+stream.Prefix+fmt.Sprintf("?stream=user&access_token=as-%d", 100+i), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		go func() {
			for {
				if _, _, err := c.Read(t.Context()); err != nil {
					return
				}
				now := time.Now()
				mu.Lock()
				took = append(took, now.Sub(sent))
				mu.Unlock()
				arrived.Done()
			}
		}()
	}
	for s.hub.Streams() < online {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	for range rounds {
		arrived.Add(online)
		mu.Lock()
		sent = time.Now()
		mu.Unlock()
		s.post(social.Head{Account: 2}, strings.Repeat("news of the town ", 120))
		arrived.Wait()
	}
	slices.Sort(took)
	at := func(p int) time.Duration { return took[len(took)*p/100] }
	t.Logf("%d online, %d posts: p50 %v, p90 %v, p99 %v, max %v, rendered %d times", online, rounds, at(50), at(90), at(99), took[len(took)-1], s.rendered.Load())
	if at(99) > limit || s.rendered.Load() != int64(rounds) {
		t.Errorf("p99 %v, rendered %d times; want at most %v and %d times", at(99), s.rendered.Load(), limit, rounds)
	}
}

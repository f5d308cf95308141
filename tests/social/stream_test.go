package social

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// message is what comes over a socket.
type message struct {
	Stream  []string `json:"stream"`
	Event   string   `json:"event"`
	Payload string   `json:"payload"`
}

// socket is an open stream, whose messages are kept as they come.
type socket struct {
	*websocket.Conn
	t        *testing.T
	messages chan message
}

// dial opens a socket where the instance says that streams are.
func (w *town) dial(t *testing.T, query string, opt *websocket.DialOptions) *socket {
	t.Helper()
	var doc struct {
		Configuration struct{ Urls struct{ Streaming string } }
	}
	w.send(t, "", "GET", "/api/v2/instance", "", "").read(t, 200, "instance", &doc)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	c, res, err := websocket.Dial(ctx, doc.Configuration.Urls.Streaming+"/api/v1/streaming"+query, opt)
	if err != nil {
		t.Fatalf("open a stream: %v, %+v", err, res)
	}
	c.SetReadLimit(1 << 20)
	s := &socket{Conn: c, t: t, messages: make(chan message, 1000)}
	go func() {
		defer close(s.messages)
		for {
			_, b, err := c.Read(ctx)
			if err != nil {
				return
			}
			var m message
			if err := json.Unmarshal(b, &m); err != nil {
				t.Errorf("a message that is none: %s", b)
			}
			s.messages <- m
		}
	}()
	return s
}

func (s *socket) say(doc string) {
	s.t.Helper()
	if err := s.Write(s.t.Context(), websocket.MessageText, []byte(doc)); err != nil {
		s.t.Fatal(err)
	}
}

// hear waits for a message of a stream and kind that says something.
func (s *socket) hear(stream []string, event, text string) message {
	s.t.Helper()
	end := time.After(20 * time.Second)
	var others []string
	for {
		select {
		case m, ok := <-s.messages:
			if !ok {
				s.t.Fatalf("the stream ended before %s of %v", event, stream)
			}
			if m.Event == event && slices.Equal(m.Stream, stream) && strings.Contains(m.Payload, text) {
				return m
			}
			others = append(others, fmt.Sprint(m.Stream, m.Event))
		case <-end:
			s.t.Fatalf("no %s of %v with %q; heard %v", event, stream, text, others)
		}
	}
}

func TestQuirk08StreamsInEveryWay(t *testing.T) {
	w := open(t)
	anna, ben := w.person(t, "anna"), w.person(t, "ben")
	ben.want(200, "POST", "/api/v1/accounts/"+anna.id+"/follow", url.Values{}, nil)

	pinged := make(chan struct{}, 10)
	quiet := w.dial(t, "?access_token="+ben.token, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		pinged <- struct{}{}
		return true
	}})
	opened := time.Now()

	byQuery := w.dial(t, "?stream=user&access_token="+ben.token, nil)
	byProtocol := w.dial(t, "?stream=user", &websocket.DialOptions{Subprotocols: []string{ben.token}})
	if byProtocol.Subprotocol() != ben.token {
		t.Error("the protocol is not echoed: browsers close such a socket")
	}
	many := w.dial(t, "", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + ben.token}}})
	many.say(`{"type":"subscribe","stream":"hashtag","tag":"Food"}`)
	many.say(`{"type":"subscribe","stream":"public:local"}`)
	many.say(`{"type":"subscribe","stream":"user:notification"}`)
	time.Sleep(500 * time.Millisecond) // nothing says that a subscription has been heard

	post := anna.post("Hello @ben #food")
	for _, s := range []*socket{byQuery, byProtocol} {
		m := s.hear([]string{"user"}, "update", post.ID)
		var inner status
		if err := json.Unmarshal([]byte(m.Payload), &inner); err != nil || inner.ID != post.ID {
			t.Errorf("the payload is no status as a text: %.200s", m.Payload)
		}
		s.hear([]string{"user"}, "notification", `"mention"`)
	}
	for _, stream := range [][]string{{"hashtag", "Food"}, {"public:local"}} {
		many.hearAny(stream, "update", post.ID)
	}

	anna.want(200, "PUT", "/api/v1/statuses/"+post.ID, url.Values{"status": {"Hello again @ben #food"}}, nil)
	byQuery.hear([]string{"user"}, "status.update", "again")
	ben.want(200, "POST", "/api/v2/filters", url.Values{"title": {"F"}, "context[]": {"home"}}, nil)
	byQuery.hear([]string{"user"}, "filters_changed", "")
	direct := w.dial(t, "?stream=direct&access_token="+ben.token, nil)
	time.Sleep(300 * time.Millisecond)
	letter := anna.post("@ben psst", "visibility", "direct")
	direct.hear([]string{"direct"}, "conversation", letter.ID)
	many.say(`{"type":"unsubscribe","stream":"hashtag","tag":"Food"}`)
	time.Sleep(300 * time.Millisecond)
	anna.want(200, "DELETE", "/api/v1/statuses/"+post.ID, nil, nil)
	if m := byQuery.hear([]string{"user"}, "delete", post.ID); m.Payload != post.ID {
		t.Errorf("a deletion says %q", m.Payload)
	}
	if m := many.hear([]string{"public:local"}, "delete", post.ID); m.Payload != post.ID {
		t.Errorf("a deletion says %q", m.Payload)
	}

	// Who is nobody hears nobody's stream.
	if _, res, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+"/api/v1/streaming?stream=user&access_token=nonsense", nil); err == nil || res == nil || res.StatusCode != 401 {
		t.Errorf("with a token that is none: %v", res)
	}

	// Server-sent events.
	if r := w.send(t, "", "GET", "/api/v1/streaming/health", "", ""); r.Status != 200 || !strings.HasPrefix(string(r.Body), "OK") {
		t.Errorf("health is %d %s", r.Status, r.Body)
	}
	for path, text := range map[string]string{"user": "", "public": "", "public/local": "", "hashtag?tag=tea": ""} {
		lines := w.listen(t, ben.token, "/api/v1/streaming/"+path)
		time.Sleep(200 * time.Millisecond)
		s := anna.post("Some #tea " + path)
		end := time.After(15 * time.Second)
		for event := ""; ; {
			select {
			case line := <-lines:
				if e, ok := strings.CutPrefix(line, "event: "); ok {
					event = e
				}
				if d, ok := strings.CutPrefix(line, "data: "); ok && event == "update" {
					var got status
					if err := json.Unmarshal([]byte(d), &got); err != nil {
						t.Errorf("%s: %v in %.200s", path, err, d)
					}
					text = got.ID
				}
			case <-end:
				t.Fatalf("%s is silent", path)
			}
			if text == s.ID {
				break
			}
		}
	}

	// Proxies close what is silent.
	select {
	case <-pinged:
	case <-time.After(30*time.Second - time.Since(opened)):
		t.Error("no ping within 30 s")
	}
	quiet.CloseNow()
}

// hearAny is hear, but keeps what is of other streams for later.
func (s *socket) hearAny(stream []string, event, text string) {
	s.t.Helper()
	var later []message
	for end := time.After(20 * time.Second); ; {
		select {
		case m := <-s.messages:
			if m.Event == event && slices.Equal(m.Stream, stream) && strings.Contains(m.Payload, text) {
				for _, l := range later {
					s.messages <- l
				}
				return
			}
			later = append(later, m)
		case <-end:
			s.t.Fatalf("no %s of %v with %q; heard %v", event, stream, text, later)
		}
	}
}

// listen opens a stream of server-sent events and returns its lines.
func (w *town) listen(t *testing.T, token, path string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", w.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("GET %s: %d %v", path, res.StatusCode, res.Header)
	}
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		defer res.Body.Close()
		for in := bufio.NewScanner(res.Body); in.Scan(); {
			out <- in.Text()
		}
	}()
	return out
}

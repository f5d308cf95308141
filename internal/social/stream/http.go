package stream

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

const (
	writeWithin = 10 * time.Second // a client that takes nothing for so long is gone
	replayMost  = 2000             // events looked at when a stream resumes
)

// Prefix is where streams are.
const Prefix = "/api/v1/streaming"

// Is reports whether a request opens a stream that stays.
func Is(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, Prefix)
	return ok && (rest == "" || rest[0] == '/') && rest != "/health"
}

// Token has requests for streams bring their token as others do, in the header Authorization: browsers can set no headers for a WebSocket, so
// clients send it as the parameter access_token or in place of the protocol. To stand before who reads tokens.
func Token(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Is(r) && r.Header.Get("Authorization") == "" {
			token := r.URL.Query().Get("access_token")
			if token == "" {
				token = protocol(r)
			}
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// protocol returns the first protocol that a WebSocket's handshake asks for.
func protocol(r *http.Request) string {
	p, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	return strings.TrimSpace(p)
}

// Routes registers the streams. Each asks for the rights that it needs itself.
func (h *Hub) Routes(rt *httpx.Router) {
	rt.Raw("GET "+Prefix+"/health", httpx.Anyone, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte("OK")) // the client may be gone
		return nil
	})
	rt.Raw("GET "+Prefix, httpx.Anyone, h.handle)
	rt.Raw("GET "+Prefix+"/{stream...}", httpx.Anyone, h.handle)
}

// handle serves a WebSocket, or a stream of events by its path or the parameter stream.
func (h *Hub) handle(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	kind := q.Get("stream")
	if path := r.PathValue("stream"); path != "" {
		media, err := strconv.ParseBool(q.Get("only_media"))
		if kind = kindOf(path, err == nil && media); kind == "" {
			return errs.New(errs.NotFound, "Unknown stream type")
		}
	}
	actor := access.From(r.Context())
	c := &client{actor: actor, queue: make(chan []byte, queueLen), notice: access.Could(actor, "notification.read") == nil}
	c.ws = strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	if kind == "" && !c.ws {
		return errs.InvalidField("stream", "Name the stream to listen to.")
	}
	// Listed before the rights are asked for: if they change in between, the stream ends.
	from, err := h.join(c)
	if err != nil {
		return err
	}
	defer h.leave(c)
	if kind != "" {
		t, err := h.topicOf(r.Context(), actor, kind, q.Get("tag"), q.Get("list"))
		if err != nil {
			return err
		}
		if err := h.subscribe(c, t); err != nil {
			return err
		}
	}
	if c.ws {
		return h.socket(w, r, c)
	}
	return h.events(w, r, c, from)
}

// over returns a channel that tells when a role or the session of the actor ends.
func (h *Hub) over(actor access.Actor) (ch <-chan time.Time, stop func()) {
	ends := actor.Ends()
	if ends.IsZero() {
		return nil, func() {}
	}
	t := time.NewTimer(ends.Sub(h.Now()))
	return t.C, func() { t.Stop() }
}

// ask is what a client says on a WebSocket.
type ask struct {
	Type   string `json:"type"`
	Stream string `json:"stream"`
	Tag    string `json:"tag"`
	List   string `json:"list"`
}

// socket serves a WebSocket until it ends.
func (h *Hub) socket(w http.ResponseWriter, r *http.Request, c *client) error {
	opt := &websocket.AcceptOptions{InsecureSkipVerify: true} // any page may connect; those of others come without cookies, see httpx.Harden
	if p := protocol(r); p != "" {
		opt.Subprotocols = []string{p} // clients that sent the token in its place wait for it to be chosen
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the server's deadline for reading a request would end the stream
	conn, err := websocket.Accept(w, r, opt)
	if err != nil {
		return nil // Accept has answered
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(16 << 10)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // the request's ends with the handshake
	defer cancel()
	go func() {
		defer cancel()
		h.listen(ctx, conn, c)
	}()
	beat := time.NewTicker(h.opt.Beat)
	defer beat.Stop()
	over, stop := h.over(c.actor)
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			conn.Close(websocket.StatusPolicyViolation, "the session has ended")
			return nil
		case <-beat.C:
			err = within(ctx, func(ctx context.Context) error { return conn.Ping(ctx) })
		case b, open := <-c.queue:
			if !open || c.ended.Load() {
				conn.Close(websocket.StatusTryAgainLater, "connect again")
				return nil
			}
			err = within(ctx, func(ctx context.Context) error { return conn.Write(ctx, websocket.MessageText, b) })
		}
		if err != nil {
			return nil // the client is gone, or takes nothing
		}
	}
}

func within(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return fn(ctx)
}

// listen reads what the client says until it leaves.
func (h *Hub) listen(ctx context.Context, conn *websocket.Conn, c *client) {
	for {
		_, b, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var a ask
		if json.Unmarshal(b, &a) != nil {
			continue // as Mastodon does: some clients send a word to keep the connection
		}
		if err := h.answer(ctx, c, a); err != nil {
			e := errs.As(err)
			if e == nil {
				return
			}
			b, err := json.Marshal(map[string]any{"error": e.Message, "status": httpx.StatusOf(e)})
			if err != nil || within(ctx, func(ctx context.Context) error { return conn.Write(ctx, websocket.MessageText, b) }) != nil {
				return
			}
		}
	}
}

func (h *Hub) answer(ctx context.Context, c *client, a ask) error {
	switch a.Type {
	case "subscribe":
		t, err := h.topicOf(ctx, c.actor, a.Stream, a.Tag, a.List)
		if err != nil {
			return err
		}
		return h.subscribe(c, t)
	case "unsubscribe":
		t, err := h.topicOf(ctx, c.actor, a.Stream, a.Tag, a.List)
		if err != nil {
			return err
		}
		h.unsubscribe(c, t)
	}
	return nil
}

// events serves a stream of events until it ends. A client that comes back with the id it saw last is told what it has missed.
func (h *Hub) events(w http.ResponseWriter, r *http.Request, c *client, from int64) error {
	last := int64(0)
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		var err error
		if last, err = strconv.ParseInt(text, 10, 64); err != nil || last < 0 {
			return errs.InvalidField("last", "The position to resume from is a number that the stream gave as an id.")
		}
	}
	rc := http.NewResponseController(w)
	put := func(b []byte) error {
		_ = rc.SetWriteDeadline(time.Now().Add(writeWithin)) // connections without deadlines need none
		_, err := w.Write(b)
		return err
	}
	flush := func() error {
		err := rc.Flush()
		_ = rc.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream at its deadline even when nothing waits to be written
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would collect messages
	_ = rc.SetReadDeadline(time.Time{})       // the server's deadline for reading a request would end the stream
	if put([]byte(":)\n\n")) != nil || flush() != nil {
		return nil // the client is gone
	}
	if last > 0 && last < from {
		if err := h.replay(r.Context(), c, last, from, put); err != nil || flush() != nil {
			return nil
		}
	}
	beat := time.NewTicker(h.opt.Beat)
	defer beat.Stop()
	over, stop := h.over(c.actor)
	defer stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return nil
		case <-over:
			return nil
		case <-beat.C:
			err = put([]byte(":thump\n\n"))
		case b, open := <-c.queue:
			if !open || c.ended.Load() {
				return nil
			}
			if err = put(b); err == nil && len(c.queue) > 0 {
				continue // everything that waits goes into one flush
			}
		}
		if err != nil || flush() != nil {
			return nil // the client is gone, or takes nothing
		}
	}
}

// replay tells one client of the events in (last, to].
func (h *Hub) replay(ctx context.Context, c *client, last, to int64, put func([]byte) error) (err error) {
	alone := &audience{by: map[id.ID][]target{}}
	alone.add(c)
	give := func(_ *client, _ string, m *message) {
		if err == nil {
			err = put(m.forSSE())
		}
	}
	for looked := 0; last < to && looked < replayMost && err == nil; {
		var list []events.Event
		if list, err = h.Log.Since(ctx, last, 500); err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if last = list[i].Seq; last > to {
				return err // it comes live
			}
			if k := list[i].Kind; told[k] && k != social.KindFollowed && k != social.KindModerated {
				h.tell(ctx, &list[i], alone, give, h.Graph.Relations)
			}
		}
		looked += len(list)
	}
	return err
}

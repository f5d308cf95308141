package realtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
)

const (
	writeWithin = 10 * time.Second // a client that takes no byte for so long is gone
	replayMax   = 2000             // events looked at when a stream resumes
	replayPage  = 500
)

// Why a stream was ended by the hub.
const (
	endSlow int32 = iota + 1
	endRights
	endClosing
)

// stream is one client's connection.
type stream struct {
	account id.ID
	topics  []string
	queue   chan []byte
	ended   atomic.Int32

	last int64 // events up to here are not sent again; guarded by the hub's mu
}

// Handle serves GET /live?topic=order:12&topic=dispatch; see Serve.
func (h *Hub) Handle(w http.ResponseWriter, r *http.Request) error {
	return h.Serve(w, r, r.URL.Query()["topic"])
}

// Serve streams the messages of topics to the client until it leaves, having asked Allow about each. The position to resume from is taken
// from the header Last-Event-ID or the parameter last.
//
// Before the first byte it returns Invalid for no topic or 50 and more, NotFound for a topic that nobody allows, what Allow says, TooMany for
// an account's 21st stream, and Unavailable on a full or closing server; afterwards nil.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, topics []string) error {
	return h.serve(w, r, topics, h.permit)
}

// ServeAllowed is Serve for topics that the caller has checked itself (a guest who holds an order's code): it does not ask Allow.
func (h *Hub) ServeAllowed(w http.ResponseWriter, r *http.Request, topics []string) error {
	return h.serve(w, r, topics, func(context.Context, []string) error { return nil })
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request, topics []string, permit func(context.Context, []string) error) error {
	topics = slices.Compact(slices.Sorted(slices.Values(topics)))
	if len(topics) == 0 {
		return errs.InvalidField("topic", "Name at least one topic to listen to.")
	}
	if len(topics) > maxTopics {
		return errs.InvalidField("topic", "Listen to at most %d topics at once.", maxTopics)
	}
	// Listed before the rights are asked for: if they change in between, the stream ends.
	s, err := h.admit(access.From(r.Context()).ID)
	if err != nil {
		return err
	}
	defer h.leave(s)
	if err := permit(r.Context(), topics); err != nil {
		return err
	}
	last, resume, err := h.position(r)
	if err != nil {
		return err
	}
	out := &writer{w: w, rc: http.NewResponseController(w)}
	if err := out.begin(); err != nil {
		return err
	}
	if h.start(r.Context(), out, s, topics, last, resume) == nil {
		h.pump(r.Context(), out, s)
	}
	return nil
}

// admit lists a new stream that has no topics yet.
func (h *Hub) admit(account id.ID) (*stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, errClosing
	case h.err != nil:
		return nil, errs.New(errs.Unavailable, "Live updates are not available just now.").WithCause(h.err)
	case len(h.streams) >= h.maxStreams:
		return nil, errs.New(errs.Unavailable, "Too many people are watching just now. Try again in a moment.").WithCode("overloaded").WithRetry(10 * time.Second)
	case account != 0 && len(h.accounts[account]) >= maxPerAccount:
		return nil, errs.New(errs.TooMany, "You have %d pages with live updates open. Close one first.", maxPerAccount).WithRetry(10 * time.Second)
	}
	s := &stream{account: account, queue: make(chan []byte, queueLen)}
	h.streams[s] = struct{}{}
	if account != 0 {
		list(h.accounts, account, s)
	}
	return s, nil
}

func (h *Hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end(s, endRights)
}

// join lists the stream under its topics and returns the seq after which it gets every event live. Those up to known it has had already.
func (h *Hub) join(s *stream, topics []string, known int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	s.last = max(now, known)
	if s.ended.Load() == 0 {
		s.topics = topics
		for _, t := range topics {
			list(h.topics, t, s)
		}
	}
	return now
}

// now returns the seq up to which streams have been given everything. The caller holds mu.
func (h *Hub) now() int64 { return max(h.fed, h.log.Watched()) }

func (h *Hub) permit(ctx context.Context, topics []string) error {
	for _, t := range topics {
		h.mu.Lock()
		fn := h.allow[prefix(t)]
		h.mu.Unlock()
		if fn == nil {
			return errs.New(errs.NotFound, "There is nothing to listen to called %q.", t)
		}
		if err := fn(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// position returns the id that the client saw last; resume is false for a client that has seen none.
func (h *Hub) position(r *http.Request) (last int64, resume bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("last")
	}
	if text == "" {
		return 0, false, nil
	}
	last, err = strconv.ParseInt(text, 10, 64)
	if err != nil || last < 0 {
		return 0, false, errs.InvalidField("last", "The position to resume from is a number that the stream gave as an id.")
	}
	return last, true, nil
}

// start brings a stream to the point where its queue takes over.
func (h *Hub) start(ctx context.Context, out *writer, s *stream, topics []string, last int64, resume bool) error {
	if !resume {
		return out.write(notice(h.join(s, topics, 0), "hello"))
	}
	now, ours, err := h.knows(ctx, last)
	if err != nil {
		return err
	}
	if !ours {
		return out.write(notice(h.join(s, topics, 0), "resync"))
	}
	p := &replay{hub: h, out: out, topics: topics, pos: last, left: replayMax, bySubject: h.allOwn(topics)}
	// First without listening, so that the queue does not fill up behind a long replay; then the little that has come in since.
	whole, err := p.upTo(ctx, now)
	if err != nil {
		return err
	}
	now = h.join(s, topics, last)
	if whole {
		if whole, err = p.upTo(ctx, now); err != nil {
			return err
		}
	}
	if !whole {
		return out.write(notice(now, "resync"))
	}
	return out.flush()
}

// knows returns up to where this node has handed events to its streams, and whether last is a position in this log at all: it may be ahead
// of this node, but a number beyond the log's end is from before a backup was restored.
func (h *Hub) knows(ctx context.Context, last int64) (now int64, ours bool, err error) {
	h.mu.Lock()
	now = h.now()
	h.mu.Unlock()
	if last <= now {
		return now, true, nil
	}
	head, err := h.log.Head(ctx)
	return now, last <= head, err
}

// allOwn reports whether every topic is one that Subjects declared.
func (h *Hub) allOwn(topics []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !slices.ContainsFunc(topics, func(t string) bool { return !h.own[prefix(t)] })
}

// replay writes what a client missed.
type replay struct {
	hub       *Hub
	out       *writer
	topics    []string // sorted
	pos       int64    // everything up to here has been written
	left      int      // how many more events may be looked at
	bySubject bool
}

// upTo writes the events in (pos, to]. It returns false where there are too many of them.
func (p *replay) upTo(ctx context.Context, to int64) (whole bool, err error) {
	for p.pos < to {
		var es []events.Event
		if p.bySubject {
			es, err = p.hub.log.SinceOf(ctx, p.topics, p.pos, replayPage)
		} else {
			es, err = p.hub.log.Since(ctx, p.pos, replayPage)
		}
		if err != nil {
			return false, err
		}
		for _, e := range es {
			if e.Seq > to {
				p.pos = to
				return true, nil // it comes live
			}
			if p.left--; p.left < 0 {
				return false, nil
			}
			if err := p.one(e); err != nil {
				return false, err
			}
			p.pos = e.Seq
		}
		if len(es) < replayPage {
			p.pos = to
		}
	}
	return true, nil
}

// one writes an event, if any of its topics is listened to: under the first, as it would be live.
func (p *replay) one(e events.Event) error {
	p.hub.mu.Lock()
	of := p.hub.route(e)
	p.hub.mu.Unlock()
	for _, t := range of {
		if _, ok := slices.BinarySearch(p.topics, t); ok {
			return p.out.put(frame(e.Seq, e.Kind, t, e.Data))
		}
	}
	return nil
}

// pump writes what is queued until the client leaves, the hub ends the stream, or a role or the session of its actor ends.
func (h *Hub) pump(ctx context.Context, out *writer, s *stream) {
	beat := time.NewTicker(h.heartbeat)
	defer beat.Stop()
	var over <-chan time.Time
	if ends := access.From(ctx).Ends(); !ends.IsZero() {
		timer := time.NewTimer(ends.Sub(h.clock()))
		defer timer.Stop()
		over = timer.C
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-over:
			return // it comes back, and is asked for its rights again
		case <-beat.C:
			err = out.write(h.beat(s))
		case f, open := <-s.queue:
			// Everything that waits goes into one flush.
			for ; open && err == nil && s.ended.Load() == 0; f, open = <-s.queue {
				if err = out.put(f); err != nil || len(s.queue) == 0 {
					break
				}
			}
			switch s.ended.Load() {
			case 0:
				if err == nil {
					err = out.flush()
				}
			case endClosing:
				_ = out.write([]byte("retry: 1000\n\n")) // advice to one who may be gone
				return
			default:
				return
			}
		}
		if err != nil {
			return // the client is gone, or takes nothing
		}
	}
}

// beat returns a sign of life. Where nothing waits it also carries the position, so that a client whose topics are quiet need not have
// the log searched from its last message on; an id without data is not shown to the page.
func (h *Hub) beat(s *stream) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if s.ended.Load() != 0 || len(s.queue) > 0 || now <= s.last {
		return []byte(":\n\n")
	}
	s.last = now
	return fmt.Appendf(nil, ":\nid: %d\n\n", now)
}

// writer writes to one client, each time with a deadline of its own.
type writer struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// begin sends the header. It returns an error where the connection cannot stream.
func (o *writer) begin() error {
	head := o.w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // nginx would collect messages
	// The server's deadline for reading a request would end the stream; connections without deadlines need none.
	_ = o.rc.SetReadDeadline(time.Time{})
	o.w.WriteHeader(http.StatusOK)
	// Spread over two seconds, so that all who lose a node do not come back at once.
	if err := o.put(fmt.Appendf(nil, "retry: %d\n\n", 1000+rand.IntN(2000))); err != nil {
		return nil // the client is gone; the next write tells
	}
	if err := o.flush(); errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("realtime: stream to %T: %w", o.w, err)
	}
	return nil
}

func (o *writer) put(f []byte) error {
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeWithin)) // see begin
	_, err := o.w.Write(f)
	return err
}

// flush sends what was put. It takes the deadline away: HTTP/2 ends a stream at its deadline even when nothing waits to be written.
func (o *writer) flush() error {
	err := o.rc.Flush()
	_ = o.rc.SetWriteDeadline(time.Time{}) // see begin
	return err
}

func (o *writer) write(f []byte) error {
	if err := o.put(f); err != nil {
		return err
	}
	return o.flush()
}

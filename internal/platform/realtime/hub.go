// Package realtime shows people what happens while it happens: streams of Server-Sent Events, fed from the event log.
//
// A slice says with Route which topics ("order:12", "restaurant:7", "dispatch") an event belongs to, and with Allow who may listen. A stream
// gets each event of its topics once, in the order of the log, with the event's seq as its id. A browser that lost its connection comes
// back with the last id it saw and gets what it missed, or a "resync" where that is too much; then it loads the page's data anew. What is
// worth nothing a moment later (where a courier is) is Sent without the log and without an id.
//
// Each message is encoded once for all streams of a topic. A stream has a short queue; a client that does not keep up is cut off, so that it
// delays nobody, and comes back.
package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/platform/events"
)

const (
	queueLen          = 64 // messages that wait for one client
	maxTopics         = 49 // of one stream
	maxPerAccount     = 20
	defaultMaxStreams = 20_000
	busSend           = "realtime.send"
	busDrop           = "realtime.drop"
)

// Hub hands messages to the streams of this process. Safe for concurrent use.
type Hub struct {
	log        *events.Log
	bus        events.Bus
	self       []byte // tells this hub's messages from those of other nodes
	maxStreams int
	heartbeat  time.Duration
	clock      clock.Func
	cancels    []func()
	err        error // why New could not reach the bus

	mu       sync.Mutex
	routes   map[string]func(events.Event) []string
	allow    map[string]func(ctx context.Context, topic string) error
	own      map[string]bool // prefixes declared by Subjects
	topics   map[string]map[*stream]struct{}
	accounts map[id.ID]map[*stream]struct{}
	streams  map[*stream]struct{}
	fed      int64 // seq of the newest event that the log has handed over
	dropped  int64
	closed   bool
}

// Option changes a Hub's default.
type Option func(*Hub)

// MaxStreams bounds the streams of the process; 20,000 by default.
func MaxStreams(n int) Option { return func(h *Hub) { h.maxStreams = n } }

// Heartbeat sets how often a stream says that it is alive; 15 s by default.
func Heartbeat(d time.Duration) Option { return func(h *Hub) { h.heartbeat = d } }

// Clock sets by which clock roles and sessions end; time.Now by default.
func Clock(now clock.Func) Option { return func(h *Hub) { h.clock = now } }

// New returns a Hub that is fed by log's Run. When the bus is closed already, every stream is refused.
func New(log *events.Log, bus events.Bus, opts ...Option) *Hub {
	h := &Hub{
		log: log, bus: bus, self: []byte(id.Code(16)), maxStreams: defaultMaxStreams, heartbeat: 15 * time.Second, clock: time.Now,
		routes: make(map[string]func(events.Event) []string), allow: make(map[string]func(context.Context, string) error),
		own: make(map[string]bool), topics: make(map[string]map[*stream]struct{}),
		accounts: make(map[id.ID]map[*stream]struct{}), streams: make(map[*stream]struct{}),
	}
	for _, o := range opts {
		o(h)
	}
	for topic, fn := range map[string]func([]byte){busSend: h.hearSend, busDrop: h.hearDrop} {
		cancel, err := bus.Subscribe(topic, fn)
		if err != nil {
			h.err = fmt.Errorf("realtime: listen to the bus: %w", err)
			continue
		}
		h.cancels = append(h.cancels, cancel)
	}
	log.Watch(h.feed)
	return h
}

// Route has events of a kind sent to the topics that fn returns. fn must be quick and must not call the Hub; it runs again when a stream
// resumes.
func (h *Hub) Route(kind string, fn func(events.Event) []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.routes[kind] = fn
}

// Allow says who may listen to topics "prefix:…" and to the topic that is just "prefix": fn returns nil, or the error for the person.
// Topics whose prefix nobody allows do not exist.
func (h *Hub) Allow(prefix string, fn func(ctx context.Context, topic string) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.allow[prefix] = fn
}

// Subjects declares that topics "prefix:…" get only events whose subject is the topic itself. A stream of such topics alone resumes by the
// index of subjects, and so even after days.
func (h *Hub) Subjects(prefix string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own[prefix] = true
}

// Send shows data, a JSON object for encoding/json, to all streams of a topic on all nodes that can be reached now, under the event name
// name. It is not stored: who is not connected misses it.
func (h *Hub) Send(topic, name string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("realtime: encode %s for %s: %w", name, topic, err)
	}
	f := frame(0, name, topic, b)
	h.fan(topic, f)
	msg := make([]byte, 0, len(h.self)+len(topic)+1+len(f))
	msg = append(append(append(append(msg, h.self...), topic...), '\n'), f...)
	if err := h.bus.Publish(busSend, msg); err != nil {
		return fmt.Errorf("realtime: send to the other nodes: %w", err)
	}
	return nil
}

// Tell is Send for the streams of this node alone: for what every node works out by itself for those who listen there (see Listening).
func (h *Hub) Tell(topic, name string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("realtime: encode %s for %s: %w", name, topic, err)
	}
	h.fan(topic, frame(0, name, topic, b))
	return nil
}

// Listening returns what stands behind "prefix:" in the topics that somebody listens to on this node, in no order.
func (h *Hub) Listening(prefix string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for topic := range h.topics {
		if p, rest, ok := strings.Cut(topic, ":"); ok && p == prefix {
			out = append(out, rest)
		}
	}
	return out
}

func (h *Hub) hearSend(msg []byte) {
	rest, ok := h.foreign(msg)
	if !ok {
		return
	}
	if topic, f, ok := bytes.Cut(rest, []byte{'\n'}); ok {
		h.fan(string(topic), bytes.Clone(f))
	}
}

// foreign returns what follows the sender's name, where the sender is another.
func (h *Hub) foreign(msg []byte) ([]byte, bool) {
	n := len(h.self)
	if len(msg) < n || bytes.Equal(msg[:n], h.self) {
		return nil, false
	}
	return msg[n:], true
}

// fan queues a frame without an id to the streams of a topic.
func (h *Hub) fan(topic string, f []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.topics[topic] {
		h.push(s, f)
	}
}

// feed takes new events from the log.
func (h *Hub) feed(es []events.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range es {
		if e.Kind == account.KindChanged || e.Kind == account.KindSessionEnded {
			h.dropSubject(e.Subject)
		}
		for _, topic := range h.route(e) {
			if streams := h.topics[topic]; len(streams) > 0 {
				f := frame(e.Seq, e.Kind, topic, e.Data)
				for s := range streams {
					if s.last < e.Seq { // else it has had the event under another of its topics
						s.last = e.Seq
						h.push(s, f)
					}
				}
			}
		}
		h.fed = e.Seq
	}
}

// route returns the topics of an event; the caller holds mu. A panic in a slice's function costs that event only.
func (h *Hub) route(e events.Event) (topics []string) {
	fn := h.routes[e.Kind]
	if fn == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("realtime: a route panicked", "kind", e.Kind, "seq", e.Seq, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	topics = fn(e)
	for _, t := range topics {
		if h.own[prefix(t)] && t != e.Subject {
			slog.Error("realtime: a topic declared by Subjects gets an event about something else, which a resumed stream will miss",
				"kind", e.Kind, "topic", t, "subject", e.Subject)
		}
	}
	return topics
}

func prefix(topic string) string {
	p, _, _ := strings.Cut(topic, ":")
	return p
}

// push queues a frame, or cuts off a client that has not taken the last 64. The caller holds mu.
func (h *Hub) push(s *stream, f []byte) {
	select {
	case s.queue <- f:
	default:
		h.dropped++
		h.end(s, endSlow)
	}
}

// end takes a stream off every list and lets its goroutine know. The caller holds mu.
func (h *Hub) end(s *stream, why int32) {
	if _, ok := h.streams[s]; !ok {
		return
	}
	s.ended.Store(why)
	close(s.queue) // pushes hold mu and go by the lists that s leaves here
	delete(h.streams, s)
	unlist(h.accounts, s.account, s)
	for _, t := range s.topics {
		unlist(h.topics, t, s)
	}
}

func list[K comparable](m map[K]map[*stream]struct{}, k K, s *stream) {
	if m[k] == nil {
		m[k] = make(map[*stream]struct{})
	}
	m[k][s] = struct{}{}
}

func unlist[K comparable](m map[K]map[*stream]struct{}, k K, s *stream) {
	delete(m[k], s)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

// Drop ends the account's streams on all nodes that the bus reaches; its clients come back and are asked for their rights again. The events
// account.changed and session.ended do the same on every node without fail.
func (h *Hub) Drop(accountID id.ID) {
	h.drop(accountID)
	msg := append(bytes.Clone(h.self), accountID.String()...)
	if err := h.bus.Publish(busDrop, msg); err != nil {
		slog.Warn("realtime: cannot end an account's streams on the other nodes", "account", accountID, "err", err)
	}
}

func (h *Hub) hearDrop(msg []byte) {
	rest, ok := h.foreign(msg)
	if !ok {
		return
	}
	if a, err := id.Parse(string(rest)); err == nil {
		h.drop(a)
	}
}

func (h *Hub) drop(a id.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropLocked(a)
}

func (h *Hub) dropLocked(a id.ID) {
	for s := range h.accounts[a] {
		h.end(s, endRights)
	}
}

func (h *Hub) dropSubject(subject string) {
	if a, err := id.Parse(strings.TrimPrefix(subject, "account:")); err == nil && a != 0 {
		h.dropLocked(a)
	}
}

// Streams returns how many streams are open.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// Dropped returns how many streams have been cut off since the start because their clients did not keep up.
func (h *Hub) Dropped() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dropped
}

// Close ends all streams with the advice to come back in a second, and refuses new ones. It returns at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for s := range h.streams {
		h.end(s, endClosing)
	}
	for _, cancel := range h.cancels {
		cancel()
	}
}

var errClosing = errs.New(errs.Unavailable, "The server is shutting down. Try again in a moment.").WithCode("shutting_down")

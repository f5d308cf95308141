package stream

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
)

const (
	queueLen      = 256 // messages that wait for one client
	maxPerAccount = 50
	maxTopics     = 100 // of one connection
	maxWaiting    = 20_000
	maxTies       = 1_000_000 // of the relations that are kept of those who listen, together
)

// Hub tells the clients of this process. Safe for concurrent use.
type Hub struct {
	Deps
	opt Options

	mu       sync.Mutex
	clients  map[*client]struct{}
	accounts map[id.ID]int // connections of each
	heard    *audience     // who listens to what; nil: to be put together anew
	waiting  []events.Event
	pos      int64 // every event up to here has been told
	closed   bool
	wake     chan struct{}
	dropped  atomic.Int64

	// Of the goroutine in Run alone.
	rels map[id.ID]*social.Relations
	ties int
}

// client is one connection.
type client struct {
	actor  access.Actor
	notice bool // may hear of notifications
	ws     bool
	queue  chan []byte
	topics []topic
	ended  atomic.Bool
}

// target is a topic of a client.
type target struct {
	c *client
	t topic
}

// audience is who listens, by account; strangers under 0.
type audience struct {
	by map[id.ID][]target
}

// New returns a Hub that tells nothing before Run.
func New(d Deps, opt Options) *Hub {
	if opt.Most == 0 {
		opt.Most = 20_000
	}
	if opt.Beat == 0 {
		opt.Beat = 20 * time.Second
	}
	h := &Hub{Deps: d, opt: opt, clients: map[*client]struct{}{}, accounts: map[id.ID]int{}, wake: make(chan struct{}, 1), rels: map[id.ID]*social.Relations{}}
	d.Log.Watch(h.watch)
	return h
}

// told are the kinds of events that somebody may hear of, or whose relations they change.
var told = map[string]bool{
	social.KindPosted: true, social.KindEdited: true, social.KindDeleted: true, social.KindFiltersChanged: true, social.KindNotified: true, social.KindNoticesChanged: true,
	social.KindTalked: true, social.KindAnnouncementChanged: true, social.KindFollowed: true, social.KindModerated: true,
}

// watch takes new events from the log.
func (h *Hub) watch(list []events.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range list {
		e := &list[i]
		if e.Kind == account.KindChanged || e.Kind == account.KindSessionEnded {
			h.dropLocked(e.Subject)
		}
		if len(h.clients) > 0 && told[e.Kind] {
			h.waiting = append(h.waiting, *e)
		}
	}
	if len(h.clients) == 0 {
		h.waiting, h.pos = nil, list[len(list)-1].Seq
		return
	}
	if len(h.waiting) > maxWaiting { // so much can't be told: they come back and load what they show
		slog.Warn("stream: too much happens; all streams are ended", "waiting", len(h.waiting), "streams", len(h.clients))
		h.waiting = nil
		for c := range h.clients {
			h.end(c)
		}
	}
	select {
	case h.wake <- struct{}{}:
	default: // it has been told already
	}
}

// dropLocked ends the connections of the account that an event is about.
func (h *Hub) dropLocked(subject string) {
	who, err := id.Parse(strings.TrimPrefix(subject, "account:"))
	if err != nil || h.accounts[who] == 0 {
		return
	}
	for c := range h.clients {
		if c.actor.ID == who {
			h.end(c)
		}
	}
}

// join lists a new client and returns the seq after which it hears of every event.
func (h *Hub) join(c *client) (from int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch who := c.actor.ID; {
	case h.closed:
		return 0, errs.New(errs.Unavailable, "The server is shutting down. Try again in a moment.").WithCode("shutting_down")
	case len(h.clients) >= h.opt.Most:
		return 0, errs.New(errs.Unavailable, "Too many people are watching just now. Try again in a moment.").WithCode("overloaded").WithRetry(10 * time.Second)
	case who != 0 && h.accounts[who] >= maxPerAccount:
		return 0, errs.New(errs.TooMany, "You have %d streams open. Close one first.", maxPerAccount).WithRetry(10 * time.Second)
	}
	if len(h.clients) == 0 {
		h.pos = max(h.pos, h.Log.Watched())
	}
	h.clients[c] = struct{}{}
	h.accounts[c.actor.ID]++
	h.heard = nil
	return h.pos, nil
}

// end takes a client off the list and lets its goroutines know. The caller holds mu.
func (h *Hub) end(c *client) {
	if _, ok := h.clients[c]; !ok {
		return
	}
	c.ended.Store(true)
	close(c.queue) // pushes hold mu and go by the list that it leaves here
	delete(h.clients, c)
	if h.accounts[c.actor.ID]--; h.accounts[c.actor.ID] <= 0 {
		delete(h.accounts, c.actor.ID)
	}
	h.heard = nil
}

func (h *Hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end(c)
}

// subscribe has a client listen to one topic more.
func (h *Hub) subscribe(c *client, t topic) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range c.topics {
		if o == t {
			return nil
		}
	}
	if len(c.topics) >= maxTopics {
		return errs.New(errs.Invalid, "At most %d streams on one connection: end one, or open another connection.", maxTopics)
	}
	c.topics = append(c.topics, t)
	h.heard = nil
	return nil
}

func (h *Hub) unsubscribe(c *client, t topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, o := range c.topics {
		if o == t {
			c.topics = append(c.topics[:i:i], c.topics[i+1:]...)
			h.heard = nil
			return
		}
	}
}

// send queues a message for a client, or cuts off one that has not taken the last 256. name is the stream that it came by.
func (h *Hub) send(c *client, name string, m *message) {
	f := m.forSSE
	if c.ws {
		f = func() []byte { return m.forWS(name) }
	}
	b := f()
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.ended.Load() {
		return
	}
	select {
	case c.queue <- b:
	default:
		h.dropped.Add(1)
		h.end(c)
	}
}

// Streams returns how many connections are open.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

// Dropped returns how many connections were cut off since the start because they did not keep up.
func (h *Hub) Dropped() int64 { return h.dropped.Load() }

// Close ends all connections and refuses new ones. It returns at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.clients {
		h.end(c)
	}
}

// Run tells clients what happens until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		}
		h.mu.Lock()
		list := h.waiting
		h.waiting = nil
		h.mu.Unlock()
		for i := range list {
			h.tell(ctx, &list[i], h.next(list[i].Seq), h.send, h.relations)
		}
	}
}

// next returns who is to hear the event seq: whoever joins from now on has it told apart, if they ask for it.
func (h *Hub) next(seq int64) *audience {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pos = seq
	if h.heard == nil {
		h.heard = &audience{by: make(map[id.ID][]target, len(h.accounts))}
		for c := range h.clients {
			h.heard.add(c)
		}
	}
	return h.heard
}

func (a *audience) add(c *client) {
	for _, t := range c.topics {
		a.by[c.actor.ID] = append(a.by[c.actor.ID], target{c, t})
	}
}

// relations returns the relations of somebody who listens. They are kept here, too, for the others' cache may be too small for all who listen;
// the events that change them are in the same log.
func (h *Hub) relations(ctx context.Context, who id.ID) (*social.Relations, error) {
	if r := h.rels[who]; r != nil {
		return r, nil
	}
	r, err := h.Graph.Relations(ctx, who)
	if err != nil {
		return nil, err
	}
	if h.ties > maxTies {
		h.rels, h.ties = map[id.ID]*social.Relations{}, 0
	}
	h.rels[who] = r
	h.ties += 16 + len(r.Follows) + len(r.Blocks) + len(r.BlockedBy) + len(r.Mutes) + len(r.Tags) + len(r.Groups)
	return r, nil
}

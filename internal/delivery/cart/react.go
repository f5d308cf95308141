package cart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// sweepBatch is how many carts one transaction deletes, so that it holds up no other writer.
const sweepBatch = 500

// React empties carts that became orders and keeps the counts of all nodes in step. Old ones are swept by the rule in Personal.
func (s *Service) React(log *events.Log, _ *realtime.Hub, _ *jobs.Queue) {
	// The checkout empties the cart itself, at once. This is for a server that died between the order and that.
	log.Subscribe("cart", []string{"order." + delivery.OrderPlaced}, func(ctx context.Context, tx *db.Tx, e events.Event) error {
		var o delivery.Order
		if err := json.Unmarshal(e.Data, &o); err != nil {
			return fmt.Errorf("cart: decode %s: %w", e.Kind, err)
		}
		return s.ordered(ctx, tx, o.Customer, o.Restaurant, o.At)
	})
	if _, err := s.bus.Subscribe(changedTopic, func(key []byte) { s.counts.drop(string(key)) }); err != nil {
		slog.Error("cart: changes on other nodes are seen late", "err", err)
	}
}

// Sweep deletes the carts that nobody has touched since before.
func (s *Service) Sweep(ctx context.Context, before time.Time) error {
	err := personal.Batches(ctx, s.db, sweepBatch, func(tx *db.Tx) (int64, error) { return sweep(ctx, tx, before, sweepBatch) })
	if err != nil {
		return fmt.Errorf("cart: delete old carts: %w", err)
	}
	return nil
}

// changedTopic is where nodes tell each other whose cart has changed.
const changedTopic = "cart.changed"

// A count is read anew after a minute, should the message of another node be lost; and nobody needs more of them in memory than this.
const (
	countFor  = time.Minute
	maxCounts = 20_000
)

// counts remembers how much is in the carts of those who were here lately: every page shows it.
type counts struct {
	mu  sync.Mutex
	m   map[string]counted
	gen uint64 // grows when anything is dropped: what was read before then must not be remembered
}

type counted struct {
	n  int
	at time.Time
}

func (c *counts) get(key string, now time.Time) (n int, ok bool, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[key]
	return e.n, ok && now.Sub(e.at) < countFor && !now.Before(e.at), c.gen
}

func (c *counts) put(key string, n int, now time.Time, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen != c.gen {
		return
	}
	if len(c.m) >= maxCounts {
		clear(c.m)
	}
	c.m[key] = counted{n, now}
}

func (c *counts) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	delete(c.m, key)
}

// Count returns how many portions are in the cart of an account, or of the guest with the cookie. It is nearly always answered from memory,
// and with 0 where the database can't tell.
func (s *Service) Count(ctx context.Context, account id.ID, guest string) int {
	key := OwnerOf(account, guest).key()
	if key == "" {
		return 0
	}
	now := s.now()
	n, ok, gen := s.counts.get(key, now)
	if ok {
		return n
	}
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		n, err = portionsOf(ctx, tx, key)
		return err
	})
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		slog.WarnContext(ctx, "cart: not counted", "err", err)
		return 0
	}
	s.counts.put(key, n, now, gen)
	return n
}

// changed has every node count a cart anew.
func (s *Service) changed(key string) {
	s.counts.drop(key)
	if err := s.bus.Publish(changedTopic, []byte(key)); err != nil {
		slog.Warn("cart: other nodes were not told of a change", "err", err) // they count anew within the minute
	}
}

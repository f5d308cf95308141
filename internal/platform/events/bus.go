package events

import (
	"slices"
	"sync"
)

// Bus carries short messages to every node, the sender's own included. It promises no delivery: what must not be lost stands in the
// database, and a message only says that a look there is worthwhile.
type Bus interface {
	// Publish sends data to the topic's subscribers on all nodes. It does not wait for them, and messages of one sender keep their order.
	// A message that cannot be sent now is dropped without an error.
	Publish(topic string, data []byte) error
	// Subscribe has fn called with each message of the topic, one at a time, until cancel. fn must be quick and must not keep data.
	Subscribe(topic string, fn func(data []byte)) (cancel func(), err error)
	// Close ends all subscriptions.
	Close() error
}

// Local is a Bus within one process. Publish calls the subscribers itself, before it returns.
type Local struct {
	mu   sync.RWMutex
	subs map[string][]*localSub
}

type localSub struct {
	mu sync.Mutex // one message at a time
	fn func([]byte)
}

// NewLocal returns a Bus for a town that runs in one process.
func NewLocal() *Local { return &Local{subs: make(map[string][]*localSub)} }

// Publish calls the topic's subscribers, each in turn.
func (b *Local) Publish(topic string, data []byte) error {
	b.mu.RLock()
	subs := b.subs[topic] // never changed in place
	b.mu.RUnlock()
	for _, s := range subs {
		s.mu.Lock()
		s.fn(data)
		s.mu.Unlock()
	}
	return nil
}

// Subscribe never fails.
func (b *Local) Subscribe(topic string, fn func([]byte)) (func(), error) {
	s := &localSub{fn: fn}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs[topic] = append(slices.Clip(b.subs[topic]), s)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.subs[topic] = slices.DeleteFunc(slices.Clone(b.subs[topic]), func(o *localSub) bool { return o == s })
	}, nil
}

// Close ends all subscriptions.
func (b *Local) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs = make(map[string][]*localSub)
	return nil
}

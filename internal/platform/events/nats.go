package events

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// natsPrefix keeps Stoa's subjects apart from those of others on the same NATS servers.
const natsPrefix = "stoa."

// NATS is a Bus over a NATS server or cluster.
type NATS struct{ conn *nats.Conn }

// NewNATS connects to NATS at url (nats://host:port, several separated by commas). A server that cannot be reached now is no error: the
// bus goes on trying for ever, and until then messages are dropped. It returns an error for a URL that cannot be read.
func NewNATS(url string) (*NATS, error) {
	conn, err := nats.Connect(url,
		nats.Name("stoa"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(500*time.Millisecond), nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.Timeout(3*time.Second), nats.PingInterval(10*time.Second), nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1), // late news is no news: the nodes look for themselves every second
	)
	if err != nil {
		return nil, fmt.Errorf("events: connect to NATS: %w", err)
	}
	return &NATS{conn: conn}, nil
}

// Publish sends data to all nodes, or drops it while NATS cannot be reached.
func (b *NATS) Publish(topic string, data []byte) error {
	if !b.conn.IsConnected() {
		return nil
	}
	if err := b.conn.Publish(natsPrefix+topic, data); err != nil && b.conn.IsConnected() {
		return fmt.Errorf("events: publish to NATS: %w", err)
	}
	return nil
}

// Subscribe returns an error only on a closed bus; while NATS cannot be reached the subscription waits for it.
func (b *NATS) Subscribe(topic string, fn func([]byte)) (func(), error) {
	sub, err := b.conn.Subscribe(natsPrefix+topic, func(m *nats.Msg) { fn(m.Data) })
	if err != nil {
		return nil, fmt.Errorf("events: subscribe to NATS: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // it fails only where the connection is closed, and then there is nothing to end
}

// Connected reports whether NATS can be reached now.
func (b *NATS) Connected() bool { return b.conn.IsConnected() }

// Close ends the connection and all subscriptions.
func (b *NATS) Close() error {
	b.conn.Close()
	return nil
}

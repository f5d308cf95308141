package realtime_test

import (
	"bytes"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// listen opens a stream on a bare connection, so that 1,000 clients in the same process cost little, and reports when each message came.
func listen(t testing.TB, n *node, ready func(), got func()) {
	conn, err := net.Dial("tcp", n.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte("GET /live?topic=restaurant:7 HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	go func() {
		buf, hello := make([]byte, 4096), false
		for {
			k, err := conn.Read(buf)
			if err != nil {
				return
			}
			if !hello && bytes.Contains(buf[:k], []byte("event: hello")) {
				hello = true
				ready()
			}
			for range bytes.Count(buf[:k], []byte("event: order.moved")) {
				got()
			}
		}
	}()
}

// fanout appends rounds events for streams clients, one after another, and returns how long after its commit each client had each.
func fanout(t testing.TB, n *node, streams, rounds int) []time.Duration {
	var open, arrived sync.WaitGroup
	var mu sync.Mutex
	var committed time.Time
	var took []time.Duration
	open.Add(streams)
	for range streams {
		listen(t, n, open.Done, func() {
			now := time.Now()
			mu.Lock()
			took = append(took, now.Sub(committed))
			mu.Unlock()
			arrived.Done()
		})
	}
	open.Wait()
	for i := range rounds {
		arrived.Add(streams)
		mu.Lock()
		committed = time.Now() // before the commit, rather: the figure includes it
		mu.Unlock()
		n.add(t, moved{1, 7, i})
		arrived.Wait()
	}
	slices.Sort(took)
	return took
}

// Run with STOA_BENCH=1 for the full size.
func TestFanOutTo1000Streams(t *testing.T) {
	streams, rounds, limit := 200, 5, time.Second
	if os.Getenv("STOA_BENCH") != "" {
		streams, rounds, limit = 1000, 100, 60*time.Millisecond // the clients run in this process too
	}
	n := start(t, dbtest.SQLite(t, events.Schema), events.NewLocal())
	took := fanout(t, n, streams, rounds)
	at := func(p int) time.Duration { return took[len(took)*p/100] }
	t.Logf("%d streams, %d events: p50 %v, p90 %v, p99 %v, max %v", streams, rounds, at(50), at(90), at(99), took[len(took)-1])
	if len(took) != streams*rounds || at(99) > limit {
		t.Fatalf("%d messages, p99 %v; want %d within %v", len(took), at(99), streams*rounds, limit)
	}
}

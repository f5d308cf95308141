package events_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// serveNATS runs a real NATS server on the loopback port (-1: a free one) and returns the port and its end.
func serveNATS(t *testing.T, port int) (int, func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	stop := sync.OnceFunc(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	t.Cleanup(stop)
	return s.Addr().(*net.TCPAddr).Port, stop
}

func dial(t *testing.T, port int) *events.NATS {
	t.Helper()
	bus, err := events.NewNATS(fmt.Sprintf("nats://127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	return bus
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

// Two nodes on one database, with NATS that goes away and comes back: each event is handled once over both and watched once on each.
func TestTwoNodesHandleEachEventOnceAndLoseNoneWithoutNATS(t *testing.T) {
	d := dbtest.Postgres(t, events.Schema)
	port, stopNATS := serveNATS(t, -1)
	var handled tally
	var logs []*events.Log
	var buses []*events.NATS
	watched := make([]tally, 2)
	arrived := make(chan int, 1000)
	for i := range 2 {
		bus := dial(t, port)
		l := events.New(d, bus)
		l.Watch(func(es []events.Event) {
			watched[i].add(t, es...)
			if i == 1 {
				for _, e := range es {
					arrived <- decode(t, e).N
				}
			}
		})
		l.Subscribe("once", []string{"thing.noted"}, func(_ context.Context, tx *db.Tx, e events.Event) error {
			tx.AfterCommit(func() { handled.add(t, e) })
			return nil
		})
		logs, buses = append(logs, l), append(buses, bus)
		run(t, l)
	}
	connected := func() bool { return buses[0].Connected() && buses[1].Connected() }
	until(t, "the connection to NATS", connected)
	settle(t, logs[0])
	settle(t, logs[1])

	n := 0
	next := func() {
		n++
		add(t, d, logs[0], note("s", n))
		if got := <-arrived; got != n {
			t.Fatalf("node 1 saw %d; want %d", got, n)
		}
	}
	began := time.Now()
	for range 20 {
		next()
	}
	if took := time.Since(began); took > 8*time.Second { // by polling alone each takes a second
		t.Errorf("20 events in turn took %v to reach the other node: the bus carries no news", took)
	}
	stopNATS()
	until(t, "the loss of NATS", func() bool { return !buses[0].Connected() && !buses[1].Connected() })
	for range 2 {
		next()
	}
	serveNATS(t, port)
	until(t, "the return of NATS", connected)
	for range 5 {
		next()
	}
	for i, l := range logs {
		settle(t, l)
		if watched[i].n["s"] != n {
			t.Errorf("node %d watched %d events; want %d", i, watched[i].n["s"], n)
		}
	}
	if handled.n["s"] != n {
		t.Errorf("%d events were handled; want %d", handled.n["s"], n)
	}
}

func TestTwoNodesShareASubscriptionUnderLoad(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		bus := events.NewLocal()
		var handled tally
		var logs []*events.Log
		for range 3 {
			l := events.New(d, bus)
			l.Subscribe("once", nil, func(_ context.Context, tx *db.Tx, e events.Event) error {
				tx.AfterCommit(func() { handled.add(t, e) })
				return nil
			})
			logs = append(logs, l)
			run(t, l)
		}
		for i := range 300 {
			add(t, d, logs[i%3], note("s", i+1))
		}
		for _, l := range logs {
			settle(t, l)
		}
		if handled.n["s"] != 300 {
			t.Fatalf("%d events were handled; want 300", handled.n["s"])
		}
	}, events.Schema)
}

func TestMessagesWithoutNATSAreDroppedQuietly(t *testing.T) {
	port, stop := serveNATS(t, -1)
	stop()
	bus := dial(t, port)
	if err := bus.Publish("t", []byte("x")); err != nil || bus.Connected() {
		t.Fatalf("Publish = %v; want nil", err)
	}
	if _, err := bus.Subscribe("t", func([]byte) {}); err != nil {
		t.Fatalf("Subscribe = %v; want nil", err)
	}
}

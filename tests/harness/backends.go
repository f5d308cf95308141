package harness

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// Postgres returns the URL of an empty PostgreSQL database that is dropped when the test ends, or skips the test (and fails it under
// CI=true where there is no PostgreSQL).
func Postgres(t testing.TB) string { return dbtest.PostgresURL(t) }

// NATS starts a real NATS server on a free loopback port and returns its URL, and a function that stops it before the test ends.
func NATS(t testing.TB) (url string, stop func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatalf("start NATS: %v", err)
	}
	s.Start()
	stop = func() {
		s.Shutdown()
		s.WaitForShutdown()
	}
	t.Cleanup(stop)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS does not take connections")
	}
	return s.ClientURL(), stop
}

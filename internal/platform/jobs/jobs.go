// Package jobs is Stoa's durable queue and calendar: work that is enqueued in the same transaction as the data it is about, and is then
// done by one of the nodes, on SQLite and on PostgreSQL.
//
// A job runs at least once: a node that dies while a job runs leaves it to another one, and a node that dies between doing the work and
// recording it leads to its being done again. Handlers must therefore be idempotent: doing a job twice changes no more than doing it once.
// A job that fails is tried again after a growing pause, and is discarded (kept to be looked at) after its last attempt.
//
// When a job is due, and all ends, are told by the town's clock; leases, timeouts and pauses of the worker by real time.
package jobs

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// Schema holds the tables of the queue, for db.Migrate.
//
//go:embed schema/*.sql
var Schema embed.FS

// Bus tells other nodes that there is work. A lost message delays work by Options.Poll at most.
type Bus interface {
	Publish(topic string, data []byte) error
	Subscribe(topic string, fn func([]byte)) (cancel func(), err error)
}

// Job is what a handler is given.
type Job struct {
	ID      id.ID
	Kind    string
	Args    json.RawMessage // as enqueued
	Due     time.Time       // when it was to run, by the town's clock
	Attempt int             // 1 at the first try
}

// Handler does a job. It must be idempotent. ctx ends with the handler's timeout, when the job is cancelled, when its lease is lost to
// another node, and some time after the server began to stop. A nil error completes the job; Snooze and Discard have their own meaning;
// any other error, and a panic, is a failed attempt.
type Handler func(ctx context.Context, j Job) error

// Opts says how one job is run. The zero Opts runs it at once, with DefaultAttempts.
type Opts struct {
	RunAt       time.Time // not before this time of the town's clock; zero: now
	Unique      string    // at most one unfinished job has this key, over all kinds: begin it with the kind. Empty: no such rule
	MaxAttempts int       // 0: DefaultAttempts
}

// DefaultAttempts is how often a failing job is tried, over about 18 hours.
const DefaultAttempts = 25

// Options configures a Queue. Zero values stand for the defaults named.
type Options struct {
	Workers       int           // jobs running at the same time on this node; 4
	Timeout       time.Duration // real time that a handler may take; 60 s
	Lease         time.Duration // real time after which a silent node's jobs are taken over; 30 s. Renewed every third of it
	Poll          time.Duration // longest real time between two looks for work; 1 s
	StopWithin    time.Duration // real time that running jobs get to end when the server stops; 10 s
	KeepCompleted time.Duration // how long completed and cancelled jobs are kept, by the town's clock; 7 days
	KeepDiscarded time.Duration // the same for discarded ones; 30 days
	Log           *slog.Logger  // nil: slog.Default()
	// OnDone, where not nil, hears of every attempt: its outcome and the real time it took. The outcome is completed, retried, snoozed,
	// discarded, or lost: cancelled, handed back or taken over while it ran.
	OnDone func(kind, outcome string, took time.Duration)
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if o.Workers <= 0 {
		o.Workers = 4
	}
	def(&o.Timeout, time.Minute)
	def(&o.Lease, 30*time.Second)
	def(&o.Poll, time.Second)
	def(&o.StopWithin, 10*time.Second)
	def(&o.KeepCompleted, 7*24*time.Hour)
	def(&o.KeepDiscarded, 30*24*time.Hour)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// State is where a job stands.
type State string

// The states. A job that waits for its next try is Available with a later time.
const (
	Available State = "available"
	Running   State = "running"
	Completed State = "completed"
	Cancelled State = "cancelled"
	Discarded State = "discarded" // given up: nobody will try it again unless Retry is called
)

type snooze struct{ d time.Duration }

func (s snooze) Error() string { return fmt.Sprintf("jobs: again in %s", s.d) }

// Snooze, returned by a handler, runs the job again after d of the town's clock, without counting the attempt.
func Snooze(d time.Duration) error { return snooze{d} }

type discard struct{ err error }

func (d discard) Error() string { return d.err.Error() }
func (d discard) Unwrap() error { return d.err }

// Discard, returned by a handler, gives the job up at once with err (not nil) as the reason: trying again would not help.
func Discard(err error) error {
	if err == nil {
		err = errors.New("discarded without a reason")
	}
	return discard{err}
}

// maxPause bounds the pause between two tries.
const maxPause = time.Hour

// pause returns how long to wait after the given failed attempt (1 for the first): attempt⁴ seconds, at most an hour, and up to a tenth
// more or less, so that jobs which failed together do not come back together.
func pause(attempt int) time.Duration {
	d := maxPause
	if attempt < 8 { // 8⁴ s is more than an hour
		d = time.Duration(attempt*attempt*attempt*attempt) * time.Second
	}
	return d + time.Duration((rand.Float64()*0.2-0.1)*float64(d))
}

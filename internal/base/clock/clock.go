// Package clock is the seam through which everything asks what time it is, so that tests and the demo town can run on a clock of their own.
package clock

import (
	"sync"
	"time"
)

// Func returns the present time. time.Now is one; the zero value is not usable.
type Func func() time.Time

// Scaled returns a clock that shows start now and runs speed times as fast as the real one.
func Scaled(start time.Time, speed float64) Func {
	began := time.Now()
	return func() time.Time {
		return start.Add(time.Duration(float64(time.Since(began)) * speed))
	}
}

// Manual is a clock that moves only when told to; safe for concurrent use.
type Manual struct {
	mu sync.Mutex
	t  time.Time
}

// NewManual returns a Manual clock that shows t.
func NewManual(t time.Time) *Manual { return &Manual{t: t} }

// Now returns the time the clock shows.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.t
}

// Advance moves the clock by d and returns the new time.
func (m *Manual) Advance(d time.Duration) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.t = m.t.Add(d)
	return m.t
}

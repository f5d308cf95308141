package demo

import (
	"sync"
	"time"
)

// Clock is the town's clock: it runs Speed times as fast as the real one and can be set forward, as is done over night. Safe for concurrent
// use.
type Clock struct {
	speed float64

	mu    sync.Mutex
	start time.Time // what the clock showed …
	began time.Time // … at this real time
	set   bool      // whether it was set since it began
}

// NewClock returns a Clock that shows start and runs speed times as fast as the real one. A speed that is not above 0 is taken as 1.
func NewClock(start time.Time, speed float64) *Clock {
	if !(speed > 0) {
		speed = 1
	}
	return &Clock{speed: speed, start: start, began: time.Now()}
}

// Now returns the time in the town; it is a clock.Func.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(time.Duration(float64(time.Since(c.began)) * c.speed))
}

// Set makes the clock show t and go on from there.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start, c.began, c.set = t, time.Now(), true
}

// turn is Set while the town's past is written: nobody is told that the clock was set.
func (c *Clock) turn(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start, c.began = t, time.Now()
}

// SetAt returns the time to which the clock was last set, zero where it never was.
func (c *Clock) SetAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.set {
		return time.Time{}
	}
	return c.start
}

// Speed returns how many seconds pass in the town in a real one.
func (c *Clock) Speed() float64 { return c.speed }

// Real returns how long a time in the town takes on the real clock.
func (c *Clock) Real(d time.Duration) time.Duration { return time.Duration(float64(d) / c.speed) }

// The town's day, in minutes after midnight: dinner is on when the demo opens, orders come from morning to the last one, and when the last of
// them is home, or at the latest at night, the clock is set to the morning: nobody wants to watch a town sleep.
const (
	dinner  = 18*60 + 20
	morning = 11*60 + 5
	last    = 22*60 + 10
	night   = 23*60 + 40
)

// Opening returns dinner time on the Friday of the week around t, in the town's time zone: when a new demo begins.
func Opening(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return at(t.AddDate(0, 0, (int(time.Friday)-int(t.Weekday())+10)%7-3), dinner)
}

// at returns the time at which a clock on the wall shows so many minutes after midnight on the day of t.
func at(t time.Time, minutes int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), minutes/60, minutes%60, 0, 0, t.Location())
}

// minutesOf returns the minutes after midnight that a clock on the wall shows.
func minutesOf(t time.Time, loc *time.Location) int {
	t = t.In(loc)
	return t.Hour()*60 + t.Minute()
}

// asleep reports whether nobody orders any more, and nextMorning when the clock goes on then.
func asleep(t time.Time, loc *time.Location) bool {
	m := minutesOf(t, loc)
	return m >= last || m < 9*60
}

func nextMorning(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	if m := minutesOf(t, loc); m >= morning {
		t = t.AddDate(0, 0, 1)
	}
	return at(t, morning)
}

package hours

import "time"

// wallClock returns what the clocks of loc show at t, as seconds since 1970 on a clock without a zone, and whether they
// show it twice.
func wallClock(t time.Time, loc *time.Location) (wall int64, twice bool) {
	sec := t.Unix()
	if loc == time.UTC {
		return sec, false
	}
	t = t.In(loc)
	_, off := t.Zone()
	start, end := t.ZoneBounds()
	// No zone has ever gone back more than a day.
	if !start.IsZero() && sec-start.Unix() < 86400 {
		_, before := start.Add(-time.Second).Zone()
		twice = sec-start.Unix() < int64(before-off)
	}
	if !end.IsZero() && end.Unix()-sec <= 86400 {
		_, after := end.Zone()
		twice = twice || end.Unix()-sec <= int64(off-after)
	}
	return sec + int64(off), twice
}

// dayClock turns the wall clock of one business day and the next into instants.
type dayClock struct {
	loc *time.Location
	day int64 // seconds since 1970 at midnight, on a clock without a zone
	off int64 // seconds east of UTC
	// steady: the clocks do not change from the day before to the day after the next.
	steady bool
}

func newDayClock(number int64, loc *time.Location) dayClock {
	c := dayClock{loc: loc, day: number * 86400, steady: true}
	if loc == time.UTC {
		return c
	}
	noon := time.Unix(c.day+86400/2, 0).In(loc)
	_, off := noon.Zone()
	c.off = int64(off)
	start, end := noon.ZoneBounds()
	c.steady = (start.IsZero() || noon.Sub(start) > 48*time.Hour) && (end.IsZero() || end.Sub(noon) > 72*time.Hour)
	return c
}

// opens returns the first instant at which the clocks show m or, when they skip it, more.
func (c dayClock) opens(m Clock) time.Time { return c.instant(m, false) }

// closes returns the last instant at which the clocks show m or, when they skip it, the first at which they show more.
func (c dayClock) closes(m Clock) time.Time { return c.instant(m, true) }

func (c dayClock) instant(m Clock, last bool) time.Time {
	wall := c.day + int64(m)*60
	if c.steady {
		return time.Unix(wall-c.off, 0).In(c.loc)
	}
	// Walk the zone periods around the time in order. Within one period the wall clock runs evenly: it shows the time
	// in it, or has passed it at its start, or does not reach it before its end.
	var found time.Time
	period := time.Unix(wall-72*3600, 0).In(c.loc)
	until := wall + 72*3600
	for {
		_, off := period.Zone()
		start, end := period.ZoneBounds()
		at := time.Unix(wall-int64(off), 0).In(c.loc)
		passed := !start.IsZero() && at.Before(start)
		if passed {
			at = start
		}
		// A later period that begins past the time does not show it again.
		if (end.IsZero() || at.Before(end)) && (found.IsZero() || !passed) {
			found = at
			if !last {
				return found
			}
		}
		if end.IsZero() || end.Unix() > until {
			return found
		}
		period = end
	}
}

// floorDiv returns the quotient rounded down and the remainder, which is never negative.
func floorDiv(a, b int64) (quotient, remainder int64) {
	quotient, remainder = a/b, a%b
	if remainder < 0 {
		return quotient - 1, remainder + b
	}
	return quotient, remainder
}

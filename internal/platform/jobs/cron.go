package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a container without zone files must know Europe/Berlin, too

	"github.com/robfig/cron/v3"
)

// schedule is one line of the calendar.
type schedule struct {
	name, spec, tz, kind string
	args                 []byte
	rule                 rule
	next                 time.Time // as last seen in the table; nodes only ever move it on
}

// Schedule enqueues a job of a kind by the calendar: spec is five cron fields, a word such as @daily, or "@every 90s"; tz is the time zone
// whose clocks count ("Europe/Berlin"), UTC where empty. The name identifies the schedule over restarts and nodes. A fault in spec or tz
// is returned by Run.
//
// Exactly one job is enqueued per due time over all nodes. Times missed while no node ran are made up for by one run. While the job of an
// earlier time is unfinished no second one is added; where it waits for another try, it is tried now. When the clocks go back, a time
// of day that comes twice counts once; when they go forward, one that is left out runs at the first minute after. A spec for every hour
// goes on evenly through both.
func (q *Queue) Schedule(name, spec, tz, kind string, args any) {
	b, err := json.Marshal(args)
	var r rule
	if err == nil {
		r, err = parseRule(spec, tz)
	}
	for _, s := range q.schedules {
		if s.name == name {
			err = errors.New("its name is taken")
		}
	}
	if err != nil {
		q.faults = append(q.faults, fmt.Errorf("jobs: schedule %s: %w", name, err))
		return
	}
	q.schedules = append(q.schedules, &schedule{name: name, spec: spec, tz: tz, kind: kind, args: b, rule: r})
}

// rule tells when a schedule is due.
type rule struct {
	cron  cron.Schedule // works on clocks without a zone: wall times written as UTC
	every bool          // an interval: no wall time at all
	hours bool          // every hour is meant: both of two equal hours count
	loc   *time.Location
}

// starBit is how the parser marks a field written as "*".
const starBit = 1 << 63

func parseRule(spec, tz string) (rule, error) {
	if strings.Contains(spec, "TZ=") {
		return rule{}, fmt.Errorf("%q names a time zone: give it apart from the times", spec)
	}
	if tz == "Local" {
		return rule{}, errors.New("the time zone must be a name such as Europe/Berlin")
	}
	loc, err := time.LoadLocation(tz)
	if err != nil {
		return rule{}, fmt.Errorf("time zone %q: %w", tz, err)
	}
	c, err := cron.ParseStandard(spec)
	if err != nil {
		return rule{}, fmt.Errorf("times %q: %w", spec, err)
	}
	r := rule{cron: c, loc: loc}
	if s, ok := c.(*cron.SpecSchedule); ok {
		s.Location = time.UTC
		r.hours = s.Hour&starBit != 0
	} else {
		r.every = true
	}
	if r.after(time.Unix(0, 0)).IsZero() {
		return rule{}, fmt.Errorf("times %q never come", spec)
	}
	return r, nil
}

// after returns the first due time later than t, zero where there is none.
func (r rule) after(t time.Time) time.Time {
	switch {
	case r.every:
		return r.cron.Next(t).UTC()
	case r.hours:
		return r.evenly(t)
	}
	for wall := wallOf(t, r.loc); ; {
		if wall = r.cron.Next(wall); wall.IsZero() {
			return wall
		}
		if at := instant(wall, r.loc); at.After(t) {
			return at
		}
	}
}

// evenly is after for a rule that means every hour: it reads the clocks of each period between two changes as they are.
func (r rule) evenly(t time.Time) time.Time {
	wall := wallOf(t, r.loc)
	for {
		_, off := t.In(r.loc).Zone()
		_, end := t.In(r.loc).ZoneBounds()
		next := r.cron.Next(wall)
		if next.IsZero() {
			return next
		}
		at := next.Add(-time.Duration(off) * time.Second)
		if end.IsZero() || at.Before(end) {
			return at
		}
		t = end
		wall = wallOf(end, r.loc).Add(-time.Second) // the first moment of the new period counts
	}
}

// wallOf returns what the clocks of loc show at t, written as UTC.
func wallOf(t time.Time, loc *time.Location) time.Time {
	_, off := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(off) * time.Second)
}

// instant returns the first moment at which the clocks of loc show wall, or the moment they jump over it.
func instant(wall time.Time, loc *time.Location) time.Time {
	offset := func(t time.Time) time.Duration {
		_, off := t.In(loc).Zone()
		return time.Duration(off) * time.Second
	}
	before, after := offset(wall.Add(-24*time.Hour)), offset(wall.Add(24*time.Hour))
	first, second := wall.Add(-before), wall.Add(-after)
	if offset(first) == before {
		return first
	}
	if offset(second) == after {
		return second
	}
	jump, _ := first.In(loc).ZoneBounds()
	return jump.UTC()
}

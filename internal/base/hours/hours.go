// Package hours reads opening hours in OpenStreetMap's opening_hours syntax ("Mo-Fr 11:30-14:00,17:00-23:00; PH off") and
// answers when a place is open, in its own time zone.
//
// A span belongs to the day on which it begins, the business day: "Fr 18:00-02:00; Sa off" is open until two on Saturday
// morning, and a special day replaces what begins on it. When clocks change, a time that is skipped counts as the moment
// of the change, and of a time that comes twice the first opens and the second closes: nobody who reads the sign on the
// door, whichever clock he wears, stands before a closed one.
package hours

import (
	"fmt"
	"time"
)

const dayMinutes = 24 * 60

// Date is a day of the calendar, without a time zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the date that the clocks of loc show at t.
func DateOf(t time.Time, loc *time.Location) Date {
	y, m, d := t.In(loc).Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-12-24" and returns an error for anything else, also for days that do not exist.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("hours: date %.20q: expected a day such as 2026-12-24", s)
	}
	return DateOf(t, time.UTC), nil
}

// String returns the date as "2026-12-24".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// AddDays returns the date n days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date { return dateOfNumber(d.number() + int64(n)) }

// Compare returns -1, 0 or +1 as d is before, equal to or after e.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// Start returns the first instant of the date in loc.
func (d Date) Start(loc *time.Location) time.Time {
	return newDayClock(d.number(), loc).opens(0)
}

// MarshalText returns what String does.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate does.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// number counts days since 1970-01-01.
func (d Date) number() int64 { return d.utc().Unix() / 86400 }

func dateOfNumber(n int64) Date {
	y, m, d := time.Unix(n*86400, 0).UTC().Date()
	return Date{y, m, d}
}

// Clock is a time of day in minutes since midnight. Where a span ends it may pass 24:00, up to 48:00: the next morning.
type Clock int

// String returns "17:00" as clocks show it: 25:30 is "01:30". Only the end of the day is "24:00".
func (c Clock) String() string {
	if c > dayMinutes {
		c -= dayMinutes
	}
	return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60)
}

// ClockSpan is a time from From to To of one business day, To excluded: 0 ≤ From < 24:00, From < To ≤ From + 24:00.
type ClockSpan struct{ From, To Clock }

// Valid reports whether the span keeps the limits of its type.
func (c ClockSpan) Valid() bool {
	return c.From >= 0 && c.From < dayMinutes && c.To > c.From && c.To <= c.From+dayMinutes
}

// String returns "17:00-01:00".
func (c ClockSpan) String() string { return c.From.String() + "-" + c.To.String() }

// MarshalText returns what String does.
func (c ClockSpan) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads one span such as "17:00-01:00"; its errors are *ParseError.
func (c *ClockSpan) UnmarshalText(text []byte) error {
	p, err := newParser(string(text))
	if err != nil {
		return err
	}
	span, err := p.span()
	if err != nil {
		return err
	}
	if p.tok().kind != tokEnd {
		return p.expected("the end")
	}
	*c = span
	return nil
}

// Span is a stretch of time: From is in it, To is not.
type Span struct{ From, To time.Time }

// Contains reports whether t lies in the span.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Day is one business day and the spans that begin on it, none when the place stays closed.
type Day struct {
	Date  Date        `json:"date"`
	Spans []ClockSpan `json:"spans"`
}

// Options is what a place adds to its schedule. The zero value means UTC and no exceptions.
type Options struct {
	// Loc is the time zone of the place; nil is UTC.
	Loc *time.Location
	// Holiday reports whether a date is a public holiday (PH); nil is never.
	Holiday func(Date) bool
	// SchoolHoliday reports whether a date lies in the school holidays (SH); nil is never.
	SchoolHoliday func(Date) bool
	// Special replaces what the schedule says for single business days; the first entry of a date counts.
	Special []Day
	// Closures are never open, whatever the schedule and Special say. They may overlap.
	Closures []Span
}

func (o *Options) loc() *time.Location {
	if o.Loc == nil {
		return time.UTC
	}
	return o.Loc
}

// Schedule is a parsed opening_hours value. It does not change and may be shared. The zero Schedule is never open.
type Schedule struct {
	rules []rule
	// weekly: no rule looks at anything but the day of the week, so every week is like the next.
	weekly bool
	// spill: a span passes midnight, so the day before has to be looked at too.
	spill bool
}

// IsZero reports whether the schedule has no rule at all: hours that nobody has entered yet.
func (s Schedule) IsZero() bool { return len(s.rules) == 0 }

// MarshalText returns what String does.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what Parse does, and the empty text as the zero Schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Schedule{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// state is what a rule says about the times it names.
type state byte

const (
	stateOpen    state = iota
	stateOff           // "off" and "closed"
	stateUnknown       // "unknown" and a bare comment: nothing one can order by, so it counts as closed
)

// rule is one rule of the syntax. An empty selector matches every day.
type rule struct {
	sep     string // how it is joined to the rule before: ";" replaces, "," and "||" add
	always  bool   // written as 24/7
	years   []yearRange
	dates   []dateRange
	weeks   []weekRange
	days    uint8     // bit time.Weekday
	nth     [7]uint16 // by time.Weekday: bits 1-5 for [1]-[5], bits 6-10 for [-1]-[-5]
	hasNth  bool
	ph, sh  bool
	both    bool // "PH Mo": the day has to be a holiday and one of the weekdays
	times   []ClockSpan
	state   state
	comment string
}

type yearRange struct{ from, to int }

type weekRange struct{ from, to int }

// dateRange runs over months (day 0) or days; year 0 is every year, and then from may come after to: over New Year.
type dateRange struct{ from, to Date }

func (r *rule) hasDays() bool { return r.days != 0 || r.hasNth }

func (r *rule) everyDay() bool { return r.weeklyOnly() && r.days == 0 }

func (r *rule) weeklyOnly() bool {
	return len(r.years) == 0 && len(r.dates) == 0 && len(r.weeks) == 0 && !r.hasNth && !r.ph && !r.sh
}

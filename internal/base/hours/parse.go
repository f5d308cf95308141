package hours

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of what Parse reads; real values stay far below.
const (
	MaxLength = 1000 // bytes of text
	MaxRules  = 64
	maxTimes  = 24 // spans in one rule
)

// ParseError says where a text stops being opening hours that Stoa reads, and what it wants there.
type ParseError struct {
	// Column counts characters from 1.
	Column int
	// Reason is a sentence without a full stop, such as `expected a closing time such as 22:00, found ";"`.
	Reason string
}

// Error returns the column and the reason.
func (e *ParseError) Error() string {
	return fmt.Sprintf("opening hours: column %d: %s", e.Column, e.Reason)
}

// Parse reads opening_hours: rules joined by ";" (replaces the day), "," (adds) or "||" (adds where closed), each made of
// years, months and dates, weeks (ISO), weekdays with [n], PH and SH, time spans, off, closed, open, unknown and a
// "comment", or 24/7. Letter case and doubled spaces do not matter. A comment without open means that one has to ask,
// which counts as closed. It refuses with an explanation what it cannot keep a promise by: open ends (17:00+), sunrise
// and sunset, Easter, day offsets and intervals. Every error is a *ParseError.
func Parse(s string) (Schedule, error) {
	p, err := newParser(s)
	if err != nil {
		return Schedule{}, err
	}
	sched := Schedule{weekly: true}
	for sep := ""; ; {
		if len(sched.rules) == MaxRules {
			return Schedule{}, p.fail("too many rules: at most %d", MaxRules)
		}
		at := p.pos
		r, err := p.rule()
		if err != nil {
			return Schedule{}, err
		}
		r.sep = sep
		if sep == "," && r.everyDay() && len(r.times) > 0 {
			p.pos = at
			return Schedule{}, p.fail("name the days of these times, or write them next to the times before")
		}
		sched.rules = append(sched.rules, r)
		sched.weekly = sched.weekly && r.weeklyOnly()
		for _, t := range r.times {
			sched.spill = sched.spill || t.To > dayMinutes
		}
		switch p.tok().text {
		case ";", ",", "||":
			if p.tok().kind != tokSign {
				return Schedule{}, p.expected("the end")
			}
			// "Dec 25,PH off" would mean open all day on Dec 25, which nobody means.
			if p.tok().is(",") && len(r.times) == 0 && r.state == stateOpen && !r.always {
				return Schedule{}, p.fail(`expected times or off before ","; for another rule write ";"`)
			}
			sep = p.next().text
			// A semicolon after the last rule is common and harmless.
			if sep == ";" && p.tok().kind == tokEnd {
				return sched, nil
			}
		default:
			if p.tok().kind == tokEnd {
				return sched, nil
			}
			return Schedule{}, p.unexpectedAfterRule(&r)
		}
	}
}

func (p *parser) unexpectedAfterRule(r *rule) error {
	t := p.tok()
	switch {
	case t.kind == tokWord && (weekdayIndex(t.text) >= 0 || monthIndex(t.text) > 0):
		if len(r.times) > 0 {
			return p.fail(`expected ";" before the next rule, found %q`, t.text)
		}
		return p.fail(`%q is out of order: first dates, then weekdays, then times`, t.text)
	case r.always:
		return p.fail(`24/7 stands alone: expected ";" or the end, found %s`, t)
	case len(r.times) > 0:
		return p.expected(`",", ";", off or the end`)
	default:
		return p.expected("a time such as 11:30-14:00")
	}
}

func (p *parser) rule() (rule, error) {
	var r rule
	if err := p.selectors(&r); err != nil {
		return r, err
	}
	selected := r.always || len(r.years)+len(r.dates)+len(r.weeks)+len(r.times) > 0 || r.hasDays() || r.ph || r.sh
	modified := false
	if t := p.tok(); t.kind == tokWord {
		if st, ok := modifiers[t.text]; ok {
			r.state, modified = st, true
			p.next()
		}
	}
	if t := p.tok(); t.kind == tokComment {
		r.comment = t.text
		p.next()
		if !modified {
			r.state = stateUnknown
		}
		modified = true
	}
	if !selected && !modified {
		return r, p.unknownWord()
	}
	return r, nil
}

var modifiers = map[string]state{"open": stateOpen, "off": stateOff, "closed": stateOff, "unknown": stateUnknown}

var refusedWords = map[string]string{
	"sunrise": "times of the sun are not supported: give the hour",
	"sunset":  "times of the sun are not supported: give the hour",
	"dawn":    "times of the sun are not supported: give the hour",
	"dusk":    "times of the sun are not supported: give the hour",
	"easter":  "easter is not supported: give the date of each year, such as 2027 Mar 28, or PH",
}

// unknownWord explains a token with which no rule can begin.
func (p *parser) unknownWord() error {
	t := p.tok()
	if reason, ok := refusedWords[t.text]; ok && t.kind == tokWord {
		return p.fail("%s", reason)
	}
	if t.kind == tokWord {
		return p.fail("unknown word %q: expected a weekday (Mo, Tu, We, Th, Fr, Sa, Su), a month (Jan to Dec), PH, SH, week, off or a time", t.text)
	}
	return p.expected("weekdays such as Mo-Fr, a date such as Dec 24, or a time such as 11:30-14:00")
}

func (p *parser) selectors(r *rule) error {
	if p.tok().isNumber(24) && p.peek(1).is("/") && p.peek(2).isNumber(7) {
		p.next()
		p.next()
		p.next()
		r.always = true
		return nil
	}
	if err := p.wide(r); err != nil {
		return err
	}
	if err := p.weekdays(r); err != nil {
		return err
	}
	return p.times(r)
}

// wide reads years, dates and weeks.
func (p *parser) wide(r *rule) error {
	if p.atYear() {
		if err := p.years(r); err != nil {
			return err
		}
	}
	if p.atMonth() || p.atYear() {
		if err := p.dates(r); err != nil {
			return err
		}
	}
	if p.tok().kind == tokWord && p.tok().text == "week" {
		p.next()
		if err := p.weeks(r); err != nil {
			return err
		}
	}
	// Allowed after dates for the eye: "Dec 24: 10:00-14:00".
	if p.tok().is(":") && len(r.years)+len(r.dates)+len(r.weeks) > 0 {
		p.next()
	}
	return nil
}

func (p *parser) atYear() bool { t := p.tok(); return t.kind == tokNumber && len(t.text) == 4 }

func (p *parser) atMonth() bool { t := p.tok(); return t.kind == tokWord && monthIndex(t.text) > 0 }

// weekdays reads weekdays and holidays: "Mo-Fr,PH", "PH", "SH Mo-Fr", "Mo[1],We".
func (p *parser) weekdays(r *rule) error {
	for {
		t := p.tok()
		day := -1
		if t.kind == tokWord {
			day = weekdayIndex(t.text)
		}
		switch {
		case t.kind == tokWord && (t.text == "ph" || t.text == "sh"):
			p.next()
			r.ph, r.sh = r.ph || t.text == "ph", r.sh || t.text == "sh"
			if p.tok().is("+") || p.tok().is("-") {
				return p.fail("day offsets are not supported: give the dates")
			}
			// A space where a comma could be: both have to hold.
			if u := p.tok(); u.kind == tokWord && weekdayIndex(u.text) >= 0 && !r.hasDays() {
				r.both = true
				continue
			}
		case day >= 0:
			if err := p.weekdayRange(r, day); err != nil {
				return err
			}
		default:
			return nil
		}
		if !p.tok().is(",") || !isDayWord(p.peek(1)) {
			return nil
		}
		if r.both && weekdayIndex(p.peek(1).text) < 0 {
			return nil
		}
		p.next()
	}
}

func isDayWord(t token) bool {
	return t.kind == tokWord && (t.text == "ph" || t.text == "sh" || weekdayIndex(t.text) >= 0)
}

func (p *parser) weekdayRange(r *rule, from int) error {
	p.next()
	if p.tok().is("[") {
		r.hasNth = true
		return p.nth(&r.nth[from])
	}
	if p.tok().is("+") {
		return p.fail("day offsets are not supported: give the weekday")
	}
	to := from
	if p.tok().is("-") {
		p.next()
		t := p.tok()
		if to = weekdayIndex(t.text); t.kind != tokWord || to < 0 {
			return p.expected("a weekday (Mo, Tu, We, Th, Fr, Sa, Su)")
		}
		p.next()
		if p.tok().is("[") {
			return p.fail("[n] goes with a single weekday, not with a range")
		}
	}
	for d := from; ; d = (d + 1) % 7 {
		r.days |= 1 << d
		if d == to {
			return nil
		}
	}
}

// nth reads "[1]", "[-1]", "[1,3]" or "[1-2]".
func (p *parser) nth(mask *uint16) error {
	p.next()
	for {
		negative := p.tok().is("-")
		if negative {
			p.next()
		}
		from, err := p.number("which one of the month: 1 to 5, or -1 to -5 from its end", 1, 5)
		if err != nil {
			return err
		}
		to := from
		if p.tok().is("-") && !negative {
			p.next()
			if to, err = p.number(fmt.Sprintf("a number from %d to 5", from), from, 5); err != nil {
				return err
			}
		}
		for n := from; n <= to; n++ {
			if negative {
				*mask |= 1 << (n + 5)
			} else {
				*mask |= 1 << n
			}
		}
		if p.tok().is("]") {
			p.next()
			if p.tok().is("+") || p.tok().is("-") {
				return p.fail("day offsets are not supported: give the weekday")
			}
			return nil
		}
		if !p.tok().is(",") {
			return p.expected(`"]"`)
		}
		p.next()
	}
}

// times reads spans and leaves them sorted, those that touch joined.
func (p *parser) times(r *rule) error {
	if reason, ok := refusedWords[p.tok().text]; ok && p.tok().kind == tokWord && p.tok().text != "easter" {
		return p.fail("%s", reason)
	}
	if p.tok().is("(") {
		return p.fail("times of the sun are not supported: give the hour")
	}
	for p.tok().kind == tokNumber {
		if len(r.times) == maxTimes {
			return p.fail("too many times in one rule: at most %d", maxTimes)
		}
		c, err := p.span()
		if err != nil {
			return err
		}
		r.times = append(r.times, c)
		if !p.tok().is(",") || p.peek(1).kind != tokNumber || len(p.peek(1).text) == 4 || p.peek(1).isNumber(24) && p.peek(2).is("/") {
			break
		}
		p.next()
	}
	slices.SortFunc(r.times, compareSpans)
	joined := r.times[:0]
	for _, t := range r.times {
		if n := len(joined); n > 0 && t.From <= joined[n-1].To && max(t.To, joined[n-1].To) <= joined[n-1].From+dayMinutes {
			joined[n-1].To = max(t.To, joined[n-1].To)
			continue
		}
		joined = append(joined, t)
	}
	r.times = joined
	return nil
}

func compareSpans(a, b ClockSpan) int {
	if a.From != b.From {
		return int(a.From - b.From)
	}
	return int(a.To - b.To)
}

// span reads "11:30-14:00".
func (p *parser) span() (ClockSpan, error) {
	from, err := p.clock("an opening time such as 11:30", 23)
	if err != nil {
		return ClockSpan{}, err
	}
	if p.tok().is("+") {
		return ClockSpan{}, p.fail("an open end is not supported: give the closing time, such as %s-23:00", from)
	}
	if !p.tok().is("-") {
		return ClockSpan{}, p.expected(fmt.Sprintf(`"-" and a closing time after %s`, from))
	}
	p.next()
	if reason, ok := refusedWords[p.tok().text]; ok && p.tok().kind == tokWord {
		return ClockSpan{}, p.fail("%s", reason)
	}
	at := p.pos
	to, err := p.clock("a closing time such as 22:00", 48)
	if err != nil {
		return ClockSpan{}, err
	}
	if p.tok().is("+") {
		return ClockSpan{}, p.fail("an open end is not supported: give the closing time only")
	}
	if p.tok().is("/") {
		return ClockSpan{}, p.fail("intervals such as /30 are not supported")
	}
	if to <= from {
		to += dayMinutes
	}
	if c := (ClockSpan{from, to}); c.Valid() {
		return c, nil
	}
	p.pos = at
	return ClockSpan{}, p.fail("a span may not be longer than 24 hours")
}

func (p *parser) clock(want string, maxHour int) (Clock, error) {
	t := p.tok()
	if t.kind != tokNumber || len(t.text) > 2 || !p.peek(1).is(":") {
		return 0, p.expected(want)
	}
	m := p.peek(2)
	if m.kind != tokNumber || len(m.text) != 2 || m.num > 59 || t.num > maxHour || t.num == maxHour && maxHour == 48 && m.num > 0 {
		return 0, p.fail("%s:%s is not a time: expected %s", t.text, strings.Trim(m.String(), `"`), want)
	}
	p.pos += 3
	return Clock(t.num*60 + m.num), nil
}

func (p *parser) number(want string, lo, hi int) (int, error) {
	t := p.tok()
	if t.kind != tokNumber || t.num < lo || t.num > hi {
		return 0, p.expected(want)
	}
	p.next()
	return t.num, nil
}

var weekdayNames = [7]string{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"}

// weekdayIndex returns the time.Weekday of a lower-case token, or -1.
func weekdayIndex(s string) int {
	return slices.IndexFunc(weekdayNames[:], func(n string) bool { return strings.EqualFold(n, s) })
}

// monthIndex returns the time.Month of a lower-case token, or 0.
func monthIndex(s string) int {
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(m.String()[:3], s) {
			return int(m)
		}
	}
	return 0
}

package hours

import (
	"slices"
	"time"
)

// Horizon is how far NextChange and NextOpen look ahead: a year and a bit, so that yearly dates come round once.
const Horizon = 400 * 24 * time.Hour

// OpenAt reports whether the place is open at t. It does not allocate.
func (s Schedule) OpenAt(t time.Time, opt Options) bool {
	if inClosure(t, opt.Closures) {
		return false
	}
	loc := opt.loc()
	wall, twice := wallClock(t, loc)
	if twice {
		// Rare: an hour that comes twice a year. Which of the two matters, so instants decide and not the wall clock.
		span, ok := s.nextSpan(t, t.Add(time.Nanosecond), &opt)
		return ok && span.Contains(t)
	}
	day, minute := floorDiv(wall, 86400)
	m := Clock(minute / 60)
	return s.openOn(day, m, &opt) || (s.spill || len(opt.Special) > 0) && s.openOn(day-1, m+dayMinutes, &opt)
}

// NextChange returns the first instant after t at which the place opens or closes, and whether it is open from then on.
// ok is false when nothing changes within the Horizon.
func (s Schedule) NextChange(t time.Time, opt Options) (at time.Time, open, ok bool) {
	limit := s.limit(t, &opt)
	span, found := s.nextSpan(t, limit, &opt)
	switch {
	case !found || !span.From.Before(limit):
		return time.Time{}, false, false
	case t.Before(span.From):
		return span.From, true, true
	case span.To.Before(limit):
		return span.To, false, true
	default:
		return time.Time{}, false, false
	}
}

// NextOpen returns t when the place is open at t, else the instant at which it opens next. ok is false when it does not
// open within the Horizon.
func (s Schedule) NextOpen(t time.Time, opt Options) (at time.Time, ok bool) {
	limit := s.limit(t, &opt)
	span, found := s.nextSpan(t, limit, &opt)
	if !found || !span.From.Before(limit) {
		return time.Time{}, false
	}
	if span.From.Before(t) {
		return t, true
	}
	return span.From, true
}

// Spans returns when the place is open between from and to, in order, cut at both ends, no two touching.
func (s Schedule) Spans(from, to time.Time, opt Options) []Span {
	var list []Span
	for t := from; t.Before(to); {
		span, ok := s.nextSpan(t, to, &opt)
		if !ok || !span.From.Before(to) {
			break
		}
		t = span.To
		if span.From.Before(from) {
			span.From = from
		}
		if span.To.After(to) {
			span.To = to
		}
		list = append(list, span)
	}
	return list
}

// Week returns seven business days from first on with the spans that begin on them, special days and holidays included;
// spans that lie in a closure as a whole are left out.
func (s Schedule) Week(first Date, opt Options) [7]Day {
	var week [7]Day
	for i := range week {
		number := first.number() + int64(i)
		clock := newDayClock(number, opt.loc())
		spans := s.day(nil, number, &opt)
		week[i] = Day{Date: dateOfNumber(number), Spans: slices.DeleteFunc(spans, func(c ClockSpan) bool {
			span := Span{clock.opens(c.From), clock.closes(c.To)}
			_, open := firstPiece(span, span.From, opt.Closures)
			return !open
		})}
	}
	return week
}

// limit is where NextChange gives up: a weekly schedule repeats, so beyond its exceptions one week says all.
func (s *Schedule) limit(t time.Time, opt *Options) time.Time {
	const week = 9 * 24 * time.Hour
	far := t.Add(Horizon)
	if !s.weekly {
		return far
	}
	limit := t.Add(week)
	for _, c := range opt.Closures {
		if end := c.To.Add(week); end.After(limit) {
			limit = end
		}
	}
	for _, d := range opt.Special {
		if end := d.Date.utc().Add(week); end.After(limit) {
			limit = end
		}
	}
	if limit.After(far) {
		return far
	}
	return limit
}

// nextSpan returns the first open span that ends after t, looking at days up to limit only: a span that reaches limit
// may be longer in truth.
func (s *Schedule) nextSpan(t, limit time.Time, opt *Options) (Span, bool) {
	loc := opt.loc()
	wall, _ := wallClock(t, loc)
	day, _ := floorDiv(wall, 86400)
	var cur Span
	var have bool
	var buf, lateBuf [16]ClockSpan
	late := lateBuf[:0] // what begins after the midnight of the day before
	// Two days back: a span lasts up to the next evening, and a zone may repeat an hour around midnight.
	for d := day - 2; ; d++ {
		clock := newDayClock(d, loc)
		start := clock.opens(0)
		if have && cur.To.Before(start) {
			if piece, ok := firstPiece(cur, t, opt.Closures); ok {
				return piece, true
			}
			have = false
		}
		if !start.Before(limit) {
			break
		}
		spans := s.day(append(buf[:0], late...), d, opt)
		spans, late = splitLate(spans, len(late), late[:0])
		for _, c := range spans {
			span := Span{clock.opens(c.From), clock.closes(c.To)}
			switch {
			case !span.To.After(span.From) || !span.To.After(t):
				// Skipped by a change of clocks, or over.
			case !have:
				cur, have = span, true
			case !span.From.After(cur.To):
				if span.To.After(cur.To) {
					cur.To = span.To
				}
			default:
				if piece, ok := firstPiece(cur, t, opt.Closures); ok {
					return piece, true
				}
				cur = span
			}
		}
	}
	if have {
		return firstPiece(cur, t, opt.Closures)
	}
	return Span{}, false
}

// splitLate moves spans from the given index on that begin after midnight to late, as spans of the next day, and sorts
// the others. There are some only where a rule closes the middle of a night: "Mo 18:00-02:00; Mo 23:00-01:00 off".
func splitLate(spans []ClockSpan, from int, late []ClockSpan) (rest, moved []ClockSpan) {
	for n := len(spans); n > from && spans[n-1].From >= dayMinutes; n = len(spans) {
		late = append(late, ClockSpan{spans[n-1].From - dayMinutes, spans[n-1].To - dayMinutes})
		spans = spans[:n-1]
	}
	if from > 0 {
		slices.SortFunc(spans, compareSpans)
	}
	slices.Reverse(late)
	return spans, late
}

// firstPiece returns the first part of span outside all closures that ends after t.
func firstPiece(span Span, t time.Time, closures []Span) (Span, bool) {
	for span.From.Before(span.To) {
		piece := span
		for i := range closures {
			c := &closures[i]
			if !c.To.After(c.From) || !c.To.After(piece.From) || !c.From.Before(piece.To) {
				continue
			}
			if c.From.After(piece.From) {
				piece.To = c.From
				continue
			}
			// The piece begins inside this closure: start over behind it.
			piece = Span{c.To, c.To}
			break
		}
		if piece.From.Before(piece.To) && piece.To.After(t) {
			return piece, true
		}
		span.From = piece.To
	}
	return Span{}, false
}

func inClosure(t time.Time, closures []Span) bool {
	for i := range closures {
		if closures[i].Contains(t) {
			return true
		}
	}
	return false
}

// day appends the spans that begin on a day, sorted and joined.
func (s *Schedule) day(buf []ClockSpan, number int64, opt *Options) []ClockSpan {
	if special := findSpecial(number, opt); special != nil {
		n := len(buf)
		for _, c := range special.Spans {
			if c.Valid() {
				buf = append(buf, c)
			}
		}
		slices.SortFunc(buf[n:], compareSpans)
		return buf
	}
	return s.appendDay(buf, s.match(number, opt))
}

// appendDay appends what the rules in mask leave open, a bit for each rule. It asks openMinute between each two times
// that a rule names, so that the two cannot disagree.
func (s *Schedule) appendDay(buf []ClockSpan, mask uint64) []ClockSpan {
	var edgeBuf [32]Clock
	first := len(buf)
	edges := append(edgeBuf[:0], 0, dayMinutes, 2*dayMinutes)
	for i := range s.rules {
		if mask&(1<<i) == 0 {
			continue
		}
		for _, t := range s.rules[i].times {
			edges = append(edges, t.From, t.To)
		}
	}
	slices.Sort(edges)
	for i := 1; i < len(edges); i++ {
		from, to := edges[i-1], edges[i]
		if from == to || !s.openMinute(mask, from) {
			continue
		}
		if n := len(buf); n > first && buf[n-1].To == from {
			buf[n-1].To = to
		} else {
			buf = append(buf, ClockSpan{from, to})
		}
	}
	return buf
}

// openOn reports whether minute m of the given business day is open; m may lie in the day after.
func (s *Schedule) openOn(number int64, m Clock, opt *Options) bool {
	if special := findSpecial(number, opt); special != nil {
		for _, c := range special.Spans {
			if c.Valid() && m >= c.From && m < c.To {
				return true
			}
		}
		return false
	}
	return s.openMinute(s.match(number, opt), m)
}

// openMinute applies the rules in mask in their order to one minute.
func (s *Schedule) openMinute(mask uint64, m Clock) bool {
	open := false
	for i := range s.rules {
		if mask&(1<<i) == 0 {
			continue
		}
		r := &s.rules[i]
		in := r.covers(m)
		switch {
		case r.state != stateOpen && r.sep == "||":
			// Says something about closed times only.
		case r.state == stateUnknown && r.sep == ";":
			open = false
		case r.state != stateOpen:
			open = open && !in
		case r.sep == ";" || r.sep == "":
			open = in
		default:
			open = open || in
		}
	}
	return open
}

// covers reports whether the rule names minute m of its day; without times it names the whole day, and to close a day is
// to close what runs on past midnight as well.
func (r *rule) covers(m Clock) bool {
	if len(r.times) == 0 {
		return m < dayMinutes || r.state != stateOpen
	}
	for _, t := range r.times {
		if m >= t.From && m < t.To {
			return true
		}
	}
	return false
}

func findSpecial(number int64, opt *Options) *Day {
	if len(opt.Special) == 0 {
		return nil
	}
	date := dateOfNumber(number)
	for i := range opt.Special {
		if opt.Special[i].Date == date {
			return &opt.Special[i]
		}
	}
	return nil
}

// match returns a bit for each rule that applies to the day.
func (s *Schedule) match(number int64, opt *Options) uint64 {
	weekday := time.Weekday((number%7 + 11) % 7) // day 0 was a Thursday
	var date Date
	if !s.weekly {
		date = dateOfNumber(number)
	}
	var mask uint64
	for i := range s.rules {
		r := &s.rules[i]
		if s.weekly {
			if r.days == 0 || r.days&(1<<weekday) != 0 {
				mask |= 1 << i
			}
			continue
		}
		if r.matchWide(date) && r.matchDay(date, weekday, opt) {
			mask |= 1 << i
		}
	}
	return mask
}

func (r *rule) matchWide(date Date) bool {
	if len(r.years) > 0 && !slices.ContainsFunc(r.years, func(y yearRange) bool { return date.Year >= y.from && date.Year <= y.to }) {
		return false
	}
	if len(r.dates) > 0 && !slices.ContainsFunc(r.dates, func(d dateRange) bool { return d.contains(date) }) {
		return false
	}
	if len(r.weeks) == 0 {
		return true
	}
	_, week := date.utc().ISOWeek()
	return slices.ContainsFunc(r.weeks, func(w weekRange) bool {
		if w.from > w.to {
			return week >= w.from || week <= w.to
		}
		return week >= w.from && week <= w.to
	})
}

func (r *rule) matchDay(date Date, weekday time.Weekday, opt *Options) bool {
	if !r.hasDays() && !r.ph && !r.sh {
		return true
	}
	day := r.days&(1<<weekday) != 0
	if mask := r.nth[weekday]; mask != 0 && !day {
		nth := (date.Day-1)/7 + 1
		last := (daysIn(date)-date.Day)/7 + 1
		day = mask&(1<<nth|1<<(last+5)) != 0
	}
	holiday := r.ph && opt.Holiday != nil && opt.Holiday(date) || r.sh && opt.SchoolHoliday != nil && opt.SchoolHoliday(date)
	if r.both {
		return day && holiday
	}
	return day || holiday
}

// dateKey orders dates; a month alone (day 0) comes before its first day.
func dateKey(d Date) int { return d.Year*512 + int(d.Month)*32 + d.Day }

func (d dateRange) contains(date Date) bool {
	if d.from.Year == 0 {
		date.Year = 0
	}
	key, from, to := dateKey(date), dateKey(d.from), dateKey(d.to)
	if d.to.Day == 0 {
		to += 31
	}
	if from > to {
		return key >= from || key <= to
	}
	return key >= from && key <= to
}

package hours

import (
	"fmt"
	"time"
)

// atDay reports whether the n-th token from here is a day of the month and not the hour of a time. "24: 10:00" has a day,
// "24:10" an hour.
func (p *parser) atDay(n int) bool {
	t := p.peek(n)
	return t.kind == tokNumber && len(t.text) <= 2 && (!p.peek(n+1).is(":") || p.peek(n+3).is(":"))
}

// years reads "2026", "2026-2028" and lists; a year directly before a month is left for dates.
func (p *parser) years(r *rule) error {
	for {
		if p.peek(1).kind == tokWord && monthIndex(p.peek(1).text) > 0 && len(r.years) == 0 {
			return nil
		}
		if !p.atYear() {
			return p.expected("a year such as 2026")
		}
		y := yearRange{from: p.tok().num}
		y.to = y.from
		p.next()
		if p.tok().is("+") {
			return p.fail("an open end is not supported: give the last year")
		}
		if p.tok().is("-") {
			p.next()
			if !p.atYear() || p.tok().num <= y.from {
				return p.expected(fmt.Sprintf("a year after %d", y.from))
			}
			y.to = p.next().num
		}
		r.years = append(r.years, y)
		if p.tok().is("/") {
			return p.fail("intervals such as /2 are not supported")
		}
		if !p.tok().is(",") || p.peek(1).kind != tokNumber || len(p.peek(1).text) != 4 {
			return nil
		}
		p.next()
	}
}

func (p *parser) weeks(r *rule) error {
	for {
		from, err := p.number("a week from 1 to 53", 1, 53)
		if err != nil {
			return err
		}
		w := weekRange{from, from}
		if p.tok().is("-") {
			p.next()
			if w.to, err = p.number("a week from 1 to 53", 1, 53); err != nil {
				return err
			}
		}
		r.weeks = append(r.weeks, w)
		if p.tok().is("/") {
			return p.fail("intervals such as /2 are not supported")
		}
		if !p.tok().is(",") || p.peek(1).kind != tokNumber || p.peek(2).is(":") {
			return nil
		}
		p.next()
	}
}

// dates reads a list of months, days and ranges of them.
func (p *parser) dates(r *rule) error {
	for {
		at := p.pos
		d, err := p.dateRange()
		if err != nil {
			return err
		}
		if len(r.dates) > 0 && (d.from.Year == 0) != (r.dates[0].from.Year == 0) {
			p.pos = at
			return p.fail("name the year of every date in the list, or of none")
		}
		r.dates = append(r.dates, d)
		// "Dec 24,26-28": more days of the same month.
		for d.to.Day > 0 && p.tok().is(",") && p.atDay(1) {
			p.next()
			if d, err = p.dayRange(Date{Year: d.to.Year, Month: d.to.Month}); err != nil {
				return err
			}
			r.dates = append(r.dates, d)
		}
		next := p.peek(1)
		isDate := next.kind == tokWord && monthIndex(next.text) > 0 || next.kind == tokNumber && len(next.text) == 4
		if !p.tok().is(",") || !isDate {
			return nil
		}
		p.next()
	}
}

// dateRange reads "May", "May-Sep", "Dec 24", "Dec 24-26", "Dec 24-Jan 06" and each with a year in front.
func (p *parser) dateRange() (dateRange, error) {
	from, err := p.yearMonth(0)
	if err != nil {
		return dateRange{}, err
	}
	if p.atDay(0) {
		return p.dayRange(from)
	}
	if !p.tok().is("-") {
		return dateRange{from, from}, nil
	}
	p.next()
	explicit := p.atYear()
	to, err := p.yearMonth(from.Year)
	if err != nil {
		return dateRange{}, err
	}
	if p.atDay(0) {
		return dateRange{}, p.fail("a range runs from month to month or from day to day: the first date has no day")
	}
	return p.finishRange(dateRange{from, to}, explicit)
}

// dayRange reads "24", "24-26" and "24-Jan 06" after the month in d.
func (p *parser) dayRange(d Date) (dateRange, error) {
	from, err := p.day(d)
	if err != nil {
		return dateRange{}, err
	}
	if t := p.tok(); t.is("+") {
		return dateRange{}, p.fail("an open end and day offsets are not supported: give the dates")
	}
	if !p.tok().is("-") {
		return dateRange{from, from}, nil
	}
	p.next()
	if p.atDay(0) {
		to, err := p.day(d)
		if err == nil && to.Day < from.Day {
			p.pos--
			err = p.expected(fmt.Sprintf("a day from %d on, or a month", from.Day))
		}
		return dateRange{from, to}, err
	}
	explicit := p.atYear()
	to, err := p.yearMonth(from.Year)
	if err != nil {
		return dateRange{}, err
	}
	if to, err = p.day(to); err != nil {
		return dateRange{}, err
	}
	return p.finishRange(dateRange{from, to}, explicit)
}

// finishRange lets a range with a year run into the next one when its end has none of its own.
func (p *parser) finishRange(d dateRange, explicit bool) (dateRange, error) {
	if d.from.Year == 0 && d.to.Year != 0 {
		return d, p.fail("name the year of the first date too")
	}
	if d.from.Year != 0 && dateKey(d.to) < dateKey(d.from) {
		if explicit {
			return d, p.fail("the range ends before it begins")
		}
		d.to.Year++
		if d.to.Day > daysIn(d.to) {
			return d, p.fail("%s %d has no day %d", d.to.Month, d.to.Year, d.to.Day)
		}
	}
	return d, nil
}

// yearMonth reads "2026 Dec" or "Dec", which then has the given year.
func (p *parser) yearMonth(year int) (Date, error) {
	if p.atYear() {
		if year = p.next().num; year == 0 {
			p.pos--
			return Date{}, p.expected("a year such as 2026")
		}
	}
	t := p.tok()
	if reason, ok := refusedWords[t.text]; ok && t.kind == tokWord {
		return Date{}, p.fail("%s", reason)
	}
	m := 0
	if t.kind == tokWord {
		m = monthIndex(t.text)
	}
	if m == 0 {
		return Date{}, p.expected("a month (Jan to Dec)")
	}
	p.next()
	return Date{Year: year, Month: time.Month(m)}, nil
}

func (p *parser) day(d Date) (Date, error) {
	last := daysIn(d)
	n, err := p.number(fmt.Sprintf("a day of %s from 1 to %d", d.Month, last), 1, last)
	d.Day = n
	return d, err
}

// daysIn returns the length of the month of d; with no year February has 29.
func daysIn(d Date) int {
	year := d.Year
	if year == 0 {
		year = 2000
	}
	return time.Date(year, d.Month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

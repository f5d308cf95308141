package hours

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// String returns the schedule in normal form, which Parse reads back to the same schedule.
func (s Schedule) String() string {
	var b strings.Builder
	for i := range s.rules {
		switch s.rules[i].sep {
		case ";", ",":
			b.WriteString(s.rules[i].sep + " ")
		case "||":
			b.WriteString(" || ")
		}
		b.WriteString(strings.Join(s.rules[i].words(), " "))
	}
	return b.String()
}

func (r *rule) words() []string {
	var w []string
	add := func(list []string) {
		if len(list) > 0 {
			w = append(w, strings.Join(list, ","))
		}
	}
	if r.always {
		w = append(w, "24/7")
	}
	add(each(r.years, func(y yearRange) string { return numbers("%04d", y.from, y.to) }))
	add(each(r.dates, dateRange.String))
	if len(r.weeks) > 0 {
		w = append(w, "week")
	}
	add(each(r.weeks, func(y weekRange) string { return numbers("%02d", y.from, y.to) }))
	w = append(w, r.dayWords()...)
	add(each(r.times, ClockSpan.String))
	switch {
	case r.state == stateOff:
		w = append(w, "off")
	case r.state == stateUnknown && r.comment == "":
		w = append(w, "unknown")
	case r.state == stateOpen && (r.comment != "" || len(w) == 0):
		w = append(w, "open")
	}
	if r.comment != "" {
		w = append(w, `"`+r.comment+`"`)
	}
	return w
}

// dayWords returns weekdays and holidays as one word, or as two when both have to hold.
func (r *rule) dayWords() []string {
	days := weekdayRanges(r.days)
	for d := range 7 {
		if mask := r.nth[(d+1)%7]; mask != 0 {
			days = append(days, weekdayNames[(d+1)%7]+nthString(mask))
		}
	}
	var holidays []string
	if r.ph {
		holidays = append(holidays, "PH")
	}
	if r.sh {
		holidays = append(holidays, "SH")
	}
	if r.both {
		return []string{strings.Join(holidays, ","), strings.Join(days, ",")}
	}
	if all := slices.Concat(days, holidays); len(all) > 0 {
		return []string{strings.Join(all, ",")}
	}
	return nil
}

// weekdayRanges writes a set of weekdays from Monday on, or from the day after a gap: "Mo-Fr", "Sa-Mo", "Tu,Th".
func weekdayRanges(days uint8) []string {
	if days == 1<<7-1 {
		return []string{"Mo-Su"}
	}
	has := func(d int) bool { return days&(1<<(d%7)) != 0 }
	start := 1
	for has(start) && has(start+6) { // Su and Mo belong together: begin before them
		start += 6
	}
	var list []string
	for d := start; d < start+7; d++ {
		if !has(d) {
			continue
		}
		from := d
		for d+1 < start+7 && has(d+1) {
			d++
		}
		switch d - from {
		case 0:
			list = append(list, weekdayNames[from%7])
		case 1:
			list = append(list, weekdayNames[from%7], weekdayNames[d%7])
		default:
			list = append(list, weekdayNames[from%7]+"-"+weekdayNames[d%7])
		}
	}
	return list
}

func nthString(mask uint16) string {
	var list []string
	for n := 1; n <= 10; n++ {
		if mask&(1<<n) == 0 {
			continue
		}
		if n > 5 {
			list = append(list, strconv.Itoa(5-n))
		} else {
			list = append(list, strconv.Itoa(n))
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}

// String returns "Dec 24-26", "Dec 24-Jan 06", "2026 May-2026 Sep".
func (d dateRange) String() string {
	from := dateWord(d.from, true)
	switch {
	case d.from == d.to:
		return from
	case d.from.Day > 0 && d.from.Year == d.to.Year && d.from.Month == d.to.Month && d.from.Day < d.to.Day:
		return fmt.Sprintf("%s-%02d", from, d.to.Day)
	default:
		return from + "-" + dateWord(d.to, d.from.Year != d.to.Year)
	}
}

func dateWord(d Date, year bool) string {
	s := d.Month.String()[:3]
	if year && d.Year != 0 {
		s = fmt.Sprintf("%04d %s", d.Year, s)
	}
	if d.Day > 0 {
		s += fmt.Sprintf(" %02d", d.Day)
	}
	return s
}

func numbers(format string, from, to int) string {
	if from == to {
		return fmt.Sprintf(format, from)
	}
	return fmt.Sprintf(format+"-"+format, from, to)
}

func each[T any](list []T, f func(T) string) []string {
	var out []string
	for _, v := range list {
		out = append(out, f(v))
	}
	return out
}

// Regular returns, by time.Weekday (Sunday first), the spans of an ordinary week: rules that name dates, weeks, holidays
// or the n-th weekday of a month are left out. It is what a sign on the door or a search engine wants.
func (s Schedule) Regular() [7][]ClockSpan {
	var week [7][]ClockSpan
	for d := time.Sunday; d <= time.Saturday; d++ {
		mask := uint64(0)
		for i := range s.rules {
			if r := &s.rules[i]; r.weeklyOnly() && (r.days == 0 || r.days&(1<<d) != 0) {
				mask |= 1 << i
			}
		}
		week[d] = s.appendDay(nil, mask)
	}
	return week
}

package hours

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustParse(t interface{ Fatalf(string, ...any) }, s string) Schedule {
	sched, err := Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return sched
}

var structure = cmp.AllowUnexported(Schedule{}, rule{}, yearRange{}, weekRange{}, dateRange{})

func TestStringIsTheNormalForm(t *testing.T) {
	for in, want := range map[string]string{
		"mo - fr 9:00–17:00 ;":             "Mo-Fr 09:00-17:00",
		"Mo,Tu,We,Th 17:00-25:00":          "Mo-Th 17:00-01:00",
		"Fr,Sa,Su,Mo 12:00-00:00":          "Fr-Mo 12:00-24:00",
		"Su,Mo 10:00-12:00":                "Su,Mo 10:00-12:00",
		"Mo-Su 10:00-12:00,12:00-14:00":    "Mo-Su 10:00-14:00",
		"Mo 17:00-22:00,11:00-14:00":       "Mo 11:00-14:00,17:00-22:00",
		"24/7":                             "24/7",
		"24/7;Dec 25 closed":               "24/7; Dec 25 off",
		"PH,Mo-Fr 10:00-12:00":             "Mo-Fr,PH 10:00-12:00",
		"SH Mo-Fr 10:00-12:00":             "SH Mo-Fr 10:00-12:00",
		"Mo 10:00-12:00,We 11:00-12:00":    "Mo 10:00-12:00, We 11:00-12:00",
		"Mo 10:00-12:00||Tu off":           "Mo 10:00-12:00 || Tu off",
		"Dec 24: 10:00-14:00":              "Dec 24 10:00-14:00",
		"Dec 24,26-28 off":                 "Dec 24,Dec 26-28 off",
		"2026 Dec 24-Jan 6 off":            "2026 Dec 24-2027 Jan 06 off",
		"2026 May-Sep 10:00-20:00":         "2026 May-Sep 10:00-20:00",
		"2026-2028 Mo 10:00-20:00":         "2026-2028 Mo 10:00-20:00",
		"week 1-10,52-3 Mo 10:00-20:00":    "week 01-10,52-03 Mo 10:00-20:00",
		"Mo[3,1],We[-1] 10:00-20:00":       "Mo[1,3],We[-1] 10:00-20:00",
		"Mo[1-3] 10:00-20:00":              "Mo[1,2,3] 10:00-20:00",
		`Sa "by appointment"`:              `Sa "by appointment"`,
		`Sa 10:00-12:00 open "ring twice"`: `Sa 10:00-12:00 open "ring twice"`,
		"closed":                           "off",
		"open":                             "open",
	} {
		if got := mustParse(t, in).String(); got != want {
			t.Errorf("Parse(%q).String() = %q; want %q", in, got, want)
		}
	}
}

func TestParseNamesColumnAndExpectation(t *testing.T) {
	for in, tt := range map[string]struct {
		column int
		want   string
	}{
		"":                               {1, "expected weekdays"},
		"   ":                            {4, "found the end"},
		"Mon 10:00-12:00":                {1, `unknown word "mon"`},
		"Mo-Fx 10:00-12:00":              {4, "expected a weekday"},
		"Mo 10:00":                       {9, `expected "-" and a closing time after 10:00`},
		"Mo 10:00-":                      {10, "expected a closing time such as 22:00, found the end"},
		"Mo 10:00+":                      {9, "open end is not supported"},
		"Mo 10:00-20:00+":                {15, "open end is not supported"},
		"Mo 10-12":                       {4, "expected an opening time such as 11:30"},
		"Mo 10:60-12:00":                 {4, "10:60 is not a time"},
		"Mo 24:00-26:00":                 {4, "24:00 is not a time"},
		"Mo 10:00-49:00":                 {10, "49:00 is not a time"},
		"Mo 01:00-48:00":                 {10, "longer than 24 hours"},
		"Mo 10:00-12:00 Tu 10:00-12:00":  {16, `expected ";" before the next rule`},
		"Mo 10:00-12:00;;":               {16, "expected weekdays"},
		"Mo sunrise-20:00":               {4, "times of the sun are not supported"},
		"Mo 10:00-sunset":                {10, "times of the sun are not supported"},
		"Mo (sunset-01:00)-22:00":        {4, "times of the sun are not supported"},
		"easter off":                     {1, "easter is not supported"},
		"Mo-Fr Dec 10:00-12:00":          {7, "out of order"},
		"Dec 24-Easter off":              {8, "easter is not supported"},
		"Feb 30 off":                     {5, "a day of February from 1 to 29"},
		"2027 Feb 29 off":                {10, "from 1 to 28"},
		"Dec 24-12 off":                  {8, "a day from 24 on"},
		"Dec-Jan 06 off":                 {9, "the first date has no day"},
		"Dec 24-2027 Jan 06 off":         {20, "year of the first date"},
		"2027 Dec 24-2026 Jan 06 off":    {25, "ends before it begins"},
		"2026 Dec 24,Jan 01 off":         {13, "the year of every date"},
		"2026+ off":                      {5, "open end is not supported"},
		"Dec 25,PH off":                  {7, `write ";"`},
		"week 0-5 off":                   {6, "a week from 1 to 53"},
		"week 01-53/2 Mo":                {11, "intervals such as /2"},
		"Mo[6] off":                      {4, "1 to 5"},
		"Mo-We[1] off":                   {6, "single weekday"},
		"Mo[1] +1 day":                   {7, "day offsets"},
		"PH -1 day off":                  {4, "day offsets"},
		`Mo 10:00-12:00 "x`:              {16, "no closing quote"},
		"Mo 10:00-12:00 & Tu":            {16, `unexpected character '&'`},
		"24/7 Mo":                        {6, "out of order"},
		"24/7 10:00-12:00":               {6, "24/7 stands alone"},
		strings.Repeat("Mo off;", 100):   {449, "too many rules"},
		strings.Repeat("x", MaxLength+1): {1, "too long"},
		"Mo 12345:00":                    {4, "too long"},
		"ÄÖ 10:00-12:00":                 {1, `unknown word "äö"`},
	} {
		_, err := Parse(in)
		var bad *ParseError
		if !errors.As(err, &bad) {
			t.Errorf("Parse(%q) = %v; want a ParseError", in, err)
			continue
		}
		if bad.Column != tt.column || !strings.Contains(bad.Reason, tt.want) {
			t.Errorf("Parse(%.40q) = column %d: %s; want column %d: %s", in, bad.Column, bad.Reason, tt.column, tt.want)
		}
	}
}

// TestClockChanges pins what both nights of Europe/Berlin 2026 do: on 29 March 02:00-03:00 is skipped, on 25 October it
// comes twice.
func TestClockChanges(t *testing.T) {
	berlin := mustLoad(t, "Europe/Berlin")
	utc := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC)
	}
	spring, autumn := utc(3, 28, 12, 0), utc(10, 24, 12, 0)
	for _, tt := range []struct {
		name, value string
		from        time.Time
		want        []Span
	}{
		{"spring, over the gap", "Sa 20:00-04:00", spring, []Span{{utc(3, 28, 19, 0), utc(3, 29, 2, 0)}}},
		{"spring, closing in the gap", "Sa 20:00-02:30", spring, []Span{{utc(3, 28, 19, 0), utc(3, 29, 1, 0)}}},
		{"spring, opening in the gap", "Su 02:30-05:00", spring, []Span{{utc(3, 29, 1, 0), utc(3, 29, 3, 0)}}},
		{"spring, inside the gap", "Su 02:15-02:45", spring, nil},
		{"autumn, over both hours", "Sa 20:00-04:00", autumn, []Span{{utc(10, 24, 18, 0), utc(10, 25, 3, 0)}}},
		{"autumn, closing at the second", "Sa 20:00-02:30", autumn, []Span{{utc(10, 24, 18, 0), utc(10, 25, 1, 30)}}},
		{"autumn, opening at the first", "Su 02:30-05:00", autumn, []Span{{utc(10, 25, 0, 30), utc(10, 25, 4, 0)}}},
		{"autumn, closing at two", "Sa 20:00-02:00", autumn, []Span{{utc(10, 24, 18, 0), utc(10, 25, 1, 0)}}},
		{"autumn, closing at three", "Sa 20:00-03:00", autumn, []Span{{utc(10, 24, 18, 0), utc(10, 25, 2, 0)}}},
		{"autumn, inside both hours", "Su 02:15-02:45", autumn, []Span{{utc(10, 25, 0, 15), utc(10, 25, 1, 45)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, opt := mustParse(t, tt.value), Options{Loc: berlin}
			got := s.Spans(tt.from, tt.from.Add(24*time.Hour), opt)
			if d := cmp.Diff(tt.want, got, cmp.Comparer(time.Time.Equal)); d != "" {
				t.Errorf("Spans (-want +got):\n%s", d)
			}
			for at := tt.from; at.Before(tt.from.Add(24 * time.Hour)); at = at.Add(5 * time.Minute) {
				if want := len(tt.want) == 1 && tt.want[0].Contains(at); s.OpenAt(at, opt) != want {
					t.Errorf("OpenAt(%v) = %v; want %v", at.In(berlin), !want, want)
				}
			}
		})
	}
}

func TestSpecialDaysAndClosuresOverride(t *testing.T) {
	berlin := mustLoad(t, "Europe/Berlin")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 12, day, hour, minute, 0, 0, berlin) }
	s := mustParse(t, "Mo-Su 17:00-01:00; PH off")
	opt := Options{
		Loc:     berlin,
		Holiday: berlinHoliday,
		Special: []Day{
			{Date: Date{2026, 12, 24}, Spans: []ClockSpan{{10 * 60, 14 * 60}}},
			{Date: Date{2026, 12, 25}, Spans: []ClockSpan{{12 * 60, 15 * 60}, {18 * 60, 26 * 60}}},
			{Date: Date{2026, 12, 31}},
		},
		Closures: []Span{{at(27, 20, 0), at(29, 18, 30)}},
	}
	want := []Span{
		{at(23, 17, 0), at(24, 1, 0)},
		{at(24, 10, 0), at(24, 14, 0)},
		{at(25, 12, 0), at(25, 15, 0)},
		{at(25, 18, 0), at(26, 2, 0)},
		{at(27, 17, 0), at(27, 20, 0)},
		{at(29, 18, 30), at(30, 1, 0)},
		{at(30, 17, 0), at(31, 1, 0)},
	}
	got := s.Spans(at(23, 12, 0), at(32, 12, 0), opt)
	if d := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); d != "" {
		t.Errorf("Spans (-want +got):\n%s", d)
	}
	if next, ok := s.NextOpen(at(27, 21, 0), opt); !ok || !next.Equal(at(29, 18, 30)) {
		t.Errorf("NextOpen in the closure = %v, %v", next, ok)
	}
	if next, ok := s.NextOpen(at(27, 18, 0), opt); !ok || !next.Equal(at(27, 18, 0)) {
		t.Errorf("NextOpen while open = %v, %v", next, ok)
	}
	week := s.Week(Date{2026, 12, 24}, opt)
	var shown []string
	for _, d := range week {
		shown = append(shown, fmt.Sprint(d.Date.Weekday().String()[:2], d.Spans))
	}
	wantWeek := []string{"Th[10:00-14:00]", "Fr[12:00-15:00 18:00-02:00]", "Sa[]", "Su[17:00-01:00]", "Mo[]", "Tu[17:00-01:00]", "We[17:00-01:00]"}
	if d := cmp.Diff(wantWeek, shown); d != "" {
		t.Errorf("Week (-want +got):\n%s", d)
	}
}

func TestNextChangeEndsWhenNothingChanges(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, value := range []string{"24/7", "off", "2020 Mo 10:00-12:00", "2030 Jan 01 10:00-12:00"} {
		if at, _, ok := mustParse(t, value).NextChange(now, Options{}); ok {
			t.Errorf("%q changes at %v", value, at)
		}
	}
	if (Schedule{}).OpenAt(now, Options{}) {
		t.Error("the zero Schedule is open")
	}
	closure := Options{Closures: []Span{{now.AddDate(0, 3, 0), now.AddDate(0, 4, 0)}}}
	always := mustParse(t, "24/7")
	if at, open, ok := always.NextChange(now, closure); !ok || open || !at.Equal(now.AddDate(0, 3, 0)) {
		t.Errorf("NextChange before a far closure = %v %v %v", at, open, ok)
	}
	if at, open, ok := always.NextChange(now.AddDate(0, 3, 1), closure); !ok || !open || !at.Equal(now.AddDate(0, 4, 0)) {
		t.Errorf("NextChange in a closure = %v %v %v", at, open, ok)
	}
	if at, open, ok := mustParse(t, "Dec 25 10:00-12:00").NextChange(now, Options{}); !ok || !open || at.Month() != 12 {
		t.Errorf("NextChange to Christmas = %v %v %v", at, open, ok)
	}
}

func TestRegularLeavesOutExceptions(t *testing.T) {
	week := mustParse(t, "Mo-Fr 11:30-14:00,17:00-23:00; We off; Dec off; PH 10:00-12:00; Sa[1] 10:00-11:00").Regular()
	got := fmt.Sprint(week)
	want := "[[] [11:30-14:00 17:00-23:00] [11:30-14:00 17:00-23:00] [] [11:30-14:00 17:00-23:00] [11:30-14:00 17:00-23:00] []]"
	if got != want {
		t.Errorf("Regular = %s; want %s", got, want)
	}
}

func TestValuesSurviveJSON(t *testing.T) {
	type place struct {
		Hours   Schedule
		Special []Day
	}
	in := place{mustParse(t, "Mo-Fr 10:00-01:00"), []Day{{Date{2026, 12, 24}, []ClockSpan{{600, 1500}, {1080, 1440}}}}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Hours":"Mo-Fr 10:00-01:00","Special":[{"date":"2026-12-24","spans":["10:00-01:00","18:00-24:00"]}]}`
	if string(b) != want {
		t.Errorf("Marshal = %s; want %s", b, want)
	}
	var back place
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, back, structure); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{`{"Hours":"Mo 10"}`, `{"Special":[{"date":"2026-02-30"}]}`, `{"Special":[{"spans":["10:00"]}]}`, `{"Special":[{"spans":["10:00-11:00,"]}]}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is read without an error", bad)
		}
	}
}

func drawTimes(t *rapid.T) string {
	var list []string
	for range rapid.IntRange(1, 3).Draw(t, "spans") {
		from := rapid.IntRange(0, 95).Draw(t, "from") * 15
		to := from + rapid.IntRange(1, 96).Draw(t, "length")*15
		list = append(list, ClockSpan{Clock(from), Clock(to)}.String())
	}
	return strings.Join(list, ",")
}

func drawDays(t *rapid.T) string {
	day := func() string { return rapid.SampledFrom(weekdayNames[:]).Draw(t, "day") }
	switch rapid.IntRange(0, 7).Draw(t, "days") {
	case 0:
		return ""
	case 1:
		return day()
	case 2:
		return day() + "," + day()
	case 3:
		return day() + rapid.SampledFrom([]string{"[1]", "[-1]", "[2,4]", "[1-3]", "[5,-5]"}).Draw(t, "nth")
	case 4:
		return rapid.SampledFrom([]string{"PH", "SH", "PH,SH", "PH Mo-We", "SH,PH Sa"}).Draw(t, "holiday")
	case 5:
		return day() + ",PH"
	default:
		return day() + "-" + day()
	}
}

func drawDates(t *rapid.T) string {
	month := func() string { return time.Month(rapid.IntRange(1, 12).Draw(t, "month")).String()[:3] }
	day := func() int { return rapid.IntRange(1, 28).Draw(t, "mday") }
	switch rapid.IntRange(0, 14).Draw(t, "dates") {
	case 0:
		return month()
	case 1:
		return month() + "-" + month()
	case 2:
		return fmt.Sprintf("%s %d", month(), day())
	case 3:
		return fmt.Sprintf("%s %d-%s %d,%d", month(), day(), month(), day(), day())
	case 4:
		return fmt.Sprintf("2026 %s %d-%s %d", month(), day(), month(), day())
	case 5:
		return fmt.Sprintf("2025-2026 %s", month())
	case 6:
		return fmt.Sprintf("2026 %s-%s", month(), month())
	case 7:
		return fmt.Sprintf("2026 week %d-%d", day(), day())
	case 8:
		return fmt.Sprintf("%s %d:", month(), day())
	default:
		return ""
	}
}

func drawValue(t *rapid.T) string {
	var b strings.Builder
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		if i > 0 {
			b.WriteString(rapid.SampledFrom([]string{"; ", "; ", "; ", ", ", " || "}).Draw(t, "sep"))
		}
		dates, days := drawDates(t), drawDays(t)
		b.WriteString(dates + " " + days + " ")
		if n := rapid.IntRange(0, 9).Draw(t, "kind"); n < 7 {
			b.WriteString(drawTimes(t))
		} else if n == 7 && dates+days == "" {
			b.WriteString("24/7")
		}
		b.WriteString(" " + rapid.SampledFrom([]string{"", "", "", "off", "open", "unknown", `"note"`, `open "note"`}).Draw(t, "modifier"))
	}
	return b.String()
}

// drawSchedule draws values until one is read: some combinations mean nothing.
func drawSchedule(t *rapid.T) Schedule {
	for range 50 {
		if s, err := Parse(drawValue(t)); err == nil {
			return s
		}
	}
	t.Skip("no value that means anything")
	return Schedule{}
}

func TestStringParsesToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t)
		back := mustParse(t, s.String())
		if d := cmp.Diff(s, back, structure); d != "" {
			t.Fatalf("%q (-want +got):\n%s", s.String(), d)
		}
	})
}

// zones change their clocks by an hour, by half of one, at midnight, or never.
var zones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "America/Santiago", "Asia/Kolkata", "UTC"}

// drawSetting draws options and an instant, often in a night in which clocks change.
func drawSetting(t *rapid.T) (time.Time, Options) {
	loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, rapid.IntRange(0, 500*1440).Draw(t, "minute"), 0, 0, time.UTC)
	if rapid.IntRange(0, 2).Draw(t, "change") == 0 {
		if _, end := at.In(loc).ZoneBounds(); !end.IsZero() {
			at = end.Add(time.Duration(rapid.IntRange(-600, 600).Draw(t, "around")) * 5 * time.Minute)
		}
	}
	opt := Options{
		Loc:           loc,
		Holiday:       func(d Date) bool { return d.Day%5 == 0 },
		SchoolHoliday: func(d Date) bool { return d.Month == time.July },
	}
	for range rapid.IntRange(0, 2).Draw(t, "closures") {
		from := at.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "from")) * 15 * time.Minute)
		opt.Closures = append(opt.Closures, Span{from, from.Add(time.Duration(rapid.IntRange(-1, 300).Draw(t, "length")) * 15 * time.Minute)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "specials") {
		d := Day{Date: DateOf(at, loc).AddDays(rapid.IntRange(-2, 3).Draw(t, "day"))}
		for range rapid.IntRange(0, 2).Draw(t, "spans") {
			from := Clock(rapid.IntRange(0, 95).Draw(t, "from") * 15)
			d.Spans = append(d.Spans, ClockSpan{from, from + Clock(rapid.IntRange(1, 96).Draw(t, "to")*15)})
		}
		opt.Special = append(opt.Special, d)
	}
	return at, opt
}

func TestSpansAgreeWithOpenAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t)
		at, opt := drawSetting(t)
		from, to := at.Add(-36*time.Hour), at.Add(36*time.Hour)
		spans := s.Spans(from, to, opt)
		for i, span := range spans {
			if !span.From.Before(span.To) || i > 0 && !spans[i-1].To.Before(span.From) {
				t.Fatalf("%s: spans empty, touching or out of order: %v", s, spans)
			}
		}
		for now := from; now.Before(to); now = now.Add(15 * time.Minute) {
			want := false
			for _, span := range spans {
				want = want || span.Contains(now)
			}
			if got := s.OpenAt(now, opt); got != want {
				t.Fatalf("%s: OpenAt(%v) = %v; spans %v", s, now.In(opt.Loc), got, spans)
			}
		}
	})
}

func TestNextChangeIsTheFirstFlip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t)
		now, opt := drawSetting(t)
		open := s.OpenAt(now, opt)
		at, next, ok := s.NextChange(now, opt)
		end := at
		if !ok {
			end = now.Add(20 * 24 * time.Hour)
		} else if !at.After(now) || next == open || s.OpenAt(at, opt) != next {
			t.Fatalf("%s: NextChange(%v) = %v, %v; open before %v, then %v", s, now.In(opt.Loc), at, next, open, s.OpenAt(at, opt))
		}
		for m := now; m.Before(end) && m.Before(now.Add(20*24*time.Hour)); m = m.Add(15 * time.Minute) {
			if s.OpenAt(m, opt) != open {
				t.Fatalf("%s: NextChange(%v) = %v, but it flips at %v", s, now.In(opt.Loc), at, m.In(opt.Loc))
			}
		}
		if first, found := s.NextOpen(now, opt); open && (!found || !first.Equal(now)) || !open && (found != ok || ok && !first.Equal(at)) {
			t.Fatalf("%s: NextOpen(%v) = %v, %v; open %v, change %v %v", s, now, first, found, open, at, ok)
		}
	})
}

func TestSkippedDayHasNoHours(t *testing.T) {
	// Samoa had no 30 December 2011.
	opt := Options{Loc: mustLoad(t, "Pacific/Apia")}
	s := mustParse(t, "Fr 10:00-12:00; Sa 11:00-12:00")
	from := time.Date(2011, 12, 29, 0, 0, 0, 0, opt.Loc)
	got := s.Spans(from, from.Add(72*time.Hour), opt)
	if len(got) != 1 || got[0].From.In(opt.Loc).Format(time.DateTime) != "2011-12-31 11:00:00" {
		t.Errorf("Spans = %v; want Saturday only", got)
	}
}

func TestOpenAtDoesNotAllocate(t *testing.T) {
	s := mustParse(t, "Mo-Fr 11:30-14:00,17:00-23:00; Sa 17:00-01:00; PH off")
	opt := Options{Loc: mustLoad(t, "Europe/Berlin"), Holiday: func(Date) bool { return false }}
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	if n := testing.AllocsPerRun(100, func() { s.OpenAt(now, opt); s.NextChange(now, opt) }); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range strings.Split(oracle, "\n") {
		value, _, _ := strings.Cut(line, "\t")
		f.Add(value)
	}
	f.Add(`2026 Dec 24-Jan 06,08: PH Mo-Fr 10:00-26:00 open "x" || week 50-03 Su[1,-1] unknown`)
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		s, err := Parse(value)
		if err != nil {
			var bad *ParseError
			if !errors.As(err, &bad) || bad.Column < 1 || bad.Reason == "" {
				t.Fatalf("error %#v; want a ParseError", err)
			}
			return
		}
		back := mustParse(t, s.String())
		if d := cmp.Diff(s, back, structure); d != "" {
			t.Fatalf("%q as %q (-want +got):\n%s", value, s.String(), d)
		}
		opt := Options{Loc: loc}
		if at, open, ok := s.NextChange(now, opt); ok && (!at.After(now) || s.OpenAt(at, opt) != open) {
			t.Fatalf("%q: NextChange = %v, %v", value, at, open)
		}
	})
}

func BenchmarkSchedule(b *testing.B) {
	loc := mustLoad(b, "Europe/Berlin")
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	for name, value := range map[string]string{
		"weekly": "Mo-Fr 11:30-14:00,17:00-23:00; Sa 17:00-01:00; Su 12:00-22:00",
		"dated":  "Mo-Fr 11:30-14:00,17:00-23:00; Sa 17:00-01:00; Su 12:00-22:00; PH off; Dec 24-26 off",
	} {
		s, opt := mustParse(b, value), Options{Loc: loc, Holiday: func(d Date) bool { return d.Month == 1 && d.Day == 1 }}
		b.Run(name+"/OpenAt", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.OpenAt(now, opt)
			}
		})
		b.Run(name+"/NextChange", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.NextChange(now, opt)
			}
		})
	}
	b.Run("Parse", func(b *testing.B) {
		for b.Loop() {
			mustParse(b, "Mo-Fr 11:30-14:00,17:00-23:00; Sa 17:00-01:00; Su 12:00-22:00; PH off")
		}
	})
}

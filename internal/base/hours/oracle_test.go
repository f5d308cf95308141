package hours

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
	"time"
)

// oracle holds what the JavaScript library opening_hours 3.15.0 (npm) answers: value, instant, open or closed. A script
// drew values from a seeded grammar of what restaurants write, asked getState at random minutes of 2026, at changes and
// just before them, and in the nights when clocks change, with TZ=Europe/Berlin and the place set to Berlin for its
// holidays. Unknown counts as closed.
//
//go:embed testdata/oracle.tsv
var oracle string

// berlinHolidays are the public holidays of Berlin in 2026.
var berlinHolidays = []string{
	"2026-01-01", "2026-03-08", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14", "2026-05-25", "2026-10-03", "2026-12-25", "2026-12-26",
}

func berlinHoliday(d Date) bool { return slices.Contains(berlinHolidays, d.String()) }

func mustLoad(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// differences are the rows in which Stoa means to answer otherwise, for two reasons: the library reads the wall clock
// alone, so it closes at 02:30 when that comes first and opens again after; and it keeps or cuts the hours past midnight by
// the calendar day, where Stoa gives them to the day on which they began (see TestNightsBelongToTheDayTheyBeginOn).
var differences = map[string]string{
	"Mo-Su 17:00-02:00; We off @ 2026-10-25T00:30:00.000Z":         "closing at two means the second two o'clock",
	"We,Tu 13:15-25:15; We off; PH off @ 2026-09-23T22:00:00.000Z": "Wednesday is off, and so is its night",
}

func TestAgreesWithTheJavaScriptLibrary(t *testing.T) {
	opt := Options{Loc: mustLoad(t, "Europe/Berlin"), Holiday: berlinHoliday}
	for _, line := range strings.Split(strings.TrimSpace(oracle), "\n") {
		f := strings.Split(line, "\t")
		s, err := Parse(f[0])
		if err != nil {
			t.Errorf("Parse(%q): %v", f[0], err)
			continue
		}
		at, err := time.Parse(time.RFC3339, f[1])
		if err != nil {
			t.Fatal(err)
		}
		got := s.OpenAt(at, opt)
		why, want := differences[f[0]+" @ "+f[1]], f[2] == "open"
		if why != "" {
			want = !want
		}
		if got != want {
			t.Errorf("%q at %s (%s) = %v; the library says %s %s", f[0], f[1], at.In(opt.Loc).Format("Mon 15:04 MST"), got, f[2], why)
		}
	}
}

func TestNightsBelongToTheDayTheyBeginOn(t *testing.T) {
	opt := Options{Loc: mustLoad(t, "Europe/Berlin")}
	// 25 November 2026 is a Wednesday.
	for _, tt := range []struct {
		value string
		at    time.Time
		want  bool
	}{
		// The library cuts Tuesday's night at midnight and keeps Wednesday's.
		{"Mo-Su 17:00-02:00; We off", time.Date(2026, 11, 25, 1, 0, 0, 0, opt.Loc), true},
		{"Mo-Su 17:00-02:00; We off", time.Date(2026, 11, 26, 1, 0, 0, 0, opt.Loc), false},
		{"Fr 18:00-02:00; Sa 10:00-12:00", time.Date(2026, 11, 28, 1, 0, 0, 0, opt.Loc), true},
		// The library adds a rule without a day to one with a day; here ";" always replaces.
		{"Mo 10:00-12:00; 14:00-16:00", time.Date(2026, 11, 23, 11, 0, 0, 0, opt.Loc), false},
	} {
		if got := mustParse(t, tt.value).OpenAt(tt.at, opt); got != tt.want {
			t.Errorf("%q at %v = %v; want %v", tt.value, tt.at, got, tt.want)
		}
	}
}

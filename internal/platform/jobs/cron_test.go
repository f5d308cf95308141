package jobs

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// dues returns the due times of a rule in (from, to], in UTC.
func dues(t testing.TB, spec, tz, from, to string) (out []string) {
	t.Helper()
	r, err := parseRule(spec, tz)
	if err != nil {
		t.Fatal(err)
	}
	at, end := utc(t, from), utc(t, to)
	for at = r.after(at); !at.After(end); at = r.after(at) {
		out = append(out, at.UTC().Format("02 15:04"))
	}
	return out
}

func utc(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// In Berlin the clocks go from 02:00 to 03:00 on 29 March 2026 at 01:00 UTC, and from 03:00 to 02:00 on 25 October 2026 at 01:00 UTC.
func TestSchedulesInBothNightsWhenTheClocksChange(t *testing.T) {
	const (
		spring, springEnd = "2026-03-28 22:00", "2026-03-29 04:00"
		autumn, autumnEnd = "2026-10-24 22:00", "2026-10-25 04:00"
	)
	for name, c := range map[string]struct {
		spec, tz, from, to string
		want               []string
	}{
		"before the gap":                     {"59 1 * * *", "Europe/Berlin", spring, springEnd, []string{"29 00:59"}},
		"a time left out runs after the gap": {"30 2 * * *", "Europe/Berlin", spring, springEnd, []string{"29 01:00"}},
		"the start of the gap":               {"0 2 * * *", "Europe/Berlin", spring, springEnd, []string{"29 01:00"}},
		"the end of the gap":                 {"0 3 * * *", "Europe/Berlin", spring, springEnd, []string{"29 01:00"}},
		"several left out run once":          {"0,20,40 2,3 * * *", "Europe/Berlin", spring, springEnd, []string{"29 01:00", "29 01:20", "29 01:40"}},
		"every half hour goes on in spring":  {"*/30 * * * *", "Europe/Berlin", "2026-03-29 00:00", "2026-03-29 02:00", []string{"29 00:30", "29 01:00", "29 01:30", "29 02:00"}},
		"a time that comes twice runs once":  {"30 2 * * *", "Europe/Berlin", autumn, autumnEnd, []string{"25 00:30"}},
		"the start of the equal hours":       {"0 2 * * *", "Europe/Berlin", autumn, autumnEnd, []string{"25 00:00"}},
		"after the equal hours":              {"0 3 * * *", "Europe/Berlin", autumn, autumnEnd, []string{"25 02:00"}},
		"several that come twice":            {"0,45 1-3 * * *", "Europe/Berlin", autumn, autumnEnd, []string{"24 23:00", "24 23:45", "25 00:00", "25 00:45", "25 02:00", "25 02:45"}},
		"every half hour goes on in autumn":  {"*/30 * * * *", "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 02:00", []string{"25 00:30", "25 01:00", "25 01:30", "25 02:00"}},
		"daily at midnight":                  {"@daily", "Europe/Berlin", "2026-10-24 00:00", "2026-10-27 00:00", []string{"24 22:00", "25 23:00", "26 23:00"}},
		"UTC knows no change":                {"30 2 * * *", "", spring, springEnd, []string{"29 02:30"}},
		"half an hour of change":             {"45 1 * * *", "Australia/Lord_Howe", "2026-04-03 00:00", "2026-04-06 00:00", []string{"03 14:45", "04 14:45", "05 15:15"}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, dues(t, c.spec, c.tz, c.from, c.to)); d != "" {
				t.Errorf("%s in %s (-want +got):\n%s", c.spec, c.tz, d)
			}
		})
	}
}

func TestDueTimesAscendAndShowTheWantedWallTime(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		hour, minute := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")
		r, err := parseRule(fmt.Sprintf("%d %d * * *", minute, hour), "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1.7e9, 2e9).Draw(t, "from"), 0)
		seen := map[string]bool{}
		for range 400 {
			next := r.after(at)
			if !next.After(at) || next.Sub(at) > 25*time.Hour {
				t.Fatalf("after %s comes %s", at, next)
			}
			// From anywhere between two due times the next one is the same.
			if mid := at.Add(time.Duration(rapid.Float64Range(0, 0.999).Draw(t, "part") * float64(next.Sub(at)))); !r.after(mid).Equal(next) {
				t.Fatalf("after %s comes %s; after %s came %s", mid, r.after(mid), at, next)
			}
			local := next.In(loc)
			if day := local.Format(time.DateOnly); seen[day] {
				t.Fatalf("twice on %s", day)
			} else {
				seen[day] = true
			}
			start, _ := local.ZoneBounds()
			if (local.Hour() != hour || local.Minute() != minute) && !next.Equal(start) {
				t.Fatalf("%s is not %02d:%02d", local, hour, minute)
			}
			at = next
		}
	})
}

func TestSpecsThatCannotBeMeantAreRefused(t *testing.T) {
	for spec, tz := range map[string]string{
		"CRON_TZ=UTC 0 3 * * *": "", "TZ=UTC 0 3 * * *": "", "0 3 * *": "", "61 * * * *": "", "0 0 31 2 *": "", "": "", "@reboot": "",
		"0 3 * * *": "Mars/Base", "0 4 * * *": "Local",
	} {
		if _, err := parseRule(spec, tz); err == nil {
			t.Errorf("parseRule(%q, %q) took it", spec, tz)
		}
	}
}

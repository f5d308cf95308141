package tell

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestALetterComesInTheMorningAndNeverTwiceADay(t *testing.T) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata"} {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, z)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0).UTC()
		every := rapid.SampledFrom([]string{Daily, Weekly}).Draw(t, "every")
		var last time.Time
		if rapid.Bool().Draw(t, "sent before") {
			last = now.Add(-time.Duration(rapid.IntRange(0, 100).Draw(t, "hours ago")) * time.Hour)
		}
		at := next(now, last, every, zone)
		if h := at.In(zone).Hour(); h != letterHour || at.In(zone).Minute() != 0 {
			t.Fatalf("at %v", at.In(zone))
		}
		least, most := time.Duration(0), 49*time.Hour
		if every == Weekly {
			least, most = 5*24*time.Hour, 8*24*time.Hour
		}
		if wait := at.Sub(now); wait <= least || wait > most {
			t.Fatalf("%s after %v, last %v: in %v", every, now, last, wait)
		}
		if !last.IsZero() && at.Sub(last) < 20*time.Hour {
			t.Fatalf("%v after the last", at.Sub(last))
		}
		if again := next(at.Add(7*time.Minute), at.Add(7*time.Minute), every, zone); again.Sub(at) < 22*time.Hour {
			t.Fatalf("the one after %v is at %v", at, again)
		}
	})
}

package price

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/money"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestTheFirstRuleThatHoldsCounts(t *testing.T) {
	loc := berlin(t)
	rules := []FeeRule{
		{From: 5000, Fee: 0},                                // large orders are brought for nothing
		{Zone: "Old town", Fee: 150},                        // always cheap in the old town
		{Hours: "Fr,Sa 18:00-22:00", UpToM: 3000, Fee: 400}, // evenings before the weekend, near
		{UpToM: 1000, Fee: 200},                             // near
		{UpToM: 6000, Fee: 200, PerKm: 50},                  // farther: 2.00 and 0.50 for each kilometre begun
	}
	c, err := Compile(rules, hours.Options{Loc: loc})
	if err != nil {
		t.Fatal(err)
	}
	tuesday, friday := time.Date(2026, 12, 1, 19, 0, 0, 0, loc), time.Date(2026, 12, 4, 19, 0, 0, 0, loc)
	for name, x := range map[string]struct {
		ask  Ask
		fee  money.Amount
		some bool
	}{
		"large":                   {Ask{DistM: 5000, Food: 5000, At: tuesday}, 0, true},
		"a cent too small":        {Ask{DistM: 5000, Food: 4999, At: tuesday}, 450, true}, // 200 + 5 × 50
		"old town":                {Ask{DistM: 5000, Zone: "Old town", Food: 1000, At: friday}, 150, true},
		"friday evening":          {Ask{DistM: 900, Food: 1000, At: friday}, 400, true},
		"friday evening, too far": {Ask{DistM: 3000.5, Food: 1000, At: friday}, 400, true}, // 200 + 4 × 50
		"friday before six":       {Ask{DistM: 900, Food: 1000, At: friday.Add(-61 * time.Minute)}, 200, true},
		"friday at ten":           {Ask{DistM: 900, Food: 1000, At: friday.Add(3 * time.Hour)}, 200, true},
		"a kilometre":             {Ask{DistM: 1000, Food: 1000, At: tuesday}, 200, true},
		"a step more":             {Ask{DistM: 1000.1, Food: 1000, At: tuesday}, 300, true}, // the second kilometre has begun
		"two kilometres":          {Ask{DistM: 2000, Food: 1000, At: tuesday}, 300, true},
		"farther than any rule":   {Ask{DistM: 6001, Food: 1000, At: tuesday}, 0, false},
		"farther, but large":      {Ask{DistM: 9000, Food: 9000, At: tuesday}, 0, true},
	} {
		if fee, ok := c.Fee(x.ask); fee != x.fee || ok != x.some {
			t.Errorf("%s: Fee = %d, %v; want %d, %v", name, fee, ok, x.fee, x.some)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	zones := map[string]bool{"Old town": true}
	if wrong := Check([]FeeRule{{Zone: "Old town", UpToM: 2000, From: 1, Hours: "Mo-Fr 18:00-22:00", Fee: 1, PerKm: 1}}, zones, "p"); wrong != nil {
		t.Fatalf("Check refuses %v", wrong)
	}
	for path, r := range map[string]FeeRule{
		"up_to_m": {UpToM: -1}, "up_to_m ": {UpToM: MaxM + 1}, "zone": {Zone: "Nowhere"}, "from": {From: -1}, "fee": {Fee: -1}, "per_km": {PerKm: maxAmount + 1},
		"hours": {Hours: "sometimes"}, "hours ": {Hours: strings.Repeat("Mo 18:00-22:00;", 20)},
	} {
		wrong := Check([]FeeRule{{}, r}, zones, "p")
		if len(wrong) != 1 || wrong[0].Path != "p[1]."+strings.TrimSpace(path) {
			t.Errorf("Check(%+v) = %v; want one about %s", r, wrong, path)
		}
	}
	if wrong := Check(make([]FeeRule, MaxRules+1), zones, "p"); len(wrong) != 1 || wrong[0].Path != "p" {
		t.Errorf("too many rules: %v", wrong)
	}
}

func TestFeesAreNeverNegativeAndGrowWithTheWay(t *testing.T) {
	loc := berlin(t)
	amount := rapid.Int64Range(0, maxAmount)
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) FeeRule {
			return FeeRule{
				UpToM: rapid.IntRange(0, MaxM).Draw(t, "up to"), From: amount.Draw(t, "from"), Fee: amount.Draw(t, "fee"), PerKm: amount.Draw(t, "per km"),
				Zone: rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "zone"), Hours: rapid.SampledFrom([]string{"", "Mo-Fr 10:00-20:00"}).Draw(t, "hours"),
			}
		})
		c, err := Compile(rapid.SliceOfN(one, 0, MaxRules).Draw(t, "rules"), hours.Options{Loc: loc})
		if err != nil {
			t.Fatal(err)
		}
		ask := Ask{DistM: rapid.Float64Range(0, MaxM).Draw(t, "distance"), Zone: rapid.SampledFrom([]string{"", "a"}).Draw(t, "in"), Food: amount.Draw(t, "food"), At: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0)}
		if fee, _ := c.Fee(ask); fee < 0 {
			t.Fatalf("Fee(%+v) = %d", ask, fee)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		// Rules as people write them: each reaches farther than the one before and costs no less.
		var rules []FeeRule
		last := FeeRule{PerKm: rapid.Int64Range(0, 500).Draw(t, "per km")}
		for range rapid.IntRange(1, 8).Draw(t, "rules") {
			last.UpToM += rapid.IntRange(1, 5000).Draw(t, "step")
			last.Fee += rapid.Int64Range(0, 500).Draw(t, "more")
			rules = append(rules, last)
		}
		c, err := Compile(rules, hours.Options{Loc: loc})
		if err != nil {
			t.Fatal(err)
		}
		near := rapid.Float64Range(0, float64(last.UpToM)).Draw(t, "near")
		far := rapid.Float64Range(near, float64(last.UpToM)).Draw(t, "far")
		a, ok := c.Fee(Ask{DistM: near})
		b, ok2 := c.Fee(Ask{DistM: far})
		if !ok || !ok2 || a > b {
			t.Fatalf("%v m cost %d (%v), %v m cost %d (%v)", near, a, ok, far, b, ok2)
		}
	})
}

func BenchmarkFee(b *testing.B) {
	c, err := Compile([]FeeRule{{From: 5000}, {Zone: "Old town", Fee: 150}, {UpToM: 1000, Fee: 200}, {UpToM: 6000, Fee: 200, PerKm: 50}}, hours.Options{Loc: berlin(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if fee, ok := c.Fee(Ask{DistM: 2500, Food: 2000}); fee != 350 || !ok {
			b.Fatal(fee)
		}
	}
}

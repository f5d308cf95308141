package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
)

func defaultsOf(t *testing.T) Config {
	t.Helper()
	t.Chdir(t.TempDir())
	c, err := Load(nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEverySettingIsReadBackAsItIsWritten(t *testing.T) {
	c := defaultsOf(t)
	for _, key := range []string{
		"town.name", "town.accent_hue", "town.lat", "limits.json_body", "limits.api", "limits.anonymous", "delivery.confirm_within", "jobs.keep_completed", "tls", "terms.commission", "pay.per_km",
	} {
		text, ok := Text(c, key)
		if !ok {
			t.Errorf("there is no %s", key)
			continue
		}
		again, err := With(c, map[string]string{key: text})
		if err != nil {
			t.Errorf("%s = %q: %v", key, text, err)
		}
		if d := cmp.Diff(c, again, samePrefix); d != "" {
			t.Errorf("%s = %q changes the settings:\n%s", key, text, d)
		}
	}
}

func TestTimesAreWrittenShort(t *testing.T) {
	for want, d := range map[string]time.Duration{"10m": 10 * time.Minute, "1m30s": 90 * time.Second, "7d": 7 * 24 * time.Hour, "12h": 12 * time.Hour, "0s": 0, "45s": 45 * time.Second} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %q; want %q", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, 1e7).Draw(t, "seconds")) * time.Second
		if back, err := parseDuration(duration(d)); err != nil || back != d {
			t.Fatalf("%v is written %q and read as %v, %v", d, duration(d), back, err)
		}
	})
}

func TestWithRefusesWhatLoadRefuses(t *testing.T) {
	c := defaultsOf(t)
	for key, v := range map[string]string{
		"town.name": "", "town.lang": "klingonese", "town.accent_hue": "361", "delivery.warn_before": "20m", "delivery.courier_kmh": "fast",
		"limits.api": "300", "no.such": "1", "town": "x", "limits.anonymous": "2.5",
	} {
		_, err := With(c, map[string]string{key: v})
		e := errs.As(err)
		if !errs.Is(err, errs.Invalid) || len(e.Fields) != 1 || e.Fields[0].Path != key {
			t.Errorf("With %s = %q gave %v; want an Invalid error about it", key, v, err)
		}
	}
	if _, err := With(c, map[string]string{"delivery.warn_before": "20m", "delivery.confirm_within": "30m"}); err != nil {
		t.Errorf("two that make sense together only: %v", err)
	}
}

func TestLoadSaysWhereEachSettingComesFrom(t *testing.T) {
	c, err := load(t, Overrides{"listen": ":3"}, []string{"STOA_LISTEN=:2", "STOA_TOWN_NAME=Env"}, "[town]\nname = 'File'\ncurrency = 'CHF'\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.From["listen"] != "--listen" || c.From["town.name"] != "STOA_TOWN_NAME" || !strings.HasSuffix(c.From["town.currency"], "stoa.toml") || len(c.From) != 3 {
		t.Errorf("From = %v", c.From)
	}
}

func TestPercentagesAreExact(t *testing.T) {
	for text, want := range map[string]Percent{"0": 0, "12.5": 1250, "12,5": 1250, "7": 700, "100": 100_00, "0.01": 1, "19.00": 1900} {
		if got, err := parsePercent(text); err != nil || got != want {
			t.Errorf("parsePercent(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "-1", "1.234", "NaN", "1e2", "12.5%", "1000"} {
		if got, err := parsePercent(bad); err == nil {
			t.Errorf("parsePercent(%q) = %d; want an error", bad, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := Percent(rapid.IntRange(0, 100_00).Draw(t, "basis points"))
		if got, err := parsePercent(p.String()); err != nil || got != p {
			t.Fatalf("%d is written %q and read as %d, %v", p, p, got, err)
		}
	})
}

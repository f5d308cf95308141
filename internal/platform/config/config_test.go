package config

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
)

var samePrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func load(t *testing.T, args Overrides, environ []string, text string) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stoa.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(args, environ, file)
}

func TestDefaultsAreAsPromised(t *testing.T) {
	t.Chdir(t.TempDir())
	got, err := Load(nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Data: "./data", Listen: "127.0.0.1:8080", TLS: "off", LogLevel: "info", LogFormat: "json", TrustedProxies: []netip.Prefix{}, FetchAllow: []netip.Prefix{},
		Town: Town{Name: "Stoa", Currency: "EUR", Timezone: "Europe/Berlin", Lang: "en", AccentHue: 30, Lat: 52, Lon: 13},
		Limits: Limits{
			JSONBody: 1 << 20, UploadBody: 10 << 20, FormBody: 64 << 10, HeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
			WriteTimeout: 30 * time.Second, IdleTimeout: 90 * time.Second, HandlerTimeout: 5 * time.Second, ShutdownTimeout: 20 * time.Second,
			ConnsPerIP: 200, Streams: 10000, Rate: "on", API: Rate{300, 5 * time.Minute}, Pages: Rate{1200, 5 * time.Minute},
			Quotes: Rate{600, 5 * time.Minute}, Orders: Rate{30, 10 * time.Minute}, Uploads: Rate{30, 30 * time.Minute},
			SignUps: Rate{5, 30 * time.Minute}, Apps: Rate{60, 10 * time.Minute}, Tokens: Rate{300, 5 * time.Minute}, Anonymous: 5,
		},
		Delivery: Delivery{ConfirmWithin: 10 * time.Minute, WarnBefore: 5 * time.Minute, RestoreWithin: 10 * time.Minute, CourierKmh: 15, OfferFor: 45 * time.Second, PromiseSlack: 10 * time.Minute},
		Terms:    Terms{CardFee: "platform", FeeTo: "platform"},
		ACME:     ACME{Check: 10 * time.Minute},
		Jobs:     Jobs{Workers: 4, Timeout: time.Minute, Lease: 30 * time.Second, KeepCompleted: 7 * 24 * time.Hour, KeepDiscarded: 30 * 24 * time.Hour},
		Retention: Retention{
			Positions: 24 * time.Hour, Way: 30 * 24 * time.Hour, Orders: 3 * 365 * 24 * time.Hour, Carts: 30 * 24 * time.Hour, Replies: 72 * time.Hour,
			SignIns: 90 * 24 * time.Hour, Audit: 365 * 24 * time.Hour, Copies: 7 * 24 * time.Hour, CopiesPerDay: 3, Leaving: 14 * 24 * time.Hour,
		},
		Mail:   Mail{Mode: "off", TLS: "starttls", PerHour: 6},
		Signup: Signup{Mode: "open", Confirm: "auto"},
		Social: Social{Trends: "open", PersonFiles: 2 << 30, AllFiles: 100 << 30},
		Stripe: Stripe{Country: "DE"}, Payments: Payments{Capture: "confirm", ActWithin: 15 * time.Minute, CashLimit: 20000, Statement: "week"},
	}
	if d := cmp.Diff(want, got, samePrefix, cmpopts.IgnoreFields(Config{}, "From")); d != "" {
		t.Errorf("the defaults differ (-want +got):\n%s", d)
	}
}

func TestExampleExplainsEverySettingAndChangesNone(t *testing.T) {
	t.Chdir(t.TempDir())
	want, err := Load(nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	example := Example()
	live := regexp.MustCompile(`(?m)^#([a-z_]+ = )`).ReplaceAllString(example, "$1")
	for name, text := range map[string]string{"as it is": example, "all lines on": live} {
		got, err := load(t, nil, nil, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got, samePrefix, cmpopts.IgnoreFields(Config{}, "From")); d != "" {
			t.Errorf("%s: the example changes settings:\n%s", name, d)
		}
	}
	if regexp.MustCompile(`(?m)^[a-z]`).MatchString(example) {
		t.Error("the example sets something")
	}
}

func TestFlagsBeatEnvironmentBeatsFile(t *testing.T) {
	got, err := load(t, Overrides{"listen": ":3", "data": ""}, []string{"STOA_LISTEN=:2", "STOA_DATA=/env", "STOA_TOWN_NAME=Env", "PATH=/bin", "STOA_TEST_POSTGRES=off"},
		"listen = ':1'\ndata = '/file'\nurl = 'https://a.example/'\n[town]\nname = 'File'\ncurrency = 'chf'\n")
	if err != nil {
		t.Fatal(err)
	}
	have := []string{got.Listen, got.Data, got.URL, got.Town.Name, got.Town.Currency}
	if d := cmp.Diff([]string{":3", "/env", "https://a.example", "Env", "CHF"}, have); d != "" {
		t.Error(d)
	}
}

func TestEverySettingCanComeFromTheEnvironment(t *testing.T) {
	got, err := load(t, nil, []string{
		"STOA_LIMITS_JSON_BODY=2 MB", "STOA_JOBS_KEEP_COMPLETED=1d", "STOA_JOBS_WORKERS=7", "STOA_TOWN_LAT=48.5", "STOA_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.1",
		"STOA_DELIVERY_CONFIRM_WITHIN=6m", "STOA_LIMITS_API=0", "STOA_LIMITS_ORDERS=7 / 2h",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Limits.JSONBody != 2<<20 || got.Jobs.KeepCompleted != 24*time.Hour || got.Jobs.Workers != 7 || got.Town.Lat != 48.5 || got.Delivery.ConfirmWithin != 6*time.Minute ||
		got.Limits.API != (Rate{}) || got.Limits.Orders != (Rate{7, 2 * time.Hour}) {
		t.Errorf("got %+v", got)
	}
	if d := cmp.Diff([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}, got.TrustedProxies, samePrefix); d != "" {
		t.Error(d)
	}
}

func TestWhatIsWrongIsNamedWithItsSource(t *testing.T) {
	for name, c := range map[string]struct {
		args    Overrides
		environ []string
		text    string
		want    []string // in the message
	}{
		"unknown in the file":        {text: "lissten = ':1'", want: []string{"lissten", "stoa.toml", "Did you mean listen?"}},
		"unknown in a section":       {text: "[town]\nnam = 'x'", want: []string{"town.nam", "town.name"}},
		"unknown section":            {text: "[limit]\nstreams = 5", want: []string{"limit.streams", "limits.streams"}},
		"a value for a section":      {text: "town = 5", want: []string{"town:"}},
		"unknown in the environment": {environ: []string{"STOA_LISTN=:1"}, want: []string{"STOA_LISTN", "STOA_LISTEN"}},
		"unknown flag":               {args: Overrides{"datta": "x"}, want: []string{"datta", "data"}},
		"no TOML":                    {text: "listen = ", want: []string{"not valid TOML"}},
		"a time without unit":        {text: "[jobs]\ntimeout = 60", want: []string{"jobs.timeout", "stoa.toml", `"90s"`}},
		"a word for a number":        {environ: []string{"STOA_JOBS_WORKERS=many"}, want: []string{"jobs.workers", "from STOA_JOBS_WORKERS", "whole number"}},
		"a fraction":                 {text: "[jobs]\nworkers = 2.5", want: []string{"jobs.workers", "whole number"}},
		"a size with a wrong unit":   {text: "[limits]\njson_body = '5 apples'", want: []string{"limits.json_body", `"64 KB"`}},
		"a network":                  {text: "trusted_proxies = ['10.0.0.0/99']", want: []string{"trusted_proxies", "10.0.0.0/8"}},
		"zone":                       {text: "[town]\ntimezone = 'Mars/Base'", want: []string{"town.timezone", "Mars/Base"}},
		"currency":                   {text: "[town]\ncurrency = 'EURO'", want: []string{"town.currency"}},
		"pictures in a bucket":       {text: "files = 's3://bucket'", want: []string{"files", "file:///"}},
		"pictures on another host":   {text: "files = 'file://host/x'", want: []string{"files"}},
		"language":                   {text: "[town]\nlang = 'klingonese'", want: []string{"town.lang"}},
		"not a number":               {text: "[town]\nlat = nan", want: []string{"town.lat"}},
		"listen":                     {args: Overrides{"listen": "8080"}, want: []string{"listen", "from --listen"}},
		"metrics in public":          {args: Overrides{"listen": ":80"}, text: "admin_listen = ':80'", want: []string{"admin_listen"}},
		"url":                        {args: Overrides{"url": "example.org"}, want: []string{"url", "https://"}},
		"warning after the end":      {text: "[delivery]\nwarn_before = '1h'", want: []string{"delivery.warn_before"}},
		"a rate without time":        {text: "[limits]\napi = 300", want: []string{"limits.api", `"300/5m"`}},
		"a rate of too little time":  {text: "[limits]\napi = '300/5ms'", want: []string{"limits.api", `"300/5m"`}},
		"a rate below nothing":       {args: Overrides{"limits.orders": "-1/5m"}, want: []string{"limits.orders", `"300/5m"`}},
		"half on":                    {args: Overrides{"limits.rate": "maybe"}, want: []string{"limits.rate", "on, off"}},
		"tls of an unknown kind":     {args: Overrides{"tls": "yes"}, want: []string{"tls", "self, file"}},
		"tls without its files":      {args: Overrides{"tls": "file", "tls_cert": "a.pem"}, want: []string{"tls_key", "both files"}},
		"files without tls":          {args: Overrides{"tls_cert": "a.pem", "tls_key": "b.pem"}, want: []string{"tls_cert", "both files"}},
		"tls at an http address":     {args: Overrides{"tls": "self", "url": "http://eat.example"}, want: []string{"url", "https://"}},
		"two at once":                {text: "[jobs]\nworkers = 0\n[town]\nname = ''", want: []string{"jobs.workers", "town.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.args, c.environ, c.text)
			if !errs.Is(err, errs.Invalid) {
				t.Fatalf("Load = %v; want an Invalid error", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("message %q lacks %q", err, want)
				}
			}
		})
	}
}

func TestPasswordsAreNeitherLoggedNorTold(t *testing.T) {
	c := Config{Database: "postgres://stoa:hunter2@db/stoa", NATS: "nats://a:hunter2@n1:4222,nats://b:hunter2@n2:4222", Files: "s3://b?password=hunter2"}
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("start", "config", c)
	_, err := load(t, Overrides{"database": "mysql://stoa:hunter2@db/stoa", "nats": "http://x:hunter2@y"}, nil, "")
	if err == nil || strings.Contains(b.String()+err.Error(), "hunter2") {
		t.Errorf("a password shows: %s\n%v", b.String(), err)
	}
}

func TestMissingFileIsAnErrorOnlyWhereItWasNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		environ []string
		file    string
	}{{nil, "gone.toml"}, {[]string{"STOA_CONFIG=gone.toml"}, ""}} {
		if _, err := Load(nil, c.environ, c.file); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "gone.toml") {
			t.Errorf("Load of %+v = %v; want an error that names the file", c, err)
		}
	}
	if err := os.WriteFile(DefaultFile, []byte("data = '/found'"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(nil, nil, ""); err != nil || c.Data != "/found" {
		t.Errorf("stoa.toml in the working folder gave %q, %v", c.Data, err)
	}
}

func TestNoEnvironmentMakesLoadPanic(t *testing.T) {
	names := []string{"STOA_LISTEN", "STOA_TOWN_LAT", "STOA_JOBS_WORKERS", "STOA_JOBS_TIMEOUT", "STOA_LIMITS_JSON_BODY", "STOA_TRUSTED_PROXIES", "STOA_URL", "STOA_NATS", "STOA_LIMITS_API", "STOA_TLS"}
	t.Chdir(t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		env := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom(names).Draw(t, "name") + "=" + rapid.String().Draw(t, "value")
		}), 0, 4).Draw(t, "env")
		if _, err := Load(nil, env, ""); err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatalf("%q gave %v; want an Invalid error", env, err)
		}
	})
}

func TestPicturesAreInTheFolderNamedOrInThatOfTheData(t *testing.T) {
	for files, want := range map[string]string{"": filepath.Join("data", "files"), "file:///srv/pic%20tures": "/srv/pic tures"} {
		if got := (Config{Data: "data", Files: files}).FilesDir(); got != want {
			t.Errorf("FilesDir with files = %q is %q; want %q", files, got, want)
		}
	}
}

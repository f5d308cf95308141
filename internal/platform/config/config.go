// Package config is what an operator can set, as one typed value: flags before the environment (STOA_…) before stoa.toml before the
// defaults.
//
// The defaults and the meaning of every setting stand in default.toml, which is also the example file that users get. A setting that is
// unknown, or that makes no sense, is refused at the start with its name, where it came from, and what would be right.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Config is every setting. See default.toml for what each means.
type Config struct {
	// From says of each setting that is not at its default where it was set: "--listen", "STOA_LISTEN", "stoa.toml".
	From map[string]string `koanf:"-"`

	Data           string         `koanf:"data"`
	Listen         string         `koanf:"listen"`
	AdminListen    string         `koanf:"admin_listen"` // empty: no admin listener
	URL            string         `koanf:"url"`          // without a slash at the end; empty: see BaseURL
	TLS            string         `koanf:"tls"`          // off, self, file, auto
	TLSCert        string         `koanf:"tls_cert"`     // with TLS file
	TLSKey         string         `koanf:"tls_key"`
	HTTPListen     string         `koanf:"http_listen"` // see HTTPAddr
	MasterKey      string         `koanf:"master_key"`  // a file; empty: master.key in Data
	Database       string         `koanf:"database"`    // empty: SQLite in Data
	NATS           string         `koanf:"nats"`        // empty: the bus is in process
	Files          string         `koanf:"files"`       // empty: a folder in Data
	LogLevel       string         `koanf:"log_level"`   // debug, info, warn, error
	LogFormat      string         `koanf:"log_format"`  // json, text
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies"`
	FetchAllow     []netip.Prefix `koanf:"fetch_allow"` // beside what is public
	ACME           ACME           `koanf:"acme"`
	Town           Town           `koanf:"town"`
	Limits         Limits         `koanf:"limits"`
	Delivery       Delivery       `koanf:"delivery"`
	Terms          Terms          `koanf:"terms"`
	Pay            Pay            `koanf:"pay"`
	Jobs           Jobs           `koanf:"jobs"`
	Retention      Retention      `koanf:"retention"`
	Mail           Mail           `koanf:"mail"`
	Signup         Signup         `koanf:"signup"`
	Translate      Translate      `koanf:"translate"`
	Social         Social         `koanf:"social"`
	Stripe         Stripe         `koanf:"stripe"`
	Payments       Payments       `koanf:"payments"`
	OIDC           []OIDC         `koanf:"oidc"`
}

// ACME is of whom a certificate is asked where TLS is auto.
type ACME struct {
	Agree  bool          `koanf:"agree"` // to the authority's terms
	Email  string        `koanf:"email"`
	CA     string        `koanf:"ca"`      // empty: Let's Encrypt
	CARoot string        `koanf:"ca_root"` // a file; empty: the system's own
	Dir    string        `koanf:"dir"`     // see ACMEDir
	Check  time.Duration `koanf:"check"`
}

// Social is how the social network is run.
type Social struct {
	Trends      string `koanf:"trends"`       // open, reviewed
	PersonFiles Bytes  `koanf:"person_files"` // room for the files of one person's posts
	AllFiles    Bytes  `koanf:"all_files"`    // of all
}

func (s Social) check(l *loader) {
	oneOf(l, "social.trends", s.Trends, "open", "reviewed")
	within(l, "social.person_files", s.PersonFiles, 1<<20, 1<<40)
	within(l, "social.all_files", s.AllFiles, s.PersonFiles, 1<<50)
}

// Translate is who translates public posts.
type Translate struct {
	URL string `koanf:"url"` // of a LibreTranslate server, without a slash at its end; empty: nothing is translated
	Key string `koanf:"key"`
}

// Town is what makes this town this town.
type Town struct {
	Name      string  `koanf:"name"`
	Currency  string  `koanf:"currency"` // ISO 4217
	Timezone  string  `koanf:"timezone"` // a name that time.LoadLocation knows
	Lang      string  `koanf:"lang"`     // BCP 47
	AccentHue float64 `koanf:"accent_hue"`
	Lat       float64 `koanf:"lat"`
	Lon       float64 `koanf:"lon"`
}

// Limits bounds what one client can ask of the server.
type Limits struct {
	JSONBody        Bytes         `koanf:"json_body"`
	UploadBody      Bytes         `koanf:"upload_body"`
	FormBody        Bytes         `koanf:"form_body"`
	HeaderTimeout   time.Duration `koanf:"header_timeout"`
	ReadTimeout     time.Duration `koanf:"read_timeout"`
	WriteTimeout    time.Duration `koanf:"write_timeout"`
	IdleTimeout     time.Duration `koanf:"idle_timeout"`
	HandlerTimeout  time.Duration `koanf:"handler_timeout"`
	ShutdownTimeout time.Duration `koanf:"shutdown_timeout"`
	ConnsPerIP      int           `koanf:"conns_per_ip"`
	Streams         int           `koanf:"streams"`
	Rate            string        `koanf:"rate"` // on, off
	API             Rate          `koanf:"api"`
	Pages           Rate          `koanf:"pages"`
	Quotes          Rate          `koanf:"quotes"`
	Orders          Rate          `koanf:"orders"`
	Uploads         Rate          `koanf:"uploads"`
	SignUps         Rate          `koanf:"sign_ups"`
	Apps            Rate          `koanf:"apps"`
	Tokens          Rate          `koanf:"tokens"`
	Anonymous       int           `koanf:"anonymous"` // how many accounts' worth an address has
}

// Delivery is how patient the town is. Times are of the town's clock.
type Delivery struct {
	ConfirmWithin time.Duration `koanf:"confirm_within"`
	WarnBefore    time.Duration `koanf:"warn_before"` // before the end of ConfirmWithin
	RestoreWithin time.Duration `koanf:"restore_within"`
	CourierKmh    float64       `koanf:"courier_kmh"`
	OfferFor      time.Duration `koanf:"offer_for"`
	PromiseSlack  time.Duration `koanf:"promise_slack"`
}

// Terms are the deal with restaurants that have none of their own. Amounts are in minor units of the town's currency.
type Terms struct {
	Commission       Percent `koanf:"commission"` // of the food's value
	CommissionFlat   int     `koanf:"commission_flat"`
	PickupCommission Percent `koanf:"pickup_commission"`
	PickupFlat       int     `koanf:"pickup_flat"`
	CardFee          string  `koanf:"card_fee"` // platform, restaurant
	FeeTo            string  `koanf:"fee_to"`   // platform, restaurant
}

// Payments is how money is taken.
type Payments struct {
	Capture   string        `koanf:"capture"`    // confirm, delivery
	ActWithin time.Duration `koanf:"act_within"` // for customers whose bank asks them
	CashLimit int           `koanf:"cash_limit"` // in minor units of the town's currency; 0: none
	Statement string        `koanf:"statement"`  // week, month: how long a time statements are about
}

// Pay is what couriers get besides tips, in minor units of the town's currency.
type Pay struct {
	PerOrder    int `koanf:"per_order"`
	PerKm       int `koanf:"per_km"`
	HourlyFloor int `koanf:"hourly_floor"` // 0: none
}

// Jobs is how the queue works on this node.
type Jobs struct {
	Workers       int           `koanf:"workers"`
	Timeout       time.Duration `koanf:"timeout"`
	Lease         time.Duration `koanf:"lease"`
	KeepCompleted time.Duration `koanf:"keep_completed"`
	KeepDiscarded time.Duration `koanf:"keep_discarded"`
}

// Retention is how long what is stored about people is kept, by the town's clock. 0 is for ever where it says so.
type Retention struct {
	Positions    time.Duration `koanf:"positions"`
	Way          time.Duration `koanf:"way"`    // 0: for ever
	Orders       time.Duration `koanf:"orders"` // 0: for ever
	Carts        time.Duration `koanf:"carts"`
	Replies      time.Duration `koanf:"replies"`
	SignIns      time.Duration `koanf:"sign_ins"`
	Audit        time.Duration `koanf:"audit"`
	Copies       time.Duration `koanf:"copies"`
	CopiesPerDay int           `koanf:"copies_per_day"`
	Leaving      time.Duration `koanf:"leaving"`
}

// Bytes is a size. Its text form is a number, alone or with KB, MB or GB (1024-fold each).
type Bytes int64

// Percent is a share in basis points. Its text form is a percentage with at most two decimals: "12.5".
type Percent int

// String returns the text form.
func (p Percent) String() string {
	s := fmt.Sprintf("%d.%02d", int(p)/100, int(p)%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Rate is how many requests are let through in a time; the zero Rate lets all through. Its text form is "300/5m", or "0".
type Rate struct {
	N   int
	Per time.Duration
}

// ServesTLS reports whether the server itself speaks https.
func (c Config) ServesTLS() bool { return c.TLS != "off" && c.TLS != "" }

// HTTPAddr returns where the server answers plain http, sending people on to https: "" for nowhere.
func (c Config) HTTPAddr() string {
	switch {
	case !c.ServesTLS() || c.HTTPListen == "none":
		return ""
	case c.HTTPListen == "" && c.TLS == "auto":
		return ":80"
	}
	return c.HTTPListen
}

// ACMEDir returns the folder in which certificates that an authority gave are kept.
func (c Config) ACMEDir() string {
	if c.ACME.Dir != "" {
		return c.ACME.Dir
	}
	return filepath.Join(c.Data, "tls", "acme")
}

// HTTPS reports whether people reach the server by https, from itself or from a proxy.
func (c Config) HTTPS() bool { return c.ServesTLS() || strings.HasPrefix(c.URL, "https:") }

// BaseURL returns the address that links begin with: URL, else http:// or https:// and the address that the server listens on.
func (c Config) BaseURL(bound net.Addr) string {
	if c.URL != "" {
		return c.URL
	}
	if c.ServesTLS() {
		return "https://" + bound.String()
	}
	return "http://" + bound.String()
}

// FilesDir returns the folder in which pictures are kept: that of Files, else one in Data.
func (c Config) FilesDir() string {
	if u, err := url.Parse(c.Files); err == nil && u.Scheme == "file" {
		return filepath.FromSlash(u.Path)
	}
	return filepath.Join(c.Data, "files")
}

// LogValue shows where things are without their passwords.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("data", c.Data), slog.String("listen", c.Listen), slog.String("admin_listen", c.AdminListen), slog.String("url", c.URL), slog.String("tls", c.TLS),
		slog.String("database", withoutPassword(c.Database)), slog.String("nats", withoutPassword(c.NATS)), slog.String("files", withoutPassword(c.Files)),
		slog.String("town", c.Town.Name),
	)
}

// withoutPassword hides the passwords in one or several addresses.
func withoutPassword(list string) string {
	parts := strings.Split(list, ",")
	for i, p := range parts {
		u, err := url.Parse(p)
		if err != nil {
			parts[i] = "[unreadable]"
			continue
		}
		if q := u.Query(); q.Has("password") {
			q.Set("password", "xxxxx")
			u.RawQuery = q.Encode()
		}
		parts[i] = u.Redacted()
	}
	return strings.Join(parts, ",")
}

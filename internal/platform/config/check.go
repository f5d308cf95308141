package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

// check refuses values that make no sense, and brings the others into their one form.
func (c *Config) check(l *loader) {
	c.URL = strings.TrimSuffix(c.URL, "/")
	c.Town.Currency = strings.ToUpper(c.Town.Currency)
	if c.Data == "" {
		l.refuse("data", "Name a folder.")
	}
	checkAddress(l, "listen", c.Listen)
	if c.AdminListen != "" {
		checkAddress(l, "admin_listen", c.AdminListen)
	}
	if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		l.refuse("admin_listen", "Metrics must not be served where the public is: give another port than listen has.")
	}
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" || u.RawQuery != "") {
		l.refuse("url", `Write the address as "https://eat.example.org", without a path.`)
	}
	c.checkTLS(l)
	c.checkACME(l)
	checkScheme(l, "database", c.Database, "postgres", "postgresql")
	for one := range strings.SplitSeq(c.NATS, ",") {
		checkScheme(l, "nats", one, "nats", "tls")
	}
	if u, err := url.Parse(c.Files); c.Files != "" && (err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "") {
		l.refuse("files", `Name a folder as "file:///srv/pictures".`)
	}
	oneOf(l, "log_level", c.LogLevel, "debug", "info", "warn", "error")
	oneOf(l, "log_format", c.LogFormat, "json", "text")
	c.Town.check(l)
	c.Limits.check(l)
	c.Delivery.check(l)
	c.Terms.check(l)
	c.Pay.check(l)
	c.Payments.check(l)
	c.Retention.check(l)
	c.Mail.check(l, c)
	c.Signup.check(l, c)
	c.Social.check(l)
	c.checkOIDC(l)
	c.Stripe.check(l)
	c.Translate.URL = strings.TrimSuffix(c.Translate.URL, "/")
	checkScheme(l, "translate.url", c.Translate.URL, "http", "https")
	within(l, "jobs.workers", c.Jobs.Workers, 1, 1000)
	within(l, "jobs.timeout", c.Jobs.Timeout, time.Second, 24*time.Hour)
	within(l, "jobs.lease", c.Jobs.Lease, 3*time.Second, time.Hour)
	within(l, "jobs.keep_completed", c.Jobs.KeepCompleted, time.Hour, 3650*24*time.Hour)
	within(l, "jobs.keep_discarded", c.Jobs.KeepDiscarded, time.Hour, 3650*24*time.Hour)
}

func (c *Config) checkTLS(l *loader) {
	oneOf(l, "tls", c.TLS, "off", "self", "file", "auto")
	if c.TLS != "off" && strings.HasPrefix(c.URL, "http:") {
		l.refuse("url", "With tls people reach the server by https://.")
	}
	for key, v := range map[string]string{"tls_cert": c.TLSCert, "tls_key": c.TLSKey} {
		if (v == "") == (c.TLS == "file") {
			l.refuse(key, `tls_cert and tls_key belong to tls = "file": name both files there, and none elsewhere.`)
		}
	}
}

func (c *Config) checkACME(l *loader) {
	if c.HTTPListen != "" && c.HTTPListen != "none" {
		checkAddress(l, "http_listen", c.HTTPListen)
		if c.TLS == "off" {
			l.refuse("http_listen", "Without tls the server speaks plain http where it listens: leave this empty.")
		}
	}
	within(l, "acme.check", c.ACME.Check, time.Second, 24*time.Hour)
	if u, err := url.Parse(c.ACME.CA); c.ACME.CA != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		l.refuse("acme.ca", "Write the address of the authority's directory, which begins with https://.")
	}
	if c.ACME.Email != "" && !strings.Contains(c.ACME.Email, "@") {
		l.refuse("acme.email", "This is no e-mail address.")
	}
	if c.TLS != "auto" {
		return
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "https" || net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".") {
		l.refuse("url", `With tls = "auto" give the address that people type, such as "https://eat.example.org": the certificate is for its name.`)
	}
	if !c.ACME.Agree {
		l.refuse("acme.agree", "An authority gives certificates to those who agree to its terms (Let's Encrypt: https://letsencrypt.org/repository): set this to true if you do.")
	}
}

func (t Town) check(l *loader) {
	if n := len([]rune(t.Name)); n < 1 || n > 60 || strings.TrimSpace(t.Name) != t.Name {
		l.refuse("town.name", "Give the town a name of 1 to 60 letters.")
	}
	if _, err := currency.ParseISO(t.Currency); err != nil {
		l.refuse("town.currency", `%q is no currency: use its three letters, such as "EUR".`, t.Currency)
	}
	if _, err := time.LoadLocation(t.Timezone); err != nil || t.Timezone == "" || t.Timezone == "Local" {
		l.refuse("town.timezone", `%q is no time zone: use a name such as "Europe/Berlin".`, t.Timezone)
	}
	if _, err := language.Parse(t.Lang); err != nil {
		l.refuse("town.lang", `%q is no language: use a tag such as "en" or "pt-BR".`, t.Lang)
	}
	within(l, "town.accent_hue", t.AccentHue, 0, 360)
	within(l, "town.lat", t.Lat, -90, 90)
	within(l, "town.lon", t.Lon, -180, 180)
}

func (m Limits) check(l *loader) {
	for key, v := range map[string]Bytes{"json_body": m.JSONBody, "upload_body": m.UploadBody, "form_body": m.FormBody} {
		if v < 1<<10 || v > 1<<30 {
			l.refuse("limits."+key, "Choose between 1 KB and 1 GB.")
		}
	}
	for key, v := range map[string]time.Duration{
		"header_timeout": m.HeaderTimeout, "read_timeout": m.ReadTimeout, "write_timeout": m.WriteTimeout, "idle_timeout": m.IdleTimeout,
		"handler_timeout": m.HandlerTimeout, "shutdown_timeout": m.ShutdownTimeout,
	} {
		within(l, "limits."+key, v, time.Second, time.Hour)
	}
	within(l, "limits.conns_per_ip", m.ConnsPerIP, 1, 1_000_000)
	within(l, "limits.streams", m.Streams, 1, 1_000_000)
	oneOf(l, "limits.rate", m.Rate, "on", "off")
	within(l, "limits.anonymous", m.Anonymous, 1, 1000)
}

func (d Delivery) check(l *loader) {
	within(l, "delivery.confirm_within", d.ConfirmWithin, time.Minute, 24*time.Hour)
	within(l, "delivery.warn_before", d.WarnBefore, 0, 24*time.Hour)
	if d.WarnBefore >= d.ConfirmWithin {
		l.refuse("delivery.warn_before", "The warning must come before the order is refused: choose less than delivery.confirm_within.")
	}
	within(l, "delivery.restore_within", d.RestoreWithin, 0, 24*time.Hour)
	within(l, "delivery.courier_kmh", d.CourierKmh, 1, 200)
	within(l, "delivery.offer_for", d.OfferFor, 5*time.Second, time.Hour)
	within(l, "delivery.promise_slack", d.PromiseSlack, 0, 24*time.Hour)
}

// maxAmount bounds what is set per order, kilometre or hour; more is a slip of the finger.
const maxAmount = 1_000_000

func (p Payments) check(l *loader) {
	oneOf(l, "payments.capture", p.Capture, "confirm", "delivery")
	within(l, "payments.act_within", p.ActWithin, time.Minute, 24*time.Hour)
	within(l, "payments.cash_limit", p.CashLimit, 0, 100*maxAmount)
	oneOf(l, "payments.statement", p.Statement, "week", "month")
}

func (t Terms) check(l *loader) {
	within(l, "terms.commission", t.Commission, 0, 100_00)
	within(l, "terms.pickup_commission", t.PickupCommission, 0, 100_00)
	within(l, "terms.commission_flat", t.CommissionFlat, 0, maxAmount)
	within(l, "terms.pickup_flat", t.PickupFlat, 0, maxAmount)
	oneOf(l, "terms.card_fee", t.CardFee, "platform", "restaurant")
	oneOf(l, "terms.fee_to", t.FeeTo, "platform", "restaurant")
}

func (p Pay) check(l *loader) {
	within(l, "pay.per_order", p.PerOrder, 0, maxAmount)
	within(l, "pay.per_km", p.PerKm, 0, maxAmount)
	within(l, "pay.hourly_floor", p.HourlyFloor, 0, maxAmount)
}

func (r Retention) check(l *loader) {
	const day = 24 * time.Hour
	for key, v := range map[string]time.Duration{"way": r.Way, "orders": r.Orders} {
		if v != 0 {
			within(l, "retention."+key, v, day, 36500*day)
		}
	}
	if r.Orders != 0 && (r.Way == 0 || r.Way > r.Orders) {
		l.refuse("retention.way", "The way to the door can't be kept longer than who ordered: choose at most retention.orders.")
	}
	within(l, "retention.positions", r.Positions, time.Minute, 30*day)
	within(l, "retention.carts", r.Carts, day, 3650*day)
	within(l, "retention.replies", r.Replies, 24*time.Hour, 30*day)
	within(l, "retention.sign_ins", r.SignIns, day, 3650*day)
	within(l, "retention.audit", r.Audit, day, 3650*day)
	within(l, "retention.copies", r.Copies, day, 90*day)
	within(l, "retention.copies_per_day", r.CopiesPerDay, 1, 100)
	within(l, "retention.leaving", r.Leaving, 0, 90*day)
}

func within[T ~int | ~int64 | ~float64](l *loader, key string, v, least, most T) {
	if !(v >= least && v <= most) { // written so that NaN is refused
		l.refuse(key, "%v is out of range: choose between %v and %v.", v, least, most)
	}
}

func oneOf(l *loader, key, v string, allowed ...string) {
	if !slices.Contains(allowed, v) {
		l.refuse(key, "%q is none of %s.", v, strings.Join(allowed, ", "))
	}
}

func checkAddress(l *loader, key, v string) {
	_, port, err := net.SplitHostPort(v)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		l.refuse(key, `%q is no address to listen on: write it as "127.0.0.1:8080" or ":8080".`, v)
	}
}

// checkScheme refuses an address of another kind. It never repeats the address, which may hold a password.
func checkScheme(l *loader, key, v string, schemes ...string) {
	if v == "" {
		return
	}
	u, err := url.Parse(strings.TrimSpace(v))
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		l.refuse(key, "The address must begin with %s://.", strings.Join(schemes, ":// or "))
	}
}

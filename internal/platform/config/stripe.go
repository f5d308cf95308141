package config

import (
	"log/slog"
	"net/url"
	"strings"
)

// Secret is a setting that nobody is shown: printed, logged or encoded it is "(secret)", or "" where it is empty.
type Secret string

// String hides it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString hides it.
func (s Secret) GoString() string { return s.String() }

// LogValue hides it.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Stripe is the account at Stripe through which cards are charged.
type Stripe struct {
	SecretKey      Secret `koanf:"secret_key"` // empty: the sandbox charges no card at all
	PublishableKey string `koanf:"publishable_key"`
	WebhookSecret  Secret `koanf:"webhook_secret"` // several with commas
	URL            string `koanf:"url"`            // empty: Stripe's own
	Script         string `koanf:"script"`         // empty: Stripe's own
	Connect        bool   `koanf:"connect"`
	Country        string `koanf:"country"` // of restaurants' accounts
}

// On reports whether cards are charged through Stripe.
func (s Stripe) On() bool { return s.SecretKey != "" }

// Live reports whether the keys are those that move real money.
func (s Stripe) Live() bool { return strings.Contains(string(s.SecretKey), "_live_") }

// WebhookSecrets returns the secrets by which webhooks may be signed.
func (s Stripe) WebhookSecrets() []string {
	return strings.FieldsFunc(string(s.WebhookSecret), func(r rune) bool { return r == ',' || r == ' ' })
}

func (s *Stripe) check(l *loader) {
	s.URL = strings.TrimSuffix(s.URL, "/")
	for key, v := range map[string]string{"stripe.url": s.URL, "stripe.script": s.Script} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || u.RawQuery != "" || u.Scheme != "https" && !(u.Scheme == "http" && local(u.Hostname()))) {
			l.refuse(key, "Write an address that begins with https://.")
		}
	}
	if len(s.Country) != 2 || strings.Trim(s.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		l.refuse("stripe.country", `Use the two letters of a country, such as "DE".`)
	}
	if !s.On() {
		if s.Connect {
			l.refuse("stripe.connect", "Restaurants can have accounts of their own at Stripe only where stripe.secret_key is set.")
		}
		return
	}
	key := string(s.SecretKey)
	if !strings.HasPrefix(key, "sk_") && !strings.HasPrefix(key, "rk_") || strings.ContainsAny(key, " \r\n") {
		l.refuse("stripe.secret_key", "A secret key of Stripe begins with sk_ or rk_.")
	}
	if !strings.HasPrefix(s.PublishableKey, "pk_") {
		l.refuse("stripe.publishable_key", "The pay page needs the publishable key, too: it begins with pk_.")
	}
	if s.Live() != strings.Contains(s.PublishableKey, "_live_") {
		l.refuse("stripe.publishable_key", "One key is for tests and the other moves real money: use two of a pair.")
	}
	if len(s.WebhookSecrets()) == 0 {
		l.refuse("stripe.webhook_secret", "Give the signing secret of the webhook, which begins with whsec_: make one at Stripe for the address /webhooks/stripe.")
	}
}

package settings

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/config"
)

// maxValue is how long a value may be, in characters: rules of a town are the longest.
const maxValue = 8000

// Kind is how a setting is written.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	LongText Kind = "long"
	Choice   Kind = "choice"
	Number   Kind = "number"
	Hue      Kind = "hue"      // of a colour, 0 to 360
	Duration Kind = "duration" // "90s", "10m", "7d"
	Rate     Kind = "rate"     // "300/5m", or "0"
)

// Key is a setting that an admin may change while the server runs. What is allowed is said by package config; Least and Most are for the form.
type Key struct {
	Name        string
	Group       string
	Kind        Kind
	Least, Most float64  // of a Number or Hue
	Choices     []string // of a Choice
}

// keys are all of them, in the order of the page.
var keys = []Key{
	{Name: "town.name", Group: "town", Kind: Text},
	{Name: "town.lang", Group: "town", Kind: Choice, Choices: i18n.Langs},
	{Name: "town.accent_hue", Group: "town", Kind: Hue, Least: 0, Most: 360},
	{Name: "signup.mode", Group: "signup", Kind: Choice, Choices: []string{"open", "approval", "invite"}},
	{Name: "signup.confirm", Group: "signup", Kind: Choice, Choices: []string{"auto", "mail", "none"}},
	{Name: "signup.rules", Group: "signup", Kind: LongText},
	{Name: "social.trends", Group: "social", Kind: Choice, Choices: []string{"open", "reviewed"}},
	{Name: "social.person_files", Group: "social", Kind: Text},
	{Name: "social.all_files", Group: "social", Kind: Text},
	{Name: "mail.from", Group: "mail", Kind: Text},
	{Name: "delivery.confirm_within", Group: "delivery", Kind: Duration},
	{Name: "delivery.warn_before", Group: "delivery", Kind: Duration},
	{Name: "delivery.restore_within", Group: "delivery", Kind: Duration},
	{Name: "delivery.offer_for", Group: "delivery", Kind: Duration},
	{Name: "delivery.courier_kmh", Group: "delivery", Kind: Number, Least: 1, Most: 200},
	{Name: "terms.commission", Group: "terms", Kind: Number, Least: 0, Most: 100},
	{Name: "terms.commission_flat", Group: "terms", Kind: Number, Least: 0, Most: 1_000_000},
	{Name: "terms.pickup_commission", Group: "terms", Kind: Number, Least: 0, Most: 100},
	{Name: "terms.pickup_flat", Group: "terms", Kind: Number, Least: 0, Most: 1_000_000},
	{Name: "terms.card_fee", Group: "terms", Kind: Choice, Choices: []string{"platform", "restaurant"}},
	{Name: "terms.fee_to", Group: "terms", Kind: Choice, Choices: []string{"platform", "restaurant"}},
	{Name: "payments.capture", Group: "payments", Kind: Choice, Choices: []string{"confirm", "delivery"}},
	{Name: "payments.act_within", Group: "payments", Kind: Duration},
	{Name: "payments.cash_limit", Group: "payments", Kind: Number, Least: 0, Most: 100_000_000},
	{Name: "payments.statement", Group: "payments", Kind: Choice, Choices: []string{"week", "month"}},
	{Name: "pay.per_order", Group: "pay", Kind: Number, Least: 0, Most: 1_000_000},
	{Name: "pay.per_km", Group: "pay", Kind: Number, Least: 0, Most: 1_000_000},
	{Name: "pay.hourly_floor", Group: "pay", Kind: Number, Least: 0, Most: 1_000_000},
	{Name: "retention.positions", Group: "retention", Kind: Duration},
	{Name: "retention.way", Group: "retention", Kind: Duration},
	{Name: "retention.orders", Group: "retention", Kind: Duration},
	{Name: "retention.carts", Group: "retention", Kind: Duration},
	{Name: "retention.sign_ins", Group: "retention", Kind: Duration},
	{Name: "retention.audit", Group: "retention", Kind: Duration},
	{Name: "retention.copies", Group: "retention", Kind: Duration},
	{Name: "retention.leaving", Group: "retention", Kind: Duration},
	{Name: "limits.rate", Group: "limits", Kind: Choice, Choices: []string{"on", "off"}},
	{Name: "limits.api", Group: "limits", Kind: Rate},
	{Name: "limits.pages", Group: "limits", Kind: Rate},
	{Name: "limits.quotes", Group: "limits", Kind: Rate},
	{Name: "limits.orders", Group: "limits", Kind: Rate},
	{Name: "limits.uploads", Group: "limits", Kind: Rate},
	{Name: "limits.sign_ups", Group: "limits", Kind: Rate},
	{Name: "limits.anonymous", Group: "limits", Kind: Number, Least: 1, Most: 1000},
}

func find(name string) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// within returns an Invalid error for a number outside of the key's bounds.
func (k Key) within(v string) error {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n >= k.Least && n <= k.Most) { // written so that NaN is refused
		return errs.InvalidField(k.Name, "Write a number between %v and %v.", k.Least, k.Most)
	}
	return nil
}

func printable(v string) bool {
	return strings.IndexFunc(v, func(r rune) bool {
		return r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' && r != '\t'
	}) < 0
}

// State is a setting as it stands.
type State struct {
	Key
	Label, Help string // in the reader's language
	Value       string // in force
	Default     string // what it is where no admin set it
	From        string // where it is set, for one that can't be changed here: "--listen", "STOA_TOWN_NAME", "stoa.toml"; else empty
	Own         bool   // an admin set it
}

// Group is settings that belong together.
type Group struct {
	Name, Title string
	Settings    []State
}

// Groups returns all settings as they stand, in the language of ctx.
func (s *Settings) Groups(ctx context.Context) []Group {
	var out []Group
	for _, k := range keys {
		if len(out) == 0 || out[len(out)-1].Name != k.Group {
			out = append(out, Group{Name: k.Group, Title: groupTitle(ctx, k.Group)})
		}
		g := &out[len(out)-1]
		g.Settings = append(g.Settings, s.state(ctx, k))
	}
	return out
}

// Get returns one setting as it stands, and whether there is one of that name.
func (s *Settings) Get(ctx context.Context, name string) (State, bool) {
	k, ok := find(name)
	if !ok {
		return State{}, false
	}
	return s.state(ctx, k), true
}

func (s *Settings) state(ctx context.Context, k Key) State {
	st := State{Key: k, From: s.base.From[k.Name]}
	st.Label, st.Help = describe(ctx, k.Name)
	st.Value, _ = config.Text(*s.Config(), k.Name)
	st.Default, _ = config.Text(s.base, k.Name)
	_, st.Own = (*s.owned.Load())[k.Name]
	st.Own = st.Own && st.From == ""
	return st
}

// Fixed is what everybody who sets a town up wants to see, and changes in stoa.toml only.
type Fixed struct {
	Currency, Timezone string
}

// Fixed returns it.
func (s *Settings) Fixed() Fixed { return Fixed{s.base.Town.Currency, s.base.Town.Timezone} }

package promo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// label says in a few words what a promotion takes off, as bills show it: "10 % off Pizza".
func (p *Promotion) label(ctx context.Context, m *delivery.Menu) string {
	if p.Label != "" {
		return p.Label
	}
	what := p.things(m)
	switch p.Kind {
	case delivery.DiscountPercent:
		if what != "" {
			return i18n.T(ctx, "%d %% off %s", p.Percent, what)
		}
		return i18n.T(ctx, "%d %% off", p.Percent)
	case delivery.DiscountAmount:
		if what != "" {
			return i18n.T(ctx, "%s off %s", ui.Money(ctx, p.Amount, p.Currency), what)
		}
		return i18n.T(ctx, "%s off", ui.Money(ctx, p.Amount, p.Currency))
	case delivery.DiscountFee:
		return i18n.T(ctx, "Free delivery")
	}
	if what == "" {
		return i18n.T(ctx, "A dish for free")
	}
	return i18n.T(ctx, "%s for free", what)
}

// promise is label with the value of food from which it holds.
func (p *Promotion) promise(ctx context.Context, m *delivery.Menu) string {
	s := p.label(ctx, m)
	if p.Label == "" && p.Minimum > 0 {
		s = i18n.T(ctx, "%s from %s", s, ui.Money(ctx, p.Minimum, p.Currency))
	}
	return s
}

// things names the sections and dishes that a promotion is for, "" where it is for all or none is left.
func (p *Promotion) things(m *delivery.Menu) string {
	if m == nil {
		return ""
	}
	var names []string
	for _, sec := range m.Sections {
		if slices.Contains(p.Sections, sec.ID) {
			names = append(names, sec.Name)
		}
	}
	for _, sec := range m.Sections {
		for _, it := range sec.Items {
			if slices.Contains(p.Items, it.ID) {
				names = append(names, it.Name)
			}
		}
	}
	if len(names) > 3 {
		names = append(names[:3], "…")
	}
	return strings.Join(names, ", ")
}

// sentence says all that a promotion does and asks for: "10 % off Pizza, at most 5.00 €, for first orders, until Sunday".
func (p *Promotion) sentence(ctx context.Context, m *delivery.Menu, loc *time.Location) string {
	short := *p
	short.Label = ""
	parts := []string{short.label(ctx, m)}
	add := func(sentence string, args ...any) { parts = append(parts, i18n.T(ctx, sentence, args...)) }
	if p.Cap > 0 {
		add(i18n.Key("at most %s"), ui.Money(ctx, p.Cap, p.Currency))
	}
	if p.Minimum > 0 {
		add(i18n.Key("from %s of food"), ui.Money(ctx, p.Minimum, p.Currency))
	}
	switch p.First {
	case FirstEver:
		add(i18n.Key("for new customers"))
	case FirstHere:
		add(i18n.Key("for first orders here"))
	}
	if p.Hours != "" {
		add(i18n.Key("at these times: %s"), p.Hours)
	}
	if !p.From.IsZero() {
		add(i18n.Key("from %s on"), moment(ctx, p.From, loc))
	}
	if !p.Until.IsZero() {
		add(i18n.Key("until %s"), moment(ctx, p.Until, loc))
	}
	if p.Each > 0 && p.First == "" {
		parts = append(parts, i18n.N(ctx, int(p.Each), "%d time each", "%d times each"))
	}
	if p.Most > 0 {
		parts = append(parts, i18n.N(ctx, int(p.Most), "for %d order in all", "for the first %d orders"))
	}
	if p.Code != "" {
		add(i18n.Key("with the code %s"), p.Code)
	}
	if p.Stacks {
		add(i18n.Key("together with another offer"))
	}
	if p.Bearer == delivery.PartyPlatform {
		add(i18n.Key("borne by the town"))
	}
	return strings.Join(parts, ", ")
}

func moment(ctx context.Context, t time.Time, loc *time.Location) string {
	return ui.Day(ctx, t, loc) + " " + ui.ClockTime(ctx, t, loc)
}

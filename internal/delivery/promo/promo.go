// Package promo is what makes an order cheaper: codes and offers of restaurants and of the town.
//
// A promotion takes something off the food or off the delivery fee, never off a tip, and somebody bears it: the restaurant, whose income and
// tax it lowers, or the town. An order has at most one code and one offer that applies by itself; both only where both say that they go
// together, else whichever takes off more. Promotions are kept in memory on every node, so a quote costs no read unless one of them counts
// uses or asks whether it is somebody's first order. What counts is taken in the order's own transaction by conditional updates.
package promo

import (
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// State is whether a promotion holds.
type State string

// The states. What has ended stays so.
const (
	Active State = "active"
	Paused State = "paused"
	Ended  State = "ended"
)

// Whose orders a promotion is for.
const (
	FirstEver = "ever" // somebody's first order in town
	FirstHere = "here" // somebody's first order at the restaurant
)

// Bounds.
const (
	MaxLabel  = 60
	MaxCode   = 24
	MinCode   = 3
	MaxAmount = 500_00    // minor units
	MaxUses   = 1_000_000 // of one promotion
	maxThings = 60        // dishes and sections that one is for
)

// Rules are what a promotion does and for whom.
type Rules struct {
	Label    string         `json:"label,omitempty" maxLength:"60" doc:"What customers read instead of the sentence that is made of the rules."`
	Kind     string         `json:"kind" enum:"percent,amount,delivery,item" doc:"percent: off the food; amount: off the food; delivery: off the fee; item: the cheapest of the dishes is free."`
	Percent  int            `json:"percent,omitempty" minimum:"0" maximum:"100" doc:"With kind percent."`
	Amount   money.Amount   `json:"amount,omitempty" minimum:"0" doc:"With kind amount."`
	Cap      money.Amount   `json:"cap,omitempty" minimum:"0" doc:"It takes off this much at most; 0: no bound. With kinds percent and delivery."`
	Currency string         `json:"currency,omitempty" maxLength:"3" doc:"Of the amounts; the restaurant's, or the town's."`
	Bearer   delivery.Party `json:"bearer" enum:"restaurant,platform" doc:"Who bears it."`
	Minimum  money.Amount   `json:"minimum,omitempty" minimum:"0" doc:"Of food."`
	From     time.Time      `json:"from,omitzero"`
	Until    time.Time      `json:"until,omitzero"`
	Hours    string         `json:"hours,omitempty" maxLength:"200" doc:"When it can be ordered with, in OSM's syntax: Mo-Fr 14:00-17:00."`
	First    string         `json:"first,omitempty" enum:",ever,here" doc:"Only for somebody's first order ever, or here."`
	Items    []id.ID        `json:"items,omitempty" maxItems:"60" doc:"Only these dishes count; with kind item one of them is free."`
	Sections []id.ID        `json:"sections,omitempty" maxItems:"60" doc:"Only dishes of these sections count."`
	Stacks   bool           `json:"stacks,omitempty" doc:"It goes together with another one that does, too."`
}

// Promotion is one promotion.
type Promotion struct {
	ID         id.ID  `json:"id"`
	Restaurant id.ID  `json:"restaurant,omitzero" doc:"Absent: the whole town."`
	Code       string `json:"code,omitempty" doc:"Empty: it applies by itself."`
	State      State  `json:"state" enum:"active,paused,ended"`
	Rules
	Used      int64     `json:"used" doc:"Orders that have it."`
	Most      int64     `json:"most,omitempty" doc:"How many orders may have it; 0: any number."`
	Each      int64     `json:"each,omitempty" doc:"How many orders of one person may; 0: any number."`
	CreatedAt time.Time `json:"created_at"`
	ChangedAt time.Time `json:"changed_at"`
	CreatedBy id.ID     `json:"-"`

	rev int64
	// schedule is Hours, parsed; nil: always.
	schedule *hours.Schedule
}

// each returns how many orders of one person may have it; 0: any number. A first order happens once.
func (p *Promotion) each() int64 {
	if p.First != "" {
		return 1
	}
	return p.Each
}

// ReadCode returns a code as it is stored, whatever case and dashes somebody typed.
func ReadCode(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

// tidy cleans a promotion and checks that its rules mean something, or returns an Invalid error with the fields that don't.
func (p *Promotion) tidy(now time.Time) error {
	var wrong []errs.Field
	bad := func(path, format string, args ...any) { wrong = append(wrong, errs.FieldOf(path, format, args...)) }
	p.Label = text.Clean(p.Label, MaxLabel)
	if typed := strings.TrimSpace(p.Code); typed != "" {
		p.Code = ReadCode(typed)
		if len(p.Code) < MinCode || len(p.Code) > MaxCode {
			bad("code", i18n.Key("A code has %d to %d letters and digits."), MinCode, MaxCode)
		}
	} else {
		p.Code = ""
	}
	switch p.Kind {
	case delivery.DiscountPercent:
		p.Amount = 0
		if p.Percent < 1 || p.Percent > 100 {
			bad("percent", i18n.Key("Give 1 to 100 percent."))
		}
	case delivery.DiscountAmount:
		p.Percent, p.Cap = 0, 0
		if p.Amount < 1 || p.Amount > MaxAmount {
			bad("amount", i18n.Key("Give an amount up to %s."), money.Format(MaxAmount, p.Currency))
		}
	case delivery.DiscountFee:
		p.Percent, p.Amount, p.Items, p.Sections = 0, 0, nil, nil
	case delivery.DiscountItem:
		p.Percent, p.Amount, p.Cap = 0, 0, 0
		if len(p.Items) == 0 {
			bad("items", i18n.Key("Say which dish is free."))
		}
	default:
		bad("kind", i18n.Key("Choose percent, amount, delivery or item."))
	}
	if p.Cap < 0 || p.Cap > MaxAmount {
		bad("cap", i18n.Key("Give an amount up to %s."), money.Format(MaxAmount, p.Currency))
	}
	if p.Minimum < 0 || p.Minimum > 10*MaxAmount {
		bad("minimum", i18n.Key("Give an amount up to %s."), money.Format(10*MaxAmount, p.Currency))
	}
	if p.Kind == delivery.DiscountAmount && p.Minimum < p.Amount {
		p.Minimum = p.Amount // nobody is paid for ordering
	}
	switch {
	case p.Bearer != delivery.PartyRestaurant && p.Bearer != delivery.PartyPlatform:
		bad("bearer", i18n.Key("A promotion is borne by the restaurant or by the town."))
	case p.Restaurant == 0 && p.Bearer != delivery.PartyPlatform:
		bad("bearer", i18n.Key("What holds in the whole town is borne by the town."))
	}
	if p.First != "" && p.First != FirstEver && p.First != FirstHere {
		bad("first", i18n.Key("Choose whose orders it is for."))
	}
	if p.Most < 0 || p.Most > MaxUses {
		bad("most", i18n.Key("Give a number up to %d."), MaxUses)
	}
	if p.Each < 0 || p.Each > MaxUses {
		bad("each", i18n.Key("Give a number up to %d."), MaxUses)
	}
	if p.Most > 0 && p.Most < p.Used {
		bad("most", i18n.Key("%d orders have it already."), p.Used)
	}
	if len(p.Items) > maxThings || len(p.Sections) > maxThings {
		bad("items", i18n.Key("Choose at most %d dishes and sections."), maxThings)
	}
	if p.Restaurant == 0 && len(p.Items)+len(p.Sections) > 0 {
		bad("items", i18n.Key("What holds in the whole town is not for some dishes."))
	}
	p.From, p.Until = p.From.UTC().Truncate(time.Second), p.Until.UTC().Truncate(time.Second)
	if !p.Until.IsZero() && (!p.Until.After(p.From) || p.rev == 0 && !p.Until.After(now)) {
		bad("until", i18n.Key("It ends before it begins."))
	}
	p.Hours = text.Clean(p.Hours, 200)
	if err := p.compile(); err != nil {
		bad("hours", i18n.Key("These times can't be read. Write them like Mo-Fr 14:00-17:00."))
	}
	return errs.InvalidFields(wrong)
}

// compile parses what is stored as text.
func (p *Promotion) compile() error {
	p.schedule = nil
	if p.Hours == "" {
		return nil
	}
	s, err := hours.Parse(p.Hours)
	if err == nil {
		p.schedule = &s
	}
	return err
}

// counted reports whether a quote has to look up how often it was used.
func (p *Promotion) counted() bool { return p.Most > 0 || p.Each > 0 || p.First != "" }

// base returns the value of the food that a promotion is for, and the price of the cheapest of it.
func (p *Promotion) base(b *delivery.Bill) (sum, cheapest money.Amount) {
	for i := range b.Lines {
		l := &b.Lines[i]
		if l.Qty < 1 || !p.covers(b.Menu, l.Item) {
			continue
		}
		sum += l.Total
		if cheapest == 0 || l.Unit < cheapest {
			cheapest = l.Unit
		}
	}
	return sum, cheapest
}

// covers reports whether a dish counts for a promotion.
func (p *Promotion) covers(m *delivery.Menu, item id.ID) bool {
	if len(p.Items)+len(p.Sections) == 0 || slices.Contains(p.Items, item) {
		return true
	}
	it := m.Items[item]
	return it != nil && it.Section != nil && slices.Contains(p.Sections, it.Section.ID)
}

// off returns what a promotion takes off a bill, whoever asks and whenever: 0 where it takes nothing off.
func (p *Promotion) off(b *delivery.Bill) money.Amount {
	food, cheapest := p.base(b)
	var off money.Amount
	switch p.Kind {
	case delivery.DiscountPercent:
		off = min(money.MulDiv(food, int64(p.Percent), 100), food)
	case delivery.DiscountAmount:
		off = min(p.Amount, food)
	case delivery.DiscountItem:
		off = cheapest
	case delivery.DiscountFee:
		if b.Mode == delivery.ByCourier {
			off = b.Fee
		}
	}
	if p.Cap > 0 {
		off = min(off, p.Cap)
	}
	return max(0, off)
}

// taken is what a promotion takes off.
type taken struct {
	p   *Promotion
	off money.Amount
}

// choose returns what of a code and of what applies by itself is taken off, the code first: the most for the customer; where that is the
// same, the code, and then what was made first. It does not depend on the order of auto. What is taken off the food is never more than the
// food.
func choose(b *delivery.Bill, code *Promotion, auto []*Promotion) []taken {
	var best []taken
	var most money.Amount
	try := func(list ...taken) {
		var sum money.Amount
		food := b.Subtotal
		out := make([]taken, 0, len(list))
		for _, t := range list {
			if t.p.Kind != delivery.DiscountFee {
				t.off = min(t.off, food)
				food -= t.off
			}
			if t.off > 0 {
				sum += t.off
				out = append(out, t)
			}
		}
		if feeTwice(out) { // the fee can be given up once
			return
		}
		if sum > most {
			best, most = out, sum
		}
	}
	auto = slices.Clone(auto)
	slices.SortFunc(auto, func(x, y *Promotion) int { return int(min(max(x.ID-y.ID, -1), 1)) })
	if code != nil {
		try(taken{code, code.off(b)})
		for _, a := range auto {
			if code.Stacks && a.Stacks {
				try(taken{code, code.off(b)}, taken{a, a.off(b)})
			}
		}
	}
	for _, a := range auto {
		try(taken{a, a.off(b)})
	}
	return best
}

func feeTwice(list []taken) bool {
	return len(list) == 2 && list[0].p.Kind == delivery.DiscountFee && list[1].p.Kind == delivery.DiscountFee
}

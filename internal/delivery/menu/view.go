package menu

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// editor is what the pages of one restaurant's card need.
type editor struct {
	Shop *delivery.Shop
	Card *Card
	now  time.Time
}

// url returns the address of a page of the editor; rest may be empty.
func (v *editor) url(rest string) string {
	u := "/restaurant/" + v.Shop.Slug + "/menu"
	if rest != "" {
		u += "/" + rest
	}
	return u
}

func (v *editor) empty() bool {
	return !slices.ContainsFunc(v.Card.Menus, func(m *Menu) bool { return len(m.Sections) > 0 })
}

func (v *editor) price(p money.Amount) string { return formatPrice(p, v.decimals()) }

func (v *editor) out(until time.Time) bool { return until.After(v.now) }

// ranOut reports whether a counted thing has none left.
func (v *editor) ranOut(thing id.ID) bool {
	n, counted := v.Card.Stock[thing]
	return counted && n == 0
}

// uses returns how many items have an option group.
func (v *editor) uses(group id.ID) int {
	n := 0
	for _, it := range v.Card.items() {
		if slices.Contains(it.Groups, group) {
			n++
		}
	}
	return n
}

func (v *editor) menuOptions() []ui.Option {
	var out []ui.Option
	for _, m := range v.Card.Menus {
		out = append(out, ui.Option{Value: m.ID.String(), Label: m.Name})
	}
	return out
}

func (v *editor) sectionOptions() []ui.Option {
	var out []ui.Option
	for _, m := range v.Card.Menus {
		for _, s := range m.Sections {
			label := s.Name
			if len(v.Card.Menus) > 1 {
				label = m.Name + " · " + s.Name
			}
			out = append(out, ui.Option{Value: s.ID.String(), Label: label})
		}
	}
	return out
}

func wordOptions(words []string) []ui.Option {
	var out []ui.Option
	for _, w := range words {
		out = append(out, ui.Option{Value: w, Label: spoken(w)})
	}
	return out
}

// spoken returns a code as people read it: "gluten free".
func spoken(code string) string { return upper(strings.ReplaceAll(code, "_", " ")) }

func hoursWords(h string) string {
	if h == "" {
		return "whenever you are open"
	}
	return h
}

// soldWords says until when something is sold out.
func soldWords(ctx context.Context, until time.Time, loc *time.Location) string {
	switch {
	case until.IsZero():
		return "none left"
	case !until.Before(delivery.Forever):
		return "sold out"
	}
	return "sold out until " + ui.Day(ctx, until, loc) + " " + ui.ClockTime(ctx, until, loc)
}

// choiceWords says how many of a group are chosen.
func choiceWords(g *Group) string {
	switch {
	case g.Min == g.Max:
		return "choose " + strconv.Itoa(g.Min)
	case g.Min == 0:
		return fmt.Sprintf("up to %d", g.Max)
	}
	return fmt.Sprintf("%d to %d", g.Min, g.Max)
}

// nth returns the i-th of list, "" where it is shorter.
func nth(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func lineNumber(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

// words says what an import did or would do.
func (rep *Report) words() string {
	return fmt.Sprintf("%d dishes in %d sections: %d new, %d changed, %d as they were, %d deleted.", rep.Items, rep.Sections, rep.Added, rep.Changed, rep.Unchanged, rep.Removed)
}

// switchRow is a dish or option in the kitchen's sold-out list.
type switchRow struct {
	ID    id.ID
	Name  string
	Where string // section or option group
	Out   bool
	Until time.Time // zero where the count ran out
	Left  int64     // -1: not counted
}

// switches returns the rows whose name has q in it: what is out first, then in the card's order.
func (v *editor) switches(q string) []switchRow {
	var out, in []switchRow
	q = text.Fold(q)
	add := func(thing id.ID, name, where string, until time.Time) {
		if !strings.Contains(text.Fold(name), q) {
			return
		}
		row := switchRow{ID: thing, Name: name, Where: where, Left: -1}
		if n, ok := v.Card.Stock[thing]; ok {
			row.Left = n
		}
		if v.out(until) {
			row.Until = until
		}
		if row.Out = !row.Until.IsZero() || row.Left == 0; row.Out {
			out = append(out, row)
		} else {
			in = append(in, row)
		}
	}
	for _, m := range v.Card.Menus {
		for _, s := range m.Sections {
			for _, it := range s.Items {
				if !it.Hidden {
					add(it.ID, it.Name, s.Name, it.OutUntil)
				}
			}
		}
	}
	for _, g := range v.Card.Groups {
		for _, o := range g.Options {
			add(o.ID, o.Name, g.Name, o.OutUntil)
		}
	}
	return append(out, in...)
}

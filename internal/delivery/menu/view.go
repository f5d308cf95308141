package menu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
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

func wordOptions(ctx context.Context, words []string) []ui.Option {
	var out []ui.Option
	for _, w := range words {
		out = append(out, ui.Option{Value: w, Label: spoken(ctx, w)})
	}
	return out
}

// codeNames are the codes of Taxes, Allergens and Diets as people read them.
var codeNames = map[string]string{
	"food": i18n.Key("Food"), "drink": i18n.Key("Drinks"), "alcohol": i18n.Key("Alcohol"),

	"gluten": i18n.Key("Gluten"), "crustaceans": i18n.Key("Crustaceans"), "eggs": i18n.Key("Eggs"), "fish": i18n.Key("Fish"),
	"peanuts": i18n.Key("Peanuts"), "soy": i18n.Key("Soy"), "milk": i18n.Key("Milk"), "nuts": i18n.Key("Nuts"), "celery": i18n.Key("Celery"),
	"mustard": i18n.Key("Mustard"), "sesame": i18n.Key("Sesame"), "sulphites": i18n.Key("Sulphites"), "lupin": i18n.Key("Lupin"),
	"molluscs": i18n.Key("Molluscs"),

	"diabetic": i18n.Key("Diabetic"), "gluten_free": i18n.Key("Gluten-free"), "halal": i18n.Key("Halal"), "hindu": i18n.Key("Hindu"),
	"kosher": i18n.Key("Kosher"), "low_calorie": i18n.Key("Low in calories"), "low_fat": i18n.Key("Low fat"), "low_lactose": i18n.Key("Low lactose"),
	"low_salt": i18n.Key("Low salt"), "vegan": i18n.Key("Vegan"), "vegetarian": i18n.Key("Vegetarian"),
}

// spoken returns a code as people read it: "Gluten-free".
func spoken(ctx context.Context, code string) string { return i18n.T(ctx, or(codeNames[code], code)) }

func hoursWords(ctx context.Context, h string) string {
	if h == "" {
		return i18n.T(ctx, "whenever you are open")
	}
	return h
}

// soldWords says until when something is sold out.
func soldWords(ctx context.Context, until time.Time, loc *time.Location) string {
	switch {
	case until.IsZero():
		return i18n.T(ctx, "none left")
	case !until.Before(delivery.Forever):
		return i18n.T(ctx, "sold out")
	}
	return i18n.T(ctx, "sold out until %s %s", ui.Day(ctx, until, loc), ui.ClockTime(ctx, until, loc))
}

// choiceWords says how many of a group are chosen.
func choiceWords(ctx context.Context, g *Group) string {
	switch g.Min {
	case g.Max:
		return i18n.T(ctx, "choose %d", g.Min)
	case 0:
		return i18n.T(ctx, "up to %d", g.Max)
	}
	return i18n.T(ctx, "%d to %d", g.Min, g.Max)
}

// usedWords says how many of a group are chosen, and how many dishes have it.
func usedWords(ctx context.Context, g *Group, dishes int) string {
	return i18n.N(ctx, dishes, "%s, used by one dish", "%s, used by %d dishes", choiceWords(ctx, g), dishes)
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
func (rep *Report) words(ctx context.Context) string {
	dishes := i18n.N(ctx, rep.Items, "%d dish", "%d dishes")
	sections := i18n.N(ctx, rep.Sections, "in one section", "in %d sections")
	return i18n.T(ctx, "%s %s: %d new, %d changed, %d as before, %d deleted.", dishes, sections, rep.Added, rep.Changed, rep.Unchanged, rep.Removed)
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

// itemForm is an item as its form shows and sends it.
type itemForm struct {
	Section     id.ID    `form:"section"`
	Name        string   `form:"name"`
	Description string   `form:"description"`
	Price       string   `form:"price"`
	Tax         string   `form:"tax"`
	Stock       string   `form:"stock"`
	Hidden      bool     `form:"hidden"`
	Allergens   []string `form:"allergens"`
	Diets       []string `form:"diets"`
	Groups      []string `form:"groups"`
	DropPhoto   bool     `form:"drop_photo"`
	Photo       string
}

// groupForm is an option group as its form shows and sends it; the lists of an option's fields run side by side.
type groupForm struct {
	Name         string   `form:"name"`
	Min          int      `form:"min"`
	Max          int      `form:"max"`
	Rule         string   `form:"rule"`
	OptionIDs    []string `form:"option_id"`
	OptionNames  []string `form:"option_name"`
	OptionPrices []string `form:"option_price"`
	OptionStocks []string `form:"option_stock"`
	id           string
	known        bool
}

// blank adds empty lines for further options.
func (f *groupForm) blank() {
	for range 4 {
		f.OptionIDs, f.OptionNames = append(f.OptionIDs, ""), append(f.OptionNames, "")
		f.OptionPrices, f.OptionStocks = append(f.OptionPrices, ""), append(f.OptionStocks, "")
	}
}

// input reads the form's options; those without a name are left out.
func (f *groupForm) input(v *editor) (GroupInput, error) {
	in := GroupInput{Name: f.Name, Min: f.Min, Max: f.Max, Rule: f.Rule}
	var c checker
	for i, name := range f.OptionNames {
		if strings.TrimSpace(name) == "" {
			continue
		}
		o := OptionInput{Name: name}
		path := fmt.Sprintf("options[%d]", i)
		if k := nth(f.OptionIDs, i); k != "" {
			var err error
			if o.ID, err = id.Parse(k); err != nil {
				c.add(path+".id", "This group has no such option.")
			}
		}
		if p := nth(f.OptionPrices, i); p != "" {
			var wrong i18n.Phrase
			if o.Price, wrong = parsePrice(p, v.decimals()); wrong.Format != "" {
				c.add(path+".price", wrong.Format, wrong.Args...)
			}
		}
		var err error
		if o.Stock, err = portions(path+".stock", nth(f.OptionStocks, i)); err != nil {
			c.add(path+".stock", "Write a whole number.")
		}
		switch {
		case o.Stock == nil:
			none := int64(-1)
			o.Stock = &none
		case o.ID != 0 && number(v.Card.left(o.ID)) == nth(f.OptionStocks, i):
			o.Stock = nil // as it was shown: orders may have moved it since
		}
		in.Options = append(in.Options, o)
	}
	return in, c.err()
}

// decimals is how many digits prices have behind the point.
func (v *editor) decimals() int { return money.Decimals(v.Shop.Currency) }

// kitchenURL returns the address of the sold-out list, or of one thing's switch on it.
func kitchenURL(shop *delivery.Shop, thing, q string) string {
	u := "/kitchen/" + shop.Slug + "/menu"
	if thing != "" {
		u += "/" + thing
	}
	if q != "" {
		u += "?q=" + url.QueryEscape(q)
	}
	return u
}

// portions reads a count that may be empty.
func portions(field, s string) (*int64, error) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, nil //nolint:nilnil // nothing was said
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, errs.InvalidField(field, "Write a whole number.")
	}
	return &n, nil
}

// multipart reads a form with a file in it and returns the file, empty where none was chosen.
func (vi *visit) multipart(field string) ([]byte, error) {
	vi.r.Body = http.MaxBytesReader(vi.w, vi.r.Body, maxForm)
	err := vi.r.ParseMultipartForm(1 << 20)
	if errors.Is(err, http.ErrNotMultipart) {
		return nil, nil // sent without a file; ParseMultipartForm has read the fields
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errs.New(errs.TooLarge, "This file is too large.").WithCause(err)
	}
	if err != nil {
		return nil, errs.InvalidField("body", "This form could not be read.").WithCause(err)
	}
	defer func() { _ = vi.r.MultipartForm.RemoveAll() }() // what is left of it the system sweeps
	f, _, err := vi.r.FormFile(field)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.InvalidField(field, "This file could not be read.").WithCause(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("menu: read an uploaded file: %w", err)
	}
	return b, nil
}

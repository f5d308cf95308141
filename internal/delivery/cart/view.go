package cart

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// basket is a cart as pages show it: priced, with what stands in the way beside what it is about.
type basket struct {
	Shop    *delivery.Shop
	Cart    Cart
	Quote   *delivery.Quote
	Lines   []basketLine
	Hurdles []hurdle // about the order as a whole
}

// basketLine is a line of a basket.
type basketLine struct {
	N       int
	Qty     int
	Name    string
	Total   int64
	Priced  bool
	Options string
	Note    string
	Choices bool // it has options that can be chosen anew
	Href    string
	Wrong   []string
	Left    int // what is left, where that is less than wanted and not nothing
}

// hurdle is a problem of a whole order and what can be done about it.
type hurdle struct {
	Code    string
	Message string
	Path    string
}

// canOrder reports whether nothing stands in the way.
func (b *basket) canOrder() bool { return b != nil && b.Quote != nil && len(b.Quote.Problems) == 0 }

// portions is how many dishes are in the basket, none in a nil one.
func (b *basket) portions() int {
	if b == nil {
		return 0
	}
	return b.Cart.Portions()
}

// basket prices a cart for a visitor at p. It returns nil for an empty cart, and for one of a restaurant that is gone.
func (s *Service) basket(ctx context.Context, c Cart, p *place) (*basket, error) {
	if c.Empty() {
		return nil, nil //nolint:nilnil // an empty basket is none
	}
	shop, err := s.shops.Shop(ctx, c.Restaurant)
	if errs.Is(err, errs.NotFound) {
		return nil, nil //nolint:nilnil // its restaurant is gone, and so is what was in it
	}
	if err != nil {
		return nil, err
	}
	menu, err := s.menus.Menu(ctx, c.Restaurant)
	if err != nil {
		return nil, err
	}
	c.To = address(p, c.To)
	q, err := s.Quote(ctx, c.Request())
	if err != nil {
		return nil, err
	}
	b := &basket{Shop: shop, Cart: c, Quote: q}
	b.fill(ctx, menu)
	return b, nil
}

// fill sorts prices and problems to the lines they belong to.
func (b *basket) fill(ctx context.Context, menu *delivery.Menu) {
	wrong := make([][]delivery.Problem, len(b.Cart.Lines))
	for _, p := range b.Quote.Problems {
		if i, ok := lineOf(p.Path); ok && i < len(wrong) {
			wrong[i] = append(wrong[i], p)
			continue
		}
		b.Hurdles = append(b.Hurdles, hurdle{Code: p.Code, Message: p.In(ctx), Path: p.Path})
	}
	next := 0
	for i := range b.Cart.Lines {
		l := &b.Cart.Lines[i]
		v := basketLine{N: l.N, Qty: l.Qty, Note: l.Note, Name: i18n.T(ctx, "A dish that is gone")}
		unpriced := false
		for _, p := range wrong[i] {
			unpriced = unpriced || p.Code == "unknown_item" || p.Code == "bad_quantity"
			if said := p.In(ctx); !slices.Contains(v.Wrong, said) {
				v.Wrong = append(v.Wrong, said)
			}
		}
		if it := menu.Items[l.Item]; it != nil {
			v.Name, v.Choices = it.Name, len(it.Groups) > 0
			v.Href = "/r/" + b.Shop.Slug + "/i/" + it.ID.String() + "?line=" + strconv.Itoa(l.N)
			if len(wrong[i]) > 0 && it.Stock > 0 && int64(l.Qty) > it.Stock {
				v.Left = int(it.Stock)
			}
		}
		if !unpriced && next < len(b.Quote.Lines) {
			q := &b.Quote.Lines[next]
			next++
			v.Total, v.Priced, v.Options = q.Total, true, optionsText(q.Options)
		}
		b.Lines = append(b.Lines, v)
	}
}

// lineOf returns which line a problem's path is about.
func lineOf(path string) (int, bool) {
	rest, ok := strings.CutPrefix(path, "lines[")
	if !ok {
		return 0, false
	}
	n, _, ok := strings.Cut(rest, "]")
	i, err := strconv.Atoi(n)
	return i, ok && err == nil
}

// optionsText returns chosen options as people read them: "Truffle, Olives × 2".
func optionsText(list []delivery.QuoteOption) string {
	var b strings.Builder
	for i, o := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(o.Name)
		if o.Qty > 1 {
			fmt.Fprintf(&b, " × %d", o.Qty)
		}
	}
	return b.String()
}

// hasHurdle reports whether the order as a whole has a problem with one of these codes.
func (b *basket) hasHurdle(codes ...string) bool {
	return slices.ContainsFunc(b.Hurdles, func(h hurdle) bool { return slices.Contains(codes, h.Code) })
}

// short is how much food is missing to the minimum.
func (b *basket) short() int64 { return max(b.Quote.Minimum-b.Quote.Subtotal, 0) }

// share is how much of the minimum is reached, 0 to 1.
func (b *basket) share() float64 {
	if b.Quote.Minimum <= 0 {
		return 1
	}
	return min(float64(b.Quote.Subtotal)/float64(b.Quote.Minimum), 1)
}

// mode words.

func other(m delivery.Mode) delivery.Mode {
	if m == delivery.Pickup {
		return delivery.ByCourier
	}
	return delivery.Pickup
}

func offersMode(shop *delivery.Shop, m delivery.Mode) bool {
	if m == delivery.Pickup {
		return shop.PicksUp
	}
	return shop.Delivers
}

// dish is an item as a menu shows it at one moment.
type dish struct {
	*delivery.Item
	Href  string
	Off   bool   // can't be had now
	State string // "Sold out", "Only 2 left", "until 11:00"
	Warn  bool
	Quick bool // nothing to choose: one tap puts it into the cart
}

// section is a part of a menu as shown.
type section struct {
	ID    string
	Name  string
	Note  string
	When  string // "from 17:00", "until 11:00"
	Off   bool   // not served now
	Items []dish
}

// fewLeft is from how many portions on people are told how many are left.
const fewLeft = 5

// sections returns the menu at a time, without what the filter leaves out.
func sections(ctx context.Context, shop *delivery.Shop, menu *delivery.Menu, f *filter, now time.Time) []section {
	var out []section
	for _, sec := range menu.Sections {
		v := section{ID: "s-" + sec.ID.String(), Name: sec.Name, Note: sec.Note}
		v.When, v.Off = served(ctx, sec.Hours, shop.Loc, now)
		for _, it := range sec.Items {
			if it.Hidden || !f.match(sec, it) {
				continue
			}
			d := dish{Item: it, Href: "/r/" + shop.Slug + "/i/" + it.ID.String(), Quick: !needsChoice(it)}
			d.State, d.Off, d.Warn = availability(ctx, it, shop.Loc, now)
			d.Off = d.Off || v.Off
			v.Items = append(v.Items, d)
		}
		if len(v.Items) > 0 {
			out = append(out, v)
		}
	}
	return out
}

// needsChoice reports whether a dish has something that must be chosen.
func needsChoice(it *delivery.Item) bool {
	return slices.ContainsFunc(it.Groups, func(g *delivery.OptionGroup) bool { return g.Min > 0 })
}

// soonOver is from when on people are told that something ends.
const soonOver = 4 * time.Hour

// served returns when a part of a menu can be had, where that is not simply now.
func served(ctx context.Context, sched *hours.Schedule, loc *time.Location, now time.Time) (when string, off bool) {
	if sched == nil {
		return "", false
	}
	opt := hours.Options{Loc: loc}
	if sched.OpenAt(now, opt) {
		if end, _, ok := sched.NextChange(now, opt); ok && end.Sub(now) < soonOver {
			return i18n.T(ctx, "until %s", clockIn(end, loc)), false
		}
		return "", false
	}
	if at, ok := sched.NextOpen(now, opt); ok {
		return i18n.T(ctx, "from %s", dayClock(ctx, at, now, loc)), true
	}
	return i18n.T(ctx, "not at present"), true
}

func clockIn(t time.Time, loc *time.Location) string { return t.In(loc).Format("15:04") }

// dayClock is clockIn with the day, where that is another one.
func dayClock(ctx context.Context, t, now time.Time, loc *time.Location) string {
	a, b := t.In(loc), now.In(loc)
	switch days := int(a.Truncate(24*time.Hour).Sub(b.Truncate(24*time.Hour)) / (24 * time.Hour)); {
	case a.YearDay() == b.YearDay() && a.Year() == b.Year():
		return clockIn(t, loc)
	case days <= 1:
		return i18n.T(ctx, "tomorrow %s", clockIn(t, loc))
	case days < 7:
		return i18n.Weekday(a.Weekday()).In(ctx) + " " + clockIn(t, loc)
	}
	return i18n.T(ctx, "%d %s %s", a.Day(), i18n.Month(a.Month()), clockIn(t, loc))
}

// availability returns what to say of a dish beside its price.
func availability(ctx context.Context, it *delivery.Item, loc *time.Location, now time.Time) (state string, off, warn bool) {
	switch {
	case it.OutUntil.After(now.AddDate(0, 1, 0)), it.OutUntil.After(now) && it.OutUntil.Sub(now) < time.Minute:
		return i18n.T(ctx, "Sold out"), true, false
	case it.OutUntil.After(now):
		a, b := it.OutUntil.In(loc), now.In(loc)
		if a.YearDay() == b.YearDay() {
			return i18n.T(ctx, "Sold out until %s", clockIn(it.OutUntil, loc)), true, false
		}
		return i18n.T(ctx, "Sold out today"), true, false
	case it.Stock == 0:
		return i18n.T(ctx, "Sold out"), true, false
	case it.Stock > 0 && it.Stock <= fewLeft:
		return i18n.T(ctx, "Only %d left", it.Stock), false, true
	case !possible(it, now):
		return i18n.T(ctx, "Sold out"), true, false
	}
	return "", false, false
}

// possible reports whether every choice that must be made can be made.
func possible(it *delivery.Item, now time.Time) bool {
	for _, g := range it.Groups {
		if g.Min > 0 && !slices.ContainsFunc(g.Options, func(o *delivery.Option) bool { return optionFree(o, now) }) {
			return false
		}
	}
	return true
}

func optionFree(o *delivery.Option, now time.Time) bool {
	return !o.OutUntil.After(now) && o.Stock != 0
}

// sheet is a dish with the choices made so far, priced: what the dish's dialog shows.
type sheet struct {
	Shop   *delivery.Shop
	Item   *delivery.Item
	Mode   delivery.Mode
	N      int // the line that is changed; 0: a new one
	Qty    int
	Note   string
	Chosen map[id.ID]int
	Groups []sheetGroup
	Unit   int64
	State  string
	Off    bool
	Err    error

	out []id.ID // options that are sold out
}

// sheetGroup is an option group of a sheet.
type sheetGroup struct {
	*delivery.OptionGroup
	Name  string
	Kind  string // "radio", "checkbox" or "stepper"
	Hint  string
	Field string // of its inputs
	Count int
	Wrong string
}

// Total is the price of the line as chosen.
func (s *sheet) Total() int64 { return s.Unit * int64(s.Qty) }

// full reports whether no further option can be taken.
func (g *sheetGroup) full() bool { return g.Count >= g.Max }

// kindOf returns by which input a group is chosen.
func kindOf(g *delivery.OptionGroup) string {
	switch {
	case g.Min == 1 && g.Max == 1:
		return "radio"
	case g.Max > len(g.Options):
		return "stepper"
	}
	return "checkbox"
}

// hintOf says how many may be chosen.
func hintOf(ctx context.Context, g *delivery.OptionGroup) string {
	switch {
	case g.Min == g.Max:
		return i18n.T(ctx, "Choose %d", g.Min)
	case g.Min > 0:
		return i18n.T(ctx, "Choose %d to %d", g.Min, g.Max)
	case g.Max == 1:
		return i18n.T(ctx, "If you like")
	}
	return i18n.T(ctx, "Up to %d, if you like", g.Max)
}

// newSheet prices a dish with its choices.
func newSheet(ctx context.Context, shop *delivery.Shop, it *delivery.Item, l delivery.LineRequest, now time.Time) *sheet {
	s := &sheet{Shop: shop, Item: it, Qty: min(max(l.Qty, 1), MaxQty), Note: l.Note, Chosen: map[id.ID]int{}, Unit: it.Price}
	for _, c := range l.Options {
		s.Chosen[c.Option] = max(c.Qty, 1)
	}
	s.State, s.Off, _ = availability(ctx, it, shop.Loc, now)
	if it.Section != nil {
		if when, off := served(ctx, it.Section.Hours, shop.Loc, now); off {
			s.State, s.Off = i18n.T(ctx, "Served %s", when), true
		}
	}
	for _, g := range it.Groups {
		v := sheetGroup{OptionGroup: g, Name: g.Name, Kind: kindOf(g), Hint: hintOf(ctx, g), Field: "g" + g.ID.String()}
		var picked []delivery.QuoteOption
		for _, o := range g.Options {
			if !optionFree(o, now) {
				s.out = append(s.out, o.ID)
			}
			if n := s.Chosen[o.ID]; n > 0 {
				v.Count += n
				picked = append(picked, delivery.QuoteOption{Price: o.Price, Qty: n})
			}
		}
		s.Unit += groupPrice(g.Rule, picked)
		s.Groups = append(s.Groups, v)
	}
	return s
}

// complain puts what is missing beside the groups it is missing in, and returns whether anything is.
func (s *sheet) complain(ctx context.Context) bool {
	bad := false
	for i := range s.Groups {
		g := &s.Groups[i]
		switch {
		case g.Count < g.Min:
			g.Wrong = i18n.T(ctx, "Choose %d more.", g.Min-g.Count)
			if g.Count == 0 {
				g.Wrong = i18n.T(ctx, "Please choose.")
			}
		case g.Count > g.Max:
			g.Wrong = i18n.T(ctx, "Choose at most %d.", g.Max)
		}
		bad = bad || g.Wrong != ""
	}
	return bad
}

// filter is what a visitor looks for on a menu.
type filter struct {
	Mode    string   `form:"mode"`
	Q       string   `form:"q"`
	Diet    []string `form:"diet"`
	Without []string `form:"without"`

	words []string
}

// ready prepares the filter for match.
func (f *filter) ready() {
	f.Q = text.Clean(f.Q, 80)
	f.words = strings.Fields(text.Fold(f.Q))
	f.Diet, f.Without = known(f.Diet, dietNames), known(f.Without, allergenNames)
}

// known keeps the words that stand in a table, each once.
func known(list []string, table []named) []string {
	var out []string
	for _, n := range table {
		if slices.Contains(list, n.Code) {
			out = append(out, n.Code)
		}
	}
	return out
}

// active reports whether anything is left out.
func (f *filter) active() bool { return len(f.words)+len(f.Diet)+len(f.Without) > 0 }

// match reports whether a dish is looked for.
func (f *filter) match(sec *delivery.Section, it *delivery.Item) bool {
	for _, d := range f.Diet {
		// What is vegan is vegetarian too, whether or not the card says so.
		if !slices.Contains(it.Diets, d) && (d != "vegetarian" || !slices.Contains(it.Diets, "vegan")) {
			return false
		}
	}
	for _, a := range f.Without {
		if slices.Contains(it.Allergens, a) {
			return false
		}
	}
	if len(f.words) == 0 {
		return true
	}
	folded := text.Fold(it.Name + " " + it.Description + " " + sec.Name)
	return !slices.ContainsFunc(f.words, func(w string) bool { return !strings.Contains(folded, w) })
}

// query returns the filter as it stands in an address, with "?" where it is not empty.
func (f *filter) query() string {
	v := url.Values{}
	if f.Mode != "" {
		v.Set("mode", f.Mode)
	}
	if f.Q != "" {
		v.Set("q", f.Q)
	}
	if len(f.Diet) > 0 {
		v["diet"] = f.Diet
	}
	if len(f.Without) > 0 {
		v["without"] = f.Without
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// named is a code with what people call it.
type named struct{ Code, Name string }

// dietNames and allergenNames are the codes of menus, in the order in which they are shown.
var (
	dietNames = []named{
		{"vegetarian", i18n.Key("Vegetarian")},
		{"vegan", i18n.Key("Vegan")},
		{"halal", i18n.Key("Halal")},
		{"kosher", i18n.Key("Kosher")},
		{"gluten_free", i18n.Key("Gluten-free")},
		{"low_lactose", i18n.Key("Low lactose")},
		{"low_calorie", i18n.Key("Light")},
		{"low_fat", i18n.Key("Low fat")},
		{"low_salt", i18n.Key("Low salt")},
		{"diabetic", i18n.Key("Diabetic")},
		{"hindu", i18n.Key("Hindu")},
	}
	allergenNames = []named{
		{"gluten", i18n.Key("Gluten")},
		{"crustaceans", i18n.Key("Crustaceans")},
		{"eggs", i18n.Key("Eggs")},
		{"fish", i18n.Key("Fish")},
		{"peanuts", i18n.Key("Peanuts")},
		{"soy", i18n.Key("Soy")},
		{"milk", i18n.Key("Milk")},
		{"nuts", i18n.Key("Nuts")},
		{"celery", i18n.Key("Celery")},
		{"mustard", i18n.Key("Mustard")},
		{"sesame", i18n.Key("Sesame")},
		{"sulphites", i18n.Key("Sulphites")},
		{"lupin", i18n.Key("Lupin")},
		{"molluscs", i18n.Key("Molluscs")},
	}
)

// nameOf returns what people call a code, or the code where the table has none.
func nameOf(ctx context.Context, code string, table []named) string {
	for _, n := range table {
		if n.Code == code {
			return i18n.T(ctx, n.Name)
		}
	}
	return code
}

// namesOf returns what people call codes: "Gluten, milk".
func namesOf(ctx context.Context, codes []string, table []named) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = nameOf(ctx, c, table)
		if i > 0 {
			out[i] = amid(ctx, out[i])
		}
	}
	return strings.Join(out, ", ")
}

// amid returns a name as it stands within a sentence: in small letters, but for languages that write their nouns with a capital.
func amid(ctx context.Context, name string) string {
	if i18n.Lang(ctx) == "de" {
		return name
	}
	return strings.ToLower(name)
}

// onMenu returns the codes of a table that occur on a menu.
func onMenu(menu *delivery.Menu, table []named, of func(*delivery.Item) []string) []named {
	var out []named
	for _, n := range table {
		for _, it := range menu.Items {
			if !it.Hidden && slices.Contains(of(it), n.Code) {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

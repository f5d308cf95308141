package cart

import (
	"net/url"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

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
		{"vegetarian", "Vegetarian"}, {"vegan", "Vegan"}, {"halal", "Halal"}, {"kosher", "Kosher"}, {"gluten_free", "Gluten-free"},
		{"low_lactose", "Low lactose"}, {"low_calorie", "Light"}, {"low_fat", "Low fat"}, {"low_salt", "Low salt"}, {"diabetic", "Diabetic"}, {"hindu", "Hindu"},
	}
	allergenNames = []named{
		{"gluten", "Gluten"}, {"crustaceans", "Crustaceans"}, {"eggs", "Eggs"}, {"fish", "Fish"}, {"peanuts", "Peanuts"}, {"soy", "Soy"}, {"milk", "Milk"},
		{"nuts", "Nuts"}, {"celery", "Celery"}, {"mustard", "Mustard"}, {"sesame", "Sesame"}, {"sulphites", "Sulphites"}, {"lupin", "Lupin"}, {"molluscs", "Molluscs"},
	}
)

// nameOf returns what people call a code, or the code where the table has none.
func nameOf(code string, table []named) string {
	for _, n := range table {
		if n.Code == code {
			return n.Name
		}
	}
	return code
}

// namesOf returns what people call codes: "Gluten, milk".
func namesOf(codes []string, table []named) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = nameOf(c, table)
		if i > 0 {
			out[i] = strings.ToLower(out[i])
		}
	}
	return strings.Join(out, ", ")
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

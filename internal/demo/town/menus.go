package town

import (
	"cmp"
	"embed"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

//go:embed data/*.txt
var data embed.FS

// cookbook is what the data files hold.
type cookbook struct {
	menus  map[string][]Section // by cuisine; every choice of a dish written out
	drinks map[string][]Item
	groups map[string]OptionGroup
}

// fact is what the kitchen knows of one ingredient: its colour, its allergens and how far it is from vegan.
type fact struct {
	word      string
	colour    string
	allergens string // letters of allergenNames
	nature    byte   // 'p' plant, 'm' milk, egg or honey, 'f' flesh, 'x' pork or alcohol
	extra     int64  // what it costs more than the plain version of a dish
}

var allergenNames = map[rune]string{
	'G': "gluten", 'C': "crustaceans", 'E': "eggs", 'F': "fish", 'P': "peanuts", 'S': "soy", 'M': "milk",
	'N': "nuts", 'Y': "celery", 'U': "mustard", 'Z': "sesame", 'O': "sulphites", 'L': "lupin", 'K': "molluscs",
}

var allergenOrder = []string{"gluten", "crustaceans", "eggs", "fish", "peanuts", "soy", "milk", "nuts", "celery", "mustard", "sesame", "sulphites", "lupin", "molluscs"}

// hidden are phrases that contain a word they do not mean.
var hidden = strings.NewReplacer("coconut milk", "coconut", "coconut water", "coconut", "oat milk", "oats", "oat cream", "oats", "no dairy", "",
	"buckwheat", "bukweat", "butter beans", "beans", "rice cakes", "rice", "rice noodles", "rice-strands", "glass noodles", "rice-strands",
	"peanut butter", "peanut", "egg noodles", "egg wheat noodles", "vinegar", "sour",
	"brioche", "butter egg wheat", "no tomato", "", "without flour", "")

func readCookbook() *cookbook {
	c := &cookbook{menus: map[string][]Section{}, drinks: map[string][]Item{}, groups: map[string]OptionGroup{}}
	for _, f := range rows("options") {
		limits := strings.Fields(f[1])
		g := OptionGroup{Name: title(f[0]), Min: number(limits[0]), Max: number(limits[1]), Rule: limits[2]}
		for _, o := range strings.Split(f[2], ";") {
			o = strings.TrimSpace(o)
			cut := strings.LastIndexByte(o, ' ')
			g.Options = append(g.Options, Option{o[:cut], cents(o[cut+1:])})
		}
		c.groups[f[0]] = g
	}
	for _, name := range []string{"menus1", "menus2", "menus3"} {
		c.readMenus(rows(name))
	}
	var list string
	for _, f := range rows("drinks") {
		if after, ok := strings.CutPrefix(f[0], "= "); ok {
			list = after
			continue
		}
		item := c.item(append(f, ""), "glass", "")
		c.drinks[list] = append(c.drinks[list], item)
	}
	return c
}

func (c *cookbook) readMenus(lines [][]string) {
	var cuisine, kind, groups string
	for _, f := range lines {
		if after, ok := strings.CutPrefix(f[0], "= "); ok {
			cuisine = after
			continue
		}
		sections := c.menus[cuisine]
		if after, ok := strings.CutPrefix(f[0], "- "); ok {
			f = append(f, "", "", "")
			kind, groups = f[2], f[3]
			c.menus[cuisine] = append(sections, Section{Name: after, Hours: daypart(f[1])})
			continue
		}
		s := &sections[len(sections)-1]
		for _, one := range spell(f) {
			s.Items = append(s.Items, c.item(one, kind, groups))
		}
	}
}

// daypart writes a section's hours out with days, as OSM readers like it.
func daypart(hours string) string {
	if hours != "" && hours[0] >= '0' && hours[0] <= '9' {
		return "Mo-Su " + hours
	}
	return hours
}

// rows are the lines of a data file, cut at the bars.
func rows(name string) [][]string {
	text, err := data.ReadFile("data/" + name + ".txt")
	if err != nil {
		panic(err) // embedded: it is there or the program does not build
	}
	var out [][]string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		out = append(out, fields)
	}
	return out
}

func title(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("town: data: " + err.Error())
	}
	return n
}

// cents reads "9.50".
func cents(s string) int64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("town: data: " + err.Error())
	}
	return int64(math.Round(v * 100))
}

// spell writes a dish with choices ("{Chicken;Lamb} korma") out as one dish for each; dearer ingredients cost more.
func spell(f []string) [][]string {
	open := strings.IndexByte(f[0], '{')
	if open < 0 {
		return [][]string{f}
	}
	end := strings.IndexByte(f[0], '}')
	var out [][]string
	for i, choice := range strings.Split(f[0][open+1:end], ";") {
		one := slices.Clone(f)
		one[0] = title(f[0][:open] + choice + f[0][end+1:])
		one[2] = title(strings.ReplaceAll(f[2], "{}", strings.ToLower(choice)))
		price := cents(f[1])
		for _, k := range know(choice) {
			price += k.extra
		}
		if i > 0 && len(one) > 4 {
			one[4] = strings.Join(slices.DeleteFunc(strings.Fields(one[4]), func(s string) bool { return strings.HasPrefix(s, "stock=") }), " ")
		}
		one[1] = strconv.FormatFloat(float64(price)/100, 'f', 2, 64)
		out = append(out, one)
	}
	return out
}

// item reads name | price | ingredients | picture | flags; what is missing comes from the section.
func (c *cookbook) item(f []string, kind, groups string) Item {
	f = append(slices.Clone(f), "", "", "")
	if f[3] != "" {
		kind = f[3]
	}
	it := Item{Name: f[0], Price: cents(f[1]), Description: f[2], Tax: "food"}
	names := strings.Split(groups, ",")
	for flag := range strings.FieldsSeq(flagWords(f[4])) {
		flag = strings.ReplaceAll(flag, "_", " ")
		switch {
		case flag == "d":
			it.Tax, names = "drink", nil
		case flag == "a":
			it.Tax, names = "alcohol", nil
		case strings.HasPrefix(flag, "stock="):
			it.Stock = number(flag[len("stock="):])
		case flag[0] == '-':
			names = slices.DeleteFunc(names, func(n string) bool { return n == flag[1:] })
		default:
			names = append(names, flag)
		}
	}
	for _, n := range names {
		if g, ok := c.groups[strings.TrimSpace(n)]; ok && !slices.ContainsFunc(it.Options, func(o OptionGroup) bool { return o.Name == g.Name }) {
			it.Options = append(it.Options, g)
		}
	}
	if slices.ContainsFunc(it.Options, func(g OptionGroup) bool { return g.Rule == "MAX" }) {
		it.Price = 0 // the dearer half is the price
	}
	it.judge(kind)
	return it
}

// flagWords joins option group names of several words, so that flags can be told apart by spaces.
func flagWords(s string) string {
	return strings.NewReplacer("coffee size", "coffee_size", "egg style", "egg_style", "pizza size", "pizza_size", "scoop flavours", "scoop_flavours",
		"ramen extras", "ramen_extras", "bowl dressing", "bowl_dressing", "dumpling cooking", "dumpling_cooking").Replace(s)
}

// know lists what is known of the ingredients that a text names, in the order of the text.
func know(text string) []fact {
	text = hidden.Replace(strings.ToLower(text))
	type found struct {
		at int
		f  fact
	}
	var all []found
	for _, f := range facts {
		if at := indexWord(text, f.word); at >= 0 {
			all = append(all, found{at, f})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.at, b.at) })
	var out []fact
	for _, a := range all {
		out = append(out, a.f)
	}
	return out
}

// indexWord finds where a word, or a longer one that starts with it, begins in a text.
func indexWord(text, word string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if i == 0 || text[i-1] == ' ' || text[i-1] == '-' || text[i-1] == '(' {
			return i
		}
		from = i + 1
	}
}

// judge derives allergens, diets and colours from the ingredients.
func (it *Item) judge(kind string) {
	// The description lists the ingredients; the name decides only where the description is about something else.
	has := map[string]bool{}
	worst := byte('p')
	rank := "pmfx"
	palette := []string{}
	for _, f := range know(it.Description + " " + it.Name) {
		for _, a := range f.allergens {
			has[allergenNames[a]] = true
		}
		if strings.IndexByte(rank, f.nature) > strings.IndexByte(rank, worst) {
			worst = f.nature
		}
		if f.colour != "" && !slices.Contains(palette, f.colour) && len(palette) < 6 {
			palette = append(palette, f.colour)
		}
	}
	for _, g := range it.Options {
		if g.Rule == "MAX" && g.Min > 0 { // halves may be anything
			worst = 'x'
			has["milk"] = true
		}
		if g.Name == "Scoop flavours" {
			has["nuts"] = true
		}
	}
	for _, a := range allergenOrder {
		if has[a] {
			it.Allergens = append(it.Allergens, a)
		}
	}
	if worst == 'p' {
		it.Diets = append(it.Diets, "vegan")
	}
	if worst == 'p' || worst == 'm' {
		it.Diets = append(it.Diets, "vegetarian")
	}
	if it.Tax != "alcohol" && (worst == 'p' || worst == 'm') && !has["sulphites"] {
		it.Diets = append(it.Diets, "halal")
	}
	if !has["gluten"] {
		it.Diets = append(it.Diets, "gluten_free")
	}
	if !has["milk"] {
		it.Diets = append(it.Diets, "lactose_free")
	}
	it.Slug = slug(it.Name)
	it.Picture = Drawing{Seed: it.Slug, Kind: kind, Palette: palette}
}

// slug is a name in [a-z0-9-].
func slug(name string) string {
	return strings.Join(slices.DeleteFunc(words(umlauts.Replace(strings.ToLower(name))), func(w string) bool { return w == "" }), "-")
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "à", "a", "á", "a", "ó", "o", "í", "i",
	"ñ", "n", "ç", "c", "ù", "u", "ı", "i", "ş", "s", "ğ", "g", "ø", "o", "å", "a", "î", "i", "ú", "u", "ł", "l", "ć", "c", "č", "c", "š", "s", "ž", "z", "ń", "n", "ō", "o", "ã", "a", "’", "", "'", "", "&", "und")

// roundPrice makes a price look like one on a menu.
func roundPrice(v float64) int64 {
	whole := int64(v) / 100 * 100
	best := whole
	for _, end := range []int64{0, 20, 40, 50, 60, 80, 90, 100} {
		if math.Abs(float64(whole+end)-v) < math.Abs(float64(best)-v) {
			best = whole + end
		}
	}
	return max(60, best)
}

// menu composes one restaurant's menu out of its cuisine's dishes, 12 to 40 of them, at its price level.
func (c *cookbook) menu(r *rand.Rand, cuisine string, drinks []string, level int, halal bool, own string) []Section {
	factor := [4]float64{1, 0.92, 1, 1.16}[level] * (0.97 + 0.06*r.Float64())
	var out []Section
	total := 0
	for _, s := range c.menus[cuisine] {
		total += len(s.Items)
	}
	budget := 33.0
	if len(drinks) > 1 {
		budget = 31
	}
	share := min(0.96, budget/float64(total))
	used := map[string]bool{}
	add := func(s Section, keep float64) {
		items := s.Items
		s.Items = nil
		for i, it := range items {
			if r.Float64() > keep && !(i < 2) || used[it.Slug] {
				continue
			}
			used[it.Slug] = true
			if it.Price > 0 {
				it.Price = roundPrice(float64(it.Price) * factor)
			}
			if halal && it.Tax != "alcohol" && !slices.Contains(it.Diets, "halal") && lawful(it) {
				it.Diets = append(slices.Clone(it.Diets), "halal")
			}
			it.Picture.Seed = own + "/" + it.Slug
			s.Items = append(s.Items, it)
		}
		if len(s.Items) > 0 {
			out = append(out, s)
		}
	}
	for _, s := range c.menus[cuisine] {
		add(s, share)
	}
	cellar := Section{Name: "Drinks"}
	for _, d := range drinks {
		if items := c.drinks[d]; d == "soft" {
			cellar.Items = append(cellar.Items, items[0], items[1], items[2+r.IntN(2)], items[4+r.IntN(3)])
		} else {
			cellar.Items = append(cellar.Items, items...)
		}
	}
	if room := 40 - countItems(out); len(cellar.Items) > room {
		cellar.Items = cellar.Items[:max(0, room)]
	}
	add(cellar, 1)
	return out
}

// lawful reports whether a dish of a halal kitchen has neither pork nor alcohol in it.
func lawful(it Item) bool {
	return !slices.ContainsFunc(know(it.Description+" "+it.Name), func(f fact) bool { return f.nature == 'x' })
}

func countItems(menu []Section) int {
	n := 0
	for _, s := range menu {
		n += len(s.Items)
	}
	return n
}

package menu

import (
	"context"
	"fmt"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// Document is a card as a file: what Export writes and Import reads as JSON. It holds names and no ids. Prices are in minor units.
type Document struct {
	Menus []DocMenu `json:"menus"`
}

// DocMenu is a menu in a Document.
type DocMenu struct {
	Name     string       `json:"name"`
	Hours    string       `json:"hours,omitempty" doc:"OSM opening_hours in the restaurant's time zone."`
	Sections []DocSection `json:"sections"`
}

// DocSection is a section in a Document.
type DocSection struct {
	Name  string    `json:"name"`
	Note  string    `json:"note,omitempty"`
	Hours string    `json:"hours,omitempty"`
	Items []DocItem `json:"items"`
}

// DocItem is an item in a Document.
type DocItem struct {
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Price       money.Amount `json:"price"`
	Tax         string       `json:"tax,omitempty"`
	Photo       string       `json:"photo,omitempty"`
	Allergens   []string     `json:"allergens,omitempty"`
	Diets       []string     `json:"diets,omitempty"`
	Hidden      bool         `json:"hidden,omitempty"`
	Stock       *int64       `json:"stock,omitempty" doc:"Portions left; absent: not counted."`
	Groups      []DocGroup   `json:"groups,omitempty"`
	line        int          // in the CSV file it came from
}

// DocGroup is an option group in a Document. Groups that are the same in every respect become one.
type DocGroup struct {
	Name    string      `json:"name"`
	Min     int         `json:"min"`
	Max     int         `json:"max"`
	Rule    string      `json:"rule,omitempty"`
	Options []DocOption `json:"options"`
}

// DocOption is an option in a Document.
type DocOption struct {
	Name  string       `json:"name"`
	Price money.Amount `json:"price,omitempty"`
	Stock *int64       `json:"stock,omitempty"`
}

// BadLine is one thing that is wrong with a file. Line counts from 1 and is 0 where the file has no lines to speak of (JSON): then Field is a path.
type BadLine struct {
	Line    int    `json:"line,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	format  string // what Message was made of, where it has values in it
	args    []any
}

func badLine(line int, field, format string, args ...any) BadLine {
	return lineOf(line, errs.FieldOf(field, format, args...))
}

func lineOf(line int, f errs.Field) BadLine {
	return BadLine{Line: line, Field: f.Path, Message: f.Message, format: f.Format, args: f.Args}
}

// field returns the problem as one of an input.
func (p BadLine) field(path string) errs.Field {
	return errs.Field{Path: path, Message: p.Message, Format: p.format, Args: p.args}
}

// In says what is wrong in the language of ctx.
func (p BadLine) In(ctx context.Context) string { return i18n.Say(ctx, p.Message, p.format, p.args) }

// String returns "line 7, price: …".
func (p BadLine) String() string { return p.phrase().String() }

// phrase says what is wrong, and where.
func (p BadLine) phrase() i18n.Phrase {
	says := i18n.P(p.format, p.args...)
	if p.format == "" {
		says = i18n.P(p.Message)
	}
	switch {
	case p.Line > 0 && p.Field != "":
		return i18n.P("line %d, %s: %s", p.Line, p.Field, says)
	case p.Line > 0:
		return i18n.P("line %d: %s", p.Line, says)
	case p.Field != "":
		return i18n.P("%s: %s", p.Field, says)
	}
	return says
}

// document returns the card as a file.
func (c *Card) document() Document {
	doc := Document{Menus: []DocMenu{}}
	groups := map[id.ID]DocGroup{}
	for _, g := range c.Groups {
		groups[g.ID] = c.docGroup(g)
	}
	for _, m := range c.Menus {
		dm := DocMenu{Name: m.Name, Hours: m.Hours, Sections: []DocSection{}}
		for _, s := range m.Sections {
			ds := DocSection{Name: s.Name, Note: s.Note, Hours: s.Hours, Items: []DocItem{}}
			for _, it := range s.Items {
				di := DocItem{
					Name: it.Name, Description: it.Description, Price: it.Price, Tax: it.Tax, Photo: it.Photo, Allergens: it.Allergens, Diets: it.Diets,
					Hidden: it.Hidden, Stock: c.left(it.ID),
				}
				for _, g := range it.Groups {
					if dg, ok := groups[g]; ok {
						di.Groups = append(di.Groups, dg)
					}
				}
				ds.Items = append(ds.Items, di)
			}
			dm.Sections = append(dm.Sections, ds)
		}
		doc.Menus = append(doc.Menus, dm)
	}
	return doc
}

func (c *Card) docGroup(g *Group) DocGroup {
	dg := DocGroup{Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule, Options: []DocOption{}}
	for _, o := range g.Options {
		dg.Options = append(dg.Options, DocOption{Name: o.Name, Price: o.Price, Stock: c.left(o.ID)})
	}
	return dg
}

// left returns how many portions are left, nil where that is not counted.
func (c *Card) left(thing id.ID) *int64 {
	if n, ok := c.Stock[thing]; ok {
		return &n
	}
	return nil
}

// check cleans the document in place and returns all that is wrong with it.
func (doc *Document) check() []BadLine {
	var out []BadLine
	items, sections := 0, 0
	menus := map[string]bool{}
	for i := range doc.Menus {
		m := &doc.Menus[i]
		path := fmt.Sprintf("menus[%d]", i)
		var c checker
		c.name(path+".name", &m.Name)
		c.hours(path+".hours", &m.Hours)
		if again(menus, m.Name) {
			c.add(path+".name", "There are two menus called %s.", m.Name)
		}
		out = append(out, problems(c.wrong, 0)...)
		names := map[string]bool{}
		for j := range m.Sections {
			s := &m.Sections[j]
			sections++
			items += len(s.Items)
			out = append(out, s.check(fmt.Sprintf("%s.sections[%d]", path, j))...)
			if again(names, s.Name) {
				out = append(out, badLine(0, fmt.Sprintf("%s.sections[%d].name", path, j), "There are two sections called %s in this menu.", s.Name))
			}
		}
	}
	if n := len(doc.Menus); n > MaxMenus {
		out = append(out, badLine(0, "", "A card has at most %d menus, this file has %d.", MaxMenus, n))
	}
	if sections > MaxSections {
		out = append(out, badLine(0, "", "A card has at most %d sections, this file has %d.", MaxSections, sections))
	}
	if items > MaxItems {
		out = append(out, badLine(0, "", "A card has at most %d dishes, this file has %d.", MaxItems, items))
	}
	return out
}

// again reports whether a name, however it is written, was seen before.
func again(seen map[string]bool, name string) bool {
	key := text.Fold(name)
	if key == "" || !seen[key] {
		seen[key] = true
		return false
	}
	return true
}

func (s *DocSection) check(path string) []BadLine {
	var c checker
	c.name(path+".name", &s.Name)
	c.text(path+".note", &s.Note, maxDescription)
	c.hours(path+".hours", &s.Hours)
	line := 0
	if len(s.Items) > 0 {
		line = s.Items[0].line
	}
	out := problems(fields(c.wrong, path, line), line)
	names := map[string]bool{}
	for k := range s.Items {
		it := &s.Items[k]
		itemPath := fmt.Sprintf("%s.items[%d]", path, k)
		wrong := it.check()
		if again(names, it.Name) {
			wrong = append(wrong, errs.FieldOf("item", "%s is there twice in %s.", it.Name, s.Name))
		}
		if it.line == 0 {
			for n := range wrong {
				wrong[n].Path = itemPath + "." + strings.Replace(wrong[n].Path, "item", "name", 1)
			}
		}
		out = append(out, problems(wrong, it.line)...)
	}
	return out
}

// fields names columns in place of paths where the file has lines.
func fields(wrong []errs.Field, path string, line int) []errs.Field {
	if line == 0 {
		return wrong
	}
	for i := range wrong {
		wrong[i].Path = strings.Replace(strings.TrimPrefix(wrong[i].Path, path+"."), "name", "section", 1)
	}
	return wrong
}

func problems(wrong []errs.Field, line int) []BadLine {
	out := make([]BadLine, 0, len(wrong))
	for _, w := range wrong {
		out = append(out, lineOf(line, w))
	}
	return out
}

// check cleans an item and returns what is wrong with it, by the names of columns.
func (it *DocItem) check() []errs.Field {
	var c checker
	c.name("item", &it.Name)
	c.text("description", &it.Description, maxDescription)
	c.price("price", it.Price)
	c.oneOf("tax", &it.Tax, "food", Taxes)
	c.photo("photo", it.Photo)
	c.words("allergens", &it.Allergens, Allergens)
	c.words("diets", &it.Diets, Diets)
	c.stock("stock", it.Stock)
	if len(it.Groups) > MaxItemGroups {
		c.add("group", "At most %d option groups for one dish.", MaxItemGroups)
	}
	for i := range it.Groups {
		it.Groups[i].check(&c)
	}
	return c.wrong
}

func (g *DocGroup) check(c *checker) {
	c.name("group", &g.Name)
	c.oneOf("rule", &g.Rule, "SUM", Rules)
	var b checker
	b.bounds(g.Min, g.Max, len(g.Options))
	for _, f := range b.wrong {
		if f.Path != "options" {
			f.Path = "group_" + f.Path
		}
		c.wrong = append(c.wrong, f)
	}
	names := map[string]bool{}
	for i := range g.Options {
		o := &g.Options[i]
		c.name("option", &o.Name)
		c.price("option_price", o.Price)
		c.stock("option_stock", o.Stock)
		if again(names, o.Name) {
			c.add("option", "%s is there twice in %s.", o.Name, g.Name)
		}
	}
}

// JSONLDMenu returns a card as a schema.org Menu, for the structured data of a shop's page: sections, items with their offers in currency,
// and the diets they suit. Addresses are made absolute with baseURL, which has no slash at its end. Hidden items are left out.
func JSONLDMenu(m *delivery.Menu, currency, baseURL string) map[string]any {
	sections := []any{}
	for _, sec := range m.Sections {
		items := []any{}
		for _, it := range sec.Items {
			if !it.Hidden {
				items = append(items, jsonLDItem(it, currency, baseURL))
			}
		}
		if len(items) == 0 {
			continue
		}
		s := map[string]any{"@type": "MenuSection", "name": sec.Name, "hasMenuItem": items}
		if sec.Note != "" {
			s["description"] = sec.Note
		}
		sections = append(sections, s)
	}
	return map[string]any{"@context": "https://schema.org", "@type": "Menu", "hasMenuSection": sections}
}

func jsonLDItem(it *delivery.Item, currency, baseURL string) map[string]any {
	availability := "https://schema.org/InStock"
	if !it.OutUntil.IsZero() || it.Stock == 0 {
		availability = "https://schema.org/SoldOut"
	}
	out := map[string]any{
		"@type": "MenuItem", "name": it.Name,
		"offers": map[string]any{
			"@type": "Offer", "price": formatPrice(it.Price, money.Decimals(currency)), "priceCurrency": currency, "availability": availability,
		},
	}
	if it.Description != "" {
		out["description"] = it.Description
	}
	if it.Photo != "" {
		out["image"] = baseURL + it.Photo
	}
	if len(it.Diets) > 0 {
		diets := make([]string, 0, len(it.Diets))
		for _, d := range it.Diets {
			diets = append(diets, "https://schema.org/"+dietClass(d))
		}
		out["suitableForDiet"] = diets
	}
	return out
}

// dietClass turns low_lactose into LowLactoseDiet.
func dietClass(diet string) string {
	var b strings.Builder
	for _, w := range strings.Split(diet, "_") {
		b.WriteString(upper(w))
	}
	return b.String() + "Diet"
}

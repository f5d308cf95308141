package menu

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
)

// Columns are the columns of a card's CSV file. Only item and price are needed, in any order. An item's row comes first; further rows of the
// same menu, section and item add one option each. Lists (allergens, diets) are parted by "|". Prices have a decimal point or comma.
//
//	menu, menu_hours         the menu ("Lunch") and its hours in OSM syntax; left out: one menu called Menu
//	section, note, hours     the section, a line below its name, its hours; left out: one section called Menu
//	item, description        the dish
//	price, tax               with tax included; food (where left out), drink or alcohol
//	allergens, diets         of the fourteen of the EU; of schema.org's RestrictedDiet
//	photo, hidden, stock     path of a picture on this server; yes or no; portions left, empty where they are not counted
//	group, group_min,        an option group of the dish, how many of its options one must and may choose, and how their prices
//	group_max, rule          add up: SUM, MAX or AVG
//	option, option_price,    an option of that group, what it adds, and how many are left
//	option_stock
var Columns = []string{
	"menu", "menu_hours", "section", "note", "hours", "item", "description", "price", "tax", "allergens", "diets", "photo", "hidden", "stock",
	"group", "group_min", "group_max", "rule", "option", "option_price", "option_stock",
}

// otherColumns are headings that other programs write for the same thing.
var otherColumns = map[string]string{
	"dish": "item", "name": "item", "product": "item", "item_name": "item", "product_name": "item", "category": "section", "tax_category": "tax",
	"product_price": "price", "item_price": "price", "allergen": "allergens", "diet": "diets", "min": "group_min", "max": "group_max",
}

// parsed is a file that was read.
type parsed struct {
	doc      Document
	has      map[string]bool // columns that the file has; nil: all
	problems []BadLine
	warnings []BadLine
}

func (p *parsed) bad(line int, field, format string, args ...any) {
	p.problems = append(p.problems, badLine(line, field, format, args...))
}

// maxProblems is how many problems of one file are told: who has more has another kind of file.
const maxProblems = 200

// readCSV reads a card from CSV. decimals is how many digits the currency has behind the point. It never fails: what is wrong stands in
// the result's problems.
func readCSV(data []byte, decimals int) *parsed {
	p := &parsed{has: map[string]bool{}}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		p.bad(1+bytes.Count(data[:firstInvalid(data)], []byte("\n")), "", "This is not UTF-8. Save the file as UTF-8 and try again.")
		return p
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = delimiter(data)
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		p.bad(1, "", "The file has no heading. Its first line names the columns, at least item and price.")
		return p
	}
	columns := p.columns(head)
	if len(p.problems) > 0 {
		return p
	}
	b := builder{parsed: p, decimals: decimals, menus: map[string]int{}, sections: map[string][2]int{}, items: map[string][3]int{}}
	for len(p.problems) < maxProblems {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			p.bad(bad.StartLine, "", "This line can't be read. Is a quotation mark missing?")
			break // where the next line begins is a guess from here on
		}
		line, _ := r.FieldPos(0)
		row := make(map[string]string, len(columns))
		filled := false
		for i, c := range cells {
			c = strings.TrimSpace(unquoteFormula(c))
			filled = filled || c != ""
			if i < len(columns) && columns[i] != "" {
				row[columns[i]] = c
			} else if i >= len(columns) && c != "" {
				p.bad(line, "", "This line has more cells than the heading.")
			}
		}
		if filled {
			b.row(line, row)
		}
	}
	if len(p.problems) == 0 && len(p.doc.Menus) == 0 {
		p.bad(0, "", "The file has no dishes.")
	}
	return p
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// delimiter returns what parts the heading's cells: the most frequent of comma, semicolon and tab outside of quotation marks.
func delimiter(data []byte) rune {
	head, _, _ := bytes.Cut(data, []byte("\n"))
	counts := map[rune]int{}
	quoted := false
	for _, r := range string(head) {
		if r == '"' {
			quoted = !quoted
		}
		if !quoted {
			counts[r]++
		}
	}
	best := ','
	for _, r := range []rune{';', '\t'} {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

// columns returns the known column of each cell of the heading, "" for those that are not known.
func (p *parsed) columns(head []string) []string {
	out := make([]string, len(head))
	for i, h := range head {
		c := word(h)
		if other := otherColumns[c]; other != "" {
			c = other
		}
		switch {
		case !slices.Contains(Columns, c):
			if strings.TrimSpace(h) != "" {
				p.warnings = append(p.warnings, badLine(1, text.Clean(h, 40), "This column is not known and was left out."))
			}
		case p.has[c]:
			p.bad(1, c, "This column is there twice.")
		default:
			out[i], p.has[c] = c, true
		}
	}
	for _, need := range []string{"item", "price"} {
		if !p.has[need] {
			p.bad(1, need, "The heading names no such column. Known are %s.", strings.Join(Columns, ", "))
		}
	}
	return out
}

// builder makes a document of rows.
type builder struct {
	*parsed
	decimals int
	menus    map[string]int
	sections map[string][2]int
	items    map[string][3]int
}

// row adds one line of the file.
func (b *builder) row(line int, row map[string]string) {
	if row["item"] == "" {
		b.bad(line, "item", "Give the dish a name.")
		return
	}
	s, key := b.section(line, row)
	key += "\x00" + text.Fold(text.Clean(row["item"], maxName))
	at, seen := b.items[key]
	option := row["group"] != "" || row["option"] != ""
	if !seen {
		s.Items = append(s.Items, b.item(line, row))
		sec := b.sections[sectionKey(row)]
		at = [3]int{sec[0], sec[1], len(s.Items) - 1}
		b.items[key] = at
	}
	it := &b.doc.Menus[at[0]].Sections[at[1]].Items[at[2]]
	if seen && !option {
		b.bad(line, "item", "%s is there already, on line %d. Further lines of a dish name an option each.", text.Clean(row["item"], 60), it.line)
		return
	}
	if seen && row["price"] != "" {
		if price, wrong := parsePrice(row["price"], b.decimals); wrong.Format == "" && price != it.Price {
			b.bad(line, "price", "On line %d this dish has another price.", it.line)
		}
	}
	if option {
		b.option(line, row, it)
	}
}

func sectionKey(row map[string]string) string {
	return text.Fold(or(row["menu"], DefaultName)) + "\x00" + text.Fold(or(row["section"], DefaultName))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// section returns the section that a row is about, and its key.
func (b *builder) section(line int, row map[string]string) (*DocSection, string) {
	menu, section := or(row["menu"], DefaultName), or(row["section"], DefaultName)
	mi, ok := b.menus[text.Fold(menu)]
	if !ok {
		mi = len(b.doc.Menus)
		b.menus[text.Fold(menu)] = mi
		b.doc.Menus = append(b.doc.Menus, DocMenu{Name: menu, Hours: row["menu_hours"]})
	}
	m := &b.doc.Menus[mi]
	key := sectionKey(row)
	at, ok := b.sections[key]
	if !ok {
		at = [2]int{mi, len(m.Sections)}
		b.sections[key] = at
		m.Sections = append(m.Sections, DocSection{Name: section, Note: row["note"], Hours: row["hours"]})
	}
	s := &m.Sections[at[1]]
	for _, same := range []struct {
		column string
		have   string
	}{{"menu_hours", m.Hours}, {"note", s.Note}, {"hours", s.Hours}} {
		switch v := row[same.column]; {
		case v == "" || v == same.have:
		case same.column == "menu_hours":
			b.bad(line, same.column, "An earlier line says otherwise about the same menu.")
		default:
			b.bad(line, same.column, "An earlier line says otherwise about the same section.")
		}
	}
	return s, key
}

func (b *builder) item(line int, row map[string]string) DocItem {
	it := DocItem{
		Name: row["item"], Description: row["description"], Tax: strings.ToLower(row["tax"]), Photo: row["photo"],
		Allergens: words(row["allergens"]), Diets: words(row["diets"]), line: line,
	}
	var wrong i18n.Phrase
	if it.Price, wrong = parsePrice(row["price"], b.decimals); wrong.Format != "" {
		b.bad(line, "price", wrong.Format, wrong.Args...)
	}
	it.Stock = b.count(line, "stock", row)
	switch strings.ToLower(row["hidden"]) {
	case "", "no", "false", "0", "n":
	case "yes", "true", "1", "y", "x":
		it.Hidden = true
	default:
		b.bad(line, "hidden", "Write yes or no.")
	}
	return it
}

// option adds the option of a row to its dish.
func (b *builder) option(line int, row map[string]string, it *DocItem) {
	if row["group"] == "" {
		b.bad(line, "group", "Name the group that this option belongs to.")
		return
	}
	if row["option"] == "" {
		b.bad(line, "option", "Name an option of this group.")
		return
	}
	at := slices.IndexFunc(it.Groups, func(g DocGroup) bool { return text.Fold(g.Name) == text.Fold(row["group"]) })
	if at < 0 {
		at = len(it.Groups)
		it.Groups = append(it.Groups, DocGroup{
			Name: row["group"], Rule: strings.ToUpper(row["rule"]),
			Min: b.number(line, "group_min", row, 0), Max: b.number(line, "group_max", row, 1),
		})
	}
	g := &it.Groups[at]
	if row["group_min"] != "" && b.number(line, "group_min", row, 0) != g.Min || row["group_max"] != "" && b.number(line, "group_max", row, 1) != g.Max ||
		row["rule"] != "" && strings.ToUpper(row["rule"]) != g.Rule {
		b.bad(line, "group", "An earlier line says otherwise about the same group.")
	}
	o := DocOption{Name: row["option"], Stock: b.count(line, "option_stock", row)}
	if row["option_price"] != "" {
		var wrong i18n.Phrase
		if o.Price, wrong = parsePrice(row["option_price"], b.decimals); wrong.Format != "" {
			b.bad(line, "option_price", wrong.Format, wrong.Args...)
		}
	}
	g.Options = append(g.Options, o)
}

func (b *builder) number(line int, column string, row map[string]string, otherwise int) int {
	if row[column] == "" {
		return otherwise
	}
	n, err := strconv.Atoi(row[column])
	if err != nil {
		b.bad(line, column, "Write a whole number.")
		return otherwise
	}
	return n
}

func (b *builder) count(line int, column string, row map[string]string) *int64 {
	if row[column] == "" {
		return nil
	}
	n, err := strconv.ParseInt(row[column], 10, 64)
	if err != nil {
		b.bad(line, column, "Write how many portions are left, or nothing where they are not counted.")
		return nil
	}
	return &n
}

// words takes a list apart.
func words(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("|,;/", r) }) {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// parsePrice reads "7.50", "7,50", "1.234,50", "€ 7" as minor units, or returns a sentence that says what is wrong.
func parsePrice(s string, decimals int) (money.Amount, i18n.Phrase) {
	none := i18n.P("Write a price such as 7.50.")
	s = strings.Trim(s, " \u00a0\u202f€$£¥ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	s = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "", "’", "").Replace(s)
	if s == "" {
		return 0, none
	}
	whole, fraction := s, ""
	if i := strings.LastIndexAny(s, ".,"); i >= 0 {
		behind := len(s) - i - 1
		switch mark := s[i : i+1]; {
		case strings.Count(s, mark) > 1: // 1.234.567
		case strings.ContainsAny(s[:i], ".,"), behind <= decimals:
			whole, fraction = s[:i], s[i+1:]
			if fraction == "" {
				return 0, none
			}
		case behind == 3:
			return 0, i18n.P("Is this a decimal point or one between thousands? Write it with the decimals that the currency has.")
		default:
			return 0, i18n.P("This currency has %d digits behind the point.", decimals)
		}
	}
	if len(fraction) > decimals {
		return 0, i18n.P("This currency has %d digits behind the point.", decimals)
	}
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r == '.' || r == ',' })
	for i, g := range groups {
		if i > 0 && len(g) != 3 {
			return 0, none
		}
	}
	digits := strings.Join(groups, "")
	if digits == "" || len(digits) > 12 || len(groups) > 1 && len(digits) != len(whole)-len(groups)+1 {
		return 0, none
	}
	for _, r := range digits + fraction {
		if r < '0' || r > '9' {
			return 0, none
		}
	}
	n, err := strconv.ParseInt(digits+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return 0, none
	}
	return n, i18n.Phrase{}
}

// formatPrice writes minor units with a decimal point.
func formatPrice(a money.Amount, decimals int) string {
	s := strconv.FormatInt(a, 10)
	if decimals == 0 {
		return s
	}
	for len(s) <= decimals {
		s = "0" + s
	}
	return s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}

// formulaStart are the characters with which a cell makes a spreadsheet compute, and the mark that keeps it from that.
const formulaStart = "=+-@\t\r'＝＋－＠"

// quoteFormula keeps a spreadsheet from taking a cell for a formula.
func quoteFormula(s string) string {
	if r, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune(formulaStart, r) {
		return "'" + s
	}
	return s
}

func unquoteFormula(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && rest != "" {
		if r, _ := utf8.DecodeRuneInString(rest); strings.ContainsRune(formulaStart, r) {
			return rest
		}
	}
	return s
}

// writeCSV writes a document as readCSV reads it. Menus and sections without items have no line.
func writeCSV(w io.Writer, doc Document, decimals int) error {
	out := csv.NewWriter(w)
	write := func(row map[string]string) error {
		cells := make([]string, len(Columns))
		for i, c := range Columns {
			cells[i] = quoteFormula(row[c])
		}
		return out.Write(cells)
	}
	if err := out.Write(Columns); err != nil {
		return err
	}
	for _, m := range doc.Menus {
		for _, s := range m.Sections {
			for _, it := range s.Items {
				row := map[string]string{
					"menu": m.Name, "menu_hours": m.Hours, "section": s.Name, "note": s.Note, "hours": s.Hours, "item": it.Name, "description": it.Description,
					"price": formatPrice(it.Price, decimals), "tax": it.Tax, "allergens": strings.Join(it.Allergens, "|"), "diets": strings.Join(it.Diets, "|"),
					"photo": it.Photo, "hidden": map[bool]string{true: "yes"}[it.Hidden], "stock": number(it.Stock),
				}
				again := map[string]string{"menu": m.Name, "section": s.Name, "item": it.Name}
				for _, g := range it.Groups {
					for _, o := range g.Options {
						row["group"], row["group_min"], row["group_max"], row["rule"] = g.Name, strconv.Itoa(g.Min), strconv.Itoa(g.Max), g.Rule
						row["option"], row["option_price"], row["option_stock"] = o.Name, formatPrice(o.Price, decimals), number(o.Stock)
						if err := write(row); err != nil {
							return err
						}
						row = again
					}
				}
				if len(it.Groups) == 0 {
					if err := write(row); err != nil {
						return err
					}
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

package menu

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestPricesAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]int64{"7.50": 750, "7,50": 750, "7": 700, "7,5": 750, "0.8": 80, "€ 7.50": 750, "7,50 EUR": 750, "1.234,50": 123450, "1,234.50": 123450, "1 234,50": 123450, "1'234.50": 123450, "1,234,567.00": 123456700} {
		if got, wrong := parsePrice(in, 2); got != want || wrong.Format != "" {
			t.Errorf("parsePrice(%q) = %d, %q; want %d", in, got, wrong, want)
		}
	}
	for _, in := range []string{"", "cheap", "-1", "1.234", "7.505", "7..5", "1,23,456.00", "7.", ".", "1e5", "９"} {
		if got, wrong := parsePrice(in, 2); wrong.Format == "" {
			t.Errorf("parsePrice(%q) = %d; want a refusal", in, got)
		}
	}
	if got, wrong := parsePrice("1200", 0); got != 1200 || wrong.Format != "" {
		t.Errorf("parsePrice(1200 yen) = %d, %q", got, wrong)
	}
}

func TestEveryBadLineIsReportedAndNothingIsImported(t *testing.T) {
	const file = "\xef\xbb\xbfSection;Dish;Price;Tax;Allergens;Stock;Hours;Group;Option;Option price;Colour\n" + // 1
		"Mains;Dal;7,50;food;milk|soya;5;;;;;red\n" + // 2
		"Mains;Naan;cheap;;;;;;;;\n" + // 3
		"Mains;;3;;;;;;;;\n" + // 4
		"Mains;dal;8;;;;;;;;\n" + // 5: again
		"Mains;Rice;2;gold;moon;;;;;;\n" + // 6: two mistakes
		"Drinks;Cola;2;drink;;-4;noon;;;;\n" + // 7: two mistakes
		"Mains;Pizza;9;;;;;Size;;;\n" + // 8: no option
		"Mains;Dal;;;;;;;Large;2;\n" + // 9: no group
		"Mains;\"Soup\nof the day\";4;;;;;;;;\n" + // 10, 11
		"Mains;Tea;1,2,3;;;;;;;;;;\n" // 12
	run(t, func(t *testing.T, h *house) {
		rep, err := h.Import(t.Context(), owner, 7, "csv", strings.NewReader(file), ImportOptions{})
		if errs.CodeOf(err) != "bad_lines" || !errs.Is(err, errs.Invalid) {
			t.Errorf("Import = %v; want an Invalid error with code bad_lines", err)
		}
		var got []string
		for _, p := range rep.Problems {
			got = append(got, fmt.Sprintf("%d %s", p.Line, p.Field))
		}
		want := []string{"3 price", "4 item", "5 item", "6 tax", "6 allergens", "7 hours", "7 stock", "8 option", "9 group", "12 price"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s%v", diff, rep.Problems)
		}
		if len(rep.Warnings) != 1 || rep.Warnings[0].Field != "Colour" {
			t.Errorf("warnings = %v; want the column Colour", rep.Warnings)
		}
		if n := len(must(h.Menu(t.Context(), 7))(t).Items); n != 0 {
			t.Errorf("%d items were imported", n)
		}
	})
}

func TestMistakesInWellFormedLinesAreReportedToo(t *testing.T) {
	p := readCSV([]byte("section,item,price,tax,allergens,stock,hours\nMains,Rice,2,gold,moon,,\nDrinks,Cola,2,drink,,-4,noon\n"), 2)
	var got []string
	for _, b := range p.doc.check() {
		got = append(got, fmt.Sprintf("%d %s", b.Line, b.Field))
	}
	if diff := cmp.Diff([]string{"2 tax", "2 allergens", "3 hours", "3 stock"}, got); diff != "" || len(p.problems) > 0 {
		t.Errorf("problems (-want +got):\n%s%v", diff, p.problems)
	}
}

func TestTwoColumnsAreEnoughWhateverPartsThem(t *testing.T) {
	for name, file := range map[string]string{
		"comma":     "dish,price\nDal,7.50\n\"Rice, plain\",2\n",
		"semicolon": "Dish;Price\r\nDal;7,50\r\nRice, plain;2\r\n",
		"tab":       "item\tprice\nDal\t7,50\nRice, plain\t2\n",
	} {
		p := readCSV([]byte(file), 2)
		if len(p.problems) > 0 || len(p.doc.Menus) != 1 || p.doc.Menus[0].Sections[0].Name != "Menu" {
			t.Fatalf("%s: %+v", name, p)
		}
		items := p.doc.Menus[0].Sections[0].Items
		if len(items) != 2 || items[0].Price != 750 || items[1].Name != "Rice, plain" {
			t.Errorf("%s: items = %+v", name, items)
		}
	}
}

func TestAPriceListChangesPricesOnly(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		imp := func(file string, o ImportOptions) Report {
			t.Helper()
			return must(h.Import(ctx, owner, 7, "csv", strings.NewReader(file), o))(t)
		}
		imp("item,price,allergens,stock,group,option\nDal,7.50,milk,4,Size,Large\nRice,2,,,,\n", ImportOptions{})
		before := must(h.Menu(ctx, 7))(t)
		rep := imp("item,price\nDal,8.00\nNaan,2.50\n", ImportOptions{})
		if rep.Added != 1 || rep.Changed != 1 || rep.Removed != 0 {
			t.Errorf("report = %+v", rep)
		}
		after := must(h.Menu(ctx, 7))(t)
		for k, was := range before.Items {
			is := after.Items[k]
			if is == nil || !slices.Equal(is.Allergens, was.Allergens) || is.Stock != was.Stock || len(is.Groups) != len(was.Groups) {
				t.Errorf("%s was %+v, is %+v", was.Name, was, is)
			}
		}
		imp("item,price\nNaan,2.50\nDal,8.00\nRice,2\n", ImportOptions{Replace: true})
		names := ""
		for _, it := range must(h.Menu(ctx, 7))(t).Sections[0].Items {
			names += it.Name + " "
		}
		if names != "Naan Dal Rice " {
			t.Errorf("after replacing the order is %s", names)
		}
		rep = imp("item,price\nDal,8.00\n", ImportOptions{Replace: true})
		if rep.Removed != 2 || rep.Unchanged != 1 || len(must(h.Menu(ctx, 7))(t).Items) != 1 {
			t.Errorf("report of replacing = %+v", rep)
		}
	})
}

func TestFormulasAreDisarmedInExports(t *testing.T) {
	doc := Document{Menus: []DocMenu{{Name: "Menu", Sections: []DocSection{{Name: "Menu", Items: []DocItem{{Name: "=HYPERLINK(\"http://x\")", Description: "@SUM(1)", Price: 100, Tax: "food"}, {Name: "'=x", Description: "-1", Price: 1, Tax: "food"}}}}}}}
	var buf bytes.Buffer
	ok(t, writeCSV(&buf, doc, 2))
	rows := must(csv.NewReader(bytes.NewReader(buf.Bytes())).ReadAll())(t)
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("cell %q would be computed", cell)
			}
		}
	}
	back := readCSV(buf.Bytes(), 2)
	if diff := cmp.Diff(doc, back.doc, docOptions...); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

var docOptions = []cmp.Option{cmpopts.IgnoreUnexported(DocItem{}), cmpopts.EquateEmpty()}

// someDocument draws a card as an export can hold it; full: with what CSV has no line for (empty sections, groups that share a name).
func someDocument(t *rapid.T, full bool) Document {
	name := rapid.StringMatching(`[=+'@A-Za-z0-9éß][A-Za-z0-9 ,;"'|éß-]{0,12}[a-z]`)
	fresh := func(seen map[string]bool, label string) string {
		n := name.Filter(func(s string) bool { return !seen[strings.ToLower(strings.Join(strings.Fields(s), " "))] }).Draw(t, label)
		n = strings.Join(strings.Fields(n), " ")
		seen[strings.ToLower(n)] = true
		return n
	}
	least := 1
	if full {
		least = 0
	}
	count := rapid.Custom(func(t *rapid.T) *int64 {
		if n := rapid.Int64Range(-3, 50).Draw(t, "n"); n >= 0 {
			return &n
		}
		return nil
	})
	doc := Document{}
	menus := map[string]bool{}
	for range rapid.IntRange(least, 2).Draw(t, "menus") {
		m := DocMenu{Name: fresh(menus, "menu"), Hours: rapid.SampledFrom([]string{"", "Mo-Fr 11:30-14:30"}).Draw(t, "hours")}
		sections := map[string]bool{}
		for range rapid.IntRange(least, 3).Draw(t, "sections") {
			s := DocSection{Name: fresh(sections, "section"), Note: rapid.SampledFrom([]string{"", "With rice.", "-5 %"}).Draw(t, "note")}
			items := map[string]bool{}
			for range rapid.IntRange(least, 4).Draw(t, "items") {
				it := DocItem{
					Name: fresh(items, "item"), Price: rapid.Int64Range(0, MaxPrice).Draw(t, "price"), Tax: rapid.SampledFrom(Taxes).Draw(t, "tax"),
					Hidden: rapid.Bool().Draw(t, "hidden"), Stock: count.Draw(t, "stock"), Description: rapid.SampledFrom([]string{"", "A \"classic\", hot", "=1+1"}).Draw(t, "description"),
				}
				for _, w := range Allergens {
					if rapid.IntRange(0, 9).Draw(t, w) == 0 {
						it.Allergens = append(it.Allergens, w)
					}
				}
				groups := map[string]bool{}
				for range rapid.IntRange(0, 2).Draw(t, "groups") {
					g := DocGroup{Name: fresh(groups, "group"), Max: rapid.IntRange(1, 4).Draw(t, "max"), Rule: rapid.SampledFrom(Rules).Draw(t, "rule")}
					options := map[string]bool{}
					for range rapid.IntRange(1, 3).Draw(t, "options") {
						g.Options = append(g.Options, DocOption{Name: fresh(options, "option"), Price: rapid.Int64Range(0, 500).Draw(t, "adds"), Stock: count.Draw(t, "left")})
					}
					it.Groups = append(it.Groups, g)
				}
				s.Items = append(s.Items, it)
			}
			m.Sections = append(m.Sections, s)
		}
		doc.Menus = append(doc.Menus, m)
	}
	return doc
}

func TestCSVReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := someDocument(t, false)
		var buf bytes.Buffer
		if err := writeCSV(&buf, doc, 2); err != nil {
			t.Fatal(err)
		}
		got := readCSV(buf.Bytes(), 2)
		if bad := slices.Concat(got.problems, got.doc.check()); len(bad) > 0 {
			t.Fatalf("%v in\n%s", bad, &buf)
		}
		if diff := cmp.Diff(doc, got.doc, docOptions...); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, &buf)
		}
	})
}

func TestImportOfAnExportIsTheSameCard(t *testing.T) {
	d := dbtest.SQLite(t, Schema, events.Schema)
	h := newHouse(t, d)
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		doc := someDocument(rt, true)
		if _, err := h.ImportDocument(ctx, owner, 7, doc, ImportOptions{Replace: true}); err != nil {
			rt.Fatal(err)
		}
		var first, again bytes.Buffer
		if err := h.Export(ctx, owner, 7, "json", &first); err != nil {
			rt.Fatal(err)
		}
		var got Document
		if err := json.Unmarshal(first.Bytes(), &got); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(doc, got, docOptions...); diff != "" {
			rt.Fatalf("export differs from what was imported (-want +got):\n%s", diff)
		}
		rep, err := h.Import(ctx, owner, 7, "json", bytes.NewReader(first.Bytes()), ImportOptions{Replace: true})
		if err != nil || rep.Added+rep.Changed+rep.Removed != 0 {
			rt.Fatalf("importing the export again: %+v, %v; want nothing changed", rep, err)
		}
		if err := h.Export(ctx, owner, 7, "json", &again); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
			rt.Fatalf("%v: exports differ:\n%s\n%s", err, &first, &again)
		}
	})
}

func TestLargestCardIsImported(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		var b strings.Builder
		b.WriteString("section,item,price\n")
		for i := range MaxItems + 1 {
			fmt.Fprintf(&b, "Section %d,Dish %d,7.50\n", i%50, i)
		}
		all := b.String()
		if _, err := h.Import(t.Context(), owner, 7, "csv", strings.NewReader(all), ImportOptions{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%d dishes: %v; want an Invalid error", MaxItems+1, err)
		}
		most := all[:strings.LastIndex(strings.TrimSuffix(all, "\n"), "\n")+1]
		rep := must(h.Import(t.Context(), owner, 7, "csv", strings.NewReader(most), ImportOptions{}))(t)
		if rep.Added != MaxItems || len(must(h.Menu(t.Context(), 7))(t).Items) != MaxItems {
			t.Errorf("report = %+v", rep)
		}
		if _, err := h.Import(t.Context(), owner, 7, "csv", strings.NewReader("item,price\nOne more,1\n"), ImportOptions{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("one more: %v; want an Invalid error", err)
		}
	})
}

// TestRealTakeAway makes a two-column CSV of what a real take-away sold over years, and imports it.
func TestRealTakeAway(t *testing.T) {
	f, err := os.Open("../../../../shared/data/takeaway/orders.csv")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the take-away's orders are not on this machine: this test did not run")
	}
	ok(t, err)
	defer f.Close()
	file, dishes := distinctPrices(t, f)
	run(t, func(t *testing.T, h *house) {
		rep := must(h.Import(t.Context(), owner, 7, "csv", strings.NewReader(file), ImportOptions{}))(t)
		if rep.Added != dishes || rep.Sections != 1 || len(rep.Warnings) != 0 {
			t.Errorf("report = %+v; want %d dishes added", rep, dishes)
		}
	})
}

// distinctPrices returns each dish with each price it was ever sold at. The take-away sold some dishes in several versions under one name, told
// apart by their price alone; those get the price into their name, because a card cannot list a dish twice.
func distinctPrices(t *testing.T, r io.Reader) (file string, dishes int) {
	t.Helper()
	rows := must(csv.NewReader(r).ReadAll())(t)
	name, price := slices.Index(rows[0], "description"), slices.Index(rows[0], "Product Price")
	var buf strings.Builder
	w := csv.NewWriter(&buf)
	w.Write([]string{"dish", "price"})
	first, seen := map[string]string{}, map[string]bool{}
	for _, row := range rows[1:] {
		dish, amount := row[name], row[price]
		if first[dish] == "" {
			first[dish] = amount
		}
		if first[dish] != amount {
			dish += " (" + amount + ")"
		}
		if seen[dish] {
			continue
		}
		seen[dish] = true
		w.Write([]string{dish, amount})
	}
	w.Flush()
	return buf.String(), len(seen)
}

// TestSchemaOrgKnowsEveryProperty checks the structured data against the vocabulary: each property belongs to its type or to a type above it.
func TestSchemaOrgKnowsEveryProperty(t *testing.T) {
	b, err := os.ReadFile("../../../../shared/data/schemaorg/schemaorg-all-https.jsonld")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the vocabulary of schema.org is not on this machine: this test did not run")
	}
	ok(t, err)
	known, above := vocabulary(t, b)
	sec := &delivery.Section{Name: "Mains", Note: "With rice."}
	sec.Items = []*delivery.Item{{Name: "Dal", Description: "Black lentils.", Section: sec, Price: 750, Photo: "/media/x.jpg", Diets: Diets, Stock: -1}}
	doc, _ := json.Marshal(JSONLDMenu(&delivery.Menu{Sections: []*delivery.Section{sec}, Items: map[id.ID]*delivery.Item{}}, "EUR", "https://town.example"))
	var tree map[string]any
	ok(t, json.Unmarshal(doc, &tree))
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case string:
			if term, isTerm := strings.CutPrefix(v, "https://schema.org/"); isTerm && above[term] == nil && known[term] == nil {
				t.Errorf("schema.org has no %s", term)
			}
		case map[string]any:
			kind, _ := v["@type"].(string)
			for prop, x := range v {
				if prop[0] != '@' && !slices.ContainsFunc(known[prop], func(domain string) bool { return isA(kind, domain, above) }) {
					t.Errorf("%s has no property %s", kind, prop)
				}
				if prop != "@context" {
					walk(x)
				}
			}
		}
	}
	walk(tree)
}

// vocabulary returns the domains of each property, and what stands above each type.
func vocabulary(t *testing.T, b []byte) (domains, above map[string][]string) {
	t.Helper()
	var doc struct {
		Graph []map[string]any `json:"@graph"`
	}
	ok(t, json.Unmarshal(b, &doc))
	domains, above = map[string][]string{}, map[string][]string{}
	refs := func(v any) (out []string) {
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, x := range list {
			if m, isMap := x.(map[string]any); isMap {
				out = append(out, strings.TrimPrefix(fmt.Sprint(m["@id"]), "schema:"))
			}
		}
		return out
	}
	for _, n := range doc.Graph {
		name := strings.TrimPrefix(fmt.Sprint(n["@id"]), "schema:")
		if d := n["schema:domainIncludes"]; d != nil {
			domains[name] = refs(d)
		} else {
			above[name] = append([]string{""}, refs(n["rdfs:subClassOf"])...)
		}
	}
	return domains, above
}

func isA(kind, domain string, above map[string][]string) bool {
	return kind == domain || kind != "" && slices.ContainsFunc(above[kind], func(up string) bool { return up != "" && isA(up, domain, above) })
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("item,price\nDal,7.50\n"), 2)
	f.Add([]byte("\xef\xbb\xbfdish;price;group;option\nDal;7,50;Size;Large\nDal;;Size;Small\n"), 2)
	f.Add([]byte("item\tprice\tstock\n\"a\nb\"\t1\t3\n"), 0)
	f.Add([]byte("item,price\n\"'=x\",1.234\n"), 3)
	f.Fuzz(func(t *testing.T, data []byte, decimals int) {
		decimals = min(max(decimals, 0), 3)
		p := readCSV(data, decimals)
		if len(p.problems) > 0 || len(p.doc.check()) > 0 {
			return
		}
		// What is accepted is written and read back as the same.
		var buf bytes.Buffer
		if err := writeCSV(&buf, p.doc, decimals); err != nil {
			t.Fatal(err)
		}
		back := readCSV(buf.Bytes(), decimals)
		if bad := slices.Concat(back.problems, back.doc.check()); len(bad) > 0 {
			t.Fatalf("%v in\n%s", bad, &buf)
		}
		if diff := cmp.Diff(p.doc, back.doc, docOptions...); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, &buf)
		}
	})
}

// TestImportNeedsTheRightToManage also holds for dry runs: a report says what is on the card.
func TestImportNeedsTheRightToManage(t *testing.T) {
	run(t, func(t *testing.T, h *house) {
		for _, a := range []access.Actor{{}, other} {
			if _, err := h.Import(context.Background(), a, 7, "csv", strings.NewReader("item,price\nDal,1\n"), ImportOptions{DryRun: true}); err == nil {
				t.Errorf("actor %d may import", a.ID)
			}
		}
	})
}

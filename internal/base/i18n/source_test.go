package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// later lists the packages whose texts are not translated yet. It shrinks; a package that is done must leave it.
var later = []string{}

// english lists what speaks English only, and why.
var english = map[string]string{
	"internal/cli":             "the command line is for operators",
	"internal/platform/config": "settings are an operator's",
	"internal/arch":            "is no part of the program",
}

// use is one sentence of the source.
type use struct {
	key   string
	plain bool // T, Key or an error; else N
	must  bool // has words that are to be translated
	where string
}

// source is what one package says.
type source struct {
	uses []use
	bare []string // texts that no T says, with their place
}

// read returns what every package below internal says, by its folder.
func read(t *testing.T) map[string]*source {
	t.Helper()
	root := "../../.."
	out := map[string]*source{}
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && (e.Name() == "testdata" || e.Name() == "node_modules") {
			return cmpErr(err, fs.SkipDir)
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			return err
		}
		if out[dir] == nil {
			out[dir] = &source{}
		}
		out[dir].file(set, filepath.ToSlash(rel), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// sentenceAt says which argument of a function is a sentence.
var sentenceAt = map[string]int{
	"i18n.T": 1, "i18n.Key": 0, "i18n.P": 0, "i18n.N": 2, "delivery.NewProblem": 2, "p.problem": 2, "errs.New": 1, "errs.InvalidField": 1, "errs.FieldOf": 1, "c.add": 1,
	"p.bad": 2, "b.bad": 2, "badLine": 2,
}

// shownAt says which argument of a component is shown as it is.
var shownAt = map[string]int{
	"Badge": 0, "Details": 0, "Flash": 0, "EndOfList": 0, "Tabs": 0, "Chips": 0, "Steps": 0, "Table": 0, "Stat": 0, "Meter": 0,
}

// shownFields are the fields of components' properties that are shown as they are.
var shownFields = []string{
	"Label", "Title", "Text", "Lead", "Hint", "Placeholder", "Kicker", "Note", "ActionLabel", "Meta", "Description", "LinkLabel", "Alt",
}

func (s *source) file(set *token.FileSet, name string, file *ast.File) {
	at := func(n ast.Node) string { return name + ":" + strconv.Itoa(set.Position(n.Pos()).Line) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			s.call(file.Name.Name, n, at(n))
		case *ast.CompositeLit:
			s.literal(n, at(n))
		}
		return true
	})
	if strings.HasSuffix(name, "_templ.go") {
		for _, d := range file.Decls {
			s.markup(name, d)
		}
	}
}

func (s *source) call(pkg string, n *ast.CallExpr, where string) {
	fn := nameOf(n.Fun)
	if pkg == "errs" && (fn == "New" || fn == "InvalidField" || fn == "FieldOf") {
		fn = "errs." + fn
	}
	if pkg == "i18n" && fn == "Key" {
		fn = "i18n.Key"
	}
	if i, ok := sentenceAt[fn]; ok && len(n.Args) > i {
		if text, ok := constant(n.Args[i]); ok && (hasWords(text) || strings.HasPrefix(fn, "i18n.")) {
			if strings.HasPrefix(fn, "errs.") && len(n.Args) == i+1 {
				text = strings.ReplaceAll(text, "%%", "%")
			}
			s.uses = append(s.uses, use{text, fn != "i18n.N", hasWords(text), where})
		}
	}
	short, isUI := strings.CutPrefix(fn, "ui.")
	if i, ok := shownAt[short]; ok && (isUI || pkg == "ui") && len(n.Args) > i {
		if text, ok := constant(n.Args[i]); ok && hasWords(text) {
			s.bare = append(s.bare, where+": "+strconv.Quote(text))
		}
	}
}

// literal reads errs.Field{…}, errs.Error{…} and components' properties.
func (s *source) literal(n *ast.CompositeLit, where string) {
	kind := nameOf(n.Type)
	isUI := strings.HasPrefix(kind, "ui.")
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		text, ok := constant(kv.Value)
		if !ok || !hasWords(text) {
			continue
		}
		switch field := nameOf(kv.Key); {
		case (kind == "errs.Field" || kind == "errs.Error" || strings.HasSuffix(kind, ".Problem")) && field == "Message":
			s.uses = append(s.uses, use{text, true, true, where})
		case isUI && slices.Contains(shownFields, field):
			s.bare = append(s.bare, where+": "+strconv.Quote(text))
		}
	}
}

// markup reads the text and the spoken attributes that a component writes as they are.
func (s *source) markup(name string, d ast.Decl) {
	fn, ok := d.(*ast.FuncDecl)
	if !ok {
		return
	}
	var b strings.Builder
	ast.Inspect(fn, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && nameOf(call.Fun) == "templruntime.WriteString" && len(call.Args) == 3 {
			if text, ok := constant(call.Args[2]); ok {
				b.WriteString(text)
			}
		}
		return true
	})
	z := html.NewTokenizer(strings.NewReader(b.String()))
	quiet := ""
	report := func(text string) {
		if hasWords(text) {
			s.bare = append(s.bare, name+" in "+fn.Name.Name+": "+strconv.Quote(strings.TrimSpace(text)))
		}
	}
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			if quiet == "" {
				report(string(z.Text()))
			}
		case html.EndTagToken:
			if tag, _ := z.TagName(); string(tag) == quiet {
				quiet = ""
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, more := z.TagName()
			if t := string(tag); slices.Contains([]string{"script", "style", "code", "kbd", "svg"}, t) && quiet == "" {
				quiet = t
			}
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				if slices.Contains([]string{"aria-label", "title", "placeholder", "alt"}, string(k)) {
					report(string(v))
				}
			}
		}
	}
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return nameOf(e.X)
	}
	return ""
}

// constant returns a text that is written out, in one or several parts.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.ParenExpr:
		return constant(e.X)
	case *ast.BinaryExpr:
		l, lok := constant(e.X)
		r, rok := constant(e.Y)
		return l + r, lok && rok && e.Op == token.ADD
	}
	return "", false
}

var verb = regexp.MustCompile(`%(\[\d+\])?[-+ #0]*[\d.]*(\[\d+\])?[a-zA-Z%]`)

// names are what is called the same in every language.
var names = regexp.MustCompile(`\b(OpenAPI|API|REST|JSON|GeoJSON|CSV|URL|IBAN|Stoa|RFC|min|km|h|m|kcal|PIN|ID|QR|TOTP|OAuth|PKCE)\b`)

// hasWords reports whether a text has a word in it that could be said in another language.
func hasWords(text string) bool {
	letters := 0
	for _, r := range names.ReplaceAllString(verb.ReplaceAllString(text, ""), "") {
		if unicode.IsLetter(r) {
			if letters++; letters == 2 {
				return true
			}
		} else {
			letters = 0
		}
	}
	return false
}

// translated returns the keys of all catalogues of a language and the files that have each.
func translated(t *testing.T, lang string) (plain, forms map[string]string, files map[string]catalog) {
	t.Helper()
	plain, forms, files = map[string]string{}, map[string]string{}, map[string]catalog{}
	all, err := fs.Glob(catalogs, "catalog/*."+lang+".toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		text, err := catalogs.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files[name] = c
		for k, v := range c.plain {
			if old, ok := plain[k]; ok && old != v {
				t.Errorf("%s translates %q as %q, another catalogue as %q: say one of them differently in English, too", name, k, v, old)
			}
			plain[k] = v
		}
		for _, m := range c.forms {
			forms[m.ID] = m.Other
		}
	}
	return plain, forms, files
}

func TestEverySentenceOfTheSourceIsTranslated(t *testing.T) {
	packages := read(t)
	for _, lang := range Langs[1:] {
		plain, forms, _ := translated(t, lang)
		for _, pkg := range slices.Sorted(maps.Keys(packages)) {
			if english[pkg] != "" {
				continue
			}
			missing := map[string]bool{}
			for _, u := range packages[pkg].uses {
				if !u.must {
					continue
				}
				if _, ok := plain[u.key]; u.plain && !ok {
					missing[strconv.Quote(u.key)+" = \"\"    # "+u.where] = true
				}
				if _, ok := forms[u.key]; !u.plain && !ok {
					missing["["+strconv.Quote(u.key)+"]    # "+u.where] = true
				}
			}
			done := len(missing) == 0 && len(packages[pkg].bare) == 0
			if slices.Contains(later, pkg) {
				if done {
					t.Errorf("%s is translated: take it off the list of those that are not yet", pkg)
				}
				continue
			}
			if len(missing) > 0 {
				t.Errorf("%s says in English only; add to catalog/%s.%s.toml:\n%s", pkg, pkg[strings.LastIndexByte(pkg, '/')+1:], lang,
					strings.Join(slices.Sorted(maps.Keys(missing)), "\n"))
			}
			if len(packages[pkg].bare) > 0 {
				t.Errorf("%s shows texts that no i18n.T says:\n%s", pkg, strings.Join(packages[pkg].bare, "\n"))
			}
		}
	}
	for _, pkg := range later {
		if packages[pkg] == nil {
			t.Errorf("there is no package %s to be translated later", pkg)
		}
	}
}

func TestNoTranslationIsLeftOver(t *testing.T) {
	plain, forms := map[string]bool{}, map[string]bool{}
	for _, s := range read(t) {
		for _, u := range s.uses {
			if u.plain {
				plain[u.key] = true
			} else {
				forms[u.key] = true
			}
		}
	}
	for _, lang := range Langs[1:] {
		_, _, files := translated(t, lang)
		for name, c := range files {
			for k := range c.plain {
				if !plain[k] {
					t.Errorf("%s translates %q, which nobody says", name, k)
				}
			}
			for _, m := range c.forms {
				if !forms[m.ID] {
					t.Errorf("%s translates the number of %q, which nobody says", name, m.ID)
				}
			}
		}
	}
}

// values returns the verbs of a sentence by the argument that each takes.
func values(sentence string) map[int]string {
	out := map[int]string{}
	next := 1
	for _, v := range verb.FindAllString(sentence, -1) {
		if strings.HasSuffix(v, "%") {
			continue
		}
		if i, j := strings.IndexByte(v, '['), strings.IndexByte(v, ']'); i >= 0 && j > i {
			if n, err := strconv.Atoi(v[i+1 : j]); err == nil {
				next = n
			}
			v = v[:i] + v[j+1:]
		}
		out[next] = v
		next++
	}
	return out
}

func TestTranslationsTakeTheValuesOfTheirEnglish(t *testing.T) {
	for _, lang := range Langs[1:] {
		_, _, files := translated(t, lang)
		for name, c := range files {
			for key, own := range c.plain {
				if strings.TrimSpace(own) == "" {
					t.Errorf("%s: %q has no translation", name, key)
				}
				if !strings.Contains(key, "%") && !strings.Contains(own, "%") {
					continue
				}
				if !maps.Equal(values(key), values(own)) {
					t.Errorf("%s: %q takes other values than %q", name, own, key)
				}
			}
			for _, m := range c.forms {
				want := values(m.Other)
				for _, form := range []string{m.ID, m.One} {
					for i, v := range values(form) {
						if want[i] != v {
							t.Errorf("%s: %q takes other values than %q", name, form, m.Other)
						}
					}
				}
			}
		}
	}
}

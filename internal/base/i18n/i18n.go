// Package i18n says Stoa's sentences in the language of whoever reads them.
//
// The English sentence stands in the code and is its own key: T(ctx, "Ready at %s", at). English is therefore returned at once; for another
// language the sentence is looked up in the catalogues, catalog/NAME.de.toml, and is said in English where they lack it. A test reads the
// source and reports what is missing, what nobody says any more, and translations that take other values than their English.
//
// A package writes its German into a file of its own name:
//
//	"Ready at %s" = "Fertig um %s"
//
//	["%d dish"]          # the first form given to N
//	one = "%d Gericht"
//	other = "%d Gerichte"
//
// A value that stands elsewhere in the other language is named by its place: "%[2]s, %[1]d". Errors keep their sentence and its values
// apart (package errs), so that Error can translate them where they are shown.
package i18n

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	bundle "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// Langs are the languages that pages and letters are written in; the first is the one of the source.
var Langs = []string{"en", "de"}

//go:embed catalog/*.toml
var catalogs embed.FS

// words is one language other than English.
type words struct {
	lang  string
	plain map[string]string
	forms *bundle.Localizer // of sentences that depend on a number
}

var (
	spoken  = must(load(catalogs))
	matcher = language.NewMatcher(tags())
)

func must(m map[string]*words, err error) map[string]*words {
	if err != nil {
		panic(err) // the catalogues are part of the program: a broken one fails every test
	}
	return m
}

func tags() []language.Tag {
	out := make([]language.Tag, len(Langs))
	for i, l := range Langs {
		out[i] = language.MustParse(l)
	}
	return out
}

type contextKey struct{}

// With returns a context whose sentences are said in the nearest of Langs to a BCP 47 tag: in English where none is near.
func With(ctx context.Context, lang string) context.Context {
	return context.WithValue(ctx, contextKey{}, spoken[nearest(lang)])
}

func from(ctx context.Context) *words {
	w, _ := ctx.Value(contextKey{}).(*words)
	return w
}

// Lang returns the language of ctx, one of Langs.
func Lang(ctx context.Context) string {
	if w := from(ctx); w != nil {
		return w.lang
	}
	return Langs[0]
}

// Nearest returns the nearest of Langs to a BCP 47 tag, or "" where none is near.
func Nearest(lang string) string {
	if lang == "" {
		return ""
	}
	t, err := language.Parse(lang)
	if err != nil {
		return ""
	}
	_, i, sure := matcher.Match(t)
	if sure < language.High {
		return ""
	}
	return Langs[i]
}

func nearest(lang string) string {
	if _, ok := spoken[lang]; ok {
		return lang
	}
	return Nearest(lang)
}

// maxAccept bounds what is read of a header: browsers send some dozens of bytes.
const maxAccept = 256

// Match returns the one of Langs that the header Accept-Language likes best, or "" where it likes none of them or is empty.
func Match(accept string) string {
	if accept == "" || len(accept) > maxAccept {
		return ""
	}
	asked, weights, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return ""
	}
	for i, t := range asked {
		if weights[i] <= 0 || t == language.Und {
			continue
		}
		if _, n, sure := matcher.Match(t); sure >= language.High {
			return Langs[n]
		}
	}
	return ""
}

// T says a sentence with its values, as fmt.Sprintf puts them in. Without values the sentence is taken as it is.
func T(ctx context.Context, sentence string, args ...any) string {
	if w := from(ctx); w != nil {
		if own, ok := w.plain[sentence]; ok {
			sentence = own
		}
	}
	if len(args) == 0 {
		return sentence
	}
	return fmt.Sprintf(sentence, in(ctx, args)...)
}

// in returns values whose phrases are said in the language of ctx.
func in(ctx context.Context, args []any) []any {
	for i, a := range args {
		if p, ok := a.(Phrase); ok {
			args = slices.Clone(args) // the caller's stay as they are
			args[i] = p.In(ctx)
		}
	}
	return args
}

// N says a sentence that depends on a number: one for 1, other else, in other languages as they do it. The values are n alone where none
// are given, else those given.
func N(ctx context.Context, n int, one, other string, args ...any) string {
	if len(args) == 0 {
		args = []any{n}
	}
	sentence := other
	if n == 1 {
		sentence = one
	}
	if w := from(ctx); w != nil {
		if own, err := w.forms.Localize(&bundle.LocalizeConfig{MessageID: one, PluralCount: n}); err == nil && own != "" {
			sentence = own
		}
	}
	if !strings.Contains(sentence, "%") { // "a dish": the number is in the words
		return sentence
	}
	return fmt.Sprintf(sentence, args...)
}

// Key returns its sentence as it is: it marks one that stands in a table and is said by T later, so that the test sees it.
func Key(sentence string) string { return sentence }

// Phrase is a part of a sentence that is said in the language of the whole: a value of T's, or of an error's sentence. In English, and in
// logs, it is what String returns.
type Phrase struct {
	Format string
	Args   []any
}

// P returns a Phrase: P("tomorrow %s", "18:00").
func P(format string, args ...any) Phrase { return Phrase{format, args} }

// String says the phrase in English.
func (p Phrase) String() string { return T(context.Background(), p.Format, p.Args...) }

// In says the phrase in the language of ctx.
func (p Phrase) In(ctx context.Context) string { return T(ctx, p.Format, p.Args...) }

// Error says what a person may know of err. It returns "" for an error that is not for people (not an *errs.Error).
func Error(ctx context.Context, err error) string {
	e := errs.As(err)
	if e == nil {
		return ""
	}
	return Say(ctx, e.Message, e.Format, e.Args)
}

// Field says what is wrong with one input.
func Field(ctx context.Context, f errs.Field) string { return Say(ctx, f.Message, f.Format, f.Args) }

// Say says a sentence that was put together before it was known for whom: message is its English, format and args are what that was made
// of, where it has values. A value that is a sentence itself is said in the language of ctx, too.
func Say(ctx context.Context, message, format string, args []any) string {
	if from(ctx) == nil {
		return message
	}
	if len(args) == 0 {
		return T(ctx, message)
	}
	own := make([]any, len(args))
	for i, a := range args {
		own[i] = a
		if s, ok := a.(string); ok {
			own[i] = T(ctx, s)
		}
	}
	return T(ctx, format, own...)
}

// load reads the catalogues of all languages.
func load(files fs.FS) (map[string]*words, error) {
	out := map[string]*words{Langs[0]: nil}
	all, err := fs.Glob(files, "catalog/*.toml")
	if err != nil {
		return nil, fmt.Errorf("i18n: list catalogues: %w", err)
	}
	b := bundle.NewBundle(language.English)
	for _, lang := range Langs[1:] {
		w := &words{lang: lang, plain: map[string]string{}}
		for _, name := range all {
			if !strings.HasSuffix(name, "."+lang+".toml") {
				continue
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, fmt.Errorf("i18n: read %s: %w", name, err)
			}
			c, err := parse(text)
			if err != nil {
				return nil, fmt.Errorf("i18n: %s: %w", path.Base(name), err)
			}
			maps.Copy(w.plain, c.plain)
			if err := b.AddMessages(language.MustParse(lang), c.forms...); err != nil {
				return nil, fmt.Errorf("i18n: %s: %w", path.Base(name), err)
			}
		}
		w.forms = bundle.NewLocalizer(b, lang)
		out[lang] = w
	}
	return out, nil
}

// catalog is one file.
type catalog struct {
	plain map[string]string
	forms []*bundle.Message
}

func parse(text []byte) (catalog, error) {
	var raw map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return catalog{}, err
	}
	c := catalog{plain: map[string]string{}}
	for key, v := range raw {
		switch v := v.(type) {
		case string:
			c.plain[key] = v
		case map[string]any:
			// Given by hand, not by the library's own reader: that takes a sentence such as "Description" for one of its own words.
			one, _ := v["one"].(string)
			other, _ := v["other"].(string)
			if one == "" || other == "" || len(v) != 2 {
				return catalog{}, fmt.Errorf("%q needs the forms one and other", key)
			}
			c.forms = append(c.forms, &bundle.Message{ID: key, One: one, Other: other, LeftDelim: "\x00", RightDelim: "\x00"})
		default:
			return catalog{}, fmt.Errorf("%q is no text", key)
		}
	}
	return c, nil
}

package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestFoldMakesSpellingsEqual(t *testing.T) {
	for in, want := range map[string]string{
		"pizza":          "pizza",
		"Crème Brûlée":   "creme brulee",
		"Straße":         "strasse",
		"STRASSE":        "strasse",
		"GROẞ":           "gross",
		"Smørrebrød":     "smorrebrod",
		"Łódź":           "lodz",
		"Đuveč":          "duvec",
		"İstanbul Kışla": "istanbul kisla",
		"Æbleskiver":     "aebleskiver",
		"ﬁsh":            "fish",
		"Ｓｕｓｈｉ":          "sushi",
		"Phở":            "pho",
		"ΣΊΣΥΦΟΣ":        "σισυφοσ",
		"寿司":             "寿司",
		"":               "",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestSlugIsReadable(t *testing.T) {
	for _, tt := range []struct {
		in   string
		max  int
		want string
	}{
		{"Trattoria da Luigi", 40, "trattoria-da-luigi"},
		{"  Joe's Diner & Grill! ", 40, "joes-diner-grill"},
		{"Zum Grünen Baum", 40, "zum-grunen-baum"},
		{"Café №1", 40, "cafe-no1"},
		{"trattoria da luigi", 12, "trattoria-da"},
		{"trattoria da luigi", 11, "trattoria"},
		{"abcdefghij-k", 5, "abcde"},
		{"寿司", 40, ""},
		{"a b", 0, ""},
		{"a b", -3, ""},
	} {
		if got := Slug(tt.in, tt.max); got != tt.want {
			t.Errorf("Slug(%q, %d) = %q; want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func TestCleanLeavesWhatCanBeShown(t *testing.T) {
	for _, tt := range []struct {
		in   string
		max  int
		want string
	}{
		{"  a \t\n b  ", 10, "a b"},
		{"a\x00b\x7f", 10, "ab"},
		{"\u202egpj.exe\u202c", 20, "gpj.exe"},
		{"e\u0301", 10, "é"},
		{"e\u200b\u0301", 10, "é"},
		{"bad\xff", 10, "bad"},
		{"ab cd", 3, "ab"},
		{"ab cd", 4, "ab c"},
		{"grün", 3, "grü"},
		{"👩\u200d🍳", 10, "👩\u200d🍳"},
		{"x", 0, ""},
	} {
		if got := Clean(tt.in, tt.max); got != tt.want {
			t.Errorf("Clean(%q, %d) = %q; want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func TestHandleTakesPlainNamesOnly(t *testing.T) {
	for in, want := range map[string]bool{
		"anna": true, "a1": true, "_x": true, strings.Repeat("a", 30): true,
		"": false, "a": false, strings.Repeat("a", 31): false, "Anna": false, "an na": false, "änna": false, "a-b": false, "a\n": false,
	} {
		if got := Handle(in); got != want {
			t.Errorf("Handle(%q) = %v; want %v", in, got, want)
		}
	}
}

func TestEmailChecksSyntax(t *testing.T) {
	for in, want := range map[string]string{
		" Anna@Example.ORG ":                     "anna@example.org",
		"a.b+tag@sub.example.de":                 "a.b+tag@sub.example.de",
		"o'neil@xn--bcher-kva.de":                "o'neil@xn--bcher-kva.de",
		"":                                       "",
		"anna":                                   "",
		"@example.org":                           "",
		"anna@":                                  "",
		"anna@localhost":                         "",
		"anna@127.0.0.1":                         "",
		"anna@[127.0.0.1]":                       "",
		"a@b@example.org":                        "",
		"a..b@example.org":                       "",
		".a@example.org":                         "",
		"a.@example.org":                         "",
		"a b@example.org":                        "",
		"a@-example.org":                         "",
		"a@example..org":                         "",
		"a@example.org.":                         "",
		"a@example.org\nBcc: x":                  "",
		"änna@example.org":                       "",
		strings.Repeat("a", 65) + "@example.org": "",
		"a@" + strings.Repeat("b.", 130) + "org": "",
	} {
		if got, ok := Email(in); got != want || ok != (want != "") {
			t.Errorf("Email(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

func checkAll(t interface{ Fatalf(string, ...any) }, s string, max int) {
	folded := Fold(s)
	if again := Fold(folded); again != folded {
		t.Fatalf("Fold(%q) = %q, folded again %q", s, folded, again)
	}
	slug := Slug(s, max)
	if Slug(slug, max) != slug || len(slug) > max || strings.Trim(slug, "-") != slug {
		t.Fatalf("Slug(%q, %d) = %q", s, max, slug)
	}
	clean := Clean(s, max)
	if again := Clean(clean, max); again != clean {
		t.Fatalf("Clean(%q, %d) = %q, cleaned again %q", s, max, clean, again)
	}
	if utf8.RuneCountInString(clean) > max || !utf8.ValidString(clean) || !norm.NFC.IsNormalString(clean) {
		t.Fatalf("Clean(%q, %d) = %q: too long or not NFC", s, max, clean)
	}
	if strings.ContainsFunc(clean, unicode.IsControl) || strings.TrimSpace(clean) != clean {
		t.Fatalf("Clean(%q) = %q", s, clean)
	}
	if mail, ok := Email(s); ok {
		if again, ok := Email(mail); !ok || again != mail {
			t.Fatalf("Email(%q) = %q, which gives %q, %v", s, mail, again, ok)
		}
	}
	if Handle(s) && Fold(s) != s {
		t.Fatalf("Handle(%q) = true, though it is not folded", s)
	}
}

func TestEveryTextIsStableOnceTreated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkAll(t, rapid.String().Draw(t, "s"), rapid.IntRange(0, 50).Draw(t, "max"))
	})
}

func FuzzText(f *testing.F) {
	f.Add("Crème Brûlée", 8)
	f.Add("anna@example.org", 30)
	f.Add("\u202ee\u200b\u0301\xff", 2)
	f.Fuzz(func(t *testing.T, s string, max int) {
		if max < 0 || max > 1000 {
			return
		}
		checkAll(t, s, max)
	})
}

func BenchmarkFold(b *testing.B) {
	for b.Loop() {
		Fold("Smørrebrød und Crème Brûlée")
	}
}

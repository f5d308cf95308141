package markup

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// links resolves mentions of anna and ben@far.example.
var links = Links{
	Mention: func(acct string) (string, string, bool) {
		switch acct {
		case "anna", "anna@town.example":
			return "anna", "https://town.example/@anna", true
		case "ben@far.example":
			return "ben@far.example", "https://far.example/@ben", true
		}
		return "", "", false
	},
	Tag: func(tag string) string { return "https://town.example/tags/" + url.PathEscape(tag) },
}

const annaLink = `<span class="h-card"><a href="https://town.example/@anna" class="u-url mention">@<span>anna</span></a></span>`

func tagLink(folded, shown string) string {
	return `<a href="https://town.example/tags/` + folded + `" class="mention hashtag" rel="tag">#<span>` + shown + `</span></a>`
}

func plainLink(href, scheme, shown, rest string) string {
	class := "<span>"
	if rest != "" {
		class = `<span class="ellipsis">`
	}
	return `<a href="` + href + `" rel="nofollow noopener" target="_blank"><span class="invisible">` + scheme + `</span>` + class + shown + `</span><span class="invisible">` + rest + `</span></a>`
}

func TestTextBecomesHTML(t *testing.T) {
	for in, want := range map[string]string{
		"":                          ``,
		"Hello":                     `<p>Hello</p>`,
		"a\nb\n\nc":                 `<p>a<br>b</p><p>c</p>`,
		"**bold** and *it*":         `<p><strong>bold</strong> and <em>it</em></p>`,
		"__bold__ and _it_":         `<p><strong>bold</strong> and <em>it</em></p>`,
		"**a *b* c**":               `<p><strong>a <em>b</em> c</strong></p>`,
		"2*3*4 and a_b_c":           `<p>2*3*4 and a_b_c</p>`,
		"* alone":                   `<ul><li>alone</li></ul>`,
		"a * b * c":                 `<p>a * b * c</p>`,
		`\*not\* \@anna`:            `<p>*not* @anna</p>`,
		"`a <b> **c**`":             `<p><code>a &lt;b&gt; **c**</code></p>`,
		"```\nx < y\n**z**\n```":    "<pre><code>x &lt; y\n**z**</code></pre>",
		"```\nopen":                 `<pre><code>open</code></pre>`,
		"- one\n- two":              `<ul><li>one</li><li>two</li></ul>`,
		"1. one\n2. two":            `<ol><li>one</li><li>two</li></ol>`,
		"3. three":                  `<ol start="3"><li>three</li></ol>`,
		"2026. That was a year":     `<p>2026. That was a year</p>`,
		"> said\n> again\nanswer":   `<blockquote><p>said<br>again</p></blockquote><p>answer</p>`,
		">> deep":                   `<blockquote><blockquote><p>deep</p></blockquote></blockquote>`,
		"<script>alert(1)</script>": `<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>`,
		`"a" & 'b'`:                 `<p>&#34;a&#34; &amp; &#39;b&#39;</p>`,
		"Hi @anna!":                 `<p>Hi ` + annaLink + `!</p>`,
		"@Anna, @nobody":            `<p>` + annaLink + `, @nobody</p>`,
		"anna@town.example":         `<p>anna@town.example</p>`,
		"(@anna@town.example)":      `<p>(` + annaLink + `)</p>`,
		"@ben@far.example.":         `<p><span class="h-card"><a href="https://far.example/@ben" class="u-url mention">@<span>ben@far.example</span></a></span>.</p>`,
		"#Käse, #a_b #1 # x#y":      `<p>` + tagLink("kase", "Käse") + `, ` + tagLink("a_b", "a_b") + ` #1 # x#y</p>`,
		"see https://a.example/x.":  `<p>see ` + plainLink("https://a.example/x", "https://", "a.example/x", "") + `.</p>`,
		"(https://a.example/x_(y))": `<p>(` + plainLink("https://a.example/x_(y)", "https://", "a.example/x_(y)", "") + `)</p>`,
		"http://www.a.example/0123456789012345678901234": `<p>` + plainLink("http://www.a.example/0123456789012345678901234", "http://www.", "a.example/01234567890123456789", "01234") + `</p>`,
		"https://a.example/?a=1&b=<":                     `<p>` + plainLink("https://a.example/?a=1&amp;b=", "https://", "a.example/?a=1&amp;b=", "") + `&lt;</p>`,
		"https://a_b.example/c_d_e":                      `<p>` + plainLink("https://a_b.example/c_d_e", "https://", "a_b.example/c_d_e", "") + `</p>`,
		"https://user:pw@a.example":                      `<p>https://user:pw@a.example</p>`,
		"xhttps://a.example":                             `<p>xhttps://a.example</p>`,
		"javascript://a.example":                         `<p>javascript://a.example</p>`,
		"[menu](https://a.example)":                      `<p><a href="https://a.example" rel="nofollow noopener" target="_blank">menu</a></p>`,
		"[x](javascript:alert)":                          `<p>[x](javascript:alert)</p>`,
		"[https://bank.example](https://evil.example)":   `<p>` + plainLink("https://evil.example", "https://", "evil.example", "") + `</p>`,
		"[@anna #x](https://a.example)":                  `<p><a href="https://a.example" rel="nofollow noopener" target="_blank">@anna #x</a></p>`,
		"**#food @anna**":                                `<p><strong>` + tagLink("food", "food") + ` ` + annaLink + `</strong></p>`,
	} {
		if got := HTML(in, links); got != want {
			t.Errorf("HTML(%q) = %s\nwant %s", in, got, want)
		}
	}
}

func TestFindSaysWhatATextSpeaksOf(t *testing.T) {
	got := Find("Hi @anna and @Ben@far.example: #Food #food https://a.example/1 [b](https://b.example) `@no #no`")
	want := Found{Mentions: []string{"anna", "ben@far.example"}, Tags: []string{"food"}, Links: []string{"https://a.example/1", "https://b.example"}}
	got.Length = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
	for in, want := range map[string]int{
		"": 0, "abc": 3, "äöü": 3, "https://a.example": 23, "x https://a.example/" + strings.Repeat("y", 500): 25, "@ben@far.example": 4,
		"👨‍👩‍👧": 1, "👍🏽": 1, "e\u0301": 1, "[b](https://b.example)": 28,
	} {
		if got := Find(in).Length; got != want {
			t.Errorf("Find(%q).Length = %d; want %d", in, got, want)
		}
	}
}

func TestShortcodesAreFoundBetweenColons(t *testing.T) {
	for in, want := range map[string][]string{
		"a :stoa: b :stoa::x2:": {"stoa", "x2"}, "12:30:45": {"30"}, ":a:": nil, "::": nil, ":no way:": nil, "": nil,
	} {
		if got := Shortcodes(in); !slices.Equal(got, want) {
			t.Errorf("Shortcodes(%q) = %q; want %q", in, got, want)
		}
	}
}

// policy allows exactly what the renderer writes.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "code", "pre", "ul", "li", "blockquote", "span")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,3}$`)).OnElements("ol")
	p.AllowElements("ol")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(h-card|invisible|ellipsis)$`)).OnElements("span")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(u-url mention|mention hashtag)$`)).OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^(tag|nofollow noopener)$`)).OnElements("a")
	p.AllowAttrs("target").Matching(regexp.MustCompile(`^_blank$`)).OnElements("a")
	p.AllowAttrs("href").OnElements("a")
	p.RequireParseableURLs(true)
	p.AllowURLSchemes("http", "https")
	return p
}()

// tokens returns a document as comparable words.
func tokens(t interface{ Fatalf(string, ...any) }, s string) (out []string) {
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.TextToken:
			text := z.Token().Data
			if n := len(out); n > 0 && strings.HasPrefix(out[n-1], "text ") {
				out[n-1] += text // where one text ends and the next begins says nothing
				continue
			}
			out = append(out, "text "+text)
		case html.CommentToken, html.DoctypeToken:
			t.Fatalf("%q has a comment or a doctype", s)
		default:
			tok := z.Token()
			slices.SortFunc(tok.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
			out = append(out, tok.String())
		}
	}
}

// wellFormed fails where tags don't match, or an element is where it must not be.
func wellFormed(t interface{ Fatalf(string, ...any) }, s string) {
	z := html.NewTokenizer(strings.NewReader(s))
	var open []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Fatalf("%q leaves %v open", s, open)
			}
			return
		case html.StartTagToken:
			name, _ := z.TagName()
			n := string(name)
			if n == "br" {
				continue
			}
			if n == "a" && slices.Contains(open, "a") {
				t.Fatalf("%q has a link within a link", s)
			}
			if n == "p" && slices.Contains(open, "p") {
				t.Fatalf("%q has a paragraph within a paragraph", s)
			}
			open = append(open, n)
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("%q closes %s while %v are open", s, name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// scraps are what texts of the property tests are made of: everything that means something to the renderer.
var scraps = []string{
	"*", "**", "***", "_", "__", "`", "```", "\n", "\n\n", "> ", ">", "- ", "* ", "1. ", "42) ", "[", "](", ")", "](https://a.example)", "\\", "@anna", "@ben@far.example", "@", "#", "#food", "#ä",
	"https://", "http://a.example/x?y=1&z=2#q", "https://a.example/(b)", "HTTPS://WWW.A.EXAMPLE", "javascript:alert(1)", "<script>", "</p>", "<", ">", "&", "&lt;", "\"", "'", " ", "a", "é", "👩‍🚀", "\x00", "\u202e",
	"onerror=", "--", "text ", "\t", "\r\n", "[x](http://b.example/%zz)", "[http://c.example](https://d.example)", ":stoa:",
}

func texts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 25).Draw(t, "n") {
			if rapid.IntRange(0, 6).Draw(t, "kind") == 0 {
				b.WriteString(rapid.String().Draw(t, "any"))
				continue
			}
			b.WriteString(rapid.SampledFrom(scraps).Draw(t, "scrap"))
		}
		return b.String()
	})
}

func checkHTML(t interface{ Fatalf(string, ...any) }, in string) {
	s := Clean(in)
	if again := Clean(s); again != s {
		t.Fatalf("Clean(%q) = %q, and of that %q", in, s, again)
	}
	got := HTML(s, links)
	wellFormed(t, got)
	if diff := cmp.Diff(tokens(t, got), tokens(t, policy.Sanitize(got))); diff != "" {
		t.Fatalf("HTML(%q) = %s is not what bluemonday leaves of it (-ours +its):\n%s", s, got, diff)
	}
	f := Find(s)
	if f.Length < 0 || len(s) == 0 && f.Length != 0 {
		t.Fatalf("Find(%q).Length = %d", s, f.Length)
	}
	for _, tag := range f.Tags {
		if !strings.Contains(got, "/tags/"+url.PathEscape(tag)+`"`) {
			t.Fatalf("Find(%q) has the tag %q, which HTML does not link: %s", s, tag, got)
		}
	}
}

func TestAnyTextIsSafeAndWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkHTML(t, texts().Draw(t, "text")) })
}

func FuzzHTML(f *testing.F) {
	for _, s := range scraps {
		f.Add(s + "x" + s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkHTML(t, s) })
}

// TestNoTextTakesLong holds texts that a careless renderer looks through again and again.
func TestNoTextTakesLong(t *testing.T) {
	for _, s := range []string{"*a ", "**a ", "_a ", "[a](", "`a", "@a@", "> ", "https://a", "https://a@", "https://%zz", "https://a)", "[x](https://a@", "((((", "*", "[", "#a", "**a *b ", "1. "} {
		in := strings.Repeat(s, 20_000/len(s))
		best := time.Hour // of three: the machine may be busy
		for range 3 {
			began := time.Now()
			HTML(in, links)
			best = min(best, time.Since(began))
		}
		if best > 100*time.Millisecond {
			t.Errorf("20,000 bytes of %q take %s", s, best)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	const in = "Heute Abend in der Küche: **Dal** und _Reis_ für alle, die Hunger haben. @anna bringt Brot mit! #essen #nachbarschaft https://example.com/rezepte/dal?mit=brot"
	b.ReportAllocs()
	for b.Loop() {
		HTML(in, links)
	}
}

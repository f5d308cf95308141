package ui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"

	"github.com/stoa-town/stoa/internal/base/errs"
)

func walk(n *nethtml.Node, f func(*nethtml.Node)) {
	f(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, f)
	}
}

func attr(n *nethtml.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *nethtml.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// words is the text that a person who hears the page is told for n.
func words(n *nethtml.Node) string {
	var b strings.Builder
	walk(n, func(c *nethtml.Node) {
		if c.Type == nethtml.TextNode {
			b.WriteString(c.Data)
		}
	})
	return strings.TrimSpace(b.String())
}

func TestEveryComponentKeepsTheContentSecurityPolicy(t *testing.T) {
	for name, c := range gallery() {
		t.Run(name, func(t *testing.T) {
			doc, err := nethtml.Parse(strings.NewReader(render(t, c)))
			if err != nil {
				t.Fatal(err)
			}
			walk(doc, func(n *nethtml.Node) {
				for _, a := range n.Attr {
					if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
						t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
					}
				}
				if (n.Data == "script" || n.Data == "style") && attr(n, "nonce") != "gallery" {
					t.Errorf("<%s> without the nonce", n.Data)
				}
			})
		})
	}
}

func TestEveryControlHasANameAndIdsAreUnique(t *testing.T) {
	for name, c := range gallery() {
		t.Run(name, func(t *testing.T) {
			doc, err := nethtml.Parse(strings.NewReader(render(t, c)))
			if err != nil {
				t.Fatal(err)
			}
			ids, labels := map[string]int{}, map[string]bool{}
			walk(doc, func(n *nethtml.Node) {
				if id := attr(n, "id"); id != "" {
					ids[id]++
				}
				if n.Data == "label" {
					labels[attr(n, "for")] = true
				}
			})
			for id, n := range ids {
				if n > 1 {
					t.Errorf("id %q occurs %d times", id, n)
				}
			}
			for id := range labels {
				if ids[id] == 0 {
					t.Errorf("a label points at %q, which does not exist", id)
				}
			}
			walk(doc, func(n *nethtml.Node) {
				switch n.Data {
				case "input", "select", "textarea":
					if n.Type == nethtml.ElementNode && attr(n, "type") != "hidden" && !labels[attr(n, "id")] {
						t.Errorf("<%s name=%q> has no label", n.Data, attr(n, "name"))
					}
					if d := attr(n, "aria-describedby"); d != "" && ids[d] == 0 {
						t.Errorf("%q is described by %q, which does not exist", attr(n, "name"), d)
					}
				case "button", "a":
					if n.Type == nethtml.ElementNode && words(n) == "" && attr(n, "aria-label") == "" {
						t.Errorf("<%s href=%q> says nothing", n.Data, attr(n, "href"))
					}
				case "img":
					if !has(n, "alt") || !has(n, "width") {
						t.Errorf("<img src=%q> lacks alt or size", attr(n, "src"))
					}
				}
			})
		})
	}
}

func TestFieldShowsTheMessageOfItsPath(t *testing.T) {
	err := errs.InvalidFields([]errs.Field{{Path: "address.street", Message: "Give a street."}, {Path: "x", Message: "Other."}})
	out := render(t, Field(FieldProps{Name: "street", Path: "address.street", Label: "Street", Err: err}))
	for _, want := range []string{"Give a street.", `aria-invalid="true"`, `aria-describedby="f-street-error"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
	if strings.Contains(out, "Other.") {
		t.Errorf("%s shows another field's message", out)
	}
}

func TestFormErrorsNeverShowsACause(t *testing.T) {
	out := render(t, FormErrors(errors.New("dial tcp 10.0.0.1: refused")))
	if strings.Contains(out, "dial") || !strings.Contains(out, "our side") {
		t.Fatalf("FormErrors = %s", out)
	}
	if out := render(t, FormErrors(nil)); out != "" {
		t.Fatalf("FormErrors(nil) = %q", out)
	}
}

func TestStructuredDataCannotEndItsElement(t *testing.T) {
	out := render(t, Page(PageProps{Title: "x", JSONLD: `{"name":"</script><b>"}`}))
	if strings.Contains(out, "</script><b>") {
		t.Fatal("JSON-LD broke out of its script element")
	}
}

func TestMoneyIsExactAndLocal(t *testing.T) {
	for _, c := range []struct {
		lang     string
		minor    int64
		currency string
		want     string
	}{
		{"en", 1250, "EUR", "€12.50"},
		{"en", -5, "EUR", "−€0.05"},
		{"en", 123456789, "USD", "$1,234,567.89"},
		{"de", 123450, "EUR", "1.234,50\u00a0€"},
		{"fr", 1250, "EUR", "12,50\u00a0€"},
		{"en", 300, "JPY", "¥300"},
		{"en", 1250, "KWD", "KWD\u00a01.250"},
		{"xx-nonsense!", 100, "GBP", "£1.00"},
		{"en", -9223372036854775808, "EUR", "−€92,233,720,368,547,758.08"},
	} {
		if got := Money(WithChrome(context.Background(), Chrome{Lang: c.lang}), c.minor, c.currency); got != c.want {
			t.Errorf("Money(%s, %d, %s) = %q; want %q", c.lang, c.minor, c.currency, got, c.want)
		}
	}
}

func TestDistancesAndDurationsReadAsPeopleSayThem(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ got, want string }{
		{Distance(ctx, 43), "40\u00a0m"},
		{Distance(ctx, 449), "450\u00a0m"},
		{Distance(ctx, 1230), "1.2\u00a0km"},
		{Distance(ctx, 14200), "14\u00a0km"},
		{Minutes(61 * time.Second), "2\u00a0min"},
		{Minutes(80 * time.Minute), "1\u00a0h 20\u00a0min"},
		{Span(26*time.Minute, 33*time.Minute), "25–35\u00a0min"},
		{Span(30*time.Minute, 30*time.Minute), "30\u00a0min"},
		{Count(ctx, 12345), "12,345"},
		{StatusWord(context.Background(), "in_delivery"), "On its way"},
	} {
		if c.got != c.want {
			t.Errorf("got %q; want %q", c.got, c.want)
		}
	}
}

func TestDaysAreSeenFromTheServersClock(t *testing.T) {
	ctx := WithChrome(context.Background(), Chrome{Now: galleryNow})
	for _, c := range []struct {
		in   time.Duration
		want string
	}{{0, "today"}, {24 * time.Hour, "tomorrow"}, {-24 * time.Hour, "yesterday"}, {72 * time.Hour, "Monday"}, {-72 * time.Hour, "Tue 17 Nov"}, {365 * 24 * time.Hour, "20 Nov 2027"}, {5 * time.Hour, "tomorrow"}} {
		if got := Day(ctx, galleryNow.Add(c.in), berlin); got != c.want {
			t.Errorf("Day(now %+v) = %q; want %q", c.in, got, c.want)
		}
	}
	if got := ClockTime(ctx, galleryNow, berlin); got != "19:42" {
		t.Errorf("ClockTime = %q; want 19:42", got)
	}
}

func TestOrderStepsEndWhereTheOrderIs(t *testing.T) {
	for status, want := range map[string]string{"created": "now", "in_delivery": "done done done done now", "concluded": "done done done done done done", "cancelled": " bad"} {
		var states []string
		for _, s := range OrderSteps(context.Background(), status, false, nil) {
			if s.State != "" || status == "cancelled" {
				states = append(states, s.State)
			}
		}
		if got := strings.Join(states, " "); got != want {
			t.Errorf("OrderSteps(%s) = %q; want %q", status, got, want)
		}
	}
}

// Names are looked up at run time, so that nothing but this test sees a slip of the pen.
func TestIconsThatPagesUseAreDrawn(t *testing.T) {
	use := regexp.MustCompile(`(?:Icon\(|Icon:\s*)"([a-z0-9-]+)"`)
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(path); ext != ".templ" && (ext != ".go" || strings.HasSuffix(path, "_templ.go")) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range use.FindAllStringSubmatch(string(text), -1) {
			seen++
			if _, ok := icons[m[1]]; !ok {
				t.Errorf("%s uses the icon %q, which is not in internal/web/assets/icons.txt (then run: npm run icons)", path, m[1])
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("found %d icons, %v", seen, err)
	}
}

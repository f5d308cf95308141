package ui

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

func or[T comparable](v, otherwise T) T { return cmp.Or(v, otherwise) }

func current(is bool) string {
	if is {
		return "page"
	}
	return "false"
}

func stepCurrent(state string) string {
	if state == "now" {
		return "step"
	}
	return "false"
}

func stepIcon(s Step) string {
	if s.State == "done" {
		return "check"
	}
	return or(s.Icon, "circle")
}

func lazy(is bool) string {
	if is {
		return "lazy"
	}
	return "eager"
}

func toneClass(prefix string, t Tone) string {
	if t == Neutral {
		return ""
	}
	return prefix + string(t)
}

func toneIcon(t Tone) string {
	switch t {
	case Good:
		return "circle-check"
	case Warn:
		return "triangle-alert"
	case Bad:
		return "circle-alert"
	}
	return "info"
}

func cartLabel(ctx context.Context, n int) string {
	if n == 0 {
		return i18n.T(ctx, "Cart, empty")
	}
	return i18n.N(ctx, n, "Cart, %d portion", "Cart, %d portions")
}

func demoWords(ctx context.Context, speed float64) string {
	if speed == 1 {
		return i18n.T(ctx, "Demo town: nobody here is real.")
	}
	return i18n.T(ctx, "Demo town, %g times as fast as life.", speed)
}

func signInURL(path string) string {
	if path == "" || path == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(path)
}

// fieldID turns a field's name or path into an id without characters that selectors and fragments would need escaped.
func fieldID(name string) string {
	return "f-" + strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' {
			return r
		}
		return '-'
	}, name)
}

func asError(err error) *errs.Error {
	e, _ := errors.AsType[*errs.Error](err)
	return e
}

func sentence(ctx context.Context, err error) string {
	if s := i18n.Error(ctx, err); s != "" {
		return s
	}
	return i18n.T(ctx, "Something went wrong on our side. Please try again in a moment.")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

func minutesSeconds(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func countdown(now, t time.Time) string {
	if left := t.Sub(now); left >= 0 {
		return minutesSeconds(left)
	}
	return "+" + minutesSeconds(now.Sub(t))
}

func elapsed(now, t time.Time) string { return minutesSeconds(max(now.Sub(t), 0)) }

func initials(name string) string {
	var out []rune
	for _, w := range strings.Fields(name) {
		for _, r := range w {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				out = append(out, unicode.ToUpper(r))
				break
			}
		}
	}
	switch len(out) {
	case 0:
		return "?"
	case 1:
		return string(out)
	}
	return string(out[0]) + string(out[len(out)-1])
}

// hue picks one of the eight avatar colours.
func hue(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32() % 8)
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// jsonText returns v as JSON; v is always one of this package's own plain types, which cannot fail to encode.
func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// jsonLD writes structured data. Closing tags inside the JSON are escaped, the only thing that could end the element early.
func jsonLD(data, nonce string) templ.Component {
	return raw(`<script type="application/ld+json" nonce="` + templ.EscapeString(nonce) + `">` + strings.ReplaceAll(data, "<", `\u003c`) + `</script>`)
}

func accent(degrees int, nonce string) templ.Component {
	return raw(`<style nonce="` + templ.EscapeString(nonce) + `">:root{--accent-h:` + strconv.Itoa(degrees) + `}</style>`)
}

func raw(html string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, html)
		return err
	})
}

package mail

import (
	"context"
	_ "embed"
	"html/template"
	"net/url"
	"strings"

	"github.com/stoa-town/stoa/internal/base/i18n"
)

//go:embed letter.html
var layoutText string

var layout = template.Must(template.New("letter").Parse(layoutText))

// frame is a letter with the words around it.
type frame struct {
	Letter
	Greeting, Instead, Footer, LeaveLabel, Town, URL string
}

func host(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// frame puts the words around a letter, in its language.
func (m *Mailer) frame(l Letter) frame {
	ctx := i18n.With(context.Background(), l.Lang)
	town, address := m.opt.Town(), m.opt.URL()
	f := frame{Letter: l, Town: town, URL: address}
	f.Lang = i18n.Lang(ctx)
	f.Greeting = i18n.T(ctx, "Hello,")
	if l.Name != "" {
		f.Greeting = i18n.T(ctx, "Hello %s,", l.Name)
	}
	f.Instead = i18n.T(ctx, "If the button does not work, copy this address into your browser:")
	f.LeaveLabel = i18n.T(ctx, "No more letters like this")
	f.Footer = i18n.T(ctx, "This letter was sent by %s, the food delivery of your town.", town)
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		f.Footer = i18n.T(ctx, "This letter was sent by %s (%s), the food delivery of your town.", town, u.Host)
	}
	return f
}

// Render returns a letter as plain text and as HTML.
func (m *Mailer) Render(l Letter) (text, html string) {
	f := m.frame(l)
	var b strings.Builder
	if err := layout.Execute(&b, f); err != nil {
		return plain(f), "" // a strings.Builder takes everything, and the layout is tested with every field
	}
	return plain(f), b.String()
}

// lineWidth is where plain text breaks.
const lineWidth = 72

func plain(f frame) string {
	var b strings.Builder
	para := func(s string) {
		b.WriteString(wrap(s))
		b.WriteString("\n\n")
	}
	para(f.Greeting)
	for _, l := range f.Lines {
		para(l)
	}
	if f.Action != nil {
		b.WriteString(f.Action.Label + ":\n" + f.Action.URL + "\n\n") // on a line of its own and never broken
	}
	for _, l := range f.After {
		para(l)
	}
	b.WriteString("-- \n" + wrap(f.Footer) + "\n")
	if f.Leave != "" {
		b.WriteString(f.LeaveLabel + ": " + f.Leave + "\n")
	}
	return b.String()
}

// wrap breaks a paragraph into lines between words; line ends that are there stay.
func wrap(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		width := 0
		var b strings.Builder
		for _, word := range strings.Fields(line) {
			n := len([]rune(word))
			switch {
			case width == 0:
			case width+1+n > lineWidth:
				b.WriteByte('\n')
				width = 0
			default:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += n
		}
		out = append(out, b.String())
	}
	return strings.Join(out, "\n")
}

// Package frame is what every page of the social network stands in: its sections, what stands beside, and dialogs over it.
package frame

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Me is the prefix of the live topic of what concerns a reader alone; their id follows after a colon.
const Me = "me"

// Frame draws pages. Safe for concurrent use.
type Frame struct {
	Address func() string                     // address of the server, without a slash at its end
	TZ      *time.Location                    // of the town
	Has     func(href string) bool            // whether there is a section
	Beside  func(v card.View) templ.Component // what stands beside the page on wide screens
}

// View returns what the parts of a page have to know.
func (p *Frame) View(r *http.Request) card.View {
	return card.View{
		Viewer: access.From(r.Context()).ID, Base: p.Address(), Back: httpx.LocalPath(ui.ChromeFrom(r.Context()).Path), Zone: p.TZ,
	}
}

// Sheet shows something as a dialog over the page where the script asks for it, else as a page of its own that leads back.
func (p *Frame) Sheet(r *http.Request, title, from string, body templ.Component) templ.Component {
	if ui.IsFragment(r) {
		return Dialog(title, body)
	}
	return p.SheetPage(p.View(r), title, from, body)
}

// here returns the sections whose pages there are.
func (p *Frame) here(ctx context.Context, viewer bool) []section {
	var out []section
	for _, s := range sections(ctx, viewer) {
		if p.Has(s.href) {
			out = append(out, s)
		}
	}
	return out
}

// With returns an address with one more parameter.
func With(path, name, value string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// Package frame is what every page of the social network stands in: its sections, what stands beside, and dialogs over it.
package frame

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Me is the prefix of the live topic of what concerns a reader alone; their id follows after a colon.
const Me = "me"

// LocalTime is how browsers write the value of a datetime-local input.
const LocalTime = "2006-01-02T15:04"

// Frame draws pages. Safe for concurrent use.
type Frame struct {
	Address    func() string                     // of the server, without a slash at its end
	TZ         *time.Location                    // of the town
	Has        func(href string) bool            // whether there is a section
	Beside     func(v card.View) templ.Component // what stands beside the page on wide screens
	Translates func() bool                       // whether posts can be translated; nil: no
}

// View returns what the parts of a page have to know.
func (p *Frame) View(r *http.Request) card.View {
	v := card.View{
		Viewer: access.From(r.Context()).ID, Base: p.Address(), Back: httpx.LocalPath(ui.ChromeFrom(r.Context()).Path), Zone: p.TZ,
	}
	if v.Viewer != 0 && p.Translates != nil && p.Translates() {
		v.Into = i18n.Lang(r.Context())
	}
	return v
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

// Languages are those that a post can be said to be in: each in its own words.
func Languages(now string) []ui.Option {
	out := []ui.Option{
		{Value: "de", Label: "Deutsch"},
		{Value: "en", Label: "English"},
		{Value: "es", Label: "Español"},
		{Value: "fr", Label: "Français"},
		{Value: "it", Label: "Italiano"},
		{Value: "nl", Label: "Nederlands"},
		{Value: "pl", Label: "Polski"},
		{Value: "pt", Label: "Português"},
		{Value: "ro", Label: "Română"},
		{Value: "tr", Label: "Türkçe"},
		{Value: "uk", Label: "Українська"},
		{Value: "ru", Label: "Русский"},
		{Value: "ar", Label: "العربية"},
		{Value: "fa", Label: "فارسی"},
		{Value: "hi", Label: "हिन्दी"},
		{Value: "vi", Label: "Tiếng Việt"},
		{Value: "zh", Label: "中文"},
		{Value: "ja", Label: "日本語"},
	}
	for _, o := range out {
		if o.Value == now {
			return out
		}
	}
	return append([]ui.Option{{Value: now, Label: now}}, out...)
}

// Audiences are who may read a post: those of events are the first three.
func Audiences(ctx context.Context) []ui.Option {
	return []ui.Option{
		{Value: string(social.Public), Label: i18n.T(ctx, "Everybody"), Hint: i18n.T(ctx, "Anyone, also on other servers")},
		{Value: string(social.Town), Label: i18n.T(ctx, "This town"), Hint: i18n.T(ctx, "Everybody with an account here; it never leaves this server")},
		{Value: string(social.Followers), Label: i18n.T(ctx, "Followers"), Hint: i18n.T(ctx, "Who follows you, and who is mentioned")},
		{Value: string(social.Unlisted), Label: i18n.T(ctx, "Quietly public"), Hint: i18n.T(ctx, "Anyone who comes by; it stands in no public list")},
		{Value: string(social.Direct), Label: i18n.T(ctx, "Only who is mentioned"), Hint: i18n.T(ctx, "A message. Admins of the servers could read it: it is not sealed")},
	}
}

// Package devmail is the page /dev/mail: the letters of a server that sends none, for trying things out. Whoever comes by can read them and
// follow their links, so it is registered only with mail.mode = "dev", which the settings allow on one's own machine only.
package devmail

import (
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// perPage is how many letters the list shows at once.
const perPage = 50

type pages struct {
	mail *mail.Mailer
	zone *time.Location
}

// Routes registers the pages.
func Routes(rt *httpx.Router, m *mail.Mailer, zone *time.Location) {
	p := &pages{m, zone}
	rt.Page("GET /dev/mail", httpx.Anyone, p.list)
	rt.Page("GET /dev/mail/{id}", httpx.Anyone, p.letter)
	rt.Raw("GET /dev/mail/{id}/html", httpx.Anyone, p.html)
}

func (p *pages) list(w http.ResponseWriter, r *http.Request) error {
	list, err := p.mail.List(r.Context(), r.URL.Query().Get("cursor"), perPage)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, listView(list, p.zone))
}

// view is one letter with both of its forms.
type view struct {
	Record mail.Record
	Letter mail.Letter
	Text   string
}

func (p *pages) read(r *http.Request) (mail.Record, mail.Letter, error) {
	letter, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return mail.Record{}, mail.Letter{}, errs.New(errs.NotFound, "There is no such letter.")
	}
	return p.mail.Shown(r.Context(), letter)
}

func (p *pages) letter(w http.ResponseWriter, r *http.Request) error {
	rec, l, err := p.read(r)
	if err != nil {
		return err
	}
	text, _ := p.mail.Render(l)
	h := w.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; frame-src 'self'") // for the letter's own look, see html
	return httpx.Render(w, r, http.StatusOK, letterView(view{rec, l, text}, p.zone))
}

// html is the letter as a mail program shows it. It stands in a frame of its own: letters carry their look in style attributes, which
// pages may not.
func (p *pages) html(w http.ResponseWriter, r *http.Request) error {
	_, l, err := p.read(r)
	if err != nil {
		return err
	}
	_, html := p.mail.Render(l)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	html = strings.Replace(html, "<head>", `<head><base target="_top">`, 1) // links leave the frame
	_, _ = w.Write([]byte(html))                                            // the client may be gone: nobody to tell
	return nil
}

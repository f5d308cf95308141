package app

import (
	"net/http"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// langCookie keeps the language that a guest chose at the foot of a page.
const langCookie = "lang"

// langCookieAge is how long a browser keeps it, in seconds: a year.
const langCookieAge = 365 * 24 * 3600

// speak has everything behind it said in the language of whoever asks.
func (a *App) speak(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/assets/") || strings.HasPrefix(r.URL.Path, "/media/") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Accept-Language")
		next.ServeHTTP(w, r.WithContext(i18n.With(r.Context(), a.langOf(r))))
	})
}

// langOf returns the language of a request: what the person has set, else what this browser was told at the foot of a page, else what it
// asks for, else the town's. A program that asks for none is answered in English, whatever the town speaks.
func (a *App) langOf(r *http.Request) string {
	own, _ := account.Prefs(r.Context())
	accept := r.Header.Get("Accept-Language")
	if strings.HasPrefix(r.URL.Path, "/api/") {
		if accept == "" {
			return ""
		}
		if own == "" || i18n.Nearest(own) == "" {
			return i18n.Match(accept)
		}
		return own
	}
	// In the demo people are played: whoever plays them reads their own language.
	if i18n.Nearest(own) != "" && !a.opt.Demo {
		return own
	}
	if c, err := r.Cookie(langCookie); err == nil && i18n.Nearest(c.Value) != "" {
		return c.Value
	}
	if l := i18n.Match(accept); l != "" {
		return l
	}
	return a.Settings.Config().Town.Lang
}

// numbersOf returns the tag by which numbers and times are written in a language: the person's or the town's own variety of it, if it is
// one ("de-AT").
func (a *App) numbersOf(r *http.Request) string {
	lang := i18n.Lang(r.Context())
	own, _ := account.Prefs(r.Context())
	for _, tag := range []string{own, a.Settings.Config().Town.Lang} {
		if i18n.Nearest(tag) == lang {
			return tag
		}
	}
	return lang
}

// chooseLang keeps the language that somebody chose at the foot of a page: in their account, and in this browser for when they are a guest.
func (a *App) chooseLang(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Lang string `form:"lang"`
		Next string `form:"next"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	lang := i18n.Nearest(in.Lang)
	if lang == "" {
		return errs.InvalidField("lang", "Choose one of the languages at the foot of the page.")
	}
	if actor := access.From(r.Context()); actor.SignedIn() {
		if _, err := a.Accounts.Update(r.Context(), actor.ID, account.Profile{Lang: &lang}); err != nil {
			return err
		}
	}
	http.SetCookie(w, &http.Cookie{Name: langCookie, Value: lang, Path: "/", MaxAge: langCookieAge, Secure: a.https(), HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return httpx.Redirect(w, r, in.Next)
}

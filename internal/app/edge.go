package app

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// liveLimits returns limits that follow the settings.
func (a *App) liveLimits() httpx.LimitOptions {
	var now atomic.Pointer[limitsOf]
	current := func() httpx.LimitOptions {
		l := a.Settings.Config().Limits
		if p := now.Load(); p != nil && p.of == l {
			return p.options
		}
		p := &limitsOf{l, a.limitOptions(l)}
		now.Store(p)
		return p.options
	}
	o := current()
	o.Class = func(r *http.Request) *httpx.Class { return current().Class(r) }
	return o
}

// limitsOf are limits made of settings.
type limitsOf struct {
	of      config.Limits
	options httpx.LimitOptions
}

// limitOptions tells the limiter which requests count as what.
func (a *App) limitOptions(l config.Limits) httpx.LimitOptions {
	class := func(name string, r config.Rate) *httpx.Class {
		// Live pages ask as much more often as the town's clock runs faster.
		account := httpx.Rate{N: int(float64(r.N) * max(1, a.opt.Speed)), Per: r.Per}
		return &httpx.Class{Name: name, Account: account, Anonymous: httpx.Rate{N: account.N * l.Anonymous, Per: r.Per}}
	}
	c := classes{
		api: class("api", l.API), pages: class("pages", l.Pages), quotes: class("quotes", l.Quotes), orders: class("orders", l.Orders),
		uploads: class("uploads", l.Uploads), form: int64(l.FormBody),
		signUps: &httpx.Class{Name: "sign-ups", Anonymous: httpx.Rate(l.SignUps), ByAddress: true},
		apps:    &httpx.Class{Name: "apps", Anonymous: httpx.Rate(l.Apps), ByAddress: true},
		tokens:  &httpx.Class{Name: "tokens", Anonymous: httpx.Rate(l.Tokens), ByAddress: true},
	}
	of := c.of
	if l.Rate == "off" {
		of = func(*http.Request) *httpx.Class { return nil }
	}
	refuse := func(w http.ResponseWriter, r *http.Request, err error) {
		a.Metrics.Request("rate limit", httpx.StatusOf(err), 0)
		a.Router.Error(w, r, err)
	}
	return httpx.LimitOptions{Class: of, Account: func(r *http.Request) int64 { return int64(access.From(r.Context()).ID) }, Fail: refuse}
}

// failUnknown answers a request whose token is not valid. It counts too: who guesses tokens is to be slow at it.
func (a *App) failUnknown(w http.ResponseWriter, r *http.Request, err error) {
	if over := a.limiter.Check(w, r, a.limits); over != nil {
		a.limits.Fail(w, r, over)
		return
	}
	a.Router.Error(w, r, err)
}

// classes are the kinds of requests that are counted apart.
type classes struct {
	api, pages, quotes, orders, uploads, signUps, apps, tokens *httpx.Class
	form                                                       int64 // bytes: a longer form with files in it is an upload
}

// of returns the class of a request; nil for streams, of which there is a number of their own, and for files that browsers keep.
func (c classes) of(r *http.Request) *httpx.Class {
	path := r.URL.Path
	rest, isAPI := strings.CutPrefix(path, httpx.Prefix)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		switch {
		case isStream(r), strings.HasPrefix(path, "/assets/"), strings.HasPrefix(path, files.Prefix), strings.HasPrefix(path, "/demo/pictures/"):
			return nil
		case isAPI, strings.HasPrefix(path, "/api/"):
			return c.api
		}
		return c.pages
	}
	switch path {
	case "/sign-up", httpx.Prefix + "/accounts", "/api/v1/accounts":
		return c.signUps
	case "/api/v1/apps":
		return c.apps
	case "/oauth/token", "/oauth/revoke":
		return c.tokens
	case "/checkout", httpx.Prefix + "/orders":
		return c.orders
	case "/checkout/update", httpx.Prefix + "/quotes":
		return c.quotes
	}
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") && (r.ContentLength < 0 || r.ContentLength > c.form):
		return c.uploads
	case isAPI && strings.HasPrefix(rest, "/cart"), strings.HasPrefix(path, "/cart/"):
		return c.quotes
	case isAPI, strings.HasPrefix(path, "/api/"):
		return c.api
	}
	return c.pages
}

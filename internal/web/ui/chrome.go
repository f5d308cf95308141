package ui

import (
	"context"
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
)

// Chrome is what the frame around every page shows. The composition root fills it once a request; pages read it with ChromeFrom.
type Chrome struct {
	TownName  string
	Viewer    *Viewer        // nil: nobody is signed in
	Lang      string         // BCP 47 tag of number formats; "" is that of the words (i18n.Lang)
	Theme     string         // "light", "dark" or "" for what the system prefers; the browser keeps it in the cookie "theme"
	Nonce     string         // of this response's content security policy
	Now       time.Time      // the server's clock; pages count from it, never from the visitor's own clock
	Speed     float64        // how fast the server's clock runs: 1, or 30 in the demo town; 0 is taken as 1
	Demo      bool           // shows the bar that leads to /demo
	CartCount int            // portions in the cart
	Path      string         // path of the request, for sign-in links that lead back
	Accent    int            // hue of the town's colour in degrees, 0 to 359; 0 is the default, terracotta
	Bell      *Link          // leads to what is new for the viewer, with how much of it is unread; nil: there is no such page
	Nav       []Link         // main sections; nil is restaurants and orders
	LiveID    string         // id of the newest event when the page was rendered: the live stream starts behind it and misses none
	Zone      *time.Location // of the town, for the clock in a board's bar; nil is the visitor's
}

// Viewer is the person who is signed in.
type Viewer struct {
	ID     string
	Name   string
	Handle string
	Places []Link // where their roles lead: kitchen, courier, dispatch, admin
}

// Link is an entry of a menu. Icon and Count may be empty.
type Link struct {
	Href  string
	Label string
	Icon  string
	Count int
}

type chromeKey struct{}

// WithChrome returns a context that carries c to every component rendered with it.
func WithChrome(ctx context.Context, c Chrome) context.Context {
	return context.WithValue(ctx, chromeKey{}, c)
}

// ChromeFrom returns the Chrome of ctx, or a plain English one where none was set (fragments in tests).
func ChromeFrom(ctx context.Context) Chrome {
	c, _ := ctx.Value(chromeKey{}).(Chrome)
	if c.Lang == "" {
		c.Lang = i18n.Lang(ctx)
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.TownName == "" {
		c.TownName = "Stoa"
	}
	if c.Nav == nil {
		c.Nav = []Link{{Href: "/", Label: i18n.T(ctx, "Restaurants"), Icon: "utensils"}, {Href: "/orders", Label: i18n.T(ctx, "Orders"), Icon: "receipt-text"}}
	}
	return c
}

// IsFragment reports whether r was sent by htmx for a part of a page, so that the handler answers without Page.
func IsFragment(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Request-Type") != "full"
}

func (c Chrome) zone() string {
	if c.Zone == nil {
		return ""
	}
	return c.Zone.String()
}

func (c Chrome) tabs(ctx context.Context) []Link {
	tabs := append([]Link{}, c.Nav...)
	tabs = append(tabs, Link{Href: "/cart", Label: i18n.T(ctx, "Cart"), Icon: "shopping-bag", Count: c.CartCount})
	if c.Viewer == nil {
		return append(tabs, Link{Href: "/sign-in", Label: i18n.T(ctx, "Sign in"), Icon: "user-round"})
	}
	return append(tabs, Link{Href: "/account", Label: i18n.T(ctx, "You"), Icon: "user-round"})
}

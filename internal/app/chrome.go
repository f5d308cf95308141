package app

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/assets"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// chrome gives every page what its frame shows: the town, the viewer and where their roles lead.
func (a *App) chrome(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/assets/") || strings.HasPrefix(r.URL.Path, "/media/") || r.Header.Get("Accept") == "text/event-stream" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := r.Context()
		town := a.Settings.Config().Town
		c := ui.Chrome{
			TownName: town.Name, Lang: a.numbersOf(r), Nonce: httpx.Nonce(ctx), Now: a.Now(), Speed: a.opt.Speed, Demo: a.opt.Demo,
			Path: r.URL.RequestURI(), Accent: int(town.AccentHue), LiveID: strconv.FormatInt(a.Events.Watched(), 10), Zone: a.zone,
			Viewer: a.viewer(r),
		}
		guest, err := r.Cookie(account.GuestCookie)
		if err != nil {
			guest = &http.Cookie{}
		}
		c.CartCount = a.Carts.Count(ctx, access.From(ctx).ID, guest.Value)
		c.Nav, c.Bell = a.nav(ctx, c.Viewer != nil), a.bell(ctx)
		if theme, err := r.Cookie("theme"); err == nil && (theme.Value == "light" || theme.Value == "dark") {
			c.Theme = theme.Value
		}
		next.ServeHTTP(w, r.WithContext(ui.WithChrome(ctx, c)))
	})
}

// nav returns the main sections: food, the town, orders.
func (a *App) nav(ctx context.Context, signedIn bool) []ui.Link {
	town := "/town"
	if signedIn {
		town = "/home"
	}
	return []ui.Link{
		{Href: "/", Label: i18n.T(ctx, "Restaurants"), Icon: "utensils"},
		{Href: town, Label: i18n.T(ctx, "Neighbours"), Icon: "users"},
		{Href: "/orders", Label: i18n.T(ctx, "Orders"), Icon: "receipt-text"},
	}
}

// bell returns what leads to somebody's notifications; nil for strangers.
func (a *App) bell(ctx context.Context) *ui.Link {
	who := access.From(ctx)
	if !who.SignedIn() {
		return nil
	}
	n, err := a.Notices.Unread(ctx, who.ID)
	if err != nil || n == 0 { // a page is worth more than its bell
		return &ui.Link{Href: "/notifications", Label: i18n.T(ctx, "Notifications"), Icon: "bell"}
	}
	return &ui.Link{Href: "/notifications", Label: i18n.T(ctx, "Notifications, %d new", n), Icon: "bell", Count: n}
}

// viewer returns who is signed in, with the places their roles lead to, or nil.
func (a *App) viewer(r *http.Request) *ui.Viewer {
	actor := access.From(r.Context())
	if !actor.SignedIn() {
		return nil
	}
	v := &ui.Viewer{ID: actor.ID.String(), Name: actor.Name, Handle: actor.Handle}
	for _, place := range actor.Places() {
		shop, err := a.Restaurants.Shop(r.Context(), place)
		if err != nil {
			continue // a restaurant that is gone leads nowhere
		}
		v.Places = append(v.Places, ui.Link{Href: "/kitchen/" + shop.Slug, Label: shop.Name, Icon: "chef-hat"})
		if actor.Owns(place) {
			v.Places = append(v.Places, ui.Link{Href: "/restaurant/" + shop.Slug + "/menu", Label: i18n.T(r.Context(), "Menu"), Icon: "book-open"},
				ui.Link{Href: "/restaurant/" + shop.Slug + "/settings", Label: i18n.T(r.Context(), "Settings"), Icon: "settings"})
		}
	}
	if actor.Has(access.RoleCourier) {
		v.Places = append(v.Places, ui.Link{Href: "/courier", Label: i18n.T(r.Context(), "Courier"), Icon: "bike"})
	}
	if actor.Has(access.RoleDispatcher) || actor.Has(access.RoleAdmin) {
		v.Places = append(v.Places, ui.Link{Href: "/dispatch", Label: i18n.T(r.Context(), "Dispatch"), Icon: "map"})
	}
	if actor.Has(access.RoleModerator) || actor.Has(access.RoleAdmin) {
		v.Places = append(v.Places, ui.Link{Href: "/moderation", Label: i18n.T(r.Context(), "Moderation"), Icon: "shield"})
	}
	if actor.Has(access.RoleAdmin) {
		v.Places = append(v.Places, ui.Link{Href: "/admin", Label: i18n.T(r.Context(), "Admin"), Icon: "layout-dashboard"})
	}
	return v
}

// routes registers what belongs to no slice: assets, the base map, the live stream, the readable API document.
func (a *App) routes() {
	files := assets.Handler()
	a.Router.Raw("GET /assets/", httpx.Anyone, func(w http.ResponseWriter, r *http.Request) error {
		files.ServeHTTP(w, r)
		return nil
	})
	a.Router.Raw("GET /live", httpx.Anyone, a.Hub.Handle)
	a.Router.Page("POST /language", httpx.Anyone, a.chooseLang)
	a.Router.Raw("GET /town.geojson", httpx.Anyone, a.serveTown)
	a.Router.Page("GET /docs/api", httpx.Anyone, a.apiPage)
}

// serveTown serves the base map: the demo's, or the file town.geojson of the data folder.
func (a *App) serveTown(w http.ResponseWriter, r *http.Request) error {
	body := a.opt.TownMap
	if body == nil {
		b, err := os.ReadFile(filepath.Join(a.Config.Data, "town.geojson"))
		if err != nil {
			return errNoMap
		}
		body = b
	}
	return a.baseMap.serve(w, r, body)
}

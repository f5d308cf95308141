package demo

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

//go:embed demo.css
var style []byte

var stylePath = func() string {
	sum := sha256.Sum256(style)
	return "/demo/style-" + hex.EncodeToString(sum[:5]) + ".css"
}()

// Routes registers the page from which visitors step into roles, and the pictures of dishes.
func (d *Demo) Routes(rt *httpx.Router) {
	rt.Page("GET /demo", httpx.Anyone, d.page)
	rt.Page("GET /demo/pulse", httpx.Anyone, d.pulsePage)
	rt.Page("GET /demo/morning", httpx.Anyone, d.morningPage)
	rt.Page("POST /demo/step", httpx.Anyone, d.step)
	rt.Raw("GET "+stylePath, httpx.Anyone, func(w http.ResponseWriter, _ *http.Request) error {
		return forever(w, "text/css; charset=utf-8", style)
	})
	rt.Raw("GET /demo/pictures/{seed}/{shop}/{file}", httpx.Anyone, d.picture)
}

// Wrap has d know who of the town is played by visitors. It belongs between signing in and the pages.
func (d *Demo) Wrap(next http.Handler) http.Handler { return d.guard.Wrap(next) }

// forever writes what never changes under its address.
func forever(w http.ResponseWriter, kind string, body []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(body) // the client may be gone: nobody to tell
	return nil
}

func (d *Demo) coverPath(r *town.Restaurant) string { return d.dishPath(r, "cover") }

func (d *Demo) dishPath(r *town.Restaurant, slug string) string {
	return fmt.Sprintf("/demo/pictures/%d/%s/%s.svg", d.town.Seed, r.Slug, slug)
}

var errNoPicture = errs.New(errs.NotFound, "There is no such picture.")

// picture draws a shop front or a dish: that takes a twentieth of a millisecond, and browsers keep it.
func (d *Demo) picture(w http.ResponseWriter, r *http.Request) error {
	slug, ok := strings.CutSuffix(r.PathValue("file"), ".svg")
	i := slices.IndexFunc(d.town.Restaurants, func(t town.Restaurant) bool { return t.Slug == r.PathValue("shop") })
	if !ok || i < 0 || r.PathValue("seed") != strconv.FormatInt(d.town.Seed, 10) {
		return errNoPicture
	}
	shop := &d.town.Restaurants[i]
	if slug == "cover" {
		return forever(w, "image/svg+xml", shop.Cover.SVG())
	}
	for _, s := range shop.Menu {
		for _, it := range s.Items {
			if it.Slug == slug {
				return forever(w, "image/svg+xml", it.Picture.SVG())
			}
		}
	}
	return errNoPicture
}

// role is a card of the page.
type role struct {
	Role, Name        string // what the form sends
	Icon, Title, Text string
}

// pageView is what the page shows.
type pageView struct {
	town    string
	clock   time.Time
	zone    *time.Location
	speed   float64
	centre  geo.Point
	markers []ui.Marker
	roles   []role
	shops   []ui.Option
	pulse   pulse
	me      string   // whom the visitor plays
	hints   []string // what customers tell the visitor
}

func (d *Demo) page(w http.ResponseWriter, r *http.Request) error {
	v := pageView{
		town: d.town.Name, clock: d.clock.Now(), zone: d.town.Location, speed: d.clock.Speed(), centre: d.town.Center,
		pulse: d.feed.pulse(), roles: d.roles(r.Context()),
	}
	for i, t := range d.town.Restaurants {
		v.shops = append(v.shops, ui.Option{Value: t.Slug, Label: t.Name})
		v.markers = append(v.markers, ui.Marker{
			ID: "r" + strconv.Itoa(i), Lat: t.Address.Point.Lat, Lon: t.Address.Point.Lon, Kind: "restaurant", Label: t.Name, Href: "/r/" + t.Slug,
		})
	}
	slices.SortFunc(v.shops, func(a, b ui.Option) int { return cmp.Compare(a.Label, b.Label) })
	d.mu.Lock()
	for account, s := range d.seen {
		if s.duty {
			c := d.town.Couriers[d.world.byCourier[account]]
			v.markers = append(v.markers, ui.Marker{ID: "courier-" + account.String(), Lat: s.at.Lat, Lon: s.at.Lon, Kind: "courier", Label: c.Name})
		}
	}
	d.mu.Unlock()
	if a := access.From(r.Context()); a.SignedIn() {
		v.me, v.hints = a.Name, d.hints(r.Context(), a)
	}
	return httpx.Render(w, r, http.StatusOK, demoPage(v))
}

func (d *Demo) pulsePage(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, pulseRegion(d.feed.pulse()))
}

// morningPage has a page be loaded anew whose clock is wrong because the night was left out since it was rendered.
func (d *Demo) morningPage(w http.ResponseWriter, r *http.Request) error {
	since, err := strconv.ParseInt(r.FormValue("since"), 10, 64)
	if err != nil {
		return errs.InvalidField("since", "Give a time in milliseconds since 1970.")
	}
	if time.UnixMilli(since).Before(d.clock.SetAt()) {
		w.Header().Set("HX-Refresh", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// seenRider is what the page knows of a courier.
type seenRider struct {
	at    geo.Point
	duty  bool
	tasks int
}

// roles returns the cards, each with whoever has something to do just now.
func (d *Demo) roles(ctx context.Context) []role {
	n := d.anybody()
	kitchen, owner := d.busiest()
	courier := d.freeCourier()
	guest, cook, boss := &d.town.Neighbours[n], &d.town.Restaurants[kitchen], &d.town.Restaurants[owner]
	return []role{
		{"neighbour", guest.Handle, "utensils", i18n.T(ctx, "Neighbour"), i18n.T(ctx, "Order dinner as %s", guest.Name)},
		{"kitchen", cook.Slug, "chef-hat", i18n.T(ctx, "Kitchen"), i18n.T(ctx, "Cook at %s", cook.Name)},
		{"courier", d.town.Couriers[courier].Handle, "bike", i18n.T(ctx, "Courier"), i18n.T(ctx, "Ride as %s", d.town.Couriers[courier].Name)},
		{"dispatcher", d.town.Dispatchers[0].Handle, "map", i18n.T(ctx, "Dispatcher"), i18n.T(ctx, "See every order and every rider")},
		{"owner", boss.Slug, "store", i18n.T(ctx, "Restaurant owner"), i18n.T(ctx, "Change the menu of %s", boss.Name)},
		{"admin", d.town.Admin.Handle, "key-round", i18n.T(ctx, "Admin"), i18n.T(ctx, "Do anything, as %s", d.town.Admin.Name)},
	}
}

// anybody returns a neighbour whom nobody plays.
func (d *Demo) anybody() int {
	for range 20 {
		if i := rand.IntN(len(d.world.neighbours)); !d.guard.played(d.world.neighbours[i].ID) {
			return i
		}
	}
	return 0
}

// busiest returns the restaurant with most to do whose kitchen nobody plays, and another one that is busy.
func (d *Demo) busiest() (first, second int) {
	count := make([]int, len(d.world.shops))
	d.mu.Lock()
	for _, o := range d.orders {
		if i, ok := d.world.byShop[o.restaurant]; ok && o.state != delivery.InDelivery {
			count[i] += 2
			if o.state == delivery.Created {
				count[i]++
			}
		}
	}
	d.mu.Unlock()
	order := make([]int, len(count))
	for i := range order {
		order[i] = i
		if d.guard.played(d.world.shops[i].owner.ID) {
			count[i] = -1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(count[b], count[a]) })
	return order[0], order[1]
}

// freeCourier returns a courier on duty whom nobody plays, one with little to do.
func (d *Demo) freeCourier() int {
	best, least := 0, 1000
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, c := range d.world.couriers {
		if s := d.seen[c.ID]; s.duty && s.tasks < least && !d.guard.played(c.ID) {
			best, least = i, s.tasks
		}
	}
	return best
}

// hints returns what the customers tell whom the visitor plays: the codes at the door and at the counter.
func (d *Demo) hints(ctx context.Context, a access.Actor) []string {
	type asked struct {
		order, customer id.ID
		code            string
	}
	var list []asked
	d.mu.Lock()
	for _, o := range d.orders {
		if o.state == delivery.InDelivery && o.courier == a.ID || o.state == delivery.Ready && o.mode == delivery.Pickup && a.WorksAt(o.restaurant) {
			list = append(list, asked{o.id, o.customer, o.code})
		}
	}
	d.mu.Unlock()
	var out []string
	for _, l := range list {
		v, err := d.Orders.Get(as(ctx, access.Actor{ID: l.customer}), l.order)
		if err != nil {
			continue // it has just gone
		}
		out = append(out, i18n.T(ctx, "%s, order %s: “My code is %s.”", v.Name, l.code, cmp.Or(v.HandoverCode, v.PickupCode)))
	}
	slices.Sort(out)
	return out
}

type stepForm struct {
	Role string `form:"role"`
	Name string `form:"name"` // a handle or, for kitchens and owners, the restaurant's slug; empty: whoever has something to do
}

// step signs a visitor in as somebody of the town and leads them to where that person works.
func (d *Demo) step(w http.ResponseWriter, r *http.Request) error {
	var in stepForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	account, to, err := d.find(in)
	if err != nil {
		return err
	}
	token, err := d.Accounts.StepInto(r.Context(), account)
	if err != nil {
		return err
	}
	if old := access.From(r.Context()); old.SignedIn() && old.ID != account {
		d.guard.giveUp(old.ID)
	}
	// From the first click on it is the visitor's: the page that follows would be too late.
	d.guard.enter(account)
	d.guard.leave(account)
	d.Accounts.SetCookie(w, token)
	if i, ok := d.world.byNeighbour[account]; ok {
		d.bringHome(w, r, i)
	}
	return httpx.Redirect(w, r, to)
}

// find returns whom a form means and where they work.
func (d *Demo) find(in stepForm) (id.ID, string, error) {
	pick := func(list []access.Actor, otherwise int) (id.ID, error) {
		if in.Name == "" {
			return list[otherwise].ID, nil
		}
		for _, a := range list {
			if a.Handle == in.Name {
				return a.ID, nil
			}
		}
		return 0, errs.InvalidField("name", "There is nobody called that.")
	}
	switch in.Role {
	case "neighbour":
		a, err := pick(d.world.neighbours, d.anybody())
		return a, "/", err
	case "courier":
		a, err := pick(d.world.couriers, d.freeCourier())
		return a, "/courier", err
	case "dispatcher":
		a, err := pick(d.world.dispatchers, 0)
		return a, "/dispatch", err
	case "admin":
		return d.world.admin.ID, "/admin", nil
	case "kitchen", "owner":
		i, other := d.busiest()
		if in.Role == "owner" {
			i = other
		}
		if in.Name != "" {
			i = slices.IndexFunc(d.town.Restaurants, func(t town.Restaurant) bool { return t.Slug == in.Name })
		}
		if i < 0 {
			return 0, "", errs.InvalidField("name", "There is no such restaurant.")
		}
		to := "/kitchen/" + d.town.Restaurants[i].Slug
		if in.Role == "owner" {
			to = "/restaurant/" + d.town.Restaurants[i].Slug + "/menu"
		}
		return d.world.shops[i].owner.ID, to, nil
	}
	return 0, "", errs.InvalidField("role", "Choose neighbour, kitchen, courier, dispatcher, owner or admin.")
}

// bringHome has the front page know where a neighbour lives.
func (d *Demo) bringHome(w http.ResponseWriter, r *http.Request, neighbour int) {
	ctx := as(r.Context(), d.world.neighbours[neighbour])
	home := d.address(neighbour)
	list, err := d.Discover.Addresses(ctx)
	if err == nil && len(list) == 0 {
		_, err = d.Discover.AddAddress(ctx, discover.Saved{Label: "Home", Default: true, Address: *home})
	}
	d.note(ctx, d.world.neighbours[neighbour].Handle, "save the address", err)
	http.SetCookie(w, &http.Cookie{
		Name: discover.PlaceCookie, Value: fmt.Sprintf("%.6f,%.6f,%s", home.Point.Lat, home.Point.Lon, url.QueryEscape(home.Street)), Path: "/",
		MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

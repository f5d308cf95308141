package discover

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// PlaceCookie names the cookie with the place that a visitor chose: "lat,lon,label", the label escaped as in a query.
const PlaceCookie = "stoa_place"

func (s *Service) pages(rt *httpx.Router) {
	rt.Page("GET /{$}", httpx.Anyone, s.homePage)
	rt.Page("GET /place", httpx.Anyone, s.placePage)
	rt.Page("GET /place/suggest", httpx.Anyone, s.suggest)
	rt.Page("POST /place", httpx.Anyone, s.choosePlace)
	rt.Page("GET /addresses", httpx.May("address.read"), s.bookPage)
	rt.Page("GET /addresses/new", httpx.May("address.read"), s.newAddressPage)
	rt.Page("GET /addresses/{id}", httpx.May("address.read"), s.addressPage)
	rt.Page("POST /addresses", httpx.May("address.manage"), s.saveAddress)
	rt.Page("POST /addresses/{id}", httpx.May("address.manage"), s.saveAddress)
	rt.Page("POST /addresses/{id}/delete", httpx.May("address.manage"), s.deleteAddressForm)
	rt.Page("POST /addresses/{id}/restore", httpx.May("address.manage"), s.restoreAddressForm)
}

// PlaceOf returns the place that the visitor chose in this browser.
func PlaceOf(r *http.Request) (Place, bool) {
	c, err := r.Cookie(PlaceCookie)
	if err != nil {
		return Place{}, false
	}
	part := strings.SplitN(c.Value, ",", 3)
	if len(part) != 3 {
		return Place{}, false
	}
	lat, err1 := strconv.ParseFloat(part[0], 64)
	lon, err2 := strconv.ParseFloat(part[1], 64)
	label, err3 := url.QueryUnescape(part[2])
	p := Place{Label: text.Clean(label, 120), Point: geo.Point{Lat: lat, Lon: lon}}
	if err1 != nil || err2 != nil || err3 != nil || !p.Point.Valid() || p.Point.IsZero() {
		return Place{}, false
	}
	return p, true
}

func setPlace(w http.ResponseWriter, p Place, https bool) {
	http.SetCookie(w, &http.Cookie{
		Name: PlaceCookie, Value: fmt.Sprintf("%.6f,%.6f,%s", p.Point.Lat, p.Point.Lon, url.QueryEscape(p.Label)), Path: "/",
		MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: https, SameSite: http.SameSiteLaxMode,
	})
}

// placeOf is PlaceOf, or else the default of the actor's saved addresses.
func (s *Service) placeOf(r *http.Request) (Place, bool) {
	if p, ok := PlaceOf(r); ok {
		return p, true
	}
	book := s.bookOf(r.Context())
	if len(book) == 0 {
		return Place{}, false
	}
	best := book[0]
	for _, a := range book {
		if a.Default {
			best = a
		}
	}
	return Place{Label: best.Street, Street: best.Street, City: best.City, Point: best.Point}, true
}

// bookOf returns the actor's addresses, none for guests.
func (s *Service) bookOf(ctx context.Context) []Saved {
	if !access.From(ctx).SignedIn() {
		return nil
	}
	list, err := s.Addresses(ctx)
	if err != nil {
		return nil // the page works without them
	}
	return list
}

// homeForm is the address of the home page: what is looked for.
type homeForm struct {
	Mode    string   `form:"mode"`
	Text    string   `form:"q"`
	Cuisine []string `form:"cuisine"`
	Diet    []string `form:"diet"`
	Open    bool     `form:"open"`
	Price   int      `form:"price"`
	At      string   `form:"at"`
	Sort    string   `form:"sort"`
	Cursor  string   `form:"cursor"`
}

// homeView is what the home page shows.
type homeView struct {
	homeForm
	place    Place
	hasPlace bool
	book     []Saved
	result   *Result
	times    []time.Time
	loc      *time.Location
	now      time.Time
	named    bool // there is a geocoder
}

// isPickup reports whether food is to be collected.
func (f homeForm) isPickup() bool { return f.Mode == string(delivery.Pickup) }

// filtered reports whether something can be cleared.
func (f homeForm) filtered() bool {
	return f.Text != "" || len(f.Cuisine) > 0 || len(f.Diet) > 0 || f.Open || f.Price != 0 || f.At != ""
}

// link returns the address of the page with one value changed: "" takes it away.
func (f homeForm) link(name, value string) string {
	v := url.Values{}
	put := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	put("mode", f.Mode)
	put("q", f.Text)
	put("at", f.At)
	put("sort", f.Sort)
	v["cuisine"], v["diet"] = f.Cuisine, f.Diet
	if f.Open {
		v.Set("open", "1")
	}
	if f.Price > 0 {
		v.Set("price", strconv.Itoa(f.Price))
	}
	v.Del(name)
	put(name, value)
	if q := v.Encode(); q != "" {
		return "/?" + q
	}
	return "/"
}

// clear returns the address without filters.
func (f homeForm) clear() string {
	if f.isPickup() {
		return "/?mode=pickup"
	}
	return "/"
}

// toggle returns the address with a cuisine or diet chosen, or not any more.
func (f homeForm) toggle(name, value string, chosen []string) string {
	if slices.Contains(chosen, value) {
		return f.link(name, "")
	}
	return f.link(name, value)
}

func (f homeForm) query(place Place, has bool) (Query, error) {
	q := Query{Mode: delivery.ByCourier, Text: f.Text, Cuisine: f.Cuisine, Diet: f.Diet, OpenOnly: f.Open, Price: f.Price, Sort: Sort(f.Sort), Cursor: f.Cursor, Limit: 60}
	if f.isPickup() {
		q.Mode = delivery.Pickup
	}
	if has {
		q.To = &place.Point
	}
	if f.At != "" {
		at, err := time.Parse(time.RFC3339, f.At)
		if err != nil {
			return q, errs.InvalidField("at", "This is not a time. Choose one from the list.")
		}
		q.At = &at
	}
	return q, nil
}

func (s *Service) homePage(w http.ResponseWriter, r *http.Request) error {
	v := homeView{now: s.now(), loc: s.opt.Loc, named: s.opt.Geocoder != nil}
	if err := httpx.DecodeValues(r.URL.Query(), &v.homeForm); err != nil {
		return err
	}
	none := func(s string) bool { return s == "" } // the choice "any" of a form
	v.Cuisine, v.Diet = slices.DeleteFunc(v.Cuisine, none), slices.DeleteFunc(v.Diet, none)
	v.place, v.hasPlace = s.placeOf(r)
	v.book = s.bookOf(r.Context())
	if v.hasPlace || v.isPickup() {
		q, err := v.query(v.place, v.hasPlace)
		if err != nil {
			return err
		}
		if v.result, err = s.Find(r.Context(), q); err != nil {
			return err
		}
	}
	if v.loc == nil {
		v.loc = time.UTC
		if v.result != nil && len(v.result.Items) > 0 {
			v.loc = v.result.Items[0].Card.Loc
		}
	}
	v.times = timesAhead(v.now, v.loc)
	if ui.IsFragment(r) && v.result != nil {
		return httpx.Render(w, r, http.StatusOK, found(v))
	}
	return httpx.Render(w, r, http.StatusOK, home(v))
}

// timesAhead returns the half hours of meal times of today and tomorrow that can still be ordered for.
func timesAhead(now time.Time, loc *time.Location) []time.Time {
	var out []time.Time
	for t := now.Add(time.Hour).Truncate(30 * time.Minute).Add(30 * time.Minute); t.Before(now.Add(36*time.Hour)) && len(out) < 40; t = t.Add(30 * time.Minute) {
		if h := t.In(loc).Hour(); h >= 11 && h < 23 {
			out = append(out, t)
		}
	}
	return out
}

// placeView is what the page shows on which an address is chosen.
type placeView struct {
	text  string
	next  string
	found []Place
	book  []Saved
	start geo.Point // where the pin stands at first
	label string
	named bool // there is a geocoder
	err   error
}

func (s *Service) placePage(w http.ResponseWriter, r *http.Request) error {
	v := placeView{text: text.Clean(r.URL.Query().Get("q"), MaxQuery), next: httpx.LocalPath(r.URL.Query().Get("next"))}
	return s.showPlace(w, r, http.StatusOK, v)
}

func (s *Service) showPlace(w http.ResponseWriter, r *http.Request, status int, v placeView) error {
	place, has := s.placeOf(r)
	v.start, v.label, v.book, v.named = s.opt.Center, "", s.bookOf(r.Context()), s.opt.Geocoder != nil
	if has {
		v.start, v.label = place.Point, place.Label
	}
	if v.text != "" {
		var err error
		if v.found, err = s.Search(r.Context(), v.text, &v.start, 6); err != nil {
			return err
		}
	}
	return httpx.Render(w, r, status, placePicker(v))
}

func (s *Service) suggest(w http.ResponseWriter, r *http.Request) error {
	var near *geo.Point
	if p, ok := PlaceOf(r); ok {
		near = &p.Point
	}
	q := text.Clean(r.URL.Query().Get("q"), MaxQuery)
	list, err := s.Search(r.Context(), q, near, 6)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, suggestions(list, q, httpx.LocalPath(r.URL.Query().Get("next"))))
}

type placeForm struct {
	Lat     float64 `form:"lat"`
	Lon     float64 `form:"lon"`
	Label   string  `form:"label"`
	Address id.ID   `form:"address"`
	Next    string  `form:"next"`
}

func (s *Service) choosePlace(w http.ResponseWriter, r *http.Request) error {
	var in placeForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	p := Place{Label: text.Clean(in.Label, 120), Point: geo.Point{Lat: in.Lat, Lon: in.Lon}}
	if in.Address != 0 {
		a, err := s.Address(r.Context(), in.Address)
		if err != nil {
			return err
		}
		p = Place{Label: a.Street, Point: a.Point}
	}
	if !p.Point.Valid() || p.Point.IsZero() {
		return s.showPlace(w, r, http.StatusUnprocessableEntity, placeView{next: httpx.LocalPath(in.Next), err: errs.InvalidField("lat", "Set the pin on the map first.")})
	}
	if p.Label == "" {
		p.Label = delivery.PinLabel
		if named, err := s.Reverse(r.Context(), p.Point); err == nil && named.Label != "" {
			p.Label = named.Label
		}
	}
	setPlace(w, p, s.opt.HTTPS)
	return httpx.Redirect(w, r, in.Next)
}

func (s *Service) bookPage(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Addresses(r.Context())
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, book(list))
}

func (s *Service) newAddressPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := access.Require(r.Context()); err != nil {
		return err
	}
	a := Saved{}
	a.Point, a.City = s.opt.Center, s.opt.City
	if p, ok := PlaceOf(r); ok {
		a.Point, a.Street = p.Point, p.Label
	}
	return httpx.Render(w, r, http.StatusOK, addressEditor(a, nil))
}

func (s *Service) addressPage(w http.ResponseWriter, r *http.Request) error {
	aid, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errNoAddress
	}
	a, err := s.Address(r.Context(), aid)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, addressEditor(a, nil))
}

type addressForm struct {
	Label   string  `form:"label"`
	Default bool    `form:"default"`
	Lat     float64 `form:"lat"`
	Lon     float64 `form:"lon"`
	Street  string  `form:"street"`
	City    string  `form:"city"`
	Detail  string  `form:"detail"`
	Notes   string  `form:"notes"`
	Name    string  `form:"name"`
	Phone   string  `form:"phone"`
}

func (f addressForm) saved(aid id.ID) Saved {
	return Saved{ID: aid, Label: f.Label, Default: f.Default, Address: delivery.Address{
		Point: geo.Point{Lat: f.Lat, Lon: f.Lon}, Street: f.Street, City: f.City, Detail: f.Detail, Notes: f.Notes, Name: f.Name, Phone: f.Phone,
	}}
}

// saveAddress saves a new address or a changed one.
func (s *Service) saveAddress(w http.ResponseWriter, r *http.Request) error {
	var in addressForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	var err error
	var aid id.ID
	if r.PathValue("id") == "" {
		_, err = s.AddAddress(r.Context(), in.saved(0))
	} else if aid, err = id.Parse(r.PathValue("id")); err != nil {
		return errNoAddress
	} else {
		_, err = s.ChangeAddress(r.Context(), aid, func(a *Saved) { *a = in.saved(aid) })
	}
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Conflict) {
		return httpx.Render(w, r, http.StatusUnprocessableEntity, addressEditor(in.saved(aid), err))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/addresses")
}

func (s *Service) deleteAddressForm(w http.ResponseWriter, r *http.Request) error {
	return s.markAddress(w, r, s.DeleteAddress, true)
}

func (s *Service) restoreAddressForm(w http.ResponseWriter, r *http.Request) error {
	return s.markAddress(w, r, s.RestoreAddress, false)
}

func (s *Service) markAddress(w http.ResponseWriter, r *http.Request, mark func(context.Context, id.ID) error, undo bool) error {
	aid, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errNoAddress
	}
	if err := mark(r.Context(), aid); err != nil {
		return err
	}
	if undo && ui.IsFragment(r) {
		list, err := s.Addresses(r.Context())
		if err != nil {
			return err
		}
		return httpx.Render(w, r, http.StatusOK, bookList(list, aid))
	}
	return httpx.Redirect(w, r, "/addresses")
}

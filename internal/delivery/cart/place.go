package cart

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// placeCookie holds the place that a visitor chose: "lat,lon,label", the label escaped as in a query. delivery/discover sets it.
const placeCookie = "stoa_place"

// place is where a visitor wants to have it.
type place struct {
	point geo.Point
	label string
}

// placeOf returns the place that the visitor chose in this browser, or nil.
func placeOf(r *http.Request) *place {
	c, err := r.Cookie(placeCookie)
	if err != nil {
		return nil
	}
	part := strings.SplitN(c.Value, ",", 3)
	if len(part) != 3 {
		return nil
	}
	lat, err1 := strconv.ParseFloat(part[0], 64)
	lon, err2 := strconv.ParseFloat(part[1], 64)
	label, err3 := url.QueryUnescape(part[2])
	p := &place{point: geo.Point{Lat: lat, Lon: lon}, label: text.Clean(label, 120)}
	if err1 != nil || err2 != nil || err3 != nil || !p.point.Valid() || p.point.IsZero() {
		return nil
	}
	return p
}

// setPlace makes an address the visitor's place, for all pages.
func (s *Service) setPlace(w http.ResponseWriter, a *delivery.Address) {
	http.SetCookie(w, &http.Cookie{
		Name: placeCookie, Value: fmt.Sprintf("%.6f,%.6f,%s", a.Point.Lat, a.Point.Lon, url.QueryEscape(a.Street)), Path: "/",
		MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.opt.HTTPS, SameSite: http.SameSiteLaxMode,
	})
}

// samePlace is how far apart two pins of one door may be, in metres.
const samePlace = 30

// address returns where a cart goes for a visitor at p: the place they chose last, with the door and the notes that belong to it.
func address(p *place, have *delivery.Address) *delivery.Address {
	switch {
	case p == nil:
		return have
	case have != nil && geo.FastDistanceM(p.point, have.Point) < samePlace:
		return have
	}
	a := &delivery.Address{Point: p.point}
	if p.label != delivery.PinLabel { // nobody finds a door by that
		a.Street = p.label
	}
	if have != nil {
		a.Name, a.Phone = have.Name, have.Phone
	}
	return a
}

// guestOf returns the guest's token that a request came with, or "".
func guestOf(r *http.Request) string {
	c, err := r.Cookie(account.GuestCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// ownerOf returns whose cart a request is about: nobody's for a guest who has none yet.
func ownerOf(r *http.Request) Owner { return OwnerOf(access.From(r.Context()).ID, guestOf(r)) }

// newGuest makes a token for a guest, and the cookie that carries it.
func (s *Service) newGuest() (token string, cookie *http.Cookie) {
	token = id.Secret()
	return token, s.guestCookie(token)
}

func (s *Service) guestCookie(token string) *http.Cookie {
	return &http.Cookie{
		Name: account.GuestCookie, Value: token, Path: "/", MaxAge: int(Keep.Seconds()), HttpOnly: true, Secure: s.opt.HTTPS, SameSite: http.SameSiteLaxMode,
	}
}

// ownerFor is ownerOf for a request that puts something into the cart: a guest without a token gets one, one with a token keeps it longer.
func (s *Service) ownerFor(w http.ResponseWriter, r *http.Request) Owner {
	o := ownerOf(r)
	switch {
	case o.account != 0:
	case o.guest != "":
		http.SetCookie(w, s.guestCookie(guestOf(r)))
	default:
		token, cookie := s.newGuest()
		http.SetCookie(w, cookie)
		o = OwnerOf(0, token)
	}
	return o
}

// Where returns where a browser has dinner brought, nil where nobody has said so.
func Where(r *http.Request) *geo.Point {
	if p := placeOf(r); p != nil {
		return &p.point
	}
	return nil
}

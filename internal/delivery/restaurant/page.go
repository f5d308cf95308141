package restaurant

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

func (s *Service) pages(rt *httpx.Router) {
	const one = "/restaurant/{slug}"
	staff, owner := httpx.May("restaurant.work"), httpx.May("restaurant.manage")
	rt.Page("GET "+one+"/strip", staff, s.forStaff(s.stripFragment))
	rt.Page("POST "+one+"/pause", staff, s.forStaff(s.pauseForm))
	rt.Page("POST "+one+"/rush", staff, s.forStaff(s.rushForm))
	rt.Page("GET "+one+"/settings", staff, s.forStaff(s.profilePage))
	rt.Page("POST "+one+"/settings", owner, s.forStaff(s.saveProfile))
	rt.Page("GET "+one+"/settings/hours", staff, s.forStaff(s.hoursPage))
	rt.Page("POST "+one+"/settings/hours", owner, s.forStaff(s.saveHours))
	rt.Page("GET "+one+"/settings/hours/preview", staff, s.forStaff(s.previewHours))
	rt.Page("POST "+one+"/settings/closures", staff, s.forStaff(s.saveClosure))
	rt.Page("POST "+one+"/settings/closures/{id}/delete", staff, s.forStaff(s.deleteClosure))
	rt.Page("POST "+one+"/settings/special", owner, s.forStaff(s.saveSpecial))
	rt.Page("POST "+one+"/settings/special/{date}/delete", owner, s.forStaff(s.deleteSpecial))
	rt.Page("GET "+one+"/settings/zones", staff, s.forStaff(s.zonesPage))
	rt.Page("GET "+one+"/settings/zones/{n}", staff, s.forStaff(s.zonePage))
	rt.Page("POST "+one+"/settings/zones/{n}", owner, s.forStaff(s.saveZone))
	rt.Page("POST "+one+"/settings/zones/{n}/delete", owner, s.forStaff(s.deleteZone))
	rt.Page("GET "+one+"/settings/prices", staff, s.forStaff(s.pricesPage))
	rt.Page("POST "+one+"/settings/prices", owner, s.forStaff(s.savePrices))
	rt.Page("GET "+one+"/settings/kitchen", staff, s.forStaff(s.kitchenPage))
	rt.Page("POST "+one+"/settings/kitchen", owner, s.forStaff(s.saveKitchen))
}

// staffHandler serves a page of the restaurant c to somebody who works there.
type staffHandler func(w http.ResponseWriter, r *http.Request, c *Compiled) error

// forStaff finds the restaurant and keeps away who does not work there.
func (s *Service) forStaff(h staffHandler) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.GetBySlug(r.Context(), r.PathValue("slug"))
		if err != nil {
			return err
		}
		if err := access.Can(access.From(r.Context()), "restaurant.work", access.Thing{Kind: "restaurant", ID: c.ID}); err != nil {
			return err
		}
		return h(w, r, c)
	}
}

// base is the address of a restaurant's settings.
func (c *Compiled) base() string { return "/restaurant/" + c.Slug }

func (s *Service) stripFragment(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	return httpx.Render(w, r, http.StatusOK, strip(c, s.now()))
}

type stripForm struct {
	Minutes  int    `form:"minutes"`
	Tomorrow bool   `form:"tomorrow"`
	Extra    int    `form:"extra"`
	Next     string `form:"next"`
}

func (f stripForm) end(c *Compiled, now time.Time) time.Time {
	return Lasting{Minutes: min(max(f.Minutes, 0), int(MaxPause/time.Minute)), Tomorrow: f.Tomorrow}.end(c, now)
}

func (s *Service) pauseForm(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in stripForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	c, err := s.SetPause(r.Context(), c.ID, in.end(c, s.now()))
	return s.afterStrip(w, r, c, in.Next, err)
}

func (s *Service) rushForm(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in stripForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	c, err := s.SetRush(r.Context(), c.ID, in.end(c, s.now()), in.Extra)
	return s.afterStrip(w, r, c, in.Next, err)
}

func (s *Service) afterStrip(w http.ResponseWriter, r *http.Request, c *Compiled, next string, err error) error {
	if err != nil {
		return err
	}
	if ui.IsFragment(r) {
		return httpx.Render(w, r, http.StatusOK, strip(c, s.now()))
	}
	if next == "" {
		next = c.base() + "/settings"
	}
	return httpx.Redirect(w, r, next)
}

// saved answers a settings form: on to path, or the page again where err is for the person. page renders it with the wrong input kept.
func saved(w http.ResponseWriter, r *http.Request, path string, err error, page func(status int) error) error {
	switch {
	case err == nil:
		return httpx.Redirect(w, r, path+"?saved=1")
	case errs.Is(err, errs.Invalid):
		return page(http.StatusUnprocessableEntity)
	}
	return err
}

// view is what all settings pages know.
type view struct {
	c     *Compiled
	s     Settings // as stored, or as sent where that was refused
	now   time.Time
	tab   string
	saved bool
	err   error
	// changed: the form shows what is not saved yet.
	changed bool
	// deal is what was agreed on with the town, for owners; nil for others.
	deal *Agreement
}

func (s *Service) viewOf(r *http.Request, c *Compiled, tab string) view {
	v := view{c: c, s: c.Settings, now: s.now(), tab: tab, saved: r.URL.Query().Get("saved") != ""}
	if access.Can(access.From(r.Context()), "restaurant.manage", access.Thing{Kind: "restaurant", ID: c.ID}) == nil {
		deal, _ := s.DealOf(c)
		v.deal = &deal
	}
	return v
}

func (s *Service) profilePage(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	return httpx.Render(w, r, http.StatusOK, profilePage(s.viewOf(r, c, "")))
}

func (s *Service) saveProfile(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	in := profileForm{Lat: c.Settings.Point.Lat, Lon: c.Settings.Point.Lon}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	_, err := s.Update(r.Context(), c.ID, "profile", in.apply)
	return saved(w, r, c.base()+"/settings", err, func(status int) error {
		v := s.viewOf(r, c, "")
		v.err = err
		_ = in.apply(&v.s) // kept as it was written
		return httpx.Render(w, r, status, profilePage(v))
	})
}

func (s *Service) hoursPage(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	return httpx.Render(w, r, http.StatusOK, hoursPage(s.viewOf(r, c, "hours")))
}

func (s *Service) hoursAgain(w http.ResponseWriter, r *http.Request, c *Compiled, err error, in *hoursForm) func(int) error {
	return func(status int) error {
		v := s.viewOf(r, c, "hours")
		v.err = err
		if in != nil {
			v.s.Hours, v.s.Pickup = in.Hours, in.Pickup
		}
		return httpx.Render(w, r, status, hoursPage(v))
	}
}

func (s *Service) saveHours(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in hoursForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	_, err := s.Update(r.Context(), c.ID, "hours", in.apply)
	return saved(w, r, c.base()+"/settings/hours", err, s.hoursAgain(w, r, c, err, &in))
}

// previewHours shows the coming week under hours that are being typed, or what is wrong with them.
func (s *Service) previewHours(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	q := r.URL.Query()
	name, typed := "hours", q.Get("hours")
	if q.Has("pickup_hours") && !q.Has("hours") {
		name, typed = "pickup_hours", q.Get("pickup_hours")
	}
	return httpx.Render(w, r, http.StatusOK, preview(name, typed, c, s.now()))
}

// weekAhead returns the coming seven days under a schedule that need not be stored yet.
func (c *Compiled) weekAhead(sched hours.Schedule, now time.Time) [7]hours.Day {
	return sched.Week(hours.DateOf(now, c.loc), c.courier.opt)
}

// columnOf returns the column of an hours text at which reading it fails, 0 where it does not.
func columnOf(s string) int {
	if len(s) > MaxHours {
		return 0
	}
	var sched hours.Schedule
	if bad, ok := errors.AsType[*hours.ParseError](sched.UnmarshalText([]byte(s))); ok {
		return bad.Column
	}
	return 0
}

func (s *Service) saveClosure(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in closureForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	x, err := in.closure(c.loc, s.now())
	if err == nil {
		_, err = s.AddClosure(r.Context(), c.ID, x)
	}
	return saved(w, r, c.base()+"/settings/hours", err, s.hoursAgain(w, r, c, err, nil))
}

func (s *Service) deleteClosure(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	closure, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errMissing
	}
	if _, err := s.RemoveClosure(r.Context(), c.ID, closure); err != nil {
		return err
	}
	return httpx.Redirect(w, r, c.base()+"/settings/hours")
}

func (s *Service) saveSpecial(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in specialForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	x, err := in.special()
	if err == nil {
		_, err = s.Update(r.Context(), c.ID, "hours", func(set *Settings) error {
			set.Special = append(without(set.Special, x.Date), x)
			return nil
		})
	}
	return saved(w, r, c.base()+"/settings/hours", err, s.hoursAgain(w, r, c, err, nil))
}

func without(list []Special, d hours.Date) []Special {
	return slices.DeleteFunc(slices.Clone(list), func(x Special) bool { return x.Date == d })
}

func (s *Service) deleteSpecial(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	d, err := hours.ParseDate(r.PathValue("date"))
	if err != nil {
		return errMissing
	}
	if _, err := s.Update(r.Context(), c.ID, "hours", func(set *Settings) error { set.Special = without(set.Special, d); return nil }); err != nil {
		return err
	}
	return httpx.Redirect(w, r, c.base()+"/settings/hours")
}

func (s *Service) zonesPage(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	return httpx.Render(w, r, http.StatusOK, zonesPage(s.viewOf(r, c, "zones")))
}

// zoneNumber returns the zone that the path names: its place from 1, or 0 for "new".
func zoneNumber(r *http.Request, c *Compiled) (int, error) {
	if r.PathValue("n") == "new" {
		return 0, nil
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 || n > len(c.Settings.Zones) {
		return 0, errs.New(errs.NotFound, "This zone is not there any more.")
	}
	return n, nil
}

func (s *Service) zonePage(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	n, err := zoneNumber(r, c)
	if err != nil {
		return err
	}
	z := Zone{RadiusM: 2000}
	if n > 0 {
		z = c.Settings.Zones[n-1]
	}
	cur := c.Settings.Currency
	in := zoneForm{Name: z.Name, Area: string(z.Area), Fee: MoneyText(z.Fee, cur), Minimum: MoneyText(z.Minimum, cur), FreeFrom: MoneyText(z.FreeFrom, cur), Place: n}
	if z.RadiusM > 0 {
		in.Radius = strconv.FormatFloat(z.RadiusM, 'f', 0, 64)
	}
	return httpx.Render(w, r, http.StatusOK, zonePage(s.viewOf(r, c, "zones"), n, in))
}

func (s *Service) saveZone(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	n, err := zoneNumber(r, c)
	if err != nil {
		return err
	}
	var in zoneForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	z, err := in.zone(c.Settings.Currency)
	place := 0
	if err == nil {
		_, err = s.Update(r.Context(), c.ID, "zones", func(set *Settings) error {
			list := slices.Clone(set.Zones)
			if n > 0 && n <= len(list) {
				list = slices.Delete(list, n-1, n)
			}
			place = len(list)
			if in.Place >= 1 && in.Place <= len(list) {
				place = in.Place - 1
			}
			set.Zones = slices.Insert(list, place, z)
			return nil
		})
	}
	return saved(w, r, c.base()+"/settings/zones", err, func(status int) error {
		v := s.viewOf(r, c, "zones")
		v.err = unprefixed(err, "zones["+strconv.Itoa(place)+"].")
		return httpx.Render(w, r, status, zonePage(v, n, in))
	})
}

// unprefixed takes a prefix from the paths of an Invalid error, so that a form of one zone finds its fields.
func unprefixed(err error, prefix string) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return err
	}
	out := *e
	out.Fields = slices.Clone(e.Fields)
	for i := range out.Fields {
		p := &out.Fields[i].Path
		if len(*p) > len(prefix) && (*p)[:len(prefix)] == prefix {
			*p = (*p)[len(prefix):]
		}
		if len(*p) > 4 && (*p)[:4] == "area" {
			*p = "area"
		}
	}
	return &out
}

func (s *Service) deleteZone(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	n, err := zoneNumber(r, c)
	if err != nil || n == 0 {
		return err
	}
	_, err = s.Update(r.Context(), c.ID, "zones", func(set *Settings) error {
		if n > len(set.Zones) {
			return errs.New(errs.NotFound, "This zone is not there any more.")
		}
		set.Zones = slices.Delete(slices.Clone(set.Zones), n-1, n)
		return nil
	})
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, c.base()+"/settings/zones?saved=1")
}

func (s *Service) pricesPage(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	return httpx.Render(w, r, http.StatusOK, pricesPage(s.viewOf(r, c, "prices")))
}

// savePrices saves the rules, or shows them again as one of the form's other buttons arranges them.
func (s *Service) savePrices(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in priceForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	rules, err := in.rules(c.Settings.Currency)
	if in.Do != "" && in.Do != "save" {
		v := s.viewOf(r, c, "prices")
		v.s.Prices, v.changed = arranged(rules, in.Do), true
		return httpx.Render(w, r, http.StatusOK, pricesPage(v))
	}
	if err == nil {
		_, err = s.Update(r.Context(), c.ID, "zones", func(set *Settings) error { set.Prices = rules; return nil })
	}
	return saved(w, r, c.base()+"/settings/prices", err, func(status int) error {
		v := s.viewOf(r, c, "prices")
		v.err, v.s.Prices = err, rules
		return httpx.Render(w, r, status, pricesPage(v))
	})
}

func (s *Service) kitchenPage(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	return httpx.Render(w, r, http.StatusOK, kitchenPage(s.viewOf(r, c, "kitchen")))
}

func (s *Service) saveKitchen(w http.ResponseWriter, r *http.Request, c *Compiled) error {
	var in kitchenForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	_, err := s.Update(r.Context(), c.ID, "limits", in.apply)
	return saved(w, r, c.base()+"/settings/kitchen", err, func(status int) error {
		v := s.viewOf(r, c, "kitchen")
		v.err = err
		_ = in.apply(&v.s) // kept as it was written
		return httpx.Render(w, r, status, kitchenPage(v))
	})
}

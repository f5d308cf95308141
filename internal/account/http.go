package account

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// This file is what the packages of people's pages share.

// Again answers with the page of a form that was refused, where what the person typed is at fault; it returns any other error.
func Again(w http.ResponseWriter, r *http.Request, err error, p templ.Component) error {
	e := errs.As(err)
	if e == nil || httpx.StatusOf(err) >= http.StatusInternalServerError && e.Kind != errs.Unavailable {
		return err
	}
	if e.Retry > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int((e.Retry+time.Second-1)/time.Second)))
	}
	return httpx.Render(w, r, httpx.StatusOf(err), p)
}

// Leave signs a browser out and sends it to next.
func (s *Service) Leave(w http.ResponseWriter, r *http.Request, next string) error {
	if old := VisitFrom(r.Context()).Old; old != "" {
		if err := s.SignOut(r.Context(), old); err != nil {
			return err
		}
	}
	http.SetCookie(w, s.cookie("", -1))
	return httpx.Redirect(w, r, next)
}

// Renew gives the browser's session another secret, after its owner has shown anew who they are: one that somebody had seen before is worth
// nothing from now on.
func (s *Service) Renew(w http.ResponseWriter, r *http.Request) error {
	session, ok := SessionFrom(r.Context())
	old := VisitFrom(r.Context()).Old
	if !ok || old == "" {
		return nil
	}
	token := id.Secret()
	err := s.db.Write(r.Context(), func(tx *db.Tx) error {
		if err := s.store.renew(r.Context(), tx, digestOf(old), digestOf(token)); err != nil {
			return err
		}
		return s.announceQuietly(r.Context(), tx, session.Account)
	})
	if err != nil {
		return err
	}
	s.SetCookie(w, token)
	return nil
}

// Me is an account as it is shown to itself.
type Me struct {
	ID        id.ID          `json:"id"`
	Handle    string         `json:"handle"`
	Name      string         `json:"name"`
	Email     string         `json:"email"`
	Lang      string         `json:"lang" doc:"BCP 47 tag of the language of pages and messages."`
	TZ        string         `json:"tz" doc:"IANA time zone; empty means the town's."`
	Roles     []access.Grant `json:"roles"`
	CreatedAt time.Time      `json:"created_at"`
}

// Shown returns an account as it is shown to itself.
func Shown(a Account) Me {
	roles := a.Roles
	if roles == nil {
		roles = []access.Grant{}
	}
	return Me{ID: a.ID, Handle: a.Handle, Name: a.Name, Email: a.Email, Lang: a.Lang, TZ: a.TZ, Roles: roles, CreatedAt: a.CreatedAt}
}

// AppVisit is the visit of an app that calls itself device: a browser's session that happens to be there goes on.
func AppVisit(ctx context.Context, device string) Visit {
	v := VisitFrom(ctx)
	v.Old = ""
	if device != "" {
		v.Device = device
	}
	return v
}

// languages are those that people choose from, each in its own words.
var languages = []ui.Option{{Value: "en", Label: "English"}, {Value: "de", Label: "Deutsch"}}

// Languages are those that people choose from, and own where a program set another.
func Languages(own string) []ui.Option { return withOwn(slices.Clone(languages), own) }

// zones are time zones that people choose from: one for each clock in Europe and the Americas, and the large ones elsewhere.
var zones = []string{
	"Europe/Lisbon", "Europe/London", "Europe/Dublin", "Europe/Paris", "Europe/Madrid", "Europe/Rome", "Europe/Berlin", "Europe/Vienna", "Europe/Zurich",
	"Europe/Amsterdam", "Europe/Brussels", "Europe/Copenhagen", "Europe/Stockholm", "Europe/Oslo", "Europe/Warsaw", "Europe/Prague", "Europe/Athens",
	"Europe/Helsinki", "Europe/Kyiv", "Europe/Istanbul", "America/St_Johns", "America/Halifax", "America/New_York", "America/Chicago", "America/Denver",
	"America/Phoenix", "America/Los_Angeles", "America/Anchorage", "America/Mexico_City", "America/Bogota", "America/Sao_Paulo", "Africa/Lagos",
	"Africa/Johannesburg", "Africa/Nairobi", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
	"Pacific/Auckland", "Pacific/Honolulu", "UTC",
}

// Zones are time zones that people choose from, and own where it is none of them.
func Zones(ctx context.Context, own string) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "The town's")}}
	for _, z := range zones {
		out = append(out, ui.Option{Value: z, Label: strings.ReplaceAll(z, "_", " ")})
	}
	return withOwn(out, own)
}

func withOwn(list []ui.Option, own string) []ui.Option {
	if own == "" || slices.ContainsFunc(list, func(o ui.Option) bool { return o.Value == own }) {
		return list
	}
	return append(list, ui.Option{Value: own, Label: own})
}

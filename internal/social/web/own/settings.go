package own

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Self is one's own profile, as one changes it.
type Self interface {
	Self(ctx context.Context, profile id.ID) (Profile, error)
	Update(ctx context.Context, profile id.ID, in Profile) error
}

// Profile is what somebody says of themselves, and how their posts are at first.
type Profile struct {
	Name, Note     string
	Fields         [4][2]string // name and value
	Locked         bool         // following needs consent
	Discoverable   bool
	Indexable      bool
	Secretive      bool // who follows, and whom, is for nobody else to see
	Visibility     string
	Sensitive      bool
	Quotes         string
	Language       string
	Avatar, Header []byte // new pictures; nil: as they are
}

// Filters are the words that somebody does not want to meet.
type Filters interface {
	Filters(ctx context.Context, owner id.ID) ([]Filter, error)
	AddFilter(ctx context.Context, owner id.ID, f Filter) error
	RemoveFilter(ctx context.Context, owner, filter id.ID) error
}

// Filter hides posts with words, or folds them.
type Filter struct {
	ID      id.ID
	Title   string
	Words   []string
	Where   []string // home, notifications, public, thread, account
	Hide    bool
	Expires time.Time // zero: never
}

func (p *Pages) settingRoutes(rt *httpx.Router) {
	rt.Page("GET /settings/profile", httpx.May("profile.read"), p.settings)
	rt.Page("POST /settings/profile", httpx.May("profile.write"), p.saveSettings)
	rt.Page("GET /settings/filters", httpx.May("filter.read"), p.filters)
	rt.Page("POST /settings/filters", httpx.May("filter.write"), p.addFilter)
	rt.Page("POST /settings/filters/{id}/delete", httpx.May("filter.write"), p.removeFilter)
}

func (p *Pages) settings(w http.ResponseWriter, r *http.Request) error {
	ctx, who := r.Context(), access.From(r.Context()).ID
	in, err := p.Self.Self(ctx, who)
	if err != nil {
		return err
	}
	a, err := p.Profiles.Entity(ctx, who)
	if err != nil {
		return err
	}
	saved := ""
	if r.URL.Query().Get("saved") != "" {
		saved = i18n.T(ctx, "Saved.")
	}
	return httpx.Render(w, r, http.StatusOK, p.settingsWhole(p.View(r), a, in, saved, nil))
}

// maxPicture bounds the form with both pictures.
const maxPicture = 20 << 20

// picture reads a picture of a form, nil where none was chosen.
func picture(r *http.Request, name string) ([]byte, error) {
	f, _, err := r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.InvalidField(name, "This file could not be read.").WithCause(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return b, nil
}

func (p *Pages) saveSettings(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxPicture)
	if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return errs.InvalidField("body", "This form could not be read.").WithCause(err)
	}
	if r.MultipartForm != nil {
		defer func() { _ = r.MultipartForm.RemoveAll() }() // what is left of it the system sweeps
	}
	on := func(name string) bool { return r.FormValue(name) == "1" }
	in := Profile{
		Name: r.FormValue("display_name"), Note: r.FormValue("note"), Locked: on("locked"), Discoverable: on("discoverable"), Indexable: on("indexable"),
		Secretive: !on("show_ties"), Visibility: r.FormValue("visibility"), Sensitive: on("sensitive"), Quotes: r.FormValue("quotes"), Language: r.FormValue("lang"),
	}
	for i := range in.Fields {
		n := strconv.Itoa(i)
		in.Fields[i] = [2]string{r.FormValue("field_name_" + n), r.FormValue("field_value_" + n)}
	}
	var err error
	if r.MultipartForm != nil {
		if in.Avatar, err = picture(r, "avatar"); err != nil {
			return err
		}
		if in.Header, err = picture(r, "header"); err != nil {
			return err
		}
	}
	ctx, who := r.Context(), access.From(r.Context()).ID
	err = p.Self.Update(ctx, who, in)
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) {
		a, wrong := p.Profiles.Entity(ctx, who)
		if wrong != nil {
			return wrong
		}
		return httpx.Render(w, r, httpx.StatusOf(err), p.settingsWhole(p.View(r), a, in, "", err))
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/settings/profile?saved=1")
}

func (p *Pages) filters(w http.ResponseWriter, r *http.Request) error {
	return p.showFilters(w, r, http.StatusOK, nil)
}

func (p *Pages) showFilters(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	list, err := p.Filters.Filters(r.Context(), access.From(r.Context()).ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, status, p.filtersWhole(p.View(r), list, wrong))
}

func (p *Pages) addFilter(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Title string   `form:"title"`
		Words string   `form:"words"`
		Where []string `form:"where"`
		Hide  bool     `form:"hide"`
		Days  int      `form:"days"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	f := Filter{Title: in.Title, Where: in.Where, Hide: in.Hide}
	for _, word := range strings.FieldsFunc(in.Words, func(c rune) bool { return c == ',' || c == '\n' || c == '\r' }) {
		if word = strings.TrimSpace(word); word != "" {
			f.Words = append(f.Words, word)
		}
	}
	if in.Days > 0 {
		f.Expires = p.Now().AddDate(0, 0, in.Days)
	}
	err := p.Filters.AddFilter(r.Context(), access.From(r.Context()).ID, f)
	if errs.Is(err, errs.Invalid) {
		return p.showFilters(w, r, http.StatusUnprocessableEntity, err)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/settings/filters")
}

func (p *Pages) removeFilter(w http.ResponseWriter, r *http.Request) error {
	of, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errNothing
	}
	if err := p.Filters.RemoveFilter(r.Context(), access.From(r.Context()).ID, of); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/settings/filters")
}

// placeWord says where a filter holds.
func placeWord(ctx context.Context, where string) string {
	switch where {
	case "home":
		return i18n.T(ctx, "Home and lists")
	case "notifications":
		return i18n.T(ctx, "Notifications")
	case "public":
		return i18n.T(ctx, "The town")
	case "thread":
		return i18n.T(ctx, "Conversations")
	}
	return i18n.T(ctx, "Profiles")
}

// places are where filters can hold.
var places = []string{"home", "notifications", "public", "thread", "account"}

// visibilities are those that posts can have at first.
var visibilities = []social.Visibility{social.Public, social.Town, social.Followers, social.Unlisted}

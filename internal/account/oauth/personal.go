package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// maxPersonal is how many tokens of their own a person may have.
const maxPersonal = 100

// Granted is an app that a person has let in.
type Granted struct {
	App    App
	Scopes []string // of all its tokens
	Since  time.Time
	SeenAt time.Time // to the hour
}

// Granted returns the apps that an account has let in, newest first, and the tokens that the person made for themselves.
func (s *Service) Granted(ctx context.Context, person id.ID) ([]Granted, []account.Session, error) {
	list, err := s.accounts.Sessions(ctx, person)
	if err != nil {
		return nil, nil, err
	}
	var apps []Granted
	var own []account.Session
	for _, t := range list {
		switch i := slices.IndexFunc(apps, func(g Granted) bool { return g.App.ID == t.App }); {
		case t.Kind != account.KindToken:
		case t.App == 0:
			own = append(own, t)
		case i < 0:
			apps = append(apps, Granted{App: App{ID: t.App, Name: t.Device}, Scopes: t.Scopes, Since: t.CreatedAt, SeenAt: t.SeenAt})
		default:
			g := &apps[i]
			g.Scopes = slices.Concat(g.Scopes, t.Scopes)
			if t.CreatedAt.Before(g.Since) {
				g.Since = t.CreatedAt
			}
			if t.SeenAt.After(g.SeenAt) {
				g.SeenAt = t.SeenAt
			}
		}
	}
	for i := range apps {
		a, err := s.App(ctx, apps[i].App.ID)
		if err == nil {
			apps[i].App = a
		} else if !errs.Is(err, errs.NotFound) {
			return nil, nil, err
		}
	}
	return apps, own, nil
}

// EndGrant takes an account back from an app: its tokens end on all nodes with their streams, and so do codes that it has yet to exchange.
// An app that was not let in is no error.
func (s *Service) EndGrant(ctx context.Context, person, app id.ID) error {
	if err := s.db.Write(ctx, func(tx *db.Tx) error { return s.store.dropCodes(ctx, tx, person, app) }); err != nil {
		return err
	}
	return s.accounts.EndApp(ctx, person, app)
}

// Personal is a token that somebody makes for their own script or till.
type Personal struct {
	Name   string
	Scopes []string
	Days   int // how long it lasts; 0: until it is revoked
}

// lasting are the days that a token may last.
var lasting = []int{7, 30, 90, 365, 0}

// NewPersonal makes a token and returns it, which is kept nowhere. It returns an Invalid error with every fault of the input.
func (s *Service) NewPersonal(ctx context.Context, person id.ID, in Personal) (string, error) {
	var wrong []errs.Field
	name := text.Clean(in.Name, maxName+1)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		wrong = append(wrong, errs.FieldOf("name", "Write what the token is for, to know it by."))
	case n > maxName:
		wrong = append(wrong, errs.FieldOf("name", "A name has at most %d characters.", maxName))
	}
	scopes, err := access.ParseScopes(strings.Join(in.Scopes, " "))
	switch {
	case err != nil:
		wrong = append(wrong, errs.FieldOf("scopes", "Choose from the list."))
	case len(scopes) == 0:
		wrong = append(wrong, errs.FieldOf("scopes", "Choose at least one thing that the token may do."))
	}
	if !slices.Contains(lasting, in.Days) {
		wrong = append(wrong, errs.FieldOf("days", "Choose from the list."))
	}
	if err := errs.InvalidFields(wrong); err != nil {
		return "", err
	}
	_, own, err := s.Granted(ctx, person)
	if err != nil {
		return "", err
	}
	if len(own) >= maxPersonal {
		return "", errs.New(errs.Conflict, "You have %d tokens. Revoke one that you no longer use.", len(own))
	}
	spec := account.TokenSpec{Account: person, Name: name, Scopes: scopes}
	if in.Days > 0 {
		spec.ExpiresAt = s.now().UTC().AddDate(0, 0, in.Days)
	}
	var token string
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		token, _, err = s.accounts.NewToken(ctx, tx, spec)
		return err
	})
	return token, err
}

// EndPersonal revokes a token that the person made for themselves. One that is over already is no error.
func (s *Service) EndPersonal(ctx context.Context, person, token id.ID) error {
	_, own, err := s.Granted(ctx, person)
	if err != nil || !slices.ContainsFunc(own, func(t account.Session) bool { return t.ID == token }) {
		return err
	}
	if err := s.accounts.EndSession(ctx, person, token); err != nil {
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		return s.note(ctx, tx, "token.revoke", "account:"+person.String(), map[string]any{"session": token})
	})
}

func (s *Service) accountRoutes(rt *httpx.Router) {
	rt.Page("GET /account/apps", httpx.Person, s.handleApps)
	rt.Page("POST /account/apps/{id}/end", httpx.Person, s.handleEndApp)
	rt.Page("GET /account/tokens/new", httpx.Person, s.handleNewToken)
	rt.Page("POST /account/tokens", httpx.Person, s.handleMakeToken)
	rt.Page("POST /account/tokens/{id}/end", httpx.Person, s.handleEndToken)
}

// appsView is what the page of apps shows.
type appsView struct {
	Apps []Granted
	Own  []account.Session
	Done string
}

// done is what the page says after a change, by the word in its URL.
var done = map[string]string{
	"app":   i18n.Key("The app is out. It can do nothing for you any more."),
	"token": i18n.Key("The token is revoked."),
}

func (s *Service) handleApps(w http.ResponseWriter, r *http.Request) error {
	apps, own, err := s.Granted(r.Context(), access.From(r.Context()).ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, appsPage(appsView{Apps: apps, Own: own, Done: done[r.URL.Query().Get("done")]}))
}

func (s *Service) handleEndApp(w http.ResponseWriter, r *http.Request) error {
	app, err := parseID(r)
	if err != nil {
		return err
	}
	if err := s.EndGrant(r.Context(), access.From(r.Context()).ID, app); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account/apps?done=app")
}

// tokenForm is the form for a new token.
type tokenForm struct {
	Name   string   `form:"name"`
	Scopes []string `form:"scopes"`
	Days   string   `form:"days"`
}

// toConfirm sends a person who has not lately shown who they are to do so, and back.
func toConfirm(w http.ResponseWriter, r *http.Request) error {
	return httpx.Redirect(w, r, "/account/confirm?next="+url.QueryEscape("/account/tokens/new"))
}

func (s *Service) handleNewToken(w http.ResponseWriter, r *http.Request) error {
	if s.accounts.Fresh(r.Context()) != nil {
		if _, ok := person(r); ok {
			return toConfirm(w, r)
		}
	}
	return httpx.Render(w, r, http.StatusOK, tokenPage(tokenForm{Days: "90", Scopes: []string{"read"}}, nil))
}

func (s *Service) handleMakeToken(w http.ResponseWriter, r *http.Request) error {
	if err := s.accounts.Fresh(r.Context()); err != nil {
		return err
	}
	var in tokenForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	days, err := strconv.Atoi(in.Days)
	if err != nil {
		days = -1
	}
	token, err := s.NewPersonal(r.Context(), access.From(r.Context()).ID, Personal{Name: in.Name, Scopes: in.Scopes, Days: days})
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return httpx.Render(w, r, httpx.StatusOf(err), tokenPage(in, err))
	}
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, madePage(text.Clean(in.Name, maxName), token))
}

func (s *Service) handleEndToken(w http.ResponseWriter, r *http.Request) error {
	token, err := parseID(r)
	if err != nil {
		return err
	}
	if err := s.EndPersonal(r.Context(), access.From(r.Context()).ID, token); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account/apps?done=token")
}

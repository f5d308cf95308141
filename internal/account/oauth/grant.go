package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	liberrors "github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/go-oauth2/oauth2/v4/server"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// This file puts our tables below go-oauth2, which checks client, redirect URI, code and challenge against each other and says in which
// order what is made. Each of its calls runs in one transaction of ours, which its context carries; what it makes is noted there too.

type exchangeKey struct{}

// exchange is one call of the library: the transaction it runs in, and what has come of it.
type exchange struct {
	tx      *db.Tx
	now     time.Time
	app     App    // the client, once the library has asked for it
	secret  string // the code in question, and what is known of it
	code    code
	session account.Session
	claims  int // 1 while this call holds the code, see races
	claim   func(n int)
}

// take notes that the call holds the code, or with -1 that it does not.
func (e *exchange) take(n int) {
	e.claims += n
	e.claim(n)
}

func (e *exchange) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// exchangeOf returns the call that ctx belongs to. Only this package calls the library, and always with one.
func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

// errUsed is what comes of a code that was exchanged before; who it is told to reads invalid_grant.
var errUsed = errors.New("oauth: this code was used before")

// newLibrary returns the library's server over our tables.
func newLibrary(s *Service) *server.Server {
	m := manage.NewManager()
	m.SetAuthorizeCodeTokenCfg(&manage.Config{}) // no refresh tokens: tokens last until they are taken back, as Mastodon's do
	m.SetClientTokenCfg(&manage.Config{})
	m.SetValidateURIHandler(func(registered, uri string) error {
		// Letter by letter: the library's own check would take any host that ends in ours.
		if !slices.Contains(strings.Split(registered, "\n"), uri) {
			return liberrors.ErrInvalidRedirectURI
		}
		return nil
	})
	m.MapClientStorage(clients{s})
	m.MapTokenStorage(grants{s})
	m.MapAuthorizeGenerate(secrets{s})
	m.MapAccessGenerate(tokens{s})
	cfg := server.NewConfig()
	cfg.AllowedResponseTypes = []oauth2.ResponseType{oauth2.Code}
	cfg.AllowedGrantTypes = []oauth2.GrantType{oauth2.AuthorizationCode, oauth2.ClientCredentials}
	cfg.AllowedCodeChallengeMethods = []oauth2.CodeChallengeMethod{oauth2.CodeChallengeS256}
	return server.NewServer(cfg, m)
}

// clients is the library's view of oauth_app.
type clients struct{ s *Service }

// GetByID returns the app with a client id.
func (c clients) GetByID(ctx context.Context, clientID string) (oauth2.ClientInfo, error) {
	e := exchangeOf(ctx)
	a, err := c.s.store.app(ctx, e.tx, clientID)
	if errs.Is(err, errs.NotFound) {
		return nil, liberrors.ErrInvalidClient
	}
	if err != nil {
		return nil, err
	}
	e.app = a
	return client{a}, nil
}

// client is an app as the library wants to see it.
type client struct{ App }

// GetID returns the client id.
func (a client) GetID() string { return a.ClientID }

// GetSecret returns nothing: the secret is known by its hash alone, see VerifyPassword.
func (a client) GetSecret() string { return "" }

// GetDomain returns the redirect URIs, one a line.
func (a client) GetDomain() string { return strings.Join(a.RedirectURIs, "\n") }

// IsPublic reports whether the app can keep no secret.
func (a client) IsPublic() bool { return a.Public }

// GetUserID returns nothing: an app belongs to nobody here.
func (a client) GetUserID() string { return "" }

// VerifyPassword reports whether secret is the app's. A public app has none, and must show none.
func (a client) VerifyPassword(secret string) bool {
	if a.Public {
		return secret == ""
	}
	return subtle.ConstantTimeCompare(digest(secret), a.secret) == 1
}

// secrets makes authorization codes.
type secrets struct{ s *Service }

// Token returns a new code.
func (secrets) Token(context.Context, *oauth2.GenerateBasic) (string, error) { return id.Secret(), nil }

// tokens makes access tokens.
type tokens struct{ s *Service }

// Token returns a new token: one that acts for the person whose code it is, or one of the app's own.
func (t tokens) Token(ctx context.Context, of *oauth2.GenerateBasic, _ bool) (string, string, error) {
	e := exchangeOf(ctx)
	if of.UserID == "" {
		return id.Secret(), "", nil
	}
	token, session, err := t.s.accounts.NewToken(ctx, e.tx, account.TokenSpec{
		Account: e.code.Account, App: e.app.ID, Name: e.app.Name, Scopes: strings.Fields(of.TokenInfo.GetScope()),
	})
	e.session = session
	return token, "", err
}

// grants is the library's view of oauth_code and of tokens.
type grants struct{ s *Service }

// Create stores a new code or token. A token that acts for a person is stored already, by account: its code learns which it is.
func (g grants) Create(ctx context.Context, info oauth2.TokenInfo) error {
	e := exchangeOf(ctx)
	if info.GetAccess() == "" {
		return g.s.store.insertCode(ctx, e.tx, info.GetCode(), code{
			App: e.app.ID, Account: e.code.Account, RedirectURI: info.GetRedirectURI(), Scopes: info.GetScope(), Challenge: info.GetCodeChallenge(),
			ExpiresAt: e.code.ExpiresAt,
		}, e.now)
	}
	if err := g.s.store.touchApp(ctx, e.tx, e.app.ID, e.now); err != nil {
		return err
	}
	if info.GetUserID() == "" {
		return g.s.store.insertAppToken(ctx, e.tx, info.GetAccess(), e.app.ID, info.GetScope(), e.now)
	}
	return g.s.store.linkCode(ctx, e.tx, e.secret, e.session.ID)
}

// GetByCode returns what a code stands for. It returns errUsed for one that was exchanged, and the library's error for one that is too old
// or never was.
func (g grants) GetByCode(ctx context.Context, secret string) (oauth2.TokenInfo, error) {
	e := exchangeOf(ctx)
	c, err := g.s.store.code(ctx, e.tx, secret)
	switch {
	case errors.Is(err, db.ErrNoRow):
		return nil, liberrors.ErrInvalidAuthorizeCode
	case err != nil:
		return nil, err
	}
	e.secret, e.code = secret, c
	switch {
	case !c.UsedAt.IsZero():
		return nil, errUsed
	case !e.now.Before(c.ExpiresAt):
		return nil, liberrors.ErrInvalidAuthorizeCode
	}
	info := models.NewToken()
	info.SetClientID(c.ClientID)
	info.SetUserID(c.Account.String())
	info.SetRedirectURI(c.RedirectURI)
	info.SetScope(c.Scopes)
	info.SetCode(secret)
	info.SetCodeChallenge(c.Challenge)
	info.SetCodeChallengeMethod(oauth2.CodeChallengeS256)
	// The library would ask the machine's clock, not ours, which has just been asked.
	info.SetCodeCreateAt(time.Unix(0, 0))
	info.SetCodeExpiresIn(math.MaxInt64)
	return info, nil
}

// RemoveByCode takes a code out of use. It returns errUsed where another exchange was faster.
func (g grants) RemoveByCode(ctx context.Context, secret string) error {
	e := exchangeOf(ctx)
	// Before the database is asked: who finds the code used is to know whether that was somebody of the same race.
	e.take(1)
	ours, err := g.s.store.useCode(ctx, e.tx, secret, e.now)
	if err == nil && ours {
		return nil
	}
	e.take(-1)
	if err == nil {
		return errUsed
	}
	return err
}

// errNotOurs is what the parts of the library get that we have it not use: tokens are looked up and ended by account.
var errNotOurs = fmt.Errorf("oauth: %w: tokens are account's", errors.ErrUnsupported)

// RemoveByAccess is not used.
func (grants) RemoveByAccess(context.Context, string) error { return errNotOurs }

// RemoveByRefresh is not used.
func (grants) RemoveByRefresh(context.Context, string) error { return errNotOurs }

// GetByAccess is not used.
func (grants) GetByAccess(context.Context, string) (oauth2.TokenInfo, error) { return nil, errNotOurs }

// GetByRefresh is not used.
func (grants) GetByRefresh(context.Context, string) (oauth2.TokenInfo, error) { return nil, errNotOurs }

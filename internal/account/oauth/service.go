package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	liberrors "github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/server"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Options are what a Service is told of its server.
type Options struct {
	// Base returns the address that people reach the server by, without a slash at the end. r is the request that asks.
	Base func(r *http.Request) string
	// Audit, where not nil, notes what was done, in the transaction that does it.
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	// PushKey, where not nil, returns the public key that apps subscribe to push messages with.
	PushKey func(ctx context.Context) (string, error)
}

// Service is the OAuth server. Safe for concurrent use.
type Service struct {
	db       *db.DB
	ids      *id.Source
	now      clock.Func
	accounts *account.Service
	opt      Options
	store    store
	lib      *server.Server
	races    races
}

// New returns a Service whose tokens are those of accounts.
func New(d *db.DB, ids *id.Source, now clock.Func, accounts *account.Service, opt Options) *Service {
	s := &Service{db: d, ids: ids, now: now, accounts: accounts, opt: opt}
	s.lib = newLibrary(s)
	return s
}

func (s *Service) note(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error {
	if s.opt.Audit == nil {
		return nil
	}
	return s.opt.Audit(ctx, tx, verb, thing, detail)
}

// Register stores a new app and returns it with its secret, which is kept nowhere; a public app has none. It returns an Invalid error with
// every fault of the registration.
func (s *Service) Register(ctx context.Context, in Registration) (App, string, error) {
	a, err := in.clean()
	if err != nil {
		return App{}, "", err
	}
	a.ID, a.ClientID, a.CreatedAt, a.secret = s.ids.Next(), id.Secret(), s.now().UTC(), []byte{}
	var secret string
	if !a.Public {
		secret = id.Secret()
		a.secret = digest(secret)
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error { return s.store.insertApp(ctx, tx, a) })
	if err != nil {
		return App{}, "", err
	}
	return a, secret, nil
}

// App returns a registered app, or a NotFound error.
func (s *Service) App(ctx context.Context, app id.ID) (out App, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = s.store.appByID(ctx, tx, app)
		return err
	})
	return out, err
}

// Ask is what an app asks a person for.
type Ask struct {
	App         App
	RedirectURI string
	Scopes      []string
	State       string
	Challenge   string // PKCE, S256; empty: none
}

// askParams are the parameters of an authorization request that mean something here, and once each.
var askParams = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "response_mode", "force_login", "lang"}

// ReadAsk checks an authorization request. Where the app is unknown or the redirect URI is not one of its own the Ask is empty, and the
// error is for the person alone: nothing leads away from here. Any other error is the app's to hear, and comes with an Ask that says whose.
func (s *Service) ReadAsk(ctx context.Context, q url.Values) (Ask, error) {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(q[name]) > 1 {
			return Ask{}, errs.New(errs.Invalid, "The app that sent you here says two different things. It is not safe to go on.")
		}
	}
	var a App
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		a, err = s.store.app(ctx, tx, q.Get("client_id"))
		return err
	})
	if err != nil {
		return Ask{}, err
	}
	uri := q.Get("redirect_uri")
	if !a.has(uri) {
		return Ask{}, errs.New(errs.Invalid, "The app that sent you here wants to send you on to an address that it has not registered. It is not safe to go on.")
	}
	ask := Ask{App: a, RedirectURI: uri}
	if len(q["state"]) == 1 && len(q.Get("state")) <= maxState {
		ask.State = q.Get("state")
	}
	for _, name := range askParams {
		if len(q[name]) > 1 {
			return ask, fault(invalidRequest, "The parameter %s is there more than once.", name)
		}
	}
	switch {
	case len(q.Get("state")) > maxState:
		return ask, fault(invalidRequest, "The state is longer than %d bytes.", maxState)
	case q.Has("request"):
		return ask, fault(requestNotSupported, "Requests are not taken as objects.")
	case q.Has("request_uri"):
		return ask, fault(requestURINotAllowed, "Requests are not fetched.")
	case q.Get("response_type") == "":
		return ask, fault(invalidRequest, "The parameter response_type is missing; it is to be code.")
	case q.Get("response_type") != "code":
		return ask, fault(unsupportedResponse, "The response type is to be code.")
	case q.Has("response_mode") && q.Get("response_mode") != "query":
		return ask, fault(invalidRequest, "The response mode is to be query.")
	}
	if ask.Challenge, err = readChallenge(a, q); err != nil {
		return ask, err
	}
	ask.Scopes, err = askedScopes(a, q.Get("scope"))
	return ask, err
}

// readChallenge returns the PKCE challenge of a request, "" for none.
func readChallenge(a App, q url.Values) (string, error) {
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	switch {
	case !q.Has("code_challenge") && !q.Has("code_challenge_method"):
		if a.Public {
			return "", fault(invalidRequest, "An app that can keep no secret needs PKCE: send a code_challenge with the method S256.")
		}
		return "", nil
	case method != "S256":
		return "", fault(invalidRequest, "The code_challenge_method is to be S256.")
	case len(challenge) != 43 || strings.ContainsFunc(challenge, func(r rune) bool { return !isURLSafe(r) || r == '.' || r == '~' }):
		return "", fault(invalidRequest, "The code_challenge is to be a SHA-256 in base64url without padding, 43 characters.")
	}
	return challenge, nil
}

// isURLSafe reports whether a character may stand in a PKCE verifier.
func isURLSafe(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r)
}

// askedScopes returns the scopes of a request, "read" where it names none.
func askedScopes(a App, words string) ([]string, error) {
	scopes, err := access.ParseScopes(words)
	if err != nil {
		return nil, fault(invalidScope, "The scope names something that does not exist here.")
	}
	if len(scopes) == 0 {
		scopes = []string{"read"}
	}
	if !within(a.Scopes, scopes) {
		return nil, fault(invalidScope, "The app asks for more than it has registered for.")
	}
	return scopes, nil
}

// Allow returns the code by which the app gets its token, after the person has agreed to what it asks.
func (s *Service) Allow(ctx context.Context, person id.ID, ask Ask) (string, error) {
	now := s.now().UTC()
	lasts := CodeLasts
	if ask.RedirectURI == OOB {
		lasts = OOBCodeLasts
	}
	var out string
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		e := &exchange{tx: tx, now: now, code: code{Account: person, ExpiresAt: now.Add(lasts)}}
		info, err := s.lib.GetAuthorizeToken(e.in(ctx), &server.AuthorizeRequest{
			ResponseType: oauth2.Code, ClientID: ask.App.ClientID, UserID: person.String(), RedirectURI: ask.RedirectURI,
			Scope: strings.Join(ask.Scopes, " "), CodeChallenge: ask.Challenge, CodeChallengeMethod: oauth2.CodeChallengeS256,
		})
		if err != nil {
			return err
		}
		out = info.GetCode()
		return s.note(ctx, tx, "app.authorize", "app:"+ask.App.ID.String(), map[string]any{"name": ask.App.Name, "scopes": ask.Scopes, "account": person})
	})
	if err != nil {
		return "", told(err)
	}
	return out, nil
}

// TokenRequest is an app's request for a token.
type TokenRequest struct {
	Grant        string // "authorization_code" or "client_credentials"
	ClientID     string
	ClientSecret string
	Code         string
	RedirectURI  string
	Verifier     string
	Scope        string // of the app's own token
}

// Token is a token as its app gets it, once.
type Token struct {
	Secret    string
	Scope     string
	CreatedAt time.Time
}

// Exchange gives an app a token for a code or for its own secret. It returns an Invalid error whose code is one of RFC 6749's words.
//
// A code gives one token, however many ask at the same time. Whoever asks again after that is told no, and takes the token along: two have
// held the code, and which of them is the thief nobody can say.
func (s *Service) Exchange(ctx context.Context, in TokenRequest) (Token, error) {
	switch in.Grant {
	case "authorization_code":
		return s.exchangeCode(ctx, in)
	case "client_credentials":
		return s.ownToken(ctx, in)
	case "":
		return Token{}, fault(invalidRequest, "The parameter grant_type is missing.")
	}
	return Token{}, fault(unsupportedGrant, "The grant_type is to be authorization_code or client_credentials.")
}

func (s *Service) exchangeCode(ctx context.Context, in TokenRequest) (Token, error) {
	switch {
	case in.Code == "":
		return Token{}, fault(invalidRequest, "The parameter code is missing.")
	case in.RedirectURI == "":
		return Token{}, fault(invalidRequest, "The parameter redirect_uri is missing; it is to be the one that the code was sent to.")
	case in.Verifier != "" && (len(in.Verifier) < 43 || len(in.Verifier) > 128 || strings.ContainsFunc(in.Verifier, func(r rune) bool { return !isURLSafe(r) })):
		return Token{}, fault(invalidRequest, "A code_verifier has 43 to 128 letters, digits and - . _ ~.")
	}
	began := s.races.enter(in.Code, s.now())
	defer s.races.leave(in.Code, began)
	var out Token
	e := &exchange{}
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		s.races.claim(began, -e.claims) // of a try that the database has taken back
		*e = exchange{tx: tx, now: s.now().UTC(), claim: func(n int) { s.races.claim(began, n) }}
		out, err = s.ask(ctx, e, in)
		return err
	})
	if err == nil {
		return out, nil
	}
	s.races.claim(began, -e.claims)
	if errors.Is(err, errUsed) && !s.races.isWon(began) {
		if err := s.endToken(ctx, in.Code); err != nil {
			return Token{}, err
		}
	}
	return Token{}, told(err)
}

// endToken ends the token that a code was exchanged for, where it lives still.
func (s *Service) endToken(ctx context.Context, secret string) error {
	var c code
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = s.store.code(ctx, tx, secret)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.accounts.EndSession(ctx, c.Account, c.Session)
	if errs.Is(err, errs.NotFound) {
		return nil // by an earlier reuse, or by the person
	}
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		return s.note(ctx, tx, "app.code_reused", "app:"+c.App.String(), map[string]any{"account": c.Account, "session": c.Session})
	})
}

// ownToken gives an app a token that stands for nobody.
func (s *Service) ownToken(ctx context.Context, in TokenRequest) (Token, error) {
	var out Token
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		a, err := s.client(ctx, tx, in.ClientID, in.ClientSecret)
		if err != nil {
			return err
		}
		scopes, err := askedScopes(a, in.Scope)
		if err != nil {
			return err
		}
		in.Scope = strings.Join(scopes, " ")
		out, err = s.ask(ctx, &exchange{tx: tx, now: s.now().UTC()}, in)
		return err
	})
	if err != nil {
		return Token{}, told(err)
	}
	return out, nil
}

// ask has the library decide.
func (s *Service) ask(ctx context.Context, e *exchange, in TokenRequest) (Token, error) {
	info, err := s.lib.GetAccessToken(e.in(ctx), oauth2.GrantType(in.Grant), &oauth2.TokenGenerateRequest{
		ClientID: in.ClientID, ClientSecret: in.ClientSecret, RedirectURI: in.RedirectURI, Code: in.Code, CodeVerifier: in.Verifier, Scope: in.Scope,
	})
	if err != nil {
		return Token{}, err
	}
	return Token{Secret: info.GetAccess(), Scope: info.GetScope(), CreatedAt: e.now}, nil
}

// client returns the app that shows its id and secret, or an error with the code invalid_client.
func (s *Service) client(ctx context.Context, tx *db.Tx, clientID, secret string) (App, error) {
	a, err := s.store.app(ctx, tx, clientID)
	if errs.Is(err, errs.NotFound) || err == nil && !(client{a}).VerifyPassword(secret) {
		return App{}, told(liberrors.ErrInvalidClient)
	}
	return a, err
}

// told turns the library's errors into those that apps are told of; others stay what they are.
func told(err error) error {
	switch {
	case errors.Is(err, liberrors.ErrInvalidClient):
		return refusal(errs.Unauthenticated, invalidClient, "Client authentication failed: the app is unknown, or its secret is not right.")
	case errors.Is(err, errUsed), errors.Is(err, liberrors.ErrInvalidGrant), errors.Is(err, liberrors.ErrMissingCodeVerifier),
		errors.Is(err, liberrors.ErrInvalidRedirectURI), errors.Is(err, liberrors.ErrInvalidAuthorizeCode):
		return fault(invalidGrant, "The code is not valid: it was used, is too old, was given to another app or for another redirect URI, or its code_verifier does not fit.")
	case errors.Is(err, liberrors.ErrUnauthorizedClient):
		return fault(unauthorizedClient, "This app may not ask in this way.")
	}
	return err
}

// Revoke ends a token of the app that shows its id and secret: one that acts for a person, or one of the app's own. A token that is over, or
// never was, is no error. It returns an error with the code invalid_client, or a Forbidden one for a token of another app.
func (s *Service) Revoke(ctx context.Context, clientID, secret, token string) error {
	var a App
	var own bool
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		own = false
		if a, err = s.client(ctx, tx, clientID, secret); err != nil {
			return err
		}
		app, _, _, err := s.store.appToken(ctx, tx, token)
		switch {
		case errors.Is(err, db.ErrNoRow):
			return nil
		case err != nil:
			return err
		case app != a.ID:
			return errNotYours
		}
		own = true
		return s.store.endAppToken(ctx, tx, token, a.ID)
	})
	if err != nil || own {
		return err
	}
	session, err := s.accounts.SessionOf(ctx, token)
	switch {
	case errs.Is(err, errs.NotFound):
		return nil
	case err != nil:
		return err
	case session.App != a.ID:
		return errNotYours
	}
	if err := s.accounts.EndSession(ctx, session.Account, session.ID); !errs.Is(err, errs.NotFound) {
		return err
	}
	return nil
}

var errNotYours = refusal(errs.Forbidden, unauthorizedClient, "You are not authorized to revoke this token")

// Own returns the app whose own token this is, with the scopes of the token; a NotFound error where it is nobody's.
func (s *Service) Own(ctx context.Context, token string) (out access.Actor, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		app, scopes, _, err := s.store.appToken(ctx, tx, token)
		if errors.Is(err, db.ErrNoRow) {
			return errNoApp
		}
		out = access.Actor{App: app, Scopes: scopes}
		return err
	})
	return out, err
}

package oauth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers what apps and people call.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Raw("POST /api/v1/apps", httpx.Anyone, s.api(s.handleRegister))
	rt.Raw("GET /api/v1/apps/verify_credentials", httpx.Anyone, s.api(s.handleVerify))
	rt.Raw("POST /oauth/token", httpx.Anyone, s.api(s.handleToken))
	rt.Raw("POST /oauth/revoke", httpx.Anyone, s.api(s.handleRevoke))
	rt.Raw("GET /oauth/userinfo", httpx.Anyone, s.api(s.handleUserInfo))
	rt.Raw("GET /.well-known/oauth-authorization-server", httpx.Anyone, s.api(s.handleMetadata))
	rt.Page("GET /oauth/authorize", httpx.Anyone, s.handleAuthorizePage)
	rt.Page("GET /oauth/authorize/{$}", httpx.Anyone, s.handleAuthorizePage) // toot asks there
	rt.Page("POST /oauth/authorize", httpx.Person, s.handleAuthorize)
	rt.Page("POST /oauth/authorize/other", httpx.Person, s.handleOther)
	s.accountRoutes(rt)
}

// api has a handler's errors answered in the shape of RFC 6749, which Mastodon's apps read on all of these.
func (s *Service) api(h httpx.Handler) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Pragma", "no-cache")
		err := h(w, r)
		e := errs.As(err)
		if e == nil {
			return err // none, or one that is ours: httpx logs and answers it
		}
		return httpx.JSON(w, statusOf(w, e), shape(e))
	}
}

// statusOf returns the status that RFC 6749 gives an error, where it differs from the one that httpx does.
func statusOf(w http.ResponseWriter, e *errs.Error) int {
	switch {
	case e.Code == invalidClient:
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth"`)
	case errs.Is(e, errs.Unauthenticated):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case errs.Is(e, errs.Invalid) && len(e.Fields) == 0:
		return http.StatusBadRequest
	}
	return httpx.StatusOf(e)
}

type errorReply struct {
	Error       string                   `json:"error"`
	Description string                   `json:"error_description,omitempty"`
	Details     map[string][]errorDetail `json:"details,omitempty"`
}

type errorDetail struct {
	Error       string `json:"error"`
	Description string `json:"description"`
}

// shape returns the body for an error: a word and a sentence, or, for the fields of a registration, what Mastodon makes of them.
func shape(e *errs.Error) errorReply {
	if len(e.Fields) == 0 {
		return errorReply{Error: e.Code, Description: plain(e.Message)}
	}
	out := errorReply{Details: map[string][]errorDetail{}}
	sentences := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		sentences[i] = f.Message
		out.Details[f.Path] = append(out.Details[f.Path], errorDetail{"ERR_INVALID", sentences[i]})
	}
	out.Error = "Validation failed: " + strings.Join(sentences, " ")
	return out
}

// plain returns a sentence in the characters that RFC 6749 has for error_description.
func plain(sentence string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, sentence)
}

// appReply is Mastodon's CredentialApplication.
type appReply struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Website      *string  `json:"website"`
	Scopes       []string `json:"scopes"`
	RedirectURI  string   `json:"redirect_uri"`
	RedirectURIs []string `json:"redirect_uris"`
	ClientID     string   `json:"client_id,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	SecretEnds   *int     `json:"client_secret_expires_at,omitempty"`
	VapidKey     string   `json:"vapid_key"`
}

func (s *Service) newAppReply(ctx context.Context, a App) (out appReply, err error) {
	out = appReply{ID: a.ID.String(), Name: a.Name, Scopes: a.Scopes, RedirectURI: strings.Join(a.RedirectURIs, "\n"), RedirectURIs: a.RedirectURIs}
	if a.Website != "" {
		out.Website = &a.Website
	}
	if s.opt.PushKey != nil {
		out.VapidKey, err = s.opt.PushKey(ctx)
	}
	return out, err
}

func (s *Service) handleRegister(w http.ResponseWriter, r *http.Request) error {
	in, err := readBody(w, r)
	if err != nil {
		return err
	}
	if len(in) == 0 { // some apps register by the URL alone; there is no secret in it yet
		if in, err = tidy(r.URL.Query()); err != nil {
			return err
		}
	}
	uris := in["redirect_uris"]
	if len(uris) == 1 {
		uris = strings.Fields(uris[0])
	}
	a, secret, err := s.Register(r.Context(), Registration{
		Name: in.Get("client_name"), Website: in.Get("website"), RedirectURIs: uris, Scopes: strings.Join(in["scopes"], " "),
		Public: in.Get("token_endpoint_auth_method") == "none",
	})
	if err != nil {
		return err
	}
	out, err := s.newAppReply(r.Context(), a)
	if err != nil {
		return err
	}
	out.ClientID, out.ClientSecret, out.SecretEnds = a.ClientID, secret, new(int)
	return httpx.JSON(w, http.StatusOK, out)
}

var errToken = refusal(errs.Unauthenticated, "invalid_token", "The access token is invalid")

// handleVerify tells an app which one it is, by a token that acts for somebody or by its own.
func (s *Service) handleVerify(w http.ResponseWriter, r *http.Request) error {
	app := access.From(r.Context()).App
	if app == 0 {
		return errToken
	}
	a, err := s.App(r.Context(), app)
	if errs.Is(err, errs.NotFound) {
		return errToken
	}
	if err != nil {
		return err
	}
	out, err := s.newAppReply(r.Context(), a)
	if err != nil {
		return err
	}
	return httpx.JSON(w, http.StatusOK, out)
}

type tokenReply struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
	CreatedAt   int64  `json:"created_at"`
}

// readClient returns a request's parameters with its app's id and secret, wherever of the two allowed places they stand: the body, or an
// Authorization header. Nothing may stand in the URL: it would be in every log on the way.
func readClient(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.URL.RawQuery != "" {
		return nil, fault(invalidRequest, "Send the parameters in the body, not in the address.")
	}
	in, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if err := once(in); err != nil {
		return nil, err
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		return in, nil
	}
	// RFC 6749, 2.3.1: both are form-encoded first. Ours have no character that this would change, a bad one changes nothing.
	if u, err := url.QueryUnescape(user); err == nil {
		user = u
	}
	if p, err := url.QueryUnescape(password); err == nil {
		password = p
	}
	if in.Has("client_secret") || in.Has("client_id") && in.Get("client_id") != user {
		return nil, fault(invalidRequest, "Send the app's id and secret in one place.")
	}
	in.Set("client_id", user)
	in.Set("client_secret", password)
	return in, nil
}

func (s *Service) handleToken(w http.ResponseWriter, r *http.Request) error {
	in, err := readClient(w, r)
	if err != nil {
		return err
	}
	t, err := s.Exchange(r.Context(), TokenRequest{
		Grant: in.Get("grant_type"), ClientID: in.Get("client_id"), ClientSecret: in.Get("client_secret"),
		Code: in.Get("code"), RedirectURI: in.Get("redirect_uri"), Verifier: in.Get("code_verifier"), Scope: in.Get("scope"),
	})
	if err != nil {
		return err
	}
	return httpx.JSON(w, http.StatusOK, tokenReply{AccessToken: t.Secret, TokenType: "Bearer", Scope: t.Scope, CreatedAt: t.CreatedAt.Unix()})
}

func (s *Service) handleRevoke(w http.ResponseWriter, r *http.Request) error {
	in, err := readClient(w, r)
	if err != nil {
		return err
	}
	if in.Get("token") == "" {
		return errNotYours
	}
	if err := s.Revoke(r.Context(), in.Get("client_id"), in.Get("client_secret"), in.Get("token")); err != nil {
		return err
	}
	return httpx.JSON(w, http.StatusOK, struct{}{})
}

type userInfo struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Name    string `json:"name"`
	Handle  string `json:"preferred_username"`
	Profile string `json:"profile"`
	Locale  string `json:"locale,omitempty"`
}

// handleUserInfo tells an app with the scope profile for whom it acts.
func (s *Service) handleUserInfo(w http.ResponseWriter, r *http.Request) error {
	actor := access.From(r.Context())
	switch _, ok := account.SessionFrom(r.Context()); {
	case !ok || actor.Scopes == nil: // nobody, or a browser: this is for tokens
		return errToken
	case !actor.Allows("profile"):
		return refusal(errs.Forbidden, "insufficient_scope", "This action is outside the authorized scopes")
	}
	base := s.opt.Base(r)
	lang, _ := account.Prefs(r.Context())
	return httpx.JSON(w, http.StatusOK, userInfo{
		Issuer: base + "/", Subject: actor.ID.String(), Name: actor.Name, Handle: actor.Handle, Profile: base + "/@" + actor.Handle, Locale: lang,
	})
}

type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Registration  string   `json:"app_registration_endpoint"`
	Documentation string   `json:"service_documentation"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	Grants        []string `json:"grant_types_supported"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported"`
	RevokeAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Locales       []string `json:"ui_locales_supported"`
	Iss           bool     `json:"authorization_response_iss_parameter_supported"`
}

// handleMetadata is RFC 8414.
func (s *Service) handleMetadata(w http.ResponseWriter, r *http.Request) error {
	base := s.opt.Base(r)
	scopes := make([]string, len(access.Scopes))
	for i, sc := range access.Scopes {
		scopes[i] = sc.Word
	}
	auth := []string{"client_secret_basic", "client_secret_post", "none"}
	return httpx.JSON(w, http.StatusOK, metadata{
		Issuer: base + "/", Authorization: base + "/oauth/authorize", Token: base + "/oauth/token", Revocation: base + "/oauth/revoke",
		UserInfo: base + "/oauth/userinfo", Registration: base + "/api/v1/apps", Documentation: base + "/docs/api", Scopes: scopes,
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, Grants: []string{"authorization_code", "client_credentials"},
		TokenAuth: auth, RevokeAuth: slices.Clone(auth), Challenges: []string{"S256"}, Locales: i18n.Langs, Iss: true,
	})
}

// Open reports whether pages of other sites may send a request: apps that run in a browser call these without cookies.
func Open(r *http.Request) bool {
	switch r.URL.Path {
	case "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/.well-known/oauth-authorization-server":
		return true
	}
	return strings.HasPrefix(r.URL.Path, "/api/v1/") || strings.HasPrefix(r.URL.Path, "/api/v2/")
}

package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	lib "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// sourceFor is how long a provider's description of itself is believed. Its keys are read anew whenever it signs with an unknown one.
const sourceFor = time.Hour

// source is a provider as it describes itself.
type source struct {
	Provider
	found *lib.Provider
	about about
	until time.Time
}

// about is what matters here of a provider's description of itself.
type about struct {
	Auth      string   `json:"authorization_endpoint"`
	Methods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesSelf bool     `json:"authorization_response_iss_parameter_supported"`
}

func newVerifier() string { return oauth2.GenerateVerifier() }

// source returns what p says of itself, or an Unavailable error where it says nothing or nonsense.
func (s *Service) source(ctx context.Context, p Provider) (source, error) {
	s.mu.Lock()
	known, ok := s.known[p.Issuer]
	s.mu.Unlock()
	if ok && s.Clock().Before(known.until) {
		return known, nil
	}
	src, err := s.discover(ctx, p)
	if err != nil {
		if ok {
			s.Log.WarnContext(ctx, "a sign-in provider does not describe itself; what it said before is used", "issuer", p.Issuer, "err", err)
			return known, nil
		}
		s.Log.WarnContext(ctx, "a sign-in provider does not describe itself", "issuer", p.Issuer, "err", err)
		return source{}, errs.New(errs.Unavailable, "%s does not answer. Please try again later, or sign in another way.", p.Name).WithCause(err)
	}
	s.mu.Lock()
	s.known[p.Issuer] = src
	s.mu.Unlock()
	return src, nil
}

func (s *Service) discover(ctx context.Context, p Provider) (source, error) {
	// The library keeps the client of this context for reading keys later on.
	found, err := lib.NewProvider(lib.ClientContext(context.WithoutCancel(ctx), s.Client), p.Issuer)
	if err != nil {
		return source{}, fmt.Errorf("oidc: discover %s: %w", p.Issuer, err)
	}
	src := source{Provider: p, found: found, until: s.Clock().Add(sourceFor)}
	if err := found.Claims(&src.about); err != nil {
		return source{}, fmt.Errorf("oidc: discover %s: %w", p.Issuer, err)
	}
	issuer, ierr := url.Parse(p.Issuer)
	auth, aerr := url.Parse(src.about.Auth)
	if ierr != nil || aerr != nil || auth.Host == "" || (auth.Scheme != "https" && auth.Scheme != issuer.Scheme) {
		return source{}, fmt.Errorf("oidc: %s names %q for signing in", p.Issuer, src.about.Auth)
	}
	return src, nil
}

// config returns the client that we are to the provider.
func (src source) config(callback string) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: src.ClientID, RedirectURL: callback, Endpoint: src.found.Endpoint(), Scopes: []string{lib.ScopeOpenID}}
	for _, scope := range src.Scopes {
		if !slices.Contains(c.Scopes, scope) {
			c.Scopes = append(c.Scopes, scope)
		}
	}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if src.Secret == nil || (len(src.about.Methods) > 0 && !slices.Contains(src.about.Methods, "client_secret_basic")) {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	if src.Secret != nil {
		secret, err := src.Secret()
		if err != nil {
			return nil, fmt.Errorf("oidc: the secret for %s: %w", src.Issuer, err)
		}
		c.ClientSecret = secret
	}
	return c, nil
}

// address returns where the browser is to go.
func (src source) address(c *oauth2.Config, state string, f flow) string {
	return c.AuthCodeURL(state, lib.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
}

// introduced gives the code back to the provider and returns whom it has introduced. It returns an Unauthenticated error for everything
// that does not hold, and an Unavailable one where the provider does not answer.
func (s *Service) introduced(ctx context.Context, src source, f flow, in answer) (person, error) {
	if (in.Issuer != "" || src.about.NamesSelf) && in.Issuer != src.Issuer {
		return person{}, errRefused(fmt.Errorf("the answer says it is of %q", in.Issuer))
	}
	conf, err := src.config(s.callback(src.Provider))
	if err != nil {
		return person{}, err
	}
	ctx = lib.ClientContext(ctx, s.Client)
	token, err := conf.Exchange(ctx, in.Code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		if _, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
			return person{}, errRefused(err)
		}
		return person{}, errs.New(errs.Unavailable, "%s does not answer. Please try again later, or sign in another way.", src.Name).WithCause(err)
	}
	raw, _ := token.Extra("id_token").(string)
	proof, err := src.found.Verifier(&lib.Config{ClientID: src.ClientID, Now: s.Clock}).Verify(ctx, raw)
	if err != nil {
		return person{}, errRefused(err)
	}
	c, err := s.check(src, f, proof, token.AccessToken)
	if err != nil {
		return person{}, errRefused(err)
	}
	if c.Email == "" && src.found.UserInfoEndpoint() != "" {
		// Only to fill in the form: who it is, is decided.
		if info, err := src.found.UserInfo(ctx, oauth2.StaticTokenSource(token)); err == nil && info.Subject == c.Subject {
			if err := info.Claims(&c); err != nil {
				return person{}, errRefused(err)
			}
		}
	}
	return personOf(src.Issuer, c), nil
}

// check looks at what the library leaves to its caller: the nonce, for whom the token is, and who it is about.
func (s *Service) check(src source, f flow, proof *lib.IDToken, access string) (claims, error) {
	var c claims
	if err := proof.Claims(&c); err != nil {
		return claims{}, err
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(proof.Nonce), []byte(f.Nonce)) != 1:
		return claims{}, errors.New("another nonce")
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return claims{}, errors.New("no subject, or one that is too long")
	case c.Party != "" && c.Party != src.ClientID, c.Party == "" && len(c.Audience) > 1:
		return claims{}, fmt.Errorf("the token is for %q", c.Party)
	case proof.IssuedAt.After(s.Clock().Add(5 * time.Minute)):
		return claims{}, errors.New("the token is from the future")
	}
	if proof.AccessTokenHash != "" {
		if err := proof.VerifyAccessToken(access); err != nil {
			return claims{}, err
		}
	}
	return c, nil
}

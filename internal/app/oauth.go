package app

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/account/oauth"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// oauthOptions returns what the OAuth server is told.
func (a *App) oauthOptions() oauth.Options {
	return oauth.Options{Base: a.baseFor, Audit: a.Audit.Write, PushKey: a.pushKey}
}

// baseFor returns the address that people reach the server by: the one that is set, else the one that this request came to.
func (a *App) baseFor(r *http.Request) string {
	switch {
	case a.Config.URL != "":
		return a.Config.URL
	case a.https():
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// ownToken returns the app that holds a token for itself.
func (a *App) ownToken(ctx context.Context, token string) (access.Actor, error) {
	return a.OAuth.Own(ctx, token)
}

package oidc

import (
	"context"

	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

func connected(provider string) notice.Change {
	return notice.Change{Verb: "identity.add", Detail: map[string]any{"provider": provider}, Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "Your account was connected"), i18n.T(ctx, "From now on your account can be entered by signing in at %s.", provider)
	}}
}

func disconnected(provider string) notice.Change {
	return notice.Change{Verb: "identity.remove", Detail: map[string]any{"provider": provider}, Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "A connection was removed"), i18n.T(ctx, "Signing in at %s no longer opens your account.", provider)
	}}
}

// Changes are one of each that people are told of, as samples.
func Changes() []notice.Change {
	return []notice.Change{connected("Riverside Campus"), disconnected("Riverside Campus")}
}

package totp

import (
	"context"

	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

func turnedOn() notice.Change {
	return notice.Change{Verb: "two_step.on", Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "Two-step sign-in is on"), i18n.T(ctx, "From now on your password alone no longer opens your account: it takes a code from your authenticator app, too.")
	}}
}

func turnedOff() notice.Change {
	return notice.Change{Verb: "two_step.off", Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "Two-step sign-in is off"), i18n.T(ctx, "Your account no longer asks for a code from your authenticator app.")
	}}
}

func renewed() notice.Change {
	return notice.Change{Verb: "two_step.codes", Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "You have new recovery codes"), i18n.T(ctx, "The recovery codes that you had before no longer work.")
	}}
}

func recovered(left int) notice.Change {
	return notice.Change{Verb: "two_step.recovery", Detail: map[string]any{"left": left}, Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "A recovery code was used"), i18n.N(ctx, left, "Somebody signed in to your account with a recovery code. %d is left.", "Somebody signed in to your account with a recovery code. %d are left.")
	}}
}

// Changes are one of each that people are told of, as samples.
func Changes() []notice.Change {
	return []notice.Change{turnedOn(), turnedOff(), renewed(), recovered(RecoveryCodes - 1)}
}

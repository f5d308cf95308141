package passkey

import (
	"context"

	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

func added(name string) notice.Change {
	return notice.Change{Verb: "passkey.add", Detail: map[string]any{"name": name}, Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "A passkey was added"), i18n.T(ctx, "From now on your account can be entered with the passkey “%s”.", name)
	}}
}

func removed(name string) notice.Change {
	return notice.Change{Verb: "passkey.remove", Detail: map[string]any{"name": name}, Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "A passkey was removed"), i18n.T(ctx, "The passkey “%s” no longer signs you in.", name)
	}}
}

func cloned(name string) notice.Change {
	return notice.Change{Verb: "passkey.cloned", Detail: map[string]any{"name": name}, Words: func(ctx context.Context) (string, string) {
		return i18n.T(ctx, "A passkey may have been copied"), i18n.T(ctx, "Somebody signed in with the passkey “%s”, but its counter had gone backwards, as happens when a key was copied. It signs nobody in any more. Remove it and make a new one.", name)
	}}
}

// Changes are one of each that people are told of, as samples.
func Changes() []notice.Change {
	return []notice.Change{added("Security key"), removed("Security key"), cloned("Security key")}
}

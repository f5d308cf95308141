package app

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/account/notice"
	"github.com/stoa-town/stoa/internal/account/oidc"
	"github.com/stoa-town/stoa/internal/account/passkey"
	"github.com/stoa-town/stoa/internal/account/profile"
	"github.com/stoa-town/stoa/internal/account/totp"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Keys are the ways to sign in besides a password, and what is asked for after it.
type Keys struct {
	Passkeys  *passkey.Service
	TwoStep   *totp.Service
	Connected *oidc.Service
}

// keys builds them. SignUps must be there.
func (a *App) keys() {
	tell := notice.New(a.Mail, a.Audit, a.Address)
	for kind, fn := range tell.Samples(passkey.Changes(), totp.Changes(), oidc.Changes()) {
		a.Mail.Sample(kind, fn)
	}
	a.Passkeys = passkey.New(passkey.Deps{DB: a.DB, IDs: a.IDs, Now: a.Now, People: a.Accounts, Tell: tell}, passkey.Options{
		URL: a.Config.URL, HTTPS: a.https(), Town: a.Config.Town.Name,
		OtherWay: func(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) {
			n, err := a.Connected.Count(ctx, tx, who)
			if err != nil || n > 0 {
				return n > 0, err
			}
			return a.knownWay(ctx, tx, who)
		},
	})
	// Phones keep the real time, and so do other services, also where the town's clock runs faster.
	a.TwoStep = totp.New(totp.Deps{DB: a.DB, Clock: time.Now, People: a.Accounts, Tell: tell, Box: a.Secrets}, totp.Options{Town: a.Config.Town.Name})
	a.Connected = oidc.New(oidc.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Clock: time.Now, People: a.Accounts, Tell: tell, Door: a.SignUps, Client: a.Fetch.HTTP(), Log: a.opt.Log,
	}, oidc.Options{
		Providers: a.providers(), URL: a.Address,
		OtherWay: func(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) {
			n, err := a.Passkeys.Count(ctx, tx, who)
			if err != nil || n > 0 {
				return n > 0, err
			}
			return a.knownWay(ctx, tx, who)
		},
	})
}

// knownWay reports whether somebody can sign in by password or letter.
func (a *App) knownWay(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) {
	if a.Mail.On() {
		return true, nil
	}
	return a.Accounts.HasPassword(ctx, tx, who)
}

// providers are the services by whose word people sign in.
func (a *App) providers() []oidc.Provider {
	var out []oidc.Provider
	for _, c := range a.Config.OIDC {
		p := oidc.Provider{Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes}
		if c.SecretFile != "" {
			p.Secret = c.Secret
		}
		out = append(out, p)
	}
	return out
}

// secondStep reports whether an account asks for a second step.
func (a *App) secondStep(ctx context.Context, tx *db.Tx, who id.ID) (bool, error) {
	return a.TwoStep.Needed(ctx, tx, who)
}

// estrange takes away what strangers may have added to an account to come back by.
func (a *App) estrange(ctx context.Context, tx *db.Tx, who id.ID) error {
	if err := a.Passkeys.Estrange(ctx, tx, who); err != nil {
		return err
	}
	return a.Connected.Estrange(ctx, tx, who)
}

// ways are the buttons of the sign-in page besides its form, proofs those of the page that asks who somebody is once more.
func (a *App) ways() []func(next string) templ.Component {
	return append([]func(string) templ.Component{passkey.SignIn}, a.Connected.Buttons()...)
}

func (a *App) proofs() []func(next string) templ.Component {
	return []func(string) templ.Component{passkey.Confirm}
}

// protections are the entries of the page Security that lead to other pages.
func (a *App) protections() []profile.Link {
	out := []profile.Link{
		{Href: "/account/passkeys", Icon: "key-round", Words: func(ctx context.Context) (string, string) {
			return i18n.T(ctx, "Passkeys"), i18n.T(ctx, "Sign in with your finger, your face or the PIN of your device.")
		}},
		{Href: "/account/two-step", Icon: "shield-check", Words: func(ctx context.Context) (string, string) {
			return i18n.T(ctx, "Two-step sign-in"), i18n.T(ctx, "After the password, a code from your phone.")
		}},
	}
	if a.Connected.Has() {
		out = append(out, profile.Link{Href: "/account/connected", Icon: "link", Words: func(ctx context.Context) (string, string) {
			return i18n.T(ctx, "Connected sign-ins"), i18n.T(ctx, "Other services whose word lets you in.")
		}})
	}
	return out
}

// keyRoutes registers their pages.
func (a *App) keyRoutes() {
	a.Passkeys.Routes(a.Router)
	a.TwoStep.Routes(a.Router)
	a.Connected.Routes(a.Router)
}

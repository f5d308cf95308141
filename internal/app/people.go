package app

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stoa-town/stoa/internal/account/profile"
	"github.com/stoa-town/stoa/internal/account/signin"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// People are the ways into an account and the pages of one's own.
type People struct {
	SignUps  *signup.Service
	SignIns  *signin.Service
	Profiles *profile.Service
}

// people builds what lets people in.
func (a *App) people() {
	settings := func() config.Signup { return a.Settings.Config().Signup }
	a.SignUps = signup.New(a.DB, a.IDs, a.Now, a.Accounts, a.Mail, signup.Options{
		Mode: func() signup.Mode { return signup.Mode(settings().Mode) }, ByMail: func() bool { return settings().ByMail(a.Mail.On()) },
		Rules: func() string { return settings().Rules }, URL: a.Address, Mailbox: a.mailbox(), Screen: a.screened,
	})
	a.keys()
	a.SignIns = signin.New(a.DB, a.Accounts, a.Mail, signin.Options{URL: a.Address, Mailbox: a.mailbox(), Ways: a.ways(), Proofs: a.proofs(), Shut: a.shut})
	a.Profiles = profile.New(a.DB, a.Accounts, a.Mail, profile.Options{URL: a.Address, Security: a.protections()})
	for _, samples := range []map[string]func(context.Context) mail.Letter{a.SignUps.Samples(), a.SignIns.Samples(), a.Profiles.Samples()} {
		for kind, fn := range samples {
			a.Mail.Sample(kind, fn)
		}
	}
}

// mailbox returns the page that shows letters where none leave the server, else "".
func (a *App) mailbox() string {
	if a.Mail.Mode() == mail.Dev {
		return "/dev/mail"
	}
	return ""
}

// peopleRoutes registers their pages and operations.
func (a *App) peopleRoutes() {
	a.SignUps.Routes(a.Router)
	a.SignUps.AppRoutes(a.Router, func(ctx context.Context, app id.ID) (string, error) {
		known, err := a.OAuth.App(ctx, app)
		return known.Name, err
	})
	a.SignIns.Routes(a.Router)
	a.Profiles.Routes(a.Router)
	a.keyRoutes()
}

// proveAnew leads somebody whose last proof of who they are is too old to give another, and back to the page they were at.
func proveAnew(w http.ResponseWriter, r *http.Request) error {
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		next = "/account"
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && from.Path != "" {
			next = from.RequestURI()
		}
	}
	return httpx.Redirect(w, r, "/account/confirm?next="+url.QueryEscape(next))
}

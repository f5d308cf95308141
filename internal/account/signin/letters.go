package signin

import (
	"context"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// letter begins one to an account, in its language.
func letter(ctx context.Context, kind string, a account.Account) (context.Context, mail.Letter) {
	return i18n.With(ctx, a.Lang), mail.Letter{Kind: kind, To: a.Email, Name: a.Name, Lang: a.Lang}
}

func ignore(ctx context.Context) []string {
	return []string{i18n.T(ctx, "If you did not ask for this, do nothing: nobody can use this letter but you.")}
}

func (s *Service) linkLetter(ctx context.Context, a account.Account, link string) mail.Letter {
	ctx, l := letter(ctx, "signin.link", a)
	l.Subject = i18n.T(ctx, "Your sign-in link")
	l.Lines = []string{i18n.T(ctx, "This link signs you in. It works once, within 15 minutes, best in the browser where you asked for it.")}
	l.Action, l.After = &mail.Action{Label: i18n.T(ctx, "Sign in"), URL: link}, ignore(ctx)
	return l
}

func (s *Service) resetLetter(ctx context.Context, a account.Account, link string) mail.Letter {
	ctx, l := letter(ctx, "signin.reset", a)
	l.Subject = i18n.T(ctx, "Choose a new password")
	l.Lines = []string{i18n.T(ctx, "With this link you choose a new password. It works once, within 15 minutes. All devices and apps are signed out then.")}
	l.Action, l.After = &mail.Action{Label: i18n.T(ctx, "Choose a password"), URL: link}, ignore(ctx)
	return l
}

func (s *Service) unknownLetter(ctx context.Context, address string) mail.Letter {
	return mail.Letter{
		Kind: "signin.unknown", To: address, Lang: i18n.Lang(ctx), Subject: i18n.T(ctx, "There is no account with this address"),
		Lines:  []string{i18n.T(ctx, "Somebody wanted to sign in with this address, but no account here has it. If that was you, you may have used another address, or have none yet.")},
		Action: &mail.Action{Label: i18n.T(ctx, "Create an account"), URL: s.opt.URL() + "/sign-up"}, After: []string{i18n.T(ctx, "If it was not you, do nothing.")},
	}
}

func (s *Service) deviceLetter(ctx context.Context, a account.Account, session account.Session, link string) mail.Letter {
	ctx, l := letter(ctx, "signin.device", a)
	l.Subject = i18n.T(ctx, "Your account was used on a new device")
	l.Lines = []string{
		i18n.T(ctx, "Somebody signed in to your account with %s, from the address %s.", account.DeviceName(ctx, session.Device), session.IP),
		i18n.T(ctx, "If that was you, there is nothing to do."),
	}
	l.Action = &mail.Action{Label: i18n.T(ctx, "This was not me"), URL: link}
	l.After = []string{i18n.T(ctx, "The button signs out every device and app, and sends you a letter to choose a new password.")}
	return l
}

func (s *Service) confirmLetter(ctx context.Context, a account.Account, link string) mail.Letter {
	ctx, l := letter(ctx, "signin.confirm", a)
	l.Subject = i18n.T(ctx, "Show that it is you")
	l.Lines = []string{i18n.T(ctx, "You are about to change how your account is protected. Open this link in the same browser, within 15 minutes, to go on.")}
	l.Action, l.After = &mail.Action{Label: i18n.T(ctx, "Yes, it is me"), URL: link}, ignore(ctx)
	return l
}

// Samples returns one of each letter, for the preview of admins: pairs of kind and letter.
func (s *Service) Samples() map[string]func(ctx context.Context) mail.Letter {
	to := func(ctx context.Context) account.Account {
		return account.Account{Name: "Anna", Email: "anna@example.org", Lang: i18n.Lang(ctx)}
	}
	link := func(path string) string { return s.link(path, "example", "") }
	return map[string]func(ctx context.Context) mail.Letter{
		"signin.link":    func(ctx context.Context) mail.Letter { return s.linkLetter(ctx, to(ctx), link("/sign-in/link")) },
		"signin.reset":   func(ctx context.Context) mail.Letter { return s.resetLetter(ctx, to(ctx), link("/sign-in/reset")) },
		"signin.unknown": func(ctx context.Context) mail.Letter { return s.unknownLetter(ctx, "anna@example.org") },
		"signin.device": func(ctx context.Context) mail.Letter {
			session := account.Session{Device: "Mozilla/5.0 (Android) Firefox", IP: "192.0.2.7"}
			return s.deviceLetter(ctx, to(ctx), session, link("/sign-in/not-me"))
		},
		"signin.confirm": func(ctx context.Context) mail.Letter {
			return s.confirmLetter(ctx, to(ctx), link("/account/confirm/link"))
		},
	}
}

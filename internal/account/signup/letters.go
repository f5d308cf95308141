package signup

import (
	"context"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

func (s *Service) welcomeLetter(ctx context.Context, address, link string) mail.Letter {
	return mail.Letter{
		Kind: "signup.welcome", To: address, Lang: i18n.Lang(ctx), Subject: i18n.T(ctx, "Your account: one more step"),
		Lines:  []string{i18n.T(ctx, "This link makes your account. It works once, until tomorrow.")},
		Action: &mail.Action{Label: i18n.T(ctx, "Go on"), URL: link}, After: []string{i18n.T(ctx, "If you did not ask for this, do nothing.")},
	}
}

func (s *Service) knownLetter(ctx context.Context, a account.Account, link string) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "signup.known", To: a.Email, Name: a.Name, Lang: a.Lang, Subject: i18n.T(ctx, "You have an account already"),
		Lines: []string{
			i18n.T(ctx, "Somebody wanted to make an account with this address. You have one: @%s.", a.Handle),
			i18n.T(ctx, "If that was you, sign in with this link. It works once, within 15 minutes."),
		},
		Action: &mail.Action{Label: i18n.T(ctx, "Sign in"), URL: link}, After: []string{i18n.T(ctx, "If it was not you, do nothing.")},
	}
}

func (s *Service) yesLetter(ctx context.Context, a account.Account) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "signup.yes", To: a.Email, Name: a.Name, Lang: a.Lang, Subject: i18n.T(ctx, "Welcome in town"),
		Lines:  []string{i18n.T(ctx, "The people who run this town said yes: your account is ready.")},
		Action: &mail.Action{Label: i18n.T(ctx, "Sign in"), URL: s.opt.URL() + "/sign-in"},
	}
}

func (s *Service) noLetter(ctx context.Context, a account.Account, reason string) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	l := mail.Letter{
		Kind: "signup.no", To: a.Email, Name: a.Name, Lang: a.Lang, Subject: i18n.T(ctx, "About your account"),
		Lines: []string{i18n.T(ctx, "The people who run this town did not accept your account. What you had written is deleted.")},
	}
	if reason != "" {
		l.Lines = append(l.Lines, i18n.T(ctx, "They say: %s", reason))
	}
	return l
}

// Samples returns one of each letter, for the preview of admins, by its kind.
func (s *Service) Samples() map[string]func(ctx context.Context) mail.Letter {
	anna := func(ctx context.Context) account.Account {
		return account.Account{Name: "Anna", Handle: "anna", Email: "anna@example.org", Lang: i18n.Lang(ctx)}
	}
	return map[string]func(ctx context.Context) mail.Letter{
		"signup.welcome": func(ctx context.Context) mail.Letter {
			return s.welcomeLetter(ctx, "anna@example.org", s.link("/sign-up/finish", "example"))
		},
		"signup.known": func(ctx context.Context) mail.Letter {
			return s.knownLetter(ctx, anna(ctx), s.link("/sign-in/link", "example"))
		},
		"signup.yes": func(ctx context.Context) mail.Letter { return s.yesLetter(ctx, anna(ctx)) },
		"signup.no": func(ctx context.Context) mail.Letter {
			return s.noLetter(ctx, anna(ctx), i18n.T(ctx, "We know nobody of this name in town."))
		},
	}
}

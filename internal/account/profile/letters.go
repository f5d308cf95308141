package profile

import (
	"context"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

func (s *Service) moveLetter(ctx context.Context, a account.Account, address, link string) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "account.email", To: address, Name: a.Name, Lang: a.Lang, Subject: i18n.T(ctx, "Confirm your new address"),
		Lines:  []string{i18n.T(ctx, "You want to use this address for your account. The link works once, within an hour.")},
		Action: &mail.Action{Label: i18n.T(ctx, "Use this address"), URL: link},
		After:  []string{i18n.T(ctx, "If you did not ask for this, do nothing.")},
	}
}

func (s *Service) takenLetter(ctx context.Context, a account.Account, address string) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "account.email_taken", To: address, Lang: a.Lang, Subject: i18n.T(ctx, "This address has an account already"),
		Lines: []string{i18n.T(ctx, "Somebody wanted to use this address for another account. As it has one already, nothing was changed.")},
		After: []string{i18n.T(ctx, "If it was not you, do nothing.")},
	}
}

func (s *Service) undoLetter(ctx context.Context, a account.Account, address, link string) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "account.email_moved", To: a.Email, Name: a.Name, Lang: a.Lang, Subject: i18n.T(ctx, "Your account has another address now"),
		Lines:  []string{i18n.T(ctx, "Your account uses the address %s from now on. If you did that, there is nothing to do.", address)},
		Action: &mail.Action{Label: i18n.T(ctx, "This was not me: undo it"), URL: link},
		After:  []string{i18n.T(ctx, "The button works for 7 days. It brings this address back and signs out every device and app.")},
	}
}

// Samples returns one of each letter, for the preview of admins, by its kind.
func (s *Service) Samples() map[string]func(ctx context.Context) mail.Letter {
	anna := func(ctx context.Context) account.Account {
		return account.Account{Name: "Anna", Email: "anna@example.org", Lang: i18n.Lang(ctx)}
	}
	return map[string]func(ctx context.Context) mail.Letter{
		"account.email": func(ctx context.Context) mail.Letter {
			return s.moveLetter(ctx, anna(ctx), "anna@example.net", s.link("/account/email/move", "example"))
		},
		"account.email_taken": func(ctx context.Context) mail.Letter { return s.takenLetter(ctx, anna(ctx), "anna@example.net") },
		"account.email_moved": func(ctx context.Context) mail.Letter {
			return s.undoLetter(ctx, anna(ctx), "anna@example.net", s.link("/account/email/undo", "example"))
		},
	}
}

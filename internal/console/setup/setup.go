// Package setup is the first run of a town: a link that is printed once, and the page behind it that makes the first admin and asks for the
// few things that every town has to say. There is no account before it, and no page after it.
package setup

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/settings"
)

// Schema holds the table setup_link.
//
//go:embed schema/*.sql
var Schema embed.FS

// LinkFor is how long the link lasts. The next start makes a new one.
const LinkFor = 24 * time.Hour

// Deps are what a Service works with.
type Deps struct {
	DB       *db.DB
	Now      clock.Func
	Accounts *account.Service
	Settings *settings.Settings
	Mail     *mail.Mailer
	Audit    *audit.Audit
}

// Service sets a town up. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

var errClosed = errs.New(errs.NotFound, "There is nothing here.")

// Begin makes a new link and returns its token, which is kept nowhere; older links end. It returns "" where the town has an admin.
func (s *Service) Begin(ctx context.Context) (token string, err error) {
	if done, err := s.Accounts.HasAdmin(ctx); err != nil || done {
		return "", err
	}
	token = id.Secret()
	err = s.DB.Write(ctx, func(tx *db.Tx) error { return putLink(ctx, tx, digest(token), s.Now().Add(LinkFor)) })
	if err != nil {
		return "", fmt.Errorf("setup: make the link: %w", err)
	}
	return token, nil
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Open returns nil while the link with a token may be used, else a NotFound error, whatever the reason is.
func (s *Service) Open(ctx context.Context, token string) error {
	if done, err := s.Accounts.HasAdmin(ctx); err != nil {
		return err
	} else if done {
		return errClosed
	}
	var ok bool
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ok, err = hasLink(ctx, tx, digest(token), s.Now())
		return err
	})
	if err == nil && !ok {
		return errClosed
	}
	return err
}

// Request is what whoever sets the town up writes.
type Request struct {
	Name, Email, Handle, Password string
	Settings                      map[string]string // those of Asked that are not locked
	TestLetter                    bool
}

// Asked are the settings that the page asks for.
var Asked = []string{"town.name", "town.lang", "signup.mode"}

// Finish makes the first admin and the settings, and ends the link. Of several at once one succeeds. It returns an Invalid error with a field
// for each fault, and a NotFound error where the link cannot be used.
func (s *Service) Finish(ctx context.Context, token string, in Request) (account.Account, error) {
	if err := s.Open(ctx, token); err != nil {
		return account.Account{}, err
	}
	changes := s.changes(ctx, in.Settings)
	if err := s.Settings.Check(ctx, changes); err != nil {
		return account.Account{}, err
	}
	if in.Password == "" {
		return account.Account{}, errs.InvalidField("password", "Choose a password. You can add a passkey afterwards.")
	}
	made, _, err := s.Accounts.CreateWithRole(ctx, account.WithRole{
		Name: in.Name, Email: in.Email, Handle: strings.TrimPrefix(strings.TrimSpace(in.Handle), "@"), Password: in.Password, Lang: in.Settings["town.lang"],
		Roles: []string{string(access.RoleAdmin)},
		Also: func(ctx context.Context, tx *db.Tx, a account.Account) error {
			took, err := takeLink(ctx, tx, digest(token), s.Now())
			if err != nil {
				return err
			}
			if !took {
				return errClosed
			}
			if err := s.Audit.Write(as(ctx, a), tx, "setup.finish", audit.Thing("account", a.ID), nil); err != nil || !in.TestLetter || !s.Mail.On() {
				return err
			}
			return s.Mail.Send(ctx, tx, TestLetter(ctx, a))
		},
	})
	if err != nil {
		return account.Account{}, err
	}
	// The town has its admin whatever happens now; what is lacking can be set on the page of settings.
	return made, s.Settings.Change(as(ctx, made), changes)
}

// as returns a context in which the new admin acts.
func as(ctx context.Context, a account.Account) context.Context {
	return access.With(ctx, access.Actor{ID: a.ID, Handle: a.Handle, Name: a.Name, Roles: []access.Grant{{Role: access.RoleAdmin}}})
}

// changes returns the settings that differ from what is in force and can be changed here.
func (s *Service) changes(ctx context.Context, values map[string]string) map[string]*string {
	out := map[string]*string{}
	for _, key := range Asked {
		v, given := values[key]
		if st, ok := s.Settings.Get(ctx, key); ok && given && st.From == "" && st.Value != v {
			out[key] = &v
		}
	}
	return out
}

// TestLetter returns the letter that shows that letters arrive.
func TestLetter(ctx context.Context, a account.Account) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "admin.test", To: a.Email, Name: a.Name, Lang: a.Lang, Subject: i18n.T(ctx, "Letters arrive"),
		Lines: []string{i18n.T(ctx, "This is the letter that you asked for. Whoever has an account here can be reached like this.")},
	}
}

// Sample is the test letter as the preview shows it.
func Sample(ctx context.Context) mail.Letter {
	return TestLetter(ctx, account.Account{Name: "Zoe", Email: "zoe@example.org", Lang: i18n.Lang(ctx)})
}

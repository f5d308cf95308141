// Package notice is what follows every change of how somebody signs in: a line in the audit log, and a letter to the person, who may not
// be the one that made it.
package notice

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// Recent is how far back a way to sign in was added that ends when strangers are locked out of an account: whoever was in may have added it
// to come back by. It is as long as the letter about a new device can be answered.
const Recent = 7 * 24 * time.Hour

// Change is what became of somebody's ways to sign in.
type Change struct {
	Verb   string         // in the audit log: "passkey.add"
	Detail map[string]any // likewise
	// Words returns the letter's subject and what happened, as a sentence, in the language of ctx.
	Words func(ctx context.Context) (subject, line string)
}

// Post sends letters in the caller's transaction.
type Post interface {
	On() bool
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Book is the audit log.
type Book interface {
	Write(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
}

// Teller writes down changes and tells people about them. Safe for concurrent use.
type Teller struct {
	post Post
	book Book
	url  func() string
}

// New returns a Teller. url returns the address that links begin with.
func New(post Post, book Book, url func() string) *Teller { return &Teller{post, book, url} }

// Tell writes down a change of a's account and tells its owner, where the server can send letters.
func (t *Teller) Tell(ctx context.Context, tx *db.Tx, a account.Account, c Change) error {
	if err := t.Note(ctx, tx, a.ID, c.Verb, c.Detail); err != nil {
		return err
	}
	if !t.post.On() {
		return nil
	}
	return t.post.Send(ctx, tx, t.Letter(ctx, a, c))
}

// Note writes down what the person need not be told by letter.
func (t *Teller) Note(ctx context.Context, tx *db.Tx, who id.ID, verb string, detail map[string]any) error {
	return t.book.Write(ctx, tx, verb, "account:"+who.String(), detail)
}

// Letter returns the letter about a change in the language of its reader.
func (t *Teller) Letter(ctx context.Context, a account.Account, c Change) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	subject, line := c.Words(ctx)
	return mail.Letter{
		Kind: c.Verb, To: a.Email, Name: a.Name, Lang: a.Lang, Subject: subject, Lines: []string{line},
		Action: &mail.Action{Label: i18n.T(ctx, "Look at your sign-in"), URL: t.url() + account.TabSecurity},
		After:  []string{i18n.T(ctx, "If this was not you, change your password at once and sign out all other devices.")},
	}
}

// Samples returns a letter about each change, by its kind, as an admin looks at it.
func (t *Teller) Samples(lists ...[]Change) map[string]func(context.Context) mail.Letter {
	out := map[string]func(context.Context) mail.Letter{}
	for _, list := range lists {
		for _, c := range list {
			out[c.Verb] = func(ctx context.Context) mail.Letter {
				return t.Letter(ctx, account.Account{Name: "Anna", Email: "anna@example.org", Lang: i18n.Lang(ctx)}, c)
			}
		}
	}
	return out
}

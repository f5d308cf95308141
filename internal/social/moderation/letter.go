package moderation

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// ticketFor is how long the link of a letter to somebody who can't sign in lasts: longer than they may appeal.
const ticketFor = AppealFor + 10*24*time.Hour

// text is what a letter says.
type text struct {
	subject string
	lines   []string
}

// Title says what an action is, in the reader's language.
func Title(ctx context.Context, a Action) string {
	switch a {
	case Sensitive:
		return i18n.T(ctx, "Your pictures are shown only after a click")
	case Silence:
		return i18n.T(ctx, "Your account is limited")
	case Disable:
		return i18n.T(ctx, "Your account is closed for now")
	case Suspend:
		return i18n.T(ctx, "Your account is suspended")
	case Delete:
		return i18n.T(ctx, "Posts of yours were deleted")
	case Mark:
		return i18n.T(ctx, "Posts of yours were marked as sensitive")
	}
	return i18n.T(ctx, "A warning of the moderators")
}

// Means says what an action has as its effect, in the reader's language.
func Means(ctx context.Context, a Action) string {
	switch a {
	case Sensitive:
		return i18n.T(ctx, "Pictures and films of your posts are covered until somebody clicks on them.")
	case Silence:
		return i18n.T(ctx, "Only those who follow you meet your posts in lists of others. You can go on posting.")
	case Disable:
		return i18n.T(ctx, "You can't sign in. What you wrote is still there.")
	case Suspend:
		return i18n.T(ctx, "You can't sign in, and nobody sees your profile and your posts.")
	case Delete:
		return i18n.T(ctx, "They broke the rules of the town and are gone.")
	case Mark:
		return i18n.T(ctx, "Their pictures are covered until somebody clicks on them.")
	}
	return i18n.T(ctx, "Nothing else has happened. Please keep to the rules of the town.")
}

// strikeText is the letter about a strike.
func (s *Service) strikeText(ctx context.Context, k *Strike) text {
	t := text{subject: Title(ctx, k.Action), lines: []string{Means(ctx, k.Action)}}
	for part := range strings.SplitSeq(k.Text, "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			t.lines = append(t.lines, part)
		}
	}
	return t
}

// Preview returns what the letter about a deed would say, in the language of who it is for where that is a person, else of ctx.
func (s *Service) Preview(ctx context.Context, in Deed) (subject string, lines []string, err error) {
	if who, err := s.Accounts.Get(ctx, in.Target); err == nil {
		ctx = i18n.With(ctx, who.Lang)
	}
	if in.Text, err = clean("text", in.Text, MaxText); err != nil {
		return "", nil, err
	}
	t := s.strikeText(ctx, &Strike{Action: in.Action, Text: in.Text})
	return t.subject, append(t.lines, after(ctx)), nil
}

func after(ctx context.Context) string {
	return i18n.T(ctx, "If you think that this is a mistake, you can say so within 20 days; somebody looks at it again.")
}

func undoText(ctx context.Context, a Action) text {
	t := text{subject: i18n.T(ctx, "The moderators have taken something back"), lines: []string{i18n.T(ctx, "This no longer holds: %s.", Title(ctx, a))}}
	if a == Delete {
		t.lines = append(t.lines, i18n.T(ctx, "Posts that were deleted can't be brought back. You can post them again."))
	}
	return t
}

func appealText(ctx context.Context, a Action, yes bool) text {
	if !yes {
		return text{subject: i18n.T(ctx, "The moderators have read your appeal"), lines: []string{i18n.T(ctx, "They stay with what they decided: %s.", Title(ctx, a))}}
	}
	t := undoText(ctx, a)
	t.subject = i18n.T(ctx, "Your appeal was accepted")
	return t
}

// reader is somebody who gets a letter.
type reader struct {
	account.Account
	shut bool // can't sign in by the time the letter comes
}

// letterFor returns who answers for a profile.
func (s *Service) letterFor(ctx context.Context, profile id.ID, kind social.Kind) ([]reader, error) {
	ids := []id.ID{profile}
	if kind != social.Person {
		var err error
		if ids, err = s.Owners(ctx, profile, kind); err != nil {
			return nil, err
		}
	}
	var out []reader
	for _, n := range ids {
		who, err := s.Accounts.Get(ctx, n)
		if err != nil {
			continue // gone meanwhile
		}
		out = append(out, reader{Account: who, shut: n == profile})
	}
	return out, nil
}

// write sends a letter to each, and with a strike a link to it.
func (s *Service) write(ctx context.Context, tx *db.Tx, to []reader, says func(ctx context.Context) text, k *Strike) error {
	if !s.Mail.On() {
		return nil
	}
	for _, who := range to {
		if who.Email == "" {
			continue
		}
		ctx := i18n.With(ctx, who.Lang)
		t := says(ctx)
		l := mail.Letter{Kind: "moderation", To: who.Email, Name: who.Name, Lang: who.Lang, Subject: t.subject, Lines: t.lines}
		if k != nil {
			link := s.URL() + "/account/strikes/" + k.ID.String()
			if who.shut && (k.Action == Suspend || k.Action == Disable) {
				ticket, err := s.Accounts.Issue(ctx, tx, account.Ticket{Kind: ticketKind, Account: who.ID, Data: k.ID.String()}, ticketFor)
				if err != nil {
					return err
				}
				link += "?ticket=" + url.QueryEscape(ticket)
			}
			l.Action, l.After = &mail.Action{Label: i18n.T(ctx, "Read it, or appeal"), URL: link}, []string{after(ctx)}
		}
		if err := s.Mail.Send(ctx, tx, l); err != nil {
			return err
		}
	}
	return nil
}

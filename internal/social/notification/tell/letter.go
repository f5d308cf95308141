package tell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/social/notification"
)

// How often somebody wants a letter.
const (
	Never  = "never"
	Daily  = "daily"
	Weekly = "weekly"
)

// Letters are looked for every hour, and sent at letterHour where the reader is.
const (
	letterKind = "notification.letter"
	lookKind   = "notification.letters"
	letterHour = 7
	mostLines  = 10
)

// inLetters are the types that letters tell of.
var inLetters = []string{
	notification.Mention, notification.Status, notification.Reblog, notification.Follow, notification.FollowRequest, notification.Favourite,
	notification.Poll, notification.Quote,
}

// letter is what is stored of somebody's letters.
type letter struct {
	account id.ID
	every   string
	due     time.Time
	sent    time.Time // zero: never yet
	told    id.ID
}

// next returns when the letter after now is due: at the next letterHour in the reader's zone, or, with Weekly, six days after that; never
// within 20 hours of the last one.
func next(now, last time.Time, every string, zone *time.Location) time.Time {
	t := now.In(zone)
	at := time.Date(t.Year(), t.Month(), t.Day(), letterHour, 0, 0, 0, zone)
	if every == Weekly {
		at = at.AddDate(0, 0, 6)
	}
	for !at.After(now) || !last.IsZero() && at.Sub(last) < 20*time.Hour {
		at = at.AddDate(0, 0, 1)
	}
	return at.UTC()
}

func (s *Service) zoneOf(a account.Account) *time.Location {
	if a.TZ != "" {
		if z, err := time.LoadLocation(a.TZ); err == nil {
			return z
		}
	}
	return s.Zone
}

// Every returns how often somebody wants a letter: Never, Daily or Weekly.
func (s *Service) Every(ctx context.Context, account id.ID) (string, error) {
	l, err := s.letterOf(ctx, account)
	if err == nil && l.every == "" {
		return Never, nil
	}
	return l.every, err
}

func (s *Service) letterOf(ctx context.Context, account id.ID) (l letter, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		l, err = readLetter(ctx, tx, account)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return letter{}, nil
	}
	return l, err
}

// SetEvery says how often somebody wants a letter. It returns an Invalid error for a word that is none.
func (s *Service) SetEvery(ctx context.Context, account id.ID, every string) error {
	if every == Never {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return dropLetter(ctx, tx, account) })
	}
	if every != Daily && every != Weekly {
		return errs.InvalidField("every", "Choose daily, weekly or never.")
	}
	a, err := s.People.Get(ctx, account)
	if err != nil {
		return err
	}
	newest, err := s.Notices.Newest(ctx, account) // what is there already was seen, or is old
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		old, err := readLetter(ctx, tx, account)
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return err
		}
		due := next(s.Now(), old.sent, every, s.zoneOf(a))
		if !old.due.IsZero() && old.due.Before(due) {
			due = old.due // choosing anew puts nothing off
		}
		return writeLetter(ctx, tx, letter{account: account, every: every, due: due, sent: old.sent, told: max(old.told, newest)})
	})
}

func (s *Service) letterJobs() {
	s.Jobs.Handle(letterKind, s.writeTo)
	s.Jobs.Handle(lookKind, s.lookForLetters)
	s.Jobs.Schedule(lookKind, "7 * * * *", "UTC", lookKind, struct{}{})
	s.Mail.Sample("social.digest", func(ctx context.Context) mail.Letter {
		return s.compose(ctx, account.Account{Name: "Anna", Lang: i18n.Lang(ctx)}, []social.Entry{
			{Type: notification.Mention, Text: i18n.T(ctx, "%s mentioned you", "Ben"), Detail: i18n.T(ctx, "Who comes along to the market tomorrow?")},
			{Type: notification.Follow, Text: i18n.T(ctx, "%s follows you now", "Clara")},
		}, 2)
	})
}

// lookBatch is how many letters one look finds at most; the next look finds more.
const lookBatch = 1000

// lookForLetters enqueues a job for each letter that is due.
func (s *Service) lookForLetters(ctx context.Context, _ jobs.Job) error {
	if !s.Mail.On() {
		return nil
	}
	var due []id.ID
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		due, err = dueLetters(ctx, tx, s.Now(), lookBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("tell: look for letters: %w", err)
	}
	for _, a := range due {
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := s.Jobs.Enqueue(ctx, tx, letterKind, a, jobs.Opts{Unique: letterKind + ":" + a.String(), MaxAttempts: 3})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeTo sends somebody the letter that is due, where there is something to tell. The letter and the note that it was sent are one
// transaction: there are never two.
func (s *Service) writeTo(ctx context.Context, j jobs.Job) error {
	var who id.ID
	if err := json.Unmarshal(j.Args, &who); err != nil {
		return jobs.Discard(fmt.Errorf("tell: decode whom to write to: %w", err))
	}
	l, err := s.letterOf(ctx, who)
	if err != nil || l.every == "" || s.Now().Before(l.due) {
		return err
	}
	a, err := s.People.Get(ctx, who)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx = i18n.With(ctx, a.Lang)
	news, n, err := s.Notices.News(ctx, who, inLetters, l.told, mostLines)
	if err != nil {
		return err
	}
	write := n > 0 && a.State == account.Active && a.Email != ""
	after := l
	if write {
		after.sent = s.Now()
		for i := range news {
			after.told = max(after.told, news[i].ID)
		}
	}
	after.due = next(s.Now(), after.sent, l.every, s.zoneOf(a))
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		moved, err := moveLetter(ctx, tx, l, after)
		if err != nil || !moved || !write {
			return err
		}
		return s.Mail.Send(ctx, tx, s.compose(ctx, a, news, n))
	})
}

// compose writes the letter. What is said in direct messages stays here: letters are read on the way.
func (s *Service) compose(ctx context.Context, a account.Account, news []social.Entry, n int) mail.Letter {
	l := mail.Letter{
		Kind: "social.digest", To: a.Email, Name: a.Name, Lang: i18n.Lang(ctx),
		Subject: i18n.N(ctx, n, "%d thing you missed at %s", "%d things you missed at %s", n, s.Town()),
		Lines:   []string{i18n.T(ctx, "This happened since you last looked:")},
		Action:  &mail.Action{Label: i18n.T(ctx, "See all notifications"), URL: s.URL() + "/notifications"},
		After:   []string{i18n.T(ctx, "You get this letter because you asked for it in your settings.")},
		Leave:   s.leave(a.ID),
	}
	for _, e := range news {
		text := "• " + e.Text
		if e.Detail != "" && (e.Status == nil || e.Status.Visibility != string(social.Direct)) {
			text += "\n" + e.Detail
		}
		l.Lines = append(l.Lines, text)
	}
	if rest := n - len(news); rest > 0 {
		l.Lines = append(l.Lines, i18n.N(ctx, rest, "And %d more.", "And %d more."))
	}
	return l
}

// leavePurpose is the purpose of the signature that ends letters.
const leavePurpose = "notification letters"

// leave returns the address that ends somebody's letters, for who holds it.
func (s *Service) leave(account id.ID) string {
	return s.URL() + leavePath + "/" + account.String() + "/" + s.Secrets.Sign(leavePurpose, account.String())
}

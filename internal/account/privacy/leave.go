package privacy

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// leaving is somebody who has asked for the deletion of their account.
type leaving struct {
	account         id.ID
	asked, due      time.Time
	begun, erasedAt time.Time
	email           string
}

var errStays = errs.New(errs.NotFound, "This account is not being deleted.")

// Leaving returns when an account that is being deleted will be gone, or a NotFound error.
func (s *Service) Leaving(ctx context.Context, account id.ID) (due time.Time, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		l, err := leavingOf(ctx, tx, account)
		due = l.due
		return err
	})
	return due, err
}

// Obstacles returns what somebody has to do before they can leave, in the language of ctx; none: they can.
func (s *Service) Obstacles(ctx context.Context, who id.ID) ([]personal.Obstacle, error) {
	a, err := s.Accounts.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	out := []personal.Obstacle{}
	for _, g := range a.Roles {
		o, err := s.held(ctx, who, g)
		if err != nil {
			return nil, err
		}
		out = append(out, o...)
	}
	for _, p := range s.parts {
		if p.Blocks == nil {
			continue
		}
		more, err := p.Blocks(ctx, who)
		if err != nil {
			return nil, fmt.Errorf("privacy: what holds %s back in %s: %w", who, p.Name, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

// held says what a role holds its last holder back by.
func (s *Service) held(ctx context.Context, who id.ID, g access.Grant) ([]personal.Obstacle, error) {
	if g.Role != access.RoleOwner && g.Role != access.RoleAdmin {
		return nil, nil
	}
	holders, err := s.Accounts.Holders(ctx, access.Grant{Role: g.Role, Place: g.Place})
	if err != nil {
		return nil, err
	}
	for _, h := range holders {
		if h.ID != who && h.State == account.Active {
			return nil, nil
		}
	}
	if g.Role == access.RoleAdmin {
		return []personal.Obstacle{{Text: i18n.T(ctx, "You are the last admin of this town. Make somebody else an admin first.")}}, nil
	}
	name, err := s.Restaurant(ctx, g.Place)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []personal.Obstacle{{Text: i18n.T(ctx, "You are the only owner of %s. Ask an admin to make somebody else its owner, or to close it.", name)}}, nil
}

// Leave begins the deletion of an account: its person is signed out everywhere and gets a letter, and can come back until the time that is
// returned. It returns a Conflict error (code "not_yet") with the first of the Obstacles, and a Conflict error where it has begun already.
// It does not ask who wants it: callers have.
func (s *Service) Leave(ctx context.Context, who id.ID) (due time.Time, err error) {
	obstacles, err := s.Obstacles(ctx, who)
	if err != nil {
		return due, err
	}
	if len(obstacles) > 0 {
		return due, errs.New(errs.Conflict, "%s", obstacles[0].Text).WithCode("not_yet")
	}
	a, err := s.Accounts.Get(ctx, who)
	if err != nil {
		return due, err
	}
	now := s.Now().UTC()
	due = now.Add(s.Keep().Leaving)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.Accounts.SetState(ctx, tx, who, account.Leaving); err != nil {
			return err
		}
		if err := insertLeaving(ctx, tx, leaving{account: who, asked: now, due: due}); err != nil {
			return err
		}
		if err := s.Accounts.EndAll(ctx, tx, who, 0); err != nil {
			return err
		}
		if _, err := s.Jobs.Enqueue(ctx, tx, eraseKind, accountArgs{who}, jobs.Opts{RunAt: due, Unique: eraseKind + ":" + who.String()}); err != nil {
			return err
		}
		if err := s.Audit.Write(ctx, tx, "account.leave", "account:"+who.String(), map[string]any{"due": due.Format(time.RFC3339)}); err != nil {
			return err
		}
		return s.Mail.Send(ctx, tx, s.leaveLetter(ctx, a, due))
	})
	return due, err
}

// Stay ends the deletion of an account that has not begun. It returns a NotFound error where none was asked for, and a Conflict error once
// it has begun.
func (s *Service) Stay(ctx context.Context, who id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		l, err := leavingOf(ctx, tx, who)
		if err != nil {
			return err
		}
		stayed, err := dropLeaving(ctx, tx, who)
		if err != nil {
			return err
		}
		if !stayed || !l.begun.IsZero() {
			return errs.New(errs.Conflict, "The deletion of this account has begun. It can't be stopped any more.")
		}
		if err := s.Accounts.SetState(ctx, tx, who, account.Active); err != nil {
			return err
		}
		if err := s.Jobs.CancelUnique(ctx, tx, eraseKind+":"+who.String()); err != nil {
			return err
		}
		return s.Audit.Write(ctx, tx, "account.stay", "account:"+who.String(), nil)
	})
}

// retryBlocked is how much later a deletion is tried again that something has come in the way of.
const retryBlocked = 24 * time.Hour

// afterLetter is how long the address of the last letter is kept: longer than it is tried to be sent.
const afterLetter = 25 * time.Hour

// erase takes a person out of every part, the account last. It goes on where an earlier try ended.
func (s *Service) erase(ctx context.Context, who id.ID) error {
	var l leaving
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		l, err = leavingOf(ctx, tx, who)
		return err
	})
	if errs.Is(err, errs.NotFound) || err == nil && !l.erasedAt.IsZero() {
		return nil // they stayed, or it is done
	}
	if err != nil {
		return err
	}
	if early := l.due.Sub(s.Now()); early > 0 {
		return jobs.Snooze(early)
	}
	if l.begun.IsZero() {
		switch begun, err := s.begin(ctx, who); {
		case err != nil:
			return err
		case !begun:
			return jobs.Snooze(retryBlocked)
		}
	}
	for _, p := range s.parts {
		if err := s.eraseFrom(ctx, who, p); err != nil {
			return fmt.Errorf("privacy: erase %s from %s: %w", who, p.Name, err)
		}
	}
	return s.eraseAccount(ctx, who)
}

// begin makes the deletion one that can't be stopped, unless something holds the person back by now, such as a role they were given.
func (s *Service) begin(ctx context.Context, who id.ID) (bool, error) {
	obstacles, err := s.Obstacles(ctx, who)
	if err != nil {
		return false, err
	}
	if len(obstacles) > 0 {
		s.Log.WarnContext(ctx, "privacy: an account can't be deleted yet", "account", who, "because", obstacles[0].Text)
		return false, nil
	}
	begun := false
	err = s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if begun, err = beginLeaving(ctx, tx, who, s.Now()); err != nil || !begun {
			return err
		}
		return s.Accounts.EndAll(ctx, tx, who, 0)
	})
	return begun, err
}

func (s *Service) eraseFrom(ctx context.Context, who id.ID, p personal.Part) error {
	for more := p.Erase != nil; more; {
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			done, err := p.Erase(ctx, tx, who)
			if err != nil {
				return err
			}
			more = done.More
			return s.Unlink(ctx, tx, done.Files)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseAccount is the last step: handle, name, address and letters. Whoever does it finds everything else gone.
func (s *Service) eraseAccount(ctx context.Context, who id.ID) error {
	a, err := s.Accounts.Get(ctx, who)
	if err != nil {
		return err
	}
	key, err := s.handleKey(ctx)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.Mail.Forget(ctx, tx, a.Email); err != nil {
			return err
		}
		for _, text := range []string{a.Email, a.Handle} {
			if err := s.Jobs.Forget(ctx, tx, text); err != nil {
				return err
			}
		}
		if err := dropTraces(ctx, tx, a.Email, a.Handle); err != nil {
			return err
		}
		if err := blockHandle(ctx, tx, digestOf(key, a.Handle), now); err != nil {
			return err
		}
		if err := s.Accounts.Erase(ctx, tx, who); err != nil {
			return err
		}
		if err := redactAccount(ctx, tx, who); err != nil {
			return err
		}
		if err := s.Audit.Write(ctx, tx, "account.erase", "account:"+who.String(), nil); err != nil {
			return err
		}
		if !s.Mail.On() {
			return dropErased(ctx, tx, who)
		}
		if err := markErased(ctx, tx, who, a.Email, now); err != nil {
			return err
		}
		if err := s.Mail.Send(ctx, tx, s.goneLetter(ctx, a)); err != nil {
			return err
		}
		_, err := s.Jobs.Enqueue(ctx, tx, afterKind, accountArgs{who}, jobs.Opts{RunAt: now.Add(afterLetter), Unique: afterKind + ":" + who.String()})
		return err
	})
}

// after forgets the address that the last letter went to.
func (s *Service) after(ctx context.Context, who id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		l, err := leavingOf(ctx, tx, who)
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Mail.Forget(ctx, tx, l.email); err != nil {
			return err
		}
		if err := s.Jobs.Forget(ctx, tx, l.email); err != nil {
			return err
		}
		return dropErased(ctx, tx, who)
	})
}

// HandleGone reports whether a handle was that of somebody who left: nobody may take it and pass as them.
func (s *Service) HandleGone(ctx context.Context, tx *db.Tx, handle string) (bool, error) {
	key, err := s.readKey(ctx, tx)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil // nobody has left yet
	}
	if err != nil {
		return false, err
	}
	return handleBlocked(ctx, tx, digestOf(key, handle))
}

const keyPurpose = "privacy: handles of people who left"

// handleKey returns the key of the digests of handles, and makes it where nobody has left before.
func (s *Service) handleKey(ctx context.Context) (key []byte, err error) {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	sealed, err := s.Secrets.Seal(keyPurpose, fresh)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := keepKey(ctx, tx, sealed); err != nil {
			return err
		}
		key, err = s.readKey(ctx, tx)
		return err
	})
	return key, err
}

func (s *Service) readKey(ctx context.Context, tx *db.Tx) ([]byte, error) {
	sealed, err := loadKey(ctx, tx)
	if err != nil {
		return nil, err
	}
	key, err := s.Secrets.Open(keyPurpose, sealed)
	if err != nil {
		return nil, fmt.Errorf("privacy: open the key of handles: %w", err)
	}
	return key, nil
}

func digestOf(key []byte, handle string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.ToLower(handle)))
	return h.Sum(nil)
}

// leaveLetter says that the deletion has been asked for.
func (s *Service) leaveLetter(ctx context.Context, a account.Account, due time.Time) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "account.leave", To: a.Email, Name: a.Name, Lang: a.Lang,
		Subject: i18n.T(ctx, "Your account will be deleted"),
		Lines: []string{
			i18n.T(ctx, "You asked us to delete your account. You are signed out on all devices, and on %s everything that says who you are will be deleted for good.", due.Format(time.DateOnly)),
			i18n.T(ctx, "Should you change your mind, sign in before then and choose to stay."),
		},
		Action: &mail.Action{Label: i18n.T(ctx, "Stay"), URL: s.URL() + stayPath},
		After:  []string{i18n.T(ctx, "If this was not you, sign in, stay, and change your password.")},
	}
}

// goneLetter says that it is done.
func (s *Service) goneLetter(ctx context.Context, a account.Account) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "account.gone", To: a.Email, Name: a.Name, Lang: a.Lang,
		Subject: i18n.T(ctx, "Your account is deleted"),
		Lines: []string{
			i18n.T(ctx, "As you asked, your account and everything that says who you are is deleted. Of your orders only the sale is left, for the restaurant's books: dishes, amounts, tax and times."),
			i18n.T(ctx, "This is our last letter; your address is forgotten in a day. Thank you for having been a neighbour."),
		},
	}
}

// samples shows admins what the letters look like.
func (s *Service) samples() {
	a := account.Account{Name: "Anna", Email: "anna@example.org"}
	s.Mail.Sample("account.leave", func(ctx context.Context) mail.Letter {
		a.Lang = i18n.Lang(ctx)
		return s.leaveLetter(ctx, a, s.Now().Add(s.Keep().Leaving))
	})
	s.Mail.Sample("account.gone", func(ctx context.Context) mail.Letter {
		a.Lang = i18n.Lang(ctx)
		return s.goneLetter(ctx, a)
	})
	s.Mail.Sample("account.copy", func(ctx context.Context) mail.Letter {
		a.Lang = i18n.Lang(ctx)
		return s.copyLetter(ctx, a, Copy{Size: 123_456, ExpiresAt: s.Now().Add(s.Keep().Copies)})
	})
}

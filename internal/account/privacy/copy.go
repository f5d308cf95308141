package privacy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// State is where a copy stands.
type State string

// The states.
const (
	Waiting State = "waiting" // being made
	Ready   State = "ready"
	Failed  State = "failed"
)

// Copy is a person's copy of everything that is stored about them.
type Copy struct {
	ID        id.ID
	Account   id.ID
	State     State
	Done      int // parts that are in it
	Parts     int
	Size      int64 // bytes
	AskedAt   time.Time
	ReadyAt   time.Time
	ExpiresAt time.Time

	attempt int
}

// Share returns how much of the copy is made, between 0 and 1.
func (c Copy) Share() float64 { return float64(c.Done) / float64(max(c.Parts, 1)) }

// copyTries is how often a copy is tried.
const copyTries = 4

// AskCopy has a copy made for an account. It returns a Conflict error while one is being made, and TooMany once as many were made in 24
// hours as the settings allow. It does not ask who wants it: callers have.
func (s *Service) AskCopy(ctx context.Context, who id.ID) (Copy, error) {
	now := s.Now().UTC()
	c := Copy{ID: s.IDs.Next(), Account: who, State: Waiting, Parts: len(s.parts), AskedAt: now}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		n, oldest, err := copiesSince(ctx, tx, who, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if limit := s.Keep().CopiesPerDay; n >= limit {
			e := errs.New(errs.TooMany, "You had %d copies made within a day. Ask again later, or use one of those.", n)
			return e.WithRetry(oldest.Add(24 * time.Hour).Sub(now))
		}
		if err := insertCopy(ctx, tx, c); err != nil {
			return err
		}
		if _, err := s.Jobs.Enqueue(ctx, tx, copyKind, copyArgs{c.ID}, jobs.Opts{MaxAttempts: copyTries}); err != nil {
			return err
		}
		return s.Audit.Write(ctx, tx, "account.export", "account:"+who.String(), nil)
	})
	if db.IsUnique(err) {
		return Copy{}, errs.New(errs.Conflict, "Your copy is being made already.").WithCode("running")
	}
	return c, err
}

// LastCopy returns the newest copy of an account, or a NotFound error.
func (s *Service) LastCopy(ctx context.Context, who id.ID) (c Copy, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		c, err = lastCopy(ctx, tx, who)
		return err
	})
	return c, err
}

// makeCopy is the job that makes a copy.
func (s *Service) makeCopy(ctx context.Context, j jobs.Job) error {
	var a copyArgs
	if err := decodeArgs(j, &a); err != nil {
		return err
	}
	var c Copy
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = loadCopy(ctx, tx, a.Copy)
		return err
	})
	if errs.Is(err, errs.NotFound) || err == nil && c.State != Waiting {
		return nil // the person is gone, or it is made
	}
	if err != nil {
		return err
	}
	c.attempt = j.Attempt
	if err := s.fill(ctx, &c); err != nil {
		if j.Attempt >= copyTries {
			err = errors.Join(err, s.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error { return failCopy(ctx, tx, c) }))
			s.tell(c)
		}
		return fmt.Errorf("privacy: copy %s: %w", c.ID, err)
	}
	return nil
}

// fill makes the archive of a copy and tells its person.
func (s *Service) fill(ctx context.Context, c *Copy) error {
	owner, err := s.Accounts.Get(ctx, c.Account)
	if err != nil {
		return err
	}
	ctx = i18n.With(ctx, owner.Lang)
	out := newArchive(&pieces{ctx: ctx, db: s.DB, copy: c.ID, attempt: c.attempt}, s.Pictures, s.Now())
	for i, p := range s.parts {
		if p.Export != nil {
			if err := p.Export(ctx, c.Account, out); err != nil {
				return fmt.Errorf("part %s: %w", p.Name, err)
			}
		}
		c.Done = i + 1
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return noteProgress(ctx, tx, *c) }); err != nil {
			return err
		}
		s.tell(*c)
	}
	if c.Size, err = out.close(ctx, owner, s.Statements(ctx)); err != nil {
		return err
	}
	c.State, c.ReadyAt = Ready, s.Now().UTC()
	c.ExpiresAt = c.ReadyAt.Add(s.Keep().Copies)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		first, err := finishCopy(ctx, tx, *c)
		if err != nil || !first {
			return err
		}
		return s.Mail.Send(ctx, tx, s.copyLetter(ctx, owner, *c))
	})
	s.tell(*c)
	return err
}

// tell shows the person how their copy comes along. Who misses it sees it with the next page.
func (s *Service) tell(c Copy) {
	if err := s.Hub.Send(topicOf(c.Account), "copy.changed", map[string]any{"copy": c.ID, "state": c.State, "done": c.Done, "parts": c.Parts}); err != nil {
		s.Log.Warn("privacy: nobody was told of a copy's progress", "err", err)
	}
}

// linkPurpose is what signatures of copies' links are for.
const linkPurpose = "privacy: a person's copy"

func linkText(c Copy) string {
	return c.ID.String() + " " + c.Account.String() + " " + strconv.FormatInt(c.ExpiresAt.Unix(), 10)
}

// Link returns the path at which a copy is fetched. It is worth nothing but to the person whose copy it is, signed in, until the copy expires.
func (s *Service) Link(c Copy) string {
	q := url.Values{"sig": {s.Secrets.Sign(linkPurpose, linkText(c))}}
	return copyPath + "/" + c.ID.String() + "?" + q.Encode()
}

var errNoCopy = errs.New(errs.NotFound, "There is no such copy, or its time is over. Have a new one made.")

// Open returns a copy of an account whose link has a signature. It returns a NotFound error for any other.
func (s *Service) Open(ctx context.Context, who, copyID id.ID, sig string) (c Copy, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		c, err = loadCopy(ctx, tx, copyID)
		return err
	})
	if err != nil {
		return Copy{}, err
	}
	if c.Account != who || c.State != Ready || !s.Now().Before(c.ExpiresAt) || !s.Secrets.Check(linkPurpose, linkText(c), sig) {
		return Copy{}, errNoCopy
	}
	return c, nil
}

// WriteTo writes the archive of a copy, piece by piece: no transaction waits for a slow reader.
func (s *Service) WriteTo(ctx context.Context, w io.Writer, c Copy) error {
	for n := 0; ; n++ {
		var body []byte
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			body, err = piece(ctx, tx, c, n)
			return err
		})
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("privacy: read piece %d of copy %s: %w", n, c.ID, err)
		}
		if _, err := w.Write(body); err != nil {
			return fmt.Errorf("privacy: hand out copy %s: %w", c.ID, err)
		}
	}
}

// copyLetter says that a copy is ready.
func (s *Service) copyLetter(ctx context.Context, a account.Account, c Copy) mail.Letter {
	ctx = i18n.With(ctx, a.Lang)
	return mail.Letter{
		Kind: "account.copy", To: a.Email, Name: a.Name, Lang: a.Lang, Until: c.ExpiresAt,
		Subject: i18n.T(ctx, "Your copy is ready"),
		Lines: []string{
			i18n.T(ctx, "The copy of everything that is stored about you is ready. It is a ZIP archive; open index.html in it first."),
			i18n.T(ctx, "You can fetch it for %s, signed in as yourself. After that it is deleted.", personal.Span(ctx, c.ExpiresAt.Sub(s.Now()).Round(time.Hour))),
		},
		Action: &mail.Action{Label: i18n.T(ctx, "Fetch the copy"), URL: s.URL() + s.Link(c)},
		After:  []string{i18n.T(ctx, "If you did not ask for it, somebody else may be using your account: change your password and sign out all devices.")},
	}
}

// copyPart says what is kept of copies themselves.
func (s *Service) copyPart() personal.Part {
	keep := func() time.Duration { return s.Keep().Copies }
	return personal.Part{
		Name: "copies",
		Tables: []personal.Table{
			{Name: "privacy_copy", Link: "account", Plain: "id state done parts size asked_at ready_at expires_at attempt"},
			{Name: "privacy_piece", Personal: "body", Plain: "copy attempt n"},
			{Name: "privacy_leaving", Personal: "email", Link: "account", Plain: "asked_at due_at begun_at erased_at"},
			{Name: "privacy_handle", Plain: "digest gone_at"},
			{Name: "privacy_key", Plain: "id sealed"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Copies, and leaving"),
				What:  i18n.T(ctx, "The copies of your data that you had made. If you delete your account: when you asked for it, and afterwards a fingerprint of your handle, from which the handle can't be read."),
				Why:   i18n.T(ctx, "So that you can fetch your copy, come back while there is time, and nobody can take your handle later and pass as you."),
				Kept:  i18n.T(ctx, "Copies: %s. Time to come back: %s. The fingerprint stays.", personal.Span(ctx, keep()), personal.Span(ctx, s.Keep().Leaving)),
			}
		},
		Erase: func(ctx context.Context, tx *db.Tx, who id.ID) (personal.Erased, error) {
			n, err := dropCopies(ctx, tx, who, pieceBatch)
			return personal.Erased{More: n == pieceBatch}, err
		},
		Rules: []personal.Rule{{Name: "copies", Keep: keep, Sweep: func(ctx context.Context, before time.Time) error {
			return personal.Batches(ctx, s.DB, pieceBatch, func(tx *db.Tx) (int64, error) { return sweepCopies(ctx, tx, before, pieceBatch) })
		}}},
	}
}

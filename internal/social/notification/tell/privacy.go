package tell

import (
	"context"
	"net/url"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// drop ends what a session is told.
func (s *Service) drop(ctx context.Context, account, session id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.Push.Drop(ctx, tx, account, session) })
}

// Eraser forgets what another part of the house stores of an account.
type Eraser func(ctx context.Context, tx *db.Tx, account id.ID) error

// Personal says what is stored of how people are told. markers forgets how far they have read, which belongs here, too.
func (s *Service) Personal(markers Eraser) personal.Part {
	return personal.Part{
		Name: "news",
		Tables: []personal.Table{
			{Name: "push_key", Plain: "one public sealed"},
			{Name: "push_subscription", Personal: "token endpoint p256dh auth", Link: "account session", Plain: "id standard alerts policy created_at"},
			{Name: "notification_letter", Link: "account told", Plain: "every due_at sent_at"},
			{Name: "notification_marker", Link: "account last_read", Plain: "timeline version updated_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "How you are told"),
				What:  i18n.T(ctx, "Where your browsers and apps take messages while they are closed, how often you want letters, and how far you have read."),
				Why:   i18n.T(ctx, "So that news reaches you the way you chose."),
				Kept:  i18n.T(ctx, "Until you turn it off or sign out there."),
			}
		},
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			if err := s.Push.Drop(ctx, tx, account, 0); err != nil {
				return personal.Erased{}, err
			}
			if err := dropLetter(ctx, tx, account); err != nil {
				return personal.Erased{}, err
			}
			return personal.Erased{}, markers(ctx, tx, account)
		},
	}
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	type place struct {
		Service string    `json:"service"` // of the browser's maker, or the app's
		Since   time.Time `json:"since"`
		Told    []string  `json:"told_of"`
	}
	out := struct {
		Letters string  `json:"letters"`
		Push    []place `json:"push"`
	}{Push: []place{}}
	var err error
	if out.Letters, err = s.Every(ctx, account); err != nil {
		return err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		subs, err := s.Push.Of(ctx, tx, account)
		for _, sub := range subs {
			u, err := url.Parse(sub.Endpoint)
			if err != nil {
				continue
			}
			out.Push = append(out.Push, place{u.Host, sub.At, sub.Alerts})
		}
		return err
	})
	if err != nil {
		return err
	}
	return to.JSON("news.json", i18n.T(ctx, "How you are told what is new"), out)
}

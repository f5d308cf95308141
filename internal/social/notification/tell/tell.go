// Package tell has notifications reach people who are not here: as push messages to browsers and apps, and as letters to those who asked for
// some, one a day at most.
package tell

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/push"
	"github.com/stoa-town/stoa/internal/platform/secrets"
	"github.com/stoa-town/stoa/internal/social/notification"
)

// Schema holds the table of letters.
//
//go:embed schema/*.sql
var Schema embed.FS

// People is what is asked about accounts.
type People interface {
	Get(ctx context.Context, account id.ID) (account.Account, error)
	// Sessions returns the sessions and tokens of an account that can still be used.
	Sessions(ctx context.Context, account id.ID) ([]account.Session, error)
}

// Deps is what a Service needs.
type Deps struct {
	DB      *db.DB
	Log     *events.Log
	Jobs    *jobs.Queue
	Now     clock.Func
	Notices *notification.Service
	Markers notification.Markers
	Graph   notification.Graph
	Push    *push.Service
	Mail    *mail.Mailer
	Secrets *secrets.Box
	People  People
	URL     func() string // of the server, without a slash at the end
	Town    func() string // its name
	Zone    *time.Location
}

// Service tells people. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service. Call React once.
func New(d Deps) *Service { return &Service{d} }

// alive reports whether a session of an account can still be used.
func (s *Service) alive(ctx context.Context, account, session id.ID) (bool, error) {
	list, err := s.People.Sessions(ctx, account)
	if err != nil {
		return false, fmt.Errorf("tell: sessions of %d: %w", account, err)
	}
	for i := range list {
		if list[i].ID == session {
			return true, nil
		}
	}
	return false, nil
}

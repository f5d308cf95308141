// Package privacy is what people can do about what is stored of them: read what that is, have a copy of it, and leave.
//
// It knows no slice. Every part of the house that stores something hands over a personal.Part; this package puts them together into one
// archive, one deletion, one set of rules by which things are forgotten, and one page that says all of it.
//
// A copy is made by a job, lies in the database in pieces for some days, and is handed only to the person it is about, who has just proven
// who they are. A deletion begins with a time in which the person can come back. Then a job takes the person out of one part after the
// other, each in small transactions of its own, the account last: it can be stopped anywhere and goes on where it was.
package privacy

import (
	"context"
	"embed"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/platform/realtime"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

// Schema holds the tables of copies, of those who leave, and of their handles.
//
//go:embed schema/*.sql
var Schema embed.FS

// Pictures are the files that people have sent.
type Pictures interface {
	// Read opens the picture at a URL path, or returns a NotFound error.
	Read(path string) (io.ReadCloser, error)
	// Remove deletes a picture; one that is gone is no error.
	Remove(path string) error
}

// Deps are what a Service works with.
type Deps struct {
	DB       *db.DB
	IDs      *id.Source
	Now      clock.Func
	Hub      *realtime.Hub
	Jobs     *jobs.Queue
	Accounts *account.Service
	Mail     *mail.Mailer
	Audit    *audit.Audit
	Secrets  *secrets.Box
	Pictures Pictures
	Log      *slog.Logger
	// Keep returns how long things are kept, as the settings say now.
	Keep func() config.Retention
	// JobsKept returns how long finished jobs are kept, and those that were given up.
	JobsKept func() (done, failed time.Duration)
	// URL returns the address that links in letters begin with.
	URL func() string
	// Restaurant returns the name of a restaurant, or a NotFound error.
	Restaurant func(ctx context.Context, restaurant id.ID) (string, error)
}

// Service does what the package says. Safe for concurrent use.
type Service struct {
	Deps
	parts []personal.Part
}

// New returns a Service over the parts of the house, to which it adds those of accounts and of the platform.
func New(d Deps, parts ...personal.Part) *Service {
	s := &Service{Deps: d}
	s.parts = append(s.accountParts(), parts...)
	s.parts = append(s.parts, s.platformParts()...)
	return s
}

// Parts returns everything that is stored, part by part.
func (s *Service) Parts() []personal.Part { return s.parts }

// Figure is how many things of a kind are stored of somebody.
type Figure struct {
	Title string
	N     int
}

// Figures counts what is stored of an account, in the language of ctx, without what there is none of.
func (s *Service) Figures(ctx context.Context, account id.ID) ([]Figure, error) {
	var out []Figure
	for _, p := range s.parts {
		if p.Count == nil || p.About == nil {
			continue
		}
		n, err := p.Count(ctx, account)
		if err != nil {
			return nil, fmt.Errorf("privacy: count %s: %w", p.Name, err)
		}
		if n > 0 {
			out = append(out, Figure{Title: p.About(ctx).Title, N: n})
		}
	}
	return out, nil
}

// Statements returns what is stored, why and how long, in the language of ctx.
func (s *Service) Statements(ctx context.Context) []personal.About {
	var out []personal.About
	for _, p := range s.parts {
		if p.About == nil {
			continue
		}
		if a := p.About(ctx); a.Title != "" {
			out = append(out, a)
		}
	}
	return out
}

// The kinds of jobs.
const (
	copyKind   = "privacy.copy"
	eraseKind  = "privacy.erase"
	afterKind  = "privacy.after" // when the last letter is out
	unlinkKind = "privacy.unlink"
	sweepKind  = "privacy.sweep"
)

type accountArgs struct {
	Account id.ID `json:"account"`
}

type copyArgs struct {
	Copy id.ID `json:"copy"`
}

type unlinkArgs struct {
	Pictures []string `json:"pictures"` // their names say nothing: they are made of their content
}

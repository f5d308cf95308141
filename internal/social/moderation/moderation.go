// Package moderation is how a town keeps order among its people: reports, what moderators do about them, and what those whom it concerns may
// say to it.
//
// Whatever a moderator does to a profile is a strike: its owner is told, reads it, and may appeal once; an accepted appeal takes it back. The
// deed, its strike, the audit line, the event and the letter are one transaction, which holds the profile: of two moderators who do the same
// at once, one hears that it is done.
package moderation

import (
	"embed"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits.
const (
	MaxComment  = 1000 // characters
	MaxText     = 2000 // characters that moderators write
	MaxAppeal   = 2000 // characters
	MaxStatuses = 100  // of one report
	MaxRules    = 50
	AppealFor   = 20 * 24 * time.Hour // how long one may appeal
	mergeFor    = 24 * time.Hour      // reports of one by the same person within it are one
)

// Category is what a report is about.
type Category string

// The categories, as Mastodon's API has them.
const (
	Spam      Category = "spam"
	Legal     Category = "legal"
	Violation Category = "violation" // of the town's rules
	Other     Category = "other"
)

func (c Category) known() bool { return c == Spam || c == Legal || c == Violation || c == Other }

// Report is what somebody told the moderators of an account.
type Report struct {
	ID         id.ID
	Target     id.ID
	By         id.ID // 0: who reported has left
	Category   Category
	Comment    string
	Rules      []string
	Statuses   []id.ID
	Forward    bool // also to the server that the account is on
	Assigned   id.ID
	ResolvedBy id.ID
	ResolvedAt time.Time // zero: it is open
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Open reports whether nobody has dealt with it yet.
func (r *Report) Open() bool { return r.ResolvedAt.IsZero() }

// Action is what a moderator does to a profile, by Mastodon's names.
type Action string

// The actions.
const (
	Warn      Action = "none" // a letter, and nothing else
	Sensitive Action = "sensitive"
	Silence   Action = "silence"
	Disable   Action = "disable" // the owner can't sign in
	Suspend   Action = "suspend"
	Delete    Action = "delete_statuses"
	Mark      Action = "mark_statuses_as_sensitive"
)

// Known reports whether a is one of the actions.
func (a Action) Known() bool { return a.lasting() || a.ofStatuses() || a == Warn }

// lasting reports whether the action holds until it is taken back.
func (a Action) lasting() bool {
	return a == Sensitive || a == Silence || a == Disable || a == Suspend
}

func (a Action) ofStatuses() bool { return a == Delete || a == Mark }

// Strike is what a moderator did to a profile, as its owner may read it.
type Strike struct {
	ID         id.ID
	Profile    id.ID
	Action     Action
	Text       string // of the moderators; may be empty
	Report     id.ID
	Statuses   []id.ID
	By         id.ID
	At         time.Time
	UndoneBy   id.ID
	UndoneAt   time.Time // zero: it holds
	Appeal     string
	AppealedAt time.Time // zero: nobody has appealed
	DecidedBy  id.ID
	DecidedAt  time.Time
	Accepted   bool
}

// MayAppeal reports whether its owner may appeal at now.
func (s *Strike) MayAppeal(now time.Time) bool {
	return s.AppealedAt.IsZero() && s.UndoneAt.IsZero() && now.Before(s.At.Add(AppealFor))
}

// Waits reports whether an appeal waits for the moderators.
func (s *Strike) Waits() bool { return !s.AppealedAt.IsZero() && s.DecidedAt.IsZero() }

// Note is what a moderator wrote to the others.
type Note struct {
	ID      id.ID
	Profile id.ID
	Report  id.ID
	By      id.ID
	Text    string
	At      time.Time
}

var (
	errGone     = errs.New(errs.NotFound, "Record not found")
	errDone     = errs.New(errs.Conflict, "Another moderator has done this already.")
	errResolved = errs.New(errs.Conflict, "Another moderator has dealt with this report already.")
	errSelf     = errs.New(errs.Forbidden, "This is you: another moderator has to deal with it.")
	errAbove    = errs.New(errs.Forbidden, "Moderators don't deal with admins, and only admins with moderators.")
)

// clean returns a text as it is stored, or an Invalid error about a field for one that is longer than most characters.
func clean(field, text string, most int) (string, error) {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) && r != utf8.RuneError {
			return r
		}
		return -1
	}, strings.ReplaceAll(text, "\r\n", "\n")))
	if utf8.RuneCountInString(text) > most {
		return "", errs.InvalidField(field, "Write at most %d characters.", most)
	}
	return text, nil
}

// Package announcement is what admins tell everybody: a text with dates, which each puts away for themselves, or reacts to with an emoji.
package announcement

import (
	"embed"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits of an announcement.
const (
	MaxText  = 5000 // characters
	MaxKinds = 8    // of reactions
)

// Announcement is what admins write.
type Announcement struct {
	ID        id.ID
	Text      string    // as typed: see base/markup
	StartsAt  time.Time // of what it speaks of; zero: no time
	EndsAt    time.Time // it is not shown after; zero: it stays
	AllDay    bool      // only the dates count
	PublishAt time.Time // it is not shown before
	UpdatedAt time.Time
	told      bool // open pages have heard of it
}

// Shown reports whether everybody sees it at now.
func (a *Announcement) Shown(now time.Time) bool {
	return !now.Before(a.PublishAt) && (a.EndsAt.IsZero() || now.Before(a.EndsAt))
}

// check cleans what was typed, and returns an Invalid error for what is none.
func (a *Announcement) check() error {
	a.Text = markup.Clean(a.Text)
	switch {
	case a.Text == "":
		return errs.InvalidField("text", "Write what everybody is to know.")
	case utf8.RuneCountInString(a.Text) > MaxText:
		return errs.InvalidField("text", "An announcement has at most %d characters.", MaxText)
	case !a.EndsAt.IsZero() && !a.StartsAt.IsZero() && a.EndsAt.Before(a.StartsAt):
		return errs.InvalidField("ends_at", "It can't end before it starts.")
	case !a.EndsAt.IsZero() && !a.EndsAt.After(a.PublishAt):
		return errs.InvalidField("ends_at", "It would end before anybody sees it.")
	}
	a.AllDay = a.AllDay && (!a.StartsAt.IsZero() || !a.EndsAt.IsZero())
	return nil
}

// emoji reports whether a name is an emoji of Unicode: one that shows as a picture, with what may follow it (a skin, a joiner, a flag's second
// half).
func emoji(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	pictures := 0
	for _, r := range s {
		switch {
		case r == 0x200D, r == 0xFE0F, r == 0x20E3, r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
		case r >= 0x1F000 && r <= 0x1FAFF, r >= 0x2190 && r <= 0x2BFF, r == 0x00A9, r == 0x00AE, r == 0x203C, r == 0x2049, r == 0x2122, r == 0x2139,
			r == 0x3030, r == 0x303D, r == 0x3297, r == 0x3299:
			if !unicode.IsLetter(r) {
				pictures++
			}
		case strings.ContainsRune("0123456789#*", r):
			if !strings.ContainsRune(s, 0x20E3) { // a digit is one with a frame alone
				return false
			}
			pictures++
		default:
			return false
		}
	}
	return pictures > 0 && pictures <= 8
}

// reaction is how many gave one emoji.
type reaction struct {
	name  string
	count int64
	mine  bool
}

// Package follow is what is between profiles: who follows, asks to follow, blocks and mutes whom, which hashtags and servers somebody follows
// or shuts out, what they note about others and whom they recommend. People, restaurants and groups are all profiles.
//
// What a reader's eyes depend on is kept in memory as a snapshot, social.Relations: it is dropped on this node as soon as a change is on disk,
// and on all others by its event.
package follow

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/language"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Limits.
const (
	MaxNote    = 2000 // characters
	MaxLangs   = 20
	MaxFollows = 7500 // of one profile, requests included
	MaxTags    = 1000 // followed by one profile
	MaxDomains = 1000 // blocked by one profile
	MaxMute    = 10 * 366 * 24 * time.Hour
)

// tie is a row of social_follow.
type tie struct {
	ID      id.ID
	Other   id.ID
	Pending bool
	social.Follow
}

// How is how somebody wants to follow; nil leaves a thing as it is, or as it is at first.
type How struct {
	Boosts *bool     // true at first
	Notify *bool     // false at first
	Langs  *[]string // none at first
}

// apply returns f as it is wanted, or an Invalid error.
func (h How) apply(f social.Follow) (social.Follow, error) {
	if h.Boosts != nil {
		f.Boosts = *h.Boosts
	}
	if h.Notify != nil {
		f.Notify = *h.Notify
	}
	if h.Langs != nil {
		f.Langs = nil
		for _, l := range *h.Langs {
			if l = strings.TrimSpace(l); l == "" {
				continue
			}
			tag, err := language.Parse(l)
			if err != nil || len(l) > 35 || len(f.Langs) >= MaxLangs {
				return f, errs.InvalidField("languages", "Name up to %d languages by tags such as en or de.", MaxLangs)
			}
			f.Langs = append(f.Langs, tag.String())
		}
		slices.Sort(f.Langs)
		f.Langs = slices.Compact(f.Langs)
	}
	return f, nil
}

// Domain returns the name of a server in the form in which it is compared: "https://Example.Org/" gives "example.org". It returns an Invalid
// error for what is none.
func Domain(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	s, _, _ = strings.Cut(s, "/")
	s = strings.Trim(strings.TrimPrefix(s, "@"), ".")
	out, err := idna.Lookup.ToASCII(s)
	if err != nil || len(out) > 253 || !strings.Contains(out, ".") && out != "localhost" || strings.ContainsAny(out, " @?#") {
		return "", errs.InvalidField("domain", "This is not the name of a server such as example.org.")
	}
	return out, nil
}

// checkNote returns an Invalid error for a note that is too long.
func checkNote(s string) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", ""))
	if utf8.RuneCountInString(s) > MaxNote {
		return "", errs.InvalidField("comment", "A note has at most %d characters.", MaxNote)
	}
	return s, nil
}

var (
	errUnknown = errs.New(errs.NotFound, "Record not found")
	errSelf    = errs.New(errs.Forbidden, "This action is not allowed: it is your own profile.")
	errBlocked = errs.New(errs.Forbidden, "This action is not allowed.")
	errTooMany = errs.InvalidField("id", "You follow as many as one can: %d.", MaxFollows)
)

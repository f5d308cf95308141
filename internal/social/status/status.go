// Package status is what people post: writing, editing and deleting, boosts, quotes and polls, favourites and bookmarks, threads; and how
// statuses look to each reader, as the bytes of Mastodon's API.
//
// Whoever shows statuses asks for them by id with the reader's relations: what that reader may not read is left out. Statuses, authors and
// the reader's own marks are kept in memory, bounded, and follow the event log; see render.go.
package status

import (
	"embed"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Limits of a status. The number of characters is in Options.
const (
	MaxMedia      = 8
	MaxMentions   = 50
	MaxTags       = 50
	MinOptions    = 2
	MaxOptions    = 8
	MaxOption     = 100 // characters
	MinExpiry     = 5 * time.Minute
	MaxExpiry     = 180 * 24 * time.Hour
	MaxPins       = 5
	MaxEdits      = 100
	DefaultLength = 5000
)

// Who may quote or answer a status.
const (
	Everybody   = "everybody" // for answers
	ByPublic    = "public"    // for quotes
	ByFollowers = "followers"
	ByMentioned = "mentioned" // for answers
	Nobody      = "nobody"
)

// Draft is a status to be posted.
type Draft struct {
	As         id.ID             `json:"as,omitzero"` // profile to post as; 0: the actor's own
	Text       string            `json:"text,omitempty"`
	Spoiler    string            `json:"spoiler,omitempty"`   // shown before the text, which then is opened by hand
	Sensitive  *bool             `json:"sensitive,omitempty"` // nil: as the profile has it, and true with a Spoiler
	Visibility social.Visibility `json:"visibility,omitempty"`
	LocalOnly  bool              `json:"local_only,omitempty"` // Public is meant as Town
	Lang       string            `json:"lang,omitempty"`       // BCP 47
	ReplyTo    id.ID             `json:"reply_to,omitzero"`
	QuoteOf    id.ID             `json:"quote_of,omitzero"`
	Quotes     string            `json:"quotes,omitempty"`  // who may quote it
	Replies    string            `json:"replies,omitempty"` // who may answer
	Group      id.ID             `json:"group,omitzero"`    // written in a group: Visibility is Group
	Media      []id.ID           `json:"media,omitempty"`
	Poll       *NewPoll          `json:"poll,omitempty"`
	Kind       string            `json:"kind,omitempty"` // of the card that it shows: dish, restaurant, event, review
	Thing      id.ID             `json:"thing,omitzero"` // what the card shows
	Key        string            `json:"-"`              // Idempotency-Key: the same key gives the same status; empty: none
}

// NewPoll is a question's choices.
type NewPoll struct {
	Options    []string      `json:"options"`
	ExpiresIn  time.Duration `json:"expires_in"`
	Multiple   bool          `json:"multiple,omitempty"`
	HideTotals bool          `json:"hide_totals,omitempty"`
}

// Edit is what a status becomes: all of it, as it was typed anew.
type Edit struct {
	Text      string
	Spoiler   string
	Sensitive bool
	Lang      string
	Media     []id.ID
	Details   []MediaEdit // of attachments that change
	Poll      *NewPoll    // nil: there is none any more
	Quotes    string      // empty: as before
}

// MediaEdit is what changes about an attachment.
type MediaEdit struct {
	ID          id.ID
	Description *string
	Focus       *social.Focus
}

var errGone = errs.New(errs.NotFound, "Record not found").WithCause(db.ErrNoRow)

// content is a text that was checked, and what it speaks of.
type content struct {
	source, spoiler string
	found           markup.Found
}

// read cleans a text and its spoiler and checks their length.
func read(source, spoiler string, most int) (content, error) {
	c := content{source: markup.Clean(source), spoiler: text.Clean(spoiler, most+1)}
	c.found = markup.Find(c.source)
	switch {
	case c.found.Length+utf8.RuneCountInString(c.spoiler) > most:
		return c, errs.InvalidField("status", "Validation failed: Text character limit of %d exceeded", most)
	case len(c.found.Mentions) > MaxMentions:
		return c, errs.InvalidField("status", "Validation failed: at most %d people can be mentioned", MaxMentions)
	case len(c.found.Tags) > MaxTags:
		return c, errs.InvalidField("status", "Validation failed: at most %d hashtags can be used", MaxTags)
	}
	return c, nil
}

// check checks what can be said of a new status without looking anything up.
func (in *Draft) check(c content) error {
	switch {
	case c.source == "" && len(in.Media) == 0 && in.Poll == nil && in.Kind == "" && in.QuoteOf == 0:
		return errs.InvalidField("status", "Validation failed: Text can't be blank")
	case len(in.Media) > MaxMedia:
		return errs.InvalidField("media_ids", "Validation failed: at most %d files can be attached", MaxMedia)
	case len(in.Media) > 0 && in.Poll != nil:
		return errs.InvalidField("poll", "Validation failed: a poll can't have files attached")
	case in.Visibility != "" && !in.Visibility.Known():
		return errs.InvalidField("visibility", "Validation failed: Visibility is not included in the list")
	case in.Visibility == social.Group && in.Group == 0 && in.ReplyTo == 0:
		return errs.InvalidField("group", "Validation failed: say which group this is for")
	case !slices.Contains([]string{"", ByPublic, ByFollowers, Nobody}, in.Quotes):
		return errs.InvalidField("quote_approval_policy", "Validation failed: quote_approval_policy is public, followers or nobody")
	case !slices.Contains([]string{"", Everybody, ByFollowers, ByMentioned, Nobody}, in.Replies):
		return errs.InvalidField("reply_policy", "Validation failed: reply_policy is everybody, followers, mentioned or nobody")
	}
	if in.Lang = language(in.Lang); len(in.Lang) > 35 {
		return errs.InvalidField("language", "Validation failed: Language is not a language tag")
	}
	return in.Poll.check()
}

// language returns a language tag without what can't be one.
func language(tag string) string {
	tag = strings.TrimSpace(tag)
	for i := range len(tag) {
		if c := tag[i] | 0x20; c != '-' && (c < 'a' || c > 'z') && (tag[i] < '0' || tag[i] > '9') {
			return ""
		}
	}
	return tag
}

// check cleans the options and checks them. A nil poll is fine.
func (p *NewPoll) check() error {
	if p == nil {
		return nil
	}
	seen := map[string]bool{}
	for i, o := range p.Options {
		o = text.Clean(o, MaxOption+1)
		switch {
		case o == "":
			return errs.InvalidField("poll[options]", "Validation failed: an option of the poll is empty")
		case utf8.RuneCountInString(o) > MaxOption:
			return errs.InvalidField("poll[options]", "Validation failed: an option has at most %d characters", MaxOption)
		case seen[o]:
			return errs.InvalidField("poll[options]", "Validation failed: an option of the poll is there twice")
		}
		p.Options[i], seen[o] = o, true
	}
	switch {
	case len(p.Options) < MinOptions || len(p.Options) > MaxOptions:
		return errs.InvalidField("poll[options]", "Validation failed: a poll has %d to %d options", MinOptions, MaxOptions)
	case p.ExpiresIn < MinExpiry:
		return errs.InvalidField("poll[expires_in]", "Validation failed: a poll is open for %d minutes at least", int(MinExpiry/time.Minute))
	case p.ExpiresIn > MaxExpiry:
		return errs.InvalidField("poll[expires_in]", "Validation failed: a poll is open for %d days at most", int(MaxExpiry/(24*time.Hour)))
	}
	return nil
}

// mayAnswer reports whether a reader with these relations may answer a status that they may read.
func mayAnswer(rel *social.Relations, h *social.Head, policy string) bool {
	if h.Account == rel.Viewer || policy == "" || policy == Everybody {
		return true
	}
	if policy != Nobody && slices.Contains(h.Mentions, rel.Viewer) {
		return true
	}
	_, follows := rel.Follows[h.Account]
	return policy == ByFollowers && follows
}

// mayQuote reports whether a reader with these relations may quote a status that they may read.
func mayQuote(rel *social.Relations, h *social.Head, policy string) bool {
	if h.BoostOf != 0 || h.Visibility == social.Direct {
		return false
	}
	if h.Account == rel.Viewer {
		return true
	}
	if h.Visibility == social.Followers || h.Visibility == social.Group && h.Closed {
		return false
	}
	_, follows := rel.Follows[h.Account]
	return policy == ByPublic || policy == "" || policy == ByFollowers && follows
}

// boostAs returns the visibility of a boost of a status, and whether the reader may boost it: what is for some is not passed on to others.
func boostAs(rel *social.Relations, h *social.Head, asked social.Visibility) (social.Visibility, bool) {
	switch h.Visibility {
	case social.Public, social.Unlisted:
		if asked == social.Unlisted || asked == social.Followers || asked == social.Town {
			return asked, true
		}
		if asked == "" && h.Visibility == social.Unlisted {
			return social.Unlisted, true
		}
		return social.Public, true
	case social.Town:
		return social.Town, true
	case social.Group:
		return social.Unlisted, !h.Closed
	case social.Followers:
		return social.Followers, h.Account == rel.Viewer
	}
	return "", false
}

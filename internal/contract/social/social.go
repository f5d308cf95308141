// Package social holds what the slices of the social network share: who may read what, the heads of statuses, what a reader's relations
// are, the events, and Mastodon's entities (entity.go).
//
// Ids of accounts are those of profiles: a person's is the id of their account, a restaurant's that of the restaurant, a group's its own.
// All ids come of one source, so one table of profiles holds all three.
package social

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// Visibility says who may read a status.
type Visibility string

// The visibilities. Town and Group are Stoa's own; Mastodon's apps see them as what comes nearest (see Wire).
const (
	Public    Visibility = "public"   // everybody, and in public timelines
	Unlisted  Visibility = "unlisted" // everybody, but not in public timelines
	Followers Visibility = "private"  // followers, and who is mentioned
	Direct    Visibility = "direct"   // who is mentioned
	Town      Visibility = "town"     // everybody who has an account here; it never leaves this server
	Group     Visibility = "group"    // whoever may read the group it was written in: everybody, or its members
)

// Known reports whether v is one of the visibilities.
func (v Visibility) Known() bool {
	switch v {
	case Public, Unlisted, Followers, Direct, Town, Group:
		return true
	}
	return false
}

// Wire returns the word by which Mastodon's apps know the visibility. closed is whether the status' group is by invitation.
func (v Visibility) Wire(closed bool) string {
	switch {
	case v == Town:
		return string(Public) // with local_only
	case v == Group && closed:
		return string(Followers)
	case v == Group:
		return string(Unlisted)
	}
	return string(v)
}

// Head is what decides who sees a status where: small, kept in memory for the newest, and part of the event that tells of it.
type Head struct {
	ID         id.ID      `json:"id"`
	Account    id.ID      `json:"account"`
	Visibility Visibility `json:"visibility"`
	BoostOf    id.ID      `json:"boost_of,omitzero"`   // the status that this one boosts: then it has no text of its own
	BoostFrom  id.ID      `json:"boost_from,omitzero"` // account of the boosted status
	ReplyTo    id.ID      `json:"reply_to,omitzero"`   // the status answered
	ReplyFrom  id.ID      `json:"reply_from,omitzero"` // account of the status answered
	Thread     id.ID      `json:"thread,omitzero"`     // the first status of the conversation, itself where it is no answer; 0 for a boost
	QuoteOf    id.ID      `json:"quote_of,omitzero"`   // the status quoted
	QuoteFrom  id.ID      `json:"quote_from,omitzero"` // account of the status quoted
	Group      id.ID      `json:"group,omitzero"`      // the group it was written in
	Closed     bool       `json:"closed,omitzero"`     // the group is by invitation: only members read it
	Mentions   []id.ID    `json:"mentions,omitempty"`  // accounts mentioned
	Tags       []string   `json:"tags,omitempty"`      // hashtags, folded, without '#'
	Media      bool       `json:"media,omitzero"`      // has attachments
	Lang       string     `json:"lang,omitempty"`      // BCP 47, may be empty
	Hidden     bool       `json:"hidden,omitzero"`     // its author is silenced: only followers meet it in lists of others
	At         time.Time  `json:"at"`                  // when it was posted
}

// Relations are what one reader's eyes depend on, as a snapshot: nobody changes it; a change makes a new one. The zero value is a stranger's.
type Relations struct {
	Viewer    id.ID            // 0: a stranger
	Follows   map[id.ID]Follow // whom the reader follows
	Requested map[id.ID]bool   // whom the reader has asked
	Blocks    map[id.ID]bool   // whom the reader blocks
	BlockedBy map[id.ID]bool   // who blocks the reader
	Mutes     map[id.ID]Mute   // whom the reader mutes
	Tags      map[string]bool  // hashtags followed, folded
	Groups    map[id.ID]bool   // groups that the reader is a member of
	Exclusive map[id.ID]bool   // accounts of exclusive lists: those are not shown at home
}

// Follow is how somebody follows.
type Follow struct {
	Boosts bool     // their boosts are shown, too
	Notify bool     // each of their posts is a notification
	Langs  []string // only posts in these; empty: all
}

// Mute is how somebody is muted.
type Mute struct {
	Notifications bool      // those, too
	Until         time.Time // zero: until unmuted
}

// Muted reports whether the reader mutes the account at now.
func (r *Relations) Muted(account id.ID, now time.Time) bool {
	m, ok := r.Mutes[account]
	return ok && (m.Until.IsZero() || now.Before(m.Until))
}

// MayRead reports whether the reader may read the status at all, wherever they meet it. It says nothing about mutes and filters, which are
// for timelines, and nothing about authors who are suspended: their statuses are not there. For a boost, ask about the boosted status, too.
func (r *Relations) MayRead(h *Head) bool {
	if r.Viewer != 0 && h.Account == r.Viewer {
		return true
	}
	if r.BlockedBy[h.Account] {
		return false
	}
	for _, m := range h.Mentions {
		if m == r.Viewer && r.Viewer != 0 && h.Visibility != Group {
			return true
		}
	}
	switch h.Visibility {
	case Public, Unlisted:
		return true
	case Town:
		return r.Viewer != 0
	case Followers:
		_, follows := r.Follows[h.Account]
		return follows
	case Group:
		return !h.Closed || r.Groups[h.Group]
	}
	return false
}

// Note is a status that another slice has somebody post: that of an event or a review, with its card.
type Note struct {
	As         id.ID // profile to post as; 0: the actor's own
	Text       string
	Visibility Visibility
	Lang       string
	Media      []id.ID
	Group      id.ID  // the group to post in, with Visibility Group
	ReplyTo    id.ID  // the status answered
	Kind       string // of the card: dish, restaurant, event, review; empty: none
	Thing      id.ID  // what the card shows
}

// Past is a status that its author has posted elsewhere, before they came here.
type Past struct {
	Key        string    // what it was known by there: the same key and time are the same status
	At         time.Time // to the second
	Text       string
	Spoiler    string
	Sensitive  bool
	Visibility Visibility
	Lang       string
	Media      []id.ID
	ReplyTo    id.ID // a status of the same author
}

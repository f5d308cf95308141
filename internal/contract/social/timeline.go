package social

import (
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// What stands in which timeline. The rules say what a reader wants to meet there; whether they may read it is MayRead's to say, and the
// rendering asks that in any case.

// Shuns reports whether the reader wants to meet nothing in lists that the status has to do with: who wrote, was boosted, answered or is
// named in it, or its group, is blocked or muted by the reader, or its author or the boosted one blocks the reader.
func (r *Relations) Shuns(h *Head, now time.Time) bool {
	if r.BlockedBy[h.Account] || h.BoostFrom != 0 && r.BlockedBy[h.BoostFrom] {
		return true
	}
	if len(r.Blocks) == 0 && len(r.Mutes) == 0 {
		return false
	}
	avoid := func(a id.ID) bool { return a != 0 && a != r.Viewer && (r.Blocks[a] || r.Muted(a, now)) }
	return avoid(h.Account) || avoid(h.BoostFrom) || avoid(h.Group) || slices.ContainsFunc(h.Mentions, avoid)
}

// AtHome reports whether the status stands in the reader's home timeline: their own, what those post whom they follow, followed hashtags,
// and the groups that they are a member of.
func (r *Relations) AtHome(h *Head, now time.Time) bool {
	if r.Viewer == 0 {
		return false
	}
	if h.Account == r.Viewer {
		return true
	}
	return !r.Exclusive[h.Account] && r.Feeds(h, now)
}

// Near reports whether a status may stand in the reader's home timeline, as far as its author, group and hashtags say.
func (r *Relations) Near(h *Head) bool {
	if _, follows := r.Follows[h.Account]; follows || h.Account == r.Viewer {
		return true
	}
	return h.Group != 0 && r.Groups[h.Group] || len(r.Tags) > 0 && slices.ContainsFunc(h.Tags, func(t string) bool { return r.Tags[t] })
}

// Feeds is AtHome without the reader's own statuses, and for lists, whose members may be kept out of home.
func (r *Relations) Feeds(h *Head, now time.Time) bool {
	f, follows := r.Follows[h.Account]
	if !follows && !r.tagged(h) && (h.Group == 0 || !r.Groups[h.Group]) {
		return false
	}
	if r.Shuns(h, now) || !r.MayRead(h) {
		return false
	}
	if h.BoostOf != 0 {
		return !follows || f.Boosts
	}
	if follows && len(f.Langs) > 0 && h.Lang != "" && !slices.Contains(f.Langs, h.Lang) {
		return false
	}
	if !follows && h.Visibility != Group {
		return true // by its hashtag
	}
	return r.answersKnown(h)
}

// answersKnown reports whether a status is no answer, or one to somebody whom the reader knows: themselves, the author, somebody followed.
func (r *Relations) answersKnown(h *Head) bool {
	if h.ReplyTo == 0 || h.ReplyFrom == r.Viewer || h.ReplyFrom == h.Account {
		return true
	}
	_, known := r.Follows[h.ReplyFrom]
	return known
}

// tagged reports whether the reader follows a hashtag of the status, and it is there for all to see.
func (r *Relations) tagged(h *Head) bool {
	if len(r.Tags) == 0 || h.Hidden || h.BoostOf != 0 || h.Visibility != Public && h.Visibility != Town {
		return false
	}
	return slices.ContainsFunc(h.Tags, func(t string) bool { return r.Tags[t] })
}

// InPublic reports whether a status is of the kind that public timelines show: no boost, no answer to another. Those for the town alone
// stand in the local timeline of who is signed in.
func (h *Head) InPublic() bool {
	return (h.Visibility == Public || h.Visibility == Town) && h.BoostOf == 0 && (h.ReplyTo == 0 || h.ReplyFrom == h.Account)
}

// Meets reports whether the reader meets a status in timelines of everybody: what Shuns says, what they may read, and nothing of a silenced
// author whom they don't follow.
func (r *Relations) Meets(h *Head, now time.Time) bool {
	if h.Hidden && h.Account != r.Viewer {
		if _, follows := r.Follows[h.Account]; !follows {
			return false
		}
	}
	return !r.Shuns(h, now) && r.MayRead(h)
}

// List is a reader's list of accounts, as a snapshot: nobody changes it.
type List struct {
	ID        id.ID
	Owner     id.ID
	Title     string
	Replies   string // whose answers it shows: followed (to whom the owner follows), list (to its members), none
	Exclusive bool   // its members are not shown at home
	Members   map[id.ID]bool
}

// Shows reports whether a status stands in the list's timeline.
func (l *List) Shows(r *Relations, h *Head, now time.Time) bool {
	if !l.Members[h.Account] {
		return false
	}
	if h.Account != r.Viewer && !r.Feeds(h, now) {
		return false
	}
	if h.ReplyTo == 0 || h.ReplyFrom == h.Account || h.ReplyFrom == r.Viewer {
		return true
	}
	switch l.Replies {
	case "followed":
		_, follows := r.Follows[h.ReplyFrom]
		return follows
	case "list":
		return l.Members[h.ReplyFrom]
	}
	return false
}

// Matcher finds a reader's filters in statuses. Safe for concurrent use.
type Matcher interface {
	// Match returns the filters for a context (home, notifications, public, thread, account) that one of the ids or the text is caught by,
	// and whether one of them hides it. text is all that can be read in the status, folded by text.Fold.
	Match(context, text string, ids ...id.ID) (found []Filtered, hide bool)
}

// Range is a stretch of statuses: those of an author, with a hashtag (folded), in a group, or the public ones with a link to a page (as
// markup.Page says it); with none of these, all. Above and Below are exclusive; 0 means no bound. The newest of the stretch come first, or with Up the oldest. Limit is how many statuses are looked at.
//
// Of all statuses with Worth only those are read of which it says so; of what it is asked about only ID, Account, Group and Tags are known.
// Nothing more is looked at once there are Enough.
type Range struct {
	Account id.ID
	Tag     string
	Group   id.ID
	Page    string
	Above   id.ID
	Below   id.ID
	Up      bool
	Limit   int
	Worth   func(h *Head) bool
	Enough  int // 0: as many as there are
}

// Stretch is what a Range gave. More says that there may be more of it; statuses of suspended authors are left out, so there may be even where
// Heads are few, or none. Last is where reading goes on then. Looked is how many statuses were looked at.
type Stretch struct {
	Heads  []Head
	More   bool
	Last   id.ID
	Looked int
}

// MarkedStatus is a status that somebody marked; lists of them go by the mark's own id.
type MarkedStatus struct {
	Mark   id.ID
	Status id.ID
}

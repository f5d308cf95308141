// Package notification tells people what others did that concerns them, and what became of their orders and rides. It reads the event log
// and writes a row for each person and thing; lists, groups, policies and requests are made of these rows.
//
// The types are Mastodon's, and Stoa's own with the prefix "stoa.": apps are given those only when they ask for them by name, for many stop
// working at a type that they don't know. Stoa's pages show all.
package notification

import (
	"embed"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// The types of Mastodon.
const (
	Mention       = "mention"
	Status        = "status" // somebody followed with notifications has posted
	Reblog        = "reblog"
	Follow        = "follow"
	FollowRequest = "follow_request"
	Favourite     = "favourite"
	Poll          = "poll"          // one that was made or voted in has ended
	Update        = "update"        // what was boosted has been edited
	Quote         = "quote"         // one's status was quoted
	QuotedUpdate  = "quoted_update" // what was quoted has been edited
	SignUp        = "admin.sign_up"
	Report        = "admin.report"
	Warning       = "moderation_warning"
)

// The types of Stoa; besides, each type of social.Notice with the prefix is one.
const (
	Own     = "stoa" // prefix of all that follow
	Order   = Own + ".order"
	Kitchen = Own + ".kitchen" // an order that nobody in the kitchen has answered
	Offer   = Own + ".offer"   // a ride is offered to a courier
)

// Types are all types of Mastodon, in the order in which settings show them.
var Types = []string{Mention, Status, Reblog, Follow, FollowRequest, Favourite, Poll, Update, Quote, QuotedUpdate, SignUp, Report, Warning}

// grouped are the types of which several are shown as one, unless the client says otherwise.
var grouped = []string{Favourite, Follow, Reblog, SignUp}

// Notification is one row.
type Notification struct {
	ID      id.ID // fits into JavaScript's numbers: apps read it as one in push messages
	Account id.ID // whom it is for
	Type    string
	From    id.ID // the profile that did it
	Status  id.ID // what it is about; 0: no status
	Thing   id.ID // what else it is about: an order, a report
	Group   string
	Held    bool  // among the requests
	Data    *Data // nil: none
	At      time.Time
}

// Data is what Stoa's own types carry besides.
type Data struct {
	What string `json:"what,omitempty"` // of an order: confirmed, ready, refunded, …; of a warning: the action
	Code string `json:"code,omitempty"` // of an order
	// Amount is what was given back of an order, in minor units of Currency.
	Amount   money.Amount `json:"amount,omitempty"`
	Currency string       `json:"currency,omitempty"`
	Title    string       `json:"title,omitempty"`
	URL      string       `json:"url,omitempty"` // path of the page that it leads to
}

// IsOwn reports whether the type is one of Stoa's.
func IsOwn(kind string) bool { return strings.HasPrefix(kind, Own+".") }

// Key returns the key of the group that a notification is shown in, where only the types of group are shown together.
func (n *Notification) Key(group []string) string {
	if n.Group != "" && (IsOwn(n.Type) || slices.Contains(group, n.Type)) {
		return n.Group
	}
	return ungrouped + n.ID.String()
}

const ungrouped = "ungrouped-"

// bucket is how far apart two notifications may be that are shown as one.
const bucket = 12 * time.Hour

// groupOf returns the key of the group that a notification belongs to, empty where its type has none.
func groupOf(n *Notification) string {
	switch {
	case n.Type == Favourite || n.Type == Reblog:
		return n.Type + "-" + n.Status.String() + "-" + strconv.FormatInt(n.At.Unix()/int64(bucket/time.Second), 10)
	case n.Type == Follow || n.Type == SignUp:
		return n.Type + "-" + strconv.FormatInt(n.At.Unix()/int64(bucket/time.Second), 10)
	case n.Type == Order || strings.HasPrefix(n.Type, Own+".event."):
		return n.Type + "-" + n.Thing.String()
	}
	return ""
}

// once reports whether there is at most one of a type for the same sender and status: doing it again after taking it back tells nothing new
// while the first is there.
func once(kind string) bool {
	switch kind {
	case Follow, FollowRequest, Favourite, Reblog, SignUp, Report:
		return true
	}
	return false
}

// Query says which of somebody's notifications are meant.
type Query struct {
	Types   []string // only these; empty: all of Mastodon's
	Exclude []string
	From    id.ID // only from this profile; 0: from all
	Held    bool  // those among the requests, too
	All     bool  // Stoa's own types, too, where Types is empty
	MaxID   id.ID // strictly older; 0: no bound
	SinceID id.ID // strictly newer
	MinID   id.ID // the first that are newer, rather than the newest
	Limit   int
	Group   []string // types of which several are shown as one; nil: the usual ones
}

// wants reports whether the query means a notification, by its type and sender.
func (q *Query) wants(n *Notification) bool {
	if n.Held && !q.Held || q.From != 0 && n.From != q.From || has(q.Exclude, n.Type) {
		return false
	}
	if len(q.Types) > 0 {
		return has(q.Types, n.Type)
	}
	return q.All || !IsOwn(n.Type)
}

// has reports whether words name a type: as it is, or by what it begins with up to a dot.
func has(words []string, kind string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return w == kind || strings.HasPrefix(kind, w+".") })
}

func (q *Query) group() []string {
	if q.Group == nil {
		return grouped
	}
	return q.Group
}

// welcome reports whether a reader wants to see what comes from a profile now.
func welcome(rel *social.Relations, from id.ID, now time.Time) bool {
	if from == rel.Viewer {
		return true
	}
	if rel.Blocks[from] || rel.BlockedBy[from] {
		return false
	}
	m, muted := rel.Mutes[from]
	return !muted || !m.Notifications || !m.Until.IsZero() && !now.Before(m.Until)
}

// Verdict is what becomes of a notification.
type Verdict string

// The verdicts, and the words of policies.
const (
	Accept Verdict = "accept"
	Filter Verdict = "filter" // it is held among the requests
	Drop   Verdict = "drop"
)

// Policy says what somebody wants of whom they don't know.
type Policy struct {
	NotFollowing    Verdict `json:"for_not_following"`    // from those whom the reader does not follow
	NotFollowers    Verdict `json:"for_not_followers"`    // from those who don't follow the reader
	NewAccounts     Verdict `json:"for_new_accounts"`     // from accounts of the last 30 days
	PrivateMentions Verdict `json:"for_private_mentions"` // direct messages that answer none of the reader's, from those not followed
	LimitedAccounts Verdict `json:"for_limited_accounts"` // from those whom moderators have silenced
}

// DefaultPolicy is what holds until somebody says otherwise.
var DefaultPolicy = Policy{Accept, Accept, Accept, Filter, Filter}

// check returns an Invalid error for words that are no verdicts.
func (p Policy) check() error {
	for field, v := range map[string]Verdict{
		"for_not_following": p.NotFollowing, "for_not_followers": p.NotFollowers, "for_new_accounts": p.NewAccounts,
		"for_private_mentions": p.PrivateMentions, "for_limited_accounts": p.LimitedAccounts,
	} {
		if v != Accept && v != Filter && v != Drop {
			return errs.InvalidField(field, "Validation failed: choose accept, filter or drop.")
		}
	}
	return nil
}

// newFor is how long an account is new.
const newFor = 30 * 24 * time.Hour

// about is what a verdict depends on.
type about struct {
	to       *social.Relations // of whom it is for
	from     id.ID
	follows  bool // from follows the reader
	since    time.Time
	limited  bool
	official bool // from is a moderator or an admin of this server
	allowed  bool // a request of from's was accepted
	direct   bool // it is a direct message
	answers  bool // to one of the reader's own
	policy   Policy
	now      time.Time
	kind     string
}

// bypasses reports whether no policy keeps a type back: what the reader asked for, or the server has to say.
func bypasses(kind string) bool {
	switch kind {
	case Poll, Update, QuotedUpdate, SignUp, Report, Warning, FollowRequest:
		return true
	}
	return IsOwn(kind)
}

// decide returns what becomes of a notification, and whether the reader's policy alone is the reason: then an accepted request overrides it.
func decide(a *about) Verdict {
	if a.from == a.to.Viewer {
		if a.kind == Poll || a.kind == Warning || IsOwn(a.kind) {
			return Accept
		}
		return Drop
	}
	if bypasses(a.kind) && a.kind != FollowRequest {
		if (a.kind == Update || a.kind == QuotedUpdate || a.kind == Poll) && !welcome(a.to, a.from, a.now) {
			return Drop
		}
		return Accept
	}
	if !welcome(a.to, a.from, a.now) {
		return Drop
	}
	if a.official || a.allowed || bypasses(a.kind) {
		return Accept
	}
	_, following := a.to.Follows[a.from]
	out := Accept
	for _, rule := range []struct {
		meets bool
		v     Verdict
	}{
		{!following, a.policy.NotFollowing},
		{!a.follows, a.policy.NotFollowers},
		{!following && a.now.Sub(a.since) < newFor, a.policy.NewAccounts},
		{a.direct && !following && !a.answers, a.policy.PrivateMentions},
		{a.limited && !following, a.policy.LimitedAccounts},
	} {
		switch {
		case !rule.meets:
		case rule.v == Drop:
			return Drop
		case rule.v == Filter:
			out = Filter
		}
	}
	return out
}

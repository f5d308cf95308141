package social

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// The kinds of the events below.
const (
	KindNoticesChanged      = "notification.changed"
	KindTalked              = "conversation.changed"
	KindAnnouncementChanged = "announcement.changed"
)

// NoticesChanged says that somebody's notifications are no longer what they were, other than by a new one: read, taken away, let in.
type NoticesChanged struct {
	To   id.ID  `json:"to"`
	What string `json:"what"`          // "read", "removed", "merged" (those of requests that were accepted are among the others now), "settings"
	From id.ID  `json:"from,omitzero"` // with "merged": whose
}

// EventKind returns "notification.changed".
func (NoticesChanged) EventKind() string { return KindNoticesChanged }

// EventSubject returns "profile:ID" of whose they are.
func (n NoticesChanged) EventSubject() string { return "profile:" + n.To.String() }

// Talked says that a conversation of somebody's has a new message, or was read, marked as unread or removed.
type Talked struct {
	To           id.ID `json:"to"`
	Conversation id.ID `json:"conversation"`
	Status       id.ID `json:"status,omitzero"` // the newest message; 0: the conversation is gone
	Unread       bool  `json:"unread,omitzero"`
	Fresh        bool  `json:"fresh,omitzero"` // because of a new message
}

// EventKind returns "conversation.changed".
func (Talked) EventKind() string { return KindTalked }

// EventSubject returns "profile:ID" of whose conversation it is.
func (c Talked) EventSubject() string { return "profile:" + c.To.String() }

// AnnouncementChanged says that an announcement was published, changed, reacted to or taken back.
type AnnouncementChanged struct {
	Announcement id.ID  `json:"announcement"`
	What         string `json:"what"`               // "published", "changed", "removed", "reaction"
	Reaction     string `json:"reaction,omitempty"` // with "reaction": its name
	Count        int64  `json:"count,omitzero"`     // with "reaction": how many gave it
}

// EventKind returns "announcement.changed".
func (AnnouncementChanged) EventKind() string { return KindAnnouncementChanged }

// EventSubject returns "announcement:ID".
func (a AnnouncementChanged) EventSubject() string { return "announcement:" + a.Announcement.String() }

// Entry is a notification as Stoa's pages show it: one, or several that tell of the same.
type Entry struct {
	ID       id.ID     // of the newest; also what reading goes on below, and what is marked as read
	Key      string    // of the group, for dismissing it
	Type     string    // mention, favourite, …, stoa.order
	At       time.Time // of the newest
	Unread   bool
	Count    int        // how many there are in all
	Accounts []*Account // the newest at most eight whom they come from
	Status   *Status    // nil: none
	Text     string     // a sentence in the reader's language: "Anna and 2 others follow you"
	Detail   string     // more of it, may be empty
	URL      string     // path or address of the page that it leads to
}

// Conversation is an exchange of direct statuses as its owner sees it.
type Conversation struct {
	ID       id.ID      `json:"id"`
	Unread   bool       `json:"unread"`
	Accounts []*Account `json:"accounts"` // the others
	Last     *Status    `json:"last_status"`
}

// Announcement is what admins tell everybody.
type Announcement struct {
	ID          id.ID      `json:"id"`
	Content     string     `json:"content"` // HTML
	StartsAt    Time       `json:"starts_at"`
	EndsAt      Time       `json:"ends_at"`
	AllDay      bool       `json:"all_day"`
	PublishedAt Time       `json:"published_at"`
	UpdatedAt   Time       `json:"updated_at"`
	Read        *bool      `json:"read,omitempty"`
	Mentions    []Mention  `json:"mentions"`
	Statuses    []Status   `json:"statuses"`
	Tags        []Tag      `json:"tags"`
	Emojis      []Emoji    `json:"emojis"`
	Reactions   []Reaction `json:"reactions"`
}

// Reaction is an emoji that some gave.
type Reaction struct {
	Name      string `json:"name"`
	Count     int64  `json:"count"`
	Me        *bool  `json:"me,omitempty"`
	URL       string `json:"url,omitempty"` // of a custom emoji
	StaticURL string `json:"static_url,omitempty"`
}

package social

import "github.com/stoa-town/stoa/internal/base/id"

// The kinds of the events below.
const (
	KindPosted         = "status.posted"
	KindEdited         = "status.edited"
	KindDeleted        = "status.deleted"
	KindMarked         = "status.marked"
	KindVoted          = "poll.voted"
	KindPollEnded      = "poll.ended"
	KindFollowed       = "follow.changed"
	KindProfileChanged = "profile.changed"
	KindFiltersChanged = "filter.changed"
	KindNotified       = "notification.added"
	KindReported       = "report.filed"
	KindModerated      = "profile.moderated"
	KindNotice         = "notice.given"
)

// Posted says that somebody has posted or boosted.
type Posted struct{ Head }

// EventKind returns "status.posted".
func (Posted) EventKind() string { return KindPosted }

// EventSubject returns "profile:ID" of the author.
func (p Posted) EventSubject() string { return "profile:" + p.Account.String() }

// Edited says that a status' text, media or poll is no longer what it was, or something that its readers see beside it: its card, its quote.
type Edited struct {
	Head
	Silent bool `json:"silent,omitzero"` // only what stands beside the text changed: nobody is notified, and there is no new version
	Past   bool `json:"past,omitzero"`   // it was not here until now, though it is old: nobody who reads on has ever seen it
}

// EventKind returns "status.edited".
func (Edited) EventKind() string { return KindEdited }

// EventSubject returns "profile:ID" of the author.
func (e Edited) EventSubject() string { return "profile:" + e.Account.String() }

// Deleted says that a status is gone, or a boost taken back.
type Deleted struct{ Head }

// EventKind returns "status.deleted".
func (Deleted) EventKind() string { return KindDeleted }

// EventSubject returns "profile:ID" of the author.
func (d Deleted) EventSubject() string { return "profile:" + d.Account.String() }

// Mark is what somebody does with a status.
type Mark string

// The marks. Boosts are statuses of their own, and no marks.
const (
	Favourite Mark = "favourite"
	Bookmark  Mark = "bookmark"
	Pin       Mark = "pin"
	MuteTalk  Mark = "mute" // no notifications of the conversation
)

// Marked says that somebody has marked a status, or taken the mark back.
type Marked struct {
	Status id.ID `json:"status"`
	Author id.ID `json:"author"` // of the status
	By     id.ID `json:"by"`
	Mark   Mark  `json:"mark"`
	Gone   bool  `json:"gone,omitzero"` // taken back
}

// EventKind returns "status.marked".
func (Marked) EventKind() string { return KindMarked }

// EventSubject returns "profile:ID" of who marked.
func (m Marked) EventSubject() string { return "profile:" + m.By.String() }

// Voted says that somebody has voted in a poll.
type Voted struct {
	Status id.ID `json:"status"`
	Poll   id.ID `json:"poll"`
	By     id.ID `json:"by"`
}

// EventKind returns "poll.voted".
func (Voted) EventKind() string { return KindVoted }

// EventSubject returns "profile:ID" of who voted.
func (v Voted) EventSubject() string { return "profile:" + v.By.String() }

// PollEnded says that a poll is over.
type PollEnded struct {
	Status id.ID   `json:"status"`
	Poll   id.ID   `json:"poll"`
	Author id.ID   `json:"author"`
	Voters []id.ID `json:"voters,omitempty"` // the first thousand
}

// EventKind returns "poll.ended".
func (PollEnded) EventKind() string { return KindPollEnded }

// EventSubject returns "profile:ID" of the author.
func (p PollEnded) EventSubject() string { return "profile:" + p.Author.String() }

// Tie is what is between two accounts.
type Tie string

// The ties.
const (
	TieFollow  Tie = "follow"
	TieHow     Tie = "how" // From, who follows already, now does so with or without boosts, notifications or languages
	TieRequest Tie = "request"
	TieBlock   Tie = "block"
	TieMute    Tie = "mute"
	TieTag     Tie = "tag"    // From follows the hashtag Tag
	TieList    Tie = "list"   // From changed the members or the kind of a list
	TieGroup   Tie = "group"  // From became a member of the group To, or is none any more
	TieDomain  Tie = "domain" // From blocks a server
)

// Followed says that the relations of From have changed; with a block those of To, too. Whoever keeps them reads them again.
type Followed struct {
	From id.ID  `json:"from"`
	To   id.ID  `json:"to,omitzero"`
	Tag  string `json:"tag,omitempty"`
	Tie  Tie    `json:"tie"`
	Gone bool   `json:"gone,omitzero"` // it ended
	Was  bool   `json:"was,omitzero"`  // a request that became a follow by To's consent
}

// EventKind returns "follow.changed".
func (Followed) EventKind() string { return KindFollowed }

// EventSubject returns "profile:ID" of From.
func (f Followed) EventSubject() string { return "profile:" + f.From.String() }

// ProfileChanged says that a profile's name, picture, text or state is no longer what it was.
type ProfileChanged struct {
	Profile id.ID `json:"profile"`
}

// EventKind returns "profile.changed".
func (ProfileChanged) EventKind() string { return KindProfileChanged }

// EventSubject returns "profile:ID".
func (p ProfileChanged) EventSubject() string { return "profile:" + p.Profile.String() }

// FiltersChanged says that somebody's filters are no longer what they were.
type FiltersChanged struct {
	By id.ID `json:"by"`
}

// EventKind returns "filter.changed".
func (FiltersChanged) EventKind() string { return KindFiltersChanged }

// EventSubject returns "profile:ID".
func (f FiltersChanged) EventSubject() string { return "profile:" + f.By.String() }

// Notified says that somebody has a notification more.
type Notified struct {
	To           id.ID  `json:"to"`
	Notification id.ID  `json:"notification"`
	Type         string `json:"type"`
}

// EventKind returns "notification.added".
func (Notified) EventKind() string { return KindNotified }

// EventSubject returns "profile:ID" of whom it is for.
func (n Notified) EventSubject() string { return "profile:" + n.To.String() }

// Reported says that somebody has reported an account to the moderators.
type Reported struct {
	Report id.ID `json:"report"`
	By     id.ID `json:"by"`
	Target id.ID `json:"target"`
}

// EventKind returns "report.filed".
func (Reported) EventKind() string { return KindReported }

// EventSubject returns "report:ID".
func (r Reported) EventSubject() string { return "report:" + r.Report.String() }

// Moderated says that a moderator has acted on an account: its owner is told.
type Moderated struct {
	Profile id.ID  `json:"profile"`
	Strike  id.ID  `json:"strike"` // what the owner may appeal against; 0: nothing
	Action  string `json:"action"` // none, warn, sensitive, silence, suspend, delete, undo
}

// EventKind returns "profile.moderated".
func (Moderated) EventKind() string { return KindModerated }

// EventSubject returns "profile:ID".
func (m Moderated) EventSubject() string { return "profile:" + m.Profile.String() }

// The types of Notice. They are also the types of the notifications that come of them.
const (
	NoticeGroupInvite  = "group.invite"    // From invites to the group Thing
	NoticeGroupRequest = "group.request"   // From asks to join the group Thing
	NoticeGroupJoined  = "group.joined"    // the group From has let them in
	NoticeEventSoon    = "event.soon"      // what they come to begins soon
	NoticeEventChanged = "event.changed"   // it is at another time or place
	NoticeEventOff     = "event.cancelled" // it does not take place
	NoticeEventPlace   = "event.place"     // there is room now: they have moved up from the waiting list
	NoticeReviewDue    = "review.due"      // an order has arrived: how was it?
	NoticeReviewed     = "review.added"    // From has reviewed their restaurant
	NoticeReviewAnswer = "review.answered" // the restaurant From has answered their review
	NoticeImported     = "import.done"     // a file that they brought along is taken in; Title is its kind: following_accounts, …, posts
)

// Notice asks that people be notified of what no other event tells: of groups, events and reviews.
type Notice struct {
	To     []id.ID `json:"to"` // at most a hundred
	Type   string  `json:"type"`
	From   id.ID   `json:"from"`            // a profile: who did it, or whose it is
	Thing  id.ID   `json:"thing"`           // the group, event or review; for "review.due" the order, for "import.done" the import
	Status id.ID   `json:"status,omitzero"` // where there is one to be shown with it
	Title  string  `json:"title"`           // name of the group, the event or the restaurant, or what NoticeImported says
	URL    string  `json:"url"`             // path of the page that it leads to
}

// EventKind returns "notice.given".
func (Notice) EventKind() string { return KindNotice }

// EventSubject returns "profile:ID" of who it is from.
func (n Notice) EventSubject() string { return "profile:" + n.From.String() }

// KindEmojiChanged is the kind of EmojiChanged.
const KindEmojiChanged = "emoji.changed"

// EmojiChanged says that the town's own emoji are no longer what they were.
type EmojiChanged struct{}

// EventKind returns "emoji.changed".
func (EmojiChanged) EventKind() string { return KindEmojiChanged }

// EventSubject returns "emoji".
func (EmojiChanged) EventSubject() string { return "emoji" }

// KindBlocksChanged is the kind of BlocksChanged.
const KindBlocksChanged = "moderation.blocks"

// BlocksChanged says that what moderators keep out of town is no longer what it was.
type BlocksChanged struct{}

// EventKind returns "moderation.blocks".
func (BlocksChanged) EventKind() string { return KindBlocksChanged }

// EventSubject returns "moderation".
func (BlocksChanged) EventSubject() string { return "moderation" }

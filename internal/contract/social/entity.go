package social

import (
	"encoding/json"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
)

// Entities as Mastodon's API shows them (docs.joinmastodon.org/entities). Pointers are null where that is a value; lists are never null.

// Time is written as ISO 8601 with milliseconds and Z; the zero Time as null.
type Time struct{ time.Time }

// MarshalJSON writes the time, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// Account is how everybody sees an account.
type Account struct {
	ID             id.ID   `json:"id"`
	Username       string  `json:"username"`
	Acct           string  `json:"acct"` // the username here, username@domain elsewhere
	URL            string  `json:"url"`
	URI            string  `json:"uri"`
	DisplayName    string  `json:"display_name"`
	Note           string  `json:"note"`   // HTML
	Avatar         string  `json:"avatar"` // absolute URL, never empty
	AvatarStatic   string  `json:"avatar_static"`
	AvatarAlt      string  `json:"avatar_description"`
	Header         string  `json:"header"`
	HeaderStatic   string  `json:"header_static"`
	HeaderAlt      string  `json:"header_description"`
	Locked         bool    `json:"locked"`
	Fields         []Field `json:"fields"`
	Emojis         []Emoji `json:"emojis"`
	Bot            bool    `json:"bot"`
	Group          bool    `json:"group"`
	Discoverable   bool    `json:"discoverable"`
	Indexable      bool    `json:"indexable"`
	NoIndex        bool    `json:"noindex"`
	HideCollection bool    `json:"hide_collections"`
	Suspended      bool    `json:"suspended,omitempty"`
	Limited        bool    `json:"limited,omitempty"`
	Memorial       bool    `json:"memorial,omitempty"`
	CreatedAt      Time    `json:"created_at"`     // midnight of the day
	LastStatusAt   *string `json:"last_status_at"` // a date
	Statuses       int64   `json:"statuses_count"`
	Followers      int64   `json:"followers_count"`
	Following      int64   `json:"following_count"`
	Roles          []Role  `json:"roles"` // shown on the profile
	Stoa           *Place  `json:"stoa,omitempty"`
	Guarded        bool    `json:"-"` // all its media are sensitive
}

// Place says what an account is besides a person, for Stoa's own pages and apps.
type Place struct {
	Kind string `json:"kind"` // restaurant or group
	URL  string `json:"url"`  // of the shop or the group
}

// Field is a line of the table on a profile.
type Field struct {
	Name       string `json:"name"`
	Value      string `json:"value"` // HTML; the text itself in Source
	VerifiedAt Time   `json:"verified_at"`
}

// Role is a badge.
type Role struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

// Emoji is a custom emoji.
type Emoji struct {
	Shortcode string  `json:"shortcode"`
	URL       string  `json:"url"`
	StaticURL string  `json:"static_url"`
	Visible   bool    `json:"visible_in_picker"`
	Category  *string `json:"category"`
}

// Attachment is a file that a status carries.
type Attachment struct {
	ID          id.ID   `json:"id"`
	Type        string  `json:"type"` // image, gifv, video, audio, unknown
	URL         *string `json:"url"`  // absolute; null while it is being worked on
	PreviewURL  *string `json:"preview_url"`
	RemoteURL   *string `json:"remote_url"`
	TextURL     *string `json:"text_url"`
	Meta        Meta    `json:"meta"`
	Description *string `json:"description"`
	Blurhash    *string `json:"blurhash"`
}

// Meta is what is known of an attachment's pictures.
type Meta struct {
	Original *Size  `json:"original,omitempty"`
	Small    *Size  `json:"small,omitempty"`
	Focus    *Focus `json:"focus,omitempty"`
}

// Size is measured in pixels; Aspect is Width / Height.
type Size struct {
	Width     int     `json:"width,omitempty"`
	Height    int     `json:"height,omitempty"`
	Size      string  `json:"size,omitempty"`
	Aspect    float64 `json:"aspect,omitempty"`
	Duration  float64 `json:"duration,omitempty"`   // seconds
	FrameRate string  `json:"frame_rate,omitempty"` // pictures in a second, as a fraction such as "30/1"
	Bitrate   int64   `json:"bitrate,omitempty"`    // bits in a second
}

// Focus is what a crop keeps, each from -1 (left, bottom) to 1.
type Focus struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Mention is an account named in a status.
type Mention struct {
	ID       id.ID  `json:"id"`
	Username string `json:"username"`
	URL      string `json:"url"`
	Acct     string `json:"acct"`
}

// Tag is a hashtag in a status.
type Tag struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Card is a preview of the first link of a status.
type Card struct {
	URL          string  `json:"url"`
	Title        string  `json:"title"`
	Description  string  `json:"description"`
	Language     *string `json:"language"`
	Type         string  `json:"type"` // link, photo, video, rich
	AuthorName   string  `json:"author_name"`
	AuthorURL    string  `json:"author_url"`
	ProviderName string  `json:"provider_name"`
	ProviderURL  string  `json:"provider_url"`
	HTML         string  `json:"html"`
	Width        int     `json:"width"`
	Height       int     `json:"height"`
	Image        *string `json:"image"`
	ImageAlt     string  `json:"image_description"`
	EmbedURL     string  `json:"embed_url"`
	Blurhash     *string `json:"blurhash"`
	PublishedAt  Time    `json:"published_at"`
	Authors      []any   `json:"authors"`
}

// Poll is a question's choices. Voted and OwnVotes are of who asks: left out for strangers.
type Poll struct {
	ID          id.ID    `json:"id"`
	ExpiresAt   Time     `json:"expires_at"`
	Expired     bool     `json:"expired"`
	Multiple    bool     `json:"multiple"`
	VotesCount  int64    `json:"votes_count"`
	VotersCount *int64   `json:"voters_count"`
	Options     []Choice `json:"options"`
	Emojis      []Emoji  `json:"emojis"`
	Voted       *bool    `json:"voted,omitempty"`
	OwnVotes    *[]int   `json:"own_votes,omitempty"`
}

// Choice is one of a poll's; VotesCount is null while totals are hidden.
type Choice struct {
	Title      string `json:"title"`
	VotesCount *int64 `json:"votes_count"`
}

// Status is a post as a reader sees it. The API is served from bytes that are put together of parts kept (see social/status); this shape is
// for pages, tests and whoever reads those bytes.
type Status struct {
	ID                 id.ID           `json:"id"`
	URI                string          `json:"uri"`
	URL                *string         `json:"url"`
	CreatedAt          time.Time       `json:"created_at"`
	EditedAt           *time.Time      `json:"edited_at"`
	InReplyToID        *id.ID          `json:"in_reply_to_id"`
	InReplyToAccountID *id.ID          `json:"in_reply_to_account_id"`
	Sensitive          bool            `json:"sensitive"`
	SpoilerText        string          `json:"spoiler_text"`
	Visibility         string          `json:"visibility"`
	LocalOnly          bool            `json:"local_only"`
	Language           *string         `json:"language"`
	Replies            int64           `json:"replies_count"`
	Boosts             int64           `json:"reblogs_count"`
	Favourites         int64           `json:"favourites_count"`
	Quotes             int64           `json:"quotes_count"`
	Content            string          `json:"content"` // HTML, safe
	Account            Account         `json:"account"`
	Application        json.RawMessage `json:"application,omitempty"`
	Media              []Attachment    `json:"media_attachments"`
	Mentions           []Mention       `json:"mentions"`
	Tags               []Tag           `json:"tags"`
	Emojis             []Emoji         `json:"emojis"`
	Card               *Card           `json:"card"`
	Poll               *Poll           `json:"poll"`
	Reblog             *Status         `json:"reblog"`
	Quote              *Quote          `json:"quote"`
	Approval           *Approval       `json:"quote_approval,omitempty"`
	Stoa               *Extra          `json:"stoa,omitempty"`

	// Of the reader; false and empty for strangers.
	Favourited bool       `json:"favourited"`
	Reblogged  bool       `json:"reblogged"`
	Bookmarked bool       `json:"bookmarked"`
	Muted      bool       `json:"muted"`
	Pinned     bool       `json:"pinned"`
	Filtered   []Filtered `json:"filtered"`
}

// Quote is a status that another quotes.
type Quote struct {
	State  string  `json:"state"` // pending, accepted, rejected, revoked, deleted, unauthorized, blocked_account, muted_account
	Status *Status `json:"quoted_status"`
	ID     *id.ID  `json:"quoted_status_id,omitempty"` // in place of the status where quotes are nested deeper
}

// Approval says who may quote a status.
type Approval struct {
	Automatic []string `json:"automatic"`    // public, followers; empty: nobody but the author
	Manual    []string `json:"manual"`       // always empty: nobody is asked here
	Current   string   `json:"current_user"` // automatic or denied
}

// Filtered is a filter of the reader's that a status matches.
type Filtered struct {
	Filter   FilterHead `json:"filter"`
	Keywords []string   `json:"keyword_matches"`
	Statuses []string   `json:"status_matches"`
}

// FilterHead is a filter without its words.
type FilterHead struct {
	ID      id.ID    `json:"id"`
	Title   string   `json:"title"`
	Context []string `json:"context"` // home, notifications, public, thread, account
	Expires Time     `json:"expires_at"`
	Action  string   `json:"filter_action"` // warn, hide, blur
}

// Extra is what only Stoa's statuses carry: at most one of Dish, Restaurant, Event and Review, and the group.
type Extra struct {
	Visibility Visibility  `json:"visibility"`
	Dish       *DishCard   `json:"dish,omitempty"`
	Restaurant *ShopCard   `json:"restaurant,omitempty"`
	Event      *EventCard  `json:"event,omitempty"`
	Review     *ReviewCard `json:"review,omitempty"`
	Group      *GroupCard  `json:"group,omitempty"`
	Replies    string      `json:"reply_policy"` // everybody, followers, mentioned, nobody
	Preview    *Card       `json:"-"`            // the thing as a link preview, for apps that know nothing of it
}

// ShopCard is a restaurant that a status shows.
type ShopCard struct {
	ID    id.ID  `json:"id"`
	Slug  string `json:"slug"`
	Name  string `json:"name"`
	Photo string `json:"photo"` // URL path, may be empty
	URL   string `json:"url"`   // path of the shop page
	Open  bool   `json:"open"`
}

// DishCard is a dish that a status shows, to be ordered in one tap.
type DishCard struct {
	ID         id.ID    `json:"id"`
	Name       string   `json:"name"`
	Price      int64    `json:"price"` // minor units
	Currency   string   `json:"currency"`
	Photo      string   `json:"photo"` // URL path, may be empty
	Available  bool     `json:"available"`
	Simple     bool     `json:"simple"` // nothing has to be chosen: one tap puts it into the cart
	Restaurant ShopCard `json:"restaurant"`
}

// EventCard is something that takes place.
type EventCard struct {
	ID     id.ID   `json:"id"`
	Title  string  `json:"title"`
	Starts Time    `json:"starts_at"`
	Ends   Time    `json:"ends_at"`
	TZ     string  `json:"tz"`
	Place  string  `json:"place"`
	Lat    float64 `json:"lat,omitempty"`
	Lon    float64 `json:"lon,omitempty"`
	Coming int64   `json:"coming"` // people
	Called bool    `json:"cancelled"`
	URL    string  `json:"url"`
}

// ReviewCard is what somebody thought of an order. It counts towards the restaurant's stars only when Verified.
type ReviewCard struct {
	ID         id.ID      `json:"id"`
	Stars      int        `json:"stars"`    // 1 to 5
	Verified   bool       `json:"verified"` // the author's own delivered order
	Restaurant ShopCard   `json:"restaurant"`
	Dishes     []DishMark `json:"dishes"`
}

// DishMark is the stars of one dish.
type DishMark struct {
	Item  id.ID  `json:"item"`
	Name  string `json:"name"`
	Stars int    `json:"stars"`
}

// GroupCard is the group a status was written in.
type GroupCard struct {
	ID     id.ID  `json:"id"`
	Handle string `json:"handle"`
	Name   string `json:"name"`
	Closed bool   `json:"closed"`
	URL    string `json:"url"`
}

// Relationship is what is between the reader and an account.
type Relationship struct {
	ID                  id.ID    `json:"id"`
	Following           bool     `json:"following"`
	ShowingReblogs      bool     `json:"showing_reblogs"`
	Notifying           bool     `json:"notifying"`
	Languages           []string `json:"languages"`
	FollowedBy          bool     `json:"followed_by"`
	Blocking            bool     `json:"blocking"`
	BlockedBy           bool     `json:"blocked_by"`
	Muting              bool     `json:"muting"`
	MutingNotifications bool     `json:"muting_notifications"`
	MutingExpiresAt     Time     `json:"muting_expires_at"`
	Requested           bool     `json:"requested"`
	RequestedBy         bool     `json:"requested_by"`
	DomainBlocking      bool     `json:"domain_blocking"`
	Endorsed            bool     `json:"endorsed"`
	Note                string   `json:"note"`
}

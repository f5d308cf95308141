// Package web is the social network as people see it: home, the town, profiles, conversations, writing, notifications.
//
// It keeps nothing and decides nothing: it asks the slices, through the interfaces below, and draws what they answer (package card). Every
// page works without script. With it, lists read on by themselves, buttons turn at once, and what others do meanwhile shows (live.go).
//
// People see profiles at /@anna and statuses at /@anna/123. Patterns of routes know only whole segments, so Paths turns these addresses
// into /@/anna and /@/anna/123, which are registered here.
package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/realtime"
	"github.com/stoa-town/stoa/internal/social/web/frame"
)

// Profiles are people, restaurants and groups as everybody sees them.
type Profiles interface {
	// Entities returns profiles by id; those that are not there are left out.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	Entity(ctx context.Context, profile id.ID) (*social.Account, error)
	// Resolve returns whose "anna", "@anna" or "anna@this.host" is.
	Resolve(ctx context.Context, acct string) (id.ID, error)
	Defaults(ctx context.Context, profile id.ID) (social.Defaults, error)
}

// Graph is what is between people.
type Graph interface {
	// Relations returns the reader's relations; for reader 0 those of a stranger.
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
	// Relationships returns what is between the viewer and each of the accounts.
	Relationships(ctx context.Context, viewer id.ID, accounts []id.ID) ([]social.Relationship, error)
	// Tie does to somebody what one of the deeds says.
	Tie(ctx context.Context, actor access.Actor, deed Deed, whom id.ID) error
	// Around returns a page of who follows whom, who is blocked and so on, newest first, and where the next page begins, 0 at the end.
	Around(ctx context.Context, viewer, whom id.ID, circle Circle, before id.ID, limit int) (ids []id.ID, older id.ID, err error)
}

// Deed is what one does to an account.
type Deed string

// The deeds.
const (
	Follow       Deed = "follow"
	Unfollow     Deed = "unfollow"
	FollowQuiet  Deed = "hide-boosts"
	FollowBoosts Deed = "show-boosts"
	Notify       Deed = "notify"
	NotifyNot    Deed = "notify-not"
	Mute         Deed = "mute"
	Unmute       Deed = "unmute"
	Block        Deed = "block"
	Unblock      Deed = "unblock"
	Drop         Deed = "drop" // one's follower
	Accept       Deed = "accept"
	Reject       Deed = "reject"
)

// Circle is a set of accounts around one.
type Circle string

// The circles. Requests, Blocked and Muted are one's own to see.
const (
	Followers Circle = "followers"
	Following Circle = "following"
	Requests  Circle = "requests"
	Blocked   Circle = "blocked"
	Muted     Circle = "muted"
)

// Statuses are posts, each as a reader sees it; what the reader may not read is left out.
type Statuses interface {
	Heads(ctx context.Context, ids []id.ID) ([]social.Head, error)
	// Statuses returns statuses in the order asked. where is the place that filters look at: home, public, thread, account, notifications.
	Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error)
	// Context returns what a status answers, the first of the conversation first, and what was answered, each answer before its own.
	Context(ctx context.Context, actor access.Actor, status id.ID) (above, answers []id.ID, err error)
	// Fans returns who has boosted or favourited a status, newest first, and where the next page begins, 0 at the end.
	Fans(ctx context.Context, actor access.Actor, status id.ID, boosts bool, before id.ID, limit int) (ids []id.ID, older id.ID, err error)
	// Versions returns what a status was, the first first, the last as it is now.
	Versions(ctx context.Context, actor access.Actor, status id.ID) ([]Version, error)
}

// Version is what a status once was.
type Version struct {
	At      time.Time
	Spoiler string
	Content string // safe HTML
}

// Posts is what one does with statuses.
type Posts interface {
	Post(ctx context.Context, actor access.Actor, d Draft) (id.ID, error)
	// Later keeps a post until its time.
	Later(ctx context.Context, actor access.Actor, d Draft, at time.Time) error
	Edit(ctx context.Context, actor access.Actor, status id.ID, d Draft) error
	// Source returns a status of one's own as it was typed.
	Source(ctx context.Context, actor access.Actor, status id.ID) (Draft, error)
	Delete(ctx context.Context, actor access.Actor, status id.ID) error
	Mark(ctx context.Context, actor access.Actor, status id.ID, mark social.Mark, on bool) error
	Boost(ctx context.Context, actor access.Actor, status id.ID, on bool) error
	Vote(ctx context.Context, actor access.Actor, poll id.ID, choices []int) error
}

// Draft is what somebody has typed.
type Draft struct {
	As         id.ID
	Text       string
	Warning    string
	Sensitive  bool
	Visibility social.Visibility
	Replies    string // who may answer
	Lang       string
	ReplyTo    id.ID
	QuoteOf    id.ID
	Group      id.ID
	Media      []Medium
	Options    []string // of a poll
	OpenFor    time.Duration
	Multiple   bool
	Kind       string // of the card: dish, restaurant, event
	Thing      id.ID
	Key        string // sent twice, it is posted once
}

// Medium is a file of a draft.
type Medium struct {
	ID  id.ID
	Alt string
}

// Feed names a list of statuses.
type Feed struct {
	Kind string // home, town, world, profile, tag, list, group, bookmarks, favourites
	Of   id.ID  // whose, or which list or group
	Tag  string
	Part string // of a profile: "" posts, replies, media, pinned
}

// Feeds are lists of statuses.
type Feeds interface {
	// Feed returns up to limit ids, newest first, of those older than before and newer than since, where these are not 0, and where the next
	// page begins, 0 at the end.
	Feed(ctx context.Context, rel *social.Relations, f Feed, before, since id.ID, limit int) (ids []id.ID, older id.ID, err error)
}

// Deps are what the pages need. What may be nil says so: its pages are then left out.
type Deps struct {
	Now      clock.Func
	URL      func() string // address of the server, without a slash at its end
	Zone     *time.Location
	MaxText  func() int // characters of a post
	Hub      *realtime.Hub
	Log      *events.Log
	Profiles Profiles
	Graph    Graph
	Statuses Statuses
	Posts    Posts
	Feeds    Feeds
	Parts
}

// Parts are what a page can do without: nil leaves out what needs it.
type Parts struct {
	Notices    Notices
	Talks      Talks
	Search     Search
	Picks      Picks
	Lists      Lists
	Groups     Groups
	Happenings Happenings
	Desk       Desk
	Town       Town
	Tags       Tags
	Translator Translator
}

// Pages serves the pages. Safe for concurrent use.
type Pages struct {
	Deps
	*frame.Frame
	live *live
}

// New returns the pages.
func New(d Deps) *Pages {
	p := &Pages{Deps: d}
	p.Frame = &frame.Frame{Address: d.URL, TZ: d.Zone, Has: p.has, Beside: p.talkedAbout}
	if d.Translator != nil {
		p.Translates = d.Translator.On
	}
	p.live = newLive(p)
	return p
}

// has reports whether there are pages of a section.
func (p *Pages) has(href string) bool {
	switch href {
	case "/notifications":
		return p.Notices != nil
	case "/conversations":
		return p.Talks != nil
	case "/search":
		return p.Search != nil
	case "/lists":
		return p.Lists != nil
	case "/groups":
		return p.Groups != nil
	case "/events":
		return p.Happenings != nil
	}
	return true
}

// React has pages that are open hear of what happens.
func (p *Pages) React() { p.live.react() }

// Run tells open pages of what happens until ctx ends.
func (p *Pages) Run(ctx context.Context) error { return p.live.run(ctx) }

// Routes registers every page.
func (p *Pages) Routes(rt *httpx.Router) {
	reader, signed, writer := httpx.GuestOr("status.read"), httpx.May("status.read"), httpx.May("status.write")
	rt.Page("GET /home", signed, p.home)
	rt.Page("GET /home/news", signed, p.homeNews)
	rt.Page("GET /home/newer", signed, p.homeNewer)
	rt.Page("GET /town", reader, p.town)
	rt.Page("GET /town/news", reader, p.townNews)
	rt.Page("GET /town/newer", reader, p.townNewer)
	rt.Page("GET /tags/{tag}", reader, p.tag)
	rt.Page("GET /bookmarks", httpx.May("bookmark.read"), p.bookmarks)
	rt.Page("GET /favourites", httpx.May("favourite.read"), p.favourites)
	rt.Page("GET /@/{handle}", httpx.GuestOr("profile.read"), p.profile)
	rt.Page("GET /@/{handle}/followers", httpx.GuestOr("profile.read"), p.followers)
	rt.Page("GET /@/{handle}/following", httpx.GuestOr("profile.read"), p.following)
	rt.Page("GET /@/{handle}/menu", signed, p.profileMenu)
	rt.Page("POST /@/{handle}/{deed}", httpx.May("follow.write"), p.tie)
	rt.Page("GET /@/{handle}/{id}", reader, p.thread)
	rt.Page("GET /@/{handle}/{id}/live", reader, p.threadLive)
	rt.Page("GET /follow-requests", httpx.May("follow.read"), p.requests)
	rt.Page("GET /people/blocked", httpx.May("block.read"), p.blocked)
	rt.Page("GET /people/muted", httpx.May("mute.read"), p.muted)
	rt.Page("GET /statuses/{id}/card", reader, p.card)
	rt.Page("GET /statuses/{id}/menu", reader, p.statusMenu)
	rt.Page("GET /statuses/{id}/boosts", reader, p.boosts)
	rt.Page("GET /statuses/{id}/favourites", reader, p.fans)
	rt.Page("GET /statuses/{id}/history", reader, p.history)
	rt.Page("POST /statuses/{id}/favourite", httpx.May("favourite.write"), p.favourite)
	rt.Page("POST /statuses/{id}/bookmark", httpx.May("bookmark.write"), p.bookmark)
	rt.Page("POST /statuses/{id}/boost", writer, p.boost)
	rt.Page("POST /statuses/{id}/pin", writer, p.pin)
	rt.Page("POST /statuses/{id}/mute", httpx.May("mute.write"), p.muteTalk)
	rt.Page("POST /statuses/{id}/vote", writer, p.vote)
	rt.Page("POST /statuses/{id}/delete", writer, p.remove)
	rt.Page("GET /compose", writer, p.compose)
	rt.Page("POST /compose", writer, p.send)
	if p.Picks != nil {
		rt.Page("GET /compose/pick", writer, p.pick)
	}
	if p.Notices != nil {
		rt.Page("GET /notifications", httpx.May("notification.read"), p.notifications)
		rt.Page("GET /notifications/live", httpx.May("notification.read"), p.noticesLive)
		rt.Page("POST /notifications/clear", httpx.May("notification.write"), p.clearNotices)
	}
	if p.Talks != nil {
		rt.Page("GET /conversations", signed, p.conversations)
	}
	if p.Search != nil {
		rt.Page("GET /search", httpx.GuestOr("search.read"), p.search)
	}
	if p.Lists != nil {
		rt.Page("GET /lists/{id}", httpx.May("list.read"), p.list)
	}
	if p.Groups != nil {
		p.groupRoutes(rt)
	}
	if p.Happenings != nil {
		p.eventRoutes(rt)
	}
	if p.Translator != nil {
		rt.Page("GET /statuses/{id}/translation", signed, p.translation)
	}
	if p.Tags != nil {
		rt.Page("POST /tags/{tag}/follow", httpx.May("follow.write"), p.followTag)
	}
}

// Paths turns the addresses that people see, /@anna and /@anna/123, into those that the routes know, /@/anna and /@/anna/123. The page keeps
// the address that was asked for in its Chrome.
func Paths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/@"); ok && rest != "" && rest[0] != '/' {
			to := r.Clone(r.Context())
			to.URL.Path, to.URL.RawPath = "/@/"+rest, ""
			next.ServeHTTP(w, to)
			return
		}
		next.ServeHTTP(w, r)
	})
}

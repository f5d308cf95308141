// Package stream tells apps what happens while it happens, as Mastodon's do: by WebSocket, many streams on one connection, or by Server-Sent
// Events, one stream each (docs.joinmastodon.org/methods/streaming).
//
// Each node reads the event log and asks, for each account that listens there, what its timelines ask: is this at home, may it be read, is
// it muted, is it filtered. A status is rendered once for all whose eyes see the same of it, and encoded once for each form of connection.
// Who does not keep up is cut off and comes back. A connection ends when its session or token does, and when something about its account
// has changed: it is asked for its rights again when it comes back.
package stream

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Statuses shows statuses.
type Statuses interface {
	// JSON returns statuses as the API shows them to a reader; what they may not read, and what their filters hide in the place where, is
	// left out.
	JSON(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]json.RawMessage, error)
}

// Graph knows what readers' eyes depend on.
type Graph interface {
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
}

// Lists are the lists in which people sort whom they follow.
type Lists interface {
	// List returns one of the owner's lists with its members, or a NotFound error.
	List(ctx context.Context, owner, list id.ID) (*social.List, error)
}

// Filters knows who has filters.
type Filters interface {
	// For returns what matches the reader's filters, or nil for a reader who has none.
	For(ctx context.Context, reader id.ID) (social.Matcher, error)
}

// Others show what streams tell of beside statuses.
type Others interface {
	// Notification returns a notification of the account's as the API shows it, or a NotFound error.
	Notification(ctx context.Context, account, notification id.ID) (json.RawMessage, error)
	// Conversation does the same for a conversation.
	Conversation(ctx context.Context, account, conversation id.ID) (json.RawMessage, error)
	// Announcement does the same for an announcement, for everybody.
	Announcement(ctx context.Context, announcement id.ID) (json.RawMessage, error)
}

// Deps are what a Hub needs of others.
type Deps struct {
	Now      clock.Func
	Log      *events.Log
	Statuses Statuses
	Graph    Graph
	Lists    Lists
	Filters  Filters
	Others   Others // nil: streams tell of statuses alone
}

// Options change a Hub's defaults.
type Options struct {
	Most int           // connections of the process; 0: 20,000
	Beat time.Duration // between two signs of life; 0: 20 s
}

// topic is what a client listens to.
type topic struct {
	kind string // one of kinds
	tag  string // folded
	list id.ID
	name string // as the client calls it: the value of "stream" in messages, as JSON
}

// kinds are the streams there are, and whether one has to be signed in.
var kinds = map[string]bool{
	"user": true, "user:notification": true, "direct": true, "list": true,
	"public": false, "public:media": false, "public:local": false, "public:local:media": false, "public:remote": false, "public:remote:media": false,
	"hashtag": false, "hashtag:local": false,
}

// topicOf reads what a client wants to listen to, or says why it may not.
func (h *Hub) topicOf(ctx context.Context, actor access.Actor, kind, tag, list string) (topic, error) {
	t := topic{kind: kind}
	signedIn, known := kinds[kind]
	name := []string{kind}
	switch {
	case !known:
		return t, errs.New(errs.NotFound, "Unknown stream type")
	case signedIn && !actor.SignedIn():
		return t, errs.New(errs.Unauthenticated, "Please sign in first.")
	case strings.HasPrefix(kind, "hashtag"):
		if t.tag = text.Fold(strings.TrimPrefix(strings.TrimSpace(tag), "#")); t.tag == "" {
			return t, errs.InvalidField("tag", "Missing tag name parameter")
		}
		name = append(name, tag)
	case kind == "list":
		var err error
		if t.list, err = id.Parse(list); err != nil {
			return t, errs.InvalidField("list", "Missing list name parameter")
		}
		if _, err = h.Lists.List(ctx, actor.ID, t.list); err != nil {
			return t, err
		}
		name = append(name, list)
	}
	if actor.SignedIn() {
		verb := "status.read"
		if kind == "user:notification" {
			verb = "notification.read"
		}
		if err := access.Could(actor, verb); err != nil {
			return t, err
		}
	}
	b, err := json.Marshal(name)
	t.name = string(b)
	return t, err
}

// public reports whether the topic shows statuses of everybody.
func (t *topic) public() bool {
	return strings.HasPrefix(t.kind, "public") || strings.HasPrefix(t.kind, "hashtag")
}

// has reports whether a status is of the kind that the topic shows, to somebody.
func (t *topic) has(h *social.Head) bool {
	switch t.kind {
	case "hashtag", "hashtag:local":
		return (h.Visibility == social.Public || h.Visibility == social.Town) && h.BoostOf == 0 && slices.Contains(h.Tags, t.tag)
	case "public", "public:media", "public:local", "public:local:media":
		local := strings.HasPrefix(t.kind, "public:local")
		return h.InPublic() && (local || h.Visibility == social.Public) && (h.Media || !strings.HasSuffix(t.kind, ":media"))
	}
	return false // nothing comes from other servers
}

// message is something to tell, encoded once for each form in which somebody hears it.
type message struct {
	seq   int64
	event string
	data  []byte // JSON, or a plain word; nil: there is nothing to say beside the event
	ws    map[string][]byte
	sse   []byte
	text  []byte // data as a JSON string
}

// forWS returns the message for a WebSocket, in the stream called name.
func (m *message) forWS(name string) []byte {
	if b := m.ws[name]; b != nil {
		return b
	}
	if m.text == nil && m.data != nil {
		m.text = quoted(m.data)
	}
	b := make([]byte, 0, len(m.text)+len(name)+64)
	b = append(append(append(b, `{"stream":`...), name...), `,"event":"`...)
	b = append(append(b, m.event...), '"')
	if m.data != nil {
		b = append(append(b, `,"payload":`...), m.text...)
	}
	b = append(b, '}')
	if m.ws == nil {
		m.ws = map[string][]byte{}
	}
	m.ws[name] = b
	return b
}

// forSSE returns the message for a stream of events.
func (m *message) forSSE() []byte {
	if m.sse == nil {
		b := make([]byte, 0, len(m.data)+64)
		if m.seq > 0 {
			b = append(strconv.AppendInt(append(b, "id: "...), m.seq, 10), '\n')
		}
		b = append(append(append(b, "event: "...), m.event...), "\ndata: "...)
		if m.data == nil {
			b = append(b, "{}"...)
		}
		m.sse = append(append(b, m.data...), "\n\n"...)
	}
	return m.sse
}

// quoted returns JSON as a JSON string.
func quoted(data []byte) []byte {
	b := make([]byte, 0, len(data)+len(data)/8+2)
	b = append(b, '"')
	for _, c := range data {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// Package instance is what the server says about itself: to apps of Mastodon, to other servers (NodeInfo, WebFinger), and to pages that show
// a post of it (oEmbed). What it says is put together once and kept for some seconds.
package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// What apps take the server for: they look at the version to know what it can do.
const (
	Compatible = "4.5.0" // the version of Mastodon whose API is served
	APIVersion = 7       // Mastodon's number for it
	Software   = "stoa"
	Source     = "https://github.com/stoa-town/stoa"
)

// Profiles is what is asked of profiles.
type Profiles interface {
	// Resolve returns the profile named "anna" or "anna@this.host", or a NotFound error.
	Resolve(ctx context.Context, acct string) (id.ID, error)
	// Entity returns an account as everybody sees it, or a NotFound error.
	Entity(ctx context.Context, profile id.ID) (*social.Account, error)
}

// Statuses is what is asked of statuses.
type Statuses interface {
	// Statuses returns those of the statuses that a reader may read.
	Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error)
}

// Limits are what apps are told about posts, files, polls and profiles.
type Limits struct {
	Characters           func() int
	Attachments, Link    int
	Options, OptionChars int
	MinExpiry, MaxExpiry time.Duration
	FeaturedTags, Pins   int
	Fields               int
	FieldName, Field     int
	Name, Note           int
	Picture, Film        int64 // bytes
	Pixels, FilmPixels   int
	Rate, Description    int
	Types                []string
}

// Deps are what a Service needs. The functions may be nil where there is nothing to tell.
type Deps struct {
	DB       *db.DB
	Log      *events.Log
	Files    *files.Dir
	Now      clock.Func
	URL      func() string // the address of the server, without a slash at its end
	Config   func() *config.Config
	Version  string
	Limits   Limits
	Profiles Profiles
	Statuses Statuses
	Contact  func(ctx context.Context) (id.ID, error)                    // an admin's profile, 0 for none
	Seen     func(ctx context.Context, since time.Time) ([]id.ID, error) // accounts that were here
	Push     func(ctx context.Context) (string, error)                   // the key of Web Push
	Policy   func(ctx context.Context) []personal.About                  // what is stored of people
	Peers    func(ctx context.Context) ([]string, error)                 // other servers that are known
	Blocks   func(ctx context.Context) ([]Block, error)                  // other servers that are kept out, for everybody to read
}

// Block is a server that is kept out.
type Block struct {
	Domain   string `json:"domain"`
	Digest   string `json:"digest"`   // SHA-256 of the domain, as hexadecimal digits
	Severity string `json:"severity"` // silence or suspend
	Comment  string `json:"comment"`
}

// Service tells about the server. Safe for concurrent use.
type Service struct {
	Deps
	docs     atomic.Pointer[documents]
	building sync.Mutex
	boot     time.Time
}

// New returns a Service.
func New(d Deps) *Service { return &Service{Deps: d, boot: d.Now()} }

// keep is how long documents are kept.
const keep = 15 * time.Second

// documents are what is told, as it is sent.
type documents struct {
	of   *config.Config
	base string
	at   time.Time

	v1, v2, rules, activity, policy, about, blocks, peers, languages []byte
	terms                                                            []byte // nil: there are none
	nodes, node20, node21                                            []byte
}

// fresh reports whether the documents say what is so now.
func (d *documents) fresh(conf *config.Config, base string, now time.Time) bool {
	age := now.Sub(d.at)
	return d.of == conf && d.base == base && age >= 0 && age < keep
}

// current returns the documents, made anew where they are old. While one request makes them others get the old ones.
func (s *Service) current(ctx context.Context) (*documents, error) {
	conf, base, now := s.Config(), s.URL(), s.Now()
	d := s.docs.Load()
	if d != nil && d.fresh(conf, base, now) {
		return d, nil
	}
	if d != nil && d.of == conf && d.base == base {
		if !s.building.TryLock() {
			return d, nil
		}
	} else {
		s.building.Lock()
	}
	defer s.building.Unlock()
	if d = s.docs.Load(); d != nil && d.fresh(conf, base, now) {
		return d, nil
	}
	// Whoever asked may be gone before it is done, and others wait for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	d, err := s.build(ctx, conf, base)
	if err != nil {
		return nil, fmt.Errorf("instance: tell about the server: %w", err)
	}
	d.at = s.Now()
	s.docs.Store(d)
	return d, nil
}

// object is a JSON object.
type object = map[string]any

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // objects of texts and numbers always encode
	}
	return b
}

// domain returns the host of an address, with its port where it has one.
func domain(base string) string {
	_, host, _ := strings.Cut(base, "://")
	return host
}

// streaming returns where streams are opened.
func streaming(base string) string {
	if rest, ok := strings.CutPrefix(base, "https://"); ok {
		return "wss://" + rest
	}
	return "ws://" + domain(base)
}

// paragraphs splits rules at empty lines.
func paragraphs(text string) []string {
	var out []string
	for _, p := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

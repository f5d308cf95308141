// Package emoji keeps the town's own emoji: small pictures that are written as :name: in posts. Admins add and remove them.
package emoji

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
)

// Limits of emoji.
const (
	MaxBytes    = 512 << 10 // of the picture that is sent
	MaxCategory = 60        // characters
	MaxEmoji    = 2000      // in a town
	side        = 128       // pixels that are kept
)

var shortcodes = regexp.MustCompile(`^[a-zA-Z0-9_]{2,64}$`)

var (
	errMissing   = errs.New(errs.NotFound, "There is no such emoji.")
	errShortcode = errs.InvalidField("shortcode", "A name has 2 to 64 of these: a to z, A to Z, 0 to 9 and _.")
)

// Deps are what a Service needs.
type Deps struct {
	DB     *db.DB
	Log    *events.Log
	Files  *files.Dir
	Now    clock.Func
	URL    func() string // the address of the server, without a slash at its end
	Unlink func(ctx context.Context, tx *db.Tx, paths []string) error
}

// Service keeps emoji, all of them in memory. Safe for concurrent use.
type Service struct {
	Deps
	mu     sync.Mutex
	known  *snapshot
	change uint64 // how often known was forgotten
}

// snapshot is all emoji as they were read. Nobody changes it.
type snapshot struct {
	byCode map[string]social.Emoji
	list   []byte // those that people may choose, as the API shows them
	base   string
}

// New returns a Service. React has to be called before the log runs.
func New(d Deps) *Service { return &Service{Deps: d} }

// React has this node read its emoji anew when they change on any node.
func (s *Service) React() {
	s.Log.Watch(func(list []events.Event) {
		for _, e := range list {
			if e.Kind == social.KindEmojiChanged {
				s.forget()
				return
			}
		}
	})
}

func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.change = nil, s.change+1
}

// all returns every emoji, from memory where nothing has changed.
func (s *Service) all(ctx context.Context) (*snapshot, error) {
	base := s.URL()
	s.mu.Lock()
	known, change := s.known, s.change
	s.mu.Unlock()
	if known != nil && known.base == base {
		return known, nil
	}
	var rows []row
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = load(ctx, tx)
		return err
	}); err != nil {
		return nil, fmt.Errorf("emoji: read them: %w", err)
	}
	out := &snapshot{byCode: make(map[string]social.Emoji, len(rows)), base: base}
	shown := []social.Emoji{}
	for _, r := range rows {
		e := r.entity(base)
		out.byCode[e.Shortcode] = e
		if e.Visible {
			shown = append(shown, e)
		}
	}
	var err error
	if out.list, err = json.Marshal(shown); err != nil {
		return nil, fmt.Errorf("emoji: encode them: %w", err)
	}
	s.mu.Lock()
	if s.change == change { // nothing changed while they were read
		s.known = out
	}
	s.mu.Unlock()
	return out, nil
}

// Named returns those of the names that there are.
func (s *Service) Named(ctx context.Context, names []string) ([]social.Emoji, error) {
	known, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	var out []social.Emoji
	for _, n := range names {
		if e, ok := known.byCode[n]; ok {
			out = append(out, e)
		}
	}
	return out, nil
}

// Input is what an admin says of an emoji.
type Input struct {
	Category string
	Hidden   bool // not in the list that people choose from
}

func (in *Input) check() error {
	in.Category = strings.TrimSpace(in.Category)
	if len([]rune(in.Category)) > MaxCategory {
		return errs.InvalidField("category", "A category has at most %d characters.", MaxCategory)
	}
	return nil
}

// Add adds an emoji. It returns an Invalid error for what is no name or no picture, and a Conflict error where the name is taken.
func (s *Service) Add(ctx context.Context, shortcode string, in Input, picture []byte) (social.Emoji, error) {
	if !shortcodes.MatchString(shortcode) {
		return social.Emoji{}, errShortcode
	}
	if err := in.check(); err != nil {
		return social.Emoji{}, err
	}
	p, err := s.Files.Prepare(ctx, picture, files.Shape{MaxBytes: MaxBytes, Large: side, Small: side, Alpha: true})
	if err != nil {
		return social.Emoji{}, err
	}
	r := row{shortcode: shortcode, path: files.NewPath(p.Ending), category: in.Category, hidden: in.Hidden}
	if err := s.Files.Store(r.path, bytes.NewReader(p.Large)); err != nil {
		return social.Emoji{}, err
	}
	err = s.write(ctx, func(tx *db.Tx) error {
		n, err := count(ctx, tx)
		if err != nil {
			return err
		}
		if n >= MaxEmoji {
			return errs.New(errs.Conflict, "There are %d emoji already: remove some first.", n)
		}
		err = insert(ctx, tx, r, s.Now())
		if db.IsUnique(err) {
			return errs.New(errs.Conflict, "There is an emoji of this name already.")
		}
		return err
	})
	if err != nil {
		_ = s.Files.Remove(r.path) // it is of no use to anybody, and in nobody's way
		return social.Emoji{}, err
	}
	return r.entity(s.URL()), nil
}

// Change changes what is said of an emoji. It returns a NotFound error for one that is not there.
func (s *Service) Change(ctx context.Context, shortcode string, in Input) (out social.Emoji, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	err = s.write(ctx, func(tx *db.Tx) error {
		if ok, err := update(ctx, tx, shortcode, in); err != nil || !ok {
			return missing(err)
		}
		r, err := find(ctx, tx, shortcode)
		out = r.entity(s.URL())
		return err
	})
	return out, err
}

// Remove removes an emoji; in posts its name stands from then on. It returns a NotFound error for one that is not there.
func (s *Service) Remove(ctx context.Context, shortcode string) error {
	return s.write(ctx, func(tx *db.Tx) error {
		path, err := remove(ctx, tx, shortcode)
		if err != nil {
			return missing(err)
		}
		return s.Unlink(ctx, tx, []string{path})
	})
}

// missing returns err, or that there is no such emoji where it says that there is no row, or is nil.
func missing(err error) error {
	if err == nil || isNoRow(err) {
		return errMissing
	}
	return err
}

// write changes emoji and tells all nodes.
func (s *Service) write(ctx context.Context, fn func(tx *db.Tx) error) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), access.From(ctx).ID, social.EmojiChanged{})
	})
	if err == nil {
		s.forget()
	}
	return err
}

// row is an emoji as it is stored.
type row struct {
	shortcode, path, category string
	hidden                    bool
}

func (r row) entity(base string) social.Emoji {
	e := social.Emoji{Shortcode: r.shortcode, URL: base + r.path, StaticURL: base + r.path, Visible: !r.hidden}
	if r.category != "" {
		e.Category = &r.category
	}
	return e
}

// Package settings is what admins change while the server runs: a few settings of stoa.toml, kept in the database with their history, and
// effective on all nodes within a second.
//
// What is set by a flag, in the environment or in stoa.toml stays as it is there: whoever runs the machine has the last word. Then comes what
// an admin set, then the default. Everything else of the server reads Settings.Config each time it needs a value.
package settings

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables setting and setting_change.
//
//go:embed schema/*.sql
var Schema embed.FS

// Bus tells the other nodes that a setting changed.
type Bus interface {
	Publish(topic string, data []byte) error
	Subscribe(topic string, fn func([]byte)) (cancel func(), err error)
}

const (
	topic  = "settings"
	reread = 10 * time.Second // where the news of a change got lost
)

// Deps are what a Settings needs.
type Deps struct {
	DB    *db.DB
	Bus   Bus
	IDs   *id.Source
	Now   clock.Func
	Audit *audit.Audit
	Log   *slog.Logger
}

// Settings are the settings in force. Safe for concurrent use.
type Settings struct {
	Deps
	base  config.Config // as flags, environment and file have it
	live  atomic.Pointer[config.Config]
	mu    sync.Mutex // one reload at a time
	owned atomic.Pointer[map[string]string]
}

// New returns Settings that are those of base until Load.
func New(deps Deps, base config.Config) *Settings {
	s := &Settings{Deps: deps, base: base}
	s.live.Store(&s.base)
	s.owned.Store(&map[string]string{})
	return s
}

// Config returns the settings in force now. Nobody changes what it points to.
func (s *Settings) Config() *config.Config { return s.live.Load() }

// Load reads what admins have set.
func (s *Settings) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stored map[string]string
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		stored, err = values(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("settings: read: %w", err)
	}
	if maps.Equal(stored, *s.owned.Load()) {
		return nil
	}
	cfg := s.apply(stored)
	s.owned.Store(&stored)
	s.live.Store(&cfg)
	return nil
}

// apply lays stored values over the base. One that no longer makes sense, after an update or beside what stoa.toml now says, is left out: it
// must not keep the server from starting.
func (s *Settings) apply(stored map[string]string) config.Config {
	use := s.free(stored)
	for len(use) > 0 {
		cfg, err := config.With(s.base, use)
		if err == nil {
			return cfg
		}
		s.Log.Warn("settings that admins made are left out", "err", err)
		e, ok := errors.AsType[*errs.Error](err)
		before := len(use)
		if ok {
			for _, f := range e.Fields {
				delete(use, f.Path)
			}
		}
		if len(use) == before { // it is about a setting that was not made here
			break
		}
	}
	return s.base
}

// free returns those values that are settings an admin may make, and are not made elsewhere.
func (s *Settings) free(stored map[string]string) map[string]string {
	out := map[string]string{}
	for key, v := range stored {
		if _, ok := find(key); ok && s.base.From[key] == "" {
			out[key] = v
		}
	}
	return out
}

// Run keeps up with changes made on other nodes until ctx ends.
func (s *Settings) Run(ctx context.Context) error {
	news := make(chan struct{}, 1)
	cancel, err := s.Bus.Subscribe(topic, func([]byte) {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return fmt.Errorf("settings: listen: %w", err)
	}
	defer cancel()
	tick := time.NewTicker(reread)
	defer tick.Stop()
	for {
		if err := s.Load(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("settings could not be read", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		case <-tick.C:
		}
	}
}

// Change sets settings, all or none: values as in stoa.toml without quotes, nil for the default. It returns an Invalid error with a field for
// each that is unknown, makes no sense or is set elsewhere. What stays as it was is not noted.
func (s *Settings) Change(ctx context.Context, changes map[string]*string) error {
	if err := s.refuse(changes); err != nil {
		return err
	}
	changed := false
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		changed = false
		stored, err := values(ctx, tx)
		if err != nil {
			return err
		}
		list, err := s.differences(stored, changes)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := s.store(ctx, tx, c); err != nil {
				return err
			}
			changed = true
		}
		return nil
	})
	if err != nil || !changed {
		return err
	}
	if err := s.Bus.Publish(topic, nil); err != nil {
		s.Log.Warn("other nodes hear of a setting later", "err", err)
	}
	return s.Load(ctx)
}

// Check returns the error that Change would return now, and changes nothing.
func (s *Settings) Check(ctx context.Context, changes map[string]*string) error {
	if err := s.refuse(changes); err != nil {
		return err
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		stored, err := values(ctx, tx)
		if err == nil {
			_, err = s.differences(stored, changes)
		}
		return err
	})
}

// refuse returns what is wrong with changes whatever their values are.
func (s *Settings) refuse(changes map[string]*string) error {
	var bad []errs.Field
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		if _, ok := find(key); !ok {
			bad = append(bad, errs.InvalidField(key, "There is no such setting here.").Fields...)
		} else if from := s.base.From[key]; from != "" {
			bad = append(bad, errs.InvalidField(key, "This is set by %s, and can be changed there only.", from).Fields...)
		}
	}
	return errs.InvalidFields(bad)
}

// differences returns the changes that change something, in the order of their keys. It returns an Invalid error where the outcome makes no
// sense.
func (s *Settings) differences(stored map[string]string, changes map[string]*string) ([]change, error) {
	var list []change
	after := maps.Clone(stored)
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		c := change{key: key}
		if v, ok := stored[key]; ok {
			c.was = &v
		}
		if v := changes[key]; v != nil {
			k, _ := find(key)
			tidy, err := k.tidy(*v)
			if err != nil {
				return nil, err
			}
			c.became = &tidy
			after[key] = tidy
		} else {
			delete(after, key)
		}
		if !same(c.was, c.became) {
			list = append(list, c)
		}
	}
	if _, err := config.With(s.base, s.free(after)); err != nil {
		return nil, err
	}
	return list, nil
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// store writes one change, its history and its entry in the audit log.
func (s *Settings) store(ctx context.Context, tx *db.Tx, c change) error {
	actor := access.From(ctx)
	c.id, c.at, c.actor, c.handle = s.IDs.Next(), s.Now(), actor.ID, actor.Handle
	if err := write(ctx, tx, c); err != nil {
		return err
	}
	text := func(v *string) any {
		if v == nil {
			return nil
		}
		return *v
	}
	return s.Audit.Write(ctx, tx, "settings.change", "setting:"+c.key, map[string]any{"was": text(c.was), "became": text(c.became)})
}

// PutBack undoes one change of the history: its setting gets the value that it had before. It returns a NotFound error for an unknown change,
// and what Change returns.
func (s *Settings) PutBack(ctx context.Context, changed id.ID) error {
	var c change
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = one(ctx, tx, changed)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return errs.New(errs.NotFound, "There is no such change of the settings.")
	}
	if err != nil {
		return err
	}
	return s.Change(ctx, map[string]*string{c.key: c.was})
}

// Changed is one change of the history. Was and Became are empty with WasDefault or IsDefault where the default stood.
type Changed struct {
	ID         id.ID     `json:"id"`
	At         time.Time `json:"at"`
	Actor      id.ID     `json:"actor,omitzero"`
	Handle     string    `json:"handle"`
	Key        string    `json:"key"`
	Was        string    `json:"was"`
	Became     string    `json:"became"`
	WasDefault bool      `json:"was_default"`
	IsDefault  bool      `json:"is_default"`
}

// History returns a page of changes, newest first; of one setting where key is not empty.
func (s *Settings) History(ctx context.Context, key, cursor string, limit int) (out page.Page[Changed], err error) {
	before, _, err := page.Decode[int64](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := history(ctx, tx, key, before, limit+1)
		if err != nil {
			return err
		}
		shown := make([]Changed, len(rows))
		for i, c := range rows {
			shown[i] = Changed{ID: c.id, At: c.at, Actor: c.actor, Handle: c.handle, Key: c.key, WasDefault: c.was == nil, IsDefault: c.became == nil}
			shown[i].Was, shown[i].Became = s.shown(c.key, c.was), s.shown(c.key, c.became)
		}
		out = page.Cut(shown, limit, func(c Changed) int64 { return int64(c.ID) })
		return nil
	})
	return out, err
}

// shown returns a stored value, or the default where there is none.
func (s *Settings) shown(key string, v *string) string {
	if v != nil {
		return *v
	}
	text, _ := config.Text(s.base, key)
	return text
}

// tidy brings a value into its one form.
func (k Key) tidy(v string) (string, error) {
	v = strings.ReplaceAll(v, "\r\n", "\n")
	if k.Kind != LongText {
		v = strings.TrimSpace(v)
	}
	if !printable(v) || len([]rune(v)) > maxValue {
		return "", errs.InvalidField(k.Name, "Write at most %d characters, all of them printable.", maxValue)
	}
	if k.Most > k.Least {
		return v, k.within(v)
	}
	return v, nil
}

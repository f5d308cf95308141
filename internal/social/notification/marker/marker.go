// Package marker keeps how far people have read: their home timeline, and their notifications.
package marker

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/cache"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

// Schema holds the table.
//
//go:embed schema/*.sql
var Schema embed.FS

// The timelines that have a marker.
const (
	Home          = "home"
	Notifications = "notifications"
)

// Marker is how far somebody has read.
type Marker struct {
	LastRead  id.ID       `json:"last_read_id"`
	Version   int64       `json:"version"`
	UpdatedAt social.Time `json:"updated_at"`
}

// Service keeps markers. Safe for concurrent use.
type Service struct {
	db    *db.DB
	log   *events.Log
	now   clock.Func
	known *cache.Cache[id.ID, map[string]Marker]
}

// New returns a Service. Call React once.
func New(d *db.DB, log *events.Log, now clock.Func) *Service {
	return &Service{db: d, log: log, now: now, known: cache.New[id.ID, map[string]Marker](4000)}
}

// React has this node hear of markers that others moved.
func (s *Service) React() {
	s.log.Watch(func(list []events.Event) {
		for _, e := range list {
			var c social.NoticesChanged
			if e.Kind == social.KindNoticesChanged && json.Unmarshal(e.Data, &c) == nil && c.What == "read" {
				s.known.Drop(c.To)
			}
		}
	})
}

// Of returns an account's markers, by timeline. It is shared: nobody changes it.
func (s *Service) Of(ctx context.Context, account id.ID) (map[string]Marker, error) {
	if m, ok, _ := s.known.Get(account); ok {
		return m, nil
	}
	_, _, mark := s.known.Get(account)
	var out map[string]Marker
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		out, err = list(ctx, tx, account)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("marker: read: %w", err)
	}
	s.known.Put(account, out, mark)
	return out, nil
}

// LastRead returns the newest notification that an account has read, 0 for none.
func (s *Service) LastRead(ctx context.Context, account id.ID) (id.ID, error) {
	m, err := s.Of(ctx, account)
	return m[Notifications].LastRead, err
}

var errConflict = errs.New(errs.Conflict, "Conflict during update, please try again")

// Move sets markers of an account, by timeline, and returns them. It returns a Conflict error where another request moved one meanwhile.
func (s *Service) Move(ctx context.Context, account id.ID, to map[string]id.ID) (map[string]Marker, error) {
	out := map[string]Marker{}
	now := s.now()
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		clear(out)
		for timeline, at := range to {
			m, err := move(ctx, tx, account, timeline, at, now)
			if errors.Is(err, db.ErrNoRow) || db.IsUnique(err) {
				return errConflict
			}
			if err != nil {
				return fmt.Errorf("marker: move %s: %w", timeline, err)
			}
			out[timeline] = m
		}
		tx.AfterCommit(func() { s.known.Drop(account) })
		return s.log.Append(ctx, tx, now, account, social.NoticesChanged{To: account, What: "read"})
	})
	return out, err
}

// Routes registers the API.
func (s *Service) Routes(rt *httpx.Router) {
	mastodon.Handle(rt, "GET /api/v1/markers", httpx.May("status.read"), func(r *mastodon.Request) (any, error) {
		var in struct {
			Timeline []string `json:"timeline"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		all, err := s.Of(r.Context(), r.Actor().ID)
		out := map[string]Marker{}
		for _, t := range in.Timeline {
			if m, ok := all[t]; ok {
				out[t] = m
			}
		}
		return out, err
	})
	mastodon.Handle(rt, "POST /api/v1/markers", httpx.May("status.write"), func(r *mastodon.Request) (any, error) {
		type place struct {
			LastRead id.ID `json:"last_read_id"`
		}
		var in struct {
			Home          *place `json:"home"`
			Notifications *place `json:"notifications"`
		}
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		to := map[string]id.ID{}
		for timeline, p := range map[string]*place{Home: in.Home, Notifications: in.Notifications} {
			if p != nil {
				to[timeline] = p.LastRead
			}
		}
		if len(to) == 0 {
			return map[string]Marker{}, nil
		}
		return s.Move(r.Context(), r.Actor().ID, to)
	})
}

// Erase forgets an account's markers.
func (s *Service) Erase(ctx context.Context, tx *db.Tx, account id.ID) error {
	tx.AfterCommit(func() { s.known.Drop(account) })
	return erase(ctx, tx, account)
}

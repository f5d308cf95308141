// Package conversation shows direct statuses as conversations: each of those in one has it as a row of their own, with what they have read.
package conversation

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// Graph knows who follows whom.
type Graph interface {
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
}

// Profiles knows accounts.
type Profiles interface {
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
}

// Statuses knows posts.
type Statuses interface {
	JSON(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]json.RawMessage, error)
	Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error)
}

// Gate knows whose messages somebody holds back.
type Gate interface {
	// Held reports whether a direct message is kept back by its reader's policy, and whether it is not shown at all.
	Held(ctx context.Context, tx *db.Tx, reader id.ID, h *social.Head) (held, dropped bool, err error)
}

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Log      *events.Log
	IDs      *id.Source
	Now      clock.Func
	Graph    Graph
	Profiles Profiles
	Statuses Statuses
	Gate     Gate
}

// Service keeps conversations. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service. Call React once.
func New(d Deps) *Service { return &Service{d} }

// row is a conversation as it is stored.
type row struct {
	id      id.ID
	account id.ID
	thread  id.ID
	others  []id.ID
	last    id.ID // status
	unread  bool
	held    bool
}

// React has conversations follow what is posted and deleted.
func (s *Service) React() {
	s.Log.Subscribe("conversation", []string{social.KindPosted, social.KindDeleted, social.KindNoticesChanged}, func(ctx context.Context, tx *db.Tx, e events.Event) error {
		switch e.Kind {
		case social.KindPosted:
			var p social.Posted
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return fmt.Errorf("conversation: decode %s: %w", e.Kind, err)
			}
			if p.Visibility == social.Direct {
				return s.posted(ctx, tx, &p.Head)
			}
		case social.KindDeleted:
			var p social.Deleted
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return fmt.Errorf("conversation: decode %s: %w", e.Kind, err)
			}
			if p.Visibility == social.Direct {
				return s.deleted(ctx, tx, p.ID)
			}
		case social.KindNoticesChanged:
			var p social.NoticesChanged
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return fmt.Errorf("conversation: decode %s: %w", e.Kind, err)
			}
			if p.What == "merged" {
				return s.letIn(ctx, tx, p.To, p.From)
			}
		}
		return nil
	})
}

// posted adds a message to the conversation of each of those in it.
func (s *Service) posted(ctx context.Context, tx *db.Tx, h *social.Head) error {
	all := slices.Clone(h.Mentions)
	all = append(all, h.Account)
	slices.Sort(all)
	all = slices.Compact(all)
	for _, whose := range all {
		r := row{id: s.IDs.Next(), account: whose, thread: h.Thread, last: h.ID, unread: whose != h.Account}
		r.others = slices.DeleteFunc(slices.Clone(all), func(i id.ID) bool { return i == whose })
		if whose != h.Account {
			held, dropped, err := s.Gate.Held(ctx, tx, whose, h)
			if err != nil {
				return err
			}
			if dropped {
				continue
			}
			r.held = held
		}
		now, err := add(ctx, tx, &r)
		if err != nil {
			return fmt.Errorf("conversation: add status %d: %w", h.ID, err)
		}
		if now.held {
			continue
		}
		if err := s.tell(ctx, tx, &now, true); err != nil {
			return err
		}
	}
	return nil
}

// tell says that a conversation is not what it was.
func (s *Service) tell(ctx context.Context, tx *db.Tx, r *row, fresh bool) error {
	return s.Log.Append(ctx, tx, s.Now(), 0, social.Talked{To: r.account, Conversation: r.id, Status: r.last, Unread: r.unread, Fresh: fresh})
}

// deleted takes a message out of conversations; one that has no other is gone.
func (s *Service) deleted(ctx context.Context, tx *db.Tx, status id.ID) error {
	from, err := takeOut(ctx, tx, status)
	if err != nil {
		return fmt.Errorf("conversation: take out status %d: %w", status, err)
	}
	for _, c := range from {
		r, err := fallBack(ctx, tx, c)
		if err != nil {
			return fmt.Errorf("conversation: fall back in %d: %w", c, err)
		}
		if r.held || r.id == 0 {
			continue
		}
		if err := s.tell(ctx, tx, &r, false); err != nil {
			return err
		}
	}
	return nil
}

// letIn shows what was held of somebody's messages.
func (s *Service) letIn(ctx context.Context, tx *db.Tx, account, from id.ID) error {
	list, err := release(ctx, tx, account, from)
	if err != nil {
		return fmt.Errorf("conversation: let in: %w", err)
	}
	for i := range list {
		if err := s.tell(ctx, tx, &list[i], true); err != nil {
			return err
		}
	}
	return nil
}

var errNone = errs.New(errs.NotFound, "Record not found")

// Mark says that an account has read a conversation, or has not. It returns a NotFound error for one that is not theirs.
func (s *Service) Mark(ctx context.Context, account, conversation id.ID, unread bool) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := mark(ctx, tx, account, conversation, unread)
		if errors.Is(err, db.ErrNoRow) {
			return errNone
		}
		if err != nil {
			return fmt.Errorf("conversation: mark: %w", err)
		}
		return s.tell(ctx, tx, &r, false)
	})
}

// Seen is Mark for pages: what was read already stays as it is.
func (s *Service) Seen(ctx context.Context, account, conversation id.ID) error {
	r, err := s.get(ctx, account, conversation)
	if err != nil || !r.unread {
		return err
	}
	return s.Mark(ctx, account, conversation, false)
}

// Remove takes a conversation from an account's list; a new message brings it back. It returns a NotFound error for one that is not theirs.
func (s *Service) Remove(ctx context.Context, account, conversation id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := remove(ctx, tx, account, conversation)
		if err != nil {
			return fmt.Errorf("conversation: remove: %w", err)
		}
		if n == 0 {
			return errNone
		}
		return s.tell(ctx, tx, &row{id: conversation, account: account}, false)
	})
}

func (s *Service) get(ctx context.Context, account, conversation id.ID) (r row, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = get(ctx, tx, account, conversation)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return r, errNone
	}
	return r, err
}

// Page returns an account's conversations as pages show them, the one with the newest message first, below that of a status where it is not
// 0; next is where the page after it begins, 0 at the end.
func (s *Service) Page(ctx context.Context, account, below id.ID, limit int) (out []social.Conversation, next id.ID, err error) {
	rows, err := s.list(ctx, account, 0, below, false, limit)
	if err != nil {
		return nil, 0, err
	}
	rel, found, err := s.around(ctx, account, rows)
	if err != nil {
		return nil, 0, err
	}
	last := make([]id.ID, len(rows))
	for i := range rows {
		last[i] = rows[i].last
	}
	statuses, err := s.Statuses.Statuses(ctx, rel, last, "")
	if err != nil {
		return nil, 0, err
	}
	out = make([]social.Conversation, len(rows))
	for i := range rows {
		out[i] = social.Conversation{ID: rows[i].id, Unread: rows[i].unread, Accounts: people(&rows[i], found)}
		if n := slices.IndexFunc(statuses, func(st *social.Status) bool { return st.ID == rows[i].last }); n >= 0 {
			out[i].Last = statuses[n]
		}
	}
	if len(rows) == limit {
		next = rows[limit-1].last
	}
	return out, next, nil
}

// Unread returns how many conversations an account has not read.
func (s *Service) Unread(ctx context.Context, account id.ID) (n int, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		n, err = countUnread(ctx, tx, account)
		return err
	})
	return n, err
}

func (s *Service) list(ctx context.Context, account, above, below id.ID, up bool, limit int) (rows []row, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err = list(ctx, tx, account, above, below, up, limit)
		return err
	})
	if up {
		slices.Reverse(rows)
	}
	return rows, err
}

// around returns what is needed to show conversations: their owner's relations, and everybody in them.
func (s *Service) around(ctx context.Context, account id.ID, rows []row) (*social.Relations, map[id.ID]*social.Account, error) {
	rel, err := s.Graph.Relations(ctx, account)
	if err != nil {
		return nil, nil, err
	}
	all := []id.ID{account}
	for i := range rows {
		all = append(all, rows[i].others...)
	}
	found, err := s.Profiles.Entities(ctx, all)
	return rel, found, err
}

// people returns those whom a conversation is with: its owner alone where it is with nobody else.
func people(r *row, found map[id.ID]*social.Account) []*social.Account {
	out := []*social.Account{}
	for _, i := range r.others {
		if a := found[i]; a != nil {
			out = append(out, a)
		}
	}
	if len(r.others) == 0 && found[r.account] != nil {
		out = append(out, found[r.account])
	}
	return out
}

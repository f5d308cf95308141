package notification

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/cache"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// Graph knows who follows whom.
type Graph interface {
	// Relations returns a reader's relations, a stranger's for 0. They are shared.
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
	// Notifying returns some followers, by id and above after, who want to be told of each post.
	Notifying(ctx context.Context, author, after id.ID, limit int) ([]id.ID, error)
}

// Profiles knows accounts.
type Profiles interface {
	// Entities returns profiles as everybody sees them, by id. They are shared, and others after each change.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	// Standings returns how profiles stand, by id.
	Standings(ctx context.Context, ids []id.ID) (map[id.ID]social.Standing, error)
}

// Statuses knows posts.
type Statuses interface {
	Heads(ctx context.Context, ids []id.ID) ([]social.Head, error)
	// JSON returns statuses as a reader's app is given them, those left out that the reader can't read. Each begins with {"id":"…".
	JSON(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]json.RawMessage, error)
	// Statuses is JSON for pages.
	Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error)
	// Boosters returns who has boosted a status, the newest first, and Quotes which statuses quote it: at most a thousand.
	Boosters(ctx context.Context, status id.ID) ([]id.ID, error)
	Quotes(ctx context.Context, status id.ID) ([]social.Head, error)
	// Muted reports whether a reader has muted the conversation that a status is part of.
	Muted(ctx context.Context, reader id.ID, h *social.Head) (bool, error)
}

// Markers knows how far people have read.
type Markers interface {
	LastRead(ctx context.Context, account id.ID) (id.ID, error)
	Move(ctx context.Context, account id.ID, notification id.ID) error
}

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Log      *events.Log
	Hub      *realtime.Hub
	IDs      *id.Source
	Now      clock.Func
	Graph    Graph
	Profiles Profiles
	Statuses Statuses
	Markers  Markers

	// Shop returns what a restaurant is called, and its word in addresses.
	Shop func(ctx context.Context, restaurant id.ID) (name, slug string, err error)
	// Moderators returns who looks after the town's people, and Staff who works at a restaurant.
	Moderators func(ctx context.Context) ([]id.ID, error)
	Staff      func(ctx context.Context, restaurant id.ID) ([]id.ID, error)
	// Report returns Mastodon's entity of a report for admins, and Warning that of what a moderator did; where nil or nil is returned, the
	// notification goes without.
	Report  func(ctx context.Context, report id.ID) (any, error)
	Warning func(ctx context.Context, strike id.ID) (any, error)
}

// Service keeps notifications. Safe for concurrent use.
type Service struct {
	Deps
	readers  *cache.Cache[id.ID, *newest]
	policies *cache.Cache[id.ID, Policy]
	encoded  *cache.Cache[id.ID, encoded]

	mu   sync.Mutex
	last id.ID // the newest id given
}

// How much is kept in memory: readers with their newest notifications, policies, and accounts as bytes; up to twice as many of each.
const (
	keptReaders  = 1000
	keptPolicies = 5000
	keptAccounts = 3000
)

// New returns a Service. Call React once.
func New(d Deps) *Service {
	return &Service{
		Deps: d, readers: cache.New[id.ID, *newest](keptReaders), policies: cache.New[id.ID, Policy](keptPolicies),
		encoded: cache.New[id.ID, encoded](keptAccounts),
	}
}

// nextID returns a new id: microseconds since 2025, so that it fits into the 53 bits of JavaScript's numbers. Apps read the ids of
// notifications as numbers in push messages and groups.
func (s *Service) nextID() id.ID {
	n := s.IDs.Next()
	small := (n>>22)*1000 + (n&0xfff)%1000
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(small, s.last+1)
	return s.last
}

// draft is a notification before it is decided whether it comes to be.
type draft struct {
	Notification
	direct  bool         // it tells of a direct message
	answers bool         // that answers one of the reader's own
	head    *social.Head // the status that it tells of, where its conversation may be muted
}

// add decides about drafts and stores those that are let in, with their events.
func (s *Service) add(ctx context.Context, tx *db.Tx, drafts []draft) error {
	for i := range drafts {
		d := &drafts[i]
		if d.Account == 0 {
			continue
		}
		if err := s.addOne(ctx, tx, d); err != nil {
			return fmt.Errorf("notification: tell %d of a %s: %w", d.Account, d.Type, err)
		}
	}
	return nil
}

func (s *Service) addOne(ctx context.Context, tx *db.Tx, d *draft) error {
	v, err := s.verdict(ctx, tx, d)
	if err != nil || v == Drop {
		return err
	}
	if once(d.Type) {
		known, err := exists(ctx, tx, &d.Notification)
		if err != nil || known {
			return err
		}
	}
	n := &d.Notification
	n.ID, n.At, n.Held = s.nextID(), s.Now().UTC(), v == Filter
	n.Group = groupOf(n)
	if err := insert(ctx, tx, n); err != nil {
		return err
	}
	if n.Held {
		s.changed(tx, n.Account)
		return noteHeld(ctx, tx, s.nextID(), n)
	}
	s.changed(tx, n.Account)
	return s.Log.Append(ctx, tx, n.At, n.From, social.Notified{To: n.Account, Notification: n.ID, Type: n.Type})
}

// changed has this node read an account's notifications anew once tx is on disk; the others hear of it by the event.
func (s *Service) changed(tx *db.Tx, account id.ID) {
	tx.AfterCommit(func() { s.readers.Drop(account) })
}

// verdict decides what becomes of a draft.
func (s *Service) verdict(ctx context.Context, tx *db.Tx, d *draft) (Verdict, error) {
	rel, err := s.Graph.Relations(ctx, d.Account)
	if err != nil {
		return Drop, err
	}
	a := about{to: rel, from: d.From, direct: d.direct, answers: d.answers, now: s.Now(), kind: d.Type}
	if IsOwn(d.Type) || d.From == d.Account {
		return decide(&a), nil
	}
	standings, err := s.Profiles.Standings(ctx, []id.ID{d.From, d.Account})
	if err != nil {
		return Drop, err
	}
	from, known := standings[d.From]
	to, here := standings[d.Account]
	if !here || to.Suspended || !known || from.Suspended {
		return Drop, nil
	}
	a.limited, a.since = from.Limited, d.From.Time()
	if d.head != nil {
		muted, err := s.Statuses.Muted(ctx, d.Account, d.head)
		if err != nil || muted {
			return Drop, err
		}
	}
	if a.policy, err = s.policy(ctx, d.Account); err != nil {
		return Drop, err
	}
	if a.policy.NotFollowers != Accept {
		theirs, err := s.Graph.Relations(ctx, d.From)
		if err != nil {
			return Drop, err
		}
		_, a.follows = theirs.Follows[d.Account]
	}
	v := decide(&a)
	if v == Accept || v == Drop && !welcome(rel, d.From, a.now) {
		return v, nil
	}
	// Only now what needs a look at the database: an accepted request, or the word of a moderator.
	if a.allowed, err = permitted(ctx, tx, d.Account, d.From); err != nil {
		return Drop, err
	}
	if !a.allowed {
		if a.official, err = s.moderates(ctx, d.From); err != nil {
			return Drop, err
		}
	}
	return decide(&a), nil
}

func (s *Service) moderates(ctx context.Context, account id.ID) (bool, error) {
	list, err := s.Moderators(ctx)
	for _, m := range list {
		if m == account {
			return true, nil
		}
	}
	return false, err
}

// Held returns what becomes of a direct message from somebody: whether the reader's policy keeps it back, in the caller's transaction.
func (s *Service) Held(ctx context.Context, tx *db.Tx, reader id.ID, h *social.Head) (held, dropped bool, err error) {
	v, err := s.verdict(ctx, tx, &draft{
		Notification: Notification{Account: reader, Type: Mention, From: h.Account, Status: h.ID}, direct: true, answers: h.ReplyFrom == reader,
	})
	return v == Filter, v == Drop, err
}

// Policy returns what somebody wants of whom they don't know, with what waits because of it.
func (s *Service) Policy(ctx context.Context, account id.ID) (p Policy, requests, held int, err error) {
	if p, err = s.policy(ctx, account); err != nil {
		return p, 0, 0, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		requests, held, err = pending(ctx, tx, account)
		return err
	})
	return p, requests, held, err
}

func (s *Service) policy(ctx context.Context, account id.ID) (p Policy, err error) {
	p, ok, mark := s.policies.Get(account)
	if ok {
		return p, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		p, err = readPolicy(ctx, tx, account)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("notification: read a policy: %w", err)
	}
	s.policies.Put(account, p, mark)
	return p, nil
}

// SetPolicy changes it, and returns an Invalid error for words that are no verdicts.
func (s *Service) SetPolicy(ctx context.Context, account id.ID, p Policy) error {
	if err := p.check(); err != nil {
		return err
	}
	return s.change(ctx, account, "settings", 0, func(tx *db.Tx) (int64, error) { return 1, writePolicy(ctx, tx, account, p) })
}

// change runs fn, and tells everybody where it changed something.
func (s *Service) change(ctx context.Context, account id.ID, what string, from id.ID, fn func(tx *db.Tx) (int64, error)) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := fn(tx)
		if err != nil || n == 0 {
			return err
		}
		return s.tell(ctx, tx, account, what, from)
	})
	if err != nil && errs.As(err) == nil {
		return fmt.Errorf("notification: change: %w", err)
	}
	return err
}

// tell says that an account's notifications are no longer what they were.
func (s *Service) tell(ctx context.Context, tx *db.Tx, account id.ID, what string, from id.ID) error {
	tx.AfterCommit(func() { s.forget(account) })
	return s.Log.Append(ctx, tx, s.Now(), account, social.NoticesChanged{To: account, What: what, From: from})
}

func (s *Service) forget(account id.ID) {
	s.readers.Drop(account)
	s.policies.Drop(account)
}

var errNone = errs.New(errs.NotFound, "Record not found")

// Get returns one of an account's notifications, or a NotFound error.
func (s *Service) Get(ctx context.Context, account, notification id.ID) (n Notification, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		n, err = get(ctx, tx, account, notification)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return n, errNone
	}
	return n, err
}

// Clear takes all of an account's notifications away, but for those among the requests.
func (s *Service) Clear(ctx context.Context, account id.ID) error {
	return s.change(ctx, account, "removed", 0, func(tx *db.Tx) (int64, error) { return clear(ctx, tx, account) })
}

// Dismiss takes one away, or returns a NotFound error.
func (s *Service) Dismiss(ctx context.Context, account, notification id.ID) error {
	return s.change(ctx, account, "removed", 0, func(tx *db.Tx) (int64, error) {
		n, err := dismiss(ctx, tx, account, notification)
		if err == nil && n == 0 {
			err = errNone
		}
		return n, err
	})
}

// DismissGroup takes all of a group away; it is no error where there is none.
func (s *Service) DismissGroup(ctx context.Context, account id.ID, key string) error {
	return s.change(ctx, account, "removed", 0, func(tx *db.Tx) (int64, error) { return dismissGroup(ctx, tx, account, key) })
}

// MarkRead says that an account has read up to a notification; 0: all that there are. It never goes back.
func (s *Service) MarkRead(ctx context.Context, account, upTo id.ID) error {
	if upTo == 0 {
		known, err := s.newest(ctx, account)
		if err != nil || len(known.rows) == 0 {
			return err
		}
		upTo = known.rows[0].ID
	}
	last, err := s.Markers.LastRead(ctx, account)
	if err != nil || last >= upTo {
		return err
	}
	return s.Markers.Move(ctx, account, upTo)
}

// keptFor is how long notifications are kept.
const keptFor = 180 * 24 * time.Hour

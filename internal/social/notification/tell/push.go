package tell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	contract "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/push"
	"github.com/stoa-town/stoa/internal/social/notification"
)

// The policies of a subscription: of whom it is told.
const (
	fromAll      = "all"
	fromFollowed = "followed" // by the subscriber
	fromFollower = "follower" // of the subscriber
	fromNone     = "none"
)

// pushKind is the kind of the job that sends a message, pushTries how often it is tried (over some three hours), keptFor how long a push
// service keeps it for a phone that is off, and after which it is not sent any more.
const (
	pushKind  = "notification.push"
	pushTries = 9
	keptFor   = 48 * time.Hour
)

// task names what is sent where.
type task struct {
	Subscription id.ID `json:"subscription"`
	Notification id.ID `json:"notification"`
}

// React has messages and letters follow notifications, and subscriptions end with their sessions.
func (s *Service) React() {
	s.Log.Subscribe("notification.tell", []string{social.KindNotified, contract.KindSessionEnded, contract.KindErased}, s.handle)
	s.Jobs.Handle(pushKind, s.sendPush)
	s.letterJobs()
}

func (s *Service) handle(ctx context.Context, tx *db.Tx, e events.Event) error {
	switch e.Kind {
	case social.KindNotified:
		var n social.Notified
		if err := json.Unmarshal(e.Data, &n); err != nil {
			return fmt.Errorf("tell: decode %s: %w", e.Kind, err)
		}
		return s.enqueue(ctx, tx, n)
	case contract.KindSessionEnded:
		var ended contract.SessionEnded
		if err := json.Unmarshal(e.Data, &ended); err != nil {
			return fmt.Errorf("tell: decode %s: %w", e.Kind, err)
		}
		return s.ended(ctx, tx, ended)
	}
	var gone contract.Erased
	if err := json.Unmarshal(e.Data, &gone); err != nil {
		return fmt.Errorf("tell: decode %s: %w", e.Kind, err)
	}
	return s.Push.Drop(ctx, tx, gone.Account, 0)
}

// ended drops what a session was told, or, where several ended at once, all that none is left for.
func (s *Service) ended(ctx context.Context, tx *db.Tx, e contract.SessionEnded) error {
	if e.Session != 0 {
		return s.Push.Drop(ctx, tx, e.Account, e.Session)
	}
	subs, err := s.Push.Of(ctx, tx, e.Account)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		alive, err := s.alive(ctx, e.Account, sub.Session)
		if err != nil {
			return err
		}
		if !alive {
			if err := s.Push.Drop(ctx, tx, e.Account, sub.Session); err != nil {
				return err
			}
		}
	}
	return nil
}

// enqueue has a notification sent to each place that is told of its type.
func (s *Service) enqueue(ctx context.Context, tx *db.Tx, n social.Notified) error {
	subs, err := s.Push.Of(ctx, tx, n.To)
	if err != nil {
		return err
	}
	for i := range subs {
		if !wants(&subs[i], n.Type) {
			continue
		}
		_, err := s.Jobs.Enqueue(ctx, tx, pushKind, task{subs[i].ID, n.Notification}, jobs.Opts{
			MaxAttempts: pushTries, Unique: pushKind + ":" + subs[i].ID.String() + ":" + n.Notification.String(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wants reports whether a subscription is told of a type: by its word, or, for Stoa's own, by "stoa".
func wants(sub *push.Subscription, kind string) bool {
	return sub.Policy != fromNone && (sub.Wants(kind) || notification.IsOwn(kind) && sub.Wants(notification.Own))
}

// message is what a push message says: Mastodon's words, and for Stoa's own pages where to go.
type message struct {
	Token  string `json:"access_token,omitempty"`
	Locale string `json:"preferred_locale"`
	ID     int64  `json:"notification_id"`
	Type   string `json:"notification_type"`
	Icon   string `json:"icon"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	URL    string `json:"url,omitempty"`
	Tag    string `json:"tag,omitempty"` // messages with the same one replace each other
}

// sendPush sends one notification to one place, unless it lost its point meanwhile.
func (s *Service) sendPush(ctx context.Context, j jobs.Job) error {
	var t task
	if err := json.Unmarshal(j.Args, &t); err != nil {
		return jobs.Discard(fmt.Errorf("tell: decode a task: %w", err))
	}
	sub, err := s.Push.ByID(ctx, t.Subscription)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	alive, err := s.alive(ctx, sub.Account, sub.Session)
	if err != nil {
		return err
	}
	if !alive {
		return s.Push.Remove(ctx, sub.ID)
	}
	m, urgent, err := s.message(ctx, sub, t.Notification)
	if err != nil || m == nil {
		return err
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return jobs.Discard(fmt.Errorf("tell: encode a message: %w", err))
	}
	err = s.Push.Send(ctx, sub, push.Message{Plain: plain, TTL: keptFor, Urgent: urgent})
	later, wait := errors.AsType[*push.Later](err)
	switch {
	case errors.Is(err, push.ErrGone):
		return s.Push.Remove(ctx, sub.ID)
	case errors.Is(err, push.ErrRefused):
		return jobs.Discard(err)
	case wait:
		return jobs.Snooze(later.After)
	}
	return err
}

// message returns what a subscription is told of a notification, nil where nothing is to be told any more: it was read or taken back, is
// caught by a filter, from somebody whom the subscription is not to hear of, or old.
func (s *Service) message(ctx context.Context, sub *push.Subscription, which id.ID) (m *message, urgent bool, err error) {
	who, err := s.People.Get(ctx, sub.Account)
	if errs.Is(err, errs.NotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	ctx = i18n.With(ctx, who.Lang)
	e, n, err := s.Notices.Entry(ctx, sub.Account, which)
	if errs.Is(err, errs.NotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	read, err := s.Markers.LastRead(ctx, sub.Account)
	if err != nil || read >= n.ID || s.Now().Sub(n.At) > keptFor {
		return nil, false, err
	}
	if e.Status != nil && len(e.Status.Filtered) > 0 {
		return nil, false, nil
	}
	if ok, err := s.hears(ctx, sub, n); err != nil || !ok {
		return nil, false, err
	}
	m = &message{Token: sub.Token, Locale: i18n.Nearest(who.Lang), ID: int64(n.ID), Type: n.Type, Title: e.Text, Body: e.Detail}
	if len(e.Accounts) > 0 {
		m.Icon = e.Accounts[0].Avatar
	}
	if sub.Token == "" {
		m.URL, m.Tag = e.URL, e.Key
	}
	return m, notification.IsOwn(n.Type) || n.Type == notification.Mention, nil
}

// hears reports whether the subscription is told of whom a notification comes from.
func (s *Service) hears(ctx context.Context, sub *push.Subscription, n *notification.Notification) (bool, error) {
	if sub.Policy == fromAll || n.From == n.Account || notification.IsOwn(n.Type) {
		return true, nil
	}
	from, to := n.Account, n.From
	if sub.Policy == fromFollower {
		from, to = to, from
	}
	rel, err := s.Graph.Relations(ctx, from)
	if err != nil {
		return false, err
	}
	_, follows := rel.Follows[to]
	return follows, nil
}

// subscribe stores where a session is told what.
func (s *Service) subscribe(ctx context.Context, in push.Subscription) (*push.Subscription, error) {
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	return s.Push.Put(ctx, in)
}

func checkPolicy(p string) error {
	if !slices.Contains([]string{fromAll, fromFollowed, fromFollower, fromNone}, p) {
		return errs.InvalidField("data.policy", "Validation failed: choose all, followed, follower or none.")
	}
	return nil
}

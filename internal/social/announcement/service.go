package announcement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Emoji knows the town's own emoji.
type Emoji interface {
	// Named returns those of some names that are there.
	Named(ctx context.Context, names []string) ([]social.Emoji, error)
}

// Deps is what a Service needs.
type Deps struct {
	DB    *db.DB
	Log   *events.Log
	Jobs  *jobs.Queue
	IDs   *id.Source
	Now   clock.Func
	Emoji Emoji
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	Links func(ctx context.Context) markup.Links // where mentions and hashtags lead; nil: nowhere
}

// Service keeps announcements. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service. Call React once.
func New(d Deps) *Service { return &Service{d} }

// publishKind is the kind of the job that tells open pages of an announcement whose time has come.
const publishKind = "announcement.publish"

// React has announcements be told when their time comes.
func (s *Service) React() {
	s.Jobs.Handle(publishKind, func(ctx context.Context, j jobs.Job) error {
		var a id.ID
		if err := json.Unmarshal(j.Args, &a); err != nil {
			return jobs.Discard(fmt.Errorf("announcement: decode a job: %w", err))
		}
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			row, err := get(ctx, tx, a)
			if errors.Is(err, db.ErrNoRow) || err == nil && !row.Shown(s.Now()) {
				return nil // taken back, or put off: there is another job then
			}
			if err != nil {
				return err
			}
			return s.publish(ctx, tx, a)
		})
	})
}

// publish tells open pages of an announcement, once.
func (s *Service) publish(ctx context.Context, tx *db.Tx, announcement id.ID) error {
	fresh, err := tellNow(ctx, tx, announcement)
	if err != nil || !fresh {
		return err
	}
	return s.Log.Append(ctx, tx, s.Now(), 0, social.AnnouncementChanged{Announcement: announcement, What: "published"})
}

var errNone = errs.New(errs.NotFound, "Record not found")

// Save adds an announcement, or changes the one with a.ID, and returns it. It returns an Invalid error with what is wrong, a NotFound error for
// one that is not there, and a Forbidden one for who is no admin.
func (s *Service) Save(ctx context.Context, actor access.Actor, a Announcement) (*Announcement, error) {
	if err := access.Can(actor, "admin.announcements", access.Thing{Kind: "admin"}); err != nil {
		return nil, err
	}
	now, fresh, verb := s.Now().UTC(), a.ID == 0, "announcement.change"
	if a.PublishAt.IsZero() {
		a.PublishAt = now
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	a.UpdatedAt = now
	if fresh {
		a.ID, verb = s.IDs.Next(), "announcement.add"
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.store(ctx, tx, &a, fresh); err != nil {
			return err
		}
		if err := s.Audit(ctx, tx, verb, "announcement:"+a.ID.String(), nil); err != nil {
			return err
		}
		switch {
		case !a.Shown(now):
			_, err := s.Jobs.Enqueue(ctx, tx, publishKind, a.ID, jobs.Opts{RunAt: a.PublishAt})
			return err
		case a.told:
			return s.Log.Append(ctx, tx, now, actor.ID, social.AnnouncementChanged{Announcement: a.ID, What: "changed"})
		}
		return s.publish(ctx, tx, a.ID)
	})
	return &a, err
}

func (s *Service) store(ctx context.Context, tx *db.Tx, a *Announcement, fresh bool) error {
	if fresh {
		return insert(ctx, tx, a)
	}
	old, err := get(ctx, tx, a.ID)
	if errors.Is(err, db.ErrNoRow) {
		return errNone
	}
	if err != nil {
		return err
	}
	a.told = old.told
	return update(ctx, tx, a)
}

// Remove takes an announcement back.
func (s *Service) Remove(ctx context.Context, actor access.Actor, announcement id.ID) error {
	if err := access.Can(actor, "admin.announcements", access.Thing{Kind: "admin"}); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := remove(ctx, tx, announcement)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNone
		}
		if err := s.Audit(ctx, tx, "announcement.remove", "announcement:"+announcement.String(), nil); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), actor.ID, social.AnnouncementChanged{Announcement: announcement, What: "removed"})
	})
}

// maxShown bounds how many are shown at once.
const maxShown = 100

// All returns what admins wrote, the newest first, shown or not.
func (s *Service) All(ctx context.Context) (out []Announcement, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = list(ctx, tx, maxShown)
		return err
	})
	return out, err
}

// Get returns an announcement as admins see it, or a NotFound error.
func (s *Service) Get(ctx context.Context, announcement id.ID) (a Announcement, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		a, err = get(ctx, tx, announcement)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return a, errNone
	}
	return a, err
}

// For returns the announcements that an account sees, the oldest first, those it has put away only where asked for. For account 0 it returns
// what strangers see: all.
func (s *Service) For(ctx context.Context, account id.ID, away bool) ([]social.Announcement, error) {
	var rows []Announcement
	var gone []id.ID
	given := map[id.ID][]reaction{}
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if rows, err = shown(ctx, tx, s.Now(), maxShown); err != nil {
			return err
		}
		if gone, err = dismissed(ctx, tx, account); err != nil {
			return err
		}
		for i := range rows {
			if given[rows[i].ID], err = reactions(ctx, tx, rows[i].ID, account); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("announcement: list: %w", err)
	}
	out := []social.Announcement{}
	for i := range rows {
		a := &rows[i]
		read := slices.Contains(gone, a.ID)
		if read && !away {
			continue
		}
		e, err := s.entity(ctx, a, given[a.ID])
		if err != nil {
			return nil, err
		}
		if account != 0 {
			e.Read = &read
		}
		out = append(out, e)
	}
	return out, nil
}

// One returns an announcement as everybody sees it, or a NotFound error for one that is not shown.
func (s *Service) One(ctx context.Context, announcement id.ID) (social.Announcement, error) {
	var a Announcement
	var given []reaction
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if a, err = get(ctx, tx, announcement); err != nil {
			return err
		}
		given, err = reactions(ctx, tx, announcement, 0)
		return err
	})
	if errors.Is(err, db.ErrNoRow) || err == nil && !a.Shown(s.Now()) {
		return social.Announcement{}, errNone
	}
	if err != nil {
		return social.Announcement{}, fmt.Errorf("announcement: read: %w", err)
	}
	return s.entity(ctx, &a, given)
}

func (s *Service) entity(ctx context.Context, a *Announcement, given []reaction) (social.Announcement, error) {
	var links markup.Links
	if s.Links != nil {
		links = s.Links(ctx)
	}
	names := markup.Shortcodes(a.Text)
	for _, r := range given {
		if !emoji(r.name) {
			names = append(names, r.name)
		}
	}
	own := []social.Emoji{}
	var err error
	if len(names) > 0 {
		if own, err = s.Emoji.Named(ctx, names); err != nil {
			return social.Announcement{}, err
		}
	}
	e := social.Announcement{
		ID: a.ID, Content: markup.HTML(a.Text, links), StartsAt: social.Time{Time: a.StartsAt}, EndsAt: social.Time{Time: a.EndsAt}, AllDay: a.AllDay,
		PublishedAt: social.Time{Time: a.PublishAt}, UpdatedAt: social.Time{Time: a.UpdatedAt},
		Mentions: []social.Mention{}, Statuses: []social.Status{}, Tags: []social.Tag{}, Emojis: own, Reactions: []social.Reaction{},
	}
	for _, r := range given {
		out := social.Reaction{Name: r.name, Count: r.count, Me: &r.mine}
		if i := slices.IndexFunc(own, func(e social.Emoji) bool { return e.Shortcode == r.name }); i >= 0 {
			out.URL, out.StaticURL = own[i].URL, own[i].StaticURL
		}
		e.Reactions = append(e.Reactions, out)
	}
	return e, nil
}

// Dismiss puts an announcement away for an account. It returns a NotFound error for one that is not shown.
func (s *Service) Dismiss(ctx context.Context, account, announcement id.ID) error {
	return s.onShown(ctx, announcement, func(tx *db.Tx) error { return dismiss(ctx, tx, announcement, account) })
}

func (s *Service) onShown(ctx context.Context, announcement id.ID, fn func(tx *db.Tx) error) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		a, err := get(ctx, tx, announcement)
		if errors.Is(err, db.ErrNoRow) || err == nil && !a.Shown(s.Now()) {
			return errNone
		}
		if err != nil {
			return err
		}
		return fn(tx)
	})
}

// Give gives an announcement an emoji, or takes it back. It returns a NotFound error for an announcement that is not shown, and an Invalid one
// for what is no emoji, or one kind more than MaxKinds.
func (s *Service) Give(ctx context.Context, account, announcement id.ID, name string, on bool) error {
	if on && !emoji(name) {
		own, err := s.Emoji.Named(ctx, []string{name})
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return errs.InvalidField("name", "Validation failed: this is no emoji.")
		}
	}
	return s.onShown(ctx, announcement, func(tx *db.Tx) error {
		var changed bool
		var err error
		if on {
			changed, err = react(ctx, tx, s.IDs.Next(), announcement, account, name)
		} else {
			changed, err = unreact(ctx, tx, announcement, account, name)
		}
		if err != nil || !changed {
			return err
		}
		all, err := reactions(ctx, tx, announcement, 0)
		if err != nil {
			return err
		}
		if len(all) > MaxKinds {
			return errs.InvalidField("name", "Validation failed: there are %d kinds of reactions already.", MaxKinds)
		}
		var count int64
		if i := slices.IndexFunc(all, func(r reaction) bool { return r.name == name }); i >= 0 {
			count = all[i].count
		}
		return s.Log.Append(ctx, tx, s.Now(), account, social.AnnouncementChanged{Announcement: announcement, What: "reaction", Reaction: name, Count: count})
	})
}

// Personal says what announcements hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "announcements",
		Tables: []personal.Table{
			{Name: "announcement", Plain: "id text starts_at ends_at all_day publish_at updated_at told"},
			{Name: "announcement_dismissal", Link: "account", Plain: "announcement"},
			{Name: "announcement_reaction", Personal: "name", Link: "account", Plain: "id announcement"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Announcements"),
				What:  i18n.T(ctx, "Which announcements of the town you put away, and with which emoji you reacted."),
				Why:   i18n.T(ctx, "So that you see each only as long as you want to."),
				Kept:  i18n.T(ctx, "As long as the announcement."),
			}
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			out := struct {
				PutAway   []id.ID `json:"put_away"`
				Reactions []given `json:"reactions"`
			}{}
			err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
				if out.PutAway, err = dismissed(ctx, tx, account); err != nil {
					return err
				}
				out.Reactions, err = givenBy(ctx, tx, account)
				return err
			})
			if err != nil {
				return err
			}
			return to.JSON("announcements.json", i18n.T(ctx, "Announcements you put away or reacted to"), out)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, erase(ctx, tx, account)
		},
	}
}

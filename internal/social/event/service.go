package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Posts are the statuses that tell of events.
type Posts interface {
	// Prepare checks a status, and returns the id that it will have and what stores it in a transaction of the caller's.
	Prepare(ctx context.Context, actor access.Actor, n social.Note) (status id.ID, store func(ctx context.Context, tx *db.Tx) error, err error)
	// Statuses returns those of the statuses that the reader may read, as they see them, in the order asked.
	Statuses(ctx context.Context, rel *social.Relations, ids []id.ID, where string) ([]*social.Status, error)
	// Delete deletes a status of the actor's, or returns a NotFound error.
	Delete(ctx context.Context, actor access.Actor, status id.ID) error
	// Redraw says in tx that what a status shows beside its text has changed.
	Redraw(ctx context.Context, tx *db.Tx, status id.ID) error
}

// Readers knows what is between people.
type Readers interface {
	// Relations returns those of a reader, 0 for a stranger.
	Relations(ctx context.Context, viewer id.ID) (*social.Relations, error)
}

// Faces knows for whom somebody may speak, and how accounts look.
type Faces interface {
	MayActAs(actor access.Actor, profile id.ID) bool
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
}

// Signer signs links; platform/secrets has one.
type Signer interface {
	Sign(purpose, text string) string
	Check(purpose, text, sig string) bool
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB      *db.DB
	Log     *events.Log
	Jobs    *jobs.Queue
	IDs     *id.Source
	Now     clock.Func
	Posts   Posts
	Readers Readers
	Faces   Faces
	Signer  Signer
}

// Options are the town's own. Zero values stand for those named.
type Options struct {
	Town     string         // name of the town, for calendars
	Zone     *time.Location // the town's time zone; UTC
	Base     func() string  // address of the server, such as https://example.org
	MaxAhead int64          // events of one account that are not over; 200
}

// Service keeps the events. Safe for concurrent use.
type Service struct {
	Deps
	opt Options
}

// New returns a Service.
func New(d Deps, opt Options) *Service {
	if opt.Zone == nil {
		opt.Zone = time.UTC
	}
	if opt.MaxAhead <= 0 {
		opt.MaxAhead = 200
	}
	return &Service{Deps: d, opt: opt}
}

var (
	errMissing = errs.New(errs.NotFound, "There is no such event.")
	errNotMine = errs.New(errs.Forbidden, "This event is somebody else's.")
)

// Create holds an event: it posts the status that tells of it. Errors: Invalid with field paths; Conflict (code "too_many_events"); what
// posting says.
func (s *Service) Create(ctx context.Context, in Draft) (*Event, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	r := row{created: now, changed: now, Event: Event{ID: s.IDs.Next(), Account: actor.ID, TZ: s.opt.Zone.String()}}
	if in.As != 0 {
		r.Account = in.As
	}
	note := social.Note{
		As: in.As, Text: in.Text, Visibility: in.Visibility, Lang: in.Lang, Media: in.Media, Group: in.Group, Kind: "event", Thing: r.ID,
	}
	if note.Visibility == "" {
		note.Visibility = social.Public
		if in.Group != 0 {
			note.Visibility = social.Group
		}
	}
	r.public = note.Visibility == social.Public
	if err := in.apply(&r.Event, now); err != nil {
		return nil, err
	}
	if note.Text == "" {
		note.Text = r.Title
	}
	var post func(ctx context.Context, tx *db.Tx) error
	if r.Status, post, err = s.Posts.Prepare(ctx, actor, note); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if n, err := countAhead(ctx, tx, r.Account, now); err != nil {
			return err
		} else if n >= s.opt.MaxAhead {
			return errs.New(errs.Conflict, "%d events are planned already. Wait until some are over.", n).WithCode("too_many_events")
		}
		if err := insert(ctx, tx, &r); err != nil {
			return fmt.Errorf("event: store: %w", err)
		}
		if err := post(ctx, tx); err != nil {
			return err
		}
		return s.remind(ctx, tx, &r)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, r.ID)
}

// Get returns an event that the actor may see, or NotFound.
func (s *Service) Get(ctx context.Context, event id.ID) (*Event, error) {
	var r row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = byID(ctx, tx, event)
		return err
	})
	if errors.Is(err, db.ErrNoRow) || err == nil && r.Status == 0 {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	list, err := s.seen(ctx, []row{r}, false)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errMissing
	}
	return &list[0], nil
}

// seen returns those of the rows that the actor may see, as they see them. lists: also without what they don't want to meet in lists.
func (s *Service) seen(ctx context.Context, rows []row, lists bool) ([]Event, error) {
	actor := access.From(ctx)
	rel, err := s.Readers.Relations(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]id.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Status
	}
	statuses, err := s.Posts.Statuses(ctx, rel, ids, "")
	if err != nil {
		return nil, fmt.Errorf("event: read the statuses: %w", err)
	}
	byID, mine := make(map[id.ID]*social.Status, len(statuses)), map[id.ID]bool{actor.ID: actor.SignedIn()}
	for _, st := range statuses {
		byID[st.ID] = st
		if _, asked := mine[st.Account.ID]; !asked {
			mine[st.Account.ID] = st.Account.Stoa != nil && s.Faces.MayActAs(actor, st.Account.ID) // a restaurant's or a group's
		}
	}
	out := make([]Event, 0, len(rows))
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		for i := range rows {
			e := rows[i].Event
			st := byID[e.Status]
			if st == nil || lists && rel.Shuns(&social.Head{Account: e.Account}, s.Now()) {
				continue
			}
			e.Visibility, e.Mine = visibility(st), mine[e.Account]
			if lists && !listable(e.Visibility) && !e.Mine {
				continue
			}
			e.Text, e.Handle, e.Name, e.Avatar = st.Content, st.Account.Acct, st.Account.DisplayName, st.Account.Avatar
			if e.Name == "" {
				e.Name = e.Handle
			}
			var err error
			if e.Answer, err = answerOf(ctx, tx, e.ID, actor.ID); err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

// visibility returns that of a status as Stoa calls it.
func visibility(st *social.Status) social.Visibility {
	if st.Stoa != nil && st.Stoa.Visibility != "" {
		return st.Stoa.Visibility
	}
	return social.Visibility(st.Visibility)
}

// Filter chooses events for List. The zero Filter is everything that is not over.
type Filter struct {
	From, To time.Time // those that are on between; zero: from now on, without an end
	Mine     bool      // only what the actor holds, comes to, or may come to
}

// scanMost is how many events one page looks through for those that the reader may see.
const scanMost = 1000

// List returns a page of events by their beginning, those that the actor may see.
func (s *Service) List(ctx context.Context, f Filter, cursor string, limit int) (page.Page[Event], error) {
	out := page.Page[Event]{Items: []Event{}}
	after, _, err := page.Decode[moment](cursor)
	if err != nil {
		return out, err
	}
	actor := access.From(ctx)
	if f.Mine {
		if actor, err = access.Require(ctx); err != nil {
			return out, err
		}
	}
	if f.From.IsZero() {
		f.From = s.Now()
	}
	if f.To.IsZero() {
		f.To = s.Now().Add(2 * farthest)
	}
	limit = page.Limit(limit)
	for scanned := 0; scanned < scanMost; {
		var rows []row
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if f.Mine {
				rows, err = ofAccount(ctx, tx, actor.ID, f.From, after, limit+1)
				return err
			}
			rows, err = upcoming(ctx, tx, f.From, f.To, !actor.SignedIn(), after, limit+1)
			return err
		})
		if err != nil {
			return out, err
		}
		scanned += len(rows)
		list, err := s.seen(ctx, rows, !f.Mine)
		if err != nil {
			return out, err
		}
		for _, e := range list {
			if len(out.Items) == limit {
				out.Next = page.Encode(keyOf(&out.Items[limit-1]))
				return out, nil
			}
			out.Items = append(out.Items, e)
		}
		if len(rows) <= limit {
			return out, nil
		}
		after = keyOf(&rows[len(rows)-1].Event)
	}
	out.Next = page.Encode(after)
	return out, nil
}

func keyOf(e *Event) moment { return moment{e.Starts.UnixMicro(), e.ID} }

// Cards returns what statuses show of events. Those that are gone are left out.
func (s *Service) Cards(ctx context.Context, ids []id.ID) (map[id.ID]*social.EventCard, error) {
	out := make(map[id.ID]*social.EventCard, len(ids))
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for _, e := range ids {
			r, err := byID(ctx, tx, e)
			if errors.Is(err, db.ErrNoRow) {
				continue
			}
			if err != nil {
				return err
			}
			out[e] = r.card()
		}
		return nil
	})
	return out, err
}

// change runs fn with an event of the actor's; changes of one event come one after another.
func (s *Service) change(ctx context.Context, event id.ID, fn func(tx *db.Tx, actor access.Actor, r *row) error) (*Event, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.Get(ctx, event)
	if err != nil {
		return nil, err
	}
	if !e.Mine {
		return nil, errNotMine
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := lock(ctx, tx, event)
		if errors.Is(err, db.ErrNoRow) {
			return errMissing
		}
		if err != nil {
			return err
		}
		if err := fn(tx, actor, &r); err != nil {
			return err
		}
		return s.Posts.Redraw(ctx, tx, r.Status)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, event)
}

// Update changes an event. Those who come are told when time or place is another. Errors: NotFound; Forbidden; Invalid; Conflict where it
// was cancelled.
func (s *Service) Update(ctx context.Context, event id.ID, in Input) (*Event, error) {
	return s.change(ctx, event, func(tx *db.Tx, actor access.Actor, r *row) error {
		if r.Cancelled {
			return errOff
		}
		before := r.Event
		if err := in.apply(&r.Event, s.Now()); err != nil {
			return err
		}
		moved := !before.Starts.Equal(r.Starts)
		if moved {
			r.reminded = 0
		}
		if err := update(ctx, tx, r, s.Now()); err != nil {
			return err
		}
		if err := s.moveUp(ctx, tx, r); err != nil {
			return err
		}
		if moved {
			if err := s.remind(ctx, tx, r); err != nil {
				return err
			}
		}
		if moved || before.Place != r.Place {
			return s.tellAll(ctx, tx, actor.ID, r, social.NoticeEventChanged, Coming, Maybe, Waiting)
		}
		return nil
	})
}

var errOff = errs.New(errs.Conflict, "This event was cancelled.").WithCode("cancelled")

// Cancel says that an event does not take place. Those who wanted to come are told. Errors: NotFound; Forbidden.
func (s *Service) Cancel(ctx context.Context, event id.ID) (*Event, error) {
	return s.change(ctx, event, func(tx *db.Tx, actor access.Actor, r *row) error {
		if r.Cancelled {
			return nil
		}
		r.Cancelled = true
		if err := update(ctx, tx, r, s.Now()); err != nil {
			return err
		}
		return s.tellAll(ctx, tx, actor.ID, r, social.NoticeEventOff, Coming, Maybe, Waiting)
	})
}

// Delete deletes an event with its status. Who wanted to come is told if it was not over. Errors: NotFound; Forbidden.
func (s *Service) Delete(ctx context.Context, event id.ID) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	e, err := s.Get(ctx, event)
	if err != nil {
		return err
	}
	if !e.Mine {
		return errNotMine
	}
	return s.Posts.Delete(ctx, actor, e.Status) // the event goes with it: see react.go
}

// tellAll asks that everybody who gave one of the answers be told.
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, by id.ID, r *row, kind string, answers ...Answer) error {
	for _, a := range answers {
		for after := id.ID(0); ; {
			list, err := replies(ctx, tx, r.ID, a, after, 100)
			if err != nil {
				return err
			}
			to := make([]id.ID, 0, len(list))
			for _, p := range list {
				after = p.account
				if p.account != by {
					to = append(to, p.account)
				}
			}
			if err := s.notice(ctx, tx, r, kind, to...); err != nil {
				return err
			}
			if len(list) < 100 {
				break
			}
		}
	}
	return nil
}

func (s *Service) notice(ctx context.Context, tx *db.Tx, r *row, kind string, to ...id.ID) error {
	if len(to) == 0 {
		return nil
	}
	return s.Log.Append(ctx, tx, s.Now(), 0, social.Notice{
		To: to, Type: kind, From: r.Account, Thing: r.ID, Status: r.Status, Title: r.Title, URL: r.URL,
	})
}

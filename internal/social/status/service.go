package status

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Profiles is what statuses ask of profiles.
type Profiles interface {
	// Entities returns accounts as everybody sees them; those that are not there are left out.
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
	// Apart returns how those stand who are hidden, suspended or silenced.
	Apart(ctx context.Context) (map[id.ID]social.Standing, error)
	// Resolve returns the profile named "anna" or "anna@this.host", or a NotFound error.
	Resolve(ctx context.Context, acct string) (id.ID, error)
	// Defaults returns what a profile's new statuses are where nothing else is said.
	Defaults(ctx context.Context, profile id.ID) (social.Defaults, error)
	// Counts counts statuses, followers and following of a profile up or down within tx; last is when it posted, zero where it did not.
	Counts(ctx context.Context, tx *db.Tx, profile id.ID, statuses, followers, following int, last time.Time) error
	// MayActAs reports whether the actor may post as the profile.
	MayActAs(actor access.Actor, profile id.ID) bool
}

// Relations tells what readers' eyes depend on.
type Relations interface {
	// Relations returns a reader's relations: a snapshot that nobody changes. Reader 0 is a stranger.
	Relations(ctx context.Context, reader id.ID) (*social.Relations, error)
}

// Media keeps the files that statuses carry.
type Media interface {
	// Attach makes ids the attachments of a status, in this order: each is the owner's, and free or on this status already; those that it had
	// beside them become free.
	Attach(ctx context.Context, tx *db.Tx, owner, status id.ID, ids []id.ID) error
	// Of returns the attachments of statuses, in their order.
	Of(ctx context.Context, tx *db.Tx, statuses []id.ID) (map[id.ID][]social.Attachment, error)
	// Update changes what is said of a file; nil leaves it.
	Update(ctx context.Context, tx *db.Tx, owner, file id.ID, description *string, focus *social.Focus) error
	// Detach makes the attachments of a status free, so that they can be posted anew.
	Detach(ctx context.Context, tx *db.Tx, status id.ID) error
	// Delete deletes the attachments of a status.
	Delete(ctx context.Context, tx *db.Tx, status id.ID) error
}

// Filters tells what readers do not want to see. May be nil.
type Filters interface {
	// For returns a reader's filters, or nil where they have none.
	For(ctx context.Context, reader id.ID) (social.Matcher, error)
}

// Cards are previews of what statuses link to. May be nil.
type Cards interface {
	// Want has the card of an address made, and calls Redraw when it is there.
	Want(ctx context.Context, tx *db.Tx, status id.ID, link string) error
	// Of returns the cards that there are by their addresses.
	Of(ctx context.Context, tx *db.Tx, links []string) (map[string]*social.Card, error)
}

// Emojis are the town's own. May be nil.
type Emojis interface {
	// Named returns those of the names that there are.
	Named(ctx context.Context, names []string) ([]social.Emoji, error)
}

// Extras are the cards of dishes, restaurants, events and reviews. May be nil.
type Extras interface {
	// Check returns why the profile may not show the thing in a status, or nil.
	Check(ctx context.Context, profile id.ID, kind string, thing id.ID) error
	// Cards returns things of a kind, each with its one field set; those that are gone are left out.
	Cards(ctx context.Context, kind string, things []id.ID) (map[id.ID]*social.Extra, error)
}

// Groups are where people write among themselves. May be nil.
type Groups interface {
	// MayPost returns whether the group is by invitation, or why the profile may not write in it.
	MayPost(ctx context.Context, profile, group id.ID) (closed bool, err error)
	// GroupCards returns groups as statuses show them.
	GroupCards(ctx context.Context, groups []id.ID) (map[id.ID]*social.GroupCard, error)
}

// Apps names the programs that people post with. May be nil.
type Apps interface {
	// AppName returns what an app is called and its website, which may be empty.
	AppName(ctx context.Context, app id.ID) (name, website string, err error)
}

// Deps is what a Service is made of.
type Deps struct {
	DB        *db.DB
	Log       *events.Log
	Jobs      *jobs.Queue
	IDs       *id.Source
	Now       clock.Func
	Profiles  Profiles
	Relations Relations
	Media     Media
	Filters   Filters
	Cards     Cards
	Emojis    Emojis
	Extras    Extras
	Groups    Groups
	Apps      Apps
}

// Options are a Service's settings.
type Options struct {
	Address   func() string // what links begin with, without a slash at the end
	MaxLength func() int    // characters of a status; nil: DefaultLength
	Memory    int           // bytes of statuses kept in memory; 0: 48 MB
}

// Service is what can be done with statuses. Safe for concurrent use.
type Service struct {
	Deps
	opt     Options
	cache   *cache
	readers readers

	mu       sync.RWMutex
	onChange []func(context.Context, events.Payload)
}

// New returns a Service.
func New(d Deps, opt Options) *Service {
	if opt.MaxLength == nil {
		opt.MaxLength = func() int { return DefaultLength }
	}
	if opt.Memory == 0 {
		opt.Memory = 48 << 20
	}
	return &Service{Deps: d, opt: opt, cache: newCache(opt.Memory)}
}

// MaxLength returns how many characters a status may have.
func (s *Service) MaxLength() int { return s.opt.MaxLength() }

// OnChange has fn hear what this node does to statuses, right after each commit and before the request that did it is answered: what
// somebody has just posted they find in their timeline. Other nodes hear of it by the event log, and this one a second time. fn must be
// quick. To be called while the server is put together.
func (s *Service) OnChange(fn func(ctx context.Context, p events.Payload)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = append(s.onChange, fn)
}

// tell has this node hear what was committed.
func (s *Service) tell(ctx context.Context, ps ...events.Payload) {
	s.mu.RLock()
	fns := s.onChange
	s.mu.RUnlock()
	for _, p := range ps {
		s.heard(p)
		for _, fn := range fns {
			fn(ctx, p)
		}
	}
}

// heard brings what is kept in memory in step with what happened. It may be told the same twice.
func (s *Service) heard(p events.Payload) {
	switch p := p.(type) {
	case social.Posted:
		s.cache.dropAccount(p.Account)
		s.cache.drop(p.BoostOf, p.ReplyTo, p.QuoteOf)
		if p.BoostOf != 0 {
			s.readers.set(p.Account, p.BoostOf, bitBoost, true)
		}
	case social.Edited:
		s.cache.drop(p.ID)
		if !p.Silent {
			s.readers.dropVoters(p.ID) // the poll may have lost its votes
		}
	case social.Deleted:
		s.cache.dropAccount(p.Account)
		s.cache.drop(p.ID, p.BoostOf, p.ReplyTo, p.QuoteOf)
		if p.BoostOf != 0 {
			s.readers.set(p.Account, p.BoostOf, bitBoost, false)
		}
	case social.Marked:
		if p.Mark == social.Favourite {
			s.cache.drop(p.Status)
		}
		s.readers.set(p.By, p.Status, bitOf(p.Mark), !p.Gone)
	case social.Voted:
		s.cache.drop(p.Status)
		s.readers.drop(p.By)
	case social.PollEnded:
		s.cache.drop(p.Status)
	case social.Followed:
		if p.Tie == social.TieFollow || p.Tie == social.TieBlock {
			s.cache.dropAccount(p.From)
			s.cache.dropAccount(p.To)
		}
	case social.ProfileChanged:
		s.cache.dropAccount(p.Profile)
		s.cache.statuses.dropIf(func(e *entry) bool { return e.head.Account == p.Profile }) // their addresses have the handle in them
	case social.EmojiChanged:
		s.cache.clear()
	case social.Moderated:
		s.cache.dropAccount(p.Profile)
		s.cache.statuses.dropIf(func(e *entry) bool { return e.head.Account == p.Profile }) // they say whether they are sensitive
	}
}

// ForgetExtras has all cards of other slices' things built anew: one of them has changed, and statuses show it.
func (s *Service) ForgetExtras() {
	s.cache.statuses.dropIf(func(e *entry) bool { return !e.until.IsZero() })
}

// React registers what statuses do when others speak, and their jobs.
func (s *Service) React() {
	s.Log.Watch(func(list []events.Event) {
		for i := range list {
			if p := decode(list[i]); p != nil {
				s.heard(p)
			}
		}
	})
	s.Jobs.Handle(pollJob, s.endPollJob)
	s.Jobs.Handle(sweepJob, s.sweepJob)
}

// decode returns the payload of an event that concerns what is kept in memory, or nil.
func decode(e events.Event) events.Payload {
	switch e.Kind {
	case social.KindPosted:
		return payload[social.Posted](e)
	case social.KindEdited:
		return payload[social.Edited](e)
	case social.KindDeleted:
		return payload[social.Deleted](e)
	case social.KindMarked:
		return payload[social.Marked](e)
	case social.KindVoted:
		return payload[social.Voted](e)
	case social.KindPollEnded:
		return payload[social.PollEnded](e)
	case social.KindFollowed:
		return payload[social.Followed](e)
	case social.KindProfileChanged:
		return payload[social.ProfileChanged](e)
	case social.KindEmojiChanged:
		return social.EmojiChanged{}
	case social.KindModerated:
		return payload[social.Moderated](e)
	}
	return nil
}

func payload[P events.Payload](e events.Event) events.Payload {
	var p P
	if json.Unmarshal(e.Data, &p) != nil {
		return nil
	}
	return p
}

// Heads returns the heads of statuses in the order asked for; those that are not there, or whose author is suspended, are left out.
func (s *Service) Heads(ctx context.Context, ids []id.ID) ([]social.Head, error) {
	if len(ids) == 0 {
		return []social.Head{}, nil
	}
	var found map[id.ID]social.Head
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = headsOf(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]social.Head, 0, len(ids))
	for _, n := range ids {
		if h, ok := found[n]; ok {
			out = append(out, h)
		}
	}
	return s.present(ctx, out)
}

// Head returns one head, or a NotFound error.
func (s *Service) Head(ctx context.Context, status id.ID) (social.Head, error) {
	hs, err := s.Heads(ctx, []id.ID{status})
	if err == nil && len(hs) == 0 {
		err = errGone
	}
	if err != nil {
		return social.Head{}, err
	}
	return hs[0], nil
}

// manyHeads is from how many heads on their authors are not looked at one by one.
const manyHeads = 64

// present leaves out what suspended authors wrote, and marks what silenced ones did.
func (s *Service) present(ctx context.Context, hs []social.Head) ([]social.Head, error) {
	if len(hs) >= manyHeads {
		apart, err := s.Profiles.Apart(ctx)
		if err != nil {
			return nil, err
		}
		hs = slices.DeleteFunc(hs, func(h social.Head) bool { return apart[h.Account].Hidden || apart[h.Account].Suspended })
		for i := range hs {
			hs[i].Hidden = apart[hs[i].Account].Limited
		}
		return hs, nil
	}
	ids := make([]id.ID, 0, len(hs))
	for i := range hs {
		ids = append(ids, hs[i].Account)
	}
	as, err := s.accounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(hs, func(h social.Head) bool {
		return as[h.Account] == nil || as[h.Account].suspended
	}), hide(hs, as)
}

func hide(hs []social.Head, as map[id.ID]*account) error {
	for i := range hs {
		if a := as[hs[i].Account]; a != nil {
			hs[i].Hidden = a.limited
		}
	}
	return nil
}

// list is Heads for a query.
func (s *Service) list(ctx context.Context, read func(tx *db.Tx) ([]social.Head, error)) (hs []social.Head, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		hs, err = read(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.present(ctx, hs)
}

// Newest is before which all statuses are.
const Newest = id.ID(math.MaxInt64)

// below returns before, or Newest for 0.
func below(before id.ID) id.ID {
	if before == 0 {
		return Newest
	}
	return before
}

// Recent returns the heads of all statuses below an id (0: from the newest), boosts included, newest first, whoever may read them. It may
// return fewer than limit where authors are suspended.
func (s *Service) Recent(ctx context.Context, before id.ID, limit int) ([]social.Head, error) {
	return s.list(ctx, func(tx *db.Tx) ([]social.Head, error) { return recent(ctx, tx, below(before), limit) })
}

// By is Recent for some authors. It costs a query each: ask for few.
func (s *Service) By(ctx context.Context, authors []id.ID, before id.ID, limit int) ([]social.Head, error) {
	return s.list(ctx, func(tx *db.Tx) ([]social.Head, error) {
		all := []social.Head{}
		for _, a := range authors {
			hs, err := byAuthor(ctx, tx, a, below(before), limit)
			if err != nil {
				return nil, err
			}
			all = append(all, hs...)
		}
		if len(authors) > 1 {
			slices.SortFunc(all, func(a, b social.Head) int { return int(min(max(b.ID-a.ID, -1), 1)) })
		}
		return all[:min(limit, len(all))], nil
	})
}

// Ranges returns the heads of stretches, whoever may read them, in the order asked for. Those of suspended authors are left out.
func (s *Service) Ranges(ctx context.Context, rs []social.Range) ([]social.Stretch, error) {
	out := make([]social.Stretch, len(rs))
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for i, r := range rs {
			var err error
			if r.Worth != nil {
				out[i], err = worthReading(ctx, tx, r)
			} else {
				out[i], err = inRange(ctx, tx, r)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	for i := range out {
		if err != nil {
			return nil, err
		}
		out[i].Heads, err = s.present(ctx, out[i].Heads)
	}
	return out, err
}

// MayRead returns nil where the reader may read a status, else a NotFound error.
func (s *Service) MayRead(ctx context.Context, reader, status id.ID) error {
	_, _, err := s.readable(ctx, access.Actor{ID: reader}, status)
	return err
}

// readable returns a status' row and the actor's relations, or a NotFound error where the actor may not read it. Who may act as its author
// may.
func (s *Service) readable(ctx context.Context, actor access.Actor, status id.ID) (*row, *social.Relations, error) {
	rel, err := s.Relations.Relations(ctx, actor.ID)
	if err != nil {
		return nil, nil, err
	}
	var r *row
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = rowOf(ctx, tx, status)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	as, err := s.accounts(ctx, []id.ID{r.Account})
	if err != nil {
		return nil, nil, err
	}
	if a := as[r.Account]; a == nil || a.suspended || !rel.MayRead(&r.Head) && !s.Profiles.MayActAs(actor, r.Account) {
		return nil, nil, errGone
	}
	return r, rel, nil
}

// proper is readable, but for a boost it returns what was boosted: marks and answers are for that.
func (s *Service) proper(ctx context.Context, actor access.Actor, status id.ID) (*row, *social.Relations, error) {
	r, rel, err := s.readable(ctx, actor, status)
	if err == nil && r.BoostOf != 0 {
		return s.readable(ctx, actor, r.BoostOf)
	}
	return r, rel, err
}

// signedIn returns an error for strangers.
func signedIn(actor access.Actor) error {
	if !actor.SignedIn() {
		return errs.New(errs.Unauthenticated, "Please sign in first.")
	}
	return nil
}

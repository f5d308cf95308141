package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Orders tells what was bought.
type Orders interface {
	// Bought returns an order, whoever asks, or a NotFound error.
	Bought(ctx context.Context, order id.ID) (Purchase, error)
	// OrderOf returns the id of the order with a public code, or a NotFound error.
	OrderOf(ctx context.Context, code string) (id.ID, error)
}

// Shops is what reviews ask of restaurants. delivery/restaurant answers.
type Shops interface {
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error)
}

// Posts are the statuses that reviews are at the same time. Nil in a Service: the town has no social network.
type Posts interface {
	// Prepare checks a status, and returns the id that it will have and what stores it in a transaction of the caller's.
	Prepare(ctx context.Context, actor access.Actor, n social.Note) (status id.ID, store func(ctx context.Context, tx *db.Tx) error, err error)
	// Rewrite checks another text of a status of the actor's, and returns what stores it in a transaction of the caller's. One that is gone is
	// NotFound, at once and in the transaction.
	Rewrite(ctx context.Context, actor access.Actor, status id.ID, text string) (store func(ctx context.Context, tx *db.Tx) error, err error)
	// Text returns a status' text as typed, or a NotFound error.
	Text(ctx context.Context, status id.ID) (string, error)
	// TakeAway deletes a status with its files in tx, and reports whether it was there.
	TakeAway(ctx context.Context, tx *db.Tx, by, status id.ID) (bool, error)
	// Redraw says in tx that what a status shows beside its text has changed.
	Redraw(ctx context.Context, tx *db.Tx, status id.ID) error
	// Upload keeps a picture of the actor's, with what it shows, until a status carries it. Errors: Invalid; TooLarge.
	Upload(ctx context.Context, actor access.Actor, picture []byte, alt string) (id.ID, error)
	// Photos returns the pictures of statuses.
	Photos(ctx context.Context, statuses []id.ID) (map[id.ID][]social.Attachment, error)
}

// Faces knows how accounts look.
type Faces interface {
	Entities(ctx context.Context, ids []id.ID) (map[id.ID]*social.Account, error)
}

// Deps is what a Service works with. Posts may be nil.
type Deps struct {
	DB     *db.DB
	Log    *events.Log
	Jobs   *jobs.Queue
	IDs    *id.Source
	Now    clock.Func
	Orders Orders
	Shops  Shops
	Posts  Posts
	Faces  Faces
	// Staff returns who works at a restaurant.
	Staff func(ctx context.Context, restaurant id.ID) ([]id.ID, error)
}

// Options are the town's rules. Zero values stand for those named.
type Options struct {
	Within time.Duration // an order can be reviewed so long after it was placed; 90 days
	Ask    time.Duration // so long after an order has arrived its customer is asked; 1 h
}

// Service keeps the reviews. Safe for concurrent use.
type Service struct {
	Deps
	opt     Options
	figures figures
}

// New returns a Service.
func New(d Deps, opt Options) *Service {
	if opt.Within <= 0 {
		opt.Within = 90 * 24 * time.Hour
	}
	if opt.Ask <= 0 {
		opt.Ask = time.Hour
	}
	return &Service{Deps: d, opt: opt}
}

var (
	errMissing = errs.New(errs.NotFound, "There is no such review.")
	errNoOrder = errs.New(errs.NotFound, "There is no such order.")
)

// reviewable returns the actor's own order if it can be reviewed.
func (s *Service) reviewable(ctx context.Context, order id.ID) (access.Actor, Purchase, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return actor, Purchase{}, err
	}
	p, err := s.Orders.Bought(ctx, order)
	if err != nil {
		return actor, p, err
	}
	switch {
	case p.Customer != actor.ID:
		return actor, p, errNoOrder
	case p.State != delivery.Delivered && p.State != delivery.Concluded:
		return actor, p, errs.New(errs.Conflict, "Tell how it was once it has arrived.").WithCode("not_delivered")
	case s.Now().Sub(p.Placed) > s.opt.Within:
		return actor, p, errs.New(errs.Conflict, "This order was too long ago.").WithCode("too_late")
	}
	return actor, p, nil
}

// Create reviews an order of the actor's, and posts that. Errors: NotFound for an order that is not theirs; Invalid; Conflict (codes
// "not_delivered", "too_late", "reviewed"); what posting says.
func (s *Service) Create(ctx context.Context, order id.ID, in Input) (*Review, error) {
	actor, p, err := s.reviewable(ctx, order)
	if err != nil {
		return nil, err
	}
	r := row{Review: Review{
		ID: s.IDs.Next(), Order: order, Restaurant: p.Restaurant, Account: actor.ID, Dishes: []Stars{}, Photos: []Photo{}, Visibility: in.Visibility,
		Verified: !actor.WorksAt(p.Restaurant), At: s.Now().UTC().Truncate(time.Microsecond), Mine: true,
	}}
	if r.Visibility == "" {
		r.Visibility = social.Public
	}
	if err := in.apply(&r.Review, p.Lines); err != nil {
		return nil, err
	}
	post := nothing
	if s.Posts != nil {
		r.Status, post, err = s.Posts.Prepare(ctx, actor, social.Note{
			Text: r.Text, Visibility: r.Visibility, Lang: in.Lang, Media: in.Media, Kind: "review", Thing: r.ID,
		})
		if err != nil {
			return nil, err
		}
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := insert(ctx, tx, &r); db.IsUnique(err) {
			return errs.New(errs.Conflict, "You have reviewed this order already.").WithCode("reviewed").WithCause(err)
		} else if err != nil {
			return fmt.Errorf("review: store: %w", err)
		}
		if err := post(ctx, tx); err != nil {
			return err
		}
		if err := s.tellStaff(ctx, tx, &r); err != nil {
			return err
		}
		return s.recount(ctx, tx, actor.ID, nil, &r, "added")
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, r.ID)
}

// nothing is what there is to store where there are no posts.
func nothing(context.Context, *db.Tx) error { return nil }

// mostStaff is how many people of a restaurant are told of a review: a notice names at most a hundred.
const mostStaff = 100

// tellStaff tells the restaurant's people of a new review.
func (s *Service) tellStaff(ctx context.Context, tx *db.Tx, r *row) error {
	staff, err := s.Staff(ctx, r.Restaurant)
	if err != nil {
		return err
	}
	staff = slices.DeleteFunc(staff, func(n id.ID) bool { return n == r.Account })
	if len(staff) == 0 {
		return nil
	}
	shop, err := s.Shops.Shop(ctx, r.Restaurant)
	if err != nil {
		return err
	}
	return s.Log.Append(ctx, tx, s.Now(), r.Account, social.Notice{
		To: staff[:min(len(staff), mostStaff)], Type: social.NoticeReviewed, From: r.Account, Thing: r.ID, Status: r.Status, Title: shop.Name, URL: PathOf(shop.Slug),
	})
}

// recount moves the figures from what a review was to what it is, either nil where it is not there, and tells.
func (s *Service) recount(ctx context.Context, tx *db.Tx, by id.ID, old, now *row, what string) error {
	type move struct {
		thing id.ID
		stars int
		step  int64
	}
	moves := []move{}
	add := func(r *row, step int64) {
		if r == nil || !r.counts() {
			return
		}
		moves = append(moves, move{r.Restaurant, r.Stars, step})
		for _, d := range r.Dishes {
			moves = append(moves, move{d.Item, d.Stars, step})
		}
	}
	add(old, -1)
	add(now, 1)
	// In one order, so that two reviews that have dishes in common don't wait for each other.
	slices.SortFunc(moves, func(a, b move) int { return int(min(max(a.thing-b.thing, -1), 1)) })
	r := now
	if r == nil {
		r = old
	}
	for _, m := range moves {
		if err := count(ctx, tx, m.thing, r.Restaurant, m.stars, m.step); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.figures.forget() })
	return s.Log.Append(ctx, tx, s.Now(), by, delivery.ReviewChanged{
		Review: r.ID, Order: r.Order, Restaurant: r.Restaurant, Account: r.Account, Status: r.Status, What: what, Stars: r.Stars,
	})
}

// removeIn removes a review; one that is gone is no error.
func (s *Service) removeIn(ctx context.Context, tx *db.Tx, by, review id.ID) error {
	r, err := lock(ctx, tx, review)
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := remove(ctx, tx, review); err != nil {
		return err
	}
	return s.recount(ctx, tx, by, &r, nil, "removed")
}

// Get returns a review that the actor may see, or NotFound.
func (s *Service) Get(ctx context.Context, review id.ID) (*Review, error) {
	return s.one(ctx, func(tx *db.Tx) (row, error) { return byID(ctx, tx, review) })
}

// OfOrder returns the actor's review of an order, or NotFound.
func (s *Service) OfOrder(ctx context.Context, order id.ID) (*Review, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.one(ctx, func(tx *db.Tx) (row, error) { return byOrder(ctx, tx, order) })
	if err == nil && r.Account != actor.ID {
		return nil, errMissing
	}
	return r, err
}

func (s *Service) one(ctx context.Context, read func(tx *db.Tx) (row, error)) (*Review, error) {
	var r row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = read(tx)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	out, err := s.shown(ctx, []row{r})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errMissing
	}
	return &out[0], nil
}

// shown returns reviews as the actor sees them: those that are hidden are for their author and for moderators; those for the town show
// strangers their stars alone.
func (s *Service) shown(ctx context.Context, rows []row) ([]Review, error) {
	actor := access.From(ctx)
	var accounts, statuses []id.ID
	for i := range rows {
		accounts = append(accounts, rows[i].Account)
		if rows[i].Status != 0 {
			statuses = append(statuses, rows[i].Status)
		}
	}
	faces, err := s.Faces.Entities(ctx, accounts)
	if err != nil {
		return nil, fmt.Errorf("review: read the authors: %w", err)
	}
	photos := map[id.ID][]social.Attachment{}
	if s.Posts != nil && len(statuses) > 0 {
		if photos, err = s.Posts.Photos(ctx, statuses); err != nil {
			return nil, fmt.Errorf("review: read the photos: %w", err)
		}
	}
	out := make([]Review, 0, len(rows))
	for i := range rows {
		r := rows[i].Review
		r.Mine = actor.SignedIn() && actor.ID == r.Account
		if r.Hidden && !r.Mine && access.Can(actor, "moderation.read", access.Thing{}) != nil {
			continue
		}
		if !r.Mine {
			r.Order = 0
		}
		if r.Visibility == social.Town && !actor.SignedIn() {
			r.Account, r.Status, r.Text, r.Answer, r.Answered = 0, 0, "", "", time.Time{}
			out = append(out, r)
			continue
		}
		if f := faces[r.Account]; f != nil {
			r.Handle, r.Name, r.Avatar = f.Acct, f.DisplayName, f.Avatar
			if r.Name == "" {
				r.Name = f.Acct
			}
		}
		for _, p := range photos[r.Status] {
			if p.Type == "image" && p.URL != nil {
				r.Photos = append(r.Photos, Photo{*p.URL, deref(p.PreviewURL, *p.URL), deref(p.Description, "")})
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func deref(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// List returns a page of a restaurant's reviews, newest first, as the actor sees them.
func (s *Service) List(ctx context.Context, restaurant id.ID, cursor string, limit int) (page.Page[Review], error) {
	out := page.Page[Review]{Items: []Review{}}
	below, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	var rows []row
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = list(ctx, tx, ofRestaurant, restaurant, below, limit+1)
		return err
	})
	if err != nil {
		return out, err
	}
	cut := page.Cut(rows, limit, func(r row) id.ID { return r.ID })
	out.Next = cut.Next
	out.Items, err = s.shown(ctx, cut.Items)
	return out, err
}

// Cards returns what statuses show of reviews. Those that are gone or hidden are left out.
func (s *Service) Cards(ctx context.Context, reviews []id.ID, shops func(ctx context.Context, restaurant id.ID) (social.ShopCard, error)) (map[id.ID]*social.ReviewCard, error) {
	var rows []row
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for _, n := range reviews {
			r, err := byID(ctx, tx, n)
			if errors.Is(err, db.ErrNoRow) || err == nil && r.Hidden {
				continue
			}
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]*social.ReviewCard, len(rows))
	for i := range rows {
		shop, err := shops(ctx, rows[i].Restaurant)
		if err != nil {
			return nil, err
		}
		out[rows[i].ID] = rows[i].card(shop)
	}
	return out, nil
}

// MayCarry reports whether a status of an account may show a review: it is its own, and no other status shows it.
func (s *Service) MayCarry(ctx context.Context, account, review id.ID) (yes bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := byID(ctx, tx, review)
		yes = err == nil && r.Account == account && r.Status == 0
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		return err
	})
	return yes, err
}

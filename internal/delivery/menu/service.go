package menu

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
)

// Shops is what menus ask of restaurants.
type Shops interface {
	// Shop returns the newest version of a restaurant, or a NotFound error.
	Shop(ctx context.Context, restaurant id.ID) (*delivery.Shop, error)
	// ShopBySlug does the same by the restaurant's name in addresses.
	ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error)
}

// Photos keeps pictures that people upload.
type Photos interface {
	// Put checks, scales and stores a picture and returns the URL path of it.
	Put(ctx context.Context, body []byte) (files.Photo, error)
}

// Service is what can be done with menus. Safe for concurrent use.
type Service struct {
	db     *db.DB
	log    *events.Log
	ids    *id.Source
	now    clock.Func
	shops  Shops
	photos Photos
	cache  cache
}

// New returns a Service.
func New(d *db.DB, log *events.Log, ids *id.Source, now clock.Func, shops Shops, photos Photos) *Service {
	return &Service{db: d, log: log, ids: ids, now: now, shops: shops, photos: photos}
}

var (
	errNoItem   = errs.New(errs.NotFound, "There is no such dish on this card.")
	errNoOption = errs.New(errs.NotFound, "There is no such dish or option on this card.")
	errNoPart   = errs.New(errs.NotFound, "There is no such part of this card.")
)

// mayManage checks that the actor may change the card.
func mayManage(actor access.Actor, restaurant id.ID) error {
	return access.Can(actor, "menu.manage", access.Thing{Kind: "menu", Restaurant: restaurant})
}

// mayWork checks that the actor works in the kitchen.
func mayWork(actor access.Actor, restaurant id.ID) error {
	return access.Can(actor, "restaurant.work", access.Thing{Kind: "restaurant", ID: restaurant, Restaurant: restaurant})
}

// change runs fn in a transaction that makes a new version of the card and tells everybody.
func (s *Service) change(ctx context.Context, actor access.Actor, restaurant id.ID, what string, fn func(tx *db.Tx) error) error {
	if _, err := s.shops.Shop(ctx, restaurant); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		return s.changeIn(ctx, tx, actor.ID, restaurant, what, fn)
	})
}

// changeIn is change within a transaction of the caller's.
func (s *Service) changeIn(ctx context.Context, tx *db.Tx, actor, restaurant id.ID, what string, fn func(tx *db.Tx) error) error {
	// First of all: the version row is the lock that makes changes of one card come one after another.
	version, err := bump(ctx, tx, restaurant)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	// On this node at once, so that whoever made the change sees it; the others hear of it by the event.
	tx.AfterCommit(func() { s.cache.invalidate(restaurant) })
	return s.log.Append(ctx, tx, s.now(), actor, delivery.MenuChanged{Restaurant: restaurant, Version: version, What: what})
}

// Card returns the whole card as those see it who work there. It returns a NotFound or Forbidden error for everybody else.
func (s *Service) Card(ctx context.Context, actor access.Actor, restaurant id.ID) (*Card, error) {
	if err := mayWork(actor, restaurant); err != nil {
		return nil, err
	}
	snap, err := s.snapshot(ctx, restaurant)
	if err != nil {
		return nil, err
	}
	return snap.card, nil
}

// Tomorrow returns when what is sold out for today is back: at the next four o'clock in the morning where the restaurant is, when the last
// kitchen has closed and none has opened.
func Tomorrow(now time.Time, loc *time.Location) time.Time {
	t := now.In(loc)
	four := time.Date(t.Year(), t.Month(), t.Day(), 4, 0, 0, 0, loc)
	if !four.After(now) {
		four = time.Date(t.Year(), t.Month(), t.Day()+1, 4, 0, 0, 0, loc)
	}
	return four.UTC()
}

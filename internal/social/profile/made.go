package profile

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// This file makes and changes profiles in the transactions of what they stand for.

// Person is what a profile needs to know of an account.
type Person struct {
	ID        id.ID
	Handle    string
	Name      string
	Lang      string
	Waits     bool // for an admin's word
	Suspended bool
	Erased    bool
}

func (p Person) state() state {
	switch {
	case p.Suspended:
		return suspended
	case p.Waits:
		return hidden
	}
	return here
}

// AccountMade makes the profile of a new account. It fails with a db.IsUnique error where the handle is somebody's.
func (s *Service) AccountMade(ctx context.Context, tx *db.Tx, p Person) error {
	return insert(ctx, tx, row{
		ID: p.ID, Kind: social.Person, Handle: p.Handle, Name: p.Name, Defaults: social.Defaults{Language: p.Lang}, State: p.state(), CreatedAt: s.now().UTC(),
	})
}

// AccountChanged takes over the name and state of an account that changed; the profile of one that was erased goes.
func (s *Service) AccountChanged(ctx context.Context, tx *db.Tx, p Person) error {
	if p.Erased {
		return s.remove(ctx, tx, p.ID)
	}
	return s.takeOver(ctx, tx, row{ID: p.ID, Name: p.Name, State: p.state()})
}

// HandleTaken reports whether a restaurant or a group has a handle that somebody new would like; people's are known to their accounts.
func (s *Service) HandleTaken(ctx context.Context, tx *db.Tx, handle string) (bool, error) {
	return taken(ctx, tx, handle, 0)
}

// Shop is what a profile needs to know of a restaurant.
type Shop struct {
	ID     id.ID
	Slug   string
	Name   string
	Photo  string // URL path
	Active bool   // customers see it
}

// RestaurantSaved makes the profile of a restaurant, or takes over what has changed of it.
func (s *Service) RestaurantSaved(ctx context.Context, tx *db.Tx, shop Shop) error {
	r := row{ID: shop.ID, Kind: social.Restaurant, Page: "/r/" + shop.Slug, Photo: shop.Photo, Name: text.Clean(shop.Name, 80), State: here, CreatedAt: s.now().UTC()}
	if !shop.Active {
		r.State = hidden
	}
	_, err := get(ctx, tx, shop.ID)
	if err == nil {
		return s.takeOver(ctx, tx, r)
	}
	if !errors.Is(err, db.ErrNoRow) {
		return err
	}
	handle, other := handleFor(shop.Slug, shop.ID)
	free, err := s.free(ctx, tx, handle)
	if err != nil {
		return err
	}
	if r.Handle = handle; !free {
		r.Handle = other
	}
	return insert(ctx, tx, r)
}

// free reports whether nobody has, or had, a handle.
func (s *Service) free(ctx context.Context, tx *db.Tx, handle string) (bool, error) {
	has, err := taken(ctx, tx, handle, 0)
	if err != nil || has || s.opt.Gone == nil {
		return !has, err
	}
	gone, err := s.opt.Gone(ctx, tx, handle)
	return !gone, err
}

// NewGroup is the profile of a group to be made.
type NewGroup struct {
	ID     id.ID
	Handle string
	Name   string
	Page   string // path of its page
	Hidden bool
}

// AddGroup makes the profile of a group, in the transaction that makes the group. It returns an Invalid error about the field "handle" for one
// that is none or is taken.
func (s *Service) AddGroup(ctx context.Context, tx *db.Tx, in NewGroup) error {
	if !text.Handle(in.Handle) {
		return errs.InvalidField("handle", "Use 2 to 30 letters a–z, digits and _.")
	}
	free, err := s.free(ctx, tx, in.Handle)
	if err != nil {
		return err
	}
	if !free {
		return errTaken
	}
	st := here
	if in.Hidden {
		st = hidden
	}
	err = insert(ctx, tx, row{ID: in.ID, Kind: social.OfGroup, Handle: in.Handle, Page: in.Page, Name: in.Name, State: st, CreatedAt: s.now().UTC()})
	if db.IsUnique(err) {
		return errTaken
	}
	if err != nil {
		return err
	}
	return s.announce(ctx, tx, in.ID)
}

// ChangeGroup takes over the name of a group, and whether it is hidden.
func (s *Service) ChangeGroup(ctx context.Context, tx *db.Tx, group id.ID, name string, isHidden bool) error {
	st := here
	if isHidden {
		st = hidden
	}
	return s.takeOver(ctx, tx, row{ID: group, Name: name, State: st})
}

// Remove deletes the profile of a group that is no more, in the caller's transaction.
func (s *Service) Remove(ctx context.Context, tx *db.Tx, profile id.ID) error {
	return s.remove(ctx, tx, profile)
}

func (s *Service) remove(ctx context.Context, tx *db.Tx, profile id.ID) error {
	pictures, was, err := remove(ctx, tx, profile)
	if err != nil || !was {
		return err
	}
	if len(pictures) > 0 {
		if err := s.opt.Unlink(ctx, tx, pictures); err != nil {
			return err
		}
	}
	return s.announce(ctx, tx, profile)
}

// takeOver stores the name, picture and state of what a profile stands for. What moderators suspended stays so.
func (s *Service) takeOver(ctx context.Context, tx *db.Tx, fresh row) error {
	r, err := own(ctx, tx, fresh.ID)
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.Kind != social.Person && r.State == suspended {
		fresh.State = suspended
	}
	if r.Name == fresh.Name && r.State == fresh.State && r.Photo == fresh.Photo {
		return nil
	}
	if err := rename(ctx, tx, fresh, s.now()); err != nil {
		return err
	}
	if r.Name != fresh.Name {
		if err := index(ctx, tx, r.ID, r.Handle, fresh.Name); err != nil {
			return err
		}
	}
	return s.announce(ctx, tx, r.ID)
}

// Moderate stores what moderators decided of a profile, in their transaction: limited, it is met only by its followers; guarded, all its
// media are sensitive. suspend is for restaurants and groups: people are suspended by their account. It returns a NotFound error for a profile
// that is not there.
func (s *Service) Moderate(ctx context.Context, tx *db.Tx, profile id.ID, limited, guarded, suspend bool) error {
	r, err := own(ctx, tx, profile)
	if errors.Is(err, db.ErrNoRow) {
		return errUnknown
	}
	if err != nil {
		return err
	}
	if r.Kind != social.Person {
		switch {
		case suspend:
			r.State = suspended
		case r.State == suspended:
			r.State = here
		}
	}
	if err := setModeration(ctx, tx, profile, r.State, limited, guarded, s.now()); err != nil {
		return err
	}
	return s.announce(ctx, tx, profile)
}

// Load makes profiles that a migration has made findable by their words.
func (s *Service) Load(ctx context.Context) error {
	for {
		n := 0
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			rows, err := unindexed(ctx, tx, 100)
			if err != nil {
				return err
			}
			n = len(rows)
			for _, r := range rows {
				if err := index(ctx, tx, r.ID, r.Handle, r.Name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Millisecond): // others write, too
		}
	}
}

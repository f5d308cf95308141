package menu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
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

// Part is a kind of thing on a card.
type Part string

// The parts of a card.
const (
	PartMenu    Part = "menu"
	PartSection Part = "section"
	PartItem    Part = "item"
	PartGroup   Part = "group"
)

// SaveMenu changes a menu, or adds one where menu is 0, and returns its id.
func (s *Service) SaveMenu(ctx context.Context, actor access.Actor, restaurant, menu id.ID, in MenuInput) (id.ID, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return 0, err
	}
	if err := in.check(); err != nil {
		return 0, err
	}
	fresh := menu == 0
	if fresh {
		menu = s.ids.Next()
	}
	return menu, s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		if !fresh {
			return found(updateMenu(ctx, tx, restaurant, menu, in))
		}
		if err := room(ctx, tx, PartMenu, restaurant, MaxMenus); err != nil {
			return err
		}
		at, err := behind(ctx, tx, PartMenu, restaurant, restaurant)
		if err != nil {
			return err
		}
		return insertMenu(ctx, tx, restaurant, menu, at, in)
	})
}

// SaveSection changes a section, or adds one where section is 0, and returns its id.
func (s *Service) SaveSection(ctx context.Context, actor access.Actor, restaurant, section id.ID, in SectionInput) (id.ID, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return 0, err
	}
	if err := in.check(); err != nil {
		return 0, err
	}
	fresh := section == 0
	if fresh {
		section = s.ids.Next()
	}
	return section, s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		if in.Menu != 0 {
			if err := known(ctx, tx, PartMenu, restaurant, in.Menu, "menu"); err != nil {
				return err
			}
		}
		if !fresh {
			return found(updateSection(ctx, tx, restaurant, section, in))
		}
		if err := room(ctx, tx, PartSection, restaurant, MaxSections); err != nil {
			return err
		}
		if in.Menu == 0 {
			var err error
			if in.Menu, err = s.firstMenu(ctx, tx, restaurant); err != nil {
				return err
			}
		}
		at, err := behind(ctx, tx, PartSection, restaurant, in.Menu)
		if err != nil {
			return err
		}
		return insertSection(ctx, tx, restaurant, section, at, in)
	})
}

// firstMenu returns the first menu of the card, and makes one where there is none: most restaurants have one menu and never name it.
func (s *Service) firstMenu(ctx context.Context, tx *db.Tx, restaurant id.ID) (id.ID, error) {
	menus, err := siblings(ctx, tx, PartMenu, restaurant, restaurant)
	if err != nil || len(menus) > 0 {
		return first(menus), err
	}
	menu := s.ids.Next()
	return menu, insertMenu(ctx, tx, restaurant, menu, 1, MenuInput{Name: DefaultName})
}

// DefaultName is what a menu or section is called that nobody named.
const DefaultName = "Menu"

// AddItem adds an item at the end of its section and returns its id.
func (s *Service) AddItem(ctx context.Context, actor access.Actor, restaurant id.ID, in ItemInput) (id.ID, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return 0, err
	}
	if err := in.check(); err != nil {
		return 0, err
	}
	item := s.ids.Next()
	return item, s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		if err := room(ctx, tx, PartItem, restaurant, MaxItems); err != nil {
			return err
		}
		if err := s.refs(ctx, tx, restaurant, &in); err != nil {
			return err
		}
		if err := s.appendItem(ctx, tx, restaurant, item, in); err != nil {
			return err
		}
		return s.putStock(ctx, tx, restaurant, item, in.Stock)
	})
}

// EditItem changes what the patch names about an item.
func (s *Service) EditItem(ctx context.Context, actor access.Actor, restaurant, item id.ID, p ItemPatch) error {
	if err := mayManage(actor, restaurant); err != nil {
		return err
	}
	return s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		it, err := loadItem(ctx, tx, restaurant, item)
		if errors.Is(err, db.ErrNoRow) {
			return errNoItem
		}
		if err != nil {
			return err
		}
		in := p.over(it)
		if err := in.check(); err != nil {
			return err
		}
		if err := s.refs(ctx, tx, restaurant, &in); err != nil {
			return err
		}
		if in.Section != it.Section {
			if err := reparent(ctx, tx, PartItem, restaurant, item, in.Section); err != nil {
				return err
			}
		}
		if err := found(updateItem(ctx, tx, restaurant, item, in)); err != nil {
			return err
		}
		return s.putStock(ctx, tx, restaurant, item, in.Stock)
	})
}

// over returns the item with the patch's changes.
func (p *ItemPatch) over(it *Item) ItemInput {
	in := ItemInput{
		Section: it.Section, Name: it.Name, Description: it.Description, Price: it.Price, Tax: it.Tax, Photo: it.Photo,
		Allergens: it.Allergens, Diets: it.Diets, Hidden: it.Hidden, Groups: it.Groups, Stock: p.Stock,
	}
	set(&in.Section, p.Section)
	set(&in.Name, p.Name)
	set(&in.Description, p.Description)
	set(&in.Price, p.Price)
	set(&in.Tax, p.Tax)
	set(&in.Photo, p.Photo)
	set(&in.Allergens, p.Allergens)
	set(&in.Diets, p.Diets)
	set(&in.Hidden, p.Hidden)
	set(&in.Groups, p.Groups)
	return in
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// CopyItem adds a copy of an item behind the last of a section (0: its own), uncounted, and returns the copy's id.
func (s *Service) CopyItem(ctx context.Context, actor access.Actor, restaurant, item, section id.ID) (id.ID, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return 0, err
	}
	fresh := s.ids.Next()
	return fresh, s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		if err := room(ctx, tx, PartItem, restaurant, MaxItems); err != nil {
			return err
		}
		it, err := loadItem(ctx, tx, restaurant, item)
		if errors.Is(err, db.ErrNoRow) {
			return errNoItem
		}
		if err != nil {
			return err
		}
		in := (&ItemPatch{}).over(it)
		if section != 0 {
			in.Section = section
		}
		if in.Section == it.Section {
			in.Name = text.Clean(it.Name, maxName-7) + " (copy)"
		}
		if err := s.refs(ctx, tx, restaurant, &in); err != nil {
			return err
		}
		return s.appendItem(ctx, tx, restaurant, fresh, in)
	})
}

// appendItem adds an item behind the last of its section.
func (s *Service) appendItem(ctx context.Context, tx *db.Tx, restaurant, item id.ID, in ItemInput) error {
	at, err := behind(ctx, tx, PartItem, restaurant, in.Section)
	if err != nil {
		return err
	}
	return insertItem(ctx, tx, restaurant, item, at, in)
}

// refs checks that an item's section and option groups are on the card, and drops groups that were deleted since they were chosen.
func (s *Service) refs(ctx context.Context, tx *db.Tx, restaurant id.ID, in *ItemInput) error {
	if err := known(ctx, tx, PartSection, restaurant, in.Section, "section"); err != nil {
		return err
	}
	if len(in.Groups) == 0 {
		return nil
	}
	groups, err := siblings(ctx, tx, PartGroup, restaurant, restaurant)
	if err != nil {
		return err
	}
	kept := []id.ID{}
	for _, g := range in.Groups {
		if slices.Contains(groups, g) && !slices.Contains(kept, g) {
			kept = append(kept, g)
		}
	}
	in.Groups = kept
	return nil
}

// SaveGroup changes an option group and all of its options, or adds one where group is 0, and returns its id.
func (s *Service) SaveGroup(ctx context.Context, actor access.Actor, restaurant, group id.ID, in GroupInput) (id.ID, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return 0, err
	}
	if err := in.check(); err != nil {
		return 0, err
	}
	fresh := group == 0
	if fresh {
		group = s.ids.Next()
	}
	return group, s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		if !fresh {
			if err := found(updateGroup(ctx, tx, restaurant, group, in)); err != nil {
				return err
			}
			return s.saveOptions(ctx, tx, restaurant, group, in.Options)
		}
		if err := room(ctx, tx, PartGroup, restaurant, MaxGroups); err != nil {
			return err
		}
		if err := insertGroup(ctx, tx, restaurant, group, in); err != nil {
			return err
		}
		return s.saveOptions(ctx, tx, restaurant, group, in.Options)
	})
}

// saveOptions makes a group's options those that are given, in their order.
func (s *Service) saveOptions(ctx context.Context, tx *db.Tx, restaurant, group id.ID, options []OptionInput) error {
	old, err := optionIDs(ctx, tx, restaurant, group)
	if err != nil {
		return err
	}
	for i, o := range options {
		at := slices.Index(old, o.ID)
		if o.ID != 0 && at < 0 {
			return errs.InvalidField(fmt.Sprintf("options[%d].id", i), "This group has no such option.")
		}
		if o.ID == 0 {
			o.ID = s.ids.Next()
			err = insertOption(ctx, tx, restaurant, group, i, o)
		} else {
			old = slices.Delete(old, at, at+1)
			err = updateOption(ctx, tx, restaurant, i, o)
		}
		if err != nil {
			return err
		}
		if err := s.putStock(ctx, tx, restaurant, o.ID, o.Stock); err != nil {
			return err
		}
	}
	for _, gone := range old {
		if err := deleteOption(ctx, tx, restaurant, gone); err != nil {
			return err
		}
	}
	return nil
}

// putStock sets what is left of a thing: nil leaves it, -1 ends the counting.
func (s *Service) putStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, n *int64) error {
	switch {
	case n == nil:
		return nil
	case *n < 0:
		return dropStock(ctx, tx, restaurant, thing)
	}
	return setStock(ctx, tx, restaurant, thing, *n)
}

// Delete takes a part and what is below it off the card. Restore brings it back until it is purged a month later.
func (s *Service) Delete(ctx context.Context, actor access.Actor, restaurant id.ID, part Part, thing id.ID) error {
	return s.mark(ctx, actor, restaurant, part, thing, false)
}

// Restore brings back what was deleted.
func (s *Service) Restore(ctx context.Context, actor access.Actor, restaurant id.ID, part Part, thing id.ID) error {
	return s.mark(ctx, actor, restaurant, part, thing, true)
}

func (s *Service) mark(ctx context.Context, actor access.Actor, restaurant id.ID, part Part, thing id.ID, back bool) error {
	if err := mayManage(actor, restaurant); err != nil {
		return err
	}
	if tables[part].name == "" {
		return errNoPart
	}
	return s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		if back {
			return found(undelete(ctx, tx, part, restaurant, thing))
		}
		return found(softDelete(ctx, tx, part, restaurant, thing, s.now()))
	})
}

// Move is where a part goes: Step places down (up where negative), or to Index among those of To (0: where it is now).
type Move struct {
	To    id.ID
	Index int
	Step  int // not 0: Index does not count
}

// Reorder moves a menu, a section or an item. A section moves to another menu, an item to another section, by To.
func (s *Service) Reorder(ctx context.Context, actor access.Actor, restaurant id.ID, part Part, thing id.ID, m Move) error {
	if err := mayManage(actor, restaurant); err != nil {
		return err
	}
	if tables[part].parent == "" {
		return errNoPart
	}
	return s.change(ctx, actor, restaurant, "card", func(tx *db.Tx) error {
		parent, err := parentOf(ctx, tx, part, restaurant, thing)
		if errors.Is(err, db.ErrNoRow) {
			return errNoPart
		}
		if err != nil {
			return err
		}
		if m.To != 0 && m.To != parent && part != PartMenu {
			if err := known(ctx, tx, tables[part].above, restaurant, m.To, "to"); err != nil {
				return err
			}
			if err := reparent(ctx, tx, part, restaurant, thing, m.To); err != nil {
				return err
			}
			parent = m.To
		}
		ids, err := siblings(ctx, tx, part, restaurant, parent)
		if err != nil {
			return err
		}
		return place(ctx, tx, part, restaurant, moved(ids, thing, m))
	})
}

// moved returns ids with thing in its new place.
func moved(ids []id.ID, thing id.ID, m Move) []id.ID {
	at := slices.Index(ids, thing)
	to := m.Index
	if m.Step != 0 {
		to = at + m.Step
	}
	to = min(max(to, 0), len(ids)-1)
	return slices.Insert(slices.Delete(slices.Clone(ids), at, at+1), to, thing)
}

// noSuch and tooMany say about a part that there is none, and that there is room for no more.
var (
	noSuch = map[Part]string{
		PartMenu: i18n.Key("There is no such menu on this card."), PartSection: i18n.Key("There is no such section on this card."),
		PartItem: i18n.Key("There is no such dish on this card."), PartGroup: i18n.Key("There is no such option group on this card."),
	}
	tooMany = map[Part]string{
		PartMenu: i18n.Key("A card has at most %d menus."), PartSection: i18n.Key("A card has at most %d sections."),
		PartItem: i18n.Key("A card has at most %d dishes."), PartGroup: i18n.Key("A card has at most %d option groups."),
	}
)

// known returns an Invalid error about the field where the part is not on the card.
func known(ctx context.Context, tx *db.Tx, part Part, restaurant, thing id.ID, field string) error {
	ok, err := has(ctx, tx, part, restaurant, thing)
	if err == nil && !ok {
		return errs.InvalidFields([]errs.Field{{Path: field, Message: noSuch[part]}})
	}
	return err
}

// room returns an Invalid error where the card has as many of a part as it may have.
func room(ctx context.Context, tx *db.Tx, part Part, restaurant id.ID, most int) error {
	n, err := count(ctx, tx, part, restaurant)
	if err == nil && n >= most {
		return errs.InvalidField("body", tooMany[part], most)
	}
	return err
}

// found turns "no row changed" into an error for the person.
func found(n int64, err error) error {
	if err == nil && n == 0 {
		return errNoPart
	}
	return err
}

func first(ids []id.ID) id.ID {
	if len(ids) == 0 {
		return 0
	}
	return ids[0]
}

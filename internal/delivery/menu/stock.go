package menu

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// CheckMenu returns a Conflict error with code "changed" where the card is no longer at the given version. On success the card stays as it
// is until tx ends.
func (s *Service) CheckMenu(ctx context.Context, tx *db.Tx, restaurant id.ID, version int64) error {
	now, err := holdVersion(ctx, tx, restaurant)
	if err != nil {
		return fmt.Errorf("menu: check the version: %w", err)
	}
	if now != version {
		s.cache.invalidate(restaurant) // the news is still on its way here: who quotes again must not get the old card again
		return errs.New(errs.Conflict, "The menu has just changed. Please look at your order again.").WithCode("changed")
	}
	return nil
}

// want is what one order takes of one item or option.
type want struct {
	thing id.ID
	qty   int64
	path  string // of the first line that wants it
	item  id.ID  // the dish of that line
}

// wants sums portions by item and option, ordered by id: whoever takes several rows takes them in the same order, so that two orders never
// wait for each other.
func wants(portions []delivery.Portion) []want {
	at := map[id.ID]int{}
	var out []want
	add := func(thing id.ID, qty int64, path string, item id.ID) {
		i, seen := at[thing]
		if !seen {
			i = len(out)
			at[thing] = i
			out = append(out, want{thing: thing, path: path, item: item})
		}
		out[i].qty += qty
	}
	for _, p := range portions {
		qty := int64(p.Qty)
		add(p.Item, qty, p.Path+".qty", p.Item)
		for _, c := range p.Options {
			add(c.Option, qty*int64(max(c.Qty, 1)), p.Path+".options", p.Item)
		}
	}
	slices.SortFunc(out, func(a, b want) int { return cmp.Compare(a.thing, b.thing) })
	return out
}

// counted leaves of the wants those whose stock is counted. It costs no statement where the card in memory is the newest this node has
// heard of: whether something is counted is part of the card's version, which CheckMenu compares in the same transaction.
func (s *Service) counted(ctx context.Context, tx *db.Tx, restaurant id.ID, all []want) ([]want, error) {
	stock := map[id.ID]int64(nil)
	if snap := s.cache.current(restaurant); snap != nil {
		stock = snap.card.Stock
	} else {
		var err error
		if stock, err = loadStock(ctx, tx, restaurant); err != nil {
			return nil, fmt.Errorf("menu: read the stock: %w", err)
		}
	}
	if len(stock) == 0 {
		return nil, nil
	}
	return slices.DeleteFunc(all, func(w want) bool {
		_, ok := stock[w.thing]
		return !ok || w.qty <= 0
	}), nil
}

// Take takes portions from what is left, within the transaction that places the order. Where something does not suffice it returns a
// Conflict error with code "sold_out" that names each line at fault; tx must then be rolled back. Call CheckMenu before it.
func (s *Service) Take(ctx context.Context, tx *db.Tx, restaurant id.ID, portions []delivery.Portion) error {
	counted, err := s.counted(ctx, tx, restaurant, wants(portions))
	if err != nil || len(counted) == 0 {
		return err
	}
	var short []errs.Field
	ranOut := false
	for _, w := range counted {
		left, ok, err := takeStock(ctx, tx, restaurant, w.thing, w.qty)
		if err != nil {
			return fmt.Errorf("menu: take %d of %d: %w", w.qty, w.thing, err)
		}
		switch {
		case ok:
			ranOut = ranOut || left == 0
		case left >= 0:
			short = append(short, s.shortage(restaurant, w, left))
		}
	}
	if len(short) > 0 {
		// What this node shows is behind: the next look reads the numbers anew.
		s.cache.stockMoved(restaurant)
		first := short[0]
		return &errs.Error{Kind: errs.Conflict, Code: "sold_out", Message: first.Message, Format: first.Format, Args: first.Args, Fields: short}
	}
	return s.stockChanged(ctx, tx, restaurant, ranOut)
}

// Give puts portions back, within the transaction that cancels the order.
func (s *Service) Give(ctx context.Context, tx *db.Tx, restaurant id.ID, portions []delivery.Portion) error {
	counted, err := s.counted(ctx, tx, restaurant, wants(portions))
	if err != nil || len(counted) == 0 {
		return err
	}
	back := false
	for _, w := range counted {
		left, err := giveStock(ctx, tx, restaurant, w.thing, w.qty)
		if err != nil {
			return fmt.Errorf("menu: give back %d of %d: %w", w.qty, w.thing, err)
		}
		back = back || left == w.qty
	}
	return s.stockChanged(ctx, tx, restaurant, back)
}

// stockChanged notes that counts are different now. Everybody is told at once only where something ran out or came back.
func (s *Service) stockChanged(ctx context.Context, tx *db.Tx, restaurant id.ID, tell bool) error {
	tx.AfterCommit(func() { s.cache.stockMoved(restaurant) })
	if !tell {
		return nil
	}
	version, err := versionOf(ctx, tx, restaurant)
	if err != nil {
		return fmt.Errorf("menu: read the version: %w", err)
	}
	return s.log.Append(ctx, tx, s.now(), access.From(ctx).ID, delivery.MenuChanged{Restaurant: restaurant, Version: version, What: "stock"})
}

// shortage says that a want could not be met.
func (s *Service) shortage(restaurant id.ID, w want, left int64) errs.Field {
	name := ""
	if snap := s.cache.any(restaurant); snap != nil {
		if it := snap.menu.Items[w.item]; it != nil {
			name = it.Name
			for _, g := range it.Groups {
				for _, o := range g.Options {
					if o.ID == w.thing {
						name = o.Name
					}
				}
			}
		}
	}
	switch {
	case name == "" && left == 0:
		return errs.FieldOf(w.path, "This dish is sold out.")
	case name == "":
		return errs.FieldOf(w.path, "Only %d of this dish left.", left)
	case left == 0:
		return errs.FieldOf(w.path, "%s is sold out.", upper(name))
	}
	return errs.FieldOf(w.path, "Only %d of %s left.", left, name)
}

// SellOut marks items or options as sold out for the rest of the day, within the transaction that refuses an order because of them. Ids
// that are not on the card are passed over.
func (s *Service) SellOut(ctx context.Context, tx *db.Tx, restaurant id.ID, things []id.ID) error {
	shop, err := s.shops.Shop(ctx, restaurant)
	if err != nil || len(things) == 0 {
		return err
	}
	until := Tomorrow(s.now(), shop.Loc)
	things = slices.Clone(things)
	slices.Sort(things)
	return s.changeIn(ctx, tx, access.From(ctx).ID, restaurant, "stock", func(tx *db.Tx) error {
		for _, thing := range slices.Compact(things) {
			if err := raiseOut(ctx, tx, restaurant, thing, until); err != nil {
				return fmt.Errorf("menu: sell out %d: %w", thing, err)
			}
		}
		return nil
	})
}

// Availability says how an item or option can be had from now on. What is nil stays as it is.
type Availability struct {
	SoldOut *time.Time // sold out until then (delivery.Forever: until somebody says otherwise); the zero time: to be had again
	Stock   *int64     // portions left; -1: no longer counted
	Was     *int64     // the count that the person saw when they chose Stock: what was sold since then stays sold
}

// Set changes how an item or option can be had. To have it again while nothing of it is left ends its counting. Whoever works at the
// restaurant may. It returns a NotFound error for a thing that is not on the card.
func (s *Service) Set(ctx context.Context, actor access.Actor, restaurant, thing id.ID, a Availability) error {
	if err := mayWork(actor, restaurant); err != nil {
		return err
	}
	if a.Stock != nil && (*a.Stock < -1 || *a.Stock > MaxStock) {
		return errs.InvalidField("stock", "Count between 0 and 1,000,000 portions.")
	}
	return s.change(ctx, actor, restaurant, "stock", func(tx *db.Tx) error {
		ok, err := hasThing(ctx, tx, restaurant, thing)
		if err != nil {
			return fmt.Errorf("menu: find %d: %w", thing, err)
		}
		if !ok {
			return errNoOption
		}
		if err := s.set(ctx, tx, restaurant, thing, a); err != nil {
			return fmt.Errorf("menu: set availability of %d: %w", thing, err)
		}
		return nil
	})
}

func (s *Service) set(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, a Availability) error {
	if a.SoldOut != nil {
		if _, err := setOut(ctx, tx, restaurant, thing, *a.SoldOut); err != nil {
			return err
		}
		if a.SoldOut.IsZero() && a.Stock == nil {
			return dropEmptyStock(ctx, tx, restaurant, thing)
		}
	}
	switch {
	case a.Stock == nil:
		return nil
	case *a.Stock < 0:
		return dropStock(ctx, tx, restaurant, thing)
	case a.Was != nil && *a.Was >= 0:
		n, err := moveStock(ctx, tx, restaurant, thing, *a.Stock-*a.Was)
		if n > 0 || err != nil {
			return err
		}
	}
	return setStock(ctx, tx, restaurant, thing, *a.Stock)
}

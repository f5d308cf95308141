package menu

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// stockEvery is how old the numbers of portions left may get while orders move them. They only advise: the rows decide.
const stockEvery = time.Second

// snapshot is one version of a card with the stock of one moment. Never changed.
type snapshot struct {
	card *Card
	menu *delivery.Menu
	read time.Time // when the stock was read
	gen  int64     // the entry's generation when the card was read
	body atomic.Pointer[encoded]
}

// entry is a restaurant's place in the cache.
type entry struct {
	load  sync.Mutex // held by the one who reads the card
	snap  atomic.Pointer[snapshot]
	gen   atomic.Int64 // grows whenever the card may have changed
	moved atomic.Bool  // the stock may have changed
	now   atomic.Bool  // and somebody has to see it at once
}

// cache holds the cards that somebody asked for. The zero cache is empty.
type cache struct{ entries sync.Map } // id.ID → *entry

func (c *cache) entry(restaurant id.ID) *entry {
	if e, ok := c.entries.Load(restaurant); ok {
		return e.(*entry)
	}
	e, _ := c.entries.LoadOrStore(restaurant, &entry{})
	return e.(*entry)
}

// invalidate has the card read anew by the next who asks.
func (c *cache) invalidate(restaurant id.ID) {
	if e, ok := c.entries.Load(restaurant); ok {
		e.(*entry).gen.Add(1)
	}
}

// stockMoved has the stock read anew by the next who asks, at most every stockEvery.
func (c *cache) stockMoved(restaurant id.ID) {
	if e, ok := c.entries.Load(restaurant); ok {
		e.(*entry).moved.Store(true)
	}
}

// heard takes in an event: a new version, or a stock that ran out or came back.
func (c *cache) heard(e delivery.MenuChanged) {
	v, ok := c.entries.Load(e.Restaurant)
	if !ok {
		return
	}
	en := v.(*entry)
	if snap := en.snap.Load(); snap == nil || snap.card.Version != e.Version {
		en.gen.Add(1)
		return
	}
	en.now.Store(true)
	en.moved.Store(true)
}

// current returns the card where it is the newest this node has heard of, else nil.
func (c *cache) current(restaurant id.ID) *snapshot {
	v, ok := c.entries.Load(restaurant)
	if !ok {
		return nil
	}
	e := v.(*entry)
	if snap := e.snap.Load(); snap != nil && snap.gen == e.gen.Load() {
		return snap
	}
	return nil
}

// any returns the card as it was last read, or nil.
func (c *cache) any(restaurant id.ID) *snapshot {
	if v, ok := c.entries.Load(restaurant); ok {
		return v.(*entry).snap.Load()
	}
	return nil
}

func (e *entry) fresh(now time.Time) *snapshot {
	snap := e.snap.Load()
	if snap == nil || snap.gen != e.gen.Load() {
		return nil
	}
	if e.moved.Load() && len(snap.card.Stock) > 0 && (e.now.Load() || now.Sub(snap.read) >= stockEvery || now.Before(snap.read)) {
		return nil
	}
	return snap
}

// Menu returns the newest version of a restaurant's card that this node has heard of. It is shared: nobody changes it. It returns a
// NotFound error for an unknown restaurant; a restaurant without a card has an empty one.
func (s *Service) Menu(ctx context.Context, restaurant id.ID) (*delivery.Menu, error) {
	snap, err := s.snapshot(ctx, restaurant)
	if err != nil {
		return nil, err
	}
	return snap.menu, nil
}

func (s *Service) snapshot(ctx context.Context, restaurant id.ID) (*snapshot, error) {
	if v, ok := s.cache.entries.Load(restaurant); ok {
		if snap := v.(*entry).fresh(s.now()); snap != nil {
			return snap, nil
		}
	} else if _, err := s.shops.Shop(ctx, restaurant); err != nil {
		return nil, err
	}
	e := s.cache.entry(restaurant)
	e.load.Lock()
	defer e.load.Unlock()
	if snap := e.fresh(s.now()); snap != nil {
		return snap, nil // somebody else has read it while we waited
	}
	snap, err := s.read(ctx, e, restaurant)
	if err != nil {
		return nil, fmt.Errorf("menu: read the card of %d: %w", restaurant, err)
	}
	e.snap.Store(snap)
	return snap, nil
}

// read reads the card, or only its stock where the card is still the newest.
func (s *Service) read(ctx context.Context, e *entry, restaurant id.ID) (*snapshot, error) {
	// Before the reading: what changes meanwhile must count as not seen.
	gen := e.gen.Load()
	e.now.Store(false)
	e.moved.Store(false)
	old := e.snap.Load()
	var card *Card
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if old != nil && old.gen == gen {
			kept := *old.card
			kept.Stock, err = loadStock(ctx, tx, restaurant)
			card = &kept
			return err
		}
		if card, err = loadCard(ctx, tx, restaurant); err != nil {
			return err
		}
		return card.parse()
	})
	if err != nil {
		e.moved.Store(true)
		return nil, err
	}
	return &snapshot{card: card, menu: card.compile(), read: s.now(), gen: gen}, nil
}

// parse reads the hours of menus and sections.
func (c *Card) parse() error {
	schedule := func(text string) (*hours.Schedule, error) {
		if text == "" {
			return nil, nil //nolint:nilnil // no hours: whenever the restaurant is open
		}
		sched, err := hours.Parse(text)
		return &sched, err
	}
	var err error
	for _, m := range c.Menus {
		if m.schedule, err = schedule(m.Hours); err != nil {
			return fmt.Errorf("menu %d: %w", m.ID, err)
		}
		for _, s := range m.Sections {
			if s.schedule, err = schedule(s.Hours); err != nil {
				return fmt.Errorf("section %d: %w", s.ID, err)
			}
			if s.Hours == "" {
				s.schedule = m.schedule
			}
		}
	}
	return nil
}

// compile returns the card as customers and quotes see it.
func (c *Card) compile() *delivery.Menu {
	out := &delivery.Menu{Restaurant: c.Restaurant, Version: c.Version, Items: map[id.ID]*delivery.Item{}}
	left := func(thing id.ID) int64 {
		if n, ok := c.Stock[thing]; ok {
			return n
		}
		return -1
	}
	groups := map[id.ID]*delivery.OptionGroup{}
	for _, g := range c.Groups {
		og := &delivery.OptionGroup{ID: g.ID, Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule}
		for _, o := range g.Options {
			og.Options = append(og.Options, &delivery.Option{ID: o.ID, Name: o.Name, Price: o.Price, OutUntil: o.OutUntil, Stock: left(o.ID)})
		}
		groups[g.ID] = og
	}
	twice := c.ambiguous()
	for _, m := range c.Menus {
		for _, s := range m.Sections {
			sec := &delivery.Section{ID: s.ID, Name: s.Name, Note: s.Note, Hours: s.schedule}
			if twice[strings.ToLower(s.Name)] {
				sec.Name += " (" + m.Name + ")"
			}
			for _, it := range s.Items {
				item := &delivery.Item{
					ID: it.ID, Section: sec, Name: it.Name, Description: it.Description, Price: it.Price, Tax: it.Tax, Photo: it.Photo,
					Allergens: it.Allergens, Diets: it.Diets, Hidden: it.Hidden, OutUntil: it.OutUntil, Stock: left(it.ID),
				}
				for _, g := range it.Groups {
					if og := groups[g]; og != nil {
						item.Groups = append(item.Groups, og)
					}
				}
				sec.Items = append(sec.Items, item)
				out.Items[it.ID] = item
			}
			out.Sections = append(out.Sections, sec)
		}
	}
	return out
}

// ambiguous returns the names, in lower case, that sections of several menus share.
func (c *Card) ambiguous() map[string]bool {
	in := map[string]id.ID{}
	twice := map[string]bool{}
	for _, m := range c.Menus {
		for _, s := range m.Sections {
			name := strings.ToLower(s.Name)
			if other, ok := in[name]; ok && other != m.ID {
				twice[name] = true
			}
			in[name] = m.ID
		}
	}
	return twice
}

package demo

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/order"
)

// The demo's page is told of news at most so often, in real time: faster than one line at a time nobody reads.
const (
	newsEvery = 1400 * time.Millisecond
	newsShown = 9
)

// news is one line of what has just happened.
type news struct {
	seq  int
	At   time.Time
	Icon string
	Text i18n.Phrase // what comes before the code
	Code string
	Tail i18n.Phrase // and after it; may be empty
	Href string
	Shop string
}

// feed keeps what the demo's page shows of the town.
type feed struct {
	d *Demo

	mu        sync.Mutex
	placed    map[id.ID]time.Time
	lines     []news // newest first
	waiting   []news
	told      time.Time // real
	seq       int
	dirty     bool
	day       int // of the year, of which brought counts
	brought   int
	minutes   []float64 // from order to door, the last few
	orders    int
	delivered int
	cancelled int
}

func newFeed(d *Demo) *feed { return &feed{d: d, placed: map[id.ID]time.Time{}} }

func (f *feed) totals() (placed, delivered, cancelled int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.orders, f.delivered, f.cancelled
}

// add counts what has happened to an order and keeps it for the page.
func (f *feed) add(p delivery.Order, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty = true
	switch p.What {
	case delivery.OrderPlaced:
		f.orders++
		f.placed[p.Order] = at
	case delivery.OrderDelivered:
		f.delivered++
		if day := at.In(f.d.town.Location).YearDay(); day != f.day {
			f.day, f.brought = day, 0
		}
		f.brought++
		// Those ordered ahead say nothing about how quick the town is.
		if t, ok := f.placed[p.Order]; ok && at.Sub(t) < 90*time.Minute {
			f.minutes = append(f.minutes, at.Sub(t).Minutes())
			f.minutes = f.minutes[max(0, len(f.minutes)-25):]
		}
		delete(f.placed, p.Order)
	case delivery.OrderCancelled:
		f.cancelled++
		delete(f.placed, p.Order)
	}
	if n, ok := f.line(p, at); ok {
		f.waiting = append(f.waiting, n)
		f.waiting = f.waiting[max(0, len(f.waiting)-20):]
	}
}

// line writes an event as people tell it.
func (f *feed) line(p delivery.Order, at time.Time) (news, bool) {
	w := f.d.world
	if w == nil {
		return news{}, false
	}
	i, ok := w.byShop[p.Restaurant]
	if !ok {
		return news{}, false
	}
	shop := f.d.town.Restaurants[i]
	n := news{At: at, Code: p.Code, Href: "/r/" + shop.Slug, Shop: shop.Name}
	switch p.What {
	case delivery.OrderPlaced:
		n.Icon, n.Text, n.Code = "receipt-text", i18n.P("%s orders dinner", f.customer(p)), ""
	case delivery.OrderPreparing:
		n.Icon, n.Text, n.Tail = "chef-hat", i18n.P("has"), i18n.P("on the stove")
	case delivery.OrderReady:
		n.Icon, n.Text = "bell-ring", i18n.P("is ready with")
	case delivery.OrderDelayed:
		n.Icon, n.Text = "hourglass", i18n.P("needs a little longer for")
	case delivery.OrderPickedUp:
		n.Icon, n.Text, n.Tail = "bike", i18n.P("%s rides off with", f.courier(p)), i18n.P("for %s", f.customer(p))
	case delivery.OrderDelivered:
		n.Icon, n.Text, n.Code = "party-popper", i18n.P("Dinner is served at %s’s", f.customer(p)), ""
		if p.Mode == delivery.Pickup {
			n.Text = i18n.P("%s has collected dinner", f.customer(p))
		}
	case delivery.OrderFailed:
		n.Icon, n.Text, n.Tail = "door-open", i18n.P("Nobody opens for"), i18n.P("; the dispatcher sends it out again")
	case delivery.OrderCancelled:
		n.Icon, n.Text, n.Tail = "circle-x", i18n.P("Cancelled:"), i18n.P("(%s)", i18n.P(order.Reasoned(p.Reason).Text))
	default:
		return news{}, false
	}
	return n, true
}

func (f *feed) customer(p delivery.Order) i18n.Phrase {
	if i, ok := f.d.world.byNeighbour[p.Customer]; ok {
		return i18n.P("%s", given(f.d.town.Neighbours[i].Name))
	}
	return i18n.P("a guest")
}

func (f *feed) courier(p delivery.Order) i18n.Phrase {
	if i, ok := f.d.world.byCourier[p.Courier]; ok {
		return i18n.P("%s", given(f.d.town.Couriers[i].Name))
	}
	return i18n.P("A courier")
}

func given(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}

// show tells the page that there is news, when it is time: one line, of a kind that was not shown just before where there is one.
func (f *feed) show() {
	f.mu.Lock()
	if time.Since(f.told) < newsEvery || !f.dirty {
		f.mu.Unlock()
		return
	}
	f.told, f.dirty = time.Now(), false
	if n := len(f.waiting); n > 0 {
		best := n - 1
		for i := n - 1; i >= 0; i-- {
			if !slices.ContainsFunc(f.lines[:min(2, len(f.lines))], func(l news) bool { return l.Icon == f.waiting[i].Icon }) {
				best = i
				break
			}
		}
		f.seq++
		line := f.waiting[best]
		line.seq = f.seq
		f.lines = append([]news{line}, f.lines[:min(newsShown-1, len(f.lines))]...)
		f.waiting = nil
	}
	f.mu.Unlock()
	// Who is not connected misses it and fetches the whole when they are.
	if err := f.d.Hub.Send("demo:pulse", "demo.pulse", struct{}{}); err != nil {
		f.d.opt.Log.Debug("the demo's page was not told", "err", err)
	}
}

// pulse is what the page counts.
type pulse struct {
	Open    int
	Riding  int
	Brought int
	Minutes int // from order to door on average, 0: not known yet
	Now     time.Time
	Zone    *time.Location
	News    []news
}

func (f *feed) pulse() pulse {
	now := f.d.clock.Now()
	p := pulse{Now: now, Zone: f.d.town.Location}
	f.d.mu.Lock()
	for _, o := range f.d.orders {
		p.Open++
		if o.state == delivery.InDelivery {
			p.Riding++
		}
	}
	f.d.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.In(p.Zone).YearDay() == f.day {
		p.Brought = f.brought
	}
	sum := 0.0
	for _, m := range f.minutes {
		sum += m
	}
	if len(f.minutes) > 0 {
		p.Minutes = int(sum/float64(len(f.minutes)) + 0.5)
	}
	p.News = append(p.News, f.lines...)
	return p
}

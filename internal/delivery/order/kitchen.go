package order

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// kitchenPages registers the screen of those who cook.
func (p *pages) kitchenPages(rt *httpx.Router) {
	rt.Page("GET /kitchen/{slug}", httpx.May("order.read"), p.kitchenScreen)
	rt.Page("GET /kitchen/{slug}/live", httpx.May("order.read"), p.kitchenLive)
	rt.Page("GET /kitchen/{slug}/today", httpx.May("order.read"), p.kitchenToday)
	rt.Page("GET /kitchen/{slug}/ended", httpx.May("order.read"), p.kitchenEnded)
	rt.Page("GET /kitchen/{slug}/orders/{code}", httpx.May("order.read"), p.kitchenOrder)
	rt.Page("GET /kitchen/{slug}/orders/{code}/print", httpx.May("order.read"), p.kitchenPrint)
	rt.Page("GET /kitchen/{slug}/orders/{code}/{verb}", httpx.May("order.read"), p.kitchenAsk)
	rt.Page("POST /kitchen/{slug}/orders/{code}/{verb}", httpx.May("order.delay"), p.kitchenAct)
}

// board is what a kitchen has to do.
type board struct {
	shop    *delivery.Shop
	columns []column
}

type column struct {
	key, title, none string
	tickets          []ticket
}

// ticket is an order on the board.
type ticket struct {
	*View
	base    string // address of what can be done to it
	loc     *time.Location
	now     time.Time
	courier string          // first name
	counter time.Time       // when the courier will be at the counter, zero: not known
	refunds templ.Component // on the page of one order; nil: none
}

// dropped is how long a kitchen still sees that an order it was to cook has been cancelled, so that nobody goes on cooking it.
const dropped = 10 * time.Minute

// board returns what a restaurant has to do, for those who work there and the town: in each column the earliest promise first, so that a
// ticket keeps its place whatever happens to others.
func (p *pages) board(ctx context.Context, slug string) (*board, error) {
	shop, who, err := p.kitchen(ctx, slug)
	if err != nil {
		return nil, err
	}
	var rows []row
	now := p.Now()
	err = p.DB.Read(ctx, func(tx *db.Tx) error {
		if rows, err = kitchenRows(ctx, tx, shop.ID); err != nil {
			return err
		}
		ended, err := endedRows(ctx, tx, shop.ID, now.Add(-dropped), endedMost)
		if err != nil {
			return err
		}
		for _, r := range ended {
			if r.state == delivery.Cancelled && r.before != delivery.Created {
				rows = append(rows, r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(a.promiseFrom.Compare(b.promiseFrom), cmp.Compare(a.id, b.id))
	})
	views := make([]*View, len(rows))
	for i := range rows {
		b, err := p.bought.of(&rows[i])
		if err != nil {
			return nil, err
		}
		views[i] = p.view(ctx, &rows[i], b, who)
	}
	tickets, err := p.tickets(ctx, shop, views, now)
	if err != nil {
		return nil, err
	}
	b := &board{shop: shop, columns: []column{
		{key: "created", title: i18n.T(ctx, "New"), none: i18n.T(ctx, "New orders ring here.")},
		{key: "preparing", title: i18n.T(ctx, "Cooking"), none: i18n.T(ctx, "Nothing on the stove.")},
		{key: "ready", title: i18n.T(ctx, "Ready"), none: i18n.T(ctx, "The counter is empty.")},
		{key: "in_delivery", title: i18n.T(ctx, "On the way"), none: i18n.T(ctx, "Nobody is on the road.")},
	}}
	for i, t := range tickets {
		state := t.State
		if state == delivery.Cancelled {
			state = rows[i].before // it stays where it was
		}
		c := &b.columns[columnOf(state)]
		c.tickets = append(c.tickets, t)
	}
	return b, nil
}

// snapshots keeps what was bought by the orders that kitchens look at, decoded once on this node: nothing but forgetting changes it, and a
// busy board asks for the same thirty several times a minute. The zero value is ready to use.
type snapshots struct {
	mu    sync.Mutex
	known map[id.ID]decoded
}

// decoded is a snapshot and how long its text was: it becomes shorter when its person is forgotten.
type decoded struct {
	*Snapshot
	size int
}

// snapshotsKept bounds that memory, about 2 kB each; when it is full it begins anew.
const snapshotsKept = 4000

func (s *snapshots) of(r *row) (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, ok := s.known[r.id]; ok && d.size == len(r.snapshot) {
		return d.Snapshot, nil
	}
	b, err := r.bought()
	if err != nil {
		return nil, err
	}
	if s.known == nil || len(s.known) >= snapshotsKept {
		s.known = make(map[id.ID]decoded)
	}
	s.known[r.id] = decoded{b, len(r.snapshot)}
	return b, nil
}

func columnOf(s delivery.State) int {
	switch s {
	case delivery.Created:
		return 0
	case delivery.Confirmed, delivery.Preparing:
		return 1
	case delivery.Ready:
		return 2
	}
	return 3
}

// tickets adds to orders what the kitchen wants to know of their couriers.
func (p *pages) tickets(ctx context.Context, shop *delivery.Shop, views []*View, now time.Time) ([]ticket, error) {
	names := map[id.ID]string{}
	var awaited []id.ID
	for _, v := range views {
		if v.Courier == 0 {
			continue
		}
		if v.State != delivery.InDelivery {
			awaited = append(awaited, v.ID)
		}
		if _, known := names[v.Courier]; known {
			continue
		}
		name, err := p.People.Name(ctx, v.Courier)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		names[v.Courier] = firstName(name)
	}
	var counter map[id.ID]time.Time
	if p.AtCounter != nil && len(awaited) > 0 {
		var err error
		if counter, err = p.AtCounter(ctx, awaited); err != nil {
			return nil, err
		}
	}
	out := make([]ticket, len(views))
	for i, v := range views {
		out[i] = ticket{View: v, base: "/kitchen/" + shop.Slug + "/orders/" + v.Code, loc: shop.Loc, now: now, courier: names[v.Courier], counter: counter[v.ID]}
	}
	return out, nil
}

func (p *pages) kitchenScreen(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	b, err := p.board(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	t, err := p.today(ctx, b.shop)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, kitchenPage(b, t))
}

func (p *pages) kitchenLive(w http.ResponseWriter, r *http.Request) error {
	b, err := p.board(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, boardView(b))
}

// today is a restaurant's day so far, and how it takes orders.
type today struct {
	shop         *delivery.Shop
	figures      figures
	paused, rush time.Time
}

func (p *pages) today(ctx context.Context, shop *delivery.Shop) (today, error) {
	t := today{shop: shop}
	y, m, d := p.Now().In(shop.Loc).Date()
	err := p.DB.Read(ctx, func(tx *db.Tx) (err error) {
		t.figures, err = figuresOf(ctx, tx, shop.ID, time.Date(y, m, d, 0, 0, 0, 0, shop.Loc))
		return err
	})
	if err != nil || p.Pace == nil {
		return t, err
	}
	t.paused, t.rush, err = p.Pace(ctx, shop.ID)
	return t, err
}

func (p *pages) kitchenToday(w http.ResponseWriter, r *http.Request) error {
	shop, _, err := p.kitchen(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	t, err := p.today(r.Context(), shop)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, todayView(t))
}

func (p *pages) kitchenEnded(w http.ResponseWriter, r *http.Request) error {
	k, err := p.Kitchen(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	tickets, err := p.tickets(r.Context(), k.Shop, k.Ended, p.Now())
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, sheet(r, i18n.T(r.Context(), "Done and cancelled"), "/kitchen/"+k.Shop.Slug, endedView(tickets)))
}

// ticketOf returns an order of a restaurant, for those who work there and the town. Whoever may see the order for another reason does not
// see it here.
func (p *pages) ticketOf(r *http.Request) (ticket, error) {
	ctx := r.Context()
	shop, _, err := p.kitchen(ctx, r.PathValue("slug"))
	if err != nil {
		return ticket{}, err
	}
	v, err := p.ByCode(ctx, r.PathValue("code"))
	if err != nil {
		return ticket{}, err
	}
	if v.Restaurant.ID != shop.ID {
		return ticket{}, errNotFound
	}
	all, err := p.tickets(ctx, shop, []*View{v}, p.Now())
	if err != nil {
		return ticket{}, err
	}
	return all[0], nil
}

func (p *pages) kitchenOrder(w http.ResponseWriter, r *http.Request) error {
	t, err := p.ticketOf(r)
	if err != nil {
		return err
	}
	if p.Refunds != nil {
		if t.refunds, err = p.Refunds(r.Context(), t.ID); err != nil {
			return err
		}
	}
	return httpx.Render(w, r, http.StatusOK, sheet(r, t.Code, kitchenOf(t), orderDetail(t)))
}

func (p *pages) kitchenPrint(w http.ResponseWriter, r *http.Request) error {
	t, err := p.ticketOf(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, printPage(t))
}

// asks are the verbs that want to know more before they are done.
var asks = map[Verb]struct {
	title string
	form  func(ticket, error) templ.Component
}{
	Refuse:  {i18n.Key("Refuse"), refuseForm},
	Cancel:  {i18n.Key("Cancel order"), kitchenCancelForm},
	Delay:   {i18n.Key("Delay"), delayForm},
	Collect: {i18n.Key("Hand over"), collectForm},
}

func (p *pages) kitchenAsk(w http.ResponseWriter, r *http.Request) error {
	ask, ok := asks[Verb(r.PathValue("verb"))]
	if !ok {
		return errNotFound
	}
	t, err := p.ticketOf(r)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, sheet(r, i18n.T(r.Context(), ask.title)+" "+t.Code, kitchenOf(t), ask.form(t, nil)))
}

func kitchenOf(t ticket) string {
	back, _, _ := strings.Cut(t.base, "/orders/")
	return back
}

// kitchenForm is what the forms of the kitchen screen send, each some of it.
type kitchenForm struct {
	Shift   int      `form:"shift"`   // confirm: minutes later than the customer was told, or earlier
	Minutes int      `form:"minutes"` // delay
	Reason  string   `form:"reason"`
	Note    string   `form:"note"`
	Items   []string `form:"items"`
	Code    string   `form:"code"`
}

// kitchenAct does what a button says and answers with the board as it is then, and a sentence in the corner.
func (p *pages) kitchenAct(w http.ResponseWriter, r *http.Request) error {
	t, err := p.ticketOf(r)
	if err != nil {
		return err
	}
	verb := Verb(r.PathValue("verb"))
	said, err := p.act(w, r, t, verb)
	if err != nil && (!httpx.IsFragment(r) || !mendable(err)) {
		return err
	}
	if !httpx.IsFragment(r) {
		return httpx.Redirect(w, r, kitchenOf(t))
	}
	if ask, ok := asks[verb]; ok && err != nil && t.may(verb) { // came from the sheet, and can be mended there
		return httpx.Render(w, r, httpx.StatusOf(err), sheetDialog(i18n.T(r.Context(), ask.title)+" "+t.Code, ask.form(t, err)))
	}
	b, boardErr := p.board(r.Context(), r.PathValue("slug"))
	if boardErr != nil {
		return boardErr
	}
	status := http.StatusOK
	if err != nil {
		status, said = httpx.StatusOf(err), ui.ToastProps{Text: sentence(r.Context(), err)}
	}
	return httpx.Render(w, r, status, actedView(b, said))
}

// act does verb and returns what to say about it.
func (p *pages) act(w http.ResponseWriter, r *http.Request, t ticket, verb Verb) (ui.ToastProps, error) {
	var in kitchenForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return ui.ToastProps{}, err
	}
	ctx := r.Context()
	var err error
	said := ui.ToastProps{}
	undo := func(text string) {
		said = ui.ToastProps{Text: text, UndoHref: t.base + "/" + string(Restore)}
	}
	switch verb {
	case Confirm:
		_, err = p.Confirm(ctx, t.ID, minutesTo(t, in.Shift))
	case Prepare:
		_, err = p.Prepare(ctx, t.ID)
	case Finish:
		_, err = p.MarkReady(ctx, t.ID)
	case Delay:
		said.Text = i18n.T(ctx, "%s moved", t.Code)
		_, err = p.Delay(ctx, t.ID, Later{Minutes: in.Minutes, Note: in.Note})
	case Collect:
		said.Text = i18n.T(ctx, "%s handed over", t.Code)
		_, err = p.Collect(ctx, t.ID, in.Code)
	case Refuse:
		undo(i18n.T(ctx, "%s refused", t.Code))
		_, err = p.Refuse(ctx, t.ID, Why{Reason: in.Reason, Note: in.Note, Items: ids(in.Items)})
	case Cancel:
		undo(i18n.T(ctx, "%s cancelled", t.Code))
		_, err = p.Cancel(ctx, t.ID, Why{Reason: in.Reason, Note: in.Note})
	case Restore:
		said.Text = i18n.T(ctx, "%s is back", t.Code)
		if t.Reason == "SOLD_OUT" { // somebody else may have run out of it, too
			said.Text = i18n.T(ctx, "%s is back; what was marked sold out stays so", t.Code)
		}
		_, err = p.Restore(ctx, t.ID)
	default:
		return said, errNotFound
	}
	return said, err
}

// minutesTo returns in how many minutes an order is to be ready that was asked for at ReadyAt and is accepted shift minutes later than
// that; nil leaves it at what was asked for.
func minutesTo(t ticket, shift int) *int {
	if shift == 0 {
		return nil
	}
	n := int(math.Ceil(t.ReadyAt.Add(time.Duration(shift) * time.Minute).Sub(t.now).Minutes()))
	n = max(n, 0)
	return &n
}

// sentence returns what an error says to people.
func sentence(ctx context.Context, err error) string {
	if said := i18n.Error(ctx, err); said != "" {
		return said
	}
	return i18n.T(ctx, "That did not work. Try again in a moment.")
}

// ids reads the numbers that a form sends. What is none becomes 0, which no order contains.
func ids(words []string) []id.ID {
	out := make([]id.ID, len(words))
	for i, word := range words {
		out[i], _ = id.Parse(word)
	}
	return out
}

// allergyWords begin words that tell a cook to take care, in the languages that customers write here.
var allergyWords = []string{"allerg", "alerg", "intoler", "coeliac", "celiac", "zöliak", "anaphyl", "unverträg", "no nuts", "no peanuts", "nut free", "gluten"}

// allergic reports whether a customer's note is about an allergy, to be shown so that nobody misses it.
func allergic(note string) bool {
	note = strings.ToLower(note)
	return slices.ContainsFunc(allergyWords, func(w string) bool { return strings.Contains(note, w) })
}

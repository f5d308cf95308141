package group

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	const one = "/g/{token}"
	order, guest := httpx.May("order.place"), httpx.GuestOr("order.place")
	rt.Page("POST /group-orders", order, s.createForm)
	rt.Page("GET "+one, guest, s.showPage)
	rt.Page("POST "+one+"/join", guest, s.joinForm)
	rt.Page("POST "+one+"/add", guest, s.does(func(r *http.Request, token string, who Who) error { return s.AddCart(r.Context(), token, who) }))
	rt.Page("POST "+one+"/lines/{line}/delete", guest, s.does(func(r *http.Request, token string, who Who) error {
		return s.Remove(r.Context(), token, who, pathID(r, "line"))
	}))
	rt.Page("POST "+one+"/reopen", order, s.does(func(r *http.Request, token string, _ Who) error { return s.Reopen(r.Context(), token) }))
	rt.Page("POST "+one+"/close", order, s.does(func(r *http.Request, token string, _ Who) error { return s.Close(r.Context(), token) }))
	rt.Page("POST "+one+"/members/{member}/paid", order, s.does(func(r *http.Request, token string, _ Who) error {
		return s.SetPaid(r.Context(), token, pathID(r, "member"), r.FormValue("paid") == "1")
	}))
	rt.Page("POST "+one+"/checkout", order, s.checkoutForm)
	rt.Page("POST "+one+"/collect", order, s.collectForm)
	rt.Page("POST "+one+"/pay", order, s.payForm)
	rt.Page("GET "+one+"/paid", order, s.paidPage)
	rt.Raw("GET "+httpx.Prefix+"/group-orders/{token}/events", guest, s.events)

	op := func(method, path, name, summary string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: name, Summary: summary, Tags: []string{"Group orders"}, DefaultStatus: status, Security: []map[string][]string{{"bearer": {}}}}
	}
	httpx.Operation(rt, op("POST", "/group-orders", "open-group-order", "Open a group order at a restaurant", 201), order, s.restCreate)
	httpx.Operation(rt, op("GET", "/group-orders/{token}", "read-group-order", "A group order, for who holds its link", 200), order, s.restGet)
	httpx.Operation(rt, op("POST", "/group-orders/{token}/members", "join-group-order", "Take part in a group order", 200), order, s.restJoin)
	httpx.Operation(rt, op("POST", "/group-orders/{token}/lines", "add-group-lines", "Add dishes of mine", 200), order, s.restAdd)
	httpx.Operation(rt, op("DELETE", "/group-orders/{token}/lines/{line}", "delete-group-line", "Take a dish out: my own, or, as its host, any", 200), order, s.restRemove)
	httpx.Operation(rt, op("POST", "/group-orders/{token}/collect", "collect-group-shares", "As its host have everybody pay their own share before the order is placed", 200), order, s.restCollect)
	httpx.Operation(rt, op("POST", "/group-orders/{token}/share", "pay-group-share", "Pay my share, once", 200), order, s.restPay)
	httpx.Operation(rt, op("PUT", "/group-orders/{token}/state", "set-group-state", "As its host lock it (everything goes into my cart), open it again or give it up", 200), order, s.restState)
}

// whoIs returns who asks.
func whoIs(r *http.Request) Who {
	a := access.From(r.Context())
	w := Who{Account: a.ID, Name: a.Name}
	if c, err := r.Cookie(account.GuestCookie); err == nil && a.ID == 0 {
		w.Guest = c.Value
	}
	return w
}

// pathID reads an id of the path; what is none is 0, which nothing has.
func pathID(r *http.Request, name string) id.ID {
	n, _ := id.Parse(r.PathValue(name))
	return n
}

// does is a form that does one thing and shows the group order again.
func (s *Service) does(fn func(r *http.Request, token string, who Who) error) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := httpx.DecodeForm(w, r, &struct{}{}); err != nil { // reads the form and bounds it
			return err
		}
		return s.after(w, r, fn(r, r.PathValue("token"), whoIs(r)))
	}
}

// after shows a group order again, with what went wrong where a person can mend that.
func (s *Service) after(w http.ResponseWriter, r *http.Request, err error) error {
	token := r.PathValue("token")
	if err == nil {
		return httpx.Redirect(w, r, "/g/"+token)
	}
	if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	return s.show(w, r, httpx.StatusOf(err), err)
}

func (s *Service) createForm(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Restaurant id.ID `form:"restaurant"`
		Minutes    int   `form:"minutes"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	// Who takes part in one there already is led back to it.
	if token, err := s.openFor(r.Context(), whoIs(r), in.Restaurant); err != nil || token != "" {
		if err != nil {
			return err
		}
		return httpx.Redirect(w, r, "/g/"+token)
	}
	var deadline time.Time
	if in.Minutes > 0 {
		deadline = s.Now().Add(time.Duration(min(in.Minutes, 48*60)) * time.Minute)
	}
	g, err := s.Create(r.Context(), in.Restaurant, deadline)
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/g/"+g.Token)
}

// view is what the page shows.
type view struct {
	*Group
	Shop  *delivery.Shop
	InMy  int // dishes in the viewer's own cart that could be added
	Now   time.Time
	Name  string
	Link  string
	Err   error
	Admit bool // the viewer could take part, and does not yet

	// What the viewer's own share is paid with, while it is to be paid.
	Share  *Member
	Pay    payFields
	Cards  []ui.Option
	Credit money.Amount
	Extra  string // as typed
}

type payFields struct {
	Method string `form:"method"`
	Card   string `form:"card"`
}

func (s *Service) show(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	return s.showTyped(w, r, status, &view{Err: wrong})
}

// showTyped shows a group order with what was typed into v's forms.
func (s *Service) showTyped(w http.ResponseWriter, r *http.Request, status int, v *view) error {
	ctx, who := r.Context(), whoIs(r)
	g, err := s.Get(ctx, r.PathValue("token"), who)
	if err != nil {
		return err
	}
	v.Group, v.Now, v.Name, v.Link = g, s.Now(), who.Name, "/g/"+g.Token
	if v.Shop, err = s.Shop(ctx, g.Restaurant); err != nil {
		return err
	}
	v.Admit = g.Me == 0 && g.takes(v.Now)
	if g.Me != 0 && g.takes(v.Now) {
		c, err := s.Carts.Cart(ctx, who.Account, who.Guest)
		if err != nil {
			return err
		}
		if c.Restaurant == g.Restaurant {
			for _, l := range c.Lines {
				v.InMy += l.Qty
			}
		}
	}
	if err := s.payable(ctx, v); err != nil {
		return err
	}
	if v.Mine && v.Err == nil && !v.Collecting && (v.State == Open || v.State == Locked) {
		if v.Extra, err = s.fee(r, v.Group); err != nil {
			return err
		}
	}
	w.Header().Set("Cache-Control", "private, no-store")
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, status, body(v))
	}
	return httpx.Render(w, r, status, page(v))
}

// fee returns what it costs to bring a group order to where its host has dinner brought, as they would type it; "" where that is not known.
func (s *Service) fee(r *http.Request, g *Group) (string, error) {
	at := s.Where(r)
	if at == nil {
		return "", nil
	}
	q := delivery.QuoteRequest{Restaurant: g.Restaurant, Mode: delivery.ByCourier, To: &delivery.Address{Point: *at}}
	for _, m := range g.Members {
		for _, l := range m.Lines {
			q.Lines = append(q.Lines, l.LineRequest)
		}
	}
	now, err := s.Quote(r.Context(), q)
	if err != nil || now.Fee <= 0 {
		return "", err
	}
	return strings.TrimSpace(strings.TrimSuffix(money.Format(now.Fee, g.Currency), g.Currency)), nil
}

// payable puts into a view what the viewer's own share can be paid with, where it is to be paid.
func (s *Service) payable(ctx context.Context, v *view) (err error) {
	i := slices.IndexFunc(v.Members, func(m Member) bool { return m.ID == v.Me && v.Me != 0 })
	if i < 0 || v.State != Locked || !v.Collecting || v.Members[i].State == "" {
		return nil
	}
	v.Share = &v.Members[i]
	if v.Share.State != ShareDue && v.Share.State != ShareDeclined {
		return nil
	}
	if v.Cards, err = s.Cards(ctx); err != nil {
		return err
	}
	if v.Credit, err = s.Deps.Credit(ctx, v.Currency); err != nil {
		return err
	}
	if v.Pay.Method == "" {
		v.Pay.Method = string(delivery.PayByCard)
	}
	if v.Pay.Card == "" && len(v.Cards) > 0 {
		v.Pay.Card = v.Cards[0].Value
	}
	return nil
}

func (s *Service) collectForm(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Extra string `form:"extra"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	g, err := s.Get(r.Context(), r.PathValue("token"), whoIs(r))
	if err != nil {
		return err
	}
	extra, ok := money.Amount(0), true
	if strings.TrimSpace(in.Extra) != "" {
		extra, ok = money.Parse(in.Extra, g.Currency)
	}
	if !ok {
		extra = -1
	}
	err = s.Collect(r.Context(), g.Token, extra)
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Conflict) {
		return s.showTyped(w, r, httpx.StatusOf(err), &view{Err: err, Extra: in.Extra})
	}
	return s.after(w, r, err)
}

// payForm pays the viewer's share, and leads to their bank where that asks them.
func (s *Service) payForm(w http.ResponseWriter, r *http.Request) error {
	var in payFields
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx, token := r.Context(), r.PathValue("token")
	err := s.PayShare(ctx, token, Pay{Method: delivery.Method(in.Method), Card: in.Card})
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Conflict) {
		return s.showTyped(w, r, httpx.StatusOf(err), &view{Err: err, Pay: in})
	}
	if err != nil {
		return err
	}
	g, err := s.Get(ctx, token, whoIs(r))
	if err != nil {
		return err
	}
	for _, m := range g.Members {
		if m.Action != nil {
			return httpx.Redirect(w, r, "/pay/"+m.payment.String()) // knows where each provider asks
		}
	}
	return httpx.Redirect(w, r, "/g/"+token)
}

// paidPage is where a bank sends somebody back to who was there for their share: it is asked at once.
func (s *Service) paidPage(w http.ResponseWriter, r *http.Request) error {
	return s.after(w, r, s.CheckShare(r.Context(), r.PathValue("token")))
}

func (s *Service) showPage(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, nil)
}

// joinForm has a guest take part, too: the cookie that knows their cart knows them here.
func (s *Service) joinForm(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name string `form:"name"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	who := whoIs(r)
	who.Name = in.Name
	if who.Account == 0 && who.Guest == "" {
		who.Guest = id.Secret()
		http.SetCookie(w, &http.Cookie{
			Name: account.GuestCookie, Value: who.Guest, Path: "/", MaxAge: 30 * 24 * 3600, HttpOnly: true, Secure: s.HTTPS, SameSite: http.SameSiteLaxMode,
		})
	}
	return s.after(w, r, s.Join(r.Context(), r.PathValue("token"), who))
}

func (s *Service) checkoutForm(w http.ResponseWriter, r *http.Request) error {
	if err := s.Checkout(r.Context(), r.PathValue("token")); err != nil {
		return s.after(w, r, err)
	}
	return httpx.Redirect(w, r, "/checkout")
}

// events streams what happens to a group order to who holds its link.
func (s *Service) events(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.Get(r.Context(), r.PathValue("token"), Who{}); err != nil {
		return err
	}
	return s.Hub.ServeAllowed(w, r, []string{topic(r.PathValue("token"))})
}

type output struct{ Body *Group }

// Addressed is the path of a group order. It is exported because huma fills no embedded struct that is not.
type Addressed struct {
	Token string `path:"token" maxLength:"43"`
}

// person returns the actor as somebody who takes part.
func person(ctx context.Context) Who {
	a := access.From(ctx)
	return Who{Account: a.ID, Name: a.Name}
}

// reply shows a group order after something was done to it.
func (s *Service) reply(ctx context.Context, token string, err error) (*output, error) {
	if err != nil {
		return nil, err
	}
	g, err := s.Get(ctx, token, person(ctx))
	return &output{g}, err
}

type createInput struct {
	Body struct {
		Restaurant id.ID     `json:"restaurant"`
		Deadline   time.Time `json:"deadline,omitzero" doc:"Until when dishes are added."`
	}
}

func (s *Service) restCreate(ctx context.Context, in *createInput) (*output, error) {
	g, err := s.Create(ctx, in.Body.Restaurant, in.Body.Deadline)
	return &output{g}, err
}

func (s *Service) restGet(ctx context.Context, in *Addressed) (*output, error) {
	return s.reply(ctx, in.Token, nil)
}

type joinInput struct {
	Addressed
	Body struct {
		Name string `json:"name,omitempty" maxLength:"40" doc:"Left out: the account's."`
	}
}

func (s *Service) restJoin(ctx context.Context, in *joinInput) (*output, error) {
	who := person(ctx)
	if in.Body.Name != "" {
		who.Name = in.Body.Name
	}
	return s.reply(ctx, in.Token, s.Join(ctx, in.Token, who))
}

type addInput struct {
	Addressed
	Body struct {
		Lines []delivery.LineRequest `json:"lines" minItems:"1" maxItems:"60"`
	}
}

func (s *Service) restAdd(ctx context.Context, in *addInput) (*output, error) {
	g, err := s.Get(ctx, in.Token, person(ctx))
	if err != nil {
		return nil, err
	}
	for i, l := range in.Body.Lines { // a line that no card could make sense of is refused here, not at the till
		if l.Item == 0 || l.Qty < 1 || l.Qty > 99 || len(l.Options) > 40 || len(l.Note) > 200 {
			return nil, errs.InvalidField("lines["+strconv.Itoa(i)+"]", "Order between 1 and %d of each dish.", 99)
		}
	}
	return s.reply(ctx, in.Token, s.Add(ctx, in.Token, person(ctx), Cart{Restaurant: g.Restaurant, Lines: in.Body.Lines}))
}

type lineInput struct {
	Addressed
	Line string `path:"line" maxLength:"20"`
}

func (s *Service) restRemove(ctx context.Context, in *lineInput) (*output, error) {
	n, err := id.Parse(in.Line)
	if err != nil {
		return nil, errs.InvalidField("path.line", "This is not an id.")
	}
	return s.reply(ctx, in.Token, s.Remove(ctx, in.Token, person(ctx), n))
}

type collectInput struct {
	Addressed
	Body struct {
		Extra money.Amount `json:"extra,omitempty" minimum:"0" maximum:"100000" doc:"What all pay of fee and tip together, in minor units."`
	}
}

func (s *Service) restCollect(ctx context.Context, in *collectInput) (*output, error) {
	return s.reply(ctx, in.Token, s.Collect(ctx, in.Token, in.Body.Extra))
}

type payInput struct {
	Addressed
	Body Pay
}

func (s *Service) restPay(ctx context.Context, in *payInput) (*output, error) {
	return s.reply(ctx, in.Token, s.PayShare(ctx, in.Token, in.Body))
}

type stateInput struct {
	Addressed
	Body struct {
		State string `json:"state" enum:"open,locked,closed"`
	}
}

func (s *Service) restState(ctx context.Context, in *stateInput) (*output, error) {
	var err error
	switch in.Body.State {
	case Locked:
		err = s.Checkout(ctx, in.Token)
	case Open:
		err = s.Reopen(ctx, in.Token)
	default:
		err = s.Close(ctx, in.Token)
	}
	return s.reply(ctx, in.Token, err)
}

package cart

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// checkoutForm is the whole checkout as one form. It says everything that is ordered, so that sending it twice asks for the same thing
// twice, whatever has become of the cart in between.
type checkoutForm struct {
	Key         string  `form:"idempotency_key"`
	Restaurant  id.ID   `form:"restaurant"`
	Lines       string  `form:"lines"` // []delivery.LineRequest as JSON
	Mode        string  `form:"mode"`
	When        string  `form:"when"` // "asap" or "later"
	At          string  `form:"at"`   // RFC 3339, with "later"
	Lat         float64 `form:"lat"`
	Lon         float64 `form:"lon"`
	Street      string  `form:"street"`
	City        string  `form:"city"`
	Detail      string  `form:"detail"`
	Notes       string  `form:"notes"`
	Name        string  `form:"name"`
	Phone       string  `form:"phone"`
	Tip         string  `form:"tip"` // minor units, or "custom"
	TipCustom   string  `form:"tip_custom"`
	Note        string  `form:"note"`
	Method      string  `form:"method"`
	Card        string  `form:"card"`
	Fingerprint string  `form:"fingerprint"`
	Seen        string  `form:"seen"`
	Saved       id.ID   `form:"saved"` // the button of a saved address
	Code        string  `form:"code"`  // of a promotion, as it was applied
	Promo       string  `form:"promo"` // as it is typed
	Credit      bool    `form:"credit"`
	Group       string  `form:"group"` // the group order where others have paid their shares in
}

// tips are what the chips offer, in minor units.
var tips = []money.Amount{0, 150, 300}

// address returns the address that the form says, nil where it has no point.
func (f *checkoutForm) address() *delivery.Address {
	p := geo.Point{Lat: f.Lat, Lon: f.Lon}
	if p.IsZero() {
		return nil
	}
	return &delivery.Address{
		Point: p, Street: text.Clean(f.Street, 120), City: text.Clean(f.City, 80), Detail: text.Clean(f.Detail, 120), Notes: text.Clean(f.Notes, 300),
		Name: text.Clean(f.Name, 80), Phone: text.Clean(f.Phone, 40),
	}
}

// details reads what the form says beside the dishes, or returns an Invalid error with the fields that can't be read.
func (f *checkoutForm) details(currency string) (Details, error) {
	var wrong []errs.Field
	d := Details{Mode: delivery.Mode(f.Mode), To: f.address(), Note: f.Note, Method: delivery.Method(f.Method), Credit: f.Credit}
	if f.When == "later" && f.At != "" {
		at, err := time.Parse(time.RFC3339, f.At)
		if err != nil {
			wrong = append(wrong, errs.Field{Path: "at", Message: "Choose a time from the list."})
		} else {
			at = at.UTC()
			d.At = &at
		}
	}
	var ok bool
	if d.Tip, ok = tipOf(f.Tip, f.TipCustom, currency); !ok {
		wrong = append(wrong, errs.Field{Path: "tip_custom", Message: "Write an amount such as 2.50."})
	}
	if d.Method != delivery.PayByCard {
		d.Method = delivery.PayOnDelivery
	}
	return d, errs.InvalidFields(wrong)
}

// tipOf reads a tip: one of the chips, or an amount as people write it.
func tipOf(chip, custom, currency string) (money.Amount, bool) {
	if chip != "custom" {
		for _, t := range tips {
			if chip == minor(t) {
				return t, true
			}
		}
		return 0, chip == ""
	}
	if strings.TrimSpace(custom) == "" {
		return 0, true
	}
	return money.Parse(custom, currency)
}

// request returns the order that the form asks for, or an Invalid error with its fields.
func (f *checkoutForm) request(currency string) (delivery.PlaceRequest, error) {
	d, err := f.details(currency)
	if err != nil {
		return delivery.PlaceRequest{}, err
	}
	var lines []delivery.LineRequest
	if json.Unmarshal([]byte(f.Lines), &lines) != nil || len(lines) > MaxLines {
		return delivery.PlaceRequest{}, errs.InvalidField("lines", "The dishes of this form can't be read. Load the page again.")
	}
	for i := range lines {
		if err := tidyLine(&lines[i], "lines."); err != nil {
			return delivery.PlaceRequest{}, err
		}
	}
	in := delivery.PlaceRequest{
		QuoteRequest: delivery.QuoteRequest{Restaurant: f.Restaurant, Mode: d.Mode, At: d.At, Lines: lines, Tip: d.Tip, Note: text.Clean(d.Note, 300), Code: f.Code},
		Fingerprint:  f.Fingerprint, Method: d.Method, Credit: d.Credit, Group: f.Group, Name: text.Clean(f.Name, 80), Phone: text.Clean(f.Phone, 40),
	}
	if d.Method == delivery.PayByCard {
		in.Card = f.Card
	}
	var wrong []errs.Field
	if d.Mode == delivery.ByCourier {
		in.To = d.To
		if d.To != nil && d.To.Street == "" {
			wrong = append(wrong, errs.Field{Path: "street", Message: "Give the street and house number."})
		}
	}
	if in.Name == "" {
		wrong = append(wrong, errs.Field{Path: "name", Message: "Give the name to ask for."})
	}
	if f.When == "later" && d.At == nil {
		wrong = append(wrong, errs.Field{Path: "at", Message: "Choose a time."})
	}
	return in, errs.InvalidFields(wrong)
}

// checkoutView is what the checkout shows.
type checkoutView struct {
	*basket
	Form    checkoutForm
	Err     error
	Days    []slotDay
	Saved   []delivery.SavedAddress
	Changes []difference
	Guest   bool
	Credit  money.Amount // what the customer can spend
	Pot     money.Amount // what others have paid in for this order
	Cards   []ui.Option  // that can be paid with
	Now     time.Time
}

// slotDay is the times of one day.
type slotDay struct {
	Day   time.Time
	Slots []delivery.Slot
}

// seen is what the customer was shown, for telling them what has changed since. It decides nothing.
type seen struct {
	Lines []seenLine   `json:"l"`
	Fee   money.Amount `json:"f"`
	Off   money.Amount `json:"o"` // discounts
	Total money.Amount `json:"t"`
	From  time.Time    `json:"a"`
	To    time.Time    `json:"z"`
}

type seenLine struct {
	Item  id.ID        `json:"i"`
	Name  string       `json:"n"`
	Total money.Amount `json:"t"`
}

func seenOf(q *delivery.Quote) seen {
	s := seen{Fee: q.Fee, Off: takenOff(q), Total: q.Total, From: q.From, To: q.To}
	for _, l := range q.Lines {
		s.Lines = append(s.Lines, seenLine{l.Item, l.Name, l.Total})
	}
	return s
}

// takenOff returns the sum of a quote's discounts.
func takenOff(q *delivery.Quote) (sum money.Amount) {
	for _, d := range q.Discounts {
		sum += d.Amount
	}
	return sum
}

// difference is one thing that is not as the customer saw it.
type difference struct {
	What string
	// Old and New are amounts, or, with Time, when it would come.
	Old, New       money.Amount
	Gone           bool
	Time           bool
	OldFrom, OldTo time.Time
	NewFrom, NewTo time.Time
}

// differences tells an old quote from a new one, for people.
func differences(ctx context.Context, old seen, q *delivery.Quote) []difference {
	var out []difference
	rest := slices.Clone(q.Lines)
	for _, l := range old.Lines {
		i := slices.IndexFunc(rest, func(x delivery.QuoteLine) bool { return x.Item == l.Item })
		if i < 0 {
			out = append(out, difference{What: l.Name, Old: l.Total, Gone: true})
			continue
		}
		if rest[i].Total != l.Total {
			out = append(out, difference{What: l.Name, Old: l.Total, New: rest[i].Total})
		}
		rest = slices.Delete(rest, i, i+1)
	}
	if old.Fee != q.Fee {
		out = append(out, difference{What: i18n.T(ctx, "Delivery"), Old: old.Fee, New: q.Fee})
	}
	if len(old.Lines) > 0 && q.To.After(old.To.Add(time.Minute)) {
		out = append(out, difference{What: i18n.T(ctx, "It comes"), Time: true, OldFrom: old.From, OldTo: old.To, NewFrom: q.From, NewTo: q.To})
	}
	if before, now := old.Off, takenOff(q); before != now {
		out = append(out, difference{What: i18n.T(ctx, "Discounts"), Old: -before, New: -now})
	}
	if old.Total != q.Total {
		out = append(out, difference{What: i18n.T(ctx, "Total"), Old: old.Total, New: q.Total})
	}
	return out
}

// checkout collects what the checkout shows of a cart. form is what was typed, nil the first time; a nil view stands for an empty cart.
func (s *Service) checkout(r *http.Request, c Cart, form *checkoutForm) (*checkoutView, error) {
	ctx := r.Context()
	p := placeOf(r)
	if form != nil {
		p = nil // the form has a place of its own
		if a := form.address(); a != nil && a.Point.Valid() {
			c.To = a
		}
	}
	b, err := s.basket(ctx, c, p)
	if err != nil || b == nil {
		return nil, err
	}
	actor := access.From(ctx)
	v := &checkoutView{basket: b, Guest: !actor.SignedIn(), Now: s.now()}
	if form != nil {
		v.Form = *form
	} else {
		v.Form = b.form(actor.Name)
		if v.noASAP() {
			v.Form.When = "later"
		}
	}
	v.Form.Restaurant, v.Form.Mode, v.Form.Fingerprint = b.Shop.ID, string(b.Cart.Mode), b.Quote.Fingerprint
	v.Form.Code = b.Cart.Code
	if s.opt.Credit != nil && !v.Guest {
		if v.Credit, err = s.opt.Credit(ctx, b.Shop.Currency); err != nil {
			return nil, err
		}
	}
	if s.opt.Pot != nil && !v.Guest {
		if v.Form.Group, v.Pot, err = s.opt.Pot(ctx, b.Shop.ID); err != nil {
			return nil, err
		}
	}
	v.Form.Lines, v.Form.Seen = encode(b.Cart.Request().Lines), encode(seenOf(b.Quote))
	if v.Form.Key == "" {
		v.Form.Key = id.Secret()
	}
	if a := b.Cart.To; a != nil {
		v.Form.Lat, v.Form.Lon = a.Point.Lat, a.Point.Lon
	}
	if err := s.slots(ctx, v); err != nil {
		return nil, err
	}
	if err := s.cards(ctx, v); err != nil {
		return nil, err
	}
	if s.opt.Addresses != nil && !v.Guest && b.Cart.Mode == delivery.ByCourier {
		if v.Saved, err = s.opt.Addresses(ctx); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// cards puts the cards into a view that can be paid with, and chooses the first where another was chosen.
func (s *Service) cards(ctx context.Context, v *checkoutView) (err error) {
	v.Cards = TestCards(ctx)
	if s.opt.Cards != nil && !v.Guest {
		if v.Cards, err = s.opt.Cards(ctx); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(v.Cards, func(o ui.Option) bool { return o.Value == v.Form.Card }) && len(v.Cards) > 0 {
		v.Form.Card = v.Cards[0].Value
	}
	return nil
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // plain values: they always encode
	}
	return string(b)
}

// form fills the checkout's form from the cart.
func (b *basket) form(name string) checkoutForm {
	c := &b.Cart
	f := checkoutForm{When: "asap", Note: c.Note, Method: string(c.Method), Name: name, Card: "tok_ok", Credit: c.Credit}
	if c.At != nil {
		f.When, f.At = "later", c.At.Format(time.RFC3339)
	}
	if f.Method == "" {
		f.Method = string(delivery.PayOnDelivery)
	}
	if c.Tip > 0 {
		f.Tip = "custom"
		f.TipCustom = strings.TrimSpace(strings.TrimSuffix(money.Format(c.Tip, b.Quote.Currency), b.Quote.Currency))
		if slices.Contains(tips, c.Tip) {
			f.Tip, f.TipCustom = minor(c.Tip), ""
		}
	}
	if a := c.To; a != nil {
		f.Street, f.City, f.Detail, f.Notes, f.Phone = a.Street, a.City, a.Detail, a.Notes, a.Phone
		if a.Name != "" {
			f.Name = a.Name
		}
	}
	return f
}

// slots puts the times that can be chosen into a view, by day.
func (s *Service) slots(ctx context.Context, v *checkoutView) error {
	var to *geo.Point
	if v.Cart.Mode == delivery.ByCourier {
		if v.Cart.To == nil {
			return nil
		}
		to = &v.Cart.To.Point
	}
	list, err := s.restaurants.Slots(ctx, v.Shop.ID, v.Cart.Mode, to, v.Now, 15)
	if err != nil {
		return err
	}
	for _, slot := range list {
		y, m, d := slot.From.In(v.Shop.Loc).Date()
		day := time.Date(y, m, d, 12, 0, 0, 0, v.Shop.Loc)
		if n := len(v.Days); n == 0 || !v.Days[n-1].Day.Equal(day) {
			v.Days = append(v.Days, slotDay{Day: day})
		}
		last := &v.Days[len(v.Days)-1]
		last.Slots = append(last.Slots, slot)
	}
	return nil
}

func (s *Service) checkoutPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Get(r.Context(), ownerOf(r))
	if err != nil {
		return err
	}
	v, err := s.checkout(r, c, nil)
	if err != nil {
		return err
	}
	if v == nil {
		return httpx.Redirect(w, r, "/cart")
	}
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, http.StatusOK, checkoutBody(v))
	}
	return httpx.Render(w, r, http.StatusOK, checkoutPage(v))
}

// currencyOf returns the currency of a restaurant, "" where it is unknown.
func (s *Service) currencyOf(ctx context.Context, restaurant id.ID) string {
	shop, err := s.shops.Shop(ctx, restaurant)
	if err != nil {
		return ""
	}
	return shop.Currency
}

// updateCheckout stores what is filled in so far and shows what it costs then.
func (s *Service) updateCheckout(w http.ResponseWriter, r *http.Request) error {
	var in checkoutForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if in.Saved != 0 {
		if err := s.takeSaved(w, r, &in); err != nil {
			return err
		}
	}
	d, wrong := in.details(s.currencyOf(r.Context(), in.Restaurant))
	if _, ok := asError(wrong); wrong != nil && !ok {
		return wrong
	}
	c, err := s.SetDetails(r.Context(), ownerOf(r), d)
	if err != nil {
		return err
	}
	if !httpx.IsFragment(r) && wrong == nil {
		return httpx.Redirect(w, r, "/checkout")
	}
	if c.At == nil {
		in.At = ""
	}
	return s.showCheckout(w, r, c, in, wrong, http.StatusOK)
}

// applyCode notes the code that was typed and shows what it takes off. It is a form of its own, so that Enter in its field never orders.
func (s *Service) applyCode(w http.ResponseWriter, r *http.Request) error {
	var in checkoutForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	o := ownerOf(r)
	c, err := s.SetCode(r.Context(), o, in.Promo)
	if err != nil {
		return err
	}
	if !httpx.IsFragment(r) || in.Restaurant == 0 {
		return httpx.Redirect(w, r, backFrom(r.Form.Get("back")))
	}
	d, wrong := in.details(s.currencyOf(r.Context(), in.Restaurant))
	if wrong == nil {
		if c, err = s.SetDetails(r.Context(), o, d); err != nil {
			return err
		}
	}
	return s.showCheckout(w, r, c, in, wrong, http.StatusOK)
}

// takeSaved puts a saved address into the form and makes it the visitor's place.
func (s *Service) takeSaved(w http.ResponseWriter, r *http.Request, in *checkoutForm) error {
	if s.opt.Addresses == nil {
		return errs.New(errs.NotFound, "This address is not in your book.")
	}
	list, err := s.opt.Addresses(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a delivery.SavedAddress) bool { return a.ID == in.Saved })
	if i < 0 {
		return errs.New(errs.NotFound, "This address is not in your book.")
	}
	a := list[i].Address
	in.Lat, in.Lon, in.Street, in.City, in.Detail, in.Notes = a.Point.Lat, a.Point.Lon, a.Street, a.City, a.Detail, a.Notes
	if a.Name != "" {
		in.Name = a.Name
	}
	if a.Phone != "" {
		in.Phone = a.Phone
	}
	s.setPlace(w, &a)
	return nil
}

// showCheckout answers with the checkout and what is wrong with it.
func (s *Service) showCheckout(w http.ResponseWriter, r *http.Request, c Cart, in checkoutForm, wrong error, status int) error {
	v, err := s.checkout(r, c, &in)
	if err != nil {
		return err
	}
	if v == nil {
		return httpx.Redirect(w, r, "/cart")
	}
	v.Err = wrong
	if errs.CodeOf(wrong) == "quote_changed" {
		v.Changes = differences(r.Context(), in.seen(), v.Quote)
	}
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, status, checkoutBody(v))
	}
	return httpx.Render(w, r, status, checkoutPage(v))
}

// seen returns what the customer was shown; nothing where that can't be read.
func (f *checkoutForm) seen() seen {
	var old seen
	if json.Unmarshal([]byte(f.Seen), &old) != nil {
		return seen{}
	}
	return old
}

// place places the order. A guest is sent to sign in and comes back to the same checkout.
func (s *Service) place(w http.ResponseWriter, r *http.Request) error {
	var in checkoutForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	o := ownerOf(r)
	currency := s.currencyOf(ctx, in.Restaurant)
	if !access.From(ctx).SignedIn() {
		if d, err := in.details(currency); err == nil {
			if _, err := s.SetDetails(ctx, o, d); err != nil && !errs.Is(err, errs.Invalid) {
				return err
			}
		}
		return httpx.Redirect(w, r, "/sign-in?next="+url.QueryEscape("/checkout"))
	}
	req, err := in.request(currency)
	if err != nil {
		return s.refused(w, r, o, in, err)
	}
	placed, err := s.placeOnce(ctx, in.Key, req)
	if err != nil {
		return s.refused(w, r, o, in, err)
	}
	// The order stands whatever becomes of the cart: should this fail, the event empties it.
	if err := s.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error { return s.ordered(ctx, tx, o.account, req.Restaurant, s.now()) }); err != nil {
		slog.WarnContext(ctx, "cart: not emptied after the order", "order", placed.Order, "err", err)
	}
	if placed.Action != nil {
		return httpx.Redirect(w, r, "/pay/"+placed.Code)
	}
	return httpx.Redirect(w, r, "/orders/"+placed.Code)
}

// A second tap arrives while the first is being worked on: it waits for the same answer, this often and this long each time.
const (
	runningTries = 20
	runningWait  = 250 * time.Millisecond
)

func (s *Service) placeOnce(ctx context.Context, key string, req delivery.PlaceRequest) (*delivery.Placed, error) {
	for range runningTries {
		placed, err := s.orders.Place(ctx, key, req)
		if errs.CodeOf(err) != "idempotency_running" {
			return placed, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(runningWait):
		}
	}
	return s.orders.Place(ctx, key, req)
}

// refused shows the checkout again with the reason. What is ours to mend goes on as an error, and the form keeps its key: the order may
// stand, and the next tap will find it.
func (s *Service) refused(w http.ResponseWriter, r *http.Request, o Owner, in checkoutForm, err error) error {
	if _, ok := asError(err); !ok || httpx.StatusOf(err) >= http.StatusInternalServerError {
		return err
	}
	c, cerr := s.Get(r.Context(), o)
	if cerr != nil {
		return cerr
	}
	if c.Empty() {
		// Another tab has ordered, or emptied, what this one still shows.
		return httpx.Redirect(w, r, "/cart")
	}
	if d, derr := in.details(s.currencyOf(r.Context(), c.Restaurant)); derr == nil && d.Mode == c.Mode {
		if kept, kerr := s.SetDetails(r.Context(), o, d); kerr == nil {
			c = kept
		}
	}
	if errs.CodeOf(err) != "idempotency_running" {
		in.Key = ""
	}
	return s.showCheckout(w, r, c, in, err, httpx.StatusOf(err))
}

func asError(err error) (*errs.Error, bool) { return errors.AsType[*errs.Error](err) }
